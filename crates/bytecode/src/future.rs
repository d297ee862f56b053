//! `from __future__ import …` and docstrings.

use crate::code::flags;
use crate::error::error_at;
use cinder_syntax::SyntaxError;
use cinder_syntax::ast::*;

/// The docstring of a body: its first statement, if that is a string literal.
pub(crate) fn docstring<'a>(body: &'a [&'a Stmt<'a>]) -> Option<StrValue<'a>> {
    let StmtKind::Expr { value } = body.first()?.kind else { return None };
    match value.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => Some(text),
        _ => None,
    }
}

/// What the future statements of a module ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Future {
    /// Bits of [`flags`].
    pub flags: u32,
    /// Line of the last one; 0 if there is none.
    pub last_line: u32,
}

/// Reads the future statements at the start of a module.
///
/// # Errors
/// SyntaxError for a feature that does not exist.
pub fn future_features(module: &Mod<'_>, lines: &LineIndex) -> Result<Future, SyntaxError> {
    let (Mod::Module { body, .. } | Mod::Interactive { body }) = *module else { return Ok(Future::default()) };
    let mut future = Future::default();
    let skip = usize::from(docstring(body).is_some());
    for stmt in &body[skip..] {
        let StmtKind::ImportFrom { module: Some("__future__"), names, level } = stmt.kind else { break };
        if level.unwrap_or(0) != 0 {
            break;
        }
        for alias in names {
            future.flags |= match alias.name {
                // What is part of the language by now changes nothing, not even the flags.
                "nested_scopes" | "generators" | "division" | "absolute_import" | "with_statement"
                | "print_function" | "unicode_literals" | "generator_stop" => 0,
                "barry_as_FLUFL" => flags::FUTURE_BARRY_AS_BDFL,
                "annotations" => flags::FUTURE_ANNOTATIONS,
                "braces" => return Err(error_at(lines, alias.span, "not a chance")),
                name => return Err(error_at(lines, alias.span, format!("future feature {name} is not defined"))),
            };
        }
        future.last_line = lines.location(stmt.span.start).line;
    }
    Ok(future)
}
