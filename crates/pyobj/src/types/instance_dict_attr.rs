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
        // A class or module that also derives from what gives instances a `__dict__` shows its own.
        None if this.as_type().is_some() => Ok(super::mapping_proxy::of_type(this)),
        None => super::module::namespace(this).ok_or_else(|| {
            cx.attribute_error(
                format!("'{}' object has no attribute '__dict__'", this.type_of().name()),
                this,
                crate::intern!("__dict__").as_obj(),
            )
        }),
    },
    set: Some(set_dict),
};

fn set_dict(cx: &crate::Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    match value {
        Some(d) if dict::as_dict(d).is_some() => dict::set_instance_dict(cx, this, d),
        Some(d) => Err(cx.type_error(format!("__dict__ must be set to a dictionary, not a '{}'", d.type_of().name()))),
        // Only what Python classes add can be taken away.
        None if native_base(this.type_of()).layout().has_dict => Err(cx.type_error("cannot delete __dict__")),
        None => dict::set_instance_dict(cx, this, &dict::new()),
    }
}

/// The native type that a class extends.
fn native_base(ty: &Type) -> &Type {
    let mut t = ty;
    while let (true, Some(b)) = (t.is_heap_type(), t.base()) {
        t = b;
    }
    t
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
