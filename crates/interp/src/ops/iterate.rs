//! Iteration.

use cinder_bytecode::flow::TempKind;
use cinder_bytecode::op::{Insn, Opcode};
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::operator::Asked;
use cinder_pyobj::types::dict::{Dict, DictItemIterator, DictKeyIterator, DictValueIterator};
use cinder_pyobj::types::iterators::{Enumerate, Zip};
use cinder_pyobj::types::list::{List, ListIterator, ListReverseIterator};
use cinder_pyobj::types::range::RangeIterator;
use cinder_pyobj::types::slot_wrappers::is_python_next;
use cinder_pyobj::types::slots::UnaryFn;
use cinder_pyobj::types::str::StrIterator;
use cinder_pyobj::types::tuple::{Tuple, TupleIterator};
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{ShadowOp, Site};

use super::attrs::{guarded, site};
use super::calls::enter_above;
use super::flow::none_word;
use super::operators::{enter_method, ready};
use super::{fast, fast_op, op};
use crate::call::operand::consumer;
use crate::dispatch::run_plain;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M, is_temp};
use crate::objects::generator::Generator;

fast_op! {
    GetIter |m| fast {
        // A fresh generator is its own iterator.
        let x = m.peek(m.b());
        if !is_temp(m.b()) || m.peek_obj(m.b()).fixed::<Generator>(FixedShape::Generator).is_none() {
            return Fast::Slow;
        }
        m.store(m.a(), x)
    } slow {
        let x = m.arg(m.b());
        let r = x.iter(m.cx())?;
        m.th().last_iterable.set(length(&x, &r));
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    GetIterLook |m| fast { Fast::Slow } slow { look_iterable(m) }

    GetIterClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return Fast::Slow;
        }
        // With a kept operand the frame's result is looked at before it counts.
        let kind = (FrameKind::Bool, consumer(Asked::Left, 0, 1));
        enter_method(m, s.entry.target.get(), [m.b()], true, kind, Value::UNBOUND)
    } slow { look_iterable(m) }
}

/// Makes an iterator of what the site does not know.
fn look_iterable(m: M) -> PyResult<Flow> {
    let s = site(m);
    let x = m.peek_obj(m.b());
    if s.entry.dep.get() == 0 || !guarded(x.value(), &s.entry) {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_iterator(m.pc, s, x) };
    }
    Ok(run_plain(M { w: s.original().0, ..m }))
}

op! {
    GetIterNative |m| {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return look_iterable(m);
        }
        // SAFETY: sites of this instruction keep the address of such a function.
        let f = unsafe { std::mem::transmute::<usize, UnaryFn>(s.entry.target.get()) };
        let x = m.arg(m.b());
        let r = f(m.cx(), &x)?;
        m.th().last_iterable.set(length(&x, &r));
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    GetLen |m| {
        let n = m.peek_obj(m.b()).len(m.cx())?;
        m.set(m.a(), Obj::from(n));
        Ok(Flow::NEXT)
    }
}

/// The length of an exact list, tuple, dict or range, of which `it` is an iterator; 0 for others.
fn length(x: &Obj, it: &Obj) -> usize {
    if let Some(l) = x.fixed::<List>(FixedShape::List) {
        return l.len();
    }
    if let Some(t) = x.fixed::<Tuple>(FixedShape::Tuple) {
        return t.values().len();
    }
    if let Some(r) = it.fixed::<RangeIterator>(FixedShape::RangeIterator) {
        return usize::try_from(r.state().2).unwrap_or(usize::MAX);
    }
    x.fixed::<Dict>(FixedShape::Dict).and_then(Dict::quick_len).unwrap_or(0)
}

/// The next number of a range.
#[inline(always)]
fn next_number(m: M, r: &RangeIterator) -> Fast {
    let (next, step, left) = r.state();
    if left == 0 {
        return Fast::Slow;
    }
    let v = fast!(Value::from_i64(next));
    r.set_state(next.wrapping_add(step), left - 1);
    m.store_then(m.a(), v, 2)
}

