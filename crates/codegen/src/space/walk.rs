//! Walking compiled frames by frame pointers, and sending them elsewhere by rewriting return addresses.

use super::{CodeSpace, CompiledCode, SavedRegisters};
use crate::lower::CallSite;
use std::sync::Arc;

/// A compiled function in the middle of a call.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The function.
    pub code: Arc<CompiledCode>,
    /// Its frame pointer.
    pub frame: usize,
    /// Where the callee will return to: an address inside [`code`](Self::code), maybe a rewritten one.
    pub pc: usize,
    /// Where that return address lies in memory.
    pub slot: usize,
    /// Where the values of callee-saved registers of this activation lie, as far as inner compiled frames saved
    /// them: register number (floating-point registers from 32 on) and address.
    pub saved: Vec<(u8, usize)>,
}

impl Activation {
    /// The call it is in.
    pub fn call_site(&self) -> Option<&CallSite> {
        self.code.call_site(self.pc)
    }

    /// Whether its return address was rewritten.
    pub fn is_redirected(&self) -> bool {
        self.call_site().is_some_and(|c| self.code.address() + c.return_offset as usize != self.pc)
    }

    /// The callee-saved registers of this activation, as far as [`saved`](Self::saved) tells: with them
    /// [`CompiledCode::read_value`] reads the frame state of its call. The values of an innermost activation, whose
    /// callee is not compiled, are not known unless all registers were saved before the call.
    ///
    /// # Safety
    /// The activation must be live, on this thread's stack or on that of a stopped one.
    pub unsafe fn registers(&self) -> SavedRegisters {
        let mut registers = SavedRegisters::default();
        for (reg, at) in &self.saved {
            // SAFETY: the slots belong to live inner frames, as the caller promises.
            let value = unsafe { (*at as *const u64).read() };
            match usize::from(*reg) {
                n @ 0..32 => registers.gprs[n] = value,
                n => registers.fprs[n & 31] = value,
            }
        }
        registers
    }

    /// Makes the call return to its deopt stub instead: the exit handler then gets the registers as they are just
    /// after the call, and the deopt point of the call. Answers whether the call has such a stub.
    ///
    /// # Safety
    /// The activation must be live, on this thread's stack or on that of a stopped one.
    pub unsafe fn redirect(&mut self) -> bool {
        let Some(stub) = self.call_site().and_then(|c| c.stub) else { return false };
        let to = self.code.address() + stub as usize;
        // SAFETY: the slot holds the return address of a live call, as the caller promises.
        unsafe { (self.slot as *mut usize).write(to) };
        self.pc = to;
        true
    }
}

/// Compiled activations from an inner one outwards, as far as they call each other directly.
pub struct Walk<'a> {
    space: &'a CodeSpace,
    frame: usize,
    slot: usize,
    saved: Vec<(u8, usize)>,
}

impl CodeSpace {
    /// Walks from the activation with this frame pointer, whose call to something not compiled has its return
    /// address at `slot`. Compiled code that publishes its frame pointer before calling out has the return address
    /// just below its frame on x86-64: see [`return_slot`](Self::return_slot).
    ///
    /// # Safety
    /// `frame` and `slot` must belong to a live activation of a function of this space, on this thread's stack or on
    /// that of a stopped one.
    pub unsafe fn walk(&self, frame: usize, slot: usize) -> Walk<'_> {
        Walk { space: self, frame, slot, saved: Vec::new() }
    }

    /// Where the return address of a call made by an activation lies: on x86-64 the eight bytes below its frame.
    pub fn return_slot(code: &CompiledCode, frame: usize) -> usize {
        frame.wrapping_sub(code.frame().size as usize + 8)
    }
}

impl Iterator for Walk<'_> {
    type Item = Activation;

    fn next(&mut self) -> Option<Activation> {
        if self.frame == 0 || !self.frame.is_multiple_of(8) || !self.slot.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `walk`'s caller promised a live activation; outer frames of compiled code are live as well.
        let pc = unsafe { (self.slot as *const usize).read() };
        let code = self.space.find(pc)?;
        let activation =
            Activation { code: code.clone(), frame: self.frame, pc, slot: self.slot, saved: self.saved.clone() };
        let shape = &code.frame().shape;
        let gprs = shape.saved_gprs.iter().map(|r| r.0);
        for (i, reg) in gprs.chain(shape.saved_fprs.iter().map(|r| r.0 + 32)).enumerate() {
            self.saved.retain(|s| s.0 != reg);
            self.saved.push((reg, self.frame - 8 * (i + 1)));
        }
        self.slot = self.frame + 8;
        // SAFETY: the frame pointer of compiled code points at the caller's frame pointer.
        self.frame = unsafe { (self.frame as *const usize).read() };
        Some(activation)
    }
}
