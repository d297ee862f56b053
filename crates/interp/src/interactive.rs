//! The plain prompt: for input that is no terminal, and where editing is turned off.

use std::cell::Cell;

use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, exc, module};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use cinder_syntax::Mode;
use cinder_syntax::ast::Arena;

use crate::compile::{self, Settings};
use crate::thread::Thread;
use crate::{call, finish, host, program};

/// `sys.ps1` or `sys.ps2` as a text, set to its default if the program did not.
fn prompt(cx: &Ctx, name: &str, default: &str) -> PyResult<String> {
    let shown = match host::sys_attr(cx, name)? {
        Some(p) => p,
        None => {
            let p = Obj::from(default);
            if let Some(s) = Thread::of(cx).runtime.sys.get().as_ref().and_then(module::namespace) {
                dict::set(cx, &s, Name::new(name).as_obj(), &p)?;
            }
            p
        }
    };
    match shown.str(cx) {
        Ok(s) => Ok(as_utf8_lossy(&s).into_owned()),
        Err(r) => {
            drop(cx.take(r));
            Ok(String::new())
        }
    }
}

/// Reads a line with a prompt; empty at the end of the input.
fn read_line(cx: &Ctx, prompt: &str) -> PyResult<String> {
    let stdin = host::sys_attr(cx, "stdin")?.and_then(Obj::non_none);
    let Some(stdin) = stdin else { return Ok(String::new()) };
    program::flush_streams(cx);
    let terminal = stdin.call_method(cx, intern!("isatty"), &[]).and_then(|t| t.truthy(cx));
    let terminal = match terminal {
        Ok(t) => t,
        Err(r) => {
            drop(cx.take(r));
            false
        }
    };
    if terminal {
        let rt = Thread::of(cx).runtime;
        let builtins = rt.builtins.get().unwrap_or_else(Obj::none);
        let input = builtins.get_item(cx, intern!("input").as_obj())?;
        return match input.call1(cx, &Obj::from(prompt)) {
            Ok(line) => Ok(format!("{}\n", as_utf8_lossy(&line))),
            Err(r) => cx.swallow(r, exc::EOFError()).map(|()| String::new()),
        };
    }
    finish::write_stderr(cx, prompt);
    match stdin.call_method(cx, intern!("readline"), &[]) {
        Ok(line) => Ok(as_utf8_lossy(&line).into_owned()),
        // Input that cannot be read has ended: the program may have closed it.
        Err(r) if cx.pending_is(exc::OSError()) || cx.pending_is(exc::ValueError()) => {
            drop(cx.take(r));
            Ok(String::new())
        }
        Err(r) => Err(r),
    }
}

/// As [`read_line`]; None if the person interrupted it.
fn typed(cx: &Ctx, prompt: &str) -> PyResult<Option<String>> {
    match read_line(cx, prompt) {
        Ok(line) => Ok(Some(line)),
        Err(r) => cx.swallow(r, exc::KeyboardInterrupt()).map(|()| None),
    }
}

/// What one turn of the prompt did.
enum Turn {
    Ran,
    Interrupted,
    End,
}

/// Whether what was typed goes on after an empty line: a bracket or a text is open, or a line is continued.
fn is_open(cx: &Ctx, text: &str, settings: &Settings) -> PyResult<bool> {
    let mut s = settings.clone();
    s.flags &= !(compile::DONT_IMPLY_DEDENT | compile::ALLOW_INCOMPLETE);
    let arena = Arena::default();
    let Err(r) = compile::parse_text(cx, text, &s, &arena) else { return Ok(false) };
    let shown = cx.take(r).str(cx)?;
    let shown = as_utf8_lossy(&shown);
    Ok(["was never closed", "unterminated triple-quoted", "unexpected EOF"].iter().any(|m| shown.contains(m)))
}

/// Gives a SyntaxError the line that it is about, as far as it is known, without its end.
fn with_line(cx: &Ctx, r: Raised, text: &str) -> Raised {
    let e = cx.take(r);
    let field = |name: Name| e.get_attr_opt(cx, name).map(|v| v.and_then(Obj::non_none));
    let set = || -> PyResult<()> {
        if e.type_of().is_subtype(exc::SyntaxError())
            && field(intern!("text"))?.is_none_or(|t| as_utf8_lossy(&t).ends_with('\n'))
            && let Some(n) = field(intern!("lineno"))?
            && let Some(line) = usize::try_from(n.to_i64(cx)? - 1).ok().and_then(|n| text.lines().nth(n))
        {
            e.set_attr(cx, intern!("text"), &Obj::from(line))?;
        }
        Ok(())
    };
    match set() {
        Ok(()) => cx.set_pending(e),
        Err(r) => r,
    }
}

