//! What is wrong with a source that does not parse.
//!
//! The tables of the parser only say which token fits nowhere. Here a recogniser goes over the same tokens top-down
//! and in Python's order of alternatives: first plainly, to learn how far one can get, then once more with the
//! rules that describe common mistakes. The first of those that matches gives message and position.

mod arguments;
mod atoms;
mod compound;
mod expressions;
mod patterns;
mod recogniser;
mod statements;
mod targets;

use crate::ast::{Location, Span};
use crate::error::{Diagnostic, SyntaxError, SyntaxErrorKind};
use crate::lexer::Lexed;
use crate::parser::Failure;
use crate::token::Tok;
use crate::{Mode, ParseOptions};
use recogniser::{Recogniser, Res, Stop};

/// Enough native stack for the nesting that the recogniser allows.
const STACK: usize = 64 << 20;

/// The error that Python would report.
pub(crate) fn diagnose(source: &str, lexed: &Lexed, options: &ParseOptions, failure: Failure) -> SyntaxError {
    let found = std::thread::scope(|scope| {
        let work = || {
            let mut last = Location { line: 0, column: 0 };
            let found = find(source, lexed, options, &failure, &mut last);
            (found, last)
        };
        match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
            Ok(handle) => handle.join().ok(),
            Err(_) => None,
        }
    });
    let (found, last) = found.unwrap_or_else(|| (plain(source, lexed, &failure), Location { line: 0, column: 0 }));
    let mut error = found.finish(source, &lexed.lines);
    if !matches!(failure, Failure::SecondStatement(_)) && error.kind != SyntaxErrorKind::IncompleteInput {
        error.last_statement = Some(last);
    }
    error
}

/// The error without a search for its cause.
fn plain(source: &str, lexed: &Lexed, failure: &Failure) -> Diagnostic {
    let (at, kind, msg) = match failure {
        Failure::Refused(error) | Failure::Literal(error) => return (**error).clone(),
        Failure::TooDeep => (0, SyntaxErrorKind::TooDeep, "too many nested expressions or statements".to_string()),
        Failure::Unexpected(at) => (*at, SyntaxErrorKind::Syntax, "invalid syntax".to_string()),
        Failure::TooNew(at, msg) => (*at, SyntaxErrorKind::Syntax, msg.clone()),
        Failure::SecondStatement(at) => {
            let msg = "multiple statements found while compiling a single statement";
            (*at, SyntaxErrorKind::Syntax, msg.to_string())
        }
    };
    let token = lexed.tokens.get(at);
    let span = token.map_or(Span::default(), |token| Span::new(token.start, token.end));
    Diagnostic::over(source, &lexed.lines, span, kind, msg)
}

