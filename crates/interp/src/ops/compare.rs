//! Comparisons and fused compare-and-branch.

use cinder_pyobj::types::CmpOp;
use cinder_pyobj::{Obj, Value};

use super::{fast_op, op};
use crate::machine::{Flow, M};

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

macro_rules! compare {
    ($($name:ident $branch:ident $op:ident;)*) => {
        fast_op! {$(
            $name |m| fast {
                let r = quick(m.peek(m.b()), m.peek(m.c()), CmpOp::$op)?;
                m.set_word(m.a(), bool_word(r));
                Some(Flow::NEXT)
            } slow {
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = x.rich_cmp(m.cx(), &y, CmpOp::$op)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
            $branch |m| fast {
                let r = quick(m.peek(m.a()), m.peek(m.b()), CmpOp::$op)?;
                Some(branch(m, r))
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
    if r == (m.c() != 0) { m.next_target() } else { Flow::SKIP }
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

op! {
    Is |m| {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = x.is(&y);
        drop((x, y));
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

    IsNot |m| {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let r = !x.is(&y);
        drop((x, y));
        m.set(m.a(), Obj::from_bool(r));
        Ok(Flow::NEXT)
    }

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

    BrIs |m| {
        let (x, y) = (m.arg(m.a()), m.arg(m.b()));
        let r = x.is(&y);
        drop((x, y));
        Ok(branch(m, r))
    }

    BrIn |m| {
        let (x, y) = (m.arg(m.a()), m.arg(m.b()));
        let r = y.contains(m.cx(), &x)?;
        drop((x, y));
        Ok(branch(m, r))
    }
}
