//! The buffer protocol: objects lend their memory.
//!
//! A [`Buffer`] keeps its exporter alive and tells it when the loan ends (on drop). The memory may be
//! written through other references while it is lent, so it is read through short closures that must not
//! run Python code. [`ByteStore`] is growable memory that refuses to move while it is lent.

use std::borrow::Cow;
use std::cell::{Cell, UnsafeCell};

use smallvec::SmallVec;

use crate::ctx::{Ctx, PyResult};
use crate::native::{Payload, This};
use crate::value::Obj;

/// The memory order that a consumer needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Contiguity {
    /// Any strides.
    #[default]
    Strided,
    /// Last index fastest, without gaps.
    C,
    /// First index fastest, without gaps.
    Fortran,
    /// Either order, without gaps.
    Any,
}

/// What a consumer of a buffer asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct BufferFlags {
    /// The consumer writes.
    pub writable: bool,
    /// The consumer can work with this memory order only.
    pub contiguity: Contiguity,
    /// The flag word of `__buffer__` (`inspect.BufferFlags`), where Python code asked.
    pub raw: u32,
}

impl BufferFlags {
    /// Contiguous memory to read: what most functions that take "bytes-like objects" ask for.
    pub const SIMPLE: BufferFlags = BufferFlags { writable: false, contiguity: Contiguity::C, raw: 0 };
    /// Contiguous memory to write.
    pub const WRITABLE: BufferFlags = BufferFlags { writable: true, contiguity: Contiguity::C, raw: 1 };
    /// The request that a flag word of `__buffer__` makes.
    pub fn from_raw(raw: u32) -> BufferFlags {
        let contiguity = match raw {
            r if r & 0x20 != 0 => Contiguity::C,
            r if r & 0x40 != 0 => Contiguity::Fortran,
            r if r & 0x80 != 0 => Contiguity::Any,
            r if r & 0x10 == 0 => Contiguity::C,
            _ => Contiguity::Strided,
        };
        BufferFlags { writable: raw & 1 != 0, contiguity, raw }
    }

    /// Whatever there is, read-only or not: what memoryview asks for.
    pub const FULL_RO: BufferFlags = BufferFlags { writable: false, contiguity: Contiguity::Strided, raw: 0x11c };
}

/// How a buffer's memory is to be read: item format, shape and strides.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// The item format in `struct` notation.
    pub format: Cow<'static, str>,
    /// Bytes of one item.
    pub itemsize: usize,
    /// Items along each dimension; empty for a single item.
    pub shape: SmallVec<[usize; 2]>,
    /// Bytes from one item to the next along each dimension.
    pub strides: SmallVec<[isize; 2]>,
}

impl Geometry {
    /// `n` consecutive bytes.
    pub fn bytes(n: usize) -> Geometry {
        Geometry::items("B", 1, n)
    }

    /// `n` consecutive items.
    pub fn items(format: impl Into<Cow<'static, str>>, itemsize: usize, n: usize) -> Geometry {
        Geometry {
            format: format.into(),
            itemsize,
            shape: SmallVec::from_slice(&[n]),
            strides: SmallVec::from_slice(&[itemsize as isize]),
        }
    }

    /// The number of items.
    pub fn item_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of bytes that the items take together.
    pub fn byte_len(&self) -> usize {
        self.item_count() * self.itemsize
    }

    /// Whether the items follow each other in the given order.
    pub fn is_contiguous(&self, c: Contiguity) -> bool {
        match c {
            Contiguity::Strided => true,
            Contiguity::C => self.follows(self.shape.iter().zip(&self.strides).rev()),
            Contiguity::Fortran => self.follows(self.shape.iter().zip(&self.strides)),
            Contiguity::Any => self.is_contiguous(Contiguity::C) || self.is_contiguous(Contiguity::Fortran),
        }
    }

    fn follows<'a>(&self, dims: impl Iterator<Item = (&'a usize, &'a isize)>) -> bool {
        if self.shape.contains(&0) {
            return true;
        }
        let mut expected = self.itemsize as isize;
        for (&n, &stride) in dims {
            if n > 1 && stride != expected {
                return false;
            }
            expected *= n as isize;
        }
        true
    }

    /// Calls `f` with the byte offset of every item in C order.
    pub fn for_each_offset(&self, mut f: impl FnMut(isize)) {
        fn walk(g: &Geometry, dim: usize, base: isize, f: &mut dyn FnMut(isize)) {
            if dim == g.shape.len() {
                return f(base);
            }
            for i in 0..g.shape[dim] {
                walk(g, dim + 1, base + i as isize * g.strides[dim], f);
            }
        }
        walk(self, 0, 0, &mut f);
    }
}

