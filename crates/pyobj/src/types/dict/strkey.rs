//! Exact `str` keys: hashing and comparing them runs no Python code.

use crate::native::FixedShape;
use crate::shape::ShapeId;
use crate::types::str::Str;
use crate::value::{Obj, Value};

/// Whether the word is an exact `str`.
#[inline(always)]
pub(crate) fn is_exact(v: Value) -> bool {
    // SAFETY: tables hold live values.
    v.is_ptr() && unsafe { v.header() }.shape_id() == ShapeId::fixed(FixedShape::Str)
}

#[inline(always)]
fn payload(v: &Value) -> Option<&Str> {
    // SAFETY: the word is borrowed from whoever keeps it alive.
    unsafe { Obj::borrow_from(v) }.fixed::<Str>(FixedShape::Str)
}

/// Whether two exact strs have the same text.
#[inline]
pub(crate) fn exact_eq(a: Value, b: Value) -> bool {
    matches!((payload(&a), payload(&b)), (Some(x), Some(y)) if *x == *y)
}

/// The hash of an exact str.
#[inline(always)]
pub(crate) fn hash(v: Value) -> i64 {
    payload(&v).map_or(0, Str::hash)
}
