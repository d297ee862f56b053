//! `sys`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

static UNRAISABLE: StructSeq = StructSeq {
    name: "UnraisableHookArgs",
    module: "sys",
    doc: "Type used to pass arguments to sys.unraisablehook.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ],
    visible: 5,
    cell: TypeCell::new(),
};

/// The argument of `sys.unraisablehook`.
pub(crate) fn unraisable_args(values: Vec<Obj>) -> Obj {
    UNRAISABLE.make(values)
}

macro_rules! seq {
    ($static:ident $name:literal $doc:literal [$($f:literal),*]) => {
        seq!($static $name $doc [$($f),*] [$($f),*].len());
    };
    ($static:ident $name:literal $doc:literal [$($f:literal),*] $visible:expr) => {
        static $static: StructSeq = StructSeq {
            name: $name,
            module: "sys",
            doc: $doc,
            fields: &[$(($f, $f)),*],
            visible: $visible,
            cell: TypeCell::new(),
        };
    };
}
seq!(VERSION_INFO "version_info" "The version of Python, a tuple whose parts have names." ["major", "minor", "micro", "releaselevel", "serial"]);
seq!(FLAGS "flags" "What the options of the command and the environment have switched on." [
    "debug", "inspect", "interactive", "optimize", "dont_write_bytecode", "no_user_site", "no_site",
    "ignore_environment", "verbose", "bytes_warning", "quiet", "hash_randomization", "isolated", "dev_mode",
    "utf8_mode", "warn_default_encoding", "safe_path", "int_max_str_digits", "gil",
    "thread_inherit_context", "context_aware_warnings"] 18);
seq!(FLOAT_INFO "float_info" "The limits and the precision of floats." [
    "max", "max_exp", "max_10_exp", "min", "min_exp", "min_10_exp", "dig", "mant_dig", "epsilon", "radix", "rounds"]);
seq!(INT_INFO "int_info" "How ints are stored, and how many digits conversions of them to texts accept." [
    "bits_per_digit", "sizeof_digit", "default_max_str_digits", "str_digits_check_threshold"]);
seq!(HASH_INFO "hash_info" "The numbers that the hashes of numbers and texts are computed with." [
    "width", "modulus", "inf", "nan", "imag", "algorithm", "hash_bits", "seed_bits", "cutoff"]);
seq!(THREAD_INFO "thread_info" "How threads and locks are made." ["name", "lock", "version"]);
seq!(ASYNCGEN_HOOKS "asyncgen_hooks" "Asynchronous generator hooks." ["firstiter", "finalizer"]);

/// The language level as (major, minor, micro).
pub const VERSION: (i64, i64, i64) = (3, 14, 0);

/// `sys.version`.
pub fn version_text() -> String {
    let (a, b, c) = VERSION;
    format!("{a}.{b}.{c} (cinder {}) [rustc]", env!("CARGO_PKG_VERSION"))
}

/// The interpreter seen from inside: its state, its limits, its hooks, and what it was started with.
#[pymodule(name = "sys")]
pub(crate) mod sys {
    use super::*;
    use cinder_pyobj::intern;
    use cinder_pyobj::native::Args;
    use cinder_pyobj::types::str::{Name, as_utf8_lossy};
    use cinder_pyobj::types::{dict, exc, list, module, tuple};
    use std::sync::atomic::{AtomicI32, Ordering};

    use crate::host;
    use crate::objects::frame_obj;
    use crate::observe::legacy;
    use crate::thread::Thread;

    /// Raises SystemExit(status), which ends the program unless something catches it.
    ///
    /// The exit code of the process is the status if that is an int, and 0 for None; anything else is written to
    /// standard error, with exit code 1.
    #[pyfunction(sig = "(status=None, /)")]
    fn exit(cx: &Ctx, status: Option<&Obj>) -> PyResult {
        // A tuple holds the arguments of the exception.
        let one = status.map(std::slice::from_ref).unwrap_or(&[]);
        let args = status.and_then(tuple::items_if_tuple).unwrap_or(one);
        Err(cx.raise_args(exc::SystemExit(), args))
    }

