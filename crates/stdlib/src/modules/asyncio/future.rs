//! `Future`, and the iterator that awaits one.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{SendResult, Type, exc, generic_alias, list, set, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use smallvec::SmallVec;

use super::state::{self, Known};

/// Where a future is in its life.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Cancelled,
    Finished,
}

/// A result that will be there later, on an event loop.
///
/// Unlike the class of this name in concurrent.futures, result() and exception() never wait, callbacks run through
/// call_soon() of the loop, and nothing here is safe to use from other threads.
#[pyclass(name = "Future", module = "_asyncio", flags(basetype, weakref, dict), sig = "(*, loop=None)")]
#[derive(Traverse)]
pub struct Future {
    /// Nothing until `__init__` ran.
    pub(super) event_loop: ObjCell,
    #[traverse(skip)]
    pub(super) state: Cell<State>,
    result: ObjCell,
    exception: ObjCell,
    exception_tb: ObjCell,
    /// Functions to be called when done, each with its context.
    callbacks: RefCell<SmallVec<[(Obj, Obj); 1]>>,
    pub(super) cancel_message: ObjCell,
    /// The CancelledError that ended a task.
    pub(super) cancelled_exc: ObjCell,
    source_traceback: ObjCell,
    /// The tasks that wait for this one: a set, or a single one.
    awaited_by: ObjCell,
    #[traverse(skip)]
    awaited_by_many: Cell<bool>,
    #[traverse(skip)]
    pub(super) blocking: Cell<bool>,
    #[traverse(skip)]
    pub(super) log_traceback: Cell<bool>,
}

impl Future {
    pub(super) fn empty() -> Future {
        Future {
            event_loop: ObjCell::new(None),
            state: Cell::new(State::Pending),
            result: ObjCell::new(None),
            exception: ObjCell::new(None),
            exception_tb: ObjCell::new(None),
            callbacks: RefCell::default(),
            cancel_message: ObjCell::new(None),
            cancelled_exc: ObjCell::new(None),
            source_traceback: ObjCell::new(None),
            awaited_by: ObjCell::new(None),
            awaited_by_many: Cell::new(false),
            blocking: Cell::new(false),
            log_traceback: Cell::new(false),
        }
    }

    /// The loop; a future whose `__init__` never ran has none.
    pub(super) fn alive(&self, cx: &Ctx) -> PyResult {
        self.event_loop.get().ok_or_else(|| cx.runtime_error(UNINITIALIZED))
    }

    /// (Re-)initialises the future.
    pub(super) fn init(&self, cx: &Ctx, event_loop: Option<&Obj>) -> PyResult<()> {
        let l = match event_loop {
            Some(l) if !l.is_none() => l.clone(),
            _ => super::current_event_loop(cx)?,
        };
        self.state.set(State::Pending);
        for cell in [
            &self.result,
            &self.exception,
            &self.exception_tb,
            &self.cancel_message,
            &self.cancelled_exc,
            &self.source_traceback,
            &self.awaited_by,
        ] {
            cell.set(None);
        }
        let old = self.callbacks.take();
        drop(old);
        self.blocking.set(false);
        self.log_traceback.set(false);
        self.event_loop.set(Some(l.clone()));
        if l.call_method(cx, intern!("get_debug"), &[])?.truthy(cx)? && !state::is_finalizing(cx) {
            let tb = state::function(cx, "traceback", intern!("extract_stack"))?.call0(cx)?;
            self.source_traceback.set(Some(tb));
        }
        Ok(())
    }

    pub(super) fn drop_last_source_line(&self, cx: &Ctx) -> PyResult<()> {
        if let Some(tb) = self.source_traceback.get()
            && tb.truthy(cx)?
        {
            tb.del_item(cx, &Obj::from(-1i64))?;
        }
        Ok(())
    }

