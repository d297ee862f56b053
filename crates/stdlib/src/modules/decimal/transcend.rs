//! Roots, exponentials, logarithms and powers, all rounded correctly.
//!
//! Transcendental values are computed in binary fixed point with a bound of the error, first a few digits beyond the
//! precision, then more, until the digits that are cut off tell on which side of a rounding boundary the value lies.

use std::cell::RefCell;
use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

use super::arith::{divide, multiply, or_no_memory};
use super::coeff::{Coeff, MAX_DIGITS, NoMemory, pow10};
use super::number::{Num, compare_magnitudes, flag};
use super::round::{Env, Rounding, nan_of};

/// Bits of a decimal digit, rounded up.
fn bits_of(digits: i64) -> Result<u64, NoMemory> {
    if digits as u64 > MAX_DIGITS / 8 {
        return Err(NoMemory);
    }
    Ok((digits as f64 * 3.321_928_094_887_363) as u64 + 2)
}

/// Logarithms of 2 and 10 in fixed point with `bits` bits after the point, each less than one unit too small.
fn constants(bits: u64) -> (BigUint, BigUint) {
    thread_local! {
        static KNOWN: RefCell<(u64, BigUint, BigUint)> = const { RefCell::new((0, BigUint::ZERO, BigUint::ZERO)) };
    }
    KNOWN.with_borrow_mut(|known| {
        if known.0 < bits {
            let at = bits + bits / 4 + 64;
            let w = at + 20;
            let (a, b, c) = (arctanh_inverse(31, w), arctanh_inverse(49, w), arctanh_inverse(161, w));
            let of = |x: u32, y: u32, z: u32| (&a * x + &b * y + &c * z) >> 20u32;
            *known = (at, of(14, 10, 6), of(46, 34, 20));
        }
        let cut = known.0 - bits;
        (&known.1 >> cut, &known.2 >> cut)
    })
}

/// The inverse hyperbolic tangent of `1/n`.
fn arctanh_inverse(n: u32, bits: u64) -> BigUint {
    let mut power = (BigUint::from(1u32) << bits) / n;
    let mut sum = power.clone();
    let mut k = 3u32;
    loop {
        power /= n * n;
        if power.bits() == 0 {
            return sum;
        }
        sum += &power / k;
        k += 2;
    }
}

/// `e^x * 2^bits` of `0 <= x < 4`, where `x` is in the same scale: the argument is halved, and the series' value squared
/// as often.
fn exp_fixed(x: &BigUint, bits: u64) -> BigUint {
    let halvings = 2 + (bits as f64).sqrt() as u64 / 2;
    // Each squaring doubles the error.
    let w = bits + 2 * halvings + 16;
    let x = x << (w - bits) >> halvings;
    let one = BigUint::from(1u32) << w;
    let (mut sum, mut term) = (&one + &x, x.clone());
    let mut k = 2u32;
    loop {
        term = (term * &x >> w) / k;
        if term.bits() == 0 {
            break;
        }
        sum += &term;
        k += 1;
    }
    for _ in 0..halvings {
        sum = &sum * &sum >> w;
    }
    sum >> (w - bits)
}

/// A number times `2^bits`, cut off towards zero.
fn to_fixed(c: &BigUint, exp: i64, bits: u64) -> Result<BigUint, NoMemory> {
    if exp >= 0 { Ok(c * pow10(exp as u64)? << bits) } else { Ok((c << bits) / pow10(exp.unsigned_abs())?) }
}

/// Digits `c` and exponent `e` such that `e^x` lies within a few units of `c * 10^e`, `c` having at least `digits`
/// digits. `x` is given with at least `bits` bits after the point, cut off, and is not too large.
fn exp_digits(x: &BigInt, bits: u64, digits: i64) -> Result<(BigUint, i64), NoMemory> {
    let (_, ln10) = constants(bits);
    let ln10 = BigInt::from(ln10);
    let mut k = x / &ln10;
    let mut r = x - &k * &ln10;
    if r.sign() == Sign::Minus {
        r += &ln10;
        k -= 1;
    }
    let k = i64::try_from(&k).map_err(|_| NoMemory)?;
    let e = exp_fixed(r.magnitude(), bits);
    Ok((e * pow10(digits as u64)? >> bits, k - digits))
}

