//! `_bz2`: bzip2 compression.

use std::cell::{Cell, RefCell};

use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};

#[cold]
fn failed(cx: &Ctx, e: Error) -> Raised {
    match e {
        Error::Sequence => cx.raise(exc::RuntimeError(), "Invalid sequence of commands sent to libbzip2"),
        Error::Data | Error::DataMagic => cx.raise(exc::OSError(), "Invalid data stream"),
        Error::Param => cx.value_error("Internal error - invalid parameters passed to libbzip2"),
    }
}

/// How much room to add to a result that is full.
fn more_room(have: usize) -> usize {
    (16 * 1024).max(have / 2)
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
    /// Input that was not used yet.
    tail: RefCell<Vec<u8>>,
    unused: RefCell<Vec<u8>>,
    eof: Cell<bool>,
    needs_input: Cell<bool>,
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
            tail: RefCell::default(),
            unused: RefCell::default(),
            eof: Cell::new(false),
            needs_input: Cell::new(true),
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
        let data = BytesLike::new(cx, data)?.to_vec();
        if self.eof.get() {
            return Err(cx.raise(exc::EOFError(), "End of stream already reached"));
        }
        let mut input = self.tail.take();
        input.extend(data);
        let limit = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut state = self.state.borrow_mut();
        let mut out: Vec<u8> = Vec::new();
        let mut used = 0;
        let mut ended = false;
        loop {
            let step = more_room(out.len()).min(limit - out.len());
            if step == 0 {
                break;
            }
            if out.try_reserve(step).is_err() {
                return Err(cx.no_memory());
            }
            let start = out.len();
            out.resize(start + step, 0);
            let (before, made) = (state.total_in(), state.total_out());
            let status = state.decompress(&input[used..], &mut out[start..]).map_err(|e| failed(cx, e))?;
            let (took, gave) = ((state.total_in() - before) as usize, (state.total_out() - made) as usize);
            used += took;
            out.truncate(start + gave);
            match status {
                Status::StreamEnd => {
                    ended = true;
                    break;
                }
                Status::MemNeeded => return Err(cx.no_memory()),
                _ => {}
            }
            // Room left over means that the input was not enough.
            if gave < step && (used == input.len() || took == 0) {
                break;
            }
        }
        let rest = input.split_off(used);
        if ended {
            self.eof.set(true);
            self.needs_input.set(false);
            *self.unused.borrow_mut() = rest;
        } else {
            self.needs_input.set(rest.is_empty());
            *self.tail.borrow_mut() = rest;
        }
        Ok(bytes::new(&out))
    }

    /// True if the end-of-stream marker has been reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.eof.get()
    }

    /// Data found after the end of the compressed stream.
    #[pygetter(member)]
    fn unused_data(&self) -> Obj {
        bytes::new(&self.unused.borrow())
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.needs_input.get()
    }
}

#[pymodule(name = "_bz2", classes(super::Compressor, super::Decompressor))]
pub(crate) mod module {}
