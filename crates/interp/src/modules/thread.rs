//! `_thread`: locks and threads.

use cinder_pyobj::native::pymodule;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

use crate::lock::{self, RawLock};

/// A lock that one holder at a time can have, not bound to the thread which took it.
///
/// Made unlocked; a with statement takes it and gives it up.
#[pyclass(name = "lock", module = "_thread", flags(weakref))]
#[derive(Traverse)]
pub struct Lock {
    #[traverse(skip)]
    raw: RefCell<Arc<RawLock>>,
}

/// The longest wait in seconds: what fits into nanoseconds.
pub(crate) const TIMEOUT_MAX: f64 = 9_223_372_036.0;

fn timeout_of(cx: &Ctx, blocking: bool, timeout: Option<f64>) -> PyResult<Option<f64>> {
    match (blocking, timeout) {
        (false, Some(t)) if t != -1.0 => Err(cx.value_error("can't specify a timeout for a non-blocking call")),
        (false, _) => Ok(Some(0.0)),
        (true, None) => Ok(None),
        (true, Some(t)) if t == -1.0 => Ok(None),
        (true, Some(t)) if t.is_nan() => Err(cx.value_error("Invalid value NaN (not a number)")),
        (true, Some(t)) if t < 0.0 => Err(cx.value_error("timeout value must be a non-negative number")),
        (true, Some(t)) if t > TIMEOUT_MAX + 1.0 => Err(cx.overflow_error("timestamp out of range for C PyTime_t")),
        (true, Some(t)) if t > TIMEOUT_MAX => Err(cx.overflow_error("timeout value is too large")),
        (true, Some(t)) => Ok(Some(t)),
    }
}

#[pymethods]
impl Lock {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        args.check_arity(cx, "lock", 0, 0)?;
        Ok(heap::new_instance(ty, Lock { raw: Default::default() }))
    }

    /// Takes the lock, and tells whether it did.
    ///
    /// While the lock is held, this waits at most timeout seconds, without end for -1, and not at all if blocking is
    /// false. Signal handlers run meanwhile.
    #[pymethod(sig = "($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &Ctx, this: This<'_, Lock>, blocking: bool, timeout: Option<f64>) -> PyResult<bool> {
        let t = timeout_of(cx, blocking, timeout)?;
        let raw = this.raw.borrow().clone();
        lock::acquire(cx, &raw, t)
    }

    /// Gives up the lock, whichever thread took it; one of those that wait for it gets it.
    ///
    /// RuntimeError says that the lock was not held.
    #[pymethod]
    fn release(cx: &Ctx, this: This<'_, Lock>) -> PyResult<()> {
        if this.raw.borrow().release() { Ok(()) } else { Err(cx.runtime_error("release unlocked lock")) }
    }

    /// Whether somebody holds the lock.
    #[pymethod]
    fn locked(this: This<'_, Lock>) -> bool {
        this.raw.borrow().is_locked()
    }

    #[pymethod(sig = "($self, /, blocking=True, timeout=-1)")]
    fn acquire_lock(cx: &Ctx, this: This<'_, Lock>, blocking: bool, timeout: Option<f64>) -> PyResult<bool> {
        Lock::acquire(cx, this, blocking, timeout)
    }

    #[pymethod]
    fn release_lock(cx: &Ctx, this: This<'_, Lock>) -> PyResult<()> {
        Lock::release(cx, this)
    }

    #[pymethod]
    fn locked_lock(this: This<'_, Lock>) -> bool {
        this.raw.borrow().is_locked()
    }

    #[pymethod]
    fn __enter__(cx: &Ctx, this: This<'_, Lock>) -> PyResult<bool> {
        Lock::acquire(cx, this, true, None)
    }

    #[pymethod(sig = "($self, /, *exc_info)")]
    fn __exit__(cx: &Ctx, this: This<'_, Lock>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        Lock::release(cx, this)
    }

    #[pymethod]
    fn _at_fork_reinit(this: This<'_, Lock>) {
        // A thread that is gone may have left the old one in any state.
        this.raw.replace(Default::default());
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Lock>) -> PyResult {
        let state = if this.raw.borrow().is_locked() { "locked" } else { "unlocked" };
        Ok(Obj::from(format!("<{state} _thread.lock object at {:#x}>", this.obj().id()).as_str()))
    }
}

/// A reentrant lock.
#[pyclass(name = "RLock", module = "_thread", flags(weakref, basetype))]
#[derive(Traverse)]
pub struct RLock {
    #[traverse(skip)]
    raw: RefCell<Arc<RawLock>>,
    #[traverse(skip)]
    owner: Cell<u64>,
    #[traverse(skip)]
    count: Cell<u64>,
}

impl RLock {
    fn me(cx: &Ctx) -> u64 {
        crate::thread::Thread::of(cx).ident
    }
}

