//! Actions for string literals: plain ones, f-strings, t-strings, and their concatenation.

use super::builder::*;
use crate::ast::*;
use crate::literal::{self, EscapeError};
use crate::token::Tok;
use std::borrow::Cow;

/// One literal of an implicit concatenation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// The token of a literal without fields.
    Plain(u32),
    /// The values of an f-string or t-string.
    Formatted { template: bool, values: &'a [E<'a>] },
}

/// An f-string or t-string whose parts are being collected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    raw: bool,
    template: bool,
    /// How many format specifications are open.
    specs: u32,
}

/// A replacement field, as token indices and nodes.
pub(crate) struct Replacement<'a> {
    /// The opening brace.
    pub l: u32,
    /// The first token behind the value.
    pub e: u32,
    /// Whether an `=` follows the value.
    pub debug: bool,
    /// The first token behind the value and `=`.
    pub c: u32,
    /// The first token behind the field.
    pub r: u32,
    pub value: E<'a>,
    /// The name behind `!`.
    pub conversion: Option<u32>,
    pub spec: Option<E<'a>>,
}

/// Source text without its comments.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains('#') {
        return text.into();
    }
    let mut out = String::new();
    let mut quote = None;
    let mut in_comment = false;
    let mut escaped = false;
    for c in text.chars() {
        in_comment &= c != '\n';
        let is_escaped = escaped;
        escaped = !is_escaped && !in_comment && c == '\\';
        match quote {
            _ if is_escaped => {}
            Some(open) if c == open => quote = None,
            None if !in_comment && matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '#' => in_comment = true,
            _ => {}
        }
        if !in_comment {
            out.push(c);
        }
    }
    out.into()
}

