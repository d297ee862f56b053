//! Constants as operands.

use super::{Context, rhs_index};
use crate::eval;
use crate::ir::{FrameValue, Function, InstId};
use crate::op::{Effect, Op, OpFlags, Shape};
use crate::types::{IntCC, Type};

/// One forward sweep: an operation sees constants that earlier ones were folded to.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    for i in 0..func.insts.len() {
        let op = func.insts[i].op;
        if op.has(OpFlags::IMM) && !func.insts[i].mode.is_imm() {
            operand(func, cx, i);
        }
        if matches!(op.shape(), Shape::Binary | Shape::Unary | Shape::Convert | Shape::Icmp) {
            fold(func, cx, i);
        }
    }
    for value in &mut func.frame_values {
        let FrameValue::Reg(v) = *value else { continue };
        let Some(def) = func.insts.get(cx.scratch.def[v.index()] as usize) else { continue };
        if matches!(def.op, Op::Iconst | Op::Fconst) {
            *value = FrameValue::Const(def.ty, def.imm as u64 & def.ty.mask());
            cx.scratch.uses[v.index()] -= 1;
        }
    }
}

fn operand(func: &mut Function, cx: &mut Context<'_>, at: usize) {
    let inst = func.insts[at];
    let Some(index) = rhs_index(inst.op.shape()) else { return };
    if inst.op == Op::Store && inst.ty.is_float() {
        return;
    }
    let uses = func.uses(&inst);
    let (mut imm, mut swap) = (cx.scratch.constant(func, uses[index]), false);
    if imm.is_none() && index == 1 {
        let swaps = inst.op.has(OpFlags::COMMUTES) || comparing(inst.op);
        if swaps {
            imm = cx.scratch.constant(func, uses[0]);
            swap = imm.is_some();
        }
    }
    let Some(imm) = imm.map(|k| inst.ty.sign_extend(k as u64)) else { return };
    let test = comparing(inst.op) && matches!(inst.int_cc(), IntCC::Tz | IntCC::Tnz);
    let fits = if test { cx.target.test_imm_fits(inst.ty, imm) } else { cx.target.imm_fits(inst.op, inst.ty, imm) };
    if !fits {
        return;
    }
    let first = inst.operands as usize + inst.defs as usize;
    if swap {
        func.pool.swap(first, first + 1);
        if comparing(inst.op) {
            func.insts[at].cc = inst.int_cc().swap() as u8;
        }
    }
    cx.scratch.uses[func.pool[first + index].index()] -= 1;
    func.pool[first + index..first + inst.uses as usize].rotate_left(1);
    let inst = &mut func.insts[at];
    inst.uses -= 1;
    inst.imm = imm;
    inst.mode = inst.mode.with_imm(true);
}

fn comparing(op: Op) -> bool {
    matches!(
        op.shape(),
        Shape::Icmp | Shape::SelectIcmp | Shape::GuardIcmp | Shape::BrIcmp | Shape::GuardIcmpMem | Shape::BrIcmpMem
    )
}

/// Replaces a pure operation on integer constants by its result.
fn fold(func: &mut Function, cx: &mut Context<'_>, at: usize) {
    let inst = func.insts[at];
    if inst.op.effect() != Effect::Pure || inst.op == Op::Copy {
        return;
    }
    let uses = func.uses(&inst);
    let Some(a) = uses.first().and_then(|&v| cx.scratch.constant(func, v)) else { return };
    let a = a as u64;
    let value = match inst.op.shape() {
        Shape::Unary => eval::unary(inst.op, inst.ty, a),
        Shape::Convert if inst.ty.is_int() => eval::convert(inst.op, func.vreg_type(uses[0]), inst.ty, a),
        Shape::Binary | Shape::Icmp => {
            let b = inst.imm_rhs().or_else(|| uses.get(1).and_then(|&v| cx.scratch.constant(func, v)));
            let Some(b) = b else { return };
            if inst.op == Op::Icmp {
                Some(inst.int_cc().eval(inst.ty, a, b as u64).into())
            } else {
                eval::binary(inst.op, inst.ty, a, b as u64).ok()
            }
        }
        _ => None,
    };
    let Some(value) = value else { return };
    for v in uses {
        cx.scratch.uses[v.index()] -= 1;
    }
    let ty = if inst.op == Op::Icmp { Type::I32 } else { inst.ty };
    let id = InstId::new(at).index();
    let new = &mut func.insts[id];
    new.op = Op::Iconst;
    new.ty = ty;
    new.cc = 0;
    new.mode = crate::ir::Mode::default();
    new.uses = 0;
    new.imm = ty.sign_extend(value);
}
