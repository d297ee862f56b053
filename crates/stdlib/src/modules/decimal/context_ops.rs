//! The operations of the specification as methods of `Context`.

use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::types::{float, str};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::context::Context;
use super::convert::{self, Exactness, expect_operand};
use super::methods::ops;
use super::number::Num;
use super::object::{self, Decimal, run_binary, run_unary};
use super::{arith, functions, text, transcend};

/// Methods of a context and one number.
macro_rules! unary {
    ($($(#[$($doc:tt)*])* $name:ident = $op:expr;)*) => {
        #[pymethods(part = "unary")]
        impl Context {
            $($(#[$($doc)*])*
            #[pymethod(sig = "($self, x, /)")]
            fn $name(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult {
                run_unary(cx, &this, &*expect_operand(cx, x)?, $op)
            })*
        }
    };
}

unary! {
    /// The absolute value of x, rounded.
    abs = object::absolute;
    /// The exponential of x.
    exp = transcend::exp;
    /// The natural logarithm of x.
    ln = transcend::ln;
    /// The logarithm of x to base ten.
    log10 = transcend::log10;
    /// The exponent of the first digit of x.
    logb = functions::logb;
    /// The digitwise inversion of x.
    logical_invert = functions::logical_invert;
    /// What the prefix operator - gives in this context.
    minus = object::minus;
    /// The largest number that is smaller than x.
    next_minus = functions::next_minus;
    /// The smallest number that is larger than x.
    next_plus = functions::next_plus;
    /// x without zeros at the end.
    normalize = functions::normalize;
    /// What the prefix operator + gives in this context: x rounded.
    plus = object::plus;
    /// The square root of x.
    sqrt = transcend::sqrt;
    /// The integer nearest to x, without signals.
    to_integral = ops::to_integral_value;
    /// The integer nearest to x, with signals.
    to_integral_exact = ops::to_integral_exact;
    /// The integer nearest to x, without signals.
    to_integral_value = ops::to_integral_value;
}

/// Methods of a context and two numbers.
macro_rules! binary {
    ($($(#[$($doc:tt)*])* $name:ident = $op:expr;)*) => {
        #[pymethods(part = "binary")]
        impl Context {
            $($(#[$($doc)*])*
            #[pymethod(sig = "($self, x, y, /)")]
            fn $name(cx: &Ctx, this: This<'_, Context>, x: &Obj, y: &Obj) -> PyResult {
                let (a, b) = (expect_operand(cx, x)?, expect_operand(cx, y)?);
                run_binary(cx, &this, &a, &b, $op)
            })*
        }
    };
}

binary! {
    /// The sum of x and y.
    add = arith::add;
    /// -1, 0 or 1 as x is less than, equal to or greater than y.
    compare = ops::compare;
    /// As compare, but every NaN signals.
    compare_signal = ops::compare_signal;
    /// Compares representations by the total order.
    compare_total = ops::compare_total;
    /// Compares representations by the total order, without signs.
    compare_total_mag = ops::compare_total_mag;
    /// x with the sign of y.
    copy_sign = ops::copy_sign;
    /// The quotient of x and y.
    divide = arith::divide;
    /// The integer part of the quotient of x and y.
    divide_int = arith::divide_integer;
    /// Digitwise and of x and y.
    logical_and = ops::logical_and;
    /// Digitwise or of x and y.
    logical_or = ops::logical_or;
    /// Digitwise exclusive or of x and y.
    logical_xor = ops::logical_xor;
    /// The greater of x and y.
    max = ops::max;
    /// The one of x and y with the greater absolute value.
    max_mag = ops::max_mag;
    /// The lesser of x and y.
    min = ops::min;
    /// The one of x and y with the lesser absolute value.
    min_mag = ops::min_mag;
    /// The product of x and y.
    multiply = arith::multiply;
    /// The number next to x in the direction of y.
    next_toward = functions::next_toward;
    /// x rounded to the exponent of y.
    quantize = functions::quantize;
    /// The remainder of the integer division of x by y.
    remainder = arith::remainder;
    /// The remainder of x by the multiple of y nearest to it.
    remainder_near = arith::remainder_near;
    /// x, its digits rotated by y places.
    rotate = functions::rotate;
    /// x, with y added to its exponent.
    scaleb = functions::scaleb;
    /// x, its digits shifted by y places.
    shift = functions::shift;
    /// The difference of x and y.
    subtract = arith::subtract;
}

#[pymethods(part = "other")]
impl Context {
    /// Quotient and remainder of x by y.
    #[pymethod(sig = "($self, x, y, /)")]
    fn divmod(cx: &Ctx, this: This<'_, Context>, x: &Obj, y: &Obj) -> PyResult {
        let (a, b) = (expect_operand(cx, x)?, expect_operand(cx, y)?);
        object::divmod_pair(cx, &this, &a, &b)
    }

    /// x * y + z with one rounding.
    #[pymethod(sig = "($self, x, y, z, /)")]
    fn fma(cx: &Ctx, this: This<'_, Context>, x: &Obj, y: &Obj, z: &Obj) -> PyResult {
        let (a, b, c) = (expect_operand(cx, x)?, expect_operand(cx, y)?, expect_operand(cx, z)?);
        let mut status = 0;
        let n = arith::fma(&a, &b, &c, &this.env(), &mut status);
        this.settle(cx, status)?;
        Ok(object::new(n))
    }

    /// a ** b, or a ** b % modulo computed exactly.
    #[pymethod(sig = "($self, /, a, b, modulo=None)")]
    fn power(cx: &Ctx, this: This<'_, Context>, a: &Obj, b: &Obj, modulo: Option<&Obj>) -> PyResult {
        let (x, y) = (expect_operand(cx, a)?, expect_operand(cx, b)?);
        let m = match modulo.filter(|m| !m.is_none()) {
            Some(m) => Some(expect_operand(cx, m)?),
            None => None,
        };
        object::power(cx, &this, &x, &y, m.as_deref())
    }

    /// Ten.
    #[pymethod]
    fn radix(_cx: &Ctx, _this: This<'_, Context>) -> Obj {
        object::new(Num::small(10))
    }

    /// A Decimal of a number, rounded in this context. Strings may hold neither spaces nor underscores.
    #[pymethod(sig = "($self, num='0', /)")]
    fn create_decimal(cx: &Ctx, this: This<'_, Context>, num: Option<&Obj>) -> PyResult {
        let Some(num) = num else { return Ok(object::new(Num::zero(false, 0))) };
        Ok(object::new(convert::of_object(cx, num, &this, Exactness::Rounded)?))
    }

    /// A Decimal of a float or int, rounded in this context; floats do not signal.
    #[pymethod(sig = "($self, f, /)")]
    fn create_decimal_from_float(cx: &Ctx, this: This<'_, Context>, f: &Obj) -> PyResult {
        let n = match (convert::of_int(f), float::as_f64(f)) {
            (Some(n), _) => n,
            (_, Some(f)) => convert::of_f64(f),
            _ => return Err(cx.type_error("argument must be int or float")),
        };
        let mut status = 0;
        let n = convert::round_new(&this, n, &mut status);
        this.settle(cx, status)?;
        Ok(object::new(n))
    }

    /// x rounded in this context.
    #[pymethod(name = "_apply", sig = "($self, x, /)")]
    fn apply(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult {
        let a = expect_operand(cx, x)?;
        let mut status = 0;
        let n = this.env().round(a.into_owned(), &mut status);
        this.settle(cx, status)?;
        Ok(object::new(n))
    }

    /// x itself: every representation is canonical.
    #[pymethod(sig = "($self, x, /)")]
    fn canonical(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult {
        match x.downcast::<Decimal>() {
            Some(_) => Ok(x.clone()),
            None => Err(cx.type_error("argument must be a Decimal")),
        }
    }

    /// x as a Decimal, not rounded.
    #[pymethod(sig = "($self, x, /)")]
    fn copy_decimal(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult {
        match x.downcast::<Decimal>() {
            Some(_) => Ok(x.clone()),
            None => Ok(object::new(expect_operand(cx, x)?.into_owned())),
        }
    }

    /// The absolute value of x, not rounded.
    #[pymethod(sig = "($self, x, /)")]
    fn copy_abs(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult {
        Ok(object::new(expect_operand(cx, x)?.abs()))
    }

    /// x with the other sign, not rounded.
    #[pymethod(sig = "($self, x, /)")]
    fn copy_negate(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult {
        Ok(object::new(expect_operand(cx, x)?.negated()))
    }

    /// Always True.
    #[pymethod(sig = "($self, x, /)")]
    fn is_canonical(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        match x.downcast::<Decimal>() {
            Some(_) => Ok(true),
            None => Err(cx.type_error("argument must be a Decimal")),
        }
    }

    /// Whether x is neither infinite nor a NaN.
    #[pymethod(sig = "($self, x, /)")]
    fn is_finite(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.is_finite())
    }

    /// Whether x is infinite.
    #[pymethod(sig = "($self, x, /)")]
    fn is_infinite(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.is_infinite())
    }

    /// Whether x is a NaN of either kind.
    #[pymethod(sig = "($self, x, /)")]
    fn is_nan(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.is_nan())
    }

    /// Whether x is a quiet NaN.
    #[pymethod(sig = "($self, x, /)")]
    fn is_qnan(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        let x = expect_operand(cx, x)?;
        Ok(x.is_nan() && !x.is_signaling())
    }

    /// Whether x is a signaling NaN.
    #[pymethod(sig = "($self, x, /)")]
    fn is_snan(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.is_signaling())
    }

    /// Whether the sign of x is negative.
    #[pymethod(sig = "($self, x, /)")]
    fn is_signed(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.neg)
    }

    /// Whether x is a zero.
    #[pymethod(sig = "($self, x, /)")]
    fn is_zero(cx: &Ctx, _this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(expect_operand(cx, x)?.is_zero())
    }

    /// Whether x is finite, not zero and not subnormal.
    #[pymethod(sig = "($self, x, /)")]
    fn is_normal(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(functions::is_normal(&*expect_operand(cx, x)?, &this.env()))
    }

    /// Whether x is subnormal.
    #[pymethod(sig = "($self, x, /)")]
    fn is_subnormal(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult<bool> {
        Ok(functions::is_subnormal(&*expect_operand(cx, x)?, &this.env()))
    }

    /// The class of x by name.
    #[pymethod(sig = "($self, x, /)")]
    fn number_class(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult<&'static str> {
        Ok(functions::class(&*expect_operand(cx, x)?, &this.env()))
    }

    /// Whether x and y have the same exponent, or both are NaNs or infinities.
    #[pymethod(sig = "($self, x, y, /)")]
    fn same_quantum(cx: &Ctx, _this: This<'_, Context>, x: &Obj, y: &Obj) -> PyResult<bool> {
        Ok(functions::same_quantum(&*expect_operand(cx, x)?, &*expect_operand(cx, y)?))
    }

    /// The text of x in scientific notation.
    #[pymethod(sig = "($self, x, /)")]
    fn to_sci_string(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult {
        Ok(str::from_latin1(&text::write(&*expect_operand(cx, x)?, this.style(false))))
    }

    /// The text of x in engineering notation.
    #[pymethod(sig = "($self, x, /)")]
    fn to_eng_string(cx: &Ctx, this: This<'_, Context>, x: &Obj) -> PyResult {
        Ok(str::from_latin1(&text::write(&*expect_operand(cx, x)?, this.style(true))))
    }
}
