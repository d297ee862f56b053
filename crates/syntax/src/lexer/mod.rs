//! Source text to tokens.
//!
//! logos finds the plain tokens. Around it stands a layer with state: indentation, brackets, the ends of string
//! literals, and the modes of f-strings and t-strings. The whole source is tokenised at once; an error ends the
//! list with a [`Tok::Error`] token and is kept beside it, because a parser that never gets that far must not see
//! it.

mod fstring;
mod indent;
mod number;
mod strings;

use crate::ast::LineIndex;
use crate::ast::Span;
use crate::error::{Diagnostic, SyntaxErrorKind, Warning, WarningKind};
use crate::token::{Tok, Token};
use crate::unicode::{is_identifier_continue, is_identifier_start, is_printable};
use fstring::FMode;
use logos::Logos;

/// The deepest nesting of brackets.
const MAX_PARENS: usize = 200;

/// What a source was cut into.
#[derive(Debug)]
pub(crate) struct Lexed {
    /// The tokens, up to the end marker or to an error token.
    pub tokens: Vec<Token>,
    /// The comments that begin like type comments, each with the index of the token behind it.
    pub comments: Vec<(u32, Span)>,
    /// The starts of the lines.
    pub lines: LineIndex,
    /// What is wrong where the tokens end in an error token.
    pub error: Option<Box<Diagnostic>>,
    /// Whether the error is that the source ends inside brackets.
    pub unclosed: bool,
    /// What is wrong about the innermost bracket that is open where the tokens end.
    pub open_bracket: Option<Box<Diagnostic>>,
    /// Whether the error is that the source ends too soon.
    pub stopped_at_end: bool,
    /// Whether the error is reported even if the parser stops before it.
    pub overriding: bool,
    /// What was found on the way.
    pub warnings: Vec<Warning>,
}

/// How to tokenise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LexOptions {
    /// Whether comments and line ends that end no statement become tokens.
    pub trivia: bool,
    /// Whether to note where type comments stand.
    pub type_comments: bool,
    /// Whether the end of the source leaves blocks open.
    pub dont_imply_dedent: bool,
    /// The token to put in front of all.
    pub start: Option<Tok>,
}

/// A bracket that is open.
#[derive(Clone, Copy, Debug)]
struct Paren {
    byte: u8,
    at: u32,
    /// Whether it opens a replacement field of the innermost f-string.
    field: bool,
}

/// Why tokenising stopped.
pub(crate) type Stop = Box<Diagnostic>;

pub(crate) struct Lexer<'s> {
    source: &'s str,
    lex: logos::Lexer<'s, Tok>,
    tokens: Vec<Token>,
    comments: Vec<(u32, Span)>,
    lines: LineIndex,
    warnings: Vec<Warning>,
    parens: Vec<Paren>,
    indents: Vec<indent::Column>,
    modes: Vec<FMode>,
    unclosed: bool,
    stopped_at_end: bool,
    /// Whether the source ends in space at the start of a line.
    ends_in_space: bool,
    at_line_start: bool,
    /// The start of the comment at the end of the current logical line.
    comment_start: Option<usize>,
    options: LexOptions,
}

