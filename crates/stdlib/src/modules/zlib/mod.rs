//! `zlib`: DEFLATE compression.

mod stream;

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Type};

use super::binascii::crc32;
use stream::{BUF_ERROR, FINISH, Failed, NEED_DICT, STREAM_END, SYNC_FLUSH, Stream};

/// The error of this module.
#[pyclass(name = "error", module = "zlib", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Error;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(Error::class().type_object(), message)
}

#[cold]
fn failed(cx: &Ctx, f: &Failed, doing: &str) -> Raised {
    match f.text() {
        "" => raise(cx, format!("Error {} {doing}", f.code)),
        text => raise(cx, format!("Error {} {doing}: {text}", f.code)),
    }
}

/// The error of a stream that could not be made.
#[cold]
fn not_made(cx: &Ctx, code: i32, doing: &str) -> Raised {
    match code {
        -4 => cx.raise(exc::MemoryError(), format!("Can't allocate memory for {doing} object")),
        _ => cx.value_error("Invalid initialization option"),
    }
}

/// A code that is neither success nor a sign that zlib waits for more.
fn check(cx: &Ctx, s: &Stream, code: i32, doing: &str) -> PyResult<()> {
    match code {
        0 | STREAM_END | BUF_ERROR => Ok(()),
        -4 => Err(cx.no_memory()),
        _ => Err(failed(cx, &s.failed(code), doing)),
    }
}

fn no_stream(cx: &Ctx, doing: &str) -> Raised {
    raise(cx, format!("Error -2 {doing}: inconsistent stream state"))
}

/// What decompressing came to.
struct Inflated {
    out: Vec<u8>,
    /// How much input was used.
    used: usize,
    code: i32,
}

/// Decompresses up to `limit` bytes.
fn inflate(
    cx: &Ctx,
    s: &mut Stream,
    data: &[u8],
    limit: usize,
    zdict: Option<&[u8]>,
    flush: i32,
    doing: &str,
) -> PyResult<Inflated> {
    let mut r = Inflated { out: Vec::new(), used: 0, code: 0 };
    loop {
        let p = s.run(&data[r.used..], &mut r.out, limit, flush);
        r.used += p.used;
        r.code = p.code;
        if p.code != NEED_DICT {
            check(cx, s, p.code, doing)?;
            return Ok(r);
        }
        let Some(z) = zdict else { return Err(failed(cx, &s.failed(NEED_DICT), doing)) };
        s.set_dictionary(z).map_err(|f| failed(cx, &f, "while setting zdict"))?;
    }
}

/// Compresses piece by piece.
#[pyclass(name = "Compress", module = "zlib", flags(no_new))]
pub(crate) struct CompressObject {
    /// Nothing once the stream has ended.
    state: RefCell<Option<Stream>>,
}

impl Traverse for CompressObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl CompressObject {
    fn make_copy(&self, cx: &Ctx) -> PyResult {
        let copied = match &mut *self.state.borrow_mut() {
            Some(s) => s.copy(),
            None => Err(-2),
        };
        match copied {
            Ok(s) => Ok(new_instance(CompressObject::type_object(), CompressObject { state: RefCell::new(Some(s)) })),
            Err(-4) => Err(cx.no_memory()),
            Err(_) => Err(cx.value_error("Inconsistent stream state")),
        }
    }
}

#[pymethods]
impl CompressObject {
    /// Compresses data; some of the result may come only with later calls.
    #[pymethod(sig = "($self, data, /)")]
    fn compress(&self, cx: &Ctx, data: &Obj) -> PyResult {
        let data = BytesLike::new(cx, data)?.to_vec();
        let mut state = self.state.borrow_mut();
        let Some(s) = &mut *state else { return Err(no_stream(cx, "while compressing data")) };
        let mut out = Vec::new();
        let p = s.run(&data, &mut out, usize::MAX, 0);
        check(cx, s, p.code, "while compressing data")?;
        Ok(bytes::new(&out))
    }

    /// What is left of the compressed data. By default the stream ends here.
    #[pymethod(sig = "($self, mode=4, /)")]
    fn flush(&self, cx: &Ctx, mode: i32) -> PyResult {
        if mode == 0 {
            return Ok(bytes::new(&[]));
        }
        let mut state = self.state.borrow_mut();
        let Some(s) = &mut *state else { return Err(no_stream(cx, "while flushing")) };
        let mut out = Vec::new();
        let p = s.run(&[], &mut out, usize::MAX, mode);
        check(cx, s, p.code, "while flushing")?;
        if p.code == STREAM_END && mode == FINISH {
            *state = None;
        }
        Ok(bytes::new(&out))
    }

    /// Return a copy of the compression object.
    #[pymethod]
    fn copy(&self, cx: &Ctx) -> PyResult {
        self.make_copy(cx)
    }

    #[pymethod(name = "__copy__")]
    fn dunder_copy(&self, cx: &Ctx) -> PyResult {
        self.make_copy(cx)
    }

    #[pymethod(name = "__deepcopy__", sig = "($self, memo, /)")]
    fn deep_copy(&self, cx: &Ctx, memo: &Obj) -> PyResult {
        let _ = memo;
        self.make_copy(cx)
    }
}

