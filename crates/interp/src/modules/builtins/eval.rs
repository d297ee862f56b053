//! `compile`, `exec`, `eval`.

use cinder_pyobj::native::pymodule;

#[pymodule(part, name = "builtins")]
pub(crate) mod eval {
    use cinder_pyobj::intern;
    use cinder_pyobj::native::Args;
    use cinder_pyobj::types::cell::CellObject;
    use cinder_pyobj::types::str::as_utf8_lossy;
    use cinder_pyobj::types::{dict, tuple};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::compile::{self, Mode};
    use crate::objects::code::CodeObject;

    /// Makes a code object of a text, of bytes or of a syntax tree.
    ///
    /// mode is 'exec' for a module, 'eval' for an expression or 'single' for one statement of a prompt; filename is
    /// what tracebacks show. flags are bits of the future statements to apply, to which those of the calling code are
    /// added unless dont_inherit is true.
    #[pyfunction(sig = "(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)")]
    fn compile(
        cx: &Ctx,
        source: &Obj,
        filename: &Obj,
        mode: &str,
        flags: i64,
        dont_inherit: bool,
        optimize: i64,
        _feature_version: i64,
    ) -> PyResult {
        compile::builtin_compile(cx, source, filename, mode, flags, dont_inherit, optimize, _feature_version)
    }

    /// Globals and locals that `exec` and `eval` run in.
    fn scopes(cx: &Ctx, name: &str, globals: Option<&Obj>, locals: Option<&Obj>) -> PyResult<(Obj, Obj)> {
        let globals = globals.filter(|g| !g.is_none());
        let locals = locals.filter(|l| !l.is_none());
        if let Some(l) = locals
            && l.type_of().slots.getitem.get().is_none()
        {
            return Err(cx.type_error(format!("{name}() locals must be a mapping or None, not {}", l.type_of().name())));
        }
        let (g, l) = match globals {
            Some(g) => {
                if dict::as_dict(g).is_none() {
                    return Err(cx.type_error(format!("{name}() globals must be a dict, not {}", g.type_of().name())));
                }
                (g.clone(), locals.cloned().unwrap_or_else(|| g.clone()))
            }
            None => {
                let g = (cx.host().globals)(cx).ok_or_else(|| cx.system_error("globals and locals cannot be NULL"))?;
                let l = match locals {
                    Some(l) => l.clone(),
                    None => super::super::namespace::namespace::current_locals(cx)?,
                };
                (g, l)
            }
        };
        if dict::get(cx, &g, intern!("__builtins__").as_obj())?.is_none() {
            let b = (cx.host().builtins)(cx).unwrap_or_else(Obj::none);
            dict::set(cx, &g, intern!("__builtins__").as_obj(), &b)?;
        }
        Ok((g, l))
    }

    /// Runs statements, given as a text or a code object.
    ///
    /// Names are looked up and bound in globals, a dict, and in locals, any mapping, which are those of the caller
    /// where not given; locals is globals if only that is given. Code that has free variables takes a tuple of cells,
    /// one for each, as closure.
    #[pyfunction(sig = "(source, /, globals=None, locals=None, *, closure=None)")]
    fn exec(
        cx: &Ctx,
        source: &Obj,
        globals: Option<&Obj>,
        locals: Option<&Obj>,
        closure: Option<&Obj>,
    ) -> PyResult<()> {
        let (g, l) = scopes(cx, "exec", globals, locals)?;
        if let Some(c) = source.downcast::<CodeObject>() {
            let free = c.code.free_count();
            match closure {
                None if free > 0 => {
                    return Err(cx.type_error("code object passed to exec() may not contain free variables"));
                }
                Some(_) if free == 0 => {
                    return Err(cx.type_error("cannot use a closure with this code object"));
                }
                Some(t) => {
                    let ok = tuple::items_if_tuple(t)
                        .is_some_and(|v| v.len() == free && v.iter().all(|c| c.downcast::<CellObject>().is_some()));
                    if !ok {
                        return Err(cx.type_error(format!("code object requires a closure of exactly length {free}")));
                    }
                }
                None => {}
            }
            (cx.host().audit)(cx, "exec", std::slice::from_ref(source))?;
            return compile::run_with_closure(cx, source, &g, &l, closure).map(drop);
        }
        if closure.is_some() {
            return Err(cx.type_error("closure can only be used when source is a code object"));
        }
        let code = compile::source_to_code(cx, source, "<string>", Mode::Exec, "exec")?;
        cx.audit("exec", || [code.clone()])?;
        compile::run_with_closure(cx, &code, &g, &l, None).map(drop)
    }

    /// The value of an expression, given as a text or a code object.
    ///
    /// Names are looked up in globals, a dict, and in locals, any mapping, which are those of the caller where not
    /// given; locals is globals if only that is given.
    #[pyfunction(sig = "(source, /, globals=None, locals=None)")]
    fn eval(cx: &Ctx, source: &Obj, globals: Option<&Obj>, locals: Option<&Obj>) -> PyResult {
        let (g, l) = scopes(cx, "eval", globals, locals)?;
        if let Some(c) = source.downcast::<CodeObject>() {
            if c.code.free_count() > 0 {
                return Err(cx.type_error("code object passed to eval() may not contain free variables"));
            }
            (cx.host().audit)(cx, "exec", std::slice::from_ref(source))?;
            return compile::run_with_closure(cx, source, &g, &l, None);
        }
        let code = compile::source_to_code(cx, source, "<string>", Mode::Eval, "eval")?;
        cx.audit("exec", || [code.clone()])?;
        compile::run_with_closure(cx, &code, &g, &l, None)
    }

    const _: Option<fn(Args<'_>)> = None;
    const _: fn(&Obj) -> std::borrow::Cow<'_, str> = as_utf8_lossy;
}
