//! Prologues, epilogues and exits with their call frame information.

use super::{
    Aarch64Masm, CfiOp, Extend, FP, Fpr, FrameShape, Gpr, LR, LabelUse, MachLabel, Masm, Mem, Reloc, RelocKind, SP,
    Target, Type, X16, X17,
};
use crate::reloc::Ref;
use crate::space::{FPRS_OFFSET, SAVED_SIZE};

fn dwarf_gpr(reg: Gpr) -> u16 {
    u16::from(reg.0)
}

fn dwarf_fpr(reg: Fpr) -> u16 {
    64 + u16::from(reg.0)
}

/// The smallest distance at which guard pages may lie.
const PAGE: u32 = 4096;

/// `stp x29, x30, [sp, #-16]!`
const PUSH_FRAME: u32 = 0xa9bf_7bfd;
/// `ldp x29, x30, [sp], #16`
const POP_FRAME: u32 = 0xa8c1_7bfd;

impl Aarch64Masm {
    fn push_link(&mut self) {
        self.word(PUSH_FRAME);
        self.cfi(CfiOp::CfaOffset(16));
        self.cfi(CfiOp::Saved(dwarf_gpr(FP), -16));
        self.cfi(CfiOp::Saved(dwarf_gpr(LR), -8));
        self.mov(FP, SP);
        self.cfi(CfiOp::CfaRegister(dwarf_gpr(FP)));
    }

    fn pop_link(&mut self) {
        self.mov(SP, FP);
        self.cfi(CfiOp::CfaRegister(dwarf_gpr(SP)));
        self.word(POP_FRAME);
        self.cfi(CfiOp::CfaOffset(0));
        self.cfi(CfiOp::Restore(dwarf_gpr(FP)));
        self.cfi(CfiOp::Restore(dwarf_gpr(LR)));
    }

    /// The place of the n-th saved register.
    fn save_slot(n: usize) -> Mem {
        Mem::at(FP, -8 * (n as i32 + 1))
    }

    pub(super) fn push_frame(&mut self, frame: &FrameShape) {
        if !self.cfi.is_empty() {
            // Not the first entry: the rules of the body before do not hold here.
            self.cfi(CfiOp::DefCfa(dwarf_gpr(SP), 0));
            self.cfi(CfiOp::Restore(dwarf_gpr(FP)));
            self.cfi(CfiOp::Restore(dwarf_gpr(LR)));
            for reg in &frame.saved_gprs {
                self.cfi(CfiOp::Restore(dwarf_gpr(*reg)));
            }
            for reg in &frame.saved_fprs {
                self.cfi(CfiOp::Restore(dwarf_fpr(*reg)));
            }
        }
        self.push_link();
        let below = frame.locals + 8 * frame.saved_slots();
        // No frame may jump over a guard page below the stack: each page is touched in turn.
        for page in 1..=below / PAGE {
            self.load(Type::I8, Extend::Zero, X16, Mem::at(SP, -((page * PAGE) as i32)));
        }
        if below != 0 {
            self.add_imm(SP, SP, -i64::from(below));
        }
        for (i, reg) in frame.saved_gprs.iter().enumerate() {
            self.store(Type::I64, *reg, Aarch64Masm::save_slot(i));
            self.cfi(CfiOp::Saved(dwarf_gpr(*reg), -24 - 8 * i as i32));
        }
        let first = frame.saved_gprs.len();
        for (i, reg) in frame.saved_fprs.iter().enumerate() {
            self.fstore(Type::F64, *reg, Aarch64Masm::save_slot(first + i));
            self.cfi(CfiOp::Saved(dwarf_fpr(*reg), -24 - 8 * (first + i) as i32));
        }
    }

    pub(super) fn pop_frame(&mut self, frame: &FrameShape) {
        self.cfi(CfiOp::Remember);
        for (i, reg) in frame.saved_gprs.iter().enumerate() {
            self.load(Type::I64, Extend::None, *reg, Aarch64Masm::save_slot(i));
            self.cfi(CfiOp::Restore(dwarf_gpr(*reg)));
        }
        let first = frame.saved_gprs.len();
        for (i, reg) in frame.saved_fprs.iter().enumerate() {
            self.fload(Type::F64, *reg, Aarch64Masm::save_slot(first + i));
            self.cfi(CfiOp::Restore(dwarf_fpr(*reg)));
        }
        self.pop_link();
    }

    pub(super) fn stub(&mut self, id: u32, tail: MachLabel) {
        self.mov_imm(X16, u64::from(id));
        let offset = self.buf.cur_offset();
        self.buf.use_label_at_offset(offset, tail, LabelUse::Branch26);
        self.word(0x1400_0000);
    }

    /// The number of the exit is in x16, that of the function goes to x17.
    pub(super) fn tail(&mut self, frame: &FrameShape) {
        let offset = self.buf.cur_offset();
        self.relocs.push(Reloc { offset, kind: RelocKind::Arm64Mov4, symbol: Ref::Function, addend: 0 });
        self.word(0xd280_0000 | u32::from(X17.0));
        self.word(0xf2a0_0000 | u32::from(X17.0));
        self.leave(Target::Symbol(Ref::Exit), true);
        self.pop_frame(frame);
        self.ret();
        self.after_epilogue();
    }

    pub(super) fn common_exit_stub(&mut self, thread: Gpr, handler: u64) {
        self.push_link();
        self.add_imm(SP, SP, -i64::from(SAVED_SIZE));
        for reg in (0..31).map(Gpr).filter(|r| *r != FP) {
            self.store(Type::I64, reg, Mem::at(SP, 8 * i32::from(reg.0)));
        }
        for reg in (0..32).map(Fpr) {
            self.fstore(Type::F64, reg, Mem::at(SP, FPRS_OFFSET + 8 * i32::from(reg.0)));
        }
        // x3 = function << 32 | exit, before the scratch registers are needed.
        self.word(0xaa00_0000 | 17 << 16 | 32 << 10 | 16 << 5 | 3);
        self.lea(Gpr(9), Mem::at(FP, 16));
        self.store(Type::I64, Gpr(9), Mem::at(SP, 8 * 31));
        self.load(Type::I64, Extend::None, Gpr(1), Mem::at(FP, 0));
        self.store(Type::I64, Gpr(1), Mem::at(SP, 8 * i32::from(FP.0)));
        self.mov(Gpr(0), thread);
        self.mov(Gpr(2), SP);
        self.mov_imm(Gpr(9), handler);
        self.leave(Target::Reg(Gpr(9)), true);
        self.load(Type::I64, Extend::None, Gpr(0), Mem::at(SP, 0));
        self.load(Type::I64, Extend::None, Gpr(1), Mem::at(SP, 8));
        self.fload(Type::F64, Fpr(0), Mem::at(SP, FPRS_OFFSET));
        self.fload(Type::F64, Fpr(1), Mem::at(SP, FPRS_OFFSET + 8));
        self.pop_link();
        self.ret();
    }
}
