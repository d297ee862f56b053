//! Comparisons and conditional jumps, and the warnings for literals where they make no sense.

use super::unit::{Label, Opnd};
use super::{Compiler, NO_SPAN, R, fold};
use crate::code::Const;
use crate::op::Opcode;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn compare(
        &mut self,
        expr: &'a Expr<'a>,
        left: &'a Expr<'a>,
        ops: &'a [CmpOp],
        comparators: &'a [&'a Expr<'a>],
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        self.check_compare(expr, left, ops, comparators);
        let depth = self.u.depth;
        let (Some((&last_op, first_ops)), Some((last, middle))) = (ops.split_last(), comparators.split_last()) else {
            return self.expr(left);
        };
        if middle.is_empty() {
            let l = self.operand(left, &[last])?;
            let r = self.container_operand(last_op, last)?;
            let dst = self.target(depth, dst);
            self.u.emit(compare_opcode(last_op), dst, l, r, expr.span);
            return Ok(dst);
        }
        // The result's register is kept free below the operands.
        let result = Opnd::Temp(self.u.push());
        let end = self.u.label();
        let mut cleanups = Vec::new();
        let mut l = self.operand(left, comparators)?;
        for (at, (&op, comparator)) in first_ops.iter().zip(middle).enumerate() {
            let m = self.operand(comparator, &comparators[at + 1..])?;
            let top = self.u.depth;
            let copy = self.copy_of(m, expr.span);
            self.u.emit(compare_opcode(op), result, l, copy, expr.span);
            self.u.depth = top;
            if let Opnd::Temp(_) = m {
                let cleanup = self.u.label();
                self.u.jump(Opcode::JumpIfFalseOrDrop, result, cleanup, expr.span);
                cleanups.push((cleanup, m));
            } else {
                self.u.jump(Opcode::JumpIfFalseOrDrop, result, end, expr.span);
            }
            l = m;
        }
        let r = self.container_operand(last_op, last)?;
        self.u.emit(compare_opcode(last_op), result, l, r, expr.span);
        if !cleanups.is_empty() {
            self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
        }
        for (cleanup, m) in cleanups {
            self.u.bind(cleanup);
            self.u.emit1(Opcode::Drop, m, expr.span);
            self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
        }
        self.u.bind(end);
        Ok(self.hand_over(depth, dst, expr.span))
    }

    /// A middle operand of a chain for its first use: a copy if it is a temporary.
    fn copy_of(&mut self, value: Opnd, span: Span) -> Opnd {
        if let Opnd::Temp(_) = value {
            let copy = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::Copy, copy, value, span);
            return copy;
        }
        value
    }

    /// The right operand of a comparison; displays of literals after `in` become constants.
    pub(super) fn container_operand(&mut self, op: CmpOp, expr: &'a Expr<'a>) -> R<Opnd> {
        if matches!(op, CmpOp::In | CmpOp::NotIn) {
            let value = match expr.kind {
                ExprKind::List { elts, .. } => fold::const_items(elts).map(|items| Const::Tuple(items.into())),
                ExprKind::Set { elts } => fold::const_items(elts).map(|items| Const::FrozenSet(items.into())),
                _ => None,
            };
            if let Some(value) = value {
                let value = self.u.konst(value);
                return Ok(self.deliver(value, expr.span, None));
            }
        }
        self.expr(expr)
    }

    /// Goes to `label` if the truth of `test` is `sense`; else goes on.
    pub(super) fn jump_if(&mut self, test: &'a Expr<'a>, label: Label, sense: bool) -> R {
        match test.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => self.jump_if(operand, label, !sense),
            ExprKind::BoolOp { op, values } => self.jump_if_bool_op(op, values, label, sense),
            ExprKind::IfExp { test, body, orelse } => {
                let (otherwise, end) = (self.u.label(), self.u.label());
                self.jump_if(test, otherwise, false)?;
                self.jump_if(body, label, sense)?;
                self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
                self.u.bind(otherwise);
                self.jump_if(orelse, label, sense)?;
                self.u.bind(end);
                Ok(())
            }
            ExprKind::Compare { left, ops, comparators } => {
                self.jump_if_compare(test, left, ops, comparators, label, sense)
            }
            _ => {
                let depth = self.u.depth;
                let value = self.expr(test)?;
                self.u.depth = depth;
                if let Opnd::Const(index) = value
                    && let Some(truth) = fold::truth(&self.u.consts[index as usize])
                {
                    if truth == sense {
                        self.u.jump(Opcode::Jump, Opnd::No, label, test.span);
                    }
                    return Ok(());
                }
                let op = if sense { Opcode::JumpIfTrue } else { Opcode::JumpIfFalse };
                self.u.jump(op, value, label, test.span);
                Ok(())
            }
        }
    }

    fn jump_if_bool_op(&mut self, op: BoolOp, values: &'a [&'a Expr<'a>], label: Label, sense: bool) -> R {
        let Some((last, first)) = values.split_last() else { return Ok(()) };
        let early = op == BoolOp::Or;
        let end = self.u.label();
        let target = if early == sense { label } else { end };
        for value in first {
            self.jump_if(value, target, early)?;
        }
        self.jump_if(last, label, sense)?;
        self.u.bind(end);
        Ok(())
    }

    fn jump_if_compare(
        &mut self,
        expr: &'a Expr<'a>,
        left: &'a Expr<'a>,
        ops: &'a [CmpOp],
        comparators: &'a [&'a Expr<'a>],
        label: Label,
        sense: bool,
    ) -> R {
        self.check_compare(expr, left, ops, comparators);
        let depth = self.u.depth;
        let (Some((&last_op, first_ops)), Some((last, middle))) = (ops.split_last(), comparators.split_last()) else {
            return Ok(());
        };
        let end = self.u.label();
        // Where a comparison that fails early goes.
        let failed = if sense { end } else { label };
        let mut cleanups = Vec::new();
        let mut l = self.operand(left, comparators)?;
        for (at, (&op, comparator)) in first_ops.iter().zip(middle).enumerate() {
            let m = self.operand(comparator, &comparators[at + 1..])?;
            let top = self.u.depth;
            let copy = self.copy_of(m, expr.span);
            self.u.depth = top;
            if let Opnd::Temp(_) = m {
                let cleanup = self.u.label();
                self.branch(op, l, copy, false, cleanup, expr.span);
                cleanups.push((cleanup, m));
            } else {
                self.branch(op, l, copy, false, failed, expr.span);
            }
            l = m;
        }
        if middle.is_empty()
            && matches!(last_op, CmpOp::Is | CmpOp::IsNot)
            && matches!(last.kind, ExprKind::Constant { value: Constant::None, .. })
        {
            self.u.absorb(last.span);
            let wanted = (last_op == CmpOp::Is) == sense;
            let op = if wanted { Opcode::JumpIfNone } else { Opcode::JumpIfNotNone };
            self.u.depth = depth;
            self.u.jump(op, l, label, expr.span);
            return Ok(());
        }
        let r = self.container_operand(last_op, last)?;
        self.u.depth = depth;
        self.branch(last_op, l, r, sense, label, expr.span);
        if !cleanups.is_empty() {
            self.u.jump(Opcode::Jump, Opnd::No, end, NO_SPAN);
        }
        for (cleanup, m) in cleanups {
            self.u.bind(cleanup);
            self.u.emit1(Opcode::Drop, m, expr.span);
            self.u.jump(Opcode::Jump, Opnd::No, failed, expr.span);
        }
        self.u.bind(end);
        Ok(())
    }

    fn branch(&mut self, op: CmpOp, l: Opnd, r: Opnd, sense: bool, label: Label, span: Span) {
        let (opcode, positive) = match op {
            CmpOp::Eq => (Opcode::BrEq, true),
            CmpOp::NotEq => (Opcode::BrNe, true),
            CmpOp::Lt => (Opcode::BrLt, true),
            CmpOp::LtE => (Opcode::BrLe, true),
            CmpOp::Gt => (Opcode::BrGt, true),
            CmpOp::GtE => (Opcode::BrGe, true),
            CmpOp::Is => (Opcode::BrIs, true),
            CmpOp::IsNot => (Opcode::BrIs, false),
            CmpOp::In => (Opcode::BrIn, true),
            CmpOp::NotIn => (Opcode::BrIn, false),
        };
        self.u.branch(opcode, l, r, sense == positive, label, span);
    }

    /// Warns about `is` with a literal.
    pub(super) fn check_compare(&mut self, expr: &Expr<'_>, left: &Expr<'_>, ops: &[CmpOp], comparators: &[&Expr<'_>]) {
        let mut l = left;
        for (op, r) in ops.iter().zip(comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot)
                && let Some(kind) = literal_kind(l).or_else(|| literal_kind(r))
            {
                let (is, equals) = if *op == CmpOp::Is { ("is", "==") } else { ("is not", "!=") };
                let msg = format!("\"{is}\" with '{kind}' literal. Did you mean \"{equals}\"?");
                self.warn(expr.span, msg);
                return;
            }
            l = r;
        }
    }

    /// Warns about calls of literals.
    pub(super) fn check_caller(&mut self, func: &Expr<'_>) {
        if let Some(kind) = uncallable(func) {
            self.warn(func.span, format!("'{kind}' object is not callable; perhaps you missed a comma?"));
        }
    }

    /// Warns about subscripts of literals that have none, and about wrong indices of those that have.
    pub(super) fn check_subscript(&mut self, value: &Expr<'_>, slice: &Expr<'_>) {
        let unsubscriptable = match value.kind {
            ExprKind::Constant { value, .. } => match value {
                Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_) => None,
                other => constant_type(&other),
            },
            ExprKind::Set { .. } | ExprKind::SetComp { .. } => Some("set"),
            ExprKind::GeneratorExp { .. } => Some("generator"),
            ExprKind::TemplateStr { .. } | ExprKind::Interpolation { .. } => type_name(value),
            ExprKind::Lambda { .. } => Some("function"),
            _ => None,
        };
        if let Some(kind) = unsubscriptable {
            self.warn(value.span, format!("'{kind}' object is not subscriptable; perhaps you missed a comma?"));
            return;
        }
        let indexed = match value.kind {
            ExprKind::Constant { value: Constant::Str(_), .. } | ExprKind::JoinedStr { .. } => "str",
            ExprKind::Constant { value: Constant::Bytes(_), .. } => "bytes",
            ExprKind::Tuple { .. } => "tuple",
            ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
            _ => return,
        };
        let index = match slice.kind {
            ExprKind::Constant { value: Constant::Int(_) | Constant::Bool(_), .. } | ExprKind::Slice { .. } => return,
            _ => type_name(slice),
        };
        if let Some(index) = index {
            let msg = format!("{indexed} indices must be integers or slices, not {index}; perhaps you missed a comma?");
            self.warn(value.span, msg);
        }
    }
}

