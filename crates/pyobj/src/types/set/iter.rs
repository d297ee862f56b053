//! The iterator of sets.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::as_set;
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{PyClass, This};
use crate::types::{iterators, list};
use crate::value::{Obj, ObjCell};

/// Walks a set.
#[pyclass(name = "set_iterator", fixed = SetIterator, flags(no_new))]
#[derive(Traverse)]
pub struct SetIterator {
    /// Empty once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<usize>,
    /// The set's size at the start; `usize::MAX` after a change was reported.
    #[traverse(skip)]
    expected: Cell<usize>,
    #[traverse(skip)]
    left: Cell<usize>,
}

impl SetIterator {
    pub(crate) fn over(set: &Obj) -> Obj {
        let n = as_set(set).map_or(0, |s| s.len());
        heap::new_instance(
            SetIterator::type_object(),
            SetIterator {
                of: ObjCell::new(Some(set.clone())),
                at: Cell::new(0),
                expected: Cell::new(n),
                left: Cell::new(n),
            },
        )
    }

    /// The next element.
    pub fn advance(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        let Some(word) = self.of.peek() else { return Ok(None) };
        // SAFETY: the cell keeps the set alive; looking for an element runs nothing.
        let of = unsafe { Obj::borrow_from(&word) };
        let Some(s) = as_set(of) else { return Ok(None) };
        if s.len() != self.expected.get() {
            self.expected.set(usize::MAX);
            return Err(cx.runtime_error("Set changed size during iteration"));
        }
        let mut at = self.at.get();
        match s.next_element(&mut at) {
            Some((_, x)) => {
                self.at.set(at);
                self.left.set(self.left.get().saturating_sub(1));
                Ok(Some(x))
            }
            None => {
                self.of.set(None);
                Ok(None)
            }
        }
    }
}

#[pymethods]
impl SetIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, SetIterator>) -> PyResult<Option<Obj>> {
        this.advance(cx)
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(_cx: &Ctx, this: This<'_, SetIterator>) -> usize {
        let of = this.of.get();
        match of.as_ref().and_then(as_set) {
            Some(s) if s.len() == this.expected.get() => this.left.get(),
            _ => 0,
        }
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, SetIterator>) -> PyResult {
        let copy = SetIterator {
            of: ObjCell::new(this.of.get()),
            at: this.at.clone(),
            expected: this.expected.clone(),
            left: this.left.clone(),
        };
        let mut items = Vec::new();
        while let Some(x) = copy.advance(cx)? {
            items.push(x);
        }
        iterators::reduce_with(cx, "iter", list::new(items), None)
    }
}
