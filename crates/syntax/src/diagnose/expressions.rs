//! Expressions, with the diagnostics that belong to them.

use super::recogniser::{Kind, Node, Recogniser, Res, Rule, Stop, alt};
use super::targets::expr_name;
use crate::token::Tok;

const COMPARE_OPS: [Tok; 6] = [Tok::EqEqual, Tok::NotEqual, Tok::LessEqual, Tok::Less, Tok::GreaterEqual, Tok::Greater];

impl Recogniser<'_> {
    pub fn expressions(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let first = s.expression()?;
        s.rest_of_tuple(l, first, |s| s.expression())
    }

    /// More elements behind a first one: a tuple, unless there is no comma.
    fn rest_of_tuple(&mut self, l: u32, first: Node, mut item: impl FnMut(&mut Self) -> Res) -> Res {
        let s = self;
        let mut items = vec![first];
        let mut is_tuple = false;
        while s.opt(|s| s.t(Tok::Comma))?.is_some() {
            is_tuple = true;
            match s.opt(&mut item)? {
                Some(next) => items.push(next),
                None => break,
            }
        }
        if !is_tuple {
            return Ok(first);
        }
        let (from, until) = s.pool_list(items);
        Ok(s.node(l, Kind::Tuple(from, until)))
    }

    pub fn star_expressions(&mut self) -> Res {
        let s = self;
        s.memo(Rule::StarExpressions, |s| {
            let l = s.mark;
            let first = s.star_expression()?;
            s.rest_of_tuple(l, first, |s| s.star_expression())
        })
    }

    fn star_expression(&mut self) -> Res {
        let s = self;
        s.memo(Rule::StarExpression, |s| {
            alt!(s, s.star_bitwise_or());
            s.expression()
        })
    }

    fn star_bitwise_or(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::Star)?;
        let operand = s.bitwise_or()?;
        let operand = s.pooled(operand);
        Ok(s.node(l, Kind::Starred(operand)))
    }

    pub fn star_named_expression(&mut self) -> Res {
        let s = self;
        alt!(s, s.star_bitwise_or());
        s.named_expression()
    }

    /// Elements of a display, with an optional last comma.
    pub fn star_named_expressions(&mut self) -> Res<Vec<Node>> {
        let s = self;
        let items = s.comma_list(|s| s.star_named_expression())?;
        s.opt(|s| s.t(Tok::Comma))?;
        Ok(items)
    }

    pub fn assignment_expression(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.name()?;
        s.t(Tok::ColonEqual)?;
        s.expression()?;
        Ok(s.other(l, "named expression"))
    }

    pub fn named_expression(&mut self) -> Res {
        let s = self;
        s.memo(Rule::NamedExpression, |s| {
            // After `:=` there is no other reading.
            if s.ahead(|s| {
                s.t(Tok::Name)?;
                s.t(Tok::ColonEqual)
            })? {
                return s.assignment_expression();
            }
            if s.invalid_rules {
                alt!(s, s.invalid_named_expression());
            }
            let expression = s.expression()?;
            s.next_is_not(&[Tok::ColonEqual])?;
            Ok(expression)
        })
    }

    fn invalid_named_expression(&mut self) -> Res {
        let s = self;
        s.memo(Rule::InvalidNamedExpression, |s| {
            alt!(s, {
                let target = s.expression()?;
                s.t(Tok::ColonEqual)?;
                s.expression()?;
                s.raise_node(target, format!("cannot use assignment expressions with {}", expr_name(target)))
            });
            alt!(s, {
                let name = s.name()?;
                s.t(Tok::Equal)?;
                let value = s.bitwise_or()?;
                s.next_is_not(&[Tok::Equal, Tok::ColonEqual])?;
                s.raise_range(name, value, "invalid syntax. Maybe you meant '==' or ':=' instead of '='?")
            });
            s.next_is_not(&[Tok::True, Tok::None, Tok::False])?;
            s.not(|s| s.list())?;
            s.not(|s| s.tuple())?;
            s.not(|s| s.genexp())?;
            let target = s.bitwise_or()?;
            s.t(Tok::Equal)?;
            s.bitwise_or()?;
            s.next_is_not(&[Tok::Equal, Tok::ColonEqual])?;
            let name = expr_name(target);
            s.raise_node(target, format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?"))
        })
    }

    pub fn yield_expr(&mut self) -> Res {
        let s = self;
        let l = s.t(Tok::Yield)?;
        alt!(s, {
            s.t(Tok::From)?;
            s.expression()?;
            Ok(s.other(l, "yield expression"))
        });
        s.opt(|s| s.star_expressions())?;
        Ok(s.other(l, "yield expression"))
    }

    pub fn annotated_rhs(&mut self) -> Res {
        let s = self;
        alt!(s, s.yield_expr());
        s.star_expressions()
    }

    pub fn expression(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Expression, |s| {
            if s.invalid_rules {
                alt!(s, s.invalid_expression());
                alt!(s, s.invalid_legacy_expression());
            }
            s.plain_expression()
        })
    }

    fn plain_expression(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        if let Some(body) = s.opt(|s| s.disjunction())? {
            alt!(s, {
                s.t(Tok::If)?;
                s.disjunction()?;
                s.t(Tok::Else)?;
                s.expression()?;
                Ok(s.other(l, "conditional expression"))
            });
            return Ok(body);
        }
        s.lambda()
    }

    /// An expression in which no diagnostics are looked for.
    fn expression_without_invalid(&mut self) -> Res {
        let s = self;
        let before = std::mem::replace(&mut s.invalid_rules, false);
        let result = s.plain_expression();
        s.invalid_rules = before;
        result
    }

    fn is_legacy_statement(&self, node: Node) -> bool {
        let s = self;
        node.kind == Kind::Name && node.r == node.l + 1 && matches!(s.text(node.l), "print" | "exec")
    }

    fn is_soft_keyword(&mut self) -> bool {
        let s = self;
        s.peek() == Tok::Name && matches!(s.text(s.mark), "match" | "case" | "type" | "_")
    }

    fn invalid_expression(&mut self) -> Res {
        let s = self;
        alt!(s, {
            s.t(Tok::String)?;
            let between = s.many1(|s| {
                s.next_is_not(&[Tok::String])?;
                s.expression_without_invalid()
            })?;
            s.t(Tok::String)?;
            match (between.first(), between.last()) {
                (Some(first), Some(last)) => {
                    s.raise_range(*first, *last, "invalid syntax. Is this intended to be part of the string?")
                }
                _ => Err(Stop::Fail),
            }
        });
        alt!(s, {
            if s.is_soft_keyword() {
                return Err(Stop::Fail);
            }
            s.not(|s| {
                s.t(Tok::Name)?;
                s.t(Tok::String)
            })?;
            let first = s.disjunction()?;
            let second = s.expression_without_invalid()?;
            if s.is_legacy_statement(first) || s.level() == 0 {
                return Err(Stop::Fail);
            }
            s.raise_range(first, second, "invalid syntax. Perhaps you forgot a comma?")
        });
        alt!(s, {
            let body = s.disjunction()?;
            s.t(Tok::If)?;
            let test = s.disjunction()?;
            s.next_is_not(&[Tok::Else, Tok::Colon])?;
            s.raise_range(body, test, "expected 'else' after 'if' expression")
        });
        alt!(s, {
            s.disjunction()?;
            s.t(Tok::If)?;
            s.disjunction()?;
            s.t(Tok::Else)?;
            s.not(|s| s.expression())?;
            s.raise_next("expected expression after 'else', but statement is given")
        });
        alt!(s, {
            let statement = s.one_of(&[Tok::Pass, Tok::Break, Tok::Continue])?;
            s.t(Tok::If)?;
            s.disjunction()?;
            s.t(Tok::Else)?;
            s.simple_stmt()?;
            s.raise_tokens(statement, statement, "expected expression before 'if', but statement is given")
        });
        let lambda = s.t(Tok::Lambda)?;
        s.opt(|s| s.lambda_params())?;
        let colon = s.t(Tok::Colon)?;
        s.next_is(&[Tok::FStringMiddle])?;
        let letter = s.string_letter(colon);
        let msg = format!("{letter}-string: lambda expressions are not allowed without parentheses");
        s.raise_tokens(lambda, colon, msg)
    }

    fn invalid_legacy_expression(&mut self) -> Res {
        let s = self;
        let name = s.name()?;
        s.next_is_not(&[Tok::LPar])?;
        let rest = s.star_expressions()?;
        if !s.is_legacy_statement(name) {
            return Err(Stop::Fail);
        }
        let text = s.text(name.l);
        s.raise_range(name, rest, format!("Missing parentheses in call to '{text}'. Did you mean {text}(...)?"))
    }

    fn lambda(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Lambda, |s| {
            let l = s.t(Tok::Lambda)?;
            s.opt(|s| s.lambda_params())?;
            s.t(Tok::Colon)?;
            s.expression()?;
            Ok(s.other(l, "lambda"))
        })
    }

    pub fn disjunction(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Disjunction, |s| {
            let l = s.mark;
            let first = s.conjunction()?;
            let more = s.many(|s| {
                s.t(Tok::Or)?;
                s.conjunction()
            })?;
            Ok(if more.is_empty() { first } else { s.other(l, "expression") })
        })
    }

    fn conjunction(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let first = s.inversion()?;
        let more = s.many(|s| {
            s.t(Tok::And)?;
            s.inversion()
        })?;
        Ok(if more.is_empty() { first } else { s.other(l, "expression") })
    }

    fn inversion(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Inversion, |s| {
            let l = s.mark;
            alt!(s, {
                s.t(Tok::Not)?;
                s.inversion()?;
                Ok(s.other(l, "expression"))
            });
            s.comparison()
        })
    }

    fn comparison(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let left = s.bitwise_or()?;
        let operators = s.many(|s| {
            let first = s.compare_op()?;
            s.bitwise_or()?;
            Ok(first)
        })?;
        match operators.first() {
            None => Ok(left),
            Some(first) => {
                let is_in = *first == Tok::In;
                let left = s.pooled(left);
                Ok(s.node(l, Kind::Compare(left, is_in)))
            }
        }
    }

    fn compare_op(&mut self) -> Res<Tok> {
        let s = self;
        let at = s.mark;
        let kind = s.peek();
        match kind {
            Tok::In => {}
            Tok::Not => {
                s.mark += 1;
                s.t(Tok::In)?;
                return Ok(Tok::Not);
            }
            Tok::Is => {
                s.mark += 1;
                s.opt(|s| s.t(Tok::Not))?;
                return Ok(Tok::Is);
            }
            // The token pass has taken the operator that is none here.
            Tok::Error if s.invalid_rules && s.text(at) == "<>" => {
                let operator = Node { l: at, r: at + 1, kind: Kind::Nothing };
                return s.raise_node(operator, "invalid syntax.  Maybe you meant '!=' instead of '<>'?");
            }
            Tok::Error if s.text(at) == "!=" => {
                return s.raise_here("with Barry as BDFL, use '<>' instead of '!='");
            }
            _ if COMPARE_OPS.contains(&kind) => {}
            _ => return Err(Stop::Fail),
        }
        s.mark += 1;
        Ok(kind)
    }

    /// A left-associative level of binary operators.
    fn binary(&mut self, operators: &[Tok], operand: fn(&mut Self) -> Res) -> Res {
        let s = self;
        let l = s.mark;
        let first = operand(s)?;
        let more = s.many(|s| {
            s.one_of(operators)?;
            operand(s)
        })?;
        Ok(if more.is_empty() { first } else { s.other(l, "expression") })
    }

    pub fn bitwise_or(&mut self) -> Res {
        let s = self;
        s.memo(Rule::BitwiseOr, |s| s.binary(&[Tok::VBar], Self::bitwise_xor))
    }

    fn bitwise_xor(&mut self) -> Res {
        let s = self;
        s.binary(&[Tok::Circumflex], Self::bitwise_and)
    }

    fn bitwise_and(&mut self) -> Res {
        let s = self;
        s.binary(&[Tok::Amper], Self::shift)
    }

    fn shift(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let first = s.sum()?;
        let more = s.many(|s| {
            s.one_of(&[Tok::LeftShift, Tok::RightShift])?;
            s.sum()
        })?;
        if s.invalid_rules && !more.is_empty() {
            s.mark = s.mark.max(l);
        }
        Ok(if more.is_empty() { first } else { s.other(l, "expression") })
    }

    fn sum(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Sum, |s| {
            let l = s.mark;
            let mut result = s.term()?;
            loop {
                let before = s.mark;
                let operator = s.opt(|s| s.one_of(&[Tok::Plus, Tok::Minus]))?;
                if operator.is_none() {
                    break;
                }
                s.refuse_not()?;
                if s.opt(|s| s.term())?.is_none() {
                    s.mark = before;
                    break;
                }
                result = s.other(l, "expression");
            }
            Ok(result)
        })
    }

    /// A `not` behind an arithmetic operator.
    fn refuse_not(&mut self) -> Res<()> {
        let s = self;
        if !s.invalid_rules || s.peek() != Tok::Not {
            return Ok(());
        }
        let at = s.mark;
        let found = s.opt(|s| {
            s.t(Tok::Not)?;
            s.inversion()
        })?;
        match found {
            Some(operand) => {
                let not = Node { l: at, r: at + 1, kind: Kind::Nothing };
                s.raise_range(not, operand, "'not' after an operator must be parenthesized")
            }
            None => Ok(()),
        }
    }

    fn term(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        let mut result = s.factor()?;
        let operators = [Tok::Star, Tok::Slash, Tok::DoubleSlash, Tok::Percent, Tok::At];
        loop {
            let before = s.mark;
            if s.opt(|s| s.one_of(&operators))?.is_none() {
                return Ok(result);
            }
            s.refuse_not()?;
            if s.opt(|s| s.factor())?.is_none() {
                s.mark = before;
                return Ok(result);
            }
            result = s.other(l, "expression");
        }
    }

    fn factor(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Factor, |s| {
            let l = s.mark;
            alt!(s, {
                s.one_of(&[Tok::Plus, Tok::Minus, Tok::Tilde])?;
                s.refuse_not_factor()?;
                s.factor()?;
                Ok(s.other(l, "expression"))
            });
            let base = s.await_primary()?;
            alt!(s, {
                s.t(Tok::DoubleStar)?;
                s.factor()?;
                Ok(s.other(l, "expression"))
            });
            Ok(base)
        })
    }

    fn refuse_not_factor(&mut self) -> Res<()> {
        let s = self;
        if !s.invalid_rules || s.peek() != Tok::Not {
            return Ok(());
        }
        let at = s.mark;
        let found = s.opt(|s| {
            s.t(Tok::Not)?;
            s.factor()
        })?;
        match found {
            Some(operand) => {
                let not = Node { l: at, r: at + 1, kind: Kind::Nothing };
                s.raise_range(not, operand, "'not' after an operator must be parenthesized")
            }
            None => Ok(()),
        }
    }

    fn await_primary(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.t(Tok::Await)?;
            s.primary()?;
            Ok(s.other(l, "await expression"))
        });
        s.primary()
    }

    pub fn primary(&mut self) -> Res {
        let s = self;
        s.memo(Rule::Primary, |s| {
            let l = s.mark;
            let mut result = s.atom()?;
            loop {
                let next = s.opt(|s| match s.peek() {
                    Tok::Dot => {
                        s.t(Tok::Dot)?;
                        s.name()?;
                        Ok(s.node(l, Kind::Attribute))
                    }
                    Tok::LPar => {
                        alt!(s, {
                            s.genexp()?;
                            Ok(s.other(l, "function call"))
                        });
                        s.t(Tok::LPar)?;
                        s.opt(|s| s.arguments())?;
                        s.t(Tok::RPar)?;
                        Ok(s.other(l, "function call"))
                    }
                    Tok::LSqb => {
                        s.t(Tok::LSqb)?;
                        s.slices()?;
                        s.t(Tok::RSqb)?;
                        Ok(s.node(l, Kind::Subscript))
                    }
                    _ => Err(Stop::Fail),
                })?;
                match next {
                    Some(next) => result = next,
                    None => return Ok(result),
                }
            }
        })
    }

    fn slices(&mut self) -> Res {
        let s = self;
        alt!(s, {
            let one = s.slice()?;
            s.next_is_not(&[Tok::Comma])?;
            Ok(one)
        });
        let l = s.mark;
        s.comma_list(|s| {
            alt!(s, s.slice());
            s.starred_expression()
        })?;
        s.opt(|s| s.t(Tok::Comma))?;
        Ok(s.other(l, "tuple"))
    }

    fn slice(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, {
            s.opt(|s| s.expression())?;
            s.t(Tok::Colon)?;
            s.opt(|s| s.expression())?;
            s.opt(|s| {
                s.t(Tok::Colon)?;
                s.opt(|s| s.expression())
            })?;
            Ok(s.other(l, "slice"))
        });
        s.named_expression()
    }
}
