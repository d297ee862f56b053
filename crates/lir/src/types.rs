//! Types of values and the condition codes of comparisons.

use std::fmt;

/// The type of a virtual register or the width at which an operation works.
///
/// Integers carry no sign; the operation decides. The bits of a register above the width of its type are
/// undefined: only [`sext`](crate::Op::Sext), [`zext`](crate::Op::Zext) and the extending loads define them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Type {
    /// 8-bit integer.
    I8,
    /// 16-bit integer.
    I16,
    /// 32-bit integer; also the type of a truth value (0 or 1).
    I32,
    /// 64-bit integer or pointer.
    I64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Type {
    /// All types, in declaration order.
    pub const ALL: [Type; 6] = [Type::I8, Type::I16, Type::I32, Type::I64, Type::F32, Type::F64];

    /// Width in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Type::I8 => 8,
            Type::I16 => 16,
            Type::I32 | Type::F32 => 32,
            Type::I64 | Type::F64 => 64,
        }
    }

    /// Width in bytes.
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// Whether this is an integer type.
    pub const fn is_int(self) -> bool {
        (self as u8) < Type::F32 as u8
    }

    /// Whether this is a floating-point type.
    pub const fn is_float(self) -> bool {
        !self.is_int()
    }

    /// The mask of the bits that values of this type use.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The type's name in the text form.
    pub const fn name(self) -> &'static str {
        match self {
            Type::I8 => "i8",
            Type::I16 => "i16",
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
        }
    }

    /// The type with this name in the text form.
    pub fn from_name(name: &str) -> Option<Type> {
        Type::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The register class that holds values of this type.
    pub const fn class(self) -> regalloc2::RegClass {
        if self.is_int() { regalloc2::RegClass::Int } else { regalloc2::RegClass::Float }
    }

    /// Sign-extends the low bits of `bits` from this type's width.
    pub const fn sign_extend(self, bits: u64) -> i64 {
        let shift = 64 - self.bits();
        ((bits << shift) as i64) >> shift
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Conditions of integer comparisons. `Tz`/`Tnz` compare the bitwise *and* of both operands with zero, which is
/// one instruction on every machine and the natural test of tag bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum IntCC {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Signed less than.
    Slt,
    /// Signed greater or equal.
    Sge,
    /// Signed greater than.
    Sgt,
    /// Signed less or equal.
    Sle,
    /// Unsigned less than.
    Ult,
    /// Unsigned greater or equal.
    Uge,
    /// Unsigned greater than.
    Ugt,
    /// Unsigned less or equal.
    Ule,
    /// `a & b == 0`.
    Tz,
    /// `a & b != 0`.
    Tnz,
}

impl IntCC {
    /// All conditions, in declaration order (the order of their codes).
    pub const ALL: [IntCC; 12] = [
        IntCC::Eq,
        IntCC::Ne,
        IntCC::Slt,
        IntCC::Sge,
        IntCC::Sgt,
        IntCC::Sle,
        IntCC::Ult,
        IntCC::Uge,
        IntCC::Ugt,
        IntCC::Ule,
        IntCC::Tz,
        IntCC::Tnz,
    ];

    /// The condition with this code; codes past the end name `Eq`.
    pub const fn from_code(code: u8) -> IntCC {
        if (code as usize) < IntCC::ALL.len() { IntCC::ALL[code as usize] } else { IntCC::Eq }
    }

    /// The condition that holds exactly when this one does not.
    pub const fn negate(self) -> IntCC {
        // Conditions are declared in pairs of a condition and its negation.
        IntCC::from_code(self as u8 ^ 1)
    }

    /// The condition that holds for `(b, a)` exactly when this one holds for `(a, b)`.
    pub const fn swap(self) -> IntCC {
        match self {
            IntCC::Slt => IntCC::Sgt,
            IntCC::Sgt => IntCC::Slt,
            IntCC::Sge => IntCC::Sle,
            IntCC::Sle => IntCC::Sge,
            IntCC::Ult => IntCC::Ugt,
            IntCC::Ugt => IntCC::Ult,
            IntCC::Uge => IntCC::Ule,
            IntCC::Ule => IntCC::Uge,
            same => same,
        }
    }

    /// Whether the condition reads its operands as signed numbers.
    pub const fn is_signed(self) -> bool {
        matches!(self, IntCC::Slt | IntCC::Sge | IntCC::Sgt | IntCC::Sle)
    }

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        ["eq", "ne", "slt", "sge", "sgt", "sle", "ult", "uge", "ugt", "ule", "tz", "tnz"][self as usize]
    }

    /// Evaluates the condition on the low bits of `a` and `b` at the width of `ty`.
    pub const fn eval(self, ty: Type, a: u64, b: u64) -> bool {
        let (ua, ub) = (a & ty.mask(), b & ty.mask());
        let (sa, sb) = (ty.sign_extend(a), ty.sign_extend(b));
        match self {
            IntCC::Eq => ua == ub,
            IntCC::Ne => ua != ub,
            IntCC::Slt => sa < sb,
            IntCC::Sge => sa >= sb,
            IntCC::Sgt => sa > sb,
            IntCC::Sle => sa <= sb,
            IntCC::Ult => ua < ub,
            IntCC::Uge => ua >= ub,
            IntCC::Ugt => ua > ub,
            IntCC::Ule => ua <= ub,
            IntCC::Tz => ua & ub == 0,
            IntCC::Tnz => ua & ub != 0,
        }
    }
}

