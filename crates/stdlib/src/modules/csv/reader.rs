//! Reading records.

use std::cell::{Cell, RefCell};

use cinder_pyobj::heap::Traverse;
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, StrBuilder};
use cinder_pyobj::types::{float, list};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::dialect::Dialect;
use super::{QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS, field_limit, raise};

/// Reads records from an iterable of lines.
#[derive(Traverse)]
#[pyclass(name = "reader", module = "_csv", flags(no_new))]
pub(crate) struct Reader {
    pub(super) lines: Obj,
    pub(super) dialect: Obj,
    #[traverse(skip)]
    pub(super) line_num: Cell<usize>,
    /// How many records were begun, by which a record notices that the iterator of lines began another.
    #[traverse(skip)]
    pub(super) begun: Cell<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    StartRecord,
    StartField,
    EscapedChar,
    AfterEscapedNewline,
    InField,
    InQuotedField,
    EscapeInQuotedField,
    QuoteInQuotedField,
    EatNewline,
}

/// A record being read.
struct Record<'a> {
    cx: &'a Ctx,
    d: &'a Dialect,
    state: State,
    field: StrBuilder,
    unquoted: bool,
    fields: RefCell<Vec<Obj>>,
}

/// The end of a line, as the state machine sees it.
const END: Option<u32> = None;

impl Record<'_> {
    fn add(&mut self, c: u32) -> PyResult<()> {
        let limit = field_limit();
        if self.field.len() as i64 >= limit {
            return Err(raise(self.cx, format!("field larger than field limit ({limit})")));
        }
        self.field.push(c);
        Ok(())
    }

    fn save(&mut self) -> PyResult<()> {
        let cx = self.cx;
        let q = self.d.quoting;
        let empty = self.field.is_empty();
        let text = std::mem::take(&mut self.field).finish();
        let v = if self.unquoted && empty && (q == QUOTE_NOTNULL || q == QUOTE_STRINGS) {
            Obj::none()
        } else if self.unquoted && !empty && (q == QUOTE_NONNUMERIC || q == QUOTE_STRINGS) {
            <float::Float as cinder_pyobj::native::PyClass>::type_object().as_obj().call1(cx, &text)?
        } else {
            text
        };
        self.fields.borrow_mut().push(v);
        Ok(())
    }

    /// Ends the field and the record at `c`.
    fn end_record(&mut self, c: Option<u32>) -> PyResult<()> {
        self.save()?;
        self.state = if c == END { State::StartRecord } else { State::EatNewline };
        Ok(())
    }

    fn step(&mut self, c: Option<u32>) -> PyResult<()> {
        let d = self.d;
        let newline = matches!(c, Some(10 | 13));
        let line_end = newline || c == END;
        let is_quote = c.is_some() && c == d.quotechar && d.quoting != QUOTE_NONE;
        let is_escape = c.is_some() && c == d.escapechar;
        let is_delimiter = c == Some(d.delimiter);
        if self.state == State::StartRecord {
            if c == END {
                return Ok(());
            }
            if newline {
                self.state = State::EatNewline;
                return Ok(());
            }
            self.state = State::StartField;
        }
        if self.state == State::AfterEscapedNewline {
            if c == END {
                return Ok(());
            }
            self.state = State::InField;
        }
        let code = c.unwrap_or(10);
        match self.state {
            State::StartField => {
                self.unquoted = true;
                if line_end {
                    self.end_record(c)?;
                } else if is_quote {
                    self.unquoted = false;
                    self.state = State::InQuotedField;
                } else if is_escape {
                    self.state = State::EscapedChar;
                } else if code == ' ' as u32 && d.skipinitialspace {
                } else if is_delimiter {
                    self.save()?;
                } else {
                    self.add(code)?;
                    self.state = State::InField;
                }
            }
            State::EscapedChar => {
                self.add(code)?;
                self.state = if newline { State::AfterEscapedNewline } else { State::InField };
            }
            State::InField => {
                if line_end {
                    self.end_record(c)?;
                } else if is_escape {
                    self.state = State::EscapedChar;
                } else if is_delimiter {
                    self.save()?;
                    self.state = State::StartField;
                } else {
                    self.add(code)?;
                }
            }
            State::InQuotedField => {
                if c == END {
                } else if is_escape {
                    self.state = State::EscapeInQuotedField;
                } else if is_quote {
                    self.state = if d.doublequote { State::QuoteInQuotedField } else { State::InField };
                } else {
                    self.add(code)?;
                }
            }
            State::EscapeInQuotedField => {
                self.add(code)?;
                self.state = State::InQuotedField;
            }
            State::QuoteInQuotedField => {
                if is_quote {
                    self.add(code)?;
                    self.state = State::InQuotedField;
                } else if is_delimiter {
                    self.save()?;
                    self.state = State::StartField;
                } else if line_end {
                    self.end_record(c)?;
                } else if !d.strict {
                    self.add(code)?;
                    self.state = State::InField;
                } else {
                    let ch = |c: u32| char::from_u32(c).unwrap_or('?');
                    return Err(raise(
                        self.cx,
                        format!("'{}' expected after '{}'", ch(d.delimiter), ch(d.quotechar.unwrap_or(0))),
                    ));
                }
            }
            State::EatNewline => {
                if c == END {
                    self.state = State::StartRecord;
                } else if !newline {
                    return Err(raise(
                        self.cx,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            }
            State::StartRecord | State::AfterEscapedNewline => {}
        }
        Ok(())
    }
}

#[pymethods]
impl Reader {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, Reader>) -> PyResult<Option<Obj>> {
        let Some(d) = this.dialect.downcast::<Dialect>() else { return Ok(None) };
        let mut r = Record {
            cx,
            d,
            state: State::StartRecord,
            field: StrBuilder::new(),
            unquoted: true,
            fields: RefCell::default(),
        };
        let begun = this.begun.get().wrapping_add(1);
        this.begun.set(begun);
        loop {
            let line = this.lines.next(cx)?;
            if this.begun.get() != begun {
                return Err(raise(cx, "iterator has already advanced the reader"));
            }
            let Some(line) = line else {
                if !r.field.is_empty() || r.state == State::InQuotedField {
                    if d.strict {
                        return Err(raise(cx, "unexpected end of data"));
                    }
                    r.save()?;
                    break;
                }
                return Ok(None);
            };
            let Some(s) = line.downcast::<Str>() else {
                return Err(raise(
                    cx,
                    format!(
                        "iterator should return strings, not {} (the file should be opened in text mode)",
                        line.type_of().name()
                    ),
                ));
            };
            this.line_num.set(this.line_num.get() + 1);
            for c in s.code_points() {
                r.step(Some(c))?;
            }
            r.step(END)?;
            if r.state == State::StartRecord {
                break;
            }
        }
        Ok(Some(list::new(r.fields.take())))
    }

    /// The dialect.
    #[pygetter(member)]
    fn dialect(&self) -> Obj {
        self.dialect.clone()
    }

    /// How many lines were read.
    #[pygetter(member)]
    fn line_num(&self) -> usize {
        self.line_num.get()
    }
}
