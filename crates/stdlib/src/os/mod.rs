//! What the native modules share that talk to the operating system.

pub(crate) mod args;
pub(crate) mod running;

use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// Calls a libc function.
macro_rules! sys {
    ($e:expr) => {{
        // SAFETY: every call site passes live memory of the length that it states, NUL-terminated texts, or
        // null where the function allows that.
        #[allow(unused_unsafe, clippy::macro_metavars_in_unsafe, reason = "the macro is the marked boundary")]
        unsafe {
            $e
        }
    }};
}
pub(crate) use sys;

/// A zeroed C structure for a call to fill in.
macro_rules! zeroed {
    ($t:ty) => {{
        // SAFETY: the C structures used here are plain data for which all zeros is a value.
        unsafe { std::mem::zeroed::<$t>() }
    }};
}
pub(crate) use zeroed;

/// The error number of the last failed call.
pub(crate) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Raises OSError for the last failed call.
#[cold]
pub(crate) fn last_error(cx: &Ctx) -> Raised {
    cx.os_error(errno())
}

/// What a system call returns: -1 says that it failed.
pub(crate) trait Status: Copy {
    /// Whether the value is -1.
    fn failed(self) -> bool;
}

macro_rules! status {
    ($($t:ty)*) => {$(
        impl Status for $t {
            fn failed(self) -> bool {
                self == -1
            }
        }
    )*};
}
status!(i32 i64 isize);

/// Checks the result of a call that does not block.
pub(crate) fn check<T: Status>(cx: &Ctx, r: T) -> PyResult<T> {
    if r.failed() { Err(last_error(cx)) } else { Ok(r) }
}

/// Runs a call that may block, without the interpreter lock, again and again while signals interrupt it;
/// their Python handlers run in between and may raise. The inner result is the error number.
pub(crate) fn retry<T: Status>(cx: &Ctx, mut f: impl FnMut() -> T) -> PyResult<Result<T, i32>> {
    loop {
        let r = cx.without_lock(|| {
            let r = f();
            if r.failed() { Err(errno()) } else { Ok(r) }
        });
        match r {
            Err(libc::EINTR) => (cx.host().poll)(cx)?,
            r => return Ok(r),
        }
    }
}

/// As [`retry`], raising OSError on failure.
pub(crate) fn call<T: Status>(cx: &Ctx, f: impl FnMut() -> T) -> PyResult<T> {
    retry(cx, f)?.map_err(|e| cx.os_error(e))
}

/// Adds int constants to a module.
pub(crate) fn add_ints(cx: &Ctx, module: &Obj, constants: &[(&str, i64)]) -> PyResult<()> {
    for (name, value) in constants {
        module.set_attr(cx, Name::new(name), &Obj::from(*value))?;
    }
    Ok(())
}

/// Lists constants of libc under their own names.
macro_rules! c_ints {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}
pub(crate) use c_ints;

/// Warns that something was left open: `source`, which the message names. Where warnings are errors, that is reported
/// as what went wrong while `what` was finalised.
pub(crate) fn warn_unclosed(cx: &Ctx, message: &str, source: &Obj, what: (&str, &Obj)) {
    if (cx.host().warn_about)(cx, exc::ResourceWarning(), message, source).is_ok() {
        return;
    }
    cx.report_unraisable(&format!("Exception ignored while finalizing {}", what.0), what.1);
}
