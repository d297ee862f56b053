//! `_symtable`: the compiler's symbol tables as objects.

use std::sync::atomic::{AtomicU64, Ordering};

use cinder_bytecode::code::flags as cf;
use cinder_bytecode::symtable::{Scope, ScopeKind, Storage, SymbolTable, def};
use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{dict, list};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use cinder_syntax::ast::Arena;

use crate::compile::{self, Mode, Settings};

/// Where the storage of a name stands in its flags.
const SCOPE_OFFSET: u32 = 12;

/// The table of one block.
#[pyclass(name = "symtable entry", module = "builtins", flags(no_new))]
#[derive(Traverse)]
pub struct Entry {
    #[traverse(skip)]
    id: u64,
    name: Obj,
    symbols: Obj,
    varnames: Obj,
    children: Obj,
    #[traverse(skip)]
    nested: bool,
    #[traverse(skip)]
    kind: ScopeKind,
    #[traverse(skip)]
    line: u32,
}

#[pymethods]
impl Entry {
    fn __repr__(_cx: &Ctx, this: This<'_, Entry>) -> PyResult {
        let name = as_utf8_lossy(&this.name);
        Ok(Obj::from(format!("<symtable entry {name}({}), line {}>", this.id, this.line)))
    }

    /// A number that no other table has.
    #[pygetter(member)]
    fn id(this: This<'_, Entry>) -> Obj {
        Obj::from(this.id)
    }

    /// The name of the block.
    #[pygetter(member)]
    fn name(this: This<'_, Entry>) -> Obj {
        this.name.clone()
    }

    /// Names and their flags.
    #[pygetter(member)]
    fn symbols(this: This<'_, Entry>) -> Obj {
        this.symbols.clone()
    }

    /// The names of the parameters.
    #[pygetter(member)]
    fn varnames(this: This<'_, Entry>) -> Obj {
        this.varnames.clone()
    }

    /// The tables of the blocks inside.
    #[pygetter(member)]
    fn children(this: This<'_, Entry>) -> Obj {
        this.children.clone()
    }

    /// Whether the block is inside a function.
    #[pygetter(member)]
    fn nested(this: This<'_, Entry>) -> i64 {
        i64::from(this.nested)
    }

    /// What the block is.
    #[pygetter(member, name = "type")]
    fn kind(this: This<'_, Entry>) -> i64 {
        this.kind as i64
    }

    /// The line that the block starts on.
    #[pygetter(member)]
    fn lineno(this: This<'_, Entry>) -> i64 {
        i64::from(this.line)
    }
}

/// The object of a scope and of all those inside it.
fn entry(cx: &Ctx, table: &SymbolTable, scope: &Scope) -> PyResult {
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    cx.check_stack(" during symtable construction")?;
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let text = |name| Name::new(table.names.text(name)).obj();
    let symbols = dict::new();
    for (name, symbol) in &scope.symbols {
        let flags = i64::from(symbol.flags) | (symbol.storage as i64) << SCOPE_OFFSET;
        dict::set(cx, &symbols, &text(*name), &Obj::from(flags))?;
    }
    let children: PyResult<Vec<Obj>> = scope.children.iter().map(|id| entry(cx, table, table.scope(*id))).collect();
    // Code objects show the kinds of nameless functions in angle brackets, tables without.
    let name = table.names.text(scope.name);
    let name = name.strip_prefix('<').and_then(|name| name.strip_suffix('>')).unwrap_or(name);
    let made = Entry {
        id,
        name: Obj::from(name),
        symbols,
        varnames: list::new(scope.params.iter().map(|name| text(*name)).collect()),
        children: list::new(children?),
        nested: scope.nested,
        kind: scope.kind,
        line: scope.line,
    };
    Ok(heap::new_instance(Entry::class().type_object(), made))
}

#[pymodule(name = "_symtable")]
pub(crate) mod module {
    use super::*;

