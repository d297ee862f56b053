//! Signals: recorded by the handler, served between instructions by the main thread.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

use cinder_pyobj::ctx::Poll;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::gil;
use crate::thread::Thread;

/// One past the highest signal number.
pub const NSIG: usize = 65;

static TRIPPED: [AtomicBool; NSIG] = [const { AtomicBool::new(false) }; NSIG];
static MAIN_CX: AtomicPtr<Ctx> = AtomicPtr::new(std::ptr::null_mut());
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
/// Whether a full pipe behind the descriptor is worth a message.
static WARN_ON_FULL: AtomicBool = AtomicBool::new(true);
/// The error of a write to the descriptor that is not reported yet.
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);

/// Remembers the main thread's context, which signals interrupt.
pub(crate) fn set_main_context(cx: &Ctx) {
    MAIN_CX.store(cx as *const Ctx as *mut Ctx, Ordering::Release);
}

/// The C-level handler: records the signal. Async-signal-safe.
pub extern "C" fn on_signal(n: libc::c_int) {
    // SAFETY: reading errno's address is async-signal-safe.
    let errno = unsafe { *libc::__errno_location() };
    if let Some(t) = TRIPPED.get(n as usize) {
        t.store(true, Ordering::Release);
    }
    let cx = MAIN_CX.load(Ordering::Acquire);
    if !cx.is_null() {
        // SAFETY: the main context outlives signal delivery; `poll` is atomic.
        unsafe { (*cx).poll.fetch_or(Poll::SIGNAL, Ordering::Release) };
    }
    let fd = WAKEUP_FD.load(Ordering::Relaxed);
    if fd >= 0 {
        let b = n as u8;
        // SAFETY: one byte from a live local.
        let written = unsafe { libc::write(fd, (&raw const b).cast(), 1) };
        if written < 0 {
            // SAFETY: as above.
            let e = unsafe { *libc::__errno_location() };
            let full = e == libc::EAGAIN || e == libc::EWOULDBLOCK;
            if !full || WARN_ON_FULL.load(Ordering::Relaxed) {
                WAKEUP_ERROR.store(e, Ordering::Relaxed);
            }
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// The process is to be aborted: by the Rust library where memory ended, or for any other reason.
extern "C" fn on_abort(n: libc::c_int) {
    if cinder_pyobj::heap::is_memory_refused() {
        const TEXT: &[u8] = b"Fatal Python error: out of memory\n";
        // SAFETY: both calls are async-signal-safe; the text is static.
        unsafe {
            libc::write(2, TEXT.as_ptr().cast(), TEXT.len());
            libc::_exit(1);
        }
    }
    // SAFETY: restores the default action and raises the signal, which comes when the handler has returned.
    unsafe {
        libc::signal(n, libc::SIG_DFL);
        libc::raise(n);
    }
}

/// Whether an action of the process stands for the default one.
pub(crate) fn is_default(action: libc::sighandler_t) -> bool {
    action == libc::SIG_DFL || action == on_abort as *const () as libc::sighandler_t
}

/// Has the process exit with code 1 where the Rust library would abort it because there is no memory for a large block.
pub fn exit_where_memory_ends() {
    // SAFETY: the handler is async-signal-safe. What the caller of the process ignores stays ignored.
    unsafe {
        if libc::signal(libc::SIGABRT, on_abort as *const () as libc::sighandler_t) == libc::SIG_IGN {
            libc::signal(libc::SIGABRT, libc::SIG_IGN);
        }
    }
}

/// Ends the process by SIGINT's default action, as shells expect of an interrupted command.
pub fn die_by_interrupt() {
    // SAFETY: restores the default action and raises the signal; both are always allowed.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::raise(libc::SIGINT);
    }
}

/// Sets the descriptor that each signal's number is written to; returns the old one.
pub(crate) fn set_wakeup_fd(fd: i32, warn_on_full: bool) -> i32 {
    WARN_ON_FULL.store(warn_on_full, Ordering::Relaxed);
    WAKEUP_FD.swap(fd, Ordering::Relaxed)
}

/// Makes a signal look as if it had arrived.
pub(crate) fn trip(cx: &Ctx, n: i64) -> PyResult<()> {
    let Some(t) = usize::try_from(n).ok().filter(|n| *n > 0).and_then(|n| TRIPPED.get(n)) else {
        return Err(cx.value_error("signal number out of range"));
    };
    let h = handler(cx, n as usize);
    if h.is_none_or(|h| !h.is_callable() && !h.is_none()) {
        return Ok(());
    }
    t.store(true, Ordering::Release);
    let main = MAIN_CX.load(Ordering::Acquire);
    if !main.is_null() {
        // SAFETY: as in `on_signal`.
        unsafe { (*main).poll.fetch_or(Poll::SIGNAL, Ordering::Release) };
    }
    Ok(())
}

/// Call in a forked child: signals that arrived before belong to the parent.
pub(crate) fn after_fork_in_child(cx: &Ctx) {
    for t in &TRIPPED {
        t.store(false, Ordering::Relaxed);
    }
    set_main_context(cx);
}

/// Call when the interpreter goes: handlers of the program are not called any more.
pub(crate) fn stop(cx: &Ctx) {
    for n in 1..NSIG {
        if handler(cx, n).is_some_and(|h| h.is_callable()) {
            // None stands for a handler that is gone: a signal that arrives now is reported.
            drop(set_handler(cx, n, Some(Obj::none())));
            // SAFETY: sets the default action of a signal that has a handler of ours.
            unsafe { libc::signal(n as i32, libc::SIG_DFL) };
        }
    }
    WAKEUP_FD.store(-1, Ordering::Relaxed);
}

/// The Python-level handler of a signal.
pub fn handler(cx: &Ctx, n: usize) -> Option<Obj> {
    Thread::of(cx).runtime.signal_handlers.borrow().get(n).cloned().flatten()
}

/// Sets the Python-level handler of a signal; returns the old one.
pub fn set_handler(cx: &Ctx, n: usize, h: Option<Obj>) -> Option<Obj> {
    let mut all = Thread::of(cx).runtime.signal_handlers.borrow_mut();
    if all.len() < NSIG {
        all.resize(NSIG, None);
    }
    match all.get_mut(n) {
        Some(slot) => std::mem::replace(slot, h),
        None => None,
    }
}

/// Calls the handlers of signals that arrived. Only the main thread does.
pub(crate) fn serve(cx: &Ctx) -> PyResult<()> {
    if Thread::of(cx).ident != gil::main_ident() {
        return Ok(());
    }
    let e = WAKEUP_ERROR.swap(0, Ordering::Relaxed);
    if e != 0 {
        let _ = cx.os_error(e);
        (cx.host().unraisable)(cx, Some("Exception ignored when trying to write to the signal wakeup fd"), None);
    }
    for (n, t) in TRIPPED.iter().enumerate() {
        if !t.swap(false, Ordering::AcqRel) {
            continue;
        }
        let Some(h) = handler(cx, n) else {
            if n == libc::SIGINT as usize {
                return Err(cx.raise_args(exc::KeyboardInterrupt(), &[]));
            }
            continue;
        };
        if h.is_none() {
            let _ = cx.raise(exc::OSError(), format!("Signal {n} ignored due to race condition"));
            (cx.host().unraisable)(cx, None, None);
            continue;
        }
        if h.is_exact(FixedShape::Int) || !h.is_callable() {
            continue;
        }
        let th = Thread::of(cx);
        let frame = match th.current.get() {
            f if f.is_null() => Obj::none(),
            f => crate::objects::frame_obj::of(th, f),
        };
        if let Err(r) = h.call_pos(cx, &[Obj::from(n as i64), frame]) {
            // Signals behind this one are served at the next poll.
            cx.request(Poll::SIGNAL);
            return Err(r);
        }
    }
    Ok(())
}
