//! What allocation produces: a place for every operand, moves between instructions, deopt and debug maps.

use std::fmt;

use regalloc2::{Allocation, Edit, Output, PReg, PRegSet, RegClass};

use crate::ir::{BlockId, DebugValue, FrameId, Function, InstId, VarId};
use crate::types::Type;

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Loc {
    /// In a register; its class is the value's.
    Reg(PReg),
    /// In a spill slot of eight bytes, numbered from 0.
    Slot(u32),
}

impl Loc {
    /// Reads an allocation of regalloc2; `None` for operands without a place.
    #[inline]
    pub fn from_allocation(a: Allocation) -> Option<Loc> {
        if let Some(r) = a.as_reg() {
            return Some(Loc::Reg(r));
        }
        a.as_stack().map(|s| Loc::Slot(s.index() as u32))
    }
}

impl fmt::Display for Loc {
    /// `r7` or `f7` for registers by hardware number, `slot7` for spill slots.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loc::Reg(r) if r.class() == RegClass::Int => write!(f, "r{}", r.hw_enc()),
            Loc::Reg(r) => write!(f, "f{}", r.hw_enc()),
            Loc::Slot(n) => write!(f, "slot{n}"),
        }
    }
}

/// Where an exit or safepoint finds one value of its frame state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeoptLoc {
    /// In a register (bits above the type's width are undefined).
    Reg(PReg),
    /// In a spill slot.
    Slot(u32),
    /// It is this constant; floats as bits.
    Const(u64),
    /// No value is needed.
    Dead,
}

/// One value of a frame state after allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DeoptValue {
    /// Its type: tells the register class too.
    pub ty: Type,
    /// Its place.
    pub loc: DeoptLoc,
}

/// The frame state of one instruction: one per guard, poll, checked operation, safepoint and call that has one, in
/// instruction order. For calls the places hold at the return address, for all others when the exit is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeoptPoint {
    /// The instruction.
    pub inst: InstId,
    /// Its frame state.
    pub frame: FrameId,
    /// The language's word.
    pub user: u64,
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// Where a variable is while execution is between two points. The points are half-instructions: `2 * i` is just
/// before instruction i (after the moves inserted there), `2 * i + 1` just after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebugLocation {
    /// The variable.
    pub var: VarId,
    /// First point, inclusive.
    pub start: u32,
    /// Last point, exclusive.
    pub end: u32,
    /// Where its value is.
    pub place: DebugPlace,
}

/// The place of a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DebugPlace {
    /// In a register or slot.
    Loc(Loc),
    /// It is this constant; floats as bits.
    Const(u64),
}

/// One step of emitting a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Emit the instruction.
    Inst(InstId),
    /// Move eight bytes; never from slot to slot, never to itself. The class is that of the register.
    Move {
        /// Source.
        from: Loc,
        /// Destination.
        to: Loc,
    },
}

/// The result of allocating one function. Reusable: [`Allocator::run_into`](super::Allocator::run_into) keeps its
/// memory.
#[derive(Clone, Debug, Default)]
pub struct Allocated {
    pub(crate) output: Output,
    pub(crate) shapes: Vec<OperandCounts>,
    pub(crate) points: Vec<DeoptPoint>,
    pub(crate) values: Vec<DeoptValue>,
    pub(crate) debug: Vec<DebugLocation>,
    pub(crate) callee_saved: PRegSet,
    pub(crate) outgoing_bytes: u32,
    pub(crate) has_calls: bool,
}

/// How the allocations of one instruction divide: results, uses, temporaries, then frame values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OperandCounts {
    pub(crate) defs: u16,
    pub(crate) uses: u16,
    pub(crate) temps: u16,
}

impl Allocated {
    /// All allocations of an instruction: results, uses, temporaries, frame values.
    #[inline]
    pub fn operands(&self, inst: InstId) -> &[Allocation] {
        self.output.inst_allocs(regalloc2::Inst::new(inst.index()))
    }