/// Reads a statement and runs it; `count` is the number of those before.
fn turn(cx: &Ctx, ns: &Obj, count: &Cell<usize>) -> PyResult<Turn> {
    const UNFINISHED: i64 = compile::DONT_IMPLY_DEDENT | compile::ALLOW_INCOMPLETE;
    let first = prompt(cx, "ps1", ">>> ")?;
    let more = prompt(cx, "ps2", "... ")?;
    let Some(mut text) = typed(cx, &first)? else { return Ok(Turn::Interrupted) };
    if text.is_empty() {
        return Ok(Turn::End);
    }
    let mut s = Settings::new(cx, "<stdin>", Mode::Single);
    let future = Thread::of(cx).runtime.interactive_future.get();
    let mut blank = false;
    loop {
        if text.lines().all(|l| l.trim_start().is_empty() || l.trim_start().starts_with('#')) {
            return Ok(Turn::Ran);
        }
        let ended = if text.ends_with('\n') {
            s.flags = UNFINISHED | future;
            // Without its last line end a text says whether more of it may come: a block ends at an empty line.
            let arena = Arena::default();
            match compile::parse_text(cx, &text[..text.len() - 1], &s, &arena) {
                Ok(_) => true,
                Err(r) if cx.pending_is(exc::_IncompleteInputError()) => {
                    drop(cx.take(r));
                    // With its line end, what no more lines can mend is an error already.
                    match compile::parse_text(cx, &text, &s, &arena) {
                        Ok(_) => {}
                        Err(r) if cx.pending_is(exc::_IncompleteInputError()) => drop(cx.take(r)),
                        Err(r) => return Err(with_line(cx, r, &text)),
                    }
                    // An empty line ends a statement, unless it stands within brackets or a text.
                    blank && !is_open(cx, &text, &s)?
                }
                Err(r) => return Err(with_line(cx, r, &text)),
            }
        } else {
            // The input ended within the line.
            finish::write_stderr(cx, &more);
            finish::write_stderr(cx, "\n");
            true
        };
        let mut at_end = ended;
        if !ended {
            let Some(line) = typed(cx, &more)? else { return Ok(Turn::Interrupted) };
            at_end = line.is_empty();
            blank = line.trim_end_matches(['\n', '\r']).trim_matches([' ', '\t']).is_empty();
            if at_end {
                finish::write_stderr(cx, "\n");
            }
            text.push_str(&line);
        }
        if at_end {
            s.flags = future;
            let arena = Arena::default();
            compile::parse_text(cx, &text, &s, &arena).map_err(|r| with_line(cx, r, &text))?;
            break;
        }
    }
    // What was typed keeps its lines under a name of its own; tracebacks show it as that of the whole input.
    let name = Obj::from(format!("<stdin-{}>", count.replace(count.get() + 1)).as_str());
    s.filename = name;
    let code = compile::compile_text(cx, &text, &s).map_err(|r| with_line(cx, r, &text))?;
    if let Some(flags) = crate::objects::code::future_flags(&code) {
        Thread::of(cx).runtime.interactive_future.set(future | flags);
    }
    // Tracebacks show the lines of what was typed.
    let linecache = crate::import(cx, "linecache")?;
    linecache.call_method(
        cx,
        Name::new("_register_code"),
        &[code.clone(), Obj::from(text.as_str()), Obj::from("<stdin>")],
    )?;
    call::run_code(cx, &code, ns, Some(ns), None)?;
    Ok(Turn::Ran)
}

/// Reads and runs statements until the input ends. SystemExit ends it too.
///
/// # Errors
/// SystemExit, to be handled as that of a program.
pub fn interactive_loop(cx: &Ctx) -> PyResult<()> {
    let ns = program::main_namespace(cx)?;
    let count = Cell::new(0);
    loop {
        match turn(cx, &ns, &count) {
            Ok(Turn::Ran) => {}
            Ok(Turn::Interrupted) => {
                finish::write_stderr(cx, "\n");
                let r = cx.raise_args(exc::KeyboardInterrupt(), &[]);
                let _ = finish::show(cx, r);
            }
            Ok(Turn::End) => {
                finish::write_stderr(cx, "\n");
                return Ok(());
            }
            Err(r) if cx.pending_is(exc::SystemExit()) => return Err(r),
            Err(r) => {
                if finish::show(cx, r).is_some() {
                    return Err(cx.raise_args(exc::SystemExit(), &[]));
                }
            }
        }
        program::flush_streams(cx);
    }
}
