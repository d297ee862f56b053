//! x86-64: `MachBuffer` for labels and fixups, the typed assembler for encoding.

mod float;
mod flow;
mod frame;
mod int;
mod memory;
mod sink;

pub use frame::{dwarf_fpr, dwarf_gpr};

use super::buffer::{finish_buffer, mach};
use super::{
    AluOp, Assembled, Base, DivKind, Extend, FloatOp, FloatUnaryOp, Fpr, FprMem, FrameShape, Gpr, GprMem, Label, Masm,
    Mem, Rhs, ShiftOp, Target, UnaryOp,
};
use crate::reloc::{CfiOp, CfiRow, Ref, Reloc, RelocKind};
use cinder_lir::{FloatCC, IntCC, Type};
use cranelift_assembler_x64 as asm;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::x64::Inst;
use cranelift_codegen::{MachBuffer, MachInst, MachLabel};

/// Names of the general-purpose registers.
pub mod regs {
    use crate::masm::{Fpr, Gpr};
    /// Accumulator: return value, dividend.
    pub const RAX: Gpr = Gpr(0);
    /// Shift count, fourth argument.
    pub const RCX: Gpr = Gpr(1);
    /// High half of products and dividends, third argument.
    pub const RDX: Gpr = Gpr(2);
    /// Stack pointer.
    pub const RSP: Gpr = Gpr(4);
    /// Frame pointer.
    pub const RBP: Gpr = Gpr(5);
    /// Scratch register of the assembler.
    pub const R11: Gpr = Gpr(11);
    /// Floating-point scratch register of the assembler.
    pub const XMM15: Fpr = Fpr(15);
}

/// Register types of the typed assembler: hardware numbers throughout.
#[derive(Clone, Debug)]
pub(crate) struct Regs;

impl asm::Registers for Regs {
    type ReadGpr = u8;
    type ReadWriteGpr = u8;
    type WriteGpr = u8;
    type ReadXmm = u8;
    type ReadWriteXmm = u8;
    type WriteXmm = u8;
}

type LabelUse = <Inst as MachInst>::LabelUse;

/// A condition: one flag test, or the two that an IEEE equality needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cond {
    /// The condition code of `jcc`, `setcc` and `cmovcc`.
    Flag(u8),
    /// Not parity and zero: ordered and equal.
    OrderedEqual,
    /// Parity or not zero: unordered or different.
    UnorderedNotEqual,
}

pub(crate) mod cc {
    pub(crate) const O: u8 = 0;
    pub(crate) const B: u8 = 2;
    pub(crate) const AE: u8 = 3;
    pub(crate) const E: u8 = 4;
    pub(crate) const NE: u8 = 5;
    pub(crate) const BE: u8 = 6;
    pub(crate) const A: u8 = 7;
    pub(crate) const P: u8 = 10;
    pub(crate) const NP: u8 = 11;
    pub(crate) const L: u8 = 12;
    pub(crate) const GE: u8 = 13;
    pub(crate) const LE: u8 = 14;
    pub(crate) const G: u8 = 15;
}

/// The x86-64 assembler.
pub struct X64Masm {
    /// Boxed: it is several kilobytes large, and assemblers are moved around.
    buf: Box<MachBuffer<Inst>>,
    control: ControlPlane,
    relocs: Vec<Reloc>,
    cfi: Vec<CfiRow>,
    traps: Vec<(u32, u32)>,
    /// Constants placed after the code: bits, whether 16-byte aligned, label.
    pool: Vec<(u64, bool, MachLabel)>,
    /// Where the code that all exits share starts, once it is out.
    exit_tail: Option<u32>,
    features: Features,
}

/// Instruction set extensions beyond x86-64-v2 that shorten some sequences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// `lzcnt` and `tzcnt`.
    pub bit_counts: bool,
}

impl Features {
    /// What the running processor has.
    pub fn detect() -> Features {
        #[cfg(target_arch = "x86_64")]
        return Features {
            bit_counts: std::arch::is_x86_feature_detected!("lzcnt") && std::arch::is_x86_feature_detected!("bmi1"),
        };
        #[cfg(not(target_arch = "x86_64"))]
        Features { bit_counts: true }
    }
}

