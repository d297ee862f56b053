//! Iteration.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::FixedShape;
use crate::types::exc;
use crate::types::list::{List, ListIterator};
use crate::types::range::RangeIterator;
use crate::types::tuple::{Tuple, TupleIterator};
use crate::value::Obj;

impl Obj {
    /// `iter(x)`.
    pub fn iter(&self, cx: &Ctx) -> PyResult {
        let ty = self.type_of();
        if let Some(f) = ty.slots.iter.get() {
            let it = f(cx, self)?;
            if it.type_of().slots.next.get().is_none() {
                return Err(cx.type_error(format!("iter() returned non-iterator of type '{}'", it.type_of().name())));
            }
            return Ok(it);
        }
        if ty.slots.getitem.get().is_some() && !ty.flags().mapping_like {
            return Ok(crate::types::iterators::seq_iter(self));
        }
        Err(cx.type_error(format!("'{}' object is not iterable", ty.name())))
    }

    /// The next item of an iterator over an exact list or tuple or a range of small ints, if it is at hand.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Obj> {
        let v = if let Some(l) = self.fixed::<ListIterator>(FixedShape::ListIterator) {
            l.quick_next()?
        } else if let Some(t) = self.fixed::<TupleIterator>(FixedShape::TupleIterator) {
            t.quick_next()?
        } else {
            return self.fixed::<RangeIterator>(FixedShape::RangeIterator)?.advance().map(Obj::from);
        };
        // SAFETY: the container keeps the item alive until it is counted here.
        Some(unsafe { Obj::from_borrowed(v) })
    }

    /// The next item of an iterator; nothing at its end.
    #[inline]
    pub fn next(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        cx.step()?;
        if let Some(x) = self.quick_next() {
            return Ok(Some(x));
        }
        self.next_or_stop(cx).or_else(|r| cx.swallow(r, exc::StopIteration()).map(|()| None))
    }

    /// As [`Obj::next`], but an end that has a value, as that of a generator, is a StopIteration.
    #[inline]
    pub fn next_or_stop(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        // Iterators that take their items from other ones may be nested.
        cx.check_stack("")?;
        match self.type_of().slots.next.get() {
            Some(f) => f(cx, self),
            None => Err(cx.type_error(format!("'{}' object is not an iterator", self.type_of().name()))),
        }
    }

    /// Calls `f` with each item. Exact lists and tuples are walked without an iterator; a list that changes
    /// under way is walked as its iterator would.
    pub fn for_each(&self, cx: &Ctx, mut f: impl FnMut(Obj) -> PyResult<()>) -> PyResult<()> {
        if let Some(items) = crate::types::tuple::items_if_exact_tuple(self) {
            for x in items {
                f(x.clone())?;
            }
            return Ok(());
        }
        if self.is_exact(FixedShape::List)
            && let Some(l) = self.downcast::<crate::types::list::List>()
        {
            let mut i = 0;
            while let Some(x) = l.get(i) {
                cx.step()?;
                f(x)?;
                i += 1;
            }
            return Ok(());
        }
        let it = self.iter(cx)?;
        while let Some(x) = it.next(cx)? {
            f(x)?;
        }
        Ok(())
    }

    /// All items.
    pub fn collect(&self, cx: &Ctx) -> PyResult<Vec<Obj>> {
        let words = match (self.fixed::<List>(FixedShape::List), self.fixed::<Tuple>(FixedShape::Tuple)) {
            (Some(l), _) => Some(l.words()),
            (None, Some(t)) => Some(t.values()),
            (None, None) => None,
        };
        if let Some(words) = words {
            let mut v = Vec::new();
            if v.try_reserve_exact(words.len()).is_err() {
                return Err(cx.no_memory());
            }
            for w in words {
                // SAFETY: the sequence keeps its items alive.
                v.push(unsafe { Obj::from_borrowed(*w) });
            }
            return Ok(v);
        }
        let ty = self.type_of();
        // A class written in Python may iterate in a way of its own.
        if let Some(items) = ty.slots.items.get().filter(|_| !ty.is_heap_type())
            && let Some(v) = items(self)
        {
            return Ok(v);
        }
        let hint = self.length_hint(cx, 0)?;
        let mut v = Vec::new();
        if v.try_reserve(hint.min(1 << 20)).is_err() {
            return Err(cx.no_memory());
        }
        self.for_each(cx, |x| {
            if v.len() == v.capacity() && v.try_reserve(1).is_err() {
                return Err(cx.no_memory());
            }
            v.push(x);
            Ok(())
        })?;
        Ok(v)
    }

    /// `operator.length_hint(x, default)`.
    pub fn length_hint(&self, cx: &Ctx, default: usize) -> PyResult<usize> {
        if let Some(f) = self.type_of().slots.len.get() {
            match f(cx, self) {
                Ok(n) => return Ok(n),
                Err(r) => cx.swallow(r, exc::TypeError())?,
            }
        }
        let Some(m) = self.lookup_special(cx, intern!("__length_hint__"))? else { return Ok(default) };
        let r = match m.call0(cx) {
            Ok(r) => r,
            Err(r) => {
                cx.swallow(r, exc::TypeError())?;
                return Ok(default);
            }
        };
        if r.is_not_implemented() {
            return Ok(default);
        }
        if !r.type_of().is_int_subtype() {
            return Err(cx.type_error(format!("__length_hint__ must be an integer, not {}", r.type_of().name())));
        }
        let n = r.to_i64(cx)?;
        usize::try_from(n).map_err(|_| cx.value_error("__length_hint__() should return >= 0"))
    }
}
