//! Syntax errors and warnings.

use crate::ast::{LineIndex, Location, Span};

/// An error in a source, with what Python's `SyntaxError` carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{msg} (line {lineno})")]
pub struct SyntaxError {
    /// Which exception it is.
    pub kind: SyntaxErrorKind,
    /// The message.
    pub msg: String,
    /// The line, from 1; 0 if the error has no position.
    pub lineno: i32,
    /// The column in characters, from 1.
    pub offset: i32,
    /// The last line.
    pub end_lineno: i32,
    /// The column behind the last character, from 1; 0 or -1 where only a point is known.
    pub end_offset: i32,
    /// The text of the line, if there is one.
    pub text: Option<String>,
    /// Where the last complete compound statement before an error of the parser starts; line 0 if there is none.
    pub last_statement: Option<Location>,
    /// The warnings about what stands before the error.
    pub warnings: Vec<Warning>,
}

/// The exception that a [`SyntaxError`] becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyntaxErrorKind {
    /// `SyntaxError`
    Syntax,
    /// `IndentationError`
    Indentation,
    /// `TabError`
    Tab,
    /// `_IncompleteInputError`
    IncompleteInput,
    /// `MemoryError`: the tree would be too deep.
    TooDeep,
}

/// What warnings about escape sequences say, and errors do not.
pub(crate) const FUTURE_OF_ESCAPES: &str = " Such sequences will not work in the future.";

/// A warning about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its category.
    pub kind: WarningKind,
    /// The message.
    pub msg: String,
    /// The line, from 1.
    pub lineno: u32,
    /// Where it stands: two characters, or none where the tokeniser stopped behind the place.
    pub span: Span,
}

impl Warning {
    /// The error that the warning becomes where warnings are errors; `source` and `lines` are those of the
    /// [`crate::Parsed`] that it stands in.
    pub fn into_error(self, source: &str, lines: &LineIndex) -> SyntaxError {
        // What the warning says of the future does not hold of an error.
        let msg = self.msg.replace(FUTURE_OF_ESCAPES, "");
        let mut found = Diagnostic::over(source, lines, self.span, SyntaxErrorKind::Syntax, msg);
        if self.span.start == self.span.end {
            found.offset -= 1;
            found.end_offset -= 1;
            found.whole_line = false;
        }
        found.finish(source, lines)
    }
}

/// The category of a [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// `SyntaxWarning`
    Syntax,
    /// `DeprecationWarning`
    Deprecation,
}

/// An error before its line of text is looked up.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub kind: SyntaxErrorKind,
    pub msg: String,
    pub lineno: i32,
    pub offset: i32,
    pub end_lineno: i32,
    pub end_offset: i32,
    /// The line whose text is shown.
    pub text_line: i32,
    /// Whether the text includes its line end.
    pub whole_line: bool,
    /// Whether the end is a column in bytes, to be turned into characters by the shown line as Python does it.
    pub end_in_bytes: bool,
}

impl Diagnostic {
    /// An error over a range of bytes.
    pub fn over(source: &str, lines: &LineIndex, span: Span, kind: SyntaxErrorKind, msg: String) -> Self {
        // The line end itself belongs to the line that it ends.
        let is_newline = span.end > span.start && source.as_bytes().get(span.end as usize - 1) == Some(&b'\n');
        let (start, end) = (lines.location(span.start), lines.location(span.end - u32::from(is_newline)));
        let column = |offset: u32, line: u32| -> i32 {
            let from = lines.line_start(line).unwrap_or(0) as usize;
            source.get(from..offset as usize).map_or(0, |text| text.chars().count()) as i32 + 1
        };
        let spans_lines = end.line != start.line;
        Diagnostic {
            kind,
            msg,
            lineno: start.line as i32,
            offset: column(span.start, start.line),
            end_lineno: end.line as i32,
            end_offset: if spans_lines { end.column as i32 + 1 } else { column(span.end, end.line) },
            end_in_bytes: spans_lines,
            text_line: start.line as i32,
            whole_line: true,
        }
    }

    /// The error with its line of text.
    pub fn finish(self, source: &str, lines: &LineIndex) -> SyntaxError {
        let start = lines.line_start(self.text_line.max(1) as u32).unwrap_or(0) as usize;
        let rest = source.get(start..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest.as_bytes());
        let line = rest.get(..end.map_or(rest.len(), |end| end + usize::from(self.whole_line)));
        let mut end_offset = self.end_offset;
        if self.end_in_bytes
            && let Some(line) = line
        {
            let bytes = (end_offset.max(0) as usize).min(line.len() + 1);
            let prefix = line.char_indices().take_while(|(at, _)| *at < bytes).count();
            end_offset = prefix as i32 + i32::from(bytes > line.len());
        }
        SyntaxError {
            kind: self.kind,
            msg: self.msg,
            lineno: self.lineno,
            offset: self.offset,
            end_lineno: self.end_lineno,
            end_offset,
            text: line.map(String::from),
            last_statement: None,
            warnings: Vec::new(),
        }
    }
}

impl SyntaxError {
    /// The error for sources whose offsets do not fit a span.
    pub(crate) fn too_long() -> Self {
        SyntaxError {
            kind: SyntaxErrorKind::TooDeep,
            msg: "source code is too long".into(),
            ..SyntaxError::null_bytes()
        }
    }

    /// The error without a position for sources with null bytes.
    pub fn null_bytes() -> Self {
        Self::without_position("source code string cannot contain null bytes")
    }

    /// An error that has no position.
    pub fn without_position(msg: impl Into<String>) -> Self {
        SyntaxError {
            kind: SyntaxErrorKind::Syntax,
            msg: msg.into(),
            lineno: 0,
            offset: 0,
            end_lineno: 0,
            end_offset: 0,
            text: None,
            last_statement: None,
            warnings: Vec::new(),
        }
    }
}
