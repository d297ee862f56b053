//! Conversions between Rust values and Python objects at native call boundaries.

use std::ops::Deref;

use super::Payload;
use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

/// A borrowed object together with its payload.
pub struct This<'a, T> {
    obj: &'a Obj,
    payload: &'a T,
}

impl<T> Clone for This<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for This<'_, T> {}

impl<'a, T: Payload> This<'a, T> {
    /// The object as a `T`, if it is an instance of the type that introduces `T` (or of a subclass).
    #[inline]
    pub fn from_obj(obj: &'a Obj) -> Option<This<'a, T>> {
        obj.downcast::<T>().map(|payload| This { obj, payload })
    }
}

impl<'a, T> This<'a, T> {
    /// The object.
    #[inline(always)]
    pub fn obj(&self) -> &'a Obj {
        self.obj
    }

    /// The payload, for as long as the object is borrowed.
    #[inline(always)]
    pub fn payload(&self) -> &'a T {
        self.payload
    }
}

impl<T> Deref for This<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        self.payload
    }
}

/// What a native function may return.
pub trait IntoResult {
    /// The Python result.
    fn into_result(self, cx: &Ctx) -> PyResult;
}

impl IntoResult for Obj {
    #[inline(always)]
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(self)
    }
}

impl IntoResult for () {
    #[inline(always)]
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::none())
    }
}

impl IntoResult for bool {
    #[inline(always)]
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from_bool(self))
    }
}

macro_rules! small_int_result {
    ($($t:ty)*) => {$(
        impl IntoResult for $t {
            #[inline(always)]
            fn into_result(self, _: &Ctx) -> PyResult {
                Ok(Obj::from(i64::from(self)))
            }
        }
    )*};
}
small_int_result!(i8 u8 i16 u16 i32 u32 i64);

impl IntoResult for f64 {
    #[inline(always)]
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self))
    }
}

impl IntoResult for usize {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self))
    }
}

impl IntoResult for u64 {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self))
    }
}

impl IntoResult for &str {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self))
    }
}

impl IntoResult for String {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self.as_str()))
    }
}

impl<T: IntoResult> IntoResult for Option<T> {
    fn into_result(self, cx: &Ctx) -> PyResult {
        match self {
            Some(v) => v.into_result(cx),
            None => Ok(Obj::none()),
        }
    }
}

impl<T: IntoResult> IntoResult for PyResult<T> {
    #[inline(always)]
    fn into_result(self, cx: &Ctx) -> PyResult {
        self.and_then(|v| v.into_result(cx))
    }
}

impl IntoResult for isize {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(Obj::from(self as i64))
    }
}

impl IntoResult for &Obj {
    fn into_result(self, _: &Ctx) -> PyResult {
        Ok(self.clone())
    }
}
