//! Async generators (PEP 525).

use std::cell::Cell;

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{SendResult, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::generator::{self, AsyncGenerator, Generator, State};
use crate::thread::Thread;

/// An async generator's own yielded value, told apart from what its awaits yield.
#[pyclass(name = "async_generator_wrapped_value", flags(no_new))]
#[derive(Traverse)]
pub struct Wrapped {
    value: Obj,
}

/// Wraps a yielded value.
pub(crate) fn wrap(value: Obj) -> Obj {
    heap::new_instance(Wrapped::class().type_object(), Wrapped { value })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Init,
    Iterating,
    Closed,
}

/// The awaitable of `asend()` and `__anext__()`.
#[pyclass(name = "async_generator_asend", flags(no_new))]
#[derive(Traverse)]
pub struct ASend {
    generator: Obj,
    value: ObjCell,
    #[traverse(skip)]
    step: Cell<Step>,
}

/// The awaitable of `athrow()` and `aclose()`.
#[pyclass(name = "async_generator_athrow", flags(no_new))]
#[derive(Traverse)]
pub struct AThrow {
    generator: Obj,
    /// Arguments of `athrow`; empty for `aclose`.
    args: ObjCell,
    #[traverse(skip)]
    step: Cell<Step>,
}

fn inner<'a>(cx: &Ctx, g: &'a Obj) -> PyResult<&'a Generator> {
    g.downcast::<Generator>().ok_or_else(|| cx.system_error("no async generator"))
}

/// Runs the hooks of `sys.set_asyncgen_hooks` the first time the generator is iterated.
fn init_hooks(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult<()> {
    if g.hooks_inited.replace(true) {
        return Ok(());
    }
    let th = Thread::of(cx);
    g.finalizer.set(th.asyncgen_finalizer.get());
    if let Some(f) = th.asyncgen_firstiter.get() {
        f.call1(cx, this)?;
    }
    Ok(())
}

/// What a step of the generator means: its own yields end the awaitable with a value.
fn unwrap(cx: &Ctx, g: &Generator, r: PyResult<SendResult>) -> PyResult<SendResult> {
    match r {
        Ok(SendResult::Yield(v)) => match v.downcast::<Wrapped>() {
            Some(w) => {
                g.running_async.set(false);
                Ok(SendResult::Return(w.value.clone()))
            }
            None => Ok(SendResult::Yield(v)),
        },
        Ok(SendResult::Return(_)) => {
            g.running_async.set(false);
            g.closed.set(true);
            Err(cx.raise_args(exc::StopAsyncIteration(), &[]))
        }
        Err(r) => {
            g.running_async.set(false);
            if cx.pending_is(exc::StopAsyncIteration()) || cx.pending_is(exc::GeneratorExit()) {
                g.closed.set(true);
            }
            Err(r)
        }
    }
}

fn reused(cx: &Ctx, what: &str) -> Raised {
    cx.runtime_error(format!("cannot reuse already awaited {what}"))
}

/// Warns that nobody awaited what a method of an async generator gave.
fn warn_unawaited(cx: &Ctx, this: &Obj, generator: &Obj, method: &str) {
    let name = generator.downcast::<Generator>().and_then(|g| g.qualname.get()).unwrap_or_else(Obj::none);
    let message = format!("coroutine method '{method}' of '{}' was never awaited", as_utf8_lossy(&name));
    if let Err(r) = (cx.host().warn)(cx, exc::RuntimeWarning(), &message, 1) {
        generator::report(cx, r, "Exception ignored in", this);
    }
}

impl ASend {
    fn method(&self) -> &'static str {
        "asend"
    }

    fn send(&self, cx: &Ctx, v: &Obj) -> PyResult<SendResult> {
        let g = inner(cx, &self.generator)?;
        let v = match self.step.get() {
            Step::Closed => return Err(reused(cx, "__anext__()/asend()")),
            Step::Init => {
                if g.running_async.get() {
                    self.step.set(Step::Closed);
                    return Err(cx.runtime_error("anext(): asynchronous generator is already running"));
                }
                self.step.set(Step::Iterating);
                g.running_async.set(true);
                if v.is_none() { self.value.get().unwrap_or_else(Obj::none) } else { v.clone() }
            }
            Step::Iterating => v.clone(),
        };
        let r = generator::resume(cx, &self.generator, g, v);
        let r = match r {
            // A finished async generator ends further iteration.
            Ok(SendResult::Return(_)) if g.state() == State::Finished => {
                g.running_async.set(false);
                g.closed.set(true);
                Err(cx.raise_args(exc::StopAsyncIteration(), &[]))
            }
            r => unwrap(cx, g, r),
        };
        if !matches!(r, Ok(SendResult::Yield(_))) {
            self.step.set(Step::Closed);
        }
        r
    }

    fn throw(&self, cx: &Ctx, args: &[Obj]) -> PyResult<SendResult> {
        let g = inner(cx, &self.generator)?;
        match self.step.get() {
            Step::Closed => return Err(reused(cx, "__anext__()/asend()")),
            Step::Init => {
                if g.running_async.get() {
                    self.step.set(Step::Closed);
                    return Err(cx.runtime_error("anext(): asynchronous generator is already running"));
                }
                self.step.set(Step::Iterating);
                g.running_async.set(true);
            }
            Step::Iterating => {}
        }
        let r = generator::throw(cx, &self.generator, g, args, false);
        let r = unwrap(cx, g, r);
        if !matches!(r, Ok(SendResult::Yield(_))) {
            self.step.set(Step::Closed);
        }
        r
    }
}

