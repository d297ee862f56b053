//! Chains of operands and operators, folded by precedence as they come.
//!
//! An operand that stands alone never touches the stacks.

use super::builder::{Builder, E, Fail};
use crate::ast::*;

/// The value of the grammar's `Chain`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chain<'a> {
    /// One operand without operators.
    One(Operand<'a>),
    /// Operands and operators on the builder's stacks, from these heights on.
    Many { operands: u32, operators: u32 },
}

/// An operand with the bytes it covers, its parentheses included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'a> {
    expr: E<'a>,
    span: Span,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainOp {
    And,
    Or,
    Binary(Operator),
    Compare(CmpOp),
}

/// An operator that waits for its right operand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    Infix(ChainOp),
    /// A `not` that starts at an offset.
    Not(u32),
}

impl Pending {
    fn precedence(self) -> u8 {
        match self {
            Pending::Infix(op) => precedence(op),
            Pending::Not(_) => 3,
        }
    }
}

fn precedence(op: ChainOp) -> u8 {
    match op {
        ChainOp::Or => 1,
        ChainOp::And => 2,
        ChainOp::Compare(_) => 4,
        ChainOp::Binary(Operator::BitOr) => 5,
        ChainOp::Binary(Operator::BitXor) => 6,
        ChainOp::Binary(Operator::BitAnd) => 7,
        ChainOp::Binary(Operator::LShift | Operator::RShift) => 8,
        ChainOp::Binary(Operator::Add | Operator::Sub) => 9,
        ChainOp::Binary(_) => 10,
    }
}

