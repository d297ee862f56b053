//! Dataflow over locals: every local that is borrowed is bound, every cell operand is a cell.

use super::{successors, FlowError, Liveness, Work};
use crate::code::Code;
use crate::op::{Opcode, Operand, OperandKind};

/// What is certain about 64 locals: bits of those that are bound to a value, and of those that hold a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    bound: u64,
    cell: u64,
}

impl Known {
    fn meet(self, other: Known) -> Known {
        Known { bound: self.bound & other.bound, cell: self.cell & other.cell }
    }
}

/// Checks all near locals, 64 at a time.
pub(crate) fn check_locals(code: &Code, liveness: &Liveness) -> Result<(), FlowError> {
    let near = code.near_locals();
    for first in (0..near).step_by(64) {
        Chunk { code, liveness, first, near, before: vec![None; code.insns.len()], work: Work::new(code.insns.len()) }.run()?;
    }
    Ok(())
}

struct Chunk<'c> {
    code: &'c Code,
    liveness: &'c Liveness,
    first: u32,
    near: u32,
    before: Vec<Option<Known>>,
    work: Work,
}

impl Chunk<'_> {
    fn run(mut self) -> Result<(), FlowError> {
        let params = self.code.param_count();
        let mut entry = Known { bound: 0, cell: 0 };
        for local in self.first..params.min(self.first + 64) {
            entry.bound |= 1 << (local - self.first);
        }
        self.reach(0, entry);
        while let Some(pc) = self.work.pop() {
            self.step(pc)?;
        }
        Ok(())
    }

    fn reach(&mut self, pc: u32, known: Known) {
        if let Some(slot) = self.before.get_mut(pc as usize) {
            let joined = slot.map_or(known, |old| old.meet(known));
            if *slot != Some(joined) {
                *slot = Some(joined);
                self.work.push(pc);
            }
        }
    }

    /// The bit of an operand field that is a local of this chunk.
    fn bit(&self, field: u16) -> u64 {
        match Operand::decode(field, self.near) {
            Some(Operand::Local(local)) => self.bit_of(local as u32),
            _ => 0,
        }
    }

    fn bit_of(&self, local: u32) -> u64 {
        match local.checked_sub(self.first) {
            Some(at) if at < 64 => 1 << at,
            _ => 0,
        }
    }

    fn step(&mut self, pc: u32) -> Result<(), FlowError> {
        let insn = self.code.insns[pc as usize];
        let (Some(op), Some(mut known)) = (insn.op(), self.before[pc as usize]) else { return Ok(()) };
        if !self.liveness.is_reachable(pc) {
            return Ok(());
        }
        if op.flags().may_raise()
            && let Some(entry) = self.code.exceptions.find(pc)
        {
            self.reach(entry.handler, known);
        }
        let mut dst = 0;
        for &(field, kind) in op.info().operands {
            let bit = match kind {
                OperandKind::Use | OperandKind::Peek | OperandKind::Cell | OperandKind::Dst | OperandKind::Local => {
                    self.bit(insn.field(field) as u16)
                }
                _ => 0,
            };
            if bit == 0 {
                continue;
            }
            match kind {
                OperandKind::Use | OperandKind::Peek if known.bound & bit == 0 => {
                    return Err(FlowError::new(pc, "a local that may be unbound is used"));
                }
                OperandKind::Cell if known.cell & bit == 0 => {
                    return Err(FlowError::new(pc, "a local that may hold no cell is used as a cell"));
                }
                OperandKind::Dst => dst = bit,
                OperandKind::Local => {
                    known.bound &= !bit;
                    known.cell &= !bit;
                    match op {
                        Opcode::CheckLocal => known.bound |= bit,
                        Opcode::MakeCell | Opcode::RestoreCell => known.cell |= bit,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        if op == Opcode::TakeCell {
            known.cell &= !self.bit(insn.b());
        }
        if op == Opcode::CopyFree {
            let locals = self.code.locals.len() as u32;
            for local in locals.saturating_sub(insn.a() as u32)..locals {
                let bit = self.bit_of(local);
                known.cell |= bit;
                known.bound &= !bit;
            }
        }
        let mut after = known;
        after.bound |= dst;
        after.cell &= !dst;
        let mut next = [(0, false); 2];
        let mut count = 0;
        successors(self.code, pc, op, &mut |target, taken| {
            if let Some(slot) = next.get_mut(count) {
                *slot = (target, taken);
                count += 1;
            }
        });
        for &(target, taken) in &next[..count] {
            // An exhausted ForIter leaves its destination alone.
            self.reach(target, if taken && op == Opcode::ForIter { known } else { after });
        }
        Ok(())
    }
}
