//! The class `memoryview` and its iterator.

use std::cell::Cell;

use super::{MemoryView, compare, new};
use crate::ctx::{Ctx, PyResult};
use crate::heap::Traverse;
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::protocol::buffer::{Buffer, BufferFlags, Contiguity, Hold};
use crate::types::str::expect;
use crate::types::{CmpOp, Type, bytes, tuple};
use crate::value::{Obj, ObjCell};

#[pymethods]
impl MemoryView {
    #[pynew(sig = "(object)")]
    fn __new__(cx: &Ctx, _ty: &Type, object: &Obj) -> PyResult {
        new(cx, object)
    }

    fn __repr__(cx: &Ctx, this: This<'_, MemoryView>) -> String {
        let _ = cx;
        let what = if this.payload().released.get() { "released memory" } else { "memory" };
        format!("<{what} at {:#x}>", this.obj().id())
    }

    fn __hash__(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<i64> {
        let m = this.payload();
        if m.hash.get() != -1 {
            return Ok(m.hash.get());
        }
        m.check(cx)?;
        if !m.readonly {
            return Err(cx.value_error("cannot hash writable memoryview object"));
        }
        let g = m.geometry();
        if !matches!(super::access::native_code(&g.format), Some(b'b' | b'B' | b'c')) {
            return Err(cx.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
        }
        // A writable object behind a read-only view must be hashable itself.
        let base = m.object();
        if !base.is_none() {
            let _held = Hold::of(&m.exports);
            base.hash(cx)?;
        }
        let h = crate::types::str::hash_bytes(&m.to_vec());
        m.hash.set(h);
        Ok(h)
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, MemoryView>, other: &Obj, op: CmpOp) -> PyResult {
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        Ok(match compare::equal_to(cx, this.obj(), this.payload(), other)? {
            Some(eq) => Obj::from_bool(eq == (op == CmpOp::Eq)),
            None => Obj::not_implemented(),
        })
    }

    fn __len__(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<usize> {
        this.payload().check(cx)?;
        match this.payload().geometry().shape.first() {
            Some(n) => Ok(*n),
            None => Err(cx.type_error("0-dim memory has no length")),
        }
    }

    fn __getitem__(cx: &Ctx, this: This<'_, MemoryView>, key: &Obj) -> PyResult {
        MemoryView::get_item(this, cx, key)
    }

    fn __setitem__(cx: &Ctx, this: This<'_, MemoryView>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        MemoryView::set_item(this, cx, key, value)
    }

    fn __iter__(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        match this.payload().geometry().shape.len() {
            0 => return Err(cx.type_error("invalid indexing of 0-dim memory")),
            1 => {}
            _ => return Err(cx.not_implemented("multi-dimensional sub-views are not implemented")),
        }
        let it = MemoryIterator { view: ObjCell::new(Some(this.obj().clone())), at: Cell::new(0) };
        Ok(crate::heap::new_instance(MemoryIterator::type_object(), it))
    }

    fn __buffer__(cx: &Ctx, this: This<'_, MemoryView>, flags: BufferFlags) -> PyResult<Buffer> {
        MemoryView::lend(cx, this, flags)
    }

    /// Ends the loan of the memory. The view cannot be used afterwards.
    #[pymethod]
    fn release(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<()> {
        this.payload().release_view(cx)
    }

    /// Enters a `with` block, at whose end the view is released.
    #[pymethod]
    fn __enter__(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        Ok(this.obj().clone())
    }

    /// Releases the view.
    #[pymethod(sig = "($self, /, *exc_info)")]
    fn __exit__(cx: &Ctx, this: This<'_, MemoryView>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        this.payload().release_view(cx)
    }

    /// Reads the same memory as items of another format, and perhaps another shape.
    #[pymethod(sig = "($self, /, format, shape=<unrepresentable>)")]
    fn cast(cx: &Ctx, this: This<'_, MemoryView>, format: &Obj, shape: Option<&Obj>) -> PyResult {
        this.payload().check_derivable(cx)?;
        let f = expect(cx, format, |t| format!("cast() argument 'format' must be str, not {t}"))?;
        this.payload().cast_to(cx, f.as_str_lossy(), shape)
    }

    /// A read-only view of the same memory.
    #[pymethod]
    fn toreadonly(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        let m = this.payload();
        m.check_derivable(cx)?;
        Ok(m.derive(m.start.get(), m.geometry(), true))
    }

    /// The memory as bytes. The order is 'C', 'F' or 'A' (Fortran's if the view is contiguous so).
    #[pymethod(sig = "($self, /, order='C')")]
    fn tobytes(cx: &Ctx, this: This<'_, MemoryView>, order: Option<&Obj>) -> PyResult {
        let m = this.payload();
        m.check(cx)?;
        let order = match order.filter(|o| !o.is_none()) {
            None => 'C',
            Some(o) => {
                let s = expect(cx, o, |t| format!("tobytes() argument 'order' must be str or None, not {t}"))?;
                match s.as_str_lossy() {
                    "C" => 'C',
                    "F" => 'F',
                    "A" => 'A',
                    _ => return Err(cx.value_error("order must be 'C', 'F' or 'A'")),
                }
            }
        };
        let g = m.geometry();
        let fortran =
            order == 'F' || (order == 'A' && g.is_contiguous(Contiguity::Fortran) && !g.is_contiguous(Contiguity::C));
        Ok(bytes::new(&m.bytes_in_order(fortran)))
    }

    /// The items as a list (of lists).
    #[pymethod]
    fn tolist(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        this.payload().to_list(cx)
    }

    /// The memory as hexadecimal digits, optionally with a separator between groups.
    ///
    /// >>> memoryview(b'cinder').hex()
    /// '63696e646572'
    /// >>> memoryview(b'cinder').hex(' ', 2)
    /// '6369 6e64 6572'
    #[pymethod(sig = "($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hex(cx: &Ctx, this: This<'_, MemoryView>, sep: Option<&Obj>, bytes_per_sep: Option<&Obj>) -> PyResult {
        this.payload().check(cx)?;
        let _held = Hold::of(&this.payload().exports);
        let sep = bytes::hex::separator(cx, sep)?;
        let group = bytes::args::c_int(cx, bytes_per_sep, 1)?;
        Ok(crate::types::str::from_latin1(&bytes::hex::to_hex(&this.payload().to_vec(), sep, group)))
    }

    /// Counts the items that equal a value.
    #[pymethod(sig = "($self, value, /)")]
    fn count(cx: &Ctx, this: This<'_, MemoryView>, value: &Obj) -> PyResult<usize> {
        let mut n = 0;
        let mut i = 0;
        while let Some(x) = this.payload().nth(cx, i)? {
            n += usize::from(x.eq(cx, value)?);
            i += 1;
        }
        Ok(n)
    }

    /// The position of the first item that equals a value, within bounds.
    #[pymethod(sig = "($self, value, start=0, stop=sys.maxsize, /)")]
    fn index(
        cx: &Ctx,
        this: This<'_, MemoryView>,
        value: &Obj,
        start: Option<&Obj>,
        stop: Option<&Obj>,
    ) -> PyResult<usize> {
        this.payload().check(cx)?;
        let len = this.payload().geometry().shape.first().copied().unwrap_or(0);
        let (start, stop) = crate::types::str::slicing::bounds(cx, start, stop, len)?;
        for i in start..stop {
            match this.payload().nth(cx, i as usize)? {
                Some(x) if x.eq(cx, value)? => return Ok(i as usize),
                Some(_) => {}
                None => break,
            }
        }
        Err(cx.value_error("memoryview.index(x): x not found"))
    }

    /// Makes a view with the flags of the buffer protocol.
    #[pyclassmethod(sig = "($type, /, object, flags)")]
    fn _from_flags(cx: &Ctx, ty: &Type, object: &Obj, flags: &Obj) -> PyResult {
        let _ = ty;
        let raw = flags.to_i64(cx)? as u32;
        super::with_flags(cx, object, BufferFlags::from_raw(raw))
    }

    /// `memoryview[int]`, for annotations.
    #[pyclassmethod(sig = "($type, item, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Type, item: &Obj) -> PyResult {
        crate::types::generic_alias::new(cx, &ty.as_obj(), item)
    }

    /// The object whose memory this is.
    #[pygetter]
    fn obj(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        Ok(this.payload().object())
    }

    /// Bytes of all items together.
    #[pygetter]
    fn nbytes(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<usize> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().byte_len())
    }

    /// Bytes of one item.
    #[pygetter]
    fn itemsize(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<usize> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().itemsize)
    }

