//! The Cinder interpreter: frames, the dispatch loop, calls, generators, import, builtins and the embedding API.
//!
//! ```no_run
//! use cinder_interp::{Config, Interpreter};
//!
//! let py = Interpreter::new(Config::default())?;
//! py.enter(|cx| cinder_interp::run_string(cx, "print(6 * 7)", "<embedded>").map(drop).map_err(|_| ()));
//! # Ok::<(), cinder_interp::StartError>(())
//! ```
//!
//! One process has one interpreter lock; an [`Interpreter`] takes it in [`Interpreter::enter`].

mod call;
mod collect;
mod compile;
pub mod context_hook;
mod dispatch;
mod frame;
mod gil;
mod host;
mod import;
mod machine;
pub mod modules;
pub mod objects;
mod ops;
mod runtime;
pub mod signals;
mod streams;
mod suggest;
mod thread;
mod unwind;
mod util;

use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc, module};
use cinder_pyobj::{Ctx, Obj, PyResult};
use cinder_syntax::Mode;

pub use runtime::{Config, Flags, PackedModule, Runtime};
use thread::Thread;

/// Why an interpreter could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the interpreter could not be started: {message}")]
pub struct StartError {
    message: String,
}

/// An interpreter, owned by the thread that made it (its main thread).
pub struct Interpreter {
    thread: Box<Thread>,
}

/// Native stack that Python code on the calling thread may use, in bytes.
const STACK: usize = 6 << 20;

/// A text from the operating system: bytes that are no UTF-8 become lone surrogates.
pub(crate) fn os_str(s: &str) -> Obj {
    Obj::from(s)
}

impl Interpreter {
    /// Starts an interpreter on the calling thread.
    ///
    /// # Errors
    /// If the packed library is missing or broken.
    pub fn new(config: Config) -> Result<Interpreter, StartError> {
        Interpreter::with_stack(config, STACK)
    }

    /// As [`Interpreter::new`], for a thread with `stack` bytes of native stack to use.
    ///
    /// # Errors
    /// As [`Interpreter::new`].
    pub fn with_stack(config: Config, stack: usize) -> Result<Interpreter, StartError> {
        gil::set_main();
        let runtime = Runtime::new(config);
        let thread = Thread::new(runtime, Ctx::new(&host::HOST, stack), gil::own_ident());
        gil::take(&thread.cx);
        signals::set_main_context(&thread.cx);
        cinder_pyobj::types::init();
        let py = Interpreter { thread };
        let r = py.boot();
        let message = match r {
            Ok(()) => None,
            Err(r) => Some(describe(&py.thread.cx, r)),
        };
        gil::give(&py.thread.cx);
        match message {
            None => Ok(py),
            Some(message) => Err(StartError { message }),
        }
    }

    fn boot(&self) -> PyResult<()> {
        let cx = &self.thread.cx;
        let rt = self.thread.runtime;
        let modules = dict::new();
        rt.modules.set(Some(modules.clone()));
        let b = module::new(cx, "builtins")?;
        rt.builtins_module.set(Some(b.clone()));
        let ns = module::namespace(&b).ok_or_else(|| cx.system_error("module without namespace"))?;
        rt.builtins.set(Some(ns.clone()));
        module::fill_from_def(cx, &b, &modules::builtins::builtins::MODULE)?;
        rt.import_func.set(dict::get(cx, &ns, Name::new("__import__").as_obj())?);
        modules.set_item(cx, &Obj::from("builtins"), &b)?;
        let s = module::from_def(cx, &modules::sys::sys::MODULE)?;
        rt.sys.set(Some(s.clone()));
        modules.set_item(cx, &Obj::from("sys"), &s)?;
        import::boot(cx)?;
        cinder_pyobj::heap::gc::install();
        Ok(())
    }

    /// Runs `f` with the interpreter lock held.
    pub fn enter<R>(&self, f: impl FnOnce(&Ctx) -> R) -> R {
        gil::take(&self.thread.cx);
        let r = f(&self.thread.cx);
        gil::give(&self.thread.cx);
        r
    }
}

