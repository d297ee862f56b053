//! `_sysconfig`: settings of the build that the interpreter itself knows.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::dict;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// A helper for the sysconfig module.
#[pymodule(name = "_sysconfig")]
pub(crate) mod module {
    use super::*;

    /// Returns a dictionary containing build variables intended to be exposed by sysconfig.
    #[pyfunction]
    fn config_vars(cx: &Ctx) -> PyResult {
        let d = dict::new();
        for (name, value) in [("Py_GIL_DISABLED", 0i64), ("Py_DEBUG", 0)] {
            d.set_item(cx, &Obj::from(name), &Obj::from(value))?;
        }
        Ok(d)
    }
}
