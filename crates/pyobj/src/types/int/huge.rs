//! Operations on huge magnitudes that signals can interrupt: they are split into library calls of a fraction of a
//! second each.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, Zero};

use super::limbs;
use crate::ctx::{Ctx, PyResult};

/// The library multiplies or divides numbers of so many bits in one call: about a tenth of a second.
pub(super) const WHOLE_BITS: u64 = 1 << 21;

/// Serves signals that wait.
fn step(cx: &Ctx) -> PyResult<()> {
    cx.long_step(usize::MAX)
}

fn low_bits(n: &BigUint, bits: u64) -> BigUint {
    if n.bits() <= bits {
        return n.clone();
    }
    let mut digits = n.to_u64_digits();
    digits.truncate(bits.div_ceil(64) as usize);
    if !bits.is_multiple_of(64)
        && let Some(top) = digits.last_mut()
    {
        *top &= (1 << (bits % 64)) - 1;
    }
    limbs::to_biguint(limbs::trimmed(&digits))
}

/// `a * b`.
pub(super) fn mul(cx: &Ctx, a: &BigUint, b: &BigUint) -> PyResult<BigUint> {
    let (long, short) = if a.bits() >= b.bits() { (a, b) } else { (b, a) };
    if short.bits() <= WHOLE_BITS / 16 || long.bits() <= WHOLE_BITS {
        step(cx)?;
        return Ok(long * short);
    }
    if long.bits() >= 2 * short.bits() {
        // Pieces of the longer one, as long as the shorter one, from the top.
        let bits = short.bits().next_multiple_of(64);
        let mut product = BigUint::zero();
        for i in (0..long.bits().div_ceil(bits)).rev() {
            product = (product << bits) + mul(cx, &low_bits(&(long >> (i * bits)), bits), short)?;
        }
        return Ok(product);
    }
    // Karatsuba's three products of halves.
    let half = long.bits().div_ceil(2).next_multiple_of(64);
    let (a1, a0) = (long >> half, low_bits(long, half));
    let (b1, b0) = (short >> half, low_bits(short, half));
    let high = mul(cx, &a1, &b1)?;
    let low = mul(cx, &a0, &b0)?;
    let middle = mul(cx, &(a1 + a0), &(b1 + b0))? - &high - &low;
    Ok((((high << half) + middle) << half) + low)
}

/// `base ** exp`.
pub(super) fn pow(cx: &Ctx, base: &BigUint, exp: u32) -> PyResult<BigUint> {
    if base.bits().saturating_mul(u64::from(exp)) <= WHOLE_BITS {
        return Ok(base.pow(exp));
    }
    let half = pow(cx, base, exp / 2)?;
    let square = mul(cx, &half, &half)?;
    if exp & 1 == 1 { mul(cx, &square, base) } else { Ok(square) }
}

/// `base ** exp % modulus`.
pub(super) fn pow_mod(cx: &Ctx, base: &BigUint, exp: &BigUint, modulus: &BigUint) -> PyResult<BigUint> {
    // What the library does in one go takes a step of so many limb products for each bit of the exponent.
    let products = (modulus.bits() / 64 + 1).saturating_pow(2);
    if products.saturating_mul(exp.bits()) <= 1 << 28 {
        return Ok(base.modpow(exp, modulus));
    }
    let mut r = BigUint::one();
    for i in (0..exp.bits()).rev() {
        r = div_rem(cx, &mul(cx, &r, &r)?, modulus)?.1;
        if exp.bit(i) {
            r = div_rem(cx, &mul(cx, &r, base)?, modulus)?.1;
        }
    }
    Ok(r)
}

/// Quotient and remainder; `b` is not zero.
pub(super) fn div_rem(cx: &Ctx, a: &BigUint, b: &BigUint) -> PyResult<(BigUint, BigUint)> {
    let n = b.bits();
    if n <= WHOLE_BITS / 16 || a.bits() <= WHOLE_BITS {
        step(cx)?;
        return Ok(a.div_rem(b));
    }
    // Long division with digits as long as the divisor.
    let (mut q, mut r) = (BigUint::zero(), BigUint::zero());
    for i in (0..a.bits().div_ceil(n)).rev() {
        let digit = low_bits(&(a >> (i * n)), n);
        let (digit, rest) = div_double(cx, &((r << n) + digit), b, n)?;
        q = (q << n) + digit;
        r = rest;
    }
    Ok((q, r))
}