/// Conditions of floating-point comparisons. The first six are those of C and Python: with a NaN on either side
/// only `Ne` holds. Each of the last six is the exact negation of one of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FloatCC {
    /// Ordered and equal.
    Eq,
    /// Unordered or not equal.
    Ne,
    /// Ordered and less than.
    Lt,
    /// Not `Lt`: unordered or greater or equal.
    Nlt,
    /// Ordered and less or equal.
    Le,
    /// Not `Le`.
    Nle,
    /// Ordered and greater than.
    Gt,
    /// Not `Gt`.
    Ngt,
    /// Ordered and greater or equal.
    Ge,
    /// Not `Ge`.
    Nge,
    /// Neither operand is a NaN.
    Ord,
    /// At least one operand is a NaN.
    Uno,
}

impl FloatCC {
    /// All conditions, in declaration order (the order of their codes).
    pub const ALL: [FloatCC; 12] = [
        FloatCC::Eq,
        FloatCC::Ne,
        FloatCC::Lt,
        FloatCC::Nlt,
        FloatCC::Le,
        FloatCC::Nle,
        FloatCC::Gt,
        FloatCC::Ngt,
        FloatCC::Ge,
        FloatCC::Nge,
        FloatCC::Ord,
        FloatCC::Uno,
    ];

    /// The condition with this code; codes past the end name `Eq`.
    pub const fn from_code(code: u8) -> FloatCC {
        if (code as usize) < FloatCC::ALL.len() { FloatCC::ALL[code as usize] } else { FloatCC::Eq }
    }

    /// The condition that holds exactly when this one does not.
    pub const fn negate(self) -> FloatCC {
        FloatCC::from_code(self as u8 ^ 1)
    }

    /// The name in the text form.
    pub const fn name(self) -> &'static str {
        ["eq", "ne", "lt", "nlt", "le", "nle", "gt", "ngt", "ge", "nge", "ord", "uno"][self as usize]
    }

    /// Evaluates the condition.
    // The negations are not the opposite comparisons: NaN is what they are about.
    #[expect(clippy::neg_cmp_op_on_partial_ord)]
    pub const fn eval(self, a: f64, b: f64) -> bool {
        match self {
            FloatCC::Eq => a == b,
            FloatCC::Ne => a != b,
            FloatCC::Lt => a < b,
            FloatCC::Nlt => !(a < b),
            FloatCC::Le => a <= b,
            FloatCC::Nle => !(a <= b),
            FloatCC::Gt => a > b,
            FloatCC::Ngt => !(a > b),
            FloatCC::Ge => a >= b,
            FloatCC::Nge => !(a >= b),
            FloatCC::Ord => !a.is_nan() && !b.is_nan(),
            FloatCC::Uno => a.is_nan() || b.is_nan(),
        }
    }
}
