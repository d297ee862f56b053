//! The view that an instruction has of the machine: its operands, its frame and its thread.
//!
//! All raw register access of the interpreter's instructions goes through [`M`]. Its methods are safe to call
//! from instruction bodies because code is verified before it runs: operands name registers, constants and
//! names that exist, and hold what the opcode table says.

use std::mem::ManuallyDrop;
use std::ops::Deref;

use cinder_bytecode::op::{CONST_BASE, Insn, Opcode};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use crate::frame::Frame;
use crate::thread::Thread;

/// What to do after an instruction: a small code, or the address of the next instruction.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow(pub usize);

impl Flow {
    /// Go on with the next word.
    pub(crate) const NEXT: Flow = Flow(0);
    /// Skip one word (an `Extra`, or the `Jump` after a fused test).
    pub(crate) const SKIP: Flow = Flow(1);
    /// An exception is pending.
    pub(crate) const RAISE: Flow = Flow(2);
    /// As `RAISE`, without a traceback entry or a new context.
    pub(crate) const RERAISE: Flow = Flow(3);
    /// Another frame is current: go on there at its `pc`.
    pub(crate) const SWITCH: Flow = Flow(4);
    /// The entry frame is done: leave the run loop.
    pub(crate) const EXIT: Flow = Flow(5);

    #[inline(always)]
    pub(crate) fn jump(pc: *const Insn) -> Flow {
        Flow(pc as usize)
    }
}

/// What a fast path did, and where to go on.
pub(crate) enum Fast {
    /// The next word.
    Next,
    /// Here.
    Jump(*const Insn),
    /// In another frame.
    Enter(*const Insn, *mut Value, *mut Frame),
    /// There, once this last reference is dropped.
    Drop(Value, *const Insn, *mut Value, *mut Frame),
    /// As `Drop`, with a second one parked in the thread.
    Drop2(Value, *const Insn, *mut Value, *mut Frame),
    /// Out of the run loop, with a result left in the thread.
    Exit,
    /// It did nothing: take the slow path.
    Slow,
}

/// Registers of the machine during one instruction.
#[derive(Clone, Copy)]
pub(crate) struct M {
    pub pc: *const Insn,
    pub base: *mut Value,
    pub fr: *mut Frame,
    pub th: *const Thread,
    pub w: u64,
}

/// An operand: owned (a consumed temporary) or borrowed (a local or constant).
pub(crate) struct Arg {
    v: ManuallyDrop<Obj>,
    owned: bool,
}

impl Deref for Arg {
    type Target = Obj;
    #[inline(always)]
    fn deref(&self) -> &Obj {
        &self.v
    }
}

impl Arg {
    /// An owned reference: the temporary's own, or a new one.
    #[inline(always)]
    pub(crate) fn into_obj(self) -> Obj {
        let a = ManuallyDrop::new(self);
        let v = a.v.value();
        // SAFETY: an owned operand is given up here; a borrowed one is alive.
        unsafe { if a.owned { Obj::from_owned(v) } else { Obj::from_borrowed(v) } }
    }
}

impl Drop for Arg {
    #[inline(always)]
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.v) }
        }
    }
}

impl M {
    #[inline(always)]
    pub(crate) fn th<'a>(self) -> &'a Thread {
        // SAFETY: the thread outlives the run loop.
        unsafe { &*self.th }
    }

    #[inline(always)]
    pub(crate) fn cx<'a>(self) -> &'a Ctx {
        &self.th().cx
    }

    #[inline(always)]
    pub(crate) fn frame<'a>(self) -> &'a mut Frame {
        // SAFETY: the frame is current; instruction bodies run one at a time.
        unsafe { &mut *self.fr }
    }

    #[inline(always)]
    pub(crate) fn a(self) -> i16 {
        (self.w >> 16) as i16
    }

    #[inline(always)]
    pub(crate) fn b(self) -> i16 {
        (self.w >> 32) as i16
    }

    #[inline(always)]
    pub(crate) fn c(self) -> i16 {
        (self.w >> 48) as i16
    }

    #[inline(always)]
    pub(crate) fn bx(self) -> u32 {
        (self.w >> 32) as u32
    }

    #[inline(always)]
    pub(crate) fn sbx(self) -> i32 {
        (self.w >> 32) as i32
    }

    /// The `bx` of the word after this one.
    #[inline(always)]
    pub(crate) fn extra(self) -> u32 {
        // SAFETY: instructions with an `Extra` word are followed by it.
        unsafe { (*self.pc.add(1)).bx() }
    }

    /// The address of a register.
    #[inline(always)]
    pub(crate) fn reg(self, x: i16) -> *mut Value {
        // SAFETY: verified operands lie in the frame.
        unsafe { self.base.offset(x as isize) }
    }

