//! The handler of instrumented instructions.

use cinder_bytecode::op::{CONST_BASE, Insn, OpFlags, Opcode};
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::module::Module;
use cinder_pyobj::types::slot_wrappers::is_python_next;
use cinder_pyobj::types::{SendResult, exc};
use cinder_pyobj::{Obj, PyResult, Value, intern};

use super::code::{CodeMonitor, is_current, monitor, sync};
use super::fire::{Report, call_tools, fire, unsafe_code};
use super::map::{LineStart, is_call};
use super::{Event, TRACE, state};
use crate::call::collect;
use crate::dispatch;
use crate::frame::{Frame, FrameKind};
use crate::machine::{Flow, M};
use crate::objects::frame_obj::{self, FrameObject, NO_POINT};
use crate::objects::generator::{self, Generator};
use crate::thread::Thread;

/// A new frame of code that is to be instrumented first.
pub(crate) unsafe fn enter(pc: *const Insn, _: *mut Value, fr: *mut Frame, th: *const Thread, _: u64) -> Flow {
    let _ = pc;
    // SAFETY: the frame is current.
    unsafe {
        let th = &*th;
        let c = unsafe_code(fr);
        let _ = monitor(c);
        sync(&th.runtime.monitoring, c);
        // Where nothing asks for the code any more, it runs as ever.
        (*fr).pc = c.copies.entry();
        Flow::SWITCH
    }
}

/// Runs one instrumented instruction.
pub(crate) unsafe fn instrumented(
    pc: *const Insn,
    base: *mut Value,
    fr: *mut Frame,
    th: *const Thread,
    _: u64,
) -> Flow {
    // SAFETY: the frame is current.
    unsafe {
        (*fr).pc = pc;
        if (*fr).kind == FrameKind::Collect {
            (*fr).consumer |= collect::WATCHED;
        }
        let thread = &*th;
        let c = unsafe_code(fr);
        let index = c.copies.index(pc);
        let m = &thread.runtime.monitoring;
        if m.exports_frames() {
            let left = m.until_export.get();
            m.until_export.set(if left <= 1 { m.frame_state.get() } else { left - 1 });
            if left <= 1 {
                state::export_and_rebuild(thread, fr);
            }
        }
        let w = c.code.insns[index as usize].0;
        let at = M { pc, base, fr, th, w };
        if thread.tracing.get() != 0 {
            return run(at);
        }
        let mon = monitor(c);
        if !is_current(m, mon) {
            sync(m, c);
        }
        match before(thread, at, mon, index) {
            Ok(()) => {}
            Err(_) => return raise_before(at, c.copies.index((*fr).pc)),
        }
        if (*fr).pc != pc {
            // A callback went elsewhere: to another line, or to another copy of the code.
            if c.copies.index((*fr).pc) != index {
                return Flow::jump((*fr).pc);
            }
            (*fr).pc = pc;
        }
        around(thread, at, mon, index)
    }
}

/// The original instruction.
unsafe fn run(m: M) -> Flow {
    // SAFETY: the plain code is verified.
    unsafe { dispatch::body(m.w as u16)(m.pc, m.base, m.fr, m.th, m.w) }
}

/// Events before the instruction runs: the start of the frame, lines, the instruction itself.
fn before(th: &Thread, at: M, mon: &CodeMonitor, index: u32) -> PyResult<()> {
    let fr = at.fr;
    let kinds = mon.map.kinds[index as usize];
    if kinds.has(Event::PyStart) && starts(th, at.fr, mon) {
        // The frame counts as standing before its body.
        let fo = frame_obj::of(th, fr);
        let fo = fo.downcast::<FrameObject>();
        if mon.tools_at(index, Event::PyStart) != 0 {
            if let Some(f) = fo {
                f.point.set(0);
            }
            let r = fire(th, fr, index, Event::PyStart, &[]);
            if let Some(f) = fo {
                f.point.set(NO_POINT);
            }
            r?;
            if moved(at, index) {
                return Ok(());
            }
        }
    }
    if mon.active(Event::Line) != 0 {
        lines(th, at, mon, index)?;
        if moved(at, index) {
            return Ok(());
        }
    }
    if mon.tools_at(index, Event::Instruction) != 0 {
        fire(th, fr, index, Event::Instruction, &[])?;
    }
    Ok(())
}

