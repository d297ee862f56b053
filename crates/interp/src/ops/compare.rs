//! Comparisons and fused compare-and-branch.

use cinder_bytecode::op::Insn;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::{Obj, Value};

use super::operators::look_pair;
use super::{fast, fast_op};
use crate::machine::{Fast, Flow, M, is_temp};

/// The outcome for two tagged ints.
#[inline(always)]
fn of_ints(x: Value, y: Value, op: CmpOp) -> Option<bool> {
    if x.bits() & y.bits() & 1 == 0 {
        return None;
    }
    Some(op.holds(x.as_int_unchecked().cmp(&y.as_int_unchecked())))
}

/// The outcome for two tagged floats.
#[inline(always)]
fn of_floats(x: Value, y: Value, op: CmpOp) -> Option<bool> {
    if !(x.is_float() && y.is_float()) {
        return None;
    }
    Some(float_holds(x.as_float_unchecked(), y.as_float_unchecked(), op))
}

#[inline(always)]
fn float_holds(a: f64, b: f64, op: CmpOp) -> bool {
    match op {
        CmpOp::Lt => a < b,
        CmpOp::Le => a <= b,
        CmpOp::Eq => a == b,
        CmpOp::Ne => a != b,
        CmpOp::Gt => a > b,
        CmpOp::Ge => a >= b,
    }
}

/// The outcome for two tagged ints or two tagged floats.
#[inline(always)]
fn quick(x: Value, y: Value, op: CmpOp) -> Option<bool> {
    match of_ints(x, y, op) {
        Some(r) => Some(r),
        None => of_floats(x, y, op),
    }
}

/// The outcome for tagged numbers. An int that no float is exactly equal to takes longer.
#[inline(always)]
fn of_numbers(x: Value, y: Value, op: CmpOp) -> Option<bool> {
    if let Some(r) = quick(x, y, op) {
        return Some(r);
    }
    if x.is_float() && y.is_int() {
        return Some(float_holds(x.as_float_unchecked(), exact(y)?, op));
    }
    if x.is_int() && y.is_float() {
        return Some(float_holds(exact(x)?, y.as_float_unchecked(), op));
    }
    None
}

/// A tagged int as a float, if that is exact.
#[inline(always)]
fn exact(v: Value) -> Option<f64> {
    let n = v.as_int_unchecked();
    if n.unsigned_abs() < 1 << 53 { Some(n as f64) } else { None }
}

/// Equality of exact strs that are the same object, or both interned; with the operand to drop.
#[inline(always)]
pub(super) fn quick_str(m: M, a: i16, b: i16, op: CmpOp) -> Option<(bool, i16, Value)> {
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
    ($($name:ident $branch:ident $op:ident [$($special:ident $br_special:ident $f:ident)*];)*) => {
        fast_op! {$($(
            $special |m| fast {
                m.store(m.a(), bool_word(fast!($f(m.peek(m.b()), m.peek(m.c()), CmpOp::$op))))
            } slow { look_pair(m) }
            $br_special |m| fast {
                Fast::Jump(branch_pc(m, fast!($f(m.peek(m.a()), m.peek(m.b()), CmpOp::$op))))
            } slow { look_pair(m) }
        )*
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
pub(super) fn branch(m: M, r: bool) -> Flow {
    Flow::jump(branch_pc(m, r))
}

#[inline(always)]
pub(crate) fn branch_pc(m: M, r: bool) -> *const Insn {
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
pub(crate) fn bool_word(b: bool) -> Value {
    // True and False are immortal: the word needs no count.
    let o = std::mem::ManuallyDrop::new(Obj::from_bool(b));
    o.value()
}

compare! {
    Lt BrLt Lt [LtInt BrLtInt of_ints LtFloat BrLtFloat of_floats LtNumber BrLtNumber of_numbers];
    Le BrLe Le [LeInt BrLeInt of_ints LeFloat BrLeFloat of_floats LeNumber BrLeNumber of_numbers];
    Eq BrEq Eq [EqInt BrEqInt of_ints EqFloat BrEqFloat of_floats EqNumber BrEqNumber of_numbers];
    Ne BrNe Ne [NeInt BrNeInt of_ints NeFloat BrNeFloat of_floats NeNumber BrNeNumber of_numbers];
    Gt BrGt Gt [GtInt BrGtInt of_ints GtFloat BrGtFloat of_floats GtNumber BrGtNumber of_numbers];
    Ge BrGe Ge [GeInt BrGeInt of_ints GeFloat BrGeFloat of_floats GeNumber BrGeNumber of_numbers];
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