impl<'a> Builder<'a, '_> {
    pub(crate) fn plain_string(&mut self, at: u32) {
        self.strings.push(Part::Plain(at));
    }

    pub(crate) fn enter_fstring(&mut self, at: u32) {
        let prefix = self.token_text(at).trim_end_matches(['"', '\'']);
        let raw = prefix.contains(['r', 'R']);
        let template = prefix.contains(['t', 'T']);
        self.fstring_modes.push(Mode { raw, template, specs: 0 });
    }

    pub(crate) fn enter_format_spec(&mut self) {
        if let Some(mode) = self.fstring_modes.last_mut() {
            mode.specs += 1;
        }
    }

    pub(crate) fn fpart_mark(&mut self) -> Mark {
        self.exprs.len() as Mark
    }

    /// A piece of text; one that stands for nothing makes no node.
    pub(crate) fn fmiddle(&mut self, mark: Mark, at: u32) -> Result<Mark, Fail> {
        let mut text = self.token_text(at);
        let in_spec = self.fstring_modes.last().is_some_and(|mode| mode.specs > 0);
        if !in_spec && (text.ends_with("{{") || text.ends_with("}}")) {
            text = text.get(..text.len() - 1).unwrap_or_default();
        }
        let raw = self.fstring_modes.last().is_some_and(|mode| mode.raw);
        let token = self.token(at);
        let value =
            if raw { Cow::Borrowed(text.as_bytes()) } else { self.decode(at, token.start, text, literal::decode_str)? };
        if !value.is_empty() {
            let value = Constant::Str(self.string_value(&value, text));
            let constant = self.expr(at, at + 1, ExprKind::Constant { value, kind: None });
            self.exprs.push(constant);
        }
        Ok(mark)
    }

    pub(crate) fn ffield(&mut self, mark: Mark, field: Replacement<'a>) -> Result<Mark, Fail> {
        let mut conversion = -1;
        if let Some(name) = field.conversion {
            let text = self.token_text(name);
            conversion = match text {
                "s" | "r" | "a" if self.token(name).start == self.token(name - 1).end => {
                    i32::from(text.as_bytes().first().copied().unwrap_or(b'r'))
                }
                "s" | "r" | "a" => {
                    return self.refuse(
                        name,
                        name + 1,
                        "f-string: conversion type must come right after the exclamation mark",
                    );
                }
                _ => {
                    let msg = format!("f-string: invalid conversion character '{text}': expected 's', 'r', or 'a'");
                    return self.refuse(name, name + 1, msg);
                }
            };
        }
        let start = self.token(field.l).end;
        let source = |end: u32| self.source.get(start as usize..end as usize).unwrap_or_default();
        if field.debug {
            let end = self.token(field.c).start;
            let text = without_comments(source(end));
            let value = Constant::Str(StrValue::Utf8(self.arena.text(&text)));
            let constant = self.expr_at(Span::new(start, end), ExprKind::Constant { value, kind: None });
            self.exprs.push(constant);
            if field.conversion.is_none() && field.spec.is_none() {
                conversion = i32::from(b'r');
            }
        }
        let is_interpolation = self.fstring_modes.last().is_some_and(|mode| mode.template && mode.specs == 0);
        let (value, format_spec) = (field.value, field.spec);
        let kind = if is_interpolation {
            let text = without_comments(source(self.token(field.e).start));
            let str = self.arena.alloc(Constant::Str(StrValue::Utf8(self.arena.text(&text))));
            ExprKind::Interpolation { value, str, conversion, format_spec }
        } else {
            ExprKind::FormattedValue { value, conversion, format_spec }
        };
        let node = self.expr(field.l, field.r, kind);
        self.exprs.push(node);
        Ok(mark)
    }

    pub(crate) fn format_spec(&mut self, l: u32, r: u32, mark: Mark) -> E<'a> {
        if let Some(mode) = self.fstring_modes.last_mut() {
            mode.specs -= 1;
        }
        let values: Vec<_> = above(&mut self.exprs, mark).collect();
        let values = self.merge_constants(values);
        self.expr(l, r, ExprKind::JoinedStr { values })
    }

    pub(crate) fn fstring(&mut self, _l: u32, _r: u32, mark: Mark) {
        let template = self.fstring_modes.pop().is_some_and(|mode| mode.template);
        let values = self.expr_slice(mark);
        self.strings.push(Part::Formatted { template, values });
    }

    /// Adjacent constants become one; empty ones vanish.
    fn merge_constants(&mut self, values: Vec<E<'a>>) -> &'a [E<'a>] {
        let text = |expr: E<'a>| match expr.kind {
            ExprKind::Constant { value: Constant::Str(value), kind } => Some((value, kind)),
            _ => None,
        };
        let mut merged: Vec<E<'a>> = Vec::with_capacity(values.len());
        let mut rest =
            values.into_iter().filter(|expr| text(expr).is_none_or(|(value, _)| !value.is_empty())).peekable();
        while let Some(first) = rest.next() {
            let Some((value, kind)) = text(first) else {
                merged.push(first);
                continue;
            };
            let mut bytes = Cow::Borrowed(value.as_bytes());
            let mut end = first.span.end;
            while let Some((next, span)) = rest.peek().and_then(|expr| Some((text(expr)?.0, expr.span))) {
                bytes.to_mut().extend_from_slice(next.as_bytes());
                end = span.end;
                rest.next();
            }
            merged.push(match bytes {
                Cow::Borrowed(_) => first,
                Cow::Owned(bytes) => {
                    let value = Constant::Str(self.arena.string(&bytes));
                    self.expr_at(Span::new(first.span.start, end), ExprKind::Constant { value, kind })
                }
            });
        }
        self.arena.slice(merged)
    }

    /// The value of adjacent literals, the tokens `l..r`.
    pub(crate) fn strings(&mut self, l: u32, r: u32, mark: Mark) -> Result<E<'a>, Fail> {
        let parts: Vec<_> = above(&mut self.strings, mark).collect();
        if let [Part::Plain(at)] = *parts {
            let (value, kind) = self.plain_value(at)?;
            return Ok(self.expr(l, r, ExprKind::Constant { value, kind }));
        }
        let templates = parts.iter().filter(|part| matches!(part, Part::Formatted { template: true, .. })).count();
        if templates != 0 && templates != parts.len() {
            return self.refuse(l, r, "cannot mix t-string literals with string or bytes literals");
        }
        let is_bytes = |part: &&Part| matches!(part, Part::Plain(at) if self.is_bytes(*at));
        let bytes = parts.iter().filter(is_bytes).count();
        if bytes != 0 && bytes != parts.len() {
            self.bad_literal = true;
            return self.refuse(r, r + 1, "cannot mix bytes and nonbytes literals");
        }
        let mut values: Vec<E<'a>> = Vec::new();
        for part in &parts {
            match *part {
                Part::Plain(at) => {
                    let (value, kind) = self.plain_value(at)?;
                    values.push(self.expr(at, at + 1, ExprKind::Constant { value, kind }));
                }
                Part::Formatted { values: inner, .. } => values.extend(inner),
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Plain(_))) {
            return Ok(self.concatenated(l, r, &values, bytes != 0));
        }
        let values = self.merge_constants(values);
        let kind = if templates == 0 { ExprKind::JoinedStr { values } } else { ExprKind::TemplateStr { values } };
        Ok(self.expr(l, r, kind))
    }

    /// The constant that plain literals make together.
    fn concatenated(&mut self, l: u32, r: u32, values: &[E<'a>], is_bytes: bool) -> E<'a> {
        let mut all = Vec::new();
        let mut kind_of_first = None;
        for (at, value) in values.iter().enumerate() {
            if let ExprKind::Constant { value, kind } = value.kind {
                match value {
                    Constant::Str(text) => all.extend_from_slice(text.as_bytes()),
                    Constant::Bytes(bytes) => all.extend_from_slice(bytes),
                    _ => {}
                }
                if at == 0 {
                    kind_of_first = kind;
                }
            }
        }
        let value =
            if is_bytes { Constant::Bytes(self.arena.bytes(&all)) } else { Constant::Str(self.arena.string(&all)) };
        self.expr(l, r, ExprKind::Constant { value, kind: kind_of_first })
    }

    fn is_bytes(&self, at: u32) -> bool {
        matches!(self.token_text(at).as_bytes(), [b'b' | b'B', ..] | [b'r' | b'R', b'b' | b'B', ..])
    }

    /// The value and the `kind` of a literal without fields.
    fn plain_value(&mut self, at: u32) -> Result<(Constant<'a>, Option<&'a str>), Fail> {
        let (prefix, body_start, body) = literal::split_literal(self.token_text(at));
        let start = self.token(at).start + body_start as u32;
        let raw = prefix.contains(['r', 'R']);
        if prefix.contains(['b', 'B']) {
            if !body.is_ascii() {
                self.bad_literal = true;
                return self.refuse(at, at + 1, "bytes can only contain ASCII literal characters");
            }
            let value =
                if raw { Cow::Borrowed(body.as_bytes()) } else { self.decode(at, start, body, literal::decode_bytes)? };
            let value = match value {
                Cow::Borrowed(bytes) => bytes,
                Cow::Owned(bytes) => self.arena.bytes(&bytes),
            };
            return Ok((Constant::Bytes(value), None));
        }
        let kind = prefix.starts_with(['u', 'U']).then_some("u").filter(|_| prefix.starts_with('u'));
        if raw {
            return Ok((Constant::Str(StrValue::Utf8(body)), kind));
        }
        let value = self.decode(at, start, body, literal::decode_str)?;
        Ok((Constant::Str(self.string_value(&value, body)), kind))
    }

    /// The string of decoded bytes; a text without escapes stays where it is in the source.
    fn string_value(&mut self, value: &Cow<'a, [u8]>, source: &'a str) -> StrValue<'a> {
        match value {
            Cow::Borrowed(_) => StrValue::Utf8(source),
            Cow::Owned(bytes) => self.arena.string(bytes),
        }
    }

    /// Decodes the body of a literal that starts at an offset, turning what is wrong into errors and warnings.
    fn decode(
        &mut self,
        at: u32,
        start: u32,
        body: &'a str,
        decode: fn(&'a str, &mut dyn FnMut(literal::EscapeWarning)) -> Result<Cow<'a, [u8]>, EscapeError>,
    ) -> Result<Cow<'a, [u8]>, Fail> {
        let mut warnings = Vec::new();
        let result = decode(body, &mut |warning| warnings.push(warning));
        // Only the first meaningless escape of a literal is reported, and one before a brace has been by the lexer.
        if let Some((offset, msg)) = warnings.into_iter().next() {
            let is_middle = self.token(at).kind == Tok::FStringMiddle;
            let before_brace = matches!(body.as_bytes().get(offset + 1), Some(b'{' | b'}'));
            if !(is_middle && before_brace) {
                self.warn(start + offset as u32, msg);
            }
        }
        match result {
            Ok(value) => Ok(value),
            Err(EscapeError(msg)) => {
                self.bad_literal = true;
                self.refuse(at, at + 1, msg)
            }
        }
    }
}
