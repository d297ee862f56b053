//! Calls, returns and entries.

use super::{CallSite, Lower, PendingExit, gpr, reg_of};
use crate::masm::{Extend, Masm, Mem, Target};
use crate::reloc::Ref;
use cinder_lir::alloc::{ArgLoc, Loc, RegClass};
use cinder_lir::ir::{BlockId, Inst, InstId};
use cinder_lir::{Op, Type};

impl<M: Masm> Lower<'_, M> {
    fn call_target(&self, inst: &Inst) -> Target {
        match inst.op {
            Op::Call | Op::TailCall => Target::Symbol(Ref::Symbol(inst.symbol().index() as u32)),
            Op::CallCell | Op::TailCallCell => Target::Mem(Mem::symbol(Ref::Cell(inst.call_cell().index() as u32))),
            _ => Target::Reg(gpr(reg_of(self.uses[0]))),
        }
    }

    /// Stores the arguments that go by the stack.
    fn stack_args(&mut self, inst: &Inst) {
        let (abi, params) = self.abi(inst);
        let skip = usize::from(inst.op == Op::CallInd);
        let uses = &self.uses[skip..];
        for (&value, place) in uses.iter().zip(abi.args(params)) {
            let (ArgLoc::Stack(offset), Some(from)) = (place, Loc::from_allocation(value)) else { continue };
            let to = Mem::at(M::stack_pointer(), offset as i32);
            match from {
                Loc::Reg(r) if r.class() == RegClass::Int => self.m.store(Type::I64, gpr(r), to),
                Loc::Reg(r) => self.m.fstore(Type::F64, super::fpr(r), to),
                Loc::Slot(s) => {
                    self.m.load(Type::I64, Extend::None, M::scratch(), self.frame_slot(s));
                    self.m.store(Type::I64, M::scratch(), to);
                }
            }
        }
    }

    pub(super) fn call(&mut self, id: InstId, inst: &Inst) {
        self.stack_args(inst);
        let target = self.call_target(inst);
        self.m.call(target);
        let return_offset = self.m.offset();
        let site = self.out.calls.len() as u32;
        let mut point = None;
        if inst.frame().is_some() {
            let number = self.point(id);
            point = Some(number);
            let label = self.m.label();
            let loc = inst.loc.index() as u32;
            self.pending.push(PendingExit { label, point: number, call: Some(site), loc });
        }
        self.out.calls.push(CallSite { return_offset, inst: id, point, stub: None });
    }

    pub(super) fn tail_call(&mut self, inst: &Inst) {
        let target = self.call_target(inst);
        self.m.epilogue(&self.frame.shape);
        self.m.jump_out(target);
        self.m.after_epilogue();
    }

    pub(super) fn ret(&mut self) {
        self.m.epilogue(&self.frame.shape);
        self.m.ret();
        self.m.after_epilogue();
    }

    /// The prologue, and arguments that came by the stack.
    pub(super) fn args(&mut self, block: BlockId, inst: &Inst) {
        let first = self.entry_labels.is_empty();
        self.entry_labels.push((block, self.labels[block.index()]));
        self.m.prologue(&self.frame.shape);
        if first {
            self.out.prologue_end = self.m.offset();
        }
        let (abi, params) = self.abi(inst);
        for (&value, place) in self.defs.iter().zip(abi.args(params)) {
            let (ArgLoc::Stack(offset), Some(to)) = (place, Loc::from_allocation(value)) else { continue };
            // The saved frame pointer and the return address lie between.
            let from = Mem::at(M::frame_pointer(), 16 + offset as i32);
            match to {
                Loc::Reg(r) if r.class() == RegClass::Int => self.m.load(Type::I64, Extend::None, gpr(r), from),
                Loc::Reg(r) => self.m.fload(Type::F64, super::fpr(r), from),
                Loc::Slot(s) => {
                    self.m.load(Type::I64, Extend::None, M::scratch(), from);
                    self.m.store(Type::I64, M::scratch(), self.frame_slot(s));
                }
            }
        }
    }
}
