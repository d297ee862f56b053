//! Suspending and delegating.

use cinder_bytecode::code::flags;
use cinder_pyobj::intern;
use cinder_pyobj::types::SendResult;
use cinder_pyobj::types::exc;
use cinder_pyobj::types::slot_wrappers::is_python_next;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::flow::deliver;
use super::{fast, fast_op, op};
use crate::call::{collect, eager};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::{async_gen, generator};

/// Resumes whatever an await or `yield from` delegates to.
pub(crate) fn send(cx: &Ctx, it: &Obj, v: &Obj) -> PyResult<SendResult> {
    let ty = it.type_of();
    if let Some(f) = ty.slots.send.get() {
        return f(cx, it, v);
    }
    let r = if v.is_none() {
        if !is_python_next(ty) {
            return match it.next_or_stop(cx)? {
                Some(x) => Ok(SendResult::Yield(x)),
                None => Ok(SendResult::Return(Obj::none())),
            };
        }
        it.call_method(cx, intern!("__next__"), &[])
    } else {
        it.call_method(cx, intern!("send"), std::slice::from_ref(v))
    };
    match r {
        Ok(x) => Ok(SendResult::Yield(x)),
        Err(r) => {
            if !cx.pending_is(exc::StopIteration()) {
                return Err(r);
            }
            let e = cx.take(r);
            Ok(SendResult::Return(exc::stop_iteration_value(&e)))
        }
    }
}

fast_op! {
    ReturnGenerator |m| fast {
        // An awaited call runs on.
        if m.frame().kind == FrameKind::Await { Fast::Next } else { Fast::Slow }
    } slow {
        let th = m.th();
        let (kind, advance) = (m.frame().kind, m.frame().advance);
        let g = generator::make_of_frame(th, m.frame())?;
        if kind == FrameKind::Entry {
            th.result.set(Some(g));
            return Ok(Flow::EXIT);
        }
        Ok(deliver(m, g, advance))
    }
}

fast_op! {
    Yield |m| fast {
        if m.frame().kind == FrameKind::Collect {
            return collect::yield_quick(m);
        }
        let v = m.owned(m.b());
        match m.frame().kind {
            FrameKind::Entry => generator::yield_out(m, v),
            _ => generator::yield_quick(m, v),
        }
    } slow {
        let v = m.arg(m.b()).into_obj();
        if m.frame().kind == FrameKind::Collect {
            return collect::yield_slow(m, v);
        }
        m.th().result.set(Some(v));
        generator::suspend(m.th(), m.fr);
        Ok(Flow::EXIT)
    }

    YieldDelegate |m| fast {
        match m.frame().kind {
            FrameKind::Entry => generator::yield_out(m, m.peek(m.a())),
            FrameKind::Await | FrameKind::Collect => Fast::Slow,
            _ => generator::yield_quick(m, m.peek(m.a())),
        }
    } slow {
        let v = m.take(m.a());
        if m.frame().kind == FrameKind::Await {
            return Ok(eager::suspend(m, v));
        }
        if m.frame().kind == FrameKind::Collect {
            return collect::yield_slow(m, v);
        }
        m.th().result.set(Some(v));
        generator::suspend(m.th(), m.fr);
        Ok(Flow::EXIT)
    }

    Send |m| fast {
        let g = fast!(generator::Generator::exact(m.peek_obj(m.b())));
        let v = m.peek(m.a());
        if v != crate::ops::flow::none_word() && g.state() == generator::State::Created {
            return Fast::Slow;
        }
        g.enter_quick(m, FrameKind::Send, v)
    } slow {
        let v = m.take(m.a());
        match send(m.cx(), m.peek_obj(m.b()), &v)? {
            SendResult::Yield(x) => {
                drop(v);
                m.put(m.a(), x);
                Ok(Flow::NEXT)
            }
            SendResult::Return(x) => {
                drop(v);
                m.put(m.a(), x);
                // SAFETY: verified skips stay in the code.
                Ok(Flow::jump(unsafe { m.pc.add(1 + m.c() as u16 as usize) }))
            }
        }
    }

}

