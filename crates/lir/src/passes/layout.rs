//! Block layout.

use super::{Context, Level};
use crate::ir::{Block, BlockId, Edge, Function};
use crate::op::Op;

const UNSEEN: u32 = u32::MAX;

/// Memory of the pass, kept between functions. The tables are by block.
#[derive(Default)]
pub(crate) struct Buffers {
    /// The blocks in the order last computed.
    order: Vec<BlockId>,
    /// How many loops each block is in.
    depth: Vec<u32>,
    /// Where each block stands in `order`.
    position: Vec<u32>,
    /// Whether a block was visited, or that a block which is not cold leads to it.
    seen: Vec<bool>,
    /// The walk's stack: a block and how many of its successors, stored in `succs`, remain.
    stack: Vec<(BlockId, usize)>,
    succs: Vec<BlockId>,
    /// Retreating edges: the position of the target and the source.
    tails: Vec<(u32, BlockId)>,
    /// The last loop that each block was found to be in.
    mark: Vec<u32>,
    work: Vec<BlockId>,
    /// Predecessors as one list and the start of each block's part.
    pred_starts: Vec<u32>,
    preds: Vec<BlockId>,
    blocks: Vec<Block>,
    edges: Vec<Edge>,
}

/// Empties a table and gives it `len` equal elements.
fn reset<T: Clone>(table: &mut Vec<T>, len: usize, value: T) {
    table.clear();
    table.resize(len, value);
}

/// Orders the reachable blocks in reverse post-order with the blocks of a loop together and cold blocks at the end,
/// then renumbers blocks and instructions to that order and drops `nop`s.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let Some(&entry) = func.layout.first() else { return };
    let mut buf = std::mem::take(&mut cx.scratch.layout);
    reset(&mut buf.depth, func.num_blocks(), 0);
    buf.reverse_post_order(func, entry);
    if buf.find_loops(func) {
        buf.reverse_post_order(func, entry);
    }
    buf.mark_cold(func);
    if cx.level == Level::Optimise {
        buf.sink_cold(func);
        buf.renumber(func, cx);
        func.layout.clear();
        func.layout.extend((0..func.blocks.len()).map(BlockId::new));
    } else {
        // The quick allocator goes over the blocks from last to first and carries everything live in one to all
        // before it: cold blocks at the end would make it quadratic. So it sees them where they are reached.
        buf.renumber(func, cx);
        buf.order.clear();
        buf.order.extend((0..func.blocks.len()).map(BlockId::new));
        buf.sink_cold(func);
        std::mem::swap(&mut func.layout, &mut buf.order);
    }
    cx.scratch.layout = buf;
    func.legal = true;
}

impl Buffers {
    /// Moves cold blocks of the order behind the others; the first block stays.
    fn sink_cold(&mut self, func: &Function) {
        let cold = &mut self.work;
        cold.clear();
        let first = self.order.first().copied();
        self.order.retain(|&b| {
            let stays = Some(b) == first || !func.block(b).cold;
            if !stays {
                cold.push(b);
            }
            stays
        });
        self.order.append(cold);
    }

    /// Depth-first order, reversed. What is visited first ends last: blocks in fewer loops are visited first, and
    /// among equals the last target.
    fn reverse_post_order(&mut self, func: &Function, entry: BlockId) {
        let Buffers { order, depth, seen, stack, succs, .. } = self;
        reset(seen, func.num_blocks(), false);
        order.clear();
        stack.clear();
        succs.clear();
        let push = |b: BlockId, stack: &mut Vec<(BlockId, usize)>, succs: &mut Vec<BlockId>| {
            let (edges, first) = (func.block_edges(b), succs.len());
            succs.extend(edges.iter().map(|e| e.to));
            // The next one is taken from the end. The sort is stable.
            succs[first..].sort_by_key(|b| std::cmp::Reverse(depth[b.index()]));
            stack.push((b, edges.len()));
        };
        seen[entry.index()] = true;
        push(entry, stack, succs);
        while let Some(top) = stack.last_mut() {
            if top.1 == 0 {
                order.push(top.0);
                stack.pop();
                continue;
            }
            top.1 -= 1;
            let Some(next) = succs.pop() else { break };
            if !std::mem::replace(&mut seen[next.index()], true) {
                push(next, stack, succs);
            }
        }
        order.reverse();
    }

