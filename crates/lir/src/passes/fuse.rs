//! Fusion of comparisons with their users.

use super::Context;
use crate::ir::{Function, Inst, VReg};
use crate::op::{Effect, Op, Shape};
use crate::types::{FloatCC, IntCC, Type};
use smallvec::SmallVec;

/// Uses of a comparison or what took one over: few, so they need no memory of their own.
type Uses = SmallVec<[VReg; 4]>;

/// Users of truth values take over the comparison; comparisons with zero of an `and` become tests; integer guards
/// and branches on a value just loaded compare memory.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    for n in 0..func.layout.len() {
        let block = func.layout[n];
        let (start, end) = {
            let b = func.block(block);
            (b.start as usize, b.end as usize)
        };
        // Loads before this instruction may not move past it.
        let mut barrier = start;
        for at in start..end {
            match func.insts[at].op.shape() {
                Shape::Br
                | Shape::Guard
                | Shape::Select
                | Shape::BrIcmp
                | Shape::GuardIcmp
                | Shape::Icmp
                | Shape::SelectIcmp => {
                    while fuse_condition(func, cx, at) || fuse_extended(func, cx, at) || fuse_test(func, cx, at) {}
                    fuse_load(func, cx, at, barrier);
                }
                Shape::Convert => fuse_extension(func, cx, at),
                _ if matches!(func.insts[at].op.effect(), Effect::Write | Effect::Call) => barrier = at + 1,
                _ => {}
            }
        }
    }
}

enum Cond {
    Int(IntCC),
    Float(FloatCC),
}

/// The truth value an instruction tests, and whether it tests for falsehood.
fn tested(func: &Function, inst: &Inst) -> Option<(VReg, bool)> {
    let uses = func.uses(inst);
    match inst.op {
        Op::Br | Op::Guard | Op::Select => Some((*uses.first()?, false)),
        Op::BrIcmp | Op::GuardIcmp | Op::Icmp | Op::SelectIcmp if inst.imm_rhs() == Some(0) => match inst.int_cc() {
            IntCC::Ne => Some((uses[0], false)),
            IntCC::Eq => Some((uses[0], true)),
            _ => None,
        },
        _ => None,
    }
}

fn fuse_condition(func: &mut Function, cx: &mut Context<'_>, at: usize) -> bool {
    let inst = func.insts[at];
    let Some((value, negated)) = tested(func, &inst) else { return false };
    let Some(def) = cx.scratch.def(func, value).copied() else { return false };
    let cond = match def.op {
        Op::Icmp => Cond::Int(if negated { def.int_cc().negate() } else { def.int_cc() }),
        Op::Fcmp => Cond::Float(if negated { def.float_cc().negate() } else { def.float_cc() }),
        _ => return false,
    };
    let op = match (inst.op, &cond) {
        (Op::Br | Op::BrIcmp, Cond::Int(_)) => Op::BrIcmp,
        (Op::Br | Op::BrIcmp, Cond::Float(_)) => Op::BrFcmp,
        (Op::Guard | Op::GuardIcmp, Cond::Int(_)) => Op::GuardIcmp,
        (Op::Guard | Op::GuardIcmp, Cond::Float(_)) => Op::GuardFcmp,
        (Op::Icmp, Cond::Int(_)) => Op::Icmp,
        (Op::Icmp, Cond::Float(_)) => Op::Fcmp,
        (Op::Select | Op::SelectIcmp, Cond::Int(_)) => Op::SelectIcmp,
        _ => return false,
    };
    let mut uses = Uses::from_slice(func.uses(&def));
    if op == Op::SelectIcmp {
        let old = func.uses(&inst);
        uses.extend_from_slice(&old[old.len() - 2..]);
    }
    recount(func, cx, &inst, &uses);
    func.set_uses(at, &uses);
    let new = &mut func.insts[at];
    new.op = op;
    new.ty = def.ty;
    new.cc = match cond {
        Cond::Int(cc) => cc as u8,
        Cond::Float(cc) => cc as u8,
    };
    new.mode = def.mode;
    new.imm = def.imm;
    true
}

/// A zero extension is zero exactly if its operand is: the user tests the operand.
fn fuse_extended(func: &mut Function, cx: &mut Context<'_>, at: usize) -> bool {
    let inst = func.insts[at];
    let Some((value, _)) = tested(func, &inst) else { return false };
    let Some(def) = cx.scratch.def(func, value).copied().filter(|d| d.op == Op::Zext) else { return false };
    let inner = func.uses(&def)[0];
    cx.scratch.uses[value.index()] -= 1;
    cx.scratch.uses[inner.index()] += 1;
    let first = inst.operands as usize + inst.defs as usize;
    func.pool[first] = inner;
    // The type of `select` is that of the chosen values.
    if inst.op != Op::Select {
        func.insts[at].ty = func.vreg_type(inner);
    }
    true
}

