//! `staticmethod` and `classmethod`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::Type;
use crate::types::str::{Name, as_utf8_lossy};
use crate::value::{Obj, ObjCell};

/// Makes a method of a function which gets neither instance nor class as an argument, wherever it is called on.
#[pyclass(name = "staticmethod", fixed = StaticMethod, flags(basetype, dict), sig = "(function, /)")]
#[derive(Traverse)]
pub struct StaticMethod {
    callable: ObjCell,
}

/// A static method around a callable.
pub fn new(callable: Obj) -> Obj {
    heap::new_instance(StaticMethod::class().type_object(), StaticMethod { callable: ObjCell::new(Some(callable)) })
}

pub(super) fn one_argument<'a>(cx: &Ctx, name: &str, args: Args<'a>) -> PyResult<&'a Obj> {
    args.no_keywords(cx, name)?;
    match args.pos() {
        [one] => Ok(one),
        more => Err(cx.type_error(format!("{name} expected 1 argument, got {}", more.len()))),
    }
}

/// Copies the attributes by which a wrapper looks like what it wraps.
pub(super) fn copy_attributes(cx: &Ctx, from: &Obj, to: &Obj) -> PyResult<()> {
    for n in ["__module__", "__name__", "__qualname__", "__doc__"] {
        let name = Name::new(n);
        if let Some(v) = from.get_attr_opt(cx, name)? {
            to.set_attr(cx, name, &v)?;
        }
    }
    to.set_attr(cx, intern!("__wrapped__"), from)
}

impl StaticMethod {
    /// The callable.
    pub fn callable(&self) -> Option<Obj> {
        self.callable.get()
    }

    /// The callable as a borrowed word.
    #[inline(always)]
    pub fn callable_word(&self) -> Option<crate::value::Value> {
        self.callable.peek()
    }
}

#[pymethods]
impl StaticMethod {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, StaticMethod { callable: ObjCell::new(None) }))
    }

    fn __init__(cx: &Ctx, this: This<'_, StaticMethod>, args: Args<'_>) -> PyResult<()> {
        let a = one_argument(cx, "staticmethod", args)?;
        this.callable.set(Some(a.clone()));
        copy_attributes(cx, a, this.obj())
    }

    fn __get__(cx: &Ctx, this: This<'_, StaticMethod>, _i: Option<&Obj>, _o: Option<&Obj>) -> PyResult {
        this.callable.get().ok_or_else(|| cx.runtime_error("uninitialized staticmethod object"))
    }

    fn __call__(cx: &Ctx, this: This<'_, StaticMethod>, args: Args<'_>) -> PyResult {
        match this.callable.get() {
            Some(f) => f.call(cx, args),
            None => Err(cx.runtime_error("uninitialized staticmethod object")),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, StaticMethod>) -> PyResult {
        let r = this.callable.get().unwrap_or_else(Obj::none).repr(cx)?;
        Ok(Obj::from(format!("<staticmethod({})>", as_utf8_lossy(&r)).as_str()))
    }

    #[pygetter]
    fn __func__(this: This<'_, StaticMethod>) -> Option<Obj> {
        this.callable.get()
    }

    #[pygetter(name = "__wrapped__")]
    fn wrapped(this: This<'_, StaticMethod>) -> Option<Obj> {
        this.callable.get()
    }

    #[pysetter(name = "__wrapped__")]
    fn set_wrapped(_this: This<'_, StaticMethod>, _value: Option<&Obj>) -> PyResult<()> {
        Ok(())
    }

    #[pygetter]
    fn __isabstractmethod__(cx: &Ctx, this: This<'_, StaticMethod>) -> PyResult<bool> {
        is_abstract(cx, this.callable.get().as_ref())
    }

    #[pygetter]
    fn __annotations__(cx: &Ctx, this: This<'_, StaticMethod>) -> PyResult {
        wrapped_attribute(cx, this.obj(), this.callable.get().as_ref(), intern!("__annotations__"))
    }

    #[pysetter]
    fn set___annotations__(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        set_own_attribute(cx, this, intern!("__annotations__"), value)
    }

    #[pygetter]
    fn __annotate__(cx: &Ctx, this: This<'_, StaticMethod>) -> PyResult {
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

/// An attribute of the wrapped callable, remembered in the wrapper's own dict.
pub(super) fn wrapped_attribute(cx: &Ctx, this: &Obj, callable: Option<&Obj>, name: Name) -> PyResult {
    let missing = || {
        let m = format!("'{}' object has no attribute '{}'", this.type_of().name(), name.as_str());
        cx.attribute_error(m, this, name.as_obj())
    };
    let own = crate::types::dict::instance_dict(cx, this)?.ok_or_else(missing)?;
    if let Some(v) = crate::types::dict::get(cx, &own, name.as_obj())? {
        return Ok(v);
    }
    let v = callable.ok_or_else(missing)?.get_attr(cx, name)?;
    crate::types::dict::set(cx, &own, name.as_obj(), &v)?;
    Ok(v)
}

/// Sets or deletes what [`wrapped_attribute`] gives.
pub(super) fn set_own_attribute(cx: &Ctx, this: &Obj, name: Name, value: Option<&Obj>) -> PyResult<()> {
    let missing = || {
        let m = format!("'{}' object has no attribute '{}'", this.type_of().name(), name.as_str());
        cx.attribute_error(m, this, name.as_obj())
    };
    let own = crate::types::dict::instance_dict(cx, this)?.ok_or_else(missing)?;
    match value {
        Some(v) => crate::types::dict::set(cx, &own, name.as_obj(), v),
        None if crate::types::dict::remove(cx, &own, name.as_obj())? => Ok(()),
        None => Err(missing()),
    }
}

/// Whether a wrapped callable is marked as abstract.
pub(super) fn is_abstract(cx: &Ctx, f: Option<&Obj>) -> PyResult<bool> {
    match f {
        Some(f) => match f.get_attr_opt(cx, intern!("__isabstractmethod__"))? {
            Some(v) => v.truthy(cx),
            None => Ok(false),
        },
        None => Ok(false),
    }
}
