//! Machine code from [`cinder_lir`]: assemblers, code memory, installed functions, DWARF, gdb and perf.
//!
//! This crate knows nothing of any source language. It takes functions of low-level IR, makes machine code for
//! x86-64 or AArch64, installs it, and tells debuggers and profilers about it.
//!
//! ```
//! use cinder_codegen::compiler::Compiler;
//! use cinder_codegen::space::{CodeSpace, CodeSpaceConfig};
//! use cinder_lir::alloc::Tier;
//! use cinder_lir::{Builder, Function, Signature, Type};
//!
//! // fn triple(n) { return n * 3; }
//! let mut func = Function::new("triple");
//! let mut b = Builder::new(&mut func);
//! let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
//! let args = b.entry("triple", sig);
//! let result = b.mul(args[0], 3);
//! b.ret(&[result]);
//! b.finish()?;
//!
//! let space = CodeSpace::host(CodeSpaceConfig::default())?;
//! let code = Compiler::host(&space).install(&space, &mut func, Tier::Optimising, &|_| None)?;
//! // SAFETY: the entry has the C signature that the function was built with.
//! let triple: extern "C" fn(i64) -> i64 = unsafe { std::mem::transmute(code.entry()) };
//! # #[cfg(target_arch = "x86_64")]
//! assert_eq!(triple(14), 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The parts
//!
//! | module | what it does |
//! |---|---|
//! | [`compiler`] | passes, register allocation, emission and installation in one call |
//! | [`lower`] | register-allocated LIR to code without addresses, with tables of calls, exits, lines |
//! | [`masm`] | the [`Masm`](masm::Masm) trait and its two machines |
//! | [`reloc`] | what stays open until code has an address |
//! | [`memory`] | code memory: bounded, reclaimed, never writable and executable at once, safe across `fork` |
//! | [`space`] | installed functions by name, number and address; exits; walking and redirecting frames |
//! | [`debug`] | DWARF, in-memory object files, gdb's JIT interface, `.eh_frame`, perf map and jitdump |
//!
//! # Leaving compiled code
//!
//! Guards and checked arithmetic carry frame states. When one fails, control goes through a stub of a few bytes to
//! the common stub of the [`CodeSpace`](space::CodeSpace), which saves all registers and calls the embedder's
//! [`ExitHandler`](space::ExitHandler) with the thread register, the frame pointer, the registers and the number of
//! the exit. An [`Exit`](space::Exit) made of these gives the values of the frame state; when the handler returns,
//! the function returns to its caller with the results that the handler set.
//!
//! Calls may carry frame states as well. [`CodeSpace::walk`](space::CodeSpace::walk) finds the activations on a
//! stack, and [`Activation::redirect`](space::Activation::redirect) makes a call return to its exit instead: that is
//! how code is invalidated while it runs, without ever being patched.
//!
//! # Rules for callers
//!
//! - Keep the [`CompiledCode`](space::CompiledCode) alive for as long as anything may run it or return to it.
//! - Code must not let panics or exceptions unwind through it; `.eh_frame` registration is for backtraces.
//! - `examples/tally` is a whole language on these two crates; the guide in `docs/guide-jit.md` goes step by step.
#![deny(missing_docs)]

pub mod compiler;
pub mod debug;
pub mod lower;
pub mod masm;
pub mod memory;
pub mod reloc;
pub mod space;

/// The assembler of the machine this program runs on; x86-64's where it is neither of the two.
#[cfg(not(target_arch = "aarch64"))]
pub type HostMasm = masm::x64::X64Masm;
/// The assembler of the machine this program runs on.
#[cfg(target_arch = "aarch64")]
pub type HostMasm = masm::aarch64::Aarch64Masm;
