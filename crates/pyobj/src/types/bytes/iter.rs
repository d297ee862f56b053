//! Iterators over bytes and bytearray objects.

use std::cell::Cell;

use super::{ByteArray, Bytes};
use crate::ctx::{Ctx, PyResult};
use crate::heap::Traverse;
use crate::intern;
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::types::tuple;
use crate::value::{Obj, ObjCell};

/// Iterates over the bytes of a bytes object.
#[derive(Traverse)]
#[pyclass(name = "bytes_iterator", fixed = BytesIterator, flags(no_new))]
pub struct BytesIterator {
    bytes: ObjCell,
    at: Cell<usize>,
}

/// Iterates over the bytes of a bytearray object.
#[derive(Traverse)]
#[pyclass(name = "bytearray_iterator", flags(no_new))]
pub struct ByteArrayIterator {
    bytes: ObjCell,
    at: Cell<usize>,
}

pub(super) fn new(bytes: Obj) -> Obj {
    let it = BytesIterator { bytes: ObjCell::new(Some(bytes)), at: Cell::new(0) };
    crate::heap::new_instance(BytesIterator::type_object(), it)
}

pub(super) fn new_bytearray(bytes: Obj) -> Obj {
    let it = ByteArrayIterator { bytes: ObjCell::new(Some(bytes)), at: Cell::new(0) };
    crate::heap::new_instance(ByteArrayIterator::type_object(), it)
}

fn get(o: &Obj, i: usize) -> Option<u8> {
    match o.downcast::<Bytes>() {
        Some(b) => b.as_slice().get(i).copied(),
        None => o.downcast::<ByteArray>().and_then(|b| b.get(i)),
    }
}

fn len(o: &Obj) -> usize {
    o.downcast::<Bytes>().map(Bytes::len).or_else(|| o.downcast::<ByteArray>().map(|b| b.len())).unwrap_or(0)
}

macro_rules! byte_iterator {
    ($T:ident) => {
        #[pymethods]
        impl $T {
            fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
                this.clone()
            }

            fn __next__(&self) -> PyResult<Option<Obj>> {
                let Some(bytes) = self.bytes.get() else { return Ok(None) };
                let i = self.at.get();
                match get(&bytes, i) {
                    Some(c) => {
                        self.at.set(i + 1);
                        Ok(Some(Obj::from(c as i64)))
                    }
                    None => {
                        self.bytes.set(None);
                        Ok(None)
                    }
                }
            }

            /// How many bytes are left at most.
            #[pymethod]
            fn __length_hint__(&self) -> usize {
                self.bytes.get().map_or(0, |b| len(&b).saturating_sub(self.at.get()))
            }

            /// Pickles the iterator.
            #[pymethod]
            fn __reduce__(cx: &Ctx, this: This<'_, $T>) -> PyResult {
                let iter = crate::types::str::builtin(cx, intern!("iter"))?;
                Ok(match this.payload().bytes.get() {
                    Some(b) => tuple::new(vec![iter, tuple::new(vec![b]), Obj::from(this.payload().at.get())]),
                    None => tuple::new(vec![iter, tuple::new(vec![tuple::new(vec![])])]),
                })
            }

            /// Moves the iterator.
            #[pymethod(sig = "($self, state, /)")]
            fn __setstate__(cx: &Ctx, this: This<'_, $T>, state: &Obj) -> PyResult<()> {
                let at = state.to_isize_clamped(cx)?.max(0) as usize;
                if let Some(b) = this.payload().bytes.get() {
                    this.payload().at.set(at.min(len(&b)));
                }
                Ok(())
            }
        }
    };
}
byte_iterator!(BytesIterator);
byte_iterator!(ByteArrayIterator);