impl AThrow {
    fn method(&self) -> &'static str {
        if self.is_close() { "aclose" } else { "athrow" }
    }

    fn is_close(&self) -> bool {
        self.args.is_empty()
    }

    fn what(&self) -> &'static str {
        if self.is_close() { "aclose()" } else { "athrow()" }
    }

    fn finish(&self, cx: &Ctx, g: &Generator, r: PyResult<SendResult>) -> PyResult<SendResult> {
        if !self.is_close() {
            let r = unwrap(cx, g, r);
            if !matches!(r, Ok(SendResult::Yield(_))) {
                self.step.set(Step::Closed);
            }
            return r;
        }
        match r {
            Ok(SendResult::Yield(v)) if v.downcast::<Wrapped>().is_some() => {
                g.running_async.set(false);
                self.step.set(Step::Closed);
                Err(cx.runtime_error("async generator ignored GeneratorExit"))
            }
            Ok(SendResult::Yield(v)) => Ok(SendResult::Yield(v)),
            Ok(SendResult::Return(_)) => {
                g.running_async.set(false);
                self.step.set(Step::Closed);
                Ok(SendResult::Return(Obj::none()))
            }
            Err(r) => {
                g.running_async.set(false);
                self.step.set(Step::Closed);
                if cx.pending_is(exc::StopAsyncIteration()) || cx.pending_is(exc::GeneratorExit()) {
                    drop(cx.take(r));
                    return Ok(SendResult::Return(Obj::none()));
                }
                Err(r)
            }
        }
    }

    fn send(&self, cx: &Ctx, v: &Obj) -> PyResult<SendResult> {
        let g = inner(cx, &self.generator)?;
        match self.step.get() {
            Step::Closed => Err(reused(cx, "aclose()/athrow()")),
            Step::Iterating => {
                let r = generator::resume(cx, &self.generator, g, v.clone());
                self.finish(cx, g, r)
            }
            Step::Init => {
                if g.running_async.get() {
                    self.step.set(Step::Closed);
                    return Err(cx.runtime_error(format!("{}: asynchronous generator is already running", self.what())));
                }
                if g.closed.get() || g.state() == State::Finished {
                    self.step.set(Step::Closed);
                    if self.is_close() {
                        return Ok(SendResult::Return(Obj::none()));
                    }
                    return Err(cx.raise_args(exc::StopAsyncIteration(), &[]));
                }
                if !v.is_none() {
                    return Err(cx.runtime_error("can't send non-None value to a just-started coroutine"));
                }
                self.step.set(Step::Iterating);
                g.running_async.set(true);
                let r = match self.args.get() {
                    None => {
                        g.closed.set(true);
                        let e = exc::GeneratorExit().as_obj().call0(cx)?;
                        generator::throw(cx, &self.generator, g, std::slice::from_ref(&e), false)
                    }
                    Some(a) => {
                        let items = cinder_pyobj::types::tuple::items_if_tuple(&a).unwrap_or(&[]);
                        generator::throw(cx, &self.generator, g, items, false)
                    }
                };
                self.finish(cx, g, r)
            }
        }
    }

    fn throw(&self, cx: &Ctx, args: &[Obj]) -> PyResult<SendResult> {
        let g = inner(cx, &self.generator)?;
        match self.step.get() {
            Step::Closed => return Err(reused(cx, "aclose()/athrow()")),
            Step::Init => {
                if g.running_async.get() {
                    self.step.set(Step::Closed);
                    return Err(cx.runtime_error(format!("{}: asynchronous generator is already running", self.what())));
                }
                self.step.set(Step::Iterating);
                g.running_async.set(true);
            }
            Step::Iterating => {}
        }
        let r = generator::throw(cx, &self.generator, g, args, false);
        self.finish(cx, g, r)
    }
}

