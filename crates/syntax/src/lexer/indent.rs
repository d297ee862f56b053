//! Indentation: the start of each logical line.

use super::{Lexer, Stop};
use crate::error::{Diagnostic, SyntaxErrorKind};
use crate::token::Tok;

/// The deepest indentation, the outermost level included.
const MAX_INDENT: usize = 100;

/// The width of the space before a line, measured with tabs to multiples of 8 and with tabs of 1: where the two
/// disagree about what is deeper, tabs and spaces are mixed inconsistently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Column {
    wide: u32,
    narrow: u32,
}

impl Lexer<'_> {
    /// Reads the space before a logical line, skipping lines with nothing but space or a comment, and emits the
    /// indents and dedents it means.
    pub(super) fn indentation(&mut self) -> Result<(), Stop> {
        let mut at = self.lex.span().end;
        let mut column = Column::default();
        let mut continued: Option<Column> = None;
        loop {
            match self.byte(at) {
                Some(b' ') => column = Column { wide: column.wide + 1, narrow: column.narrow + 1 },
                Some(b'\t') => column = Column { wide: (column.wide / 8 + 1) * 8, narrow: column.narrow + 1 },
                Some(b'\x0c') => column = Column::default(),
                Some(b'\n') => {
                    if self.options.trivia {
                        self.push(Tok::Nl, at, at + 1);
                    }
                    column = Column::default();
                    continued = None;
                }
                Some(b'#') => {
                    let rest = self.source.as_bytes().get(at..).unwrap_or_default();
                    let end = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    self.comment(at, end);
                    at = end;
                    column = Column::default();
                    continue;
                }
                Some(b'\\') => {
                    // Indentation is that of the first of the joined lines that has any.
                    let here = Column { wide: column.wide, narrow: column.wide };
                    continued = continued.filter(|first| first.wide != 0).or(Some(here));
                    self.go_to(at + 1);
                    self.continuation()?;
                    at = self.lex.span().end;
                    continue;
                }
                _ => break,
            }
            at += 1;
        }
        self.go_to(at);
        let column = continued.filter(|first| first.wide != 0).unwrap_or(column);
        // Where the source just ends all blocks are closed; space before its end is indentation all the same.
        if at >= self.source.len() && column.wide == 0 {
            return Ok(());
        }
        self.ends_in_space = at >= self.source.len();
        self.indent_to(at, column)
    }

    fn indent_to(&mut self, at: usize, column: Column) -> Result<(), Stop> {
        let current = self.indents.last().copied().unwrap_or_default();
        if column.wide == current.wide {
            return if column.narrow == current.narrow { Ok(()) } else { Err(self.tab_error(at)) };
        }
        let line = self.lines.line_start(self.line_of(at)).unwrap_or(0) as usize;
        if column.wide > current.wide {
            if self.indents.len() >= MAX_INDENT {
                return Err(self.layout_error(at, SyntaxErrorKind::Indentation, "too many levels of indentation"));
            }
            if column.narrow <= current.narrow {
                return Err(self.tab_error(at));
            }
            self.indents.push(column);
            self.push(Tok::Indent, line, at);
            return Ok(());
        }
        while self.indents.last().is_some_and(|outer| column.wide < outer.wide) {
            self.indents.pop();
            self.push(Tok::Dedent, at, at);
        }
        let outer = self.indents.last().copied().unwrap_or_default();
        if column.wide != outer.wide {
            return Err(self.dedent_error(at));
        }
        if column.narrow != outer.narrow {
            return Err(self.tab_error(at));
        }
        Ok(())
    }

    fn tab_error(&self, at: usize) -> Stop {
        self.layout_error(at, SyntaxErrorKind::Tab, "inconsistent use of tabs and spaces in indentation")
    }

    fn layout_error(&self, at: usize, kind: SyntaxErrorKind, msg: &str) -> Stop {
        let line = self.line_of(at) as i32;
        Box::new(Diagnostic {
            kind,
            msg: msg.into(),
            lineno: line,
            offset: 1,
            end_lineno: line,
            end_offset: 0,
            text_line: line,
            whole_line: true,
            end_in_bytes: false,
        })
    }

    fn dedent_error(&mut self, at: usize) -> Stop {
        // The dedents of a line whose depth fits nowhere are never seen.
        while self.tokens.last().is_some_and(|token| token.kind == Tok::Dedent && token.start as usize == at) {
            self.tokens.pop();
        }
        let rest = self.source.as_bytes().get(at..).unwrap_or_default();
        let end = at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let msg = "unindent does not match any outer indentation level";
        let mut error = self.layout_error(at, SyntaxErrorKind::Indentation, msg);
        error.offset = self.characters_before(end) + i32::from(end < self.source.len());
        error.end_offset = -1;
        error
    }
}
