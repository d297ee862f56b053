//! Replacement fields: `str.format`, `str.format_map`, and the parsers that `_string` shows.

use super::{Str, StrBuilder, case};
use crate::ctx::{Ctx, PyResult};
use crate::native::Args;
use crate::types::exc;
use crate::value::Obj;

/// A piece of a format string: text, then perhaps a field. Ranges are in code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The literal text (doubled braces come as pieces of their own, single).
    pub literal: (usize, usize),
    /// The field that follows.
    pub field: Option<Field>,
}

/// A replacement field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field name.
    pub name: (usize, usize),
    /// The conversion character.
    pub conversion: Option<u32>,
    /// The format specification.
    pub spec: (usize, usize),
    /// Whether the specification holds fields itself.
    pub nested: bool,
}

/// Iterates over the pieces of a part of a format string.
pub struct Pieces<'a> {
    text: &'a Str,
    at: usize,
    end: usize,
}

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

impl<'a> Pieces<'a> {
    /// The pieces of all of `text`.
    pub fn new(text: &'a Str) -> Pieces<'a> {
        Pieces { text, at: 0, end: text.len() }
    }

    /// Where the next piece starts, in code points.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes on from a place that [`Pieces::position`] told.
    pub fn seek(&mut self, at: usize) {
        self.at = at.min(self.end);
    }

    fn peek(&self) -> Option<u32> {
        if self.at < self.end { self.text.get(self.at) } else { None }
    }

    fn take(&mut self) -> Option<u32> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// The next piece, nothing at the end.
    ///
    /// # Errors
    /// ValueError for text that is no format string.
    pub fn next(&mut self, cx: &Ctx) -> PyResult<Option<Piece>> {
        let start = self.at;
        while let Some(c) = self.take() {
            if c != OPEN && c != CLOSE {
                continue;
            }
            let text_end = self.at - 1;
            if self.peek() == Some(c) {
                // A doubled brace ends the literal with one of the two.
                self.at += 1;
                return Ok(Some(Piece { literal: (start, text_end + 1), field: None }));
            }
            if c == CLOSE {
                return Err(cx.value_error("Single '}' encountered in format string"));
            }
            if self.at >= self.end {
                return Err(cx.value_error("Single '{' encountered in format string"));
            }
            let field = self.field(cx)?;
            return Ok(Some(Piece { literal: (start, text_end), field: Some(field) }));
        }
        Ok(if start < self.end { Some(Piece { literal: (start, self.end), field: None }) } else { None })
    }

    fn field(&mut self, cx: &Ctx) -> PyResult<Field> {
        let start = self.at;
        let stop = loop {
            match self.take() {
                None => return Err(cx.value_error("expected '}' before end of string")),
                Some(OPEN) => return Err(cx.value_error("unexpected '{' in field name")),
                Some(c) if c == '[' as u32 => {
                    while self.peek().is_some_and(|c| c != ']' as u32) {
                        self.at += 1;
                    }
                }
                Some(c) if c == CLOSE || c == ':' as u32 || c == '!' as u32 => break c,
                Some(_) => {}
            }
        };
        let mut f = Field { name: (start, self.at - 1), conversion: None, spec: (0, 0), nested: false };
        if stop == CLOSE {
            return Ok(f);
        }
        if stop == '!' as u32 {
            f.conversion = match self.take() {
                None => return Err(cx.value_error("end of string while looking for conversion specifier")),
                c => c,
            };
            match self.take() {
                Some(CLOSE) => return Ok(f),
                Some(c) if c != ':' as u32 => {
                    return Err(cx.value_error("expected ':' after conversion specifier"));
                }
                _ => {}
            }
        }
        let spec = self.at;
        let mut depth = 1;
        while let Some(c) = self.take() {
            if c == OPEN {
                f.nested = true;
                depth += 1;
            } else if c == CLOSE {
                depth -= 1;
                if depth == 0 {
                    f.spec = (spec, self.at - 1);
                    return Ok(f);
                }
            }
        }
        Err(cx.value_error("unmatched '{' in format spec"))
    }
}

/// The first part of a field name.
#[derive(Clone, Debug)]
pub enum Key {
    /// An argument's position.
    Index(usize),
    /// An argument's name (empty for automatic numbering).
    Name((usize, usize)),
}

/// A later part of a field name.
#[derive(Clone, Debug)]
pub enum Access {
    /// `.name`
    Attr((usize, usize)),
    /// `[3]`
    Index(usize),
    /// `[key]`
    Key((usize, usize)),
}

/// Splits a field name at `.` and `[`.
pub struct FieldName<'a> {
    text: &'a Str,
    at: usize,
    end: usize,
}

