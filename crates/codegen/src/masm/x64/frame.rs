//! Prologues and epilogues with their call frame information.

use super::regs::{R11, RAX, RCX, RDX};
use super::regs::{RBP, RSP};
use super::{CfiOp, Extend, Fpr, FrameShape, Gpr, IntCC, Masm, Mem, Rhs, ShiftOp, Target, Type, X64Masm};
use super::{emit, emit_plain};
use crate::space::{FPRS_OFFSET, SAVED_SIZE};

/// The smallest distance at which guard pages may lie.
const PAGE: u32 = 4096;

/// The DWARF number of a general-purpose register.
pub fn dwarf_gpr(reg: Gpr) -> u16 {
    const MAP: [u16; 16] = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];
    MAP[usize::from(reg.0 & 15)]
}

/// The DWARF number of a floating-point register.
pub fn dwarf_fpr(reg: Fpr) -> u16 {
    17 + u16::from(reg.0 & 15)
}

impl X64Masm {
    pub(super) fn push_frame(&mut self, frame: &FrameShape) {
        if !self.cfi.is_empty() {
            // Not the first entry: the rules of the body before do not hold here.
            self.cfi(CfiOp::DefCfa(dwarf_gpr(RSP), 8));
            self.cfi(CfiOp::Restore(dwarf_gpr(RBP)));
            for reg in &frame.saved_gprs {
                self.cfi(CfiOp::Restore(dwarf_gpr(*reg)));
            }
        }
        emit!(self, pushq_o(RBP.0));
        self.cfi(CfiOp::CfaOffset(16));
        self.cfi(CfiOp::Saved(dwarf_gpr(RBP), -16));
        self.mov(RBP, RSP);
        self.cfi(CfiOp::CfaRegister(dwarf_gpr(RBP)));
        for (i, reg) in frame.saved_gprs.iter().enumerate() {
            emit!(self, pushq_o(reg.0));
            self.cfi(CfiOp::Saved(dwarf_gpr(*reg), -24 - 8 * i as i32));
        }
        let below = frame.locals + 8 * frame.saved_fprs.len() as u32;
        // No frame may jump over a guard page below the stack: each page is touched in turn.
        for page in 1..=below / PAGE {
            self.compare_mem(IntCC::Eq, Type::I8, Mem::at(RSP, -((page * PAGE) as i32)), Rhs::Imm(0));
        }
        if below != 0 {
            self.alu_op(super::AluOp::Sub, Type::I64, RSP, super::Rhs::Imm(i64::from(below)));
        }
        for (i, reg) in frame.saved_fprs.iter().enumerate() {
            let slot = -8 * (frame.saved_gprs.len() + i + 1) as i32;
            self.fstore(Type::F64, *reg, Mem::at(RBP, slot));
            self.cfi(CfiOp::Saved(dwarf_fpr(*reg), slot - 16));
        }
    }

    pub(super) fn pop_frame(&mut self, frame: &FrameShape) {
        self.cfi(CfiOp::Remember);
        for (i, reg) in frame.saved_fprs.iter().enumerate() {
            let slot = -8 * (frame.saved_gprs.len() + i + 1) as i32;
            self.fload(Type::F64, *reg, Mem::at(RBP, slot));
            self.cfi(CfiOp::Restore(dwarf_fpr(*reg)));
        }
        if frame.saved_gprs.is_empty() {
            if frame.locals != 0 || !frame.saved_fprs.is_empty() {
                self.mov(RSP, RBP);
            }
        } else {
            let below = frame.locals + 8 * frame.saved_fprs.len() as u32;
            if below != 0 {
                self.lea(RSP, Mem::at(RBP, -8 * frame.saved_gprs.len() as i32));
            }
            for reg in frame.saved_gprs.iter().rev() {
                emit!(self, popq_o(reg.0));
                self.cfi(CfiOp::Restore(dwarf_gpr(*reg)));
            }
        }
        emit!(self, popq_o(RBP.0));
        self.cfi(CfiOp::DefCfa(dwarf_gpr(RSP), 8));
        self.cfi(CfiOp::Restore(dwarf_gpr(RBP)));
    }

    /// On entry the stack holds the return address into the exit tail, the function's number and the exit's.
    pub(super) fn common_exit_stub(&mut self, thread: Gpr, handler: u64) {
        const RDI: Gpr = Gpr(7);
        const RSI: Gpr = Gpr(6);
        emit!(self, pushq_o(RBP.0));
        self.cfi(CfiOp::CfaOffset(16));
        self.cfi(CfiOp::Saved(dwarf_gpr(RBP), -16));
        self.mov(RBP, RSP);
        self.cfi(CfiOp::CfaRegister(dwarf_gpr(RBP)));
        self.alu_op(super::AluOp::Sub, Type::I64, RSP, Rhs::Imm(i64::from(SAVED_SIZE)));
        for reg in (0..16u8).map(Gpr).filter(|r| *r != RSP && *r != RBP) {
            self.store_int(Type::I64, reg, Mem::at(RSP, 8 * i32::from(reg.0)));
        }
        self.lea(R11, Mem::at(RBP, 32));
        self.store_int(Type::I64, R11, Mem::at(RSP, 8 * i32::from(RSP.0)));
        self.load_int(Type::I64, Extend::None, RSI, Mem::at(RBP, 0));
        self.store_int(Type::I64, RSI, Mem::at(RSP, 8 * i32::from(RBP.0)));
        for reg in (0..16u8).map(Fpr) {
            self.fstore(Type::F64, reg, Mem::at(RSP, FPRS_OFFSET + 8 * i32::from(reg.0)));
        }
        self.mov(RDI, thread);
        self.mov(RDX, RSP);
        self.load_int(Type::I32, Extend::Zero, RCX, Mem::at(RBP, 16));
        self.shift_op(ShiftOp::Shl, Type::I64, RCX, Rhs::Imm(32));
        self.load_int(Type::I32, Extend::Zero, RAX, Mem::at(RBP, 24));
        self.alu_op(super::AluOp::Or, Type::I64, RCX, Rhs::Reg(RAX));
        self.mov_imm(RAX, handler);
        self.leave(Target::Reg(RAX), true);
        self.load_int(Type::I64, Extend::None, RAX, Mem::at(RSP, 0));
        self.load_int(Type::I64, Extend::None, RDX, Mem::at(RSP, 8 * i32::from(RDX.0)));
        self.fload(Type::F64, Fpr(0), Mem::at(RSP, FPRS_OFFSET));
        self.fload(Type::F64, Fpr(1), Mem::at(RSP, FPRS_OFFSET + 8));
        self.mov(RSP, RBP);
        emit!(self, popq_o(RBP.0));
        self.cfi(CfiOp::DefCfa(dwarf_gpr(RSP), 8));
        self.cfi(CfiOp::Restore(dwarf_gpr(RBP)));
        emit_plain!(self, retq_i(16u16));
    }
}
