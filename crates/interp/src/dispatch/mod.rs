//! The dispatch loop.
//!
//! In optimised builds every opcode has a handler of the same C signature that ends in a sibling call to the
//! next one through a table, so that the machine's registers stay in the processor's. Builds without
//! optimisation, which would not turn those calls into jumps, use a plain loop over the same bodies.

use cinder_bytecode::for_each_opcode;
use cinder_bytecode::op::Insn;
use cinder_pyobj::{Obj, PyResult, Value};

use crate::frame::Frame;
use crate::machine::Flow;
use crate::observe;
use crate::ops;
use crate::thread::Thread;
use crate::unwind;

type Handler = unsafe extern "C" fn(*const Insn, *mut Value, *mut Frame, *const Thread, u64) -> usize;

/// Runs the current frame, which is an entry frame, until it returns or raises.
pub(crate) fn run(th: &Thread) -> PyResult {
    let fr = th.current.get();
    // SAFETY: the current frame is alive and its code verified.
    let ok = unsafe { start((*fr).pc, (*fr).base, fr, th) };
    let result = th.result.take();
    match (ok, result) {
        (0, Some(v)) => Ok(v),
        (0, None) => Err(th.cx.system_error("a frame ended without a result")),
        _ => Err(th.cx.raised()),
    }
}

/// Runs the current frame with an exception pending at its instruction.
pub(crate) fn run_raising(th: &Thread) -> PyResult {
    match unwind::unwind(th, true) {
        Flow::EXIT => match th.result.take() {
            Some(v) => Ok(v),
            None => Err(th.cx.raised()),
        },
        _ => run(th),
    }
}

/// The result code of [`start`] when the entry frame raised.
const RAISED: usize = 1;

macro_rules! handlers {
    ($($(#[doc = $doc:literal])+ $name:ident ($($field:ident : $kind:ident),*) [$($flag:ident)*];)*) => {
        #[cfg(not(cinder_match_dispatch))]
        mod handler {
            use super::*;
            $(
                #[allow(non_snake_case, reason = "named after the opcodes")]
                pub(super) unsafe extern "C" fn $name(
                    pc: *const Insn,
                    base: *mut Value,
                    fr: *mut Frame,
                    th: *const Thread,
                    w: u64,
                ) -> usize {
                    // SAFETY: verified code; see `M`.
                    unsafe {
                        let f = ops::$name(pc, base, fr, th, w);
                        if f == Flow::NEXT {
                            let pc = pc.add(1);
                            let w = (*pc).0;
                            return TABLE[w as u16 as usize](pc, base, fr, th, w);
                        }
                        redirect(pc, base, fr, th, f)
                    }
                }
            )*
        }

        #[cfg(not(cinder_match_dispatch))]
        static TABLE: [Handler; observe::OPCODES] = [$(handler::$name,)* observed, observed];

        static BODIES: [Body; observe::OPCODES] = [$(ops::$name,)* observe::instrumented, observe::enter];

        #[cfg(cinder_match_dispatch)]
        unsafe fn step(
            op: u16,
            pc: *const Insn,
            base: *mut Value,
            fr: *mut Frame,
            th: *const Thread,
            w: u64,
        ) -> Flow {
            // SAFETY: verified code has valid opcode numbers.
            unsafe { BODIES[op as usize](pc, base, fr, th, w) }
        }
    };
}
for_each_opcode!(handlers);

type Body = unsafe fn(*const Insn, *mut Value, *mut Frame, *const Thread, u64) -> Flow;

/// What an instruction does, apart from the dispatch.
pub(crate) fn body(op: u16) -> Body {
    BODIES[op as usize]
}

/// The handler of instructions that fire events, and of the stub that code to be instrumented is entered by.
#[cfg(not(cinder_match_dispatch))]
unsafe extern "C" fn observed(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread, w: u64) -> usize {
    // SAFETY: as for other handlers.
    unsafe {
        let f = body(w as u16)(pc, base, fr, th, w);
        if f == Flow::NEXT {
            let pc = pc.add(1);
            let w = (*pc).0;
            return TABLE[w as u16 as usize](pc, base, fr, th, w);
        }
        redirect(pc, base, fr, th, f)
    }
}

/// Everything but "go on with the next word": jumps, exceptions, frame switches, the end.
#[cfg(not(cinder_match_dispatch))]
#[inline(never)]
unsafe extern "C" fn redirect(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread, f: Flow) -> usize {
    // SAFETY: a flow above the codes is the address of a verified instruction; the current frame is alive.
    unsafe {
        if f.0 > Flow::EXIT.0 {
            let pc = f.0 as *const Insn;
            let w = (*pc).0;
            return TABLE[w as u16 as usize](pc, base, fr, th, w);
        }
        if f == Flow::SKIP {
            let pc = pc.add(2);
            let w = (*pc).0;
            return TABLE[w as u16 as usize](pc, base, fr, th, w);
        }
        let f = settle(pc, fr, th, f);
        if f == Flow::EXIT {
            return usize::from(!(*th).has_result());
        }
        let fr = (*th).current.get();
        let pc = (*fr).pc;
        let w = (*pc).0;
        TABLE[w as u16 as usize](pc, (*fr).base, fr, th, w)
    }
}

/// Handles raising; afterwards the flow is `SWITCH` or `EXIT`.
#[inline(never)]
unsafe fn settle(pc: *const Insn, fr: *mut Frame, th: *const Thread, f: Flow) -> Flow {
    match f {
        Flow::RAISE | Flow::RERAISE => {
            // SAFETY: the frame is current.
            unsafe {
                (*fr).pc = pc;
                unwind::unwind(&*th, f == Flow::RAISE)
            }
        }
        f => f,
    }
}

#[cfg(not(cinder_match_dispatch))]
unsafe fn start(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread) -> usize {
    // SAFETY: verified code.
    unsafe {
        let w = (*pc).0;
        TABLE[w as u16 as usize](pc, base, fr, th, w)
    }
}

#[cfg(cinder_match_dispatch)]
unsafe fn start(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread) -> usize {
    let (mut pc, mut base, mut fr) = (pc, base, fr);
    loop {
        // SAFETY: verified code; the current frame is alive.
        unsafe {
            let w = (*pc).0;
            let f = step(w as u16, pc, base, fr, th, w);
            pc = match f {
                Flow::NEXT => pc.add(1),
                Flow::SKIP => pc.add(2),
                f if f.0 > Flow::EXIT.0 => f.0 as *const Insn,
                f => {
                    if settle(pc, fr, th, f) == Flow::EXIT {
                        return usize::from(!(*th).has_result());
                    }
                    fr = (*th).current.get();
                    base = (*fr).base;
                    (*fr).pc
                }
            };
        }
    }
}

const _: usize = RAISED;
const _: Option<Obj> = None;
