//! Hands instructions to the buffer byte by byte: appending one byte is a store, appending a slice two calls.

use super::{Inst, LabelUse, MachBuffer, MachLabel, asm};

/// Where the typed assembler puts its bytes.
pub(crate) struct Sink<'a>(pub(crate) &'a mut MachBuffer<Inst>);

impl asm::CodeSink for Sink<'_> {
    #[inline]
    fn put1(&mut self, value: u8) {
        self.0.put1(value);
    }

    #[inline]
    fn put2(&mut self, value: u16) {
        value.to_le_bytes().into_iter().for_each(|b| self.0.put1(b));
    }

    #[inline(never)]
    fn put4(&mut self, value: u32) {
        value.to_le_bytes().into_iter().for_each(|b| self.0.put1(b));
    }

    #[inline(never)]
    fn put8(&mut self, value: u64) {
        self.0.put8(value);
    }

    fn add_trap(&mut self, _: asm::TrapCode) {
        // Traps are recorded by the assembler itself, and memory accesses must not fault.
    }

    #[inline(never)]
    fn use_target(&mut self, target: asm::DeferredTarget) {
        if let asm::DeferredTarget::Label(label) = target {
            let offset = self.0.cur_offset();
            self.0.use_label_at_offset(offset, MachLabel::from_u32(label.0), LabelUse::JmpRel32);
        }
    }

    #[inline]
    fn known_offset(&self, _: asm::KnownOffset) -> i32 {
        0
    }
}
