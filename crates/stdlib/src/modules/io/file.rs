//! `FileIO`: files of the operating system, unbuffered.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{Type, exc, int, str as text};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::base::{RawIoBase, class_name, name_repr};
use super::{DEFAULT_BUFFER_SIZE, size_arg, unsupported};
use crate::os::args::{PathArg, PathKind};
use crate::os::{errno, retry, sys, zeroed};

/// A file as the system has it, without a buffer.
///
/// mode is 'r', 'w', 'x' (the file must be new) or 'a' (always write at the end), and '+' for both reading and writing.
/// opener is called with the name and flags to give the descriptor.
#[pyclass(name = "FileIO", module = "_io", base = RawIoBase, flags(basetype),
    sig = "(file, mode='r', closefd=True, opener=None)")]
pub(crate) struct FileIo {
    fd: Cell<i32>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    appending: Cell<bool>,
    created: Cell<bool>,
    closefd: Cell<bool>,
    seekable: Cell<Option<bool>>,
    block_size: Cell<usize>,
    /// Size of the file when it was opened; None where it says nothing.
    size: Cell<Option<usize>>,
}

impl Traverse for FileIo {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

struct Mode {
    flags: i32,
    readable: bool,
    writable: bool,
    appending: bool,
    created: bool,
}

fn parse_mode(cx: &Ctx, mode: &str) -> PyResult<Mode> {
    let (mut main, mut plus) = (None, false);
    let bad = || cx.value_error("Must have exactly one of create/read/write/append mode and at most one plus");
    for c in mode.chars() {
        match c {
            'r' | 'w' | 'x' | 'a' if main.is_none() => main = Some(c),
            'r' | 'w' | 'x' | 'a' => return Err(bad()),
            '+' if !plus => plus = true,
            '+' => return Err(bad()),
            'b' => {}
            _ => return Err(cx.value_error(format!("invalid mode: {mode}"))),
        }
    }
    let Some(main) = main else { return Err(bad()) };
    let readable = main == 'r' || plus;
    let writable = main != 'r' || plus;
    let access = match (readable, writable) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    let extra = match main {
        'w' => libc::O_CREAT | libc::O_TRUNC,
        'x' => libc::O_CREAT | libc::O_EXCL,
        'a' => libc::O_CREAT | libc::O_APPEND,
        _ => 0,
    };
    Ok(Mode {
        flags: access | extra | libc::O_CLOEXEC,
        readable,
        writable,
        appending: main == 'a',
        created: main == 'x',
    })
}

impl FileIo {
    fn fd(&self, cx: &Ctx) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd >= 0 => Ok(fd),
            _ => Err(cx.value_error("I/O operation on closed file")),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.fd.get() < 0
    }

    /// The preferred size of buffers, in bytes.
    pub(crate) fn block_size(&self) -> usize {
        self.block_size.get()
    }

    fn reading(&self, cx: &Ctx) -> PyResult<i32> {
        let fd = self.fd(cx)?;
        if self.readable.get() { Ok(fd) } else { Err(unsupported(cx, "File not open for reading")) }
    }

    fn writing(&self, cx: &Ctx) -> PyResult<i32> {
        let fd = self.fd(cx)?;
        if self.writable.get() { Ok(fd) } else { Err(unsupported(cx, "File not open for writing")) }
    }

    /// Reads at most `n` bytes behind `out`; None if that would block.
    pub(crate) fn read_some(&self, cx: &Ctx, out: &mut Vec<u8>, n: usize) -> PyResult<Option<usize>> {
        let fd = self.reading(cx)?;
        let start = out.len();
        if out.try_reserve(n).is_err() {
            return Err(cx.no_memory());
        }
        out.resize(start + n, 0);
        let r = retry(cx, || sys!(libc::read(fd, out[start..].as_mut_ptr().cast(), n)));
        let got = match &r {
            Ok(Ok(k)) => *k as usize,
            _ => 0,
        };
        out.truncate(start + got);
        match r? {
            Ok(_) => Ok(Some(got)),
            Err(libc::EAGAIN) => Ok(None),
            Err(e) => Err(cx.os_error(e)),
        }
    }

