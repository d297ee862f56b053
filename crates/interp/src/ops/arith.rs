//! Unary and binary arithmetic.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::str;
use cinder_pyobj::{Obj, PyResult, Value};

use super::operators::look_pair;
use super::{fast, fast_op, op};
use crate::machine::{Fast, Flow, M, is_temp};

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

/// Both operands as tagged floats.
#[inline(always)]
fn only_floats(m: M) -> Option<(f64, f64)> {
    let (x, y) = (m.peek(m.b()), m.peek(m.c()));
    if x.is_float() && y.is_float() { Some((x.as_float_unchecked(), y.as_float_unchecked())) } else { None }
}

/// Words of both operands if they are tagged ints.
#[inline(always)]
fn int_words(m: M) -> Option<(i64, i64)> {
    let (x, y) = (m.peek(m.b()), m.peek(m.c()));
    if x.bits() & y.bits() & 1 != 0 { Some((x.bits() as i64, y.bits() as i64)) } else { None }
}

/// Stores an int whose word was computed with an overflow check.
#[inline(always)]
fn put_word(m: M, (word, overflow): (i64, bool)) -> Fast {
    if overflow {
        return Fast::Slow;
    }
    m.store(m.a(), Value::from_small_int(word >> 1))
}

#[inline(always)]
fn put_int(m: M, n: i64) -> Fast {
    m.store(m.a(), fast!(Value::from_i64(n)))
}

#[inline(always)]
fn put_float(m: M, x: f64) -> Fast {
    m.store(m.a(), fast!(Value::from_f64(x)))
}

#[inline(always)]
fn fast_add(m: M) -> Fast {
    if let Some((x, y)) = int_words(m) {
        return put_word(m, x.overflowing_add(y - 1));
    }
    let (x, y) = fast!(floats(m));
    put_float(m, x + y)
}

#[inline(always)]
fn fast_sub(m: M) -> Fast {
    if let Some((x, y)) = int_words(m) {
        return put_word(m, x.overflowing_sub(y - 1));
    }
    let (x, y) = fast!(floats(m));
    put_float(m, x - y)
}

#[inline(always)]
fn fast_mul(m: M) -> Fast {
    if let Some((x, y)) = int_words(m) {
        let (word, overflow) = (x - 1).overflowing_mul(y >> 1);
        return put_word(m, (word | 1, overflow));
    }
    let (x, y) = fast!(floats(m));
    put_float(m, x * y)
}

#[inline(always)]
fn fast_truediv(m: M) -> Fast {
    if let Some((x, y)) = ints(m) {
        if y == 0 || x.unsigned_abs() >= 1 << 53 || y.unsigned_abs() >= 1 << 53 {
            return Fast::Slow;
        }
        return put_float(m, x as f64 / y as f64);
    }
    let (x, y) = fast!(floats(m));
    if y == 0.0 {
        return Fast::Slow;
    }
    put_float(m, x / y)
}

