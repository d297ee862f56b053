//! `product`, `permutations`, `combinations` and `combinations_with_replacement`.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::iterator;

/// The positions of the next result; nothing before the first and after the last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Running,
    Done,
}

fn pick(pool: &[Obj], indices: &[usize]) -> Obj {
    tuple::from_fn(indices.len(), |i| pool[indices[i]].clone())
}

fn indices(cx: &Ctx, n: usize) -> PyResult<Vec<usize>> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| cx.no_memory())?;
    Ok(v)
}

/// Yields the tuples of the Cartesian product of the iterables, the last one changing fastest.
#[pyclass(name = "product", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Product {
    /// The items of each iterable.
    pools: Vec<Vec<Obj>>,
    #[traverse(skip)]
    repeat: usize,
    #[traverse(skip)]
    indices: RefCell<Vec<usize>>,
    #[traverse(skip)]
    state: Cell<State>,
}

iterator!(Product);

impl Product {
    fn pool(&self, i: usize) -> &[Obj] {
        &self.pools[i % self.pools.len()]
    }
}

#[pymethods(parts("iterator"))]
impl Product {
    #[pynew(sig = "(*iterables, repeat=1)")]
    fn __new__(cx: &Ctx, ty: &Type, iterables: &[Obj], repeat: Option<&Obj>) -> PyResult {
        let repeat = repeat.map_or(Ok(1), |r| r.to_isize(cx))?;
        if repeat < 0 {
            return Err(cx.value_error("repeat argument cannot be negative"));
        }
        let repeat = if iterables.is_empty() { 0 } else { repeat as usize };
        let Some(n) = iterables.len().checked_mul(repeat) else {
            return Err(cx.overflow_error("repeat argument too large"));
        };
        let mut at = indices(cx, n)?;
        at.resize(n, 0);
        let mut pools = Vec::new();
        if repeat > 0 {
            for x in iterables {
                pools.push(x.collect(cx)?);
            }
        }
        let state = if pools.iter().any(Vec::is_empty) { State::Done } else { State::Fresh };
        Ok(new_instance(ty, Product { pools, repeat, indices: RefCell::new(at), state: Cell::new(state) }))
    }

    fn __next__(_cx: &Ctx, this: This<'_, Product>) -> PyResult<Option<Obj>> {
        let mut at = this.indices.borrow_mut();
        match this.state.get() {
            State::Done => return Ok(None),
            State::Fresh => this.state.set(State::Running),
            State::Running => {
                let mut i = at.len();
                loop {
                    if i == 0 {
                        this.state.set(State::Done);
                        return Ok(None);
                    }
                    i -= 1;
                    at[i] += 1;
                    if at[i] < this.pool(i).len() {
                        break;
                    }
                    at[i] = 0;
                }
            }
        }
        if this.repeat == 1 {
            return Ok(Some(tuple::from_fn(at.len(), |i| this.pools[i][at[i]].clone())));
        }
        Ok(Some(tuple::from_fn(at.len(), |i| this.pool(i)[at[i]].clone())))
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, Product>) -> usize {
        this.obj().type_of().layout().basic_size as usize + 8 * this.pools.len() * this.repeat
    }
}

/// Yields the r-length combinations of the items, without repeating a place.
#[pyclass(name = "combinations", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Combinations {
    pool: Vec<Obj>,
    #[traverse(skip)]
    indices: RefCell<Vec<usize>>,
    #[traverse(skip)]
    state: Cell<State>,
}

iterator!(Combinations);

fn pool_and_size(cx: &Ctx, iterable: &Obj, r: &Obj) -> PyResult<(Vec<Obj>, usize)> {
    let pool = iterable.collect(cx)?;
    let r = r.to_isize(cx)?;
    if r < 0 {
        return Err(cx.value_error("r must be non-negative"));
    }
    Ok((pool, r as usize))
}

#[pymethods(parts("iterator"))]
impl Combinations {
    #[pynew(sig = "(iterable, r)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, r: &Obj) -> PyResult {
        let (pool, r) = pool_and_size(cx, iterable, r)?;
        let (state, at) = if r > pool.len() { (State::Done, Vec::new()) } else { (State::Fresh, (0..r).collect()) };
        Ok(new_instance(ty, Combinations { pool, indices: RefCell::new(at), state: Cell::new(state) }))
    }

    fn __next__(_cx: &Ctx, this: This<'_, Combinations>) -> PyResult<Option<Obj>> {
        let (n, mut at) = (this.pool.len(), this.indices.borrow_mut());
        let r = at.len();
        match this.state.get() {
            State::Done => return Ok(None),
            State::Fresh => this.state.set(State::Running),
            State::Running => {
                let Some(i) = (0..r).rev().find(|&i| at[i] != i + n - r) else {
                    this.state.set(State::Done);
                    return Ok(None);
                };
                at[i] += 1;
                for j in i + 1..r {
                    at[j] = at[j - 1] + 1;
                }
            }
        }
        Ok(Some(pick(&this.pool, &at)))
    }
}

