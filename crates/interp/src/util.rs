//! Names of things for messages.

use cinder_pyobj::intern;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

/// `module.qualname` of a class, without `builtins`.
pub(crate) fn full_name(cx: &Ctx, ty: &Type) -> PyResult<String> {
    let o = ty.as_obj();
    let q = o.get_attr(cx, intern!("__qualname__"))?;
    let q = as_utf8_lossy(&q).into_owned();
    Ok(match o.get_attr_opt(cx, intern!("__module__"))? {
        Some(m) if m.type_of().is_str_subtype() && as_utf8_lossy(&m) != "builtins" => {
            format!("{}.{q}", as_utf8_lossy(&m))
        }
        _ => q,
    })
}

/// How messages about a call's arguments name the callee: `module.qualname()`, or its `str`.
pub(crate) fn callable_name(cx: &Ctx, f: &Obj) -> PyResult<String> {
    let Some(q) = f.get_attr_opt(cx, intern!("__qualname__"))? else {
        return Ok(as_utf8_lossy(&f.str(cx)?).into_owned());
    };
    let q = as_utf8_lossy(&q).into_owned();
    Ok(match f.get_attr_opt(cx, intern!("__module__"))? {
        Some(m) if m.type_of().is_str_subtype() && as_utf8_lossy(&m) != "builtins" => {
            format!("{}.{q}()", as_utf8_lossy(&m))
        }
        _ => format!("{q}()"),
    })
}
