//! The services that the object model asks of the interpreter.

use cinder_pyobj::ctx::{Host, Poll};
use cinder_pyobj::intern;
use cinder_pyobj::types::cell::CellObject;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, exc, module};
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};
use std::sync::atomic::Ordering;

use crate::frame::Frame;
use crate::objects::{frame_obj, traceback};
use crate::thread::Thread;
use crate::{gil, import, report, signals};

/// The interpreter's host table.
pub(crate) static HOST: Host = Host {
    import: import_leaf,
    warn,
    warn_about: crate::modules::warnings::warn_about,
    add_traceback: |cx, e| {
        let th = Thread::of(cx);
        let fr = th.current.get();
        if let Some(f) = th.frame() {
            traceback::add_entry(e, frame_obj::of(th, fr), f.lasti());
        }
    },
    unraisable,
    globals: |cx| Thread::of(cx).frame().and_then(|f| Frame::object(f.globals)),
    builtins: |cx| {
        let th = Thread::of(cx);
        th.frame().and_then(|f| Frame::object(f.builtins)).or_else(|| th.runtime.builtins.get())
    },
    encode: cinder_pyobj::codecs::registry::encode_text,
    decode: cinder_pyobj::codecs::registry::decode_text,
    poll,
    handled_exception: |cx| Thread::of(cx).handled(),
    super_args,
    audit,
    release_lock: gil::give,
    acquire_lock: gil::take,
    is_beside_program: import::is_beside_program,
    fork: crate::fork::fork,
    context_value: crate::modules::contextvars::value,
    set_context_value: crate::modules::contextvars::set_value,
};

fn import_leaf(cx: &Ctx, name: &str) -> PyResult {
    if name == "sys" {
        return Thread::of(cx).runtime.sys.get().ok_or_else(|| cx.import_error("no sys"));
    }
    import::import_absolute(cx, Name::new(name).as_obj())
}

fn warn(cx: &Ctx, category: &Type, message: &str, level: i32) -> PyResult<()> {
    crate::modules::warnings::warn(cx, category, message, level)
}

/// Serves what [`Ctx::poll`] asks for.
fn poll(cx: &Ctx) -> PyResult<()> {
    let bits = cx.poll.swap(0, Ordering::AcqRel);
    cx.end_wait();
    if bits & Poll::COLLECT != 0 {
        crate::collect::requested(cx);
    }
    if bits & Poll::SWITCH != 0 {
        gil::hand_over(cx);
    }
    if bits & Poll::SIGNAL != 0
        && let Err(r) = signals::serve(cx)
    {
        // What else was asked for is asked for again.
        cx.request(bits & (Poll::ASYNC_EXC | Poll::MEMORY));
        return Err(r);
    }
    if bits & Poll::ASYNC_EXC != 0
        && let Some(e) = Thread::of(cx).async_exc.take()
    {
        let e = exc::instantiate(cx, &e)?;
        return Err(cx.raise_obj(e));
    }
    if bits & Poll::MEMORY != 0 {
        let r = cx.no_memory();
        // What making the exception took is no reason to raise another one.
        cx.poll.fetch_and(!Poll::MEMORY, Ordering::Relaxed);
        return Err(r);
    }
    Ok(())
}

/// An attribute of `sys`.
pub(crate) fn sys_attr(cx: &Ctx, name: &str) -> PyResult<Option<Obj>> {
    match Thread::of(cx).runtime.sys.get().as_ref().and_then(module::namespace) {
        Some(d) => dict::get(cx, &d, Name::new(name).as_obj()),
        None => Ok(None),
    }
}

fn audit(cx: &Ctx, event: &str, args: &[Obj]) -> PyResult<()> {
    let hooks = Thread::of(cx).runtime.audit_hooks.borrow().clone();
    if hooks.is_empty() {
        return Ok(());
    }
    let all = [Obj::from(event), cinder_pyobj::types::tuple::new(args.to_vec())];
    let th = Thread::of(cx);
    for h in hooks {
        // Hooks are not traced themselves, unless they ask for it.
        let traced = h.get_attr_opt(cx, intern!("__cantrace__"))?.map_or(Ok(false), |t| t.truthy(cx))?;
        th.tracing.set(th.tracing.get() + u32::from(!traced));
        let told = h.call_pos(cx, &all);
        th.tracing.set(th.tracing.get() - u32::from(!traced));
        told?;
    }
    Ok(())
}

/// `super()`'s `__class__` and first argument.
fn super_args(cx: &Ctx) -> PyResult<(Obj, Obj)> {
    let Some(f) = Thread::of(cx).frame() else { return Err(cx.runtime_error("super(): no current frame")) };
    let c = f.code();
    if c.code.arg_count == 0 {
        return Err(cx.runtime_error("super(): no arguments"));
    }
    // SAFETY: the frame is live.
    let first = Frame::object(unsafe { *f.local(0) });
    // An argument that inner functions capture lies in a cell; another one may be a cell itself.
    let captured = c.code.locals.first().is_some_and(|l| l.kind & cinder_bytecode::code::local_kind::CELL != 0);
    let first = match first {
        Some(o) if captured => match o.downcast::<CellObject>() {
            Some(cell) => cell.get(),
            None => Some(o),
        },
        first => first,
    };
    let Some(first) = first else { return Err(cx.runtime_error("super(): arg[0] deleted")) };
    let at = c.code.locals.iter().position(|l| &*l.name == "__class__");
    let Some(at) = at else { return Err(cx.runtime_error("super(): __class__ cell not found")) };
    // SAFETY: the frame is live.
    let word = unsafe { *f.local(at as u32) };
    let cls = if word == Value::UNBOUND { None } else { Frame::object(word) };
    let cls = cls.and_then(|c| c.downcast::<CellObject>().and_then(|c| c.get()));
    match cls {
        Some(c) if c.as_type().is_some() => Ok((c, first)),
        Some(c) => Err(cx.runtime_error(format!("super(): __class__ is not a type ({})", c.type_of().name()))),
        None => Err(cx.runtime_error("super(): empty __class__ cell")),
    }
}

