//! The object heap: size-class pages, reference counts, and the end of objects.
//!
//! All state here is process-wide and guarded by the interpreter lock. Cells live in 64 KiB aligned pages
//! whose header (found by masking a pointer) tells the cell size and whether the collector looks inside.
//! A cell is *live* exactly while the shape word of its header is non-zero: constructors write it last, so
//! the collector never sees a half-made object.

mod alloc;
pub mod gc;
mod header;
mod large;
mod outside;
mod page;
mod reserve;
mod traverse;

pub use alloc::{Gil, Stats, Tracer, set_collect_request_hook, trace_allocations};
pub(crate) use alloc::{alloc_cell, free_cell, quick_cell};
pub use cinder_macros::Traverse;
pub use header::Header;
pub use large::LargeFromSystem;
pub use outside::outside;
pub(crate) use page::{FLAG_FINALIZED, FLAG_GEN_MASK, FLAG_SPENT, cell_flags, for_each_page, set_cell_flags};
pub use page::{PAGE_SIZE, Page, PageKind, for_each_container_page};
pub(crate) use reserve::refusal_is_reported;
pub use reserve::{fail_allocations, is_memory_refused, is_memory_short, set_exhausted_hook, stop_failing_allocations};
pub use traverse::{Dropped, Traverse, Visitor};

use std::cell::Cell;

use crate::native::{FixedShape, Payload};
use crate::shape::{Shape, ShapeId};
use crate::types::Type;
use crate::value::{Obj, Value};

/// Allocates an instance of exactly type `ty` around `payload`.
///
/// `ty`'s native layout must be that of `T` (checked in debug builds). Slots start unset.
pub fn new_instance<T: Payload>(ty: &Type, payload: T) -> Obj {
    debug_assert!(ty.payload_is::<T>(), "{} is not laid out as {}", ty.name(), T::DEF.name);
    // SAFETY: the layout of `ty` holds a `T` at its payload offset, and the cell is fresh.
    unsafe {
        let p = alloc_object(ty, 0);
        let at = (p as *mut u8).add(ty.layout().payload_off as usize) as *mut T;
        at.write(payload);
        publish(p, ty.root_shape())
    }
}

/// As [`new_instance`], with room for `words` more words behind the instance, which belong to the payload. `init` is
/// given the places of the payload and of the words; it writes them in place, since payloads with words are large.
///
/// # Safety
/// `init` must initialise the payload.
#[inline(always)]
pub unsafe fn new_with_room<T: Payload>(ty: &Type, words: usize, init: impl FnOnce(*mut T, *mut Value)) -> Obj {
    debug_assert!(ty.payload_is::<T>(), "{} is not laid out as {}", ty.name(), T::DEF.name);
    // SAFETY: as in `new_instance`; the cell is `words` words longer than the instance.
    unsafe {
        let p = alloc_object(ty, words * size_of::<Value>());
        let l = ty.layout();
        let room = (p as *mut u8).add(l.basic_size as usize) as *mut Value;
        init((p as *mut u8).add(l.payload_off as usize) as *mut T, room);
        publish(p, ty.root_shape())
    }
}

/// The finaliser of this object has nothing to do any more: its end need not ask.
#[inline(always)]
pub fn mark_spent(v: Value) {
    if let Some(p) = v.as_ptr() {
        // SAFETY: the caller's word names a live object.
        unsafe { set_cell_flags(p, cell_flags(p) | FLAG_SPENT) };
    }
}

/// Allocates the cell of an instance with `extra` bytes after the fixed part; slots and extension word are
/// set to unset, the payload is uninitialised, the shape unpublished.
///
/// # Safety
/// The caller must write the payload and then call [`publish`].
pub(crate) unsafe fn alloc_object(ty: &Type, extra: usize) -> *mut Header {
    if ty.slack.get() != 0 {
        ty.track_slack();
    }
    let l = ty.layout();
    let size = l.basic_size as usize + extra;
    // SAFETY: the cell is at least `basic_size` long, and the slot region lies in it.
    unsafe {
        let p = alloc_cell(l.page_kind, size);
        let base = p as *mut u8;
        let mut at = base.add(l.slots_off as usize) as *mut u64;
        for _ in 0..l.slot_words {
            at.write(Value::UNBOUND.bits());
            at = at.add(1);
        }
        if l.ext_off != 0 {
            (base.add(l.ext_off as usize) as *mut u64).write(0);
        }
        p
    }
}

