//! Parameter lists: the grammar takes any order, here the order is checked.

use super::builder::*;
use crate::ast::*;
use crate::token::Tok;

/// The kinds of entries of a parameter list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param {
    Plain,
    Slash,
    BareStar,
    Star,
    DoubleStar,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ParamItem<'a> {
    kind: Param,
    arg: Arg<'a>,
    default: Option<E<'a>>,
}

impl<'a> Builder<'a, '_> {
    pub(crate) fn param(
        &mut self,
        kind: Param,
        l: u32,
        r: u32,
        name: Identifier<'a>,
        annotation: Option<E<'a>>,
        default: Option<E<'a>>,
    ) {
        let span = self.span(l, r);
        let mut end = r;
        let mut type_comment = None;
        if !self.comments.is_empty() {
            // The comment stands behind the comma, or in front of the closing parenthesis.
            if let Some(default) = default {
                while self.token(end).start < default.span.end {
                    end += 1;
                }
            }
            type_comment = self.type_comment(end);
            if type_comment.is_none() && self.token(end).kind == Tok::Comma {
                type_comment = self.type_comment(end + 1);
            }
        }
        self.params.push(ParamItem { kind, arg: Arg { arg: name, annotation, type_comment, span }, default });
    }

    pub(crate) fn no_arguments(&mut self) -> &'a Arguments<'a> {
        self.arena.alloc(Arguments::default())
    }

    /// The parameters in the tokens `l..r`.
    pub(crate) fn arguments(&mut self, l: u32, r: u32, mark: Mark) -> Result<&'a Arguments<'a>, Fail> {
        let items: Vec<_> = above(&mut self.params, mark).collect();
        let mut posonly = Vec::new();
        let mut plain = Vec::new();
        let mut defaults = Vec::new();
        let mut keyword_only = Vec::new();
        let mut keyword_defaults = Vec::new();
        let mut vararg = None;
        let mut kwarg: Option<&'a Arg<'a>> = None;
        let mut slash = false;
        let mut star = false;
        let mut names_wanted = false;
        for item in &items {
            let wrong = |b: &Self, msg: &str| b.refuse_at(item.arg.span, msg);
            if kwarg.is_some() {
                return wrong(self, "arguments cannot follow var-keyword argument");
            }
            match item.kind {
                Param::Plain if star => {
                    names_wanted = false;
                    keyword_only.push(item.arg);
                    keyword_defaults.push(item.default);
                }
                Param::Plain => {
                    if item.default.is_none() && !defaults.is_empty() {
                        return wrong(self, "parameter without a default follows parameter with a default");
                    }
                    plain.push(item.arg);
                    defaults.extend(item.default);
                }
                Param::Slash => {
                    if slash {
                        return wrong(self, "/ may appear only once");
                    }
                    if star {
                        return wrong(self, "/ must be ahead of *");
                    }
                    if plain.is_empty() {
                        return wrong(self, "at least one argument must precede /");
                    }
                    slash = true;
                    posonly = std::mem::take(&mut plain);
                }
                Param::BareStar if item.arg.type_comment.is_some() => {
                    self.bad_literal = true;
                    return self.refuse_at(item.arg.span, "bare * has associated type comment");
                }
                Param::BareStar | Param::Star => {
                    if star {
                        return wrong(self, "* argument may appear only once");
                    }
                    star = true;
                    names_wanted = item.kind == Param::BareStar;
                    if item.kind == Param::Star {
                        vararg = Some(self.arena.alloc(item.arg));
                    }
                }
                Param::DoubleStar => {
                    if names_wanted {
                        break;
                    }
                    kwarg = Some(self.arena.alloc(item.arg));
                }
            }
        }
        if names_wanted {
            return self.refuse(l, r, "named arguments must follow bare *");
        }
        let arena = self.arena;
        Ok(arena.alloc(Arguments {
            posonlyargs: arena.slice(posonly),
            args: arena.slice(plain),
            vararg,
            kwonlyargs: arena.slice(keyword_only),
            kw_defaults: arena.slice(keyword_defaults),
            kwarg,
            defaults: arena.slice(defaults),
        }))
    }
}
