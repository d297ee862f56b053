//! `_ast`: the classes of syntax trees, and the ways between trees and objects.

mod build;
mod grammar;
mod node;
mod optimize;
mod patterns;
mod read;
mod types;
mod validate;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{dict, str::Name};
use cinder_pyobj::{Ctx, Obj, PyResult};
use cinder_syntax::ast::{Arena, Mod};

pub(crate) use read::wtf8;
pub(crate) use types::Types;

use crate::compile::{self, Mode, ONLY_AST, OPTIMIZED_AST, Settings, TOP_LEVEL_AWAIT, TYPE_COMMENTS};

/// Parses a text into `ast` objects.
pub(crate) fn parse_to_ast(cx: &Ctx, text: &str, s: &Settings) -> PyResult {
    let arena = Arena::default();
    let parsed = compile::parse_text(cx, text, s, &arena)?;
    compile::show_warnings(cx, &parsed.warnings, Some(parsed.source), &parsed.lines, s)?;
    let tree = build::module(cx, parsed.module, &parsed.lines)?;
    if wants_optimized(s) { optimize::optimize(cx, tree, s.optimize) } else { Ok(tree) }
}

/// Compiles an `ast` tree, if the source object is one; with `PyCF_ONLY_AST`, it is given back.
pub(crate) fn ast_bridge(cx: &Ctx, source: &Obj, s: &Settings) -> PyResult<Option<Obj>> {
    if !node::is_node(source) {
        return Ok(None);
    }
    let wanted = match s.mode {
        Mode::Exec => "Module",
        Mode::Eval => "Expression",
        Mode::Single => "Interactive",
        Mode::FuncType => "FunctionType",
    };
    let types = Types::get(cx)?;
    let is_wanted = types.class(cx, wanted)?.ty.as_type().is_some_and(|class| source.type_of().is_subtype(class));
    if !is_wanted {
        let got = source.type_of().name().to_string();
        return Err(cx.type_error(format!("expected {wanted} node, got {got}")));
    }
    if s.flags & ONLY_AST != 0 && !wants_optimized(s) {
        return Ok(Some(source.clone()));
    }
    let arena = Arena::default();
    let reader = read::Reader::new(cx, &arena)?;
    let tree: Mod<'_> = reader.module(source)?;
    validate::module(cx, tree)?;
    if wants_optimized(s) {
        let copy = build::module(cx, tree, &reader.lines.into_inner())?;
        return optimize::optimize(cx, copy, s.optimize).map(Some);
    }
    compile::compile_tree(cx, &tree, &reader.lines.into_inner(), None, &[], s).map(Some)
}

fn wants_optimized(s: &Settings) -> bool {
    s.flags & OPTIMIZED_AST == OPTIMIZED_AST
}

#[pymodule(name = "_ast", classes(super::node::Ast))]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(names) = cinder_pyobj::types::module::namespace(module) else {
            return Err(cx.system_error("module without namespace"));
        };
        let types = Types::get(cx)?;
        let sums = types.sums.iter().map(|(name, ty)| (*name, ty));
        for (name, ty) in sums.chain(types.classes.iter().map(|class| (class.name, &class.ty))) {
            dict::set(cx, &names, Name::new(name).as_obj(), ty)?;
        }
        let flags = [
            ("PyCF_ONLY_AST", ONLY_AST),
            ("PyCF_TYPE_COMMENTS", TYPE_COMMENTS),
            ("PyCF_ALLOW_TOP_LEVEL_AWAIT", TOP_LEVEL_AWAIT),
            ("PyCF_OPTIMIZED_AST", OPTIMIZED_AST),
        ];
        for (name, value) in flags {
            dict::set(cx, &names, Name::new(name).as_obj(), &Obj::from(value))?;
        }
        Ok(())
    }
}
