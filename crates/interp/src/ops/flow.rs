//! Moves, jumps, iteration and returning.

use std::sync::atomic::Ordering;

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::list::List;
use cinder_pyobj::{Obj, Value};

use super::{fast_op, op};
use crate::call::pop_frame;
use crate::frame::FrameKind;
use crate::machine::{Flow, M};

op! {
    Nop |_m| { Ok(Flow::NEXT) }

    Extra |m| { Err(m.cx().system_error("a data word was executed")) }

    Drop |m| {
        drop(m.take(m.a()));
        Ok(Flow::NEXT)
    }

    Copy |m| {
        let v = m.peek_obj(m.b()).clone();
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadConst |m| {
        let v = m.constant(m.bx()).clone();
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }
}

fast_op! {
    Move |m| fast {
        let v = m.peek(m.b());
        if v.is_ptr() && !(0..cinder_bytecode::op::CONST_BASE).contains(&m.b()) {
            // SAFETY: a bound local or a constant.
            unsafe { v.incref() };
        }
        m.set_word(m.a(), v);
        Some(Flow::NEXT)
    } slow {
        Ok(Flow::NEXT)
    }

    Jump |m| fast { Some(m.target()) } slow { Ok(m.target()) }

    JumpBackwardNoPoll |m| fast { Some(m.target()) } slow { Ok(m.target()) }

    JumpBackward |m| fast {
        if m.cx().poll.load(Ordering::Relaxed) == 0 { Some(m.target()) } else { None }
    } slow {
        (m.cx().host().poll)(m.cx())?;
        Ok(m.target())
    }

    JumpIfTrue |m| fast {
        Some(if quick_truth(m.peek(m.a()))? { m.target() } else { Flow::NEXT })
    } slow {
        let x = m.arg(m.a());
        let r = x.truthy(m.cx())?;
        drop(x);
        Ok(if r { m.target() } else { Flow::NEXT })
    }

    JumpIfFalse |m| fast {
        Some(if quick_truth(m.peek(m.a()))? { Flow::NEXT } else { m.target() })
    } slow {
        let x = m.arg(m.a());
        let r = x.truthy(m.cx())?;
        drop(x);
        Ok(if r { Flow::NEXT } else { m.target() })
    }
}

/// Truth of a bool, None or tagged int; their words need no drop.
#[inline(always)]
fn quick_truth(v: Value) -> Option<bool> {
    if v == super::compare::bool_word(true) {
        return Some(true);
    }
    if v == super::compare::bool_word(false) {
        return Some(false);
    }
    v.as_int().map(|n| n != 0)
}

op! {
    JumpIfNone |m| {
        let x = m.arg(m.a());
        let r = x.is_none();
        drop(x);
        Ok(if r { m.target() } else { Flow::NEXT })
    }

    JumpIfNotNone |m| {
        let x = m.arg(m.a());
        let r = x.is_none();
        drop(x);
        Ok(if r { Flow::NEXT } else { m.target() })
    }

    JumpIfTrueOrDrop |m| {
        let x = m.take(m.a());
        if x.truthy(m.cx())? {
            m.put(m.a(), x);
            return Ok(m.target());
        }
        Ok(Flow::NEXT)
    }

    JumpIfFalseOrDrop |m| {
        let x = m.take(m.a());
        if !x.truthy(m.cx())? {
            m.put(m.a(), x);
            return Ok(m.target());
        }
        Ok(Flow::NEXT)
    }

    GetIter |m| {
        let x = m.arg(m.b());
        let r = x.iter(m.cx())?;
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    ForIter |m| {
        let it = m.peek_obj(m.b());
        match it.next(m.cx())? {
            Some(v) => {
                m.set(m.a(), v);
                Ok(Flow::SKIP)
            }
            None => {
                drop(m.take(m.b()));
                Ok(m.next_target())
            }
        }
    }

    GetLen |m| {
        let n = m.peek_obj(m.b()).len(m.cx())?;
        m.set(m.a(), Obj::from(n));
        Ok(Flow::NEXT)
    }

    Return |m| {
        let v = m.arg(m.a()).into_obj();
        Ok(return_value(m, v))
    }
}

/// Leaves the current frame with a result.
pub(super) fn return_value(m: M, v: Obj) -> Flow {
    let th = m.th();
    let f = m.frame();
    let (kind, window, extra) = (f.kind, f.window, f.extra);
    // SAFETY: the frame is current and done; its caller's call instruction waits for the result.
    unsafe {
        if f.is_generator {
            crate::objects::generator::frame_ended(th, m.fr);
            th.result.set(Some(v));
            return Flow::EXIT;
        }
        pop_frame(th, m.fr);
        let v = match kind {
            FrameKind::Entry => {
                th.result.set(Some(v));
                return Flow::EXIT;
            }
            FrameKind::Call => v,
            FrameKind::Init => {
                let instance = Obj::from_owned(extra);
                if !v.is_none() {
                    (*window).decref();
                    let _ = m.cx().type_error(format!("__init__() should return None, not '{}'", v.type_of().name()));
                    return crate::unwind::unwind(th, true);
                }
                instance
            }
        };
        deliver(m, v, window)
    }
}

/// Gives a call's result to the calling frame, which is current again, and moves it on.
pub(crate) fn deliver(m: M, v: Obj, window: *mut Value) -> Flow {
    let th = m.th();
    let caller = th.current.get();
    // SAFETY: the caller stands at its call instruction, whose `a` is the destination.
    unsafe {
        let c = &mut *caller;
        let w = (*c.pc).0;
        let cm = M { pc: c.pc, base: c.base, fr: caller, th: m.th, w };
        if !window.is_null() {
            let callee = *window;
            if callee.is_ptr() {
                callee.decref();
            }
        }
        // Every copy of the code keeps the data words, while the call itself may stand under another opcode.
        let extra = (*c.pc.add(1)).op_number() == cinder_bytecode::op::Opcode::Extra as u16;
        cm.set(cm.a(), v);
        c.pc = c.pc.add(1 + usize::from(extra));
    }
    Flow::SWITCH
}

const _: FixedShape = FixedShape::List;
const _: fn(&List, usize) -> Option<Obj> = |l, i| l.get(i);
