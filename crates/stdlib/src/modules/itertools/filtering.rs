//! `compress`, `dropwhile`, `takewhile` and `filterfalse`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::Type;
use cinder_pyobj::types::bool_::Bool;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{iterator, no_keywords, two};

/// Yields the items of data whose selectors are true.
#[pyclass(name = "compress", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Compress {
    data: Obj,
    selectors: Obj,
}

iterator!(Compress);

#[pymethods(parts("iterator"))]
impl Compress {
    #[pynew(sig = "(data, selectors)")]
    fn __new__(cx: &Ctx, ty: &Type, data: &Obj, selectors: &Obj) -> PyResult {
        Ok(new_instance(ty, Compress { data: data.iter(cx)?, selectors: selectors.iter(cx)? }))
    }

    fn __next__(cx: &Ctx, this: This<'_, Compress>) -> PyResult<Option<Obj>> {
        loop {
            let Some(x) = this.data.next(cx)? else { return Ok(None) };
            let Some(s) = this.selectors.next(cx)? else { return Ok(None) };
            if s.truthy(cx)? {
                return Ok(Some(x));
            }
        }
    }
}

/// Drops items while the predicate is true, then yields every item.
#[pyclass(name = "dropwhile", module = "itertools", flags(basetype), sig = "(predicate, iterable, /)")]
#[derive(Traverse)]
pub struct DropWhile {
    predicate: Obj,
    it: Obj,
    #[traverse(skip)]
    started: Cell<bool>,
}

iterator!(DropWhile);

#[pymethods(parts("iterator"))]
impl DropWhile {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, DropWhile::type_object(), args)?;
        let (predicate, iterable) = two(cx, args, "dropwhile")?;
        let it = iterable.iter(cx)?;
        Ok(new_instance(ty, DropWhile { predicate: predicate.clone(), it, started: Cell::new(false) }))
    }

    fn __next__(cx: &Ctx, this: This<'_, DropWhile>) -> PyResult<Option<Obj>> {
        loop {
            let Some(x) = this.it.next(cx)? else { return Ok(None) };
            if this.started.get() {
                return Ok(Some(x));
            }
            if !this.predicate.call1(cx, &x)?.truthy(cx)? {
                this.started.set(true);
                return Ok(Some(x));
            }
        }
    }
}

/// Yields items as long as the predicate is true.
#[pyclass(name = "takewhile", module = "itertools", flags(basetype), sig = "(predicate, iterable, /)")]
#[derive(Traverse)]
pub struct TakeWhile {
    predicate: Obj,
    it: Obj,
    #[traverse(skip)]
    done: Cell<bool>,
}

iterator!(TakeWhile);

#[pymethods(parts("iterator"))]
impl TakeWhile {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, TakeWhile::type_object(), args)?;
        let (predicate, iterable) = two(cx, args, "takewhile")?;
        let it = iterable.iter(cx)?;
        Ok(new_instance(ty, TakeWhile { predicate: predicate.clone(), it, done: Cell::new(false) }))
    }

    fn __next__(cx: &Ctx, this: This<'_, TakeWhile>) -> PyResult<Option<Obj>> {
        if this.done.get() {
            return Ok(None);
        }
        let Some(x) = this.it.next(cx)? else { return Ok(None) };
        if this.predicate.call1(cx, &x)?.truthy(cx)? {
            return Ok(Some(x));
        }
        this.done.set(true);
        Ok(None)
    }
}

/// Yields those items for which the function is false; with None, the items that are false.
#[pyclass(name = "filterfalse", module = "itertools", flags(basetype), sig = "(function, iterable, /)")]
#[derive(Traverse)]
pub struct FilterFalse {
    function: Obj,
    it: Obj,
}

iterator!(FilterFalse);

#[pymethods(parts("iterator"))]
impl FilterFalse {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, FilterFalse::type_object(), args)?;
        let (function, iterable) = two(cx, args, "filterfalse")?;
        Ok(new_instance(ty, FilterFalse { function: function.clone(), it: iterable.iter(cx)? }))
    }

    fn __next__(cx: &Ctx, this: This<'_, FilterFalse>) -> PyResult<Option<Obj>> {
        let by_truth = this.function.is_none() || this.function.is(&Bool::type_object().as_obj());
        loop {
            let Some(x) = this.it.next(cx)? else { return Ok(None) };
            let keep = if by_truth { x.truthy(cx)? } else { this.function.call1(cx, &x)?.truthy(cx)? };
            if !keep {
                return Ok(Some(x));
            }
        }
    }
}
