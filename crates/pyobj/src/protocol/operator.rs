//! Operators as data, and how an operation goes on once one of its special methods was asked.
//!
//! Who runs a special method of an operand by other means than a call (the interpreter pushes the frame of a Python
//! function) comes back here if that method answers NotImplemented.

use std::fmt;

use super::attr::call_special;
use super::number;
use crate::ctx::{Ctx, PyResult};
use crate::types::slots::BinaryFn;
use crate::types::str::Name;
use crate::types::{CmpOp, Slots};
use crate::value::Obj;

/// Which special methods of an operation answered NotImplemented already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Asked {
    /// The in-place one.
    Inplace,
    /// The left operand's.
    Left,
    /// The right operand's reflected one.
    Right,
    /// Both.
    Both,
}

macro_rules! operators {
    ($($(#[doc = $doc:literal])+ $name:ident $slot:ident $islot:ident $plain:literal $reflected:literal $inplace:literal
        $symbol:literal $isymbol:literal;)*) => {
        /// A binary arithmetic operator. (Powers are not among them: they may have a modulus.)
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum BinaryOp {
            $($(#[doc = $doc])+ $name,)*
        }

        impl BinaryOp {
            /// The slot of the operation.
            pub fn slot(self, s: &Slots) -> Option<BinaryFn> {
                match self { $(BinaryOp::$name => s.$slot.get(),)* }
            }

            /// The slot of the operation in place.
            pub fn inplace_slot(self, s: &Slots) -> Option<BinaryFn> {
                match self { $(BinaryOp::$name => s.$islot.get(),)* }
            }

            /// The special method of the left operand.
            pub fn method(self) -> Name {
                match self { $(BinaryOp::$name => crate::intern!($plain),)* }
            }

            /// The special method of the right operand.
            pub fn reflected(self) -> Name {
                match self { $(BinaryOp::$name => crate::intern!($reflected),)* }
            }

            /// The special method that works in place.
            pub fn inplace_method(self) -> Name {
                match self { $(BinaryOp::$name => crate::intern!($inplace),)* }
            }

            fn symbol(self, inplace: bool) -> &'static str {
                match self { $(BinaryOp::$name => if inplace { $isymbol } else { $symbol },)* }
            }
        }
    };
}

operators! {
    /// `+`
    Add add iadd "__add__" "__radd__" "__iadd__" "+" "+=";
    /// `-`
    Sub sub isub "__sub__" "__rsub__" "__isub__" "-" "-=";
    /// `*`
    Mul mul imul "__mul__" "__rmul__" "__imul__" "*" "*=";
    /// `@`
    MatMul matmul imatmul "__matmul__" "__rmatmul__" "__imatmul__" "@" "@=";
    /// `/`
    TrueDiv truediv itruediv "__truediv__" "__rtruediv__" "__itruediv__" "/" "/=";
    /// `//`
    FloorDiv floordiv ifloordiv "__floordiv__" "__rfloordiv__" "__ifloordiv__" "//" "//=";
    /// `%`
    Mod mod_ imod "__mod__" "__rmod__" "__imod__" "%" "%=";
    /// `<<`
    LShift lshift ilshift "__lshift__" "__rlshift__" "__ilshift__" "<<" "<<=";
    /// `>>`
    RShift rshift irshift "__rshift__" "__rrshift__" "__irshift__" ">>" ">>=";
    /// `&`
    And and iand "__and__" "__rand__" "__iand__" "&" "&=";
    /// `|`
    Or or ior "__or__" "__ror__" "__ior__" "|" "|=";
    /// `^`
    Xor xor ixor "__xor__" "__rxor__" "__ixor__" "^" "^=";
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol(false))
    }
}

impl BinaryOp {
    /// The result of `a op b` (or `a op= b`) once the methods `asked` answered NotImplemented.
    pub fn go_on(self, cx: &Ctx, a: &Obj, b: &Obj, inplace: bool, asked: Asked) -> PyResult {
        let (ta, tb) = (a.type_of(), b.type_of());
        let (fa, fb) = (self.slot(&ta.slots), self.slot(&tb.slots));
        let shared = matches!((fa, fb), (Some(f), Some(g)) if std::ptr::fn_addr_eq(f, g));
        let answer = match asked {
            Asked::Inplace => number::dispatch(cx, a, b, |s| self.slot(s))?,
            // Python classes share one function, which would ask the left operand again.
            Asked::Left if ta.is(tb) => None,
            Asked::Left if shared => call_special(cx, b, self.reflected(), &[a])?,
            Asked::Left => fb.map(|g| g(cx, a, b)).transpose()?,
            Asked::Right if shared => call_special(cx, a, self.method(), &[b])?,
            Asked::Right => fa.map(|f| f(cx, a, b)).transpose()?,
            Asked::Both => None,
        };
        match answer.filter(|r| !r.is_not_implemented()) {
            Some(r) => Ok(r),
            None => self.as_sequences(cx, a, b, inplace),
        }
    }

    /// The last resort: concatenation and repetition.
    fn as_sequences(self, cx: &Ctx, a: &Obj, b: &Obj, inplace: bool) -> PyResult {
        let s = &a.type_of().slots;
        match self {
            BinaryOp::Add => {
                let first = if inplace { s.inplace_concat.get() } else { None };
                if let Some(f) = first.or(s.concat.get()) {
                    return f(cx, a, b);
                }
            }
            BinaryOp::Mul => {
                let first = if inplace { s.inplace_repeat.get() } else { None };
                if let Some(f) = first.or(s.repeat.get()) {
                    return number::repeat(cx, a, b, f);
                }
                if let Some(f) = b.type_of().slots.repeat.get() {
                    return number::repeat(cx, b, a, f);
                }
            }
            _ => {}
        }
        Err(number::unsupported(cx, a, b, self.symbol(inplace)))
    }
}

/// The result of the comparison `a op b` once the methods `asked` answered NotImplemented.
pub fn compare_on(cx: &Ctx, a: &Obj, b: &Obj, op: CmpOp, asked: Asked) -> PyResult {
    cx.check_stack(" in comparison")?;
    let (ta, tb) = (a.type_of(), b.type_of());
    let answer = match asked {
        Asked::Left | Asked::Inplace => tb.slots.richcmp.get().map(|f| f(cx, b, a, op.swapped())),
        Asked::Right => ta.slots.richcmp.get().map(|f| f(cx, a, b, op)),
        Asked::Both => None,
    };
    match answer.transpose()?.filter(|r| !r.is_not_implemented()) {
        Some(r) => Ok(r),
        None => super::compare::by_identity(cx, a, b, op),
    }
}
