//! `Row`: a row whose values are also found by the name of their column.

use std::cmp::Ordering;

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, Type, exc, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::cursor::Cursor;

/// A row of a result: a sequence of values that can be indexed by column names as well.
#[pyclass(name = "Row", module = "sqlite3", flags(basetype, sequence), sig = "(cursor, data, /)")]
#[derive(Traverse)]
pub(crate) struct Row {
    data: Obj,
    description: Obj,
}

impl Row {
    fn values(&self) -> &[Obj] {
        tuple::items_if_tuple(&self.data).unwrap_or(&[])
    }
}

/// The name of a column in a description.
fn name_of(column: &Obj) -> Obj {
    tuple::items_if_tuple(column).and_then(|c| c.first()).cloned().unwrap_or_else(Obj::none)
}

#[pymethods]
impl Row {
    #[pynew(sig = "(cursor, data, /)")]
    fn __new__(cx: &Ctx, ty: &Type, cursor: &Obj, data: &Obj) -> PyResult {
        let Some(c) = cursor.downcast::<Cursor>() else {
            let got = cursor.type_of().name();
            return Err(cx.type_error(format!("Row() argument 1 must be sqlite3.Cursor, not {got}")));
        };
        if tuple::items_if_tuple(data).is_none() {
            let got = data.type_of().name();
            return Err(cx.type_error(format!("Row() argument 2 must be tuple, not {got}")));
        }
        Ok(new_instance(ty, Row { data: data.clone(), description: c.description() }))
    }

    /// The names of the columns.
    #[pymethod]
    fn keys(_cx: &Ctx, this: This<'_, Row>) -> Obj {
        let columns = tuple::items_if_tuple(&this.description).unwrap_or(&[]);
        list::new(columns.iter().map(name_of).collect())
    }

    fn __len__(_cx: &Ctx, this: This<'_, Row>) -> PyResult<usize> {
        Ok(this.values().len())
    }

    fn __iter__(cx: &Ctx, this: This<'_, Row>) -> PyResult {
        this.data.iter(cx)
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Row>, key: &Obj) -> PyResult {
        if int::is_int(key) || key.downcast::<cinder_pyobj::types::slice::Slice>().is_some() {
            return this.data.get_item(cx, key);
        }
        if !key.type_of().is_str_subtype() {
            return Err(cx.raise(exc::IndexError(), "Index must be int or string"));
        }
        let wanted = as_utf8_lossy(key);
        let columns = tuple::items_if_tuple(&this.description).unwrap_or(&[]);
        let at = columns.iter().position(|c| {
            let name = name_of(c);
            let name = as_utf8_lossy(&name);
            // Case counts for other letters than those of ASCII.
            name.eq_ignore_ascii_case(&wanted)
        });
        match at.and_then(|i| this.values().get(i)) {
            Some(v) => Ok(v.clone()),
            // Without columns the name itself tells more.
            None if columns.is_empty() => Err(cx.raise_args(exc::IndexError(), std::slice::from_ref(key))),
            None => Err(cx.raise(exc::IndexError(), "No item with that key")),
        }
    }

    fn __hash__(cx: &Ctx, this: This<'_, Row>) -> PyResult<i64> {
        Ok(this.description.hash(cx)? ^ this.data.hash(cx)?)
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Row>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Row>().filter(|_| matches!(op, CmpOp::Eq | CmpOp::Ne)) else {
            return Ok(Obj::not_implemented());
        };
        let same = this.description.eq(cx, &o.description)? && this.data.eq(cx, &o.data)?;
        Ok(Obj::from_bool(op.holds(if same { Ordering::Equal } else { Ordering::Less })))
    }
}
