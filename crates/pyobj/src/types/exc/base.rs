//! `BaseException`.

use std::cell::Cell;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, This, pyclass, pymethods};
use crate::protocol;
use crate::types::{Type, dict, list, tuple};
use crate::value::{Obj, ObjCell};

/// The native part of every exception.
#[pyclass(
    name = "BaseException",
    flags(basetype, dict),
    doc = "The root of all exceptions; programs derive theirs from Exception."
)]
#[derive(Traverse)]
#[repr(C)]
pub struct BaseException {
    pub(crate) args: ObjCell,
    pub(crate) traceback: ObjCell,
    pub(crate) context: ObjCell,
    pub(crate) cause: ObjCell,
    pub(crate) suppress_context: Cell<bool>,
}

impl BaseException {
    pub(crate) fn new(args: &[Obj]) -> BaseException {
        BaseException {
            args: ObjCell::new(Some(tuple::from_slice(args))),
            traceback: ObjCell::new(None),
            context: ObjCell::new(None),
            cause: ObjCell::new(None),
            suppress_context: Cell::new(false),
        }
    }

    /// `e.args`.
    pub fn args(&self) -> Obj {
        self.args.get().unwrap_or_else(|| tuple::new(Vec::new()))
    }
}

fn optional_exception(cx: &Ctx, value: Option<&Obj>, what: &str) -> PyResult<Option<Obj>> {
    let Some(v) = value else {
        return Err(cx.type_error(format!("{what} may not be deleted")));
    };
    if v.is_none() {
        return Ok(None);
    }
    if v.downcast::<BaseException>().is_none() {
        return Err(
            cx.type_error(format!("exception {} must be None or derive from BaseException", what.trim_matches('_')))
        );
    }
    Ok(Some(v.clone()))
}

