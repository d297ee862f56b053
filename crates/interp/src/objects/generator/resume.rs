//! Resuming and suspending: within the run loop of the consumer, and for native code.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::types::SendResult;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value, heap};

use super::{Generator, State};
use crate::call::drop_locals;
use crate::dispatch;
use crate::frame::{Frame, FrameKind};
use crate::machine::{Fast, Flow, M};
use crate::objects::frame_obj;
use crate::observe::resumed;
use crate::thread::Thread;

impl Generator {
    /// Resumes the generator within the run loop, for the current instruction, with the owned word `v`; a generator that
    /// delegates to another one passes it on at once. Does nothing if that takes more than putting frames on the chain.
    #[inline(always)]
    pub(crate) fn enter_quick(&self, m: M, kind: FrameKind, v: Value) -> Fast {
        let started = match self.state.get() {
            State::Suspended => true,
            State::Created => false,
            _ => return Fast::Slow,
        };
        let th = m.th();
        let (mut depth, limit) = (th.depth.get(), th.recursion_limit.get());
        if depth >= limit || th.runtime.monitoring.on.get() {
            return Fast::Slow;
        }
        m.save_pc();
        // SAFETY: the generators are not running, so nobody else uses their frames; each stands at its yield, whose `a`
        // receives the value, or at its first instruction.
        unsafe {
            let (mut g, mut kind, mut caller) = (self, kind, m.fr);
            let (top, reg_end) = ((*caller).top, (*caller).reg_end);
            let mut exc = th.exc.get();
            let mut f = g.frame.get();
            loop {
                (*f).prev = caller;
                (*f).top = top;
                (*f).reg_end = reg_end;
                (*f).kind = kind;
                depth += 1;
                g.exc.prev.set(exc);
                exc = &g.exc;
                g.state.set(State::Running);
                let pc = (*f).pc;
                if !started || depth >= limit || (*pc).op_number() != Opcode::YieldDelegate as u16 {
                    break;
                }
                // The jump behind the yield leads back to the `Send`.
                let back = pc.add(1);
                if (*back).op_number() != Opcode::JumpBackwardNoPoll as u16 {
                    break;
                }
                let send = back.offset(1 + (*back).sbx() as isize);
                if (*send).op_number() != Opcode::Send as u16 || ((*send).a(), (*send).b()) != ((*pc).a(), (*pc).b()) {
                    break;
                }
                let delegate = (*f).base.offset((*pc).b() as i16 as isize);
                let inner = match Generator::exact(Obj::borrow_from(delegate)) {
                    Some(inner) if inner.state.get() == State::Suspended => inner,
                    _ => break,
                };
                (*f).pc = send;
                (g, kind, caller, f) = (inner, FrameKind::Send, f, inner.frame.get());
            }
            th.exc.set(exc);
            th.depth.set(depth);
            th.current.set(f);
            let (mut pc, base) = ((*f).pc, (*f).base);
            if started {
                let a = (*pc).a() as i16;
                let old = std::mem::replace(&mut *base.offset(a as isize), v);
                pc = pc.add(1);
                if a < 0 && old.is_ptr() && old.header().release() {
                    return Fast::Drop(old, pc, base, f);
                }
            }
            Fast::Enter(pc, base, f)
        }
    }
}

/// Suspends a generator that an instruction of the frame below resumed, and gives that the owned word `v`. A generator
/// below that delegates to it passes the word on at once.
#[inline(always)]
pub(crate) fn yield_quick(m: M, v: Value) -> Fast {
    let th = m.th();
    let (mut fr, mut pc, mut depth) = (m.fr, m.pc, th.depth.get());
    // SAFETY: the frames are those of running generators; `extra` names the generator, which the frame below holds.
    unsafe {
        loop {
            let g = of_frame(fr);
            let (caller, kind) = ((*fr).prev, (*fr).kind);
            (*fr).pc = pc;
            (*fr).kind = FrameKind::Entry;
            (*fr).prev = std::ptr::null_mut();
            g.state.set(State::Suspended);
            depth -= 1;
            let at = (*caller).pc;
            let next = at.add(1);
            if kind == FrameKind::Send
                && matches!((*caller).kind, FrameKind::Send | FrameKind::Loop)
                && (*next).op_number() == Opcode::YieldDelegate as u16
                && (*next).a() == (*at).a()
            {
                (fr, pc) = (caller, next);
                continue;
            }
            th.exc.set(g.exc.prev.get());
            th.current.set(caller);
            th.depth.set(depth);
            let base = (*caller).base;
            let dst = (*at).a() as i16;
            let old = std::mem::replace(&mut *base.offset(dst as isize), v);
            let to = if kind == FrameKind::Loop { at.add(2) } else { next };
            if dst < 0 && old.is_ptr() && old.header().release() {
                return Fast::Drop(old, to, base, caller);
            }
            return Fast::Enter(to, base, caller);
        }
    }
}

