//! `_lzma`: compression by LZMA, in the containers `.xz` and `.lzma` and without one.

mod filters;

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};
use liblzma::stream::{Action, Check, Error, LzmaOptions, Status, Stream};

use super::compression::{Input, Step, more_room};

/// Raised when data cannot be compressed or decompressed.
#[pyclass(name = "LZMAError", module = "_lzma", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct LzmaError;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(LzmaError::class().type_object(), message)
}

#[cold]
fn failed(cx: &Ctx, e: Error) -> Raised {
    raise(
        cx,
        match e {
            Error::Mem => return cx.no_memory(),
            Error::UnsupportedCheck => "Unsupported integrity check",
            Error::MemLimit => "Memory usage limit exceeded",
            Error::Format => "Input format not supported by decoder",
            Error::Options => "Invalid or unsupported options",
            Error::Data => "Corrupt input data",
            Error::Program => "Internal error",
            Error::NoCheck => "Unrecognized error from liblzma: 2",
        },
    )
}

const FORMAT_AUTO: i64 = 0;
const FORMAT_XZ: i64 = 1;
const FORMAT_ALONE: i64 = 2;
const FORMAT_RAW: i64 = 3;

const CHECK_NONE: i64 = 0;
const CHECK_CRC64: i64 = 4;
const CHECK_UNKNOWN: i64 = 16;
const PRESET_DEFAULT: u32 = 6;

/// The integrity check of an id.
fn check_of(id: i64) -> Option<Check> {
    [Check::None, Check::Crc32, Check::Crc64, Check::Sha256].into_iter().find(|c| *c as i64 == id)
}

/// Compressor object for compressing data incrementally.
///
/// format is FORMAT_XZ (the default), FORMAT_ALONE or FORMAT_RAW; check the integrity check of FORMAT_XZ. How data is
/// compressed is given by a preset from 0 to 9 (with PRESET_EXTREME added where time does not matter), or by a chain of
/// filters.
#[pyclass(name = "LZMACompressor", module = "_lzma")]
pub(crate) struct Compressor {
    state: RefCell<Stream>,
    flushed: Cell<bool>,
}

impl Traverse for Compressor {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Compressor {
    fn run(&self, cx: &Ctx, mut data: &[u8], action: Action) -> PyResult {
        let mut state = self.state.borrow_mut();
        let finish = matches!(action, Action::Finish);
        let mut out = Vec::new();
        while finish || !data.is_empty() {
            if out.try_reserve(more_room(out.len())).is_err() {
                return Err(cx.no_memory());
            }
            let before = state.total_in();
            let status = state.process_vec(data, &mut out, action).map_err(|e| failed(cx, e))?;
            data = &data[(state.total_in() - before) as usize..];
            if status == Status::StreamEnd {
                break;
            }
        }
        Ok(bytes::new(&out))
    }
}

/// The encoder that a compressor's arguments ask for.
fn encoder(cx: &Ctx, format: i64, check: i64, preset: Option<u32>, chain: Option<&Obj>) -> PyResult<Stream> {
    let level = preset.unwrap_or(PRESET_DEFAULT);
    match format {
        FORMAT_XZ => {
            let id = if check == -1 { CHECK_CRC64 } else { check };
            let Some(check) = check_of(id) else {
                // Ids beyond the known range are wrong, others not built in.
                let e = if (0..CHECK_UNKNOWN).contains(&id) { Error::UnsupportedCheck } else { Error::Program };
                return Err(failed(cx, e));
            };
            let made = match chain {
                None => Stream::new_easy_encoder(level, check),
                Some(c) => Stream::new_stream_encoder(&filters::chain(cx, c)?, check),
            };
            made.map_err(|e| failed(cx, e))
        }
        FORMAT_ALONE => {
            let options = match chain {
                None => LzmaOptions::new_preset(level)
                    .map_err(|_| raise(cx, format!("Invalid compression preset: {level}")))?,
                Some(c) => filters::only_lzma1(cx, c)?,
            };
            Stream::new_lzma_encoder(&options).map_err(|e| failed(cx, e))
        }
        FORMAT_RAW => match chain {
            Some(c) => Stream::new_raw_encoder(&filters::chain(cx, c)?).map_err(|e| failed(cx, e)),
            None => Err(cx.value_error("Must specify filters for FORMAT_RAW")),
        },
        f => Err(cx.value_error(format!("Invalid container format: {f}"))),
    }
}

#[pymethods]
impl Compressor {
    #[pynew(sig = "(format=1, check=-1, preset=None, filters=None)")]
    fn __new__(cx: &Ctx, ty: &Type, format: i64, check: i64, preset: Option<&Obj>, filters: Option<&Obj>) -> PyResult {
        if preset.is_some() && filters.is_some() {
            return Err(cx.value_error("Cannot specify both preset and filter chain"));
        }
        if format != FORMAT_XZ && check != -1 && check != CHECK_NONE {
            return Err(cx.value_error("Integrity checks are only supported by FORMAT_XZ"));
        }
        let preset = match preset {
            Some(p) => Some(filters::number(cx, p)?),
            None => None,
        };
        let state = encoder(cx, format, check, preset, filters)?;
        Ok(new_instance(ty, Compressor { state: RefCell::new(state), flushed: Cell::new(false) }))
    }

