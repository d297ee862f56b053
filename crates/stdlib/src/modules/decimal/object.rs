//! `Decimal`: the number as a Python object, its slots and conversions.

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{self, Str, as_utf8_lossy};
use cinder_pyobj::types::{CmpOp, Type, complex, float, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::context::{Context, optional, payload};
use super::convert::{self, Exactness, operand};
use super::number::{Kind, Num, flag};
use super::round::{Env, Rounding};
use super::{arith, format, functions, number, round, state, text, transcend};

/// A decimal number.
///
/// Decimal(value='0', context=None) makes a number of a str, int, float, Decimal, or a tuple of sign, digits and exponent,
/// without any rounding. Conditions go to the context.
#[pyclass(name = "Decimal", module = "decimal", flags(basetype), sig = "(value='0', context=None)")]
pub struct Decimal {
    pub(super) num: Num,
}

impl Traverse for Decimal {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// A Decimal of a number.
#[inline]
pub(super) fn new(num: Num) -> Obj {
    new_instance(Decimal::type_object(), Decimal { num })
}

/// The number as an instance of a class.
pub(super) fn of_class(cx: &Ctx, ty: &Type, num: Num) -> PyResult {
    if ty.is(Decimal::type_object()) {
        return Ok(new(num));
    }
    // A class of Python's may have an `__init__` that must run.
    ty.as_obj().call1(cx, &new(num))
}

pub(super) type Unary = fn(&Num, &Env, &mut u32) -> Num;
pub(super) type Binary = fn(&Num, &Num, &Env, &mut u32) -> Num;

/// An operation with the operands' conversion done.
#[inline]
pub(super) fn run_unary(cx: &Ctx, context: &Context, a: &Num, op: Unary) -> PyResult {
    let mut status = 0;
    let n = op(a, &context.env(), &mut status);
    context.settle(cx, status)?;
    Ok(new(n))
}

#[inline(always)]
pub(super) fn run_binary(cx: &Ctx, context: &Context, a: &Num, b: &Num, op: Binary) -> PyResult {
    let mut status = 0;
    let n = op(a, b, &context.env(), &mut status);
    context.settle(cx, status)?;
    Ok(new(n))
}

/// A slot of which either operand may be the Decimal.
#[inline(always)]
fn slot(cx: &Ctx, a: &Obj, b: &Obj, op: Binary) -> PyResult {
    let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Obj::not_implemented()) };
    let context = state::current(cx)?;
    run_binary(cx, payload(cx, &context)?, &x, &y, op)
}

fn slot_unary(cx: &Ctx, this: &Decimal, op: Unary) -> PyResult {
    let context = state::current(cx)?;
    run_unary(cx, payload(cx, &context)?, &this.num, op)
}

pub(super) fn plus(a: &Num, env: &Env, status: &mut u32) -> Num {
    signed(a, false, env, status)
}

pub(super) fn minus(a: &Num, env: &Env, status: &mut u32) -> Num {
    signed(a, true, env, status)
}

pub(super) fn absolute(a: &Num, env: &Env, status: &mut u32) -> Num {
    signed(a, a.neg, env, status)
}

/// The number, negated if asked for, rounded as the sum with zero is: zeros lose their sign unless rounding down.
fn signed(a: &Num, negate: bool, env: &Env, status: &mut u32) -> Num {
    if let Some(n) = round::nan_of(&[a], env, status) {
        return n;
    }
    if a.is_zero() && env.rounding != Rounding::Floor {
        return env.round(a.abs(), status);
    }
    env.round(if negate { a.negated() } else { a.clone() }, status)
}

/// `divmod` as a pair of objects.
pub(super) fn divmod_pair(cx: &Ctx, context: &Context, a: &Num, b: &Num) -> PyResult {
    let mut status = 0;
    let (q, r) = arith::divmod(a, b, &context.env(), &mut status, false);
    context.settle(cx, status)?;
    Ok(tuple::pair(new(q), new(r)))
}

/// The power, with a modulus or without.
pub(super) fn power(cx: &Ctx, context: &Context, a: &Num, b: &Num, modulus: Option<&Num>) -> PyResult {
    match modulus {
        None => run_binary(cx, context, a, b, transcend::power),
        Some(m) => {
            let mut status = 0;
            let n = transcend::power_modulo(a, b, m, &context.env(), &mut status);
            context.settle(cx, status)?;
            Ok(new(n))
        }
    }
}

