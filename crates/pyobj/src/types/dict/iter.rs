//! The iterators of dicts and their views.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::{Dict, as_dict};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{FixedShape, PyClass, This};
use crate::types::{iterators, list, tuple};
use crate::value::{Obj, ObjCell, Value};

/// A walk over the entries of a dict that notices changes.
#[derive(Traverse)]
pub(super) struct Cursor {
    /// Empty once exhausted.
    of: ObjCell,
    /// Forwards the next entry, backwards one past it.
    #[traverse(skip)]
    at: Cell<usize>,
    /// The dict's size at the start; `usize::MAX` after a change was reported, so that it is reported again.
    #[traverse(skip)]
    expected: Cell<usize>,
    #[traverse(skip)]
    left: Cell<usize>,
}

impl Cursor {
    fn new(dict: &Obj, backwards: bool) -> Cursor {
        let d = as_dict(dict);
        let n = d.map_or(0, |d| d.len());
        Cursor {
            of: ObjCell::new(Some(dict.clone())),
            at: Cell::new(d.map_or(0, |d| if backwards { d.end() } else { d.first() })),
            expected: Cell::new(n),
            left: Cell::new(n),
        }
    }

    fn advance(&self, cx: &Ctx, backwards: bool) -> PyResult<Option<(Obj, Obj)>> {
        let Some(word) = self.of.peek() else { return Ok(None) };
        // SAFETY: the cell keeps the dict alive; nothing runs before it is changed below.
        let of = unsafe { Obj::borrow_from(&word) };
        let Some(d) = as_dict(of) else { return Ok(None) };
        if self.expected.get() != d.len() {
            self.expected.set(usize::MAX);
            return Err(cx.runtime_error("dictionary changed size during iteration"));
        }
        let found = loop {
            let i = self.at.get();
            if backwards {
                // A dict that was emptied meanwhile may be shorter than the walk.
                let Some(i) = i.checked_sub(1).filter(|i| *i < d.end()) else { break None };
                self.at.set(i);
                if let Some(e) = d.entry_at(i) {
                    break Some(e);
                }
            } else {
                if i >= d.end() {
                    break None;
                }
                self.at.set(i + 1);
                if let Some(e) = d.entry_at(i) {
                    break Some(e);
                }
            }
        };
        match found {
            Some((_, k, v)) => {
                if self.left.get() == 0 {
                    self.expected.set(usize::MAX);
                    return Err(cx.runtime_error("dictionary keys changed during iteration"));
                }
                self.left.set(self.left.get() - 1);
                // SAFETY: the dict keeps its entry alive until it is cloned here.
                Ok(Some(unsafe { (Obj::from_borrowed(k), Obj::from_borrowed(v)) }))
            }
            None => {
                self.of.set(None);
                Ok(None)
            }
        }
    }

    /// The next entry of an exact dict with a table of its own, walked forwards: key and value, borrowed. Nothing, with
    /// nothing changed, at the end or if that takes more.
    #[inline(always)]
    fn quick_next(&self) -> Option<(Value, Value)> {
        let word = self.of.peek()?;
        // SAFETY: the cell keeps the dict alive; reading an entry runs nothing.
        let d = unsafe { Obj::borrow_from(&word) }.fixed::<Dict>(FixedShape::Dict)?;
        let left = self.left.get();
        if d.quick_len()? != self.expected.get() || left == 0 {
            return None;
        }
        let i = self.at.get();
        let e = d.table().entry(i)?;
        let key = e.key?;
        self.at.set(i + 1);
        self.left.set(left - 1);
        Some((key, e.value))
    }

    fn hint(&self) -> usize {
        let of = self.of.get();
        match of.as_ref().and_then(as_dict) {
            Some(d) if d.len() == self.expected.get() => self.left.get(),
            _ => 0,
        }
    }

    /// The items that are left, as a list; the iterator itself stays where it is.
    fn rest(&self, cx: &Ctx, backwards: bool, pick: fn(Obj, Obj) -> Obj) -> PyResult {
        let copy = Cursor {
            of: ObjCell::new(self.of.get()),
            at: self.at.clone(),
            expected: self.expected.clone(),
            left: self.left.clone(),
        };
        let mut items = Vec::new();
        while let Some((k, v)) = copy.advance(cx, backwards)? {
            items.push(pick(k, v));
        }
        iterators::reduce_with(cx, "iter", list::new(items), None)
    }
}

fn pick_key(k: Obj, _: Obj) -> Obj {
    k
}

fn pick_value(_: Obj, v: Obj) -> Obj {
    v
}

macro_rules! iterators {
    ($($ty:ident $name:tt [$($fixed:tt)*] $backwards:tt $pick:path, $doc:tt;)*) => {$(
        #[doc = $doc]
        #[pyclass(name = $name, flags(no_new) $($fixed)*)]
        #[derive(Traverse)]
        pub struct $ty(Cursor);

        impl $ty {
            pub(crate) fn over(dict: &Obj) -> Obj {
                heap::new_instance($ty::type_object(), $ty(Cursor::new(dict, $backwards)))
            }

            /// The next item.
            #[inline]
            pub fn advance(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
                Ok(self.0.advance(cx, $backwards)?.map(|(k, v)| $pick(k, v)))
            }
        }

        #[pymethods]
        impl $ty {
            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(this.clone())
            }

            fn __next__(cx: &Ctx, this: This<'_, $ty>) -> PyResult<Option<Obj>> {
                this.advance(cx)
            }

            /// Private: a guess at how many items are left.
            #[pymethod(name = "__length_hint__")]
            fn length_hint(_cx: &Ctx, this: This<'_, $ty>) -> usize {
                this.0.hint()
            }

            #[pymethod(name = "__reduce__")]
            fn reduce(cx: &Ctx, this: This<'_, $ty>) -> PyResult {
                this.0.rest(cx, $backwards, $pick)
            }
        }
    )*};
}

iterators! {
    DictKeyIterator "dict_keyiterator" [, fixed = DictKeyIterator] false pick_key,
        "Walks the keys of a dict.";
    DictValueIterator "dict_valueiterator" [, fixed = DictValueIterator] false pick_value,
        "Walks the values of a dict.";
    DictItemIterator "dict_itemiterator" [, fixed = DictItemIterator] false tuple::pair,
        "Walks the items of a dict.";
    DictReverseKeyIterator "dict_reversekeyiterator" [] true pick_key,
        "Walks the keys of a dict from the last.";
    DictReverseValueIterator "dict_reversevalueiterator" [] true pick_value,
        "Walks the values of a dict from the last.";
    DictReverseItemIterator "dict_reverseitemiterator" [] true tuple::pair,
        "Walks the items of a dict from the last.";
}

impl DictKeyIterator {
    /// Moves on and returns the next key's word, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        self.0.quick_next().map(|e| e.0)
    }
}

impl DictValueIterator {
    /// Moves on and returns the next value's word, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        self.0.quick_next().map(|e| e.1)
    }
}

impl DictItemIterator {
    /// Moves on and returns the next key and value, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<(Value, Value)> {
        self.0.quick_next()
    }

    /// The next key and value.
    pub fn advance_pair(&self, cx: &Ctx) -> PyResult<Option<(Obj, Obj)>> {
        self.0.advance(cx, false)
    }
}
