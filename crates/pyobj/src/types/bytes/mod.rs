//! `bytes` and `bytearray`.
//!
//! - [`storage`]: the payloads and constructors; [`build`]: the constructors' arguments
//! - [`ops`], [`ascii`], [`hex`]: what the methods compute; [`shared`]: the methods of both classes
//! - [`class`] and [`bytearray`]: what each class has of its own

pub mod args;
pub(crate) mod ascii;
mod build;
mod bytearray;
mod class;
mod helpers;
pub mod hex;
mod iter;
mod mutate;
pub(crate) mod ops;
mod shared;
mod storage;

pub use args::{BytesLike, is_bytes_like};
pub(crate) use storage::room;
pub use storage::{ByteArray, Bytes, concat, new, new_bytearray};

use crate::value::Obj;

/// The bytes of an exact or derived bytes object.
pub fn as_bytes(o: &Obj) -> Option<&[u8]> {
    o.downcast::<Bytes>().map(Bytes::as_slice)
}

/// An exact bytes object of the memory of a bytes-like object (the object itself if it is one).
///
/// # Errors
/// TypeError for other objects.
pub fn from_buffer(cx: &crate::Ctx, o: &Obj) -> crate::PyResult {
    if o.is_exact(crate::native::FixedShape::Bytes) {
        return Ok(o.clone());
    }
    Ok(new(&BytesLike::new(cx, o)?.to_vec()))
}
