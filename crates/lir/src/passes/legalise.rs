//! Legalisation: what the machine does not have, in terms of what it has.

use super::rewrite::{Rewriter, rewrite};
use super::{Context, rhs_index};
use crate::alloc::Target;
use crate::ir::{Addr, AddrKind, Function, Inst, InstId, Mode, VReg};
use crate::op::{Op, OpFlags, Shape};
use crate::types::{IntCC, Type};

/// Streams the instructions of every block into a new list, with helpers before those that need them.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let target = cx.target;
    if func.insts.iter().any(|inst| !is_legal(func, target, inst)) {
        rewrite(func, cx, |r, _, id| r.legalise(id));
    }
    func.widened = true;
}

/// Whether the machine has the instruction as it is.
fn is_legal(func: &Function, target: &Target, inst: &Inst) -> bool {
    if is_narrow(func, inst) || (inst.mode.is_imm() && !imm_is_legal(target, inst, inst.imm)) {
        return false;
    }
    !inst.op.has(OpFlags::MEM) || func.addr(inst).is_none_or(|addr| target.addr_fits(inst.op, inst.ty, &addr))
}

/// Whether the instruction works at 8 or 16 bits elsewhere than in memory.
fn is_narrow(func: &Function, inst: &Inst) -> bool {
    let narrow = |ty: Type| ty.bits() < 32;
    match inst.op.shape() {
        Shape::Store | Shape::Load | Shape::Poll => false,
        Shape::Select | Shape::SelectIcmp => {
            narrow(inst.ty) || func.uses(inst).iter().any(|&v| narrow(func.vreg_type(v)))
        }
        Shape::Convert => narrow(inst.ty) || (inst.op == Op::IntToFloat && narrow(func.vreg_type(func.uses(inst)[0]))),
        _ => narrow(inst.ty),
    }
}

/// Whether the immediate rhs is one that the machine has, in the form that [`Rewriter::immediate`] gives it.
fn imm_is_legal(target: &Target, inst: &Inst, imm: i64) -> bool {
    if rhs_index(inst.op.shape()).is_none() {
        return true;
    }
    if inst.op.info().constraint == crate::op::Constraint::Shift {
        return (0..i64::from(inst.ty.bits())).contains(&imm);
    }
    let test =
        matches!(inst.op, Op::Icmp | Op::SelectIcmp | Op::GuardIcmp | Op::BrIcmp | Op::GuardIcmpMem | Op::BrIcmpMem)
            && matches!(inst.int_cc(), IntCC::Tz | IntCC::Tnz);
    let fits = if test { target.test_imm_fits(inst.ty, imm) } else { target.imm_fits(inst.op, inst.ty, imm) };
    fits && (inst.ty.sign_extend(imm as u64) == imm || matches!(inst.op, Op::GuardIcmpMem | Op::BrIcmpMem))
}

/// How an operand's upper bits are defined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extend {
    Zero,
    Sign,
}

