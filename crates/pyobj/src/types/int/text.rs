//! Text to int and int to text, with the limit on decimal digits.

use std::cell::Cell;

use super::huge::{self, Powers};
use super::limbs::{self, Buf, KERNEL_LIMBS};
use super::{Operand, arith, from_parts};
use crate::ctx::{Ctx, PyResult, Raised};
use crate::heap::Gil;
use crate::types::seqops;
use crate::value::Obj;

/// `sys.int_info.default_max_str_digits`.
pub const DEFAULT_MAX_STR_DIGITS: usize = 4300;
/// `sys.int_info.str_digits_check_threshold`: texts up to this length are never refused.
pub const STR_DIGITS_CHECK_THRESHOLD: usize = 640;

static MAX_STR_DIGITS: Gil<Cell<usize>> = Gil::new(Cell::new(DEFAULT_MAX_STR_DIGITS));

/// The most decimal digits that a conversion between int and text may have; zero for no limit.
pub fn max_str_digits() -> usize {
    MAX_STR_DIGITS.get().get()
}

/// Sets the limit; false (and no change) if it is neither zero nor at least the threshold.
pub fn set_max_str_digits(n: usize) -> bool {
    let ok = n == 0 || n >= STR_DIGITS_CHECK_THRESHOLD;
    if ok {
        MAX_STR_DIGITS.get().set(n);
    }
    ok
}

fn exceeds_limit(digits: usize) -> bool {
    let max = max_str_digits();
    max > 0 && digits > STR_DIGITS_CHECK_THRESHOLD && digits > max
}

/// Why a text is no int.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// The text does not have the form of an int literal in the base.
    Invalid,
    /// The text has this many digits, more than the limit allows.
    TooLong(usize),
    /// Memory ran out or a signal handler raised: the exception is pending.
    Raised,
}

impl ParseError {
    /// Raises the ValueError that CPython raises. `base` is the base that the caller named (0 for "by
    /// prefix"), `literal` the object that was parsed.
    pub fn raise(self, cx: &Ctx, base: u32, literal: &Obj) -> Raised {
        match self {
            ParseError::Raised => cx.raised(),
            ParseError::TooLong(n) => too_long(cx, Some(n)),
            ParseError::Invalid => match literal.repr(cx) {
                Ok(r) => {
                    let r: String = crate::types::str::as_utf8_lossy(&r).chars().take(200).collect();
                    cx.value_error(format!("invalid literal for int() with base {base}: {r}"))
                }
                Err(e) => e,
            },
        }
    }
}

#[cold]
fn too_long(cx: &Ctx, digits: Option<usize>) -> Raised {
    let max = max_str_digits();
    let value = digits.map_or(String::new(), |n| format!(": value has {n} digits"));
    cx.value_error(format!(
        "Exceeds the limit ({max} digits) for integer string conversion{value}; use sys.set_int_max_str_digits() to \
         increase the limit"
    ))
}

/// The text as `int()` and `float()` read it: other decimal digits become ASCII ones and other white space
/// becomes blanks. What remains outside of ASCII cannot be part of a number.
pub fn to_ascii_digits(text: &str) -> std::borrow::Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.as_bytes().into();
    }
    let map = |c: char| match c {
        '\0'..='\x7f' => c as u8,
        c if c.is_whitespace() => b' ',
        c => decimal_value(c).map_or(b'?', |d| b'0' + d),
    };
    text.chars().map(map).collect::<Vec<u8>>().into()
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal_value(c: char) -> Option<u8> {
    use rustpython_unicode::classify::is_decimal;
    if !is_decimal(c) {
        return None;
    }
    // Decimal digits are encoded in whole runs from zero to nine.
    let run = (1..=u32::from(c)).take_while(|n| char::from_u32(u32::from(c) - n).is_some_and(is_decimal)).count();
    Some((run % 10) as u8)
}

