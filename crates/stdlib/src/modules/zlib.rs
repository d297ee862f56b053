//! `zlib`: DEFLATE compression.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::binascii::crc32;

/// The error of this module.
#[pyclass(name = "error", module = "zlib", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Error;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(Error::class().type_object(), message)
}

const CHUNK: usize = 16 * 1024;

fn compressor(cx: &Ctx, level: i64, wbits: i64) -> PyResult<Compress> {
    let level = match level {
        -1 => Compression::new(6),
        0..=9 => Compression::new(level as u32),
        _ => return Err(raise(cx, "Bad compression level")),
    };
    Ok(match wbits {
        9..=15 => Compress::new_with_window_bits(level, true, wbits as u8),
        -15..=-9 => Compress::new_with_window_bits(level, false, -wbits as u8),
        25..=31 => Compress::new_gzip(level, (wbits - 16) as u8),
        _ => return Err(cx.value_error("Invalid initialization option")),
    })
}

/// A decompressor; for automatic detection (`wbits` 40 to 47) made when the first byte is seen.
fn decompressor(cx: &Ctx, wbits: i64, first: Option<u8>) -> PyResult<Decompress> {
    Ok(match wbits {
        0 => Decompress::new_with_window_bits(true, 15),
        8..=15 => Decompress::new_with_window_bits(true, wbits.max(9) as u8),
        -15..=-8 => Decompress::new_with_window_bits(false, (-wbits).max(9) as u8),
        24..=31 => Decompress::new_gzip((wbits - 16).max(9) as u8),
        40..=47 if first == Some(0x1f) => Decompress::new_gzip((wbits - 32).max(9) as u8),
        40..=47 | 32 => Decompress::new_with_window_bits(true, 15),
        _ => return Err(cx.value_error("Invalid initialization option")),
    })
}

/// Compresses `data` behind what was compressed before.
fn deflate(cx: &Ctx, c: &mut Compress, mut data: &[u8], flush: FlushCompress) -> PyResult<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        if out.try_reserve(CHUNK).is_err() {
            return Err(cx.no_memory());
        }
        let (before, room) = (c.total_in(), out.capacity() - out.len());
        let status = c
            .compress_vec(data, &mut out, flush)
            .map_err(|e| raise(cx, format!("Error -2 while compressing data: {e}")))?;
        data = &data[(c.total_in() - before) as usize..];
        let filled = out.capacity() == out.len() || out.len() + 8 > out.capacity() && room > 0;
        match status {
            Status::StreamEnd => return Ok(out),
            _ if data.is_empty() && !filled && flush != FlushCompress::Finish => return Ok(out),
            Status::BufError if data.is_empty() && flush != FlushCompress::Finish => return Ok(out),
            _ => {}
        }
    }
}

/// What decompressing came to.
struct Inflated {
    out: Vec<u8>,
    /// How much input was used.
    used: usize,
    end: bool,
    /// More output is waiting, but `limit` was reached.
    full: bool,
}

/// Decompresses up to `limit` bytes.
fn inflate(cx: &Ctx, d: &mut Decompress, data: &[u8], limit: usize, zdict: Option<&[u8]>) -> PyResult<Inflated> {
    let mut r = Inflated { out: Vec::new(), used: 0, end: false, full: false };
    loop {
        let step = CHUNK.max(r.out.len() / 2).min(limit.saturating_sub(r.out.len()));
        if step == 0 {
            r.full = true;
            return Ok(r);
        }
        let start = r.out.len();
        if r.out.try_reserve(step).is_err() {
            return Err(cx.no_memory());
        }
        r.out.resize(start + step, 0);
        let (before_in, before_out) = (d.total_in(), d.total_out());
        let result = d.decompress(&data[r.used..], &mut r.out[start..], FlushDecompress::Sync);
        r.used += (d.total_in() - before_in) as usize;
        let made = (d.total_out() - before_out) as usize;
        r.out.truncate(start + made);
        match result {
            Ok(Status::StreamEnd) => {
                r.end = true;
                return Ok(r);
            }
            Ok(_) if made < step => {
                // No progress is possible without more input.
                if r.used >= data.len() || (made == 0 && d.total_in() == before_in) {
                    return Ok(r);
                }
            }
            Ok(_) => {}
            Err(e) if e.needs_dictionary().is_some() => match zdict {
                Some(z) => {
                    d.set_dictionary(z).map_err(|_| raise(cx, "Error -3 while setting zdict: invalid dictionary"))?;
                }
                None => return Err(raise(cx, "Error 2 while decompressing data")),
            },
            Err(e) => {
                let what = e.message().unwrap_or("invalid data").to_owned();
                return Err(raise(cx, format!("Error -3 while decompressing data: {what}")));
            }
        }
    }
}