/// Stores an item that its container keeps alive.
#[inline(always)]
fn store_item(m: M, v: Value) -> Fast {
    // SAFETY: the container keeps the item alive.
    unsafe { v.incref() };
    m.store_then(m.a(), v, 2)
}

/// Ends a turn of `ForIter` with what its iterator answered.
#[inline(always)]
fn turn(m: M, answer: Option<Obj>) -> Flow {
    match answer {
        Some(v) => {
            m.set(m.a(), v);
            Flow::SKIP
        }
        None => {
            drop(m.take(m.b()));
            m.next_target()
        }
    }
}

/// Walks an iterator of whatever kind.
fn walk(m: M) -> PyResult<Flow> {
    let it = m.peek_obj(m.b());
    Ok(turn(m, it.next(m.cx())?))
}

/// How the item of this loop is used: unpacked into two by the next instruction, and perhaps stored into two locals by
/// the two that follow.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Pair {
    No,
    Window,
    Locals,
}

/// Looks ahead of a `ForIter` in the plain code.
fn pairs(m: M) -> Pair {
    let f = m.frame();
    let at = f.lasti() as usize;
    let insns = &f.plain().insns;
    let item = insns[at].a();
    let word = |n: usize| insns.get(at + n).copied().unwrap_or(Insn(0));
    let unpack = word(2);
    if unpack.op() != Some(Opcode::UnpackSequence) || unpack.a() != item || unpack.c() != 2 || !is_temp(item as i16) {
        return Pair::No;
    }
    let moves = |n: usize, from: u16| {
        let w = word(n);
        w.op() == Some(Opcode::Move) && w.b() == from && (w.a() as i16) < 0
    };
    if moves(3, unpack.b()) && moves(4, unpack.b() + 1) { Pair::Locals } else { Pair::Window }
}

/// How to specialise a loop over this iterator.
fn expect(it: &Obj, pair: Pair) -> Option<ShadowOp> {
    let op = match () {
        () if it.is_exact(FixedShape::RangeIterator) => ShadowOp::ForIterRange,
        () if it.is_exact(FixedShape::ListIterator) => ShadowOp::ForIterList,
        () if it.is_exact(FixedShape::TupleIterator) => ShadowOp::ForIterTuple,
        () if it.is_exact(FixedShape::ListReverseIterator) => ShadowOp::ForIterReversed,
        () if it.is_exact(FixedShape::StrIterator) => ShadowOp::ForIterStr,
        () if it.is_exact(FixedShape::Generator) => ShadowOp::ForIterGenerator,
        () if it.is_exact(FixedShape::DictKeyIterator) => ShadowOp::ForIterKeys,
        () if it.is_exact(FixedShape::DictValueIterator) => ShadowOp::ForIterValues,
        () if pair != Pair::No && it.is_exact(FixedShape::DictItemIterator) => ShadowOp::ForIterItems,
        () if pair != Pair::No && it.is_exact(FixedShape::Enumerate) => ShadowOp::ForIterPair,
        () if pair != Pair::No && it.fixed::<Zip>(FixedShape::Zip).is_some_and(|z| z.as_pair().is_some()) => {
            ShadowOp::ForIterPair
        }
        () if !it.type_of().is_heap_type() && it.type_of().slots.next.get().is_some() => ShadowOp::ForIterNative,
        () => return None,
    };
    Some(op)
}

