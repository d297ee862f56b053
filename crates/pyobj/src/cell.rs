//! Attribute cells: the storage of class attributes, module globals and builtins.
//!
//! A cell outlives deletion of its name (it becomes unbound) and dies only with its table, so an inline
//! cache may keep a pointer to it for as long as it keeps the table alive. The state tells compiled code
//! what it may assume.

use std::cell::Cell;

use crate::shape::fact::{Fact, Seen};
use crate::value::{Obj, Value};

/// What has been seen of a cell's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CellState {
    /// Never bound.
    Unset,
    /// Bound once.
    Constant,
    /// Rebound or deleted after it was bound.
    Changing,
}

/// One named value.
#[repr(C)]
pub struct AttrCell {
    value: Cell<Value>,
    fact: Fact,
}

const _: () = assert!(size_of::<AttrCell>() == 16);

impl AttrCell {
    /// An unbound cell.
    pub fn unbound() -> AttrCell {
        AttrCell { value: Cell::new(Value::UNBOUND), fact: Fact::new() }
    }

    /// A cell bound to `v`.
    pub fn new(v: Obj) -> AttrCell {
        let c = AttrCell::unbound();
        c.replace(Some(v));
        c
    }

    /// The word in the cell, `UNBOUND` if there is none. It is borrowed from the cell.
    #[inline(always)]
    pub fn value(&self) -> Value {
        self.value.get()
    }

    /// The value, if bound.
    #[inline(always)]
    pub fn get(&self) -> Option<Obj> {
        let v = self.value.get();
        if v == Value::UNBOUND {
            return None;
        }
        // SAFETY: the cell keeps its value alive.
        Some(unsafe { Obj::from_borrowed(v) })
    }

    /// Binds or (with nothing) unbinds the cell; the old value is handed back.
    pub fn replace(&self, v: Option<Obj>) -> Option<Obj> {
        match &v {
            None if self.fact.seen() == Seen::Nothing => {}
            None => self.fact.removed(),
            Some(v) if self.fact.seen() == Seen::Nothing => self.fact.stored(v.value()),
            Some(v) => self.fact.replaced(v.value()),
        }
        let old = self.value.replace(v.map_or(Value::UNBOUND, Obj::into_value));
        // SAFETY: the cell owned its value.
        if old == Value::UNBOUND { None } else { Some(unsafe { Obj::from_owned(old) }) }
    }

    /// What has been seen of the value.
    pub fn state(&self) -> CellState {
        match self.fact.seen() {
            Seen::Nothing => CellState::Unset,
            _ if self.fact.is_constant() => CellState::Constant,
            _ => CellState::Changing,
        }
    }

    /// The class of all values so far.
    pub fn seen(&self) -> Seen {
        self.fact.seen()
    }
}

impl Drop for AttrCell {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}
