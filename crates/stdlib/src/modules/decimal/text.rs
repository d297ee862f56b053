//! Numbers as text, both ways.

use super::coeff::{Coeff, NoMemory};
use super::number::{Kind, Num, flag};

/// Reads a number: a sign, then digits with a point and an exponent, `Infinity`, or a NaN with diagnostic digits.
/// Nothing if the text is no number.
pub(super) fn parse(text: &[u8]) -> Result<Option<Num>, NoMemory> {
    let (neg, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    match rest.first() {
        Some(b'0'..=b'9' | b'.') => parse_finite(neg, rest),
        _ => parse_special(neg, rest),
    }
}

fn parse_special(neg: bool, text: &[u8]) -> Result<Option<Num>, NoMemory> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Ok(Some(Num::infinity(neg)));
    }
    let (kind, name) = if text.first().is_some_and(|c| matches!(c, b's' | b'S')) {
        (Kind::SignalingNan, &text[1..])
    } else {
        (Kind::Nan, text)
    };
    let Some((name, payload)) = name.split_at_checked(3) else { return Ok(None) };
    if !name.eq_ignore_ascii_case(b"nan") || !payload.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    Ok(Some(Num { coeff: Coeff::from_digits(payload)?, exp: 0, kind, neg }))
}

fn parse_finite(neg: bool, text: &[u8]) -> Result<Option<Num>, NoMemory> {
    let whole = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, mut rest) = text.split_at(whole);
    let mut fraction: &[u8] = &[];
    if let [b'.', r @ ..] = rest {
        let n = r.iter().take_while(|c| c.is_ascii_digit()).count();
        (fraction, rest) = r.split_at(n);
    }
    if digits.is_empty() && fraction.is_empty() {
        return Ok(None);
    }
    let exp = match rest {
        [] => 0,
        [b'e' | b'E', r @ ..] => match parse_exponent(r) {
            Some(e) => e,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let coeff = if fraction.is_empty() {
        Coeff::from_digits(digits)?
    } else if digits.len() + fraction.len() <= 19 {
        let n = digits.iter().chain(fraction).fold(0u64, |n, d| n * 10 + u64::from(d - b'0'));
        Coeff::small_of(n.into())
    } else {
        Coeff::from_digits(&[digits, fraction].concat())?
    };
    Ok(Some(Num::finite(neg, coeff, exp.saturating_sub(fraction.len() as i64))))
}

/// The largest exponent read from text: far beyond any context, and still safe to compute with.
const FAR: i64 = 4_000_000_000_000_000_000;

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (neg, digits) = match text {
        [b'-', d @ ..] => (true, d),
        [b'+', d @ ..] => (false, d),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0'))).min(FAR);
    Some(if neg { -n } else { n })
}

/// How [`write`] shows exponents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// Multiples of three.
    pub(super) engineering: bool,
    /// `E` instead of `e`.
    pub(super) capitals: bool,
}

/// The text of a number, in scientific notation where the specification asks for it.
pub(super) fn write(n: &Num, style: Style) -> Vec<u8> {
    let mut out = Vec::with_capacity(48);
    if n.neg {
        out.push(b'-');
    }
    match n.kind {
        Kind::Infinite => out.extend_from_slice(b"Infinity"),
        Kind::Nan | Kind::SignalingNan => {
            out.extend_from_slice(if n.kind == Kind::Nan { b"NaN" } else { b"sNaN" });
            if !n.coeff.is_zero() {
                n.coeff.push_digits(&mut out);
            }
        }
        Kind::Finite => {
            let start = out.len();
            n.coeff.push_digits(&mut out);
            place_point(&mut out, start, n, style);
        }
    }
    out
}

/// Puts point and exponent to the digits that begin at `start`.
#[inline]
fn place_point(out: &mut Vec<u8>, start: usize, n: &Num, style: Style) {
    if n.exp == 0 {
        return;
    }
    let len = (out.len() - start) as i64;
    let first = n.exp + len;
    let plain = n.exp < 0 && first > -6;
    // How many digits stand before the point.
    let before = if plain {
        first
    } else if !style.engineering {
        1
    } else if n.coeff.is_zero() {
        (first + 1).rem_euclid(3) - 1
    } else {
        (first - 1).rem_euclid(3) + 1
    };
    if before <= 0 {
        let zeros = (-before) as usize;
        out.splice(start..start, b"0.".iter().copied().chain(std::iter::repeat_n(b'0', zeros)));
    } else if before >= len {
        out.extend(std::iter::repeat_n(b'0', (before - len) as usize));
    } else {
        out.insert(start + before as usize, b'.');
    }
    if first != before {
        out.push(if style.capitals { b'E' } else { b'e' });
        let e = first - before;
        out.push(if e < 0 { b'-' } else { b'+' });
        Coeff::small_of(e.unsigned_abs().into()).push_digits(out);
    }
}

/// A number whose text must be exact: beyond the widest limits it is invalid.
pub(super) fn exactly(n: Num, status: &mut u32) -> Num {
    use super::round::{Env, MAX_PREC};
    let mut own = 0;
    let n = if n.is_nan() {
        if n.digits() > MAX_PREC {
            own |= flag::INVALID_OPERATION;
        }
        n
    } else {
        Env::EXACT.round(n, &mut own)
    };
    *status |= own & flag::NO_MEMORY;
    if own & (flag::INEXACT | flag::ROUNDED | flag::CLAMPED | flag::INVALID_OPERATION) != 0 {
        return Num::invalid(status, flag::INVALID_OPERATION);
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_specification() {
        let sci = Style { engineering: false, capitals: true };
        let eng = Style { engineering: true, capitals: true };
        for (text, s, e) in [
            ("123", "123", "123"),
            ("123E+1", "1.23E+3", "1.23E+3"),
            ("123E+3", "1.23E+5", "123E+3"),
            ("123E-8", "0.00000123", "0.00000123"),
            ("123E-12", "1.23E-10", "123E-12"),
            ("-123E-12", "-1.23E-10", "-123E-12"),
            ("700E-9", "7.00E-7", "700E-9"),
            ("7E-7", "7E-7", "700E-9"),
            ("0E-7", "0E-7", "0.0E-6"),
            ("0E+1", "0E+1", "0.00E+3"),
            ("7E1", "7E+1", "70"),
            ("-.5e-1", "-0.05", "-0.05"),
            ("nAn0012", "NaN12", "NaN12"),
            ("-sNaN", "-sNaN", "-sNaN"),
            ("inf", "Infinity", "Infinity"),
        ] {
            let n = parse(text.as_bytes()).ok().flatten().unwrap_or_else(Num::nan);
            assert_eq!(String::from_utf8_lossy(&write(&n, sci)), s, "{text}");
            assert_eq!(String::from_utf8_lossy(&write(&n, eng)), e, "{text}");
        }
        for bad in ["", "-", ".", "1e", "1e+", "1.2.3", "na", "s", "1_0", "infin", "nan1.0", " 1"] {
            assert_eq!(parse(bad.as_bytes()).ok().flatten(), None, "{bad}");
        }
    }
}
