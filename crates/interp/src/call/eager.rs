//! Eager coroutines: a call that is awaited at once runs its callee like any function.
//!
//! Its frame lies on the stack, and if it returns or raises without suspending, no coroutine object ever exists. If it
//! does suspend, its frame moves into a coroutine object, which the awaiting frame finds where its `Send` expects it;
//! that frame then suspends in turn, as at any await. Who asks for the coroutine of a frame that still runs gets an
//! object that stands for it.
//!
//! The exceptions that a coroutine handles are its own. Their holder lies in a record's place below the frame's.

use std::cell::Cell;

use cinder_pyobj::{Obj, Value};

use crate::frame::Frame;
use crate::machine::{Flow, M};
use crate::objects::generator;
use crate::thread::{ExcState, Thread};

/// What lies below the record of an eager frame.
pub(crate) struct Below {
    exc: ExcState,
    /// The coroutine object, if somebody asked for it.
    object: Cell<Option<Obj>>,
}

const _: () = assert!(size_of::<Below>() <= size_of::<Frame>());

/// What lies below an eager frame.
///
/// # Safety
/// The frame must be alive and of kind `Await`.
#[inline(always)]
unsafe fn below<'a>(fr: *mut Frame) -> &'a Below {
    // SAFETY: `begin` was called before the frame's record was taken, and records of a chunk are neighbours.
    unsafe { &*(fr.sub(1) as *const Below) }
}

/// Whether calls may be eager now: nobody observes them, and coroutines need not remember where they were made.
#[inline(always)]
pub(crate) fn allowed(th: &Thread) -> bool {
    th.has_room_for_two() && th.coroutine_origin_depth.get() == 0 && !th.runtime.monitoring.on.get()
}

/// Prepares for an eager frame, whose record is to be taken next.
///
/// # Safety
/// [`allowed`] must hold.
#[inline(always)]
pub(crate) unsafe fn begin(th: &Thread) {
    let at = th.take_frame() as *mut Below;
    // SAFETY: there is room for the record.
    unsafe {
        (&raw mut (*at).exc.exc).write(Cell::new(None));
        (&raw mut (*at).exc.prev).write(Cell::new(th.exc.get()));
        (&raw mut (*at).object).write(Cell::new(None));
        th.exc.set(&raw const (*at).exc);
    }
}

/// Whether nothing but the record is left to give back when the frame ends.
///
/// # Safety
/// As for [`below`].
#[inline(always)]
pub(crate) unsafe fn ends_simply(fr: *mut Frame) -> bool {
    // SAFETY: by the caller's promise. Both cells are words, zero when empty.
    unsafe {
        let b = below(fr);
        (*b.exc.exc.as_ptr()).is_none() && (*b.object.as_ptr()).is_none()
    }
}

/// Ends what a frame that [`ends_simply`] has below it, record included.
///
/// # Safety
/// As for [`below`]; the frame must be the innermost.
#[inline(always)]
pub(crate) unsafe fn end_quick(th: &Thread, fr: *mut Frame) {
    // SAFETY: by the caller's promise.
    unsafe { th.exc.set(below(fr).exc.prev.get()) };
    free(th, fr);
}

/// The frame is about to end by a return or an exception.
///
/// # Safety
/// As for [`below`]; the frame must be current.
pub(crate) unsafe fn ending(th: &Thread, fr: *mut Frame) {
    // SAFETY: by the caller's promise.
    let b = unsafe { below(fr) };
    th.exc.set(b.exc.prev.get());
    drop(b.exc.exc.take());
    if let Some(o) = b.object.take() {
        generator::stand_in_ended(&o);
    }
}

/// Gives back what lies below the record of a frame that was taken off the chain.
#[inline(always)]
pub(crate) fn free(th: &Thread, fr: *mut Frame) {
    // SAFETY: the place below the frame's record is the frame's.
    th.free_frame_quick(unsafe { fr.sub(1) });
}

/// The coroutine object of a running eager frame.
///
/// # Safety
/// As for [`below`].
pub(crate) unsafe fn object(fr: *mut Frame) -> Obj {
    // SAFETY: by the caller's promise.
    let b = unsafe { below(fr) };
    let o = b.object.take().unwrap_or_else(|| generator::stand_in(fr));
    b.object.set(Some(o.clone()));
    o
}

/// Suspends the current eager frame, which stands at its yield: gives the frame below the coroutine, and what it
/// yields.
pub(crate) fn suspend(m: M, v: Obj) -> Flow {
    let (th, fr) = (m.th(), m.fr);
    // SAFETY: the frame is current and of kind `Await`; its caller stands at a `Send` whose registers wait.
    unsafe {
        let b = below(fr);
        th.exc.set(b.exc.prev.get());
        let o = b.object.take().unwrap_or_else(|| generator::stand_in(fr));
        let caller = (*fr).prev;
        generator::settle(&o, fr, b.exc.exc.take());
        th.current.set(caller);
        th.leave_call();
        free(th, fr);
        let c = &mut *caller;
        let at = M { pc: c.pc, base: c.base, fr: caller, th: m.th, w: (*c.pc).0 };
        at.put(at.b(), o);
        at.put(at.a(), v);
        c.pc = c.pc.add(1);
    }
    Flow::SWITCH
}

/// Makes the awaiting frame ready: it stands at its `Send`, whose iterator is not there yet.
///
/// # Safety
/// `send` must be the address of the `Send` that the call at `m` leads to, whose `b` must lie below the callee's
/// registers.
#[inline(always)]
pub(crate) unsafe fn wait_at(m: M, send: *const cinder_bytecode::op::Insn, none: Value) -> M {
    // SAFETY: by the caller's promise the register is free during the call.
    unsafe { *m.reg((*send).b() as i16) = none };
    M { pc: send, ..m }
}