fn moved(at: M, index: u32) -> bool {
    let f = at.frame();
    f.code().copies.index(f.pc) != index
}

/// Whether the frame comes to its first instruction for the first time.
fn starts(th: &Thread, fr: *mut Frame, mon: &CodeMonitor) -> bool {
    if !mon.map.loops_to_start {
        return true;
    }
    let fo = frame_obj::of(th, fr);
    let Some(f) = fo.downcast::<FrameObject>() else { return true };
    if f.trace_line.get() != 0 {
        return false;
    }
    f.trace_line.set(NO_LINE);
    true
}

/// The frame has started, but no line of it was seen yet.
const NO_LINE: u32 = u32::MAX;

/// Notes the line that a frame is in.
pub(super) fn note_line(th: &Thread, fr: *mut Frame, line: u32) {
    let fo = frame_obj::of(th, fr);
    if let Some(f) = fo.downcast::<FrameObject>() {
        f.trace_line.set(line);
    }
}

fn lines(th: &Thread, at: M, mon: &CodeMonitor, index: u32) -> PyResult<()> {
    if !mon.map.kinds[index as usize].has(Event::Line) {
        return Ok(());
    }
    let c = unsafe_code(at.fr);
    let own = mon.map.lines[index as usize];
    let mut last = match mon.map.starts[index as usize] {
        LineStart::Always => 0,
        LineStart::No => mon.map.absorbed(&c.code, index).next().unwrap_or(own),
        LineStart::Compare => {
            let fo = frame_obj::of(th, at.fr);
            fo.downcast::<FrameObject>().map_or(0, |f| f.trace_line.get())
        }
    };
    let mut disabled = 0u8;
    let tools = mon.tools_at(index, Event::Line);
    let keep = mon.map.compares;
    let mut result = Ok(());
    let first = c.code.line_events.partition_point(|e| e.0 < index) as u32;
    let points = c.code.insns.len() as u32 + first..;
    let absorbed = mon.map.absorbed(&c.code, index).zip(points);
    for (line, point) in absorbed.chain(std::iter::once((own, NO_POINT))) {
        if line == 0 || line == last {
            continue;
        }
        // A function's start stands for all of its line, which fires nothing: only `sys.settrace` has the line of a
        // function that is written in one.
        let tools = if index == mon.map.start && line == mon.map.lines[0] { tools & 1 << TRACE } else { tools };
        last = line;
        if keep {
            note_line(th, at.fr, line);
        }
        if tools == 0 {
            continue;
        }
        result = line_event(th, at.fr, index, line, point, tools, &mut disabled);
        if result.is_err() || moved(at, index) {
            break;
        }
    }
    for tool in (0..8).filter(|t| disabled & 1 << t != 0) {
        super::code::disable(&th.runtime.monitoring, c, index, Event::Line, tool);
    }
    result
}

fn line_event(
    th: &Thread,
    fr: *mut Frame,
    pc: u32,
    line: u32,
    point: u32,
    tools: u8,
    disabled: &mut u8,
) -> PyResult<()> {
    let args = [Obj::from(i64::from(line))];
    call_tools(th, fr, tools, &Report { event: Event::Line, pc, args: &args, point }, Some(disabled))
}

