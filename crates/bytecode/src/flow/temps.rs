//! Dataflow over temporaries: which are live, and what they hold.

use super::effects::Want;
use super::{Effect, FlowError, Liveness, TempKind, Work, effects, extra_of, is_str, successors};
use crate::code::Code;
use crate::op::{OpFlags, Opcode};
use rustc_hash::FxHashMap;

/// Computes the liveness map, or says where code uses temporaries wrongly. Operand ranges must have been checked if the
/// code is hostile; ranges that are wrong give an error, never a panic.
pub(super) fn analyze(code: &Code) -> Result<Liveness, FlowError> {
    let mut flow = Flow {
        code,
        state_of: vec![u32::MAX; code.insns.len()],
        states: Vec::new(),
        by_content: FxHashMap::default(),
        work: Work::new(code.insns.len()),
        raised: FxHashMap::default(),
        before: Vec::new(),
        during: Vec::new(),
        defs: Vec::new(),
    };
    let empty = flow.intern(&[]);
    flow.reach(0, empty, 0)?;
    while let Some(pc) = flow.work.pop() {
        flow.step(pc)?;
    }
    Ok(Liveness { state_of: flow.state_of.into(), states: flow.states.into() })
}

struct Flow<'c> {
    code: &'c Code,
    state_of: Vec<u32>,
    states: Vec<Box<[TempKind]>>,
    by_content: FxHashMap<Box<[TempKind]>, u32>,
    work: Work,
    /// The state that each entry of the exception table was last reached with, and the state that gave it.
    raised: FxHashMap<(u32, u32), u32>,
    /// Of the present instruction: the state before it, the same without what it consumes, and what it writes.
    before: Vec<TempKind>,
    during: Vec<TempKind>,
    defs: Vec<(u32, TempKind)>,
}

