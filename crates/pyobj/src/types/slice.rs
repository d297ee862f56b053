//! `slice`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{Traverse, new_instance};
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::{CmpOp, Type, int, tuple};
use crate::value::Obj;

/// A range of positions for subscripts.
///
/// slice(stop) and slice(start, stop, step=None) make what `x[start:stop:step]` passes to `__getitem__`.
#[pyclass(name = "slice", fixed = Slice)]
#[derive(Traverse)]
pub struct Slice {
    start: Obj,
    stop: Obj,
    step: Obj,
}

/// A slice object.
pub fn new(start: Obj, stop: Obj, step: Obj) -> Obj {
    new_instance(Slice::type_object(), Slice { start, stop, step })
}

/// Clips `start` and `stop` to a sequence of `len` items. The third result is the number of items selected.
/// `step` is neither zero nor `isize::MIN`.
pub fn adjust(len: usize, start: isize, stop: isize, step: isize) -> (isize, isize, usize) {
    let len = len as isize;
    let clip = |i: isize| {
        if i < 0 {
            let i = i.saturating_add(len);
            if i < 0 { if step < 0 { -1 } else { 0 } } else { i }
        } else if i >= len {
            if step < 0 { len - 1 } else { len }
        } else {
            i
        }
    };
    let (start, stop) = (clip(start), clip(stop));
    let count = if step < 0 {
        if stop < start { (start - stop - 1) / -step + 1 } else { 0 }
    } else if start < stop {
        (stop - start - 1) / step + 1
    } else {
        0
    };
    (start, stop, count as usize)
}

#[cold]
fn not_an_index(cx: &Ctx) -> crate::Raised {
    cx.type_error("slice indices must be integers or None or have an __index__ method")
}

fn has_index(o: &Obj) -> bool {
    o.is_int() || o.type_of().slots.index.get().is_some()
}

/// A bound as a machine int, clamped; nothing for None.
#[inline]
fn bound(cx: &Ctx, o: &Obj) -> PyResult<Option<isize>> {
    if let Some(n) = o.as_int() {
        return Ok(Some(n as isize));
    }
    if o.is_none() {
        return Ok(None);
    }
    if !has_index(o) {
        return Err(not_an_index(cx));
    }
    o.to_isize_clamped(cx).map(Some)
}

/// A bound as an int object of any size; nothing for None.
fn big_bound(cx: &Ctx, o: &Obj) -> PyResult<Option<Obj>> {
    if o.is_none() {
        return Ok(None);
    }
    if !has_index(o) {
        return Err(not_an_index(cx));
    }
    let i = o.index(cx)?;
    Ok(Some(int::to_exact(&i).unwrap_or(i)))
}

impl Slice {
    /// The start as given.
    pub fn start(&self) -> &Obj {
        &self.start
    }

    /// The stop as given.
    pub fn stop(&self) -> &Obj {
        &self.stop
    }

    /// The step as given.
    pub fn step(&self) -> &Obj {
        &self.step
    }

    /// Start, stop and step as machine ints, with defaults filled in and large ones clamped. May run Python
    /// code.
    pub fn unpack(&self, cx: &Ctx) -> PyResult<(isize, isize, isize)> {
        // Not isize::MIN, so that a step can be negated.
        let step = bound(cx, &self.step)?.unwrap_or(1).max(-isize::MAX);
        if step == 0 {
            return Err(cx.value_error("slice step cannot be zero"));
        }
        let start = bound(cx, &self.start)?.unwrap_or(if step < 0 { isize::MAX } else { 0 });
        let stop = bound(cx, &self.stop)?.unwrap_or(if step < 0 { isize::MIN } else { isize::MAX });
        Ok((start, stop, step))
    }

    /// The slice resolved against a length: start, stop, step and the number of items.
    pub fn indices(&self, cx: &Ctx, len: usize) -> PyResult<(isize, isize, isize, usize)> {
        let (start, stop, step) = self.unpack(cx)?;
        let (start, stop, count) = adjust(len, start, stop, step);
        Ok((start, stop, step, count))
    }

    /// As [`Slice::indices`] for lengths of any size: start, stop and step as int objects.
    pub fn big_indices(&self, cx: &Ctx, len: &Obj) -> PyResult<(Obj, Obj, Obj)> {
        let zero = Obj::from(0);
        let step = big_bound(cx, &self.step)?.unwrap_or_else(|| Obj::from(1));
        if int::is_zero(&step) {
            return Err(cx.value_error("slice step cannot be zero"));
        }
        let down = int::is_negative(&step);
        let (lower, upper) =
            if down { (Obj::from(-1), int::sub(len, &Obj::from(1))) } else { (zero.clone(), len.clone()) };
        let clip = |i: Obj| {
            if int::is_negative(&i) {
                let i = int::add(&i, len);
                if int::cmp(&i, &lower).is_lt() { lower.clone() } else { i }
            } else if int::cmp(&i, &upper).is_gt() {
                upper.clone()
            } else {
                i
            }
        };
        let start = match big_bound(cx, &self.start)? {
            Some(i) => clip(i),
            None => if down { &upper } else { &lower }.clone(),
        };
        let stop = match big_bound(cx, &self.stop)? {
            Some(i) => clip(i),
            None => if down { &lower } else { &upper }.clone(),
        };
        Ok((start, stop, step))
    }

