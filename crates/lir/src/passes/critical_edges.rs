//! Critical edges.

use super::Context;
use crate::ir::{Block, BlockId, Edge, Function, Inst};
use crate::op::Op;
use crate::types::Type;

/// Splits every edge from a terminator other than `jump` to a block with several predecessors: the allocator places
/// the moves of block parameters there.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let preds = &mut cx.scratch.marks;
    func.count_preds(preds);
    for n in 0..func.layout.len() {
        let from = func.layout[n];
        let Some(term) = func.terminator(from) else { continue };
        let term = *func.inst(term);
        if term.op == Op::Jump {
            continue;
        }
        for e in func.edge_range(from) {
            let edge = func.edges[e];
            if preds[edge.to.index()] < 2 {
                continue;
            }
            let at = func.insts.len() as u32;
            let mut jump = Inst::new(Op::Jump, Type::I64);
            jump.loc = term.loc;
            func.insts.push(jump);
            let edges = func.edges.len() as u32;
            func.edges.push(edge);
            let cold = func.block(edge.to).cold || func.block(from).cold;
            let block = Block { start: at, end: at + 1, edges, num_edges: 1, cold, filled: true, ..Block::default() };
            let id = BlockId::new(func.blocks.len());
            func.blocks.push(block);
            func.layout.push(id);
            func.edges[e] = Edge { to: id, args: 0, len: 0 };
        }
    }
}