    /// Type, value and traceback of the exception that is being handled, or three times None.
    #[pyfunction]
    fn exc_info(cx: &Ctx) -> Obj {
        match Thread::of(cx).handled() {
            Some(e) => {
                let tb = exc::traceback(&e).unwrap_or_else(Obj::none);
                tuple::new(vec![e.type_of().as_obj(), e, tb])
            }
            None => tuple::new(vec![Obj::none(), Obj::none(), Obj::none()]),
        }
    }

    /// The exception that is being handled, or None.
    #[pyfunction]
    fn exception(cx: &Ctx) -> Option<Obj> {
        Thread::of(cx).handled()
    }

    /// The frame of the running code, or the one depth calls further out.
    #[pyfunction(sig = "(depth=0, /)")]
    fn _getframe(cx: &Ctx, depth: i64) -> PyResult {
        let th = Thread::of(cx);
        let mut f = th.current.get();
        let mut n = depth.max(0);
        while !f.is_null() && n > 0 {
            // SAFETY: frames in the chain are alive.
            f = unsafe { (*f).prev };
            n -= 1;
        }
        if f.is_null() {
            return Err(cx.value_error("call stack is not deep enough"));
        }
        let frame = frame_obj::of(th, f);
        cx.audit("sys._getframe", || [frame.clone()])?;
        Ok(frame)
    }

    /// Return the name of the module for the calling frame.
    #[pyfunction(sig = "(depth=0)")]
    fn _getframemodulename(cx: &Ctx, depth: i64) -> PyResult {
        cx.audit("sys._getframemodulename", || [Obj::from(depth)])?;
        let th = Thread::of(cx);
        let mut f = th.current.get();
        let mut n = depth.max(0);
        while !f.is_null() && n > 0 {
            // SAFETY: frames in the chain are alive.
            f = unsafe { (*f).prev };
            n -= 1;
        }
        // SAFETY: as above.
        let Some(f) = (unsafe { f.as_ref() }) else { return Ok(Obj::none()) };
        let name = match (crate::frame::Frame::object(f.function), crate::frame::Frame::object(f.globals)) {
            (Some(function), _) => function.get_attr_opt(cx, intern!("__module__"))?,
            // The code of a module or class runs without a function.
            (None, Some(globals)) => dict::get(cx, &globals, intern!("__name__").as_obj())?,
            (None, None) => None,
        };
        Ok(name.unwrap_or_else(Obj::none))
    }

    /// Removes the descriptors __dict__ and __weakref__ from a class that is about to be replaced by a copy.
    #[pyfunction(sig = "(cls, /)")]
    fn _clear_type_descriptors(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        cinder_pyobj::types::clear_storage_descriptors(cx, cls)
    }

    /// Return a dict mapping each thread's identifier to its current frame.
    #[pyfunction]
    fn _current_frames(cx: &Ctx) -> PyResult {
        (cx.host().audit)(cx, "sys._current_frames", &[])?;
        let d = dict::new();
        for th in all_threads(cx) {
            if !th.current.get().is_null() {
                d.set_item(cx, &Obj::from(th.ident), &frame_obj::of(th, th.current.get()))?;
            }
        }
        Ok(d)
    }

    /// The exception that each thread handles now, or None, by thread identifier.
    #[pyfunction]
    fn _current_exceptions(cx: &Ctx) -> PyResult {
        (cx.host().audit)(cx, "sys._current_exceptions", &[])?;
        let d = dict::new();
        for th in all_threads(cx) {
            d.set_item(cx, &Obj::from(th.ident), &th.handled().unwrap_or_else(Obj::none))?;
        }
        Ok(d)
    }

    /// The threads that run Python code.
    fn all_threads(cx: &Ctx) -> Vec<&Thread> {
        let all = Thread::of(cx).runtime.threads.borrow();
        // SAFETY: a thread is on the list while it lives, and leaves it with the interpreter lock held.
        all.iter().map(|t| unsafe { &**t }).collect()
    }

    /// Runs the plain prompt.
    #[pyfunction]
    fn _baserepl(cx: &Ctx) -> PyResult<()> {
        crate::interactive_loop(cx)
    }

