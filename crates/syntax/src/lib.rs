//! Python 3.14 front end: source text to tokens (logos) to a typed AST (lalrpop, typed-arena).
//!
//! ```
//! use cinder_syntax::ast::{Arena, ExprKind, Mod, StmtKind, dump};
//! use cinder_syntax::{ParseOptions, parse};
//!
//! let arena = Arena::new();
//! let parsed = parse("answer = 6 * 7\n", &ParseOptions::default(), &arena)?;
//!
//! // The tree mirrors Python's `ast` module.
//! let Mod::Module { body: [stmt], .. } = parsed.module else { panic!("one statement") };
//! let StmtKind::Assign { value, .. } = stmt.kind else { panic!("an assignment") };
//! assert!(matches!(value.kind, ExprKind::BinOp { .. }));
//! assert_eq!(parsed.lines.location(value.span.start).column, 9);
//! assert!(dump(parsed.module, None).starts_with("Module(body=[Assign(targets=[Name(id='answer', ctx=Store())]"));
//!
//! // Errors are those of CPython: message, position, line of text.
//! let error = parse("f(a b)\n", &ParseOptions::default(), &arena).unwrap_err();
//! assert_eq!(error.msg, "invalid syntax. Perhaps you forgot a comma?");
//! assert_eq!((error.lineno, error.offset, error.end_offset), (1, 3, 6));
//! # Ok::<(), Box<cinder_syntax::SyntaxError>>(())
//! ```
//!
//! The way of a source: [`detect_encoding`] tells how to decode it; the lexer cuts it into tokens, all at once; a
//! token pass decides which soft keywords are keywords; the LALR(1) tables of `grammar.lalrpop` drive the actions
//! that make the [`ast`]. A source that does not parse goes through a second, top-down recogniser whose only
//! purpose is to find CPython's message and position for the mistake. The same lexer makes the stream of the
//! `tokenize` module ([`tokenize()`]).
//!
//! The crate knows nothing of Python objects: constants are plain data. Nothing in it recurses natively as deep as
//! its input: the tables keep their own stack, the recogniser counts its depth, and a tree is never deeper than
//! [`ParseOptions::max_depth`].
#![forbid(unsafe_code)]

pub mod ast;
mod diagnose;
mod error;
mod lexer;
mod literal;
mod parser;
mod source;
mod token;
mod tokenize;
pub mod unicode;

pub use error::{SyntaxError, SyntaxErrorKind, Warning, WarningKind};
pub use source::{Encoding, EncodingError, declared_encoding, detect_encoding};
pub use token::{Tok, Token};
pub use tokenize::{NO_COLUMN, TokenInfo, Tokens, tokenize};

/// What a source is to be parsed as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A whole file: [`ast::Mod::Module`].
    #[default]
    Exec,
    /// One expression: [`ast::Mod::Expression`].
    Eval,
    /// One statement at a prompt: [`ast::Mod::Interactive`].
    Single,
    /// A signature type comment: [`ast::Mod::FunctionType`].
    FuncType,
}

/// How to parse.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    /// What the source is.
    pub mode: Mode,
    /// The minor version of the language (`ast.parse(feature_version=…)`): newer syntax is an error.
    pub feature_version: u8,
    /// Whether `# type:` comments become part of the tree.
    pub type_comments: bool,
    /// Whether an error at the end of the source is reported as [`SyntaxErrorKind::IncompleteInput`].
    pub allow_incomplete_input: bool,
    /// Whether the end of the source does not close indented blocks (`codeop`).
    pub dont_imply_dedent: bool,
    /// Whether `<>` replaces `!=` (`from __future__ import barry_as_FLUFL`).
    pub flufl: bool,
    /// The most digits a decimal integer literal may have; 0 for no limit.
    pub int_max_str_digits: u32,
    /// The greatest depth of the tree; deeper sources are errors of kind [`SyntaxErrorKind::TooDeep`].
    pub max_depth: u32,
}

impl Default for ParseOptions {
    fn default() -> Self {
        ParseOptions {
            mode: Mode::Exec,
            feature_version: 14,
            type_comments: false,
            allow_incomplete_input: false,
            dont_imply_dedent: false,
            flufl: false,
            int_max_str_digits: 4300,
            max_depth: 6000,
        }
    }
}

/// A parsed source.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The tree.
    pub module: ast::Mod<'a>,
    /// Turns the spans of the tree into lines and columns.
    pub lines: ast::LineIndex,
    /// The source that the spans refer to: newlines normalised, byte order mark removed.
    pub source: &'a str,
    /// The warnings of tokeniser and parser, in source order.
    pub warnings: Vec<Warning>,
}

/// Parses a source into a tree that lives in `arena`.
///
/// # Errors
/// The first error that Python would report, with its message and position.
pub fn parse<'a>(
    source: &str,
    options: &ParseOptions,
    arena: &'a ast::Arena<'a>,
) -> Result<Parsed<'a>, Box<SyntaxError>> {
    if memchr::memchr(0, source.as_bytes()).is_some() {
        return Err(Box::new(SyntaxError::null_bytes()));
    }
    if source.len() >= u32::MAX as usize / 2 {
        return Err(Box::new(SyntaxError::too_long()));
    }
    let text = source::normalize_newlines(source);
    let missing_newline = options.mode == Mode::Exec && !text.is_empty() && !text.ends_with('\n');
    let text = arena.text(&if missing_newline { text + "\n" } else { text });
    let lex_options = lexer::LexOptions {
        trivia: false,
        type_comments: options.type_comments,
        dont_imply_dedent: options.dont_imply_dedent,
        start: Some(parser::start_token(options.mode)),
    };
    let mut lexed = lexer::lex(text, lex_options);
    match parser::parse(text, &mut lexed, options, arena) {
        Ok(module) => Ok(Parsed { module, lines: lexed.lines, source: text, warnings: lexed.warnings }),
        Err(failure) => {
            let end = parser::end_of_failure(&failure);
            let mut error = diagnose::diagnose(text, &lexed, options, failure);
            error.warnings = warnings_before(text, &lexed, end, error.lineno);
            Err(Box::new(error))
        }
    }
}

/// The warnings about a source that does not parse: of what stands before token `end`, or else up to a line.
fn warnings_before(text: &str, lexed: &lexer::Lexed, end: Option<usize>, line: i32) -> Vec<Warning> {
    let Some(end) = end else {
        return lexed.warnings.iter().filter(|known| known.lineno as i32 <= line).cloned().collect();
    };
    let limit = lexed.tokens.get(end).map_or(text.len() as u32, |token| token.start);
    let mut found: Vec<Warning> = lexed.warnings.iter().filter(|known| known.span.start <= limit).cloned().collect();
    for token in lexed.tokens.iter().take(end).filter(|token| token.kind == Tok::String) {
        let literal = text.get(token.start as usize..token.end as usize).unwrap_or_default();
        let Some((offset, msg)) = literal::escape_warning(literal) else { continue };
        let at = token.start + offset as u32;
        // The parser has warned of the literals that it got to.
        if !found.iter().any(|known| known.span.start == at) {
            let (lineno, span) = (lexed.lines.location(at).line, ast::Span::new(at, at + 2));
            found.push(Warning { kind: WarningKind::Syntax, msg, lineno, span });
        }
    }
    found.sort_by_key(|warning| warning.span.start);
    found
}
