//! Native modules that belong to the interpreter itself.

pub mod builtins;
pub mod imp;
pub mod sys;
pub mod templatelib;
pub mod thread;
pub mod thread_handle;
pub mod typing;
pub mod warnings;

use cinder_pyobj::native::ModuleDef;

/// The interpreter's own modules.
pub(crate) static OWN: &[&ModuleDef] =
    &[&builtins::builtins::MODULE, &sys::sys::MODULE, &imp::imp::MODULE, &typing::module::MODULE,
      &thread::thread::MODULE, &warnings::warnings::MODULE];

use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::compile::Settings;

/// Compiles an `ast` tree, if the source object is one.
pub(crate) fn ast_bridge(_cx: &Ctx, _source: &Obj, _s: &Settings) -> PyResult<Option<Obj>> {
    Ok(None)
}

/// Parses a text into `ast` objects.
pub(crate) fn parse_to_ast(cx: &Ctx, _text: &str, _s: &Settings) -> PyResult {
    Err(cx.not_implemented("compile(..., PyCF_ONLY_AST) is not available yet"))
}