    /// Provides data to the compressor; returns a chunk of compressed data if there is one, else b''.
    #[pymethod(sig = "($self, data, /)")]
    fn compress(&self, cx: &Ctx, data: &Obj) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        if self.flushed.get() {
            return Err(cx.value_error("Compressor has been flushed"));
        }
        self.run(cx, &data, Action::Run)
    }

    /// Finishes the compression and returns what is left. The compressor cannot be used afterwards.
    #[pymethod]
    fn flush(&self, cx: &Ctx) -> PyResult {
        if self.flushed.replace(true) {
            return Err(cx.value_error("Repeated call to flush()"));
        }
        self.run(cx, &[], Action::Finish)
    }
}

/// Decompressor object for decompressing data incrementally.
///
/// format is FORMAT_AUTO (the default: `.xz` or `.lzma`), FORMAT_XZ, FORMAT_ALONE or FORMAT_RAW, which needs the chain of
/// filters. memlimit bounds the memory that decompressing may take.
#[pyclass(name = "LZMADecompressor", module = "_lzma")]
pub(crate) struct Decompressor {
    state: RefCell<Stream>,
    input: Input,
    /// The first bytes of the stream, where a container's header tells the integrity check.
    header: RefCell<Vec<u8>>,
    format: i64,
}

impl Traverse for Decompressor {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// How an `.xz` stream begins; the byte after the next one tells the check.
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";

impl Decompressor {
    fn check_id(&self) -> i64 {
        let h = self.header.borrow();
        match self.format {
            FORMAT_RAW | FORMAT_ALONE => CHECK_NONE,
            _ if h.len() < 8 => CHECK_UNKNOWN,
            _ if h.starts_with(XZ_MAGIC) => i64::from(h[7] & 15),
            _ => CHECK_NONE,
        }
    }
}

#[pymethods]
impl Decompressor {
    #[pynew(sig = "(format=0, memlimit=None, filters=None)")]
    fn __new__(cx: &Ctx, ty: &Type, format: i64, memlimit: Option<&Obj>, filters: Option<&Obj>) -> PyResult {
        let limit = match memlimit {
            Some(_) if format == FORMAT_RAW => {
                return Err(cx.value_error("Cannot specify memory limit with FORMAT_RAW"));
            }
            Some(m) => filters::long(cx, m)?,
            None => u64::MAX,
        };
        let made = match (format, filters) {
            (FORMAT_RAW, None) => return Err(cx.value_error("Must specify filters for FORMAT_RAW")),
            (FORMAT_RAW, Some(c)) => Stream::new_raw_decoder(&filters::chain(cx, c)?),
            (_, Some(_)) => return Err(cx.value_error("Cannot specify filters except with FORMAT_RAW")),
            (FORMAT_AUTO, _) => Stream::new_auto_decoder(limit, 0),
            (FORMAT_XZ, _) => Stream::new_stream_decoder(limit, 0),
            (FORMAT_ALONE, _) => Stream::new_lzma_decoder(limit),
            (f, _) => return Err(cx.value_error(format!("Invalid container format: {f}"))),
        };
        let new = Decompressor {
            state: RefCell::new(made.map_err(|e| failed(cx, e))?),
            input: Input::new(true, "Already at end of stream"),
            header: RefCell::default(),
            format,
        };
        Ok(new_instance(ty, new))
    }

