//! Subscripts in shadow code.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::slots::{BinaryFn, SetFn};
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::types::{slice, str};
use cinder_pyobj::{Obj, PyResult, Value};

use super::attrs::{guarded, site, store_slot};
use super::calls::push_values;
use super::flow::none_word;
use super::items::{assign_slice, build_slice, get_item, quick_slice, set_item};
use super::operators::{enter_method, site_here};
use super::{fast, fast_op, op};
use crate::dispatch::run_plain;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M, is_temp};

/// The instruction as plain code has it, for its operands.
#[inline(always)]
fn plain(m: M) -> M {
    M { w: site(m).original().0, ..m }
}

/// A subscript that the site does not know, or that its fast path cannot do.
fn look(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    let (x, key) = match plain.opcode() {
        Opcode::GetItem => (plain.b(), Some(plain.c())),
        Opcode::GetSlice => (plain.b(), None),
        Opcode::SetSlice => (plain.a(), None),
        _ => (plain.a(), Some(plain.b())),
    };
    let x = plain.peek_obj(x);
    if s.entry.dep.get() == 0 || !guarded(x.value(), &s.entry) {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_subscript(m.pc, s, x, key.map(|k| plain.peek_obj(k))) };
    }
    Ok(run_plain(plain))
}

/// Takes a slice of an exact list, tuple or str without a slice object, and skips the subscript that follows. Its key is
/// the slice by the word of the site's making; its other operands are those of the plain instruction in any case.
fn slice_at_once(m: M) -> PyResult<Flow> {
    // SAFETY: the next instruction is a subscript.
    let get = M { w: unsafe { (*m.ahead(1)).0 }, ..m };
    let step = if m.c() == 3 { m.peek(m.b() + 2) } else { none_word() };
    let Some(v) = quick_slice(m.peek_obj(get.b()), m.peek(m.b()), m.peek(m.b() + 1), step) else {
        return build_slice(m);
    };
    // Bounds are ints or None, which need no drop.
    drop(get.arg(get.b()));
    m.set(get.a(), v);
    Ok(Flow::jump(m.ahead(2)))
}

/// The item at an int in a word, borrowed.
#[inline(always)]
fn item(items: &[Value], k: Value) -> Option<Value> {
    let i = k.as_int()?;
    let i = if i < 0 { i + items.len() as i64 } else { i };
    items.get(i as usize).copied()
}

/// Ends a subscript by a word with an item that the container keeps alive.
#[inline(always)]
fn finish_item(m: M, v: Value) -> Fast {
    let x = m.peek(m.b());
    // SAFETY: the container keeps the item alive.
    unsafe { v.incref() };
    m.store_drop(m.a(), v, m.b(), x)
}

/// A slice object of the bounds in the window at `x`, which it takes.
fn take_slice(m: M, x: i16) -> Obj {
    slice::new(m.take(x), m.take(x + 1), Obj::none())
}

/// The Python function that the site knows.
fn method(m: M) -> Option<Obj> {
    // SAFETY: the entry is forgotten before the cell dies.
    unsafe { (*(site(m).entry.target.get() as *const AttrCell)).get() }
}

