//! Python code that a C library calls back, on a thread that gave up the interpreter lock to call the library.

use std::cell::Cell;

use cinder_pyobj::Ctx;

thread_local! {
    /// The thread context of the Python code that called the library.
    static CALLER: Cell<*const Ctx> = const { Cell::new(std::ptr::null()) };
}

/// Runs `f`, which calls the library, without the interpreter lock.
pub(crate) fn unlocked<R>(cx: &Ctx, f: impl FnOnce() -> R) -> R {
    let before = CALLER.replace(cx);
    let r = cx.without_lock(f);
    CALLER.set(before);
    r
}

/// Runs `f`, the Python side of a callback, with the lock. Nothing if no Python code is waiting for the library on this
/// thread.
pub(crate) fn locked<R>(f: impl FnOnce(&Ctx) -> R) -> Option<R> {
    let cx = CALLER.get();
    // SAFETY: `unlocked` keeps the context borrowed while it is set.
    let cx = unsafe { cx.as_ref() }?;
    (cx.host().acquire_lock)(cx);
    let r = f(cx);
    (cx.host().release_lock)(cx);
    Some(r)
}
