//! Newtype indices.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta] $name:ident $prefix:literal;)*) => {
        $(
            #[$doc]
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(u32);

            impl $name {
                /// The id with this index.
                #[inline]
                pub const fn new(index: usize) -> Self {
                    Self(index as u32)
                }

                /// The index in the function's table.
                #[inline]
                pub const fn index(self) -> usize {
                    self.0 as usize
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, concat!($prefix, "{}"), self.0)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }
        )*
    };
}

id! {
    /// A virtual register: an SSA value.
    VReg "v";
    /// A basic block.
    BlockId "block";
    /// An instruction, by its position in [`Function::insts`](super::Function::insts).
    InstId "inst";
    /// A signature of the function's table.
    SigId "sig";
    /// A symbol of the function's table.
    SymbolId "sym";
    /// A data cell: eight bytes beside the code.
    CellId "cell";
    /// A frame state.
    FrameId "frame";
    /// An entry of the function.
    EntryId "entry";
    /// A source variable known to the debugger.
    VarId "var";
    /// A source file.
    FileId "file";
    /// A scope: the function itself or a function inlined into it.
    ScopeId "scope";
    /// A source location; id 0 is "unknown".
    LocId "loc";
}

impl LocId {
    /// The unknown location.
    pub const NONE: LocId = LocId(0);
}