    /// The word of a local, temporary or constant; borrowed.
    #[inline(always)]
    pub(crate) fn peek(self, x: i16) -> Value {
        // SAFETY: verified operands exist.
        unsafe {
            if x >= CONST_BASE {
                *(*self.fr).consts.add((x - CONST_BASE) as usize)
            } else {
                *self.base.offset(x as isize)
            }
        }
    }

    /// The operand as a borrowed object.
    #[inline(always)]
    pub(crate) fn peek_obj<'a>(self, x: i16) -> &'a Obj {
        // SAFETY: verified operands exist and hold values; the register or constant keeps them alive, and
        // callers use the borrow only while the register is not written.
        unsafe {
            let p = if x >= CONST_BASE {
                (*self.fr).consts.add((x - CONST_BASE) as usize)
            } else {
                self.base.offset(x as isize)
            };
            Obj::borrow_from(p)
        }
    }

    /// The operand, consumed if it is a temporary.
    #[inline(always)]
    pub(crate) fn arg(self, x: i16) -> Arg {
        let v = self.peek(x);
        // SAFETY: a temporary is owned by the instruction; others stay owned by their holder.
        Arg { v: ManuallyDrop::new(unsafe { Obj::from_owned(v) }), owned: is_temp(x) }
    }

    /// Takes temporary `x` (a `Tmp`, `InOut` or window register).
    #[inline(always)]
    pub(crate) fn take(self, x: i16) -> Obj {
        // SAFETY: the instruction owns the temporary.
        unsafe { Obj::from_owned(*self.reg(x)) }
    }

    /// Takes `n` window registers.
    pub(crate) fn take_window(self, x: i16, n: usize) -> Vec<Obj> {
        (0..n).map(|i| self.take(x + i as i16)).collect()
    }

    /// Stores a result: drops the old value of a local after the store.
    #[inline(always)]
    pub(crate) fn set(self, x: i16, v: Obj) {
        // SAFETY: a destination is a local, whose old word is owned by the frame, or a dead temporary.
        unsafe {
            let p = self.reg(x);
            if x < 0 {
                let old = std::mem::replace(&mut *p, v.into_value());
                if old.is_ptr() {
                    old.decref();
                }
            } else {
                *p = v.into_value();
            }
        }
    }

    /// Stores into a dead temporary.
    #[inline(always)]
    pub(crate) fn put(self, x: i16, v: Obj) {
        // SAFETY: the temporary is dead.
        unsafe { *self.reg(x) = v.into_value() }
    }

    /// Stores a sentinel into a dead temporary.
    #[inline(always)]
    pub(crate) fn put_word(self, x: i16, v: Value) {
        // SAFETY: as in `put`.
        unsafe { *self.reg(x) = v }
    }

    /// Tells the frame which instruction is being executed.
    #[inline(always)]
    pub(crate) fn save_pc(self) {
        self.frame().pc = self.pc;
    }

    /// The word of an operand with a reference of its own: a temporary moves.
    #[inline(always)]
    pub(crate) fn owned(self, x: i16) -> Value {
        let v = self.peek(x);
        if !is_temp(x) {
            // SAFETY: a bound local or a constant.
            unsafe { v.incref() };
        }
        v
    }

    /// Ends a fast path by storing the owned word `v`.
    #[inline(always)]
    pub(crate) fn store(self, x: i16, v: Value) -> Fast {
        self.store_then(x, v, 1)
    }

    /// As [`M::store`], then goes on `step` words further.
    #[inline(always)]
    pub(crate) fn store_then(self, x: i16, v: Value, step: usize) -> Fast {
        // SAFETY: a destination is a local, whose old word is owned by the frame, or a dead temporary.
        unsafe {
            let p = self.reg(x);
            let old = *p;
            *p = v;
            if x < 0 && old.is_ptr() && old.header().release() {
                return self.dying(old, step);
            }
            self.step(step)
        }
    }

    /// Ends a fast path by storing the owned word `v` and dropping operand `used` (its word) if it is a temporary.
    #[inline(always)]
    pub(crate) fn store_drop(self, x: i16, v: Value, used: i16, word: Value) -> Fast {
        self.store_drop_then(x, v, used, word, 1)
    }

    /// As [`M::store_drop`], then goes on `step` words further.
    #[inline(always)]
    pub(crate) fn store_drop_then(self, x: i16, v: Value, used: i16, word: Value, step: usize) -> Fast {
        // SAFETY: as in `store`; the instruction owns a consumed temporary.
        unsafe {
            let dies = is_temp(used) && word.is_ptr() && word.header().release();
            let p = self.reg(x);
            let old = *p;
            *p = v;
            if x < 0 && old.is_ptr() && old.header().release() {
                if dies {
                    self.th().parked.set(Some(old));
                    self.save_pc();
                    return Fast::Drop2(word, self.pc.add(step), self.base, self.fr);
                }
                return self.dying(old, step);
            }
            if dies {
                return self.dying(word, step);
            }
            self.step(step)
        }
    }