/// C's `isspace` in the C locale.
pub(crate) fn is_c_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// The text without white space at its ends.
pub(crate) fn strip(mut t: &[u8]) -> &[u8] {
    while let [b, rest @ ..] = t
        && is_c_space(*b)
    {
        t = rest;
    }
    while let [rest @ .., b] = t
        && is_c_space(*b)
    {
        t = rest;
    }
    t
}

/// Parses what `int(text, base)` accepts: white space around, a sign, a prefix where the base is 0 or
/// agrees, single underscores between digits. `base` is 0 or from 2 to 36.
pub fn parse(cx: &Ctx, text: &[u8], base: u32) -> Result<Obj, ParseError> {
    let mut t = strip(text);
    let neg = t.first() == Some(&b'-');
    if let [b'+' | b'-', rest @ ..] = t {
        t = rest;
    }
    if base == 10 && (1..=18).contains(&t.len()) && t.iter().all(u8::is_ascii_digit) {
        let n = t.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0'));
        return Ok(super::small(if neg { -n } else { n }));
    }
    let prefix = match t {
        [b'0', c, ..] => match c.to_ascii_lowercase() {
            b'x' => 16,
            b'o' => 8,
            b'b' => 2,
            _ => 0,
        },
        _ => 0,
    };
    let mut radix = base;
    let mut old_octal = false;
    if base == 0 {
        radix = if prefix != 0 { prefix } else { 10 };
        // "010" is refused, but any number of zeros is zero.
        old_octal = prefix == 0 && t.first() == Some(&b'0');
    }
    if prefix != 0 && prefix == radix {
        t = &t[2..];
        if let [b'_', rest @ ..] = t {
            t = rest;
        }
    }
    let digits = digits_of(cx, t, radix)?;
    if old_octal && digits.iter().any(|&d| d != 0) {
        return Err(ParseError::Invalid);
    }
    if !radix.is_power_of_two() && exceeds_limit(digits.len()) {
        return Err(ParseError::TooLong(digits.len()));
    }
    if radix.is_power_of_two() {
        return Ok(from_parts(neg, &from_binary_digits(&digits, radix.trailing_zeros())));
    }
    // As many limbs as the digits need, and as many for working.
    let limbs = (digits.len() as f64 * f64::from(radix).log2() / 64.0) as u64;
    arith::reserve_limbs(cx, 2 * limbs).map_err(|_| ParseError::Raised)?;
    let mag = from_digits(cx, &digits, &mut Powers::new(radix), radix).map_err(|_| ParseError::Raised)?;
    Ok(from_parts(neg, &mag))
}

/// The digit values; single underscores between digits are skipped.
fn digits_of(cx: &Ctx, t: &[u8], radix: u32) -> Result<Vec<u8>, ParseError> {
    let mut digits = seqops::vec_for(cx, t.len()).map_err(|_| ParseError::Raised)?;
    let mut last_was_digit = false;
    for &b in t {
        if b == b'_' {
            if !last_was_digit {
                return Err(ParseError::Invalid);
            }
            last_was_digit = false;
            continue;
        }
        match (b as char).to_digit(36) {
            Some(d) if d < radix => digits.push(d as u8),
            _ => return Err(ParseError::Invalid),
        }
        last_was_digit = true;
    }
    if last_was_digit { Ok(digits) } else { Err(ParseError::Invalid) }
}

/// The magnitude of digit values, most significant first, in a radix that is no power of two.
fn from_digits(cx: &Ctx, digits: &[u8], powers: &mut Powers, radix: u32) -> PyResult<Buf> {
    // As many digits as surely fit one limb.
    let chunk = (63.0 / f64::from(radix).log2()) as usize;
    if digits.len() <= chunk * KERNEL_LIMBS {
        let mut out = Buf::new();
        for part in digits.chunks(chunk) {
            let value = part.iter().fold(0u64, |v, &d| v * u64::from(radix) + u64::from(d));
            out = limbs::mul_limb(&out, u64::from(radix).pow(part.len() as u32), value);
        }
        return Ok(out);
    }
    // Halves are parsed apart and joined by one large multiplication, so that the cost is that of
    // multiplication. The low half's length is a power of two of chunks: its powers of the radix recur.
    let low = chunk * (digits.len() / chunk).div_ceil(2).next_power_of_two();
    let low = if low >= digits.len() { low / 2 } else { low };
    let (head, tail) = digits.split_at(digits.len() - low);
    let head = limbs::to_biguint(&from_digits(cx, head, powers, radix)?);
    let head = huge::mul(cx, &head, powers.get(cx, low as u32)?)?;
    Ok(limbs::from_biguint(&(head + limbs::to_biguint(&from_digits(cx, tail, powers, radix)?))))
}

