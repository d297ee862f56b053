//! Powers, modular powers, greatest common divisors and integer roots.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::Zero;

use super::{Operand, arith, from_bigint, from_parts, huge, is_negative, is_zero, limbs, small, to_bigint};
use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

/// `base ** exp` for `exp >= 0`. MemoryError if the result cannot be allocated.
pub fn pow(cx: &Ctx, base: &Obj, exp: &Obj) -> PyResult {
    let zero = || Operand::small(0);
    let b = Operand::of(base).unwrap_or_else(zero);
    let e = Operand::of(exp).unwrap_or_else(zero);
    match (b.mag(), e.mag()) {
        (_, []) => return Ok(small(1)),
        ([], _) => return Ok(small(0)),
        ([1], low) => return Ok(small(if b.neg && low.first().is_some_and(|l| l & 1 == 1) { -1 } else { 1 })),
        _ => {}
    }
    let Some(n) = e.as_i64().and_then(|n| u32::try_from(n).ok()) else { return Err(cx.no_memory()) };
    if let Some(p) = b.as_i64().and_then(|b| b.checked_pow(n)) {
        return Ok(Obj::from(p));
    }
    let neg = b.neg && n & 1 == 1;
    let bits = limbs::bit_len(b.mag());
    let zeros = limbs::trailing_zeros(b.mag());
    // Every bit of the base but the top one may add a bit for each factor.
    arith::reserve_limbs(cx, (bits * u64::from(n)) / 64 + 1)?;
    if zeros + 1 == bits {
        return Ok(from_parts(neg, &limbs::shl(&[1], zeros * u64::from(n))));
    }
    let odd = limbs::shr(b.mag(), zeros);
    let p = huge::pow(cx, &limbs::to_biguint(&odd), n)? << (zeros * u64::from(n));
    Ok(from_parts(neg, &limbs::from_biguint(&p)))
}

/// `pow(base, exp, modulus)` with floor semantics for a negative modulus; a negative exponent needs an
/// invertible base.
pub fn pow_mod(cx: &Ctx, base: &Obj, exp: &Obj, modulus: &Obj) -> PyResult {
    if is_zero(modulus) {
        return Err(cx.value_error("pow() 3rd argument cannot be 0"));
    }
    let neg_mod = is_negative(modulus);
    let m = arith::abs(modulus);
    if m.as_int() == Some(1) {
        return Ok(small(0));
    }
    let mut b = arith::mod_(cx, base, &m)?;
    let mut e = exp.clone();
    if is_negative(exp) {
        e = arith::neg(exp);
        b = match inverse(&b, &m) {
            Some(i) => i,
            None => return Err(cx.value_error("base is not invertible for the given modulus")),
        };
    }
    let r = match (b.as_int(), e.as_int(), m.as_int()) {
        (Some(b), Some(e), Some(m)) => small(pow_mod_small(b as u64, e as u64, m as u64) as i64),
        _ => {
            let big = |o: &Obj| Operand::of(o).map_or_else(BigUint::zero, |v| limbs::to_biguint(v.mag()));
            super::from_biguint(&huge::pow_mod(cx, &big(&b), &big(&e), &big(&m))?)
        }
    };
    if neg_mod && !is_zero(&r) { Ok(arith::add(&r, modulus)) } else { Ok(r) }
}

fn pow_mod_small(mut b: u64, mut e: u64, m: u64) -> u64 {
    let times = |x: u64, y: u64| (u128::from(x) * u128::from(y) % u128::from(m)) as u64;
    let mut r = 1;
    while e > 0 {
        if e & 1 == 1 {
            r = times(r, b);
        }
        b = times(b, b);
        e >>= 1;
    }
    r
}

/// The inverse of `b` modulo `m > 1`, if they have no common divisor.
fn inverse(b: &Obj, m: &Obj) -> Option<Obj> {
    let (b, m) = (to_bigint(b)?, to_bigint(m)?);
    b.modinv(&m).map(from_bigint)
}

/// The greatest common divisor of two ints, never negative.
pub fn gcd(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Ok(Obj::from(x.unsigned_abs().gcd(&y.unsigned_abs())));
    }
    let big = |o: &Obj| Operand::of(o).map_or_else(BigUint::zero, |v| limbs::to_biguint(v.mag()));
    if is_zero(a) {
        return Ok(arith::abs(b));
    }
    if is_zero(b) {
        return Ok(arith::abs(a));
    }
    // One division brings operands of very different length to the same size.
    let (x, y) = (big(a), big(b));
    let (x, y) = if x < y { (y, x) } else { (x, y) };
    let r = huge::div_rem(cx, &x, &y)?.1;
    Ok(super::from_biguint(&huge::gcd(cx, y, r)?))
}

/// The integer square root of an int that is not negative.
pub fn isqrt(a: &Obj) -> Obj {
    match a.as_int() {
        Some(n) => small((n as u64).isqrt() as i64),
        None => from_bigint(to_bigint(a).unwrap_or_else(BigInt::zero).sqrt()),
    }
}

/// Rounds an int to a multiple of `10^digits`, halves to even.
pub fn round_to_power_of_ten(cx: &Ctx, a: &Obj, digits: u64) -> PyResult {
    // A power with more digits than the number has rounds it to zero; computing it could take for ever.
    let bits = Operand::of(a).map_or(0, |v| limbs::bit_len(v.mag()));
    if digits > bits {
        return Ok(small(0));
    }
    let unit = pow(cx, &small(10), &Obj::from(digits))?;
    let (q, r) = arith::divmod(cx, a, &unit)?;
    let twice = arith::add(&r, &r);
    let up = match super::cmp(&twice, &unit) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => !is_zero(&arith::and(&q, &small(1))),
        std::cmp::Ordering::Less => false,
    };
    let low = arith::sub(a, &r);
    Ok(if up { arith::add(&low, &unit) } else { low })
}
