//! The instruction table and everything read off it.
//!
//! [`for_each_lir_op!`](crate::for_each_lir_op) is the single source of truth: the [`Op`] enumeration, builder
//! methods, verifier, printer, parser, interpreter dispatch, register constraints and `docs/lir.md` derive from it.

use std::fmt;

/// Calls a macro with the whole instruction table.
///
/// Each row is
/// `(Variant, name, Shape, TypeRule, ResultRule, Effect, [Flag ...], Constraint, "what it does")`, with the
/// columns explained by [`Shape`], [`TypeRule`], [`ResultRule`], [`Effect`], [`OpFlags`] and [`Constraint`].
#[macro_export]
macro_rules! for_each_lir_op {
    ($callback:ident) => {
        $callback! {
            // Constants and copies.
            (Iconst, iconst, Const, Int, Ty, Pure, [], Def, "An integer constant.")
            (Fconst, fconst, Fconst, Float, Ty, Pure, [], Def, "A floating-point constant, kept as its bits.")
            (SymAddr, sym_addr, Symbol, None, I64, Pure, [], Def, "The address of a symbol.")
            (Copy, copy, Unary, Any, Ty, Pure, [], RegAny, "The operand itself.")
            // Integer arithmetic.
            (Add, add, Binary, Int, Ty, Pure, [COMMUTES IMM], Two, "Wrapping sum.")
            (Sub, sub, Binary, Int, Ty, Pure, [IMM], Two, "Wrapping difference.")
            (Mul, mul, Binary, Int, Ty, Pure, [COMMUTES IMM], Mul, "Low half of the product.")
            (And, and, Binary, Int, Ty, Pure, [COMMUTES IMM], Two, "Bitwise and.")
            (Or, or, Binary, Int, Ty, Pure, [COMMUTES IMM], Two, "Bitwise or.")
            (Xor, xor, Binary, Int, Ty, Pure, [COMMUTES IMM], Two, "Bitwise exclusive or.")
            (Shl, shl, Binary, Int, Ty, Pure, [IMM], Shift, "Left shift; the count is taken modulo the width.")
            (Shr, shr, Binary, Int, Ty, Pure, [IMM], Shift, "Logical right shift; the count is taken modulo the width.")
            (Sar, sar, Binary, Int, Ty, Pure, [IMM], Shift, "Arithmetic right shift; the count is taken modulo the width.")
            (Rotl, rotl, Binary, Int, Ty, Pure, [IMM], Shift, "Left rotation by the count modulo the width.")
            (Rotr, rotr, Binary, Int, Ty, Pure, [IMM], Shift, "Right rotation by the count modulo the width.")
            (Sdiv, sdiv, Binary, Wide, Ty, Trap, [], DivQuot, "Signed quotient truncated toward zero; traps when the divisor is zero or the quotient overflows.")
            (Udiv, udiv, Binary, Wide, Ty, Trap, [], DivQuot, "Unsigned quotient; traps when the divisor is zero.")
            (Srem, srem, Binary, Wide, Ty, Trap, [], DivRem, "Signed remainder with the sign of the dividend; traps when the divisor is zero; the minimum by -1 gives 0.")
            (Urem, urem, Binary, Wide, Ty, Trap, [], DivRem, "Unsigned remainder; traps when the divisor is zero.")
            (Smulhi, smulhi, Binary, Wide, Ty, Pure, [COMMUTES], MulHigh, "High half of the signed product.")
            (Umulhi, umulhi, Binary, Wide, Ty, Pure, [COMMUTES], MulHigh, "High half of the unsigned product.")
            (Neg, neg, Unary, Int, Ty, Pure, [], TwoUnary, "Wrapping negation.")
            (Not, not, Unary, Int, Ty, Pure, [], TwoUnary, "Bitwise complement.")
            (Clz, clz, Unary, Int, Ty, Pure, [], RegReg, "Number of leading zero bits; the width for 0.")
            (Ctz, ctz, Unary, Int, Ty, Pure, [], RegReg, "Number of trailing zero bits; the width for 0.")
            (Popcnt, popcnt, Unary, Int, Ty, Pure, [], RegReg, "Number of one bits.")
            (Bswap, bswap, Unary, Wide, Ty, Pure, [], TwoUnary, "Bytes in reverse order.")
            // Arithmetic that leaves the function on overflow, or branches on it.
            (AddOvf, add_ovf, Checked, Int, Ty, Exit, [COMMUTES IMM EXIT], Two, "Signed sum; exits when it overflows.")
            (SubOvf, sub_ovf, Checked, Int, Ty, Exit, [IMM EXIT], Two, "Signed difference; exits when it overflows.")
            (MulOvf, mul_ovf, Checked, Int, Ty, Exit, [COMMUTES IMM EXIT], Mul, "Signed product; exits when it overflows.")
            (SdivExit, sdiv_exit, Checked, Wide, Ty, Exit, [EXIT], DivQuot, "Signed quotient truncated toward zero; exits when the divisor is zero or the quotient overflows.")
            (SremExit, srem_exit, Checked, Wide, Ty, Exit, [EXIT], DivRem, "Signed remainder; exits when the divisor is zero; the minimum by -1 gives 0.")
            (AddFlags, add_flags, Binary, Wide, Ty, Flags, [COMMUTES IMM], Two, "Wrapping sum that leaves its overflow for `br_of`, which must be the next instruction.")
            (SubFlags, sub_flags, Binary, Wide, Ty, Flags, [IMM], Two, "Wrapping difference that leaves its overflow for `br_of`, which must be the next instruction.")
            (MulFlags, mul_flags, Binary, Wide, Ty, Flags, [COMMUTES IMM], Mul, "Wrapping product that leaves its overflow for `br_of`, which must be the next instruction.")
            // Conversions.
            (Sext, sext, Convert, Int, Ty, Pure, [], RegAny, "Sign extension of a narrower integer.")
            (Zext, zext, Convert, Int, Ty, Pure, [], RegAny, "Zero extension of a narrower integer.")
            (Trunc, trunc, Convert, Int, Ty, Pure, [], Alias, "The low bits of a wider integer; costs nothing.")
            (Bitcast, bitcast, Convert, Any, Ty, Pure, [], RegReg, "The same bits as a value of another type of equal width.")
            (IntToFloat, int_to_float, Convert, Float, Ty, Pure, [], RegReg, "A signed integer rounded to the nearest float, ties to even.")
            (FloatToInt, float_to_int, Convert, Wide, Ty, Pure, [], RegReg, "A float truncated toward zero; the minimum of the type for NaN and values out of range.")
            (FloatCvt, float_cvt, Convert, Float, Ty, Pure, [], RegReg, "A float of the other width, rounded to nearest.")
            // Floating point.
            (Fadd, fadd, Binary, Float, Ty, Pure, [COMMUTES], Two, "IEEE sum.")
            (Fsub, fsub, Binary, Float, Ty, Pure, [], Two, "IEEE difference.")
            (Fmul, fmul, Binary, Float, Ty, Pure, [COMMUTES], Two, "IEEE product.")
            (Fdiv, fdiv, Binary, Float, Ty, Pure, [], Two, "IEEE quotient; never traps.")
            (Fneg, fneg, Unary, Float, Ty, Pure, [], TwoUnary, "The value with its sign bit flipped, NaN included.")
            (Fabs, fabs, Unary, Float, Ty, Pure, [], TwoUnary, "The value with its sign bit cleared, NaN included.")
            (Fsqrt, fsqrt, Unary, Float, Ty, Pure, [], RegReg, "Correctly rounded square root; NaN below zero.")
            (Ffloor, ffloor, Unary, Float, Ty, Pure, [], RegReg, "Rounded toward minus infinity.")
            (Fceil, fceil, Unary, Float, Ty, Pure, [], RegReg, "Rounded toward plus infinity.")
            (Ftrunc, ftrunc, Unary, Float, Ty, Pure, [], RegReg, "Rounded toward zero.")
            (Fnearest, fnearest, Unary, Float, Ty, Pure, [], RegReg, "Rounded to the nearest integer, ties to even.")
            // Comparisons and choice.
            (Icmp, icmp, Icmp, Int, I32, Pure, [IMM], Compare, "1 if the integer condition holds, else 0.")
            (Fcmp, fcmp, Fcmp, Float, I32, Pure, [], Compare, "1 if the floating-point condition holds, else 0.")
            (Select, select, Select, Any, Ty, Pure, [], Select, "The second operand if the first (an integer) is not zero, else the third.")
            (SelectIcmp, select_icmp, SelectIcmp, Int, Chosen, Pure, [IMM], SelectIcmp, "The third operand if the integer condition holds for the first two, else the fourth.")
            // Memory.
            (Load, load, Load, Any, Ty, Read, [MEM], Mem, "A value from memory; must not fault.")
            (LoadZext, load_zext, Load, Int, I64, Read, [MEM], Mem, "An integer from memory, zero-extended to 64 bits.")
            (LoadSext, load_sext, Load, Int, I64, Read, [MEM], Mem, "An integer from memory, sign-extended to 64 bits.")
            (Store, store, Store, Any, None, Write, [MEM IMM], Mem, "Stores a value; an immediate only for integer types.")
            (Lea, lea, Lea, None, I64, Pure, [MEM], Mem, "The address itself.")
            (MemAdd, mem_add, Store, Int, None, Write, [MEM IMM], Mem, "Adds to memory, not atomically: for counters owned by one thread.")
            (CountAdd, count_add, Store, Int, None, Write, [MEM IMM], Mem, "Adds to memory unless memory is negative, not atomically: for reference counts, negative where nothing is counted.")
            (AtomicAdd, atomic_add, Store, Wide, None, Write, [MEM IMM], Atomic, "Adds to memory atomically; the address must be aligned.")
            (AtomicFetchAdd, atomic_fetch_add, Rmw, Wide, Ty, Write, [MEM], AtomicRmw, "Adds to memory atomically; the value before. The address must be aligned.")
            (AtomicCas, atomic_cas, Cas, Wide, Ty, Write, [MEM], AtomicCas, "Atomically stores the second operand if memory equals the first; the value before. The address must be aligned.")
            // Registers of the machine.
            (GetThread, get_thread, ReadReg, None, I64, Pure, [], Def, "The pinned thread register.")
            (SetThread, set_thread, WriteReg, None, None, Write, [], UseReg, "Sets the pinned thread register.")
            (FramePtr, frame_ptr, ReadReg, None, I64, Pure, [], Def, "The frame pointer of this activation.")
            (StackPtr, stack_ptr, ReadReg, None, I64, Pure, [], Def, "The stack pointer of this activation.")
            // Calls.
            (Call, call, Call, None, Sig, Call, [CALL FRAME], Call, "Calls a symbol.")
            (CallInd, call_ind, CallInd, None, Sig, Call, [CALL FRAME], Call, "Calls the address in a register.")
            (CallCell, call_cell, CallCell, None, Sig, Call, [CALL FRAME], Call, "Calls the address held by a data cell.")
            (TailCall, tail_call, Call, None, None, Control, [TERM RET CALL], TailCall, "Leaves the frame and jumps to a symbol.")
            (TailCallInd, tail_call_ind, CallInd, None, None, Control, [TERM RET CALL], TailCall, "Leaves the frame and jumps to the address in a register.")
            (TailCallCell, tail_call_cell, CallCell, None, None, Control, [TERM RET CALL], TailCall, "Leaves the frame and jumps to the address held by a data cell.")
            // Guards and safepoints.
            (Guard, guard, Guard, Int, None, Exit, [EXIT], UseReg, "Exits when the operand is zero.")
            (GuardIcmp, guard_icmp, GuardIcmp, Int, None, Exit, [EXIT IMM], Compare, "Exits unless the integer condition holds.")
            (GuardFcmp, guard_fcmp, GuardFcmp, Float, None, Exit, [EXIT], Compare, "Exits unless the floating-point condition holds.")
            (GuardIcmpMem, guard_icmp_mem, GuardIcmpMem, Int, None, Exit, [EXIT IMM MEM], CompareMem, "Exits unless the integer condition holds for memory and the operand, in that order.")
            (GuardStack, guard_stack, GuardStack, None, None, Exit, [EXIT], None, "Exits when the stack pointer minus the given bytes is below the limit stored at an offset of the thread register.")
            (Poll, poll, Poll, Int, None, Exit, [EXIT MEM], Mem, "Exits when the flag in memory is not zero.")
            (Safepoint, safepoint, Safepoint, None, None, Exit, [FRAME], None, "Emits nothing; records where the frame state lives at this address.")
            (Exit, exit, Exit, None, None, Control, [TERM RET EXIT], None, "Exits unconditionally.")
            // Control flow.
            (Jump, jump, Jump, None, None, Control, [TERM BRANCH], None, "Goes to a block.")
            (Br, br, Br, Int, None, Control, [TERM BRANCH], UseReg, "Goes to the first block if the operand is not zero, else to the second.")
            (BrIcmp, br_icmp, BrIcmp, Int, None, Control, [TERM BRANCH IMM], Compare, "Goes to the first block if the integer condition holds, else to the second.")
            (BrFcmp, br_fcmp, BrFcmp, Float, None, Control, [TERM BRANCH], Compare, "Goes to the first block if the floating-point condition holds, else to the second.")
            (BrIcmpMem, br_icmp_mem, BrIcmpMem, Int, None, Control, [TERM BRANCH IMM MEM], CompareMem, "Goes to the first block if the integer condition holds for memory and the operand, in that order.")
            (BrOf, br_of, BrOf, None, None, Control, [TERM BRANCH], None, "Goes to the first block if the instruction just before overflowed, else to the second.")
            (Switch, switch, Switch, Int, None, Control, [TERM BRANCH], Switch, "Goes to the block at the operand's unsigned value, or to the last block when that is past the others.")
            (Ret, ret, Ret, None, None, Control, [TERM RET], Ret, "Returns to the caller.")
            (Trap, trap, Trap, None, None, Control, [TERM RET], None, "Stops the program with a code.")
            (Entries, entries, Entries, None, None, Control, [TERM BRANCH], None, "Pseudo terminator of block 0 in functions with several entries; emits nothing.")
            // Pseudo instructions.
            (Args, args, Args, None, Sig, Control, [], Args, "First instruction of an entry block: the function's arguments; the prologue.")
            (DebugValue, debug_value, DebugValue, None, None, Debug, [], None, "From here on a source variable has this value; emits nothing and keeps nothing alive.")
            (Nop, nop, Nop, None, None, Pure, [], None, "Nothing.")
        }
    };
}

