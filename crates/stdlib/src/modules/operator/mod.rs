//! `_operator`.

mod getters;

use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::types::bytes::{BytesLike, is_bytes_like};
use cinder_pyobj::{Ctx, Obj, PyResult};

/// Operator interface.
///
/// This module exports functions that correspond to the operators of Python.
#[pymodule(
    name = "_operator",
    classes(super::getters::ItemGetter, super::getters::AttrGetter, super::getters::MethodCaller)
)]
pub(crate) mod operator {
    use super::*;

    /// a < b.
    #[pyfunction(sig = "(a, b, /)")]
    fn lt(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Lt)
    }

    /// a <= b.
    #[pyfunction(sig = "(a, b, /)")]
    fn le(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Le)
    }

    /// a == b.
    #[pyfunction(sig = "(a, b, /)")]
    fn eq(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Eq)
    }

    /// a != b.
    #[pyfunction(sig = "(a, b, /)")]
    fn ne(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Ne)
    }

    /// a > b.
    #[pyfunction(sig = "(a, b, /)")]
    fn gt(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Gt)
    }

    /// a >= b.
    #[pyfunction(sig = "(a, b, /)")]
    fn ge(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.rich_cmp(cx, b, CmpOp::Ge)
    }

    /// Returns true if a is true.
    #[pyfunction(sig = "(a, /)")]
    fn truth(cx: &Ctx, a: &Obj) -> PyResult<bool> {
        a.truthy(cx)
    }

    /// not a.
    #[pyfunction(sig = "(a, /)")]
    fn not_(cx: &Ctx, a: &Obj) -> PyResult<bool> {
        Ok(!a.truthy(cx)?)
    }

    /// a is b.
    #[pyfunction(sig = "(a, b, /)")]
    fn is_(a: &Obj, b: &Obj) -> bool {
        a.is(b)
    }

    /// a is not b.
    #[pyfunction(sig = "(a, b, /)")]
    fn is_not(a: &Obj, b: &Obj) -> bool {
        !a.is(b)
    }

    /// a is None.
    #[pyfunction(sig = "(a, /)")]
    fn is_none(a: &Obj) -> bool {
        a.is_none()
    }

    /// a is not None.
    #[pyfunction(sig = "(a, /)")]
    fn is_not_none(a: &Obj) -> bool {
        !a.is_none()
    }

    /// Same as a.__index__().
    #[pyfunction(sig = "(a, /)")]
    fn index(cx: &Ctx, a: &Obj) -> PyResult {
        a.index(cx)
    }

    /// Same as abs(a).
    #[pyfunction(sig = "(a, /)")]
    fn abs(cx: &Ctx, a: &Obj) -> PyResult {
        number::abs(cx, a)
    }

    /// Same as -a.
    #[pyfunction(sig = "(a, /)")]
    fn neg(cx: &Ctx, a: &Obj) -> PyResult {
        number::neg(cx, a)
    }

    /// Same as +a.
    #[pyfunction(sig = "(a, /)")]
    fn pos(cx: &Ctx, a: &Obj) -> PyResult {
        number::pos(cx, a)
    }

    /// Same as ~a.
    #[pyfunction(sig = "(a, /)")]
    fn inv(cx: &Ctx, a: &Obj) -> PyResult {
        number::invert(cx, a)
    }

    /// Same as ~a.
    #[pyfunction(sig = "(a, /)")]
    fn invert(cx: &Ctx, a: &Obj) -> PyResult {
        number::invert(cx, a)
    }

    /// a + b.
    #[pyfunction(name = "add", sig = "(a, b, /)")]
    fn add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::add(cx, a, b)
    }

    /// a += b; gives the new a.
    #[pyfunction(name = "iadd", sig = "(a, b, /)")]
    fn iadd(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_add(cx, a, b)
    }

    /// a - b.
    #[pyfunction(name = "sub", sig = "(a, b, /)")]
    fn sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::sub(cx, a, b)
    }

    /// a -= b; gives the new a.
    #[pyfunction(name = "isub", sig = "(a, b, /)")]
    fn isub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_sub(cx, a, b)
    }

    /// a * b.
    #[pyfunction(name = "mul", sig = "(a, b, /)")]
    fn mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::mul(cx, a, b)
    }

    /// a *= b; gives the new a.
    #[pyfunction(name = "imul", sig = "(a, b, /)")]
    fn imul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_mul(cx, a, b)
    }

    /// a @ b.
    #[pyfunction(name = "matmul", sig = "(a, b, /)")]
    fn matmul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::matmul(cx, a, b)
    }

    /// a @= b; gives the new a.
    #[pyfunction(name = "imatmul", sig = "(a, b, /)")]
    fn imatmul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_matmul(cx, a, b)
    }

    /// a / b.
    #[pyfunction(name = "truediv", sig = "(a, b, /)")]
    fn truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::truediv(cx, a, b)
    }

    /// a /= b; gives the new a.
    #[pyfunction(name = "itruediv", sig = "(a, b, /)")]
    fn itruediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_truediv(cx, a, b)
    }

    /// a // b.
    #[pyfunction(name = "floordiv", sig = "(a, b, /)")]
    fn floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::floordiv(cx, a, b)
    }

    /// a //= b; gives the new a.
    #[pyfunction(name = "ifloordiv", sig = "(a, b, /)")]
    fn ifloordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_floordiv(cx, a, b)
    }

    /// a % b.
    #[pyfunction(name = "mod", sig = "(a, b, /)")]
    fn modulo(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::mod_(cx, a, b)
    }

    /// a %= b; gives the new a.
    #[pyfunction(name = "imod", sig = "(a, b, /)")]
    fn imod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_mod(cx, a, b)
    }

    /// a << b.
    #[pyfunction(name = "lshift", sig = "(a, b, /)")]
    fn lshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::lshift(cx, a, b)
    }

    /// a <<= b; gives the new a.
    #[pyfunction(name = "ilshift", sig = "(a, b, /)")]
    fn ilshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_lshift(cx, a, b)
    }

    /// a >> b.
    #[pyfunction(name = "rshift", sig = "(a, b, /)")]
    fn rshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::rshift(cx, a, b)
    }

    /// a >>= b; gives the new a.
    #[pyfunction(name = "irshift", sig = "(a, b, /)")]
    fn irshift(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_rshift(cx, a, b)
    }

    /// a & b.
    #[pyfunction(name = "and_", sig = "(a, b, /)")]
    fn and_op(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::and(cx, a, b)
    }

    /// a &= b; gives the new a.
    #[pyfunction(name = "iand", sig = "(a, b, /)")]
    fn iand(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_and(cx, a, b)
    }

    /// a | b.
    #[pyfunction(name = "or_", sig = "(a, b, /)")]
    fn or_op(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::or(cx, a, b)
    }

    /// a |= b; gives the new a.
    #[pyfunction(name = "ior", sig = "(a, b, /)")]
    fn ior(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_or(cx, a, b)
    }

    /// a ^ b.
    #[pyfunction(name = "xor", sig = "(a, b, /)")]
    fn xor(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::xor(cx, a, b)
    }

    /// a ^= b; gives the new a.
    #[pyfunction(name = "ixor", sig = "(a, b, /)")]
    fn ixor(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_xor(cx, a, b)
    }

    /// a ** b.
    #[pyfunction(sig = "(a, b, /)")]
    fn pow(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::pow(cx, a, b, None)
    }

    /// a **= b; gives the new a.
    #[pyfunction(sig = "(a, b, /)")]
    fn ipow(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        number::inplace_pow(cx, a, b)
    }

    /// a + b, of sequences only.
    #[pyfunction(sig = "(a, b, /)")]
    fn concat(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        check_sequence(cx, a)?;
        check_sequence(cx, b)?;
        number::add(cx, a, b)
    }

    /// a += b, of sequences only; gives the new a.
    #[pyfunction(sig = "(a, b, /)")]
    fn iconcat(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        check_sequence(cx, a)?;
        check_sequence(cx, b)?;
        number::inplace_add(cx, a, b)
    }

    /// b in a; the container is the first argument.
    #[pyfunction(sig = "(a, b, /)")]
    fn contains(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<bool> {
        a.contains(cx, b)
    }

    /// How many items of a are b or equal it.
    #[pyfunction(name = "countOf", sig = "(a, b, /)")]
    fn count_of(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<usize> {
        let mut n = 0;
        let it = iterate(cx, a)?;
        while let Some(x) = it.next(cx)? {
            n += usize::from(x.eq(cx, b)?);
        }
        Ok(n)
    }

    /// Where in a the first item stands that is b or equals it.
    #[pyfunction(name = "indexOf", sig = "(a, b, /)")]
    fn index_of(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<usize> {
        let mut n = 0;
        let it = iterate(cx, a)?;
        while let Some(x) = it.next(cx)? {
            if x.eq(cx, b)? {
                return Ok(n);
            }
            n += 1;
        }
        Err(cx.value_error("sequence.index(x): x not in sequence"))
    }

    /// Same as a[b].
    #[pyfunction(sig = "(a, b, /)")]
    fn getitem(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        a.get_item(cx, b)
    }

    /// a[b] = c.
    #[pyfunction(sig = "(a, b, c, /)")]
    fn setitem(cx: &Ctx, a: &Obj, b: &Obj, c: &Obj) -> PyResult<()> {
        a.set_item(cx, b, c)
    }

    /// del a[b].
    #[pyfunction(sig = "(a, b, /)")]
    fn delitem(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<()> {
        a.del_item(cx, b)
    }

    /// Returns an estimate of the number of items in obj.
    ///
    /// Useful for presizing containers when building from an iterable. It may differ from the true length.
    #[pyfunction(sig = "(obj, default=0, /)")]
    fn length_hint(cx: &Ctx, obj: &Obj, default: Option<&Obj>) -> PyResult {
        let default = match default {
            None => 0,
            Some(d) if d.type_of().is_int_subtype() => d.to_i64(cx)?,
            Some(d) => {
                return Err(
                    cx.type_error(format!("'{}' object cannot be interpreted as an integer", d.type_of().name()))
                );
            }
        };
        // A negative default comes back unchanged if there is no hint.
        let n = obj.length_hint(cx, usize::MAX)?;
        Ok(if n == usize::MAX { Obj::from(default) } else { Obj::from(n) })
    }

    /// obj(*args, **kwargs).
    #[pyfunction(sig = "(obj, /, *args, **kwargs)")]
    fn call(cx: &Ctx, args: Args<'_>) -> PyResult {
        match args.pos() {
            [f, ..] => f.call(cx, args.without_first()),
            [] => Err(cx.type_error("call expected at least 1 argument, got 0")),
        }
    }

    /// Returns a == b, in a time that depends on the length only. Both must be ASCII strings or bytes-like.
    #[pyfunction(name = "_compare_digest", sig = "(a, b, /)")]
    fn _compare_digest(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<bool> {
        let (x, y) = if a.type_of().is_str_subtype() && b.type_of().is_str_subtype() {
            let (x, y) = (cinder_pyobj::types::str::as_utf8_lossy(a), cinder_pyobj::types::str::as_utf8_lossy(b));
            if !x.is_ascii() || !y.is_ascii() {
                return Err(cx.type_error("comparing strings with non-ASCII characters is not supported"));
            }
            (x.as_bytes().to_vec(), y.as_bytes().to_vec())
        } else {
            for o in [a, b] {
                if !is_bytes_like(o) {
                    return Err(cx.type_error(format!(
                        "unsupported operand types(s) or combination of types: '{}' and '{}'",
                        a.type_of().name(),
                        b.type_of().name()
                    )));
                }
            }
            (BytesLike::new(cx, a)?.to_vec(), BytesLike::new(cx, b)?.to_vec())
        };
        let same_len = x.len() == y.len();
        let other = if same_len { &x } else { &y };
        let mut diff = u8::from(!same_len);
        for (p, q) in y.iter().zip(other) {
            diff |= p ^ q;
        }
        Ok(std::hint::black_box(diff) == 0)
    }
}

fn check_sequence(cx: &Ctx, o: &Obj) -> PyResult<()> {
    if o.type_of().slots.getitem.get().is_none() || o.type_of().flags().mapping_like {
        return Err(cx.type_error(format!("'{}' object can't be concatenated", o.type_of().name())));
    }
    Ok(())
}

fn iterate(cx: &Ctx, o: &Obj) -> PyResult {
    if o.type_of().slots.iter.get().is_none() && o.type_of().slots.getitem.get().is_none() {
        return Err(cx.type_error(format!("argument of type '{}' is not iterable", o.type_of().name())));
    }
    o.iter(cx)
}
