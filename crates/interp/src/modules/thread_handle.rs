//! Threads of `_thread`: starting, joining, what a fork leaves of them.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, structseq};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use crate::gil;
use crate::lock::{self, RawLock};
use crate::thread::Thread;

static RUNNING: AtomicI64 = AtomicI64::new(0);
static STACK: AtomicUsize = AtomicUsize::new(0);
const DEFAULT_STACK: usize = 16 << 20;
/// The least that a thread gets, whatever `stack_size` says: native code needs more here than in CPython.
const LEAST_STACK: usize = 512 << 10;

const NOT_STARTED: u8 = 0;
const STARTING: u8 = 1;
const RUNS: u8 = 2;
const DONE: u8 = 3;

/// What a started thread shares with its handle.
struct Shared {
    /// Held until the thread is done.
    done: RawLock,
    state: AtomicU8,
    ident: AtomicU64,
}

impl Shared {
    fn new(ident: u64) -> Arc<Shared> {
        let state = if ident == 0 { NOT_STARTED } else { RUNS };
        let s =
            Arc::new(Shared { done: RawLock::default(), state: AtomicU8::new(state), ident: AtomicU64::new(ident) });
        s.done.try_acquire();
        let mut all = list(&ALL);
        all.retain(|w| w.strong_count() > 0);
        all.push(Arc::downgrade(&s));
        s
    }

    fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    fn set_done(&self) {
        if self.state.swap(DONE, Ordering::AcqRel) != DONE {
            self.done.release();
        }
    }
}

/// All threads that have handles, for what happens to them in a forked child.
static ALL: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Threads that the end of the program waits for.
static NON_DAEMON: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

fn list<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle to a joinable thread.
#[pyclass(name = "_ThreadHandle", module = "_thread", flags(weakref))]
#[derive(Traverse)]
pub struct ThreadHandle {
    #[traverse(skip)]
    shared: Arc<Shared>,
}

#[pymethods]
impl ThreadHandle {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        args.check_arity(cx, "_ThreadHandle", 0, 0)?;
        Ok(make(0))
    }

    /// Waits for the thread to end.
    #[pymethod(sig = "($self, timeout=None, /)")]
    fn join(cx: &Ctx, this: This<'_, ThreadHandle>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = timeout.filter(|t| *t >= 0.0);
        if timeout.is_some_and(|t| t > super::thread::TIMEOUT_MAX) {
            return Err(cx.overflow_error("timestamp too large to convert to C PyTime_t"));
        }
        let s = this.shared.clone();
        match s.state() {
            NOT_STARTED | STARTING => return Err(cx.runtime_error("thread not started")),
            DONE => return Ok(()),
            _ => {}
        }
        if s.ident.load(Ordering::Relaxed) == Thread::of(cx).ident {
            return Err(cx.runtime_error("Cannot join current thread"));
        }
        if Thread::of(cx).runtime.finalizing.get() {
            return Err(cx.raise(exc::PythonFinalizationError(), "cannot join thread at interpreter shutdown"));
        }
        if lock::acquire(cx, &s.done, timeout)? {
            s.done.release();
        }
        Ok(())
    }

    /// Whether the thread has ended.
    #[pymethod]
    fn is_done(this: This<'_, ThreadHandle>) -> bool {
        this.shared.state() == DONE
    }

    /// Marks the thread as ended.
    #[pymethod]
    fn _set_done(cx: &Ctx, this: This<'_, ThreadHandle>) -> PyResult<()> {
        if matches!(this.shared.state(), NOT_STARTED | STARTING) {
            return Err(cx.runtime_error("thread not started"));
        }
        this.shared.set_done();
        Ok(())
    }

    #[pygetter]
    fn ident(this: This<'_, ThreadHandle>) -> u64 {
        this.shared.ident.load(Ordering::Relaxed)
    }

    fn __repr__(_cx: &Ctx, this: This<'_, ThreadHandle>) -> PyResult {
        let ident = this.shared.ident.load(Ordering::Relaxed);
        Ok(Obj::from(format!("<_ThreadHandle object: ident={ident}>").as_str()))
    }
}

/// A handle to a thread that runs already (ident not 0), or to none yet.
pub(crate) fn make(ident: u64) -> Obj {
    heap::new_instance(ThreadHandle::class().type_object(), ThreadHandle { shared: Shared::new(ident) })
}

