//! Syntax errors and warnings.

/// An error in a source, with what Python's `SyntaxError` carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{msg} (line {lineno})")]
pub struct SyntaxError {
    /// Which exception it is.
    pub kind: SyntaxErrorKind,
    /// The message.
    pub msg: String,
    /// The line, from 1.
    pub lineno: i32,
    /// The column in characters, from 1.
    pub offset: i32,
    /// The last line.
    pub end_lineno: i32,
    /// The column behind the last character, from 1; 0 or -1 where only a point is known.
    pub end_offset: i32,
    /// The text of the line, if there is one.
    pub text: Option<String>,
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

/// A warning about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its category.
    pub kind: WarningKind,
    /// The message.
    pub msg: String,
    /// The line, from 1.
    pub lineno: u32,
    /// Where it stands.
    pub span: crate::ast::Span,
}

/// The category of a [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// `SyntaxWarning`
    Syntax,
    /// `DeprecationWarning`
    Deprecation,
}
