//! Register allocation.
//!
//! What an emitter may rely on, after [`passes::run`](crate::passes::run) and allocation for a [`Target`]:
//! - Instruction ids count through the blocks 0, 1, 2..., in the order that suits the allocator; code is emitted in the
//!   order of [`Function::layout`](crate::Function::layout). Block 0 is first in both and has no predecessors; with
//!   several entries it holds only `entries` and emits nothing.
//! - Arithmetic, comparisons and conversions work at `i32` and `i64` only. `i8` and `i16` remain as the widths of
//!   memory accesses and as source types of `sext`/`zext`. Bits of a register above its type are undefined.
//! - An immediate rhs is legal for the machine ([`Target::imm_fits`]), as is every address ([`Target::addr_fits`]).
//! - Operands lie in registers except where the machine has memory operands: then the second operand of two-address
//!   arithmetic, comparisons, divisions, `select` and `mul`, and the operand of `copy`, `sext`, `zext` may be a
//!   spill slot. Stack-passed arguments of calls and stack-passed results of `args` may be slots on every machine.
//! - Two-address machines: the result has the place of the first operand (`select`: of the last; `select_icmp`: of
//!   the last; `atomic_fetch_add`: of the value). `mul` by an immediate has an independent result. `trunc` and
//!   `copy` on no machine share places by rule, except `trunc`, whose result is where its operand was.
//! - x86-64: variable shift counts in rcx; division: dividend and quotient in rax, remainder in rdx, the divisor in
//!   neither and valid to the end; high products: first operand in rax, result in rdx; `atomic_cas`: expected value
//!   and result in rax.
//! - AArch64: the operands of atomic operations are valid to the end, and their address is a bare register.
//!   `atomic_add` and `atomic_fetch_add` have one integer temporary.
//! - `switch` has one integer temporary. An exit's frame values are valid when the exit is taken, also if the
//!   instruction has overwritten its first operand.

mod allocated;
mod constraints;
mod debug;
mod run;
mod target;
mod view;

pub use allocated::{Allocated, DebugLocation, DebugPlace, DeoptLoc, DeoptPoint, DeoptValue, Loc, Step};
pub use debug::ranges as debug_ranges;
pub use regalloc2::{Allocation, PReg, PRegSet, RegClass};
pub use run::{AllocError, AllocOptions, Allocator, Tier};
pub use target::{Abi, Arch, ArgLoc, Target};
