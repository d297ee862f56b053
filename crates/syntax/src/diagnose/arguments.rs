//! Arguments of calls, and parameters of functions and lambdas.

use super::recogniser::{Kind, Node, Recogniser, Res, Rule, Stop, alt};
use crate::token::Tok;

/// Where a parameter list stands: that decides its brackets, annotations, and the words of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Function,
    Lambda,
}

impl Place {
    fn end(self) -> Tok {
        if self == Place::Function { Tok::RPar } else { Tok::Colon }
    }
}

impl Recogniser<'_> {
    // Calls

    pub fn arguments(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Arguments, |s| {
            alt!(s, {
                let args = s.args()?;
                s.opt(|s| s.t(Tok::Comma))?;
                s.next_is(&[Tok::RPar])?;
                Ok(args)
            });
            if s.invalid_rules { s.invalid_arguments() } else { Err(Stop::Fail) }
        })
    }

    /// Arguments in the right order; the kind tells whether the last of them is a keyword or `**` one.
    fn args(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.comma_list(|s| s.positional())?;
            let keywords = s.opt(|s| {
                s.t(Tok::Comma)?;
                s.kwargs()
            })?;
            Ok(s.node(l, keywords.map_or(Kind::Nothing, |keywords| keywords.kind)))
        });
        s.kwargs()
    }

    /// A starred or plain argument that is not the name of a keyword argument.
    fn positional(&mut self) -> Res {
        let s = self;
        alt!(s, s.starred_expression());
        if let Some(assignment) = s.opt(|s| s.assignment_expression())? {
            s.next_is_not(&[Tok::Equal])?;
            return Ok(assignment);
        }
        let expression = s.expression()?;
        s.next_is_not(&[Tok::ColonEqual])?;
        s.next_is_not(&[Tok::Equal])?;
        Ok(expression)
    }

    /// Keyword arguments; `Other("**")` if any of them unpacks a mapping, else `Other("=")`.
    fn kwargs(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if let Some(first) = s.opt(|s| s.comma_list(|s| s.keyword_or_starred()))? {
            let more = s.opt(|s| {
                s.t(Tok::Comma)?;
                s.comma_list(|s| s.keyword_or_double_starred())
            })?;
            let _ = first;
            return Ok(s.other(l, if more.is_some() { "**" } else { "=" }));
        }
        s.comma_list(|s| s.keyword_or_double_starred())?;
        Ok(s.other(l, "**"))
    }

    fn keyword(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.t(Tok::Name)?;
        s.t(Tok::Equal)?;
        s.expression()?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn keyword_or_starred(&mut self) -> Res {
        let s = self;
        if s.invalid_rules {
            alt!(s, s.invalid_keyword());
        }
        alt!(s, s.keyword());
        s.starred_expression()
    }

    fn keyword_or_double_starred(&mut self) -> Res {
        let s = self;
        if s.invalid_rules {
            alt!(s, s.invalid_keyword());
        }
        alt!(s, s.keyword());
        let l = s.t(Tok::DoubleStar)?;
        s.expression()?;
        Ok(s.node(l, Kind::Nothing))
    }

    pub fn starred_expression(&mut self) -> Res {
        let s = self;
        s.memo(Rule::StarredExpression, |s| {
            let l = s.mark;
            if s.invalid_rules {
                alt!(s, {
                    s.t(Tok::Star)?;
                    s.expression()?;
                    s.t(Tok::Equal)?;
                    s.expression()?;
                    s.raise_tokens(l, s.mark - 1, "cannot assign to iterable argument unpacking")
                });
            }
            alt!(s, {
                s.t(Tok::Star)?;
                let operand = s.expression()?;
                let operand = s.pooled(operand);
                Ok(s.node(l, Kind::Starred(operand)))
            });
            if s.invalid_rules {
                s.t(Tok::Star)?;
                return s.raise_here("Invalid star expression");
            }
            Err(Stop::Fail)
        })
    }

    fn invalid_keyword(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let name = s.one_of(&[Tok::True, Tok::False, Tok::None])?;
            let equal = s.t(Tok::Equal)?;
            s.raise_tokens(name, equal, format!("cannot assign to {}", s.text(name)))
        });
        alt!(s, {
            let name = s.t(Tok::Name)?;
            let equal = s.t(Tok::Equal)?;
            s.expression()?;
            s.for_if_clauses()?;
            s.raise_tokens(name, equal, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
        });
        alt!(s, {
            s.not(|s| {
                s.t(Tok::Name)?;
                s.t(Tok::Equal)
            })?;
            let target = s.expression()?;
            let equal = s.t(Tok::Equal)?;
            let equal = Node { l: equal, r: equal + 1, kind: Kind::Nothing };
            s.raise_range(target, equal, "expression cannot contain assignment, perhaps you meant \"==\"?")
        });
        let stars = s.t(Tok::DoubleStar)?;
        s.expression()?;
        s.t(Tok::Equal)?;
        s.expression()?;
        s.raise_tokens(stars, s.mark - 1, "cannot assign to keyword argument unpacking")
    }

    fn invalid_arguments(&mut self) -> Res {
        let s = self;
        alt!(s, {
            // Keyword arguments, one of them at least with `**`, before a starred one.
            let args = s.args()?;
            if args.kind == Kind::Nothing {
                return Err(Stop::Fail);
            }
            let comma = s.t(Tok::Comma)?;
            s.comma_list(|s| s.starred_expression())?;
            s.raise_from(comma, "iterable argument unpacking follows keyword argument unpacking")
        });
        let parenthesized = "Generator expression must be parenthesized";
        alt!(s, {
            let element = s.expression()?;
            let clauses = s.for_if_clauses()?;
            s.t(Tok::Comma)?;
            s.opt(|s| {
                alt!(s, s.args());
                s.expression()?;
                s.for_if_clauses()
            })?;
            s.raise_range(element, clauses, parenthesized)
        });
        alt!(s, {
            let name = s.t(Tok::Name)?;
            let equal = s.t(Tok::Equal)?;
            s.expression()?;
            s.for_if_clauses()?;
            s.raise_tokens(name, equal, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
        });
        alt!(s, {
            s.opt(|s| {
                s.args()?;
                s.t(Tok::Comma)
            })?;
            let name = s.t(Tok::Name)?;
            let equal = s.t(Tok::Equal)?;
            s.next_is(&[Tok::Comma, Tok::RPar])?;
            s.raise_tokens(name, equal, "expected argument value expression")
        });
        alt!(s, {
            let args = s.args_items()?;
            let clauses = s.for_if_clauses()?;
            // A generator that is the only argument needs no parentheses of its own.
            match args.as_slice() {
                [_, .., last] => s.raise_range(*last, clauses, parenthesized),
                _ => Err(Stop::Fail),
            }
        });
        alt!(s, {
            s.args()?;
            s.t(Tok::Comma)?;
            let element = s.expression()?;
            let clauses = s.for_if_clauses()?;
            s.raise_range(element, clauses, parenthesized)
        });
        let args = s.args()?;
        s.t(Tok::Comma)?;
        s.args()?;
        if args.kind == Kind::Other("**") {
            s.raise_here("positional argument follows keyword argument unpacking")
        } else {
            s.raise_here("positional argument follows keyword argument")
        }
    }

    /// The positional arguments, one by one; none if there are others.
    fn args_items(&mut self) -> Res<Vec<Node>> {
        let s = self;
        let Some(items) = s.opt(|s| s.comma_list(|s| s.positional()))? else {
            s.kwargs()?;
            return Ok(Vec::new());
        };
        let keywords = s.opt(|s| {
            s.t(Tok::Comma)?;
            s.kwargs()
        })?;
        Ok(if keywords.is_some() { Vec::new() } else { items })
    }

    // Parameters

    pub fn params(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Params, |s| s.parameter_list(Place::Function))
    }

    pub fn lambda_params(&mut self) -> Res {
        let s = self;
        s.parameter_list(Place::Lambda)
    }

    fn parameter_list(&mut self, place: Place) -> Res {
        let s = self;
        if s.invalid_rules {
            alt!(s, s.invalid_parameters(place));
        }
        let l = s.mark;
        let slash = s.opt(|s| s.slash(place))?;
        let mut plain = Vec::new();
        if slash != Some(true) {
            plain = s.many(|s| s.param_no_default(place))?;
        }
        let with_default = s.many(|s| s.param_with_default(place))?;
        let rest = s.opt(|s| s.star_etc(place))?;
        if slash.is_none() && plain.is_empty() && with_default.is_empty() && rest.is_none() {
            return Err(Stop::Fail);
        }
        Ok(s.node(l, Kind::Nothing))
    }

    /// The end of a parameter: a comma, or the end of the list ahead.
    fn param_end(&mut self, place: Place) -> Res<()> {
        let s = self;
        if s.opt(|s| s.t(Tok::Comma))?.is_none() {
            s.next_is(&[place.end()])?;
        }
        Ok(())
    }

    fn param(&mut self, place: Place) -> Res {
        let s = self;
        let l = s.mark;
        s.t(Tok::Name)?;
        if place == Place::Function {
            s.opt(|s| {
                s.t(Tok::Colon)?;
                s.expression()
            })?;
        }
        Ok(s.node(l, Kind::Nothing))
    }

    fn param_no_default(&mut self, place: Place) -> Res {
        let s = self;
        let param = s.param(place)?;
        s.param_end(place)?;
        Ok(param)
    }

    fn param_with_default(&mut self, place: Place) -> Res {
        let s = self;
        let param = s.param(place)?;
        s.default(place)?;
        s.param_end(place)?;
        Ok(param)
    }

    fn param_maybe_default(&mut self, place: Place) -> Res {
        let s = self;
        let param = s.param(place)?;
        s.opt(|s| s.default(place))?;
        s.param_end(place)?;
        Ok(param)
    }

    fn default(&mut self, place: Place) -> Res {
        let s = self;
        let l = s.t(Tok::Equal)?;
        if s.invalid_rules && (s.peek() == place.end() || s.peek() == Tok::Comma) {
            return s.raise_tokens(l, l, "expected default value expression");
        }
        s.expression()
    }

    /// Positional-only parameters; the result tells whether any has a default.
    fn slash(&mut self, place: Place) -> Res<bool> {
        let s = self;
        alt!(s, {
            s.many1(|s| s.param_no_default(place))?;
            s.t(Tok::Slash)?;
            s.param_end(place)?;
            Ok(false)
        });
        s.many(|s| s.param_no_default(place))?;
        s.many1(|s| s.param_with_default(place))?;
        s.t(Tok::Slash)?;
        s.param_end(place)?;
        Ok(true)
    }

    fn star_etc(&mut self, place: Place) -> Res {
        let s = self;
        if s.invalid_rules {
            alt!(s, s.invalid_star_etc(place));
        }
        let l = s.mark;
        alt!(s, {
            s.t(Tok::Star)?;
            alt!(s, {
                s.t(Tok::Name)?;
                if place == Place::Function {
                    s.opt(|s| {
                        s.t(Tok::Colon)?;
                        s.star_annotation()
                    })?;
                }
                s.param_end(place)?;
                s.many(|s| s.param_maybe_default(place))?;
                s.opt(|s| s.kwds(place))?;
                Ok(s.node(l, Kind::Nothing))
            });
            s.t(Tok::Comma)?;
            s.many1(|s| s.param_maybe_default(place))?;
            s.opt(|s| s.kwds(place))?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.kwds(place)
    }

    fn star_annotation(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let l = s.t(Tok::Star)?;
            s.bitwise_or()?;
            Ok(s.node(l, Kind::Nothing))
        });
        s.expression()
    }

    fn kwds(&mut self, place: Place) -> Res {
        let s = self;
        let l = s.mark;
        if s.invalid_rules {
            alt!(s, {
                s.t(Tok::DoubleStar)?;
                s.param(place)?;
                let equal = s.t(Tok::Equal)?;
                s.raise_tokens(equal, equal, "var-keyword argument cannot have default value")
            });
            let msg = "arguments cannot follow var-keyword argument";
            alt!(s, {
                s.t(Tok::DoubleStar)?;
                s.param(place)?;
                s.t(Tok::Comma)?;
                if let Some(param) = s.opt(|s| s.param(place))? {
                    return s.raise_node(param, msg);
                }
                let at = s.one_of(&[Tok::Star, Tok::DoubleStar, Tok::Slash])?;
                s.raise_tokens(at, at, msg)
            });
        }
        s.t(Tok::DoubleStar)?;
        s.param_no_default(place)?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn invalid_parameters(&mut self, place: Place) -> Res {
        let s = self;
        alt!(s, {
            let slash = s.t(Tok::Slash)?;
            s.t(Tok::Comma)?;
            s.raise_tokens(slash, slash, "at least one argument must precede /")
        });
        alt!(s, {
            s.slash(place)?;
            s.many(|s| s.param_maybe_default(place))?;
            let slash = s.t(Tok::Slash)?;
            s.raise_tokens(slash, slash, "/ may appear only once")
        });
        alt!(s, {
            let slash = s.opt(|s| {
                let with_default = s.slash(place)?;
                Ok(with_default)
            })?;
            let mut defaults = slash == Some(true);
            if slash != Some(true) {
                s.many(|s| s.param_no_default(place))?;
            }
            defaults |= !s.many(|s| s.param_with_default(place))?.is_empty();
            if !defaults {
                return Err(Stop::Fail);
            }
            let param = s.param_no_default(place)?;
            s.raise_node(param, "parameter without a default follows parameter with a default")
        });
        alt!(s, {
            s.many(|s| s.param_no_default(place))?;
            let open = s.t(Tok::LPar)?;
            if place == Place::Function {
                s.many1(|s| s.param_no_default(place))?;
                s.opt(|s| s.t(Tok::Comma))?;
            } else {
                s.comma_list(|s| s.param(place))?;
                s.opt(|s| s.t(Tok::Comma))?;
            }
            let close = s.t(Tok::RPar)?;
            let what = if place == Place::Function { "Function" } else { "Lambda expression" };
            s.raise_tokens(open, close, format!("{what} parameters cannot be parenthesized"))
        });
        alt!(s, {
            s.opt(|s| s.slash(place))?;
            s.many(|s| s.param_maybe_default(place))?;
            s.t(Tok::Star)?;
            if s.opt(|s| s.t(Tok::Comma))?.is_none() {
                s.param_no_default(place)?;
            }
            s.many(|s| s.param_maybe_default(place))?;
            let slash = s.t(Tok::Slash)?;
            s.raise_tokens(slash, slash, "/ must be ahead of *")
        });
        s.many1(|s| s.param_maybe_default(place))?;
        s.t(Tok::Slash)?;
        let star = s.t(Tok::Star)?;
        s.raise_tokens(star, star, "expected comma between / and *")
    }

    fn invalid_star_etc(&mut self, place: Place) -> Res {
        let s = self;
        alt!(s, {
            let star = s.t(Tok::Star)?;
            let end = place.end();
            if s.opt(|s| s.t(Tok::Comma))?.is_some() {
                s.next_is(&[end, Tok::DoubleStar])?;
            } else {
                s.next_is(&[end])?;
            }
            if place == Place::Function {
                return s.raise_tokens(star, star, "named arguments must follow bare *");
            }
            s.raise_here("named arguments must follow bare *")
        });
        alt!(s, {
            s.t(Tok::Star)?;
            s.param(place)?;
            let equal = s.t(Tok::Equal)?;
            s.raise_tokens(equal, equal, "var-positional argument cannot have default value")
        });
        s.t(Tok::Star)?;
        if s.opt(|s| s.param_no_default(place))?.is_none() {
            s.t(Tok::Comma)?;
        }
        s.many(|s| s.param_maybe_default(place))?;
        let star = s.t(Tok::Star)?;
        if s.opt(|s| s.param_no_default(place))?.is_none() {
            s.t(Tok::Comma)?;
        }
        s.raise_tokens(star, star, "* argument may appear only once")
    }
}
