//! Rounding to a context: [`Env`] and the last step of every operation.

use super::coeff::{Coeff, NoMemory, Rest};
use super::number::{Kind, Num, flag};
use super::wide::{POW10, Wide};

/// The greatest precision and exponent.
pub(super) const MAX_PREC: i64 = 999_999_999_999_999_999;
pub(super) const MAX_EMAX: i64 = 999_999_999_999_999_999;
pub(super) const MIN_EMIN: i64 = -999_999_999_999_999_999;
pub(super) const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);

/// What happens to digits that are cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    /// Away from zero if the last digit would be 0 or 5.
    ZeroFiveUp,
}

impl Rounding {
    pub(super) const ALL: [(Rounding, &'static str); 8] = [
        (Rounding::Up, "ROUND_UP"),
        (Rounding::Down, "ROUND_DOWN"),
        (Rounding::Ceiling, "ROUND_CEILING"),
        (Rounding::Floor, "ROUND_FLOOR"),
        (Rounding::HalfUp, "ROUND_HALF_UP"),
        (Rounding::HalfDown, "ROUND_HALF_DOWN"),
        (Rounding::HalfEven, "ROUND_HALF_EVEN"),
        (Rounding::ZeroFiveUp, "ROUND_05UP"),
    ];

    pub(super) fn name(self) -> &'static str {
        Rounding::ALL.iter().find(|(r, _)| *r == self).map_or("", |(_, n)| n)
    }

    pub(super) fn by_name(name: &str) -> Option<Rounding> {
        Rounding::ALL.iter().find(|(_, n)| *n == name).map(|(r, _)| *r)
    }

    /// Whether the digits that stay become one more.
    #[inline]
    pub(super) fn goes_up(self, rest: Rest, neg: bool, last_digit: impl FnOnce() -> u8) -> bool {
        if rest == Rest::Zero {
            return false;
        }
        match self {
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !neg,
            Rounding::Floor => neg,
            Rounding::HalfUp => rest != Rest::BelowHalf,
            Rounding::HalfDown => rest == Rest::AboveHalf,
            Rounding::HalfEven => rest == Rest::AboveHalf || (rest == Rest::Half && last_digit() & 1 == 1),
            Rounding::ZeroFiveUp => last_digit().is_multiple_of(5),
        }
    }
}

/// What a context says about results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Env {
    pub(super) prec: i64,
    pub(super) emax: i64,
    pub(super) emin: i64,
    pub(super) rounding: Rounding,
    pub(super) clamp: bool,
}

impl Env {
    /// The widest limits: what fits them is exact.
    pub(super) const EXACT: Env =
        Env { prec: MAX_PREC, emax: MAX_EMAX, emin: MIN_EMIN, rounding: Rounding::HalfEven, clamp: false };

    /// Intermediate results of a precision.
    pub(super) fn working(prec: i64) -> Env {
        Env { prec: prec.min(MAX_PREC), ..Env::EXACT }
    }