/// The instruction with the events of what it does.
unsafe fn around(th: &Thread, at: M, mon: &CodeMonitor, index: u32) -> Flow {
    let Some(op) = Opcode::from_u16(at.w as u16) else { return Flow::RAISE };
    // SAFETY: passed on.
    unsafe {
        if is_call(op) {
            if mon.tools_at(index, Event::Call) == 0 && mon.active(Event::CReturn) == 0 {
                return run(at);
            }
            return call(th, at, mon, index, op);
        }
        match op {
            Opcode::Return if mon.tools_at(index, Event::PyReturn) != 0 => {
                let v = at.peek_obj(at.a()).clone();
                if fire(th, at.fr, index, Event::PyReturn, &[v]).is_err() {
                    return raise_before(at, index);
                }
                run(at)
            }
            Opcode::Yield | Opcode::YieldDelegate if mon.tools_at(index, Event::PyYield) != 0 => {
                let v = at.peek_obj(if op == Opcode::Yield { at.b() } else { at.a() }).clone();
                if fire(th, at.fr, index, Event::PyYield, &[v]).is_err() {
                    return raise_before(at, index);
                }
                if moved(at, index) {
                    return Flow::jump(at.frame().pc);
                }
                run(at)
            }
            Opcode::Jump | Opcode::JumpBackward => jump(th, at, mon, index, op),
            Opcode::Send if mon.tools_at(index, Event::StopIteration) != 0 => {
                let generator = at.peek_obj(at.b()).downcast::<Generator>().is_some();
                let f = run(at);
                // Other iterators raise StopIteration where they have a result.
                if f.0 > Flow::EXIT.0 && (generator || !at.peek_obj(at.a()).is_none()) {
                    let e = exc::StopIteration().as_obj().call1(&th.cx, at.peek_obj(at.a()));
                    let r = e.and_then(|e| {
                        if generator {
                            fire(th, at.fr, index, Event::StopIteration, &[e])
                        } else {
                            super::exception_event(th, at.fr, Event::Raise, &e)
                        }
                    });
                    if r.is_err() {
                        return raise_at(at, f);
                    }
                }
                f
            }
            Opcode::EndSend | Opcode::EndAsyncFor => {
                let event = if op == Opcode::EndSend { Event::BranchLeft } else { Event::BranchRight };
                let wanted = mon.map.kinds[index as usize].has(event) && mon.tools_at(index, event) != 0;
                let f = run(at);
                match target_of(at, index, f) {
                    Some(to) if wanted => went(th, at, index, to, event),
                    _ => f,
                }
            }
            op if op.is(OpFlags::BRANCH) || op.is(OpFlags::SKIPS) => branch(th, at, mon, index, op),
            _ => run(at),
        }
    }
}

/// The index of the instruction that a flow leads to.
fn target_of(at: M, index: u32, f: Flow) -> Option<u32> {
    match f {
        Flow::NEXT => Some(index + 1),
        Flow::SKIP => Some(index + 2),
        f if f.0 > Flow::EXIT.0 => Some(at.frame().code().copies.index(f.0 as *const Insn)),
        _ => None,
    }
}

unsafe fn jump(th: &Thread, at: M, mon: &CodeMonitor, index: u32, op: Opcode) -> Flow {
    if op == Opcode::JumpBackward && mon.map.loops_in_line[index as usize] && mon.active(Event::Line) & 1 << TRACE != 0
    {
        let line = mon.map.lines[index as usize];
        if line_event(th, at.fr, index, line, NO_POINT, 1 << TRACE, &mut 0).is_err() {
            // SAFETY: passed on.
            return unsafe { raise_before(at, index) };
        }
        if moved(at, index) {
            return Flow::jump(at.frame().pc);
        }
    }
    // SAFETY: passed on.
    unsafe {
        let f = run(at);
        match target_of(at, index, f) {
            Some(to) if mon.tools_at(index, Event::Jump) & !(1 << TRACE) != 0 => went(th, at, index, to, Event::Jump),
            _ => f,
        }
    }
}

unsafe fn branch(th: &Thread, at: M, mon: &CodeMonitor, index: u32, op: Opcode) -> Flow {
    // SAFETY: passed on.
    unsafe {
        let f = if op == Opcode::ForIter { for_iter(th, at, mon, index) } else { run(at) };
        let Some(to) = target_of(at, index, f) else { return f };
        let right = super::map::targets(&unsafe_code(at.fr).code, index).get(1) == Some(&to);
        let event = if right { Event::BranchRight } else { Event::BranchLeft };
        if mon.tools_at(index, event) == 0 { f } else { went(th, at, index, to, event) }
    }
}