/// `ln(c * 10^exp) * 2^bits`, a few units off: Newton's method on the exponential, from an estimate in floating point.
fn ln_fixed(c: &BigUint, exp: i64, bits: u64) -> Result<BigInt, NoMemory> {
    // c = m * 2^k with m near 1; ln = ln m + k ln 2 + exp ln 10.
    let k = c.bits() as i64;
    let w = bits + 80;
    let m = if k as u64 <= w { c << (w - k as u64) } else { c >> (k as u64 - w) };
    let top = if m.bits() > 64 { &m >> (m.bits() - 64) } else { m.clone() };
    let start = top.iter_u64_digits().next().unwrap_or(0) as f64 / 18_446_744_073_709_551_616.0;
    // m is in [1/2, 1): the logarithm is negative, at least -0.7.
    let mut y = BigUint::from((-start.ln() * 9_007_199_254_740_992.0).max(0.0) as u64);
    let mut have = 53u64;
    let mut right = 48u64;
    loop {
        // One step triples the digits that are right: y' = y + 2 (m - e^y) / (m + e^y).
        let next = (right * 3 - 8).min(w);
        y = if next > have { y << (next - have) } else { y >> (have - next) };
        have = next;
        let at = have;
        let mm = BigInt::from(&m >> (w - at));
        // e^-y is the inverse of e^y.
        let e = BigInt::from((BigUint::from(1u32) << (2 * at)) / exp_fixed(&y, at));
        let step = ((&mm - &e) << (at + 1)) / (&mm + &e);
        let better = BigInt::from(y) - step;
        y = if better.sign() == Sign::Minus { BigUint::ZERO } else { better.into_parts().1 };
        if have == w {
            break;
        }
        right = have - 6;
    }
    let (ln2, ln10) = constants(w + 64);
    let sum = BigInt::from(ln2) * k + BigInt::from(ln10) * exp;
    let r: BigInt = (sum >> 64u32) - BigInt::from(y);
    Ok(r >> 80u32)
}

/// How many units the digits of a computed value may be off.
const SLACK: u32 = 32;

/// Whether digits that are right within [`SLACK`] tell how the value rounds to `prec` digits.
fn decides(c: &BigUint, prec: i64) -> Result<bool, NoMemory> {
    let extra = Coeff::of_big(c.clone()).digits() as i64 - prec;
    if extra < 3 {
        return Ok(false);
    }
    let unit = pow10(extra as u64 - 1)? * 5u32;
    let r = c % &unit;
    Ok(r > BigUint::from(SLACK) && r < unit - SLACK)
}

/// The context with which functions of one number round: half to even, whatever the context says.
fn half_even(env: &Env) -> Env {
    Env { rounding: Rounding::HalfEven, ..*env }
}

fn finish(neg: bool, c: BigUint, exp: i64, env: &Env, status: &mut u32) -> Num {
    env.round(Num::finite(neg, Coeff::of_big(c), exp), status)
}

/// `n` as if it were only nearly exact: filled with zeros up to the precision.
fn padded(n: Num, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    let pad = (env.prec - n.digits()).max(0);
    let n = Num::finite(n.neg, n.coeff.shift_left(pad as u64)?, n.exp - pad);
    let mut own = flag::INEXACT | flag::ROUNDED;
    let n = env.round(n, &mut own);
    if own & flag::SUBNORMAL != 0 {
        own |= flag::UNDERFLOW;
    }
    *status |= own;
    Ok(n)
}

/// A number so near to one that only rounding shows on which side it lies.
fn near_one(neg: bool, below: bool, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    let c = if below { Coeff::nines(env.prec as u64 + 2)? } else { Coeff::power(env.prec as u64 + 2)?.plus_one() };
    Ok(env.round(Num::finite(neg, c, -(env.prec + 2)), status))
}

