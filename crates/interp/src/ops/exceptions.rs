//! Raising and handling.

use cinder_pyobj::intern;
use cinder_pyobj::types::exc;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult, Value};

use super::flow::none_word;
use super::{fast_op, op};
use crate::machine::{Fast, Flow, M};
use crate::unwind::stop_iteration_error;

/// Makes `e` the pending exception, chained to the one being handled.
fn raise(cx: &Ctx, e: Obj) -> PyResult<Flow> {
    Err(cx.raise_obj(e))
}

/// Whether exception `e` matches class (or tuple) `types` of an `except` clause.
fn matches(cx: &Ctx, e: &Obj, types: &Obj) -> PyResult<bool> {
    let check = |t: &Obj| -> PyResult<()> {
        if t.as_type().is_some_and(|t| t.is_subtype(exc::BaseException())) {
            return Ok(());
        }
        Err(cx.type_error("catching classes that do not inherit from BaseException is not allowed"))
    };
    match tuple::items_if_tuple(types) {
        Some(items) => {
            for t in items {
                check(t)?;
            }
            Ok(items.iter().any(|t| t.as_type().is_some_and(|t| e.type_of().is_subtype(t))))
        }
        None => {
            check(types)?;
            Ok(types.as_type().is_some_and(|t| e.type_of().is_subtype(t)))
        }
    }
}