/// `ForIter`. The end of a generator is an event of its own, a StopIteration of a Python `__next__` one of the loop.
unsafe fn for_iter(th: &Thread, at: M, mon: &CodeMonitor, index: u32) -> Flow {
    let it = at.peek_obj(at.b()).clone();
    let stops = mon.tools_at(index, Event::StopIteration);
    let raises = th.runtime.monitoring.global_tools(Event::Raise) != 0;
    let generator = it.downcast::<Generator>().filter(|g| !g.is_coroutine() && !g.is_async());
    // SAFETY: passed on.
    unsafe {
        match generator {
            Some(g) if stops != 0 => match generator::resume(&th.cx, &it, g, Obj::none()) {
                Ok(SendResult::Yield(v)) => {
                    at.set(at.a(), v);
                    Flow::SKIP
                }
                Ok(SendResult::Return(v)) => {
                    // `sys.settrace` hears of ends with a value only, and so does who follows lines: debuggers would
                    // stop at every end otherwise.
                    let plain = if mon.active(Event::Line) == 0 { stops & !(1 << TRACE) } else { 0 };
                    let (tools, value) = match v.is_none() {
                        true => (plain, [].as_slice()),
                        false => (stops, std::slice::from_ref(&v)),
                    };
                    if tools != 0 && stopped(th, at, index, tools, value).is_err() {
                        return Flow::RAISE;
                    }
                    drop(at.take(at.b()));
                    at.next_target()
                }
                Err(_) => Flow::RAISE,
            },
            None if raises && is_python_next(it.type_of()) => {
                let next = it.lookup_special(&th.cx, intern!("__next__"));
                match next.and_then(|f| f.map_or_else(|| Err(th.cx.type_error("no __next__")), |f| f.call0(&th.cx))) {
                    Ok(v) => {
                        at.set(at.a(), v);
                        Flow::SKIP
                    }
                    Err(r) if th.cx.pending_is(exc::StopIteration()) => {
                        let e = th.cx.take(r);
                        if super::exception_event(th, at.fr, Event::Raise, &e).is_err() {
                            return Flow::RAISE;
                        }
                        drop(at.take(at.b()));
                        at.next_target()
                    }
                    Err(_) => Flow::RAISE,
                }
            }
            _ => run(at),
        }
    }
}

/// Tells tools that a generator ended, with a value or without one.
fn stopped(th: &Thread, at: M, index: u32, tools: u8, value: &[Obj]) -> PyResult<()> {
    if th.tracing.get() != 0 {
        return Ok(());
    }
    let e = exc::StopIteration().as_obj().call_pos(&th.cx, value)?;
    let args = [Obj::from(i64::from(index) * 2), e];
    let report = Report { event: Event::StopIteration, pc: index, args: &args, point: NO_POINT };
    call_tools(th, at.fr, tools, &report, None)
}

/// Fires the event of a jump that was made. The frame stands at the target meanwhile, so a callback may choose
/// another line from there.
unsafe fn went(th: &Thread, at: M, index: u32, to: u32, event: Event) -> Flow {
    let f = at.frame();
    // SAFETY: the target lies in the code, and its live temporaries are owned by the frame.
    unsafe {
        f.pc = f.code().copies.base_of(at.pc).add(to as usize);
        let shown = super::map::shown_target(&unsafe_code(at.fr).code, index, to);
        let fo = frame_obj::of(th, at.fr);
        let fo = fo.downcast::<FrameObject>();
        if let Some(f) = fo {
            f.point.set(index);
        }
        let r = fire(th, at.fr, index, event, &[Obj::from(i64::from(shown) * 2)]);
        if let Some(f) = fo {
            f.point.set(NO_POINT);
        }
        if r.is_err() {
            drop_consumed(at.fr, f.code().copies.index(f.pc));
            return crate::unwind::unwind(th, true);
        }
        Flow::jump(f.pc)
    }
}

/// The callee and first argument of a call instruction.
fn callee(th: &Thread, at: M, op: Opcode) -> (Obj, Obj) {
    let missing = || th.runtime.monitoring.missing().clone();
    let f = at.peek_obj(at.b()).clone();
    let count = at.c() as u16;
    let arg = |x: i16| at.peek_obj(x).clone();
    let first = match op {
        Opcode::CallMethod | Opcode::CallMethodKw if at.peek(at.b() + 1) != Value::UNBOUND => arg(at.b() + 1),
        Opcode::CallEx => {
            let args = arg(at.b() + 2);
            match cinder_pyobj::types::tuple::items_if_tuple(&args) {
                Some([first, ..]) => first.clone(),
                _ => missing(),
            }
        }
        // A method of a built-in type that was bound on the way.
        Opcode::CallMethod | Opcode::CallMethodKw
            if f.downcast::<NativeFunction>().is_some_and(|n| {
                let this = n.receiver();
                !this.is_none() && this.downcast::<Module>().is_none()
            }) =>
        {
            f.downcast::<NativeFunction>().map_or_else(missing, |n| n.receiver().clone())
        }
        _ if count > 0 => arg(at.b() + 2),
        _ => missing(),
    };
    // Calls with unpacked arguments are told of the method itself.
    let plain = op != Opcode::CallEx;
    match f.downcast::<cinder_pyobj::types::method::BoundMethod>().filter(|_| plain) {
        Some(b) => (b.function().clone(), b.receiver().clone()),
        None => (f, first),
    }
}

