//! Objects that the interpreter itself is made of.

pub mod anext;
pub mod async_gen;
pub mod code;
mod code_build;
pub(crate) mod copies;
pub mod frame_obj;
pub mod function;
pub mod generator;
pub mod locals_proxy;
pub mod namespace;
pub mod traceback;