fn check_star_types(cx: &Ctx, types: &Obj) -> PyResult<()> {
    let one = std::slice::from_ref(types);
    for t in tuple::items_if_tuple(types).unwrap_or(one) {
        let Some(ty) = t.as_type().filter(|t| t.is_subtype(exc::BaseException())) else {
            return Err(cx.type_error("catching classes that do not inherit from BaseException is not allowed"));
        };
        if ty.is_subtype(exc::BaseExceptionGroup()) {
            return Err(cx.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."));
        }
    }
    Ok(())
}

/// What the exception being handled is kept in, as a place to read and write without destructors.
#[inline(always)]
fn handled_place(m: M) -> *mut Option<Obj> {
    m.th().exc_state().exc.as_ptr()
}

fast_op! {
    PushExcInfo |m| fast {
        let e = m.peek(m.a());
        // SAFETY: the instruction owns the temporary; the holder gets a reference of its own and gives up the old one.
        unsafe {
            e.incref();
            let place = handled_place(m);
            let old = std::ptr::read(place);
            std::ptr::write(place, Some(Obj::from_owned(e)));
            m.put_word(m.a() + 1, e);
            m.put_word(m.a(), match old {
                Some(o) => o.into_value(),
                None => none_word(),
            });
        }
        Fast::Next
    } slow {
        let e = m.take(m.a());
        let state = m.th().exc_state();
        m.put(m.a() + 1, e.clone());
        let old = state.exc.replace(Some(e));
        m.put(m.a(), old.unwrap_or_else(Obj::none));
        Ok(Flow::NEXT)
    }

    PopExcept |m| fast {
        let e = m.peek(m.a());
        // SAFETY: the instruction owns the temporary; None is immortal.
        unsafe {
            let place = handled_place(m);
            let old = std::ptr::read(place);
            std::ptr::write(place, if e == none_word() { None } else { Some(Obj::from_owned(e)) });
            match old {
                None => Fast::Next,
                Some(o) => {
                    let w = o.into_value();
                    if w.is_ptr() && w.header().release() {
                        m.save_pc();
                        return Fast::Drop(w, m.ahead(1), m.base, m.fr);
                    }
                    Fast::Next
                }
            }
        }
    } slow {
        let e = m.take(m.a());
        let old = m.th().exc_state().exc.replace(e.non_none());
        drop(old);
        Ok(Flow::NEXT)
    }

    BrExcMatch |m| fast {
        let class = m.peek(m.b());
        // Of exactly this class; an exception's class may be caught.
        if m.peek_obj(m.a()).type_of().as_value() != class {
            return Fast::Slow;
        }
        let to = if m.c() != 0 { m.next_target_pc() } else { m.ahead(2) };
        m.consumed(m.b(), class, to)
    } slow {
        let t = m.arg(m.b());
        let r = matches(m.cx(), m.peek_obj(m.a()), &t)?;
        drop(t);
        Ok(if r == (m.c() != 0) { m.next_target() } else { Flow::SKIP })
    }
}

op! {
    Raise |m| {
        let x = m.arg(m.a());
        let e = exc::instantiate(m.cx(), &x)?;
        drop(x);
        raise(m.cx(), e)
    }

    RaiseFrom |m| {
        let cx = m.cx();
        let (x, c) = (m.arg(m.a()), m.arg(m.b()));
        let e = exc::instantiate(cx, &x)?;
        let cause = if c.is_none() {
            None
        } else {
            match exc::instantiate(cx, &c) {
                Ok(c) => Some(c),
                Err(r) => {
                    if cx.pending_is(exc::TypeError()) && c.as_type().is_none() {
                        drop(cx.take(r));
                        return Err(cx.type_error("exception causes must derive from BaseException"));
                    }
                    return Err(r);
                }
            }
        };
        drop((x, c));
        exc::set_cause(&e, cause);
        raise(cx, e)
    }

    RaiseAgain |m| {
        match m.th().handled() {
            Some(e) => {
                let _ = m.cx().set_pending(e);
                Ok(Flow::RERAISE)
            }
            None => Err(m.cx().runtime_error("No active exception to reraise")),
        }
    }

    Invalid |m| {
        Err(m.cx().system_error("the instructions of this code object cannot be run"))
    }

    Reraise |m| {
        let e = m.take(m.a());
        let _ = m.cx().set_pending(e);
        Ok(Flow::RERAISE)
    }

    CheckEgMatch |m| {
        let cx = m.cx();
        let e = m.take(m.a());
        let t = m.arg(m.b());
        check_star_types(cx, &t)?;
        let (yes, rest) = if e.is_none() {
            (None, None)
        } else if matches(cx, &e, &t)? {
            if e.type_of().is_subtype(exc::BaseExceptionGroup()) {
                (Some(e.clone()), None)
            } else {
                let g = exc::BaseExceptionGroup()
                    .as_obj()
                    .call_pos(cx, &[Obj::from(""), tuple::new(vec![e.clone()])])?;
                let fo = crate::objects::frame_obj::of(m.th(), m.fr);
                crate::objects::traceback::add_entry(&g, fo, m.frame().lasti());
                (Some(g), None)
            }
        } else if e.type_of().is_subtype(exc::BaseExceptionGroup()) {
            let pair = e.call_method(cx, intern!("split"), &[(*t).clone()])?;
            let name = e.type_of().name();
            let Some(items) = tuple::items_if_exact_tuple(&pair) else {
                let got = pair.type_of().name();
                return Err(cx.type_error(format!("{name}.split must return a tuple, not {got}")));
            };
            // More than two were always let pass.
            let [a, b, ..] = items else {
                let size = items.len();
                return Err(cx.type_error(format!("{name}.split must return a 2-tuple, got tuple of size {size}")));
            };
            (a.clone().non_none(), b.clone().non_none())
        } else {
            (None, Some(e.clone()))
        };
        drop(t);
        if let Some(y) = &yes {
            let state = m.th().exc_state();
            drop(state.exc.replace(Some(y.clone())));
        }
        m.put(m.c(), yes.unwrap_or_else(Obj::none));
        m.put(m.a(), rest.unwrap_or_else(Obj::none));
        drop(e);
        Ok(Flow::NEXT)
    }

    PrepReraiseStar |m| {
        let (orig, list) = (m.take(m.b()), m.take(m.c()));
        let r = prepare_reraise(m.cx(), &orig, &list)?;
        drop((orig, list));
        m.put(m.a(), r.unwrap_or_else(Obj::none));
        Ok(Flow::NEXT)
    }

    WithExceptArgs |m| {
        let e = m.peek_obj(m.c()).clone();
        let exit = m.peek_obj(m.b()).clone();
        let this = m.peek(m.b() + 1);
        m.put(m.a(), exit);
        if this == Value::UNBOUND {
            m.put_word(m.a() + 1, this);
        } else {
            // SAFETY: the register holds a value that stays live.
            m.put(m.a() + 1, unsafe { Obj::from_borrowed(this) });
        }
        m.put(m.a() + 2, e.type_of().as_obj());
        m.put(m.a() + 4, exc::traceback(&e).unwrap_or_else(Obj::none));
        m.put(m.a() + 3, e);
        Ok(Flow::NEXT)
    }

    StopIterationError |m| {
        let e = m.take(m.a());
        let code = m.frame().code();
        use cinder_bytecode::code::flags;
        let (what, is_async) = if code.has(flags::ASYNC_GENERATOR) {
            ("async generator", true)
        } else if code.has(flags::COROUTINE) {
            ("coroutine", false)
        } else {
            ("generator", false)
        };
        let e = stop_iteration_error(m.th(), e, what, is_async);
        m.put(m.a(), e);
        Ok(Flow::NEXT)
    }
}

/// What an `except*` statement raises at its end: the parts raised anew or left over, merged.
fn prepare_reraise(cx: &Ctx, orig: &Obj, raised: &Obj) -> PyResult<Option<Obj>> {
    let items: Vec<Obj> = raised
        .downcast::<List>()
        .map(List::snapshot)
        .unwrap_or_default()
        .into_iter()
        .filter(|e| !e.is_none())
        .collect();
    if items.is_empty() {
        return Ok(None);
    }
    if !orig.type_of().is_subtype(exc::BaseExceptionGroup()) {
        // A naked exception was wrapped: at most one part exists.
        return Ok(items.into_iter().next());
    }
    // Parts of the original keep its traceback and context objects; others were raised in a handler.
    let is_part = |e: &Obj| {
        let same = |a: Option<Obj>, b: Option<Obj>| match (a, b) {
            (Some(a), Some(b)) => a.is(&b),
            (None, None) => true,
            _ => false,
        };
        e.type_of().is_subtype(exc::BaseExceptionGroup())
            && same(exc::traceback(e), exc::traceback(orig))
            && same(exc::context(e), exc::context(orig))
            && same(exc::cause(e), exc::cause(orig))
    };
    let (parts, new): (Vec<Obj>, Vec<Obj>) = items.into_iter().partition(is_part);
    let reraised = if parts.is_empty() { None } else { Some(project(cx, orig, &parts)?) };
    if new.is_empty() {
        return Ok(reraised);
    }
    let mut all = new;
    all.extend(reraised);
    if all.len() == 1 {
        return Ok(all.pop());
    }
    let g = exc::BaseExceptionGroup().as_obj().call_pos(cx, &[Obj::from(""), list::new(all)])?;
    Ok(Some(g))
}

/// The part of group `orig` made of the leaves of `parts`, in the structure of `orig`.
fn project(cx: &Ctx, orig: &Obj, parts: &[Obj]) -> PyResult {
    let mut leaves = Vec::new();
    for p in parts {
        collect_leaves(cx, p, &mut leaves)?;
    }
    match keep(cx, orig, &leaves)? {
        Some(g) => Ok(g),
        None => Ok(orig.clone()),
    }
}

fn collect_leaves(cx: &Ctx, e: &Obj, out: &mut Vec<Obj>) -> PyResult<()> {
    cx.check_stack(" in exception group")?;
    if !e.type_of().is_subtype(exc::BaseExceptionGroup()) {
        out.push(e.clone());
        return Ok(());
    }
    let inner = e.get_attr(cx, intern!("exceptions"))?;
    for x in tuple::items_if_tuple(&inner).unwrap_or(&[]) {
        collect_leaves(cx, x, out)?;
    }
    Ok(())
}

fn keep(cx: &Ctx, e: &Obj, leaves: &[Obj]) -> PyResult<Option<Obj>> {
    cx.check_stack(" in exception group")?;
    if !e.type_of().is_subtype(exc::BaseExceptionGroup()) {
        return Ok(leaves.iter().any(|l| l.is(e)).then(|| e.clone()));
    }
    let inner = e.get_attr(cx, intern!("exceptions"))?;
    let (mut kept, mut whole) = (Vec::new(), true);
    for x in tuple::items_if_tuple(&inner).unwrap_or(&[]) {
        match keep(cx, x, leaves)? {
            Some(k) => {
                whole &= k.is(x);
                kept.push(k);
            }
            None => whole = false,
        }
    }
    if whole {
        return Ok(Some(e.clone()));
    }
    if kept.is_empty() {
        return Ok(None);
    }
    let g = e.call_method(cx, intern!("derive"), &[list::new(kept)])?;
    exc::set_traceback(&g, exc::traceback(e));
    exc::set_context(&g, exc::context(e));
    if let Some(c) = exc::cause(e) {
        exc::set_cause(&g, Some(c));
    }
    Ok(Some(g))
}