    /// Has the loop call the callbacks.
    fn schedule_callbacks(&self, cx: &Ctx, this: &Obj) -> PyResult<()> {
        let callbacks = self.callbacks.take();
        if callbacks.is_empty() {
            return Ok(());
        }
        let l = self.alive(cx)?;
        for (f, context) in callbacks {
            call_soon(cx, &l, &f, Some(this), Some(&context))?;
        }
        Ok(())
    }

    pub(super) fn finish(&self, cx: &Ctx, this: &Obj, result: Obj) -> PyResult<()> {
        self.alive(cx)?;
        if self.state.get() != State::Pending {
            return Err(invalid_state(cx, "invalid state"));
        }
        self.result.set(Some(result));
        self.state.set(State::Finished);
        self.schedule_callbacks(cx, this)
    }

    pub(super) fn fail(&self, cx: &Ctx, this: &Obj, exception: &Obj) -> PyResult<()> {
        self.alive(cx)?;
        if self.state.get() != State::Pending {
            return Err(invalid_state(cx, "invalid state"));
        }
        let is_class = exception.as_type().is_some_and(|t| t.is_subtype(exc::BaseException()));
        let mut e = if is_class { exception.call0(cx)? } else { exception.clone() };
        if !e.type_of().is_subtype(exc::BaseException()) {
            return Err(cx.type_error("invalid exception object"));
        }
        if e.type_of().is_subtype(exc::StopIteration()) {
            let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
            let new = exc::new(cx, exc::RuntimeError(), text);
            exc::set_cause(&new, Some(e.clone()));
            exc::set_context(&new, Some(e));
            e = new;
        }
        self.exception_tb.set(exc::traceback(&e));
        self.exception.set(Some(e));
        self.state.set(State::Finished);
        self.schedule_callbacks(cx, this)?;
        self.log_traceback.set(true);
        Ok(())
    }

    /// Cancels a pending future.
    pub(super) fn cancel_now(&self, cx: &Ctx, this: &Obj, msg: Option<&Obj>) -> PyResult<bool> {
        self.log_traceback.set(false);
        if self.state.get() != State::Pending {
            return Ok(false);
        }
        self.state.set(State::Cancelled);
        self.cancel_message.set(msg.cloned());
        self.schedule_callbacks(cx, this)?;
        Ok(true)
    }

    /// The exception that says that it was cancelled. What ended a task is handed out once.
    pub(super) fn cancelled_error(&self, cx: &Ctx) -> PyResult {
        if let Some(e) = self.cancelled_exc.take() {
            return Ok(e);
        }
        let class = state::known(cx, Known::CancelledError)?;
        match self.cancel_message.get() {
            Some(m) if !m.is_none() => class.call1(cx, &m),
            _ => class.call0(cx),
        }
    }

    /// The result of a future that is done, or its exception raised.
    pub(super) fn outcome(&self, cx: &Ctx) -> PyResult {
        match self.state.get() {
            State::Cancelled => {
                let e = self.cancelled_error(cx)?;
                Err(cx.raise_obj(e))
            }
            State::Pending => Err(invalid_state(cx, "Result is not set.")),
            State::Finished => {
                self.log_traceback.set(false);
                match self.exception.get() {
                    Some(e) => {
                        exc::set_traceback(&e, self.exception_tb.get());
                        Err(cx.raise_obj(e))
                    }
                    None => Ok(self.result.get().unwrap_or_else(Obj::none)),
                }
            }
        }
    }

    pub(super) fn add_callback(&self, cx: &Ctx, this: &Obj, f: &Obj, context: &Obj) -> PyResult<()> {
        if self.state.get() == State::Pending {
            self.callbacks.borrow_mut().push((f.clone(), context.clone()));
            return Ok(());
        }
        let l = self.alive(cx)?;
        call_soon(cx, &l, f, Some(this), Some(context))
    }