/// The site of the instruction that made the list or dict which the comprehension of this loop fills, and its register.
fn filled(m: M) -> Option<(u32, i16)> {
    let f = m.frame();
    let at = f.lasti();
    let insns = &f.plain().insns;
    let mut i = at.checked_sub(1)?;
    while matches!(
        insns[i as usize].op(),
        Some(Opcode::TakeLocal | Opcode::TakeCell | Opcode::TakeFar | Opcode::MakeCell | Opcode::ClearLocal)
    ) {
        i = i.checked_sub(1)?;
    }
    let insn = insns[i as usize];
    let makes = matches!(insn.op(), Some(Opcode::BuildList | Opcode::BuildMap)) && insn.c() == 0;
    let a = insn.a() as i16;
    if !makes || !is_temp(a) || f.plain().liveness().live_before(at).get(a as usize) != Some(&TempKind::Value) {
        return None;
    }
    Some((f.code().shadow()?.site_at(i)?.number(), a))
}

/// The loop is at its end: the site that made what it filled learns the size.
fn note_size(m: M, s: &Site) {
    let Some(number) = s.entry.target.get().checked_sub(1) else { return };
    let Some(made) = m.frame().code().shadow().map(|code| code.site(number as u32)) else { return };
    let x = m.peek_obj(made.original().a() as i16);
    if let Some(l) = x.fixed::<List>(FixedShape::List) {
        made.note_size(l.len());
    } else if let Some(n) = x.fixed::<Dict>(FixedShape::Dict).and_then(Dict::quick_len) {
        made.note_size(n);
    }
}

/// A turn whose iterator the site does not know, or at whose end the fast path stopped.
fn look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let it = m.peek_obj(m.b());
    if it.shape_id().as_u32() != s.entry.guard.get() {
        if is_python_next(it.type_of()) {
            // SAFETY: the instruction lies in shadow code.
            unsafe { cinder_shadow::look_iterator(m.pc, s, it) };
            return walk(m);
        }
        let pair = pairs(m);
        // The register's content is looked at at the end of the loop, when the instruction saw to its being live.
        let target = filled(m).map_or(0, |(number, _)| number as usize + 1);
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_shape(m.pc, s, it, expect(it, pair), pair as u32, target) };
    }
    let answer = it.next(m.cx())?;
    if answer.is_none() && s.entry.dep.get() == 0 {
        note_size(m, s);
    }
    Ok(turn(m, answer))
}

/// Stores the two parts of an item where the unpacking would put them, and goes on behind that.
#[inline(always)]
fn store_pair(m: M, x: Value, y: Value) -> Fast {
    // SAFETY: the site saw the instructions that follow: an unpacking into two dead temporaries, and perhaps two moves
    // of these into locals.
    unsafe {
        if site(m).entry.arg.get() != Pair::Locals as u32 {
            let to = m.reg((*m.pc.add(2)).b() as i16);
            *to = x;
            *to.add(1) = y;
            return Fast::Jump(m.ahead(3));
        }
        let p = m.reg((*m.pc.add(3)).a() as i16);
        let old = std::mem::replace(&mut *p, x);
        if old.is_ptr() && old.header().release() {
            // The second part is stored once the old value is gone.
            *m.reg((*m.pc.add(4)).b() as i16) = y;
            m.save_pc();
            return Fast::Drop(old, m.ahead(4), m.base, m.fr);
        }
        let p = m.reg((*m.pc.add(4)).a() as i16);
        let old = std::mem::replace(&mut *p, y);
        if old.is_ptr() && old.header().release() {
            m.save_pc();
            return Fast::Drop(old, m.ahead(5), m.base, m.fr);
        }
        Fast::Jump(m.ahead(5))
    }
}

/// As [`store_pair`], out of line.
fn put_pair(m: M, (x, y): (Obj, Obj)) -> Flow {
    match store_pair(m, x.into_value(), y.into_value()) {
        Fast::Drop(old, to, _, _) => {
            // SAFETY: the last reference was found in a register.
            unsafe { old.decref() };
            Flow::jump(to)
        }
        Fast::Jump(to) => Flow::jump(to),
        _ => Flow::NEXT,
    }
}

