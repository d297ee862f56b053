//! The iterators over a string's characters: that of ASCII texts is a type of its own.

use std::cell::Cell;

use super::storage::shared_char;
use super::{Str, StrData, from_char};
use crate::ctx::{Ctx, PyResult};
use crate::heap::Traverse;
use crate::intern;
use crate::native::{FixedShape, PyClass, This, pyclass, pymethods};
use crate::types::tuple;
use crate::value::{Obj, ObjCell, Value};

/// Where an iterator is in its text, which it drops at the end.
#[derive(Traverse)]
struct Place {
    text: ObjCell,
    at: Cell<usize>,
}

impl Place {
    fn next(&self) -> Option<Obj> {
        let word = self.text.peek()?;
        let i = self.at.get();
        // SAFETY: the cell keeps the text alive; reading a character runs nothing.
        let text = unsafe { Obj::borrow_from(&word) };
        match text.downcast::<Str>().and_then(|s| s.get(i)) {
            Some(c) => {
                self.at.set(i + 1);
                Some(from_char(c))
            }
            None => {
                self.text.set(None);
                None
            }
        }
    }

    fn left(&self) -> usize {
        let len = self.text.get().and_then(|t| t.downcast::<Str>().map(Str::len));
        len.unwrap_or(0).saturating_sub(self.at.get())
    }

    fn reduce(&self, cx: &Ctx) -> PyResult {
        let iter = super::class::builtin(cx, intern!("iter"))?;
        Ok(match self.text.get() {
            Some(t) => tuple::new(vec![iter, tuple::new(vec![t]), Obj::from(self.at.get())]),
            None => tuple::new(vec![iter, tuple::new(vec![super::empty()])]),
        })
    }

    fn move_to(&self, cx: &Ctx, state: &Obj) -> PyResult<()> {
        let at = state.to_isize_clamped(cx)?.max(0) as usize;
        if let Some(t) = self.text.get() {
            self.at.set(at.min(t.downcast::<Str>().map_or(0, Str::len)));
        }
        Ok(())
    }
}

/// Iterates over a string of ASCII characters.
#[derive(Traverse)]
#[pyclass(name = "str_ascii_iterator", fixed = StrIterator, flags(no_new))]
pub struct StrIterator(Place);

/// Iterates over a string.
#[derive(Traverse)]
#[pyclass(name = "str_iterator", flags(no_new))]
pub struct WideIterator(Place);

/// An iterator over a str object.
pub(crate) fn new(text: Obj) -> Obj {
    let ascii = text.downcast::<Str>().is_some_and(Str::is_ascii);
    let place = Place { text: ObjCell::new(Some(text)), at: Cell::new(0) };
    if ascii {
        crate::heap::new_instance(StrIterator::type_object(), StrIterator(place))
    } else {
        crate::heap::new_instance(WideIterator::type_object(), WideIterator(place))
    }
}

impl StrIterator {
    /// Moves on and returns the next character's word, which is shared for good; nothing at the end or if that takes
    /// more.
    #[inline(always)]
    pub fn quick_next(&self) -> Option<Value> {
        let word = self.0.text.peek()?;
        let i = self.0.at.get();
        // SAFETY: the cell keeps the text alive; reading a character runs nothing.
        let text = unsafe { Obj::borrow_from(&word) }.fixed::<Str>(FixedShape::Str)?;
        let StrData::Latin1(units) = text.data() else { return None };
        let v = shared_char(*units.get(i)?)?;
        self.0.at.set(i + 1);
        Some(v)
    }
}

macro_rules! iterator_methods {
    ($ty:ident) => {
        #[pymethods]
        impl $ty {
            fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
                this.clone()
            }

            fn __next__(&self) -> PyResult<Option<Obj>> {
                Ok(self.0.next())
            }

            /// How many characters are left at most.
            #[pymethod]
            fn __length_hint__(_cx: &Ctx, this: This<'_, $ty>) -> usize {
                this.0.left()
            }

            /// Pickles the iterator.
            #[pymethod]
            fn __reduce__(cx: &Ctx, this: This<'_, $ty>) -> PyResult {
                this.0.reduce(cx)
            }

            /// Moves the iterator.
            #[pymethod(sig = "($self, state, /)")]
            fn __setstate__(cx: &Ctx, this: This<'_, $ty>, state: &Obj) -> PyResult<()> {
                this.0.move_to(cx, state)
            }
        }
    };
}

iterator_methods!(StrIterator);
iterator_methods!(WideIterator);
