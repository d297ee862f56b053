//! The methods of `Decimal` that are operations of the specification.

use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::context::{optional, payload, rounding_of};
use super::convert::expect_operand;
use super::functions::{self, Pick};
use super::number::{self, Num};
use super::object::{self, Decimal, run_binary, run_unary};
use super::round::Env;
use super::{arith, transcend};

/// Operations of the specification in the form in which contexts and numbers call them.
pub(super) mod ops {
    use super::*;

    pub(in super::super) fn compare(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::compare(a, b, env, false, s)
    }

    pub(in super::super) fn compare_signal(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::compare(a, b, env, true, s)
    }

    pub(in super::super) fn compare_total(a: &Num, b: &Num, _: &Env, _: &mut u32) -> Num {
        functions::order(number::compare_total(a, b))
    }

    pub(in super::super) fn compare_total_mag(a: &Num, b: &Num, _: &Env, _: &mut u32) -> Num {
        functions::order(number::total_magnitude(a, b))
    }

    pub(in super::super) fn copy_sign(a: &Num, b: &Num, _: &Env, _: &mut u32) -> Num {
        a.with_sign(b.neg)
    }

    pub(in super::super) fn max(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::extreme(a, b, Pick::Max, env, s)
    }

    pub(in super::super) fn max_mag(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::extreme(a, b, Pick::MaxMagnitude, env, s)
    }

    pub(in super::super) fn min(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::extreme(a, b, Pick::Min, env, s)
    }

    pub(in super::super) fn min_mag(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::extreme(a, b, Pick::MinMagnitude, env, s)
    }

    pub(in super::super) fn logical_and(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::logical(a, b, env, s, |x, y| x & y)
    }

    pub(in super::super) fn logical_or(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::logical(a, b, env, s, |x, y| x | y)
    }

    pub(in super::super) fn logical_xor(a: &Num, b: &Num, env: &Env, s: &mut u32) -> Num {
        functions::logical(a, b, env, s, |x, y| x ^ y)
    }

    pub(in super::super) fn to_integral_value(a: &Num, env: &Env, s: &mut u32) -> Num {
        functions::to_integral(a, env, false, s)
    }

    pub(in super::super) fn to_integral_exact(a: &Num, env: &Env, s: &mut u32) -> Num {
        functions::to_integral(a, env, true, s)
    }
}

