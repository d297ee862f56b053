//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`.
//!
//! All three are a [`Buffered`]: bytes read ahead and bytes not yet written, of which at most one kind is
//! there at a time. The raw stream's position is that of the end of the bytes read ahead, or of the start of
//! the bytes to be written. The stream is [`locked`] while an operation runs, as raw streams let other
//! threads run, or run Python code.

use std::cell::{Cell, RefCell};
use std::thread::ThreadId;
use std::time::Duration;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{Type, exc, memoryview};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::base::{BufferedIoBase, class_name, name_repr};
use super::file::{FileIo, writable_error};
use super::{DEFAULT_BUFFER_SIZE, size_arg, unsupported};

/// What buffered streams share.
#[pyclass(name = "_Buffered", module = "_io", base = BufferedIoBase, flags(no_new))]
#[derive(Traverse)]
pub(crate) struct Buffered {
    raw: ObjCell,
    #[traverse(skip)]
    detached: Cell<bool>,
    #[traverse(skip)]
    ahead: RefCell<Vec<u8>>,
    /// How much of `ahead` was given out.
    #[traverse(skip)]
    used: Cell<usize>,
    #[traverse(skip)]
    pending: RefCell<Vec<u8>>,
    #[traverse(skip)]
    size: Cell<usize>,
    #[traverse(skip)]
    owner: Cell<Option<ThreadId>>,
}

/// Reads from a raw stream in large pieces, and hands out small ones.
#[pyclass(name = "BufferedReader", module = "_io", base = Buffered, flags(basetype), payload = "inherit",
    sig = "(raw, buffer_size=131072)")]
pub(crate) struct BufferedReader;

/// Collects what is written and gives it to a raw stream in large pieces.
///
/// What is collected is written by flush(), close(), or when the buffer is full.
#[pyclass(name = "BufferedWriter", module = "_io", base = Buffered, flags(basetype), payload = "inherit",
    sig = "(raw, buffer_size=131072)")]
pub(crate) struct BufferedWriter;

/// Reads and writes one raw stream that can be positioned, through a buffer.
#[pyclass(name = "BufferedRandom", module = "_io", base = Buffered, flags(basetype), payload = "inherit",
    sig = "(raw, buffer_size=131072)")]
pub(crate) struct BufferedRandom;

fn payload<'a>(cx: &Ctx, this: &'a Obj) -> PyResult<&'a Buffered> {
    this.downcast::<Buffered>().ok_or_else(|| cx.type_error("a buffered stream is required"))
}

/// Runs an operation on a stream while no other thread can.
fn locked<R>(cx: &Ctx, this: &Obj, f: impl FnOnce(&Buffered) -> PyResult<R>) -> PyResult<R> {
    let b = payload(cx, this)?;
    let me = std::thread::current().id();
    let mut pause = Duration::from_micros(20);
    while let Some(owner) = b.owner.get() {
        if owner == me {
            let shown = this.repr(cx)?;
            return Err(
                cx.runtime_error(format!("reentrant call inside {}", cinder_pyobj::types::str::as_utf8_lossy(&shown)))
            );
        }
        cx.without_lock(|| std::thread::sleep(pause));
        pause = (pause * 2).min(Duration::from_millis(2));
    }
    b.owner.set(Some(me));
    let r = f(b);
    b.owner.set(None);
    r
}

impl Buffered {
    fn create(ty: &Type) -> Obj {
        new_instance(
            ty,
            Buffered {
                raw: ObjCell::new(None),
                detached: Cell::new(false),
                ahead: RefCell::default(),
                used: Cell::new(0),
                pending: RefCell::default(),
                size: Cell::new(DEFAULT_BUFFER_SIZE),
                owner: Cell::new(None),
            },
        )
    }

    fn raw(&self, cx: &Ctx) -> PyResult {
        self.raw.get().ok_or_else(|| {
            cx.value_error(if self.detached.get() {
                "raw stream has been detached"
            } else {
                "I/O operation on uninitialized object"
            })
        })
    }

    fn is_closed(&self, cx: &Ctx) -> PyResult<bool> {
        let raw = self.raw(cx)?;
        match native(&raw) {
            Some(f) => Ok(f.is_closed()),
            None => raw.get_attr(cx, intern!("closed"))?.truthy(cx),
        }
    }

