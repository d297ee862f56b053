//! `deque`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::unpack_index;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, Type, generic_alias, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::deque_iter::{DequeIterator, DequeReverseIterator};

/// A sequence that grows and shrinks quickly at both ends.
///
/// With maxlen, what is added at one end of a full one pushes an item out at the other.
#[pyclass(name = "deque", module = "collections", flags(basetype, weakref, sequence), sig = "([iterable[, maxlen]])")]
#[derive(Traverse)]
pub struct Deque {
    items: RefCell<VecDeque<Obj>>,
    #[traverse(skip)]
    max: Cell<Option<usize>>,
    /// Counts the changes of length and order, for iterators.
    #[traverse(skip)]
    state: Cell<u64>,
}

impl Deque {
    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    pub(super) fn get(&self, i: usize) -> Option<Obj> {
        self.items.borrow().get(i).cloned()
    }

    pub(super) fn state(&self) -> u64 {
        self.state.get()
    }

    fn changed(&self) {
        self.state.set(self.state.get().wrapping_add(1));
    }

    fn snapshot(&self) -> Vec<Obj> {
        self.items.borrow().iter().cloned().collect()
    }

    /// Lets what takes all items of a deque take them at once.
    pub(super) fn show_items() {
        Deque::type_object().slots.items.set(Some(|this| this.downcast::<Deque>().map(Deque::snapshot)));
    }

    fn push_back(&self, cx: &Ctx, x: Obj) -> PyResult<()> {
        self.changed();
        let mut items = self.items.borrow_mut();
        items.try_reserve(1).map_err(|_| cx.no_memory())?;
        items.push_back(x);
        let extra = if self.max.get().is_some_and(|m| items.len() > m) { items.pop_front() } else { None };
        // What falls out may run code when it ends.
        drop(items);
        drop(extra);
        Ok(())
    }

    fn push_front(&self, cx: &Ctx, x: Obj) -> PyResult<()> {
        self.changed();
        let mut items = self.items.borrow_mut();
        items.try_reserve(1).map_err(|_| cx.no_memory())?;
        items.push_front(x);
        let extra = if self.max.get().is_some_and(|m| items.len() > m) { items.pop_back() } else { None };
        drop(items);
        drop(extra);
        Ok(())
    }

    fn remove_at(&self, i: usize) -> Option<Obj> {
        self.changed();
        self.items.borrow_mut().remove(i)
    }

    fn empty(&self) {
        self.changed();
        let old = self.items.take();
        drop(old);
    }

    fn extend_back(&self, cx: &Ctx, this: &Obj, iterable: &Obj) -> PyResult<()> {
        if iterable.is(this) {
            return self.snapshot().into_iter().try_for_each(|x| self.push_back(cx, x));
        }
        let it = iterable.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            self.push_back(cx, x)?;
        }
        Ok(())
    }

    /// The first position of an item in `from..to`; RuntimeError if comparing changes the deque.
    fn find(&self, cx: &Ctx, x: &Obj, from: usize, to: usize) -> PyResult<Option<usize>> {
        let state = self.state();
        for i in from..to.min(self.len()) {
            let Some(y) = self.get(i) else { break };
            let same = y.eq(cx, x)?;
            if self.state() != state {
                return Err(cx.runtime_error("deque mutated during iteration"));
            }
            if same {
                return Ok(Some(i));
            }
        }
        Ok(None)
    }

    fn index_of(&self, cx: &Ctx, key: &Obj) -> PyResult<usize> {
        if key.type_of().slots.index.get().is_none() {
            return Err(cx.type_error(format!("sequence index must be integer, not '{}'", key.type_of().name())));
        }
        unpack_index(key.to_index(cx)?, self.len()).ok_or_else(|| cx.index_error("deque index out of range"))
    }

    fn repeat_in_place(&self, cx: &Ctx, n: isize) -> PyResult<()> {
        let len = self.len();
        if len == 0 || n == 1 {
            return Ok(());
        }
        if n <= 0 {
            self.empty();
            return Ok(());
        }
        let once = self.snapshot();
        let Some(total) = len.checked_mul(n as usize).filter(|t| *t < isize::MAX as usize / 16) else {
            return Err(cx.no_memory());
        };
        // Only the last `maxlen` items would stay, so the others are never made.
        let keep = self.max.get().map_or(total, |m| m.min(total));
        let mut all = VecDeque::new();
        all.try_reserve_exact(keep).map_err(|_| cx.no_memory())?;
        for i in total - keep..total {
            all.push_back(once[i % len].clone());
        }
        self.changed();
        let old = self.items.replace(all);
        drop(old);
        Ok(())
    }
}

