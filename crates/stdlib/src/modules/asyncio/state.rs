//! What the module keeps for each thread: the running loop and task, and what it needs of asyncio's Python part.

use std::cell::{Cell, OnceCell};
use std::collections::HashSet;
use std::mem::ManuallyDrop;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use cinder_pyobj::types::str::Name;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Value, intern};

use crate::os::sys;

/// Functions and classes of asyncio's Python part, looked up once for each thread.
#[derive(Clone, Copy)]
pub(super) enum Known {
    CancelledError,
    InvalidStateError,
    FutureRepr,
    TaskRepr,
    GetStack,
    PrintStack,
    IsCoroutine,
    CopyContext,
}

const KNOWN: [(&str, &str); 8] = [
    ("asyncio.exceptions", "CancelledError"),
    ("asyncio.exceptions", "InvalidStateError"),
    ("asyncio.base_futures", "_future_repr"),
    ("asyncio.base_tasks", "_task_repr"),
    ("asyncio.base_tasks", "_task_get_stack"),
    ("asyncio.base_tasks", "_task_print_stack"),
    ("asyncio.coroutines", "iscoroutine"),
    ("_contextvars", "copy_context"),
];

/// A thread's state. It is never dropped: a thread may end without the lock, and what is left then is the
/// running loop of a thread that was killed.
pub(super) struct ThreadState {
    pub(super) running_loop: ObjCell,
    pub(super) running_task: ObjCell,
    known: [OnceCell<Obj>; 8],
    /// The fork generation in which the running loop was set.
    generation: Cell<u32>,
}

/// Counts forks: a child has no running loop.
static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn watch_forks() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        sys!(libc::pthread_atfork(None, None, Some(forked)));
    });
}

thread_local! {
    static STATE: ManuallyDrop<ThreadState> = const {
        ManuallyDrop::new(ThreadState {
            running_loop: ObjCell::new(None),
            running_task: ObjCell::new(None),
            known: [const { OnceCell::new() }; 8],
            generation: Cell::new(0),
        })
    };
}

/// Runs `f` with the calling thread's state. `f` must not run Python code that could end the thread.
pub(super) fn with<R>(f: impl FnOnce(&ThreadState) -> R) -> R {
    STATE.with(|s| {
        let now = GENERATION.load(Ordering::Relaxed);
        if s.generation.replace(now) != now {
            s.running_loop.set(None);
            s.running_task.set(None);
        }
        f(s)
    })
}

/// An attribute of a module that is imported by name.
pub(super) fn function(cx: &Ctx, module: &str, name: Name) -> PyResult {
    (cx.host().import)(cx, module)?.get_attr(cx, name)
}

/// One of the functions and classes of asyncio's Python part.
pub(super) fn known(cx: &Ctx, which: Known) -> PyResult {
    if let Some(o) = STATE.with(|s| s.known[which as usize].get().cloned()) {
        return Ok(o);
    }
    let (module, name) = KNOWN[which as usize];
    let found = function(cx, module, Name::new(name))?;
    STATE.with(|s| drop(s.known[which as usize].set(found.clone())));
    Ok(found)
}

pub(super) fn copy_context(cx: &Ctx) -> PyResult {
    known(cx, Known::CopyContext)?.call0(cx)
}

/// Whether the interpreter is shutting down.
pub(crate) fn is_finalizing(cx: &Ctx) -> bool {
    let asked = (cx.host().import)(cx, "sys").and_then(|m| m.call_method(cx, intern!("is_finalizing"), &[]));
    match asked.and_then(|r| r.truthy(cx)) {
        Ok(b) => b,
        Err(r) => {
            drop(cx.take(r));
            true
        }
    }
}

/// The tasks of this module that are not done, as unowned words: a task leaves before it is freed.
static TASKS: Mutex<Option<HashSet<Value>>> = Mutex::new(None);

fn tasks<R>(f: impl FnOnce(&mut HashSet<Value>) -> R) -> R {
    let mut all = TASKS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    f(all.get_or_insert_default())
}

pub(super) fn register(task: &Obj) {
    tasks(|t| t.insert(task.value()));
}

pub(super) fn unregister(task: Value) {
    tasks(|t| t.remove(&task));
}

/// All registered tasks.
pub(super) fn registered() -> Vec<Obj> {
    tasks(|t| {
        t.iter()
            .map(|v| {
                // SAFETY: a task is taken out of the set before its memory goes, under the lock that the
                // caller holds.
                unsafe { Obj::from_borrowed(*v) }
            })
            .collect()
    })
}
