//! Subscripts and attributes.

use cinder_bytecode::op::SpecialMethod;
use cinder_pyobj::intern;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::{self, Method};
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::str::{Name, quick_slice as slice_of_text};
use cinder_pyobj::types::super_;
use cinder_pyobj::types::{dict, slice, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, Value};

use super::calls::push_values;
use super::flow::none_word;
use super::{fast, fast_op, op};
use crate::frame::FrameKind;
use crate::machine::{Flow, M};

/// `x[i]` of exact lists and tuples with a small int, and of exact dicts.
#[inline]
fn quick_get(m: M, x: &Obj, k: &Obj) -> PyResult<Option<Obj>> {
    if let Some(i) = k.as_int() {
        if x.is_exact(FixedShape::List)
            && let Some(l) = x.downcast::<List>()
        {
            let n = l.len() as i64;
            let i = if i < 0 { i + n } else { i };
            return Ok(if i >= 0 { l.get(i as usize) } else { None });
        }
        if let Some(t) = tuple::items_if_exact_tuple(x) {
            let i = if i < 0 { i + t.len() as i64 } else { i };
            return Ok(usize::try_from(i).ok().and_then(|i| t.get(i)).cloned());
        }
    }
    if dict::Dict::is_exact(x) {
        return dict::get(m.cx(), x, k);
    }
    if let Some(s) = k.fixed::<slice::Slice>(FixedShape::Slice) {
        return Ok(quick_slice(x, s.start().value(), s.stop().value(), s.step().value()));
    }
    Ok(None)
}

/// `x[i:j:k]` of exact lists, tuples and strs with small ints or None.
pub(super) fn quick_slice(x: &Obj, start: Value, stop: Value, step: Value) -> Option<Obj> {
    match x.fixed::<List>(FixedShape::List) {
        Some(l) => l.quick_slice(start, stop, step),
        None if x.is_exact(FixedShape::Str) => slice_of_text(x, start, stop, step),
        None => tuple::quick_slice(x, start, stop, step),
    }
}

/// Puts a method look-up's result into a window.
pub(super) fn put_method(m: M, x: i16, found: Method, this: Obj) {
    match found {
        Method::Unbound(f) => {
            m.put(x, f);
            m.put(x + 1, this);
        }
        Method::Bound(f) => {
            m.put(x, f);
            m.put_word(x + 1, Value::UNBOUND);
            drop(this);
        }
    }
}

/// `super` written as such, where the global is the built-in class.
pub(super) fn is_super(o: &Obj) -> bool {
    o.as_type().is_some_and(|t| t.is(cinder_pyobj::native::class_type::<super_::Super>()))
}

fn super_attr(m: M, b: i16, explicit: bool, for_call: bool) -> PyResult<(Obj, Option<Obj>)> {
    let name = m.name(m.c() as u16 as u32);
    let (global, cls, this) = (m.take(b), m.take(b + 1), m.take(b + 2));
    let cx = m.cx();
    if is_super(&global) && cls.as_type().is_some() {
        let (v, unbound) = super_::get_attr(cx, &cls, &this, name, for_call)?;
        return Ok((v, if unbound { Some(this) } else { None }));
    }
    let s = if explicit { global.call_pos(cx, &[cls, this])? } else { global.call0(cx)? };
    Ok((s.get_attr(cx, name)?, None))
}

pub(super) fn super_method(m: M, explicit: bool) -> PyResult<Flow> {
    let (f, this) = super_attr(m, m.b(), explicit, true)?;
    m.put(m.a(), f);
    match this {
        Some(t) => m.put(m.a() + 1, t),
        None => m.put_word(m.a() + 1, Value::UNBOUND),
    }
    Ok(Flow::NEXT)
}

/// The name of a method of context managers.
pub(super) fn special_name(method: u16) -> Name {
    match SpecialMethod::from_u16(method) {
        Some(SpecialMethod::Exit) => intern!("__exit__"),
        Some(SpecialMethod::AEnter) => intern!("__aenter__"),
        Some(SpecialMethod::AExit) => intern!("__aexit__"),
        _ => intern!("__enter__"),
    }
}

