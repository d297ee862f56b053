//! `anext(iterator, default)`: an awaitable that gives the default at the iterator's end.

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{SendResult, exc};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::generator;
use crate::ops::{awaitable_iter, send};

/// The awaitable.
#[pyclass(name = "anext_awaitable", flags(no_new))]
#[derive(Traverse)]
pub struct AnextAwaitable {
    wrapped: Obj,
    default: Obj,
}

/// Awaits `wrapped`; StopAsyncIteration gives `default`.
pub(crate) fn with_default(wrapped: Obj, default: Obj) -> Obj {
    heap::new_instance(AnextAwaitable::class().type_object(), AnextAwaitable { wrapped, default })
}

impl AnextAwaitable {
    fn guard(&self, cx: &Ctx, r: PyResult<SendResult>) -> PyResult<SendResult> {
        match r {
            Err(r) if cx.pending_is(exc::StopAsyncIteration()) => {
                drop(cx.take(r));
                Ok(SendResult::Return(self.default.clone()))
            }
            r => r,
        }
    }

    fn step(&self, cx: &Ctx, v: &Obj) -> PyResult<SendResult> {
        let it = awaitable_iter(cx, &self.wrapped)?;
        self.guard(cx, send(cx, &it, v))
    }
}

#[pymethods]
impl AnextAwaitable {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __await__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, AnextAwaitable>) -> PyResult<Option<Obj>> {
        match this.step(cx, &Obj::none())? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) if v.is_none() => Ok(None),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        }
    }

    fn am_send(cx: &Ctx, this: This<'_, AnextAwaitable>, value: &Obj) -> PyResult<SendResult> {
        this.step(cx, value)
    }

    /// Resumes with a value.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, AnextAwaitable>, arg: &Obj) -> PyResult {
        let r = this.step(cx, arg)?;
        generator::method_result(cx, r)
    }

    /// Raises an exception.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, AnextAwaitable>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let it = awaitable_iter(cx, &this.wrapped)?;
        let f = it.get_attr(cx, cinder_pyobj::intern!("throw"))?;
        let r = f.call(cx, args).map(SendResult::Yield);
        let r = this.guard(cx, r)?;
        generator::method_result(cx, r)
    }

    /// Closes the wrapped awaitable.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, AnextAwaitable>) -> PyResult {
        let it = awaitable_iter(cx, &this.wrapped)?;
        it.call_method(cx, cinder_pyobj::intern!("close"), &[])
    }
}
