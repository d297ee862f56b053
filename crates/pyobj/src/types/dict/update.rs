//! Filling dicts from mappings, pairs and keyword arguments.

use super::{Dict, Form, as_dict};
use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::Args;
use crate::types::exc;
use crate::value::Obj;

/// Whether a dict object iterates as plain dicts do, so that its entries may be read directly.
pub fn plain_iteration(o: &Obj) -> bool {
    use crate::native::PyClass;
    let ty = o.type_of();
    let base = Dict::type_object();
    ty.is(base)
        || match (ty.slots.iter.get(), base.slots.iter.get()) {
            (Some(a), Some(b)) => std::ptr::fn_addr_eq(a, b),
            _ => false,
        }
}

/// Adds the entries of a mapping: of a dict directly, of others through `keys()` and indexing.
/// Existing keys are replaced if `replace`.
pub fn merge(cx: &Ctx, into: &Dict, other: &Obj, replace: bool) -> PyResult<()> {
    if let Some(from) = as_dict(other)
        && plain_iteration(other)
    {
        return merge_dict(cx, into, from, replace);
    }
    let keys = other.call_method(cx, intern!("keys"), &[])?;
    let it = keys.iter(cx)?;
    while let Some(k) = it.next(cx)? {
        if !replace && into.has(cx, &k)? {
            continue;
        }
        let v = other.get_item(cx, &k)?;
        into.set(cx, &k, &v)?;
    }
    Ok(())
}

fn merge_dict(cx: &Ctx, into: &Dict, from: &Dict, replace: bool) -> PyResult<()> {
    if std::ptr::eq(into, from) || from.is_empty() {
        return Ok(());
    }
    if into.form() == Form::Compact {
        if into.is_empty() && from.form() == Form::Compact {
            let t = from.table().duplicate().map_err(|_| cx.no_memory())?;
            let old = std::mem::replace(into.table_mut(), t);
            drop(Dict::from(old));
            return Ok(());
        }
        let extra = from.len().saturating_sub(into.len());
        into.table_mut().reserve(extra).map_err(|_| cx.no_memory())?;
    }
    let n = from.len();
    let mut i = 0;
    while i < from.end() {
        if let Some((hash, k, v)) = from.entry_at(i) {
            // SAFETY: the dict keeps its entry alive until it is cloned here.
            let (k, v) = unsafe { (Obj::from_borrowed(k), Obj::from_borrowed(v)) };
            if replace || into.get_hashed(cx, &k, hash)?.is_none() {
                into.set_hashed(cx, &k, hash, &v)?;
            }
            if from.len() != n {
                return Err(cx.runtime_error("dict mutated during update"));
            }
        }
        i += 1;
    }
    Ok(())
}

/// Adds the pairs of an iterable.
pub(super) fn merge_pairs(cx: &Ctx, into: &Dict, pairs: &Obj) -> PyResult<()> {
    let it = pairs.iter(cx)?;
    let mut n = 0usize;
    while let Some(item) = it.next(cx)? {
        set_pair(cx, into, n, &item)?;
        n += 1;
    }
    Ok(())
}

/// Adds one pair, the item number `n` of an iterable.
pub fn set_pair(cx: &Ctx, into: &Dict, n: usize, item: &Obj) -> PyResult<()> {
    let pair = match item.collect(cx) {
        Ok(p) => p,
        Err(r) => {
            if !cx.pending_is(exc::TypeError()) {
                return Err(r);
            }
            let mut e = cx.take(r);
            let slots = &item.type_of().slots;
            if slots.iter.get().is_none() && slots.getitem.get().is_none() {
                let r = cx.type_error("object is not iterable");
                e = cx.take(r);
            }
            let note = format!("Cannot convert dictionary update sequence element #{n} to a sequence");
            e.call_method(cx, intern!("add_note"), &[Obj::from(note.as_str())])?;
            return Err(cx.set_pending(e));
        }
    };
    let [k, v] = &pair[..] else {
        return Err(
            cx.value_error(format!("dictionary update sequence element #{n} has length {}; 2 is required", pair.len()))
        );
    };
    into.set(cx, k, v)
}

/// Adds a mapping (anything with `keys`) or an iterable of pairs.
pub(super) fn merge_any(cx: &Ctx, into: &Dict, other: &Obj) -> PyResult<()> {
    if as_dict(other).is_some() || other.get_attr_opt(cx, intern!("keys"))?.is_some() {
        return merge(cx, into, other, true);
    }
    merge_pairs(cx, into, other)
}

/// `dict.update(*args, **kwargs)`; `function` is for messages.
pub fn update_from_args(cx: &Ctx, into: &Dict, args: Args<'_>, function: &str) -> PyResult<()> {
    match args.pos() {
        [] => {}
        [other] => merge_any(cx, into, other)?,
        more => {
            return Err(cx.type_error(format!("{function} expected at most 1 argument, got {}", more.len())));
        }
    }
    for (k, v) in args.keywords() {
        into.set(cx, k, v)?;
    }
    Ok(())
}
