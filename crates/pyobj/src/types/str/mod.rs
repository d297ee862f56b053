//! `str`: immutable text with O(1) indexing.
//!
//! - [`storage`]: the payload and constructors; [`builder`] makes text piece by piece; [`name`] interns
//! - [`search`], [`split`], [`case`], [`edit`], [`slicing`], [`translate`]: what the methods do
//! - [`repr`], [`format_spec`], [`format_fields`], [`percent`]: text from other objects
//! - [`class`]: the Python class

pub mod builder;
pub(crate) mod case;
mod class;
pub(crate) mod edit;
pub mod format_fields;
pub mod format_spec;
mod grow;
mod hash;
mod iter;
mod methods;
mod name;
pub mod percent;
pub mod repr;
pub mod search;
pub(crate) mod slicing;
pub(crate) mod split;
mod storage;
mod translate;

pub use builder::StrBuilder;
pub use case::is_identifier;
pub use class::{builtin, str_of_bytes};
pub use grow::append;
pub use hash::{hash_bytes, keyed_hash, set_hash_seed};
pub use iter::StrIterator;
pub use name::{Name, NameCell, intern};
pub use slicing::{quick_item, quick_slice};
pub use split::{join_exact, join_items};
pub use storage::{
    CodePoints, MAX_LEN, Str, StrData, Unit, concat_exact, empty, from_char, from_code_points, from_latin1, from_ucs2,
    from_units, new,
};

use std::borrow::Cow;

use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::shape::ShapeId;
use crate::value::Obj;

/// The text of a str object with lone surrogates replaced; other objects give an empty text.
pub fn as_utf8_lossy(o: &Obj) -> Cow<'_, str> {
    match o.downcast::<Str>() {
        Some(s) => Cow::Borrowed(s.as_str_lossy()),
        None => Cow::Borrowed(""),
    }
}

/// Whether the object is a str, not of a subclass.
#[inline(always)]
pub fn is_exact(o: &Obj) -> bool {
    // SAFETY: `o` keeps the object alive.
    o.is_ptr() && unsafe { o.header() }.shape_id() == ShapeId::fixed(FixedShape::Str)
}

/// An exact str with the text of `s`.
pub fn to_exact(s: &Str) -> Obj {
    crate::with_units!(s.data(), u => from_units(u))
}

/// The object itself if it is an exact str, otherwise an exact str with the text of `s`, its payload.
pub(crate) fn exact_of(o: &Obj, s: &Str) -> Obj {
    if is_exact(o) { o.clone() } else { to_exact(s) }
}

/// The payload of a str object.
///
/// # Errors
/// TypeError for other objects, in the words of `message`, which gets the type's name.
pub fn expect<'a>(cx: &Ctx, o: &'a Obj, message: impl FnOnce(&str) -> String) -> PyResult<&'a Str> {
    o.downcast::<Str>().ok_or_else(|| cx.type_error(message(&o.type_of().name())))
}

/// The concatenation of two strings.
///
/// # Errors
/// MemoryError.
pub fn concat(cx: &Ctx, a: &Str, b: &Str) -> PyResult {
    let mut out = StrBuilder::with_capacity(cx, a.len() + b.len(), a.max_char().max(b.max_char()))?;
    out.push_payload(a);
    out.push_payload(b);
    Ok(out.finish())
}

/// The code point at `i` of a str object.
pub fn code_point_at(o: &Obj, i: usize) -> Option<u32> {
    o.downcast::<Str>()?.get(i)
}

impl From<&str> for Obj {
    fn from(s: &str) -> Obj {
        new(s)
    }
}

impl From<String> for Obj {
    fn from(s: String) -> Obj {
        new(&s)
    }
}

/// The text of a str payload for a native that needs UTF-8.
fn utf8_arg<'a>(cx: &Ctx, obj: &'a Obj, s: &'a Str) -> PyResult<&'a str> {
    match s.as_str() {
        Some(s) => Ok(s),
        // Encoding strictly raises the error that names the surrogate.
        None => Err(match crate::codecs::encode(cx, obj, "utf-8", "strict") {
            Ok(_) => cx.value_error("the text holds a lone surrogate"),
            Err(r) => r,
        }),
    }
}

impl<'a> crate::native::FromObj<'a> for &'a str {
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<&'a str> {
        utf8_arg(cx, obj, expect(cx, obj, |t| format!("argument must be str, not {t}"))?)
    }

    fn from_arg(cx: &Ctx, obj: &'a Obj, at: &crate::native::ArgPos) -> PyResult<&'a str> {
        match obj.downcast::<Str>() {
            Some(s) => utf8_arg(cx, obj, s),
            None => Err(at.bad(cx, "str", obj)),
        }
    }
}

impl<'a> crate::native::FromObj<'a> for String {
    fn from_obj(cx: &Ctx, obj: &'a Obj) -> PyResult<String> {
        <&str>::from_obj(cx, obj).map(str::to_owned)
    }

    fn from_arg(cx: &Ctx, obj: &'a Obj, at: &crate::native::ArgPos) -> PyResult<String> {
        <&str>::from_arg(cx, obj, at).map(str::to_owned)
    }
}

impl Obj {
    /// `ascii(x)`: the repr with everything but ASCII escaped.
    ///
    /// # Errors
    /// What `repr` raises.
    pub fn ascii(&self, cx: &Ctx) -> PyResult {
        let r = self.repr(cx)?;
        match r.downcast::<Str>() {
            Some(s) if !s.is_ascii() => {
                let mut out = StrBuilder::new();
                for c in s.code_points() {
                    if c < 0x80 { out.push(c) } else { repr::push_hex_escape(&mut out, c) }
                }
                Ok(out.finish())
            }
            _ => Ok(r),
        }
    }
}