/// Ends a loan; called with the exporter and the token it gave.
pub type ReleaseFn = fn(&Ctx, &Obj);

/// Memory lent by an object. Dropping the buffer ends the loan.
pub struct Buffer {
    exporter: Obj,
    ptr: *mut u8,
    readonly: bool,
    geometry: Geometry,
    release: Option<ReleaseFn>,
}

impl Buffer {
    /// A buffer over memory of `exporter`.
    ///
    /// # Safety
    /// Every item that `geometry` describes, from `ptr` on, must stay valid (and, unless `readonly`,
    /// writable) until `release` is called with the exporter, or without one for as long as it lives.
    pub unsafe fn new(
        exporter: Obj,
        ptr: *mut u8,
        readonly: bool,
        geometry: Geometry,
        release: Option<ReleaseFn>,
    ) -> Buffer {
        Buffer { exporter, ptr, readonly, geometry, release }
    }

    /// A loan of the bytes of a [`ByteStore`] inside the payload of `this`, as items of `format`. While the
    /// loan lasts the store refuses to grow or shrink.
    pub fn lend<T: Payload + HasByteStore>(
        cx: &Ctx,
        this: This<'_, T>,
        flags: BufferFlags,
        readonly: bool,
        format: impl Into<Cow<'static, str>>,
        itemsize: usize,
    ) -> PyResult<Buffer> {
        fn release<T: Payload + HasByteStore>(_: &Ctx, exporter: &Obj) {
            if let Some(t) = exporter.downcast::<T>() {
                let s = t.byte_store();
                s.exports.set(s.exports.get().saturating_sub(1));
            }
        }
        let store = this.payload().byte_store();
        if flags.writable && readonly {
            return Err(cx.buffer_error("Object is not writable."));
        }
        store.exports.set(store.exports.get() + 1);
        // SAFETY: the store lies in the payload (`HasByteStore`), so it lives as long as the exporter, and
        // its memory does not move while `exports` is not zero.
        unsafe {
            let v = &mut *store.data.get();
            let g = Geometry::items(format, itemsize, v.len() / itemsize.max(1));
            Ok(Buffer::new(this.obj().clone(), v.as_mut_ptr(), readonly, g, Some(release::<T>)))
        }
    }

    /// Asks `obj` for its memory.
    ///
    /// # Errors
    /// TypeError if the object has none, BufferError if it cannot lend it as asked.
    pub fn get(cx: &Ctx, obj: &Obj, flags: BufferFlags) -> PyResult<Buffer> {
        let Some(f) = obj.type_of().slots.buffer.get() else {
            return Err(cx.type_error(format!("a bytes-like object is required, not '{}'", obj.type_of().name())));
        };
        let b = f(cx, obj, flags)?;
        if flags.writable && b.readonly {
            return Err(cx.buffer_error("Object is not writable."));
        }
        if !b.geometry.is_contiguous(flags.contiguity) {
            return Err(cx.buffer_error(match flags.contiguity {
                Contiguity::C => "memoryview: underlying buffer is not C-contiguous",
                Contiguity::Fortran => "memoryview: underlying buffer is not Fortran contiguous",
                _ => "memoryview: underlying buffer is not contiguous",
            }));
        }
        Ok(b)
    }

    /// Whether an object can lend memory at all.
    pub fn is_exporter(obj: &Obj) -> bool {
        obj.type_of().slots.buffer.get().is_some()
    }

    /// Asks for contiguous memory to read. `what` is not used for buffers that exist.
    pub fn simple(cx: &Ctx, obj: &Obj) -> PyResult<Buffer> {
        Buffer::get(cx, obj, BufferFlags::SIMPLE)
    }

    /// The object that lends.
    pub fn exporter(&self) -> &Obj {
        &self.exporter
    }

    /// Whether writing is refused.
    pub fn readonly(&self) -> bool {
        self.readonly
    }

