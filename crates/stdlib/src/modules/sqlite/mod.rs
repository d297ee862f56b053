//! `_sqlite3`: the database SQLite by Python's DB-API 2.0.
//!
//! - [`ffi`]: SQLite's C interface behind safe types; [`callbacks`]: Python functions that SQLite calls
//! - [`connection`], [`settings`]: the class Connection; [`statement`]: prepared statements and parameters
//! - [`cursor`], [`row`], [`blob`]: the other classes; [`adapt`]: adapters and converters; [`errors`], [`constants`]

mod adapt;
mod blob;
mod callbacks;
mod connection;
mod constants;
mod cursor;
mod errors;
mod ffi;
mod row;
mod settings;
mod statement;

use std::rc::Rc;
use std::sync::atomic::Ordering;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, pyclass, pymodule};
use cinder_pyobj::types::set_class_constant;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult};

use adapt::PrepareProtocol;
use blob::Blob;
use connection::Connection;
use cursor::Cursor;
use row::Row;

const PARSE_DECLTYPES: i32 = 1;
const PARSE_COLNAMES: i32 = 2;

/// A prepared statement as an object: what calling a connection gives.
#[pyclass(name = "Statement", module = "sqlite3", flags(no_new))]
pub(crate) struct StatementObject {
    _prepared: Rc<statement::Prepared>,
}

impl Traverse for StatementObject {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

fn new_statement(p: Rc<statement::Prepared>) -> PyResult {
    Ok(new_instance(StatementObject::class().type_object(), StatementObject { _prepared: p }))
}

#[pymodule(
    name = "_sqlite3",
    classes(super::Connection, super::Cursor, super::Row, super::Blob, super::PrepareProtocol)
)]
pub(crate) mod module {
    use super::*;

    /// Opens a connection to the SQLite database file 'database'; ":memory:" is a database in memory.
    #[pyfunction(
        sig = "(database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=ConnectionType, cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)"
    )]
    fn connect(cx: &Ctx, args: Args<'_>) -> PyResult {
        connection::connect(cx, args)
    }

    /// Whether a text ends with a complete statement of SQL.
    #[pyfunction(sig = "(statement)")]
    fn complete_statement(cx: &Ctx, statement: &str) -> PyResult<bool> {
        Ok(ffi::is_complete(&connection::c_string(cx, statement)?))
    }

    /// Registers a function that makes values for SQLite of a type's instances.
    #[pyfunction(sig = "(type, adapter, /)")]
    fn register_adapter(cx: &Ctx, r#type: &Obj, adapter: &Obj) -> PyResult<()> {
        adapt::register_adapter(cx, r#type, adapter)
    }

    /// Registers a function that makes objects of the values of a declared type.
    #[pyfunction(sig = "(typename, converter, /)")]
    fn register_converter(cx: &Ctx, typename: &str, converter: &Obj) -> PyResult<()> {
        adapt::register_converter(cx, &Obj::from(typename), converter)
    }

    /// Adapts an object to a protocol.
    #[pyfunction(sig = "(obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)")]
    fn adapt(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "adapt", 1, 3)?;
        let proto = a.get(1).cloned().unwrap_or_else(super::adapt::protocol);
        super::adapt::adapt(cx, &a[0], proto, a.get(2))
    }

    /// Turns the display of exceptions in callbacks on or off.
    #[pyfunction(sig = "(enable, /)")]
    fn enable_callback_tracebacks(enable: bool) {
        callbacks::TRACEBACKS.store(enable, Ordering::Relaxed);
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let set = |name: &str, value: &Obj| module.set_attr(cx, Name::new(name), value);
        for (name, class) in errors::all() {
            set(name, &class.as_obj())?;
            set_class_constant(Connection::type_object(), Name::new(name), class.as_obj());
        }
        for (name, n) in constants::RESULTS.iter().chain(constants::OTHERS) {
            set(name, &Obj::from(*n))?;
        }
        set("PARSE_DECLTYPES", &Obj::from(PARSE_DECLTYPES))?;
        set("PARSE_COLNAMES", &Obj::from(PARSE_COLNAMES))?;
        set("LEGACY_TRANSACTION_CONTROL", &Obj::from(-1))?;
        // Connections are serialised by SQLite itself.
        set("threadsafety", &Obj::from(3))?;
        set("sqlite_version", &Obj::from(ffi::version()))?;
        set("adapters", &super::adapt::adapters())?;
        set("converters", &super::adapt::converters())
    }
}
