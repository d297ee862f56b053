//! `_zstd`: Zstandard compression.

mod ffi;
mod parameters;

use std::cell::{Cell, RefCell};
use std::ffi::c_int;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{FromObj, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{exc, int, set_class_constant, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};

use super::compression::{self, Input, more_room};
use ffi::Use;

/// An error occurred in the zstd library.
#[pyclass(name = "ZstdError", module = "compression.zstd", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct ZstdError;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(ZstdError::class().type_object(), message)
}

/// A Zstandard dictionary.
///
/// dict_content is its content, a bytes-like object; is_raw says that it is any content rather than one that was
/// trained.
#[pyclass(name = "ZstdDict", module = "compression.zstd")]
pub(crate) struct Dictionary {
    content: Obj,
    id: u32,
}

impl Traverse for Dictionary {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.content.value());
    }
}

impl Dictionary {
    fn bytes(&self) -> &[u8] {
        bytes::as_bytes(&self.content).unwrap_or(b"")
    }
}

const DIGESTED: i64 = 0;
const UNDIGESTED: i64 = 1;
const PREFIX: i64 = 2;

#[pymethods]
impl Dictionary {
    #[pynew(sig = "(dict_content, /, *, is_raw=False)")]
    fn __new__(cx: &Ctx, ty: &Type, dict_content: &Obj, is_raw: bool) -> PyResult {
        let content = BytesLike::new(cx, dict_content)?.to_vec();
        if content.len() < 8 {
            return Err(cx.value_error("Zstandard dictionary content too short (must have at least eight bytes)"));
        }
        let id = ffi::dictionary_id(&content);
        if !is_raw && id == 0 {
            return Err(cx.value_error("invalid Zstandard dictionary"));
        }
        Ok(new_instance(ty, Dictionary { content: bytes::new(&content), id }))
    }

    fn __len__(_cx: &Ctx, this: This<'_, Dictionary>) -> PyResult<usize> {
        Ok(this.bytes().len())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Dictionary>) -> String {
        format!("<ZstdDict dict_id={} dict_size={}>", this.id, this.bytes().len())
    }

    /// The content of the dictionary.
    #[pygetter]
    fn dict_content(_cx: &Ctx, this: This<'_, Dictionary>) -> Obj {
        this.content.clone()
    }

    /// The id of the dictionary; 0 for raw content.
    #[pygetter(member)]
    fn dict_id(_cx: &Ctx, this: This<'_, Dictionary>) -> i64 {
        i64::from(this.id)
    }

    /// The dictionary to be loaded as a digested one.
    #[pygetter]
    fn as_digested_dict(_cx: &Ctx, this: This<'_, Dictionary>) -> Obj {
        tuple::pair(this.obj().clone(), Obj::from(DIGESTED))
    }

    /// The dictionary to be loaded as an undigested one.
    #[pygetter]
    fn as_undigested_dict(_cx: &Ctx, this: This<'_, Dictionary>) -> Obj {
        tuple::pair(this.obj().clone(), Obj::from(UNDIGESTED))
    }

    /// The dictionary to be used as a prefix of one frame.
    #[pygetter]
    fn as_prefix(_cx: &Ctx, this: This<'_, Dictionary>) -> Obj {
        tuple::pair(this.obj().clone(), Obj::from(PREFIX))
    }
}

/// The dictionary of an argument, and how it is used.
fn dictionary_of(cx: &Ctx, o: &Obj, default: Use) -> PyResult<(Obj, Use)> {
    if o.downcast::<Dictionary>().is_some() {
        return Ok((o.clone(), default));
    }
    if let Some([d, how]) = tuple::items_if_tuple(o)
        && d.downcast::<Dictionary>().is_some()
        && int::is_int(how)
    {
        match i64::from(<c_int>::from_obj(cx, how)?) {
            DIGESTED => return Ok((d.clone(), Use::Digested)),
            UNDIGESTED => return Ok((d.clone(), Use::Undigested)),
            PREFIX => return Ok((d.clone(), Use::Prefix)),
            _ => {}
        }
    }
    Err(cx.type_error("zstd_dict argument should be a ZstdDict object."))
}