/// What an instruction's operands are and how they are written.
///
/// `rhs` is a value or an immediate (where the row has the `IMM` flag); `mem` is an address; `block(...)` a
/// branch target with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Shape {
    /// An integer immediate.
    Const,
    /// The bits of a float.
    Fconst,
    /// A symbol.
    Symbol,
    /// One value of the operation's type.
    Unary,
    /// One value of another type.
    Convert,
    /// Value, rhs.
    Binary,
    /// Value, rhs, frame state.
    Checked,
    /// Condition, value, rhs.
    Icmp,
    /// Condition, two floats.
    Fcmp,
    /// Integer value, two values of the operation's type.
    Select,
    /// Condition, value, rhs, two values of one type.
    SelectIcmp,
    /// mem.
    Load,
    /// rhs, mem.
    Store,
    /// mem.
    Lea,
    /// Value, mem.
    Rmw,
    /// Expected value, new value, mem.
    Cas,
    /// Nothing; reads a machine register.
    ReadReg,
    /// One 64-bit value; writes a machine register.
    WriteReg,
    /// Signature, symbol, arguments, optional frame state.
    Call,
    /// Signature, address, arguments, optional frame state.
    CallInd,
    /// Signature, data cell, arguments, optional frame state.
    CallCell,
    /// Value, frame state.
    Guard,
    /// Condition, value, rhs, frame state.
    GuardIcmp,
    /// Condition, two floats, frame state.
    GuardFcmp,
    /// Condition, mem, rhs, frame state.
    GuardIcmpMem,
    /// Offset of the limit from the thread register, bytes needed, frame state.
    GuardStack,
    /// mem, frame state.
    Poll,
    /// Frame state.
    Safepoint,
    /// Frame state.
    Exit,
    /// block.
    Jump,
    /// Value, two blocks.
    Br,
    /// Condition, value, rhs, two blocks.
    BrIcmp,
    /// Condition, two floats, two blocks.
    BrFcmp,
    /// Condition, mem, rhs, two blocks.
    BrIcmpMem,
    /// Two blocks.
    BrOf,
    /// Value, any number of blocks, the default block.
    Switch,
    /// Values of the entry's return types.
    Ret,
    /// A code.
    Trap,
    /// The entry blocks.
    Entries,
    /// Signature.
    Args,
    /// Variable, value or constant or nothing.
    DebugValue,
    /// Nothing.
    Nop,
}

