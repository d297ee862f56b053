//! Threads of `_thread`: starting, joining, thread-local data.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, structseq};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use crate::gil::{self, RawLock};
use crate::thread::Thread;

static RUNNING: AtomicI64 = AtomicI64::new(0);
static STACK: AtomicUsize = AtomicUsize::new(0);
const DEFAULT_STACK: usize = 16 << 20;

/// What a started thread shares with its handle.
struct Shared {
    /// Held while the thread runs.
    done: RawLock,
    finished: AtomicBool,
}

/// A handle to a joinable thread.
#[pyclass(name = "_ThreadHandle", module = "_thread", flags(weakref))]
#[derive(Traverse)]
pub struct ThreadHandle {
    #[traverse(skip)]
    ident: Cell<u64>,
    #[traverse(skip)]
    shared: RefCell<Option<Arc<Shared>>>,
    #[traverse(skip)]
    started: Cell<bool>,
}

#[pymethods]
impl ThreadHandle {
    fn __new__(_cx: &Ctx, _ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(make(0))
    }

    /// Waits for the thread to end.
    #[pymethod(sig = "($self, timeout=None, /)")]
    fn join(cx: &Ctx, this: This<'_, ThreadHandle>, timeout: Option<f64>) -> PyResult<()> {
        if !this.started.get() {
            return Err(cx.runtime_error("thread not started"));
        }
        let shared = this.shared.borrow().clone();
        let Some(s) = shared else { return Ok(()) };
        if !s.finished.load(Ordering::Acquire) && this.ident.get() == Thread::of(cx).ident {
            return Err(cx.runtime_error("Cannot join current thread"));
        }
        let timeout = timeout.filter(|t| *t >= 0.0);
        if gil::acquire(cx, &s.done, timeout)? {
            s.done.release();
        }
        Ok(())
    }

    /// Whether the thread has ended.
    #[pymethod]
    fn is_done(this: This<'_, ThreadHandle>) -> bool {
        this.shared.borrow().as_ref().is_some_and(|s| s.finished.load(Ordering::Acquire))
    }

    /// Marks the thread as ended.
    #[pymethod]
    fn _set_done(cx: &Ctx, this: This<'_, ThreadHandle>) -> PyResult<()> {
        if !this.started.get() {
            return Err(cx.runtime_error("thread not started"));
        }
        if let Some(s) = &*this.shared.borrow() {
            s.finished.store(true, Ordering::Release);
            s.done.release();
        }
        Ok(())
    }

    #[pygetter]
    fn ident(this: This<'_, ThreadHandle>) -> u64 {
        this.ident.get()
    }

    fn __repr__(_cx: &Ctx, this: This<'_, ThreadHandle>) -> PyResult {
        Ok(Obj::from(format!("<_ThreadHandle object: ident={}>", this.ident.get()).as_str()))
    }
}

/// A handle to a thread that runs already (ident not 0), or to none yet.
pub(crate) fn make(ident: u64) -> Obj {
    let shared = (ident != 0).then(|| {
        let s = Arc::new(Shared { done: RawLock::default(), finished: AtomicBool::new(false) });
        s.done.try_acquire();
        s
    });
    heap::new_instance(
        ThreadHandle::class().type_object(),
        ThreadHandle { ident: Cell::new(ident), shared: RefCell::new(shared), started: Cell::new(ident != 0) },
    )
}

/// Words handed to a new thread: owned references.
struct Parcel(Vec<Value>);
// SAFETY: the words are owned references; the receiver touches them under the interpreter lock only.
unsafe impl Send for Parcel {}