    /// Format, shape and strides.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Bytes of all items together.
    pub fn len(&self) -> usize {
        self.geometry.byte_len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Reads the bytes in C order (copied first if they are not contiguous). The closure must not run
    /// Python code: it could change the memory.
    pub fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        if self.geometry.is_contiguous(Contiguity::C) {
            let n = self.len();
            if n == 0 {
                return f(&[]);
            }
            // SAFETY: the loan covers `n` consecutive bytes, and nothing writes while the closure runs.
            return f(unsafe { std::slice::from_raw_parts(self.ptr, n) });
        }
        f(&self.to_vec())
    }

    /// Changes the bytes of a writable contiguous buffer; nothing happens for others.
    pub fn with_bytes_mut<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        if self.readonly || !self.geometry.is_contiguous(Contiguity::C) {
            return None;
        }
        let n = self.len();
        if n == 0 {
            return Some(f(&mut []));
        }
        // SAFETY: as in `with_bytes`; the memory is writable.
        Some(f(unsafe { std::slice::from_raw_parts_mut(self.ptr, n) }))
    }

    /// A copy of the bytes in C order.
    pub fn to_vec(&self) -> Vec<u8> {
        if self.geometry.is_contiguous(Contiguity::C) {
            return self.with_bytes(<[u8]>::to_vec);
        }
        let mut out = Vec::with_capacity(self.len());
        let size = self.geometry.itemsize;
        self.geometry.for_each_offset(|off| {
            // SAFETY: every item of the geometry is valid.
            out.extend_from_slice(unsafe { std::slice::from_raw_parts(self.ptr.offset(off), size) });
        });
        out
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release(Ctx::current(), &self.exporter);
        }
    }
}

/// Keeps the length of a [`ByteStore`], or the memory of a view, as it is. The counter lies in an object that
/// the caller borrows.
pub struct Hold<'a>(&'a Cell<usize>);

impl<'a> Hold<'a> {
    /// Counts one more loan until the guard is dropped.
    pub(crate) fn of(exports: &'a Cell<usize>) -> Hold<'a> {
        exports.set(exports.get() + 1);
        Hold(exports)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Growable bytes inside a payload that refuse to move while they are lent.
#[derive(Default)]
pub struct ByteStore {
    data: UnsafeCell<Vec<u8>>,
    exports: Cell<usize>,
}

/// A payload that owns a [`ByteStore`] in place (not behind a pointer that could change).
pub trait HasByteStore {
    /// The store.
    fn byte_store(&self) -> &ByteStore;
}

impl ByteStore {
    /// A store holding `v`.
    pub fn new(v: Vec<u8>) -> ByteStore {
        ByteStore { data: UnsafeCell::new(v), exports: Cell::new(0) }
    }

    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: no reference into the vector outlives a call.
        unsafe { (*self.data.get()).len() }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Allocated bytes.
    pub fn capacity(&self) -> usize {
        // SAFETY: as in `len`.
        unsafe { (*self.data.get()).capacity() }
    }

    /// Refuses changes of length until the guard is dropped.
    pub fn hold(&self) -> Hold<'_> {
        Hold::of(&self.exports)
    }

    /// How many loans are open.
    pub fn exports(&self) -> usize {
        self.exports.get()
    }

    /// One byte.
    #[inline]
    pub fn get(&self, i: usize) -> Option<u8> {
        // SAFETY: as in `len`.
        unsafe { (&*self.data.get()).get(i).copied() }
    }

    /// Reads the bytes. The closure must not run Python code.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: the closure cannot reach the store again without running Python code.
        f(unsafe { &*self.data.get() })
    }

    /// Changes bytes in place. The closure must not run Python code.
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: as in `with`.
        f(unsafe { &mut *self.data.get() })
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with(<[u8]>::to_vec)
    }

    /// Changes the length. The closure must not run Python code.
    ///
    /// # Errors
    /// BufferError while the bytes are lent.
    pub fn resize<R>(&self, cx: &Ctx, f: impl FnOnce(&mut Vec<u8>) -> R) -> PyResult<R> {
        self.check_resizable(cx)?;
        // SAFETY: as in `with`; no loan points into the vector.
        Ok(f(unsafe { &mut *self.data.get() }))
    }

    /// Refuses (BufferError) if the bytes are lent.
    pub fn check_resizable(&self, cx: &Ctx) -> PyResult<()> {
        if self.exports.get() > 0 {
            return Err(cx.buffer_error("Existing exports of data: object cannot be re-sized"));
        }
        Ok(())
    }
}

impl crate::heap::Traverse for ByteStore {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut crate::heap::Visitor<'_>) {}
}
