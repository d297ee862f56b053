//! Text encodings: the built-in codecs, error handlers, and the registry of codecs.
//!
//! Encoders take a str and give bytes; decoders take bytes and give a str and how much they consumed, so
//! that incremental decoders can be built on them. What cannot be coded goes to an error handler
//! ([`errors`]): built-in ones are applied directly, others are Python callables from the [`registry`].

pub mod charmap;
pub mod encode;
pub mod errors;
pub mod escape;
pub mod latin;
pub mod registry;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

use crate::ctx::{Ctx, PyResult};
use crate::protocol::buffer::Buffer;
use crate::types::bytes;
use crate::types::str::Str;
use crate::value::Obj;
use errors::Errors;

/// The order of the bytes of a code unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteOrder {
    /// Told by a byte order mark; written little-endian with a mark.
    Marked,
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// A decoder's result.
pub struct Decoded {
    /// The text.
    pub text: Obj,
    /// How many bytes were decoded.
    pub consumed: usize,
}

enum Known {
    Utf8,
    Latin1,
    Ascii,
    Utf16(ByteOrder),
    Utf32(ByteOrder),
}

/// The codecs that are found without the registry.
fn known(encoding: &str) -> Option<Known> {
    // As they are mostly written.
    match encoding {
        "utf-8" | "utf8" => return Some(Known::Utf8),
        "latin-1" | "latin1" => return Some(Known::Latin1),
        "ascii" => return Some(Known::Ascii),
        _ => {}
    }
    let mut name = String::with_capacity(encoding.len());
    for c in encoding.chars() {
        name.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    Some(match &*name {
        "utf-8" | "utf8" => Known::Utf8,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Known::Latin1,
        "ascii" | "us-ascii" => Known::Ascii,
        "utf-16" => Known::Utf16(ByteOrder::Marked),
        "utf-16-le" => Known::Utf16(ByteOrder::Little),
        "utf-16-be" => Known::Utf16(ByteOrder::Big),
        "utf-32" => Known::Utf32(ByteOrder::Marked),
        "utf-32-le" => Known::Utf32(ByteOrder::Little),
        "utf-32-be" => Known::Utf32(ByteOrder::Big),
        _ => return None,
    })
}

/// `text.encode(encoding, errors)`: a bytes object.
///
/// # Errors
/// LookupError for unknown encodings, UnicodeEncodeError, and what codecs raise.
pub fn encode(cx: &Ctx, text: &Obj, encoding: &str, errors: &str) -> PyResult {
    registry::check_names(cx, encoding, errors)?;
    let Some(s) = text.downcast::<Str>() else { return Err(cx.type_error("a str is needed to encode")) };
    let Some(k) = known(encoding) else { return registry::encode_text(cx, text, encoding, errors) };
    let e = Errors::new(errors);
    let v = match k {
        Known::Utf8 => {
            if let Some(t) = s.as_str() {
                return Ok(bytes::new(t.as_bytes()));
            }
            utf8::encode(cx, text, s, &e)?
        }
        Known::Latin1 => latin::encode(cx, text, s, &e, latin::LATIN1)?,
        Known::Ascii => latin::encode(cx, text, s, &e, latin::ASCII)?,
        Known::Utf16(o) => utf16::encode(cx, text, s, &e, o)?,
        Known::Utf32(o) => utf32::encode(cx, text, s, &e, o)?,
    };
    Ok(bytes::new(&v))
}

/// `data.decode(encoding, errors)` of a bytes-like object: a str.
///
/// # Errors
/// LookupError for unknown encodings, UnicodeDecodeError, and what codecs raise.
pub fn decode(cx: &Ctx, data: &Obj, encoding: &str, errors: &str) -> PyResult {
    registry::check_names(cx, encoding, errors)?;
    let Some(k) = known(encoding) else { return registry::decode_text(cx, data, encoding, errors) };
    let e = Errors::new(errors);
    let copy;
    let b: &[u8] = match data.downcast::<bytes::Bytes>() {
        Some(b) => b.as_slice(),
        None => {
            copy = Buffer::simple(cx, data)?.to_vec();
            &copy
        }
    };
    Ok(match k {
        Known::Utf8 | Known::Ascii if b.is_ascii() => return Ok(crate::types::str::from_latin1(b)),
        Known::Utf8 => utf8::decode(cx, b, &e, true)?,
        Known::Latin1 => return Ok(crate::types::str::from_latin1(b)),
        Known::Ascii => latin::decode_ascii(cx, b, &e)?,
        Known::Utf16(o) => utf16::decode(cx, b, &e, o, true)?.0,
        Known::Utf32(o) => utf32::decode(cx, b, &e, o, true)?.0,
    }
    .text)
}

/// Decodes UTF-8 strictly: source files, names from the system.
///
/// # Errors
/// UnicodeDecodeError.
pub fn decode_utf8(cx: &Ctx, b: &[u8]) -> PyResult {
    Ok(utf8::decode(cx, b, &Errors::new("strict"), true)?.text)
}

/// Decodes what the operating system gave (UTF-8 with surrogateescape).
pub fn decode_fs(cx: &Ctx, b: &[u8]) -> PyResult {
    Ok(utf8::decode(cx, b, &Errors::new("surrogateescape"), true)?.text)
}

/// Encodes for the operating system (UTF-8 with surrogateescape).
///
/// # Errors
/// UnicodeEncodeError.
pub fn encode_fs(cx: &Ctx, text: &Obj) -> PyResult<Vec<u8>> {
    match text.downcast::<Str>() {
        Some(s) => utf8::encode(cx, text, s, &Errors::new("surrogateescape")),
        None => Err(cx.type_error(format!("expected str, not {}", text.type_of().name()))),
    }
}
