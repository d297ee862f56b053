//! The Cinder interpreter: frames, the dispatch loop, calls, generators, import, builtins and the embedding API.
//!
//! ```no_run
//! use cinder_interp::{Config, Interpreter};
//!
//! let py = Interpreter::new(Config::default())?;
//! py.enter(|cx| cinder_interp::program::run_string(cx, "print(6 * 7)", "<embedded>").map(drop).map_err(|_| ()));
//! # Ok::<(), cinder_interp::StartError>(())
//! ```
//!
//! One process has one interpreter lock; an [`Interpreter`] takes it in [`Interpreter::enter`].

mod call;
mod collect;
mod compile;
pub mod context_hook;
mod dispatch;
mod finish;
mod fork;
mod frame;
mod gil;
mod host;
mod import;
mod interactive;
pub mod locale;
mod lock;
mod machine;
pub mod modules;
pub mod objects;
mod observe;
mod ops;
pub mod program;
mod report;
mod runtime;
pub mod signals;
mod streams;
mod thread;
mod unwind;
mod util;

use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc, module};
use cinder_pyobj::{Ctx, Obj, PyResult};

pub use finish::{INTERRUPTED, report, show, shut_down};
pub use interactive::interactive_loop;
pub use runtime::{Config, Encodings, Flags, HashSeed, PackedModule, Runtime};
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

impl Drop for Interpreter {
    /// Thread-local objects look through the tables of all threads when they go, so this table is given up before the
    /// thread that has it.
    fn drop(&mut self) {
        gil::take(&self.thread.cx);
        self.thread.locals.set(None);
        gil::give(&self.thread.cx);
    }
}

/// Native stack that Python code on the calling thread may use, in bytes.
const STACK: usize = 6 << 20;

/// A text from the operating system: bytes that are no UTF-8 become lone surrogates.
pub(crate) fn os_str(cx: &Ctx, s: &std::ffi::OsStr) -> Obj {
    use std::os::unix::ffi::OsStrExt;
    let e = &Thread::of(cx).runtime.config.encodings;
    let text = match e.filesystem.as_str() {
        "utf-8" => cinder_pyobj::codecs::decode_fs(cx, s.as_bytes()),
        other => cinder_pyobj::codecs::decode(
            cx,
            &cinder_pyobj::types::bytes::new(s.as_bytes()),
            other,
            &e.filesystem_errors,
        ),
    };
    match text {
        Ok(s) => s,
        Err(r) => {
            drop(cx.take(r));
            Obj::from(&*s.to_string_lossy())
        }
    }
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
        cinder_pyobj::types::str::set_hash_seed(match config.flags.hash_seed {
            HashSeed::Random => None,
            HashSeed::Fixed(n) => Some(n),
        });
        let runtime = Runtime::new(config);
        let thread = Thread::new(runtime, Ctx::new(&host::HOST, stack), gil::own_ident());
        gil::take(&thread.cx);
        thread.register();
        signals::set_main_context(&thread.cx);
        cinder_pyobj::types::init();
        cinder_pyobj::shape::memory::set_forget_hook(cinder_shadow::forget_hook);
        if runtime.config.xoptions.iter().any(|(k, v)| k == "shadow" && v.as_deref().is_some_and(|v| v == "off")) {
            objects::code::disable_shadow();
        }
        if runtime.config.xoptions.iter().any(|(k, _)| k == "shadow-stats") {
            cinder_shadow::stats::count_executions(true);
        }
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
        streams::install_first(cx)?;
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

/// Imports a module by absolute name.
pub fn import(cx: &Ctx, name: &str) -> PyResult {
    (cx.host().import)(cx, name)
}

/// How the inline caches fared, as a table of the families (`-X shadow-stats`).
pub fn shadow_report() -> String {
    let mut out = format!(
        "{:<14} {:>8} {:>14} {:>14} {:>10} {:>12} {:>10}\n",
        "family", "sites", "executions", "hits", "misses", "forgotten", "failures"
    );
    for (family, t) in cinder_shadow::stats::totals() {
        out += &format!(
            "{family:<14} {:>8} {:>14} {:>14} {:>10} {:>12} {:>10}\n",
            t.sites, t.executions, t.hits, t.misses, t.forgotten, t.failures
        );
    }
    out
}
