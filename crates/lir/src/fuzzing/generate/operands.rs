//! Right operands, addresses and frame states.

use super::{BUFFER_BYTES, Generator, SLOT_BYTES};
use crate::builder::Rhs;
use crate::ir::{Addr, FrameId, FrameValue};
use crate::types::Type;

impl Generator<'_, '_> {
    pub(super) fn rhs(&mut self, ty: Type) -> Rhs {
        if self.rng.one_in(3) {
            let k = self.rng.int();
            Rhs::Imm(ty.sign_extend(k as u64))
        } else {
            Rhs::Reg(self.value(ty))
        }
    }

    /// An address within the buffer (its last word excepted) or the stack area.
    pub(super) fn address(&mut self, bytes: u32) -> Addr {
        let limit = BUFFER_BYTES as i32 / 2;
        let disp = self.rng.below((limit as usize - 8) / bytes as usize) as i32 * bytes as i32;
        match self.rng.below(6) {
            0 => Addr::stack(self.slot + self.rng.below(SLOT_BYTES / 8) as i32 * 8),
            1 => Addr::thread(disp),
            2 | 3 => {
                let index = self.value(Type::I64);
                let index = self.b.and(index, 15);
                let scale = self.rng.below(4) as u8;
                Addr::indexed(self.buffer, index, scale, disp)
            }
            4 => {
                let base = self.b.add(self.buffer, i64::from(disp));
                Addr::base(base, 8)
            }
            _ => Addr::base(self.buffer, disp),
        }
    }

    /// An address for an atomic operation: aligned, whatever the index is.
    pub(super) fn atomic_address(&mut self, bytes: u32) -> Addr {
        let addr = self.address(bytes);
        Addr { scale: if addr.index.is_some() { 3 } else { 0 }, ..addr }
    }

    /// A frame state of random values.
    pub(super) fn frame(&mut self, results: Option<u8>) -> FrameId {
        let mut values = Vec::new();
        for _ in 0..self.rng.below(7) {
            let ty = self.any_type();
            values.push(match self.rng.below(6) {
                0 => FrameValue::Dead,
                1 => FrameValue::Const(ty, self.rng.next_u64() & ty.mask()),
                _ => FrameValue::Reg(self.value(ty)),
            });
        }
        values.extend(results.map(FrameValue::Result));
        self.user += 1;
        self.b.frame_state(self.user, &values)
    }
}
