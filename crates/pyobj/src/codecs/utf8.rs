//! UTF-8.

use super::Decoded;
use super::encode::by_code_point;
use super::errors::{Decoder, Errors, Handler};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::{self as text, Str};
use crate::value::Obj;

/// Encodes.
///
/// # Errors
/// UnicodeEncodeError for lone surrogates, unless handled.
pub fn encode(cx: &Ctx, object: &Obj, s: &Str, errors: &Errors) -> PyResult<Vec<u8>> {
    if let Some(t) = s.as_str() {
        return Ok(t.as_bytes().to_vec());
    }
    by_code_point(cx, object, s, errors, "utf-8", "surrogates not allowed", (true, 1), |out, c| {
        match char::from_u32(c) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => return false,
        }
        true
    })
}

/// Decodes. Unless `last`, an incomplete sequence at the end is left unconsumed.
///
/// # Errors
/// UnicodeDecodeError, unless handled.
pub fn decode(cx: &Ctx, b: &[u8], errors: &Errors, last: bool) -> PyResult<Decoded> {
    if let Ok(s) = std::str::from_utf8(b) {
        return Ok(Decoded { text: text::new(s), consumed: b.len() });
    }
    let mut d = Decoder::new(cx, errors, "utf-8", b);
    let mut at = 0;
    loop {
        let rest = &d.input[at..];
        let (valid, bad) = match std::str::from_utf8(rest) {
            Ok(s) => (s, None),
            Err(e) => {
                let n = e.valid_up_to();
                (std::str::from_utf8(&rest[..n]).unwrap_or(""), Some(e.error_len()))
            }
        };
        let start = at + valid.len();
        d.out.push_str(valid);
        let Some(bad) = bad else {
            let n = d.input.len();
            return Ok(d.finish(n));
        };
        let len = d.input.len();
        let lead = d.input[start];
        let (end, reason) = match bad {
            None if !last => return Ok(d.finish(start)),
            None => (len, "unexpected end of data"),
            Some(_) if !(0xc2..0xf5).contains(&lead) => (start + 1, "invalid start byte"),
            Some(n) => {
                // A surrogate cut short at the end may still become whole.
                let partial = !last
                    && lead == 0xed
                    && len - start == 2
                    && d.input[start + 1] & 0xe0 == 0xa0
                    && errors.builtin() == Some(Handler::SurrogatePass);
                if partial {
                    return Ok(d.finish(start));
                }
                (start + n, "invalid continuation byte")
            }
        };
        at = d.error(start, end, reason)?;
    }
}
