//! Turns instructions and a machine into regalloc2 operands.

use regalloc2::{Operand, OperandConstraint as C, OperandKind, OperandPos, PRegSet};

use super::allocated::OperandCounts;
use super::target::{ArgLoc, Target};
use crate::ir::{BlockId, FrameValue, Function, Inst, InstId, VReg};
use crate::op::{Constraint, Op, OpFlags};
use crate::types::Type;

/// In a source of a frame value: it is in the spill slot of the register that the other bits number.
pub(crate) const IN_SLOT: u32 = 1 << 31;

/// Where a register is named, for the quick allocator.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mentions {
    /// One more than the last block in which it is a result or a use of an instruction.
    named: u32,
    /// The last instruction so far whose frame state has it.
    frame: u32,
}

/// Collects the operands of all instructions of a function.
pub(crate) struct Collector<'a> {
    pub(crate) func: &'a Function,
    pub(crate) target: &'a Target,
    pub(crate) operands: &'a mut Vec<Operand>,
    /// Registers made up for temporaries follow the function's own.
    pub(crate) next_vreg: usize,
    /// Where the places of frame values are to be found, for each instruction in turn and each register in its frame
    /// state: the index of an operand, or [`IN_SLOT`] and a register.
    pub(crate) sources: &'a mut Vec<u32>,
    /// Operands that must be in the spill slots of their registers.
    pub(crate) slots: &'a mut Vec<(VReg, u32)>,
    /// For the quick allocator, what is known of each register. Elsewhere empty.
    pub(crate) mentions: &'a mut Vec<Mentions>,
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

    /// Notes where a block names registers.
    pub(crate) fn enter(&mut self, block: BlockId) {
        let stamp = block.index() as u32 + 1;
        for id in self.func.block_insts(block) {
            let inst = self.func.inst(id);
            for v in self.func.defs(inst).iter().chain(self.func.uses(inst)) {
                self.mentions[v.index()].named = stamp;
            }
            for value in inst.frame().map_or(&[][..], |f| self.func.frame_values(f)) {
                if let FrameValue::Reg(v) = *value {
                    self.mentions[v.index()].frame = id.index() as u32;
                }
            }
        }
    }

    /// Appends the operands of an instruction of this block.
    pub(crate) fn collect(&mut self, block: BlockId, id: InstId) -> OperandCounts {
        let func = self.func;
        let inst = func.inst(id);
        let first = self.operands.len() as u32;
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
                // The sum, in the loop that tries until it is stored.
                if inst.op != Op::AtomicCas {
                    temps = self.temps(1);
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
        self.frame(block, id, first);
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
    ///
    /// The quick allocator keeps values that live through a block in their spill slots. Those that a block names in
    /// frame states only shall stay there: in any place, they would be loaded at the block's start and take registers
    /// from others. It is enough that the last frame state of the block asks for that, for as a register has one slot
    /// and its value never changes, they are there from the block's start on.
    fn frame(&mut self, block: BlockId, id: InstId, first: u32) {
        let inst = self.func.inst(id);
        let Some(frame) = inst.frame() else { return };
        let late = frame_is_late(inst);
        let pos = if late { OperandPos::Late } else { OperandPos::Early };
        let uses = if late { &[] } else { self.func.uses(inst) };
        for value in self.func.frame_values(frame) {
            let FrameValue::Reg(v) = *value else { continue };
            let here = self.operands.len() as u32;
            let mention = self.mentions.get(v.index());
            let source = if let Some(at) = uses.iter().position(|&u| u == v) {
                // Where an operand is, the value is when the exit is taken.
                first + inst.defs as u32 + at as u32
            } else if let Some(m) = mention
                && m.named != block.index() as u32 + 1
            {
                if m.frame == id.index() as u32 {
                    self.slots.push((v, here));
                    self.push(v, C::Stack, OperandKind::Use, pos);
                }
                IN_SLOT | v.index() as u32
            } else {
                self.push(v, C::Any, OperandKind::Use, pos);
                here
            };
            self.sources.push(source);
        }
    }
}

/// Whether the values of an instruction's frame state must survive what the instruction does to registers.
fn frame_is_late(inst: &Inst) -> bool {
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
