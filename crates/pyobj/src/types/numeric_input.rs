//! Bytes and texts that `int()`, `float()` and `complex()` read numbers from.

use std::borrow::Cow;

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::protocol::buffer::{Buffer, HasByteStore};
use crate::types::{bytes, int};
use crate::value::Obj;

/// The content of a bytes or bytearray object.
pub(crate) fn bytes_object(o: &Obj) -> Option<Cow<'_, [u8]>> {
    match bytes::as_bytes(o) {
        Some(b) => Some(Cow::Borrowed(b)),
        None => o.downcast::<bytes::ByteArray>().map(|b| Cow::Owned(b.byte_store().to_vec())),
    }
}

/// The content of any object that exports a buffer; nothing for other objects.
pub(crate) fn bytes_like(cx: &Ctx, o: &Obj) -> PyResult<Option<Vec<u8>>> {
    if !Buffer::is_exporter(o) {
        return Ok(None);
    }
    Buffer::simple(cx, o).map(|b| Some(b.to_vec()))
}

/// `bytes(x)` for an argument that must not be a number: by `__bytes__`, from a buffer, or from an iterable
/// of ints.
pub(crate) fn to_byte_vec(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    if let Some(b) = bytes_object(o) {
        return Ok(b.into_owned());
    }
    let refuse = || cx.type_error(format!("cannot convert '{}' object to bytes", o.type_of().name()));
    if o.type_of().is_str_subtype() || int::is_int(o) {
        return Err(refuse());
    }
    if let Some(m) = o.lookup_special(cx, intern!("__bytes__"))? {
        let r = m.call0(cx)?;
        return match bytes_object(&r) {
            Some(b) => Ok(b.into_owned()),
            None => Err(cx.type_error(format!("__bytes__ returned non-bytes (type {})", r.type_of().name()))),
        };
    }
    if let Some(v) = bytes_like(cx, o)? {
        return Ok(v);
    }
    if o.type_of().slots.iter.get().is_none() && o.type_of().slots.getitem.get().is_none() {
        return Err(refuse());
    }
    let mut out = Vec::new();
    o.for_each(cx, |item| {
        match int::as_i64(&item.index(cx)?).and_then(|n| u8::try_from(n).ok()) {
            Some(b) => out.push(b),
            None => return Err(cx.value_error("bytes must be in range(0, 256)")),
        }
        Ok(())
    })?;
    Ok(out)
}
