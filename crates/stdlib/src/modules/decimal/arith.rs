//! Sums, products and quotients.

use std::cmp::Ordering;

use super::coeff::{Coeff, NoMemory, Rest};
use super::number::{Num, compare_magnitudes, flag};
use super::round::{Env, Rounding, nan_of};
use super::wide::{self, POW10, Wide};

/// The number, or the NaN that says that memory is short.
pub(super) fn or_no_memory(r: Result<Num, NoMemory>, status: &mut u32) -> Num {
    r.unwrap_or_else(|NoMemory| Num::invalid(status, flag::NO_MEMORY))
}

pub(super) fn add(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    add_signed(a, b, b.neg, env, status)
}

pub(super) fn subtract(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    add_signed(a, b, !b.neg, env, status)
}

/// `a + b`, where the sign of `b` is given.
#[inline]
fn add_signed(a: &Num, b: &Num, b_neg: bool, env: &Env, status: &mut u32) -> Num {
    if a.is_finite()
        && b.is_finite()
        && let (Some(x), Some(y)) = (a.coeff.small(), b.coeff.small())
    {
        let shift = a.exp.abs_diff(b.exp);
        if shift <= 38 {
            let unit = POW10[shift as usize];
            let (x, y, exp) = if a.exp >= b.exp {
                (x.checked_mul(unit), Some(y), b.exp)
            } else {
                (Some(x), y.checked_mul(unit), a.exp)
            };
            if let (Some(x), Some(y)) = (x, y)
                && (x | y) >> 127 == 0
            {
                return add_aligned((x, a.neg), (y, b_neg), exp, env, status);
            }
        }
    }
    add_slowly(a, b, b_neg, env, status)
}

/// The sign of an exact zero sum of numbers with different signs.
fn zero_sign(a: bool, b: bool, env: &Env) -> bool {
    if a == b { a } else { env.rounding == Rounding::Floor }
}

#[inline]
fn add_aligned((x, x_neg): (u128, bool), (y, y_neg): (u128, bool), exp: i64, env: &Env, status: &mut u32) -> Num {
    let (neg, sum) = if x_neg == y_neg {
        (x_neg, x + y)
    } else {
        match x.cmp(&y) {
            Ordering::Greater => (x_neg, x - y),
            Ordering::Less => (y_neg, y - x),
            Ordering::Equal => (zero_sign(x_neg, y_neg, env), 0),
        }
    };
    if sum == 0 && x == 0 {
        return env.round(Num::zero(zero_sign(x_neg, y_neg, env), exp), status);
    }
    env.round(Num::finite(neg, Coeff::of(sum), exp), status)
}

