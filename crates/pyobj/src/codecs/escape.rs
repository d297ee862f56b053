//! Escape sequences: `unicode_escape`, `raw_unicode_escape`, and escapes of bytes.

use super::Decoded;
use super::errors::{Decoder, Errors};
use crate::ctx::{Ctx, PyResult};
use crate::types::exc;
use crate::types::str::{Str, StrBuilder, StrData, repr};

/// Encodes with the escapes of Python string literals.
pub fn encode_unicode(s: &Str) -> Vec<u8> {
    let mut out = StrBuilder::new();
    for c in s.code_points() {
        match c {
            0x5c => out.push_str("\\\\"),
            0x20..0x7f => out.push(c),
            _ => repr::push_escape(&mut out, c),
        }
    }
    units(&out)
}

/// Encodes as Latin-1, with `\u` and `\U` escapes for the rest.
pub fn encode_raw(s: &Str) -> Vec<u8> {
    let mut out = StrBuilder::new();
    for c in s.code_points() {
        if c < 0x100 { out.push(c) } else { repr::push_hex_escape(&mut out, c) }
    }
    units(&out)
}

fn units(b: &StrBuilder) -> Vec<u8> {
    match b.data() {
        StrData::Latin1(u) => u.to_vec(),
        _ => Vec::new(),
    }
}

fn warn(cx: &Ctx, sequence: &str, octal: bool, bytes: bool) -> PyResult<()> {
    let (b, kind) = (if bytes { "b" } else { "" }, if octal { "octal escape" } else { "escape" });
    let text =
        format!("{b}\"\\{sequence}\" is an invalid {kind} sequence. Such sequences will not work in the future. ");
    (cx.host().warn)(cx, exc::DeprecationWarning(), &text, 1)
}

/// A hexadecimal number of up to `count` digits from `at`: its value and where it ends.
fn hex(input: &[u8], at: usize, count: usize) -> (u32, usize) {
    let digits = input.iter().skip(at).take(count).map_while(|c| (*c as char).to_digit(16));
    let mut n = 0;
    let value = digits.inspect(|_| n += 1).fold(0u32, |v, d| v << 4 | d);
    (value, at + n)
}

/// What an escape sequence stands for.
enum Escape {
    Code(u32, usize),
    Nothing(usize),
    /// An error up to an index; incomplete ones may become whole with more input.
    Bad {
        end: usize,
        reason: &'static str,
        incomplete: bool,
    },
    /// No escape sequence: the backslash stands for itself.
    Literal(u8, usize),
    Octal(u32, usize),
}

fn escape(input: &[u8], at: usize) -> Escape {
    let Some(&c) = input.get(at) else {
        return Escape::Bad { end: at, reason: "\\ at end of string", incomplete: true };
    };
    let next = at + 1;
    let simple = |c: u32| Escape::Code(c, next);
    let number = |count: usize, reason: &'static str| {
        let (v, end) = hex(input, next, count);
        if end - next < count {
            return Escape::Bad { end, reason, incomplete: end == input.len() };
        }
        if v > 0x10_ffff {
            return Escape::Bad { end, reason: "illegal Unicode character", incomplete: false };
        }
        Escape::Code(v, end)
    };
    match c {
        b'\n' => Escape::Nothing(next),
        b'\\' | b'\'' | b'"' => simple(c as u32),
        b'b' => simple(8),
        b'f' => simple(12),
        b't' => simple(9),
        b'n' => simple(10),
        b'r' => simple(13),
        b'v' => simple(11),
        b'a' => simple(7),
        b'0'..=b'7' => {
            let mut v = 0u32;
            let mut end = at;
            while let Some(d @ b'0'..=b'7') = input.get(end)
                && end < at + 3
            {
                v = v << 3 | (d - b'0') as u32;
                end += 1;
            }
            Escape::Octal(v, end)
        }
        b'x' => number(2, "truncated \\xXX escape"),
        b'u' => number(4, "truncated \\uXXXX escape"),
        b'U' => number(8, "truncated \\UXXXXXXXX escape"),
        b'N' => named(input, next),
        _ => Escape::Literal(c, next),
    }
}

fn named(input: &[u8], at: usize) -> Escape {
    let reason = "malformed \\N character escape";
    if input.get(at) != Some(&b'{') {
        return Escape::Bad { end: at, reason, incomplete: at >= input.len() };
    }
    let start = at + 1;
    let Some(n) = input[start..].iter().position(|c| *c == b'}') else {
        return Escape::Bad { end: input.len(), reason, incomplete: true };
    };
    if n == 0 {
        return Escape::Bad { end: start, reason, incomplete: false };
    }
    let name = std::str::from_utf8(&input[start..start + n]).unwrap_or("");
    match rustpython_unicode::lookup_character(name) {
        Some(c) => Escape::Code(c as u32, start + n + 1),
        None => Escape::Bad { end: start + n + 1, reason: "unknown Unicode character name", incomplete: false },
    }
}

