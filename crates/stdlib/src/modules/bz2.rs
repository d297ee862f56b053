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

/// Create a compressor object for compressing data incrementally.
///
///   compresslevel
///     Compression level, as a number between 1 and 9.
///
/// For one-shot compression, use the compress() function instead.
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

    /// Provide data to the compressor object.
    ///
    /// Returns a chunk of compressed data if possible, or b'' otherwise.
    ///
    /// When you have finished providing data to the compressor, call the
    /// flush() method to finish the compression process.
    #[pymethod(sig = "($self, data, /)")]
    fn compress(&self, cx: &Ctx, data: &Obj) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        if self.flushed.get() {
            return Err(cx.value_error("Compressor has been flushed"));
        }
        self.run(cx, &data, Action::Run)
    }

    /// Finish the compression process.
    ///
    /// Returns the compressed data left in internal buffers.
    ///
    /// The compressor object may not be used after this method is called.
    #[pymethod]
    fn flush(&self, cx: &Ctx) -> PyResult {
        if self.flushed.replace(true) {
            return Err(cx.value_error("Repeated call to flush()"));
        }
        self.run(cx, &[], Action::Finish)
    }
}

/// Create a decompressor object for decompressing data incrementally.
///
/// For one-shot decompression, use the decompress() function instead.
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

    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes of
    /// decompressed data. If this limit is reached and further output can be
    /// produced, *self.needs_input* will be set to ``False``. In this case, the next
    /// call to *decompress()* may provide *data* as b'' to obtain more of the output.
    ///
    /// If all of the input data was decompressed and returned (either because this
    /// was less than *max_length* bytes, or because *max_length* was negative),
    /// *self.needs_input* will be set to True.
    ///
    /// Attempting to decompress data after the end of stream is reached raises an
    /// EOFError.  Any data found after the end of the stream is ignored and saved in
    /// the unused_data attribute.
    #[pymethod(sig = "($self, /, data, max_length=-1)")]
    fn decompress(&self, cx: &Ctx, data: &Obj, max_length: isize) -> PyResult {
        let mut state = self.state.borrow_mut();
        self.input.decompress(cx, data, max_length, |input, out| {
            let (before, made) = (state.total_in(), state.total_out());
            let status = state.decompress(input, out).map_err(|e| failed(cx, e))?;
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

    /// True if the end-of-stream marker has been reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.input.eof()
    }

    /// Data found after the end of the compressed stream.
    #[pygetter(member)]
    fn unused_data(&self) -> Obj {
        self.input.unused()
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.input.needs_input()
    }
}

#[pymodule(name = "_bz2", classes(super::Compressor, super::Decompressor))]
pub(crate) mod module {}
