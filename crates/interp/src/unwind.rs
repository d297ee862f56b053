//! Exceptions: from the instruction that raised to its handler, or out of the frame.

use cinder_bytecode::code::ExceptionEntry;
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::types::exc;
use cinder_pyobj::{Obj, Value};

use crate::call::{collect, eager, operand, pop_frame};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Flow, M};
use crate::objects::code::Raised;
use crate::objects::{frame_obj, traceback};
use crate::observe::{Event, exception_event};
use crate::thread::Thread;

/// Handles the pending exception of the current frame, whose `pc` is the instruction that raised. Ends with
/// `SWITCH` (go on at the current frame's `pc`) or `EXIT` (the entry frame was left).
#[cold]
#[inline(never)]
pub(crate) fn unwind(th: &Thread, add_entry: bool) -> Flow {
    let mut add_entry = add_entry;
    loop {
        let fr = th.current.get();
        // SAFETY: the current frame is alive.
        let f = unsafe { &mut *fr };
        let Some(e) = th.cx.take_pending() else {
            let _ = th.cx.system_error("an instruction failed without an exception");
            continue;
        };
        let pc = f.lasti();
        if add_entry {
            // Entries of millions of frames would take the memory that is left to leave them.
            if !cinder_pyobj::heap::is_memory_short() {
                let fo = frame_obj::of(th, fr);
                frame_obj::note_raised(&fo, None);
                traceback::add_entry(&e, fo, pc);
            }
        } else if f.plain().position(pc).line != 0
            && !stays(f.plain_insn())
            && let Some(fo) = Frame::object(f.frame_obj)
        {
            frame_obj::note_raised(&fo, Some(pc));
        }
        let observed = th.runtime.monitoring.on.get();
        let e = if observed { tell(th, fr, if add_entry { Event::Raise } else { Event::Reraise }, e) } else { e };
        let entered = std::mem::replace(&mut add_entry, true);
        // SAFETY: the frame is current, its code verified.
        unsafe {
            match handler(f, pc) {
                Some(entry) => {
                    drop_temps(f, pc, entry.temp);
                    f.pc = f.code().copies.base_of(f.pc).add(entry.handler as usize);
                    let e = if observed { tell(th, fr, Event::ExceptionHandled, e) } else { e };
                    *f.base.add(entry.temp as usize) = e.into_value();
                    return Flow::SWITCH;
                }
                None => {
                    drop_temps(f, pc, 0);
                    if !entered
                        && f.plain().position(pc).line == 0
                        && let Some(at) =
                            frame_obj::raised(f.frame_obj).or_else(|| traceback::entry_of(&e, f.frame_obj))
                    {
                        // Clean-up code has no line: the frame ends where the exception was last raised.
                        f.pc = f.code().copies.base_of(f.pc).add(at as usize);
                    }
                    let e = if observed { tell(th, fr, Event::PyUnwind, e) } else { e };
                    let _ = th.cx.set_pending(e);
                    match leave(th, fr) {
                        Left::Entry => return Flow::EXIT,
                        Left::Loop => return Flow::SWITCH,
                        Left::Raising => {}
                    }
                }
            }
        }
    }
}

/// Whether a `Reraise` leaves the frame standing where the exception was raised first.
fn stays(insn: Insn) -> bool {
    insn.op() == Some(Opcode::Reraise) && insn.b() == 1
}

/// Tells tools of an exception; an error of theirs takes its place.
fn tell(th: &Thread, fr: *mut Frame, event: Event, e: Obj) -> Obj {
    match exception_event(th, fr, event, &e) {
        Ok(()) => e,
        Err(r) => th.cx.take(r),
    }
}

