//! Loops, and leaving blocks by `return`, `break` and `continue`.

use super::name::Place;
use super::unit::{Block, BlockKind, NO_SPAN, Opnd, Unit};
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::{AwaitSite, Opcode};
use cinder_syntax::ast::*;

/// How deep blocks may be nested.
const MOST_BLOCKS: usize = 40;

impl<'a> Compiler<'a, '_> {
    /// Enters a construct that jumps must leave properly; `region` is the one around it.
    pub(super) fn push_block(&mut self, kind: BlockKind<'a>, region: u32, span: Span) -> R {
        if self.u.blocks.len() >= MOST_BLOCKS {
            return self.error(span, "too many statically nested blocks");
        }
        self.u.blocks.push(Block { kind, region });
        Ok(())
    }

    pub(super) fn pop_block(&mut self) {
        self.u.blocks.pop();
    }

    #[inline(never)]
    pub(super) fn for_stmt(&mut self, f: &'a For<'a>) -> R {
        let depth = self.u.depth;
        let iterable = match f.iter.kind {
            ExprKind::List { elts, .. } if fold::const_items(elts).is_some() => {
                let items = fold::const_items(elts).unwrap_or_default();
                let value = self.u.konst(Const::Tuple(items.into()));
                self.deliver(value, f.iter.span, None)
            }
            _ => self.expr(f.iter)?,
        };
        let iter = self.target(depth, None);
        self.u.emit2(Opcode::GetIter, iter, iterable, f.iter.span);
        let (head, exhausted, exit) = (self.u.label(), self.u.label(), self.u.label());
        self.push_block(BlockKind::For { head, exit, iter: depth }, self.u.region, f.iter.span)?;
        self.u.bind_head(head);
        self.for_target(f.target, iter, exhausted, f.iter.span)?;
        self.u.finally.push(false);
        self.conditional(f.body)?;
        self.u.finally.pop();
        self.u.jump(Opcode::JumpBackward, Opnd::No, head, NO_SPAN);
        self.pop_block();
        self.u.depth = depth;
        self.u.bind(exhausted);
        self.conditional(f.orelse)?;
        self.u.bind(exit);
        Ok(())
    }

    /// Takes the next item of `iter` (on top) into a target, or goes to `exhausted`.
    pub(super) fn for_target(
        &mut self,
        target: &'a Expr<'a>,
        iter: Opnd,
        exhausted: super::unit::Label,
        span: Span,
    ) -> R {
        let depth = self.u.depth;
        if let ExprKind::Name { id, .. } = target.kind {
            let name = self.mangle(id);
            if let Place::Fast(var) = self.place(name)
                && Unit::is_near(Opnd::Local(var))
            {
                self.u.branch(Opcode::ForIter, Opnd::Local(var), iter, false, exhausted, span);
                self.u.set_bound(var);
                self.u.absorb(target.span);
                return Ok(());
            }
        }
        let item = Opnd::Temp(self.u.push());
        self.u.branch(Opcode::ForIter, item, iter, false, exhausted, span);
        self.store_to(target, item)?;
        self.u.depth = depth;
        Ok(())
    }

    #[inline(never)]
    pub(super) fn async_for(&mut self, f: &'a For<'a>, stmt: &'a Stmt<'a>) -> R {
        if !self.may_await() {
            return self.error(stmt.span, "'async for' outside async function");
        }
        let depth = self.u.depth;
        let span = f.iter.span;
        let iterable = self.expr(f.iter)?;
        let iter = self.target(depth, None);
        self.u.emit2(Opcode::GetAIter, iter, iterable, span);
        let (head, ended, exit) = (self.u.label(), self.u.label(), self.u.label());
        self.push_block(BlockKind::AsyncFor { head, exit, iter: depth }, self.u.region, span)?;
        self.u.bind_head(head);
        let reachable = self.u.reachable;
        let item = self.async_next(iter, ended, span)?;
        self.store_to(f.target, item)?;
        self.u.depth = depth + 1;
        self.u.finally.push(false);
        self.conditional(f.body)?;
        self.u.finally.pop();
        self.u.jump(Opcode::JumpBackward, Opnd::No, head, NO_SPAN);
        self.pop_block();
        self.u.bind_handler(ended, reachable);
        self.u.emit2(Opcode::EndAsyncFor, iter, Opnd::Temp(depth + 1), span);
        self.u.depth = depth;
        self.conditional(f.orelse)?;
        self.u.bind(exit);
        Ok(())
    }

    /// Awaits the next item of the async iterator on top; exceptions go to `ended`.
    pub(super) fn async_next(&mut self, iter: Opnd, ended: super::unit::Label, span: Span) -> R<Opnd> {
        let depth = self.u.depth;
        let region = self.u.protect(ended, depth);
        let item = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::GetANext, item, iter, span);
        let item = self.delegate(depth, None, span);
        self.u.region = region;
        Ok(item)
    }

    #[inline(never)]
    pub(super) fn while_stmt(&mut self, test: &'a Expr<'a>, body: &'a [&'a Stmt<'a>], orelse: &'a [&'a Stmt<'a>]) -> R {
        let (head, otherwise, exit) = (self.u.label(), self.u.label(), self.u.label());
        self.push_block(BlockKind::While { head, exit }, self.u.region, test.span)?;
        self.u.bind_head(head);
        self.jump_if(test, otherwise, false)?;
        self.u.finally.push(false);
        self.conditional(body)?;
        self.u.finally.pop();
        self.u.jump(Opcode::JumpBackward, Opnd::No, head, NO_SPAN);
        self.pop_block();
        self.u.bind(otherwise);
        self.conditional(orelse)?;
        self.u.bind(exit);
        Ok(())
    }

    /// The innermost loop's place among the blocks; jumps may not cross an `except*` clause.
    fn innermost_loop(&self, span: Span) -> R<Option<usize>> {
        for (at, block) in self.u.blocks.iter().enumerate().rev() {
            match block.kind {
                BlockKind::For { .. } | BlockKind::While { .. } | BlockKind::AsyncFor { .. } => return Ok(Some(at)),
                BlockKind::StarHandler => return self.leaves_star(span),
                _ => {}
            }
        }
        Ok(None)
    }

    fn warn_in_finally(&mut self, span: Span, what: &str) {
        // A finally block inside the loop is the last of the two.
        if self.u.finally.last() == Some(&true) {
            self.warn(span, format!("'{what}' in a 'finally' block"));
        }
    }

    pub(super) fn break_stmt(&mut self, span: Span) -> R {
        self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span);
        let Some(at) = self.innermost_loop(span)? else { return self.error(span, "'break' outside loop") };
        self.warn_in_finally(span, "break");
        let depth = self.u.depth;
        let kind = self.u.blocks[at].kind;
        let span = self.unwind(at, Opnd::No, span)?;
        if let BlockKind::While { exit, .. } | BlockKind::For { exit, .. } | BlockKind::AsyncFor { exit, .. } = kind {
            self.u.jump(Opcode::Jump, Opnd::No, exit, span);
        }
        self.rewind_blocks();
        self.u.depth = depth;
        Ok(())
    }

    pub(super) fn continue_stmt(&mut self, span: Span) -> R {
        self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span);
        let Some(at) = self.innermost_loop(span)? else {
            return self.error(span, "'continue' not properly in loop");
        };
        self.warn_in_finally(span, "continue");
        let depth = self.u.depth;
        let kind = self.u.blocks[at].kind;
        let span = self.unwind(at + 1, Opnd::No, span)?;
        if let BlockKind::While { head, .. } | BlockKind::For { head, .. } | BlockKind::AsyncFor { head, .. } = kind {
            self.u.jump(Opcode::JumpBackward, Opnd::No, head, span);
        }
        self.rewind_blocks();
        self.u.depth = depth;
        Ok(())
    }

    /// Leaves all blocks from number `keep` on, innermost first, with `value` kept if it is a temporary. They stay
    /// open for the code that follows: `rewind_blocks` puts them back. The source of what comes then: once code of the
    /// blocks ran on the way, that of this code.
    pub(super) fn unwind(&mut self, keep: usize, value: Opnd, span: Span) -> R<Span> {
        let saved = (self.u.blocks.clone(), self.u.region);
        let finally = self.u.finally.clone();
        let mut span = span;
        while self.u.blocks.len() > keep {
            let Some(block) = self.u.blocks.pop() else { break };
            self.leave(block, value, span)?;
            if matches!(block.kind, BlockKind::FinallyTry { .. } | BlockKind::With { .. }) {
                span = NO_SPAN;
            }
        }
        self.u.finally = finally;
        self.u.left.push(saved);
        Ok(span)
    }

    pub(super) fn rewind_blocks(&mut self) {
        if let Some((blocks, region)) = self.u.left.pop() {
            self.u.blocks = blocks;
            self.u.region = region;
        }
    }

    fn leave(&mut self, block: Block<'a>, value: Opnd, span: Span) -> R {
        if matches!(block.kind, BlockKind::Generator) {
            // A generator's own handler stays in force until it returns.
            return Ok(());
        }
        self.u.region = block.region;
        match block.kind {
            BlockKind::While { .. } | BlockKind::Try | BlockKind::Generator | BlockKind::StarHandler => {}
            BlockKind::For { iter, .. } | BlockKind::AsyncFor { iter, .. } => {
                self.u.emit1(Opcode::Drop, Opnd::Temp(iter), span);
            }
            BlockKind::FinallyTry { body } => {
                let depth = self.u.depth;
                self.quiet += 1;
                self.u.finally.push(true);
                let result = self.conditional(body);
                self.u.finally.pop();
                self.quiet -= 1;
                result?;
                self.u.depth = depth;
            }
            BlockKind::FinallyEnd { temp } => {
                self.u.emit1(Opcode::Drop, Opnd::Temp(temp + 1), NO_SPAN);
                self.u.emit1(Opcode::PopExcept, Opnd::Temp(temp), NO_SPAN);
            }
            BlockKind::With { temp, span: with_span, is_async } => {
                self.call_exit(temp, value, with_span, is_async)?;
            }
            BlockKind::Handler { temp, name } => {
                self.u.emit1(Opcode::PopExcept, Opnd::Temp(temp), NO_SPAN);
                if let Some(name) = name {
                    self.clear_name(name, NO_SPAN)?;
                }
            }
        }
        Ok(())
    }

    /// Calls the exit function of a with block with three Nones and drops its result. `value` is a temporary to keep.
    pub(super) fn call_exit(&mut self, temp: u32, value: Opnd, span: Span, is_async: bool) -> R {
        let depth = self.u.depth;
        let mut window = temp;
        if let Opnd::Temp(kept) = value
            && kept >= temp
        {
            window = depth.max(kept + 1);
            for word in 0..2 {
                self.u.emit2(Opcode::Move, Opnd::Temp(window + word), Opnd::Temp(temp + word), span);
            }
        }
        self.u.set_depth(window + 2);
        for _ in 0..3 {
            let none = self.u.konst(Const::None);
            let slot = Opnd::Temp(self.u.push());
            self.copy(slot, none, span);
        }
        let result = Opnd::Temp(window);
        self.u.emit(Opcode::CallMethod, result, result, Opnd::Imm(3), span);
        self.u.set_depth(window + 1);
        if is_async {
            self.u.emit(Opcode::GetAwaitable, result, result, Opnd::Imm(AwaitSite::AExit as u32), span);
            self.delegate(window, None, span);
        }
        self.u.emit1(Opcode::Drop, result, span);
        self.u.depth = depth;
        Ok(())
    }
}
