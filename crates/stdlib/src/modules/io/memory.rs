//! `BytesIO`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags, ByteStore, HasByteStore};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{Type, dict, list, memoryview, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::base::{BufferedIoBase, finalize};
use super::file::writable_error;
use super::size_arg;

/// A binary stream whose data is in memory; getvalue() gives all of it.
#[pyclass(name = "BytesIO", module = "_io", base = BufferedIoBase, flags(basetype), sig = "(initial_bytes=b'')")]
pub(crate) struct BytesIo {
    store: ByteStore,
    at: Cell<usize>,
    closed: Cell<bool>,
}

impl Traverse for BytesIo {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl HasByteStore for BytesIo {
    fn byte_store(&self) -> &ByteStore {
        &self.store
    }
}

/// Lends the memory of a BytesIO.
#[pyclass(name = "_BytesIOBuffer", module = "_io", flags(no_new))]
#[derive(Traverse)]
pub(crate) struct BytesIoBuffer {
    source: Obj,
}

#[pymethods]
impl BytesIoBuffer {
    fn __buffer__(cx: &Ctx, this: This<'_, BytesIoBuffer>, flags: BufferFlags) -> PyResult<Buffer> {
        match This::<BytesIo>::from_obj(&this.payload().source) {
            Some(b) => Buffer::lend(cx, b, flags, false, "B", 1),
            None => Err(cx.buffer_error("the stream is gone")),
        }
    }
}

impl BytesIo {
    fn check(&self, cx: &Ctx) -> PyResult<()> {
        if self.closed.get() { Err(super::closed(cx)) } else { Ok(()) }
    }

    /// The bytes from here, at most `n`; the position moves behind them.
    fn take(&self, n: Option<usize>) -> Obj {
        self.store.with(|b| {
            let at = self.at.get().min(b.len());
            let end = n.map_or(b.len(), |n| at + n.min(b.len() - at));
            if end > at {
                self.at.set(end);
            }
            bytes::new(&b[at..end])
        })
    }

    fn line(&self, limit: Option<usize>) -> Obj {
        let n = self.store.with(|b| {
            let rest = b.get(self.at.get()..).unwrap_or(&[]);
            let rest = &rest[..limit.map_or(rest.len(), |n| n.min(rest.len()))];
            memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1)
        });
        self.take(Some(n))
    }

    fn put(&self, cx: &Ctx, data: &[u8]) -> PyResult<usize> {
        self.check(cx)?;
        self.store.check_resizable(cx)?;
        if data.is_empty() {
            return Ok(0);
        }
        let at = self.at.get();
        let Some(end) = at.checked_add(data.len()) else {
            return Err(cx.overflow_error("new position too large"));
        };
        let fits = self.store.resize(cx, |v| {
            if end > v.len() {
                if v.try_reserve(end - v.len()).is_err() {
                    return false;
                }
                if at == v.len() {
                    v.extend_from_slice(data);
                    return true;
                }
                v.resize(end, 0);
            }
            v[at..end].copy_from_slice(data);
            true
        })?;
        if !fits {
            return Err(cx.no_memory());
        }
        self.at.set(end);
        Ok(data.len())
    }
}

fn write(cx: &Ctx, this: &BytesIo, b: &Obj) -> PyResult<usize> {
    this.check(cx)?;
    match BytesLike::new(cx, b)? {
        BytesLike::Slice(b) => this.put(cx, b),
        other => {
            let copy = other.to_vec();
            this.put(cx, &copy)
        }
    }
}

