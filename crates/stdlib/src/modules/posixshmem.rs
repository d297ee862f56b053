//! `_posixshmem`: shared memory by name.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::c_string;
use crate::os::{call, check, sys};

/// Memory that processes share under a name.
#[pymodule(name = "_posixshmem")]
pub(crate) mod posixshmem {
    use super::*;

    /// Opens or makes shared memory of that name; the result is a descriptor.
    #[pyfunction(sig = "(path, flags, mode=511)", name = "shm_open")]
    fn py_shm_open(cx: &Ctx, path: &Obj, flags: i32, mode: i32) -> PyResult<i32> {
        let text = c_string(cx, path)?;
        let fd = call(cx, || sys!(libc::shm_open(text.as_ptr(), flags, mode as libc::mode_t)))
            .map_err(|r| with_name(cx, r, path))?;
        check(cx, sys!(libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC)))?;
        Ok(fd)
    }

    /// Takes the name away; the memory lives as long as somebody has it open or mapped.
    #[pyfunction(sig = "(path, /)", name = "shm_unlink")]
    fn py_shm_unlink(cx: &Ctx, path: &Obj) -> PyResult<()> {
        let text = c_string(cx, path)?;
        check(cx, sys!(libc::shm_unlink(text.as_ptr()))).map_err(|r| with_name(cx, r, path))?;
        Ok(())
    }
}

/// The pending OSError with the object's name as its `filename`.
fn with_name(cx: &Ctx, r: cinder_pyobj::Raised, path: &Obj) -> cinder_pyobj::Raised {
    let e = cx.take(r);
    match e.downcast::<cinder_pyobj::types::exc::OSErrorData>().and_then(|d| d.errno()) {
        Some(n) => cx.os_error_with(n as i32, Some(path), None),
        None => cx.raise_obj(e),
    }
}
