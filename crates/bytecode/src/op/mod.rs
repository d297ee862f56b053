//! Opcodes, their operands and the numbered arguments some of them take.

mod args;
mod insn;
mod table;

pub use args::{AwaitSite, CommonConst, Conversion, FunctionAttr, SpecialMethod};
pub use insn::{CONST_BASE, Insn, MAX_NEAR_CONSTS, MAX_NEAR_LOCALS, MAX_TEMPS, Operand};

use std::fmt;
use std::str::FromStr;

/// What an operand field holds and what the instruction does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// A register that is written: a local (its old content is dropped after the store) or a dead temporary.
    Dst,
    /// A temporary that is written.
    DstTmp,
    /// A value: local or constant (borrowed) or temporary (consumed).
    Use,
    /// A value that is only looked at: a temporary stays live.
    Peek,
    /// A temporary that is consumed.
    Tmp,
    /// A temporary that is read and stays live.
    Keep,
    /// A temporary that is consumed and written again; dead if the instruction raises.
    InOut,
    /// A local, bound or not.
    Local,
    /// A local that holds a cell.
    Cell,
    /// The first of several consecutive temporaries; the opcode says how many and what happens to them.
    Win,
    /// A number of registers, items or arguments.
    Count,
    /// A number whose meaning the opcode gives.
    Imm,
    /// An index into the code's names, 16 bits.
    Name16,
    /// A distance in instructions from the next instruction, forward.
    Skip,
    /// An index into the code's constants, 32 bits.
    Const32,
    /// An index into the code's names, 32 bits.
    Name32,
    /// A signed distance in instructions from the next instruction, 32 bits.
    Jump32,
    /// The number of a far local, 32 bits.
    Far32,
    /// A number whose meaning the opcode gives, 32 bits.
    Imm32,
}

/// The fields of an instruction word an operand can sit in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(non_camel_case_types, reason = "named after the bits")]
pub enum Field {
    /// Bits 16 to 31.
    a,
    /// Bits 32 to 47.
    b,
    /// Bits 48 to 63.
    c,
    /// Bits 32 to 63.
    bx,
}

/// Properties of an opcode, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct OpFlags(u16);

impl OpFlags {
    /// May raise an exception of its own, without running Python code.
    pub const RAISES: OpFlags = OpFlags(1);
    /// May run any Python code, and so may raise anything. (Dropping a value may run a finaliser in any instruction.)
    pub const PY: OpFlags = OpFlags(2);
    /// Goes to its `Jump32` target unconditionally.
    pub const JUMP: OpFlags = OpFlags(4);
    /// Goes to its `Jump32` target or to the next instruction.
    pub const BRANCH: OpFlags = OpFlags(8);
    /// Goes to the next instruction, always a `Jump`, or to the one after it.
    pub const SKIPS: OpFlags = OpFlags(16);
    /// Never goes to the next instruction.
    pub const ENDS: OpFlags = OpFlags(32);
    /// The next word is an `Extra` that belongs to this instruction.
    pub const EXTRA: OpFlags = OpFlags(64);
    /// Suspends the frame.
    pub const SUSPENDS: OpFlags = OpFlags(128);
    /// May push the frame of a Python function; its result arrives in `a` when that returns.
    pub const CALLS: OpFlags = OpFlags(256);
    /// Jumps backward; every other jump goes forward.
    pub const BACK: OpFlags = OpFlags(512);

    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn contains(self, other: OpFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the instruction may raise by itself (finalisers of dropped values never raise).
    #[inline]
    pub const fn may_raise(self) -> bool {
        self.0 & (Self::RAISES.0 | Self::PY.0) != 0
    }

    #[inline]
    const fn union(self, other: OpFlags) -> OpFlags {
        OpFlags(self.0 | other.0)
    }
}

/// One row of the opcode table.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The opcode.
    pub op: Opcode,
    /// Its name, as disassembly shows it.
    pub name: &'static str,
    /// Its operands in the order a, b, c (or a, bx).
    pub operands: &'static [(Field, OperandKind)],
    /// Its properties.
    pub flags: OpFlags,
    /// What it does, in words.
    pub doc: &'static str,
}

macro_rules! flag {
    (raises) => {
        OpFlags::RAISES
    };
    (py) => {
        OpFlags::PY
    };
    (jump) => {
        OpFlags::JUMP
    };
    (branch) => {
        OpFlags::BRANCH
    };
    (skips) => {
        OpFlags::SKIPS
    };
    (ends) => {
        OpFlags::ENDS
    };
    (extra) => {
        OpFlags::EXTRA
    };
    (suspends) => {
        OpFlags::SUSPENDS
    };
    (calls) => {
        OpFlags::CALLS
    };
    (back) => {
        OpFlags::BACK
    };
}

macro_rules! define {
    ($($(#[doc = $doc:literal])+ $name:ident ($($field:ident : $kind:ident),*) [$($flag:ident)*];)*) => {
        /// The operation of an instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Opcode {
            $($(#[doc = $doc])+ $name,)*
        }

        static TABLE: &[OpInfo] = &[
            $(OpInfo {
                op: Opcode::$name,
                name: stringify!($name),
                operands: &[$((Field::$field, OperandKind::$kind)),*],
                flags: OpFlags(0)$(.union(flag!($flag)))*,
                doc: concat!($($doc),+),
            },)*
        ];
    };
}

crate::for_each_opcode!(define);

impl Opcode {
    /// The number of opcodes; valid opcode numbers are below it.
    pub const COUNT: usize = TABLE.len();

    /// The opcode of this number, if there is one.
    #[inline]
    pub fn from_u16(number: u16) -> Option<Opcode> {
        TABLE.get(number as usize).map(|info| info.op)
    }

    /// The table row of this opcode.
    #[inline]
    pub fn info(self) -> &'static OpInfo {
        &TABLE[self as usize]
    }

    /// The opcode's properties.
    #[inline]
    pub fn flags(self) -> OpFlags {
        self.info().flags
    }

    /// Whether the opcode has all properties of `flags`.
    #[inline]
    pub fn is(self, flags: OpFlags) -> bool {
        self.info().flags.contains(flags)
    }

    /// All rows of the opcode table, in numeric order.
    pub fn table() -> &'static [OpInfo] {
        TABLE
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.info().name)
    }
}

impl FromStr for Opcode {
    type Err = ();

    fn from_str(name: &str) -> Result<Opcode, ()> {
        TABLE.iter().find(|info| info.name == name).map(|info| info.op).ok_or(())
    }
}

impl fmt::Debug for OpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 10] =
            ["raises", "py", "jump", "branch", "skips", "ends", "extra", "suspends", "calls", "back"];
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name);
        f.debug_list().entries(set).finish()
    }
}
