//! Comprehensions and generator expressions.

use super::name::Place;
use super::unit::{Cold, Opnd, Unit, UnitKind};
use super::{Compiler, R};
use crate::op::Opcode;
use crate::symtable::{Comprehension as Kind, Name, Role, ScopeId, Storage, Symbol, def, known};
use cinder_syntax::ast::*;
use rustc_hash::FxHashMap;

/// What a comprehension computes.
#[derive(Clone, Copy)]
struct Parts<'a> {
    kind: Kind,
    elt: &'a Expr<'a>,
    value: Option<&'a Expr<'a>>,
    generators: &'a [Comprehension<'a>],
}

/// A local that an inlined comprehension sets aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    pub register: Opnd,
    pub temp: Opnd,
    /// Whether the register held a cell before.
    pub was_cell: bool,
}

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn comprehension(&mut self, expr: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let parts = match expr.kind {
            ExprKind::ListComp { elt, generators } => Parts { kind: Kind::List, elt, value: None, generators },
            ExprKind::SetComp { elt, generators } => Parts { kind: Kind::Set, elt, value: None, generators },
            ExprKind::DictComp { key, value, generators } => {
                Parts { kind: Kind::Dict, elt: key, value: Some(value), generators }
            }
            ExprKind::GeneratorExp { elt, generators } => Parts { kind: Kind::Generator, elt, value: None, generators },
            _ => return self.error(expr.span, "not a comprehension"),
        };
        let Some(scope) = self.table.of(expr, Role::Body) else { return self.error(expr.span, "no scope") };
        if self.table.scope(scope).inlined {
            self.inlined(expr, scope, parts, dst)
        } else {
            self.nested(expr, scope, parts, dst)
        }
    }

    /// Evaluates the iterable of a `for` clause and makes its iterator in the next temporary.
    fn outer_iter(&mut self, generator: &'a Comprehension<'a>) -> R<Opnd> {
        let depth = self.u.depth;
        let iterable = self.expr(generator.iter)?;
        let iterable = self.near(iterable, generator.iter.span);
        let iter = self.target(depth, None);
        let op = if generator.is_async { Opcode::GetAIter } else { Opcode::GetIter };
        self.u.emit2(op, iter, iterable, generator.iter.span);
        Ok(iter)
    }

    /// A function of its own, called with the first iterator.
    fn nested(&mut self, expr: &'a Expr<'a>, scope: ScopeId, parts: Parts<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let span = expr.span;
        let depth = self.u.depth;
        let Some(first) = parts.generators.first() else { return self.error(span, "no generators") };
        let name = self.table.names.text(self.table.scope(scope).name).to_owned();
        let is_async = self.table.scope(scope).coroutine;
        self.enter(UnitKind::Comprehension, scope, &name, span.start);
        self.u.arg_count = 1;
        self.prologue();
        let container = self.container(parts.kind, span);
        let source = self.u.var(known::DOT_ZERO, false);
        let iter = Opnd::Temp(self.u.push());
        // The caller has made the iterator, which may lack `__iter__`.
        self.u.emit2(Opcode::Move, iter, Opnd::Local(source), first.iter.span);
        self.loops(parts, 0, container, Some(iter))?;
        if let Some(container) = container {
            self.u.emit1(Opcode::Return, container, span);
        }
        let code = self.finish()?;

        self.make_function(code, span)?;
        self.u.push();
        self.outer_iter(first)?;
        if is_async && parts.kind != Kind::Generator {
            let call = self.emit_call(depth, 1, &[], false, span, None);
            let site = Opnd::Imm(crate::op::AwaitSite::Await as u32);
            self.u.emit(Opcode::GetAwaitable, call, call, site, span);
            return Ok(self.delegate(depth, dst, span));
        }
        Ok(self.emit_call(depth, 1, &[], false, span, dst))
    }

    fn container(&mut self, kind: Kind, span: Span) -> Option<Opnd> {
        let op = match kind {
            Kind::List => Opcode::BuildList,
            Kind::Set => Opcode::BuildSet,
            Kind::Dict => Opcode::BuildMap,
            Kind::Generator | Kind::None => return None,
        };
        let container = Opnd::Temp(self.u.push());
        self.u.emit(op, container, container, Opnd::Imm(0), span);
        Some(container)
    }

    /// Code in the function around, with the comprehension's own variables set aside for its time.
    ///
    /// Registers from the present depth: the container, the saved variables, the first iterator.
    fn inlined(&mut self, expr: &'a Expr<'a>, scope: ScopeId, parts: Parts<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let span = expr.span;
        let depth = self.u.depth;
        let Some(first) = parts.generators.first() else { return self.error(span, "no generators") };
        let in_class = self.u.kind == UnitKind::Class && self.u.overlays.is_empty();
        let mut overlay: FxHashMap<Name, Symbol> = FxHashMap::default();
        let mut own: Vec<Name> = Vec::new();
        for (&name, &symbol) in &self.table.scope(scope).symbols {
            let bound = symbol.flags & def::LOCAL != 0 && symbol.flags & def::NONLOCAL == 0;
            if symbol.flags & def::PARAM != 0 {
                continue;
            }
            // A name that is global here may be a variable of another comprehension inlined into the same function.
            let global = matches!(symbol.storage, Storage::GlobalImplicit | Storage::GlobalExplicit);
            if bound || in_class || global {
                overlay.insert(name, symbol);
            }
            if bound && matches!(symbol.storage, Storage::Local | Storage::Cell) {
                own.push(name);
            }
        }
        let iter_slot = depth + 1 + own.len() as u32;
        self.u.set_depth(iter_slot);
        let iter = self.outer_iter(first)?;
        self.u.depth = depth;
        let container = self.container(parts.kind, span);
        self.u.depth = iter_slot + 1;
        self.u.overlays.push(overlay);
        let mut saved = Vec::with_capacity(own.len());
        for (at, &name) in own.iter().enumerate() {
            let temp = Opnd::Temp(depth + 1 + at as u32);
            let (register, was_cell) = match self.place(name) {
                Place::Fast(var) => {
                    self.u.set_unbound(var);
                    (Opnd::Local(var), false)
                }
                Place::Deref(cell @ Opnd::Cell(index)) => (cell, self.u.made_cells.contains(&index)),
                _ => continue,
            };
            let take = if was_cell { Opcode::TakeCell } else { Opcode::TakeLocal };
            if Unit::is_near(register) {
                self.u.emit2(take, temp, register, span);
            } else {
                self.u.emit2(Opcode::TakeFar, temp, register, span);
            }
            if let Opnd::Cell(index) = register {
                self.u.emit1(Opcode::MakeCell, register, span);
                self.u.made_cells.insert(index);
            }
            saved.push(Saved { register, temp, was_cell });
        }
        let raised = self.u.label();
        let reachable = self.u.reachable;
        let region = self.u.protect(raised, iter_slot);
        self.loops(parts, 0, container, Some(iter))?;
        self.u.region = region;
        self.u.overlays.pop();
        self.restore(&saved, span);
        for saved in &saved {
            match saved.register {
                Opnd::Local(var) => self.u.set_unbound(var),
                Opnd::Cell(index) if !saved.was_cell => {
                    self.u.made_cells.remove(&index);
                }
                _ => {}
            }
        }
        if reachable {
            let exc = Opnd::Temp(iter_slot);
            self.u.cold.push(Cold::Comprehension { raised, container, saved, exc, span, region });
        }
        Ok(self.hand_over(depth, dst, span))
    }

    pub(super) fn restore(&mut self, saved: &[Saved], span: Span) {
        for saved in saved.iter().rev() {
            if Unit::is_near(saved.register) {
                let restore = if saved.was_cell { Opcode::RestoreCell } else { Opcode::RestoreLocal };
                self.u.emit2(restore, saved.register, saved.temp, span);
            } else {
                self.u.emit2(Opcode::RestoreFar, saved.temp, saved.register, span);
            }
        }
    }

    /// The loop of `for` clause number `at` and those inside it; `first` is its iterator if it exists already, in the
    /// temporary on top.
    fn loops(&mut self, parts: Parts<'a>, at: usize, container: Option<Opnd>, first: Option<Opnd>) -> R {
        let Some(generator) = parts.generators.get(at) else { return self.element(parts, container) };
        let depth = self.u.depth - u32::from(first.is_some());
        // `for x in [value]` only names a value.
        if first.is_none()
            && !generator.is_async
            && let ExprKind::List { elts: [only], .. } | ExprKind::Tuple { elts: [only], .. } = generator.iter.kind
            && !matches!(only.kind, ExprKind::Starred { .. })
        {
            let value = self.expr_temp(only)?;
            self.store_to(generator.target, value)?;
            self.u.depth = depth;
            let next = self.u.label();
            for condition in generator.ifs {
                self.jump_if(condition, next, false)?;
            }
            self.loops(parts, at + 1, container, None)?;
            self.u.bind(next);
            return Ok(());
        }
        let iter = match first {
            Some(iter) => iter,
            None => self.outer_iter(generator)?,
        };
        let (head, next, done) = (self.u.label(), self.u.label(), self.u.label());
        let span = generator.iter.span;
        self.u.bind_head(head);
        let reachable = self.u.reachable;
        if generator.is_async {
            let item = self.async_next(iter, done, span)?;
            self.store_to(generator.target, item)?;
            self.u.depth = depth + 1;
        } else {
            self.for_target(generator.target, iter, done, span)?;
        }
        for condition in generator.ifs {
            self.jump_if(condition, next, false)?;
        }
        self.loops(parts, at + 1, container, None)?;
        self.u.bind(next);
        self.u.jump(Opcode::JumpBackward, Opnd::No, head, parts.elt.span);
        if generator.is_async {
            self.u.bind_handler(done, reachable);
            self.u.emit2(Opcode::EndAsyncFor, iter, Opnd::Temp(depth + 1), span);
        } else {
            self.u.bind(done);
        }
        self.u.depth = depth;
        Ok(())
    }

    fn element(&mut self, parts: Parts<'a>, container: Option<Opnd>) -> R {
        let depth = self.u.depth;
        let span = parts.elt.span;
        match (parts.value, container) {
            (Some(value), Some(dict)) => {
                let k = self.operand(parts.elt, &[value])?;
                let v = self.expr(value)?;
                let span = Span::new(span.start, value.span.end);
                self.u.emit(Opcode::MapAdd, dict, k, v, span);
            }
            (None, Some(container)) => {
                let value = self.expr(parts.elt)?;
                let op = if parts.kind == Kind::List { Opcode::ListAppend } else { Opcode::SetAdd };
                self.u.emit2(op, container, value, span);
            }
            _ => {
                let mut value = self.expr(parts.elt)?;
                if self.table.scope(self.u.scope).coroutine {
                    self.u.depth = depth;
                    let wrapped = Opnd::Temp(self.u.push());
                    self.u.emit2(Opcode::AsyncGenWrap, wrapped, value, span);
                    value = wrapped;
                }
                self.u.depth = depth;
                let sent = Opnd::Temp(self.u.push());
                self.u.emit2(Opcode::Yield, sent, value, span);
                self.u.emit1(Opcode::Drop, sent, span);
            }
        }
        self.u.depth = depth;
        Ok(())
    }
}