macro_rules! awaitable {
    ($t:ident) => {
        #[pymethods]
        impl $t {
            fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(this.clone())
            }

            fn __await__(_cx: &Ctx, this: &Obj) -> PyResult {
                Ok(this.clone())
            }

            fn __del__(cx: &Ctx, this: This<'_, $t>) -> PyResult<()> {
                if this.step.get() == Step::Init {
                    warn_unawaited(cx, this.obj(), &this.generator, this.method());
                }
                Ok(())
            }

            fn __next__(cx: &Ctx, this: This<'_, $t>) -> PyResult<Option<Obj>> {
                match $t::send(&this, cx, &Obj::none())? {
                    SendResult::Yield(v) => Ok(Some(v)),
                    SendResult::Return(v) if v.is_none() => Ok(None),
                    SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
                }
            }

            fn am_send(cx: &Ctx, this: This<'_, $t>, value: &Obj) -> PyResult<SendResult> {
                $t::send(&this, cx, value)
            }

            /// Resumes with a value.
            #[pymethod(name = "send", sig = "($self, arg, /)")]
            fn py_send(cx: &Ctx, this: This<'_, $t>, arg: &Obj) -> PyResult {
                let r = $t::send(&this, cx, arg)?;
                generator::method_result(cx, r)
            }

            /// Raises an exception.
            #[pymethod(name = "throw", sig = "($self, typ, val=None, tb=None, /)")]
            fn py_throw(cx: &Ctx, this: This<'_, $t>, args: Args<'_>) -> PyResult {
                let a = args.check_arity(cx, "throw", 1, 3)?;
                generator::warn_signature(cx, "throw", a)?;
                let r = $t::throw(&this, cx, a)?;
                generator::method_result(cx, r)
            }

            /// Raises GeneratorExit.
            #[pymethod]
            fn close(cx: &Ctx, this: This<'_, $t>) -> PyResult<()> {
                if this.step.get() == Step::Closed {
                    return Ok(());
                }
                let e = exc::GeneratorExit().as_obj().call0(cx)?;
                match $t::throw(&this, cx, std::slice::from_ref(&e)) {
                    Ok(SendResult::Return(_)) => Ok(()),
                    Ok(SendResult::Yield(_)) => Err(cx.runtime_error("coroutine ignored GeneratorExit")),
                    Err(r) => {
                        for t in [exc::StopIteration(), exc::StopAsyncIteration(), exc::GeneratorExit()] {
                            if cx.pending_is(t) {
                                drop(cx.take(r));
                                return Ok(());
                            }
                        }
                        Err(r)
                    }
                }
            }
        }
    };
}
awaitable!(ASend);
awaitable!(AThrow);

fn make_asend(this: &Obj, value: Option<Obj>) -> Obj {
    heap::new_instance(
        ASend::class().type_object(),
        ASend { generator: this.clone(), value: ObjCell::new(value), step: Cell::new(Step::Init) },
    )
}