    fn check_open(&self, cx: &Ctx, what: &str) -> PyResult<()> {
        if self.is_closed(cx)? { Err(cx.value_error(format!("{what} closed file"))) } else { Ok(()) }
    }

    /// Bytes read ahead.
    fn available(&self) -> usize {
        self.ahead.borrow().len() - self.used.get()
    }

    /// Takes up to `n` of the bytes read ahead.
    fn take(&self, n: usize) -> Vec<u8> {
        let a = self.ahead.borrow();
        let at = self.used.get();
        let end = at + n.min(a.len() - at);
        self.used.set(end);
        a[at..end].to_vec()
    }

    fn forget_ahead(&self) {
        self.ahead.borrow_mut().truncate(0);
        self.used.set(0);
    }

    /// Reads once from the raw stream behind the bytes read ahead. None: it would block.
    fn fill(&self, cx: &Ctx) -> PyResult<Option<usize>> {
        let raw = self.raw(cx)?;
        let mut a = self.ahead.take();
        let used = self.used.replace(0);
        a.drain(..used);
        let want = self.size.get().saturating_sub(a.len()).max(1);
        let r = raw_read(cx, &raw, &mut a, want);
        *self.ahead.borrow_mut() = a;
        r
    }

    /// Puts the raw stream where the program thinks it is, before it writes.
    fn rewind(&self, cx: &Ctx) -> PyResult<()> {
        let n = self.available();
        self.forget_ahead();
        if n > 0 {
            raw_seek(cx, &self.raw(cx)?, -(n as i64), 1)?;
        }
        Ok(())
    }

    /// Writes what is pending.
    fn flush_pending(&self, cx: &Ctx) -> PyResult<()> {
        if self.pending.borrow().is_empty() {
            return Ok(());
        }
        let raw = self.raw(cx)?;
        let p = self.pending.take();
        let mut at = 0;
        let r = loop {
            if at == p.len() {
                break Ok(());
            }
            match raw_write(cx, &raw, &p[at..]) {
                Ok(Some(n)) => at += n,
                Ok(None) => break Err(blocked(cx, 0)),
                Err(r) => break Err(r),
            }
            if at < p.len()
                && let Err(r) = signals(cx)
            {
                break Err(r);
            }
        };
        let mut left = p;
        left.drain(..at);
        let newer = std::mem::replace(&mut *self.pending.borrow_mut(), left);
        self.pending.borrow_mut().extend_from_slice(&newer);
        r
    }

    fn write(&self, cx: &Ctx, b: &[u8]) -> PyResult<usize> {
        if self.available() > 0 {
            self.rewind(cx)?;
        } else {
            self.forget_ahead();
        }
        let size = self.size.get();
        if self.pending.borrow().len() + b.len() <= size {
            self.pending.borrow_mut().extend_from_slice(b);
            return Ok(b.len());
        }
        if let Err(r) = self.flush_pending(cx) {
            if !cx.pending_is(exc::BlockingIOError()) {
                return Err(r);
            }
            // The stream takes no more now: keep what fits.
            drop(cx.take(r));
            let room = size.saturating_sub(self.pending.borrow().len());
            let n = room.min(b.len());
            self.pending.borrow_mut().extend_from_slice(&b[..n]);
            return if n == b.len() { Ok(n) } else { Err(blocked(cx, n)) };
        }
        let raw = self.raw(cx)?;
        let mut at = 0;
        while b.len() - at > size {
            match raw_write(cx, &raw, &b[at..])? {
                Some(n) => {
                    at += n;
                    signals(cx)?;
                }
                None => {
                    let n = size.min(b.len() - at);
                    self.pending.borrow_mut().extend_from_slice(&b[at..at + n]);
                    return Err(blocked(cx, at + n));
                }
            }
        }
        self.pending.borrow_mut().extend_from_slice(&b[at..]);
        Ok(b.len())
    }

    /// Reads until `n` bytes are there or the stream ends. None: nothing came and it would block.
    fn read(&self, cx: &Ctx, n: usize) -> PyResult<Option<Vec<u8>>> {
        let mut out = self.take(n);
        if out.len() == n {
            return Ok(Some(out));
        }
        self.flush_pending(cx)?;
        let raw = self.raw(cx)?;
        while out.len() < n {
            let left = n - out.len();
            let got = if left >= self.size.get() {
                // Large reads go past the buffer.
                self.forget_ahead();
                raw_read(cx, &raw, &mut out, left)?
            } else {
                let got = self.fill(cx)?;
                cx.extend(&mut out, &self.take(left))?;
                got
            };
            match got {
                Some(0) => break,
                Some(_) => {}
                None if out.is_empty() => return Ok(None),
                None => break,
            }
        }
        Ok(Some(out))
    }

