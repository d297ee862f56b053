//! `_csv`: reading and writing of comma-separated values.

mod dialect;
mod reader;
mod writer;

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use cinder_pyobj::heap::new_instance;
use cinder_pyobj::native::{Args, PyClass, pyclass, pymodule};
use cinder_pyobj::types::str::{self as text, Name, Str};
use cinder_pyobj::types::{dict, exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use dialect::Dialect;
use reader::Reader;
use writer::Writer;

pub(crate) const QUOTE_MINIMAL: i64 = 0;
pub(crate) const QUOTE_ALL: i64 = 1;
pub(crate) const QUOTE_NONNUMERIC: i64 = 2;
pub(crate) const QUOTE_NONE: i64 = 3;
pub(crate) const QUOTE_STRINGS: i64 = 4;
pub(crate) const QUOTE_NOTNULL: i64 = 5;

/// The error of this module.
#[pyclass(name = "Error", module = "_csv", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub(crate) struct Error;

#[cold]
fn raise(cx: &Ctx, message: impl AsRef<str>) -> Raised {
    cx.raise(Error::class().type_object(), message)
}

static FIELD_LIMIT: AtomicI64 = AtomicI64::new(128 * 1024);

fn field_limit() -> i64 {
    FIELD_LIMIT.load(Ordering::Relaxed)
}

/// The dict of registered dialects, an attribute of the module.
fn dialects(cx: &Ctx) -> PyResult {
    (cx.host().import)(cx, "_csv")?.get_attr(cx, intern!("_dialects"))
}

fn registered(cx: &Ctx, name: &Obj) -> PyResult {
    match dialects(cx)?.get_item(cx, name) {
        Ok(d) => Ok(d),
        Err(r) => {
            cx.swallow(r, exc::KeyError())?;
            Err(raise(cx, "unknown dialect"))
        }
    }
}

/// The positional dialect and the format parameters of a call, behind `skip` positional arguments.
fn dialect_of(cx: &Ctx, args: Args<'_>, skip: usize, function: &str) -> PyResult {
    let pos = args.pos();
    if pos.len() < skip {
        return Err(cx.type_error(format!(
            "{function} expected at least {skip} argument{}, got {}",
            if skip == 1 { "" } else { "s" },
            pos.len()
        )));
    }
    if pos.len() > skip + 1 {
        return Err(cx.type_error(format!("{function} expected at most {} arguments, got {}", skip + 1, pos.len())));
    }
    let mut base = pos.get(skip).cloned();
    let mut keywords: Vec<(Obj, Obj)> = Vec::new();
    for (k, v) in args.keywords() {
        if text::as_utf8_lossy(k) == "dialect" {
            base = Some(v.clone());
        } else {
            keywords.push((k.clone(), v.clone()));
        }
    }
    Dialect::make(cx, base.as_ref(), &keywords)
}

/// Native parts of the module csv: readers, writers and dialects.
#[pymodule(name = "_csv", classes(super::Dialect, super::Error))]
pub(crate) mod module {
    use super::*;

    /// A reader of records from an iterable of lines.
    #[pyfunction(sig = "(iterable, /, dialect='excel', **fmtparams)")]
    fn reader(cx: &Ctx, args: Args<'_>) -> PyResult {
        let dialect = dialect_of(cx, args, 1, "reader")?;
        let Some(lines) = args.pos().first() else { return Err(cx.type_error("reader needs an iterable")) };
        let r = Reader { lines: lines.iter(cx)?, dialect, line_num: Cell::new(0), begun: Cell::new(0) };
        Ok(new_instance(Reader::type_object(), r))
    }

    /// A writer of records to an object with a write method.
    #[pyfunction(sig = "(fileobj, /, dialect='excel', **fmtparams)")]
    fn writer(cx: &Ctx, args: Args<'_>) -> PyResult {
        let dialect = dialect_of(cx, args, 1, "writer")?;
        let Some(file) = args.pos().first() else { return Err(cx.type_error("writer needs a file")) };
        let write = match file.get_attr_opt(cx, intern!("write"))? {
            Some(w) if w.is_callable() => w,
            _ => return Err(cx.type_error("argument 1 must have a \"write\" method")),
        };
        Ok(new_instance(Writer::type_object(), Writer { write, dialect }))
    }

    /// Registers a dialect under a name.
    #[pyfunction(sig = "(name, /, dialect='excel', **fmtparams)")]
    fn register_dialect(cx: &Ctx, args: Args<'_>) -> PyResult<()> {
        if let Some(n) = args.pos().first()
            && n.downcast::<Str>().is_none()
        {
            return Err(cx.type_error("dialect name must be a string"));
        }
        let d = dialect_of(cx, args, 1, "register_dialect")?;
        match args.pos().first() {
            Some(name) => dialects(cx)?.set_item(cx, name, &d),
            None => Ok(()),
        }
    }

    /// Forgets a dialect.
    #[pyfunction(sig = "(name)")]
    fn unregister_dialect(cx: &Ctx, name: &Obj) -> PyResult<()> {
        match dialects(cx)?.del_item(cx, name) {
            Ok(()) => Ok(()),
            Err(r) => {
                cx.swallow(r, exc::KeyError())?;
                Err(raise(cx, "unknown dialect"))
            }
        }
    }

    /// The dialect of a name.
    #[pyfunction(sig = "(name)")]
    fn get_dialect(cx: &Ctx, name: &Obj) -> PyResult {
        registered(cx, name)
    }

    /// The names of all dialects.
    #[pyfunction]
    fn list_dialects(cx: &Ctx) -> PyResult {
        Ok(cinder_pyobj::types::list::new(dialects(cx)?.collect(cx)?))
    }

    /// Sets the largest field size; returns the old one.
    #[pyfunction(sig = "(new_limit=<unrepresentable>)")]
    fn field_size_limit(cx: &Ctx, new_limit: Option<&Obj>) -> PyResult<i64> {
        let old = field_limit();
        if let Some(n) = new_limit {
            if int::to_bigint(n).is_none() {
                return Err(cx.type_error("limit must be an integer"));
            }
            FIELD_LIMIT.store(n.to_i64(cx)?, Ordering::Relaxed);
        }
        Ok(old)
    }

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        for (name, v) in [
            ("QUOTE_MINIMAL", QUOTE_MINIMAL),
            ("QUOTE_ALL", QUOTE_ALL),
            ("QUOTE_NONNUMERIC", QUOTE_NONNUMERIC),
            ("QUOTE_NONE", QUOTE_NONE),
            ("QUOTE_STRINGS", QUOTE_STRINGS),
            ("QUOTE_NOTNULL", QUOTE_NOTNULL),
        ] {
            module.set_attr(cx, Name::new(name), &Obj::from(v))?;
        }
        module.set_attr(cx, Name::new("Reader"), &Reader::type_object().as_obj())?;
        module.set_attr(cx, Name::new("Writer"), &Writer::type_object().as_obj())?;
        module.set_attr(cx, Name::new("_dialects"), &dict::new())
    }
}
