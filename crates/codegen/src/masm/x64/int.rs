//! Integer arithmetic and comparisons.

use super::regs::{R11, RAX, RDX};
use super::{AluOp, Cond, DivKind, Gpr, GprMem, IntCC, Label, Masm, Mem, Rhs, ShiftOp, Type, UnaryOp, X64Masm};
use super::{cc, emit, mach, sized};

/// The forms of one arithmetic instruction.
macro_rules! alu_forms {
    ($self:ident, $ty:ident, $dst:ident, $b:ident,
     rm: ($rmb:ident, $rmw:ident, $rml:ident, $rmq:ident),
     mi: ($mib:ident, $miw:ident, $mil:ident, $miq:ident), sxb: ($sxbl:ident, $sxbq:ident)) => {
        match $b {
            Rhs::Reg(r) => sized!($self, $ty, ($rmb, $rmw, $rml, $rmq), $dst.0, r.0),
            Rhs::Mem(m) => {
                let (mode, symbol) = $self.amode(m);
                sized!($self, $ty, ($rmb, $rmw, $rml, $rmq), $dst.0, mode);
                $self.data_reloc(symbol, m.disp, 0);
            }
            Rhs::Imm(value) => {
                let value = $ty.sign_extend(value as u64);
                match ($ty, i8::try_from(value), i32::try_from(value)) {
                    (Type::I8, _, _) => emit!($self, $mib($dst.0, value as u8)),
                    (Type::I16, _, _) => emit!($self, $miw($dst.0, value as u16)),
                    (Type::I64, Ok(small), _) => emit!($self, $sxbq($dst.0, small)),
                    (Type::I64, _, Ok(medium)) => emit!($self, $miq($dst.0, medium)),
                    (Type::I64, _, _) => {
                        $self.mov_imm(R11, value as u64);
                        emit!($self, $rmq($dst.0, R11.0));
                    }
                    (_, Ok(small), _) => emit!($self, $sxbl($dst.0, small)),
                    _ => emit!($self, $mil($dst.0, value as u32)),
                }
            }
        }
    };
}

/// The forms of one shift: by `cl`, by an immediate.
macro_rules! shift_forms {
    ($self:ident, $ty:ident, $dst:ident, $count:ident,
     mc: ($cb:ident, $cw:ident, $cl:ident, $cq:ident), mi: ($ib:ident, $iw:ident, $il:ident, $iq:ident)) => {
        match $count {
            Some(imm) => sized!($self, $ty, ($ib, $iw, $il, $iq), $dst.0, imm),
            None => sized!($self, $ty, ($cb, $cw, $cl, $cq), $dst.0, 1u8),
        }
    };
}

/// The condition code of an integer comparison; `Tz` and `Tnz` test the *and*.
pub(super) fn int_code(cond: IntCC) -> u8 {
    match cond {
        IntCC::Eq | IntCC::Tz => cc::E,
        IntCC::Ne | IntCC::Tnz => cc::NE,
        IntCC::Slt => cc::L,
        IntCC::Sge => cc::GE,
        IntCC::Sgt => cc::G,
        IntCC::Sle => cc::LE,
        IntCC::Ult => cc::B,
        IntCC::Uge => cc::AE,
        IntCC::Ugt => cc::A,
        IntCC::Ule => cc::BE,
    }
}

impl X64Masm {
    pub(super) fn alu_op(&mut self, op: AluOp, ty: Type, dst: Gpr, b: Rhs) {
        match op {
            AluOp::Add => alu_forms!(self, ty, dst, b, rm: (addb_rm, addw_rm, addl_rm, addq_rm),
                mi: (addb_mi, addw_mi, addl_mi, addq_mi_sxl), sxb: (addl_mi_sxb, addq_mi_sxb)),
            AluOp::Sub => alu_forms!(self, ty, dst, b, rm: (subb_rm, subw_rm, subl_rm, subq_rm),
                mi: (subb_mi, subw_mi, subl_mi, subq_mi_sxl), sxb: (subl_mi_sxb, subq_mi_sxb)),
            AluOp::And => alu_forms!(self, ty, dst, b, rm: (andb_rm, andw_rm, andl_rm, andq_rm),
                mi: (andb_mi, andw_mi, andl_mi, andq_mi_sxl), sxb: (andl_mi_sxb, andq_mi_sxb)),
            AluOp::Or => alu_forms!(self, ty, dst, b, rm: (orb_rm, orw_rm, orl_rm, orq_rm),
                mi: (orb_mi, orw_mi, orl_mi, orq_mi_sxl), sxb: (orl_mi_sxb, orq_mi_sxb)),
            AluOp::Xor => alu_forms!(self, ty, dst, b, rm: (xorb_rm, xorw_rm, xorl_rm, xorq_rm),
                mi: (xorb_mi, xorw_mi, xorl_mi, xorq_mi_sxl), sxb: (xorl_mi_sxb, xorq_mi_sxb)),
        }
    }

