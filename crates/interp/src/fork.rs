//! Forks: the child has one thread, which must find every lock of the interpreter in order.

use cinder_pyobj::Ctx;

use crate::modules::{imp, thread_handle};
use crate::thread::Thread;
use crate::{gil, signals};

/// Makes a system call that forks. The calling thread is the only one in the child and its main thread.
pub(crate) fn fork(cx: &Ctx, call: &mut dyn FnMut() -> i32) -> i32 {
    // An import that another thread is in the middle of is waited for.
    while let Err(r) = imp::IMPORT_LOCK.acquire(cx) {
        (cx.host().unraisable)(cx, None, None);
        let _ = r;
    }
    let lock = gil::before_fork();
    let threads = thread_handle::before_fork();
    let pid = call();
    if pid != 0 {
        drop((lock, threads));
        imp::IMPORT_LOCK.release(cx);
        return pid;
    }
    gil::after_fork_in_child(lock);
    thread_handle::after_fork_in_child(cx, threads);
    imp::IMPORT_LOCK.release(cx);
    signals::after_fork_in_child(cx);
    // The frames of threads that are gone stay as they are: nothing runs them, and nothing may free them.
    let me: *const Thread = Thread::of(cx);
    Thread::of(cx).runtime.threads.borrow_mut().retain(|t| *t == me);
    pid
}
