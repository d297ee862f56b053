//! What remembers look-ups, and when it has to forget them.
//!
//! Caches of look-ups (the interpreter's shadow code, compiled code) guard on shapes alone. They mark the type or
//! namespace that a look-up went through, and whoever changes what a marked one answers tells them first. Values
//! that a look-up found in a cell are not remembered, only the cell: rebinding it tells nobody, unless a
//! descriptor comes or goes.

use std::cell::Cell;

use crate::heap::Gil;
use crate::types::Type;
use crate::value::Obj;

/// What caches have to forget.
#[derive(Clone, Copy)]
pub enum Forget<'a> {
    /// Look-ups through these types.
    Types(&'a [*const Type]),
    /// Look-ups in the namespace dict at this address.
    Namespace(usize),
    /// Everything.
    All,
}

static HOOK: Gil<Cell<fn(Forget<'_>)>> = Gil::new(Cell::new(nothing));

fn nothing(_: Forget<'_>) {}

/// Sets what is told of changes. It must not run Python code or touch reference counts.
pub fn set_forget_hook(hook: fn(Forget<'_>)) {
    HOOK.get().set(hook);
}

/// Tells caches to forget.
#[cold]
pub(crate) fn forget(what: Forget<'_>) {
    (HOOK.get().get())(what);
}

/// Whether a value in a class takes part in look-ups through it.
fn is_descriptor(v: &Obj) -> bool {
    let s = &v.type_of().slots;
    s.descr_get.get().is_some() || s.descr_set.get().is_some()
}

/// A class attribute was overwritten: look-ups that saw the old value's kind are wrong if the kind changed.
pub(crate) fn overwritten(ty: &Type, old: &Obj, new: &Obj) {
    if !old.type_of().is(new.type_of()) && (is_descriptor(old) || is_descriptor(new)) {
        super::super::types::forget_type(ty);
    }
}
