//! Source locations, scopes and variables for the debugger.

use super::ids::{FileId, InstId, LocId, ScopeId, VReg, VarId};
use crate::types::Type;

/// A position in a source file, within a scope.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourceLoc {
    /// The file.
    pub file: FileId,
    /// Line, from 1; 0 if unknown.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
    /// The function it belongs to.
    pub scope: ScopeId,
}

/// The function itself (scope 0) or one activation of a function inlined into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Name of the function.
    pub name: String,
    /// File of its definition.
    pub file: FileId,
    /// Line of its definition.
    pub line: u32,
    /// For an inlined function the location of the call, whose scope is the caller's.
    pub call_site: Option<LocId>,
}

/// A source variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Var {
    /// Its name.
    pub name: String,
    /// How its values are to be read.
    pub ty: Type,
    /// The function it belongs to.
    pub scope: ScopeId,
    /// Whether it is a parameter of that function.
    pub is_param: bool,
}

/// The value of a variable at a `debug_value`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DebugValue {
    /// Lives in a register.
    Reg(VReg),
    /// Is a constant; floats as bits.
    Const(u64),
    /// Is not available.
    None,
}

/// From the first instruction (inclusive) to the second (exclusive) a variable has a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebugRange {
    /// The variable.
    pub var: VarId,
    /// The value.
    pub value: DebugValue,
    /// First instruction at which it holds.
    pub start: InstId,
    /// First instruction at which it no longer holds.
    pub end: InstId,
}
