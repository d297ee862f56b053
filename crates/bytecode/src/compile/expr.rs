//! Expressions.
//!
//! `expr` gives the value as an operand: a bound local or a constant without any instruction, else a temporary on top.
//! `expr_to` puts it into a given register, which is either the next temporary or a near local; only the last
//! instruction of each path writes it, so a local keeps its old value until the new one is complete.

use super::display::Display;
use super::rebind::may_rebind;
use super::unit::{Label, Opnd, Unit};
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::Opcode;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    /// The value of `expr` as an operand.
    pub(super) fn expr(&mut self, expr: &'a Expr<'a>) -> R<Opnd> {
        self.eval(expr, None)
    }

    /// Evaluates `expr` into `dst`: the next temporary (which is then allocated) or a near local.
    pub(super) fn expr_to(&mut self, expr: &'a Expr<'a>, dst: Opnd) -> R {
        self.eval(expr, Some(dst)).map(|_| ())
    }

    /// Evaluates `expr` into the next temporary.
    pub(super) fn expr_temp(&mut self, expr: &'a Expr<'a>) -> R<Opnd> {
        let dst = Opnd::Temp(self.u.depth);
        self.eval(expr, Some(dst))
    }

    /// The value of `expr` as an operand that stays right while `later` expressions are evaluated before its use.
    pub(super) fn operand(&mut self, expr: &'a Expr<'a>, later: &[&'a Expr<'a>]) -> R<Opnd> {
        let value = self.expr(expr)?;
        if let (Opnd::Local(_), ExprKind::Name { id, .. }) = (value, expr.kind)
            && self.u.hazards
            && later.iter().any(|other| may_rebind(other, id))
        {
            let temp = Opnd::Temp(self.u.push());
            self.copy(temp, value, expr.span);
            return Ok(temp);
        }
        Ok(value)
    }

    /// The register for a result, once operands above temporary `depth` are used up.
    pub(super) fn target(&mut self, depth: u32, dst: Option<Opnd>) -> Opnd {
        match dst {
            Some(local @ Opnd::Local(_)) => {
                self.u.depth = depth;
                local
            }
            _ => {
                debug_assert!(dst.is_none() || dst == Some(Opnd::Temp(depth)), "{dst:?} at depth {depth}");
                self.u.set_depth(depth + 1);
                Opnd::Temp(depth)
            }
        }
    }

    /// Passes on a value that no instruction has produced yet.
    pub(super) fn deliver(&mut self, value: Opnd, span: Span, dst: Option<Opnd>) -> Opnd {
        if dst.is_none() && Unit::is_near(value) {
            self.u.absorb(span);
            return value;
        }
        let dst = self.target(self.u.depth, dst);
        self.copy(dst, value, span);
        dst
    }

    /// Drops a value that is not wanted.
    pub(super) fn discard(&mut self, value: Opnd, span: Span) {
        if let Opnd::Temp(temp) = value {
            self.u.emit1(Opcode::Drop, value, span);
            self.u.depth = temp;
        }
    }

    fn eval(&mut self, expr: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let span = expr.span;
        match expr.kind {
            ExprKind::Constant { value, .. } => {
                let value = self.u.konst(fold::constant(&value));
                Ok(self.deliver(value, span, dst))
            }
            ExprKind::Name { id, .. } => self.load_name(id, span, dst),
            ExprKind::Attribute { value, attr, .. } => self.attribute(expr, value, attr, dst),
            ExprKind::Call { func, args, keywords } => self.call(expr, func, args, keywords, dst),
            ExprKind::BinOp { left, op, right } => self.binary(expr, left, op, right, dst),
            ExprKind::UnaryOp { op, operand } => self.unary(expr, op, operand, dst),
            ExprKind::BoolOp { op, values } => self.bool_op(expr, op, values, dst),
            ExprKind::Compare { left, ops, comparators } => self.compare(expr, left, ops, comparators, dst),
            ExprKind::Subscript { value, slice, .. } => self.subscript(expr, value, slice, dst),
            ExprKind::NamedExpr { target, value } => self.named_expr(expr, target, value, dst),
            ExprKind::IfExp { test, body, orelse } => self.if_exp(test, body, orelse, dst),
            ExprKind::Lambda { args, body } => self.lambda(expr, args, body, dst),
            ExprKind::Tuple { elts, .. } => self.display(expr, elts, Display::Tuple, dst),
            ExprKind::List { elts, .. } => self.display(expr, elts, Display::List, dst),
            ExprKind::Set { elts } => self.display(expr, elts, Display::Set, dst),
            ExprKind::Dict { keys, values } => self.dict(expr, keys, values, dst),
            ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. }
            | ExprKind::GeneratorExp { .. } => self.comprehension(expr, dst),
            ExprKind::Yield { value } => self.yield_expr(expr, value, dst),
            ExprKind::YieldFrom { value } => self.yield_from(expr, value, dst),
            ExprKind::Await { value } => self.await_expr(expr, value, dst),
            ExprKind::JoinedStr { values } => self.joined_str(expr, values, dst),
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.formatted_value(expr, value, conversion, format_spec, dst)
            }
            ExprKind::TemplateStr { values } => self.template_str(expr, values, dst),
            ExprKind::Interpolation { value, str, conversion, format_spec } => {
                self.interpolation(expr, value, str, conversion, format_spec, dst)
            }
            ExprKind::Slice { lower, upper, step } => self.slice(expr, lower, upper, step, dst),
            ExprKind::Starred { ctx, .. } => match ctx {
                ExprContext::Store => self.error(span, "starred assignment target must be in a list or tuple"),
                _ => self.error(span, "can't use starred expression here"),
            },
        }
    }

    #[inline(never)]
    fn binary(
        &mut self,
        expr: &'a Expr<'a>,
        left: &'a Expr<'a>,
        op: Operator,
        right: &'a Expr<'a>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        if op == Operator::Mod
            && let (ExprKind::Constant { value: Constant::Str(format), .. }, ExprKind::Tuple { elts, .. }) =
                (left.kind, right.kind)
            && let Some(pieces) = super::string::format_pieces(format, elts)
        {
            return self.percent_format(expr, &pieces, dst);
        }
        let (depth, absorbed) = (self.u.depth, self.u.pending.len());
        let l = self.operand(left, &[right])?;
        let r = self.expr(right)?;
        if let (Opnd::Const(a), Opnd::Const(b)) = (l, r) {
            let consts = &self.u.consts;
            if let Some(value) = fold::binary(&consts[a as usize], op, &consts[b as usize]) {
                return Ok(self.folded(value, absorbed, expr.span, dst));
            }
        }
        let dst = self.target(depth, dst);
        self.u.emit(binary_opcode(op), dst, l, r, expr.span);
        Ok(dst)
    }

    /// Delivers a constant that replaces operands; `absorbed` is what was pending before those.
    fn folded(&mut self, value: Const, absorbed: usize, span: Span, dst: Option<Opnd>) -> Opnd {
        let value = self.u.konst(value);
        self.u.pending.truncate(absorbed);
        self.deliver(value, span, dst)
    }

    #[inline(never)]
    fn unary(&mut self, expr: &'a Expr<'a>, op: UnaryOp, operand: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        // `not a is b` and `not a in b` are comparisons of their own.
        if op == UnaryOp::Not
            && let ExprKind::Compare { left, ops: [cmp], comparators: [right] } = operand.kind
        {
            let opposite = match cmp {
                CmpOp::Is => Some(Opcode::IsNot),
                CmpOp::IsNot => Some(Opcode::Is),
                CmpOp::In => Some(Opcode::NotIn),
                CmpOp::NotIn => Some(Opcode::In),
                _ => None,
            };
            if let Some(opcode) = opposite {
                self.check_compare(operand, left, &[*cmp], &[right]);
                let l = self.operand(left, &[right])?;
                let r = self.container_operand(*cmp, right)?;
                let dst = self.target(depth, dst);
                self.u.emit(opcode, dst, l, r, operand.span);
                return Ok(dst);
            }
        }
        let absorbed = self.u.pending.len();
        let value = self.expr(operand)?;
        if let Opnd::Const(index) = value
            && let Some(value) = fold::unary(op, &self.u.consts[index as usize])
        {
            return Ok(self.folded(value, absorbed, expr.span, dst));
        }
        let opcode = match op {
            UnaryOp::Invert => Opcode::UnaryInvert,
            UnaryOp::Not => Opcode::UnaryNot,
            UnaryOp::UAdd => Opcode::UnaryPos,
            UnaryOp::USub => Opcode::UnaryNeg,
        };
        let dst = self.target(depth, dst);
        self.u.emit2(opcode, dst, value, expr.span);
        Ok(dst)
    }

    #[inline(never)]
    fn bool_op(&mut self, expr: &'a Expr<'a>, op: BoolOp, values: &'a [&'a Expr<'a>], dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        let result = Opnd::Temp(depth);
        let end = self.u.label();
        if let Some((last, rest)) = values.split_last() {
            for value in rest {
                self.value_if(value, expr.span, result, op == BoolOp::Or, end)?;
            }
            self.expr_to(last, result)?;
        }
        self.u.bind(end);
        Ok(self.hand_over(depth, dst, expr.span))
    }

    /// Evaluates an expression; if its truth is `sense`, goes to `end` with its value in `result`, the next
    /// temporary. Operands of `and` and `or` inside are tested once, whatever they decide.
    fn value_if(&mut self, expr: &'a Expr<'a>, span: Span, result: Opnd, sense: bool, end: Label) -> R {
        let depth = self.u.depth;
        match expr.kind {
            ExprKind::BoolOp { op, values } if (op == BoolOp::Or) == sense => {
                for value in values {
                    self.value_if(value, expr.span, result, sense, end)?;
                }
            }
            ExprKind::BoolOp { values: [rest @ .., last], .. } => {
                let skip = self.u.label();
                for value in rest {
                    self.jump_if(value, skip, !sense)?;
                }
                self.value_if(last, expr.span, result, sense, end)?;
                self.u.bind(skip);
            }
            _ => {
                let jump = if sense { Opcode::JumpIfTrueOrDrop } else { Opcode::JumpIfFalseOrDrop };
                self.expr_to(expr, result)?;
                self.u.jump(jump, result, end, span);
            }
        }
        self.u.depth = depth;
        Ok(())
    }

    /// Moves a result in temporary `depth` to where it is wanted.
    pub(super) fn hand_over(&mut self, depth: u32, dst: Option<Opnd>, span: Span) -> Opnd {
        let dst = self.target(depth, dst);
        self.copy(dst, Opnd::Temp(depth), span);
        dst
    }

    #[inline(never)]
    fn if_exp(&mut self, test: &'a Expr<'a>, body: &'a Expr<'a>, orelse: &'a Expr<'a>, dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        let result = dst.unwrap_or(Opnd::Temp(depth));
        let (otherwise, end) = (self.u.label(), self.u.label());
        self.jump_if(test, otherwise, false)?;
        self.expr_to(body, result)?;
        self.u.jump(Opcode::Jump, Opnd::No, end, super::NO_SPAN);
        self.u.bind(otherwise);
        self.u.depth = depth;
        self.expr_to(orelse, result)?;
        self.u.bind(end);
        Ok(result)
    }

    #[inline(never)]
    fn named_expr(
        &mut self,
        expr: &'a Expr<'a>,
        target: &'a Expr<'a>,
        value: &'a Expr<'a>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let ExprKind::Name { id, .. } = target.kind else {
            return self.error(expr.span, "cannot use assignment expressions with this target");
        };
        let depth = self.u.depth;
        let value = self.expr(value)?;
        let dst = match (value, dst) {
            (Opnd::Const(_), None) => {
                self.store_name(id, value, target.span)?;
                return Ok(value);
            }
            // The target may be stored to again before the value is used.
            (Opnd::Local(_), None) => {
                let temp = Opnd::Temp(self.u.push());
                self.copy(temp, value, expr.span);
                temp
            }
            (Opnd::Temp(_), None) => value,
            (_, Some(local @ Opnd::Local(_))) => {
                // The register may be the target itself: then one store does.
                let temp = Opnd::Temp(depth);
                if value != temp {
                    let temp = self.target(depth, None);
                    self.copy(temp, value, expr.span);
                }
                self.store_copy(id, temp, target.span)?;
                self.u.depth = depth;
                self.copy(local, temp, expr.span);
                return Ok(local);
            }
            (_, Some(dst)) => {
                if value != dst {
                    let dst = self.target(depth, Some(dst));
                    self.copy(dst, value, expr.span);
                }
                dst
            }
            _ => value,
        };
        self.store_copy(id, dst, target.span)?;
        Ok(dst)
    }

    /// Binds a name to the value of a temporary that stays live.
    pub(super) fn store_copy(&mut self, id: &str, temp: Opnd, span: Span) -> R {
        let depth = self.u.depth;
        let copy = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::Copy, copy, temp, span);
        self.store_name(id, copy, span)?;
        self.u.depth = depth;
        Ok(())
    }

    #[inline(never)]
    fn attribute(&mut self, expr: &'a Expr<'a>, value: &'a Expr<'a>, attr: &'a str, dst: Option<Opnd>) -> R<Opnd> {
        let depth = self.u.depth;
        let span = self.attr_span(expr, attr);
        if let Some(zero) = self.super_call(value) {
            let window = self.super_window(value, zero)?;
            let name = self.attr_name(attr);
            let op = if zero { Opcode::LoadSuperAttr } else { Opcode::LoadSuperAttr2 };
            let dst = self.target(depth, dst);
            self.u.emit(op, dst, window, name, span);
            return Ok(dst);
        }
        let value = self.expr(value)?;
        let name = self.attr_name(attr);
        let (op, name) = match name {
            Opnd::Imm(index) if index > 0xffff => {
                let text = self.mangle(attr);
                let text = self.u.konst(Const::str(self.table.names.text(text)));
                (Opcode::LoadAttrDyn, self.near(text, span))
            }
            name => (Opcode::LoadAttr, name),
        };
        let dst = self.target(depth, dst);
        self.u.emit(op, dst, value, name, span);
        Ok(dst)
    }

    pub(super) fn attr_name(&mut self, attr: &str) -> Opnd {
        let name = self.mangle(attr);
        self.u.name_index(name)
    }

    /// Where an attribute access is shown: at the attribute's name if the expression spans lines.
    pub(super) fn attr_span(&mut self, expr: &Expr, attr: &str) -> Span {
        let span = expr.span;
        if span.end > span.start + attr.len() as u32 && self.line(span.start) != self.line(span.end) {
            return Span::new(span.end - attr.len() as u32, span.end);
        }
        span
    }

    #[inline(never)]
    fn subscript(
        &mut self,
        expr: &'a Expr<'a>,
        value: &'a Expr<'a>,
        slice: &'a Expr<'a>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        let depth = self.u.depth;
        self.check_subscript(value, slice);
        if let ExprKind::Slice { lower, upper, step: None } = slice.kind
            && fold::const_slice(slice).is_none()
        {
            let later: Vec<&'a Expr<'a>> = lower.into_iter().chain(upper).collect();
            let object = self.operand(value, &later)?;
            let window = self.slice_window(lower, upper)?;
            let dst = self.target(depth, dst);
            self.u.emit(Opcode::GetSlice, dst, object, window, expr.span);
            return Ok(dst);
        }
        let absorbed = self.u.pending.len();
        let object = self.operand(value, &[slice])?;
        let key = self.expr(slice)?;
        if let (Opnd::Const(a), Opnd::Const(b)) = (object, key)
            && let Some(value) = fold::subscript(&self.u.consts[a as usize], &self.u.consts[b as usize])
        {
            return Ok(self.folded(value, absorbed, expr.span, dst));
        }
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::GetItem, dst, object, key, expr.span);
        Ok(dst)
    }

    /// Two temporaries with the bounds of a slice.
    pub(super) fn slice_window(&mut self, lower: Option<&'a Expr<'a>>, upper: Option<&'a Expr<'a>>) -> R<Opnd> {
        let window = Opnd::Temp(self.u.depth);
        for bound in [lower, upper] {
            match bound {
                Some(bound) => {
                    self.expr_temp(bound)?;
                }
                None => {
                    let none = self.u.konst(Const::None);
                    let temp = Opnd::Temp(self.u.push());
                    self.copy(temp, none, super::NO_SPAN);
                }
            }
        }
        Ok(window)
    }

    #[inline(never)]
    fn slice(
        &mut self,
        expr: &'a Expr<'a>,
        lower: Option<&'a Expr<'a>>,
        upper: Option<&'a Expr<'a>>,
        step: Option<&'a Expr<'a>>,
        dst: Option<Opnd>,
    ) -> R<Opnd> {
        if let Some(value) = fold::const_slice(expr) {
            let value = self.u.konst(value);
            return Ok(self.deliver(value, expr.span, dst));
        }
        let depth = self.u.depth;
        let window = self.slice_window(lower, upper)?;
        let mut count = 2;
        if let Some(step) = step {
            self.expr_temp(step)?;
            count = 3;
        }
        let dst = self.target(depth, dst);
        self.u.emit(Opcode::BuildSlice, dst, window, Opnd::Imm(count), expr.span);
        Ok(dst)
    }
}

