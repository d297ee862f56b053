//! What is live where: the one analysis behind unwinding, the collector, the verifier and jumps by tracers.

mod effects;
mod locals;
mod temps;

pub(crate) use effects::{Effect, effects};
pub(crate) use locals::check_locals;

use crate::code::{Code, Const};
use crate::op::Opcode;

/// What a live temporary holds.
///
/// Every kind but [`Dead`](TempKind::Dead) owns one word that is dropped as a value: the sentinels that
/// [`SelfOrUnbound`](TempKind::SelfOrUnbound) and [`Taken`](TempKind::Taken) allow are words for which a drop does
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TempKind {
    /// Nothing: the register's content is meaningless.
    Dead,
    /// Any value.
    Value,
    /// A str.
    Str,
    /// A list under construction.
    List,
    /// A set under construction.
    Set,
    /// A dict under construction.
    Dict,
    /// A function whose attributes are being set.
    Function,
    /// An iterator of a loop or of a delegation.
    Iter,
    /// An exception; or None, where `PrepReraiseStar` found nothing to raise.
    Exception,
    /// The exception that was handled before, or None.
    SavedException,
    /// The second word that `LoadMethod` or `LoadSpecial` wrote: self or the unbound sentinel.
    SelfOrUnbound,
    /// The content of a local set aside by `TakeLocal`: a value or the unbound sentinel.
    Taken,
    /// The cell of a local set aside by `TakeCell`.
    TakenCell,
}

impl TempKind {
    /// Whether the word is certainly a value that any operation may take.
    pub fn is_value(self) -> bool {
        use TempKind as K;
        matches!(self, K::Value | K::Str | K::List | K::Set | K::Dict | K::Function | K::Iter | K::Exception)
    }

    /// One letter for dumps.
    pub fn letter(self) -> char {
        match self {
            TempKind::Dead => '.',
            TempKind::Value => 'v',
            TempKind::Str => 's',
            TempKind::List => 'l',
            TempKind::Set => 'e',
            TempKind::Dict => 'd',
            TempKind::Function => 'f',
            TempKind::Iter => 'i',
            TempKind::Exception => 'x',
            TempKind::SavedException => 'X',
            TempKind::SelfOrUnbound => 'm',
            TempKind::Taken => 't',
            TempKind::TakenCell => 'T',
        }
    }
}

/// What is live before each instruction of a code object.
#[derive(Debug, Default)]
pub struct Liveness {
    /// Per instruction an index into `states`; `u32::MAX` where control never comes.
    state_of: Box<[u32]>,
    states: Box<[Box<[TempKind]>]>,
}

impl Liveness {
    /// The temporaries before instruction `pc` runs, from temporary 0 on; those past the end are dead.
    ///
    /// While the instruction runs, and where it suspends the frame, the temporaries that it consumes are no longer
    /// live; see [`Liveness::live_during`].
    pub fn live_before(&self, pc: u32) -> &[TempKind] {
        let state = self.state_of.get(pc as usize).and_then(|&state| self.states.get(state as usize));
        state.map_or(&[], |state| state)
    }

    /// Calls `visit` with each temporary that stays live while the instruction at `pc` runs: live before it and not
    /// consumed by it, in ascending order. This is what an exception raised there unwinds, and what a frame suspended
    /// there owns. (The exhaustion of a `ForIter` drops its iterator, too.)
    pub fn live_during(&self, code: &Code, pc: u32, visit: &mut dyn FnMut(u32, TempKind)) {
        let mut taken: Vec<u32> = Vec::new();
        if let Some(insn) = code.insns.get(pc as usize)
            && let Some(op) = insn.op()
        {
            if op == Opcode::Yield {
                // Generators that end early ask often, and a yield takes no more than the value.
                let value = u32::from(insn.b());
                for (temp, &kind) in (0..).zip(self.live_before(pc)) {
                    if kind != TempKind::Dead && temp != value {
                        visit(temp, kind);
                    }
                }
                return;
            }
            effects(*insn, op, extra_of(code, pc), &|index| is_str(code, index), &mut |effect| {
                if let Effect::Take(temp, _) = effect {
                    taken.push(temp);
                }
            });
        }
        for (temp, &kind) in self.live_before(pc).iter().enumerate() {
            let temp = temp as u32;
            if kind != TempKind::Dead && !taken.contains(&temp) {
                visit(temp, kind);
            }
        }
    }

