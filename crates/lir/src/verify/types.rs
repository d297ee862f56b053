//! Type rules, shape by shape.

use super::{Check, Verifier, ensure};
use crate::ir::{Inst, VReg};
use crate::op::{Op, ResultRule, Shape, TypeRule};
use crate::passes::rhs_index;
use crate::types::Type;

impl Verifier<'_> {
    /// A register must have this type. In legal functions arithmetic on narrow registers works at 32 bits.
    pub(super) fn expect(&self, v: VReg, ty: Type) -> Check {
        let have = self.func.vreg_type(v);
        let narrow = |t: Type| t.is_int() && t.bits() <= 32;
        let same = have == ty || (self.func.narrow_is_wide() && narrow(have) && narrow(ty));
        ensure!(same, "{v} is {have}, not {ty}");
        Ok(())
    }

    pub(super) fn operand_types(&self, inst: &Inst) -> Check {
        let f = self.func;
        let info = inst.op.info();
        let type_ok = match info.ty {
            TypeRule::None => inst.ty == Type::I64,
            TypeRule::Int => inst.ty.is_int(),
            TypeRule::Wide => inst.ty.is_int() && inst.ty.bits() >= 32,
            TypeRule::Float => inst.ty.is_float(),
            TypeRule::Any => true,
        };
        ensure!(type_ok, "{} does not work at {}", inst.op, inst.ty);
        self.result_types(inst)?;
        let (uses, ty) = (f.uses(inst), inst.ty);
        let rhs = usize::from(!inst.mode.is_imm());
        let fixed = match inst.op.shape() {
            Shape::Unary | Shape::Convert | Shape::WriteReg | Shape::Guard | Shape::Br | Shape::Switch => Some(1),
            Shape::Binary | Shape::Checked | Shape::Icmp | Shape::GuardIcmp | Shape::BrIcmp => Some(1 + rhs),
            Shape::Fcmp | Shape::GuardFcmp | Shape::BrFcmp => Some(2),
            Shape::Select => Some(3),
            Shape::SelectIcmp => Some(3 + rhs),
            Shape::Load | Shape::Lea | Shape::Poll => Some(inst.mode.addr_regs()),
            Shape::Store | Shape::GuardIcmpMem | Shape::BrIcmpMem => Some(rhs + inst.mode.addr_regs()),
            Shape::Rmw => Some(1 + inst.mode.addr_regs()),
            Shape::Cas => Some(2 + inst.mode.addr_regs()),
            Shape::Call | Shape::CallInd | Shape::CallCell | Shape::Ret => None,
            Shape::DebugValue => Some(uses.len().min(1)),
            _ => Some(0),
        };
        if let Some(n) = fixed {
            ensure!(uses.len() == n, "{} operands, not {n}", uses.len());
        }
        if inst.mode.is_imm() && inst.op != Op::DebugValue {
            ensure!(rhs_index(inst.op.shape()).is_some(), "an immediate where none belongs");
            ensure!(ty.is_int() && info.flags.has(crate::op::OpFlags::IMM), "{} takes no immediate", inst.op);
        }
        match inst.op.shape() {
            Shape::Unary
            | Shape::Binary
            | Shape::Checked
            | Shape::Icmp
            | Shape::Fcmp
            | Shape::Guard
            | Shape::GuardIcmp
            | Shape::GuardFcmp
            | Shape::Br
            | Shape::BrIcmp
            | Shape::BrFcmp
            | Shape::WriteReg
            | Shape::Switch => self.all(uses, ty),
            Shape::Convert => self.conversion(inst),
            Shape::Select => {
                ensure!(f.vreg_type(uses[0]).is_int(), "the condition is not an integer");
                self.all(&uses[1..], ty)
            }
            Shape::SelectIcmp => {
                self.all(&uses[..1 + rhs], ty)?;
                self.expect(uses[rhs + 2], f.vreg_type(uses[rhs + 1]))
            }
            Shape::Store | Shape::GuardIcmpMem | Shape::BrIcmpMem => self.all(&uses[..rhs], ty),
            Shape::Rmw => self.all(&uses[..1], ty),
            Shape::Cas => self.all(&uses[..2], ty),
            Shape::Call | Shape::CallInd | Shape::CallCell => self.call(inst),
            Shape::Ret => {
                let returns = f.entries().first().map_or(&[][..], |e| &f.sig(e.sig).returns);
                self.each(uses, returns)
            }
            Shape::Symbol => {
                ensure!(inst.symbol().index() < f.symbols().len(), "the symbol does not exist");
                Ok(())
            }
            Shape::DebugValue => {
                ensure!(f.debug_value(inst).is_some_and(|(v, _)| v.index() < f.vars().len()), "no such variable");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn result_types(&self, inst: &Inst) -> Check {
        let f = self.func;
        let defs = f.defs(inst);
        match inst.op.info().result {
            ResultRule::None => {
                ensure!(defs.is_empty(), "a result of {}", inst.op);
                Ok(())
            }
            ResultRule::Ty => self.each(defs, &[inst.ty]),
            ResultRule::I32 => self.each(defs, &[Type::I32]),
            ResultRule::I64 => self.each(defs, &[Type::I64]),
            ResultRule::Chosen => {
                let ty = f.uses(inst).last().map_or(Type::I64, |&v| f.vreg_type(v));
                self.each(defs, &[ty])
            }
            ResultRule::Sig => {
                ensure!(inst.sig().index() < f.sigs().len(), "the signature does not exist");
                let sig = f.sig(inst.sig());
                self.each(defs, if inst.op == Op::Args { &sig.params } else { &sig.returns })
            }
        }
    }

    fn all(&self, regs: &[VReg], ty: Type) -> Check {
        regs.iter().try_for_each(|&v| self.expect(v, ty))
    }

    fn each(&self, regs: &[VReg], types: &[Type]) -> Check {
        ensure!(regs.len() == types.len(), "{} values, not {}", regs.len(), types.len());
        regs.iter().zip(types).try_for_each(|(&v, &ty)| self.expect(v, ty))
    }

    fn call(&self, inst: &Inst) -> Check {
        let f = self.func;
        ensure!(inst.sig().index() < f.sigs().len(), "the signature does not exist");
        let sig = f.sig(inst.sig());
        let mut args = f.uses(inst);
        match inst.op.shape() {
            Shape::Call => ensure!(inst.symbol().index() < f.symbols().len(), "the symbol does not exist"),
            Shape::CallCell => ensure!(inst.call_cell().index() < f.cells().len(), "the cell does not exist"),
            _ => {
                ensure!(!args.is_empty(), "no address to call");
                self.expect(args[0], Type::I64)?;
                args = &args[1..];
            }
        }
        if inst.op.is_terminator() {
            let own = f.entries().first().map(|e| f.sig(e.sig));
            let same = own.is_some_and(|own| own.returns == sig.returns);
            ensure!(same, "a tail call returns otherwise than the function");
        }
        self.each(args, &sig.params)
    }

    fn conversion(&self, inst: &Inst) -> Check {
        let (from, to) = (self.func.vreg_type(self.func.uses(inst)[0]), inst.ty);
        let ok = match inst.op {
            Op::Sext | Op::Zext => from.is_int() && (from.bits() < to.bits()),
            Op::Trunc => from.is_int() && (from.bits() > to.bits() || self.func.narrow_is_wide()),
            Op::Bitcast => from.bits() == to.bits() && from.bits() >= 32,
            Op::IntToFloat => from.is_int(),
            Op::FloatToInt => from.is_float(),
            _ => from.is_float(),
        };
        ensure!(ok, "{} does not convert {from} to {to}", inst.op);
        Ok(())
    }
}
