//! Functions, blocks and their tables.
//!
//! Everything is flat: a function owns a few vectors which [`Function::clear`] keeps for the next one. Instructions
//! of a block are contiguous; operands, parameters, edge arguments and frame values lie in pools.

mod debug;
mod frame;
mod ids;
mod inst;

pub use debug::{DebugRange, DebugValue, Scope, SourceLoc, Var};
pub use frame::{FrameState, FrameValue};
pub use ids::{BlockId, CellId, EntryId, FileId, FrameId, InstId, LocId, ScopeId, SigId, SymbolId, VReg, VarId};
pub use inst::{Addr, AddrKind, Inst, Mode};

use crate::op::{OpFlags, Shape};
use crate::types::Type;

/// Which registers carry arguments and results.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CallConv {
    /// The platform's C convention: callable from and to Rust's `extern "C"`.
    #[default]
    Host,
    /// Between compiled functions: more argument registers, and the thread register holds the thread on entry.
    Internal,
}

/// Parameters and results of a function.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Signature {
    /// Where they are passed.
    pub conv: CallConv,
    /// Types of the parameters.
    pub params: Vec<Type>,
    /// Types of the results: at most two integers and two floats.
    pub returns: Vec<Type>,
}

impl Signature {
    /// A signature of the host's convention.
    pub fn host(params: &[Type], returns: &[Type]) -> Signature {
        Signature { conv: CallConv::Host, params: params.to_vec(), returns: returns.to_vec() }
    }

    /// A signature of the internal convention.
    pub fn internal(params: &[Type], returns: &[Type]) -> Signature {
        Signature { conv: CallConv::Internal, params: params.to_vec(), returns: returns.to_vec() }
    }
}

/// Something outside the function that code refers to; whoever installs the code resolves it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Symbol {
    /// By name, resolved by the installer's table.
    Name(String),
    /// By a number of the compiler's own.
    User(u32),
    /// By absolute address.
    Addr(u64),
}

/// Eight bytes beside the code that running code reads and writes and others may change: inline caches, entry
/// pointers, counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// The content when the code is installed.
    pub init: u64,
}

/// A place where execution may enter the function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name; the main entry's name is the function's.
    pub name: String,
    /// Its block, which starts with `args` and has no parameters and no predecessors (but the pseudo block 0).
    pub block: BlockId,
    /// Its signature.
    pub sig: SigId,
}

/// A transition from a terminator to a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The block it goes to.
    pub to: BlockId,
    pub(crate) args: u32,
    pub(crate) len: u32,
}

/// A basic block: ranges into the function's tables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Block {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) params: u32,
    pub(crate) num_params: u32,
    pub(crate) edges: u32,
    pub(crate) num_edges: u32,
    /// Rarely executed: laid out after the others.
    pub cold: bool,
    pub(crate) filled: bool,
}

/// A function of machine-level code in SSA form with block parameters.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// The name of the main entry.
    pub name: String,
    pub(crate) insts: Vec<Inst>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) layout: Vec<BlockId>,
    pub(crate) vregs: Vec<Type>,
    pub(crate) pool: Vec<VReg>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) frames: Vec<FrameState>,
    pub(crate) frame_values: Vec<FrameValue>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) sigs: Vec<Signature>,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) stack_size: u32,
    pub(crate) locs: Vec<SourceLoc>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) files: Vec<String>,
    pub(crate) vars: Vec<Var>,
    pub(crate) widened: bool,
    pub(crate) legal: bool,
}

impl Function {
    /// An empty function.
    pub fn new(name: impl Into<String>) -> Function {
        Function { name: name.into(), ..Function::default() }
    }

    /// Empties the function but keeps its memory for the next one.
    pub fn clear(&mut self) {
        self.name.clear();
        self.insts.clear();
        self.blocks.clear();
        self.layout.clear();
        self.vregs.clear();
        self.pool.clear();
        self.edges.clear();
        self.frames.clear();
        self.frame_values.clear();
        self.entries.clear();
        self.sigs.clear();
        self.symbols.clear();
        self.cells.clear();
        self.stack_size = 0;
        self.locs.clear();
        self.scopes.clear();
        self.files.clear();
        self.vars.clear();
        self.widened = false;
        self.legal = false;
    }

    /// All instructions. After [`passes::run`](crate::passes::run) each block's instructions follow those of the block
    /// numbered before it.
    pub fn insts(&self) -> &[Inst] {
        &self.insts
    }

    /// One instruction.
    #[inline]
    pub fn inst(&self, id: InstId) -> &Inst {
        &self.insts[id.index()]
    }

    /// Number of blocks.
    pub fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Number of virtual registers.
    pub fn num_vregs(&self) -> usize {
        self.vregs.len()
    }

    /// All blocks in the order in which they are to be emitted: cold ones last after
    /// [`passes::run`](crate::passes::run).
    pub fn layout(&self) -> &[BlockId] {
        &self.layout
    }

    /// A block.
    #[inline]
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// The ids of a block's instructions.
    #[inline]
    pub fn block_insts(&self, id: BlockId) -> impl ExactSizeIterator<Item = InstId> + DoubleEndedIterator + use<> {
        let b = &self.blocks[id.index()];
        (b.start as usize..b.end as usize).map(InstId::new)
    }