#[cold]
fn not_loaded(cx: &Ctx, text: &str) -> Raised {
    raise(cx, format!("Unable to load Zstandard dictionary or prefix: {text}"))
}

const CONTINUE: c_int = 0;
const FLUSH_BLOCK: c_int = 1;
const FLUSH_FRAME: c_int = 2;

/// A compressor object for compressing data incrementally.
///
/// Either a level or a dict of options may be given, and a dictionary.
#[pyclass(name = "ZstdCompressor", module = "compression.zstd")]
pub(crate) struct Compressor {
    state: RefCell<ffi::Compressor>,
    /// The dictionary that a prefix lies in.
    dictionary: Option<Obj>,
    last_mode: Cell<c_int>,
}

impl Traverse for Compressor {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Some(d) = &self.dictionary {
            visit(d.value());
        }
    }
}

impl Compressor {
    fn run(&self, cx: &Ctx, mut data: &[u8], mode: c_int) -> PyResult {
        let state = self.state.borrow_mut();
        let mut out: Vec<u8> = Vec::new();
        loop {
            let room = more_room(out.len());
            if out.try_reserve(room).is_err() {
                return Err(cx.no_memory());
            }
            let start = out.len();
            out.resize(start + room, 0);
            let s = match state.step(data, &mut out[start..], mode) {
                Ok(s) => s,
                Err(text) => {
                    state.reset();
                    self.last_mode.set(FLUSH_FRAME);
                    return Err(raise(cx, format!("Unable to compress Zstandard data: {text}")));
                }
            };
            data = &data[s.used..];
            out.truncate(start + s.made);
            // Flushing goes on until nothing is left inside.
            if if mode == CONTINUE { data.is_empty() && s.made < room } else { s.left == 0 } {
                break;
            }
        }
        self.last_mode.set(mode);
        Ok(bytes::new(&out))
    }
}

#[pymethods]
impl Compressor {
    #[pynew(sig = "(level=None, options=None, zstd_dict=None)")]
    fn __new__(cx: &Ctx, ty: &Type, level: Option<&Obj>, options: Option<&Obj>, zstd_dict: Option<&Obj>) -> PyResult {
        if level.is_some() && options.is_some() {
            return Err(cx.type_error("Only one of level or options should be used."));
        }
        let mut state = ffi::Compressor::new().ok_or_else(|| cx.no_memory())?;
        let used_level = match (level, options) {
            (Some(l), _) => parameters::set_level(cx, &state, l)?,
            (_, Some(o)) => parameters::set_options(cx, "ZstdCompressor", o, true, |p, v| state.set(p, v))?,
            _ => None,
        };
        let dictionary = match zstd_dict {
            None => None,
            Some(d) => {
                let (d, how) = dictionary_of(cx, d, Use::Undigested)?;
                let content = d.downcast::<Dictionary>().map_or(&b""[..], Dictionary::bytes);
                let loaded = match how {
                    Use::Digested => {
                        let made = ffi::CompressionDict::new(content, used_level.unwrap_or(ffi::defaults().0));
                        let failure = "Failed to create a ZSTD_CDict instance from Zstandard dictionary content.";
                        state.use_dict(made.ok_or_else(|| raise(cx, failure))?)
                    }
                    Use::Undigested => state.load(content),
                    // SAFETY: the dictionary's bytes never move, and the compressor keeps the dictionary.
                    Use::Prefix => unsafe { state.refer(content) },
                };
                loaded.map_err(|text| not_loaded(cx, text))?;
                Some(d)
            }
        };
        let new = Compressor { state: RefCell::new(state), dictionary, last_mode: Cell::new(FLUSH_FRAME) };
        Ok(new_instance(ty, new))
    }

    /// Provides data to the compressor; returns a chunk of compressed data if there is one, else b''.
    ///
    /// mode is CONTINUE, FLUSH_BLOCK or FLUSH_FRAME.
    #[pymethod(sig = "($self, /, data, mode=0)")]
    fn compress(&self, cx: &Ctx, data: &Obj, mode: c_int) -> PyResult {
        if !(CONTINUE..=FLUSH_FRAME).contains(&mode) {
            return Err(cx.value_error(
                "mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, \
                 ZstdCompressor.FLUSH_FRAME.",
            ));
        }
        let data = BytesLike::new(cx, data)?.to_vec();
        self.run(cx, &data, mode)
    }

