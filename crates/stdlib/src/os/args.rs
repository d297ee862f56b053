//! Arguments of system calls: paths and file descriptors.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::{decode_fs, encode_fs};
use cinder_pyobj::intern;
use cinder_pyobj::types::{bytes, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

/// A path argument.
pub(crate) struct PathArg {
    /// The argument as given, or what its `__fspath__` gave: the `filename` of errors.
    pub obj: Obj,
    text: CString,
    /// Given as bytes: results are bytes then, too.
    pub is_bytes: bool,
}

/// An argument that may be absent, as audit hooks see it.
pub(crate) fn or_none(o: Option<&Obj>) -> Obj {
    o.cloned().unwrap_or_else(Obj::none)
}

/// A `dir_fd`, as audit hooks see it: -1 if it is not given.
pub(crate) fn dir_or_none(o: Option<&Obj>) -> Obj {
    o.filter(|o| !o.is_none()).cloned().unwrap_or_else(|| Obj::from(-1))
}

/// What a path parameter accepts, for its conversion and its message.
#[derive(Clone, Copy)]
pub(crate) struct PathKind {
    /// The function's name; messages begin with it.
    pub function: &'static str,
    /// The parameter's name.
    pub param: &'static str,
    /// Whether None is fine as well.
    pub nullable: bool,
    /// Whether a file descriptor is fine as well.
    pub fd: bool,
}

impl PathKind {
    /// A parameter `path` that takes paths only.
    pub const fn path(function: &'static str) -> PathKind {
        PathKind { function, param: "path", nullable: false, fd: false }
    }

    /// A parameter `path` that takes a file descriptor as well.
    pub const fn path_or_fd(function: &'static str) -> PathKind {
        PathKind { function, param: "path", nullable: false, fd: true }
    }

    /// The same under another parameter name.
    pub const fn named(self, param: &'static str) -> PathKind {
        PathKind { param, ..self }
    }

    fn refuse(self, cx: &Ctx, o: &Obj) -> cinder_pyobj::Raised {
        let what = match (self.fd, self.nullable) {
            (true, true) => "string, bytes, os.PathLike, integer or None",
            (true, false) => "string, bytes, os.PathLike or integer",
            (false, true) => "string, bytes, os.PathLike or None",
            (false, false) => "string, bytes or os.PathLike",
        };
        cx.type_error(format!("{}: {} should be {what}, not {}", self.function, self.param, o.type_of().name()))
    }
}

impl PathArg {
    /// Converts a path.
    pub fn new(cx: &Ctx, o: &Obj, kind: PathKind) -> PyResult<PathArg> {
        match convert(cx, o, kind)? {
            Some(p) => Ok(p),
            None => Err(kind.refuse(cx, o)),
        }
    }

    /// The path of the current folder, for an argument left out.
    pub fn current() -> PathArg {
        PathArg { obj: Obj::from("."), text: CString::from(c"."), is_bytes: false }
    }

    /// The path as the system takes it.
    pub fn c(&self) -> &CStr {
        &self.text
    }

    /// The pointer that calls take.
    pub fn ptr(&self) -> *const libc::c_char {
        self.text.as_ptr()
    }

    /// A name that the system gave, in the type of this argument.
    pub fn like(&self, cx: &Ctx, name: &[u8]) -> PyResult {
        if self.is_bytes { Ok(bytes::new(name)) } else { decode_fs(cx, name) }
    }

    /// Raises OSError with this path as `filename`.
    pub fn error(&self, cx: &Ctx, errno: i32) -> cinder_pyobj::Raised {
        cx.os_error_with(errno, Some(&self.obj), None)
    }
}

/// A path as str or bytes: what `__fspath__` gives for other objects.
pub(crate) fn fspath(cx: &Ctx, o: &Obj) -> PyResult {
    if o.type_of().is_str_subtype() || bytes::as_bytes(o).is_some() {
        return Ok(o.clone());
    }
    let Some(m) = o.lookup_special(cx, intern!("__fspath__"))?.filter(|m| !m.is_none()) else {
        return Err(cx.type_error(format!("expected str, bytes or os.PathLike object, not {}", o.type_of().name())));
    };
    let r = m.call0(cx)?;
    if r.type_of().is_str_subtype() || bytes::as_bytes(&r).is_some() {
        return Ok(r);
    }
    Err(cx.type_error(format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        o.type_of().name(),
        r.type_of().name()
    )))
}

/// Warns of a bool where a file descriptor is meant.
fn warn_of_bool(cx: &Ctx, o: &Obj) -> PyResult<()> {
    if o.is_exact(cinder_pyobj::native::FixedShape::Bool) {
        let category = cinder_pyobj::types::exc::RuntimeWarning();
        (cx.host().warn)(cx, category, "bool is used as a file descriptor", 1)?;
    }
    Ok(())
}

