//! The values of string, bytes and number literals.

use crate::ast::{Arena, Constant, IntValue};
use crate::error::FUTURE_OF_ESCAPES;
use std::borrow::Cow;

/// What is wrong with an escape sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EscapeError(pub String);

/// An escape sequence that means nothing: the byte offset of its backslash in the body, and its message.
pub(crate) type EscapeWarning = (usize, String);

/// The text of the warning about a meaningless escape sequence.
pub(crate) fn invalid_escape_message(sequence: &str, octal: bool) -> String {
    let octal = if octal { "octal " } else { "" };
    format!(
        "\"\\{sequence}\" is an invalid {octal}escape sequence.{FUTURE_OF_ESCAPES} Did you mean \"\\\\{sequence}\"? A raw \
         string is also an option."
    )
}

/// The value of the body of a string literal that is not raw, in generalised UTF-8.
pub(crate) fn decode_str<'s>(body: &'s str, warn: &mut dyn FnMut(EscapeWarning)) -> Result<Cow<'s, [u8]>, EscapeError> {
    let bytes = body.as_bytes();
    let Some(first) = memchr::memchr(b'\\', bytes) else { return Ok(Cow::Borrowed(bytes)) };
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..first).unwrap_or_default());
    let mut at = first;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..length).unwrap_or_default());
            at += length;
            continue;
        }
        let start = at;
        at += 2;
        let fail = |end: usize, what: &str| Err(escape_error(body, start, end, what));
        match bytes.get(start + 1) {
            // Only the text before a replacement field can end so.
            None => out.push(b'\\'),
            Some(b'\n') => {}
            Some(b'x') => match hex(bytes, at, 2) {
                Ok(code) => {
                    crate::ast::push_code_point(&mut out, code);
                    at += 2;
                }
                Err(end) => return fail(end, "truncated \\xXX escape"),
            },
            Some(b'u') => match hex(bytes, at, 4) {
                Ok(code) => {
                    crate::ast::push_code_point(&mut out, code);
                    at += 4;
                }
                Err(end) => return fail(end, "truncated \\uXXXX escape"),
            },
            Some(b'U') => match hex(bytes, at, 8) {
                Ok(code) if code <= 0x10ffff => {
                    crate::ast::push_code_point(&mut out, code);
                    at += 8;
                }
                Ok(_) => return fail(at + 8, "illegal Unicode character"),
                Err(end) => return fail(end, "truncated \\UXXXXXXXX escape"),
            },
            Some(b'N') => {
                if bytes.get(at) != Some(&b'{') {
                    return fail(at, "malformed \\N character escape");
                }
                let rest = body.get(at + 1..).unwrap_or_default();
                let Some(length) = rest.find('}') else {
                    return fail(bytes.len(), "malformed \\N character escape");
                };
                at += length + 2;
                if length == 0 {
                    return fail(at, "malformed \\N character escape");
                }
                let name = rest.get(..length).unwrap_or_default();
                match crate::unicode::character_named(name) {
                    Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    None => return fail(at, "unknown Unicode character name"),
                }
            }
            Some(b'0'..=b'7') => {
                let (code, end) = octal(bytes, start + 1);
                if code > 0o377 {
                    warn((start, invalid_escape_message(&format!("{code:o}"), true)));
                }
                crate::ast::push_code_point(&mut out, code);
                at = end;
            }
            Some(&other) => match simple_escape(other) {
                Some(value) => out.push(value),
                None => {
                    let c = body.get(start + 1..).and_then(|rest| rest.chars().next()).unwrap_or('\\');
                    if c.is_ascii() {
                        warn((start, invalid_escape_message(&c.to_string(), false)));
                    }
                    out.push(b'\\');
                    at = start + 1;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    at += c.len_utf8();
                }
            },
        }
    }
    // Two escaped surrogates do not become one character, but their bytes do not look like one either.
    Ok(Cow::Owned(out))
}

/// The value of the body (ASCII) of a bytes literal that is not raw.
pub(crate) fn decode_bytes<'s>(
    body: &'s str,
    warn: &mut dyn FnMut(EscapeWarning),
) -> Result<Cow<'s, [u8]>, EscapeError> {
    let bytes = body.as_bytes();
    if memchr::memchr(b'\\', bytes).is_none() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let start = at;
        at += 2;
        match bytes.get(start + 1) {
            None => return Err(EscapeError("(value error) Trailing \\ in string".into())),
            Some(b'\n') => {}
            Some(b'x') => match hex(bytes, at, 2) {
                Ok(code) => {
                    out.push(code as u8);
                    at += 2;
                }
                Err(_) => return Err(EscapeError(format!("(value error) invalid \\x escape at position {start}"))),
            },
            Some(b'0'..=b'7') => {
                let (code, end) = octal(bytes, start + 1);
                if code > 0o377 {
                    warn((start, invalid_escape_message(&format!("{code:o}"), true)));
                }
                out.push(code as u8);
                at = end;
            }
            Some(&other) => match simple_escape(other) {
                Some(value) => out.push(value),
                None => {
                    warn((start, invalid_escape_message(&char::from(other).to_string(), false)));
                    out.extend([b'\\', other]);
                }
            },
        }
    }
    Ok(Cow::Owned(out))
}