fn binary_opcode(op: Operator) -> Opcode {
    match op {
        Operator::Add => Opcode::Add,
        Operator::Sub => Opcode::Sub,
        Operator::Mult => Opcode::Mul,
        Operator::MatMult => Opcode::MatMul,
        Operator::Div => Opcode::TrueDiv,
        Operator::Mod => Opcode::Mod,
        Operator::Pow => Opcode::Pow,
        Operator::LShift => Opcode::LShift,
        Operator::RShift => Opcode::RShift,
        Operator::BitOr => Opcode::Or,
        Operator::BitXor => Opcode::Xor,
        Operator::BitAnd => Opcode::And,
        Operator::FloorDiv => Opcode::FloorDiv,
    }
}

/// The in-place form of a binary operator.
pub(super) fn inplace_opcode(op: Operator) -> Opcode {
    match op {
        Operator::Add => Opcode::InplaceAdd,
        Operator::Sub => Opcode::InplaceSub,
        Operator::Mult => Opcode::InplaceMul,
        Operator::MatMult => Opcode::InplaceMatMul,
        Operator::Div => Opcode::InplaceTrueDiv,
        Operator::Mod => Opcode::InplaceMod,
        Operator::Pow => Opcode::InplacePow,
        Operator::LShift => Opcode::InplaceLShift,
        Operator::RShift => Opcode::InplaceRShift,
        Operator::BitOr => Opcode::InplaceOr,
        Operator::BitXor => Opcode::InplaceXor,
        Operator::BitAnd => Opcode::InplaceAnd,
        Operator::FloorDiv => Opcode::InplaceFloorDiv,
    }
}
