//! `zip`.

use std::cell::Cell;

use crate::heap::Traverse;
use crate::native::{pyclass, pymethods};

use crate::ctx::{Ctx, PyResult, Raised};
use crate::heap;
use crate::native::This;
use crate::types::{Type, tuple};
use crate::value::Obj;

/// Yields tuples of one item from each iterable until one is exhausted.
///
/// If strict is true and the iterables differ in length, ValueError is raised.
///
/// >>> list(zip('ab', range(5), strict=False))
/// [('a', 0), ('b', 1)]
#[pyclass(name = "zip", fixed = Zip, flags(basetype))]
#[derive(Traverse)]
pub struct Zip {
    its: Box<[Obj]>,
    #[traverse(skip)]
    strict: Cell<bool>,
}

/// `zip() argument 3 is shorter than arguments 1-2`.
pub(super) fn unequal(cx: &Ctx, function: &str, i: usize, how: &str) -> Raised {
    let others = if i == 1 { " 1".to_owned() } else { format!("s 1-{i}") };
    cx.value_error(format!("{function}() argument {} is {how} than argument{others}", i + 1))
}

/// One item of each iterator; nothing when one is exhausted. In strict mode all must be.
pub(super) fn next_of_all(cx: &Ctx, its: &[Obj], strict: bool, function: &str) -> PyResult<Option<Vec<Obj>>> {
    let mut items = Vec::with_capacity(its.len());
    for (i, it) in its.iter().enumerate() {
        match it.next(cx)? {
            Some(x) => items.push(x),
            None if !strict => return Ok(None),
            None if i > 0 => return Err(unequal(cx, function, i, "shorter")),
            None => {
                for (j, it) in its.iter().enumerate().skip(1) {
                    if it.next(cx)?.is_some() {
                        return Err(unequal(cx, function, j, "longer"));
                    }
                }
                return Ok(None);
            }
        }
    }
    Ok(Some(items))
}

impl Zip {
    /// The two iterators of a plain `zip(a, b)`.
    #[inline]
    pub fn as_pair(&self) -> Option<(&Obj, &Obj)> {
        match &self.its[..] {
            [a, b] if !self.strict.get() => Some((a, b)),
            _ => None,
        }
    }

    /// One item of each of two iterators; nothing when one is exhausted.
    pub fn advance_pair(cx: &Ctx, (a, b): (&Obj, &Obj)) -> PyResult<Option<(Obj, Obj)>> {
        let Some(x) = a.next(cx)? else { return Ok(None) };
        let Some(y) = b.next(cx)? else { return Ok(None) };
        Ok(Some((x, y)))
    }
}

#[pymethods]
impl Zip {
    #[pynew(sig = "(*iterables, strict=False)")]
    fn __new__(cx: &Ctx, ty: &Type, iterables: &[Obj], strict: Option<&Obj>) -> PyResult {
        let strict = strict.map_or(Ok(false), |s| s.truthy(cx))?;
        let mut its = Vec::with_capacity(iterables.len());
        for x in iterables {
            its.push(x.iter(cx)?);
        }
        Ok(heap::new_instance(ty, Zip { its: its.into(), strict: Cell::new(strict) }))
    }

    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Zip>) -> PyResult<Option<Obj>> {
        if let Some(two) = this.as_pair() {
            return Ok(Zip::advance_pair(cx, two)?.map(|(x, y)| tuple::pair(x, y)));
        }
        if this.its.is_empty() {
            return Ok(None);
        }
        Ok(next_of_all(cx, &this.its, this.strict.get(), "zip")?.map(tuple::new))
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(_cx: &Ctx, this: This<'_, Zip>) -> PyResult {
        let mut parts = vec![this.obj().type_of().as_obj(), tuple::from_slice(&this.its)];
        if this.strict.get() {
            parts.push(Obj::from_bool(true));
        }
        Ok(tuple::new(parts))
    }

    #[pymethod(name = "__setstate__", sig = "($self, state, /)")]
    fn setstate(cx: &Ctx, this: This<'_, Zip>, state: &Obj) -> PyResult<()> {
        this.strict.set(state.truthy(cx)?);
        Ok(())
    }
}
