//! Assignment targets, and what messages call expressions.

use super::recogniser::{Kind, Node, Recogniser, Res, Rule, Stop, alt};
use crate::token::Tok;

/// What the targets are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Targets {
    Star,
    For,
    Del,
}

/// The name of an expression in messages.
pub(super) fn expr_name(node: Node) -> &'static str {
    match node.kind {
        Kind::Name => "name",
        Kind::Attribute => "attribute",
        Kind::Subscript => "subscript",
        Kind::List(..) => "list",
        Kind::Tuple(..) => "tuple",
        Kind::Starred(_) => "starred",
        Kind::Compare(..) => "comparison",
        Kind::Other(name) => name,
        Kind::Nothing => "expression",
    }
}

impl Recogniser<'_> {
    /// The first part of an expression that cannot be a target.
    pub fn invalid_target(&self, node: Node, targets: Targets) -> Option<Node> {
        let s = self;
        match node.kind {
            Kind::List(from, until) | Kind::Tuple(from, until) => {
                (from..until).find_map(|at| s.invalid_target(s.pool_node(at), targets))
            }
            Kind::Starred(_) if targets == Targets::Del => Some(node),
            Kind::Starred(operand) => s.invalid_target(s.pool_node(operand), targets),
            Kind::Compare(left, is_in) if targets == Targets::For => {
                if is_in {
                    s.invalid_target(s.pool_node(left), targets)
                } else {
                    None
                }
            }
            Kind::Name | Kind::Subscript | Kind::Attribute => None,
            _ => Some(node),
        }
    }

    /// Raises for an expression that cannot be a target; fails for one that can.
    pub fn raise_invalid_target<T>(&self, node: Node, targets: Targets) -> Res<T> {
        let s = self;
        let Some(wrong) = s.invalid_target(node, targets) else { return Err(Stop::Fail) };
        let verb = if targets == Targets::Del { "delete" } else { "assign to" };
        s.raise_node(wrong, format!("cannot {verb} {}", expr_name(wrong)))
    }

    pub fn star_targets(&mut self) -> Res {
        let s = self;
        s.memo(Rule::StarTargets, |s| {
            alt!(s, {
                let one = s.star_target()?;
                s.next_is_not(&[Tok::Comma])?;
                Ok(one)
            });
            let l = s.mark;
            let items = s.comma_list(|s| s.star_target())?;
            s.opt(|s| s.t(Tok::Comma))?;
            let (from, until) = s.pool_list(items);
            Ok(s.node(l, Kind::Tuple(from, until)))
        })
    }

    pub fn star_target(&mut self) -> Res {
        let s = self;
        s.memo(Rule::StarTarget, |s| {
            let l = s.mark;
            alt!(s, {
                s.t(Tok::Star)?;
                s.next_is_not(&[Tok::Star])?;
                let operand = s.star_target()?;
                let operand = s.pooled(operand);
                Ok(s.node(l, Kind::Starred(operand)))
            });
            alt!(s, s.attribute_target());
            s.star_atom()
        })
    }

    /// A primary that ends in an attribute or a subscript and is followed by neither, nor by a call.
    pub fn attribute_target(&mut self) -> Res {
        let s = self;
        let primary = s.t_primary()?;
        match primary.kind {
            Kind::Attribute | Kind::Subscript => Ok(primary),
            _ => Err(Stop::Fail),
        }
    }

    /// The longest primary whose last trailer is an attribute or subscript.
    fn t_primary(&mut self) -> Res {
        let s = self;
        s.memo(Rule::TargetPrimary, |s| {
            let primary = s.primary()?;
            s.next_is_not(&[Tok::LPar, Tok::LSqb, Tok::Dot])?;
            Ok(primary)
        })
    }

    fn star_atom(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, s.name());
        alt!(s, {
            s.t(Tok::LPar)?;
            s.not(|s| s.t(Tok::Star))?;
            let inner = s.star_target()?;
            s.t(Tok::RPar)?;
            Ok(inner)
        });
        for (open, close) in [(Tok::LPar, Tok::RPar), (Tok::LSqb, Tok::RSqb)] {
            let found = s.opt(|s| {
                s.t(open)?;
                let items = s.opt(|s| {
                    let items = s.comma_list(|s| s.star_target())?;
                    let comma = s.opt(|s| s.t(Tok::Comma))?;
                    if open == Tok::LPar && items.len() == 1 && comma.is_none() {
                        return Err(Stop::Fail);
                    }
                    Ok(items)
                })?;
                s.t(close)?;
                let (from, until) = s.pool_list(items.unwrap_or_default());
                let kind = if open == Tok::LPar { Kind::Tuple(from, until) } else { Kind::List(from, until) };
                Ok(s.node(l, kind))
            })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Stop::Fail)
    }

    pub fn single_target(&mut self) -> Res {
        let s = self;
        alt!(s, s.attribute_target());
        alt!(s, s.name());
        s.t(Tok::LPar)?;
        let inner = s.single_target()?;
        s.t(Tok::RPar)?;
        Ok(inner)
    }

    pub fn del_targets(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        s.comma_list(|s| s.del_target())?;
        s.opt(|s| s.t(Tok::Comma))?;
        Ok(s.node(l, Kind::Nothing))
    }

    fn del_target(&mut self) -> Res {
        let s = self;
        let l = s.mark;
        alt!(s, s.attribute_target());
        alt!(s, s.name());
        alt!(s, {
            s.t(Tok::LPar)?;
            let inner = s.del_target()?;
            s.t(Tok::RPar)?;
            Ok(inner)
        });
        let open = s.one_of(&[Tok::LPar, Tok::LSqb])?;
        s.opt(|s| s.del_targets())?;
        let close = if s.token(open).kind == Tok::LSqb { Tok::RSqb } else { Tok::RPar };
        s.t(close)?;
        Ok(s.node(l, Kind::Nothing))
    }
}
