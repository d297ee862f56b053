//! ASCII and Latin-1.

use super::Decoded;
use super::encode::by_code_point;
use super::errors::{Decoder, Errors};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::{self as text, Str, StrData};
use crate::value::Obj;

/// A charset that maps its code points to themselves.
#[derive(Clone, Copy)]
pub struct Charset {
    name: &'static str,
    limit: u32,
    reason: &'static str,
}

/// Code points below 256.
pub const LATIN1: Charset = Charset { name: "latin-1", limit: 256, reason: "ordinal not in range(256)" };
/// Code points below 128.
pub const ASCII: Charset = Charset { name: "ascii", limit: 128, reason: "ordinal not in range(128)" };

/// Encodes.
///
/// # Errors
/// UnicodeEncodeError for code points outside of the charset, unless handled.
pub fn encode(cx: &Ctx, object: &Obj, s: &Str, errors: &Errors, set: Charset) -> PyResult<Vec<u8>> {
    if let StrData::Latin1(u) = s.data()
        && (set.limit == 256 || s.is_ascii())
    {
        return Ok(u.to_vec());
    }
    by_code_point(cx, object, s, errors, set.name, set.reason, (true, 1), |out, c| {
        let fits = c < set.limit;
        if fits {
            out.push(c as u8);
        }
        fits
    })
}

/// Decodes ASCII.
///
/// # Errors
/// UnicodeDecodeError for bytes above 127, unless handled.
pub fn decode_ascii(cx: &Ctx, b: &[u8], errors: &Errors) -> PyResult<Decoded> {
    if b.is_ascii() {
        return Ok(Decoded { text: text::from_latin1(b), consumed: b.len() });
    }
    let mut d = Decoder::new(cx, errors, "ascii", b);
    let mut at = 0;
    while at < d.input.len() {
        let run = d.input[at..].iter().position(|c| *c >= 128).map_or(d.input.len(), |n| at + n);
        d.out.push_units(&d.input[at..run]);
        at = if run < d.input.len() { d.error(run, run + 1, "ordinal not in range(128)")? } else { run };
    }
    let n = d.input.len();
    Ok(d.finish(n))
}
