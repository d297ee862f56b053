//! `object.__reduce_ex__` and `object.__getstate__`.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{Type, dict, list, tuple};
use crate::value::Obj;

/// The names in `__slots__` of a class and its bases, as attributes are called.
fn slot_names(cx: &Ctx, ty: &Type) -> PyResult<Vec<Name>> {
    let copyreg = (cx.host().import)(cx, "copyreg")?;
    let names = copyreg.call_method(cx, intern!("_slotnames"), &[ty.as_obj()])?;
    if names.is_none() {
        return Ok(Vec::new());
    }
    Ok(names.collect(cx)?.iter().map(Name::intern_obj).collect())
}

/// `object.__getstate__`: the instance dict, together with the slots if there are any.
pub(crate) fn get_state(cx: &Ctx, this: &Obj, required: bool) -> PyResult {
    let ty = this.type_of();
    if required && ty.layout().payload.var_sized {
        return Err(cx.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let has_names =
        ty.layout().named_slots > 0 || ty.own_cell(intern!("__slotnames__")).is_some_and(|c| c.get().is_some());
    let names = if has_names { slot_names(cx, ty)? } else { Vec::new() };
    let state = match this.get_attr_opt(cx, intern!("__dict__"))? {
        Some(d) => match dict::items_if_dict(&d) {
            Some(items) if !items.is_empty() => {
                let copy = dict::new();
                copy.call_method(cx, intern!("update"), &[d])?;
                copy
            }
            _ => Obj::none(),
        },
        None => Obj::none(),
    };
    if required {
        // A native part without pickling support of its own cannot be restored.
        let l = ty.layout();
        if l.payload.size > 0 && names.is_empty() && !is_plain_container(ty) {
            return Err(cx.type_error(format!("cannot pickle '{}' object", ty.name())));
        }
    }
    if names.is_empty() {
        return Ok(state);
    }
    let slots = dict::new();
    for n in names {
        if let Some(v) = this.get_attr_opt(cx, n)? {
            slots.set_item(cx, n.as_obj(), &v)?;
        }
    }
    if slots.len(cx)? == 0 {
        return Ok(state);
    }
    Ok(tuple::new(vec![state, slots]))
}

/// Lists and dicts are restored from their items.
fn is_plain_container(ty: &Type) -> bool {
    use crate::native::FixedShape as F;
    let core = |f: F| crate::shape::ShapeId::fixed(f).get().ty();
    ty.is_subtype(core(F::List)) || ty.is_subtype(core(F::Dict))
}

/// `object.__reduce_ex__(protocol)` for classes without a reduction of their own.
pub(crate) fn reduce_ex(cx: &Ctx, this: &Obj, protocol: i64) -> PyResult {
    let copyreg = (cx.host().import)(cx, "copyreg")?;
    if protocol < 2 {
        return copyreg.call_method(cx, intern!("_reduce_ex"), &[this.clone(), Obj::from(protocol)]);
    }
    let ty = this.type_of();
    if ty.flags().no_new {
        return Err(cx.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let cls = ty.as_obj();
    let (mut args, mut kwargs) = (Vec::new(), None);
    let mut has_args = false;
    if let Some(f) = this.lookup_special(cx, intern!("__getnewargs_ex__"))? {
        let r = f.call0(cx)?;
        match tuple::items_if_tuple(&r) {
            Some([a, k]) => {
                let Some(items) = tuple::items_if_tuple(a) else {
                    return Err(cx.type_error(format!(
                        "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                        a.type_of().name()
                    )));
                };
                let Some(kw) = dict::items_if_dict(k) else {
                    return Err(cx.type_error(format!(
                        "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                        k.type_of().name()
                    )));
                };
                args = items.to_vec();
                if !kw.is_empty() {
                    kwargs = Some(k.clone());
                }
                has_args = true;
            }
            Some(t) => {
                return Err(
                    cx.value_error(format!("__getnewargs_ex__ should return a tuple of length 2, not {}", t.len()))
                );
            }
            None => {
                return Err(
                    cx.type_error(format!("__getnewargs_ex__ should return a tuple, not '{}'", r.type_of().name()))
                );
            }
        }
    } else if let Some(f) = this.lookup_special(cx, intern!("__getnewargs__"))? {
        let r = f.call0(cx)?;
        match tuple::items_if_tuple(&r) {
            Some(t) => args = t.to_vec(),
            None => {
                return Err(
                    cx.type_error(format!("__getnewargs__ should return a tuple, not '{}'", r.type_of().name()))
                );
            }
        }
        has_args = true;
    }
    let own_getstate = this.get_attr(cx, intern!("__getstate__"))?;
    let generic = own_getstate
        .downcast::<super::function::NativeFunction>()
        .is_some_and(|f| f.name() == "__getstate__" && f.receiver().is(this))
        && ty
            .lookup(intern!("__getstate__"))
            .is_some_and(|d| super::type_::type_type().lookup(intern!("__getstate__")).is_some_and(|o| o.is(&d)));
    let state = if generic { get_state(cx, this, !has_args)? } else { own_getstate.call0(cx)? };
    let (func, fargs) = match kwargs {
        None => {
            let mut all = vec![cls];
            all.extend(args);
            (copyreg.get_attr(cx, intern!("__newobj__"))?, tuple::new(all))
        }
        Some(k) => (copyreg.get_attr(cx, intern!("__newobj_ex__"))?, tuple::new(vec![cls, tuple::new(args), k])),
    };
    let list_items = if this.downcast::<list::List>().is_some() { this.iter(cx)? } else { Obj::none() };
    let dict_items = if dict::as_dict(this).is_some() {
        this.call_method(cx, intern!("items"), &[])?.iter(cx)?
    } else {
        Obj::none()
    };
    let _ = as_utf8_lossy;
    Ok(tuple::new(vec![func, fargs, state, list_items, dict_items]))
}
