//! The iterators of `deque`.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{Type, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::deque::Deque;

macro_rules! iterators {
    ($($ty:ident $name:tt $backwards:tt $doc:tt;)*) => {$(
        #[doc = $doc]
        #[pyclass(name = $name, module = "collections")]
        #[derive(Traverse)]
        pub struct $ty {
            of: Obj,
            /// How many items were passed.
            #[traverse(skip)]
            at: Cell<usize>,
            #[traverse(skip)]
            left: Cell<usize>,
            #[traverse(skip)]
            state: u64,
        }

        impl $ty {
            pub(super) fn over(d: This<'_, Deque>) -> Obj {
                new_instance(
                    $ty::type_object(),
                    $ty { of: d.obj().clone(), at: Cell::new(0), left: Cell::new(d.len()), state: d.state() },
                )
            }
        }

        #[pymethods]
        impl $ty {
            #[pynew(sig = "(iterable, index=0, /)")]
            fn __new__(cx: &Ctx, _ty: &Type, iterable: &Obj, index: Option<&Obj>) -> PyResult {
                let Some(d) = This::<Deque>::from_obj(iterable) else {
                    return Err(cx.type_error(format!(
                        "argument 1 must be collections.deque, not {}",
                        iterable.type_of().name()
                    )));
                };
                let skip = index.map_or(Ok(0), |i| i.to_isize(cx))?;
                let it = $ty::over(d);
                for _ in 0..skip {
                    if it.next(cx)?.is_none() {
                        break;
                    }
                }
                Ok(it)
            }

            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(this.clone())
            }

            fn __next__(cx: &Ctx, this: This<'_, $ty>) -> PyResult<Option<Obj>> {
                let Some(d) = this.of.downcast::<Deque>() else { return Ok(None) };
                if d.state() != this.state {
                    this.left.set(0);
                    return Err(cx.runtime_error("deque mutated during iteration"));
                }
                if this.left.get() == 0 {
                    return Ok(None);
                }
                let i = this.at.get();
                this.at.set(i + 1);
                this.left.set(this.left.get() - 1);
                Ok(d.get(if $backwards { d.len() - 1 - i } else { i }))
            }

            /// Private: a guess at how many items are left.
            #[pymethod(name = "__length_hint__")]
            fn length_hint(_cx: &Ctx, this: This<'_, $ty>) -> usize {
                this.left.get()
            }

            #[pymethod(name = "__reduce__")]
            fn reduce(_cx: &Ctx, this: This<'_, $ty>) -> Obj {
                let len = this.of.downcast::<Deque>().map_or(0, |d| d.len());
                let passed = len.saturating_sub(this.left.get());
                tuple::pair($ty::type_object().as_obj(), tuple::pair(this.of.clone(), Obj::from(passed)))
            }
        }
    )*};
}

iterators! {
    DequeIterator "_deque_iterator" false "Walks a deque from the left.";
    DequeReverseIterator "_deque_reverse_iterator" true "Walks a deque from the right.";
}
