//! Assignments to `f_lineno`: a trace function lets its frame go on at another line.

use cinder_bytecode::code::local_kind;
use cinder_bytecode::flow::TempKind;
use cinder_pyobj::types::{exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use super::code::monitor;
use super::map::EventMap;
use super::{Event, EventSet};
use crate::frame::Frame;
use crate::objects::code::CodeObject;
use crate::thread::Thread;

/// The events during which a frame may go elsewhere.
const ALLOWED: &[Event] = &[
    Event::Line,
    Event::Instruction,
    Event::Jump,
    Event::BranchLeft,
    Event::BranchRight,
    Event::PyResume,
    Event::PyYield,
];

/// Sets the line at which the live frame `fr` goes on.
pub(crate) fn set_line(cx: &Ctx, fr: Option<*mut Frame>, value: &Obj) -> PyResult<()> {
    let th = Thread::of(cx);
    if !value.type_of().is_int_subtype() || value.is_exact(cinder_pyobj::native::FixedShape::Bool) {
        return Err(cx.value_error("lineno must be an integer"));
    }
    let what = th.what_event.get();
    if what == 0 {
        return Err(cx.value_error("f_lineno can only be set in a trace function"));
    }
    let event = Event::ALL[usize::from(what) - 1];
    if event == Event::PyStart {
        return Err(cx.value_error("can't jump from the 'call' trace event of a new frame"));
    }
    if !EventSet::of(ALLOWED).has(event) {
        return Err(cx.value_error("can only jump from a 'line' trace event"));
    }
    let Some(fr) = fr else { return Err(cx.value_error("can't jump from a frame that has ended")) };
    let Some(wanted) = int::as_i64(value).and_then(|n| i32::try_from(n).ok()) else {
        return Err(cx.value_error("lineno out of range"));
    };
    // SAFETY: the frame is alive.
    let f = unsafe { &mut *fr };
    let c: &CodeObject = super::fire::unsafe_code(fr);
    if i64::from(wanted) < i64::from(c.code.first_line) {
        return Err(cx.value_error(format!("line {wanted} comes before the current code block")));
    }
    let map = &monitor(c).map;
    let from = f.lasti();
    let Some(line) = first_line_from(map, wanted as u32) else {
        return Err(cx.value_error(format!("line {wanted} comes after the current code block")));
    };
    let mut best: Option<(usize, u32)> = None;
    let mut problem = None;
    for pc in 0..map.lines.len() as u32 {
        if !begins(map, pc, line) {
            continue;
        }
        match compatible(c, from, pc) {
            Ok(depth) if best.is_none_or(|(d, _)| depth > d) => best = Some((depth, pc)),
            Ok(_) => {}
            Err(p) => problem = problem.or(Some(p)),
        }
    }
    let Some((depth, to)) = best else {
        return Err(cx.value_error(problem.unwrap_or("cannot find bytecode for specified line")));
    };
    bind_locals(cx, f, c)?;
    // SAFETY: temporaries live at `from` but not at `to` are owned by the frame.
    unsafe { drop_above(th, f, c, from, depth) };
    // SAFETY: the index lies in the code.
    f.pc = unsafe { c.copies.base_of(f.pc).add(to as usize) };
    super::step::note_line(th, fr, line);
    Ok(())
}

/// The first line from `wanted` on that has code.
fn first_line_from(map: &EventMap, wanted: u32) -> Option<u32> {
    let executed = map.lines.iter().zip(&map.executed).skip(map.start as usize);
    executed.filter(|(l, e)| **e && **l >= wanted).map(|(l, _)| *l).min()
}

/// Whether the instruction is the first of a run of instructions of this line.
fn begins(map: &EventMap, pc: u32, line: u32) -> bool {
    let at = pc as usize;
    map.executed[at]
        && pc >= map.start
        && map.lines[at] == line
        && (at == 0 || map.lines[at - 1] != line || pc == map.start)
}

/// Whether the temporaries live at `to` are live at `from`, too, so that the others can be dropped: the number of
/// temporaries that stay. Else what is in the way.
fn compatible(c: &CodeObject, from: u32, to: u32) -> Result<usize, &'static str> {
    let liveness = c.code.liveness();
    if !liveness.is_reachable(to) {
        return Err("can't jump to unreachable code");
    }
    let (have, want) = (liveness.live_before(from), liveness.live_before(to));
    for (at, kind) in want.iter().enumerate() {
        let now = have.get(at).copied().unwrap_or(TempKind::Dead);
        if now == *kind || now.is_value() && kind.is_value() && *kind != TempKind::Iter {
            if *kind == TempKind::Value && is_callee(c, from, at) && !is_callee(c, to, at) {
                return Err("incompatible stacks");
            }
            continue;
        }
        let last = want.iter().rev().find(|k| **k != TempKind::Dead).copied().unwrap_or(*kind);
        return Err(match (*kind, last) {
            (TempKind::SavedException | TempKind::Exception, _)
            | (_, TempKind::SavedException | TempKind::Exception) => {
                "can't jump into an 'except' block as there's no exception"
            }
            (_, TempKind::Iter) => "can't jump into the body of a for loop",
            _ => "incompatible stacks",
        });
    }
    Ok(want.iter().rposition(|k| *k != TempKind::Dead).map_or(0, |last| last + 1))
}

