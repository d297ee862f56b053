//! `match` statements.
//!
//! A pattern never consumes its subject. The temporaries it makes stay live, without gaps, until the pattern has matched
//! or failed: so a failure at any depth drops them from the top, and names are bound only by a whole match.

use super::unit::{Label, Opnd};
use super::{Compiler, R, fold};
use crate::code::Const;
use crate::op::Opcode;
use cinder_syntax::ast::*;

/// The state of matching one case or one alternative.
pub(super) struct Matching<'a> {
    /// Depth at its start.
    base: u32,
    /// Where to go with `index` temporaries to drop.
    fails: Vec<Option<Label>>,
    /// Names and the values they are bound to on success.
    captures: Vec<Capture<'a>>,
}

#[derive(Clone, Copy)]
struct Capture<'a> {
    name: &'a str,
    value: Opnd,
}

impl<'a> Compiler<'a, '_> {
    #[inline(never)]
    pub(super) fn match_stmt(&mut self, subject: &'a Expr<'a>, cases: &'a [MatchCase<'a>]) -> R {
        let depth = self.u.depth;
        let guarded = cases.iter().any(|case| case.guard.is_some());
        let mut value = self.expr(subject)?;
        if guarded && !matches!(value, Opnd::Temp(_)) {
            // A guard or a capture before it may rebind the subject's name.
            let temp = Opnd::Temp(self.u.push());
            self.copy(temp, value, subject.span);
            value = temp;
        }
        let base = self.u.depth;
        let end = self.u.label();
        for (at, case) in cases.iter().enumerate() {
            let last = at + 1 == cases.len();
            if !last && case.guard.is_none() {
                self.check_refutable(case.pattern)?;
            }
            let mut matching = Matching { base, fails: Vec::new(), captures: Vec::new() };
            self.u.depth = base;
            self.pattern(case.pattern, value, &mut matching)?;
            self.bind_captures(&matching, case.pattern.span)?;
            if let Some(guard) = case.guard {
                let fail = self.fail_label(&mut matching);
                self.jump_if(guard, fail, false)?;
            }
            if let Opnd::Temp(_) = value {
                self.u.emit1(Opcode::Drop, value, case.pattern.span);
            }
            self.u.depth = depth;
            self.conditional(case.body)?;
            self.u.jump(Opcode::Jump, Opnd::No, end, super::NO_SPAN);
            self.u.set_depth(base);
            self.place_fails(matching, case.pattern.span);
        }
        if let Opnd::Temp(_) = value {
            self.u.emit1(Opcode::Drop, value, super::NO_SPAN);
        }
        self.u.depth = depth;
        self.u.bind(end);
        Ok(())
    }

    /// Refuses patterns that match everything where others follow.
    fn check_refutable(&self, pattern: &Pattern<'a>) -> R {
        match pattern.kind {
            PatternKind::MatchAs { pattern: None, name } => {
                let msg = match name {
                    Some(name) => format!("name capture '{name}' makes remaining patterns unreachable"),
                    None => "wildcard makes remaining patterns unreachable".to_owned(),
                };
                self.error(pattern.span, msg)
            }
            PatternKind::MatchAs { pattern: Some(inner), .. } => self.check_refutable(inner),
            PatternKind::MatchOr { patterns } => patterns.iter().try_for_each(|inner| self.check_refutable(inner)),
            _ => Ok(()),
        }
    }

    /// Where a failure at the present depth goes.
    pub(super) fn fail_label(&mut self, matching: &mut Matching<'a>) -> Label {
        let index = (self.u.depth - matching.base) as usize;
        while matching.fails.len() <= index {
            matching.fails.push(None);
        }
        if let Some(label) = matching.fails[index] {
            return label;
        }
        let label = self.u.label();
        matching.fails[index] = Some(label);
        label
    }

    /// The code that failures come to: drops what is live at each, and goes on behind.
    fn place_fails(&mut self, matching: Matching<'a>, span: Span) {
        for (index, label) in matching.fails.into_iter().enumerate().rev() {
            if let Some(label) = label {
                self.u.bind(label);
            }
            if index > 0 {
                let temp = Opnd::Temp(matching.base + index as u32 - 1);
                self.u.emit1(Opcode::Drop, temp, span);
            }
        }
    }

    /// After a match: binds the captured names and drops the other temporaries.
    fn bind_captures(&mut self, matching: &Matching<'a>, span: Span) -> R {
        let top = self.u.depth;
        let mut moved = vec![false; (top - matching.base) as usize];
        for (at, capture) in matching.captures.iter().enumerate() {
            match capture.value {
                Opnd::Temp(temp) => {
                    let again = matching.captures[at + 1..].iter().any(|other| other.value == capture.value);
                    if temp >= matching.base && !again {
                        self.store_name(capture.name, capture.value, span)?;
                        moved[(temp - matching.base) as usize] = true;
                    } else {
                        self.store_copy(capture.name, capture.value, span)?;
                    }
                }
                value => self.store_name(capture.name, value, span)?,
            }
        }
        for (index, _) in moved.iter().enumerate().rev().filter(|(_, moved)| !**moved) {
            let temp = Opnd::Temp(matching.base + index as u32);
            self.u.emit1(Opcode::Drop, temp, span);
        }
        self.u.depth = matching.base;
        Ok(())
    }

    pub(super) fn capture(&mut self, name: &'a str, value: Opnd, span: Span, matching: &mut Matching<'a>) -> R {
        if matching.captures.iter().any(|capture| capture.name == name) {
            return self.error(span, format!("multiple assignments to name '{name}' in pattern"));
        }
        matching.captures.push(Capture { name, value });
        Ok(())
    }

    /// A value to be consumed, with the subject left as it is.
    pub(super) fn subject_copy(&mut self, subject: Opnd, span: Span) -> Opnd {
        match subject {
            Opnd::Temp(_) => {
                let copy = Opnd::Temp(self.u.push());
                self.u.emit2(Opcode::Copy, copy, subject, span);
                copy
            }
            other => other,
        }
    }

    /// As `subject_copy`, always in the next temporary.
    pub(super) fn subject_temp(&mut self, subject: Opnd, span: Span) -> Opnd {
        let temp = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::Copy, temp, subject, span);
        temp
    }

    pub(super) fn pattern(&mut self, pattern: &'a Pattern<'a>, subject: Opnd, matching: &mut Matching<'a>) -> R {
        let span = pattern.span;
        let depth = self.u.depth;
        match pattern.kind {
            PatternKind::MatchValue { value } => {
                let literal = fold::literal(value).is_some() || matches!(value.kind, ExprKind::Attribute { .. });
                if !literal {
                    return self.error(span, "patterns may only match literals and attribute lookups");
                }
                let left = self.subject_copy(subject, span);
                let right = self.expr(value)?;
                let right = self.near(right, value.span);
                self.u.depth = depth;
                let fail = self.fail_label(matching);
                self.u.branch(Opcode::BrEq, left, right, false, fail, span);
            }
            PatternKind::MatchSingleton { value } => {
                let left = self.subject_copy(subject, span);
                let right = self.u.konst(fold::constant(&value));
                let right = self.near(right, span);
                self.u.depth = depth;
                let fail = self.fail_label(matching);
                self.u.branch(Opcode::BrIs, left, right, false, fail, span);
            }
            PatternKind::MatchSequence { patterns } => self.sequence(patterns, subject, span, matching)?,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.mapping(keys, patterns, rest, subject, span, matching)?;
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.class_pattern(cls, patterns, kwd_attrs, kwd_patterns, subject, span, matching)?;
            }
            PatternKind::MatchStar { name } => {
                if let Some(name) = name {
                    self.capture(name, subject, span, matching)?;
                }
            }
            PatternKind::MatchAs { pattern: inner, name } => {
                if inner.is_none() && name.is_none() {
                    // Nothing is tested, but a tracer sees the line.
                    self.u.emit(Opcode::Nop, Opnd::No, Opnd::No, Opnd::No, span);
                }
                if let Some(inner) = inner {
                    self.pattern(inner, subject, matching)?;
                }
                if let Some(name) = name {
                    self.capture(name, subject, span, matching)?;
                }
            }
            PatternKind::MatchOr { patterns } => self.alternatives(patterns, subject, span, matching)?,
        }
        Ok(())
    }

    /// Tests a bool in the temporary on top and drops it.
    pub(super) fn fail_unless(&mut self, test: Opnd, depth: u32, span: Span, matching: &mut Matching<'a>) {
        self.u.depth = depth;
        let fail = self.fail_label(matching);
        self.u.jump(Opcode::JumpIfFalse, test, fail, span);
    }

    /// Fails unless `len(subject)` compares with `count`.
    pub(super) fn check_length(
        &mut self,
        op: Opcode,
        subject: Opnd,
        count: usize,
        span: Span,
        matching: &mut Matching<'a>,
    ) {
        let depth = self.u.depth;
        let length = Opnd::Temp(self.u.push());
        self.u.emit2(Opcode::GetLen, length, subject, span);
        let count = self.u.konst(Const::Int(count as i64));
        let count = self.near(count, span);
        self.u.depth = depth;
        let fail = self.fail_label(matching);
        self.u.branch(op, length, count, false, fail, span);
    }

    /// `a | b`: on success the captured values stand in the same registers whichever alternative matched.
    fn alternatives(
        &mut self,
        patterns: &'a [&'a Pattern<'a>],
        subject: Opnd,
        span: Span,
        matching: &mut Matching<'a>,
    ) -> R {
        let base = self.u.depth;
        let matched = self.u.label();
        let mut names: Option<Vec<&'a str>> = None;
        for (at, pattern) in patterns.iter().enumerate() {
            if at + 1 < patterns.len() {
                self.check_refutable(pattern)?;
            }
            self.u.depth = base;
            let mut inner = Matching { base, fails: Vec::new(), captures: Vec::new() };
            self.pattern(pattern, subject, &mut inner)?;
            let wanted = match &names {
                None => names.insert(inner.captures.iter().map(|capture| capture.name).collect()).clone(),
                Some(names) => names.clone(),
            };
            let all = wanted.iter().all(|name| inner.captures.iter().any(|capture| capture.name == *name));
            if !all || wanted.len() != inner.captures.len() {
                return self.error(span, "alternative patterns bind different names");
            }
            let top = self.u.depth;
            for name in &wanted {
                if let Some(capture) = inner.captures.iter().find(|capture| capture.name == *name) {
                    self.subject_temp(capture.value, span);
                }
            }
            for temp in (base..top).rev() {
                self.u.emit1(Opcode::Drop, Opnd::Temp(temp), span);
            }
            for index in 0..wanted.len() as u32 {
                if top != base {
                    self.u.emit2(Opcode::Move, Opnd::Temp(base + index), Opnd::Temp(top + index), span);
                }
            }
            self.u.jump(Opcode::Jump, Opnd::No, matched, span);
            self.u.depth = base;
            self.place_fails(inner, span);
        }
        let fail = self.fail_label(matching);
        self.u.jump(Opcode::Jump, Opnd::No, fail, span);
        self.u.bind(matched);
        for name in names.unwrap_or_default() {
            let temp = Opnd::Temp(self.u.push());
            self.capture(name, temp, span, matching)?;
        }
        Ok(())
    }
}
