//! Division by constants.

use super::rewrite::{Rewriter, rewrite};
use super::{Context, Scratch};
use crate::ir::{Function, Inst, InstId, Mode, VReg};
use crate::op::{Constraint, Op};
use crate::types::{IntCC, Type};

/// Replaces divisions by constants other than 0, 1 and -1 by multiplications and shifts; they cannot trap or exit.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    for at in 0..func.insts.len() {
        divisible(func, cx, at);
    }
    let any = func.insts.iter().any(|i| divisor(func, cx.scratch, i).is_some());
    if any {
        rewrite(func, cx, one);
        cx.scratch.analyse(func);
    }
}

fn divisor(func: &Function, scratch: &Scratch, inst: &Inst) -> Option<i64> {
    if !matches!(inst.op.info().constraint, Constraint::DivQuot | Constraint::DivRem) {
        return None;
    }
    let d = inst.ty.sign_extend(scratch.constant(func, func.uses(inst)[1])? as u64);
    // The minimum is its own negation: leave it to the machine.
    (!(-1..=1).contains(&d) && d.checked_neg().is_some_and(|n| inst.ty.sign_extend(n as u64) == n)).then_some(d)
}

/// Whether a power of two divides a number is a test of its low bits, without any division.
fn divisible(func: &mut Function, cx: &mut Context<'_>, at: usize) {
    let inst = func.insts[at];
    let shape = matches!(inst.op, Op::Icmp | Op::SelectIcmp | Op::GuardIcmp | Op::BrIcmp);
    if !shape || inst.imm_rhs() != Some(0) || !matches!(inst.int_cc(), IntCC::Eq | IntCC::Ne) {
        return;
    }
    let value = func.uses(&inst)[0];
    let Some(def) = cx.scratch.def(func, value).copied().filter(|d| d.ty == inst.ty) else { return };
    if def.op.info().constraint != Constraint::DivRem {
        return;
    }
    let Some(d) = divisor(func, cx.scratch, &def).map(i64::unsigned_abs).filter(|d| d.is_power_of_two()) else {
        return;
    };
    let mask = d as i64 - 1;
    if !cx.target.test_imm_fits(inst.ty, mask) {
        return;
    }
    let dividend = func.uses(&def)[0];
    func.pool[inst.operands as usize + inst.defs as usize] = dividend;
    cx.scratch.uses[value.index()] -= 1;
    cx.scratch.uses[dividend.index()] += 1;
    let new = &mut func.insts[at];
    new.cc = if inst.int_cc() == IntCC::Eq { IntCC::Tz } else { IntCC::Tnz } as u8;
    new.imm = mask;
}

fn one(r: &mut Rewriter<'_>, scratch: &Scratch, id: InstId) {
    let inst = *r.func.inst(id);
    r.loc = inst.loc;
    // Helpers are appended to a new list: definitions are still found in the old one.
    let Some(d) = divisor(r.func, scratch, &inst) else {
        r.out.push(inst);
        return;
    };
    let n = r.func.uses(&inst)[0];
    let signed = matches!(inst.op, Op::Sdiv | Op::Srem | Op::SdivExit | Op::SremExit);
    let last = match inst.op.info().constraint {
        Constraint::DivQuot if signed => signed_quotient(r, inst.ty, n, d),
        Constraint::DivQuot => unsigned_quotient(r, inst.ty, n, d),
        _ if !signed && d > 0 && d.unsigned_abs().is_power_of_two() => (Op::And, n, None, Some(d - 1)),
        _ if signed && d.unsigned_abs().is_power_of_two() => {
            // The remainder's sign is the dividend's: the divisor's does not matter.
            let k = d.unsigned_abs().trailing_zeros();
            let biased = bias(r, inst.ty, n, k);
            let multiple = r.emit(Op::And, inst.ty, &[biased], Some(-(1i64 << k)));
            (Op::Sub, n, Some(multiple), None)
        }
        _ => {
            let q = if signed { signed_quotient(r, inst.ty, n, d) } else { unsigned_quotient(r, inst.ty, n, d) };
            let q = append(r, inst.ty, q);
            let multiple = r.emit(Op::Mul, inst.ty, &[q], Some(d));
            (Op::Sub, n, Some(multiple), None)
        }
    };
    let (op, a, b, imm) = last;
    let mut inst = inst;
    inst.op = op;
    inst.set_frame(None);
    inst.mode = Mode::default().with_imm(imm.is_some());
    inst.imm = imm.unwrap_or(0);
    let uses: Vec<VReg> = std::iter::once(a).chain(b).collect();
    r.set_uses(&mut inst, &uses);
    if imm.is_some() {
        r.immediate(&mut inst);
    }
    r.out.push(inst);
}