#[pymethods]
impl BytesIo {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, BytesIo { store: ByteStore::default(), at: Cell::new(0), closed: Cell::new(false) }))
    }

    #[pymethod(sig = "($self, initial_bytes=b'')")]
    fn __init__(cx: &Ctx, this: This<'_, BytesIo>, initial_bytes: Option<&Obj>) -> PyResult<()> {
        let data = match initial_bytes {
            Some(b) if !b.is_none() => BytesLike::new(cx, b)?.to_vec(),
            _ => Vec::new(),
        };
        this.store.resize(cx, |v| *v = data)?;
        this.at.set(0);
        Ok(())
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, BytesIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        Ok(this.take(size_arg(cx, size)?))
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn read1(cx: &Ctx, this: This<'_, BytesIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        Ok(this.take(size_arg(cx, size)?))
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn readline(cx: &Ctx, this: This<'_, BytesIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        Ok(this.line(size_arg(cx, size)?))
    }

    #[pymethod(sig = "($self, size=None, /)")]
    fn readlines(cx: &Ctx, this: This<'_, BytesIo>, size: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        let limit = size_arg(cx, size)?.filter(|n| *n > 0);
        let (mut lines, mut total) = (Vec::new(), 0);
        loop {
            let line = this.line(None);
            let n = line.len(cx)?;
            if n == 0 {
                break;
            }
            total += n;
            lines.push(line);
            if limit.is_some_and(|l| total >= l) {
                break;
            }
        }
        Ok(list::new(lines))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto(cx: &Ctx, this: This<'_, BytesIo>, buffer: &Obj) -> PyResult<usize> {
        this.check(cx)?;
        let to =
            Buffer::get(cx, buffer, BufferFlags::WRITABLE).map_err(|r| writable_error(cx, r, "readinto", buffer))?;
        let got = this.take(Some(to.len()));
        let b = bytes::as_bytes(&got).unwrap_or(&[]);
        to.with_bytes_mut(|t| t[..b.len()].copy_from_slice(b));
        Ok(b.len())
    }

    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, this: This<'_, BytesIo>, b: &Obj) -> PyResult<usize> {
        write(cx, &this, b)
    }

    #[pymethod(sig = "($self, lines, /)")]
    fn writelines(cx: &Ctx, this: This<'_, BytesIo>, lines: &Obj) -> PyResult<()> {
        this.check(cx)?;
        lines.for_each(cx, |line| write(cx, &this, &line).map(drop))
    }

    /// All bytes of the buffer.
    #[pymethod]
    fn getvalue(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult {
        this.check(cx)?;
        Ok(this.store.with(bytes::new))
    }

    /// A view over the contents of the buffer.
    #[pymethod]
    fn getbuffer(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult {
        this.check(cx)?;
        let lender = new_instance(BytesIoBuffer::class().type_object(), BytesIoBuffer { source: this.obj().clone() });
        memoryview::new(cx, &lender)
    }

    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.at.get())
    }

    #[pymethod(sig = "($self, pos, whence=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, BytesIo>, pos: isize, whence: i32) -> PyResult<usize> {
        this.check(cx)?;
        let base = match whence {
            0 if pos < 0 => return Err(cx.value_error(format!("negative seek value {pos}"))),
            0 => 0,
            1 => this.at.get() as isize,
            2 => this.store.len() as isize,
            w => return Err(cx.value_error(format!("invalid whence ({w}, should be 0, 1 or 2)"))),
        };
        let Some(to) = base.checked_add(pos) else { return Err(cx.overflow_error("new position too large")) };
        this.at.set(to.max(0) as usize);
        Ok(this.at.get())
    }

    #[pymethod(sig = "($self, size=None, /)")]
    fn truncate(cx: &Ctx, this: This<'_, BytesIo>, size: Option<&Obj>) -> PyResult<usize> {
        this.check(cx)?;
        let n = match size {
            Some(s) if !s.is_none() => match s.to_isize(cx)? {
                n @ 0.. => n as usize,
                n => return Err(cx.value_error(format!("negative size value {n}"))),
            },
            _ => this.at.get(),
        };
        // Asking for the size may have run code that closed the stream.
        this.check(cx)?;
        this.store.resize(cx, |v| v.truncate(n))?;
        Ok(n)
    }

    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<()> {
        this.store.resize(cx, |v| *v = Vec::new())?;
        this.closed.set(true);
        Ok(())
    }

    #[pymethod]
    fn flush(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<()> {
        this.check(cx)
    }

    #[pymethod]
    fn isatty(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(false)
    }

    #[pymethod]
    fn readable(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pymethod]
    fn writable(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pymethod]
    fn seekable(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(true)
    }

    #[pygetter]
    fn closed(_cx: &Ctx, this: This<'_, BytesIo>) -> bool {
        this.closed.get()
    }

    #[pymethod(name = "__getstate__")]
    fn getstate(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult {
        this.check(cx)?;
        let d = match dict::instance_dict(cx, this.obj())? {
            Some(d) => d.call_method(cx, cinder_pyobj::intern!("copy"), &[])?,
            None => Obj::none(),
        };
        Ok(tuple::new(vec![this.store.with(bytes::new), Obj::from(this.at.get()), d]))
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, BytesIo>, state: &Obj) -> PyResult<()> {
        let Some([data, at, d]) = tuple::items_if_tuple(state) else {
            return Err(cx.type_error(format!(
                "{}.__setstate__ argument should be 3-tuple, got {}",
                this.obj().type_of().name(),
                state.type_of().name()
            )));
        };
        this.store.check_resizable(cx)?;
        let data = BytesLike::new(cx, data)?.to_vec();
        if !cinder_pyobj::types::int::is_int(at) {
            return Err(cx.type_error(format!("second item of state must be an integer, not {}", at.type_of().name())));
        }
        if !d.is_none() && dict::as_dict(d).is_none() {
            return Err(cx.type_error(format!("third item of state should be a dict, got a {}", d.type_of().name())));
        }
        let at = match at.to_isize(cx)? {
            n @ 0.. => n as usize,
            _ => return Err(cx.value_error("position value cannot be negative")),
        };
        this.store.resize(cx, |v| *v = data)?;
        this.at.set(at);
        if !d.is_none()
            && let (Some(own), Some(items)) = (dict::instance_dict(cx, this.obj())?, dict::items_if_dict(d))
        {
            for (k, v) in items {
                own.set_item(cx, &k, &v)?;
            }
        }
        Ok(())
    }

    fn __next__(cx: &Ctx, this: This<'_, BytesIo>) -> PyResult<Option<Obj>> {
        this.check(cx)?;
        let line = this.line(None);
        Ok(if line.len(cx)? == 0 { None } else { Some(line) })
    }

    fn __del__(cx: &Ctx, this: &Obj) -> PyResult<()> {
        if this.type_of().is_heap_type() { finalize(cx, this) } else { Ok(()) }
    }
}
