//! `open` and other functions.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, PyResult, intern};

/// A field of `sys.flags` as a truth value.
pub(super) fn flag(cx: &Ctx, name: Name) -> PyResult<bool> {
    let sys = (cx.host().import)(cx, "sys")?;
    match sys.get_attr_opt(cx, intern!("flags"))? {
        Some(f) => match f.get_attr_opt(cx, name)? {
            Some(v) => v.truthy(cx),
            None => Ok(false),
        },
        None => Ok(false),
    }
}

#[pymodule(part, name = "_io")]
pub(crate) mod functions {
    use cinder_pyobj::native::{Args, PyClass};
    use cinder_pyobj::types::str::{self as text, Name};
    use cinder_pyobj::types::{exc, int};
    use cinder_pyobj::{Ctx, Obj, PyResult, intern};

    use super::flag;
    use crate::modules::io::DEFAULT_BUFFER_SIZE;
    use crate::modules::io::buffered::{BufferedRandom, BufferedReader, BufferedWriter};
    use crate::modules::io::file::FileIo;
    use crate::modules::io::text::TextIoWrapper;

    /// What an `open` mode asks for.
    #[derive(Default)]
    struct Mode {
        raw: String,
        text: bool,
        binary: bool,
        updating: bool,
        main: char,
    }

    fn parse(cx: &Ctx, mode: &str) -> PyResult<Mode> {
        let mut m = Mode { main: ' ', ..Mode::default() };
        let invalid = || cx.value_error(format!("invalid mode: '{mode}'"));
        let (mut seen, mut mains) = (String::new(), 0);
        for c in mode.chars() {
            if seen.contains(c) {
                return Err(invalid());
            }
            seen.push(c);
            match c {
                'r' | 'w' | 'a' | 'x' => {
                    mains += 1;
                    m.main = c;
                }
                '+' => m.updating = true,
                't' => m.text = true,
                'b' => m.binary = true,
                _ => return Err(invalid()),
            }
        }
        if m.text && m.binary {
            return Err(cx.value_error("can't have text and binary mode at once"));
        }
        if mains != 1 {
            return Err(cx.value_error("must have exactly one of create/read/write/append mode"));
        }
        m.raw.push(m.main);
        if m.updating {
            m.raw.push('+');
        }
        Ok(m)
    }

    /// Calls a class with positional arguments and keywords.
    fn make(cx: &Ctx, class: &Obj, values: &[Obj], names: &[Name]) -> PyResult {
        let names: Vec<Obj> = names.iter().map(|n| n.obj()).collect();
        class.call(cx, Args::new(values, &names))
    }

    fn or_none(o: Option<&Obj>) -> Obj {
        o.cloned().unwrap_or_else(Obj::none)
    }