/// Suspends a generator that native code resumed, and leaves the owned word `v` as the run loop's result.
#[inline(always)]
pub(crate) fn yield_out(m: M, v: Value) -> Fast {
    let th = m.th();
    // SAFETY: as in `yield_quick`; no result is left while a frame runs.
    unsafe {
        let f = m.frame();
        let g = of_frame(f);
        f.pc = m.pc;
        g.state.set(State::Suspended);
        th.exc.set(g.exc.prev.get());
        th.current.set(f.prev);
        f.prev = std::ptr::null_mut();
        th.depth.set(th.depth.get() - 1);
        std::ptr::write(th.result.as_ptr(), Some(Obj::from_owned(v)));
    }
    Fast::Exit
}

/// A generator that an instruction of the frame below resumed has returned; that frame is current again.
pub(crate) fn returned(th: &Thread, kind: FrameKind, v: Obj) -> Flow {
    let caller = th.current.get();
    // SAFETY: the frame below stands at its `ForIter` or `Send`.
    unsafe {
        let f = &mut *caller;
        let m = M { pc: f.pc, base: f.base, fr: caller, th, w: (*f.pc).0 };
        if kind == FrameKind::Loop {
            drop(v);
            drop(m.take(m.b()));
            f.pc = m.next_target_pc();
        } else {
            m.put(m.a(), v);
            let skip = m.plain_c();
            f.pc = m.ahead(1 + skip);
        }
    }
    Flow::SWITCH
}

/// Suspends the running generator frame, which stands at its yield.
pub(crate) fn suspend(th: &Thread, fr: *mut Frame) {
    leave(th, fr, State::Suspended);
}

fn leave(th: &Thread, fr: *mut Frame, state: State) {
    // SAFETY: the frame is a running generator's; `extra` names the generator, which its resumer holds.
    unsafe {
        let g = of_frame(fr);
        g.state.set(state);
        th.exc.set(g.exc.prev.get());
        th.current.set((*fr).prev);
        (*fr).prev = std::ptr::null_mut();
        th.leave_call();
    }
}

/// The generator of a running generator's frame.
///
/// # Safety
/// `extra` of the frame must name the generator, and somebody must hold it.
#[inline(always)]
unsafe fn of_frame<'a>(fr: *mut Frame) -> &'a Generator {
    // SAFETY: by the caller's promise. The payload follows the header of eight bytes.
    unsafe { &*(((*fr).extra.bits() + 8) as *const Generator) }
}

/// A generator's frame returned or raised: drops its registers and references.
pub(crate) fn frame_ended(th: &Thread, fr: *mut Frame) {
    // SAFETY: as in `leave`; no temporaries are live.
    unsafe {
        let g = of_frame(fr);
        leave(th, fr, State::Finished);
        // The frame is off the chain: for its frame object it has no caller any more.
        if (*fr).frame_obj.is_ptr() {
            frame_obj::finish(th, &mut *fr);
        }
        if !g.is_async() {
            heap::mark_spent((*fr).extra);
        }
        drop_locals(&*fr);
        g.drop_references();
    }
}

pub(super) fn already_running(cx: &Ctx, g: &Generator) -> Raised {
    let what = if g.is_coroutine() {
        "coroutine already executing"
    } else if g.is_async() {
        "async generator already executing"
    } else {
        "generator already executing"
    };
    cx.value_error(what)
}

pub(super) fn reused(cx: &Ctx) -> Raised {
    cx.runtime_error("cannot reuse already awaited coroutine")
}

/// Puts the generator's frame on the chain, with the exceptions that it handles.
pub(super) fn activate(th: &Thread, g: &Generator) -> PyResult<()> {
    link(th, g)?;
    g.exc.prev.set(th.exc.get());
    th.exc.set(&g.exc);
    Ok(())
}