/// What a Decimal is compared with, made a number exactly; both sides are multiplied where it is a fraction.
enum Other {
    Number(Num),
    Fraction(Num, Num),
}

fn comparable(cx: &Ctx, context: &Context, o: &Obj, op: CmpOp) -> PyResult<Option<Other>> {
    let equality = matches!(op, CmpOp::Eq | CmpOp::Ne);
    let from_float = |f: f64| -> PyResult<Option<Other>> {
        if equality {
            // Equality only leaves a trace.
            context.note(flag::FLOAT_OPERATION);
        } else {
            context.settle(cx, flag::FLOAT_OPERATION)?;
        }
        Ok(Some(Other::Number(convert::of_f64(f))))
    };
    if let Some(f) = float::as_f64(o) {
        return from_float(f);
    }
    if let Some(c) = complex::as_complex(o) {
        return if equality && c.im == 0.0 { from_float(c.re) } else { Ok(None) };
    }
    if !o.is_instance(cx, &state::get(cx)?.rational)? {
        return Ok(None);
    }
    let numerator = o.get_attr(cx, intern!("numerator"))?;
    let denominator = o.get_attr(cx, intern!("denominator"))?;
    match (convert::of_int(&numerator), convert::of_int(&denominator)) {
        (Some(n), Some(d)) => Ok(Some(Other::Fraction(n, d))),
        _ => Err(cx.type_error("numerator and denominator of a Rational must be ints")),
    }
}

fn compare_numbers(cx: &Ctx, context: &Context, a: &Num, b: &Num, op: CmpOp) -> PyResult {
    if a.is_nan() || b.is_nan() {
        // A signaling NaN is invalid, and every NaN that is to be ordered.
        let signals = a.is_signaling() || b.is_signaling() || !matches!(op, CmpOp::Eq | CmpOp::Ne);
        context.settle(cx, if signals { flag::INVALID_OPERATION } else { 0 })?;
        return Ok(Obj::from_bool(op == CmpOp::Ne));
    }
    Ok(Obj::from_bool(op.holds(number::compare(a, b))))
}

