//! The exceptions of DB-API 2.0, and which of them a result code stands for.

use std::ffi::c_int;

use cinder_pyobj::native::{PyClass, pyclass};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Ctx, Raised, Type, intern};
use libsqlite3_sys as sys;

use super::constants;
use super::ffi::Database;

macro_rules! exceptions {
    ($($(#[doc = $doc:literal])* $name:ident($base:path, $text:literal);)*) => {
        $($(#[doc = $doc])*
        #[pyclass(name = $text, module = "sqlite3", base = $base, flags(basetype, mutable), payload = "inherit")]
        pub(crate) struct $name;)*
    };
}

exceptions! {
    /// The base of all errors of this module.
    Error(exc::markers::Exception, "Error");
    /// Important warnings.
    Warning(exc::markers::Exception, "Warning");
    /// Misuse of the interface rather than errors of the database.
    InterfaceError(Error, "InterfaceError");
    /// Errors of the database.
    DatabaseError(Error, "DatabaseError");
    /// Errors of the database's own workings.
    InternalError(DatabaseError, "InternalError");
    /// Errors outside of the programmer's control.
    OperationalError(DatabaseError, "OperationalError");
    /// Errors of the program.
    ProgrammingError(DatabaseError, "ProgrammingError");
    /// Violations of the database's integrity.
    IntegrityError(DatabaseError, "IntegrityError");
    /// Errors of the data processed.
    DataError(DatabaseError, "DataError");
    /// What the database does not support.
    NotSupportedError(DatabaseError, "NotSupportedError");
}

/// The exceptions as attributes of the module and of connections.
pub(super) fn all() -> [(&'static str, &'static Type); 10] {
    [
        ("Error", Error::type_object()),
        ("Warning", Warning::type_object()),
        ("InterfaceError", InterfaceError::type_object()),
        ("DatabaseError", DatabaseError::type_object()),
        ("InternalError", InternalError::type_object()),
        ("OperationalError", OperationalError::type_object()),
        ("ProgrammingError", ProgrammingError::type_object()),
        ("IntegrityError", IntegrityError::type_object()),
        ("DataError", DataError::type_object()),
        ("NotSupportedError", NotSupportedError::type_object()),
    ]
}

/// Raises ProgrammingError.
#[cold]
pub(super) fn misuse(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(ProgrammingError::type_object(), message)
}

/// Raises OperationalError.
#[cold]
pub(super) fn operational(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(OperationalError::type_object(), message)
}

/// Raises DataError.
#[cold]
pub(super) fn data(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(DataError::type_object(), message)
}

/// Raises the exception that a result code stands for; nothing in it means MemoryError.
fn class_of(code: c_int) -> Option<&'static Type> {
    Some(match code & 0xff {
        sys::SQLITE_NOMEM => return None,
        sys::SQLITE_INTERNAL | sys::SQLITE_NOTFOUND => InternalError::type_object(),
        sys::SQLITE_ERROR
        | sys::SQLITE_PERM
        | sys::SQLITE_ABORT
        | sys::SQLITE_BUSY
        | sys::SQLITE_LOCKED
        | sys::SQLITE_READONLY
        | sys::SQLITE_INTERRUPT
        | sys::SQLITE_IOERR
        | sys::SQLITE_FULL
        | sys::SQLITE_CANTOPEN
        | sys::SQLITE_PROTOCOL
        | sys::SQLITE_EMPTY
        | sys::SQLITE_SCHEMA => OperationalError::type_object(),
        sys::SQLITE_TOOBIG => DataError::type_object(),
        sys::SQLITE_CONSTRAINT | sys::SQLITE_MISMATCH => IntegrityError::type_object(),
        sys::SQLITE_MISUSE | sys::SQLITE_RANGE => InterfaceError::type_object(),
        _ => DatabaseError::type_object(),
    })
}

/// Raises the error of a result code with a message.
#[cold]
pub(super) fn of_code(cx: &Ctx, code: c_int, message: &str) -> Raised {
    let Some(class) = class_of(code) else { return cx.no_memory() };
    let e = exc::new(cx, class, message);
    let name = constants::error_name(code).unwrap_or("unknown");
    let set = || {
        e.set_attr(cx, intern!("sqlite_errorcode"), &cinder_pyobj::Obj::from(code))?;
        e.set_attr(cx, intern!("sqlite_errorname"), &cinder_pyobj::Obj::from(name))
    };
    match set() {
        Ok(()) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// Raises the last error of a database.
#[cold]
pub(super) fn of_database(cx: &Ctx, db: &Database) -> Raised {
    let (code, message) = db.last_error();
    of_code(cx, code, &message)
}
