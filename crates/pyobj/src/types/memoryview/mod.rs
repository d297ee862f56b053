//! `memoryview`: a window on the memory of another object.
//!
//! Views made from one another share one loan, held by a [`ManagedBuffer`]; it ends when the last of them is
//! released. A view that lends its memory on cannot be released meanwhile.

mod access;
mod class;
mod compare;
pub(crate) mod python;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::protocol::buffer::{Buffer, BufferFlags, Contiguity, Geometry};
use crate::value::{Obj, ObjCell};

/// Holds a loan for the views that share it.
#[pyclass(name = "managedbuffer", flags(no_new))]
pub struct ManagedBuffer {
    buffer: RefCell<Option<Buffer>>,
    /// How many unreleased views use the loan.
    views: Cell<usize>,
}

#[pymethods]
impl ManagedBuffer {}

impl Traverse for ManagedBuffer {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Ok(b) = self.buffer.try_borrow()
            && let Some(b) = &*b
        {
            visit(b.exporter().value());
        }
    }
}

/// The payload of memoryview objects.
#[pyclass(
    name = "memoryview",
    fixed = MemoryView,
    flags(weakref, sequence),
    doc = "A view of the memory of an object such as bytes, which copies nothing. ¶ Slices share the memory too; it is released by release(), a with statement, or with the last view."
)]
pub struct MemoryView {
    managed: ObjCell,
    /// Where the first item is.
    start: Cell<*mut u8>,
    geometry: RefCell<Rc<Geometry>>,
    readonly: bool,
    released: Cell<bool>,
    exports: Cell<usize>,
    hash: Cell<i64>,
    /// No other view may be made of this one: it is an argument of `__release_buffer__`.
    restricted: Cell<bool>,
}

impl Traverse for MemoryView {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.managed.traverse(visit);
    }
}

impl Drop for MemoryView {
    fn drop(&mut self) {
        self.end();
    }
}

/// A memoryview of an object's memory.
///
/// # Errors
/// TypeError for objects without a buffer.
pub fn new(cx: &Ctx, o: &Obj) -> PyResult {
    with_flags(cx, o, BufferFlags::FULL_RO)
}

/// As [`new`], with the flags of the request.
///
/// # Errors
/// As [`new`]; BufferError if the object cannot lend its memory that way.
pub fn with_flags(cx: &Ctx, o: &Obj, flags: BufferFlags) -> PyResult {
    if let Some(m) = o.downcast::<MemoryView>() {
        m.check_derivable(cx)?;
        return Ok(m.derive(m.start.get(), m.geometry(), m.readonly));
    }
    if !Buffer::is_exporter(o) {
        return Err(cx.type_error(format!("memoryview: a bytes-like object is required, not '{}'", o.type_of().name())));
    }
    Ok(of_buffer(Buffer::get(cx, o, flags)?))
}

/// A memoryview that takes over a loan.
pub fn of_buffer(b: Buffer) -> Obj {
    let (start, geometry, readonly) = (b.ptr(), Rc::new(b.geometry().clone()), b.readonly());
    let managed = heap::new_instance(
        ManagedBuffer::type_object(),
        ManagedBuffer { buffer: RefCell::new(Some(b)), views: Cell::new(0) },
    );
    make(managed, start, geometry, readonly)
}

fn make(managed: Obj, start: *mut u8, geometry: Rc<Geometry>, readonly: bool) -> Obj {
    if let Some(m) = managed.downcast::<ManagedBuffer>() {
        m.views.set(m.views.get() + 1);
    }
    heap::new_instance(
        MemoryView::type_object(),
        MemoryView {
            managed: ObjCell::new(Some(managed)),
            start: Cell::new(start),
            geometry: RefCell::new(geometry),
            readonly,
            released: Cell::new(false),
            exports: Cell::new(0),
            hash: Cell::new(-1),
            restricted: Cell::new(false),
        },
    )
}

impl MemoryView {
    /// Refuses (ValueError) if the view was released.
    fn check(&self, cx: &Ctx) -> PyResult<()> {
        if self.released.get() {
            return Err(cx.value_error("operation forbidden on released memoryview object"));
        }
        Ok(())
    }

