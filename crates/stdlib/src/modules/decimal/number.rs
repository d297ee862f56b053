//! [`Num`]: a decimal number as plain data.

use std::cmp::Ordering;

use super::coeff::Coeff;

/// Conditions that an operation signals, as bits.
pub(super) mod flag {
    pub(in super::super) const CLAMPED: u32 = 1;
    pub(in super::super) const CONVERSION_SYNTAX: u32 = 1 << 1;
    pub(in super::super) const DIVISION_BY_ZERO: u32 = 1 << 2;
    pub(in super::super) const DIVISION_IMPOSSIBLE: u32 = 1 << 3;
    pub(in super::super) const DIVISION_UNDEFINED: u32 = 1 << 4;
    pub(in super::super) const INEXACT: u32 = 1 << 6;
    pub(in super::super) const INVALID_CONTEXT: u32 = 1 << 7;
    pub(in super::super) const INVALID_OPERATION: u32 = 1 << 8;
    /// Not a condition of the specification: there was no memory.
    pub(in super::super) const NO_MEMORY: u32 = 1 << 9;
    pub(in super::super) const FLOAT_OPERATION: u32 = 1 << 10;
    pub(in super::super) const OVERFLOW: u32 = 1 << 11;
    pub(in super::super) const ROUNDED: u32 = 1 << 12;
    pub(in super::super) const SUBNORMAL: u32 = 1 << 13;
    pub(in super::super) const UNDERFLOW: u32 = 1 << 14;
    /// All that the exception InvalidOperation stands for.
    pub(in super::super) const INVALID: u32 =
        CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT | INVALID_OPERATION | NO_MEMORY;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Finite,
    Infinite,
    Nan,
    SignalingNan,
}

/// A number: `(-1)^neg * coeff * 10^exp`, an infinity, or a NaN whose diagnostic digits are the coefficient.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Num {
    pub(super) coeff: Coeff,
    pub(super) exp: i64,
    pub(super) kind: Kind,
    pub(super) neg: bool,
}

impl Num {
    #[inline]
    pub(super) fn finite(neg: bool, coeff: Coeff, exp: i64) -> Num {
        Num { coeff, exp, kind: Kind::Finite, neg }
    }

    pub(super) fn zero(neg: bool, exp: i64) -> Num {
        Num::finite(neg, Coeff::ZERO, exp)
    }

    pub(super) fn small(n: i64) -> Num {
        Num::finite(n < 0, Coeff::small_of(n.unsigned_abs().into()), 0)
    }

    pub(super) fn one() -> Num {
        Num::small(1)
    }

    pub(super) fn infinity(neg: bool) -> Num {
        Num { coeff: Coeff::ZERO, exp: 0, kind: Kind::Infinite, neg }
    }

    pub(super) fn nan() -> Num {
        Num { coeff: Coeff::ZERO, exp: 0, kind: Kind::Nan, neg: false }
    }

    /// The NaN of an operation that signals a condition.
    pub(super) fn invalid(status: &mut u32, condition: u32) -> Num {
        *status |= condition;
        Num::nan()
    }

    #[inline(always)]
    pub(super) fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }

    pub(super) fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    pub(super) fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Nan | Kind::SignalingNan)
    }

    pub(super) fn is_signaling(&self) -> bool {
        self.kind == Kind::SignalingNan
    }

    #[inline]
    pub(super) fn is_zero(&self) -> bool {
        self.is_finite() && self.coeff.is_zero()
    }

    pub(super) fn digits(&self) -> i64 {
        self.coeff.digits() as i64
    }

    /// The exponent of the first digit.
    pub(super) fn adjusted(&self) -> i64 {
        self.exp + self.digits() - 1
    }

    pub(super) fn abs(&self) -> Num {
        self.with_sign(false)
    }

    pub(super) fn with_sign(&self, neg: bool) -> Num {
        Num { neg, ..self.clone() }
    }

    pub(super) fn negated(&self) -> Num {
        self.with_sign(!self.neg)
    }

    /// Whether the number is an integer.
    pub(super) fn is_integer(&self) -> bool {
        self.is_finite()
            && (self.exp >= 0 || self.coeff.is_zero() || self.coeff.trailing_zeros() >= self.exp.unsigned_abs())
    }

    /// Whether an integer is odd.
    pub(super) fn is_odd(&self) -> bool {
        match self.exp {
            0 => self.coeff.is_odd(),
            1.. => false,
            e => self.coeff.shift_right(e.unsigned_abs()).0.is_odd(),
        }
    }

    /// The integer, if it fits.
    pub(super) fn to_i64(&self) -> Option<i64> {
        if !self.is_integer() {
            return None;
        }
        let c = match self.exp {
            0.. => {
                if self.coeff.is_zero() {
                    return Some(0);
                }
                (self.exp <= 18).then(|| self.coeff.shift_left(self.exp as u64).ok()).flatten()?
            }
            e => self.coeff.shift_right(e.unsigned_abs()).0,
        };
        let n = i64::try_from(c.small()?).ok()?;
        Some(if self.neg { -n } else { n })
    }
}

/// Magnitudes of finite numbers.
pub(super) fn compare_magnitudes(a: &Num, b: &Num) -> Ordering {
    match (a.coeff.is_zero(), b.coeff.is_zero()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    if a.exp == b.exp {
        return a.coeff.compare(&b.coeff);
    }
    let by_size = a.adjusted().cmp(&b.adjusted());
    if by_size != Ordering::Equal {
        return by_size;
    }
    // The first digits stand at the same place: the exponents differ by less than the longer one's length.
    let scaled = |n: &Num, e: i64| n.coeff.shift_left((n.exp - e) as u64);
    let e = a.exp.min(b.exp);
    match (scaled(a, e), scaled(b, e)) {
        (Ok(a), Ok(b)) => a.compare(&b),
        _ => Ordering::Equal,
    }
}

/// Numerical order of numbers that are no NaN.
pub(super) fn compare(a: &Num, b: &Num) -> Ordering {
    let sign = |n: &Num| -> i32 {
        match (n.is_zero(), n.neg) {
            (true, _) => 0,
            (_, true) => -1,
            _ => 1,
        }
    };
    let (s, t) = (sign(a), sign(b));
    if s != t {
        return s.cmp(&t);
    }
    let order = match (a.is_infinite(), b.is_infinite()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => compare_magnitudes(a, b),
    };
    if s < 0 { order.reverse() } else { order }
}

/// The total order of the specification, in which representations of one value differ and NaNs have places.
pub(super) fn compare_total(a: &Num, b: &Num) -> Ordering {
    if a.neg != b.neg {
        return b.neg.cmp(&a.neg);
    }
    let order = total_magnitude(a, b);
    if a.neg { order.reverse() } else { order }
}

/// [`compare_total`] of the absolute values.
pub(super) fn total_magnitude(a: &Num, b: &Num) -> Ordering {
    let rank = |n: &Num| match n.kind {
        Kind::Finite => 0,
        Kind::Infinite => 1,
        Kind::SignalingNan => 2,
        Kind::Nan => 3,
    };
    let order = rank(a).cmp(&rank(b));
    if order != Ordering::Equal {
        return order;
    }
    match a.kind {
        Kind::Finite => compare_magnitudes(a, b).then(a.exp.cmp(&b.exp)),
        Kind::Infinite => Ordering::Equal,
        _ => a.coeff.compare(&b.coeff),
    }
}
