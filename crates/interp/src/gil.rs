//! The interpreter lock, and locks that Python code waits on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cinder_pyobj::ctx::Poll;
use cinder_pyobj::{Ctx, PyResult};

use crate::thread::Thread;

struct Gil {
    held: Mutex<bool>,
    free: Condvar,
    /// The context that holds the lock (an address), so that waiters can ask it to hand over.
    holder: AtomicU64,
    main: AtomicU64,
}

static GIL: Gil =
    Gil { held: Mutex::new(false), free: Condvar::new(), holder: AtomicU64::new(0), main: AtomicU64::new(0) };

/// How long a thread waits before it asks the holder to hand over, in microseconds.
static INTERVAL: AtomicU64 = AtomicU64::new(5000);

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the interpreter lock for a context.
pub(crate) fn take(cx: &Ctx) {
    let mut held = lock(&GIL.held);
    while *held {
        let wait = Duration::from_micros(INTERVAL.load(Ordering::Relaxed).max(1));
        let (g, t) = GIL.free.wait_timeout(held, wait).unwrap_or_else(PoisonError::into_inner);
        held = g;
        if t.timed_out() && *held {
            let h = GIL.holder.load(Ordering::Relaxed) as *const Ctx;
            if !h.is_null() {
                // SAFETY: the holder's context lives while it holds the lock, and the mutex is ours.
                unsafe { (*h).request(Poll::SWITCH) };
            }
        }
    }
    *held = true;
    GIL.holder.store(cx as *const Ctx as u64, Ordering::Relaxed);
    // SAFETY: the lock is ours until `give`.
    unsafe { cx.make_current() };
}

/// Gives the interpreter lock back.
pub(crate) fn give(_cx: &Ctx) {
    let mut held = lock(&GIL.held);
    *held = false;
    GIL.holder.store(0, Ordering::Relaxed);
    drop(held);
    GIL.free.notify_one();
}

/// Lets a waiting thread run.
pub(crate) fn hand_over(cx: &Ctx) {
    give(cx);
    std::thread::yield_now();
    take(cx);
}

/// `sys.setswitchinterval`, in seconds.
pub(crate) fn set_interval(seconds: f64) {
    INTERVAL.store((seconds * 1e6) as u64, Ordering::Relaxed);
}

/// `sys.getswitchinterval`, in seconds.
pub(crate) fn interval() -> f64 {
    INTERVAL.load(Ordering::Relaxed) as f64 / 1e6
}

/// The ident of the main thread.
pub(crate) fn main_ident() -> u64 {
    GIL.main.load(Ordering::Relaxed)
}

/// The ident of the calling thread: its pthread handle, as in CPython.
pub(crate) fn own_ident() -> u64 {
    // SAFETY: the call takes no arguments and cannot fail.
    unsafe { libc::pthread_self() as u64 }
}

/// Remembers the calling thread as the main one.
pub(crate) fn set_main() {
    GIL.main.store(own_ident(), Ordering::Relaxed);
}

/// A lock that any thread may release.
#[derive(Default)]
pub struct RawLock {
    locked: Mutex<bool>,
    changed: Condvar,
}

impl RawLock {
    /// Takes the lock if it is free.
    pub(crate) fn try_acquire(&self) -> bool {
        !std::mem::replace(&mut *lock(&self.locked), true)
    }

    /// Waits for the lock; false after the deadline.
    fn wait(&self, deadline: Option<Instant>, slice: Duration) -> bool {
        let mut g = lock(&self.locked);
        let until = Instant::now() + slice;
        while *g {
            let end = deadline.map_or(until, |d| d.min(until));
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            g = self.changed.wait_timeout(g, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *g = true;
        true
    }

    /// Releases the lock; false if it was not locked.
    pub(crate) fn release(&self) -> bool {
        let was = std::mem::replace(&mut *lock(&self.locked), false);
        self.changed.notify_one();
        was
    }

    /// Whether it is locked.
    pub(crate) fn is_locked(&self) -> bool {
        *lock(&self.locked)
    }

    /// Unlocks whatever the state (after a fork).
    pub(crate) fn reset(&self) {
        *lock(&self.locked) = false;
    }
}

/// Acquires a lock with an optional timeout in seconds; signals are served while waiting.
pub(crate) fn acquire(cx: &Ctx, raw: &RawLock, timeout: Option<f64>) -> PyResult<bool> {
    if raw.try_acquire() {
        return Ok(true);
    }
    if timeout == Some(0.0) {
        return Ok(false);
    }
    let deadline = timeout.map(|t| Instant::now() + Duration::from_secs_f64(t));
    let main = Thread::of(cx).ident == main_ident();
    let slice = if main { Duration::from_millis(50) } else { Duration::from_secs(3600) };
    loop {
        if cx.without_lock(|| raw.wait(deadline, slice)) {
            return Ok(true);
        }
        (cx.host().poll)(cx)?;
        if deadline.is_some_and(|d| Instant::now() >= d) {
            return Ok(false);
        }
    }
}
