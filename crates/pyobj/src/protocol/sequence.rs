//! Length, items, membership, and conversions to indices.

use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::types::exc;
use crate::value::Obj;

impl Obj {
    /// `len(x)`.
    pub fn len(&self, cx: &Ctx) -> PyResult<usize> {
        match self.type_of().slots.len.get() {
            Some(f) => f(cx, self),
            None => Err(cx.type_error(format!("object of type '{}' has no len()", self.type_of().name()))),
        }
    }

    /// `x[key]`; classes fall back to `__class_getitem__`.
    pub fn get_item(&self, cx: &Ctx, key: &Obj) -> PyResult {
        if let Some(f) = self.type_of().slots.getitem.get() {
            return f(cx, self, key);
        }
        if let Some(t) = self.as_type() {
            if t.is(crate::types::type_type()) {
                return crate::types::generic_alias::new(cx, self, key);
            }
            if let Some(m) = self.get_attr_opt(cx, crate::intern!("__class_getitem__"))?
                && !m.is_none()
            {
                return m.call1(cx, key);
            }
            return Err(cx.type_error(format!("type '{}' is not subscriptable", t.name())));
        }
        Err(cx.type_error(format!("'{}' object is not subscriptable", self.type_of().name())))
    }

    /// `x[key] = value`.
    pub fn set_item(&self, cx: &Ctx, key: &Obj, value: &Obj) -> PyResult<()> {
        match self.type_of().slots.setitem.get() {
            Some(f) => f(cx, self, key, Some(value)),
            None => Err(cx.type_error(format!("'{}' object does not support item assignment", self.type_of().name()))),
        }
    }

    /// `del x[key]`.
    pub fn del_item(&self, cx: &Ctx, key: &Obj) -> PyResult<()> {
        match self.type_of().slots.setitem.get() {
            Some(f) => f(cx, self, key, None),
            None => Err(cx.type_error(format!("'{}' object doesn't support item deletion", self.type_of().name()))),
        }
    }

    /// `item in x`: `__contains__`, else by iteration.
    pub fn contains(&self, cx: &Ctx, item: &Obj) -> PyResult<bool> {
        if let Some(f) = self.type_of().slots.contains.get() {
            return f(cx, self, item);
        }
        let it = match self.iter(cx) {
            Ok(it) => it,
            Err(r) => {
                if cx.pending_is(exc::TypeError()) && self.type_of().slots.iter.get().is_none() {
                    drop(cx.take(r));
                    return Err(cx.type_error(format!(
                        "argument of type '{}' is not a container or iterable",
                        self.type_of().name()
                    )));
                }
                return Err(r);
            }
        };
        while let Some(x) = it.next(cx)? {
            if x.eq(cx, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `operator.index(x)`: an int.
    pub fn index(&self, cx: &Ctx) -> PyResult {
        if self.is_exact(FixedShape::Int) {
            return Ok(self.clone());
        }
        let ty = self.type_of();
        if ty.is_int_subtype() {
            return Ok(self.clone());
        }
        let Some(f) = ty.slots.index.get() else {
            return Err(cx.type_error(format!("'{}' object cannot be interpreted as an integer", ty.name())));
        };
        let r = f(cx, self)?;
        if !r.type_of().is_int_subtype() {
            return Err(cx.type_error(format!("__index__ returned non-int (type {})", r.type_of().name())));
        }
        if !r.is_exact(FixedShape::Int) {
            (cx.host().warn)(
                cx,
                exc::DeprecationWarning(),
                &format!(
                    "__index__ returned non-int (type {}).  The ability to return an instance of a strict \
                     subclass of int is deprecated, and may not be supported in a future version of Python.",
                    r.type_of().name()
                ),
                1,
            )?;
        }
        Ok(r)
    }

    /// An int argument as `i64`; OverflowError if it is larger.
    pub fn to_i64(&self, cx: &Ctx) -> PyResult<i64> {
        if let Some(n) = self.as_int() {
            return Ok(n);
        }
        let i = self.index(cx)?;
        crate::types::int::as_i64(&i).ok_or_else(|| cx.overflow_error("Python int too large to convert to C long"))
    }

    /// A size argument; OverflowError if it is larger than `isize`.
    pub fn to_isize(&self, cx: &Ctx) -> PyResult<isize> {
        if let Some(n) = self.as_int() {
            return Ok(n as isize);
        }
        let i = self.index(cx)?;
        match crate::types::int::as_i64(&i) {
            Some(n) => Ok(n as isize),
            None => Err(cx.overflow_error("Python int too large to convert to C ssize_t")),
        }
    }

    /// A sequence index; IndexError if it is out of the range of `isize`.
    pub fn to_index(&self, cx: &Ctx) -> PyResult<isize> {
        if let Some(n) = self.as_int() {
            return Ok(n as isize);
        }
        let i = self.index(cx)?;
        match crate::types::int::as_i64(&i) {
            Some(n) => Ok(n as isize),
            None => Err(cx.index_error(format!("cannot fit '{}' into an index-sized integer", self.type_of().name()))),
        }
    }

    /// A slice bound: ints out of range are clamped to `isize`.
    pub fn to_isize_clamped(&self, cx: &Ctx) -> PyResult<isize> {
        if let Some(n) = self.as_int() {
            return Ok(n as isize);
        }
        let i = self.index(cx)?;
        Ok(match crate::types::int::as_i64(&i) {
            Some(n) => n as isize,
            None if crate::types::int::is_negative(&i) => isize::MIN,
            None => isize::MAX,
        })
    }

    /// A non-negative size; ValueError for negative numbers.
    pub fn to_usize(&self, cx: &Ctx) -> PyResult<usize> {
        let n = self.to_isize(cx)?;
        usize::try_from(n).map_err(|_| cx.value_error("value must be non-negative"))
    }
}

/// Maps a Python index to a position in a sequence of `len` items; nothing if it is out of range.
#[inline]
pub fn unpack_index(i: isize, len: usize) -> Option<usize> {
    let i = if i < 0 { i.checked_add(len as isize)? } else { i };
    if i >= 0 && (i as usize) < len { Some(i as usize) } else { None }
}
