//! The token pass that decides what one token of lookahead cannot: whether `match`, `case` and `type` are keywords,
//! whether the parenthesis after `with` encloses several items,
//! and which of `<>` and `!=` is an operator.

use crate::token::{Tok, Token};

pub(super) fn mark_soft_keywords(source: &str, tokens: &mut [Token], flufl: bool) {
    // For each open block: whether it is the body of a `match` statement.
    let mut blocks = vec![false];
    let mut match_is_next = false;
    let mut previous = Tok::Newline;
    let mut flufl = flufl;
    for at in 0..tokens.len() {
        let Some(&token) = tokens.get(at) else { break };
        let line_start = matches!(
            previous,
            Tok::Newline | Tok::Indent | Tok::Dedent | Tok::StartExec | Tok::StartSingle | Tok::StartEval
        );
        match token.kind {
            Tok::Indent => {
                blocks.push(match_is_next);
                match_is_next = false;
            }
            Tok::Dedent => {
                blocks.pop();
            }
            Tok::Newline => {}
            Tok::Name if line_start || matches!(previous, Tok::Semi | Tok::Colon) => {
                let kind = match source.get(token.start as usize..token.end as usize) {
                    Some("match") if line_start && is_match(tokens, at) => Tok::Match,
                    Some("case") if line_start && blocks.last() == Some(&true) => Tok::Case,
                    Some("type") if is_type(tokens, at) => Tok::Type,
                    _ => Tok::Name,
                };
                match_is_next = kind == Tok::Match || match_is_next && !line_start;
                if let Some(token) = tokens.get_mut(at) {
                    token.kind = kind;
                }
            }
            Tok::Name
                if matches!(previous, Tok::Import | Tok::Comma | Tok::LPar)
                    && source.get(token.start as usize..token.end as usize) == Some("barry_as_FLUFL") =>
            {
                flufl |= is_future_import(source, tokens, at);
            }
            Tok::LPar if previous == Tok::With && encloses_with_items(tokens, at) => {
                if let Some(token) = tokens.get_mut(at) {
                    token.kind = Tok::WithLPar;
                }
            }
            Tok::NotEqual if source.as_bytes().get(token.start as usize) == Some(if flufl { &b'!' } else { &b'<' }) => {
                if let Some(token) = tokens.get_mut(at) {
                    token.kind = Tok::Error;
                }
            }
            _ if line_start => match_is_next = false,
            _ => {}
        }
        previous = token.kind;
    }
}

/// Whether the name at `at` is imported from `__future__`.
fn is_future_import(source: &str, tokens: &[Token], at: usize) -> bool {
    let before = tokens.get(..at).unwrap_or_default();
    let line = before.iter().rposition(|token| token.kind == Tok::From).unwrap_or(at);
    let module = tokens.get(line + 1).and_then(|token| source.get(token.start as usize..token.end as usize));
    let between = tokens.get(line..at).unwrap_or_default();
    module == Some("__future__") && !between.iter().any(|token| matches!(token.kind, Tok::Newline | Tok::Semi))
}

fn kind(tokens: &[Token], at: usize) -> Tok {
    tokens.get(at).map_or(Tok::EndMarker, |token| token.kind)
}

/// `match` begins a match statement if its logical line ends in a colon and an indented block follows: no statement
/// that begins with a name does that.
fn is_match(tokens: &[Token], at: usize) -> bool {
    if matches!(kind(tokens, at + 1), Tok::Colon | Tok::Newline | Tok::Dot | Tok::Equal | Tok::Comma) {
        return false;
    }
    let rest = tokens.get(at..).unwrap_or_default();
    let Some(length) = rest.iter().position(|token| matches!(token.kind, Tok::Newline | Tok::EndMarker | Tok::Error))
    else {
        return false;
    };
    kind(tokens, at + length - 1) == Tok::Colon && kind(tokens, at + length + 1) == Tok::Indent
}

/// `type` begins an alias if a name follows: two names in a row are nothing else.
fn is_type(tokens: &[Token], at: usize) -> bool {
    kind(tokens, at + 1) == Tok::Name && matches!(kind(tokens, at + 2), Tok::Equal | Tok::LSqb)
}

/// Whether the bracket at `at` is closed right before the colon of its `with` statement and holds a list of items,
/// not one expression of its own kind (a generator, a `yield`, an assignment expression, a starred tuple, `()`).
fn encloses_with_items(tokens: &[Token], at: usize) -> bool {
    let mut depth = 0usize;
    let mut has_as = false;
    let mut is_expression = matches!(kind(tokens, at + 1), Tok::RPar | Tok::Yield);
    let mut previous = Tok::LPar;
    for (offset, token) in tokens.get(at..).unwrap_or_default().iter().enumerate() {
        match token.kind {
            Tok::LPar | Tok::LSqb | Tok::LBrace => depth += 1,
            Tok::RPar | Tok::RSqb | Tok::RBrace => {
                depth -= 1;
                if depth == 0 {
                    let followed = kind(tokens, at + offset + 1) == Tok::Colon;
                    return followed && (has_as || !is_expression);
                }
            }
            Tok::As if depth == 1 => has_as = true,
            Tok::For | Tok::ColonEqual if depth == 1 => is_expression = true,
            Tok::Star if depth == 1 && matches!(previous, Tok::LPar | Tok::Comma) => is_expression = true,
            Tok::Newline | Tok::EndMarker | Tok::Error => return false,
            _ => {}
        }
        previous = token.kind;
    }
    false
}

/// In the tokens of a single statement: the line end of a simple one. `None` for compound statements.
pub(super) fn end_of_simple_line(tokens: &[Token]) -> Option<usize> {
    let is_compound = matches!(
        kind(tokens, 1),
        Tok::If
            | Tok::While
            | Tok::For
            | Tok::Try
            | Tok::With
            | Tok::Def
            | Tok::Class
            | Tok::Async
            | Tok::At
            | Tok::Match
            | Tok::Indent
    );
    if is_compound { None } else { tokens.iter().position(|token| token.kind == Tok::Newline) }
}
