//! What is left of `posix`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::TypeCell;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::{Ctx, Obj, PyResult};

pub(crate) static SCHED_PARAM: StructSeq = StructSeq {
    name: "sched_param",
    module: "posix",
    doc: "Scheduling parameters.",
    fields: &[("sched_priority", "priority of a real-time policy")],
    visible: 1,
    cell: TypeCell::new(),
};

#[pymodule(part, name = "posix")]
pub(crate) mod misc {
    use super::*;

    /// The message of an error number.
    #[pyfunction(sig = "(code, /)")]
    fn strerror(code: i32) -> String {
        cinder_pyobj::types::exc::strerror(code)
    }

    /// An iterator of the entries of a folder, which know more than their names.
    #[pyfunction(sig = "(path=None)")]
    fn scandir(cx: &Ctx, path: Option<&Obj>) -> PyResult {
        crate::modules::posix::scandir::scandir(cx, path)
    }

    /// Whether an input hook is installed: there are none.
    #[pyfunction]
    fn _is_inputhook_installed() -> bool {
        false
    }
}
