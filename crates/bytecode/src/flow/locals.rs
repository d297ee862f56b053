//! Dataflow over locals: every local that is borrowed is bound, every cell operand is a cell.
//!
//! Works on basic blocks and 64 locals at a time, looking only at the instructions that touch one of the 64: the cost is
//! that of the code's size plus blocks times locals / 64.

use super::{FlowError, Liveness, Work, successors};
use crate::code::Code;
use crate::op::{OpFlags, Opcode, Operand, OperandKind};

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

/// Straight code: entered only at its start, all in one protected range or in none.
struct Block {
    start: u32,
    end: u32,
    handler: Option<u32>,
    /// (block, whether an exhausted `ForIter` goes there).
    next: Vec<(u32, bool)>,
}

/// Checks all near locals.
pub(crate) fn check_locals(code: &Code, liveness: &Liveness) -> Result<(), FlowError> {
    let near = code.near_locals();
    if near == 0 {
        return Ok(());
    }
    let blocks = blocks(code);
    let mut touching: Vec<Vec<u32>> = vec![Vec::new(); near.div_ceil(64) as usize];
    for (pc, insn) in code.insns.iter().enumerate() {
        let Some(op) = insn.op() else { continue };
        let mut touch = |local: u32| {
            if let Some(pcs) = touching.get_mut(local as usize / 64)
                && pcs.last() != Some(&(pc as u32))
            {
                pcs.push(pc as u32);
            }
        };
        for &(field, kind) in op.info().operands {
            if names_register(kind)
                && let Some(Operand::Local(local)) = Operand::decode(insn.field(field) as u16, near)
            {
                touch(local as u32);
            }
        }
        if op == Opcode::CopyFreeVars {
            let locals = code.locals.len() as u32;
            (locals.saturating_sub(insn.a() as u32)..locals).step_by(64).for_each(&mut touch);
            touch(locals.saturating_sub(1));
        }
    }
    for (chunk, touching) in touching.iter().enumerate() {
        let first = chunk as u32 * 64;
        let before = vec![None; blocks.len()];
        let work = Work::new(blocks.len());
        Chunk { code, liveness, blocks: &blocks, touching, first, near, before, work }.run()?;
    }
    Ok(())
}

fn names_register(kind: OperandKind) -> bool {
    use OperandKind as K;
    matches!(kind, K::Use | K::Peek | K::Cell | K::Dst | K::Local)
}

fn blocks(code: &Code) -> Vec<Block> {
    let count = code.insns.len();
    let mut leader = vec![false; count + 1];
    leader[0] = true;
    let mut lead = |pc: u32| {
        if let Some(slot) = leader.get_mut(pc as usize) {
            *slot = true;
        }
    };
    for pc in 0..count as u32 {
        let Some(op) = code.insns[pc as usize].op() else { continue };
        let straight = OpFlags::default();
        let flags = op.flags();
        let turns = [OpFlags::JUMP, OpFlags::BRANCH, OpFlags::SKIPS, OpFlags::ENDS];
        if flags != straight && turns.iter().any(|&turn| flags.contains(turn)) || op == Opcode::Send {
            successors(code, pc, op, &mut |target, _| lead(target));
            lead(pc + 1);
        }
    }
    for entry in code.exceptions.entries() {
        [entry.start, entry.end, entry.handler].into_iter().for_each(&mut lead);
    }
    let starts: Vec<u32> = (0..count as u32).filter(|&pc| leader[pc as usize]).collect();
    let block_at = |pc: u32| starts.binary_search(&pc).ok().map(|index| index as u32);
    let mut blocks = Vec::with_capacity(starts.len());
    for (index, &start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(count as u32);
        let mut next = Vec::new();
        // A data word at the end belongs to the instruction before it.
        let last = if end - start > 1 && code.is_extra(end - 1) { end - 2 } else { end - 1 };
        if let Some(op) = code.insns[last as usize].op() {
            successors(code, last, op, &mut |target, taken| {
                next.extend(block_at(target).map(|block| (block, taken && op == Opcode::ForIter)));
            });
        }
        let handler = code.exceptions.find(start).and_then(|entry| block_at(entry.handler));
        blocks.push(Block { start, end, handler, next });
    }
    blocks
}

struct Chunk<'c> {
    code: &'c Code,
    liveness: &'c Liveness,
    blocks: &'c [Block],
    touching: &'c [u32],
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
        while let Some(block) = self.work.pop() {
            self.block(block)?;
        }
        Ok(())
    }

    fn reach(&mut self, block: u32, known: Known) {
        if let Some(slot) = self.before.get_mut(block as usize) {
            let joined = slot.map_or(known, |old| old.meet(known));
            if *slot != Some(joined) {
                *slot = Some(joined);
                self.work.push(block);
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

    fn block(&mut self, index: u32) -> Result<(), FlowError> {
        let blocks = self.blocks;
        let block = &blocks[index as usize];
        let Some(mut known) = self.before[index as usize] else { return Ok(()) };
        if !self.liveness.is_reachable(block.start) {
            return Ok(());
        }
        let touching = self.touching;
        let from = touching.partition_point(|&pc| pc < block.start);
        let mut dst = 0;
        if let Some(handler) = block.handler {
            self.reach(handler, known);
        }
        for &pc in touching[from..].iter().take_while(|&&pc| pc < block.end) {
            known.bound |= dst;
            known.cell &= !dst;
            if let Some(handler) = block.handler
                && dst != 0
            {
                self.reach(handler, known);
            }
            dst = self.step(pc, &mut known)?;
            if let Some(handler) = block.handler {
                self.reach(handler, known);
            }
        }
        let after = Known { bound: known.bound | dst, cell: known.cell & !dst };
        // The destination is written by the last instruction only if that is the last one that touches the chunk; an
        // exhausted ForIter leaves it alone.
        let exhausted = match touching[from..].iter().take_while(|&&pc| pc < block.end).last() {
            Some(&pc) if self.code.insns[pc as usize].op() == Some(Opcode::ForIter) => known,
            _ => after,
        };
        for &(next, is_exhausted) in &block.next {
            self.reach(next, if is_exhausted { exhausted } else { after });
        }
        Ok(())
    }

    /// Checks the instruction at `pc` and applies what it does to `known`, but for its destination, whose bit is returned.
    fn step(&self, pc: u32, known: &mut Known) -> Result<u64, FlowError> {
        let insn = self.code.insns[pc as usize];
        let Some(op) = insn.op() else { return Ok(0) };
        let mut dst = 0;
        for &(field, kind) in op.info().operands {
            if !names_register(kind) {
                continue;
            }
            let bit = self.bit(insn.field(field) as u16);
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
        if op == Opcode::CopyFreeVars {
            let locals = self.code.locals.len() as u32;
            for local in locals.saturating_sub(insn.a() as u32)..locals {
                let bit = self.bit_of(local);
                known.cell |= bit;
                known.bound &= !bit;
            }
        }
        Ok(dst)
    }
}