/// Looks a method of a context manager up in its class.
pub(super) fn load_special(m: M, method: u16) -> PyResult<Flow> {
    let x = m.arg(m.b()).into_obj();
    let name = special_name(method);
    let cx = m.cx();
    let Some(f) = x.type_of().lookup(name) else {
        return Err(no_context_manager(cx, &x, &name.to_string()));
    };
    let found = match f.type_of().flags().method_like {
        true => Method::Unbound(f),
        false => Method::Bound(match f.type_of().slots.descr_get.get() {
            Some(get) => get(cx, &f, Some(&x), Some(&x.type_of().as_obj()))?,
            None => f,
        }),
    };
    put_method(m, m.a(), found, x);
    Ok(Flow::NEXT)
}

/// The error of a `with` statement over an object that lacks the method `missed`.
#[cold]
fn no_context_manager(cx: &Ctx, x: &Obj, missed: &str) -> Raised {
    let kinds = [
        ("the context manager", ["__enter__", "__exit__"], "with"),
        ("the asynchronous context manager", ["__aenter__", "__aexit__"], "async with"),
    ];
    let (this, other) = if missed.starts_with("__a") { (kinds[1], kinds[0]) } else { (kinds[0], kinds[1]) };
    let ty = x.type_of();
    let mut message = format!("'{}' object does not support {} protocol (missed {missed} method)", ty.name(), this.0);
    if other.1.iter().all(|name| ty.lookup(Name::new(name)).is_some()) {
        message += &format!(" but it supports {} protocol. Did you mean to use '{}'?", other.0, other.2);
    }
    cx.type_error(message)
}

/// The item of an exact list or tuple at a small int, borrowed.
#[inline(always)]
fn indexed(x: &Obj, k: Value) -> Option<Value> {
    let i = k.as_int()?;
    let items = if let Some(l) = x.fixed::<List>(FixedShape::List) {
        l.words()
    } else {
        x.fixed::<tuple::Tuple>(FixedShape::Tuple)?.values()
    };
    let i = if i < 0 { i + items.len() as i64 } else { i };
    items.get(i as usize).copied()
}

fast_op! {
    GetItem |m| fast {
        let x = m.peek(m.b());
        let v = fast!(indexed(m.peek_obj(m.b()), m.peek(m.c())));
        // SAFETY: the container keeps the item alive.
        unsafe { v.incref() };
        m.store_drop(m.a(), v, m.b(), x)
    } slow { get_item(m) }

    SetItem |m| fast {
        let x = m.peek(m.a());
        let l = fast!(m.peek_obj(m.a()).fixed::<List>(FixedShape::List));
        let i = fast!(m.peek(m.b()).as_int());
        let i = if i < 0 { i + l.len() as i64 } else { i };
        let p = fast!(l.slot(i as usize));
        // SAFETY: the slot belongs to the list, which the operand keeps alive.
        unsafe { crate::ops::attrs::store_slot(m, p, x, m.c()) }
    } slow { set_item(m) }
}

/// `a = b[c]` in general.
pub(super) fn get_item(m: M) -> PyResult<Flow> {
    let (x, k) = (m.arg(m.b()), m.arg(m.c()));
    let v = match quick_get(m, &x, &k)? {
        Some(v) => v,
        None => {
            if x.type_of().is_heap_type()
                && let Some(f) = x.type_of().lookup(intern!("__getitem__"))
                && let Some(flow) = push_values(m, &f, [&x, &k], FrameKind::Call)?
            {
                return Ok(flow);
            }
            x.get_item(m.cx(), &k)?
        }
    };
    drop((x, k));
    m.set(m.a(), v);
    Ok(Flow::NEXT)
}

/// `a[b] = c` in general.
pub(super) fn set_item(m: M) -> PyResult<Flow> {
    let (x, k, v) = (m.arg(m.a()), m.arg(m.b()), m.arg(m.c()));
    if let Some(d) = x.fixed::<dict::Dict>(FixedShape::Dict) {
        d.set(m.cx(), &k, &v)?;
        drop(v);
        drop(x);
        drop(k);
        return Ok(Flow::NEXT);
    }
    if x.type_of().is_heap_type()
        && let Some(f) = x.type_of().lookup(intern!("__setitem__"))
        && let Some(flow) = push_values(m, &f, [&x, &k, &v], FrameKind::Discard)?
    {
        return Ok(flow);
    }
    x.set_item(m.cx(), &k, &v)?;
    drop(v);
    drop(x);
    drop(k);
    Ok(Flow::NEXT)
}

