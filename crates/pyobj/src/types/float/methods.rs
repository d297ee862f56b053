//! The class `float`: slots, methods and attributes.

use super::{Float, arith, as_f64, hex, text};
use crate::ctx::{Ctx, PyResult};
use crate::heap::new_instance;
use crate::native::{Args, PyClass, pymethods};
use crate::types::int::{self, text::to_ascii_digits};
use crate::types::{CmpOp, Type, exc, numeric_input, tuple};
use crate::value::Obj;

fn value(this: &Obj) -> f64 {
    as_f64(this).unwrap_or(f64::NAN)
}

/// An operand of float arithmetic: a float or an int; nothing for other objects.
#[inline]
fn operand(cx: &Ctx, o: &Obj) -> PyResult<Option<f64>> {
    if let Some(f) = as_f64(o) {
        return Ok(Some(f));
    }
    if int::is_int(o) { int::as_f64(cx, o).map(Some) } else { Ok(None) }
}

fn operands(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult<Option<(f64, f64)>> {
    match (operand(cx, a)?, operand(cx, b)?) {
        (Some(x), Some(y)) => Ok(Some((x, y))),
        _ => Ok(None),
    }
}

#[inline]
fn binary(cx: &Ctx, a: &Obj, b: &Obj, f: impl FnOnce(f64, f64) -> PyResult<f64>) -> PyResult {
    match operands(cx, a, b)? {
        Some((x, y)) => f(x, y).map(Obj::from),
        None => Ok(Obj::not_implemented()),
    }
}

/// `float(x)`: by `__float__`, by `__index__`, or as the text of a number.
pub fn from_object(cx: &Ctx, x: &Obj) -> PyResult {
    if x.as_f64_exact().is_some() {
        return Ok(x.clone());
    }
    if x.is_exact(crate::native::FixedShape::Str) {
        return parse_object(cx, x);
    }
    let ty = x.type_of();
    if let Some(f) = ty.slots.float.get() {
        let r = f(cx, x)?;
        if r.as_f64_exact().is_some() {
            return Ok(r);
        }
        let Some(f) = as_f64(&r) else {
            return Err(cx.type_error(format!(
                "{}.__float__ returned non-float (type {})",
                ty.name(),
                r.type_of().name()
            )));
        };
        let message = format!(
            "{}.__float__ returned non-float (type {}).  The ability to return an instance of a strict subclass of \
             float is deprecated, and may not be supported in a future version of Python.",
            ty.name(),
            r.type_of().name()
        );
        (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)?;
        return Ok(Obj::from(f));
    }
    if ty.slots.index.get().is_some() {
        return int::as_f64(cx, &x.index(cx)?).map(Obj::from);
    }
    parse_object(cx, x)
}

fn parse_object(cx: &Ctx, x: &Obj) -> PyResult {
    let parsed = if x.type_of().is_str_subtype() {
        text::parse(&to_ascii_digits(&crate::types::str::as_utf8_lossy(x)))
    } else if let Some(bytes) = numeric_input::bytes_like(cx, x)? {
        text::parse(&bytes)
    } else {
        return Err(
            cx.type_error(format!("float() argument must be a string or a real number, not '{}'", x.type_of().name()))
        );
    };
    match parsed {
        Some(f) => Ok(Obj::from(f)),
        None => {
            let r = x.repr(cx)?;
            let r = crate::types::str::as_utf8_lossy(&r);
            Err(cx.value_error(format!("could not convert string to float: {r}")))
        }
    }
}

#[pymethods(parts("more"))]
impl Float {
    #[pynew(sig = "(x=0, /)")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let args = args.check_arity(cx, "float", 0, 1)?;
        let f = match args {
            [x] => from_object(cx, x)?,
            _ => Obj::from(0.0),
        };
        if ty.is(Float::type_object()) {
            return Ok(f);
        }
        Ok(new_instance(ty, Float(value(&f))))
    }

    fn __repr__(_cx: &Ctx, this: &Obj) -> PyResult<String> {
        Ok(text::repr(value(this)))
    }

    fn __hash__(_cx: &Ctx, this: &Obj) -> PyResult<i64> {
        let f = value(this);
        // NaNs differ from each other, so their hash goes by identity.
        Ok(if f.is_nan() { this.id().rotate_right(4) as i64 } else { arith::hash(f) })
    }

    fn __richcmp__(_cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
        let f = value(this);
        let order = if let Some(g) = as_f64(other) {
            f.partial_cmp(&g)
        } else if int::is_int(other) {
            int::cmp_f64(other, f).map(std::cmp::Ordering::reverse)
        } else {
            return Ok(Obj::not_implemented());
        };
        // NaN is not equal to anything, itself included.
        Ok(Obj::from_bool(order.map_or(op == CmpOp::Ne, |o| op.holds(o))))
    }

    fn __bool__(_cx: &Ctx, this: &Obj) -> PyResult<bool> {
        Ok(value(this) != 0.0)
    }

    fn __int__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::to_int(cx, value(this))
    }

    fn __float__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(if this.as_f64_exact().is_some() { this.clone() } else { Obj::from(value(this)) })
    }

    fn __neg__(_cx: &Ctx, this: &Obj) -> PyResult<f64> {
        Ok(-value(this))
    }

    fn __pos__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(if this.as_f64_exact().is_some() { this.clone() } else { Obj::from(value(this)) })
    }

    fn __abs__(_cx: &Ctx, this: &Obj) -> PyResult<f64> {
        Ok(value(this).abs())
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| Ok(x + y))
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| Ok(x - y))
    }

    fn nb_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| Ok(x * y))
    }

    fn nb_truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| arith::true_div(cx, x, y))
    }

    fn nb_floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| arith::floordiv(cx, x, y))
    }

    fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| arith::mod_(cx, x, y))
    }

    fn nb_divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let Some((x, y)) = operands(cx, a, b)? else { return Ok(Obj::not_implemented()) };
        let (q, r) = arith::divmod(cx, x, y)?;
        Ok(tuple::new(vec![Obj::from(q), Obj::from(r)]))
    }

    fn nb_pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
        if modulus.is_some_and(|m| !m.is_none()) {
            return Err(cx.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
        }
        match operands(cx, a, b)? {
            Some((x, y)) => arith::pow(cx, x, y),
            None => Ok(Obj::not_implemented()),
        }
    }

    /// The number itself.
    #[pymethod]
    fn conjugate(_cx: &Ctx, this: &Obj) -> PyResult<f64> {
        Ok(value(this))
    }

    /// The number itself.
    #[pygetter]
    fn real(_cx: &Ctx, this: &Obj) -> f64 {
        value(this)
    }

    /// Zero.
    #[pygetter]
    fn imag(_cx: &Ctx, _this: &Obj) -> f64 {
        0.0
    }
}

