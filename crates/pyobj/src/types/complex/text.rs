//! Text to complex and complex to text.

use super::Complex;
use crate::types::float::text::{parse_prefix, repr_short};
use crate::types::int::text::strip;

/// `repr(c)`.
pub(super) fn repr(c: Complex) -> String {
    if c.re == 0.0 && c.re.is_sign_positive() {
        return format!("{}j", repr_short(c.im));
    }
    let im = repr_short(c.im);
    let plus = if im.starts_with('-') { "" } else { "+" };
    format!("({}{plus}{im}j)", repr_short(c.re))
}

/// Parses what `complex(text)` accepts: a real part, an imaginary part with `j`, or both, perhaps in
/// parentheses.
pub(super) fn parse(text: &[u8]) -> Option<Complex> {
    let mut t = strip(text);
    if let [b'(', inner @ .., b')'] = t {
        t = strip(inner);
    }
    // [+-]j alone is a unit.
    let unit = |t: &[u8]| -> Option<f64> {
        match t {
            [b'j' | b'J'] | [b'+', b'j' | b'J'] => Some(1.0),
            [b'-', b'j' | b'J'] => Some(-1.0),
            _ => None,
        }
    };
    if let Some(im) = unit(t) {
        return Some(Complex::new(0.0, im));
    }
    let (first, rest) = parse_prefix(t)?;
    match rest {
        [] => Some(Complex::new(first, 0.0)),
        [b'j' | b'J'] => Some(Complex::new(0.0, first)),
        [b'+' | b'-', ..] => {
            if let Some(im) = unit(rest) {
                return Some(Complex::new(first, im));
            }
            match parse_prefix(rest)? {
                (im, [b'j' | b'J']) => Some(Complex::new(first, im)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_python_reads_them() {
        for (s, re, im) in [
            ("1", 1.0, 0.0),
            ("1j", 0.0, 1.0),
            ("-j", 0.0, -1.0),
            (" ( 1+2j ) ", 1.0, 2.0),
            ("1e3-j", 1e3, -1.0),
            ("inf+nanj", f64::INFINITY, f64::NAN),
            ("-0-0j", -0.0, -0.0),
            ("1_0+.5J", 10.0, 0.5),
        ] {
            let got = parse(s.as_bytes()).map(|c| (c.re.to_bits(), c.im.to_bits()));
            assert_eq!(got, Some((re.to_bits(), im.to_bits())), "{s}");
        }
        for s in ["", "1+", "1 + 2j", "j1", "1+2", "1+2jj", "(1", "1j+2", "()", "1++2j"] {
            assert_eq!(parse(s.as_bytes()), None, "{s}");
        }
    }

    #[test]
    fn the_real_part_is_left_out_only_if_it_is_positive_zero() {
        assert_eq!(repr(Complex::new(0.0, 1.0)), "1j");
        assert_eq!(repr(Complex::new(-0.0, 1.0)), "(-0+1j)");
        assert_eq!(repr(Complex::new(1.5, -0.0)), "(1.5-0j)");
        assert_eq!(repr(Complex::new(f64::NAN, f64::INFINITY)), "(nan+infj)");
    }
}
