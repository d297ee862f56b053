//! Building containers and strings, unpacking.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::intern;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::list::{self, List};
use cinder_pyobj::types::{dict, exc, set, str, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::attrs::site;
use super::operators::site_here;
use super::unpack::{fill, plain_items};
use super::{fast, fast_op, op};
use crate::dispatch::run_plain;
use crate::machine::{Fast, Flow, M};

fn list_of<'a>(m: M, x: i16) -> PyResult<&'a List> {
    m.peek_obj(x).downcast::<List>().ok_or_else(|| m.cx().system_error("a list register holds no list"))
}

/// Unpacks an iterable into exactly `n` items, with CPython's messages.
fn unpack(cx: &Ctx, x: &Obj, n: usize) -> PyResult<Vec<Obj>> {
    let wrong = |got: usize| {
        if got < n {
            cx.value_error(format!("not enough values to unpack (expected {n}, got {got})"))
        } else {
            cx.value_error(format!("too many values to unpack (expected {n}, got {got})"))
        }
    };
    if let Some(t) = tuple::items_if_exact_tuple(x) {
        return if t.len() == n { Ok(t.to_vec()) } else { Err(wrong(t.len())) };
    }
    if x.is_exact(FixedShape::List)
        && let Some(l) = x.downcast::<List>()
    {
        let v = l.snapshot();
        return if v.len() == n { Ok(v) } else { Err(wrong(v.len())) };
    }
    let it = iter_to_unpack(cx, x)?;
    let mut out = Vec::with_capacity(n);
    while out.len() < n {
        match it.next(cx)? {
            Some(v) => out.push(v),
            None => return Err(wrong(out.len())),
        }
    }
    match it.next(cx)? {
        None => Ok(out),
        Some(_) => {
            if x.is_exact(FixedShape::Dict) {
                return Err(wrong(x.len(cx)?));
            }
            Err(cx.value_error(format!("too many values to unpack (expected {n})")))
        }
    }
}

fn iter_to_unpack(cx: &Ctx, x: &Obj) -> PyResult {
    match x.iter(cx) {
        Ok(it) => Ok(it),
        Err(r) => {
            let slots = &x.type_of().slots;
            if cx.pending_is(exc::TypeError()) && slots.iter.get().is_none() && slots.getitem.get().is_none() {
                drop(cx.take(r));
                return Err(cx.type_error(format!("cannot unpack non-iterable {} object", x.type_of().name())));
            }
            Err(r)
        }
    }
}

/// The registers of a window, which the instruction gives up.
fn window<'a>(m: M) -> &'a [cinder_pyobj::Value] {
    // SAFETY: the window holds this many live values.
    unsafe { std::slice::from_raw_parts(m.reg(m.b()), m.c() as u16 as usize) }
}

fast_op! {
    ListAppend |m| fast {
        let l = fast!(m.peek_obj(m.a()).fixed::<List>(FixedShape::List));
        if !l.has_room() {
            return Fast::Slow;
        }
        l.quick_push(m.owned(m.b()));
        Fast::Next
    } slow {
        let v = m.arg(m.b()).into_obj();
        list_of(m, m.a())?.append_built(m.cx(), v)?;
        Ok(Flow::NEXT)
    }

    UnpackSequence |m| fast {
        let v = m.peek(m.a());
        let items = fast!(plain_items(m.peek_obj(m.a())));
        if items.len() != m.c() as u16 as usize {
            return Fast::Slow;
        }
        fill(m.reg(m.b()), items);
        m.consumed(m.a(), v, m.ahead(1))
    } slow {
        unpack_into(m, m.c() as u16 as usize)
    }
}

/// Unpacks any iterable into the `n` registers of the window.
pub(super) fn unpack_into(m: M, n: usize) -> PyResult<Flow> {
    let x = m.arg(m.a());
    let items = unpack(m.cx(), &x, n)?;
    drop(x);
    for (i, v) in items.into_iter().enumerate() {
        m.put(m.b() + i as i16, v);
    }
    Ok(Flow::NEXT)
}

/// How many items to make room for in an empty list or dict: as many as the iterator has left that was made just before, which
/// a comprehension walks. Few, since the comprehension may pass over most.
fn room_for_comprehension(m: M) -> usize {
    const MOST: usize = 16;
    let f = m.frame();
    let before = (f.lasti() as usize).checked_sub(1).and_then(|at| f.plain().insns[at].op());
    if before == Some(Opcode::GetIter) { m.th().last_iterable.get().min(MOST) } else { 0 }
}

/// A format without a specification of what the site does not know.
fn look_format(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_format(m.pc, s, m.peek_obj(m.b())) };
    Ok(run_plain(plain))
}