/// Words handed to a new thread: owned references.
struct Parcel(Vec<Value>);
// SAFETY: the words are owned references; the receiver touches them under the interpreter lock only.
unsafe impl Send for Parcel {}

impl Parcel {
    fn new(objects: impl IntoIterator<Item = Obj>) -> Parcel {
        Parcel(objects.into_iter().map(Obj::into_value).collect())
    }

    fn open(self) -> Vec<Obj> {
        // SAFETY: the references were handed over.
        self.0.into_iter().map(|v| unsafe { Obj::from_owned(v) }).collect()
    }
}

/// Starts a thread that calls `f(*args, **kwargs)`; returns its ident.
pub(crate) fn start(cx: &Ctx, f: &Obj, args: &[Obj], kwargs: Option<&Obj>) -> PyResult<u64> {
    start_with(cx, f, args, kwargs, Shared::new(0), false)
}

fn start_with(
    cx: &Ctx,
    f: &Obj,
    args: &[Obj],
    kwargs: Option<&Obj>,
    shared: Arc<Shared>,
    waited_for: bool,
) -> PyResult<u64> {
    let runtime = Thread::of(cx).runtime;
    if runtime.finalizing.get() {
        return Err(cx.raise(exc::PythonFinalizationError(), "can't create new thread at interpreter shutdown"));
    }
    if shared.state.compare_exchange(NOT_STARTED, STARTING, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return Err(cx.runtime_error("thread already started"));
    }
    let mut call = vec![f.clone()];
    call.extend(args.iter().cloned());
    let call = Parcel::new(call);
    let kw = Parcel::new(kwargs.cloned());
    let context = Parcel::new(crate::context_hook::copy_current(cx)?);
    let (send, receive) = std::sync::mpsc::channel();
    let host = cx.host();
    let stack = match STACK.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        n => n.max(LEAST_STACK),
    };
    let own = shared.clone();
    let spawned = std::thread::Builder::new().stack_size(stack).spawn(move || {
        let (call, kw, context) = (call, kw, context);
        let ident = gil::own_ident();
        own.ident.store(ident, Ordering::Relaxed);
        own.state.store(RUNS, Ordering::Release);
        let _ = send.send(ident);
        let th = Thread::new(runtime, Ctx::new(host, stack - stack / 8), ident);
        gil::take(&th.cx);
        th.register();
        RUNNING.fetch_add(1, Ordering::Relaxed);
        {
            let (call, kw) = (call.open(), kw.open());
            crate::context_hook::enter(&th.cx, context.open().into_iter().next());
            run(&th.cx, call, kw.first());
        }
        crate::context_hook::leave(&th.cx);
        th.retire();
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        own.set_done();
        gil::give(&th.cx);
    });
    match spawned {
        Ok(_) => {
            if waited_for {
                let mut list = list(&NON_DAEMON);
                list.retain(|t| t.state() != DONE);
                list.push(shared);
            }
            Ok(cx.without_lock(|| receive.recv()).unwrap_or(0))
        }
        Err(_) => {
            shared.state.store(NOT_STARTED, Ordering::Release);
            Err(cx.runtime_error("can't start new thread"))
        }
    }
}

fn run(cx: &Ctx, mut call: Vec<Obj>, kwargs: Option<&Obj>) {
    let f = call.remove(0);
    let mut names = Vec::new();
    for (k, v) in kwargs.and_then(dict::items_if_dict).unwrap_or_default() {
        names.push(k);
        call.push(v);
    }
    let result = f.call(cx, Args::new(&call, &names));
    drop(call);
    if let Err(r) = result {
        if cx.pending_is(exc::SystemExit()) {
            drop(cx.take(r));
            return;
        }
        let e = cx.take(r);
        let _ = cx.set_pending(e);
        cx.report_unraisable("Exception ignored in thread started by", &f);
    }
}

/// `_thread.start_joinable_thread`.
pub(crate) fn start_joinable(cx: &Ctx, f: &Obj, handle: Option<&Obj>, daemon: bool) -> PyResult {
    if !f.is_callable() {
        return Err(cx.type_error("thread function must be callable"));
    }
    let handle = match handle.filter(|h| !h.is_none()) {
        Some(h) => h.clone(),
        None => make(0),
    };
    let Some(h) = handle.downcast::<ThreadHandle>() else {
        return Err(cx.type_error("'handle' must be a _ThreadHandle"));
    };
    start_with(cx, f, &[], None, h.shared.clone(), !daemon)?;
    Ok(handle)
}

