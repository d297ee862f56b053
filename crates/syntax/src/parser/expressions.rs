//! Actions for expressions.

use super::builder::*;
use crate::ast::*;

/// The arguments of a call under construction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArgsMark {
    exprs: Mark,
    keywords: Mark,
    /// What may still follow.
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Positional,
    Keyword,
    DoubleStar,
}

/// One argument; keyword arguments are already on their stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArgItem<'a> {
    Positional(E<'a>),
    Starred(E<'a>),
    Keyword,
    DoubleStar,
}

/// The items of a dictionary display under construction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DictMark {
    keys: Mark,
    values: Mark,
}

impl<'a> Builder<'a, '_> {
    pub(crate) fn name_expr(&mut self, at: u32) -> E<'a> {
        let id = self.name(at);
        let token = self.token(at);
        self.arena.expr(ExprKind::Name { id, ctx: ExprContext::Load }, Span::new(token.start, token.end))
    }

    pub(crate) fn constant(&mut self, l: u32, r: u32, value: Constant<'a>) -> E<'a> {
        self.expr(l, r, ExprKind::Constant { value, kind: None })
    }

    pub(crate) fn number(&mut self, at: u32) -> Result<E<'a>, Fail> {
        match crate::literal::number(self.token_text(at), self.options.int_max_str_digits, self.arena) {
            Ok(value) => Ok(self.constant(at, at + 1, value)),
            Err(digits) => {
                self.bad_literal = true;
                let limit = self.options.int_max_str_digits;
                let mut error = self.refusal_at(
                    self.span(at, at + 1),
                    format!(
                        "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
                         use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge \
                         integer literals to avoid decimal conversion limits."
                    ),
                );
                error.end_lineno = error.lineno;
                Err(Fail::User { error })
            }
        }
    }

    pub(crate) fn power(&mut self, l: u32, r: u32, left: E<'a>, right: E<'a>) -> E<'a> {
        self.expr(l, r, ExprKind::BinOp { left, op: Operator::Pow, right })
    }

    pub(crate) fn named_expr(&mut self, l: u32, r: u32, target: E<'a>, value: E<'a>) -> E<'a> {
        let target = self.with_context(target, ExprContext::Store);
        self.expr(l, r, ExprKind::NamedExpr { target, value })
    }

    fn elements(&mut self, mark: Option<Mark>, last: Option<E<'a>>) -> &'a [E<'a>] {
        let mark = mark.unwrap_or(self.exprs.len() as Mark);
        self.exprs.extend(last);
        self.expr_slice(mark)
    }

    pub(crate) fn tuple(&mut self, l: u32, r: u32, mark: Mark, last: Option<E<'a>>) -> E<'a> {
        let elts = self.elements(Some(mark), last);
        self.expr(l, r, ExprKind::Tuple { elts, ctx: ExprContext::Load })
    }

    pub(crate) fn one_tuple(&mut self, l: u32, r: u32, element: E<'a>) -> E<'a> {
        let elts = self.arena.slice([element]);
        self.expr(l, r, ExprKind::Tuple { elts, ctx: ExprContext::Load })
    }

    pub(crate) fn empty_tuple(&mut self, l: u32, r: u32) -> E<'a> {
        self.expr(l, r, ExprKind::Tuple { elts: &[], ctx: ExprContext::Load })
    }

    pub(crate) fn group(&mut self, inner: E<'a>) -> Result<E<'a>, Fail> {
        match inner.kind {
            ExprKind::Starred { .. } => self.refuse_at(inner.span, "cannot use starred expression here"),
            _ => Ok(inner),
        }
    }

    pub(crate) fn list(&mut self, l: u32, r: u32, mark: Option<Mark>, last: Option<E<'a>>) -> E<'a> {
        let elts = self.elements(mark, last);
        self.expr(l, r, ExprKind::List { elts, ctx: ExprContext::Load })
    }

    pub(crate) fn set(&mut self, l: u32, r: u32, mark: Option<Mark>, last: Option<E<'a>>) -> E<'a> {
        let elts = self.elements(mark, last);
        self.expr(l, r, ExprKind::Set { elts })
    }

    // Dictionaries

    pub(crate) fn first_dict_item(&mut self, item: (Option<E<'a>>, E<'a>)) -> DictMark {
        let mark = DictMark { keys: self.dict_keys.len() as Mark, values: self.exprs.len() as Mark };
        self.next_dict_item(mark, item)
    }

    pub(crate) fn next_dict_item(&mut self, mark: DictMark, (key, value): (Option<E<'a>>, E<'a>)) -> DictMark {
        self.dict_keys.push(key);
        self.exprs.push(value);
        mark
    }

    pub(crate) fn dict(&mut self, l: u32, r: u32, mark: Option<DictMark>) -> E<'a> {
        let (keys, values) = match mark {
            Some(mark) => (self.arena.slice(above(&mut self.dict_keys, mark.keys)), self.expr_slice(mark.values)),
            None => (&[][..], &[][..]),
        };
        self.expr(l, r, ExprKind::Dict { keys, values })
    }

    // Comprehensions

    pub(crate) fn expr_mark(&mut self) -> Mark {
        self.exprs.len() as Mark
    }

    pub(crate) fn comprehension(&mut self, target: E<'a>, iter: E<'a>, ifs: Mark, is_async: bool) {
        let ifs = self.expr_slice(ifs);
        self.comprehensions.push(Comprehension { target, iter, ifs, is_async });
    }

    fn generators(&mut self, mark: Mark) -> &'a [Comprehension<'a>] {
        self.arena.slice(above(&mut self.comprehensions, mark))
    }

    fn refuse_starred(&self, elt: E<'a>) -> Result<(), Fail> {
        match elt.kind {
            ExprKind::Starred { .. } => self.refuse_at(elt.span, "iterable unpacking cannot be used in comprehension"),
            _ => Ok(()),
        }
    }

    pub(crate) fn generator(&mut self, l: u32, r: u32, elt: E<'a>, mark: Mark) -> Result<E<'a>, Fail> {
        self.refuse_starred(elt)?;
        let generators = self.generators(mark);
        Ok(self.expr(l, r, ExprKind::GeneratorExp { elt, generators }))
    }

    pub(crate) fn list_comp(&mut self, l: u32, r: u32, elt: E<'a>, mark: Mark) -> Result<E<'a>, Fail> {
        self.refuse_starred(elt)?;
        let generators = self.generators(mark);
        Ok(self.expr(l, r, ExprKind::ListComp { elt, generators }))
    }

    pub(crate) fn set_comp(&mut self, l: u32, r: u32, elt: E<'a>, mark: Mark) -> Result<E<'a>, Fail> {
        self.refuse_starred(elt)?;
        let generators = self.generators(mark);
        Ok(self.expr(l, r, ExprKind::SetComp { elt, generators }))
    }

    pub(crate) fn dict_comp(
        &mut self,
        l: u32,
        r: u32,
        (key, value): (Option<E<'a>>, E<'a>),
        mark: Mark,
    ) -> Result<E<'a>, Fail> {
        let Some(key) = key else {
            return self.refuse(l + 1, l + 2, "dict unpacking cannot be used in dict comprehension");
        };
        let generators = self.generators(mark);
        Ok(self.expr(l, r, ExprKind::DictComp { key, value, generators }))
    }

    // Calls

    pub(crate) fn starred_arg(&mut self, l: u32, r: u32, value: E<'a>) -> ArgItem<'a> {
        ArgItem::Starred(self.expr(l, r, ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    pub(crate) fn keyword_arg(&mut self, l: u32, r: u32, arg: Option<Identifier<'a>>, value: E<'a>) -> ArgItem<'a> {
        let span = self.span(l, r);
        self.keywords.push(Keyword { arg, value, span });
        if arg.is_some() { ArgItem::Keyword } else { ArgItem::DoubleStar }
    }

    pub(crate) fn first_arg(&mut self, item: ArgItem<'a>) -> ArgsMark {
        let exprs = self.exprs.len() as Mark;
        let keywords = self.keywords.len() as Mark;
        match item {
            ArgItem::Positional(expr) | ArgItem::Starred(expr) => {
                self.exprs.push(expr);
                ArgsMark { exprs, keywords, seen: Seen::Positional }
            }
            ArgItem::Keyword => ArgsMark { exprs, keywords: keywords.saturating_sub(1), seen: Seen::Keyword },
            ArgItem::DoubleStar => ArgsMark { exprs, keywords: keywords.saturating_sub(1), seen: Seen::DoubleStar },
        }
    }

    pub(crate) fn next_arg(&mut self, mark: ArgsMark, item: ArgItem<'a>) -> Result<ArgsMark, Fail> {
        let seen = match item {
            ArgItem::Positional(expr) => {
                match mark.seen {
                    Seen::Positional => {}
                    Seen::Keyword => return self.refuse_at(expr.span, "positional argument follows keyword argument"),
                    Seen::DoubleStar => {
                        let msg = "positional argument follows keyword argument unpacking";
                        return self.refuse_at(expr.span, msg);
                    }
                }
                self.exprs.push(expr);
                Seen::Positional
            }
            ArgItem::Starred(expr) => {
                if mark.seen == Seen::DoubleStar {
                    let msg = "iterable argument unpacking follows keyword argument unpacking";
                    return self.refuse_at(expr.span, msg);
                }
                self.exprs.push(expr);
                mark.seen
            }
            ArgItem::Keyword => mark.seen.max(Seen::Keyword),
            ArgItem::DoubleStar => Seen::DoubleStar,
        };
        Ok(ArgsMark { seen, ..mark })
    }

    pub(super) fn take_args(&mut self, mark: ArgsMark) -> (&'a [E<'a>], &'a [Keyword<'a>]) {
        (self.expr_slice(mark.exprs), self.arena.slice(above(&mut self.keywords, mark.keywords)))
    }

    pub(crate) fn call(&mut self, l: u32, r: u32, func: E<'a>, args: ArgsMark) -> E<'a> {
        let (args, keywords) = self.take_args(args);
        self.expr(l, r, ExprKind::Call { func, args, keywords })
    }

    /// A call whose only argument is a generator that uses the call's own parentheses.
    pub(crate) fn call_generator(
        &mut self,
        l: u32,
        paren: u32,
        r: u32,
        func: E<'a>,
        elt: E<'a>,
        mark: Mark,
    ) -> Result<E<'a>, Fail> {
        let generator = self.generator(paren, r, elt, mark)?;
        let args = self.arena.slice([generator]);
        Ok(self.expr(l, r, ExprKind::Call { func, args, keywords: &[] }))
    }
}
