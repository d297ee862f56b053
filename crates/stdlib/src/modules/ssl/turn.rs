//! Turns at a connection: OpenSSL lets one thread at a time use one.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

/// A lock that its holder may take again: Python code that OpenSSL calls back may use the connection.
///
/// Nobody waits for a turn with the interpreter lock held, since the holder may need that lock to go on.
#[derive(Default)]
pub(super) struct Turn {
    holder: AtomicU64,
    lock: Mutex<()>,
}

/// A number of the calling thread, not zero.
fn me() -> u64 {
    thread_local! {
        /// Its address is the number: no two threads that live have the same.
        static ME: Cell<u8> = const { Cell::new(0) };
    }
    ME.with(|p| p.as_ptr() as u64)
}

impl Turn {
    /// Whether the calling thread has the turn.
    fn is_mine(&self) -> bool {
        self.holder.load(Ordering::Relaxed) == me()
    }

    /// Runs `f` if the connection is free now, or the calling thread's already. `f` must not lead back here.
    pub(super) fn take_now<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        if self.is_mine() {
            return Some(f());
        }
        let held = match self.lock.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let r = f();
        drop(held);
        Some(r)
    }

    /// Runs `f` when the connection is free.
    pub(super) fn take<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.is_mine() {
            return f();
        }
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(me(), Ordering::Relaxed);
        let r = f();
        self.holder.store(0, Ordering::Relaxed);
        drop(held);
        r
    }
}
