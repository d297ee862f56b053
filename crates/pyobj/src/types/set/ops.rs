//! Set algebra on sets, frozensets and iterables.

use super::table::Table;
use super::{Elements, FrozenSet, Set, as_set, element_hash, is_frozen, make, new};
use crate::ctx::{Ctx, PyResult};
use crate::native::PyClass;
use crate::types::Type;
use crate::types::dict::{Dict, as_dict};
use crate::value::Obj;

/// A new set of the items of an iterable.
pub fn from_iterable(cx: &Ctx, iterable: &Obj) -> PyResult {
    let s = new();
    update(cx, &s, iterable)?;
    Ok(s)
}

/// Adds an element to a set object.
pub fn add(cx: &Ctx, set: &Obj, x: &Obj) -> PyResult<()> {
    expect(cx, set)?.add(cx, x).map(|_| ())
}

/// Adds the items of an iterable to a set object.
pub fn update(cx: &Ctx, set: &Obj, iterable: &Obj) -> PyResult<()> {
    expect(cx, set)?.update(cx, iterable)
}

/// Removes the items of an iterable from a set object.
pub fn difference_update(cx: &Ctx, set: &Obj, iterable: &Obj) -> PyResult<()> {
    expect(cx, set)?.difference_update(cx, iterable)
}

/// Toggles the distinct items of an iterable in a set object.
pub fn symmetric_difference_update(cx: &Ctx, set: &Obj, iterable: &Obj) -> PyResult<()> {
    expect(cx, set)?.symmetric_difference_update(cx, iterable)
}

fn expect<'a>(cx: &Ctx, set: &'a Obj) -> PyResult<&'a Elements> {
    as_set(set).ok_or_else(|| cx.type_error(format!("expected a set, not '{}'", set.type_of().name())))
}

/// `set` or `frozenset`: the base of results, whatever subclass the operand has.
pub(super) fn base_type(o: &Obj) -> &'static Type {
    if is_frozen(o) { FrozenSet::type_object() } else { Set::type_object() }
}

/// A copy of base type.
pub(super) fn copy(cx: &Ctx, o: &Obj) -> PyResult {
    let t = expect(cx, o)?.table().duplicate().map_err(|_| cx.no_memory())?;
    Ok(make(base_type(o), t))
}

impl Elements {
    /// Adds the items of an iterable.
    pub fn update(&self, cx: &Ctx, iterable: &Obj) -> PyResult<()> {
        if let Some(other) = as_set(iterable) {
            return self.merge(cx, other);
        }
        if Dict::is_exact(iterable)
            && let Some(d) = as_dict(iterable)
        {
            self.table_mut().reserve_merge(d.len()).map_err(|_| cx.no_memory())?;
            let mut i = 0;
            while i < d.end() {
                if let Some((hash, k, _)) = d.entry_at(i) {
                    // SAFETY: the dict keeps the key alive until it is cloned here.
                    let k = unsafe { Obj::from_borrowed(k) };
                    self.add_hashed(cx, &k, hash)?;
                }
                i += 1;
            }
            return Ok(());
        }
        iterable.for_each(cx, |x| self.add(cx, &x).map(|_| ()))
    }

