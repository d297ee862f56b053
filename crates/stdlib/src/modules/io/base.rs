//! The abstract classes: `_IOBase` and what derives from it.

use cinder_pyobj::native::{PyClass, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{list, str as text};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::buffered::Buffered;
use super::file::FileIo;
use super::text::TextIoWrapper;
use super::{size_arg, unsupported};

/// The base of all streams.
///
/// Its methods are those of a stream that can be neither read nor written nor positioned.
#[pyclass(name = "_IOBase", module = "_io", flags(basetype, dict, weakref, mutable), payload = "inherit")]
pub(crate) struct IoBase;

/// The base of streams of bytes without a buffer.
#[pyclass(name = "_RawIOBase", module = "_io", base = IoBase, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct RawIoBase;

/// Base class for buffered I/O objects.
#[pyclass(name = "_BufferedIOBase", module = "_io", base = IoBase, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct BufferedIoBase;

/// The base of streams of text.
#[pyclass(name = "_TextIOBase", module = "_io", base = IoBase, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct TextIoBase;

fn is_closed(cx: &Ctx, this: &Obj) -> PyResult<bool> {
    this.get_attr(cx, intern!("closed"))?.truthy(cx)
}

/// Raises ValueError if the stream says that it is closed.
pub(crate) fn check_open(cx: &Ctx, this: &Obj) -> PyResult<()> {
    match this.get_attr_opt(cx, intern!("closed"))? {
        Some(c) if c.truthy(cx)? => Err(super::closed(cx)),
        _ => Ok(()),
    }
}

fn check_able(cx: &Ctx, this: &Obj, method: cinder_pyobj::types::str::Name, message: &str) -> PyResult {
    let r = this.call_method(cx, method, &[])?;
    if r.is(&Obj::from_bool(true)) { Ok(r) } else { Err(unsupported(cx, message)) }
}

/// Closes a stream that nothing refers to any more.
pub(crate) fn finalize(cx: &Ctx, this: &Obj) -> PyResult<()> {
    let closed = match is_closed(cx, this) {
        Ok(c) => c,
        // A stream that cannot say so cannot be used at all.
        Err(r) => {
            drop(cx.take(r));
            true
        }
    };
    if closed {
        return Ok(());
    }
    let native = this.downcast::<FileIo>().is_some()
        || this.downcast::<Buffered>().is_some()
        || this.downcast::<TextIoWrapper>().is_some();
    if native && let Err(r) = this.call_method(cx, intern!("_dealloc_warn"), std::slice::from_ref(this)) {
        drop(cx.take(r));
    }
    this.call_method(cx, intern!("close"), &[]).map(drop)
}

#[pymethods]
impl IoBase {
    /// Changes the stream position to the given byte offset.
    ///
    /// The offset is relative to the position that whence indicates: 0 the start (the default), 1 the current
    /// position, 2 the end. Returns the new absolute position.
    #[pymethod(sig = "($self, offset, whence=0, /)")]
    fn seek(cx: &Ctx, _this: &Obj, offset: &Obj, whence: Option<&Obj>) -> PyResult {
        let _ = (offset, whence);
        Err(unsupported(cx, "seek"))
    }

    /// The position, counted from the start.
    #[pymethod]
    fn tell(cx: &Ctx, this: &Obj) -> PyResult {
        this.call_method(cx, intern!("seek"), &[Obj::from(0i64), Obj::from(1i64)])
    }

    /// Truncates the file to size bytes; by default to the current position.
    #[pymethod(sig = "($self, size=None, /)")]
    fn truncate(cx: &Ctx, _this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = size;
        Err(unsupported(cx, "truncate"))
    }

    /// Flushes write buffers, if applicable.
    #[pymethod]
    fn flush(cx: &Ctx, this: &Obj) -> PyResult<()> {
        if is_closed(cx, this)? { Err(super::closed(cx)) } else { Ok(()) }
    }

    /// Flushes and closes the stream. It has no effect on a stream that is closed.
    #[pymethod]
    fn close(cx: &Ctx, this: &Obj) -> PyResult<()> {
        if is_closed(cx, this)? {
            return Ok(());
        }
        let flushed = this.call_method(cx, intern!("flush"), &[]);
        this.set_attr(cx, intern!("__IOBase_closed"), &Obj::from_bool(true))?;
        flushed.map(drop)
    }

    #[pygetter]
    fn closed(cx: &Ctx, this: &Obj) -> PyResult<bool> {
        Ok(this.get_attr_opt(cx, intern!("__IOBase_closed"))?.is_some())
    }

    /// Whether the stream supports seeking.
    #[pymethod]
    fn seekable(_this: &Obj) -> bool {
        false
    }

    /// Whether the stream can be read.
    #[pymethod]
    fn readable(_this: &Obj) -> bool {
        false
    }

    /// Whether the stream can be written.
    #[pymethod]
    fn writable(_this: &Obj) -> bool {
        false
    }

    #[pymethod(name = "_checkClosed", sig = "($self, msg=None, /)")]
    fn check_closed(cx: &Ctx, this: &Obj, msg: Option<&Obj>) -> PyResult<()> {
        let _ = msg;
        check_open(cx, this)
    }

    #[pymethod(name = "_checkSeekable")]
    fn check_seekable(cx: &Ctx, this: &Obj) -> PyResult {
        check_able(cx, this, intern!("seekable"), "File or stream is not seekable.")
    }

    #[pymethod(name = "_checkReadable")]
    fn check_readable(cx: &Ctx, this: &Obj) -> PyResult {
        check_able(cx, this, intern!("readable"), "File or stream is not readable.")
    }

    #[pymethod(name = "_checkWritable")]
    fn check_writable(cx: &Ctx, this: &Obj) -> PyResult {
        check_able(cx, this, intern!("writable"), "File or stream is not writable.")
    }

    /// Returns the underlying file descriptor if there is one; raises OSError otherwise.
    #[pymethod]
    fn fileno(cx: &Ctx, _this: &Obj) -> PyResult {
        Err(unsupported(cx, "fileno"))
    }

    /// Whether this is an interactive stream.
    #[pymethod]
    fn isatty(cx: &Ctx, this: &Obj) -> PyResult<bool> {
        check_open(cx, this)?;
        Ok(false)
    }

    #[pymethod(name = "__enter__")]
    fn enter(cx: &Ctx, this: &Obj) -> PyResult {
        check_open(cx, this)?;
        Ok(this.clone())
    }

    #[pymethod(name = "__exit__", sig = "($self, /, *exc_info)")]
    fn exit(cx: &Ctx, this: &Obj, exc_info: &[Obj]) -> PyResult {
        let _ = exc_info;
        this.call_method(cx, intern!("close"), &[])
    }

    /// Reads and returns a line from the stream; if size is given, at most size bytes.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn readline(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let limit = size_arg(cx, size)?;
        let peek = this.get_attr_opt(cx, intern!("peek"))?;
        let mut line: Vec<u8> = Vec::new();
        loop {
            if limit.is_some_and(|n| line.len() >= n) {
                break;
            }
            let mut want = 1;
            if let Some(p) = &peek {
                let ahead = p.call1(cx, &Obj::from(1i64))?;
                let Some(b) = bytes::as_bytes(&ahead) else {
                    return Err(cx.raise(
                        cinder_pyobj::types::exc::OSError(),
                        format!("peek() should have returned a bytes object, not '{}'", ahead.type_of().name()),
                    ));
                };
                if !b.is_empty() {
                    let room = limit.map_or(usize::MAX, |n| n - line.len());
                    let b = &b[..b.len().min(room)];
                    want = memchr::memchr(b'\n', b).map_or(b.len(), |i| i + 1);
                }
            }
            let got = this.call_method(cx, intern!("read"), &[Obj::from(want)])?;
            let Some(b) = bytes::as_bytes(&got) else {
                return Err(cx.raise(
                    cinder_pyobj::types::exc::OSError(),
                    format!("read() should have returned a bytes object, not '{}'", got.type_of().name()),
                ));
            };
            if b.is_empty() {
                break;
            }
            cx.extend(&mut line, b)?;
            if line.last() == Some(&b'\n') {
                break;
            }
        }
        Ok(bytes::new(&line))
    }

    /// Returns a list of lines from the stream. No more lines are read once their total size exceeds hint.
    #[pymethod(sig = "($self, hint=-1, /)")]
    fn readlines(cx: &Ctx, this: &Obj, hint: Option<&Obj>) -> PyResult {
        let limit = size_arg(cx, hint)?.filter(|n| *n > 0);
        let it = this.iter(cx)?;
        let (mut lines, mut total) = (Vec::new(), 0);
        while let Some(line) = it.next(cx)? {
            if let Some(n) = limit {
                total += line.len(cx)?;
                lines.push(line);
                if total > n {
                    break;
                }
            } else {
                lines.push(line);
            }
        }
        Ok(list::new(lines))
    }

    /// Writes a list of lines to the stream. Line separators are not added.
    #[pymethod(sig = "($self, lines, /)")]
    fn writelines(cx: &Ctx, this: &Obj, lines: &Obj) -> PyResult<()> {
        check_open(cx, this)?;
        let it = lines.iter(cx)?;
        while let Some(line) = it.next(cx)? {
            this.call_method(cx, intern!("write"), &[line])?;
        }
        Ok(())
    }

    fn __iter__(cx: &Ctx, this: &Obj) -> PyResult {
        check_open(cx, this)?;
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: &Obj) -> PyResult<Option<Obj>> {
        let line = this.call_method(cx, intern!("readline"), &[])?;
        Ok(if line.len(cx)? == 0 { None } else { Some(line) })
    }

    fn __del__(cx: &Ctx, this: &Obj) -> PyResult<()> {
        finalize(cx, this)
    }
}