fn flush_mode(cx: &Ctx, mode: i64) -> PyResult<Option<FlushCompress>> {
    Ok(Some(match mode {
        0 => return Ok(None),
        1 => FlushCompress::Partial,
        2 | 5 => FlushCompress::Sync,
        3 => FlushCompress::Full,
        4 => FlushCompress::Finish,
        _ => return Err(raise(cx, "Error -2 while flushing: inconsistent stream state")),
    }))
}

/// Compresses piece by piece.
#[pyclass(name = "Compress", module = "zlib", flags(no_new))]
pub(crate) struct CompressObject {
    state: RefCell<Option<Compress>>,
}

impl Traverse for CompressObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[pymethods]
impl CompressObject {
    /// Compresses data; some of the result may come only with later calls.
    #[pymethod(sig = "($self, data, /)")]
    fn compress(&self, cx: &Ctx, data: &Obj) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        match &mut *self.state.borrow_mut() {
            Some(c) => Ok(bytes::new(&deflate(cx, c, &data, FlushCompress::None)?)),
            None => Err(raise(cx, "Error -2 while compressing data: inconsistent stream state")),
        }
    }

    /// What is left of the compressed data. By default the stream ends here.
    #[pymethod(sig = "($self, mode=4, /)")]
    fn flush(&self, cx: &Ctx, mode: i64) -> PyResult {
        let Some(mode) = flush_mode(cx, mode)? else { return Ok(bytes::new(&[])) };
        let mut state = self.state.borrow_mut();
        let Some(c) = &mut *state else {
            return Err(raise(cx, "Error -2 while flushing: inconsistent stream state"));
        };
        let out = deflate(cx, c, &[], mode)?;
        if mode == FlushCompress::Finish {
            *state = None;
        }
        Ok(bytes::new(&out))
    }

    /// Compressors cannot be copied here.
    #[pymethod]
    fn copy(&self, cx: &Ctx) -> PyResult {
        Err(cx.not_implemented("compression objects cannot be copied"))
    }
}

/// Decompresses piece by piece.
#[pyclass(name = "Decompress", module = "zlib", flags(no_new))]
pub(crate) struct DecompressObject {
    state: RefCell<Option<Decompress>>,
    wbits: i64,
    zdict: Option<Vec<u8>>,
    eof: Cell<bool>,
    unused: RefCell<Vec<u8>>,
    tail: RefCell<Vec<u8>>,
}

impl Traverse for DecompressObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl DecompressObject {
    fn run(&self, cx: &Ctx, data: &[u8], limit: usize) -> PyResult<Vec<u8>> {
        if self.eof.get() {
            self.unused.borrow_mut().extend_from_slice(data);
            return Ok(Vec::new());
        }
        let mut state = self.state.borrow_mut();
        if state.is_none() {
            let Some(first) = data.first() else { return Ok(Vec::new()) };
            let mut d = decompressor(cx, self.wbits, Some(*first))?;
            if self.wbits < 0
                && let Some(z) = &self.zdict
            {
                d.set_dictionary(z).map_err(|_| raise(cx, "Error -3 while setting zdict: invalid dictionary"))?;
            }
            *state = Some(d);
        }
        let Some(d) = &mut *state else { return Ok(Vec::new()) };
        let r = inflate(cx, d, data, limit, self.zdict.as_deref())?;
        let rest = data.get(r.used..).unwrap_or(&[]).to_vec();
        if r.end {
            self.eof.set(true);
            self.unused.borrow_mut().extend_from_slice(&rest);
            self.tail.borrow_mut().clear();
        } else {
            *self.tail.borrow_mut() = if r.full { rest } else { Vec::new() };
        }
        Ok(r.out)
    }
}

#[pymethods]
impl DecompressObject {
    /// Decompresses data, at most `max_length` bytes of result (0: no limit).
    #[pymethod(sig = "($self, data, /, max_length=0)")]
    fn decompress(&self, cx: &Ctx, data: &Obj, max_length: isize) -> PyResult {
        let limit = match max_length {
            0 => usize::MAX,
            n => usize::try_from(n).map_err(|_| cx.value_error("max_length must be non-negative"))?,
        };
        let data = BytesLike::new(cx, data)?.to_vec();
        Ok(bytes::new(&self.run(cx, &data, limit)?))
    }

    /// Decompresses what is left.
    #[pymethod(sig = "($self, length=16384, /)")]
    fn flush(&self, cx: &Ctx, length: isize) -> PyResult {
        if length <= 0 {
            return Err(cx.value_error("length must be greater than zero"));
        }
        let tail = self.tail.take();
        Ok(bytes::new(&self.run(cx, &tail, usize::MAX)?))
    }

