//! `set` and `frozenset`.

mod iter;
mod methods;
mod ops;
pub(crate) mod table;

use std::cell::{Cell, UnsafeCell};

use crate::native::pyclass;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::native::{FixedShape, PyClass};
use crate::types::dict::table::NoMemory;
use crate::types::dict::{strkey, unusable};
use crate::types::{CmpOp, Type};
use crate::value::{Obj, Value};

pub use iter::SetIterator;
pub use ops::{add, difference_update, from_iterable, symmetric_difference_update, update};

use table::Table;

/// The elements of a set or frozenset.
pub struct Elements {
    table: UnsafeCell<Table>,
}

/// A collection of hashable elements without order, each of which is in it once.
#[pyclass(name = "set", fixed = Set, flags(basetype, match_self, weakref), sig = "(iterable=(), /)")]
pub struct Set {
    elements: Elements,
}

/// A set that never changes, and so can be an element or a key itself.
#[pyclass(name = "frozenset", fixed = FrozenSet, flags(basetype, match_self), sig = "(iterable=(), /)")]
pub struct FrozenSet {
    elements: Elements,
    /// Computed on first use; -1 before.
    hash: Cell<i64>,
}

/// A new empty set.
pub fn new() -> Obj {
    heap::new_instance(Set::type_object(), Set { elements: Elements::new() })
}

/// The elements, if the object is a set or frozenset.
#[inline]
pub fn as_set(o: &Obj) -> Option<&Elements> {
    match o.downcast::<Set>() {
        Some(s) => Some(&s.elements),
        None => o.downcast::<FrozenSet>().map(|f| &f.elements),
    }
}

/// Whether the object is a frozenset or an instance of a subclass.
pub(crate) fn is_frozen(o: &Obj) -> bool {
    o.downcast::<FrozenSet>().is_some()
}

/// A set or frozenset of type `ty` with these elements.
pub(crate) fn make(ty: &Type, table: Table) -> Obj {
    let elements = Elements { table: UnsafeCell::new(table) };
    if ty.payload_is::<FrozenSet>() {
        return heap::new_instance(ty, FrozenSet { elements, hash: Cell::new(-1) });
    }
    heap::new_instance(ty, Set { elements })
}

/// A frozenset of the items of an iterable.
pub fn frozen_from_iterable(cx: &Ctx, iterable: &Obj) -> PyResult {
    if iterable.is_exact(FixedShape::FrozenSet) {
        return Ok(iterable.clone());
    }
    let e = Elements::new();
    e.update(cx, iterable)?;
    Ok(make(FrozenSet::type_object(), std::mem::replace(e.table_mut(), Table::new())))
}

impl Elements {
    pub(crate) const fn new() -> Elements {
        Elements { table: UnsafeCell::new(Table::new()) }
    }

