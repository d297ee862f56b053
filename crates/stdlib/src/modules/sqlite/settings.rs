//! What a connection registers with SQLite, and its switches, limits, copies and blobs.

use std::ffi::c_int;
use std::rc::Rc;

use cinder_pyobj::native::{Args, FromObj, This, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};
use libsqlite3_sys as sys;

use super::callbacks::{self, Callback, Kind, expect_callable};
use super::connection::{Connection, Place, c_string};
use super::errors;
use super::ffi::{Backup, sleep};
use super::{blob, constants};

/// A callback around a callable; nothing for None.
fn wrap(f: &Obj) -> Option<Box<Callback>> {
    (!f.is_none()).then(|| Box::new(Callback { callable: f.clone() }))
}

/// The arguments of a method whose parameters will be positional only, but may be named for now.
fn positional<'a, const N: usize>(
    cx: &Ctx,
    method: &str,
    names: [&str; N],
    args: Args<'a>,
    others: &[&str],
) -> PyResult<[&'a Obj; N]> {
    let mut all = [None; N];
    if args.pos().len() > N {
        let given = args.pos().len();
        let s = if N == 1 { "" } else { "s" };
        return Err(cx.type_error(format!("{method}() takes exactly {N} positional argument{s} ({given} given)")));
    }
    for (slot, o) in all.iter_mut().zip(args.pos()) {
        *slot = Some(o);
    }
    let mut named = false;
    for (k, v) in args.keywords() {
        let k = as_utf8_lossy(k);
        match names.iter().position(|n| *n == k) {
            Some(i) if all[i].is_none() => {
                all[i] = Some(v);
                named = true;
            }
            Some(i) => {
                let at = i + 1;
                return Err(cx.type_error(format!("argument for {method}() given by name ('{k}') and position ({at})")));
            }
            None if others.contains(&&*k) => {}
            None => return Err(cx.type_error(format!("{method}() got an unexpected keyword argument '{k}'"))),
        }
    }
    if named {
        let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
        let (list, s) = match quoted.split_last() {
            Some((last, [])) => (last.clone(), ""),
            Some((last, rest)) => (format!("{} and {last}", rest.join(", ")), "s"),
            None => (String::new(), ""),
        };
        let message = format!(
            "Passing keyword argument{s} {list} to _sqlite3.Connection.{method}() is deprecated. Parameter{s} {list} \
             will become positional-only in Python 3.15."
        );
        (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)?;
    }
    for (i, slot) in all.iter().enumerate() {
        if slot.is_none() {
            let (name, at) = (names[i], i + 1);
            return Err(cx.type_error(format!("{method}() missing required argument '{name}' (pos {at})")));
        }
    }
    let nothing = &args.all()[0];
    Ok(all.map(|o| o.unwrap_or(nothing)))
}

/// Registers a function or aggregate.
fn register(cx: &Ctx, c: &Connection, name: &str, n: c_int, kind: Kind, f: &Obj, failure: &str) -> PyResult<()> {
    let db = c.database(cx)?;
    let most = db.limit(sys::SQLITE_LIMIT_FUNCTION_ARG, -1);
    if !(-1..=most).contains(&n) {
        let what = if kind == Kind::Window { "num_params" } else { "narg" };
        return Err(errors::misuse(cx, format!("'{what}' must be between -1 and {most}, not {n}")));
    }
    let c_name = c_string(cx, name)?;
    let made = wrap(f);
    let rc = callbacks::register(&db, &c_name, n, kind, made.as_deref());
    if rc != sys::SQLITE_OK {
        return Err(match kind {
            Kind::Window => errors::of_database(cx, &db),
            _ => errors::operational(cx, failure),
        });
    }
    c.keep(Place::Function(name.to_lowercase(), n), made);
    Ok(())
}

