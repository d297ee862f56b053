//! Conversions between integer literals' digits and limbs.

use super::{Arena, IntValue};

/// The value of digits (underscores allowed) in a radix of 2, 8, 10 or 16.
pub(crate) fn parse_int<'a>(digits: &str, radix: u32, arena: &'a Arena<'a>) -> IntValue<'a> {
    let values = || digits.chars().filter_map(|digit| digit.to_digit(radix));
    let mut small: u64 = 0;
    let mut fits = true;
    for value in values() {
        match small.checked_mul(u64::from(radix)).and_then(|product| product.checked_add(u64::from(value))) {
            Some(next) => small = next,
            None => {
                fits = false;
                break;
            }
        }
    }
    if fits {
        return IntValue::Small(small);
    }
    let limbs = if radix == 10 { decimal_limbs(values()) } else { binary_limbs(digits, radix) };
    IntValue::Big { negative: false, limbs: arena.slice(limbs) }
}

/// Limbs of decimal digits, 19 at a time.
fn decimal_limbs(digits: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut limbs: Vec<u64> = Vec::new();
    let mut absorb = |scale: u64, value: u64| {
        let mut carry = value;
        for limb in &mut limbs {
            let wide = u128::from(*limb) * u128::from(scale) + u128::from(carry);
            *limb = wide as u64;
            carry = (wide >> 64) as u64;
        }
        if carry != 0 {
            limbs.push(carry);
        }
    };
    let (mut scale, mut value, mut count) = (1u64, 0u64, 0);
    for digit in digits {
        scale *= 10;
        value = value * 10 + u64::from(digit);
        count += 1;
        if count == 19 {
            absorb(scale, value);
            (scale, value, count) = (1, 0, 0);
        }
    }
    if count > 0 {
        absorb(scale, value);
    }
    limbs
}

/// Limbs of digits in a radix that is a power of two, in linear time.
fn binary_limbs(digits: &str, radix: u32) -> Vec<u64> {
    let bits = radix.trailing_zeros();
    let mut limbs = Vec::new();
    let (mut limb, mut filled) = (0u128, 0);
    for digit in digits.chars().rev().filter_map(|digit| digit.to_digit(radix)) {
        limb |= u128::from(digit) << filled;
        filled += bits;
        if filled >= 64 {
            limbs.push(limb as u64);
            limb >>= 64;
            filled -= 64;
        }
    }
    limbs.push(limb as u64);
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    limbs
}

impl IntValue<'_> {
    /// The value in decimal.
    pub fn to_decimal(self) -> String {
        let (negative, limbs) = match self {
            IntValue::Small(value) => return value.to_string(),
            IntValue::Big { negative, limbs } => (negative, limbs),
        };
        const CHUNK: u64 = 10_000_000_000_000_000_000;
        let mut rest = limbs.to_vec();
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let mut remainder = 0u64;
            for limb in rest.iter_mut().rev() {
                let wide = u128::from(remainder) << 64 | u128::from(*limb);
                *limb = (wide / u128::from(CHUNK)) as u64;
                remainder = (wide % u128::from(CHUNK)) as u64;
            }
            chunks.push(remainder);
            while rest.last() == Some(&0) {
                rest.pop();
            }
        }
        let mut text = String::from(if negative { "-" } else { "" });
        let mut chunks = chunks.iter().rev();
        text.push_str(&chunks.next().copied().unwrap_or(0).to_string());
        for chunk in chunks {
            text.push_str(&format!("{chunk:019}"));
        }
        text
    }

    /// The value, if it is below 2^64 and not negative.
    pub fn as_u64(self) -> Option<u64> {
        match self {
            IntValue::Small(value) => Some(value),
            IntValue::Big { .. } => None,
        }
    }
}
