//! Type slots: the operations of a type as function pointers.
//!
//! One table, [`for_each_slot!`](crate::for_each_slot), lists them with the special methods they stand for.
//! From it derive the struct, inheritance, the wrapper descriptors that show native slots to Python
//! (`int.__add__`) and the trampolines that let Python classes fill slots.

use std::cell::Cell;

use crate::ctx::{Ctx, PyResult};
use crate::native::Args;
use crate::types::Type;
use crate::value::Obj;

/// A rich comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CmpOp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CmpOp {
    /// The operation with its operands exchanged.
    pub const fn swapped(self) -> CmpOp {
        match self {
            CmpOp::Lt => CmpOp::Gt,
            CmpOp::Le => CmpOp::Ge,
            CmpOp::Gt => CmpOp::Lt,
            CmpOp::Ge => CmpOp::Le,
            op => op,
        }
    }

    /// The operator's text.
    pub const fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// The special method's name.
    pub const fn dunder(self) -> &'static str {
        ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"][self as usize]
    }

    /// Whether an ordering satisfies the operation.
    #[inline(always)]
    pub const fn holds(self, o: std::cmp::Ordering) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match self {
            CmpOp::Lt => matches!(o, Less),
            CmpOp::Le => matches!(o, Less | Equal),
            CmpOp::Eq => matches!(o, Equal),
            CmpOp::Ne => !matches!(o, Equal),
            CmpOp::Gt => matches!(o, Greater),
            CmpOp::Ge => matches!(o, Greater | Equal),
        }
    }
}

/// What resuming a generator-like object gave.
pub enum SendResult {
    /// It yielded.
    Yield(Obj),
    /// It returned.
    Return(Obj),
}

