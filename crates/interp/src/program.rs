//! Running programs: texts, files, modules, archives and the standard input, as the module `__main__`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc, list, module};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use cinder_syntax::Mode;

use crate::thread::Thread;
use crate::{call, compile, finish, host, import, os_str, streams};

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
    let b = intern!("__builtins__");
    if dict::get(cx, &ns, b.as_obj())?.is_none() {
        let builtins = rt.builtins_module.get().unwrap_or_else(Obj::none);
        dict::set(cx, &ns, b.as_obj(), &builtins)?;
    }
    let loader = intern!("__loader__");
    if dict::get(cx, &ns, loader.as_obj())?.is_none_or(|l| l.is_none())
        && let Some(lib) = rt.importlib.get()
        && let Some(builtin) = lib.get_attr_opt(cx, intern!("BuiltinImporter"))?
    {
        dict::set(cx, &ns, loader.as_obj(), &builtin)?;
    }
    Ok(ns)
}

/// Runs a source text in the namespace of `__main__`.
///
/// # Errors
/// What the program raises.
pub fn run_string(cx: &Ctx, source: &str, filename: &str) -> PyResult {
    let ns = main_namespace(cx)?;
    let s = compile::Settings::new(cx, filename, Mode::Exec);
    let code = compile::compile_text(cx, source, &s)?;
    call::run_code(cx, &code, &ns, Some(&ns), None)
}

/// Runs the text of `-c`: its common indentation goes, and tracebacks can show its lines.
///
/// # Errors
/// What the program raises.
pub fn run_command(cx: &Ctx, command: &OsStr) -> PyResult {
    (cx.host().audit)(cx, "cpython.run_command", &[os_str(cx, command)])?;
    let text = match command.to_str() {
        Some(t) => dedent(t),
        None => {
            let e = match cinder_pyobj::codecs::encode(cx, &os_str(cx, command), "utf-8", "strict") {
                Ok(_) => cx.value_error("the command holds bytes that are no text"),
                Err(r) => r,
            };
            finish::write_stderr(cx, "Unable to decode the command from the command line:\n");
            return Err(e);
        }
    };
    let ns = main_namespace(cx)?;
    let s = compile::Settings::new(cx, "<string>", Mode::Exec);
    let code = compile::compile_text(cx, &text, &s)?;
    let rt = Thread::of(cx).runtime;
    rt.command.set(Some(cinder_pyobj::types::tuple::pair(code.clone(), Obj::from(text.as_str()))));
    call::run_code(cx, &code, &ns, Some(&ns), None)
}

/// Runs source bytes (decoded by their coding cookie) in the namespace of `__main__`.
///
/// # Errors
/// What the program raises.
pub fn run_bytes(cx: &Ctx, source: &[u8], filename: &Obj) -> PyResult {
    let ns = main_namespace(cx)?;
    let mut s = compile::Settings::new(cx, "", Mode::Exec);
    s.filename = filename.clone();
    if let Some(at) = source.iter().position(|b| *b == 0) {
        return Err(null_byte(cx, source, at, filename));
    }
    s.program = true;
    let text = compile::decode_source(cx, source, &s.filename, true)?;
    let code = compile::compile_text(cx, &text, &s)?;
    call::run_code(cx, &code, &ns, Some(&ns), None)
}

/// The SyntaxError for a file with a zero byte: it shows the line up to there.
fn null_byte(cx: &Ctx, source: &[u8], at: usize, filename: &Obj) -> cinder_pyobj::Raised {
    let before = &source[..at];
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let line = 1 + before.iter().filter(|b| **b == b'\n').count() as i64;
    let text = String::from_utf8_lossy(&before[start..]).into_owned();
    let place = cinder_pyobj::types::tuple::new(vec![
        filename.clone(),
        Obj::from(line),
        Obj::from(0i64),
        Obj::from(text.as_str()),
    ]);
    cx.raise_args(cinder_pyobj::types::exc::SyntaxError(), &[Obj::from("source code cannot contain null bytes"), place])
}

