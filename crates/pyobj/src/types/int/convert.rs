//! Conversions between int objects, machine numbers and `num-bigint`.

use num_bigint::{BigInt, BigUint, Sign};

use super::{Operand, from_parts, limbs};
use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

/// The value of an int (or an instance of a subclass, bool too) that fits 64 bits.
#[inline]
pub fn as_i64(o: &Obj) -> Option<i64> {
    match o.as_int() {
        Some(n) => Some(n),
        None => Operand::of(o)?.as_i64(),
    }
}

/// The value of an int that is not negative and fits 64 bits.
#[inline]
pub fn as_u64(o: &Obj) -> Option<u64> {
    if let Some(n) = o.as_int() {
        return u64::try_from(n).ok();
    }
    let v = Operand::of(o)?;
    match v.mag() {
        [] => Some(0),
        [m] if !v.neg => Some(*m),
        _ => None,
    }
}

/// The value of an int that fits 128 bits.
pub fn as_i128(o: &Obj) -> Option<i128> {
    let v = Operand::of(o)?;
    let m = match v.mag() {
        [] => 0,
        [lo] => u128::from(*lo),
        [lo, hi] => u128::from(*hi) << 64 | u128::from(*lo),
        _ => return None,
    };
    if v.neg { (m <= 1 << 127).then(|| (m as i128).wrapping_neg()) } else { i128::try_from(m).ok() }
}

/// An int of 128 bits.
pub fn from_i128(n: i128) -> Obj {
    let m = n.unsigned_abs();
    from_parts(n < 0, &[m as u64, (m >> 64) as u64])
}

/// An int of 128 bits without sign.
pub fn from_u128(m: u128) -> Obj {
    from_parts(false, &[m as u64, (m >> 64) as u64])
}

/// An int from `num-bigint`.
pub fn from_bigint(n: BigInt) -> Obj {
    let digits = limbs::from_biguint(n.magnitude());
    from_parts(n.sign() == Sign::Minus, &digits)
}

/// An int from a magnitude of `num-bigint`.
pub fn from_biguint(n: &BigUint) -> Obj {
    from_parts(false, &limbs::from_biguint(n))
}

/// The value of an int object (of a subclass too); nothing for other objects.
pub fn to_bigint(o: &Obj) -> Option<BigInt> {
    let v = Operand::of(o)?;
    Some(BigInt::from_biguint(v.sign(), limbs::to_biguint(v.mag())))
}

/// The integer part of a finite float; nothing for NaN and infinities.
pub fn from_f64(f: f64) -> Option<Obj> {
    if !f.is_finite() {
        return None;
    }
    // Every float below 2^63 in magnitude truncates to a machine int exactly.
    if f.abs() < 9.223_372_036_854_775e18 {
        return Some(Obj::from(f as i64));
    }
    let bits = f.to_bits();
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let exp = ((bits >> 52 & 0x7ff) as i64) - 1075;
    Some(from_parts(f < 0.0, &limbs::shl(&[mantissa], exp as u64)))
}

