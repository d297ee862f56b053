//! Block layout.

use super::{Context, Level};
use crate::ir::{BlockId, Function};
use crate::op::Op;

const UNSEEN: u32 = u32::MAX;

/// Orders the reachable blocks in reverse post-order with the blocks of a loop together and cold blocks at the end,
/// then renumbers blocks and instructions to that order and drops `nop`s.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let Some(&entry) = func.layout.first() else { return };
    let depth = loop_depths(func, entry);
    let order = reverse_post_order(func, entry, |succs| {
        // What is visited first ends last: leave loops first, and visit the first target last. The sort is stable.
        succs.reverse();
        succs.sort_by_key(|b| depth[b.index()]);
    });
    mark_cold(func, &order);
    if cx.level == Level::Optimise {
        let order = sink_cold(func, order);
        renumber(func, cx, &order);
        func.layout = (0..order.len()).map(BlockId::new).collect();
    } else {
        // The quick allocator goes over the blocks from last to first and carries everything live in one to all
        // before it: cold blocks at the end would make it quadratic. So it sees them where they are reached.
        renumber(func, cx, &order);
        func.layout = sink_cold(func, (0..order.len()).map(BlockId::new).collect());
    }
    func.legal = true;
}

/// Moves cold blocks behind the others; the first block stays.
fn sink_cold(func: &Function, order: Vec<BlockId>) -> Vec<BlockId> {
    let (mut layout, mut cold) = (Vec::with_capacity(order.len()), Vec::new());
    for (n, b) in order.into_iter().enumerate() {
        if n > 0 && func.block(b).cold { cold.push(b) } else { layout.push(b) }
    }
    layout.append(&mut cold);
    layout
}

/// Depth-first order, reversed; `arrange` orders the successors of a block.
fn reverse_post_order(func: &Function, entry: BlockId, arrange: impl Fn(&mut Vec<BlockId>)) -> Vec<BlockId> {
    let mut seen = vec![false; func.num_blocks()];
    let mut post = Vec::with_capacity(func.num_blocks());
    // Each entry of the stack: a block and how many of its successors, stored in `succs`, remain.
    let mut stack: Vec<(BlockId, usize)> = Vec::new();
    let mut succs: Vec<BlockId> = Vec::new();
    let mut list = Vec::new();
    let mut push = |b: BlockId, stack: &mut Vec<(BlockId, usize)>, succs: &mut Vec<BlockId>| {
        list.clear();
        list.extend(func.block_edges(b).iter().map(|e| e.to));
        arrange(&mut list);
        stack.push((b, list.len()));
        succs.extend(list.iter().rev());
    };
    seen[entry.index()] = true;
    push(entry, &mut stack, &mut succs);
    while let Some(top) = stack.last_mut() {
        if top.1 == 0 {
            post.push(top.0);
            stack.pop();
            continue;
        }
        top.1 -= 1;
        let Some(next) = succs.pop() else { break };
        if !std::mem::replace(&mut seen[next.index()], true) {
            push(next, &mut stack, &mut succs);
        }
    }
    post.reverse();
    post
}

/// How many loops each block is in. A loop is what reaches a retreating edge without passing its target.
fn loop_depths(func: &Function, entry: BlockId) -> Vec<u32> {
    let order = reverse_post_order(func, entry, |_| {});
    let mut depth = vec![0; func.num_blocks()];
    let mut position = vec![UNSEEN; func.num_blocks()];
    for (n, b) in order.iter().enumerate() {
        position[b.index()] = n as u32;
    }
    let mut tails: Vec<(u32, BlockId)> = Vec::new();
    for &b in &order {
        for e in func.block_edges(b) {
            if position[e.to.index()] <= position[b.index()] {
                tails.push((position[e.to.index()], b));
            }
        }
    }
    if tails.is_empty() {
        return depth;
    }
    let (starts, preds) = predecessors(func, &order);
    tails.sort_unstable();
    let mut mark = vec![UNSEEN; func.num_blocks()];
    let mut work = Vec::new();
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
            work.extend_from_slice(&preds[starts[b.index()] as usize..starts[b.index() + 1] as usize]);
        }
    }
    depth
}

/// Predecessors as one list and the start of each block's part.
fn predecessors(func: &Function, order: &[BlockId]) -> (Vec<u32>, Vec<BlockId>) {
    let mut starts = vec![0u32; func.num_blocks() + 2];
    for &b in order {
        for e in func.block_edges(b) {
            starts[e.to.index() + 2] += 1;
        }
    }
    for i in 2..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut preds = vec![BlockId::new(0); starts.last().map_or(0, |&n| n as usize)];
    for &b in order {
        for e in func.block_edges(b) {
            let at = &mut starts[e.to.index() + 1];
            preds[*at as usize] = b;
            *at += 1;
        }
    }
    starts.pop();
    (starts, preds)
}

/// A block that only cold blocks lead to is cold.
fn mark_cold(func: &mut Function, order: &[BlockId]) {
    let mut warm = vec![false; func.num_blocks()];
    for (n, &b) in order.iter().enumerate() {
        if n > 0 && !warm[b.index()] {
            func.blocks[b.index()].cold = true;
        }
        if func.block(b).cold {
            continue;
        }
        for e in 0..func.block_edges(b).len() {
            let to = func.block_edges(b)[e].to;
            warm[to.index()] = true;
        }
    }
}

fn renumber(func: &mut Function, cx: &mut Context<'_>, layout: &[BlockId]) {
    let numbers = &mut cx.scratch.marks;
    numbers.clear();
    numbers.resize(func.num_blocks(), UNSEEN);
    for (n, b) in layout.iter().enumerate() {
        numbers[b.index()] = n as u32;
    }
    let insts = &mut cx.scratch.insts;
    insts.clear();
    let mut blocks = Vec::with_capacity(layout.len());
    let mut edges = Vec::with_capacity(func.edges.len());
    for &b in layout {
        let mut block = *func.block(b);
        let start = insts.len() as u32;
        let body = &func.insts[block.start as usize..block.end as usize];
        insts.extend(body.iter().filter(|i| i.op != Op::Nop));
        (block.start, block.end) = (start, insts.len() as u32);
        let first = edges.len() as u32;
        for e in func.block_edges(b) {
            let mut edge = *e;
            edge.to = BlockId::new(numbers[e.to.index()] as usize);
            edges.push(edge);
        }
        block.edges = first;
        blocks.push(block);
    }
    for entry in &mut func.entries {
        entry.block = BlockId::new(numbers[entry.block.index()] as usize);
    }
    std::mem::swap(&mut func.insts, insts);
    func.blocks = blocks;
    func.edges = edges;
}
