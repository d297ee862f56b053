//! [`FromObj`]: arguments of native functions as Rust values.

use super::bind::{ArgPos, display_name};
use super::{Payload, This};
use crate::ctx::{Ctx, PyResult};
use crate::types::Type;
use crate::value::Obj;

/// A Rust parameter type that a Python argument converts to.
pub trait FromObj<'a>: Sized {
    /// Converts, or raises (usually TypeError) without naming a function.
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self>;

    /// Converts an argument. Types for which CPython's message names function and argument
    /// (`f() argument 1 must be str, not int`: see [`ArgPos::bad`]) override this.
    #[inline(always)]
    fn from_arg(cx: &Ctx, obj: &'a Obj, _at: &ArgPos) -> PyResult<Self> {
        Self::from_obj(cx, obj)
    }
}

impl<'a> FromObj<'a> for &'a Obj {
    #[inline(always)]
    fn from_obj(_: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        Ok(obj)
    }
}

impl<'a> FromObj<'a> for Obj {
    #[inline(always)]
    fn from_obj(_: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        Ok(obj.clone())
    }
}

impl<'a, T: Payload> FromObj<'a> for This<'a, T> {
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        match This::from_obj(obj) {
            Some(t) => Ok(t),
            None => Err(cx.type_error(format!(
                "argument must be {}, not {}",
                display_name(T::class()),
                obj.type_of().name()
            ))),
        }
    }

    #[inline]
    fn from_arg(cx: &Ctx, obj: &'a Obj, at: &ArgPos) -> PyResult<Self> {
        match This::from_obj(obj) {
            Some(t) => Ok(t),
            None => Err(at.bad(cx, &display_name(T::class()), obj)),
        }
    }
}

impl<'a> FromObj<'a> for &'a Type {
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        obj.as_type().ok_or_else(|| cx.type_error(format!("argument must be type, not {}", obj.type_of().name())))
    }

    fn from_arg(cx: &Ctx, obj: &'a Obj, at: &ArgPos) -> PyResult<Self> {
        obj.as_type().ok_or_else(|| at.bad(cx, "type", obj))
    }
}

impl<'a> FromObj<'a> for bool {
    #[inline]
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        obj.truthy(cx)
    }
}

impl<'a> FromObj<'a> for f64 {
    #[inline]
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        match obj.as_float() {
            Some(x) => Ok(x),
            None => crate::protocol::number::to_f64(cx, obj),
        }
    }
}

impl<'a> FromObj<'a> for f32 {
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        f64::from_obj(cx, obj).map(|x| x as f32)
    }
}

/// The value of an argument taken as an integer (`__index__`), if it fits 64 bits; else its sign.
#[inline]
fn index_i64(cx: &Ctx, obj: &Obj) -> PyResult<Result<i64, bool>> {
    if let Some(n) = obj.as_int() {
        return Ok(Ok(n));
    }
    let i = obj.index(cx)?;
    Ok(crate::types::int::as_i64(&i).ok_or_else(|| crate::types::int::is_negative(&i)))
}

macro_rules! int_args {
    ($($t:ty: $low:literal, $high:literal;)*) => {$(
        impl<'a> FromObj<'a> for $t {
            #[inline]
            fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
                let n = index_i64(cx, obj)?;
                if let Ok(n) = n
                    && let Ok(v) = <$t>::try_from(n)
                {
                    return Ok(v);
                }
                let negative = matches!(n, Ok(..0) | Err(true));
                Err(cx.overflow_error(if negative { $low } else { $high }))
            }
        }
    )*};
}

int_args! {
    i8: "signed char is less than minimum", "signed char is greater than maximum";
    i16: "signed short integer is less than minimum", "signed short integer is greater than maximum";
    i32: "Python int too large to convert to C int", "Python int too large to convert to C int";
    i64: "Python int too large to convert to C long", "Python int too large to convert to C long";
    isize: "Python int too large to convert to C ssize_t", "Python int too large to convert to C ssize_t";
    u8: "unsigned byte integer is less than minimum", "unsigned byte integer is greater than maximum";
    u16: "can't convert negative value to unsigned int", "Python int too large for C unsigned short";
    u32: "can't convert negative value to unsigned int", "Python int too large to convert to C unsigned int";
}

macro_rules! wide_args {
    ($($t:ty: $low:literal, $high:literal;)*) => {$(
        impl<'a> FromObj<'a> for $t {
            #[inline]
            fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
                if let Some(n) = obj.as_int()
                    && n >= 0
                {
                    return Ok(n as $t);
                }
                let i = obj.index(cx)?;
                match crate::types::int::as_u64(&i) {
                    Some(n) => Ok(n as $t),
                    None if crate::types::int::is_negative(&i) => Err(cx.overflow_error($low)),
                    None => Err(cx.overflow_error($high)),
                }
            }
        }
    )*};
}

wide_args! {
    u64: "can't convert negative value to unsigned int", "Python int too large to convert to C unsigned long";
    usize: "can't convert negative value to size_t", "Python int too large to convert to C size_t";
}

impl<'a, T: FromObj<'a>> FromObj<'a> for Option<T> {
    #[inline]
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<Self> {
        if obj.is_none() { Ok(None) } else { T::from_obj(cx, obj).map(Some) }
    }

    #[inline]
    fn from_arg(cx: &Ctx, obj: &'a Obj, at: &ArgPos) -> PyResult<Self> {
        if obj.is_none() { Ok(None) } else { T::from_arg(cx, obj, at).map(Some) }
    }
}