/// Reports an exception that cannot propagate, by `sys.unraisablehook`.
fn unraisable(cx: &Ctx, message: Option<&str>, object: Option<&Obj>) {
    let Some(e) = cx.take_pending() else { return };
    if exc::traceback(&e).is_none() {
        // An exception of native code happened in the running frame.
        let th = Thread::of(cx);
        if let Some(f) = th.frame() {
            let at = f.lasti();
            traceback::add_entry(&e, frame_obj::of(th, th.current.get()), at);
        }
    }
    if let Err(r) = report_unraisable(cx, &e, message, object) {
        drop(cx.take(r));
    }
}

fn report_unraisable(cx: &Ctx, e: &Obj, message: Option<&str>, object: Option<&Obj>) -> PyResult<()> {
    let message = message.map_or_else(Obj::none, Obj::from);
    let object = object.cloned().unwrap_or_else(Obj::none);
    let (ty, tb) = report::parts(e);
    let hook = sys_attr(cx, "unraisablehook")?;
    let args = crate::modules::sys::unraisable_args(vec![ty, e.clone(), tb, message.clone(), object.clone()]);
    let shown = hook.clone().unwrap_or_else(Obj::none);
    let outcome = match cx.audit("sys.unraisablehook", || [shown, args.clone()]) {
        Err(r) => Err((r, "Exception ignored in audit hook", Obj::none())),
        Ok(()) => match hook.and_then(Obj::non_none) {
            Some(h) => h.call1(cx, &args).map(drop).map_err(|r| (r, "Exception ignored in sys.unraisablehook", h)),
            None => return write_unraisable(cx, e, &message, &object),
        },
    };
    // What goes wrong in a hook is what is reported.
    let Err((r, message, object)) = outcome else { return Ok(()) };
    let e = cx.take(r);
    write_unraisable(cx, &e, &Obj::from(message), &object)
}

fn write_unraisable(cx: &Ctx, e: &Obj, message: &Obj, object: &Obj) -> PyResult<()> {
    let (ty, tb) = report::parts(e);
    let args = crate::modules::sys::unraisable_args(vec![ty, e.clone(), tb, message.clone(), object.clone()]);
    default_unraisable(cx, &args)
}

/// The default `sys.unraisablehook`.
pub(crate) fn default_unraisable(cx: &Ctx, args: &Obj) -> PyResult<()> {
    let parts = args.collect(cx)?;
    let [ty, value, tb, message, object] = &parts[..] else {
        return Err(cx.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    };
    let Some(stderr) = sys_attr(cx, "stderr")?.and_then(Obj::non_none) else { return Ok(()) };
    let heading = report::unraisable_heading(cx, message, object)?;
    stderr.call_method(cx, intern!("write"), &[Obj::from(heading.as_str())])?;
    report::write_exception(cx, ty, value, tb, &stderr)?;
    stderr.call_method(cx, intern!("flush"), &[]).map(drop)
}

/// Prints an exception with its traceback, by the `traceback` module; in a plain form if that fails.
pub(crate) fn print_exception(cx: &Ctx, ty: &Obj, value: &Obj, tb: &Obj, file: &Obj) -> PyResult<()> {
    if !value.type_of().is_subtype(exc::BaseException()) {
        let text =
            format!("TypeError: print_exception(): Exception expected for value, {} found\n", value.type_of().name());
        return file.call_method(cx, intern!("write"), &[Obj::from(text.as_str())]).map(drop);
    }
    if exc::traceback(value).is_none() && !tb.is_none() {
        value.set_attr(cx, intern!("__traceback__"), tb)?;
    }
    let is_stderr = sys_attr(cx, "stderr")?.is_some_and(|e| e.is(file));
    let r = (cx.host().import)(cx, "traceback").and_then(|m| {
        // Colours and the limit of `sys.tracebacklimit` are those of uncaught exceptions.
        if is_stderr && let Some(f) = m.get_attr_opt(cx, intern!("_print_exception_bltin"))? {
            return f.call1(cx, value);
        }
        let f = m.get_attr(cx, intern!("print_exception"))?;
        let names = [intern!("file").obj()];
        f.call(cx, cinder_pyobj::native::Args::new(&[ty.clone(), value.clone(), tb.clone(), file.clone()], &names))
    });
    match r {
        Ok(_) => Ok(()),
        Err(r) => {
            drop(cx.take(r));
            let tb = exc::traceback(value).unwrap_or_else(Obj::none);
            report::write_exception(cx, ty, value, &tb, file)
        }
    }
}