    /// How deep calls may nest before RecursionError.
    #[pyfunction]
    fn getrecursionlimit(cx: &Ctx) -> i64 {
        i64::from(Thread::of(cx).recursion_limit.get())
    }

    /// Sets how deep calls may nest before RecursionError.
    #[pyfunction(sig = "(limit, /)")]
    fn setrecursionlimit(cx: &Ctx, limit: i64) -> PyResult<()> {
        if limit < 1 {
            return Err(cx.value_error("recursion limit must be greater or equal than 1"));
        }
        let th = Thread::of(cx);
        let n = limit.min(i64::from(i32::MAX)) as u32;
        if th.depth.get() >= n {
            return Err(cx.raise(
                exc::RecursionError(),
                format!(
                    "cannot set the recursion limit to {n} at the recursion depth {}: the limit is too low",
                    th.depth.get()
                ),
            ));
        }
        th.recursion_limit.set(n);
        th.runtime.recursion_limit.set(n);
        Ok(())
    }

    /// The one copy of a text which all that are interned share, so that equal ones are identical.
    #[pyfunction(sig = "(string, /)")]
    fn intern(cx: &Ctx, string: &Obj) -> PyResult {
        if !string.is_exact(cinder_pyobj::native::FixedShape::Str) {
            return Err(cx.type_error(if string.type_of().is_str_subtype() {
                format!("can't intern {}", string.type_of().name())
            } else {
                format!("intern() argument must be str, not {}", string.type_of().name())
            }));
        }
        Ok(Name::intern_obj(string).obj())
    }