    /// The block's last instruction, if it has any.
    pub fn terminator(&self, id: BlockId) -> Option<InstId> {
        let b = &self.blocks[id.index()];
        (b.end > b.start).then(|| InstId::new(b.end as usize - 1))
    }

    /// A block's parameters.
    #[inline]
    pub fn block_params(&self, id: BlockId) -> &[VReg] {
        let b = &self.blocks[id.index()];
        &self.pool[b.params as usize..][..b.num_params as usize]
    }

    /// The transitions out of a block, in the order of its terminator's targets.
    #[inline]
    pub fn block_edges(&self, id: BlockId) -> &[Edge] {
        let b = &self.blocks[id.index()];
        &self.edges[b.edges as usize..][..b.num_edges as usize]
    }

    /// The values an edge passes to the parameters of its block.
    #[inline]
    pub fn edge_args(&self, edge: &Edge) -> &[VReg] {
        &self.pool[edge.args as usize..][..edge.len as usize]
    }

    /// The results of an instruction.
    #[inline]
    pub fn defs(&self, inst: &Inst) -> &[VReg] {
        &self.pool[inst.operands as usize..][..inst.defs as usize]
    }

    /// The values an instruction uses, in the order explained at [`Inst`].
    #[inline]
    pub fn uses(&self, inst: &Inst) -> &[VReg] {
        &self.pool[inst.operands as usize + inst.defs as usize..][..inst.uses as usize]
    }

    /// The results of the instruction with this id.
    pub fn inst_defs(&self, id: InstId) -> &[VReg] {
        self.defs(&self.insts[id.index()])
    }

    /// The values used by the instruction with this id.
    pub fn inst_uses(&self, id: InstId) -> &[VReg] {
        self.uses(&self.insts[id.index()])
    }

    /// Type of a register.
    #[inline]
    pub fn vreg_type(&self, v: VReg) -> Type {
        self.vregs[v.index()]
    }

    /// The address of an instruction that has one.
    pub fn addr(&self, inst: &Inst) -> Option<Addr> {
        if !inst.op.has(OpFlags::MEM) {
            return None;
        }
        let uses = self.uses(inst);
        let regs = &uses[uses.len().saturating_sub(inst.mode.addr_regs())..];
        let kind = inst.mode.kind();
        let base = if kind == AddrKind::Base { regs.first().copied() } else { None };
        let index = if inst.mode.has_index() { regs.last().copied() } else { None };
        Some(Addr { kind, base, index, scale: inst.mode.scale(), disp: inst.disp() })
    }

    /// A frame state.
    pub fn frame(&self, id: FrameId) -> &FrameState {
        &self.frames[id.index()]
    }

    /// The values of a frame state.
    #[inline]
    pub fn frame_values(&self, id: FrameId) -> &[FrameValue] {
        let f = &self.frames[id.index()];
        &self.frame_values[f.start as usize..][..f.len as usize]
    }

    /// The entries; the first is the main entry.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A signature.
    pub fn sig(&self, id: SigId) -> &Signature {
        &self.sigs[id.index()]
    }

    /// All signatures.
    pub fn sigs(&self) -> &[Signature] {
        &self.sigs
    }

    /// A symbol.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.index()]
    }

    /// All symbols.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The data cells.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Bytes of the stack area that [`Addr::stack`] addresses; 16-byte aligned.
    pub fn stack_size(&self) -> u32 {
        self.stack_size
    }

    /// A source location; `None` for the unknown one.
    pub fn loc(&self, id: LocId) -> Option<&SourceLoc> {
        self.locs.get(id.index().wrapping_sub(1))
    }

    /// All source locations; `LocId` n is element n - 1.
    pub fn locs(&self) -> &[SourceLoc] {
        &self.locs
    }

    /// The scopes: the function itself, then inlined ones.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The source files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The source variables.
    pub fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// Whether the function went through [`passes::run`](crate::passes::run): its blocks and instructions are numbered
    /// in the order in which the allocator is to see them, narrow arithmetic works at 32 bits, every immediate and
    /// address fits the machine and no edge is critical.
    pub fn is_legal(&self) -> bool {
        self.legal
    }

    /// Whether narrow arithmetic already works at 32 bits, so that narrow registers count as `i32`.
    pub(crate) fn narrow_is_wide(&self) -> bool {
        self.widened
    }

    /// The variable and value of a `debug_value`.
    pub fn debug_value(&self, inst: &Inst) -> Option<(VarId, DebugValue)> {
        if inst.op.shape() != Shape::DebugValue {
            return None;
        }
        let value = match (self.uses(inst).first(), inst.imm_rhs()) {
            (Some(&v), _) => DebugValue::Reg(v),
            (None, Some(k)) => DebugValue::Const(k as u64),
            (None, None) => DebugValue::None,
        };
        Some((VarId::new(inst.aux as usize), value))
    }

    /// The call chain of a location, innermost first: the location itself, then the call sites of the functions it
    /// was inlined through.
    pub fn inline_chain(&self, loc: LocId) -> impl Iterator<Item = &SourceLoc> {
        let mut next = self.loc(loc);
        std::iter::from_fn(move || {
            let here = next?;
            next = self.scopes.get(here.scope.index()).and_then(|s| s.call_site).and_then(|l| self.loc(l));
            Some(here)
        })
    }

    pub(crate) fn new_vreg(&mut self, ty: Type) -> VReg {
        let v = VReg::new(self.vregs.len());
        self.vregs.push(ty);
        v
    }
}
