//! The macro assembler: one trait, an implementation for each machine.
//!
//! [`Masm`] speaks about machine registers and memory, at the level of LIR operations: each method emits the one
//! to ten instructions that the operation takes on the machine. What register allocation decided (which operand
//! sits where) comes in as arguments; implementations choose no registers besides the scratch registers that
//! `cinder_lir`'s machine description keeps from the allocator.

pub mod aarch64;
mod buffer;
pub mod x64;

use crate::reloc::{CfiRow, Ref, Reloc};
use cinder_lir::{FloatCC, IntCC, Type};

/// A general-purpose register by its hardware number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Gpr(pub u8);

/// A floating-point register by its hardware number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fpr(pub u8);

/// A branch target inside the function being assembled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label(pub(crate) u32);

/// An address: `base + index * 2^shift + disp`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    /// Where the address starts.
    pub base: Base,
    /// An index register and the binary logarithm of its scale (0 to 3).
    pub index: Option<(Gpr, u8)>,
    /// A displacement in bytes.
    pub disp: i32,
}

/// What an address starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// A register.
    Reg(Gpr),
    /// A data symbol within reach of the code (a data cell); such an address has no index.
    Symbol(Ref),
}

impl Mem {
    /// The address `base + disp`.
    pub const fn at(base: Gpr, disp: i32) -> Mem {
        Mem { base: Base::Reg(base), index: None, disp }
    }

    /// The address of a data symbol.
    pub const fn symbol(symbol: Ref) -> Mem {
        Mem { base: Base::Symbol(symbol), index: None, disp: 0 }
    }
}

/// An integer operand that may be in a register or in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GprMem {
    /// In a register.
    Reg(Gpr),
    /// In memory.
    Mem(Mem),
}

/// A floating-point operand that may be in a register or in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FprMem {
    /// In a register.
    Reg(Fpr),
    /// In memory.
    Mem(Mem),
}

/// A second integer operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rhs {
    /// In a register.
    Reg(Gpr),
    /// In memory.
    Mem(Mem),
    /// A constant of any size; implementations load what does not fit an instruction into a scratch register.
    Imm(i64),
}

impl From<GprMem> for Rhs {
    fn from(value: GprMem) -> Rhs {
        match value {
            GprMem::Reg(r) => Rhs::Reg(r),
            GprMem::Mem(m) => Rhs::Mem(m),
        }
    }
}

/// Two-operand integer operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AluOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
}

/// Shifts and rotations; counts are taken modulo the width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShiftOp {
    /// Left shift.
    Shl,
    /// Logical right shift.
    Shr,
    /// Arithmetic right shift.
    Sar,
    /// Left rotation.
    Rotl,
    /// Right rotation.
    Rotr,
}

/// One-operand integer operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    /// Negation.
    Neg,
    /// Complement.
    Not,
    /// Leading zeros.
    Clz,
    /// Trailing zeros.
    Ctz,
    /// Number of ones.
    Popcnt,
    /// Byte reversal.
    Bswap,
}

/// Two-operand floating-point operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
}

/// One-operand floating-point operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatUnaryOp {
    /// Sign flipped.
    Neg,
    /// Sign cleared.
    Abs,
    /// Square root.
    Sqrt,
    /// Rounded toward minus infinity.
    Floor,
    /// Rounded toward plus infinity.
    Ceil,
    /// Rounded toward zero.
    Trunc,
    /// Rounded to nearest, ties to even.
    Nearest,
}

/// Which result of a division is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DivKind {
    /// Signed quotient.
    Sdiv,
    /// Unsigned quotient.
    Udiv,
    /// Signed remainder.
    Srem,
    /// Unsigned remainder.
    Urem,
}

/// How a load from narrow memory fills its register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extend {
    /// The bits above the loaded width are undefined.
    None,
    /// Zero.
    Zero,
    /// Copies of the sign.
    Sign,
}

/// Where a call or jump out of the function goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A symbol, resolved at installation.
    Symbol(Ref),
    /// The address in a register.
    Reg(Gpr),
    /// The address held by memory.
    Mem(Mem),
}

/// Everything a finished assembler hands over.
#[derive(Debug, Default)]
pub struct Assembled {
    /// Code followed by its constants.
    pub code: Vec<u8>,
    /// Bytes of `code` that are instructions.
    pub code_len: u32,
    /// Places that depend on final addresses.
    pub relocs: Vec<Reloc>,
    /// Call frame information, in order of offsets.
    pub cfi: Vec<CfiRow>,
    /// Trap instructions and their codes, in order of offsets.
    pub traps: Vec<(u32, u32)>,
}

/// The frame that a prologue builds below the caller's return address: saved frame pointer, saved registers,
/// spill slots and outgoing arguments.
#[derive(Clone, Debug, Default)]
pub struct FrameShape {
    /// Callee-saved general-purpose registers to save, in the order of their slots.
    pub saved_gprs: Vec<Gpr>,
    /// Callee-saved floating-point registers to save (64 bits each), after the others.
    pub saved_fprs: Vec<Fpr>,
    /// Bytes below the saved registers (spill slots and outgoing arguments), such that the stack stays aligned.
    pub locals: u32,
}

