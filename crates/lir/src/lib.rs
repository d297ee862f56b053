//! A machine-level IR of no particular language, with register allocation by regalloc2.

pub mod alloc;
pub mod builder;
pub(crate) mod eval;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod interp;
pub mod ir;
pub mod op;
pub mod passes;
pub mod text;
pub mod types;
mod verify;

pub use builder::{Builder, Results, Rhs};
pub use eval::TrapCode;
pub use ir::{Addr, AddrKind, BlockId, FrameValue, Function, Inst, InstId, Signature, Symbol, VReg};
pub use op::Op;
pub use types::{FloatCC, IntCC, Type};
pub use verify::{VerifyError, verify};
