//! The ends of string literals.

use super::fstring::FMode;
use super::{Lexer, Stop};
use crate::token::Tok;

impl Lexer<'_> {
    /// A literal whose prefix and first quote span `start..end`.
    pub(super) fn string(&mut self, start: usize, end: usize) -> Result<(), Stop> {
        let bytes = self.source.as_bytes();
        let quote = self.byte(end - 1).unwrap_or(b'"');
        let prefix = bytes.get(start..end - 1).unwrap_or_default();
        let triple = self.byte(end) == Some(quote) && self.byte(end + 1) == Some(quote);
        let size: usize = if triple { 3 } else { 1 };
        let body = end - 1 + size;
        if prefix.iter().any(|byte| b"fFtT".contains(byte)) {
            let raw = prefix.iter().any(|byte| b"rR".contains(byte));
            let template = prefix.iter().any(|byte| b"tT".contains(byte));
            self.go_to(body);
            self.push(Tok::FStringStart, start, body);
            return self.enter_fstring(FMode::new(quote, size as u8, raw, template, start as u32));
        }
        let mut at = body;
        let mut escaped_quote = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let found =
                if triple { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr3(quote, b'\\', b'\n', rest) };
            let Some(found) = found else { return Err(self.unterminated(start, end, size, None, escaped_quote)) };
            at += found;
            match bytes.get(at) {
                Some(b'\\') => {
                    escaped_quote |= self.byte(at + 1) == Some(quote);
                    at += 2;
                }
                Some(b'\n') => return Err(self.unterminated(start, end, size, Some(at), escaped_quote)),
                _ if !triple => break,
                _ if self.byte(at + 1) == Some(quote) && self.byte(at + 2) == Some(quote) => break,
                _ => at += 1,
            }
        }
        self.go_to(at + size);
        self.push(Tok::String, start, at + size);
        Ok(())
    }

    /// A literal that does not end; `newline` is the line end inside it, if that is what ended it.
    fn unterminated(&mut self, start: usize, end: usize, size: usize, newline: Option<usize>, escaped: bool) -> Stop {
        let quote = self.byte(end - 1).unwrap_or(b'"');
        if let Some(mode) = self.modes.last()
            && mode.quote == quote
            && mode.size as usize == size
        {
            return self.error(start + 1, format!("{}-string: expecting '}}'", mode.letter()));
        }
        self.stopped_at_end = newline.is_none();
        let mut last = newline.unwrap_or(self.source.len());
        if newline.is_none() && self.source.ends_with('\n') {
            last -= 1;
        }
        let line = self.line_of(last.max(start));
        let msg = match (size, escaped) {
            (3, _) => format!("unterminated triple-quoted string literal (detected at line {line})"),
            (_, false) => format!("unterminated string literal (detected at line {line})"),
            (_, true) => {
                format!("unterminated string literal (detected at line {line}); perhaps you escaped the end quote?")
            }
        };
        self.error(start + 1, msg)
    }
}