    /// Decompressors cannot be copied here.
    #[pymethod]
    fn copy(&self, cx: &Ctx) -> PyResult {
        Err(cx.not_implemented("decompression objects cannot be copied"))
    }

    /// Whether the end of the stream was reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.eof.get()
    }

    /// What came behind the end of the stream.
    #[pygetter(member)]
    fn unused_data(&self) -> Obj {
        bytes::new(&self.unused.borrow())
    }

    /// Input that was not used because of `max_length`.
    #[pygetter(member)]
    fn unconsumed_tail(&self) -> Obj {
        bytes::new(&self.tail.borrow())
    }
}

/// Decompresses piece by piece, keeping input that was not used.
#[pyclass(name = "_ZlibDecompressor", module = "zlib")]
pub(crate) struct ZlibDecompressor {
    inner: DecompressObject,
    needs_input: Cell<bool>,
}

impl Traverse for ZlibDecompressor {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

#[pymethods]
impl ZlibDecompressor {
    #[pynew(sig = "(wbits=15, zdict=b'')")]
    fn __new__(cx: &Ctx, ty: &Type, wbits: i64, zdict: Option<&Obj>) -> PyResult {
        let inner = new_decompress(cx, wbits, zdict)?;
        Ok(new_instance(ty, ZlibDecompressor { inner, needs_input: Cell::new(true) }))
    }

    /// Decompresses data, at most `max_length` bytes of result (negative: no limit).
    #[pymethod(sig = "($self, /, data, max_length=-1)")]
    fn decompress(cx: &Ctx, this: This<'_, ZlibDecompressor>, data: &Obj, max_length: isize) -> PyResult {
        if this.inner.eof.get() {
            return Err(cx.raise(exc::EOFError(), "End of stream already reached"));
        }
        let mut input = this.inner.tail.take();
        input.extend(BytesLike::new(cx, data)?.to_vec());
        let limit = usize::try_from(max_length).unwrap_or(usize::MAX);
        let out = this.inner.run(cx, &input, limit)?;
        let full = max_length >= 0 && out.len() >= limit;
        this.needs_input.set(!this.inner.eof.get() && !full && this.inner.tail.borrow().is_empty());
        Ok(bytes::new(&out))
    }

    /// Whether the end of the stream was reached.
    #[pygetter(member)]
    fn eof(&self) -> bool {
        self.inner.eof.get()
    }

    /// What came behind the end of the stream.
    #[pygetter]
    fn unused_data(&self) -> Obj {
        bytes::new(&self.inner.unused.borrow())
    }

    /// Whether more input is needed before more can be decompressed.
    #[pygetter(member)]
    fn needs_input(&self) -> bool {
        self.needs_input.get()
    }
}

fn new_decompress(cx: &Ctx, wbits: i64, zdict: Option<&Obj>) -> PyResult<DecompressObject> {
    let zdict = match zdict {
        None => None,
        Some(z) if bytes::args::is_bytes_like(z) => Some(BytesLike::new(cx, z)?.to_vec()).filter(|z| !z.is_empty()),
        Some(_) => return Err(cx.type_error("zdict argument must support the buffer protocol")),
    };
    // Made now only to refuse bad options.
    drop(decompressor(cx, wbits, None)?);
    Ok(DecompressObject {
        state: RefCell::new(None),
        wbits,
        zdict,
        eof: Cell::new(false),
        unused: RefCell::default(),
        tail: RefCell::default(),
    })
}

fn start_value(cx: &Ctx, o: Option<&Obj>, default: u32) -> PyResult<u32> {
    let Some(o) = o else { return Ok(default) };
    let n = o.index(cx)?;
    let big = cinder_pyobj::types::int::to_bigint(&n).unwrap_or_default();
    let low: num_bigint::BigInt = big & num_bigint::BigInt::from(u32::MAX);
    Ok(u32::try_from(low).unwrap_or(0))
}

fn adler(b: &[u8], start: u32) -> u32 {
    const MOD: u32 = 65521;
    let (mut a, mut s) = (start & 0xffff, start >> 16);
    // The sums stay below 2^32 for this many bytes.
    for chunk in b.chunks(5552) {
        for c in chunk {
            a += *c as u32;
            s += a;
        }
        a %= MOD;
        s %= MOD;
    }
    s << 16 | a
}

/// Compression and decompression in zlib, gzip and raw format.
#[pymodule(name = "zlib", classes(super::Error, super::ZlibDecompressor))]
pub(crate) mod module {
    use super::*;