#[inline(never)]
fn add_slowly(a: &Num, b: &Num, b_neg: bool, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) if a.neg != b_neg => return Num::invalid(status, flag::INVALID_OPERATION),
        (true, _) => return a.clone(),
        (_, true) => return Num::infinity(b_neg),
        _ => {}
    }
    let exp = a.exp.min(b.exp);
    let r = match (a.coeff.is_zero(), b.coeff.is_zero()) {
        (true, true) => Ok(Num::zero(zero_sign(a.neg, b_neg, env), exp)),
        (true, false) => beside_zero(&b.with_sign(b_neg), exp, env),
        (false, true) => beside_zero(a, exp, env),
        _ => exact_sum(a, &b.with_sign(b_neg), env),
    };
    match r {
        Ok(n) => env.round(n, status),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// A number with its exponent brought down towards `exp`, as far as the precision shows.
fn beside_zero(n: &Num, exp: i64, env: &Env) -> Result<Num, NoMemory> {
    let exp = exp.max(n.exp - env.prec - 1).max(n.exp.min(n.adjusted() - env.prec));
    Ok(Num::finite(n.neg, n.coeff.shift_left((n.exp - exp) as u64)?, exp))
}

/// The sum of numbers that are not zero. One that is too small to show stands for by a single digit below the last
/// that counts.
fn exact_sum(a: &Num, b: &Num, env: &Env) -> Result<Num, NoMemory> {
    let (high, low) = if a.exp >= b.exp { (a, b) } else { (b, a) };
    let mut low = low.clone();
    // The digit may not touch what rounding sees, even where the sum has a digit less than the greater number.
    let visible = high.exp + (-1i64).min(high.digits() - env.prec - 2);
    if low.adjusted() < visible {
        low = Num::finite(low.neg, Coeff::ONE, visible);
    }
    let exp = low.exp.min(high.exp);
    let (x, y) = (high.coeff.shift_left((high.exp - exp) as u64)?, low.coeff.shift_left((low.exp - exp) as u64)?);
    if high.neg == low.neg {
        return Ok(Num::finite(high.neg, x.plus(&y), exp));
    }
    Ok(match x.compare(&y) {
        Ordering::Greater => Num::finite(high.neg, x.minus(&y), exp),
        Ordering::Less => Num::finite(low.neg, y.minus(&x), exp),
        Ordering::Equal => Num::zero(zero_sign(high.neg, low.neg, env), exp),
    })
}

pub(super) fn multiply(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if a.is_finite()
        && b.is_finite()
        && let (Some(x), Some(y)) = (a.coeff.small(), b.coeff.small())
    {
        let (neg, exp) = (a.neg != b.neg, a.exp.saturating_add(b.exp));
        if (x | y) >> 64 == 0 {
            let p = x * y;
            if p < POW10[38] {
                return env.round(Num::finite(neg, Coeff::small_of(p), exp), status);
            }
        }
        return env.round_wide(neg, Wide::product(x, y), exp, status);
    }
    match exact_product(a, b, env, status) {
        Ok(n) => env.round(n, status),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

#[inline(never)]
fn exact_product(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return Ok(n);
    }
    let neg = a.neg != b.neg;
    if a.is_infinite() || b.is_infinite() {
        if a.is_zero() || b.is_zero() {
            return Ok(Num::invalid(status, flag::INVALID_OPERATION));
        }
        return Ok(Num::infinity(neg));
    }
    Ok(Num::finite(neg, a.coeff.times(&b.coeff)?, a.exp.saturating_add(b.exp)))
}

/// `a * b + c` with one rounding.
pub(super) fn fma(a: &Num, b: &Num, c: &Num, env: &Env, status: &mut u32) -> Num {
    let mut own = 0;
    match exact_product(a, b, env, &mut own) {
        // A product that is invalid counts more than a NaN among the addends, but for those of the factors.
        Ok(p) if own & flag::INVALID_OPERATION != 0 && !a.is_nan() && !b.is_nan() => {
            *status |= own;
            p
        }
        Ok(_) if a.is_nan() || b.is_nan() || c.is_nan() => nan_of(&[a, b, c], env, status).unwrap_or_else(Num::nan),
        Ok(p) => add(&p, c, env, status),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// What divisions share: NaNs, infinities and divisors of zero. Otherwise both are finite, the divisor not zero.
fn division_special(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Option<Num> {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return Some(n);
    }
    let neg = a.neg != b.neg;
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return Some(Num::invalid(status, flag::INVALID_OPERATION)),
        (true, _) => return Some(Num::infinity(neg)),
        (_, true) => {
            *status |= flag::CLAMPED;
            return Some(Num::zero(neg, env.etiny()));
        }
        _ => {}
    }
    if b.coeff.is_zero() {
        if a.coeff.is_zero() {
            return Some(Num::invalid(status, flag::DIVISION_UNDEFINED));
        }
        *status |= flag::DIVISION_BY_ZERO;
        return Some(Num::infinity(neg));
    }
    None
}

pub(super) fn divide(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = division_special(a, b, env, status) {
        return n;
    }
    let (neg, ideal) = (a.neg != b.neg, a.exp.saturating_sub(b.exp));
    if a.coeff.is_zero() {
        return env.round(Num::zero(neg, ideal), status);
    }
    let shift = b.digits() - a.digits() + env.prec + 1;
    if let (Some(x), Some(y)) = (a.coeff.small(), b.coeff.small())
        && (0..=38).contains(&shift)
        && env.prec <= 36
    {
        let (q, r) = Wide::product(x, POW10[shift as usize]).div_rem(y);
        let (mut q, mut exp) = (q.lo, ideal - shift);
        if r != 0 {
            // A last digit of 0 or 5 must not look exact.
            q += u128::from(q.is_multiple_of(5));
        } else {
            (q, exp) = strip_zeros(q, exp, ideal);
        }
        return env.round(Num::finite(neg, Coeff::of(q), exp), status);
    }
    match divide_long(a, b, shift, env) {
        Ok((c, exp)) => env.round(Num::finite(neg, c, exp), status),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// Takes zeros off the end while the exponent stays below `ideal`.
fn strip_zeros(mut c: u128, mut exp: i64, ideal: i64) -> (u128, i64) {
    for step in [16i64, 8, 4, 2, 1, 1] {
        if exp + step <= ideal {
            let (q, r) = wide::div_rem(c, POW10[step as usize]);
            if r == 0 {
                (c, exp) = (q, exp + step);
            }
        }
    }
    while exp < ideal && c % 10 == 0 {
        c /= 10;
        exp += 1;
    }
    (c, exp)
}

/// Quotients up to this precision are computed without asking first whether they end sooner.
const LONG: i64 = 1 << 16;

#[inline(never)]
fn divide_long(a: &Num, b: &Num, shift: i64, env: &Env) -> Result<(Coeff, i64), NoMemory> {
    let ideal = a.exp.saturating_sub(b.exp);
    let mut shift = shift;
    if env.prec > LONG
        && let Some(enough) = exact_shift(&a.coeff, &b.coeff)
    {
        shift = shift.min(enough);
    }
    let (q, r) = if shift >= 0 {
        a.coeff.shift_left(shift as u64)?.div_rem(&b.coeff)
    } else {
        a.coeff.div_rem(&b.coeff.shift_left(shift.unsigned_abs())?)
    };
    let exp = ideal - shift;
    if !r.is_zero() {
        return Ok((if matches!(q.last_digit(), 0 | 5) { q.plus_one() } else { q }, exp));
    }
    let zeros = (q.trailing_zeros() as i64).min((ideal - exp).max(0));
    Ok((q.shift_right(zeros as u64).0, exp + zeros))
}

/// By what power of ten `a` must be multiplied so that `b` divides it, if any does.
fn exact_shift(a: &Coeff, b: &Coeff) -> Option<i64> {
    let (_, mut left) = a.div_rem(b);
    let mut n = 0;
    // Each step takes at least one factor of 2 or 5 out of what is left of the divisor.
    while !left.is_zero() {
        if n > 4 * b.digits() as i64 {
            return None;
        }
        left = left.shift_left(1).ok()?.div_rem(b).1;
        n += 1;
    }
    Some(n)
}

/// The integer part of a quotient and the remainder, of finite numbers with a divisor that is not zero. Nothing if the
/// integer has more digits than the precision.
fn integer_division(a: &Num, b: &Num, env: &Env) -> Result<Option<(Num, Num)>, NoMemory> {
    let neg = a.neg != b.neg;
    let ideal = a.exp.min(b.exp);
    if a.coeff.is_zero() || compare_magnitudes(a, b) == Ordering::Less {
        // The quotient is zero, and the remainder the dividend.
        let r = if a.coeff.is_zero() {
            Num::zero(a.neg, ideal)
        } else if a.exp > ideal && a.exp - ideal <= env.prec.saturating_add(b.digits()) {
            Num::finite(a.neg, a.coeff.shift_left((a.exp - ideal) as u64)?, ideal)
        } else {
            a.clone()
        };
        return Ok(Some((Num::zero(neg, 0), r)));
    }
    if a.adjusted() - b.adjusted() > env.prec {
        return Ok(None);
    }
    let scaled = |n: &Num| n.coeff.shift_left((n.exp - ideal) as u64);
    let (q, r) = scaled(a)?.div_rem(&scaled(b)?);
    if q.digits() as i64 > env.prec {
        return Ok(None);
    }
    Ok(Some((Num::finite(neg, q, 0), Num::finite(a.neg, r, ideal))))
}

/// `a // b`: the integer part of the quotient.
pub(super) fn divide_integer(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    divmod(a, b, env, status, true).0
}

/// The remainder of `a // b`, with the sign of `a`.
pub(super) fn remainder(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    if a.is_infinite() {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if b.is_infinite() {
        return env.round(a.clone(), status);
    }
    if b.is_zero() {
        let undefined = a.coeff.is_zero();
        return Num::invalid(status, if undefined { flag::DIVISION_UNDEFINED } else { flag::INVALID_OPERATION });
    }
    match integer_division(a, b, env) {
        Ok(Some((_, r))) => env.round(r, status),
        Ok(None) => Num::invalid(status, flag::DIVISION_IMPOSSIBLE),
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// Quotient and remainder. `quotient_only` leaves the conditions of the remainder out.
pub(super) fn divmod(a: &Num, b: &Num, env: &Env, status: &mut u32, quotient_only: bool) -> (Num, Num) {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return (n.clone(), n);
    }
    let neg = a.neg != b.neg;
    let invalid = |status: &mut u32, condition: u32| {
        *status |= condition;
        (Num::nan(), Num::nan())
    };
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return invalid(status, flag::INVALID_OPERATION),
        (true, _) => {
            if !quotient_only {
                *status |= flag::INVALID_OPERATION;
            }
            return (Num::infinity(neg), Num::nan());
        }
        (_, true) => return (Num::zero(neg, 0), if quotient_only { Num::nan() } else { env.round(a.clone(), status) }),
        _ => {}
    }
    if b.coeff.is_zero() {
        if a.coeff.is_zero() {
            return invalid(status, flag::DIVISION_UNDEFINED);
        }
        *status |= flag::DIVISION_BY_ZERO | if quotient_only { 0 } else { flag::INVALID_OPERATION };
        return (Num::infinity(neg), Num::nan());
    }
    match integer_division(a, b, env) {
        Ok(Some((q, r))) => {
            let r = if quotient_only { r } else { env.round(r, status) };
            (env.round(q, status), r)
        }
        Ok(None) => invalid(status, flag::DIVISION_IMPOSSIBLE),
        Err(NoMemory) => invalid(status, flag::NO_MEMORY),
    }
}

/// `a - b * n`, where `n` is the integer nearest to the exact quotient, the even one of two.
pub(super) fn remainder_near(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    if a.is_infinite() {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if b.is_infinite() {
        return env.round(a.clone(), status);
    }
    if b.is_zero() {
        let undefined = a.coeff.is_zero();
        return Num::invalid(status, if undefined { flag::DIVISION_UNDEFINED } else { flag::INVALID_OPERATION });
    }
    let r = nearest_remainder(a, b, env, status);
    or_no_memory(r, status)
}

fn nearest_remainder(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    let ideal = a.exp.min(b.exp);
    if a.coeff.is_zero() {
        return Ok(env.round(Num::zero(a.neg, ideal), status));
    }
    let distance = a.adjusted() - b.adjusted();
    if distance > env.prec + 1 {
        return Ok(Num::invalid(status, flag::DIVISION_IMPOSSIBLE));
    }
    if distance <= -2 {
        // Less than half of the divisor; the exponent goes down as far as there is room.
        let n = if a.exp > ideal { beside_zero(a, ideal, env)? } else { a.clone() };
        return Ok(env.round(n, status));
    }
    let scaled = |n: &Num| n.coeff.shift_left((n.exp - ideal) as u64);
    let (x, y) = (scaled(a)?, scaled(b)?);
    let (mut q, mut r) = x.div_rem(&y);
    let mut neg = a.neg;
    let order = r.plus(&r).compare(&y);
    if order == Ordering::Greater || (order == Ordering::Equal && q.is_odd()) {
        r = y.minus(&r);
        q = q.plus_one();
        neg = !neg;
    }
    if q.digits() as i64 > env.prec {
        return Ok(Num::invalid(status, flag::DIVISION_IMPOSSIBLE));
    }
    Ok(env.round(Num::finite(neg, r, ideal), status))
}

/// The value rounded to a multiple of `10^exp`, without any limit of a context.
pub(super) fn rescale(n: &Num, exp: i64, rounding: Rounding) -> Result<(Num, Rest), NoMemory> {
    if n.coeff.is_zero() {
        return Ok((Num::zero(n.neg, exp), Rest::Zero));
    }
    if n.exp >= exp {
        return Ok((Num::finite(n.neg, n.coeff.shift_left((n.exp - exp) as u64)?, exp), Rest::Zero));
    }
    let (mut c, rest) = n.coeff.shift_right(exp.abs_diff(n.exp));
    if rounding.goes_up(rest, n.neg, || c.last_digit()) {
        c = c.plus_one();
    }
    Ok((Num::finite(n.neg, c, exp), rest))
}