#[pymethods]
impl RawIoBase {
    /// Reads up to size bytes; None if the stream would block.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
        let Some(n) = size_arg(cx, size)? else { return this.call_method(cx, intern!("readall"), &[]) };
        let buf = bytes::new_bytearray(vec![0; n]);
        let got = this.call_method(cx, intern!("readinto"), std::slice::from_ref(&buf))?;
        if got.is_none() {
            return Ok(got);
        }
        match usize::try_from(got.to_i64(cx)?) {
            Ok(k) if k <= n => BytesLike::new(cx, &buf).map(|b| b.with(|b| bytes::new(&b[..k.min(b.len())]))),
            _ => Err(cx.value_error(format!("readinto returned {} outside buffer size {n}", got.to_i64(cx)?))),
        }
    }

    /// All that is left; None if nothing is there and the stream does not wait.
    #[pymethod]
    fn readall(cx: &Ctx, this: &Obj) -> PyResult {
        let mut all = Vec::new();
        loop {
            let piece = this.call_method(cx, intern!("read"), &[Obj::from(super::DEFAULT_BUFFER_SIZE)])?;
            if piece.is_none() {
                return Ok(if all.is_empty() { piece } else { bytes::new(&all) });
            }
            let Some(b) = bytes::as_bytes(&piece) else { return Err(cx.type_error("read() should return bytes")) };
            if b.is_empty() {
                return Ok(bytes::new(&all));
            }
            cx.extend(&mut all, b)?;
        }
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto(cx: &Ctx, _this: &Obj, buffer: &Obj) -> PyResult {
        let _ = buffer;
        Err(cx.not_implemented("readinto"))
    }

    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, _this: &Obj, b: &Obj) -> PyResult {
        let _ = b;
        Err(cx.not_implemented("write"))
    }
}

