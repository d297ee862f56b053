//! Comparisons and fused compare-and-branch.

use cinder_bytecode::op::Insn;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::{Obj, Value};

use super::{fast, fast_op, op};
use crate::machine::{Fast, Flow, M, is_temp};

/// The outcome for two tagged ints or two tagged floats.
#[inline(always)]
fn quick(x: Value, y: Value, op: CmpOp) -> Option<bool> {
    if x.bits() & y.bits() & 1 != 0 {
        return Some(op.holds(x.as_int_unchecked().cmp(&y.as_int_unchecked())));
    }
    if x.is_float() && y.is_float() {
        let (a, b) = (x.as_float_unchecked(), y.as_float_unchecked());
        return Some(match op {
            CmpOp::Lt => a < b,
            CmpOp::Le => a <= b,
            CmpOp::Eq => a == b,
            CmpOp::Ne => a != b,
            CmpOp::Gt => a > b,
            CmpOp::Ge => a >= b,
        });
    }
    None
}

/// Equality of exact strs that are the same object, or both interned; with the operand to drop.
#[inline(always)]
fn quick_str(m: M, a: i16, b: i16, op: CmpOp) -> Option<(bool, i16, Value)> {
    if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
        return None;
    }
    let s = m.peek_obj(a).fixed::<Str>(FixedShape::Str)?;
    let t = m.peek_obj(b).fixed::<Str>(FixedShape::Str)?;
    let (same, used) = identical(m, a, b);
    let (x, word) = used?;
    if !same && !(s.is_interned() && t.is_interned()) {
        return None;
    }
    Some((same == matches!(op, CmpOp::Eq), x, word))
}

macro_rules! compare {
    ($($name:ident $branch:ident $op:ident;)*) => {
        fast_op! {$(
            $name |m| fast {
                if let Some(r) = quick(m.peek(m.b()), m.peek(m.c()), CmpOp::$op) {
                    return m.store(m.a(), bool_word(r));
                }
                let (r, x, word) = fast!(quick_str(m, m.b(), m.c(), CmpOp::$op));
                m.store_drop(m.a(), bool_word(r), x, word)
            } slow {
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = x.rich_cmp(m.cx(), &y, CmpOp::$op)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
            $branch |m| fast {
                if let Some(r) = quick(m.peek(m.a()), m.peek(m.b()), CmpOp::$op) {
                    return Fast::Jump(branch_pc(m, r));
                }
                let (r, x, word) = fast!(quick_str(m, m.a(), m.b(), CmpOp::$op));
                m.consumed(x, word, branch_pc(m, r))
            } slow {
                let (x, y) = (m.arg(m.a()), m.arg(m.b()));
                let r = x.rich_cmp(m.cx(), &y, CmpOp::$op)?.truthy(m.cx())?;
                drop((x, y));
                Ok(branch(m, r))
            }
        )*}
    };
}

/// Runs the following `Jump` if the outcome is `c`.
#[inline(always)]
fn branch(m: M, r: bool) -> Flow {
    Flow::jump(branch_pc(m, r))
}

#[inline(always)]
fn branch_pc(m: M, r: bool) -> *const Insn {
    if r == (m.c() != 0) { m.next_target_pc() } else { m.ahead(2) }
}

/// Both words dropped after a test that needs no call.
#[inline(always)]
fn identical(m: M, a: i16, b: i16) -> (bool, Option<(i16, Value)>) {
    let (x, y) = (m.peek(a), m.peek(b));
    // One of the two is nearly always a singleton, whose word needs no count.
    match (is_temp(a) && x.is_ptr(), is_temp(b) && y.is_ptr()) {
        (false, false) => (x == y, Some((b, Value::UNBOUND))),
        (true, false) => (x == y, Some((a, x))),
        (false, true) => (x == y, Some((b, y))),
        (true, true) => (false, None),
    }
}

#[inline(always)]
pub(super) fn bool_word(b: bool) -> Value {
    // True and False are immortal: the word needs no count.
    let o = std::mem::ManuallyDrop::new(Obj::from_bool(b));
    o.value()
}

compare! {
    Lt BrLt Lt;
    Le BrLe Le;
    Eq BrEq Eq;
    Ne BrNe Ne;
    Gt BrGt Gt;
    Ge BrGe Ge;
}

fast_op! {
    Is |m| fast {
        let (r, used) = identical(m, m.b(), m.c());
        let (x, word) = fast!(used);
        m.store_drop(m.a(), bool_word(r), x, word)
    } slow {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = x.is(&y);
        drop((x, y));
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    IsNot |m| fast {
        let (r, used) = identical(m, m.b(), m.c());
        let (x, word) = fast!(used);
        m.store_drop(m.a(), bool_word(!r), x, word)
    } slow {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = !x.is(&y);
        drop((x, y));
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    BrIs |m| fast {
        let (r, used) = identical(m, m.a(), m.b());
        let (x, word) = fast!(used);
        m.consumed(x, word, branch_pc(m, r))
    } slow {
        let (x, y) = (m.arg(m.a()), m.arg(m.b()));
        let r = x.is(&y);
        drop((x, y));
        Ok(branch(m, r))
    }
}

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