    /// Flushes what is left inside: the frame, or only a block.
    #[pymethod(sig = "($self, /, mode=2)")]
    fn flush(&self, cx: &Ctx, mode: c_int) -> PyResult {
        if mode != FLUSH_FRAME && mode != FLUSH_BLOCK {
            return Err(cx.value_error(
                "mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK.",
            ));
        }
        self.run(cx, b"", mode)
    }

    /// Says how long the content of the next frame will be, so that its header can tell; None for not known.
    #[pymethod(sig = "($self, size, /)")]
    fn set_pledged_input_size(&self, cx: &Ctx, size: &Obj) -> PyResult<()> {
        const LIMIT: u64 = u64::MAX - 1;
        let n = if size.is_none() {
            u64::MAX
        } else {
            if !int::is_int(size) {
                let got = size.type_of().name().to_string();
                return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer")));
            }
            match int::as_u64(size).filter(|n| *n < LIMIT) {
                Some(n) => n,
                None => {
                    return Err(cx.value_error(format!("size argument should be a positive int less than {LIMIT}")));
                }
            }
        };
        if self.last_mode.get() != FLUSH_FRAME {
            return Err(cx.value_error("set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME"));
        }
        match self.state.borrow().set_pledged_size(n) {
            Ok(_) => Ok(()),
            Err(text) => Err(raise(cx, format!("Unable to set pledged uncompressed content size: {text}"))),
        }
    }

    /// The mode of the last call.
    #[pygetter(member, name = "last_mode")]
    fn get_last_mode(&self) -> i64 {
        i64::from(self.last_mode.get())
    }
}

/// A decompressor object for decompressing one frame incrementally.
#[pyclass(name = "ZstdDecompressor", module = "compression.zstd")]
pub(crate) struct Decompressor {
    state: RefCell<ffi::Decompressor>,
    dictionary: Option<Obj>,
    input: Input,
}

impl Traverse for Decompressor {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Some(d) = &self.dictionary {
            visit(d.value());
        }
    }
}

#[pymethods]
impl Decompressor {
    #[pynew(sig = "(zstd_dict=None, options=None)")]
    fn __new__(cx: &Ctx, ty: &Type, zstd_dict: Option<&Obj>, options: Option<&Obj>) -> PyResult {
        let mut state = ffi::Decompressor::new().ok_or_else(|| cx.no_memory())?;
        let dictionary = match zstd_dict {
            None => None,
            Some(d) => {
                let (d, how) = dictionary_of(cx, d, Use::Digested)?;
                let content = d.downcast::<Dictionary>().map_or(&b""[..], Dictionary::bytes);
                let loaded = match how {
                    Use::Digested => {
                        let failure = "Failed to create a ZSTD_DDict instance from Zstandard dictionary content.";
                        state.use_dict(ffi::DecompressionDict::new(content).ok_or_else(|| raise(cx, failure))?)
                    }
                    Use::Undigested => state.load(content),
                    // SAFETY: the dictionary's bytes never move, and the decompressor keeps the dictionary.
                    Use::Prefix => unsafe { state.refer(content) },
                };
                loaded.map_err(|text| not_loaded(cx, text))?;
                Some(d)
            }
        };
        if let Some(o) = options {
            parameters::set_options(cx, "ZstdDecompressor", o, false, |p, v| state.set(p, v))?;
        }
        let input = Input::new(true, "Already at the end of a Zstandard frame.");
        Ok(new_instance(ty, Decompressor { state: RefCell::new(state), dictionary, input }))
    }

