//! The cache of sites that see too many shapes: one table for all, by shape and name.

use std::cell::{Cell, UnsafeCell};

use cinder_pyobj::Obj;
use cinder_pyobj::types::str::Name;

use crate::resolve::{self, Kind};

const ENTRIES: usize = 2048;

/// What the look-up of a name on a shape gives.
#[derive(Clone, Copy)]
pub struct Found {
    shape: u32,
    kind: Kind,
    name: u64,
    /// As [`Entry::arg`](crate::Entry::arg).
    pub arg: u32,
    /// As [`Entry::target`](crate::Entry::target).
    pub target: usize,
}

impl Found {
    const EMPTY: Found = Found { shape: 0, kind: Kind::None, name: 0, arg: 0, target: 0 };

    /// What the look-up gave.
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

#[inline(always)]
fn place(shape: u32, name: u64) -> usize {
    let at = (shape ^ (name >> 4) as u32).wrapping_mul(0x9e37_79b1) as usize >> 21;
    at % ENTRIES
}

/// What loading `name` from an object of this shape gives, if the table holds it. It stays what it is until the next
/// look-up. (A copy would lie on the stack, and a handler that has memory there cannot end in a sibling call.)
#[inline(always)]
pub fn global_known(shape: u32, name: Name) -> Option<&'static Found> {
    let word = name.value().bits();
    // SAFETY: as in `table`; nothing is written while the reference is used.
    let f = unsafe { &*(*TABLE.0.get()).as_ref()?[place(shape, word)].as_ptr() };
    if f.shape == shape && f.name == word { Some(f) } else { None }
}

/// What loading `name` from `x` gives, if that can be remembered.
#[inline]
pub fn global_load(x: &Obj, name: Name) -> Option<Found> {
    let p = x.as_ptr()?;
    // SAFETY: `x` keeps the object alive.
    let shape = unsafe { (*p).shape_id() }.as_u32();
    let word = name.value().bits();
    let slot = &table()[place(shape, word)];
    let f = slot.get();
    if f.shape == shape && f.name == word {
        return Some(f);
    }
    let a = resolve::load(x, name)?;
    if matches!(a.kind, Kind::Pinned | Kind::PinnedClassMethod | Kind::PinnedStaticMethod) {
        return None;
    }
    let f = Found { shape, kind: a.kind, name: word, arg: a.arg, target: a.target };
    slot.set(f);
    Some(f)
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