    /// Whether a text is the shared copy of its kind, see intern().
    #[pyfunction(sig = "(string, /)")]
    fn _is_interned(cx: &Ctx, string: &Obj) -> PyResult<bool> {
        if !string.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("_is_interned() argument must be str, not {}", string.type_of().name())));
        }
        Ok(string.downcast::<cinder_pyobj::types::str::Str>().is_some_and(|s| s.is_interned()))
    }

    /// Return True if the GIL is currently enabled.
    #[pyfunction]
    fn _is_gil_enabled() -> bool {
        true
    }

    /// The number of CPUs that was configured, -1 for none.
    #[pyfunction]
    fn _get_cpu_count_config(cx: &Ctx) -> i64 {
        Thread::of(cx).runtime.config.cpu_count.map_or(-1, i64::from)
    }

    /// How many references an object has, that of the call included; very large for immortal objects.
    #[pyfunction(sig = "(object, /)")]
    fn getrefcount(object: &Obj) -> u64 {
        u64::from(object.ref_count())
    }

    /// Return True if the object is immortal.
    #[pyfunction(sig = "(op, /)")]
    fn _is_immortal(op: &Obj) -> bool {
        op.is_immortal()
    }

    /// How many bytes an object takes itself, what it refers to not counted.
    ///
    /// The default is for objects that cannot say; without one they raise TypeError.
    #[pyfunction(sig = "(object, default=<unset>)")]
    fn getsizeof(cx: &Ctx, object: &Obj, default: Option<&Obj>) -> PyResult {
        match object.lookup_special(cx, intern!("__sizeof__"))? {
            Some(f) => {
                let size = f.call0(cx)?.index(cx)?;
                if int::is_negative(&size) {
                    return Err(cx.value_error("__sizeof__() should return >= 0"));
                }
                Ok(size)
            }
            None => match default {
                Some(d) => Ok(d.clone()),
                None => Err(cx.type_error(format!("Type {} doesn't define __sizeof__", object.type_of().name()))),
            },
        }
    }

    /// The encoding that str.encode() and bytes.decode() use by themselves, which is 'utf-8'.
    #[pyfunction]
    fn getdefaultencoding() -> &'static str {
        "utf-8"
    }

    /// The encoding of file names.
    #[pyfunction]
    fn getfilesystemencoding(cx: &Ctx) -> String {
        Thread::of(cx).runtime.config.encodings.filesystem.clone()
    }

    /// The error handler with which file names are encoded and decoded.
    #[pyfunction]
    fn getfilesystemencodeerrors(cx: &Ctx) -> String {
        Thread::of(cx).runtime.config.encodings.filesystem_errors.clone()
    }

    /// Sets after how many seconds a running thread lets others run.
    #[pyfunction(sig = "(interval, /)")]
    fn setswitchinterval(cx: &Ctx, interval: f64) -> PyResult<()> {
        if interval <= 0.0 {
            return Err(cx.value_error("switch interval must be strictly positive"));
        }
        crate::gil::set_interval(interval);
        Ok(())
    }

    /// After how many seconds a running thread lets others run.
    #[pyfunction]
    fn getswitchinterval() -> f64 {
        crate::gil::interval()
    }

    /// How many digits an int may have in a conversion from or to a decimal text; 0 is without limit.
    #[pyfunction]
    fn get_int_max_str_digits() -> i64 {
        cinder_pyobj::types::int::text::max_str_digits() as i64
    }

    /// Limits the digits of an int in conversions from and to a decimal text; 0 removes the limit.
    #[pyfunction(sig = "(maxdigits)")]
    fn set_int_max_str_digits(cx: &Ctx, maxdigits: i64) -> PyResult<()> {
        if maxdigits != 0 && maxdigits < 640 {
            return Err(cx.value_error("maxdigits must be 0 or larger than 640"));
        }
        if !cinder_pyobj::types::int::text::set_max_str_digits(maxdigits as usize) {
            return Err(cx.value_error("maxdigits must be 0 or larger than 640"));
        }
        Ok(())
    }

    /// Return whether the Python interpreter is shutting down.
    #[pyfunction]
    fn is_finalizing(cx: &Ctx) -> bool {
        Thread::of(cx).runtime.finalizing.get()
    }

    /// Has a function called with the name and arguments of every audit event from now on; it cannot be removed.
    #[pyfunction(sig = "(hook)")]
    fn addaudithook(cx: &Ctx, hook: &Obj) -> PyResult<()> {
        match (cx.host().audit)(cx, "sys.addaudithook", &[]) {
            Ok(()) => {
                Thread::of(cx).runtime.audit_hooks.borrow_mut().push(hook.clone());
                Ctx::begin_auditing();
                Ok(())
            }
            Err(r) => cx.swallow(r, exc::RuntimeError()),
        }
    }

    /// Calls the audit hooks with an event and its arguments.
    #[pyfunction(sig = "(event, /, *args)")]
    fn audit(cx: &Ctx, args: Args<'_>) -> PyResult<()> {
        let Some(event) = args.pos().first() else {
            return Err(cx.type_error("audit expected at least 1 argument, got 0"));
        };
        if !event.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("expected str for argument 'event', not {}", event.type_of().name())));
        }
        (cx.host().audit)(cx, &as_utf8_lossy(event), &args.pos()[1..])
    }

    /// Shows the value of an expression at the prompt, unless it is None, and keeps it as builtins._.
    #[pyfunction(sig = "(object, /)")]
    fn displayhook(cx: &Ctx, object: &Obj) -> PyResult<()> {
        if object.is_none() {
            return Ok(());
        }
        let b = Thread::of(cx).runtime.builtins.get().ok_or_else(|| cx.runtime_error("lost builtins module"))?;
        dict::set(cx, &b, intern!("_").as_obj(), &Obj::none())?;
        let Some(out) = host::sys_attr(cx, "stdout")?.and_then(Obj::non_none) else {
            return Err(cx.runtime_error("lost sys.stdout"));
        };
        let text = object.repr(cx)?;
        if let Err(r) = out.call_method(cx, intern!("write"), std::slice::from_ref(&text)) {
            if !cx.pending_is(exc::UnicodeEncodeError()) {
                return Err(r);
            }
            drop(cx.take(r));
            let enc = out.get_attr(cx, intern!("encoding"))?;
            let bytes = text.call_method(cx, intern!("encode"), &[enc.clone(), Obj::from("backslashreplace")])?;
            let shown = bytes.call_method(cx, intern!("decode"), &[enc, Obj::from("strict")])?;
            out.call_method(cx, intern!("write"), &[shown])?;
        }
        out.call_method(cx, intern!("write"), &[Obj::from("\n")])?;
        dict::set(cx, &b, intern!("_").as_obj(), object)
    }

    /// Writes an exception that nobody caught and its traceback to standard error.
    #[pyfunction(sig = "(exctype, value, traceback, /)")]
    fn excepthook(cx: &Ctx, exctype: &Obj, value: &Obj, traceback: &Obj) -> PyResult<()> {
        let Some(err) = host::sys_attr(cx, "stderr")? else {
            crate::finish::write_stderr(cx, "lost sys.stderr\n");
            return Ok(());
        };
        if err.is_none() {
            return Ok(());
        }
        host::print_exception(cx, exctype, value, traceback, &err)
    }

    /// Reports an exception which cannot be raised where it occurred, for instance in __del__.
    #[pyfunction(sig = "(unraisable, /)")]
    fn unraisablehook(cx: &Ctx, unraisable: &Obj) -> PyResult<()> {
        host::default_unraisable(cx, unraisable)
    }

    /// What breakpoint() calls; the variable PYTHONBREAKPOINT may name another function than that of pdb.
    #[pyfunction(sig = "(*args, **kwargs)")]
    fn breakpointhook(cx: &Ctx, args: Args<'_>) -> PyResult {
        let os = (cx.host().import)(cx, "os")?;
        let env = os.get_attr(cx, intern!("environ"))?;
        let which = env.call_method(cx, intern!("get"), &[Obj::from("PYTHONBREAKPOINT"), Obj::from("")])?;
        let text = as_utf8_lossy(&which).into_owned();
        let path = match &*text {
            "0" => return Ok(Obj::none()),
            "" => "pdb.set_trace".to_string(),
            t => t.to_string(),
        };
        let (m, f) = path.rsplit_once('.').unwrap_or(("builtins", &path));
        let found = (cx.host().import)(cx, m).and_then(|m| m.get_attr(cx, Name::new(f)));
        match found {
            Ok(f) => f.call(cx, args),
            Err(r) => {
                drop(cx.take(r));
                (cx.host().warn)(
                    cx,
                    exc::RuntimeWarning(),
                    &format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{path}\""),
                    1,
                )?;
                Ok(Obj::none())
            }
        }
    }

    /// Set a tracing function.
    #[pyfunction(sig = "(function, /)")]
    fn settrace(cx: &Ctx, function: &Obj) -> PyResult<()> {
        (cx.host().audit)(cx, "sys.settrace", &[])?;
        legacy::set_trace(Thread::of(cx), function.clone().non_none());
        Ok(())
    }

    /// Like settrace(), but for all threads at once.
    #[pyfunction(sig = "(arg, /)")]
    fn _settraceallthreads(cx: &Ctx, arg: &Obj) -> PyResult<()> {
        (cx.host().audit)(cx, "sys.settrace", &[])?;
        let mut threads = Vec::new();
        Thread::of(cx).runtime.each_thread(|th| threads.push(std::ptr::from_ref(th)));
        for th in threads {
            // SAFETY: threads are alive while the interpreter lock is held.
            legacy::set_trace(unsafe { &*th }, arg.clone().non_none());
        }
        Ok(())
    }

    /// Like setprofile(), but for all threads at once.
    #[pyfunction(sig = "(arg, /)")]
    fn _setprofileallthreads(cx: &Ctx, arg: &Obj) -> PyResult<()> {
        (cx.host().audit)(cx, "sys.setprofile", &[])?;
        let mut threads = Vec::new();
        Thread::of(cx).runtime.each_thread(|th| threads.push(std::ptr::from_ref(th)));
        for th in threads {
            // SAFETY: as above.
            legacy::set_profile(unsafe { &*th }, arg.clone().non_none());
        }
        Ok(())
    }

    /// Calls func with the arguments and traces it even while a trace function runs.
    #[pyfunction(sig = "(func, args, /)")]
    fn call_tracing(cx: &Ctx, func: &Obj, args: &Obj) -> PyResult {
        let Some(items) = tuple::items_if_tuple(args) else {
            return Err(
                cx.type_error(format!("call_tracing() argument 2 must be tuple, not {}", args.type_of().name()))
            );
        };
        let th = Thread::of(cx);
        let before = th.tracing.replace(0);
        let r = func.call_pos(cx, items);
        th.tracing.set(before);
        r
    }

    /// The function that settrace() installed, or None.
    #[pyfunction]
    fn gettrace(cx: &Ctx) -> Option<Obj> {
        Thread::of(cx).trace_fn.get()
    }

    /// Has a function called at each call and return in this thread; None ends that.
    #[pyfunction(sig = "(function, /)")]
    fn setprofile(cx: &Ctx, function: &Obj) -> PyResult<()> {
        (cx.host().audit)(cx, "sys.setprofile", &[])?;
        legacy::set_profile(Thread::of(cx), function.clone().non_none());
        Ok(())
    }

    /// The function that setprofile() installed, or None.
    #[pyfunction]
    fn getprofile(cx: &Ctx) -> Option<Obj> {
        Thread::of(cx).profile_fn.get()
    }

    /// Set hooks for async generators.
    #[pyfunction(sig = "(firstiter=<unchanged>, finalizer=<unchanged>)")]
    fn set_asyncgen_hooks(cx: &Ctx, firstiter: Option<&Obj>, finalizer: Option<&Obj>) -> PyResult<()> {
        let th = Thread::of(cx);
        for (name, v, cell) in
            [("finalizer", finalizer, &th.asyncgen_finalizer), ("firstiter", firstiter, &th.asyncgen_firstiter)]
        {
            if let Some(v) = v {
                if !v.is_none() && !v.is_callable() {
                    return Err(cx.type_error(format!("callable {name} expected, got {}", v.type_of().name())));
                }
                cell.set(v.clone().non_none());
            }
        }
        Ok(())
    }

    /// The hooks of asynchronous generators, a named tuple of firstiter and finalizer.
    #[pyfunction]
    fn get_asyncgen_hooks(cx: &Ctx) -> Obj {
        let th = Thread::of(cx);
        let get = |c: &cinder_pyobj::value::ObjCell| c.get().unwrap_or_else(Obj::none);
        ASYNCGEN_HOOKS.make(vec![get(&th.asyncgen_firstiter), get(&th.asyncgen_finalizer)])
    }

    /// How many frames a coroutine remembers of where it was made.
    #[pyfunction]
    fn get_coroutine_origin_tracking_depth(cx: &Ctx) -> u32 {
        Thread::of(cx).coroutine_origin_depth.get()
    }

    /// Has coroutines of this thread remember that many frames of where they were made; 0 for none.
    #[pyfunction(sig = "(depth)")]
    fn set_coroutine_origin_tracking_depth(cx: &Ctx, depth: i64) -> PyResult<()> {
        if depth < 0 {
            return Err(cx.value_error("depth must be >= 0"));
        }
        Thread::of(cx).coroutine_origin_depth.set(u32::try_from(depth).unwrap_or(u32::MAX));
        Ok(())
    }

    /// How many cells of the heap are in use.
    #[pyfunction]
    fn getallocatedblocks() -> i64 {
        cinder_pyobj::heap::Stats::now().page_bytes as i64 / 64
    }

    /// Clear the internal caches.
    #[pyfunction]
    fn _clear_internal_caches() {}

    /// Forgets which attributes classes were found to have.
    #[pyfunction]
    fn _clear_type_cache() {}

    /// Would have another process run the Python program in a file: no process of Cinder listens for that.
    #[pyfunction(sig = "(pid, script)")]
    fn remote_exec(cx: &Ctx, pid: i64, script: &Obj) -> PyResult<()> {
        let os = (cx.host().import)(cx, "os")?;
        let path = os.call_method(cx, intern!("fspath"), std::slice::from_ref(script))?;
        cx.audit("sys.remote_exec", || [Obj::from(pid), path])?;
        Err(cx.runtime_error("Remote debugging is not supported by Cinder"))
    }

    /// The flags for loading shared objects, which nothing loads.
    #[pyfunction]
    fn getdlopenflags() -> i32 {
        DLOPEN_FLAGS.load(Ordering::Relaxed)
    }

    /// Set the flags for loading shared objects.
    #[pyfunction(sig = "(flags, /)")]
    fn setdlopenflags(flags: i32) {
        DLOPEN_FLAGS.store(flags, Ordering::Relaxed);
    }

    static DLOPEN_FLAGS: AtomicI32 = AtomicI32::new(libc::RTLD_NOW);

    /// Whether a trampoline of a profiler is on: Cinder has none.
    #[pyfunction]
    fn is_stack_trampoline_active() -> bool {
        false
    }

    /// Would turn the trampoline of a profiler on.
    #[pyfunction(sig = "(backend, /)")]
    fn activate_stack_trampoline(cx: &Ctx, backend: &str) -> PyResult<()> {
        Err(cx.value_error(match backend {
            "perf" | "perf_jit" => "perf trampoline not available".to_owned(),
            other => format!("invalid backend: {other}"),
        }))
    }

    /// Turns the trampoline of a profiler off.
    #[pyfunction]
    fn deactivate_stack_trampoline() {}

    /// Whether other processes may debug this one.
    #[pyfunction]
    fn is_remote_debug_enabled() -> bool {
        false
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(d) = module::namespace(module) else { return Ok(()) };
        super::fill(cx, &d)?;
        let jit = module::from_def(cx, &crate::modules::sys_jit::jit::MODULE)?;
        dict::set(cx, &d, intern!("_jit").as_obj(), &jit)
    }

    const _: fn(Vec<Obj>) -> Obj = list::new;
}