    /// Compresses data at once.
    #[pyfunction(sig = "(data, /, level=-1, wbits=15)")]
    fn compress(cx: &Ctx, data: &Obj, level: i64, wbits: i64) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        let mut c = compressor(cx, level, wbits)?;
        Ok(bytes::new(&deflate(cx, &mut c, &data, FlushCompress::Finish)?))
    }

    /// Decompresses data at once.
    #[pyfunction(sig = "(data, /, wbits=15, bufsize=16384)")]
    fn decompress(cx: &Ctx, data: &Obj, wbits: i64, bufsize: isize) -> PyResult {
        if bufsize < 0 {
            return Err(cx.value_error("bufsize must be non-negative"));
        }
        let data = BytesLike::new(cx, data)?.to_vec();
        let mut d = decompressor(cx, wbits, data.first().copied())?;
        let r = inflate(cx, &mut d, &data, usize::MAX, None)?;
        if !r.end {
            return Err(raise(cx, "Error -5 while decompressing data: incomplete or truncated stream"));
        }
        Ok(bytes::new(&r.out))
    }

    /// An object that compresses piece by piece.
    #[pyfunction(sig = "(level=-1, method=8, wbits=15, memLevel=8, strategy=0, zdict=None)")]
    #[allow(non_snake_case, reason = "named as the Python parameter")]
    fn compressobj(
        cx: &Ctx,
        level: i64,
        method: i64,
        wbits: i64,
        memLevel: i64,
        strategy: i64,
        zdict: Option<&Obj>,
    ) -> PyResult {
        let valid = method == 8 && (1..=9).contains(&memLevel) && (0..=4).contains(&strategy);
        if !valid || !(-1..=9).contains(&level) {
            return Err(cx.value_error("Invalid initialization option"));
        }
        let mut c = compressor(cx, level, wbits)?;
        if let Some(z) = zdict {
            let z = BytesLike::new(cx, z)?.to_vec();
            c.set_dictionary(&z).map_err(|_| cx.value_error("Invalid dictionary"))?;
        }
        Ok(new_instance(CompressObject::type_object(), CompressObject { state: RefCell::new(Some(c)) }))
    }

    /// An object that decompresses piece by piece.
    #[pyfunction(sig = "(wbits=15, zdict=b'')")]
    fn decompressobj(cx: &Ctx, wbits: i64, zdict: Option<&Obj>) -> PyResult {
        Ok(new_instance(DecompressObject::type_object(), new_decompress(cx, wbits, zdict)?))
    }

    /// The Adler-32 check sum of data, continued from `value`.
    #[pyfunction(sig = "(data, value=1, /)")]
    fn adler32(cx: &Ctx, data: &Obj, value: Option<&Obj>) -> PyResult<u32> {
        let start = start_value(cx, value, 1)?;
        Ok(BytesLike::new(cx, data)?.with(|b| adler(b, start)))
    }

    /// The CRC-32 of data, continued from `value`.
    #[pyfunction(name = "crc32", sig = "(data, value=0, /)")]
    fn py_crc32(cx: &Ctx, data: &Obj, value: Option<&Obj>) -> PyResult<u32> {
        let start = start_value(cx, value, 0)?;
        Ok(BytesLike::new(cx, data)?.with(|b| crc32(b, start)))
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let numbers: [(&str, i64); 23] = [
            ("MAX_WBITS", 15),
            ("DEFLATED", 8),
            ("DEF_MEM_LEVEL", 8),
            ("DEF_BUF_SIZE", 16384),
            ("Z_BEST_COMPRESSION", 9),
            ("Z_BEST_SPEED", 1),
            ("Z_DEFAULT_COMPRESSION", -1),
            ("Z_NO_COMPRESSION", 0),
            ("Z_DEFAULT_STRATEGY", 0),
            ("Z_FILTERED", 1),
            ("Z_HUFFMAN_ONLY", 2),
            ("Z_RLE", 3),
            ("Z_FIXED", 4),
            ("Z_NO_FLUSH", 0),
            ("Z_PARTIAL_FLUSH", 1),
            ("Z_SYNC_FLUSH", 2),
            ("Z_FULL_FLUSH", 3),
            ("Z_FINISH", 4),
            ("Z_BLOCK", 5),
            ("Z_TREES", 6),
            ("Z_OK", 0),
            ("Z_STREAM_END", 1),
            ("Z_NEED_DICT", 2),
        ];
        for (name, v) in numbers {
            module.set_attr(cx, Name::new(name), &Obj::from(v))?;
        }
        for name in ["ZLIB_VERSION", "ZLIB_RUNTIME_VERSION"] {
            module.set_attr(cx, Name::new(name), &Obj::from("1.3.1"))?;
        }
        Ok(())
    }
}
