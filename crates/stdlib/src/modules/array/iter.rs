//! The iterator of arrays.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::tuple;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::Array;

/// Walks an array.
#[pyclass(name = "arrayiterator", module = "array", flags(no_new))]
#[derive(Traverse)]
pub struct ArrayIterator {
    /// Empty once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<usize>,
}

impl ArrayIterator {
    pub(super) fn over(array: &Obj) -> Obj {
        new_instance(
            ArrayIterator::type_object(),
            ArrayIterator { of: ObjCell::new(Some(array.clone())), at: Cell::new(0) },
        )
    }
}

#[pymethods]
impl ArrayIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, ArrayIterator>) -> PyResult<Option<Obj>> {
        let Some(of) = this.of.get() else { return Ok(None) };
        let Some(a) = of.downcast::<Array>() else { return Ok(None) };
        let x = a.get(cx, this.at.get())?;
        if x.is_some() {
            this.at.set(this.at.get() + 1);
        } else {
            this.of.set(None);
        }
        Ok(x)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, ArrayIterator>) -> PyResult {
        let iter = (cx.host().import)(cx, "builtins")?.get_attr(cx, intern!("iter"))?;
        Ok(match this.of.get() {
            Some(of) => tuple::new(vec![iter, tuple::new(vec![of]), Obj::from(this.at.get())]),
            None => tuple::pair(iter, tuple::new(vec![tuple::empty()])),
        })
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, ArrayIterator>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)?.max(0) as usize;
        let of = this.of.get();
        if let Some(a) = of.as_ref().and_then(|o| o.downcast::<Array>()) {
            this.at.set(i.min(a.len()));
        }
        Ok(())
    }
}