    /// Writes some of the bytes, which nothing else can change; None if that would block.
    pub(crate) fn write_some(&self, cx: &Ctx, b: &[u8]) -> PyResult<Option<usize>> {
        let fd = self.writing(cx)?;
        match retry(cx, || sys!(libc::write(fd, b.as_ptr().cast(), b.len().min(0x7fff_f000))))? {
            Ok(n) => Ok(Some(n as usize)),
            Err(libc::EAGAIN) => Ok(None),
            Err(e) => Err(cx.os_error(e)),
        }
    }

    pub(crate) fn lseek(&self, cx: &Ctx, offset: i64, whence: i32) -> PyResult<i64> {
        let fd = self.fd(cx)?;
        let r = cx.without_lock(|| {
            let r = sys!(libc::lseek(fd, offset, whence));
            if r < 0 { Err(errno()) } else { Ok(r) }
        });
        if self.seekable.get().is_none() {
            self.seekable.set(Some(r.is_ok()));
        }
        r.map_err(|e| cx.os_error(e))
    }

    pub(crate) fn is_seekable(&self, cx: &Ctx) -> PyResult<bool> {
        let fd = self.fd(cx)?;
        if let Some(s) = self.seekable.get() {
            return Ok(s);
        }
        let ok = sys!(libc::lseek(fd, 0, libc::SEEK_CUR)) >= 0;
        self.seekable.set(Some(ok));
        Ok(ok)
    }

    /// Reads until the end; None if nothing can be read without blocking.
    pub(crate) fn read_all(&self, cx: &Ctx) -> PyResult<Option<Vec<u8>>> {
        let fd = self.reading(cx)?;
        let mut out = Vec::new();
        let mut step = match self.size.get() {
            // One byte more shows the end without another growth.
            Some(n) => match sys!(libc::lseek(fd, 0, libc::SEEK_CUR)) {
                at if at >= 0 && (at as usize) <= n => n - at as usize + 1,
                _ => 16 * 1024,
            },
            None => 16 * 1024,
        };
        loop {
            match self.read_some(cx, &mut out, step)? {
                Some(0) => return Ok(Some(out)),
                Some(_) => {}
                None if out.is_empty() => return Ok(None),
                None => return Ok(Some(out)),
            }
            step = (out.len() / 2).clamp(16 * 1024, 1 << 26);
        }
    }

    fn close_fd(&self, cx: &Ctx) -> PyResult<()> {
        let fd = self.fd.replace(-1);
        if fd < 0 {
            return Ok(());
        }
        let e = cx.without_lock(|| if sys!(libc::close(fd)) < 0 { errno() } else { 0 });
        if e != 0 && e != libc::EINTR { Err(cx.os_error(e)) } else { Ok(()) }
    }

    fn mode_text(&self) -> &'static str {
        let plus = self.readable.get() && self.writable.get();
        match (self.created.get(), self.appending.get(), self.readable.get(), plus) {
            (true, _, _, true) => "xb+",
            (true, ..) => "xb",
            (_, true, _, true) => "ab+",
            (_, true, ..) => "ab",
            (.., true) => "rb+",
            (_, _, true, _) => "rb",
            _ => "wb",
        }
    }
}

/// The descriptor that an opener gave.
fn call_opener(cx: &Ctx, opener: &Obj, name: &Obj, flags: i32) -> PyResult<i32> {
    let r = opener.call_pos(cx, &[name.clone(), Obj::from(i64::from(flags))])?;
    if !int::is_int(&r) {
        return Err(cx.type_error("expected integer from opener"));
    }
    let fd = r.to_i64(cx)?;
    match i32::try_from(fd) {
        Ok(fd) if fd >= 0 => {
            sys!(libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC));
            Ok(fd)
        }
        _ => Err(cx.value_error(format!("opener returned {fd}"))),
    }
}

