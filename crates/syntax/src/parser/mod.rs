//! Tokens to tree.

pub(crate) mod builder;
mod chain;
mod expressions;
pub(crate) mod params;
mod patterns;
mod soft;
mod statements;
mod strings;
mod targets;
mod version;

use crate::ast::{Arena, Mod};
use crate::error::Diagnostic;
use crate::lexer::Lexed;
use crate::token::{Tok, Token};
use crate::{Mode, ParseOptions};
use builder::Builder;
use lalrpop_util::{ParseError, lalrpop_mod};

lalrpop_mod!(
    #[allow(clippy::all, missing_docs, unused, reason = "generated from the grammar")]
    grammar,
    "/parser/grammar.rs"
);

/// The minor version of the language described by the grammar.
const NEWEST: u8 = 14;

/// Why a source has no tree.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The token with this index fits nowhere.
    Unexpected(usize),
    /// An action refused what the tables accept.
    Refused(Box<Diagnostic>),
    /// A literal has no value, or a type comment no place: nothing else is to be looked for.
    Literal(Box<Diagnostic>),
    /// The tree would be deeper than allowed.
    TooDeep,
    /// What stands before the token with this index is newer than the version asked for.
    TooNew(usize, String),
    /// Behind the one statement that is wanted, which ends at the token with this index, comes more.
    SecondStatement(usize),
}

/// Parses tokens (the first of which says what to parse) into a tree; warnings go to `lexed`.
pub(crate) fn parse<'a>(
    source: &'a str,
    lexed: &mut Lexed,
    options: &ParseOptions,
    arena: &'a Arena<'a>,
) -> Result<Mod<'a>, Failure> {
    soft::mark_soft_keywords(source, &mut lexed.tokens, options.flufl);
    let mut rest_is_empty = true;
    let mut statement_end = 0;
    let mut behind = Vec::new();
    if options.mode == Mode::Single
        && let Some(end) = soft::end_of_simple_line(&lexed.tokens)
    {
        let rest = lexed.tokens.get(end).and_then(|token| source.get(token.end as usize..)).unwrap_or_default();
        rest_is_empty = rest.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#'));
        statement_end = end;
        behind = lexed.tokens.split_off(end + 1);
        let at = lexed.tokens.last().map_or(0, |token| token.end);
        lexed.tokens.push(Token { kind: Tok::EndMarker, start: at, end: at });
    }
    let mut builder = Builder::new(arena, source, &lexed.tokens, &lexed.lines, options);
    builder.set_comments(&lexed.comments);
    let stream = lexed.tokens.iter().zip(0u32..).map(|(token, at)| (at, token.kind, at + 1));
    let result = grammar::TopParser::new().parse(&mut builder, stream);
    let too_deep = builder.too_deep;
    let bad_literal = builder.bad_literal;
    let refused = builder.unused_type_comment();
    let warnings = std::mem::take(&mut builder.warnings);
    lexed.warnings.extend(warnings);
    lexed.warnings.sort_by_key(|warning| warning.span.start);
    if result.is_err() && !behind.is_empty() {
        lexed.tokens.pop();
        lexed.tokens.extend(behind);
    }
    match result {
        Ok(_) if too_deep => Err(Failure::TooDeep),
        Ok(_) if !rest_is_empty => Err(Failure::SecondStatement(statement_end)),
        Ok(module) => match refused {
            Some(error) => Err(Failure::Literal(error)),
            None if options.feature_version >= NEWEST => Ok(module),
            None => match version::first_too_new(module, source, &lexed.tokens, options.feature_version) {
                Some((at, msg)) => Err(Failure::TooNew(at, msg)),
                None => Ok(module),
            },
        },
        Err(ParseError::User { error }) if bad_literal => Err(Failure::Literal(error)),
        Err(ParseError::User { error }) => Err(Failure::Refused(error)),
        Err(ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token }) => {
            Err(Failure::Unexpected(token.0 as usize))
        }
        Err(ParseError::UnrecognizedEof { .. } | ParseError::InvalidToken { .. }) => {
            Err(Failure::Unexpected(lexed.tokens.len().saturating_sub(1)))
        }
    }
}

/// The number of tokens before a failure, where the tables stopped at one.
pub(crate) fn end_of_failure(failure: &Failure) -> Option<usize> {
    match *failure {
        Failure::Unexpected(at) | Failure::TooNew(at, _) | Failure::SecondStatement(at) => Some(at),
        Failure::Refused(_) | Failure::Literal(_) | Failure::TooDeep => None,
    }
}

/// The token that makes the tables parse a mode.
pub(crate) fn start_token(mode: Mode) -> Tok {
    match mode {
        Mode::Exec => Tok::StartExec,
        Mode::Eval => Tok::StartEval,
        Mode::Single => Tok::StartSingle,
        Mode::FuncType => Tok::StartFuncType,
    }
}
