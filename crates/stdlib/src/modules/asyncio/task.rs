//! `Task`: a coroutine that a loop runs.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use cinder_pyobj::heap::{Dropped, Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, This, pyclass, pymethods};
use cinder_pyobj::types::str as text;
use cinder_pyobj::types::{Type, generic_alias};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::future::{Future, State, undeletable};
use super::state::{self, Known};
use super::{running_loop, shown, step};

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// A future that runs a coroutine on the event loop; its result is that of the coroutine.
#[pyclass(name = "Task", module = "_asyncio", base = Future, flags(basetype, weakref, dict),
    sig = "(coro, *, loop=None, name=None, context=None, eager_start=False)")]
#[repr(C)]
pub struct Task {
    pub(super) future: Future,
    pub(super) coro: ObjCell,
    pub(super) context: ObjCell,
    /// What it waits for.
    pub(super) waiter: ObjCell,
    /// The name, or the number in the name that it has by default.
    name: ObjCell,
    pub(super) must_cancel: Cell<bool>,
    log_destroy_pending: Cell<bool>,
    cancel_requests: Cell<i64>,
    /// The task itself, once it may be in the registry; it is taken out there when it is freed.
    registered: Cell<Option<cinder_pyobj::Value>>,
}

impl Traverse for Task {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.future.traverse(visit);
        for cell in [&self.coro, &self.context, &self.waiter, &self.name] {
            cell.traverse(visit);
        }
    }

    fn clear(&self) {
        self.future.clear();
        for cell in [&self.coro, &self.context, &self.waiter, &self.name] {
            cell.clear();
        }
    }

    fn take_references(&mut self, out: &mut Dropped) {
        self.future.take_references(out);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(v) = self.registered.get() {
            state::unregister(v);
        }
    }
}

/// Asks what a task waits for to cancel itself; whether it will.
pub(super) fn cancel_waiter(cx: &Ctx, waiter: &Obj, msg: &Obj) -> PyResult<bool> {
    let m = waiter.get_attr(cx, intern!("cancel"))?;
    m.call(cx, Args::new(std::slice::from_ref(msg), std::slice::from_ref(intern!("msg").as_obj())))?.truthy(cx)
}