    /// Opens a file. OSError says why it cannot be.
    ///
    /// file is a path or the number of an open descriptor.
    ///
    /// mode is 'r' to read, 'w' to begin anew, 'x' to make a file which must not exist yet, or 'a' to write at the end;
    /// '+' is for both reading and writing, and 'b' gives bytes where otherwise texts are read and written.
    #[pyfunction(
        sig = "(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)"
    )]
    fn open(
        cx: &Ctx,
        file: &Obj,
        mode: Option<&Obj>,
        buffering: i32,
        encoding: Option<&Obj>,
        errors: Option<&Obj>,
        newline: Option<&Obj>,
        closefd: bool,
        opener: Option<&Obj>,
    ) -> PyResult {
        let mut path = file.clone();
        if !int::is_int(file)
            && !file.type_of().is_str_subtype()
            && let Some(m) = file.lookup_special(cx, intern!("__fspath__"))?
        {
            path = m.call0(cx)?;
        }
        let mode = match mode {
            None => "r".into(),
            Some(m) => {
                text::expect(cx, m, |t| format!("open() argument 'mode' must be str, not {t}"))?;
                text::as_utf8_lossy(m)
            }
        };
        for (what, o) in [("encoding", encoding), ("errors", errors), ("newline", newline)] {
            if let Some(o) = o {
                text::expect(cx, o, |t| format!("open() argument '{what}' must be str or None, not {t}"))?;
            }
        }
        let m = parse(cx, &mode)?;
        if m.binary {
            let given = [("encoding", encoding), ("errors", errors), ("newline", newline)];
            if let Some((what, _)) = given.iter().find(|(_, o)| o.is_some()) {
                return Err(cx.value_error(match *what {
                    "encoding" => "binary mode doesn't take an encoding argument",
                    "errors" => "binary mode doesn't take an errors argument",
                    _ => "binary mode doesn't take a newline argument",
                }));
            }
            if buffering == 1 {
                (cx.host().warn)(
                    cx,
                    exc::RuntimeWarning(),
                    "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
                    1,
                )?;
            }
        }
        let raw = make(
            cx,
            &FileIo::class().type_object().as_obj(),
            &[path, Obj::from(m.raw.as_str()), Obj::from_bool(closefd), or_none(opener)],
            &[intern!("closefd"), intern!("opener")],
        )?;
        let wrap = || -> PyResult {
            let raw_file = raw.downcast::<FileIo>();
            let isatty = buffering < 0 && raw.call_method(cx, intern!("_isatty_open_only"), &[])?.truthy(cx)?;
            let line_buffering = !m.binary && (buffering == 1 || isatty);
            let size = match buffering {
                0 if m.binary => return Ok(raw.clone()),
                0 => return Err(cx.value_error("can't have unbuffered text I/O")),
                ..0 | 1 => raw_file.map_or(DEFAULT_BUFFER_SIZE, |f| f.block_size().clamp(DEFAULT_BUFFER_SIZE, 8 << 20)),
                n => n as usize,
            };
            let class = if m.updating {
                BufferedRandom::class()
            } else if m.main == 'r' {
                BufferedReader::class()
            } else {
                BufferedWriter::class()
            };
            let buffer = class.type_object().as_obj().call_pos(cx, &[raw.clone(), Obj::from(size)])?;
            if m.binary {
                return Ok(buffer);
            }
            let wrap_text = || -> PyResult {
                let values = [
                    buffer.clone(),
                    or_none(encoding),
                    or_none(errors),
                    or_none(newline),
                    Obj::from_bool(line_buffering),
                ];
                let t = TextIoWrapper::class().type_object().as_obj().call_pos(cx, &values)?;
                t.set_attr(cx, intern!("mode"), &Obj::from(&*mode))?;
                Ok(t)
            };
            wrap_text().map_err(|r| close_after(cx, &buffer, r))
        };
        wrap().map_err(|r| close_after(cx, &raw, r))
    }

    /// Closes a stream that could not be set up; the exception stays.
    fn close_after(cx: &Ctx, stream: &Obj, r: cinder_pyobj::Raised) -> cinder_pyobj::Raised {
        let e = cx.take(r);
        if let Err(r) = stream.call_method(cx, intern!("close"), &[]) {
            drop(cx.take(r));
        }
        cx.set_pending(e)
    }

    /// Opens a file to be run as code, for reading bytes; embedders may check it here.
    #[pyfunction(sig = "(path)")]
    fn open_code(cx: &Ctx, path: &Obj) -> PyResult {
        text::expect(cx, path, |t| format!("open_code() argument 'path' must be str, not {t}"))?;
        let raw = FileIo::class().type_object().as_obj().call_pos(cx, &[path.clone(), Obj::from("r")])?;
        BufferedReader::class().type_object().as_obj().call_pos(cx, &[raw])
    }

    /// The encoding to use where a function has an optional one: the encoding itself, or 'locale' or 'utf-8' for None.
    ///
    /// The latter warns if the interpreter was asked to, as the caller stacklevel frames out.
    #[pyfunction(sig = "(encoding, stacklevel=2, /)")]
    fn text_encoding(cx: &Ctx, encoding: &Obj, stacklevel: i32) -> PyResult {
        if !encoding.is_none() {
            return Ok(encoding.clone());
        }
        if flag(cx, intern!("warn_default_encoding"))? {
            (cx.host().warn)(cx, exc::EncodingWarning(), "'encoding' argument not specified", stacklevel)?;
        }
        Ok(Obj::from(if flag(cx, intern!("utf8_mode"))? { "utf-8" } else { "locale" }))
    }
}
