//! AArch64: `MachBuffer` with cranelift's own instructions, and a few words encoded here that it has no
//! instruction for.
//!
//! Scratch registers: x16 holds values, x17 addresses, v31 floats. Operands that other machines read from memory are
//! loaded first.

mod float;
mod flow;
mod frame;
mod int;
mod memory;

use super::buffer::{finish_buffer, mach};
use super::{
    AluOp, Assembled, Base, DivKind, Extend, FloatOp, FloatUnaryOp, Fpr, FprMem, FrameShape, Gpr, GprMem, Label, Masm,
    Mem, Rhs, ShiftOp, Target, UnaryOp,
};
use crate::reloc::{CfiOp, CfiRow, Ref, Reloc, RelocKind};
use cinder_lir::{FloatCC, IntCC, Type};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::aarch64::inst::emit::{EmitInfo, EmitState};
use cranelift_codegen::isa::aarch64::inst::{self as a64, Inst, OperandSize, ScalarSize};
use cranelift_codegen::{MachBuffer, MachInst, MachInstEmit, MachLabel, Reg, Writable};
use std::sync::LazyLock;

pub use cranelift_codegen::isa::aarch64::inst::Cond;

type LabelUse = <Inst as MachInst>::LabelUse;

const FP: Gpr = Gpr(29);
const LR: Gpr = Gpr(30);
const SP: Gpr = Gpr(31);
/// Values of the assembler.
const X16: Gpr = Gpr(16);
/// Addresses of the assembler.
const X17: Gpr = Gpr(17);
/// Floats of the assembler.
const V31: Fpr = Fpr(31);

static INFO: LazyLock<EmitInfo> = LazyLock::new(|| {
    let shared = cranelift_codegen::settings::Flags::new(cranelift_codegen::settings::builder());
    let own = cranelift_codegen::isa::aarch64::settings::Flags::new(
        &shared,
        &cranelift_codegen::isa::aarch64::settings::builder(),
    );
    EmitInfo::new(shared, own)
});

/// The AArch64 assembler.
pub struct Aarch64Masm {
    /// Boxed: it is several kilobytes large, and assemblers are moved around.
    buf: Box<MachBuffer<Inst>>,
    control: ControlPlane,
    state: EmitState,
    relocs: Vec<Reloc>,
    cfi: Vec<CfiRow>,
    traps: Vec<(u32, u32)>,
}

fn x(reg: Gpr) -> Reg {
    if reg == SP { a64::stack_reg() } else { a64::xreg(reg.0 & 31) }
}

fn wx(reg: Gpr) -> Writable<Reg> {
    Writable::from_reg(x(reg))
}

fn v(reg: Fpr) -> Reg {
    a64::vreg(reg.0 & 31)
}

fn wv(reg: Fpr) -> Writable<Reg> {
    Writable::from_reg(v(reg))
}

fn size(ty: Type) -> OperandSize {
    if ty == Type::I64 || ty == Type::F64 { OperandSize::Size64 } else { OperandSize::Size32 }
}

fn fsize(ty: Type) -> ScalarSize {
    if ty == Type::F32 || ty == Type::I32 { ScalarSize::Size32 } else { ScalarSize::Size64 }
}

impl Aarch64Masm {
    fn e(&mut self, inst: Inst) {
        inst.emit(&mut self.buf, &INFO, &mut self.state);
    }

    fn word(&mut self, word: u32) {
        self.buf.put4(word);
    }

    fn cfi(&mut self, op: CfiOp) {
        let offset = self.buf.cur_offset();
        self.cfi.push(CfiRow { offset, op });
    }

    fn bind_mach(&mut self, label: MachLabel) {
        self.buf.bind_label(label, &mut self.control);
    }

    /// An operand in a register: loads what is not.
    fn reg(&mut self, ty: Type, operand: Rhs) -> Gpr {
        match operand {
            Rhs::Reg(r) => r,
            Rhs::Imm(value) => {
                self.mov_imm(X16, ty.sign_extend(value as u64) as u64);
                X16
            }
            Rhs::Mem(m) => {
                self.load(ty, Extend::None, X16, m);
                X16
            }
        }
    }

