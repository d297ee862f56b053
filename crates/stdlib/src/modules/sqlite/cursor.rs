//! `Cursor`: runs statements and fetches their rows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{Type, bytes, exc, int, list, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};
use libsqlite3_sys as sys;

use super::connection::Connection;
use super::ffi::Column;
use super::statement::{self, Prepared, is_step};
use super::{adapt, errors};

/// A cursor of an SQLite database.
#[pyclass(name = "Cursor", module = "sqlite3", flags(basetype, weakref, mutable), sig = "(connection, /)")]
pub(crate) struct Cursor {
    connection: ObjCell,
    description: ObjCell,
    row_factory: ObjCell,
    /// The statement whose rows are fetched.
    statement: RefCell<Option<Rc<Prepared>>>,
    /// Converters of the columns, None for those without.
    converters: RefCell<Vec<Option<Obj>>>,
    arraysize: Cell<i64>,
    rowcount: Cell<i64>,
    last_row_id: ObjCell,
    closed: Cell<bool>,
    /// Set while a statement of the cursor runs, whose callbacks may not use it.
    locked: Cell<bool>,
}

impl Traverse for Cursor {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for c in [&self.connection, &self.description, &self.row_factory, &self.last_row_id] {
            c.traverse(visit);
        }
        if let Ok(all) = self.converters.try_borrow() {
            for c in all.iter().flatten() {
                visit(c.value());
            }
        }
    }

    fn clear(&self) {
        let all = self.converters.take();
        drop(all);
        for c in [&self.connection, &self.description, &self.row_factory, &self.last_row_id] {
            c.clear();
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // The statement may stay in the connection's cache, where it must not look busy.
        if self.statement.borrow().is_some() {
            self.drop_statement(Ctx::current());
        }
    }
}

/// How the statement of `execute` gets its parameters.
enum Parameters<'a> {
    Once(&'a Obj),
    Each(Obj),
}

impl Cursor {
    pub(super) fn description(&self) -> Obj {
        self.description.get().unwrap_or_else(Obj::none)
    }

    fn connection(&self, cx: &Ctx) -> PyResult {
        self.connection.get().ok_or_else(|| errors::misuse(cx, "Base Cursor.__init__ not called."))
    }

    /// Refuses a cursor that cannot be used.
    fn check(&self, cx: &Ctx) -> PyResult {
        let c = self.connection(cx)?;
        if self.closed.get() {
            return Err(errors::misuse(cx, "Cannot operate on a closed cursor."));
        }
        if self.locked.get() {
            return Err(errors::misuse(cx, "Recursive use of cursors not allowed."));
        }
        connection(cx, &c)?.check(cx)?;
        Ok(c)
    }

    /// Ends the statement at hand.
    fn drop_statement(&self, cx: &Ctx) {
        let s = self.statement.take();
        if let Some(s) = s {
            s.reset(cx);
        }
    }

    fn run(&self, cx: &Ctx, sql: &Obj, params: Parameters<'_>) -> PyResult<()> {
        let owner = self.check(cx)?;
        let c = connection(cx, &owner)?;
        self.locked.set(true);
        let r = self.run_locked(cx, c, sql, params);
        self.locked.set(false);
        if r.is_err() {
            self.drop_statement(cx);
            self.rowcount.set(-1);
        }
        r
    }

    fn run_locked(&self, cx: &Ctx, c: &Connection, sql: &Obj, params: Parameters<'_>) -> PyResult<()> {
        let many = matches!(params, Parameters::Each(_));
        self.drop_statement(cx);
        self.description.set(None);
        let p = c.statement(cx, sql)?;
        if many && p.statement.as_ref().is_some_and(|s| s.is_read_only()) {
            return Err(errors::misuse(cx, "executemany() can only execute DML statements."));
        }
        p.in_use.set(true);
        *self.statement.borrow_mut() = Some(p.clone());
        self.rowcount.set(if p.changes_rows { 0 } else { -1 });
        if p.changes_rows {
            c.begin_if_needed(cx)?;
        }
        match params {
            Parameters::Once(params) => {
                self.run_once(cx, c, &p, params)?;
                let id = c.database(cx)?.last_row_id();
                self.last_row_id.set(Some(Obj::from(id)));
            }
            Parameters::Each(iterator) => {
                while let Some(params) = iterator.next(cx)? {
                    self.run_once(cx, c, &p, &params)?;
                }
            }
        }
        Ok(())
    }

