//! Instructions and addresses.

use super::ids::{CellId, FrameId, LocId, SigId, SymbolId, VReg};
use crate::op::Op;
use crate::types::{FloatCC, IntCC, Type};

/// What an address is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum AddrKind {
    /// A register, optionally plus a scaled index.
    Base,
    /// The pinned thread register.
    Thread,
    /// The frame pointer of the activation.
    Frame,
    /// The function's own stack area (see [`Function::stack_size`](super::Function::stack_size)).
    Stack,
    /// A data cell.
    Cell,
}

impl AddrKind {
    const fn from_bits(bits: u8) -> AddrKind {
        match bits & 7 {
            1 => AddrKind::Thread,
            2 => AddrKind::Frame,
            3 => AddrKind::Stack,
            4 => AddrKind::Cell,
            _ => AddrKind::Base,
        }
    }
}

/// An address: `base + (index << scale) + disp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Addr {
    /// What the address is relative to.
    pub kind: AddrKind,
    /// The base register of [`AddrKind::Base`].
    pub base: Option<VReg>,
    /// The index register; only with [`AddrKind::Base`].
    pub index: Option<VReg>,
    /// Binary logarithm of the factor of the index: 0 to 3.
    pub scale: u8,
    /// Displacement in bytes; for [`AddrKind::Cell`] the index of the cell.
    pub disp: i32,
}

impl Addr {
    /// `base + disp`.
    pub fn base(base: VReg, disp: i32) -> Addr {
        Addr { kind: AddrKind::Base, base: Some(base), index: None, scale: 0, disp }
    }

    /// `base + (index << scale) + disp`; `scale` is taken modulo 4.
    pub fn indexed(base: VReg, index: VReg, scale: u8, disp: i32) -> Addr {
        Addr { kind: AddrKind::Base, base: Some(base), index: Some(index), scale: scale & 3, disp }
    }

    /// `disp` bytes from where the thread register points.
    pub fn thread(disp: i32) -> Addr {
        Addr { kind: AddrKind::Thread, base: None, index: None, scale: 0, disp }
    }

    /// `disp` bytes from the frame pointer.
    pub fn frame(disp: i32) -> Addr {
        Addr { kind: AddrKind::Frame, base: None, index: None, scale: 0, disp }
    }

    /// `disp` bytes into the function's stack area.
    pub fn stack(disp: i32) -> Addr {
        Addr { kind: AddrKind::Stack, base: None, index: None, scale: 0, disp }
    }

    /// A data cell.
    pub fn cell(cell: CellId) -> Addr {
        Addr { kind: AddrKind::Cell, base: None, index: None, scale: 0, disp: cell.index() as i32 }
    }

    /// The data cell of [`AddrKind::Cell`].
    pub fn cell_id(&self) -> Option<CellId> {
        (self.kind == AddrKind::Cell).then(|| CellId::new(self.disp as u32 as usize))
    }
}

/// How an instruction's address and immediate are encoded: one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Mode(u8);

impl Mode {
    const INDEX: u8 = 8;
    const IMM: u8 = 64;

    pub(crate) fn of_addr(addr: &Addr) -> Mode {
        let index = if addr.index.is_some() { Self::INDEX } else { 0 };
        Mode(addr.kind as u8 | index | (addr.scale & 3) << 4)
    }

    pub(crate) fn with_imm(self, imm: bool) -> Mode {
        Mode(if imm { self.0 | Self::IMM } else { self.0 & !Self::IMM })
    }

    /// What the address is relative to.
    #[inline]
    pub fn kind(self) -> AddrKind {
        AddrKind::from_bits(self.0)
    }

    /// Whether the address has an index register.
    #[inline]
    pub fn has_index(self) -> bool {
        self.0 & Self::INDEX != 0
    }

    /// Binary logarithm of the factor of the index.
    #[inline]
    pub fn scale(self) -> u8 {
        self.0 >> 4 & 3
    }

    /// Whether the rhs operand is the instruction's immediate.
    #[inline]
    pub fn is_imm(self) -> bool {
        self.0 & Self::IMM != 0
    }