    fn read_all(&self, cx: &Ctx) -> PyResult<Obj> {
        let mut out = self.take(usize::MAX);
        self.forget_ahead();
        self.flush_pending(cx)?;
        let raw = self.raw(cx)?;
        if let Some(f) = native(&raw) {
            let rest = f.read_all(cx)?;
            return Ok(match rest {
                None if out.is_empty() => Obj::none(),
                None => bytes::new(&out),
                Some(r) if out.is_empty() => bytes::new(&r),
                Some(r) => {
                    cx.extend(&mut out, &r)?;
                    bytes::new(&out)
                }
            });
        }
        if let Some(m) = raw.get_attr_opt(cx, intern!("readall"))? {
            let rest = m.call0(cx)?;
            if rest.is_none() {
                return Ok(if out.is_empty() { rest } else { bytes::new(&out) });
            }
            let Some(b) = bytes::as_bytes(&rest) else { return Err(cx.type_error("readall() should return bytes")) };
            cx.extend(&mut out, b)?;
            return Ok(bytes::new(&out));
        }
        loop {
            let piece = raw.call_method(cx, intern!("read"), &[])?;
            if piece.is_none() {
                return Ok(if out.is_empty() { piece } else { bytes::new(&out) });
            }
            let Some(b) = bytes::as_bytes(&piece) else { return Err(cx.type_error("read() should return bytes")) };
            if b.is_empty() {
                return Ok(bytes::new(&out));
            }
            cx.extend(&mut out, b)?;
        }
    }

    /// What is there, reading the raw stream once if nothing is.
    fn read_once(&self, cx: &Ctx, n: usize) -> PyResult<Vec<u8>> {
        if n > 0 && self.available() == 0 {
            self.flush_pending(cx)?;
            self.fill(cx)?;
        }
        Ok(self.take(n))
    }

    fn read_line(&self, cx: &Ctx, limit: usize) -> PyResult<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let end = {
                let a = self.ahead.borrow();
                let rest = &a[self.used.get()..];
                let rest = &rest[..rest.len().min(limit - line.len())];
                memchr::memchr(b'\n', rest).map_or((rest.len(), false), |i| (i + 1, true))
            };
            cx.extend(&mut line, &self.take(end.0))?;
            if end.1 || line.len() >= limit {
                return Ok(line);
            }
            self.flush_pending(cx)?;
            if !matches!(self.fill(cx)?, Some(1..)) {
                return Ok(line);
            }
        }
    }

    fn position(&self, cx: &Ctx) -> PyResult<i64> {
        let at = raw_tell(cx, &self.raw(cx)?)?;
        Ok(at - self.available() as i64 + self.pending.borrow().len() as i64)
    }
}

/// A raw stream that is exactly a `FileIO`: it is used without Python calls.
fn native(raw: &Obj) -> Option<&FileIo> {
    raw.downcast_exact::<FileIo>()
}

#[cold]
fn blocked(cx: &Ctx, written: usize) -> Raised {
    let args = [
        Obj::from(i64::from(libc::EAGAIN)),
        Obj::from("write could not complete without blocking"),
        Obj::from(written),
    ];
    cx.raise_args(exc::BlockingIOError(), &args)
}

fn raw_read(cx: &Ctx, raw: &Obj, out: &mut Vec<u8>, n: usize) -> PyResult<Option<usize>> {
    if let Some(f) = native(raw) {
        return f.read_some(cx, out, n);
    }
    let store = bytes::new_bytearray(vec![0; n]);
    let view = memoryview::new(cx, &store)?;
    let got = raw.call_method(cx, intern!("readinto"), &[view])?;
    if got.is_none() {
        return Ok(None);
    }
    let k = match got.index(cx) {
        Ok(k) => k.to_i64(cx)?,
        Err(r) => {
            let e = exc::new(cx, exc::OSError(), "raw readinto() failed");
            let cause = cx.take(r);
            exc::set_cause(&e, Some(cause));
            return Err(cx.raise_obj(e));
        }
    };
    match usize::try_from(k) {
        Ok(k) if k <= n => {
            BytesLike::new(cx, &store)?.with(|b| out.extend_from_slice(&b[..k.min(b.len())]));
            Ok(Some(k))
        }
        _ => Err(cx.raise(
            exc::OSError(),
            format!("raw readinto() returned invalid length {k} (should have been between 0 and {n})"),
        )),
    }
}

