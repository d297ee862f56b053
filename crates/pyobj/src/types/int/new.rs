//! `int(...)`: conversion of any object to an int.

use super::{Int, ParseError, is_exact_int, is_int, new_subclass_instance, small, text, to_exact};
use crate::ctx::{Ctx, PyResult};
use crate::native::{Args, PyClass, Signature};
use crate::types::{Type, exc};
use crate::value::Obj;

const SIG: Signature = Signature {
    function: "int",
    params: &["x", "base"],
    pos_only: 1,
    positional: 2,
    required: 0,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

/// `int.__new__`.
pub(super) fn new(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
    if args.pos().len() > 2 && !args.has_keywords() {
        args.check_arity(cx, "int", 0, 2)?;
    }
    let [x, base] = args.bind::<2>(cx, &SIG)?;
    let value = match (x, base) {
        (None, None) => small(0),
        (None, Some(_)) => return Err(cx.type_error("int() missing string argument")),
        (Some(x), None) => from_object(cx, x)?,
        (Some(x), Some(base)) => from_object_with_base(cx, x, base)?,
    };
    if ty.is(Int::type_object()) {
        return Ok(value);
    }
    new_subclass_instance(ty, &value).ok_or_else(|| cx.system_error("int conversion gave no int"))
}

/// `int(x)`: by `__int__`, by `__index__`, or as the text of a decimal literal.
pub fn from_object(cx: &Ctx, x: &Obj) -> PyResult {
    if is_exact_int(x) {
        return Ok(x.clone());
    }
    if let Some(f) = x.type_of().slots.int.get() {
        let r = f(cx, x)?;
        return exact_result(cx, r, "__int__");
    }
    if let Some(f) = x.type_of().slots.index.get() {
        let r = f(cx, x)?;
        return exact_result(cx, r, "__index__");
    }
    if x.type_of().is_str_subtype() {
        return parse_str(cx, x, 10);
    }
    if let Some(bytes) = crate::types::numeric_input::bytes_like(cx, x)? {
        return text::parse(cx, &bytes, 10).map_err(|e| raise_for_bytes(cx, e, 10, x, &bytes));
    }
    Err(cx.type_error(format!(
        "int() argument must be a string, a bytes-like object or a real number, not '{}'",
        x.type_of().name()
    )))
}

/// What a conversion method returned, as an exact int; an instance of a subclass is deprecated.
fn exact_result(cx: &Ctx, r: Obj, method: &str) -> PyResult {
    if is_exact_int(&r) {
        return Ok(r);
    }
    if !is_int(&r) {
        return Err(cx.type_error(format!("{method} returned non-int (type {})", r.type_of().name())));
    }
    let message = format!(
        "{method} returned non-int (type {}).  The ability to return an instance of a strict subclass of int is \
         deprecated, and may not be supported in a future version of Python.",
        r.type_of().name()
    );
    (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)?;
    Ok(to_exact(&r).unwrap_or(r))
}

fn from_object_with_base(cx: &Ctx, x: &Obj, base: &Obj) -> PyResult {
    let base = super::as_i64(&base.index(cx)?).unwrap_or(-1);
    let base = match base {
        0 | 2..=36 => base as u32,
        _ => return Err(cx.value_error("int() base must be >= 2 and <= 36, or 0")),
    };
    if x.type_of().is_str_subtype() {
        return parse_str(cx, x, base);
    }
    match crate::types::numeric_input::bytes_object(x) {
        Some(bytes) => text::parse(cx, &bytes, base).map_err(|e| raise_for_bytes(cx, e, base, x, &bytes)),
        None => Err(cx.type_error("int() can't convert non-string with explicit base")),
    }
}

fn parse_str(cx: &Ctx, x: &Obj, base: u32) -> PyResult {
    let t = crate::types::str::as_utf8_lossy(x);
    text::parse(cx, &text::to_ascii_digits(&t), base).map_err(|e| e.raise(cx, base, x))
}

/// Messages show the bytes whatever object held them.
fn raise_for_bytes(cx: &Ctx, e: ParseError, base: u32, x: &Obj, bytes: &[u8]) -> crate::Raised {
    match crate::types::numeric_input::bytes_object(x) {
        Some(_) if x.is_exact(crate::native::FixedShape::Bytes) => e.raise(cx, base, x),
        _ => e.raise(cx, base, &crate::types::bytes::new(bytes)),
    }
}
