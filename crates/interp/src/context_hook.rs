//! The context variables of a thread: the current `contextvars.Context`.

use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::thread::Thread;

/// The current context object, if one was entered. `_contextvars` keeps it here.
pub fn current(cx: &Ctx) -> Option<Obj> {
    Thread::of(cx).context.get()
}

/// Makes `context` current and returns the one before.
pub fn replace(cx: &Ctx, context: Option<Obj>) -> Option<Obj> {
    Thread::of(cx).context.replace(context)
}

/// What a new thread starts with.
pub(crate) fn copy_current(_cx: &Ctx) -> PyResult<Option<Obj>> {
    // Threads start with an empty context (`sys.flags.thread_inherit_context` is 0).
    Ok(None)
}

pub(crate) fn enter(cx: &Ctx, context: Option<Obj>) {
    drop(replace(cx, context));
}

pub(crate) fn leave(cx: &Ctx) {
    drop(replace(cx, None));
}
