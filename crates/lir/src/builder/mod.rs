//! Building functions: one method per row of the instruction table, tables and blocks.

mod locals;
mod methods;
mod source;

pub use locals::Local;

use crate::ir::{
    Block, BlockId, Cell, CellId, Edge, Entry, EntryId, FileId, FrameId, FrameState, FrameValue, Function, Inst,
    InstId, LocId, Scope, ScopeId, SigId, Signature, SourceLoc, Symbol, SymbolId, VReg, Var, VarId,
};
use crate::op::{Op, ResultRule};
use crate::types::{IntCC, Type};

/// The operand that may be an immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rhs {
    /// A value.
    Reg(VReg),
    /// A constant, sign-extended to 64 bits.
    Imm(i64),
}

impl From<VReg> for Rhs {
    fn from(v: VReg) -> Rhs {
        Rhs::Reg(v)
    }
}

impl From<i64> for Rhs {
    fn from(k: i64) -> Rhs {
        Rhs::Imm(k)
    }
}

impl From<i32> for Rhs {
    fn from(k: i32) -> Rhs {
        Rhs::Imm(k.into())
    }
}

/// A branch target with the values for its parameters.
pub type Target<'a> = (BlockId, &'a [VReg]);

/// The results of a call: fresh registers, consecutively numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Results {
    first: u32,
    len: u16,
}

impl Results {
    /// The n-th result.
    pub fn get(self, n: usize) -> Option<VReg> {
        (n < self.len as usize).then(|| VReg::new(self.first as usize + n))
    }

    /// The first result.
    ///
    /// # Panics
    /// When the signature returns nothing: a mistake in the compiler that calls this.
    pub fn one(self) -> VReg {
        match self.get(0) {
            Some(v) => v,
            None => panic!("the signature returns nothing"),
        }
    }

    /// Number of results.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether there is no result.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// Misuse of the builder, found by [`Builder::finish`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// An instruction came while no block was open: before the first block or after a terminator.
    #[error("function {0}: {1} outside of a block")]
    NoBlock(String, Op),
    /// A block was opened while the one before had no terminator, or opened twice.
    #[error("function {0}: {1} opened at the wrong time")]
    Reopened(String, BlockId),
    /// Something goes to a block that was never opened.
    #[error("function {0}: {1} was never filled")]
    Empty(String, BlockId),
    /// The function has no entry.
    #[error("function {0} has no entry")]
    NoEntry(String),
}

/// Appends instructions to a function.
///
/// A block must be filled up to its terminator before the next is opened; blocks may be opened in any order. Types
/// of operations follow from their operands; mistakes are left to the [verifier](crate::verify()).
///
/// ```
/// use cinder_lir::{Builder, Function, IntCC, Signature, Type};
///
/// // fn sum(n) { let s = 0; while n > 0 { s += n; n -= 1 } s }
/// let mut f = Function::new("sum");
/// let mut b = Builder::new(&mut f);
/// let sig = b.signature(Signature::host(&[Type::I64], &[Type::I64]));
/// let args = b.entry("sum", sig);
/// let zero = b.iconst(Type::I64, 0);
/// let (head, p) = b.block(&[Type::I64, Type::I64]);
/// let (body, _) = b.block(&[]);
/// let (done, _) = b.block(&[]);
/// b.jump((head, &[args[0], zero]));
/// b.open(head);
/// b.br_icmp(IntCC::Sgt, p[0], 0, (body, &[]), (done, &[]));
/// b.open(body);
/// let s = b.add(p[1], p[0]);
/// let n = b.sub(p[0], 1);
/// b.jump((head, &[n, s]));
/// b.open(done);
/// b.ret(&[p[1]]);
/// b.finish()?;
/// assert_eq!(f.to_string().parse::<Function>()?.to_string(), f.to_string());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Builder<'f> {
    func: &'f mut Function,
    current: Option<BlockId>,
    loc: LocId,
    error: Option<BuildError>,
    locals: locals::Locals,
    scope: ScopeId,
    /// Scope and location of the callers of the inlined function.
    callers: Vec<(ScopeId, LocId)>,
}

