//! The 8-byte instruction word and its operand fields.

use super::{Field, Opcode};

/// Constant `i` is operand value `CONST_BASE + i`.
pub const CONST_BASE: i16 = 0x4000;
/// Constants with an index below this can be operands; others go through `LoadConst`.
pub const MAX_NEAR_CONSTS: u32 = 0x4000;
/// Locals with an index below this can be operands; others go through `LoadFar` and its like.
pub const MAX_NEAR_LOCALS: u32 = 0x8000;
/// A code object has at most this many temporaries.
pub const MAX_TEMPS: u32 = 0x4000;

/// One instruction: bits 0 to 15 the opcode, 16 to 31 `a`, 32 to 47 `b`, 48 to 63 `c`; `bx` is `b` and `c` together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Insn(pub u64);

impl Insn {
    /// An instruction with three 16-bit fields.
    #[inline]
    pub const fn abc(op: Opcode, a: u16, b: u16, c: u16) -> Insn {
        Insn(op as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// An instruction with a 16-bit and a 32-bit field.
    #[inline]
    pub const fn abx(op: Opcode, a: u16, bx: u32) -> Insn {
        Insn(op as u64 | (a as u64) << 16 | (bx as u64) << 32)
    }

    /// The opcode number; verified code has only numbers below [`Opcode::COUNT`].
    #[inline]
    pub const fn op_number(self) -> u16 {
        self.0 as u16
    }

    /// The opcode, or `None` if the number has none.
    #[inline]
    pub fn op(self) -> Option<Opcode> {
        Opcode::from_u16(self.op_number())
    }

    /// Field `a`.
    #[inline]
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Field `b`.
    #[inline]
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Field `c`.
    #[inline]
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Fields `b` and `c` as one number.
    #[inline]
    pub const fn bx(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Fields `b` and `c` as one signed number: a jump distance from the next instruction.
    #[inline]
    pub const fn sbx(self) -> i32 {
        (self.0 >> 32) as i32
    }

    /// The value of `field`, zero-extended.
    #[inline]
    pub const fn field(self, field: Field) -> u32 {
        match field {
            Field::a => self.a() as u32,
            Field::b => self.b() as u32,
            Field::c => self.c() as u32,
            Field::bx => self.bx(),
        }
    }

    /// The same instruction with another `bx`.
    #[inline]
    pub const fn with_bx(self, bx: u32) -> Insn {
        Insn(self.0 & 0xffff_ffff | (bx as u64) << 32)
    }
}

/// A decoded register or constant operand.
///
/// As an `i16` the field is an offset from the frame's base pointer, which stands between locals and temporaries:
/// negative for locals, `0..0x4000` for temporaries, and from [`CONST_BASE`] on for constants. So `x < 0` asks "is
/// there an old value to drop" of a destination, and `0 <= x < CONST_BASE` asks "is this consumed" of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Local of this number (0 is the first parameter).
    Local(u16),
    /// Temporary of this number.
    Temp(u16),
    /// Constant of this index.
    Const(u16),
}

impl Operand {
    /// The field value for this operand in a code object with `near` near locals.
    #[inline]
    pub const fn encode(self, near: u32) -> u16 {
        match self {
            Operand::Local(i) => (i as i32 - near as i32) as i16 as u16,
            Operand::Temp(i) => i,
            Operand::Const(i) => CONST_BASE as u16 + i,
        }
    }

    /// Decodes a field value; `None` if it is a local outside `0..near`.
    #[inline]
    pub const fn decode(field: u16, near: u32) -> Option<Operand> {
        let x = field as i16;
        if x < 0 {
            let local = near as i32 + x as i32;
            if local < 0 { None } else { Some(Operand::Local(local as u16)) }
        } else if x < CONST_BASE {
            Some(Operand::Temp(x as u16))
        } else {
            Some(Operand::Const((x - CONST_BASE) as u16))
        }
    }
}

impl std::fmt::Debug for Insn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.op() {
            Some(op) => write!(f, "{op}({:#x}, {:#x}, {:#x})", self.a(), self.b(), self.c()),
            None => write!(f, "Insn({:#018x})", self.0),
        }
    }
}
