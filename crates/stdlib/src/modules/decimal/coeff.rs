//! Coefficients: decimal digits without sign, up to 38 of them in place.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigUint;

use super::wide::{self, POW10, Wide};

/// The most digits of a coefficient; beyond that there is no memory.
pub(super) const MAX_DIGITS: u64 = 1 << 28;

/// Why an operation gave up: its result or an intermediate one is too large for memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMemory;

/// A coefficient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Coeff {
    /// A number below 10^38, low half first.
    Small([u64; 2]),
    /// Any other.
    Big(Box<BigUint>),
}

/// What was cut off, compared with half a unit of the last digit that is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    Zero,
    BelowHalf,
    Half,
    AboveHalf,
}

impl Rest {
    /// Of a remainder.
    fn of(zero: bool, against_half: Ordering) -> Rest {
        match against_half {
            _ if zero => Rest::Zero,
            Ordering::Less => Rest::BelowHalf,
            Ordering::Equal => Rest::Half,
            Ordering::Greater => Rest::AboveHalf,
        }
    }

    /// Of a remainder of a division by a power of ten.
    #[inline]
    pub(super) fn of_small(r: u128, unit: u128) -> Rest {
        Rest::of(r == 0, r.cmp(&(unit / 2)))
    }
}

/// The logarithm of 2 to base 10.
const LOG2: f64 = std::f64::consts::LOG10_2;

/// `10^n`.
pub(super) fn pow10(n: u64) -> Result<BigUint, NoMemory> {
    if let Some(p) = POW10.get(n as usize) {
        return Ok(BigUint::from(*p));
    }
    if n > MAX_DIGITS {
        return Err(NoMemory);
    }
    thread_local! {
        /// The last power asked for: computations of one precision ask for the same ones again.
        static LAST: std::cell::RefCell<(u64, BigUint)> = const { std::cell::RefCell::new((0, BigUint::ZERO)) };
    }
    LAST.with_borrow_mut(|last| {
        if last.0 != n {
            *last = (n, BigUint::from(5u32).pow(n as u32) << n);
        }
        Ok(last.1.clone())
    })
}

/// The number of decimal digits of a large number.
fn big_digits(n: &BigUint) -> u64 {
    let bits = n.bits();
    if bits <= 128 {
        return wide::digits(to_u128(n)).into();
    }
    // The logarithm of the leading 64 bits decides, unless it is too near to an integer to tell.
    let shift = bits - 64;
    let top = (n >> shift).iter_u64_digits().next().unwrap_or(0);
    let log = (top as f64).log10() + shift as f64 * LOG2;
    let low = log.floor();
    let slack = 1e-9 + log * 1e-14;
    if log - low > slack && log - low < 1.0 - slack {
        return low as u64 + 1;
    }
    let near = log.round() as u64;
    match pow10(near) {
        Ok(p) if *n >= p => near + 1,
        _ => near,
    }
}

fn to_u128(n: &BigUint) -> u128 {
    let mut d = n.iter_u64_digits();
    let lo = d.next().unwrap_or(0);
    u128::from(d.next().unwrap_or(0)) << 64 | u128::from(lo)
}

impl Coeff {
    pub(super) const ZERO: Coeff = Coeff::Small([0, 0]);
    pub(super) const ONE: Coeff = Coeff::Small([1, 0]);

    /// A coefficient known to be below 10^38.
    #[inline(always)]
    pub(super) fn small_of(n: u128) -> Coeff {
        debug_assert!(n < POW10[38]);
        Coeff::Small([n as u64, (n >> 64) as u64])
    }

    #[inline]
    pub(super) fn of(n: u128) -> Coeff {
        if n < POW10[38] { Coeff::small_of(n) } else { Coeff::Big(Box::new(BigUint::from(n))) }
    }

    pub(super) fn of_big(n: BigUint) -> Coeff {
        if n.bits() <= 127 {
            return Coeff::of(to_u128(&n));
        }
        Coeff::Big(Box::new(n))
    }

