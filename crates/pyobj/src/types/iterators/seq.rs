//! Iterators over anything with `__getitem__`, and over calls of a function.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::{reduce_indexed, reduce_with};
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{PyClass, This};
use crate::types::{exc, tuple};
use crate::value::{Obj, ObjCell};

/// Reads items 0, 1, … of a sequence until IndexError or StopIteration.
#[pyclass(name = "iterator", fixed = SeqIterator, flags(no_new))]
#[derive(Traverse)]
pub struct SeqIterator {
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<i64>,
}

/// `iter(seq)` of an object that has `__getitem__` but no `__iter__`.
pub fn seq_iter(seq: &Obj) -> Obj {
    heap::new_instance(
        SeqIterator::type_object(),
        SeqIterator { of: ObjCell::new(Some(seq.clone())), at: Cell::new(0) },
    )
}

#[pymethods]
impl SeqIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, SeqIterator>) -> PyResult<Option<Obj>> {
        let Some(of) = this.of.get() else { return Ok(None) };
        let i = this.at.get();
        if i == i64::MAX {
            return Err(cx.overflow_error("iter index too large"));
        }
        match of.get_item(cx, &Obj::from(i)) {
            Ok(x) => {
                this.at.set(i + 1);
                Ok(Some(x))
            }
            Err(r) => {
                if cx.pending_is(exc::IndexError()) || cx.pending_is(exc::StopIteration()) {
                    drop(cx.take(r));
                    this.of.set(None);
                    return Ok(None);
                }
                Err(r)
            }
        }
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(cx: &Ctx, this: This<'_, SeqIterator>) -> PyResult {
        let Some(of) = this.of.get() else { return Ok(Obj::from(0i64)) };
        if of.type_of().slots.len.get().is_none() {
            return Ok(Obj::not_implemented());
        }
        let n = of.len(cx)? as i64 - this.at.get();
        Ok(Obj::from(n.max(0)))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, SeqIterator>) -> PyResult {
        let state = this.of.get().map(|o| (o, this.at.get() as usize));
        reduce_indexed(cx, state, tuple::empty)
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, SeqIterator>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)?;
        if !this.of.is_empty() {
            this.at.set(i.max(0) as i64);
        }
        Ok(())
    }
}

/// Calls a function until it returns the sentinel.
#[pyclass(name = "callable_iterator", flags(no_new))]
#[derive(Traverse)]
pub struct CallableIterator {
    /// Function and sentinel; empty once exhausted.
    function: ObjCell,
    sentinel: ObjCell,
}

/// `iter(function, sentinel)`.
pub fn callable_iter(function: &Obj, sentinel: &Obj) -> Obj {
    heap::new_instance(
        CallableIterator::type_object(),
        CallableIterator {
            function: ObjCell::new(Some(function.clone())),
            sentinel: ObjCell::new(Some(sentinel.clone())),
        },
    )
}

impl CallableIterator {
    fn finish(&self) {
        self.function.set(None);
        self.sentinel.set(None);
    }
}

#[pymethods]
impl CallableIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, CallableIterator>) -> PyResult<Option<Obj>> {
        let Some(f) = this.function.get() else { return Ok(None) };
        match f.call0(cx) {
            Ok(x) => {
                let Some(sentinel) = this.sentinel.get() else { return Ok(None) };
                if sentinel.eq(cx, &x)? {
                    this.finish();
                    return Ok(None);
                }
                Ok(Some(x))
            }
            Err(r) => {
                cx.swallow(r, exc::StopIteration())?;
                this.finish();
                Ok(None)
            }
        }
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, CallableIterator>) -> PyResult {
        match (this.function.get(), this.sentinel.get()) {
            (Some(f), Some(s)) => Ok(tuple::new(vec![super::builtin_function(cx, "iter")?, tuple::pair(f, s)])),
            _ => reduce_with(cx, "iter", tuple::empty(), None),
        }
    }
}
