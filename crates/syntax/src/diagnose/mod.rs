//! What is wrong with a source that does not parse.

use crate::ParseOptions;
use crate::ast::Span;
use crate::error::{Diagnostic, SyntaxError, SyntaxErrorKind};
use crate::lexer::Lexed;
use crate::parser::Failure;
use crate::token::Tok;

/// The error that Python would report.
pub(crate) fn diagnose(source: &str, lexed: &Lexed, _options: &ParseOptions, failure: Failure) -> SyntaxError {
    let found = match (&lexed.error, failure) {
        (_, Failure::TooDeep) => {
            let msg = "too complex".to_string();
            Diagnostic::over(source, &lexed.lines, Span::default(), SyntaxErrorKind::TooDeep, msg)
        }
        (Some(error), _) => (**error).clone(),
        (None, Failure::Refused(error)) => *error,
        (None, Failure::Unexpected(at)) => {
            let token = lexed.tokens.get(at).copied();
            let span = token.map_or(Span::default(), |token| Span::new(token.start, token.end));
            let (kind, msg) = match token.map(|token| token.kind) {
                Some(Tok::Indent) => (SyntaxErrorKind::Indentation, "unexpected indent"),
                Some(Tok::Dedent) => (SyntaxErrorKind::Indentation, "unexpected unindent"),
                _ => (SyntaxErrorKind::Syntax, "invalid syntax"),
            };
            Diagnostic::over(source, &lexed.lines, span, kind, msg.to_string())
        }
    };
    found.finish(source, &lexed.lines)
}
