//! The cache of sites that see too many shapes: one table for all, by shape and name.

use std::cell::{Cell, UnsafeCell};

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, Value};

use crate::resolve::{self, Answer, Kind};

const ENTRIES: usize = 2048;

/// What the look-up of a name gives: on a shape, or on one class or module.
#[derive(Clone, Copy)]
pub struct Found {
    /// The shape, or the word of the receiver where the kind is a pinned one.
    guard: u64,
    /// The word of the name; names are aligned, so its lowest bit tells stores from loads.
    name: u64,
    kind: Kind,
    /// As [`Entry::arg`](crate::Entry::arg).
    pub arg: u32,
    /// As [`Entry::target`](crate::Entry::target).
    pub target: usize,
}

impl Found {
    const EMPTY: Found = Found { guard: 0, kind: Kind::None, name: 0, arg: 0, target: 0 };

    /// What the look-up gave; [`Kind::None`] where nothing can be remembered.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

struct Table(UnsafeCell<Option<Box<[Cell<Found>; ENTRIES]>>>);

// SAFETY: the interpreter lock guards the table.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new(None));

fn table() -> &'static [Cell<Found>; ENTRIES] {
    // SAFETY: the lock serialises access; the table is never freed.
    unsafe { (*TABLE.0.get()).get_or_insert_with(|| Box::new([const { Cell::new(Found::EMPTY) }; ENTRIES])) }
}

const STORE: u64 = 1;

#[inline(always)]
fn place(guard: u64, name: u64) -> usize {
    let at = (guard as u32 ^ (guard >> 32) as u32 ^ (name >> 4) as u32 ^ (name as u32 & 1) << 9)
        .wrapping_mul(0x9e37_79b1) as usize
        >> 21;
    at % ENTRIES
}

/// What the table holds of a look-up on a shape. It stays what it is until the next look-up. (A copy would lie on the
/// stack, and a handler that has memory there cannot end in a sibling call.)
#[inline(always)]
fn known(shape: u32, name: u64) -> Option<&'static Found> {
    let guard = u64::from(shape);
    // SAFETY: as in `table`; nothing is written while the reference is used.
    let f = unsafe { &*(*TABLE.0.get()).as_ref()?[place(guard, name)].as_ptr() };
    if f.guard == guard && f.name == name && !f.kind.is_pinned() { Some(f) } else { None }
}

/// What loading `name` from an object of this shape gives, if the table holds it.
#[inline(always)]
pub fn global_known(shape: u32, name: Name) -> Option<&'static Found> {
    known(shape, name.value().bits())
}

/// As [`global_known`], for any object as the name: only interned names are found.
#[inline(always)]
pub fn global_known_word(shape: u32, name: Value) -> Option<&'static Found> {
    known(shape, name.bits())
}

/// What storing to `name` of an object of this shape does, if the table holds it.
#[inline(always)]
pub fn global_known_store(shape: u32, name: Name) -> Option<&'static Found> {
    known(shape, name.value().bits() | STORE)
}

/// What loading `name` from `x` gives, if that can be remembered.
#[inline]
pub fn global_load(x: &Obj, name: Name) -> Option<Found> {
    find(x, name.value().bits(), || resolve::load(x, name))
}

/// What storing to `name` of `x` does, if that can be remembered.
#[inline]
pub fn global_store(x: &Obj, name: Name) -> Option<Found> {
    find(x, name.value().bits() | STORE, || resolve::store(x, name))
}

fn find(x: &Obj, name: u64, resolve: impl FnOnce() -> Option<Answer>) -> Option<Found> {
    if !x.is_ptr() {
        return None;
    }
    let told = |f: Found| (f.kind != Kind::None).then_some(f);
    let shape = x.shape_id().as_u32();
    if let Some(f) = known(shape, name) {
        return told(*f);
    }
    let word = x.value().bits();
    let f = table()[place(word, name)].get();
    if f.guard == word && f.name == name && f.kind.is_pinned() {
        return Some(f);
    }
    let f = match resolve() {
        Some(a) => Found { guard: a.guard, kind: a.kind, name, arg: a.arg, target: a.target },
        // The shape of classes and modules tells nothing of one of them.
        None if x.as_type().is_some() || x.is_exact(FixedShape::Module) => return None,
        None => Found { guard: shape.into(), kind: Kind::None, name, arg: 0, target: 0 },
    };
    table()[place(f.guard, name)].set(f);
    told(f)
}

/// Empties the table: something that look-ups depend on changed.
pub(crate) fn clear() {
    // SAFETY: as in `table`.
    if let Some(t) = unsafe { &*TABLE.0.get() } {
        for s in t.iter() {
            s.set(Found::EMPTY);
        }
    }
}