#[pymethods]
impl Task {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(
            ty,
            Task {
                future: Future::empty(),
                coro: ObjCell::new(None),
                context: ObjCell::new(None),
                waiter: ObjCell::new(None),
                name: ObjCell::new(None),
                must_cancel: Cell::new(false),
                log_destroy_pending: Cell::new(false),
                cancel_requests: Cell::new(0),
                registered: Cell::new(None),
            },
        ))
    }

    #[pymethod(sig = "($self, coro, *, loop=None, name=None, context=None, eager_start=False)")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, Task>,
        coro: &Obj,
        r#loop: Option<&Obj>,
        name: Option<&Obj>,
        context: Option<&Obj>,
        eager_start: bool,
    ) -> PyResult<()> {
        this.future.init(cx, r#loop)?;
        this.future.drop_last_source_line(cx)?;
        if *coro.type_of().name() != *"coroutine"
            && !state::known(cx, Known::IsCoroutine)?.call1(cx, coro)?.truthy(cx)?
        {
            this.log_destroy_pending.set(false);
            return Err(cx.type_error(format!("a coroutine was expected, got {}", shown(cx, coro)?)));
        }
        let context = match context {
            Some(c) => c.clone(),
            None => state::copy_context(cx)?,
        };
        this.context.set(Some(context));
        this.waiter.set(None);
        this.must_cancel.set(false);
        this.log_destroy_pending.set(true);
        this.cancel_requests.set(0);
        this.coro.set(Some(coro.clone()));
        this.payload().name.set(Some(match name {
            Some(n) => n.str(cx)?,
            None => Obj::from(COUNTER.fetch_add(1, Ordering::Relaxed) as i64),
        }));
        this.registered.set(Some(this.obj().value()));
        if eager_start {
            let l = this.future.alive(cx)?;
            let runs = match running_loop() {
                Some(r) if r.is(&l) => true,
                _ => l.call_method(cx, intern!("is_running"), &[])?.truthy(cx)?,
            };
            if runs {
                return step::start_eagerly(cx, this.obj(), &this);
            }
        }
        step::schedule(cx, this.obj(), &this, None)?;
        state::register(this.obj());
        Ok(())
    }

    fn __repr__(cx: &Ctx, this: This<'_, Task>) -> PyResult {
        this.future.alive(cx)?;
        state::known(cx, Known::TaskRepr)?.call1(cx, this.obj())
    }

    fn __del__(cx: &Ctx, this: This<'_, Task>) -> PyResult<()> {
        if this.future.state.get() == State::Pending && this.log_destroy_pending.get() {
            this.future.report(cx, this.obj(), "Task was destroyed but it is pending!", "task", None)?;
        }
        this.future.report_unretrieved(cx, this.obj())
    }

    #[pymethod(sig = "($self, result, /)")]
    fn set_result(cx: &Ctx, this: This<'_, Task>, result: &Obj) -> PyResult<()> {
        let _ = (this, result);
        Err(cx.runtime_error("Task does not support set_result operation"))
    }

    #[pymethod(sig = "($self, exception, /)")]
    fn set_exception(cx: &Ctx, this: This<'_, Task>, exception: &Obj) -> PyResult<()> {
        let _ = (this, exception);
        Err(cx.runtime_error("Task does not support set_exception operation"))
    }

    /// Asks for the task to end.
    ///
    /// CancelledError is raised inside of the coroutine when the loop comes to it; the coroutine may clean up, or catch
    /// it and go on. Each request counts, see cancelling().
    #[pymethod(sig = "($self, /, msg=None)")]
    fn cancel(cx: &Ctx, this: This<'_, Task>, msg: Option<&Obj>) -> PyResult<bool> {
        if this.future.state.get() != State::Pending {
            return Ok(false);
        }
        this.future.log_traceback.set(false);
        this.cancel_requests.set(this.cancel_requests.get() + 1);
        let msg = msg.cloned().unwrap_or_else(Obj::none);
        if let Some(w) = this.waiter.get()
            && cancel_waiter(cx, &w, &msg)?
        {
            return Ok(true);
        }
        this.must_cancel.set(true);
        this.future.cancel_message.set(Some(msg));
        Ok(true)
    }

    /// How many requests to cancel the task are open; uncancel() takes one back.
    #[pymethod]
    fn cancelling(&self) -> i64 {
        self.cancel_requests.get()
    }

    /// Decrement the task's count of cancellation requests; returns how many remain.
    #[pymethod]
    fn uncancel(&self) -> i64 {
        let n = self.cancel_requests.get();
        if n > 0 {
            self.cancel_requests.set(n - 1);
            if n == 1 {
                self.must_cancel.set(false);
            }
        }
        self.cancel_requests.get()
    }

    /// The frames of the coroutine where it waits, or those of the traceback if it failed.
    #[pymethod(sig = "($self, /, *, limit=None)")]
    fn get_stack(cx: &Ctx, this: This<'_, Task>, limit: Obj) -> PyResult {
        state::known(cx, Known::GetStack)?.call_pos(cx, &[this.obj().clone(), limit])
    }

    /// Prints the frames that get_stack() gives, to file or standard error.
    #[pymethod(sig = "($self, /, *, limit=None, file=None)")]
    fn print_stack(cx: &Ctx, this: This<'_, Task>, limit: Obj, file: Obj) -> PyResult {
        state::known(cx, Known::PrintStack)?.call_pos(cx, &[this.obj().clone(), limit, file])
    }

    #[pymethod]
    fn get_name(_cx: &Ctx, this: This<'_, Task>) -> Obj {
        match this.payload().name.get() {
            None => Obj::none(),
            Some(n) => match n.as_int() {
                Some(i) => {
                    let s = Obj::from(format!("Task-{i}").as_str());
                    this.payload().name.set(Some(s.clone()));
                    s
                }
                None => n,
            },
        }
    }

    #[pymethod(sig = "($self, value, /)")]
    fn set_name(cx: &Ctx, this: This<'_, Task>, value: &Obj) -> PyResult<()> {
        let s = if text::is_exact(value) { value.clone() } else { value.str(cx)? };
        this.payload().name.set(Some(s));
        Ok(())
    }

    #[pymethod]
    fn get_coro(_cx: &Ctx, this: This<'_, Task>) -> Option<Obj> {
        this.coro.get()
    }

    #[pymethod]
    fn get_context(_cx: &Ctx, this: This<'_, Task>) -> Option<Obj> {
        this.context.get()
    }

    /// See PEP 585
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }

    #[pygetter(name = "_log_destroy_pending")]
    fn py_log_destroy_pending(&self) -> bool {
        self.log_destroy_pending.get()
    }

    #[pysetter(name = "_log_destroy_pending")]
    fn set_log_destroy_pending(cx: &Ctx, this: This<'_, Task>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(undeletable(cx, "_log_destroy_pending")) };
        this.log_destroy_pending.set(v.truthy(cx)?);
        Ok(())
    }

    #[pygetter(name = "_must_cancel")]
    fn py_must_cancel(&self) -> bool {
        self.must_cancel.get()
    }

    #[pygetter(name = "_coro")]
    fn py_coro(_cx: &Ctx, this: This<'_, Task>) -> Option<Obj> {
        this.coro.get()
    }

    #[pygetter(name = "_fut_waiter")]
    fn py_waiter(_cx: &Ctx, this: This<'_, Task>) -> Option<Obj> {
        this.waiter.get()
    }
}