/// `f(x)`.
pub type UnaryFn = fn(&Ctx, &Obj) -> PyResult;
/// `f(x, y)`. As a number slot either operand may be the instance; NotImplemented passes on.
pub type BinaryFn = fn(&Ctx, &Obj, &Obj) -> PyResult;
/// `pow(x, y, z)`.
pub type TernaryFn = fn(&Ctx, &Obj, &Obj, Option<&Obj>) -> PyResult;
/// Hash, never -1.
pub type HashFn = fn(&Ctx, &Obj) -> PyResult<i64>;
/// Length.
pub type LenFn = fn(&Ctx, &Obj) -> PyResult<usize>;
/// Truth.
pub type BoolFn = fn(&Ctx, &Obj) -> PyResult<bool>;
/// The next item; nothing at the end (no StopIteration is made).
pub type NextFn = fn(&Ctx, &Obj) -> PyResult<Option<Obj>>;
/// `x[key] = value`, or with nothing `del x[key]`; likewise for attributes.
pub type SetFn = fn(&Ctx, &Obj, &Obj, Option<&Obj>) -> PyResult<()>;
/// `item in x`.
pub type ContainsFn = fn(&Ctx, &Obj, &Obj) -> PyResult<bool>;
/// Rich comparison.
pub type CmpFn = fn(&Ctx, &Obj, &Obj, CmpOp) -> PyResult;
/// `x(*args)`.
pub type CallFn = fn(&Ctx, &Obj, Args<'_>) -> PyResult;
/// `type.__new__(type, *args)`.
pub type NewFn = fn(&Ctx, &Type, Args<'_>) -> PyResult;
/// `x.__init__(*args)`.
pub type InitFn = fn(&Ctx, &Obj, Args<'_>) -> PyResult<()>;
/// `descr.__get__(instance, owner)`.
pub type DescrGetFn = fn(&Ctx, &Obj, Option<&Obj>, Option<&Obj>) -> PyResult;
/// `descr.__set__(instance, value)`, or with nothing `__delete__`.
pub type DescrSetFn = fn(&Ctx, &Obj, &Obj, Option<&Obj>) -> PyResult<()>;
/// `x.__del__()`.
pub type FinalizeFn = fn(&Ctx, &Obj) -> PyResult<()>;
/// `x.send(value)` of generators and coroutines.
pub type SendFn = fn(&Ctx, &Obj, &Obj) -> PyResult<SendResult>;
/// Exports a buffer.
pub type BufferFn = fn(&Ctx, &Obj, crate::protocol::buffer::BufferFlags) -> PyResult<crate::protocol::buffer::Buffer>;
/// `repeat`: `x * n`.
pub type RepeatFn = fn(&Ctx, &Obj, isize) -> PyResult;

/// What an object passes its calls on to: the callable, and the arguments that come before those of the call.
pub struct Forward {
    /// The callable.
    pub function: Obj,
    /// A tuple.
    pub args: Obj,
    /// A dict; keywords of the call win over those in it.
    pub keywords: Obj,
}

/// What a call of the object amounts to; nothing if it has to be asked itself.
pub type ForwardFn = fn(&Obj) -> Option<Forward>;

/// All items of an object, in the order in which iterating gives them, without running Python code.
pub type ItemsFn = fn(&Obj) -> Option<Vec<Obj>>;

/// Calls a macro with every slot: `field: type, kind, "special names"`. The kind tells wrapper descriptors
/// and trampolines how the special methods map to the slot: `binary` slots stand for a method and its
/// reflected twin, `set` slots for a set/delete pair, `cmp` for the six comparisons.
#[macro_export]
macro_rules! for_each_slot {
    ($m:ident) => {
        $m! {
            repr: UnaryFn, unary, ["__repr__"];
            str: UnaryFn, unary, ["__str__"];
            hash: HashFn, hash, ["__hash__"];
            call: CallFn, call, ["__call__"];
            richcmp: CmpFn, cmp, ["__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__"];
            getattr: BinaryFn, getattr, ["__getattribute__", "__getattr__"];
            setattr: SetFn, set, ["__setattr__", "__delattr__"];
            descr_get: DescrGetFn, descr_get, ["__get__"];
            descr_set: DescrSetFn, set, ["__set__", "__delete__"];
            init: InitFn, init, ["__init__"];
            new: NewFn, new, ["__new__"];
            finalize: FinalizeFn, finalize, ["__del__"];
            iter: UnaryFn, iter, ["__iter__"];
            next: NextFn, next, ["__next__"];
            await_: UnaryFn, unary, ["__await__"];
            aiter: UnaryFn, unary, ["__aiter__"];
            anext: UnaryFn, unary, ["__anext__"];
            send: SendFn, internal, [];
            forward: ForwardFn, internal, [];
            items: ItemsFn, internal, [];
            len: LenFn, len, ["__len__"];
            getitem: BinaryFn, getitem, ["__getitem__"];
            setitem: SetFn, set, ["__setitem__", "__delitem__"];
            contains: ContainsFn, contains, ["__contains__"];
            concat: BinaryFn, concat, ["__add__"];
            repeat: RepeatFn, repeat, ["__mul__", "__rmul__"];
            inplace_concat: BinaryFn, concat, ["__iadd__"];
            inplace_repeat: RepeatFn, repeat, ["__imul__"];
            bool: BoolFn, bool, ["__bool__"];
            int: UnaryFn, unary, ["__int__"];
            float: UnaryFn, unary, ["__float__"];
            index: UnaryFn, unary, ["__index__"];
            neg: UnaryFn, unary, ["__neg__"];
            pos: UnaryFn, unary, ["__pos__"];
            abs: UnaryFn, unary, ["__abs__"];
            invert: UnaryFn, unary, ["__invert__"];
            add: BinaryFn, binary, ["__add__", "__radd__"];
            sub: BinaryFn, binary, ["__sub__", "__rsub__"];
            mul: BinaryFn, binary, ["__mul__", "__rmul__"];
            matmul: BinaryFn, binary, ["__matmul__", "__rmatmul__"];
            truediv: BinaryFn, binary, ["__truediv__", "__rtruediv__"];
            floordiv: BinaryFn, binary, ["__floordiv__", "__rfloordiv__"];
            mod_: BinaryFn, binary, ["__mod__", "__rmod__"];
            divmod: BinaryFn, binary, ["__divmod__", "__rdivmod__"];
            pow: TernaryFn, ternary, ["__pow__", "__rpow__"];
            lshift: BinaryFn, binary, ["__lshift__", "__rlshift__"];
            rshift: BinaryFn, binary, ["__rshift__", "__rrshift__"];
            and: BinaryFn, binary, ["__and__", "__rand__"];
            or: BinaryFn, binary, ["__or__", "__ror__"];
            xor: BinaryFn, binary, ["__xor__", "__rxor__"];
            iadd: BinaryFn, inplace, ["__iadd__"];
            isub: BinaryFn, inplace, ["__isub__"];
            imul: BinaryFn, inplace, ["__imul__"];
            imatmul: BinaryFn, inplace, ["__imatmul__"];
            itruediv: BinaryFn, inplace, ["__itruediv__"];
            ifloordiv: BinaryFn, inplace, ["__ifloordiv__"];
            imod: BinaryFn, inplace, ["__imod__"];
            ipow: BinaryFn, inplace, ["__ipow__"];
            ilshift: BinaryFn, inplace, ["__ilshift__"];
            irshift: BinaryFn, inplace, ["__irshift__"];
            iand: BinaryFn, inplace, ["__iand__"];
            ior: BinaryFn, inplace, ["__ior__"];
            ixor: BinaryFn, inplace, ["__ixor__"];
            buffer: BufferFn, buffer, ["__buffer__", "__release_buffer__"];
        }
    };
}

macro_rules! slots_struct {
    ($($field:ident: $ty:ty, $kind:ident, [$($name:literal),*];)*) => {
        /// The slots of one type; unset ones are inherited when the type is made.
        #[derive(Default)]
        pub struct Slots {
            $(#[doc = concat!("`", stringify!($field), "`: ", $($name, " "),*)]
            pub $field: Cell<Option<$ty>>,)*
        }

        impl Slots {
            /// Takes every slot that is unset here from `base`.
            pub fn inherit_unset(&self, base: &Slots) {
                $(if self.$field.get().is_none() {
                    self.$field.set(base.$field.get());
                })*
            }
        }
    };
}
for_each_slot!(slots_struct);
