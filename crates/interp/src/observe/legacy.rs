//! Trace and profile functions: `sys.settrace`, `sys.setprofile`.
//!
//! They are tools 7 and 6 of the monitoring, of which each thread has a function of its own.

use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::{exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::fire::{Report, watched};
use super::tools::{PROFILE, TRACE};
use super::{Event, EventSet};
use crate::frame::Frame;
use crate::objects::frame_obj::{self, FrameObject, NO_POINT};
use crate::thread::Thread;

const TRACE_EVENTS: &[Event] = &[
    Event::PyStart,
    Event::PyResume,
    Event::PyReturn,
    Event::PyYield,
    Event::Line,
    Event::Raise,
    Event::PyUnwind,
    Event::PyThrow,
    Event::StopIteration,
];

const PROFILE_EVENTS: &[Event] = &[
    Event::PyStart,
    Event::PyResume,
    Event::PyReturn,
    Event::PyYield,
    Event::Call,
    Event::PyUnwind,
    Event::PyThrow,
    Event::CReturn,
    Event::CRaise,
];

/// Sets the trace function of a thread.
pub(crate) fn set_trace(th: &Thread, f: Option<Obj>) {
    drop(th.trace_fn.replace(f));
    update(th, TRACE, TRACE_EVENTS, |t| !t.trace_fn.is_empty());
}

/// Sets the profile function of a thread.
pub(crate) fn set_profile(th: &Thread, f: Option<Obj>) {
    drop(th.profile_fn.replace(f));
    update(th, PROFILE, PROFILE_EVENTS, |t| !t.profile_fn.is_empty());
}

/// A thread ends: its functions go.
pub(crate) fn thread_ends(th: &Thread) {
    if !th.trace_fn.is_empty() {
        set_trace(th, None);
    }
    if !th.profile_fn.is_empty() {
        set_profile(th, None);
    }
}

/// Turns the events on while some thread has a function.
fn update(th: &Thread, tool: usize, events: &[Event], has: impl Fn(&Thread) -> bool) {
    let mut any = false;
    th.runtime.each_thread(|t| any |= has(t));
    let set = if any { EventSet::of(events) } else { EventSet::default() };
    th.runtime.monitoring.set_global(&th.cx, tool, set);
}

/// Asks for `opcode` events in a frame's code.
pub(crate) fn trace_opcodes(th: &Thread, c: &crate::objects::code::CodeObject) {
    th.runtime.monitoring.set_local(&th.cx, TRACE, c, Event::Instruction.bit());
}

/// An event for a trace or profile function.
pub(super) fn event(th: &Thread, fr: *mut Frame, tool: usize, report: &Report<'_>) -> PyResult<()> {
    if tool == TRACE { trace(th, fr, report) } else { profile(th, fr, report) }
}

fn trace(th: &Thread, fr: *mut Frame, report: &Report<'_>) -> PyResult<()> {
    let Some(global) = th.trace_fn.get() else { return Ok(()) };
    let cx = &th.cx;
    let none = Obj::none();
    match report.event {
        Event::PyStart | Event::PyResume | Event::PyThrow => {
            let fo = frame_obj::of(th, fr);
            call_trace(th, &fo, &global, "call", &none, report)
        }
        Event::PyReturn | Event::PyYield => local(th, fr, "return", report.args.get(1).unwrap_or(&none), report),
        Event::PyUnwind => local(th, fr, "return", &none, report),
        Event::Line => local(th, fr, "line", &none, report),
        Event::Instruction => local(th, fr, "opcode", &none, report),
        Event::Raise | Event::StopIteration => {
            let e = report.args.get(1).cloned().unwrap_or_else(Obj::none);
            let tb = exc::traceback(&e).unwrap_or_else(Obj::none);
            let info = tuple::new(vec![e.type_of().as_obj(), e, tb]);
            local(th, fr, "exception", &info, report)
        }
        _ => {
            let _ = cx;
            Ok(())
        }
    }
}

/// An event for the trace function of a frame, if it has one.
fn local(th: &Thread, fr: *mut Frame, what: &str, arg: &Obj, report: &Report<'_>) -> PyResult<()> {
    // SAFETY: the frame is alive.
    let Some(fo) = Frame::object(unsafe { (*fr).frame_obj }) else { return Ok(()) };
    let Some(f) = fo.downcast::<FrameObject>() else { return Ok(()) };
    let Some(callback) = f.trace.get() else { return Ok(()) };
    match report.event {
        Event::Line if !f.trace_lines.get() => return Ok(()),
        Event::Instruction if !f.trace_opcodes.get() => return Ok(()),
        Event::Line => f.point.set(report.point),
        _ => {}
    }
    let r = call_trace(th, &fo, &callback, what, arg, report);
    f.point.set(NO_POINT);
    r
}

fn call_trace(th: &Thread, fo: &Obj, callback: &Obj, what: &str, arg: &Obj, report: &Report<'_>) -> PyResult<()> {
    let Some(f) = fo.downcast::<FrameObject>() else { return Ok(()) };
    match call(th, fo, callback, what, arg, report) {
        Ok(v) => {
            if !v.is_none() {
                f.trace.set(Some(v));
            }
            Ok(())
        }
        Err(r) => {
            let e = th.cx.take(r);
            set_trace(th, None);
            f.trace.set(None);
            Err(th.cx.set_pending(e))
        }
    }
}

fn call(th: &Thread, fo: &Obj, callback: &Obj, what: &str, arg: &Obj, report: &Report<'_>) -> PyResult {
    watched(th, report.event, || callback.call_pos(&th.cx, &[fo.clone(), Obj::from(what), arg.clone()]))
}

fn profile(th: &Thread, fr: *mut Frame, report: &Report<'_>) -> PyResult<()> {
    let Some(callback) = th.profile_fn.get() else { return Ok(()) };
    let none = Obj::none();
    let (what, arg) = match report.event {
        Event::PyStart | Event::PyResume | Event::PyThrow => ("call", none),
        Event::PyReturn | Event::PyYield => ("return", report.args.get(1).cloned().unwrap_or(none)),
        Event::PyUnwind => ("return", none),
        Event::Call | Event::CReturn | Event::CRaise => {
            let [_, f, first] = report.args else { return Ok(()) };
            let Some(f) = native(th, f, first)? else { return Ok(()) };
            let what = match report.event {
                Event::Call => "c_call",
                Event::CReturn => "c_return",
                _ => "c_exception",
            };
            (what, f)
        }
        _ => return Ok(()),
    };
    let fo = frame_obj::of(th, fr);
    match call(th, &fo, &callback, what, &arg, report) {
        Ok(_) => Ok(()),
        Err(r) => {
            let e = th.cx.take(r);
            set_profile(th, None);
            Err(th.cx.set_pending(e))
        }
    }
}

/// The native function that a call is of, bound if it is a method; nothing for other callables.
pub(crate) fn native(th: &Thread, f: &Obj, first: &Obj) -> PyResult<Option<Obj>> {
    let Some(n) = f.downcast::<NativeFunction>() else {
        if !f.type_of().name().ends_with("method_descriptor") || first.is(th.runtime.monitoring.missing()) {
            return Ok(None);
        }
        let get = f.get_attr(&th.cx, cinder_pyobj::intern!("__get__"))?;
        return get.call_pos(&th.cx, &[first.clone(), first.type_of().as_obj()]).map(Some);
    };
    let _ = n;
    Ok(Some(f.clone()))
}

const _: fn(&Ctx) -> &Thread = Thread::of;
