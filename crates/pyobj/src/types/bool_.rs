//! `bool`: two immortal heap objects with the layout of ints.

use super::int::{self, Int};
use super::none::Singleton;
use super::{Type, exc};
use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::{Args, FixedShape, pyclass, pymethods};
use crate::value::Obj;

static TRUE: Singleton = Singleton::new();
static FALSE: Singleton = Singleton::new();

/// `True` or `False`.
#[inline(always)]
pub fn from_bool(b: bool) -> Obj {
    if b { TRUE.get() } else { FALSE.get() }
}

pub(crate) fn init() {
    FALSE.set(super::int::new_bool(false));
    TRUE.set(super::int::new_bool(true));
}

/// True or False.
///
/// bool(x) is True if x counts as true (by `__bool__`, else by `__len__`), else False. True and False are the
/// ints 1 and 0 under other names.
#[pyclass(name = "bool", base = Int, fixed = Bool, flags(match_self), payload = "inherit")]
pub struct Bool;

fn as_bool(o: &Obj) -> Option<bool> {
    o.is_exact(FixedShape::Bool).then(|| o.is(&TRUE.get()))
}

/// A bitwise operation: a bool of two bools, an int of a bool and an int.
fn bitwise(a: &Obj, b: &Obj, on_bools: fn(bool, bool) -> bool, on_ints: fn(&Obj, &Obj) -> Obj) -> Obj {
    match (as_bool(a), as_bool(b)) {
        (Some(x), Some(y)) => from_bool(on_bools(x, y)),
        _ if int::is_int(a) && int::is_int(b) => on_ints(a, b),
        _ => Obj::not_implemented(),
    }
}

#[pymethods]
impl Bool {
    #[pynew(sig = "(object=False, /)")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        match args.check_arity(cx, "bool", 0, 1)? {
            [x] => Ok(from_bool(x.truthy(cx)?)),
            _ => Ok(from_bool(false)),
        }
    }

    fn __repr__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(if as_bool(this) == Some(true) { intern!("True") } else { intern!("False") }.obj())
    }

    fn __invert__(cx: &Ctx, this: &Obj) -> PyResult {
        (cx.host().warn)(
            cx,
            exc::DeprecationWarning(),
            "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise \
             inversion of the underlying int object and is usually not what you expect from negating a bool. Use the \
             'not' operator for boolean negation or ~int(x) if you really want the bitwise inversion of the \
             underlying int.",
            1,
        )?;
        Ok(int::invert(this))
    }

    fn nb_and(_cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        Ok(bitwise(a, b, |x, y| x & y, int::and))
    }

    fn nb_or(_cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        Ok(bitwise(a, b, |x, y| x | y, int::or))
    }

    fn nb_xor(_cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        Ok(bitwise(a, b, |x, y| x ^ y, int::xor))
    }
}
