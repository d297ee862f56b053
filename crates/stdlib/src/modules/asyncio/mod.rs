//! `_asyncio`: futures and tasks.
//!
//! - [`future`]: `Future` and what awaits it; [`task`]: `Task`; [`step`]: how a task runs
//! - [`state`]: the running loop and task of each thread

mod future;
mod state;
mod step;
mod task;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::set;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use future::Future;
pub(crate) use state::is_finalizing;
use task::Task;

/// The loop that runs in the calling thread.
fn running_loop() -> Option<Obj> {
    state::with(|s| s.running_loop.get())
}

#[cold]
fn no_running_loop(cx: &Ctx) -> Raised {
    cx.runtime_error("no running event loop")
}

/// The running loop, or else the policy's.
fn current_event_loop(cx: &Ctx) -> PyResult {
    match running_loop() {
        Some(l) => Ok(l),
        None => state::function(cx, "asyncio.events", intern!("_get_event_loop_policy"))?.call0(cx)?.call_method(
            cx,
            intern!("get_event_loop"),
            &[],
        ),
    }
}

fn shown(cx: &Ctx, o: &Obj) -> PyResult<String> {
    Ok(as_utf8_lossy(&o.repr(cx)?).into_owned())
}

fn require_running(cx: &Ctx, l: &Obj) -> PyResult<()> {
    if running_loop().is_some_and(|r| r.is(l)) {
        return Ok(());
    }
    Err(cx.runtime_error(format!("loop {} is not the running loop", shown(cx, l)?)))
}

fn enter(cx: &Ctx, l: &Obj, task: &Obj) -> PyResult<()> {
    require_running(cx, l)?;
    let current = state::with(|s| {
        let t = s.running_task.get();
        if t.is_none() {
            s.running_task.set(Some(task.clone()));
        }
        t
    });
    match current {
        None => Ok(()),
        Some(t) => Err(cx.runtime_error(format!(
            "Cannot enter into task {} while another task {} is being executed.",
            shown(cx, task)?,
            shown(cx, &t)?
        ))),
    }
}

fn leave(cx: &Ctx, l: &Obj, task: &Obj) -> PyResult<()> {
    require_running(cx, l)?;
    let current = state::with(|s| s.running_task.get());
    if current.as_ref().is_some_and(|t| t.is(task)) {
        state::with(|s| s.running_task.set(None));
        return Ok(());
    }
    Err(cx.runtime_error(format!(
        "Invalid attempt to leave task {} while task {} is entered.",
        shown(cx, task)?,
        shown(cx, &current.unwrap_or_else(Obj::none))?
    )))
}

fn swap(cx: &Ctx, l: &Obj, task: Option<Obj>) -> PyResult<Option<Obj>> {
    require_running(cx, l)?;
    Ok(state::with(|s| s.running_task.replace(task)))
}

/// The weak set of tasks of other classes.
fn foreign_tasks(cx: &Ctx) -> PyResult {
    (cx.host().import)(cx, "_asyncio")?.get_attr(cx, intern!("_scheduled_tasks"))
}

/// The set of tasks of other classes in their first eager step.
fn foreign_eager_tasks(cx: &Ctx) -> PyResult {
    (cx.host().import)(cx, "_asyncio")?.get_attr(cx, intern!("_eager_tasks"))
}

/// Native parts of asyncio: futures, tasks, and what loop and task are running.
#[pymodule(name = "_asyncio", classes(super::Future, super::Task))]
pub(crate) mod asyncio {
    use super::*;

    /// Return the current task, or None if there is none.
    #[pyfunction(sig = "(loop=None)")]
    fn current_task(cx: &Ctx, r#loop: Option<&Obj>) -> PyResult<Option<Obj>> {
        let running = running_loop();
        match (r#loop, running) {
            (None, None) => Err(no_running_loop(cx)),
            (Some(l), Some(r)) if !l.is(&r) => Ok(None),
            (Some(_), None) => Ok(None),
            _ => Ok(state::with(|s| s.running_task.get())),
        }
    }

    /// The running event loop, or else the one of the event loop policy.
    #[pyfunction(sig = "()")]
    fn get_event_loop(cx: &Ctx) -> PyResult {
        current_event_loop(cx)
    }

    /// The event loop that runs in this thread; RuntimeError if there is none.
    #[pyfunction(sig = "()")]
    fn get_running_loop(cx: &Ctx) -> PyResult {
        running_loop().ok_or_else(|| no_running_loop(cx))
    }

    /// The event loop that runs in this thread, or None. Meant for event loops.
    #[pyfunction(name = "_get_running_loop", sig = "()")]
    fn py_running_loop() -> Option<Obj> {
        running_loop()
    }

