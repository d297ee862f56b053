//! The machinery of the recogniser: position, lookahead, memory, and the ways to raise an error.
//!
//! The recogniser tries the alternatives of a rule in order, as Python's own parser does, because which diagnostic
//! wins depends on that order. It builds no tree, only the few facts about expressions that messages need.

use crate::ast::{Location, Span};
use crate::error::{Diagnostic, SyntaxErrorKind};
use crate::lexer::Lexed;
use crate::token::{Tok, Token};

/// Why a rule gave no result.
#[derive(Debug)]
pub(super) enum Stop {
    /// It does not match here; another alternative may.
    Fail,
    /// A diagnostic was found: all is over.
    Raise(Box<Diagnostic>),
}

pub(super) type Res<T = Node> = Result<T, Stop>;

/// What is known of an expression (or any other matched construct).
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Its first token.
    pub l: u32,
    /// The token behind its last one.
    pub r: u32,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Attribute,
    Subscript,
    /// Elements: a range of the node pool.
    List(u32, u32),
    Tuple(u32, u32),
    /// The operand, in the node pool.
    Starred(u32),
    /// The left operand, in the node pool, and whether the first operator is `in`.
    Compare(u32, bool),
    /// Another kind of expression, by the name it has in messages.
    Other(&'static str),
    /// No expression.
    Nothing,
}

/// The rules whose results are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    Block,
    Expression,
    StarExpression,
    StarExpressions,
    NamedExpression,
    InvalidNamedExpression,
    Disjunction,
    Inversion,
    BitwiseOr,
    Sum,
    Factor,
    Primary,
    Atom,
    Lambda,
    StarTargets,
    StarTarget,
    TargetPrimary,
    Arguments,
    Strings,
    ForIfClauses,
    ClosedPattern,
    StarredExpression,
    SimpleStmt,
    Params,
}

/// The result of a rule at some token: what it matched, and the token behind.
#[derive(Clone, Copy, Debug)]
struct Memory {
    rule: Rule,
    invalid_rules: bool,
    result: Option<(Node, u32)>,
}

impl Rule {
    /// Whether a result found without the rules for mistakes is used with them too. Python's parser remembers
    /// these rules so, and which mistakes it reports depends on it.
    fn forgets_mode(self) -> bool {
        matches!(
            self,
            Rule::Block
                | Rule::Expression
                | Rule::StarExpression
                | Rule::Disjunction
                | Rule::Inversion
                | Rule::BitwiseOr
                | Rule::Sum
                | Rule::Factor
                | Rule::Primary
                | Rule::StarTarget
                | Rule::TargetPrimary
                | Rule::Arguments
                | Rule::Strings
                | Rule::ClosedPattern
                | Rule::SimpleStmt
                | Rule::InvalidNamedExpression
        )
    }
}

/// How deep rules may nest before the recogniser gives up.
const MAX_DEPTH: u32 = 12_000;

pub(super) struct Recogniser<'s> {
    pub source: &'s str,
    pub lexed: &'s Lexed,
    tokens: &'s [Token],
    /// The bracket depth after each token.
    levels: Vec<u16>,
    pub mark: u32,
    /// The last token looked at so far.
    pub furthest: u32,
    /// Whether the rules that only serve diagnostics are tried.
    pub invalid_rules: bool,
    pub pool: Vec<Node>,
    /// For each token, what is known of the rules tried there.
    memory: Vec<Vec<Memory>>,
    depth: u32,
    pub too_deep: bool,
    /// The start of the complete compound statement furthest down; line 0 if there is none.
    pub last_statement: Location,
}

impl<'s> Recogniser<'s> {
    pub fn new(source: &'s str, lexed: &'s Lexed) -> Self {
        let mut level = 0u16;
        let levels = lexed.tokens.iter().map(|token| {
            match token.kind {
                Tok::LPar | Tok::LSqb | Tok::LBrace | Tok::WithLPar => level += 1,
                Tok::RPar | Tok::RSqb | Tok::RBrace => level = level.saturating_sub(1),
                _ => {}
            }
            level
        });
        Recogniser {
            source,
            lexed,
            tokens: &lexed.tokens,
            levels: levels.collect(),
            mark: 0,
            furthest: 0,
            invalid_rules: false,
            pool: Vec::new(),
            memory: vec![Vec::new(); lexed.tokens.len()],
            depth: 0,
            too_deep: false,
            last_statement: Location { line: 0, column: 0 },
        }
    }

