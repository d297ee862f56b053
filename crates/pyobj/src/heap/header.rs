//! The object header: a reference count and a shape id.

use std::cell::Cell;

use crate::shape::{Shape, ShapeId};

/// The eight bytes before every object. The count's sign bit marks immortal objects: incref and decref
/// are one test away from doing nothing for them.
#[repr(C, align(8))]
pub struct Header {
    count: Cell<i32>,
    shape: Cell<ShapeId>,
}

impl Header {
    /// The count that immortal objects carry.
    const IMMORTAL: i32 = i32::MIN;

    #[inline(always)]
    pub(crate) fn init(&self, count: i32, shape: ShapeId) {
        self.count.set(count);
        self.shape.set(shape);
    }

    /// Adds a reference. A count that would overflow makes the object immortal, which is safe.
    #[inline(always)]
    pub fn incref(&self) {
        let c = self.count.get();
        if c >= 0 {
            self.count.set(c.wrapping_add(1));
        }
    }

    /// Drops a reference.
    ///
    /// # Safety
    /// `p` must be live and the caller must own a reference.
    #[inline(always)]
    pub unsafe fn decref(p: *const Header) {
        // SAFETY: by the caller's promise.
        let c = unsafe { (*p).count.get() };
        if c > 1 {
            // SAFETY: as above.
            unsafe { (*p).count.set(c - 1) };
        } else if c == 1 {
            // SAFETY: the last reference is gone.
            unsafe {
                (*p).count.set(0);
                super::dealloc(p)
            };
        }
    }

    /// Drops a reference that need not be the last one. True if it is the last one, which then still stands: the
    /// caller must end the object with [`Header::decref`].
    #[inline(always)]
    pub fn release(&self) -> bool {
        let c = self.count.get();
        if c > 1 {
            self.count.set(c - 1);
        }
        c == 1
    }

    /// Whether there is exactly one reference.
    #[inline(always)]
    pub fn is_unique(&self) -> bool {
        self.count.get() == 1
    }

    /// The number of references; immortal objects report `u32::MAX`.
    pub fn ref_count(&self) -> u32 {
        let c = self.count.get();
        if c < 0 { u32::MAX } else { c as u32 }
    }

    /// Whether the object opts out of reference counting.
    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        self.count.get() < 0
    }

    /// Makes the object immortal; there is no way back.
    pub fn immortalize(&self) {
        self.count.set(Header::IMMORTAL);
    }

    pub(crate) fn resurrect(&self) {
        self.count.set(1);
    }

    /// Drops the reference that a finaliser ran under; true if no other one appeared meanwhile.
    pub(crate) fn drop_resurrected(&self) -> bool {
        let c = self.count.get();
        if c < 0 {
            return false;
        }
        self.count.set(c - 1);
        c == 1
    }

    /// The id of the object's shape, zero in a free or unpublished cell.
    #[inline(always)]
    pub fn shape_id(&self) -> ShapeId {
        self.shape.get()
    }

    /// The object's shape.
    #[inline(always)]
    pub fn shape(&self) -> &'static Shape {
        self.shape.get().get()
    }

    /// Moves an object to the shape that has one more attribute, whose slot word was just written.
    ///
    /// # Safety
    /// `shape` must be a successor of the object's shape.
    #[inline(always)]
    pub unsafe fn grow_to(&self, shape: u32) {
        // SAFETY: by the caller's promise the id names a shape.
        self.shape.set(unsafe { ShapeId::from_u32(shape) });
    }

    #[inline(always)]
    pub(crate) fn set_shape(&self, shape: ShapeId) {
        self.shape.set(shape);
    }
}

const _: () = assert!(size_of::<Header>() == 8);