/// Puts the generator's frame on the chain; it counts as running.
#[inline(always)]
pub(super) fn link(th: &Thread, g: &Generator) -> PyResult<()> {
    th.cx.check_stack("")?;
    th.cx.step()?;
    th.enter_call()?;
    let (top, end) = th.register_top();
    let f = g.frame_ref();
    f.prev = th.current.get();
    f.top = top;
    f.reg_end = end;
    th.current.set(f);
    g.state.set(State::Running);
    Ok(())
}

pub(super) fn outcome(g: &Generator, r: PyResult) -> PyResult<SendResult> {
    let v = r?;
    Ok(if g.state.get() == State::Finished { SendResult::Return(v) } else { SendResult::Yield(v) })
}

/// Resumes a generator with a value.
pub(crate) fn resume(cx: &Ctx, this: &Obj, g: &Generator, v: Obj) -> PyResult<SendResult> {
    let th = Thread::of(cx);
    let started = match g.state.get() {
        State::Running => return Err(already_running(cx, g)),
        State::Finished => {
            if g.is_coroutine() {
                return Err(reused(cx));
            }
            return Ok(SendResult::Return(Obj::none()));
        }
        State::Created => {
            if !v.is_none() {
                let what = if g.is_coroutine() {
                    "coroutine"
                } else if g.is_async() {
                    "async generator"
                } else {
                    "generator"
                };
                return Err(cx.type_error(format!("can't send non-None value to a just-started {what}")));
            }
            false
        }
        State::Suspended => true,
    };
    let keep = this.clone();
    activate(th, g)?;
    let f = g.frame_ref();
    if th.runtime.monitoring.on.get() && resumed(th, f, started).is_err() {
        drop(v);
        let r = dispatch::run_raising(th);
        let out = outcome(g, r);
        drop(keep);
        return out;
    }
    if started {
        // SAFETY: the frame stands at its yield, whose `a` receives the value.
        unsafe {
            let m = M { pc: f.pc, base: f.base, fr: f, th, w: (*f.pc).0 };
            m.set(m.a(), v);
            f.pc = f.pc.add(1);
        }
    }
    let r = dispatch::run(th);
    let out = outcome(g, r);
    drop(keep);
    out
}

/// The next item for native code: as [`resume`] with None, by the shortest way.
#[inline]
pub(crate) fn next_item(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult<Option<Obj>> {
    let th = Thread::of(cx);
    let started = g.state.get() == State::Suspended;
    let caller = th.current.get();
    if !started && g.state.get() != State::Created || caller.is_null() || th.runtime.monitoring.on.get() {
        return match resume(cx, this, g, Obj::none())? {
            SendResult::Yield(v) => Ok(Some(v)),
            SendResult::Return(v) => returned_to_native(cx, v),
        };
    }
    cx.check_stack("")?;
    th.enter_call()?;
    let keep = this.clone();
    // SAFETY: the generator is not running, so nobody else uses its frame; it stands at its yield, whose `a` receives
    // the value, or at its first instruction.
    let r = unsafe {
        let f = &mut *g.frame.get();
        f.prev = caller;
        f.top = (*caller).top;
        f.reg_end = (*caller).reg_end;
        th.current.set(f);
        g.exc.prev.set(th.exc.get());
        th.exc.set(&g.exc);
        g.state.set(State::Running);
        let mut pc = f.pc;
        if started {
            let a = (*pc).a() as i16;
            pc = pc.add(1);
            f.pc = pc;
            let old = std::mem::replace(&mut *f.base.offset(a as isize), crate::ops::none_word());
            if a < 0 && old.is_ptr() {
                old.decref();
                // Ending the old value may have turned tracing on, which moves the frame to other code.
                pc = f.pc;
            }
        }
        dispatch::run_from(th, pc, f)
    };
    let r = match r {
        Ok(v) if g.state.get() == State::Finished => returned_to_native(cx, v),
        Ok(v) => Ok(Some(v)),
        Err(r) => Err(r),
    };
    drop(keep);
    r
}

/// What the end of a generator with this value is to native code that asks for items.
#[inline]
fn returned_to_native(cx: &Ctx, v: Obj) -> PyResult<Option<Obj>> {
    if v.is_none() { Ok(None) } else { Err(cx.stop_iteration(Some(v))) }
}

/// Whether a generator's frame was never resumed.
pub(crate) fn is_fresh(fr: *mut Frame) -> bool {
    // SAFETY: a generator's frame names its generator.
    let owner = unsafe { (*fr).extra };
    Frame::object(owner).is_some_and(|o| o.downcast::<Generator>().is_some_and(|g| g.state() == State::Created))
}