    /// The table, for one short access that runs no Python code.
    #[inline(always)]
    pub(crate) fn table(&self) -> &Table {
        // SAFETY: the lock makes sets single-threaded, and exclusive references live for one access only.
        unsafe { &*self.table.get() }
    }

    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "the lock and short accesses keep references from overlapping")]
    pub(crate) fn table_mut(&self) -> &mut Table {
        // SAFETY: as in `table`.
        unsafe { &mut *self.table.get() }
    }

    /// The number of elements.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.table().used()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slot of an element.
    pub(crate) fn find(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<Option<usize>> {
        let word = key.value();
        if let Some(found) = self.table().find_plain(word, hash) {
            return Ok(found);
        }
        let is_str = strkey::is_exact(word);
        'restart: loop {
            let generation = self.table().generation();
            let mut probe = self.table().probe(hash);
            loop {
                let t = self.table();
                let Some(i) = t.next_match(&mut probe, hash) else { return Ok(None) };
                let Some(k) = t.slots()[i].key else { continue };
                if k == word {
                    return Ok(Some(i));
                }
                if is_str && strkey::is_exact(k) {
                    if strkey::exact_eq(k, word) {
                        return Ok(Some(i));
                    }
                    continue;
                }
                // SAFETY: the table keeps the element alive until it is cloned.
                let other = unsafe { Obj::from_borrowed(k) };
                let equal = other.rich_cmp_bool(cx, key, CmpOp::Eq)?;
                // The comparison may have done anything to this set.
                let t = self.table();
                if t.generation() != generation || t.slots().get(i).and_then(|s| s.key) != Some(k) {
                    continue 'restart;
                }
                if equal {
                    return Ok(Some(i));
                }
            }
        }
    }

    /// Adds an element; false if an equal one is there already.
    pub fn add(&self, cx: &Ctx, key: &Obj) -> PyResult<bool> {
        let hash = element_hash(cx, key)?;
        self.add_hashed(cx, key, hash)
    }

    /// As [`Elements::add`] with the element's hash.
    pub(crate) fn add_hashed(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<bool> {
        let added = match self.table_mut().add_plain(key.value(), hash) {
            Some(Ok(false)) => return Ok(false),
            Some(Ok(true)) => Ok(()),
            Some(Err(e)) => Err(e),
            None if self.find(cx, key, hash)?.is_some() => return Ok(false),
            None => self.table_mut().insert_new(hash, key.value()),
        };
        match added {
            Ok(()) => {
                // The table took the reference over.
                key.clone().into_value();
                Ok(true)
            }
            Err(NoMemory) => Err(cx.no_memory()),
        }
    }

    /// Adds a small int or an exact str if that is sure to run no Python code; nothing, with nothing changed, if not.
    #[inline]
    pub fn quick_add(&self, key: &Obj) -> Option<()> {
        let word = key.value();
        let hash = match key.as_int() {
            // Small ints that are not negative are their own hashes.
            Some(n) => Some(n).filter(|n| (0..1 << 60).contains(n))?,
            None if strkey::is_exact(word) => strkey::hash(word),
            None => return None,
        };
        if self.table_mut().add_plain(word, hash)?.ok()? {
            // The table took the reference over.
            key.clone().into_value();
        }
        Some(())
    }

    /// Whether an equal element is there.
    pub fn has(&self, cx: &Ctx, key: &Obj) -> PyResult<bool> {
        let hash = element_hash(cx, key)?;
        Ok(self.find(cx, key, hash)?.is_some())
    }

    /// Removes an element; false if there is none.
    pub fn discard(&self, cx: &Ctx, key: &Obj) -> PyResult<bool> {
        let hash = element_hash(cx, key)?;
        self.discard_hashed(cx, key, hash)
    }

    pub(crate) fn discard_hashed(&self, cx: &Ctx, key: &Obj, hash: i64) -> PyResult<bool> {
        let Some(i) = self.find(cx, key, hash)? else { return Ok(false) };
        // SAFETY: the table owned the element.
        drop(self.table_mut().remove(i).map(|v| unsafe { Obj::from_owned(v) }));
        Ok(true)
    }

    /// Walks the elements with their hashes: start with `pos` 0. Changes between calls are safe.
    pub fn next_element(&self, pos: &mut usize) -> Option<(i64, Obj)> {
        let slots = self.table().slots();
        while let Some(s) = slots.get(*pos) {
            *pos += 1;
            if let Some(k) = s.key {
                // SAFETY: the table keeps the element alive until it is cloned here.
                return Some((s.hash, unsafe { Obj::from_borrowed(k) }));
            }
        }
        None
    }

    /// The elements now.
    pub fn snapshot(&self) -> Vec<Obj> {
        let mut v = Vec::with_capacity(self.len());
        let mut pos = 0;
        while let Some((_, x)) = self.next_element(&mut pos) {
            v.push(x);
        }
        v
    }

    /// Removes everything.
    pub fn clear_all(&self) {
        for s in self.table_mut().take_all() {
            if let Some(k) = s.key {
                // SAFETY: the table owned the element.
                unsafe { k.decref() };
            }
        }
    }

    /// Removes and returns an arbitrary element.
    pub fn pop(&self) -> Option<Obj> {
        // SAFETY: the table owned the element.
        self.table_mut().pop().map(|v| unsafe { Obj::from_owned(v) })
    }
}

/// The hash of a set element; unhashable ones say what they are needed for.
#[inline]
pub(crate) fn element_hash(cx: &Ctx, key: &Obj) -> PyResult<i64> {
    if strkey::is_exact(key.value()) {
        return Ok(strkey::hash(key.value()));
    }
    key.hash(cx).map_err(|r| unusable(cx, r, key, "a set element"))
}

impl Drop for Elements {
    fn drop(&mut self) {
        self.clear_all();
    }
}

impl Traverse for Elements {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for s in self.table().slots() {
            visit(s.key.unwrap_or(Value::UNBOUND));
        }
    }

    fn clear(&self) {
        self.clear_all();
    }
}

impl Traverse for Set {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.elements.traverse(visit);
    }

    fn clear(&self) {
        self.elements.clear();
    }
}

impl Traverse for FrozenSet {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.elements.traverse(visit);
    }

    fn clear(&self) {
        self.elements.clear();
    }
}