impl FrameShape {
    /// Slots of eight bytes between the frame pointer and the first spill slot.
    pub fn saved_slots(&self) -> u32 {
        (self.saved_gprs.len() + self.saved_fprs.len()) as u32
    }
}

/// An assembler for one machine.
///
/// Operands of type `ty` occupy the low bits of registers; the bits above are undefined on input and output.
pub trait Masm: Sized {
    /// A condition left by a comparison (or by arithmetic), to be consumed before anything else changes flags.
    type Cond: Copy;

    /// A fresh assembler.
    fn new() -> Self;
    /// Bytes emitted so far. Offsets taken just after a branch may move back when the branch is folded.
    fn offset(&self) -> u32;
    /// A fresh label.
    fn label(&mut self) -> Label;
    /// Binds a label here.
    fn bind(&mut self, label: Label);
    /// The offset of a label bound earlier and not followed by folded branches; exact after [`finish`](Self::finish)
    /// only for labels passed to it.
    fn finish(self, labels: &[Label]) -> (Assembled, Vec<u32>);
    /// Must be called now and then (each block) so that machines with short branches can place veneers; `ahead` is
    /// an upper bound of the bytes emitted before the next call.
    fn checkpoint(&mut self, ahead: u32);

    /// Copies a general-purpose register (all 64 bits).
    fn mov(&mut self, dst: Gpr, src: Gpr);
    /// Loads a constant without touching flags.
    fn mov_imm(&mut self, dst: Gpr, value: u64);
    /// Copies a floating-point register.
    fn fmov(&mut self, dst: Fpr, src: Fpr);
    /// Loads a floating-point constant given by its bits.
    fn fconst(&mut self, ty: Type, dst: Fpr, bits: u64);
    /// The address of a symbol, anywhere.
    fn sym_addr(&mut self, dst: Gpr, symbol: Ref);
    /// The address itself.
    fn lea(&mut self, dst: Gpr, mem: Mem);
    /// Loads an integer.
    fn load(&mut self, ty: Type, extend: Extend, dst: Gpr, mem: Mem);
    /// Stores an integer.
    fn store(&mut self, ty: Type, src: Gpr, mem: Mem);
    /// Stores an integer constant.
    fn store_imm(&mut self, ty: Type, value: i64, mem: Mem);
    /// Loads a float.
    fn fload(&mut self, ty: Type, dst: Fpr, mem: Mem);
    /// Stores a float.
    fn fstore(&mut self, ty: Type, src: Fpr, mem: Mem);

    /// Integer arithmetic. On two-address machines `dst == a`.
    fn alu(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs);
    /// Sum or difference; the condition tells signed overflow.
    fn alu_overflow(&mut self, op: AluOp, ty: Type, dst: Gpr, a: Gpr, b: Rhs) -> Self::Cond;
    /// Product. On two-address machines `dst == a`, unless `b` is an immediate.
    fn mul(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs);
    /// Product; the condition tells signed overflow.
    fn mul_overflow(&mut self, ty: Type, dst: Gpr, a: GprMem, b: Rhs) -> Self::Cond;
    /// High half of a product, in the fixed registers of machines that have them.
    fn mul_high(&mut self, signed: bool, ty: Type, dst: Gpr, a: Gpr, b: GprMem);
    /// Shift or rotation; a variable count is in the count register of machines that have one.
    fn shift(&mut self, op: ShiftOp, ty: Type, dst: Gpr, a: Gpr, count: Rhs);
    /// Division: jumps to `zero` when `b` is zero and to `overflow` when a signed quotient overflows (remainders
    /// of the minimum by -1 are 0).
    fn div(&mut self, kind: DivKind, ty: Type, dst: Gpr, a: Gpr, b: GprMem, zero: Label, overflow: Label);
    /// One-operand integer arithmetic. `Neg`, `Not` and `Bswap` have `dst == src` on two-address machines.
    fn unary(&mut self, op: UnaryOp, ty: Type, dst: Gpr, src: Gpr);
    /// Sign or zero extension of the low `from` bits to `to`.
    fn extend(&mut self, signed: bool, to: Type, from: Type, dst: Gpr, src: GprMem);