/// Waits for all threads that are not daemons.
pub(crate) fn shutdown(cx: &Ctx) -> PyResult<()> {
    let me = Thread::of(cx).ident;
    loop {
        let next = {
            let mut l = list(&NON_DAEMON);
            l.retain(|t| t.state() != DONE && t.ident.load(Ordering::Relaxed) != me);
            l.last().cloned()
        };
        let Some(s) = next else { return Ok(()) };
        if lock::acquire(cx, &s.done, None)? {
            s.done.release();
        }
    }
}

/// The thread tables' locks, held over a fork.
pub(crate) struct Forking(MutexGuard<'static, Vec<Weak<Shared>>>, MutexGuard<'static, Vec<Arc<Shared>>>);

/// Call before a fork.
pub(crate) fn before_fork() -> Forking {
    Forking(list(&ALL), list(&NON_DAEMON))
}

/// Call in the child: only the calling thread lives on.
pub(crate) fn after_fork_in_child(cx: &Ctx, mut forking: Forking) {
    let me = Thread::of(cx).ident;
    for s in forking.0.iter().filter_map(Weak::upgrade) {
        // A thread that waited for this one may have left its lock in any state.
        if matches!(s.state(), RUNS | STARTING) && s.ident.load(Ordering::Relaxed) != me {
            s.state.store(DONE, Ordering::Relaxed);
            s.done.reset();
        }
    }
    forking.1.clear();
    RUNNING.store(0, Ordering::Relaxed);
}

/// How many started threads run.
pub(crate) fn running() -> i64 {
    RUNNING.load(Ordering::Relaxed)
}

/// Reads and sets the stack size of new threads.
pub(crate) fn stack_size(cx: &Ctx, size: i64) -> PyResult<i64> {
    if size < 0 {
        return Err(cx.value_error("size must be 0 or a positive value"));
    }
    if size != 0 && size < 32 * 1024 {
        return Err(cx.value_error(format!("size not valid: {size} bytes")));
    }
    Ok(STACK.swap(size as usize, Ordering::Relaxed) as i64)
}

static EXCEPT_HOOK_ARGS: structseq::StructSeq = structseq::StructSeq {
    name: "_ExceptHookArgs",
    module: "_thread",
    doc: "What threading.excepthook gets: type, value and traceback of the exception, and the thread.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ],
    visible: 4,
    cell: cinder_pyobj::types::TypeCell::new(),
};

/// The class of `threading.excepthook`'s argument.
pub(crate) fn except_hook_args() -> &'static Type {
    EXCEPT_HOOK_ARGS.type_object()
}

/// The default `threading.excepthook`.
pub(crate) fn excepthook(cx: &Ctx, args: &Obj) -> PyResult<()> {
    let parts = args.collect(cx)?;
    let [ty, value, tb, thread] = &parts[..] else {
        return Err(cx.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
    };
    if ty.is(&exc::SystemExit().as_obj()) {
        return Ok(());
    }
    let stderr = match crate::host::sys_attr(cx, "stderr")?.and_then(Obj::non_none) {
        Some(f) => f,
        None if thread.is_none() => return Ok(()),
        // The thread keeps the stream that there was when it was made.
        None => match thread.get_attr_opt(cx, intern!("_stderr"))?.and_then(Obj::non_none) {
            Some(f) => f,
            None => return Ok(()),
        },
    };
    let name = if thread.is_none() {
        Thread::of(cx).ident.to_string()
    } else {
        match thread.get_attr_opt(cx, intern!("name"))? {
            Some(n) => as_utf8_lossy(&n.str(cx)?).into_owned(),
            None => Thread::of(cx).ident.to_string(),
        }
    };
    stderr.call_method(cx, intern!("write"), &[Obj::from(format!("Exception in thread {name}:\n").as_str())])?;
    crate::host::print_exception(cx, ty, value, tb, &stderr)?;
    stderr.call_method(cx, intern!("flush"), &[]).map(drop)
}