    fn merge(&self, cx: &Ctx, other: &Elements) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.is_empty() {
            return Ok(());
        }
        if self.table().slots().is_empty() {
            *self.table_mut() = other.table().duplicate().map_err(|_| cx.no_memory())?;
            return Ok(());
        }
        self.table_mut().reserve_merge(other.len()).map_err(|_| cx.no_memory())?;
        let mut pos = 0;
        while let Some((hash, x)) = other.next_element(&mut pos) {
            self.add_hashed(cx, &x, hash)?;
        }
        Ok(())
    }

    /// Removes the items of an iterable.
    pub fn difference_update(&self, cx: &Ctx, iterable: &Obj) -> PyResult<()> {
        if let Some(other) = as_set(iterable) {
            if std::ptr::eq(self, other) {
                self.clear_all();
                return Ok(());
            }
            if other.len() >> 3 > self.len() {
                // Looking each own element up is cheaper than removing each of the other's.
                for x in self.snapshot() {
                    let hash = element_hash(cx, &x)?;
                    if other.find(cx, &x, hash)?.is_some() {
                        self.discard_hashed(cx, &x, hash)?;
                    }
                }
                return Ok(());
            }
            let mut pos = 0;
            while let Some((hash, x)) = other.next_element(&mut pos) {
                self.discard_hashed(cx, &x, hash)?;
            }
            return Ok(());
        }
        iterable.for_each(cx, |x| self.discard(cx, &x).map(|_| ()))
    }

    /// Toggles the distinct items of an iterable.
    pub fn symmetric_difference_update(&self, cx: &Ctx, iterable: &Obj) -> PyResult<()> {
        if let Some(other) = as_set(iterable) {
            if std::ptr::eq(self, other) {
                self.clear_all();
                return Ok(());
            }
            return self.toggle(cx, other);
        }
        let other = Elements::new();
        other.update(cx, iterable)?;
        self.toggle(cx, &other)
    }

    fn toggle(&self, cx: &Ctx, other: &Elements) -> PyResult<()> {
        let mut pos = 0;
        while let Some((hash, x)) = other.next_element(&mut pos) {
            if !self.discard_hashed(cx, &x, hash)? {
                self.add_hashed(cx, &x, hash)?;
            }
        }
        Ok(())
    }

    /// The common elements with an iterable, as a table.
    pub(super) fn intersection(&self, cx: &Ctx, iterable: &Obj) -> PyResult<Table> {
        let out = Elements::new();
        if let Some(other) = as_set(iterable) {
            let (small, large) = if other.len() > self.len() { (self, other) } else { (other, self) };
            let mut pos = 0;
            while let Some((hash, x)) = small.next_element(&mut pos) {
                if large.find(cx, &x, hash)?.is_some() {
                    out.add_hashed(cx, &x, hash)?;
                }
            }
        } else {
            iterable.for_each(cx, |x| {
                let hash = element_hash(cx, &x)?;
                if self.find(cx, &x, hash)?.is_some() {
                    out.add_hashed(cx, &x, hash)?;
                }
                Ok(())
            })?;
        }
        Ok(out.into_table())
    }

    /// The elements that are not in an iterable, as a table.
    pub(super) fn difference(&self, cx: &Ctx, iterable: &Obj) -> PyResult<Table> {
        let lookup: Option<(&dyn Fn(&Obj, i64) -> PyResult<bool>, usize)>;
        let (in_set, in_dict);
        if let Some(other) = as_set(iterable) {
            in_set = |x: &Obj, hash| other.find(cx, x, hash).map(|i| i.is_some());
            lookup = Some((&in_set, other.len()));
        } else if Dict::is_exact(iterable)
            && let Some(d) = as_dict(iterable)
        {
            in_dict = |x: &Obj, hash| d.get_hashed(cx, x, hash).map(|v| v.is_some());
            lookup = Some((&in_dict, d.len()));
        } else {
            lookup = None;
        }
        let out = Elements::new();
        match lookup {
            Some((contains, n)) if self.len() >> 2 <= n => {
                let mut pos = 0;
                while let Some((hash, x)) = self.next_element(&mut pos) {
                    if !contains(&x, hash)? {
                        out.add_hashed(cx, &x, hash)?;
                    }
                }
            }
            _ => {
                *out.table_mut() = self.table().duplicate().map_err(|_| cx.no_memory())?;
                out.difference_update(cx, iterable)?;
            }
        }
        Ok(out.into_table())
    }

    pub(super) fn into_table(self) -> Table {
        std::mem::replace(self.table_mut(), Table::new())
    }

    /// Whether every element is in `other`.
    pub(super) fn is_subset(&self, cx: &Ctx, other: &Elements) -> PyResult<bool> {
        if self.len() > other.len() {
            return Ok(false);
        }
        let mut pos = 0;
        while let Some((hash, x)) = self.next_element(&mut pos) {
            if other.find(cx, &x, hash)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether there is no common item with an iterable.
    pub(super) fn is_disjoint(&self, cx: &Ctx, iterable: &Obj) -> PyResult<bool> {
        if let Some(other) = as_set(iterable) {
            let (small, large) = if other.len() > self.len() { (self, other) } else { (other, self) };
            let mut pos = 0;
            while let Some((hash, x)) = small.next_element(&mut pos) {
                if large.find(cx, &x, hash)?.is_some() {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let it = iterable.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            if self.has(cx, &x)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The elements of `o` as they are if it is a set, otherwise of a new set of its items.
pub(super) fn with_set<R>(cx: &Ctx, o: &Obj, f: impl FnOnce(&Elements) -> PyResult<R>) -> PyResult<R> {
    match as_set(o) {
        Some(s) => f(s),
        None => {
            let s = Elements::new();
            s.update(cx, o)?;
            f(&s)
        }
    }
}
