//! `_signal`: handlers of signals, timers, and signal masks.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, float, int, set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use crate::signals::{self, NSIG};
use crate::thread::Thread;

/// Calls a libc function.
macro_rules! sys {
    ($e:expr) => {{
        // SAFETY: every call site passes live, initialised memory, or null where the function allows that.
        unsafe { $e }
    }};
}

fn last_error(cx: &Ctx) -> Raised {
    cx.os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

fn number(cx: &Ctx, n: i64) -> PyResult<usize> {
    match usize::try_from(n) {
        Ok(n) if n > 0 && n < NSIG => Ok(n),
        _ => Err(cx.value_error("signal number out of range")),
    }
}

fn empty_mask() -> libc::sigset_t {
    let mut m = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    sys!({
        libc::sigemptyset(m.as_mut_ptr());
        m.assume_init()
    })
}

fn mask_of(cx: &Ctx, signals: &Obj) -> PyResult<libc::sigset_t> {
    let mut m = empty_mask();
    signals.for_each(cx, |s| {
        let n = int::as_i64(&s.index(cx)?).unwrap_or(-1);
        if !(1..NSIG as i64).contains(&n) {
            return Err(cx.value_error(format!("signal number {n} out of range [1; {}]", NSIG - 1)));
        }
        sys!(libc::sigaddset(&raw mut m, n as i32));
        Ok(())
    })?;
    Ok(m)
}

fn set_of(cx: &Ctx, m: &libc::sigset_t) -> PyResult {
    let s = set::new();
    for n in 1..NSIG as i32 {
        if sys!(libc::sigismember(m, n)) == 1 {
            set::add(cx, &s, &Obj::from(i64::from(n)))?;
        }
    }
    Ok(s)
}

fn seconds(cx: &Ctx, o: &Obj) -> PyResult<f64> {
    match float::as_f64(o) {
        Some(f) => Ok(f),
        None => int::as_f64(cx, &o.index(cx)?),
    }
}

fn timeval(s: f64) -> libc::timeval {
    if s < 0.0 {
        // The system refuses it.
        return libc::timeval { tv_sec: -1, tv_usec: 0 };
    }
    let whole = s.trunc();
    libc::timeval { tv_sec: whole as i64, tv_usec: ((s - whole) * 1e6).ceil().min(999_999.0) as i64 }
}

fn timer_pair(t: &libc::itimerval) -> Obj {
    let f = |v: &libc::timeval| Obj::from(v.tv_sec as f64 + v.tv_usec as f64 / 1e6);
    tuple::pair(f(&t.it_value), f(&t.it_interval))
}

static SIGINFO: StructSeq = StructSeq {
    name: "struct_siginfo",
    module: "signal",
    doc: "Information about a signal.",
    fields: &[
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "an error number that came with the signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "the user who owned the process that sent it"),
        ("si_status", "exit code of a child, or the signal that changed its state"),
        ("si_band", "what happened to a descriptor, for SIGPOLL"),
    ],
    visible: 7,
    cell: TypeCell::new(),
};

fn siginfo(i: &libc::siginfo_t) -> Obj {
    // The fields share their place; which of them mean something depends on the signal.
    let words: [i64; 3] = sys!(std::ptr::read((i as *const libc::siginfo_t).cast()));
    let int = |n: i32| Obj::from(i64::from(n));
    SIGINFO.make(vec![
        int(i.si_signo),
        int(i.si_code),
        int(i.si_errno),
        int(sys!(i.si_pid())),
        Obj::from(i64::from(sys!(i.si_uid()))),
        int(sys!(i.si_status())),
        Obj::from(words[2]),
    ])
}

/// Waits for a signal of a set without the interpreter lock: its number, what is known about it, and the error.
fn wait_info(cx: &Ctx, m: &libc::sigset_t, timeout: Option<std::time::Duration>) -> (i32, libc::siginfo_t, i32) {
    let mut info = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
    let n = cx.without_lock(|| match timeout {
        None => sys!(libc::sigwaitinfo(m, info.as_mut_ptr())),
        Some(t) => {
            let t = libc::timespec { tv_sec: t.as_secs() as i64, tv_nsec: i64::from(t.subsec_nanos()) };
            sys!(libc::sigtimedwait(m, info.as_mut_ptr(), &raw const t))
        }
    });
    let e = if n < 0 { std::io::Error::last_os_error().raw_os_error().unwrap_or(0) } else { 0 };
    (n, sys!(info.assume_init()), e)
}

fn is_main_thread(cx: &Ctx) -> bool {
    Thread::of(cx).ident == crate::gil::main_ident()
}

/// What the system does with a signal, as `getsignal` shows it before any handler was set.
fn disposition(n: usize) -> Obj {
    let mut a = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    let known = sys!(libc::sigaction(n as i32, std::ptr::null(), a.as_mut_ptr())) == 0;
    let h = if known { sys!(a.assume_init_ref().sa_sigaction) } else { usize::MAX };
    match h {
        h if signals::is_default(h) => Obj::from(0i64),
        libc::SIG_IGN => Obj::from(1i64),
        _ => Obj::none(),
    }
}

fn install(n: usize, handler: usize) -> i32 {
    let mut a = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    sys!({
        let p = a.as_mut_ptr();
        (*p).sa_sigaction = handler;
        libc::sigemptyset(&raw mut (*p).sa_mask);
        libc::sigaction(n as i32, p, std::ptr::null_mut())
    })
}

/// Sends every signal through the recorder that has a Python handler from the start (SIGINT), and ignores the
/// ones that programs get as errors instead.
pub(crate) fn start(cx: &Ctx, module: &Obj) -> PyResult<()> {
    if !Thread::of(cx).runtime.config.signals {
        return Ok(());
    }
    for n in [libc::SIGPIPE, libc::SIGXFSZ] {
        if disposition(n as usize).as_int() == Some(0) {
            install(n as usize, libc::SIG_IGN);
        }
    }
    let n = libc::SIGINT as usize;
    if signals::handler(cx, n).is_none() && disposition(n).as_int() != Some(1) {
        drop(signals::set_handler(cx, n, Some(module.get_attr(cx, intern!("default_int_handler"))?)));
        install(n, signals::on_signal as *const () as usize);
    }
    Ok(())
}

/// Signals: what to do when they arrive, sending them, waiting for them, and timers that cause them.
#[pymodule(name = "_signal")]
pub(crate) mod signal {
    use super::*;

    /// Says what happens when a signal arrives; only the main thread may do so.
    ///
    /// handler is SIG_DFL, SIG_IGN or a function that takes the signal's number and the interrupted frame. The result
    /// is the handler before.
    #[pyfunction(name = "signal", sig = "(signalnum, handler, /)")]
    fn set_signal(cx: &Ctx, signalnum: i64, handler: &Obj) -> PyResult {
        if !is_main_thread(cx) {
            return Err(cx.value_error("signal only works in main thread of the main interpreter"));
        }
        let n = number(cx, signalnum)?;
        let action = match int::as_i64(handler) {
            Some(0) => libc::SIG_DFL,
            Some(1) => libc::SIG_IGN,
            _ if handler.is_callable() => signals::on_signal as *const () as usize,
            _ => {
                return Err(
                    cx.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
                );
            }
        };
        (cx.host().poll)(cx)?;
        let before = disposition(n);
        if install(n, action) != 0 {
            return Err(last_error(cx));
        }
        let old = signals::set_handler(cx, n, Some(handler.clone()));
        Ok(old.unwrap_or(before))
    }

    /// The handler of a signal: SIG_DFL, SIG_IGN, a function, or None if Python code did not install it.
    #[pyfunction(sig = "(signalnum, /)")]
    fn getsignal(cx: &Ctx, signalnum: i64) -> PyResult {
        let n = number(cx, signalnum)?;
        Ok(signals::handler(cx, n).unwrap_or_else(|| disposition(n)))
    }

    /// Raises KeyboardInterrupt; the handler that SIGINT has from the start.
    #[pyfunction(sig = "(signalnum, frame, /)")]
    fn default_int_handler(cx: &Ctx, signalnum: &Obj, frame: &Obj) -> PyResult {
        let _ = (signalnum, frame);
        Err(cx.raise_args(cinder_pyobj::types::exc::KeyboardInterrupt(), &[]))
    }

    /// Sends a signal to this process.
    #[pyfunction(sig = "(signalnum, /)")]
    fn raise_signal(cx: &Ctx, signalnum: i32) -> PyResult<()> {
        if sys!(libc::raise(signalnum)) != 0 {
            return Err(last_error(cx));
        }
        (cx.host().poll)(cx)
    }

    /// What the system calls a signal, or None if it knows no such signal.
    #[pyfunction(sig = "(signalnum, /)")]
    fn strsignal(cx: &Ctx, signalnum: i64) -> PyResult<Option<String>> {
        let n = number(cx, signalnum)?;
        let text = sys!({
            let p = libc::strsignal(n as i32);
            if p.is_null() { None } else { Some(std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned()) }
        });
        Ok(text.filter(|t| !t.starts_with("Unknown signal")))
    }

    /// The signal numbers that this system has, as a set.
    #[pyfunction(sig = "()")]
    fn valid_signals(cx: &Ctx) -> PyResult {
        let mut m = empty_mask();
        sys!(libc::sigfillset(&raw mut m));
        set_of(cx, &m)
    }

    /// Has SIGALRM sent in that many seconds, or never for 0; the result is the time that was left of an earlier alarm.
    #[pyfunction(sig = "(seconds, /)")]
    fn alarm(seconds: u32) -> u32 {
        sys!(libc::alarm(seconds))
    }

    /// Does nothing until a signal handler has run.
    #[pyfunction(sig = "()")]
    fn pause(cx: &Ctx) -> PyResult<()> {
        cx.without_lock(|| sys!(libc::pause()));
        (cx.host().poll)(cx)
    }

    /// Set an interval timer to go off after some seconds, and then every interval seconds.
    #[pyfunction(sig = "(which, seconds, interval=0.0, /)")]
    fn setitimer(cx: &Ctx, which: i32, seconds: &Obj, interval: f64) -> PyResult {
        let new = libc::itimerval { it_value: timeval(super::seconds(cx, seconds)?), it_interval: timeval(interval) };
        let mut old = new;
        if sys!(libc::setitimer(which as _, &raw const new, &raw mut old)) != 0 {
            return Err(timer_error(cx));
        }
        Ok(timer_pair(&old))
    }

    /// Return the current value of an interval timer.
    #[pyfunction(sig = "(which, /)")]
    fn getitimer(cx: &Ctx, which: i32) -> PyResult {
        let mut t = libc::itimerval { it_value: timeval(0.0), it_interval: timeval(0.0) };
        if sys!(libc::getitimer(which as _, &raw mut t)) != 0 {
            return Err(timer_error(cx));
        }
        Ok(timer_pair(&t))
    }

    /// Raises `ItimerError` for the last failed call.
    fn timer_error(cx: &Ctx) -> Raised {
        let r = last_error(cx);
        let e = cx.take(r);
        let class = (cx.host().import)(cx, "_signal").and_then(|m| m.get_attr(cx, intern!("ItimerError")));
        let args = e.get_attr(cx, intern!("args")).and_then(|a| a.collect(cx));
        match (class, args) {
            (Ok(c), Ok(a)) => match c.call_pos(cx, &a) {
                Ok(e) => cx.raise_obj(e),
                Err(r) => r,
            },
            (Err(r), _) | (_, Err(r)) => r,
        }
    }

    /// Sets the fd to be written to (with the signal number) when a signal comes in; returns the old one.
    #[pyfunction(sig = "(fd, /, *, warn_on_full_buffer=True)")]
    fn set_wakeup_fd(cx: &Ctx, fd: i32, warn_on_full_buffer: bool) -> PyResult<i32> {
        if !is_main_thread(cx) {
            return Err(cx.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
        }
        if fd != -1 {
            let flags = sys!(libc::fcntl(fd, libc::F_GETFL));
            if flags < 0 {
                return Err(last_error(cx));
            }
            if flags & libc::O_NONBLOCK == 0 {
                return Err(cx.value_error(format!("the fd {fd} must be in non-blocking mode")));
            }
        }
        Ok(signals::set_wakeup_fd(fd, warn_on_full_buffer))
    }

    /// Whether a signal makes system calls fail with EINTR (true) or go on (false).
    #[pyfunction(sig = "(signalnum, flag, /)")]
    fn siginterrupt(cx: &Ctx, signalnum: i64, flag: i32) -> PyResult<()> {
        let n = number(cx, signalnum)?;
        let mut a = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        let r = sys!({
            libc::sigaction(n as i32, std::ptr::null(), a.as_mut_ptr());
            let p = a.as_mut_ptr();
            (*p).sa_flags =
                if flag != 0 { (*p).sa_flags & !libc::SA_RESTART } else { (*p).sa_flags | libc::SA_RESTART };
            libc::sigaction(n as i32, p, std::ptr::null_mut())
        });
        if r != 0 { Err(last_error(cx)) } else { Ok(()) }
    }

    /// Sends a signal to one thread of this process.
    #[pyfunction(sig = "(thread_id, signalnum, /)")]
    fn pthread_kill(cx: &Ctx, thread_id: u64, signalnum: i32) -> PyResult<()> {
        cx.audit("signal.pthread_kill", || [Obj::from(thread_id), Obj::from(signalnum)])?;
        match sys!(libc::pthread_kill(thread_id as libc::pthread_t, signalnum)) {
            0 => (cx.host().poll)(cx),
            e => Err(cx.os_error(e)),
        }
    }

    /// Blocks or unblocks signals for the running thread; the result is the set that was blocked before.
    #[pyfunction(sig = "(how, mask, /)")]
    fn pthread_sigmask(cx: &Ctx, how: i32, mask: &Obj) -> PyResult {
        let new = mask_of(cx, mask)?;
        let mut old = empty_mask();
        let e = sys!(libc::pthread_sigmask(how, &raw const new, &raw mut old));
        if e != 0 {
            return Err(cx.os_error(e));
        }
        (cx.host().poll)(cx)?;
        set_of(cx, &old)
    }

    /// Examine pending signals.
    #[pyfunction(sig = "()")]
    fn sigpending(cx: &Ctx) -> PyResult {
        let mut m = empty_mask();
        if sys!(libc::sigpending(&raw mut m)) != 0 {
            return Err(last_error(cx));
        }
        set_of(cx, &m)
    }

    /// Wait for a signal of a set; returns its number.
    #[pyfunction(sig = "(sigset, /)")]
    fn sigwait(cx: &Ctx, sigset: &Obj) -> PyResult<i32> {
        let m = mask_of(cx, sigset)?;
        let mut n = 0;
        match cx.without_lock(|| sys!(libc::sigwait(&raw const m, &raw mut n))) {
            0 => Ok(n),
            e => Err(cx.os_error(e)),
        }
    }

    /// Wait for a signal of a set; returns what is known about it.
    #[pyfunction(sig = "(sigset, /)")]
    fn sigwaitinfo(cx: &Ctx, sigset: &Obj) -> PyResult {
        let m = mask_of(cx, sigset)?;
        loop {
            let (n, info, e) = super::wait_info(cx, &m, None);
            match e {
                0 if n > 0 => return Ok(siginfo(&info)),
                libc::EINTR => (cx.host().poll)(cx)?,
                e => return Err(cx.os_error(e)),
            }
        }
    }

    /// Like sigwaitinfo(), but with a timeout in seconds; None after that.
    #[pyfunction(sig = "(sigset, timeout, /)")]
    fn sigtimedwait(cx: &Ctx, sigset: &Obj, timeout: &Obj) -> PyResult {
        let m = mask_of(cx, sigset)?;
        let seconds = super::seconds(cx, timeout)?;
        if seconds < 0.0 {
            return Err(cx.value_error("timeout must be non-negative"));
        }
        let Ok(length) = std::time::Duration::try_from_secs_f64(seconds) else {
            return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
        };
        let deadline = std::time::Instant::now() + length.min(std::time::Duration::from_secs(1 << 40));
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let (n, info, e) = super::wait_info(cx, &m, Some(left));
            match e {
                0 if n > 0 => return Ok(siginfo(&info)),
                libc::EAGAIN => return Ok(Obj::none()),
                libc::EINTR => (cx.host().poll)(cx)?,
                e => return Err(cx.os_error(e)),
            }
        }
    }

    /// Sends a signal to the process that a pidfd refers to.
    #[pyfunction(sig = "(pidfd, signalnum, siginfo=None, flags=0, /)")]
    fn pidfd_send_signal(cx: &Ctx, pidfd: i32, signalnum: i32, siginfo: Option<&Obj>, flags: i32) -> PyResult<()> {
        if siginfo.is_some_and(|s| !s.is_none()) {
            return Err(cx.type_error("siginfo must be None"));
        }
        let null = std::ptr::null::<libc::siginfo_t>();
        if sys!(libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signalnum, null, flags)) < 0 {
            return Err(last_error(cx));
        }
        Ok(())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        macro_rules! add {
            ($($name:ident)*) => { $(module.set_attr(cx, cinder_pyobj::types::str::Name::new(stringify!($name)), &Obj::from(libc::$name as i64))?;)* };
        }
        add! {
            SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGKILL SIGPIPE SIGPOLL SIGPROF
            SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1
            SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIG_BLOCK SIG_UNBLOCK SIG_SETMASK ITIMER_REAL ITIMER_VIRTUAL
            ITIMER_PROF
        }
        let more = [
            ("SIGCLD", i64::from(libc::SIGCHLD)),
            ("SIGIOT", i64::from(libc::SIGABRT)),
            ("SIGRTMIN", i64::from(libc::SIGRTMIN())),
            ("SIGRTMAX", i64::from(libc::SIGRTMAX())),
            ("NSIG", NSIG as i64),
            ("SIG_DFL", 0),
            ("SIG_IGN", 1),
        ];
        for (name, n) in more {
            module.set_attr(cx, cinder_pyobj::types::str::Name::new(name), &Obj::from(n))?;
        }
        let ns = cinder_pyobj::types::dict::new();
        cinder_pyobj::types::dict::set(cx, &ns, intern!("__module__").as_obj(), &Obj::from("signal"))?;
        let bases = tuple::new(vec![cinder_pyobj::types::exc::OSError().as_obj()]);
        let class = cinder_pyobj::types::type_type().as_obj().call_pos(cx, &[Obj::from("ItimerError"), bases, ns])?;
        module.set_attr(cx, intern!("ItimerError"), &class)?;
        module.set_attr(cx, intern!("struct_siginfo"), &SIGINFO.type_object().as_obj())?;
        super::start(cx, module)
    }
}