/// Runs the handlers of signals: one of them may be why less than everything was written, and the next attempt may
/// block for ever.
fn signals(cx: &Ctx) -> PyResult<()> {
    (cx.host().poll)(cx)
}

fn raw_write(cx: &Ctx, raw: &Obj, b: &[u8]) -> PyResult<Option<usize>> {
    if let Some(f) = native(raw) {
        return f.write_some(cx, b);
    }
    let view = memoryview::new(cx, &bytes::new(b))?;
    let n = raw.call_method(cx, intern!("write"), &[view])?;
    if n.is_none() {
        return Ok(None);
    }
    let k = n.to_i64(cx)?;
    match usize::try_from(k) {
        Ok(k) if k <= b.len() => Ok(Some(k)),
        _ => Err(cx.raise(
            exc::OSError(),
            format!("raw write() returned invalid length {k} (should have been between 0 and {})", b.len()),
        )),
    }
}

fn raw_seek(cx: &Ctx, raw: &Obj, offset: i64, whence: i32) -> PyResult<i64> {
    let at = match native(raw) {
        Some(f) => f.lseek(cx, offset, whence)?,
        None => raw.call_method(cx, intern!("seek"), &[Obj::from(offset), Obj::from(i64::from(whence))])?.to_i64(cx)?,
    };
    if at < 0 {
        return Err(cx.raise(exc::OSError(), format!("Raw stream returned invalid position {at}")));
    }
    Ok(at)
}

fn raw_tell(cx: &Ctx, raw: &Obj) -> PyResult<i64> {
    let at = match native(raw) {
        Some(f) => f.lseek(cx, 0, libc::SEEK_CUR)?,
        None => raw.call_method(cx, intern!("tell"), &[])?.to_i64(cx)?,
    };
    if at < 0 {
        return Err(cx.raise(exc::OSError(), format!("Raw stream returned invalid position {at}")));
    }
    Ok(at)
}

fn init(
    cx: &Ctx,
    this: &Obj,
    raw: &Obj,
    size: isize,
    checks: &[(&str, cinder_pyobj::types::str::Name)],
) -> PyResult<()> {
    let b = payload(cx, this)?;
    b.raw.set(None);
    b.detached.set(false);
    for (message, method) in checks {
        if native(raw).is_some() || raw.get_attr_opt(cx, *method)?.is_some() {
            let able = raw.call_method(cx, *method, &[])?;
            if !able.is(&Obj::from_bool(true)) {
                return Err(unsupported(cx, message));
            }
        } else {
            raw.get_attr(cx, *method)?;
        }
    }
    let Ok(n @ 1..) = usize::try_from(size) else {
        return Err(cx.value_error("buffer size must be strictly positive"));
    };
    b.size.set(n);
    b.forget_ahead();
    b.pending.borrow_mut().truncate(0);
    b.raw.set(Some(raw.clone()));
    Ok(())
}

/// Writes through a buffered stream that is exactly native. Nothing: it is another kind of stream.
pub(crate) fn write_native(cx: &Ctx, this: &Obj, data: &[u8]) -> Option<PyResult<usize>> {
    let ty = this.type_of();
    if !ty.is(BufferedWriter::class().type_object()) && !ty.is(BufferedRandom::class().type_object()) {
        return None;
    }
    Some(locked(cx, this, |b| {
        b.check_open(cx, "write to")?;
        b.write(cx, data)
    }))
}

/// Reads once from a buffered stream that is exactly native. Nothing: it is another kind of stream.
pub(crate) fn read_native(cx: &Ctx, this: &Obj, n: usize) -> Option<PyResult<Vec<u8>>> {
    let ty = this.type_of();
    if !ty.is(BufferedReader::class().type_object()) && !ty.is(BufferedRandom::class().type_object()) {
        return None;
    }
    Some(locked(cx, this, |b| {
        b.check_open(cx, "read of")?;
        b.read_once(cx, n)
    }))
}

/// Whether a buffered stream is closed. Nothing: it is another kind of stream, or not over a plain file.
pub(crate) fn closed_native(this: &Obj) -> Option<bool> {
    let b = this.downcast::<Buffered>().filter(|_| !this.type_of().is_heap_type())?;
    b.raw.get().as_ref().and_then(native).map(FileIo::is_closed)
}

