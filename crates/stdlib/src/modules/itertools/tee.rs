//! `tee`: iterators that share what they have read.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::iterator;

const BLOCK: usize = 57;

/// A block of shared items, linked to the next one.
#[pyclass(name = "_tee_dataobject", module = "itertools", flags(no_new))]
#[derive(Traverse)]
pub struct Block {
    it: Obj,
    items: RefCell<Vec<Obj>>,
    next: ObjCell,
    #[traverse(skip)]
    running: Cell<bool>,
}

fn new_block(it: Obj) -> Obj {
    new_instance(
        Block::type_object(),
        Block { it, items: RefCell::new(Vec::new()), next: ObjCell::new(None), running: Cell::new(false) },
    )
}

impl Block {
    /// Item `i`, fetched if it is the next one.
    fn get(&self, cx: &Ctx, i: usize) -> PyResult<Option<Obj>> {
        if let Some(x) = self.items.borrow().get(i) {
            return Ok(Some(x.clone()));
        }
        if self.running.replace(true) {
            return Err(cx.runtime_error("cannot re-enter the tee iterator"));
        }
        let x = self.it.next(cx);
        self.running.set(false);
        let x = x?;
        if let Some(x) = &x {
            self.items.borrow_mut().push(x.clone());
        }
        Ok(x)
    }

    fn next_block(&self) -> Obj {
        self.next.get().unwrap_or_else(|| {
            let b = new_block(self.it.clone());
            self.next.set(Some(b.clone()));
            b
        })
    }
}

impl Drop for Block {
    /// A long chain that nobody else holds is taken apart link by link, not by recursion.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(o) = next {
            if o.ref_count() != 1 {
                break;
            }
            next = o.downcast::<Block>().and_then(|b| b.next.take());
        }
    }
}

#[pymethods]
impl Block {}

/// Iterator that shares its items with copies of itself.
#[pyclass(name = "_tee", module = "itertools", flags(weakref), sig = "(iterable, /)")]
#[derive(Traverse)]
pub struct Tee {
    block: ObjCell,
    #[traverse(skip)]
    at: Cell<usize>,
}

iterator!(Tee);

fn new_tee(block: Obj, at: usize) -> Obj {
    new_instance(Tee::type_object(), Tee { block: ObjCell::new(Some(block)), at: Cell::new(at) })
}

impl Tee {
    fn copied(&self, cx: &Ctx) -> PyResult {
        match self.block.get() {
            Some(b) => Ok(new_tee(b, self.at.get())),
            None => Err(cx.runtime_error("tee iterator was cleared")),
        }
    }
}

fn from_iterable(cx: &Ctx, iterable: &Obj) -> PyResult {
    let it = iterable.iter(cx)?;
    match it.downcast::<Tee>() {
        Some(t) => t.copied(cx),
        None => Ok(new_tee(new_block(it), 0)),
    }
}

/// `tee(iterable, n)`.
pub(super) fn split(cx: &Ctx, iterable: &Obj, n: isize) -> PyResult {
    if n < 0 {
        return Err(cx.value_error("n must be >= 0"));
    }
    let mut all = Vec::new();
    if all.try_reserve_exact(n as usize).is_err() {
        return Err(cx.no_memory());
    }
    if n > 0 {
        let first = from_iterable(cx, iterable)?;
        all.push(first.clone());
        if let Some(t) = first.downcast::<Tee>() {
            for _ in 1..n {
                all.push(t.copied(cx)?);
            }
        }
    }
    Ok(tuple::new(all))
}

#[pymethods(parts("iterator"))]
impl Tee {
    #[pynew(sig = "(iterable, /)")]
    fn __new__(cx: &Ctx, _ty: &Type, iterable: &Obj) -> PyResult {
        from_iterable(cx, iterable)
    }

    fn __next__(cx: &Ctx, this: This<'_, Tee>) -> PyResult<Option<Obj>> {
        let Some(mut block) = this.block.get() else { return Ok(None) };
        if this.at.get() >= BLOCK {
            let Some(b) = block.downcast::<Block>() else { return Ok(None) };
            let next = b.next_block();
            this.block.set(Some(next.clone()));
            this.at.set(0);
            block = next;
        }
        let Some(b) = block.downcast::<Block>() else { return Ok(None) };
        let x = b.get(cx, this.at.get())?;
        if x.is_some() {
            this.at.set(this.at.get() + 1);
        }
        Ok(x)
    }

    /// Returns an independent iterator at the same place.
    #[pymethod(name = "__copy__")]
    fn copy(cx: &Ctx, this: This<'_, Tee>) -> PyResult {
        this.copied(cx)
    }
}
