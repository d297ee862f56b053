//! Bitwise operations on signed magnitudes with the semantics of infinite two's complement.

use super::limbs::{Buf, trim};

/// Yields the limbs of the two's complement of a signed magnitude, endlessly.
struct Complement<'a> {
    mag: &'a [u64],
    neg: bool,
    at: usize,
    carry: bool,
}

impl<'a> Complement<'a> {
    fn new(neg: bool, mag: &'a [u64]) -> Complement<'a> {
        Complement { mag, neg, at: 0, carry: neg }
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let limb = self.mag.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        if !self.neg {
            return limb;
        }
        let (v, c) = (!limb).overflowing_add(u64::from(self.carry));
        self.carry = c;
        v
    }
}

/// Applies `op` limb by limb; returns sign and magnitude of the result.
#[inline]
fn apply(a: (bool, &[u64]), b: (bool, &[u64]), op: impl Fn(u64, u64) -> u64) -> (bool, Buf) {
    let neg = op(u64::from(a.0), u64::from(b.0)) & 1 != 0;
    // One limb more than the longer operand holds every result, its sign included.
    let n = a.1.len().max(b.1.len()) + 1;
    let (mut x, mut y) = (Complement::new(a.0, a.1), Complement::new(b.0, b.1));
    let mut out = Buf::with_capacity(n);
    let mut carry = neg;
    for _ in 0..n {
        let v = op(x.next(), y.next());
        if neg {
            let (v, c) = (!v).overflowing_add(u64::from(carry));
            carry = c;
            out.push(v);
        } else {
            out.push(v);
        }
    }
    trim(&mut out);
    (neg, out)
}

/// `a & b`.
pub(crate) fn and(a: (bool, &[u64]), b: (bool, &[u64])) -> (bool, Buf) {
    // A non-negative operand bounds the result: masks of huge negative or positive numbers stay cheap.
    match (a.0, b.0) {
        (false, false) => {
            let mut out: Buf = a.1.iter().zip(b.1).map(|(x, y)| x & y).collect();
            trim(&mut out);
            (false, out)
        }
        _ => apply(a, b, |x, y| x & y),
    }
}

/// `a | b`.
pub(crate) fn or(a: (bool, &[u64]), b: (bool, &[u64])) -> (bool, Buf) {
    apply(a, b, |x, y| x | y)
}

/// `a ^ b`.
pub(crate) fn xor(a: (bool, &[u64]), b: (bool, &[u64])) -> (bool, Buf) {
    apply(a, b, |x, y| x ^ y)
}

#[cfg(test)]
mod tests {
    use num_bigint::{BigInt, Sign};

    use super::super::limbs::{from_biguint, to_biguint};
    use super::*;

    fn signed(neg: bool, mag: &[u64]) -> BigInt {
        BigInt::from_biguint(if neg { Sign::Minus } else { Sign::Plus }, to_biguint(mag))
    }

    #[test]
    fn bitwise_agrees_with_num_bigint() {
        let edge: Vec<BigInt> = [
            "0",
            "1",
            "ff",
            "7fffffffffffffff",
            "8000000000000000",
            "ffffffffffffffff",
            "10000000000000000",
            "8000000000000000000000000000000000000000000000000000000000000000",
            "123456789abcdef0fedcba9876543210aaaaaaaaaaaaaaaa",
        ]
        .iter()
        .filter_map(|s| BigInt::parse_bytes(s.as_bytes(), 16))
        .flat_map(|n| [n.clone(), -n])
        .collect();
        assert_eq!(edge.len(), 18);
        for x in &edge {
            for y in &edge {
                let (a, b) = (from_biguint(x.magnitude()), from_biguint(y.magnitude()));
                let (a, b) = ((x.sign() == Sign::Minus, &a[..]), (y.sign() == Sign::Minus, &b[..]));
                for (got, want) in [(and(a, b), x & y), (or(a, b), x | y), (xor(a, b), x ^ y)] {
                    assert_eq!(signed(got.0, &got.1), want, "{x} {y}");
                }
            }
        }
    }
}