/// Copies bytes into a writable buffer by a reading method.
fn read_into(cx: &Ctx, this: &Obj, buffer: &Obj, method: cinder_pyobj::types::str::Name) -> PyResult<usize> {
    let b = Buffer::get(cx, buffer, BufferFlags::WRITABLE)?;
    let got = this.call_method(cx, method, &[Obj::from(b.len())])?;
    let Some(data) = bytes::as_bytes(&got) else { return Err(cx.type_error("read() should return bytes")) };
    if data.len() > b.len() {
        return Err(cx.value_error(format!(
            "read() returned too much data: {} bytes requested, {} returned",
            b.len(),
            data.len()
        )));
    }
    b.with_bytes_mut(|to| to[..data.len()].copy_from_slice(data));
    Ok(data.len())
}

#[pymethods]
impl BufferedIoBase {
    /// Disconnects this buffer from its underlying raw stream and returns it.
    #[pymethod]
    fn detach(cx: &Ctx, _this: &Obj) -> PyResult {
        Err(unsupported(cx, "detach"))
    }

    /// Reads and returns up to size bytes.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, _this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = size;
        Err(unsupported(cx, "read"))
    }

    /// Reads and returns up to size bytes with at most one read of the raw stream.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read1(cx: &Ctx, _this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = size;
        Err(unsupported(cx, "read1"))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto(cx: &Ctx, this: &Obj, buffer: &Obj) -> PyResult<usize> {
        read_into(cx, this, buffer, intern!("read"))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto1(cx: &Ctx, this: &Obj, buffer: &Obj) -> PyResult<usize> {
        read_into(cx, this, buffer, intern!("read1"))
    }

    /// Writes buffer to the stream and returns the number of bytes written.
    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, _this: &Obj, b: &Obj) -> PyResult {
        let _ = b;
        Err(unsupported(cx, "write"))
    }
}