/// Yields the r-length combinations of the items, where places may repeat.
#[pyclass(name = "combinations_with_replacement", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct CombinationsWithReplacement {
    pool: Vec<Obj>,
    #[traverse(skip)]
    indices: RefCell<Vec<usize>>,
    #[traverse(skip)]
    state: Cell<State>,
}

iterator!(CombinationsWithReplacement);

#[pymethods(parts("iterator"))]
impl CombinationsWithReplacement {
    #[pynew(sig = "(iterable, r)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, r: &Obj) -> PyResult {
        let (pool, r) = pool_and_size(cx, iterable, r)?;
        let mut at = indices(cx, r)?;
        at.resize(r, 0);
        let state = if pool.is_empty() && r > 0 { State::Done } else { State::Fresh };
        Ok(new_instance(ty, CombinationsWithReplacement { pool, indices: RefCell::new(at), state: Cell::new(state) }))
    }

    fn __next__(_cx: &Ctx, this: This<'_, CombinationsWithReplacement>) -> PyResult<Option<Obj>> {
        let (n, mut at) = (this.pool.len(), this.indices.borrow_mut());
        match this.state.get() {
            State::Done => return Ok(None),
            State::Fresh => this.state.set(State::Running),
            State::Running => {
                let Some(i) = (0..at.len()).rev().find(|&i| at[i] != n - 1) else {
                    this.state.set(State::Done);
                    return Ok(None);
                };
                let next = at[i] + 1;
                at[i..].fill(next);
            }
        }
        Ok(Some(pick(&this.pool, &at)))
    }
}

/// Yields the r-length permutations of the items; r is their number by default.
#[pyclass(name = "permutations", module = "itertools", flags(basetype))]
#[derive(Traverse)]
pub struct Permutations {
    pool: Vec<Obj>,
    #[traverse(skip)]
    r: usize,
    #[traverse(skip)]
    indices: RefCell<Vec<usize>>,
    #[traverse(skip)]
    cycles: RefCell<Vec<usize>>,
    #[traverse(skip)]
    state: Cell<State>,
}

iterator!(Permutations);

#[pymethods(parts("iterator"))]
impl Permutations {
    #[pynew(sig = "(iterable, r=None)")]
    fn __new__(cx: &Ctx, ty: &Type, iterable: &Obj, r: Option<&Obj>) -> PyResult {
        let pool = iterable.collect(cx)?;
        let n = pool.len();
        let r = match r {
            None => n as isize,
            Some(r) if r.type_of().is_int_subtype() => r.to_isize(cx)?,
            Some(_) => return Err(cx.type_error("Expected int as r")),
        };
        if r < 0 {
            return Err(cx.value_error("r must be non-negative"));
        }
        let r = r as usize;
        let state = if r > n { State::Done } else { State::Fresh };
        let cycles = if r > n { Vec::new() } else { (0..r).map(|i| n - i).collect() };
        Ok(new_instance(
            ty,
            Permutations {
                pool,
                r,
                indices: RefCell::new((0..n).collect()),
                cycles: RefCell::new(cycles),
                state: Cell::new(state),
            },
        ))
    }

    fn __next__(_cx: &Ctx, this: This<'_, Permutations>) -> PyResult<Option<Obj>> {
        let mut at = this.indices.borrow_mut();
        let (n, r) = (at.len(), this.r);
        match this.state.get() {
            State::Done => return Ok(None),
            State::Fresh => this.state.set(State::Running),
            State::Running => {
                let mut cycles = this.cycles.borrow_mut();
                let mut i = r;
                loop {
                    if i == 0 {
                        this.state.set(State::Done);
                        return Ok(None);
                    }
                    i -= 1;
                    cycles[i] -= 1;
                    if cycles[i] == 0 {
                        at[i..].rotate_left(1);
                        cycles[i] = n - i;
                    } else {
                        let j = n - cycles[i];
                        at.swap(i, j);
                        break;
                    }
                }
            }
        }
        Ok(Some(pick(&this.pool, &at[..r])))
    }
}
