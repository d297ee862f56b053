//! The dispatch loop.
//!
//! In optimised builds every opcode has a handler of the same C signature that ends in a sibling call to the
//! next one through a table, so that the machine's registers stay in the processor's. A handler runs the
//! instruction's fast path and, where that does not apply, ends in a sibling call of the slow one; it makes no
//! other call, so it saves no registers. Builds without optimisation, which would not turn those calls into
//! jumps, use a plain loop over the same bodies.

use cinder_bytecode::for_each_opcode;
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::{PyResult, Value};
use cinder_shadow::{SHADOW_OPS, for_each_shadow_op};

use crate::frame::Frame;
use crate::machine::{Fast, Flow, M};
use crate::observe;
use crate::ops;
use crate::thread::Thread;
use crate::unwind;

/// All instructions a frame can meet: those of plain code, then the specialised ones of shadow code, then those again
/// with a count of their executions, then those that fire events.
const COUNT: usize = observe::OPCODES;

/// Runs the current frame, which is an entry frame, until it returns or raises.
pub(crate) fn run(th: &Thread) -> PyResult {
    let fr = th.current.get();
    // SAFETY: the current frame is alive and its code verified.
    unsafe { run_from(th, (*fr).pc, fr) }
}

/// Runs the current frame from an instruction on.
///
/// # Safety
/// `fr` must be the current frame, and `pc` lie in its code.
#[inline]
pub(crate) unsafe fn run_from(th: &Thread, pc: *const Insn, fr: *mut Frame) -> PyResult {
    // SAFETY: the current frame is alive and its code verified.
    let ok = unsafe { start(pc, (*fr).base, fr, th) };
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

#[cfg(not(cinder_match_dispatch))]
mod tail {
    use super::*;

    pub(super) type Handler = unsafe extern "C" fn(*const Insn, *mut Value, *mut Frame, *const Thread, u64) -> usize;

    const fn table(plain: &[Handler], shadow: &[Handler]) -> [Handler; COUNT] {
        let mut t = [plain[0]; COUNT];
        let mut i = 0;
        while i < plain.len() {
            t[i] = plain[i];
            i += 1;
        }
        i = 0;
        while i < shadow.len() {
            t[Opcode::COUNT + i] = shadow[i];
            t[Opcode::COUNT + SHADOW_OPS + i] = counted;
            i += 1;
        }
        t[observe::INSTRUMENTED as usize] = observed;
        t[observe::ENTER as usize] = observed;
        t
    }

    macro_rules! go {
        ($pc:expr, $base:expr, $fr:expr, $th:expr) => {{
            let pc: *const Insn = $pc;
            let w = (*pc).0;
            // Verified code has valid opcode numbers, and so has its shadow.
            return TABLE.get_unchecked(w as u16 as usize)(pc, $base, $fr, $th, w);
        }};
    }

    macro_rules! one {
        ($module:ident, $name:ident) => {
            pub(super) unsafe extern "C" fn $name(
                pc: *const Insn,
                base: *mut Value,
                fr: *mut Frame,
                th: *const Thread,
                w: u64,
            ) -> usize {
                // SAFETY: verified code; see `M`.
                unsafe {
                    match ops::$name::fast(M { pc, base, fr, th, w }) {
                        Fast::Next => go!(pc.add(1), base, fr, th),
                        Fast::Jump(to) => go!(to, base, fr, th),
                        Fast::Enter(to, base, fr) => go!(to, base, fr, th),
                        Fast::Drop(v, to, base, fr) => drop_one(to, base, fr, th, v.bits()),
                        Fast::Drop2(v, to, base, fr) => drop_two(to, base, fr, th, v.bits()),
                        Fast::Exit => 0,
                        Fast::Slow => super::$module::$name(pc, base, fr, th, w),
                    }
                }
            }
        };
    }

    macro_rules! slow_one {
        ($name:ident) => {
            // Inlined into the fast handler, its call would make that save registers.
            #[inline(never)]
            pub(super) unsafe extern "C" fn $name(
                pc: *const Insn,
                base: *mut Value,
                fr: *mut Frame,
                th: *const Thread,
                w: u64,
            ) -> usize {
                // SAFETY: verified code; see `M`.
                unsafe {
                    let f = ops::$name::slow(pc, base, fr, th, w);
                    if f == Flow::NEXT {
                        go!(pc.add(1), base, fr, th)
                    }
                    redirect(pc, base, fr, th, f)
                }
            }
        };
    }

    /// The two handlers of each instruction, and the table of those that begin it.
    macro_rules! handlers {
        ($fast:ident, $slow:ident, $table:ident, $count:expr, $($name:ident)*) => {
            mod $fast {
                use super::*;
                $(one!($slow, $name);)*
            }
            mod $slow {
                use super::*;
                $(slow_one!($name);)*
            }
            const $table: [Handler; $count] = [$(if ops::$name::FAST { $fast::$name } else { $slow::$name }),*];
        };
    }

    macro_rules! plain_handlers {
        ($($(#[doc = $doc:literal])+ $name:ident ($($field:ident : $kind:ident),*) [$($flag:ident)*];)*) => {
            handlers!(fast, slow, PLAIN, Opcode::COUNT, $($name)*);
        };
    }
    for_each_opcode!(plain_handlers);

    macro_rules! shadow_handlers {
        ($($(#[doc = $doc:literal])+ $name:ident = $generic:ident $family:ident $([$keeps:ident])?;)*) => {
            handlers!(shadow_fast, shadow_slow, SHADOW, SHADOW_OPS, $($name)*);
        };
    }
    for_each_shadow_op!(shadow_handlers);

    pub(super) static TABLE: [Handler; COUNT] = table(&PLAIN, &SHADOW);

    /// The handler of instructions that fire events, and of the stub that code to be instrumented is entered by.
    unsafe extern "C" fn observed(
        pc: *const Insn,
        base: *mut Value,
        fr: *mut Frame,
        th: *const Thread,
        w: u64,
    ) -> usize {
        // SAFETY: as for other handlers.
        unsafe {
            let f = observing(w as u16)(pc, base, fr, th, w);
            if f == Flow::NEXT {
                go!(pc.add(1), base, fr, th)
            }
            redirect(pc, base, fr, th, f)
        }
    }

    /// Counts an execution, then goes on with the handler that does not count.
    unsafe extern "C" fn counted(
        pc: *const Insn,
        base: *mut Value,
        fr: *mut Frame,
        th: *const Thread,
        w: u64,
    ) -> usize {
        // SAFETY: counted instructions have numbers above those of the plain ones, and their frames have sites.
        unsafe {
            if let Some(s) = (*fr).code().shadow() {
                cinder_shadow::stats::count(s, pc);
            }
            TABLE.get_unchecked(w as u16 as usize - SHADOW_OPS)(pc, base, fr, th, w)
        }
    }

    /// Drops a value that a fast path found to be the last reference, then goes on.
    #[inline(never)]
    unsafe extern "C" fn drop_one(
        pc: *const Insn,
        base: *mut Value,
        fr: *mut Frame,
        th: *const Thread,
        v: u64,
    ) -> usize {
        // SAFETY: the fast path owned the word.
        unsafe {
            Value::from_bits(v).decref();
            go!(pc, base, fr, th)
        }
    }

    /// As `drop_one`, with a second value parked in the thread.
    #[inline(never)]
    unsafe extern "C" fn drop_two(
        pc: *const Insn,
        base: *mut Value,
        fr: *mut Frame,
        th: *const Thread,
        v: u64,
    ) -> usize {
        // SAFETY: the fast path owned the word.
        unsafe {
            let second = (*th).parked.take();
            Value::from_bits(v).decref();
            if let Some(second) = second {
                second.decref();
            }
            go!(pc, base, fr, th)
        }
    }

    /// Everything but "go on with the next word": jumps, exceptions, frame switches, the end.
    #[inline(never)]
    unsafe extern "C" fn redirect(
        pc: *const Insn,
        base: *mut Value,
        fr: *mut Frame,
        th: *const Thread,
        f: Flow,
    ) -> usize {
        // SAFETY: a flow above the codes is the address of a verified instruction; the current frame is alive.
        unsafe {
            if f.0 > Flow::EXIT.0 {
                go!(f.0 as *const Insn, base, fr, th)
            }
            if f == Flow::SKIP {
                go!(pc.add(2), base, fr, th)
            }
            let f = settle(pc, fr, th, f);
            if f == Flow::EXIT {
                return usize::from(!(*th).has_result());
            }
            let fr = (*th).current.get();
            go!((*fr).pc, (*fr).base, fr, th)
        }
    }

    pub(super) unsafe fn start(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread) -> usize {
        // SAFETY: verified code.
        unsafe { go!(pc, base, fr, th) }
    }
}

#[cfg(not(cinder_match_dispatch))]
use tail::start;

/// What an instruction does, apart from the dispatch.
pub(crate) type Body = unsafe fn(*const Insn, *mut Value, *mut Frame, *const Thread, u64) -> Flow;

macro_rules! body {
    ($name:ident) => {
        |pc, base, fr, th, w| {
            // SAFETY: passed on from the caller.
            unsafe {
                let m = M { pc, base, fr, th, w };
                let go = |to: *const Insn, frame: *mut Frame| {
                    if frame == fr {
                        return Flow::jump(to);
                    }
                    (*frame).pc = to;
                    Flow::SWITCH
                };
                match ops::$name::fast(m) {
                    Fast::Next => Flow::NEXT,
                    Fast::Jump(to) => Flow::jump(to),
                    Fast::Enter(to, _, frame) => go(to, frame),
                    Fast::Drop(v, to, _, frame) => {
                        v.decref();
                        go(to, frame)
                    }
                    Fast::Drop2(v, to, _, frame) => {
                        let second = (*th).parked.take();
                        v.decref();
                        if let Some(second) = second {
                            second.decref();
                        }
                        go(to, frame)
                    }
                    Fast::Exit => Flow::EXIT,
                    Fast::Slow => ops::$name::slow(pc, base, fr, th, w),
                }
            }
        }
    };
}

macro_rules! bodies {
    ($($(#[doc = $doc:literal])+ $name:ident ($($field:ident : $kind:ident),*) [$($flag:ident)*];)*) => {
        static BODIES: [Body; Opcode::COUNT] = [$(body!($name)),*];
    };
}
for_each_opcode!(bodies);

/// What an instruction of plain code does.
pub(crate) fn body(op: u16) -> Body {
    BODIES[op as usize]
}

/// Does what the instruction of plain code whose word is `m.w` does.
pub(crate) fn run_plain(m: M) -> Flow {
    // SAFETY: `M` promises that the word is one of verified code and that the frame is current.
    unsafe { BODIES[m.w as u16 as usize](m.pc, m.base, m.fr, m.th, m.w) }
}

/// What an instruction that fires events does.
fn observing(op: u16) -> Body {
    if op == observe::INSTRUMENTED { observe::instrumented } else { observe::enter }
}

#[cfg(cinder_match_dispatch)]
mod looped {
    use super::*;

    macro_rules! shadow_bodies {
        ($($(#[doc = $doc:literal])+ $name:ident = $generic:ident $family:ident $([$keeps:ident])?;)*) => {
            static SHADOW: [Body; SHADOW_OPS] = [$(body!($name)),*];
        };
    }
    for_each_shadow_op!(shadow_bodies);

    pub(super) unsafe fn start(pc: *const Insn, base: *mut Value, fr: *mut Frame, th: *const Thread) -> usize {
        let (mut pc, mut base, mut fr) = (pc, base, fr);
        loop {
            // SAFETY: verified code; the current frame is alive.
            unsafe {
                let w = (*pc).0;
                let op = w as u16 as usize;
                let run = if op < Opcode::COUNT {
                    BODIES[op]
                } else if op < Opcode::COUNT + SHADOW_OPS {
                    SHADOW[op - Opcode::COUNT]
                } else if op < Opcode::COUNT + 2 * SHADOW_OPS {
                    if let Some(s) = (*fr).code().shadow() {
                        cinder_shadow::stats::count(s, pc);
                    }
                    SHADOW[op - Opcode::COUNT - SHADOW_OPS]
                } else {
                    observing(op as u16)
                };
                let f = run(pc, base, fr, th, w);
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
}

#[cfg(cinder_match_dispatch)]
use looped::start;

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
