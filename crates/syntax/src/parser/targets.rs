//! Expressions that become targets of assignment or deletion.

use super::builder::*;
use crate::ast::*;

/// What Python calls an expression in messages about targets.
pub(crate) fn expr_name(expr: &Expr) -> &'static str {
    match expr.kind {
        ExprKind::Attribute { .. } => "attribute",
        ExprKind::Subscript { .. } => "subscript",
        ExprKind::Starred { .. } => "starred",
        ExprKind::Name { .. } => "name",
        ExprKind::List { .. } => "list",
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::Lambda { .. } => "lambda",
        ExprKind::Call { .. } => "function call",
        ExprKind::BoolOp { .. } | ExprKind::BinOp { .. } | ExprKind::UnaryOp { .. } => "expression",
        ExprKind::GeneratorExp { .. } => "generator expression",
        ExprKind::Yield { .. } | ExprKind::YieldFrom { .. } => "yield expression",
        ExprKind::Await { .. } => "await expression",
        ExprKind::ListComp { .. } => "list comprehension",
        ExprKind::SetComp { .. } => "set comprehension",
        ExprKind::DictComp { .. } => "dict comprehension",
        ExprKind::Dict { .. } => "dict literal",
        ExprKind::Set { .. } => "set display",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "f-string expression",
        ExprKind::TemplateStr { .. } | ExprKind::Interpolation { .. } => "t-string expression",
        ExprKind::Constant { value, .. } => match value {
            Constant::None => "None",
            Constant::Bool(false) => "False",
            Constant::Bool(true) => "True",
            Constant::Ellipsis => "ellipsis",
            _ => "literal",
        },
        ExprKind::Compare { .. } => "comparison",
        ExprKind::IfExp { .. } => "conditional expression",
        ExprKind::NamedExpr { .. } => "named expression",
        ExprKind::Slice { .. } => "slice",
    }
}

/// The first part of an expression that cannot be assigned to (or deleted).
pub(crate) fn invalid_target<'a>(expr: E<'a>, deletion: bool) -> Option<E<'a>> {
    match expr.kind {
        ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => {
            elts.iter().find_map(|element| invalid_target(element, deletion))
        }
        ExprKind::Starred { value, .. } if !deletion => invalid_target(value, deletion),
        ExprKind::Name { .. } | ExprKind::Subscript { .. } | ExprKind::Attribute { .. } => None,
        _ => Some(expr),
    }
}

impl<'a> Builder<'a, '_> {
    /// The same target in another context. Elements nest through brackets only, so their depth is small.
    pub(super) fn with_context(&mut self, expr: E<'a>, ctx: ExprContext) -> E<'a> {
        let kind = match expr.kind {
            ExprKind::Name { id, .. } => ExprKind::Name { id, ctx },
            ExprKind::Attribute { value, attr, .. } => ExprKind::Attribute { value, attr, ctx },
            ExprKind::Subscript { value, slice, .. } => ExprKind::Subscript { value, slice, ctx },
            ExprKind::Starred { value, .. } => ExprKind::Starred { value: self.with_context(value, ctx), ctx },
            ExprKind::List { elts, .. } => ExprKind::List { elts: self.elements_in(elts, ctx), ctx },
            ExprKind::Tuple { elts, .. } => ExprKind::Tuple { elts: self.elements_in(elts, ctx), ctx },
            _ => return expr,
        };
        self.arena.expr(kind, expr.span)
    }

    fn elements_in(&mut self, elts: &'a [E<'a>], ctx: ExprContext) -> &'a [E<'a>] {
        let elts: Vec<_> = elts.iter().map(|element| self.with_context(element, ctx)).collect();
        self.arena.slice(elts)
    }

    pub(crate) fn store(&mut self, expr: E<'a>) -> Result<E<'a>, Fail> {
        match invalid_target(expr, false) {
            None => Ok(self.with_context(expr, ExprContext::Store)),
            Some(wrong) => {
                let name = expr_name(wrong);
                self.refuse_at(wrong.span, format!("cannot assign to {name}"))
            }
        }
    }

    pub(crate) fn store_starred(&mut self, l: u32, r: u32, expr: E<'a>) -> Result<E<'a>, Fail> {
        let value = self.store(expr)?;
        Ok(self.expr(l, r, ExprKind::Starred { value, ctx: ExprContext::Store }))
    }

    pub(crate) fn store_tuple(&mut self, l: u32, r: u32, mark: Mark, last: Option<E<'a>>) -> E<'a> {
        self.exprs.extend(last);
        let elts = self.expr_slice(mark);
        self.expr(l, r, ExprKind::Tuple { elts, ctx: ExprContext::Store })
    }

    pub(super) fn delete_target(&mut self, expr: E<'a>) -> Result<E<'a>, Fail> {
        match invalid_target(expr, true) {
            None => Ok(self.with_context(expr, ExprContext::Del)),
            Some(wrong) => {
                let name = expr_name(wrong);
                self.refuse_at(wrong.span, format!("cannot delete {name}"))
            }
        }
    }
}
