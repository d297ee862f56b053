//! Syntax that is newer than the version asked for (`ast.parse(feature_version=…)`).

use crate::ast::*;
use crate::token::{Tok, Token};

/// Newer syntax: the token at which Python notices it, and the message.
pub(crate) type TooNew = (usize, String);

/// The first piece of syntax that Python 3.`version` does not have.
pub(super) fn first_too_new(module: Mod<'_>, source: &str, tokens: &[Token], version: u8) -> Option<TooNew> {
    let mut check = Check { source, tokens, version, found: None };
    let mut work = vec![NodeRef::Mod(module)];
    while let Some(node) = work.pop() {
        check.node(node);
        for (_, field) in node.fields() {
            match field {
                Field::Node(child) | Field::OptionalNode(Some(child)) => work.push(child),
                Field::Nodes(children) => work.extend(children.into_iter().flatten()),
                _ => {}
            }
        }
    }
    check.found
}

struct Check<'s> {
    source: &'s str,
    tokens: &'s [Token],
    version: u8,
    found: Option<TooNew>,
}

impl Check<'_> {
    /// The index of the first token that starts at or behind an offset.
    fn token_at(&self, offset: u32) -> usize {
        // Tokens without text share their offset with the one behind them.
        self.tokens.partition_point(|token| token.start < offset || token.kind.is_start())
    }

    fn note(&mut self, since: u8, at: usize, what: &str) {
        if self.version < since && self.found.as_ref().is_none_or(|(first, _)| at < *first) {
            let msg = format!("{what} only supported in Python 3.{since} and greater");
            self.found = Some((at, msg));
        }
    }

    fn node(&mut self, node: NodeRef) {
        let behind = node.span().map_or(0, |span| self.token_at(span.end));
        match node {
            NodeRef::Stmt(stmt) => self.stmt(stmt, behind),
            NodeRef::Expr(expr) => self.expr(expr, behind),
            NodeRef::Comprehension(clause) if clause.is_async => {
                let end = clause.ifs.last().map_or(clause.iter.span.end, |last| last.span.end);
                let at = self.token_at(end);
                self.note(6, at, "Async comprehensions are");
            }
            NodeRef::Arguments(args) => {
                if let Some(last) = args.posonlyargs.last() {
                    let from = self.token_at(last.span.end);
                    let rest = self.tokens.get(from..).unwrap_or_default();
                    let slash = rest.iter().position(|token| token.kind == Tok::Slash).unwrap_or(0);
                    self.note(8, from + slash + 1, "Positional-only parameters are");
                }
            }
            NodeRef::ExceptHandler(handler) => {
                if let Some(typ) = handler.typ
                    && matches!(typ.kind, ExprKind::Tuple { .. })
                    && self.source.as_bytes().get(typ.span.start as usize) != Some(&b'(')
                {
                    self.note(14, behind, "except expressions without parentheses are");
                }
            }
            NodeRef::TypeParam(param) => {
                let has_default = match param.kind {
                    TypeParamKind::TypeVar { default_value, .. }
                    | TypeParamKind::ParamSpec { default_value, .. }
                    | TypeParamKind::TypeVarTuple { default_value, .. } => default_value.is_some(),
                };
                if has_default {
                    self.note(13, behind, "Type parameter defaults are");
                }
                self.note(12, behind, "Type parameter lists are");
            }
            _ => {}
        }
    }

    fn stmt(&mut self, stmt: &Stmt, behind: usize) {
        match stmt.kind {
            StmtKind::AsyncFunctionDef(_) => self.note(5, behind, "Async functions are"),
            StmtKind::AsyncFor(_) => self.note(5, behind + 1, "Async for loops are"),
            StmtKind::AsyncWith(_) => self.note(5, behind, "Async with statements are"),
            StmtKind::AnnAssign { annotation, .. } => {
                let at = self.token_at(annotation.span.end);
                self.note(6, at, "Variable annotation syntax is");
            }
            StmtKind::AugAssign { target, op: Operator::MatMult, .. } => {
                let at = self.token_at(target.span.end);
                self.note(5, at, "The '@' operator is");
            }
            StmtKind::Match { .. } => self.note(10, behind + 1, "Pattern matching is"),
            StmtKind::TryStar(_) => self.note(11, behind + 1, "Exception groups are"),
            StmtKind::TypeAlias { .. } => self.note(12, behind, "Type statement is"),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr, behind: usize) {
        match expr.kind {
            ExprKind::NamedExpr { .. } => self.note(8, behind, "Assignment expressions are"),
            ExprKind::Await { .. } => self.note(5, behind, "Await expressions are"),
            ExprKind::BinOp { op: Operator::MatMult, .. } => self.note(5, behind, "The '@' operator is"),
            ExprKind::TemplateStr { .. } => self.note(14, behind, "t-strings are"),
            ExprKind::Constant { value: Constant::Int(_) | Constant::Float(_) | Constant::Complex { .. }, .. } => {
                let text = self.source.get(expr.span.start as usize..expr.span.end as usize).unwrap_or_default();
                if text.contains('_') {
                    let at = self.token_at(expr.span.start);
                    self.note(6, at, "Underscores in numeric literals are");
                }
            }
            _ => {}
        }
    }
}