    fn freg(&mut self, ty: Type, operand: FprMem) -> Fpr {
        match operand {
            FprMem::Reg(r) => r,
            FprMem::Mem(m) => {
                self.fload(ty, V31, m);
                V31
            }
        }
    }
}

impl Masm for Aarch64Masm {
    type Cond = Cond;

    fn new() -> Aarch64Masm {
        Aarch64Masm {
            buf: Box::new(MachBuffer::new()),
            control: ControlPlane::default(),
            state: EmitState::default(),
            relocs: Vec::new(),
            cfi: Vec::new(),
            traps: Vec::new(),
        }
    }

    fn offset(&self) -> u32 {
        self.buf.cur_offset()
    }

    fn label(&mut self) -> Label {
        Label(self.buf.get_label().as_u32())
    }

    fn bind(&mut self, label: Label) {
        self.bind_mach(mach(label));
    }

    fn finish(mut self, labels: &[Label]) -> (Assembled, Vec<u32>) {
        let code_len = self.buf.cur_offset();
        let (code, offsets) = finish_buffer(*self.buf, &mut self.control, labels);
        let assembled = Assembled { code, code_len, relocs: self.relocs, cfi: self.cfi, traps: self.traps };
        (assembled, offsets)
    }

    fn checkpoint(&mut self, ahead: u32) {
        if self.buf.island_needed(ahead) {
            self.buf.emit_island(ahead, &mut self.control);
        }
    }

    fn mov(&mut self, dst: Gpr, src: Gpr) {
        if dst == SP || src == SP {
            self.add_imm(dst, src, 0);
        } else {
            self.e(Inst::Mov { size: OperandSize::Size64, rd: wx(dst), rm: x(src) });
        }
    }

    fn mov_imm(&mut self, dst: Gpr, value: u64) {
        for inst in Inst::load_constant(wx(dst), value) {
            self.e(inst);
        }
    }

    fn fmov(&mut self, dst: Fpr, src: Fpr) {
        self.e(Inst::FpuMove64 { rd: wv(dst), rn: v(src) });
    }

    fn fconst(&mut self, ty: Type, dst: Fpr, bits: u64) {
        let rn = if bits & ty.mask() == 0 {
            a64::zero_reg()
        } else {
            self.mov_imm(X16, bits & ty.mask());
            x(X16)
        };
        self.e(Inst::MovToFpu { rd: wv(dst), rn, size: fsize(ty) });
    }

    fn sym_addr(&mut self, dst: Gpr, symbol: Ref) {
        let offset = self.buf.cur_offset();
        self.relocs.push(Reloc { offset, kind: RelocKind::Arm64MovWide, symbol, addend: 0 });
        let rd = u32::from(dst.0);
        self.word(0xd280_0000 | rd);
        for half in 1..4 {
            self.word(0xf280_0000 | half << 21 | rd);
        }
    }

    fn lea(&mut self, dst: Gpr, mem: Mem) {
        self.address(dst, mem);
    }

    fn load(&mut self, ty: Type, extend: Extend, dst: Gpr, mem: Mem) {
        self.load_int(ty, extend, dst, mem);
    }

    fn store(&mut self, ty: Type, src: Gpr, mem: Mem) {
        self.store_int(ty, x(src), mem);
    }

    fn store_imm(&mut self, ty: Type, value: i64, mem: Mem) {
        if ty.sign_extend(value as u64) == 0 {
            self.store_int(ty, a64::zero_reg(), mem);
        } else {
            self.mov_imm(X16, value as u64 & ty.mask());
            self.store_int(ty, x(X16), mem);
        }
    }

    fn fload(&mut self, ty: Type, dst: Fpr, mem: Mem) {
        self.load_float(ty, dst, mem);
    }

    fn fstore(&mut self, ty: Type, src: Fpr, mem: Mem) {
        self.store_float(ty, src, mem);
    }

    fn alu(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs) {
        self.alu_op(op, ty, dst, a, b, false);
    }

    fn alu_overflow(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs) -> Cond {
        self.alu_op(op, ty, dst, a, b, true);
        Cond::Vs
    }

    fn mul(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) {
        let (a, b) = self.factors(ty, a, b);
        self.madd(size(ty), dst, a, b);
    }

