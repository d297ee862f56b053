//! `Connection`: an open database, its transactions and settings.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_int};
use std::rc::{Rc, Weak};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, FromObj, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, as_utf8_lossy};
use cinder_pyobj::types::{Type, exc, int};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use libsqlite3_sys as sys;

use super::callbacks::Callback;
use super::cursor::Cursor;
use super::errors;
use super::ffi::{self, BlobHandle, Database};
use super::statement::{Cache, Prepared};

/// How transactions begin and end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Autocommit {
    /// By the isolation level: changes begin a transaction.
    Legacy,
    On,
    Off,
}

/// What a callback was registered as.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    Function(String, c_int),
    Collation(String),
    Authorizer,
    Progress,
    Trace,
}

/// A connection to a database.
///
/// Made by connect(); with statements commit or roll back its transaction.
#[pyclass(name = "Connection", module = "sqlite3", flags(basetype, weakref, mutable))]
pub(crate) struct Connection {
    db: RefCell<Option<Rc<Database>>>,
    initialized: Cell<bool>,
    thread: Cell<u64>,
    check_same_thread: Cell<bool>,
    detect_types: Cell<i32>,
    isolation_level: RefCell<Option<String>>,
    autocommit: Cell<Autocommit>,
    row_factory: ObjCell,
    text_factory: ObjCell,
    cache: RefCell<Cache>,
    blobs: RefCell<Vec<Weak<BlobHandle>>>,
    callbacks: RefCell<Vec<(Place, Box<Callback>)>>,
}

impl Traverse for Connection {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.row_factory.traverse(visit);
        self.text_factory.traverse(visit);
        if let Ok(all) = self.callbacks.try_borrow() {
            for (_, c) in all.iter() {
                visit(c.callable.value());
            }
        }
    }

    fn clear(&self) {
        self.row_factory.clear();
        self.text_factory.clear();
        // SQLite must not call what is dropped.
        let db = self.db.take();
        if let Some(db) = &db {
            db.close();
        }
        let all = self.callbacks.take();
        drop(all);
    }
}