/// `a[i:j] = c` of an exact list with the items of another one or of an exact tuple; false, with nothing done, for others.
pub(super) fn assign_slice(m: M) -> bool {
    let (x, v) = (m.peek_obj(m.a()), m.peek_obj(m.c()));
    let (Some(l), false) = (x.fixed::<List>(FixedShape::List), v.is(x)) else { return false };
    let Some(items) = crate::ops::unpack::plain_items(v) else { return false };
    // SAFETY: the other list or tuple keeps the items alive until they are counted.
    if !unsafe { l.quick_assign(m.peek(m.b()), m.peek(m.b() + 1), items) } {
        return false;
    }
    // Bounds are ints or None, which need no drop.
    drop(m.arg(m.c()));
    drop(m.arg(m.a()));
    true
}

/// `a = slice(…)` of the window's words.
pub(super) fn build_slice(m: M) -> PyResult<Flow> {
    let b = m.b();
    let step = if m.c() == 3 { m.take(b + 2) } else { Obj::none() };
    let s = slice::new(m.take(b), m.take(b + 1), step);
    m.set(m.a(), s);
    Ok(Flow::NEXT)
}

op! {
    DelItem |m| {
        let (x, k) = (m.arg(m.a()), m.arg(m.b()));
        x.del_item(m.cx(), &k)?;
        drop((x, k));
        Ok(Flow::NEXT)
    }

    GetSlice |m| {
        let x = m.arg(m.b());
        if let Some(v) = quick_slice(&x, m.peek(m.c()), m.peek(m.c() + 1), none_word()) {
            drop(x);
            m.set(m.a(), v);
            return Ok(Flow::NEXT);
        }
        let s = slice::new(m.take(m.c()), m.take(m.c() + 1), Obj::none());
        let v = x.get_item(m.cx(), &s)?;
        drop((x, s));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    SetSlice |m| {
        if assign_slice(m) {
            return Ok(Flow::NEXT);
        }
        let (x, v) = (m.arg(m.a()), m.arg(m.c()));
        let s = slice::new(m.take(m.b()), m.take(m.b() + 1), Obj::none());
        x.set_item(m.cx(), &s, &v)?;
        drop(v);
        drop((x, s));
        Ok(Flow::NEXT)
    }

    BuildSlice |m| { build_slice(m) }

    LoadAttr |m| {
        let x = m.arg(m.b());
        let v = x.get_attr(m.cx(), m.name(m.c() as u16 as u32))?;
        drop(x);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    StoreAttr |m| {
        let (x, v) = (m.arg(m.a()), m.arg(m.b()));
        x.set_attr(m.cx(), m.name(m.c() as u16 as u32), &v)?;
        drop(v);
        drop(x);
        Ok(Flow::NEXT)
    }

    DelAttr |m| {
        let x = m.arg(m.a());
        x.del_attr(m.cx(), m.name(m.c() as u16 as u32))?;
        drop(x);
        Ok(Flow::NEXT)
    }

    LoadAttrDyn |m| {
        let (x, n) = (m.arg(m.b()), m.arg(m.c()));
        let v = x.get_attr_obj(m.cx(), &n)?;
        drop((x, n));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    StoreAttrDyn |m| {
        let (x, v, n) = (m.arg(m.a()), m.arg(m.b()), m.arg(m.c()));
        x.store_attr(m.cx(), &n, Some(&v))?;
        drop(v);
        drop((x, n));
        Ok(Flow::NEXT)
    }

    DelAttrDyn |m| {
        let (x, n) = (m.arg(m.a()), m.arg(m.b()));
        x.store_attr(m.cx(), &n, None)?;
        drop((x, n));
        Ok(Flow::NEXT)
    }

    LoadMethod |m| {
        let x = m.arg(m.b()).into_obj();
        let found = protocol::get_method(m.cx(), &x, m.name(m.c() as u16 as u32))?;
        put_method(m, m.a(), found, x);
        Ok(Flow::NEXT)
    }

    LoadSpecial |m| { load_special(m, m.c() as u16) }

    LoadSuperAttr |m| {
        let (v, _) = super_attr(m, m.b(), false, false)?;
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadSuperAttr2 |m| {
        let (v, _) = super_attr(m, m.b(), true, false)?;
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadSuperMethod |m| { super_method(m, false) }

    LoadSuperMethod2 |m| { super_method(m, true) }
}