#[pymethods(part = "more")]
impl Float {
    /// Whether the number has no fractional part.
    #[pymethod]
    fn is_integer(_cx: &Ctx, this: &Obj) -> bool {
        let f = value(this);
        f.is_finite() && f == f.floor()
    }

    /// A pair of ints in lowest terms whose quotient is exactly the number; the second one is positive.
    ///
    /// OverflowError for infinities, ValueError for NaN.
    ///
    /// >>> (2.75).as_integer_ratio()
    /// (11, 4)
    /// >>> (-0.5).as_integer_ratio()
    /// (-1, 2)
    #[pymethod]
    fn as_integer_ratio(cx: &Ctx, this: &Obj) -> PyResult {
        arith::as_integer_ratio(cx, value(this))
    }

    /// The integer part, as an int.
    #[pymethod]
    fn __trunc__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::to_int(cx, value(this))
    }

    /// The greatest int that is not greater.
    #[pymethod]
    fn __floor__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::to_int(cx, value(this).floor())
    }

    /// The least int that is not less.
    #[pymethod]
    fn __ceil__(cx: &Ctx, this: &Obj) -> PyResult {
        arith::to_int(cx, value(this).ceil())
    }

    /// The nearest int, or with ndigits the nearest float with so many digits after the point. Of two
    /// candidates equally near the even one is taken.
    #[pymethod(sig = "($self, ndigits=None, /)")]
    fn __round__(cx: &Ctx, this: &Obj, ndigits: Option<&Obj>) -> PyResult {
        let f = value(this);
        let Some(n) = ndigits else { return arith::to_int(cx, f.round_ties_even()) };
        let n = n.index(cx)?;
        let n = int::as_i64(&n).unwrap_or(if int::is_negative(&n) { i64::MIN } else { i64::MAX });
        arith::round(cx, f, n).map(Obj::from)
    }

    /// The number as a hexadecimal literal: exact, and understood by fromhex().
    ///
    /// >>> (1.5).hex()
    /// '0x1.8000000000000p+0'
    #[pymethod]
    fn hex(_cx: &Ctx, this: &Obj) -> String {
        hex::to_hex(value(this))
    }

    /// The float that a hexadecimal literal denotes, rounded if it has too many digits.
    ///
    /// >>> float.fromhex('0x1.8p+1')
    /// 3.0
    /// >>> float.fromhex('-a.8')
    /// -10.5
    #[pyclassmethod(sig = "($type, string, /)")]
    fn fromhex(cx: &Ctx, ty: &Type, string: &Obj) -> PyResult {
        if !string.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("fromhex() argument must be str, not {}", string.type_of().name())));
        }
        let f = match hex::from_hex(crate::types::str::as_utf8_lossy(string).as_bytes()) {
            Ok(f) => f,
            Err(hex::HexError::Invalid) => {
                return Err(cx.value_error("invalid hexadecimal floating-point string"));
            }
            Err(hex::HexError::TooLarge) => {
                return Err(cx.overflow_error("hexadecimal value too large to represent as a float"));
            }
        };
        of_class(cx, ty, f)
    }

    /// The float with the value of a real number; texts are refused.
    #[pyclassmethod(sig = "($type, number, /)")]
    fn from_number(cx: &Ctx, ty: &Type, number: &Obj) -> PyResult {
        if ty.is(Float::type_object()) && number.as_f64_exact().is_some() {
            return Ok(number.clone());
        }
        of_class(cx, ty, crate::protocol::number::to_f64(cx, number)?)
    }

    /// The number as text in the form that the format specification asks for.
    #[pymethod(sig = "($self, format_spec, /)")]
    fn __format__(cx: &Ctx, this: &Obj, format_spec: &Obj) -> PyResult {
        super::format::format(cx, value(this), this, format_spec)
    }

    #[pymethod]
    fn __getnewargs__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(tuple::new(vec![Obj::from(value(this))]))
    }

    /// How the machine stores floats of the given kind, 'double' or 'float'.
    #[pyclassmethod(sig = "($type, typestr, /)")]
    fn __getformat__(cx: &Ctx, _ty: &Type, typestr: &str) -> PyResult<&'static str> {
        match typestr {
            "double" | "float" if cfg!(target_endian = "little") => Ok("IEEE, little-endian"),
            "double" | "float" => Ok("IEEE, big-endian"),
            _ => Err(cx.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
        }
    }
}

fn of_class(cx: &Ctx, ty: &Type, f: f64) -> PyResult {
    let f = Obj::from(f);
    if ty.is(Float::type_object()) { Ok(f) } else { ty.as_obj().call1(cx, &f) }
}