/// Runs a script, source or compiled, whose contents were read. `path` is its absolute path.
///
/// # Errors
/// What the program raises.
pub fn run_script(cx: &Ctx, path: &OsStr, contents: &[u8]) -> PyResult {
    let name = os_str(cx, path);
    (cx.host().audit)(cx, "cpython.run_file", std::slice::from_ref(&name))?;
    let ns = main_namespace(cx)?;
    dict::set(cx, &ns, intern!("__file__").as_obj(), &name)?;
    dict::set(cx, &ns, intern!("__cached__").as_obj(), &Obj::none())?;
    let compiled = path.as_bytes().ends_with(b".pyc");
    if compiled {
        if contents.len() < 16 {
            return Err(cx.raise(exc::EOFError(), "EOF read where not expected"));
        }
        if contents[..4] != cinder_bytecode::format::pyc_magic().to_le_bytes()[..4] {
            return Err(cx.runtime_error("Bad magic number in .pyc file"));
        }
    }
    let external = import::import_absolute(cx, &Obj::from("_frozen_importlib_external"))?;
    let class = if compiled { intern!("SourcelessFileLoader") } else { intern!("SourceFileLoader") };
    let loader = external.call_method(cx, class, &[Obj::from("__main__"), name.clone()])?;
    dict::set(cx, &ns, intern!("__loader__").as_obj(), &loader)?;
    let result = if compiled {
        loader
            .call_method(cx, intern!("get_code"), &[Obj::from("__main__")])
            .and_then(|code| call::run_code(cx, &code, &ns, Some(&ns), None))
    } else {
        run_bytes(cx, contents, &name)
    };
    // What the script left behind belongs to no file any more, unless the prompt comes next.
    flush_streams(cx);
    result
}

/// Runs the program that the standard input holds.
///
/// # Errors
/// What the program raises.
pub fn run_stdin(cx: &Ctx, contents: &[u8]) -> PyResult {
    (cx.host().audit)(cx, "cpython.run_stdin", &[])?;
    let name = Obj::from("<stdin>");
    let ns = main_namespace(cx)?;
    dict::set(cx, &ns, intern!("__file__").as_obj(), &name)?;
    dict::set(cx, &ns, intern!("__cached__").as_obj(), &Obj::none())?;
    run_bytes(cx, contents, &name)
}

/// Runs a module as `-m` does; `script` says that its name came from `-m` rather than from a folder or archive.
///
/// # Errors
/// What the program raises.
pub fn run_module(cx: &Ctx, name: &OsStr, script: bool) -> PyResult {
    let name = os_str(cx, name);
    if script {
        (cx.host().audit)(cx, "cpython.run_module", std::slice::from_ref(&name))?;
    }
    let runpy = match import::import_absolute(cx, &Obj::from("runpy")) {
        Ok(m) => m,
        Err(r) => {
            finish::write_stderr(cx, "Could not import runpy module\n");
            return Err(r);
        }
    };
    runpy.call_method(cx, intern!("_run_module_as_main"), &[name, Obj::from_bool(script)])
}

/// Whether the import system can look into a path: a folder or an archive.
///
/// # Errors
/// What a path hook raises.
pub fn is_importable_path(cx: &Ctx, path: &OsStr) -> PyResult<bool> {
    let pkgutil = import::import_absolute(cx, &Obj::from("_frozen_importlib_external"))?;
    let finder = pkgutil.get_attr(cx, intern!("PathFinder"))?;
    let found = finder.call_method(cx, intern!("_path_importer_cache"), &[os_str(cx, path)])?;
    Ok(!found.is_none())
}

/// Puts an entry at the front of `sys.path`.
///
/// # Errors
/// If `sys.path` is no list any more.
pub fn prepend_path(cx: &Ctx, entry: &OsStr) -> PyResult<()> {
    *Thread::of(cx).runtime.first_path.borrow_mut() = Some(entry.to_owned());
    match host::sys_attr(cx, "path")? {
        Some(p) if list::as_list(&p).is_some() => {
            let entry = os_str(cx, entry);
            p.call_method(cx, intern!("insert"), &[Obj::from(0i64), entry]).map(drop)
        }
        _ => Err(cx.runtime_error("unable to get sys.path")),
    }
}

/// Flushes standard error and standard output, whatever comes of it.
pub fn flush_streams(cx: &Ctx) {
    for name in ["stderr", "stdout"] {
        let Ok(Some(f)) = host::sys_attr(cx, name) else { continue };
        if !f.is_none() && f.call_method(cx, intern!("flush"), &[]).is_err() {
            drop(cx.take_pending());
        }
    }
}

