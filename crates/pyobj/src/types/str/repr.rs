//! `repr` and `ascii` of text, and escapes shared with bytes and codecs.

use super::{Str, StrBuilder, case};
use crate::value::Obj;

/// The quote that `repr` takes: double where only single ones occur inside.
pub(crate) fn quote_for(has_single: bool, has_double: bool) -> u8 {
    if has_single && !has_double { b'"' } else { b'\'' }
}

/// `repr(s)`.
pub fn repr(s: &Str) -> Obj {
    quoted(s, case::is_printable_code)
}

/// `ascii(s)`.
pub fn ascii(s: &Str) -> Obj {
    quoted(s, |c| (0x20..0x7f).contains(&c))
}

fn quoted(s: &Str, printable: impl Fn(u32) -> bool) -> Obj {
    let q = quote_for(s.find_char('\'' as u32, 0).is_some(), s.find_char('"' as u32, 0).is_some()) as u32;
    let mut out = StrBuilder::new();
    out.push(q);
    for c in s.code_points() {
        if c == q || c == '\\' as u32 {
            out.push('\\' as u32);
            out.push(c);
        } else if printable(c) {
            out.push(c);
        } else {
            push_escape(&mut out, c);
        }
    }
    out.push(q);
    out.finish()
}

/// A backslash escape of a code point, as `repr` writes it.
pub(crate) fn push_escape(out: &mut StrBuilder, c: u32) {
    match c {
        9 => out.push_str("\\t"),
        10 => out.push_str("\\n"),
        13 => out.push_str("\\r"),
        _ => push_hex_escape(out, c),
    }
}

/// `\xhh`, `\uhhhh` or `\Uhhhhhhhh`.
pub(crate) fn push_hex_escape(out: &mut StrBuilder, c: u32) {
    let (letter, digits) = match c {
        0..0x100 => (b'x', 2),
        0x100..0x1_0000 => (b'u', 4),
        _ => (b'U', 8),
    };
    out.push('\\' as u32);
    out.push(letter as u32);
    for i in (0..digits).rev() {
        out.push(HEX[(c >> (4 * i)) as usize & 15] as u32);
    }
}

pub(crate) const HEX: &[u8; 16] = b"0123456789abcdef";

/// `repr` of an ASCII `&str` and friends for messages.
pub fn repr_str(s: &str) -> String {
    let o = super::new(s);
    match o.downcast::<Str>() {
        Some(p) => super::as_utf8_lossy(&repr(p)).into_owned(),
        None => String::new(),
    }
}
