//! `faulthandler`: tracebacks when the process fails, hangs or is asked by a signal.
//!
//! The dumping functions run inside signal handlers and on threads without the interpreter lock: they allocate
//! nothing, take no lock that they would wait for, and only read. What they read may change under them, so a dump
//! of another running thread is a best effort.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::host;
use crate::runtime::Runtime;
use crate::thread::Thread;

/// Frames and characters of a name after which a dump stops.
const MOST_FRAMES: usize = 100;
const MOST_CHARS: usize = 500;
/// Bytes of the stack that handlers run on.
const HANDLER_STACK: usize = 128 << 10;

struct Fatal {
    signum: i32,
    name: &'static str,
}

static FATAL: [Fatal; 5] = [
    Fatal { signum: libc::SIGBUS, name: "Bus error" },
    Fatal { signum: libc::SIGILL, name: "Illegal instruction" },
    Fatal { signum: libc::SIGFPE, name: "Floating-point exception" },
    Fatal { signum: libc::SIGABRT, name: "Aborted" },
    Fatal { signum: libc::SIGSEGV, name: "Segmentation fault" },
];

static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
static ENABLED: AtomicBool = AtomicBool::new(false);
static FATAL_FD: AtomicI32 = AtomicI32::new(2);
static ALL_THREADS: AtomicBool = AtomicBool::new(true);
static C_STACK: AtomicBool = AtomicBool::new(true);
/// The `Extension modules:` line, made when the handler is enabled.
static MODULES: AtomicPtr<String> = AtomicPtr::new(std::ptr::null_mut());
/// What handled the fatal signals before, and files that must stay open.
static PREVIOUS: Mutex<Vec<(i32, libc::sigaction)>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct User {
    enabled: bool,
    fd: i32,
    all: bool,
    chain: bool,
    previous: libc::sigaction,
}

static USERS: [AtomicPtr<User>; 65] = [const { AtomicPtr::new(std::ptr::null_mut()) }; 65];

// ---- Writing ---------------------------------------------------------------------------------------------------------

fn put(fd: i32, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        // SAFETY: the buffer is valid; `write` may be called from signal handlers.
        let n = unsafe { libc::write(fd, rest.as_ptr().cast(), rest.len()) };
        if n <= 0 {
            return;
        }
        rest = rest.get(n as usize..).unwrap_or(&[]);
    }
}