#[pymethods(parts("unary", "binary", "queries", "conversions"))]
impl Decimal {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let (mut value, mut context) = (args.pos().first(), args.pos().get(1));
        let count = args.all().len();
        if count > 2 {
            return Err(cx.type_error(format!("function takes at most 2 arguments ({count} given)")));
        }
        for (k, v) in args.keywords() {
            match &*as_utf8_lossy(k) {
                "value" if value.is_none() => value = Some(v),
                "context" if context.is_none() => context = Some(v),
                k @ ("value" | "context") => {
                    return Err(cx.type_error(format!("argument for function given by name ('{k}') and position")));
                }
                k => return Err(cx.type_error(format!("this function got an unexpected keyword argument '{k}'"))),
            }
        }
        let context = optional(cx, context)?;
        let Some(value) = value else { return Ok(new_instance(ty, Decimal { num: Num::zero(false, 0) })) };
        if value.downcast_exact::<Decimal>().is_some() && ty.is(Decimal::type_object()) {
            return Ok(value.clone());
        }
        let num = convert::of_object(cx, value, payload(cx, &context)?, Exactness::Exact)?;
        Ok(new_instance(ty, Decimal { num }))
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::add)
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::subtract)
    }

    fn nb_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::multiply)
    }

    fn nb_truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::divide)
    }

    fn nb_floordiv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::divide_integer)
    }

    fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        slot(cx, a, b, arith::remainder)
    }

    fn nb_divmod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Obj::not_implemented()) };
        let context = state::current(cx)?;
        divmod_pair(cx, payload(cx, &context)?, &x, &y)
    }

    fn nb_pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
        let (Some(x), Some(y)) = (operand(a), operand(b)) else { return Ok(Obj::not_implemented()) };
        let context = state::current(cx)?;
        let m = match modulus.filter(|m| !m.is_none()).map(operand) {
            Some(None) => return Ok(Obj::not_implemented()),
            Some(m) => m,
            None => None,
        };
        power(cx, payload(cx, &context)?, &x, &y, m.as_deref())
    }

    fn __neg__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        slot_unary(cx, &this, minus)
    }

    fn __pos__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        slot_unary(cx, &this, plus)
    }

    fn __abs__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        slot_unary(cx, &this, absolute)
    }

    fn __bool__(_cx: &Ctx, this: This<'_, Decimal>) -> PyResult<bool> {
        Ok(!this.num.is_zero())
    }

    fn __int__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        convert::to_int(cx, &this.num, Rounding::Down)
    }

    fn __float__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        Ok(Obj::from(convert::to_f64(cx, &this.num)?))
    }

    fn __hash__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult<i64> {
        convert::hash(cx, &this.num, this.obj())
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Decimal>, other: &Obj, op: CmpOp) -> PyResult {
        let other_number = operand(other);
        if let Some(b) = &other_number
            && !this.num.is_nan()
            && !b.is_nan()
        {
            return Ok(Obj::from_bool(op.holds(number::compare(&this.num, b))));
        }
        let context = state::current(cx)?;
        let context = payload(cx, &context)?;
        if let Some(b) = other_number {
            return compare_numbers(cx, context, &this.num, &b, op);
        }
        match comparable(cx, context, other, op)? {
            None => Ok(Obj::not_implemented()),
            Some(Other::Number(b)) => compare_numbers(cx, context, &this.num, &b, op),
            Some(Other::Fraction(n, d)) => {
                let mut status = 0;
                let a = match this.num.kind {
                    Kind::Finite => arith::multiply(&this.num, &d, &Env::EXACT, &mut status),
                    _ => this.num.clone(),
                };
                context.settle(cx, status & flag::NO_MEMORY)?;
                compare_numbers(cx, context, &a, &n, op)
            }
        }
    }

    fn __str__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        let context = state::current(cx)?;
        let style = payload(cx, &context)?.style(false);
        Ok(str::from_latin1(&text::write(&this.num, style)))
    }

    fn __repr__(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        let context = state::current(cx)?;
        let t = text::write(&this.num, payload(cx, &context)?.style(false));
        Ok(str::from_latin1(&[b"Decimal('", &*t, b"')"].concat()))
    }
}

#[pymethods(part = "conversions")]
impl Decimal {
    /// The exact value of a float or int.
    #[pyclassmethod(sig = "($type, f, /)")]
    fn from_float(cx: &Ctx, ty: &Type, f: &Obj) -> PyResult {
        let n = match (convert::of_int(f), float::as_f64(f)) {
            (Some(n), _) => n,
            (_, Some(f)) => convert::of_f64(f),
            _ => return Err(cx.type_error("argument must be int or float")),
        };
        of_class(cx, ty, n)
    }

    /// The exact value of a real number: an int, a float or a Decimal.
    #[pyclassmethod(sig = "($type, number, /)")]
    fn from_number(cx: &Ctx, ty: &Type, number: &Obj) -> PyResult {
        let n = match (operand(number), float::as_f64(number)) {
            (Some(n), _) => n.into_owned(),
            (_, Some(f)) => {
                let context = state::current(cx)?;
                payload(cx, &context)?.settle(cx, flag::FLOAT_OPERATION)?;
                convert::of_f64(f)
            }
            _ => {
                let got = number.type_of().name();
                return Err(cx.type_error(format!("conversion from {got} to Decimal is not supported")));
            }
        };
        of_class(cx, ty, n)
    }

    /// The number as DecimalTuple(sign, digits, exponent).
    #[pymethod]
    fn as_tuple(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        let n = &this.num;
        let mut digits = Vec::new();
        if n.is_finite() || n.is_infinite() || !n.coeff.is_zero() {
            n.coeff.push_digits(&mut digits);
        }
        let digits = tuple::new(digits.iter().map(|d| Obj::from(i64::from(d - b'0'))).collect());
        let exp = match n.kind {
            Kind::Finite => Obj::from(n.exp),
            Kind::Infinite => Obj::from("F"),
            Kind::Nan => Obj::from("n"),
            Kind::SignalingNan => Obj::from("N"),
        };
        state::get(cx)?.tuple.call_pos(cx, &[Obj::from(i64::from(n.neg)), digits, exp])
    }

