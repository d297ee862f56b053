//! Addresses, loads, stores and atomics.

use super::a64::{AMode, SImm9, UImm12Scaled};
use super::{
    Aarch64Masm, AluOp, Base, Cond, Extend, Fpr, Gpr, Inst, Masm, Mem, OperandSize, Reg, Reloc, RelocKind, Rhs, Type,
    X16, X17, a64, size, v, wv, wx, x,
};
use crate::reloc::Ref;
use cranelift_codegen::ir::{MemFlagsData, types};

fn access(ty: Type) -> cranelift_codegen::ir::Type {
    match ty {
        Type::I8 => types::I8,
        Type::I16 => types::I16,
        Type::I32 => types::I32,
        Type::I64 => types::I64,
        Type::F32 => types::F32,
        Type::F64 => types::F64,
    }
}

impl Aarch64Masm {
    /// The page of a symbol and its place in the page.
    fn symbol(&mut self, dst: Gpr, symbol: Ref, addend: i32) {
        let offset = self.buf.cur_offset();
        self.relocs.push(Reloc { offset, kind: RelocKind::Arm64Page, symbol, addend });
        let rd = u32::from(dst.0);
        self.word(0x9000_0000 | rd);
        self.word(0x9100_0000 | rd << 5 | rd);
    }

    /// The address itself, in `dst`, which may be x17 or one of the address's registers.
    pub(super) fn address(&mut self, dst: Gpr, mem: Mem) {
        let base = match mem.base {
            Base::Symbol(symbol) => return self.symbol(dst, symbol, mem.disp),
            Base::Reg(base) => base,
        };
        let Some((index, shift)) = mem.index else { return self.add_imm(dst, base, i64::from(mem.disp)) };
        let scaled = |rd, rn| Inst::AluRRRShift {
            alu_op: a64::ALUOp::Add,
            size: OperandSize::Size64,
            rd: wx(rd),
            rn: x(rn),
            rm: x(index),
            shiftop: a64::ShiftOpAndAmt::new(
                a64::ShiftOp::LSL,
                a64::ShiftOpShiftImm::maybe_from_shift(u64::from(shift)).unwrap_or(
                    // Scales are 0 to 3.
                    a64::ShiftOpShiftImm::maybe_from_shift(0).unwrap_or_else(|| unreachable!("zero is a shift")),
                ),
            ),
        };
        if mem.disp == 0 {
            self.e(scaled(dst, base));
        } else {
            self.add_imm(X17, base, i64::from(mem.disp));
            self.e(scaled(dst, X17));
        }
    }

    /// An addressing mode for an access; may compute into x17.
    fn amode(&mut self, ty: Type, mem: Mem) -> AMode {
        if let Base::Reg(base) = mem.base {
            match mem.index {
                None => {
                    let off = i64::from(mem.disp);
                    if SImm9::maybe_from_i64(off).is_some() || UImm12Scaled::maybe_from_i64(off, access(ty)).is_some() {
                        return AMode::RegOffset { rn: x(base), off };
                    }
                    self.mov_imm(X17, off as u64);
                    return AMode::RegExtended { rn: x(base), rm: x(X17), extendop: a64::ExtendOp::SXTX };
                }
                Some((index, 0)) if mem.disp == 0 => return AMode::RegReg { rn: x(base), rm: x(index) },
                Some((index, shift)) if mem.disp == 0 && 1 << shift == ty.bytes() => {
                    return AMode::RegScaled { rn: x(base), rm: x(index) };
                }
                Some(_) => {}
            }
        }
        self.address(X17, mem);
        AMode::RegOffset { rn: x(X17), off: 0 }
    }

    pub(super) fn load_int(&mut self, ty: Type, extend: Extend, dst: Gpr, mem: Mem) {
        let mem = self.amode(ty, mem);
        let (rd, flags) = (wx(dst), MemFlagsData::trusted());
        self.e(match (ty, extend) {
            (Type::I8, Extend::Sign) => Inst::SLoad8 { rd, mem, flags },
            (Type::I8, _) => Inst::ULoad8 { rd, mem, flags },
            (Type::I16, Extend::Sign) => Inst::SLoad16 { rd, mem, flags },
            (Type::I16, _) => Inst::ULoad16 { rd, mem, flags },
            (Type::I64, _) => Inst::ULoad64 { rd, mem, flags },
            (_, Extend::Sign) => Inst::SLoad32 { rd, mem, flags },
            _ => Inst::ULoad32 { rd, mem, flags },
        });
    }

    pub(super) fn store_int(&mut self, ty: Type, rd: Reg, mem: Mem) {
        let mem = self.amode(ty, mem);
        let flags = MemFlagsData::trusted();
        self.e(match ty {
            Type::I8 => Inst::Store8 { rd, mem, flags },
            Type::I16 => Inst::Store16 { rd, mem, flags },
            Type::I64 => Inst::Store64 { rd, mem, flags },
            _ => Inst::Store32 { rd, mem, flags },
        });
    }