fast_op! {
    ForIter |m| fast {
        let it = m.peek_obj(m.b());
        if let Some(r) = it.fixed::<RangeIterator>(FixedShape::RangeIterator) {
            return next_number(m, r);
        }
        if let Some(l) = it.fixed::<ListIterator>(FixedShape::ListIterator) {
            return store_item(m, fast!(l.quick_next()));
        }
        if let Some(t) = it.fixed::<TupleIterator>(FixedShape::TupleIterator) {
            return store_item(m, fast!(t.quick_next()));
        }
        let g = fast!(it.fixed::<Generator>(FixedShape::Generator));
        g.enter_quick(m, FrameKind::Loop, none_word())
    } slow { walk(m) }

    ForIterLook |m| fast { Fast::Slow } slow { look(m) }

    ForIterRange |m| fast {
        let it = m.peek_obj(m.b());
        next_number(m, fast!(it.fixed::<RangeIterator>(FixedShape::RangeIterator)))
    } slow { look(m) }

    ForIterList |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<ListIterator>(FixedShape::ListIterator)).quick_next()))
    } slow { look(m) }

    ForIterTuple |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<TupleIterator>(FixedShape::TupleIterator)).quick_next()))
    } slow { look(m) }

    ForIterGenerator |m| fast {
        let it = m.peek_obj(m.b());
        fast!(it.fixed::<Generator>(FixedShape::Generator)).enter_quick(m, FrameKind::Loop, none_word())
    } slow { look(m) }

    ForIterKeys |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<DictKeyIterator>(FixedShape::DictKeyIterator)).quick_next()))
    } slow { look(m) }

    ForIterValues |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<DictValueIterator>(FixedShape::DictValueIterator)).quick_next()))
    } slow { look(m) }

    ForIterReversed |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<ListReverseIterator>(FixedShape::ListReverseIterator)).quick_next()))
    } slow { look(m) }

    ForIterStr |m| fast {
        let it = m.peek_obj(m.b());
        store_item(m, fast!(fast!(it.fixed::<StrIterator>(FixedShape::StrIterator)).quick_next()))
    } slow { look(m) }

    ForIterItems |m| fast {
        let it = m.peek_obj(m.b());
        let (k, v) = fast!(fast!(it.fixed::<DictItemIterator>(FixedShape::DictItemIterator)).quick_next());
        // SAFETY: the dict keeps its entry alive.
        unsafe {
            k.incref();
            v.incref();
        }
        store_pair(m, k, v)
    } slow { look(m) }

    ForIterPair |m| fast { Fast::Slow } slow {
        let it = m.peek_obj(m.b());
        let pair = if let Some(e) = it.fixed::<Enumerate>(FixedShape::Enumerate) {
            e.advance_pair(m.cx())?
        } else if let Some(two) = it.fixed::<Zip>(FixedShape::Zip).and_then(Zip::as_pair) {
            Zip::advance_pair(m.cx(), two)?
        } else {
            return look(m);
        };
        Ok(match pair {
            Some(pair) => put_pair(m, pair),
            None => turn(m, None),
        })
    }

    ForIterClass |m| fast {
        let e = &site(m).entry;
        let it = m.peek(m.b());
        if !guarded(it, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds, so the cell is alive; the registers above the frame are free, and there are enough.
        unsafe {
            let first = m.frame().top;
            let (f, function) = fast!(ready(m, e.target.get(), 1, first));
            let c = &*fast!(function.code_ptr());
            f.incref();
            it.incref();
            *first = it;
            // Behind the jump that the end of the loop takes.
            enter_above(m, f, function, c, first, 1, (FrameKind::Next, 0, 2), Value::UNBOUND)
        }
    } slow {
        let s = site(m);
        if guarded(m.peek(m.b()), &s.entry) { walk(m) } else { look(m) }
    }

    ForIterNative |m| fast { Fast::Slow } slow {
        let (s, it) = (site(m), m.peek_obj(m.b()));
        if it.shape_id().as_u32() != s.entry.guard.get() {
            return look(m);
        }
        walk(m)
    }
}