    /// Numerator and denominator of the number in lowest terms, the denominator positive.
    #[pymethod]
    fn as_integer_ratio(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        convert::to_ratio(cx, &this.num)
    }

    /// The text of the number, in engineering notation where an exponent is needed.
    #[pymethod(sig = "($self, /, context=None)")]
    fn to_eng_string(cx: &Ctx, this: This<'_, Decimal>, context: Option<&Obj>) -> PyResult {
        let context = optional(cx, context)?;
        let style = payload(cx, &context)?.style(true);
        Ok(str::from_latin1(&text::write(&this.num, style)))
    }

    #[pymethod(name = "__format__")]
    fn format_method(cx: &Ctx, this: This<'_, Decimal>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "__format__", 1, 2)?;
        let Some(spec) = a[0].downcast::<Str>() else {
            return Err(cx.type_error("format argument must be str"));
        };
        let context = state::current(cx)?;
        format::format(cx, &this.num, spec, payload(cx, &context)?, a.get(1))
    }

    /// The nearest int, the even one of two; with a number of digits the nearest Decimal with so many after the point.
    #[pymethod(name = "__round__")]
    fn round_method(cx: &Ctx, this: This<'_, Decimal>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "__round__", 0, 1)?;
        let Some(digits) = a.first().filter(|d| !d.is_none()) else {
            return convert::to_int(cx, &this.num, Rounding::HalfEven);
        };
        if !int::is_int(digits) {
            return Err(cx.type_error("optional arg must be an integer"));
        }
        let places = digits.to_isize(cx)? as i64;
        let context = state::current(cx)?;
        let unit = Num::finite(false, super::coeff::Coeff::ONE, places.saturating_neg());
        run_binary(cx, payload(cx, &context)?, &this.num, &unit, round_half_even)
    }

    #[pymethod(name = "__trunc__")]
    fn trunc(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        convert::to_int(cx, &this.num, Rounding::Down)
    }

    #[pymethod(name = "__floor__")]
    fn floor(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        convert::to_int(cx, &this.num, Rounding::Floor)
    }

    #[pymethod(name = "__ceil__")]
    fn ceil(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        convert::to_int(cx, &this.num, Rounding::Ceiling)
    }

    #[pymethod(name = "__complex__")]
    fn complex_method(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        Ok(complex::new(complex::Complex { re: convert::to_f64(cx, &this.num)?, im: 0.0 }))
    }

    #[pymethod(name = "__copy__")]
    fn copy(this: &Obj) -> Obj {
        this.clone()
    }

    #[pymethod(name = "__deepcopy__", sig = "($self, memo, /)")]
    fn deepcopy(this: &Obj, memo: &Obj) -> Obj {
        let _ = memo;
        this.clone()
    }

    #[pymethod(name = "__reduce__")]
    fn reduce(cx: &Ctx, this: This<'_, Decimal>) -> PyResult {
        let args = tuple::new(vec![this.obj().str(cx)?]);
        Ok(tuple::pair(this.obj().type_of().as_obj(), args))
    }

    /// The size of the object in memory, in bytes.
    #[pymethod(name = "__sizeof__")]
    fn size_of(_cx: &Ctx, this: This<'_, Decimal>) -> u64 {
        let own = this.obj().type_of().layout().basic_size as u64;
        own + if this.num.coeff.small().is_some() { 0 } else { this.num.coeff.big().bits().div_ceil(64) * 8 }
    }

    /// The number itself.
    #[pygetter]
    fn real(_cx: &Ctx, this: This<'_, Decimal>) -> Obj {
        this.obj().clone()
    }

    /// Zero.
    #[pygetter]
    fn imag(_cx: &Ctx, _this: This<'_, Decimal>) -> Obj {
        new(Num::zero(false, 0))
    }
}

/// [`functions::quantize`], half to even whatever the context says.
fn round_half_even(a: &Num, b: &Num, env: &Env, status: &mut u32) -> Num {
    functions::quantize(a, b, &Env { rounding: Rounding::HalfEven, ..*env }, status)
}
