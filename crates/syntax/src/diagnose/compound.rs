//! Compound statements.

use super::recogniser::{Kind, Recogniser, Res, Stop, alt};
use super::targets::{Targets, expr_name};
use crate::token::Tok;

impl Recogniser<'_> {
    pub fn compound_stmt(&mut self) -> Res {
        let start = self.mark;
        let found = self.any_compound_stmt()?;
        self.note_statement(start);
        Ok(found)
    }

    fn any_compound_stmt(&mut self) -> Res {
        let s = self;
        match s.peek() {
            Tok::At => {
                s.many1(|s| {
                    s.t(Tok::At)?;
                    s.named_expression()?;
                    s.t(Tok::Newline)
                })?;
                alt!(s, s.class_def());
                s.function_def()
            }
            Tok::Def => s.function_def(),
            Tok::Class => s.class_def(),
            Tok::If => s.if_stmt(Tok::If),
            Tok::With => s.with_stmt(),
            Tok::For => s.for_stmt(),
            Tok::Try => s.try_stmt(),
            Tok::While => s.while_stmt(),
            Tok::Async => {
                alt!(s, s.function_def());
                alt!(s, s.with_stmt());
                s.for_stmt()
            }
            Tok::Name if s.text(s.mark) == "match" => s.match_stmt(),
            _ => Err(Stop::Fail),
        }
    }

    fn expected_colon(&mut self) -> Res {
        let s = self;
        s.t(Tok::Newline)?;
        s.raise_here("expected ':'")
    }

    /// A colon that must be there, and the block behind it.
    fn forced_block(&mut self) -> Res {
        let s = self;
        s.forced(Tok::Colon, ":")?;
        s.block()
    }

    fn function_def(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let head = |s: &mut Self| {
            s.opt(|s| s.t(Tok::Async))?;
            let def = s.t(Tok::Def)?;
            s.name()?;
            s.opt(|s| s.type_params())?;
            Ok(def)
        };
        if s.invalid_rules {
            alt!(s, {
                let def = head(s)?;
                s.t(Tok::LPar)?;
                s.opt(|s| s.params())?;
                s.t(Tok::RPar)?;
                s.opt(|s| {
                    s.t(Tok::RArrow)?;
                    s.expression()
                })?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(def, "function definition")?;
                Self::no_node()
            });
        }
        head(s)?;
        if !s.invalid_rules {
            s.next_is(&[Tok::LPar])?;
        }
        s.forced(Tok::LPar, "(")?;
        s.opt(|s| s.params())?;
        s.t(Tok::RPar)?;
        s.opt(|s| {
            s.t(Tok::RArrow)?;
            s.expression()
        })?;
        if !s.invalid_rules {
            s.next_is(&[Tok::Colon])?;
        }
        s.forced_block()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn class_def(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let head = |s: &mut Self| {
            let class = s.t(Tok::Class)?;
            s.name()?;
            s.opt(|s| s.type_params())?;
            s.opt(|s| {
                s.t(Tok::LPar)?;
                s.opt(|s| s.arguments())?;
                s.t(Tok::RPar)
            })?;
            Ok(class)
        };
        if s.invalid_rules {
            alt!(s, {
                head(s)?;
                s.expected_colon()
            });
            alt!(s, {
                let class = head(s)?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(class, "class definition")?;
                Self::no_node()
            });
        }
        head(s)?;
        s.t(Tok::Colon)?;
        s.block()?;
        Ok(s.node(l, Kind::Nothing))
    }

    /// `if` or `elif` and what follows; further `elif`s are taken in a loop.
    fn if_stmt(&mut self, keyword: Tok) -> Res {
        let s = self;
        let l = s.mark;
        let mut keyword = keyword;
        loop {
            let name = if keyword == Tok::If { "'if' statement" } else { "'elif' statement" };
            if s.invalid_rules {
                alt!(s, {
                    s.t(keyword)?;
                    s.named_expression()?;
                    s.expected_colon()
                });
                alt!(s, {
                    let at = s.t(keyword)?;
                    s.named_expression()?;
                    s.t(Tok::Colon)?;
                    s.refuse_missing_block(at, name)?;
                    Self::no_node()
                });
            }
            s.t(keyword)?;
            s.named_expression()?;
            s.t(Tok::Colon)?;
            s.block()?;
            if s.peek() != Tok::Elif {
                break;
            }
            keyword = Tok::Elif;
        }
        s.opt(|s| s.else_block())?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn else_block(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                let at = s.t(Tok::Else)?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'else' statement")?;
                Self::no_node()
            });
            alt!(s, {
                s.t(Tok::Else)?;
                s.t(Tok::Colon)?;
                s.block()?;
                let elif = s.t(Tok::Elif)?;
                s.raise_tokens(elif, elif, "'elif' block follows an 'else' block")
            });
        }
        s.t(Tok::Else)?;
        s.forced_block()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn while_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                s.t(Tok::While)?;
                s.named_expression()?;
                s.expected_colon()
            });
            alt!(s, {
                let at = s.t(Tok::While)?;
                s.named_expression()?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'while' statement")?;
                Self::no_node()
            });
        }
        s.t(Tok::While)?;
        s.named_expression()?;
        s.t(Tok::Colon)?;
        s.block()?;
        s.opt(|s| s.else_block())?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn for_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let head = |s: &mut Self| {
            s.opt(|s| s.t(Tok::Async))?;
            let at = s.t(Tok::For)?;
            s.star_targets()?;
            s.t(Tok::In)?;
            Ok(at)
        };
        if s.invalid_rules {
            alt!(s, {
                head(s)?;
                s.star_expressions()?;
                s.expected_colon()
            });
            alt!(s, {
                let at = head(s)?;
                s.star_expressions()?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'for' statement")?;
                Self::no_node()
            });
        }
        if s.opt(head)?.is_some() {
            s.star_expressions()?;
            s.t(Tok::Colon)?;
            s.block()?;
            s.opt(|s| s.else_block())?;
            return Ok(s.node(l, Kind::Nothing));
        }
        if s.invalid_rules { s.invalid_for_target() } else { Err(Stop::Fail) }
    }

    // With

    fn with_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let start = |s: &mut Self| {
            s.opt(|s| s.t(Tok::Async))?;
            s.t(Tok::With)
        };
        if s.invalid_rules {
            alt!(s, {
                let at = start(s)?;
                s.comma_list(|s| s.loose_with_item(false))?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'with' statement")?;
                Self::no_node()
            });
            alt!(s, {
                let at = start(s)?;
                s.loose_with_group()?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'with' statement")?;
                Self::no_node()
            });
        }
        alt!(s, {
            start(s)?;
            s.t(Tok::LPar)?;
            s.comma_list(|s| s.with_item())?;
            s.opt(|s| s.t(Tok::Comma))?;
            s.t(Tok::RPar)?;
            s.t(Tok::Colon)?;
            s.block()?;
            Ok(s.node(l, Kind::Nothing))
        });
        alt!(s, {
            start(s)?;
            s.comma_list(|s| s.with_item())?;
            s.t(Tok::Colon)?;
            s.block()?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            start(s)?;
            s.comma_list(|s| s.loose_with_item(false))?;
            s.expected_colon()
        });
        start(s)?;
        s.loose_with_group()?;
        s.expected_colon()
    }

    fn loose_with_item(&mut self, many: bool) -> Res {
        let s = self;
        let item = if many { s.expressions()? } else { s.expression()? };
        s.opt(|s| {
            s.t(Tok::As)?;
            s.star_target()
        })?;
        Ok(item)
    }

    fn loose_with_group(&mut self) -> Res<()> {
        let s = self;
        s.t(Tok::LPar)?;
        s.comma_list(|s| s.loose_with_item(true))?;
        s.opt(|s| s.t(Tok::Comma))?;
        s.t(Tok::RPar)?;
        Ok(())
    }

    fn with_item(&mut self) -> Res {
        let s = self;
        let follow = [Tok::Comma, Tok::RPar, Tok::Colon];
        alt!(s, {
            let item = s.expression()?;
            s.t(Tok::As)?;
            s.star_target()?;
            s.next_is(&follow)?;
            Ok(item)
        });
        if s.invalid_rules {
            alt!(s, {
                s.expression()?;
                s.t(Tok::As)?;
                let target = s.expression()?;
                s.next_is(&follow)?;
                s.raise_invalid_target(target, Targets::Star)
            });
        }
        s.expression()
    }

    // Try

    fn try_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, s.invalid_try());
        }
        s.t(Tok::Try)?;
        s.forced_block()?;
        alt!(s, {
            s.finally_block()?;
            Ok(s.node(l, Kind::Nothing))
        });
        alt!(s, {
            s.many1(|s| s.except_block(false))?;
            s.opt(|s| s.else_block())?;
            s.opt(|s| s.finally_block())?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.many1(|s| s.except_block(true))?;
        s.opt(|s| s.else_block())?;
        s.opt(|s| s.finally_block())?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn invalid_try(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let at = s.t(Tok::Try)?;
            s.t(Tok::Colon)?;
            s.refuse_missing_block(at, "'try' statement")?;
            Self::no_node()
        });
        alt!(s, {
            s.t(Tok::Try)?;
            s.t(Tok::Colon)?;
            s.block()?;
            s.next_is_not(&[Tok::Except, Tok::Finally])?;
            s.raise_here("expected 'except' or 'finally' block")
        });
        let msg = "cannot have both 'except' and 'except*' on the same 'try'";
        alt!(s, {
            s.t(Tok::Try)?;
            s.t(Tok::Colon)?;
            s.many(|s| s.block())?;
            s.many1(|s| s.except_block(false))?;
            let except = s.t(Tok::Except)?;
            let star = s.t(Tok::Star)?;
            s.expression()?;
            s.opt(|s| {
                s.t(Tok::As)?;
                s.name()
            })?;
            s.t(Tok::Colon)?;
            s.raise_tokens(except, star, msg)
        });
        s.t(Tok::Try)?;
        s.t(Tok::Colon)?;
        s.many(|s| s.block())?;
        s.many1(|s| s.except_block(true))?;
        let except = s.t(Tok::Except)?;
        if s.opt(|s| s.expression())?.is_some() {
            s.opt(|s| {
                s.t(Tok::As)?;
                s.name()
            })?;
        }
        s.t(Tok::Colon)?;
        s.raise_tokens(except, except, msg)
    }

    fn except_block(&mut self, star: bool) -> Res {
        let s = self;
        let l = s.mark;
        let start = |s: &mut Self| {
            let at = s.t(Tok::Except)?;
            if star {
                s.t(Tok::Star)?;
            }
            Ok(at)
        };
        let alias = |s: &mut Self| {
            s.opt(|s| {
                s.t(Tok::As)?;
                s.name()
            })
        };
        let what = if star { "'except*' statement" } else { "'except' statement" };
        if s.invalid_rules {
            alt!(s, {
                let at = start(s)?;
                s.expression()?;
                alias(s)?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, what)?;
                Self::no_node()
            });
            if !star {
                alt!(s, {
                    let at = start(s)?;
                    s.t(Tok::Colon)?;
                    s.refuse_missing_block(at, what)?;
                    Self::no_node()
                });
            }
        }
        alt!(s, {
            start(s)?;
            s.expressions()?;
            s.t(Tok::Colon)?;
            s.block()?;
            Ok(s.node(l, Kind::Nothing))
        });
        alt!(s, {
            start(s)?;
            s.expression()?;
            s.t(Tok::As)?;
            s.name()?;
            s.t(Tok::Colon)?;
            s.block()?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !star {
            alt!(s, {
                start(s)?;
                s.t(Tok::Colon)?;
                s.block()?;
                Ok(s.node(l, Kind::Nothing))
            });
        }
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            start(s)?;
            let first = s.expression()?;
            s.t(Tok::Comma)?;
            s.expressions()?;
            s.t(Tok::As)?;
            s.name()?;
            s.t(Tok::Colon)?;
            let msg = "multiple exception types must be parenthesized when using 'as'";
            s.raise_from(first.l, msg)
        });
        alt!(s, {
            start(s)?;
            s.expression()?;
            alias(s)?;
            s.expected_colon()
        });
        if star {
            alt!(s, {
                start(s)?;
                s.one_of(&[Tok::Newline, Tok::Colon])?;
                s.raise_here("expected one or more exception types")
            });
        } else {
            alt!(s, {
                start(s)?;
                s.expected_colon()
            });
        }
        start(s)?;
        s.expression()?;
        s.t(Tok::As)?;
        let target = s.expression()?;
        s.t(Tok::Colon)?;
        s.block()?;
        let stars = if star { "*" } else { "" };
        s.raise_node(target, format!("cannot use except{stars} statement with {}", expr_name(target)))
    }

    fn finally_block(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                let at = s.t(Tok::Finally)?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'finally' statement")?;
                Self::no_node()
            });
        }
        s.t(Tok::Finally)?;
        s.forced_block()?;
        Ok(s.node(l, Kind::Nothing))
    }
}
