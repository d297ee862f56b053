//! Hash functions: `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`, `_hashlib`, `_hmac`.

pub(crate) mod algorithm;
pub(crate) mod blake2;
pub(crate) mod digest;
pub(crate) mod hashlib;
pub(crate) mod hmac;
pub(crate) mod sha3;

use cinder_pyobj::types::bytes::BytesLike;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// The data that a hash object takes: bytes, not text.
fn input(cx: &Ctx, o: &Obj) -> PyResult<Vec<u8>> {
    if o.downcast::<Str>().is_some() {
        return Err(cx.type_error("Strings must be encoded before hashing"));
    }
    if !cinder_pyobj::types::bytes::args::is_bytes_like(o) {
        return Err(cx.type_error("object supporting the buffer API required"));
    }
    Ok(BytesLike::new(cx, o)?.to_vec())
}

/// The data argument of a constructor, given as `data` or as `string`.
fn initial(cx: &Ctx, data: Option<&Obj>, string: Option<&Obj>) -> PyResult<Vec<u8>> {
    match (data, string) {
        (Some(_), Some(_)) => Err(cx.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
             removal in a future version.",
        )),
        (Some(d), None) | (None, Some(d)) => input(cx, d),
        (None, None) => Ok(Vec::new()),
    }
}

fn hex(b: &[u8]) -> String {
    b.iter().map(|c| format!("{c:02x}")).collect()
}
