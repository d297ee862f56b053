//! The class `range`: slots, methods and attributes.

use super::{LongRangeIterator, Range, RangeIterator, exact_index, length, make, new};
use crate::ctx::{Ctx, PyResult};
use crate::native::{Args, FixedShape, PyClass, This, pymethods};
use crate::types::slice::Slice;
use crate::types::{CmpOp, Type, int, tuple};
use crate::value::Obj;

/// Whether membership can be computed: an int whose `__eq__` is that of `int`.
fn is_plain_int(o: &Obj) -> bool {
    int::is_exact_int(o) || o.is_exact(FixedShape::Bool)
}

impl Range {
    /// A new iterator over the numbers.
    pub fn iterator(&self) -> Obj {
        match self.as_machine() {
            Some((start, step, len)) => RangeIterator::create(start, step, len),
            None => LongRangeIterator::create(self.start.clone(), self.step.clone(), self.length.clone()),
        }
    }

    /// The part that a slice selects.
    fn slice(&self, cx: &Ctx, s: &Slice) -> PyResult {
        let (start, stop, step) = s.big_indices(cx, &self.length)?;
        let (start, stop, step) = (self.item(&start), self.item(&stop), int::mul(&step, &self.step));
        let len = length(cx, &start, &stop, &step)?;
        Ok(make(start, stop, step, len))
    }

    fn same(&self, other: &Range) -> bool {
        if !int::eq(&self.length, &other.length) {
            return false;
        }
        match self.length.as_int() {
            Some(0) => true,
            Some(1) => int::eq(&self.start, &other.start),
            _ => int::eq(&self.start, &other.start) && int::eq(&self.step, &other.step),
        }
    }
}

#[pymethods]
impl Range {
    #[pynew(sig = "")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let one = || Obj::from(1);
        match args.check_arity(cx, "range", 1, 3)? {
            [stop] => new(cx, Obj::from(0), exact_index(cx, stop)?, one()),
            [start, stop] => new(cx, exact_index(cx, start)?, exact_index(cx, stop)?, one()),
            [start, stop, step] => {
                let (start, stop) = (exact_index(cx, start)?, exact_index(cx, stop)?);
                let step = exact_index(cx, step)?;
                new(cx, start, stop, step)
            }
            _ => Err(cx.system_error("range() argument count was not checked")),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, Range>) -> PyResult<String> {
        let start = int::text::to_decimal_string(cx, &this.start)?;
        let stop = int::text::to_decimal_string(cx, &this.stop)?;
        if this.step.as_int() == Some(1) {
            return Ok(format!("range({start}, {stop})"));
        }
        Ok(format!("range({start}, {stop}, {})", int::text::to_decimal_string(cx, &this.step)?))
    }

    fn __len__(cx: &Ctx, this: This<'_, Range>) -> PyResult<usize> {
        match int::as_i64(&this.length) {
            Some(n) => Ok(n as usize),
            None => Err(cx.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    fn __bool__(_cx: &Ctx, this: This<'_, Range>) -> PyResult<bool> {
        Ok(!int::is_zero(&this.length))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Range>, key: &Obj) -> PyResult {
        if let Some(s) = key.downcast::<Slice>() {
            return this.slice(cx, s);
        }
        if !key.is_int() && key.type_of().slots.index.get().is_none() {
            return Err(
                cx.type_error(format!("range indices must be integers or slices, not {}", key.type_of().name()))
            );
        }
        let i = exact_index(cx, key)?;
        let i = if int::is_negative(&i) { int::add(&i, &this.length) } else { i };
        if int::is_negative(&i) || int::cmp(&i, &this.length).is_ge() {
            return Err(cx.index_error("range object index out of range"));
        }
        Ok(this.item(&i))
    }

    fn __contains__(cx: &Ctx, this: This<'_, Range>, item: &Obj) -> PyResult<bool> {
        if is_plain_int(item) {
            return Ok(this.position(cx, item)?.is_some());
        }
        let it = this.iterator();
        while let Some(x) = it.next(cx)? {
            if x.eq(cx, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Range>) -> PyResult {
        Ok(this.iterator())
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Range>, other: &Obj, op: CmpOp) -> PyResult {
        match (other.downcast::<Range>(), op) {
            (Some(o), CmpOp::Eq) => Ok(Obj::from_bool(this.same(o))),
            (Some(o), CmpOp::Ne) => Ok(Obj::from_bool(!this.same(o))),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn __hash__(cx: &Ctx, this: This<'_, Range>) -> PyResult<i64> {
        let n = this.length.as_int();
        let start = if n == Some(0) { Obj::none() } else { this.start.clone() };
        let step = if matches!(n, Some(0 | 1)) { Obj::none() } else { this.step.clone() };
        tuple::new(vec![this.length.clone(), start, step]).hash(cx)
    }

    /// How many of the numbers equal the value.
    #[pymethod(sig = "($self, value, /)")]
    fn count(cx: &Ctx, this: This<'_, Range>, value: &Obj) -> PyResult {
        if is_plain_int(value) {
            return Ok(Obj::from(i64::from(this.position(cx, value)?.is_some())));
        }
        let it = this.iterator();
        let mut n = 0i64;
        while let Some(x) = it.next(cx)? {
            n += i64::from(x.eq(cx, value)?);
        }
        Ok(Obj::from(n))
    }

    /// The position of the value; ValueError if it is not in the range.
    #[pymethod(sig = "($self, value, /)")]
    fn index(cx: &Ctx, this: This<'_, Range>, value: &Obj) -> PyResult {
        if is_plain_int(value) {
            return match this.position(cx, value)? {
                Some(i) => Ok(i),
                None => Err(cx.value_error("range.index(x): x not in range")),
            };
        }
        let it = this.iterator();
        let mut i = 0i64;
        while let Some(x) = it.next(cx)? {
            if x.eq(cx, value)? {
                return Ok(Obj::from(i));
            }
            i += 1;
        }
        Err(cx.value_error("sequence.index(x): x not in sequence"))
    }

    /// An iterator over the numbers from the last to the first.
    #[pymethod]
    fn __reversed__(_cx: &Ctx, this: This<'_, Range>) -> PyResult {
        if let Some((start, step, len)) = this.as_machine()
            && let Some(down) = step.checked_neg()
        {
            let last = start + step * (len.max(1) - 1) as i64;
            return Ok(RangeIterator::create(last, down, len));
        }
        let last = this.item(&int::sub(&this.length, &Obj::from(1)));
        Ok(LongRangeIterator::create(last, int::neg(&this.step), this.length.clone()))
    }

    #[pymethod]
    fn __reduce__(_cx: &Ctx, this: This<'_, Range>) -> PyResult {
        let args = vec![this.start.clone(), this.stop.clone(), this.step.clone()];
        Ok(tuple::new(vec![Range::type_object().as_obj(), tuple::new(args)]))
    }

    /// The first number.
    #[pygetter(member, name = "start")]
    fn get_start(_cx: &Ctx, this: This<'_, Range>) -> Obj {
        this.start.clone()
    }

    /// The bound, which is left out.
    #[pygetter(member, name = "stop")]
    fn get_stop(_cx: &Ctx, this: This<'_, Range>) -> Obj {
        this.stop.clone()
    }

    /// The difference of neighbours.
    #[pygetter(member, name = "step")]
    fn get_step(_cx: &Ctx, this: This<'_, Range>) -> Obj {
        this.step.clone()
    }
}