impl<'f> Builder<'f> {
    /// A builder for an empty function.
    pub fn new(func: &'f mut Function) -> Builder<'f> {
        Builder {
            func,
            current: None,
            loc: LocId::NONE,
            error: None,
            locals: locals::Locals::default(),
            scope: ScopeId::new(0),
            callers: Vec::new(),
        }
    }

    /// The function as built so far.
    pub fn func(&self) -> &Function {
        self.func
    }

    /// Type of a register.
    pub fn ty(&self, v: VReg) -> Type {
        self.func.vreg_type(v)
    }

    /// Ends building: links the entries and sets the layout to the order of block creation.
    ///
    /// # Errors
    /// When the builder was misused; see [`BuildError`].
    pub fn finish(mut self) -> Result<(), BuildError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let name = || self.func.name.clone();
        let Some(main) = self.func.entries.first() else { return Err(BuildError::NoEntry(name())) };
        let sig = main.sig.index() as u32;
        let mut first = main.block;
        if self.func.entries.len() > 1 {
            let blocks: Vec<BlockId> = self.func.entries.iter().map(|e| e.block).collect();
            let (pseudo, _) = self.block(&[]);
            self.current = None;
            self.open(pseudo);
            let targets: Vec<Target<'_>> = blocks.iter().map(|&b| (b, &[][..])).collect();
            self.terminate(Inst::new(Op::Entries, Type::I64), &[], &targets);
            first = pseudo;
        }
        for inst in &mut self.func.insts {
            if inst.op == Op::Ret {
                inst.aux = sig;
            }
        }
        let empty = |b: &BlockId| !self.func.blocks[b.index()].filled;
        if let Some(b) = self.func.edges.iter().map(|e| e.to).find(empty) {
            return Err(BuildError::Empty(self.func.name.clone(), b));
        }
        if let Some(open) = self.current {
            return Err(BuildError::Reopened(self.func.name.clone(), open));
        }
        let all = (0..self.func.blocks.len()).map(BlockId::new);
        let rest = all.filter(|b| *b != first && self.func.blocks[b.index()].filled);
        self.func.layout = std::iter::once(first).chain(rest).collect();
        Ok(())
    }

    // ---- Tables ----

    /// Adds a signature; equal ones share an id.
    pub fn signature(&mut self, sig: Signature) -> SigId {
        let found = self.func.sigs.iter().position(|s| *s == sig);
        SigId::new(found.unwrap_or_else(|| {
            self.func.sigs.push(sig);
            self.func.sigs.len() - 1
        }))
    }

    /// Adds a symbol; equal ones share an id.
    pub fn symbol(&mut self, symbol: Symbol) -> SymbolId {
        let found = self.func.symbols.iter().position(|s| *s == symbol);
        SymbolId::new(found.unwrap_or_else(|| {
            self.func.symbols.push(symbol);
            self.func.symbols.len() - 1
        }))
    }

    /// Adds a data cell.
    pub fn cell(&mut self, init: u64) -> CellId {
        self.func.cells.push(Cell { init });
        CellId::new(self.func.cells.len() - 1)
    }

    /// Reserves bytes of the stack area, aligned to 8 (16 from 16 bytes on), and gives their offset for
    /// [`Addr::stack`](crate::Addr::stack).
    pub fn stack_slot(&mut self, bytes: u32) -> i32 {
        let align = if bytes >= 16 { 16 } else { 8 };
        let at = self.func.stack_size.next_multiple_of(align);
        self.func.stack_size = (at + bytes).next_multiple_of(16);
        at as i32
    }

    /// Adds a frame state.
    pub fn frame_state(&mut self, user: u64, values: &[FrameValue]) -> FrameId {
        let start = self.func.frame_values.len() as u32;
        self.func.frame_values.extend_from_slice(values);
        self.func.frames.push(FrameState { user, start, len: values.len() as u32 });
        FrameId::new(self.func.frames.len() - 1)
    }

    /// A frame state with the values of another and its own word: they share memory.
    pub fn frame_state_like(&mut self, frame: FrameId, user: u64) -> FrameId {
        let like = self.func.frames[frame.index()];
        self.func.frames.push(FrameState { user, ..like });
        FrameId::new(self.func.frames.len() - 1)
    }

    /// Adds a source file; equal names share an id.
    pub fn file(&mut self, name: &str) -> FileId {
        let found = self.func.files.iter().position(|f| f == name);
        FileId::new(found.unwrap_or_else(|| {
            self.func.files.push(name.to_owned());
            self.func.files.len() - 1
        }))
    }

    /// Adds a scope. The first is the function itself; others are inlined functions with a call site.
    pub fn scope(&mut self, scope: Scope) -> ScopeId {
        self.func.scopes.push(scope);
        ScopeId::new(self.func.scopes.len() - 1)
    }

    /// Adds a source location; one equal to the last added shares its id.
    pub fn loc(&mut self, loc: SourceLoc) -> LocId {
        if self.func.locs.last() != Some(&loc) {
            self.func.locs.push(loc);
        }
        LocId::new(self.func.locs.len())
    }

    /// Sets the location of the instructions that follow.
    pub fn set_loc(&mut self, loc: LocId) {
        self.loc = loc;
    }

    /// Adds a source variable.
    pub fn var(&mut self, var: Var) -> VarId {
        self.func.vars.push(var);
        VarId::new(self.func.vars.len() - 1)
    }

    // ---- Blocks ----

    /// Adds a block with parameters of these types.
    pub fn block(&mut self, params: &[Type]) -> (BlockId, Vec<VReg>) {
        let at = self.func.pool.len() as u32;
        let mut out = Vec::with_capacity(params.len());
        for &ty in params {
            let v = self.func.new_vreg(ty);
            self.func.pool.push(v);
            out.push(v);
        }
        self.func.blocks.push(Block { params: at, num_params: params.len() as u32, ..Block::default() });
        (BlockId::new(self.func.blocks.len() - 1), out)
    }

    /// As [`Builder::block`], for code that rarely runs.
    pub fn cold_block(&mut self, params: &[Type]) -> (BlockId, Vec<VReg>) {
        let (id, vregs) = self.block(params);
        self.func.blocks[id.index()].cold = true;
        (id, vregs)
    }

