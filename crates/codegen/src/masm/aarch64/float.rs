//! Floating-point arithmetic and conversions.

use super::a64::{FPUOp1, FPUOp2, FpuRoundMode, FpuToIntOp, IntToFpuOp};
use super::{
    Aarch64Masm, Cond, FloatOp, FloatUnaryOp, Fpr, Gpr, GprMem, Inst, Masm, Type, V31, X16, fsize, v, wv, wx, x,
};

impl Aarch64Masm {
    pub(super) fn float_op(&mut self, op: FloatOp, ty: Type, dst: Fpr, a: Fpr, b: Fpr) {
        let fpu_op = match op {
            FloatOp::Add => FPUOp2::Add,
            FloatOp::Sub => FPUOp2::Sub,
            FloatOp::Mul => FPUOp2::Mul,
            FloatOp::Div => FPUOp2::Div,
        };
        self.e(Inst::FpuRRR { fpu_op, size: fsize(ty), rd: wv(dst), rn: v(a), rm: v(b) });
    }

    pub(super) fn float_unary(&mut self, op: FloatUnaryOp, ty: Type, dst: Fpr, src: Fpr) {
        let single = ty == Type::F32;
        let round = match op {
            FloatUnaryOp::Neg => return self.fpu_rr(FPUOp1::Neg, ty, dst, src),
            FloatUnaryOp::Abs => return self.fpu_rr(FPUOp1::Abs, ty, dst, src),
            FloatUnaryOp::Sqrt => return self.fpu_rr(FPUOp1::Sqrt, ty, dst, src),
            FloatUnaryOp::Floor if single => FpuRoundMode::Minus32,
            FloatUnaryOp::Floor => FpuRoundMode::Minus64,
            FloatUnaryOp::Ceil if single => FpuRoundMode::Plus32,
            FloatUnaryOp::Ceil => FpuRoundMode::Plus64,
            FloatUnaryOp::Trunc if single => FpuRoundMode::Zero32,
            FloatUnaryOp::Trunc => FpuRoundMode::Zero64,
            FloatUnaryOp::Nearest if single => FpuRoundMode::Nearest32,
            FloatUnaryOp::Nearest => FpuRoundMode::Nearest64,
        };
        self.e(Inst::FpuRound { op: round, rd: wv(dst), rn: v(src) });
    }

    fn fpu_rr(&mut self, fpu_op: FPUOp1, ty: Type, dst: Fpr, src: Fpr) {
        self.e(Inst::FpuRR { fpu_op, size: fsize(ty), rd: wv(dst), rn: v(src) });
    }

    pub(super) fn convert_int(&mut self, fty: Type, ity: Type, dst: Fpr, src: Gpr) {
        let src = if ity.bits() < 32 {
            self.extend(true, Type::I32, ity, X16, GprMem::Reg(src));
            X16
        } else {
            src
        };
        let op = match (fty, ity) {
            (Type::F32, Type::I64) => IntToFpuOp::I64ToF32,
            (Type::F32, _) => IntToFpuOp::I32ToF32,
            (_, Type::I64) => IntToFpuOp::I64ToF64,
            _ => IntToFpuOp::I32ToF64,
        };
        self.e(Inst::IntToFpu { op, rd: wv(dst), rn: x(src) });
    }

    /// The machine saturates and makes zero of NaN; we want the minimum for everything out of range.
    pub(super) fn truncate(&mut self, ity: Type, fty: Type, dst: Gpr, src: Fpr) {
        let op = match (fty, ity) {
            (Type::F32, Type::I64) => FpuToIntOp::F32ToI64,
            (Type::F32, _) => FpuToIntOp::F32ToI32,
            (_, Type::I64) => FpuToIntOp::F64ToI64,
            _ => FpuToIntOp::F64ToI32,
        };
        self.e(Inst::FpuToInt { op, rd: wx(dst), rn: v(src) });
        // Below the range it saturates to the minimum anyway; at and above 2^(bits-1), or NaN, "less" fails.
        let limit = if ity == Type::I64 { 9_223_372_036_854_775_808.0_f64 } else { 2_147_483_648.0 };
        let bits = if fty == Type::F32 { u64::from((limit as f32).to_bits()) } else { limit.to_bits() };
        self.fconst(fty, V31, bits);
        self.e(Inst::FpuCmp { size: fsize(fty), rn: v(src), rm: v(V31) });
        self.mov_imm(X16, if ity == Type::I64 { 1 << 63 } else { 1 << 31 });
        self.e(Inst::CSel { rd: wx(dst), cond: Cond::Mi, rn: x(dst), rm: x(X16) });
    }
}
