//! Prepared statements of a connection, and the binding of parameters.

use std::cell::Cell;
use std::ffi::c_int;
use std::rc::Rc;

use cinder_pyobj::native::PyClass;
use cinder_pyobj::protocol::buffer::Buffer;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{dict, exc, float, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use libsqlite3_sys as sys;

use super::adapt;
use super::errors;
use super::ffi::{Column, Database, Statement};

/// A statement, and what its text says about it.
pub(super) struct Prepared {
    /// Nothing for a text without a statement.
    pub(super) statement: Option<Statement>,
    /// Whether it changes rows: INSERT, UPDATE, DELETE or REPLACE.
    pub(super) changes_rows: bool,
    pub(super) in_use: Cell<bool>,
}

/// The text after white space and comments.
pub(super) fn skip_comments(mut s: &str) -> &str {
    loop {
        s = s.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        if let Some(rest) = s.strip_prefix("--") {
            match rest.find('\n') {
                Some(i) => s = &rest[i + 1..],
                None => return "",
            }
        } else if let Some(rest) = s.strip_prefix("/*") {
            match rest.find("*/") {
                Some(i) => s = &rest[i + 2..],
                None => return "",
            }
        } else {
            return s;
        }
    }
}

impl Prepared {
    /// Prepares a text that must be a single statement.
    pub(super) fn new(cx: &Ctx, db: &Rc<Database>, sql: &Obj) -> PyResult<Rc<Prepared>> {
        let text = <&str as cinder_pyobj::native::FromObj>::from_obj(cx, sql)?;
        let most = db.limit(sys::SQLITE_LIMIT_SQL_LENGTH, -1);
        if text.len() > most as usize {
            return Err(errors::data(cx, "query string is too large"));
        }
        if text.contains('\0') {
            return Err(errors::misuse(cx, "the query contains a null character"));
        }
        let p = db.prepare(cx, text).map_err(|_| errors::of_database(cx, db))?;
        if !skip_comments(&text[p.used..]).is_empty() {
            return Err(errors::misuse(cx, "You can only execute one statement at a time."));
        }
        let start = skip_comments(text).as_bytes();
        let begins = |w: &str| start.get(..w.len()).is_some_and(|s| s.eq_ignore_ascii_case(w.as_bytes()));
        let changes_rows = ["insert", "update", "delete", "replace"].into_iter().any(begins);
        Ok(Rc::new(Prepared { statement: p.statement, changes_rows, in_use: Cell::new(false) }))
    }

    pub(super) fn reset(&self, cx: &Ctx) {
        if let Some(s) = &self.statement {
            s.reset(cx);
        }
        self.in_use.set(false);
    }
}

/// A value for SQLite, or nothing for an object of a type that it does not know.
fn value_of(cx: &Ctx, o: &Obj) -> PyResult<Option<Column>> {
    if o.is_none() {
        return Ok(Some(Column::Null));
    }
    if int::is_int(o) {
        return match int::as_i64(o) {
            Some(n) => Ok(Some(Column::Int(n))),
            None => Err(cx.overflow_error("Python int too large to convert to SQLite INTEGER")),
        };
    }
    if let Some(f) = float::as_f64(o) {
        return Ok(Some(Column::Float(f)));
    }
    if o.downcast::<Str>().is_some() {
        let t = <&str as cinder_pyobj::native::FromObj>::from_obj(cx, o)?;
        return Ok(Some(Column::Text(t.as_bytes().to_vec())));
    }
    if Buffer::is_exporter(o) {
        return Ok(Some(Column::Blob(BytesLike::new(cx, o)?.to_vec())));
    }
    Ok(None)
}

/// Objects of exactly these types are never adapted, unless an adapter of a basic type was registered.
fn is_basic(o: &Obj) -> bool {
    int::is_exact_int(o)
        || o.as_float().is_some()
        || cinder_pyobj::types::str::is_exact(o)
        || o.type_of().is(bytes::ByteArray::type_object())
}

fn bind_one(cx: &Ctx, db: &Database, s: &Statement, i: usize, o: &Obj) -> PyResult<()> {
    let adapted = if is_basic(o) && !adapt::basic_types_adapted() {
        o.clone()
    } else {
        adapt::adapt(cx, o, adapt::protocol(), Some(o))?
    };
    let v = match value_of(cx, &adapted)? {
        Some(v) => v,
        None => {
            let place = match s.parameter_name(i) {
                Some(n) => format!("'{n}'"),
                None => i.to_string(),
            };
            let ty = adapted.type_of().name().to_string();
            return Err(errors::misuse(cx, format!("Error binding parameter {place}: type '{ty}' is not supported")));
        }
    };
    if let Column::Text(b) | Column::Blob(b) = &v
        && b.len() > i32::MAX as usize
    {
        let what = if matches!(v, Column::Text(_)) { "string" } else { "BLOB" };
        return Err(cx.overflow_error(format!("{what} longer than INT_MAX bytes")));
    }
    match s.bind(i, &v) {
        sys::SQLITE_OK => Ok(()),
        _ => Err(errors::of_database(cx, db)),
    }
}

#[cold]
fn wrong_count(cx: &Ctx, wanted: usize, given: usize) -> Raised {
    errors::misuse(
        cx,
        format!(
            "Incorrect number of bindings supplied. The current statement uses {wanted}, and there are {given} supplied."
        ),
    )
}

/// Binds parameters: a sequence by position, or a mapping by name.
pub(super) fn bind(cx: &Ctx, db: &Database, s: &Statement, params: &Obj) -> PyResult<()> {
    let wanted = s.parameter_count();
    let items = tuple::items_if_exact_tuple(params);
    let sequence = items.is_some() || (dict::as_dict(params).is_none() && is_sequence(params));
    if sequence {
        let given = match &items {
            Some(v) => v.len(),
            None => params.len(cx)?,
        };
        if given != wanted {
            return Err(wrong_count(cx, wanted, given));
        }
        for i in 1..=wanted {
            if let Some(name) = s.parameter_name(i).filter(|n| !n.starts_with('?')) {
                return Err(errors::misuse(
                    cx,
                    format!(
                        "Binding {i} ('{name}') is a named parameter, but you supplied a sequence which requires \
                         nominal (qmark) placeholders."
                    ),
                ));
            }
            let o = match &items {
                Some(v) => v[i - 1].clone(),
                None => params.get_item(cx, &Obj::from(i - 1))?,
            };
            bind_one(cx, db, s, i, &o)?;
        }
        return Ok(());
    }
    if params.type_of().slots.getitem.get().is_none() {
        return Err(errors::misuse(cx, "parameters are of unsupported type"));
    }
    for i in 1..=wanted {
        let Some(name) = s.parameter_name(i) else {
            return Err(errors::misuse(
                cx,
                format!("Binding {i} has no name, but you supplied a dictionary (which has only names)."),
            ));
        };
        let name = &name[1..];
        let o = match params.get_item(cx, &Obj::from(name)) {
            Ok(o) => o,
            Err(r) => {
                cx.swallow(r, exc::LookupError())?;
                return Err(errors::misuse(cx, format!("You did not supply a value for binding parameter :{name}.")));
            }
        };
        bind_one(cx, db, s, i, &o)?;
    }
    Ok(())
}

/// Whether an object can be indexed by position: it has items and a length and is no mapping.
fn is_sequence(o: &Obj) -> bool {
    let ty = o.type_of();
    let slots = &ty.slots;
    slots.getitem.get().is_some() && slots.len.get().is_some() && ty.lookup(intern!("keys")).is_none()
        || tuple::items_if_tuple(o).is_some()
        || list::as_list(o).is_some()
}

/// The statements of a connection that can be used again, the last used one at the end.
pub(super) struct Cache {
    entries: Vec<(Obj, Rc<Prepared>)>,
    size: usize,
}

impl Cache {
    pub(super) fn new(size: usize) -> Cache {
        Cache { entries: Vec::new(), size }
    }

    /// The statement of a text, taken out of the cache.
    pub(super) fn find(&mut self, sql: &Obj) -> Option<Rc<Prepared>> {
        let text = sql.downcast::<Str>()?;
        let at = self
            .entries
            .iter()
            .rposition(|(k, _)| k.is(sql) || k.downcast::<Str>().is_some_and(|k| k.compare(text).is_eq()))?;
        let e = self.entries.remove(at);
        let p = e.1.clone();
        self.entries.push(e);
        Some(p)
    }

    /// Keeps a statement; what had to go for it is returned.
    pub(super) fn keep(&mut self, sql: &Obj, p: &Rc<Prepared>) -> Option<(Obj, Rc<Prepared>)> {
        if self.size == 0 {
            return None;
        }
        self.entries.push((sql.clone(), p.clone()));
        (self.entries.len() > self.size).then(|| self.entries.remove(0))
    }

    /// All statements, taken out.
    pub(super) fn take_all(&mut self) -> Vec<(Obj, Rc<Prepared>)> {
        std::mem::take(&mut self.entries)
    }
}

/// A result code that ends a step without error.
pub(super) fn is_step(code: c_int) -> bool {
    matches!(code, sys::SQLITE_ROW | sys::SQLITE_DONE)
}
