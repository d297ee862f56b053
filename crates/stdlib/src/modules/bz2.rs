//! `_bz2`: bzip2 compression.

use std::cell::{Cell, RefCell};

use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};

use super::compression::{Input, Step, more_room};

#[cold]
fn failed(cx: &Ctx, e: Error) -> Raised {
    match e {
        Error::Sequence => cx.raise(exc::RuntimeError(), "Invalid sequence of commands sent to libbzip2"),
        Error::Data | Error::DataMagic => cx.raise(exc::OSError(), "Invalid data stream"),
        Error::Param => cx.value_error("Internal error - invalid parameters passed to libbzip2"),
    }
}

/// A compressor, to which the data is given piece by piece; compress() takes all at once.
///
/// compresslevel is a number from 1 to 9: larger blocks, smaller results.
#[pyclass(name = "BZ2Compressor", module = "_bz2")]
pub(crate) struct Compressor {
    state: RefCell<Compress>,
    flushed: Cell<bool>,
}

impl Traverse for Compressor {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Compressor {
    fn run(&self, cx: &Ctx, mut data: &[u8], action: Action) -> PyResult {
        let mut state = self.state.borrow_mut();
        let mut out = Vec::new();
        while action == Action::Finish || !data.is_empty() {
            let room = more_room(out.len());
            if out.try_reserve(room).is_err() {
                return Err(cx.no_memory());
            }
            let before = state.total_in();
            let status = state.compress_vec(data, &mut out, action).map_err(|e| failed(cx, e))?;
            data = &data[(state.total_in() - before) as usize..];
            match status {
                Status::StreamEnd => break,
                Status::MemNeeded => return Err(cx.no_memory()),
                _ => {}
            }
        }
        Ok(bytes::new(&out))
    }
}

#[pymethods]
impl Compressor {
    #[pynew(sig = "(compresslevel=9, /)")]
    fn __new__(cx: &Ctx, ty: &Type, compresslevel: i32) -> PyResult {
        if !(1..=9).contains(&compresslevel) {
            return Err(cx.value_error("compresslevel must be between 1 and 9"));
        }
        let state = Compress::new(Compression::new(compresslevel as u32), 0);
        Ok(new_instance(ty, Compressor { state: RefCell::new(state), flushed: Cell::new(false) }))
    }

    /// Takes data in, and gives what compressed data is ready, which may be nothing. flush() gives the rest.
    #[pymethod(sig = "($self, data, /)")]
    fn compress(&self, cx: &Ctx, data: &Obj) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        if self.flushed.get() {
            return Err(cx.value_error("Compressor has been flushed"));
        }
        self.run(cx, &data, Action::Run)
    }

    /// Ends the compressed data and gives what is left of it. The compressor cannot be used afterwards.
    #[pymethod]
    fn flush(&self, cx: &Ctx) -> PyResult {
        if self.flushed.replace(true) {
            return Err(cx.value_error("Repeated call to flush()"));
        }
        self.run(cx, &[], Action::Finish)
    }
}

/// A decompressor, to which the data is given piece by piece; decompress() takes all at once.
#[pyclass(name = "BZ2Decompressor", module = "_bz2")]
pub(crate) struct Decompressor {
    state: RefCell<Decompress>,
    input: Input,
}

impl Traverse for Decompressor {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[pymethods]
impl Decompressor {
    #[pynew(sig = "()")]
    fn __new__(_cx: &Ctx, ty: &Type) -> Obj {
        let new = Decompressor {
            state: RefCell::new(Decompress::new(false)),
            input: Input::new(false, "End of stream already reached"),
        };
        new_instance(ty, new)
    }

    /// Takes compressed data in, and gives what can be decompressed, at most max_length bytes if that is not negative.
    ///
    /// Where the limit cut the result, needs_input is False, and a call with b'' gives more of it. Behind the end of the
    /// stream, more data raises EOFError; what followed it is unused_data.
    #[pymethod(sig = "($self, /, data, max_length=-1)")]
    fn decompress(&self, cx: &Ctx, data: &Obj, max_length: isize) -> PyResult {
        let mut state = self.state.borrow_mut();
        self.input.decompress(cx, data, max_length, |input, out| {
            let (before, made) = (state.total_in(), state.total_out());
            let status = state.decompress(input, out).map_err(|e| {
                self.input.fail();
                failed(cx, e)
            })?;
            if status == Status::MemNeeded {
                return Err(cx.no_memory());
            }
            Ok(Step {
                used: (state.total_in() - before) as usize,
                made: (state.total_out() - made) as usize,
                ended: status == Status::StreamEnd,
            })
        })
    }

    /// Whether the stream ended.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.input.eof()
    }

    /// What followed the end of the stream.
    #[pygetter(member)]
    fn unused_data(&self) -> Obj {
        self.input.unused()
    }

    /// Whether more data must be given before more can come out.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.input.needs_input()
    }
}

#[pymodule(name = "_bz2", classes(super::Compressor, super::Decompressor))]
pub(crate) mod module {}
