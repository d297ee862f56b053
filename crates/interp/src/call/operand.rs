//! Special methods of operators that run in frames: what their results are for.
//!
//! `a + b` pushes the frame of `a.__add__` instead of calling it. The operands stay alive below the frame's registers, so
//! that the operation can go on with `b.__radd__` if the answer is NotImplemented. A comparison or truth test that
//! branches leaves both distances in the frame's `extra`, for ends without ado.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::operator::{Asked, compare_on};
use cinder_pyobj::types::slot_wrappers::{length_of, truth_of};
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::ShadowOp;

use super::push::{FrameSpec, push_frame};
use crate::frame::{Frame, FrameKind};
use crate::machine::{Flow, M};
use crate::objects::function::Function;
use crate::ops::{bool_word, branch_pc, is_not_implemented};
use crate::thread::Thread;
use crate::unwind;

/// The answer is to be negated.
pub(crate) const NOT: u8 = 4;
/// The answer is a length.
pub(crate) const LENGTH: u8 = 8;

/// What a frame's `consumer` tells: who was asked, flags, and how many operands lie below its registers.
pub(crate) const fn consumer(asked: Asked, flags: u8, kept: u8) -> u8 {
    asked as u8 | flags | kept << 4
}

/// How many operands lie below the registers of a frame with this `consumer`.
#[inline(always)]
pub(crate) fn kept(consumer: u8) -> usize {
    (consumer >> 4) as usize
}

fn asked(consumer: u8) -> Asked {
    match consumer & 3 {
        0 => Asked::Inplace,
        1 => Asked::Left,
        2 => Asked::Right,
        _ => Asked::Both,
    }
}

/// Both distances of a branch, in instructions, as a word that owns nothing.
#[inline(always)]
pub(crate) fn distances(if_true: isize, if_false: isize) -> Value {
    // SAFETY: the word is that of an int.
    unsafe { Value::from_bits((if_true as u64) << 32 | (if_false as u64) << 1 & 0xffff_fffe | 1) }
}

/// The distance to go when the answer is `answer`.
#[inline(always)]
pub(crate) fn distance(both: Value, answer: bool) -> isize {
    let w = both.bits();
    if answer { (w >> 32) as i32 as isize } else { (w as i32 >> 1) as isize }
}

/// Whether a frame of this kind may end without ado with this result.
#[inline(always)]
pub(crate) fn is_plain_result(kind: FrameKind, consumer: u8, v: Value) -> bool {
    match kind {
        FrameKind::Operator => !is_not_implemented(v),
        FrameKind::BranchLength => v.is_int() && v.as_int_unchecked() >= 0 && kept(consumer) != 1,
        _ => (v == bool_word(true) || v == bool_word(false)) && kept(consumer) != 1,
    }
}

/// Takes the operands below the registers of a frame that is about to end.
///
/// # Safety
/// The frame must be alive and its kind that of an operator; its operands must not be used afterwards.
pub(crate) unsafe fn take_kept(fr: *mut Frame) -> Kept {
    // SAFETY: the operands were put there when the frame was pushed.
    unsafe {
        let f = &*fr;
        let first = f.base.sub(f.code().near as usize);
        let n = if f.kind.is_operator() { kept(f.consumer) } else { 0 };
        let word = |i: usize| if n > i { Frame::taken(*first.sub(n - i)) } else { None };
        Kept(word(0), word(1))
    }
}

/// The operands of an operation whose special method ran.
pub(crate) struct Kept(Option<Obj>, Option<Obj>);

/// The frame of a special method has ended with a result, and that which waits for it is current.
pub(crate) fn returned(th: &Thread, kind: FrameKind, consumer: u8, operands: Kept, v: Obj) -> Flow {
    let caller = th.current.get();
    // SAFETY: the frame is current and stands at the instruction that pushed the other one.
    let m = unsafe {
        let c = &*caller;
        M { pc: c.pc, base: c.base, fr: caller, th, w: c.plain_insn().0 }
    };
    match finish(m, kind, consumer, operands, v) {
        Ok(to) => {
            // SAFETY: the frame is current.
            unsafe { (*th.current.get()).pc = to };
            Flow::SWITCH
        }
        Err(_) => unwind::unwind(th, true),
    }
}

