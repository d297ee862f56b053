//! How a task runs: one step from await to await.

use cinder_pyobj::heap::Traverse;
use cinder_pyobj::heap::new_instance;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{SendResult, exc};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::future::{Future, State, call_soon, loop_of};
use super::state::{self, Known};
use super::task::Task;
use super::{enter, leave, shown};

/// Has the loop run a step of the task later, with an exception to raise in it or none.
pub(super) fn schedule(cx: &Ctx, this: &Obj, task: &Task, exception: Option<Obj>) -> PyResult<()> {
    let f = new_instance(
        TaskStep::type_object(),
        TaskStep { task: ObjCell::new(Some(this.clone())), exception: ObjCell::new(exception) },
    );
    let l = task.future.alive(cx)?;
    call_soon(cx, &l, &f, None, task.context.get().as_ref())
}

/// Runs one step as the current task of its loop.
fn run(cx: &Ctx, this: &Obj, task: &Task, mut exception: Option<Obj>) -> PyResult<()> {
    if task.future.state.get() != State::Pending {
        let e = exception.unwrap_or_else(Obj::none);
        let text = format!("__step(): already done: {} {}", shown(cx, this)?, shown(cx, &e)?);
        let e = state::known(cx, Known::InvalidStateError)?.call1(cx, &Obj::from(text.as_str()))?;
        return Err(cx.raise_obj(e));
    }
    if task.must_cancel.replace(false) {
        let class = state::known(cx, Known::CancelledError)?;
        let already = match &exception {
            Some(e) => e.is_instance(cx, &class)?,
            None => false,
        };
        if !already {
            exception = Some(task.future.cancelled_error(cx)?);
        }
    }
    drop(task.waiter.take());
    let l = task.future.alive(cx)?;
    enter(cx, &l, this)?;
    let r = advance(cx, this, task, exception);
    match r {
        Ok(()) => leave(cx, &l, this),
        Err(r) => {
            let e = cx.take(r);
            leave(cx, &l, this)?;
            Err(cx.set_pending(e))
        }
    }
}

/// Resumes the coroutine.
fn resume(cx: &Ctx, coro: &Obj, exception: Option<Obj>) -> PyResult<SendResult> {
    let r = match exception {
        None => match coro.type_of().slots.send.get() {
            Some(send) => return send(cx, coro, &Obj::none()),
            None => coro.call_method(cx, intern!("send"), &[Obj::none()]),
        },
        Some(e) => coro.call_method(cx, intern!("throw"), &[e]),
    };
    match r {
        Ok(v) => Ok(SendResult::Yield(v)),
        Err(r) if cx.pending_is(exc::StopIteration()) => {
            let e = cx.take(r);
            Ok(SendResult::Return(exc::stop_iteration_value(&e)))
        }
        Err(r) => Err(r),
    }
}

/// Resumes the coroutine and acts on what it does.
pub(super) fn advance(cx: &Ctx, this: &Obj, task: &Task, exception: Option<Obj>) -> PyResult<()> {
    let Some(coro) = task.coro.get() else {
        return Err(cx.runtime_error("uninitialized Task object"));
    };
    match resume(cx, &coro, exception) {
        Ok(SendResult::Yield(v)) => await_on(cx, this, task, &v),
        Ok(SendResult::Return(v)) => {
            if task.must_cancel.replace(false) {
                // It was cancelled right before it ended.
                let msg = task.future.cancel_message.get();
                task.future.cancel_now(cx, this, msg.as_ref())?;
            } else {
                task.future.finish(cx, this, v)?;
            }
            state::unregister(this.value());
            Ok(())
        }
        Err(r) => {
            let e = cx.take(r);
            state::unregister(this.value());
            if e.is_instance(cx, &state::known(cx, Known::CancelledError)?)? {
                task.future.cancelled_exc.set(Some(e));
                return task.future.cancel_now(cx, this, None).map(drop);
            }
            task.future.fail(cx, this, &e)?;
            let ty = e.type_of();
            if ty.is_subtype(exc::KeyboardInterrupt()) || ty.is_subtype(exc::SystemExit()) {
                return Err(cx.set_pending(e));
            }
            Ok(())
        }
    }
}

