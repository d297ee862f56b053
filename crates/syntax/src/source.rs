//! Decoding of source files and normalisation of line ends.

use std::borrow::Cow;

/// The encoding that a source declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, declared or by default; `bom` tells whether a byte order mark precedes the text.
    Utf8 {
        /// Whether the source starts with a byte order mark.
        bom: bool,
    },
    /// ISO 8859-1: each byte is a code point.
    Latin1,
    /// Another encoding, named as in the source; the caller must decode it.
    Other(String),
}

/// Why the encoding of a source cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// The source has a byte order mark and declares another encoding.
    #[error("encoding problem: {name} with BOM")]
    Bom {
        /// The encoding that it declares.
        name: String,
        /// The line with the declaration, from 1.
        line: u32,
    },
}

/// The encoding that the first two lines of a source declare (PEP 263), or UTF-8.
///
/// # Errors
/// [`EncodingError::Bom`] if a byte order mark contradicts the declaration.
pub fn detect_encoding(source: &[u8]) -> Result<Encoding, EncodingError> {
    let (bom, text) = match source.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, source),
    };
    let Some((name, line)) = declared_encoding(text) else { return Ok(Encoding::Utf8 { bom }) };
    match normalized(&name).as_str() {
        "utf-8" => Ok(Encoding::Utf8 { bom }),
        "iso-8859-1" if bom => Err(EncodingError::Bom { name: "iso-8859-1".into(), line }),
        _ if bom => Err(EncodingError::Bom { name, line }),
        "iso-8859-1" | "latin1" | "iso8859-1" | "l1" => Ok(Encoding::Latin1),
        _ => Ok(Encoding::Other(name)),
    }
}

/// The name in a coding comment of the first or second line, and which; a second line counts if the first holds no
/// code.
pub fn declared_encoding(source: &[u8]) -> Option<(String, u32)> {
    let mut rest = source;
    for number in 1..=2 {
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(length);
        rest = tail.strip_prefix(b"\r\n").or(tail.get(1..)).unwrap_or_default();
        let text = line.trim_ascii_start();
        let text = text.strip_prefix(b"\x0c").map_or(text, |rest| rest.trim_ascii_start());
        if text.is_empty() {
            continue;
        }
        if text.first() != Some(&b'#') {
            return None;
        }
        if let Some(name) = coding_comment(text) {
            return Some((name, number));
        }
    }
    None
}

/// `coding`, then `:` or `=`, then the name.
fn coding_comment(comment: &[u8]) -> Option<String> {
    let mut at = 0;
    loop {
        at += memchr::memmem::find(comment.get(at..)?, b"coding")? + "coding".len();
        let Some(b':' | b'=') = comment.get(at) else { continue };
        let rest = comment.get(at + 1..).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = rest.get(blanks..).unwrap_or_default();
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let length = rest.iter().take_while(is_part).count();
        if length > 0 {
            return String::from_utf8(rest.get(..length)?.to_vec()).ok();
        }
    }
}

/// The name in lower case with hyphens; the common spellings of two encodings become one each.
fn normalized(name: &str) -> String {
    let lower: String = name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    if lower == "utf-8" || lower.starts_with("utf-8-") {
        return "utf-8".into();
    }
    for latin in ["latin-1", "iso-8859-1", "iso-latin-1"] {
        if lower == latin || lower.strip_prefix(latin).is_some_and(|rest| rest.starts_with('-')) {
            return "iso-8859-1".into();
        }
    }
    lower
}

/// The text with `\n` as its only line end.
pub(crate) fn normalize_newlines(source: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', source.as_bytes()).is_none() {
        return source.into();
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('\r') {
        let (line, tail) = rest.split_at(at);
        out.push_str(line);
        out.push('\n');
        let tail = tail.get(1..).unwrap_or_default();
        rest = tail.strip_prefix('\n').unwrap_or(tail);
    }
    out.push_str(rest);
    out.into()
}