const LEVELS: [&str; 4] = ["", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"];

/// The isolation level that an object names; nothing for None.
fn isolation_level_of(cx: &Ctx, o: &Obj) -> PyResult<Option<String>> {
    if o.is_none() {
        return Ok(None);
    }
    if o.downcast::<Str>().is_none() {
        return Err(cx.type_error("isolation_level must be str or None"));
    }
    let text = <&str>::from_obj(cx, o)?;
    if text.contains('\0') {
        return Err(cx.value_error("embedded null character"));
    }
    match LEVELS.iter().find(|l| l.eq_ignore_ascii_case(text)) {
        Some(l) => Ok(Some((*l).to_owned())),
        None => Err(cx.value_error("isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'")),
    }
}

fn autocommit_of(cx: &Ctx, o: &Obj) -> PyResult<Autocommit> {
    if o.is(&Obj::from_bool(true)) {
        return Ok(Autocommit::On);
    }
    if o.is(&Obj::from_bool(false)) {
        return Ok(Autocommit::Off);
    }
    match int::as_i64(o) {
        Some(-1) => Ok(Autocommit::Legacy),
        _ => Err(cx.value_error("autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL")),
    }
}

/// A text without NUL.
pub(super) fn c_string(cx: &Ctx, s: &str) -> PyResult<CString> {
    ffi::c_text(s).ok_or_else(|| cx.value_error("embedded null character"))
}

impl Connection {
    /// Refuses a connection that is closed or of another thread.
    pub(super) fn check(&self, cx: &Ctx) -> PyResult<()> {
        self.check_thread(cx)?;
        self.database(cx).map(drop)
    }

    pub(super) fn check_thread(&self, cx: &Ctx) -> PyResult<()> {
        if self.initialized.get() && self.check_same_thread.get() && self.thread.get() != ffi::thread_id() {
            return Err(errors::misuse(
                cx,
                format!(
                    "SQLite objects created in a thread can only be used in that same thread. The object was created \
                     in thread id {} and this is thread id {}.",
                    self.thread.get(),
                    ffi::thread_id()
                ),
            ));
        }
        Ok(())
    }

    /// The open database.
    pub(super) fn database(&self, cx: &Ctx) -> PyResult<Rc<Database>> {
        match self.db.borrow().as_ref() {
            Some(db) if db.is_open() => Ok(db.clone()),
            _ if !self.initialized.get() => Err(errors::misuse(cx, "Base Connection.__init__ not called.")),
            _ => Err(errors::misuse(cx, "Cannot operate on a closed database.")),
        }
    }

    pub(super) fn parses_column_names(&self) -> bool {
        self.detect_types.get() & super::PARSE_COLNAMES != 0
    }

    pub(super) fn parses_declared_types(&self) -> bool {
        self.detect_types.get() & super::PARSE_DECLTYPES != 0
    }

    pub(super) fn text_factory(&self) -> Obj {
        self.text_factory.get().unwrap_or_else(|| Str::type_object().as_obj())
    }

    /// The statement of a text: one that was prepared before and is not in use, or a new one.
    pub(super) fn statement(&self, cx: &Ctx, sql: &Obj) -> PyResult<Rc<Prepared>> {
        let found = self.cache.borrow_mut().find(sql);
        let db = self.database(cx)?;
        match found {
            Some(p) if !p.in_use.get() && !p.statement.as_ref().is_some_and(|s| s.is_busy()) => Ok(p),
            Some(_) => Prepared::new(cx, &db, sql),
            None => {
                let p = Prepared::new(cx, &db, sql)?;
                let old = self.cache.borrow_mut().keep(sql, &p);
                drop(old);
                Ok(p)
            }
        }
    }

    /// Runs a statement without result.
    fn run(&self, cx: &Ctx, sql: &str) -> PyResult<()> {
        let db = self.database(cx)?;
        let p = db.prepare(cx, sql).map_err(|_| errors::of_database(cx, &db))?;
        if let Some(s) = p.statement
            && s.step(cx) != sys::SQLITE_DONE
        {
            return Err(errors::of_database(cx, &db));
        }
        Ok(())
    }

    /// Begins a transaction before a statement that changes rows, if the settings ask for it.
    pub(super) fn begin_if_needed(&self, cx: &Ctx) -> PyResult<()> {
        if self.autocommit.get() != Autocommit::Legacy || !self.database(cx)?.autocommits() {
            return Ok(());
        }
        let level = self.isolation_level.borrow().clone();
        match level {
            Some(l) => self.run(cx, &format!("BEGIN {l}")),
            None => Ok(()),
        }
    }

    /// Ends a transaction before a script, if the settings ask for it.
    pub(super) fn commit_before_script(&self, cx: &Ctx) -> PyResult<()> {
        if self.autocommit.get() == Autocommit::Legacy && !self.database(cx)?.autocommits() {
            return self.run(cx, "COMMIT");
        }
        Ok(())
    }

    pub(super) fn end_transaction(&self, cx: &Ctx, how: &str) -> PyResult<()> {
        match self.autocommit.get() {
            Autocommit::Legacy if self.database(cx)?.autocommits() => Ok(()),
            Autocommit::Legacy => self.run(cx, how),
            Autocommit::Off => {
                self.run(cx, how)?;
                self.run(cx, "BEGIN")
            }
            Autocommit::On => Ok(()),
        }
    }

    /// Keeps a callback alive in its place; what was there before is dropped after SQLite forgot it.
    pub(super) fn keep(&self, place: Place, c: Option<Box<Callback>>) {
        let mut all = self.callbacks.borrow_mut();
        let at = all.iter().position(|(p, _)| *p == place);
        let old = at.map(|i| all.swap_remove(i));
        if let Some(c) = c {
            all.push((place, c));
        }
        drop(all);
        drop(old);
    }

    pub(super) fn adopt_blob(&self, h: &Rc<BlobHandle>) {
        let mut all = self.blobs.borrow_mut();
        all.retain(|b| b.strong_count() > 0);
        all.push(Rc::downgrade(h));
    }

    /// Closes the database.
    fn close_database(&self, cx: &Ctx) -> PyResult<()> {
        let Some(db) = self.db.borrow().clone().filter(|db| db.is_open()) else { return Ok(()) };
        let ended = if self.autocommit.get() == Autocommit::Off && !db.autocommits() {
            self.run(cx, "ROLLBACK")
        } else {
            Ok(())
        };
        let statements = self.cache.borrow_mut().take_all();
        drop(statements);
        for b in self.blobs.take() {
            if let Some(b) = b.upgrade() {
                b.close();
            }
        }
        let rc = crate::os::running::unlocked(cx, || db.close());
        let callbacks = self.callbacks.take();
        drop(callbacks);
        ended?;
        if rc == sys::SQLITE_OK { Ok(()) } else { Err(errors::of_code(cx, rc, &ffi::error_text(rc))) }
    }

    /// A new cursor that runs something at once.
    fn on_cursor(cx: &Ctx, this: This<'_, Connection>, method: &'static str, args: &[Obj]) -> PyResult {
        let cursor = this.obj().call_method(cx, intern!("cursor"), &[])?;
        let f = cursor.get_attr(cx, cinder_pyobj::types::str::Name::new(method))?;
        f.call_pos(cx, args)
    }
}

/// The parameters of `Connection` and `connect`, with which of them may come by position.
const PARAMETERS: [&str; 9] = [
    "database",
    "timeout",
    "detect_types",
    "isolation_level",
    "check_same_thread",
    "factory",
    "cached_statements",
    "uri",
    "autocommit",
];

/// The arguments by parameter.
fn parameters<'a>(cx: &Ctx, args: Args<'a>) -> PyResult<[Option<&'a Obj>; 9]> {
    let mut all = [None; 9];
    let n = args.pos().len();
    if n > 8 {
        return Err(cx.type_error(format!("Connection() takes at most 8 positional arguments ({n} given)")));
    }
    for (slot, o) in all.iter_mut().zip(args.pos()) {
        *slot = Some(o);
    }
    for (k, v) in args.keywords() {
        let k = as_utf8_lossy(k);
        match PARAMETERS.iter().position(|p| *p == k) {
            Some(i) if all[i].is_none() => all[i] = Some(v),
            Some(i) => {
                return Err(
                    cx.type_error(format!("argument for Connection() given by name ('{k}') and position ({})", i + 1))
                );
            }
            None => return Err(cx.type_error(format!("Connection() got an unexpected keyword argument '{k}'"))),
        }
    }
    if all[0].is_none() {
        return Err(cx.type_error("Connection() missing required argument 'database' (pos 1)"));
    }
    Ok(all)
}

