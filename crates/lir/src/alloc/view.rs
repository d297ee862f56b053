//! A function as regalloc2 sees it.

use regalloc2::{Block, Inst, InstRange, Operand, PRegSet, RegClass, VReg};

use super::allocated::{DeoptLoc, OperandCounts};
use super::constraints::{self, Collector, Mentions};
use super::run::Tier;
use super::target::Target;
use crate::ir::{BlockId, Function, InstId};
use crate::op::OpFlags;

/// The buffers of a view, kept between functions.
#[derive(Default)]
pub(crate) struct Buffers {
    operands: Vec<Operand>,
    offsets: Vec<u32>,
    pub(crate) counts: Vec<OperandCounts>,
    succs: Vec<Block>,
    succ_offsets: Vec<u32>,
    preds: Vec<Block>,
    pred_offsets: Vec<u32>,
    passed: Vec<VReg>,
    param_offsets: Vec<u32>,
    edge_offsets: Vec<u32>,
    pub(crate) sources: Vec<u32>,
    pub(crate) slots: Vec<(crate::ir::VReg, u32)>,
    pub(crate) slot_of: Vec<DeoptLoc>,
    mentions: Vec<Mentions>,
    num_vregs: usize,
    pub(crate) labels: Vec<(VReg, Inst, Inst, u32)>,
}

impl Buffers {
    /// Reads a legal function.
    pub(crate) fn fill(&mut self, func: &Function, target: &Target, tier: Tier) {
        self.operands.clear();
        self.offsets.clear();
        self.counts.clear();
        self.labels.clear();
        self.sources.clear();
        self.slots.clear();
        self.mentions.clear();
        if tier == Tier::Quick {
            self.mentions.resize(func.num_vregs(), Mentions::default());
        }
        let mut collector = Collector {
            func,
            target,
            operands: &mut self.operands,
            next_vreg: func.num_vregs(),
            sources: &mut self.sources,
            slots: &mut self.slots,
            mentions: &mut self.mentions,
        };
        // Instructions of a legal function are numbered block by block.
        for block in (0..func.num_blocks()).map(BlockId::new) {
            if tier == Tier::Quick {
                collector.enter(block);
            }
            for id in func.block_insts(block) {
                self.offsets.push(collector.operands.len() as u32);
                self.counts.push(collector.collect(block, id));
            }
        }
        self.num_vregs = collector.next_vreg;
        self.offsets.push(self.operands.len() as u32);
        self.fill_graph(func);
    }

    fn fill_graph(&mut self, func: &Function) {
        let n = func.num_blocks();
        self.succs.clear();
        self.succ_offsets.clear();
        self.passed.clear();
        self.param_offsets.clear();
        self.edge_offsets.clear();
        self.pred_offsets.clear();
        self.pred_offsets.resize(n + 2, 0);
        let class = |v: &crate::ir::VReg| VReg::new(v.index(), func.vreg_type(*v).class());
        for b in 0..n {
            let id = BlockId::new(b);
            self.succ_offsets.push(self.succs.len() as u32);
            self.param_offsets.push(self.passed.len() as u32);
            self.passed.extend(func.block_params(id).iter().map(class));
            for edge in func.block_edges(id) {
                self.succs.push(Block::new(edge.to.index()));
                self.pred_offsets[edge.to.index() + 2] += 1;
            }
        }
        self.succ_offsets.push(self.succs.len() as u32);
        self.param_offsets.push(self.passed.len() as u32);
        for b in 0..n {
            for edge in func.block_edges(BlockId::new(b)) {
                self.edge_offsets.push(self.passed.len() as u32);
                self.passed.extend(func.edge_args(edge).iter().map(class));
            }
        }
        self.edge_offsets.push(self.passed.len() as u32);
        // Counting sort of the edges by target: offset b + 1 serves as the cursor of block b while filling.
        for b in 2..n + 2 {
            self.pred_offsets[b] += self.pred_offsets[b - 1];
        }
        self.preds.clear();
        self.preds.resize(self.succs.len(), Block::invalid());
        for b in 0..n {
            for s in self.succ_offsets[b]..self.succ_offsets[b + 1] {
                let cursor = &mut self.pred_offsets[self.succs[s as usize].index() + 1];
                self.preds[*cursor as usize] = Block::new(b);
                *cursor += 1;
            }
        }
    }
}