unsafe fn call(th: &Thread, at: M, mon: &CodeMonitor, index: u32, op: Opcode) -> Flow {
    let (f, first) = callee(th, at, op);
    let args = [f, first];
    // SAFETY: passed on.
    unsafe {
        if fire(th, at.fr, index, Event::Call, &args).is_err() {
            return raise_before(at, index);
        }
        let c_return = mon.tools_at(index, Event::CReturn) | mon.tools_at(index, Event::CRaise);
        let flow = run(at);
        if c_return == 0 || flow == Flow::SWITCH || flow == Flow::EXIT {
            return flow;
        }
        if flow == Flow::RAISE || flow == Flow::RERAISE {
            if is_function(&args[0]) {
                return flow;
            }
            let Some(e) = th.cx.take_pending() else { return flow };
            match fire(th, at.fr, index, Event::CRaise, &args) {
                Ok(()) => {
                    let _ = th.cx.set_pending(e);
                }
                Err(_) => drop(e),
            }
            return flow;
        }
        if !is_function(&args[0]) && fire(th, at.fr, index, Event::CReturn, &args).is_err() {
            drop_result(at);
            return Flow::RAISE;
        }
        flow
    }
}

fn is_function(f: &Obj) -> bool {
    f.downcast::<crate::objects::function::Function>().is_some()
}

/// Drops the result that a call left in a temporary.
unsafe fn drop_result(at: M) {
    let a = at.a();
    if (0..CONST_BASE).contains(&a) {
        // SAFETY: the instruction just wrote the temporary.
        unsafe { std::mem::replace(&mut *at.reg(a), Value::UNBOUND).decref() };
    }
}

/// Raises the pending exception before the instruction `index` ran: what it would have consumed is dropped.
unsafe fn raise_before(at: M, index: u32) -> Flow {
    // SAFETY: live temporaries are owned by the frame.
    unsafe { drop_consumed(at.fr, index) };
    // A callback may have moved the frame.
    let f = at.frame();
    if f.pc != at.pc {
        let base = f.code().copies.base_of(at.pc);
        // SAFETY: the index lies in the code.
        f.pc = unsafe { base.add(index as usize) };
        return crate::unwind::unwind(at.th(), true);
    }
    Flow::RAISE
}

/// Raises the pending exception at the instruction that a flow leads to, before that runs.
unsafe fn raise_at(at: M, f: Flow) -> Flow {
    let fr = at.frame();
    let index = fr.code().copies.index(at.pc);
    let Some(to) = target_of(at, index, f) else { return f };
    // SAFETY: the target lies in the code, and its live temporaries are owned by the frame.
    unsafe {
        fr.pc = fr.code().copies.base_of(at.pc).add(to as usize);
        drop_consumed(at.fr, to);
    }
    crate::unwind::unwind(at.th(), true)
}

/// Drops the temporaries that instruction `index`, which will not run, would have consumed.
unsafe fn drop_consumed(fr: *mut Frame, index: u32) {
    // SAFETY: by the caller's promise.
    unsafe {
        let f = &mut *fr;
        let code = f.plain();
        let mut kept = smallvec::SmallVec::<[u32; 16]>::new();
        code.liveness().live_during(code, index, &mut |t, _| kept.push(t));
        let live: smallvec::SmallVec<[u32; 16]> = (0u32..)
            .zip(code.liveness().live_before(index))
            .filter(|(t, kind)| **kind != cinder_bytecode::flow::TempKind::Dead && !kept.contains(t))
            .map(|(t, _)| t)
            .collect();
        for t in live.into_iter().rev() {
            std::mem::replace(&mut *f.base.add(t as usize), Value::UNBOUND).decref();
        }
    }
}