/// Opens a database as `connect` does: the factory's result.
pub(super) fn connect(cx: &Ctx, args: Args<'_>) -> PyResult {
    warn_of_positions(cx, args.pos().len(), "sqlite3.connect")?;
    let mut factory = args.pos().get(5).cloned();
    for (k, v) in args.keywords() {
        if &*as_utf8_lossy(k) == "factory" {
            factory = Some(v.clone());
        }
    }
    let factory = factory.unwrap_or_else(|| Connection::type_object().as_obj());
    factory.call(cx, args)
}

fn warn_of_positions(cx: &Ctx, n: usize, what: &str) -> PyResult<()> {
    if !(2..=8).contains(&n) {
        return Ok(());
    }
    let message = format!(
        "Passing more than 1 positional argument to {what}() is deprecated. Parameters 'timeout', 'detect_types', \
         'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only \
         parameters in Python 3.15."
    );
    (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)
}

#[pymethods(parts("registration", "settings"))]
impl Connection {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> Obj {
        let new = Connection {
            db: RefCell::new(None),
            initialized: Cell::new(false),
            thread: Cell::new(0),
            check_same_thread: Cell::new(true),
            detect_types: Cell::new(0),
            isolation_level: RefCell::new(Some(String::new())),
            autocommit: Cell::new(Autocommit::Legacy),
            row_factory: ObjCell::new(None),
            text_factory: ObjCell::new(None),
            cache: RefCell::new(Cache::new(0)),
            blobs: RefCell::default(),
            callbacks: RefCell::default(),
        };
        new_instance(ty, new)
    }

