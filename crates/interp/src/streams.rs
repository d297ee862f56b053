//! The standard streams: text files of `_io` over descriptors 0, 1 and 2, or plain native ones without `_io`.

use std::sync::atomic::{AtomicU8, Ordering};

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::module;
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::thread::Thread;

/// A write-only text stream on a descriptor, unbuffered. Used until (and where no) `_io` exists.
#[pyclass(name = "_RawTextStream", module = "sys", flags(no_new))]
#[derive(Traverse)]
pub struct RawTextStream {
    #[traverse(skip)]
    fd: i32,
}

#[pymethods]
impl RawTextStream {
    /// Writes a text.
    #[pymethod(sig = "($self, text, /)")]
    fn write(cx: &Ctx, this: This<'_, RawTextStream>, text: &Obj) -> PyResult<usize> {
        let Some(s) = text.downcast::<Str>() else {
            return Err(cx.type_error(format!("write() argument must be str, not {}", text.type_of().name())));
        };
        let bytes = s.as_str_lossy().as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            // SAFETY: the bytes are live for the call.
            let n = unsafe { libc::write(this.fd, bytes[at..].as_ptr().cast(), bytes.len() - at) };
            if n < 0 {
                let e = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                if e == libc::EINTR {
                    continue;
                }
                return Err(cx.os_error(e));
            }
            at += n as usize;
        }
        Ok(s.len())
    }

    /// Does nothing: nothing is buffered.
    #[pymethod]
    fn flush(_this: This<'_, RawTextStream>) {}

    #[pygetter]
    fn encoding(_this: This<'_, RawTextStream>) -> &'static str {
        "utf-8"
    }

    #[pymethod]
    fn fileno(this: This<'_, RawTextStream>) -> i64 {
        i64::from(this.fd)
    }

    #[pymethod]
    fn isatty(this: This<'_, RawTextStream>) -> bool {
        // SAFETY: any descriptor may be asked.
        unsafe { libc::isatty(this.fd) == 1 }
    }
}

/// The standard descriptors that were closed when the process started, one bit for each. Before `main` the Rust
/// runtime opens them on the null device; programs are to see them closed.
static CLOSED_AT_START: AtomicU8 = AtomicU8::new(0);

extern "C" fn look_for_closed() {
    for fd in 0..3 {
        // SAFETY: asks whether a descriptor is open.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED_AT_START.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

#[used]
// SAFETY: the section holds pointers to functions that run before `main`; this one makes system calls only.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static LOOK_FOR_CLOSED: extern "C" fn() = look_for_closed;

/// Closes again what was closed when the process started.
fn close_closed() {
    let bits = CLOSED_AT_START.swap(0, Ordering::Relaxed);
    for fd in 0..3 {
        if bits & 1 << fd != 0 {
            // SAFETY: nobody uses the descriptor: it was opened only to be there.
            unsafe { libc::close(fd) };
        }
    }
}

/// Sets a plain `sys.stderr` for what is said before there is a better one.
pub(crate) fn install_first(cx: &Ctx) -> PyResult<()> {
    let Some(sys) = Thread::of(cx).runtime.sys.get() else { return Ok(()) };
    let stream = heap::new_instance(RawTextStream::class().type_object(), RawTextStream { fd: 2 });
    sys.set_attr(cx, intern!("stderr"), &stream)?;
    sys.set_attr(cx, intern!("__stderr__"), &stream)
}

/// Sets `sys.stdin`, `sys.stdout` and `sys.stderr`.
pub(crate) fn install(cx: &Ctx) -> PyResult<()> {
    close_closed();
    let rt = Thread::of(cx).runtime;
    let Some(sys) = rt.sys.get() else { return Ok(()) };
    let has_io = rt.find_native("_io").is_some();
    if has_io && let Some(builtins) = (cx.host().builtins)(cx) {
        let open = (cx.host().import)(cx, "_io")?.get_attr(cx, intern!("open"))?;
        cinder_pyobj::types::dict::set(cx, &builtins, intern!("open").as_obj(), &open)?;
    }
    for (name, fd, mode) in [("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")] {
        // SAFETY: asks whether the descriptor is open.
        let open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
        let stream = if !open {
            Obj::none()
        } else if has_io {
            text_file(cx, name, fd, mode)?
        } else if fd == 0 {
            Obj::none()
        } else {
            heap::new_instance(RawTextStream::class().type_object(), RawTextStream { fd })
        };
        sys.set_attr(cx, Name::new(name), &stream)?;
        sys.set_attr(cx, Name::new(&format!("__{name}__")), &stream)?;
    }
    Ok(())
}

/// A text file over a standard descriptor, as CPython sets it up.
fn text_file(cx: &Ctx, name: &str, fd: i32, mode: &str) -> PyResult {
    let rt = Thread::of(cx).runtime;
    let io = (cx.host().import)(cx, "_io")?;
    // Codecs are looked up by the text layer.
    (cx.host().import)(cx, "encodings")?;
    let kw = |names: &[&str]| -> Vec<Obj> { names.iter().map(|n| Name::new(n).obj()).collect() };
    let unbuffered = rt.config.flags.unbuffered && mode == "w";
    let open = io.get_attr(cx, intern!("open"))?;
    let raw_mode = format!("{mode}b");
    let buffered = open.call(
        cx,
        Args::new(
            &[
                Obj::from(i64::from(fd)),
                Obj::from(raw_mode.as_str()),
                Obj::from(if unbuffered { 0i64 } else { -1 }),
                Obj::from_bool(false),
            ],
            &kw(&["closefd"]),
        ),
    )?;
    let raw = if unbuffered { buffered.clone() } else { buffered.get_attr(cx, intern!("raw"))? };
    raw.set_attr(cx, intern!("name"), &Obj::from(format!("<{name}>").as_str()))?;
    let tty = buffered.call_method(cx, intern!("isatty"), &[])?.truthy(cx)?;
    let encodings = &rt.config.encodings;
    // `encoding` is the codec's own name, whatever it was called by.
    let codec = match encodings.stdio.as_str() {
        "utf-8" => Obj::from("utf-8"),
        e => cinder_pyobj::codecs::registry::lookup(cx, e)?.get_attr(cx, intern!("name"))?,
    };
    let errors = if name == "stderr" { "backslashreplace" } else { encodings.stdio_errors.as_str() };
    let wrapper = io.get_attr(cx, intern!("TextIOWrapper"))?;
    let f = wrapper.call(
        cx,
        Args::new(
            &[
                buffered,
                codec,
                Obj::from(errors),
                Obj::from("\n"),
                Obj::from_bool(!unbuffered && (tty || name == "stderr")),
                Obj::from_bool(unbuffered),
            ],
            &kw(&["encoding", "errors", "newline", "line_buffering", "write_through"]),
        ),
    )?;
    f.set_attr(cx, intern!("mode"), &Obj::from(mode))?;
    Ok(f)
}

const _: fn(&Obj) -> Option<Obj> = module::namespace;
