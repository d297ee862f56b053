//! Codecs driven by a mapping.

use super::Decoded;
use super::errors::{self, Decoder, Errors, Replacement};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::Str;
use crate::types::{bytes, exc, int};
use crate::value::Obj;

const REASON: &str = "character maps to <undefined>";

/// Decodes by a table (a str) or a mapping from byte values.
///
/// # Errors
/// UnicodeDecodeError for unmapped bytes, unless handled; TypeError for mappings that give something else.
pub fn decode(cx: &Ctx, b: &[u8], errors: &Errors, mapping: &Obj) -> PyResult<Decoded> {
    let mut d = Decoder::new(cx, errors, "charmap", b);
    let table = mapping.downcast::<Str>();
    let mut at = 0;
    while let Some(&c) = d.input.get(at) {
        let mapped = match table {
            Some(t) => t.get(c as usize).filter(|c| *c != 0xfffe).map(Mapped::Code),
            None => decode_item(cx, mapping, c)?,
        };
        match mapped {
            Some(Mapped::Code(c)) => d.out.push(c),
            Some(Mapped::Text(t)) => d.out.push_obj(&t),
            None => {
                at = d.error(at, at + 1, REASON)?;
                continue;
            }
        }
        at += 1;
    }
    Ok(d.finish(at))
}

enum Mapped {
    Code(u32),
    Text(Obj),
}

fn decode_item(cx: &Ctx, mapping: &Obj, c: u8) -> PyResult<Option<Mapped>> {
    let v = match mapping.get_item(cx, &Obj::from(c as i64)) {
        Ok(v) => v,
        Err(r) => {
            cx.swallow(r, exc::LookupError())?;
            return Ok(None);
        }
    };
    if v.is_none() {
        return Ok(None);
    }
    if let Some(n) = int::as_i64(&v) {
        return match u32::try_from(n) {
            Ok(0xfffe) => Ok(None),
            Ok(c) if c <= 0x10_ffff => Ok(Some(Mapped::Code(c))),
            _ => Err(cx.type_error("character mapping must be in range(0x110000)")),
        };
    }
    match v.downcast::<Str>() {
        Some(s) if s.len() == 1 && s.get(0) == Some(0xfffe) => Ok(None),
        Some(_) => Ok(Some(Mapped::Text(v))),
        None => Err(cx.type_error("character mapping must return integer, None or str")),
    }
}

/// What a mapping gives for a code point: bytes, or nothing if it has none.
fn encode_item(cx: &Ctx, mapping: &Obj, c: u32) -> PyResult<Option<Vec<u8>>> {
    let v = match mapping.get_item(cx, &Obj::from(c as i64)) {
        Ok(v) => v,
        Err(r) => {
            cx.swallow(r, exc::LookupError())?;
            return Ok(None);
        }
    };
    if v.is_none() {
        return Ok(None);
    }
    if let Some(b) = bytes::as_bytes(&v) {
        return Ok(Some(b.to_vec()));
    }
    if int::to_bigint(&v).is_some() {
        return match int::as_i64(&v) {
            Some(n @ 0..256) => Ok(Some(vec![n as u8])),
            _ => Err(cx.type_error("character mapping must be in range(256)")),
        };
    }
    Err(cx.type_error(format!("character mapping must return integer, bytes or None, not {}", v.type_of().name())))
}

/// Encodes by a mapping from code points.
///
/// # Errors
/// UnicodeEncodeError for unmapped code points, unless handled; TypeError for mappings that give something else.
pub fn encode(cx: &Ctx, object: &Obj, s: &Str, errors: &Errors, mapping: &Obj) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while let Some(c) = s.get(i) {
        if let Some(b) = encode_item(cx, mapping, c)? {
            out.extend_from_slice(&b);
            i += 1;
            continue;
        }
        let mut end = i + 1;
        while let Some(c) = s.get(end)
            && encode_item(cx, mapping, c)?.is_none()
        {
            end += 1;
        }
        let (rep, next) = errors::on_encode(cx, errors, "charmap", object, (i, end), REASON)?;
        match rep {
            Replacement::Bytes(b) => out.extend_from_slice(&b),
            Replacement::Text(t) => {
                for c in t.downcast::<Str>().map(Str::code_points).into_iter().flatten() {
                    match encode_item(cx, mapping, c)? {
                        Some(b) => out.extend_from_slice(&b),
                        None => {
                            let e = errors::encode_exception(cx, "charmap", object, i, end, REASON);
                            return Err(errors::raise(cx, e));
                        }
                    }
                }
            }
        }
        i = next;
    }
    Ok(out)
}

/// The encoding dict of a decoding table.
///
/// # Errors
/// TypeError if the table is not a str.
pub fn build(cx: &Ctx, table: &Obj) -> PyResult {
    let t = crate::types::str::expect(cx, table, |t| format!("charmap_build() argument must be str, not {t}"))?;
    let d = crate::types::dict::new();
    for (i, c) in t.code_points().enumerate().take(256) {
        if c != 0xfffe {
            d.set_item(cx, &Obj::from(c as i64), &Obj::from(i))?;
        }
    }
    Ok(d)
}
