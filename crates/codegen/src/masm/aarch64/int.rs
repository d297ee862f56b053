//! Integer arithmetic and comparisons.

use super::a64::{ALUOp, ALUOp3, BitOp, Imm12, ImmLogic, ImmShift};
use super::{
    Aarch64Masm, AluOp, Cond, DivKind, Extend, Gpr, GprMem, Inst, IntCC, Label, Masm, Mem, OperandSize, Rhs,
    ScalarSize, ShiftOp, Type, UnaryOp, V31, X16, X17, a64, mach, size, v, wv, wx, x,
};
use cranelift_codegen::ir::types;

fn clif(ty: Type) -> cranelift_codegen::ir::Type {
    if ty == Type::I64 { types::I64 } else { types::I32 }
}

/// The condition of an integer comparison; `Tz` and `Tnz` look at an *and*.
pub(super) fn int_cond(cc: IntCC) -> Cond {
    match cc {
        IntCC::Eq | IntCC::Tz => Cond::Eq,
        IntCC::Ne | IntCC::Tnz => Cond::Ne,
        IntCC::Slt => Cond::Lt,
        IntCC::Sge => Cond::Ge,
        IntCC::Sgt => Cond::Gt,
        IntCC::Sle => Cond::Le,
        IntCC::Ult => Cond::Lo,
        IntCC::Uge => Cond::Hs,
        IntCC::Ugt => Cond::Hi,
        IntCC::Ule => Cond::Ls,
    }
}

impl Aarch64Masm {
    pub(super) fn rrr(&mut self, alu_op: ALUOp, size: OperandSize, rd: Gpr, rn: Gpr, rm: Gpr) {
        self.e(Inst::AluRRR { alu_op, size, rd: wx(rd), rn: x(rn), rm: x(rm) });
    }

    /// `dst = src + value`, also of the stack pointer, for values of up to 24 bits; others go through x17.
    pub(super) fn add_imm(&mut self, dst: Gpr, src: Gpr, value: i64) {
        let op = if value < 0 { ALUOp::Sub } else { ALUOp::Add };
        let k = value.unsigned_abs();
        let size = OperandSize::Size64;
        if let Some(imm12) = Imm12::maybe_from_u64(k) {
            self.e(Inst::AluRRImm12 { alu_op: op, size, rd: wx(dst), rn: x(src), imm12 });
        } else if let (Some(high), Some(low)) = (Imm12::maybe_from_u64(k & 0xff_f000), Imm12::maybe_from_u64(k & 0xfff))
            && k < 1 << 24
        {
            self.e(Inst::AluRRImm12 { alu_op: op, size, rd: wx(dst), rn: x(src), imm12: high });
            self.e(Inst::AluRRImm12 { alu_op: op, size, rd: wx(dst), rn: x(dst), imm12: low });
        } else {
            self.mov_imm(X17, value as u64);
            let extendop = a64::ExtendOp::SXTX;
            self.e(Inst::AluRRRExtend { alu_op: ALUOp::Add, size, rd: wx(dst), rn: x(src), rm: x(X17), extendop });
        }
    }

    pub(super) fn alu_op(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs, flags: bool) {
        let size = size(ty);
        let alu = |op: AluOp| match (op, flags) {
            (AluOp::Add, false) => ALUOp::Add,
            (AluOp::Add, true) => ALUOp::AddS,
            (AluOp::Sub, false) => ALUOp::Sub,
            (AluOp::Sub, true) => ALUOp::SubS,
            (AluOp::And, _) => ALUOp::And,
            (AluOp::Or, _) => ALUOp::Orr,
            (AluOp::Xor, _) => ALUOp::Eor,
        };
        if let Rhs::Imm(value) = b {
            let value = ty.sign_extend(value as u64);
            match op {
                AluOp::Add | AluOp::Sub => {
                    let swapped = if op == AluOp::Add { AluOp::Sub } else { AluOp::Add };
                    let op = if value < 0 { swapped } else { op };
                    if let Some(imm12) = Imm12::maybe_from_u64(value.unsigned_abs()) {
                        self.e(Inst::AluRRImm12 { alu_op: alu(op), size, rd: wx(dst), rn: x(a), imm12 });
                        return;
                    }
                }
                _ => {
                    if let Some(imml) = ImmLogic::maybe_from_u64(value as u64 & ty.mask(), clif(ty)) {
                        self.e(Inst::AluRRImmLogic { alu_op: alu(op), size, rd: wx(dst), rn: x(a), imml });
                        return;
                    }
                }
            }
        }
        let b = self.reg(ty, b);
        self.rrr(alu(op), size, dst, a, b);
    }

