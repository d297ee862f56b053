//! Unary and binary arithmetic.

use cinder_pyobj::protocol::number;
use cinder_pyobj::{Obj, Value};

use super::{fast_op, op};
use crate::machine::{Flow, M};

/// Both operands as tagged ints.
#[inline(always)]
fn ints(m: M) -> Option<(i64, i64)> {
    let (x, y) = (m.peek(m.b()), m.peek(m.c()));
    if x.bits() & y.bits() & 1 != 0 { Some((x.as_int_unchecked(), y.as_int_unchecked())) } else { None }
}

/// Both operands as tagged floats, or a float and an int that converts exactly.
#[inline(always)]
fn floats(m: M) -> Option<(f64, f64)> {
    let (x, y) = (m.peek(m.b()), m.peek(m.c()));
    match (x.is_float(), y.is_float()) {
        (true, true) => Some((x.as_float_unchecked(), y.as_float_unchecked())),
        (true, false) => match y.as_int() {
            Some(n) if n.unsigned_abs() < 1 << 53 => Some((x.as_float_unchecked(), n as f64)),
            _ => None,
        },
        (false, true) => match x.as_int() {
            Some(n) if n.unsigned_abs() < 1 << 53 => Some((n as f64, y.as_float_unchecked())),
            _ => None,
        },
        _ => None,
    }
}

#[inline(always)]
fn put_int(m: M, n: i64) -> Option<Flow> {
    m.set_word(m.a(), Value::from_i64(n)?);
    Some(Flow::NEXT)
}

#[inline(always)]
fn put_float(m: M, x: f64) -> Option<Flow> {
    m.set_word(m.a(), Value::from_f64(x)?);
    Some(Flow::NEXT)
}

#[inline(always)]
fn fast_add(m: M) -> Option<Flow> {
    if let Some((x, y)) = ints(m) {
        return put_int(m, x + y);
    }
    let (x, y) = floats(m)?;
    put_float(m, x + y)
}

#[inline(always)]
fn fast_sub(m: M) -> Option<Flow> {
    if let Some((x, y)) = ints(m) {
        return put_int(m, x - y);
    }
    let (x, y) = floats(m)?;
    put_float(m, x - y)
}

#[inline(always)]
fn fast_mul(m: M) -> Option<Flow> {
    if let Some((x, y)) = ints(m) {
        return put_int(m, x.checked_mul(y)?);
    }
    let (x, y) = floats(m)?;
    put_float(m, x * y)
}

#[inline(always)]
fn fast_truediv(m: M) -> Option<Flow> {
    if let Some((x, y)) = ints(m) {
        if y == 0 || x.unsigned_abs() >= 1 << 53 || y.unsigned_abs() >= 1 << 53 {
            return None;
        }
        return put_float(m, x as f64 / y as f64);
    }
    let (x, y) = floats(m)?;
    if y == 0.0 {
        return None;
    }
    put_float(m, x / y)
}

#[inline(always)]
fn fast_floordiv(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    if y == 0 {
        return None;
    }
    let q = x / y;
    put_int(m, if x % y != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
}

#[inline(always)]
fn fast_mod(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    if y == 0 {
        return None;
    }
    let r = x % y;
    put_int(m, if r != 0 && (r < 0) != (y < 0) { r + y } else { r })
}

#[inline(always)]
fn fast_lshift(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    if !(0..62).contains(&y) || x.unsigned_abs().leading_zeros() <= y as u32 + 2 {
        return None;
    }
    put_int(m, x << y)
}

#[inline(always)]
fn fast_rshift(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    if y < 0 {
        return None;
    }
    put_int(m, x >> y.min(63))
}

#[inline(always)]
fn fast_and(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    put_int(m, x & y)
}

#[inline(always)]
fn fast_or(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    put_int(m, x | y)
}

#[inline(always)]
fn fast_xor(m: M) -> Option<Flow> {
    let (x, y) = ints(m)?;
    put_int(m, x ^ y)
}

macro_rules! binary {
    ($($name:ident $inplace:ident $f:path, $g:path, $fast:ident;)*) => {
        fast_op! {$(
            $name |m| fast { $fast(m) } slow {
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = $f(m.cx(), &x, &y)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
            $inplace |m| fast { $fast(m) } slow {
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = $g(m.cx(), &x, &y)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
        )*}
    };
}

binary! {
    Sub InplaceSub number::sub, number::inplace_sub, fast_sub;
    Mul InplaceMul number::mul, number::inplace_mul, fast_mul;
    TrueDiv InplaceTrueDiv number::truediv, number::inplace_truediv, fast_truediv;
    FloorDiv InplaceFloorDiv number::floordiv, number::inplace_floordiv, fast_floordiv;
    Mod InplaceMod number::mod_, number::inplace_mod, fast_mod;
    LShift InplaceLShift number::lshift, number::inplace_lshift, fast_lshift;
    RShift InplaceRShift number::rshift, number::inplace_rshift, fast_rshift;
    And InplaceAnd number::and, number::inplace_and, fast_and;
    Or InplaceOr number::or, number::inplace_or, fast_or;
    Xor InplaceXor number::xor, number::inplace_xor, fast_xor;
    Add InplaceAdd number::add, number::inplace_add, fast_add;
}

macro_rules! outlined {
    ($($name:ident $f:expr;)*) => {
        op! {$(
            $name |m| {
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = $f(m.cx(), &*x, &*y)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
        )*}
    };
}

outlined! {
    MatMul number::matmul;
    InplaceMatMul number::inplace_matmul;
    Pow (|cx, x: &Obj, y: &Obj| number::pow(cx, x, y, None));
    InplacePow number::inplace_pow;
}

fast_op! {
    UnaryNeg |m| fast {
        let n = m.peek(m.b()).as_int()?;
        put_int(m, -n)
    } slow {
        let x = m.arg(m.b());
        let r = number::neg(m.cx(), &x)?;
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }
}

op! {
    UnaryPos |m| {
        let x = m.arg(m.b());
        let r = number::pos(m.cx(), &x)?;
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    UnaryInvert |m| {
        let x = m.arg(m.b());
        let r = number::invert(m.cx(), &x)?;
        drop(x);
        m.set(m.a(), r);
        Ok(Flow::NEXT)
    }

    UnaryNot |m| {
        let x = m.arg(m.b());
        let r = x.truthy(m.cx())?;
        drop(x);
        m.set(m.a(), Obj::from_bool(!r));
        Ok(Flow::NEXT)
    }
}
