//! Calling tools.

use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::code::{disable, is_current, monitor, sync};
use super::tools::{PROFILE, TRACE, switch};
use super::{Event, Monitoring, legacy};
use crate::frame::Frame;
use crate::objects::frame_obj::NO_POINT;
use crate::thread::Thread;

/// What an event tells: its arguments after code and offset, and what trace and profile functions need.
pub(super) struct Report<'a> {
    pub event: Event,
    pub pc: u32,
    /// The arguments after the code object; for `LINE` the line stands in the place of the offset.
    pub args: &'a [Obj],
    /// Where the frame stands meanwhile, if not at its instruction.
    pub point: u32,
}

fn bits(tools: u8) -> impl Iterator<Item = usize> {
    (0..8).rev().filter(move |t| tools & 1 << t != 0)
}

/// Calls the tools in `tools` about an event in the frame `fr`. Callbacks that disable the event where it happened
/// are noted in `disabled` if that is given, else at once.
pub(super) fn call_tools(
    th: &Thread,
    fr: *mut Frame,
    tools: u8,
    report: &Report<'_>,
    mut disabled: Option<&mut u8>,
) -> PyResult<()> {
    if tools == 0 || th.tracing.get() != 0 {
        return Ok(());
    }
    let cx = &th.cx;
    let m = &th.runtime.monitoring;
    for tool in bits(tools) {
        if tool == TRACE || tool == PROFILE {
            legacy::event(th, fr, tool, report)?;
            continue;
        }
        let Some(f) = m.callback(tool, report.event) else { continue };
        // SAFETY: the frame is alive.
        let code = Frame::object(unsafe { (*fr).code_value() }).unwrap_or_else(Obj::none);
        let mut args = smallvec::SmallVec::<[Obj; 5]>::new();
        args.push(code);
        args.extend(report.args.iter().cloned());
        let r = watched(th, report.event, || f.call_pos(cx, &args))?;
        if !r.is(m.disable()) {
            continue;
        }
        if !report.event.is_local() {
            drop(m.set_callback(tool, report.event, None));
            return Err(cx.value_error(format!("Cannot disable {} events. Callback removed.", report.event.name())));
        }
        match &mut disabled {
            Some(d) => **d |= 1 << tool,
            None => disable(m, unsafe_code(fr), report.pc, report.event, tool),
        }
    }
    Ok(())
}

/// The code object of a live frame.
pub(super) fn unsafe_code<'a>(fr: *mut Frame) -> &'a crate::objects::code::CodeObject {
    // SAFETY: callers hold live frames, whose code lives as long.
    unsafe { &*(*fr).code }
}

/// Runs a callback; no events fire meanwhile in this thread.
pub(super) fn watched<R>(th: &Thread, event: Event, f: impl FnOnce() -> R) -> R {
    th.tracing.set(th.tracing.get() + 1);
    let before = th.what_event.replace(event as u8 + 1);
    let r = f();
    th.what_event.set(before);
    th.tracing.set(th.tracing.get() - 1);
    r
}

fn offset(pc: u32) -> Obj {
    Obj::from(i64::from(pc) * 2)
}

/// Fires an event that instructions cause; `extra` are its arguments after the offset.
pub(super) fn fire(th: &Thread, fr: *mut Frame, pc: u32, event: Event, extra: &[Obj]) -> PyResult<()> {
    let c = unsafe_code(fr);
    let mon = monitor(c);
    if !is_current(&th.runtime.monitoring, mon) {
        sync(&th.runtime.monitoring, c);
    }
    let tools = mon.tools_at(pc, event);
    if tools == 0 || th.tracing.get() != 0 {
        return Ok(());
    }
    let mut args = smallvec::SmallVec::<[Obj; 4]>::new();
    args.push(offset(pc));
    args.extend(extra.iter().cloned());
    call_tools(th, fr, tools, &Report { event, pc, args: &args, point: NO_POINT }, None)
}

/// Fires an event of an exception, wherever it happens. The exception is not pending meanwhile; an error of a
/// callback takes its place.
#[cold]
pub(crate) fn exception_event(th: &Thread, fr: *mut Frame, event: Event, e: &Obj) -> Result<(), Raised> {
    let m = &th.runtime.monitoring;
    let tools = m.global_tools(event);
    if tools == 0 || th.tracing.get() != 0 {
        return Ok(());
    }
    // SAFETY: the frame is alive.
    let pc = unsafe { (*fr).lasti() };
    let args = [offset(pc), e.clone()];
    call_tools(th, fr, tools, &Report { event, pc, args: &args, point: NO_POINT }, None)
}

/// A generator's frame is about to go on: it changes to the copy of its code that runs now, and tools hear of it.
#[cold]
pub(crate) fn resumed(th: &Thread, fr: *mut Frame, started: bool) -> PyResult<()> {
    let m: &Monitoring = &th.runtime.monitoring;
    // SAFETY: the frame is alive.
    unsafe { switch(th, fr, m) };
    let c = unsafe_code(fr);
    if !started || c.monitor.get().is_none() {
        return Ok(());
    }
    // SAFETY: as above.
    let pc = unsafe { (*fr).lasti() };
    fire(th, fr, pc, Event::PyResume, &[])
}

/// An exception is thrown into a generator.
#[cold]
pub(crate) fn thrown(th: &Thread, fr: *mut Frame, e: &Obj) -> PyResult<()> {
    // SAFETY: the frame is alive.
    unsafe { switch(th, fr, &th.runtime.monitoring) };
    exception_event(th, fr, Event::PyThrow, e)
}

const _: fn(&Ctx) -> &Thread = Thread::of;
