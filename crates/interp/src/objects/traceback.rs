//! `traceback` objects.

use std::cell::Cell;

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{exc, list};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use super::frame_obj::FrameObject;

/// A link in the chain of frames that an exception passed through.
///
/// tb_next is the link further inside or None; tb_lasti and tb_lineno are where the frame was.
#[pyclass(name = "traceback", fixed = Traceback)]
#[derive(Traverse)]
pub struct Traceback {
    next: ObjCell,
    frame: Obj,
    lasti: i64,
    /// The line, computed from `lasti` when -1.
    line: Cell<i64>,
}

impl Traceback {
    fn line(&self) -> i64 {
        if self.line.get() >= 0 {
            return self.line.get();
        }
        let line = self.frame.downcast::<FrameObject>().and_then(|f| f.line_at(self.lasti as u32 / 2));
        line.map_or(-1, i64::from)
    }
}

/// Puts an entry for `frame` at instruction `pc` in front of the exception's traceback.
pub(crate) fn add_entry(e: &Obj, frame: Obj, pc: u32) {
    let t = Traceback { next: ObjCell::new(exc::traceback(e)), frame, lasti: i64::from(pc) * 2, line: Cell::new(-1) };
    exc::set_traceback(e, Some(heap::new_instance(Traceback::class().type_object(), t)));
}

/// The entry after this one.
pub(crate) fn next(t: &Obj) -> Option<Obj> {
    t.downcast::<Traceback>()?.next.get()
}

/// The instruction in the first entry of an exception's traceback, if that is of this frame.
pub(crate) fn entry_of(e: &Obj, frame: Value) -> Option<u32> {
    let t = exc::traceback(e)?;
    let t = t.downcast::<Traceback>()?;
    (t.frame.value() == frame).then_some(t.lasti as u32 / 2)
}

/// Links an entry to the one after it.
pub(crate) fn set_next(t: &Obj, next: Option<Obj>) {
    if let Some(t) = t.downcast::<Traceback>() {
        t.next.set(next);
    }
}

/// The line of an entry, -1 where it has none.
pub(crate) fn line(t: &Obj) -> i64 {
    t.downcast::<Traceback>().map_or(-1, Traceback::line)
}

/// The file and the function's name of an entry.
pub(crate) fn place(t: &Obj) -> Option<(String, String)> {
    let frame = t.downcast::<Traceback>()?.frame.clone();
    frame.downcast::<FrameObject>()?.place()
}

#[pymethods]
impl Traceback {
    #[pynew(sig = "(tb_next, tb_frame, tb_lasti, tb_lineno)")]
    fn __new__(cx: &Ctx, ty: &Type, tb_next: &Obj, tb_frame: &Obj, tb_lasti: i64, tb_lineno: i64) -> PyResult {
        if !tb_next.is_none() && tb_next.downcast::<Traceback>().is_none() {
            return Err(cx.type_error(format!("expected traceback object or None, got '{}'", tb_next.type_of().name())));
        }
        if tb_frame.downcast::<FrameObject>().is_none() {
            return Err(cx.type_error(format!(
                "traceback() argument 'tb_frame' must be frame, not {}",
                tb_frame.type_of().name()
            )));
        }
        Ok(heap::new_instance(
            ty,
            Traceback {
                next: ObjCell::new(tb_next.clone().non_none()),
                frame: tb_frame.clone(),
                lasti: tb_lasti,
                line: Cell::new(tb_lineno),
            },
        ))
    }

    #[pygetter]
    fn tb_next(this: This<'_, Traceback>) -> Option<Obj> {
        this.next.get()
    }

    #[pysetter]
    fn set_tb_next(cx: &Ctx, this: This<'_, Traceback>, value: Option<&Obj>) -> PyResult<()> {
        let Some(v) = value else { return Err(cx.type_error("can't delete tb_next attribute")) };
        if v.is_none() {
            this.next.set(None);
            return Ok(());
        }
        let mut at = Some(v.clone());
        while let Some(t) = at {
            let Some(tb) = t.downcast::<Traceback>() else {
                return Err(cx.type_error(format!("expected traceback object, got '{}'", t.type_of().name())));
            };
            if t.is(this.obj()) {
                return Err(cx.value_error("traceback loop detected"));
            }
            at = tb.next.get();
        }
        this.next.set(Some(v.clone()));
        Ok(())
    }

    #[pygetter(member)]
    fn tb_frame(this: This<'_, Traceback>) -> Obj {
        this.frame.clone()
    }

    #[pygetter(member)]
    fn tb_lasti(this: This<'_, Traceback>) -> i64 {
        this.lasti
    }

    #[pygetter]
    fn tb_lineno(this: This<'_, Traceback>) -> Option<i64> {
        Some(this.line()).filter(|l| *l >= 0)
    }

    #[pymethod]
    fn __dir__(this: This<'_, Traceback>) -> Obj {
        let _ = this;
        list::new(["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].iter().map(|n| Obj::from(*n)).collect())
    }
}