    pub(super) fn of_wide(n: Wide) -> Coeff {
        if n.hi == 0 {
            return Coeff::of(n.lo);
        }
        Coeff::Big(Box::new((BigUint::from(n.hi) << 128u32) | BigUint::from(n.lo)))
    }

    /// `10^n - 1`.
    pub(super) fn nines(n: u64) -> Result<Coeff, NoMemory> {
        match POW10.get(n as usize) {
            Some(p) => Ok(Coeff::small_of(*p - 1)),
            None => Ok(Coeff::of_big(pow10(n)? - 1u32)),
        }
    }

    /// `10^n`.
    pub(super) fn power(n: u64) -> Result<Coeff, NoMemory> {
        Coeff::ONE.shift_left(n)
    }

    /// The number, if it is small.
    #[inline(always)]
    pub(super) fn small(&self) -> Option<u128> {
        match self {
            Coeff::Small([lo, hi]) => Some(u128::from(*hi) << 64 | u128::from(*lo)),
            Coeff::Big(_) => None,
        }
    }

    pub(super) fn big(&self) -> Cow<'_, BigUint> {
        match self {
            Coeff::Big(b) => Cow::Borrowed(b),
            Coeff::Small([lo, hi]) => Cow::Owned(BigUint::from(u128::from(*hi) << 64 | u128::from(*lo))),
        }
    }

    #[inline(always)]
    pub(super) fn is_zero(&self) -> bool {
        matches!(self, Coeff::Small([0, 0]))
    }

    /// The number of digits; zero has one.
    #[inline]
    pub(super) fn digits(&self) -> u64 {
        match self {
            Coeff::Small([lo, hi]) => wide::digits(u128::from(*hi) << 64 | u128::from(*lo)).into(),
            Coeff::Big(b) => big_digits(b),
        }
    }

    /// The last digit.
    pub(super) fn last_digit(&self) -> u8 {
        match self {
            Coeff::Small([lo, hi]) => ((u128::from(*hi) << 64 | u128::from(*lo)) % 10) as u8,
            Coeff::Big(b) => (&**b % 10u32).iter_u32_digits().next().unwrap_or(0) as u8,
        }
    }

    pub(super) fn plus_one(&self) -> Coeff {
        match self.small() {
            Some(n) => Coeff::of(n + 1),
            None => Coeff::of_big(&*self.big() + 1u32),
        }
    }

    /// Times `10^n`.
    pub(super) fn shift_left(&self, n: u64) -> Result<Coeff, NoMemory> {
        if n == 0 || self.is_zero() {
            return Ok(self.clone());
        }
        if let Some(c) = self.small()
            && n <= 38
        {
            return Ok(Coeff::of_wide(Wide::product(c, POW10[n as usize])));
        }
        if n > MAX_DIGITS || self.digits() + n > MAX_DIGITS {
            return Err(NoMemory);
        }
        Ok(Coeff::of_big(&*self.big() * pow10(n)?))
    }

    /// Divided by `10^n`, and what is cut off.
    pub(super) fn shift_right(&self, n: u64) -> (Coeff, Rest) {
        if n == 0 {
            return (self.clone(), Rest::Zero);
        }
        if let Some(c) = self.small() {
            let Some(unit) = POW10.get(n as usize) else { return (Coeff::ZERO, Rest::of(c == 0, Ordering::Less)) };
            let (q, r) = wide::div_rem(c, *unit);
            return (Coeff::small_of(q), Rest::of_small(r, *unit));
        }
        if n > self.digits() {
            return (Coeff::ZERO, Rest::BelowHalf);
        }
        // At most as large as the number itself, so there is memory for it.
        let Ok(unit) = pow10(n) else { return (Coeff::ZERO, Rest::BelowHalf) };
        let b = self.big();
        let q = &*b / &unit;
        let r = &*b - &q * &unit;
        let rest = Rest::of(r.bits() == 0, (r << 1u32).cmp(&unit));
        (Coeff::of_big(q), rest)
    }

    /// The last `n` digits.
    pub(super) fn low_digits(&self, n: u64) -> Coeff {
        if self.digits() <= n {
            return self.clone();
        }
        match (self.small(), pow10(n)) {
            (Some(c), _) => POW10.get(n as usize).map_or_else(|| self.clone(), |p| Coeff::small_of(c % p)),
            (None, Ok(p)) => Coeff::of_big(&*self.big() % p),
            (None, Err(_)) => self.clone(),
        }
    }

    /// The number of zeros at the end; none for zero.
    pub(super) fn trailing_zeros(&self) -> u64 {
        let mut n = 0;
        let mut c = self.clone();
        if c.is_zero() {
            return 0;
        }
        if let Coeff::Big(b) = &c {
            // A power of ten that divides the number also divides it as a power of two.
            let most = b.trailing_zeros().unwrap_or(0);
            let mut step = 1u64;
            while step * 2 <= most {
                step *= 2;
            }
            while step > 0 && matches!(c, Coeff::Big(_)) {
                let (q, rest) = c.shift_right(step);
                if rest == Rest::Zero {
                    c = q;
                    n += step;
                } else {
                    step /= 2;
                }
            }
        }
        if let Some(mut c) = c.small() {
            for step in [16u32, 8, 4, 2, 1, 1] {
                let (q, r) = wide::div_rem(c, POW10[step as usize]);
                if r == 0 {
                    c = q;
                    n += u64::from(step);
                }
            }
            while c % 10 == 0 {
                c /= 10;
                n += 1;
            }
        }
        n
    }

    pub(super) fn plus(&self, o: &Coeff) -> Coeff {
        match (self.small(), o.small()) {
            (Some(a), Some(b)) => Coeff::of(a + b),
            _ => Coeff::of_big(&*self.big() + &*o.big()),
        }
    }

    /// The difference to a coefficient that is not greater.
    pub(super) fn minus(&self, o: &Coeff) -> Coeff {
        match (self.small(), o.small()) {
            (Some(a), Some(b)) => Coeff::of(a - b),
            _ => Coeff::of_big(&*self.big() - &*o.big()),
        }
    }

    pub(super) fn times(&self, o: &Coeff) -> Result<Coeff, NoMemory> {
        if let (Some(a), Some(b)) = (self.small(), o.small()) {
            return Ok(Coeff::of_wide(Wide::product(a, b)));
        }
        if self.digits() + o.digits() > MAX_DIGITS {
            return Err(NoMemory);
        }
        Ok(Coeff::of_big(&*self.big() * &*o.big()))
    }

    /// Quotient and remainder of a division by a coefficient that is not zero.
    pub(super) fn div_rem(&self, o: &Coeff) -> (Coeff, Coeff) {
        match (self.small(), o.small()) {
            (Some(a), Some(b)) => {
                let (q, r) = wide::div_rem(a, b);
                (Coeff::of(q), Coeff::of(r))
            }
            _ => {
                let (a, b) = (self.big(), o.big());
                let q = &*a / &*b;
                let r = &*a - &q * &*b;
                (Coeff::of_big(q), Coeff::of_big(r))
            }
        }
    }

    pub(super) fn is_odd(&self) -> bool {
        match self {
            Coeff::Small([lo, _]) => lo & 1 == 1,
            Coeff::Big(b) => b.bit(0),
        }
    }

    pub(super) fn compare(&self, o: &Coeff) -> Ordering {
        match (self, o) {
            (Coeff::Small([a0, a1]), Coeff::Small([b0, b1])) => (a1, a0).cmp(&(b1, b0)),
            _ => self.big().cmp(&o.big()),
        }
    }

    /// The value of decimal digits, `0` to `9` each.
    pub(super) fn from_digits(digits: &[u8]) -> Result<Coeff, NoMemory> {
        if digits.len() as u64 > MAX_DIGITS {
            return Err(NoMemory);
        }
        let small = |d: &[u8]| d.iter().fold(0u128, |n, d| n * 10 + u128::from(d - b'0'));
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        let digits = &digits[zeros..];
        if digits.len() <= 19 {
            return Ok(Coeff::small_of(digits.iter().fold(0u64, |n, d| n * 10 + u64::from(d - b'0')).into()));
        }
        if digits.len() <= 38 {
            return Ok(Coeff::small_of(small(digits)));
        }
        Ok(Coeff::of_big(parse_big(digits)?))
    }

    /// The digits as text, at the end of `out`.
    pub(super) fn push_digits(&self, out: &mut Vec<u8>) {
        match self.small() {
            Some(n) => push_small(out, n, 0),
            None => push_big(out, &self.big(), self.digits() as usize),
        }
    }
}