impl Rewriter<'_> {
    fn legalise(&mut self, id: InstId) {
        let mut inst = *self.func.inst(id);
        if inst.op == Op::Nop {
            return;
        }
        self.loc = inst.loc;
        if is_narrow(self.func, &inst) {
            match self.narrow(inst) {
                Some(widened) => inst = widened,
                None => return,
            }
        }
        if inst.mode.is_imm() {
            self.immediate(&mut inst);
        }
        if inst.op.has(OpFlags::MEM) {
            self.address(&mut inst);
        }
        self.out.push(inst);
    }

    /// Gives an instruction that already has a result these operands and appends it.
    fn finish(&mut self, mut inst: Inst, op: Op, uses: &[VReg], imm: Option<i64>) {
        inst.op = op;
        inst.ty = Type::I32;
        inst.mode = Mode::default().with_imm(imm.is_some());
        inst.imm = imm.unwrap_or(0);
        self.set_uses(&mut inst, uses);
        if inst.mode.is_imm() {
            self.immediate(&mut inst);
        }
        self.out.push(inst);
    }

    fn extend(&mut self, v: VReg, how: Extend) -> VReg {
        if self.func.vreg_type(v).bits() >= 32 {
            return v;
        }
        self.emit(if how == Extend::Sign { Op::Sext } else { Op::Zext }, Type::I32, &[v], None)
    }

    fn extend_imm(ty: Type, imm: i64, how: Extend) -> i64 {
        if how == Extend::Sign { ty.sign_extend(imm as u64) } else { (imm as u64 & ty.mask()) as i64 }
    }

    /// Rewrites narrow arithmetic at 32 bits: the instruction to go on with, or `None` when all is appended.
    fn narrow(&mut self, mut inst: Inst) -> Option<Inst> {
        let ty = inst.ty;
        let width = i64::from(ty.bits());
        let uses = self.func.uses(&inst).to_vec();
        let imm = inst.imm_rhs();
        match inst.op {
            Op::Iconst => inst.imm = ty.sign_extend(inst.imm as u64),
            Op::Add | Op::Sub | Op::Mul | Op::And | Op::Or | Op::Xor => {
                if let Some(k) = imm {
                    inst.imm = ty.sign_extend(k as u64);
                }
            }
            Op::Neg | Op::Not | Op::Copy | Op::Trunc => {}
            Op::Shl | Op::Shr | Op::Sar => {
                let how = if inst.op == Op::Sar { Extend::Sign } else { Extend::Zero };
                let a = if inst.op == Op::Shl { uses[0] } else { self.extend(uses[0], how) };
                match imm {
                    Some(k) => self.finish(inst, inst.op, &[a], Some(k & (width - 1))),
                    None => {
                        let count = self.emit(Op::And, Type::I32, &[uses[1]], Some(width - 1));
                        self.finish(inst, inst.op, &[a, count], None);
                    }
                }
                return None;
            }
            Op::Rotl | Op::Rotr => {
                self.rotate(inst, &uses, imm, width);
                return None;
            }
            Op::Clz => {
                let a = self.extend(uses[0], Extend::Zero);
                let n = self.emit(Op::Clz, Type::I32, &[a], None);
                self.finish(inst, Op::Sub, &[n], Some(32 - width));
                return None;
            }
            Op::Ctz => {
                let a = self.emit(Op::Or, Type::I32, &[uses[0]], Some(1 << width));
                self.finish(inst, Op::Ctz, &[a], None);
                return None;
            }
            Op::Popcnt => {
                let a = self.extend(uses[0], Extend::Zero);
                self.set_uses(&mut inst, &[a]);
            }
            Op::AddOvf | Op::SubOvf | Op::MulOvf => {
                self.checked(inst, &uses, imm);
                return None;
            }
            Op::Sext | Op::Zext => {
                // An 8-bit value extended to 16 bits is as well extended to 32.
            }
            Op::IntToFloat => {
                let a = self.extend(uses[0], Extend::Sign);
                self.set_uses(&mut inst, &[a]);
                return Some(inst);
            }
            Op::Guard | Op::Br | Op::Switch => {
                let a = self.extend(uses[0], Extend::Zero);
                self.set_uses(&mut inst, &[a]);
            }
            Op::Select => {
                let cond = self.extend(uses[0], Extend::Zero);
                self.set_uses(&mut inst, &[cond, uses[1], uses[2]]);
                if !ty.is_int() || ty.bits() >= 32 {
                    return Some(inst);
                }
            }
            Op::GuardIcmpMem | Op::BrIcmpMem => {
                let how = if inst.int_cc().is_signed() { Extend::Sign } else { Extend::Zero };
                match imm {
                    Some(k) => inst.imm = Self::extend_imm(ty, k, how),
                    None => {
                        let mut uses = uses;
                        uses[0] = self.extend(uses[0], how);
                        self.set_uses(&mut inst, &uses);
                    }
                }
                return Some(inst);
            }
            Op::Icmp | Op::SelectIcmp | Op::GuardIcmp | Op::BrIcmp if ty.bits() < 32 => {
                let how = if inst.int_cc().is_signed() { Extend::Sign } else { Extend::Zero };
                let mut uses = uses;
                uses[0] = self.extend(uses[0], how);
                match imm {
                    Some(k) => inst.imm = Self::extend_imm(ty, k, how),
                    None => uses[1] = self.extend(uses[1], how),
                }
                self.set_uses(&mut inst, &uses);
            }
            _ => return Some(inst),
        }
        inst.ty = Type::I32;
        Some(inst)
    }

    /// `rotl(a, n)` is `a << n | a >> (width - n)` of the zero-extended value; for n = 0 the second part is zero.
    fn rotate(&mut self, inst: Inst, uses: &[VReg], imm: Option<i64>, width: i64) {
        let (there, back) = if inst.op == Op::Rotl { (Op::Shl, Op::Shr) } else { (Op::Shr, Op::Shl) };
        let a = self.extend(uses[0], Extend::Zero);
        let (x, y) = match imm {
            Some(k) => {
                let k = k & (width - 1);
                (self.emit(there, Type::I32, &[a], Some(k)), self.emit(back, Type::I32, &[a], Some(width - k)))
            }
            None => {
                let n = self.emit(Op::And, Type::I32, &[uses[1]], Some(width - 1));
                let all = self.emit(Op::Iconst, Type::I32, &[], Some(width));
                let rest = self.emit(Op::Sub, Type::I32, &[all, n], None);
                (self.emit(there, Type::I32, &[a, n], None), self.emit(back, Type::I32, &[a, rest], None))
            }
        };
        self.finish(inst, Op::Or, &[x, y], None);
    }

    /// Narrow checked arithmetic cannot overflow 32 bits: it exits if the result differs from its own low part.
    fn checked(&mut self, inst: Inst, uses: &[VReg], imm: Option<i64>) {
        let op = match inst.op {
            Op::AddOvf => Op::Add,
            Op::SubOvf => Op::Sub,
            _ => Op::Mul,
        };
        let a = self.extend(uses[0], Extend::Sign);
        let frame = inst.frame();
        let mut plain = inst;
        plain.set_frame(None);
        let result = self.func.defs(&inst)[0];
        match imm {
            Some(k) => {
                let k = inst.ty.sign_extend(k as u64);
                self.finish(plain, op, &[a], Some(k));
            }
            None => {
                let b = self.extend(uses[1], Extend::Sign);
                self.finish(plain, op, &[a, b], None);
            }
        }
        let low = self.emit(Op::Sext, Type::I32, &[result], None);
        let mut guard = Inst::new(Op::GuardIcmp, Type::I32);
        guard.loc = self.loc;
        guard.cc = IntCC::Eq as u8;
        guard.set_frame(frame);
        self.set_uses(&mut guard, &[result, low]);
        self.out.push(guard);
    }

    /// Puts an immediate that the machine does not have into a register.
    pub(super) fn immediate(&mut self, inst: &mut Inst) {
        let Some(index) = rhs_index(inst.op.shape()) else { return };
        if inst.op.info().constraint == crate::op::Constraint::Shift {
            inst.imm &= i64::from(inst.ty.bits()) - 1;
        } else if !matches!(inst.op, Op::GuardIcmpMem | Op::BrIcmpMem) {
            inst.imm = inst.ty.sign_extend(inst.imm as u64);
        }
        if imm_is_legal(self.target, inst, inst.imm) {
            return;
        }
        let ty = if inst.ty.bits() < 32 { Type::I32 } else { inst.ty };
        let constant = self.emit(Op::Iconst, ty, &[], Some(inst.imm));
        let mut uses = self.func.uses(inst).to_vec();
        uses.insert(index, constant);
        self.set_uses(inst, &uses);
        inst.imm = 0;
        inst.mode = inst.mode.with_imm(false);
    }

    fn address(&mut self, inst: &mut Inst) {
        let Some(addr) = self.func.addr(inst) else { return };
        if self.target.addr_fits(inst.op, inst.ty, &addr) {
            return;
        }
        let mut simple = self.simplify(addr);
        if !self.target.addr_fits(inst.op, inst.ty, &simple) {
            let whole = self.sum(&simple);
            simple = Addr::base(whole, 0);
        }
        let uses = self.func.uses(inst);
        let keep = uses.len() - inst.mode.addr_regs();
        let mut uses = uses[..keep].to_vec();
        uses.extend(simple.base);
        uses.extend(simple.index);
        inst.mode = Mode::of_addr(&simple).with_imm(inst.mode.is_imm());
        inst.aux = simple.disp as u32;
        self.set_uses(inst, &uses);
    }

    /// Adds the index to the base, leaving a base with a displacement.
    fn simplify(&mut self, addr: Addr) -> Addr {
        match (addr.base, addr.index) {
            (Some(base), Some(index)) => {
                let scaled = if addr.scale == 0 {
                    index
                } else {
                    self.emit(Op::Shl, Type::I64, &[index], Some(addr.scale.into()))
                };
                Addr::base(self.emit(Op::Add, Type::I64, &[base, scaled], None), addr.disp)
            }
            _ => addr,
        }
    }

    /// The address as a value.
    fn sum(&mut self, addr: &Addr) -> VReg {
        let base = match (addr.kind, addr.base) {
            (AddrKind::Base, Some(base)) => base,
            (AddrKind::Thread, _) => self.emit(Op::GetThread, Type::I64, &[], None),
            _ => {
                let mut lea = Inst::new(Op::Lea, Type::I64);
                lea.loc = self.loc;
                lea.mode = Mode::of_addr(addr);
                lea.aux = addr.disp as u32;
                lea.operands = self.func.pool.len() as u32;
                lea.defs = 1;
                let result = self.func.new_vreg(Type::I64);
                self.func.pool.push(result);
                self.out.push(lea);
                return result;
            }
        };
        if addr.disp == 0 { base } else { self.emit(Op::Add, Type::I64, &[base], Some(addr.disp.into())) }
    }
}