/// Decompresses piece by piece.
#[pyclass(name = "Decompress", module = "zlib", flags(no_new))]
pub(crate) struct DecompressObject {
    /// Nothing once the end was flushed.
    state: RefCell<Option<Stream>>,
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
    fn run(&self, cx: &Ctx, data: &[u8], limit: usize, flush: i32) -> PyResult<Vec<u8>> {
        let doing = if flush == FINISH { "while flushing" } else { "while decompressing data" };
        let mut state = self.state.borrow_mut();
        let r = match &mut *state {
            Some(s) if !self.eof.get() => inflate(cx, s, data, limit, self.zdict.as_deref(), flush, doing)?,
            Some(_) => Inflated { out: Vec::new(), used: 0, code: STREAM_END },
            None => return Err(no_stream(cx, doing)),
        };
        let rest = &data[r.used..];
        if r.code == STREAM_END {
            self.eof.set(true);
            self.unused.borrow_mut().extend_from_slice(rest);
            drop(self.tail.take());
        } else {
            *self.tail.borrow_mut() = rest.to_vec();
        }
        Ok(r.out)
    }

    fn make_copy(&self, cx: &Ctx) -> PyResult {
        let copied = match &mut *self.state.borrow_mut() {
            Some(s) => s.copy(),
            None => Err(-2),
        };
        let state = match copied {
            Ok(s) => s,
            Err(-4) => return Err(cx.no_memory()),
            Err(_) => return Err(cx.value_error("Inconsistent stream state")),
        };
        let new = DecompressObject {
            state: RefCell::new(Some(state)),
            zdict: self.zdict.clone(),
            eof: self.eof.clone(),
            unused: self.unused.clone(),
            tail: self.tail.clone(),
        };
        Ok(new_instance(DecompressObject::type_object(), new))
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
        Ok(bytes::new(&self.run(cx, &data, limit, SYNC_FLUSH)?))
    }

    /// Decompresses what is left.
    #[pymethod(sig = "($self, length=16384, /)")]
    fn flush(&self, cx: &Ctx, length: isize) -> PyResult {
        if length <= 0 {
            return Err(cx.value_error("length must be greater than zero"));
        }
        if self.eof.get() {
            return Ok(bytes::new(&[]));
        }
        let tail = self.tail.take();
        Ok(bytes::new(&self.run(cx, &tail, usize::MAX, FINISH)?))
    }

    /// Return a copy of the decompression object.
    #[pymethod]
    fn copy(&self, cx: &Ctx) -> PyResult {
        self.make_copy(cx)
    }

    #[pymethod(name = "__copy__")]
    fn dunder_copy(&self, cx: &Ctx) -> PyResult {
        self.make_copy(cx)
    }

    #[pymethod(name = "__deepcopy__", sig = "($self, memo, /)")]
    fn deep_copy(&self, cx: &Ctx, memo: &Obj) -> PyResult {
        let _ = memo;
        self.make_copy(cx)
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
        let out = this.inner.run(cx, &input, limit, SYNC_FLUSH)?;
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
    let mut state = Stream::inflate(wbits as i32).map_err(|c| not_made(cx, c, "decompression"))?;
    if wbits < 0
        && let Some(z) = &zdict
    {
        state.set_dictionary(z).map_err(|f| failed(cx, &f, "while setting zdict"))?;
    }
    Ok(DecompressObject {
        state: RefCell::new(Some(state)),
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
        let mut s = Stream::deflate(level as i32, wbits as i32, 8, 0).map_err(|c| match c {
            -4 => cx.raise(exc::MemoryError(), "Out of memory while compressing data"),
            _ => raise(cx, "Bad compression level"),
        })?;
        let mut out = Vec::new();
        let p = cx.without_lock(|| s.run(&data, &mut out, usize::MAX, FINISH));
        check(cx, &s, p.code, "while compressing data")?;
        Ok(bytes::new(&out))
    }

    /// Decompresses data at once.
    #[pyfunction(sig = "(data, /, wbits=15, bufsize=16384)")]
    fn decompress(cx: &Ctx, data: &Obj, wbits: i64, bufsize: isize) -> PyResult {
        if bufsize < 0 {
            return Err(cx.value_error("bufsize must be non-negative"));
        }
        let data = BytesLike::new(cx, data)?.to_vec();
        let mut s = Stream::inflate(wbits as i32).map_err(|c| match c {
            -4 => cx.raise(exc::MemoryError(), "Out of memory while decompressing data"),
            _ => raise(cx, format!("Error {c} while preparing to decompress data: inconsistent stream state")),
        })?;
        let mut out = Vec::new();
        let p = cx.without_lock(|| s.run(&data, &mut out, usize::MAX, SYNC_FLUSH));
        if p.code != STREAM_END {
            check(cx, &s, p.code, "while decompressing data")?;
            return Err(raise(cx, "Error -5 while decompressing data: incomplete or truncated stream"));
        }
        Ok(bytes::new(&out))
    }

    /// An object that compresses piece by piece.
    #[pyfunction(sig = "(level=-1, method=8, wbits=15, memLevel=8, strategy=0, zdict=None)")]
    fn compressobj(
        cx: &Ctx,
        level: i64,
        method: i64,
        wbits: i64,
        memLevel: i64,
        strategy: i64,
        zdict: Option<&Obj>,
    ) -> PyResult {
        if method != 8 {
            return Err(cx.value_error("Invalid initialization option"));
        }
        let zdict = zdict.map(|z| BytesLike::new(cx, z).map(|b| b.to_vec())).transpose()?;
        let mut s = Stream::deflate(level as i32, wbits as i32, memLevel as i32, strategy as i32)
            .map_err(|c| not_made(cx, c, "compression"))?;
        if let Some(z) = zdict {
            s.set_dictionary(&z).map_err(|f| match f.code {
                -2 => cx.value_error("Invalid dictionary"),
                _ => raise(cx, "deflateSetDictionary()"),
            })?;
        }
        Ok(new_instance(CompressObject::type_object(), CompressObject { state: RefCell::new(Some(s)) }))
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
