//! `defaultdict`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::dict::{self, Dict};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// A dict that makes missing values by calling a factory.
///
/// The factory is called without arguments to produce a value when a key is not present. All remaining arguments
/// are treated as if they were passed to dict.
#[pyclass(name = "defaultdict", module = "collections", base = Dict, flags(basetype),
    sig = "(default_factory=None, /, *args, **kwargs)")]
#[derive(Traverse)]
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: ObjCell,
}

impl DefaultDict {
    fn factory(&self) -> Obj {
        self.factory.get().unwrap_or_else(Obj::none)
    }
}

/// A defaultdict of the same class with the factory and entries of `this`.
fn copy(cx: &Ctx, this: This<'_, DefaultDict>) -> PyResult {
    this.obj().type_of().as_obj().call_pos(cx, &[this.factory(), this.obj().clone()])
}

#[pymethods]
impl DefaultDict {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, DefaultDict { dict: Dict::empty(), factory: ObjCell::new(None) }))
    }

    fn __init__(cx: &Ctx, this: This<'_, DefaultDict>, args: Args<'_>) -> PyResult<()> {
        let (factory, rest) = match args.pos() {
            [] => (None, args),
            [f, ..] => (Some(f), args.without_first()),
        };
        if let Some(f) = factory
            && !f.is_none()
            && !f.is_callable()
        {
            return Err(cx.type_error("first argument must be callable or None"));
        }
        this.factory.set(factory.cloned());
        dict::update_from_args(cx, &this.dict, rest, "dict")
    }

    /// Called by __getitem__ for a missing key: stores and returns what the factory makes.
    #[pymethod(name = "__missing__", sig = "($self, key, /)")]
    fn missing(cx: &Ctx, this: This<'_, DefaultDict>, key: &Obj) -> PyResult {
        let factory = this.factory();
        if factory.is_none() {
            return Err(cx.key_error(key));
        }
        let value = factory.call0(cx)?;
        // The factory may have stored the key itself; then that value counts.
        this.dict.get_or_insert(cx, key, &value)
    }

    fn __repr__(cx: &Ctx, this: This<'_, DefaultDict>) -> PyResult<String> {
        let Some(f) = Dict::type_object().slots.repr.get() else { return Ok(String::new()) };
        let base = f(cx, this.obj())?;
        let factory = this.factory();
        let shown = if factory.is_none() {
            "None".to_owned()
        } else {
            let guarded = factory.guard_repr(cx, || factory.repr(cx))?;
            guarded.map_or_else(|| "...".to_owned(), |r| cinder_pyobj::types::str::as_utf8_lossy(&r).into_owned())
        };
        Ok(format!(
            "{}({shown}, {})",
            this.obj().type_of().short_name(),
            cinder_pyobj::types::str::as_utf8_lossy(&base)
        ))
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        if dict::as_dict(a).is_none() || dict::as_dict(b).is_none() {
            return Ok(Obj::not_implemented());
        }
        let own = This::<DefaultDict>::from_obj(a).or_else(|| This::from_obj(b));
        let Some(own) = own else { return Ok(Obj::not_implemented()) };
        let r = own.obj().type_of().as_obj().call_pos(cx, &[own.factory(), a.clone()])?;
        if let Some(d) = dict::as_dict(&r) {
            dict::merge(cx, d, b, true)?;
        }
        Ok(r)
    }

    /// Returns a shallow copy.
    #[pymethod(name = "copy")]
    fn py_copy(cx: &Ctx, this: This<'_, DefaultDict>) -> PyResult {
        copy(cx, this)
    }

    #[pymethod(name = "__copy__")]
    fn dunder_copy(cx: &Ctx, this: This<'_, DefaultDict>) -> PyResult {
        copy(cx, this)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, DefaultDict>) -> PyResult {
        let factory = this.factory();
        let args = if factory.is_none() { tuple::empty() } else { tuple::new(vec![factory]) };
        let items = this.obj().call_method(cx, intern!("items"), &[])?.iter(cx)?;
        Ok(tuple::new(vec![this.obj().type_of().as_obj(), args, Obj::none(), Obj::none(), items]))
    }

    /// Factory for the values of missing keys.
    #[pygetter(member)]
    fn default_factory(_cx: &Ctx, this: This<'_, DefaultDict>) -> Obj {
        this.factory()
    }

    #[pysetter]
    fn set_default_factory(_cx: &Ctx, this: This<'_, DefaultDict>, value: Option<&Obj>) -> PyResult<()> {
        this.factory.set(value.cloned());
        Ok(())
    }
}
