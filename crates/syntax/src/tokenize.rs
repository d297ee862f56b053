//! The token stream of Python's `tokenize` module: comments and line ends included, positions in characters.

use crate::ast::{LineIndex, Location};
use crate::error::{Diagnostic, SyntaxError};
use crate::lexer::{LexOptions, Lexed, lex};
use crate::source::normalize_newlines;
use crate::token::{Tok, Token};

/// A token as `tokenize` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenInfo<'s> {
    /// The number of its type in Python's `token` module.
    pub kind: u8,
    /// Its text.
    pub text: &'s str,
    /// Where it starts; the column counts characters, or is [`NO_COLUMN`].
    pub start: Location,
    /// Where it ends; the column counts characters, or is [`NO_COLUMN`].
    pub end: Location,
    /// The physical lines that it stands on.
    pub line: &'s str,
}

/// What [`tokenize`] found.
#[derive(Debug)]
pub struct Tokens<'s> {
    /// The tokens, the end marker included if there is no error.
    pub tokens: Vec<TokenInfo<'s>>,
    /// What is wrong behind the last token.
    pub error: Option<SyntaxError>,
}

/// The column of tokens that stand nowhere: those that the layout implies, in the stream that the parser sees.
pub const NO_COLUMN: u32 = u32::MAX;

/// The number of `OP` in Python's `token` module.
const OP: u8 = 55;

impl Tok {
    /// The number of the token's type in Python 3.14's `token` module; `template` tells t-strings from f-strings.
    pub fn python_type(self, template: bool) -> u8 {
        let string_base = if template { 62 } else { 59 };
        match self {
            Tok::EndMarker => 0,
            Tok::Number => 2,
            Tok::String | Tok::StringOpen => 3,
            Tok::Newline => 4,
            Tok::Indent => 5,
            Tok::Dedent => 6,
            Tok::LPar | Tok::WithLPar => 7,
            Tok::RPar => 8,
            Tok::LSqb => 9,
            Tok::RSqb => 10,
            Tok::Colon => 11,
            Tok::Comma => 12,
            Tok::Semi => 13,
            Tok::Plus => 14,
            Tok::Minus => 15,
            Tok::Star => 16,
            Tok::Slash => 17,
            Tok::VBar => 18,
            Tok::Amper => 19,
            Tok::Less => 20,
            Tok::Greater => 21,
            Tok::Equal => 22,
            Tok::Dot => 23,
            Tok::Percent => 24,
            Tok::LBrace => 25,
            Tok::RBrace => 26,
            Tok::EqEqual => 27,
            Tok::NotEqual => 28,
            Tok::LessEqual => 29,
            Tok::GreaterEqual => 30,
            Tok::Tilde => 31,
            Tok::Circumflex => 32,
            Tok::LeftShift => 33,
            Tok::RightShift => 34,
            Tok::DoubleStar => 35,
            Tok::PlusEqual => 36,
            Tok::MinEqual => 37,
            Tok::StarEqual => 38,
            Tok::SlashEqual => 39,
            Tok::PercentEqual => 40,
            Tok::AmperEqual => 41,
            Tok::VBarEqual => 42,
            Tok::CircumflexEqual => 43,
            Tok::LeftShiftEqual => 44,
            Tok::RightShiftEqual => 45,
            Tok::DoubleStarEqual => 46,
            Tok::DoubleSlash => 47,
            Tok::DoubleSlashEqual => 48,
            Tok::At => 49,
            Tok::AtEqual => 50,
            Tok::RArrow => 51,
            Tok::Ellipsis => 52,
            Tok::ColonEqual => 53,
            Tok::Exclamation => 54,
            Tok::Error | Tok::Backslash => OP,
            Tok::FStringStart => string_base,
            Tok::FStringMiddle => string_base + 1,
            Tok::FStringEnd => string_base + 2,
            Tok::Comment => 65,
            Tok::Nl => 66,
            _ => 1,
        }
    }
}