    /// Runs a statement with one set of parameters, up to its first row.
    fn run_once(&self, cx: &Ctx, c: &Connection, p: &Rc<Prepared>, params: &Obj) -> PyResult<()> {
        let Some(s) = &p.statement else {
            self.drop_statement(cx);
            return Ok(());
        };
        let db = c.database(cx)?;
        s.reset(cx);
        statement::bind(cx, &db, s, params)?;
        // The rows may be wanted by converters that were registered since.
        let rc = s.step(cx);
        if !is_step(rc) {
            return Err(errors::of_database(cx, &db));
        }
        if self.description.is_empty() && s.column_count() > 0 {
            self.describe(cx, c, p)?;
        }
        if rc == sys::SQLITE_DONE {
            if p.changes_rows {
                self.rowcount.set(self.rowcount.get() + db.changes());
            }
            p.reset(cx);
            self.statement.take();
        }
        Ok(())
    }

    /// Sets the description and finds the converters.
    fn describe(&self, cx: &Ctx, c: &Connection, p: &Prepared) -> PyResult<()> {
        let Some(s) = &p.statement else { return Ok(()) };
        let (mut columns, mut converters) = (Vec::new(), Vec::new());
        for i in 0..s.column_count() {
            let name = s.column_name(i).ok_or_else(|| cx.no_memory())?;
            let shown = if c.parses_column_names() { name.split(" [").next().unwrap_or("") } else { &name };
            let mut column = vec![Obj::none(); 7];
            column[0] = Obj::from(shown);
            columns.push(tuple::new(column));
            let mut converter = None;
            if c.parses_column_names()
                && let Some((_, rest)) = name.rsplit_once('[')
                && let Some((key, _)) = rest.split_once(']')
            {
                converter = adapt::converter(cx, key)?;
            }
            if converter.is_none()
                && c.parses_declared_types()
                && let Some(t) = s.declared_type(i)
            {
                let key = t.split([' ', '(']).next().unwrap_or("");
                converter = adapt::converter(cx, key)?;
            }
            converters.push(converter);
        }
        self.description.set(Some(tuple::new(columns)));
        let old = self.converters.replace(converters);
        drop(old);
        Ok(())
    }

    /// The values of the row at hand.
    fn fetch_row(&self, cx: &Ctx, c: &Connection, p: &Prepared) -> PyResult {
        let Some(s) = &p.statement else { return Ok(tuple::empty()) };
        let factory = c.text_factory();
        let mut row = Vec::new();
        for i in 0..s.data_count() {
            let converter = self.converters.borrow().get(i).cloned().flatten();
            row.push(match converter {
                Some(f) => adapt::convert(cx, &f, s.column_as_bytes(i))?,
                None => match s.column(i) {
                    Column::Null => Obj::none(),
                    Column::Int(n) => Obj::from(n),
                    Column::Float(f) => Obj::from(f),
                    Column::Blob(b) => bytes::new(&b),
                    Column::Text(t) => self.text(cx, s.column_name(i), &t, &factory)?,
                },
            });
        }
        Ok(tuple::new(row))
    }

    fn text(&self, cx: &Ctx, column: Option<String>, t: &[u8], factory: &Obj) -> PyResult {
        if factory.is(&Str::type_object().as_obj()) {
            return match std::str::from_utf8(t) {
                Ok(s) => Ok(Obj::from(s)),
                Err(_) => {
                    let shown = String::from_utf8_lossy(t);
                    let column = column.unwrap_or_default();
                    Err(errors::operational(
                        cx,
                        format!("Could not decode to UTF-8 column '{column}' with text '{shown}'"),
                    ))
                }
            };
        }
        if factory.is(&bytes::Bytes::type_object().as_obj()) {
            return Ok(bytes::new(t));
        }
        factory.call1(cx, &bytes::new(t))
    }

    /// The next row, if there is one.
    fn next_row(&self, cx: &Ctx, this: &Obj) -> PyResult<Option<Obj>> {
        let owner = self.check(cx)?;
        let c = connection(cx, &owner)?;
        let Some(p) = self.statement.borrow().clone() else { return Ok(None) };
        let Some(s) = &p.statement else { return Ok(None) };
        if s.data_count() == 0 {
            self.drop_statement(cx);
            return Ok(None);
        }
        self.locked.set(true);
        let row = self.fetch_row(cx, c, &p);
        self.locked.set(false);
        let row = row?;
        let db = c.database(cx)?;
        match s.step(cx) {
            sys::SQLITE_ROW => {}
            sys::SQLITE_DONE => {
                if p.changes_rows {
                    self.rowcount.set(db.changes());
                }
                self.drop_statement(cx);
            }
            _ => {
                let e = errors::of_database(cx, &db);
                self.drop_statement(cx);
                return Err(e);
            }
        }
        match self.row_factory.get().and_then(Obj::non_none) {
            Some(f) => f.call_pos(cx, &[this.clone(), row]).map(Some),
            None => Ok(Some(row)),
        }
    }

