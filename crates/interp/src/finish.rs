//! The end of a program: uncaught exceptions, exit codes, and taking the interpreter down.

use cinder_pyobj::heap::gc;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::weakref::WeakRef;
use cinder_pyobj::types::{dict, exc, list, module};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use crate::objects::code::CodeObject;
use crate::thread::Thread;
use crate::{gil, host, signals};

/// The exit code of a command that ended by KeyboardInterrupt; it then dies by the signal.
pub const INTERRUPTED: i32 = 130;

/// Prints the pending exception by `sys.excepthook`; SystemExit is not printed but gives its exit code.
pub fn report(cx: &Ctx, r: Raised) -> i32 {
    if cx.pending_is(exc::SystemExit()) {
        let e = cx.take(r);
        return system_exit(cx, &e);
    }
    let interrupted = cx.pending_is(exc::KeyboardInterrupt());
    match show(cx, r) {
        Some(code) => code,
        None if interrupted => INTERRUPTED,
        None => 1,
    }
}

/// Prints the pending exception by `sys.excepthook` and keeps it as `sys.last_exc`. The exit code if the hook
/// itself raised SystemExit.
pub fn show(cx: &Ctx, r: Raised) -> Option<i32> {
    let e = cx.take(r);
    let ty = e.type_of().as_obj();
    let tb = exc::traceback(&e).unwrap_or_else(Obj::none);
    if let Some(sys) = Thread::of(cx).runtime.sys.get().as_ref().and_then(module::namespace) {
        for (name, v) in [("last_exc", &e), ("last_type", &ty), ("last_value", &e), ("last_traceback", &tb)] {
            if let Err(r) = dict::set(cx, &sys, Name::new(name).as_obj(), v) {
                drop(cx.take(r));
            }
        }
    }
    let hook = match host::sys_attr(cx, "excepthook") {
        Ok(h) => h,
        Err(r) => {
            drop(cx.take(r));
            None
        }
    };
    let audit_args = [hook.clone().unwrap_or_else(Obj::none), ty.clone(), e.clone(), tb.clone()];
    if let Err(r) = (cx.host().audit)(cx, "sys.excepthook", &audit_args) {
        if cx.pending_is(exc::RuntimeError()) {
            drop(cx.take(r));
            return None;
        }
        (cx.host().unraisable)(cx, None, None);
    }
    let Some(hook) = hook else {
        write_stderr(cx, "sys.excepthook is missing\n");
        print_by_default(cx, &e);
        return None;
    };
    if let Err(r) = hook.call_pos(cx, &[ty, e.clone(), tb]) {
        let second = cx.take(r);
        if second.type_of().is_subtype(exc::SystemExit()) {
            return Some(system_exit(cx, &second));
        }
        write_stderr(cx, "Error in sys.excepthook:\n");
        print_by_default(cx, &second);
        write_stderr(cx, "\nOriginal exception was:\n");
        print_by_default(cx, &e);
    }
    None
}

fn print_by_default(cx: &Ctx, e: &Obj) {
    let Ok(Some(err)) = host::sys_attr(cx, "stderr") else { return };
    if err.is_none() {
        return;
    }
    let tb = exc::traceback(e).unwrap_or_else(Obj::none);
    if let Err(r) = host::print_exception(cx, &e.type_of().as_obj(), e, &tb, &err) {
        drop(cx.take(r));
    }
    if let Err(r) = err.call_method(cx, intern!("flush"), &[]) {
        drop(cx.take(r));
    }
}

