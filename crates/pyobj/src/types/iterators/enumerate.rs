//! `enumerate` and `reversed`.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::intern;
use crate::native::{Args, PyClass, This};
use crate::protocol::number;
use crate::types::{Type, exc, generic_alias, tuple};
use crate::value::{Obj, ObjCell, Value};

/// Yields pairs of a count and an item of the iterable.
///
/// The count starts at start, which is zero by default.
#[pyclass(name = "enumerate", fixed = Enumerate, flags(basetype))]
#[derive(Traverse)]
pub struct Enumerate {
    it: Obj,
    #[traverse(skip)]
    at: Cell<i64>,
    /// The count once it no longer fits a tagged int.
    large: ObjCell,
}

impl Enumerate {
    /// The next count and item.
    pub fn advance_pair(&self, cx: &Ctx) -> PyResult<Option<(Obj, Obj)>> {
        let Some(x) = self.it.next(cx)? else { return Ok(None) };
        let n = self.at.get();
        if self.large.is_empty() && n < Value::MAX_INT {
            self.at.set(n + 1);
            return Ok(Some((Obj::from(n), x)));
        }
        let n = self.large.get().unwrap_or_else(|| Obj::from(n));
        self.large.set(Some(number::add(cx, &n, &Obj::from(1i64))?));
        Ok(Some((n, x)))
    }
}

#[pymethods]
impl Enumerate {
    #[pynew(sig = "(iterable, start=0)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, start: Option<&Obj>) -> PyResult {
        let start = start.map_or(Ok(Obj::from(0i64)), |s| s.index(cx))?;
        let it = iterable.iter(cx)?;
        let (at, large) = match start.as_int() {
            Some(n) => (n, None),
            None => (0, Some(start)),
        };
        Ok(heap::new_instance(ty, Enumerate { it, at: Cell::new(at), large: ObjCell::new(large) }))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Enumerate>) -> PyResult<Option<Obj>> {
        Ok(this.advance_pair(cx)?.map(|(n, x)| tuple::pair(n, x)))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Enumerate>) -> PyResult {
        let n = this.large.get().unwrap_or_else(|| Obj::from(this.at.get()));
        Ok(tuple::pair(this.obj().type_of().as_obj(), tuple::pair(this.it.clone(), n)))
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}

/// Yields the items of a sequence from the last to the first.
#[pyclass(name = "reversed", fixed = Reversed, flags(basetype), sig = "(object, /)")]
#[derive(Traverse)]
pub struct Reversed {
    /// Empty once exhausted.
    of: ObjCell,
    #[traverse(skip)]
    at: Cell<i64>,
}

#[pymethods]
impl Reversed {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        super::no_keywords_for(cx, ty, Reversed::type_object(), args)?;
        let seq = match args.pos() {
            [s] => s,
            a => return Err(cx.type_error(format!("reversed expected 1 argument, got {}", a.len()))),
        };
        let not_reversible = || cx.type_error(format!("'{}' object is not reversible", seq.type_of().name()));
        if let Some(m) = seq.lookup_special(cx, intern!("__reversed__"))? {
            if m.is_none() {
                return Err(not_reversible());
            }
            return m.call0(cx);
        }
        let slots = &seq.type_of().slots;
        if slots.getitem.get().is_none() || slots.len.get().is_none() || seq.type_of().flags().mapping_like {
            return Err(not_reversible());
        }
        let n = seq.len(cx)? as i64;
        Ok(heap::new_instance(ty, Reversed { of: ObjCell::new(Some(seq.clone())), at: Cell::new(n - 1) }))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Reversed>) -> PyResult<Option<Obj>> {
        let i = this.at.get();
        let Some(of) = this.of.get() else { return Ok(None) };
        if i >= 0 {
            match of.get_item(cx, &Obj::from(i)) {
                Ok(x) => {
                    this.at.set(i - 1);
                    return Ok(Some(x));
                }
                Err(r) => {
                    if !cx.pending_is(exc::IndexError()) && !cx.pending_is(exc::StopIteration()) {
                        return Err(r);
                    }
                    drop(cx.take(r));
                }
            }
        }
        this.at.set(-1);
        this.of.set(None);
        Ok(None)
    }

    /// Private: a guess at how many items are left.
    #[pymethod(name = "__length_hint__")]
    fn length_hint(cx: &Ctx, this: This<'_, Reversed>) -> PyResult<i64> {
        let Some(of) = this.of.get() else { return Ok(0) };
        let n = of.len(cx)? as i64;
        let left = this.at.get() + 1;
        Ok(if n < left { 0 } else { left })
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Reversed>) -> PyResult {
        let ty = this.obj().type_of().as_obj();
        Ok(match this.of.get() {
            Some(of) => tuple::new(vec![ty, tuple::new(vec![of]), Obj::from(this.at.get())]),
            None => tuple::pair(ty, tuple::new(vec![tuple::empty()])),
        })
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, Reversed>, state: &Obj) -> PyResult<()> {
        let i = state.to_isize(cx)? as i64;
        if let Some(of) = this.of.get() {
            let n = of.len(cx)? as i64;
            this.at.set(i.clamp(-1, n - 1));
        }
        Ok(())
    }
}
