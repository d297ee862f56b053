//! `_string`: the parsers of format strings, for `string.Formatter`.

use std::cell::RefCell;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::format_fields::{Access, FieldName, Key, Pieces};
use cinder_pyobj::types::str::{self as text, Str};
use cinder_pyobj::types::{list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

fn part(s: &Str, (a, b): (usize, usize)) -> Obj {
    let codes: Vec<u32> = s.code_points().skip(a).take(b - a).collect();
    text::from_code_points(&codes)
}

fn payload<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a Str> {
    text::expect(cx, o, |t| format!("expected str, got {t}"))
}

/// Iterates over tuples made beforehand.
#[derive(Traverse)]
#[pyclass(name = "formatteriterator", module = "_string", flags(no_new))]
pub struct FormatterIterator {
    text: Obj,
    #[traverse(skip)]
    at: RefCell<usize>,
}

#[pymethods]
impl FormatterIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, FormatterIterator>) -> PyResult<Option<Obj>> {
        let it = this.payload();
        let s = payload(cx, &it.text)?;
        let mut pieces = Pieces::new(s);
        // The parser has no state but its position.
        pieces.seek(*it.at.borrow());
        let next = pieces.next(cx)?;
        *it.at.borrow_mut() = pieces.position();
        let Some(p) = next else { return Ok(None) };
        let literal = part(s, p.literal);
        Ok(Some(tuple::new(match p.field {
            None => vec![literal, Obj::none(), Obj::none(), Obj::none()],
            Some(f) => {
                vec![literal, part(s, f.name), part(s, f.spec), f.conversion.map_or_else(Obj::none, text::from_char)]
            }
        })))
    }
}

/// Iterates over the later parts of a field name.
#[derive(Traverse)]
#[pyclass(name = "fieldnameiterator", module = "_string", flags(no_new))]
pub struct FieldNameIterator {
    parts: Obj,
}

#[pymethods]
impl FieldNameIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    fn __next__(cx: &Ctx, this: This<'_, FieldNameIterator>) -> PyResult<Option<Obj>> {
        this.payload().parts.next(cx)
    }
}

/// Parsers of format strings.
#[pymodule(name = "_string")]
pub(crate) mod module {
    use super::*;

    /// Parses a format string: tuples of text, field name, specification and conversion.
    #[pyfunction(sig = "(string, /)")]
    fn formatter_parser(cx: &Ctx, string: &Obj) -> PyResult {
        payload(cx, string)?;
        let it = FormatterIterator { text: string.clone(), at: RefCell::new(0) };
        Ok(new_instance(FormatterIterator::type_object(), it))
    }

    /// Splits a field name: its first part, and an iterator over pairs (is attribute, name or index).
    #[pyfunction(sig = "(string, /)")]
    fn formatter_field_name_split(cx: &Ctx, string: &Obj) -> PyResult {
        let s = payload(cx, string)?;
        let (key, mut rest) = FieldName::new(cx, s, (0, s.len()))?;
        let first = match key {
            Key::Index(i) => Obj::from(i),
            Key::Name(r) => part(s, r),
        };
        let mut parts = Vec::new();
        while let Some(a) = rest.next(cx)? {
            let (is_attr, v) = match a {
                Access::Attr(r) => (true, part(s, r)),
                Access::Index(i) => (false, Obj::from(i)),
                Access::Key(r) => (false, part(s, r)),
            };
            parts.push(tuple::new(vec![Obj::from_bool(is_attr), v]));
        }
        let parts = list::new(parts).iter(cx)?;
        Ok(tuple::new(vec![first, new_instance(FieldNameIterator::type_object(), FieldNameIterator { parts })]))
    }
}
