//! `OSError` and the mapping of error numbers to its subclasses.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::native::{Args, FixedShape, This, pyclass, pymethods};
use crate::types::str::as_utf8_lossy;
use crate::types::{Type, tuple};
use crate::value::{Obj, ObjCell};

use super::base::BaseException;
use super::fields::fields;
use super::table::{self, ExceptionMarker};

/// `OSError`.
#[pyclass(name = "OSError", base = ExceptionMarker, flags(basetype), doc = "The system refused a call; errno and strerror say why, filename on what.")]
#[derive(Traverse)]
#[repr(C)]
pub struct OSErrorData {
    base: BaseException,
    pub(crate) errno: ObjCell,
    pub(crate) strerror: ObjCell,
    pub(crate) filename: ObjCell,
    pub(crate) filename2: ObjCell,
    pub(crate) characters_written: ObjCell,
}

/// The text of an error number.
pub fn strerror(errno: i32) -> String {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is as long as said; the POSIX variant writes a NUL-terminated text into it.
    unsafe {
        libc::strerror_r(errno, buf.as_mut_ptr().cast(), buf.len());
    }
    let end = buf.iter().position(|b| *b == 0).unwrap_or(buf.len());
    String::from_utf8_lossy(&buf[..end]).into_owned()
}

/// The subclass that an error number selects.
pub fn errno_class(errno: i32) -> Option<&'static Type> {
    Some(match errno {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => table::BlockingIOError(),
        libc::EPIPE | libc::ESHUTDOWN => table::BrokenPipeError(),
        libc::ECHILD => table::ChildProcessError(),
        libc::ECONNABORTED => table::ConnectionAbortedError(),
        libc::ECONNREFUSED => table::ConnectionRefusedError(),
        libc::ECONNRESET => table::ConnectionResetError(),
        libc::EEXIST => table::FileExistsError(),
        libc::ENOENT => table::FileNotFoundError(),
        libc::EISDIR => table::IsADirectoryError(),
        libc::ENOTDIR => table::NotADirectoryError(),
        libc::EINTR => table::InterruptedError(),
        libc::EACCES | libc::EPERM => table::PermissionError(),
        libc::ESRCH => table::ProcessLookupError(),
        libc::ETIMEDOUT => table::TimeoutError(),
        _ => return None,
    })
}

impl OSErrorData {
    /// The error number, if it is an int.
    pub fn errno(&self) -> Option<i64> {
        self.errno.get().and_then(|e| crate::types::int::as_i64(&e))
    }

    fn fill(&self, cx: &Ctx, obj: &Obj, args: &[Obj]) -> PyResult<()> {
        let mut shown = args;
        if (2..=5).contains(&args.len()) {
            self.errno.set(Some(args[0].clone()));
            self.strerror.set(Some(args[1].clone()));
            if args.len() > 2 && !args[2].is_none() {
                if obj.type_of().is_subtype(table::BlockingIOError()) && args[2].type_of().slots.index.get().is_some() {
                    self.characters_written.set(Some(args[2].index(cx)?));
                } else {
                    self.filename.set(Some(args[2].clone()));
                    if args.len() == 5 && !args[4].is_none() {
                        self.filename2.set(Some(args[4].clone()));
                    }
                    shown = &args[..2];
                }
            }
        }
        self.base.args.set(Some(tuple::new(shown.to_vec())));
        Ok(())
    }
}

/// Whether a class keeps `OSError.__new__` but has its own `__init__`: then `__init__` does the work.
fn init_is_own(ty: &Type) -> bool {
    let base = table::OSError();
    let own_init = match (ty.slots.init.get(), base.slots.init.get()) {
        (Some(a), Some(b)) => !std::ptr::fn_addr_eq(a, b),
        _ => false,
    };
    let own_new = match (ty.slots.new.get(), base.slots.new.get()) {
        (Some(a), Some(b)) => !std::ptr::fn_addr_eq(a, b),
        _ => false,
    };
    own_init && !own_new
}