    /// Runs all statements of a text.
    fn script(&self, cx: &Ctx, text: &str) -> PyResult<()> {
        let owner = self.check(cx)?;
        let c = connection(cx, &owner)?;
        let db = c.database(cx)?;
        if text.contains('\0') {
            return Err(cx.value_error("embedded null character"));
        }
        if text.len() > db.limit(sys::SQLITE_LIMIT_SQL_LENGTH, -1) as usize {
            return Err(errors::data(cx, "query string is too large"));
        }
        c.commit_before_script(cx)?;
        let mut rest = text;
        while !rest.is_empty() {
            let p = db.prepare(cx, rest).map_err(|_| errors::of_database(cx, &db))?;
            rest = &rest[p.used..];
            if let Some(s) = p.statement {
                let mut rc = sys::SQLITE_ROW;
                while rc == sys::SQLITE_ROW {
                    rc = s.step(cx);
                }
                if rc != sys::SQLITE_DONE {
                    return Err(errors::of_database(cx, &db));
                }
            }
        }
        Ok(())
    }
}

/// The payload of an object known to be a connection.
pub(super) fn connection<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a Connection> {
    o.downcast::<Connection>().ok_or_else(|| cx.system_error("a cursor's connection is none"))
}

#[pymethods]
impl Cursor {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> Obj {
        let new = Cursor {
            connection: ObjCell::new(None),
            description: ObjCell::new(None),
            row_factory: ObjCell::new(None),
            statement: RefCell::new(None),
            converters: RefCell::default(),
            arraysize: Cell::new(1),
            rowcount: Cell::new(-1),
            last_row_id: ObjCell::new(None),
            closed: Cell::new(false),
            locked: Cell::new(false),
        };
        new_instance(ty, new)
    }

    #[pymethod(sig = "($self, connection, /)")]
    fn __init__(cx: &Ctx, this: This<'_, Cursor>, connection: &Obj) -> PyResult<()> {
        let Some(c) = connection.downcast::<Connection>() else {
            let got = connection.type_of().name();
            return Err(cx.type_error(format!("Cursor() argument 1 must be sqlite3.Connection, not {got}")));
        };
        if this.locked.get() {
            return Err(errors::misuse(cx, "Recursive use of cursors not allowed."));
        }
        this.drop_statement(cx);
        this.connection.set(Some(connection.clone()));
        this.description.set(None);
        this.last_row_id.set(None);
        this.row_factory.set(None);
        this.arraysize.set(1);
        this.rowcount.set(-1);
        this.closed.set(false);
        c.check_thread(cx)
    }

    /// Runs a statement of SQL.
    #[pymethod(sig = "($self, sql, parameters=(), /)")]
    fn execute(cx: &Ctx, this: This<'_, Cursor>, sql: &Obj, parameters: Option<&Obj>) -> PyResult {
        expect_sql(cx, "execute", sql)?;
        let none = tuple::empty();
        this.run(cx, sql, Parameters::Once(parameters.unwrap_or(&none)))?;
        Ok(this.obj().clone())
    }

    /// Runs a statement of SQL with each of a series of parameters.
    #[pymethod(sig = "($self, sql, seq_of_parameters, /)")]
    fn executemany(cx: &Ctx, this: This<'_, Cursor>, sql: &Obj, seq_of_parameters: &Obj) -> PyResult {
        expect_sql(cx, "executemany", sql)?;
        let iterator = seq_of_parameters.iter(cx)?;
        this.run(cx, sql, Parameters::Each(iterator))?;
        Ok(this.obj().clone())
    }

