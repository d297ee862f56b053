//! `print`, `input`, `breakpoint`.

use cinder_pyobj::native::pymodule;

#[pymodule(part, name = "builtins")]
pub(crate) mod io {
    use cinder_pyobj::intern;
    use cinder_pyobj::native::Args;
    use cinder_pyobj::types::str::{Name, as_utf8_lossy};
    use cinder_pyobj::types::{dict, exc, module};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::thread::Thread;

    /// An attribute of `sys`.
    fn sys_attr(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
        match Thread::of(cx).runtime.sys.get().as_ref().and_then(module::namespace) {
            Some(d) => dict::get(cx, &d, Name::new(name).as_obj()),
            None => Ok(None),
        }
    }

    /// Writes the values as texts, sep between them and end behind them.
    ///
    /// They go to file, which is sys.stdout if it is None or absent; flush asks for the file to be flushed at once.
    #[pyfunction(sig = "(*args, sep=' ', end='\\n', file=None, flush=False)")]
    fn print(cx: &Ctx, args: Args<'_>) -> PyResult<()> {
        let (mut sep, mut end, mut file, mut flush) = (None, None, None, false);
        for (k, v) in args.keywords() {
            match &*as_utf8_lossy(k) {
                "sep" => sep = v.clone().non_none(),
                "end" => end = v.clone().non_none(),
                "file" => file = v.clone().non_none(),
                "flush" => flush = v.truthy(cx)?,
                k => {
                    let known = ["sep", "end", "file", "flush"];
                    return Err(cinder_pyobj::suggest::unexpected_keyword(cx, "print", k, &known));
                }
            }
        }
        for (n, v) in [("sep", &sep), ("end", &end)] {
            if let Some(v) = v
                && !v.type_of().is_str_subtype()
            {
                return Err(cx.type_error(format!("{n} must be None or a string, not {}", v.type_of().name())));
            }
        }
        let file = match file {
            Some(f) => f,
            None => match sys_attr(cx, "stdout")? {
                Some(f) if f.is_none() => return Ok(()),
                Some(f) => f,
                None => return Err(cx.runtime_error("lost sys.stdout")),
            },
        };
        let write = file.get_attr(cx, intern!("write"))?;
        let sep = sep.unwrap_or_else(|| Obj::from(" "));
        for (i, x) in args.pos().iter().enumerate() {
            if i > 0 {
                write.call1(cx, &sep)?;
            }
            write.call1(cx, &x.str(cx)?)?;
        }
        write.call1(cx, &end.unwrap_or_else(|| Obj::from("\n")))?;
        if flush {
            file.call_method(cx, intern!("flush"), &[])?;
        }
        Ok(())
    }

    /// One line from standard input, without its line end.
    ///
    /// A prompt is written first and stays on the line. EOFError says that the input has ended. Lines can be edited
    /// where the readline module is in use.
    #[pyfunction(sig = "(prompt='', /)")]
    fn input(cx: &Ctx, prompt: Option<&Obj>) -> PyResult {
        let stream = |name: &str| -> PyResult {
            match sys_attr(cx, name)?.and_then(Obj::non_none) {
                Some(f) => Ok(f),
                None => Err(cx.runtime_error(format!("input(): lost sys.{name}"))),
            }
        };
        let (stdin, stdout, stderr) = (stream("stdin")?, stream("stdout")?, stream("stderr")?);
        cx.audit("builtins.input", || [prompt.cloned().unwrap_or_else(Obj::none)])?;
        // A stream that cannot be flushed is used all the same.
        let flush = |stream: &Obj| match stream.call_method(cx, intern!("flush"), &[]) {
            Ok(_) => Ok(()),
            Err(r) => cx.swallow(r, exc::Exception()),
        };
        flush(&stderr)?;
        if let Some(p) = prompt {
            let text = p.str(cx)?;
            stdout.call_method(cx, intern!("write"), &[text])?;
        }
        flush(&stdout)?;
        let line = stdin.call_method(cx, intern!("readline"), &[])?;
        if !line.type_of().is_str_subtype() {
            return Err(cx.type_error("object.readline() returned non-string"));
        }
        if line.len(cx)? == 0 {
            return Err(cx.raise(exc::EOFError(), "EOF when reading a line"));
        }
        let cut = as_utf8_lossy(&line).ends_with('\n');
        let line = if cut { line.call_method(cx, intern!("removesuffix"), &[Obj::from("\n")])? } else { line };
        cx.audit("builtins.input/result", || [line.clone()])?;
        Ok(line)
    }

    /// Stops in a debugger: calls sys.breakpointhook with all arguments, which starts pdb unless it was replaced.
    #[pyfunction(sig = "(*args, **kws)")]
    fn breakpoint(cx: &Ctx, args: Args<'_>) -> PyResult {
        cx.audit("builtins.breakpoint", || [sys_attr(cx, "breakpointhook").ok().flatten().unwrap_or_else(Obj::none)])?;
        match sys_attr(cx, "breakpointhook")? {
            Some(h) => h.call(cx, args),
            None => Err(cx.runtime_error("lost sys.breakpointhook")),
        }
    }
}
