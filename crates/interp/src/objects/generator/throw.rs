//! Throwing exceptions into generators, and closing them.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{SendResult, exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::resume::{activate, already_running, link, outcome, reused};
use super::{Generator, State};
use crate::dispatch;
use crate::objects::frame_obj;
use crate::observe;
use crate::thread::Thread;

/// Resumes a generator by raising an exception where it stands.
fn resume_raising(cx: &Ctx, this: &Obj, g: &Generator, e: Obj) -> PyResult<SendResult> {
    let th = Thread::of(cx);
    match g.state.get() {
        State::Running => return Err(already_running(cx, g)),
        State::Finished if g.is_coroutine() => return Err(reused(cx)),
        State::Finished => return Err(cx.set_pending(e)),
        State::Created => {
            // Never started: it ends at once, with an entry for its first line.
            let fo = frame_obj::of(th, g.frame_ptr());
            crate::objects::traceback::add_entry(&e, fo, 0);
            g.discard();
            return Err(cx.set_pending(e));
        }
        State::Suspended => {}
    }
    let keep = this.clone();
    activate(th, g)?;
    exc_context(th, &e);
    let e = if th.runtime.monitoring.on.get() {
        match observe::thrown(th, g.frame_ptr(), &e) {
            Ok(()) => e,
            Err(r) => cx.take(r),
        }
    } else {
        e
    };
    let _ = cx.set_pending(e);
    let r = dispatch::run_raising(th);
    let out = outcome(g, r);
    drop(keep);
    out
}

/// Chains a thrown exception to what the generator is handling.
fn exc_context(th: &Thread, e: &Obj) {
    if let Some(h) = th.exc_state().get()
        && !h.is(e)
        && exc::context(e).is_none()
    {
        exc::set_context(e, Some(h));
    }
}

/// Closes the iterator that a generator delegates to.
fn close_delegate(cx: &Ctx, it: &Obj) -> PyResult<()> {
    if let Some(g) = it.downcast::<Generator>() {
        return close(cx, it, g);
    }
    match it.get_attr_opt(cx, intern!("close")) {
        Ok(Some(f)) => f.call0(cx).map(drop),
        Ok(None) => Ok(()),
        Err(r) => {
            let e = cx.take(r);
            let message = about(cx, "Exception ignored while closing generator", it);
            let _ = cx.set_pending(e);
            (cx.host().unraisable)(cx, Some(&message), None);
            Ok(())
        }
    }
}

/// The head of a report about an exception that nobody can catch.
pub(super) fn about(cx: &Ctx, what: &str, subject: &Obj) -> String {
    match subject.repr(cx) {
        Ok(shown) => format!("{what} {}", as_utf8_lossy(&shown)),
        Err(r) => {
            drop(cx.take(r));
            what.to_owned()
        }
    }
}

/// Runs what an exception thrown into a delegating generator does to its delegate: the generator's frame counts as
/// running and stands on the chain meanwhile.
fn while_delegating<R>(th: &Thread, g: &Generator, body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    link(th, g)?;
    let result = body();
    g.state.set(State::Suspended);
    let f = g.frame_ref();
    th.current.set(f.prev);
    f.prev = std::ptr::null_mut();
    th.leave_call();
    result
}

/// Throws an exception, given as the arguments of `throw()`, into a generator (`close_delegates`: GeneratorExit
/// closes what it delegates to).
pub(crate) fn throw(cx: &Ctx, this: &Obj, g: &Generator, args: &[Obj], close_delegates: bool) -> PyResult<SendResult> {
    if g.state.get() == State::Running {
        return Err(already_running(cx, g));
    }
    let th = Thread::of(cx);
    let Some(it) = g.delegate() else { return resume_raising(cx, this, g, thrown(cx, args)?) };
    let class = args[0].as_type().unwrap_or_else(|| args[0].type_of());
    if close_delegates && class.is_subtype(exc::GeneratorExit()) {
        g.state.set(State::Running);
        let r = close_delegate(cx, &it);
        g.state.set(State::Suspended);
        let e = match r {
            Ok(()) => thrown(cx, args)?,
            Err(r) => cx.take(r),
        };
        return resume_raising(cx, this, g, e);
    }
    let r = if let Some(sub) = it.downcast::<Generator>() {
        while_delegating(th, g, || match throw(cx, &it, sub, args, close_delegates)? {
            SendResult::Yield(v) => Ok(v),
            SendResult::Return(v) => Err(cx.stop_iteration(Some(v))),
        })
    } else {
        let Some(f) = it.get_attr_opt(cx, intern!("throw"))? else {
            return resume_raising(cx, this, g, thrown(cx, args)?);
        };
        while_delegating(th, g, || f.call_pos(cx, args))
    };
    match r {
        Ok(v) => Ok(SendResult::Yield(v)),
        Err(r) => {
            let e = cx.take(r);
            resume_raising(cx, this, g, e)
        }
    }
}

