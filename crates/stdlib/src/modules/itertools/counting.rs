//! `count`, `repeat`, `accumulate` and `starmap`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{iterator, no_keywords, two};

/// Yields start, start + step, start + 2 * step, …
#[pyclass(name = "count", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Count {
    at: ObjCell,
    step: Obj,
}

iterator!(Count);

fn is_number(o: &Obj) -> bool {
    let s = &o.type_of().slots;
    s.index.get().is_some()
        || s.int.get().is_some()
        || s.float.get().is_some()
        || o.downcast::<cinder_pyobj::types::complex::Complex>().is_some()
}

#[pymethods(parts("iterator"))]
impl Count {
    #[pynew(sig = "(start=0, step=1)")]
    fn __new__(cx: &Ctx, ty: &Type, start: Obj, step: Obj) -> PyResult {
        if !is_number(&start) || !is_number(&step) {
            return Err(cx.type_error("a number is required"));
        }
        Ok(new_instance(ty, Count { at: ObjCell::new(Some(start)), step }))
    }

    fn __next__(cx: &Ctx, this: This<'_, Count>) -> PyResult<Option<Obj>> {
        let Some(x) = this.at.get() else { return Ok(None) };
        this.at.set(Some(number::add(cx, &x, &this.step)?));
        Ok(Some(x))
    }

    fn __repr__(cx: &Ctx, this: This<'_, Count>) -> PyResult<String> {
        let x = this.at.get().unwrap_or_else(Obj::none).repr(cx)?;
        let name = this.obj().type_of().short_name().to_string();
        let x = cinder_pyobj::types::str::as_utf8_lossy(&x).into_owned();
        // A step of one is not shown; like CPython, only if it is an int.
        if this.step.as_int() == Some(1) {
            return Ok(format!("{name}({x})"));
        }
        let step = this.step.repr(cx)?;
        Ok(format!("{name}({x}, {})", cinder_pyobj::types::str::as_utf8_lossy(&step)))
    }
}

/// Yields the object the given number of times, or forever.
#[pyclass(name = "repeat", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Repeat {
    object: Obj,
    /// Negative: without end.
    #[traverse(skip)]
    left: Cell<i64>,
}

iterator!(Repeat);

#[pymethods(parts("iterator"))]
impl Repeat {
    #[pynew(sig = "(object, times=<unrepresentable>)")]
    fn __new__(cx: &Ctx, ty: &Type, object: &Obj, times: Option<&Obj>) -> PyResult {
        let left = match times {
            None => -1,
            Some(t) => t.to_isize(cx)?.max(0) as i64,
        };
        Ok(new_instance(ty, Repeat { object: object.clone(), left: Cell::new(left) }))
    }

    fn __next__(_cx: &Ctx, this: This<'_, Repeat>) -> PyResult<Option<Obj>> {
        let n = this.left.get();
        if n == 0 {
            return Ok(None);
        }
        if n > 0 {
            this.left.set(n - 1);
        }
        Ok(Some(this.object.clone()))
    }

    /// Private: how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(cx: &Ctx, this: This<'_, Repeat>) -> PyResult<i64> {
        if this.left.get() < 0 {
            return Err(cx.type_error("len() of unsized object"));
        }
        Ok(this.left.get())
    }

    fn __repr__(cx: &Ctx, this: This<'_, Repeat>) -> PyResult<String> {
        let x = this.object.repr(cx)?;
        let x = cinder_pyobj::types::str::as_utf8_lossy(&x).into_owned();
        let name = this.obj().type_of().short_name().to_string();
        Ok(if this.left.get() < 0 { format!("{name}({x})") } else { format!("{name}({x}, {})", this.left.get()) })
    }
}

/// Yields accumulated sums, or accumulated results of another binary function.
#[pyclass(name = "accumulate", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Accumulate {
    it: Obj,
    function: Option<Obj>,
    total: ObjCell,
    initial: ObjCell,
}

iterator!(Accumulate);

#[pymethods(parts("iterator"))]
impl Accumulate {
    #[pynew(sig = "(iterable, func=None, *, initial=None)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, func: Option<&Obj>, initial: Option<&Obj>) -> PyResult {
        let it = iterable.iter(cx)?;
        Ok(new_instance(
            ty,
            Accumulate {
                it,
                function: func.cloned(),
                total: ObjCell::new(None),
                initial: ObjCell::new(initial.cloned()),
            },
        ))
    }

    fn __next__(cx: &Ctx, this: This<'_, Accumulate>) -> PyResult<Option<Obj>> {
        if let Some(x) = this.initial.take() {
            this.total.set(Some(x.clone()));
            return Ok(Some(x));
        }
        let Some(x) = this.it.next(cx)? else { return Ok(None) };
        let next = match (this.total.get(), &this.function) {
            (None, _) => x,
            (Some(t), None) => number::add(cx, &t, &x)?,
            (Some(t), Some(f)) => f.call_pos(cx, &[t, x])?,
        };
        this.total.set(Some(next.clone()));
        Ok(Some(next))
    }
}

/// Yields function(*args) for each args of the iterable.
#[pyclass(name = "starmap", module = "itertools", flags(basetype), sig = "(function, iterable, /)")]
#[derive(Traverse)]
pub struct StarMap {
    function: Obj,
    it: Obj,
}

iterator!(StarMap);

#[pymethods(parts("iterator"))]
impl StarMap {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, StarMap::type_object(), args)?;
        let (function, iterable) = two(cx, args, "starmap")?;
        Ok(new_instance(ty, StarMap { function: function.clone(), it: iterable.iter(cx)? }))
    }

    fn __next__(cx: &Ctx, this: This<'_, StarMap>) -> PyResult<Option<Obj>> {
        let Some(args) = this.it.next(cx)? else { return Ok(None) };
        if let Some(items) = tuple::items_if_exact_tuple(&args) {
            return this.function.call_pos(cx, items).map(Some);
        }
        let items = args.collect(cx)?;
        this.function.call_pos(cx, &items).map(Some)
    }
}