/// Finds the error; `last_statement` becomes the place of the last complete compound statement.
fn find(
    source: &str,
    lexed: &Lexed,
    options: &ParseOptions,
    failure: &Failure,
    last_statement: &mut Location,
) -> Diagnostic {
    if let Failure::TooDeep | Failure::Literal(_) | Failure::SecondStatement(_) = failure {
        let mut found = plain(source, lexed, failure);
        found.whole_line = found.end_lineno == found.lineno;
        return found;
    }
    if let Failure::TooNew(at, msg) = failure {
        let at = (*at).min(lexed.tokens.len().saturating_sub(1)) as u32;
        return Recogniser::new(source, lexed).at_token(at, SyntaxErrorKind::Syntax, msg.clone());
    }
    let at = match failure {
        Failure::Unexpected(at) => Some(*at),
        _ => None,
    };
    let last = lexed.tokens.len().saturating_sub(1);
    let mut recogniser = Recogniser::new(source, lexed);
    let refused = match failure {
        // What was refused is found on the way to it, whatever stands behind.
        Failure::Refused(error) => {
            lexed.tokens.iter().position(|token| lexed.lines.location(token.start).line as i32 >= error.lineno)
        }
        _ => None,
    };
    let start = start_of_search(lexed, at.or(refused).unwrap_or(last));
    recogniser.note_statements_before(start);
    recogniser.restart(start, false);
    let first = run(&mut recogniser, options.mode);
    *last_statement = recogniser.last_statement;
    let passed = first.is_ok();
    // Where the recogniser takes what the tables do not, the tables know better.
    let furthest = if passed || recogniser.too_deep { at.unwrap_or(last) as u32 } else { recogniser.furthest };
    recogniser.furthest = furthest;
    let reached_end = furthest as usize >= last;
    if options.allow_incomplete_input {
        let stopped = reached_end && lexed.error.is_some();
        let seen = if stopped { lexed.stopped_at_end } else { recogniser.reaches_end(furthest) };
        if seen {
            return incomplete(source, lexed);
        }
    }
    if let (Some(error), true) = (lexed.error.as_deref(), reached_end) {
        return error.clone();
    }
    let mut found = raised(first);
    if found.is_none() {
        recogniser.restart(start, true);
        found = raised(run(&mut recogniser, options.mode));
        *last_statement = recogniser.last_statement;
    }
    if let (Some(error), true) = (lexed.error.as_deref(), recogniser.furthest as usize >= last) {
        return error.clone();
    }
    let is_specific = found.is_some();
    let mut found = found.unwrap_or_else(|| generic(&recogniser, furthest));
    // The text of a line that is read to its end comes without the line end.
    found.whole_line = recogniser.tokenised_until(recogniser.furthest).0 <= found.lineno;
    if !is_specific && found.kind == SyntaxErrorKind::Indentation {
        return found;
    }
    if let (Some(error), true) = (lexed.error.as_deref(), lexed.overriding) {
        return error.clone();
    }
    match lexed.open_bracket.as_deref() {
        // A bracket that is open since an earlier line is the likelier mistake.
        Some(error) if recogniser.tokenised_until(recogniser.furthest).0 > error.lineno => error.clone(),
        _ => found,
    }
}

fn run(recogniser: &mut Recogniser, mode: Mode) -> Res {
    match mode {
        Mode::Exec => recogniser.file(),
        Mode::Single => recogniser.single(),
        Mode::Eval => recogniser.eval_input(),
        Mode::FuncType => recogniser.func_type(),
    }
}

fn raised(result: Res) -> Option<Diagnostic> {
    match result {
        Err(Stop::Raise(found)) => Some(*found),
        _ => None,
    }
}

fn generic(recogniser: &Recogniser, at: u32) -> Diagnostic {
    let (kind, msg) = match recogniser.token(at).kind {
        Tok::Indent => (SyntaxErrorKind::Indentation, "unexpected indent"),
        Tok::Dedent => (SyntaxErrorKind::Indentation, "unexpected unindent"),
        _ => (SyntaxErrorKind::Syntax, "invalid syntax"),
    };
    let mut found = recogniser.at_token(at, kind, msg.to_string());
    let token = recogniser.token(at);
    if token.kind == Tok::EndMarker || token.kind == Tok::Newline && recogniser.is_end(token.start) {
        found.offset = 0;
        found.end_offset = 0;
    }
    if recogniser.source.is_empty() {
        found.lineno = 0;
        found.end_lineno = 0;
    }
    found
}

fn incomplete(source: &str, lexed: &Lexed) -> Diagnostic {
    let end = source.len() as u32;
    Diagnostic::over(
        source,
        &lexed.lines,
        Span::new(end, end),
        SyntaxErrorKind::IncompleteInput,
        "incomplete input".into(),
    )
}

/// The start of the outermost statement before the one with the error: what is further up has parsed.
fn start_of_search(lexed: &Lexed, at: usize) -> u32 {
    let mut depth = 0i32;
    let mut starts = [1u32, 1, 1];
    let mut previous = Tok::Newline;
    for (index, token) in lexed.tokens.iter().enumerate().take(at + 1).skip(1) {
        match token.kind {
            Tok::Indent => depth += 1,
            Tok::Dedent => depth -= 1,
            Tok::Else | Tok::Elif | Tok::Except | Tok::Finally => {}
            _ if depth == 0 && matches!(previous, Tok::Newline | Tok::Dedent) => {
                starts = [starts[1], starts[2], index as u32];
            }
            _ => {}
        }
        previous = token.kind;
    }
    starts[0]
}