    /// Places of the results. Unused results have places too.
    #[inline]
    pub fn defs(&self, inst: InstId) -> &[Allocation] {
        &self.operands(inst)[..self.shapes[inst.index()].defs as usize]
    }

    /// Places of the uses, in the order of [`Function::uses`].
    #[inline]
    pub fn uses(&self, inst: InstId) -> &[Allocation] {
        let n = self.shapes[inst.index()];
        &self.operands(inst)[n.defs as usize..][..n.uses as usize]
    }

    /// Registers free for the instruction's own use.
    #[inline]
    pub fn temps(&self, inst: InstId) -> &[Allocation] {
        let n = self.shapes[inst.index()];
        &self.operands(inst)[(n.defs + n.uses) as usize..][..n.temps as usize]
    }

    /// Place of the n-th result.
    #[inline]
    pub fn def(&self, inst: InstId, n: usize) -> Option<Loc> {
        self.defs(inst).get(n).copied().and_then(Loc::from_allocation)
    }

    /// Place of the n-th use.
    #[inline]
    pub fn use_(&self, inst: InstId, n: usize) -> Option<Loc> {
        self.uses(inst).get(n).copied().and_then(Loc::from_allocation)
    }

    /// The instructions of a block with the moves between them, in order.
    pub fn steps<'a>(&'a self, func: &Function, block: BlockId) -> impl Iterator<Item = Step> + 'a {
        let mut insts = func.block_insts(block).peekable();
        let first = insts.peek().map_or(0, |i| i.index() as u32 * 2);
        let edits = &self.output.edits;
        let mut at = edits.partition_point(|(p, _)| p.to_index() < first);
        std::iter::from_fn(move || {
            let next = insts.peek()?.index() as u32 * 2;
            while let Some((point, Edit::Move { from, to })) = edits.get(at).filter(|(p, _)| p.to_index() <= next) {
                debug_assert!(point.to_index() <= next);
                at += 1;
                if let (Some(from), Some(to)) = (Loc::from_allocation(*from), Loc::from_allocation(*to))
                    && from != to
                {
                    return Some(Step::Move { from, to });
                }
            }
            insts.next().map(Step::Inst)
        })
    }

    /// Number of spill slots of eight bytes.
    pub fn num_slots(&self) -> u32 {
        self.output.num_spillslots as u32
    }

    /// Number of moves between instructions.
    pub fn num_moves(&self) -> usize {
        self.output.edits.len()
    }

    /// Callee-saved registers that the function changes and must restore.
    pub fn callee_saved(&self) -> PRegSet {
        self.callee_saved
    }

    /// Bytes for the stack arguments of its calls; a multiple of 16.
    pub fn outgoing_bytes(&self) -> u32 {
        self.outgoing_bytes
    }

    /// Whether it contains calls that return to it.
    pub fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// The deopt map, in instruction order.
    pub fn deopt_points(&self) -> &[DeoptPoint] {
        &self.points
    }

    /// Index of the first deopt point at or after an instruction: where a block's points begin.
    pub fn deopt_index(&self, from: InstId) -> usize {
        self.points.partition_point(|p| p.inst < from)
    }

    /// The deopt point of an instruction.
    pub fn deopt_point(&self, inst: InstId) -> Option<&DeoptPoint> {
        self.points.binary_search_by_key(&inst, |p| p.inst).ok().map(|i| &self.points[i])
    }

    /// The values of a deopt point, in the order of its frame state.
    pub fn deopt_values(&self, point: &DeoptPoint) -> &[DeoptValue] {
        &self.values[point.start as usize..][..point.len as usize]
    }

    /// The values of all deopt points, those of one behind those of the point before it.
    pub fn all_deopt_values(&self) -> &[DeoptValue] {
        &self.values
    }

    /// Where source variables live, sorted by variable and start.
    pub fn debug_locations(&self) -> &[DebugLocation] {
        &self.debug
    }
}

/// The debug value of a range before allocation.
pub(crate) fn const_place(value: DebugValue) -> Option<DebugPlace> {
    match value {
        DebugValue::Const(bits) => Some(DebugPlace::Const(bits)),
        _ => None,
    }
}
