//! Moves, jumps, iteration and returning.

use std::sync::atomic::Ordering;

use cinder_bytecode::op::Opcode;
use cinder_pyobj::{Obj, Value};

use super::{fast_op, op};
use crate::call::{collect, eager, operand, pop_frame};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::generator;

op! {
    Extra |m| { Err(m.cx().system_error("a data word was executed")) }
}

fast_op! {
    Nop |_m| fast { Fast::Next } slow { Ok(Flow::NEXT) }

    Resume |_m| fast { Fast::Next } slow { Ok(Flow::NEXT) }

    Drop |m| fast {
        let v = m.peek(m.a());
        m.consumed(m.a(), v, m.ahead(1))
    } slow {
        Ok(Flow::NEXT)
    }

    Copy |m| fast {
        let v = m.peek(m.b());
        // SAFETY: the operand holds a value.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow {
        Ok(Flow::NEXT)
    }

    LoadConst |m| fast {
        let v = m.constant(m.bx()).value();
        // SAFETY: the code keeps its constants alive.
        unsafe { v.incref() };
        m.store(m.a(), v)
    } slow {
        Ok(Flow::NEXT)
    }

    Move |m| fast {
        let v = m.owned(m.b());
        m.store(m.a(), v)
    } slow {
        Ok(Flow::NEXT)
    }

    Jump |m| fast { Fast::Jump(m.target_pc()) } slow { Ok(m.target()) }

    JumpBackwardNoPoll |m| fast { Fast::Jump(m.target_pc()) } slow { Ok(m.target()) }

    JumpBackward |m| fast {
        if m.cx().poll.load(Ordering::Relaxed) != 0 || m.frame().code().count_loop() {
            return Fast::Slow;
        }
        Fast::Jump(m.target_pc())
    } slow {
        if m.cx().poll.load(Ordering::Relaxed) != 0 {
            (m.cx().host().poll)(m.cx())?;
        }
        Ok(Flow::jump(m.frame().enter_shadow(m.target_pc())))
    }

    JumpBackwardHot |m| fast {
        if m.cx().poll.load(Ordering::Relaxed) != 0 {
            return Fast::Slow;
        }
        Fast::Jump(m.target_pc())
    } slow {
        (m.cx().host().poll)(m.cx())?;
        Ok(m.target())
    }

    JumpIfNone |m| fast {
        let v = m.peek(m.a());
        let to = if v == none_word() { m.target_pc() } else { m.ahead(1) };
        m.consumed(m.a(), v, to)
    } slow {
        Ok(Flow::NEXT)
    }

    JumpIfNotNone |m| fast {
        let v = m.peek(m.a());
        let to = if v == none_word() { m.ahead(1) } else { m.target_pc() };
        m.consumed(m.a(), v, to)
    } slow {
        Ok(Flow::NEXT)
    }
}

/// None's word.
#[inline(always)]
pub(crate) fn none_word() -> Value {
    let o = std::mem::ManuallyDrop::new(Obj::none());
    o.value()
}

fast_op! {
    Return |m| fast { return_quick(m) } slow {
        let v = m.arg(m.a()).into_obj();
        Ok(return_value(m, v))
    }
}