    /// Decompresses data, and returns what comes out as bytes.
    ///
    /// With a max_length that is not negative at most so many bytes are returned. Where more could be, needs_input is
    /// False, and the next call may pass b''. After the end of the frame EOFError is raised; data behind the end is
    /// found in unused_data.
    #[pymethod(sig = "($self, /, data, max_length=-1)")]
    fn decompress(&self, cx: &Ctx, data: &Obj, max_length: isize) -> PyResult {
        let state = self.state.borrow_mut();
        self.input.decompress(cx, data, max_length, |input, out| match state.step(input, out) {
            Ok(s) => Ok(compression::Step { used: s.used, made: s.made, ended: s.left == 0 }),
            Err(text) => {
                state.reset();
                Err(raise(cx, format!("Unable to decompress Zstandard data: {text}")))
            }
        })
    }

    /// True if the end of the frame was reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.input.eof()
    }

    /// True if more input is needed before more can be decompressed.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.input.needs_input()
    }

    /// What was found behind the end of the frame.
    #[pygetter]
    fn unused_data(_cx: &Ctx, this: This<'_, Decompressor>) -> Obj {
        this.input.unused()
    }
}

/// The sizes of samples, which must add up to the length of all.
fn sample_sizes(cx: &Ctx, function: &str, position: u8, o: &Obj, total: usize) -> PyResult<Vec<usize>> {
    let Some(items) = tuple::items_if_tuple(o) else {
        let got = o.type_of().name().to_string();
        return Err(cx.type_error(format!("{function}() argument {position} must be tuple, not {got}")));
    };
    let mut sizes = Vec::new();
    for n in items {
        if !int::is_int(n) {
            let got = n.type_of().name().to_string();
            return Err(cx.type_error(format!("samples_sizes must hold ints, not {got}")));
        }
        match int::as_u64(n) {
            Some(n) => sizes.push(n as usize),
            None => {
                return Err(cx.value_error(
                    "Items in samples_sizes should be an int object, with a value between 0 and 18446744073709551615",
                ));
            }
        }
    }
    let sum = sizes.iter().try_fold(0usize, |s, n| s.checked_add(*n));
    if sum != Some(total) {
        return Err(cx.value_error("The samples size tuple doesn't match the concatenation's size."));
    }
    Ok(sizes)
}

/// The content of an argument that must be of type bytes.
fn exact_bytes<'a>(cx: &Ctx, function: &str, position: u8, o: &'a Obj) -> PyResult<&'a [u8]> {
    bytes::as_bytes(o).ok_or_else(|| {
        let got = o.type_of().name().to_string();
        cx.type_error(format!("{function}() argument {position} must be bytes, not {got}"))
    })
}

/// Room for a dictionary.
fn dictionary_room(cx: &Ctx, size: isize) -> PyResult<Vec<u8>> {
    let Some(size) = usize::try_from(size).ok().filter(|n| *n > 0) else {
        return Err(cx.value_error("dict_size argument should be positive number."));
    };
    let mut out = Vec::new();
    if out.try_reserve_exact(size).is_err() {
        return Err(cx.no_memory());
    }
    out.resize(size, 0);
    Ok(out)
}

#[pymodule(name = "_zstd", classes(super::ZstdError, super::Dictionary, super::Compressor, super::Decompressor))]
pub(crate) mod module {
    use super::*;

    /// Trains a dictionary on samples.
    #[pyfunction(sig = "(samples_bytes, samples_sizes, dict_size, /)")]
    fn train_dict(cx: &Ctx, samples_bytes: &Obj, samples_sizes: &Obj, dict_size: isize) -> PyResult {
        let samples = exact_bytes(cx, "train_dict", 1, samples_bytes)?;
        let sizes = sample_sizes(cx, "train_dict", 2, samples_sizes, samples.len())?;
        let mut out = dictionary_room(cx, dict_size)?;
        match ffi::train(samples, &sizes, &mut out) {
            Ok(n) => Ok(bytes::new(&out[..n])),
            Err(text) => Err(raise(cx, format!("Unable to train the Zstandard dictionary: {text}"))),
        }
    }

