//! Simple statements, blocks, and the order in which statements are tried.

use super::recogniser::{Kind, Recogniser, Res, Rule, Stop, alt};
use super::targets::{Targets, expr_name};
use crate::token::Tok;

const AUGMENTED: [Tok; 13] = [
    Tok::PlusEqual,
    Tok::MinEqual,
    Tok::StarEqual,
    Tok::AtEqual,
    Tok::SlashEqual,
    Tok::PercentEqual,
    Tok::AmperEqual,
    Tok::VBarEqual,
    Tok::CircumflexEqual,
    Tok::LeftShiftEqual,
    Tok::RightShiftEqual,
    Tok::DoubleStarEqual,
    Tok::DoubleSlashEqual,
];

impl Recogniser<'_> {
    /// Statements up to the end of the tokens.
    pub fn file(&mut self) -> Res {
        let s = self;
        s.many(|s| s.statement())?;
        s.t(Tok::EndMarker)?;
        Ok(s.nothing())
    }

    pub fn single(&mut self) -> Res {
        let s = self;
        if s.opt(|s| s.t(Tok::Newline))?.is_none() && s.opt(|s| s.simple_stmts())?.is_none() {
            s.compound_stmt()?;
            s.t(Tok::Newline)?;
        }
        Ok(s.nothing())
    }

    pub fn eval_input(&mut self) -> Res {
        let s = self;
        s.expressions()?;
        s.many(|s| s.t(Tok::Newline))?;
        s.t(Tok::EndMarker)?;
        Ok(s.nothing())
    }

    pub fn func_type(&mut self) -> Res {
        let s = self;
        s.t(Tok::LPar)?;
        // Plain types, then `*`, then `**`: each part may be missing.
        let plain = s.opt(|s| s.comma_list(|s| s.expression()))?.is_some();
        let mut comma = plain;
        for stars in [Tok::Star, Tok::DoubleStar] {
            let found = s.opt(|s| {
                if comma {
                    s.t(Tok::Comma)?;
                }
                s.t(stars)?;
                s.expression()
            })?;
            comma |= found.is_some();
        }
        s.t(Tok::RPar)?;
        s.t(Tok::RArrow)?;
        s.eval_input()
    }

    pub fn statements(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.many1(|s| s.statement())?;
        Ok(s.node(l, Kind::Nothing))
    }

    pub fn statement(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let found = match s.opt(|s| s.compound_stmt())? {
            Some(found) => found,
            None => s.simple_stmts()?,
        };
        s.forget(l);
        Ok(found)
    }

    pub fn simple_stmts(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.simple_stmt()?;
            s.next_is_not(&[Tok::Semi])?;
            s.t(Tok::Newline)?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.simple_stmt()?;
        s.many(|s| {
            s.t(Tok::Semi)?;
            s.simple_stmt()
        })?;
        s.opt(|s| s.t(Tok::Semi))?;
        s.t(Tok::Newline)?;
        Ok(s.node(l, Kind::Nothing))
    }

    pub fn simple_stmt(&mut self) -> Res {
        let s = self;
        s.memo(Rule::SimpleStmt, |s| {
            let l = s.mark;
            alt!(s, s.assignment());
            if s.peek() == Tok::Name && s.text(s.mark) == "type" {
                alt!(s, s.type_alias());
            }
            alt!(s, s.star_expressions());
            match s.peek() {
                Tok::Return => {
                    s.mark += 1;
                    s.opt(|s| s.star_expressions())?;
                }
                Tok::Import | Tok::From => return s.import_stmt(),
                Tok::Raise => {
                    s.mark += 1;
                    if s.opt(|s| s.expression())?.is_some() {
                        s.opt(|s| {
                            s.t(Tok::From)?;
                            s.expression()
                        })?;
                    }
                }
                Tok::Pass | Tok::Break | Tok::Continue => s.mark += 1,
                Tok::Del => return s.del_stmt(),
                Tok::Yield => return s.yield_expr(),
                Tok::Assert => {
                    s.mark += 1;
                    s.expression()?;
                    s.opt(|s| {
                        s.t(Tok::Comma)?;
                        s.expression()
                    })?;
                }
                Tok::Global | Tok::Nonlocal => {
                    s.mark += 1;
                    s.comma_list(|s| s.name())?;
                }
                _ => return Err(Stop::Fail),
            }
            Ok(s.node(l, Kind::Nothing))
        })
    }

    fn assignment(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.name()?;
            s.t(Tok::Colon)?;
            s.expression()?;
            s.opt(|s| {
                s.t(Tok::Equal)?;
                s.annotated_rhs()
            })?;
            Ok(s.node(l, Kind::Nothing))
        });
        alt!(s, {
            let grouped = s.opt(|s| {
                s.t(Tok::LPar)?;
                let target = s.single_target()?;
                s.t(Tok::RPar)?;
                Ok(target)
            })?;
            if grouped.is_none() {
                s.attribute_target()?;
            }
            s.t(Tok::Colon)?;
            s.expression()?;
            s.opt(|s| {
                s.t(Tok::Equal)?;
                s.annotated_rhs()
            })?;
            Ok(s.node(l, Kind::Nothing))
        });
        alt!(s, {
            s.many1(|s| {
                s.star_targets()?;
                s.t(Tok::Equal)
            })?;
            s.annotated_rhs()?;
            s.next_is_not(&[Tok::Equal])?;
            Ok(s.node(l, Kind::Nothing))
        });
        // After an augmented operator there is no other reading.
        let augmented = s.opt(|s| {
            s.single_target()?;
            s.one_of(&AUGMENTED)
        })?;
        if augmented.is_some() {
            s.annotated_rhs()?;
            return Ok(s.node(l, Kind::Nothing));
        }
        if s.invalid_rules { s.invalid_assignment() } else { Err(Stop::Fail) }
    }

    fn invalid_assignment(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let target = s.invalid_annotation_target()?;
            s.t(Tok::Colon)?;
            s.expression()?;
            s.raise_node(target, format!("only single target (not {}) can be annotated", expr_name(target)))
        });
        alt!(s, {
            let first = s.star_named_expression()?;
            s.t(Tok::Comma)?;
            s.many(|s| s.star_named_expressions())?;
            s.t(Tok::Colon)?;
            s.expression()?;
            s.raise_node(first, "only single target (not tuple) can be annotated")
        });
        alt!(s, {
            let target = s.expression()?;
            s.t(Tok::Colon)?;
            s.expression()?;
            s.raise_node(target, "illegal target for annotation")
        });
        alt!(s, {
            s.assigned_targets()?;
            let target = s.star_expressions()?;
            s.t(Tok::Equal)?;
            s.raise_invalid_target(target, Targets::Star)
        });
        alt!(s, {
            s.assigned_targets()?;
            let target = s.yield_expr()?;
            s.t(Tok::Equal)?;
            s.raise_node(target, "assignment to yield expression not possible")
        });
        let target = s.star_expressions()?;
        s.one_of(&AUGMENTED)?;
        s.annotated_rhs()?;
        s.raise_node(target, format!("'{}' is an illegal expression for augmented assignment", expr_name(target)))
    }

    fn assigned_targets(&mut self) -> Res<()> {
        let s = self;
        s.many(|s| {
            s.star_targets()?;
            s.t(Tok::Equal)
        })?;
        Ok(())
    }

    fn invalid_annotation_target(&mut self) -> Res {
        let s = self;
        alt!(s, s.list());
        alt!(s, s.tuple());
        s.t(Tok::LPar)?;
        let inner = s.invalid_annotation_target()?;
        s.t(Tok::RPar)?;
        Ok(inner)
    }

    fn del_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::Del)?;
            s.del_targets()?;
            s.next_is(&[Tok::Semi, Tok::Newline])?;
            Ok(s.node(l, Kind::Nothing))
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        s.t(Tok::Del)?;
        let targets = s.star_expressions()?;
        s.raise_invalid_target(targets, Targets::Del)
    }

    fn type_alias(&mut self) -> Res {
        let s = self;
        let l = s.soft("type")?;
        s.name()?;
        s.opt(|s| s.type_params())?;
        s.t(Tok::Equal)?;
        s.expression()?;
        Ok(s.node(l, Kind::Nothing))
    }

    pub fn type_params(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                s.t(Tok::LSqb)?;
                let close = s.t(Tok::RSqb)?;
                s.raise_from(close, "Type parameter list cannot be empty")
            });
        }
        s.t(Tok::LSqb)?;
        s.comma_list(|s| s.type_param())?;
        s.opt(|s| s.t(Tok::Comma))?;
        s.t(Tok::RSqb)?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn type_param(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let stars = s.opt(|s| s.one_of(&[Tok::Star, Tok::DoubleStar]))?;
        s.name()?;
        if s.peek() == Tok::Colon {
            let colon = s.t(Tok::Colon)?;
            if let (Some(stars), true) = (stars, s.invalid_rules) {
                let bound = s.expression()?;
                let what = if matches!(bound.kind, Kind::Tuple(..)) { "constraints" } else { "bound" };
                let kind = if s.token(stars).kind == Tok::Star { "TypeVarTuple" } else { "ParamSpec" };
                return s.raise_from(colon, format!("cannot use {what} with {kind}"));
            }
            if stars.is_some() {
                return Err(Stop::Fail);
            }
            s.expression()?;
        }
        s.opt(|s| {
            s.t(Tok::Equal)?;
            match stars {
                Some(stars) if s.token(stars).kind == Tok::Star => {
                    alt!(s, s.starred_expression());
                    s.expression()
                }
                _ => s.expression(),
            }
        })?;
        Ok(s.node(l, Kind::Nothing))
    }

    // Imports

    fn import_stmt(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                let import = s.t(Tok::Import)?;
                s.comma_list(|s| s.dotted_name())?;
                s.t(Tok::From)?;
                s.dotted_name()?;
                s.raise_from(import, "Did you mean to use 'from ... import ...' instead?")
            });
            alt!(s, {
                s.t(Tok::Import)?;
                let newline = s.t(Tok::Newline)?;
                s.raise_from(newline, "Expected one or more names after 'import'")
            });
        }
        alt!(s, {
            s.t(Tok::Import)?;
            s.comma_list(|s| s.import_name(true))?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.t(Tok::From)?;
        let dots = s.many(|s| s.one_of(&[Tok::Dot, Tok::Ellipsis]))?;
        let module = s.opt(|s| s.dotted_name())?;
        if dots.is_empty() && module.is_none() {
            return Err(Stop::Fail);
        }
        s.t(Tok::Import)?;
        s.import_targets()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn import_targets(&mut self) -> Res {
        let s = self;
        alt!(s, {
            s.t(Tok::LPar)?;
            s.comma_list(|s| s.import_name(false))?;
            s.opt(|s| s.t(Tok::Comma))?;
            s.t(Tok::RPar)?;
            Ok(s.nothing())
        });
        alt!(s, {
            s.comma_list(|s| s.import_name(false))?;
            s.next_is_not(&[Tok::Comma])?;
            Ok(s.nothing())
        });
        alt!(s, {
            s.t(Tok::Star)?;
            Ok(s.nothing())
        });
        if !s.invalid_rules {
            return Err(Stop::Fail);
        }
        alt!(s, {
            s.comma_list(|s| s.import_name(false))?;
            s.t(Tok::Comma)?;
            s.t(Tok::Newline)?;
            s.raise_here("trailing comma not allowed without surrounding parentheses")
        });
        let newline = s.t(Tok::Newline)?;
        s.raise_from(newline, "Expected one or more names after 'import'")
    }

    fn dotted_name(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.name()?;
        s.many(|s| {
            s.t(Tok::Dot)?;
            s.name()
        })?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn import_name(&mut self, dotted: bool) -> Res {
        let s = self;
        let source = |s: &mut Self| if dotted { s.dotted_name() } else { s.name() };
        if s.invalid_rules {
            alt!(s, {
                source(s)?;
                s.t(Tok::As)?;
                s.not(|s| {
                    s.t(Tok::Name)?;
                    s.one_of(&[Tok::Comma, Tok::RPar, Tok::Semi, Tok::Newline])
                })?;
                let target = s.expression()?;
                s.raise_node(target, format!("cannot use {} as import target", expr_name(target)))
            });
        }
        let name = source(s)?;
        s.opt(|s| {
            s.t(Tok::As)?;
            s.name()
        })?;
        Ok(name)
    }

    // Blocks

    pub fn block(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Block, |s| {
            let l = s.mark;
            alt!(s, {
                s.t(Tok::Newline)?;
                s.t(Tok::Indent)?;
                s.statements()?;
                s.t(Tok::Dedent)?;
                Ok(s.node(l, Kind::Nothing))
            });
            alt!(s, s.simple_stmts());
            if s.invalid_rules {
                s.t(Tok::Newline)?;
                s.next_is_not(&[Tok::Indent])?;
                return s.raise_indent("expected an indented block");
            }
            Err(Stop::Fail)
        })
    }

    /// After a colon: raises if a line end follows and no deeper indentation.
    pub fn refuse_missing_block(&mut self, keyword: u32, what: &str) -> Res<()> {
        let s = self;
        let missing = s.ahead(|s| {
            s.t(Tok::Newline)?;
            s.next_is_not(&[Tok::Indent])
        })?;
        if missing {
            let line = s.lexed.lines.location(s.token(keyword).start).line;
            return s.raise_indent(format!("expected an indented block after {what} on line {line}"));
        }
        Ok(())
    }

    /// What `alt!` of a rule that only raises gives when it does not match.
    pub fn no_node() -> Res {
        Err(Stop::Fail)
    }
}