/// An operation still to be appended: it will define the result of the division.
type Last = (Op, VReg, Option<VReg>, Option<i64>);

fn append(r: &mut Rewriter<'_>, ty: Type, (op, a, b, imm): Last) -> VReg {
    let uses: Vec<VReg> = std::iter::once(a).chain(b).collect();
    r.emit(op, ty, &uses, imm)
}

/// `n`, plus `2^k - 1` if it is negative: shifting it right by k rounds toward zero.
fn bias(r: &mut Rewriter<'_>, ty: Type, n: VReg, k: u32) -> VReg {
    let width = i64::from(ty.bits());
    let sign = if k > 1 { r.emit(Op::Sar, ty, &[n], Some(i64::from(k) - 1)) } else { n };
    let extra = r.emit(Op::Shr, ty, &[sign], Some(width - i64::from(k)));
    r.emit(Op::Add, ty, &[n, extra], None)
}

fn signed_quotient(r: &mut Rewriter<'_>, ty: Type, n: VReg, d: i64) -> Last {
    let width = ty.bits();
    if d.unsigned_abs().is_power_of_two() {
        let k = d.unsigned_abs().trailing_zeros();
        let biased = bias(r, ty, n, k);
        if d > 0 {
            return (Op::Sar, biased, None, Some(k.into()));
        }
        let q = r.emit(Op::Sar, ty, &[biased], Some(k.into()));
        return (Op::Neg, q, None, None);
    }
    let (magic, shift) = signed_magic(width, d);
    let m = r.emit(Op::Iconst, ty, &[], Some(magic));
    let mut q = r.emit(Op::Smulhi, ty, &[n, m], None);
    if d > 0 && magic < 0 {
        q = r.emit(Op::Add, ty, &[q, n], None);
    } else if d < 0 && magic > 0 {
        q = r.emit(Op::Sub, ty, &[q, n], None);
    }
    if shift > 0 {
        q = r.emit(Op::Sar, ty, &[q], Some(shift.into()));
    }
    let sign = r.emit(Op::Shr, ty, &[q], Some(i64::from(width) - 1));
    (Op::Add, q, Some(sign), None)
}

fn unsigned_quotient(r: &mut Rewriter<'_>, ty: Type, n: VReg, d: i64) -> Last {
    let width = ty.bits();
    let d = d as u64 & ty.mask();
    if d.is_power_of_two() {
        return (Op::Shr, n, None, Some(d.trailing_zeros().into()));
    }
    // With l the number of bits of d - 1, n / d is (t + (n - t) / 2) >> (l - 1), where t is the high half of n times
    // a multiplier of one bit more than the width, whose top bit the formula accounts for.
    let l = 64 - (d - 1).leading_zeros();
    let power = (1u128 << l) - u128::from(d);
    let magic = (((power << width) / u128::from(d)) + 1) as u64 & ty.mask();
    let m = r.emit(Op::Iconst, ty, &[], Some(ty.sign_extend(magic)));
    let t = r.emit(Op::Umulhi, ty, &[n, m], None);
    let rest = r.emit(Op::Sub, ty, &[n, t], None);
    let half = r.emit(Op::Shr, ty, &[rest], Some(1));
    let sum = r.emit(Op::Add, ty, &[half, t], None);
    (Op::Shr, sum, None, Some(i64::from(l) - 1))
}

/// The multiplier and shift for signed division: the smallest power of two for which the rounded-up reciprocal is
/// exact for all dividends.
fn signed_magic(width: u32, d: i64) -> (i64, u32) {
    let ad = u128::from(d.unsigned_abs());
    let half = 1u128 << (width - 1);
    let t = half + u128::from(d < 0);
    // The largest dividend magnitude that leaves the remainder ad - 1.
    let limit = t - 1 - t % ad;
    let mut p = width;
    loop {
        let power = 1u128 << p;
        let excess = ad - power % ad;
        if power > limit * excess {
            let magic = ((power + excess) / ad) as u64;
            let magic = if width == 32 { i64::from(magic as u32 as i32) } else { magic as i64 };
            let magic = if d < 0 { magic.wrapping_neg() } else { magic };
            let magic = if width == 32 { i64::from(magic as i32) } else { magic };
            return (magic, p - width);
        }
        p += 1;
    }
}
