//! `zip_longest`.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::iterator;

/// Yields tuples of one item from each iterable until the longest is exhausted; missing items are filled.
#[pyclass(name = "zip_longest", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct ZipLongest {
    /// Exhausted iterators are gone.
    its: RefCell<Vec<Option<Obj>>>,
    fill: Obj,
    #[traverse(skip)]
    active: Cell<usize>,
}

iterator!(ZipLongest);

#[pymethods(parts("iterator"))]
impl ZipLongest {
    #[pynew(sig = "(*iterables, fillvalue=None)")]
    fn __new__(cx: &Ctx, ty: &Type, iterables: &[Obj], fillvalue: Obj) -> PyResult {
        let mut its = Vec::with_capacity(iterables.len());
        for x in iterables {
            its.push(Some(x.iter(cx)?));
        }
        let active = Cell::new(its.len());
        Ok(new_instance(ty, ZipLongest { its: RefCell::new(its), fill: fillvalue, active }))
    }

    fn __next__(cx: &Ctx, this: This<'_, ZipLongest>) -> PyResult<Option<Obj>> {
        if this.active.get() == 0 {
            return Ok(None);
        }
        let n = this.its.borrow().len();
        let mut items = Vec::with_capacity(n);
        for i in 0..n {
            let it = this.its.borrow().get(i).cloned().flatten();
            let x = match it {
                None => this.fill.clone(),
                Some(it) => match it.next(cx) {
                    Ok(Some(x)) => x,
                    Ok(None) => {
                        this.active.set(this.active.get().saturating_sub(1));
                        if this.active.get() == 0 {
                            return Ok(None);
                        }
                        let gone = this.its.borrow_mut().get_mut(i).and_then(Option::take);
                        drop(gone);
                        this.fill.clone()
                    }
                    Err(r) => {
                        this.active.set(0);
                        return Err(r);
                    }
                },
            };
            items.push(x);
        }
        Ok(Some(tuple::new(items)))
    }
}
