//! The instructions: one function per opcode, named after it.
//!
//! [`op!`] defines an instruction whose work is outlined, so that its handler keeps nothing in memory across
//! the dispatch. [`fast_op!`] adds an inlined fast path before it: a fast path makes no calls, takes no addresses of
//! locals, holds nothing with a destructor, and answers `Fast::Slow` before it changed anything where it does not
//! apply.

mod arith;
mod attrs;
mod build;
mod builtins;
mod calls;
mod cells;
mod compare;
mod exceptions;
mod flow;
mod functions;
mod generators;
mod imports;
mod items;
mod iterate;
mod matching;
mod membership;
pub(crate) mod names;
mod operators;
mod spread;
mod subscript;
mod truth;
mod unpack;

pub(crate) use arith::*;
pub(crate) use attrs::*;
pub(crate) use build::*;
pub(crate) use builtins::second_is_less;
pub(crate) use calls::*;
pub(crate) use cells::*;
pub(crate) use compare::*;
pub(crate) use exceptions::*;
pub(crate) use flow::*;
pub(crate) use functions::*;
pub(crate) use generators::*;
pub(crate) use imports::*;
pub(crate) use items::*;
pub(crate) use iterate::*;
pub(crate) use matching::*;
pub(crate) use membership::*;
pub(crate) use names::*;
pub(crate) use operators::*;
pub(crate) use spread::*;
pub(crate) use subscript::*;
pub(crate) use truth::*;
pub(crate) use unpack::*;

/// Defines outlined instructions: `op! { Name |m| { body: PyResult<Flow> } … }`.
macro_rules! op {
    ($($(#[$meta:meta])* $name:ident |$m:ident| $body:block)*) => {$(
        $(#[$meta])*
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "bodies use what their file imports")]
            use super::*;
            pub(crate) const FAST: bool = false;
            #[inline(always)]
            pub(crate) fn fast(_: crate::machine::M) -> crate::machine::Fast {
                crate::machine::Fast::Slow
            }
            #[inline(never)]
            pub(crate) unsafe fn slow(
                pc: *const cinder_bytecode::op::Insn,
                base: *mut cinder_pyobj::Value,
                fr: *mut crate::frame::Frame,
                th: *const crate::thread::Thread,
                w: u64,
            ) -> crate::machine::Flow {
                // Registers one by one: a handler that passed them in memory could not end in a sibling call.
                let m = crate::machine::M { pc, base, fr, th, w };
                m.save_pc();
                #[inline(always)]
                fn body($m: crate::machine::M) -> cinder_pyobj::PyResult<crate::machine::Flow> $body
                crate::machine::flow(body(m))
            }
        }
    )*};
}
pub(crate) use op;

/// Defines instructions with an inlined fast path:
/// `fast_op! { Name |m| fast { Fast } slow { PyResult<Flow> } … }`.
macro_rules! fast_op {
    ($($(#[$meta:meta])* $name:ident |$m:ident| fast $fast:block slow $slow:block)*) => {$(
        $(#[$meta])*
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "bodies use what their file imports")]
            use super::*;
            pub(crate) const FAST: bool = true;
            #[inline(always)]
            #[allow(unused_variables, reason = "some do without operands")]
            pub(crate) fn fast($m: crate::machine::M) -> crate::machine::Fast $fast
            #[inline(never)]
            pub(crate) unsafe fn slow(
                pc: *const cinder_bytecode::op::Insn,
                base: *mut cinder_pyobj::Value,
                fr: *mut crate::frame::Frame,
                th: *const crate::thread::Thread,
                w: u64,
            ) -> crate::machine::Flow {
                // Registers one by one: a handler that passed them in memory could not end in a sibling call.
                let m = crate::machine::M { pc, base, fr, th, w };
                m.save_pc();
                #[inline(always)]
                #[allow(unused_variables, reason = "an operation whose slow path only raises reads nothing")]
                fn body($m: crate::machine::M) -> cinder_pyobj::PyResult<crate::machine::Flow> $slow
                crate::machine::flow(body(m))
            }
        }
    )*};
}
pub(crate) use fast_op;

/// `fast!(option)`: the value, or the slow path where there is none.
macro_rules! fast {
    ($e:expr) => {
        match $e {
            Some(v) => v,
            None => return crate::machine::Fast::Slow,
        }
    };
}
pub(crate) use fast;