/// `(a & b) == 0` as `a tz b`.
fn fuse_test(func: &mut Function, cx: &mut Context<'_>, at: usize) -> bool {
    let inst = func.insts[at];
    if !matches!(inst.op, Op::BrIcmp | Op::GuardIcmp | Op::Icmp | Op::SelectIcmp) || inst.imm_rhs() != Some(0) {
        return false;
    }
    let cc = match inst.int_cc() {
        IntCC::Eq => IntCC::Tz,
        IntCC::Ne => IntCC::Tnz,
        _ => return false,
    };
    let value = func.uses(&inst)[0];
    let Some(def) = cx.scratch.def(func, value).copied() else { return false };
    if def.op != Op::And || def.ty != inst.ty || cx.scratch.uses[value.index()] != 1 {
        return false;
    }
    if def.imm_rhs().is_some_and(|k| !cx.target.test_imm_fits(def.ty, k)) {
        return false;
    }
    let mut uses = Uses::from_slice(func.uses(&def));
    uses.extend_from_slice(&func.uses(&inst)[1..]);
    recount(func, cx, &inst, &uses);
    func.set_uses(at, &uses);
    let new = &mut func.insts[at];
    new.cc = cc as u8;
    new.mode = new.mode.with_imm(def.mode.is_imm());
    new.imm = def.imm;
    true
}

/// A guard or branch that compares a value loaded just for it compares memory instead.
fn fuse_load(func: &mut Function, cx: &mut Context<'_>, at: usize, barrier: usize) {
    let inst = func.insts[at];
    let op = match inst.op {
        Op::GuardIcmp => Op::GuardIcmpMem,
        Op::BrIcmp => Op::BrIcmpMem,
        _ => return,
    };
    let uses = func.uses(&inst);
    let loaded = |v: VReg| {
        let at = cx.scratch.def[v.index()] as usize;
        let def = func.insts.get(at)?;
        let fits = def.op == Op::Load && def.ty == inst.ty && at >= barrier && cx.scratch.uses[v.index()] == 1;
        fits.then_some(*def)
    };
    let (load, rest, cc) = match (loaded(uses[0]), uses.get(1)) {
        (Some(load), rest) => (load, rest.copied(), inst.int_cc()),
        (None, Some(&b)) => match loaded(b) {
            Some(load) => (load, Some(uses[0]), inst.int_cc().swap()),
            None => return,
        },
        (None, None) => return,
    };
    if rest.is_none() && !cx.target.imm_fits(op, inst.ty, inst.imm) {
        return;
    }
    let mut new_uses: Uses = rest.into_iter().collect();
    new_uses.extend_from_slice(func.uses(&load));
    recount(func, cx, &inst, &new_uses);
    func.set_uses(at, &new_uses);
    let new = &mut func.insts[at];
    new.op = op;
    new.cc = cc as u8;
    new.mode = load.mode.with_imm(inst.mode.is_imm());
    new.aux = load.aux;
}

/// An extension to 64 bits of a value loaded just for it becomes an extending load, at the place of the load.
fn fuse_extension(func: &mut Function, cx: &mut Context<'_>, at: usize) {
    let inst = func.insts[at];
    let op = match inst.op {
        Op::Zext => Op::LoadZext,
        Op::Sext => Op::LoadSext,
        _ => return,
    };
    let value = func.uses(&inst)[0];
    let load_at = cx.scratch.def[value.index()] as usize;
    let Some(load) = func.insts.get(load_at).copied() else { return };
    if inst.ty != Type::I64 || load.op != Op::Load || cx.scratch.uses[value.index()] != 1 || load.defs != 1 {
        return;
    }
    // The load takes over the extension's result; the extension, now without one, disappears. The load's old result
    // may still be named by a `debug_value`, which `dead_code` clears.
    let result = func.defs(&inst)[0];
    func.pool[load.operands as usize] = result;
    func.insts[load_at].op = op;
    cx.scratch.def[result.index()] = load_at as u32;
    cx.scratch.def[value.index()] = super::NO_INST;
    cx.scratch.uses[value.index()] = 0;
    func.insts[at].kill();
    clear_debug_values(func, value);
}

fn clear_debug_values(func: &mut Function, value: VReg) {
    if func.vars.is_empty() {
        return;
    }
    for i in 0..func.insts.len() {
        if func.insts[i].op == Op::DebugValue && func.inst_uses(crate::ir::InstId::new(i)).contains(&value) {
            func.insts[i].uses = 0;
        }
    }
}

fn recount(func: &Function, cx: &mut Context<'_>, old: &Inst, new: &[VReg]) {
    for v in func.uses(old) {
        cx.scratch.uses[v.index()] -= 1;
    }
    for v in new {
        cx.scratch.uses[v.index()] += 1;
    }
}
