//! Turns instructions and a machine into regalloc2 operands.

use regalloc2::{Operand, OperandConstraint as C, OperandKind, OperandPos, PRegSet};

use super::allocated::OperandCounts;
use super::target::{ArgLoc, Target};
use crate::ir::{FrameValue, Function, Inst, VReg};
use crate::op::{Constraint, Op, OpFlags};
use crate::types::Type;

/// Collects the operands of all instructions of a function.
pub(crate) struct Collector<'a> {
    pub(crate) func: &'a Function,
    pub(crate) target: &'a Target,
    pub(crate) operands: &'a mut Vec<Operand>,
    /// Registers made up for temporaries follow the function's own.
    pub(crate) next_vreg: usize,
}

impl Collector<'_> {
    #[inline]
    fn vreg(&self, v: VReg) -> regalloc2::VReg {
        regalloc2::VReg::new(v.index(), self.func.vreg_type(v).class())
    }

    #[inline]
    fn push(&mut self, v: VReg, constraint: C, kind: OperandKind, pos: OperandPos) {
        let vreg = self.vreg(v);
        self.operands.push(Operand::new(vreg, constraint, kind, pos));
    }

    #[inline]
    fn def(&mut self, v: VReg, constraint: C) {
        self.push(v, constraint, OperandKind::Def, OperandPos::Late);
    }

    #[inline]
    fn early(&mut self, v: VReg, constraint: C) {
        self.push(v, constraint, OperandKind::Use, OperandPos::Early);
    }

    #[inline]
    fn late(&mut self, v: VReg, constraint: C) {
        self.push(v, constraint, OperandKind::Use, OperandPos::Late);
    }

    fn temps(&mut self, n: u16) -> u16 {
        for _ in 0..n {
            let vreg = regalloc2::VReg::new(self.next_vreg, Type::I64.class());
            self.next_vreg += 1;
            self.operands.push(Operand::reg_temp(vreg));
        }
        n
    }

    fn all_reg(&mut self, defs: &[VReg], uses: &[VReg]) {
        for &d in defs {
            self.def(d, C::Reg);
        }
        for &u in uses {
            self.early(u, C::Reg);
        }
    }

    /// The constraint of an operand that machines with memory operands read from a spill slot.
    fn any(&self) -> C {
        if self.target.memory_operands { C::Any } else { C::Reg }
    }

    /// Appends the operands of one instruction.
    pub(crate) fn collect(&mut self, inst: &Inst) -> OperandCounts {
        let func = self.func;
        let (defs, uses) = (func.defs(inst), func.uses(inst));
        let two = self.target.two_address;
        let any = self.any();
        let mut temps = 0;
        match inst.op.info().constraint {
            Constraint::None => {}
            Constraint::Def | Constraint::UseReg | Constraint::RegReg | Constraint::Mem => self.all_reg(defs, uses),
            Constraint::RegAny => {
                self.def(defs[0], C::Reg);
                self.early(uses[0], any);
            }
            Constraint::Alias => {
                self.def(defs[0], C::Reuse(1));
                self.early(uses[0], C::Reg);
            }
            Constraint::Mul if two && inst.mode.is_imm() => {
                self.def(defs[0], C::Reg);
                self.early(uses[0], any);
            }
            Constraint::Two | Constraint::TwoUnary | Constraint::Mul if two => {
                self.def(defs[0], C::Reuse(1));
                self.early(uses[0], C::Reg);
                if let Some(&rhs) = uses.get(1) {
                    self.early(rhs, any);
                }
            }
            Constraint::Shift if two => {
                self.def(defs[0], C::Reuse(1));
                self.early(uses[0], C::Reg);
                if let Some(&count) = uses.get(1) {
                    self.early(count, self.target.shift_count.map_or(C::Reg, C::FixedReg));
                }
            }
            Constraint::Two | Constraint::TwoUnary | Constraint::Mul | Constraint::Shift => self.all_reg(defs, uses),
            Constraint::DivQuot | Constraint::DivRem => match self.target.mul_div {
                Some((low, high)) => {
                    let quotient = inst.op.info().constraint == Constraint::DivQuot;
                    self.def(defs[0], C::FixedReg(if quotient { low } else { high }));
                    self.early(uses[0], C::FixedReg(low));
                    self.late(uses[1], any);
                }
                None => self.all_reg(defs, uses),
            },
            Constraint::MulHigh => match self.target.mul_div {
                Some((low, high)) => {
                    self.def(defs[0], C::FixedReg(high));
                    self.early(uses[0], C::FixedReg(low));
                    self.early(uses[1], any);
                }
                None => self.all_reg(defs, uses),
            },
            Constraint::Compare => {
                if let Some(&d) = defs.first() {
                    self.def(d, C::Reg);
                }
                self.early(uses[0], C::Reg);
                if let Some(&rhs) = uses.get(1) {
                    self.early(rhs, any);
                }
            }
            Constraint::CompareMem => self.all_reg(defs, uses),
            Constraint::Select | Constraint::SelectIcmp if two => {
                let last = uses.len() - 1;
                self.def(defs[0], C::Reuse(1 + last));
                self.early(uses[0], C::Reg);
                for &u in &uses[1..last] {
                    self.early(u, any);
                }
                self.early(uses[last], C::Reg);
            }
            Constraint::Select | Constraint::SelectIcmp => self.all_reg(defs, uses),
            Constraint::Atomic if two => self.all_reg(defs, uses),
            Constraint::AtomicRmw if two => {
                self.def(defs[0], C::Reuse(1));
                for &u in uses {
                    self.early(u, C::Reg);
                }
            }
            Constraint::AtomicCas if two => {
                let fixed = self.target.mul_div.map_or(C::Reg, |(low, _)| C::FixedReg(low));
                self.def(defs[0], fixed);
                self.early(uses[0], fixed);
                for &u in &uses[1..] {
                    self.early(u, C::Reg);
                }
            }
            Constraint::Atomic | Constraint::AtomicRmw | Constraint::AtomicCas => {
                for &d in defs {
                    self.def(d, C::Reg);
                }
                for &u in uses {
                    self.late(u, C::Reg);
                }
            }
            Constraint::Call | Constraint::TailCall => self.call(inst, defs, uses),
            Constraint::Switch => {
                self.all_reg(defs, uses);
                temps = self.temps(1);
            }
            Constraint::Ret => {
                let sig = inst.sig();
                let abi = self.target.abi(func.sig(sig).conv);
                for (&u, reg) in uses.iter().zip(abi.rets(&func.sig(sig).returns)) {
                    self.early(u, reg.map_or(C::Any, C::FixedReg));
                }
            }
            Constraint::Args => {
                let sig = func.sig(inst.sig());
                for (&d, place) in defs.iter().zip(self.target.abi(sig.conv).args(&sig.params)) {
                    self.def(d, arg_constraint(place));
                }
            }
        }
        self.frame(inst);
        if inst.op == Op::DebugValue {
            return OperandCounts::default();
        }
        OperandCounts { defs: inst.defs, uses: inst.uses, temps }
    }

    fn call(&mut self, inst: &Inst, defs: &[VReg], uses: &[VReg]) {
        let sig = self.func.sig(inst.sig());
        let abi = self.target.abi(sig.conv);
        for (&d, reg) in defs.iter().zip(abi.rets(&sig.returns)) {
            self.def(d, reg.map_or(C::Any, C::FixedReg));
        }
        let mut args = uses;
        match inst.op {
            Op::CallInd => {
                self.early(uses[0], C::Reg);
                args = &uses[1..];
            }
            Op::TailCallInd => {
                self.early(uses[0], C::FixedReg(self.target.tail_call));
                args = &uses[1..];
            }
            _ => {}
        }
        for (&u, place) in args.iter().zip(abi.args(&sig.params)) {
            self.early(u, arg_constraint(place));
        }
    }

    /// Values of the frame state: late where the instruction changes registers before the exit is taken or before
    /// the address at which the state must hold.
    fn frame(&mut self, inst: &Inst) {
        let Some(frame) = inst.frame() else { return };
        let late = frame_is_late(inst);
        for value in self.func.frame_values(frame) {
            if let FrameValue::Reg(v) = *value {
                if !late && self.func.uses(inst).contains(&v) {
                    // Where the operand is, the value is when the exit is taken.
                } else if late {
                    self.late(v, C::Any);
                } else {
                    self.early(v, C::Any);
                }
            }
        }
    }
}

/// Whether the values of an instruction's frame state must survive what the instruction does to registers.
pub(crate) fn frame_is_late(inst: &Inst) -> bool {
    inst.defs > 0 || inst.op.has(OpFlags::CALL)
}

fn arg_constraint(place: ArgLoc) -> C {
    match place {
        ArgLoc::Reg(r) => C::FixedReg(r),
        ArgLoc::Stack(_) => C::Any,
    }
}

/// The registers an instruction changes besides its results.
pub(crate) fn clobbers(func: &Function, target: &Target, inst: &Inst) -> PRegSet {
    let mut out = PRegSet::empty();
    match inst.op.info().constraint {
        Constraint::Call => {
            let sig = func.sig(inst.sig());
            let abi = target.abi(sig.conv);
            out = abi.clobbers;
            for reg in abi.rets(&sig.returns).flatten() {
                out.remove(reg);
            }
        }
        Constraint::DivQuot => {
            if let Some((_, high)) = target.mul_div {
                out.add(high);
            }
        }
        Constraint::DivRem | Constraint::MulHigh => {
            if let Some((low, _)) = target.mul_div {
                out.add(low);
            }
        }
        _ => {}
    }
    out
}