pub(super) fn exp(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    if a.is_infinite() {
        return if a.neg { Num::zero(false, 0) } else { a.clone() };
    }
    if a.coeff.is_zero() {
        return Num::one();
    }
    or_no_memory(try_exp(a, &half_even(env), status), status)
}

/// A number certain to overflow, or to underflow to zero.
fn beyond(underflow: bool, neg: bool, env: &Env, status: &mut u32) -> Num {
    let e = if underflow { env.etiny() - 2 } else { env.emax + 1 };
    env.round(Num::finite(neg, Coeff::ONE, e), status)
}

fn try_exp(a: &Num, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    if a.adjusted() < -env.prec - 1 {
        // Too near to one to show.
        return padded(Num::one(), env, status);
    }
    // The result has at most emax digits, so the exponent is less than 2.31 times as much.
    let edge = Num::small(env.emax.max(-env.etiny()).saturating_add(2).saturating_mul(3));
    if compare_magnitudes(a, &edge) == Ordering::Greater {
        return Ok(beyond(a.neg, false, env, status));
    }
    let mut extra = 4;
    loop {
        let digits = env.prec + extra;
        // The integer part costs as many digits again.
        let bits = bits_of(digits + a.adjusted().max(0) + 3)?;
        let x = BigInt::from_biguint(sign(a.neg), to_fixed(&a.coeff.big(), a.exp, bits)?);
        let (c, e) = exp_digits(&x, bits, digits)?;
        if decides(&c, env.prec)? {
            return Ok(finish(false, c, e, env, status));
        }
        extra *= 2;
    }
}

fn sign(neg: bool) -> Sign {
    if neg { Sign::Minus } else { Sign::Plus }
}

/// What logarithms share: NaNs, infinities, zero, negative numbers.
fn logarithm_special(a: &Num, env: &Env, status: &mut u32) -> Option<Num> {
    if let Some(n) = nan_of(&[a], env, status) {
        return Some(n);
    }
    if a.is_zero() {
        return Some(Num::infinity(true));
    }
    if a.neg {
        return Some(Num::invalid(status, flag::INVALID_OPERATION));
    }
    a.is_infinite().then(|| Num::infinity(false))
}

pub(super) fn ln(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = logarithm_special(a, env, status) {
        return n;
    }
    if compare_magnitudes(a, &Num::one()) == Ordering::Equal {
        return Num::zero(false, 0);
    }
    or_no_memory(logarithm(a, &half_even(env), status, false), status)
}

pub(super) fn log10(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = logarithm_special(a, env, status) {
        return n;
    }
    if a.coeff.trailing_zeros() + 1 == a.coeff.digits() && a.coeff.shift_right(a.coeff.digits() - 1).0 == Coeff::ONE {
        // A power of ten: exact, if it fits.
        return half_even(env).round(Num::small(a.adjusted()), status);
    }
    or_no_memory(logarithm(a, &half_even(env), status, true), status)
}

fn logarithm(a: &Num, env: &Env, status: &mut u32, common: bool) -> Result<Num, NoMemory> {
    // Digits after the point: fewer where the value is large; more where it is near zero, which only shows later.
    let large = a.adjusted().unsigned_abs().max(1).ilog10() as i64;
    let mut extra = 4 - large.min(3);
    loop {
        let digits = env.prec + extra;
        let bits = bits_of(digits + 2)?;
        let mut y = ln_fixed(&a.coeff.big(), a.exp, bits + 8)?;
        if common {
            let (_, ln10) = constants(bits + 72);
            y = (y << (bits + 72)) / BigInt::from(ln10);
        }
        let c = y.magnitude() * pow10(digits as u64)? >> (bits + 8);
        if c > BigUint::from(SLACK) && decides(&c, env.prec)? {
            return Ok(finish(y.sign() == Sign::Minus, c, -digits, env, status));
        }
        // Short results lack digits at the front.
        let lacks = env.prec + 4 - Coeff::of_big(c).digits() as i64;
        extra = (extra * 2).max(extra + lacks.max(4));
    }
}

