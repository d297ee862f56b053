//! `timedelta`.

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::{CmpOp, Type, float, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use num_bigint::BigInt;

const MAX_DAYS: i64 = 999_999_999;
pub(super) const DAY_US: i128 = 86_400_000_000;

/// A span of time, positive or negative, exact to the microsecond.
///
/// The arguments, ints or floats, are added up.
#[pyclass(name = "timedelta", module = "datetime", flags(basetype))]
pub struct Delta {
    pub(super) days: i32,
    pub(super) seconds: i32,
    pub(super) us: i32,
}

impl Traverse for Delta {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[cold]
fn too_large(cx: &Ctx) -> Raised {
    cx.overflow_error("Python int too large to convert to C int")
}

impl Delta {
    /// All of it in microseconds.
    pub(super) fn total(&self) -> i128 {
        i128::from(self.days) * DAY_US + i128::from(self.seconds) * 1_000_000 + i128::from(self.us)
    }

    /// A delta of so many microseconds, of a class.
    pub(super) fn of(cx: &Ctx, ty: &Type, us: i128) -> PyResult {
        let days = us.div_euclid(DAY_US);
        let rest = us.rem_euclid(DAY_US);
        let Ok(days) = i32::try_from(days) else { return Err(too_large(cx)) };
        if i64::from(days).abs() > MAX_DAYS {
            return Err(cx.overflow_error(format!("days={days}; must have magnitude <= {MAX_DAYS}")));
        }
        let d = Delta { days, seconds: (rest / 1_000_000) as i32, us: (rest % 1_000_000) as i32 };
        Ok(new_instance(ty, d))
    }

    /// A `timedelta` of so many microseconds.
    pub(super) fn new(cx: &Ctx, us: i128) -> PyResult {
        Delta::of(cx, Delta::class().type_object(), us)
    }

    fn of_big(cx: &Ctx, us: &BigInt) -> PyResult {
        match i128::try_from(us) {
            Ok(n) => Delta::new(cx, n),
            Err(_) => Err(too_large(cx)),
        }
    }
}

/// The delta that an object is.
pub(super) fn delta(o: &Obj) -> Option<&Delta> {
    o.downcast::<Delta>()
}

/// The nearest int to a quotient, the even one of two.
fn divide_nearest(cx: &Ctx, a: &BigInt, b: &BigInt) -> PyResult<BigInt> {
    let zero = BigInt::from(0);
    if *b == zero {
        return Err(zero_division(cx));
    }
    let (a, b) = if *b < zero { (-a, -b) } else { (a.clone(), b.clone()) };
    let mut q = &a / &b;
    let mut r = &a % &b;
    if r < zero {
        q -= 1;
        r += &b;
    }
    let twice = r * 2;
    let odd = q.bit(0);
    if twice > b || (twice == b && odd) {
        q += 1;
    }
    Ok(q)
}

#[cold]
fn zero_division(cx: &Ctx) -> Raised {
    cx.raise(cinder_pyobj::types::exc::ZeroDivisionError(), "division by zero")
}

/// A float as a quotient of ints.
///
/// # Errors
/// TypeError and ValueError if a subclass's `as_integer_ratio` gives no pair of ints.
fn ratio(cx: &Ctx, f: &Obj) -> PyResult<(BigInt, BigInt)> {
    let pair = f.call_method(cx, intern!("as_integer_ratio"), &[])?;
    let Some(parts) = tuple::items_if_tuple(&pair) else {
        let kind = pair.type_of();
        return Err(cx.type_error(format!(
            "unexpected return type from as_integer_ratio(): expected tuple, not '{}'",
            kind.name()
        )));
    };
    let [n, d] = parts else {
        return Err(cx.value_error("unexpected return value from as_integer_ratio(): expected a tuple of two"));
    };
    match (int::to_bigint(n), int::to_bigint(d)) {
        (Some(n), Some(d)) => Ok((n, d)),
        _ => Err(cx.type_error("unexpected return value from as_integer_ratio(): expected two ints")),
    }
}

/// Adds an argument of the constructor, in units of `factor` microseconds.
fn accumulate(cx: &Ctx, total: &mut i128, left: &mut f64, o: &Obj, factor: i64, what: &str) -> PyResult<()> {
    let add = |total: &mut i128, n: Option<i128>| -> PyResult<()> {
        match n.and_then(|n| total.checked_add(n)) {
            Some(t) => {
                *total = t;
                Ok(())
            }
            None => Err(too_large(cx)),
        }
    };
    if int::is_int(o) {
        return add(total, int::as_i128(o).and_then(|n| n.checked_mul(i128::from(factor))));
    }
    let Some(f) = float::as_f64(o) else {
        return Err(cx.type_error(format!("unsupported type for timedelta {what} component: {}", o.type_of().name())));
    };
    let whole = float::to_int(cx, f.trunc())?;
    add(total, int::as_i128(&whole).and_then(|n| n.checked_mul(i128::from(factor))))?;
    let fraction = f - f.trunc();
    if fraction != 0.0 {
        let us = factor as f64 * fraction;
        add(total, Some(us.trunc() as i128))?;
        *left += us - us.trunc();
    }
    Ok(())
}

fn multiply(cx: &Ctx, d: &Delta, by: &Obj) -> PyResult {
    if int::is_int(by) {
        let n = int::to_bigint(by).unwrap_or_default();
        return Delta::of_big(cx, &(BigInt::from(d.total()) * n));
    }
    if float::as_f64(by).is_some() {
        let (n, den) = ratio(cx, by)?;
        return Delta::of_big(cx, &divide_nearest(cx, &(BigInt::from(d.total()) * n), &den)?);
    }
    Ok(Obj::not_implemented())
}

fn both<'a>(a: &'a Obj, b: &'a Obj) -> Option<(&'a Delta, &'a Delta)> {
    Some((delta(a)?, delta(b)?))
}

#[pymethods]
impl Delta {
    #[pynew(sig = "(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)")]
    fn __new__(
        cx: &Ctx,
        ty: &Type,
        days: Obj,
        seconds: Obj,
        microseconds: Obj,
        milliseconds: Obj,
        minutes: Obj,
        hours: Obj,
        weeks: Obj,
    ) -> PyResult {
        let (mut total, mut left) = (0i128, 0.0f64);
        for (o, factor, what) in [
            (&microseconds, 1, "microseconds"),
            (&milliseconds, 1000, "milliseconds"),
            (&seconds, 1_000_000, "seconds"),
            (&minutes, 60_000_000, "minutes"),
            (&hours, 3_600_000_000, "hours"),
            (&days, 86_400_000_000, "days"),
            (&weeks, 604_800_000_000, "weeks"),
        ] {
            accumulate(cx, &mut total, &mut left, o, factor, what)?;
        }
        if left != 0.0 {
            let mut whole = left.round();
            if (whole - left).abs() == 0.5 {
                // Exactly between two: the sum is to be even.
                let odd = (total & 1) as f64;
                whole = 2.0 * ((left + odd) * 0.5).round() - odd;
            }
            total += whole as i128;
        }
        Delta::of(cx, ty, total)
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Delta>) -> String {
        let mut parts = Vec::new();
        for (name, n) in [("days", this.days), ("seconds", this.seconds), ("microseconds", this.payload().us)] {
            if n != 0 {
                parts.push(format!("{name}={n}"));
            }
        }
        let ty = this.obj().type_of();
        format!("{}({})", super::shown_name(ty), if parts.is_empty() { "0".to_owned() } else { parts.join(", ") })
    }

    fn __str__(_cx: &Ctx, this: This<'_, Delta>) -> String {
        let mut out = String::new();
        if this.days != 0 {
            out += &format!("{} day{}, ", this.days, if this.days.abs() == 1 { "" } else { "s" });
        }
        let s = this.seconds;
        out += &format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
        if this.payload().us != 0 {
            out += &format!(".{:06}", this.payload().us);
        }
        out
    }

    fn __hash__(cx: &Ctx, this: This<'_, Delta>) -> PyResult<i64> {
        tuple::new([this.days, this.seconds, this.payload().us].map(|n| Obj::from(i64::from(n))).to_vec()).hash(cx)
    }

    fn __bool__(_cx: &Ctx, this: This<'_, Delta>) -> PyResult<bool> {
        Ok(this.total() != 0)
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Delta>, other: &Obj, op: CmpOp) -> PyResult {
        match delta(other) {
            Some(o) => Ok(Obj::from_bool(op.holds(this.total().cmp(&o.total())))),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn __neg__(cx: &Ctx, this: This<'_, Delta>) -> PyResult {
        Delta::new(cx, -this.total())
    }

    fn __pos__(cx: &Ctx, this: This<'_, Delta>) -> PyResult {
        Delta::new(cx, this.total())
    }

    fn __abs__(cx: &Ctx, this: This<'_, Delta>) -> PyResult {
        Delta::new(cx, this.total().abs())
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        match both(a, b) {
            Some((a, b)) => Delta::new(cx, a.total() + b.total()),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        match both(a, b) {
            Some((a, b)) => Delta::new(cx, a.total() - b.total()),
            None => Ok(Obj::not_implemented()),
        }
    }

    fn nb_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        match (delta(a), delta(b)) {
            (Some(d), None) => multiply(cx, d, b),
            (None, Some(d)) => multiply(cx, d, a),
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn nb_truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some(d) = delta(a) else { return Ok(Obj::not_implemented()) };
        if let Some(e) = delta(b) {
            return number::truediv(cx, &int::from_i128(d.total()), &int::from_i128(e.total()));
        }
        if int::is_int(b) {
            let n = int::to_bigint(b).unwrap_or_default();
            return Delta::of_big(cx, &divide_nearest(cx, &BigInt::from(d.total()), &n)?);
        }
        if float::as_f64(b).is_some() {
            let (n, den) = ratio(cx, b)?;
            return Delta::of_big(cx, &divide_nearest(cx, &(BigInt::from(d.total()) * den), &n)?);
        }
        Ok(Obj::not_implemented())
    }

    fn nb_floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some(d) = delta(a) else { return Ok(Obj::not_implemented()) };
        if let Some(e) = delta(b) {
            return int::floordiv(cx, &int::from_i128(d.total()), &int::from_i128(e.total())).map_err(|r| {
                drop(cx.take(r));
                zero_division(cx)
            });
        }
        if int::is_int(b) {
            let q = int::floordiv(cx, &int::from_i128(d.total()), b).map_err(|r| {
                drop(cx.take(r));
                zero_division(cx)
            })?;
            return Delta::of_big(cx, &int::to_bigint(&q).unwrap_or_default());
        }
        Ok(Obj::not_implemented())
    }

    fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some((d, e)) = both(a, b) else { return Ok(Obj::not_implemented()) };
        if e.total() == 0 {
            return Err(zero_division(cx));
        }
        Delta::new(cx, floor_divmod(d.total(), e.total()).1)
    }

    fn nb_divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some((d, e)) = both(a, b) else { return Ok(Obj::not_implemented()) };
        if e.total() == 0 {
            return Err(zero_division(cx));
        }
        let (q, r) = floor_divmod(d.total(), e.total());
        Ok(tuple::pair(int::from_i128(q), Delta::new(cx, r)?))
    }

    /// The whole span in seconds, as a float.
    #[pymethod]
    fn total_seconds(cx: &Ctx, this: This<'_, Delta>) -> PyResult {
        number::truediv(cx, &int::from_i128(this.total()), &Obj::from(1_000_000))
    }

    /// -> (cls, state)
    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Delta>) -> Obj {
        let parts = [this.days, this.seconds, this.payload().us].map(|n| Obj::from(i64::from(n)));
        tuple::pair(this.obj().type_of().as_obj(), tuple::new(parts.to_vec()))
    }

    /// Number of days.
    #[pygetter(member, name = "days")]
    fn py_days(&self) -> i64 {
        i64::from(self.days)
    }

    /// The seconds beside the days, from 0 to 86399.
    #[pygetter(member, name = "seconds")]
    fn py_seconds(&self) -> i64 {
        i64::from(self.seconds)
    }

    /// The microseconds beside the seconds, from 0 to 999999.
    #[pygetter(member, name = "microseconds")]
    fn py_microseconds(&self) -> i64 {
        i64::from(self.us)
    }
}

/// Quotient rounded down, and remainder with the divisor's sign.
fn floor_divmod(a: i128, b: i128) -> (i128, i128) {
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) }
}