/// Whether a cell of `size` bytes can be had: the heap does not fail softly. Where not, a MemoryError is raised at the
/// next poll, and the caller makes something small instead.
#[inline(always)]
pub(crate) fn has_room(size: usize) -> bool {
    size < LARGE_CELL || has_large_room(size)
}

/// Cells below this come from the reserve if they have to.
const LARGE_CELL: usize = 1 << 20;

#[cold]
fn has_large_room(size: usize) -> bool {
    let fits = Vec::<u8>::new().try_reserve_exact(size.saturating_add(PAGE_SIZE)).is_ok();
    if !fits {
        crate::Ctx::request_of_this_thread(crate::ctx::Poll::MEMORY);
    }
    fits
}

/// Makes an initialised cell a live object with one reference.
///
/// # Safety
/// Everything that `shape` describes must be initialised.
pub(crate) unsafe fn publish(p: *mut Header, shape: &Shape) -> Obj {
    // SAFETY: by the caller's promise the cell is a complete object.
    unsafe {
        let ty = shape.ty();
        if ty.is_heap_type() {
            // Instances keep their class alive.
            ty.as_value().incref();
        }
        (*p).init(1, shape.id());
        Obj::from_owned(Value::from_ptr(p))
    }
}

/// As [`publish`], for an instance of exactly the built-in type with a reserved shape.
///
/// # Safety
/// As for [`publish`].
#[inline(always)]
pub(crate) unsafe fn publish_fixed(p: *mut Header, shape: FixedShape) -> Obj {
    // SAFETY: by the caller's promise the cell is a complete object.
    unsafe {
        (*p).init(1, ShapeId::fixed(shape));
        Obj::from_owned(Value::from_ptr(p))
    }
}

/// An instance without payload, slots unset, if a free cell is at hand. It takes over the caller's reference to the
/// (heap) type, and starts with two references.
///
/// # Safety
/// The instances' layout must have an empty payload, and `ty` must be a heap type.
#[inline(always)]
pub unsafe fn quick_instance(ty: &Type) -> Option<Value> {
    // SAFETY: the cell is at least `basic_size` long, and the slot region lies in it.
    unsafe {
        if ty.slack.get() != 0 {
            return None;
        }
        let l = ty.layout();
        let p = quick_cell(l.basic_size as usize)?;
        let base = p as *mut u8;
        let mut at = base.add(l.slots_off as usize) as *mut u64;
        let end = at.add(l.slot_words as usize);
        while at < end {
            at.write(Value::UNBOUND.bits());
            at = at.add(1);
        }
        if l.ext_off != 0 {
            (base.add(l.ext_off as usize) as *mut u64).write(0);
        }
        (*p).init(2, ty.root_shape_id());
        Some(Value::from_ptr(p))
    }
}

/// A cell for a container of this size that is no instance of a heap type, if one is at hand.
///
/// # Safety
/// The caller must initialise the object before anything else happens.
#[inline(always)]
pub(crate) unsafe fn quick_container(size: usize) -> Option<*mut Header> {
    quick_cell(size)
}

struct Deferred {
    depth: Cell<u32>,
    /// Whether the queue holds anything.
    waiting: Cell<bool>,
    queue: Cell<Vec<*const Header>>,
}

static DEFERRED: Gil<Deferred> =
    Gil::new(Deferred { depth: Cell::new(0), waiting: Cell::new(false), queue: Cell::new(Vec::new()) });

/// How deep the end of one object may end others by native recursion before the rest is queued.
const MAX_DEALLOC_DEPTH: u32 = 64;

