//! The class `mmap`: methods and slots.

use cinder_pyobj::native::{Args, This, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::slice::Slice;
use cinder_pyobj::types::{Type, exc};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::map::{Access, Mmap};
use crate::os::{check, sys, zeroed};

/// An item to store: an int from 0 to 255.
fn item_value(cx: &Ctx, o: &Obj) -> PyResult<u8> {
    let n = o.to_i64(cx).map_err(|r| match cx.swallow(r, exc::TypeError()) {
        Ok(()) => cx.type_error("mmap item value must be an int"),
        Err(r) => r,
    })?;
    u8::try_from(n).map_err(|_| cx.value_error("mmap item value must be in range(0, 256)"))
}

impl Mmap {
    fn index(&self, cx: &Ctx, key: &Obj) -> PyResult<usize> {
        if !key.is_int() && key.type_of().slots.index.get().is_none() {
            return Err(cx.type_error("mmap indices must be integers"));
        }
        let i = key.to_index(cx)?;
        self.check_open(cx)?;
        cinder_pyobj::protocol::unpack_index(i, self.len.get()).ok_or_else(|| cx.index_error("mmap index out of range"))
    }

    /// The part for `find`: bounds clipped as those of slices.
    fn part(&self, cx: &Ctx, start: Option<&Obj>, end: Option<&Obj>, default_start: usize) -> PyResult<(usize, usize)> {
        let n = self.len.get() as isize;
        let clip = |o: Option<&Obj>, default: isize| -> PyResult<isize> {
            let i = o.map_or(Ok(default), |o| o.to_isize_clamped(cx))?;
            Ok(if i < 0 { (i + n).max(0) } else { i.min(n) })
        };
        let (a, b) = (clip(start, default_start as isize)?, clip(end, n)?);
        Ok((a as usize, b.max(a) as usize))
    }

    fn search(&self, cx: &Ctx, args: Args<'_>, name: &str, backwards: bool) -> PyResult<i64> {
        let a = args.check_arity(cx, name, 1, 3)?;
        let needle = BytesLike::new(cx, &a[0])?.to_vec();
        self.check_open(cx)?;
        let (from, to) = self.part(cx, a.get(1), a.get(2), self.pos.get())?;
        let hay = self.copy(from, to);
        let found = if backwards { memchr::memmem::rfind(&hay, &needle) } else { memchr::memmem::find(&hay, &needle) };
        Ok(found.map_or(-1, |i| (from + i) as i64))
    }
}

#[pymethods]
impl Mmap {
    #[pynew(sig = "")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Mmap::create(cx, ty, args)
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Mmap>) -> PyResult<String> {
        let name = this.obj().type_of().name().to_string();
        if this.ptr.get().is_null() {
            return Ok(format!("<{name} closed=True>"));
        }
        let access = match this.access {
            Access::Default => "ACCESS_DEFAULT",
            Access::Read => "ACCESS_READ",
            Access::Write => "ACCESS_WRITE",
            Access::Copy => "ACCESS_COPY",
        };
        let (len, pos, offset) = (this.len.get(), this.pos.get(), this.offset);
        Ok(format!("<{name} closed=False, access={access}, length={len}, pos={pos}, offset={offset}>"))
    }

    fn __len__(cx: &Ctx, this: This<'_, Mmap>) -> PyResult<usize> {
        this.check_open(cx)?;
        Ok(this.len.get())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Mmap>, key: &Obj) -> PyResult {
        this.check_open(cx)?;
        if let Some(s) = key.downcast::<Slice>() {
            let (start, _, step, count) = s.indices(cx, this.len.get())?;
            this.check_open(cx)?;
            if step == 1 {
                return Ok(bytes::new(&this.copy(start as usize, start as usize + count)));
            }
            let items: Vec<u8> = (0..count as isize).map(|i| this.byte((start + i * step) as usize)).collect();
            return Ok(bytes::new(&items));
        }
        let i = this.index(cx, key)?;
        Ok(Obj::from(i64::from(this.byte(i))))
    }

    fn __setitem__(cx: &Ctx, this: This<'_, Mmap>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        this.check_open(cx)?;
        this.check_writable(cx)?;
        if let Some(s) = key.downcast::<Slice>() {
            let Some(v) = value else {
                return Err(cx.type_error("mmap object doesn't support slice deletion"));
            };
            let data = BytesLike::new(cx, v)?.to_vec();
            let (start, _, step, count) = s.indices(cx, this.len.get())?;
            this.check_open(cx)?;
            if data.len() != count {
                return Err(cx.index_error("mmap slice assignment is wrong size"));
            }
            for (i, b) in data.iter().enumerate() {
                this.store((start + i as isize * step) as usize, &[*b]);
            }
            return Ok(());
        }
        let Some(v) = value else {
            return Err(cx.type_error("mmap object doesn't support item deletion"));
        };
        let b = item_value(cx, v)?;
        let i = this.index(cx, key)?;
        this.store(i, &[b]);
        Ok(())
    }

    fn __buffer__(cx: &Ctx, this: This<'_, Mmap>, flags: BufferFlags) -> PyResult<Buffer> {
        Mmap::lend(cx, this, flags)
    }

    /// Ends the mapping.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Mmap>) -> PyResult<()> {
        if this.exports.get() > 0 {
            return Err(cx.buffer_error("cannot close exported pointers exist"));
        }
        this.end();
        Ok(())
    }

    /// Whether the mapping has ended.
    #[pygetter]
    fn closed(_cx: &Ctx, this: This<'_, Mmap>) -> bool {
        this.ptr.get().is_null()
    }

    /// The lowest position of bytes from the current position (or start) on, -1 if they do not occur.
    #[pymethod(sig = "")]
    fn find(cx: &Ctx, this: This<'_, Mmap>, args: Args<'_>) -> PyResult<i64> {
        this.search(cx, args, "find", false)
    }

    /// The highest position of bytes from the current position (or start) on, -1 if they do not occur.
    #[pymethod(sig = "")]
    fn rfind(cx: &Ctx, this: This<'_, Mmap>, args: Args<'_>) -> PyResult<i64> {
        this.search(cx, args, "rfind", true)
    }

    /// Writes changes in a part of the memory to the file.
    #[pymethod(sig = "($self, offset=0, size=None, /)")]
    fn flush(cx: &Ctx, this: This<'_, Mmap>, offset: i64, size: Option<i64>) -> PyResult<()> {
        this.check_open(cx)?;
        let n = this.len.get() as i64;
        let size = size.unwrap_or(n - offset);
        if offset < 0 || size < 0 || offset > n || n - offset < size {
            return Err(cx.value_error("flush values out of range"));
        }
        if matches!(this.access, Access::Read | Access::Copy) {
            return Ok(());
        }
        let p = this.ptr.get().wrapping_add(offset as usize);
        check(cx, cx.without_lock(|| sys!(libc::msync(p.cast(), size as usize, libc::MS_SYNC)))).map(|_| ())
    }

    /// Tells the system how a part of the memory will be used.
    #[pymethod(sig = "($self, option, start=0, length=None, /)")]
    fn madvise(cx: &Ctx, this: This<'_, Mmap>, option: i32, start: i64, length: Option<i64>) -> PyResult<()> {
        this.check_open(cx)?;
        let n = this.len.get() as i64;
        if start < 0 || start >= n {
            return Err(cx.value_error("madvise start out of bounds"));
        }
        let length = length.unwrap_or(n);
        if length < 0 {
            return Err(cx.value_error("madvise length invalid"));
        }
        if i64::MAX - start < length {
            return Err(cx.overflow_error("madvise length too large"));
        }
        let length = length.min(n - start) as usize;
        let p = this.ptr.get().wrapping_add(start as usize);
        check(cx, sys!(libc::madvise(p.cast(), length, option))).map(|_| ())
    }

    /// Copies count bytes inside the mapping.
    #[pymethod(sig = "($self, dest, src, count, /)")]
    fn r#move(cx: &Ctx, this: This<'_, Mmap>, dest: i64, src: i64, count: i64) -> PyResult<()> {
        this.check_open(cx)?;
        this.check_writable(cx)?;
        let n = this.len.get() as i64;
        if dest < 0 || src < 0 || count < 0 || n - dest < count || n - src < count {
            return Err(cx.value_error("source, destination, or count out of range"));
        }
        this.shift(dest as usize, src as usize, count as usize);
        Ok(())
    }

    /// Reads at most n bytes at the current position; None or a negative number reads all.
    #[pymethod(sig = "($self, n=None, /)")]
    fn read(cx: &Ctx, this: This<'_, Mmap>, n: Option<&Obj>) -> PyResult {
        this.check_open(cx)?;
        let left = this.len.get().saturating_sub(this.pos.get());
        let n = match n {
            Some(n) => {
                let n = n.to_isize(cx).map_err(|r| match cx.swallow(r, exc::TypeError()) {
                    Ok(()) => {
                        cx.type_error(format!("argument should be integer or None, not '{}'", n.type_of().name()))
                    }
                    Err(r) => r,
                })?;
                if n < 0 { left } else { left.min(n as usize) }
            }
            None => left,
        };
        let v = this.copy(this.pos.get(), this.pos.get() + n);
        this.pos.set(this.pos.get() + n);
        Ok(bytes::new(&v))
    }

    /// Reads one byte, as an int.
    #[pymethod]
    fn read_byte(cx: &Ctx, this: This<'_, Mmap>) -> PyResult<i64> {
        this.check_open(cx)?;
        if this.pos.get() >= this.len.get() {
            return Err(cx.value_error("read byte out of range"));
        }
        let b = this.byte(this.pos.get());
        this.pos.set(this.pos.get() + 1);
        Ok(b.into())
    }

    /// Reads up to and with the next newline.
    #[pymethod]
    fn readline(cx: &Ctx, this: This<'_, Mmap>) -> PyResult {
        this.check_open(cx)?;
        let rest = this.copy(this.pos.get(), this.len.get());
        let n = memchr::memchr(b'\n', &rest).map_or(rest.len(), |i| i + 1);
        this.pos.set(this.pos.get() + n);
        Ok(bytes::new(&rest[..n]))
    }

    /// Changes the size of the mapping, and of the file behind it.
    #[pymethod(sig = "($self, newsize, /)")]
    fn resize(cx: &Ctx, this: This<'_, Mmap>, newsize: i64) -> PyResult<()> {
        this.check_open(cx)?;
        if newsize < 0 || i64::MAX - newsize < this.offset {
            return Err(cx.value_error("new size out of range"));
        }
        this.resize_to(cx, newsize as usize)
    }

    /// Moves the current position: from the start (whence 0), the position (1) or the end (2).
    #[pymethod(sig = "($self, pos, whence=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, Mmap>, pos: i64, whence: i32) -> PyResult<i64> {
        this.check_open(cx)?;
        let base = match whence {
            0 => 0,
            1 => this.pos.get() as i64,
            2 => this.len.get() as i64,
            _ => return Err(cx.value_error("unknown seek type")),
        };
        match base.checked_add(pos) {
            Some(p) if (0..=this.len.get() as i64).contains(&p) => {
                this.pos.set(p as usize);
                Ok(p)
            }
            _ => Err(cx.value_error("seek out of range")),
        }
    }

    /// True.
    #[pymethod]
    fn seekable(_cx: &Ctx, _this: This<'_, Mmap>) -> bool {
        true
    }

    /// The size of the file, or of anonymous memory.
    #[pymethod]
    fn size(cx: &Ctx, this: This<'_, Mmap>) -> PyResult<i64> {
        this.check_open(cx)?;
        let mut st = zeroed!(libc::stat);
        check(cx, sys!(libc::fstat(this.fd.get(), &mut st)))?;
        Ok(st.st_size)
    }

    /// The current position.
    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, Mmap>) -> PyResult<usize> {
        this.check_open(cx)?;
        Ok(this.pos.get())
    }

    /// Writes bytes at the current position and returns how many.
    #[pymethod(sig = "($self, bytes, /)")]
    fn write(cx: &Ctx, this: This<'_, Mmap>, bytes: &Obj) -> PyResult<usize> {
        let data = BytesLike::new(cx, bytes)?.to_vec();
        this.check_open(cx)?;
        this.check_writable(cx)?;
        if this.pos.get() > this.len.get() || this.len.get() - this.pos.get() < data.len() {
            return Err(cx.value_error("data out of range"));
        }
        this.store(this.pos.get(), &data);
        this.pos.set(this.pos.get() + data.len());
        Ok(data.len())
    }

    /// Writes one byte at the current position.
    #[pymethod(sig = "($self, byte, /)")]
    fn write_byte(cx: &Ctx, this: This<'_, Mmap>, byte: u8) -> PyResult<()> {
        this.check_open(cx)?;
        this.check_writable(cx)?;
        if this.pos.get() >= this.len.get() {
            return Err(cx.value_error("write byte out of range"));
        }
        this.store(this.pos.get(), &[byte]);
        this.pos.set(this.pos.get() + 1);
        Ok(())
    }

    #[pymethod]
    fn __enter__(cx: &Ctx, this: This<'_, Mmap>) -> PyResult {
        this.check_open(cx)?;
        Ok(this.obj().clone())
    }

    #[pymethod(sig = "($self, *args)")]
    fn __exit__(cx: &Ctx, this: This<'_, Mmap>, args: &[Obj]) -> PyResult<()> {
        let _ = args;
        Mmap::close(cx, this)
    }
}
