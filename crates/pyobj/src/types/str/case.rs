//! Case mapping and classification.

use rustpython_unicode::{case, classify, identifier};

use super::{Str, StrBuilder};
use crate::value::Obj;

fn ch(c: u32) -> Option<char> {
    char::from_u32(c)
}

/// Whether every code point satisfies `p` and there is one.
fn all(s: &Str, p: impl Fn(char) -> bool) -> bool {
    !s.is_empty() && s.code_points().all(|c| ch(c).is_some_and(&p))
}

pub(crate) fn is_alpha(s: &Str) -> bool {
    all(s, |c| if c.is_ascii() { c.is_ascii_alphabetic() } else { classify::is_alpha(c) })
}

/// A character of any of the classes alphabetic, decimal, digit or numeric.
pub(crate) fn is_alnum_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { classify::is_alpha(c) || classify::is_numeric(c) }
}

pub(crate) fn is_alnum(s: &Str) -> bool {
    all(s, is_alnum_char)
}

pub(crate) fn is_decimal(s: &Str) -> bool {
    all(s, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_decimal(c) })
}

pub(crate) fn is_digit(s: &Str) -> bool {
    all(s, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_digit(c) })
}

pub(crate) fn is_numeric(s: &Str) -> bool {
    all(s, |c| if c.is_ascii() { c.is_ascii_digit() } else { classify::is_numeric(c) })
}

/// Python's whitespace.
pub(crate) fn is_space_code(c: u32) -> bool {
    match c {
        9..=13 | 28..=32 | 0x85 | 0xa0 => true,
        0..0x100 => false,
        _ => ch(c).is_some_and(classify::is_space),
    }
}

pub(crate) fn is_space(s: &Str) -> bool {
    !s.is_empty() && s.code_points().all(is_space_code)
}

/// Whether `repr` shows the code point as it is.
pub(crate) fn is_printable_code(c: u32) -> bool {
    match c {
        0x20..0x7f => true,
        0..0xa1 | 0xad => false,
        0xa1..0x100 => true,
        _ => ch(c).is_some_and(classify::is_printable),
    }
}

pub(crate) fn is_printable(s: &Str) -> bool {
    s.code_points().all(is_printable_code)
}

fn lower_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_lowercase() } else { case::is_lowercase(c) }
}

fn upper_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_uppercase() } else { case::is_uppercase(c) }
}

/// Whether there is a character of one case and none of the others.
fn only_case(s: &Str, wanted: impl Fn(char) -> bool, refused: impl Fn(char) -> bool) -> bool {
    let mut seen = false;
    for c in s.code_points().filter_map(ch) {
        if refused(c) || case::is_titlecase(c) {
            return false;
        }
        seen |= wanted(c);
    }
    seen
}

pub(crate) fn is_lower(s: &Str) -> bool {
    only_case(s, lower_char, upper_char)
}

pub(crate) fn is_upper(s: &Str) -> bool {
    only_case(s, upper_char, lower_char)
}

pub(crate) fn is_title(s: &Str) -> bool {
    let (mut seen, mut previous_cased) = (false, false);
    for c in s.code_points() {
        let Some(c) = ch(c) else {
            previous_cased = false;
            continue;
        };
        if upper_char(c) || case::is_titlecase(c) {
            if previous_cased {
                return false;
            }
            (seen, previous_cased) = (true, true);
        } else if lower_char(c) {
            if !previous_cased {
                return false;
            }
            (seen, previous_cased) = (true, true);
        } else {
            previous_cased = false;
        }
    }
    seen
}

/// Whether the text is an identifier (keywords included).
pub fn is_identifier(s: &Str) -> bool {
    let mut it = s.code_points();
    let start = |c: char| c == '_' || c.is_ascii_alphabetic() || (!c.is_ascii() && identifier::is_start(c));
    let go_on = |c: char| c == '_' || c.is_ascii_alphanumeric() || (!c.is_ascii() && identifier::is_continue(c));
    it.next().and_then(ch).is_some_and(start) && it.all(|c| ch(c).is_some_and(go_on))
}

const SIGMA: u32 = 0x3a3;

