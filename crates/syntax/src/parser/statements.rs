//! Actions for statements.

use super::builder::*;
use crate::ast::*;
use crate::token::Tok;

impl<'a> Builder<'a, '_> {
    pub(crate) fn module(&mut self, body: Option<Mark>) -> Mod<'a> {
        let body = body.map_or(&[][..], |mark| self.body(mark));
        let type_ignores = self.type_ignores();
        Mod::Module { body, type_ignores }
    }

    pub(crate) fn interactive(&mut self, mark: Mark) -> Mod<'a> {
        Mod::Interactive { body: self.body(mark) }
    }

    pub(crate) fn interactive_compound(&mut self, stmt: S<'a>) -> Mod<'a> {
        Mod::Interactive { body: self.arena.slice([stmt]) }
    }

    /// Nothing but line ends at a prompt: `pass`.
    pub(crate) fn empty_interactive(&mut self) -> Mod<'a> {
        let span = Span::new(0, self.token(1).end);
        let pass = self.arena.stmt(StmtKind::Pass, span);
        Mod::Interactive { body: self.arena.slice([pass]) }
    }

    pub(crate) fn type_args_first(&mut self, (rank, expr): (u8, E<'a>)) -> Mark {
        self.type_arg_rank = rank;
        self.first_expr(expr)
    }

    /// `*` and `**` come last, in this order, once each.
    pub(crate) fn type_args_next(&mut self, mark: Mark, (rank, expr): (u8, E<'a>)) -> Result<Mark, Fail> {
        if rank < self.type_arg_rank || rank == self.type_arg_rank && rank > 0 {
            return self.refuse_at(expr.span, "invalid syntax");
        }
        self.type_arg_rank = rank;
        Ok(self.next_expr(mark, expr))
    }

    pub(crate) fn function_type(&mut self, mark: Mark, returns: E<'a>) -> Result<Mod<'a>, Fail> {
        Ok(Mod::FunctionType { argtypes: self.expr_slice(mark), returns })
    }

    pub(crate) fn stmt_mark(&mut self) -> Mark {
        self.stmts.len() as Mark
    }

    pub(crate) fn push_stmt(&mut self, stmt: S<'a>) {
        self.stmts.push(stmt);
    }

    pub(crate) fn body(&mut self, mark: Mark) -> Body<'a> {
        self.arena.slice(above(&mut self.stmts, mark))
    }

    pub(crate) fn assign(&mut self, l: u32, r: u32, mark: Mark, value: E<'a>) -> Result<S<'a>, Fail> {
        let targets = self.expr_slice(mark);
        if self.comments.is_empty() {
            return Ok(self.stmt(l, r, StmtKind::Assign { targets, value, type_comment: None }));
        }
        let comment = self.type_comment_span(r);
        let type_comment = comment.map(|(text, _)| text);
        let stmt = self.stmt(l, r, StmtKind::Assign { targets, value, type_comment });
        // The comment belongs to the statement.
        Ok(match comment {
            Some((_, end)) => self.arena.stmt(stmt.kind, Span::new(stmt.span.start, end)),
            None => stmt,
        })
    }

    pub(crate) fn first_target(&mut self, target: E<'a>) -> Result<Mark, Fail> {
        let target = self.store(target)?;
        Ok(self.first_expr(target))
    }

    pub(crate) fn next_target(&mut self, mark: Mark, target: E<'a>) -> Result<Mark, Fail> {
        let target = self.store(target)?;
        Ok(self.next_expr(mark, target))
    }

    pub(crate) fn aug_assign(
        &mut self,
        l: u32,
        r: u32,
        target: E<'a>,
        op: Operator,
        value: E<'a>,
    ) -> Result<S<'a>, Fail> {
        let target = match target.kind {
            ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => self.store(target)?,
            _ => {
                let name = super::targets::expr_name(target);
                return self
                    .refuse_at(target.span, format!("'{name}' is an illegal expression for augmented assignment"));
            }
        };
        Ok(self.stmt(l, r, StmtKind::AugAssign { target, op, value }))
    }

    pub(crate) fn ann_assign(
        &mut self,
        l: u32,
        r: u32,
        target: E<'a>,
        annotation: E<'a>,
        value: Option<E<'a>>,
    ) -> Result<S<'a>, Fail> {
        let simple = matches!(target.kind, ExprKind::Name { .. }) && self.token(l).kind == Tok::Name;
        let msg = match target.kind {
            ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {
                let target = self.store(target)?;
                return Ok(self.stmt(l, r, StmtKind::AnnAssign { target, annotation, value, simple }));
            }
            ExprKind::List { .. } => "only single target (not list) can be annotated",
            ExprKind::Tuple { .. } => "only single target (not tuple) can be annotated",
            _ => "illegal target for annotation",
        };
        self.refuse_at(target.span, msg)
    }

    pub(crate) fn type_alias(
        &mut self,
        l: u32,
        r: u32,
        name: E<'a>,
        params: Option<&'a [TypeParam<'a>]>,
        value: E<'a>,
    ) -> S<'a> {
        let name = self.with_context(name, ExprContext::Store);
        self.stmt(l, r, StmtKind::TypeAlias { name, type_params: params.unwrap_or_default(), value })
    }

    pub(crate) fn delete(&mut self, l: u32, r: u32, mark: Option<Mark>, last: Option<E<'a>>) -> Result<S<'a>, Fail> {
        let mark = mark.unwrap_or(self.exprs.len() as Mark);
        self.exprs.extend(last);
        let targets: Vec<_> = above(&mut self.exprs, mark).collect();
        let targets = targets.into_iter().map(|target| self.delete_target(target)).collect::<Result<Vec<_>, _>>()?;
        let targets = self.arena.slice(targets);
        Ok(self.stmt(l, r, StmtKind::Delete { targets }))
    }

    fn name_slice(&mut self, mark: Mark) -> &'a [Identifier<'a>] {
        self.arena.slice(above(&mut self.names, mark))
    }

    pub(crate) fn global(&mut self, l: u32, r: u32, mark: Mark) -> S<'a> {
        let names = self.name_slice(mark);
        self.stmt(l, r, StmtKind::Global { names })
    }

    pub(crate) fn nonlocal(&mut self, l: u32, r: u32, mark: Mark) -> S<'a> {
        let names = self.name_slice(mark);
        self.stmt(l, r, StmtKind::Nonlocal { names })
    }

    // Imports

    /// The names and dots with indices `l..r` in one.
    pub(crate) fn dotted_name(&mut self, l: u32, r: u32) -> Identifier<'a> {
        let mut text = String::new();
        for at in l..r {
            match self.token(at).kind {
                Tok::Name => {
                    let name = self.name(at);
                    text.push_str(name);
                }
                _ => text.push('.'),
            }
        }
        self.arena.identifier(&text)
    }

    pub(crate) fn alias(&mut self, l: u32, r: u32, name: Identifier<'a>, asname: Option<Identifier<'a>>) {
        let span = self.span(l, r);
        self.aliases.push(Alias { name, asname, span });
    }

    pub(crate) fn import_star(&mut self, l: u32, r: u32) -> Mark {
        self.alias(l, r, "*", None);
        self.first_alias(())
    }

    pub(crate) fn import(&mut self, l: u32, r: u32, mark: Mark) -> S<'a> {
        let names = self.arena.slice(above(&mut self.aliases, mark));
        self.stmt(l, r, StmtKind::Import { names })
    }

    pub(crate) fn import_from(
        &mut self,
        l: u32,
        r: u32,
        level: u32,
        module: Option<Identifier<'a>>,
        mark: Mark,
    ) -> S<'a> {
        let names = self.arena.slice(above(&mut self.aliases, mark));
        self.stmt(l, r, StmtKind::ImportFrom { module, names, level: Some(level) })
    }

    // Compound statements

    pub(crate) fn elif(&mut self, l: u32, r: u32, test: E<'a>, body: Body<'a>, orelse: Body<'a>) -> Body<'a> {
        let stmt = self.stmt(l, r, StmtKind::If { test, body, orelse });
        self.arena.slice([stmt])
    }

    /// The type comment behind the colon with the given index.
    fn block_comment(&mut self, colon: u32) -> Option<&'a str> {
        if self.comments.is_empty() { None } else { self.type_comment(colon + 1) }
    }

    pub(crate) fn for_stmt(
        &mut self,
        target: E<'a>,
        iter: E<'a>,
        colon: u32,
        body: Body<'a>,
        orelse: Body<'a>,
    ) -> &'a For<'a> {
        let type_comment = self.block_comment(colon);
        self.arena.alloc(For { target, iter, body, orelse, type_comment })
    }

    pub(crate) fn first_with_item(&mut self, item: (E<'a>, Option<E<'a>>)) -> Mark {
        self.next_with_item(self.with_items.len() as Mark, item)
    }

    pub(crate) fn next_with_item(&mut self, mark: Mark, (context_expr, vars): (E<'a>, Option<E<'a>>)) -> Mark {
        self.with_items.push(WithItem { context_expr, optional_vars: vars });
        mark
    }

    pub(crate) fn with_stmt(&mut self, mark: Mark, colon: u32, body: Body<'a>) -> &'a With<'a> {
        let items = self.arena.slice(above(&mut self.with_items, mark));
        let type_comment = self.block_comment(colon);
        self.arena.alloc(With { items, body, type_comment })
    }

    pub(crate) fn handler(&mut self, l: u32, r: u32, typ: Option<E<'a>>, name: Option<Identifier<'a>>, body: Body<'a>) {
        let span = self.span(l, r);
        self.handlers.push(ExceptHandler { typ, name, body, span });
    }

    pub(crate) fn try_finally(&mut self, l: u32, r: u32, body: Body<'a>, finalbody: Body<'a>) -> S<'a> {
        let node = self.arena.alloc(Try { body, handlers: &[], orelse: &[], finalbody });
        self.stmt(l, r, StmtKind::Try(node))
    }

    fn try_node(&mut self, body: Body<'a>, mark: Mark, orelse: Body<'a>, finalbody: Body<'a>) -> &'a Try<'a> {
        let handlers = self.arena.slice(above(&mut self.handlers, mark));
        self.arena.alloc(Try { body, handlers, orelse, finalbody })
    }

    pub(crate) fn try_except(
        &mut self,
        l: u32,
        r: u32,
        body: Body<'a>,
        mark: Mark,
        orelse: Body<'a>,
        finalbody: Body<'a>,
    ) -> S<'a> {
        let node = self.try_node(body, mark, orelse, finalbody);
        self.stmt(l, r, StmtKind::Try(node))
    }

    pub(crate) fn try_star(
        &mut self,
        l: u32,
        r: u32,
        body: Body<'a>,
        mark: Mark,
        orelse: Body<'a>,
        finalbody: Body<'a>,
    ) -> S<'a> {
        let node = self.try_node(body, mark, orelse, finalbody);
        self.stmt(l, r, StmtKind::TryStar(node))
    }

    pub(crate) fn match_stmt(&mut self, l: u32, r: u32, subject: E<'a>, mark: Mark) -> S<'a> {
        let cases = self.arena.slice(above(&mut self.cases, mark));
        self.stmt(l, r, StmtKind::Match { subject, cases })
    }

    pub(crate) fn case(&mut self, pattern: P<'a>, guard: Option<E<'a>>, body: Body<'a>) {
        self.cases.push(MatchCase { pattern, guard, body });
    }

    // Definitions

    /// Puts decorators on a function or class; its span stays that of the bare definition.
    pub(crate) fn decorate(&mut self, mark: Mark, definition: S<'a>) -> S<'a> {
        let decorator_list = self.expr_slice(mark);
        let kind = match definition.kind {
            StmtKind::FunctionDef(f) => StmtKind::FunctionDef(self.arena.alloc(FunctionDef { decorator_list, ..*f })),
            StmtKind::AsyncFunctionDef(f) => {
                StmtKind::AsyncFunctionDef(self.arena.alloc(FunctionDef { decorator_list, ..*f }))
            }
            StmtKind::ClassDef(c) => StmtKind::ClassDef(self.arena.alloc(ClassDef { decorator_list, ..*c })),
            other => other,
        };
        let stmt = self.arena.stmt(kind, definition.span);
        self.too_deep |= stmt.depth() > self.options.max_depth;
        stmt
    }

    pub(crate) fn class(
        &mut self,
        l: u32,
        r: u32,
        name: Identifier<'a>,
        params: Option<&'a [TypeParam<'a>]>,
        args: Option<ArgsMark>,
        body: Body<'a>,
    ) -> S<'a> {
        let (bases, keywords) = args.map_or((&[][..], &[][..]), |args| self.take_args(args));
        let node =
            ClassDef { name, bases, keywords, body, decorator_list: &[], type_params: params.unwrap_or_default() };
        let node = self.arena.alloc(node);
        self.stmt(l, r, StmtKind::ClassDef(node))
    }

    pub(crate) fn function(
        &mut self,
        name: Identifier<'a>,
        params: Option<&'a [TypeParam<'a>]>,
        args: &'a Arguments<'a>,
        returns: Option<E<'a>>,
        colon: u32,
        body: Body<'a>,
    ) -> Result<&'a FunctionDef<'a>, Fail> {
        let mut type_comment = self.block_comment(colon);
        // A comment on the line after the colon stands before the indent token.
        if !self.comments.is_empty()
            && let Some(second) = self.type_comment(colon + 2)
        {
            if type_comment.is_some() {
                self.bad_literal = true;
                let end = self.token(colon + 2).end;
                let mut error = self.refusal_at(Span::new(end, end), "Cannot have two type comments on def");
                error.offset -= 1;
                error.end_offset = -1;
                return Err(Fail::User { error });
            }
            type_comment = Some(second);
        }
        Ok(self.arena.alloc(FunctionDef {
            name,
            args,
            body,
            decorator_list: &[],
            returns,
            type_comment,
            type_params: params.unwrap_or_default(),
        }))
    }

    pub(crate) fn type_param(&mut self, l: u32, r: u32, kind: TypeParamKind<'a>) {
        let span = self.span(l, r);
        self.type_params.push(TypeParam { kind, span });
    }

    pub(crate) fn type_params(&mut self, mark: Mark) -> Result<&'a [TypeParam<'a>], Fail> {
        Ok(self.arena.slice(above(&mut self.type_params, mark)))
    }
}
