//! State that stays usable in forked children: a mutex that is held across `fork`, and a count of forks.

use std::cell::UnsafeCell;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

struct Global(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a pthread mutex may be used by any thread.
unsafe impl Sync for Global {}

/// Serialises all allocation of code memory. One lock for all, so that the fork handlers have only one to hold:
/// it is never held for longer than a page-table change.
static LOCK: Global = Global(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn prepare() {
    // SAFETY: the mutex is statically initialised and never destroyed.
    unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
    FORKS.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn resume() {
    // SAFETY: runs in the thread that took the lock in `prepare`, in the parent or as the child's only thread.
    unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
}

/// Starts counting forks.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers are plain functions that live as long as the program.
        unsafe { libc::pthread_atfork(Some(prepare), Some(resume), Some(resume)) };
    });
}

/// Forks of this process and its ancestors since [`watch`].
pub(super) fn count() -> u32 {
    FORKS.load(Ordering::SeqCst)
}

thread_local! {
    /// Depth of [`ForkCell::with`] on this thread: the lock is taken once.
    static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// A value behind the global lock.
pub(super) struct ForkCell<T>(UnsafeCell<T>);

// SAFETY: the value is reached only through `with`, under the lock.
unsafe impl<T: Send> Sync for ForkCell<T> {}

struct Unlock;

impl Drop for Unlock {
    fn drop(&mut self) {
        DEPTH.with(|d| {
            d.set(d.get() - 1);
            if d.get() == 0 {
                // SAFETY: this thread took the lock when its depth was zero.
                unsafe { libc::pthread_mutex_unlock(LOCK.0.get()) };
            }
        });
    }
}

impl<T> ForkCell<T> {
    pub(super) fn new(value: T) -> ForkCell<T> {
        ForkCell(UnsafeCell::new(value))
    }

    /// Runs `f` with the value. Different cells may be nested; the same cell never is.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        DEPTH.with(|d| {
            if d.get() == 0 {
                // SAFETY: the mutex is statically initialised and never destroyed.
                unsafe { libc::pthread_mutex_lock(LOCK.0.get()) };
            }
            d.set(d.get() + 1);
        });
        let _unlock = Unlock;
        // SAFETY: the lock is held and no caller nests the same cell, so this is the only reference.
        f(unsafe { &mut *self.0.get() })
    }
}
