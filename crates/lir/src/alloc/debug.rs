//! Source variables: from `debug_value` instructions to ranges, from ranges to places.

use regalloc2::{Inst, VReg};

use super::allocated::{Allocated, DebugLocation, DebugPlace, Loc, const_place};
use crate::ir::{BlockId, DebugRange, DebugValue, FrameValue, Function, InstId};
use crate::op::Op;

/// Collects the ranges of the function's variables and asks regalloc2 for the places of those in registers, one
/// label per range: with shared labels the quick allocator mixes ranges up. It also knows a register from its
/// definition to its last use in the order of instructions only, and answers nothing for ranges that go on.
pub(crate) fn request(func: &Function, quick: bool, labels: &mut Vec<(VReg, Inst, Inst, u32)>) -> Vec<DebugRange> {
    if func.vars().is_empty() {
        return Vec::new();
    }
    let mut ranges = ranges(func);
    if quick {
        let last = last_uses(func);
        for r in &mut ranges {
            if let DebugValue::Reg(v) = r.value {
                r.end = r.end.min(last[v.index()]);
            }
        }
        ranges.retain(|r| r.start < r.end);
    }
    for (i, r) in ranges.iter().enumerate() {
        if let DebugValue::Reg(v) = r.value {
            let vreg = VReg::new(v.index(), func.vreg_type(v).class());
            labels.push((vreg, Inst::new(r.start.index()), Inst::new(r.end.index()), i as u32));
        }
    }
    labels.sort_unstable_by_key(|&(v, start, _, label)| (v.vreg(), start.index(), label));
    ranges
}

/// The instruction after the last use of every register.
fn last_uses(func: &Function) -> Vec<InstId> {
    let mut last = vec![InstId::new(0); func.num_vregs()];
    for &block in func.layout() {
        for id in func.block_insts(block) {
            let inst = func.inst(id);
            if inst.op == Op::DebugValue {
                continue;
            }
            let next = InstId::new(id.index() + 1);
            let mut used = |v: crate::ir::VReg| last[v.index()] = last[v.index()].max(next);
            func.uses(inst).iter().for_each(|v| used(*v));
            for value in inst.frame().map_or(&[][..], |f| func.frame_values(f)) {
                if let FrameValue::Reg(v) = *value {
                    used(v);
                }
            }
            if Some(id) == func.terminator(block) {
                func.block_edges(block).iter().flat_map(|e| func.edge_args(e)).for_each(|v| used(*v));
            }
        }
    }
    last
}

/// Translates regalloc2's answer, clipped to what was asked: the quick allocator reports whole live ranges.
pub(crate) fn locations(ranges: &[DebugRange], out: &mut Allocated) {
    out.debug.clear();
    for &(label, from, to, place) in &out.output.debug_locations {
        let Some(range) = ranges.get(label as usize) else { continue };
        let Some(loc) = Loc::from_allocation(place) else { continue };
        let start = from.to_index().max(range.start.index() as u32 * 2);
        let end = to.to_index().min(range.end.index() as u32 * 2);
        if start < end {
            out.debug.push(DebugLocation { var: range.var, start, end, place: DebugPlace::Loc(loc) });
        }
    }
    for range in ranges {
        if let Some(place) = const_place(range.value) {
            let (start, end) = (range.start.index() as u32 * 2, range.end.index() as u32 * 2);
            out.debug.push(DebugLocation { var: range.var, start, end, place });
        }
    }
    out.debug.sort_unstable_by_key(|d| (d.var, d.start, d.end));
}

/// The instruction ranges over which each variable has one value. At a block's start a variable has the value that
/// all predecessors agree on.
pub fn ranges(func: &Function) -> Vec<DebugRange> {
    let exits = exit_values(func);
    let preds = predecessors(func);
    let mut out = Vec::new();
    for &block in func.layout() {
        let mut state = entry_state(func, &exits, &preds[block.index()]);
        let b = func.block(block);
        let mut since = vec![b.start; state.len()];
        let mut close = |var: usize, value: Option<DebugValue>, from: u32, to: u32| {
            if let Some(value) = value
                && value != DebugValue::None
                && from < to
            {
                let var = crate::ir::VarId::new(var);
                out.push(DebugRange { var, value, start: InstId::new(from as usize), end: InstId::new(to as usize) });
            }
        };
        for id in func.block_insts(block) {
            let inst = func.inst(id);
            if inst.op != Op::DebugValue {
                continue;
            }
            if let Some((var, value)) = func.debug_value(inst)
                && let Some(slot) = state.get_mut(var.index())
            {
                close(var.index(), *slot, since[var.index()], id.index() as u32);
                *slot = Some(value);
                since[var.index()] = id.index() as u32;
            }
        }
        for (var, value) in state.iter().enumerate() {
            close(var, *value, since[var], b.end);
        }
    }
    out
}

type State = Vec<Option<DebugValue>>;

fn predecessors(func: &Function) -> Vec<Vec<BlockId>> {
    let mut preds = vec![Vec::new(); func.num_blocks()];
    for &b in func.layout() {
        for e in func.block_edges(b) {
            preds[e.to.index()].push(b);
        }
    }
    preds
}

fn entry_state(func: &Function, exits: &[Option<State>], preds: &[BlockId]) -> State {
    let mut known = preds.iter().filter_map(|p| exits[p.index()].as_ref());
    let mut state = known.next().cloned().unwrap_or_else(|| vec![None; func.vars().len()]);
    for other in known {
        for (a, b) in state.iter_mut().zip(other) {
            if a != b {
                *a = None;
            }
        }
    }
    state
}

/// The values at the end of every block: iterated from "unvisited agrees with everything" down to a fixed point.
fn exit_values(func: &Function) -> Vec<Option<State>> {
    let preds = predecessors(func);
    let mut exits: Vec<Option<State>> = vec![None; func.num_blocks()];
    loop {
        let mut changed = false;
        for &block in func.layout() {
            let mut state = entry_state(func, &exits, &preds[block.index()]);
            for id in func.block_insts(block) {
                if let Some((var, value)) = func.debug_value(func.inst(id))
                    && let Some(slot) = state.get_mut(var.index())
                {
                    *slot = Some(value);
                }
            }
            if exits[block.index()].as_ref() != Some(&state) {
                exits[block.index()] = Some(state);
                changed = true;
            }
        }
        if !changed {
            return exits;
        }
    }
}