/// Which types an operation's type suffix may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeRule {
    /// The operation has no type suffix.
    None,
    /// Any integer type.
    Int,
    /// `i32` or `i64`.
    Wide,
    /// A floating-point type.
    Float,
    /// Any type.
    Any,
}

/// How the types of results follow from the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResultRule {
    /// No result.
    None,
    /// One result of the operation's type.
    Ty,
    /// One `i32`.
    I32,
    /// One `i64`.
    I64,
    /// One result of the type of the chosen operands.
    Chosen,
    /// The signature's returns (for `args`: its parameters).
    Sig,
}

/// What an instruction does besides computing its results.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing: may be removed when unused, repeated or moved.
    Pure,
    /// Reads memory: may be removed when unused.
    Read,
    /// Writes memory or machine state.
    Write,
    /// May stop the program.
    Trap,
    /// May leave the function through its frame state.
    Exit,
    /// Leaves flags for the next instruction.
    Flags,
    /// Anything that the callee does.
    Call,
    /// Decides where execution goes on.
    Control,
    /// Only informs the debugger.
    Debug,
}

/// Flags of an operation, a bit set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpFlags(u16);

impl OpFlags {
    /// The two first value operands may be exchanged.
    pub const COMMUTES: OpFlags = OpFlags(1);
    /// The operand called rhs may be an immediate.
    pub const IMM: OpFlags = OpFlags(2);
    /// May leave the function; carries a frame state.
    pub const EXIT: OpFlags = OpFlags(4);
    /// Is a call (or tail call) with a signature.
    pub const CALL: OpFlags = OpFlags(8);
    /// May carry a frame state without leaving by itself.
    pub const FRAME: OpFlags = OpFlags(16);
    /// Ends a block.
    pub const TERM: OpFlags = OpFlags(32);
    /// Ends a block and has successors.
    pub const BRANCH: OpFlags = OpFlags(64);
    /// Ends a block and has no successors.
    pub const RET: OpFlags = OpFlags(128);
    /// Has an address.
    pub const MEM: OpFlags = OpFlags(256);