/// Starts a thread that calls `f(*args, **kwargs)`; returns its ident.
pub(crate) fn start(cx: &Ctx, f: &Obj, args: &[Obj], kwargs: Option<&Obj>, handle: Option<&Obj>) -> PyResult<u64> {
    let th = Thread::of(cx);
    let runtime = th.runtime;
    if runtime.finalizing.get() {
        return Err(cx.raise(exc::PythonFinalizationError(), "can't create new thread at interpreter shutdown"));
    }
    let shared = Arc::new(Shared { done: RawLock::default(), finished: AtomicBool::new(false) });
    shared.done.try_acquire();
    if let Some(h) = handle.and_then(|h| h.downcast::<ThreadHandle>()) {
        if h.started.get() {
            return Err(cx.runtime_error("thread already started"));
        }
        h.started.set(true);
        *h.shared.borrow_mut() = Some(shared.clone());
    }
    let mut words = vec![f.clone().into_value()];
    words.extend(args.iter().map(|a| a.clone().into_value()));
    let kw = kwargs.map(|k| k.clone().into_value());
    let parcel = Parcel(words);
    let kw = Parcel(kw.into_iter().collect());
    let context = crate::context_hook::copy_current(cx)?;
    let context = Parcel(context.into_iter().map(Obj::into_value).collect());
    let (send, receive) = std::sync::mpsc::channel();
    let host = cx.host();
    let stack = match STACK.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        n => n,
    };
    let spawned = std::thread::Builder::new().stack_size(stack).spawn(move || {
        let (parcel, kw, context) = (parcel, kw, context);
        let ident = gil::own_ident();
        let _ = send.send(ident);
        let th = Thread::new(runtime, Ctx::new(host, stack - stack / 8), ident);
        gil::take(&th.cx);
        RUNNING.fetch_add(1, Ordering::Relaxed);
        {
            // SAFETY: the references were handed over.
            let words: Vec<Obj> = parcel.0.into_iter().map(|v| unsafe { Obj::from_owned(v) }).collect();
            // SAFETY: as above.
            let kw: Vec<Obj> = kw.0.into_iter().map(|v| unsafe { Obj::from_owned(v) }).collect();
            // SAFETY: as above.
            let context: Vec<Obj> = context.0.into_iter().map(|v| unsafe { Obj::from_owned(v) }).collect();
            crate::context_hook::enter(&th.cx, context.into_iter().next());
            run(&th.cx, &words[0], &words[1..], kw.first());
        }
        crate::context_hook::leave(&th.cx);
        RUNNING.fetch_sub(1, Ordering::Relaxed);
        th.locals.set(None);
        shared.finished.store(true, Ordering::Release);
        shared.done.release();
        gil::give(&th.cx);
    });
    match spawned {
        Ok(_) => {
            let ident = cx.without_lock(|| receive.recv()).unwrap_or(0);
            if let Some(h) = handle.and_then(|h| h.downcast::<ThreadHandle>()) {
                h.ident.set(ident);
            }
            Ok(ident)
        }
        Err(_) => Err(cx.runtime_error("can't start new thread")),
    }
}

fn run(cx: &Ctx, f: &Obj, args: &[Obj], kwargs: Option<&Obj>) {
    let mut all = args.to_vec();
    let mut names = Vec::new();
    for (k, v) in kwargs.and_then(dict::items_if_dict).unwrap_or_default() {
        names.push(k);
        all.push(v);
    }
    if let Err(r) = f.call(cx, Args::new(&all, &names)) {
        if cx.pending_is(exc::SystemExit()) {
            drop(cx.take(r));
            return;
        }
        let text = format!("Exception ignored in thread started by {}", f.type_of().name());
        (cx.host().unraisable)(cx, Some(&text), Some(f));
    }
}

/// `_thread.start_joinable_thread`.
pub(crate) fn start_joinable(cx: &Ctx, f: &Obj, handle: Option<&Obj>, daemon: bool) -> PyResult {
    let h = match handle {
        Some(h) if h.downcast::<ThreadHandle>().is_some() => h.clone(),
        Some(_) => return Err(cx.type_error("'handle' must be a _ThreadHandle")),
        None => make(0),
    };
    if !f.is_callable() {
        return Err(cx.type_error("thread function must be callable"));
    }
    start(cx, f, &[], None, Some(&h))?;
    if !daemon && let Some(s) = h.downcast::<ThreadHandle>().and_then(|t| t.shared.borrow().clone()) {
        let mut list = NON_DAEMON.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        list.retain(|t| !t.finished.load(Ordering::Acquire));
        list.push(s);
    }
    Ok(h)
}

static NON_DAEMON: std::sync::Mutex<Vec<Arc<Shared>>> = std::sync::Mutex::new(Vec::new());

