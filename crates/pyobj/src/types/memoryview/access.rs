//! Items and slices of memoryviews.

use std::rc::Rc;

use smallvec::SmallVec;

use super::MemoryView;
use crate::ctx::{Ctx, PyResult};
use crate::native::This;
use crate::protocol::buffer::{Buffer, BufferFlags, Contiguity, Geometry};
use crate::protocol::pack::{self, PackError};
use crate::protocol::unpack_index;
use crate::types::list;
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::value::Obj;

/// The format code of native single-item formats.
pub(super) fn native_code(format: &str) -> Option<u8> {
    match format.as_bytes() {
        [c] | [b'@', c] => pack::native_size(*c).map(|_| *c),
        _ => None,
    }
}

fn code(cx: &Ctx, g: &Geometry) -> PyResult<u8> {
    native_code(&g.format).ok_or_else(|| cx.not_implemented(format!("memoryview: format {} not supported", g.format)))
}

fn is_index(o: &Obj) -> bool {
    o.is_int() || o.type_of().slots.index.get().is_some()
}

impl MemoryView {
    fn value_at(&self, cx: &Ctx, g: &Geometry, off: isize) -> PyResult {
        Ok(pack::unpack(code(cx, g)?, self.item(off, g.itemsize), true))
    }

    fn offset(&self, cx: &Ctx, g: &Geometry, dim: usize, i: isize) -> PyResult<isize> {
        match unpack_index(i, g.shape[dim]) {
            Some(i) => Ok(i as isize * g.strides[dim]),
            None => Err(cx.index_error(format!("index out of bounds on dimension {}", dim + 1))),
        }
    }

    /// The offset of the item that a tuple of ints names.
    fn tuple_offset(&self, cx: &Ctx, g: &Geometry, key: &[Obj]) -> PyResult<isize> {
        let ndim = g.shape.len();
        if key.len() < ndim {
            return Err(cx.not_implemented("sub-views are not implemented"));
        }
        if key.len() > ndim {
            return Err(cx.type_error(format!("cannot index {ndim}-dimension view with {}-element tuple", key.len())));
        }
        let mut off = 0;
        for (dim, k) in key.iter().enumerate() {
            off += self.offset(cx, g, dim, k.to_index(cx)?)?;
        }
        Ok(off)
    }

    pub(super) fn get_item(this: This<'_, MemoryView>, cx: &Ctx, key: &Obj) -> PyResult {
        let m = this.payload();
        m.check(cx)?;
        let g = m.geometry();
        if g.shape.is_empty() {
            if key.downcast::<Tuple>().is_some_and(|t| t.as_slice().is_empty()) {
                return m.value_at(cx, &g, 0);
            }
            if key.is(&Obj::ellipsis()) {
                return Ok(this.obj().clone());
            }
            return Err(cx.type_error("invalid indexing of 0-dim memory"));
        }
        if is_index(key) {
            let i = key.to_index(cx)?;
            m.check(cx)?;
            if g.shape.len() > 1 {
                return Err(cx.not_implemented("multi-dimensional sub-views are not implemented"));
            }
            let off = m.offset(cx, &g, 0, i)?;
            return m.value_at(cx, &g, off);
        }
        if let Some(s) = key.downcast::<Slice>() {
            m.check_derivable(cx)?;
            // The bounds may run Python code that releases this view; the new one keeps the memory.
            let whole = m.derive(m.start.get(), m.geometry(), m.readonly);
            let Some(w) = whole.downcast::<MemoryView>() else { return Ok(whole) };
            let (start, g) = w.slice(cx, &g, s)?;
            return Ok(w.derive(start, Rc::new(g), w.readonly));
        }
        if let Some(t) = key.downcast::<Tuple>() {
            let t = t.as_slice();
            if t.iter().all(is_index) {
                let off = m.tuple_offset(cx, &g, t)?;
                m.check(cx)?;
                return m.value_at(cx, &g, off);
            }
            if t.iter().all(|k| k.downcast::<Slice>().is_some()) {
                return Err(cx.not_implemented("multi-dimensional slicing is not implemented"));
            }
        }
        Err(cx.type_error("memoryview: invalid slice key"))
    }

