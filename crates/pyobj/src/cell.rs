//! Attribute cells: the storage of class attributes, module globals and builtins.
//!
//! A cell outlives deletion of its name (it becomes unbound) and dies only with its table, so an inline
//! cache may keep a pointer to it for as long as it keeps the table alive. The state tells compiled code
//! what it may assume.

use std::cell::Cell;

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
    state: Cell<CellState>,
    version: Cell<u32>,
}

impl AttrCell {
    /// An unbound cell.
    pub fn unbound() -> AttrCell {
        AttrCell { value: Cell::new(Value::UNBOUND), state: Cell::new(CellState::Unset), version: Cell::new(0) }
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
        let next = match self.state.get() {
            CellState::Unset if v.is_some() => CellState::Constant,
            CellState::Unset => CellState::Unset,
            _ => CellState::Changing,
        };
        self.state.set(next);
        self.version.set(self.version.get().wrapping_add(1));
        let old = self.value.replace(v.map_or(Value::UNBOUND, Obj::into_value));
        // SAFETY: the cell owned its value.
        if old == Value::UNBOUND { None } else { Some(unsafe { Obj::from_owned(old) }) }
    }

    /// What has been seen of the value.
    pub fn state(&self) -> CellState {
        self.state.get()
    }

    /// Counts the changes (modulo 2^32).
    pub fn version(&self) -> u32 {
        self.version.get()
    }
}

impl Drop for AttrCell {
    fn drop(&mut self) {
        drop(self.replace(None));
    }
}
