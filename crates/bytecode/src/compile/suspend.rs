//! `yield`, `yield from` and `await`.

use super::unit::{Cold, Opnd};
use super::{Compiler, R};
use crate::code::Const;
use crate::op::Opcode;
use crate::symtable::ScopeKind;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn yield_expr(&mut self, expr: &'a Expr<'a>, value: Option<&'a Expr<'a>>, dst: Option<Opnd>) -> R<Opnd> {
        self.check_yield(expr)?;
        let depth = self.u.depth;
        let mut value = match value {
            Some(value) => self.expr(value)?,
            None => self.u.konst(Const::None),
        };
        if self.table.scope(self.u.scope).coroutine {
            self.u.depth = depth;
            let wrapped = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::AsyncGenWrap, wrapped, value, expr.span);
            value = wrapped;
        }
        let dst = self.target(depth, dst);
        self.u.emit2(Opcode::Yield, dst, value, expr.span);
        Ok(dst)
    }

    fn check_yield(&mut self, expr: &Expr) -> R {
        if self.table.scope(self.u.scope).kind != ScopeKind::Function {
            let what = if matches!(expr.kind, ExprKind::YieldFrom { .. }) { "yield from" } else { "yield" };
            return self.error(expr.span, format!("'{what}' outside function"));
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn yield_from(&mut self, expr: &'a Expr<'a>, value: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        self.check_yield(expr)?;
        if self.table.scope(self.u.scope).coroutine {
            return self.error(expr.span, "'yield from' inside async function");
        }
        let depth = self.u.depth;
        let value = self.expr(value)?;
        self.u.depth = depth;
        let iter = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::GetYieldFromIter, iter, value, expr.span);
        Ok(self.delegate(depth, dst, expr.span))
    }

    #[inline(never)]
    pub(super) fn await_expr(&mut self, expr: &'a Expr<'a>, value: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        let value = self.expr(value)?;
        self.u.depth = depth;
        let iter = Opnd::Temp(self.u.push());
        let site = Opnd::Imm(crate::op::AwaitSite::Await as u32);
        self.u.emit(Opcode::GetAwaitable, iter, value, site, expr.span);
        Ok(self.delegate(depth, dst, expr.span))
    }

    /// The loop that runs the iterator in temporary `depth` (on top) to its end, passing on what it yields.
    pub(super) fn delegate(&mut self, depth: u32, dst: Option<Opnd>, span: Span) -> Opnd {
        let iter = Opnd::Temp(depth);
        let value = Opnd::Temp(self.u.push());
        let none = self.u.konst(Const::None);
        self.copy(value, none, span);
        let (head, thrown, end) = (self.u.label(), self.u.label(), self.u.label());
        self.u.bind_head(head);
        self.u.emit(Opcode::Send, value, iter, Opnd::Imm(2), span);
        let region = self.u.protect(thrown, depth + 1);
        self.u.emit2(Opcode::YieldDelegate, value, iter, span);
        self.u.region = region;
        let reachable = self.u.reachable;
        self.u.jump(Opcode::JumpBackwardNoPoll, Opnd::No, head, span);
        self.u.reachable = reachable;
        let result = self.target(depth, dst);
        self.u.emit(Opcode::EndSend, result, iter, value, span);
        self.u.bind(end);
        if reachable {
            self.u.cold.push(Cold::Delegation { thrown, end, result, iter, value, span, region });
        }
        result
    }
}
