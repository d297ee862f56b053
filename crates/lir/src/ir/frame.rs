//! Frame states: what an exit or safepoint must know to rebuild the source program's frame.

use super::ids::VReg;
use crate::types::Type;

/// One value of a frame state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameValue {
    /// A register, found by the allocator's map in whatever place it lives.
    Reg(VReg),
    /// A constant: kept as metadata, takes no register. Floats as bits.
    Const(Type, u64),
    /// The n-th result of the call that carries this frame state, in its return register just after the call.
    Result(u8),
    /// No value is needed.
    Dead,
}

/// A frame state. Its meaning belongs to the language: LIR only carries the values and a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameState {
    /// The language's own word: for example an index into its table of frame descriptors and a reason.
    pub user: u64,
    pub(crate) start: u32,
    pub(crate) len: u32,
}
