//! Hexadecimal floating-point text.

use crate::types::int::scale;
use crate::types::int::text::strip;

/// `f.hex()`.
pub fn to_hex(f: f64) -> String {
    if !f.is_finite() {
        return super::text::repr(f);
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = f.to_bits();
    let (mantissa, biased) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
    let (lead, exp) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    format!("{sign}0x{lead}.{mantissa:013x}p{exp:+}")
}

/// Why a text is no hexadecimal float.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HexError {
    /// It does not have the form.
    Invalid,
    /// Its value is beyond the largest float.
    TooLarge,
}

/// Parses what `float.fromhex` accepts.
pub fn from_hex(text: &[u8]) -> Result<f64, HexError> {
    let t = strip(text);
    let (negative, t) = match t {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, t),
    };
    let sign = |f: f64| if negative { -f } else { f };
    for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if t.eq_ignore_ascii_case(name.as_bytes()) {
            return Ok(sign(value));
        }
    }
    let t = match t {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => t,
    };
    // The first 30 significant digits decide, together with whether any later one is not zero.
    let (mut m, mut taken, mut sticky) = (0u128, 0, false);
    let (mut exp, mut count, mut point) = (0i64, 0usize, false);
    let mut at = 0;
    while let Some(&b) = t.get(at) {
        if b == b'.' && !point {
            point = true;
            at += 1;
            continue;
        }
        let Some(d) = (b as char).to_digit(16) else { break };
        count += 1;
        if taken < 30 {
            m = m << 4 | u128::from(d);
            taken += u32::from(m != 0);
            exp -= if point { 4 } else { 0 };
        } else {
            sticky |= d != 0;
            exp += if point { 0 } else { 4 };
        }
        at += 1;
    }
    if count == 0 {
        return Err(HexError::Invalid);
    }
    if let Some(b'p' | b'P') = t.get(at) {
        let (minus, digits) = match &t[at + 1..] {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(HexError::Invalid);
        }
        let e = digits.iter().fold(0i64, |e, d| (e * 10 + i64::from(d - b'0')).min(1 << 50));
        exp += if minus { -e } else { e };
    } else if at < t.len() {
        return Err(HexError::Invalid);
    }
    let f = scale(m | u128::from(sticky), exp);
    if f.is_infinite() { Err(HexError::TooLarge) } else { Ok(sign(f)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips() {
        for f in [1.0, -1.5, 0.1, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.0, -0.0, 1e-310] {
            assert_eq!(from_hex(to_hex(f).as_bytes()).map(f64::to_bits), Ok(f.to_bits()));
        }
        assert_eq!(to_hex(1.5), "0x1.8000000000000p+0");
        assert_eq!(from_hex(b" .8p1 "), Ok(1.0));
        assert_eq!(from_hex(b"0x1.00000000000008p0"), Ok(1.0));
        assert_eq!(from_hex(b"0x1.000000000000080000000000000000000001p0"), Ok(1.0 + f64::EPSILON));
        assert_eq!(from_hex(b"1p-1075"), Ok(0.0));
        for bad in [&b"0x"[..], b"", b"1p", b"0x1p+", b"1.2.3", b"g", b"0x1p0x"] {
            assert_eq!(from_hex(bad), Err(HexError::Invalid));
        }
        assert_eq!(from_hex(b"0x1p1024"), Err(HexError::TooLarge));
        assert_eq!(from_hex(b"0x1p99999999999999999999"), Err(HexError::TooLarge));
    }
}