/// Emits one typed instruction.
macro_rules! emit {
    ($self:ident, $name:ident ( $($arg:expr),* )) => {{
        let inst = cranelift_assembler_x64::inst::$name::<$crate::masm::x64::Regs>::new($($arg),*);
        inst.encode(&mut $crate::masm::x64::sink::Sink(&mut $self.buf));
    }};
}

/// Emits one typed instruction that has no register operands.
macro_rules! emit_plain {
    ($self:ident, $name:ident ( $($arg:expr),* )) => {{
        let inst = cranelift_assembler_x64::inst::$name::new($($arg),*);
        inst.encode(&mut $crate::masm::x64::sink::Sink(&mut $self.buf));
    }};
}

/// Emits the form of an instruction for an integer type, each arm naming the instruction of one width.
macro_rules! sized {
    ($self:ident, $ty:expr, ($b:ident, $w:ident, $l:ident, $q:ident), $($arg:expr),*) => {
        match $ty {
            cinder_lir::Type::I8 => $crate::masm::x64::emit!($self, $b($($arg),*)),
            cinder_lir::Type::I16 => $crate::masm::x64::emit!($self, $w($($arg),*)),
            cinder_lir::Type::I64 | cinder_lir::Type::F64 => $crate::masm::x64::emit!($self, $q($($arg),*)),
            _ => $crate::masm::x64::emit!($self, $l($($arg),*)),
        }
    };
}
pub(crate) use {emit, emit_plain, sized};

impl X64Masm {
    /// An assembler for a processor with these features, for tests.
    pub fn with_features(features: Features) -> X64Masm {
        X64Masm {
            buf: Box::new(MachBuffer::new()),
            control: ControlPlane::default(),
            relocs: Vec::new(),
            cfi: Vec::with_capacity(16),
            traps: Vec::new(),
            pool: Vec::new(),
            exit_tail: None,
            features,
        }
    }

    /// The operand of the typed assembler for an address, and a relocation to record once the instruction is out.
    fn amode(&self, mem: Mem) -> (asm::Amode<u8>, Option<Ref>) {
        let mode = match (mem.base, mem.index) {
            (Base::Symbol(_), _) => asm::Amode::RipRelative { target: asm::DeferredTarget::None },
            (Base::Reg(base), None) => asm::Amode::ImmReg {
                base: base.0,
                simm32: asm::AmodeOffsetPlusKnownOffset { simm32: asm::AmodeOffset::new(mem.disp), offset: None },
                trap: None,
            },
            (Base::Reg(base), Some((index, shift))) => asm::Amode::ImmRegRegShift {
                base: base.0,
                index: asm::NonRspGpr::new(index.0),
                scale: asm::Scale::new(shift & 3),
                simm32: asm::AmodeOffset::new(mem.disp),
                trap: None,
            },
        };
        let symbol = match mem.base {
            Base::Symbol(symbol) => Some(symbol),
            Base::Reg(_) => None,
        };
        (mode, symbol)
    }

    /// Records the relocation of an instruction just emitted, whose distance field is followed by `after` bytes.
    fn data_reloc(&mut self, symbol: Option<Ref>, disp: i32, after: u32) {
        if let Some(symbol) = symbol {
            let offset = self.buf.cur_offset() - 4 - after;
            let addend = disp.wrapping_sub(4 + after as i32);
            // The assembler leaves a correction in the field that the relocation overwrites.
            self.relocs.push(Reloc { offset, kind: RelocKind::X64Rel4, symbol, addend });
        }
    }

    fn gpr_mem(&self, operand: GprMem) -> (asm::GprMem<u8, u8>, Option<(Ref, i32)>) {
        match operand {
            GprMem::Reg(r) => (asm::GprMem::Gpr(r.0), None),
            GprMem::Mem(m) => {
                let (mode, symbol) = self.amode(m);
                (asm::GprMem::Mem(mode), symbol.map(|s| (s, m.disp)))
            }
        }
    }

    fn fpr_mem(&self, operand: FprMem) -> (asm::XmmMem<u8, u8>, Option<(Ref, i32)>) {
        match operand {
            FprMem::Reg(r) => (asm::XmmMem::Xmm(r.0), None),
            FprMem::Mem(m) => {
                let (mode, symbol) = self.amode(m);
                (asm::XmmMem::Mem(mode), symbol.map(|s| (s, m.disp)))
            }
        }
    }