/// The text of a number in a word.
fn format_word(m: M) -> PyResult<Flow> {
    let r = m.peek_obj(m.b()).str(m.cx())?;
    m.set(m.a(), r);
    Ok(Flow::NEXT)
}

fast_op! {
    FormatStr |m| fast {
        fast!(m.peek_obj(m.b()).fixed::<str::Str>(FixedShape::Str));
        m.store(m.a(), m.owned(m.b()))
    } slow { look_format(m) }
}

op! {
    FormatLook |m| { look_format(m) }

    FormatInt |m| { if m.peek(m.b()).is_int() { format_word(m) } else { look_format(m) } }

    FormatFloat |m| { if m.peek(m.b()).is_float() { format_word(m) } else { look_format(m) } }

    BuildListSized |m| {
        let n = site(m).size();
        let n = if n == 0 { room_for_comprehension(m) } else { n };
        m.set(m.a(), list::with_room(n));
        Ok(Flow::NEXT)
    }

    BuildMapSized |m| {
        let n = site(m).size();
        let n = if n == 0 { room_for_comprehension(m) } else { n };
        let d = dict::with_capacity(m.cx(), n)?;
        m.set(m.a(), d);
        Ok(Flow::NEXT)
    }

    BuildTuple |m| {
        // SAFETY: the window's references move into the tuple.
        let v = unsafe { tuple::from_owned_words(window(m)) };
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    BuildList |m| {
        if m.c() == 0 {
            m.set(m.a(), list::with_room(room_for_comprehension(m)));
            return Ok(Flow::NEXT);
        }
        // SAFETY: the window's references move into the list.
        let v = unsafe { list::from_owned_words(window(m)) };
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    BuildSet |m| {
        let s = set::new();
        let added = window(m).iter().try_for_each(|v| {
            // SAFETY: the window keeps the item alive.
            set::add(m.cx(), &s, unsafe { Obj::borrow_from(v) }).map(drop)
        });
        for v in window(m) {
            // SAFETY: the instruction owns the window.
            unsafe { v.decref() };
        }
        added?;
        m.set(m.a(), s);
        Ok(Flow::NEXT)
    }

    BuildMap |m| {
        if m.c() == 0 {
            let d = dict::with_capacity(m.cx(), room_for_comprehension(m))?;
            m.set(m.a(), d);
            return Ok(Flow::NEXT);
        }
        // SAFETY: the window holds this many live values, which the instruction owns.
        let words = unsafe { std::slice::from_raw_parts(m.reg(m.b()), m.plain_c() * 2) };
        // SAFETY: as above; the references move into the dict.
        let d = unsafe { dict::from_owned_words(m.cx(), words) }?;
        m.set(m.a(), d);
        Ok(Flow::NEXT)
    }

    ListExtend |m| {
        let x = m.arg(m.b());
        let slots = &x.type_of().slots;
        if slots.iter.get().is_none() && slots.getitem.get().is_none() {
            return Err(m.cx().type_error(format!(
                "Value after * must be an iterable, not {}",
                x.type_of().name()
            )));
        }
        let l = list_of(m, m.a())?;
        x.for_each(m.cx(), |v| l.append_built(m.cx(), v))?;
        drop(x);
        Ok(Flow::NEXT)
    }

    SetAdd |m| {
        let x = m.arg(m.b());
        set::add(m.cx(), m.peek_obj(m.a()), &x)?;
        drop(x);
        Ok(Flow::NEXT)
    }

    SetUpdate |m| {
        let x = m.arg(m.b());
        let s = m.peek_obj(m.a());
        x.for_each(m.cx(), |v| set::add(m.cx(), s, &v))?;
        drop(x);
        Ok(Flow::NEXT)
    }

    MapAdd |m| {
        let (k, v) = (m.arg(m.b()), m.arg(m.c()));
        dict::set(m.cx(), m.peek_obj(m.a()), &k, &v)?;
        drop((k, v));
        Ok(Flow::NEXT)
    }

    DictUpdate |m| {
        let cx = m.cx();
        let x = m.arg(m.b());
        if dict::as_dict(&x).is_none() && x.get_attr_opt(cx, intern!("keys"))?.is_none() {
            return Err(cx.type_error(format!("'{}' object is not a mapping", x.type_of().name())));
        }
        let d = m.peek_obj(m.a());
        d.call_method(cx, intern!("update"), &[(*x).clone()])?;
        drop(x);
        Ok(Flow::NEXT)
    }

    ListToTuple |m| {
        let l = m.take(m.b());
        let items = l.downcast::<List>().map(List::snapshot).unwrap_or_default();
        drop(l);
        m.set(m.a(), tuple::new(items));
        Ok(Flow::NEXT)
    }

    UnpackEx |m| {
        let cx = m.cx();
        let x = m.arg(m.a());
        let (before, after) = (m.c() as u16 as usize, m.extra() as usize);
        let it = iter_to_unpack(cx, &x)?;
        let mut items = Vec::new();
        while let Some(v) = it.next(cx)? {
            cx.push(&mut items, v)?;
        }
        drop(it);
        if items.len() < before + after {
            return Err(cx.value_error(format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                items.len()
            )));
        }
        drop(x);
        let tail = items.split_off(items.len() - after);
        let middle = items.split_off(before);
        for (i, v) in items.into_iter().enumerate() {
            m.put(m.b() + i as i16, v);
        }
        m.put(m.b() + before as i16, list::new(middle));
        for (i, v) in tail.into_iter().enumerate() {
            m.put(m.b() + (before + 1 + i) as i16, v);
        }
        Ok(Flow::SKIP)
    }

    BuildString |m| {
        let n = m.plain_c();
        let empty = str::empty();
        let Some(sep) = empty.downcast::<str::Str>() else { return Err(m.cx().system_error("no empty str")) };
        // SAFETY: the window holds this many live values, which the instruction owns and drops once.
        let r = unsafe {
            let r = str::join_items(m.cx(), sep, Obj::slice_from(m.reg(m.b()), n));
            for i in 0..n {
                (*m.reg(m.b() + i as i16)).decref();
            }
            r
        };
        m.set(m.a(), r?);
        Ok(Flow::NEXT)
    }

    FormatSimple |m| {
        let x = m.arg(m.b());
        // Without a specification, numbers show as `str` makes them.
        let simple = !x.is_ptr() || x.is_exact(FixedShape::Str);
        let r = if simple { x.str(m.cx())? } else { x.format(m.cx(), &str::empty())? };
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    FormatWithSpec |m| {
        let (x, s) = (m.arg(m.b()), m.arg(m.c()));
        let r = x.format(m.cx(), &s)?;
        drop((x, s));
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    ConvertValue |m| {
        let x = m.arg(m.b());
        let r = match m.c() {
            1 => x.str(m.cx())?,
            2 => x.repr(m.cx())?,
            3 => x.ascii(m.cx())?,
            _ => (*x).clone(),
        };
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    BuildInterpolation |m| {
        let has_spec = m.c() & 1 != 0;
        let mut items = m.take_window(m.b(), if has_spec { 3 } else { 2 });
        let spec = if has_spec { items.pop() } else { None }.unwrap_or_else(|| Obj::from(""));
        let conversion = match m.c() >> 1 {
            1 => Obj::from("s"),
            2 => Obj::from("r"),
            3 => Obj::from("a"),
            _ => Obj::none(),
        };
        let r = crate::modules::templatelib::interpolation(items.swap_remove(0), items.remove(0), conversion, spec);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    BuildTemplate |m| {
        let (s, i) = (m.arg(m.b()), m.arg(m.c()));
        let r = crate::modules::templatelib::template(&s, &i);
        drop((s, i));
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }
}