    /// Notes that a compound statement which starts at a token is complete. Functions do not count.
    pub fn note_statement(&mut self, start: u32) {
        let mut at = start;
        if self.token(start).kind == Tok::At {
            // A decorated function or class starts behind its decorators.
            let is_definition = |at: &u32| {
                matches!(self.token(*at).kind, Tok::Def | Tok::Class | Tok::Async)
                    && self.token(at.saturating_sub(1)).kind == Tok::Newline
            };
            at = (start + 1..self.mark).find(is_definition).unwrap_or(start);
        }
        let kind = self.token(at).kind;
        if kind == Tok::Def || kind == Tok::Async && self.token(at + 1).kind == Tok::Def {
            return;
        }
        let place = self.lexed.lines.location(self.token(at).start);
        if place.line >= self.last_statement.line {
            self.last_statement = place;
        }
    }

    /// Notes the compound statements before a token, which are all complete.
    pub fn note_statements_before(&mut self, end: u32) {
        for at in 1..end {
            let opens = matches!(
                self.token(at).kind,
                Tok::If | Tok::For | Tok::While | Tok::Try | Tok::With | Tok::Class | Tok::Async | Tok::Match
            );
            let before = self.token(at - 1).kind;
            if opens && (before.is_start() || matches!(before, Tok::Newline | Tok::Indent | Tok::Dedent)) {
                self.note_statement(at);
            }
        }
    }

    /// Starts over at a token.
    pub fn restart(&mut self, mark: u32, invalid_rules: bool) {
        self.mark = mark;
        self.invalid_rules = invalid_rules;
        self.memory.iter_mut().for_each(Vec::clear);
    }

    /// Forgets what was found out inside a complete statement, but for its blocks: a long source would fill the
    /// memory otherwise.
    pub fn forget(&mut self, from: u32) {
        let inside = self.memory.get_mut(from as usize..self.mark as usize).unwrap_or_default();
        for known in inside.iter_mut().filter(|known| !known.is_empty()) {
            known.retain(|entry| entry.rule == Rule::Block);
            known.shrink_to_fit();
        }
    }

    // Tokens

    pub fn token(&self, at: u32) -> Token {
        let last = self.tokens.last().copied().unwrap_or(Token { kind: Tok::EndMarker, start: 0, end: 0 });
        self.tokens.get(at as usize).copied().unwrap_or(last)
    }

    pub fn text(&self, at: u32) -> &'s str {
        let token = self.token(at);
        self.source.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The kind of a token: soft keywords are names here.
    fn kind_at(&self, at: u32) -> Tok {
        match self.token(at).kind {
            Tok::Match | Tok::Case | Tok::Type => Tok::Name,
            Tok::WithLPar => Tok::LPar,
            kind => kind,
        }
    }

    /// The kind of the next token, which counts as looked at.
    pub fn peek(&mut self) -> Tok {
        let last = self.tokens.len().saturating_sub(1) as u32;
        self.mark = self.mark.min(last);
        self.furthest = self.furthest.max(self.mark);
        self.kind_at(self.mark)
    }

    /// The bracket depth after the last matched token.
    pub fn level(&self) -> u16 {
        self.levels.get((self.mark as usize).saturating_sub(1)).copied().unwrap_or(0)
    }

    /// Matches one token and gives its index.
    pub fn t(&mut self, kind: Tok) -> Res<u32> {
        if self.peek() != kind {
            return Err(Stop::Fail);
        }
        self.mark += 1;
        Ok(self.mark - 1)
    }

    /// Matches one of some tokens.
    pub fn one_of(&mut self, kinds: &[Tok]) -> Res<u32> {
        let next = self.peek();
        if !kinds.contains(&next) {
            return Err(Stop::Fail);
        }
        self.mark += 1;
        Ok(self.mark - 1)
    }

    /// Matches a name with a given text.
    pub fn soft(&mut self, text: &str) -> Res<u32> {
        if self.peek() != Tok::Name || self.text(self.mark) != text {
            return Err(Stop::Fail);
        }
        self.mark += 1;
        Ok(self.mark - 1)
    }

    pub fn name(&mut self) -> Res {
        let at = self.t(Tok::Name)?;
        Ok(self.node(at, Kind::Name))
    }

    /// Matches a token, or raises that it is missing.
    pub fn forced(&mut self, kind: Tok, text: &str) -> Res<u32> {
        if self.peek() == kind {
            return self.t(kind);
        }
        let at = self.mark;
        self.raise_tokens(at, at, format!("expected '{text}'"))
    }

    // Combinators