    /// Notes that a task waits for this one.
    pub(super) fn add_waiter(&self, cx: &Ctx, waiter: &Obj) -> PyResult<()> {
        match self.awaited_by.get() {
            None => self.awaited_by.set(Some(waiter.clone())),
            Some(s) if self.awaited_by_many.get() => set::add(cx, &s, waiter)?,
            Some(one) if one.is(waiter) => {}
            Some(one) => {
                let s = set::new();
                set::add(cx, &s, &one)?;
                set::add(cx, &s, waiter)?;
                self.awaited_by_many.set(true);
                self.awaited_by.set(Some(s));
            }
        }
        Ok(())
    }

    pub(super) fn discard_waiter(&self, cx: &Ctx, waiter: &Obj) -> PyResult<()> {
        match self.awaited_by.get() {
            Some(s) if self.awaited_by_many.get() => {
                if let Some(s) = set::as_set(&s) {
                    s.discard(cx, waiter)?;
                }
            }
            Some(one) if one.is(waiter) => self.awaited_by.set(None),
            _ => {}
        }
        Ok(())
    }

    /// Tells the loop's exception handler about this future.
    pub(super) fn report(
        &self,
        cx: &Ctx,
        this: &Obj,
        message: &str,
        kind: &str,
        exception: Option<Obj>,
    ) -> PyResult<()> {
        let Some(l) = self.event_loop.get() else { return Ok(()) };
        let d = cinder_pyobj::types::dict::new();
        let put = |k: &str, v: &Obj| cinder_pyobj::types::dict::set(cx, &d, &Obj::from(k), v);
        put("message", &Obj::from(message))?;
        if let Some(e) = exception {
            put("exception", &e)?;
        }
        put(kind, this)?;
        if let Some(tb) = self.source_traceback.get() {
            put("source_traceback", &tb)?;
        }
        l.call_method(cx, intern!("call_exception_handler"), &[d])?;
        Ok(())
    }

    /// Reports an exception that nobody asked for.
    pub(super) fn report_unretrieved(&self, cx: &Ctx, this: &Obj) -> PyResult<()> {
        if !self.log_traceback.replace(false) {
            return Ok(());
        }
        let message = format!("{} exception was never retrieved", this.type_of().short_name());
        self.report(cx, this, &message, "future", self.exception.get())
    }
}

const UNINITIALIZED: &str = "Future object is not initialized.";

#[cold]
fn invalid_state(cx: &Ctx, message: &str) -> Raised {
    let arg = Obj::from(message);
    match state::known(cx, Known::InvalidStateError).and_then(|c| c.call1(cx, &arg)) {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// `loop.call_soon(f, arg, context=context)`.
pub(super) fn call_soon(cx: &Ctx, l: &Obj, f: &Obj, arg: Option<&Obj>, context: Option<&Obj>) -> PyResult<()> {
    let mut all: SmallVec<[Obj; 3]> = SmallVec::new();
    all.push(f.clone());
    all.extend(arg.cloned());
    let name = intern!("context").obj();
    let names = if context.is_some() { std::slice::from_ref(&name) } else { &[] };
    all.extend(context.cloned());
    let method = l.get_attr(cx, intern!("call_soon"))?;
    method.call(cx, Args::new(&all, names)).map(drop)
}

/// A future's loop, whatever kind of future it is.
pub(super) fn loop_of(cx: &Ctx, fut: &Obj) -> PyResult {
    if let Some(f) = fut.downcast::<Future>() {
        return f.alive(cx);
    }
    match fut.get_attr_opt(cx, intern!("get_loop"))? {
        Some(m) => m.call0(cx),
        None => fut.get_attr(cx, intern!("_loop")),
    }
}

/// Names and positional arguments of `__init__`.
fn only_loop<'a>(cx: &Ctx, args: Args<'a>) -> PyResult<Option<&'a Obj>> {
    if !args.pos().is_empty() {
        return Err(cx.type_error("Future() takes no positional arguments"));
    }
    let mut found = None;
    for (k, v) in args.keywords() {
        match &*cinder_pyobj::types::str::as_utf8_lossy(k) {
            "loop" => found = Some(v),
            k => return Err(cx.type_error(format!("Future() got an unexpected keyword argument '{k}'"))),
        }
    }
    Ok(found)
}