pub(super) fn sqrt(a: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a], env, status) {
        return n;
    }
    let ideal = a.exp.div_euclid(2);
    if a.is_zero() {
        return env.round(Num::zero(a.neg, ideal), status);
    }
    if a.neg {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if a.is_infinite() {
        return Num::infinity(false);
    }
    or_no_memory(try_sqrt(a, ideal, &half_even(env), status), status)
}

fn try_sqrt(a: &Num, ideal: i64, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    // An even exponent, and so many digits that the root has one more than the precision.
    let odd = a.exp.rem_euclid(2);
    let len = a.digits() + odd;
    let mut pairs = (env.prec + 1) - (len + 1) / 2;
    if pairs > 1 << 16 {
        // In wide contexts most roots that are wanted are exact without any more digits.
        let c = a.coeff.shift_left(odd as u64)?;
        let root = c.big().sqrt();
        if &root * &root == *c.big() {
            pairs = 0;
        }
    }
    let mut exp = ideal - pairs;
    let (c, lost) = if pairs >= 0 {
        (a.coeff.shift_left((odd + 2 * pairs) as u64)?, false)
    } else {
        let (c, rest) = a.coeff.shift_left(odd as u64)?.shift_right(2 * pairs.unsigned_abs());
        (c, rest != super::coeff::Rest::Zero)
    };
    let c = c.big();
    let mut root = c.sqrt();
    if !lost && &root * &root == *c {
        let mut r = Coeff::of_big(root);
        let zeros = (r.trailing_zeros() as i64).min((ideal - exp).max(0));
        r = r.shift_right(zeros as u64).0;
        exp += zeros;
        return Ok(env.round(Num::finite(false, r, exp), status));
    }
    if matches!(Coeff::of_big(root.clone()).last_digit(), 0 | 5) {
        root += 1u32;
    }
    Ok(env.round(Num::finite(false, Coeff::of_big(root), exp), status))
}

/// `a ** b`.
pub(super) fn power(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b], env, status) {
        return n;
    }
    let integer = b.is_integer();
    let neg = a.neg && integer && b.is_odd();
    if b.is_zero() {
        return if a.is_zero() { Num::invalid(status, flag::INVALID_OPERATION) } else { Num::one() };
    }
    if a.neg && !integer && !a.is_zero() {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    if a.is_zero() {
        return if b.neg { Num::infinity(neg) } else { Num::zero(neg, 0) };
    }
    if a.is_infinite() {
        return if b.neg { Num::zero(neg, 0) } else { Num::infinity(neg) };
    }
    or_no_memory(finite_power(a, b, neg, integer, env, status), status)
}

fn finite_power(a: &Num, b: &Num, neg: bool, integer: bool, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    let against_one = compare_magnitudes(a, &Num::one());
    if against_one == Ordering::Equal {
        return power_of_one(a, b, neg, integer, env, status);
    }
    if b.is_infinite() {
        if a.neg {
            return Ok(Num::invalid(status, flag::INVALID_OPERATION));
        }
        return Ok(if (against_one == Ordering::Greater) == b.neg {
            Num::zero(false, 0)
        } else {
            Num::infinity(false)
        });
    }
    if let Some(n) = bounded_power(a, b, neg, against_one, env, status) {
        return Ok(n);
    }
    if integer
        && let Some(n) = b.to_i64()
        && n.unsigned_abs() < 1 << 40
    {
        return integer_power(a, n, neg, env, status);
    }
    real_power(a, b, neg, env, status)
}