/// Divides a number of `2 * n` bits by one of exactly `n`, the quotient being one of `n` (Burnikel and Ziegler).
fn div_double(cx: &Ctx, a: &BigUint, b: &BigUint, n: u64) -> PyResult<(BigUint, BigUint)> {
    if a < b {
        return Ok((BigUint::zero(), a.clone()));
    }
    if n <= WHOLE_BITS / 2 {
        step(cx)?;
        return Ok(a.div_rem(b));
    }
    if n % 2 == 1 {
        let (q, r) = div_double(cx, &(a << 1u32), &(b << 1u32), n + 1)?;
        return Ok((q, r >> 1u32));
    }
    let half = n / 2;
    let (b1, b0) = (b >> half, low_bits(b, half));
    let (q1, r) = div_half_more(cx, &(a >> n), &low_bits(&(a >> half), half), b, &b1, &b0, half)?;
    let (q0, r) = div_half_more(cx, &r, &low_bits(a, half), b, &b1, &b0, half)?;
    Ok(((q1 << half) + q0, r))
}

/// Divides `top * 2**n + low` by `b`, which is `b1 * 2**n + b0`; the quotient has `n` bits.
fn div_half_more(
    cx: &Ctx,
    top: &BigUint,
    low: &BigUint,
    b: &BigUint,
    b1: &BigUint,
    b0: &BigUint,
    n: u64,
) -> PyResult<(BigUint, BigUint)> {
    let (mut q, r) = if &(top >> n) == b1 {
        // The quotient of the leading parts has one digit too many: the largest one is near enough.
        ((BigUint::one() << n) - 1u32, top + b1 - (b1 << n))
    } else {
        div_double(cx, top, b1, n)?
    };
    let mut r = (r << n) + low;
    let over = mul(cx, &q, b0)?;
    while r < over {
        q -= 1u32;
        r += b;
    }
    Ok((q, r - over))
}

/// The greatest common divisor of `a` and `b`, where `a > b`.
pub(super) fn gcd(cx: &Ctx, mut a: BigUint, mut b: BigUint) -> PyResult<BigUint> {
    while b.bits() > 64 {
        cx.long_step(b.bits() as usize / 512)?;
        let shift = a.bits() - 62;
        let leading = |n: &BigUint| (n >> shift).iter_u64_digits().next().unwrap_or(0) as i64;
        // Lehmer: the quotients of the leading digits are those of the numbers as long as both bounds of what the
        // other digits may add agree. The numbers become `p * a + q * b` and `r * a + s * b`.
        let (mut x, mut y) = (leading(&a), leading(&b));
        let (mut p, mut q, mut r, mut s) = (1i64, 0i64, 0i64, 1i64);
        while y + r != 0 && y + s != 0 {
            let quotient = (x + p) / (y + r);
            if quotient != (x + q) / (y + s) {
                break;
            }
            (p, r) = (r, p - quotient * r);
            (q, s) = (s, q - quotient * s);
            (x, y) = (y, x - quotient * y);
        }
        if q == 0 {
            let rest = div_rem(cx, &a, &b)?.1;
            (a, b) = (b, rest);
        } else {
            (a, b) = (combined(&a, p, &b, q), combined(&a, r, &b, s));
        }
    }
    Ok(a.gcd(&b))
}

/// `p * a + q * b`, which is not negative; one of the factors is not positive.
fn combined(a: &BigUint, p: i64, b: &BigUint, q: i64) -> BigUint {
    let (x, y) = (a * p.unsigned_abs(), b * q.unsigned_abs());
    if p > 0 { x - y } else { y - x }
}

/// The powers of a radix that conversions split numbers by, found once each.
pub(super) struct Powers {
    radix: u32,
    known: BTreeMap<u32, BigUint>,
}

impl Powers {
    pub(super) fn new(radix: u32) -> Powers {
        Powers { radix, known: BTreeMap::new() }
    }

    pub(super) fn get(&mut self, cx: &Ctx, exp: u32) -> PyResult<&BigUint> {
        if !self.known.contains_key(&exp) {
            let p = match self.known.get(&(exp / 2)) {
                Some(root) if exp.is_multiple_of(2) => mul(cx, root, root)?,
                _ => pow(cx, &BigUint::from(self.radix), exp)?,
            };
            self.known.insert(exp, p);
        }
        Ok(&self.known[&exp])
    }
}