fn put_number(fd: i32, n: u64) {
    let mut buf = [0u8; 20];
    let mut at = buf.len();
    let mut n = n;
    loop {
        at -= 1;
        buf[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    put(fd, &buf[at..]);
}

fn put_hex(fd: i32, n: u64, digits: u32) {
    let mut buf = [0u8; 16];
    let digits = digits.max(16 - n.leading_zeros() / 4).clamp(1, 16) as usize;
    for (i, b) in buf[..digits].iter_mut().enumerate() {
        *b = b"0123456789abcdef"[(n >> (4 * (digits - 1 - i)) & 15) as usize];
    }
    put(fd, &buf[..digits]);
}

/// A name in ASCII, cut off after [`MOST_CHARS`].
fn put_text(fd: i32, text: &str) {
    for (n, c) in text.chars().enumerate() {
        if n == MOST_CHARS {
            put(fd, b"...");
            return;
        }
        match u32::from(c) {
            c @ 32..127 => put(fd, &[c as u8]),
            c @ 0..256 => {
                put(fd, b"\\x");
                put_hex(fd, c.into(), 2);
            }
            c @ 256..0x1_0000 => {
                put(fd, b"\\u");
                put_hex(fd, c.into(), 4);
            }
            c => {
                put(fd, b"\\U");
                put_hex(fd, c.into(), 8);
            }
        }
    }
}

/// The frames of a thread, innermost first.
fn put_frames(fd: i32, th: &Thread) {
    let mut fr = th.current.get();
    if fr.is_null() {
        put(fd, b"  <no Python frame>\n");
    }
    for _ in 0..MOST_FRAMES {
        if fr.is_null() {
            return;
        }
        // SAFETY: frame records are never given back to the system; their code lives while they run.
        let f = unsafe { &*fr };
        let code = &f.code().code;
        put(fd, b"  File \"");
        put_text(fd, &code.filename);
        put(fd, b"\", line ");
        put_number(fd, code.position(f.lasti()).line.into());
        put(fd, b" in ");
        put_text(fd, &code.name);
        put(fd, b"\n");
        fr = f.prev;
    }
    put(fd, b"  ...\n");
}

fn own_thread<'a>() -> Option<&'a Thread> {
    let ident = crate::gil::own_ident();
    let mut own = None;
    each_thread(|th| {
        if th.ident == ident {
            own = Some(std::ptr::from_ref(th));
        }
    });
    // SAFETY: this thread's own record.
    own.map(|th| unsafe { &*th })
}

/// Calls `f` with the threads, the newest first, unless somebody is just changing the list.
fn each_thread(mut f: impl FnMut(&Thread)) {
    // SAFETY: runtimes are never freed.
    let Some(rt) = (unsafe { RUNTIME.load(Ordering::Acquire).as_ref() }) else { return };
    rt.try_each_thread(&mut f);
}

/// The name that the system has for a thread, in brackets.
fn put_thread_name(fd: i32, ident: u64) {
    let mut name = [0u8; 32];
    // SAFETY: threads on the list live, and the length is that of the array. The call may be made in handlers: it only
    // reads a file of the system.
    let failed = unsafe { libc::pthread_getname_np(ident as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) };
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    if failed == 0 && !name.is_empty() {
        put(fd, b" [");
        put(fd, name);
        put(fd, b"]");
    }
}

fn put_threads(fd: i32, current: Option<&Thread>) {
    let mut first = true;
    each_thread(|th| {
        if !first {
            put(fd, b"\n");
        }
        first = false;
        let is_current = current.is_some_and(|c| std::ptr::eq(c, th));
        put(fd, if is_current { b"Current thread 0x" } else { b"Thread 0x" });
        put_hex(fd, th.ident, 16);
        put_thread_name(fd, th.ident);
        put(fd, b" (most recent call first):\n");
        put_frames(fd, th);
    });
}

fn put_traceback(fd: i32, all: bool) {
    let own = own_thread();
    if all {
        put_threads(fd, own);
        return;
    }
    put(fd, b"Stack (most recent call first):\n");
    match own {
        Some(th) => put_frames(fd, th),
        None => put(fd, b"  <no Python frame>\n"),
    }
}

unsafe extern "C" {
    fn backtrace(buffer: *mut *mut libc::c_void, size: libc::c_int) -> libc::c_int;
}

fn put_c_stack(fd: i32) {
    put(fd, b"Current thread's C stack trace (most recent call first):\n");
    let mut addresses = [std::ptr::null_mut::<libc::c_void>(); 32];
    // SAFETY: the buffer has room for as many addresses as it says.
    let n = unsafe { backtrace(addresses.as_mut_ptr(), addresses.len() as i32) };
    for a in addresses.iter().take(n.max(0) as usize) {
        // SAFETY: `dladdr` fills the record or fails.
        let info = unsafe {
            let mut info: libc::Dl_info = std::mem::zeroed();
            (libc::dladdr(a.cast_const(), &mut info) != 0 && !info.dli_fname.is_null()).then_some(info)
        };
        match info {
            Some(info) => {
                put(fd, b"  Binary file \"");
                // SAFETY: the name is a C string of the loader.
                put(fd, unsafe { std::ffi::CStr::from_ptr(info.dli_fname) }.to_bytes());
                put(fd, b"\"");
                if !info.dli_sname.is_null() {
                    put(fd, b", at ");
                    // SAFETY: as above.
                    put(fd, unsafe { std::ffi::CStr::from_ptr(info.dli_sname) }.to_bytes());
                    put(fd, b"+0x");
                    put_hex(fd, (*a as u64).wrapping_sub(info.dli_saddr as u64), 1);
                }
                put(fd, b" [0x");
                put_hex(fd, *a as u64, 1);
                put(fd, b"]\n");
            }
            None => put(fd, b"  <unknown>\n"),
        }
    }
    if n as usize >= addresses.len() {
        put(fd, b"  <truncated rest of calls>\n");
    }
}

// ---- Fatal signals ---------------------------------------------------------------------------------------------------

extern "C" fn on_fatal(signum: libc::c_int) {
    let fd = FATAL_FD.load(Ordering::Relaxed);
    let name = FATAL.iter().find(|f| f.signum == signum).map_or("signal", |f| f.name);
    // SAFETY: both calls may be made in handlers. The default action ends the process when the signal comes again.
    unsafe {
        libc::signal(signum, libc::SIG_DFL);
    }
    put(fd, b"Fatal Python error: ");
    put(fd, name.as_bytes());
    put(fd, b"\n\n");
    put_traceback(fd, ALL_THREADS.load(Ordering::Relaxed));
    put_modules(fd);
    if C_STACK.load(Ordering::Relaxed) {
        put(fd, b"\n");
        put_c_stack(fd);
    }
    // SAFETY: as above.
    unsafe { libc::raise(signum) };
}

fn put_modules(fd: i32) {
    // SAFETY: texts are never freed.
    if let Some(text) = unsafe { MODULES.load(Ordering::Acquire).as_ref() } {
        put(fd, text.as_bytes());
    }
}

fn use_handler_stack() {
    // SAFETY: the mapping becomes this thread's stack for handlers, for good.
    unsafe {
        let p = libc::mmap(
            std::ptr::null_mut(),
            HANDLER_STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if p != libc::MAP_FAILED {
            let stack = libc::stack_t { ss_sp: p, ss_flags: 0, ss_size: HANDLER_STACK };
            libc::sigaltstack(&stack, std::ptr::null_mut());
        }
    }
}

/// Installs a handler; the action before it.
fn install(signum: i32, handler: extern "C" fn(libc::c_int), flags: libc::c_int) -> Option<libc::sigaction> {
    // SAFETY: the handler keeps the rules of handlers.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        libc::sigemptyset(&mut action.sa_mask);
        action.sa_flags = flags | libc::SA_ONSTACK;
        let mut old: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(signum, &action, &mut old) == 0).then_some(old)
    }
}

fn restore(signum: i32, action: &libc::sigaction) {
    // SAFETY: the action was in force before.
    unsafe { libc::sigaction(signum, action, std::ptr::null_mut()) };
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note_runtime(cx: &Ctx) {
    let rt: &'static Runtime = Thread::of(cx).runtime;
    RUNTIME.store(std::ptr::from_ref(rt).cast_mut(), Ordering::Release);
}

/// The names of loaded native modules that do not belong to the library.
fn note_modules(cx: &Ctx) -> PyResult<()> {
    let Some(modules) = Thread::of(cx).runtime.modules.get() else { return Ok(()) };
    let own = host::sys_attr(cx, "stdlib_module_names")?;
    let built_in = host::sys_attr(cx, "builtin_module_names")?;
    let mut names = Vec::new();
    for (name, _) in dict::items_if_dict(&modules).unwrap_or_default() {
        let listed = |set: &Option<Obj>| match set {
            Some(s) => s.contains(cx, &name),
            None => Ok(false),
        };
        let internal = ["_packed", "cinder"].iter().any(|n| *as_utf8_lossy(&name) == **n);
        if listed(&built_in)? && !listed(&own)? && !internal {
            names.push(as_utf8_lossy(&name).into_owned());
        }
    }
    let text = match names.len() {
        0 => std::ptr::null_mut(),
        n => Box::into_raw(Box::new(format!("\nExtension modules: {} (total: {n})\n", names.join(", ")))),
    };
    MODULES.store(text, Ordering::Release);
    Ok(())
}

// ---- Signals of the user ---------------------------------------------------------------------------------------------

extern "C" fn on_user(signum: libc::c_int) {
    // SAFETY: records are never freed.
    let Some(user) = (unsafe { USERS[signum as usize & 63].load(Ordering::Acquire).as_ref() }) else { return };
    if !user.enabled {
        return;
    }
    put_traceback(user.fd, user.all);
    if user.chain {
        restore(signum, &user.previous);
        // SAFETY: `raise` may be called in handlers.
        unsafe { libc::raise(signum) };
        let _ = install(signum, on_user, libc::SA_NODEFER | libc::SA_RESTART);
    }
}

// ---- The watchdog ----------------------------------------------------------------------------------------------------

struct Watchdog {
    /// Counts calls of `dump_traceback_later` and its cancelling: a watchdog of an older number ends.
    number: Mutex<u64>,
    changed: Condvar,
}

static WATCHDOG: Watchdog = Watchdog { number: Mutex::new(0), changed: Condvar::new() };

fn cancel() {
    *lock(&WATCHDOG.number) += 1;
    WATCHDOG.changed.notify_all();
}

fn watch(number: u64, timeout: Duration, header: &str, repeat: bool, fd: i32, exit: bool) {
    loop {
        let now = lock(&WATCHDOG.number);
        let (now, late) =
            WATCHDOG.changed.wait_timeout_while(now, timeout, |n| *n == number).unwrap_or_else(PoisonError::into_inner);
        if *now != number || !late.timed_out() {
            return;
        }
        drop(now);
        put(fd, header.as_bytes());
        put_threads(fd, None);
        if exit {
            // SAFETY: ends the process at once, as asked for.
            unsafe { libc::_exit(1) };
        }
        if !repeat {
            return;
        }
    }
}

fn header(timeout: Duration) -> String {
    let (s, us) = (timeout.as_secs(), timeout.subsec_micros());
    let clock = format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    if us == 0 { format!("Timeout ({clock})!\n") } else { format!("Timeout ({clock}.{us:06})!\n") }
}

/// The descriptor of a file argument.
fn descriptor(cx: &Ctx, file: Option<&Obj>) -> PyResult<i32> {
    let file = match file.filter(|f| !f.is_none()) {
        Some(f) => f.clone(),
        None => match host::sys_attr(cx, "stderr")? {
            Some(f) if f.is_none() => return Err(cx.runtime_error("sys.stderr is None")),
            Some(f) => f,
            None => return Err(cx.runtime_error("unable to get sys.stderr")),
        },
    };
    if file.type_of().is_int_subtype() {
        return match int::as_i64(&file).and_then(|n| i32::try_from(n).ok()).filter(|n| *n >= 0) {
            Some(n) => Ok(n),
            None => Err(cx.value_error("file is not a valid file descriptor")),
        };
    }
    let n = file.call_method(cx, intern!("fileno"), &[])?;
    let Some(fd) = int::as_i64(&n).and_then(|n| i32::try_from(n).ok()).filter(|n| *n >= 0) else {
        return Err(cx.runtime_error("file.fileno() is not a valid file descriptor"));
    };
    if let Err(r) = file.call_method(cx, intern!("flush"), &[]) {
        cx.swallow(r, exc::Exception())?;
    }
    Ok(fd)
}

fn signal_number(cx: &Ctx, signum: i64) -> PyResult<i32> {
    if FATAL.iter().any(|f| i64::from(f.signum) == signum) {
        return Err(cx.runtime_error(format!("signal {signum} cannot be registered, use enable() instead")));
    }
    if !(1..=64).contains(&signum) {
        return Err(cx.value_error("signal number out of range"));
    }
    Ok(signum as i32)
}

#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 512]);
    if std::hint::black_box(depth) == u64::MAX { 0 } else { overflow(depth + 1) + frame[depth as usize & 511] }
}

fn raise(signum: i32) {
    // SAFETY: the signal is to end the process. A handler of the language's runtime may take the first one.
    unsafe {
        libc::raise(signum);
        libc::raise(signum);
    }
}

/// faulthandler module.
#[pymodule(name = "faulthandler")]
pub(crate) mod module {
    use super::*;

    /// Makes fatal signals write a traceback into a file before they end the process.
    #[pyfunction(sig = "(file=sys.stderr, all_threads=True, c_stack=True)")]
    fn enable(cx: &Ctx, file: Option<&Obj>, all_threads: bool, c_stack: bool) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        note_runtime(cx);
        note_modules(cx)?;
        FATAL_FD.store(fd, Ordering::Relaxed);
        ALL_THREADS.store(all_threads, Ordering::Relaxed);
        C_STACK.store(c_stack, Ordering::Relaxed);
        keep(cx, "file", file);
        if ENABLED.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        use_handler_stack();
        let mut previous = lock(&PREVIOUS);
        for f in &FATAL {
            if let Some(old) = install(f.signum, on_fatal, libc::SA_NODEFER) {
                previous.push((f.signum, old));
            }
        }
        Ok(())
    }

    /// Gives fatal signals back to whom they belonged before enable().
    #[pyfunction]
    fn disable(cx: &Ctx) -> bool {
        if !ENABLED.swap(false, Ordering::AcqRel) {
            return false;
        }
        for (signum, action) in lock(&PREVIOUS).drain(..) {
            restore(signum, &action);
        }
        keep(cx, "file", None);
        true
    }

    /// Whether fatal signals write a traceback.
    #[pyfunction]
    fn is_enabled() -> bool {
        ENABLED.load(Ordering::Relaxed)
    }

    /// Writes the traceback of the running thread into a file, or those of all threads.
    #[pyfunction(sig = "(file=sys.stderr, all_threads=True)")]
    fn dump_traceback(cx: &Ctx, file: Option<&Obj>, all_threads: bool) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        note_runtime(cx);
        put_traceback(fd, all_threads);
        Ok(())
    }

    /// Writes the native call stack of the running thread into a file.
    #[pyfunction(sig = "(file=sys.stderr)")]
    fn dump_c_stack(cx: &Ctx, file: Option<&Obj>) -> PyResult<()> {
        let fd = descriptor(cx, file)?;
        put_c_stack(fd);
        Ok(())
    }

    /// Writes the tracebacks of all threads after timeout seconds, again and again if repeat is true, from a watchdog
    /// thread.
    #[pyfunction(sig = "(timeout, repeat=False, file=sys.stderr, exit=False)")]
    fn dump_traceback_later(cx: &Ctx, timeout: f64, repeat: bool, file: Option<&Obj>, exit: bool) -> PyResult<()> {
        if timeout <= 0.0 {
            return Err(cx.value_error("timeout must be greater than 0"));
        }
        if timeout > 1e9 {
            return Err(cx.overflow_error("timeout value is too large"));
        }
        let fd = descriptor(cx, file)?;
        note_runtime(cx);
        keep(cx, "later", file);
        cancel();
        let number = *lock(&WATCHDOG.number);
        let timeout = Duration::from_secs_f64(timeout);
        let text = header(timeout);
        let started = std::thread::Builder::new()
            .stack_size(256 << 10)
            .spawn(move || watch(number, timeout, &text, repeat, fd, exit));
        match started {
            Ok(_) => Ok(()),
            Err(_) => Err(cx.runtime_error("unable to start watchdog thread")),
        }
    }

    /// Calls off what dump_traceback_later() asked for.
    #[pyfunction]
    fn cancel_dump_traceback_later(cx: &Ctx) {
        cancel();
        keep(cx, "later", None);
    }

    /// Register a handler for the signal 'signum'.
    #[pyfunction(sig = "(signum, file=sys.stderr, all_threads=True, chain=False)")]
    fn register(cx: &Ctx, signum: i64, file: Option<&Obj>, all_threads: bool, chain: bool) -> PyResult<()> {
        let s = signal_number(cx, signum)?;
        let fd = descriptor(cx, file)?;
        note_runtime(cx);
        keep(cx, &format!("signal {s}"), file);
        let slot = &USERS[s as usize & 63];
        // SAFETY: records are never freed.
        let old = unsafe { slot.load(Ordering::Acquire).as_ref() }.filter(|u| u.enabled);
        let flags = libc::SA_RESTART | if chain { libc::SA_NODEFER } else { 0 };
        let Some(installed) = install(s, on_user, flags) else {
            return Err(cx.os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)));
        };
        let previous = old.map_or(installed, |u| u.previous);
        let user = Box::new(User { enabled: true, fd, all: all_threads, chain, previous });
        slot.store(Box::into_raw(user), Ordering::Release);
        Ok(())
    }

    /// Gives a signal back to whom it belonged before register(); tells whether it was registered.
    #[pyfunction(sig = "(signum, /)")]
    fn unregister(cx: &Ctx, signum: i64) -> PyResult<bool> {
        let s = signal_number(cx, signum)?;
        let slot = &USERS[s as usize & 63];
        // SAFETY: records are never freed.
        let Some(user) = (unsafe { slot.load(Ordering::Acquire).as_ref() }).filter(|u| u.enabled) else {
            return Ok(false);
        };
        restore(s, &user.previous);
        slot.store(Box::into_raw(Box::new(User { enabled: false, ..*user })), Ordering::Release);
        keep(cx, &format!("signal {s}"), None);
        Ok(true)
    }

    /// Reads memory at the address zero, for tests: a fatal signal follows.
    #[pyfunction]
    fn _read_null() {
        raise(libc::SIGSEGV);
    }

    /// Sends SIGSEGV to the process itself, for tests.
    #[pyfunction(sig = "(release_gil=False, /)")]
    fn _sigsegv(cx: &Ctx, release_gil: bool) {
        if release_gil {
            cx.without_lock(|| raise(libc::SIGSEGV));
        } else {
            raise(libc::SIGSEGV);
        }
    }

    /// Ends the process by SIGABRT, for tests.
    #[pyfunction]
    fn _sigabrt() {
        raise(libc::SIGABRT);
    }

    /// Sends SIGFPE to the process itself, for tests.
    #[pyfunction]
    fn _sigfpe() {
        raise(libc::SIGFPE);
    }

    /// Call a fatal error in a thread that runs no Python code.
    #[pyfunction]
    fn _fatal_error_c_thread(cx: &Ctx) {
        note_runtime(cx);
        let fatal = std::thread::spawn(|| {
            let fd = 2;
            put(fd, b"Fatal Python error: faulthandler_fatal_error_thread: in new thread\n");
            put(fd, b"Python runtime state: initialized\n\n");
            put_threads(fd, None);
            put_modules(fd);
            put(fd, b"\n");
            put_c_stack(fd);
            // SAFETY: ends the process, as a fatal error does.
            unsafe {
                libc::signal(libc::SIGABRT, libc::SIG_DFL);
                libc::abort()
            }
        });
        cx.without_lock(|| drop(fatal.join()));
    }

    /// Calls itself until the native stack is used up, for tests.
    #[pyfunction]
    fn _stack_overflow() -> u64 {
        overflow(0)
    }

    /// Keeps a file open for as long as its descriptor is used.
    fn keep(cx: &Ctx, what: &str, file: Option<&Obj>) {
        let rt = Thread::of(cx).runtime;
        let mut files = rt.fault_files.borrow_mut();
        let old = match file.filter(|f| !f.is_none()) {
            Some(f) => files.insert(what.to_string(), f.clone()),
            None => files.remove(what),
        };
        drop(files);
        drop(old);
    }
}