fn make(ty: &Type, items: VecDeque<Obj>, max: Option<usize>) -> Obj {
    new_instance(ty, Deque { items: RefCell::new(items), max: Cell::new(max), state: Cell::new(0) })
}

/// A copy of the same class; subclasses are asked to copy themselves.
fn copy(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
    let ty = this.obj().type_of();
    if ty.is(Deque::type_object()) {
        return Ok(make(ty, this.snapshot().into(), this.max.get()));
    }
    let mut args = vec![this.obj().clone()];
    args.extend(this.max.get().map(Obj::from));
    ty.as_obj().call_pos(cx, &args)
}

#[pymethods]
impl Deque {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(make(ty, VecDeque::new(), None))
    }

    fn __init__(cx: &Ctx, this: This<'_, Deque>, args: Args<'_>) -> PyResult<()> {
        if args.all().len() > 2 {
            return Err(cx.type_error(format!("deque() takes at most 2 arguments ({} given)", args.all().len())));
        }
        let (mut iterable, mut max) = (args.pos().first(), args.pos().get(1));
        for (name, value) in args.keywords() {
            match &*as_utf8_lossy(name) {
                "iterable" if iterable.is_none() => iterable = Some(value),
                "maxlen" if max.is_none() => max = Some(value),
                k @ ("iterable" | "maxlen") => {
                    return Err(cx.type_error(format!("argument for deque() given by name ('{k}') and position")));
                }
                k => return Err(cx.type_error(format!("deque() got an unexpected keyword argument '{k}'"))),
            }
        }
        let max = match max.filter(|m| !m.is_none()) {
            None => None,
            Some(m) if m.type_of().is_int_subtype() => match m.to_isize(cx)? {
                n if n < 0 => return Err(cx.value_error("maxlen must be non-negative")),
                n => Some(n as usize),
            },
            Some(_) => return Err(cx.type_error("an integer is required")),
        };
        this.max.set(max);
        if this.len() > 0 {
            this.empty();
        }
        iterable.map_or(Ok(()), |it| this.extend_back(cx, this.obj(), it))
    }

    fn __len__(_cx: &Ctx, this: This<'_, Deque>) -> PyResult<usize> {
        Ok(this.len())
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        Ok(DequeIterator::over(this))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Deque>, key: &Obj) -> PyResult {
        let i = this.index_of(cx, key)?;
        this.get(i).ok_or_else(|| cx.index_error("deque index out of range"))
    }

    fn __setitem__(cx: &Ctx, this: This<'_, Deque>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let i = this.index_of(cx, key)?;
        let old = match value {
            Some(v) => this.items.borrow_mut().get_mut(i).map(|slot| std::mem::replace(slot, v.clone())),
            None => this.remove_at(i),
        };
        drop(old);
        Ok(())
    }

    fn __contains__(cx: &Ctx, this: This<'_, Deque>, item: &Obj) -> PyResult<bool> {
        Ok(this.find(cx, item, 0, usize::MAX)?.is_some())
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Deque>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(b) = This::<Deque>::from_obj(other) else { return Ok(Obj::not_implemented()) };
        if matches!(op, CmpOp::Eq | CmpOp::Ne) {
            if this.obj().is(other) {
                return Ok(Obj::from_bool(op == CmpOp::Eq));
            }
            if this.len() != b.len() {
                return Ok(Obj::from_bool(op == CmpOp::Ne));
            }
        }
        let (x, y) = (DequeIterator::over(this), DequeIterator::over(b));
        loop {
            return match (x.next(cx)?, y.next(cx)?) {
                (Some(p), Some(q)) => {
                    if p.eq(cx, &q)? {
                        continue;
                    }
                    match op {
                        CmpOp::Eq => Ok(Obj::from_bool(false)),
                        CmpOp::Ne => Ok(Obj::from_bool(true)),
                        _ => p.rich_cmp(cx, &q, op),
                    }
                }
                (p, q) => Ok(Obj::from_bool(op.holds(p.is_some().cmp(&q.is_some())))),
            };
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, Deque>) -> PyResult<String> {
        let name = this.obj().type_of().short_name().to_string();
        let items = this.obj().guard_repr(cx, || list::new(this.snapshot()).repr(cx))?;
        let Some(items) = items else { return Ok("[...]".to_owned()) };
        let items = as_utf8_lossy(&items).into_owned();
        Ok(match this.max.get() {
            Some(m) => format!("{name}({items}, maxlen={m})"),
            None => format!("{name}({items})"),
        })
    }

    fn sq_concat(cx: &Ctx, this: This<'_, Deque>, other: &Obj) -> PyResult {
        if other.downcast::<Deque>().is_none() {
            return Err(
                cx.type_error(format!("can only concatenate deque (not \"{}\") to deque", other.type_of().name()))
            );
        }
        let r = copy(cx, this)?;
        if let Some(d) = r.downcast::<Deque>() {
            d.extend_back(cx, &r, other)?;
        }
        Ok(r)
    }

    fn sq_inplace_concat(cx: &Ctx, this: This<'_, Deque>, other: &Obj) -> PyResult {
        this.extend_back(cx, this.obj(), other)?;
        Ok(this.obj().clone())
    }

    fn sq_repeat(cx: &Ctx, this: This<'_, Deque>, n: isize) -> PyResult {
        let r = copy(cx, this)?;
        if let Some(d) = r.downcast::<Deque>() {
            d.repeat_in_place(cx, n)?;
        }
        Ok(r)
    }

    fn sq_inplace_repeat(cx: &Ctx, this: This<'_, Deque>, n: isize) -> PyResult {
        this.repeat_in_place(cx, n)?;
        Ok(this.obj().clone())
    }

    /// Adds an element to the right side.
    #[pymethod(sig = "($self, item, /)")]
    fn append(cx: &Ctx, this: This<'_, Deque>, item: &Obj) -> PyResult<()> {
        this.push_back(cx, item.clone())
    }

    /// Adds an element to the left side.
    #[pymethod(sig = "($self, item, /)")]
    fn appendleft(cx: &Ctx, this: This<'_, Deque>, item: &Obj) -> PyResult<()> {
        this.push_front(cx, item.clone())
    }

    /// Takes out the last item; IndexError if there is none.
    #[pymethod]
    fn pop(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        this.changed();
        let x = this.items.borrow_mut().pop_back();
        x.ok_or_else(|| cx.index_error("pop from an empty deque"))
    }

    /// Takes out the first item; IndexError if there is none.
    #[pymethod]
    fn popleft(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        this.changed();
        let x = this.items.borrow_mut().pop_front();
        x.ok_or_else(|| cx.index_error("pop from an empty deque"))
    }

    /// Extends the right side with the elements of an iterable.
    #[pymethod(sig = "($self, iterable, /)")]
    fn extend(cx: &Ctx, this: This<'_, Deque>, iterable: &Obj) -> PyResult<()> {
        this.extend_back(cx, this.obj(), iterable)
    }

    /// Extends the left side with the elements of an iterable, which end up reversed.
    #[pymethod(sig = "($self, iterable, /)")]
    fn extendleft(cx: &Ctx, this: This<'_, Deque>, iterable: &Obj) -> PyResult<()> {
        if iterable.is(this.obj()) {
            return this.snapshot().into_iter().try_for_each(|x| this.push_front(cx, x));
        }
        let it = iterable.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            this.push_front(cx, x)?;
        }
        Ok(())
    }

    /// Removes all elements.
    #[pymethod(name = "clear")]
    fn py_clear(_cx: &Ctx, this: This<'_, Deque>) {
        this.empty();
    }

    /// Returns a shallow copy.
    #[pymethod(name = "copy")]
    fn py_copy(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        copy(cx, this)
    }

    #[pymethod(name = "__copy__")]
    fn dunder_copy(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        copy(cx, this)
    }

    /// Returns how many elements equal the value.
    #[pymethod(sig = "($self, value, /)")]
    fn count(cx: &Ctx, this: This<'_, Deque>, value: &Obj) -> PyResult<usize> {
        let mut n = 0;
        let mut from = 0;
        while let Some(i) = this.find(cx, value, from, usize::MAX)? {
            n += 1;
            from = i + 1;
        }
        Ok(n)
    }

    /// Returns the first position of the value; raises ValueError if it is not present.
    #[pymethod(sig = "($self, value, start=<unrepresentable>, stop=<unrepresentable>, /)")]
    fn index(cx: &Ctx, this: This<'_, Deque>, value: &Obj, start: Option<&Obj>, stop: Option<&Obj>) -> PyResult<usize> {
        let len = this.len() as isize;
        let clamp = |i: isize| if i < 0 { i.saturating_add(len).max(0) } else { i } as usize;
        let from = start.map_or(Ok(0), |x| x.to_isize_clamped(cx))?;
        let to = stop.map_or(Ok(isize::MAX), |x| x.to_isize_clamped(cx))?;
        match this.find(cx, value, clamp(from), clamp(to))? {
            Some(i) => Ok(i),
            None => Err(cx.value_error("deque.index(x): x not in deque")),
        }
    }

    /// Inserts a value before a position.
    #[pymethod(sig = "($self, index, value, /)")]
    fn insert(cx: &Ctx, this: This<'_, Deque>, index: &Obj, value: &Obj) -> PyResult<()> {
        let i = index.to_isize(cx)?;
        let len = this.len();
        if this.max.get().is_some_and(|m| len >= m) {
            return Err(cx.index_error("deque already at its maximum size"));
        }
        let i = if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { (i as usize).min(len) };
        this.changed();
        this.items.borrow_mut().insert(i, value.clone());
        Ok(())
    }

    /// Removes the first occurrence of the value; raises ValueError if it is not present.
    #[pymethod(sig = "($self, value, /)")]
    fn remove(cx: &Ctx, this: This<'_, Deque>, value: &Obj) -> PyResult<()> {
        let len = this.len();
        let state = this.state();
        for i in 0..len {
            let Some(y) = this.get(i) else { break };
            let same = y.eq(cx, value)?;
            if this.state() != state {
                return Err(cx.index_error("deque mutated during remove()."));
            }
            if same {
                drop(this.remove_at(i));
                return Ok(());
            }
        }
        Err(cx.value_error("deque.remove(x): x not in deque"))
    }

    /// Reverses the deque in place.
    #[pymethod]
    fn reverse(_cx: &Ctx, this: This<'_, Deque>) {
        this.changed();
        this.items.borrow_mut().make_contiguous().reverse();
    }

    /// Rotates the deque n steps to the right; to the left if n is negative.
    #[pymethod(sig = "($self, n=1, /)")]
    fn rotate(cx: &Ctx, this: This<'_, Deque>, n: Option<&Obj>) -> PyResult<()> {
        let n = n.map_or(Ok(1), |n| n.to_isize(cx))?;
        let len = this.len();
        if len > 1 {
            this.changed();
            this.items.borrow_mut().rotate_right(n.rem_euclid(len as isize) as usize);
        }
        Ok(())
    }

    #[pymethod(name = "__reversed__")]
    fn reversed(_cx: &Ctx, this: This<'_, Deque>) -> Obj {
        DequeReverseIterator::over(this)
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, Deque>) -> PyResult {
        let ty = this.obj().type_of().as_obj();
        let state = this.obj().call_method(cx, intern!("__getstate__"), &[])?;
        let args = match this.max.get() {
            Some(m) => tuple::pair(tuple::empty(), Obj::from(m)),
            None => tuple::empty(),
        };
        Ok(tuple::new(vec![ty, args, state, this.obj().iter(cx)?]))
    }

    #[pymethod(name = "__sizeof__")]
    fn sizeof(_cx: &Ctx, this: This<'_, Deque>) -> usize {
        this.obj().type_of().layout().basic_size as usize + this.items.borrow().capacity() * 8
    }

    /// The maximum size, or None if unbounded.
    #[pygetter]
    fn maxlen(_cx: &Ctx, this: This<'_, Deque>) -> Option<usize> {
        this.max.get()
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