/// `generator.close()`: the value that it returns, if any.
pub(crate) fn close(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult<()> {
    close_with_value(cx, this, g).map(drop)
}

pub(crate) fn close_with_value(cx: &Ctx, this: &Obj, g: &Generator) -> PyResult {
    match g.state.get() {
        State::Created => {
            g.discard();
            return Ok(Obj::none());
        }
        State::Finished => return Ok(Obj::none()),
        State::Suspended if g.ends_silently() && !Thread::of(cx).runtime.monitoring.on.get() => {
            g.discard();
            return Ok(Obj::none());
        }
        _ => {}
    }
    let e = exc::GeneratorExit().as_obj().call0(cx)?;
    match throw(cx, this, g, std::slice::from_ref(&e), true) {
        Ok(SendResult::Yield(_)) => Err(cx.runtime_error(if g.is_coroutine() {
            "coroutine ignored GeneratorExit"
        } else if g.is_async() {
            "async generator ignored GeneratorExit"
        } else {
            "generator ignored GeneratorExit"
        })),
        Ok(SendResult::Return(v)) => Ok(v),
        Err(r) => {
            if cx.pending_is(exc::StopIteration()) {
                let e = cx.take(r);
                return Ok(exc::stop_iteration_value(&e));
            }
            cx.swallow(r, exc::GeneratorExit()).map(|()| Obj::none())
        }
    }
}

/// Warns about the signature of three arguments, which is deprecated.
pub(crate) fn warn_signature(cx: &Ctx, method: &str, args: &[Obj]) -> PyResult<()> {
    if args.len() < 2 {
        return Ok(());
    }
    let message =
        format!("the (type, exc, tb) signature of {method}() is deprecated, use the single-arg signature instead.");
    (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)
}

/// The exception that `throw(type, value, traceback)` asks for. What goes wrong while it is made is thrown itself.
fn thrown(cx: &Ctx, args: &[Obj]) -> PyResult {
    let (ty, value, tb) = (&args[0], args.get(1), args.get(2));
    let value = value.filter(|v| !v.is_none());
    let tb = tb.filter(|t| !t.is_none());
    if let Some(t) = tb
        && !t.is_exact(FixedShape::Traceback)
    {
        return Err(cx.type_error("throw() third argument must be a traceback object"));
    }
    let e = if let Some(t) = ty.as_type().filter(|t| t.is_subtype(exc::BaseException())) {
        let made = match value {
            Some(v) if v.type_of().is_subtype(t) => Ok(v.clone()),
            Some(v) => match tuple::items_if_tuple(v) {
                Some(items) => ty.call_pos(cx, items),
                None => ty.call1(cx, v),
            },
            None => ty.call0(cx),
        };
        let made = made.and_then(|e| {
            if e.type_of().is_subtype(exc::BaseException()) {
                return Ok(e);
            }
            let (class, got) = (ty.repr(cx)?, e.type_of().name());
            Err(cx.type_error(format!(
                "calling {} should have returned an instance of BaseException, not {got}",
                as_utf8_lossy(&class)
            )))
        });
        made.unwrap_or_else(|r| cx.take(r))
    } else if ty.type_of().is_subtype(exc::BaseException()) {
        if value.is_some() {
            return Err(cx.type_error("instance exception may not have a separate value"));
        }
        ty.clone()
    } else {
        return Err(cx.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            ty.type_of().name()
        )));
    };
    if let Some(t) = tb {
        exc::set_traceback(&e, Some(t.clone()));
    }
    Ok(e)
}
