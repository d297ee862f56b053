//! The builtins that calls know by heart.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::{Obj, Value};
use cinder_shadow::ShadowOp;

/// Whether a native function is the builtin of this name.
fn is_builtin(f: &NativeFunction, name: &str) -> bool {
    f.name() == name && f.module_is_builtins()
}

/// The operation that knows a builtin by heart, for calls with `n` arguments.
pub(super) fn operation(f: &NativeFunction, n: usize) -> ShadowOp {
    const KNOWN: [(&str, usize, ShadowOp); 9] = [
        ("len", 1, ShadowOp::CallLen),
        ("isinstance", 2, ShadowOp::CallIsinstance),
        ("hasattr", 2, ShadowOp::CallHasattr),
        ("getattr", 2, ShadowOp::CallGetattr),
        ("getattr", 3, ShadowOp::CallGetattr),
        ("ord", 1, ShadowOp::CallOrd),
        ("abs", 1, ShadowOp::CallAbs),
        ("min", 2, ShadowOp::CallMin),
        ("max", 2, ShadowOp::CallMax),
    ];
    let found = KNOWN.iter().find(|(name, count, _)| *count == n && is_builtin(f, name));
    found.map_or(ShadowOp::CallNative, |(_, _, op)| *op)
}

/// The code point of an exact str of one character.
#[inline(always)]
pub(super) fn quick_ord(v: Value) -> Option<u32> {
    // SAFETY: the operand is a live value.
    let s = unsafe { Obj::borrow_from(&v) }.fixed::<Str>(FixedShape::Str)?;
    if s.len() == 1 { s.get(0) } else { None }
}

/// The absolute value of a number in a word.
#[inline(always)]
pub(super) fn quick_abs(v: Value) -> Option<Value> {
    match v.as_int() {
        Some(n) => Value::from_i64(n.abs()),
        None if v.is_float() => Value::from_f64(v.as_float_unchecked().abs()),
        None => None,
    }
}

/// Whether the second of two numbers of one kind, in words, is less than the first.
#[inline(always)]
pub(crate) fn second_is_less(x: Value, y: Value) -> Option<bool> {
    if x.is_int() && y.is_int() {
        return Some(y.as_int_unchecked() < x.as_int_unchecked());
    }
    if x.is_float() && y.is_float() {
        return Some(y.as_float_unchecked() < x.as_float_unchecked());
    }
    None
}

/// The length of an exact list, tuple, str or dict.
#[inline(always)]
pub(super) fn quick_len(v: Value) -> Option<usize> {
    // SAFETY: the operand is a live value.
    let o = unsafe { Obj::borrow_from(&v) };
    if let Some(l) = o.fixed::<List>(FixedShape::List) {
        return Some(l.len());
    }
    if let Some(t) = o.fixed::<Tuple>(FixedShape::Tuple) {
        return Some(t.values().len());
    }
    if let Some(s) = o.fixed::<Str>(FixedShape::Str) {
        return Some(s.len());
    }
    if let Some(d) = o.fixed::<Dict>(FixedShape::Dict) {
        return d.quick_len();
    }
    None
}