    fn mul_overflow(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) -> Cond {
        self.mul_checked(ty, dst, a, b)
    }

    fn mul_high(&mut self, signed: bool, ty: Type, dst: Gpr, a: Gpr, b: GprMem) {
        self.high_product(signed, ty, dst, a, b);
    }

    fn shift(&mut self, op: ShiftOp, ty: Type, dst: Gpr, a: Gpr, count: Rhs) {
        self.shift_op(op, ty, dst, a, count);
    }

    fn div(&mut self, kind: DivKind, ty: Type, dst: Gpr, a: Gpr, b: GprMem, zero: Label, overflow: Label) {
        self.divide(kind, ty, dst, a, b, zero, overflow);
    }

    fn unary(&mut self, op: UnaryOp, ty: Type, dst: Gpr, src: Gpr) {
        self.unary_op(op, ty, dst, src);
    }

    fn extend(&mut self, signed: bool, to: Type, from: Type, dst: Gpr, src: GprMem) {
        let src = self.reg(from, src.into());
        let (from_bits, to_bits) = (from.bits() as u8, to.bits() as u8);
        if from_bits == to_bits {
            return self.mov(dst, src);
        }
        self.e(Inst::Extend { rd: wx(dst), rn: x(src), signed, from_bits, to_bits });
    }

    fn fbin(&mut self, op: FloatOp, ty: Type, dst: Fpr, a: Fpr, b: FprMem) {
        let b = self.freg(ty, b);
        self.float_op(op, ty, dst, a, b);
    }

    fn funary(&mut self, op: FloatUnaryOp, ty: Type, dst: Fpr, src: Fpr) {
        self.float_unary(op, ty, dst, src);
    }

    fn int_to_float(&mut self, fty: Type, ity: Type, dst: Fpr, src: Gpr) {
        self.convert_int(fty, ity, dst, src);
    }

    fn float_to_int(&mut self, ity: Type, fty: Type, dst: Gpr, src: Fpr) {
        self.truncate(ity, fty, dst, src);
    }

    fn fcvt(&mut self, to: Type, from: Type, dst: Fpr, src: Fpr) {
        match (to, from) {
            (Type::F64, Type::F32) => {
                self.e(Inst::FpuRR {
                    fpu_op: a64::FPUOp1::Cvt32To64,
                    size: ScalarSize::Size32,
                    rd: wv(dst),
                    rn: v(src),
                });
            }
            (Type::F32, Type::F64) => {
                self.e(Inst::FpuRR {
                    fpu_op: a64::FPUOp1::Cvt64To32,
                    size: ScalarSize::Size64,
                    rd: wv(dst),
                    rn: v(src),
                });
            }
            _ => self.fmov(dst, src),
        }
    }

    fn bits_of(&mut self, ty: Type, dst: Gpr, src: Fpr) {
        self.e(Inst::MovFromVec { rd: wx(dst), rn: v(src), idx: 0, size: fsize(ty) });
    }

    fn float_of(&mut self, ty: Type, dst: Fpr, src: Gpr) {
        self.e(Inst::MovToFpu { rd: wv(dst), rn: x(src), size: fsize(ty) });
    }

    fn cmp(&mut self, cc: IntCC, ty: Type, a: Gpr, b: Rhs) -> Cond {
        self.compare(cc, ty, a, b)
    }

    fn cmp_mem(&mut self, cc: IntCC, ty: Type, mem: Mem, b: Rhs) -> Cond {
        self.compare_mem(cc, ty, mem, b)
    }

    fn fcmp(&mut self, cc: FloatCC, ty: Type, a: Fpr, b: FprMem) -> Cond {
        let b = self.freg(ty, b);
        self.e(Inst::FpuCmp { size: fsize(ty), rn: v(a), rm: v(b) });
        match cc {
            FloatCC::Eq => Cond::Eq,
            FloatCC::Ne => Cond::Ne,
            FloatCC::Lt => Cond::Mi,
            FloatCC::Nlt => Cond::Pl,
            FloatCC::Le => Cond::Ls,
            FloatCC::Nle => Cond::Hi,
            FloatCC::Gt => Cond::Gt,
            FloatCC::Ngt => Cond::Le,
            FloatCC::Ge => Cond::Ge,
            FloatCC::Nge => Cond::Lt,
            FloatCC::Ord => Cond::Vc,
            FloatCC::Uno => Cond::Vs,
        }
    }

