//! Attributes of instances: slots addressed by shape, and the side record behind the extension word.
//!
//! An instance is `header | payload | extension word | slot words (named `__slots__`, then k inline attribute
//! slots)`; types with a payload of variable size keep the extension word and the slots before the payload. How
//! many slots are inline is learned per class: it begins with what the class's methods assign and shrinks to what
//! the first instances used. The extension word is zero or a pointer to a [`Side`] record.

use std::cell::Cell;

use super::Shape;
use crate::heap::Header;
use crate::types::str::Name;
use crate::value::{Obj, Value};

/// What an instance needs beyond its inline slots.
#[derive(Default)]
pub struct Side {
    /// Attribute slots past the inline ones.
    pub(crate) overflow: Cell<Vec<Value>>,
    /// The materialised `__dict__` (a view of this object's attributes), or in dictionary mode the store itself.
    pub(crate) dict: Cell<Option<Obj>>,
    /// The head of the list of weak references.
    pub(crate) weakrefs: Cell<Option<Value>>,
}

/// The address of the extension word, if objects of the type have one.
#[inline(always)]
pub(crate) unsafe fn ext_word(p: *const Header, shape: &Shape) -> Option<*mut *mut Side> {
    let off = shape.ty().layout().ext_off as usize;
    if off == 0 {
        return None;
    }
    // SAFETY: the layout places the word inside the object.
    Some(unsafe { (p as *mut u8).add(off) as *mut *mut Side })
}

/// The side record, if the object has one already.
pub(crate) unsafe fn side<'a>(p: *const Header, shape: &Shape) -> Option<&'a Side> {
    // SAFETY: the word is null or a record that lives as long as the object.
    unsafe { ext_word(p, shape).and_then(|w| (*w).as_ref()) }
}

/// The side record, made if need be; nothing if the type has no extension word.
pub(crate) unsafe fn side_or_new<'a>(p: *const Header, shape: &Shape) -> Option<&'a Side> {
    // SAFETY: as in `side`.
    unsafe {
        let w = ext_word(p, shape)?;
        if (*w).is_null() {
            *w = Box::into_raw(Box::default());
        }
        (*w).as_ref()
    }
}

/// The address of attribute slot `i`, or nothing if the slot lies in an overflow area that is missing.
#[inline(always)]
unsafe fn slot_ptr(p: *const Header, shape: &Shape, i: u32) -> Option<*mut Value> {
    let l = shape.ty().layout();
    let inline = l.inline_attrs();
    if i < inline {
        // SAFETY: inline slots lie in the object.
        return Some(unsafe { (p as *mut u8).add(l.attrs_off() as usize).cast::<Value>().add(i as usize) });
    }
    // SAFETY: as in `side`; the vector is not moved while the pointer is in use (one read or write).
    unsafe {
        let v = &mut *side(p, shape)?.overflow.as_ptr();
        v.get_mut((i - inline) as usize).map(|s| s as *mut Value)
    }
}

/// The word in overflow slot `i` of an object, `UNBOUND` if there is none.
///
/// # Safety
/// `p` must be a live object of `ty`.
#[inline(always)]
pub unsafe fn overflow_slot(p: *const Header, ty: &crate::types::Type, i: usize) -> Option<*mut Value> {
    // SAFETY: the layout places the extension word inside the object, and a record lives as long as that.
    unsafe {
        let off = ty.layout().ext_off as usize;
        let side = (*((p as *const u8).add(off) as *const *const Side)).as_ref()?;
        let v = &mut *side.overflow.as_ptr();
        if i < v.len() { Some(v.as_mut_ptr().add(i)) } else { None }
    }
}

/// Reads slot `i`; `UNBOUND` if it is unset.
///
/// # Safety
/// `p` must be a live object of `shape` and `i` below its attribute count.
#[inline(always)]
pub unsafe fn get_slot(p: *const Header, shape: &Shape, i: u32) -> Value {
    // SAFETY: by the caller's promise.
    unsafe { slot_ptr(p, shape, i).map_or(Value::UNBOUND, |s| *s) }
}

/// Replaces slot `i` and returns the old word, which the caller now owns.
///
/// # Safety
/// As [`get_slot`]; `v` is taken over.
#[inline(always)]
pub unsafe fn replace_slot(p: *const Header, shape: &Shape, i: u32, v: Value) -> Value {
    // SAFETY: by the caller's promise.
    unsafe {
        if let Some(s) = slot_ptr(p, shape, i) {
            return std::mem::replace(&mut *s, v);
        }
        if let Some(side) = side_or_new(p, shape) {
            let over = &mut *side.overflow.as_ptr();
            let at = (i - shape.ty().layout().inline_attrs()) as usize;
            while over.len() <= at {
                over.push(Value::UNBOUND);
            }
            return std::mem::replace(&mut over[at], v);
        }
        v
    }
}

/// Keeps the fact of attribute slot `i`, where the word `old` was replaced by `new`.
pub(crate) fn note(shape: &'static Shape, i: u32, new: Value, old: Value) {
    let fact = shape.fact_of(i);
    if old == Value::UNBOUND { fact.stored(new) } else { fact.replaced(new) }
}

/// Reads an attribute of a shaped instance (not in dictionary mode) without looking at its class.
///
/// # Safety
/// `p` must be a live object.
#[inline]
pub unsafe fn get_attr(p: *const Header, name: Name) -> Option<Value> {
    // SAFETY: by the caller's promise.
    unsafe {
        let shape = (*p).shape();
        let i = shape.lookup(name)?;
        let v = get_slot(p, shape, i);
        if v == Value::UNBOUND { None } else { Some(v) }
    }
}

