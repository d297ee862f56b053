//! What the shared methods of bytes and bytearray have in common.

use std::borrow::Cow;

use super::args::{self, BytesLike};
use super::storage::ByteString;
use super::{ops, room};
use crate::ctx::{Ctx, PyResult};
use crate::native::{Payload, This};
use crate::types::str::search::Needle;
use crate::types::str::{self as text, StrBuilder, StrData, slicing};
use crate::types::tuple::Tuple;
use crate::types::{list, tuple};
use crate::value::Obj;

pub(super) fn changed<T: ByteString>(b: &T, f: impl Fn(&mut [u8])) -> Obj {
    let mut v = b.with(<[u8]>::to_vec);
    f(&mut v);
    T::make(v)
}

pub(super) fn padded<T: ByteString + Payload>(
    cx: &Ctx,
    this: This<'_, T>,
    width: isize,
    fill: u8,
    left: impl Fn(usize) -> usize,
) -> PyResult {
    let n = ops::missing(this.payload().with(<[u8]>::len), width);
    if n == 0 {
        return Ok(this.payload().same(this.obj()));
    }
    let left = left(n);
    this.payload().with(|b| ops::pad(cx, b, left, n - left, fill)).map(T::make)
}

pub(super) fn stripped<T: ByteString + Payload>(
    cx: &Ctx,
    this: This<'_, T>,
    chars: Option<&Obj>,
    left: bool,
    right: bool,
) -> PyResult {
    let _held = this.payload().hold();
    let chars = chars.map(|c| Ok(BytesLike::new(cx, c)?.to_vec())).transpose()?;
    let part = this.payload().with(|b| {
        let r = ops::strip(b, chars.as_deref(), left, right);
        if r.len() == b.len() { None } else { Some(b[r].to_vec()) }
    });
    Ok(part.map_or_else(|| this.payload().same(this.obj()), T::make))
}

pub(super) fn separator(cx: &Ctx, sep: Option<&Obj>) -> PyResult<Option<Vec<u8>>> {
    let Some(sep) = sep else { return Ok(None) };
    let sep = BytesLike::new(cx, sep)?.to_vec();
    if sep.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    Ok(Some(sep))
}

pub(super) fn pieces<T: ByteString>(parts: Vec<&[u8]>) -> Obj {
    list::new(parts.into_iter().map(|p| T::make(p.to_vec())).collect())
}

pub(super) fn parted<T: ByteString + Payload>(cx: &Ctx, this: This<'_, T>, sep: &Obj, right: bool) -> PyResult {
    let n = BytesLike::new(cx, sep)?.to_vec();
    if n.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    let b = this.payload().with(<[u8]>::to_vec);
    let needle = Needle::bytes(&n);
    let place = if right { needle.rfind(&b) } else { needle.find(&b) };
    let make = |b: &[u8]| T::make(b.to_vec());
    Ok(tuple::new(match place {
        Some(i) => vec![make(&b[..i]), make(&n), make(&b[i + n.len()..])],
        None if right => vec![make(b""), make(b""), this.payload().same(this.obj())],
        None => vec![this.payload().same(this.obj()), make(b""), make(b"")],
    }))
}

/// The joined bytes; for bytes, a single exact item is the result itself (`Err`).
pub(super) fn join(cx: &Ctx, sep: &[u8], iterable: &Obj, immutable: bool) -> PyResult<Result<Vec<u8>, Obj>> {
    let slots = &iterable.type_of().slots;
    if slots.iter.get().is_none() && slots.getitem.get().is_none() {
        return Err(cx.type_error("can only join an iterable"));
    }
    let items = iterable.collect(cx)?;
    let is_list = iterable.is_exact(crate::native::FixedShape::List);
    if let [one] = &items[..]
        && immutable
        && one.is_exact(crate::native::FixedShape::Bytes)
    {
        return Ok(Err(one.clone()));
    }
    let mut parts = Vec::with_capacity(items.len());
    let mut len = sep.len().saturating_mul(items.len().saturating_sub(1));
    for (i, item) in items.iter().enumerate() {
        if !args::is_bytes_like(item) {
            return Err(cx.type_error(format!(
                "sequence item {i}: expected a bytes-like object, {} found",
                item.type_of().name()
            )));
        }
        let p = BytesLike::new(cx, item)?;
        // Lending its memory may run Python code that changes the list.
        if is_list && iterable.len(cx)? != items.len() {
            return Err(cx.runtime_error("sequence changed size during iteration"));
        }
        len = len.saturating_add(p.len());
        parts.push(p);
    }
    if len > isize::MAX as usize {
        return Err(cx.overflow_error("join() result is too long"));
    }
    let mut out = room(cx, len)?;
    for (i, p) in parts.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(sep);
        }
        p.with(|b| out.extend_from_slice(b));
    }
    Ok(Ok(out))
}

