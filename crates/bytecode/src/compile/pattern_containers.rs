//! Sequence, mapping and class patterns.

use super::pattern::Matching;
use super::unit::Opnd;
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::Opcode;
use cinder_syntax::ast::*;

impl<'a> Compiler<'a, '_> {
    pub(super) fn sequence(
        &mut self,
        patterns: &'a [&'a Pattern<'a>],
        subject: Opnd,
        span: Span,
        matching: &mut Matching<'a>,
    ) -> R {
        let mut star = None;
        for (at, pattern) in patterns.iter().enumerate() {
            if matches!(pattern.kind, PatternKind::MatchStar { .. }) {
                if star.is_some() {
                    return self.error(span, "multiple starred names in sequence pattern");
                }
                star = Some(at);
            }
        }
        let depth = self.u.depth;
        let test = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::MatchSequence, test, subject, span);
        self.fail_unless(test, depth, span, matching);
        let size = patterns.len();
        match star {
            None => self.check_length(Opcode::BrEq, subject, size, span, matching),
            Some(_) if size > 1 => self.check_length(Opcode::BrGe, subject, size - 1, span, matching),
            Some(_) => {}
        }
        let wildcard = |pattern: &Pattern<'_>| {
            matches!(
                pattern.kind,
                PatternKind::MatchAs { pattern: None, name: None } | PatternKind::MatchStar { name: None }
            )
        };
        if patterns.iter().all(|pattern| wildcard(pattern)) {
            return Ok(());
        }
        match star {
            Some(at) if wildcard(patterns[at]) => {
                for (index, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| !wildcard(pattern)) {
                    let item = self.sequence_item(subject, index, at, size, span);
                    self.pattern(pattern, item, matching)?;
                }
            }
            _ => {
                let window = self.subject_temp(subject, span);
                let first = self.u.depth - 1;
                match star {
                    None => {
                        self.u.emit(Opcode::UnpackSequence, window, window, Opnd::Imm(size as u32), span);
                    }
                    Some(at) => {
                        if at >= 256 {
                            return self.error(span, "too many expressions in star-unpacking sequence pattern");
                        }
                        self.u.emit(Opcode::UnpackEx, window, window, Opnd::Imm(at as u32), span);
                        let after = Opnd::Imm((size - at - 1) as u32);
                        self.u.emit2(Opcode::Extra, Opnd::No, after, span);
                    }
                }
                self.u.set_depth(first + size as u32);
                for (index, pattern) in patterns.iter().enumerate() {
                    self.pattern(pattern, Opnd::Temp(first + index as u32), matching)?;
                }
            }
        }
        Ok(())
    }

    /// An item of a sequence whose starred part is not wanted.
    fn sequence_item(&mut self, subject: Opnd, index: usize, star: usize, size: usize, span: Span) -> Opnd {
        let depth = self.u.depth;
        let object = self.subject_copy(subject, span);
        let key = if index < star {
            let key = self.u.konst(Const::Int(index as i64));
            self.near(key, span)
        } else {
            let length = Opnd::Temp(self.u.push());
            self.u.emit2(Opcode::GetLen, length, subject, span);
            let back = self.u.konst(Const::Int((size - index) as i64));
            let back = self.near(back, span);
            self.u.emit(Opcode::Sub, length, length, back, span);
            length
        };
        let item = self.target(depth, None);
        self.u.emit(Opcode::GetItem, item, object, key, span);
        item
    }

    pub(super) fn mapping(
        &mut self,
        keys: &'a [&'a Expr<'a>],
        patterns: &'a [&'a Pattern<'a>],
        rest: Option<&'a str>,
        subject: Opnd,
        span: Span,
        matching: &mut Matching<'a>,
    ) -> R {
        let depth = self.u.depth;
        let test = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::MatchMapping, test, subject, span);
        self.fail_unless(test, depth, span, matching);
        if keys.is_empty() && rest.is_none() {
            return Ok(());
        }
        if !keys.is_empty() {
            self.check_length(Opcode::BrGe, subject, keys.len(), span, matching);
        }
        let mut literals: Vec<Const> = Vec::new();
        for key in keys {
            match fold::literal(key) {
                Some(value) => {
                    if literals.iter().any(|seen| same_key(seen, &value)) {
                        let text = String::from_utf8_lossy(&super::unparse::unparse(key)).into_owned();
                        return self.error(span, format!("mapping pattern checks duplicate key ({text})"));
                    }
                    literals.push(value);
                }
                None if matches!(key.kind, ExprKind::Attribute { .. }) => {}
                None => {
                    let msg = "mapping pattern keys may only match literals and attribute lookups";
                    return self.error(span, msg);
                }
            }
        }
        let key_tuple = if literals.len() == keys.len() {
            let tuple = self.u.konst(Const::Tuple(literals.into()));
            self.near(tuple, span)
        } else {
            let slot = Opnd::Temp(self.u.depth);
            self.collect(span, keys, &[], super::display::Display::Tuple, Some(slot))?
        };
        let mut rest_value = None;
        if let Some(rest) = rest {
            let left = Opnd::Temp(self.u.push());
            let keys = match key_tuple {
                Opnd::Temp(_) => {
                    let copy = Opnd::Temp(self.u.push());
                    self.u.emit2(Opcode::Copy, copy, key_tuple, span);
                    self.u.depth -= 1;
                    copy
                }
                other => other,
            };
            self.u.emit(Opcode::MatchRest, left, subject, keys, span);
            rest_value = Some((rest, left));
        }
        if keys.is_empty() {
            return rest_value.map_or(Ok(()), |(rest, left)| self.capture(rest, left, span, matching));
        }
        let first = self.u.push();
        let values = Opnd::Temp(first);
        self.u.emit(Opcode::MatchKeys, values, subject, key_tuple, span);
        self.fail_if_none(values, span, matching);
        self.u.emit(Opcode::UnpackSequence, values, values, Opnd::Imm(keys.len() as u32), span);
        self.u.set_depth(first + keys.len() as u32);
        for (index, pattern) in patterns.iter().enumerate() {
            self.pattern(pattern, Opnd::Temp(first + index as u32), matching)?;
        }
        rest_value.map_or(Ok(()), |(rest, left)| self.capture(rest, left, span, matching))
    }

    /// Fails if the temporary on top is None, which is dropped then with the others.
    fn fail_if_none(&mut self, value: Opnd, span: Span, matching: &mut Matching<'a>) {
        let depth = self.u.depth;
        let copy = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::Copy, copy, value, span);
        self.u.depth = depth;
        let fail = self.fail_label(matching);
        self.u.jump(Opcode::JumpIfNone, copy, fail, span);
    }

    pub(super) fn class_pattern(
        &mut self,
        cls: &'a Expr<'a>,
        patterns: &'a [&'a Pattern<'a>],
        kwd_attrs: &'a [Identifier<'a>],
        kwd_patterns: &'a [&'a Pattern<'a>],
        subject: Opnd,
        span: Span,
        matching: &mut Matching<'a>,
    ) -> R {
        for (at, attr) in kwd_attrs.iter().enumerate() {
            if kwd_attrs[..at].contains(attr) {
                let repeated = kwd_patterns.get(at).map_or(span, |pattern| pattern.span);
                return self.error(repeated, format!("attribute name repeated in class pattern: {attr}"));
            }
        }
        let window = self.subject_temp(subject, span);
        let first = self.u.depth - 1;
        self.expr_temp(cls)?;
        let names: Vec<Const> = kwd_attrs.iter().map(|attr| Const::str(attr)).collect();
        let names = self.u.konst(Const::Tuple(names.into()));
        let slot = Opnd::Temp(self.u.push());
        self.copy(slot, names, span);
        self.u.emit(Opcode::MatchClass, window, window, Opnd::Imm(patterns.len() as u32), span);
        self.u.depth = first + 1;
        self.fail_if_none(window, span, matching);
        let count = (patterns.len() + kwd_patterns.len()) as u32;
        self.u.emit(Opcode::UnpackSequence, window, window, Opnd::Imm(count), span);
        self.u.set_depth(first + count);
        for (index, pattern) in patterns.iter().chain(kwd_patterns).enumerate() {
            self.pattern(pattern, Opnd::Temp(first + index as u32), matching)?;
        }
        Ok(())
    }
}

/// Whether two literal keys are equal as dict keys are.
fn same_key(a: &Const, b: &Const) -> bool {
    let number = |value: &Const| match *value {
        Const::Int(int) => Some(int as f64),
        Const::True => Some(1.0),
        Const::False => Some(0.0),
        Const::Float(float) | Const::Complex(float, 0.0) => Some(float),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}