/// Cuts a source into tokens.
///
/// With `extra_tokens`, comments and line ends inside statements are tokens too and all operators have the type
/// `OP`: the stream that `tokenize.generate_tokens` gives. Without, each operator has its own type and only what
/// the parser sees is given.
pub fn tokenize(source: &str, extra_tokens: bool) -> Tokens<'_> {
    let normalized = normalize_newlines(source);
    let implicit_newline = !normalized.is_empty() && !normalized.ends_with('\n');
    let text = if implicit_newline { normalized + "\n" } else { normalized };
    let options = LexOptions { trivia: extra_tokens, ..LexOptions::default() };
    let lexed = lex(&text, options);
    let mut stream = Stream::new(source, &text, &lexed.lines, implicit_newline, extra_tokens);
    let mut tokens = Vec::with_capacity(lexed.tokens.len());
    let count = lexed.tokens.len() - usize::from(lexed.error.is_some());
    for (at, token) in lexed.tokens.iter().take(count).enumerate() {
        if extra_tokens && text.get(token.start as usize..token.end as usize) == Some("<>") {
            // The operator of PEP 401 is two for tools.
            let middle = token.start + 1;
            tokens.push(stream.info(Token { kind: Tok::Less, start: token.start, end: middle }, middle));
            tokens.push(stream.info(Token { kind: Tok::Greater, start: middle, end: token.end }, token.end));
            continue;
        }
        let next = lexed.tokens.get(at + 1).map_or(token.end, |next| next.start);
        tokens.push(stream.info(*token, next));
    }
    let error = lexed.error.as_deref().map(|error| stream.error(error, &lexed));
    Tokens { tokens, error }
}

struct Stream<'s, 't> {
    source: &'s str,
    text: &'t str,
    lines: &'t LineIndex,
    implicit_newline: bool,
    extra_tokens: bool,
    /// For each line, how many `\r\n` precede it; empty if there are none at all.
    carriage_returns: Vec<u32>,
    /// The last column computed: line, bytes, characters.
    column: (u32, u32, u32),
    /// The kinds (t-string or not) of the open formatted strings.
    templates: Vec<bool>,
}

