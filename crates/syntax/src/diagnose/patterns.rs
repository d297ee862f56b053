//! Match statements and their patterns.

use super::recogniser::{Kind, Node, Recogniser, Res, Rule, Stop, alt};
use super::targets::expr_name;
use crate::token::Tok;

impl Recogniser<'_> {
    pub fn match_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.soft("match")?;
            s.subject()?;
            s.t(Tok::Colon)?;
            s.t(Tok::Newline)?;
            s.t(Tok::Indent)?;
            s.many1(|s| s.case_block())?;
            s.t(Tok::Dedent)?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.soft("match")?;
            s.subject()?;
            s.t(Tok::Newline)?;
            s.raise_here("expected ':'")
        });
        let at = s.soft("match")?;
        s.subject()?;
        s.t(Tok::Colon)?;
        s.refuse_missing_block(at, "'match' statement")?;
        Err(Stop::Fail)
    }

    fn subject(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let first = s.star_named_expression()?;
            s.t(Tok::Comma)?;
            s.opt(|s| s.star_named_expressions())?;
            Ok(first)
        });
        s.named_expression()
    }

    fn case_block(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let head = |s: &mut Self| {
            let at = s.soft("case")?;
            s.patterns()?;
            s.opt(|s| {
                s.t(Tok::If)?;
                s.named_expression()
            })?;
            Ok(at)
        };
        if s.invalid_rules {
            alt!(s, {
                head(s)?;
                s.t(Tok::Newline)?;
                s.raise_here("expected ':'")
            });
            alt!(s, {
                let at = head(s)?;
                s.t(Tok::Colon)?;
                s.refuse_missing_block(at, "'case' statement")?;
                Self::no_node()
            });
        }
        head(s)?;
        s.t(Tok::Colon)?;
        s.block()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn patterns(&mut self) -> Res {
        let s = self;
        alt!(s, s.open_sequence());
        s.pattern()
    }

    fn open_sequence(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.maybe_star()?;
        s.t(Tok::Comma)?;
        s.opt(|s| s.maybe_sequence())?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn maybe_sequence(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.comma_list(|s| s.maybe_star())?;
        s.opt(|s| s.t(Tok::Comma))?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn maybe_star(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let l = s.t(Tok::Star)?;
            s.name()?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.pattern()
    }

    fn pattern(&mut self) -> Res {
        let s = self;
        alt!(s, s.as_pattern());
        s.or_pattern()
    }

    fn as_pattern(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.or_pattern()?;
            s.t(Tok::As)?;
            let name = s.name()?;
            if s.text(name.l) == "_" {
                return Err(Stop::Fail);
            }
            s.next_is_not(&[Tok::Dot, Tok::LPar, Tok::Equal])?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.or_pattern()?;
            s.t(Tok::As)?;
            let name = s.soft("_")?;
            s.raise_tokens(name, name, "cannot use '_' as a target")
        });
        s.or_pattern()?;
        s.t(Tok::As)?;
        let target = s.expression()?;
        s.raise_node(target, format!("cannot use {} as pattern target", expr_name(target)))
    }

    fn or_pattern(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.closed_pattern()?;
        s.many(|s| {
            s.t(Tok::VBar)?;
            s.closed_pattern()
        })?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn closed_pattern(&mut self) -> Res {
        let s = self;
        s.memo(Rule::ClosedPattern, |s| {
            let l = s.mark;
            match s.peek() {
                Tok::None | Tok::True | Tok::False => {
                    s.mark += 1;
                    Ok(s.node(l, Kind::Nothing))
                }
                Tok::Number | Tok::Minus => s.pattern_number(),
                Tok::String | Tok::FStringStart => s.atom(),
                Tok::Name => {
                    alt!(s, {
                        let name = s.name()?;
                        s.next_is_not(&[Tok::Dot, Tok::LPar, Tok::Equal])?;
                        Ok(name)
                    });
                    alt!(s, {
                        let name = s.name_or_attr()?;
                        if name.kind != Kind::Attribute {
                            return Err(Stop::Fail);
                        }
                        s.next_is_not(&[Tok::Dot, Tok::LPar, Tok::Equal])?;
                        Ok(name)
                    });
                    s.class_pattern()
                }
                Tok::LPar => {
                    alt!(s, {
                        s.t(Tok::LPar)?;
                        let inner = s.pattern()?;
                        s.t(Tok::RPar)?;
                        Ok(inner)
                    });
                    s.t(Tok::LPar)?;
                    s.opt(|s| s.open_sequence())?;
                    s.t(Tok::RPar)?;
                    Ok(s.node(l, Kind::Nothing))
                }
                Tok::LSqb => {
                    s.t(Tok::LSqb)?;
                    s.opt(|s| s.maybe_sequence())?;
                    s.t(Tok::RSqb)?;
                    Ok(s.node(l, Kind::Nothing))
                }
                Tok::LBrace => s.mapping_pattern(),
                _ => Err(Stop::Fail),
            }
        })
    }

    fn pattern_number(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.opt(|s| s.t(Tok::Minus))?;
        let real = s.t(Tok::Number)?;
        alt!(s, {
            let is_imaginary = |s: &Self, at: u32| s.text(at).ends_with(['j', 'J']);
            s.one_of(&[Tok::Plus, Tok::Minus])?;
            if is_imaginary(s, real) {
                return s.raise_tokens(real, real, "real number required in complex literal");
            }
            let imaginary = s.t(Tok::Number)?;
            if !is_imaginary(s, imaginary) {
                return s.raise_tokens(imaginary, imaginary, "imaginary number required in complex literal");
            }
            Ok(s.node(l, Kind::Nothing))
        });
        s.next_is_not(&[Tok::Plus, Tok::Minus])?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn name_or_attr(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let name = s.name()?;
        let parts = s.many(|s| {
            s.t(Tok::Dot)?;
            s.name()
        })?;
        Ok(if parts.is_empty() { name } else { s.node(l, Kind::Attribute) })
    }

    fn class_pattern(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.name_or_attr()?;
            s.t(Tok::LPar)?;
            s.opt(|s| {
                let plain = s.opt(|s| s.comma_list(|s| s.pattern()))?;
                if plain.is_some() {
                    s.opt(|s| {
                        s.t(Tok::Comma)?;
                        s.comma_list(|s| s.keyword_pattern())
                    })?;
                } else {
                    s.comma_list(|s| s.keyword_pattern())?;
                }
                s.opt(|s| s.t(Tok::Comma))
            })?;
            s.t(Tok::RPar)?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        s.name_or_attr()?;
        s.t(Tok::LPar)?;
        s.opt(|s| {
            s.comma_list(|s| s.pattern())?;
            s.t(Tok::Comma)
        })?;
        s.comma_list(|s| s.keyword_pattern())?;
        s.t(Tok::Comma)?;
        let wrong: Vec<Node> = s.comma_list(|s| s.pattern())?;
        match (wrong.first(), wrong.last()) {
            (Some(first), Some(last)) => s.raise_range(*first, *last, "positional patterns follow keyword patterns"),
            _ => Err(Stop::Fail),
        }
    }

    fn keyword_pattern(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.name()?;
        s.t(Tok::Equal)?;
        s.pattern()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn mapping_pattern(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::LBrace)?;
        let rest = |s: &mut Self| {
            s.t(Tok::DoubleStar)?;
            let name = s.name()?;
            if s.text(name.l) == "_" {
                return Err(Stop::Fail);
            }
            Ok(name)
        };
        s.opt(|s| {
            if s.opt(rest)?.is_some() {
                return s.opt(|s| s.t(Tok::Comma));
            }
            s.comma_list(|s| {
                match s.peek() {
                    Tok::Name => {
                        let name = s.name_or_attr()?;
                        if name.kind != Kind::Attribute {
                            return Err(Stop::Fail);
                        }
                    }
                    _ => {
                        s.next_is_not(&[Tok::LPar, Tok::LSqb, Tok::LBrace])?;
                        s.closed_pattern()?;
                    }
                }
                s.t(Tok::Colon)?;
                s.pattern()
            })?;
            s.opt(|s| {
                s.t(Tok::Comma)?;
                rest(s)
            })?;
            s.opt(|s| s.t(Tok::Comma))
        })?;
        s.t(Tok::RBrace)?;
        Ok(s.node(l, Kind::Nothing))
    }
}
