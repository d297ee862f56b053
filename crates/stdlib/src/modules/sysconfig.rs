//! `_sysconfig`: settings of the build that the interpreter itself knows.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::dict;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// Native parts of the module sysconfig.
#[pymodule(name = "_sysconfig")]
pub(crate) mod module {
    use super::*;

    /// The values that sysconfig knows only from the build, as a dict.
    #[pyfunction]
    fn config_vars(cx: &Ctx) -> PyResult {
        let d = dict::new();
        for (name, value) in [("Py_GIL_DISABLED", 0i64), ("Py_DEBUG", 0)] {
            d.set_item(cx, &Obj::from(name), &Obj::from(value))?;
        }
        Ok(d)
    }
}