/// Flushes a buffered stream that is exactly native. Nothing: it is another kind of stream.
pub(crate) fn flush_native(cx: &Ctx, this: &Obj) -> Option<PyResult<()>> {
    if !this.type_of().is(BufferedWriter::class().type_object()) {
        return None;
    }
    Some(locked(cx, this, |b| {
        b.check_open(cx, "flush of")?;
        b.flush_pending(cx)
    }))
}

#[pymethods]
impl Buffered {
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Buffered>) -> PyResult<()> {
        let raw = this.raw(cx)?;
        if this.is_closed(cx)? {
            return Ok(());
        }
        let flushed = this.obj().call_method(cx, intern!("flush"), &[]);
        let first = match flushed {
            Ok(_) => None,
            Err(r) => Some(cx.take(r)),
        };
        let closed = raw.call_method(cx, intern!("close"), &[]);
        this.pending.borrow_mut().truncate(0);
        this.forget_ahead();
        match (first, closed) {
            (None, r) => r.map(drop),
            (Some(e), Ok(_)) => Err(cx.set_pending(e)),
            (Some(e), Err(r)) => {
                let second = cx.take(r);
                exc::set_context(&second, Some(e));
                Err(cx.set_pending(second))
            }
        }
    }

    #[pymethod]
    fn detach(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        let raw = this.raw(cx)?;
        this.obj().call_method(cx, intern!("flush"), &[])?;
        this.raw.set(None);
        this.detached.set(true);
        Ok(raw)
    }

    #[pymethod]
    fn flush(cx: &Ctx, this: &Obj) -> PyResult<()> {
        locked(cx, this, |b| {
            if this.type_of().is_subtype(BufferedReader::class().type_object()) {
                return b.raw(cx)?.call_method(cx, intern!("flush"), &[]).map(drop);
            }
            b.check_open(cx, "flush of")?;
            b.flush_pending(cx)?;
            b.rewind(cx)
        })
    }

    #[pymethod]
    fn seekable(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        this.raw(cx)?.call_method(cx, intern!("seekable"), &[])
    }

    #[pymethod]
    fn fileno(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        this.raw(cx)?.call_method(cx, intern!("fileno"), &[])
    }

    #[pymethod]
    fn isatty(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        this.raw(cx)?.call_method(cx, intern!("isatty"), &[])
    }

    #[pymethod(name = "_dealloc_warn", sig = "($self, source, /)")]
    fn dealloc_warn(cx: &Ctx, this: This<'_, Buffered>, source: &Obj) -> PyResult<()> {
        match this.raw.get() {
            Some(raw) => raw.call_method(cx, intern!("_dealloc_warn"), std::slice::from_ref(source)).map(drop),
            None => Ok(()),
        }
    }

    #[pymethod]
    fn tell(cx: &Ctx, this: &Obj) -> PyResult<i64> {
        locked(cx, this, |b| b.position(cx))
    }

    #[pymethod(sig = "($self, target, whence=0, /)")]
    fn seek(cx: &Ctx, this: &Obj, target: &Obj, whence: i32) -> PyResult<i64> {
        if !(0..=2).contains(&whence) && !matches!(whence, libc::SEEK_HOLE | libc::SEEK_DATA) {
            return Err(cx.value_error(format!("whence value {whence} unsupported")));
        }
        let p = payload(cx, this)?;
        p.check_open(cx, "seek of")?;
        let raw = p.raw(cx)?;
        if !raw.call_method(cx, intern!("seekable"), &[])?.truthy(cx)? {
            return Err(unsupported(cx, "File or stream is not seekable."));
        }
        let target = target.index(cx)?.to_i64(cx)?;
        locked(cx, this, |b| {
            let ahead = b.available();
            if ahead > 0 && whence != 2 {
                // A short way within the bytes read ahead needs no system call but the one for the position.
                let now = b.position(cx)?;
                let delta = if whence == 0 { target.checked_sub(now) } else { Some(target) };
                let used = b.used.get() as i64;
                if let Some(d) = delta
                    && (0..=1).contains(&whence)
                    && d >= -used
                    && d <= ahead as i64
                {
                    b.used.set((used + d) as usize);
                    return Ok(now + d);
                }
            }
            b.flush_pending(cx)?;
            let target = if whence == 1 { target - b.available() as i64 } else { target };
            let at = raw_seek(cx, &raw, target, whence)?;
            b.forget_ahead();
            Ok(at)
        })
    }

    #[pymethod(sig = "($self, pos=None, /)")]
    fn truncate(cx: &Ctx, this: &Obj, pos: Option<&Obj>) -> PyResult {
        let p = payload(cx, this)?;
        p.check_open(cx, "truncate of")?;
        if !this.call_method(cx, intern!("writable"), &[])?.truthy(cx)? {
            return Err(unsupported(cx, "truncate"));
        }
        locked(cx, this, |b| {
            b.flush_pending(cx)?;
            let at = match pos {
                Some(p) if !p.is_none() => p.clone(),
                _ => Obj::from(b.position(cx)?),
            };
            b.rewind(cx)?;
            b.raw(cx)?.call_method(cx, intern!("truncate"), &[at])
        })
    }

    #[pymethod(name = "__getstate__")]
    fn getstate(cx: &Ctx, this: &Obj) -> PyResult {
        Err(cx.type_error(format!("cannot pickle '{}' instances", class_name(this))))
    }

    #[pygetter(name = "raw")]
    fn raw_stream(_cx: &Ctx, this: This<'_, Buffered>) -> Obj {
        this.raw.get().unwrap_or_else(Obj::none)
    }

    #[pygetter]
    fn closed(cx: &Ctx, this: This<'_, Buffered>) -> PyResult<bool> {
        this.is_closed(cx)
    }

    #[pygetter]
    fn name(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        this.raw(cx)?.get_attr(cx, intern!("name"))
    }

    #[pygetter]
    fn mode(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
        this.raw(cx)?.get_attr(cx, intern!("mode"))
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult<String> {
        let class = class_name(this);
        Ok(match name_repr(cx, this)? {
            Some(n) => format!("<{class} name={n}>"),
            None => format!("<{class}>"),
        })
    }
}