/// Powers of a number that equals one or minus one.
fn power_of_one(a: &Num, b: &Num, neg: bool, integer: bool, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    if b.is_infinite() && a.neg {
        return Ok(Num::invalid(status, flag::INVALID_OPERATION));
    }
    if !integer {
        let one = padded(Num::one(), env, status)?;
        return Ok(one);
    }
    // The exponent that exact powers have, as far as the precision shows it.
    let places =
        (-i128::from(a.exp)).max(0) * b.to_i64().map_or(i128::from(u32::MAX), |n| i128::from(n.unsigned_abs()));
    let places = if b.neg && a.exp < 0 { 0 } else { places };
    if places > i128::from(env.prec) - 1 {
        *status |= flag::ROUNDED;
    }
    let places = places.min(i128::from(env.prec) - 1) as u64;
    Ok(env.round(Num::finite(neg, Coeff::power(places)?, -(places as i64)), status))
}

/// The result where it is certain to overflow or to underflow to zero, by the size of the logarithms.
fn bounded_power(a: &Num, b: &Num, neg: bool, against_one: Ordering, env: &Env, status: &mut u32) -> Option<Num> {
    // |log10(a)| is at least 10^least.
    let adjusted = a.adjusted();
    let distance = if adjusted >= 0 { adjusted } else { -adjusted - 1 };
    let least = if distance > 0 {
        i64::from(distance.ilog10())
    } else {
        // 1 +- d: the logarithm is at least 0.43 d / (1 + d).
        let mut quiet = 0;
        let d = super::arith::subtract(&a.abs(), &Num::one(), &Env::working(10), &mut quiet);
        d.adjusted() - 2
    };
    if least + b.adjusted() < i64::from(env.emax.max(-env.etiny()).max(1).ilog10()) + 1 {
        return None;
    }
    let shrinks = (against_one == Ordering::Greater) == b.neg;
    Some(beyond(shrinks, neg, env, status))
}

/// An integer power by repeated squaring, exact where it fits.
fn integer_power(a: &Num, n: i64, neg: bool, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    let steps = i64::from(64 - n.unsigned_abs().leading_zeros());
    let mut extra = 4 + steps;
    loop {
        let mut inner = 0;
        let work = Env::working(env.prec + extra);
        let base = if n < 0 { divide(&Num::one(), &a.abs(), &work, &mut inner) } else { a.abs() };
        let mut r = base.clone();
        for i in (0..steps - 1).rev() {
            r = multiply(&r, &r, &work, &mut inner);
            if n.unsigned_abs() >> i & 1 == 1 {
                r = multiply(&r, &base, &work, &mut inner);
            }
            if !r.is_finite() || inner & flag::NO_MEMORY != 0 {
                break;
            }
        }
        if inner & flag::NO_MEMORY != 0 {
            return Err(NoMemory);
        }
        if inner & (flag::OVERFLOW | flag::UNDERFLOW) != 0 {
            return Ok(beyond(inner & flag::UNDERFLOW != 0, neg, env, status));
        }
        r.neg = neg;
        if inner & flag::INEXACT == 0 {
            return Ok(env.round(r, status));
        }
        // Every step of the squaring doubles the error, so its digits are lost from the end.
        let guard = (steps as u64 * 31 / 100 + 2).min(extra as u64 - 1);
        let c = r.coeff.shift_right((r.digits() as u64).saturating_sub((env.prec + extra) as u64 - guard)).0;
        if decides(&c.big(), env.prec)? {
            *status |= flag::INEXACT | flag::ROUNDED;
            let dropped = r.digits() - c.digits() as i64;
            return Ok(env.round(Num::finite(neg, c, r.exp + dropped), status));
        }
        extra *= 2;
    }
}

