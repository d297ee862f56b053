//! UTF-32.

use super::encode::by_code_point;
use super::errors::{Decoder, Errors};
use super::{ByteOrder, Decoded};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::Str;
use crate::value::Obj;

fn name(o: ByteOrder) -> &'static str {
    match o {
        ByteOrder::Marked => "utf-32",
        ByteOrder::Little => "utf-32-le",
        ByteOrder::Big => "utf-32-be",
    }
}

/// Encodes; with [`ByteOrder::Marked`] little-endian after a byte order mark.
///
/// # Errors
/// UnicodeEncodeError for lone surrogates, unless handled.
pub fn encode(cx: &Ctx, object: &Obj, s: &Str, errors: &Errors, order: ByteOrder) -> PyResult<Vec<u8>> {
    let big = order == ByteOrder::Big;
    let put = |out: &mut Vec<u8>, c: u32| {
        if char::from_u32(c).is_none() {
            return false;
        }
        out.extend(if big { c.to_be_bytes() } else { c.to_le_bytes() });
        true
    };
    let v = by_code_point(cx, object, s, errors, name(order), "surrogates not allowed", (false, 4), put)?;
    if order != ByteOrder::Marked {
        return Ok(v);
    }
    let mut out = vec![0xff, 0xfe, 0, 0];
    out.extend_from_slice(&v);
    Ok(out)
}

/// Decodes. A mark at the start decides an order of [`ByteOrder::Marked`]; the second result is the order
/// found. Unless `last`, an incomplete unit at the end is left unconsumed.
///
/// # Errors
/// UnicodeDecodeError, unless handled.
pub fn decode(cx: &Ctx, b: &[u8], errors: &Errors, order: ByteOrder, last: bool) -> PyResult<(Decoded, ByteOrder)> {
    let (found, mut at) = match (order, b) {
        (ByteOrder::Marked, [0xff, 0xfe, 0, 0, ..]) => (ByteOrder::Little, 4),
        (ByteOrder::Marked, [0, 0, 0xfe, 0xff, ..]) => (ByteOrder::Big, 4),
        _ => (order, 0),
    };
    // Errors name the order that is used; without a mark that is little-endian.
    let used = if found == ByteOrder::Marked { ByteOrder::Little } else { found };
    let mut d = Decoder::new(cx, errors, name(used), b);
    loop {
        let len = d.input.len();
        let Some(u) = d.input.get(at..at + 4).and_then(|u| <[u8; 4]>::try_from(u).ok()) else {
            if at >= len || !last {
                return Ok((d.finish(at), found));
            }
            at = d.error(at, len, "truncated data")?;
            continue;
        };
        let c = if found == ByteOrder::Big { u32::from_be_bytes(u) } else { u32::from_le_bytes(u) };
        at = match c {
            0xd800..0xe000 => d.error(at, at + 4, "code point in surrogate code point range(0xd800, 0xe000)")?,
            0x11_0000.. => d.error(at, at + 4, "code point not in range(0x110000)")?,
            _ => {
                d.out.push(c);
                at + 4
            }
        };
    }
}
