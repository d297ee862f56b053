//! Which blocks dominate which.

use crate::ir::{BlockId, Function};

/// Immediate dominators by iteration in reverse post-order.
pub(super) struct Dominance {
    /// Position of each block in reverse post-order; `None` for unreachable ones.
    position: Vec<Option<u32>>,
    /// Position of the immediate dominator, by position.
    idom: Vec<u32>,
}

impl Dominance {
    pub(super) fn new(func: &Function) -> Dominance {
        let order = reverse_post_order(func);
        let mut position = vec![None; func.num_blocks()];
        for (n, b) in order.iter().enumerate() {
            position[b.index()] = Some(n as u32);
        }
        let mut preds: Vec<Vec<u32>> = vec![Vec::new(); order.len()];
        for (n, &b) in order.iter().enumerate() {
            for e in func.block_edges(b) {
                if let Some(to) = position.get(e.to.index()).copied().flatten() {
                    preds[to as usize].push(n as u32);
                }
            }
        }
        const UNKNOWN: u32 = u32::MAX;
        let mut idom = vec![UNKNOWN; order.len()];
        if let Some(first) = idom.first_mut() {
            *first = 0;
        }
        let mut changed = true;
        while changed {
            changed = false;
            for n in 1..order.len() {
                let mut new = UNKNOWN;
                for &p in &preds[n] {
                    if idom[p as usize] == UNKNOWN {
                        continue;
                    }
                    new = if new == UNKNOWN { p } else { meet(&idom, new, p) };
                }
                if idom[n] != new {
                    idom[n] = new;
                    changed = true;
                }
            }
        }
        Dominance { position, idom }
    }

    /// Whether every path to `b` passes `a`; true for unreachable `b`.
    pub(super) fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        let Some(mut b) = self.position[b.index()] else { return true };
        let Some(a) = self.position[a.index()] else { return false };
        while b > a {
            b = self.idom[b as usize];
        }
        a == b
    }
}

fn meet(idom: &[u32], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        while a > b {
            a = idom[a as usize];
        }
        while b > a {
            b = idom[b as usize];
        }
    }
    a
}

fn reverse_post_order(func: &Function) -> Vec<BlockId> {
    let Some(&entry) = func.layout().first() else { return Vec::new() };
    let mut seen = vec![false; func.num_blocks()];
    let mut post = Vec::new();
    let mut stack = vec![(entry, 0)];
    seen[entry.index()] = true;
    while let Some(top) = stack.last_mut() {
        let (block, n) = *top;
        match func.block_edges(block).get(n) {
            None => {
                post.push(block);
                stack.pop();
            }
            Some(edge) => {
                top.1 += 1;
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    stack.push((edge.to, 0));
                }
            }
        }
    }
    post.reverse();
    post
}