    /// Runs several statements of SQL at once.
    #[pymethod(sig = "($self, sql_script, /)")]
    fn executescript(cx: &Ctx, this: This<'_, Cursor>, sql_script: &Obj) -> PyResult {
        expect_sql(cx, "executescript", sql_script)?;
        let text = <&str as cinder_pyobj::native::FromObj>::from_obj(cx, sql_script)?;
        this.script(cx, text)?;
        Ok(this.obj().clone())
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Cursor>) -> PyResult {
        Ok(this.obj().clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, Cursor>) -> PyResult<Option<Obj>> {
        this.next_row(cx, this.obj())
    }

    /// The next row, or None.
    #[pymethod]
    fn fetchone(cx: &Ctx, this: This<'_, Cursor>) -> PyResult<Option<Obj>> {
        this.next_row(cx, this.obj())
    }

    /// The next rows: at most `size`, by default `arraysize`.
    #[pymethod(sig = "($self, /, size=<unrepresentable>)")]
    fn fetchmany(cx: &Ctx, this: This<'_, Cursor>, size: Option<&Obj>) -> PyResult {
        let most = match size {
            Some(n) => row_count(cx, n)?,
            None => this.payload().arraysize.get(),
        };
        let mut rows = Vec::new();
        while rows.len() < most as usize {
            match this.next_row(cx, this.obj())? {
                Some(r) => rows.push(r),
                None => break,
            }
        }
        Ok(list::new(rows))
    }

    /// All rows that are left.
    #[pymethod]
    fn fetchall(cx: &Ctx, this: This<'_, Cursor>) -> PyResult {
        let mut rows = Vec::new();
        while let Some(r) = this.next_row(cx, this.obj())? {
            rows.push(r);
        }
        Ok(list::new(rows))
    }

    /// Does nothing; required by DB-API.
    #[pymethod(sig = "($self, sizes, /)")]
    fn setinputsizes(_cx: &Ctx, _this: This<'_, Cursor>, sizes: &Obj) {
        let _ = sizes;
    }

    /// Does nothing; required by DB-API.
    #[pymethod(sig = "($self, size, column=None, /)")]
    fn setoutputsize(_cx: &Ctx, _this: This<'_, Cursor>, size: &Obj, column: Option<&Obj>) {
        let _ = (size, column);
    }

    /// Closes the cursor.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Cursor>) -> PyResult<()> {
        if this.locked.get() {
            return Err(errors::misuse(cx, "Recursive use of cursors not allowed."));
        }
        let c = this.payload().connection(cx)?;
        connection(cx, &c)?.check(cx)?;
        this.drop_statement(cx);
        this.closed.set(true);
        Ok(())
    }

    #[pygetter(member, name = "connection")]
    fn get_connection(_cx: &Ctx, this: This<'_, Cursor>) -> Obj {
        this.payload().connection.get().unwrap_or_else(Obj::none)
    }

    #[pygetter(member, name = "description")]
    fn get_description(_cx: &Ctx, this: This<'_, Cursor>) -> Obj {
        this.payload().description()
    }

    #[pygetter(member)]
    fn lastrowid(_cx: &Ctx, this: This<'_, Cursor>) -> Obj {
        this.last_row_id.get().unwrap_or_else(Obj::none)
    }

    #[pygetter(member, name = "rowcount")]
    fn get_rowcount(_cx: &Ctx, this: This<'_, Cursor>) -> i64 {
        this.payload().rowcount.get()
    }

    #[pygetter(name = "arraysize")]
    fn get_arraysize(_cx: &Ctx, this: This<'_, Cursor>) -> i64 {
        this.payload().arraysize.get()
    }

    #[pysetter]
    fn set_arraysize(cx: &Ctx, this: This<'_, Cursor>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.raise(exc::AttributeError(), "the arraysize attribute cannot be deleted"));
        };
        this.payload().arraysize.set(row_count(cx, v)?);
        Ok(())
    }

    #[pygetter(name = "row_factory")]
    fn get_row_factory(_cx: &Ctx, this: This<'_, Cursor>) -> Obj {
        this.payload().row_factory.get().unwrap_or_else(Obj::none)
    }

    #[pysetter]
    fn set_row_factory(cx: &Ctx, this: This<'_, Cursor>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.raise(exc::AttributeError(), "cannot delete row_factory attribute")) };
        this.payload().row_factory.set(Some(v.clone()));
        Ok(())
    }
}

/// A number of rows.
fn row_count(cx: &Ctx, o: &Obj) -> PyResult<i64> {
    if !int::is_int(o) {
        let got = o.type_of().name().to_string();
        return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer")));
    }
    if int::is_negative(o) {
        return Err(cx.value_error("value must be positive"));
    }
    match int::as_u64(o).and_then(|n| u32::try_from(n).ok()) {
        Some(n) => Ok(n.into()),
        None => Err(cx.overflow_error("Python int too large for C uint32")),
    }
}

/// Refuses a statement that is no str.
fn expect_sql(cx: &Ctx, function: &str, o: &Obj) -> PyResult<()> {
    if o.downcast::<Str>().is_some() {
        return Ok(());
    }
    let got = o.type_of().name().to_string();
    let what = if function == "executescript" {
        "executescript() argument".to_owned()
    } else {
        format!("{function}() argument 1")
    };
    Err(cx.raise(exc::TypeError(), format!("{what} must be str, not {got}")))
}