    /// Says which event loop runs in this thread, or none for None. Meant for event loops.
    #[pyfunction(name = "_set_running_loop", sig = "(loop, /)")]
    fn set_running_loop(r#loop: &Obj) {
        let old = state::with(|s| s.running_loop.replace(r#loop.clone().non_none()));
        drop(old);
    }

    /// Adds a task to those that all_tasks() knows.
    #[pyfunction(name = "_register_task", sig = "(task)")]
    fn register_task(cx: &Ctx, task: &Obj) -> PyResult<()> {
        if task.downcast::<Task>().is_some() {
            state::register(task);
            return Ok(());
        }
        foreign_tasks(cx)?.call_method(cx, intern!("add"), std::slice::from_ref(task)).map(drop)
    }

    /// Register a new task in asyncio as eager.
    #[pyfunction(name = "_register_eager_task", sig = "(task)")]
    fn register_eager_task(cx: &Ctx, task: &Obj) -> PyResult<()> {
        set::add(cx, &foreign_eager_tasks(cx)?, task)
    }

    /// Unregister a task.
    #[pyfunction(name = "_unregister_task", sig = "(task)")]
    fn unregister_task(cx: &Ctx, task: &Obj) -> PyResult<()> {
        if task.downcast::<Task>().is_some() {
            state::unregister(task.value());
            return Ok(());
        }
        foreign_tasks(cx)?.call_method(cx, intern!("discard"), std::slice::from_ref(task)).map(drop)
    }

    /// Unregister an eager task.
    #[pyfunction(name = "_unregister_eager_task", sig = "(task)")]
    fn unregister_eager_task(cx: &Ctx, task: &Obj) -> PyResult<()> {
        foreign_eager_tasks(cx)?.call_method(cx, intern!("discard"), std::slice::from_ref(task)).map(drop)
    }

    /// Says that a task of the loop runs from now on.
    #[pyfunction(name = "_enter_task", sig = "(loop, task)")]
    fn enter_task(cx: &Ctx, r#loop: &Obj, task: &Obj) -> PyResult<()> {
        enter(cx, r#loop, task)
    }

    /// Says that the running task of the loop stops running for now.
    #[pyfunction(name = "_leave_task", sig = "(loop, task)")]
    fn leave_task(cx: &Ctx, r#loop: &Obj, task: &Obj) -> PyResult<()> {
        leave(cx, r#loop, task)
    }

    /// Says which task of the loop runs, and gives the one before or None.
    #[pyfunction(name = "_swap_current_task", sig = "(loop, task)")]
    fn swap_current_task(cx: &Ctx, r#loop: &Obj, task: &Obj) -> PyResult<Option<Obj>> {
        swap(cx, r#loop, task.clone().non_none())
    }

    /// The tasks of a loop, by default the running one, which are not done.
    #[pyfunction(sig = "(loop=None)")]
    fn all_tasks(cx: &Ctx, r#loop: Option<&Obj>) -> PyResult {
        let l = match r#loop {
            Some(l) => l.clone(),
            None => running_loop().ok_or_else(|| no_running_loop(cx))?,
        };
        let out = set::new();
        let mut all = state::registered();
        all.extend(foreign_eager_tasks(cx)?.collect(cx)?);
        all.extend(foreign_tasks(cx)?.collect(cx)?);
        for t in all {
            let (owner, done) = match t.downcast::<Future>() {
                Some(f) => (f.event_loop.get().unwrap_or_else(Obj::none), f.state.get() != future::State::Pending),
                None => (future::loop_of(cx, &t)?, t.call_method(cx, intern!("done"), &[])?.truthy(cx)?),
            };
            if owner.is(&l) && !done {
                set::add(cx, &out, &t)?;
            }
        }
        Ok(out)
    }

    /// Notes for call graphs that waiter awaits fut.
    #[pyfunction(sig = "(fut, waiter, /)")]
    fn future_add_to_awaited_by(cx: &Ctx, fut: &Obj, waiter: &Obj) -> PyResult<()> {
        match fut.downcast::<Future>() {
            Some(f) if waiter.downcast::<Future>().is_some() => f.add_waiter(cx, waiter),
            _ => Ok(()),
        }
    }

    /// Forget that `fut` is awaited on by `waiter`.
    #[pyfunction(sig = "(fut, waiter, /)")]
    fn future_discard_from_awaited_by(cx: &Ctx, fut: &Obj, waiter: &Obj) -> PyResult<()> {
        match fut.downcast::<Future>() {
            Some(f) if waiter.downcast::<Future>().is_some() => f.discard_waiter(cx, waiter),
            _ => Ok(()),
        }
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        state::watch_forks();
        let weak = state::function(cx, "weakref", intern!("WeakSet"))?.call0(cx)?;
        module.set_attr(cx, intern!("_scheduled_tasks"), &weak)?;
        module.set_attr(cx, intern!("_eager_tasks"), &set::new())
    }
}
