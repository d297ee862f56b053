//! Python objects as numbers, and numbers as Python objects.

use std::borrow::Cow;

use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{exc, float, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};
use num_bigint::{BigInt, BigUint, Sign};

use super::coeff::{Coeff, NoMemory, pow10};
use super::context::Context;
use super::number::{Kind, Num, flag};
use super::object::Decimal;
use super::text;
use super::wide::POW10;

/// The exact value of an int object; nothing for other objects.
#[inline]
pub(super) fn of_int(o: &Obj) -> Option<Num> {
    if let Some(n) = o.as_int() {
        return Some(Num::small(n));
    }
    if !int::is_int(o) {
        return None;
    }
    if let Some(n) = int::as_i128(o)
        && n.unsigned_abs() < POW10[38]
    {
        return Some(Num::finite(n < 0, Coeff::small_of(n.unsigned_abs()), 0));
    }
    let n = int::to_bigint(o)?;
    Some(Num::finite(n.sign() == Sign::Minus, Coeff::of_big(n.into_parts().1), 0))
}

/// The exact value of a float.
pub(super) fn of_f64(f: f64) -> Num {
    let neg = f.is_sign_negative();
    if f.is_nan() {
        return Num { neg, ..Num::nan() };
    }
    if f.is_infinite() {
        return Num::infinity(neg);
    }
    if f == 0.0 {
        return Num::zero(neg, 0);
    }
    let bits = f.to_bits();
    let field = (bits >> 52 & 0x7ff) as i64;
    let mut m = bits & ((1 << 52) - 1) | if field == 0 { 0 } else { 1 << 52 };
    let mut e = field.max(1) - 1075;
    let zeros = m.trailing_zeros();
    m >>= zeros;
    e += i64::from(zeros);
    if e >= 0 {
        return Num::finite(neg, Coeff::of_big(BigUint::from(m) << e as u64), 0);
    }
    // m / 2^k is m * 5^k / 10^k.
    let k = e.unsigned_abs() as u32;
    Num::finite(neg, Coeff::of_big(BigUint::from(m) * BigUint::from(5u32).pow(k)), e)
}

/// An operand: a Decimal, or an int by its exact value. Nothing for other objects.
#[inline(always)]
pub(super) fn operand(o: &Obj) -> Option<Cow<'_, Num>> {
    match o.downcast::<Decimal>() {
        Some(d) => Some(Cow::Borrowed(&d.num)),
        None => of_int(o).map(Cow::Owned),
    }
}

/// As [`operand`], or TypeError.
pub(super) fn expect_operand<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<Cow<'a, Num>> {
    operand(o)
        .ok_or_else(|| cx.type_error(format!("conversion from {} to Decimal is not supported", o.type_of().name())))
}

/// The ASCII text of a number: digits of any script as ASCII, and if `lenient` without spaces around and underscores.
/// Other characters become something that no number holds.
fn ascii_text(s: &Str, lenient: bool) -> Vec<u8> {
    let t = int::text::to_ascii_digits(s.as_str_lossy());
    if !lenient {
        return t.into_owned();
    }
    let space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f);
    let end = t.iter().rposition(|b| !space(b)).map_or(0, |i| i + 1);
    let start = t.iter().position(|b| !space(b)).unwrap_or(end);
    t[start..end].iter().copied().filter(|b| *b != b'_').collect()
}

