//! Floating-point arithmetic, conversions and comparisons.

use super::regs::{R11, XMM15};
use super::{Cond, FloatCC, FloatOp, FloatUnaryOp, Fpr, FprMem, Gpr, GprMem, Masm, Type, X64Masm};
use super::{cc, emit};

/// Emits the form of an instruction for a floating-point type.
macro_rules! fsized {
    ($self:ident, $ty:expr, ($s:ident, $d:ident), $($arg:expr),*) => {
        match $ty {
            Type::F32 => emit!($self, $s($($arg),*)),
            _ => emit!($self, $d($($arg),*)),
        }
    };
}

impl X64Masm {
    pub(super) fn float_op(&mut self, op: FloatOp, ty: Type, dst: Fpr, b: FprMem) {
        let (src, symbol) = self.fpr_mem(b);
        match op {
            FloatOp::Add => fsized!(self, ty, (addss_a, addsd_a), dst.0, src),
            FloatOp::Sub => fsized!(self, ty, (subss_a, subsd_a), dst.0, src),
            FloatOp::Mul => fsized!(self, ty, (mulss_a, mulsd_a), dst.0, src),
            FloatOp::Div => fsized!(self, ty, (divss_a, divsd_a), dst.0, src),
        }
        self.fix(symbol, 0);
    }

    pub(super) fn float_unary(&mut self, op: FloatUnaryOp, ty: Type, dst: Fpr, src: Fpr) {
        let sign: u64 = if ty == Type::F32 { 1 << 31 } else { 1 << 63 };
        match op {
            FloatUnaryOp::Neg => {
                debug_assert_eq!(dst, src, "two-address arithmetic");
                let mask = self.constant(sign, true);
                emit!(self, xorps_a(dst.0, mask));
            }
            FloatUnaryOp::Abs => {
                debug_assert_eq!(dst, src, "two-address arithmetic");
                let mask = self.constant(sign - 1, true);
                emit!(self, andps_a(dst.0, mask));
            }
            FloatUnaryOp::Sqrt => fsized!(self, ty, (sqrtss_a, sqrtsd_a), dst.0, src.0),
            FloatUnaryOp::Nearest => self.round(ty, dst, src, 0),
            FloatUnaryOp::Floor => self.round(ty, dst, src, 1),
            FloatUnaryOp::Ceil => self.round(ty, dst, src, 2),
            FloatUnaryOp::Trunc => self.round(ty, dst, src, 3),
        }
    }

    fn round(&mut self, ty: Type, dst: Fpr, src: Fpr, mode: u8) {
        // Bit 3 keeps the inexact flag quiet.
        fsized!(self, ty, (roundss_rmi, roundsd_rmi), dst.0, src.0, mode | 8);
    }

    pub(super) fn convert_int(&mut self, fty: Type, ity: Type, dst: Fpr, src: Gpr) {
        let src = match ity {
            Type::I8 | Type::I16 => {
                self.extend_int(true, Type::I32, ity, R11, GprMem::Reg(src));
                R11
            }
            _ => src,
        };
        // The conversion keeps the upper half of its destination: break the dependency on the old value.
        emit!(self, xorps_a(dst.0, dst.0));
        match (fty, ity) {
            (Type::F32, Type::I64) => emit!(self, cvtsi2ssq_a(dst.0, src.0)),
            (Type::F32, _) => emit!(self, cvtsi2ssl_a(dst.0, src.0)),
            (_, Type::I64) => emit!(self, cvtsi2sdq_a(dst.0, src.0)),
            _ => emit!(self, cvtsi2sdl_a(dst.0, src.0)),
        }
    }

    /// Compares floats. `ucomis` sets the carry flag for "less" and for NaN alike, so "less" is asked as "greater"
    /// of exchanged operands.
    pub(super) fn compare_floats(&mut self, cond: FloatCC, ty: Type, a: Fpr, b: FprMem) -> Cond {
        let exchanged = matches!(cond, FloatCC::Lt | FloatCC::Nlt | FloatCC::Le | FloatCC::Nle);
        if exchanged {
            let b = match b {
                FprMem::Reg(r) => r,
                FprMem::Mem(m) => {
                    self.fload(ty, XMM15, m);
                    XMM15
                }
            };
            fsized!(self, ty, (ucomiss_a, ucomisd_a), b.0, a.0);
        } else {
            let (src, symbol) = self.fpr_mem(b);
            fsized!(self, ty, (ucomiss_a, ucomisd_a), a.0, src);
            self.fix(symbol, 0);
        }
        match cond {
            FloatCC::Eq => Cond::OrderedEqual,
            FloatCC::Ne => Cond::UnorderedNotEqual,
            FloatCC::Lt | FloatCC::Gt => Cond::Flag(cc::A),
            FloatCC::Nlt | FloatCC::Ngt => Cond::Flag(cc::BE),
            FloatCC::Le | FloatCC::Ge => Cond::Flag(cc::AE),
            FloatCC::Nle | FloatCC::Nge => Cond::Flag(cc::B),
            FloatCC::Ord => Cond::Flag(cc::NP),
            FloatCC::Uno => Cond::Flag(cc::P),
        }
    }

    pub(super) fn select_float(&mut self, cond: Cond, ty: Type, dst: Fpr, yes: FprMem) {
        let skip = self.buf.get_label();
        self.side_exit(X64Masm::negate(cond), skip);
        match yes {
            FprMem::Reg(r) => self.fmov(dst, r),
            FprMem::Mem(m) => self.fload(ty, dst, m),
        }
        self.bind_mach(skip);
    }
}