pub(super) fn translation_table(cx: &Ctx, table: &Obj) -> PyResult<Option<Vec<u8>>> {
    if table.is_none() {
        return Ok(None);
    }
    let t = BytesLike::new(cx, table)?.to_vec();
    if t.len() != 256 {
        return Err(cx.value_error("translation table must be 256 characters long"));
    }
    Ok(Some(t))
}

pub(super) fn maketrans(cx: &Ctx, frm: &Obj, to: &Obj) -> PyResult {
    let (frm, to) = (BytesLike::new(cx, frm)?.to_vec(), BytesLike::new(cx, to)?.to_vec());
    if frm.len() != to.len() {
        return Err(cx.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (a, b) in frm.iter().zip(&to) {
        table[*a as usize] = *b;
    }
    Ok(super::new(&table))
}

/// Runs a search within the bounds: where they start and what it gave; nothing where they are out of order.
pub(super) fn found<T: ByteString + Payload>(
    cx: &Ctx,
    this: This<'_, T>,
    sub: &Obj,
    start: Option<&Obj>,
    end: Option<&Obj>,
    f: impl Fn(&Needle<'_>, &[u8]) -> Option<usize>,
) -> PyResult<Option<(usize, usize)>> {
    let _held = this.payload().hold();
    let n = args::needle(cx, sub)?;
    let len = this.payload().with(<[u8]>::len);
    let (start, end) = slicing::bounds(cx, start, end, len)?;
    let start = start as usize;
    // Finding the bounds may have run Python code, so the length is looked at again.
    let part = |b: &[u8]| f(&Needle::bytes(&n), b.get(start..(end as usize).min(b.len()))?);
    Ok(this.payload().with(part).map(|i| (start, i)))
}

pub(super) fn tailmatch<T: ByteString + Payload>(
    cx: &Ctx,
    this: This<'_, T>,
    affix: &Obj,
    start: Option<&Obj>,
    end: Option<&Obj>,
    at_end: bool,
) -> PyResult<bool> {
    let method = if at_end { "endswith" } else { "startswith" };
    let (start, end) = slicing::bounds(cx, start, end, this.payload().with(<[u8]>::len))?;
    let test = |o: &Obj| {
        let a = BytesLike::new(cx, o)?.to_vec();
        Ok(this.payload().with(|b| match b.get(start as usize..(end as usize).min(b.len())) {
            Some(b) => {
                if at_end {
                    b.ends_with(&a)
                } else {
                    b.starts_with(&a)
                }
            }
            None => false,
        }))
    };
    if let Some(t) = affix.downcast::<Tuple>() {
        for a in t.as_slice() {
            if test(a)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if !args::is_bytes_like(affix) {
        return Err(cx.type_error(format!(
            "{method} first arg must be bytes or a tuple of bytes, not {}",
            affix.type_of().name()
        )));
    }
    test(affix)
}

/// The name of an encoding or error handler.
pub(super) fn codec_name(cx: &Ctx, o: Option<&Obj>, what: &str, default: &'static str) -> PyResult<Cow<'static, str>> {
    let Some(o) = o else { return Ok(Cow::Borrowed(default)) };
    let s = text::expect(cx, o, |t| format!("decode() argument '{what}' must be str, not {t}"))?;
    if s.find_char(0, 0).is_some() {
        return Err(cx.value_error("embedded null character"));
    }
    Ok(Cow::Owned(s.as_str_lossy().to_owned()))
}

/// The bytes that a formatter collected as Latin-1 units.
pub(super) fn latin1_of(b: &StrBuilder) -> Vec<u8> {
    match b.data() {
        StrData::Latin1(u) => u.to_vec(),
        StrData::Ucs2(u) => u.iter().map(|c| *c as u8).collect(),
        StrData::Ucs4(u) => u.iter().map(|c| *c as u8).collect(),
    }
}