    fn fix(&mut self, symbol: Option<(Ref, i32)>, after: u32) {
        if let Some((symbol, disp)) = symbol {
            self.data_reloc(Some(symbol), disp, after);
        }
    }

    /// The address of a constant in the pool behind the code.
    fn constant(&mut self, bits: u64, wide: bool) -> asm::Amode<u8> {
        let known = self.pool.iter().find(|c| c.0 == bits && c.1 == wide).map(|c| c.2);
        let label = known.unwrap_or_else(|| {
            let label = self.buf.get_label();
            self.pool.push((bits, wide, label));
            label
        });
        asm::Amode::RipRelative { target: asm::DeferredTarget::Label(asm::Label(label.as_u32())) }
    }

    fn bind_mach(&mut self, label: MachLabel) {
        self.buf.bind_label(label, &mut self.control);
    }

    fn cfi(&mut self, op: CfiOp) {
        let offset = self.buf.cur_offset();
        self.cfi.push(CfiRow { offset, op });
    }
}

impl Masm for X64Masm {
    type Cond = Cond;

    fn new() -> X64Masm {
        X64Masm::with_features(Features::detect())
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
        let mut pool = std::mem::take(&mut self.pool);
        pool.sort_by_key(|c| !c.1);
        for (bits, wide, label) in pool {
            self.buf.align_to(if wide { 16 } else { 8 });
            self.bind_mach(label);
            self.buf.put8(bits);
            if wide {
                self.buf.put8(0);
            }
        }
        let (code, offsets) = finish_buffer(*self.buf, &mut self.control, labels);
        let assembled = Assembled { code, code_len, relocs: self.relocs, cfi: self.cfi, traps: self.traps };
        (assembled, offsets)
    }

    fn checkpoint(&mut self, _ahead: u32) {}

    fn mov(&mut self, dst: Gpr, src: Gpr) {
        emit!(self, movq_mr(dst.0, src.0));
    }

    fn mov_imm(&mut self, dst: Gpr, value: u64) {
        if u32::try_from(value).is_ok() {
            emit!(self, movl_oi(dst.0, value as u32));
        } else if let Ok(small) = i32::try_from(value as i64) {
            emit!(self, movq_mi_sxl(dst.0, small));
        } else {
            emit!(self, movabsq_oi(dst.0, value));
        }
    }

    fn fmov(&mut self, dst: Fpr, src: Fpr) {
        emit!(self, movaps_a(dst.0, src.0));
    }

    fn fconst(&mut self, ty: Type, dst: Fpr, bits: u64) {
        if bits == 0 {
            emit!(self, xorps_a(dst.0, dst.0));
        } else if ty == Type::F32 {
            let mode = self.constant(bits & 0xffff_ffff, false);
            emit!(self, movss_a_m(dst.0, mode));
        } else {
            let mode = self.constant(bits, false);
            emit!(self, movsd_a_m(dst.0, mode));
        }
    }

    fn sym_addr(&mut self, dst: Gpr, symbol: Ref) {
        emit!(self, movabsq_oi(dst.0, 0u64));
        let offset = self.buf.cur_offset() - 8;
        self.relocs.push(Reloc { offset, kind: RelocKind::Abs8, symbol, addend: 0 });
    }

    fn lea(&mut self, dst: Gpr, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        emit!(self, leaq_rm(dst.0, mode));
        self.data_reloc(symbol, mem.disp, 0);
    }

    fn load(&mut self, ty: Type, extend: Extend, dst: Gpr, mem: Mem) {
        self.load_int(ty, extend, dst, mem);
    }

    fn store(&mut self, ty: Type, src: Gpr, mem: Mem) {
        self.store_int(ty, src, mem);
    }

    fn store_imm(&mut self, ty: Type, value: i64, mem: Mem) {
        self.store_constant(ty, value, mem);
    }

    fn fload(&mut self, ty: Type, dst: Fpr, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        match ty {
            Type::F32 => emit!(self, movss_a_m(dst.0, mode)),
            _ => emit!(self, movsd_a_m(dst.0, mode)),
        }
        self.data_reloc(symbol, mem.disp, 0);
    }

    fn fstore(&mut self, ty: Type, src: Fpr, mem: Mem) {
        let (mode, symbol) = self.amode(mem);
        match ty {
            Type::F32 => emit!(self, movss_c_m(mode, src.0)),
            _ => emit!(self, movsd_c_m(mode, src.0)),
        }
        self.data_reloc(symbol, mem.disp, 0);
    }