/// Prepares the interpreter for running a program: standard streams, warnings, signals, `site`.
///
/// # Errors
/// What `site` or a module of the start raises.
pub fn start_up(cx: &Ctx) -> PyResult<()> {
    let rt = Thread::of(cx).runtime;
    let c = &rt.config;
    cinder_pyobj::types::int::text::set_max_str_digits(c.flags.int_max_str_digits as usize);
    main_namespace(cx)?;
    streams::install(cx)?;
    if c.signals {
        crate::import(cx, "_signal")?;
    }
    if c.faulthandler && rt.find_native("faulthandler").is_some() {
        crate::import(cx, "faulthandler")?.call_method(cx, Name::new("enable"), &[])?;
    }
    if c.tracemalloc > 0 {
        let m = crate::import(cx, "tracemalloc")?;
        m.call_method(cx, Name::new("start"), &[Obj::from(i64::from(c.tracemalloc))])?;
    }
    if !c.warnoptions.is_empty() {
        crate::import(cx, "warnings")?;
    }
    if !c.flags.no_site {
        crate::import(cx, "site")?;
    }
    Ok(())
}

/// Runs the file that `PYTHONSTARTUP` names in `__main__`; what it raises is shown.
pub fn run_startup(cx: &Ctx, path: &OsStr) {
    let name = os_str(cx, path);
    let run = || -> PyResult {
        (cx.host().audit)(cx, "cpython.run_startup", std::slice::from_ref(&name))?;
        match std::fs::read(path) {
            Ok(text) => {
                let ns = main_namespace(cx)?;
                let file = intern!("__file__");
                dict::set(cx, &ns, file.as_obj(), &name)?;
                let r = run_bytes(cx, &text, &name);
                dict::remove(cx, &ns, file.as_obj())?;
                r
            }
            Err(e) => {
                finish::write_stderr(cx, &format!("Could not open PYTHONSTARTUP\n"));
                Err(cx.os_error_with(e.raw_os_error().unwrap_or(0), Some(&name), None))
            }
        }
    };
    if let Err(r) = run() {
        finish::show(cx, r);
    }
}

/// Calls `sys.__interactivehook__`.
pub fn run_interactive_hook(cx: &Ctx) {
    let Ok(Some(hook)) = host::sys_attr(cx, "__interactivehook__") else { return };
    let called =
        (cx.host().audit)(cx, "cpython.run_interactivehook", std::slice::from_ref(&hook)).and_then(|()| hook.call0(cx));
    if let Err(r) = called {
        finish::write_stderr(cx, "Failed calling sys.__interactivehook__\n");
        finish::show(cx, r);
    }
}

/// Runs the prompt of the library, with editing and colour.
///
/// # Errors
/// SystemExit, and what the prompt itself raises.
pub fn run_editing_prompt(cx: &Ctx) -> PyResult {
    main_namespace(cx)?;
    let main = Thread::of(cx).runtime.modules(cx)?.get_item(cx, &Obj::from("__main__"))?;
    let m = crate::import(cx, "_pyrepl.main")?;
    m.call_method(cx, Name::new("interactive_console"), &[main])
}

/// Removes the common indentation of `-c` text.
fn dedent(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let is_blank = |l: &str| l.trim_matches([' ', '\t']).is_empty();
    let indent_of = |l: &str| l.len() - l.trim_start_matches([' ', '\t']).len();
    let common = lines
        .iter()
        .filter(|l| !is_blank(l))
        .map(|l| &l[..indent_of(l)])
        .reduce(|a, b| {
            let n = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
            &a[..n]
        })
        .unwrap_or("");
    let cut: Vec<&str> =
        lines.iter().map(|l| if is_blank(l) { "" } else { l.strip_prefix(common).unwrap_or(l) }).collect();
    cut.join("\n")
}

#[cfg(test)]
mod tests {
    use super::dedent;

    #[test]
    fn common_indentation_goes() {
        assert_eq!(dedent("  a\n    b\n \n  c"), "a\n  b\n\nc");
        assert_eq!(dedent("a\n  b"), "a\n  b");
        assert_eq!(dedent(" \ta\n \t b"), "a\n b");
        assert_eq!(dedent(" \t\n\t "), "\n");
    }
}