/// Leaves a frame that ends without ado: at most two objects die with it (none if native code called it), and a call
/// instruction or native code waits for its result.
#[inline(always)]
fn return_quick(m: M) -> Fast {
    let f = m.frame();
    let a = m.a();
    let v = m.peek(a);
    // SAFETY: the frame is current and owns its locals; its caller stands at a call instruction.
    unsafe {
        let c = f.code();
        if !f.ends_simply() || c.far != 0 || !f.function.is_ptr() || f.function.header().is_unique() {
            return Fast::Slow;
        }
        if matches!(f.kind, FrameKind::Init | FrameKind::Discard) && v != none_word() {
            return Fast::Slow;
        }
        if f.kind == FrameKind::New || f.kind == FrameKind::Await && !awaiter_is_plain(m) {
            return Fast::Slow;
        }
        let mut kept = 0;
        if f.kind.is_operator() {
            if !operand::is_plain_result(f.kind, f.consumer, v) {
                return Fast::Slow;
            }
            kept = operand::kept(f.consumer);
        }
        // A returned local moves out of its register. The operands that an operator keeps lie below the locals.
        let moved = if a < 0 { m.reg(a) } else { std::ptr::null_mut() };
        let first = f.base.sub(c.near as usize + kept);
        let (mut dies, mut dies_next) = (Value::UNBOUND, Value::UNBOUND);
        let mut p = f.base;
        while p > first {
            p = p.sub(1);
            let w = *p;
            if w.is_ptr() && p != moved {
                if !w.header().release() {
                    // Should a later local send us to the slow path, this one is done.
                    *p = Value::UNBOUND;
                } else if dies == Value::UNBOUND {
                    dies = w;
                } else if dies_next == Value::UNBOUND {
                    dies_next = w;
                } else {
                    return Fast::Slow;
                }
            }
        }
        let th = m.th();
        let caller = f.prev;
        if f.kind == FrameKind::Entry {
            if dies != Value::UNBOUND {
                return Fast::Slow;
            }
            if a >= cinder_bytecode::op::CONST_BASE {
                v.incref();
            }
            f.function.header().release();
            th.current.set(caller);
            th.depth.set(th.depth.get() - 1);
            th.free_frame_quick(m.fr);
            // No result is left while a frame runs.
            std::ptr::write(th.result.as_ptr(), Some(Obj::from_owned(v)));
            return Fast::Exit;
        }
        let mut pc = (*caller).pc;
        let mut advance = f.advance as usize;
        if f.kind == FrameKind::Await {
            // The frame below stands at its `Send`; the `EndSend` where that leads to has the destination.
            pc = pc.add(1 + (*pc).c() as usize);
            advance = 1;
        }
        let kind = f.kind;
        let to = if kind.branches() { pc.offset(operand::distance(f.extra, is_true(v))) } else { pc.add(advance) };
        let base = (*caller).base;
        let dst = (*pc).a() as i16;
        let p = base.offset(dst as isize);
        let delivers = kind != FrameKind::Discard && !kind.branches();
        let replaces = delivers && dst < 0;
        if dies_next != Value::UNBOUND && replaces && (*p).is_ptr() && (*p).header().is_unique() {
            return Fast::Slow;
        }
        let v = if kind == FrameKind::Init {
            f.extra
        } else if kind == FrameKind::Bool {
            crate::ops::bool_word(is_true(v) != (f.consumer & operand::NOT != 0))
        } else {
            if a >= cinder_bytecode::op::CONST_BASE {
                v.incref();
            }
            v
        };
        f.function.header().release();
        th.current.set(caller);
        th.depth.set(th.depth.get() - 1);
        if kind == FrameKind::Await {
            eager::end_quick(th, m.fr)
        } else {
            th.free_frame_quick(m.fr)
        }
        if delivers {
            let old = std::mem::replace(&mut *p, v);
            if replaces && old.is_ptr() && old.header().release() {
                if dies == Value::UNBOUND {
                    return Fast::Drop(old, to, base, caller);
                }
                dies_next = old;
            }
        }
        if dies_next != Value::UNBOUND {
            th.parked.set(Some(dies_next));
            return Fast::Drop2(dies, to, base, caller);
        }
        if dies != Value::UNBOUND {
            return Fast::Drop(dies, to, base, caller);
        }
        Fast::Enter(to, base, caller)
    }
}

/// The truth of a bool or of a length in a word.
#[inline(always)]
fn is_true(v: Value) -> bool {
    v != crate::ops::bool_word(false) && !(v.is_int() && v.as_int_unchecked() == 0)
}

/// Whether a frame that is awaited at once may end without ado, and the `EndSend` of its awaiter fires no events.
#[inline(always)]
fn awaiter_is_plain(m: M) -> bool {
    // SAFETY: the frame is eager; its awaiter stands at a `Send`, which leads to an `EndSend`.
    unsafe {
        let send = (*m.frame().prev).pc;
        eager::ends_simply(m.fr) && (*send.add(1 + (*send).c() as usize)).op() == Some(Opcode::EndSend)
    }
}

/// Leaves the current frame with a result.
pub(super) fn return_value(m: M, v: Obj) -> Flow {
    let th = m.th();
    let f = m.frame();
    let (kind, extra, advance, consumer) = (f.kind, f.extra, f.advance, f.consumer);
    // SAFETY: the frame is current and done; its caller's call instruction waits for the result.
    unsafe {
        if f.is_generator {
            generator::frame_ended(th, m.fr);
            if kind == FrameKind::Collect {
                drop(v);
                return collect::returned(th, consumer);
            }
            if kind != FrameKind::Entry {
                return generator::returned(th, kind, v);
            }
            th.result.set(Some(v));
            return Flow::EXIT;
        }
        if kind == FrameKind::Await {
            eager::ending(th, m.fr);
            pop_frame(th, m.fr);
            eager::free(th, m.fr);
            return generator::returned(th, FrameKind::Send, v);
        }
        let operands = operand::take_kept(m.fr);
        pop_frame(th, m.fr);
        if kind.is_operator() {
            return operand::returned(th, kind, consumer, operands, v);
        }
        let v = match kind {
            FrameKind::Entry => {
                th.result.set(Some(v));
                return Flow::EXIT;
            }
            FrameKind::Discard => {
                drop(v);
                let caller = &mut *th.current.get();
                caller.pc = caller.pc.add(advance as usize);
                return Flow::SWITCH;
            }
            FrameKind::New => return super::calls::made(th, v, consumer, advance),
            FrameKind::Init => {
                let instance = Obj::from_owned(extra);
                if !v.is_none() {
                    drop(instance);
                    let _ = m.cx().type_error(format!("__init__() should return None, not '{}'", v.type_of().name()));
                    return crate::unwind::unwind(th, true);
                }
                instance
            }
            _ => v,
        };
        deliver(m, v, advance)
    }
}

/// Gives a call's result to the calling frame, which is current again, and moves it on.
pub(crate) fn deliver(m: M, v: Obj, advance: u8) -> Flow {
    let th = m.th();
    let caller = th.current.get();
    // SAFETY: the caller stands at its call instruction, whose `a` is the destination.
    unsafe {
        let c = &mut *caller;
        let w = (*c.pc).0;
        let cm = M { pc: c.pc, base: c.base, fr: caller, th: m.th, w };
        cm.set(cm.a(), v);
        c.pc = c.pc.add(advance as usize);
    }
    Flow::SWITCH
}