    fn alu(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs) {
        debug_assert_eq!(dst, a, "two-address arithmetic");
        // The bits above the width are undefined, so narrow arithmetic may work on 32 bits, which avoids operand
        // size prefixes; memory operands must keep their width.
        let ty = match b {
            Rhs::Mem(_) => ty,
            _ if ty == Type::I64 => ty,
            _ => Type::I32,
        };
        self.alu_op(op, ty, dst, b);
    }

    fn alu_overflow(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs) -> Cond {
        debug_assert_eq!(dst, a, "two-address arithmetic");
        self.alu_op(op, ty, dst, b);
        Cond::Flag(cc::O)
    }

    fn mul(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) {
        self.imul(ty, dst, a, b);
    }

    fn mul_overflow(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) -> Cond {
        if ty == Type::I8 { self.imul8(dst, a, b) } else { self.imul_exact(ty, dst, a, b) }
    }

    fn mul_high(&mut self, signed: bool, ty: Type, dst: Gpr, a: Gpr, b: GprMem) {
        self.mul_high_fixed(signed, ty, dst, a, b);
    }

    fn shift(&mut self, op: ShiftOp, ty: Type, dst: Gpr, a: Gpr, count: Rhs) {
        debug_assert_eq!(dst, a, "two-address arithmetic");
        self.shift_op(op, ty, dst, count);
    }

    fn div(&mut self, kind: DivKind, ty: Type, dst: Gpr, a: Gpr, b: GprMem, zero: Label, overflow: Label) {
        self.divide(kind, ty, dst, a, b, zero, overflow);
    }

    fn unary(&mut self, op: UnaryOp, ty: Type, dst: Gpr, src: Gpr) {
        self.unary_op(op, ty, dst, src);
    }

    fn extend(&mut self, signed: bool, to: Type, from: Type, dst: Gpr, src: GprMem) {
        self.extend_int(signed, to, from, dst, src);
    }

    fn fbin(&mut self, op: FloatOp, ty: Type, dst: Fpr, a: Fpr, b: FprMem) {
        debug_assert_eq!(dst, a, "two-address arithmetic");
        self.float_op(op, ty, dst, b);
    }

    fn funary(&mut self, op: FloatUnaryOp, ty: Type, dst: Fpr, src: Fpr) {
        self.float_unary(op, ty, dst, src);
    }

    fn int_to_float(&mut self, fty: Type, ity: Type, dst: Fpr, src: Gpr) {
        self.convert_int(fty, ity, dst, src);
    }

    fn float_to_int(&mut self, ity: Type, fty: Type, dst: Gpr, src: Fpr) {
        match (fty, ity) {
            (Type::F32, Type::I64) => emit!(self, cvttss2si_aq(dst.0, src.0)),
            (Type::F32, _) => emit!(self, cvttss2si_a(dst.0, src.0)),
            (_, Type::I64) => emit!(self, cvttsd2si_aq(dst.0, src.0)),
            _ => emit!(self, cvttsd2si_a(dst.0, src.0)),
        }
    }

    fn fcvt(&mut self, to: Type, from: Type, dst: Fpr, src: Fpr) {
        match (to, from) {
            (Type::F64, Type::F32) => emit!(self, cvtss2sd_a(dst.0, src.0)),
            (Type::F32, Type::F64) => emit!(self, cvtsd2ss_a(dst.0, src.0)),
            _ => self.fmov(dst, src),
        }
    }

    fn bits_of(&mut self, ty: Type, dst: Gpr, src: Fpr) {
        match ty {
            Type::F32 => emit!(self, movd_b(dst.0, src.0)),
            _ => emit!(self, movq_b(dst.0, src.0)),
        }
    }

    fn float_of(&mut self, ty: Type, dst: Fpr, src: Gpr) {
        match ty {
            Type::F32 => emit!(self, movd_a(dst.0, src.0)),
            _ => emit!(self, movq_a(dst.0, src.0)),
        }
    }

    fn cmp(&mut self, cond: IntCC, ty: Type, a: Gpr, b: Rhs) -> Cond {
        self.compare(cond, ty, a, b)
    }

