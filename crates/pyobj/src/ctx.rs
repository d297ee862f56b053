//! The thread context, and the host table through which the object model reaches the interpreter.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use crate::native::Args;
use crate::types::Type;
use crate::types::exc;
use crate::value::{Obj, Value};

/// Says that an exception is pending in the thread context.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Raised(());

/// The result of everything that can raise. `PyResult<Obj>` is one word: zero means "raised".
pub type PyResult<T = Obj> = Result<T, Raised>;

/// What the object model needs of the interpreter. Filled once by `interp`; the defaults raise SystemError
/// or do nothing, so that `pyobj` can be used alone.
pub struct Host {
    /// Imports a module by absolute name and returns it (the leaf, as `importlib.import_module` does).
    pub import: fn(&Ctx, &str) -> PyResult,
    /// Issues a warning of a category at a stack level.
    pub warn: fn(&Ctx, category: &Type, message: &str, stack_level: i32) -> PyResult<()>,
    /// Issues a warning about an object, at the running frame: whoever shows it can tell where the object was made.
    pub warn_about: fn(&Ctx, category: &Type, message: &str, source: &Obj) -> PyResult<()>,
    /// Extends the pending exception's traceback with the running frame.
    pub add_traceback: fn(&Ctx, exception: &Obj),
    /// Reports an exception that cannot propagate (`sys.unraisablehook`); it is pending on entry and taken.
    pub unraisable: fn(&Ctx, message: Option<&str>, object: Option<&Obj>),
    /// The globals of the running Python frame (a dict), if any.
    pub globals: fn(&Ctx) -> Option<Obj>,
    /// The builtins dict.
    pub builtins: fn(&Ctx) -> Option<Obj>,
    /// Encodes a str with a codec that pyobj does not implement itself.
    pub encode: fn(&Ctx, text: &Obj, encoding: &str, errors: &str) -> PyResult,
    /// Decodes bytes with a codec that pyobj does not implement itself.
    pub decode: fn(&Ctx, bytes: &Obj, encoding: &str, errors: &str) -> PyResult,
    /// Serves requests flagged in [`Ctx::poll`]: signals, collections, lock hand-over. May raise.
    pub poll: fn(&Ctx) -> PyResult<()>,
    /// The exception being handled in the running frame (`sys.exception()`).
    pub handled_exception: fn(&Ctx) -> Option<Obj>,
    /// `super()` without arguments: the `__class__` cell's value and the first argument of the running frame.
    pub super_args: fn(&Ctx) -> PyResult<(Obj, Obj)>,
    /// Runs the audit hooks, if there are any.
    pub audit: fn(&Ctx, event: &str, args: &[Obj]) -> PyResult<()>,
    /// Gives up the interpreter lock before a system call that may block.
    pub release_lock: fn(&Ctx),
    /// Takes the interpreter lock again.
    pub acquire_lock: fn(&Ctx),
    /// Whether a module's file lies in the folder of the program, which `sys.path` began with.
    pub is_beside_program: fn(&Ctx, file: &str) -> bool,
    /// Makes a system call that forks, and sets the interpreter right in the child. Returns what the call does.
    pub fork: fn(&Ctx, call: &mut dyn FnMut() -> i32) -> i32,
    /// The value that a context variable has in the current context of `contextvars`, if it has one there.
    pub context_value: fn(&Ctx, variable: &Obj) -> Option<Obj>,
    /// Gives a context variable a value in the current context of `contextvars`.
    pub set_context_value: fn(&Ctx, variable: &Obj, value: &Obj) -> PyResult<()>,
}

/// One thread's execution state. Natives get it as their first argument.
#[repr(C)]
pub struct Ctx {
    /// Non-zero asks the interpreter to look for pending work; see [`Poll`]. Compiled code reads it at
    /// back-edges.
    pub poll: AtomicU32,
    pending: Cell<Option<Value>>,
    /// The lowest native stack address that native recursion may reach.
    stack_limit: Cell<usize>,
    host: &'static Host,
    /// The interpreter's own per-thread state.
    pub interp: Cell<*mut ()>,
    /// Nesting of `repr` in progress, to show cycles as `[...]`.
    pub(crate) repr_stack: std::cell::RefCell<Vec<Value>>,
    /// Steps of native loops since a request that waits was last served.
    steps: Cell<u32>,
}

