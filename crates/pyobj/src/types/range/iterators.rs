//! Iterators over ranges: one for machine ints, one for ints of any size.

use std::cell::Cell;

use super::new;
use crate::ctx::{Ctx, PyResult};
use crate::heap::{Traverse, Visitor, new_instance};
use crate::intern;
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::types::{int, tuple};
use crate::value::{Obj, ObjCell};

/// Iterates over a range whose numbers fit machine ints.
#[pyclass(name = "range_iterator", fixed = RangeIterator, flags(no_new))]
pub struct RangeIterator {
    next: Cell<i64>,
    step: i64,
    left: Cell<u64>,
}

impl Traverse for RangeIterator {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl RangeIterator {
    /// An iterator over `left` numbers from `next` on.
    pub(super) fn create(next: i64, step: i64, left: u64) -> Obj {
        new_instance(RangeIterator::type_object(), RangeIterator { next: Cell::new(next), step, left: Cell::new(left) })
    }

    /// The next number.
    #[inline(always)]
    pub fn advance(&self) -> Option<i64> {
        let left = self.left.get();
        if left == 0 {
            return None;
        }
        let n = self.next.get();
        self.left.set(left - 1);
        self.next.set(n.wrapping_add(self.step));
        Some(n)
    }

    /// Next number, step and how many numbers are left.
    #[inline(always)]
    pub fn state(&self) -> (i64, i64, u64) {
        (self.next.get(), self.step, self.left.get())
    }

    /// Moves the iterator, as a compiled loop does when it hands back control.
    #[inline(always)]
    pub fn set_state(&self, next: i64, left: u64) {
        self.next.set(next);
        self.left.set(left);
    }
}

/// What iterators pickle as: the builtin `iter` applied to the range of what is left.
fn reduce(cx: &Ctx, start: Obj, step: Obj, left: &Obj) -> PyResult {
    let stop = int::add(&start, &int::mul(&step, left));
    let iter = match (cx.host().builtins)(cx) {
        Some(b) => b.get_item(cx, &intern!("iter").obj())?,
        None => return Err(cx.runtime_error("builtins are gone")),
    };
    Ok(tuple::new(vec![iter, tuple::new(vec![new(cx, start, stop, step)?]), Obj::none()]))
}

#[pymethods]
impl RangeIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, RangeIterator>) -> PyResult<Option<Obj>> {
        Ok(this.advance().map(Obj::from))
    }

    /// How many numbers are left.
    #[pymethod]
    fn __length_hint__(_cx: &Ctx, this: This<'_, RangeIterator>) -> u64 {
        this.left.get()
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, RangeIterator>) -> PyResult {
        reduce(cx, Obj::from(this.next.get()), Obj::from(this.step), &Obj::from(this.left.get()))
    }

    /// Skips as many numbers as the state says.
    #[pymethod(sig = "($self, object, /)")]
    fn __setstate__(cx: &Ctx, this: This<'_, RangeIterator>, object: &Obj) -> PyResult<()> {
        let skip = (object.to_i64(cx)?.max(0) as u64).min(this.left.get());
        this.next.set(this.next.get().wrapping_add(this.step.wrapping_mul(skip as i64)));
        this.left.set(this.left.get() - skip);
        Ok(())
    }
}

/// Iterates over a range of ints of any size.
#[pyclass(name = "longrange_iterator", flags(no_new))]
#[derive(Traverse)]
pub struct LongRangeIterator {
    next: ObjCell,
    step: Obj,
    left: ObjCell,
}

impl LongRangeIterator {
    pub(super) fn create(next: Obj, step: Obj, left: Obj) -> Obj {
        let payload = LongRangeIterator { next: ObjCell::new(Some(next)), step, left: ObjCell::new(Some(left)) };
        new_instance(LongRangeIterator::type_object(), payload)
    }

    fn parts(&self) -> (Obj, Obj) {
        let get = |c: &ObjCell| c.get().unwrap_or_else(|| Obj::from(0));
        (get(&self.next), get(&self.left))
    }
}

#[pymethods]
impl LongRangeIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, LongRangeIterator>) -> PyResult<Option<Obj>> {
        let (next, left) = this.parts();
        if int::is_zero(&left) {
            return Ok(None);
        }
        this.left.set(Some(int::sub(&left, &Obj::from(1))));
        this.next.set(Some(int::add(&next, &this.step)));
        Ok(Some(next))
    }

    /// How many numbers are left.
    #[pymethod]
    fn __length_hint__(_cx: &Ctx, this: This<'_, LongRangeIterator>) -> PyResult {
        Ok(this.parts().1)
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, LongRangeIterator>) -> PyResult {
        let (next, left) = this.parts();
        reduce(cx, next, this.step.clone(), &left)
    }

    /// Skips as many numbers as the state says.
    #[pymethod(sig = "($self, object, /)")]
    fn __setstate__(cx: &Ctx, this: This<'_, LongRangeIterator>, object: &Obj) -> PyResult<()> {
        if !int::is_int(object) {
            return Err(cx.type_error(format!("state must be an int, not {}", object.type_of().name())));
        }
        let (next, left) = this.parts();
        let skip = if int::is_negative(object) { Obj::from(0) } else { object.clone() };
        let skip = if int::cmp(&skip, &left).is_gt() { left.clone() } else { skip };
        this.next.set(Some(int::add(&next, &int::mul(&skip, &this.step))));
        this.left.set(Some(int::sub(&left, &skip)));
        Ok(())
    }
}
