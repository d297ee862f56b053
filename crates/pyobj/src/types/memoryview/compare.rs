//! Equality of memoryviews: by shape and the values of the items, whatever their formats.

use super::access::native_code;
use super::{MemoryView, of_buffer};
use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::protocol::buffer::{Buffer, BufferFlags};
use crate::protocol::pack;
use crate::types::exc;
use crate::value::Obj;

/// How the items of a view are read.
enum Reader {
    Native(u8),
    /// The `unpack` method of a `struct.Struct`.
    Struct(Obj),
}

fn reader(cx: &Ctx, format: &str) -> PyResult<Option<Reader>> {
    if let Some(c) = native_code(format) {
        return Ok(Some(Reader::Native(c)));
    }
    let module = (cx.host().import)(cx, "struct")?;
    let class = module.get_attr(cx, intern!("Struct"))?;
    match class.call1(cx, &crate::types::str::new(format)) {
        Ok(s) => Ok(Some(Reader::Struct(s.get_attr(cx, intern!("unpack"))?))),
        Err(r) => {
            // A format that struct does not know compares unequal.
            cx.swallow(r, exc::Exception())?;
            Ok(None)
        }
    }
}

impl Reader {
    fn read(&self, cx: &Ctx, b: &[u8]) -> PyResult {
        match self {
            Reader::Native(c) => Ok(pack::unpack(*c, b, true)),
            Reader::Struct(f) => f.call1(cx, &crate::types::bytes::new(b)),
        }
    }
}

pub(super) fn equal(cx: &Ctx, a: &MemoryView, b: &MemoryView) -> PyResult<bool> {
    let (ga, gb) = (a.geometry(), b.geometry());
    if ga.shape != gb.shape {
        return Ok(false);
    }
    if ga.shape.contains(&0) {
        return Ok(true);
    }
    let same_bytes = matches!((native_code(&ga.format), native_code(&gb.format)),
        (Some(x), Some(y)) if x == y && !matches!(x, b'e' | b'f' | b'd' | b'?'));
    let (va, vb) = (a.to_vec(), b.to_vec());
    if same_bytes {
        return Ok(va == vb);
    }
    let (Some(ra), Some(rb)) = (reader(cx, &ga.format)?, reader(cx, &gb.format)?) else { return Ok(false) };
    for (x, y) in va.chunks(ga.itemsize.max(1)).zip(vb.chunks(gb.itemsize.max(1))) {
        let (x, y) = (ra.read(cx, x)?, rb.read(cx, y)?);
        // A NaN is unequal to itself, so identity does not count.
        if !x.rich_cmp_bool_strict(cx, &y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Obj {
    fn rich_cmp_bool_strict(&self, cx: &Ctx, other: &Obj) -> PyResult<bool> {
        self.rich_cmp(cx, other, crate::types::CmpOp::Eq)?.truthy(cx)
    }
}

/// `view == other` for any object with a buffer; nothing for others.
pub(super) fn equal_to(cx: &Ctx, this: &Obj, m: &MemoryView, other: &Obj) -> PyResult<Option<bool>> {
    if m.released.get() {
        return Ok(Some(this.is(other)));
    }
    if let Some(o) = other.downcast::<MemoryView>() {
        if o.released.get() {
            return Ok(Some(false));
        }
        return equal(cx, m, o).map(Some);
    }
    if !Buffer::is_exporter(other) {
        return Ok(None);
    }
    let b = match Buffer::get(cx, other, BufferFlags::FULL_RO) {
        Ok(b) => b,
        Err(r) => {
            cx.swallow(r, exc::Exception())?;
            return Ok(None);
        }
    };
    let view = of_buffer(b);
    match view.downcast::<MemoryView>() {
        Some(o) => equal(cx, m, o).map(Some),
        None => Ok(None),
    }
}
