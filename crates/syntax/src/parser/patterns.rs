//! Actions for patterns.

use super::builder::*;
use crate::ast::*;

/// The items of a mapping pattern under construction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MappingMark {
    keys: Mark,
    patterns: Mark,
    /// The token of the name behind `**`.
    rest: Option<u32>,
}

/// One item of a mapping pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MappingItem<'a> {
    Pair(E<'a>, P<'a>),
    /// The token of the name behind `**`.
    Rest(u32),
}

/// The items of a class pattern under construction: plain ones come first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassMark {
    patterns: Mark,
    names: Mark,
    /// Where the stack of patterns turns to those with names.
    named: Option<Mark>,
}

impl<'a> Builder<'a, '_> {
    pub(crate) fn first_patterns(&mut self, first: P<'a>, second: P<'a>) -> Mark {
        let mark = self.first_pattern(first);
        self.next_pattern(mark, second)
    }

    fn pattern_slice(&mut self, mark: Mark) -> &'a [P<'a>] {
        self.arena.slice(above(&mut self.patterns, mark))
    }

    pub(crate) fn sequence_pattern(&mut self, l: u32, r: u32, mark: Mark, last: Option<P<'a>>) -> P<'a> {
        self.patterns.extend(last);
        let patterns = self.pattern_slice(mark);
        self.pattern(l, r, PatternKind::MatchSequence { patterns })
    }

    pub(crate) fn one_pattern_sequence(&mut self, l: u32, r: u32, only: P<'a>) -> P<'a> {
        let patterns = self.arena.slice([only]);
        self.pattern(l, r, PatternKind::MatchSequence { patterns })
    }

    pub(crate) fn empty_sequence_pattern(&mut self, l: u32, r: u32) -> P<'a> {
        self.pattern(l, r, PatternKind::MatchSequence { patterns: &[] })
    }

    pub(crate) fn or_pattern(&mut self, l: u32, r: u32, mark: Mark) -> P<'a> {
        let patterns = self.pattern_slice(mark);
        self.pattern(l, r, PatternKind::MatchOr { patterns })
    }

    pub(crate) fn star_pattern(&mut self, l: u32, r: u32, name: Identifier<'a>) -> P<'a> {
        self.pattern(l, r, PatternKind::MatchStar { name: Some(name).filter(|name| *name != "_") })
    }

    pub(crate) fn capture_pattern(&mut self, l: u32, r: u32, name: Identifier<'a>) -> P<'a> {
        let name = Some(name).filter(|name| *name != "_");
        self.pattern(l, r, PatternKind::MatchAs { pattern: None, name })
    }

    pub(crate) fn as_pattern(&mut self, l: u32, r: u32, pattern: P<'a>, name: Identifier<'a>) -> Result<P<'a>, Fail> {
        if name == "_" {
            return self.refuse(r - 1, r, "cannot use '_' as a target");
        }
        Ok(self.pattern(l, r, PatternKind::MatchAs { pattern: Some(pattern), name: Some(name) }))
    }

    pub(crate) fn complex_pattern(
        &mut self,
        l: u32,
        r: u32,
        left: E<'a>,
        op: Operator,
        right: E<'a>,
    ) -> Result<E<'a>, Fail> {
        let is_complex = |expr: E| matches!(expr.kind, ExprKind::Constant { value: Constant::Complex { .. }, .. });
        let magnitude = match left.kind {
            ExprKind::UnaryOp { operand, .. } => operand,
            _ => left,
        };
        if is_complex(magnitude) {
            return self.refuse_at(magnitude.span, "real number required in complex literal");
        }
        if !is_complex(right) {
            return self.refuse_at(right.span, "imaginary number required in complex literal");
        }
        Ok(self.expr(l, r, ExprKind::BinOp { left, op, right }))
    }

    pub(crate) fn first_mapping_item(&mut self, item: MappingItem<'a>) -> Result<MappingMark, Fail> {
        let mark = MappingMark { keys: self.exprs.len() as Mark, patterns: self.patterns.len() as Mark, rest: None };
        self.add_mapping_item(mark, item)
    }

    fn add_mapping_item(&mut self, mark: MappingMark, item: MappingItem<'a>) -> Result<MappingMark, Fail> {
        Ok(match item {
            MappingItem::Pair(key, pattern) => {
                self.exprs.push(key);
                self.patterns.push(pattern);
                mark
            }
            MappingItem::Rest(at) if self.token_text(at) == "_" => return self.refuse(at, at + 1, "invalid syntax"),
            MappingItem::Rest(at) => MappingMark { rest: Some(at), ..mark },
        })
    }

    /// Nothing may follow the name that takes the rest.
    pub(crate) fn next_mapping_item(&mut self, mark: MappingMark, item: MappingItem<'a>) -> Result<MappingMark, Fail> {
        match mark.rest {
            Some(at) => self.refuse(at, at + 1, "invalid syntax"),
            None => self.add_mapping_item(mark, item),
        }
    }

    pub(crate) fn mapping_pattern(&mut self, l: u32, r: u32, mark: Option<MappingMark>) -> P<'a> {
        let kind = match mark {
            None => PatternKind::MatchMapping { keys: &[], patterns: &[], rest: None },
            Some(mark) => PatternKind::MatchMapping {
                keys: self.expr_slice(mark.keys),
                patterns: self.pattern_slice(mark.patterns),
                rest: mark.rest.map(|at| self.name(at)),
            },
        };
        self.pattern(l, r, kind)
    }

    pub(crate) fn first_class_item(&mut self, (name, pattern): (Option<Identifier<'a>>, P<'a>)) -> ClassMark {
        let patterns = self.patterns.len() as Mark;
        let names = self.names.len() as Mark;
        self.patterns.push(pattern);
        self.names.extend(name);
        ClassMark { patterns, names, named: name.map(|_| patterns) }
    }

    pub(crate) fn next_class_item(
        &mut self,
        mark: ClassMark,
        (name, pattern): (Option<Identifier<'a>>, P<'a>),
    ) -> Result<ClassMark, Fail> {
        if name.is_none() && mark.named.is_some() {
            return self.refuse_at(pattern.span, "positional patterns follow keyword patterns");
        }
        let named = mark.named.or(name.map(|_| self.patterns.len() as Mark));
        self.patterns.push(pattern);
        self.names.extend(name);
        Ok(ClassMark { named, ..mark })
    }

    pub(crate) fn class_pattern(&mut self, l: u32, r: u32, cls: E<'a>, mark: Option<ClassMark>) -> P<'a> {
        let kind = match mark {
            None => PatternKind::MatchClass { cls, patterns: &[], kwd_attrs: &[], kwd_patterns: &[] },
            Some(mark) => {
                let kwd_patterns = mark.named.map_or(&[][..], |named| self.pattern_slice(named));
                PatternKind::MatchClass {
                    cls,
                    patterns: self.pattern_slice(mark.patterns),
                    kwd_attrs: self.arena.slice(above(&mut self.names, mark.names)),
                    kwd_patterns,
                }
            }
        };
        self.pattern(l, r, kind)
    }
}