/// The prefix of a string literal, the offset of its body, and the body.
pub(crate) fn split_literal(token: &str) -> (&str, usize, &str) {
    let open = token.find(['"', '\'']).unwrap_or(0);
    let (prefix, rest) = token.split_at_checked(open).unwrap_or_default();
    let triple = rest.len() >= 6 && (rest.starts_with("\"\"\"") || rest.starts_with("'''"));
    let size = if triple { 3 } else { 1 };
    (prefix, open + size, rest.get(size..rest.len().saturating_sub(size)).unwrap_or_default())
}

/// Why a plain literal has no value.
pub(crate) fn wrong_with(token: &str) -> Option<String> {
    let (prefix, _, body) = split_literal(token);
    let (raw, bytes) = (prefix.contains(['r', 'R']), prefix.contains(['b', 'B']));
    if bytes && !body.is_ascii() {
        return Some("bytes can only contain ASCII literal characters".into());
    }
    if raw {
        return None;
    }
    let decode = if bytes { decode_bytes } else { decode_str };
    decode(body, &mut |_| {}).err().map(|EscapeError(msg)| msg)
}

/// The first meaningless escape sequence of a plain literal: its offset in the token, and the message.
pub(crate) fn escape_warning(token: &str) -> Option<EscapeWarning> {
    let (prefix, start, body) = split_literal(token);
    if prefix.contains(['r', 'R']) {
        return None;
    }
    let decode = if prefix.contains(['b', 'B']) { decode_bytes } else { decode_str };
    let mut first = None;
    // What else is wrong with the literal is not asked here.
    let _ = decode(body, &mut |warning| {
        first.get_or_insert(warning);
    });
    first.map(|(offset, message)| (start + offset, message))
}

fn simple_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'\\' | b'\'' | b'"' => byte,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        _ => return None,
    })
}

/// The value of exactly `count` hexadecimal digits, or the offset where they end too soon.
fn hex(bytes: &[u8], at: usize, count: usize) -> Result<u32, usize> {
    let mut code = 0u32;
    for offset in at..at + count {
        let digit = bytes.get(offset).and_then(|byte| char::from(*byte).to_digit(16));
        code = code.wrapping_mul(16).wrapping_add(digit.ok_or(offset)?);
    }
    Ok(code)
}

/// The value of one to three octal digits, and the offset behind them.
fn octal(bytes: &[u8], at: usize) -> (u32, usize) {
    let digits = bytes.get(at..).unwrap_or_default().iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
    digits.fold((0, at), |(code, end), digit| (code * 8 + u32::from(digit - b'0'), end + 1))
}

/// The message of the codec's error: its positions count a character beyond ASCII as ten bytes.
fn escape_error(body: &str, start: usize, end: usize, what: &str) -> EscapeError {
    let width = |text: Option<&str>| -> usize {
        text.unwrap_or_default().chars().map(|c| if c.is_ascii() { 1 } else { 10 }).sum()
    };
    let from = width(body.get(..start));
    let until = from + width(body.get(start..end));
    let place = if until - from <= 1 {
        format!("byte 0x5c in position {from}")
    } else {
        format!("bytes in position {from}-{}", until - 1)
    };
    EscapeError(format!("(unicode error) 'unicodeescape' codec can't decode {place}: {what}"))
}

/// The value of a number token.
///
/// # Errors
/// The number of digits, if a decimal integer has more than `max_digits` (0: no limit).
pub(crate) fn number<'a>(text: &str, max_digits: u32, arena: &'a Arena<'a>) -> Result<Constant<'a>, usize> {
    let bytes = text.as_bytes();
    let radix = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    if radix != 10 {
        return Ok(Constant::Int(crate::ast::parse_int(text.get(2..).unwrap_or_default(), radix, arena)));
    }
    if bytes.iter().all(u8::is_ascii_digit) && bytes.len() < 20 {
        let value = bytes.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        return Ok(Constant::Int(IntValue::Small(value)));
    }
    let clean: Cow<str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    if let Some(imaginary) = clean.strip_suffix(['j', 'J']) {
        return Ok(Constant::Complex { real: 0.0, imag: imaginary.parse().unwrap_or(0.0) });
    }
    if clean.contains(['.', 'e', 'E']) {
        return Ok(Constant::Float(clean.parse().unwrap_or(0.0)));
    }
    if max_digits != 0 && clean.len() > max_digits as usize {
        return Err(clean.len());
    }
    Ok(Constant::Int(crate::ast::parse_int(&clean, 10, arena)))
}