    fn __init__(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        warn_of_positions(cx, args.pos().len(), "_sqlite3.Connection")?;
        let [database, timeout, detect, level, same_thread, _, cached, uri, autocommit] = parameters(cx, args)?;
        let name = database.cloned().unwrap_or_else(Obj::none);
        (cx.host().audit)(cx, "sqlite3.connect", std::slice::from_ref(&name))?;
        let path = (cx.host().import)(cx, "os")?.call_method(cx, intern!("fsencode"), std::slice::from_ref(&name))?;
        let path = cinder_pyobj::types::bytes::as_bytes(&path).unwrap_or(b"").to_vec();
        let path = CString::new(path).map_err(|_| cx.value_error("embedded null character"))?;
        let seconds = match timeout {
            Some(t) => <f64>::from_obj(cx, t)?,
            None => 5.0,
        };
        let detect = match detect {
            Some(d) => <i32>::from_obj(cx, d)?,
            None => 0,
        };
        let level = match level {
            Some(l) => isolation_level_of(cx, l)?,
            None => Some(String::new()),
        };
        let same_thread = same_thread.map_or(Ok(true), |o| o.truthy(cx))?;
        let cached = match cached {
            Some(n) => <i32>::from_obj(cx, n)?,
            None => 128,
        };
        let uri = uri.map_or(Ok(false), |o| o.truthy(cx))?;
        let autocommit = autocommit.map_or(Ok(Autocommit::Legacy), |o| autocommit_of(cx, o))?;
        if this.initialized.get() {
            this.close_database(cx)?;
        }
        this.initialized.set(false);
        let (db, rc) = Database::open(cx, &path, uri, (seconds * 1000.0) as c_int);
        let db = Rc::new(db);
        if rc != sys::SQLITE_OK {
            return Err(errors::of_database(cx, &db));
        }
        *this.payload().db.borrow_mut() = Some(db);
        *this.payload().cache.borrow_mut() = Cache::new(usize::try_from(cached).unwrap_or(0));
        this.thread.set(ffi::thread_id());
        this.payload().check_same_thread.set(same_thread);
        this.payload().detect_types.set(detect);
        *this.payload().isolation_level.borrow_mut() = level;
        this.payload().autocommit.set(autocommit);
        this.payload().row_factory.set(None);
        this.payload().text_factory.set(None);
        this.initialized.set(true);
        (cx.host().audit)(cx, "sqlite3.connect/handle", std::slice::from_ref(this.obj()))?;
        if autocommit == Autocommit::Off {
            this.run(cx, "BEGIN")?;
        }
        Ok(())
    }

    fn __del__(cx: &Ctx, this: This<'_, Connection>) -> PyResult<()> {
        let open = this.payload().db.borrow().as_ref().is_some_and(|d| d.is_open());
        if open && this.initialized.get() {
            let shown = as_utf8_lossy(&this.obj().repr(cx)?).into_owned();
            let message = format!("unclosed database in {shown}");
            crate::os::warn_unclosed(cx, &message, this.obj(), ("database connection", this.obj()));
            this.close_database(cx)?;
        }
        Ok(())
    }