impl Flow<'_> {
    fn intern(&mut self, state: &[TempKind]) -> u32 {
        let length = state.iter().rposition(|&kind| kind != TempKind::Dead).map_or(0, |last| last + 1);
        let state = &state[..length];
        if let Some(&number) = self.by_content.get(state) {
            return number;
        }
        let number = self.states.len() as u32;
        self.states.push(state.into());
        self.by_content.insert(state.into(), number);
        number
    }

    /// Joins `state` into what is known before `pc`.
    fn reach(&mut self, pc: u32, state: u32, from: u32) -> Result<(), FlowError> {
        let Some(&old) = self.state_of.get(pc as usize) else {
            return Err(FlowError::new(from, "control leaves the code"));
        };
        if old == state {
            return Ok(());
        }
        let joined = if old == u32::MAX { state } else { self.join(old, state, pc, from)? };
        if joined != old {
            self.state_of[pc as usize] = joined;
            self.work.push(pc);
        }
        Ok(())
    }

    fn join(&mut self, a: u32, b: u32, pc: u32, from: u32) -> Result<u32, FlowError> {
        let (x, y) = (&self.states[a as usize], &self.states[b as usize]);
        let mut joined = Vec::with_capacity(x.len().max(y.len()));
        for at in 0..x.len().max(y.len()) {
            let of = |state: &[TempKind]| state.get(at).copied().unwrap_or(TempKind::Dead);
            let (k, l) = (of(x), of(y));
            joined.push(if k == l {
                k
            } else if k.is_value() && l.is_value() {
                TempKind::Value
            } else {
                let what = format!("temporary {at} is {k:?} or {l:?} where control comes together at {pc}");
                return Err(FlowError::new(from, what));
            });
        }
        Ok(self.intern(&joined))
    }

    fn step(&mut self, pc: u32) -> Result<(), FlowError> {
        let insn = self.code.insns[pc as usize];
        let Some(op) = insn.op() else { return Err(FlowError::new(pc, "no such opcode")) };
        if op == Opcode::Extra {
            return Err(FlowError::new(pc, "a data word is executed"));
        }
        let old = self.state_of[pc as usize];
        self.before.clear();
        self.before.extend_from_slice(&self.states[old as usize]);
        self.during.clone_from(&self.before);
        self.defs.clear();
        let (before, during, defs) = (&self.before, &mut self.during, &mut self.defs);
        let mut error = None;
        let mut changes = false;
        let code = self.code;
        let temps = code.temps;
        effects(insn, op, extra_of(code, pc), &|index| is_str(code, index), &mut |effect| {
            let kind = |temp: u32| before.get(temp as usize).copied().unwrap_or(TempKind::Dead);
            let mut fail = |temp: u32, kind: TempKind| {
                error.get_or_insert_with(|| FlowError::new(pc, format!("temporary {temp} is {kind:?}")));
            };
            changes |= !matches!(effect, Effect::Keep(..));
            match effect {
                Effect::Take(temp, want) | Effect::Keep(temp, want) => {
                    let now = match effect {
                        // A second use of a temporary finds it dead.
                        Effect::Take(..) => during.get(temp as usize).copied().unwrap_or(TempKind::Dead),
                        _ => kind(temp),
                    };
                    let fits = match want {
                        Want::Value => now.is_value(),
                        Want::Exactly(wanted) => now == wanted,
                        Want::Live => now != TempKind::Dead,
                        Want::Dead => now == TempKind::Dead,
                    };
                    if !fits || temp >= temps {
                        fail(temp, now);
                    } else if let Effect::Take(..) = effect
                        && let Some(slot) = during.get_mut(temp as usize)
                    {
                        *slot = TempKind::Dead;
                    }
                }
                Effect::Def(temp, _) if temp >= temps => fail(temp, TempKind::Dead),
                Effect::DefLike(temp, _) if temp >= temps => fail(temp, TempKind::Dead),
                Effect::Def(temp, kind) => defs.push((temp, kind)),
                Effect::DefLike(temp, other) => defs.push((temp, kind(other))),
            }
        });
        if let Some(error) = error {
            return Err(error);
        }
        if op.flags().may_raise() {
            self.raise(pc)?;
        }
        if op.is(OpFlags::CALLS) && op.is_window_call() {
            // The callee's frame lies over everything above the window's start.
            let window = insn.b() as usize;
            if self.during.get(window..).is_some_and(|above| above.iter().any(|&kind| kind != TempKind::Dead)) {
                return Err(FlowError::new(pc, "a temporary above the call window is live"));
            }
        }
        let mut after = std::mem::take(&mut self.during);
        for &(temp, kind) in &self.defs {
            let slot = temp as usize;
            if after.len() <= slot {
                after.resize(slot + 1, TempKind::Dead);
            }
            if after[slot] != TempKind::Dead {
                return Err(FlowError::new(pc, format!("temporary {temp} is overwritten while live")));
            }
            after[slot] = kind;
        }
        let normal = if changes { self.intern(&after) } else { old };
        // The other way out of ForIter, JumpIf…OrDrop and Send.
        let special = match op {
            Opcode::ForIter => {
                for &(temp, _) in &self.defs {
                    after[temp as usize] = TempKind::Dead;
                }
                after[insn.b() as usize] = TempKind::Dead;
                self.intern(&after)
            }
            Opcode::JumpIfTrueOrDrop | Opcode::JumpIfFalseOrDrop => {
                let slot = insn.a() as usize;
                if after.len() <= slot {
                    after.resize(slot + 1, TempKind::Dead);
                }
                after[slot] = self.before.get(slot).copied().unwrap_or(TempKind::Dead);
                self.intern(&after)
            }
            _ => normal,
        };
        self.during = after;
        let mut next = [(0, false); 2];
        let mut count = 0;
        successors(code, pc, op, &mut |target, taken| {
            if let Some(slot) = next.get_mut(count) {
                *slot = (target, taken);
                count += 1;
            }
        });
        for &(target, taken) in &next[..count] {
            self.reach(target, if taken { special } else { normal }, pc)?;
        }
        Ok(())
    }

    /// Passes what stays live at `pc` to the handler that protects it.
    fn raise(&mut self, pc: u32) -> Result<(), FlowError> {
        let Some(entry) = self.code.exceptions.find(pc).copied() else { return Ok(()) };
        let keep = entry.temp as usize;
        let mut state: Vec<TempKind> = self.during[..self.during.len().min(keep)].to_vec();
        state.resize(keep, TempKind::Dead);
        state.push(TempKind::Exception);
        let state = self.intern(&state);
        let key = (entry.handler, entry.temp);
        if self.raised.insert(key, state) == Some(state) {
            return Ok(());
        }
        self.reach(entry.handler, state, pc)
    }
}

impl Opcode {
    /// Whether the instruction calls what stands in a window `b`.
    fn is_window_call(self) -> bool {
        use Opcode as O;
        matches!(self, O::Call | O::CallMethod | O::CallKw | O::CallMethodKw | O::CallEx)
    }
}
