//! `_functools`.

mod compare;
mod lru;
mod partial;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Native parts of the module functools.
#[pymodule(
    name = "_functools",
    classes(super::partial::Partial, super::partial::PlaceholderType, super::lru::LruCache)
)]
pub(crate) mod functools {
    use super::*;

    /// Applies a function of two arguments cumulatively to the items of an iterable, from left to right.
    ///
    /// If initial is present, it is placed before the items of the iterable.
    #[pyfunction(sig = "(function, iterable, /, initial=<unrepresentable>)")]
    fn reduce(cx: &Ctx, function: &Obj, iterable: &Obj, initial: Option<&Obj>) -> PyResult {
        let it = match iterable.iter(cx) {
            Ok(it) => it,
            Err(r) => {
                cx.swallow(r, exc::TypeError())?;
                return Err(cx.type_error("reduce() arg 2 must support iteration"));
            }
        };
        let mut acc = match initial {
            Some(x) => x.clone(),
            None => match it.next(cx)? {
                Some(x) => x,
                None => return Err(cx.type_error("reduce() of empty iterable with no initial value")),
            },
        };
        while let Some(x) = it.next(cx)? {
            acc = function.call_pos(cx, &[acc, x])?;
        }
        Ok(acc)
    }

    /// Converts a comparison function into a key function.
    #[pyfunction(sig = "(mycmp)")]
    fn cmp_to_key(mycmp: &Obj) -> Obj {
        compare::key_function(mycmp)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        partial::pass_calls_on();
        module.set_attr(cx, intern!("Placeholder"), &partial::placeholder(cx))
    }
}
