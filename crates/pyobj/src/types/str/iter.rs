//! The iterator over a string's characters.

use std::cell::Cell;

use super::storage::shared_char;
use super::{Str, StrData, from_char};
use crate::ctx::{Ctx, PyResult};
use crate::heap::Traverse;
use crate::intern;
use crate::native::{FixedShape, PyClass, This, pyclass, pymethods};
use crate::types::tuple;
use crate::value::{Obj, ObjCell, Value};

/// Iterates over a string.
#[derive(Traverse)]
#[pyclass(name = "str_iterator", fixed = StrIterator, flags(no_new))]
pub struct StrIterator {
    text: ObjCell,
    at: Cell<usize>,
}

/// An iterator over a str object.
pub(crate) fn new(text: Obj) -> Obj {
    crate::heap::new_instance(
        StrIterator::type_object(),
        StrIterator { text: ObjCell::new(Some(text)), at: Cell::new(0) },
    )
}

impl StrIterator {
    /// Moves on and returns the next character's word, which is shared for good; nothing at the end or if that takes
    /// more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        let word = self.text.peek()?;
        let i = self.at.get();
        // SAFETY: the cell keeps the text alive; reading a character runs nothing.
        let text = unsafe { Obj::borrow_from(&word) }.fixed::<Str>(FixedShape::Str)?;
        let StrData::Latin1(units) = text.data() else { return None };
        let v = shared_char(*units.get(i)?)?;
        self.at.set(i + 1);
        Some(v)
    }
}

#[pymethods]
impl StrIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(&self) -> PyResult<Option<Obj>> {
        let it = self;
        let Some(word) = it.text.peek() else { return Ok(None) };
        let i = it.at.get();
        // SAFETY: the cell keeps the text alive; reading a character runs nothing.
        let text = unsafe { Obj::borrow_from(&word) };
        match text.downcast::<Str>().and_then(|s| s.get(i)) {
            Some(c) => {
                it.at.set(i + 1);
                Ok(Some(from_char(c)))
            }
            None => {
                it.text.set(None);
                Ok(None)
            }
        }
    }

    /// How many characters are left at most.
    #[pymethod]
    fn __length_hint__(_cx: &Ctx, this: This<'_, StrIterator>) -> usize {
        let len = this.text.get().and_then(|t| t.downcast::<Str>().map(Str::len));
        len.unwrap_or(0).saturating_sub(this.at.get())
    }

    /// Pickles the iterator.
    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, StrIterator>) -> PyResult {
        let iter = super::class::builtin(cx, intern!("iter"))?;
        Ok(match this.text.get() {
            Some(t) => tuple::new(vec![iter, tuple::new(vec![t]), Obj::from(this.at.get())]),
            None => tuple::new(vec![iter, tuple::new(vec![super::empty()])]),
        })
    }

    /// Moves the iterator.
    #[pymethod(sig = "($self, state, /)")]
    fn __setstate__(cx: &Ctx, this: This<'_, StrIterator>, state: &Obj) -> PyResult<()> {
        let at = state.to_isize_clamped(cx)?.max(0) as usize;
        if let Some(t) = this.text.get() {
            this.at.set(at.min(t.downcast::<Str>().map_or(0, Str::len)));
        }
        Ok(())
    }
}