    /// The format of an item in struct notation.
    #[pygetter]
    fn format(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<String> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().format.to_string())
    }

    /// Number of dimensions.
    #[pygetter]
    fn ndim(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<usize> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().shape.len())
    }

    /// Items along each dimension.
    #[pygetter]
    fn shape(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        Ok(tuple::new(this.payload().geometry().shape.iter().map(|n| Obj::from(*n)).collect()))
    }

    /// Bytes from one item to the next along each dimension.
    #[pygetter]
    fn strides(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        Ok(tuple::new(this.payload().geometry().strides.iter().map(|n| Obj::from(*n as i64)).collect()))
    }

    /// Always empty: buffers with indirections are not supported.
    #[pygetter]
    fn suboffsets(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult {
        this.payload().check(cx)?;
        Ok(tuple::new(Vec::new()))
    }

    /// Whether writing is refused.
    #[pygetter]
    fn readonly(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<bool> {
        this.payload().check(cx)?;
        Ok(this.payload().readonly)
    }

    /// Whether the items follow each other, last index fastest.
    #[pygetter]
    fn c_contiguous(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<bool> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().is_contiguous(Contiguity::C))
    }

    /// Whether the items follow each other, first index fastest.
    #[pygetter]
    fn f_contiguous(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<bool> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().is_contiguous(Contiguity::Fortran))
    }

    /// Whether the items follow each other in either order.
    #[pygetter]
    fn contiguous(cx: &Ctx, this: This<'_, MemoryView>) -> PyResult<bool> {
        this.payload().check(cx)?;
        Ok(this.payload().geometry().is_contiguous(Contiguity::Any))
    }
}

/// Iterates over the items of a memoryview.
#[derive(Traverse)]
#[pyclass(name = "memory_iterator", flags(no_new))]
pub struct MemoryIterator {
    view: ObjCell,
    at: Cell<usize>,
}

#[pymethods]
impl MemoryIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, MemoryIterator>) -> PyResult<Option<Obj>> {
        let it = this.payload();
        let Some(view) = it.view.get() else { return Ok(None) };
        let Some(m) = view.downcast::<MemoryView>() else { return Ok(None) };
        match m.nth(cx, it.at.get())? {
            Some(v) => {
                it.at.set(it.at.get() + 1);
                Ok(Some(v))
            }
            None => {
                it.view.set(None);
                Ok(None)
            }
        }
    }
}