    /// Compares a register; the condition code follows.
    pub(super) fn compare(&mut self, cond: IntCC, ty: Type, a: Gpr, b: Rhs) -> Cond {
        let test = matches!(cond, IntCC::Tz | IntCC::Tnz);
        if test {
            self.test(ty, a, b);
        } else if matches!(b, Rhs::Imm(v) if ty.sign_extend(v as u64) == 0) {
            sized!(self, ty, (testb_mr, testw_mr, testl_mr, testq_mr), a.0, a.0);
        } else {
            alu_forms!(self, ty, a, b, rm: (cmpb_rm, cmpw_rm, cmpl_rm, cmpq_rm),
                mi: (cmpb_mi, cmpw_mi, cmpl_mi, cmpq_mi), sxb: (cmpl_mi_sxb, cmpq_mi_sxb));
        }
        Cond::Flag(int_code(cond))
    }

    fn test(&mut self, ty: Type, a: Gpr, b: Rhs) {
        match b {
            Rhs::Reg(r) => sized!(self, ty, (testb_mr, testw_mr, testl_mr, testq_mr), a.0, r.0),
            Rhs::Mem(m) => {
                let (mode, symbol) = self.amode(m);
                sized!(self, ty, (testb_mr, testw_mr, testl_mr, testq_mr), mode, a.0);
                self.data_reloc(symbol, m.disp, 0);
            }
            Rhs::Imm(value) => {
                let value = ty.sign_extend(value as u64);
                match ty {
                    // The low byte decides, and the shorter form reads no more than that.
                    _ if (0..0x80).contains(&value) => emit!(self, testb_mi(a.0, value as u8)),
                    Type::I8 => emit!(self, testb_mi(a.0, value as u8)),
                    Type::I16 => emit!(self, testw_mi(a.0, value as u16)),
                    Type::I64 => match i32::try_from(value) {
                        Ok(v) => emit!(self, testq_mi(a.0, v)),
                        Err(_) => {
                            self.mov_imm(R11, value as u64);
                            emit!(self, testq_mr(a.0, R11.0));
                        }
                    },
                    _ => emit!(self, testl_mi(a.0, value as u32)),
                }
            }
        }
    }

    /// Compares memory with an operand, in that order.
    pub(super) fn compare_mem(&mut self, cond: IntCC, ty: Type, mem: Mem, b: Rhs) -> Cond {
        let test = matches!(cond, IntCC::Tz | IntCC::Tnz);
        let b = self.beside_memory(ty, b);
        let (mode, symbol) = self.amode(mem);
        let mut after = 0;
        match (b, test) {
            (Rhs::Reg(r), false) => sized!(self, ty, (cmpb_mr, cmpw_mr, cmpl_mr, cmpq_mr), mode, r.0),
            (Rhs::Reg(r), true) => sized!(self, ty, (testb_mr, testw_mr, testl_mr, testq_mr), mode, r.0),
            (Rhs::Imm(v), test) => {
                let v = ty.sign_extend(v as u64);
                after = match ty {
                    Type::I8 => 1,
                    Type::I16 => 2,
                    _ if !test && i8::try_from(v).is_ok() => 1,
                    _ => 4,
                };
                match (ty, test) {
                    (Type::I8, false) => emit!(self, cmpb_mi(mode, v as u8)),
                    (Type::I16, false) => emit!(self, cmpw_mi(mode, v as u16)),
                    (Type::I64, false) if after == 1 => emit!(self, cmpq_mi_sxb(mode, v as i8)),
                    (Type::I64, false) => emit!(self, cmpq_mi(mode, v as i32)),
                    (_, false) if after == 1 => emit!(self, cmpl_mi_sxb(mode, v as i8)),
                    (_, false) => emit!(self, cmpl_mi(mode, v as u32)),
                    (Type::I8, true) => emit!(self, testb_mi(mode, v as u8)),
                    (Type::I16, true) => emit!(self, testw_mi(mode, v as u16)),
                    (Type::I64, true) => emit!(self, testq_mi(mode, v as i32)),
                    (_, true) => emit!(self, testl_mi(mode, v as u32)),
                }
            }
            (Rhs::Mem(_), _) => {}
        }
        self.data_reloc(symbol, mem.disp, after);
        Cond::Flag(int_code(cond))
    }

