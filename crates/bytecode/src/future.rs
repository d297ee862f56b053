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

/// The error for a future statement that comes too late.
pub(crate) const LATE: &str = "from __future__ imports must occur at the beginning of the file";

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
    let mut done = false;
    let mut previous = 0;
    for stmt in body {
        let line = lines.location(stmt.span.start).line;
        if done && line > previous {
            break;
        }
        previous = line;
        let names = match stmt.kind {
            StmtKind::ImportFrom { module: Some("__future__"), names, level } if level.unwrap_or(0) == 0 => names,
            _ => {
                // A docstring may come first.
                let is_first = std::ptr::eq(stmt, &body[0]);
                done |= !(is_first && docstring(body).is_some());
                continue;
            }
        };
        if done {
            return Err(error_at(lines, stmt.span, LATE));
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
        future.last_line = line;
    }
    Ok(future)
}
