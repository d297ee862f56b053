//! Tests of membership.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::operator::Asked;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::slots::ContainsFn;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::{Obj, PyResult, Value};

use super::attrs::{guarded, site};
use super::compare::{bool_word, branch, branch_pc};
use super::operators::{enter_method, site_here};
use super::{fast, fast_op, op};
use crate::call::operand::{NOT, consumer, distances};
use crate::dispatch::run_plain;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M, is_temp};

op! {
    In |m| {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = y.contains(m.cx(), &x)?;
        drop((x, y));
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    NotIn |m| {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = y.contains(m.cx(), &x)?;
        drop((x, y));
        m.set(m.a(), Obj::from_bool(!r));
        Ok(Flow::NEXT)
    }

    BrIn |m| {
        let (x, y) = (m.arg(m.a()), m.arg(m.b()));
        let r = y.contains(m.cx(), &x)?;
        drop((x, y));
        Ok(branch(m, r))
    }
}

/// The registers of item and container.
fn operands(plain: M) -> (i16, i16) {
    if plain.opcode() == Opcode::BrIn { (plain.a(), plain.b()) } else { (plain.b(), plain.c()) }
}

/// A test whose container the site does not know.
fn look(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    let x = plain.peek_obj(operands(plain).1);
    if s.entry.dep.get() == 0 || !guarded(x.value(), &s.entry) {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_contains(m.pc, s, x) };
    }
    Ok(run_plain(plain))
}

/// Whether a value equals another such value only if the words are equal: small ints and interned strs.
#[inline(always)]
fn is_told_by_word(v: Value) -> bool {
    // SAFETY: operands and items are live values.
    v.is_int() || unsafe { Obj::borrow_from(&v) }.fixed::<Str>(FixedShape::Str).is_some_and(Str::is_interned)
}

/// The answer for an item that a dict holds as this very word, or that words tell from all items of a list or tuple; with
/// the operand to drop.
#[inline(always)]
fn quick(m: M, item: i16, x: i16) -> Option<(bool, i16, Value)> {
    let (v, c) = (m.peek(item), m.peek(x));
    let o = m.peek_obj(x);
    if is_temp(item) && v.is_ptr() {
        return None;
    }
    let items = if let Some(t) = o.fixed::<Tuple>(FixedShape::Tuple) {
        t.values()
    } else if let Some(l) = o.fixed::<List>(FixedShape::List) {
        l.words()
    } else {
        let d = o.fixed::<Dict>(FixedShape::Dict)?;
        d.quick_get(v)?;
        return Some((true, x, c));
    };
    if !is_told_by_word(v) {
        return None;
    }
    // In order: a comparison with an item before might run code.
    let mut i = 0;
    while i < items.len() {
        if items[i] == v {
            return Some((true, x, c));
        }
        if !is_told_by_word(items[i]) {
            return None;
        }
        i += 1;
    }
    Some((false, x, c))
}

/// What the native function that the site knows says; nothing if the container is another one.
#[inline(always)]
fn native(m: M, plain: M) -> PyResult<Option<bool>> {
    let s = site(m);
    let (item, x) = operands(plain);
    if !guarded(plain.peek(x), &s.entry) {
        return Ok(None);
    }
    // SAFETY: sites of this instruction keep the address of such a function.
    let f = unsafe { std::mem::transmute::<usize, ContainsFn>(s.entry.target.get()) };
    let (item, x) = (plain.arg(item), plain.arg(x));
    f(m.cx(), &x, &item).map(Some)
}

/// The answer of the native function that the site knows.
#[inline(always)]
fn by_native(m: M) -> PyResult<Flow> {
    let plain = M { w: site(m).original().0, ..m };
    let Some(r) = native(m, plain)? else { return look(m) };
    m.set(m.a(), Obj::from_bool(r != (plain.opcode() == Opcode::NotIn)));
    Ok(Flow::NEXT)
}

/// As [`by_native`], where the answer decides where to go on.
#[inline(always)]
fn branch_by_native(m: M) -> PyResult<Flow> {
    let plain = M { w: site(m).original().0, ..m };
    match native(m, plain)? {
        Some(r) => Ok(Flow::jump(branch_pc(plain, r))),
        None => look(m),
    }
}

op! {
    ContainsNative |m| { by_native(m) }

    BrContainsNative |m| { branch_by_native(m) }
}

fast_op! {
    ContainsLook |m| fast { Fast::Slow } slow { look(m) }

    ContainsItems |m| fast {
        let s = site(m);
        let c = s.original().c() as i16;
        let (r, x, word) = fast!(quick(m, m.b(), c));
        let negated = s.original().0 as u16 == Opcode::NotIn as u16;
        m.store_drop(m.a(), bool_word(r != negated), x, word)
    } slow {
        by_native(m)
    }

    ContainsClass |m| fast {
        let s = site(m);
        let o = s.original();
        let x = o.c() as i16;
        if !guarded(m.peek(x), &s.entry) {
            return Fast::Slow;
        }
        let flags = if o.0 as u16 == Opcode::NotIn as u16 { NOT } else { 0 };
        let kind = (FrameKind::Bool, consumer(Asked::Left, flags, 0));
        enter_method(m, s.entry.target.get(), [x, m.b()], false, kind, Value::UNBOUND)
    } slow { look(m) }

    BrContainsLook |m| fast { Fast::Slow } slow { look(m) }

    BrContainsItems |m| fast {
        let plain = M { w: site(m).original().0, ..m };
        let (r, x, word) = fast!(quick(m, m.a(), m.b()));
        m.consumed(x, word, branch_pc(plain, r))
    } slow {
        branch_by_native(m)
    }

    BrContainsClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return Fast::Slow;
        }
        let far = m.distance_to(m.next_target_pc());
        let both = if s.original().c() != 0 { distances(far, 2) } else { distances(2, far) };
        let kind = (FrameKind::Branch, consumer(Asked::Left, 0, 0));
        enter_method(m, s.entry.target.get(), [m.b(), m.a()], false, kind, both)
    } slow { look(m) }
}