    /// Finalizes a dictionary: adds headers and statistics to content.
    #[pyfunction(sig = "(custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level, /)")]
    fn finalize_dict(
        cx: &Ctx,
        custom_dict_bytes: &Obj,
        samples_bytes: &Obj,
        samples_sizes: &Obj,
        dict_size: isize,
        compression_level: c_int,
    ) -> PyResult {
        let content = exact_bytes(cx, "finalize_dict", 1, custom_dict_bytes)?;
        let samples = exact_bytes(cx, "finalize_dict", 2, samples_bytes)?;
        let sizes = sample_sizes(cx, "finalize_dict", 3, samples_sizes, samples.len())?;
        let mut out = dictionary_room(cx, dict_size)?;
        match ffi::finalize(content, samples, &sizes, compression_level, &mut out) {
            Ok(n) => Ok(bytes::new(&out[..n])),
            Err(text) => Err(raise(cx, format!("Unable to finalize the Zstandard dictionary: {text}"))),
        }
    }

    /// The least and greatest value of a parameter.
    #[pyfunction(sig = "(parameter, is_compress)")]
    fn get_param_bounds(cx: &Ctx, parameter: &Obj, is_compress: bool) -> PyResult {
        let what = if is_compress { "compression" } else { "decompression" };
        match ffi::bounds(<c_int>::from_obj(cx, parameter)?, is_compress) {
            Ok((low, high)) => Ok(tuple::pair(Obj::from(low), Obj::from(high))),
            Err(text) => Err(raise(cx, format!("Unable to get zstd {what} parameter bounds: {text}"))),
        }
    }

    /// The size of the frame that a buffer begins with, header and checksum included.
    #[pyfunction(sig = "(frame_buffer)")]
    fn get_frame_size(cx: &Ctx, frame_buffer: &Obj) -> PyResult {
        let data = BytesLike::new(cx, frame_buffer)?.to_vec();
        match ffi::frame_size(&data) {
            Ok(n) => Ok(Obj::from(n)),
            Err(text) => Err(raise(
                cx,
                format!(
                    "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument \
                     starts from the beginning of a frame, and its length is not less than this complete frame. Zstd \
                     error message: {text}."
                ),
            )),
        }
    }

    /// The size of a frame's content (None if unknown) and the id of its dictionary, from the frame's header.
    #[pyfunction(sig = "(frame_buffer)")]
    fn get_frame_info(cx: &Ctx, frame_buffer: &Obj) -> PyResult {
        let data = BytesLike::new(cx, frame_buffer)?.to_vec();
        match ffi::frame_info(&data) {
            Some((size, id)) => Ok(tuple::pair(size.map_or_else(Obj::none, Obj::from), Obj::from(id))),
            None => Err(raise(
                cx,
                "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer \
                 argument starts from the beginning of a frame, and its length is not less than the frame header \
                 (6~18 bytes).",
            )),
        }
    }

    /// Sets the classes of the parameters, for the checks of options.
    #[pyfunction(sig = "(c_parameter_type, d_parameter_type)")]
    fn set_parameter_types(cx: &Ctx, c_parameter_type: &Obj, d_parameter_type: &Obj) -> PyResult<()> {
        for (name, o) in [("c_parameter_type", c_parameter_type), ("d_parameter_type", d_parameter_type)] {
            if o.as_type().is_none() {
                let got = o.type_of().name().to_string();
                return Err(cx.type_error(format!("set_parameter_types() argument '{name}' must be type, not {got}")));
            }
        }
        parameters::set_types(c_parameter_type, d_parameter_type);
        Ok(())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let set = |name: &str, v: &Obj| module.set_attr(cx, Name::new(name), v);
        for (name, n) in parameters::CONSTANTS {
            set(name, &Obj::from(*n))?;
        }
        let (level, out_size) = ffi::defaults();
        set("ZSTD_CLEVEL_DEFAULT", &Obj::from(level))?;
        set("ZSTD_DStreamOutSize", &Obj::from(out_size))?;
        let (number, text) = ffi::version();
        set("zstd_version", &Obj::from(text))?;
        set("zstd_version_number", &Obj::from(number))?;
        for (name, n) in [("CONTINUE", CONTINUE), ("FLUSH_BLOCK", FLUSH_BLOCK), ("FLUSH_FRAME", FLUSH_FRAME)] {
            set_class_constant(Compressor::class().type_object(), Name::new(name), Obj::from(n));
        }
        Ok(())
    }
}
