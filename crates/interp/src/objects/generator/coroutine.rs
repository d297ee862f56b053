//! Coroutines: what `async def` functions give.

use cinder_pyobj::heap::{self, Traverse, Visitor};
use cinder_pyobj::native::{PayloadDef, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::SendResult;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::{
    Generator, State, close, derived, finalize, frame_of, method_result, resume, set_text, shown, throw, warn_signature,
};

/// Coroutines are laid out as generators.
static COROUTINE_PAYLOAD: PayloadDef = derived("coroutine");

/// A coroutine: what calling an `async def` function gives.
#[pyclass(name = "coroutine", fixed = Coroutine, flags(weakref, no_new), payload = "var", payload_def = COROUTINE_PAYLOAD)]
#[repr(transparent)]
pub struct Coroutine(pub(super) Generator);

impl Traverse for Coroutine {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.0.traverse(visit);
    }
}

#[pymethods]
impl Coroutine {
    fn am_send(cx: &Ctx, this: This<'_, Coroutine>, value: &Obj) -> PyResult<SendResult> {
        resume(cx, this.obj(), &this.0, value.clone())
    }

    fn __await__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(heap::new_instance(CoroutineWrapper::class().type_object(), CoroutineWrapper { coroutine: this.clone() }))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Coroutine>) -> PyResult {
        Ok(shown(this.obj(), &this.0, "coroutine"))
    }

    fn __del__(cx: &Ctx, this: This<'_, Coroutine>) -> PyResult<()> {
        finalize(cx, this.obj(), &this.0);
        Ok(())
    }

    /// Sends a value into coroutine; the await that it stands at gives it.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, Coroutine>, arg: &Obj) -> PyResult {
        let r = resume(cx, this.obj(), &this.0, arg.clone())?;
        method_result(cx, r)
    }

    /// Raises an exception in coroutine; returns what it yields next.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, Coroutine>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        warn_signature(cx, "throw", a)?;
        let r = throw(cx, this.obj(), &this.0, a, true)?;
        method_result(cx, r)
    }

    /// Raises GeneratorExit inside coroutine.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Coroutine>) -> PyResult<()> {
        close(cx, this.obj(), &this.0)
    }

    /// the name of the coroutine; by default like its function
    #[pygetter]
    fn __name__(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.name.get()
    }

    #[pysetter]
    fn set___name__(cx: &Ctx, this: This<'_, Coroutine>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.0.name, value, "__name__")
    }

    /// the name of the coroutine with the names of what surrounds its function
    #[pygetter]
    fn __qualname__(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.qualname.get()
    }

    #[pysetter]
    fn set___qualname__(cx: &Ctx, this: This<'_, Coroutine>, value: Option<&Obj>) -> PyResult<()> {
        set_text(cx, &this.0.qualname, value, "__qualname__")
    }

    #[pygetter]
    fn cr_await(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.delegate()
    }

    #[pygetter]
    fn cr_running(this: This<'_, Coroutine>) -> bool {
        this.0.state.get() == State::Running
    }

    #[pygetter]
    fn cr_suspended(this: This<'_, Coroutine>) -> bool {
        this.0.state.get() == State::Suspended
    }

    #[pygetter]
    fn cr_frame(cx: &Ctx, this: This<'_, Coroutine>) -> Obj {
        frame_of(cx, &this.0)
    }

    #[pygetter]
    fn cr_code(this: This<'_, Coroutine>) -> Obj {
        this.0.code.clone()
    }

    #[pygetter]
    fn cr_origin(this: This<'_, Coroutine>) -> Option<Obj> {
        this.0.origin.get()
    }

    #[pyclassmethod(sig = "($type, object, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }
}

/// `coroutine.__await__()`: an iterator over the coroutine.
#[pyclass(name = "coroutine_wrapper", flags(no_new))]
#[derive(Traverse)]
pub struct CoroutineWrapper {
    coroutine: Obj,
}

impl CoroutineWrapper {
    fn inner(&self, cx: &Ctx) -> PyResult<&Generator> {
        self.coroutine.downcast::<Generator>().ok_or_else(|| cx.system_error("no coroutine"))
    }
}

#[pymethods]
impl CoroutineWrapper {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, CoroutineWrapper>) -> PyResult<Option<Obj>> {
        match resume(cx, &this.coroutine, this.inner(cx)?, Obj::none())? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) if v.is_none() => Ok(None),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        }
    }

    fn am_send(cx: &Ctx, this: This<'_, CoroutineWrapper>, value: &Obj) -> PyResult<SendResult> {
        resume(cx, &this.coroutine, this.inner(cx)?, value.clone())
    }

    /// Resumes the coroutine with a value.
    #[pymethod(sig = "($self, arg, /)")]
    fn send(cx: &Ctx, this: This<'_, CoroutineWrapper>, arg: &Obj) -> PyResult {
        let r = resume(cx, &this.coroutine, this.inner(cx)?, arg.clone())?;
        method_result(cx, r)
    }

    /// Raises an exception in the coroutine.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn throw(cx: &Ctx, this: This<'_, CoroutineWrapper>, args: cinder_pyobj::native::Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        warn_signature(cx, "throw", a)?;
        let r = throw(cx, &this.coroutine, this.inner(cx)?, a, true)?;
        method_result(cx, r)
    }

    /// Raises GeneratorExit inside the coroutine.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, CoroutineWrapper>) -> PyResult<()> {
        close(cx, &this.coroutine, this.inner(cx)?)
    }
}
