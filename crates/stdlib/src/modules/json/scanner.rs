//! The decoder's scanner.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::str::{self as text, Str};
use cinder_pyobj::types::{dict, exc, float, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, intern};

use super::strings::{decode_error, scan};

/// Scans JSON values, as its context (a JSONDecoder) tells.
#[derive(Traverse)]
#[pyclass(name = "Scanner", module = "_json", flags(basetype))]
pub(crate) struct Scanner {
    #[traverse(skip)]
    strict: bool,
    object_hook: Obj,
    object_pairs_hook: Obj,
    parse_float: Obj,
    parse_int: Obj,
    parse_constant: Obj,
}

/// One document being scanned.
struct Scan<'a> {
    cx: &'a Ctx,
    scanner: &'a Scanner,
    doc: &'a Obj,
    s: &'a Str,
    /// Keys seen so far: equal ones share an object.
    memo: Obj,
}

#[pymethods]
impl Scanner {
    #[pynew(sig = "(context)")]
    fn __new__(cx: &Ctx, ty: &Type, context: &Obj) -> PyResult {
        let strict = context.get_attr(cx, intern!("strict"))?.truthy(cx)?;
        Ok(new_instance(
            ty,
            Scanner {
                strict,
                object_hook: context.get_attr(cx, intern!("object_hook"))?,
                object_pairs_hook: context.get_attr(cx, intern!("object_pairs_hook"))?,
                parse_float: context.get_attr(cx, intern!("parse_float"))?,
                parse_int: context.get_attr(cx, intern!("parse_int"))?,
                parse_constant: context.get_attr(cx, intern!("parse_constant"))?,
            },
        ))
    }

    /// Scans the value at an index: the value and where it ends.
    #[pymethod(sig = "($self, string, idx)")]
    fn __call__(cx: &Ctx, this: This<'_, Scanner>, string: &Obj, idx: isize) -> PyResult {
        let s = text::expect(cx, string, |t| format!("first argument must be a string, not {t}"))?;
        let Ok(at) = usize::try_from(idx) else { return Err(cx.value_error("idx cannot be negative")) };
        let scan = Scan { cx, scanner: this.payload(), doc: string, s, memo: dict::new() };
        let (v, end) = scan.value(at)?;
        Ok(tuple::new(vec![v, Obj::from(end)]))
    }

    /// Whether control characters in strings are refused.
    #[pygetter(member)]
    fn strict(&self) -> bool {
        self.strict
    }

    /// Called with each decoded object.
    #[pygetter(member)]
    fn object_hook(&self) -> Obj {
        self.object_hook.clone()
    }

    /// Called with the pairs of each decoded object.
    #[pygetter(member)]
    fn object_pairs_hook(&self) -> Obj {
        self.object_pairs_hook.clone()
    }

    /// Makes floats of their text.
    #[pygetter(member)]
    fn parse_float(&self) -> Obj {
        self.parse_float.clone()
    }

    /// Makes ints of their text.
    #[pygetter(member)]
    fn parse_int(&self) -> Obj {
        self.parse_int.clone()
    }

    /// Makes numbers of `NaN`, `Infinity` and `-Infinity`.
    #[pygetter(member)]
    fn parse_constant(&self) -> Obj {
        self.parse_constant.clone()
    }
}