impl<'s, 't> Stream<'s, 't> {
    fn new(source: &'s str, text: &'t str, lines: &'t LineIndex, implicit_newline: bool, extra_tokens: bool) -> Self {
        let mut carriage_returns = Vec::new();
        if source.contains("\r\n") {
            let bytes = source.as_bytes();
            let mut count = 0;
            carriage_returns.push(0);
            for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
                match (bytes.get(at), bytes.get(at + 1)) {
                    (Some(b'\r'), Some(b'\n')) => count += 1,
                    _ => carriage_returns.push(count),
                }
            }
        }
        Stream {
            source,
            text,
            lines,
            implicit_newline,
            extra_tokens,
            carriage_returns,
            column: (1, 0, 0),
            templates: Vec::new(),
        }
    }

    /// The offset in the given source of an offset in the normalised text.
    fn original(&self, offset: u32) -> usize {
        if self.carriage_returns.is_empty() {
            return (offset as usize).min(self.source.len());
        }
        let line = self.lines.location(offset).line;
        let shift = self.carriage_returns.get(line as usize - 1).copied().unwrap_or(0);
        ((offset + shift) as usize).min(self.source.len())
    }

    /// The location of an offset with its column in characters.
    fn location(&mut self, offset: u32) -> Location {
        let Location { line, column } = self.lines.location(offset);
        let (known_line, bytes, characters) = self.column;
        let (from, before) = if known_line == line && bytes <= column { (bytes, characters) } else { (0, 0) };
        let start = self.lines.line_start(line).unwrap_or(0);
        let between = self.text.get((start + from) as usize..(start + column) as usize).unwrap_or_default();
        let characters = before + between.chars().count() as u32;
        self.column = (line, column, characters);
        Location { line, column: characters }
    }

    /// The physical lines from one to another.
    fn line_text(&self, first: u32, last: u32) -> &'s str {
        let start = self.lines.line_start(first).map_or(self.source.len(), |start| self.original(start));
        let end = self.lines.line_start(last + 1).map_or(self.source.len(), |start| self.original(start));
        self.source.get(start..end).unwrap_or_default()
    }

    fn info(&mut self, token: Token, next: u32) -> TokenInfo<'s> {
        if token.kind == Tok::FStringStart {
            let prefix = self.text.get(token.start as usize..token.end as usize).unwrap_or_default();
            self.templates.push(prefix.contains(['t', 'T']));
        }
        let template = self.templates.last().copied().unwrap_or(false);
        if token.kind == Tok::FStringEnd {
            self.templates.pop();
        }
        let mut kind = token.kind.python_type(template);
        if !self.extra_tokens && matches!(token.kind, Tok::Indent | Tok::Dedent | Tok::EndMarker) {
            // What the layout implies has no text for the parser, and no column.
            let at = (token.end as usize).min(self.text.len());
            let at_end = at == self.text.len();
            let line =
                if at_end { self.text.matches('\n').count() as u32 } else { self.lines.location(at as u32).line };
            let place = Location { line, column: NO_COLUMN };
            return TokenInfo { kind, text: "", start: place, end: place, line: self.line_text(line, line) };
        }
        if self.extra_tokens && (7..OP).contains(&kind) {
            kind = OP;
        }
        let at_end = token.start as usize >= self.text.len();
        if matches!(token.kind, Tok::EndMarker | Tok::Dedent) && at_end {
            let line = self.text.matches('\n').count() as u32 + 1;
            let place = Location { line, column: 0 };
            return TokenInfo { kind, text: "", start: place, end: place, line: "" };
        }
        let mut end_offset = token.end;
        if token.kind == Tok::FStringMiddle && next > 0 {
            // Of a doubled brace the second is no part of the token.
            let text = self.text.get(token.start as usize..token.end as usize).unwrap_or_default();
            end_offset -= u32::from(text.ends_with("{{") || text.ends_with("}}"));
        }
        let start = self.location(token.start);
        if matches!(token.kind, Tok::Newline | Tok::Nl) {
            let is_implicit = self.implicit_newline && token.end as usize == self.text.len();
            let from = self.original(token.end - 1);
            let rest = self.source.get(from..).unwrap_or_default();
            let text = match rest {
                _ if is_implicit => "",
                _ if token.kind == Tok::Newline && !self.extra_tokens => "",
                _ if rest.starts_with("\r\n") => rest.get(..2).unwrap_or_default(),
                _ => rest.get(..1).unwrap_or_default(),
            };
            let start = if self.extra_tokens { self.location(token.end - 1) } else { start };
            let width = if !self.extra_tokens {
                0
            } else if text.len() == 2 {
                2
            } else {
                1
            };
            let end = Location { line: start.line, column: start.column + width };
            return TokenInfo { kind, text, start, end, line: self.line_text(start.line, start.line) };
        }
        let end = self.location(end_offset);
        let text = self.source.get(self.original(token.start)..self.original(end_offset)).unwrap_or_default();
        TokenInfo { kind, text, start, end, line: self.line_text(start.line, end.line) }
    }

    fn error(&self, error: &Diagnostic, lexed: &Lexed) -> SyntaxError {
        let mut found = error.clone().finish(self.text, self.lines);
        if lexed.unclosed || found.msg.starts_with("unexpected EOF") {
            let last = self.text.matches('\n').count().max(1) as i32;
            found.msg = "unexpected EOF in multi-line statement".into();
            found.lineno = last;
            found.offset = 0;
            found.end_lineno = last;
            found.end_offset = 0;
            found.text = Some(self.line_text(last as u32, last as u32).to_string());
        }
        found
    }
}
