//! `range`: arithmetic progressions of ints of any size.

mod iterators;
mod methods;

pub use iterators::{LongRangeIterator, RangeIterator};

use crate::ctx::{Ctx, PyResult};
use crate::heap::{Traverse, new_instance};
use crate::native::{PyClass, pyclass};
use crate::types::int;
use crate::value::Obj;

/// An arithmetic progression of ints that is computed, not stored.
///
/// range(stop) counts from zero; range(start, stop, step=1) from start by step. stop itself is left out.
#[pyclass(name = "range", fixed = Range, flags(sequence))]
#[derive(Traverse)]
pub struct Range {
    start: Obj,
    stop: Obj,
    step: Obj,
    length: Obj,
}

impl Range {
    /// The first number.
    pub fn start(&self) -> &Obj {
        &self.start
    }

    /// The bound.
    pub fn stop(&self) -> &Obj {
        &self.stop
    }

    /// The difference of neighbours.
    pub fn step(&self) -> &Obj {
        &self.step
    }

    /// How many numbers there are.
    pub fn length(&self) -> &Obj {
        &self.length
    }

    /// Start, step and length, if all numbers from start to the one past the end fit a machine int.
    #[inline]
    pub fn as_machine(&self) -> Option<(i64, i64, u64)> {
        let (start, step, len) = (self.start.as_int()?, self.step.as_int()?, self.length.as_int()?);
        start.checked_add(step.checked_mul(len)?)?;
        Some((start, step, len as u64))
    }

    /// The number at a position from 0 on, whether or not it lies in the range.
    fn item(&self, i: &Obj) -> Obj {
        int::add(&self.start, &int::mul(i, &self.step))
    }

    /// The position of an int in the range.
    fn position(&self, cx: &Ctx, n: &Obj) -> PyResult<Option<Obj>> {
        let (q, r) = int::divmod(cx, &int::sub(n, &self.start), &self.step)?;
        let inside = int::is_zero(&r) && !int::is_negative(&q) && int::cmp(&q, &self.length).is_lt();
        Ok(inside.then_some(q))
    }
}

/// A range of exact ints; ValueError if the step is zero.
pub fn new(cx: &Ctx, start: Obj, stop: Obj, step: Obj) -> PyResult {
    if int::is_zero(&step) {
        return Err(cx.value_error("range() arg 3 must not be zero"));
    }
    let length = length(cx, &start, &stop, &step)?;
    Ok(make(start, stop, step, length))
}

fn make(start: Obj, stop: Obj, step: Obj, length: Obj) -> Obj {
    new_instance(Range::type_object(), Range { start, stop, step, length })
}

/// The number of items; `step` is not zero.
fn length(cx: &Ctx, start: &Obj, stop: &Obj, step: &Obj) -> PyResult {
    let down = int::is_negative(step);
    let (low, high) = if down { (stop, start) } else { (start, stop) };
    if int::cmp(low, high).is_ge() {
        return Ok(Obj::from(0));
    }
    let span = int::sub(&int::sub(high, low), &Obj::from(1));
    Ok(int::add(&int::floordiv(cx, &span, &int::abs(step))?, &Obj::from(1)))
}

/// An argument as an exact int.
fn exact_index(cx: &Ctx, o: &Obj) -> PyResult {
    let i = o.index(cx)?;
    Ok(int::to_exact(&i).unwrap_or(i))
}
