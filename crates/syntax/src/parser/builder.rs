//! The state of the grammar's actions: where nodes are made, and the stacks on which lists are collected.
//!
//! A list symbol of the grammar is a [`Mark`], the height of a stack when the list began; reductions nest, so the
//! part above the mark is the list when it is complete. The actions for each part of the language stand in the
//! modules beside this one.

use super::chain::{Operand, Pending};
use super::params::ParamItem;
use crate::ParseOptions;
use crate::ast::*;
use crate::error::{Diagnostic, SyntaxErrorKind, Warning, WarningKind};
use crate::token::{Tok, Token};
use lalrpop_util::ParseError;

pub(crate) use super::chain::{Chain, ChainOp};
pub(crate) use super::expressions::{ArgItem, ArgsMark, DictMark};
pub(crate) use super::patterns::{ClassMark, MappingItem, MappingMark};
pub(crate) use super::strings::Replacement;

pub(crate) type E<'a> = &'a Expr<'a>;
pub(crate) type S<'a> = &'a Stmt<'a>;
pub(crate) type P<'a> = &'a Pattern<'a>;
pub(crate) type Body<'a> = &'a [&'a Stmt<'a>];
/// The height of a stack where a list begins.
pub(crate) type Mark = u32;
/// What an action that refuses its input reports.
pub(crate) type Rejected = Box<Diagnostic>;
/// The error type that the generated parser wants from actions.
pub(crate) type Fail = ParseError<u32, Tok, Rejected>;

pub(crate) struct Builder<'a, 't> {
    pub(super) arena: &'a Arena<'a>,
    pub(super) source: &'a str,
    pub(super) tokens: &'t [Token],
    pub(super) lines: &'t LineIndex,
    pub(super) options: &'t ParseOptions,
    pub(super) comments: Vec<(u32, Span)>,
    pub(crate) warnings: Vec<Warning>,
    /// Whether a node was made that is deeper than allowed.
    pub(crate) too_deep: bool,
    /// Whether the refusal is about the value of a literal.
    pub(crate) bad_literal: bool,
    pub(super) exprs: Vec<E<'a>>,
    pub(super) stmts: Vec<S<'a>>,
    pub(super) patterns: Vec<P<'a>>,
    pub(super) keywords: Vec<Keyword<'a>>,
    pub(super) dict_keys: Vec<Option<E<'a>>>,
    pub(super) operands: Vec<Operand<'a>>,
    pub(super) operators: Vec<Pending>,
    pub(super) names: Vec<Identifier<'a>>,
    pub(super) aliases: Vec<Alias<'a>>,
    pub(super) params: Vec<ParamItem<'a>>,
    pub(super) type_params: Vec<TypeParam<'a>>,
    pub(super) with_items: Vec<WithItem<'a>>,
    pub(super) handlers: Vec<ExceptHandler<'a>>,
    pub(super) cases: Vec<MatchCase<'a>>,
    pub(super) comprehensions: Vec<Comprehension<'a>>,
    pub(super) strings: Vec<super::strings::Part<'a>>,
    pub(super) fstring_modes: Vec<super::strings::Mode>,
    pub(super) type_arg_rank: u8,
}

/// Makes a pair of methods that start and continue a list on a stack.
macro_rules! list_actions {
    ($($first:ident, $next:ident: $stack:ident, $ty:ty;)*) => {
        impl<'a> Builder<'a, '_> {
            $(
                pub(crate) fn $first(&mut self, item: $ty) -> Mark {
                    let mark = self.$stack.len() as Mark;
                    self.$stack.push(item);
                    mark
                }

                pub(crate) fn $next(&mut self, mark: Mark, item: $ty) -> Mark {
                    self.$stack.push(item);
                    mark
                }
            )*
        }
    };
}

list_actions! {
    first_expr, next_expr: exprs, E<'a>;
    first_name, next_name: names, Identifier<'a>;
    first_pattern, next_pattern: patterns, P<'a>;
}

/// Makes a pair of methods for lists whose items are pushed by the items' own actions.
macro_rules! pushed_list_actions {
    ($($first:ident, $next:ident: $stack:ident;)*) => {
        impl Builder<'_, '_> {
            $(
                pub(crate) fn $first(&mut self, (): ()) -> Mark {
                    self.$stack.len().saturating_sub(1) as Mark
                }

                pub(crate) fn $next(&mut self, mark: Mark, (): ()) -> Mark {
                    mark
                }
            )*
        }
    };
}

pushed_list_actions! {
    first_alias, next_alias: aliases;
    first_param, next_param: params;
    first_type_param, next_type_param: type_params;
    first_handler, next_handler: handlers;
    first_case, next_case: cases;
    first_comprehension, next_comprehension: comprehensions;
    first_string, next_string: strings;
}

/// The part of a stack above a mark.
pub(super) fn above<T>(stack: &mut Vec<T>, mark: Mark) -> std::vec::Drain<'_, T> {
    let from = (mark as usize).min(stack.len());
    stack.drain(from..)
}

impl<'a, 't> Builder<'a, 't> {
    pub(super) fn new(
        arena: &'a Arena<'a>,
        source: &'a str,
        tokens: &'t [Token],
        lines: &'t LineIndex,
        options: &'t ParseOptions,
    ) -> Self {
        Builder {
            arena,
            source,
            tokens,
            lines,
            options,
            comments: Vec::new(),
            warnings: Vec::new(),
            too_deep: false,
            bad_literal: false,
            exprs: Vec::new(),
            stmts: Vec::new(),
            patterns: Vec::new(),
            keywords: Vec::new(),
            dict_keys: Vec::new(),
            operands: Vec::new(),
            operators: Vec::new(),
            names: Vec::new(),
            aliases: Vec::new(),
            params: Vec::new(),
            type_params: Vec::new(),
            with_items: Vec::new(),
            handlers: Vec::new(),
            cases: Vec::new(),
            comprehensions: Vec::new(),
            strings: Vec::new(),
            fstring_modes: Vec::new(),
            type_arg_rank: 0,
        }
    }

