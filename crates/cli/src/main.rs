//! The `cinder` command.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use cinder_interp::{Config, Interpreter, PackedModule, program};
use cinder_pyobj::{Ctx, PyResult};

mod args;
mod help;
mod memory;
mod paths;
mod settings;

use args::{Line, Program, Stop};

/// Native stack of the main thread, in bytes: deep recursion through native code raises RecursionError before it
/// is used up.
const MAIN_STACK: usize = 64 << 20;

fn main() {
    memory::end_process_when_exhausted();
    cinder_interp::signals::exit_where_memory_ends();
    // The program runs on the process's own main thread, to which the system sends signals, but on a larger stack.
    let code = stacker::grow(MAIN_STACK, run);
    if code == cinder_interp::INTERRUPTED {
        // Die by the signal, as shells expect of an interrupted command.
        cinder_interp::signals::die_by_interrupt();
    }
    std::process::exit(code)
}

fn run() -> i32 {
    let orig_argv: Vec<OsString> = std::env::args_os().collect();
    let name = orig_argv.first().cloned().unwrap_or_else(|| "cinder".into());
    let line = match args::read(orig_argv.get(1..).unwrap_or(&[])) {
        Ok(line) => line,
        Err(Stop::Show(page)) => return show(&help::page(page, &name.to_string_lossy())),
        Err(Stop::Mistake(text)) => {
            let name = name.to_string_lossy();
            say(&format!("{text}\n{}Try `cinder -h' for more information.", help::usage_line(&name)));
            return 2;
        }
    };
    if line.options.version > 0 {
        return show(&version(line.options.version > 1));
    }
    let mut config = match settings::configure(&line, orig_argv) {
        Ok(config) => config,
        Err(settings::BadSetting(text)) => {
            say(&format!("Fatal Python error: {text}\nPython runtime state: preinitialized\n"));
            return 1;
        }
    };
    config.find_packed = find_packed;
    config.release_packed = cinder_stdlib::packed::release_code;
    config.packed_file = cinder_stdlib::packed::file;
    config.stdlib_dir = Some(cinder_stdlib::packed::PREFIX);
    config.stdlib_names = cinder_stdlib::names::STDLIB;
    config.multiarch = cinder_stdlib::packed::MULTIARCH;
    config.natives = cinder_stdlib::modules::ALL;
    let run = Run { line, name, config: config.clone() };
    match Interpreter::with_stack(config, MAIN_STACK - (1 << 20)) {
        Ok(py) => py.enter(|cx| run.all(cx)),
        Err(e) => {
            say(&e.to_string());
            1
        }
    }
}

/// Writes a line to standard error, if that takes one.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a text; the exit code says whether that worked.
fn show(text: &str) -> i32 {
    let mut out = std::io::stdout().lock();
    i32::from(out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err())
}

fn version(long: bool) -> String {
    if long {
        return format!("Python {}\n", cinder_interp::modules::sys::version_text());
    }
    let (a, b, c) = cinder_interp::modules::sys::VERSION;
    format!("Python {a}.{b}.{c}\n")
}

fn find_packed(name: &str) -> Option<PackedModule> {
    let m = cinder_stdlib::packed::find(name)?;
    Some(PackedModule { code: m.code()?, is_package: m.is_package() })
}

/// One run of a program.
struct Run {
    line: Line,
    name: OsString,
    config: Config,
}

impl Run {
    fn all(&self, cx: &Ctx) -> i32 {
        let started = program::start_up(cx);
        let code = match started {
            Ok(()) => self.program_and_prompt(cx),
            Err(r) => cinder_interp::report(cx, r),
        };
        if self.config.xoptions.iter().any(|(k, _)| k == "shadow-stats") {
            eprint!("{}", cinder_interp::shadow_report());
        }
        cinder_interp::shut_down(cx, code)
    }

    /// Whether the standard input is a person's.
    fn is_interactive(&self) -> bool {
        self.config.flags.interactive > 0 || std::io::stdin().is_terminal()
    }

    /// Runs the program and, where that is asked for, the prompt after it.
    fn program_and_prompt(&self, cx: &Ctx) -> i32 {
        let prompt_only = self.line.program == Program::Stdin && self.is_interactive();
        if !self.config.flags.quiet && (self.config.flags.verbose > 0 || prompt_only) {
            self.banner();
        }
        let mut code = match self.program(cx) {
            Ok(code) => code,
            Err(r) if self.wants_prompt() && !prompt_only => {
                // A prompt follows, so SystemExit is shown as well.
                cinder_interp::show(cx, r);
                1
            }
            Err(r) => cinder_interp::report(cx, r),
        };
        if self.wants_prompt() && !prompt_only && self.is_interactive() {
            program::run_interactive_hook(cx);
            code = match self.prompt(cx) {
                Ok(()) => 0,
                Err(r) => cinder_interp::report(cx, r),
            };
        }
        code
    }