/// Reads a given amount, or everything.
fn read(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
    let n = match size {
        Some(s) if !s.is_none() => match s.to_isize(cx)? {
            -1 => None,
            n => match usize::try_from(n) {
                Ok(n) => Some(n),
                Err(_) => return Err(cx.value_error("read length must be non-negative or -1")),
            },
        },
        _ => None,
    };
    locked(cx, this, |b| {
        b.check_open(cx, "read of")?;
        match n {
            None => b.read_all(cx),
            Some(n) => Ok(b.read(cx, n)?.map_or_else(Obj::none, |v| bytes::new(&v))),
        }
    })
}

fn read_into(cx: &Ctx, this: &Obj, buffer: &Obj, once: bool) -> PyResult {
    let name = if once { "readinto1" } else { "readinto" };
    let to = Buffer::get(cx, buffer, BufferFlags::WRITABLE).map_err(|r| writable_error(cx, r, name, buffer))?;
    let got = locked(cx, this, |b| {
        b.check_open(cx, "readinto of")?;
        if !once {
            return b.read(cx, to.len());
        }
        // What lies ahead is no read of the raw stream: one may follow it where so much is wanted that the buffer could
        // not hold it anyway.
        let mut got = b.take(to.len());
        let left = to.len() - got.len();
        if left > b.size.get() || got.is_empty() {
            got.extend(b.read_once(cx, left)?);
        }
        Ok(Some(got))
    })?;
    let Some(got) = got else { return Ok(Obj::none()) };
    to.with_bytes_mut(|t| t[..got.len()].copy_from_slice(&got));
    Ok(Obj::from(got.len()))
}