    /// Floating-point arithmetic. On two-address machines `dst == a`.
    fn fbin(&mut self, op: FloatOp, ty: Type, dst: Fpr, a: Fpr, b: FprMem);
    /// One-operand floating-point arithmetic. `Neg` and `Abs` have `dst == src` on two-address machines.
    fn funary(&mut self, op: FloatUnaryOp, ty: Type, dst: Fpr, src: Fpr);
    /// A signed integer of type `ity` as a float.
    fn int_to_float(&mut self, fty: Type, ity: Type, dst: Fpr, src: Gpr);
    /// A float truncated to `ity` (`I32` or `I64`); the minimum for NaN and what is out of range.
    fn float_to_int(&mut self, ity: Type, fty: Type, dst: Gpr, src: Fpr);
    /// A float as a float of type `to`.
    fn fcvt(&mut self, to: Type, from: Type, dst: Fpr, src: Fpr);
    /// The bits of a float in a general-purpose register.
    fn bits_of(&mut self, ty: Type, dst: Gpr, src: Fpr);
    /// A float from its bits.
    fn float_of(&mut self, ty: Type, dst: Fpr, src: Gpr);

    /// Compares integers.
    fn cmp(&mut self, cc: IntCC, ty: Type, a: Gpr, b: Rhs) -> Self::Cond;
    /// Compares memory with an operand.
    fn cmp_mem(&mut self, cc: IntCC, ty: Type, mem: Mem, b: Rhs) -> Self::Cond;
    /// Compares floats.
    fn fcmp(&mut self, cc: FloatCC, ty: Type, a: Fpr, b: FprMem) -> Self::Cond;
    /// The opposite condition.
    fn negate(cond: Self::Cond) -> Self::Cond;
    /// 1 if the condition holds, else 0.
    fn set(&mut self, cond: Self::Cond, dst: Gpr);
    /// `dst = cond ? yes : no`. On two-address machines `dst == no`.
    fn select(&mut self, cond: Self::Cond, dst: Gpr, yes: GprMem, no: Gpr);
    /// `dst = cond ? yes : no` for floats. On two-address machines `dst == no`.
    fn fselect(&mut self, cond: Self::Cond, ty: Type, dst: Fpr, yes: FprMem, no: Fpr);

    /// Goes to a label; folded away when the label comes next.
    fn jump(&mut self, label: Label);
    /// Goes to a label if the condition holds: a side exit, never folded.
    fn jump_if(&mut self, cond: Self::Cond, label: Label);
    /// Goes to one of two labels; jumps to the label that comes next are folded away.
    fn branch(&mut self, cond: Self::Cond, yes: Label, no: Label);
    /// Goes to `targets[index]`, or to `default` when `index` is out of range. May clobber `index` and `tmp`.
    fn switch(&mut self, ty: Type, index: Gpr, tmp: Gpr, targets: &[Label], default: Label);
    /// Calls; the return address is [`offset`](Self::offset) after it.
    fn call(&mut self, target: Target);
    /// Jumps out of the function, after [`epilogue`](Self::epilogue).
    fn jump_out(&mut self, target: Target);
    /// Returns.
    fn ret(&mut self);
    /// Stops the program; `code` is recorded at this offset.
    fn trap(&mut self, code: u32);

    /// Adds to memory, not atomically.
    fn mem_add(&mut self, ty: Type, mem: Mem, value: Rhs);
    /// Takes one from the 64-bit counter at an address; the condition holds when it reaches zero.
    fn count_down(&mut self, counter: u64) -> Self::Cond;
    /// Adds to memory atomically. Machines that loop need the temporary.
    fn atomic_add(&mut self, ty: Type, mem: Mem, value: Rhs, tmp: Option<Gpr>);
    /// Adds atomically; `dst` is the value before. On two-address machines `dst == value`, others need the temporary.
    fn atomic_fetch_add(&mut self, ty: Type, dst: Gpr, value: Gpr, mem: Mem, tmp: Option<Gpr>);
    /// Compare and swap; `dst` is the value before, `dst == expected` on machines with a fixed register.
    fn atomic_cas(&mut self, ty: Type, dst: Gpr, expected: Gpr, new: Gpr, mem: Mem);

    /// The frame pointer.
    fn frame_pointer() -> Gpr;
    /// The stack pointer.
    fn stack_pointer() -> Gpr;
    /// A scratch register that the allocator never hands out.
    fn scratch() -> Gpr;
    /// Builds a frame and records its call frame information.
    fn prologue(&mut self, frame: &FrameShape);
    /// Takes the frame down and records the call frame information; must be followed by [`ret`](Self::ret) or
    /// [`jump_out`](Self::jump_out) and then [`after_epilogue`](Self::after_epilogue).
    fn epilogue(&mut self, frame: &FrameShape);
    /// Restores the call frame information of the body after a return.
    fn after_epilogue(&mut self);
    /// The stub of one exit: hands its number to the function's exit tail. At most 15 bytes.
    fn exit_stub(&mut self, id: u32, tail: Label);
    /// What all exits of a function share: calls the common stub with the number of the exit and that of the
    /// function (a relocation), then returns what the exit handler chose.
    fn exit_tail(&mut self, frame: &FrameShape);
    /// The stub behind all exits of all functions: saves the registers and calls the handler, which is an
    /// [`ExitHandler`](crate::space::ExitHandler).
    fn common_exit(&mut self, thread: Gpr, handler: u64);
}
