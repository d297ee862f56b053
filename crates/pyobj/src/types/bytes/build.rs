//! Making byte strings from the arguments of their constructors.

use super::args::BytesLike;
use super::{Bytes, room};
use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::protocol::buffer::{Buffer, BufferFlags};
use crate::types::str::{Str, as_utf8_lossy, expect};
use crate::types::{exc, int};
use crate::value::Obj;

/// What the constructors make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Bytes,
    ByteArray,
}

impl Target {
    fn name(self) -> &'static str {
        if self == Target::Bytes { "bytes" } else { "bytearray" }
    }
}

/// The bytes that `bytes(source, encoding, errors)` holds.
pub(crate) fn from_args(
    cx: &Ctx,
    target: Target,
    source: Option<&Obj>,
    encoding: Option<&Obj>,
    errors: Option<&Obj>,
) -> PyResult<Vec<u8>> {
    let name = target.name();
    for (o, what) in [(encoding, "encoding"), (errors, "errors")] {
        if let Some(o) = o {
            expect(cx, o, |t| format!("{name}() argument '{what}' must be str, not {t}"))?;
        }
    }
    let Some(source) = source else {
        if encoding.is_some() || errors.is_some() {
            let what = if encoding.is_some() { "encoding" } else { "errors" };
            return Err(cx.type_error(format!("{what} without a string argument")));
        }
        return Ok(Vec::new());
    };
    if let Some(encoding) = encoding {
        if source.downcast::<Str>().is_none() {
            return Err(cx.type_error("encoding without a string argument"));
        }
        let errors = errors.map_or("strict".into(), as_utf8_lossy);
        let b = crate::codecs::encode(cx, source, &as_utf8_lossy(encoding), &errors)?;
        return Ok(BytesLike::new(cx, &b)?.to_vec());
    }
    if errors.is_some() {
        return Err(cx.type_error(if source.downcast::<Str>().is_some() {
            "string argument without an encoding"
        } else {
            "errors without a string argument"
        }));
    }
    if target == Target::Bytes
        && let Some(f) = source.lookup_special(cx, intern!("__bytes__"))?
    {
        return from_dunder(cx, &f.call0(cx)?);
    }
    if source.downcast::<Str>().is_some() {
        return Err(cx.type_error("string argument without an encoding"));
    }
    if source.is_int() || source.type_of().slots.index.get().is_some() {
        match count(cx, source) {
            Ok(n) if n < 0 => return Err(cx.value_error("negative count")),
            Ok(n) => {
                let mut v = room(cx, n as usize)?;
                v.resize(n as usize, 0);
                return Ok(v);
            }
            Err(r) => {
                let slots = &source.type_of().slots;
                if slots.iter.get().is_none() && slots.buffer.get().is_none() {
                    return Err(r);
                }
                cx.swallow(r, exc::TypeError())?;
            }
        }
    }
    from_object(cx, source, target)
}

/// A size; OverflowError if it is out of range.
fn count(cx: &Ctx, o: &Obj) -> PyResult<isize> {
    match int::as_i64(&o.index(cx)?) {
        Some(n) => Ok(n as isize),
        None => Err(cx.overflow_error(format!("cannot fit '{}' into an index-sized integer", o.type_of().name()))),
    }
}

fn from_dunder(cx: &Ctx, r: &Obj) -> PyResult<Vec<u8>> {
    match r.downcast::<Bytes>() {
        Some(b) => Ok(b.as_slice().to_vec()),
        None => Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.type_of().name()))),
    }
}

/// The bytes of a bytes-like object or an iterable of ints.
pub(crate) fn from_object(cx: &Ctx, source: &Obj, target: Target) -> PyResult<Vec<u8>> {
    if Buffer::is_exporter(source) {
        return Ok(Buffer::get(cx, source, BufferFlags::FULL_RO)?.to_vec());
    }
    let slots = &source.type_of().slots;
    if slots.iter.get().is_none() && slots.getitem.get().is_none() {
        return Err(cx.type_error(format!("cannot convert '{}' object to {}", source.type_of().name(), target.name())));
    }
    let mut out = Vec::new();
    source.for_each(cx, |item| cx.push(&mut out, item_byte(cx, &item, target)?))?;
    Ok(out)
}

fn item_byte(cx: &Ctx, item: &Obj, target: Target) -> PyResult<u8> {
    match int::as_i64(&item.index(cx)?) {
        Some(c @ 0..256) => Ok(c as u8),
        _ => Err(cx.value_error(match target {
            Target::Bytes => "bytes must be in range(0, 256)",
            Target::ByteArray => "byte must be in range(0, 256)",
        })),
    }
}
