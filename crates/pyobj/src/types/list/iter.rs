//! The iterators of lists.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::{as_list, empty};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{FixedShape, PyClass, This};
use crate::types::{iterators, tuple};
use crate::value::{Obj, ObjCell, Value};

/// Walks a list from the front.
#[pyclass(name = "list_iterator", fixed = ListIterator, flags(no_new))]
#[derive(Traverse)]
pub struct ListIterator {
    /// Empty once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<usize>,
}

impl ListIterator {
    pub(crate) fn over(list: &Obj) -> Obj {
        heap::new_instance(
            ListIterator::type_object(),
            ListIterator { of: ObjCell::new(Some(list.clone())), at: Cell::new(0) },
        )
    }

    /// Moves on and returns the next item's word, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        let word = self.of.peek()?;
        let i = self.at.get();
        // SAFETY: the cell keeps the object alive; reading an item runs nothing.
        let v = unsafe { Obj::borrow_from(&word) }.fixed::<super::List>(FixedShape::List)?.get_value(i)?;
        self.at.set(i + 1);
        Some(v)
    }

    /// The next item.
    #[inline]
    pub fn advance(&self) -> Option<Obj> {
        let word = self.of.peek()?;
        let i = self.at.get();
        // SAFETY: the cell keeps the object alive; reading an item runs nothing.
        let of = unsafe { Obj::borrow_from(&word) };
        match as_list(of)?.get(i) {
            Some(x) => {
                self.at.set(i + 1);
                Some(x)
            }
            None => {
                self.of.set(None);
                None
            }
        }
    }
}

#[pymethods]
impl ListIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, ListIterator>) -> PyResult<Option<Obj>> {
        Ok(this.advance())
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(_cx: &Ctx, this: This<'_, ListIterator>) -> usize {
        let of = this.of.get();
        let len = of.as_ref().and_then(as_list).map_or(0, |l| l.len());
        len.saturating_sub(this.at.get())
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, ListIterator>) -> PyResult {
        let state = this.of.get().map(|o| (o, this.at.get()));
        iterators::reduce_indexed(cx, state, empty)
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, ListIterator>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)?;
        if let Some(of) = this.of.get() {
            let len = as_list(&of).map_or(0, |l| l.len());
            this.at.set((i.max(0) as usize).min(len));
        }
        Ok(())
    }
}

/// Walks a list from the back.
#[pyclass(name = "list_reverseiterator", fixed = ListReverseIterator, flags(no_new))]
#[derive(Traverse)]
pub struct ListReverseIterator {
    of: ObjCell,
    /// One past the next item.
    #[traverse(skip)]
    left: Cell<usize>,
}

impl ListReverseIterator {
    pub(crate) fn over(list: &Obj) -> Obj {
        let left = as_list(list).map_or(0, |l| l.len());
        heap::new_instance(
            ListReverseIterator::type_object(),
            ListReverseIterator { of: ObjCell::new(Some(list.clone())), left: Cell::new(left) },
        )
    }

    /// Moves on and returns the next item's word, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        let word = self.of.peek()?;
        let i = self.left.get().checked_sub(1)?;
        // SAFETY: the cell keeps the object alive; reading an item runs nothing.
        let v = unsafe { Obj::borrow_from(&word) }.fixed::<super::List>(FixedShape::List)?.get_value(i)?;
        self.left.set(i);
        Some(v)
    }
}

#[pymethods]
impl ListReverseIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, ListReverseIterator>) -> PyResult<Option<Obj>> {
        let Some(of) = this.of.get() else { return Ok(None) };
        let next = this.left.get().checked_sub(1).and_then(|i| as_list(&of)?.get(i).map(|x| (i, x)));
        match next {
            Some((i, x)) => {
                this.left.set(i);
                Ok(Some(x))
            }
            None => {
                this.left.set(0);
                this.of.set(None);
                Ok(None)
            }
        }
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(_cx: &Ctx, this: This<'_, ListReverseIterator>) -> usize {
        let of = this.of.get();
        let len = of.as_ref().and_then(as_list).map_or(0, |l| l.len());
        if this.left.get() > len { 0 } else { this.left.get() }
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, ListReverseIterator>) -> PyResult {
        // Looking the builtin up may run Python code that moves the iterator.
        let reversed = iterators::builtin_function(cx, "reversed")?;
        Ok(match this.of.get() {
            Some(of) => {
                let index = this.left.get() as i64 - 1;
                tuple::new(vec![reversed, tuple::new(vec![of]), Obj::from(index)])
            }
            None => tuple::new(vec![reversed, tuple::new(vec![empty()])]),
        })
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, ListReverseIterator>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)?;
        if let Some(of) = this.of.get() {
            let len = as_list(&of).map_or(0, |l| l.len());
            this.left.set(((i.max(-1) + 1) as usize).min(len));
        }
        Ok(())
    }
}