#[pymethods]
impl BaseException {
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, BaseException::new(args.pos())))
    }

    fn __init__(cx: &Ctx, this: This<'_, BaseException>, args: Args<'_>) -> PyResult<()> {
        if args.has_keywords() {
            return Err(cx.type_error(format!("{}() takes no keyword arguments", this.obj().type_of().name())));
        }
        // `__new__` was nearly always given the same arguments.
        let same = this.args.peek().is_some_and(|v| {
            // SAFETY: the cell keeps the tuple alive; looking at its items runs nothing.
            let old = tuple::items_if_tuple(unsafe { Obj::borrow_from(&v) }).unwrap_or(&[]);
            old.len() == args.pos().len() && old.iter().zip(args.pos()).all(|(a, b)| a.is(b))
        });
        if !same {
            this.args.set(Some(tuple::from_slice(args.pos())));
        }
        Ok(())
    }

    fn __repr__(cx: &Ctx, this: This<'_, BaseException>) -> PyResult {
        let args = this.args();
        let name = this.obj().type_of().short_name().to_string();
        let items = tuple::items_if_tuple(&args).unwrap_or(&[]);
        let text = match items {
            [one] => format!("{name}({})", crate::types::str::as_utf8_lossy(&one.repr(cx)?)),
            _ => format!("{name}{}", crate::types::str::as_utf8_lossy(&args.repr(cx)?)),
        };
        Ok(Obj::from(text.as_str()))
    }

    pub(super) fn __str__(cx: &Ctx, this: This<'_, BaseException>) -> PyResult {
        let args = this.args();
        match tuple::items_if_tuple(&args).unwrap_or(&[]) {
            [] => Ok(Obj::from("")),
            [one] => one.str(cx),
            _ => args.str(cx),
        }
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        protocol::generic_get_attr(cx, this, name)
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        protocol::generic_set_attr(cx, this, name, value)
    }

    #[pygetter(name = "args")]
    fn get_args(this: This<'_, BaseException>) -> Obj {
        this.args()
    }

    #[pysetter(name = "args")]
    fn set_args(cx: &Ctx, this: This<'_, BaseException>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("args may not be deleted")) };
        let items = v.collect(cx)?;
        this.args.set(Some(tuple::new(items)));
        Ok(())
    }

    #[pygetter]
    fn __traceback__(this: This<'_, BaseException>) -> Option<Obj> {
        this.traceback.get()
    }

    #[pysetter(name = "__traceback__")]
    fn set_traceback(cx: &Ctx, this: This<'_, BaseException>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("__traceback__ may not be deleted")) };
        if !v.is_none() && !v.is_exact(crate::native::FixedShape::Traceback) {
            return Err(cx.type_error("__traceback__ must be a traceback or None"));
        }
        this.traceback.set(v.clone().non_none());
        Ok(())
    }

    #[pygetter]
    fn __context__(this: This<'_, BaseException>) -> Option<Obj> {
        this.context.get()
    }

    #[pysetter(name = "__context__")]
    fn set_context(cx: &Ctx, this: This<'_, BaseException>, value: Option<&Obj>) -> PyResult<()> {
        let v = optional_exception(cx, value, "__context__")?;
        this.context.set(v);
        Ok(())
    }

    #[pygetter]
    fn __cause__(this: This<'_, BaseException>) -> Option<Obj> {
        this.cause.get()
    }

    #[pysetter(name = "__cause__")]
    fn set_cause(cx: &Ctx, this: This<'_, BaseException>, value: Option<&Obj>) -> PyResult<()> {
        let v = optional_exception(cx, value, "__cause__")?;
        this.cause.set(v);
        this.suppress_context.set(true);
        Ok(())
    }

    #[pygetter]
    fn __suppress_context__(this: This<'_, BaseException>) -> bool {
        this.suppress_context.get()
    }

    #[pysetter(name = "__suppress_context__")]
    fn set_suppress_context(cx: &Ctx, this: This<'_, BaseException>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("can't delete numeric/char attribute")) };
        if !v.is_exact(crate::native::FixedShape::Bool) {
            return Err(cx.type_error("attribute value type must be bool"));
        }
        this.suppress_context.set(v.truthy(cx)?);
        Ok(())
    }

    /// Sets __traceback__, and gives the exception itself.
    #[pymethod(sig = "($self, tb, /)")]
    fn with_traceback(cx: &Ctx, this: This<'_, BaseException>, tb: &Obj) -> PyResult {
        Self::set_traceback(cx, this, Some(tb))?;
        Ok(this.obj().clone())
    }

    /// Adds a line to __notes__, which tracebacks show behind the message.
    #[pymethod(sig = "($self, note, /)")]
    fn add_note(cx: &Ctx, this: This<'_, BaseException>, note: &Obj) -> PyResult<()> {
        if !note.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("add_note() argument must be str, not {}", note.type_of().name())));
        }
        let name = intern!("__notes__");
        let notes = match this.obj().get_attr_opt(cx, name)? {
            Some(n) => n,
            None => {
                let n = list::new(Vec::new());
                this.obj().set_attr(cx, name, &n)?;
                n
            }
        };
        match notes.downcast::<list::List>() {
            Some(l) => {
                l.push(note.clone());
                Ok(())
            }
            None => Err(cx.type_error("Cannot add note: __notes__ is not a list")),
        }
    }

    /// Helper for pickle.
    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, BaseException>) -> PyResult {
        let mut parts = vec![this.obj().type_of().as_obj(), this.args()];
        if let Some(d) = dict::instance_dict(cx, this.obj())?
            && d.len(cx)? > 0
        {
            parts.push(d);
        }
        Ok(tuple::new(parts))
    }

    /// Restores attributes from a mapping.
    #[pymethod(sig = "($self, state, /)")]
    fn __setstate__(cx: &Ctx, this: &Obj, state: &Obj) -> PyResult<()> {
        if state.is_none() {
            return Ok(());
        }
        let Some(items) = dict::items_if_dict(state) else {
            return Err(cx.type_error("state is not a dictionary"));
        };
        for (k, v) in items {
            this.store_attr(cx, &k, Some(&v))?;
        }
        Ok(())
    }
}