impl Scan<'_> {
    fn at(&self, i: usize) -> Option<char> {
        self.s.get(i).map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn skip(&self, mut i: usize) -> usize {
        while let Some(' ' | '\t' | '\n' | '\r') = self.at(i) {
            i += 1;
        }
        i
    }

    fn starts(&self, i: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(k, c)| self.at(i + k) == Some(c))
    }

    fn error<T>(&self, message: &str, at: usize) -> PyResult<T> {
        Err(decode_error(self.cx, message, self.doc, at))
    }

    /// There is no value here: the decoder turns this into its own error.
    fn no_value<T>(&self, at: usize) -> PyResult<T> {
        Err(self.cx.stop_iteration(Some(Obj::from(at))))
    }

    fn constant(&self, word: &str, i: usize) -> PyResult<(Obj, usize)> {
        let v = self.scanner.parse_constant.call1(self.cx, &text::new(word))?;
        Ok((v, i + word.len()))
    }

    fn value(&self, i: usize) -> PyResult<(Obj, usize)> {
        self.cx.step()?;
        match self.at(i) {
            Some('"') => scan(self.cx, self.doc, self.s, i + 1, self.scanner.strict),
            Some('{') => {
                self.cx.check_stack(" while decoding a JSON object from a unicode string")?;
                self.object(i + 1)
            }
            Some('[') => {
                self.cx.check_stack(" while decoding a JSON array from a unicode string")?;
                self.array(i + 1)
            }
            Some('n') if self.starts(i, "null") => Ok((Obj::none(), i + 4)),
            Some('t') if self.starts(i, "true") => Ok((Obj::from_bool(true), i + 4)),
            Some('f') if self.starts(i, "false") => Ok((Obj::from_bool(false), i + 5)),
            Some('N') if self.starts(i, "NaN") => self.constant("NaN", i),
            Some('I') if self.starts(i, "Infinity") => self.constant("Infinity", i),
            Some('-') if self.starts(i, "-Infinity") => self.constant("-Infinity", i),
            Some('-' | '0'..='9') => self.number(i),
            _ => self.no_value(i),
        }
    }

    fn number(&self, start: usize) -> PyResult<(Obj, usize)> {
        let cx = self.cx;
        let digits = |mut i: usize| {
            while self.at(i).is_some_and(|c| c.is_ascii_digit()) {
                i += 1;
            }
            i
        };
        let mut i = start + usize::from(self.at(start) == Some('-'));
        i = match self.at(i) {
            Some('0') => i + 1,
            Some('1'..='9') => digits(i),
            _ => return self.no_value(start),
        };
        let mut is_float = false;
        if self.at(i) == Some('.') && self.at(i + 1).is_some_and(|c| c.is_ascii_digit()) {
            is_float = true;
            i = digits(i + 1);
        }
        if let Some('e' | 'E') = self.at(i) {
            let e = i + 1 + usize::from(matches!(self.at(i + 1), Some('+' | '-')));
            if self.at(e).is_some_and(|c| c.is_ascii_digit()) {
                is_float = true;
                i = digits(e);
            }
        }
        let part: String = (start..i).filter_map(|k| self.at(k)).collect();
        let parse = if is_float { &self.scanner.parse_float } else { &self.scanner.parse_int };
        let plain_float =
            parse.as_type().is_some_and(|t| t.is(<float::Float as cinder_pyobj::native::PyClass>::type_object()));
        let plain_int =
            parse.as_type().is_some_and(|t| t.is(<int::Int as cinder_pyobj::native::PyClass>::type_object()));
        if is_float
            && plain_float
            && let Ok(f) = part.parse::<f64>()
        {
            return Ok((Obj::from(f), i));
        }
        if !is_float
            && plain_int
            && let Ok(n) = part.parse::<i64>()
        {
            return Ok((Obj::from(n), i));
        }
        Ok((parse.call1(cx, &text::new(&part))?, i))
    }

    fn array(&self, i: usize) -> PyResult<(Obj, usize)> {
        let mut items = Vec::new();
        let mut i = self.skip(i);
        if self.at(i) == Some(']') {
            return Ok((list::new(items), i + 1));
        }
        loop {
            let (v, end) = self.value(i)?;
            items.push(v);
            i = self.skip(end);
            match self.at(i) {
                Some(']') => return Ok((list::new(items), i + 1)),
                Some(',') => {}
                _ => return self.error("Expecting ',' delimiter", i),
            }
            let comma = i;
            i = self.skip(i + 1);
            if self.at(i) == Some(']') {
                return self.error("Illegal trailing comma before end of array", comma);
            }
        }
    }

    fn object(&self, i: usize) -> PyResult<(Obj, usize)> {
        let cx = self.cx;
        let as_pairs = !self.scanner.object_pairs_hook.is_none();
        let out = dict::new();
        let mut pairs = Vec::new();
        let mut i = self.skip(i);
        let mut first = true;
        let end = loop {
            match self.at(i) {
                Some('}') if first => break i + 1,
                Some('"') => {}
                _ => return self.error("Expecting property name enclosed in double quotes", i),
            }
            first = false;
            let (key, after) = scan(cx, self.doc, self.s, i + 1, self.scanner.strict)?;
            let key = self.shared(key)?;
            i = self.skip(after);
            if self.at(i) != Some(':') {
                return self.error("Expecting ':' delimiter", i);
            }
            let (v, after) = self.value(self.skip(i + 1))?;
            if as_pairs {
                pairs.push(tuple::new(vec![key, v]));
            } else {
                out.set_item(cx, &key, &v)?;
            }
            i = self.skip(after);
            match self.at(i) {
                Some('}') => break i + 1,
                Some(',') => {}
                _ => return self.error("Expecting ',' delimiter", i),
            }
            let comma = i;
            i = self.skip(i + 1);
            if self.at(i) == Some('}') {
                return self.error("Illegal trailing comma before end of object", comma);
            }
        };
        if as_pairs {
            let v = self.scanner.object_pairs_hook.call1(cx, &list::new(pairs))?;
            return Ok((v, end));
        }
        if !self.scanner.object_hook.is_none() {
            return Ok((self.scanner.object_hook.call1(cx, &out)?, end));
        }
        Ok((out, end))
    }

    /// The first object made for an equal key.
    fn shared(&self, key: Obj) -> PyResult {
        let cx = self.cx;
        match self.memo.get_item(cx, &key) {
            Ok(k) => Ok(k),
            Err(r) => {
                cx.swallow(r, exc::KeyError())?;
                self.memo.set_item(cx, &key, &key)?;
                Ok(key)
            }
        }
    }
}