#[pymethods]
impl Future {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, Future::empty()))
    }

    fn __init__(cx: &Ctx, this: This<'_, Future>, args: Args<'_>) -> PyResult<()> {
        let l = only_loop(cx, args)?;
        this.init(cx, l)
    }

    fn __repr__(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        state::known(cx, Known::FutureRepr)?.call1(cx, this.obj())
    }

    fn __del__(cx: &Ctx, this: This<'_, Future>) -> PyResult<()> {
        this.report_unretrieved(cx, this.obj())
    }

    fn __iter__(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        Ok(new_instance(FutureIter::type_object(), FutureIter { future: ObjCell::new(Some(this.obj().clone())) }))
    }

    fn __await__(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        Ok(new_instance(FutureIter::type_object(), FutureIter { future: ObjCell::new(Some(this.obj().clone())) }))
    }

    /// The result, if it is there.
    ///
    /// Raises the exception with which the future ended, CancelledError if it was cancelled, and InvalidStateError if
    /// it is not done.
    #[pymethod]
    fn result(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        if this.event_loop.is_empty() {
            return Err(invalid_state(cx, UNINITIALIZED));
        }
        this.outcome(cx)
    }

    /// Return the exception that was set on this future, None if there is none.
    #[pymethod]
    fn exception(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        if this.event_loop.is_empty() {
            return Err(invalid_state(cx, UNINITIALIZED));
        }
        match this.state.get() {
            State::Cancelled => {
                let e = this.cancelled_error(cx)?;
                Err(cx.raise_obj(e))
            }
            State::Pending => Err(invalid_state(cx, "Exception is not set.")),
            State::Finished => {
                this.log_traceback.set(false);
                Ok(this.payload().exception.get().unwrap_or_else(Obj::none))
            }
        }
    }

    /// Ends the future with a result.
    #[pymethod(sig = "($self, result, /)")]
    fn set_result(cx: &Ctx, this: This<'_, Future>, result: Obj) -> PyResult<()> {
        this.finish(cx, this.obj(), result)
    }

    /// Ends the future with an exception.
    #[pymethod(sig = "($self, exception, /)")]
    fn set_exception(cx: &Ctx, this: This<'_, Future>, exception: &Obj) -> PyResult<()> {
        this.fail(cx, this.obj(), exception)
    }

    /// Has the loop call fn with the future as its argument once that is done, or soon if it is done already.
    #[pymethod(sig = "($self, fn, /, *, context=<unrepresentable>)")]
    fn add_done_callback(cx: &Ctx, this: This<'_, Future>, r#fn: &Obj, context: Option<&Obj>) -> PyResult<()> {
        this.alive(cx)?;
        let context = match context {
            Some(c) => c.clone(),
            None => state::copy_context(cx)?,
        };
        this.add_callback(cx, this.obj(), r#fn, &context)
    }

    /// Remove all instances of a callback from the "call when done" list; returns how many there were.
    #[pymethod(sig = "($self, fn, /)")]
    fn remove_done_callback(cx: &Ctx, this: This<'_, Future>, r#fn: &Obj) -> PyResult<usize> {
        if this.event_loop.is_empty() {
            return Err(cx.runtime_error("uninitialized Future object"));
        }
        // Comparing runs Python code, which may change the list: entries are looked for again by identity.
        let all: Vec<(Obj, Obj)> = this.callbacks.borrow().iter().cloned().collect();
        let mut removed = 0;
        for (f, c) in all {
            if !f.eq(cx, r#fn)? {
                continue;
            }
            let mut list = this.callbacks.borrow_mut();
            let at = list.iter().position(|(g, d)| g.is(&f) && d.is(&c));
            let entry = at.map(|i| list.remove(i));
            drop(list);
            removed += usize::from(entry.is_some());
        }
        Ok(removed)
    }

    /// Ends the future as cancelled and has its callbacks called; False if it was done already.
    #[pymethod(sig = "($self, /, msg=None)")]
    fn cancel(cx: &Ctx, this: This<'_, Future>, msg: Option<&Obj>) -> PyResult<bool> {
        this.alive(cx)?;
        this.cancel_now(cx, this.obj(), msg)
    }

    /// Whether the future was cancelled.
    #[pymethod]
    fn cancelled(&self) -> bool {
        self.state.get() == State::Cancelled
    }

    /// Return True if the future is done: a result or an exception is there, or it was cancelled.
    #[pymethod]
    fn done(&self) -> bool {
        self.state.get() != State::Pending
    }

    /// The event loop that calls the callbacks.
    #[pymethod]
    fn get_loop(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)
    }

    /// The CancelledError to raise; it forgets the exception it holds, so that is for one use.
    #[pymethod(name = "_make_cancelled_error")]
    fn make_cancelled_error(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.cancelled_error(cx)
    }

    /// See PEP 585
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }

    #[pygetter(name = "_state")]
    fn py_state(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        Ok(match this.state.get() {
            State::Pending => intern!("PENDING"),
            State::Cancelled => intern!("CANCELLED"),
            State::Finished => intern!("FINISHED"),
        }
        .obj())
    }

    #[pygetter(name = "_asyncio_future_blocking")]
    fn py_blocking(cx: &Ctx, this: This<'_, Future>) -> bool {
        let _ = cx;
        this.event_loop.get().is_some() && this.blocking.get()
    }

    #[pysetter(name = "_asyncio_future_blocking")]
    fn set_blocking(cx: &Ctx, this: This<'_, Future>, value: Option<&Obj>) -> PyResult<()> {
        this.alive(cx)?;
        let Some(v) = value else { return Err(undeletable(cx, "_asyncio_future_blocking")) };
        this.blocking.set(v.truthy(cx)?);
        Ok(())
    }

    #[pygetter(name = "_loop")]
    fn py_loop(_cx: &Ctx, this: This<'_, Future>) -> Option<Obj> {
        this.event_loop.get()
    }

    #[pygetter(name = "_callbacks")]
    fn py_callbacks(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        let all: Vec<Obj> = this.callbacks.borrow().iter().map(|(f, c)| tuple::pair(f.clone(), c.clone())).collect();
        Ok(if all.is_empty() { Obj::none() } else { list::new(all) })
    }

    #[pygetter(name = "_result")]
    fn py_result(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        Ok(this.payload().result.get().unwrap_or_else(Obj::none))
    }

    #[pygetter(name = "_exception")]
    fn py_exception(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        this.alive(cx)?;
        Ok(this.payload().exception.get().unwrap_or_else(Obj::none))
    }

    #[pygetter(name = "_log_traceback")]
    fn py_log_traceback(cx: &Ctx, this: This<'_, Future>) -> PyResult<bool> {
        this.alive(cx)?;
        Ok(this.log_traceback.get())
    }

    #[pysetter(name = "_log_traceback")]
    fn set_log_traceback(cx: &Ctx, this: This<'_, Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(undeletable(cx, "_log_traceback")) };
        if v.truthy(cx)? {
            return Err(cx.value_error("_log_traceback can only be set to False"));
        }
        this.log_traceback.set(false);
        Ok(())
    }

    #[pygetter(name = "_source_traceback")]
    fn py_source_traceback(_cx: &Ctx, this: This<'_, Future>) -> Option<Obj> {
        this.source_traceback.get()
    }

    #[pygetter(name = "_cancel_message")]
    fn py_cancel_message(_cx: &Ctx, this: This<'_, Future>) -> Option<Obj> {
        this.cancel_message.get()
    }

    #[pysetter(name = "_cancel_message")]
    fn set_cancel_message(cx: &Ctx, this: This<'_, Future>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(undeletable(cx, "_cancel_message")) };
        this.cancel_message.set(Some(v.clone()));
        Ok(())
    }

    #[pygetter(name = "_asyncio_awaited_by")]
    fn py_awaited_by(cx: &Ctx, this: This<'_, Future>) -> PyResult {
        match this.awaited_by.get() {
            None => Ok(Obj::none()),
            Some(s) if this.awaited_by_many.get() => set::frozen_from_iterable(cx, &s),
            Some(one) => set::frozen_from_iterable(cx, &tuple::new(vec![one])),
        }
    }
}

