//! UTF-16.

use super::encode::by_code_point;
use super::errors::{Decoder, Errors};
use super::{ByteOrder, Decoded};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::Str;
use crate::value::Obj;

fn name(o: ByteOrder) -> &'static str {
    match o {
        ByteOrder::Marked => "utf-16",
        ByteOrder::Little => "utf-16-le",
        ByteOrder::Big => "utf-16-be",
    }
}

/// Encodes; with [`ByteOrder::Marked`] little-endian after a byte order mark.
///
/// # Errors
/// UnicodeEncodeError for lone surrogates, unless handled.
pub fn encode(cx: &Ctx, object: &Obj, s: &Str, errors: &Errors, order: ByteOrder) -> PyResult<Vec<u8>> {
    let big = order == ByteOrder::Big;
    let put = |out: &mut Vec<u8>, c: u32| {
        let Some(c) = char::from_u32(c) else { return false };
        for u in c.encode_utf16(&mut [0; 2]) {
            out.extend(if big { u.to_be_bytes() } else { u.to_le_bytes() });
        }
        true
    };
    let v = by_code_point(cx, object, s, errors, name(order), "surrogates not allowed", (false, 2), put)?;
    if order != ByteOrder::Marked {
        return Ok(v);
    }
    let mut out = vec![0xff, 0xfe];
    out.extend_from_slice(&v);
    Ok(out)
}

/// Decodes. A mark at the start decides an order of [`ByteOrder::Marked`]; the second result is the order
/// found. Unless `last`, an incomplete unit or pair at the end is left unconsumed.
///
/// # Errors
/// UnicodeDecodeError, unless handled.
pub fn decode(cx: &Ctx, b: &[u8], errors: &Errors, order: ByteOrder, last: bool) -> PyResult<(Decoded, ByteOrder)> {
    let (order_found, mut at) = match (order, b) {
        (ByteOrder::Marked, [0xff, 0xfe, ..]) => (ByteOrder::Little, 2),
        (ByteOrder::Marked, [0xfe, 0xff, ..]) => (ByteOrder::Big, 2),
        _ => (order, 0),
    };
    let big = order_found == ByteOrder::Big;
    // Errors name the order that is used; without a mark that is little-endian.
    let used = if order_found == ByteOrder::Marked { ByteOrder::Little } else { order_found };
    let mut d = Decoder::new(cx, errors, name(used), b);
    let unit = |d: &Decoder<'_>, i: usize| {
        let u = [*d.input.get(i)?, *d.input.get(i + 1)?];
        Some(if big { u16::from_be_bytes(u) } else { u16::from_le_bytes(u) } as u32)
    };
    loop {
        let len = d.input.len();
        let Some(c) = unit(&d, at) else {
            if at >= len || !last {
                return Ok((d.finish(at), order_found));
            }
            at = d.error(at, len, "truncated data")?;
            continue;
        };
        at = match c {
            0xd800..0xdc00 => match unit(&d, at + 2) {
                Some(low @ 0xdc00..0xe000) => {
                    d.out.push(0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)));
                    at + 4
                }
                Some(_) => d.error(at, at + 2, "illegal UTF-16 surrogate")?,
                None if !last => return Ok((d.finish(at), order_found)),
                None => d.error(at, len, "unexpected end of data")?,
            },
            0xdc00..0xe000 => d.error(at, at + 2, "illegal encoding")?,
            _ => {
                d.out.push(c);
                at + 2
            }
        };
    }
}