    /// Runs a rule; where it does not match, the position is as before and the result is `None`.
    pub fn opt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Res<T>) -> Res<Option<T>> {
        let mark = self.mark;
        match rule(self) {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Fail) => {
                self.mark = mark;
                Ok(None)
            }
            Err(raise) => Err(raise),
        }
    }

    /// Whether a rule matches here; the position stays.
    pub fn ahead<T>(&mut self, rule: impl FnOnce(&mut Self) -> Res<T>) -> Res<bool> {
        let mark = self.mark;
        let found = self.opt(rule)?.is_some();
        self.mark = mark;
        Ok(found)
    }

    /// Fails unless the rule does not match here.
    pub fn not<T>(&mut self, rule: impl FnOnce(&mut Self) -> Res<T>) -> Res<()> {
        if self.ahead(rule)? { Err(Stop::Fail) } else { Ok(()) }
    }

    /// Fails unless the next token is one of some.
    pub fn next_is(&mut self, kinds: &[Tok]) -> Res<()> {
        if kinds.contains(&self.peek()) { Ok(()) } else { Err(Stop::Fail) }
    }

    pub fn next_is_not(&mut self, kinds: &[Tok]) -> Res<()> {
        if kinds.contains(&self.peek()) { Err(Stop::Fail) } else { Ok(()) }
    }

    /// Matches a rule as often as it does.
    pub fn many<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        let mut items = Vec::new();
        while let Some(item) = self.opt(&mut rule)? {
            items.push(item);
        }
        Ok(items)
    }

    pub fn many1<T>(&mut self, rule: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        let items = self.many(rule)?;
        if items.is_empty() { Err(Stop::Fail) } else { Ok(items) }
    }

    /// Items with commas between them, at least one.
    pub fn comma_list<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        let mut items = vec![rule(self)?];
        while let Some(item) = self.opt(|s| {
            s.t(Tok::Comma)?;
            rule(s)
        })? {
            items.push(item);
        }
        Ok(items)
    }

    /// The result of a rule at this position, computed once.
    pub fn memo(&mut self, rule: Rule, body: impl FnOnce(&mut Self) -> Res) -> Res {
        let at = (self.mark as usize).min(self.memory.len().saturating_sub(1));
        let invalid_rules = self.invalid_rules || rule.forgets_mode();
        let known = self.memory.get(at).into_iter().flatten();
        if let Some(entry) = known.rev().find(|entry| entry.rule == rule && entry.invalid_rules == invalid_rules) {
            let (node, mark) = entry.result.ok_or(Stop::Fail)?;
            self.mark = mark;
            return Ok(node);
        }
        if self.depth >= MAX_DEPTH {
            self.too_deep = true;
            return Err(Stop::Fail);
        }
        self.depth += 1;
        let result = body(self);
        self.depth -= 1;
        let found = match &result {
            Ok(node) => Some((*node, self.mark)),
            Err(Stop::Fail) => None,
            Err(Stop::Raise(_)) => return result,
        };
        if let Some(known) = self.memory.get_mut(at) {
            known.push(Memory { rule, invalid_rules, result: found });
        }
        result
    }

    // Nodes

    /// A node from a token to the last matched one.
    pub fn node(&self, l: u32, kind: Kind) -> Node {
        Node { l, r: self.mark, kind }
    }

    pub fn other(&self, l: u32, name: &'static str) -> Node {
        self.node(l, Kind::Other(name))
    }

    pub fn nothing(&self) -> Node {
        self.node(self.mark, Kind::Nothing)
    }

    pub fn pooled(&mut self, node: Node) -> u32 {
        self.pool.push(node);
        self.pool.len() as u32 - 1
    }

    pub fn pool_list(&mut self, nodes: Vec<Node>) -> (u32, u32) {
        let from = self.pool.len() as u32;
        self.pool.extend(nodes);
        (from, self.pool.len() as u32)
    }

    pub fn pool_node(&self, at: u32) -> Node {
        self.pool.get(at as usize).copied().unwrap_or(Node { l: 0, r: 0, kind: Kind::Nothing })
    }

    // Errors

    /// The bytes of the tokens `l..r`, layout at their end left out.
    pub fn span(&self, l: u32, r: u32) -> Span {
        let mut last = r.saturating_sub(1).max(l);
        while last > l && self.token(last).kind.is_layout() {
            last -= 1;
        }
        Span::new(self.token(l).start, self.token(last).end)
    }

    fn raise_span<T>(&self, span: Span, kind: SyntaxErrorKind, msg: String) -> Res<T> {
        let mut found = Diagnostic::over(self.source, &self.lexed.lines, span, kind, msg);
        // The end of a source without a last line end is no place of its own.
        if self.is_end(span.start) {
            found.offset = 0;
            found.end_offset = 0;
        }
        Err(Stop::Raise(Box::new(found)))
    }

    /// Whether an offset is that of the end of the source.
    pub fn is_end(&self, offset: u32) -> bool {
        offset as usize >= self.source.len()
    }

    /// Whether the end of the source is seen when a token has been read.
    pub fn reaches_end(&self, at: u32) -> bool {
        let token = self.token(at);
        let is_string = matches!(token.kind, Tok::String | Tok::FStringStart | Tok::FStringMiddle | Tok::FStringEnd);
        self.is_end(token.start) || !is_string && token.kind != Tok::Newline && self.is_end(token.end)
    }

    /// An error from one token to another.
    pub fn raise_tokens<T>(&self, first: u32, last: u32, msg: impl Into<String>) -> Res<T> {
        let mut span = Span::new(self.token(first).start, self.token(last).end.max(self.token(first).start));
        if self.token(last).kind == Tok::Error && self.text(last) == "<>" {
            // Where it is no operator it is two.
            span.end -= 1;
        }
        self.raise_span(span, SyntaxErrorKind::Syntax, msg.into())
    }

    pub fn raise_node<T>(&self, node: Node, msg: impl Into<String>) -> Res<T> {
        self.raise_span(self.span(node.l, node.r), SyntaxErrorKind::Syntax, msg.into())
    }

    /// An error from the start of one node to the end of another.
    pub fn raise_range<T>(&self, first: Node, last: Node, msg: impl Into<String>) -> Res<T> {
        let span = Span::new(self.span(first.l, first.r).start, self.span(last.l, last.r).end);
        self.raise_span(span, SyntaxErrorKind::Syntax, msg.into())
    }

    /// An error at the last token that was looked at.
    pub fn raise_last<T>(&self, kind: SyntaxErrorKind, msg: impl Into<String>) -> Res<T> {
        Err(Stop::Raise(Box::new(self.at_token(self.furthest, kind, msg.into()))))
    }

    pub fn raise_here<T>(&self, msg: impl Into<String>) -> Res<T> {
        self.raise_last(SyntaxErrorKind::Syntax, msg)
    }

    pub fn raise_indent<T>(&self, msg: impl Into<String>) -> Res<T> {
        self.raise_last(SyntaxErrorKind::Indentation, msg)
    }

    /// An error at the next token, which need not have been looked at.
    pub fn raise_next<T>(&self, msg: impl Into<String>) -> Res<T> {
        Err(Stop::Raise(Box::new(self.at_token(self.mark, SyntaxErrorKind::Syntax, msg.into()))))
    }

    /// An error from a token to the end of the last one that was looked at.
    pub fn raise_from<T>(&self, first: u32, msg: impl Into<String>) -> Res<T> {
        let mut found = self.at_token(first, SyntaxErrorKind::Syntax, msg.into());
        if self.is_end(self.token(first).start) {
            found.offset = 0;
        }
        let (line, column) = self.tokenised_until(self.furthest);
        found.end_lineno = line;
        found.end_offset = column;
        Err(Stop::Raise(Box::new(found)))
    }

    /// Line and column (from 0) up to which the source is read when a token has been.
    pub fn tokenised_until(&self, at: u32) -> (i32, i32) {
        let token = self.token(at);
        let lines = &self.lexed.lines;
        let at_end = token.start as usize >= self.source.len();
        let end = token.end.max(token.start) as usize;
        let line = if end > 0 && (token.kind == Tok::Newline || at_end) {
            lines.location(end as u32 - 1).line
        } else {
            lines.location(end as u32).line
        };
        let start = lines.line_start(line).unwrap_or(0) as usize;
        let column = self.source.get(start..end).map_or(0, |text| text.chars().count());
        (line as i32, column as i32)
    }

    /// An error at a token; tokens of layout have no text, so only a column is known.
    pub fn at_token(&self, at: u32, kind: SyntaxErrorKind, msg: String) -> Diagnostic {
        let token = self.token(at);
        let mut span = Span::new(token.start, token.end);
        if token.kind == Tok::Error && self.text(at) == "<>" {
            // Where it is no operator it is two.
            span.end -= 1;
        }
        let without_text = matches!(token.kind, Tok::Indent | Tok::Dedent | Tok::EndMarker) || self.is_end(token.start);
        if without_text {
            span = Span::new(token.end, token.end);
        }
        let mut found = Diagnostic::over(self.source, &self.lexed.lines, span, kind, msg);
        if without_text {
            let (line, column) = self.tokenised_until(at);
            found.lineno = line;
            found.text_line = line;
            found.end_lineno = line;
            found.offset = column;
            found.end_offset = -1;
        }
        found
    }
}

/// Tries an alternative: where it matches, the rule returns its result.
macro_rules! alt {
    ($s:ident, $body:expr) => {
        if let Some(found) = $s.opt(|$s| $body)? {
            return Ok(found);
        }
    };
}
pub(super) use alt;
