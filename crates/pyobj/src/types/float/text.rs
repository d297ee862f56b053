//! Text to float and float to text.
//!
//! Rust's formatting gives both the shortest digits that round back and exact decimal expansions rounded
//! half to even; what Python adds is the layout of sign, point and exponent.

use crate::types::int::text::{is_c_space, strip};

/// `repr(f)`: the shortest decimal literal that gives the same float.
pub fn repr(f: f64) -> String {
    let mut s = repr_short(f);
    if f.is_finite() && !s.contains(['.', 'e']) {
        s.push_str(".0");
    }
    s
}

/// As [`repr`], without ".0" on integral values (as `complex` shows its parts).
pub(crate) fn repr_short(f: f64) -> String {
    if f.is_nan() {
        return "nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let d = Decimal::shortest(f);
    let body = if d.exp < -4 || d.exp >= 16 { d.scientific(0, false, 'e') } else { d.fixed(false) };
    if d.negative { format!("-{body}") } else { body }
}

/// Decimal digits of a finite float: `d.ddd * 10^exp`.
pub(crate) struct Decimal {
    /// The sign bit.
    pub negative: bool,
    /// ASCII digits, the first one not zero unless the value is.
    pub digits: String,
    /// The decimal exponent of the first digit.
    pub exp: i32,
}

impl Decimal {
    fn of(negative: bool, text: &str) -> Decimal {
        let (mantissa, exp) = text.split_once('e').unwrap_or((text, "0"));
        Decimal { negative, digits: mantissa.replace('.', ""), exp: exp.parse().unwrap_or(0) }
    }

    /// The fewest digits that determine the float.
    pub fn shortest(f: f64) -> Decimal {
        let d = Decimal::of(f.is_sign_negative(), &format!("{:e}", f.abs()));
        // Of two that are equally near, Rust takes the upper one and Python the even one. That takes a float whose exact
        // value has a digit more than the shortest: at least 16 digits, so at most 26 bits after the point.
        const FRACTION: f64 = (1u64 << 26) as f64;
        let odd = d.digits.as_bytes().last().is_some_and(|c| c & 1 == 1);
        if odd && d.digits.len() >= 15 && (f * FRACTION).fract() == 0.0 {
            let even = Decimal::rounded(f, d.digits.len());
            let same = format!("{}e{}", even.digits, even.exp + 1 - even.digits.len() as i32).parse() == Ok(f.abs());
            if same {
                return even;
            }
        }
        d
    }

    /// `n >= 1` significant digits, rounded half to even.
    pub fn rounded(f: f64, n: usize) -> Decimal {
        // No float has more than 767 significant digits; the rest are zeros.
        let exact = n.min(800);
        let mut d = Decimal::of(f.is_sign_negative(), &format!("{:.*e}", exact - 1, f.abs()));
        d.digits.extend(std::iter::repeat_n('0', n - exact));
        d
    }

    /// Removes zeros at the end, keeping one digit.
    pub fn trim(mut self) -> Decimal {
        let n = self.digits.trim_end_matches('0').len().max(1);
        self.digits.truncate(n);
        self
    }

    /// The digits with a point, without exponent. `alternate` keeps the point where no digit follows it.
    pub fn fixed(&self, alternate: bool) -> String {
        let point = self.exp + 1;
        let mut s = String::new();
        if point <= 0 {
            s.push_str("0.");
            s.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
            s.push_str(&self.digits);
            return s;
        }
        let point = point as usize;
        if self.digits.len() <= point {
            s.push_str(&self.digits);
            s.extend(std::iter::repeat_n('0', point - self.digits.len()));
        } else {
            let (whole, fraction) = self.digits.split_at(point);
            s.push_str(whole);
            s.push('.');
            s.push_str(fraction);
            return s;
        }
        if alternate {
            s.push('.');
        }
        s
    }

    /// The digits as `d.ddde+XX`; at least `least` fraction digits are there.
    pub fn scientific(&self, least: usize, alternate: bool, e: char) -> String {
        let (first, rest) = self.digits.split_at(1);
        let mut s = first.to_owned();
        if !rest.is_empty() || least > 0 || alternate {
            s.push('.');
        }
        s.push_str(rest);
        s.extend(std::iter::repeat_n('0', least.saturating_sub(rest.len())));
        s.push_str(&format!("{e}{}{:02}", if self.exp < 0 { '-' } else { '+' }, self.exp.unsigned_abs()));
        s
    }
}

/// The magnitude of a finite float with `precision` digits after the point (type `f`).
pub(crate) fn fixed(f: f64, precision: usize, alternate: bool) -> String {
    // Past 1,074 fraction digits every float has only zeros.
    let exact = precision.min(1100);
    let mut s = format!("{:.*}", exact, f.abs());
    s.extend(std::iter::repeat_n('0', precision - exact));
    if precision == 0 && alternate {
        s.push('.');
    }
    s
}

/// The magnitude of a finite float with an exponent (type `e`).
pub(crate) fn scientific(f: f64, precision: usize, alternate: bool, e: char) -> String {
    Decimal::rounded(f, precision.saturating_add(1)).scientific(precision, alternate, e)
}

/// The magnitude of a finite float with `precision` significant digits (type `g`).
pub(crate) fn general(f: f64, precision: usize, alternate: bool, e: char) -> String {
    let precision = precision.max(1);
    let d = Decimal::rounded(f, precision);
    let scientific = d.exp < -4 || i64::from(d.exp) >= precision as i64;
    if alternate {
        return if scientific { d.scientific(precision - 1, true, e) } else { d.fixed(true) };
    }
    let d = d.trim();
    if scientific { d.scientific(0, false, e) } else { d.fixed(false) }
}

/// Parses what `float(text)` accepts: white space around, a sign, digits with single underscores between
/// them, a point, an exponent, or one of the names of infinity and NaN in any case.
pub fn parse(text: &[u8]) -> Option<f64> {
    let t = strip(text);
    let (value, rest) = parse_prefix(t)?;
    rest.is_empty().then_some(value)
}

/// Parses the longest float literal that the text begins with; returns the rest as well.
pub(crate) fn parse_prefix(t: &[u8]) -> Option<(f64, &[u8])> {
    debug_assert!(t.first().is_none_or(|b| !is_c_space(*b)));
    let (negative, body) = match t {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, t),
    };
    let sign = |f: f64| if negative { -f } else { f };
    for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if body.len() >= name.len() && body[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return Some((sign(value), &body[name.len()..]));
        }
    }
    let mut clean = String::new();
    let mut at = digits(body, 0, &mut clean)?;
    let mut count = clean.len();
    if body.get(at) == Some(&b'.') {
        clean.push('.');
        let before = clean.len();
        // An underscore must stand between two digits, so not next to the point.
        if body.get(at + 1) != Some(&b'_') {
            at = digits(body, at + 1, &mut clean)?;
        } else {
            return None;
        }
        count += clean.len() - before;
    }
    if count == 0 {
        return None;
    }
    if matches!(body.get(at), Some(b'e' | b'E')) {
        let mark = clean.len();
        clean.push('e');
        let mut next = at + 1;
        if let Some(s @ (b'+' | b'-')) = body.get(next) {
            clean.push(*s as char);
            next += 1;
        }
        let before = clean.len();
        let end = if body.get(next) == Some(&b'_') { None } else { digits(body, next, &mut clean) };
        match end {
            Some(end) if clean.len() > before => at = end,
            _ => clean.truncate(mark),
        }
    }
    let value: f64 = clean.parse().ok()?;
    Some((sign(value), &body[at..]))
}