#[pymethods(part = "registration")]
impl Connection {
    /// Creates a function of SQL; None removes it.
    #[pymethod(sig = "($self, /, name, narg, func, *, deterministic=False)")]
    fn create_function(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        let [name, narg, func] = positional(cx, "create_function", ["name", "narg", "func"], args, &["deterministic"])?;
        let (name, narg) = (<&str>::from_obj(cx, name)?, <c_int>::from_obj(cx, narg)?);
        let mut deterministic = false;
        for (k, v) in args.keywords() {
            if &*as_utf8_lossy(k) == "deterministic" {
                deterministic = v.truthy(cx)?;
            }
        }
        this.check(cx)?;
        register(cx, &this, name, narg, Kind::Function { deterministic }, func, "Error creating function")
    }

    /// Creates an aggregate of SQL from a class with `step` and `finalize`; None removes it.
    #[pymethod(sig = "($self, /, name, n_arg, aggregate_class)")]
    fn create_aggregate(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        let names = ["name", "n_arg", "aggregate_class"];
        let [name, n_arg, aggregate_class] = positional(cx, "create_aggregate", names, args, &[])?;
        let (name, n_arg) = (<&str>::from_obj(cx, name)?, <c_int>::from_obj(cx, n_arg)?);
        this.check(cx)?;
        register(cx, &this, name, n_arg, Kind::Aggregate, aggregate_class, "Error creating aggregate")
    }

    /// Creates or redefines an aggregate window function; None removes it.
    #[pymethod(sig = "($self, name, num_params, aggregate_class, /)")]
    fn create_window_function(
        cx: &Ctx,
        this: This<'_, Connection>,
        name: &str,
        num_params: c_int,
        aggregate_class: &Obj,
    ) -> PyResult<()> {
        this.check(cx)?;
        register(cx, &this, name, num_params, Kind::Window, aggregate_class, "")
    }

    /// Creates a collation from a function of two texts; None removes it.
    #[pymethod(sig = "($self, name, callback, /)")]
    fn create_collation(cx: &Ctx, this: This<'_, Connection>, name: &str, callback: &Obj) -> PyResult<()> {
        this.check(cx)?;
        if !callback.is_none() {
            expect_callable(cx, callback)?;
        }
        let db = this.database(cx)?;
        let made = wrap(callback);
        if callbacks::register_collation(&db, &c_string(cx, name)?, made.as_deref()) != sys::SQLITE_OK {
            return Err(errors::of_database(cx, &db));
        }
        this.keep(Place::Collation(name.to_lowercase()), made);
        Ok(())
    }

    /// Sets the callback that allows or denies what statements do.
    #[pymethod(sig = "($self, /, authorizer_callback)")]
    fn set_authorizer(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        let [authorizer_callback] = positional(cx, "set_authorizer", ["authorizer_callback"], args, &[])?;
        this.check(cx)?;
        let db = this.database(cx)?;
        let made = wrap(authorizer_callback);
        if callbacks::set_authorizer(&db, made.as_deref()) != sys::SQLITE_OK {
            return Err(errors::operational(cx, "Error setting authorizer callback"));
        }
        this.keep(Place::Authorizer, made);
        Ok(())
    }

    /// Sets the callback that is called every `n` instructions of SQLite; what it returns stops the statement if true.
    #[pymethod(sig = "($self, /, progress_handler, n)")]
    fn set_progress_handler(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        // The number of instructions may be named.
        let by_name = args.keywords().find(|(k, _)| &*as_utf8_lossy(k) == "n").map(|(_, v)| v);
        let (progress_handler, n) = match by_name {
            Some(n) => {
                let [h] = positional(cx, "set_progress_handler", ["progress_handler"], args, &["n"])?;
                (h, n)
            }
            None => match args.pos() {
                [h, n] => (h, n),
                p => {
                    let given = p.len();
                    return Err(cx.type_error(format!(
                        "set_progress_handler() takes exactly 2 positional arguments ({given} given)"
                    )));
                }
            },
        };
        let n = <c_int>::from_obj(cx, n)?;
        this.check(cx)?;
        let db = this.database(cx)?;
        let made = wrap(progress_handler);
        callbacks::set_progress_handler(&db, n, made.as_deref());
        this.keep(Place::Progress, made);
        Ok(())
    }

