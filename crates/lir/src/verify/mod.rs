//! The verifier: what every function must satisfy, before, between and after passes.

mod dominance;
mod types;

use crate::ir::{AddrKind, BlockId, FrameValue, Function, Inst, InstId, VReg};
use crate::op::{Op, OpFlags, Shape};
use crate::types::Type;
use dominance::Dominance;

/// What is wrong with a function.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("function {func}: {place}: {message}")]
pub struct VerifyError {
    /// The function.
    pub func: String,
    /// The block or instruction.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

/// Checks a function.
///
/// # Errors
/// The first thing found wrong.
pub fn verify(func: &Function) -> Result<(), VerifyError> {
    let mut v = Verifier { func, place: Place::Function, defined: vec![None; func.num_vregs()] };
    v.run().map_err(|message| VerifyError { func: func.name.clone(), place: v.describe(), message })
}

#[derive(Clone, Copy)]
enum Place {
    Function,
    Block(BlockId),
    Inst(BlockId, InstId),
}

pub(crate) struct Verifier<'a> {
    func: &'a Function,
    place: Place,
    /// Where each register is defined: block and position (parameters at the block's start).
    defined: Vec<Option<(BlockId, u32)>>,
}

type Check = Result<(), String>;

macro_rules! ensure {
    ($cond:expr, $($fmt:tt)*) => {
        if !$cond {
            return Err(format!($($fmt)*));
        }
    };
}
pub(crate) use ensure;

