//! The copies of a code object's instructions: plain, shadow, instrumented.
//!
//! All copies have the layout of the plain code, so instruction `i` of one stands for instruction `i` of the
//! others, and a jump stays in the copy that it starts from. A frame's `pc` says by its address which copy the
//! frame runs; nothing else records it, so frame and copy cannot disagree. Copies stay where they are until the
//! code object goes: frames may run them at any time.

use std::cell::Cell;

use cinder_bytecode::op::{Insn, Opcode};

/// See the module.
pub(crate) struct Copies {
    /// Where new frames start: in the copy to run now, or of a stub that picks one.
    entry: Cell<*const Insn>,
    plain: *const Insn,
    len: u32,
    /// Where frames start in each copy: behind the `Resume` that compiled code begins with.
    first: u32,
    shadow: Cell<*const Insn>,
    instrumented: Cell<*mut Insn>,
}

impl Copies {
    /// Only the plain code, which must outlive this.
    pub(crate) fn new(plain: &[Insn]) -> Copies {
        let first = usize::from(plain.first().and_then(|insn| insn.op()) == Some(Opcode::Resume) && plain.len() > 1);
        Copies {
            entry: Cell::new(plain[first..].as_ptr()),
            plain: plain.as_ptr(),
            len: plain.len() as u32,
            first: first as u32,
            shadow: Cell::new(std::ptr::null()),
            instrumented: Cell::new(std::ptr::null_mut()),
        }
    }

    /// Where a new frame starts.
    #[inline(always)]
    pub(crate) fn entry(&self) -> *const Insn {
        self.entry.get()
    }

    /// Where frames start in each copy.
    #[inline(always)]
    pub(crate) fn first(&self) -> usize {
        self.first as usize
    }

    /// Lets new frames start in a stub.
    pub(crate) fn enter_stub(&self, stub: *const Insn) {
        self.entry.set(stub);
    }

    /// Lets new frames start in the copy that begins at `copy`.
    pub(crate) fn enter_copy(&self, copy: *const Insn) {
        self.entry.set(self.start_of(copy));
    }

    /// Whether new frames start in the copy that begins at `copy`.
    pub(crate) fn enters(&self, copy: *const Insn) -> bool {
        self.entry.get() == self.start_of(copy)
    }

    fn start_of(&self, copy: *const Insn) -> *const Insn {
        copy.wrapping_add(self.first as usize)
    }

    /// The first word of the copy that `pc` points into; of the plain code if it points into none.
    pub(crate) fn base_of(&self, pc: *const Insn) -> *const Insn {
        let copies = [self.plain, self.shadow.get(), self.instrumented.get().cast_const()];
        copies.into_iter().find(|base| self.index_in(*base, pc).is_some()).unwrap_or(self.plain)
    }

    fn index_in(&self, base: *const Insn, pc: *const Insn) -> Option<u32> {
        if base.is_null() {
            return None;
        }
        let distance = (pc as usize).wrapping_sub(base as usize) / size_of::<Insn>();
        (distance < self.len as usize).then_some(distance as u32)
    }

    /// The index of the instruction at `pc`, whichever copy it is in; 0 in an entry stub.
    pub(crate) fn index(&self, pc: *const Insn) -> u32 {
        self.index_in(self.base_of(pc), pc).unwrap_or(0)
    }

    /// The plain instruction behind `pc`.
    #[inline]
    pub(crate) fn plain_insn(&self, pc: *const Insn) -> Insn {
        // SAFETY: the index lies in the plain code.
        unsafe { *self.plain.add(self.index(pc) as usize) }
    }

    /// The code that runs when nothing observes it: the shadow copy if there is one.
    pub(crate) fn quick(&self) -> *const Insn {
        if self.shadow.get().is_null() { self.plain } else { self.shadow.get() }
    }

    /// The shadow copy; null if there is none.
    pub(crate) fn shadow(&self) -> *const Insn {
        self.shadow.get()
    }

    /// Takes a shadow copy, which must have the plain code's length and stay for as long as the code object. New
    /// frames run it unless the code is instrumented.
    pub(crate) fn set_shadow(&self, shadow: *const Insn) {
        let was_quick = self.enters(self.quick());
        self.shadow.set(shadow);
        if was_quick {
            self.enter_copy(self.quick());
        }
    }

    /// The instrumented copy; null if there is none.
    pub(crate) fn instrumented(&self) -> *mut Insn {
        self.instrumented.get()
    }

    /// The instrumented copy, made as a copy of the plain code if need be.
    pub(crate) fn make_instrumented(&self) -> *mut Insn {
        if self.instrumented.get().is_null() {
            // SAFETY: the plain code has `len` words.
            let copy: Box<[Insn]> = unsafe { std::slice::from_raw_parts(self.plain, self.len as usize) }.into();
            self.instrumented.set(Box::into_raw(copy).cast());
        }
        self.instrumented.get()
    }

    /// The number of words in each copy.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        let copy = self.instrumented.get();
        if !copy.is_null() {
            // SAFETY: made by `make_instrumented` from a box of this length; no frame of the code is left.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(copy, self.len as usize)) });
        }
    }
}
