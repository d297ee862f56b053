//! The `cinder` command.

use std::io::Read;
use std::process::ExitCode;

use cinder_interp::{Config, Interpreter, PackedModule};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult};

mod args;

use args::{Command, Options};

/// Native stack of the main thread, in bytes: deep recursion through native code raises RecursionError
/// before it is used up.
const MAIN_STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os()) {
        Ok(o) => o,
        Err(code) => return ExitCode::from(code),
    };
    let thread = std::thread::Builder::new().stack_size(MAIN_STACK).spawn(move || run(options));
    let code = thread.ok().and_then(|t| t.join().ok()).unwrap_or(70);
    if code == 130 {
        // Die by the signal, as shells expect of an interrupted command.
        cinder_interp::signals::die_by_interrupt();
    }
    ExitCode::from(code as u8)
}

fn find_packed(name: &str) -> Option<PackedModule> {
    let m = cinder_stdlib::packed::find(name)?;
    Some(PackedModule { code: m.code()?, is_package: m.is_package() })
}

fn stdlib_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = cinder_stdlib::packed::children("").map(|m| m.name()).collect();
    names.extend(cinder_stdlib::modules::ALL.iter().map(|m| m.name));
    names
}

fn run(options: Options) -> i32 {
    let command = options.command.clone();
    let config = Config {
        argv: options.argv,
        orig_argv: options.orig_argv,
        executable: options.executable,
        path: options.path,
        xoptions: options.xoptions,
        warnoptions: options.warnoptions,
        flags: options.flags,
        find_packed,
        stdlib_dir: Some(cinder_stdlib::packed::PREFIX),
        stdlib_names,
        multiarch: cinder_stdlib::packed::MULTIARCH,
        natives: cinder_stdlib::modules::ALL,
        signals: true,
        ..Config::default()
    };
    let py = match Interpreter::with_stack(config, MAIN_STACK - (1 << 20)) {
        Ok(py) => py,
        Err(e) => {
            eprintln!("{e}");
            return 1;
        }
    };
    py.enter(|cx| {
        let r = cinder_interp::start_up(cx).and_then(|()| execute(cx, &command));
        let code = match r {
            Ok(_) => 0,
            Err(r) => cinder_interp::report(cx, r),
        };
        cinder_interp::shut_down(cx, code)
    })
}

fn execute(cx: &Ctx, command: &Command) -> PyResult {
    match command {
        Command::Code(text) => cinder_interp::run_string(cx, &cinder_interp::dedent(text), "<string>"),
        Command::Module(name) => {
            let runpy = cinder_interp::import(cx, "runpy")?;
            runpy.call_method(cx, Name::new("_run_module_as_main"), &[Obj::from(name.as_str())])
        }
        Command::Script(path) => script(cx, path),
        Command::Stdin => {
            let mut text = Vec::new();
            if std::io::stdin().read_to_end(&mut text).is_err() {
                return Err(cx.runtime_error("cannot read the standard input"));
            }
            cinder_interp::run_bytes(cx, &text, "<stdin>")
        }
    }
}

fn script(cx: &Ctx, path: &str) -> PyResult {
    let p = std::path::Path::new(path);
    if p.is_dir() || path.ends_with(".pyz") || path.ends_with(".zip") {
        let runpy = cinder_interp::import(cx, "runpy")?;
        return runpy.call_method(
            cx,
            Name::new("_run_module_as_main"),
            &[Obj::from("__main__"), Obj::from_bool(false)],
        );
    }
    match std::fs::read(p) {
        Ok(text) => {
            let ns = cinder_interp::main_namespace(cx)?;
            ns.set_item(cx, &Obj::from("__file__"), &Obj::from(path))?;
            cinder_interp::run_bytes(cx, &text, path)
        }
        Err(e) => {
            let n = e.raw_os_error().unwrap_or(0);
            let text = std::io::Error::from_raw_os_error(n).to_string();
            let text = text.split(" (os error").next().unwrap_or("").to_string();
            let exe = std::env::args().next().unwrap_or_else(|| "cinder".to_string());
            let shown = std::fs::canonicalize(p)
                .unwrap_or_else(|_| std::env::current_dir().unwrap_or_default().join(p))
                .to_string_lossy()
                .into_owned();
            eprintln!("{exe}: can't open file '{shown}': [Errno {n}] {text}");
            Err(cinder_interp::exit_with(cx, 2))
        }
    }
}