impl<'a> Builder<'a, '_> {
    pub(crate) fn chain(&mut self, l: u32, r: u32, expr: E<'a>) -> Chain<'a> {
        Chain::One(Operand { expr, span: self.span(l, r) })
    }

    /// The first operand, after the `not`s with indices `l..n`.
    pub(crate) fn chain_not(&mut self, l: u32, n: u32, r: u32, expr: E<'a>) -> Chain<'a> {
        let chain = Chain::Many { operands: self.operands.len() as u32, operators: self.operators.len() as u32 };
        self.push_nots(l, n);
        self.operands.push(Operand { expr, span: self.span(n, r) });
        chain
    }

    fn push_nots(&mut self, l: u32, n: u32) {
        for at in l..n {
            let start = self.token(at).start;
            self.operators.push(Pending::Not(start));
        }
    }

    pub(crate) fn chain_next(&mut self, chain: Chain<'a>, op: ChainOp, l: u32, r: u32, expr: E<'a>) -> Chain<'a> {
        self.chain_next_not(chain, op, l, l, r, expr)
    }

    /// One more operand, after an operator and the `not`s with indices `l..n`.
    pub(crate) fn chain_next_not(
        &mut self,
        chain: Chain<'a>,
        op: ChainOp,
        l: u32,
        n: u32,
        r: u32,
        expr: E<'a>,
    ) -> Chain<'a> {
        let (chain, base) = match chain {
            Chain::One(operand) => {
                let base = self.operators.len() as u32;
                let chain = Chain::Many { operands: self.operands.len() as u32, operators: base };
                self.operands.push(operand);
                (chain, base)
            }
            Chain::Many { operators, .. } => (chain, operators),
        };
        // Comparisons and boolean operators are folded all together, once an operator of lower precedence comes.
        let keep_equal = !matches!(op, ChainOp::Binary(_));
        self.fold(base, precedence(op) + u8::from(keep_equal));
        self.operators.push(Pending::Infix(op));
        self.push_nots(l, n);
        let span = self.span(n, r);
        self.operands.push(Operand { expr, span });
        chain
    }

    /// Folds the operators above `base` whose precedence is at least `least`.
    fn fold(&mut self, base: u32, least: u8) {
        while self.operators.len() > base as usize
            && let Some(&pending) = self.operators.last()
            && pending.precedence() >= least
        {
            let Some(right) = self.operands.pop() else { return };
            let folded = match pending {
                Pending::Not(start) => {
                    self.operators.pop();
                    let span = Span::new(start, right.span.end);
                    let kind = ExprKind::UnaryOp { op: UnaryOp::Not, operand: right.expr };
                    Operand { expr: self.expr_at(span, kind), span }
                }
                Pending::Infix(ChainOp::Binary(op)) => {
                    self.operators.pop();
                    let Some(left) = self.operands.pop() else { return };
                    let span = Span::new(left.span.start, right.span.end);
                    let kind = ExprKind::BinOp { left: left.expr, op, right: right.expr };
                    Operand { expr: self.expr_at(span, kind), span }
                }
                Pending::Infix(op) => self.fold_run(base, op, right),
            };
            self.operands.push(folded);
        }
    }

    /// Folds a run of comparisons, or of one boolean operator, at the end of the stack.
    fn fold_run(&mut self, base: u32, op: ChainOp, last: Operand<'a>) -> Operand<'a> {
        let run = self.operators.get(base as usize..).unwrap_or_default().iter().rev();
        let same = |pending: &&Pending| match (pending, op) {
            (Pending::Infix(ChainOp::Compare(_)), ChainOp::Compare(_)) => true,
            (Pending::Infix(other), _) => *other == op,
            (Pending::Not(_), _) => false,
        };
        let length = run.take_while(same).count();
        let from = self.operands.len().saturating_sub(length);
        let span = Span::new(self.operands.get(from).map_or(0, |first| first.span.start), last.span.end);
        let operators = self.operators.split_off(self.operators.len() - length);
        let mut operands = self.operands.drain(from..).map(|operand| operand.expr);
        let kind = match op {
            ChainOp::And | ChainOp::Or => {
                let op = if op == ChainOp::And { BoolOp::And } else { BoolOp::Or };
                ExprKind::BoolOp { op, values: self.arena.slice(operands.chain([last.expr])) }
            }
            _ => {
                let left = operands.next().unwrap_or(last.expr);
                let ops = operators.iter().filter_map(|pending| match pending {
                    Pending::Infix(ChainOp::Compare(op)) => Some(*op),
                    _ => None,
                });
                let comparators = self.arena.slice(operands.chain([last.expr]));
                ExprKind::Compare { left, ops: self.arena.slice(ops), comparators }
            }
        };
        Operand { expr: self.expr_at(span, kind), span }
    }

    pub(crate) fn finish_chain(&mut self, chain: Chain<'a>) -> E<'a> {
        match chain {
            Chain::One(operand) => operand.expr,
            Chain::Many { operands, operators } => {
                self.fold(operators, 0);
                let result = self.operands.last().map(|operand| operand.expr);
                self.operands.truncate(operands as usize);
                result.unwrap_or_else(|| self.expr_at(Span::default(), ExprKind::Set { elts: &[] }))
            }
        }
    }

    /// The value of a chain that must be free of comparisons and boolean operators.
    pub(crate) fn bitwise_or(&mut self, chain: Chain<'a>) -> Result<E<'a>, Fail> {
        if let Chain::Many { operators, operands } = chain {
            let above = self.operators.get(operators as usize..).unwrap_or_default();
            let plain = |pending: &Pending| matches!(pending, Pending::Infix(ChainOp::Binary(_)));
            // A run that is already folded has left no operator behind, but then one of lower precedence follows it.
            if !above.iter().all(plain) {
                let span = self.operands.get(operands as usize).map_or(Span::default(), |operand| operand.span);
                return self.refuse_at(span, "invalid syntax");
            }
        }
        Ok(self.finish_chain(chain))
    }

    pub(crate) fn starred(&mut self, l: u32, r: u32, chain: Chain<'a>) -> Result<E<'a>, Fail> {
        let value = self.bitwise_or(chain)?;
        Ok(self.expr(l, r, ExprKind::Starred { value, ctx: ExprContext::Load }))
    }
}
