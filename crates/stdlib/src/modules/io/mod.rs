//! `_io`: files, buffers and text streams.
//!
//! [`base`] has the abstract classes; [`file`] raw files; [`buffered`] buffers over raw streams; [`memory`]
//! and [`string_io`] streams in memory; [`text`] text over binary streams, which [`coder`] and [`newline`] serve.

mod base;
mod buffered;
mod coder;
mod file;
mod memory;
mod newline;
mod open;
mod pair;
mod string_io;
mod text;
mod text_read;
mod text_seek;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{dict, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

/// Bytes that a buffer holds at least by default.
pub(crate) const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;

/// Raises `io.UnsupportedOperation`.
#[cold]
pub(crate) fn unsupported(cx: &Ctx, message: &str) -> Raised {
    let class = (cx.host().import)(cx, "_io").and_then(|m| m.get_attr(cx, intern!("UnsupportedOperation")));
    match class.and_then(|c| c.call1(cx, &Obj::from(message))) {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// Raises ValueError for the use of a closed stream.
#[cold]
pub(crate) fn closed(cx: &Ctx) -> Raised {
    cx.value_error("I/O operation on closed file.")
}

/// A size argument: None and negative numbers mean everything.
pub(crate) fn size_arg(cx: &Ctx, o: Option<&Obj>) -> PyResult<Option<usize>> {
    match o {
        None => Ok(None),
        Some(o) if o.is_none() => Ok(None),
        Some(o) => {
            if !o.is_int() && o.type_of().slots.index.get().is_none() {
                return Err(cx.type_error(format!("argument should be integer or None, not '{}'", o.type_of().name())));
            }
            Ok(usize::try_from(o.to_isize(cx)?).ok())
        }
    }
}

/// Files, buffers and text streams.
#[pymodule(
    name = "_io",
    classes(
        super::base::IoBase,
        super::base::RawIoBase,
        super::base::BufferedIoBase,
        super::base::TextIoBase,
        super::file::FileIo,
        super::memory::BytesIo,
        super::memory::BytesIoBuffer,
        super::string_io::StringIo,
        super::buffered::BufferedReader,
        super::buffered::BufferedWriter,
        super::buffered::BufferedRandom,
        super::pair::BufferedRwPair,
        super::newline::IncrementalNewlineDecoder,
        super::text::TextIoWrapper,
    ),
    parts(super::open::functions)
)]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let ns = dict::new();
        dict::set(cx, &ns, intern!("__module__").as_obj(), &Obj::from("io"))?;
        let bases = tuple::new(vec![exc::OSError().as_obj(), exc::ValueError().as_obj()]);
        let meta = cinder_pyobj::types::type_type().as_obj();
        let class = meta.call_pos(cx, &[Obj::from("UnsupportedOperation"), bases, ns])?;
        module.set_attr(cx, intern!("UnsupportedOperation"), &class)?;
        module.set_attr(cx, intern!("BlockingIOError"), &exc::BlockingIOError().as_obj())?;
        module.set_attr(cx, intern!("DEFAULT_BUFFER_SIZE"), &Obj::from(DEFAULT_BUFFER_SIZE))
    }
}
