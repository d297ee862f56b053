//! Truth tests.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::operator::Asked;
use cinder_pyobj::types::dict::Dict;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{Kind, Site};

use super::attrs::{guarded, site};
use super::compare::bool_word;
use super::flow::none_word;
use super::operators::{enter_method, site_here};
use super::{fast, fast_op};
use crate::call::operand::{LENGTH, NOT, consumer, distances};
use crate::dispatch::run_plain;
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};

/// The truth of values that tell it without a call: bools, None, numbers in words, exact strs, lists, tuples and
/// dicts.
#[inline(always)]
pub(crate) fn quick_truth(v: Value) -> Option<bool> {
    if v == crate::ops::compare::bool_word(true) {
        return Some(true);
    }
    if v == crate::ops::compare::bool_word(false) || v == none_word() {
        return Some(false);
    }
    if v.is_int() {
        return Some(v.as_int_unchecked() != 0);
    }
    if v.is_float() {
        return Some(v.as_float_unchecked() != 0.0);
    }
    // SAFETY: the register holds a value.
    let o = unsafe { Obj::borrow_from(&v) };
    if let Some(l) = o.fixed::<List>(FixedShape::List) {
        return Some(l.len() != 0);
    }
    if let Some(t) = o.fixed::<tuple::Tuple>(FixedShape::Tuple) {
        return Some(!t.values().is_empty());
    }
    if let Some(s) = o.fixed::<Str>(FixedShape::Str) {
        return Some(s.len() != 0);
    }
    if let Some(d) = o.fixed::<Dict>(FixedShape::Dict) {
        return d.quick_len().map(|n| n != 0);
    }
    let slots = &o.type_of().slots;
    if slots.bool.get().is_none() && slots.len.get().is_none() { Some(true) } else { None }
}

/// Where a jump goes whose truth test has this outcome.
macro_rules! goes {
    (JumpIfTrue, $m:ident, $v:ident, $truth:expr) => {{
        let to = if $truth { $m.target_pc() } else { $m.ahead(1) };
        $m.consumed($m.a(), $v, to)
    }};
    (JumpIfFalse, $m:ident, $v:ident, $truth:expr) => {{
        let to = if $truth { $m.ahead(1) } else { $m.target_pc() };
        $m.consumed($m.a(), $v, to)
    }};
    (JumpIfTrueOrDrop, $m:ident, $v:ident, $truth:expr) => {
        if $truth { Fast::Jump($m.target_pc()) } else { $m.consumed($m.a(), $v, $m.ahead(1)) }
    };
    (JumpIfFalseOrDrop, $m:ident, $v:ident, $truth:expr) => {
        if $truth { $m.consumed($m.a(), $v, $m.ahead(1)) } else { Fast::Jump($m.target_pc()) }
    };
}

/// A bool in a word, if it is one.
#[inline(always)]
fn as_bool(v: Value) -> Option<bool> {
    if v == bool_word(true) {
        Some(true)
    } else if v == bool_word(false) {
        Some(false)
    } else {
        None
    }
}

macro_rules! tests {
    ($($name:ident $bool:ident $native:ident $kept:literal $jumps_if:literal;)*) => {
        fast_op! {$(
            $name |m| fast {
                let v = m.peek(m.a());
                goes!($name, m, v, fast!(quick_truth(v)))
            } slow {
                if $kept {
                    let x = m.take(m.a());
                    if x.truthy(m.cx())? == $jumps_if {
                        m.put(m.a(), x);
                        return Ok(m.target());
                    }
                    return Ok(Flow::NEXT);
                }
                let x = m.arg(m.a());
                let r = x.truthy(m.cx())?;
                drop(x);
                Ok(if r == $jumps_if { m.target() } else { Flow::NEXT })
            }

            $bool |m| fast {
                let v = m.peek(m.a());
                let truth = fast!(as_bool(v));
                // Bools are immortal: nothing has to be dropped.
                Fast::Jump(if truth == $jumps_if { m.target_pc() } else { m.ahead(1) })
            } slow { look(m) }

            $native |m| fast {
                let v = m.peek(m.a());
                goes!($name, m, v, fast!(quick_truth(v)))
            } slow { look(m) }
        )*}
    };
}

