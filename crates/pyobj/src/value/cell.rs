//! [`ObjCell`]: a changeable, possibly empty reference inside a payload.

use std::cell::Cell;

use super::Obj;
use crate::heap::{Traverse, Visitor};

/// An optional reference that natives change through `&self`. Reading clones it.
#[derive(Default)]
pub struct ObjCell(Cell<Option<Obj>>);

impl ObjCell {
    /// A cell holding `v`.
    #[inline(always)]
    pub const fn new(v: Option<Obj>) -> ObjCell {
        ObjCell(Cell::new(v))
    }

    /// The reference, if there is one.
    #[inline]
    pub fn get(&self) -> Option<Obj> {
        // SAFETY: the shared view ends before anything else can touch the cell.
        unsafe { (*self.0.as_ptr()).clone() }
    }

    /// The reference as a borrowed word.
    #[inline(always)]
    pub fn peek(&self) -> Option<super::Value> {
        // SAFETY: as in `get`; the word is copied out.
        unsafe { (*self.0.as_ptr()).as_ref().map(Obj::value) }
    }

    /// Whether the cell is empty.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        // SAFETY: as in `get`.
        unsafe { (*self.0.as_ptr()).is_none() }
    }

    /// Stores a reference; the old one is dropped after the store.
    #[inline]
    pub fn set(&self, v: Option<Obj>) {
        drop(self.0.replace(v));
    }

    /// Takes the reference out.
    #[inline(always)]
    pub fn take(&self) -> Option<Obj> {
        self.0.take()
    }

    /// Stores a reference and returns the old one.
    pub fn replace(&self, v: Option<Obj>) -> Option<Obj> {
        self.0.replace(v)
    }
}

impl Traverse for ObjCell {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        // SAFETY: the visitor runs no Python code and changes no payload.
        if let Some(o) = unsafe { &*self.0.as_ptr() } {
            visit(o.value());
        }
    }

    fn clear(&self) {
        self.set(None);
    }
}