    pub(super) fn load_float(&mut self, ty: Type, dst: Fpr, mem: Mem) {
        let mem = self.amode(ty, mem);
        let (rd, flags) = (wv(dst), MemFlagsData::trusted());
        self.e(match ty {
            Type::F32 => Inst::FpuLoad32 { rd, mem, flags },
            _ => Inst::FpuLoad64 { rd, mem, flags },
        });
    }

    pub(super) fn store_float(&mut self, ty: Type, src: Fpr, mem: Mem) {
        let mem = self.amode(ty, mem);
        let (rd, flags) = (v(src), MemFlagsData::trusted());
        self.e(match ty {
            Type::F32 => Inst::FpuStore32 { rd, mem, flags },
            _ => Inst::FpuStore64 { rd, mem, flags },
        });
    }

    pub(super) fn add_to_memory(&mut self, ty: Type, mem: Mem, value: Rhs) {
        self.load_int(ty, Extend::None, X16, mem);
        let wide = if ty == Type::I64 { ty } else { Type::I32 };
        let value = match value {
            Rhs::Imm(v) if a64::Imm12::maybe_from_u64(v.unsigned_abs()).is_none() => {
                self.mov_imm(X17, v as u64);
                Rhs::Reg(X17)
            }
            Rhs::Mem(m) => {
                self.load_int(ty, Extend::None, X17, m);
                Rhs::Reg(X17)
            }
            other => other,
        };
        self.alu_op(AluOp::Add, wide, X16, X16, value, false);
        self.store_int(ty, x(X16), mem);
    }

    /// `ldaxr`: loads and watches.
    fn load_exclusive(&mut self, ty: Type, rt: Gpr, rn: Gpr) {
        let wide = u32::from(size(ty) == OperandSize::Size64);
        self.word(0x885f_fc00 | wide << 30 | u32::from(rn.0) << 5 | u32::from(rt.0));
    }

    /// `stlxr`: stores unless disturbed; `status` is zero on success.
    fn store_exclusive(&mut self, ty: Type, status: Gpr, rt: Gpr, rn: Gpr) {
        let wide = u32::from(size(ty) == OperandSize::Size64);
        self.word(0x8800_fc00 | wide << 30 | u32::from(status.0) << 16 | u32::from(rn.0) << 5 | u32::from(rt.0));
    }

    /// A loop that replaces the word at x17 by its sum with `value`; `old` gets the word, `sum` and x16 are changed.
    /// What is stored and the register for the store's success must differ.
    fn add_loop(&mut self, ty: Type, old: Gpr, sum: Gpr, value: Rhs) {
        let again = self.buf.get_label();
        self.bind_mach(again);
        self.load_exclusive(ty, old, X17);
        self.alu_op(AluOp::Add, ty, sum, old, value, false);
        self.store_exclusive(ty, X16, sum, X17);
        self.branch_nonzero(OperandSize::Size32, X16, again);
    }

    pub(super) fn add_atomically(&mut self, ty: Type, mem: Mem, value: Rhs, tmp: Option<Gpr>) {
        let sum = sum_register(tmp);
        self.address(X17, mem);
        self.add_loop(ty, sum, sum, value);
    }

    pub(super) fn fetch_add(&mut self, ty: Type, dst: Gpr, value: Gpr, mem: Mem, tmp: Option<Gpr>) {
        self.address(X17, mem);
        self.add_loop(ty, dst, sum_register(tmp), Rhs::Reg(value));
    }

    pub(super) fn compare_and_swap(&mut self, ty: Type, dst: Gpr, expected: Gpr, new: Gpr, mem: Mem) {
        self.address(X17, mem);
        let again = self.buf.get_label();
        let out = self.buf.get_label();
        self.bind_mach(again);
        self.load_exclusive(ty, dst, X17);
        self.rrr_compare(ty, dst, expected);
        self.side_exit(Cond::Ne, out);
        self.store_exclusive(ty, X16, new, X17);
        self.branch_nonzero(OperandSize::Size32, X16, again);
        self.bind_mach(out);
    }

    fn rrr_compare(&mut self, ty: Type, a: Gpr, b: Gpr) {
        self.compare(cinder_lir::IntCC::Eq, ty, a, Rhs::Reg(b));
    }
}

/// The register for the sum that the allocator gave.
fn sum_register(tmp: Option<Gpr>) -> Gpr {
    debug_assert!(tmp.is_some_and(|t| t != X16 && t != X17), "atomic additions need a register for the sum");
    tmp.unwrap_or(X16)
}
