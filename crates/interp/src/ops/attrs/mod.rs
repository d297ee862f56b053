//! Attribute access in shadow code.

mod load;
mod method;
mod store;
mod super_;

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::shape::instance;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, Value};
use cinder_shadow::{Entry, Kind, More, Site, WAYS};

pub(crate) use self::load::*;
pub(crate) use self::method::*;
pub(crate) use self::store::*;
pub(crate) use self::super_::*;
use crate::machine::{Fast, M};

/// The site of a specialised instruction that keeps its number in field `c`.
#[inline(always)]
pub(super) fn site<'a>(m: M) -> &'a Site {
    // SAFETY: specialised instructions run in shadow code only, where the frame knows the sites and `c` names one.
    unsafe { &*m.frame().sites.add(m.c() as u16 as usize) }
}

#[inline(always)]
fn name_of(m: M, s: &Site) -> Name {
    m.name(u32::from(s.original().c()))
}

/// The attribute's name, without a check that can fail out of line.
#[inline(always)]
fn quick_name(m: M) -> Option<Name> {
    let n = site(m).original().c() as usize;
    m.frame().code().names.get(n).copied()
}

/// Whether a receiver has the shape that an entry guards.
#[inline(always)]
pub(super) fn guarded(v: Value, e: &Entry) -> bool {
    // SAFETY: operands are live values.
    v.is_ptr() && unsafe { v.header() }.shape_id().as_u32() == e.guard.get()
}

/// The slot word of a receiver that passed the guard.
#[inline(always)]
unsafe fn slot(v: Value, off: u32) -> *mut Value {
    (v.bits() + u64::from(off)) as *mut Value
}

/// The overflow slot of a receiver that passed the guard.
#[inline(always)]
unsafe fn overflow(v: Value, i: u32) -> Option<*mut Value> {
    // SAFETY: by the guard the object has this many attributes.
    unsafe {
        let p = v.bits() as *const cinder_pyobj::heap::Header;
        instance::overflow_slot(p, (*p).shape().ty(), i as usize)
    }
}

/// The word in the cell that an entry names.
#[inline(always)]
pub(super) unsafe fn cell_word(target: usize) -> Value {
    // SAFETY: the entry is forgotten before the cell dies.
    unsafe { (*(target as *const AttrCell)).value() }
}

/// The value that an entry which matches gives, borrowed.
#[inline(always)]
pub(super) unsafe fn loaded(v: Value, kind: Kind, arg: u32, target: usize) -> Option<Value> {
    // SAFETY: passed on from the caller.
    let w = unsafe {
        match kind {
            Kind::Slot => *slot(v, arg),
            Kind::Over => *overflow(v, arg)?,
            Kind::Class => cell_word(target),
            _ => return None,
        }
    };
    if w == Value::UNBOUND { None } else { Some(w) }
}

/// Ends a fast path that put the word `new` where `p` points; the old word and the receiver `x` (operand `a`) are dropped
/// afterwards.
///
/// # Safety
/// The place must belong to the receiver `x`, and `new` be owned.
#[inline(always)]
unsafe fn replace_word(m: M, p: *mut Value, new: Value, x: Value) -> Fast {
    // SAFETY: the slot belongs to the receiver, which the operand keeps alive.
    unsafe {
        let old = std::mem::replace(&mut *p, new);
        let dies = crate::machine::is_temp(m.a()) && x.is_ptr() && x.header().release();
        if old.is_ptr() && old.header().release() {
            m.save_pc();
            if dies {
                m.th().parked.set(Some(x));
                return Fast::Drop2(old, m.ahead(1), m.base, m.fr);
            }
            return Fast::Drop(old, m.ahead(1), m.base, m.fr);
        }
        if dies {
            m.save_pc();
            return Fast::Drop(x, m.ahead(1), m.base, m.fr);
        }
        Fast::Next
    }
}

/// The value in the cell that an entry which matches names.
fn cell_object(target: usize) -> Option<Obj> {
    // SAFETY: the entry is forgotten before the cell dies.
    unsafe { (*(target as *const AttrCell)).get() }
}

/// What a polymorphic site knows of a receiver.
fn matching(x: &Obj, more: &More) -> Option<(Kind, u32, usize)> {
    let n = (more.len.get() as usize).min(WAYS);
    let shape = x.is_ptr().then(|| x.shape_id().as_u32())?;
    let i = (0..n).find(|&i| {
        let e = &more.entries[i];
        if more.kinds[i].get().is_pinned() { e.word() == x.value().bits() } else { e.guard.get() == shape }
    })?;
    Some((more.kinds[i].get(), more.entries[i].arg.get(), more.entries[i].target.get()))
}
