//! Displays: tuples, lists, sets and dicts.

use super::unit::Opnd;
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::Opcode;
use cinder_syntax::ast::*;

/// Displays with more elements are built piece by piece.
const MOST_AT_ONCE: usize = 30;

/// The kinds of displays that [`Compiler::collect`] builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Display {
    Tuple,
    List,
    Set,
}

impl<'a> Compiler<'a, '_> {
    /// A tuple, list or set display.
    #[inline(never)]
    pub(super) fn display(
        &mut self,
        expr: &'a Expr<'a>,
        elts: &'a [&'a Expr<'a>],
        kind: Display,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        if let Some(items) = fold::const_items(elts)
            && (kind == Display::Tuple || items.len() > 2)
        {
            let span = expr.span;
            let value = match kind {
                Display::Set => Const::FrozenSet(items.into()),
                _ => Const::Tuple(items.into()),
            };
            let value = self.u.konst(value);
            // Of long displays a tracer sees the lines of all elements, as if they were built piece by piece.
            if elts.len() > MOST_AT_ONCE {
                elts.iter().for_each(|elt| self.u.absorb(elt.span));
            }
            if kind == Display::Tuple {
                return Ok(self.deliver(value, span, dst));
            }
            let depth = self.u.depth;
            let (build, extend) = match kind {
                Display::Set => (Opcode::BuildSet, Opcode::SetUpdate),
                _ => (Opcode::BuildList, Opcode::ListExtend),
            };
            let result = Opnd::Temp(self.u.push());
            self.u.emit(build, result, result, Opnd::Imm(0), span);
            let value = self.near(value, span);
            self.u.emit2(extend, result, value, span);
            return Ok(self.hand_over(depth, dst, span));
        }
        self.collect(expr.span, elts, &[], kind, dst)
    }

    /// Builds a tuple, list or set of expressions and then `extra` values of names.
    pub(super) fn collect(
        &mut self,
        span: Span,
        elts: &[&'a Expr<'a>],
        extra: &[crate::symtable::Name],
        kind: Display,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        let starred = elts.iter().any(|elt| matches!(elt.kind, ExprKind::Starred { .. }));
        let count = elts.len() + extra.len();
        if !starred && count <= MOST_AT_ONCE {
            let first = self.u.ins.len();
            for elt in elts {
                self.expr_temp(elt)?;
            }
            if kind == Display::Tuple
                && extra.is_empty()
                && let Some(items) = self.u.take_constants(first, depth, elts.len())
            {
                self.u.depth = depth;
                let value = self.u.konst(Const::Tuple(items.into()));
                return Ok(self.deliver(value, span, dst));
            }
            for &name in extra {
                let slot = Opnd::Temp(self.u.depth);
                self.load(name, span, Some(slot))?;
            }
            let build = match kind {
                Display::Tuple => Opcode::BuildTuple,
                Display::List => Opcode::BuildList,
                Display::Set => Opcode::BuildSet,
            };
            let dst = self.target(depth, dst);
            self.u.emit(build, dst, Opnd::Temp(depth), Opnd::Imm(count as u32), span);
            return Ok(dst);
        }
        let (build, append, extend) = match kind {
            Display::Set => (Opcode::BuildSet, Opcode::SetAdd, Opcode::SetUpdate),
            _ => (Opcode::BuildList, Opcode::ListAppend, Opcode::ListExtend),
        };
        let result = Opnd::Temp(depth);
        let first = elts.iter().take_while(|elt| !matches!(elt.kind, ExprKind::Starred { .. })).count();
        let first = if count > MOST_AT_ONCE { 0 } else { first };
        for elt in &elts[..first] {
            self.expr_temp(elt)?;
        }
        self.u.set_depth(depth + 1);
        self.u.emit(build, result, result, Opnd::Imm(first as u32), span);
        for elt in &elts[first..] {
            let (op, elt) = match elt.kind {
                ExprKind::Starred { value, .. } => (extend, value),
                _ => (append, *elt),
            };
            let value = self.expr(elt)?;
            self.u.emit2(op, result, value, span);
            self.u.depth = depth + 1;
        }
        for &name in extra {
            let value = self.load(name, span, None)?;
            self.u.emit2(append, result, value, span);
            self.u.depth = depth + 1;
        }
        if kind == Display::Tuple {
            let dst = self.target(depth, dst);
            self.u.emit2(Opcode::ListToTuple, dst, result, span);
            return Ok(dst);
        }
        Ok(self.hand_over(depth, dst, span))
    }

    #[inline(never)]
    pub(super) fn dict(
        &mut self,
        expr: &'a Expr<'a>,
        keys: &'a [Option<&'a Expr<'a>>],
        values: &'a [&'a Expr<'a>],
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        /// Displays with more pairs are built piece by piece.
        const MOST: usize = 15;
        let span = expr.span;
        let depth = self.u.depth;
        let plain = keys.iter().take_while(|key| key.is_some()).count();
        let first = if plain <= MOST { plain } else { 0 };
        for (key, value) in keys.iter().zip(values).take(first) {
            if let Some(key) = key {
                self.expr_temp(key)?;
            }
            self.expr_temp(value)?;
        }
        if first == keys.len() {
            let dst = self.target(depth, dst);
            self.u.emit(Opcode::BuildMap, dst, Opnd::Temp(depth), Opnd::Imm(first as u32), span);
            return Ok(dst);
        }
        let result = Opnd::Temp(depth);
        self.u.set_depth(depth + 1);
        self.u.emit(Opcode::BuildMap, result, result, Opnd::Imm(first as u32), span);
        for (key, value) in keys.iter().zip(values).skip(first) {
            match key {
                Some(key) => {
                    let k = self.operand(key, &[value])?;
                    let v = self.expr(value)?;
                    self.u.emit(Opcode::MapAdd, result, k, v, span);
                }
                None => {
                    let v = self.expr(value)?;
                    self.u.emit2(Opcode::DictUpdate, result, v, span);
                }
            }
            self.u.depth = depth + 1;
        }
        Ok(self.hand_over(depth, dst, span))
    }
}
