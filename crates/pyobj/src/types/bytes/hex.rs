//! Bytes as hexadecimal text and back; `repr`.

use super::args::BytesLike;
use crate::ctx::{Ctx, PyResult};
use crate::types::str::{self as text, Str, StrBuilder};
use crate::value::Obj;

/// `repr` of bytes, with the `b`. A bytearray shows single quotes escaped even between double quotes.
pub(crate) fn repr(b: &[u8], mutable: bool) -> StrBuilder {
    let q = text::repr::quote_for(b.contains(&b'\''), b.contains(&b'"'));
    let mut out = StrBuilder::new();
    out.push_str("b");
    out.push(q as u32);
    for &c in b {
        match c {
            b'\\' => out.push_str("\\\\"),
            c if c == q || (mutable && c == b'\'') => {
                out.push('\\' as u32);
                out.push(c as u32);
            }
            0x20..0x7f => out.push(c as u32),
            _ => text::repr::push_escape(&mut out, c as u32),
        }
    }
    out.push(q as u32);
    out
}

/// Hexadecimal digits of `b`, with a separator between groups of `group` bytes (counted from the right, or
/// if negative from the left).
pub fn to_hex(b: &[u8], separator: Option<u8>, group: isize) -> Vec<u8> {
    let size = group.unsigned_abs();
    let mut out = Vec::with_capacity(b.len() * 2 + b.len() / size.max(1));
    for (i, &c) in b.iter().enumerate() {
        if let Some(s) = separator
            && i > 0
            && size > 0
            && (if group > 0 { b.len() - i } else { i }).is_multiple_of(size)
        {
            out.push(s);
        }
        out.push(text::repr::HEX[(c >> 4) as usize]);
        out.push(text::repr::HEX[(c & 15) as usize]);
    }
    out
}

/// The separator argument of `hex` methods.
///
/// # Errors
/// ValueError or TypeError for anything but one ASCII character.
pub fn separator(cx: &Ctx, sep: Option<&Obj>) -> PyResult<Option<u8>> {
    let Some(sep) = sep else { return Ok(None) };
    // A subclass may have a length of its own.
    if sep.len(cx)? != 1 {
        return Err(cx.value_error("sep must be length 1."));
    }
    let c = if let Some(s) = sep.downcast::<Str>() {
        match (s.len(), s.get(0)) {
            (1, Some(c)) => c,
            _ => return Err(cx.value_error("sep must be length 1.")),
        }
    } else if let Some(b) = sep.downcast::<super::Bytes>() {
        match b.as_slice() {
            [c] => *c as u32,
            _ => return Err(cx.value_error("sep must be length 1.")),
        }
    } else {
        return Err(cx.type_error("sep must be str or bytes."));
    };
    if c > 127 {
        return Err(cx.value_error("sep must be ASCII."));
    }
    Ok(Some(c as u8))
}

/// The bytes that `fromhex` makes of a str or bytes-like object.
///
/// # Errors
/// ValueError for other characters than hexadecimal digits and whitespace between pairs.
pub fn from_hex(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    let digits: Vec<u32> = if let Some(s) = o.downcast::<Str>() {
        s.code_points().collect()
    } else if super::args::is_bytes_like(o) {
        BytesLike::new(cx, o)?.with(|b| b.iter().map(|c| *c as u32).collect())
    } else {
        return Err(
            cx.type_error(format!("fromhex() argument must be str or bytes-like, not {}", o.type_of().full_name()))
        );
    };
    let digit = |i: usize| digits.get(i).and_then(|c| char::from_u32(*c)).and_then(|c| c.to_digit(16));
    let blank = |i: usize| digits.get(i).is_some_and(|c| matches!(c, 9..=13 | 32));
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut i = 0;
    loop {
        while blank(i) {
            i += 1;
        }
        if i >= digits.len() {
            return Ok(out);
        }
        let bad =
            |at: usize| Err(cx.value_error(format!("non-hexadecimal number found in fromhex() arg at position {at}")));
        let Some(high) = digit(i) else { return bad(i) };
        let Some(low) = digit(i + 1) else {
            if i + 1 >= digits.len() {
                return Err(cx.value_error("fromhex() arg must contain an even number of hexadecimal digits"));
            }
            return bad(i + 1);
        };
        out.push((high << 4 | low) as u8);
        i += 2;
    }
}
