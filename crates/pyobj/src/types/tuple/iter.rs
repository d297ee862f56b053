//! The iterator of tuples.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::items_if_tuple;
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{FixedShape, PyClass, This};
use crate::types::{iterators, tuple};
use crate::value::{Obj, ObjCell, Value};

/// Walks a tuple.
#[pyclass(name = "tuple_iterator", fixed = TupleIterator, flags(no_new))]
#[derive(Traverse)]
pub struct TupleIterator {
    /// Empty once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<usize>,
}

impl TupleIterator {
    pub(crate) fn over(tuple: &Obj) -> Obj {
        heap::new_instance(
            TupleIterator::type_object(),
            TupleIterator { of: ObjCell::new(Some(tuple.clone())), at: Cell::new(0) },
        )
    }

    /// Moves on and returns the next item's word, borrowed; nothing at the end or if that takes more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        let word = self.of.peek()?;
        let i = self.at.get();
        // SAFETY: the cell keeps the object alive; reading an item runs nothing.
        let v = *unsafe { Obj::borrow_from(&word) }.fixed::<super::Tuple>(FixedShape::Tuple)?.values().get(i)?;
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
        match items_if_tuple(of)?.get(i).cloned() {
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
impl TupleIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, TupleIterator>) -> PyResult<Option<Obj>> {
        Ok(this.advance())
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(_cx: &Ctx, this: This<'_, TupleIterator>) -> usize {
        let of = this.of.get();
        let len = of.as_ref().and_then(items_if_tuple).map_or(0, <[Obj]>::len);
        len.saturating_sub(this.at.get())
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, TupleIterator>) -> PyResult {
        let state = this.of.get().map(|o| (o, this.at.get()));
        iterators::reduce_indexed(cx, state, tuple::empty)
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, TupleIterator>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)?;
        if let Some(of) = this.of.get() {
            let len = items_if_tuple(&of).map_or(0, <[Obj]>::len);
            this.at.set((i.max(0) as usize).min(len));
        }
        Ok(())
    }
}
