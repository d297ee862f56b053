//! `Blob`: a value of a table, open for reading and writing in parts.

use std::cell::Cell;
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::slice::Slice;
use cinder_pyobj::types::{exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::connection::Connection;
use super::cursor::connection;
use super::errors;
use super::ffi::BlobHandle;

/// A BLOB that is read and written where it lies.
#[pyclass(name = "Blob", module = "sqlite3", flags(no_new, weakref))]
pub(crate) struct Blob {
    connection: Obj,
    handle: Rc<BlobHandle>,
    at: Cell<usize>,
}

impl Traverse for Blob {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.connection.value());
    }
}

pub(super) fn new(connection: Obj, handle: Rc<BlobHandle>) -> Obj {
    new_instance(Blob::class().type_object(), Blob { connection, handle, at: Cell::new(0) })
}

impl Blob {
    fn check<'a>(&'a self, cx: &Ctx) -> PyResult<&'a Connection> {
        let c = connection(cx, &self.connection)?;
        c.check(cx)?;
        if !self.handle.is_open() {
            return Err(errors::misuse(cx, "Cannot operate on a closed blob."));
        }
        Ok(c)
    }

    fn read_at(&self, cx: &Ctx, c: &Connection, at: usize, n: usize) -> PyResult<Vec<u8>> {
        let db = c.database(cx)?;
        self.handle.read(cx, at, n).map_err(|code| failed(cx, code, &db))
    }

    fn write_at(&self, cx: &Ctx, c: &Connection, at: usize, data: &[u8]) -> PyResult<()> {
        if at + data.len() > self.handle.len() {
            return Err(cx.value_error("data longer than blob length"));
        }
        let db = c.database(cx)?;
        match self.handle.write(cx, at, data) {
            0 => Ok(()),
            code => Err(failed(cx, code, &db)),
        }
    }

    /// The offset that an index stands for.
    fn index(&self, cx: &Ctx, key: &Obj) -> PyResult<usize> {
        let len = self.handle.len() as i64;
        let i = key.to_index(cx)? as i64;
        let i = if i < 0 { i + len } else { i };
        if (0..len).contains(&i) { Ok(i as usize) } else { Err(cx.index_error("Blob index out of range")) }
    }
}

/// The error of a handle; one that lost its row has no message of the database's.
fn failed(cx: &Ctx, code: i32, db: &super::ffi::Database) -> cinder_pyobj::Raised {
    if code == libsqlite3_sys::SQLITE_ABORT {
        return errors::operational(cx, "Cannot operate on an expired blob handle");
    }
    errors::of_database(cx, db)
}

/// The offsets that a slice names, in its order.
fn places(cx: &Ctx, s: &Slice, len: usize) -> PyResult<Vec<usize>> {
    let (start, _, step, count) = s.indices(cx, len)?;
    if step < 0 && count > 0 {
        return Err(cx.value_error("Blob slice step must be positive"));
    }
    Ok((0..count as isize).map(|k| (start + k * step) as usize).collect())
}