#[cold]
pub(super) fn undeletable(cx: &Ctx, name: &str) -> Raised {
    cx.raise(exc::AttributeError(), format!("cannot delete attribute '{name}'"))
}

/// The iterator that awaits a future.
#[pyclass(name = "FutureIter", module = "_asyncio", flags(no_new))]
#[derive(Traverse)]
pub struct FutureIter {
    future: ObjCell,
}

impl FutureIter {
    fn step(&self, cx: &Ctx) -> PyResult<SendResult> {
        let Some(fut) = self.future.get() else { return Ok(SendResult::Return(Obj::none())) };
        let Some(f) = fut.downcast::<Future>() else { return Err(cx.system_error("not a future")) };
        if f.state.get() == State::Pending {
            if !f.blocking.replace(true) {
                return Ok(SendResult::Yield(fut));
            }
            return Err(cx.runtime_error("await wasn't used with future"));
        }
        self.future.set(None);
        f.outcome(cx).map(SendResult::Return)
    }
}

#[pymethods]
impl FutureIter {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn am_send(cx: &Ctx, this: This<'_, FutureIter>, value: &Obj) -> PyResult<SendResult> {
        let _ = value;
        this.step(cx)
    }

    fn __next__(cx: &Ctx, this: This<'_, FutureIter>) -> PyResult<Option<Obj>> {
        match this.step(cx)? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) if v.is_none() => Ok(None),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        }
    }

    #[pymethod(sig = "($self, value, /)")]
    fn send(cx: &Ctx, this: This<'_, FutureIter>, value: &Obj) -> PyResult {
        let _ = value;
        match this.step(cx)? {
            SendResult::Yield(v) => Ok(v),
            SendResult::Return(v) => Err(cx.stop_iteration(v.non_none())),
        }
    }

    #[pymethod]
    fn throw(cx: &Ctx, this: This<'_, FutureIter>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "throw", 1, 3)?;
        if a.len() > 1 {
            (cx.host().warn)(
                cx,
                exc::DeprecationWarning(),
                "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
                1,
            )?;
        }
        let value = a.get(1).filter(|v| !v.is_none());
        let tb = a.get(2).filter(|t| !t.is_none());
        if tb.is_some_and(|t| *t.type_of().name() != *"traceback") {
            return Err(cx.type_error("throw() third argument must be a traceback"));
        }
        let e = if a[0].as_type().is_some_and(|t| t.is_subtype(exc::BaseException())) {
            match value {
                Some(v) if v.is_instance(cx, &a[0])? => v.clone(),
                Some(v) => match tuple::items_if_tuple(v) {
                    Some(items) => a[0].call_pos(cx, items)?,
                    None => a[0].call1(cx, v)?,
                },
                None => a[0].call0(cx)?,
            }
        } else if a[0].type_of().is_subtype(exc::BaseException()) {
            if value.is_some() {
                return Err(cx.type_error("instance exception may not have a separate value"));
            }
            a[0].clone()
        } else {
            return Err(cx.type_error("exceptions must be classes deriving BaseException or instances of such a class"));
        };
        if let Some(t) = tb {
            exc::set_traceback(&e, Some(t.clone()));
        }
        this.future.set(None);
        Err(cx.raise_obj(e))
    }

    #[pymethod]
    fn close(_cx: &Ctx, this: This<'_, FutureIter>) {
        this.future.set(None);
    }
}