tests! {
    JumpIfTrue JumpIfTrueBool JumpIfTrueNative false true;
    JumpIfFalse JumpIfFalseBool JumpIfFalseNative false false;
    JumpIfTrueOrDrop JumpIfTrueOrDropBool JumpIfTrueOrDropNative true true;
    JumpIfFalseOrDrop JumpIfFalseOrDropBool JumpIfFalseOrDropNative true false;
}

/// A test that the site does not know.
fn look(m: M) -> PyResult<Flow> {
    let s = site_here(m)?;
    let plain = M { w: s.original().0, ..m };
    let x = plain.peek_obj(if plain.opcode() == Opcode::UnaryNot { plain.b() } else { plain.a() });
    if !guarded(x.value(), &s.entry) || s.entry.dep.get() == 0 {
        // SAFETY: the instruction lies in shadow code.
        unsafe { cinder_shadow::look_truth(m.pc, s, x) };
    }
    Ok(run_plain(plain))
}

/// The site of an instruction that keeps its number in field `bx`.
#[inline(always)]
fn wide_site<'a>(m: M) -> &'a Site {
    // SAFETY: specialised instructions run in shadow code only, where the frame knows the sites and `bx` names one.
    unsafe { &*m.frame().sites.add(m.bx() as usize) }
}

/// The instruction as plain code has it, whether it keeps its operand when it jumps, and whether true makes it jump.
#[inline(always)]
fn jump(m: M, s: &Site) -> (M, bool, bool) {
    let plain = M { w: s.original().0, ..m };
    let op = plain.w as u16;
    let keeps = op == Opcode::JumpIfTrueOrDrop as u16 || op == Opcode::JumpIfFalseOrDrop as u16;
    (plain, keeps, op == Opcode::JumpIfTrue as u16 || op == Opcode::JumpIfTrueOrDrop as u16)
}

fast_op! {
    TruthLook |m| fast { Fast::Slow } slow { look(m) }

    TruthAlways |m| fast {
        let s = wide_site(m);
        let v = m.peek(m.a());
        if !guarded(v, &s.entry) {
            return Fast::Slow;
        }
        let (plain, keeps, if_true) = jump(m, s);
        let to = if if_true { plain.target_pc() } else { m.ahead(1) };
        if keeps && if_true { Fast::Jump(to) } else { m.consumed(m.a(), v, to) }
    } slow { look(m) }

    TruthClass |m| fast {
        let s = wide_site(m);
        if !guarded(m.peek(m.a()), &s.entry) {
            return Fast::Slow;
        }
        let (plain, keeps, if_true) = jump(m, s);
        let far = 1 + plain.sbx() as isize;
        let both = if if_true { distances(far, 1) } else { distances(1, far) };
        let kind = if s.kind() == Kind::Length { FrameKind::BranchLength } else { FrameKind::Branch };
        enter_method(m, s.entry.target.get(), [m.a()], keeps, (kind, consumer(Asked::Left, 0, keeps as u8)), both)
    } slow { look(m) }

    UnaryNot |m| fast {
        let v = m.peek(m.b());
        m.store_drop(m.a(), bool_word(!fast!(quick_truth(v))), m.b(), v)
    } slow {
        let x = m.arg(m.b());
        let r = x.truthy(m.cx())?;
        drop(x);
        m.set(m.a(), Obj::from_bool(!r));
        Ok(Flow::NEXT)
    }

    NotLook |m| fast { Fast::Slow } slow { look(m) }

    NotNative |m| fast {
        let v = m.peek(m.b());
        m.store_drop(m.a(), bool_word(!fast!(quick_truth(v))), m.b(), v)
    } slow { look(m) }

    NotClass |m| fast {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return Fast::Slow;
        }
        let flags = if s.kind() == Kind::Length { NOT | LENGTH } else { NOT };
        let kind = (FrameKind::Bool, consumer(Asked::Left, flags, 0));
        enter_method(m, s.entry.target.get(), [m.b()], false, kind, Value::UNBOUND)
    } slow { look(m) }
}