impl Drop for Ctx {
    fn drop(&mut self) {
        let me: *const Ctx = self;
        // A thread that is taken apart has no own context to forget.
        let _ = OWN.try_with(|own| {
            if own.get() == me {
                own.set(std::ptr::null());
            }
        });
    }
}

/// Bits of [`Ctx::poll`].
pub struct Poll;

impl Poll {
    /// A signal arrived.
    pub const SIGNAL: u32 = 1;
    /// Another thread waits for the interpreter lock.
    pub const SWITCH: u32 = 2;
    /// The collector should run.
    pub const COLLECT: u32 = 4;
    /// The reserve of memory was touched.
    pub const MEMORY: u32 = 8;
    /// An exception was sent to the thread.
    pub const ASYNC_EXC: u32 = 16;
    /// A queued call waits.
    pub const CALLS: u32 = 32;
    /// Tracing or monitoring changed.
    pub const TRACE: u32 = 64;
}

/// Whether any interpreter of the process has an audit hook. It is never taken back: hooks stay until the end.
static AUDITED: AtomicBool = AtomicBool::new(false);

/// What the command line asks to be reported that Python otherwise lets pass. Process-wide, set before anything runs.
pub struct Strictness;

static BYTES_WARNING: AtomicBool = AtomicBool::new(false);
static DEVELOPMENT: AtomicBool = AtomicBool::new(false);

impl Strictness {
    /// Sets whether mixing of bytes and str warns (`-b`), and whether the names of encodings and error handlers are
    /// checked where they are not needed (`-X dev`).
    pub fn set(bytes_warning: bool, development: bool) {
        BYTES_WARNING.store(bytes_warning, Ordering::Relaxed);
        DEVELOPMENT.store(development, Ordering::Relaxed);
    }

    /// Whether mixing of bytes and str warns.
    pub fn bytes_warning() -> bool {
        BYTES_WARNING.load(Ordering::Relaxed)
    }

    /// Whether names of encodings and error handlers are always checked.
    pub fn development() -> bool {
        DEVELOPMENT.load(Ordering::Relaxed)
    }
}

static CURRENT: AtomicPtr<Ctx> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    /// The context that the thread runs Python code with, if it does.
    static OWN: Cell<*const Ctx> = const { Cell::new(std::ptr::null()) };
}

/// So many steps of native loops pass before a signal is served in one of them: loops that a program expects to be
/// atomic are shorter, and a million steps take a fraction of a second at most.
const STEPS_BEFORE_SIGNALS: u32 = 100_000;

impl Ctx {
    /// A context for the calling thread. The native stack may be used down to `stack_bytes` below here.
    pub fn new(host: &'static Host, stack_bytes: usize) -> Ctx {
        let here = 0u8;
        let at = std::hint::black_box(&here) as *const u8 as usize;
        Ctx {
            poll: AtomicU32::new(0),
            pending: Cell::new(None),
            stack_limit: Cell::new(at.saturating_sub(stack_bytes)),
            host,
            interp: Cell::new(std::ptr::null_mut()),
            repr_stack: Default::default(),
            steps: Cell::new(0),
        }
    }

    /// Makes this the context of the thread that holds the interpreter lock. Called at every hand-over.
    ///
    /// # Safety
    /// The caller must hold the lock, and the context must outlive its time as the current one.
    pub unsafe fn make_current(&self) {
        CURRENT.store(self as *const Ctx as *mut Ctx, Ordering::Relaxed);
        OWN.set(self);
    }

    /// Asks for attention at the next poll of the calling thread, if it runs Python code.
    pub(crate) fn request_of_this_thread(bits: u32) {
        let own = OWN.try_with(Cell::get).unwrap_or(std::ptr::null());
        // SAFETY: a context that ends is nobody's own any more.
        if let Some(cx) = unsafe { own.as_ref() } {
            cx.request(bits);
        }
    }