/// `m * 2^exp` rounded to the nearest float, halves to even; infinite if too large. A lowest bit of `m`
/// that is set may stand for any lower bits ("sticky") provided `m` has at least 55 bits.
pub(crate) fn scale(m: u128, exp: i64) -> f64 {
    if m == 0 {
        return 0.0;
    }
    let bits = i64::from(128 - m.leading_zeros());
    let top = bits + exp;
    if top > 1024 {
        return f64::INFINITY;
    }
    let precision = if top >= -1021 { 53 } else { 53 - (-1021 - top) };
    let drop = bits - precision;
    if precision < 0 {
        return 0.0;
    }
    let (m, exp) = if drop <= 0 {
        (m, exp)
    } else {
        let (kept, rest) = if drop == 128 { (0, m) } else { (m >> drop, m & ((1 << drop) - 1)) };
        let half = 1u128 << (drop - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        (kept + u128::from(up), exp + drop)
    };
    m as f64 * pow2(exp)
}

/// 2 to the power of `e`, for `-1074 <= e <= 1023`.
fn pow2(e: i64) -> f64 {
    if e > 1023 {
        return f64::INFINITY;
    }
    if e >= -1022 { f64::from_bits(((e + 1023) as u64) << 52) } else { f64::from_bits(1 << (e + 1074).max(0)) }
}

/// `m * 2^exp` of a magnitude, rounded correctly; infinite if too large.
pub fn scaled_to_f64(mag: &[u64], exp: i64) -> f64 {
    let n = limbs::bit_len(mag);
    if n <= 64 {
        return scale(mag.first().copied().unwrap_or(0).into(), exp);
    }
    let drop = n - 64;
    let top = limbs::shr(mag, drop).first().copied().unwrap_or(0);
    let sticky = limbs::low_bits_set(mag, drop);
    scale(u128::from(top | u64::from(sticky)), exp.saturating_add(drop as i64))
}

/// The nearest float, infinite if the int is too large; zero for objects that are no ints.
#[inline]
pub fn to_f64_lossy(o: &Obj) -> f64 {
    if let Some(n) = o.as_int() {
        return n as f64;
    }
    match Operand::of(o) {
        Some(v) => {
            let f = scaled_to_f64(v.mag(), 0);
            if v.neg { -f } else { f }
        }
        None => 0.0,
    }
}

/// The nearest float, or OverflowError.
#[inline]
pub fn as_f64(cx: &Ctx, o: &Obj) -> PyResult<f64> {
    let f = to_f64_lossy(o);
    if f.is_infinite() {
        return Err(cx.overflow_error("int too large to convert to float"));
    }
    Ok(f)
}

/// `a / b`: the float nearest to the exact quotient, or ZeroDivisionError or OverflowError.
#[inline]
pub fn true_div(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<f64> {
    const EXACT: u64 = 1 << 53;
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int())
        && x.unsigned_abs() <= EXACT
        && y.unsigned_abs() <= EXACT
        && y != 0
    {
        return Ok(x as f64 / y as f64);
    }
    true_div_long(cx, a, b)
}

#[inline(never)]
fn true_div_long(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<f64> {
    let zero = || Operand::small(0);
    let (a, b) = (Operand::of(a).unwrap_or_else(zero), Operand::of(b).unwrap_or_else(zero));
    if b.mag().is_empty() {
        return Err(cx.zero_division("division by zero"));
    }
    let neg = a.neg != b.neg;
    if a.mag().is_empty() {
        return Ok(if neg { -0.0 } else { 0.0 });
    }
    let f = divide(a.mag(), b.mag());
    if f.is_infinite() {
        return Err(cx.overflow_error("integer division result too large for a float"));
    }
    Ok(if neg { -f } else { f })
}

/// The float nearest to the quotient of two magnitudes that are not zero.
fn divide(a: &[u64], b: &[u64]) -> f64 {
    let spread = limbs::bit_len(a) as i64 - limbs::bit_len(b) as i64;
    if spread > 1025 {
        return f64::INFINITY;
    }
    if spread < -1080 {
        return 0.0;
    }
    // Scaled so that the integer quotient has 64 or 65 bits: enough for rounding with a sticky bit.
    let up = 64 - spread;
    let (q, r) = if up >= 0 {
        limbs::div_rem(&limbs::shl(a, up as u64), b)
    } else {
        limbs::div_rem(a, &limbs::shl(b, up.unsigned_abs()))
    };
    let m = u128::from(q.get(1).copied().unwrap_or(0)) << 64 | u128::from(q.first().copied().unwrap_or(0));
    scale(m | u128::from(!r.is_empty()), -up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_rounds_half_to_even_also_among_subnormals() {
        assert_eq!(scale((1 << 53) + 1, 0), 9_007_199_254_740_992.0);
        assert_eq!(scale((1 << 53) + 3, 0), 9_007_199_254_740_996.0);
        assert_eq!(scale(1, -1074), 5e-324);
        assert_eq!(scale(1, -1075), 0.0);
        assert_eq!(scale(3, -1076), 5e-324);
        assert_eq!(scale(1, -1076), 0.0);
        assert_eq!(scale((1 << 54) - 1, 970), f64::INFINITY);
        assert_eq!(scale((1 << 53) - 1, 971), f64::MAX);
        assert_eq!(scale(1, 1023), 8.98846567431158e307);
    }

    #[test]
    fn quotients_are_the_nearest_floats() {
        let cases: [(&[u64], &[u64], f64); 6] = [
            (&[1], &[3], 1.0 / 3.0),
            (&[0, 1], &[3], 18446744073709551616.0 / 3.0),
            (&[u64::MAX, u64::MAX], &[u64::MAX], 18446744073709551616.0),
            (&[7], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 50], 7.0 * f64::from_bits(1)),
            ((&[9_007_199_254_740_993]), &[1], 9_007_199_254_740_992.0),
            (&[1], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 0.0),
        ];
        for (a, b, want) in cases {
            assert_eq!(divide(a, b).to_bits(), want.to_bits(), "{a:?} / {b:?}");
        }
    }
}
