//! Numbers of 256 bits without sign: products and scaled dividends of coefficients that fit 128 bits.

/// A number of 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Wide {
    pub(super) hi: u128,
    pub(super) lo: u128,
}

/// The powers of ten that fit 128 bits.
pub(super) static POW10: [u128; 39] = {
    let mut t = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        t[i] = t[i - 1] * 10;
        i += 1;
    }
    t
};

const LOW: u128 = u64::MAX as u128;

/// The number of decimal digits; zero has one.
#[inline(always)]
pub(super) fn digits(n: u128) -> u32 {
    // 1233 / 4096 is slightly above log10(2), near enough for 128 bits; the estimate is at most one too small.
    let bits = 128 - (n | 1).leading_zeros();
    let low = (bits * 1233) >> 12;
    low + (low < 39 && n >= POW10[low as usize]) as u32 + (n == 0) as u32 * (low == 0) as u32
}

/// Quotient and remainder; a division in 64 bits is several times as fast.
#[inline(always)]
pub(super) fn div_rem(a: u128, b: u128) -> (u128, u128) {
    if (a | b) >> 64 == 0 {
        let (x, y) = (a as u64, b as u64);
        return ((x / y).into(), (x % y).into());
    }
    div_rem_long(a, b)
}

#[inline(never)]
fn div_rem_long(a: u128, b: u128) -> (u128, u128) {
    (a / b, a % b)
}

impl Wide {
    /// A number of 128 bits.
    pub(super) fn of(n: u128) -> Wide {
        Wide { hi: 0, lo: n }
    }

    /// The product.
    pub(super) fn product(a: u128, b: u128) -> Wide {
        let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
        let low = a0 * b0;
        let (mid, carry) = (a1 * b0).overflowing_add(a0 * b1);
        let (lo, over) = low.overflowing_add(mid << 64);
        Wide { hi: a1 * b1 + (mid >> 64) + (u128::from(carry) << 64) + u128::from(over), lo }
    }

    /// Quotient and remainder of a division by a number that is not zero.
    pub(super) fn div_rem(self, d: u128) -> (Wide, u128) {
        if self.hi == 0 {
            let (q, r) = div_rem(self.lo, d);
            return (Wide::of(q), r);
        }
        let (hi, r) = div_rem(self.hi, d);
        let (lo, r) = divide_two(r, self.lo, d);
        (Wide { hi, lo }, r)
    }

    /// The number of decimal digits; zero has one.
    pub(super) fn digits(self) -> u32 {
        if self.hi == 0 {
            return digits(self.lo);
        }
        let (q, _) = self.div_rem(POW10[38]);
        if q.hi != 0 { 76 + digits(q.div_rem(POW10[38]).0.lo) } else { 38 + digits(q.lo) }
    }
}

/// Quotient and remainder of `hi * 2^128 + lo` by `d`, where `hi < d`: long division in digits of 64 bits.
fn divide_two(hi: u128, lo: u128, d: u128) -> (u128, u128) {
    let shift = d.leading_zeros();
    let d = d << shift;
    let high = if shift == 0 { hi } else { hi << shift | lo >> (128 - shift) };
    let low = lo << shift;
    let (d1, d0) = (d >> 64, d & LOW);
    // One digit of the quotient: an estimate by the leading digit of the divisor is at most two too large.
    let digit = |rest: u128, next: u128| -> (u128, u128) {
        let (mut q, mut r) = (rest / d1, rest % d1);
        while q > LOW || q * d0 > (r << 64 | next) {
            q -= 1;
            r += d1;
            if r > LOW {
                break;
            }
        }
        (q, (rest << 64 | next).wrapping_sub(q.wrapping_mul(d)))
    };
    let (q1, rest) = digit(high, low >> 64);
    let (q0, rest) = digit(rest, low & LOW);
    (q1 << 64 | q0, rest >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_times_divisors_are_the_dividends() {
        let mut x = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835u128;
        let mut next = || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        for i in 0..20_000u32 {
            let a = next() >> (i % 120);
            let b = (next() >> (i * 7 % 127)).max(1);
            let r = next() % b;
            let p = Wide::product(a, b);
            let (lo, carry) = p.lo.overflowing_add(r);
            let n = Wide { hi: p.hi + u128::from(carry), lo };
            assert_eq!(n.div_rem(b), (Wide::of(a), r), "{a} {b} {r}");
        }
    }

    #[test]
    fn digits_are_counted_at_every_power() {
        assert_eq!(digits(0), 1);
        for (i, p) in POW10.iter().enumerate() {
            assert_eq!(digits(*p), i as u32 + 1);
            assert_eq!(digits(*p - 1), (i as u32).max(1));
            assert_eq!(digits(*p + 1), i as u32 + 1);
            assert_eq!(Wide::product(*p, POW10[38]).digits(), i as u32 + 39);
        }
        assert_eq!(digits(u128::MAX), 39);
    }
}
