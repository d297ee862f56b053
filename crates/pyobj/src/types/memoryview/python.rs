//! The buffer protocol in Python code: `__buffer__` and `__release_buffer__`.

use std::cell::RefCell;

use super::MemoryView;
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::intern;
use crate::native::{PyClass, pyclass, pymethods};
use crate::protocol::buffer::{Buffer, BufferFlags};
use crate::protocol::call_special;
use crate::types::slots::BufferFn;
use crate::value::Obj;

/// Stands for the object whose `__buffer__` gave a view, until the loan ends.
#[pyclass(name = "_buffer_wrapper", flags(no_new))]
pub struct BufferWrapper {
    view: Obj,
    owner: Obj,
    inner: RefCell<Option<Buffer>>,
}

#[pymethods]
impl BufferWrapper {}

impl Traverse for BufferWrapper {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.view.value());
        visit(self.owner.value());
        if let Ok(b) = self.inner.try_borrow()
            && let Some(b) = &*b
        {
            visit(b.exporter().value());
        }
    }
}

/// The loan that a class's `__buffer__` answered with the memoryview `view`.
pub(crate) fn wrap(cx: &Ctx, owner: &Obj, view: &Obj, flags: BufferFlags) -> PyResult<Buffer> {
    if view.downcast::<MemoryView>().is_none() {
        return Err(cx.type_error("__buffer__ returned non-memoryview object"));
    }
    let inner = Buffer::get(cx, view, flags)?;
    let (ptr, readonly, geometry) = (inner.ptr(), inner.readonly(), inner.geometry().clone());
    let wrapper = BufferWrapper { view: view.clone(), owner: owner.clone(), inner: RefCell::new(Some(inner)) };
    let wrapper = heap::new_instance(BufferWrapper::type_object(), wrapper);
    // SAFETY: the wrapper holds the inner loan, which covers the memory, until `release` ends it.
    Ok(unsafe { Buffer::new(wrapper, ptr, readonly, geometry, Some(release)) })
}

fn report(cx: &Ctx, owner: &Obj) {
    let message = format!("Exception ignored in __release_buffer__ of {}", owner.type_of().name());
    (cx.host().unraisable)(cx, Some(&message), None);
}

fn release(cx: &Ctx, wrapper: &Obj) {
    let Some(w) = wrapper.downcast::<BufferWrapper>() else { return };
    let inner = w.inner.borrow_mut().take();
    drop(inner);
    // The loan may end while an exception is on its way.
    let pending = cx.take_pending();
    // A view of the owner's own memory is valid only during the call.
    let own = w.view.downcast::<MemoryView>().filter(|m| m.object().is(&w.owner));
    if let Some(m) = own {
        m.restricted.set(true);
    }
    if call_special(cx, &w.owner, intern!("__release_buffer__"), &[&w.view]).is_err() {
        report(cx, &w.owner);
    }
    if let Some(m) = own
        && m.release_view(cx).is_err()
    {
        report(cx, &w.owner);
    }
    if let Some(e) = pending {
        let _ = cx.set_pending(e);
    }
}

/// Calls a native buffer slot as `__buffer__(flags)` (`nth` 0) or `__release_buffer__(view)`.
pub(crate) fn call_slot(cx: &Ctx, this: &Obj, f: BufferFn, nth: usize, arg: &Obj) -> PyResult {
    if nth == 0 {
        let raw = arg.to_i64(cx)?;
        let Ok(raw) = u32::try_from(raw) else {
            return Err(cx.overflow_error("Python int too large to convert to C int"));
        };
        let flags = BufferFlags::from_raw(raw);
        return Ok(super::of_buffer(f(cx, this, flags)?));
    }
    let Some(m) = arg.downcast::<MemoryView>() else {
        return Err(cx.type_error("expected a memoryview object"));
    };
    if m.released.get() {
        return Err(cx.value_error("memoryview's buffer has already been released"));
    }
    if !m.object().is(this) {
        return Err(cx.value_error("memoryview's buffer is not this object"));
    }
    m.release_view(cx)?;
    Ok(Obj::none())
}