/// Writes to `sys.stderr`, or to the descriptor if that is gone.
pub(crate) fn write_stderr(cx: &Ctx, text: &str) {
    use std::io::Write;
    let file = match host::sys_attr(cx, "stderr") {
        Ok(f) => f.and_then(Obj::non_none),
        Err(r) => {
            drop(cx.take(r));
            None
        }
    };
    let written = file.is_some_and(|f| {
        f.call_method(cx, intern!("write"), &[Obj::from(text)])
            .and_then(|_| f.call_method(cx, intern!("flush"), &[]))
            .is_ok()
    });
    if !written {
        drop(cx.take_pending());
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The exit code that a SystemExit asks for; a code that is no int is printed.
fn system_exit(cx: &Ctx, e: &Obj) -> i32 {
    crate::program::flush_streams(cx);
    let code = match e.get_attr(cx, intern!("code")) {
        Ok(c) => c.non_none(),
        Err(r) => {
            // An exception that cannot tell its code is printed itself.
            drop(cx.take(r));
            Some(e.clone())
        }
    };
    let Some(c) = code else { return 0 };
    if c.type_of().is_int_subtype() {
        return cinder_pyobj::types::int::as_i64(&c).map_or(-1, |n| n as i32);
    }
    let text = match c.str(cx) {
        Ok(s) => s,
        Err(r) => {
            drop(cx.take(r));
            Obj::from("")
        }
    };
    match host::sys_attr(cx, "stderr").ok().flatten().and_then(Obj::non_none) {
        Some(f) => {
            for part in [text, Obj::from("\n")] {
                if let Err(r) = f.call_method(cx, intern!("write"), &[part]) {
                    drop(cx.take(r));
                }
            }
        }
        None => write_stderr(cx, &format!("{}\n", as_utf8_lossy(&text))),
    }
    1
}

/// Ends a program: waits for threads, runs exit functions, takes the modules down and flushes the streams.
/// Returns the exit code: 120 if flushing standard output failed.
pub fn shut_down(cx: &Ctx, code: i32) -> i32 {
    let rt = Thread::of(cx).runtime;
    call_of_loaded(cx, "threading", intern!("_shutdown"));
    run_exit_functions(cx);
    gil::begin_finalizing(cx);
    rt.finalizing.set(true);
    signals::stop(cx);
    let mut flushed = flush(cx, ["stdout", "stderr"]);
    if needs_teardown(cx) {
        tear_down_modules(cx);
        flushed &= flush(cx, ["stdout", "stderr"]);
    } else {
        // The streams of a program may have written to those of the start.
        flushed &= flush(cx, ["__stdout__", "__stderr__"]);
    }
    if flushed { code } else { 120 }
}

/// Calls the functions that were registered with `atexit`, even if the program dropped the module.
fn run_exit_functions(cx: &Ctx) {
    let run = crate::import::create_native(cx, "atexit").and_then(|m| match m {
        Some(m) => m.call_method(cx, intern!("_run_exitfuncs"), &[]).map(drop),
        None => Ok(()),
    });
    if run.is_err() {
        (cx.host().unraisable)(cx, Some("Exception ignored on atexit shutdown"), None);
    }
}

/// Calls a function of a module if the program loaded that; what it raises is reported.
fn call_of_loaded(cx: &Ctx, name: &str, function: Name) {
    let modules = Thread::of(cx).runtime.modules.get();
    let found = modules.and_then(|m| dict::get(cx, &m, &Obj::from(name)).ok().flatten());
    let Some(m) = found.filter(|m| !m.is_none()) else {
        drop(cx.take_pending());
        return;
    };
    if m.call_method(cx, function, &[]).is_err() {
        (cx.host().unraisable)(cx, Some(&format!("Exception ignored on {name} shutdown")), None);
    }
}

/// Flushes the standard streams; false if that lost output.
fn flush(cx: &Ctx, names: [&str; 2]) -> bool {
    let mut fine = true;
    for name in names {
        let f = match host::sys_attr(cx, name) {
            Ok(f) => f.and_then(Obj::non_none),
            Err(r) => {
                drop(cx.take(r));
                None
            }
        };
        let Some(f) = f else { continue };
        let closed = f.get_attr_opt(cx, intern!("closed")).and_then(|c| match c {
            Some(c) => c.truthy(cx),
            None => Ok(false),
        });
        match closed {
            Ok(true) => continue,
            Ok(false) => {}
            Err(r) => drop(cx.take(r)),
        }
        if let Err(r) = f.call_method(cx, intern!("flush"), &[]) {
            if name.trim_matches('_') == "stdout" {
                (cx.host().unraisable)(cx, Some("Exception ignored while flushing sys.stdout"), None);
            } else {
                drop(cx.take(r));
            }
            fine = false;
        }
    }
    fine
}

/// Whether anything alive could notice that the modules go. Where nothing has a finaliser, nothing can, and the
/// process may end at once: the system takes the memory back.
fn needs_teardown(cx: &Ctx) -> bool {
    // The standard streams are flushed by themselves.
    let mut streams = Vec::new();
    for name in ["__stdin__", "__stdout__", "__stderr__"] {
        let mut layer = host::sys_attr(cx, name).ok().flatten();
        for inner in [intern!("buffer"), intern!("raw"), intern!("raw")] {
            let Some(l) = layer.and_then(Obj::non_none) else { break };
            layer = l.get_attr_opt(cx, inner).ok().flatten();
            streams.push(l);
        }
    }
    drop(cx.take_pending());
    // Programs may watch collections themselves.
    if list::as_list(&gc::callbacks()).is_some_and(|l| l.len() > 0) {
        return true;
    }
    gc::has_witnesses(|o| {
        if let Some(callback) = cinder_pyobj::types::weakref::callback(o) {
            return is_library_code(cx, &callback);
        }
        streams.iter().any(|s| s.is(o))
    })
}

/// Whether a function is one of the packed library, whose callbacks only keep its own tables in order.
fn is_library_code(cx: &Ctx, f: &Obj) -> bool {
    let prefix = Thread::of(cx).runtime.config.stdlib_dir;
    match (f.downcast::<crate::objects::function::Function>(), prefix) {
        (Some(f), Some(prefix)) => f
            .code_ref()
            .is_some_and(|c| c.downcast::<CodeObject>().is_some_and(|c| c.code.filename.starts_with(prefix))),
        _ => false,
    }
}

/// Takes the modules down in CPython's order: special names of `sys`, then the modules that nobody else holds,
/// then the contents of those that are left, `sys` and `builtins` last.
fn tear_down_modules(cx: &Ctx) {
    let rt = Thread::of(cx).runtime;
    let none = Obj::none();
    let quiet = |r: PyResult<()>| {
        if let Err(r) = r {
            drop(cx.take(r));
        }
    };
    let sys = rt.sys.get().as_ref().and_then(module::namespace);
    let builtins = rt.builtins.get();
    if let Some(b) = &builtins {
        quiet(dict::set(cx, b, intern!("_").as_obj(), &none));
    }
    if let Some(s) = &sys {
        for name in [
            "path",
            "argv",
            "ps1",
            "ps2",
            "last_exc",
            "last_type",
            "last_value",
            "last_traceback",
            "path_importer_cache",
            "meta_path",
            "path_hooks",
        ] {
            quiet(dict::set(cx, s, Name::new(name).as_obj(), &none));
        }
        for name in ["stdin", "stdout", "stderr"] {
            let original = dict::get(cx, s, Name::new(&format!("__{name}__")).as_obj()).ok().flatten();
            quiet(dict::set(cx, s, Name::new(name).as_obj(), &original.unwrap_or_else(Obj::none)));
        }
    }
    let mut left: Vec<Obj> = Vec::new();
    if let Some(modules) = rt.modules.get() {
        let all = dict::items_if_dict(&modules).unwrap_or_default();
        for (name, m) in all {
            if m.type_of().is_subtype(cinder_pyobj::native::class_type::<module::Module>()) {
                match cinder_pyobj::types::weakref::new_ref(cx, &m, None) {
                    Ok(w) => left.push(w),
                    Err(r) => drop(cx.take(r)),
                }
            }
            quiet(modules.set_item(cx, &name, &none));
        }
        if let Some(d) = dict::as_dict(&modules) {
            d.clear_all();
        }
    }
    rt.importlib.set(None);
    gc::collect(cx, 2);
    let own = [rt.sys.get(), rt.builtins_module.get()];
    for w in left.iter().rev() {
        let Some(m) = w.downcast::<WeakRef>().and_then(WeakRef::get) else { continue };
        if own.iter().flatten().any(|o| o.is(&m)) {
            continue;
        }
        if let Some(ns) = module::namespace(&m) {
            clear_namespace(cx, &ns);
        }
    }
    drop(left);
    gc::collect(cx, 2);
    rt.audit_hooks.borrow_mut().clear();
}

/// Sets the names of a module to None: first those with one leading underscore, then the others but
/// `__builtins__`.
fn clear_namespace(cx: &Ctx, ns: &Obj) {
    let none = Obj::none();
    for underscored in [true, false] {
        for (k, v) in dict::items_if_dict(ns).unwrap_or_default() {
            if v.is_none() || !k.type_of().is_str_subtype() {
                continue;
            }
            let name = as_utf8_lossy(&k);
            let first = name.starts_with('_') && !name.starts_with("__");
            if first == underscored && name != "__builtins__" {
                drop(v);
                if let Err(r) = dict::set(cx, ns, &k, &none) {
                    drop(cx.take(r));
                }
            }
        }
    }
}