/// Decodes the escapes of Python string literals in Latin-1 text. Unless `last`, an incomplete escape at
/// the end is left unconsumed.
///
/// # Errors
/// UnicodeDecodeError, unless handled; DeprecationWarning as an error.
pub fn decode_unicode(cx: &Ctx, b: &[u8], errors: &Errors, last: bool) -> PyResult<Decoded> {
    let mut d = Decoder::new(cx, errors, "unicodeescape", b);
    let mut at = 0;
    let mut warned = false;
    loop {
        let n = d.input.len();
        let run = memchr::memchr(b'\\', &d.input[at..]).map_or(n, |k| at + k);
        d.out.push_units(&d.input[at..run]);
        if run == n {
            return Ok(d.finish(n));
        }
        at = match escape(&d.input, run + 1) {
            Escape::Code(c, next) => {
                d.out.push(c);
                next
            }
            Escape::Octal(c, next) => {
                if c > 0xff && !warned {
                    warned = true;
                    warn(cx, &format!("{c:o}"), true, false)?;
                }
                d.out.push(c);
                next
            }
            Escape::Nothing(next) => next,
            Escape::Literal(c, next) => {
                if !warned {
                    warned = true;
                    warn(cx, &(c as char).to_string(), false, false)?;
                }
                d.out.push('\\' as u32);
                d.out.push(c as u32);
                next
            }
            Escape::Bad { incomplete: true, .. } if !last => return Ok(d.finish(run)),
            Escape::Bad { end, reason, .. } => d.error(run, end, reason)?,
        };
    }
}

/// Decodes `\u` and `\U` escapes in Latin-1 text.
///
/// # Errors
/// UnicodeDecodeError, unless handled.
pub fn decode_raw(cx: &Ctx, b: &[u8], errors: &Errors, last: bool) -> PyResult<Decoded> {
    let mut d = Decoder::new(cx, errors, "rawunicodeescape", b);
    let mut at = 0;
    while at < d.input.len() {
        let c = d.input[at];
        let n = d.input.len();
        if c != b'\\' || (at + 1 >= n && last) {
            d.out.push(c as u32);
            at += 1;
            continue;
        }
        let (count, reason) = match d.input.get(at + 1) {
            None => return Ok(d.finish(at)),
            Some(b'u') => (4, "truncated \\uXXXX escape"),
            Some(b'U') => (8, "truncated \\UXXXXXXXX escape"),
            Some(&other) => {
                d.out.push('\\' as u32);
                d.out.push(other as u32);
                at += 2;
                continue;
            }
        };
        let (v, end) = hex(&d.input, at + 2, count);
        at = if end - at - 2 < count {
            if end == n && !last {
                return Ok(d.finish(at));
            }
            d.error(at, end, reason)?
        } else if v > 0x10_ffff {
            d.error(at, end, "\\Uxxxxxxxx out of range")?
        } else {
            d.out.push(v);
            end
        };
    }
    Ok(d.finish(at))
}

/// Decodes the escapes of bytes literals.
///
/// # Errors
/// ValueError for malformed escapes, unless `errors` is "replace" or "ignore".
pub fn decode_bytes(cx: &Ctx, b: &[u8], errors: &str) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(b.len());
    let mut at = 0;
    let mut warned = false;
    while at < b.len() {
        if b[at] != b'\\' {
            out.push(b[at]);
            at += 1;
            continue;
        }
        let Some(&c) = b.get(at + 1) else { return Err(cx.value_error("Trailing \\ in string")) };
        match (c, escape(b, at + 1)) {
            (b'u' | b'U' | b'N', _) | (_, Escape::Literal(..)) => {
                if !warned {
                    warned = true;
                    warn(cx, &(c as char).to_string(), false, true)?;
                }
                out.push(b'\\');
                at += 1;
            }
            (_, Escape::Code(v, next)) => {
                out.push(v as u8);
                at = next;
            }
            (_, Escape::Octal(v, next)) => {
                if v > 0xff && !warned {
                    warned = true;
                    warn(cx, &format!("{v:o}"), true, true)?;
                }
                out.push(v as u8);
                at = next;
            }
            (_, Escape::Nothing(next)) => at = next,
            (_, Escape::Bad { end, .. }) => match errors {
                "strict" => return Err(cx.value_error(format!("invalid \\x escape at position {at}"))),
                "replace" => {
                    out.push(b'?');
                    at = end;
                }
                "ignore" => at = end,
                _ => {
                    return Err(cx.value_error(format!("decoding error; unknown error handling code: {errors}")));
                }
            },
        }
    }
    Ok(out)
}