#[pymethods]
impl Blob {
    /// Closes the blob.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Blob>) -> PyResult<()> {
        connection(cx, &this.connection)?.check(cx)?;
        this.handle.close();
        Ok(())
    }

    /// Reads so many bytes from the current offset, or all that are left.
    #[pymethod(sig = "($self, length=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, Blob>, length: i32) -> PyResult {
        let c = this.check(cx)?;
        let left = this.handle.len().saturating_sub(this.at.get());
        let n = usize::try_from(length).map_or(left, |n| n.min(left));
        if n == 0 {
            return Ok(bytes::new(b""));
        }
        let b = this.read_at(cx, c, this.at.get(), n)?;
        this.at.set(this.at.get() + n);
        Ok(bytes::new(&b))
    }

    /// Writes data at the current offset. The blob's length cannot change.
    #[pymethod(sig = "($self, data, /)")]
    fn write(cx: &Ctx, this: This<'_, Blob>, data: &Obj) -> PyResult<()> {
        let data = BytesLike::new(cx, data)?.to_vec();
        let c = this.check(cx)?;
        this.write_at(cx, c, this.at.get(), &data)?;
        this.at.set(this.at.get() + data.len());
        Ok(())
    }

    /// Sets the current offset: from the start (0), from where it is (1), or from the end (2).
    #[pymethod(sig = "($self, offset, origin=0, /)")]
    fn seek(cx: &Ctx, this: This<'_, Blob>, offset: i32, origin: i32) -> PyResult<()> {
        this.check(cx)?;
        let len = this.handle.len() as i64;
        let base = match origin {
            0 => 0,
            1 => this.at.get() as i64,
            2 => len,
            _ => return Err(cx.value_error("'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END")),
        };
        let to = base + i64::from(offset);
        if to > i64::from(i32::MAX) {
            return Err(cx.overflow_error("seek offset results in overflow"));
        }
        if !(0..=len).contains(&to) {
            return Err(cx.value_error("offset out of blob range"));
        }
        this.at.set(to as usize);
        Ok(())
    }

    /// The current offset.
    #[pymethod]
    fn tell(cx: &Ctx, this: This<'_, Blob>) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.at.get())
    }

    #[pymethod(name = "__enter__")]
    fn enter(cx: &Ctx, this: This<'_, Blob>) -> PyResult {
        this.check(cx)?;
        Ok(this.obj().clone())
    }

    #[pymethod(name = "__exit__", sig = "($self, type, val, tb, /)")]
    fn exit(cx: &Ctx, this: This<'_, Blob>, r#type: &Obj, val: &Obj, tb: &Obj) -> PyResult<bool> {
        let _ = (r#type, val, tb);
        this.check(cx)?;
        this.handle.close();
        Ok(false)
    }

    fn __len__(cx: &Ctx, this: This<'_, Blob>) -> PyResult<usize> {
        this.check(cx)?;
        Ok(this.handle.len())
    }

    /// A blob is no iterable: reading it byte by byte would be a query each time.
    fn __iter__(cx: &Ctx, _this: This<'_, Blob>) -> PyResult {
        Err(cx.type_error("'sqlite3.Blob' object is not iterable"))
    }

    fn __contains__(cx: &Ctx, _this: This<'_, Blob>, item: &Obj) -> PyResult<bool> {
        let _ = item;
        Err(cx.type_error("argument of type 'sqlite3.Blob' is not a container or iterable"))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Blob>, key: &Obj) -> PyResult {
        let c = this.check(cx)?;
        if int::is_int(key) || key.type_of().slots.index.get().is_some() {
            let i = this.index(cx, key)?;
            let b = this.read_at(cx, c, i, 1)?;
            return Ok(Obj::from(i64::from(b.first().copied().unwrap_or(0))));
        }
        let Some(s) = key.downcast::<Slice>() else { return Err(cx.type_error("Blob indices must be integers")) };
        let places = places(cx, s, this.handle.len())?;
        let (Some(low), Some(high)) = (places.iter().min(), places.iter().max()) else { return Ok(bytes::new(b"")) };
        let b = this.read_at(cx, c, *low, high - low + 1)?;
        Ok(bytes::new(&places.iter().map(|i| b[i - low]).collect::<Vec<u8>>()))
    }

    fn __setitem__(cx: &Ctx, this: This<'_, Blob>, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let c = this.check(cx)?;
        let is_index = int::is_int(key) || key.type_of().slots.index.get().is_some();
        let Some(value) = value else {
            return Err(cx.type_error(if is_index {
                "Blob doesn't support item deletion"
            } else {
                "Blob doesn't support slice deletion"
            }));
        };
        if is_index {
            if !int::is_int(value) {
                let got = value.type_of().name().to_string();
                return Err(cx.type_error(format!("'{got}' object cannot be interpreted as an integer")));
            }
            let i = this.index(cx, key)?;
            return match int::as_i64(value).and_then(|n| u8::try_from(n).ok()) {
                Some(b) => this.write_at(cx, c, i, &[b]),
                None => Err(cx.value_error("byte must be in range(0, 256)")),
            };
        }
        let Some(s) = key.downcast::<Slice>() else { return Err(cx.type_error("Blob indices must be integers")) };
        let data = BytesLike::new(cx, value)?.to_vec();
        let places = places(cx, s, this.handle.len())?;
        if data.len() != places.len() {
            return Err(cx.raise(exc::IndexError(), "Blob slice assignment is wrong size"));
        }
        let (Some(low), Some(high)) = (places.iter().min(), places.iter().max()) else { return Ok(()) };
        let mut b = this.read_at(cx, c, *low, high - low + 1)?;
        for (i, v) in places.iter().zip(data) {
            b[i - low] = v;
        }
        this.write_at(cx, c, *low, &b)
    }
}