    /// Makes a statement of a text; for internal use.
    fn __call__(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult {
        this.check(cx)?;
        args.no_keywords(cx, "sqlite3.Connection")?;
        let [sql] = args.pos() else {
            let n = args.pos().len();
            return Err(cx.type_error(format!("sqlite3.Connection expected 1 argument, got {n}")));
        };
        if sql.downcast::<Str>().is_none() {
            let got = sql.type_of().name().to_string();
            return Err(cx.type_error(format!("sqlite3.Connection() argument 1 must be str, not {got}")));
        }
        let db = this.database(cx)?;
        super::new_statement(Prepared::new(cx, &db, sql)?)
    }

    /// A new cursor; factory makes it, by default the class Cursor.
    #[pymethod(sig = "($self, /, factory=<unrepresentable>)")]
    fn cursor(cx: &Ctx, this: This<'_, Connection>, factory: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        let cursor = match factory {
            Some(f) => f.call1(cx, this.obj())?,
            None => Cursor::type_object().as_obj().call1(cx, this.obj())?,
        };
        let Some(_) = cursor.downcast::<Cursor>() else {
            let got = cursor.type_of().name().to_string();
            return Err(cx.type_error(format!("factory must return a cursor, not {got}")));
        };
        if let Some(f) = this.payload().row_factory.get().and_then(Obj::non_none) {
            cursor.set_attr(cx, intern!("row_factory"), &f)?;
        }
        Ok(cursor)
    }

    /// Commits the transaction at hand. Without one, nothing happens.
    #[pymethod]
    fn commit(cx: &Ctx, this: This<'_, Connection>) -> PyResult<()> {
        this.check(cx)?;
        this.end_transaction(cx, "COMMIT")
    }

    /// Undoes the transaction at hand. Without one, nothing happens.
    #[pymethod]
    fn rollback(cx: &Ctx, this: This<'_, Connection>) -> PyResult<()> {
        this.check(cx)?;
        this.end_transaction(cx, "ROLLBACK")
    }

