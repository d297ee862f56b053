//! Arithmetic of floats where Python differs from the machine: floor division, modulo, powers, rounding.

use crate::ctx::{Ctx, PyResult, Raised};
use crate::types::{complex, exc, int, tuple};
use crate::value::Obj;

#[cold]
fn zero_division(cx: &Ctx) -> Raised {
    cx.zero_division("division by zero")
}

/// `x / y`, or ZeroDivisionError.
#[inline]
pub fn true_div(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
    if y == 0.0 { Err(zero_division(cx)) } else { Ok(x / y) }
}

/// `x % y`: the remainder has the sign of `y`.
#[inline]
pub fn mod_(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
    if y == 0.0 {
        return Err(zero_division(cx));
    }
    Ok(remainder(x, y))
}

#[inline]
fn remainder(x: f64, y: f64) -> f64 {
    let m = x % y;
    if m == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (m < 0.0) {
        m + y
    } else {
        m
    }
}

/// Quotient (integral) and remainder of floor division, or ZeroDivisionError.
pub fn divmod(cx: &Ctx, x: f64, y: f64) -> PyResult<(f64, f64)> {
    if y == 0.0 {
        return Err(zero_division(cx));
    }
    let m = x % y;
    let mut q = (x - m) / y;
    if m != 0.0 && (y < 0.0) != (m < 0.0) {
        q -= 1.0;
    }
    let q = if q == 0.0 {
        0f64.copysign(x / y)
    } else {
        // The quotient is integral up to one rounding.
        let down = q.floor();
        if q - down > 0.5 { down + 1.0 } else { down }
    };
    Ok((q, remainder(x, y)))
}

/// `x // y`, or ZeroDivisionError.
#[inline]
pub fn floordiv(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
    divmod(cx, x, y).map(|(q, _)| q)
}

/// `x ** y`: a float, or a complex number for a negative base with a fractional exponent.
pub fn pow(cx: &Ctx, x: f64, y: f64) -> PyResult {
    if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
        return complex::pow(cx, complex::Complex::new(x, 0.0), complex::Complex::new(y, 0.0)).map(complex::new);
    }
    // C's pow agrees with Python on all special cases but these two errors.
    if x == 0.0 && y < 0.0 && y.is_finite() {
        return Err(cx.zero_division("zero to a negative power"));
    }
    let r = x.powf(y);
    if r.is_infinite() && x.is_finite() && y.is_finite() {
        return Err(cx.raise_args(
            exc::OverflowError(),
            &[Obj::from(34), crate::types::str::new("Numerical result out of range")],
        ));
    }
    Ok(Obj::from(r))
}

/// The integer part as an int object; ValueError or OverflowError for NaN and infinities.
pub fn to_int(cx: &Ctx, f: f64) -> PyResult {
    match int::from_f64(f) {
        Some(n) => Ok(n),
        None if f.is_nan() => Err(cx.value_error("cannot convert float NaN to integer")),
        None => Err(cx.overflow_error("cannot convert float infinity to integer")),
    }
}

/// `round(f, digits)`: rounded correctly in decimal, halves (exact ones) to even.
pub fn round(cx: &Ctx, f: f64, digits: i64) -> PyResult<f64> {
    if !f.is_finite() || f == 0.0 || digits > 323 {
        return Ok(f);
    }
    let zero = 0f64.copysign(f);
    if digits < -308 {
        return Ok(zero);
    }
    if digits >= 0 {
        return Ok(format!("{:.*}", digits as usize, f).parse().unwrap_or(f));
    }
    let exp = i64::from(super::text::Decimal::shortest(f).exp);
    let keep = exp + digits;
    if keep >= 0 {
        let r: f64 = format!("{:.*e}", keep as usize, f).parse().unwrap_or(f);
        if r.is_infinite() {
            return Err(cx.overflow_error("rounded value too large to represent"));
        }
        return Ok(r);
    }
    if keep < -1 {
        return Ok(zero);
    }
    // The number has as many digits as are rounded away: more than half a unit rounds up to one unit.
    let half = int::from_bigint(num_traits::pow(num_bigint::BigInt::from(10), exp as usize) * 5);
    if int::cmp_f64(&half, f.abs()) != Some(std::cmp::Ordering::Less) {
        return Ok(zero);
    }
    let unit: f64 = format!("1e{}", -digits).parse().unwrap_or(f64::INFINITY);
    if unit.is_infinite() {
        return Err(cx.overflow_error("rounded value too large to represent"));
    }
    Ok(unit.copysign(f))
}

/// A pair of ints whose quotient is the float exactly, in lowest terms.
pub fn as_integer_ratio(cx: &Ctx, f: f64) -> PyResult {
    if f.is_nan() {
        return Err(cx.value_error("cannot convert NaN to integer ratio"));
    }
    if f.is_infinite() {
        return Err(cx.overflow_error("cannot convert Infinity to integer ratio"));
    }
    let (m, e) = decompose(f);
    let zeros = if m == 0 { 0 } else { m.trailing_zeros() };
    let (m, e) = (m >> zeros, e + zeros as i32);
    let sign = if f < 0.0 { -1 } else { 1 };
    let m = Obj::from(m as i64 * sign);
    let one = Obj::from(1);
    let (n, d) = match e {
        _ if f == 0.0 => (m, one),
        0.. => (int::lshift(cx, &m, &Obj::from(e))?, one),
        _ => (m, int::lshift(cx, &one, &Obj::from(-e))?),
    };
    Ok(tuple::new(vec![n, d]))
}

/// Mantissa and exponent of a finite float: `|f| = m * 2^e`.
fn decompose(f: f64) -> (u64, i32) {
    let bits = f.to_bits();
    let (m, e) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
    if e == 0 { (m, -1074) } else { (m | 1 << 52, e - 1075) }
}

/// The hash of a float that is not NaN: that of the equal int if it is integral, else the residue of its
/// exact value modulo 2^61 - 1.
pub fn hash(f: f64) -> i64 {
    const BITS: i32 = 61;
    const MODULUS: u64 = (1 << BITS) - 1;
    if f.is_infinite() {
        return if f > 0.0 { 314_159 } else { -314_159 };
    }
    let (m, e) = decompose(f);
    // Multiplying by a power of two modulo 2^61 - 1 rotates the 61 bits.
    let e = e.rem_euclid(BITS);
    let h = ((m << e) & MODULUS | m >> (BITS - e)) as i64;
    let h = if f < 0.0 { -h } else { h };
    if h == -1 { -2 } else { h }
}