/// The number that a str holds, not rounded; a NaN and the condition if it holds none.
pub(super) fn of_str(s: &Str, lenient: bool, status: &mut u32) -> Num {
    let parsed = match s.as_str() {
        Some(t) if t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-')) => text::parse(t.as_bytes()),
        _ => text::parse(&ascii_text(s, lenient)),
    };
    match parsed {
        Ok(Some(n)) => n,
        Ok(None) => Num::invalid(status, flag::CONVERSION_SYNTAX),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// The number that a sequence of sign, digits and exponent describes.
fn of_parts(cx: &Ctx, items: &[Obj]) -> PyResult<Num> {
    let [sign, digits, exponent] = items else {
        return Err(cx.value_error("argument must be a sequence of length 3"));
    };
    let neg = match int::as_i64(sign) {
        Some(n @ (0 | 1)) => n == 1,
        _ => return Err(cx.value_error("sign must be an integer with the value 0 or 1")),
    };
    let mut kind = Kind::Finite;
    let mut exp = 0;
    if let Some(s) = exponent.downcast::<Str>() {
        kind = match s.as_str() {
            Some("F") => Kind::Infinite,
            Some("n") => Kind::Nan,
            Some("N") => Kind::SignalingNan,
            _ => return Err(cx.value_error("string argument in the third position must be 'F', 'n' or 'N'")),
        };
    } else if int::is_int(exponent) {
        exp = exponent.to_isize(cx)? as i64;
    } else {
        return Err(cx.value_error("exponent must be an integer"));
    }
    let bad_digits = || cx.value_error("coefficient must be a tuple of digits");
    let digits = match (tuple::items_if_tuple(digits), list::as_list(digits)) {
        (Some(items), _) => items.to_vec(),
        (_, Some(l)) => l.snapshot(),
        _ => return Err(bad_digits()),
    };
    if kind == Kind::Infinite {
        return Ok(Num::infinity(neg));
    }
    let mut ascii = Vec::with_capacity(digits.len());
    for d in &digits {
        match int::as_i64(d) {
            Some(d @ 0..=9) => ascii.push(b'0' + d as u8),
            _ => return Err(bad_digits()),
        }
    }
    let coeff = Coeff::from_digits(&ascii).map_err(|NoMemory| cx.no_memory())?;
    Ok(Num { coeff, exp: exp.clamp(-(1 << 62), 1 << 62), kind, neg })
}

/// How an object becomes a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exactness {
    /// As it is; what does not fit the widest limits is invalid.
    Exact,
    /// Rounded to the context.
    Rounded,
}

/// The number that an argument of a constructor stands for. Conditions go to the context.
pub(super) fn of_object(cx: &Ctx, o: &Obj, context: &Context, how: Exactness) -> PyResult<Num> {
    let mut status = 0;
    let n = if let Some(d) = o.downcast::<Decimal>() {
        if how == Exactness::Exact {
            return Ok(d.num.clone());
        }
        d.num.clone()
    } else if let Some(s) = o.downcast::<Str>() {
        of_str(s, how == Exactness::Exact, &mut status)
    } else if let Some(n) = of_int(o) {
        n
    } else if let Some(items) = tuple::items_if_tuple(o) {
        of_parts(cx, items)?
    } else if let Some(l) = list::as_list(o) {
        of_parts(cx, &l.snapshot())?
    } else if let Some(f) = float::as_f64(o) {
        context.settle(cx, flag::FLOAT_OPERATION)?;
        of_f64(f)
    } else {
        return Err(cx.type_error(format!("conversion from {} to Decimal is not supported", o.type_of().name())));
    };
    let n = match how {
        _ if status != 0 => n,
        Exactness::Exact => text::exactly(n, &mut status),
        Exactness::Rounded => round_new(context, n, &mut status),
    };
    context.settle(cx, status)?;
    Ok(n)
}

/// A new number rounded to a context; the diagnostic digits of a NaN must fit.
pub(super) fn round_new(context: &Context, n: Num, status: &mut u32) -> Num {
    let env = context.env();
    if n.is_nan() && !n.coeff.is_zero() && n.digits() > env.prec - i64::from(env.clamp) {
        return Num::invalid(status, flag::CONVERSION_SYNTAX);
    }
    env.round(n, status)
}

/// The int that a number is when cut off.
pub(super) fn to_int(cx: &Ctx, n: &Num, rounding: super::round::Rounding) -> PyResult {
    match n.kind {
        Kind::Finite => {}
        Kind::Infinite => return Err(cx.overflow_error("cannot convert Infinity to integer")),
        _ => return Err(cx.value_error("cannot convert NaN to integer")),
    }
    match super::functions::to_integer(n, rounding) {
        Ok(c) => Ok(signed_int(n.neg, &c)),
        Err(NoMemory) => Err(cx.no_memory()),
    }
}

fn signed_int(neg: bool, c: &Coeff) -> Obj {
    match c.small() {
        Some(m) => int::from_i128(if neg { -(m as i128) } else { m as i128 }),
        None => {
            int::from_bigint(BigInt::from_biguint(if neg { Sign::Minus } else { Sign::Plus }, c.big().into_owned()))
        }
    }
}

/// The float nearest to a number.
pub(super) fn to_f64(cx: &Ctx, n: &Num) -> PyResult<f64> {
    if n.is_signaling() {
        return Err(cx.value_error("cannot convert signaling NaN to float"));
    }
    let f = match n.kind {
        Kind::Finite => {
            let style = text::Style { engineering: false, capitals: true };
            let t = text::write(&n.abs(), style);
            std::str::from_utf8(&t).ok().and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NAN)
        }
        Kind::Infinite => f64::INFINITY,
        _ => f64::NAN,
    };
    Ok(if n.neg { -f } else { f })
}

