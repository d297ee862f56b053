//! Exceptions: the hierarchy, and how natives make and raise them.

mod base;
mod fields;
mod group;
mod os_error;
mod table;

pub use base::BaseException;
pub use fields::{
    AttributeErrorData, ImportErrorData, NameErrorData, StopIterationData, SyntaxErrorData, SystemExitData,
    UnicodeErrorData, name_attribute,
};
pub use group::{GroupData, split_by};
pub use os_error::{OSErrorData, errno_class, strerror};
pub use table::*;

use crate::ctx::{Ctx, PyResult, Raised};
use crate::native::{Args, FixedShape};
use crate::types::Type;
use crate::value::Obj;

/// A new instance of an exception class with one str argument. A class whose constructor raises gives the
/// exception it raised instead.
#[cold]
pub fn new(cx: &Ctx, ty: &Type, message: &str) -> Obj {
    let arg = Obj::from(message);
    match ty.as_obj().call(cx, Args::positional(std::slice::from_ref(&arg))) {
        Ok(e) => e,
        Err(r) => cx.take(r),
    }
}

/// `e.__traceback__`.
pub fn traceback(e: &Obj) -> Option<Obj> {
    e.downcast::<BaseException>().and_then(|b| b.traceback.get())
}

/// Sets `e.__traceback__`.
pub fn set_traceback(e: &Obj, tb: Option<Obj>) {
    if let Some(b) = e.downcast::<BaseException>() {
        b.traceback.set(tb);
    }
}

/// `e.__context__`.
pub fn context(e: &Obj) -> Option<Obj> {
    e.downcast::<BaseException>().and_then(|b| b.context.get())
}

/// Sets `e.__context__`.
pub fn set_context(e: &Obj, context: Option<Obj>) {
    if let Some(b) = e.downcast::<BaseException>() {
        b.context.set(context);
    }
}

/// `e.__cause__`.
pub fn cause(e: &Obj) -> Option<Obj> {
    e.downcast::<BaseException>().and_then(|b| b.cause.get())
}

/// Sets `e.__cause__` and with it `e.__suppress_context__`.
pub fn set_cause(e: &Obj, cause: Option<Obj>) {
    if let Some(b) = e.downcast::<BaseException>() {
        b.cause.set(cause);
        b.suppress_context.set(true);
    }
}

/// Chains a new exception to the one being handled, without making the chain a ring.
pub(crate) fn set_context_from_handled(cx: &Ctx, e: &Obj) {
    let Some(handled) = (cx.host().handled_exception)(cx) else { return };
    if handled.is(e) {
        return;
    }
    // If `e` is already in the handled exception's chain, cut it out there.
    let mut at = handled.clone();
    let mut slow = handled.clone();
    let mut odd = false;
    while let Some(next) = context(&at) {
        if next.is(e) {
            set_context(&at, None);
            break;
        }
        at = next;
        if odd {
            if slow.is(&at) {
                break;
            }
            slow = match context(&slow) {
                Some(s) => s,
                None => break,
            };
        }
        odd = !odd;
    }
    set_context(e, Some(handled));
}

/// Raises AttributeError with `name` and `obj` set.
#[cold]
pub(crate) fn raise_attribute_error(cx: &Ctx, message: &str, obj: &Obj, name: &Obj) -> Raised {
    let e = new(cx, AttributeError(), message);
    if let Some(d) = e.downcast::<AttributeErrorData>() {
        d.name.set(Some(name.clone()));
        d.obj.set(Some(obj.clone()));
    }
    cx.raise_obj(e)
}

/// Raises NameError with `name` set.
#[cold]
pub fn raise_name_error(cx: &Ctx, ty: &Type, message: &str, name: &Obj) -> Raised {
    let e = new(cx, ty, message);
    if let Some(d) = e.downcast::<NameErrorData>() {
        d.name.set(Some(name.clone()));
    }
    cx.raise_obj(e)
}

/// Raises ImportError (or a subclass) with `name` and `path` set.
#[cold]
pub fn raise_import_error(cx: &Ctx, ty: &Type, message: &str, name: Option<Obj>, path: Option<Obj>) -> Raised {
    let e = new(cx, ty, message);
    if let Some(d) = e.downcast::<ImportErrorData>() {
        d.name.set(name);
        d.path.set(path);
    }
    cx.raise_obj(e)
}

/// Raises StopIteration whose value may itself be a tuple or an exception.
#[cold]
pub(crate) fn raise_stop_iteration(cx: &Ctx, value: Obj) -> Raised {
    match StopIteration().as_obj().call(cx, Args::positional(std::slice::from_ref(&value))) {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// The value of a StopIteration.
pub fn stop_iteration_value(e: &Obj) -> Obj {
    e.downcast::<StopIterationData>().and_then(|d| d.value.get()).unwrap_or_else(Obj::none)
}

/// Raises the OSError subclass of an error number.
#[cold]
pub(crate) fn raise_os_error(cx: &Ctx, errno: i32, name: Option<&Obj>, name2: Option<&Obj>) -> Raised {
    let text = os_error::strerror(errno);
    let mut args = vec![Obj::from(i64::from(errno)), Obj::from(text.as_str())];
    if let Some(n) = name {
        args.push(n.clone());
        if let Some(m) = name2 {
            args.push(Obj::none());
            args.push(m.clone());
        }
    }
    cx.raise_args(OSError(), &args)
}

/// Turns what `raise` got into an exception instance: an instance, or a class that is called.
pub fn instantiate(cx: &Ctx, what: &Obj) -> PyResult {
    if let Some(t) = what.as_type()
        && t.is_subtype(BaseException())
    {
        let e = match what.fixed::<Type>(FixedShape::Type) {
            Some(t) => super::call_type(cx, t, Args::none())?,
            None => what.call0(cx)?,
        };
        if e.downcast::<BaseException>().is_none() {
            return Err(cx.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {}",
                what.repr(cx).map(|r| super::str::as_utf8_lossy(&r).into_owned())?,
                e.type_of().as_obj().repr(cx).map(|r| super::str::as_utf8_lossy(&r).into_owned())?
            )));
        }
        return Ok(e);
    }
    if what.downcast::<BaseException>().is_some() {
        return Ok(what.clone());
    }
    Err(cx.type_error("exceptions must derive from BaseException"))
}