/// Waits for all threads that are not daemons.
pub(crate) fn shutdown(cx: &Ctx) -> PyResult<()> {
    loop {
        let next = NON_DAEMON.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let Some(s) = next else { return Ok(()) };
        if gil::acquire(cx, &s.done, None)? {
            s.done.release();
        }
    }
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
    doc: "Type used to pass arguments to threading.excepthook.",
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
    let Some(stderr) = crate::host::sys_attr(cx, "stderr")?.and_then(Obj::non_none) else { return Ok(()) };
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

/// Thread-local data.
#[pyclass(name = "_local", module = "_thread", flags(basetype, weakref))]
#[derive(Traverse)]
pub struct Local {
    args: ObjCell,
}

impl Local {
    /// This thread's attributes, made (and initialised by `__init__`) on first use.
    fn dict(cx: &Ctx, this: &Obj) -> PyResult {
        let th = Thread::of(cx);
        let all = match th.locals.get() {
            Some(d) => d,
            None => {
                let d = dict::new();
                th.locals.set(Some(d.clone()));
                d
            }
        };
        let key = Obj::from(this.id() as i64 >> 3);
        if let Some(d) = dict::get(cx, &all, &key)? {
            return Ok(d);
        }
        let d = dict::new();
        dict::set(cx, &all, &key, &d)?;
        if let Some(l) = this.downcast::<Local>()
            && let Some(init) = this.type_of().slots.init.get()
            && let Some(a) = l.args.get()
        {
            let parts = a.collect(cx)?;
            let mut all = parts[0].collect(cx)?;
            let mut names = Vec::new();
            for (k, v) in dict::items_if_dict(&parts[1]).unwrap_or_default() {
                names.push(k);
                all.push(v);
            }
            init(cx, this, Args::new(&all, &names))?;
        }
        Ok(d)
    }
}

impl Drop for Local {
    fn drop(&mut self) {}
}

#[pymethods]
impl Local {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let object_init = cinder_pyobj::native::class_type::<cinder_pyobj::types::object::Object>().slots.init.get();
        let own = match (ty.slots.init.get(), object_init) {
            (Some(a), Some(b)) => !std::ptr::fn_addr_eq(a, b),
            _ => false,
        };
        if !args.all().is_empty() && !own {
            return Err(cx.type_error("Initialization arguments are not supported"));
        }
        let kw = dict::new();
        for (k, v) in args.keywords() {
            kw.set_item(cx, k, v)?;
        }
        let kept = cinder_pyobj::types::tuple::new(vec![cinder_pyobj::types::tuple::new(args.pos().to_vec()), kw]);
        let o = heap::new_instance(ty, Local { args: ObjCell::new(Some(kept)) });
        // `__init__` runs after `__new__` for this thread: mark its dict as made.
        let th = Thread::of(cx);
        let all = th.locals.get().unwrap_or_else(dict::new);
        dict::set(cx, &all, &Obj::from(o.id() as i64 >> 3), &dict::new())?;
        th.locals.set(Some(all));
        Ok(o)
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        let d = Local::dict(cx, this)?;
        if as_utf8_lossy(name) == "__dict__" {
            return Ok(d);
        }
        let found = cinder_pyobj::types::str::Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n));
        let is_data = found.as_ref().is_some_and(|f| f.type_of().slots.descr_set.get().is_some());
        if !is_data && let Some(v) = dict::get(cx, &d, name)? {
            return Ok(v);
        }
        protocol::generic_get_attr(cx, this, name)
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if as_utf8_lossy(name) == "__dict__" {
            return Err(cx.attribute_error(
                format!("'{}' object attribute '__dict__' is read-only", this.type_of().name()),
                this,
                name,
            ));
        }
        let d = Local::dict(cx, this)?;
        if let Some(f) = cinder_pyobj::types::str::Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n))
            && let Some(set) = f.type_of().slots.descr_set.get()
        {
            return set(cx, &f, this, value);
        }
        match value {
            Some(v) => dict::set(cx, &d, name, v),
            None if dict::remove(cx, &d, name)? => Ok(()),
            None => Err(cx.attribute_error(
                format!("'{}' object has no attribute '{}'", this.type_of().name(), as_utf8_lossy(name)),
                this,
                name,
            )),
        }
    }
}
