//! `PickleBuffer`.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags, Contiguity};
use cinder_pyobj::types::{Type, memoryview};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// A buffer that a pickle may leave out, for the program to carry it by other means.
#[pyclass(name = "PickleBuffer", module = "pickle", flags(basetype, weakref), sig = "(object, /)")]
#[derive(Traverse)]
pub struct PickleBuffer {
    /// A view of the wrapped object's memory; nothing once released.
    view: ObjCell,
    /// The object itself: who asks for the memory is told of it.
    object: ObjCell,
}

impl PickleBuffer {
    pub(super) fn view(&self, cx: &Ctx) -> PyResult {
        self.view.get().ok_or_else(|| cx.value_error("operation forbidden on released PickleBuffer object"))
    }

    /// The memory, without regard to its geometry.
    pub(super) fn memory(&self, cx: &Ctx) -> PyResult<Buffer> {
        Buffer::get(cx, &self.view(cx)?, BufferFlags::FULL_RO)
    }
}

#[pymethods]
impl PickleBuffer {
    #[pynew(sig = "(object, /)")]
    fn __new__(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        let b = Buffer::get(cx, object, BufferFlags::FULL_RO)?;
        let exporter = b.exporter().clone();
        let view = ObjCell::new(Some(memoryview::of_buffer(b)));
        Ok(new_instance(ty, PickleBuffer { view, object: ObjCell::new(Some(exporter)) }))
    }

    fn __buffer__(cx: &Ctx, this: This<'_, PickleBuffer>, flags: BufferFlags) -> PyResult<Buffer> {
        let view = this.view(cx)?;
        let plain = object_is_whole(cx, &view)?;
        match this.payload().object.get() {
            Some(o) if plain && o.type_of().slots.buffer.get().is_some() => Buffer::get(cx, &o, flags),
            _ => Buffer::get(cx, &view, flags),
        }
    }

    /// The memory as a flat memoryview of bytes; BufferError if it lies in pieces.
    #[pymethod]
    fn raw(cx: &Ctx, this: This<'_, PickleBuffer>) -> PyResult {
        let view = this.view(cx)?;
        let b = Buffer::get(cx, &view, BufferFlags::FULL_RO)?;
        if !b.geometry().is_contiguous(Contiguity::Any) {
            return Err(cx.buffer_error("cannot extract raw buffer from non-contiguous buffer"));
        }
        if b.geometry().is_contiguous(Contiguity::C) {
            return memoryview::new(cx, &view)?.call_method(cx, intern!("cast"), &[Obj::from("B")]);
        }
        // Memory in Fortran order cannot be cast; its bytes are copied.
        let copy = view.call_method(cx, intern!("tobytes"), &[Obj::from("A")])?;
        memoryview::new(cx, &copy)
    }

    /// Lets go of the buffer.
    #[pymethod]
    fn release(_cx: &Ctx, this: This<'_, PickleBuffer>) {
        this.view.set(None);
        this.payload().object.set(None);
    }
}

/// Whether a view shows all of the object behind it, as bytes: then asking the object comes to the same.
fn object_is_whole(cx: &Ctx, view: &Obj) -> PyResult<bool> {
    let own = view.get_attr(cx, intern!("obj"))?;
    if own.is_none() || own.type_of().slots.buffer.get().is_none() {
        return Ok(false);
    }
    let b = Buffer::get(cx, &own, BufferFlags::FULL_RO)?;
    Ok(b.len() as i64 == view.get_attr(cx, intern!("nbytes"))?.to_i64(cx)?)
}
