//! Streaming instructions into a new list, for passes that insert some.

use super::{Context, Scratch};
use crate::alloc::Target;
use crate::ir::{Function, Inst, InstId, LocId, VReg};
use crate::op::Op;
use crate::types::Type;

/// Appends to the new list.
pub(super) struct Rewriter<'a> {
    pub(super) func: &'a mut Function,
    pub(super) target: &'a Target,
    pub(super) out: Vec<Inst>,
    /// Location of helper instructions.
    pub(super) loc: LocId,
}

/// Calls `each` for every instruction of every block; what it appends replaces the instruction.
pub(super) fn rewrite(
    func: &mut Function,
    cx: &mut Context<'_>,
    mut each: impl FnMut(&mut Rewriter<'_>, &Scratch, InstId),
) {
    let mut out = std::mem::take(&mut cx.scratch.insts);
    out.clear();
    let mut rewriter = Rewriter { func, target: cx.target, out, loc: LocId::NONE };
    let mut bounds = std::mem::take(&mut cx.scratch.work);
    bounds.clear();
    for n in 0..rewriter.func.layout.len() {
        let block = rewriter.func.layout[n];
        bounds.push(rewriter.out.len() as u32);
        for id in rewriter.func.block_insts(block) {
            each(&mut rewriter, cx.scratch, id);
        }
    }
    let mut out = rewriter.out;
    for (n, &block) in func.layout.iter().enumerate() {
        let end = bounds.get(n + 1).copied().unwrap_or(out.len() as u32);
        let b = &mut func.blocks[block.index()];
        (b.start, b.end) = (bounds[n], end);
    }
    std::mem::swap(&mut func.insts, &mut out);
    cx.scratch.insts = out;
    cx.scratch.work = bounds;
}

impl Rewriter<'_> {
    /// Appends a helper instruction with one result.
    pub(super) fn emit(&mut self, op: Op, ty: Type, uses: &[VReg], imm: Option<i64>) -> VReg {
        let mut inst = Inst::new(op, ty);
        inst.loc = self.loc;
        inst.operands = self.func.pool.len() as u32;
        inst.defs = 1;
        inst.uses = uses.len() as u16;
        if let Some(k) = imm {
            inst.imm = k;
            inst.mode = inst.mode.with_imm(op != Op::Iconst);
        }
        let result = self.func.new_vreg(if op == Op::Lea { Type::I64 } else { ty });
        self.func.pool.push(result);
        self.func.pool.extend_from_slice(uses);
        if inst.mode.is_imm() {
            self.immediate(&mut inst);
        }
        self.out.push(inst);
        result
    }

    /// Gives an instruction other uses.
    pub(super) fn set_uses(&mut self, inst: &mut Inst, uses: &[VReg]) {
        let defs = inst.operands as usize..inst.operands as usize + inst.defs as usize;
        inst.operands = self.func.pool.len() as u32;
        self.func.pool.extend_from_within(defs);
        self.func.pool.extend_from_slice(uses);
        inst.uses = uses.len() as u16;
    }
}
