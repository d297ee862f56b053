//! Kernels over magnitudes: little-endian slices of 64-bit limbs.
//!
//! A *normalised* magnitude has no zero limb at its top; zero is empty. All functions take normalised
//! magnitudes and give normalised ones. Past [`KERNEL_LIMBS`] limbs multiplication and division go to
//! `num-bigint`, whose subquadratic algorithms win there.

use std::cmp::Ordering;

use num_bigint::BigUint;
use smallvec::SmallVec;

/// A magnitude under construction; eight limbs fit without an allocation.
pub(crate) type Buf = SmallVec<[u64; 8]>;

/// The size in limbs up to which the quadratic kernels here are used.
pub(crate) const KERNEL_LIMBS: usize = 32;

/// Removes zero limbs from the top.
#[inline]
pub(crate) fn trim(v: &mut Buf) {
    while v.last() == Some(&0) {
        v.pop();
    }
}

/// The normalised part of a slice.
#[inline]
pub(crate) fn trimmed(mut v: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = v {
        v = rest;
    }
    v
}

/// Compares two magnitudes.
pub(crate) fn cmp(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The number of significant bits.
pub(crate) fn bit_len(a: &[u64]) -> u64 {
    match a.last() {
        Some(top) => a.len() as u64 * 64 - u64::from(top.leading_zeros()),
        None => 0,
    }
}

/// The number of zero bits below the lowest set bit; zero for zero.
pub(crate) fn trailing_zeros(a: &[u64]) -> u64 {
    match a.iter().position(|&l| l != 0) {
        Some(i) => i as u64 * 64 + u64::from(a[i].trailing_zeros()),
        None => 0,
    }
}

/// `a + b`.
pub(crate) fn add(a: &[u64], b: &[u64]) -> Buf {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut out = Buf::with_capacity(a.len() + 1);
    let (low, high) = a.split_at(b.len());
    let mut carry = false;
    for (&x, &y) in low.iter().zip(b) {
        let (s, c1) = x.overflowing_add(y);
        let (s, c2) = s.overflowing_add(u64::from(carry));
        carry = c1 | c2;
        out.push(s);
    }
    for &x in high {
        let (s, c) = x.overflowing_add(u64::from(carry));
        carry = c;
        out.push(s);
    }
    if carry {
        out.push(1);
    }
    out
}

/// `a - b` for `a >= b`.
pub(crate) fn sub(a: &[u64], b: &[u64]) -> Buf {
    debug_assert!(cmp(a, b) != Ordering::Less);
    let mut out = Buf::with_capacity(a.len());
    let (low, high) = a.split_at(b.len());
    let mut borrow = false;
    for (&x, &y) in low.iter().zip(b) {
        let (s, c1) = x.overflowing_sub(y);
        let (s, c2) = s.overflowing_sub(u64::from(borrow));
        borrow = c1 | c2;
        out.push(s);
    }
    for &x in high {
        let (s, c) = x.overflowing_sub(u64::from(borrow));
        borrow = c;
        out.push(s);
    }
    trim(&mut out);
    out
}

/// `a * b`.
pub(crate) fn mul(a: &[u64], b: &[u64]) -> Buf {
    let (a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    match b.len() {
        0 => Buf::new(),
        1 => mul_limb(a, b[0], 0),
        n if n <= KERNEL_LIMBS => mul_schoolbook(a, b),
        _ => from_biguint(&(to_biguint(a) * to_biguint(b))),
    }
}

/// `a * m + c`.
pub(crate) fn mul_limb(a: &[u64], m: u64, c: u64) -> Buf {
    let mut out = Buf::with_capacity(a.len() + 1);
    let mut carry = c;
    for &x in a {
        let t = u128::from(x) * u128::from(m) + u128::from(carry);
        out.push(t as u64);
        carry = (t >> 64) as u64;
    }
    if carry != 0 {
        out.push(carry);
    }
    trim(&mut out);
    out
}

fn mul_schoolbook(a: &[u64], b: &[u64]) -> Buf {
    let mut out: Buf = SmallVec::from_elem(0, a.len() + b.len());
    for (i, &y) in b.iter().enumerate() {
        let mut carry = 0u64;
        let row = &mut out[i..];
        for (o, &x) in row.iter_mut().zip(a) {
            let t = u128::from(x) * u128::from(y) + u128::from(*o) + u128::from(carry);
            *o = t as u64;
            carry = (t >> 64) as u64;
        }
        row[a.len()] = carry;
    }
    trim(&mut out);
    out
}

/// Quotient and remainder of a division by one non-zero limb.
pub(crate) fn div_rem_limb(a: &[u64], d: u64) -> (Buf, u64) {
    let mut out: Buf = SmallVec::from_elem(0, a.len());
    let mut rem = 0u64;
    for (o, &x) in out.iter_mut().zip(a).rev() {
        let t = u128::from(rem) << 64 | u128::from(x);
        *o = (t / u128::from(d)) as u64;
        rem = (t % u128::from(d)) as u64;
    }
    trim(&mut out);
    (out, rem)
}

/// The remainder of a division by one non-zero limb.
pub(crate) fn rem_limb(a: &[u64], d: u64) -> u64 {
    a.iter().rev().fold(0u64, |rem, &x| ((u128::from(rem) << 64 | u128::from(x)) % u128::from(d)) as u64)
}

/// Quotient and remainder; `b` is not zero.
pub(crate) fn div_rem(a: &[u64], b: &[u64]) -> (Buf, Buf) {
    if cmp(a, b) == Ordering::Less {
        return (Buf::new(), Buf::from_slice(a));
    }
    if let [d] = b {
        let (q, r) = div_rem_limb(a, *d);
        return (q, if r == 0 { Buf::new() } else { Buf::from_slice(&[r]) });
    }
    if b.len() <= KERNEL_LIMBS || a.len() - b.len() < KERNEL_LIMBS {
        return div_rem_schoolbook(a, b);
    }
    let (q, r) = num_integer::Integer::div_rem(&to_biguint(a), &to_biguint(b));
    (from_biguint(&q), from_biguint(&r))
}

/// Knuth's algorithm D; `b` has at least two limbs and `a >= b`.
fn div_rem_schoolbook(a: &[u64], b: &[u64]) -> (Buf, Buf) {
    let n = b.len();
    let shift = b[n - 1].leading_zeros();
    // The top bit of the divisor must be set for the quotient digit's estimate to be off by two at most.
    let d = shl(b, u64::from(shift));
    let mut r = shl(a, u64::from(shift));
    r.resize(a.len() + 1, 0);
    let (d1, d0) = (u128::from(d[n - 1]), u128::from(d[n - 2]));
    let mut q: Buf = SmallVec::from_elem(0, a.len() - n + 1);
    for j in (0..q.len()).rev() {
        let top = u128::from(r[j + n]) << 64 | u128::from(r[j + n - 1]);
        let (mut qhat, mut rhat) = if u128::from(r[j + n]) >= d1 {
            let q = u128::from(u64::MAX);
            (q, top - q * d1)
        } else {
            (top / d1, top % d1)
        };
        while rhat >> 64 == 0 && qhat * d0 > (rhat << 64 | u128::from(r[j + n - 2])) {
            qhat -= 1;
            rhat += d1;
        }
        let mut borrow = 0u128;
        let mut carry = 0u128;
        let row = &mut r[j..=j + n];
        for (x, &y) in row.iter_mut().zip(d.iter()) {
            carry += qhat * u128::from(y);
            let t = u128::from(*x).wrapping_sub(u128::from(carry as u64)).wrapping_sub(borrow);
            *x = t as u64;
            borrow = t >> 64 & 1;
            carry >>= 64;
        }
        let t = u128::from(row[n]).wrapping_sub(carry).wrapping_sub(borrow);
        row[n] = t as u64;
        if t >> 64 & 1 != 0 {
            qhat -= 1;
            let mut carry = false;
            for (x, &y) in row.iter_mut().zip(d.iter()) {
                let (s, c1) = x.overflowing_add(y);
                let (s, c2) = s.overflowing_add(u64::from(carry));
                carry = c1 | c2;
                *x = s;
            }
            row[n] = row[n].wrapping_add(u64::from(carry));
        }
        q[j] = qhat as u64;
    }
    trim(&mut q);
    trim(&mut r);
    let r = shr(&r, u64::from(shift));
    (q, r)
}

/// `a << n`. The caller has checked that the result can be allocated.
pub(crate) fn shl(a: &[u64], n: u64) -> Buf {
    if a.is_empty() {
        return Buf::new();
    }
    let (words, bits) = ((n / 64) as usize, (n % 64) as u32);
    let mut out = Buf::with_capacity(a.len() + words + 1);
    out.resize(words, 0);
    if bits == 0 {
        out.extend_from_slice(a);
        return out;
    }
    let mut low = 0;
    for &x in a {
        out.push(x << bits | low);
        low = x >> (64 - bits);
    }
    if low != 0 {
        out.push(low);
    }
    out
}

/// `a >> n`, towards zero.
pub(crate) fn shr(a: &[u64], n: u64) -> Buf {
    let (words, bits) = (n / 64, (n % 64) as u32);
    if words >= a.len() as u64 {
        return Buf::new();
    }
    let a = &a[words as usize..];
    let mut out = Buf::with_capacity(a.len());
    if bits == 0 {
        out.extend_from_slice(a);
        return out;
    }
    for (i, &x) in a.iter().enumerate() {
        let high = a.get(i + 1).map_or(0, |h| h << (64 - bits));
        out.push(x >> bits | high);
    }
    trim(&mut out);
    out
}

/// Whether any of the lowest `n` bits is set.
pub(crate) fn low_bits_set(a: &[u64], n: u64) -> bool {
    n > 0 && !a.is_empty() && trailing_zeros(a) < n
}

/// A magnitude as `num-bigint` has it.
pub(crate) fn to_biguint(a: &[u64]) -> BigUint {
    BigUint::new(a.iter().flat_map(|&l| [l as u32, (l >> 32) as u32]).collect())
}

/// A magnitude of `num-bigint`.
pub(crate) fn from_biguint(n: &BigUint) -> Buf {
    n.iter_u64_digits().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed sequence (splitmix64) biased towards limbs of all zeros and all ones.
    struct Limbs(u64);

    impl Limbs {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        fn magnitude(&mut self, most: u64) -> Buf {
            let n = self.next() % (most + 1);
            let mut v: Buf = (0..n)
                .map(|_| match self.next() % 5 {
                    0 => 0,
                    1 => u64::MAX,
                    2 => 1 << 63,
                    _ => self.next(),
                })
                .collect();
            trim(&mut v);
            v
        }
    }

    #[test]
    fn kernels_agree_with_num_bigint() {
        let mut g = Limbs(20_240_901);
        for round in 0..4000 {
            let most = if round % 50 == 0 { 90 } else { 9 };
            let (a, b) = (g.magnitude(most), g.magnitude(most));
            let (x, y) = (to_biguint(&a), to_biguint(&b));
            assert_eq!(to_biguint(&add(&a, &b)), &x + &y);
            assert_eq!(cmp(&a, &b), x.cmp(&y));
            assert_eq!(to_biguint(&mul(&a, &b)), &x * &y);
            assert_eq!(bit_len(&a), x.bits());
            if x >= y {
                assert_eq!(to_biguint(&sub(&a, &b)), &x - &y);
            }
            if !b.is_empty() {
                let (q, r) = div_rem(&a, &b);
                assert_eq!((to_biguint(&q), to_biguint(&r)), (&x / &y, &x % &y), "{x} / {y}");
                assert_eq!(rem_limb(&a, b[0].max(1)), *to_u64(&(&x % b[0].max(1))));
            }
            let n = g.next() % 300;
            assert_eq!(to_biguint(&shl(&a, n)), &x << n);
            assert_eq!(to_biguint(&shr(&a, n)), &x >> n);
            assert_eq!(low_bits_set(&a, n), x.trailing_zeros().is_some_and(|z| z < n));
        }
    }

    fn to_u64(n: &BigUint) -> Box<u64> {
        Box::new(n.iter_u64_digits().next().unwrap_or(0))
    }

    #[test]
    fn division_corrects_an_estimate_that_is_too_large() {
        let a = [0, 0, 1 << 63, (1 << 63) - 1];
        let b = [u64::MAX, 0, 1 << 63];
        let (q, r) = div_rem(&a, &b);
        assert_eq!(
            (to_biguint(&q), to_biguint(&r)),
            (to_biguint(&a) / to_biguint(&b), to_biguint(&a) % to_biguint(&b))
        );
    }
}