/// Whether the temporary is what a call calls whose arguments are being evaluated at `from`: no value of an expression
/// that other code could go on with.
fn is_callee(c: &CodeObject, from: u32, temp: usize) -> bool {
    let liveness = c.code.liveness();
    for (pc, insn) in (from..).zip(&c.code.insns[from as usize..]) {
        let kind = liveness.live_before(pc).get(temp).copied().unwrap_or(TempKind::Dead);
        if kind == TempKind::Dead {
            return false;
        }
        let window = usize::from(insn.b());
        if insn.op().is_some_and(super::map::is_call) && window <= temp {
            return window == temp;
        }
    }
    false
}

/// Code after a jump may rely on locals that the code before it binds: unbound ones become None.
fn bind_locals(cx: &Ctx, f: &mut Frame, c: &CodeObject) -> PyResult<()> {
    let mut unbound = Vec::new();
    for (n, l) in c.code.locals.iter().enumerate() {
        // SAFETY: the frame is alive.
        let v = unsafe { *f.local(n as u32) };
        if v == Value::UNBOUND && l.kind & local_kind::LOCAL != 0 && l.kind & local_kind::CELL == 0 {
            unbound.push(n as u32);
        }
    }
    if unbound.is_empty() {
        return Ok(());
    }
    let n = unbound.len();
    let text = format!("assigning None to {n} unbound local{}", if n == 1 { "" } else { "s" });
    (cx.host().warn)(cx, exc::RuntimeWarning(), &text, 0)?;
    for n in unbound {
        // SAFETY: the frame is alive; the register is unbound, unless the warning's handler changed that.
        unsafe {
            let p = f.local(n);
            if *p == Value::UNBOUND {
                *p = Obj::none().into_value();
            }
        }
    }
    Ok(())
}

/// Drops the live temporaries from `depth` on, highest first. A saved exception becomes the handled one again.
unsafe fn drop_above(th: &Thread, f: &mut Frame, c: &CodeObject, from: u32, depth: usize) {
    let live: Vec<(usize, TempKind)> =
        c.code.liveness().live_before(from).iter().copied().enumerate().skip(depth).collect();
    for (at, kind) in live.into_iter().rev() {
        if kind == TempKind::Dead {
            continue;
        }
        // SAFETY: by the caller's promise.
        unsafe {
            let v = std::mem::replace(&mut *f.base.add(at), Value::UNBOUND);
            if kind == TempKind::SavedException {
                drop(th.exc_state().exc.replace(Obj::from_owned(v).non_none()));
            } else {
                v.decref();
            }
        }
    }
}
