//! `map` and `filter`.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use super::zip::next_of_all;
use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::native::{Args, FixedShape, PyClass, This};
use crate::types::bool_::Bool;
use crate::types::{Type, tuple};
use crate::value::Obj;

/// Yields the results of calling the function with one item from each iterable.
///
/// Ends with the shortest iterable. If strict is true and one of them is exhausted before the others,
/// ValueError is raised.
#[pyclass(name = "map", fixed = Map, flags(basetype), sig = "(function, iterable, /, *iterables, strict=False)")]
#[derive(Traverse)]
pub struct Map {
    function: Obj,
    its: Box<[Obj]>,
    #[traverse(skip)]
    strict: Cell<bool>,
}

#[pymethods]
impl Map {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let mut strict = false;
        for (name, value) in args.keywords() {
            let text = crate::types::str::as_utf8_lossy(name);
            if text != "strict" {
                return Err(cx.type_error(format!("map() got an unexpected keyword argument '{text}'")));
            }
            strict = value.truthy(cx)?;
        }
        let [function, iterables @ ..] = args.pos() else {
            return Err(cx.type_error("map() must have at least two arguments."));
        };
        if iterables.is_empty() {
            return Err(cx.type_error("map() must have at least two arguments."));
        }
        let mut its = Vec::with_capacity(iterables.len());
        for x in iterables {
            its.push(x.iter(cx)?);
        }
        Ok(heap::new_instance(ty, Map { function: function.clone(), its: its.into(), strict: Cell::new(strict) }))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Map>) -> PyResult<Option<Obj>> {
        if let [it] = &this.its[..] {
            return match it.next(cx)? {
                Some(x) => this.function.call1(cx, &x).map(Some),
                None => Ok(None),
            };
        }
        match next_of_all(cx, &this.its, this.strict.get(), "map")? {
            Some(items) => this.function.call_pos(cx, &items).map(Some),
            None => Ok(None),
        }
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Map>) -> PyResult {
        let mut args = vec![this.function.clone()];
        args.extend_from_slice(&this.its);
        let mut parts = vec![this.obj().type_of().as_obj(), tuple::new(args)];
        if this.strict.get() {
            parts.push(Obj::from_bool(true));
        }
        Ok(tuple::new(parts))
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, Map>, state: &Obj) -> PyResult<()> {
        this.strict.set(state.truthy(cx)?);
        Ok(())
    }
}

/// Yields those items of the iterable for which the function is true.
///
/// If the function is None, yields the items that are true.
#[pyclass(name = "filter", fixed = Filter, flags(basetype), sig = "(function, iterable, /)")]
#[derive(Traverse)]
pub struct Filter {
    function: Obj,
    it: Obj,
}

#[pymethods]
impl Filter {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        super::no_keywords_for(cx, ty, Filter::type_object(), args)?;
        let [function, iterable] = args.pos() else {
            return Err(cx.type_error(format!("filter expected 2 arguments, got {}", args.pos().len())));
        };
        let it = iterable.iter(cx)?;
        Ok(heap::new_instance(ty, Filter { function: function.clone(), it }))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Filter>) -> PyResult<Option<Obj>> {
        let by_truth = this.function.is_none() || this.function.is(&Bool::type_object().as_obj());
        while let Some(x) = this.it.next(cx)? {
            let keep = if by_truth {
                x.truthy(cx)?
            } else {
                let r = this.function.call1(cx, &x)?;
                if r.is_exact(FixedShape::Bool) { r.is(&Obj::from_bool(true)) } else { r.truthy(cx)? }
            };
            if keep {
                return Ok(Some(x));
            }
        }
        Ok(None)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Filter>) -> PyResult {
        Ok(tuple::pair(this.obj().type_of().as_obj(), tuple::pair(this.function.clone(), this.it.clone())))
    }
}