    /// Refuses (ValueError) if no other view may be made of this one.
    fn check_derivable(&self, cx: &Ctx) -> PyResult<()> {
        self.check(cx)?;
        if self.restricted.get() {
            return Err(cx.value_error("cannot create new view on restricted memoryview"));
        }
        Ok(())
    }

    fn geometry(&self) -> Rc<Geometry> {
        self.geometry.borrow().clone()
    }

    /// Another view of the same loan.
    fn derive(&self, start: *mut u8, geometry: Rc<Geometry>, readonly: bool) -> Obj {
        let managed = self.managed.get().unwrap_or_else(Obj::none);
        make(managed, start, geometry, readonly)
    }

    /// The object whose memory this is.
    fn object(&self) -> Obj {
        let managed = self.managed.get();
        let m = managed.as_ref().and_then(|m| m.downcast::<ManagedBuffer>());
        match m.map(|m| m.buffer.borrow()) {
            Some(b) => b.as_ref().map_or_else(Obj::none, |b| b.exporter().clone()),
            None => Obj::none(),
        }
    }

    /// Ends the view's part in the loan.
    fn end(&self) {
        if self.released.replace(true) {
            return;
        }
        let Some(managed) = self.managed.take() else { return };
        if let Some(m) = managed.downcast::<ManagedBuffer>() {
            let left = m.views.get().saturating_sub(1);
            m.views.set(left);
            if left == 0 {
                let buffer = m.buffer.borrow_mut().take();
                drop(buffer);
            }
        }
    }

    /// `release()`: ends the view unless it lends memory itself.
    fn release_view(&self, cx: &Ctx) -> PyResult<()> {
        let n = self.exports.get();
        if !self.released.get() && n > 0 {
            let s = if n == 1 { "" } else { "s" };
            return Err(cx.buffer_error(format!("memoryview has {n} exported buffer{s}")));
        }
        self.end();
        Ok(())
    }

    /// The bytes of all items in C order.
    fn to_vec(&self) -> Vec<u8> {
        self.bytes_in_order(false)
    }

    fn bytes_in_order(&self, fortran: bool) -> Vec<u8> {
        let g = self.geometry();
        let mut out = Vec::with_capacity(g.byte_len());
        let mut add = |g: &Geometry| {
            g.for_each_offset(|off| out.extend_from_slice(self.item(off, g.itemsize)));
        };
        if !fortran && g.is_contiguous(Contiguity::C) && !g.shape.is_empty() {
            out.extend_from_slice(self.item(0, g.byte_len()));
        } else if fortran {
            let mut turned = (*g).clone();
            turned.shape.reverse();
            turned.strides.reverse();
            add(&turned);
        } else {
            add(&g);
        }
        out
    }

    /// `n` bytes at an offset from the first item, inside the view.
    fn item(&self, off: isize, n: usize) -> &[u8] {
        if n == 0 {
            return &[];
        }
        // SAFETY: callers take offsets from the geometry of an unreleased view, whose loan covers its items.
        unsafe { std::slice::from_raw_parts(self.start.get().offset(off), n) }
    }

    /// Copies bytes over an item; the view is writable.
    fn write(&self, off: isize, b: &[u8]) {
        debug_assert!(!self.readonly);
        // SAFETY: as in `item`; `copy` allows for the source to overlap.
        unsafe { std::ptr::copy(b.as_ptr(), self.start.get().offset(off), b.len()) }
    }

    /// Lends the view's memory on.
    fn lend(cx: &Ctx, this: This<'_, MemoryView>, flags: BufferFlags) -> PyResult<Buffer> {
        let m = this.payload();
        m.check_derivable(cx)?;
        if flags.writable && m.readonly {
            return Err(cx.buffer_error("memoryview: underlying buffer is not writable"));
        }
        let g = m.geometry();
        m.exports.set(m.exports.get() + 1);
        let release = |_: &Ctx, o: &Obj| {
            if let Some(m) = o.downcast::<MemoryView>() {
                m.exports.set(m.exports.get().saturating_sub(1));
            }
        };
        // SAFETY: the view cannot be released before the loan ends, and its own loan covers its items.
        Ok(unsafe { Buffer::new(this.obj().clone(), m.start.get(), m.readonly, (*g).clone(), Some(release)) })
    }
}