    pub(super) fn factors(&mut self, ty: Type, a: GprMem, b: Rhs) -> (Gpr, Gpr) {
        let a = match a {
            GprMem::Reg(r) => r,
            GprMem::Mem(m) => {
                self.load(ty, Extend::None, X17, m);
                X17
            }
        };
        (a, self.reg(ty, b))
    }

    pub(super) fn madd(&mut self, size: OperandSize, rd: Gpr, rn: Gpr, rm: Gpr) {
        let ra = a64::zero_reg();
        self.e(Inst::AluRRRR { alu_op: ALUOp3::MAdd, size, rd: wx(rd), rn: x(rn), rm: x(rm), ra });
    }

    fn long(&mut self, signed: bool, rd: Gpr, rn: Gpr, rm: Gpr) {
        let alu_op = if signed { ALUOp3::SMAddL } else { ALUOp3::UMAddL };
        let ra = a64::zero_reg();
        // The operand size is that of the factors.
        self.e(Inst::AluRRRR { alu_op, size: OperandSize::Size32, rd: wx(rd), rn: x(rn), rm: x(rm), ra });
    }

    /// The product fits when its high part is the sign of the low part.
    pub(super) fn mul_checked(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) -> Cond {
        let (a, b) = self.factors(ty, a, b);
        let zero = a64::writable_zero_reg();
        if ty == Type::I64 {
            // The high part first: the low part may take the place of a factor.
            let high = if a == X17 { X16 } else { X17 };
            self.rrr(ALUOp::SMulH, OperandSize::Size64, high, a, b);
            self.madd(OperandSize::Size64, dst, a, b);
            let amount = a64::ShiftOpShiftImm::maybe_from_shift(63);
            if let Some(amount) = amount {
                self.e(Inst::AluRRRShift {
                    alu_op: ALUOp::SubS,
                    size: OperandSize::Size64,
                    rd: zero,
                    rn: x(high),
                    rm: x(dst),
                    shiftop: a64::ShiftOpAndAmt::new(a64::ShiftOp::ASR, amount),
                });
            }
        } else {
            self.long(true, dst, a, b);
            self.e(Inst::AluRRRExtend {
                alu_op: ALUOp::SubS,
                size: OperandSize::Size64,
                rd: zero,
                rn: x(dst),
                rm: x(dst),
                extendop: a64::ExtendOp::SXTW,
            });
        }
        Cond::Ne
    }

    pub(super) fn high_product(&mut self, signed: bool, ty: Type, dst: Gpr, a: Gpr, b: GprMem) {
        let b = self.reg(ty, b.into());
        if ty == Type::I64 {
            let op = if signed { ALUOp::SMulH } else { ALUOp::UMulH };
            self.rrr(op, OperandSize::Size64, dst, a, b);
        } else {
            self.long(signed, dst, a, b);
            self.shift_imm(ALUOp::Lsr, OperandSize::Size64, dst, dst, 32);
        }
    }

    fn shift_imm(&mut self, alu_op: ALUOp, size: OperandSize, rd: Gpr, rn: Gpr, amount: u32) {
        if let Some(immshift) = ImmShift::maybe_from_u64(u64::from(amount)) {
            self.e(Inst::AluRRImmShift { alu_op, size, rd: wx(rd), rn: x(rn), immshift });
        }
    }

