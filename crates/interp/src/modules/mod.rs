//! Native modules that belong to the interpreter itself.

pub mod ast;
pub mod builtins;
pub mod cinder;
pub mod contextvars;
pub(crate) mod faulthandler;
pub mod imp;
pub(crate) mod lsprof;
pub mod marshal;
pub(crate) mod monitoring;
pub(crate) mod shadow;
pub mod signal;
pub mod suggestions;
pub mod symtable;
pub mod sys;
pub mod sys_jit;
pub mod templatelib;
pub mod thread;
pub mod thread_handle;
pub mod thread_local;
pub mod tokenize;
pub(crate) mod tracemalloc;
pub mod typing;
pub mod warnings;

use cinder_pyobj::native::ModuleDef;

/// The interpreter's own modules.
pub(crate) static OWN: &[&ModuleDef] = &[
    &builtins::builtins::MODULE,
    &sys::sys::MODULE,
    &imp::imp::MODULE,
    &typing::module::MODULE,
    &thread::thread::MODULE,
    &warnings::warnings::MODULE,
    &ast::module::MODULE,
    &suggestions::module::MODULE,
    &symtable::module::MODULE,
    &tokenize::module::MODULE,
    &cinder::module::MODULE,
    &contextvars::contextvars::MODULE,
    &marshal::marshal::MODULE,
    &signal::signal::MODULE,
    &faulthandler::module::MODULE,
    &lsprof::module::MODULE,
    &tracemalloc::module::MODULE,
];
