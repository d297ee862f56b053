//! `islice`, `batched` and `pairwise`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, exc, int, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{iterator, no_keywords};

/// Yields selected items of an iterable, as a slice would.
#[pyclass(name = "islice", module = "itertools", flags(basetype), sig = "(iterable, stop, /)")]
#[derive(Traverse)]
pub struct ISlice {
    /// Empty once exhausted.
    it: ObjCell,
    #[traverse(skip)]
    next: Cell<u64>,
    #[traverse(skip)]
    stop: Option<u64>,
    #[traverse(skip)]
    step: u64,
    #[traverse(skip)]
    at: Cell<u64>,
}

iterator!(ISlice);

const BOUNDS: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";

fn bound(cx: &Ctx, o: Option<&Obj>, message: &str) -> PyResult<Option<u64>> {
    let Some(o) = o.filter(|o| !o.is_none()) else { return Ok(None) };
    let n = match o.index(cx) {
        Ok(i) => int::as_i64(&i).filter(|n| *n >= 0),
        Err(r) => {
            cx.swallow(r, exc::TypeError())?;
            None
        }
    };
    match n {
        Some(n) => Ok(Some(n as u64)),
        None => Err(cx.value_error(message)),
    }
}

#[pymethods(parts("iterator"))]
impl ISlice {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, ISlice::type_object(), args)?;
        let (iterable, start, stop, step) = match args.pos() {
            [it, stop] => (it, None, Some(stop), None),
            [it, start, stop] => (it, Some(start), Some(stop), None),
            [it, start, stop, step] => (it, Some(start), Some(stop), Some(step)),
            p if p.len() < 2 => {
                return Err(cx.type_error(format!("islice expected at least 2 arguments, got {}", p.len())));
            }
            p => return Err(cx.type_error(format!("islice expected at most 4 arguments, got {}", p.len()))),
        };
        let stop_message = "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
        let stop = bound(cx, stop, if start.is_none() { stop_message } else { BOUNDS })?;
        let start = bound(cx, start, BOUNDS)?.unwrap_or(0);
        let step_message = "Step for islice() must be a positive integer or None.";
        let step = bound(cx, step, step_message)?.unwrap_or(1);
        if step == 0 {
            return Err(cx.value_error(step_message));
        }
        let it = iterable.iter(cx)?;
        Ok(new_instance(
            ty,
            ISlice { it: ObjCell::new(Some(it)), next: Cell::new(start), stop, step, at: Cell::new(0) },
        ))
    }

    fn __next__(cx: &Ctx, this: This<'_, ISlice>) -> PyResult<Option<Obj>> {
        let Some(it) = this.it.get() else { return Ok(None) };
        let next = this.next.get();
        let wanted = this.stop.map_or(next, |s| next.min(s));
        while this.at.get() < wanted {
            this.at.set(this.at.get() + 1);
            if it.next(cx)?.is_none() {
                this.it.set(None);
                return Ok(None);
            }
        }
        if this.stop.is_some_and(|s| this.at.get() >= s) {
            this.it.set(None);
            return Ok(None);
        }
        let x = it.next(cx)?;
        match x {
            Some(x) => {
                this.at.set(this.at.get() + 1);
                let next = next.saturating_add(this.step);
                this.next.set(this.stop.map_or(next, |s| next.min(s)));
                Ok(Some(x))
            }
            None => {
                this.it.set(None);
                Ok(None)
            }
        }
    }
}

/// Yields tuples of n items; the last one may be shorter, unless strict is true.
#[pyclass(name = "batched", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Batched {
    /// Empty once exhausted.
    it: ObjCell,
    #[traverse(skip)]
    n: usize,
    #[traverse(skip)]
    strict: bool,
}

iterator!(Batched);

#[pymethods(parts("iterator"))]
impl Batched {
    #[pynew(sig = "(iterable, n, *, strict=False)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, n: &Obj, strict: bool) -> PyResult {
        let n = n.to_isize(cx)?;
        if n < 1 {
            return Err(cx.value_error("n must be at least one"));
        }
        let it = iterable.iter(cx)?;
        Ok(new_instance(ty, Batched { it: ObjCell::new(Some(it)), n: n as usize, strict }))
    }

    fn __next__(cx: &Ctx, this: This<'_, Batched>) -> PyResult<Option<Obj>> {
        let Some(it) = this.it.get() else { return Ok(None) };
        let mut items = Vec::new();
        while items.len() < this.n {
            match it.next(cx)? {
                Some(x) => cx.push(&mut items, x)?,
                None => {
                    this.it.set(None);
                    if items.is_empty() {
                        return Ok(None);
                    }
                    if this.strict {
                        return Err(cx.value_error("batched(): incomplete batch"));
                    }
                    break;
                }
            }
        }
        Ok(Some(tuple::new(items)))
    }
}

/// Yields overlapping pairs of the iterable: s -> (s0, s1), (s1, s2), …
#[pyclass(name = "pairwise", module = "itertools", flags(basetype), sig = "(iterable, /)")]
#[derive(Traverse)]
pub struct Pairwise {
    /// Empty once exhausted.
    it: ObjCell,
    last: ObjCell,
}

iterator!(Pairwise);

#[pymethods(parts("iterator"))]
impl Pairwise {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        no_keywords(cx, ty, Pairwise::type_object(), args)?;
        let [iterable] = args.pos() else {
            return Err(cx.type_error(format!("pairwise expected 1 argument, got {}", args.pos().len())));
        };
        Ok(new_instance(ty, Pairwise { it: ObjCell::new(Some(iterable.iter(cx)?)), last: ObjCell::new(None) }))
    }

    fn __next__(cx: &Ctx, this: This<'_, Pairwise>) -> PyResult<Option<Obj>> {
        let Some(it) = this.it.get() else { return Ok(None) };
        let end = || {
            this.it.set(None);
            this.last.set(None);
        };
        let mut old = this.last.get();
        if old.is_none() {
            let Some(x) = it.next(cx)? else {
                end();
                return Ok(None);
            };
            this.last.set(Some(x.clone()));
            // Taking the first item may have ended or advanced this very iterator.
            if this.it.is_empty() {
                end();
                return Ok(None);
            }
            old = Some(x);
        }
        match (old, it.next(cx)?) {
            (Some(a), Some(b)) => {
                this.last.set(Some(b.clone()));
                Ok(Some(tuple::pair(a, b)))
            }
            _ => {
                end();
                Ok(None)
            }
        }
    }
}