/// Copies digits from position `at`, skipping single underscores between them; returns where they end.
/// Nothing if an underscore stands elsewhere.
fn digits(t: &[u8], mut at: usize, out: &mut String) -> Option<usize> {
    let start = at;
    while let Some(b) = t.get(at) {
        match b {
            b'0'..=b'9' => out.push(*b as char),
            b'_' if at > start && t[at - 1] != b'_' && t.get(at + 1).is_some_and(u8::is_ascii_digit) => {}
            b'_' => return None,
            _ => break,
        }
        at += 1;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_switches_to_an_exponent_where_python_does() {
        for (f, s) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9007199254740993.0, "9007199254740992.0"),
            (-1.5e-7, "-1.5e-07"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(repr(f), s);
        }
        assert_eq!(repr_short(2.0), "2");
    }

    #[test]
    fn ties_go_to_even_digits() {
        assert_eq!(fixed(0.125, 2, false), "0.12");
        assert_eq!(fixed(0.375, 2, false), "0.38");
        assert_eq!(fixed(2.5, 0, false), "2");
        assert_eq!(fixed(0.5, 0, true), "0.");
        assert_eq!(scientific(2.5, 0, false, 'e'), "2e+00");
        assert_eq!(scientific(0.0, 3, false, 'E'), "0.000E+00");
        assert_eq!(general(0.0001, 6, false, 'e'), "0.0001");
        assert_eq!(general(123456789.0, 6, false, 'e'), "1.23457e+08");
        assert_eq!(general(100000.0, 6, true, 'e'), "100000.");
        assert_eq!(general(0.0, 6, true, 'e'), "0.00000");
    }

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (s, f) in [
            ("1", 1.0),
            (" 1_0.2_5e-1\n", 1.025),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("+inF", f64::INFINITY),
            ("1e400", f64::INFINITY),
            ("-0", -0.0),
            ("1E5", 1e5),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse(s.as_bytes()).map(f64::to_bits), Some(f.to_bits()), "{s}");
        }
        assert!(parse(b"nan").is_some_and(f64::is_nan));
        for s in
            ["", ".", "e5", "1e", "1e+", "1__0", "_1", "1_", "1_.5", "1._5", "1e_5", "1 2", "infinit", "0x1", "--1"]
        {
            assert_eq!(parse(s.as_bytes()), None, "{s}");
        }
    }
}
