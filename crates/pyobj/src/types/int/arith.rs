//! Arithmetic on int objects.
//!
//! The operands must be ints (bools and subclass instances count); an operand that is none is treated as
//! zero, which callers exclude by checking first.

use std::cmp::Ordering;

use super::limbs::{self, Buf};
use super::{MAX_LIMBS, Operand, bitwise, from_buf, from_parts, huge, small};
use crate::ctx::{Ctx, PyResult};
use crate::value::{Obj, Value};

#[inline]
fn operand(o: &Obj) -> Operand<'_> {
    Operand::of(o).unwrap_or_else(|| {
        debug_assert!(false, "not an int: {o:?}");
        Operand::small(0)
    })
}

fn signed_add(a: (bool, &[u64]), b: (bool, &[u64])) -> (bool, Buf) {
    if a.0 == b.0 {
        return (a.0, limbs::add(a.1, b.1));
    }
    match limbs::cmp(a.1, b.1) {
        Ordering::Less => (b.0, limbs::sub(b.1, a.1)),
        _ => (a.0, limbs::sub(a.1, b.1)),
    }
}

/// `a + b`.
#[inline]
pub fn add(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        // Two 63-bit ints cannot overflow 64 bits.
        (Some(x), Some(y)) => Obj::from(x + y),
        _ => add_long(a, b),
    }
}

#[inline(never)]
fn add_long(a: &Obj, b: &Obj) -> Obj {
    let (a, b) = (operand(a), operand(b));
    from_buf(signed_add(a.parts(), b.parts()))
}

/// `a - b`.
#[inline]
pub fn sub(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => Obj::from(x - y),
        _ => sub_long(a, b),
    }
}

#[inline(never)]
fn sub_long(a: &Obj, b: &Obj) -> Obj {
    let (a, b) = (operand(a), operand(b));
    from_buf(signed_add(a.parts(), (!b.neg, b.mag())))
}

/// `a * b`.
#[inline]
pub fn mul(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => match x.checked_mul(y) {
            Some(p) => Obj::from(p),
            None => super::from_i128(i128::from(x) * i128::from(y)),
        },
        _ => mul_long(a, b),
    }
}

#[inline(never)]
fn mul_long(a: &Obj, b: &Obj) -> Obj {
    let (a, b) = (operand(a), operand(b));
    from_parts(a.neg != b.neg, &limbs::mul(a.mag(), b.mag()))
}

/// `a * b`, however large: signals are served meanwhile, and MemoryError is raised if the product has no room.
#[inline]
pub fn mul_in_steps(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    match (a.as_int(), b.as_int()) {
        (Some(_), Some(_)) => Ok(mul(a, b)),
        _ => mul_huge(cx, a, b),
    }
}

#[inline(never)]
fn mul_huge(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let (x, y) = (operand(a), operand(b));
    let sum = (x.mag().len() + y.mag().len()) as u64;
    if sum * 64 <= huge::WHOLE_BITS || x.mag().len().min(y.mag().len()) <= limbs::KERNEL_LIMBS {
        // A limb product takes about a nanosecond.
        cx.long_step(sum as usize / 8)?;
        reserve_limbs(cx, sum)?;
        return Ok(mul_long(a, b));
    }
    reserve_limbs(cx, 2 * sum)?;
    let p = huge::mul(cx, &limbs::to_biguint(x.mag()), &limbs::to_biguint(y.mag()))?;
    Ok(from_parts(x.neg != y.neg, &limbs::from_biguint(&p)))
}

/// Makes sure that a result as long as both operands together has room.
#[inline]
pub(super) fn room_for(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<()> {
    match (a.as_int(), b.as_int()) {
        (Some(_), Some(_)) => Ok(()),
        _ => reserve_limbs(cx, operand(a).mag().len().max(operand(b).mag().len()) as u64 + 1),
    }
}

/// `-a`.
#[inline]
pub fn neg(a: &Obj) -> Obj {
    match a.as_int() {
        Some(x) => Obj::from(-x),
        None => {
            let a = operand(a);
            from_parts(!a.neg, a.mag())
        }
    }
}

/// `abs(a)`.
pub fn abs(a: &Obj) -> Obj {
    match a.as_int() {
        Some(x) => Obj::from(x.abs()),
        None => from_parts(false, operand(a).mag()),
    }
}

/// Floor division of machine ints with a non-zero divisor.
#[inline]
fn floor_div_rem(x: i64, y: i64) -> (i64, i64) {
    let (q, r) = (x / y, x % y);
    if r != 0 && (r < 0) != (y < 0) { (q - 1, r + y) } else { (q, r) }
}

#[cold]
fn zero_division(cx: &Ctx) -> crate::Raised {
    cx.zero_division("division by zero")
}

/// Signed quotient and remainder of floor division, of those of the magnitudes.
fn floor_parts(neg: bool, b: (bool, &[u64]), (mut q, mut r): (Buf, Buf)) -> ((bool, Buf), (bool, Buf)) {
    if neg != b.0 && !r.is_empty() {
        q = limbs::add(&q, &[1]);
        r = limbs::sub(b.1, &r);
    }
    ((neg != b.0, q), (b.0, r))
}

/// `a // b`, or ZeroDivisionError.
#[inline]
pub fn floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    match (a.as_int(), b.as_int()) {
        (Some(_), Some(0)) => Err(zero_division(cx)),
        // The quotient of 63-bit ints fits 64 bits.
        (Some(x), Some(y)) => Ok(Obj::from(floor_div_rem(x, y).0)),
        _ => divmod_long(cx, a, b).map(|(q, _)| q),
    }
}

