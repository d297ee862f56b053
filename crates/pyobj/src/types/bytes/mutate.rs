//! Methods that change a bytearray.

use super::args::{self, BytesLike};
use super::build::{self, Target};
use super::storage::{self, ByteArray};
use crate::ctx::{Ctx, PyResult};
use crate::native::{This, pymethods};
use crate::types::str::slicing::{self, Index};
use crate::value::Obj;

pub(super) fn append_all(cx: &Ctx, b: &ByteArray, more: &[u8]) -> PyResult<()> {
    if more.is_empty() {
        return Ok(());
    }
    reserve(cx, b, more.len())?;
    b.store().resize(cx, |v| v.extend_from_slice(more))
}

/// Makes room for `more` bytes at the end.
fn reserve(cx: &Ctx, b: &ByteArray, more: usize) -> PyResult<()> {
    let fits = b.store().resize(cx, |v| v.try_reserve(more).is_ok())?;
    if fits { Ok(()) } else { Err(cx.no_memory()) }
}

/// `b[key] = value`, or `del b[key]`.
pub(super) fn set_item(cx: &Ctx, this: This<'_, ByteArray>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let b = this.payload();
    match slicing::resolve(cx, key, b.len(), "bytearray")? {
        Index::At(i) => match value {
            Some(v) => {
                let c = args::byte(cx, v)?;
                // Converting the value may have run Python code that shortened the array.
                b.with_mut(|b| b.get_mut(i).map(|slot| *slot = c))
                    .ok_or_else(|| cx.index_error("bytearray index out of range"))
            }
            None => b.store().resize(cx, |b| {
                if i < b.len() {
                    b.remove(i);
                }
            }),
        },
        Index::Slice { start, step, count } => {
            let new = match value {
                None => None,
                Some(v) => Some(slice_value(cx, v)?),
            };
            assign_slice(cx, b, key, (start, step, count), new)
        }
    }
}

