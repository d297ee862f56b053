//! The compiler: AST and symbol table to code objects.
//!
//! One walk over the tree emits instructions with operands that still name variables, labels and pool entries
//! ([`mod@unit`]); [`assemble`] then threads jumps, drops padding and encodes. Temporaries are allocated as a stack: an
//! expression's value is a temporary at the current depth, or, without any instruction, a local or constant operand.
//! Which locals are certainly bound is tracked along the walk, so that direct operands need no check.

mod annotations;
mod assemble;
mod call;
mod class;
mod compare;
mod comprehension;
mod control;
mod display;
mod expr;
mod fold;
mod function;
mod generic;
mod handlers;
mod name;
mod pattern;
mod pattern_containers;
mod rebind;
mod stmt;
mod string;
mod suspend;
mod target;
mod unit;
mod unparse;
mod with;

use crate::code::{Code, Const, flags};
use crate::error::{error_at, warning_at};
use crate::future::{Future, docstring, future_features};
use crate::op::{FunctionAttr, Opcode};
use crate::symtable::{self, Name, ScopeId, ScopeKind, Storage, SymbolTable, known};
use cinder_syntax::ast::*;
use cinder_syntax::{SyntaxError, Warning};
use std::sync::Arc;
use unit::{BlockKind, Cold, NO_SPAN, Opnd, Unit, UnitKind};

/// The compiler's results: an error stops the compilation.
type R<T = ()> = Result<T, SyntaxError>;

/// How to compile.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// `co_filename`.
    pub filename: Arc<str>,
    /// 0: as written; 1 (`-O`): no asserts, `__debug__` is false; 2 (`-OO`): no docstrings either.
    pub optimize: u8,
    /// Future features in force from outside (bits of [`flags`]).
    pub future: u32,
    /// Whether `await`, `async for` and `async with` may stand at the top level (`PyCF_ALLOW_TOP_LEVEL_AWAIT`).
    pub top_level_await: bool,
}

impl CompileOptions {
    /// Options for a file, with everything else off.
    pub fn new(filename: &str) -> CompileOptions {
        CompileOptions { filename: filename.into(), optimize: 0, future: 0, top_level_await: false }
    }
}

/// What compiling gives.
#[derive(Debug)]
pub struct Compiled {
    /// The code of the module.
    pub code: Arc<Code>,
    /// SyntaxWarnings, in source order of their constructs.
    pub warnings: Vec<Warning>,
}

/// Compiles a tree.
///
/// # Errors
/// The SyntaxErrors of future statements, scoping and code generation.
pub fn compile(module: &Mod<'_>, lines: &LineIndex, options: &CompileOptions) -> Result<Compiled, SyntaxError> {
    with_stack_for(module, || {
        let future = future_features(module, lines)?;
        let future = Future { flags: future.flags | options.future, ..future };
        let lazy = future.flags & flags::FUTURE_ANNOTATIONS != 0;
        let table = symtable::build::build_here(module, lines, lazy, options.top_level_await)?;
        let mut compiler = Compiler {
            table,
            lines,
            cursor: lines.cursor(),
            options,
            future,
            warnings: Vec::new(),
            u: Unit::new(UnitKind::Module, ScopeId(0), "<module>".to_owned(), 1),
            outer: Vec::new(),
            quiet: 0,
        };
        let code = compiler.module(module)?;
        Ok(Compiled { code: Arc::new(code), warnings: compiler.warnings })
    })
}

/// Runs `f` with enough native stack for recursive walks over `module`.
pub fn with_stack_for<T: Send>(module: &Mod<'_>, f: impl FnOnce() -> T + Send) -> T {
    /// Trees up to this depth fit any thread's stack.
    const SHALLOW: u32 = 100;
    /// Native stack per level, for the largest frames of unoptimised builds.
    const PER_LEVEL: usize = 10 << 10;
    let depth = match *module {
        Mod::Module { body, .. } | Mod::Interactive { body } => body.iter().map(|stmt| stmt.depth()).max().unwrap_or(0),
        Mod::Expression { body } => body.depth(),
        Mod::FunctionType { .. } => 0,
    };
    if depth <= SHALLOW {
        return f();
    }
    let slot = std::sync::Mutex::new(Some(f));
    let run = || slot.lock().ok().and_then(|mut slot| slot.take()).map(|f| f());
    let result = std::thread::scope(|scope| {
        let size = (2 << 20) + depth as usize * PER_LEVEL;
        match std::thread::Builder::new().stack_size(size).spawn_scoped(scope, run) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // Without a thread the present stack has to do.
            Err(_) => run(),
        }
    });
    match result {
        Some(result) => result,
        None => unreachable!("the closure is run exactly once"),
    }
}