/// The bytes of a str or bytes object.
fn raw(cx: &Ctx, o: &Obj) -> PyResult<Option<(Vec<u8>, bool)>> {
    if o.type_of().is_str_subtype() {
        return Ok(Some((encode_fs(cx, o)?, false)));
    }
    Ok(bytes::as_bytes(o).map(|b| (b.to_vec(), true)))
}

fn convert(cx: &Ctx, o: &Obj, kind: PathKind) -> PyResult<Option<PathArg>> {
    let mut obj = o.clone();
    let mut found = raw(cx, o)?;
    if found.is_none()
        && let Some(m) = o.lookup_special(cx, intern!("__fspath__"))?
    {
        obj = m.call0(cx)?;
        found = raw(cx, &obj)?;
        if found.is_none() {
            return Err(cx.type_error(format!(
                "expected {}.__fspath__() to return str or bytes, not {}",
                o.type_of().name(),
                obj.type_of().name()
            )));
        }
    }
    let Some((raw, is_bytes)) = found else { return Ok(None) };
    match CString::new(raw) {
        Ok(text) => Ok(Some(PathArg { obj, text, is_bytes })),
        Err(_) => Err(cx.value_error(format!("{}: embedded null character in {}", kind.function, kind.param))),
    }
}

/// A path, or an open file.
pub(crate) enum Target {
    Path(PathArg),
    Fd(i32),
}

impl Target {
    /// Converts a path, a file descriptor where that is allowed, or None where that is.
    pub fn new(cx: &Ctx, o: &Obj, kind: PathKind) -> PyResult<Target> {
        if kind.nullable && o.is_none() {
            return Ok(Target::Path(PathArg::current()));
        }
        if kind.fd && (o.is_int() || o.type_of().slots.index.get().is_some()) {
            warn_of_bool(cx, o)?;
            return Ok(Target::Fd(fd_index(cx, o)?));
        }
        match convert(cx, o, kind)? {
            Some(p) => Ok(Target::Path(p)),
            None => Err(kind.refuse(cx, o)),
        }
    }

    /// Raises OSError; a path becomes the `filename`.
    pub fn error(&self, cx: &Ctx, errno: i32) -> cinder_pyobj::Raised {
        match self {
            Target::Path(p) => p.error(cx, errno),
            Target::Fd(fd) => cx.os_error_with(errno, Some(&Obj::from(*fd)), None),
        }
    }
}

/// An int as a C int.
pub(crate) fn fd_index(cx: &Ctx, o: &Obj) -> PyResult<i32> {
    let i = o.index(cx)?;
    match int::as_i64(&i).map(i32::try_from) {
        Some(Ok(fd)) => Ok(fd),
        _ if int::is_negative(&i) => Err(cx.overflow_error("fd is less than minimum")),
        _ => Err(cx.overflow_error("fd is greater than maximum")),
    }
}

/// A `dir_fd` parameter: None is the current folder.
pub(crate) fn dir_fd(cx: &Ctx, o: Option<&Obj>) -> PyResult<i32> {
    match o {
        None => Ok(libc::AT_FDCWD),
        Some(o) if o.is_none() => Ok(libc::AT_FDCWD),
        Some(o) if o.is_int() || o.type_of().slots.index.get().is_some() => fd_index(cx, o),
        Some(o) => Err(cx.type_error(format!("argument should be integer or None, not {}", o.type_of().name()))),
    }
}

/// A file descriptor, or an object with `fileno()`.
pub(crate) fn file_descriptor(cx: &Ctx, o: &Obj) -> PyResult<i32> {
    warn_of_bool(cx, o)?;
    let i = if int::is_int(o) {
        o.clone()
    } else if let Some(m) = o.get_attr_opt(cx, intern!("fileno"))? {
        let r = m.call0(cx)?;
        if !int::is_int(&r) {
            return Err(cx.type_error("fileno() returned a non-integer"));
        }
        r
    } else {
        return Err(cx.type_error("argument must be an int, or have a fileno() method."));
    };
    let Some(fd) = int::as_i64(&i).and_then(|n| i32::try_from(n).ok()) else {
        return Err(cx.overflow_error("Python int too large to convert to C int"));
    };
    if fd < 0 {
        return Err(cx.value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

/// A str or bytes argument without NUL, encoded for the system.
pub(crate) fn c_string(cx: &Ctx, o: &Obj) -> PyResult<CString> {
    match convert(cx, o, PathKind::path(""))? {
        Some(p) => Ok(p.text),
        None => Err(cx.type_error(format!("expected str, bytes or os.PathLike object, not {}", o.type_of().name()))),
    }
}
