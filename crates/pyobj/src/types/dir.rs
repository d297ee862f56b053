//! `dir()` of objects and classes.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::types::{Type, dict, list, mapping_proxy, tuple};
use crate::value::Obj;

/// Collects the names of a class and its bases.
fn merge_class(cx: &Ctx, into: &Obj, cls: &Obj) -> PyResult<()> {
    cx.check_stack(" in dir()")?;
    if let Some(t) = cls.as_type() {
        for (k, v) in mapping_proxy::class_items(t) {
            into.set_item(cx, &k, &v)?;
        }
    } else if let Some(d) = cls.get_attr_opt(cx, intern!("__dict__"))? {
        into.call_method(cx, intern!("update"), &[d])?;
    }
    if let Some(bases) = cls.get_attr_opt(cx, intern!("__bases__"))? {
        for b in tuple::items_if_tuple(&bases).unwrap_or(&[]) {
            merge_class(cx, into, b)?;
        }
    }
    Ok(())
}

/// `object.__dir__`.
pub(crate) fn object_dir(cx: &Ctx, this: &Obj) -> PyResult {
    let names = dict::new();
    if let Some(d) = this.get_attr_opt(cx, intern!("__dict__"))?
        && dict::as_dict(&d).is_some()
    {
        names.call_method(cx, intern!("update"), &[d])?;
    }
    if let Some(c) = this.get_attr_opt(cx, intern!("__class__"))? {
        merge_class(cx, &names, &c)?;
    }
    Ok(list::new(names.collect(cx)?))
}

/// `type.__dir__`.
pub(crate) fn type_dir(cx: &Ctx, this: &Obj) -> PyResult {
    let names = dict::new();
    merge_class(cx, &names, this)?;
    Ok(list::new(names.collect(cx)?))
}

const _: fn(&Type) -> Vec<(Obj, Obj)> = mapping_proxy::class_items;