    pub(super) fn token(&self, at: u32) -> Token {
        self.tokens.get(at as usize).copied().unwrap_or(Token { kind: Tok::EndMarker, start: 0, end: 0 })
    }

    /// The source text of the token at an index.
    pub(super) fn token_text(&self, at: u32) -> &'a str {
        let token = self.token(at);
        self.source.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The bytes from token `l` to the last token before `r` that is not layout.
    pub(super) fn span(&self, l: u32, r: u32) -> Span {
        let mut last = r.saturating_sub(1).max(l);
        while last > l && self.token(last).kind.is_layout() {
            last -= 1;
        }
        Span { start: self.token(l).start, end: self.token(last).end }
    }

    pub(crate) fn expr(&mut self, l: u32, r: u32, kind: ExprKind<'a>) -> E<'a> {
        let span = self.span(l, r);
        self.expr_at(span, kind)
    }

    pub(super) fn expr_at(&mut self, span: Span, kind: ExprKind<'a>) -> E<'a> {
        let expr = self.arena.expr(kind, span);
        self.too_deep |= expr.depth() > self.options.max_depth;
        expr
    }

    pub(crate) fn stmt(&mut self, l: u32, r: u32, kind: StmtKind<'a>) -> S<'a> {
        let span = self.span(l, r);
        let stmt = self.arena.stmt(kind, span);
        self.too_deep |= stmt.depth() > self.options.max_depth;
        stmt
    }

    pub(crate) fn pattern(&mut self, l: u32, r: u32, kind: PatternKind<'a>) -> P<'a> {
        let span = self.span(l, r);
        let pattern = self.arena.pattern(kind, span);
        self.too_deep |= pattern.depth() > self.options.max_depth;
        pattern
    }

    /// The name that the token at an index spells: names beyond ASCII are normalised.
    pub(crate) fn name(&mut self, at: u32) -> Identifier<'a> {
        let text = self.token_text(at);
        if text.is_ascii() {
            return self.arena.identifier_in_place(text);
        }
        self.arena.identifier(&crate::unicode::normalize_identifier(text))
    }

    pub(super) fn expr_slice(&mut self, mark: Mark) -> &'a [E<'a>] {
        self.arena.slice(above(&mut self.exprs, mark))
    }

    /// An error over a range of bytes.
    pub(super) fn refusal_at(&self, span: Span, msg: impl Into<String>) -> Rejected {
        let mut found = Diagnostic::over(self.source, self.lines, span, SyntaxErrorKind::Syntax, msg.into());
        if span.start as usize >= self.source.len() {
            found.offset -= 1;
            found.end_offset = -1;
        }
        Box::new(found)
    }

    pub(super) fn refuse_at<T>(&self, span: Span, msg: impl Into<String>) -> Result<T, Fail> {
        Err(ParseError::User { error: self.refusal_at(span, msg) })
    }

    /// An error over the tokens `l..r`.
    pub(super) fn refuse<T>(&self, l: u32, r: u32, msg: impl Into<String>) -> Result<T, Fail> {
        self.refuse_at(self.span(l, r), msg)
    }

    pub(super) fn warn(&mut self, at: u32, msg: String) {
        let lineno = self.lines.location(at).line;
        self.warnings.push(Warning { kind: WarningKind::Syntax, msg, lineno, span: Span::new(at, at + 2) });
    }

    // Type comments

    pub(super) fn set_comments(&mut self, comments: &[(u32, Span)]) {
        self.comments = comments.to_vec();
    }

    /// Takes the type comment that stands before the token with the given index.
    pub(super) fn type_comment(&mut self, before: u32) -> Option<&'a str> {
        self.type_comment_span(before).map(|(text, _)| text)
    }

    /// The same with the end of the comment.
    pub(super) fn type_comment_span(&mut self, before: u32) -> Option<(&'a str, u32)> {
        let at = self.comments.iter().position(|(index, span)| *index == before && !self.is_ignore(*span))?;
        let (_, span) = self.comments.remove(at);
        Some((self.comment_text(span), span.end))
    }

    fn comment_text(&self, span: Span) -> &'a str {
        let text = self.source.get(span.start as usize + 1..span.end as usize).unwrap_or_default();
        let text = text.trim_start_matches([' ', '\t']);
        text.get("type: ".len()..).unwrap_or_default().trim_start_matches([' ', '\t'])
    }

    /// Whether a type comment is `# type: ignore`, which belongs to no statement.
    fn is_ignore(&self, span: Span) -> bool {
        let rest = self.comment_text(span).strip_prefix("ignore");
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii()))
    }

    pub(super) fn type_ignores(&mut self) -> &'a [TypeIgnore<'a>] {
        let (ignores, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.comments).into_iter().partition(|(_, span)| self.is_ignore(*span));
        self.comments = rest;
        let items = ignores.into_iter().map(|(_, span)| TypeIgnore {
            lineno: self.lines.location(span.start).line,
            tag: self.comment_text(span).get("ignore".len()..).unwrap_or_default(),
        });
        self.arena.slice(items.collect::<Vec<_>>())
    }

    /// The error for a type comment that belongs to nothing.
    pub(super) fn unused_type_comment(&self) -> Option<Rejected> {
        let (_, span) = self.comments.iter().find(|(_, span)| !self.is_ignore(*span))?;
        let start = span.end - self.comment_text(*span).len() as u32;
        Some(self.refusal_at(Span::new(start, span.end), "invalid syntax"))
    }
}
