//! The method cache: look-ups along the MRO, remembered per (type, name).
//!
//! An entry is valid while the type's version is the one it was filled under. Setting or deleting a class
//! attribute that did not exist (or did), and changing bases, give the type and all its subclasses a new
//! version; overwriting an existing attribute does not, because entries lead to the attribute's cell.

use std::cell::Cell;

use super::str::Name;
use super::type_object::Type;
use crate::cell::AttrCell;
use crate::heap::Gil;
use crate::shape::memory::{self, Forget};
use crate::value::Value;

const ENTRIES: usize = 4096;

#[derive(Clone, Copy)]
struct Entry {
    version: u32,
    name: u64,
    found: Option<(&'static Type, &'static AttrCell)>,
}

struct Cache {
    entries: [Cell<Entry>; ENTRIES],
    next_version: Cell<u32>,
}

static CACHE: Gil<Cache> = Gil::new(Cache {
    entries: [const { Cell::new(Entry { version: 0, name: 0, found: None }) }; ENTRIES],
    next_version: Cell::new(1),
});

/// Finds `name` along the MRO of `ty`.
#[inline]
pub(crate) fn lookup(ty: &Type, name: Name) -> Option<(&'static Type, &'static AttrCell)> {
    let c = CACHE.get();
    let v = ty.version.get();
    let at = (name.value().bits() >> 4 ^ (v as u64).wrapping_mul(0x9e37_79b9)) as usize % ENTRIES;
    let e = c.entries[at].get();
    if v != 0 && e.version == v && e.name == name.value().bits() {
        return e.found;
    }
    lookup_slow(c, ty, name)
}

#[cold]
#[inline(never)]
fn lookup_slow(c: &Cache, ty: &Type, name: Name) -> Option<(&'static Type, &'static AttrCell)> {
    let found = walk(ty, name);
    if ty.version.get() == 0 {
        let v = c.next_version.get();
        // Version 0 means "unassigned"; when the counter is used up, types stay uncached.
        if v == u32::MAX {
            return found;
        }
        c.next_version.set(v + 1);
        ty.version.set(v);
    }
    let v = ty.version.get();
    let at = (name.value().bits() >> 4 ^ (v as u64).wrapping_mul(0x9e37_79b9)) as usize % ENTRIES;
    c.entries[at].set(Entry { version: v, name: name.value().bits(), found });
    found
}

fn walk(ty: &Type, name: Name) -> Option<(&'static Type, &'static AttrCell)> {
    let mro = ty.mro.borrow();
    for t in mro.iter() {
        if let Some(cell) = t.own_cell(name)
            && cell.value() != Value::UNBOUND
        {
            return Some((t, cell));
        }
    }
    None
}

/// Forgets what is known about `ty` and everything that derives from it.
pub(crate) fn invalidate(ty: &Type) {
    // A type without a version has no entries, and neither have its subclasses: a look-up through a subclass does
    // not assign versions to its bases, so the walk may not stop at one.
    forget_below(ty, |t| t.version.set(0));
}

/// Makes caches of look-ups forget those through `ty` and everything that derives from it.
pub(crate) fn forget_type(ty: &Type) {
    forget_below(ty, |_| {});
}

fn forget_below(ty: &Type, f: impl Fn(&Type)) {
    let mut work: Vec<*const Type> = vec![ty];
    let mut cached: Vec<*const Type> = Vec::new();
    while let Some(t) = work.pop() {
        // SAFETY: subclasses remove themselves from their bases' lists before they end.
        let t = unsafe { &*t };
        f(t);
        if t.cached.replace(false) {
            cached.push(t);
        }
        work.extend(t.subclasses.borrow().iter().map(|s| *s as *const Type));
    }
    if !cached.is_empty() {
        // A change of a metaclass shows in the look-ups on all its classes.
        let meta = ty.is_subtype(super::type_::type_type());
        memory::forget(if meta { Forget::All } else { Forget::Types(&cached) });
    }
}
