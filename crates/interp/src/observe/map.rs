//! Which events each instruction of a code object may fire.

use cinder_bytecode::code::Code;
use cinder_bytecode::op::{OpFlags, Opcode};

use super::{Event, EventSet};

/// Whether coming to an instruction begins a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LineStart {
    /// Never: all that leads here is of the same line.
    No,
    /// Always.
    Always,
    /// If what ran before is of another line.
    Compare,
}

/// The map of a code object.
pub(crate) struct EventMap {
    /// The first instruction after those that set the frame up.
    pub start: u32,
    /// A loop leads back to `start`.
    pub loops_to_start: bool,
    /// The line of each instruction; 0 for none.
    pub lines: Box<[u32]>,
    pub starts: Box<[LineStart]>,
    /// Events by instruction. Never-executed words have none.
    pub kinds: Box<[EventSet]>,
    /// Backward jumps within a line: a trace function sees the line again.
    pub loops_in_line: Box<[bool]>,
    /// Some line start has to compare.
    pub compares: bool,
    /// Words that are ever dispatched: no data words, no jumps behind fused tests.
    pub executed: Box<[bool]>,
}

/// The first instruction of a body: after cells are made and a generator is returned.
pub(crate) fn body_start(code: &Code) -> u32 {
    let mut at = 0;
    while let Some(op) = code.insns.get(at).and_then(|i| i.op())
        && matches!(op, Opcode::Resume | Opcode::MakeCell | Opcode::CopyFreeVars | Opcode::ReturnGenerator)
    {
        at += 1;
    }
    at as u32
}

/// Where control may go from the instruction at `pc` without an exception; the jump behind a fused test counts as
/// part of it.
pub(crate) fn targets(code: &Code, pc: u32) -> smallvec::SmallVec<[u32; 2]> {
    let mut out = smallvec::SmallVec::new();
    let Some((insn, op)) = code.insns.get(pc as usize).and_then(|i| Some((*i, i.op()?))) else { return out };
    let next = pc + 1 + u32::from(op.is(OpFlags::EXTRA));
    let jump = |at: u32| code.insns.get(at as usize).map_or(at, |i| (at + 1).wrapping_add_signed(i.sbx()));
    if op == Opcode::Send {
        out.push(next);
        out.push(next + u32::from(insn.c()));
    } else if op.is(OpFlags::JUMP) {
        out.push(jump(pc));
    } else if op.is(OpFlags::BRANCH) {
        out.push(next);
        out.push(jump(pc));
    } else if op.is(OpFlags::SKIPS) {
        out.push(next + 1);
        out.push(jump(next));
    } else if !op.is(OpFlags::ENDS) {
        out.push(next);
    }
    out
}

fn events_of(op: Opcode) -> EventSet {
    let events: &[Event] = match op {
        Opcode::Return => &[Event::PyReturn],
        Opcode::Yield | Opcode::YieldDelegate => &[Event::PyYield],
        Opcode::Jump | Opcode::JumpBackward => &[Event::Jump],
        Opcode::Send => &[Event::StopIteration],
        Opcode::ForIter => &[Event::BranchLeft, Event::BranchRight, Event::StopIteration],
        Opcode::EndAsyncFor => &[Event::BranchRight],
        op if is_call(op) => &[Event::Call],
        op if op.is(OpFlags::BRANCH) || op.is(OpFlags::SKIPS) => &[Event::BranchLeft, Event::BranchRight],
        _ => &[],
    };
    EventSet::of(events)
}

/// (from, left, right) of each instruction that may go two ways.
pub(crate) fn branches(code: &Code) -> Vec<(u32, u32, u32)> {
    let mut out = Vec::new();
    let mut partner = false;
    for (pc, insn) in code.insns.iter().enumerate() {
        let Some(op) = insn.op() else { continue };
        let skipped = std::mem::replace(&mut partner, op.is(OpFlags::SKIPS));
        if !skipped
            && (op.is(OpFlags::BRANCH) || op.is(OpFlags::SKIPS))
            && let [left, right] = targets(code, pc as u32)[..]
        {
            let pc = pc as u32;
            out.push((pc, shown_target(code, pc, left), right));
        }
        if op == Opcode::GetANext
            && let Some((item, end)) = async_loop(code, pc)
        {
            // Each has a branch event of its own.
            out.extend([(item, item + 1, end + 1), (end, item + 1, end + 1)]);
        }
    }
    out.sort_unstable();
    out
}

/// Of the asynchronous loop whose `GetANext` stands at `pc`: where the delegation to the iterator ends with an item, and
/// where the loop ends.
fn async_loop(code: &Code, pc: usize) -> Option<(u32, u32)> {
    let item = (pc..code.insns.len()).find(|at| code.insns[*at].op() == Some(Opcode::EndSend))?;
    let handler = code.exceptions.find(pc as u32)?.handler;
    let ends = code.insns.get(handler as usize)?.op() == Some(Opcode::EndAsyncFor);
    ends.then_some((item as u32, handler))
}

