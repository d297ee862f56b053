//! `classmethod`.

use super::static_method::{copy_attributes, is_abstract, set_own_attribute, wrapped_attribute};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::Type;
use crate::types::str::as_utf8_lossy;
use crate::value::{Obj, ObjCell};

/// Makes a method of a function that belongs to the class: it gets the class as its first argument, whether it is
/// called on the class or on an instance.
#[pyclass(name = "classmethod", fixed = ClassMethod, flags(basetype, dict), sig = "(function, /)")]
#[derive(Traverse)]
pub struct ClassMethod {
    callable: ObjCell,
}

/// A class method around a callable.
pub fn new(callable: Obj) -> Obj {
    heap::new_instance(ClassMethod::class().type_object(), ClassMethod { callable: ObjCell::new(Some(callable)) })
}

impl ClassMethod {
    /// The callable as a borrowed word.
    #[inline(always)]
    pub fn callable_word(&self) -> Option<crate::value::Value> {
        self.callable.peek()
    }
}

#[pymethods]
impl ClassMethod {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, ClassMethod { callable: ObjCell::new(None) }))
    }

    fn __init__(cx: &Ctx, this: This<'_, ClassMethod>, args: Args<'_>) -> PyResult<()> {
        let a = super::static_method::one_argument(cx, "classmethod", args)?;
        this.callable.set(Some(a.clone()));
        copy_attributes(cx, a, this.obj())
    }

    fn __get__(cx: &Ctx, this: This<'_, ClassMethod>, instance: Option<&Obj>, owner: Option<&Obj>) -> PyResult {
        let Some(f) = this.callable.get() else {
            return Err(cx.runtime_error("uninitialized classmethod object"));
        };
        let cls = match (owner, instance) {
            (Some(o), _) => o.clone(),
            (None, Some(i)) => i.type_of().as_obj(),
            (None, None) => return Ok(f),
        };
        Ok(super::method::new(f, cls))
    }

    fn __repr__(cx: &Ctx, this: This<'_, ClassMethod>) -> PyResult {
        let r = this.callable.get().unwrap_or_else(Obj::none).repr(cx)?;
        Ok(Obj::from(format!("<classmethod({})>", as_utf8_lossy(&r)).as_str()))
    }

    #[pygetter]
    fn __func__(this: This<'_, ClassMethod>) -> Option<Obj> {
        this.callable.get()
    }

    #[pygetter(name = "__wrapped__")]
    fn wrapped(this: This<'_, ClassMethod>) -> Option<Obj> {
        this.callable.get()
    }

    #[pysetter(name = "__wrapped__")]
    fn set_wrapped(_this: This<'_, ClassMethod>, _value: Option<&Obj>) -> PyResult<()> {
        Ok(())
    }

    #[pygetter]
    fn __isabstractmethod__(cx: &Ctx, this: This<'_, ClassMethod>) -> PyResult<bool> {
        is_abstract(cx, this.callable.get().as_ref())
    }

    #[pygetter]
    fn __annotations__(cx: &Ctx, this: This<'_, ClassMethod>) -> PyResult {
        wrapped_attribute(cx, this.obj(), this.callable.get().as_ref(), intern!("__annotations__"))
    }

    #[pysetter]
    fn set___annotations__(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        set_own_attribute(cx, this, intern!("__annotations__"), value)
    }

    #[pygetter]
    fn __annotate__(cx: &Ctx, this: This<'_, ClassMethod>) -> PyResult {
        wrapped_attribute(cx, this.obj(), this.callable.get().as_ref(), intern!("__annotate__"))
    }

    #[pysetter]
    fn set___annotate__(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        set_own_attribute(cx, this, intern!("__annotate__"), value)
    }

    /// See PEP 585.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        super::generic_alias::new(cx, ty, object)
    }
}
