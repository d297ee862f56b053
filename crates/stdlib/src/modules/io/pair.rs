//! `BufferedRWPair`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::Type;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::base::BufferedIoBase;
use super::buffered::{BufferedReader, BufferedWriter};
use super::unsupported;

/// A stream that reads from one raw stream and writes to another, such as the two ends of pipes.
#[pyclass(name = "BufferedRWPair", module = "_io", base = BufferedIoBase, flags(basetype),
    sig = "(reader, writer, buffer_size=131072, /)")]
#[derive(Traverse)]
pub(crate) struct BufferedRwPair {
    reader: ObjCell,
    writer: ObjCell,
}

impl BufferedRwPair {
    fn to(&self, cx: &Ctx, side: &ObjCell, method: Name, args: &[Obj]) -> PyResult {
        match side.get() {
            Some(s) => s.call_method(cx, method, args),
            None => Err(cx.value_error("I/O operation on uninitialized object")),
        }
    }
}

#[pymethods]
impl BufferedRwPair {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(new_instance(ty, BufferedRwPair { reader: ObjCell::new(None), writer: ObjCell::new(None) }))
    }

    #[pymethod(sig = "($self, reader, writer, buffer_size=131072, /)")]
    fn __init__(
        cx: &Ctx,
        this: This<'_, BufferedRwPair>,
        reader: &Obj,
        writer: &Obj,
        buffer_size: isize,
    ) -> PyResult<()> {
        if !reader.call_method(cx, intern!("readable"), &[])?.truthy(cx)? {
            return Err(unsupported(cx, "File or stream is not readable."));
        }
        if !writer.call_method(cx, intern!("writable"), &[])?.truthy(cx)? {
            return Err(unsupported(cx, "File or stream is not writable."));
        }
        let size = Obj::from(buffer_size as i64);
        let r = BufferedReader::class().type_object().as_obj().call_pos(cx, &[reader.clone(), size.clone()])?;
        let w = BufferedWriter::class().type_object().as_obj().call_pos(cx, &[writer.clone(), size])?;
        this.reader.set(Some(r));
        this.writer.set(Some(w));
        Ok(())
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn read(cx: &Ctx, this: This<'_, BufferedRwPair>, size: Option<&Obj>) -> PyResult {
        this.to(cx, &this.reader, intern!("read"), size.map_or(&[], std::slice::from_ref))
    }

    #[pymethod(sig = "($self, size=0, /)")]
    fn peek(cx: &Ctx, this: This<'_, BufferedRwPair>, size: Option<&Obj>) -> PyResult {
        this.to(cx, &this.reader, intern!("peek"), size.map_or(&[], std::slice::from_ref))
    }

    #[pymethod(sig = "($self, size=-1, /)")]
    fn read1(cx: &Ctx, this: This<'_, BufferedRwPair>, size: Option<&Obj>) -> PyResult {
        this.to(cx, &this.reader, intern!("read1"), size.map_or(&[], std::slice::from_ref))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto(cx: &Ctx, this: This<'_, BufferedRwPair>, buffer: &Obj) -> PyResult {
        this.to(cx, &this.reader, intern!("readinto"), std::slice::from_ref(buffer))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn readinto1(cx: &Ctx, this: This<'_, BufferedRwPair>, buffer: &Obj) -> PyResult {
        this.to(cx, &this.reader, intern!("readinto1"), std::slice::from_ref(buffer))
    }

    #[pymethod(sig = "($self, buffer, /)")]
    fn write(cx: &Ctx, this: This<'_, BufferedRwPair>, buffer: &Obj) -> PyResult {
        this.to(cx, &this.writer, intern!("write"), std::slice::from_ref(buffer))
    }

    #[pymethod]
    fn flush(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        this.to(cx, &this.writer, intern!("flush"), &[])
    }

    #[pymethod]
    fn readable(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        this.to(cx, &this.reader, intern!("readable"), &[])
    }

    #[pymethod]
    fn writable(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        this.to(cx, &this.writer, intern!("writable"), &[])
    }

    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        let first = match this.to(cx, &this.writer, intern!("close"), &[]) {
            Ok(_) => None,
            Err(r) => Some(cx.take(r)),
        };
        let second = this.to(cx, &this.reader, intern!("close"), &[]);
        match (first, second) {
            (None, r) => r,
            (Some(e), Ok(_)) => Err(cx.set_pending(e)),
            (Some(e), Err(r)) => {
                let later = cx.take(r);
                cinder_pyobj::types::exc::set_context(&later, Some(e));
                Err(cx.set_pending(later))
            }
        }
    }

    #[pymethod]
    fn isatty(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        let w = this.to(cx, &this.writer, intern!("isatty"), &[])?;
        if w.truthy(cx)? { Ok(w) } else { this.to(cx, &this.reader, intern!("isatty"), &[]) }
    }

    #[pymethod]
    fn detach(cx: &Ctx, _this: This<'_, BufferedRwPair>) -> PyResult {
        Err(unsupported(cx, "detach"))
    }

    #[pygetter]
    fn closed(cx: &Ctx, this: This<'_, BufferedRwPair>) -> PyResult {
        match this.writer.get() {
            Some(w) => w.get_attr(cx, intern!("closed")),
            None => Err(cx.runtime_error("the BufferedRWPair object is being garbage-collected")),
        }
    }
}