    /// Counts the loops that each block is in; says whether there are any. A loop is what reaches a retreating edge
    /// without passing its target.
    fn find_loops(&mut self, func: &Function) -> bool {
        reset(&mut self.position, func.num_blocks(), UNSEEN);
        for (n, b) in self.order.iter().enumerate() {
            self.position[b.index()] = n as u32;
        }
        self.tails.clear();
        for &b in &self.order {
            for e in func.block_edges(b) {
                if self.position[e.to.index()] <= self.position[b.index()] {
                    self.tails.push((self.position[e.to.index()], b));
                }
            }
        }
        if self.tails.is_empty() {
            return false;
        }
        self.find_predecessors(func);
        self.tails.sort_unstable();
        reset(&mut self.mark, func.num_blocks(), UNSEEN);
        let Buffers { order, depth, position, tails, mark, work, pred_starts, preds, .. } = self;
        work.clear();
        let mut n = 0;
        while let Some(&(head_position, _)) = tails.get(n) {
            let head = order[head_position as usize];
            mark[head.index()] = head_position;
            depth[head.index()] += 1;
            while let Some(&(_, tail)) = tails.get(n).filter(|t| t.0 == head_position) {
                work.push(tail);
                n += 1;
            }
            while let Some(b) = work.pop() {
                // Blocks before the head belong to it only in irreducible graphs; they end the walk.
                if mark[b.index()] == head_position || position[b.index()] < head_position {
                    continue;
                }
                mark[b.index()] = head_position;
                depth[b.index()] += 1;
                work.extend_from_slice(&preds[pred_starts[b.index()] as usize..pred_starts[b.index() + 1] as usize]);
            }
        }
        true
    }

    fn find_predecessors(&mut self, func: &Function) {
        let Buffers { order, pred_starts: starts, preds, .. } = self;
        reset(starts, func.num_blocks() + 2, 0);
        for e in order.iter().flat_map(|&b| func.block_edges(b)) {
            starts[e.to.index() + 2] += 1;
        }
        for i in 2..starts.len() {
            starts[i] += starts[i - 1];
        }
        reset(preds, starts.last().map_or(0, |&n| n as usize), BlockId::new(0));
        for &b in order.iter() {
            for e in func.block_edges(b) {
                let at = &mut starts[e.to.index() + 1];
                preds[*at as usize] = b;
                *at += 1;
            }
        }
        starts.pop();
    }

    /// A block that only cold blocks lead to is cold.
    fn mark_cold(&mut self, func: &mut Function) {
        let warm = &mut self.seen;
        reset(warm, func.num_blocks(), false);
        for (n, &b) in self.order.iter().enumerate() {
            if n > 0 && !warm[b.index()] {
                func.blocks[b.index()].cold = true;
            }
            if func.block(b).cold {
                continue;
            }
            for e in func.block_edges(b) {
                warm[e.to.index()] = true;
            }
        }
    }

    /// Numbers blocks and their instructions in this order.
    fn renumber(&mut self, func: &mut Function, cx: &mut Context<'_>) {
        let numbers = &mut self.position;
        reset(numbers, func.num_blocks(), UNSEEN);
        for (n, b) in self.order.iter().enumerate() {
            numbers[b.index()] = n as u32;
        }
        let insts = &mut cx.scratch.insts;
        insts.clear();
        self.blocks.clear();
        self.edges.clear();
        for &b in &self.order {
            let mut block = *func.block(b);
            let start = insts.len() as u32;
            let body = &func.insts[block.start as usize..block.end as usize];
            insts.extend(body.iter().filter(|i| i.op != Op::Nop));
            (block.start, block.end) = (start, insts.len() as u32);
            let first = self.edges.len() as u32;
            for e in func.block_edges(b) {
                self.edges.push(Edge { to: BlockId::new(numbers[e.to.index()] as usize), ..*e });
            }
            block.edges = first;
            self.blocks.push(block);
        }
        for entry in &mut func.entries {
            entry.block = BlockId::new(numbers[entry.block.index()] as usize);
        }
        std::mem::swap(&mut func.insts, insts);
        std::mem::swap(&mut func.blocks, &mut self.blocks);
        std::mem::swap(&mut func.edges, &mut self.edges);
    }
}