op! {
    EndSend |m| {
        let v = m.take(m.c());
        drop(m.take(m.b()));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    CleanupThrow |m| {
        let e = m.take(m.c());
        let it = m.take(m.b());
        if e.type_of().is_subtype(exc::StopIteration()) {
            let v = exc::stop_iteration_value(&e);
            drop((it, e));
            m.set(m.a(), v);
            return Ok(Flow::NEXT);
        }
        drop(it);
        let _ = m.cx().set_pending(e);
        Ok(Flow::RERAISE)
    }

    GetYieldFromIter |m| {
        let x = m.arg(m.b());
        let r = if let Some(g) = x.downcast::<generator::Generator>() {
            let code = m.frame().code();
            if g.is_coroutine() && !code.has(flags::COROUTINE | flags::ITERABLE_COROUTINE) {
                return Err(m.cx().type_error(
                    "cannot 'yield from' a coroutine object in a non-coroutine generator",
                ));
            }
            if g.is_async() { x.iter(m.cx())? } else { (*x).clone() }
        } else {
            x.iter(m.cx())?
        };
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    GetAwaitable |m| {
        let cx = m.cx();
        let x = m.arg(m.b());
        let r = get_awaitable(cx, &x, m.c())?;
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    GetAIter |m| {
        let cx = m.cx();
        let x = m.arg(m.b());
        let Some(f) = x.type_of().slots.aiter.get() else {
            return Err(cx.type_error(format!(
                "'async for' requires an object with __aiter__ method, got {}",
                x.type_of().name()
            )));
        };
        let r = f(cx, &x)?;
        if r.type_of().slots.anext.get().is_none() {
            return Err(cx.type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                r.type_of().name()
            )));
        }
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    GetANext |m| {
        let cx = m.cx();
        let x = m.peek_obj(m.b());
        let Some(f) = x.type_of().slots.anext.get() else {
            return Err(cx.type_error(format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                x.type_of().name()
            )));
        };
        let a = f(cx, x)?;
        let r = match awaitable_iter(cx, &a) {
            Ok(r) => r,
            Err(r) => {
                let cause = cx.take(r);
                let _ = cx.type_error(format!(
                    "'async for' received an invalid object from __anext__: {}",
                    a.type_of().name()
                ));
                let e = cx.take_pending().unwrap_or_else(Obj::none);
                exc::set_cause(&e, Some(cause));
                return Err(cx.set_pending(e));
            }
        };
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    EndAsyncFor |m| {
        let e = m.take(m.b());
        let it = m.take(m.a());
        if e.type_of().is_subtype(exc::StopAsyncIteration()) {
            drop((it, e));
            return Ok(Flow::NEXT);
        }
        drop(it);
        let _ = m.cx().set_pending(e);
        Ok(Flow::RERAISE)
    }

    AsyncGenWrap |m| {
        let v = m.arg(m.b()).into_obj();
        m.set(m.a(), async_gen::wrap(v));
        Ok(Flow::NEXT)
    }
}

/// The iterator to await an object by, whatever wants to await it.
pub(crate) fn awaitable_iter(cx: &Ctx, x: &Obj) -> PyResult {
    if let Some(g) = x.downcast::<generator::Generator>()
        && g.is_awaitable()
    {
        return Ok(x.clone());
    }
    let Some(f) = x.type_of().slots.await_.get() else {
        return Err(cx.type_error(format!("'{}' object can't be awaited", x.type_of().name())));
    };
    let it = f(cx, x)?;
    if it.downcast::<generator::Generator>().is_some_and(|g| g.is_awaitable()) {
        return Err(cx.type_error("__await__() returned a coroutine"));
    }
    if it.type_of().slots.next.get().is_none() {
        return Err(cx.type_error(format!("__await__() returned non-iterator of type '{}'", it.type_of().name())));
    }
    Ok(it)
}

fn get_awaitable(cx: &Ctx, x: &Obj, site: i16) -> PyResult {
    let has = x.type_of().slots.await_.get().is_some()
        || x.downcast::<generator::Generator>().is_some_and(|g| g.is_awaitable());
    if !has {
        let name = x.type_of().name();
        return Err(cx.type_error(match site {
            1 => format!("'async with' received an object from __aenter__ that does not implement __await__: {name}"),
            2 => format!("'async with' received an object from __aexit__ that does not implement __await__: {name}"),
            _ => format!("'{name}' object can't be awaited"),
        }));
    }
    let it = awaitable_iter(cx, x)?;
    if let Some(g) = it.downcast::<generator::Generator>()
        && g.is_coroutine()
        && g.is_delegating(cx)
    {
        return Err(cx.runtime_error("coroutine is being awaited already"));
    }
    Ok(it)
}

const _: Option<fn(M)> = None;
