//! Frames: the control records of running Python code.
//!
//! Registers live on the thread's register stack (or in a generator object); a [`Frame`] says whose they are,
//! where execution is, and what happens to the result. Frames form a chain from the running one down.

use cinder_bytecode::code::Code;
use cinder_bytecode::op::Insn;
use cinder_pyobj::{Obj, Value};

use crate::objects::code::CodeObject;

/// What becomes of a frame's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Called by an instruction of the frame below, which gets the result.
    Call,
    /// As `Call`, but the frame runs `__init__`: the result is the instance in `extra`.
    Init,
    /// Entered from native code: the run loop ends with the frame.
    Entry,
}

/// One activation.
#[repr(C)]
pub(crate) struct Frame {
    /// The instruction being executed.
    pub pc: *const Insn,
    /// Between near locals and temporaries.
    pub base: *mut Value,
    /// The constants, by index.
    pub consts: *const Value,
    /// The code object; kept alive by `code_obj`.
    pub code: *const CodeObject,
    pub prev: *mut Frame,
    /// Where registers of frames called from here may start.
    pub top: *mut Value,
    /// End of the register chunk that `top` points into.
    pub reg_end: *mut Value,
    /// End of the frame chunk that this record lies in (null for generators' frames).
    pub chunk_end: *mut Frame,
    /// The caller's window register that holds the callee; dropped when the call is over.
    pub window: *mut Value,
    pub code_obj: Value,
    pub function: Value,
    pub globals: Value,
    pub builtins: Value,
    /// The namespace mapping of module, class and `exec` code; `UNBOUND` in functions.
    pub namespace: Value,
    /// The materialised Python frame object, or `UNBOUND`. The frame owns a reference.
    pub frame_obj: Value,
    /// The instance under construction (`Init`), or the generator that owns the frame, borrowed; else `UNBOUND`.
    pub extra: Value,
    pub kind: FrameKind,
    /// The frame belongs to a generator, coroutine or async generator.
    pub is_generator: bool,
    /// Registers were moved out or dropped already.
    pub finished: bool,
    /// The registers lie in a chunk taken for this frame alone.
    pub own_chunk: bool,
}

impl Frame {
    /// The code object.
    #[inline(always)]
    pub(crate) fn code(&self) -> &CodeObject {
        // SAFETY: `code_obj` keeps the code object alive for as long as the frame runs.
        unsafe { &*self.code }
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

    /// The register of local `n`.
    #[inline(always)]
    pub(crate) fn local(&self, n: u32) -> *mut Value {
        // SAFETY: callers pass numbers below the code's number of locals.
        unsafe { self.base.offset(self.plain().local_offset(n) as isize) }
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