    fn parts(&self) -> [&Obj; 3] {
        [&self.start, &self.stop, &self.step]
    }
}

#[pymethods]
impl Slice {
    #[pynew(sig = "")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let none = Obj::none;
        Ok(match args.check_arity(cx, "slice", 1, 3)? {
            [stop] => new(none(), stop.clone(), none()),
            [start, stop] => new(start.clone(), stop.clone(), none()),
            [start, stop, step] => new(start.clone(), stop.clone(), step.clone()),
            _ => none(),
        })
    }

    fn __repr__(cx: &Ctx, this: This<'_, Slice>) -> PyResult {
        let mut out = String::from("slice(");
        for (i, part) in this.parts().into_iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            out.push_str(&crate::types::str::as_utf8_lossy(&part.repr(cx)?));
        }
        out.push(')');
        Ok(crate::types::str::new(&out))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Slice>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Slice>() else { return Ok(Obj::not_implemented()) };
        if this.obj().is(other) {
            return Ok(Obj::from_bool(op.holds(std::cmp::Ordering::Equal)));
        }
        // Slices compare as the tuples of their parts.
        for (a, b) in this.parts().into_iter().zip(o.parts()) {
            if !a.eq(cx, b)? {
                return if matches!(op, CmpOp::Eq | CmpOp::Ne) {
                    Ok(Obj::from_bool(op == CmpOp::Ne))
                } else {
                    a.rich_cmp(cx, b, op)
                };
            }
        }
        Ok(Obj::from_bool(op.holds(std::cmp::Ordering::Equal)))
    }

    fn __hash__(cx: &Ctx, this: This<'_, Slice>) -> PyResult<i64> {
        // The mixing steps of xxHash, as for tuples but without the length.
        const P1: u64 = 11_400_714_785_074_694_791;
        const P2: u64 = 14_029_467_366_897_019_727;
        const P5: u64 = 2_870_177_450_012_600_261;
        let mut acc = P5;
        for part in this.parts() {
            let lane = part.hash(cx)? as u64;
            acc = acc.wrapping_add(lane.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
        }
        Ok(if acc == u64::MAX { 1_546_275_796 } else { acc as i64 })
    }

    /// Start, stop and step of the positions that the slice selects from a sequence of length `object`.
    #[pymethod(sig = "($self, object, /)", name = "indices")]
    fn py_indices(cx: &Ctx, this: This<'_, Slice>, object: &Obj) -> PyResult {
        let len = object.index(cx)?;
        if int::is_negative(&len) {
            return Err(cx.value_error("length should not be negative"));
        }
        let (start, stop, step) = this.big_indices(cx, &len)?;
        Ok(tuple::new(vec![start, stop, step]))
    }

    #[pymethod]
    fn __reduce__(_cx: &Ctx, this: This<'_, Slice>) -> PyResult {
        let parts = this.parts().map(Clone::clone).to_vec();
        Ok(tuple::new(vec![Slice::type_object().as_obj(), tuple::new(parts)]))
    }

    /// The first position.
    #[pygetter(member, name = "start")]
    fn get_start(_cx: &Ctx, this: This<'_, Slice>) -> Obj {
        this.start.clone()
    }

    /// The position before which the slice ends.
    #[pygetter(member, name = "stop")]
    fn get_stop(_cx: &Ctx, this: This<'_, Slice>) -> Obj {
        this.stop.clone()
    }

    /// The distance between positions.
    #[pygetter(member, name = "step")]
    fn get_step(_cx: &Ctx, this: This<'_, Slice>) -> Obj {
        this.step.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::adjust;

    #[test]
    fn adjusting_selects_what_counting_through_does() {
        for len in 0..5usize {
            for start in -7..7isize {
                for stop in -7..7isize {
                    for step in [-3, -2, -1, 1, 2, 3isize] {
                        let (s, e, n) = adjust(len, start, stop, step);
                        let mut i = s;
                        let mut count = 0;
                        while if step > 0 { i < e } else { i > e } {
                            assert!(i >= 0 && (i as usize) < len);
                            count += 1;
                            i += step;
                        }
                        assert_eq!(n, count);
                    }
                }
            }
        }
        assert_eq!(adjust(3, isize::MIN, isize::MAX, isize::MAX), (0, 3, 1));
        assert_eq!(adjust(3, isize::MAX, isize::MIN, -isize::MAX), (2, -1, 1));
    }
}
