//! Subscripts: what their sites learn of containers and keys.

use cinder_bytecode::op::{CONST_BASE, Insn, Opcode};
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::dict;
use cinder_pyobj::types::slots::UnaryFn;
use cinder_pyobj::{Obj, intern};

use crate::operators::{Found, Method, method, settle};
use crate::ops::ShadowOp;
use crate::resolve::Kind;
use crate::site::Site;

/// Observes a subscript (or slice, or store, or deletion), which the site does not know, and remembers the container. To
/// be called before it is done the general way. `key` is missing where the instruction makes a slice.
///
/// # Safety
/// `pc` must be the address of the site's instruction in live shadow code.
#[cold]
pub unsafe fn look_subscript(pc: *const Insn, site: &Site, x: &Obj, key: Option<&Obj>) {
    if !site.is_due() {
        return;
    }
    let original = site.original();
    let Some(op) = original.op() else { return };
    let ty = x.type_of();
    let plain = Found::native(0);
    let is = |s: FixedShape| x.is_exact(s);
    let index = key.is_some_and(|k| k.as_int().is_some());
    let (found, next) = if ty.is_heap_type() {
        let (name, class) = match op {
            Opcode::GetItem => (intern!("__getitem__"), ShadowOp::GetItemClass),
            Opcode::SetItem => (intern!("__setitem__"), ShadowOp::SetItemClass),
            Opcode::DelItem => (intern!("__delitem__"), ShadowOp::DelItemClass),
            Opcode::GetSlice => (intern!("__getitem__"), ShadowOp::GetSliceClass),
            _ => (intern!("__setitem__"), ShadowOp::SetSliceClass),
        };
        match method(ty, name) {
            Method::Function(cell) => (Found::method(Kind::Left, cell), Some(class)),
            _ => (plain, None),
        }
    } else {
        let key_register = if op == Opcode::GetItem { original.c() } else { original.b() };
        let is_const = key_register as i16 >= CONST_BASE;
        let get = ty.slots.getitem.get().map_or(0, |f| f as usize);
        let set = ty.slots.setitem.get().map_or(0, |f| f as usize);
        let native = |f: usize, op: ShadowOp| (Found::native(f), (f != 0).then_some(op));
        match op {
            Opcode::GetItem if index && is(FixedShape::List) => (plain, Some(ShadowOp::GetItemList)),
            Opcode::GetItem if index && is(FixedShape::Tuple) => (plain, Some(ShadowOp::GetItemTuple)),
            Opcode::GetItem if index && is(FixedShape::Str) => (plain, Some(ShadowOp::GetItemStr)),
            Opcode::GetItem if is(FixedShape::Dict) && is_const => (plain, Some(ShadowOp::GetItemConst)),
            Opcode::GetItem if is(FixedShape::Dict) => (plain, Some(ShadowOp::GetItemDict)),
            Opcode::GetItem if is(FixedShape::List) || is(FixedShape::Tuple) || is(FixedShape::Str) => (plain, None),
            Opcode::GetItem => native(get, ShadowOp::GetItemNative),
            Opcode::SetItem if index && is(FixedShape::List) => (plain, Some(ShadowOp::SetItemList)),
            Opcode::SetItem if is(FixedShape::Dict) && is_const => (plain, Some(ShadowOp::SetItemConst)),
            Opcode::SetItem if is(FixedShape::Dict) => (plain, Some(ShadowOp::SetItemDict)),
            Opcode::SetItem => native(set, ShadowOp::SetItemNative),
            Opcode::DelItem => native(set, ShadowOp::DelItemNative),
            Opcode::GetSlice if is(FixedShape::List) || is(FixedShape::Tuple) || is(FixedShape::Str) => {
                (plain, Some(ShadowOp::GetSlicePlain))
            }
            Opcode::SetSlice if is(FixedShape::List) => (plain, Some(ShadowOp::SetSliceList)),
            _ => (plain, None),
        }
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, next, found, x, u32::MAX) }
}

/// Observes what an iterator is made of (`GetIter`) or what walks one (`ForIter` over a class written in Python), which the
/// site does not know.
///
/// # Safety
/// As [`look_subscript`].
#[cold]
pub unsafe fn look_iterator(pc: *const Insn, site: &Site, x: &Obj) {
    if !site.is_due() {
        return;
    }
    let ty = x.type_of();
    let (name, op) = match site.original().op() {
        Some(Opcode::ForIter) => (intern!("__next__"), ShadowOp::ForIterClass),
        _ => (intern!("__iter__"), ShadowOp::GetIterClass),
    };
    let (found, next) = match (ty.is_heap_type(), method(ty, name), ty.slots.iter.get()) {
        (true, Method::Function(cell), _) => (Found::method(Kind::Left, cell), Some(op)),
        (false, _, Some(f)) => (Found::native(f as UnaryFn as usize), Some(ShadowOp::GetIterNative)),
        _ => (Found::native(0), None),
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, next, found, x, 0) }
}

/// Observes what is formatted without a specification, which the site does not know.
///
/// # Safety
/// As [`look_subscript`].
#[cold]
pub unsafe fn look_format(pc: *const Insn, site: &Site, x: &Obj) {
    if !site.is_due() {
        return;
    }
    let op = match x.value() {
        v if v.is_int() => Some(ShadowOp::FormatInt),
        v if v.is_float() => Some(ShadowOp::FormatFloat),
        _ => x.is_exact(FixedShape::Str).then_some(ShadowOp::FormatStr),
    };
    // SAFETY: passed on from the caller.
    unsafe { settle(pc, site, op, Found::native(0), x, 0) }
}

/// The largest size that sites remember.
const MOST: u32 = 1 << 12;

impl Site {
    /// How many items the containers made here came to have, more or less the most of late.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.entry.arg.get() as usize
    }

    /// Learns how many items a container made here has come to have.
    pub fn note_size(&self, n: usize) {
        let (n, known) = (n.min(MOST as usize) as u32, self.entry.arg.get());
        self.entry.arg.set(if n >= known { n } else { known - (known - n).div_ceil(4) });
    }

    /// The number of the site in its code.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Remembers the number of the entry that a dict has for a constant key.
    pub fn note_entry(&self, d: &dict::Dict, key: cinder_pyobj::Value) {
        if let Some(i) = d.quick_find(key) {
            self.entry.arg.set(i as u32);
        }
    }
}