    /// The context of the thread that holds the interpreter lock. For code that has no context at hand,
    /// such as the drop of a last reference.
    ///
    /// # Panics
    /// If no context was ever made current.
    pub fn current<'a>() -> &'a Ctx {
        let p = CURRENT.load(Ordering::Relaxed);
        assert!(!p.is_null(), "no thread context is current");
        // SAFETY: `make_current`'s promise.
        unsafe { &*p }
    }

    /// Whether any context is current.
    pub fn has_current() -> bool {
        !CURRENT.load(Ordering::Relaxed).is_null()
    }

    /// The interpreter's services.
    #[inline(always)]
    pub fn host(&self) -> &'static Host {
        self.host
    }

    /// Runs `f` without the interpreter lock, so that other threads can run meanwhile. `f` must not touch any
    /// Python object.
    pub fn without_lock<R>(&self, f: impl FnOnce() -> R) -> R {
        (self.host.release_lock)(self);
        let r = f();
        (self.host.acquire_lock)(self);
        r
    }

    /// Asks for attention at the next poll.
    pub fn request(&self, bits: u32) {
        self.poll.fetch_or(bits, Ordering::Release);
    }

    /// One step of a native loop that may be long or endless, or that allocates objects: raises when memory ran out,
    /// and serves signals when the loop has gone on for a while. Other threads do not run meanwhile.
    #[inline(always)]
    pub fn step(&self) -> PyResult<()> {
        if self.poll.load(Ordering::Relaxed) != 0 { self.serve_in_loop(1) } else { Ok(()) }
    }

    /// What waited has been served.
    pub fn end_wait(&self) {
        self.steps.set(0);
    }

    /// As [`Ctx::step`], for a step that takes as long as `weight` ordinary ones (some ten nanoseconds).
    #[inline]
    pub fn long_step(&self, weight: usize) -> PyResult<()> {
        if self.poll.load(Ordering::Relaxed) != 0 {
            return self.serve_in_loop(u32::try_from(weight).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn serve_in_loop(&self, weight: u32) -> PyResult<()> {
        let bits = self.poll.load(Ordering::Relaxed);
        if bits & Poll::MEMORY != 0 {
            let r = self.no_memory();
            // What making the exception took is no reason to raise another one.
            self.poll.fetch_and(!Poll::MEMORY, Ordering::Relaxed);
            return Err(r);
        }
        if bits & (Poll::SIGNAL | Poll::ASYNC_EXC) == 0 {
            return Ok(());
        }
        let steps = self.steps.get().saturating_add(weight);
        if steps < STEPS_BEFORE_SIGNALS {
            self.steps.set(steps);
            return Ok(());
        }
        self.steps.set(0);
        let later = self.poll.fetch_and(Poll::SIGNAL | Poll::ASYNC_EXC, Ordering::AcqRel);
        let r = (self.host.poll)(self);
        self.request(later & !(Poll::SIGNAL | Poll::ASYNC_EXC));
        r
    }

    /// Appends to a vector whose length a program chooses.
    ///
    /// # Errors
    /// MemoryError.
    #[inline]
    pub fn push<T>(&self, v: &mut Vec<T>, x: T) -> PyResult<()> {
        if v.len() == v.capacity() {
            self.make_room(v, 1)?;
        }
        v.push(x);
        Ok(())
    }

    /// Appends a slice to a vector whose length a program chooses.
    ///
    /// # Errors
    /// MemoryError.
    pub fn extend<T: Copy>(&self, v: &mut Vec<T>, items: &[T]) -> PyResult<()> {
        self.make_room(v, items.len())?;
        v.extend_from_slice(items);
        Ok(())
    }

    /// Makes room in a vector for `n` more items.
    ///
    /// # Errors
    /// MemoryError.
    pub fn make_room<T>(&self, v: &mut Vec<T>, n: usize) -> PyResult<()> {
        v.try_reserve(n).map_err(|_| self.no_memory())
    }

    /// Sets how far the native stack may grow down (an address).
    pub fn set_stack_limit(&self, addr: usize) {
        self.stack_limit.set(addr);
    }

    /// Raises RecursionError if the native stack is nearly used up. Called by every native function that
    /// may recurse through Python objects (repr, compare, hash, call, copy…). `what` continues the message:
    /// `maximum recursion depth exceeded{what}`.
    #[inline]
    pub fn check_stack(&self, what: &str) -> PyResult<()> {
        let here = 0u8;
        let at = std::hint::black_box(&here) as *const u8 as usize;
        if at < self.stack_limit.get() {
            return Err(self.recursion_error(what));
        }
        Ok(())
    }

    #[cold]
    fn recursion_error(&self, what: &str) -> Raised {
        // Room for building the exception itself.
        let old = self.stack_limit.replace(self.stack_limit.get().saturating_sub(64 * 1024));
        let r = self.raise(exc::RecursionError(), format!("maximum recursion depth exceeded{what}"));
        self.stack_limit.set(old);
        r
    }

    /// Makes `exception` (an instance) the pending exception. Its `__context__` becomes the exception being
    /// handled.
    #[cold]
    pub fn raise_obj(&self, exception: Obj) -> Raised {
        exc::set_context_from_handled(self, &exception);
        self.set_pending(exception)
    }

    /// Makes `exception` pending as it is, without touching its context.
    pub fn set_pending(&self, exception: Obj) -> Raised {
        let old = self.pending.replace(Some(exception.into_value()));
        if let Some(v) = old {
            // SAFETY: the field owned its value.
            drop(unsafe { Obj::from_owned(v) });
        }
        Raised(())
    }

    /// Says that an exception is pending already.
    ///
    /// # Panics
    /// In debug builds, if none is.
    pub fn raised(&self) -> Raised {
        debug_assert!(self.pending.get().is_some());
        Raised(())
    }

    /// Whether an exception is pending.
    #[inline(always)]
    pub fn is_raising(&self) -> bool {
        self.pending.get().is_some()
    }

    /// Takes the pending exception. The proof that one is pending is given up with it.
    pub fn take(&self, _: Raised) -> Obj {
        match self.take_pending() {
            Some(e) => e,
            None => exc::new(self, exc::SystemError(), "error return without exception set"),
        }
    }

    /// Takes the pending exception, if any.
    pub fn take_pending(&self) -> Option<Obj> {
        // SAFETY: the field owned its value.
        self.pending.take().map(|v| unsafe { Obj::from_owned(v) })
    }

    /// Whether the pending exception is an instance of `ty`.
    pub fn pending_is(&self, ty: &Type) -> bool {
        match self.pending.get() {
            // SAFETY: the field keeps the exception alive.
            Some(v) => unsafe { Obj::from_borrowed(v) }.type_of().is_subtype(ty),
            None => false,
        }
    }

    /// If the pending exception is a `ty`, drops it and returns `Ok`; otherwise it stays pending.
    pub fn swallow(&self, r: Raised, ty: &Type) -> PyResult<()> {
        if self.pending_is(ty) {
            drop(self.take(r));
            return Ok(());
        }
        Err(r)
    }

    /// Raises an instance of `ty` with one str argument.
    #[cold]
    pub fn raise(&self, ty: &Type, message: impl AsRef<str>) -> Raised {
        let e = exc::new(self, ty, message.as_ref());
        self.raise_obj(e)
    }

    /// Raises `ty(*args)` by calling the class.
    #[cold]
    pub fn raise_args(&self, ty: &Type, args: &[Obj]) -> Raised {
        match ty.as_obj().call(self, Args::positional(args)) {
            Ok(e) => self.raise_obj(e),
            Err(r) => r,
        }
    }
}

macro_rules! raisers {
    ($($(#[$doc:meta])* $f:ident $t:ident;)*) => {
        impl Ctx {
            $($(#[$doc])*
            #[cold]
            pub fn $f(&self, message: impl AsRef<str>) -> Raised {
                self.raise(exc::$t(), message)
            })*
        }
    };
}

raisers! {
    /// Raises TypeError.
    type_error TypeError;
    /// Raises ValueError.
    value_error ValueError;
    /// Raises IndexError.
    index_error IndexError;
    /// Raises OverflowError.
    overflow_error OverflowError;
    /// Raises ZeroDivisionError.
    zero_division ZeroDivisionError;
    /// Raises RuntimeError.
    runtime_error RuntimeError;
    /// Raises SystemError.
    system_error SystemError;
    /// Raises NotImplementedError.
    not_implemented NotImplementedError;
    /// Raises BufferError.
    buffer_error BufferError;
    /// Raises MemoryError.
    memory_error MemoryError;
    /// Raises AssertionError.
    assertion_error AssertionError;
    /// Raises ImportError without a name.
    import_error ImportError;
}

impl Ctx {
    /// Tells the audit hooks (PEP 578) of an event. Its arguments are made only if there is a hook.
    ///
    /// # Errors
    /// What a hook raises.
    #[inline]
    pub fn audit<const N: usize>(&self, event: &str, args: impl FnOnce() -> [Obj; N]) -> PyResult<()> {
        if AUDITED.load(Ordering::Relaxed) { (self.host().audit)(self, event, &args()) } else { Ok(()) }
    }

    /// Says that an audit hook was added, so that [`Ctx::audit`] has events from now on.
    pub fn begin_auditing() {
        AUDITED.store(true, Ordering::Relaxed);
    }

    /// Reports the pending exception as one that nobody can catch; the message ends with what it is about.
    #[cold]
    pub fn report_unraisable(&self, message: &str, about: &Obj) {
        let raised = self.take_pending();
        let shown = match about.repr(self) {
            Ok(r) => crate::types::str::as_utf8_lossy(&r).into_owned(),
            Err(r) => {
                drop(self.take(r));
                "<object repr() failed>".to_owned()
            }
        };
        if let Some(e) = raised {
            let _ = self.set_pending(e);
        }
        (self.host().unraisable)(self, Some(&format!("{message} {shown}")), None);
    }

    /// Raises KeyError with the key itself as argument.
    #[cold]
    pub fn key_error(&self, key: &Obj) -> Raised {
        self.raise_args(exc::KeyError(), std::slice::from_ref(key))
    }

    /// Raises MemoryError without a message.
    #[cold]
    pub fn no_memory(&self) -> Raised {
        crate::heap::refusal_is_reported();
        self.raise_args(exc::MemoryError(), &[])
    }

    /// Raises AttributeError with `name` and `obj` set (for suggestions).
    #[cold]
    pub fn attribute_error(&self, message: impl AsRef<str>, obj: &Obj, name: &Obj) -> Raised {
        exc::raise_attribute_error(self, message.as_ref(), obj, name)
    }

    /// Raises StopIteration with a value.
    #[cold]
    pub fn stop_iteration(&self, value: Option<Obj>) -> Raised {
        match value {
            Some(v) => exc::raise_stop_iteration(self, v),
            None => self.raise_args(exc::StopIteration(), &[]),
        }
    }

    /// Raises the OSError subclass of an error number, with `strerror`.
    #[cold]
    pub fn os_error(&self, errno: i32) -> Raised {
        exc::raise_os_error(self, errno, None, None)
    }

    /// Raises the OSError subclass of an error number with one or two file names.
    #[cold]
    pub fn os_error_with(&self, errno: i32, filename: Option<&Obj>, filename2: Option<&Obj>) -> Raised {
        exc::raise_os_error(self, errno, filename, filename2)
    }
}

impl Host {
    /// A host without an interpreter.
    pub const fn bare() -> Host {
        Host {
            import: |cx, name| Err(cx.import_error(format!("no interpreter to import '{name}'"))),
            warn: |_, _, _, _| Ok(()),
            warn_about: |_, _, _, _| Ok(()),
            add_traceback: |_, _| {},
            unraisable: |cx, _, _| drop(cx.take_pending()),
            globals: |_| None,
            builtins: |_| None,
            encode: |cx, _, encoding, _| Err(cx.raise(exc::LookupError(), format!("unknown encoding: {encoding}"))),
            decode: |cx, _, encoding, _| Err(cx.raise(exc::LookupError(), format!("unknown encoding: {encoding}"))),
            poll: |_| Ok(()),
            handled_exception: |_| None,
            super_args: |cx| Err(cx.runtime_error("super(): no current frame")),
            audit: |_, _, _| Ok(()),
            release_lock: |_| {},
            acquire_lock: |_| {},
            is_beside_program: |_, _| false,
            fork: |_, call| call(),
            context_value: |_, _| None,
            set_context_value: |cx, _, _| Err(cx.system_error("no interpreter to keep context variables")),
        }
    }
}
