//! `with` and `async with`.

use super::unit::{BlockKind, NO_SPAN, Opnd};
use super::{Compiler, R};
use crate::op::{AwaitSite, Opcode, SpecialMethod};
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    /// The items of a with statement, one inside the other, around its body.
    #[inline(never)]
    pub(super) fn with_items(
        &mut self,
        items: &'a [WithItem<'a>],
        body: &'a [&'a Stmt<'a>],
        stmt: &'a Stmt<'a>,
        is_async: bool,
    ) -> R {
        let Some((item, rest)) = items.split_first() else { return self.conditional(body) };
        if is_async && !self.may_await() {
            return self.error(stmt.span, "'async with' outside async function");
        }
        let span = item.context_expr.span;
        // Registers: exit function, its self, then those of the enter call.
        let temp = self.u.depth;
        let exit = Opnd::Temp(temp);
        let enter = Opnd::Temp(temp + 2);
        let (exit_method, enter_method) = match is_async {
            false => (SpecialMethod::Exit, SpecialMethod::Enter),
            true => (SpecialMethod::AExit, SpecialMethod::AEnter),
        };
        self.u.set_depth(temp + 2);
        self.expr_to(item.context_expr, enter)?;
        let copy = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::Copy, copy, enter, span);
        self.u.emit(Opcode::LoadSpecial, exit, copy, Opnd::Imm(exit_method as u32), span);
        self.u.emit(Opcode::LoadSpecial, enter, enter, Opnd::Imm(enter_method as u32), span);
        self.u.set_depth(temp + 4);
        self.u.emit(Opcode::CallMethod, enter, enter, Opnd::Imm(0), span);
        self.u.set_depth(temp + 3);
        if is_async {
            self.u.emit(Opcode::GetAwaitable, enter, enter, Opnd::Imm(AwaitSite::AEnter as u32), span);
            self.delegate(temp + 2, None, span);
        }
        let (raised, end) = (self.u.label(), self.u.label());
        let reachable = self.u.reachable;
        let region = self.u.protect(raised, temp + 2);
        self.push_block(BlockKind::With { temp, span, is_async }, region, stmt.span)?;
        match item.optional_vars {
            Some(target) => self.store_to(target, enter)?,
            None => self.u.emit1(Opcode::Drop, enter, span),
        }
        self.u.depth = temp + 2;
        if rest.is_empty() {
            self.conditional(body)?;
        } else {
            self.with_items(rest, body, stmt, is_async)?;
        }
        self.pop_block();
        self.u.region = region;
        self.u.depth = temp + 2;
        self.call_exit(temp, Opnd::No, span, is_async)?;
        self.u.jump(Opcode::Jump, Opnd::No, end, span);

        // exit, self, saved exception, exception, then the window of the call.
        self.u.bind_handler(raised, reachable);
        let (saved, exc) = (Opnd::Temp(temp + 2), Opnd::Temp(temp + 3));
        let cleanup = self.u.label();
        self.u.emit1(Opcode::PushExcInfo, saved, span);
        self.u.protect(cleanup, temp + 3);
        self.u.set_depth(temp + 9);
        let window = Opnd::Temp(temp + 4);
        self.u.emit(Opcode::WithExceptArgs, window, exit, exc, span);
        self.u.emit(Opcode::CallMethod, window, window, Opnd::Imm(3), span);
        self.u.depth = temp + 5;
        if is_async {
            self.u.emit(Opcode::GetAwaitable, window, window, Opnd::Imm(AwaitSite::AExit as u32), span);
            self.delegate(temp + 4, None, span);
        }
        let suppress = self.u.label();
        self.u.jump(Opcode::JumpIfTrue, window, suppress, span);
        self.u.reraise(exc, true, span);
        self.u.bind(suppress);
        self.u.emit1(Opcode::Drop, exc, span);
        self.u.region = region;
        self.u.emit1(Opcode::PopExcept, saved, span);
        for word in [1, 0] {
            self.u.emit1(Opcode::Drop, Opnd::Temp(temp + word), span);
        }
        self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);

        self.u.bind_handler(cleanup, reachable);
        self.u.emit1(Opcode::PopExcept, saved, NO_SPAN);
        self.u.reraise(exc, false, NO_SPAN);
        self.u.depth = temp;
        self.u.bind(end);
        Ok(())
    }
}
