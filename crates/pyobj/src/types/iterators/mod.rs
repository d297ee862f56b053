//! Iterator types of the builtins: `enumerate`, `reversed`, `zip`, `map`, `filter`, and the iterators behind
//! `iter()` for sequences by index and for callables.

mod adapters;
mod enumerate;
mod seq;
mod zip;

pub use adapters::{Filter, Map};
pub use enumerate::{Enumerate, Reversed};
pub use seq::{CallableIterator, SeqIterator, callable_iter, seq_iter};
pub use zip::Zip;

use crate::ctx::{Ctx, PyResult};
use crate::native::Args;
use crate::types::str::Name;
use crate::types::{Type, dict, tuple};
use crate::value::Obj;

/// `(builtin, (arg,))` or `(builtin, (arg,), state)`, for `__reduce__`.
pub(crate) fn reduce_with(cx: &Ctx, builtin: &str, arg: Obj, state: Option<Obj>) -> PyResult {
    let f = builtin_function(cx, builtin)?;
    let mut parts = vec![f, tuple::new(vec![arg])];
    parts.extend(state);
    Ok(tuple::new(parts))
}

/// `__reduce__` of an iterator by index: over `state`, or over a fresh empty container when exhausted.
pub(crate) fn reduce_indexed(cx: &Ctx, state: Option<(Obj, usize)>, empty: fn() -> Obj) -> PyResult {
    match state {
        Some((of, at)) => reduce_with(cx, "iter", of, Some(Obj::from(at))),
        None => reduce_with(cx, "iter", empty(), None),
    }
}

pub(crate) fn builtin_function(cx: &Ctx, name: &str) -> PyResult {
    let name = Name::new(name);
    let builtins = (cx.host().builtins)(cx).unwrap_or_else(Obj::none);
    let found = match dict::as_dict(&builtins).filter(|_| dict::Dict::is_exact(&builtins)) {
        Some(d) => d.get(cx, name.as_obj())?,
        None => match builtins.get_item(cx, name.as_obj()) {
            Ok(f) => Some(f),
            Err(r) => cx.swallow(r, crate::types::exc::KeyError()).map(|()| None)?,
        },
    };
    found.ok_or_else(|| cx.attribute_error(name.as_str(), &Obj::none(), name.as_obj()))
}

/// Refuses keywords for a constructor that takes none, unless a subclass has an `__init__` that may want them.
pub fn no_keywords_for(cx: &Ctx, ty: &Type, exact: &Type, args: Args<'_>) -> PyResult<()> {
    if !args.has_keywords() {
        return Ok(());
    }
    if ty.is(exact) || crate::native::same_init(ty, exact) {
        return Err(cx.type_error(format!("{}() takes no keyword arguments", exact.name())));
    }
    Ok(())
}

/// Refuses keywords for an `__init__` that takes none, unless a subclass has a `__new__` that may want them.
pub fn no_init_keywords_for(cx: &Ctx, ty: &Type, exact: &Type, args: Args<'_>) -> PyResult<()> {
    if args.has_keywords() && (ty.is(exact) || crate::native::same_new(ty, exact)) {
        return Err(cx.type_error(format!("{}() takes no keyword arguments", exact.name())));
    }
    Ok(())
}