    /// The union of two sets.
    #[inline]
    pub const fn union(self, other: OpFlags) -> OpFlags {
        OpFlags(self.0 | other.0)
    }

    /// Whether every flag of `other` is in this set.
    #[inline]
    pub const fn has(self, other: OpFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where the allocator may put an instruction's operands; `alloc::constraints` turns a constraint and a
/// machine into regalloc2 operands. "Any" means a register or a spill slot on machines with memory operands, a
/// register on the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Constraint {
    /// No registers (frame-state values are always any).
    None,
    /// One result in a register.
    Def,
    /// Operands in registers.
    UseReg,
    /// Result and operand in registers.
    RegReg,
    /// Result in a register, operand any.
    RegAny,
    /// Result in the register of the operand: the instruction emits nothing.
    Alias,
    /// Two-address machines: the result takes the first operand's register, the second is any. Others: registers.
    Two,
    /// As `Two` with one operand.
    TwoUnary,
    /// As `Two`; with an immediate, result in a register and operand any.
    Mul,
    /// As `Two`, with a variable count in the machine's count register if it has one.
    Shift,
    /// The quotient of a division, in fixed registers on machines that divide so.
    DivQuot,
    /// The remainder of a division, in fixed registers on machines that divide so.
    DivRem,
    /// The high half of a product, in fixed registers on machines that multiply so.
    MulHigh,
    /// First operand in a register, second any; a result, if there is one, in a register.
    Compare,
    /// Operand and address in registers, operand any if it is not an immediate.
    CompareMem,
    /// Two-address machines: the result takes the register of the value chosen last.
    Select,
    /// As `Select` after a comparison.
    SelectIcmp,
    /// Result, value and address in registers.
    Mem,
    /// As `Mem`; on machines without atomic additions the operands stay valid to the end.
    Atomic,
    /// Result in the register of the value on two-address machines; the address in registers.
    AtomicRmw,
    /// Expected value and result in the fixed register of machines that have one.
    AtomicCas,
    /// Arguments and results by calling convention; the other caller-saved registers are clobbered.
    Call,
    /// Arguments by calling convention, the address in the tail-call register.
    TailCall,
    /// Operand and a temporary in registers.
    Switch,
    /// Operands in the return registers.
    Ret,
    /// Results in the argument registers.
    Args,
}

macro_rules! define_ops {
    ($(($variant:ident, $name:ident, $shape:ident, $ty:ident, $res:ident, $eff:ident, [$($flag:ident)*], $cons:ident, $doc:literal))*) => {
        /// An operation: a row of the instruction table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Op {
            $(#[doc = $doc] $variant,)*
        }

        static INFO: [OpInfo; [$(Op::$variant),*].len()] = [
            $(OpInfo {
                op: Op::$variant,
                name: stringify!($name),
                shape: Shape::$shape,
                ty: TypeRule::$ty,
                result: ResultRule::$res,
                effect: Effect::$eff,
                flags: OpFlags(0)$(.union(OpFlags::$flag))*,
                constraint: Constraint::$cons,
                doc: $doc,
            },)*
        ];
    };
}
for_each_lir_op!(define_ops);

/// A row of the instruction table as data.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The operation.
    pub op: Op,
    /// Its name in the text form.
    pub name: &'static str,
    /// Its operands.
    pub shape: Shape,
    /// The types it works at.
    pub ty: TypeRule,
    /// The types of its results.
    pub result: ResultRule,
    /// Its effect.
    pub effect: Effect,
    /// Its flags.
    pub flags: OpFlags,
    /// Where its operands may live.
    pub constraint: Constraint,
    /// One sentence of documentation.
    pub doc: &'static str,
}

impl Op {
    /// All rows, indexed by the operation's code.
    pub fn table() -> &'static [OpInfo] {
        &INFO
    }

    /// This operation's row.
    #[inline]
    pub fn info(self) -> &'static OpInfo {
        &INFO[self as usize]
    }

    /// The operation with this name in the text form.
    pub fn from_name(name: &str) -> Option<Op> {
        INFO.iter().find(|i| i.name == name).map(|i| i.op)
    }

    /// The operand shape.
    #[inline]
    pub fn shape(self) -> Shape {
        self.info().shape
    }

    /// The effect.
    #[inline]
    pub fn effect(self) -> Effect {
        self.info().effect
    }

    /// Whether all of `flags` are set for this operation.
    #[inline]
    pub fn has(self, flags: OpFlags) -> bool {
        self.info().flags.has(flags)
    }

    /// Whether this ends a block.
    #[inline]
    pub fn is_terminator(self) -> bool {
        self.has(OpFlags::TERM)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().name)
    }
}