    /// Sets the callback that gets the text of each statement that runs.
    #[pymethod(sig = "($self, /, trace_callback)")]
    fn set_trace_callback(cx: &Ctx, this: This<'_, Connection>, args: Args<'_>) -> PyResult<()> {
        let [trace_callback] = positional(cx, "set_trace_callback", ["trace_callback"], args, &[])?;
        this.check(cx)?;
        let db = this.database(cx)?;
        let made = wrap(trace_callback);
        callbacks::set_trace(&db, made.as_deref());
        this.keep(Place::Trace, made);
        Ok(())
    }
}

/// The switches of a connection that Python knows.
fn switch(cx: &Ctx, op: c_int) -> PyResult<c_int> {
    let known = constants::OTHERS.iter().any(|(name, n)| name.starts_with("SQLITE_DBCONFIG_") && *n == op);
    if known { Ok(op) } else { Err(cx.value_error(format!("unknown config 'op': {op}"))) }
}

#[cold]
fn bad_category(cx: &Ctx) -> Raised {
    errors::misuse(cx, "'category' is out of bounds")
}

#[pymethods(part = "settings")]
impl Connection {
    /// The value of a limit of the connection.
    #[pymethod(sig = "($self, category, /)")]
    fn getlimit(cx: &Ctx, this: This<'_, Connection>, category: c_int) -> PyResult<c_int> {
        Connection::setlimit(cx, this, category, -1)
    }

    /// Sets a limit of the connection and returns the value before. A negative one leaves it.
    #[pymethod(sig = "($self, category, limit, /)")]
    fn setlimit(cx: &Ctx, this: This<'_, Connection>, category: c_int, limit: c_int) -> PyResult<c_int> {
        this.check(cx)?;
        match this.database(cx)?.limit(category, limit) {
            old @ 0.. => Ok(old),
            _ => Err(bad_category(cx)),
        }
    }

    /// Reads a boolean switch of the connection.
    #[pymethod(sig = "($self, op, /)")]
    fn getconfig(cx: &Ctx, this: This<'_, Connection>, op: c_int) -> PyResult<bool> {
        this.check(cx)?;
        let op = switch(cx, op)?;
        let db = this.database(cx)?;
        db.get_config(op).ok_or_else(|| errors::of_database(cx, &db))
    }

    /// Sets a boolean switch of the connection.
    #[pymethod(sig = "($self, op, enable=True, /)")]
    fn setconfig(cx: &Ctx, this: This<'_, Connection>, op: c_int, enable: bool) -> PyResult<()> {
        this.check(cx)?;
        let op = switch(cx, op)?;
        let db = this.database(cx)?;
        match db.set_config(op, enable) {
            Some(now) if now == enable => Ok(()),
            Some(_) => Err(errors::operational(cx, "Unable to set config")),
            None => Err(errors::of_database(cx, &db)),
        }
    }

    /// Stops the statement that is running.
    #[pymethod]
    fn interrupt(cx: &Ctx, this: This<'_, Connection>) -> PyResult<()> {
        this.database(cx)?.interrupt();
        Ok(())
    }

    /// Allows or forbids the loading of extensions.
    #[pymethod(sig = "($self, enable, /)")]
    fn enable_load_extension(cx: &Ctx, this: This<'_, Connection>, enable: bool) -> PyResult<()> {
        (cx.host().audit)(cx, "sqlite3.enable_load_extension", &[this.obj().clone(), Obj::from_bool(enable)])?;
        this.check(cx)?;
        match this.database(cx)?.enable_load_extension(enable) {
            sys::SQLITE_OK => Ok(()),
            _ => Err(errors::operational(cx, "Error enabling load extension")),
        }
    }

    /// Loads an extension of SQLite.
    #[pymethod(sig = "($self, name, /, *, entrypoint=None)")]
    fn load_extension(cx: &Ctx, this: This<'_, Connection>, name: &str, entrypoint: Option<&str>) -> PyResult<()> {
        (cx.host().audit)(cx, "sqlite3.load_extension", &[this.obj().clone(), Obj::from(name)])?;
        this.check(cx)?;
        let name = c_string(cx, name)?;
        let entry = entrypoint.map(|e| c_string(cx, e)).transpose()?;
        this.database(cx)?.load_extension(&name, entry.as_deref()).map_err(|m| errors::operational(cx, m))
    }

