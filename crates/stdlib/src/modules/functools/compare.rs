//! The keys that `cmp_to_key` makes.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// A value that compares through a function.
#[pyclass(name = "KeyWrapper", module = "functools", flags(no_new))]
#[derive(Traverse)]
pub struct KeyWrapper {
    function: Obj,
    value: ObjCell,
}

fn wrap(function: &Obj, value: Option<Obj>) -> Obj {
    new_instance(KeyWrapper::type_object(), KeyWrapper { function: function.clone(), value: ObjCell::new(value) })
}

/// The callable that `cmp_to_key` returns: it makes keys.
pub(super) fn key_function(function: &Obj) -> Obj {
    wrap(function, None)
}

#[pymethods]
impl KeyWrapper {
    /// How the object itself is called.
    #[pygetter(name = "__text_signature__")]
    fn text_signature(_this: &Obj) -> &'static str {
        "(obj)"
    }

    #[pymethod(sig = "($self, obj)")]
    fn __call__(_cx: &Ctx, this: This<'_, KeyWrapper>, obj: &Obj) -> PyResult {
        Ok(wrap(&this.function, Some(obj.clone())))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, KeyWrapper>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(other) = other.downcast::<KeyWrapper>() else {
            return Err(cx.type_error("other argument must be K instance"));
        };
        match (this.value.get(), other.value.get()) {
            (Some(x), Some(y)) => this.function.call_pos(cx, &[x, y])?.rich_cmp(cx, &Obj::from(0i64), op),
            _ => Err(cx.raise(cinder_pyobj::types::exc::AttributeError(), "object")),
        }
    }

    /// Value wrapped by a key function.
    #[pygetter]
    fn obj(cx: &Ctx, this: This<'_, KeyWrapper>) -> PyResult {
        this.value
            .get()
            .ok_or_else(|| cx.attribute_error("object has no attribute 'obj'", this.obj(), &Obj::from("obj")))
    }

    #[pysetter]
    fn set_obj(_cx: &Ctx, this: This<'_, KeyWrapper>, value: Option<&Obj>) -> PyResult<()> {
        this.value.set(value.cloned());
        Ok(())
    }
}