/// Borrowed by regalloc2 for one run.
pub(crate) struct View<'a> {
    pub(crate) func: &'a Function,
    pub(crate) target: &'a Target,
    pub(crate) buf: &'a Buffers,
    /// In tests: every n-th instruction that allows it changes all registers, so that what lives across it spills.
    pub(crate) clobber_every: Option<u32>,
}

impl View<'_> {
    fn lir(&self, inst: Inst) -> &crate::ir::Inst {
        self.func.inst(InstId::new(inst.index()))
    }
}

impl regalloc2::Function for View<'_> {
    #[inline]
    fn num_insts(&self) -> usize {
        self.func.insts().len()
    }

    #[inline]
    fn num_blocks(&self) -> usize {
        self.func.num_blocks()
    }

    #[inline]
    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    #[inline]
    fn block_insns(&self, block: Block) -> InstRange {
        let b = self.func.block(BlockId::new(block.index()));
        InstRange::new(Inst::new(b.start as usize), Inst::new(b.end as usize))
    }

    #[inline]
    fn block_succs(&self, block: Block) -> &[Block] {
        let b = block.index();
        &self.buf.succs[self.buf.succ_offsets[b] as usize..self.buf.succ_offsets[b + 1] as usize]
    }

    #[inline]
    fn block_preds(&self, block: Block) -> &[Block] {
        let b = block.index();
        &self.buf.preds[self.buf.pred_offsets[b] as usize..self.buf.pred_offsets[b + 1] as usize]
    }

    #[inline]
    fn block_params(&self, block: Block) -> &[VReg] {
        let b = block.index();
        &self.buf.passed[self.buf.param_offsets[b] as usize..self.buf.param_offsets[b + 1] as usize]
    }

    #[inline]
    fn is_ret(&self, insn: Inst) -> bool {
        self.lir(insn).op.has(OpFlags::RET)
    }

    #[inline]
    fn is_branch(&self, insn: Inst) -> bool {
        self.lir(insn).op.has(OpFlags::BRANCH)
    }

    #[inline]
    fn branch_blockparams(&self, block: Block, _insn: Inst, succ_idx: usize) -> &[VReg] {
        let e = self.buf.succ_offsets[block.index()] as usize + succ_idx;
        &self.buf.passed[self.buf.edge_offsets[e] as usize..self.buf.edge_offsets[e + 1] as usize]
    }

    #[inline]
    fn inst_operands(&self, insn: Inst) -> &[Operand] {
        let i = insn.index();
        &self.buf.operands[self.buf.offsets[i] as usize..self.buf.offsets[i + 1] as usize]
    }

    #[inline]
    fn inst_clobbers(&self, insn: Inst) -> PRegSet {
        let inst = self.lir(insn);
        match self.clobber_every {
            Some(n)
                if (insn.index() as u32).is_multiple_of(n.max(1)) && may_clobber(inst, self.inst_operands(insn)) =>
            {
                let mut out = PRegSet::from(&self.target.env);
                for op in self.inst_operands(insn) {
                    if let regalloc2::OperandConstraint::FixedReg(r) = op.constraint() {
                        out.remove(r);
                    }
                }
                out
            }
            _ => constraints::clobbers(self.func, self.target, inst),
        }
    }

    #[inline]
    fn num_vregs(&self) -> usize {
        self.buf.num_vregs
    }

    #[inline]
    fn debug_value_labels(&self) -> &[(VReg, Inst, Inst, u32)] {
        &self.buf.labels
    }

    #[inline]
    fn spillslot_size(&self, _regclass: RegClass) -> usize {
        1
    }
}

/// Whether an instruction still has registers for its operands when it changes all of them: it must define nothing
/// and use nothing late but in any place.
fn may_clobber(inst: &crate::ir::Inst, operands: &[Operand]) -> bool {
    use regalloc2::{OperandConstraint, OperandKind, OperandPos};
    !inst.op.is_terminator()
        && operands.iter().all(|o| {
            o.kind() == OperandKind::Use
                && (o.pos() == OperandPos::Early
                    || matches!(o.constraint(), OperandConstraint::Any | OperandConstraint::Stack))
        })
}