/// Cuts a source (newlines normalised) into tokens.
pub(crate) fn lex(source: &str, options: LexOptions) -> Lexed {
    let mut lexer = Lexer {
        source,
        lex: Tok::lexer(source),
        tokens: Vec::with_capacity(source.len() / 4 + 8),
        comments: Vec::new(),
        lines: LineIndex::new(source),
        warnings: Vec::new(),
        parens: Vec::new(),
        indents: vec![indent::Column::default()],
        modes: Vec::new(),
        unclosed: false,
        stopped_at_end: false,
        ends_in_space: false,
        at_line_start: true,
        comment_start: None,
        options,
    };
    if let Some(start) = options.start {
        lexer.push(start, 0, 0);
    }
    let error = lexer.run().err();
    let unclosed = lexer.unclosed;
    if error.is_some() {
        let at = lexer.lex.span().end;
        lexer.push(Tok::Error, at, at);
    }
    let is_direct = !lexer.unclosed && error.as_deref().is_some_and(|error| !error.whole_line);
    let open_bracket =
        if is_direct || error.is_none() || lexer.parens.is_empty() { None } else { Some(lexer.unclosed_bracket()) };
    Lexed {
        tokens: lexer.tokens,
        comments: lexer.comments,
        lines: lexer.lines,
        // What is wrong inside an f-string, or with the layout, does not override what the parser says.
        overriding: is_direct && lexer.modes.is_empty(),
        open_bracket,
        error,
        unclosed,
        stopped_at_end: unclosed || lexer.stopped_at_end,
        warnings: lexer.warnings,
    }
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            if self.at_line_start {
                self.at_line_start = false;
                self.indentation()?;
            }
            if self.modes.last().is_some_and(FMode::in_text) {
                self.fstring_text()?;
                continue;
            }
            let Some(token) = self.lex.next() else { return self.finish() };
            let span = self.lex.span();
            let Ok(kind) = token else {
                self.unknown(span.start)?;
                continue;
            };
            match kind {
                Tok::Name => {
                    self.name(span.start, span.end)?;
                }
                Tok::Number => {
                    self.number(span.start, span.end)?;
                }
                Tok::Nl => self.line_end(span.start),
                Tok::Comment => {
                    // A line end begins, as a token, where the comment before it does.
                    self.comment_start = Some(span.start).filter(|_| !self.options.trivia && self.parens.is_empty());
                    self.comment(span.start, span.end);
                }
                Tok::StringOpen => self.string(span.start, span.end)?,
                Tok::Backslash => self.continuation()?,
                Tok::LPar | Tok::LSqb | Tok::LBrace => {
                    self.open(span.start)?;
                    self.push(kind, span.start, span.end);
                }
                Tok::RPar | Tok::RSqb | Tok::RBrace => {
                    self.close(span.start)?;
                    self.push(kind, span.start, span.end);
                }
                Tok::Colon | Tok::ColonEqual if self.in_field() => self.field_colon(span.start),
                _ => self.push(kind, span.start, span.end),
            }
        }
    }

    fn push(&mut self, kind: Tok, start: usize, end: usize) {
        self.tokens.push(Token { kind, start: start as u32, end: end as u32 });
    }

    /// Goes on at an offset before or behind the current one.
    fn go_to(&mut self, offset: usize) {
        let at = self.lex.span().end;
        if offset < at {
            self.lex = Tok::lexer(self.source);
            self.lex.bump(offset);
        } else {
            self.lex.bump(offset - at);
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    /// An error of the tokeniser at the byte before `at`.
    fn error(&self, at: usize, msg: impl Into<String>) -> Stop {
        let column = self.characters_before(at);
        let line = self.line_of(at) as i32;
        Box::new(Diagnostic {
            kind: SyntaxErrorKind::Syntax,
            msg: msg.into(),
            lineno: line,
            offset: column,
            end_lineno: line,
            end_offset: column,
            text_line: line,
            whole_line: false,
            end_in_bytes: false,
        })
    }

    /// The line of the character before `at`, or of `at` where a line starts.
    fn line_of(&self, at: usize) -> u32 {
        self.lines.location(at as u32).line
    }

    /// How many characters stand between the start of the line and `at`.
    fn characters_before(&self, at: usize) -> i32 {
        let start = self.lines.line_start(self.line_of(at)).unwrap_or(0) as usize;
        self.source.get(start..at).map_or(0, |text| text.chars().count() as i32)
    }

    fn warn(&mut self, at: usize, msg: String) {
        let lineno = self.line_of(at);
        let span = Span::new(at as u32, at as u32);
        self.warnings.push(Warning { kind: WarningKind::Syntax, msg, lineno, span });
    }

    /// An identifier: ASCII ones are right, others are looked at.
    fn name(&mut self, start: usize, end: usize) -> Result<(), Stop> {
        let text = self.source.get(start..end).unwrap_or_default();
        if !text.is_ascii() {
            self.check_identifier(start, text)?;
        }
        if matches!(self.byte(end), Some(b'"' | b'\'')) {
            self.check_prefix(start, end, text)?;
        }
        self.push(Tok::Name, start, end);
        Ok(())
    }

    fn check_identifier(&mut self, start: usize, text: &str) -> Result<(), Stop> {
        let mut at = start;
        for c in text.chars() {
            let fine = if at == start { is_identifier_start(c) } else { is_identifier_continue(c) };
            at += c.len_utf8();
            if !fine {
                return Err(self.invalid_character(at, c));
            }
        }
        Ok(())
    }

    fn invalid_character(&self, at: usize, c: char) -> Stop {
        let code = u32::from(c);
        if is_printable(c) {
            self.error(at, format!("invalid character '{c}' (U+{code:04X})"))
        } else {
            self.error(at, format!("invalid non-printable character U+{code:04X}"))
        }
    }

    /// A character that begins no token.
    fn unknown(&mut self, start: usize) -> Result<(), Stop> {
        let Some(c) = self.source.get(start..).and_then(|rest| rest.chars().next()) else { return Ok(()) };
        let end = start + c.len_utf8();
        if !matches!(c, ' '..='~') {
            return Err(self.invalid_character(end, c));
        }
        self.go_to(end);
        self.push(Tok::Error, start, end);
        Ok(())
    }

    /// Combinations of letters before a quote that are no prefix.
    fn check_prefix(&mut self, start: usize, end: usize, text: &str) -> Result<(), Stop> {
        let lower = text.to_ascii_lowercase();
        let distinct = lower.bytes().enumerate().all(|(at, byte)| {
            b"bruft".contains(&byte) && !lower.as_bytes().get(..at).is_some_and(|before| before.contains(&byte))
        });
        if !distinct {
            return Ok(());
        }
        for (one, other) in [("u", "b"), ("u", "r"), ("u", "f"), ("u", "t"), ("b", "f"), ("b", "t"), ("f", "t")] {
            if lower.contains(one) && lower.contains(other) {
                let mut error = self.error(end + 1, format!("'{one}' and '{other}' prefixes are incompatible"));
                error.offset = self.characters_before(start) + 1;
                return Err(error);
            }
        }
        Ok(())
    }

    fn line_end(&mut self, at: usize) {
        if !self.parens.is_empty() || self.modes.last().is_some() {
            if self.options.trivia {
                self.push(Tok::Nl, at, at + 1);
            }
            return;
        }
        let start = std::mem::take(&mut self.comment_start).unwrap_or(at);
        self.push(Tok::Newline, start, at + 1);
        self.at_line_start = true;
    }

    fn comment(&mut self, start: usize, end: usize) {
        if self.options.trivia {
            self.push(Tok::Comment, start, end);
        } else if self.options.type_comments {
            self.note_comment(start, end);
        }
    }

    fn note_comment(&mut self, start: usize, end: usize) {
        let text = self.source.get(start + 1..end).unwrap_or_default();
        if text.trim_start_matches([' ', '\t']).starts_with("type: ") {
            self.comments.push((self.tokens.len() as u32, Span::new(start as u32, end as u32)));
        }
    }

    /// What may follow a backslash: the end of the line, but not of the source.
    fn continuation(&mut self) -> Result<(), Stop> {
        let at = self.lex.span().end;
        match self.byte(at) {
            Some(b'\n') if at + 1 < self.source.len() => {
                self.go_to(at + 1);
                Ok(())
            }
            Some(b'\n') => Err(self.unexpected_end(at)),
            next => {
                let mut error = self.error(at, "unexpected character after line continuation character");
                error.offset += i32::from(next.is_some());
                error.end_offset = 0;
                error.whole_line = true;
                Err(error)
            }
        }
    }

    fn unexpected_end(&mut self, at: usize) -> Stop {
        if !self.parens.is_empty() {
            return self.unclosed_bracket();
        }
        self.stopped_at_end = true;
        let mut error = self.error(at, "unexpected EOF while parsing");
        error.offset += 1;
        error.end_offset = -1;
        error.whole_line = true;
        error
    }

    fn open(&mut self, at: usize) -> Result<(), Stop> {
        if self.parens.len() >= MAX_PARENS {
            return Err(self.error(at + 1, "too many nested parentheses"));
        }
        self.parens.push(Paren { byte: self.byte(at).unwrap_or(b'('), at: at as u32, field: false });
        Ok(())
    }

    fn close(&mut self, at: usize) -> Result<(), Stop> {
        let closing = char::from(self.byte(at).unwrap_or(b')'));
        if closing == '}'
            && let Some(mode) = self.modes.last()
            && mode.fields == 0
        {
            return Err(self.error(at + 1, format!("{}-string: single '}}' is not allowed", mode.letter())));
        }
        let Some(open) = self.parens.pop() else {
            if self.options.trivia {
                return Ok(());
            }
            return Err(self.error(at + 1, format!("unmatched '{closing}'")));
        };
        let wanted = match open.byte {
            b'(' => ')',
            b'[' => ']',
            _ => '}',
        };
        if closing != wanted && !self.options.trivia {
            if let (Some(mode), true) = (self.modes.last(), open.field) {
                return Err(self.error(at + 1, format!("{}-string: unmatched '{closing}'", mode.letter())));
            }
            let mut msg = format!(
                "closing parenthesis '{closing}' does not match opening parenthesis '{}'",
                char::from(open.byte)
            );
            let line = self.line_of(open.at as usize);
            if line != self.line_of(at) {
                msg.push_str(&format!(" on line {line}"));
            }
            return Err(self.error(at + 1, msg));
        }
        if open.field
            && let Some(mode) = self.modes.last_mut()
        {
            mode.fields = mode.fields.saturating_sub(1);
            mode.text = true;
        }
        Ok(())
    }

    /// The source ends inside brackets.
    fn unclosed_bracket(&mut self) -> Stop {
        self.unclosed = true;
        let (byte, at) = self.parens.last().map_or((b'(', 0), |open| (open.byte, open.at as usize));
        let mut error = self.error(at, format!("'{}' was never closed", char::from(byte)));
        error.offset += 1;
        error.end_offset = 0;
        error.whole_line = self.line_of(self.source.len().saturating_sub(1)) as i32 <= error.lineno;
        error
    }

    /// The end of the source: the logical line and all blocks end.
    fn finish(&mut self) -> Result<(), Stop> {
        let end = self.source.len();
        if !self.parens.is_empty() {
            return Err(self.unclosed_bracket());
        }
        if self.options.start == Some(Tok::StartSingle) {
            return self.finish_single(end);
        }
        let line_is_open = self.tokens.last().is_some_and(|token| {
            !matches!(token.kind, Tok::Newline | Tok::Indent | Tok::Dedent | Tok::Nl) && !token.kind.is_start()
        });
        let only_comment = self.tokens.last().is_some_and(|token| token.kind == Tok::Comment)
            && self
                .tokens
                .iter()
                .rev()
                .find(|token| token.kind != Tok::Comment)
                .is_none_or(|token| matches!(token.kind, Tok::Newline | Tok::Indent | Tok::Dedent | Tok::Nl));
        if only_comment {
            self.push(Tok::Nl, end, end);
        } else if line_is_open {
            self.push(Tok::Newline, end, end);
        }
        if !(self.options.dont_imply_dedent && line_is_open) {
            self.close_blocks(end);
        }
        self.push(Tok::EndMarker, end, end);
        Ok(())
    }

    /// The end of a statement typed at a prompt: the end of the source stands for a line end, once before and once
    /// after the blocks that it closes.
    fn finish_single(&mut self, end: usize) -> Result<(), Stop> {
        let last = self.tokens.last().map_or(Tok::StartSingle, |token| token.kind);
        if !last.is_start() {
            let line_is_open = !matches!(last, Tok::Newline | Tok::Indent | Tok::Dedent);
            if !line_is_open && !self.ends_in_space {
                self.close_blocks(end);
            }
            self.push(Tok::Newline, end, end);
            if self.indents.len() > 1 && !self.options.dont_imply_dedent {
                self.close_blocks(end);
                self.push(Tok::Newline, end, end);
            }
        }
        self.push(Tok::EndMarker, end, end);
        Ok(())
    }

    fn close_blocks(&mut self, end: usize) {
        while self.indents.len() > 1 {
            self.indents.pop();
            self.push(Tok::Dedent, end, end);
        }
    }
}