op! {
    BuildSliceGet |m| { slice_at_once(m) }

    GetItemStr |m| {
        if let Some(v) = str::quick_item(m.peek_obj(m.b()), m.peek(m.c())) {
            drop(m.arg(m.b()));
            m.set(m.a(), v);
            return Ok(Flow::NEXT);
        }
        look(m)
    }

    GetItemNative |m| {
        let plain = plain(m);
        if !guarded(m.peek(m.b()), &site(m).entry) {
            return look(m);
        }
        // SAFETY: sites of this instruction keep the address of such a function.
        let f = unsafe { std::mem::transmute::<usize, BinaryFn>(site(m).entry.target.get()) };
        let (x, k) = (plain.arg(plain.b()), plain.arg(plain.c()));
        let v = f(m.cx(), &x, &k)?;
        drop((x, k));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    SetItemDict |m| {
        if m.peek_obj(m.a()).is_exact(FixedShape::Dict) { set_item(plain(m)) } else { look(m) }
    }

    SetItemNative |m| {
        let plain = plain(m);
        if !guarded(m.peek(m.a()), &site(m).entry) {
            return look(m);
        }
        // SAFETY: sites of this instruction keep the address of such a function.
        let f = unsafe { std::mem::transmute::<usize, SetFn>(site(m).entry.target.get()) };
        let (x, k, v) = (plain.arg(plain.a()), plain.arg(plain.b()), plain.arg(plain.c()));
        f(m.cx(), &x, &k, Some(&v))?;
        drop(v);
        drop(x);
        drop(k);
        Ok(Flow::NEXT)
    }

    DelItemNative |m| {
        if !guarded(m.peek(m.a()), &site(m).entry) {
            return look(m);
        }
        // SAFETY: sites of this instruction keep the address of such a function.
        let f = unsafe { std::mem::transmute::<usize, SetFn>(site(m).entry.target.get()) };
        let (x, k) = (m.arg(m.a()), m.arg(m.b()));
        f(m.cx(), &x, &k, None)?;
        drop((x, k));
        Ok(Flow::NEXT)
    }

    GetSliceLook |m| { look(m) }

    GetSlicePlain |m| {
        if let Some(v) = quick_slice(m.peek_obj(m.b()), m.peek(m.c()), m.peek(m.c() + 1), none_word()) {
            drop(m.arg(m.b()));
            m.set(m.a(), v);
            return Ok(Flow::NEXT);
        }
        look(m)
    }

    GetSliceClass |m| {
        let plain = plain(m);
        if !guarded(m.peek(m.b()), &site(m).entry) {
            return look(m);
        }
        let Some(f) = method(m) else { return look(m) };
        let (x, s) = (plain.arg(plain.b()), take_slice(plain, plain.c()));
        if let Some(flow) = push_values(m, &f, [&x, &s], FrameKind::Call)? {
            return Ok(flow);
        }
        let v = x.get_item(m.cx(), &s)?;
        drop((x, s));
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    SetSliceLook |m| { look(m) }

    SetSliceList |m| {
        if assign_slice(m) { Ok(Flow::NEXT) } else { look(m) }
    }

    SetSliceClass |m| {
        let plain = plain(m);
        if !guarded(m.peek(m.a()), &site(m).entry) {
            return look(m);
        }
        let Some(f) = method(m) else { return look(m) };
        let (x, v) = (plain.arg(plain.a()), plain.arg(plain.c()));
        let s = take_slice(plain, plain.b());
        if let Some(flow) = push_values(m, &f, [&x, &s, &v], FrameKind::Discard)? {
            return Ok(flow);
        }
        x.set_item(m.cx(), &s, &v)?;
        drop(v);
        drop((x, s));
        Ok(Flow::NEXT)
    }
}

fast_op! {
    GetItemLook |m| fast { Fast::Slow } slow { look(m) }

    GetItemList |m| fast {
        let l = fast!(m.peek_obj(m.b()).fixed::<List>(FixedShape::List));
        finish_item(m, fast!(item(l.words(), m.peek(m.c()))))
    } slow { look(m) }

    GetItemTuple |m| fast {
        let t = fast!(m.peek_obj(m.b()).fixed::<Tuple>(FixedShape::Tuple));
        finish_item(m, fast!(item(t.values(), m.peek(m.c()))))
    } slow { look(m) }

    GetItemClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return Fast::Slow;
        }
        let key = s.original().c() as i16;
        enter_method(m, s.entry.target.get(), [m.b(), key], false, (FrameKind::Call, 0), Value::UNBOUND)
    } slow { look(m) }

    GetItemDict |m| fast {
        let x = m.peek(m.b());
        let c = site(m).original().c() as i16;
        let key = m.peek(c);
        let v = fast!(fast!(m.peek_obj(m.b()).fixed::<Dict>(FixedShape::Dict)).quick_get(key));
        let ends_key = is_temp(c) && key.is_ptr();
        if ends_key && is_temp(m.b()) {
            return Fast::Slow;
        }
        // SAFETY: the dict keeps the value alive.
        unsafe { v.incref() };
        if ends_key { m.store_drop(m.a(), v, c, key) } else { m.store_drop(m.a(), v, m.b(), x) }
    } slow {
        if m.peek_obj(m.b()).is_exact(FixedShape::Dict) { get_item(plain(m)) } else { look(m) }
    }

    GetItemConst |m| fast {
        let s = site(m);
        let d = fast!(m.peek_obj(m.b()).fixed::<Dict>(FixedShape::Dict));
        finish_item(m, fast!(d.quick_at(s.entry.arg.get() as usize, m.peek(s.original().c() as i16))))
    } slow {
        let plain = plain(m);
        let Some(d) = m.peek_obj(m.b()).fixed::<Dict>(FixedShape::Dict) else { return look(m) };
        site(m).note_entry(d, plain.peek(plain.c()));
        get_item(plain)
    }

    SetItemLook |m| fast { Fast::Slow } slow { look(m) }

    SetItemList |m| fast {
        let x = m.peek(m.a());
        let l = fast!(m.peek_obj(m.a()).fixed::<List>(FixedShape::List));
        let i = fast!(m.peek(m.b()).as_int());
        let i = if i < 0 { i + l.len() as i64 } else { i };
        let p = fast!(l.slot(i as usize));
        // SAFETY: the slot belongs to the list, which the operand keeps alive.
        unsafe { store_slot(m, p, x, m.c()) }
    } slow { look(m) }

    SetItemConst |m| fast {
        let s = site(m);
        let x = m.peek(m.a());
        let d = fast!(m.peek_obj(m.a()).fixed::<Dict>(FixedShape::Dict));
        let p = fast!(d.quick_slot(s.entry.arg.get() as usize, m.peek(m.b())));
        // SAFETY: the slot belongs to the dict, which the operand keeps alive.
        unsafe { store_slot(m, p, x, s.original().c() as i16) }
    } slow {
        let Some(d) = m.peek_obj(m.a()).fixed::<Dict>(FixedShape::Dict) else { return look(m) };
        site(m).note_entry(d, m.peek(m.b()));
        set_item(plain(m))
    }

    SetItemClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.a()), &s.entry) {
            return Fast::Slow;
        }
        let value = s.original().c() as i16;
        let operands = [m.a(), m.b(), value];
        enter_method(m, s.entry.target.get(), operands, false, (FrameKind::Discard, 0), Value::UNBOUND)
    } slow { look(m) }

    DelItemLook |m| fast { Fast::Slow } slow { look(m) }

    DelItemClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.a()), &s.entry) {
            return Fast::Slow;
        }
        let operands = [m.a(), m.b()];
        enter_method(m, s.entry.target.get(), operands, false, (FrameKind::Discard, 0), Value::UNBOUND)
    } slow { look(m) }
}