fn make_athrow(this: &Obj, args: Option<Obj>) -> Obj {
    heap::new_instance(
        AThrow::class().type_object(),
        AThrow { generator: this.clone(), args: ObjCell::new(args), step: Cell::new(Step::Init) },
    )
}

#[pymethods]
impl AsyncGenerator {
    fn __aiter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __anext__(cx: &Ctx, this: This<'_, AsyncGenerator>) -> PyResult {
        init_hooks(cx, this.obj(), &this.0)?;
        Ok(make_asend(this.obj(), None))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, AsyncGenerator>) -> PyResult {
        let q = this.0.qualname.get().unwrap_or_else(Obj::none);
        Ok(Obj::from(format!("<async_generator object {} at {:#x}>", as_utf8_lossy(&q), this.obj().id()).as_str()))
    }

    fn __del__(cx: &Ctx, this: This<'_, AsyncGenerator>) -> PyResult<()> {
        if this.0.state() == State::Suspended
            && !this.0.closed.get()
            && let Some(f) = this.0.finalizer.get()
        {
            if let Err(r) = f.call1(cx, this.obj()) {
                generator::report(cx, r, "Exception ignored while finalizing generator", this.obj());
            }
            return Ok(());
        }
        generator::finalize(cx, this.obj(), &this.0);
        Ok(())
    }

    /// An awaitable that resumes with a value.
    #[pymethod(sig = "($self, value, /)")]
    fn asend(cx: &Ctx, this: This<'_, AsyncGenerator>, value: &Obj) -> PyResult {
        init_hooks(cx, this.obj(), &this.0)?;
        Ok(make_asend(this.obj(), Some(value.clone())))
    }

    /// An awaitable that raises an exception in the generator.
    #[pymethod(sig = "($self, typ, val=None, tb=None, /)")]
    fn athrow(cx: &Ctx, this: This<'_, AsyncGenerator>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "athrow", 1, 3)?;
        init_hooks(cx, this.obj(), &this.0)?;
        generator::warn_signature(cx, "athrow", a)?;
        Ok(make_athrow(this.obj(), Some(cinder_pyobj::types::tuple::new(a.to_vec()))))
    }

    /// An awaitable that closes the generator.
    #[pymethod]
    fn aclose(cx: &Ctx, this: This<'_, AsyncGenerator>) -> PyResult {
        init_hooks(cx, this.obj(), &this.0)?;
        Ok(make_athrow(this.obj(), None))
    }

    #[pygetter]
    fn __name__(this: This<'_, AsyncGenerator>) -> Option<Obj> {
        this.0.name.get()
    }

    #[pygetter]
    fn __qualname__(this: This<'_, AsyncGenerator>) -> Option<Obj> {
        this.0.qualname.get()
    }

    #[pysetter]
    fn set___name__(cx: &Ctx, this: This<'_, AsyncGenerator>, value: Option<&Obj>) -> PyResult<()> {
        generator::set_text(cx, &this.0.name, value, "__name__")
    }

    #[pysetter]
    fn set___qualname__(cx: &Ctx, this: This<'_, AsyncGenerator>, value: Option<&Obj>) -> PyResult<()> {
        generator::set_text(cx, &this.0.qualname, value, "__qualname__")
    }

    #[pygetter]
    fn ag_await(this: This<'_, AsyncGenerator>) -> Option<Obj> {
        this.0.delegate()
    }

    #[pygetter]
    fn ag_running(this: This<'_, AsyncGenerator>) -> bool {
        this.0.running_async.get()
    }

    #[pygetter]
    fn ag_suspended(this: This<'_, AsyncGenerator>) -> bool {
        this.0.state() == State::Suspended
    }

    #[pygetter]
    fn ag_frame(cx: &Ctx, this: This<'_, AsyncGenerator>) -> PyResult {
        generator::frame_object(cx, &this.0)
    }

    #[pygetter]
    fn ag_code(this: This<'_, AsyncGenerator>) -> Obj {
        this.0.code_object()
    }

    #[pyclassmethod(sig = "($type, object, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }
}

const _: fn(&Ctx) = |_| {
    let _ = intern!("aclose");
};
