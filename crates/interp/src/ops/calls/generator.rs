//! Calls of generator and coroutine functions, and of builtins that take all of a generator.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::method::BoundMethod;
use cinder_pyobj::{Obj, Value};
use cinder_shadow::{ShadowOp, Site};

use super::{arg_count, call_look, call_method_look, can_enter, enter_frame};
use crate::call::collect::{self, Consumer};
use crate::call::eager;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M, is_temp};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::objects::generator;
use crate::ops::attrs::site;
use crate::ops::{fast, fast_op};

fast_op! {
    CallAwait |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) {
            return Fast::Slow;
        }
        enter_awaited(m, callee, m.reg(m.b() + 2), arg_count(site(m)))
    } slow { call_look(m) }

    CallGenerator |m| fast { Fast::Slow } slow {
        match call_generator(m, m.reg(m.b() + 2), arg_count(site(m))) {
            Some(flow) => Ok(flow),
            None => call_look(m),
        }
    }

    CallCollect |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b()).bits() == s.entry.word()
            && collect::is_fresh(m.peek_obj(m.b() + 2))
            && let Some(flow) = collect::begin(m, Consumer::from_u8(s.entry.target.get() as u8))
        {
            return Ok(flow);
        }
        call_look(m)
    }

    CallMethodAwait |m| fast {
        let callee = m.peek(m.b());
        if !Function::is(callee) || m.peek(m.b() + 1) == Value::UNBOUND {
            return Fast::Slow;
        }
        enter_awaited(m, callee, m.reg(m.b() + 1), arg_count(site(m)) + 1)
    } slow { call_method_look(m) }

    CallMethodCollect |m| fast { Fast::Slow } slow {
        if m.peek(m.b()).bits() == site(m).entry.word()
            && joins(m)
            && let Some(flow) = collect::begin(m, Consumer::Join)
        {
            return Ok(flow);
        }
        call_method_look(m)
    }

    CallMethodGenerator |m| fast { Fast::Slow } slow {
        let own = u32::from(m.peek(m.b() + 1) != Value::UNBOUND);
        match call_generator(m, m.reg(m.b() + 2 - own as i16), arg_count(site(m)) + own) {
            Some(flow) => Ok(flow),
            None => call_method_look(m),
        }
    }
}

/// The distance from a call that is awaited at once to the `Send` of the await.
pub(super) const TO_SEND: usize = 3;

/// The operations of a call instruction, by what it calls.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    /// Functions of one code object, of up to four, of any.
    targets: [ShadowOp; 3],
    /// What makes a generator or coroutine.
    generator: ShadowOp,
    /// A coroutine function that is awaited at once.
    awaited: ShadowOp,
}

/// Those of `Call`.
pub(super) const CALL: Ops = Ops {
    targets: [ShadowOp::CallPython, ShadowOp::CallPythonPoly, ShadowOp::CallAny],
    generator: ShadowOp::CallGenerator,
    awaited: ShadowOp::CallAwait,
};

/// Those of `CallMethod`.
pub(super) const CALL_METHOD: Ops = Ops {
    targets: [ShadowOp::CallMethodPython, ShadowOp::CallMethodPythonPoly, ShadowOp::CallMethodAny],
    generator: ShadowOp::CallMethodGenerator,
    awaited: ShadowOp::CallMethodAwait,
};

/// Decides how to call a Python function whose arguments begin at register `first`: like any function, as one that
/// makes a generator or coroutine, or as a coroutine function that is awaited at once.
pub(super) fn look_function(m: M, s: &Site, callee: &Obj, first: i16, ops: Ops) {
    let Some(code) = callee.downcast::<Function>().and_then(Function::code_ref) else { return };
    let Some(c) = code.downcast::<CodeObject>() else { return };
    // SAFETY: the instruction lies in shadow code, which has valid opcode numbers.
    unsafe {
        if c.runs {
            return cinder_shadow::look_target(m.pc, s, c.serial, ops.targets);
        }
        let op = match s.would_look() && c.eager_args != u32::MAX && is_awaited(m, first) {
            true => ops.awaited,
            false => ops.generator,
        };
        let changes = ShadowOp::from_number((*m.pc).op_number()) != Some(op);
        cinder_shadow::look_call(m.pc, s, changes.then_some(op), callee.value().bits(), 0, 0);
    }
}

/// As [`look_function`] for a bound method of a Python function that runs; false for other callees.
pub(super) fn look_bound(m: M, s: &Site, callee: &Obj, ops: Ops) -> bool {
    let Some(b) = callee.fixed::<BoundMethod>(FixedShape::BoundMethod) else { return false };
    let code = b.function().fixed::<Function>(FixedShape::Function).and_then(Function::code_ref);
    let Some(c) = code.as_ref().and_then(|c| c.downcast::<CodeObject>()).filter(|c| c.runs) else { return false };
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_target(m.pc, s, c.serial, ops.targets) };
    true
}

/// Whether the result of this call, whose arguments begin at register `first`, is awaited at once.
pub(super) fn is_awaited(m: M, first: i16) -> bool {
    let f = m.frame();
    let at = f.lasti() as usize;
    let Some([call, get, none, send]) = f.plain().insns.get(at..=at + TO_SEND) else { return false };
    get.op() == Some(Opcode::GetAwaitable)
        && get.b() == call.a()
        && none.op() == Some(Opcode::Move)
        && send.op() == Some(Opcode::Send)
        && (send.a(), send.b()) == (none.a(), get.a())
        && m.peek(none.b() as i16) == crate::ops::flow::none_word()
        && is_temp(call.a() as i16)
        && is_temp(send.b() as i16)
        && (send.b() as i16) < first
}

/// Whether this is a call of a method of an exact str with a fresh generator as its argument.
pub(super) fn joins(m: M) -> bool {
    m.peek(m.b() + 1) != Value::UNBOUND
        && m.peek_obj(m.b() + 1).is_exact(FixedShape::Str)
        && collect::is_fresh(m.peek_obj(m.b() + 2))
}

/// Makes the generator or coroutine of a call; nothing, with nothing changed, if the callee is something else or the
/// call is not plain.
pub(super) fn call_generator(m: M, first: *mut Value, count: u32) -> Option<Flow> {
    let callee = m.peek(m.b());
    if !Function::is(callee) {
        return None;
    }
    // SAFETY: the callee is a function; the instruction owns the window.
    unsafe {
        let f = &*Function::payload_of(callee);
        let c = &*f.code_ptr()?;
        if c.runs || c.simple_args != count {
            return None;
        }
        let g = generator::make_of_call(m.th(), callee, f, c, first, count)?;
        m.set(m.a(), g);
    }
    Some(Flow::NEXT)
}

/// Enters a coroutine function whose call is awaited at once.
#[inline(always)]
pub(super) fn enter_awaited(m: M, callee: Value, first: *mut Value, count: u32) -> Fast {
    // SAFETY: as in `enter_python`; the site saw that the await follows.
    unsafe {
        let f = &*(Function::payload_of(callee));
        let c = &*fast!(f.code_ptr());
        if c.eager_args != count || c.sites().is_null() || !can_enter(m, c, first) || !eager::allowed(m.th()) {
            return Fast::Slow;
        }
        eager::begin(m.th());
        let m = eager::wait_at(m, m.ahead(TO_SEND), crate::ops::flow::none_word());
        enter_frame(m, callee, f, c, first, count, FrameKind::Await, Value::UNBOUND)
    }
}