fn compare_opcode(op: CmpOp) -> Opcode {
    match op {
        CmpOp::Eq => Opcode::Eq,
        CmpOp::NotEq => Opcode::Ne,
        CmpOp::Lt => Opcode::Lt,
        CmpOp::LtE => Opcode::Le,
        CmpOp::Gt => Opcode::Gt,
        CmpOp::GtE => Opcode::Ge,
        CmpOp::Is => Opcode::Is,
        CmpOp::IsNot => Opcode::IsNot,
        CmpOp::In => Opcode::In,
        CmpOp::NotIn => Opcode::NotIn,
    }
}

fn constant_type(value: &Constant<'_>) -> Option<&'static str> {
    Some(match value {
        Constant::None => "NoneType",
        Constant::Bool(_) => "bool",
        Constant::Ellipsis => "ellipsis",
        Constant::Int(_) => "int",
        Constant::Float(_) => "float",
        Constant::Complex { .. } => "complex",
        Constant::Str(_) => "str",
        Constant::Bytes(_) => "bytes",
        Constant::Tuple(_) => "tuple",
        Constant::FrozenSet(_) => "frozenset",
    })
}

/// The type of a literal that has no identity to compare.
fn literal_kind(expr: &Expr<'_>) -> Option<&'static str> {
    match expr.kind {
        ExprKind::Constant { value: Constant::None | Constant::Bool(_) | Constant::Ellipsis, .. } => None,
        ExprKind::Constant { value, .. } => constant_type(&value),
        ExprKind::Tuple { .. } => Some("tuple"),
        _ => None,
    }
}

/// The type of an expression that shows it.
fn type_name(expr: &Expr<'_>) -> Option<&'static str> {
    match expr.kind {
        ExprKind::Tuple { .. } => Some("tuple"),
        ExprKind::List { .. } | ExprKind::ListComp { .. } => Some("list"),
        ExprKind::Dict { .. } | ExprKind::DictComp { .. } => Some("dict"),
        ExprKind::Set { .. } | ExprKind::SetComp { .. } => Some("set"),
        ExprKind::GeneratorExp { .. } => Some("generator"),
        ExprKind::Lambda { .. } => Some("function"),
        ExprKind::TemplateStr { .. } => Some("string.templatelib.Template"),
        ExprKind::Interpolation { .. } => Some("string.templatelib.Interpolation"),
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => Some("str"),
        ExprKind::Constant { value, .. } => constant_type(&value),
        _ => None,
    }
}

fn uncallable(expr: &Expr<'_>) -> Option<&'static str> {
    match expr.kind {
        ExprKind::Lambda { .. } => None,
        _ => type_name(expr),
    }
}