/// The digits of a number, as many as there are.
pub(super) fn to_text(cx: &Ctx, n: &BigUint, radix: u32) -> PyResult<String> {
    let digits = (n.bits() as f64 / f64::from(radix).log2()) as usize + 2;
    let mut out = String::new();
    if out.try_reserve_exact(digits).is_err() {
        return Err(cx.no_memory());
    }
    // Half of the digits, rounded to a unit times a power of two, so that few different powers occur.
    const UNIT: usize = 1 << 12;
    let low = UNIT * digits.div_ceil(UNIT).div_ceil(2).next_power_of_two();
    write(cx, n, low as u32, &mut Powers::new(radix), &mut out)?;
    Ok(out)
}

/// Writes a number, whose digits below `low` are parted from the others; leading zeros are kept where `out` is not
/// empty, which then is said how many digits there have to be: twice `low`.
fn write(cx: &Ctx, n: &BigUint, low: u32, powers: &mut Powers, out: &mut String) -> PyResult<()> {
    let first = out.is_empty();
    if n.bits() <= WHOLE_BITS / 2 {
        step(cx)?;
        let text = n.to_str_radix(powers.radix);
        if !first {
            out.extend(std::iter::repeat_n('0', (2 * low as usize).saturating_sub(text.len())));
        }
        if !(first && n.is_zero()) {
            out.push_str(&text);
        }
        return Ok(());
    }
    let (high, rest) = div_rem(cx, n, powers.get(cx, low)?)?;
    if !(first && high.is_zero()) {
        write(cx, &high, low / 2, powers, out)?;
    }
    write(cx, &rest, low / 2, powers, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Host;

    static BARE: Host = Host::bare();

    fn number(bits: u64, seed: u64) -> BigUint {
        let mut s = seed;
        let digits: Vec<u64> = (0..bits.div_ceil(64))
            .map(|_| {
                s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                s ^ s >> 29
            })
            .collect();
        low_bits(&limbs::to_biguint(&digits), bits) | BigUint::one() << (bits - 1)
    }

    #[test]
    fn steps_give_what_the_library_gives() {
        let cx = Ctx::new(&BARE, 1 << 20);
        let w = WHOLE_BITS;
        for (i, (x, y)) in
            [(3 * w, 2 * w + 17), (2 * w + 1, w + w / 3), (w + 5, w / 8), (5 * w, w / 4)].iter().enumerate()
        {
            let (a, b) = (number(*x, i as u64), number(*y, 77));
            let p = mul(&cx, &a, &b).unwrap();
            assert!(p == &a * &b);
            let c = &p + (&b >> 3u32);
            assert!(div_rem(&cx, &c, &b).unwrap() == (a.clone(), &b >> 3u32));
            assert!(div_rem(&cx, &b, &p).unwrap() == (BigUint::zero(), b.clone()));
        }
        // A divisor whose upper half is all ones meets the largest digit.
        let b = (BigUint::one() << (2 * w)) - 1u32;
        let a = (&b * &b) - 1u32;
        assert!(div_rem(&cx, &a, &b).unwrap() == (&b - 1u32, &b - 1u32));
        let fibonacci = |n: usize| (0..n).fold((BigUint::one(), BigUint::zero()), |(a, b), _| (&a + b, a)).0;
        assert_eq!(gcd(&cx, fibonacci(1001), fibonacci(1000)).unwrap(), BigUint::one());
        for (x, y, z) in [(3000, 2900, 700), (500, 70, 65), (5000, 4999, 1), (200, 130, 128)] {
            let (x, y, z) = (number(x, 5), number(y, 6), number(z, 7));
            let (a, b) = (&x * &z, &y * &z);
            assert_eq!(gcd(&cx, a.clone(), b.clone()).unwrap(), a.gcd(&b));
        }
        let p = pow(&cx, &BigUint::from(7u32), 1_000_003).unwrap();
        assert!(p == BigUint::from(7u32).pow(1_000_003));
        let text = to_text(&cx, &p, 10).unwrap();
        assert!(text == p.to_str_radix(10));
        let power = BigUint::from(10u32).pow(1_000_000);
        assert!(to_text(&cx, &power, 10).unwrap() == format!("1{}", "0".repeat(1_000_000)));
    }
}