    pub(super) fn shift_op(&mut self, op: ShiftOp, ty: Type, dst: Gpr, a: Gpr, count: Rhs) {
        debug_assert!(ty.bits() >= 32, "narrow shifts are widened before");
        let alu = match op {
            ShiftOp::Shl => ALUOp::Lsl,
            ShiftOp::Shr => ALUOp::Lsr,
            ShiftOp::Sar => ALUOp::Asr,
            ShiftOp::Rotl | ShiftOp::Rotr => ALUOp::Extr,
        };
        let size = size(ty);
        match count {
            Rhs::Imm(value) => {
                let count = value as u32 & (ty.bits() - 1);
                let count = if op == ShiftOp::Rotl { (ty.bits() - count) & (ty.bits() - 1) } else { count };
                if matches!(op, ShiftOp::Rotl | ShiftOp::Rotr) {
                    // extr rd, rn, rn, #count
                    let wide = u32::from(size == OperandSize::Size64);
                    let (rd, rn) = (u32::from(dst.0), u32::from(a.0));
                    self.word(0x1380_0000 | wide << 31 | wide << 22 | rn << 16 | count << 10 | rn << 5 | rd);
                } else {
                    self.shift_imm(alu, size, dst, a, count);
                }
            }
            other => {
                let mut count = self.reg(ty, other);
                if op == ShiftOp::Rotl {
                    self.e(Inst::AluRRR { alu_op: ALUOp::Sub, size, rd: wx(X16), rn: a64::zero_reg(), rm: x(count) });
                    count = X16;
                }
                self.rrr(alu, size, dst, a, count);
            }
        }
    }

    pub(super) fn divide(
        &mut self,
        kind: DivKind,
        ty: Type,
        dst: Gpr,
        a: Gpr,
        b: GprMem,
        zero: Label,
        overflow: Label,
    ) {
        debug_assert!(ty.bits() >= 32, "narrow divisions are widened before");
        let b = match b {
            GprMem::Reg(r) => r,
            GprMem::Mem(m) => {
                self.load(ty, Extend::None, X17, m);
                X17
            }
        };
        let size = size(ty);
        self.branch_zero(size, b, mach(zero));
        if kind == DivKind::Sdiv {
            // Only the minimum by -1 overflows, and only the minimum overflows when 1 is taken from it.
            let divide = self.buf.get_label();
            let cond = self.compare(IntCC::Ne, ty, b, Rhs::Imm(-1));
            self.side_exit(cond, divide);
            self.compare(IntCC::Eq, ty, a, Rhs::Imm(1));
            self.side_exit(Cond::Vs, mach(overflow));
            self.bind_mach(divide);
        }
        let signed = matches!(kind, DivKind::Sdiv | DivKind::Srem);
        let op = if signed { ALUOp::SDiv } else { ALUOp::UDiv };
        if matches!(kind, DivKind::Sdiv | DivKind::Udiv) {
            self.rrr(op, size, dst, a, b);
        } else {
            self.rrr(op, size, X16, a, b);
            self.e(Inst::AluRRRR { alu_op: ALUOp3::MSub, size, rd: wx(dst), rn: x(X16), rm: x(b), ra: x(a) });
        }
    }

    pub(super) fn unary_op(&mut self, op: UnaryOp, ty: Type, dst: Gpr, src: Gpr) {
        debug_assert!(ty.bits() >= 32, "narrow arithmetic is widened before");
        let size = size(ty);
        let zero = a64::zero_reg();
        match op {
            UnaryOp::Neg => self.e(Inst::AluRRR { alu_op: ALUOp::Sub, size, rd: wx(dst), rn: zero, rm: x(src) }),
            UnaryOp::Not => self.e(Inst::AluRRR { alu_op: ALUOp::OrrNot, size, rd: wx(dst), rn: zero, rm: x(src) }),
            UnaryOp::Clz => self.e(Inst::BitRR { op: BitOp::Clz, size, rd: wx(dst), rn: x(src) }),
            UnaryOp::Ctz => {
                self.e(Inst::BitRR { op: BitOp::RBit, size, rd: wx(dst), rn: x(src) });
                self.e(Inst::BitRR { op: BitOp::Clz, size, rd: wx(dst), rn: x(dst) });
            }
            UnaryOp::Bswap => {
                let op = if ty == Type::I64 { BitOp::Rev64 } else { BitOp::Rev32 };
                self.e(Inst::BitRR { op, size, rd: wx(dst), rn: x(src) });
            }
            UnaryOp::Popcnt => {
                let lanes = a64::VectorSize::Size8x8;
                self.e(Inst::MovToFpu { rd: wv(V31), rn: x(src), size: super::fsize(ty) });
                self.e(Inst::VecMisc { op: a64::VecMisc2::Cnt, rd: wv(V31), rn: v(V31), size: lanes });
                self.e(Inst::VecLanes { op: a64::VecLanesOp::Addv, rd: wv(V31), rn: v(V31), size: lanes });
                self.e(Inst::MovFromVec { rd: wx(dst), rn: v(V31), idx: 0, size: ScalarSize::Size8 });
            }
        }
    }