macro_rules! reading {
    ($t:ident) => {
        #[pymethods(part = "reading")]
        impl $t {
            /// Reads and returns up to size bytes; everything if size is negative or left out.
            #[pymethod(sig = "($self, size=-1, /)")]
            fn read(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
                read(cx, this, size)
            }

            /// Returns buffered bytes without advancing the position.
            #[pymethod(sig = "($self, size=0, /)")]
            fn peek(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
                let _ = size;
                locked(cx, this, |b| {
                    b.check_open(cx, "peek of")?;
                    b.flush_pending(cx)?;
                    if b.available() == 0 {
                        b.fill(cx)?;
                    }
                    Ok(bytes::new(&b.ahead.borrow()[b.used.get()..]))
                })
            }

            /// Reads up to size bytes with at most one read of the raw stream.
            #[pymethod(sig = "($self, size=-1, /)")]
            fn read1(cx: &Ctx, this: &Obj, size: isize) -> PyResult {
                locked(cx, this, |b| {
                    b.check_open(cx, "read of")?;
                    let n = usize::try_from(size).unwrap_or(b.size.get());
                    Ok(bytes::new(&b.read_once(cx, n)?))
                })
            }

            #[pymethod(sig = "($self, buffer, /)")]
            fn readinto(cx: &Ctx, this: &Obj, buffer: &Obj) -> PyResult {
                read_into(cx, this, buffer, false)
            }

            #[pymethod(sig = "($self, buffer, /)")]
            fn readinto1(cx: &Ctx, this: &Obj, buffer: &Obj) -> PyResult {
                read_into(cx, this, buffer, true)
            }

            /// Reads and returns a line.
            #[pymethod(sig = "($self, size=-1, /)")]
            fn readline(cx: &Ctx, this: &Obj, size: Option<&Obj>) -> PyResult {
                let limit = size_arg(cx, size)?.unwrap_or(usize::MAX);
                locked(cx, this, |b| {
                    b.check_open(cx, "readline of")?;
                    Ok(bytes::new(&b.read_line(cx, limit)?))
                })
            }

            #[pymethod]
            fn readable(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
                this.raw(cx)?.call_method(cx, intern!("readable"), &[])
            }

            #[pyslot(name = "__next__")]
            fn next_line(cx: &Ctx, this: &Obj) -> PyResult<Option<Obj>> {
                let line = if this.type_of().is(<$t>::class().type_object()) {
                    locked(cx, this, |b| {
                        b.check_open(cx, "readline of")?;
                        Ok(bytes::new(&b.read_line(cx, usize::MAX)?))
                    })?
                } else {
                    this.call_method(cx, intern!("readline"), &[])?
                };
                Ok(if line.len(cx)? == 0 { None } else { Some(line) })
            }
        }
    };
}

macro_rules! writing {
    ($t:ident) => {
        #[pymethods(part = "writing")]
        impl $t {
            /// Writes bytes to the stream; returns their number.
            #[pymethod(sig = "($self, buffer, /)")]
            fn write(cx: &Ctx, this: &Obj, buffer: &Obj) -> PyResult<usize> {
                let data = BytesLike::new(cx, buffer)?;
                locked(cx, this, |b| {
                    b.check_open(cx, "write to")?;
                    match &data {
                        BytesLike::Slice(d) => b.write(cx, d),
                        d => b.write(cx, &d.to_vec()),
                    }
                })
            }

            #[pymethod]
            fn writable(cx: &Ctx, this: This<'_, Buffered>) -> PyResult {
                this.raw(cx)?.call_method(cx, intern!("writable"), &[])
            }
        }
    };
}

reading!(BufferedReader);
reading!(BufferedRandom);
writing!(BufferedWriter);
writing!(BufferedRandom);

#[pymethods(parts("reading"))]
impl BufferedReader {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(Buffered::create(ty))
    }

    #[pymethod(sig = "($self, raw, buffer_size=131072)")]
    fn __init__(cx: &Ctx, this: &Obj, raw: &Obj, buffer_size: isize) -> PyResult<()> {
        init(cx, this, raw, buffer_size, &[("File or stream is not readable.", intern!("readable"))])
    }
}

#[pymethods(parts("writing"))]
impl BufferedWriter {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(Buffered::create(ty))
    }

    #[pymethod(sig = "($self, raw, buffer_size=131072)")]
    fn __init__(cx: &Ctx, this: &Obj, raw: &Obj, buffer_size: isize) -> PyResult<()> {
        init(cx, this, raw, buffer_size, &[("File or stream is not writable.", intern!("writable"))])
    }
}

#[pymethods(parts("reading", "writing"))]
impl BufferedRandom {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(Buffered::create(ty))
    }

    #[pymethod(sig = "($self, raw, buffer_size=131072)")]
    fn __init__(cx: &Ctx, this: &Obj, raw: &Obj, buffer_size: isize) -> PyResult<()> {
        init(
            cx,
            this,
            raw,
            buffer_size,
            &[
                ("File or stream is not seekable.", intern!("seekable")),
                ("File or stream is not readable.", intern!("readable")),
                ("File or stream is not writable.", intern!("writable")),
            ],
        )
    }
}
