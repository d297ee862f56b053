//! What module `gc` shows of the heap.

use super::candidates::{is_live, traverse_object};
use crate::heap::{FLAG_FINALIZED, FLAG_GEN_MASK, Header, Page, PageKind, cell_flags, for_each_container_page};
use crate::native::FixedShape;
use crate::types::tuple;
use crate::value::{Obj, Value};

const FROZEN: u8 = 3;

fn each_object(mut f: impl FnMut(&Page, usize, *const Header)) {
    for_each_container_page(|page| {
        for i in 0..page.cell_count() {
            let p = page.cell(i);
            // SAFETY: cells of linked pages stay mapped.
            if is_live(unsafe { &*p }) {
                f(page, i, p);
            }
        }
    });
}

/// All tracked containers, of one generation only if given.
pub fn objects(generation: Option<u8>) -> Vec<Obj> {
    let mut v = Vec::new();
    each_object(|page, i, p| {
        if generation.is_none_or(|g| page.flags(i) & FLAG_GEN_MASK == g) {
            // SAFETY: the object is live.
            v.push(unsafe { Obj::from_borrowed(Value::from_ptr(p)) });
        }
    });
    v.retain(is_tracked);
    v
}

/// Whether the end of some object would be noticed: it has a finaliser that did not run, or a weak reference to it
/// has a callback. Objects for which `ignore` says so do not count.
pub fn has_witnesses(ignore: impl Fn(&Obj) -> bool) -> bool {
    let mut found = false;
    each_object(|_, _, p| {
        if found {
            return;
        }
        // SAFETY: the object is live.
        let o = unsafe { Obj::from_borrowed(Value::from_ptr(p)) };
        found = (o.type_of().has_finalizer() && !is_finalized(&o) || crate::types::weakref::callback(&o).is_some())
            && !ignore(&o);
    });
    found
}

/// The containers that refer directly to any of `targets`.
pub fn referrers(targets: &[Obj]) -> Vec<Obj> {
    let mut v = Vec::new();
    each_object(|_, _, p| {
        let mut hit = false;
        // SAFETY: the object is live, and the visitor runs no Python code.
        unsafe {
            traverse_object(p, &mut |r| hit |= targets.iter().any(|t| t.value() == r));
            if hit {
                v.push(Obj::from_borrowed(Value::from_ptr(p)));
            }
        }
    });
    v
}

/// What the objects refer to directly.
pub fn referents(objects: &[Obj]) -> Vec<Obj> {
    let mut v = Vec::new();
    for o in objects {
        if let Some(p) = container(o) {
            // SAFETY: `o` keeps the object and its referents alive.
            unsafe {
                traverse_object(p, &mut |r| {
                    if !r.is_sentinel() {
                        v.push(Obj::from_borrowed(r));
                    }
                });
            }
        }
    }
    v
}

fn container(o: &Obj) -> Option<*const Header> {
    let p = o.as_ptr()?;
    // SAFETY: `o` keeps the object alive.
    if unsafe { Page::of(p) }.kind() == PageKind::Container { Some(p) } else { None }
}

/// Whether the collector looks at an object: it is a container that can be part of a cycle.
pub fn is_tracked(o: &Obj) -> bool {
    if container(o).is_none() {
        return false;
    }
    if let Some(items) = tuple::items_if_exact_tuple(o) {
        return items.iter().any(is_tracked);
    }
    if let Some(t) = o.as_type() {
        return t.is_heap_type();
    }
    let ty = o.type_of();
    let l = ty.layout();
    let plain = [FixedShape::Object, FixedShape::NoneType, FixedShape::Bool, FixedShape::Range, FixedShape::Slice];
    ty.is_heap_type()
        || !plain.iter().any(|s| o.is_exact(*s)) && (l.payload.page_kind == PageKind::Container || l.ext_off != 0)
}

/// Whether the finaliser of an object ran already.
pub fn is_finalized(o: &Obj) -> bool {
    match container(o) {
        // SAFETY: `o` keeps the object alive.
        Some(p) => unsafe { cell_flags(p) & FLAG_FINALIZED != 0 },
        None => false,
    }
}

/// Exempts everything that is alive now from collection.
pub fn freeze() {
    each_object(|page, i, _| page.set_flags(i, page.flags(i) & !FLAG_GEN_MASK | FROZEN));
}

/// Undoes [`freeze`]: the objects join the oldest generation.
pub fn unfreeze() {
    each_object(|page, i, _| {
        if page.flags(i) & FLAG_GEN_MASK == FROZEN {
            page.set_flags(i, page.flags(i) & !FLAG_GEN_MASK | 2);
        }
    });
}

/// How many objects are exempt.
pub fn frozen_count() -> usize {
    let mut n = 0;
    each_object(|page, i, _| n += usize::from(page.flags(i) & FLAG_GEN_MASK == FROZEN));
    n
}
