//! The environment of the process.

use std::ffi::{CStr, CString};

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{bytes, dict};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::c_string;
use crate::os::{check, sys};

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// The environment as a dict of bytes; of several entries with one name the first counts.
pub(crate) fn current(cx: &Ctx) -> PyResult {
    let d = dict::new();
    let mut p = sys!(environ);
    while !p.is_null() && !sys!(*p).is_null() {
        let entry = sys!(CStr::from_ptr(*p)).to_bytes();
        p = p.wrapping_add(1);
        let Some(eq) = entry.iter().position(|b| *b == b'=') else { continue };
        let key = bytes::new(&entry[..eq]);
        if dict::get(cx, &d, &key)?.is_none() {
            dict::set(cx, &d, &key, &bytes::new(&entry[eq + 1..]))?;
        }
    }
    Ok(d)
}

/// The `name=value` texts of a mapping, as exec calls take them.
pub(crate) fn environment_block(cx: &Ctx, env: &Obj) -> PyResult<Vec<CString>> {
    if env.type_of().slots.getitem.get().is_none() {
        return Err(cx.type_error("execve: environment must be a mapping object"));
    }
    let keys = env.call_method(cx, cinder_pyobj::intern!("keys"), &[])?.collect(cx)?;
    let mut out = Vec::with_capacity(keys.len());
    for k in keys {
        let v = env.get_item(cx, &k)?;
        let (k, v) = (c_string(cx, &k)?, c_string(cx, &v)?);
        if k.is_empty() || k.as_bytes()[1..].contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        let entry = [k.as_bytes(), b"=", v.as_bytes()].concat();
        out.push(CString::new(entry).map_err(|_| cx.value_error("embedded null byte"))?);
    }
    Ok(out)
}

#[pymodule(part, name = "posix")]
pub(crate) mod env {
    use super::*;

    /// Sets a variable of the environment.
    #[pyfunction(sig = "(name, value, /)")]
    fn putenv(cx: &Ctx, name: &Obj, value: &Obj) -> PyResult<()> {
        let (n, v) = (c_string(cx, name)?, c_string(cx, value)?);
        if n.as_bytes().contains(&b'=') {
            return Err(cx.value_error("illegal environment variable name"));
        }
        cx.audit("os.putenv", || [&n, &v].map(|t| cinder_pyobj::types::bytes::new(t.as_bytes())))?;
        check(cx, sys!(libc::setenv(n.as_ptr(), v.as_ptr(), 1))).map(|_| ())
    }

    /// Removes a variable from the environment.
    #[pyfunction(sig = "(name, /)")]
    fn unsetenv(cx: &Ctx, name: &Obj) -> PyResult<()> {
        let n = c_string(cx, name)?;
        cx.audit("os.unsetenv", || [cinder_pyobj::types::bytes::new(n.as_bytes())])?;
        check(cx, sys!(libc::unsetenv(n.as_ptr()))).map(|_| ())
    }

    /// The environment as a new dict.
    #[pyfunction]
    fn _create_environ(cx: &Ctx) -> PyResult {
        current(cx)
    }
}