#[inline(always)]
fn fast_floordiv(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    if y == 0 {
        return Fast::Slow;
    }
    let q = x / y;
    put_int(m, if x % y != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
}

#[inline(always)]
fn fast_mod(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    if y == 0 {
        return Fast::Slow;
    }
    // Most remainders are of small numbers, whose division is several times faster in 32 bits.
    if (x | y) as u64 >> 32 == 0 {
        return put_int(m, i64::from(x as u32 % y as u32));
    }
    let r = x % y;
    put_int(m, if r != 0 && (r < 0) != (y < 0) { r + y } else { r })
}

#[inline(always)]
fn fast_lshift(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    if !(0..62).contains(&y) || x.unsigned_abs().leading_zeros() <= y as u32 + 2 {
        return Fast::Slow;
    }
    put_int(m, x << y)
}

#[inline(always)]
fn fast_rshift(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    if y < 0 {
        return Fast::Slow;
    }
    put_int(m, x >> y.min(63))
}

#[inline(always)]
fn fast_and(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    put_int(m, x & y)
}

#[inline(always)]
fn fast_or(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    put_int(m, x | y)
}

#[inline(always)]
fn fast_xor(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    put_int(m, x ^ y)
}

#[inline(always)]
fn add_ints(m: M) -> Fast {
    let (x, y) = fast!(int_words(m));
    put_word(m, x.overflowing_add(y - 1))
}

#[inline(always)]
fn sub_ints(m: M) -> Fast {
    let (x, y) = fast!(int_words(m));
    put_word(m, x.overflowing_sub(y - 1))
}

#[inline(always)]
fn mul_ints(m: M) -> Fast {
    let (x, y) = fast!(int_words(m));
    let (word, overflow) = (x - 1).overflowing_mul(y >> 1);
    put_word(m, (word | 1, overflow))
}

#[inline(always)]
fn truediv_ints(m: M) -> Fast {
    let (x, y) = fast!(ints(m));
    if y == 0 || x.unsigned_abs() >= 1 << 53 || y.unsigned_abs() >= 1 << 53 {
        return Fast::Slow;
    }
    put_float(m, x as f64 / y as f64)
}

#[inline(always)]
fn add_floats(m: M) -> Fast {
    let (x, y) = fast!(only_floats(m));
    put_float(m, x + y)
}

#[inline(always)]
fn sub_floats(m: M) -> Fast {
    let (x, y) = fast!(only_floats(m));
    put_float(m, x - y)
}

#[inline(always)]
fn mul_floats(m: M) -> Fast {
    let (x, y) = fast!(only_floats(m));
    put_float(m, x * y)
}

#[inline(always)]
fn truediv_floats(m: M) -> Fast {
    let (x, y) = fast!(only_floats(m));
    if y == 0.0 {
        return Fast::Slow;
    }
    put_float(m, x / y)
}

macro_rules! specialised {
    ($($name:ident $fast:ident;)*) => {
        fast_op! {$( $name |m| fast { $fast(m) } slow { look_pair(m) } )*}
    };
}

specialised! {
    AddInt add_ints;
    AddFloat add_floats;
    AddNumber fast_add;
    SubInt sub_ints;
    SubFloat sub_floats;
    SubNumber fast_sub;
    MulInt mul_ints;
    MulFloat mul_floats;
    MulNumber fast_mul;
    TrueDivInt truediv_ints;
    TrueDivFloat truediv_floats;
    TrueDivNumber fast_truediv;
    FloorDivInt fast_floordiv;
    ModInt fast_mod;
    LShiftInt fast_lshift;
    RShiftInt fast_rshift;
    AndInt fast_and;
    OrInt fast_or;
    XorInt fast_xor;
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
}

/// `x + y` and `x += y` of exact strs. A text that nobody but the instruction's destination or temporary holds grows in
/// place.
#[inline(always)]
pub(super) fn add_strs(m: M) -> PyResult<bool> {
    if !m.peek_obj(m.b()).is_exact(FixedShape::Str) || !m.peek_obj(m.c()).is_exact(FixedShape::Str) {
        return Ok(false);
    }
    let cx = m.cx();
    let own = is_temp(m.b()) || (m.b() == m.a() && m.b() < 0 && m.b() != m.c());
    if !own {
        let (x, y) = (m.arg(m.b()), m.arg(m.c()));
        let (Some(s), Some(t)) = (x.fixed(FixedShape::Str), y.fixed(FixedShape::Str)) else { return Ok(false) };
        let r = str::concat_exact(cx, &x, &y, s, t)?;
        drop((x, y));
        m.set(m.a(), r);
        return Ok(true);
    }
    let mut left = m.take(m.b());
    let right = m.arg(m.c());
    if is_temp(m.b()) {
        str::append(cx, &mut left, &right)?;
        drop(right);
        m.set(m.a(), left);
        return Ok(true);
    }
    // No code runs before the local has its value again.
    let r = str::append(cx, &mut left, &right);
    m.put(m.a(), left);
    drop(right);
    r.map(|()| true)
}

macro_rules! add {
    ($($name:ident $f:path;)*) => {
        fast_op! {$(
            $name |m| fast { fast_add(m) } slow {
                if add_strs(m)? {
                    return Ok(Flow::NEXT);
                }
                let (x, y) = (m.arg(m.b()), m.arg(m.c()));
                let r = $f(m.cx(), &x, &y)?;
                drop((x, y));
                m.set(m.a(), r);
                Ok(Flow::NEXT)
            }
        )*}
    };
}

add! {
    Add number::add;
    InplaceAdd number::inplace_add;
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
        let v = m.peek(m.b());
        if let Some(n) = v.as_int() {
            return put_int(m, -n);
        }
        put_float(m, -fast!(v.as_float()))
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
}
