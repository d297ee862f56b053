//! The attributes of named tuples.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::{Type, exc, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// A descriptor that reads one item of a tuple.
#[pyclass(name = "_tuplegetter", module = "collections", flags(basetype))]
#[derive(Traverse)]
pub struct TupleGetter {
    #[traverse(skip)]
    index: usize,
    doc: ObjCell,
}

#[pymethods]
impl TupleGetter {
    #[pynew(sig = "(index, doc, /)")]
    fn __new__(cx: &Ctx, ty: &Type, index: &Obj, doc: Obj) -> PyResult {
        let index = index.to_usize(cx)?;
        Ok(new_instance(ty, TupleGetter { index, doc: ObjCell::new(Some(doc)) }))
    }

    fn __get__(cx: &Ctx, this: This<'_, TupleGetter>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(o) = instance else { return Ok(this.obj().clone()) };
        match tuple::items_if_tuple(o) {
            Some(items) => items.get(this.index).cloned().ok_or_else(|| cx.index_error("tuple index out of range")),
            None if o.is_none() => Ok(this.obj().clone()),
            None => Err(cx.type_error(format!(
                "descriptor for index '{}' for tuple subclasses doesn't apply to '{}' object",
                this.index,
                o.type_of().name()
            ))),
        }
    }

    fn __set__(cx: &Ctx, _this: &Obj, _instance: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let message = if value.is_some() { "can't set attribute" } else { "can't delete attribute" };
        Err(cx.raise(exc::AttributeError(), message))
    }

    fn __repr__(cx: &Ctx, this: This<'_, TupleGetter>) -> PyResult<String> {
        let doc = this.doc.get().unwrap_or_else(Obj::none).repr(cx)?;
        Ok(format!("_tuplegetter({}, {})", this.index, cinder_pyobj::types::str::as_utf8_lossy(&doc)))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, TupleGetter>) -> Obj {
        let doc = this.doc.get().unwrap_or_else(Obj::none);
        tuple::pair(this.obj().type_of().as_obj(), tuple::pair(Obj::from(this.index), doc))
    }

    #[pygetter(member, name = "__doc__")]
    fn doc(_cx: &Ctx, this: This<'_, TupleGetter>) -> Obj {
        this.doc.get().unwrap_or_else(Obj::none)
    }

    #[pysetter(name = "__doc__")]
    fn set_doc(_cx: &Ctx, this: This<'_, TupleGetter>, value: Option<&Obj>) -> PyResult<()> {
        this.doc.set(value.cloned());
        Ok(())
    }
}