/// Finishes the instruction, whose plain word `m` has: the address to go on at in the frame that is current then.
fn finish(m: M, kind: FrameKind, consumer: u8, operands: Kept, v: Obj) -> PyResult<*const cinder_bytecode::op::Insn> {
    let cx = m.cx();
    let op = m.opcode();
    match op {
        Opcode::JumpIfTrue | Opcode::JumpIfFalse | Opcode::JumpIfTrueOrDrop | Opcode::JumpIfFalseOrDrop => {
            let length = kind == FrameKind::BranchLength;
            let truth = if length { length_of(cx, &v)? != 0 } else { truth_of(cx, &v)? };
            let jumps = truth == matches!(op, Opcode::JumpIfTrue | Opcode::JumpIfTrueOrDrop);
            if let Some(x) = operands.0
                && jumps
            {
                m.put(m.a(), x);
            }
            Ok(if jumps { m.target_pc() } else { m.ahead(1) })
        }
        Opcode::UnaryNot => {
            let truth = if consumer & LENGTH != 0 { length_of(cx, &v)? != 0 } else { truth_of(cx, &v)? };
            m.set(m.a(), Obj::from_bool(!truth));
            Ok(m.ahead(1))
        }
        Opcode::GetIter => {
            if v.type_of().slots.next.get().is_none() {
                return Err(cx.type_error(format!("iter() returned non-iterator of type '{}'", v.type_of().name())));
            }
            m.th().last_iterable.set(0);
            drop(operands);
            m.set(m.a(), v);
            Ok(m.ahead(1))
        }
        Opcode::In | Opcode::NotIn => {
            let truth = v.truthy(cx)?;
            m.set(m.a(), Obj::from_bool(truth != (op == Opcode::NotIn)));
            Ok(m.ahead(1))
        }
        Opcode::BrIn => Ok(branch_pc(m, v.truthy(cx)?)),
        _ => {
            let r = if v.is_not_implemented() {
                let Kept(Some(x), Some(y)) = operands else {
                    return Err(cx.system_error("an operator without operands"));
                };
                if let Some(other) = other_method(m, consumer, &x, &y)
                    && push_other(m, &other, (&x, &y), kind, consumer)?
                {
                    // SAFETY: the frame was pushed just now.
                    return Ok(unsafe { (*m.th().current.get()).pc });
                }
                match (ShadowOp::arithmetic(op), ShadowOp::comparison(op)) {
                    (Some((op, inplace)), _) => op.go_on(cx, &x, &y, inplace, asked(consumer))?,
                    (None, Some(op)) => compare_on(cx, &x, &y, op, asked(consumer))?,
                    (None, None) => return Err(cx.system_error("an operator of no kind")),
                }
            } else {
                drop(operands);
                if consumer & NOT != 0 { Obj::from_bool(!v.truthy(cx)?) } else { v }
            };
            if kind.branches() {
                return Ok(branch_pc(m, r.truthy(cx)?));
            }
            m.set(m.a(), r);
            Ok(m.ahead(1))
        }
    }
}

/// The method of the operand that was not asked yet, if that is a Python function.
fn other_method(m: M, consumer: u8, x: &Obj, y: &Obj) -> Option<Obj> {
    let (tx, ty) = (x.type_of(), y.type_of());
    let op = m.opcode();
    let (class, name) = match (ShadowOp::arithmetic(op), ShadowOp::comparison(op), asked(consumer)) {
        (Some((op, _)), _, Asked::Left) if !tx.is(ty) => (ty, op.reflected()),
        (Some((op, _)), _, Asked::Right) => (tx, op.method()),
        (None, Some(op), Asked::Left) => (ty, Name::new(op.swapped().dunder())),
        (None, Some(op), Asked::Right) => (tx, Name::new(op.dunder())),
        _ => return None,
    };
    if !class.is_heap_type() {
        return None;
    }
    class.lookup(name).filter(|f| f.is_exact(FixedShape::Function))
}

/// Pushes the frame of the method of the other operand; false if it needs binding or does not fit.
fn push_other(m: M, f: &Obj, (x, y): (&Obj, &Obj), kind: FrameKind, before: u8) -> PyResult<bool> {
    let Some(function) = f.fixed::<Function>(FixedShape::Function) else { return Ok(false) };
    let Some(code) = function.code_ptr() else { return Ok(false) };
    // SAFETY: the function keeps its code alive.
    let c = unsafe { &*code };
    let fr = m.frame();
    let need = (c.near + c.above) as usize + 2;
    if c.quick_args != 2 || (fr.reg_end as usize - fr.top as usize) / 8 < need {
        return Ok(false);
    }
    let swapped = asked(before) == Asked::Left;
    let (this, other) = if swapped { (y, x) } else { (x, y) };
    // A negated answer came from `__eq__`; the other operand is asked with `__ne__` itself.
    let kind = if kind == FrameKind::Bool { FrameKind::Operator } else { kind };
    // SAFETY: the registers above the frame are free and there are enough of them.
    unsafe {
        let params = fr.top.add(2);
        *params = this.clone().into_value();
        *params.add(1) = other.clone().into_value();
        let spec = FrameSpec::call(f.clone().into_value(), function, kind, 1);
        let new = push_frame(m.th(), c, params, 2, fr.reg_end, spec)?;
        *fr.top = x.clone().into_value();
        *fr.top.add(1) = y.clone().into_value();
        (*new).consumer = consumer(Asked::Both, 0, 2);
        if kind.branches() {
            (*new).extra = distances(m.distance_to(branch_pc(m, true)), m.distance_to(branch_pc(m, false)));
        }
    }
    Ok(true)
}
