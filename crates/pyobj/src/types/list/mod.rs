//! `list`: a growable vector of tagged words. Ints and floats take eight bytes each.

mod iter;
mod methods;
mod slices;
mod sort;
mod timsort;

use std::cell::UnsafeCell;

use crate::native::pyclass;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::native::PyClass;
use crate::types::seqops::{self, Items};
use crate::value::{Obj, Value};

pub use iter::{ListIterator, ListReverseIterator};

/// A mutable sequence of any objects.
///
/// Made empty, or of the items of an iterable.
#[pyclass(name = "list", fixed = List, flags(basetype, sequence, match_self), sig = "(iterable=(), /)")]
pub struct List {
    items: UnsafeCell<Vec<Value>>,
}

/// A list of these items.
#[inline]
pub fn new(items: Vec<Obj>) -> Obj {
    heap::new_instance(List::type_object(), List::from_vec(items))
}

/// An empty list with room for `n` items.
pub fn with_room(n: usize) -> Obj {
    new(Vec::with_capacity(n))
}

/// An empty list.
pub fn empty() -> Obj {
    new(Vec::new())
}

/// A list of copies of borrowed words.
///
/// # Safety
/// The words must be live values.
pub unsafe fn from_values(items: &[Value]) -> Obj {
    for v in items {
        // SAFETY: by the caller's promise.
        unsafe { v.incref() };
    }
    heap::new_instance(List::type_object(), List { items: UnsafeCell::new(items.to_vec()) })
}

/// A list of the owned words.
#[inline]
fn from_word_vec(items: Vec<Value>) -> Obj {
    heap::new_instance(List::type_object(), List { items: UnsafeCell::new(items) })
}

/// A list that takes over these words.
///
/// # Safety
/// The caller must own the references and give them up.
pub unsafe fn from_owned_words(items: &[Value]) -> Obj {
    heap::new_instance(List::type_object(), List { items: UnsafeCell::new(items.to_vec()) })
}

/// The payload, if the object is a list.
#[inline]
pub fn as_list(o: &Obj) -> Option<&List> {
    o.downcast::<List>()
}

impl List {
    fn from_vec(items: Vec<Obj>) -> List {
        List { items: UnsafeCell::new(seqops::into_values(items)) }
    }

    /// The items, for one short access that runs no Python code.
    #[inline(always)]
    pub(crate) fn values(&self) -> &[Value] {
        // SAFETY: the lock makes lists single-threaded, and exclusive references live for one access only.
        unsafe { &*self.items.get() }
    }

    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the lock and short accesses keep references from overlapping")]
    fn vec(&self) -> &mut Vec<Value> {
        // SAFETY: as in `values`.
        unsafe { &mut *self.items.get() }
    }

    /// The items as borrowed words, for one short access that runs no Python code and changes no list.
    #[inline(always)]
    pub fn words(&self) -> &[Value] {
        self.values()
    }