/// Raises RuntimeError in the task at its next step.
fn complain(cx: &Ctx, this: &Obj, task: &Task, message: String) -> PyResult<()> {
    schedule(cx, this, task, Some(exc::new(cx, exc::RuntimeError(), &message)))
}

/// Waits for what the coroutine yielded.
fn await_on(cx: &Ctx, this: &Obj, task: &Task, what: &Obj) -> PyResult<()> {
    if what.is(this) {
        return complain(cx, this, task, format!("Task cannot await on itself: {}", shown(cx, this)?));
    }
    let l = task.future.alive(cx)?;
    if let Some(f) = what.downcast::<Future>().filter(|_| is_own(what)) {
        if !f.event_loop.get().is_some_and(|o| o.is(&l)) {
            return other_loop(cx, this, task, what);
        }
        if !f.blocking.replace(false) {
            return not_awaited(cx, this, task, what);
        }
        f.add_waiter(cx, this)?;
        let wake = new_instance(TaskWakeup::type_object(), TaskWakeup { task: this.clone() });
        let context = task.context.get().unwrap_or_else(Obj::none);
        f.add_callback(cx, what, &wake, &context)?;
        return now_waiting(cx, task, what);
    }
    if what.is_none() {
        return schedule(cx, this, task, None);
    }
    if let Some(blocking) = what.get_attr_opt(cx, intern!("_asyncio_future_blocking"))?.and_then(Obj::non_none) {
        let blocking = blocking.truthy(cx)?;
        if !loop_of(cx, what)?.is(&l) {
            return other_loop(cx, this, task, what);
        }
        if !blocking {
            return not_awaited(cx, this, task, what);
        }
        if let Some(f) = what.downcast::<Future>() {
            f.add_waiter(cx, this)?;
        }
        what.set_attr(cx, intern!("_asyncio_future_blocking"), &Obj::from_bool(false))?;
        let wake = new_instance(TaskWakeup::type_object(), TaskWakeup { task: this.clone() });
        let context = task.context.get().unwrap_or_else(Obj::none);
        let add = what.get_attr(cx, intern!("add_done_callback"))?;
        add.call(cx, Args::new(&[wake, context], std::slice::from_ref(intern!("context").as_obj())))?;
        return now_waiting(cx, task, what);
    }
    if *what.type_of().name() == *"generator" {
        return complain(
            cx,
            this,
            task,
            format!(
                "yield was used instead of yield from for generator in task {} with {}",
                shown(cx, this)?,
                shown(cx, what)?
            ),
        );
    }
    complain(cx, this, task, format!("Task got bad yield: {}", shown(cx, what)?))
}

/// Whether a future is of this module's classes themselves, so that nothing of it is overridden.
fn is_own(o: &Obj) -> bool {
    let ty = o.type_of();
    std::ptr::eq(ty, Future::class().type_object()) || std::ptr::eq(ty, Task::class().type_object())
}

fn now_waiting(cx: &Ctx, task: &Task, what: &Obj) -> PyResult<()> {
    task.waiter.set(Some(what.clone()));
    if task.must_cancel.get() {
        let msg = task.future.cancel_message.get().unwrap_or_else(Obj::none);
        if super::task::cancel_waiter(cx, what, &msg)? {
            task.must_cancel.set(false);
        }
    }
    Ok(())
}

fn other_loop(cx: &Ctx, this: &Obj, task: &Task, what: &Obj) -> PyResult<()> {
    let text = format!("Task {} got Future {} attached to a different loop", shown(cx, this)?, shown(cx, what)?);
    complain(cx, this, task, text)
}

fn not_awaited(cx: &Ctx, this: &Obj, task: &Task, what: &Obj) -> PyResult<()> {
    let text = format!("yield was used instead of yield from in task {} with {}", shown(cx, this)?, shown(cx, what)?);
    complain(cx, this, task, text)
}

/// The callable that runs a task's next step.
#[pyclass(name = "TaskStepMethWrapper", module = "_asyncio", flags(no_new))]
#[derive(Traverse)]
pub struct TaskStep {
    task: ObjCell,
    exception: ObjCell,
}