    pub(super) fn compare(&mut self, cc: IntCC, ty: Type, a: Gpr, b: Rhs) -> Cond {
        debug_assert!(ty.bits() >= 32, "narrow comparisons are widened before");
        let size = size(ty);
        let zero = a64::writable_zero_reg();
        let test = matches!(cc, IntCC::Tz | IntCC::Tnz);
        if let Rhs::Imm(value) = b {
            let value = ty.sign_extend(value as u64);
            if test {
                if let Some(imml) = ImmLogic::maybe_from_u64(value as u64 & ty.mask(), clif(ty)) {
                    self.e(Inst::AluRRImmLogic { alu_op: ALUOp::AndS, size, rd: zero, rn: x(a), imml });
                    return int_cond(cc);
                }
            } else if let Some(imm12) = Imm12::maybe_from_u64(value.unsigned_abs()) {
                let alu_op = if value < 0 { ALUOp::AddS } else { ALUOp::SubS };
                self.e(Inst::AluRRImm12 { alu_op, size, rd: zero, rn: x(a), imm12 });
                return int_cond(cc);
            }
        }
        // The first operand may be in the scratch register that `reg` loads into.
        let b = match b {
            Rhs::Mem(m) if a == X16 => {
                self.load(ty, Extend::None, X17, m);
                X17
            }
            Rhs::Imm(value) if a == X16 => {
                self.mov_imm(X17, ty.sign_extend(value as u64) as u64);
                X17
            }
            other => self.reg(ty, other),
        };
        if a == super::SP {
            let extendop = a64::ExtendOp::UXTX;
            self.e(Inst::AluRRRExtend { alu_op: ALUOp::SubS, size, rd: zero, rn: x(a), rm: x(b), extendop });
        } else {
            let alu_op = if test { ALUOp::AndS } else { ALUOp::SubS };
            self.e(Inst::AluRRR { alu_op, size, rd: zero, rn: x(a), rm: x(b) });
        }
        int_cond(cc)
    }

    /// Compares memory, which may be narrower than registers, with an operand.
    pub(super) fn compare_mem(&mut self, cc: IntCC, ty: Type, mem: Mem, b: Rhs) -> Cond {
        let narrow = ty.bits() < 32;
        let signed = cc.is_signed();
        let wide = if narrow { Type::I32 } else { ty };
        self.load(ty, if signed { Extend::Sign } else { Extend::Zero }, X16, mem);
        let b = match b {
            Rhs::Imm(value) if narrow && signed => Rhs::Imm(ty.sign_extend(value as u64)),
            Rhs::Imm(value) if narrow => Rhs::Imm((value as u64 & ty.mask()) as i64),
            Rhs::Reg(r) if narrow => {
                self.extend(signed, Type::I32, ty, X17, GprMem::Reg(r));
                Rhs::Reg(X17)
            }
            Rhs::Mem(m) => {
                self.load(ty, if signed { Extend::Sign } else { Extend::Zero }, X17, m);
                Rhs::Reg(X17)
            }
            other => other,
        };
        self.compare(cc, wide, X16, b)
    }
}
