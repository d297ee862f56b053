//! Exits: what the common stub hands to the embedder.

use super::{CodeSpace, CompiledCode};
use std::sync::Arc;

/// Which exit was taken: the function's number and the deopt point within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ExitId(pub u64);

impl ExitId {
    /// The function's number: see [`CodeSpace::function`](super::CodeSpace::function).
    pub fn function(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The deopt point: see [`CompiledCode::point`](super::CompiledCode::point).
    pub fn point(self) -> u32 {
        self.0 as u32
    }
}

/// All registers at an exit, by hardware numbers; floating-point registers as the low 64 bits. What the handler
/// writes to the return registers is what the function returns.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct SavedRegisters {
    /// General-purpose registers; the stack pointer's is its value in the function's body.
    pub gprs: [u64; 32],
    /// Floating-point registers.
    pub fprs: [u64; 32],
}

/// Offset of the floating-point registers in [`SavedRegisters`].
pub(crate) const FPRS_OFFSET: i32 = 256;
/// Size of [`SavedRegisters`].
pub(crate) const SAVED_SIZE: u32 = 512;

impl SavedRegisters {
    /// Sets the n-th integer result (0 or 1) that the function returns.
    pub fn set_int_result(&mut self, n: usize, value: u64) {
        let rets: [usize; 2] = if cfg!(target_arch = "aarch64") { [0, 1] } else { [0, 2] };
        self.gprs[rets[n & 1]] = value;
    }

    /// Sets the n-th floating-point result (0 or 1) that the function returns, given as bits.
    pub fn set_float_result(&mut self, n: usize, bits: u64) {
        self.fprs[n & 1] = bits;
    }
}

/// Called when an exit is taken: the thread register, the frame pointer of the activation, its registers, and which
/// exit. When it returns, the function returns to its caller with the results that the handler set in the
/// registers. Must not unwind.
pub type ExitHandler =
    unsafe extern "C" fn(thread: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId);

/// An exit being taken: the arguments of an [`ExitHandler`] brought together.
pub struct Exit<'a> {
    /// The function that is left.
    pub code: Arc<CompiledCode>,
    /// The deopt point: see [`CompiledCode::point`].
    pub point: u32,
    /// What the registers held; the function returns what the handler writes to the return registers.
    pub registers: &'a mut SavedRegisters,
    frame: *const u8,
}

impl<'a> Exit<'a> {
    /// The exit that a handler was called for; `None` if the function is not one of this space.
    ///
    /// # Safety
    /// `frame`, `registers` and `exit` must be what the handler got, and the handler must not have returned.
    pub unsafe fn new(
        space: &CodeSpace,
        frame: *const u8,
        registers: *mut SavedRegisters,
        exit: ExitId,
    ) -> Option<Exit<'a>> {
        let code = space.function(exit.function())?;
        // SAFETY: the common stub passes its own block of registers, ours until the handler returns.
        Some(Exit { code, point: exit.point(), registers: unsafe { &mut *registers }, frame })
    }

    /// The language's word of the frame state.
    pub fn user(&self) -> u64 {
        self.code.point(self.point).map_or(0, |p| p.user)
    }

    /// The values of the frame state, in its order; `None` for dead ones.
    pub fn values(&self) -> impl Iterator<Item = Option<u64>> + '_ {
        let values = self.code.point_values(self.point).iter();
        // SAFETY: the activation at this frame stopped at this point with these registers.
        values.map(|v| unsafe { self.code.read_value(v, self.frame, self.registers) })
    }

    /// Makes the function return this, given as bits: an integer or a floating-point number.
    pub fn set_result(&mut self, bits: u64) {
        self.registers.set_int_result(0, bits);
        self.registers.set_float_result(0, bits);
    }
}

/// Stands in for a handler: nobody said what an exit means.
pub(super) unsafe extern "C" fn no_handler(_: *mut u8, _: *mut u8, _: *mut SavedRegisters, _: ExitId) {
    std::process::abort();
}

const _: () = assert!(std::mem::size_of::<SavedRegisters>() == SAVED_SIZE as usize);
const _: () = assert!(std::mem::offset_of!(SavedRegisters, fprs) == FPRS_OFFSET as usize);
