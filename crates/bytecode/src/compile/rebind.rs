//! Which expressions may change a local while its name waits as an operand.

use cinder_syntax::ast::*;

/// Whether evaluating `expr` may give the local `name` another value: by an assignment expression, or while the frame
/// is suspended.
pub(super) fn may_rebind(expr: &Expr<'_>, name: &str) -> bool {
    let any = |exprs: &[&Expr<'_>]| exprs.iter().any(|expr| may_rebind(expr, name));
    let opt = |expr: Option<&Expr<'_>>| expr.is_some_and(|expr| may_rebind(expr, name));
    let generators = |generators: &[Comprehension<'_>]| {
        generators.iter().any(|g| g.is_async || may_rebind(g.iter, name) || g.ifs.iter().any(|e| may_rebind(e, name)))
    };
    match expr.kind {
        ExprKind::Yield { .. } | ExprKind::YieldFrom { .. } | ExprKind::Await { .. } => true,
        ExprKind::NamedExpr { target, value } => {
            matches!(target.kind, ExprKind::Name { id, .. } if id == name) || may_rebind(value, name)
        }
        ExprKind::Constant { .. } | ExprKind::Name { .. } | ExprKind::Lambda { .. } => false,
        ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr { values } | ExprKind::TemplateStr { values } => {
            any(values)
        }
        ExprKind::BinOp { left, right, .. } => may_rebind(left, name) || may_rebind(right, name),
        ExprKind::UnaryOp { operand, .. } => may_rebind(operand, name),
        ExprKind::IfExp { test, body, orelse } => any(&[test, body, orelse]),
        ExprKind::Dict { keys, values } => keys.iter().any(|key| opt(*key)) || any(values),
        ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => any(elts),
        ExprKind::ListComp { elt, generators: g } | ExprKind::SetComp { elt, generators: g } => {
            may_rebind(elt, name) || generators(g)
        }
        ExprKind::GeneratorExp { elt, generators: g } => may_rebind(elt, name) || generators(g),
        ExprKind::DictComp { key, value, generators: g } => any(&[key, value]) || generators(g),
        ExprKind::Compare { left, comparators, .. } => may_rebind(left, name) || any(comparators),
        ExprKind::Call { func, args, keywords } => {
            may_rebind(func, name) || any(args) || keywords.iter().any(|keyword| may_rebind(keyword.value, name))
        }
        ExprKind::FormattedValue { value, format_spec, .. } | ExprKind::Interpolation { value, format_spec, .. } => {
            may_rebind(value, name) || opt(format_spec)
        }
        ExprKind::Attribute { value, .. } | ExprKind::Starred { value, .. } => may_rebind(value, name),
        ExprKind::Subscript { value, slice, .. } => may_rebind(value, name) || may_rebind(slice, name),
        ExprKind::Slice { lower, upper, step } => opt(lower) || opt(upper) || opt(step),
    }
}
