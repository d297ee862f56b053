//! `cell`: a variable shared between a function and its closures.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::{CmpOp, Type};
use crate::value::{Obj, ObjCell};

/// A variable shared by functions that close over it.
///
/// It is empty if no contents are given; reading cell_contents of an empty cell raises ValueError.
#[pyclass(name = "cell", fixed = Cell, sig = "([contents])")]
#[derive(Traverse)]
pub struct CellObject {
    value: ObjCell,
}

/// A new cell.
pub fn new(value: Option<Obj>) -> Obj {
    heap::new_instance(CellObject::class().type_object(), CellObject { value: ObjCell::new(value) })
}

impl CellObject {
    /// The contents.
    #[inline]
    pub fn get(&self) -> Option<Obj> {
        self.value.get()
    }

    /// The contents as a borrowed word.
    #[inline(always)]
    pub fn peek(&self) -> Option<crate::value::Value> {
        self.value.peek()
    }

    /// Changes the contents.
    #[inline]
    pub fn set(&self, v: Option<Obj>) {
        self.value.set(v);
    }

    /// Changes the contents and returns the old ones.
    #[inline]
    pub fn replace(&self, v: Option<Obj>) -> Option<Obj> {
        self.value.replace(v)
    }
}

#[pymethods]
impl CellObject {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "cell", 0, 1)?;
        Ok(new(a.first().cloned()))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, CellObject>) -> PyResult {
        let text = match this.get() {
            None => format!("<cell at {:#x}: empty>", this.obj().id()),
            Some(v) => {
                format!("<cell at {:#x}: {} object at {:#x}>", this.obj().id(), v.type_of().name(), v.id())
            }
        };
        Ok(Obj::from(text.as_str()))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, CellObject>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<CellObject>() else { return Ok(Obj::not_implemented()) };
        match (this.get(), o.get()) {
            (Some(a), Some(b)) => a.rich_cmp(cx, &b, op),
            (a, b) => Ok(Obj::from_bool(op.holds(a.is_some().cmp(&b.is_some())))),
        }
    }

    #[pygetter]
    fn cell_contents(cx: &Ctx, this: This<'_, CellObject>) -> PyResult {
        this.get().ok_or_else(|| cx.value_error("cell is empty"))
    }

    #[pysetter]
    fn set_cell_contents(this: This<'_, CellObject>, value: Option<&Obj>) -> PyResult<()> {
        this.set(value.cloned());
        Ok(())
    }
}