/// Digits of a number below 10^38, at least `width` of them.
fn push_small(out: &mut Vec<u8>, mut n: u128, width: usize) {
    let mut buf = [b'0'; 40];
    let mut at = buf.len();
    while n >> 64 != 0 {
        let (q, mut r) = (n / POW10[18], (n % POW10[18]) as u64);
        n = q;
        for _ in 0..18 {
            at -= 1;
            buf[at] = b'0' + (r % 10) as u8;
            r /= 10;
        }
    }
    let mut n = n as u64;
    loop {
        at -= 1;
        buf[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    let at = at.min(buf.len() - width.min(buf.len()));
    out.extend_from_slice(&buf[at..]);
}

/// Exactly `len` digits of a number; halves of it are written separately.
fn push_big(out: &mut Vec<u8>, n: &BigUint, len: usize) {
    if len <= 38 {
        return push_small(out, to_u128(n), len);
    }
    if len <= 400 {
        let text = n.to_string();
        out.extend(std::iter::repeat_n(b'0', len - text.len()));
        return out.extend_from_slice(text.as_bytes());
    }
    let low = len / 2;
    let Ok(unit) = pow10(low as u64) else { return };
    let q = n / &unit;
    let r = n - &q * &unit;
    push_big(out, &q, len - low);
    push_big(out, &r, low);
}

fn parse_big(digits: &[u8]) -> Result<BigUint, NoMemory> {
    if digits.len() <= 38 {
        return Ok(BigUint::from(digits.iter().fold(0u128, |n, d| n * 10 + u128::from(d - b'0'))));
    }
    let (high, low) = digits.split_at(digits.len() / 2);
    Ok(parse_big(high)? * pow10(low.len() as u64)? + parse_big(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for n in [1usize, 5, 19, 20, 38, 39, 77, 400, 401, 1000] {
            let text: Vec<u8> = (0..n).map(|i| b'1' + (i * 7 % 9) as u8).collect();
            let c = Coeff::from_digits(&text).unwrap_or(Coeff::ZERO);
            assert_eq!(c.digits(), n as u64);
            let mut out = Vec::new();
            c.push_digits(&mut out);
            assert_eq!(out, text);
            let shifted = c.shift_left(50).unwrap_or(Coeff::ZERO);
            assert_eq!(shifted.trailing_zeros(), 50 + c.trailing_zeros());
            assert_eq!(shifted.shift_right(50), (c.clone(), Rest::Zero));
            assert_eq!(c.shift_left(1).map(|c| c.plus_one().shift_right(1)), Ok((c, Rest::BelowHalf)));
        }
    }

    #[test]
    fn powers_of_ten_have_one_digit_more_than_their_predecessors() {
        for n in [1u64, 37, 38, 39, 76, 77, 1000, 4567] {
            let (p, m) = (Coeff::power(n).unwrap_or(Coeff::ZERO), Coeff::nines(n).unwrap_or(Coeff::ZERO));
            assert_eq!((p.digits(), m.digits()), (n + 1, n));
            assert_eq!(m.plus_one(), p);
        }
    }
}
