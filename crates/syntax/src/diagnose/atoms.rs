//! Atoms: names, literals, displays, comprehensions, groups, f-strings.

use super::recogniser::{Kind, Recogniser, Res, Rule, Stop, alt};
use super::targets::Targets;
use crate::literal;
use crate::token::Tok;

impl Recogniser<'_> {
    pub fn atom(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Atom, |s| {
            let l = s.mark;
            let literal = match s.peek() {
                Tok::Name => return s.name(),
                Tok::True => "True",
                Tok::False => "False",
                Tok::None => "None",
                Tok::Number => "literal",
                Tok::Ellipsis => "ellipsis",
                Tok::String | Tok::FStringStart => return s.strings(),
                Tok::LPar => {
                    alt!(s, s.tuple());
                    alt!(s, s.group());
                    return s.genexp();
                }
                Tok::LSqb => {
                    alt!(s, s.list());
                    return s.list_comp();
                }
                Tok::LBrace => {
                    alt!(s, s.dict());
                    alt!(s, s.set());
                    alt!(s, s.dict_comp());
                    return s.set_comp();
                }
                _ => return Err(Stop::Fail),
            };
            s.mark += 1;
            Ok(s.other(l, literal))
        })
    }

    pub fn list(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::LSqb)?;
        let items = s.opt(|s| s.star_named_expressions())?.unwrap_or_default();
        s.t(Tok::RSqb)?;
        let (from, until) = s.pool_list(items);
        Ok(s.node(l, Kind::List(from, until)))
    }

    pub fn tuple(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::LPar)?;
        let items = s.opt(|s| {
            let mut items = vec![s.star_named_expression()?];
            s.t(Tok::Comma)?;
            items.extend(s.opt(|s| s.star_named_expressions())?.unwrap_or_default());
            Ok(items)
        })?;
        s.t(Tok::RPar)?;
        let (from, until) = s.pool_list(items.unwrap_or_default());
        Ok(s.node(l, Kind::Tuple(from, until)))
    }

    fn group(&mut self) -> Res {
        let s = self;
        alt!(s, {
            s.t(Tok::LPar)?;
            let inner = match s.opt(|s| s.yield_expr())? {
                Some(inner) => inner,
                None => s.named_expression()?,
            };
            s.t(Tok::RPar)?;
            Ok(inner)
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.t(Tok::LPar)?;
            let starred = s.starred_expression()?;
            s.t(Tok::RPar)?;
            s.raise_node(starred, "cannot use starred expression here")
        });
        s.t(Tok::LPar)?;
        let stars = s.t(Tok::DoubleStar)?;
        s.expression()?;
        s.t(Tok::RPar)?;
        s.raise_tokens(stars, stars, "cannot use double starred expression here")
    }

    pub fn genexp(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LPar)?;
            let assignment = s.opt(|s| s.assignment_expression())?;
            if assignment.is_none() {
                s.expression()?;
                s.next_is_not(&[Tok::ColonEqual])?;
            }
            s.for_if_clauses()?;
            s.t(Tok::RPar)?;
            Ok(s.other(l, "generator expression"))
        });
        s.invalid_comprehension()
    }

    fn list_comp(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LSqb)?;
            s.named_expression()?;
            s.for_if_clauses()?;
            s.t(Tok::RSqb)?;
            Ok(s.other(l, "list comprehension"))
        });
        s.invalid_comprehension()
    }

    fn set(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::LBrace)?;
        s.star_named_expressions()?;
        s.t(Tok::RBrace)?;
        Ok(s.other(l, "set display"))
    }

    fn set_comp(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LBrace)?;
            s.named_expression()?;
            s.for_if_clauses()?;
            s.t(Tok::RBrace)?;
            Ok(s.other(l, "set comprehension"))
        });
        s.invalid_comprehension()
    }

    fn invalid_comprehension(&mut self) -> Res {
        let s = self;
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.one_of(&[Tok::LSqb, Tok::LPar, Tok::LBrace])?;
            let starred = s.starred_expression()?;
            s.for_if_clauses()?;
            s.raise_node(starred, "iterable unpacking cannot be used in comprehension")
        });
        let msg = "did you forget parentheses around the comprehension target?";
        alt!(s, {
            s.one_of(&[Tok::LSqb, Tok::LBrace])?;
            let first = s.star_named_expression()?;
            s.t(Tok::Comma)?;
            let more = s.star_named_expressions()?;
            s.for_if_clauses()?;
            s.raise_range(first, more.last().copied().unwrap_or(first), msg)
        });
        s.one_of(&[Tok::LSqb, Tok::LBrace])?;
        let first = s.star_named_expression()?;
        let comma = s.t(Tok::Comma)?;
        s.for_if_clauses()?;
        s.raise_tokens(first.l, comma, msg)
    }

    fn dict(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LBrace)?;
            s.opt(|s| {
                s.comma_list(|s| s.double_starred_pair())?;
                s.opt(|s| s.t(Tok::Comma))
            })?;
            s.t(Tok::RBrace)?;
            Ok(s.other(l, "dict literal"))
        });
        // Mistakes in dictionaries are looked for in every pass, before those in the expressions inside.
        s.t(Tok::LBrace)?;
        s.invalid_pairs()?;
        s.t(Tok::RBrace)?;
        Err(Stop::Fail)
    }

    fn double_starred_pair(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let l = s.t(Tok::DoubleStar)?;
            s.bitwise_or()?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.pair()
    }

    fn pair(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.expression()?;
        s.t(Tok::Colon)?;
        s.expression()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn invalid_pairs(&mut self) -> Res {
        let s = self;
        alt!(s, {
            // The last of the pairs must leave its comma for the one that is wrong.
            s.double_starred_pair()?;
            s.many(|s| {
                s.t(Tok::Comma)?;
                s.double_starred_pair()
            })?;
            s.t(Tok::Comma)?;
            s.invalid_pair()
        });
        s.invalid_value()
    }

    fn invalid_value(&mut self) -> Res {
        let s = self;
        alt!(s, {
            s.expression()?;
            s.t(Tok::Colon)?;
            let star = s.t(Tok::Star)?;
            s.bitwise_or()?;
            s.raise_from(star, "cannot use a starred expression in a dictionary value")
        });
        s.expression()?;
        let colon = s.t(Tok::Colon)?;
        s.next_is(&[Tok::RBrace, Tok::Comma])?;
        s.raise_tokens(colon, colon, "expression expected after dictionary key and ':'")
    }

    fn invalid_pair(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let key = s.expression()?;
            s.next_is_not(&[Tok::Colon])?;
            let mut found =
                s.at_token(key.r - 1, crate::SyntaxErrorKind::Syntax, "':' expected after dictionary key".into());
            found.offset = found.end_offset - 1;
            found.end_offset = 0;
            found.lineno = s.lexed.lines.location(s.token(key.l).start).line as i32;
            found.text_line = found.lineno;
            Err(Stop::Raise(Box::new(found)))
        });
        s.invalid_value()
    }

    fn dict_comp(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LBrace)?;
            s.pair()?;
            s.for_if_clauses()?;
            s.t(Tok::RBrace)?;
            Ok(s.other(l, "dict comprehension"))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        s.t(Tok::LBrace)?;
        let stars = s.t(Tok::DoubleStar)?;
        s.bitwise_or()?;
        s.for_if_clauses()?;
        s.t(Tok::RBrace)?;
        s.raise_tokens(stars, stars, "dict unpacking cannot be used in dict comprehension")
    }

    /// The clauses of a comprehension; the node covers the last of them.
    pub fn for_if_clauses(&mut self) -> Res {
        let s = self;
        s.memo(Rule::ForIfClauses, |s| {
            let clauses = s.many1(|s| s.for_if_clause())?;
            let l = clauses.first().map_or(s.mark, |clause| clause.l);
            Ok(s.node(l, Kind::Nothing))
        })
    }

    fn for_if_clause(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        // Once `in` is there, no other reading is tried.
        let head = s.opt(|s| {
            s.opt(|s| s.t(Tok::Async))?;
            s.t(Tok::For)?;
            s.star_targets()?;
            s.t(Tok::In)
        })?;
        if head.is_some() {
            s.disjunction()?;
            s.many(|s| {
                s.t(Tok::If)?;
                s.disjunction()
            })?;
            return Ok(s.node(l, Kind::Nothing));
        }
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.opt(|s| s.t(Tok::Async))?;
            s.t(Tok::For)?;
            s.bitwise_or()?;
            s.many(|s| {
                s.t(Tok::Comma)?;
                s.bitwise_or()
            })?;
            s.opt(|s| s.t(Tok::Comma))?;
            s.next_is_not(&[Tok::In])?;
            s.raise_here("'in' expected after for-loop variables")
        });
        s.invalid_for_target()
    }

    pub fn invalid_for_target(&mut self) -> Res {
        let s = self;
        s.opt(|s| s.t(Tok::Async))?;
        s.t(Tok::For)?;
        let targets = s.star_expressions()?;
        s.raise_invalid_target(targets, Targets::For)
    }

    // Strings

    fn strings(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Strings, |s| {
            let l = s.mark;
            let mut name = "literal";
            let (mut templates, mut others) = (0, 0);
            let mut plain = Vec::new();
            loop {
                match s.peek() {
                    Tok::String => {
                        plain.push(s.mark);
                        s.mark += 1;
                        others += 1;
                    }
                    Tok::FStringStart => {
                        let is_template = s.text(s.mark).contains(['t', 'T']);
                        let Some(_) = s.opt(|s| s.fstring())? else { break };
                        if is_template {
                            templates += 1;
                            name = "t-string expression";
                        } else {
                            others += 1;
                            name = "f-string expression";
                        }
                    }
                    _ => break,
                }
            }
            if templates + others == 0 {
                return Err(Stop::Fail);
            }
            if templates > 0 && others > 0 {
                if s.invalid_rules {
                    let node = s.node(l, Kind::Nothing);
                    return s.raise_node(node, "cannot mix t-string literals with string or bytes literals");
                }
                return Err(Stop::Fail);
            }
            s.check_literals(&plain, others)?;
            Ok(s.other(l, name))
        })
    }

    /// What is wrong with the values of adjacent literals, of which those in `plain` have no fields.
    fn check_literals(&mut self, plain: &[u32], count: usize) -> Res<()> {
        let s = self;
        let is_bytes = |at: &&u32| literal::split_literal(s.text(**at)).0.contains(['b', 'B']);
        let bytes = plain.iter().filter(is_bytes).count();
        if bytes != 0 && bytes != count {
            return s.raise_here("cannot mix bytes and nonbytes literals");
        }
        for &at in plain {
            if let Some(msg) = literal::wrong_with(s.text(at)) {
                return s.raise_tokens(at, at, msg);
            }
        }
        Ok(())
    }

    fn fstring(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::FStringStart)?;
        s.many(|s| s.fstring_middle())?;
        s.t(Tok::FStringEnd)?;
        Ok(s.other(l, "f-string expression"))
    }

    fn fstring_middle(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let at = s.t(Tok::FStringMiddle)?;
            Ok(s.node(at, Kind::Nothing))
        });
        s.replacement_field()
    }

    /// `f` or `t`: the innermost formatted string that is open at a token.
    pub fn string_letter(&self, at: u32) -> char {
        let s = self;
        let mut open = 0;
        for index in (0..at).rev() {
            match s.token(index).kind {
                Tok::FStringEnd => open += 1,
                Tok::FStringStart if open > 0 => open -= 1,
                Tok::FStringStart => return if s.text(index).contains(['t', 'T']) { 't' } else { 'f' },
                _ => {}
            }
        }
        'f'
    }

    fn replacement_field(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::LBrace)?;
            s.annotated_rhs()?;
            s.opt(|s| s.t(Tok::Equal))?;
            s.opt(|s| s.conversion())?;
            s.opt(|s| s.format_spec())?;
            s.t(Tok::RBrace)?;
            Ok(s.node(l, Kind::Nothing))
        });
        if s.invalid_rules { s.invalid_replacement_field() } else { Err(Stop::Fail) }
    }

    fn conversion(&mut self) -> Res<u32> {
        let s = self;
        let mark = s.t(Tok::Exclamation)?;
        let name = s.t(Tok::Name)?;
        let letter = s.string_letter(mark);
        if s.token(name).start != s.token(mark).end {
            let msg = format!("{letter}-string: conversion type must come right after the exclamation mark");
            return s.raise_tokens(mark, name, msg);
        }
        let text = s.text(name);
        if !matches!(text, "s" | "r" | "a") {
            let msg = format!("{letter}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'");
            return s.raise_tokens(name, name, msg);
        }
        Ok(name)
    }

    fn format_spec(&mut self) -> Res<u32> {
        let s = self;
        let at = s.t(Tok::Colon)?;
        s.many(|s| s.fstring_middle())?;
        Ok(at)
    }

    fn invalid_replacement_field(&mut self) -> Res {
        let s = self;
        let brace = s.t(Tok::LBrace)?;
        let letter = s.string_letter(brace);
        for (kind, text) in [(Tok::Equal, "="), (Tok::Exclamation, "!"), (Tok::Colon, ":"), (Tok::RBrace, "}")] {
            if s.peek() == kind {
                let at = s.mark;
                let msg = format!("{letter}-string: valid expression required before '{text}'");
                return s.raise_tokens(at, at, msg);
            }
        }
        if s.opt(|s| s.annotated_rhs())?.is_none() {
            return s.raise_next(format!("{letter}-string: expecting a valid expression after '{{'"));
        }
        if !matches!(s.peek(), Tok::Equal | Tok::Exclamation | Tok::Colon | Tok::RBrace) {
            return s.raise_next(format!("{letter}-string: expecting '=', or '!', or ':', or '}}'"));
        }
        if s.opt(|s| s.t(Tok::Equal))?.is_some() && !matches!(s.peek(), Tok::Exclamation | Tok::Colon | Tok::RBrace) {
            return s.raise_next(format!("{letter}-string: expecting '!', or ':', or '}}'"));
        }
        let mut has_conversion = false;
        if s.peek() == Tok::Exclamation {
            s.mark += 1;
            if matches!(s.peek(), Tok::Colon | Tok::RBrace) {
                return s.raise_next(format!("{letter}-string: missing conversion character"));
            }
            if s.peek() != Tok::Name {
                return s.raise_next(format!("{letter}-string: invalid conversion character"));
            }
            s.mark += 1;
            has_conversion = true;
            if !matches!(s.peek(), Tok::Colon | Tok::RBrace) {
                return s.raise_next(format!("{letter}-string: expecting ':' or '}}'"));
            }
        }
        if s.opt(|s| s.format_spec())?.is_some() {
            if s.peek() != Tok::RBrace {
                return s.raise_next(format!("{letter}-string: expecting '}}', or format specs"));
            }
        } else if has_conversion && s.peek() != Tok::RBrace {
            return s.raise_next(format!("{letter}-string: expecting '}}'"));
        }
        Err(Stop::Fail)
    }
}
