//! The class `bytearray`: construction and slots. What changes it in place is in `mutate.rs`.

use super::args::{self, BytesLike};
use super::build::{self, Target};
use super::helpers::{
    changed, codec_name, found, join, latin1_of, maketrans, padded, parted, pieces, separator, stripped, tailmatch,
    translation_table,
};
use super::storage::{self, ByteArray, ByteString};
use super::{ascii, hex, iter, ops, room};
use crate::ctx::{Ctx, PyResult};
use crate::native::{This, pymethods};
use crate::protocol::buffer::{Buffer, BufferFlags};
use crate::types::str::search::Needle;
use crate::types::str::slicing::{self, Index};
use crate::types::str::{StrData, percent};
use crate::types::{CmpOp, Type, exc, tuple};
use crate::value::Obj;

super::shared::shared_methods!(ByteArray);

#[pymethods(parts("shared", "mutate"))]
impl ByteArray {
    fn __new__(_cx: &Ctx, ty: &Type, args: crate::native::Args<'_>) -> Obj {
        let _ = args;
        storage::new_bytearray_of(ty, Vec::new())
    }

    #[pymethod(sig = "(source=b'', encoding='utf-8', errors='strict')")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, ByteArray>,
        source: Option<&Obj>,
        encoding: Option<&Obj>,
        errors: Option<&Obj>,
    ) -> PyResult<()> {
        // What cannot be made leaves nothing.
        this.payload().store().resize(cx, Vec::clear)?;
        let v = build::from_args(cx, Target::ByteArray, source, encoding, errors)?;
        this.payload().store().resize(cx, |b| *b = v)
    }

    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        args::warn_of_str(cx, "bytearray")?;
        this.repr(cx)
    }

    fn __repr__(cx: &Ctx, this: This<'_, ByteArray>) -> PyResult {
        let _ = cx;
        let mut out = crate::types::str::StrBuilder::new();
        out.push_str(&this.obj().type_of().name());
        out.push_str("(");
        let text = this.payload().with(|b| hex::repr(b, true));
        crate::with_units!(text.data(), u => out.push_units(u));
        out.push_str(")");
        Ok(out.finish())
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        iter::new_bytearray(this.clone())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, ByteArray>, key: &Obj) -> PyResult {
        let b = this.payload();
        match slicing::resolve(cx, key, b.len(), "bytearray")? {
            Index::At(i) => b.get(i).map(|c| Obj::from(c as i64)).ok_or_else(|| out_of_range(cx)),
            Index::Slice { start, step, count } => Ok(storage::new_bytearray(
                b.with(|b| slicing::stepped(start, step, count).filter_map(|i| b.get(i).copied()).collect()),
            )),
        }
    }

    fn __setitem__(cx: &Ctx, this: This<'_, ByteArray>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::mutate::set_item(cx, this, key, value)
    }

    fn sq_inplace_concat(cx: &Ctx, this: This<'_, ByteArray>, other: &Obj) -> PyResult {
        if !args::is_bytes_like(other) {
            return Err(cx.type_error(format!(
                "can't concat {} to {}",
                other.type_of().name(),
                this.obj().type_of().name()
            )));
        }
        if other.is(this.obj()) && !this.payload().is_empty() {
            // The array would lend its memory while it grows.
            return Err(cx.buffer_error("Existing exports of data: object cannot be re-sized"));
        }
        let more = BytesLike::new(cx, other)?.to_vec();
        super::mutate::append_all(cx, this.payload(), &more)?;
        Ok(this.obj().clone())
    }

    fn sq_inplace_repeat(cx: &Ctx, this: This<'_, ByteArray>, n: isize) -> PyResult {
        let v = this.payload().with(|b| ops::repeat(cx, b, n))?;
        if v.len() != this.payload().len() {
            this.payload().store().resize(cx, |b| *b = v)?;
        }
        Ok(this.obj().clone())
    }

    fn __buffer__(cx: &Ctx, this: This<'_, ByteArray>, flags: BufferFlags) -> PyResult<Buffer> {
        Buffer::lend(cx, this, flags, false, "B", 1)
    }

    /// The number of bytes allocated, counted with one for the zero that C code expects at the end.
    #[pymethod]
    fn __alloc__(&self) -> usize {
        self.capacity() + 1
    }

    /// How many bytes the object takes, its contents included.
    #[pymethod]
    fn __sizeof__(&self) -> usize {
        size_of::<crate::heap::Header>() + size_of::<ByteArray>() + self.capacity()
    }

    /// Pickles the object (as text for old protocols).
    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, ByteArray>) -> PyResult {
        reduce(cx, this, 2)
    }

    /// Pickles the object for a protocol.
    #[pymethod(sig = "($self, proto=0, /)")]
    fn __reduce_ex__(cx: &Ctx, this: This<'_, ByteArray>, proto: Option<&Obj>) -> PyResult {
        reduce(cx, this, args::c_int(cx, proto, 0)?)
    }
}

fn out_of_range(cx: &Ctx) -> crate::Raised {
    cx.index_error("bytearray index out of range")
}

fn reduce(cx: &Ctx, this: This<'_, ByteArray>, protocol: isize) -> PyResult {
    let state = match this.obj().call_method(cx, crate::intern!("__getstate__"), &[]) {
        Ok(s) => s,
        Err(r) => {
            cx.swallow(r, exc::AttributeError())?;
            Obj::none()
        }
    };
    let b = this.payload().to_vec();
    let init = if b.is_empty() {
        tuple::new(vec![])
    } else if protocol < 3 {
        let text = crate::types::str::from_latin1(&b);
        tuple::new(vec![text, crate::types::str::new("latin-1")])
    } else {
        tuple::new(vec![super::new(&b)])
    };
    Ok(tuple::new(vec![this.obj().type_of().as_obj(), init, state]))
}