fn from_binary_digits(digits: &[u8], bits: u32) -> Buf {
    let mut out = Buf::with_capacity(digits.len() * bits as usize / 64 + 1);
    let (mut acc, mut filled) = (0u128, 0);
    for &d in digits.iter().rev() {
        acc |= u128::from(d) << filled;
        filled += bits;
        if filled >= 64 {
            out.push(acc as u64);
            acc >>= 64;
            filled -= 64;
        }
    }
    out.push(acc as u64);
    limbs::trim(&mut out);
    out
}

/// The digits of a magnitude in a base from 2 to 36, in lower case, without any limit.
pub(crate) fn magnitude_to_string(mag: &[u64], radix: u32) -> String {
    match (mag, radix) {
        ([], _) => "0".to_owned(),
        ([m], 10) => m.to_string(),
        (_, r) if r.is_power_of_two() => to_binary_digits(mag, r.trailing_zeros()),
        (_, 10) if mag.len() <= KERNEL_LIMBS => to_decimal(mag),
        _ => limbs::to_biguint(mag).to_str_radix(radix),
    }
}

fn to_binary_digits(mag: &[u64], bits: u32) -> String {
    let n = limbs::bit_len(mag).div_ceil(bits.into());
    let mask = (1u64 << bits) - 1;
    let digit = |i: u64| {
        let at = i * u64::from(bits);
        let (w, b) = ((at / 64) as usize, at % 64);
        let mut v = mag.get(w).copied().unwrap_or(0) >> b;
        if b + u64::from(bits) > 64 {
            v |= mag.get(w + 1).copied().unwrap_or(0) << (64 - b);
        }
        char::from_digit((v & mask) as u32, 36).unwrap_or('0')
    };
    (0..n).rev().map(digit).collect()
}

fn to_decimal(mag: &[u64]) -> String {
    const CHUNK: u64 = 10u64.pow(19);
    let mut parts = Vec::new();
    let mut rest = Buf::from_slice(mag);
    while !rest.is_empty() {
        let (q, r) = limbs::div_rem_limb(&rest, CHUNK);
        parts.push(r);
        rest = q;
    }
    let mut out = String::with_capacity(parts.len() * 19 + 1);
    for (i, p) in parts.iter().rev().enumerate() {
        use std::fmt::Write;
        let _ = if i == 0 { write!(out, "{p}") } else { write!(out, "{p:019}") };
    }
    out
}

/// The decimal text of an int, or ValueError if it has more digits than the limit allows.
pub(crate) fn decimal_str(cx: &Ctx, o: &Obj) -> PyResult {
    match o.as_int() {
        Some(n) => Ok(small_to_str(n)),
        None => to_decimal_string(cx, o).map(Obj::from),
    }
}

/// The decimal text of a machine int.
pub(crate) fn small_to_str(n: i64) -> Obj {
    crate::types::str::from_latin1(small_digits(n, &mut [0; 20]).as_bytes())
}

