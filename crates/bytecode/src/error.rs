//! Making syntax errors and warnings from spans.

use cinder_syntax::ast::{LineIndex, Span};
use cinder_syntax::{SyntaxError, SyntaxErrorKind, Warning, WarningKind};

/// A SyntaxError at `span`. Columns count bytes, as they do in the errors of CPython's compiler.
pub(crate) fn error_at(lines: &LineIndex, span: Span, msg: impl Into<String>) -> SyntaxError {
    let position = lines.position(span);
    SyntaxError {
        kind: SyntaxErrorKind::Syntax,
        msg: msg.into(),
        lineno: position.start.line as i32,
        offset: position.start.column as i32 + 1,
        end_lineno: position.end.line as i32,
        end_offset: position.end.column as i32 + 1,
        text: None,
        last_statement: None,
        warnings: Vec::new(),
    }
}

/// A SyntaxWarning at `span`.
pub(crate) fn warning_at(lines: &LineIndex, span: Span, msg: impl Into<String>) -> Warning {
    Warning { kind: WarningKind::Syntax, msg: msg.into(), lineno: lines.location(span.start).line, span }
}
