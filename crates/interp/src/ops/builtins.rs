//! The builtins that calls know by heart.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::{Obj, Value};

/// Whether a native function is the builtin of this name.
fn is_builtin(f: &NativeFunction, name: &str) -> bool {
    f.name() == name && f.module_is_builtins()
}

pub(super) fn is_len(f: &NativeFunction) -> bool {
    is_builtin(f, "len")
}

pub(super) fn is_isinstance(f: &NativeFunction) -> bool {
    is_builtin(f, "isinstance")
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