/// The decimal text of a machine int, at the end of `buf`.
pub(crate) fn small_digits(n: i64, buf: &mut [u8; 20]) -> &str {
    let mut at = buf.len();
    let mut left = n.unsigned_abs();
    while left >= 10 {
        at -= 1;
        buf[at] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    at -= 1;
    buf[at] = b'0' + left as u8;
    if n < 0 {
        at -= 1;
        buf[at] = b'-';
    }
    std::str::from_utf8(&buf[at..]).unwrap_or_default()
}

/// The decimal text of an int as a Rust string; empty for other objects.
///
/// # Errors
/// ValueError if there are more digits than the limit allows.
pub fn to_decimal_string(cx: &Ctx, o: &Obj) -> PyResult<String> {
    if let Some(n) = o.as_int() {
        return Ok(n.to_string());
    }
    let Some(v) = Operand::of(o) else { return Ok(String::new()) };
    let digits = checked_decimal(cx, v.mag())?;
    Ok(if v.neg { format!("-{digits}") } else { digits })
}

/// The decimal digits of a magnitude, or ValueError if there are more than the limit allows.
pub(crate) fn checked_decimal(cx: &Ctx, mag: &[u64]) -> PyResult<String> {
    // A lower bound on the number of digits refuses huge ints without converting them.
    let least = (limbs::bit_len(mag).saturating_sub(1) as f64 * std::f64::consts::LOG10_2) as usize;
    if exceeds_limit(least) {
        return Err(too_long(cx, None));
    }
    let s = if mag.len() as u64 * 64 > huge::WHOLE_BITS {
        arith::reserve_limbs(cx, 4 * mag.len() as u64)?;
        huge::to_text(cx, &limbs::to_biguint(mag), 10)?
    } else {
        magnitude_to_string(mag, 10)
    };
    if exceeds_limit(s.len()) { Err(too_long(cx, None)) } else { Ok(s) }
}

/// The text of an int in base 2, 8 or 16 with its prefix, as `bin`, `oct` and `hex` write it.
pub fn to_prefixed_string(o: &Obj, radix: u32) -> String {
    let Some(v) = Operand::of(o) else { return String::new() };
    let prefix = match radix {
        2 => "0b",
        8 => "0o",
        _ => "0x",
    };
    format!("{}{prefix}{}", if v.neg { "-" } else { "" }, magnitude_to_string(v.mag(), radix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Host;

    static BARE: Host = Host::bare();

    #[test]
    fn radix_conversion_is_the_inverse_of_parsing() {
        let cx = Ctx::new(&BARE, 1 << 20);
        let mut mag = Buf::from_slice(&[0x0123_4567_89ab_cdef]);
        for _ in 0..9 {
            for radix in [2, 3, 8, 10, 16, 32, 36] {
                let s = magnitude_to_string(&mag, radix);
                assert_eq!(s, limbs::to_biguint(&mag).to_str_radix(radix));
                let digits = digits_of(&cx, s.as_bytes(), radix).unwrap_or_default();
                let read = match radix.is_power_of_two() {
                    true => from_binary_digits(&digits, radix.trailing_zeros()),
                    false => from_digits(&cx, &digits, &mut Powers::new(radix), radix).unwrap(),
                };
                assert_eq!(read, mag, "{s}");
            }
            mag = limbs::mul(&mag, &mag);
            mag = limbs::mul_limb(&mag, u64::MAX, 77);
        }
    }

    #[test]
    fn underscores_stand_between_digits_only() {
        let cx = Ctx::new(&BARE, 1 << 20);
        assert_eq!(digits_of(&cx, b"1_0", 10), Ok(vec![1, 0]));
        for bad in [&b"_1"[..], b"1_", b"1__0", b"", b"_", b"9a"] {
            assert_eq!(digits_of(&cx, bad, 10), Err(ParseError::Invalid));
        }
    }

    #[test]
    fn digits_of_other_scripts_have_values() {
        for (c, v) in [('7', 7), ('\u{661}', 1), ('\u{0969}', 3), ('\u{1d7ff}', 9), ('\u{1d7ce}', 0), ('\u{ff15}', 5)] {
            assert_eq!(decimal_value(c), Some(v), "{c}");
        }
        assert_eq!(decimal_value('\u{b2}'), None);
        assert_eq!(&*to_ascii_digits("\u{2003}\u{661}x\u{b2}"), b" 1x?");
    }
}