/// `e^(b ln a)`.
fn real_power(a: &Num, b: &Num, neg: bool, env: &Env, status: &mut u32) -> Result<Num, NoMemory> {
    // The logarithm of the base has at most so many digits before the point.
    let large = i64::from((a.adjusted().unsigned_abs() + 1).saturating_mul(3).ilog10()) + 1;
    let below = (compare_magnitudes(a, &Num::one()) == Ordering::Less) != b.neg;
    if b.adjusted() + large < -env.prec - 3 {
        return near_one(neg, below, env, status);
    }
    let mut extra = 4;
    loop {
        let digits = env.prec + extra;
        // Digits before the point of the product, and those that a small logarithm has fewer.
        let before = b.adjusted().max(0) + i64::from(a.adjusted().unsigned_abs().max(1).ilog10()) + 2;
        let bits = bits_of(digits + before + 4)?;
        let b_digits = b.coeff.big();
        let ln = ln_fixed(&a.coeff.big(), a.exp, bits + 16)?;
        let product = ln * BigInt::from_biguint(sign(b.neg), b_digits.into_owned());
        let x = if b.exp >= 0 {
            product * BigInt::from(pow10(b.exp as u64)?)
        } else {
            product / BigInt::from(pow10(b.exp.unsigned_abs())?)
        };
        let x: BigInt = x >> 16u32;
        if x.magnitude().bits() <= 8 {
            // Too near to zero to tell: the power is as near to one.
            return near_one(neg, below, env, status);
        }
        let (c, e) = exp_digits(&x, bits, digits)?;
        if decides(&c, env.prec)? {
            return Ok(finish(neg, c, e, env, status));
        }
        if extra > 32 && x.magnitude().bits() + 64 < bits {
            // The logarithm is small: the power is one but for digits far beyond the precision.
            if c.bits() > 0 && near_power_of_ten(&c, digits)? {
                return near_one(neg, below, env, status);
            }
        }
        if extra > 32 {
            // So many zeros (or nines) are no accident: a root that is exact, which counts as inexact all the same.
            let cut = Coeff::of_big(c + SLACK).shift_right((extra / 2) as u64).0;
            let zeros = cut.trailing_zeros() as i64;
            let exact = Num::finite(neg, cut.shift_right(zeros as u64).0, e + extra / 2 + zeros);
            return padded(exact, env, status);
        }
        extra *= 2;
    }
}

/// Whether digits are those of one, but for the last half of them.
fn near_power_of_ten(c: &BigUint, digits: i64) -> Result<bool, NoMemory> {
    let one = pow10(digits as u64)?;
    let off = if *c > one { c - one } else { one - c };
    Ok(Coeff::of_big(off).digits() as i64 <= digits / 2)
}

/// `a ** b % modulus` of integers.
pub(super) fn power_modulo(a: &Num, b: &Num, modulus: &Num, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = nan_of(&[a, b, modulus], env, status) {
        return n;
    }
    let usable = a.is_integer() && b.is_integer() && modulus.is_integer();
    if !usable
        || b.neg && !b.coeff.is_zero()
        || modulus.coeff.is_zero()
        || modulus.adjusted() >= env.prec
        || (a.coeff.is_zero() && b.coeff.is_zero())
    {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    let neg = a.neg && b.is_odd();
    let r = modular(a, b, modulus).map(|c| Num::finite(neg, Coeff::of_big(c), 0));
    or_no_memory(r, status)
}

fn modular(a: &Num, b: &Num, modulus: &Num) -> Result<BigUint, NoMemory> {
    let whole = |n: &Num| -> Result<BigUint, NoMemory> {
        Ok(match n.exp {
            0.. => n.coeff.shift_left(n.exp as u64)?.big().into_owned(),
            e => n.coeff.shift_right(e.unsigned_abs()).0.big().into_owned(),
        })
    };
    let m = whole(modulus)?;
    // The base may be far too large to write out; its remainder is not.
    let base = match a.exp {
        1.. => (&*a.coeff.big() % &m) * BigUint::from(10u32).modpow(&BigUint::from(a.exp as u64), &m) % &m,
        _ => whole(a)? % &m,
    };
    if b.exp > 1 << 12 {
        // base ** (c * 10^e), the tenth power e times.
        let mut r = base.modpow(&b.coeff.big(), &m);
        if b.exp > 1 << 24 {
            return Err(NoMemory);
        }
        for _ in 0..b.exp {
            r = r.modpow(&BigUint::from(10u32), &m);
        }
        return Ok(r);
    }
    Ok(base.modpow(&whole(b)?, &m))
}