    /// Decompresses data, and returns what comes out as bytes.
    ///
    /// With a max_length that is not negative at most so many bytes are returned. Where more could be, needs_input is
    /// False, and the next call may pass b''. After the end of the stream EOFError is raised; data behind the end is
    /// found in unused_data.
    #[pymethod(sig = "($self, /, data, max_length=-1)")]
    fn decompress(&self, cx: &Ctx, data: &Obj, max_length: isize) -> PyResult {
        let mut state = self.state.borrow_mut();
        self.input.decompress(cx, data, max_length, |input, out| {
            let (before, made) = (state.total_in(), state.total_out());
            let status = state.process(input, out, Action::Run).map_err(|e| failed(cx, e))?;
            let used = (state.total_in() - before) as usize;
            let mut header = self.header.borrow_mut();
            if header.len() < 8 {
                let lacks = 8 - header.len();
                header.extend_from_slice(&input[..used.min(lacks)]);
            }
            Ok(Step { used, made: (state.total_out() - made) as usize, ended: status == Status::StreamEnd })
        })
    }

    /// The id of the integrity check that the stream uses.
    #[pygetter(member)]
    fn check(&self) -> i64 {
        self.check_id()
    }

    /// True if the end of the stream was reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.input.eof()
    }

    /// What was found behind the end of the stream.
    #[pygetter(member)]
    fn unused_data(&self) -> Obj {
        self.input.unused()
    }

    /// True if more input is needed before more can be decompressed.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.input.needs_input()
    }
}

#[pymodule(name = "_lzma", classes(super::LzmaError, super::Compressor, super::Decompressor))]
pub(crate) mod module {
    use super::*;

    /// Whether an integrity check can be made. CHECK_NONE and CHECK_CRC32 always can.
    #[pyfunction(sig = "(check_id, /)")]
    fn is_check_supported(check_id: i64) -> bool {
        check_of(check_id).is_some_and(|c| c.is_supported())
    }

    /// The encoded properties of a filter, without its id.
    #[pyfunction(sig = "(filter, /)")]
    fn _encode_filter_properties(cx: &Ctx, filter: &Obj) -> PyResult {
        Ok(bytes::new(&filters::encode_properties(cx, filter)?))
    }

    /// The filter of an id that encoded properties describe, as a dict.
    #[pyfunction(sig = "(filter_id, encoded_props, /)")]
    fn _decode_filter_properties(cx: &Ctx, filter_id: &Obj, encoded_props: &Obj) -> PyResult {
        let props = BytesLike::new(cx, encoded_props)?.to_vec();
        filters::decode_properties(cx, filters::long(cx, filter_id)?, &props)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let own = [
            ("FORMAT_AUTO", FORMAT_AUTO),
            ("FORMAT_XZ", FORMAT_XZ),
            ("FORMAT_ALONE", FORMAT_ALONE),
            ("FORMAT_RAW", FORMAT_RAW),
            ("CHECK_NONE", CHECK_NONE),
            ("CHECK_CRC32", 1),
            ("CHECK_CRC64", CHECK_CRC64),
            ("CHECK_SHA256", 10),
            ("CHECK_ID_MAX", 15),
            ("CHECK_UNKNOWN", CHECK_UNKNOWN),
            ("PRESET_DEFAULT", i64::from(PRESET_DEFAULT)),
            ("PRESET_EXTREME", 1 << 31),
        ];
        for (name, n) in own.into_iter().chain(filters::CONSTANTS) {
            module.set_attr(cx, Name::new(name), &Obj::from(n))?;
        }
        Ok(())
    }
}
