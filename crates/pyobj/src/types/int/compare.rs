//! Comparison and hash of ints.

use std::cmp::Ordering;

use super::{Operand, from_f64, limbs};
use crate::value::Obj;

/// The prime 2^61 - 1: hashes of numbers are residues modulo it, so that equal numbers of all types agree.
pub(crate) const HASH_MODULUS: u64 = (1 << 61) - 1;

/// Orders two ints; objects that are no ints count as zero.
#[inline]
pub fn cmp(a: &Obj, b: &Obj) -> Ordering {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => x.cmp(&y),
        _ => cmp_long(a, b),
    }
}

#[inline(never)]
fn cmp_long(a: &Obj, b: &Obj) -> Ordering {
    let zero = || Operand::small(0);
    let (a, b) = (Operand::of(a).unwrap_or_else(zero), Operand::of(b).unwrap_or_else(zero));
    match (a.neg, b.neg) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => limbs::cmp(a.mag(), b.mag()),
        (true, true) => limbs::cmp(b.mag(), a.mag()),
    }
}

/// Whether two ints are equal.
#[inline]
pub fn eq(a: &Obj, b: &Obj) -> bool {
    a.is(b) || cmp(a, b) == Ordering::Equal
}

/// Orders an int and a float exactly, without rounding the int; nothing if the float is NaN.
pub fn cmp_f64(a: &Obj, f: f64) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    if f.is_infinite() {
        return Some(if f > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    const EXACT: i64 = 1 << 53;
    if let Some(n) = super::as_i64(a)
        && (-EXACT..=EXACT).contains(&n)
    {
        return (n as f64).partial_cmp(&f);
    }
    // The int has more than 53 bits, so a float below that is decided by the sign alone, and a larger one
    // has no fraction.
    if f.abs() < EXACT as f64 {
        return Some(if super::is_negative(a) { Ordering::Less } else { Ordering::Greater });
    }
    Some(cmp(a, &from_f64(f)?))
}

/// The hash of an int: its residue modulo 2^61 - 1 with the int's sign, never -1.
#[inline]
pub fn hash(a: &Obj) -> i64 {
    match a.as_int() {
        Some(n) => hash_i64(n),
        None => Operand::of(a).map_or(0, |v| hash_parts(v.neg, v.mag())),
    }
}

/// The hash of a machine int.
#[inline]
pub(crate) fn hash_i64(n: i64) -> i64 {
    let m = n.unsigned_abs();
    // A division even by a constant costs more than the test that is nearly always true.
    let m = if m < HASH_MODULUS { m as i64 } else { (m % HASH_MODULUS) as i64 };
    finish(if n < 0 { -m } else { m })
}

fn hash_parts(neg: bool, mag: &[u64]) -> i64 {
    let m = limbs::rem_limb(mag, HASH_MODULUS) as i64;
    finish(if neg { -m } else { m })
}

/// -1 is no hash: it says "error" in C.
#[inline]
pub(crate) fn finish(h: i64) -> i64 {
    if h == -1 { -2 } else { h }
}