    /// `-i`, or the environment variable, which the program may have set by now.
    fn wants_prompt(&self) -> bool {
        let f = &self.config.flags;
        f.inspect > 0 || !f.ignore_environment && std::env::var_os("PYTHONINSPECT").is_some_and(|v| !v.is_empty())
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        if self.config.flags.ignore_environment {
            return None;
        }
        std::env::var_os(name).filter(|v| !v.is_empty())
    }

    fn banner(&self) {
        say(&format!(
            "Python {} on linux\nType \"help\", \"copyright\", \"credits\" or \"license\" for more information.",
            cinder_interp::modules::sys::version_text()
        ));
    }

    /// Runs the program; its exit code if it is not to be told from what it raises.
    fn program(&self, cx: &Ctx) -> PyResult<i32> {
        let safe = self.config.flags.safe_path;
        match &self.line.program {
            Program::Code(text) => {
                self.first_path(cx, OsStr::new(""))?;
                program::run_command(cx, text)?;
            }
            Program::Module(name) => {
                if !safe && let Ok(here) = std::env::current_dir() {
                    program::prepend_path(cx, here.as_os_str())?;
                }
                program::run_module(cx, name, true)?;
            }
            Program::Stdin => {
                self.first_path(cx, OsStr::new(""))?;
                return self.stdin(cx).map(|()| 0);
            }
            Program::File(path) => return self.file(cx, path),
        }
        Ok(0)
    }

    fn first_path(&self, cx: &Ctx, entry: &OsStr) -> PyResult<()> {
        if self.config.flags.safe_path { Ok(()) } else { program::prepend_path(cx, entry) }
    }

    fn stdin(&self, cx: &Ctx) -> PyResult<()> {
        if self.is_interactive() {
            if let Some(path) = self.variable("PYTHONSTARTUP") {
                program::run_startup(cx, &path);
            }
            program::run_interactive_hook(cx);
            return self.prompt(cx);
        }
        let mut text = Vec::new();
        if let Err(e) = std::io::stdin().lock().read_to_end(&mut text)
            && e.raw_os_error() != Some(9)
        {
            return Err(cx.os_error(e.raw_os_error().unwrap_or(0)));
        }
        program::run_stdin(cx, self.source(&text))?;
        Ok(())
    }

    /// Runs the prompt: that of the library on a terminal, the plain one elsewhere.
    fn prompt(&self, cx: &Ctx) -> PyResult<()> {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if terminal && self.variable("PYTHON_BASIC_REPL").is_none() {
            return program::run_editing_prompt(cx).map(drop);
        }
        cinder_interp::interactive_loop(cx)
    }

    /// A source without the line that `-x` skips.
    fn source<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if !self.line.options.skip_first_line {
            return text;
        }
        let end = text.iter().position(|b| *b == b'\n').unwrap_or(text.len());
        &text[end..]
    }

    fn file(&self, cx: &Ctx, path: &OsStr) -> PyResult<i32> {
        let full = absolute(path);
        if program::is_importable_path(cx, full.as_os_str())? {
            program::prepend_path(cx, full.as_os_str())?;
            program::run_module(cx, OsStr::new("__main__"), false)?;
            return Ok(0);
        }
        let folder = std::fs::canonicalize(path).unwrap_or_else(|_| full.clone());
        self.first_path(cx, folder.parent().unwrap_or(Path::new("")).as_os_str())?;
        let read = std::fs::File::open(path).and_then(|mut f| {
            if f.metadata()?.is_dir() {
                return Err(std::io::Error::from_raw_os_error(21));
            }
            let mut text = Vec::new();
            f.read_to_end(&mut text)?;
            Ok(text)
        });
        match read {
            Ok(text) => {
                program::run_script(cx, full.as_os_str(), self.source(&text))?;
                Ok(0)
            }
            Err(e) => {
                let name = self.name.to_string_lossy();
                let shown = full.to_string_lossy();
                match e.raw_os_error() {
                    Some(21) => say(&format!("{name}: '{shown}' is a directory, cannot continue")),
                    n => {
                        let text = e.to_string();
                        let text = text.split(" (os error").next().unwrap_or("");
                        say(&format!("{name}: can't open file '{shown}': [Errno {}] {text}", n.unwrap_or(0)));
                    }
                }
                Ok(2)
            }
        }
    }
}

/// A path from the root, otherwise as it was given.
fn absolute(path: &OsStr) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    if path == "." { here } else { here.join(path) }
}