/// Whether a jump only passes over a handler, or leaves one: how code is laid out, not what the program says.
fn around_handler(code: &Code, pc: usize) -> bool {
    let op = |at: Option<usize>| at.and_then(|at| code.insns.get(at)).and_then(|i| i.op());
    let before = op(pc.checked_sub(1));
    op(Some(pc + 1)) == Some(Opcode::PushExcInfo)
        || before == Some(Opcode::PopExcept)
        || before == Some(Opcode::ClearLocal) && op(pc.checked_sub(2)) == Some(Opcode::PopExcept)
}

/// The place that a branch is said to lead to: into a loop, the word behind `ForIter`, which has the line of the
/// loop's target as the store that the instruction does would have.
pub(crate) fn shown_target(code: &Code, from: u32, to: u32) -> u32 {
    let is_loop = code.insns.get(from as usize).and_then(|i| i.op()) == Some(Opcode::ForIter);
    if is_loop && to == from + 2 { from + 1 } else { to }
}

/// Instructions that call what stands in a window.
pub(crate) fn is_call(op: Opcode) -> bool {
    matches!(op, Opcode::Call | Opcode::CallMethod | Opcode::CallKw | Opcode::CallMethodKw | Opcode::CallEx)
}

impl EventMap {
    pub(crate) fn new(code: &Code) -> EventMap {
        let count = code.insns.len();
        let mut lines = vec![0; count];
        for (start, end, position) in code.lines.iter(code.first_line) {
            for slot in lines.iter_mut().take(end as usize).skip(start as usize) {
                *slot = position.line;
            }
        }
        let start = body_start(code);
        let (mut same, mut other) = (vec![false; count], vec![false; count]);
        let mut executed = vec![false; count];
        let mut loops_in_line = vec![false; count];
        let mut loops_to_start = false;
        let mut partner = false;
        let first_line = |pc: usize| {
            let at = code.line_events.partition_point(|e| (e.0 as usize) < pc);
            code.line_events.get(at).filter(|e| e.0 as usize == pc).map_or(lines[pc], |e| e.1)
        };
        for pc in 0..count {
            let Some(op) = code.insns[pc].op() else { continue };
            let skipped = std::mem::replace(&mut partner, op.is(OpFlags::SKIPS));
            if skipped || op == Opcode::Extra || !code.liveness().is_reachable(pc as u32) {
                continue;
            }
            executed[pc] = true;
            for t in targets(code, pc as u32) {
                let Some(slot) = same.get_mut(t as usize) else { continue };
                if first_line(t as usize) == lines[pc] {
                    *slot = true;
                    loops_in_line[pc] |= op == Opcode::JumpBackward;
                } else {
                    other[t as usize] = true;
                }
                loops_to_start |= t == start && t <= pc as u32;
            }
        }
        for e in code.exceptions.entries() {
            if let Some(slot) = same.get_mut(e.handler as usize) {
                *slot = true;
                other[e.handler as usize] = true;
            }
        }
        let mut compares = false;
        let starts = (0..count)
            .map(|pc| {
                if !executed[pc] || first_line(pc) == 0 || (pc as u32) < start {
                    LineStart::No
                } else if pc as u32 == start {
                    compares |= same[pc];
                    if same[pc] { LineStart::Compare } else { LineStart::Always }
                } else if !other[pc] {
                    LineStart::No
                } else if same[pc] {
                    compares = true;
                    LineStart::Compare
                } else {
                    LineStart::Always
                }
            })
            .collect();
        let kinds = (0..count)
            .map(|pc| {
                let Some(op) = code.insns[pc].op().filter(|_| executed[pc]) else { return EventSet::default() };
                let mut set = events_of(op).0;
                if op == Opcode::Jump && around_handler(code, pc) {
                    set = 0;
                }
                if pc as u32 == start {
                    set |= Event::PyStart.bit().0;
                }
                if pc as u32 >= start {
                    set |= Event::Instruction.bit().0;
                }
                EventSet(set)
            })
            .collect();
        let mut kinds: Box<[EventSet]> = kinds;
        for pc in 0..count {
            if executed[pc]
                && code.insns[pc].op() == Some(Opcode::GetANext)
                && let Some((item, _)) = async_loop(code, pc)
            {
                kinds[item as usize].0 |= Event::BranchLeft.bit().0;
            }
        }
        let mut map = EventMap {
            start,
            loops_to_start,
            lines: lines.into(),
            starts,
            kinds,
            loops_in_line: loops_in_line.into(),
            compares,
            executed: executed.into(),
        };
        for pc in 0..count {
            let own = map.starts[pc] != LineStart::No || map.absorbed(code, pc as u32).next().is_some();
            if own && map.executed[pc] {
                map.kinds[pc].0 |= Event::Line.bit().0;
            }
        }
        map
    }

    /// The lines of loads and stores that the instruction at `pc` does on the way.
    pub(crate) fn absorbed<'c>(&self, code: &'c Code, pc: u32) -> impl Iterator<Item = u32> + 'c {
        let at = code.line_events.partition_point(|e| e.0 < pc);
        code.line_events[at..].iter().take_while(move |e| e.0 == pc).map(|e| e.1)
    }
}
