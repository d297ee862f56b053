//! Reading, assigning and deleting slices.

use super::List;
use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::types::seqops::{self, Bounds};
use crate::types::slice::Slice;
use crate::value::{Obj, Value};

const NOT_ITERABLE: &str = "must assign iterable to extended slice";

/// The items of an exact list or tuple, for one short access that runs no Python code.
fn ready_items(value: &Obj) -> Option<&[Obj]> {
    if value.is_exact(FixedShape::List) {
        return super::as_list(value).map(List::as_slice);
    }
    crate::types::tuple::items_if_exact_tuple(value)
}

impl List {
    /// A new list of the selected items.
    pub(super) fn slice(&self, cx: &Ctx, b: Bounds) -> PyResult {
        let mut v = seqops::vec_for(cx, b.count)?;
        if b.step == 1 {
            let from = b.start as usize;
            // SAFETY: the list keeps its items alive while they are cloned, which runs nothing.
            v.extend_from_slice(unsafe { &Obj::slice_from(self.values().as_ptr(), self.len())[from..from + b.count] });
        } else {
            v.extend(b.positions().filter_map(|i| self.get(i)));
        }
        Ok(super::new(v))
    }

    /// `list[slice] = value`.
    pub(super) fn assign_slice(&self, cx: &Ctx, this: &Obj, slice: &Slice, value: &Obj) -> PyResult<()> {
        let (start, stop, step) = slice.unpack(cx)?;
        if step == 1
            && !value.is(this)
            && let Some(items) = ready_items(value)
        {
            let (start, stop, _) = crate::types::slice::adjust(self.len(), start, stop, 1);
            if stop.max(start) - start == items.len() as isize {
                return self.overwrite(cx, start as usize, items);
            }
        }
        if step == 1 {
            let items = self.items_to_assign(cx, this, value, NOT_ITERABLE)?;
            // Collecting the items may have changed the list.
            let (start, stop, _) = crate::types::slice::adjust(self.len(), start, stop, 1);
            return self.splice(cx, start as usize, stop.max(start) as usize, items);
        }
        let items = self.items_to_assign(cx, this, value, NOT_ITERABLE)?;
        let (start, _, count) = crate::types::slice::adjust(self.len(), start, stop, step);
        if items.len() != count {
            return Err(cx.value_error(format!(
                "attempt to assign sequence of size {} to extended slice of size {count}",
                items.len()
            )));
        }
        let mut old = seqops::vec_for(cx, count)?;
        for (i, x) in (Bounds { start, step, count }).positions().zip(items) {
            old.push(self.set(i, x));
        }
        drop(old);
        Ok(())
    }

    /// Replaces as many items as are given, in place.
    fn overwrite(&self, cx: &Ctx, start: usize, items: &[Obj]) -> PyResult<()> {
        let mut old = seqops::vec_for(cx, items.len())?;
        for (slot, x) in self.vec()[start..].iter_mut().zip(items) {
            // SAFETY: the list owned the old word, which ends after all are replaced.
            old.push(unsafe { Obj::from_owned(std::mem::replace(slot, x.clone().into_value())) });
        }
        drop_from_last(old);
        Ok(())
    }

    fn items_to_assign(&self, cx: &Ctx, this: &Obj, value: &Obj, message: &str) -> PyResult<Vec<Obj>> {
        if value.is(this) {
            return Ok(self.snapshot());
        }
        if value.type_of().slots.iter.get().is_none() && value.type_of().slots.getitem.get().is_none() {
            return Err(cx.type_error(message));
        }
        value.collect(cx)
    }

    /// Replaces items `start..stop` by others.
    pub(crate) fn splice(&self, cx: &Ctx, start: usize, stop: usize, items: Vec<Obj>) -> PyResult<()> {
        let removed = stop - start;
        if items.len() > removed {
            self.reserve(cx, items.len() - removed)?;
        }
        let mut old = seqops::vec_for(cx, removed)?;
        old.extend(self.vec().splice(start..stop, seqops::into_values(items)));
        self.shrink();
        // SAFETY: the list owned the removed items.
        drop_from_last(unsafe { seqops::from_values(old) });
        Ok(())
    }

    /// `del list[slice]`.
    pub(super) fn delete_slice(&self, cx: &Ctx, b: Bounds) -> PyResult<()> {
        if b.count == 0 {
            return Ok(());
        }
        let b = b.ascending();
        let (from, step) = (b.start as usize, b.step as usize);
        if step == 1 {
            return self.splice(cx, from, from + b.count, Vec::new());
        }
        let mut old = seqops::vec_for(cx, b.count)?;
        let v = self.vec();
        let mut out = from;
        for i in from..v.len() {
            let off = i - from;
            if off.is_multiple_of(step) && off / step < b.count {
                old.push(v[i]);
            } else {
                v[out] = v[i];
                out += 1;
            }
        }
        v.truncate(out);
        self.shrink();
        // SAFETY: the list owned the removed items.
        drop_from_last(unsafe { seqops::from_values(old) });
        Ok(())
    }
}

impl List {
    /// `list[start:stop:step]` for bounds that are None or small ints, given as words; nothing for others.
    pub fn quick_slice(&self, start: Value, stop: Value, step: Value) -> Option<Obj> {
        let items = self.values();
        let b = seqops::plain_bounds(items.len(), start, stop, step)?;
        if b.step == 1 {
            // SAFETY: the list keeps its items alive; taking some runs nothing.
            return Some(unsafe { super::from_values(&items[b.start as usize..][..b.count]) });
        }
        let mut words = Vec::with_capacity(b.count);
        for i in b.positions() {
            // SAFETY: as above.
            unsafe { items[i].incref() };
            words.push(items[i]);
        }
        Some(super::from_word_vec(words))
    }

    /// `list[start:stop] = items` for as many items as the slice has, few enough to be exchanged on the stack. False, with
    /// nothing changed, where that does not apply.
    ///
    /// # Safety
    /// The items must be live values, and not those of this list.
    pub unsafe fn quick_assign(&self, start: Value, stop: Value, items: &[Value]) -> bool {
        const MOST: usize = 16;
        let none = Obj::none();
        let Some(b) = seqops::plain_bounds(self.len(), start, stop, none.value()) else { return false };
        if b.count != items.len() || b.count > MOST {
            return false;
        }
        let mut old = [Value::UNBOUND; MOST];
        let slots = &mut self.vec()[b.start as usize..][..b.count];
        for (i, slot) in slots.iter_mut().enumerate() {
            // SAFETY: by the caller's promise.
            unsafe { items[i].incref() };
            old[i] = std::mem::replace(slot, items[i]);
        }
        for v in old[..b.count].iter().rev() {
            if v.is_ptr() {
                // SAFETY: the list owned the old word.
                unsafe { v.decref() };
            }
        }
        true
    }
}

/// Items that leave a list end from the last one.
fn drop_from_last(mut items: Vec<Obj>) {
    while let Some(item) = items.pop() {
        drop(item);
    }
}