/// What became of [`set_attr`].
pub enum SetAttr {
    /// Stored; the old value, if any, is handed back so that its end comes after the store.
    Done(Option<Obj>),
    /// The object must go to dictionary mode first; the value is handed back.
    NeedsDict(Obj),
}

/// Stores an attribute of a shaped instance, moving it to the next shape where the name is new.
///
/// # Safety
/// `p` must be a live object whose type has attribute storage, not in dictionary mode.
pub unsafe fn set_attr(p: *const Header, name: Name, value: Obj) -> SetAttr {
    // SAFETY: by the caller's promise.
    unsafe {
        let shape = (*p).shape();
        let (shape, i) = match shape.lookup(name) {
            Some(i) => (shape, i),
            None => match shape.with_attr(name) {
                None => return SetAttr::NeedsDict(value),
                Some(next) => (next, next.attr_count() - 1),
            },
        };
        let word = value.into_value();
        let old = replace_slot(p, shape, i, word);
        (*p).set_shape(shape.id());
        note(shape, i, word, old);
        SetAttr::Done(if old == Value::UNBOUND { None } else { Some(Obj::from_owned(old)) })
    }
}

/// How many slot words of an object can hold values. An object in dictionary mode may lie in a cell that is too
/// small for all inline slots of its class.
#[inline(always)]
fn slots_in_use(l: &crate::types::Layout, shape: &Shape) -> u16 {
    if shape.is_dict_mode() { l.named_slots } else { l.slot_words }
}

/// Removes the attribute that was added last, if it has this name: the object goes back to the shape before.
///
/// # Safety
/// As [`get_attr`].
pub(crate) unsafe fn remove_last(p: *const Header, name: Name) -> Option<Obj> {
    // SAFETY: by the caller's promise; the old word is ours once it is replaced.
    unsafe {
        let shape = (*p).shape();
        let i = shape.lookup(name).filter(|i| i + 1 == shape.attr_count())?;
        let parent = shape.parent()?;
        let old = replace_slot(p, shape, i, Value::UNBOUND);
        (*p).set_shape(parent.id());
        shape.fact_of(i).removed();
        if old == Value::UNBOUND { None } else { Some(Obj::from_owned(old)) }
    }
}

/// Drops everything that the slots and the side record of a dying object hold. Weak references are cleared
/// (their callbacks run), a materialised `__dict__` that others still use is detached with a copy.
pub(crate) unsafe fn release_slots(p: *const Header, shape: &Shape) {
    let l = shape.ty().layout();
    // SAFETY: the object is dead but intact.
    unsafe {
        if let Some(w) = ext_word(p, shape)
            && !(*w).is_null()
        {
            crate::types::release_side(p, &**w);
        }
        // Callbacks may have moved the object to another shape of the same class; the layout is the same.
        let mut at = (p as *mut u8).add(l.slots_off as usize) as *mut Value;
        for _ in 0..slots_in_use(l, (*p).shape()) {
            let v = std::mem::replace(&mut *at, Value::UNBOUND);
            v.decref();
            at = at.add(1);
        }
        if let Some(w) = ext_word(p, shape)
            && !(*w).is_null()
        {
            let side = Box::from_raw(std::mem::replace(&mut *w, std::ptr::null_mut()));
            for v in side.overflow.take() {
                v.decref();
            }
        }
    }
}

/// Visits every reference that slots and side record own.
pub(crate) unsafe fn traverse_slots(p: *const Header, visit: &mut crate::heap::Visitor<'_>) {
    // SAFETY: the object is live and the collector runs no Python code while it visits.
    unsafe {
        let shape = (*p).shape();
        let l = shape.ty().layout();
        let at = (p as *mut u8).add(l.slots_off as usize) as *const Value;
        for i in 0..slots_in_use(l, shape) as usize {
            visit(*at.add(i));
        }
        if let Some(s) = side(p, shape) {
            for v in &*s.overflow.as_ptr() {
                visit(*v);
            }
            if let Some(d) = &*s.dict.as_ptr() {
                visit(d.value());
            }
        }
    }
}

/// Takes every value out of slots and overflow area and drops it afterwards. For the collector.
pub(crate) unsafe fn clear_slots(p: *const Header) {
    // SAFETY: the caller keeps the object alive; values are dropped when nothing points into it any more.
    unsafe {
        let shape = (*p).shape();
        let l = shape.ty().layout();
        if l.slot_words == 0 && l.ext_off == 0 {
            return;
        }
        let mut old = Vec::new();
        let mut at = (p as *mut u8).add(l.slots_off as usize) as *mut Value;
        for _ in 0..slots_in_use(l, shape) {
            old.push(std::mem::replace(&mut *at, Value::UNBOUND));
            at = at.add(1);
        }
        if let Some(s) = side(p, shape) {
            for v in &mut *s.overflow.as_ptr() {
                old.push(std::mem::replace(v, Value::UNBOUND));
            }
            // Any other dictionary of a cycle is cleared in its own right.
            let itself = (*s.dict.as_ptr()).as_ref().is_some_and(|d| d.as_ptr() == Some(p as *mut _));
            if itself && let Some(d) = s.dict.replace(Some(crate::types::dict::new())) {
                old.push(d.into_value());
            }
        }
        for v in old {
            v.decref();
        }
    }
}