    /// Start and geometry of a slice along the first dimension.
    fn slice(&self, cx: &Ctx, g: &Geometry, s: &Slice) -> PyResult<(*mut u8, Geometry)> {
        let (start, _, step, count) = s.indices(cx, g.shape[0])?;
        self.check(cx)?;
        let mut new = g.clone();
        let off = if count == 0 { 0 } else { start * g.strides[0] };
        new.shape[0] = count;
        new.strides[0] = g.strides[0].wrapping_mul(step);
        Ok((self.start.get().wrapping_offset(off), new))
    }

    pub(super) fn set_item(this: This<'_, MemoryView>, cx: &Ctx, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let m = this.payload();
        m.check(cx)?;
        let g = m.geometry();
        if m.readonly {
            return Err(cx.type_error("cannot modify read-only memory"));
        }
        let Some(value) = value else { return Err(cx.type_error("cannot delete memory")) };
        if g.shape.is_empty() {
            if key.is(&Obj::ellipsis()) || key.downcast::<Tuple>().is_some_and(|t| t.as_slice().is_empty()) {
                return m.store(cx, &g, 0, value);
            }
            return Err(cx.type_error("invalid indexing of 0-dim memory"));
        }
        if is_index(key) {
            if g.shape.len() > 1 {
                return Err(cx.not_implemented("sub-views are not implemented"));
            }
            let i = key.to_index(cx)?;
            let off = m.offset(cx, &g, 0, i)?;
            return m.store(cx, &g, off, value);
        }
        if let Some(s) = key.downcast::<Slice>() {
            if g.shape.len() > 1 {
                return Err(cx.not_implemented("memoryview slice assignments are currently restricted to ndim = 1"));
            }
            return m.store_slice(cx, &g, s, value);
        }
        if let Some(t) = key.downcast::<Tuple>() {
            let t = t.as_slice();
            if t.iter().all(is_index) {
                let off = m.tuple_offset(cx, &g, t)?;
                return m.store(cx, &g, off, value);
            }
            if t.iter().all(|k| k.downcast::<Slice>().is_some()) {
                return Err(cx.not_implemented("memoryview slice assignments are currently restricted to ndim = 1"));
            }
        }
        Err(cx.type_error("memoryview: invalid slice key"))
    }

    fn store(&self, cx: &Ctx, g: &Geometry, off: isize, value: &Obj) -> PyResult<()> {
        let code = code(cx, g)?;
        let mut item: SmallVec<[u8; 8]> = SmallVec::from_elem(0, g.itemsize);
        match pack::pack(cx, code, value, &mut item, true) {
            Ok(()) => {}
            Err(PackError::Raised(r)) => return Err(r),
            Err(PackError::Type) => {
                return Err(cx.type_error(format!("memoryview: invalid type for format '{}'", g.format)));
            }
            Err(PackError::Range) => {
                return Err(cx.value_error(format!("memoryview: invalid value for format '{}'", g.format)));
            }
        }
        // Converting the value may have run Python code that released the view.
        self.check(cx)?;
        self.write(off, &item);
        Ok(())
    }

    fn store_slice(&self, cx: &Ctx, g: &Geometry, s: &Slice, value: &Obj) -> PyResult<()> {
        let source = Buffer::get(cx, value, BufferFlags::FULL_RO)?;
        let (start, dest) = self.slice(cx, g, s)?;
        let from = source.geometry();
        let plain = |f: &str| f.strip_prefix('@').unwrap_or(f).to_owned();
        let same = from.shape.len() == 1
            && from.shape[0] == dest.shape[0]
            && from.itemsize == dest.itemsize
            && plain(&from.format) == plain(&dest.format);
        if !same {
            return Err(cx.value_error("memoryview assignment: lvalue and rvalue have different structures"));
        }
        let data = source.to_vec();
        let base = start as isize - self.start.get() as isize;
        for (i, item) in data.chunks(dest.itemsize.max(1)).enumerate() {
            self.write(base + i as isize * dest.strides[0], item);
        }
        Ok(())
    }

    pub(super) fn to_list(&self, cx: &Ctx) -> PyResult {
        let g = self.geometry();
        if g.shape.is_empty() {
            return self.value_at(cx, &g, 0);
        }
        self.list_of(cx, &g, 0, 0)
    }