/// The handler of exceptions at an instruction. The last one asked for is remembered, with what is live there.
fn handler(f: &Frame, pc: u32) -> Option<ExceptionEntry> {
    let c = f.code();
    let known = c.raised.get();
    if known.at == pc {
        return known.entry;
    }
    let code = f.plain();
    let entry = code.exceptions.find(pc).copied();
    if code.temps <= 64 {
        let mut live = 0;
        code.liveness().live_during_down(code, pc, entry.map_or(0, |e| e.temp), &mut |t| live |= 1 << t);
        c.raised.set(Raised { at: pc, entry, live });
    }
    entry
}

/// Drops the live temporaries from `from` on, highest first. [`handler`] was asked for this instruction before.
unsafe fn drop_temps(f: &Frame, pc: u32, from: u32) {
    let code = f.plain();
    let known = f.code().raised.get();
    if known.at == pc {
        let mut live = known.live;
        while live != 0 {
            let t = 63 - live.leading_zeros();
            live &= !(1 << t);
            // SAFETY: live temporaries are owned by the frame.
            unsafe { std::mem::replace(&mut *f.base.add(t as usize), Value::UNBOUND).decref() };
        }
        return;
    }
    code.liveness().live_during_down(code, pc, from, &mut |t| {
        // SAFETY: live temporaries are owned by the frame.
        unsafe {
            let p = f.base.add(t as usize);
            let v = std::mem::replace(&mut *p, Value::UNBOUND);
            v.decref();
        }
    });
}

/// What is to be done after a frame was left by an exception.
enum Left {
    /// It was an entry frame.
    Entry,
    /// The exception ended a loop of the frame below, which goes on.
    Loop,
    /// The instruction of the frame below raises.
    Raising,
}

/// Leaves a frame by an exception.
unsafe fn leave(th: &Thread, fr: *mut Frame) -> Left {
    // SAFETY: the frame is current and has no live temporaries.
    unsafe {
        let (kind, extra) = ((*fr).kind, (*fr).extra);
        let (count, advance) = ((*fr).consumer, (*fr).advance);
        let pending = th.cx.take_pending();
        if (*fr).is_generator {
            crate::objects::generator::frame_ended(th, fr);
            if kind == FrameKind::Collect {
                collect::raised(th);
            }
        } else if kind == FrameKind::Await {
            eager::ending(th, fr);
            pop_frame(th, fr);
            eager::free(th, fr);
        } else {
            let operands = operand::take_kept(fr);
            pop_frame(th, fr);
            drop(operands);
            if kind == FrameKind::New {
                crate::ops::not_made(th, count, advance);
            }
            if kind == FrameKind::Init {
                extra.decref();
            }
        }
        if let Some(e) = pending {
            if kind == FrameKind::Next && e.type_of().is_subtype(exc::StopIteration()) {
                drop(e);
                end_loop(th);
                return Left::Loop;
            }
            let _ = th.cx.set_pending(e);
        }
        if kind == FrameKind::Entry { Left::Entry } else { Left::Raising }
    }
}

/// Ends the loop at whose `ForIter` the current frame stands.
fn end_loop(th: &Thread) {
    let fr = th.current.get();
    // SAFETY: the frame is current, its code verified: a `Jump` follows the instruction, which owns the iterator.
    unsafe {
        let f = &mut *fr;
        let m = M { pc: f.pc, base: f.base, fr, th, w: f.plain_insn().0 };
        let it = m.take(m.b());
        f.pc = m.next_target_pc();
        drop(it);
    }
}

/// Replaces a StopIteration that leaves a generator by RuntimeError (PEP 479).
pub(crate) fn stop_iteration_error(th: &Thread, e: Obj, what: &str, is_async: bool) -> Obj {
    let name = if e.type_of().is_subtype(exc::StopIteration()) {
        "StopIteration"
    } else if is_async && e.type_of().is_subtype(exc::StopAsyncIteration()) {
        "StopAsyncIteration"
    } else {
        return e;
    };
    let new = exc::new(&th.cx, exc::RuntimeError(), &format!("{what} raised {name}"));
    exc::set_cause(&new, Some(e.clone()));
    exc::set_context(&new, Some(e));
    new
}