    /// Product whose high bits do not matter.
    pub(super) fn imul(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) {
        let narrow_memory = ty == Type::I8 && (matches!(a, GprMem::Mem(_)) || matches!(b, Rhs::Mem(_)));
        if narrow_memory {
            self.imul8(dst, a, b);
        } else {
            // Registers may be read at 32 bits; memory at its width only, which `imul` has for 16 bits and more.
            let memory = matches!(a, GprMem::Mem(_)) || matches!(b, Rhs::Mem(_));
            self.imul_exact(if ty == Type::I64 || memory { ty } else { Type::I32 }, dst, a, b);
        }
    }

    /// Product at exactly 16, 32 or 64 bits.
    pub(super) fn imul_exact(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) -> Cond {
        match b {
            Rhs::Imm(value) => {
                let value = ty.sign_extend(value as u64);
                let (src, symbol) = self.gpr_mem(a);
                match (ty, i8::try_from(value), i32::try_from(value)) {
                    (Type::I64, Ok(v), _) => emit!(self, imulq_rmi_sxb(dst.0, src, v)),
                    (Type::I64, _, Ok(v)) => emit!(self, imulq_rmi_sxl(dst.0, src, v)),
                    (Type::I64, _, _) => {
                        let scratch = R11;
                        self.mov_imm(scratch, value as u64);
                        if a == GprMem::Reg(dst) {
                            emit!(self, imulq_rm(dst.0, scratch.0));
                        } else {
                            emit!(self, imulq_rm(scratch.0, src));
                            self.fix(symbol, 0);
                            self.mov(dst, scratch);
                        }
                        return Cond::Flag(cc::O);
                    }
                    (Type::I16, Ok(v), _) => emit!(self, imulw_rmi_sxb(dst.0, src, v)),
                    (Type::I16, _, _) => emit!(self, imulw_rmi(dst.0, src, value as u16)),
                    (_, Ok(v), _) => emit!(self, imull_rmi_sxb(dst.0, src, v)),
                    _ => emit!(self, imull_rmi(dst.0, src, value as u32)),
                }
                let after = if i8::try_from(value).is_ok() { 1 } else { ty.bytes().min(4) };
                self.fix(symbol, after);
            }
            Rhs::Reg(_) | Rhs::Mem(_) => {
                debug_assert_eq!(a, GprMem::Reg(dst), "two-address product");
                let b = if let Rhs::Mem(m) = b {
                    GprMem::Mem(m)
                } else if let Rhs::Reg(r) = b {
                    GprMem::Reg(r)
                } else {
                    a
                };
                let (src, symbol) = self.gpr_mem(b);
                match ty {
                    Type::I16 => emit!(self, imulw_rm(dst.0, src)),
                    Type::I64 => emit!(self, imulq_rm(dst.0, src)),
                    _ => emit!(self, imull_rm(dst.0, src)),
                }
                self.fix(symbol, 0);
            }
        }
        Cond::Flag(cc::O)
    }

