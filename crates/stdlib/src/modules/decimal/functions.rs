//! The operations of the specification that are neither arithmetic nor transcendental.

use std::cmp::Ordering;

use super::arith::{or_no_memory, rescale};
use super::coeff::{Coeff, NoMemory, Rest};
use super::number::{self, Kind, Num, compare_total, flag};
use super::round::{Env, Rounding, nan_of};

/// The number with the exponent of another one.
pub(super) fn quantize(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    if a.is_infinite() || b.is_infinite() {
        if a.is_infinite() && b.is_infinite() {
            return a.clone();
        }
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    let exp = b.exp;
    if !(env.etiny()..=env.emax).contains(&exp) {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if !a.coeff.is_zero() && (a.adjusted() > env.emax || a.adjusted() - exp + 1 > env.prec) {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    let Ok((n, rest)) = rescale(a, exp, env.rounding) else { return Num::invalid(status, flag::NO_MEMORY) };
    if !n.coeff.is_zero() && (n.adjusted() > env.emax || n.digits() > env.prec) {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if !n.coeff.is_zero() && n.adjusted() < env.emin {
        *status |= flag::SUBNORMAL;
    }
    if a.exp < exp && !a.coeff.is_zero() {
        *status |= flag::ROUNDED;
    }
    if rest != Rest::Zero {
        *status |= flag::INEXACT;
    }
    // Zeros may be clamped, and a context with `clamp` may fold the exponent down.
    env.round(n, status)
}

/// The nearest integer; `exact` signals what was cut off.
pub(super) fn to_integral(a: &Num, env: &Env, exact: bool, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    if a.is_infinite() || a.exp >= 0 {
        return a.clone();
    }
    if a.coeff.is_zero() {
        return Num::zero(a.neg, 0);
    }
    match rescale(a, 0, env.rounding) {
        Ok((n, rest)) => {
            if exact {
                *status |= flag::ROUNDED | if rest == Rest::Zero { 0 } else { flag::INEXACT };
            }
            n
        }
        Err(NoMemory) => Num::invalid(status, flag::NO_MEMORY),
    }
}

/// The greatest integer that is not greater, or the least that is not less; exact, of a finite number.
pub(super) fn to_integer(a: &Num, rounding: Rounding) -> Result<Coeff, NoMemory> {
    Ok(rescale(a, 0, rounding)?.0.coeff)
}

/// Without zeros at the end.
pub(super) fn normalize(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    let mut n = env.round(a.clone(), status);
    if !n.is_finite() {
        return n;
    }
    if n.coeff.is_zero() {
        n.exp = 0;
        return n;
    }
    let most = if env.clamp { env.etop() } else { env.emax };
    let zeros = (n.coeff.trailing_zeros() as i64).min((most - n.exp).max(0));
    n.coeff = n.coeff.shift_right(zeros as u64).0;
    n.exp += zeros;
    n
}

/// -1, 0 or 1; a NaN makes the result one. `signals`: any NaN is invalid.
pub(super) fn compare(a: &Num, b: &Num, env: &Env, signals: bool, status: &mut u32) -> Num {
    if a.is_nan() || b.is_nan() {
        if signals {
            *status |= flag::INVALID_OPERATION;
        }
        return nan_of(&[a, b], env, status).unwrap_or_else(Num::nan);
    }
    order(number::compare(a, b))
}

/// An order as a number.
pub(super) fn order(o: Ordering) -> Num {
    Num::small(o as i64)
}

/// Which of two numbers [`extreme`] picks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    Max,
    Min,
    MaxMagnitude,
    MinMagnitude,
}

/// The greater or lesser of two numbers; a quiet NaN loses against a number.
pub(super) fn extreme(a: &Num, b: &Num, pick: Pick, env: &Env, status: &mut u32) -> Num {
    match (a.kind, b.kind) {
        (Kind::Nan, Kind::Finite | Kind::Infinite) => return env.round(b.clone(), status),
        (Kind::Finite | Kind::Infinite, Kind::Nan) => return env.round(a.clone(), status),
        _ => {}
    }
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    let by_value = match pick {
        Pick::Max | Pick::Min => number::compare(a, b),
        _ => number::compare(&a.abs(), &b.abs()),
    };
    let o = by_value.then_with(|| compare_total(a, b));
    let first = match pick {
        Pick::Max | Pick::MaxMagnitude => o != Ordering::Less,
        _ => o == Ordering::Less,
    };
    env.round(if first { a.clone() } else { b.clone() }, status)
}

/// The next number in a direction.
fn next(a: &Num, down: bool, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    if a.is_infinite() {
        if a.neg == down {
            return a.clone();
        }
        let largest = Coeff::nines(env.prec as u64).map(|c| Num::finite(a.neg, c, env.etop()));
        return or_no_memory(largest, status);
    }
    let env = Env { rounding: if down { Rounding::Floor } else { Rounding::Ceiling }, ..*env };
    let mut quiet = 0;
    let rounded = env.round(a.clone(), &mut quiet);
    if quiet & flag::NO_MEMORY != 0 {
        return Num::invalid(status, flag::NO_MEMORY);
    }
    if number::compare(&rounded, a) != Ordering::Equal {
        return rounded;
    }
    let step = Num::finite(down, Coeff::ONE, env.etiny() - 1);
    let n = super::arith::add(a, &step, &env, &mut quiet);
    *status |= quiet & flag::NO_MEMORY;
    n
}

pub(super) fn next_minus(a: &Num, env: &Env, status: &mut u32) -> Num {
    next(a, true, env, status)
}

pub(super) fn next_plus(a: &Num, env: &Env, status: &mut u32) -> Num {
    next(a, false, env, status)
}

/// The next number in the direction of another one.
pub(super) fn next_toward(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    let n = match number::compare(a, b) {
        Ordering::Equal => return a.with_sign(b.neg),
        Ordering::Less => next(a, false, env, status),
        Ordering::Greater => next(a, true, env, status),
    };
    if n.is_infinite() {
        if !a.is_infinite() {
            *status |= flag::OVERFLOW | flag::ROUNDED | flag::INEXACT;
        }
    } else if n.is_finite() && n.adjusted() < env.emin {
        *status |= flag::UNDERFLOW | flag::SUBNORMAL | flag::ROUNDED | flag::INEXACT;
        if n.coeff.is_zero() {
            *status |= flag::CLAMPED;
        }
    }
    n
}

/// The exponent of the first digit, as a number.
pub(super) fn logb(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    if a.is_infinite() {
        return Num::infinity(false);
    }
    if a.coeff.is_zero() {
        *status |= flag::DIVISION_BY_ZERO;
        return Num::infinity(true);
    }
    env.round(Num::small(a.adjusted()), status)
}

/// The exponent plus an integer.
pub(super) fn scaleb(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    let limit = 2 * env.emax.saturating_add(env.prec);
    let by = if b.exp == 0 { b.to_i64() } else { None };
    let Some(by) = by.filter(|n| n.unsigned_abs() <= limit as u64) else {
        return Num::invalid(status, flag::INVALID_OPERATION);
    };
    if a.is_infinite() {
        return a.clone();
    }
    env.round(Num { exp: a.exp.saturating_add(by), ..a.clone() }, status)
}

/// Whether the exponents are the same, or both numbers infinities or NaNs.
pub(super) fn same_quantum(a: &Num, b: &Num) -> bool {
    match (a.is_finite(), b.is_finite()) {
        (true, true) => a.exp == b.exp,
        (false, false) => a.is_nan() == b.is_nan(),
        _ => false,
    }
}

pub(super) fn is_normal(a: &Num, env: &Env) -> bool {
    a.is_finite() && !a.coeff.is_zero() && a.adjusted() >= env.emin
}

pub(super) fn is_subnormal(a: &Num, env: &Env) -> bool {
    a.is_finite() && !a.coeff.is_zero() && a.adjusted() < env.emin
}

/// The class of a number, by the specification's name.
pub(super) fn class(a: &Num, env: &Env) -> &'static str {
    match (a.kind, a.neg) {
        (Kind::Nan, _) => "NaN",
        (Kind::SignalingNan, _) => "sNaN",
        (Kind::Infinite, true) => "-Infinity",
        (Kind::Infinite, false) => "+Infinity",
        (_, neg) => match (a.coeff.is_zero(), a.adjusted() < env.emin, neg) {
            (true, _, true) => "-Zero",
            (true, _, false) => "+Zero",
            (_, true, true) => "-Subnormal",
            (_, true, false) => "+Subnormal",
            (_, _, true) => "-Normal",
            _ => "+Normal",
        },
    }
}

/// The digits of a logical operand: an integer of zeros and ones, not negative.
fn logical_digits(a: &Num, env: &Env) -> Option<Vec<u8>> {
    if !a.is_finite() || a.neg || a.exp != 0 {
        return None;
    }
    let mut d = Vec::new();
    a.coeff.push_digits(&mut d);
    if d.iter().any(|d| *d > b'1') {
        return None;
    }
    // Digits beyond the precision are not looked at.
    d.drain(..d.len().saturating_sub(env.prec as usize));
    Some(d)
}

/// `and`, `or` or `xor` digit by digit.
pub(super) fn logical(a: &Num, b: &Num, env: &Env, status: &mut u32, f: fn(u8, u8) -> u8) -> Num {
    let (Some(mut x), Some(mut y)) = (logical_digits(a, env), logical_digits(b, env)) else {
        return Num::invalid(status, flag::INVALID_OPERATION);
    };
    x.reverse();
    y.reverse();
    let len = x.len().max(y.len());
    let digit = |d: &[u8], i: usize| d.get(i).map_or(0, |d| d - b'0');
    let out: Vec<u8> = (0..len).rev().map(|i| b'0' + f(digit(&x, i), digit(&y, i))).collect();
    or_no_memory(Coeff::from_digits(&out).map(|c| Num::finite(false, c, 0)), status)
}

/// Zeros become ones and ones zeros, in all digits of the precision.
pub(super) fn logical_invert(a: &Num, env: &Env, status: &mut u32) -> Num {
    if logical_digits(a, env).is_none() {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    // The number whose digits are all ones.
    let ones = match Coeff::nines(env.prec as u64) {
        Ok(c) => c.div_rem(&Coeff::small_of(9)).0,
        Err(NoMemory) => return Num::invalid(status, flag::NO_MEMORY),
    };
    Num::finite(false, ones.minus(&a.coeff.low_digits(env.prec as u64)), 0)
}

/// The operands of shifts: a number, and how far.
fn shift_by(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Result<i64, Num> {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return Err(n);
    }
    let by = if b.exp == 0 { b.to_i64() } else { None };
    match by.filter(|n| n.unsigned_abs() <= env.prec as u64) {
        Some(_) if a.is_infinite() => Err(a.clone()),
        Some(n) => Ok(n),
        None => Err(Num::invalid(status, flag::INVALID_OPERATION)),
    }
}

/// The last digits of the precision, moved left (or right by a negative number); what leaves is lost.
pub(super) fn shift(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    let by = match shift_by(a, b, env, status) {
        Ok(n) => n,
        Err(n) => return n,
    };
    let c = a.coeff.low_digits(env.prec as u64);
    let c = match by {
        0.. => c.low_digits((env.prec - by) as u64).shift_left(by as u64),
        _ => Ok(c.shift_right(by.unsigned_abs()).0),
    };
    or_no_memory(c.map(|c| Num::finite(a.neg, c, a.exp)), status)
}

/// The last digits of the precision, moved round.
pub(super) fn rotate(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    let by = match shift_by(a, b, env, status) {
        Ok(n) => n,
        Err(n) => return n,
    };
    let by = if by < 0 { by + env.prec } else { by } as u64;
    let c = a.coeff.low_digits(env.prec as u64);
    let stay = env.prec as u64 - by;
    let high = c.shift_right(stay).0;
    let low = if stay == 0 { Coeff::ZERO } else { c.low_digits(stay) };
    let c = low.shift_left(by).map(|l| l.plus(&high));
    or_no_memory(c.map(|c| Num::finite(a.neg, c, a.exp)), status)
}