    /// As [`Liveness::live_during`] for the temporaries from `from` on, in descending order.
    pub fn live_during_down(&self, code: &Code, pc: u32, from: u32, visit: &mut dyn FnMut(u32)) {
        let before = self.live_before(pc);
        if before.iter().skip(from as usize).all(|kind| *kind == TempKind::Dead) {
            return;
        }
        let mut taken = 0u64;
        let mut taken_far = Vec::new();
        if let Some(insn) = code.insns.get(pc as usize)
            && let Some(op) = insn.op()
        {
            effects(*insn, op, extra_of(code, pc), &|index| is_str(code, index), &mut |effect| {
                if let Effect::Take(temp, _) = effect {
                    if temp < 64 { taken |= 1 << temp } else { taken_far.push(temp) }
                }
            });
        }
        for (temp, &kind) in before.iter().enumerate().skip(from as usize).rev() {
            let temp = temp as u32;
            let gone = if temp < 64 { taken >> temp & 1 != 0 } else { taken_far.contains(&temp) };
            if kind != TempKind::Dead && !gone {
                visit(temp);
            }
        }
    }

    /// Whether control can come to instruction `pc`.
    pub fn is_reachable(&self, pc: u32) -> bool {
        self.state_of.get(pc as usize).is_some_and(|&state| state != u32::MAX)
    }

    pub(crate) fn of(code: &Code) -> Liveness {
        temps::analyze(code).unwrap_or_default()
    }

    pub(crate) fn checked(code: &Code) -> Result<Liveness, FlowError> {
        temps::analyze(code)
    }
}

/// Instructions still to be looked at, lowest first: control mostly goes forward, so most are looked at once.
pub(crate) struct Work {
    dirty: Vec<bool>,
    next: usize,
}

impl Work {
    fn new(count: usize) -> Work {
        Work { dirty: vec![false; count], next: count }
    }

    fn push(&mut self, pc: u32) {
        if let Some(slot) = self.dirty.get_mut(pc as usize) {
            *slot = true;
            self.next = self.next.min(pc as usize);
        }
    }

    fn pop(&mut self) -> Option<u32> {
        let found = self.next + self.dirty.get(self.next..)?.iter().position(|&dirty| dirty)?;
        self.dirty[found] = false;
        self.next = found + 1;
        Some(found as u32)
    }
}

/// Why code is not sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instruction {pc}: {what}")]
pub struct FlowError {
    /// The instruction.
    pub pc: u32,
    /// What is wrong with it.
    pub what: String,
}

impl FlowError {
    pub(crate) fn new(pc: u32, what: impl Into<String>) -> FlowError {
        FlowError { pc, what: what.into() }
    }
}

/// The argument in the `Extra` word behind instruction `pc`.
pub(crate) fn extra_of(code: &Code, pc: u32) -> u32 {
    match code.insns.get(pc as usize + 1) {
        Some(insn) if insn.op() == Some(Opcode::Extra) => insn.bx(),
        _ => 0,
    }
}

pub(crate) fn is_str(code: &Code, index: u32) -> bool {
    matches!(code.consts.get(index as usize), Some(Const::Str(_)))
}

/// Calls `visit` with the instructions that control may go to from `pc` without an exception, and whether the way there
/// is the one on which a fused test or `ForIter` runs the jump behind it.
pub(crate) fn successors(code: &Code, pc: u32, op: Opcode, visit: &mut dyn FnMut(u32, bool)) {
    use crate::op::OpFlags as F;
    let Some(insn) = code.insns.get(pc as usize) else { return };
    let next = pc + 1 + u32::from(op.is(F::EXTRA));
    let target = || next.wrapping_add_signed(insn.sbx());
    if op == Opcode::Send {
        visit(next, false);
        visit(next + insn.c() as u32, true);
    } else if op.is(F::JUMP) {
        visit(target(), false);
    } else if op.is(F::BRANCH) {
        visit(target(), true);
        visit(next, false);
    } else if op.is(F::SKIPS) {
        visit(next, true);
        visit(next + 1, false);
    } else if !op.is(F::ENDS) {
        visit(next, false);
    }
}