#[pymethods(parts("fields"))]
impl OSErrorData {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let mut ty = ty;
        if !init_is_own(ty) {
            if args.has_keywords() {
                return Err(cx.type_error(format!("{}() takes no keyword arguments", ty.name())));
            }
            if ty.is(table::OSError())
                && args.pos().len() >= 2
                && let Some(sub) =
                    crate::types::int::as_i64(&args.pos()[0]).and_then(|e| errno_class(i32::try_from(e).ok()?))
            {
                ty = sub;
            }
        }
        let none = || ObjCell::new(None);
        let e = heap::new_instance(
            ty,
            OSErrorData {
                base: BaseException::new(&[]),
                errno: none(),
                strerror: none(),
                filename: none(),
                filename2: none(),
                characters_written: none(),
            },
        );
        if !init_is_own(ty)
            && let Some(d) = e.downcast::<OSErrorData>()
        {
            d.fill(cx, &e, args.pos())?;
        }
        Ok(e)
    }

    fn __init__(cx: &Ctx, this: This<'_, OSErrorData>, args: Args<'_>) -> PyResult<()> {
        if init_is_own(this.obj().type_of()) {
            if args.has_keywords() {
                return Err(cx.type_error(format!("{}() takes no keyword arguments", this.obj().type_of().name())));
            }
            return this.fill(cx, this.obj(), args.pos());
        }
        Ok(())
    }

    fn __str__(cx: &Ctx, this: This<'_, OSErrorData>) -> PyResult {
        let part = |c: &ObjCell, repr: bool| -> PyResult<String> {
            let o = c.get().unwrap_or_else(Obj::none);
            let s = if repr { o.repr(cx)? } else { o.str(cx)? };
            Ok(as_utf8_lossy(&s).into_owned())
        };
        if !this.filename.is_empty() {
            let (e, s, f) = (part(&this.errno, false)?, part(&this.strerror, false)?, part(&this.filename, true)?);
            return Ok(Obj::from(
                if this.filename2.is_empty() {
                    format!("[Errno {e}] {s}: {f}")
                } else {
                    format!("[Errno {e}] {s}: {f} -> {}", part(&this.filename2, true)?)
                }
                .as_str(),
            ));
        }
        if !this.errno.is_empty() && !this.strerror.is_empty() {
            let (e, s) = (part(&this.errno, false)?, part(&this.strerror, false)?);
            return Ok(Obj::from(format!("[Errno {e}] {s}").as_str()));
        }
        match This::<BaseException>::from_obj(this.obj()) {
            Some(b) => BaseException::__str__(cx, b),
            None => Ok(Obj::from("")),
        }
    }

    #[pygetter]
    fn characters_written(cx: &Ctx, this: This<'_, OSErrorData>) -> PyResult {
        this.characters_written.get().ok_or_else(|| {
            cx.attribute_error("characters_written", this.obj(), crate::intern!("characters_written").as_obj())
        })
    }

    #[pysetter]
    fn set_characters_written(cx: &Ctx, this: This<'_, OSErrorData>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => this.characters_written.set(Some(v.index(cx)?)),
            None if this.characters_written.is_empty() => {
                return Err(cx.attribute_error(
                    "characters_written",
                    this.obj(),
                    crate::intern!("characters_written").as_obj(),
                ));
            }
            None => this.characters_written.set(None),
        }
        Ok(())
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, OSErrorData>) -> PyResult {
        let mut args = this.base.args();
        if let Some([e, s]) = tuple::items_if_tuple(&args)
            && let Some(f) = this.filename.get()
        {
            let mut v = vec![e.clone(), s.clone(), f];
            if let Some(f2) = this.filename2.get() {
                v.push(Obj::none());
                v.push(f2);
            }
            args = tuple::new(v);
        }
        let mut parts = vec![this.obj().type_of().as_obj(), args];
        if let Some(d) = crate::types::dict::instance_dict(cx, this.obj())?
            && d.len(cx)? > 0
        {
            parts.push(d);
        }
        Ok(tuple::new(parts))
    }
}
fields!(OSErrorData: errno, strerror, filename, filename2);

const _: FixedShape = FixedShape::None;