/// Raises OSError for a file that could not be opened as asked; closes it if it is ours.
fn give_up(cx: &Ctx, this: &FileIo, own: bool, e: i32, name: &Obj) -> Raised {
    let fd = this.fd.replace(-1);
    if own {
        sys!(libc::close(fd));
    }
    cx.os_error_with(e, Some(name), None)
}

#[pymethods]
impl FileIo {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(
            ty,
            FileIo {
                fd: Cell::new(-1),
                readable: Cell::new(false),
                writable: Cell::new(false),
                appending: Cell::new(false),
                created: Cell::new(false),
                closefd: Cell::new(true),
                seekable: Cell::new(None),
                block_size: Cell::new(DEFAULT_BUFFER_SIZE),
                size: Cell::new(None),
            },
        ))
    }

    #[pymethod(sig = "($self, file, mode='r', closefd=True, opener=None)")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, FileIo>,
        file: &Obj,
        mode: Option<&Obj>,
        closefd: bool,
        opener: Option<&Obj>,
    ) -> PyResult<()> {
        if this.fd.get() >= 0 {
            if this.closefd.get() {
                this.close_fd(cx)?;
            } else {
                this.fd.set(-1);
            }
        }
        let mode = match mode {
            None => "r".into(),
            Some(m) => text::expect(cx, m, |t| format!("FileIO() argument 'mode' must be str, not {t}"))
                .map(|_| text::as_utf8_lossy(m))?,
        };
        let m = parse_mode(cx, &mode)?;
        let given = if file.is_int() || file.type_of().is_int_subtype() {
            if file.is(&Obj::from_bool(true)) || file.is(&Obj::from_bool(false)) {
                (cx.host().warn)(cx, exc::RuntimeWarning(), "bool is used as a file descriptor", 1)?;
            }
            let fd = file.to_i64(cx)?;
            if fd < 0 {
                return Err(cx.value_error("negative file descriptor"));
            }
            match i32::try_from(fd) {
                Ok(fd) => Some(fd),
                Err(_) => return Err(cx.overflow_error("Python int too large to convert to C int")),
            }
        } else {
            None
        };
        let path = match given {
            Some(_) => None,
            None => Some(
                PathArg::new(cx, file, PathKind::path("open").named("file"))
                    .map_err(|r| plain_path_error(cx, r, file))?,
            ),
        };
        this.readable.set(m.readable);
        this.writable.set(m.writable);
        this.appending.set(m.appending);
        this.created.set(m.created);
        this.seekable.set(None);
        this.size.set(None);
        let flags = Obj::from(i64::from(m.flags | libc::O_CLOEXEC));
        (cx.host().audit)(cx, "open", &[file.clone(), Obj::from(&*mode), flags])?;
        this.closefd.set(closefd);
        let own = given.is_none();
        let fd = match (given, &path) {
            (Some(fd), _) => fd,
            (None, Some(p)) => {
                if !closefd {
                    return Err(cx.value_error("Cannot use closefd=False with file name"));
                }
                match opener {
                    Some(f) => call_opener(cx, f, &p.obj, m.flags)?,
                    None => match retry(cx, || sys!(libc::open(p.ptr(), m.flags, 0o666)))? {
                        Ok(fd) => fd,
                        Err(e) => return Err(cx.os_error_with(e, Some(file), None)),
                    },
                }
            }
            (None, None) => -1,
        };
        this.fd.set(fd);
        let mut st = zeroed!(libc::stat);
        if sys!(libc::fstat(fd, &raw mut st)) < 0 {
            let e = errno();
            if e == libc::EBADF {
                return Err(give_up(cx, &this, own, e, file));
            }
        } else {
            if st.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Err(give_up(cx, &this, own, libc::EISDIR, file));
            }
            if st.st_blksize > 1 {
                this.block_size.set(st.st_blksize as usize);
            }
            if st.st_mode & libc::S_IFMT == libc::S_IFREG {
                this.size.set(Some(st.st_size as usize));
            }
        }
        if let Err(r) = this.obj().set_attr(cx, intern!("name"), file) {
            if own {
                let fd = this.fd.replace(-1);
                sys!(libc::close(fd));
            }
            return Err(r);
        }
        if m.appending
            && let Err(r) = this.lseek(cx, 0, libc::SEEK_END)
            && own
        {
            let fd = this.fd.replace(-1);
            sys!(libc::close(fd));
            return Err(r);
        }
        if cx.is_raising() {
            // A pipe given by its descriptor may be opened for appending; it just cannot seek.
            drop(cx.take_pending());
        }
        Ok(())
    }

    /// Reads at most size bytes in one system call; everything if size is negative or left out.
    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, FileIo>, size: Option<&Obj>) -> PyResult {
        this.reading(cx)?;
        let Some(n) = size_arg(cx, size)? else { return Self::readall(cx, this) };
        let mut out = Vec::new();
        Ok(match this.read_some(cx, &mut out, n)? {
            Some(_) => bytes::new(&out),
            None => Obj::none(),
        })
    }

    /// Reads all data from the file.
    #[pymethod]
    fn readall(cx: &Ctx, this: This<'_, FileIo>) -> PyResult {
        Ok(this.read_all(cx)?.map_or_else(Obj::none, |b| bytes::new(&b)))
    }

    /// Reads into a buffer; returns the number of bytes.
    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto(cx: &Ctx, this: This<'_, FileIo>, buffer: &Obj) -> PyResult {
        let fd = this.reading(cx)?;
        let b =
            Buffer::get(cx, buffer, BufferFlags::WRITABLE).map_err(|r| writable_error(cx, r, "readinto", buffer))?;
        loop {
            let r = b.with_bytes_mut(|to| {
                cx.without_lock(|| {
                    let n = sys!(libc::read(fd, to.as_mut_ptr().cast(), to.len()));
                    if n < 0 { Err(errno()) } else { Ok(n) }
                })
            });
            return match r {
                Some(Ok(n)) => Ok(Obj::from(n as i64)),
                Some(Err(libc::EINTR)) => {
                    (cx.host().poll)(cx)?;
                    continue;
                }
                Some(Err(libc::EAGAIN)) => Ok(Obj::none()),
                Some(Err(e)) => Err(cx.os_error(e)),
                None => Err(cx.buffer_error("Object is not writable.")),
            };
        }
    }

    /// Writes bytes to the file; returns the number of bytes written, or None if that would block.
    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, this: This<'_, FileIo>, b: &Obj) -> PyResult {
        this.writing(cx)?;
        let n = match BytesLike::new(cx, b)? {
            BytesLike::Slice(b) => this.write_some(cx, b)?,
            other => {
                let copy = other.to_vec();
                this.write_some(cx, &copy)?
            }
        };
        Ok(n.map_or_else(Obj::none, Obj::from))
    }

    /// Moves to a new file position and returns it.
    #[pymethod(sig = "($self, pos, whence=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, FileIo>, pos: &Obj, whence: i32) -> PyResult<i64> {
        this.fd(cx)?;
        if pos.as_float().is_some() {
            return Err(cx.type_error("'float' object cannot be interpreted as an integer"));
        }
        this.lseek(cx, pos.index(cx)?.to_i64(cx)?, whence)
    }

    /// The current file position.
    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<i64> {
        this.lseek(cx, 0, libc::SEEK_CUR)
    }

    /// Truncates the file to at most size bytes and returns the size.
    #[pymethod(sig = "($self, size=None, /)")]
    fn truncate(cx: &Ctx, this: This<'_, FileIo>, size: Option<&Obj>) -> PyResult<i64> {
        let fd = this.writing(cx)?;
        let n = match size {
            Some(s) if !s.is_none() => s.index(cx)?.to_i64(cx)?,
            _ => this.lseek(cx, 0, libc::SEEK_CUR)?,
        };
        match retry(cx, || sys!(libc::ftruncate(fd, n)))? {
            Ok(_) => Ok(n),
            Err(e) => Err(cx.os_error(e)),
        }
    }

    /// Closes the file.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<()> {
        this.obj().set_attr(cx, intern!("__IOBase_closed"), &Obj::from_bool(true))?;
        if !this.closefd.get() {
            this.fd.set(-1);
            return Ok(());
        }
        this.close_fd(cx)
    }

    #[pymethod]
    fn seekable(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<bool> {
        this.is_seekable(cx)
    }

    #[pymethod]
    fn readable(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<bool> {
        this.fd(cx)?;
        Ok(this.readable.get())
    }

    #[pymethod]
    fn writable(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<bool> {
        this.fd(cx)?;
        Ok(this.writable.get())
    }

    #[pymethod]
    fn fileno(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<i32> {
        this.fd(cx)
    }

    #[pymethod]
    fn isatty(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<bool> {
        let fd = this.fd(cx)?;
        Ok(sys!(libc::isatty(fd)) == 1)
    }

    #[pymethod(name = "_isatty_open_only")]
    fn isatty_open_only(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<bool> {
        let fd = this.fd(cx)?;
        Ok(this.size.get().is_none() && sys!(libc::isatty(fd)) == 1)
    }

    #[pymethod(name = "_dealloc_warn", sig = "($self, source, /)")]
    fn dealloc_warn(cx: &Ctx, this: This<'_, FileIo>, source: &Obj) -> PyResult<()> {
        if this.fd.get() < 0 || !this.closefd.get() {
            return Ok(());
        }
        let shown = source.repr(cx)?;
        let message = format!("unclosed file {}", text::as_utf8_lossy(&shown));
        crate::os::warn_unclosed(cx, &message, source, ("file", this.obj()));
        Ok(())
    }

    #[pymethod(name = "__getstate__")]
    fn getstate(cx: &Ctx, this: &Obj) -> PyResult {
        Err(cx.type_error(format!("cannot pickle '{}' instances", this.type_of().name())))
    }

    /// True if the file is closed
    #[pygetter]
    fn closed(_cx: &Ctx, this: This<'_, FileIo>) -> bool {
        this.is_closed()
    }

    #[pygetter]
    fn closefd(_cx: &Ctx, this: This<'_, FileIo>) -> bool {
        this.closefd.get()
    }

    #[pygetter]
    fn mode(_cx: &Ctx, this: This<'_, FileIo>) -> &'static str {
        this.mode_text()
    }

    #[pygetter(name = "_blksize")]
    fn blksize(_cx: &Ctx, this: This<'_, FileIo>) -> usize {
        this.block_size.get()
    }

    fn __repr__(cx: &Ctx, this: This<'_, FileIo>) -> PyResult<String> {
        let class = class_name(this.obj());
        if this.is_closed() {
            return Ok(format!("<{class} [closed]>"));
        }
        let closefd = if this.closefd.get() { "True" } else { "False" };
        let mode = this.mode_text();
        Ok(match name_repr(cx, this.obj())? {
            Some(n) => format!("<{class} name={n} mode='{mode}' closefd={closefd}>"),
            None => format!("<{class} fd={} mode='{mode}' closefd={closefd}>", this.fd.get()),
        })
    }
}

/// The words of `open` for what is no path.
fn plain_path_error(cx: &Ctx, r: Raised, file: &Obj) -> Raised {
    if cx.pending_is(exc::TypeError()) && file.type_of().lookup(intern!("__fspath__")).is_none() {
        drop(cx.take(r));
        return cx.type_error(format!("expected str, bytes or os.PathLike object, not {}", file.type_of().name()));
    }
    if cx.pending_is(exc::ValueError()) && !cx.pending_is(exc::UnicodeError()) {
        drop(cx.take(r));
        return cx.value_error("embedded null byte");
    }
    r
}

/// The words for a buffer that cannot be written.
pub(crate) fn writable_error(cx: &Ctx, r: Raised, function: &str, o: &Obj) -> Raised {
    drop(cx.take(r));
    cx.type_error(format!("{function}() argument must be read-write bytes-like object, not {}", o.type_of().name()))
}