impl<'a> FieldName<'a> {
    /// The first part of the name at `range`, and the rest.
    ///
    /// # Errors
    /// ValueError for an index with too many digits.
    pub fn new(cx: &Ctx, text: &'a Str, range: (usize, usize)) -> PyResult<(Key, FieldName<'a>)> {
        let (start, end) = range;
        let stop = |c: u32| c == '.' as u32 || c == '[' as u32;
        let at = (start..end).find(|&i| text.get(i).is_some_and(stop)).unwrap_or(end);
        let key = match index(cx, text, start, at)? {
            Some(i) => Key::Index(i),
            None => Key::Name((start, at)),
        };
        Ok((key, FieldName { text, at, end }))
    }

    /// The next part.
    ///
    /// # Errors
    /// ValueError for a malformed name.
    pub fn next(&mut self, cx: &Ctx) -> PyResult<Option<Access>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let c = self.text.get(self.at).unwrap_or(0);
        self.at += 1;
        let start = self.at;
        let get = |i: usize| self.text.get(i).unwrap_or(0);
        let access = if c == '.' as u32 {
            while self.at < self.end && get(self.at) != '.' as u32 && get(self.at) != '[' as u32 {
                self.at += 1;
            }
            Access::Attr((start, self.at))
        } else if c == '[' as u32 {
            while self.at < self.end && get(self.at) != ']' as u32 {
                self.at += 1;
            }
            if self.at >= self.end {
                return Err(cx.value_error("Missing ']' in format string"));
            }
            self.at += 1;
            match index(cx, self.text, start, self.at - 1)? {
                Some(i) => Access::Index(i),
                None => Access::Key((start, self.at - 1)),
            }
        } else {
            return Err(cx.value_error("Only '.' or '[' may follow ']' in format field specifier"));
        };
        if let Access::Attr((a, b)) | Access::Key((a, b)) = access
            && a == b
        {
            return Err(cx.value_error("Empty attribute in format string"));
        }
        Ok(Some(access))
    }
}

fn index(cx: &Ctx, text: &Str, from: usize, to: usize) -> PyResult<Option<usize>> {
    if from == to {
        return Ok(None);
    }
    let mut n = 0usize;
    for i in from..to {
        let Some(d) = text.get(i).and_then(case::decimal_digit) else { return Ok(None) };
        n = match n.checked_mul(10).and_then(|n| n.checked_add(d as usize)).filter(|n| *n <= isize::MAX as usize) {
            Some(n) => n,
            None => return Err(cx.value_error("Too many decimal digits in format string")),
        };
    }
    Ok(Some(n))
}

/// What the fields refer to.
enum Source<'a> {
    Args(Args<'a>),
    Mapping(&'a Obj),
}

#[derive(Clone, Copy, PartialEq)]
enum Numbering {
    Unknown,
    Automatic(usize),
    Manual,
}

struct Formatter<'a> {
    source: Source<'a>,
    numbering: Numbering,
}

/// `text.format(*args, **kwargs)`.
pub fn format(cx: &Ctx, text: &Str, args: Args<'_>) -> PyResult {
    let mut f = Formatter { source: Source::Args(args), numbering: Numbering::Unknown };
    f.run(cx, text, 2)
}

/// `text.format_map(mapping)`.
pub fn format_map(cx: &Ctx, text: &Str, mapping: &Obj) -> PyResult {
    let mut f = Formatter { source: Source::Mapping(mapping), numbering: Numbering::Unknown };
    f.run(cx, text, 2)
}