    /// Ends a fast path that consumed operand `used`, whose word is given.
    #[inline(always)]
    pub(crate) fn consumed(self, used: i16, word: Value, to: *const Insn) -> Fast {
        // SAFETY: the instruction owns a consumed temporary.
        unsafe {
            if is_temp(used) && word.is_ptr() && word.header().release() {
                self.save_pc();
                return Fast::Drop(word, to, self.base, self.fr);
            }
        }
        Fast::Jump(to)
    }

    #[inline(always)]
    fn dying(self, v: Value, step: usize) -> Fast {
        self.save_pc();
        // SAFETY: verified code goes on after this instruction.
        Fast::Drop(v, unsafe { self.pc.add(step) }, self.base, self.fr)
    }

    #[inline(always)]
    fn step(self, step: usize) -> Fast {
        // SAFETY: as in `dying`.
        if step == 1 { Fast::Next } else { Fast::Jump(unsafe { self.pc.add(step) }) }
    }

    /// The address `n` words further on.
    #[inline(always)]
    pub(crate) fn ahead(self, n: usize) -> *const Insn {
        // SAFETY: verified code has the words that its instructions skip.
        unsafe { self.pc.add(n) }
    }

    /// The opcode of the word, which is one of plain code.
    #[inline(always)]
    pub(crate) fn opcode(self) -> Opcode {
        Insn(self.w).op().unwrap_or(Opcode::Nop)
    }

    /// How many words further on an address in the same code lies.
    #[inline(always)]
    pub(crate) fn distance_to(self, to: *const Insn) -> isize {
        ((to as isize).wrapping_sub(self.pc as isize)) / size_of::<Insn>() as isize
    }

    /// Field `c` as a count.
    #[inline(always)]
    pub(crate) fn plain_c(self) -> usize {
        self.c() as u16 as usize
    }

    /// The address that a jump whose distance is in this word leads to.
    #[inline(always)]
    pub(crate) fn target_pc(self) -> *const Insn {
        // SAFETY: verified jumps stay in the code.
        unsafe { self.pc.offset(1 + self.sbx() as isize) }
    }

    /// The address that the `Jump` after a fused test leads to.
    #[inline(always)]
    pub(crate) fn next_target_pc(self) -> *const Insn {
        // SAFETY: fused tests are followed by a `Jump`.
        unsafe {
            let d = (*self.pc.add(1)).sbx();
            self.pc.offset(2 + d as isize)
        }
    }

    /// A constant by index.
    #[inline(always)]
    pub(crate) fn constant<'a>(self, i: u32) -> &'a Obj {
        // SAFETY: verified indices exist; the code object keeps its constants alive.
        unsafe { Obj::borrow_from((*self.fr).consts.add(i as usize)) }
    }

    /// A name by index.
    #[inline(always)]
    pub(crate) fn name(self, i: u32) -> Name {
        self.frame().code().names[i as usize]
    }

    /// The frame's globals.
    #[inline(always)]
    pub(crate) fn globals<'a>(self) -> &'a Obj {
        // SAFETY: the frame keeps them alive.
        unsafe { Obj::borrow_from(&(*self.fr).globals) }
    }

    /// The frame's builtins dict.
    #[inline(always)]
    pub(crate) fn builtins<'a>(self) -> &'a Obj {
        // SAFETY: the frame keeps them alive.
        unsafe { Obj::borrow_from(&(*self.fr).builtins) }
    }

    /// The target of a jump whose distance is in this word.
    #[inline(always)]
    pub(crate) fn target(self) -> Flow {
        Flow::jump(self.target_pc())
    }

    /// The target of the `Jump` that follows a fused test.
    #[inline(always)]
    pub(crate) fn next_target(self) -> Flow {
        Flow::jump(self.next_target_pc())
    }

    /// The local's number of a (negative) local operand.
    pub(crate) fn local_number(self, x: i16) -> u32 {
        (self.frame().code().near as i32 + x as i32) as u32
    }
}

/// Whether an operand is a temporary, which its reader consumes.
#[inline(always)]
pub(crate) const fn is_temp(x: i16) -> bool {
    x >= 0 && x < CONST_BASE
}

/// Turns the result of an instruction body into flow.
#[inline(always)]
pub(crate) fn flow(r: PyResult<Flow>) -> Flow {
    match r {
        Ok(f) => f,
        Err(_) => Flow::RAISE,
    }
}
