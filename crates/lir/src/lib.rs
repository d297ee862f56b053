//! A machine-level IR of no particular language, with register allocation by regalloc2.

pub mod alloc;
pub mod ir;
pub mod op;
pub mod types;

pub use op::Op;
pub use types::{FloatCC, IntCC, Type};