impl Verifier<'_> {
    fn describe(&self) -> String {
        match self.place {
            Place::Function => "tables".to_owned(),
            Place::Block(b) => b.to_string(),
            Place::Inst(b, i) => {
                format!("{b}: `{}`", crate::text::inst_to_string(self.func, self.func.inst(i), Some(b)))
            }
        }
    }

    fn run(&mut self) -> Check {
        self.tables()?;
        for &block in self.func.layout() {
            self.place = Place::Block(block);
            self.block_shape(block)?;
            self.definitions(block)?;
        }
        let dominance = Dominance::new(self.func);
        for &block in self.func.layout() {
            for id in self.func.block_insts(block) {
                self.place = Place::Inst(block, id);
                self.instruction(block, id, &dominance)?;
            }
            self.place = Place::Block(block);
            self.edges(block, &dominance)?;
        }
        Ok(())
    }

    fn tables(&mut self) -> Check {
        let f = self.func;
        let Some(&first) = f.layout().first() else { return Err("no blocks".to_owned()) };
        let mut seen = vec![false; f.num_blocks()];
        for b in f.layout() {
            ensure!(b.index() < f.num_blocks(), "{b} in the layout does not exist");
            ensure!(!std::mem::replace(&mut seen[b.index()], true), "{b} is twice in the layout");
        }
        ensure!(f.block_params(first).is_empty(), "the first block has parameters");
        for sig in f.sigs() {
            let wide = sig.params.iter().chain(&sig.returns).all(|t| t.bits() >= 32);
            ensure!(wide, "signatures have no 8- and 16-bit integers: extend them");
            let ints = sig.returns.iter().filter(|t| t.is_int()).count();
            ensure!(ints <= 2 && sig.returns.len() - ints <= 2, "a signature returns too many values");
        }
        let Some(main) = f.entries().first() else { return Err("no entry".to_owned()) };
        for e in f.entries() {
            ensure!(e.sig.index() < f.sigs().len(), "entry {} has no signature", e.name);
            let (a, b) = (f.sig(e.sig), f.sig(main.sig));
            ensure!(
                a.returns == b.returns && a.conv == b.conv,
                "entry {} returns otherwise than the main entry",
                e.name
            );
            ensure!(seen.get(e.block.index()) == Some(&true), "entry {} has no block", e.name);
            ensure!(f.block_params(e.block).is_empty(), "the block of entry {} has parameters", e.name);
        }
        let loc_ok = |l: &crate::ir::SourceLoc| l.file.index() < f.files().len() && l.scope.index() < f.scopes().len();
        ensure!(f.locs().iter().all(loc_ok), "a source location names no file or scope");
        for (n, s) in f.scopes().iter().enumerate() {
            ensure!(s.file.index() < f.files().len(), "scope {n} names no file");
            if let Some(site) = s.call_site {
                let outer = f.loc(site).is_some_and(|l| l.scope.index() < n);
                ensure!(outer, "the call site of scope {n} is not in an earlier scope");
            }
        }
        ensure!(f.vars().iter().all(|v| v.scope.index() < f.scopes().len()), "a variable names no scope");
        Ok(())
    }

    fn block_shape(&self, block: BlockId) -> Check {
        let f = self.func;
        let Some(last) = f.terminator(block) else { return Err("empty block".to_owned()) };
        for id in f.block_insts(block) {
            let op = f.inst(id).op;
            ensure!(op.is_terminator() == (id == last), "{op} in the wrong place");
        }
        let op = f.inst(last).op;
        let edges = f.block_edges(block).len();
        let right = match op.shape() {
            Shape::Jump => edges == 1,
            Shape::Br | Shape::BrIcmp | Shape::BrFcmp | Shape::BrIcmpMem | Shape::BrOf => edges == 2,
            Shape::Switch | Shape::Entries => edges >= 1,
            _ => edges == 0,
        };
        ensure!(right, "{op} with {edges} targets");
        let is_entry = f.entries().iter().any(|e| e.block == block);
        for (n, id) in f.block_insts(block).filter(|&i| f.inst(i).op != Op::Nop).enumerate() {
            let args = f.inst(id).op == Op::Args;
            ensure!(args == (is_entry && n == 0), "`args` belongs exactly at the start of entry blocks");
        }
        if op == Op::Entries {
            let listed = f.block_edges(block).iter().map(|e| e.to).eq(f.entries().iter().map(|e| e.block));
            ensure!(listed && f.layout().first() == Some(&block), "`entries` must list the entries in the first block");
        }
        Ok(())
    }

    fn definitions(&mut self, block: BlockId) -> Check {
        let f = self.func;
        let start = f.block(block).start;
        for &p in f.block_params(block) {
            self.define(p, block, start)?;
        }
        for id in f.block_insts(block) {
            self.place = Place::Inst(block, id);
            for &d in f.inst_defs(id) {
                self.define(d, block, id.index() as u32 + 1)?;
            }
        }
        Ok(())
    }

    fn define(&mut self, v: VReg, block: BlockId, at: u32) -> Check {
        let Some(slot) = self.defined.get_mut(v.index()) else { return Err(format!("{v} does not exist")) };
        ensure!(slot.is_none(), "{v} is defined twice");
        *slot = Some((block, at));
        Ok(())
    }

    /// A use at instruction `at` of `block` must follow the definition on every path.
    fn used(&self, v: VReg, block: BlockId, at: u32, dominance: &Dominance) -> Check {
        let Some(Some((def_block, def_at))) = self.defined.get(v.index()).copied() else {
            return Err(format!("{v} is not defined"));
        };
        let ok = if def_block == block { def_at <= at } else { dominance.dominates(def_block, block) };
        ensure!(ok, "{v} is used where it is not defined");
        Ok(())
    }

    fn instruction(&self, block: BlockId, id: InstId, dominance: &Dominance) -> Check {
        let f = self.func;
        let inst = f.inst(id);
        for &v in f.uses(inst) {
            self.used(v, block, id.index() as u32, dominance)?;
        }
        self.frame(block, id, inst, dominance)?;
        self.operand_types(inst)?;
        if let Some(addr) = f.addr(inst) {
            let regs = addr.base.into_iter().chain(addr.index);
            for v in regs {
                self.expect(v, Type::I64)?;
            }
            ensure!(addr.index.is_none() || addr.kind == AddrKind::Base, "only a base takes an index");
            let cell = addr.cell_id().is_none_or(|c| c.index() < f.cells().len());
            ensure!(cell, "the cell does not exist");
        }
        let previous = || id.index().checked_sub(1).map(|i| f.insts()[i].op);
        let in_block = id.index() > f.block(block).start as usize;
        if inst.op == Op::BrOf {
            let flags = in_block && previous().is_some_and(|op| op.effect() == crate::op::Effect::Flags);
            ensure!(flags, "no overflow flag to branch on");
        }
        if inst.op.effect() == crate::op::Effect::Flags {
            let next = f.insts().get(id.index() + 1).map(|i| i.op);
            ensure!(next == Some(Op::BrOf), "the overflow flag is not used by the next instruction");
        }
        if inst.loc != crate::ir::LocId::NONE {
            ensure!(f.loc(inst.loc).is_some(), "the source location does not exist");
        }
        Ok(())
    }

    fn frame(&self, block: BlockId, id: InstId, inst: &Inst, dominance: &Dominance) -> Check {
        let f = self.func;
        let needs = inst.op.has(OpFlags::EXIT) || inst.op == Op::Safepoint;
        let may = needs || inst.op.has(OpFlags::FRAME);
        ensure!(inst.frame().is_some() || !needs, "no frame state");
        let Some(frame) = inst.frame() else { return Ok(()) };
        ensure!(may, "a frame state where none belongs");
        for value in f.frame_values(frame) {
            match *value {
                FrameValue::Reg(v) => self.used(v, block, id.index() as u32, dominance)?,
                FrameValue::Result(n) => {
                    let ok = inst.op.has(OpFlags::CALL) && usize::from(n) < inst.num_defs();
                    ensure!(ok, "the frame state names a result that does not exist");
                }
                FrameValue::Const(..) | FrameValue::Dead => {}
            }
        }
        Ok(())
    }

    fn edges(&self, block: BlockId, dominance: &Dominance) -> Check {
        let f = self.func;
        let end = f.block(block).end;
        for edge in f.block_edges(block) {
            ensure!(f.layout().contains(&edge.to) || f.is_legal(), "{} is not in the layout", edge.to);
            let entry = f.entries().iter().any(|e| e.block == edge.to);
            let pseudo = f.terminator(block).is_some_and(|t| f.inst(t).op == Op::Entries);
            ensure!(pseudo || (!entry && Some(&edge.to) != f.layout().first()), "{} is an entry", edge.to);
            let (args, params) = (f.edge_args(edge), f.block_params(edge.to));
            ensure!(args.len() == params.len(), "{} values passed to {}", args.len(), edge.to);
            for (&a, &p) in args.iter().zip(params) {
                self.used(a, block, end, dominance)?;
                self.expect(a, f.vreg_type(p))?;
            }
        }
        Ok(())
    }
}
