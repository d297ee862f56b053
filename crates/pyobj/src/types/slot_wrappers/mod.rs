//! The bridge between slots and special methods, derived from the slot table: wrapper descriptors show
//! native slots to Python, trampolines let Python classes fill slots.

mod trampoline;
mod wrapper;

use crate::types::str::Name;
use crate::types::{Slots, Type};
use crate::value::Obj;

pub use trampoline::{is_python_next, length_of, truth_of};
pub use wrapper::{MethodWrapper, SlotDef, WrapperDescriptor};

use crate::ctx::{Ctx, PyResult};
use crate::native::Args;

/// Calls a slot of `owner` as a method.
pub(crate) type WrapperCall = fn(&Ctx, &Obj, Args<'_>, &'static SlotDef, &'static Type) -> PyResult;

/// One slot field: its special methods and how to fill it.
pub(crate) struct SlotField {
    pub names: &'static [&'static str],
    /// Copies the field.
    pub copy: fn(dst: &Slots, src: &Slots),
    /// Sets the field to its trampoline (or to nothing where only native types can fill it).
    pub trampoline: fn(&Slots),
    /// Empties the field.
    pub unset: fn(&Slots),
    pub is_set: fn(&Slots) -> bool,
}

macro_rules! trampoline_of {
    (concat, $s:ident, $f:ident) => {
        $s.$f.set(None)
    };
    (repeat, $s:ident, $f:ident) => {
        $s.$f.set(None)
    };
    (internal, $s:ident, $f:ident) => {
        $s.$f.set(None)
    };
    ($kind:ident, $s:ident, $f:ident) => {
        $s.$f.set(Some(trampoline::$f))
    };
}

macro_rules! fields {
    ($($field:ident: $ty:ty, $kind:ident, [$($name:literal),*];)*) => {
        /// All slot fields, in the order of the table.
        pub(crate) static FIELDS: &[SlotField] = &[$(SlotField {
            names: &[$($name),*],
            copy: |dst, src| dst.$field.set(src.$field.get()),
            trampoline: |s| trampoline_of!($kind, s, $field),
            unset: |s| s.$field.set(None),
            is_set: |s| s.$field.get().is_some(),
        }),*];
    };
}
crate::for_each_slot!(fields);

/// Adds a wrapper descriptor for each special method whose slot `own` fills.
pub(crate) fn add_wrappers(ty: &'static Type, own: &Slots) {
    for (field, defs) in FIELDS.iter().zip(wrapper::DEFS) {
        if !(field.is_set)(own) {
            continue;
        }
        for d in defs.iter() {
            let name = Name::new(d.name);
            if ty.own_cell(name).is_none() {
                super::create::set_attr(ty, name, wrapper::new(ty, d));
            }
        }
    }
}

/// Recomputes the slots of a Python class that special method `name` feeds (all of them with nothing).
pub(crate) fn update_slots(ty: &'static Type, name: Option<&str>) {
    for (i, f) in FIELDS.iter().enumerate() {
        if f.names.is_empty() || name.is_some_and(|n| !f.names.contains(&n)) {
            continue;
        }
        update_field(ty, i, f);
    }
    ty.finalizer.set(ty.slots.finalize.get().is_some());
}

/// Whether the `__new__` of `owner` is that of the native type whose layout `ty` extends.
fn makes_instances_of(owner: &Type, ty: &Type) -> bool {
    let mut t: &Type = ty;
    while t.is_heap_type() {
        match t.base() {
            Some(b) => t = b,
            None => break,
        }
    }
    crate::native::same_new(t, owner)
}

fn update_field(ty: &'static Type, index: usize, f: &SlotField) {
    let mut native: Option<&'static Type> = None;
    let mut python = false;
    let mut found = false;
    for n in f.names {
        let name = Name::new(n);
        let Some(d) = ty.lookup(name) else { continue };
        found = true;
        if let Some(w) = d.downcast::<WrapperDescriptor>()
            && w.field() == index
            && ty.is_subtype(w.owner())
        {
            match native {
                None => native = Some(w.owner()),
                Some(o) if o.is(w.owner()) => {}
                Some(_) => python = true,
            }
        } else if let Some(owner) = super::function::new_wrapper_owner(&d) {
            // A constructor of another layout is called as the function it is, which refuses the class.
            match makes_instances_of(owner, ty) {
                true => native = Some(owner),
                false => python = true,
            }
        } else if d.is_none() && *n == "__hash__" {
            ty.slots.hash.set(Some(super::object::hash_not_implemented));
            return;
        } else {
            python = true;
        }
    }
    match (found, python, native) {
        (true, false, Some(owner)) => (f.copy)(&ty.slots, &owner.slots),
        (true, _, _) => (f.trampoline)(&ty.slots),
        (false, ..) => {
            // Slots without a visible special method are inherited from the best base.
            (f.unset)(&ty.slots)
        }
    }
}
