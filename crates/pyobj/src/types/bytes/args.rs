//! Arguments of byte string methods.

use super::{ByteArray, Bytes};
use crate::ctx::{Ctx, PyResult, Strictness};
use crate::protocol::buffer::{Buffer, ByteStore, HasByteStore};
use crate::types::{exc, int};
use crate::value::Obj;

/// A bytes-like argument.
pub enum BytesLike<'a> {
    /// Immutable bytes.
    Slice(&'a [u8]),
    /// A bytearray, read while no Python code runs.
    Store(&'a ByteStore),
    /// Anything else with a buffer.
    Buffer(Buffer),
}

impl<'a> BytesLike<'a> {
    /// The argument's bytes.
    ///
    /// # Errors
    /// TypeError: `a bytes-like object is required, not 'X'`; what the exporter raises.
    pub fn new(cx: &Ctx, o: &'a Obj) -> PyResult<BytesLike<'a>> {
        if let Some(b) = o.downcast::<Bytes>() {
            return Ok(BytesLike::Slice(b.as_slice()));
        }
        if let Some(b) = o.downcast::<ByteArray>() {
            return Ok(BytesLike::Store(b.byte_store()));
        }
        Ok(BytesLike::Buffer(Buffer::simple(cx, o)?))
    }

    /// Reads the bytes. The closure must not run Python code.
    pub fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            BytesLike::Slice(b) => f(b),
            BytesLike::Store(s) => s.with(f),
            BytesLike::Buffer(b) => b.with_bytes(f),
        }
    }

    /// A copy.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with(<[u8]>::to_vec)
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.with(<[u8]>::len)
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether an object is a byte string or lends memory.
pub fn is_bytes_like(o: &Obj) -> bool {
    Buffer::is_exporter(o)
}

/// A byte given as an int.
///
/// # Errors
/// ValueError: `byte must be in range(0, 256)`.
pub(crate) fn byte(cx: &Ctx, o: &Obj) -> PyResult<u8> {
    match int::as_i64(&o.index(cx)?) {
        Some(c @ 0..256) => Ok(c as u8),
        _ => Err(cx.value_error("byte must be in range(0, 256)")),
    }
}

/// What is searched for: bytes, or one byte given as an int.
pub(crate) fn needle(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    if is_bytes_like(o) {
        return Ok(BytesLike::new(cx, o)?.to_vec());
    }
    if !o.is_int() && o.type_of().slots.index.get().is_none() {
        return Err(
            cx.type_error(format!("argument should be integer or bytes-like object, not '{}'", o.type_of().name()))
        );
    }
    Ok(vec![byte(cx, o)?])
}

/// A C `int` argument.
///
/// # Errors
/// OverflowError where the number does not fit 32 bits.
pub(crate) fn c_int(cx: &Ctx, o: Option<&Obj>, default: i32) -> PyResult<isize> {
    let Some(o) = o else { return Ok(default as isize) };
    match int::as_i64(&o.index(cx)?).and_then(|n| i32::try_from(n).ok()) {
        Some(n) => Ok(n as isize),
        None => Err(cx.raise(exc::OverflowError(), "Python int too large to convert to C int")),
    }
}

/// The fill byte of a padding method.
pub(crate) fn fill(cx: &Ctx, method: &str, o: Option<&Obj>) -> PyResult<u8> {
    let Some(o) = o else { return Ok(b' ') };
    let wrong = |kind: &str, n: usize| {
        Err(cx.type_error(format!(
            "{method}(): argument 2 must be a byte string of length 1, not a {kind} object of length {n}"
        )))
    };
    if let Some(b) = o.downcast::<Bytes>() {
        return match b.as_slice() {
            [c] => Ok(*c),
            b => wrong("bytes", b.len()),
        };
    }
    if let Some(b) = o.downcast::<ByteArray>() {
        return match (b.len(), b.get(0)) {
            (1, Some(c)) => Ok(c),
            (n, _) => wrong("bytearray", n),
        };
    }
    Err(cx.type_error(format!("{method}() argument 2 must be a byte string of length 1, not {}", o.type_of().name())))
}

/// The BytesWarning of a comparison that is never true.
///
/// # Errors
/// The warning, if it is an error.
pub(super) fn warn_of_comparison(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult<()> {
    let kind = if this.downcast::<super::Bytes>().is_some() { "bytes" } else { "bytearray" };
    let what = match other.type_of() {
        t if t.is_str_subtype() => "string",
        t if t.is_int_subtype() && kind == "bytes" => "int",
        _ => return Ok(()),
    };
    (cx.host().warn)(cx, exc::BytesWarning(), &format!("Comparison between {kind} and {what}"), 1)
}

/// The BytesWarning of `str(data)`.
///
/// # Errors
/// The warning, if it is an error.
pub(super) fn warn_of_str(cx: &Ctx, kind: &str) -> PyResult<()> {
    if !Strictness::bytes_warning() {
        return Ok(());
    }
    (cx.host().warn)(cx, exc::BytesWarning(), &format!("str() on a {kind} instance"), 1)
}
