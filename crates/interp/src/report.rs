//! Tracebacks written without the `traceback` module: those of exceptions that nobody can catch, and of all where that
//! module fails. They show files, lines and source, but no carets and no chained exceptions.

use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::host::sys_attr;
use crate::objects::traceback;
use crate::thread::Thread;

/// How many entries are shown where `sys.tracebacklimit` says nothing.
const LIMIT: usize = 1000;
/// How many equal entries in a row are shown before they are only counted.
const REPEATS: usize = 3;

fn write(cx: &Ctx, file: &Obj, text: &str) -> PyResult<()> {
    file.call_method(cx, intern!("write"), &[Obj::from(text)]).map(drop)
}

/// A result, or nothing in place of an exception.
fn quiet<T>(cx: &Ctx, r: PyResult<T>) -> Option<T> {
    match r {
        Ok(v) => Some(v),
        Err(r) => {
            drop(cx.take(r));
            None
        }
    }
}

/// A line of a source file, of the disk or of the packed library.
pub(crate) fn source_line(cx: &Ctx, filename: &str, line: i64) -> Option<String> {
    let n = usize::try_from(line).ok()?.checked_sub(1)?;
    let config = &Thread::of(cx).runtime.config;
    let inside = config.stdlib_dir.and_then(|dir| filename.strip_prefix(dir)).and_then(|p| p.strip_prefix('/'));
    let text = match inside {
        Some(path) => (config.packed_file)(path),
        None => std::fs::read(filename).ok(),
    }?;
    let found = text.split(|b| *b == b'\n').nth(n)?;
    Some(String::from_utf8_lossy(found.strip_suffix(b"\r").unwrap_or(found)).into_owned())
}

/// The entries of a traceback that `sys.tracebacklimit` leaves, as (file, line, function).
fn entries(cx: &Ctx, tb: &Obj) -> Vec<(String, i64, String)> {
    let limit = match quiet(cx, sys_attr(cx, "tracebacklimit")).flatten() {
        Some(n) if n.type_of().is_int_subtype() => {
            if int::is_negative(&n) {
                0
            } else {
                int::as_i64(&n).map_or(usize::MAX, |n| n as usize)
            }
        }
        _ => LIMIT,
    };
    let mut all = Vec::new();
    let mut at = Some(tb.clone()).and_then(Obj::non_none);
    while let Some(t) = at {
        if let Some((file, function)) = traceback::place(&t) {
            all.push((file, traceback::line(&t), function));
        }
        at = traceback::next(&t);
    }
    all.split_off(all.len().saturating_sub(limit))
}

/// Writes the entries of a traceback under the usual heading; nothing if none is to be shown.
fn write_traceback(cx: &Ctx, tb: &Obj, file: &Obj) -> PyResult<()> {
    let all = entries(cx, tb);
    if all.is_empty() {
        return Ok(());
    }
    let mut out = String::from("Traceback (most recent call last):\n");
    for run in all.chunk_by(|a, b| a == b) {
        let (name, line, function) = &run[0];
        let mut shown = format!("  File \"{name}\", line {line}, in {function}\n");
        if let Some(l) = source_line(cx, name, *line).as_deref().map(str::trim_start).filter(|l| !l.is_empty()) {
            shown.push_str(&format!("    {l}\n"));
        }
        for _ in 0..run.len().min(REPEATS) {
            out.push_str(&shown);
        }
        if let Some(more @ 1..) = run.len().checked_sub(REPEATS) {
            let s = if more == 1 { "" } else { "s" };
            out.push_str(&format!("  [Previous line repeated {more} more time{s}]\n"));
        }
    }
    write(cx, file, &out)
}

/// Writes a traceback and a line with the exception's type and text.
///
/// # Errors
/// What the file raises.
pub(crate) fn write_exception(cx: &Ctx, ty: &Obj, value: &Obj, tb: &Obj, file: &Obj) -> PyResult<()> {
    write_traceback(cx, tb, file)?;
    if ty.is_none() {
        return Ok(());
    }
    let part = |name: Name| {
        let v = quiet(cx, ty.get_attr(cx, name)).filter(|v| v.type_of().is_str_subtype());
        v.map_or_else(|| "<unknown>".to_owned(), |v| as_utf8_lossy(&v).into_owned())
    };
    let module = part(intern!("__module__"));
    let mut head = match &*module {
        "builtins" | "__main__" => part(intern!("__qualname__")),
        m => format!("{m}.{}", part(intern!("__qualname__"))),
    };
    if value.is_none() {
        head.push('\n');
        return write(cx, file, &head);
    }
    head.push_str(": ");
    write(cx, file, &head)?;
    // The text may hold what only the error handler of the file can write.
    let shown = value.str(cx).and_then(|s| file.call_method(cx, intern!("write"), &[s]));
    if quiet(cx, shown).is_none() {
        write(cx, file, "<exception str() failed>")?;
    }
    write(cx, file, "\n")
}

/// What an unraisable exception's report begins with: the message, and the representation of what it is about.
pub(crate) fn unraisable_heading(cx: &Ctx, message: &Obj, object: &Obj) -> PyResult<String> {
    let message = match message.is_none() {
        true => None,
        false => Some(as_utf8_lossy(&message.str(cx)?).into_owned()),
    };
    if object.is_none() {
        return Ok(message.map_or_else(String::new, |m| format!("{m}:\n")));
    }
    let shown = quiet(cx, object.repr(cx)).map(|r| as_utf8_lossy(&r).into_owned());
    let shown = shown.unwrap_or_else(|| "<object repr() failed>".to_owned());
    Ok(format!("{}: {shown}\n", message.as_deref().unwrap_or("Exception ignored in")))
}

/// The type and the traceback of an exception.
pub(crate) fn parts(e: &Obj) -> (Obj, Obj) {
    (e.type_of().as_obj(), exc::traceback(e).unwrap_or_else(Obj::none))
}
