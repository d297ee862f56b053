//! `math`.

mod functions;
mod integers;
mod sums;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::protocol::number::to_f64;
use cinder_pyobj::types::{float, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// The value of an argument as a float.
fn real(cx: &Ctx, x: &Obj) -> PyResult<f64> {
    match x.as_float() {
        Some(f) => Ok(f),
        None => to_f64(cx, x),
    }
}

#[cold]
fn range_error(cx: &Ctx) -> Raised {
    cx.overflow_error("math range error")
}

#[cold]
fn domain_error(cx: &Ctx) -> Raised {
    cx.value_error("math domain error")
}

fn raise(cx: &Ctx, e: pymath::Error) -> Raised {
    match e {
        pymath::Error::EDOM => domain_error(cx),
        pymath::Error::ERANGE => range_error(cx),
    }
}

/// Applies a function; where it is undefined the message shows what was `expected` and what came.
fn unary(cx: &Ctx, x: &Obj, f: fn(f64) -> pymath::Result<f64>, expected: &str) -> PyResult<f64> {
    let x = real(cx, x)?;
    f(x).map_err(|e| match e {
        pymath::Error::EDOM if !expected.is_empty() => {
            cx.value_error(format!("expected {expected}, got {}", float::text::repr(x)))
        }
        e => raise(cx, e),
    })
}

/// Mathematical functions of real numbers.
#[pymodule(
    name = "math",
    parts(super::functions::functions, super::functions::unary_part, super::integers::integers, super::sums::sums)
)]
pub(crate) mod math {
    use super::*;
    use cinder_pyobj::intern;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        for (name, value) in [
            (intern!("pi"), std::f64::consts::PI),
            (intern!("e"), std::f64::consts::E),
            (intern!("tau"), std::f64::consts::TAU),
            (intern!("inf"), f64::INFINITY),
            (intern!("nan"), f64::NAN),
        ] {
            module.set_attr(cx, name, &Obj::from(value))?;
        }
        Ok(())
    }

    /// The greatest int that is not greater than x.
    #[pyfunction(sig = "(x, /)")]
    fn floor(cx: &Ctx, x: &Obj) -> PyResult {
        if let Some(f) = x.as_f64_exact() {
            return float::to_int(cx, f.floor());
        }
        match x.lookup_special(cx, intern!("__floor__"))? {
            Some(m) => m.call0(cx),
            None => float::to_int(cx, real(cx, x)?.floor()),
        }
    }

    /// The least int that is not less than x.
    #[pyfunction(sig = "(x, /)")]
    fn ceil(cx: &Ctx, x: &Obj) -> PyResult {
        if let Some(f) = x.as_f64_exact() {
            return float::to_int(cx, f.ceil());
        }
        match x.lookup_special(cx, intern!("__ceil__"))? {
            Some(m) => m.call0(cx),
            None => float::to_int(cx, real(cx, x)?.ceil()),
        }
    }

    /// The integer part of x.
    #[pyfunction(sig = "(x, /)")]
    fn trunc(cx: &Ctx, x: &Obj) -> PyResult {
        if let Some(f) = x.as_f64_exact() {
            return float::to_int(cx, f);
        }
        match x.lookup_special(cx, intern!("__trunc__"))? {
            Some(m) => m.call0(cx),
            None => Err(cx.type_error(format!("type {} doesn't define __trunc__ method", x.type_of().name()))),
        }
    }

    /// A logarithm by a function of floats, also for ints beyond the floats' range: they are scaled by a
    /// power of two, whose logarithm `ln2` is added back.
    fn log_of(cx: &Ctx, x: &Obj, f: fn(f64) -> f64, of_two: f64) -> PyResult<f64> {
        if int::is_int(x) {
            if int::is_negative(x) || int::is_zero(x) {
                return Err(cx.value_error("expected a positive input"));
            }
            let v = int::to_f64_lossy(x);
            if v.is_finite() {
                return Ok(f(v));
            }
            let bits = int::bit_length(x);
            let v = int::to_f64_lossy(&int::rshift(cx, x, &Obj::from(bits - 64))?);
            return Ok(f(v) + of_two * (bits - 64) as f64);
        }
        let v = real(cx, x)?;
        if v.is_nan() || v > 0.0 {
            return Ok(f(v));
        }
        Err(cx.value_error(format!("expected a positive input, got {}", float::text::repr(v))))
    }

    /// The logarithm of x to a base, by default the natural logarithm.
    #[pyfunction(sig = "")]
    fn log(cx: &Ctx, args: cinder_pyobj::native::Args<'_>) -> PyResult<f64> {
        let args = args.check_arity(cx, "log", 1, 2)?;
        let ln = |x: &Obj| log_of(cx, x, f64::ln, std::f64::consts::LN_2);
        match args {
            [x, base] => {
                let (num, den) = (ln(x)?, ln(base)?);
                float::true_div(cx, num, den)
            }
            [x] => ln(x),
            _ => Ok(0.0),
        }
    }

    /// The logarithm of x to base 2; exact for powers of two.
    #[pyfunction(sig = "(x, /)")]
    fn log2(cx: &Ctx, x: &Obj) -> PyResult<f64> {
        log_of(cx, x, f64::log2, 1.0)
    }

    /// The logarithm of x to base 10.
    #[pyfunction(sig = "(x, /)")]
    fn log10(cx: &Ctx, x: &Obj) -> PyResult<f64> {
        log_of(cx, x, f64::log10, std::f64::consts::LOG10_2)
    }

    /// x * 2 ** i.
    #[pyfunction(sig = "(x, i, /)")]
    fn ldexp(cx: &Ctx, x: f64, i: &Obj) -> PyResult<f64> {
        if !int::is_int(i) {
            return Err(cx.type_error("Expected an int as second argument to ldexp."));
        }
        let n = int::as_i64(i).unwrap_or(if int::is_negative(i) { i64::MIN } else { i64::MAX });
        if x == 0.0 || !x.is_finite() {
            return Ok(x);
        }
        if n > i64::from(i32::MAX) {
            return Err(range_error(cx));
        }
        if n < i64::from(i32::MIN) {
            return Ok(0f64.copysign(x));
        }
        pymath::math::ldexp(x, n as i32).map_err(|e| raise(cx, e))
    }
}
