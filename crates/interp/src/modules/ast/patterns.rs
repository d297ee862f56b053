//! The rules that patterns obey.

use cinder_pyobj::PyResult;
use cinder_syntax::ast::*;

use super::validate::Validator;

const NOT_A_VALUE: &str = "patterns may only match literals and attribute lookups";

/// Which parts of a number literal may appear.
#[derive(Clone, Copy)]
struct Parts {
    real: bool,
    imaginary: bool,
}

fn is_number(expr: &Expr<'_>, parts: Parts) -> bool {
    match expr.kind {
        ExprKind::Constant { value: Constant::Int(_) | Constant::Float(_), .. } => parts.real,
        ExprKind::Constant { value: Constant::Complex { .. }, .. } => parts.imaginary,
        _ => false,
    }
}

fn is_negative_number(expr: &Expr<'_>, parts: Parts) -> bool {
    matches!(expr.kind, ExprKind::UnaryOp { op: UnaryOp::USub, operand } if is_number(operand, parts))
}

fn is_complex(left: &Expr<'_>, op: Operator, right: &Expr<'_>) -> bool {
    let real = Parts { real: true, imaginary: false };
    matches!(op, Operator::Add | Operator::Sub)
        && (is_number(left, real) || is_negative_number(left, real))
        && is_number(right, Parts { real: false, imaginary: true })
}

/// The checks of patterns.
pub(super) trait Patterns {
    /// Checks a pattern; `star` is whether it may be a starred one.
    fn pattern(&self, pattern: &Pattern<'_>, star: bool) -> PyResult<()>;
    /// Checks the expression of a value pattern.
    fn pattern_value(&self, value: &Expr<'_>) -> PyResult<()>;
    /// Checks the name that a pattern binds.
    fn capture(&self, name: Option<&str>) -> PyResult<()>;
}

impl Patterns for Validator<'_> {
    fn pattern(&self, pattern: &Pattern<'_>, star: bool) -> PyResult<()> {
        self.cx.check_stack(" during compilation")?;
        let all = |patterns: &[&Pattern<'_>], star: bool| patterns.iter().try_for_each(|item| self.pattern(item, star));
        match pattern.kind {
            PatternKind::MatchValue { value } => self.pattern_value(value),
            PatternKind::MatchSingleton { value } => match value {
                Constant::None | Constant::Bool(_) => Ok(()),
                _ => self.value_error("MatchSingleton can only contain True, False and None"),
            },
            PatternKind::MatchSequence { patterns } => all(patterns, true),
            PatternKind::MatchMapping { keys, patterns, rest } => {
                if keys.len() != patterns.len() {
                    return self.value_error("MatchMapping doesn't have the same number of keys as patterns");
                }
                self.capture(rest)?;
                for key in keys {
                    let is_singleton =
                        matches!(key.kind, ExprKind::Constant { value: Constant::None | Constant::Bool(_), .. });
                    if !is_singleton {
                        self.pattern_value(key)?;
                    }
                }
                all(patterns, false)
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                if kwd_attrs.len() != kwd_patterns.len() {
                    return self
                        .value_error("MatchClass doesn't have the same number of keyword attributes as patterns");
                }
                self.load(cls)?;
                let mut at = cls;
                while let ExprKind::Attribute { value, .. } = at.kind {
                    at = value;
                }
                if !matches!(at.kind, ExprKind::Name { .. }) {
                    return self.value_error("MatchClass cls field can only contain Name or Attribute nodes.");
                }
                kwd_attrs.iter().try_for_each(|name| self.name(name))?;
                all(patterns, false)?;
                all(kwd_patterns, false)
            }
            PatternKind::MatchStar { name } => {
                if !star {
                    return self.value_error("can't use MatchStar here");
                }
                self.capture(name)
            }
            PatternKind::MatchAs { pattern, name } => {
                self.capture(name)?;
                match (pattern, name) {
                    (None, _) => Ok(()),
                    (Some(_), None) => self.value_error("MatchAs must specify a target name if a pattern is given"),
                    (Some(pattern), Some(_)) => self.pattern(pattern, false),
                }
            }
            PatternKind::MatchOr { patterns } => {
                if patterns.len() < 2 {
                    return self.value_error("MatchOr requires at least 2 patterns");
                }
                all(patterns, false)
            }
        }
    }

    fn pattern_value(&self, value: &Expr<'_>) -> PyResult<()> {
        self.load(value)?;
        let any = Parts { real: true, imaginary: true };
        match value.kind {
            ExprKind::Constant { value, .. } => match value {
                Constant::Int(_)
                | Constant::Float(_)
                | Constant::Complex { .. }
                | Constant::Str(_)
                | Constant::Bytes(_) => Ok(()),
                _ => self.value_error("unexpected constant inside of a literal pattern"),
            },
            ExprKind::Attribute { .. } | ExprKind::JoinedStr { .. } | ExprKind::TemplateStr { .. } => Ok(()),
            ExprKind::UnaryOp { .. } if is_negative_number(value, any) => Ok(()),
            ExprKind::BinOp { left, op, right } if is_complex(left, op, right) => Ok(()),
            _ => self.value_error(NOT_A_VALUE),
        }
    }

    fn capture(&self, name: Option<&str>) -> PyResult<()> {
        match name {
            None => Ok(()),
            Some("_") => self.value_error("can't capture name '_' in patterns"),
            Some(name) => self.name(name),
        }
    }
}
