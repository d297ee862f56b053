//! The modes of f-strings and t-strings.
//!
//! Inside the quotes there are two modes: text, scanned here, and replacement fields, whose tokens are those of
//! ordinary code until the `:` of a format specification or the closing brace leads back to text.

use super::{Lexer, Stop};
use crate::token::Tok;

/// How deep f-strings nest.
const MAX_NESTED: usize = 150;
/// How deep replacement fields nest through format specifications.
const MAX_FIELDS: u32 = 3;

/// An f-string or t-string whose end is not reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct FMode {
    pub quote: u8,
    pub size: u8,
    raw: bool,
    template: bool,
    /// The offset of the prefix.
    start: u32,
    /// How many replacement fields are open.
    pub fields: u32,
    /// Whether text (of the literal or of a format specification) is next.
    pub text: bool,
}

impl FMode {
    pub fn new(quote: u8, size: u8, raw: bool, template: bool, start: u32) -> Self {
        FMode { quote, size, raw, template, start, fields: 0, text: true }
    }

    pub fn in_text(&self) -> bool {
        self.text
    }

    /// `f` or `t`.
    pub fn letter(&self) -> char {
        if self.template { 't' } else { 'f' }
    }
}

impl Lexer<'_> {
    pub(super) fn enter_fstring(&mut self, mode: FMode) -> Result<(), Stop> {
        if self.modes.len() + 1 >= MAX_NESTED {
            let at = self.lex.span().end;
            return Err(self.error(at, "too many nested f-strings"));
        }
        self.modes.push(mode);
        Ok(())
    }

    /// Whether the innermost open bracket is that of a replacement field.
    pub(super) fn in_field(&self) -> bool {
        !self.modes.is_empty() && self.parens.last().is_some_and(|paren| paren.field)
    }

    /// The colon in front of a format specification; in `:=` the `=` belongs to the specification.
    pub(super) fn field_colon(&mut self, at: usize) {
        self.push(Tok::Colon, at, at + 1);
        self.go_to(at + 1);
        if let Some(mode) = self.modes.last_mut() {
            mode.text = true;
        }
    }

    fn open_field(&mut self, at: usize) -> Result<(), Stop> {
        let Some(mode) = self.modes.last_mut() else { return Ok(()) };
        if mode.fields >= MAX_FIELDS {
            let letter = mode.letter();
            return Err(self.error(at, format!("{letter}-string: expressions nested too deeply")));
        }
        mode.fields += 1;
        mode.text = false;
        self.go_to(at + 1);
        self.open(at)?;
        if let Some(paren) = self.parens.last_mut() {
            paren.field = true;
        }
        self.push(Tok::LBrace, at, at + 1);
        Ok(())
    }

    /// One step through text: a piece of it, the brace of a field, or the closing quotes.
    pub(super) fn fstring_text(&mut self) -> Result<(), Stop> {
        let Some(mode) = self.modes.last().copied() else { return Ok(()) };
        let start = self.lex.span().end;
        let size = mode.size as usize;
        let bytes = self.source.as_bytes();
        if self.byte(start) == Some(b'{') && self.byte(start + 1) != Some(b'{') {
            return self.open_field(start);
        }
        let closes = |at: usize| (0..size).all(|n| bytes.get(at + n) == Some(&mode.quote));
        if closes(start) {
            self.push(Tok::FStringEnd, start, start + size);
            self.go_to(start + size);
            self.modes.pop();
            return Ok(());
        }
        let in_spec = mode.fields > 0;
        let mut named_escape = false;
        let mut at = start;
        loop {
            let Some(byte) = self.byte(at) else { return Err(self.unterminated_fstring(mode, at)) };
            match byte {
                b'\n' if size == 1 => {
                    if in_spec {
                        let letter = mode.letter();
                        let mut error = self.error(
                            at,
                            format!(
                                "{letter}-string: newlines are not allowed in format specifiers for single quoted \
                                 {letter}-strings"
                            ),
                        );
                        error.offset += 1;
                        error.end_offset += 1;
                        return Err(error);
                    }
                    return Err(self.unterminated_fstring(mode, at));
                }
                _ if byte == mode.quote && closes(at) => {
                    self.push(Tok::FStringMiddle, start, at);
                    self.go_to(at);
                    return Ok(());
                }
                b'{' => {
                    if self.byte(at + 1) == Some(b'{') && !in_spec {
                        self.push(Tok::FStringMiddle, start, at + 2);
                        self.go_to(at + 2);
                        return Ok(());
                    }
                    self.push(Tok::FStringMiddle, start, at);
                    return self.open_field(at);
                }
                b'}' if named_escape => {
                    self.push(Tok::FStringMiddle, start, at + 1);
                    self.go_to(at + 1);
                    return Ok(());
                }
                b'}' => {
                    if self.byte(at + 1) == Some(b'}') && !in_spec {
                        self.push(Tok::FStringMiddle, start, at + 2);
                        self.go_to(at + 2);
                        return Ok(());
                    }
                    self.push(Tok::FStringMiddle, start, at);
                    self.go_to(at);
                    if let Some(mode) = self.modes.last_mut() {
                        mode.text = false;
                    }
                    return Ok(());
                }
                b'\\' => match self.byte(at + 1) {
                    Some(brace @ (b'{' | b'}')) => {
                        if !mode.raw {
                            self.warn_escape(at, char::from(brace));
                        }
                        at += 1;
                    }
                    Some(b'N') if !mode.raw => {
                        at += 2;
                        if self.byte(at) == Some(b'{') {
                            named_escape = true;
                            at += 1;
                        }
                    }
                    Some(_) => at += 2,
                    None => at += 1,
                },
                _ => at += 1,
            }
            while at < bytes.len() && !self.source.is_char_boundary(at) {
                at += 1;
            }
        }
    }

    fn warn_escape(&mut self, at: usize, c: char) {
        self.warn(at + 2, crate::literal::invalid_escape_message(&c.to_string(), false));
    }

    fn unterminated_fstring(&mut self, mode: FMode, at: usize) -> Stop {
        self.stopped_at_end = mode.size == 3;
        let mut last = at;
        if at >= self.source.len() && self.source.ends_with('\n') {
            last -= 1;
        }
        let line = self.line_of(last);
        let triple = if mode.size == 3 { "triple-quoted " } else { "" };
        let letter = mode.letter();
        self.error(
            mode.start as usize + 1,
            format!("unterminated {triple}{letter}-string literal (detected at line {line})"),
        )
    }
}