/// Numerator and denominator in lowest terms.
pub(super) fn to_ratio(cx: &Ctx, n: &Num) -> PyResult {
    match n.kind {
        Kind::Finite => {}
        Kind::Infinite => return Err(cx.overflow_error("cannot convert Infinity to integer ratio")),
        _ => return Err(cx.value_error("cannot convert NaN to integer ratio")),
    }
    if n.coeff.is_zero() {
        return Ok(tuple::pair(Obj::from(0), Obj::from(1)));
    }
    let memory = |NoMemory| cx.no_memory();
    if n.exp >= 0 {
        let c = n.coeff.shift_left(n.exp as u64).map_err(memory)?;
        return Ok(tuple::pair(signed_int(n.neg, &c), Obj::from(1)));
    }
    let zeros = n.coeff.trailing_zeros().min(n.exp.unsigned_abs());
    let c = n.coeff.shift_right(zeros).0;
    let ten = int::from_biguint(&pow10(n.exp.unsigned_abs() - zeros).map_err(memory)?);
    let num = signed_int(n.neg, &c);
    let gcd = int::gcd(cx, &num, &ten)?;
    Ok(tuple::pair(int::floordiv(cx, &num, &gcd)?, int::floordiv(cx, &ten, &gcd)?))
}

/// The prime modulus of numeric hashes.
const PRIME: u64 = (1 << 61) - 1;

/// The inverse of ten modulo [`PRIME`].
const TENTH: u64 = 2_075_258_708_292_324_556;

fn mul_mod(a: u64, b: u64) -> u64 {
    // 2^61 is one modulo the prime, so the halves of the product add up.
    let p = u128::from(a) * u128::from(b);
    let r = (p as u64 & PRIME) + (p >> 61) as u64;
    if r >= PRIME { r - PRIME } else { r }
}

fn pow_mod(mut b: u64, mut e: u64) -> u64 {
    let mut r = 1;
    while e > 0 {
        if e & 1 == 1 {
            r = mul_mod(r, b);
        }
        b = mul_mod(b, b);
        e >>= 1;
    }
    r
}

/// The hash of a number, the same as that of an equal int, float or fraction. `id` stands in for a NaN.
pub(super) fn hash(cx: &Ctx, n: &Num, this: &Obj) -> PyResult<i64> {
    match n.kind {
        Kind::SignalingNan => return Err(cx.raise(exc::TypeError(), "Cannot hash a signaling NaN value")),
        Kind::Nan => return Ok(((this.id() >> 4) | (this.id() << 60)) as i64),
        Kind::Infinite => return Ok(if n.neg { -314_159 } else { 314_159 }),
        Kind::Finite => {}
    }
    let c = match n.coeff.small() {
        Some(m) => (m % u128::from(PRIME)) as u64,
        None => (&*n.coeff.big() % PRIME).iter_u64_digits().next().unwrap_or(0),
    };
    let scale = pow_mod(if n.exp < 0 { TENTH } else { 10 }, n.exp.unsigned_abs());
    let h = mul_mod(c, scale) as i64;
    let h = if n.neg { -h } else { h };
    Ok(if h == -1 { -2 } else { h })
}