/// The text of the pending exception, for diagnostics of the embedder.
pub fn describe(cx: &Ctx, r: cinder_pyobj::Raised) -> String {
    let e = cx.take(r);
    let name = e.type_of().name().to_string();
    let text = match e.str(cx) {
        Ok(s) => cinder_pyobj::types::str::as_utf8_lossy(&s).into_owned(),
        Err(r) => {
            drop(cx.take(r));
            String::new()
        }
    };
    let mut out = format!("{name}: {text}");
    let mut tb = exc::traceback(&e);
    while let Some(t) = tb {
        let line = t.get_attr(cx, Name::new("tb_lineno")).ok().and_then(|l| l.as_int()).unwrap_or(0);
        let code =
            t.get_attr(cx, Name::new("tb_frame")).and_then(|f| f.get_attr(cx, Name::new("f_code"))).and_then(|c| {
                c.get_attr(cx, Name::new("co_qualname")).and_then(|q| {
                    let f = c.get_attr(cx, Name::new("co_filename"))?;
                    Ok((q, f))
                })
            });
        if let Ok((q, f)) = code {
            use cinder_pyobj::types::str::as_utf8_lossy as text;
            out.push_str(&format!("\n  in {} ({}:{line})", text(&q), text(&f)));
        }
        tb = t.get_attr(cx, Name::new("tb_next")).ok().and_then(Obj::non_none);
    }
    out
}

/// The namespace of `__main__`, made if need be.
pub fn main_namespace(cx: &Ctx) -> PyResult {
    let rt = Thread::of(cx).runtime;
    let modules = rt.modules(cx)?;
    let key = Obj::from("__main__");
    let m = match dict::get(cx, &modules, &key)? {
        Some(m) => m,
        None => {
            let m = module::new(cx, "__main__")?;
            modules.set_item(cx, &key, &m)?;
            m
        }
    };
    let ns = module::namespace(&m).ok_or_else(|| cx.system_error("module without namespace"))?;
    let b = Name::new("__builtins__");
    if dict::get(cx, &ns, b.as_obj())?.is_none() {
        let builtins = rt.builtins_module.get().unwrap_or_else(Obj::none);
        dict::set(cx, &ns, b.as_obj(), &builtins)?;
    }
    Ok(ns)
}

/// Runs a source text in the namespace of `__main__`.
pub fn run_string(cx: &Ctx, source: &str, filename: &str) -> PyResult {
    let ns = main_namespace(cx)?;
    let s = compile::Settings::new(cx, filename, Mode::Exec);
    let code = compile::compile_text(cx, source, &s)?;
    call::run_code(cx, &code, &ns, Some(&ns), None)
}

/// Runs source bytes (decoded by their coding cookie) in the namespace of `__main__`.
pub fn run_bytes(cx: &Ctx, source: &[u8], filename: &str) -> PyResult {
    let ns = main_namespace(cx)?;
    let s = compile::Settings::new(cx, filename, Mode::Exec);
    let text = compile::source_text(cx, &cinder_pyobj::types::bytes::new(source), "compile", &s.filename)?;
    let code = compile::compile_text(cx, &text, &s)?;
    call::run_code(cx, &code, &ns, Some(&ns), None)
}

/// Imports a module by absolute name.
pub fn import(cx: &Ctx, name: &str) -> PyResult {
    (cx.host().import)(cx, name)
}

/// Prints the pending exception by `sys.excepthook`; SystemExit is not printed but gives its exit code.
pub fn report(cx: &Ctx, r: cinder_pyobj::Raised) -> i32 {
    let e = cx.take(r);
    if let Some(s) = e.downcast::<exc::SystemExitData>() {
        return exit_code(cx, s.exit_code());
    }
    let interrupted = e.type_of().is_subtype(exc::KeyboardInterrupt());
    let ty = e.type_of().as_obj();
    let tb = exc::traceback(&e).unwrap_or_else(Obj::none);
    let hook = host::sys_attr(cx, "excepthook").ok().flatten();
    let shown = match hook {
        Some(h) => h.call_pos(cx, &[ty, e.clone(), tb]).map(drop),
        None => Err(cx.runtime_error("sys.excepthook is missing")),
    };
    if let Err(r) = shown {
        let text = describe(cx, r);
        let _ = cx.set_pending(e);
        let orig = cx.take_pending().map(|e| e.type_of().name().to_string()).unwrap_or_default();
        write_stderr(&format!("{orig}: error in sys.excepthook: {text}\n"));
    }
    if interrupted { 130 } else { 1 }
}