    fn negate(cond: Cond) -> Cond {
        cond.invert()
    }

    fn set(&mut self, cond: Cond, dst: Gpr) {
        self.e(Inst::CSet { rd: wx(dst), cond });
    }

    fn select(&mut self, cond: Cond, dst: Gpr, yes: GprMem, no: Gpr) {
        let yes = self.reg(Type::I64, yes.into());
        self.e(Inst::CSel { rd: wx(dst), cond, rn: x(yes), rm: x(no) });
    }

    fn fselect(&mut self, cond: Cond, ty: Type, dst: Fpr, yes: FprMem, no: Fpr) {
        let yes = self.freg(ty, yes);
        match ty {
            Type::F32 => self.e(Inst::FpuCSel32 { rd: wv(dst), rn: v(yes), rm: v(no), cond }),
            _ => self.e(Inst::FpuCSel64 { rd: wv(dst), rn: v(yes), rm: v(no), cond }),
        }
    }

    fn jump(&mut self, label: Label) {
        self.e(Inst::Jump { dest: a64::BranchTarget::Label(mach(label)) });
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        self.side_exit(cond, mach(label));
    }

    fn branch(&mut self, cond: Cond, yes: Label, no: Label) {
        self.e(Inst::CondBr {
            taken: a64::BranchTarget::Label(mach(yes)),
            not_taken: a64::BranchTarget::Label(mach(no)),
            kind: a64::CondBrKind::Cond(cond),
        });
    }

    fn switch(&mut self, ty: Type, index: Gpr, tmp: Gpr, targets: &[Label], default: Label) {
        self.jump_table(ty, index, tmp, targets, default);
    }

    fn call(&mut self, target: Target) {
        self.leave(target, true);
    }

    fn jump_out(&mut self, target: Target) {
        self.leave(target, false);
    }

    fn ret(&mut self) {
        self.word(0xd65f_03c0);
    }

    fn trap(&mut self, code: u32) {
        self.traps.push((self.buf.cur_offset(), code));
        self.word(0x0000_c11f);
    }

    fn mem_add(&mut self, ty: Type, mem: Mem, value: Rhs) {
        self.add_to_memory(ty, mem, value);
    }

    fn count_down(&mut self, counter: u64) -> Cond {
        self.mov_imm(X17, counter);
        self.load_int(Type::I64, Extend::None, X16, Mem::at(X17, 0));
        self.alu_op(AluOp::Sub, Type::I64, X16, X16, Rhs::Imm(1), true);
        self.store_int(Type::I64, x(X16), Mem::at(X17, 0));
        Cond::Eq
    }

    fn atomic_add(&mut self, ty: Type, mem: Mem, value: Rhs, tmp: Option<Gpr>) {
        self.add_atomically(ty, mem, value, tmp);
    }

    fn atomic_fetch_add(&mut self, ty: Type, dst: Gpr, value: Gpr, mem: Mem, tmp: Option<Gpr>) {
        self.fetch_add(ty, dst, value, mem, tmp);
    }

    fn atomic_cas(&mut self, ty: Type, dst: Gpr, expected: Gpr, new: Gpr, mem: Mem) {
        self.compare_and_swap(ty, dst, expected, new, mem);
    }

    fn frame_pointer() -> Gpr {
        FP
    }

    fn stack_pointer() -> Gpr {
        SP
    }

    fn scratch() -> Gpr {
        X16
    }

    fn prologue(&mut self, frame: &FrameShape) {
        self.push_frame(frame);
    }

    fn epilogue(&mut self, frame: &FrameShape) {
        self.pop_frame(frame);
    }

    fn after_epilogue(&mut self) {
        self.cfi(CfiOp::RestoreState);
    }

    fn exit_stub(&mut self, id: u32, tail: Label) {
        self.stub(id, mach(tail));
    }

    fn exit_tail(&mut self, frame: &FrameShape) {
        self.tail(frame);
    }

    fn common_exit(&mut self, thread: Gpr, handler: u64) {
        self.common_exit_stub(thread, handler);
    }
}