/// Methods of one number and an optional context.
macro_rules! unary {
    ($($(#[$($doc:tt)*])* $name:ident = $op:expr;)*) => {
        #[pymethods(part = "unary")]
        impl Decimal {
            $($(#[$($doc)*])*
            #[pymethod(sig = "($self, /, context=None)")]
            fn $name(cx: &Ctx, this: This<'_, Decimal>, context: Option<&Obj>) -> PyResult {
                let context = optional(cx, context)?;
                run_unary(cx, payload(cx, &context)?, &this.num, $op)
            })*
        }
    };
}

unary! {
    /// The exponential: e to the power of the number, rounded half to even.
    exp = transcend::exp;
    /// The natural logarithm, rounded half to even.
    ln = transcend::ln;
    /// The logarithm to base ten, rounded half to even.
    log10 = transcend::log10;
    /// The exponent of the number's first digit.
    logb = functions::logb;
    /// The digitwise inversion of a logical number.
    logical_invert = functions::logical_invert;
    /// The largest number of the context that is smaller.
    next_minus = functions::next_minus;
    /// The smallest number of the context that is larger.
    next_plus = functions::next_plus;
    /// The number without zeros at the end; every zero becomes 0.
    normalize = functions::normalize;
    /// The square root, rounded half to even.
    sqrt = transcend::sqrt;
}

/// Methods of two numbers and an optional context.
macro_rules! binary {
    ($($(#[$($doc:tt)*])* $name:ident = $op:expr;)*) => {
        #[pymethods(part = "binary")]
        impl Decimal {
            $($(#[$($doc)*])*
            #[pymethod(sig = "($self, /, other, context=None)")]
            fn $name(cx: &Ctx, this: This<'_, Decimal>, other: &Obj, context: Option<&Obj>) -> PyResult {
                let context = optional(cx, context)?;
                let other = expect_operand(cx, other)?;
                run_binary(cx, payload(cx, &context)?, &this.num, &other, $op)
            })*
        }
    };
}

binary! {
    /// -1, 0 or 1 as the number is less, equal or greater; NaN if one is a NaN.
    compare = ops::compare;
    /// As compare, but every NaN signals.
    compare_signal = ops::compare_signal;
    /// Compares by the total order of representations, in which 12.0 is less than 12.
    compare_total = ops::compare_total;
    /// As compare_total, by absolute values.
    compare_total_mag = ops::compare_total_mag;
    /// The number with the sign of the other one.
    copy_sign = ops::copy_sign;
    /// Digitwise and of logical numbers.
    logical_and = ops::logical_and;
    /// Digitwise or of logical numbers.
    logical_or = ops::logical_or;
    /// Digitwise exclusive or of logical numbers.
    logical_xor = ops::logical_xor;
    /// The greater number, rounded; a number wins against a quiet NaN.
    max = ops::max;
    /// The number of greater absolute value.
    max_mag = ops::max_mag;
    /// The lesser number, rounded; a number wins against a quiet NaN.
    min = ops::min;
    /// The number of lesser absolute value.
    min_mag = ops::min_mag;
    /// The number next to this one in the direction of the other.
    next_toward = functions::next_toward;
    /// The remainder by the integer nearest to the quotient.
    remainder_near = arith::remainder_near;
    /// The digits rotated by as many places as the other number says.
    rotate = functions::rotate;
    /// The number with the other one added to its exponent.
    scaleb = functions::scaleb;
    /// The digits shifted by as many places as the other number says.
    shift = functions::shift;
}

/// The operation `op` in a context with another rounding, where one is given.
fn with_rounding(
    cx: &Ctx,
    this: &Decimal,
    rounding: Option<&Obj>,
    context: Option<&Obj>,
    op: impl FnOnce(&Num, &Env, &mut u32) -> Num,
) -> PyResult {
    let context = optional(cx, context)?;
    let context = payload(cx, &context)?;
    let mut env = context.env();
    if let Some(r) = rounding.filter(|r| !r.is_none()) {
        env.rounding = rounding_of(cx, r)?;
    }
    let mut status = 0;
    let n = op(&this.num, &env, &mut status);
    context.settle(cx, status)?;
    Ok(object::new(n))
}

#[pymethods(part = "queries")]
impl Decimal {
    /// The exponent of the first digit; zero for infinities and NaNs.
    #[pymethod]
    fn adjusted(_cx: &Ctx, this: This<'_, Decimal>) -> i64 {
        if this.num.is_finite() { this.num.adjusted() } else { 0 }
    }

    /// The number itself: every representation is canonical.
    #[pymethod]
    fn canonical(this: &Obj) -> Obj {
        this.clone()
    }

    /// The number itself.
    #[pymethod]
    fn conjugate(this: &Obj) -> Obj {
        this.clone()
    }

    /// Ten.
    #[pymethod]
    fn radix(_cx: &Ctx, _this: This<'_, Decimal>) -> Obj {
        object::new(Num::small(10))
    }

    /// The absolute value, whatever the context.
    #[pymethod]
    fn copy_abs(_cx: &Ctx, this: This<'_, Decimal>) -> Obj {
        object::new(this.num.abs())
    }

    /// The number with the other sign, whatever the context.
    #[pymethod]
    fn copy_negate(_cx: &Ctx, this: This<'_, Decimal>) -> Obj {
        object::new(this.num.negated())
    }

    /// Always True.
    #[pymethod]
    fn is_canonical(_cx: &Ctx, _this: This<'_, Decimal>) -> bool {
        true
    }

    /// Whether the number is neither infinite nor a NaN.
    #[pymethod]
    fn is_finite(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_finite()
    }

    /// Whether the number is infinite.
    #[pymethod]
    fn is_infinite(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_infinite()
    }

    /// Whether the number is a NaN of either kind.
    #[pymethod]
    fn is_nan(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_nan()
    }

    /// Whether the number is a quiet NaN.
    #[pymethod]
    fn is_qnan(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_nan() && !this.num.is_signaling()
    }

    /// Whether the number is a signaling NaN.
    #[pymethod]
    fn is_snan(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_signaling()
    }

    /// Whether the sign is negative.
    #[pymethod]
    fn is_signed(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.neg
    }

    /// Whether the number is a zero.
    #[pymethod]
    fn is_zero(_cx: &Ctx, this: This<'_, Decimal>) -> bool {
        this.num.is_zero()
    }

    /// Whether the number is finite, not zero and not subnormal.
    #[pymethod(sig = "($self, /, context=None)")]
    fn is_normal(cx: &Ctx, this: This<'_, Decimal>, context: Option<&Obj>) -> PyResult<bool> {
        let context = optional(cx, context)?;
        Ok(functions::is_normal(&this.num, &payload(cx, &context)?.env()))
    }

    /// Whether the number is subnormal.
    #[pymethod(sig = "($self, /, context=None)")]
    fn is_subnormal(cx: &Ctx, this: This<'_, Decimal>, context: Option<&Obj>) -> PyResult<bool> {
        let context = optional(cx, context)?;
        Ok(functions::is_subnormal(&this.num, &payload(cx, &context)?.env()))
    }

    /// The class of the number: sNaN, NaN, or one of -Infinity, -Normal, -Subnormal, -Zero and their positive fellows.
    #[pymethod(sig = "($self, /, context=None)")]
    fn number_class(cx: &Ctx, this: This<'_, Decimal>, context: Option<&Obj>) -> PyResult<&'static str> {
        let context = optional(cx, context)?;
        Ok(functions::class(&this.num, &payload(cx, &context)?.env()))
    }

    /// Whether both numbers have the same exponent, or both are NaNs or infinities.
    #[pymethod(sig = "($self, /, other, context=None)")]
    fn same_quantum(cx: &Ctx, this: This<'_, Decimal>, other: &Obj, context: Option<&Obj>) -> PyResult<bool> {
        optional(cx, context)?;
        Ok(functions::same_quantum(&this.num, &*expect_operand(cx, other)?))
    }

    /// The number rounded to the exponent of another one.
    #[pymethod(sig = "($self, /, exp, rounding=None, context=None)")]
    fn quantize(
        cx: &Ctx,
        this: This<'_, Decimal>,
        exp: &Obj,
        rounding: Option<&Obj>,
        context: Option<&Obj>,
    ) -> PyResult {
        let exp = expect_operand(cx, exp)?;
        with_rounding(cx, &this, rounding, context, |a, env, s| functions::quantize(a, &exp, env, s))
    }

    /// The nearest integer, without signals for what is cut off.
    #[pymethod(sig = "($self, /, rounding=None, context=None)")]
    fn to_integral(cx: &Ctx, this: This<'_, Decimal>, rounding: Option<&Obj>, context: Option<&Obj>) -> PyResult {
        with_rounding(cx, &this, rounding, context, ops::to_integral_value)
    }

    /// The nearest integer, without signals for what is cut off.
    #[pymethod(sig = "($self, /, rounding=None, context=None)")]
    fn to_integral_value(cx: &Ctx, this: This<'_, Decimal>, rounding: Option<&Obj>, context: Option<&Obj>) -> PyResult {
        with_rounding(cx, &this, rounding, context, ops::to_integral_value)
    }

    /// The nearest integer; signals Inexact and Rounded where digits are cut off.
    #[pymethod(sig = "($self, /, rounding=None, context=None)")]
    fn to_integral_exact(cx: &Ctx, this: This<'_, Decimal>, rounding: Option<&Obj>, context: Option<&Obj>) -> PyResult {
        with_rounding(cx, &this, rounding, context, ops::to_integral_exact)
    }

    /// The product with another number plus a third, rounded once.
    #[pymethod(sig = "($self, /, other, third, context=None)")]
    fn fma(cx: &Ctx, this: This<'_, Decimal>, other: &Obj, third: &Obj, context: Option<&Obj>) -> PyResult {
        let context = optional(cx, context)?;
        let context = payload(cx, &context)?;
        let (b, c) = (expect_operand(cx, other)?, expect_operand(cx, third)?);
        let mut status = 0;
        let n = arith::fma(&this.num, &b, &c, &context.env(), &mut status);
        context.settle(cx, status)?;
        Ok(object::new(n))
    }
}
