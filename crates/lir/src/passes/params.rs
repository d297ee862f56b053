//! Block parameters that are not needed.

use super::Context;
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
    }
    if remove_unused(func, cx, &alias) || changed {
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

/// Counts uses that matter: a value passed to a parameter counts only once that parameter is known to be used. Says
/// whether a parameter went.
fn remove_unused(func: &mut Function, cx: &mut Context<'_>, alias: &[VReg]) -> bool {
    let mut live = vec![false; func.num_vregs()];
    let work = &mut cx.scratch.work;
    work.clear();
    let mut need = |v: VReg, work: &mut Vec<u32>| {
        if !std::mem::replace(&mut live[v.index()], true) {
            work.push(v.index() as u32);
        }
    };
    for inst in &func.insts {
        if inst.op.shape() != Shape::DebugValue {
            for &u in func.uses(inst) {
                need(u, work);
            }
        }
    }
    for v in &func.frame_values {
        if let FrameValue::Reg(v) = v {
            need(*v, work);
        }
    }
    // Which edges feed each parameter, as (parameter, argument) pairs sorted by parameter.
    let mut feeds: Vec<(VReg, VReg)> = Vec::new();
    for &b in &func.layout {
        for edge in func.block_edges(b) {
            feeds.extend(func.block_params(edge.to).iter().copied().zip(func.edge_args(edge).iter().copied()));
        }
    }
    feeds.sort_unstable();
    while let Some(v) = work.pop() {
        let v = VReg::new(v as usize);
        let from = feeds.partition_point(|f| f.0 < v);
        for &(_, a) in feeds[from..].iter().take_while(|f| f.0 == v) {
            need(a, work);
        }
    }
    let gone = |p: &VReg| !live[p.index()] || alias[p.index()] != *p;
    if !func.layout.iter().any(|&b| func.block_params(b).iter().any(gone)) {
        return false;
    }
    let keeps = |p: VReg| live[p.index()] && alias[p.index()] == p;
    let all_kept = |func: &Function, b: BlockId| func.block_params(b).iter().all(|&p| keeps(p));
    for n in 0..func.layout.len() {
        for e in func.edge_range(func.layout[n]) {
            let edge = func.edges[e];
            if all_kept(func, edge.to) {
                continue;
            }
            let mut len = 0;
            for k in 0..edge.len as usize {
                if keeps(func.block_params(edge.to)[k]) {
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
            if keeps(p) {
                func.pool[block.params as usize + len] = p;
                len += 1;
            }
        }
        func.blocks[b].num_params = len as u32;
    }
    drop_debug_values(func, &live);
    true
}

/// A removed parameter has no definition: variables that named it have no value.
fn drop_debug_values(func: &mut Function, live: &[bool]) {
    let mut defined = vec![false; func.num_vregs()];
    for inst in &func.insts {
        for d in func.defs(inst) {
            defined[d.index()] = true;
        }
    }
    for i in 0..func.insts.len() {
        let inst = func.insts[i];
        if inst.op.shape() == Shape::DebugValue
            && func.uses(&inst).iter().any(|u| !live[u.index()] && !defined[u.index()])
        {
            func.insts[i].uses = 0;
        }
    }
}