    /// The bytes of the database, as a file of it has them.
    #[pymethod(sig = "($self, /, *, name='main')")]
    fn serialize(cx: &Ctx, this: This<'_, Connection>, name: &str) -> PyResult {
        this.check(cx)?;
        let db = this.database(cx)?;
        match db.serialize(cx, &c_string(cx, name)?) {
            Some(b) => Ok(bytes::new(&b)),
            None => Err(errors::operational(cx, format!("unable to serialize '{name}'"))),
        }
    }

    /// Replaces the database by the one whose bytes are given.
    #[pymethod(sig = "($self, data, /, *, name='main')")]
    fn deserialize(cx: &Ctx, this: This<'_, Connection>, data: &Obj, name: &str) -> PyResult<()> {
        let data = if data.type_of().is_str_subtype() {
            <&str>::from_obj(cx, data)?.as_bytes().to_vec()
        } else {
            BytesLike::new(cx, data)?.to_vec()
        };
        this.check(cx)?;
        let db = this.database(cx)?;
        match db.deserialize(cx, &c_string(cx, name)?, &data) {
            sys::SQLITE_OK => Ok(()),
            _ => Err(errors::of_database(cx, &db)),
        }
    }

    /// Opens a BLOB of a table.
    #[pymethod(sig = "($self, table, column, rowid, /, *, readonly=False, name='main')")]
    fn blobopen(
        cx: &Ctx,
        this: This<'_, Connection>,
        table: &str,
        column: &str,
        rowid: i64,
        readonly: bool,
        name: &str,
    ) -> PyResult {
        this.check(cx)?;
        let db = this.database(cx)?;
        let (table, column, name) = (c_string(cx, table)?, c_string(cx, column)?, c_string(cx, name)?);
        match db.open_blob(cx, [&name, &table, &column], rowid, !readonly) {
            Ok(h) => {
                let h = Rc::new(h);
                this.adopt_blob(&h);
                Ok(blob::new(this.obj().clone(), h))
            }
            Err(_) => Err(errors::of_database(cx, &db)),
        }
    }

    /// Copies the database into another one, so many pages at a time.
    #[pymethod(sig = "($self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25)")]
    fn backup(
        cx: &Ctx,
        this: This<'_, Connection>,
        target: &Obj,
        pages: c_int,
        progress: Option<&Obj>,
        name: &str,
        sleep: f64,
    ) -> PyResult<()> {
        let Some(to) = target.downcast::<Connection>() else {
            let got = target.type_of().name().to_string();
            return Err(cx.type_error(format!("backup() argument 1 must be sqlite3.Connection, not {got}")));
        };
        this.check(cx)?;
        to.check(cx)?;
        if target.is(this.obj()) {
            return Err(cx.value_error("target cannot be the same connection instance"));
        }
        if let Some(p) = progress
            && !p.is_callable()
        {
            return Err(cx.raise(exc::TypeError(), "progress argument must be a callable"));
        }
        copy(cx, &this, to, if pages == 0 { -1 } else { pages }, progress, name, (sleep * 1000.0) as c_int)
    }
}

fn copy(
    cx: &Ctx,
    from: &Connection,
    to: &Connection,
    pages: c_int,
    progress: Option<&Obj>,
    name: &str,
    wait: c_int,
) -> PyResult<()> {
    let (source, target) = (from.database(cx)?, to.database(cx)?);
    let Some(b) = Backup::start(&target, &source, &c_string(cx, name)?) else {
        return Err(errors::of_database(cx, &target));
    };
    let rc = loop {
        let rc = b.step(cx, pages);
        if let Some(f) = progress {
            let (left, all) = b.progress();
            f.call_pos(cx, &[Obj::from(rc), Obj::from(left), Obj::from(all)])?;
        }
        match rc {
            sys::SQLITE_OK => {}
            sys::SQLITE_BUSY | sys::SQLITE_LOCKED => sleep(cx, wait),
            rc => break rc,
        }
    };
    let ended = b.finish(cx);
    if rc == sys::SQLITE_DONE && ended == sys::SQLITE_OK { Ok(()) } else { Err(errors::of_database(cx, &target)) }
}