fn write_stderr(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn exit_code(cx: &Ctx, code: Option<Obj>) -> i32 {
    let Some(c) = code.and_then(Obj::non_none) else { return 0 };
    if c.type_of().is_int_subtype() {
        return cinder_pyobj::types::int::as_i64(&c).map_or(-1, |n| n as i32);
    }
    if let Ok(s) = c.str(cx) {
        let text = format!("{}\n", cinder_pyobj::types::str::as_utf8_lossy(&s));
        let err = host::sys_attr(cx, "stderr").ok().flatten().and_then(Obj::non_none);
        let written = match err {
            Some(f) => f.call_method(cx, Name::new("write"), &[Obj::from(text.as_str())]).is_ok(),
            None => false,
        };
        if !written {
            drop(cx.take_pending());
            write_stderr(&text);
        }
    } else {
        drop(cx.take_pending());
    }
    1
}

/// Prepares the interpreter for running a program: hash seed, standard streams, `site`.
pub fn start_up(cx: &Ctx) -> PyResult<()> {
    let rt = Thread::of(cx).runtime;
    streams::install(cx)?;
    if rt.config.signals {
        import(cx, "_signal")?;
    }
    if !rt.config.flags.no_site {
        import(cx, "site")?;
    }
    Ok(())
}

/// Ends a program: waits for threads, runs exit functions, flushes the streams. Returns the exit code, 120
/// instead of 0 if flushing failed.
pub fn shut_down(cx: &Ctx, code: i32) -> i32 {
    let rt = Thread::of(cx).runtime;
    let modules = rt.modules.get();
    let loaded = |name: &str| modules.as_ref().and_then(|m| dict::get(cx, m, &Obj::from(name)).ok().flatten());
    if let Some(t) = loaded("threading")
        && let Err(r) = t.call_method(cx, Name::new("_shutdown"), &[])
    {
        let _ = report(cx, r);
    }
    if let Some(a) = loaded("atexit")
        && let Err(r) = a.call_method(cx, Name::new("_run_exitfuncs"), &[])
    {
        let _ = report(cx, r);
    }
    let mut result = code;
    for name in ["stdout", "stderr"] {
        let Some(f) = host::sys_attr(cx, name).ok().flatten().and_then(Obj::non_none) else { continue };
        if let Err(r) = f.call_method(cx, Name::new("flush"), &[]) {
            if name == "stdout" {
                (cx.host().unraisable)(cx, None, Some(&f));
                result = if result == 0 { 120 } else { result };
            }
            drop(cx.take_pending());
            let _ = r;
        }
    }
    rt.finalizing.set(true);
    result
}

/// Raises SystemExit with a code.
pub fn exit_with(cx: &Ctx, code: i32) -> cinder_pyobj::Raised {
    cx.raise_args(exc::SystemExit(), &[Obj::from(i64::from(code))])
}

/// Removes the common indentation of `-c` text.
pub fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let indent_of = |l: &str| l.len() - l.trim_start_matches([' ', '\t']).len();
    let common = lines
        .iter()
        .filter(|l| !l.trim_matches([' ', '\t', '\r']).is_empty())
        .map(|l| &l[..indent_of(l)])
        .reduce(|a, b| {
            let n = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
            &a[..n]
        })
        .unwrap_or("");
    lines
        .iter()
        .map(|l| l.strip_prefix(common).unwrap_or(l.trim_start_matches([' ', '\t'])))
        .collect::<Vec<_>>()
        .join("\n")
}