#[pymethods]
impl RLock {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, RLock { raw: Default::default(), owner: Cell::new(0), count: Cell::new(0) }))
    }

    /// Lock the lock; the owner may do so again.
    #[pymethod(sig = "($self, /, blocking=True, timeout=-1)")]
    fn acquire(cx: &Ctx, this: This<'_, RLock>, blocking: bool, timeout: Option<f64>) -> PyResult<bool> {
        let t = timeout_of(cx, blocking, timeout)?;
        let me = RLock::me(cx);
        if this.owner.get() == me && this.count.get() > 0 {
            this.count.set(this.count.get() + 1);
            return Ok(true);
        }
        let raw = this.raw.borrow().clone();
        let got = lock::acquire(cx, &raw, t)?;
        if got {
            this.owner.set(me);
            this.count.set(1);
        }
        Ok(got)
    }

    /// Release the lock once.
    #[pymethod]
    fn release(cx: &Ctx, this: This<'_, RLock>) -> PyResult<()> {
        if this.count.get() == 0 || this.owner.get() != RLock::me(cx) {
            return Err(cx.runtime_error("cannot release un-acquired lock"));
        }
        this.count.set(this.count.get() - 1);
        if this.count.get() == 0 {
            this.owner.set(0);
            this.raw.borrow().release();
        }
        Ok(())
    }

    /// Return whether the lock is held by any thread.
    #[pymethod]
    fn locked(this: This<'_, RLock>) -> bool {
        this.count.get() > 0
    }

    #[pymethod]
    fn __enter__(cx: &Ctx, this: This<'_, RLock>) -> PyResult<bool> {
        RLock::acquire(cx, this, true, None)
    }

    #[pymethod(sig = "($self, /, *exc_info)")]
    fn __exit__(cx: &Ctx, this: This<'_, RLock>, exc_info: &[Obj]) -> PyResult<()> {
        let _ = exc_info;
        RLock::release(cx, this)
    }

    #[pymethod]
    fn _is_owned(cx: &Ctx, this: This<'_, RLock>) -> bool {
        this.count.get() > 0 && this.owner.get() == RLock::me(cx)
    }

    #[pymethod]
    fn _recursion_count(cx: &Ctx, this: This<'_, RLock>) -> u64 {
        if this.owner.get() == RLock::me(cx) { this.count.get() } else { 0 }
    }

    #[pymethod]
    fn _release_save(cx: &Ctx, this: This<'_, RLock>) -> PyResult {
        if this.count.get() == 0 {
            return Err(cx.runtime_error("cannot release un-acquired lock"));
        }
        let state = (this.count.replace(0), this.owner.replace(0));
        this.raw.borrow().release();
        Ok(cinder_pyobj::types::tuple::new(vec![Obj::from(state.0), Obj::from(state.1)]))
    }

    #[pymethod(sig = "($self, state, /)")]
    fn _acquire_restore(cx: &Ctx, this: This<'_, RLock>, state: &Obj) -> PyResult<()> {
        let parts = state.collect(cx)?;
        let raw = this.raw.borrow().clone();
        lock::acquire(cx, &raw, None)?;
        if let [c, o] = &parts[..] {
            this.count.set(c.to_i64(cx)? as u64);
            this.owner.set(o.to_i64(cx)? as u64);
        }
        Ok(())
    }

    #[pymethod]
    fn _at_fork_reinit(this: This<'_, RLock>) {
        // A thread that is gone may have left the old one in any state.
        this.raw.replace(Default::default());
        this.count.set(0);
        this.owner.set(0);
    }

    fn __repr__(_cx: &Ctx, this: This<'_, RLock>) -> PyResult {
        let state = if this.count.get() > 0 { "locked" } else { "unlocked" };
        Ok(Obj::from(
            format!(
                "<{state} {} object owner={} count={} at {:#x}>",
                "_thread.RLock",
                this.owner.get(),
                this.count.get(),
                this.obj().id()
            )
            .as_str(),
        ))
    }
}

/// Threads and locks as the system has them; programs use the module threading.
#[pymodule(
    name = "_thread",
    classes(
        super::Lock,
        super::RLock,
        crate::modules::thread_handle::ThreadHandle,
        crate::modules::thread_local::Local
    )
)]
pub(crate) mod thread {
    use super::*;
    use crate::modules::thread_handle;
    use crate::thread::Thread;
    use cinder_pyobj::types::str::Name;
    use cinder_pyobj::types::{dict, exc, module};

    /// A lock that nobody holds yet.
    #[pyfunction]
    fn allocate_lock() -> Obj {
        heap::new_instance(Lock::class().type_object(), Lock { raw: Default::default() })
    }

    /// The old name of allocate_lock().
    #[pyfunction]
    fn allocate() -> Obj {
        allocate_lock()
    }

    /// A number that tells the running thread from all others alive; it may be used again after the thread's end.
    #[pyfunction]
    fn get_ident(cx: &Ctx) -> u64 {
        Thread::of(cx).ident
    }

    /// The number by which the system knows the running thread.
    #[pyfunction]
    fn get_native_id() -> i64 {
        // SAFETY: the call takes no arguments and cannot fail.
        unsafe { libc::syscall(libc::SYS_gettid) }
    }

