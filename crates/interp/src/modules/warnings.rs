//! `_warnings`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{exc, module, str::Name};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use crate::thread::Thread;

/// Whether the `warnings` module is imported; before that, nothing is shown.
fn loaded(cx: &Ctx) -> PyResult<Option<Obj>> {
    let rt = Thread::of(cx).runtime;
    let Some(modules) = rt.modules.get() else { return Ok(None) };
    cinder_pyobj::types::dict::get(cx, &modules, Name::new("warnings").as_obj())
}

/// Issues a warning at a stack level.
pub(crate) fn warn(cx: &Ctx, category: &Type, message: &str, level: i32) -> PyResult<()> {
    let m = match loaded(cx)? {
        Some(m) => m,
        None if Thread::of(cx).runtime.importlib.get().is_none() => return Ok(()),
        None => (cx.host().import)(cx, "warnings")?,
    };
    let f = m.get_attr(cx, intern!("warn"))?;
    f.call_pos(cx, &[Obj::from(message), category.as_obj(), Obj::from(i64::from(level))]).map(drop)
}

/// Issues a warning about a place in a source file.
pub(crate) fn warn_explicit(cx: &Ctx, category: &Type, message: &str, filename: &Obj, line: u32) -> PyResult<()> {
    if Thread::of(cx).runtime.importlib.get().is_none() {
        return Ok(());
    }
    let m = match loaded(cx)? {
        Some(m) => m,
        None => (cx.host().import)(cx, "warnings")?,
    };
    let f = m.get_attr(cx, intern!("warn_explicit"))?;
    let r = f.call_pos(cx, &[Obj::from(message), category.as_obj(), filename.clone(), Obj::from(i64::from(line))]);
    match r {
        Ok(_) => Ok(()),
        Err(r) if category.is(exc::SyntaxWarning()) && cx.pending_is(exc::SyntaxWarning()) => {
            // A warning turned into an error becomes the SyntaxError at that place.
            drop(cx.take(r));
            let info = cinder_pyobj::types::tuple::new(vec![
                filename.clone(),
                Obj::from(i64::from(line)),
                Obj::from(0i64),
                Obj::none(),
            ]);
            Err(cx.raise_args(exc::SyntaxError(), &[Obj::from(message), info]))
        }
        Err(r) => Err(r),
    }
}

/// What importlib needs of `_warnings`. The `warnings` module itself runs from its pure-Python
/// implementation, so this module offers `warn` only.
#[pymodule(name = "_warnings")]
pub(crate) mod warnings {
    use super::*;

    /// Issue a warning, or maybe ignore it or raise an exception.
    #[pyfunction(sig = "(message, category=None, stacklevel=1, source=None)")]
    fn warn(cx: &Ctx, message: &Obj, category: Option<&Obj>, stacklevel: i64, source: Option<&Obj>) -> PyResult<()> {
        let _ = source;
        let m = (cx.host().import)(cx, "warnings")?;
        let c = category.cloned().unwrap_or_else(|| exc::UserWarning().as_obj());
        m.get_attr(cx, intern!("warn"))?.call_pos(cx, &[message.clone(), c, Obj::from(stacklevel)]).map(drop)
    }

    #[pyinit]
    fn init(_cx: &Ctx, module: &Obj) -> PyResult<()> {
        let _ = module::namespace(module);
        Ok(())
    }
}
