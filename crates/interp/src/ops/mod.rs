//! The instructions: one function per opcode, named after it.
//!
//! [`op!`] defines an instruction whose work is outlined, so that its handler keeps nothing in memory across
//! the dispatch. [`fast_op!`] adds an inlined fast path before it: a fast path takes no addresses of locals, holds
//! nothing with a destructor, and gives nothing where it does not apply.

mod arith;
mod build;
mod calls;
mod cells;
mod compare;
mod exceptions;
mod flow;
mod functions;
mod generators;
mod imports;
mod items;
mod matching;
pub(crate) mod names;

pub(crate) use arith::*;
pub(crate) use build::*;
pub(crate) use calls::*;
pub(crate) use cells::*;
pub(crate) use compare::*;
pub(crate) use exceptions::*;
pub(crate) use flow::*;
pub(crate) use functions::*;
pub(crate) use generators::*;
pub(crate) use imports::*;
pub(crate) use items::*;
pub(crate) use matching::*;
pub(crate) use names::*;

/// Defines outlined instructions: `op! { Name |m| { body: PyResult<Flow> } … }`.
macro_rules! op {
    ($($(#[$meta:meta])* $name:ident |$m:ident| $body:block)*) => {$(
        $(#[$meta])*
        #[allow(non_snake_case, reason = "named after the opcode")]
        #[inline(never)]
        pub(crate) unsafe fn $name(
            pc: *const cinder_bytecode::op::Insn,
            base: *mut cinder_pyobj::Value,
            fr: *mut crate::frame::Frame,
            th: *const crate::thread::Thread,
            w: u64,
        ) -> crate::machine::Flow {
            // SAFETY: the frame is current.
            unsafe { (*fr).pc = pc };
            #[inline(always)]
            fn body($m: crate::machine::M) -> cinder_pyobj::PyResult<crate::machine::Flow> $body
            crate::machine::flow(body(crate::machine::M { pc, base, fr, th, w }))
        }
    )*};
}
pub(crate) use op;

/// Defines instructions with an inlined fast path:
/// `fast_op! { Name |m| fast { Option<Flow> } slow { PyResult<Flow> } … }`.
macro_rules! fast_op {
    ($($(#[$meta:meta])* $name:ident |$m:ident| fast $fast:block slow $slow:block)*) => {$(
        $(#[$meta])*
        #[allow(non_snake_case, reason = "named after the opcode")]
        #[inline(always)]
        pub(crate) unsafe fn $name(
            pc: *const cinder_bytecode::op::Insn,
            base: *mut cinder_pyobj::Value,
            fr: *mut crate::frame::Frame,
            th: *const crate::thread::Thread,
            w: u64,
        ) -> crate::machine::Flow {
            #[inline(always)]
            fn fast($m: crate::machine::M) -> Option<crate::machine::Flow> $fast
            if let Some(f) = fast(crate::machine::M { pc, base, fr, th, w }) {
                return f;
            }
            #[cold]
            #[inline(never)]
            unsafe fn slow(
                pc: *const cinder_bytecode::op::Insn,
                base: *mut cinder_pyobj::Value,
                fr: *mut crate::frame::Frame,
                th: *const crate::thread::Thread,
                w: u64,
            ) -> crate::machine::Flow {
                // SAFETY: the frame is current.
                unsafe { (*fr).pc = pc };
                #[inline(always)]
                #[allow(unused_variables, reason = "an operation whose slow path only raises reads nothing")]
                fn body($m: crate::machine::M) -> cinder_pyobj::PyResult<crate::machine::Flow> $slow
                crate::machine::flow(body(crate::machine::M { pc, base, fr, th, w }))
            }
            // SAFETY: passed on from the caller.
            unsafe { slow(pc, base, fr, th, w) }
        }
    )*};
}
pub(crate) use fast_op;