/// Ends an object whose last reference was dropped.
#[inline(never)]
pub(crate) unsafe fn dealloc(p: *const Header) {
    let d = DEFERRED.get();
    let depth = d.depth.get();
    if depth >= MAX_DEALLOC_DEPTH {
        return defer(d, p);
    }
    d.depth.set(depth + 1);
    // SAFETY: the caller dropped the last reference, so the object is ours.
    unsafe { end_object(p) };
    d.depth.set(depth);
    if depth == 0 && d.waiting.get() {
        end_deferred(d);
    }
}

#[cold]
fn defer(d: &Deferred, p: *const Header) {
    let mut q = d.queue.take();
    q.push(p);
    d.queue.set(q);
    d.waiting.set(true);
}

#[cold]
fn end_deferred(d: &Deferred) {
    loop {
        let mut q = d.queue.take();
        let next = q.pop();
        d.waiting.set(!q.is_empty());
        d.queue.set(q);
        let Some(next) = next else { break };
        d.depth.set(1);
        // SAFETY: queued objects have no references left.
        unsafe { end_object(next) };
        d.depth.set(0);
    }
}

/// Runs `__del__` if that has not been done; false if the object lives on.
#[cold]
#[inline(never)]
unsafe fn finalize(p: *const Header) -> bool {
    // SAFETY: the object is dead but intact; it is alive again while the finaliser runs.
    unsafe {
        let header = &*p;
        if cell_flags(p) & FLAG_FINALIZED != 0 {
            return true;
        }
        set_cell_flags(p, cell_flags(p) | FLAG_FINALIZED);
        header.resurrect();
        let obj = Obj::from_owned(Value::from_ptr(p));
        header.shape().ty().run_finalizer(&obj);
        let v = obj.into_value();
        debug_assert_eq!(v.bits(), p as u64);
        header.drop_resurrected()
    }
}

#[inline(always)]
unsafe fn end_object(p: *const Header) {
    // SAFETY: the object is dead but intact until its cell is freed below.
    unsafe {
        let header = &*p;
        let shape = header.shape();
        let mut ty = shape.ty();
        if !ty.has_finalizer() && ty.is_heap_type() && !shape.is_dict_mode() {
            // A plain instance of a Python class: nothing but slots, unless a side record was made.
            let l = ty.layout();
            let side = l.ext_off as usize;
            if l.payload.size == 0 && (side == 0 || *((p as usize + side) as *const u64) == 0) {
                let mut at = (p as *mut u8).add(l.slots_off as usize) as *mut Value;
                let end = at.add(l.slot_words as usize);
                while at < end {
                    std::mem::replace(&mut *at, Value::UNBOUND).decref();
                    at = at.add(1);
                }
                free_cell(p as *mut Header, PageKind::Container);
                ty.as_value().decref();
                return;
            }
        }
        if ty.has_finalizer() && cell_flags(p) & FLAG_SPENT == 0 {
            if !finalize(p) {
                return;
            }
            // The finaliser may have changed `__class__`.
            ty = header.shape().ty();
        }
        if ty.layout().slot_words != 0 || ty.layout().ext_off != 0 {
            crate::shape::instance::release_slots(p, header.shape());
        }
        let layout = ty.layout();
        let payload = (p as *mut u8).add(layout.payload_off as usize);
        (layout.payload.drop)(payload);
        let is_heap_type = ty.is_heap_type();
        free_cell(p as *mut Header, layout.page_kind);
        if is_heap_type {
            ty.as_value().decref();
        }
    }
}

/// A process-wide object of which there is one, made on first use and never freed.
pub struct Singleton(Gil<std::cell::OnceCell<crate::Obj>>);

impl Singleton {
    /// An empty place.
    pub const fn new() -> Singleton {
        Singleton(Gil::new(std::cell::OnceCell::new()))
    }

    /// The object; `make` makes it. The context shows that the lock is held.
    pub fn get_or_init(&self, _cx: &crate::Ctx, make: impl FnOnce() -> crate::Obj) -> crate::Obj {
        let o = self.0.get().get_or_init(|| {
            let o = make();
            o.immortalize();
            o
        });
        o.clone()
    }
}