    pub(super) fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }

    pub(super) fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }

    /// The result that a finite number rounds to.
    pub(super) fn round(&self, n: Num, status: &mut u32) -> Num {
        match n.kind {
            Kind::Finite => self.try_round(n, status).unwrap_or_else(|NoMemory| Num::invalid(status, flag::NO_MEMORY)),
            Kind::Infinite => n,
            _ => self.cut_payload(n),
        }
    }

    #[inline]
    fn try_round(&self, n: Num, status: &mut u32) -> Result<Num, NoMemory> {
        let len = n.digits();
        // Most results: not zero, short enough, and far from all limits.
        if len <= self.prec && !n.coeff.is_zero() && n.exp >= self.emin && n.exp + len - 1 <= self.emax && !self.clamp {
            return Ok(n);
        }
        self.round_slowly(n, len, status)
    }

    #[inline(never)]
    fn round_slowly(&self, mut n: Num, len: i64, status: &mut u32) -> Result<Num, NoMemory> {
        let (etiny, etop) = (self.etiny(), self.etop());
        if n.coeff.is_zero() {
            let e = n.exp.clamp(etiny, if self.clamp { etop } else { self.emax });
            if e != n.exp {
                *status |= flag::CLAMPED;
                n.exp = e;
            }
            return Ok(n);
        }
        // The exponent at which `prec` digits are left.
        let least = len + n.exp - self.prec;
        if least > etop {
            return self.overflow(n.neg, status);
        }
        let subnormal = least < etiny;
        let least = least.max(etiny);
        if subnormal {
            *status |= flag::SUBNORMAL;
        }
        if n.exp < least {
            let (mut c, rest) = n.coeff.shift_right((least - n.exp) as u64);
            n.exp = least;
            *status |= flag::ROUNDED;
            if rest != Rest::Zero {
                *status |= flag::INEXACT | if subnormal { flag::UNDERFLOW } else { 0 };
                if self.rounding.goes_up(rest, n.neg, || c.last_digit()) {
                    c = c.plus_one();
                    if c.digits() as i64 > self.prec {
                        // All nines became a power of ten.
                        c = c.shift_right(1).0;
                        n.exp += 1;
                        if n.exp > etop {
                            return self.overflow(n.neg, status);
                        }
                    }
                }
            }
            if c.is_zero() {
                *status |= flag::CLAMPED;
            }
            n.coeff = c;
            return Ok(n);
        }
        if self.clamp && n.exp > etop {
            *status |= flag::CLAMPED;
            n.coeff = n.coeff.shift_left((n.exp - etop) as u64)?;
            n.exp = etop;
        }
        Ok(n)
    }

    #[cold]
    fn overflow(&self, neg: bool, status: &mut u32) -> Result<Num, NoMemory> {
        *status |= flag::OVERFLOW | flag::INEXACT | flag::ROUNDED;
        let to_infinity = match self.rounding {
            Rounding::Down | Rounding::ZeroFiveUp => false,
            Rounding::Ceiling => !neg,
            Rounding::Floor => neg,
            _ => true,
        };
        if to_infinity {
            return Ok(Num::infinity(neg));
        }
        Ok(Num::finite(neg, Coeff::nines(self.prec as u64)?, self.etop()))
    }

    /// A NaN whose diagnostic digits fit.
    fn cut_payload(&self, mut n: Num) -> Num {
        let most = self.prec - i64::from(self.clamp);
        if n.digits() > most {
            n.coeff = n.coeff.low_digits(most as u64);
        }
        n
    }

    /// Rounds a number of 256 bits.
    pub(super) fn round_wide(&self, neg: bool, n: Wide, exp: i64, status: &mut u32) -> Num {
        if n.hi == 0 && n.lo < POW10[38] {
            return self.round(Num::finite(neg, Coeff::small_of(n.lo), exp), status);
        }
        let len = i64::from(n.digits());
        let drop = len - self.prec;
        if self.prec > 37 || drop > 38 || drop <= 0 || exp < self.emin || exp + len > self.emax || self.clamp {
            return self.round(Num::finite(neg, Coeff::of_wide(n), exp), status);
        }
        let unit = POW10[drop as usize];
        let (q, r) = n.div_rem(unit);
        let (mut q, rest) = (q.lo, Rest::of_small(r, unit));
        let mut exp = exp + drop;
        *status |= flag::ROUNDED;
        if rest != Rest::Zero {
            *status |= flag::INEXACT;
            if self.rounding.goes_up(rest, neg, || (q % 10) as u8) {
                q += 1;
                if q == POW10[self.prec as usize] {
                    q /= 10;
                    exp += 1;
                }
            }
        }
        Num::finite(neg, Coeff::small_of(q), exp)
    }
}

/// The NaN that an operation with a NaN among its operands gives, if there is one.
pub(super) fn nan_of(operands: &[&Num], env: &Env, status: &mut u32) -> Option<Num> {
    let found = operands.iter().find(|n| n.is_signaling());
    if found.is_some() {
        *status |= flag::INVALID_OPERATION;
    }
    let n = found.or_else(|| operands.iter().find(|n| n.is_nan()))?;
    Some(env.cut_payload(Num { kind: Kind::Nan, ..(*n).clone() }))
}