    /// The scopes of a source text and their names, as the compiler sees them.
    #[pyfunction(sig = "(source, filename, startstr, /)")]
    fn symtable(cx: &Ctx, source: &Obj, filename: &Obj, startstr: &str) -> PyResult {
        let mode = match startstr {
            "exec" => Mode::Exec,
            "eval" => Mode::Eval,
            "single" => Mode::Single,
            _ => return Err(cx.value_error("symtable() arg 3 must be 'exec' or 'eval' or 'single'")),
        };
        let os = (cx.host().import)(cx, "os")?;
        let mut s = Settings::new(cx, "", mode);
        s.filename = os.call_method(cx, intern!("fsdecode"), std::slice::from_ref(filename))?;
        let is_text = source.type_of().is_str_subtype() || source.type_of().slots.buffer.get().is_some();
        if !is_text {
            return Err(cx.type_error("symtable() arg 1 must be a string or bytes object"));
        }
        let text = compile::source_text(cx, source, "symtable", &s.filename)?;
        let arena = Arena::default();
        let parsed = compile::parse_text(cx, &text, &s, &arena)?;
        compile::show_warnings(cx, &parsed.warnings, Some(parsed.source), &parsed.lines, &s)?;
        let raise = |e: cinder_syntax::SyntaxError| compile::raise_compiler_error(cx, e, &s.filename);
        let future = cinder_bytecode::future_features(&parsed.module, &parsed.lines).map_err(raise)?;
        let lazy = future.flags & cf::FUTURE_ANNOTATIONS != 0;
        let table = cinder_bytecode::symtable::build(&parsed.module, &parsed.lines, lazy, false).map_err(raise)?;
        entry(cx, &table, table.top())
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let Some(names) = cinder_pyobj::types::module::namespace(module) else {
            return Err(cx.system_error("module without namespace"));
        };
        let constants: &[(&str, i64)] = &[
            ("USE", def::USE.into()),
            ("DEF_GLOBAL", def::GLOBAL.into()),
            ("DEF_NONLOCAL", def::NONLOCAL.into()),
            ("DEF_LOCAL", def::LOCAL.into()),
            ("DEF_PARAM", def::PARAM.into()),
            ("DEF_TYPE_PARAM", def::TYPE_PARAM.into()),
            ("DEF_FREE_CLASS", def::FREE_CLASS.into()),
            ("DEF_IMPORT", def::IMPORT.into()),
            // Unlike the compiler's own set of bits, without type parameters.
            ("DEF_BOUND", (def::LOCAL | def::PARAM | def::IMPORT).into()),
            ("DEF_ANNOT", def::ANNOT.into()),
            ("DEF_COMP_ITER", def::COMP_ITER.into()),
            ("DEF_COMP_CELL", def::COMP_CELL.into()),
            ("TYPE_FUNCTION", ScopeKind::Function as i64),
            ("TYPE_CLASS", ScopeKind::Class as i64),
            ("TYPE_MODULE", ScopeKind::Module as i64),
            ("TYPE_ANNOTATION", ScopeKind::Annotation as i64),
            ("TYPE_TYPE_ALIAS", ScopeKind::TypeAlias as i64),
            ("TYPE_TYPE_PARAMETERS", ScopeKind::TypeParameters as i64),
            ("TYPE_TYPE_VARIABLE", ScopeKind::TypeVariable as i64),
            ("LOCAL", Storage::Local as i64),
            ("GLOBAL_EXPLICIT", Storage::GlobalExplicit as i64),
            ("GLOBAL_IMPLICIT", Storage::GlobalImplicit as i64),
            ("FREE", Storage::Free as i64),
            ("CELL", Storage::Cell as i64),
            ("SCOPE_OFF", i64::from(SCOPE_OFFSET)),
            ("SCOPE_MASK", (def::GLOBAL | def::LOCAL | def::PARAM | def::NONLOCAL).into()),
        ];
        for (name, value) in constants {
            dict::set(cx, &names, Name::new(name).as_obj(), &Obj::from(*value))?;
        }
        Ok(())
    }
}
