//! Locks that Python code waits on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cinder_pyobj::{Ctx, PyResult};

use crate::gil;
use crate::thread::Thread;

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, and somebody may be waiting.
const CONTENDED: u32 = 2;

/// How long a wait lasts at most before the waiter looks whether there is something else to do. A signal ends a
/// wait at once, but one that arrives just before the wait begins is noticed only here.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// A lock that any thread may release.
#[derive(Default)]
pub struct RawLock {
    state: AtomicU32,
}

impl RawLock {
    /// A free lock.
    pub(crate) const fn new() -> RawLock {
        RawLock { state: AtomicU32::new(FREE) }
    }

    /// Takes the lock if it is free.
    pub(crate) fn try_acquire(&self) -> bool {
        self.state.compare_exchange(FREE, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Waits for the lock; false after a while, after the time given, or when a signal arrives.
    fn wait(&self, at_most: Duration) -> bool {
        if self.state.swap(CONTENDED, Ordering::Acquire) == FREE {
            return true;
        }
        wait_while(&self.state, CONTENDED, at_most);
        self.state.swap(CONTENDED, Ordering::Acquire) == FREE
    }

    /// Releases the lock; false if it was not locked.
    pub(crate) fn release(&self) -> bool {
        match self.state.swap(FREE, Ordering::Release) {
            FREE => false,
            LOCKED => true,
            _ => {
                wake_one(&self.state);
                true
            }
        }
    }

    /// Whether it is locked.
    pub(crate) fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) != FREE
    }

    /// Unlocks whatever the state (after a fork).
    pub(crate) fn reset(&self) {
        self.state.store(FREE, Ordering::Release);
    }
}

#[cfg(target_os = "linux")]
fn wait_while(word: &AtomicU32, value: u32, at_most: Duration) {
    let t = libc::timespec { tv_sec: at_most.as_secs() as libc::time_t, tv_nsec: i64::from(at_most.subsec_nanos()) };
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time live for the call. Its result says nothing that the caller does not look up.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), op, value, &raw const t) };
}

#[cfg(target_os = "linux")]
fn wake_one(word: &AtomicU32) {
    // SAFETY: waking looks at the address only.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
}

#[cfg(not(target_os = "linux"))]
fn wait_while(word: &AtomicU32, value: u32, at_most: Duration) {
    // Without a way to wait for a word: short sleeps.
    let end = Instant::now() + at_most;
    while word.load(Ordering::Relaxed) == value && Instant::now() < end {
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[cfg(not(target_os = "linux"))]
fn wake_one(_: &AtomicU32) {}

/// Acquires a lock with an optional timeout in seconds; signals are served while waiting.
pub(crate) fn acquire(cx: &Ctx, raw: &RawLock, timeout: Option<f64>) -> PyResult<bool> {
    if raw.try_acquire() {
        return Ok(true);
    }
    if timeout == Some(0.0) {
        return Ok(false);
    }
    let deadline = timeout.map(|t| Instant::now() + Duration::from_secs_f64(t));
    let main = Thread::of(cx).ident == gil::main_ident();
    loop {
        let got = cx.without_lock(|| {
            // Only the main thread has something else to do: it serves signals.
            loop {
                let left =
                    deadline.map_or(LONGEST_WAIT, |d| d.saturating_duration_since(Instant::now()).min(LONGEST_WAIT));
                let got = raw.wait(left);
                let late = deadline.is_some_and(|d| Instant::now() >= d);
                if got || late || main || wants_attention(cx) {
                    return got;
                }
            }
        });
        if got {
            return Ok(true);
        }
        (cx.host().poll)(cx)?;
        if deadline.is_some_and(|d| Instant::now() >= d) {
            return Ok(raw.try_acquire());
        }
    }
}

fn wants_attention(cx: &Ctx) -> bool {
    cx.poll.load(Ordering::Relaxed) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_take_turns() {
        let lock = RawLock::default();
        let n = AtomicU32::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..1000 {
                        while !lock.try_acquire() && !lock.wait(Duration::from_secs(5)) {}
                        let v = n.load(Ordering::Relaxed);
                        n.store(v + 1, Ordering::Relaxed);
                        assert!(lock.release());
                    }
                });
            }
        });
        assert_eq!(n.load(Ordering::Relaxed), 4000);
        assert!(!lock.is_locked() && !lock.release());
    }

    #[test]
    fn a_wait_ends_in_time() {
        let lock = RawLock::default();
        assert!(lock.try_acquire() && !lock.try_acquire());
        let start = Instant::now();
        assert!(!lock.wait(Duration::from_millis(20)));
        assert!(start.elapsed() >= Duration::from_millis(15));
    }
}
