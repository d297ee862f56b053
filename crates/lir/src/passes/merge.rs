//! Straight-line blocks.

use super::Context;
use crate::ir::{BlockId, Function};
use crate::op::Op;

/// Appends to each block that ends in a jump the block it jumps to, if nothing else leads there and it takes no
/// parameters: compilers may make a block wherever they like. Fewer blocks are quicker to allocate, and the passes
/// that look at one block at a time see more.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let Some(&entry) = func.layout.first() else { return };
    let mut preds = std::mem::take(&mut cx.scratch.marks);
    func.count_preds(&mut preds);
    // The block that `b` goes on in.
    let next = |func: &Function, b: BlockId| {
        let term = func.terminator(b)?;
        let edge = func.block_edges(b).first().filter(|_| func.inst(term).op == Op::Jump)?;
        let (to, target) = (edge.to, func.block(edge.to));
        let joins = preds[to.index()] == 1 && target.num_params == 0 && to != b && to != entry;
        (joins && (!target.cold || func.block(b).cold)).then_some(to)
    };
    let mut absorbed = std::mem::take(&mut cx.scratch.work);
    absorbed.clear();
    absorbed.resize(func.blocks.len(), 0);
    let mut any = false;
    for &b in &func.layout {
        if let Some(to) = next(func, b) {
            absorbed[to.index()] = 1;
            any = true;
        }
    }
    if any {
        let mut insts = std::mem::take(&mut cx.scratch.insts);
        insts.clear();
        // Blocks that only jump to each other in a circle are absorbed by each other: unreachable, they go.
        let heads: Vec<BlockId> = func.layout.iter().copied().filter(|b| absorbed[b.index()] == 0).collect();
        for &head in &heads {
            let start = insts.len() as u32;
            let mut last = head;
            while let Some(to) = next(func, last) {
                let block = func.block(last);
                insts.extend_from_slice(&func.insts[block.start as usize..block.end as usize - 1]);
                last = to;
            }
            let tail = *func.block(last);
            insts.extend_from_slice(&func.insts[tail.start as usize..tail.end as usize]);
            let end = insts.len() as u32;
            let block = &mut func.blocks[head.index()];
            (block.edges, block.num_edges) = (tail.edges, tail.num_edges);
            (block.start, block.end) = (start, end);
        }
        func.layout = heads;
        std::mem::swap(&mut func.insts, &mut insts);
        cx.scratch.insts = insts;
    }
    cx.scratch.marks = preds;
    cx.scratch.work = absorbed;
    if any {
        cx.scratch.analyse(func);
    }
}