    /// How many registers the address takes.
    #[inline]
    pub fn addr_regs(self) -> usize {
        usize::from(self.kind() == AddrKind::Base) + usize::from(self.has_index())
    }
}

/// One instruction: 32 bytes, its operands in the function's pool.
///
/// The pool holds the results first, then the uses. The uses are, in this order: the address of an indirect call;
/// the values in the order of [`Shape`](crate::op::Shape) (the rhs only if it is not an immediate); the base and
/// the index of an address. Arguments of branches belong to the [edges](super::Edge) and values of frame states to
/// the [frame state](super::FrameState), not to the instruction's operands.
#[derive(Clone, Copy, Debug)]
pub struct Inst {
    /// The operation.
    pub op: Op,
    /// The type it works at; [`Type::I64`] where the operation has no type.
    pub ty: Type,
    pub(crate) cc: u8,
    /// Encoding of address and immediate.
    pub mode: Mode,
    /// Source location.
    pub loc: LocId,
    /// The immediate: a constant (floats as bits), the rhs, a symbol or cell id, a trap code, the bytes of
    /// `guard_stack`.
    pub imm: i64,
    pub(crate) operands: u32,
    pub(crate) defs: u16,
    pub(crate) uses: u16,
    pub(crate) frame: u32,
    pub(crate) aux: u32,
}

const NO_FRAME: u32 = u32::MAX;

impl Inst {
    /// An instruction without operands.
    pub(crate) fn new(op: Op, ty: Type) -> Inst {
        Inst {
            op,
            ty,
            cc: 0,
            mode: Mode::default(),
            loc: LocId::NONE,
            imm: 0,
            operands: 0,
            defs: 0,
            uses: 0,
            frame: NO_FRAME,
            aux: 0,
        }
    }

    /// Turns the instruction into `nop`.
    pub(crate) fn kill(&mut self) {
        let loc = self.loc;
        *self = Inst { loc, operands: self.operands, ..Inst::new(Op::Nop, Type::I64) };
    }

    /// The integer condition of comparing operations.
    #[inline]
    pub fn int_cc(&self) -> IntCC {
        IntCC::from_code(self.cc)
    }

    /// The floating-point condition of comparing operations.
    #[inline]
    pub fn float_cc(&self) -> FloatCC {
        FloatCC::from_code(self.cc)
    }

    /// Number of results.
    #[inline]
    pub fn num_defs(&self) -> usize {
        self.defs as usize
    }

    /// Number of values used.
    #[inline]
    pub fn num_uses(&self) -> usize {
        self.uses as usize
    }

    /// Displacement of the address; the offset of the limit for `guard_stack`.
    #[inline]
    pub fn disp(&self) -> i32 {
        self.aux as i32
    }

    /// The data cell of an address of kind [`AddrKind::Cell`].
    #[inline]
    pub fn addr_cell(&self) -> CellId {
        CellId::new(self.aux as usize)
    }

    /// The signature of calls and `args`.
    #[inline]
    pub fn sig(&self) -> SigId {
        SigId::new(self.aux as usize)
    }

    /// The symbol of direct calls and `sym_addr`.
    #[inline]
    pub fn symbol(&self) -> SymbolId {
        SymbolId::new(self.imm as u32 as usize)
    }

    /// The cell of `call_cell` and `tail_call_cell`.
    #[inline]
    pub fn call_cell(&self) -> CellId {
        CellId::new(self.imm as u32 as usize)
    }

    /// The frame state, if the instruction has one.
    #[inline]
    pub fn frame(&self) -> Option<FrameId> {
        (self.frame != NO_FRAME).then(|| FrameId::new(self.frame as usize))
    }

    pub(crate) fn set_frame(&mut self, frame: Option<FrameId>) {
        self.frame = frame.map_or(NO_FRAME, |f| f.index() as u32);
    }

    /// The rhs if it is an immediate.
    #[inline]
    pub fn imm_rhs(&self) -> Option<i64> {
        self.mode.is_imm().then_some(self.imm)
    }
}
