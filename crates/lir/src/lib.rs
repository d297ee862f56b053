//! LIR: a machine-level intermediate representation of no particular language, for compilers that run beside the
//! programs they compile.
//!
//! ```
//! use cinder_lir::alloc::{AllocOptions, Allocator, Target, Tier};
//! use cinder_lir::interp::{Interp, Outcome};
//! use cinder_lir::{Builder, FrameValue, Function, Signature, Type, passes};
//!
//! // x * 2 + 1, which leaves the compiled world when it overflows.
//! let mut f = Function::new("f");
//! let mut b = Builder::new(&mut f);
//! let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
//! let x = b.entry("f", sig)[0];
//! let state = b.frame_state(1, &[FrameValue::Reg(x)]);
//! let twice = b.add_ovf(x, x, state);
//! let result = b.add_ovf(twice, 1, state);
//! b.ret(&[result]);
//! b.finish()?;
//!
//! // Run it in the interpreter, the definition of what LIR means...
//! assert_eq!(Interp::default().run(&f, 0, &[20])?, Outcome::Return(vec![41]));
//! assert!(matches!(Interp::default().run(&f, 0, &[1 << 62])?, Outcome::Exit(e) if e.user == 1));
//!
//! // ...or allocate registers, ready for a code generator.
//! let target = Target::x64();
//! passes::run(&mut f, &target, passes::Level::Optimise)?;
//! let places = Allocator::default().run(&f, &target, &AllocOptions::tier(Tier::Optimising))?;
//! assert_eq!(places.deopt_points().len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`op`]: the instruction table, from which the [`Builder`], the text form, the [verifier](verify()), the
//!   interpreter and the [reference](reference()) derive.
//! - [`ir`]: functions, blocks, instructions, frame states, source locations and variables.
//! - [`passes`]: local clean-ups and legalisation for a machine.
//! - [`alloc`]: register allocation by regalloc2, machine descriptions, deopt maps.
//! - [`interp`]: the interpreter. [`text`]: printing and parsing.
//!
//! What it has that similar representations lack: guards inline in blocks with frame states whose values may live
//! anywhere and whose constants cost nothing; functions with several entries; tail calls of all kinds; data cells
//! beside the code; branches on overflow; comparisons with memory; a pinned thread register; variables with ranges
//! and inlined scopes for the debugger.
//!
//! The crate contains no unsafe code.
#![forbid(unsafe_code)]

pub mod alloc;
pub mod builder;
pub(crate) mod eval;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod interp;
pub mod ir;
pub mod op;
pub mod passes;
mod reference;
pub mod text;
pub mod types;
mod verify;

pub use builder::{Builder, Local, Results, Rhs};
pub use eval::TrapCode;
pub use ir::{Addr, AddrKind, BlockId, FrameValue, Function, Inst, InstId, Signature, Symbol, VReg};
pub use op::Op;
pub use reference::reference;
pub use types::{FloatCC, IntCC, Type};
pub use verify::{VerifyError, verify};