    /// The number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Item `i`, nothing past the end.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Obj> {
        // SAFETY: the list keeps its items alive.
        self.values().get(i).map(|v| unsafe { Obj::from_borrowed(*v) })
    }

    /// Item `i` as a word that the list keeps alive only until it next changes.
    #[inline(always)]
    pub fn get_value(&self, i: usize) -> Option<Value> {
        self.values().get(i).copied()
    }

    /// The address of item `i`, for one access before the list can change.
    #[inline(always)]
    pub fn slot(&self, i: usize) -> Option<*mut Value> {
        self.vec().get_mut(i).map(std::ptr::from_mut)
    }

    /// Appends an owned word if there is room.
    #[inline(always)]
    pub fn quick_push(&self, v: Value) -> bool {
        let items = self.vec();
        if items.len() == items.capacity() {
            return false;
        }
        items.push(v);
        true
    }

    /// Whether an item can be appended without growing.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        let items = self.vec();
        items.len() < items.capacity()
    }

    /// Replaces item `i` and returns the old one; past the end the new one comes back.
    #[inline]
    pub fn set(&self, i: usize, x: Obj) -> Result<Obj, Obj> {
        match self.vec().get_mut(i) {
            // SAFETY: the list owned the old word.
            Some(slot) => Ok(unsafe { Obj::from_owned(std::mem::replace(slot, x.into_value())) }),
            None => Err(x),
        }
    }

    /// Makes room for `extra` more items. Small lists double, large ones grow by an eighth.
    #[inline]
    pub(crate) fn reserve(&self, cx: &Ctx, extra: usize) -> PyResult<()> {
        let v = self.vec();
        if v.capacity() - v.len() >= extra {
            return Ok(());
        }
        self.grow(cx, extra)
    }

    #[cold]
    fn grow(&self, cx: &Ctx, extra: usize) -> PyResult<()> {
        let v = self.vec();
        let slack = if v.len() < 1024 { v.len().max(3) } else { v.len() / 8 };
        let room = extra.max(slack);
        if room > isize::MAX as usize / 8 || v.try_reserve_exact(room).is_err() && v.try_reserve_exact(extra).is_err() {
            return Err(cx.no_memory());
        }
        Ok(())
    }

    /// Appends, or raises MemoryError.
    #[inline(always)]
    pub fn append(&self, cx: &Ctx, x: Obj) -> PyResult<()> {
        let v = self.vec();
        if v.len() == v.capacity() {
            self.grow(cx, 1)?;
        }
        self.vec().push(x.into_value());
        Ok(())
    }

    /// Appends to a list that is being built, whose room doubles; or raises MemoryError.
    pub fn append_built(&self, cx: &Ctx, x: Obj) -> PyResult<()> {
        let v = self.vec();
        if v.len() == v.capacity() {
            cx.make_room(v, 1)?;
        }
        v.push(x.into_value());
        Ok(())
    }

    /// Appends; without memory the process ends, so this is for lists whose length the program can't choose.
    pub fn push(&self, x: Obj) {
        self.vec().push(x.into_value());
    }

    /// Inserts before item `i` (at most the length).
    pub fn insert_at(&self, cx: &Ctx, i: usize, x: Obj) -> PyResult<()> {
        self.reserve(cx, 1)?;
        let i = i.min(self.len());
        self.vec().insert(i, x.into_value());
        Ok(())
    }

    /// Takes item `i` out.
    pub fn remove_at(&self, i: usize) -> Option<Obj> {
        if i >= self.len() {
            return None;
        }
        let v = self.vec().remove(i);
        self.shrink();
        // SAFETY: the list owned it.
        Some(unsafe { Obj::from_owned(v) })
    }

    /// Takes the last item.
    #[inline]
    pub fn pop_last(&self) -> Option<Obj> {
        let v = self.vec().pop()?;
        self.shrink();
        // SAFETY: the list owned it.
        Some(unsafe { Obj::from_owned(v) })
    }

    /// Gives memory back once a list uses less than a quarter of it.
    #[inline(always)]
    fn shrink(&self) {
        let v = self.vec();
        if v.capacity() > 64 && v.len() < v.capacity() / 4 {
            v.shrink_to(v.len() * 2);
        }
    }

    /// The items now.
    pub fn snapshot(&self) -> Vec<Obj> {
        // SAFETY: the list keeps the items alive until they are cloned.
        unsafe { Obj::slice_from(self.values().as_ptr(), self.len()) }.to_vec()
    }

    /// Takes all items out.
    pub fn take_all(&self) -> Vec<Obj> {
        // SAFETY: the list owned its items.
        unsafe { seqops::from_values(std::mem::take(self.vec())) }
    }

    /// Drops all items, the last one first, as `clear` does.
    pub(crate) fn clear_backwards(&self) {
        let mut items = self.take_all();
        while items.pop().is_some() {}
    }

    /// Replaces all items; the old ones are handed back.
    pub(crate) fn replace_all(&self, items: Vec<Value>) -> Vec<Obj> {
        // SAFETY: the list owned its items.
        unsafe { seqops::from_values(std::mem::replace(self.vec(), items)) }
    }

    /// Appends the items of an iterable, as `extend` does.
    pub fn extend_from(&self, cx: &Ctx, this: &Obj, iterable: &Obj) -> PyResult<()> {
        if iterable.is(this) {
            let items = self.snapshot();
            self.reserve(cx, items.len())?;
            self.vec().extend(seqops::into_values(items));
            return Ok(());
        }
        if let Some(items) = crate::types::tuple::items_if_exact_tuple(iterable) {
            return self.extend_from_slice(cx, items);
        }
        if iterable.is_exact(crate::native::FixedShape::List)
            && let Some(l) = as_list(iterable)
        {
            // SAFETY: nothing runs between reading the other list and copying its items.
            return self.extend_from_slice(cx, unsafe { Obj::slice_from(l.values().as_ptr(), l.len()) });
        }
        let it = iterable.iter(cx)?;
        let hint = iterable.length_hint(cx, 8)?;
        match self.len().checked_add(hint).filter(|n| *n <= isize::MAX as usize) {
            Some(n) if n < isize::MAX as usize / 16 => {
                let _ = self.vec().try_reserve_exact(hint);
            }
            Some(_) => return Err(cx.no_memory()),
            // So many items cannot be: the hint lied, or memory runs out on the way.
            None => {}
        }
        while let Some(x) = it.next(cx)? {
            self.append(cx, x)?;
        }
        let v = self.vec();
        if v.capacity() > v.len() + v.len() / 2 + 16 {
            v.shrink_to_fit();
        }
        Ok(())
    }

    fn extend_from_slice(&self, cx: &Ctx, items: &[Obj]) -> PyResult<()> {
        self.reserve(cx, items.len())?;
        self.vec().extend(items.iter().map(|x| x.clone().into_value()));
        Ok(())
    }

    /// The items as borrowed handles, for one short access that runs no Python code.
    #[inline(always)]
    fn as_slice(&self) -> &[Obj] {
        // SAFETY: the list keeps its items alive, and nothing runs while they are looked at.
        unsafe { Obj::slice_from(self.values().as_ptr(), self.len()) }
    }

    /// Bytes outside the object.
    pub(crate) fn byte_size(&self) -> usize {
        // SAFETY: a short access.
        unsafe { (*self.items.get()).capacity() * 8 }
    }

    /// Reverses in place.
    pub fn reverse_in_place(&self) {
        self.vec().reverse();
    }
}

impl Items for List {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn word(&self, i: usize) -> Option<Value> {
        self.get_value(i)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // CPython's order: the last item goes first.
        let mut items = std::mem::take(self.items.get_mut());
        while let Some(v) = items.pop() {
            if v.is_ptr() {
                // SAFETY: the list owned its items.
                unsafe { v.decref() };
            }
        }
    }
}

impl Traverse for List {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for v in self.values() {
            visit(*v);
        }
    }

    fn clear(&self) {
        self.clear_backwards();
    }
}