fn text_of(s: &Str, (a, b): (usize, usize)) -> Obj {
    crate::with_units!(s.data(), u => super::from_units(&u[a..b]))
}

impl Formatter<'_> {
    fn run(&mut self, cx: &Ctx, text: &Str, depth: usize) -> PyResult {
        if depth == 0 {
            return Err(cx.value_error("Max string recursion exceeded"));
        }
        let mut out = StrBuilder::new();
        let mut pieces = Pieces::new(text);
        while let Some(p) = pieces.next(cx)? {
            out.push_range(text, p.literal.0, p.literal.1);
            let Some(field) = p.field else { continue };
            let mut value = self.value(cx, text, field.name)?;
            if let Some(c) = field.conversion {
                value = convert(cx, &value, c)?;
            }
            let mut spec = text_of(text, field.spec);
            if field.nested
                && let Some(s) = spec.clone().downcast::<Str>()
            {
                spec = self.run(cx, s, depth - 1)?;
            }
            out.push_obj(&value.format(cx, &spec)?);
        }
        Ok(out.finish())
    }

    fn value(&mut self, cx: &Ctx, text: &Str, name: (usize, usize)) -> PyResult {
        let (key, mut rest) = FieldName::new(cx, text, name)?;
        let position = match key {
            Key::Index(i) => {
                self.number(cx, false)?;
                Some(i)
            }
            Key::Name((a, b)) if a == b => Some(self.number(cx, true)?),
            Key::Name(_) => None,
        };
        let mut v = match (&self.source, position, key) {
            (Source::Mapping(_), Some(_), _) => {
                return Err(cx.value_error("Format string contains positional fields"));
            }
            (Source::Args(a), Some(i), _) => match a.pos().get(i) {
                Some(v) => v.clone(),
                None => {
                    return Err(cx.index_error(format!("Replacement index {i} out of range for positional args tuple")));
                }
            },
            (Source::Mapping(m), None, Key::Name(r)) => m.get_item(cx, &text_of(text, r))?,
            (Source::Args(a), None, Key::Name(r)) => {
                let key = text_of(text, r);
                let wanted = key.downcast::<Str>();
                match a.keywords().find(|(n, _)| n.downcast::<Str>() == wanted) {
                    Some((_, v)) => v.clone(),
                    None => return Err(cx.key_error(&key)),
                }
            }
            (_, None, Key::Index(_)) => return Err(cx.raise(exc::SystemError(), "unreachable field kind")),
        };
        while let Some(a) = rest.next(cx)? {
            v = match a {
                Access::Attr(r) => v.get_attr_obj(cx, &text_of(text, r))?,
                Access::Index(i) => v.get_item(cx, &Obj::from(i))?,
                Access::Key(r) => v.get_item(cx, &text_of(text, r))?,
            };
        }
        Ok(v)
    }

    /// Checks that automatic and explicit numbers are not mixed; the next automatic number.
    fn number(&mut self, cx: &Ctx, automatic: bool) -> PyResult<usize> {
        match (self.numbering, automatic) {
            (Numbering::Manual, true) => {
                Err(cx.value_error("cannot switch from manual field specification to automatic field numbering"))
            }
            (Numbering::Automatic(_), false) => {
                Err(cx.value_error("cannot switch from automatic field numbering to manual field specification"))
            }
            (_, false) => {
                self.numbering = Numbering::Manual;
                Ok(0)
            }
            (n, true) => {
                let i = if let Numbering::Automatic(i) = n { i } else { 0 };
                self.numbering = Numbering::Automatic(i + 1);
                Ok(i)
            }
        }
    }
}

fn convert(cx: &Ctx, v: &Obj, conversion: u32) -> PyResult {
    match char::from_u32(conversion) {
        Some('r') => v.repr(cx),
        Some('s') => v.str(cx),
        Some('a') => v.ascii(cx),
        Some(c) if c > ' ' && c < '\x7f' => Err(cx.value_error(format!("Unknown conversion specifier {c}"))),
        _ => Err(cx.value_error(format!("Unknown conversion specifier \\x{conversion:x}"))),
    }
}
