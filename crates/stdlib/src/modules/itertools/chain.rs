//! `chain` and `cycle`.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, generic_alias, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{iterator, no_keywords};

/// Yields the items of the first iterable, then those of the next, until all are exhausted.
#[pyclass(name = "chain", module = "itertools", flags(basetype), sig = "(*iterables)")]
#[derive(Traverse)]
pub struct Chain {
    /// The iterator over the iterables; empty at the end.
    source: ObjCell,
    active: ObjCell,
}

iterator!(Chain);

fn chain(ty: &Type, source: Obj) -> Obj {
    new_instance(ty, Chain { source: ObjCell::new(Some(source)), active: ObjCell::new(None) })
}

#[pymethods(parts("iterator"))]
impl Chain {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, Chain::type_object(), args)?;
        Ok(chain(ty, tuple::from_slice(args.pos()).iter(cx)?))
    }

    fn __next__(cx: &Ctx, this: This<'_, Chain>) -> PyResult<Option<Obj>> {
        loop {
            let active = match this.active.get() {
                Some(a) => a,
                None => {
                    let Some(source) = this.source.get() else { return Ok(None) };
                    let next = match source.next(cx) {
                        Ok(Some(x)) => x.iter(cx),
                        Ok(None) => {
                            this.source.set(None);
                            return Ok(None);
                        }
                        Err(r) => Err(r),
                    };
                    match next {
                        Ok(it) => {
                            this.active.set(Some(it.clone()));
                            it
                        }
                        Err(r) => {
                            this.source.set(None);
                            return Err(r);
                        }
                    }
                }
            };
            match active.next(cx)? {
                Some(x) => return Ok(Some(x)),
                None => this.active.set(None),
            }
        }
    }

    /// Makes a chain of the iterables that one iterable yields.
    #[pyclassmethod(sig = "($type, iterable, /)")]
    fn from_iterable(cx: &Ctx, ty: &Type, iterable: &Obj) -> PyResult {
        Ok(chain(ty, iterable.iter(cx)?))
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}

/// Yields the items of the iterable until it is exhausted, then repeats them forever.
#[pyclass(name = "cycle", module = "itertools", flags(basetype), sig = "(iterable, /)")]
#[derive(Traverse)]
pub struct Cycle {
    /// Empty once exhausted.
    it: ObjCell,
    saved: RefCell<Vec<Obj>>,
    #[traverse(skip)]
    at: Cell<usize>,
}

iterator!(Cycle);

#[pymethods(parts("iterator"))]
impl Cycle {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, Cycle::type_object(), args)?;
        let [iterable] = args.pos() else {
            return Err(cx.type_error(format!("cycle expected 1 argument, got {}", args.pos().len())));
        };
        let it = iterable.iter(cx)?;
        Ok(new_instance(ty, Cycle { it: ObjCell::new(Some(it)), saved: RefCell::new(Vec::new()), at: Cell::new(0) }))
    }

    fn __next__(cx: &Ctx, this: This<'_, Cycle>) -> PyResult<Option<Obj>> {
        if let Some(it) = this.it.get() {
            if let Some(x) = it.next(cx)? {
                cx.push(&mut this.saved.borrow_mut(), x.clone())?;
                return Ok(Some(x));
            }
            this.it.set(None);
        }
        let saved = this.saved.borrow();
        if saved.is_empty() {
            return Ok(None);
        }
        let i = this.at.get();
        this.at.set((i + 1) % saved.len());
        Ok(saved.get(i).cloned())
    }
}
