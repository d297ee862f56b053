//! Block parameters that are not needed.

use super::{Context, NO_INST, Scratch};
use crate::ir::{BlockId, FrameValue, Function, VReg};
use crate::op::Shape;

/// Finds parameters whose every incoming value is one other register or the parameter itself, replaces them by that
/// register, and removes parameters without uses together with the values passed to them.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    if func.blocks.iter().all(|b| b.num_params == 0) {
        return;
    }
    let mut alias: Vec<VReg> = (0..func.num_vregs()).map(VReg::new).collect();
    let mut changed = false;
    while step(func, &mut alias, &mut cx.scratch.marks) {
        changed = true;
    }
    if changed {
        substitute(func, &mut alias);
        cx.scratch.analyse(func);
    }
    if remove_unused(func, cx) {
        cx.scratch.analyse(func);
    }
}

fn resolve(alias: &mut [VReg], v: VReg) -> VReg {
    let mut root = v;
    while alias[root.index()] != root {
        root = alias[root.index()];
    }
    alias[v.index()] = root;
    root
}

/// In `only`: no value seen yet, and several seen; anything else is the one value.
const NONE: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

fn step(func: &Function, alias: &mut [VReg], only: &mut Vec<u32>) -> bool {
    only.clear();
    only.resize(func.num_vregs(), NONE);
    for &b in &func.layout {
        for edge in func.block_edges(b) {
            let params = func.block_params(edge.to);
            for (&p, &a) in params.iter().zip(func.edge_args(edge)) {
                let a = resolve(alias, a);
                let seen = &mut only[p.index()];
                if a == p || *seen == a.index() as u32 {
                    continue;
                }
                *seen = if *seen == NONE { a.index() as u32 } else { SEVERAL };
            }
        }
    }
    let mut changed = false;
    for &b in &func.layout {
        for &p in func.block_params(b) {
            let value = only[p.index()];
            if alias[p.index()] == p && value < SEVERAL {
                let value = resolve(alias, VReg::new(value as usize));
                if value != p {
                    alias[p.index()] = value;
                    changed = true;
                }
            }
        }
    }
    changed
}

fn substitute(func: &mut Function, alias: &mut [VReg]) {
    for i in 0..func.insts.len() {
        let inst = func.insts[i];
        for u in &mut func.pool[(inst.operands + u32::from(inst.defs)) as usize..][..inst.uses as usize] {
            *u = resolve(alias, *u);
        }
    }
    for e in 0..func.edges.len() {
        let edge = func.edges[e];
        for a in &mut func.pool[edge.args as usize..][..edge.len as usize] {
            *a = resolve(alias, *a);
        }
    }
    for v in &mut func.frame_values {
        if let FrameValue::Reg(r) = v {
            *r = resolve(alias, *r);
        }
    }
}

/// A value passed to a parameter is a use that matters only once that parameter is known to be used. Says whether a
/// parameter went.
fn remove_unused(func: &mut Function, cx: &mut Context<'_>) -> bool {
    let Scratch { def, uses, work, marks: passed, .. } = &mut *cx.scratch;
    // How often each register is passed to a parameter.
    passed.clear();
    passed.resize(func.num_vregs(), 0);
    for &b in &func.layout {
        for a in func.block_edges(b).iter().flat_map(|e| func.edge_args(e)) {
            passed[a.index()] += 1;
        }
    }
    work.clear();
    let mut live = Vec::new();
    let mut doubtful = false;
    for &b in &func.layout {
        for p in func.block_params(b) {
            if uses[p.index()] > passed[p.index()] {
                work.push(p.index() as u32);
            } else {
                doubtful = true;
            }
        }
    }
    if !doubtful {
        return false;
    }
    live.resize(func.num_vregs(), false);
    work.iter().for_each(|&p| live[p as usize] = true);
    // Which parameters feed each parameter, as (parameter, argument) pairs sorted by parameter.
    let mut feeds: Vec<(VReg, VReg)> = Vec::new();
    for &b in &func.layout {
        for edge in func.block_edges(b) {
            let pairs = func.block_params(edge.to).iter().zip(func.edge_args(edge));
            feeds.extend(pairs.filter(|(_, a)| def[a.index()] == NO_INST).map(|(p, a)| (*p, *a)));
        }
    }
    feeds.sort_unstable();
    while let Some(v) = work.pop() {
        let v = VReg::new(v as usize);
        let from = feeds.partition_point(|f| f.0 < v);
        for &(_, a) in feeds[from..].iter().take_while(|f| f.0 == v) {
            if !std::mem::replace(&mut live[a.index()], true) {
                work.push(a.index() as u32);
            }
        }
    }
    if func.layout.iter().all(|&b| func.block_params(b).iter().all(|p| live[p.index()])) {
        return false;
    }
    let all_kept = |func: &Function, b: BlockId| func.block_params(b).iter().all(|p| live[p.index()]);
    for n in 0..func.layout.len() {
        for e in func.edge_range(func.layout[n]) {
            let edge = func.edges[e];
            if all_kept(func, edge.to) {
                continue;
            }
            let mut len = 0;
            for k in 0..edge.len as usize {
                if live[func.block_params(edge.to)[k].index()] {
                    func.pool[edge.args as usize + len] = func.pool[edge.args as usize + k];
                    len += 1;
                }
            }
            func.edges[e].len = len as u32;
        }
    }
    for b in 0..func.blocks.len() {
        let block = func.blocks[b];
        let mut len = 0;
        for k in 0..block.num_params as usize {
            let p = func.pool[block.params as usize + k];
            if live[p.index()] {
                func.pool[block.params as usize + len] = p;
                len += 1;
            }
        }
        func.blocks[b].num_params = len as u32;
    }
    // A removed parameter has no definition: variables that named it have no value.
    for i in 0..if func.vars.is_empty() { 0 } else { func.insts.len() } {
        let inst = func.insts[i];
        let gone = |u: &VReg| !live[u.index()] && def[u.index()] == NO_INST;
        if inst.op.shape() == Shape::DebugValue && func.uses(&inst).iter().any(gone) {
            func.insts[i].uses = 0;
        }
    }
    true
}