    /// Runs function(*args, **kwargs) in a new thread, and gives the thread's identifier.
    ///
    /// The thread ends with the function; exceptions go to sys.unraisablehook, but for SystemExit, which is silent.
    #[pyfunction(sig = "")]
    fn start_new_thread(cx: &Ctx, args: Args<'_>) -> PyResult<u64> {
        let a = args.check_arity(cx, "start_new_thread", 2, 3)?;
        if !a[0].is_callable() {
            return Err(cx.type_error("first arg must be callable"));
        }
        let Some(items) = cinder_pyobj::types::tuple::items_if_tuple(&a[1]) else {
            return Err(cx.type_error("2nd arg must be a tuple"));
        };
        if let Some(k) = a.get(2)
            && dict::as_dict(k).is_none()
        {
            return Err(cx.type_error("optional 3rd arg must be a dictionary"));
        }
        let names = || a.get(2).cloned().unwrap_or_else(Obj::none);
        cx.audit("_thread.start_new_thread", || [a[0].clone(), a[1].clone(), names()])?;
        thread_handle::start(cx, &a[0], items, a.get(2))
    }

    /// The old name of start_new_thread().
    #[pyfunction(sig = "")]
    fn start_new(cx: &Ctx, args: Args<'_>) -> PyResult<u64> {
        start_new_thread(cx, args)
    }

    /// Start a new joinable thread.
    #[pyfunction(sig = "(function, handle=None, daemon=True)")]
    fn start_joinable_thread(cx: &Ctx, function: &Obj, handle: Option<&Obj>, daemon: bool) -> PyResult {
        cx.audit("_thread.start_joinable_thread", || {
            [function.clone(), Obj::from(i64::from(daemon)), handle.cloned().unwrap_or_else(Obj::none)]
        })?;
        thread_handle::start_joinable(cx, function, handle, daemon)
    }

    /// Wait for all other threads that are not daemons.
    #[pyfunction]
    fn _shutdown(cx: &Ctx) -> PyResult<()> {
        thread_handle::shutdown(cx)
    }

    #[pyfunction(sig = "(ident, /)")]
    fn _make_thread_handle(ident: i64) -> Obj {
        thread_handle::make(ident as u64)
    }

    #[pyfunction]
    fn _get_main_thread_ident(cx: &Ctx) -> u64 {
        let _ = cx;
        crate::gil::main_ident()
    }

    #[pyfunction]
    fn _is_main_interpreter() -> bool {
        true
    }

    /// Return whether daemon threads are allowed.
    #[pyfunction]
    fn daemon_threads_allowed() -> bool {
        true
    }

    /// Return the number of threads currently running that were started here.
    #[pyfunction]
    fn _count() -> i64 {
        thread_handle::running()
    }

    /// The size of the native stacks of new threads in bytes, 0 for the system's own; an argument sets it and gives the
    /// size before.
    #[pyfunction(sig = "(size=0, /)")]
    fn stack_size(cx: &Ctx, size: i64) -> PyResult<i64> {
        thread_handle::stack_size(cx, size)
    }

    /// Simulate the arrival of the given signal in the main thread.
    #[pyfunction(sig = "(signum=2, /)")]
    fn interrupt_main(cx: &Ctx, signum: i64) -> PyResult<()> {
        crate::signals::trip(cx, signum)
    }

    /// Exit the current thread.
    #[pyfunction]
    fn exit(cx: &Ctx) -> PyResult {
        Err(cx.raise_args(exc::SystemExit(), &[]))
    }

    /// The old name of exit().
    #[pyfunction]
    fn exit_thread(cx: &Ctx) -> PyResult {
        exit(cx)
    }

    /// Names the running thread for debuggers and tools of the system.
    #[pyfunction(sig = "(name)")]
    fn set_name(cx: &Ctx, name: &Obj) -> PyResult<()> {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("set_name() argument 'name' must be str, not {}", name.type_of().name())));
        }
        let bytes = cinder_pyobj::codecs::encode(cx, name, "utf-8", "replace")?;
        let bytes = cinder_pyobj::types::bytes::as_bytes(&bytes).unwrap_or(&[]);
        let mut n: Vec<u8> = bytes.iter().copied().take_while(|b| *b != 0).take(15).collect();
        // A character is not cut.
        while std::str::from_utf8(&n).is_err() && n.pop().is_some() {}
        n.push(0);
        // SAFETY: the name is a live text that ends with zero.
        unsafe { libc::pthread_setname_np(libc::pthread_self(), n.as_ptr().cast()) };
        Ok(())
    }

    /// Handle an uncaught exception of a thread.
    #[pyfunction(sig = "(args, /)")]
    fn _excepthook(cx: &Ctx, args: &Obj) -> PyResult<()> {
        thread_handle::excepthook(cx, args)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        let put = |n: &str, v: Obj| dict::set(cx, &d, Name::new(n).as_obj(), &v);
        put("error", exc::RuntimeError().as_obj())?;
        put("TIMEOUT_MAX", Obj::from(TIMEOUT_MAX))?;
        put("LockType", Lock::class().type_object().as_obj())?;
        put("_ExceptHookArgs", thread_handle::except_hook_args().as_obj())
    }
}