    fn cmp_mem(&mut self, cond: IntCC, ty: Type, mem: Mem, b: Rhs) -> Cond {
        self.compare_mem(cond, ty, mem, b)
    }

    fn fcmp(&mut self, cond: FloatCC, ty: Type, a: Fpr, b: FprMem) -> Cond {
        self.compare_floats(cond, ty, a, b)
    }

    fn negate(cond: Cond) -> Cond {
        match cond {
            Cond::Flag(code) => Cond::Flag(code ^ 1),
            Cond::OrderedEqual => Cond::UnorderedNotEqual,
            Cond::UnorderedNotEqual => Cond::OrderedEqual,
        }
    }

    fn set(&mut self, cond: Cond, dst: Gpr) {
        self.set_cond(cond, dst);
    }

    fn select(&mut self, cond: Cond, dst: Gpr, yes: GprMem, no: Gpr) {
        debug_assert_eq!(dst, no, "two-address select");
        self.select_int(cond, dst, yes);
    }

    fn fselect(&mut self, cond: Cond, ty: Type, dst: Fpr, yes: FprMem, no: Fpr) {
        debug_assert_eq!(dst, no, "two-address select");
        self.select_float(cond, ty, dst, yes);
    }

    fn jump(&mut self, label: Label) {
        self.jump_label(mach(label));
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        self.side_exit(cond, mach(label));
    }

    fn branch(&mut self, cond: Cond, yes: Label, no: Label) {
        self.branch_labels(cond, mach(yes), mach(no));
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
        emit_plain!(self, retq_zo());
    }

    fn trap(&mut self, code: u32) {
        self.traps.push((self.buf.cur_offset(), code));
        emit_plain!(self, ud2_zo(asm::TrapCode(std::num::NonZeroU8::MIN)));
    }

    fn mem_add(&mut self, ty: Type, mem: Mem, value: Rhs) {
        self.add_to_memory(ty, mem, value, false);
    }

    fn count_down(&mut self, counter: u64) -> Cond {
        self.mov_imm(regs::R11, counter);
        self.add_to_memory(Type::I64, Mem::at(regs::R11, 0), Rhs::Imm(-1), false);
        Cond::Flag(cc::E)
    }

    fn atomic_add(&mut self, ty: Type, mem: Mem, value: Rhs, _tmp: Option<Gpr>) {
        self.add_to_memory(ty, mem, value, true);
    }

    fn atomic_fetch_add(&mut self, ty: Type, dst: Gpr, value: Gpr, mem: Mem, _tmp: Option<Gpr>) {
        debug_assert_eq!(dst, value, "xadd exchanges in place");
        self.exchange_add(ty, dst, mem);
    }

    fn atomic_cas(&mut self, ty: Type, dst: Gpr, expected: Gpr, new: Gpr, mem: Mem) {
        debug_assert!(dst == regs::RAX && expected == regs::RAX, "cmpxchg compares rax");
        self.compare_exchange(ty, new, mem);
    }

    fn frame_pointer() -> Gpr {
        regs::RBP
    }

    fn stack_pointer() -> Gpr {
        regs::RSP
    }

    fn scratch() -> Gpr {
        regs::R11
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
        match i8::try_from(id) {
            Ok(small) => emit_plain!(self, pushq_i8(small)),
            Err(_) => emit_plain!(self, pushq_i32(id as i32)),
        }
        let here = i64::from(self.buf.cur_offset());
        match self.exit_tail.map(|at| i64::from(at) - here) {
            Some(distance) if i8::try_from(distance - 2).is_ok() => emit_plain!(self, jmp_d8(distance as i8 - 2)),
            Some(distance) => emit_plain!(self, jmp_d32(distance as i32 - 5)),
            None => self.jump_near(mach(tail)),
        }
    }

    fn exit_tail(&mut self, frame: &FrameShape) {
        self.exit_tail = Some(self.buf.cur_offset());
        emit_plain!(self, pushq_i32(0));
        let offset = self.buf.cur_offset() - 4;
        self.relocs.push(Reloc { offset, kind: RelocKind::Abs4, symbol: Ref::Function, addend: 0 });
        self.leave(Target::Symbol(Ref::Exit), true);
        self.pop_frame(frame);
        self.ret();
        self.after_epilogue();
    }

    fn common_exit(&mut self, thread: Gpr, handler: u64) {
        self.common_exit_stub(thread, handler);
    }
}