struct Compiler<'a, 'o> {
    table: SymbolTable,
    lines: &'o LineIndex,
    cursor: LineCursor<'o>,
    options: &'o CompileOptions,
    future: Future,
    warnings: Vec<Warning>,
    /// The unit being compiled.
    u: Unit<'a>,
    /// Those around it, outermost first.
    outer: Vec<Unit<'a>>,
    /// Above zero while code is compiled a second time (finally blocks), so that it warns once.
    quiet: u32,
}

impl<'a> Compiler<'a, '_> {
    // ---- Errors and positions -------------------------------------------------------------------------------------

    fn error<T>(&self, span: Span, msg: impl Into<String>) -> R<T> {
        Err(error_at(self.lines, span, msg))
    }

    fn warn(&mut self, span: Span, msg: impl Into<String>) {
        if self.quiet == 0 {
            let warning = warning_at(self.lines, span, msg);
            self.warnings.push(warning);
        }
    }

    fn line(&mut self, offset: u32) -> u32 {
        self.cursor.location(offset).line
    }

    // ---- Units ----------------------------------------------------------------------------------------------------

    /// Starts a unit inside the current one; its first line is that of the source offset `start`.
    fn enter(&mut self, kind: UnitKind, scope: ScopeId, name: &str, start: u32) {
        let mut unit = Unit::new(kind, scope, name.to_owned(), self.line(start));
        unit.start = Span::new(start, start);
        unit.private = self.u.private;
        let outer = std::mem::replace(&mut self.u, unit);
        self.outer.push(outer);
        self.u.qualname = self.qualname_as(kind, name);
        let table = self.table.scope(scope);
        self.u.hazards = table.has_walrus || table.generator || table.coroutine;
        self.u.deleted = table.deleted.iter().copied().collect();
        let params = table.params.clone();
        let mut cells: Vec<Name> = Vec::new();
        let mut frees: Vec<Name> = Vec::new();
        for (&name, symbol) in &table.symbols {
            let comp_cell = symbol.flags & symtable::def::COMP_CELL != 0;
            if symbol.storage == Storage::Cell || comp_cell {
                cells.push(name);
            }
            if symbol.storage == Storage::Free || symbol.flags & symtable::def::FREE_CLASS != 0 {
                frees.push(name);
            }
        }
        let needs = [
            (table.needs_class_closure, known::CLASS),
            (table.needs_classdict, known::CLASSDICT),
            (table.has_conditional_annotations && kind == UnitKind::Class, known::CONDITIONAL_ANNOTATIONS),
        ];
        let names = &self.table.names;
        let by_text = |a: &Name, b: &Name| names.text(*a).cmp(names.text(*b));
        cells.sort_unstable_by(by_text);
        frees.sort_unstable_by(by_text);
        cells.extend(needs.into_iter().filter(|need| need.0).map(|need| need.1));
        self.u.cells.extend(cells);
        self.u.frees.extend(frees);
        for name in params {
            let var = self.u.var(name, false);
            self.u.set_bound(var);
        }
    }

    /// Instructions at the start of a unit: cells, free variables, generator.
    fn prologue(&mut self) {
        let span = self.u.start;
        self.u.emit(Opcode::Resume, Opnd::No, Opnd::No, Opnd::No, NO_SPAN);
        for index in 0..self.u.cells.len() as u32 {
            // In classes and modules an inlined comprehension makes the cell of its own variable itself.
            let name = self.u.cells[index as usize];
            let of_class = [known::CLASS, known::CLASSDICT, known::CONDITIONAL_ANNOTATIONS].contains(&name);
            if self.table.scope(self.u.scope).is_function_like() || of_class {
                self.u.emit1(Opcode::MakeCell, Opnd::Cell(index), span);
                self.u.made_cells.insert(index);
            }
        }
        if !self.u.frees.is_empty() {
            let count = Opnd::Imm(self.u.frees.len() as u32);
            self.u.emit1(Opcode::CopyFreeVars, count, span);
        }
        let scope = self.table.scope(self.u.scope);
        if scope.is_function_like() && (scope.generator || scope.coroutine) || self.is_top_level_coroutine() {
            self.u.emit(Opcode::ReturnGenerator, Opnd::No, Opnd::No, Opnd::No, span);
            let handler = self.u.label();
            let region = self.u.protect(handler, 0);
            self.u.blocks.push(unit::Block { kind: BlockKind::Generator, region });
        }
    }

    fn is_top_level_coroutine(&self) -> bool {
        self.u.kind == UnitKind::Module && self.options.top_level_await && self.table.top().coroutine
    }

    /// Ends the current unit (with `return None` where control can reach the end) and returns its code.
    fn finish(&mut self) -> R<Code> {
        let none = self.u.konst(Const::None);
        self.u.emit1(Opcode::Return, none, NO_SPAN);
        for cold in std::mem::take(&mut self.u.cold) {
            match cold {
                Cold::Delegation { thrown, end, result, iter, value, span, region } => {
                    self.u.region = region;
                    self.u.bind_handler(thrown, true);
                    self.u.emit(Opcode::CleanupThrow, result, iter, value, span);
                    self.u.jump(Opcode::JumpBackwardNoPoll, Opnd::No, end, span);
                }
                Cold::Comprehension { raised, container, saved, exc, span, region } => {
                    self.u.region = region;
                    self.u.bind_handler(raised, true);
                    if let Some(container) = container {
                        self.u.emit1(Opcode::Drop, container, span);
                    }
                    self.restore(&saved, span);
                    self.u.reraise(exc, false, span);
                }
            }
        }
        if let Some(unit::Block { kind: BlockKind::Generator, region }) = self.u.blocks.pop() {
            let protected = self.u.regions[1];
            self.u.region = region;
            self.u.bind_handler(protected.handler, true);
            self.u.set_depth(1);
            self.u.emit1(Opcode::StopIterationError, Opnd::Temp(0), NO_SPAN);
            self.u.reraise(Opnd::Temp(0), false, NO_SPAN);
        }
        let flags = self.flags();
        let outer = self.outer.pop();
        let unit = match outer {
            Some(outer) => std::mem::replace(&mut self.u, outer),
            None => {
                let empty = Unit::new(UnitKind::Module, ScopeId(0), String::new(), 1);
                std::mem::replace(&mut self.u, empty)
            }
        };
        let context = assemble::Context {
            names: &self.table.names,
            lines: self.lines,
            filename: &self.options.filename,
            flags,
            start: unit.start,
            annotations: self.table.scope(unit.scope).kind == ScopeKind::Annotation,
            module: unit.kind == UnitKind::Module,
        };
        assemble::assemble(unit, &context)
    }

    fn flags(&self) -> u32 {
        let scope = self.table.scope(self.u.scope);
        let mut bits = self.future.flags & flags::FUTURE_MASK;
        if scope.is_function_like() {
            bits |= flags::NEWLOCALS | flags::OPTIMIZED;
            for (on, flag) in [
                (scope.nested, flags::NESTED),
                (scope.generator && !scope.coroutine, flags::GENERATOR),
                (!scope.generator && scope.coroutine, flags::COROUTINE),
                (scope.generator && scope.coroutine, flags::ASYNC_GENERATOR),
                (scope.varargs, flags::VARARGS),
                (scope.varkeywords, flags::VARKEYWORDS),
                (scope.method, flags::METHOD),
            ] {
                if on {
                    bits |= flag;
                }
            }
        }
        if self.is_top_level_coroutine() {
            bits |= flags::COROUTINE;
        }
        bits
    }

    /// `co_qualname` of a unit of this kind and name in the place of the current one, from those around it.
    fn qualname_as(&self, kind: UnitKind, name: &str) -> String {
        let name = name.to_owned();
        let mut around = self.outer.len();
        let mut parent = match around.checked_sub(1) {
            Some(at) if at > 0 => &self.outer[at],
            _ => return name,
        };
        if matches!(parent.kind, UnitKind::TypeParams | UnitKind::Annotations) {
            around -= 1;
            if around <= 1 {
                return name;
            }
            parent = &self.outer[around - 1];
        }
        let defines = matches!(kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class);
        if defines {
            let mut text = name.as_str();
            let mangled;
            if text.starts_with("__")
                && !text.ends_with("__")
                && let Some(class) = self.u.private
            {
                let class = self.table.names.text(class).trim_start_matches('_');
                mangled = format!("_{class}{text}");
                text = &mangled;
            }
            let found = self.table.names.find(text);
            let scope = self.table.scope(parent.scope);
            if found.is_some_and(|name| scope.storage(name) == Storage::GlobalExplicit) {
                return name;
            }
        }
        let function = matches!(parent.kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda);
        let base = if function { format!("{}.<locals>", parent.qualname) } else { parent.qualname.clone() };
        format!("{base}.{name}")
    }

    /// Makes a function of `code` in a new temporary, with its closure.
    fn make_function(&mut self, code: Code, span: Span) -> R<Opnd> {
        let freevars: Vec<Arc<str>> = code.freevars().cloned().collect();
        let constant = self.u.konst(Const::Code(Arc::new(code)));
        let function = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::MakeFunction, function, constant, span);
        if !freevars.is_empty() {
            let window = self.u.depth;
            for text in &freevars {
                let name = self.table.names.intern(text);
                let cell = self.closure_cell(name, span)?;
                let slot = Opnd::Temp(self.u.push());
                self.u.emit2(Opcode::LoadClosure, slot, cell, span);
            }
            let count = Opnd::Imm(freevars.len() as u32);
            self.u.set_depth(window);
            let tuple = Opnd::Temp(window);
            self.u.emit(Opcode::BuildTuple, tuple, tuple, count, span);
            self.u.max_depth = self.u.max_depth.max(window + 1);
            self.set_function_attr(function, tuple, FunctionAttr::Closure, span);
        }
        Ok(function)
    }

    fn set_function_attr(&mut self, function: Opnd, value: Opnd, attr: FunctionAttr, span: Span) {
        self.u.emit(Opcode::SetFunctionAttr, function, value, Opnd::Imm(attr as u32), span);
    }

    // ---- Modules --------------------------------------------------------------------------------------------------

    fn module(&mut self, module: &Mod<'a>) -> R<Code> {
        self.u.qualname = "<module>".to_owned();
        let scope = self.table.top();
        self.u.hazards = scope.has_walrus || scope.generator || scope.coroutine;
        let cells: Vec<Name> = scope
            .symbols
            .iter()
            .filter(|(_, symbol)| symbol.flags & symtable::def::COMP_CELL != 0)
            .map(|(&name, _)| name)
            .collect();
        self.u.cells.extend(cells);
        self.prologue();
        match *module {
            Mod::Module { body, .. } => self.module_body(body, false)?,
            Mod::Interactive { body } => self.module_body(body, true)?,
            Mod::Expression { body } => {
                let value = self.expr(body)?;
                self.u.emit1(Opcode::Return, value, NO_SPAN);
            }
            Mod::FunctionType { .. } => {
                return self.error(Span::default(), "this compiler does not handle FunctionTypes");
            }
        }
        self.finish()
    }

    fn module_body(&mut self, body: &'a [&'a Stmt<'a>], interactive: bool) -> R {
        let start = body.first().map_or(Span::default(), |stmt| stmt.span);
        self.u.interactive = interactive;
        if self.table.top().has_conditional_annotations {
            let set = Opnd::Temp(self.u.depth);
            self.u.max_depth = self.u.max_depth.max(1);
            self.u.emit(Opcode::BuildSet, set, set, Opnd::Imm(0), start);
            let name = self.u.name_index(known::CONDITIONAL_ANNOTATIONS);
            self.u.emit2(Opcode::StoreName, set, name, start);
        }
        // The module's annotate function must exist before the body runs, but its code is known only afterwards.
        let lazy = self.future.flags & flags::FUTURE_ANNOTATIONS == 0;
        let placeholder = self.table.top().annotations.filter(|_| lazy).map(|_| {
            let at = self.u.ins.len();
            for _ in 0..2 {
                self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, start);
            }
            at
        });
        self.body(body, interactive)?;
        if let Some(at) = placeholder {
            self.module_annotate(at, start)?;
        }
        Ok(())
    }

    /// Statements of a module or class, the docstring first.
    fn body(&mut self, body: &'a [&'a Stmt<'a>], interactive: bool) -> R {
        let has_annotations = self.table.scope(self.u.scope).annotations.is_some();
        if self.future.flags & flags::FUTURE_ANNOTATIONS != 0 && has_annotations {
            self.u.emit(Opcode::SetupAnnotations, Opnd::No, Opnd::No, Opnd::No, NO_SPAN);
        }
        let mut rest = body;
        if !interactive
            && let Some(text) = docstring(body)
            && let Some((first, others)) = body.split_first()
        {
            rest = others;
            if self.options.optimize < 2 {
                let doc = self.docstring_const(text);
                self.store_known(known::DOC, doc, first.span)?;
            }
        }
        for stmt in rest {
            self.stmt(stmt, interactive)?;
        }
        Ok(())
    }

    /// The docstring as a constant, with its indentation cleaned.
    fn docstring_const(&mut self, text: StrValue<'a>) -> Opnd {
        let clean = string::clean_doc(text.as_bytes());
        self.u.konst(Const::Str(clean.into()))
    }

    fn store_known(&mut self, name: Name, value: Opnd, span: Span) -> R {
        let value = self.near(value, span);
        let index = self.u.name_index(name);
        self.u.emit2(Opcode::StoreName, value, index, span);
        Ok(())
    }

    /// Whether the current scope is an async function (or awaits at the top level).
    fn may_await(&self) -> bool {
        self.table.scope(self.u.scope).kind == ScopeKind::Function && self.table.scope(self.u.scope).coroutine
            || self.is_top_level_coroutine()
    }
}