#[pymethods]
impl TaskStep {
    fn __call__(cx: &Ctx, this: This<'_, TaskStep>, args: Args<'_>) -> PyResult {
        if args.has_keywords() {
            return Err(cx.type_error("function takes no keyword arguments"));
        }
        if !args.pos().is_empty() {
            return Err(cx.type_error("function takes no positional arguments"));
        }
        let Some(task) = this.task.get() else { return Ok(Obj::none()) };
        let Some(t) = task.downcast::<Task>() else { return Ok(Obj::none()) };
        run(cx, &task, t, this.exception.get())?;
        Ok(Obj::none())
    }

    #[pygetter]
    fn __self__(_cx: &Ctx, this: This<'_, TaskStep>) -> Option<Obj> {
        this.task.get()
    }

    #[pygetter]
    fn __qualname__(cx: &Ctx, this: This<'_, TaskStep>) -> PyResult {
        let task = this.task.get().unwrap_or_else(Obj::none);
        match task.downcast::<Task>().and_then(|t| t.coro.get()) {
            Some(c) => c.get_attr(cx, intern!("__qualname__")),
            None => Ok(Obj::none()),
        }
    }
}

/// The first step of an eager task, run within its context.
#[pyclass(name = "TaskEagerStart", module = "_asyncio", flags(no_new))]
#[derive(Traverse)]
pub struct EagerStep {
    task: Obj,
}

#[pymethods]
impl EagerStep {
    fn __call__(cx: &Ctx, this: This<'_, EagerStep>, _args: Args<'_>) -> PyResult {
        if let Some(t) = this.task.downcast::<Task>() {
            advance(cx, &this.payload().task, t, None)?;
        }
        Ok(Obj::none())
    }
}

/// Runs a new task up to its first suspension.
pub(super) fn start_eagerly(cx: &Ctx, this: &Obj, task: &Task) -> PyResult<()> {
    let l = task.future.alive(cx)?;
    let before = super::swap(cx, &l, Some(this.clone()))?;
    state::register(this);
    let context = task.context.get().unwrap_or_else(Obj::none);
    let first = new_instance(EagerStep::type_object(), EagerStep { task: this.clone() });
    let r = context.call_method(cx, intern!("run"), &[first]).map(drop);
    let pending = r.map_err(|r| cx.take(r));
    drop(super::swap(cx, &l, before)?);
    if task.future.state.get() != State::Pending {
        state::unregister(this.value());
        drop(task.coro.take());
    }
    pending.map_err(|e| cx.set_pending(e))
}

/// The callable that goes on with a task when what it waited for is done.
#[pyclass(name = "TaskWakeupMethWrapper", module = "_asyncio", flags(no_new))]
#[derive(Traverse)]
pub struct TaskWakeup {
    task: Obj,
}

#[pymethods]
impl TaskWakeup {
    fn __call__(cx: &Ctx, this: This<'_, TaskWakeup>, args: Args<'_>) -> PyResult {
        args.no_keywords(cx, "TaskWakeup")?;
        let [fut] = args.pos() else {
            return Err(cx.type_error(format!("TaskWakeup() takes exactly one argument ({} given)", args.pos().len())));
        };
        let task = this.payload().task.clone();
        let Some(t) = task.downcast::<Task>() else { return Ok(Obj::none()) };
        let outcome = match fut.downcast::<Future>() {
            Some(f) => {
                f.discard_waiter(cx, &task)?;
                if is_own(fut) { f.outcome(cx) } else { fut.call_method(cx, intern!("result"), &[]) }
            }
            None => fut.call_method(cx, intern!("result"), &[]),
        };
        let exception = outcome.err().map(|r| cx.take(r));
        run(cx, &task, t, exception)?;
        Ok(Obj::none())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, TaskWakeup>) -> String {
        format!("<built-in method TaskWakeup of _asyncio.Task object at {:#x}>", this.payload().task.id())
    }

    #[pygetter]
    fn __self__(_cx: &Ctx, this: This<'_, TaskWakeup>) -> Obj {
        this.payload().task.clone()
    }

    #[pygetter]
    fn __name__(_cx: &Ctx, _this: This<'_, TaskWakeup>) -> &'static str {
        "TaskWakeup"
    }

    #[pygetter]
    fn __qualname__(_cx: &Ctx, _this: This<'_, TaskWakeup>) -> &'static str {
        "Task.TaskWakeup"
    }
}