#[pymethods]
impl TextIoBase {
    /// Separates the underlying buffer from the stream and returns it.
    #[pymethod]
    fn detach(cx: &Ctx, _this: &Obj) -> PyResult {
        Err(unsupported(cx, "detach"))
    }

    /// Reads at most size characters from the stream.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, _this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = size;
        Err(unsupported(cx, "read"))
    }

    /// Reads until newline or EOF.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn readline(cx: &Ctx, _this: &Obj, size: Option<&Obj>) -> PyResult {
        let _ = size;
        Err(unsupported(cx, "readline"))
    }

    /// Writes a string and returns the number of its characters.
    #[pymethod(sig = "($self, s, /)")]
    fn write(cx: &Ctx, _this: &Obj, s: &Obj) -> PyResult {
        let _ = s;
        Err(unsupported(cx, "write"))
    }

    /// The encoding of the text stream.
    #[pygetter]
    fn encoding(_this: &Obj) -> Obj {
        Obj::none()
    }

    /// The line endings translated so far.
    #[pygetter]
    fn newlines(_this: &Obj) -> Obj {
        Obj::none()
    }

    /// The name of the error handler for encoding and decoding, or None.
    #[pygetter]
    fn errors(_this: &Obj) -> Obj {
        Obj::none()
    }
}

/// The class of a stream as its repr names it: with the module for native classes.
pub(crate) fn class_name(this: &Obj) -> String {
    this.type_of().name().to_string()
}

/// `name='...'` for the repr of a stream over `inner`; nothing if there is no name.
pub(crate) fn name_repr(cx: &Ctx, inner: &Obj) -> PyResult<Option<String>> {
    match inner.get_attr_opt(cx, intern!("name")) {
        Ok(Some(n)) => {
            let shown = inner.guard_repr(cx, || n.repr(cx))?;
            let Some(shown) = shown else {
                return Err(cx.runtime_error(format!("reentrant call inside {}.__repr__", inner.type_of().name())));
            };
            Ok(Some(text::as_utf8_lossy(&shown).into_owned()))
        }
        Ok(None) => Ok(None),
        Err(r) => {
            cx.swallow(r, cinder_pyobj::types::exc::ValueError())?;
            Ok(None)
        }
    }
}

const _: fn() -> &'static cinder_pyobj::native::ClassDef = IoBase::class;
