//! `cmath`.

use cinder_pyobj::native::{Args, pymodule};
use cinder_pyobj::types::complex::{self, Complex, to_complex};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use num_complex::Complex64;
use pymath::cmath as c;

fn raise(cx: &Ctx, e: pymath::Error) -> Raised {
    match e {
        pymath::Error::EDOM => cx.value_error("math domain error"),
        pymath::Error::ERANGE => cx.overflow_error("math range error"),
    }
}

fn argument(cx: &Ctx, o: &Obj) -> PyResult<Complex64> {
    to_complex(cx, o).map(|z| Complex64::new(z.re, z.im))
}

fn object(z: Complex64) -> Obj {
    complex::new(Complex::new(z.re, z.im))
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymodule(part, name = "cmath")]
        pub(crate) mod functions {
            use super::*;
            $($(#[$doc])*
            #[pyfunction(sig = "(z, /)")]
            fn $name(cx: &Ctx, z: &Obj) -> PyResult {
                c::$name(argument(cx, z)?).map(object).map_err(|e| raise(cx, e))
            })*
        }
    };
}

functions! {
    /// The arc cosine of z.
    acos;
    /// The inverse hyperbolic cosine of z.
    acosh;
    /// The arc sine of z.
    asin;
    /// The inverse hyperbolic sine of z.
    asinh;
    /// The arc tangent of z.
    atan;
    /// The inverse hyperbolic tangent of z.
    atanh;
    /// The cosine of z.
    cos;
    /// The hyperbolic cosine of z.
    cosh;
    /// e to the power of z.
    exp;
    /// The logarithm of z to base 10.
    log10;
    /// The sine of z.
    sin;
    /// The hyperbolic sine of z.
    sinh;
    /// The square root of z.
    sqrt;
    /// The tangent of z.
    tan;
    /// The hyperbolic tangent of z.
    tanh;
}

/// Mathematical functions of complex numbers.
#[pymodule(name = "cmath", parts(super::functions))]
pub(crate) mod cmath {
    use super::*;

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
        module.set_attr(cx, intern!("infj"), &complex::new(Complex::new(0.0, f64::INFINITY)))?;
        module.set_attr(cx, intern!("nanj"), &complex::new(Complex::new(0.0, f64::NAN)))
    }

    /// The logarithm of z to a base, by default the natural logarithm.
    #[pyfunction(sig = "")]
    fn log(cx: &Ctx, args: Args<'_>) -> PyResult {
        let args = args.check_arity(cx, "log", 1, 2)?;
        let z = argument(cx, &args[0])?;
        let base = args.get(1).map(|b| argument(cx, b)).transpose()?;
        c::log(z, base).map(object).map_err(|e| raise(cx, e))
    }

    /// The angle of z from the positive real axis, in radians.
    #[pyfunction(sig = "(z, /)")]
    fn phase(cx: &Ctx, z: &Obj) -> PyResult<f64> {
        c::phase(argument(cx, z)?).map_err(|e| raise(cx, e))
    }

    /// Absolute value and angle of z.
    #[pyfunction(sig = "(z, /)")]
    fn polar(cx: &Ctx, z: &Obj) -> PyResult {
        let (r, phi) = c::polar(argument(cx, z)?).map_err(|e| raise(cx, e))?;
        Ok(tuple::new(vec![Obj::from(r), Obj::from(phi)]))
    }

    /// The number with an absolute value and an angle.
    #[pyfunction(sig = "(r, phi, /)")]
    fn rect(cx: &Ctx, r: f64, phi: f64) -> PyResult {
        c::rect(r, phi).map(object).map_err(|e| raise(cx, e))
    }

    /// Whether both parts of z are finite.
    #[pyfunction(sig = "(z, /)")]
    fn isfinite(cx: &Ctx, z: &Obj) -> PyResult<bool> {
        argument(cx, z).map(|z| z.re.is_finite() && z.im.is_finite())
    }

    /// Whether a part of z is infinite.
    #[pyfunction(sig = "(z, /)")]
    fn isinf(cx: &Ctx, z: &Obj) -> PyResult<bool> {
        argument(cx, z).map(|z| z.re.is_infinite() || z.im.is_infinite())
    }

    /// Whether a part of z is NaN.
    #[pyfunction(sig = "(z, /)")]
    fn isnan(cx: &Ctx, z: &Obj) -> PyResult<bool> {
        argument(cx, z).map(|z| z.re.is_nan() || z.im.is_nan())
    }

    /// Whether a and b are near each other.
    ///
    /// rel_tol is the greatest difference relative to the larger one of the absolute values, abs_tol the
    /// greatest difference that always counts as near.
    #[pyfunction(sig = "(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(cx: &Ctx, a: &Obj, b: &Obj, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
        let (a, b) = (argument(cx, a)?, argument(cx, b)?);
        if rel_tol < 0.0 || abs_tol < 0.0 {
            return Err(cx.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        let infinite = |z: Complex64| z.re.is_infinite() || z.im.is_infinite();
        if infinite(a) || infinite(b) {
            return Ok(false);
        }
        let diff = (a - b).norm();
        Ok(diff <= rel_tol * b.norm() || diff <= rel_tol * a.norm() || diff <= abs_tol)
    }
}