    /// Product of bytes: the machine has no two-operand form, so sign-extended 32-bit factors; the product fits
    /// when sign extension of its low byte gives it back.
    pub(super) fn imul8(&mut self, dst: Gpr, a: GprMem, b: Rhs) -> Cond {
        let (src, symbol) = self.gpr_mem(a);
        match b {
            Rhs::Imm(v) => {
                emit!(self, movsbl_rm(dst.0, src));
                self.fix(symbol, 0);
                emit!(self, imull_rmi_sxb(dst.0, dst.0, v as i8));
            }
            Rhs::Reg(r) => {
                emit!(self, movsbl_rm(R11.0, r.0));
                emit!(self, movsbl_rm(dst.0, src));
                self.fix(symbol, 0);
                emit!(self, imull_rm(dst.0, R11.0));
            }
            Rhs::Mem(m) => {
                let (mode, other) = self.amode(m);
                emit!(self, movsbl_rm(R11.0, mode));
                self.data_reloc(other, m.disp, 0);
                emit!(self, movsbl_rm(dst.0, src));
                self.fix(symbol, 0);
                emit!(self, imull_rm(dst.0, R11.0));
            }
        }
        emit!(self, movsbl_rm(R11.0, dst.0));
        emit!(self, cmpl_rm(R11.0, dst.0));
        Cond::Flag(cc::NE)
    }

    pub(super) fn mul_high_fixed(&mut self, signed: bool, ty: Type, dst: Gpr, a: Gpr, b: GprMem) {
        debug_assert!(a == RAX && dst == RDX, "the product is in rdx:rax");
        let (src, symbol) = self.gpr_mem(b);
        match (ty, signed) {
            (Type::I64, true) => emit!(self, imulq_m(RAX.0, RDX.0, src)),
            (Type::I64, false) => emit!(self, mulq_m(RAX.0, RDX.0, src)),
            (_, true) => emit!(self, imull_m(RAX.0, RDX.0, src)),
            (_, false) => emit!(self, mull_m(RAX.0, RDX.0, src)),
        }
        self.fix(symbol, 0);
    }

