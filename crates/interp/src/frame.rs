//! Frames: the control records of running Python code.
//!
//! Registers live on the thread's register stack (or in a generator object); a [`Frame`] says whose they are,
//! where execution is, and what happens to the result. Frames form a chain from the running one down.

use cinder_bytecode::code::Code;
use cinder_bytecode::op::Insn;
use cinder_pyobj::{Obj, Value};
use cinder_shadow::Site;

use crate::objects::code::CodeObject;

/// What becomes of a frame's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Called by an instruction of the frame below, which gets the result.
    Call,
    /// As `Call`, but the frame runs `__init__`: the result is the instance in `extra`.
    Init,
    /// As `Call`, but the frame runs the `__new__` of the class that the instruction calls: see `ops/calls/new.rs`.
    New,
    /// Entered from native code: the run loop ends with the frame.
    Entry,
    /// Called by an instruction of the frame below that has no use for the result.
    Discard,
    /// A generator resumed by a `ForIter` of the frame below.
    Loop,
    /// A generator or coroutine resumed by a `Send` of the frame below.
    Send,
    /// A generator of which a call instruction of the frame below takes all items.
    Collect,
    /// A coroutine called and awaited at once by the frame below, which stands at its `Send`; there is no coroutine
    /// object yet: see [`eager`](crate::call::eager).
    Await,
    /// `__next__` of an iterator that a `ForIter` of the frame below walks. A StopIteration that it raises ends the loop.
    Next,
    // What follows runs a special method for an operator of the frame below: see [`operand`](crate::call::operand).
    /// The result is the operation's, unless it is NotImplemented.
    Operator,
    /// The truth of the result is the operation's result.
    Bool,
    /// The truth of the result decides where the frame below goes on.
    Branch,
    /// As `Branch`, where the result is a length.
    BranchLength,
}

impl FrameKind {
    /// Whether the frame runs a special method for an operator of the frame below.
    #[inline(always)]
    pub(crate) fn is_operator(self) -> bool {
        self as u8 >= FrameKind::Operator as u8
    }

    /// Whether the frame below gets no result but goes on at one of two places.
    #[inline(always)]
    pub(crate) fn branches(self) -> bool {
        self as u8 >= FrameKind::Branch as u8
    }
}

/// One activation.
#[repr(C)]
pub(crate) struct Frame {
    /// The instruction being executed, in the plain code or in a shadow of it.
    pub pc: *const Insn,
    /// Between near locals and temporaries.
    pub base: *mut Value,
    /// The constants, by index.
    pub consts: *const Value,
    /// The caches of the shadow code that `pc` is in; null in plain code.
    pub sites: *const Site,
    /// The code object. The function keeps it alive, or the frame itself where `owns_names`.
    pub code: *const CodeObject,
    pub prev: *mut Frame,
    /// Where registers of frames called from here may start.
    pub top: *mut Value,
    /// End of the register chunk that `top` points into.
    pub reg_end: *mut Value,
    /// Owned; `UNBOUND` where code runs without a function.
    pub function: Value,
    /// Borrowed from the function unless `owns_names`.
    pub globals: Value,
    /// As `globals`.
    pub builtins: Value,
    /// The namespace mapping of module, class and `exec` code, owned; `UNBOUND` in functions.
    pub namespace: Value,
    /// The materialised Python frame object, or `UNBOUND`. The frame owns a reference.
    pub frame_obj: Value,
    /// The instance under construction (`Init`), the generator that owns the frame, borrowed, or the two distances of a
    /// branch; else `UNBOUND`.
    pub extra: Value,
    pub kind: FrameKind,
    /// The frame belongs to a generator, coroutine or async generator.
    pub is_generator: bool,
    /// Registers were moved out or dropped already.
    pub finished: bool,
    /// The registers lie in a chunk taken for this frame alone.
    pub own_chunk: bool,
    /// Code, globals and builtins are owned by the frame.
    pub owns_names: bool,
    /// The record is the first of its chunk of records.
    pub chunk_first: bool,
    /// How many words the caller's call instruction takes.
    pub advance: u8,
    /// Who takes the items of a generator (`Collect`): see [`collect`](crate::call::collect). How many arguments the window
    /// of the call has (`New`). What is known of an operator otherwise: see [`operand`](crate::call::operand).
    pub consumer: u8,
}

impl Frame {
    /// The code object.
    #[inline(always)]
    pub(crate) fn code(&self) -> &CodeObject {
        // SAFETY: see the field.
        unsafe { &*self.code }
    }

    /// The code object as a word.
    #[inline(always)]
    pub(crate) fn code_value(&self) -> Value {
        self.code().as_value()
    }

    /// The plain code data.
    #[inline(always)]
    pub(crate) fn plain(&self) -> &Code {
        &self.code().code
    }

    /// The index of the instruction being executed, whichever copy of the code runs.
    pub(crate) fn lasti(&self) -> u32 {
        self.code().copies.index(self.pc)
    }

    /// The instruction being executed as the plain code has it.
    pub(crate) fn plain_insn(&self) -> Insn {
        self.code().copies.plain_insn(self.pc)
    }

    /// Goes over from plain code to the shadow, which is made if need be: the address there of what `pc` is here.
    #[cold]
    pub(crate) fn enter_shadow(&mut self, pc: *const Insn) -> *const Insn {
        let c = self.code();
        if c.sites().is_null() {
            c.warm_up();
        }
        if c.sites().is_null() || c.copies.base_of(pc) != c.code.insns.as_ptr() {
            return pc;
        }
        let (at, sites) = (c.copies.index(pc), c.sites());
        // SAFETY: the shadow has as many instructions as the plain code.
        let pc = unsafe { c.copies.shadow().add(at as usize) };
        self.sites = sites;
        pc
    }

    /// Nothing about the frame's end is special: its result goes to the caller's register, and only its
    /// function has to be dropped.
    #[inline(always)]
    pub(crate) fn ends_simply(&self) -> bool {
        // One by one as they were written: a load of them all would have to wait until the stores are done.
        let special = self.is_generator | self.finished | self.own_chunk | self.owns_names | self.chunk_first;
        !special && self.frame_obj == Value::UNBOUND
    }

    /// The register of local `n`.
    #[inline(always)]
    pub(crate) fn local(&self, n: u32) -> *mut Value {
        // SAFETY: callers pass numbers below the code's number of locals.
        unsafe { self.base.offset(self.plain().local_offset(n) as isize) }
    }

    /// An owned word as an object; nothing for `UNBOUND`.
    ///
    /// # Safety
    /// The caller must own the word and give it up.
    pub(crate) unsafe fn taken(v: Value) -> Option<Obj> {
        // SAFETY: by the caller's promise.
        if v.is_sentinel() { None } else { Some(unsafe { Obj::from_owned(v) }) }
    }

    /// A borrowed word of the frame as an object; nothing for `UNBOUND`.
    pub(crate) fn object(v: Value) -> Option<Obj> {
        if v.is_sentinel() {
            return None;
        }
        // SAFETY: the frame owns what its words name.
        Some(unsafe { Obj::from_borrowed(v) })
    }
}
