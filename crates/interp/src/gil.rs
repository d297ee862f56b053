//! The interpreter lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cinder_pyobj::Ctx;
use cinder_pyobj::ctx::Poll;

use crate::thread::Thread;

#[derive(Default)]
struct State {
    held: bool,
    /// Threads that wait for the lock.
    waiting: u32,
    /// Counts how often the lock was taken, so that a thread that hands it over can tell whether another one
    /// got it.
    turns: u64,
    /// The context that holds the lock (an address), so that waiters can ask it to hand over.
    holder: usize,
}

struct Gil {
    state: Mutex<State>,
    free: Condvar,
    taken: Condvar,
    /// The ident of the main thread.
    main: AtomicU64,
    /// The ident of the thread that takes the interpreter down; 0 before. No other thread gets the lock then.
    finalizer: AtomicU64,
}

static GIL: Gil = Gil {
    state: Mutex::new(State { held: false, waiting: 0, turns: 0, holder: 0 }),
    free: Condvar::new(),
    taken: Condvar::new(),
    main: AtomicU64::new(0),
    finalizer: AtomicU64::new(0),
};

/// How long a thread waits before it asks the holder to hand over, in microseconds.
static INTERVAL: AtomicU64 = AtomicU64::new(5000);

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the interpreter lock for a context. A thread that comes too late, when the interpreter is being taken
/// down, never returns from here.
pub(crate) fn take(cx: &Ctx) {
    let mut s = lock(&GIL.state);
    s.waiting += 1;
    loop {
        let finalizer = GIL.finalizer.load(Ordering::Relaxed);
        if finalizer != 0 && finalizer != own_ident() {
            s.waiting -= 1;
            drop(s);
            sleep_forever();
        }
        if !s.held {
            break;
        }
        let wait = Duration::from_micros(INTERVAL.load(Ordering::Relaxed).max(1));
        let turns = s.turns;
        let (g, t) = GIL.free.wait_timeout(s, wait).unwrap_or_else(PoisonError::into_inner);
        s = g;
        if t.timed_out() && s.held && s.turns == turns && s.holder != 0 {
            let holder = s.holder as *const Ctx;
            // SAFETY: the holder's context lives while it holds the lock, which it cannot give up while we have
            // the mutex.
            unsafe { (*holder).request(Poll::SWITCH) };
        }
    }
    s.waiting -= 1;
    s.held = true;
    s.turns += 1;
    s.holder = cx as *const Ctx as usize;
    drop(s);
    GIL.taken.notify_all();
    // SAFETY: the lock is ours until `give`.
    unsafe { cx.make_current() };
}

/// Gives the interpreter lock back.
pub(crate) fn give(_cx: &Ctx) {
    let mut s = lock(&GIL.state);
    s.held = false;
    s.holder = 0;
    drop(s);
    GIL.free.notify_one();
}

/// Lets a waiting thread run: the lock is not taken again before another thread had it.
pub(crate) fn hand_over(cx: &Ctx) {
    let mut s = lock(&GIL.state);
    if s.waiting == 0 {
        return;
    }
    s.held = false;
    s.holder = 0;
    let turns = s.turns;
    GIL.free.notify_one();
    while s.waiting > 0 && s.turns == turns {
        s = GIL.taken.wait_timeout(s, Duration::from_millis(1)).unwrap_or_else(PoisonError::into_inner).0;
    }
    drop(s);
    take(cx);
}

/// From now on only the calling thread gets the lock.
pub(crate) fn begin_finalizing(cx: &Ctx) {
    GIL.finalizer.store(Thread::of(cx).ident, Ordering::Relaxed);
}

fn sleep_forever() -> ! {
    loop {
        std::thread::park_timeout(Duration::from_secs(3600));
    }
}

/// The lock's own state, held over a fork so that the child finds it consistent.
pub(crate) struct Forking(MutexGuard<'static, State>);

/// Call before a fork, with the interpreter lock held.
pub(crate) fn before_fork() -> Forking {
    Forking(lock(&GIL.state))
}

/// Call in the child: the calling thread is the only one and becomes the main thread.
pub(crate) fn after_fork_in_child(mut forking: Forking) {
    forking.0.waiting = 0;
    drop(forking);
    set_main();
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