/// `a % b`, or ZeroDivisionError.
#[inline]
pub fn mod_(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    match (a.as_int(), b.as_int()) {
        (Some(_), Some(0)) => Err(zero_division(cx)),
        (Some(x), Some(y)) => Ok(small(floor_div_rem(x, y).1)),
        _ => mod_long(cx, a, b),
    }
}

/// Quotient and remainder of floor division, or ZeroDivisionError.
#[inline]
pub fn divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<(Obj, Obj)> {
    match (a.as_int(), b.as_int()) {
        (Some(_), Some(0)) => Err(zero_division(cx)),
        (Some(x), Some(y)) => {
            let (q, r) = floor_div_rem(x, y);
            Ok((Obj::from(q), small(r)))
        }
        _ => divmod_long(cx, a, b),
    }
}

#[inline(never)]
fn divmod_long(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<(Obj, Obj)> {
    let (a, b) = (operand(a), operand(b));
    if b.mag().is_empty() {
        return Err(zero_division(cx));
    }
    let (x, y) = (a.mag(), b.mag());
    reserve_limbs(cx, x.len() as u64 + 1)?;
    let parts = if x.len() as u64 * 64 > huge::WHOLE_BITS && y.len() > limbs::KERNEL_LIMBS {
        let (q, r) = huge::div_rem(cx, &limbs::to_biguint(x), &limbs::to_biguint(y))?;
        (limbs::from_biguint(&q), limbs::from_biguint(&r))
    } else {
        limbs::div_rem(x, y)
    };
    let (q, r) = floor_parts(a.neg, (b.neg, y), parts);
    Ok((from_buf(q), from_buf(r)))
}

#[inline(never)]
fn mod_long(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let (x, y) = (operand(a), operand(b));
    match y.mag() {
        [] => Err(zero_division(cx)),
        [d] => {
            let r = limbs::rem_limb(x.mag(), *d);
            let r = if r != 0 && x.neg != y.neg { *d - r } else { r };
            Ok(from_parts(y.neg, &[r]))
        }
        _ => divmod_long(cx, a, b).map(|(_, r)| r),
    }
}

/// `a & b`.
#[inline]
pub fn and(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => small(x & y),
        _ => {
            let (a, b) = (operand(a), operand(b));
            from_buf(bitwise::and(a.parts(), b.parts()))
        }
    }
}

/// `a | b`.
#[inline]
pub fn or(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => small(x | y),
        _ => {
            let (a, b) = (operand(a), operand(b));
            from_buf(bitwise::or(a.parts(), b.parts()))
        }
    }
}

/// `a ^ b`.
#[inline]
pub fn xor(a: &Obj, b: &Obj) -> Obj {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => small(x ^ y),
        _ => {
            let (a, b) = (operand(a), operand(b));
            from_buf(bitwise::xor(a.parts(), b.parts()))
        }
    }
}

/// `~a`.
#[inline]
pub fn invert(a: &Obj) -> Obj {
    match a.as_int() {
        Some(x) => small(!x),
        None => {
            let a = operand(a);
            let one: &[u64] = &[1];
            from_buf(signed_add((!a.neg, a.mag()), (true, one)))
        }
    }
}

/// `a << b`; a negative count is a ValueError, a result too large a MemoryError or OverflowError.
#[inline]
pub fn lshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if let (Some(x), Some(n @ 0..=62)) = (a.as_int(), b.as_int()) {
        let r = x << n;
        if r >> n == x && Value::from_i64(r).is_some() {
            return Ok(small(r));
        }
    }
    lshift_long(cx, a, b)
}

#[inline(never)]
fn lshift_long(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let (x, n) = (operand(a), operand(b));
    if n.neg {
        return Err(cx.value_error("negative shift count"));
    }
    if x.mag().is_empty() {
        return Ok(small(0));
    }
    let Some(n) = n.as_i64() else { return Err(cx.overflow_error("too many digits in integer")) };
    reserve_limbs(cx, n as u64 / 64 + x.mag().len() as u64 + 1)?;
    Ok(from_parts(x.neg, &limbs::shl(x.mag(), n as u64)))
}

/// Refuses results that cannot be allocated, before a library is asked to make them.
pub(crate) fn reserve_limbs(cx: &Ctx, n: u64) -> PyResult<()> {
    const SURELY_FINE: u64 = 1 << 17;
    if n <= SURELY_FINE {
        return Ok(());
    }
    // Twice the size: the result is computed in a buffer and then copied to its object.
    let fits = n <= MAX_LIMBS && Vec::<u64>::new().try_reserve_exact(2 * n as usize).is_ok();
    if fits { Ok(()) } else { Err(cx.no_memory()) }
}

/// `a >> b`, rounding down; a negative count is a ValueError.
#[inline]
pub fn rshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(n)) if n >= 0 => Ok(small(x >> n.min(63))),
        _ => rshift_long(cx, a, b),
    }
}

#[inline(never)]
fn rshift_long(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    let (x, n) = (operand(a), operand(b));
    if n.neg {
        return Err(cx.value_error("negative shift count"));
    }
    let n = n.as_i64().map_or(u64::MAX, |n| n as u64);
    Ok(from_buf(shift_right_floor(x.parts(), n)))
}

/// `a >> n` of a signed magnitude, towards minus infinity.
pub(crate) fn shift_right_floor((neg, mag): (bool, &[u64]), n: u64) -> (bool, Buf) {
    let q = limbs::shr(mag, n);
    if neg && limbs::low_bits_set(mag, n) {
        return (true, limbs::add(&q, &[1]));
    }
    (neg, q)
}