/// The lower case of the sigma at `i`: its final form after a letter and before none.
fn lower_sigma(s: &Str, i: usize) -> u32 {
    let cased = |c: u32| ch(c).is_some_and(case::is_cased);
    let ignorable = |c: &u32| ch(*c).is_some_and(case::is_case_ignorable);
    let before = (0..i).rev().filter_map(|k| s.get(k)).find(|c| !ignorable(c)).is_some_and(cased);
    let after = (i + 1..s.len()).filter_map(|k| s.get(k)).find(|c| !ignorable(c)).is_some_and(cased);
    if before && !after { 0x3c2 } else { 0x3c3 }
}

fn push_lower(out: &mut StrBuilder, s: &Str, i: usize, c: u32) {
    if c == SIGMA {
        return out.push(lower_sigma(s, i));
    }
    match ch(c) {
        Some(c) => c.to_lowercase().for_each(|c| out.push_char(c)),
        None => out.push(c),
    }
}

fn push_upper(out: &mut StrBuilder, c: u32) {
    match ch(c) {
        Some(c) => c.to_uppercase().for_each(|c| out.push_char(c)),
        None => out.push(c),
    }
}

fn push_title(out: &mut StrBuilder, c: u32) {
    match ch(c) {
        Some(c) if c.is_ascii() => out.push_char(c.to_ascii_uppercase()),
        Some(c) => out.push_str(&case::capitalize_str(c.encode_utf8(&mut [0; 4]))),
        None => out.push(c),
    }
}

/// Maps ASCII text byte by byte, or other text with `f`.
fn map(s: &Str, ascii: impl Fn(&mut [u8]), mut f: impl FnMut(&mut StrBuilder, usize, u32)) -> Obj {
    if let (true, Some(t)) = (s.is_ascii(), s.as_str()) {
        if t.len() > 1 {
            return super::storage::changed_ascii(t.as_bytes(), ascii);
        }
        let mut b = [0; 1];
        let b = &mut b[..t.len()];
        b.copy_from_slice(t.as_bytes());
        ascii(b);
        return super::from_latin1(b);
    }
    let mut out = StrBuilder::new();
    for (i, c) in s.code_points().enumerate() {
        f(&mut out, i, c);
    }
    out.finish()
}

pub(crate) fn lower(s: &Str) -> Obj {
    map(s, <[u8]>::make_ascii_lowercase, |out, i, c| push_lower(out, s, i, c))
}

pub(crate) fn upper(s: &Str) -> Obj {
    map(s, <[u8]>::make_ascii_uppercase, |out, _, c| push_upper(out, c))
}

pub(crate) fn casefold(s: &Str) -> Obj {
    map(s, <[u8]>::make_ascii_lowercase, |out, _, c| match ch(c) {
        Some(c) => out.push_str(&case::casefold_str(c.encode_utf8(&mut [0; 4]))),
        None => out.push(c),
    })
}

pub(crate) fn swapcase(s: &Str) -> Obj {
    map(s, crate::types::bytes::ascii::swapcase, |out, i, c| match ch(c) {
        Some(x) if upper_char(x) => push_lower(out, s, i, c),
        Some(x) if lower_char(x) => push_upper(out, c),
        _ => out.push(c),
    })
}

pub(crate) fn capitalize(s: &Str) -> Obj {
    map(
        s,
        crate::types::bytes::ascii::capitalize,
        |out, i, c| {
            if i == 0 { push_title(out, c) } else { push_lower(out, s, i, c) }
        },
    )
}

pub(crate) fn title(s: &Str) -> Obj {
    let mut previous_cased = false;
    map(s, crate::types::bytes::ascii::title, |out, i, c| {
        if previous_cased {
            push_lower(out, s, i, c);
        } else {
            push_title(out, c);
        }
        previous_cased = ch(c).is_some_and(case::is_cased);
    })
}

/// The value of a decimal digit of any script.
pub fn decimal_digit(c: u32) -> Option<u32> {
    if c < 0x80 {
        return char::from_u32(c).and_then(|c| c.to_digit(10));
    }
    let c = rustpython_wtf8::CodePoint::from_u32(c)?;
    rustpython_unicode::Ucd::new(true).decimal(c).map(|d| d as u32)
}
