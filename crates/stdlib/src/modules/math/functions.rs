//! Functions of floats.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{float, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};
use pymath::math as m;

use super::{domain_error, raise, range_error, real, unary};
#[cfg(target_env = "gnu")]
use crate::os::sys;

macro_rules! unary_functions {
    ($($(#[$doc:meta])* $name:ident: $expected:literal;)*) => {
        #[pymodule(part, name = "math")]
        pub(crate) mod unary_part {
            use super::*;
            $($(#[$doc])*
            #[pyfunction(sig = "(x, /)")]
            fn $name(cx: &Ctx, x: &Obj) -> PyResult<f64> {
                unary(cx, x, m::$name, $expected)
            })*
        }
    };
}

unary_functions! {
    /// The arc cosine of x in radians, from 0 to pi.
    acos: "a number in range from -1 up to 1";
    /// The inverse hyperbolic cosine of x.
    acosh: "argument value not less than 1";
    /// The arc sine of x in radians, from -pi/2 to pi/2.
    asin: "a number in range from -1 up to 1";
    /// The inverse hyperbolic sine of x.
    asinh: "";
    /// The arc tangent of x in radians, from -pi/2 to pi/2.
    atan: "";
    /// The inverse hyperbolic tangent of x.
    atanh: "a number between -1 and 1";
    /// The cosine of x radians.
    cos: "a finite input";
    /// The hyperbolic cosine of x.
    cosh: "";
    /// The error function at x.
    erf: "";
    /// One minus the error function at x, exact also where that is near one.
    erfc: "";
    /// e to the power of x.
    exp: "";
    /// 2 to the power of x.
    exp2: "";
    /// exp(x) - 1, exact also for small x.
    expm1: "";
    /// The absolute value of x, as a float.
    fabs: "";
    /// The gamma function at x.
    gamma: "a noninteger or positive integer";
    /// The natural logarithm of the absolute value of the gamma function at x.
    lgamma: "a noninteger or positive integer";
    /// The natural logarithm of 1 + x, exact also for small x.
    log1p: "argument value > -1";
    /// The sine of x radians.
    sin: "a finite input";
    /// The hyperbolic sine of x.
    sinh: "";
    /// The square root of x.
    sqrt: "a nonnegative input";
    /// The tangent of x radians.
    tan: "a finite input";
    /// The hyperbolic tangent of x.
    tanh: "";
}

/// The C library's cube root, whose last digit is the one that CPython gives. It is called by its second name, since
/// executables have a `cbrt` of Rust's own.
#[cfg(target_env = "gnu")]
fn cube_root(x: f64) -> f64 {
    unsafe extern "C" {
        fn cbrtf64(x: f64) -> f64;
    }
    sys!(cbrtf64(x))
}

#[cfg(not(target_env = "gnu"))]
fn cube_root(x: f64) -> f64 {
    x.cbrt()
}

#[pymodule(part, name = "math")]
pub(crate) mod functions {
    use super::*;

    /// The arc tangent of y / x in radians, in the quadrant of the point (x, y).
    #[pyfunction(sig = "(y, x, /)")]
    fn atan2(cx: &Ctx, y: f64, x: f64) -> PyResult<f64> {
        m::atan2(y, x).map_err(|e| raise(cx, e))
    }

    /// The cube root of x.
    #[pyfunction(sig = "(x, /)")]
    fn cbrt(x: f64) -> f64 {
        cube_root(x)
    }

    /// The absolute value of x with the sign of y.
    #[pyfunction(sig = "(x, y, /)")]
    fn copysign(x: f64, y: f64) -> f64 {
        x.copysign(y)
    }

    /// An angle in radians as degrees.
    #[pyfunction(sig = "(x, /)")]
    fn degrees(x: f64) -> f64 {
        x * (180.0 / std::f64::consts::PI)
    }

    /// An angle in degrees as radians.
    #[pyfunction(sig = "(x, /)")]
    fn radians(x: f64) -> f64 {
        x * (std::f64::consts::PI / 180.0)
    }

    /// x * y + z with a single rounding.
    #[pyfunction(sig = "(x, y, z, /)")]
    fn fma(cx: &Ctx, x: f64, y: f64, z: f64) -> PyResult<f64> {
        let r = x.mul_add(y, z);
        if r.is_finite() {
            return Ok(r);
        }
        if r.is_nan() {
            if !x.is_nan() && !y.is_nan() && !z.is_nan() {
                return Err(cx.value_error("invalid operation in fma"));
            }
        } else if x.is_finite() && y.is_finite() && z.is_finite() {
            return Err(cx.overflow_error("overflow in fma"));
        }
        Ok(r)
    }

    /// The remainder of x / y as the C library computes it: exact, with the sign of x.
    #[pyfunction(sig = "(x, y, /)")]
    fn fmod(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
        if y.is_infinite() && x.is_finite() {
            return Ok(x);
        }
        let r = x % y;
        if r.is_nan() && !x.is_nan() && !y.is_nan() { Err(domain_error(cx)) } else { Ok(r) }
    }

    /// The difference between x and the nearest multiple of y (of two, the even one).
    #[pyfunction(sig = "(x, y, /)")]
    fn remainder(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
        m::remainder(x, y).map_err(|e| raise(cx, e))
    }

    /// x to the power of y, as a float.
    #[pyfunction(sig = "(x, y, /)")]
    fn pow(cx: &Ctx, x: f64, y: f64) -> PyResult<f64> {
        let r = x.powf(y);
        if x.is_finite() && y.is_finite() {
            if r.is_nan() || (r.is_infinite() && x == 0.0) {
                return Err(domain_error(cx));
            }
            if r.is_infinite() {
                return Err(range_error(cx));
            }
        }
        Ok(r)
    }

    /// Mantissa m (0.5 <= abs(m) < 1) and exponent e with x == m * 2 ** e; (0.0, 0) for zero.
    #[pyfunction(sig = "(x, /)")]
    fn frexp(x: f64) -> Obj {
        let (mantissa, exp) = if x == 0.0 || !x.is_finite() { (x, 0) } else { m::frexp(x) };
        tuple::new(vec![Obj::from(mantissa), Obj::from(exp)])
    }

    /// Fractional and integer part of x, both with its sign.
    #[pyfunction(sig = "(x, /)")]
    fn modf(x: f64) -> Obj {
        let (fraction, whole) = if x.is_infinite() {
            (0f64.copysign(x), x)
        } else if x.is_nan() {
            (x, x)
        } else {
            (x.fract().copysign(x), x.trunc())
        };
        tuple::new(vec![Obj::from(fraction), Obj::from(whole)])
    }

    /// Whether x is neither infinite nor NaN.
    #[pyfunction(sig = "(x, /)")]
    fn isfinite(x: f64) -> bool {
        x.is_finite()
    }

    /// Whether x is an infinity.
    #[pyfunction(sig = "(x, /)")]
    fn isinf(x: f64) -> bool {
        x.is_infinite()
    }

    /// Whether x is NaN.
    #[pyfunction(sig = "(x, /)")]
    fn isnan(x: f64) -> bool {
        x.is_nan()
    }

    /// Whether a and b are near each other.
    ///
    /// rel_tol is the greatest difference relative to the larger one of the absolute values, abs_tol the
    /// greatest difference that always counts as near.
    #[pyfunction(sig = "(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(cx: &Ctx, a: f64, b: f64, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
        if rel_tol < 0.0 || abs_tol < 0.0 {
            return Err(cx.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if a.is_infinite() || b.is_infinite() {
            return Ok(false);
        }
        let diff = (b - a).abs();
        Ok(diff <= (rel_tol * b).abs() || diff <= (rel_tol * a).abs() || diff <= abs_tol)
    }

    /// The float that is so many steps from x towards y.
    #[pyfunction(sig = "(x, y, /, *, steps=None)")]
    fn nextafter(cx: &Ctx, x: f64, y: f64, steps: Option<&Obj>) -> PyResult<f64> {
        let Some(steps) = steps else { return Ok(m::nextafter(x, y, None)) };
        let n = steps.index(cx)?;
        if int::is_negative(&n) {
            return Err(cx.value_error("steps must be a non-negative integer"));
        }
        Ok(m::nextafter(x, y, Some(int::as_u64(&n).unwrap_or(u64::MAX))))
    }

    /// The value of the least significant bit of x.
    #[pyfunction(sig = "(x, /)")]
    fn ulp(x: f64) -> f64 {
        m::ulp(x)
    }

    /// The square root of the sum of the squares of the coordinates.
    #[pyfunction(sig = "(*coordinates)")]
    fn hypot(cx: &Ctx, coordinates: &[Obj]) -> PyResult<f64> {
        let c = coordinates.iter().map(|x| real(cx, x)).collect::<PyResult<Vec<f64>>>()?;
        Ok(m::hypot(&c))
    }

    /// The distance between two points, given as sequences of coordinates.
    #[pyfunction(sig = "(p, q, /)")]
    fn dist(cx: &Ctx, p: &Obj, q: &Obj) -> PyResult<f64> {
        let point = |o: &Obj| o.collect(cx)?.iter().map(|x| real(cx, x)).collect::<PyResult<Vec<f64>>>();
        let (p, q) = (point(p)?, point(q)?);
        if p.len() != q.len() {
            return Err(cx.value_error("both points must have the same number of dimensions"));
        }
        Ok(m::dist(&p, &q))
    }

    /// The sum of floats without loss of precision on the way.
    #[pyfunction(sig = "(seq, /)")]
    fn fsum(cx: &Ctx, seq: &Obj) -> PyResult<f64> {
        let mut items = Vec::new();
        seq.for_each(cx, |x| {
            items.push(float::as_f64(&x).map_or_else(|| real(cx, &x), Ok)?);
            Ok(())
        })?;
        crate::modules::math::sums::exact_sum(cx, &items)
    }
}