fn fill(cx: &Ctx, d: &Obj) -> PyResult<()> {
    use cinder_pyobj::types::str::Name;
    use cinder_pyobj::types::{dict, list, set, tuple};
    let rt = crate::thread::Thread::of(cx).runtime;
    let c = &rt.config;
    let put = |n: &str, v: Obj| dict::set(cx, d, Name::new(n).as_obj(), &v);
    let os = |t: &std::ffi::OsStr| crate::os_str(cx, t);
    let strs = |v: &[std::ffi::OsString]| list::new(v.iter().map(|t| os(t)).collect());
    let s = |t: &str| Obj::from(t);
    let (major, minor, micro) = VERSION;
    let version_info = || {
        VERSION_INFO.make(vec![
            Obj::from(major),
            Obj::from(minor),
            Obj::from(micro),
            Obj::from("final"),
            Obj::from(0i64),
        ])
    };
    let hex = (major << 24) | (minor << 16) | (micro << 8) | 0xf0;
    put("version", s(&version_text()))?;
    put("version_info", version_info())?;
    put("hexversion", Obj::from(hex))?;
    put("api_version", Obj::from(1013i64))?;
    put(
        "copyright",
        s("Copyright (c) the Cinder authors.\n\nThe standard library: Copyright (c) Python Software Foundation."),
    )?;
    put("platform", s("linux"))?;
    put("byteorder", s("little"))?;
    put("maxsize", Obj::from(i64::MAX))?;
    put("maxunicode", Obj::from(0x10ffffi64))?;
    put("abiflags", s(""))?;
    put("platlibdir", os(&c.platlibdir))?;
    put("pycache_prefix", c.pycache_prefix.as_deref().map_or_else(Obj::none, os))?;
    put("float_repr_style", s("short"))?;
    put("_framework", s(""))?;
    put("_git", tuple::new(vec![s("cinder"), s(""), s("")]))?;
    put("argv", strs(&c.argv))?;
    put("orig_argv", strs(&c.orig_argv))?;
    put("executable", os(&c.executable))?;
    put("_base_executable", os(&c.base_executable))?;
    for n in ["prefix", "exec_prefix"] {
        put(n, os(&c.prefix))?;
    }
    for n in ["base_prefix", "base_exec_prefix"] {
        put(n, os(&c.base_prefix))?;
    }
    put("_stdlib_dir", c.stdlib_dir.map_or_else(Obj::none, Obj::from))?;
    let mut path = c.path.clone();
    path.extend(c.stdlib_dir.map(Into::into));
    put("path", strs(&path))?;
    put("path_hooks", list::new(Vec::new()))?;
    put("path_importer_cache", dict::new())?;
    put("meta_path", list::new(Vec::new()))?;
    put("warnoptions", strs(&c.warnoptions))?;
    let x = dict::new();
    for (k, v) in &c.xoptions {
        let v = v.as_deref().map_or_else(|| Obj::from_bool(true), os);
        x.set_item(cx, &os(k), &v)?;
    }
    put("_xoptions", x)?;
    put("dont_write_bytecode", Obj::from_bool(c.flags.dont_write_bytecode))?;
    put("modules", rt.modules(cx)?)?;
    put("monitoring", cinder_pyobj::types::module::from_def(cx, &crate::modules::monitoring::module::MODULE)?)?;
    let f = &c.flags;
    let n = |v: u8| Obj::from(i64::from(v));
    let b = |v: bool| Obj::from(i64::from(v));
    put(
        "flags",
        FLAGS.make(vec![
            n(f.debug),
            n(f.inspect),
            n(f.interactive),
            n(f.optimize),
            b(f.dont_write_bytecode),
            b(f.no_user_site),
            b(f.no_site),
            b(f.ignore_environment),
            n(f.verbose),
            n(f.bytes_warning),
            b(f.quiet),
            b(f.hash_seed != crate::HashSeed::Fixed(0)),
            b(f.isolated),
            Obj::from_bool(f.dev_mode),
            b(f.utf8_mode),
            b(f.warn_default_encoding),
            Obj::from_bool(f.safe_path),
            Obj::from(f.int_max_str_digits),
            b(true),
            b(f.thread_inherit_context),
            b(f.context_aware_warnings),
        ]),
    )?;
    put(
        "float_info",
        FLOAT_INFO.make(vec![
            Obj::from(f64::MAX),
            Obj::from(1024i64),
            Obj::from(308i64),
            Obj::from(f64::MIN_POSITIVE),
            Obj::from(-1021i64),
            Obj::from(-307i64),
            Obj::from(15i64),
            Obj::from(53i64),
            Obj::from(f64::EPSILON),
            Obj::from(2i64),
            Obj::from(1i64),
        ]),
    )?;
    put("int_info", INT_INFO.make(vec![Obj::from(64i64), Obj::from(8i64), Obj::from(4300i64), Obj::from(640i64)]))?;
    put(
        "hash_info",
        HASH_INFO.make(vec![
            Obj::from(64i64),
            Obj::from((1i64 << 61) - 1),
            Obj::from(314_159i64),
            Obj::from(0i64),
            Obj::from(1_000_003i64),
            s("siphash13"),
            Obj::from(64i64),
            Obj::from(128i64),
            Obj::from(0i64),
        ]),
    )?;
    put("thread_info", THREAD_INFO.make(vec![s("pthread"), s("semaphore"), Obj::none()]))?;
    let mut names: Vec<&str> = crate::modules::OWN.iter().chain(c.natives).map(|m| m.name).collect();
    names.extend(["sys", "builtins"]);
    names.sort_unstable();
    names.dedup();
    put("builtin_module_names", tuple::new(names.iter().map(|n| s(n)).collect()))?;
    put(
        "stdlib_module_names",
        set::frozen_from_iterable(cx, &list::new(c.stdlib_names.iter().map(|n| s(n)).collect()))?,
    )?;
    {
        let imp = crate::objects::namespace::new();
        for (k, v) in [
            ("name", s("cinder")),
            ("cache_tag", s("cinder-314")),
            ("version", version_info()),
            ("hexversion", Obj::from(hex)),
            ("_multiarch", s(c.multiarch)),
            ("supports_isolated_interpreters", Obj::from_bool(false)),
        ] {
            imp.set_attr(cx, Name::new(k), &v)?;
        }
        put("implementation", imp)?;
    }
    for n in ["displayhook", "excepthook", "unraisablehook", "breakpointhook"] {
        if let Some(v) = dict::get(cx, d, Name::new(n).as_obj())? {
            put(&format!("__{n}__"), v)?;
        }
    }
    Ok(())
}