fn slice_value(cx: &Ctx, v: &Obj) -> PyResult<Vec<u8>> {
    if args::is_bytes_like(v) {
        return Ok(BytesLike::new(cx, v)?.to_vec());
    }
    let slots = &v.type_of().slots;
    let is_text = v.downcast::<crate::types::str::Str>().is_some();
    if is_text || v.is_int() || (slots.iter.get().is_none() && slots.getitem.get().is_none()) {
        return Err(cx.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
    }
    build::from_object(cx, v, Target::ByteArray)
}

fn assign_slice(
    cx: &Ctx,
    b: &ByteArray,
    key: &Obj,
    (mut start, mut step, mut count): (isize, isize, usize),
    new: Option<Vec<u8>>,
) -> PyResult<()> {
    // Making the new bytes may have run Python code: the bounds are taken again.
    if let Index::Slice { start: s, step: t, count: c } = slicing::resolve(cx, key, b.len(), "bytearray")? {
        (start, step, count) = (s, t, c);
    }
    if step == 1 {
        let new = new.unwrap_or_default();
        let start = start as usize;
        if new.len() == count {
            b.with_mut(|b| b[start..start + count].copy_from_slice(&new));
            return Ok(());
        }
        return b.store().resize(cx, |b| drop(b.splice(start..start + count, new)));
    }
    // Assigning nothing to an extended slice deletes it.
    let Some(new) = new.filter(|n| !n.is_empty()) else {
        b.store().check_resizable(cx)?;
        if count == 0 {
            return Ok(());
        }
        let mut gone: Vec<usize> = slicing::stepped(start, step, count).collect();
        gone.sort_unstable();
        return b.store().resize(cx, |b| {
            let mut gone = gone.into_iter().peekable();
            let mut i = 0;
            b.retain(|_| {
                let cut = gone.next_if_eq(&i).is_some();
                i += 1;
                !cut
            });
        });
    };
    if new.len() != count {
        return Err(
            cx.value_error(format!("attempt to assign bytes of size {} to extended slice of size {count}", new.len()))
        );
    }
    b.with_mut(|b| {
        for (i, c) in slicing::stepped(start, step, count).zip(new) {
            b[i] = c;
        }
    });
    Ok(())
}

#[pymethods(part = "mutate")]
impl ByteArray {
    /// Adds a byte at the end.
    #[pymethod(sig = "($self, item, /)")]
    fn append(cx: &Ctx, this: This<'_, ByteArray>, item: &Obj) -> PyResult<()> {
        let c = args::byte(cx, item)?;
        append_all(cx, this.payload(), &[c])
    }

    /// Removes all bytes.
    #[pymethod]
    fn clear(cx: &Ctx, this: This<'_, ByteArray>) -> PyResult<()> {
        this.payload().store().resize(cx, |b| drop(std::mem::take(b)))
    }

    /// Returns a copy.
    #[pymethod]
    fn copy(&self) -> Obj {
        storage::new_bytearray(self.to_vec())
    }

    /// Adds the bytes of a bytes-like object or iterable of ints at the end.
    #[pymethod(sig = "($self, iterable_of_ints, /)")]
    fn extend(cx: &Ctx, this: This<'_, ByteArray>, iterable_of_ints: &Obj) -> PyResult<()> {
        let o = iterable_of_ints;
        let slots = &o.type_of().slots;
        if o.downcast::<crate::types::str::Str>().is_some() {
            return Err(cx.type_error("expected iterable of integers; got: 'str'"));
        }
        if !args::is_bytes_like(o) && slots.iter.get().is_none() && slots.getitem.get().is_none() {
            return Err(cx.type_error(format!("can't extend bytearray with {}", o.type_of().name())));
        }
        if !args::is_bytes_like(o) {
            // A length that cannot be had is an error, though room is not made by it.
            o.length_hint(cx, 32)?;
        }
        let end = this.payload().len();
        let more = build::from_object(cx, o, Target::ByteArray)?;
        if !args::is_bytes_like(o) {
            return append_all(cx, this.payload(), &more);
        }
        // Lending the memory may have run Python code that changed the length: the data goes where the end was.
        reserve(cx, this.payload(), more.len())?;
        this.payload().store().resize(cx, |b| {
            let at = end.min(b.len());
            drop(b.splice(at..at, more));
        })
    }

    /// Inserts a byte before an index.
    #[pymethod(sig = "($self, index, item, /)")]
    fn insert(cx: &Ctx, this: This<'_, ByteArray>, index: &Obj, item: &Obj) -> PyResult<()> {
        let i = index.to_isize(cx)?;
        let c = args::byte(cx, item)?;
        this.payload().store().resize(cx, |b| {
            let n = b.len() as isize;
            let at = if i < 0 { (i + n).max(0) } else { i.min(n) };
            b.insert(at as usize, c);
        })
    }

    /// Removes and returns the byte at an index, the last one by default.
    #[pymethod(sig = "($self, index=-1, /)")]
    fn pop(cx: &Ctx, this: This<'_, ByteArray>, index: Option<&Obj>) -> PyResult<i64> {
        let i = index.map_or(Ok(-1), |i| i.to_isize(cx))?;
        let n = this.payload().len();
        if n == 0 {
            return Err(cx.index_error("pop from empty bytearray"));
        }
        match crate::protocol::unpack_index(i, n) {
            Some(i) => Ok(this.payload().store().resize(cx, |b| b.remove(i))? as i64),
            None => Err(cx.index_error("pop index out of range")),
        }
    }

    /// Removes the first occurrence of a byte.
    #[pymethod(sig = "($self, value, /)")]
    fn remove(cx: &Ctx, this: This<'_, ByteArray>, value: &Obj) -> PyResult<()> {
        let c = args::byte(cx, value)?;
        match this.payload().with(|b| memchr::memchr(c, b)) {
            Some(i) => this.payload().store().resize(cx, |b| {
                b.remove(i);
            }),
            None => Err(cx.value_error("value not found in bytearray")),
        }
    }

    /// Changes the length; new bytes are zero.
    #[pymethod(sig = "($self, size, /)")]
    fn resize(cx: &Ctx, this: This<'_, ByteArray>, size: &Obj) -> PyResult<()> {
        let n = size.to_isize(cx)?;
        if n < 0 {
            return Err(cx.value_error(format!("Can only resize to positive sizes, got {n}")));
        }
        let n = n as usize;
        if n == this.payload().len() {
            return Ok(());
        }
        let fits = this.payload().store().resize(cx, |b| {
            let ok = n <= b.len() || b.try_reserve_exact(n - b.len()).is_ok();
            if ok {
                b.resize(n, 0);
            }
            ok
        })?;
        if fits { Ok(()) } else { Err(cx.no_memory()) }
    }

    /// Reverses the order of the bytes.
    #[pymethod]
    fn reverse(&self) {
        self.with_mut(<[u8]>::reverse);
    }
}