    /// Closes the connection. A transaction that is open is not committed.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Connection>) -> PyResult<()> {
        this.check_thread(cx)?;
        if !this.initialized.get() {
            return Err(errors::misuse(cx, "Base Connection.__init__ not called."));
        }
        this.close_database(cx)
    }

    /// Runs a statement of SQL on a new cursor, which is returned.
    #[pymethod(sig = "($self, sql, parameters=<unrepresentable>, /)")]
    fn execute(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "execute", 1, 2)?;
        Connection::on_cursor(cx, this, "execute", a)
    }

    /// Runs a statement with each of a series of parameters on a new cursor, which is returned.
    #[pymethod(sig = "($self, sql, parameters, /)")]
    fn executemany(cx: &Ctx, this: This<'_, Connection>, sql: &Obj, parameters: &Obj) -> PyResult {
        Connection::on_cursor(cx, this, "executemany", &[sql.clone(), parameters.clone()])
    }

    /// Runs several statements on a new cursor, which is returned.
    #[pymethod(sig = "($self, sql_script, /)")]
    fn executescript(cx: &Ctx, this: This<'_, Connection>, sql_script: &Obj) -> PyResult {
        Connection::on_cursor(cx, this, "executescript", std::slice::from_ref(sql_script))
    }

    #[pymethod(name = "__enter__")]
    fn enter(cx: &Ctx, this: This<'_, Connection>) -> PyResult {
        this.check(cx)?;
        Ok(this.obj().clone())
    }

    /// Commits if the block ended well, otherwise rolls back.
    #[pymethod(name = "__exit__", sig = "($self, type, value, traceback, /)")]
    fn exit(cx: &Ctx, this: This<'_, Connection>, r#type: &Obj, value: &Obj, traceback: &Obj) -> PyResult<bool> {
        if r#type.is_none() && value.is_none() && traceback.is_none() {
            if let Err(r) = this.end_transaction(cx, "COMMIT") {
                // What cannot be committed is undone, and the error stays.
                let e = cx.take(r);
                if let Err(second) = this.end_transaction(cx, "ROLLBACK") {
                    let second_e = cx.take(second);
                    exc::set_context(&second_e, Some(e));
                    return Err(cx.set_pending(second_e));
                }
                return Err(cx.set_pending(e));
            }
        } else {
            this.end_transaction(cx, "ROLLBACK")?;
        }
        Ok(false)
    }

    /// The text of the database as statements of SQL, one by one.
    #[pymethod(sig = "($self, /, *, filter=None)")]
    fn iterdump(cx: &Ctx, this: This<'_, Connection>, filter: Option<&Obj>) -> PyResult {
        this.check(cx)?;
        let f = (cx.host().import)(cx, "sqlite3.dump")?.get_attr(cx, intern!("_iterdump"))?;
        let args = [this.obj().clone(), filter.cloned().unwrap_or_else(Obj::none)];
        f.call(cx, Args::new(&args, &[Obj::from("filter")]))
    }

    /// How a connection is called.
    #[pygetter]
    fn __text_signature__(_cx: &Ctx, _this: This<'_, Connection>) -> &'static str {
        "(sql, /)"
    }

    /// Whether a transaction is open.
    #[pygetter]
    fn in_transaction(cx: &Ctx, this: This<'_, Connection>) -> PyResult<bool> {
        this.check(cx)?;
        Ok(!this.database(cx)?.autocommits())
    }

    /// How many rows were changed since the database was opened.
    #[pygetter]
    fn total_changes(cx: &Ctx, this: This<'_, Connection>) -> PyResult<i64> {
        this.check(cx)?;
        Ok(this.database(cx)?.total_changes())
    }

    #[pygetter(name = "isolation_level")]
    fn get_isolation_level(cx: &Ctx, this: This<'_, Connection>) -> PyResult {
        this.check(cx)?;
        Ok(match this.payload().isolation_level.borrow().as_ref() {
            Some(l) => Obj::from(&**l),
            None => Obj::none(),
        })
    }

    #[pysetter]
    fn set_isolation_level(cx: &Ctx, this: This<'_, Connection>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.raise(exc::AttributeError(), "cannot delete attribute"));
        };
        let level = isolation_level_of(cx, v)?;
        let none = level.is_none();
        if none {
            // Without a level nothing begins transactions, so the one at hand ends.
            this.check(cx)?;
            this.commit_before_script(cx)?;
        }
        *this.payload().isolation_level.borrow_mut() = level;
        Ok(())
    }

    #[pygetter(name = "autocommit")]
    fn get_autocommit(cx: &Ctx, this: This<'_, Connection>) -> PyResult {
        this.check(cx)?;
        Ok(match this.payload().autocommit.get() {
            Autocommit::Legacy => Obj::from(-1),
            Autocommit::On => Obj::from_bool(true),
            Autocommit::Off => Obj::from_bool(false),
        })
    }

    #[pysetter]
    fn set_autocommit(cx: &Ctx, this: This<'_, Connection>, value: Option<&Obj>) -> PyResult<()> {
        this.check(cx)?;
        let Some(v) = value else {
            return Err(cx.raise(exc::AttributeError(), "cannot delete autocommit attribute"));
        };
        let mode = autocommit_of(cx, v)?;
        let open = !this.database(cx)?.autocommits();
        match mode {
            Autocommit::On if open => this.run(cx, "COMMIT")?,
            Autocommit::Off if !open => this.run(cx, "BEGIN")?,
            _ => {}
        }
        this.payload().autocommit.set(mode);
        Ok(())
    }

    #[pygetter(name = "row_factory")]
    fn get_row_factory(_cx: &Ctx, this: This<'_, Connection>) -> Obj {
        this.payload().row_factory.get().unwrap_or_else(Obj::none)
    }

    #[pysetter]
    fn set_row_factory(cx: &Ctx, this: This<'_, Connection>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.raise(exc::AttributeError(), "cannot delete row_factory attribute"));
        };
        this.payload().row_factory.set(Some(v.clone()));
        Ok(())
    }

    #[pygetter(name = "text_factory")]
    fn get_text_factory(_cx: &Ctx, this: This<'_, Connection>) -> Obj {
        this.payload().text_factory()
    }

    #[pysetter]
    fn set_text_factory(cx: &Ctx, this: This<'_, Connection>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else {
            return Err(cx.raise(exc::AttributeError(), "cannot delete text_factory attribute"));
        };
        this.payload().text_factory.set(Some(v.clone()));
        Ok(())
    }
}