    pub(super) fn shift_op(&mut self, op: ShiftOp, ty: Type, dst: Gpr, count: Rhs) {
        let count = match count {
            Rhs::Imm(v) => Some((v as u32 & (ty.bits() - 1)) as u8),
            Rhs::Reg(r) => {
                debug_assert_eq!(r, super::regs::RCX, "variable counts are in cl");
                None
            }
            Rhs::Mem(m) => {
                debug_assert!(false, "shift counts are registers");
                self.load_int(Type::I8, super::Extend::None, super::regs::RCX, m);
                None
            }
        };
        // The machine takes counts modulo 32 or 64. Narrow left shifts may spill over into undefined bits, narrow
        // right shifts need defined ones, and counts of narrow shifts must be reduced first.
        let narrow = ty == Type::I8 || ty == Type::I16;
        if narrow && count.is_none() {
            emit!(self, andl_mi_sxb(super::regs::RCX.0, (ty.bits() - 1) as i8));
        }
        match op {
            ShiftOp::Shl => {
                let ty = if narrow { Type::I32 } else { ty };
                shift_forms!(self, ty, dst, count, mc: (shlb_mc, shlw_mc, shll_mc, shlq_mc), mi: (shlb_mi, shlw_mi, shll_mi, shlq_mi));
            }
            ShiftOp::Shr => {
                shift_forms!(self, ty, dst, count, mc: (shrb_mc, shrw_mc, shrl_mc, shrq_mc), mi: (shrb_mi, shrw_mi, shrl_mi, shrq_mi))
            }
            ShiftOp::Sar => {
                shift_forms!(self, ty, dst, count, mc: (sarb_mc, sarw_mc, sarl_mc, sarq_mc), mi: (sarb_mi, sarw_mi, sarl_mi, sarq_mi))
            }
            ShiftOp::Rotl => {
                shift_forms!(self, ty, dst, count, mc: (rolb_mc, rolw_mc, roll_mc, rolq_mc), mi: (rolb_mi, rolw_mi, roll_mi, rolq_mi))
            }
            ShiftOp::Rotr => {
                shift_forms!(self, ty, dst, count, mc: (rorb_mc, rorw_mc, rorl_mc, rorq_mc), mi: (rorb_mi, rorw_mi, rorl_mi, rorq_mi))
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
        debug_assert_eq!(a, RAX, "the dividend is in rax");
        let signed = matches!(kind, DivKind::Sdiv | DivKind::Srem);
        let remainder = matches!(kind, DivKind::Srem | DivKind::Urem);
        debug_assert_eq!(dst, if remainder { RDX } else { RAX }, "results of divisions are in rax and rdx");
        // Narrow operands divide as 32-bit numbers.
        let width = if ty == Type::I64 { Type::I64 } else { Type::I32 };
        let b = if width == ty {
            b
        } else {
            self.extend_int(signed, Type::I32, ty, R11, b);
            self.extend_int(signed, Type::I32, ty, RAX, GprMem::Reg(RAX));
            GprMem::Reg(R11)
        };
        let b = match b {
            GprMem::Reg(r) => r,
            GprMem::Mem(m) => {
                self.load_int(width, super::Extend::None, R11, m);
                R11
            }
        };
        sized!(self, width, (testb_mr, testw_mr, testl_mr, testq_mr), b.0, b.0);
        self.side_exit(Cond::Flag(cc::E), mach(zero));
        let done = self.buf.get_label();
        if signed {
            let divide = self.buf.get_label();
            let minus_one = Rhs::Imm(-1);
            let cond = self.compare(IntCC::Ne, width, b, minus_one);
            self.side_exit(cond, divide);
            // Division by -1 is negation, which overflows only for the minimum; the machine would raise a fault.
            if remainder {
                emit!(self, xorl_rm(RDX.0, RDX.0));
            } else {
                sized!(self, ty, (negb_m, negw_m, negl_m, negq_m), RAX.0);
                let min_back = self.buf.get_label();
                self.side_exit(Cond::Flag(cc::O), min_back);
                self.jump_near(done);
                // The minimum negates to itself: the dividend is unharmed when the exit looks at it.
                self.bind_mach(min_back);
                self.jump_near(mach(overflow));
            }
            if remainder {
                self.jump_near(done);
            }
            self.bind_mach(divide);
            match width {
                Type::I64 => {
                    emit!(self, cqto_zo(RDX.0, RAX.0));
                    emit!(self, idivq_m(RAX.0, RDX.0, b.0, zero_trap()));
                }
                _ => {
                    emit!(self, cltd_zo(RDX.0, RAX.0));
                    emit!(self, idivl_m(RAX.0, RDX.0, b.0, zero_trap()));
                }
            }
        } else {
            emit!(self, xorl_rm(RDX.0, RDX.0));
            match width {
                Type::I64 => emit!(self, divq_m(RAX.0, RDX.0, b.0, zero_trap())),
                _ => emit!(self, divl_m(RAX.0, RDX.0, b.0, zero_trap())),
            }
        }
        self.bind_mach(done);
    }

    pub(super) fn unary_op(&mut self, op: UnaryOp, ty: Type, dst: Gpr, src: Gpr) {
        let wide = ty == Type::I64;
        match op {
            UnaryOp::Neg if wide => emit!(self, negq_m(dst.0)),
            UnaryOp::Neg => emit!(self, negl_m(dst.0)),
            UnaryOp::Not if wide => emit!(self, notq_m(dst.0)),
            UnaryOp::Not => emit!(self, notl_m(dst.0)),
            UnaryOp::Bswap if wide => emit!(self, bswapq_o(dst.0)),
            UnaryOp::Bswap => emit!(self, bswapl_o(dst.0)),
            UnaryOp::Popcnt => {
                let src = self.zero_extended(ty, src);
                match ty {
                    Type::I64 => emit!(self, popcntq_rm(dst.0, src.0)),
                    _ => emit!(self, popcntl_rm(dst.0, src.0)),
                }
            }
            UnaryOp::Clz => self.leading_zeros(ty, dst, src),
            UnaryOp::Ctz => self.trailing_zeros(ty, dst, src),
        }
    }

    /// The operand with defined bits up to 32: itself, or a copy in the scratch register.
    fn zero_extended(&mut self, ty: Type, src: Gpr) -> Gpr {
        match ty {
            Type::I8 | Type::I16 => {
                self.extend_int(false, Type::I32, ty, R11, GprMem::Reg(src));
                R11
            }
            _ => src,
        }
    }

    fn leading_zeros(&mut self, ty: Type, dst: Gpr, src: Gpr) {
        let src = self.zero_extended(ty, src);
        let wide = ty == Type::I64;
        if self.features.bit_counts {
            match wide {
                true => emit!(self, lzcntq_rm(dst.0, src.0)),
                false => emit!(self, lzcntl_rm(dst.0, src.0)),
            }
        } else {
            // The index of the highest one, or -1 for zero; subtracted from the width less one.
            self.mov_imm(R11, u64::MAX);
            if src == R11 {
                // The extended copy was in the scratch register: extend again, into the destination.
                return self.leading_zeros_slow(ty, dst);
            }
            match wide {
                true => emit!(self, bsrq_rm(dst.0, src.0)),
                false => emit!(self, bsrl_rm(dst.0, src.0)),
            }
            emit!(self, cmoveq_rm(dst.0, R11.0));
            emit!(self, negq_m(dst.0));
            emit!(self, addq_mi_sxb(dst.0, if wide { 63 } else { 31 }));
            return;
        }
        if ty.bits() < 32 {
            emit!(self, subl_mi_sxb(dst.0, (32 - ty.bits()) as i8));
        }
    }

    /// Leading zeros of the narrow number in the scratch register, without `lzcnt`: a sentinel one below the
    /// number makes the highest-one search well defined.
    fn leading_zeros_slow(&mut self, ty: Type, dst: Gpr) {
        emit!(self, leal_rm(dst.0, self.amode(Mem { base: super::Base::Reg(R11), index: Some((R11, 0)), disp: 1 }).0));
        emit!(self, bsrl_rm(dst.0, dst.0));
        emit!(self, negl_m(dst.0));
        emit!(self, addl_mi_sxb(dst.0, ty.bits() as i8));
    }

    fn trailing_zeros(&mut self, ty: Type, dst: Gpr, src: Gpr) {
        let wide = ty == Type::I64;
        let src = if ty.bits() < 32 {
            // A sentinel one just above the number bounds the count.
            self.mov(R11, src);
            emit!(self, orl_mi(R11.0, 1u32 << ty.bits()));
            R11
        } else {
            src
        };
        if self.features.bit_counts {
            match wide {
                true => emit!(self, tzcntq_a(dst.0, src.0)),
                false => emit!(self, tzcntl_a(dst.0, src.0)),
            }
        } else if ty.bits() < 32 {
            emit!(self, bsfl_rm(dst.0, src.0));
        } else {
            self.mov_imm(R11, u64::from(ty.bits()));
            match wide {
                true => emit!(self, bsfq_rm(dst.0, src.0)),
                false => emit!(self, bsfl_rm(dst.0, src.0)),
            }
            emit!(self, cmoveq_rm(dst.0, R11.0));
        }
    }

    pub(super) fn extend_int(&mut self, signed: bool, to: Type, from: Type, dst: Gpr, src: GprMem) {
        let (src, symbol) = self.gpr_mem(src);
        match (from, signed, to == Type::I64) {
            (Type::I8, false, _) => emit!(self, movzbl_rm(dst.0, src)),
            (Type::I16, false, _) => emit!(self, movzwl_rm(dst.0, src)),
            (Type::I32, false, _) => emit!(self, movl_rm(dst.0, src)),
            (Type::I8, true, true) => emit!(self, movsbq_rm(dst.0, src)),
            (Type::I8, true, false) => emit!(self, movsbl_rm(dst.0, src)),
            (Type::I16, true, true) => emit!(self, movswq_rm(dst.0, src)),
            (Type::I16, true, false) => emit!(self, movswl_rm(dst.0, src)),
            (Type::I32, true, true) => emit!(self, movslq_rm(dst.0, src)),
            _ => emit!(self, movq_rm(dst.0, src)),
        }
        self.fix(symbol, 0);
    }

    pub(super) fn set_cond(&mut self, cond: Cond, dst: Gpr) {
        match cond {
            Cond::Flag(code) => {
                self.setcc(code, dst);
                emit!(self, movzbl_rm(dst.0, dst.0));
            }
            Cond::OrderedEqual => {
                self.setcc(cc::NP, R11);
                self.setcc(cc::E, dst);
                emit!(self, andl_rm(dst.0, R11.0));
                emit!(self, movzbl_rm(dst.0, dst.0));
            }
            Cond::UnorderedNotEqual => {
                self.setcc(cc::P, R11);
                self.setcc(cc::NE, dst);
                emit!(self, orl_rm(dst.0, R11.0));
                emit!(self, movzbl_rm(dst.0, dst.0));
            }
        }
    }

    fn setcc(&mut self, code: u8, dst: Gpr) {
        match code {
            cc::O => emit!(self, seto_m(dst.0)),
            1 => emit!(self, setno_m(dst.0)),
            cc::B => emit!(self, setb_m(dst.0)),
            cc::AE => emit!(self, setae_m(dst.0)),
            cc::E => emit!(self, sete_m(dst.0)),
            cc::NE => emit!(self, setne_m(dst.0)),
            cc::BE => emit!(self, setbe_m(dst.0)),
            cc::A => emit!(self, seta_m(dst.0)),
            8 => emit!(self, sets_m(dst.0)),
            9 => emit!(self, setns_m(dst.0)),
            cc::P => emit!(self, setp_m(dst.0)),
            cc::NP => emit!(self, setnp_m(dst.0)),
            cc::L => emit!(self, setl_m(dst.0)),
            cc::GE => emit!(self, setge_m(dst.0)),
            cc::LE => emit!(self, setle_m(dst.0)),
            _ => emit!(self, setg_m(dst.0)),
        }
    }

    pub(super) fn select_int(&mut self, cond: Cond, dst: Gpr, yes: GprMem) {
        match cond {
            Cond::Flag(code) => self.cmov(code, dst, yes),
            // Take the other value when either test says so.
            Cond::UnorderedNotEqual => {
                self.cmov(cc::P, dst, yes);
                self.cmov(cc::NE, dst, yes);
            }
            Cond::OrderedEqual => {
                // Neither test alone decides for `yes`: keep the old value aside and put it back.
                self.mov(R11, dst);
                self.cmov(cc::E, dst, yes);
                self.cmov(cc::P, dst, GprMem::Reg(R11));
            }
        }
    }

    /// Conditional move of all 64 bits; spill slots are always that wide.
    fn cmov(&mut self, code: u8, dst: Gpr, src: GprMem) {
        let (src, symbol) = self.gpr_mem(src);
        match code {
            cc::O => emit!(self, cmovoq_rm(dst.0, src)),
            1 => emit!(self, cmovnoq_rm(dst.0, src)),
            cc::B => emit!(self, cmovbq_rm(dst.0, src)),
            cc::AE => emit!(self, cmovaeq_rm(dst.0, src)),
            cc::E => emit!(self, cmoveq_rm(dst.0, src)),
            cc::NE => emit!(self, cmovneq_rm(dst.0, src)),
            cc::BE => emit!(self, cmovbeq_rm(dst.0, src)),
            cc::A => emit!(self, cmovaq_rm(dst.0, src)),
            8 => emit!(self, cmovsq_rm(dst.0, src)),
            9 => emit!(self, cmovnsq_rm(dst.0, src)),
            cc::P => emit!(self, cmovpq_rm(dst.0, src)),
            cc::NP => emit!(self, cmovnpq_rm(dst.0, src)),
            cc::L => emit!(self, cmovlq_rm(dst.0, src)),
            cc::GE => emit!(self, cmovgeq_rm(dst.0, src)),
            cc::LE => emit!(self, cmovleq_rm(dst.0, src)),
            _ => emit!(self, cmovgq_rm(dst.0, src)),
        }
        self.fix(symbol, 0);
    }
}

/// The assembler wants a trap code for divisions; ours cannot fault, the checks come first.
fn zero_trap() -> cranelift_assembler_x64::TrapCode {
    cranelift_assembler_x64::TrapCode(std::num::NonZeroU8::MIN)
}
