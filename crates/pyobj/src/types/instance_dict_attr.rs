//! The `__dict__` and `__weakref__` attributes that a class gives its instances.

use crate::ctx::PyResult;
use crate::native::GetSetDef;
use crate::types::{Type, descriptor, dict};
use crate::value::Obj;

static DICT: GetSetDef = GetSetDef {
    name: "__dict__",
    doc: "dictionary for instance variables",
    is_member: false,
    get: |cx, this| match dict::instance_dict(cx, this)? {
        Some(d) => Ok(d),
        None => Err(cx.attribute_error(
            format!("'{}' object has no attribute '__dict__'", this.type_of().name()),
            this,
            crate::intern!("__dict__").as_obj(),
        )),
    },
    set: Some(set_dict),
};

fn set_dict(cx: &crate::Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    match value {
        Some(d) if dict::as_dict(d).is_some() => dict::set_instance_dict(cx, this, d),
        Some(d) => Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", d.type_of().name()))),
        // Only what Python classes add can be taken away.
        None if !this.type_of().is_heap_type() => Err(cx.type_error("cannot delete __dict__")),
        None => dict::set_instance_dict(cx, this, &dict::new()),
    }
}

static WEAKREF: GetSetDef = GetSetDef {
    name: "__weakref__",
    doc: "list of weak references to the object",
    is_member: false,
    get: |_, this| Ok(super::weakref::first_ref(this).unwrap_or_else(Obj::none)),
    set: None,
};

pub(crate) fn dict_descriptor(owner: &'static Type) -> Obj {
    descriptor::getset(owner, &DICT)
}

pub(crate) fn weakref_descriptor(owner: &'static Type) -> Obj {
    descriptor::getset(owner, &WEAKREF)
}

/// The `__dict__` attribute of native types with a dict.
pub(crate) fn add_dict_attr(owner: &'static Type) {
    super::create::set_attr(owner, crate::intern!("__dict__"), dict_descriptor(owner));
}