    fn list_of(&self, cx: &Ctx, g: &Geometry, dim: usize, base: isize) -> PyResult {
        let mut out = Vec::with_capacity(g.shape[dim]);
        for i in 0..g.shape[dim] {
            let off = base + i as isize * g.strides[dim];
            out.push(if dim + 1 == g.shape.len() {
                self.value_at(cx, g, off)?
            } else {
                self.list_of(cx, g, dim + 1, off)?
            });
        }
        Ok(list::new(out))
    }

    /// The item at a position of a one-dimensional view; nothing behind its end.
    pub(super) fn nth(&self, cx: &Ctx, i: usize) -> PyResult<Option<Obj>> {
        self.check(cx)?;
        let g = self.geometry();
        match g.shape.len() {
            1 if i < g.shape[0] => self.value_at(cx, &g, i as isize * g.strides[0]).map(Some),
            1 => Ok(None),
            0 => Err(cx.type_error("0-dim memory has no length")),
            _ => Err(cx.not_implemented("multi-dimensional sub-views are not implemented")),
        }
    }

    pub(super) fn cast_to(&self, cx: &Ctx, format: &str, shape: Option<&Obj>) -> PyResult {
        let g = self.geometry();
        if !g.is_contiguous(Contiguity::C) {
            return Err(cx.type_error("memoryview: casts are restricted to C-contiguous views"));
        }
        let shape = match shape {
            None => None,
            Some(s) => Some(shape_of(cx, s)?),
        };
        if (shape.is_some() || g.shape.len() != 1)
            && !(g.shape.len() <= 1 || shape.as_ref().is_none_or(|s| s.len() == 1))
        {
            return Err(cx.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
        }
        let Some(new_code) = native_code(format) else {
            return Err(cx.value_error(
                "memoryview: destination format must be a native single character format prefixed with an optional '@'",
            ));
        };
        let Some(old_code) = native_code(&g.format) else {
            return Err(cx.value_error(
                "memoryview: source format must be a native single character format prefixed with an optional '@'",
            ));
        };
        let is_byte = |c: u8| matches!(c, b'b' | b'B' | b'c');
        if !is_byte(new_code) && !is_byte(old_code) {
            return Err(cx.type_error("memoryview: cannot cast between two non-byte formats"));
        }
        let itemsize = pack::native_size(new_code).unwrap_or(1);
        let len = g.byte_len();
        if !len.is_multiple_of(itemsize) {
            return Err(cx.type_error("memoryview: length is not a multiple of itemsize"));
        }
        let mut new = Geometry::items(format.to_owned(), itemsize, len / itemsize);
        if let Some(shape) = shape {
            let total = shape.iter().try_fold(itemsize, |n, d| n.checked_mul(*d));
            if total != Some(len) {
                return Err(cx.type_error("memoryview: product(shape) * itemsize != buffer size"));
            }
            new.strides = SmallVec::from_elem(itemsize as isize, shape.len());
            for d in (0..shape.len().saturating_sub(1)).rev() {
                new.strides[d] = new.strides[d + 1] * shape[d + 1] as isize;
            }
            new.shape = shape;
        }
        Ok(self.derive(self.start.get(), Rc::new(new), self.readonly))
    }
}

fn shape_of(cx: &Ctx, s: &Obj) -> PyResult<SmallVec<[usize; 2]>> {
    let items = if let Some(t) = s.downcast::<Tuple>() {
        t.as_slice().to_vec()
    } else if s.downcast::<list::List>().is_some() {
        s.collect(cx)?
    } else {
        return Err(cx.type_error("shape must be a list or a tuple"));
    };
    if items.len() > 64 {
        return Err(cx.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    let mut out = SmallVec::new();
    for i in items {
        match crate::types::int::as_i64(&i) {
            None => return Err(cx.type_error("memoryview.cast(): elements of shape must be integers")),
            Some(n) if n <= 0 => {
                return Err(cx.value_error("memoryview.cast(): elements of shape must be integers > 0"));
            }
            Some(n) => out.push(n as usize),
        }
    }
    Ok(out)
}
