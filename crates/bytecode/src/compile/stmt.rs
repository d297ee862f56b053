//! Statements.

use super::unit::{BlockKind, NO_SPAN, Opnd, UnitKind};
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::{CommonConst, Opcode};
use crate::symtable::ScopeKind;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    pub(super) fn stmts(&mut self, body: &'a [&'a Stmt<'a>]) -> R {
        let interactive = self.u.interactive;
        body.iter().try_for_each(|stmt| self.stmt(stmt, interactive))
    }

    /// A block whose annotations may not be executed.
    pub(super) fn conditional(&mut self, body: &'a [&'a Stmt<'a>]) -> R {
        let saved = std::mem::replace(&mut self.u.in_conditional, true);
        self.stmts(body)?;
        self.u.in_conditional = saved;
        Ok(())
    }

    pub(super) fn stmt(&mut self, stmt: &'a Stmt<'a>, interactive: bool) -> R {
        let depth = self.u.depth;
        let span = stmt.span;
        match stmt.kind {
            StmtKind::FunctionDef(f) => self.function(f, stmt, false)?,
            StmtKind::AsyncFunctionDef(f) => self.function(f, stmt, true)?,
            StmtKind::ClassDef(class) => self.class(class, stmt)?,
            StmtKind::TypeAlias { name, type_params, value } => self.type_alias(stmt, name, type_params, value)?,
            StmtKind::Return { value } => self.return_stmt(stmt, value)?,
            StmtKind::Delete { targets } => targets.iter().try_for_each(|target| self.delete(target))?,
            StmtKind::Assign { targets, value, .. } => self.assign(targets, value)?,
            StmtKind::AugAssign { target, op, value } => self.aug_assign(stmt, target, op, value)?,
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(stmt, target, annotation, value, simple)?;
            }
            StmtKind::For(f) => self.for_stmt(f)?,
            StmtKind::AsyncFor(f) => self.async_for(f, stmt)?,
            StmtKind::While { test, body, orelse } => self.while_stmt(test, body, orelse)?,
            StmtKind::If { test, body, orelse } => self.if_stmt(test, body, orelse)?,
            StmtKind::With(w) => self.with_items(w.items, w.body, stmt, false)?,
            StmtKind::AsyncWith(w) => self.with_items(w.items, w.body, stmt, true)?,
            StmtKind::Match { subject, cases } => self.match_stmt(subject, cases)?,
            StmtKind::Raise { exc, cause } => self.raise(span, exc, cause)?,
            StmtKind::Try(t) => self.try_stmt(t, span, false)?,
            StmtKind::TryStar(t) => self.try_stmt(t, span, true)?,
            StmtKind::Assert { test, msg } => self.assert(stmt, test, msg)?,
            StmtKind::Import { names } => names.iter().try_for_each(|alias| self.import(stmt, alias))?,
            StmtKind::ImportFrom { module, names, level } => self.import_from(stmt, module, names, level)?,
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } => {}
            StmtKind::Expr { value } => self.expr_stmt(stmt, value, interactive)?,
            StmtKind::Pass => self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span),
            StmtKind::Break => self.break_stmt(span)?,
            StmtKind::Continue => self.continue_stmt(span)?,
        }
        self.u.depth = depth;
        Ok(())
    }

    fn expr_stmt(&mut self, stmt: &'a Stmt<'a>, value: &'a Expr<'a>, interactive: bool) -> R {
        if interactive {
            let operand = self.expr(value)?;
            self.u.emit1(Opcode::PrintExpr, operand, stmt.span);
            return Ok(());
        }
        if let ExprKind::Constant { .. } = value.kind {
            self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, stmt.span);
            return Ok(());
        }
        let operand = self.expr(value)?;
        match operand {
            // The discarded value has no position of its own: it goes with the expression.
            Opnd::Temp(_) => self.u.emit1(Opcode::Drop, operand, NO_SPAN),
            _ => {
                self.u.pending.clear();
                self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, stmt.span);
            }
        }
        Ok(())
    }

    fn if_stmt(&mut self, test: &'a Expr<'a>, body: &'a [&'a Stmt<'a>], orelse: &'a [&'a Stmt<'a>]) -> R {
        let end = self.u.label();
        let (mut test, mut body, mut orelse) = (test, body, orelse);
        // A cascade of elifs is a loop here, not a recursion.
        loop {
            let otherwise = if orelse.is_empty() { end } else { self.u.label() };
            self.jump_if(test, otherwise, false)?;
            self.conditional(body)?;
            if orelse.is_empty() {
                break;
            }
            self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
            self.u.bind(otherwise);
            match orelse {
                [Stmt { kind: StmtKind::If { test: t, body: b, orelse: o }, .. }] => {
                    (test, body, orelse) = (t, b, o);
                }
                _ => {
                    self.conditional(orelse)?;
                    break;
                }
            }
        }
        self.u.bind(end);
        Ok(())
    }

    fn raise(&mut self, span: Span, exc: Option<&'a Expr<'a>>, cause: Option<&'a Expr<'a>>) -> R {
        match (exc, cause) {
            (None, _) => self.u.emit(Opcode::RaiseAgain, Opnd::No, Opnd::No, Opnd::No, span),
            (Some(exc), None) => {
                let exc = self.expr(exc)?;
                self.u.emit1(Opcode::Raise, exc, span);
            }
            (Some(exc), Some(cause)) => {
                let exc = self.operand(exc, &[cause])?;
                let cause = self.expr(cause)?;
                self.u.emit2(Opcode::RaiseFrom, exc, cause, span);
            }
        }
        Ok(())
    }

    fn assert(&mut self, stmt: &'a Stmt<'a>, test: &'a Expr<'a>, msg: Option<&'a Expr<'a>>) -> R {
        let always = match test.kind {
            ExprKind::Tuple { elts, .. } => !elts.is_empty(),
            ExprKind::Constant { value: Constant::Tuple(items), .. } => !items.is_empty(),
            _ => false,
        };
        if always {
            self.warn(stmt.span, "assertion is always true, perhaps remove parentheses?");
        }
        if self.options.optimize > 0 {
            return Ok(());
        }
        let end = self.u.label();
        self.jump_if(test, end, true)?;
        let depth = self.u.depth;
        let error = Opnd::Temp(self.u.push());
        let number = Opnd::Imm(CommonConst::AssertionError as u32);
        self.u.emit2(Opcode::LoadCommonConst, error, number, stmt.span);
        if let Some(msg) = msg {
            self.u.push();
            self.expr_temp(msg)?;
            self.emit_call(depth, 1, &[], false, stmt.span, Some(error));
        }
        self.u.emit1(Opcode::Raise, error, test.span);
        self.u.depth = depth;
        self.u.bind(end);
        Ok(())
    }

    fn import(&mut self, stmt: &'a Stmt<'a>, alias: &'a Alias<'a>) -> R {
        let span = stmt.span;
        let depth = self.u.depth;
        let module = Opnd::Temp(self.u.push());
        self.import_name(module, alias.name, Const::None, 0, span);
        let mut parts = alias.name.split('.');
        let first = parts.next().unwrap_or_default();
        match alias.asname {
            None => self.store_name(first, module, span)?,
            Some(asname) => {
                for part in parts {
                    let name = self.mangle(part);
                    let name = self.u.name_index(name);
                    let inner = Opnd::Temp(self.u.push());
                    self.u.emit2(Opcode::ImportFrom, inner, module, span);
                    self.u.emit2(Opcode::Extra, Opnd::No, name, span);
                    self.u.emit1(Opcode::Drop, module, span);
                    self.u.emit2(Opcode::Move, module, inner, span);
                    self.u.depth = depth + 1;
                }
                self.store_name(asname, module, span)?;
            }
        }
        Ok(())
    }

    fn import_name(&mut self, dst: Opnd, name: &str, from: Const, level: u32, span: Span) {
        let from = self.u.konst(from);
        let from = self.near(from, span);
        let level = self.u.konst(Const::Int(level as i64));
        let level = self.near(level, span);
        let name = self.mangle(name);
        let name = self.u.name_index(name);
        self.u.emit(Opcode::ImportName, dst, from, level, span);
        self.u.emit2(Opcode::Extra, Opnd::No, name, span);
        if let Opnd::Temp(temp) = dst {
            self.u.depth = temp + 1;
        }
    }

    fn import_from(
        &mut self,
        stmt: &'a Stmt<'a>,
        module: Option<&'a str>,
        names: &'a [Alias<'a>],
        level: Option<u32>,
    ) -> R {
        let span = stmt.span;
        let level = level.unwrap_or(0);
        if module == Some("__future__") && level == 0 && self.line(span.start) > self.future.last_line {
            return self.error(span, crate::future::LATE);
        }
        let from = names.iter().map(|alias| Const::str(alias.name)).collect();
        let depth = self.u.depth;
        let imported = Opnd::Temp(self.u.push());
        self.import_name(imported, module.unwrap_or_default(), Const::Tuple(from), level, span);
        for alias in names {
            if alias.name == "*" {
                self.u.emit1(Opcode::ImportStar, imported, span);
                return Ok(());
            }
            let name = self.mangle(alias.name);
            let name = self.u.name_index(name);
            let value = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::ImportFrom, value, imported, span);
            self.u.emit2(Opcode::Extra, Opnd::No, name, span);
            self.store_name(alias.asname.unwrap_or(alias.name), value, span)?;
            self.u.depth = depth + 1;
        }
        self.u.emit1(Opcode::Drop, imported, span);
        Ok(())
    }

    fn return_stmt(&mut self, stmt: &'a Stmt<'a>, value: Option<&'a Expr<'a>>) -> R {
        let span = stmt.span;
        let scope = self.table.scope(self.u.scope);
        if scope.kind != ScopeKind::Function || self.u.kind == UnitKind::Module {
            return self.error(span, "'return' outside function");
        }
        if value.is_some() && scope.generator && scope.coroutine {
            return self.error(span, "'return' with value in async generator");
        }
        if self.u.finally.contains(&true) {
            self.warn(span, "'return' in a 'finally' block");
        }
        if self.u.blocks.iter().any(|block| matches!(block.kind, BlockKind::StarHandler)) {
            return self.leaves_star(span);
        }
        let depth = self.u.depth;
        let runs_code = self.u.blocks.iter().any(|block| {
            let kind = block.kind;
            matches!(
                kind,
                BlockKind::FinallyTry { .. } | BlockKind::With { .. } | BlockKind::Handler { name: Some(_), .. }
            )
        });
        let mut operand = match value {
            Some(value) => self.expr(value)?,
            None => self.u.konst(Const::None),
        };
        if let Opnd::Local(_) = operand
            && runs_code
        {
            let temp = Opnd::Temp(self.u.push());
            self.copy(temp, operand, span);
            operand = temp;
        }
        if value.is_none_or(|value| fold::literal(value).is_some()) && !self.u.blocks.is_empty() {
            // What leaves the blocks has the line of the statement.
            self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span);
        }
        let operand = self.near(operand, span);
        let span = self.unwind(0, operand, span)?;
        self.u.emit1(Opcode::Return, operand, span);
        self.rewind_blocks();
        self.u.depth = depth;
        Ok(())
    }

    pub(super) fn leaves_star<T>(&self, span: Span) -> R<T> {
        self.error(span, "'break', 'continue' and 'return' cannot appear in an except* block")
    }
}