    /// Starts filling a block.
    pub fn open(&mut self, block: BlockId) {
        if self.current.is_some() || self.func.blocks[block.index()].filled {
            let name = self.func.name.clone();
            self.error.get_or_insert(BuildError::Reopened(name, block));
        }
        let at = self.func.insts.len() as u32;
        let b = &mut self.func.blocks[block.index()];
        (b.start, b.end, b.filled) = (at, at, true);
        self.current = Some(block);
        self.reset_locals(block);
    }

    /// The block being filled.
    pub fn current(&self) -> Option<BlockId> {
        self.current
    }

    /// Adds an entry with its block, opens the block and gives the arguments. The first entry is the main one. All
    /// [variables](Builder::local) are zero in it.
    pub fn entry(&mut self, name: &str, sig: SigId) -> Vec<VReg> {
        let (block, _) = self.block(&[]);
        self.open(block);
        self.func.entries.push(Entry { name: name.to_owned(), block, sig });
        let mut inst = Inst::new(Op::Args, Type::I64);
        inst.aux = sig.index() as u32;
        let results = self.push(inst, &[]);
        self.zero_locals();
        (0..results.len()).filter_map(|n| results.get(n)).collect()
    }

    /// Number of entries so far, as the id of the next.
    pub fn next_entry(&self) -> EntryId {
        EntryId::new(self.func.entries.len())
    }

    // ---- Instructions ----

    /// Appends an instruction with these uses; makes its results.
    pub(crate) fn push(&mut self, mut inst: Inst, uses: &[VReg]) -> Results {
        let func = &mut *self.func;
        let Some(current) = self.current else {
            let name = func.name.clone();
            self.error.get_or_insert(BuildError::NoBlock(name, inst.op));
            // The results still exist so that the caller can go on until `finish` reports the mistake.
            let first = func.vregs.len() as u32;
            func.vregs.resize(func.vregs.len() + 64, inst.ty);
            return Results { first, len: 64 };
        };
        inst.loc = self.loc;
        inst.operands = func.pool.len() as u32;
        let first = func.vregs.len() as u32;
        let mut define = |func: &mut Function, ty| {
            let v = func.new_vreg(ty);
            func.pool.push(v);
            inst.defs += 1;
        };
        match inst.op.info().result {
            ResultRule::None => {}
            ResultRule::Ty => define(func, inst.ty),
            ResultRule::I32 => define(func, Type::I32),
            ResultRule::I64 => define(func, Type::I64),
            ResultRule::Chosen => {
                let ty = uses.last().map_or(Type::I64, |v| func.vregs[v.index()]);
                define(func, ty);
            }
            ResultRule::Sig => {
                let sig = inst.aux as usize;
                let n = result_types(func, inst.op, sig).len();
                for i in 0..n {
                    let ty = result_types(func, inst.op, sig)[i];
                    define(func, ty);
                }
            }
        }
        func.pool.extend_from_slice(uses);
        inst.uses = uses.len() as u16;
        func.insts.push(inst);
        func.blocks[current.index()].end = func.insts.len() as u32;
        if inst.op.is_terminator() {
            self.current = None;
        }
        Results { first, len: inst.defs }
    }

    /// Appends a terminator with these targets.
    pub(crate) fn terminate(&mut self, inst: Inst, uses: &[VReg], targets: &[Target<'_>]) {
        if let Some(current) = self.current {
            let func = &mut *self.func;
            let edges = func.edges.len() as u32;
            for &(to, args) in targets {
                let at = func.pool.len() as u32;
                func.pool.extend_from_slice(args);
                func.edges.push(Edge { to, args: at, len: args.len() as u32 });
            }
            let b = &mut func.blocks[current.index()];
            (b.edges, b.num_edges) = (edges, targets.len() as u32);
        }
        self.push(inst, uses);
    }

    /// The latest instruction, for reading it back.
    pub fn last_inst(&self) -> Option<InstId> {
        self.func.insts.len().checked_sub(1).map(InstId::new)
    }

    // ---- Conveniences ----

    /// A 64-bit float constant.
    pub fn f64(&mut self, value: f64) -> VReg {
        self.fconst(Type::F64, value.to_bits())
    }

    /// Calls a symbol whose zero result means failure: goes to `failed` (a cold block without parameters) then,
    /// else on in a fresh block; gives the result.
    pub fn call_or_fail(
        &mut self,
        sig: SigId,
        callee: SymbolId,
        args: &[VReg],
        frame: Option<FrameId>,
        failed: BlockId,
    ) -> VReg {
        let result = self.call(sig, callee, args, frame).one();
        let (next, _) = self.block(&[]);
        self.br_icmp(IntCC::Eq, result, 0, (failed, &[]), (next, &[]));
        self.open(next);
        result
    }
}

fn result_types(func: &Function, op: Op, sig: usize) -> &[Type] {
    let Some(sig) = func.sigs.get(sig) else { return &[] };
    if op == Op::Args { &sig.params } else { &sig.returns }
}
