//! `try` statements.

use super::unit::{BlockKind, NO_SPAN, Opnd};
use super::{Compiler, R};
use crate::op::Opcode;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn try_stmt(&mut self, t: &'a Try<'a>, span: Span, star: bool) -> R {
        // The line of `try` itself, for tracers.
        self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span);
        if t.finalbody.is_empty() { self.try_except(t, star) } else { self.try_finally(t, star) }
    }

    fn try_finally(&mut self, t: &'a Try<'a>, star: bool) -> R {
        let temp = self.u.depth;
        let span = t.body.first().map_or(NO_SPAN, |stmt| stmt.span);
        let (raised, exit) = (self.u.label(), self.u.label());
        let reachable = self.u.reachable;
        let region = self.u.protect(raised, temp);
        self.push_block(BlockKind::FinallyTry { body: t.finalbody }, region, span)?;
        if t.handlers.is_empty() {
            self.conditional(t.body)?
        } else {
            self.try_except(t, star)?
        }
        self.pop_block();
        self.u.region = region;
        self.u.finally.push(true);
        self.conditional(t.finalbody)?;
        self.u.finally.pop();
        self.u.jump(Opcode::Jump, Opnd::No, exit, NO_SPAN);

        self.u.bind_handler(raised, reachable);
        self.u.emit1(Opcode::PushExcInfo, Opnd::Temp(temp), NO_SPAN);
        self.u.set_depth(temp + 2);
        let cleanup = self.u.label();
        self.u.protect(cleanup, temp + 1);
        self.push_block(BlockKind::FinallyEnd { temp }, region, span)?;
        self.quiet += 1;
        self.u.finally.push(true);
        let result = self.conditional(t.finalbody);
        self.u.finally.pop();
        self.quiet -= 1;
        result?;
        self.pop_block();
        self.u.reraise(Opnd::Temp(temp + 1), false, NO_SPAN);
        self.cleanup(cleanup, temp, region, reachable);
        self.u.depth = temp;
        self.u.bind(exit);
        Ok(())
    }

    /// The handler of a handler: restores the saved exception in `temp` and raises the new one in `temp + 1` again.
    fn cleanup(&mut self, cleanup: super::unit::Label, temp: u32, region: u32, reachable: bool) {
        self.u.region = region;
        self.u.bind_handler(cleanup, reachable);
        self.u.emit1(Opcode::PopExcept, Opnd::Temp(temp), NO_SPAN);
        self.u.reraise(Opnd::Temp(temp + 1), false, NO_SPAN);
    }

    fn try_except(&mut self, t: &'a Try<'a>, star: bool) -> R {
        let temp = self.u.depth;
        let span = t.body.first().map_or(NO_SPAN, |stmt| stmt.span);
        let (raised, cleanup, end) = (self.u.label(), self.u.label(), self.u.label());
        let reachable = self.u.reachable;
        let region = self.u.protect(raised, temp);
        self.push_block(BlockKind::Try, region, span)?;
        self.conditional(t.body)?;
        self.pop_block();
        self.u.region = region;
        self.conditional(t.orelse)?;
        self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);

        self.u.bind_handler(raised, reachable);
        self.u.emit1(Opcode::PushExcInfo, Opnd::Temp(temp), NO_SPAN);
        self.u.set_depth(temp + 2);
        self.u.protect(cleanup, temp + 1);
        if star {
            self.star_handlers(t, temp, region, end)?;
        } else {
            self.handlers(t, temp, region, end)?;
        }
        self.cleanup(cleanup, temp, region, reachable);
        self.u.depth = temp;
        self.u.bind(end);
        Ok(())
    }

    fn handlers(&mut self, t: &'a Try<'a>, temp: u32, region: u32, end: super::unit::Label) -> R {
        let exc = Opnd::Temp(temp + 1);
        let inside = self.u.region;
        for (at, handler) in t.handlers.iter().enumerate() {
            let next = self.u.label();
            self.u.set_depth(temp + 2);
            match handler.typ {
                Some(typ) => {
                    let operand = self.expr(typ)?;
                    let operand = self.near(operand, typ.span);
                    self.u.branch(Opcode::BrExcMatch, exc, operand, false, next, handler.span);
                }
                None if at + 1 < t.handlers.len() => {
                    return self.error(handler.span, "default 'except:' must be last");
                }
                None => {}
            }
            self.u.depth = temp + 1;
            match handler.name {
                Some(name) => {
                    self.store_name(name, exc, handler.span)?;
                    let raised = self.u.label();
                    let reachable = self.u.reachable;
                    self.u.protect(raised, temp + 1);
                    self.push_block(BlockKind::Handler { temp, name: Some(name) }, region, handler.span)?;
                    self.conditional(handler.body)?;
                    self.pop_block();
                    self.u.region = region;
                    self.u.emit1(Opcode::PopExcept, Opnd::Temp(temp), NO_SPAN);
                    self.clear_name(name, NO_SPAN)?;
                    self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
                    self.u.region = inside;
                    self.u.bind_handler(raised, reachable);
                    self.u.set_depth(temp + 2);
                    self.clear_name(name, NO_SPAN)?;
                    self.u.reraise(exc, false, NO_SPAN);
                }
                None => {
                    self.u.emit1(Opcode::Drop, exc, handler.span);
                    self.push_block(BlockKind::Handler { temp, name: None }, region, handler.span)?;
                    self.conditional(handler.body)?;
                    self.pop_block();
                    self.u.region = region;
                    self.u.emit1(Opcode::PopExcept, Opnd::Temp(temp), NO_SPAN);
                    self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
                    self.u.region = inside;
                }
            }
            self.u.bind(next);
        }
        self.u.reraise(exc, false, NO_SPAN);
        Ok(())
    }

    /// The clauses of `except*`. Registers from `temp`: saved exception, original group, list of what was raised or is
    /// left, rest of the group, match.
    fn star_handlers(&mut self, t: &'a Try<'a>, temp: u32, region: u32, end: super::unit::Label) -> R {
        let (saved, original, results) = (Opnd::Temp(temp), Opnd::Temp(temp + 1), Opnd::Temp(temp + 2));
        let (rest, matched) = (Opnd::Temp(temp + 3), Opnd::Temp(temp + 4));
        let inside = self.u.region;
        self.u.set_depth(temp + 6);
        self.u.emit(Opcode::BuildList, results, results, Opnd::Imm(0), NO_SPAN);
        self.u.emit2(Opcode::Copy, rest, original, NO_SPAN);
        for handler in t.handlers {
            let (no_match, next) = (self.u.label(), self.u.label());
            let span = handler.span;
            self.u.depth = temp + 4;
            let Some(typ) = handler.typ else { return self.error(span, "expected one or more exception types") };
            let operand = self.expr(typ)?;
            let operand = self.near(operand, typ.span);
            self.u.emit(Opcode::CheckEgMatch, rest, operand, matched, span);
            self.u.depth = temp + 5;
            let copy = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::Copy, copy, matched, span);
            self.u.jump(Opcode::JumpIfNone, copy, no_match, span);
            match handler.name {
                Some(name) => self.store_name(name, matched, span)?,
                None => self.u.emit1(Opcode::Drop, matched, span),
            }
            self.u.depth = temp + 4;
            let raised = self.u.label();
            let reachable = self.u.reachable;
            self.u.protect(raised, temp + 4);
            self.push_block(BlockKind::StarHandler, region, span)?;
            self.conditional(handler.body)?;
            self.pop_block();
            self.u.region = inside;
            if let Some(name) = handler.name {
                self.clear_name(name, NO_SPAN)?;
            }
            self.u.jump(Opcode::Jump, Opnd::No, next, NO_SPAN);
            self.u.bind_handler(raised, reachable);
            self.u.set_depth(temp + 5);
            if let Some(name) = handler.name {
                self.clear_name(name, NO_SPAN)?;
            }
            self.u.emit2(Opcode::ListAppend, results, matched, NO_SPAN);
            self.u.jump(Opcode::Jump, Opnd::No, next, NO_SPAN);
            self.u.bind(no_match);
            self.u.emit1(Opcode::Drop, matched, span);
            self.u.bind(next);
        }
        self.u.emit2(Opcode::ListAppend, results, rest, NO_SPAN);
        self.u.emit(Opcode::PrepReraiseStar, original, original, results, NO_SPAN);
        self.u.set_depth(temp + 3);
        let raise = self.u.label();
        self.u.emit2(Opcode::Copy, results, original, NO_SPAN);
        self.u.jump(Opcode::JumpIfNotNone, results, raise, NO_SPAN);
        self.u.emit1(Opcode::Drop, original, NO_SPAN);
        self.u.region = region;
        self.u.emit1(Opcode::PopExcept, saved, NO_SPAN);
        self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
        self.u.bind(raise);
        self.u.emit1(Opcode::PopExcept, saved, NO_SPAN);
        self.u.reraise(original, false, NO_SPAN);
        Ok(())
    }
}
