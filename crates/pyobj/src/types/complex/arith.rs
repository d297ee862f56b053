//! Complex arithmetic, with C99's rules for infinities and for operands that are real.

use super::Complex;
use crate::ctx::{Ctx, PyResult, Raised};

fn unit_if_infinite(x: f64) -> f64 {
    (if x.is_infinite() { 1.0f64 } else { 0.0 }).copysign(x)
}

fn zero_if_nan(x: f64) -> f64 {
    if x.is_nan() { 0f64.copysign(x) } else { x }
}

/// `a * b`. A product of NaN parts is made infinite where an operand is infinite.
pub fn mul(a: Complex, b: Complex) -> Complex {
    let (ac, bd, ad, bc) = (a.re * b.re, a.im * b.im, a.re * b.im, a.im * b.re);
    let r = Complex::new(ac - bd, ad + bc);
    if !r.re.is_nan() || !r.im.is_nan() {
        return r;
    }
    let (mut x, mut y) = (a, b);
    let mut recalculate = false;
    if x.re.is_infinite() || x.im.is_infinite() {
        x = Complex::new(unit_if_infinite(x.re), unit_if_infinite(x.im));
        y = Complex::new(zero_if_nan(y.re), zero_if_nan(y.im));
        recalculate = true;
    }
    if y.re.is_infinite() || y.im.is_infinite() {
        y = Complex::new(unit_if_infinite(y.re), unit_if_infinite(y.im));
        x = Complex::new(zero_if_nan(x.re), zero_if_nan(x.im));
        recalculate = true;
    }
    if !recalculate && [ac, bd, ad, bc].iter().any(|p| p.is_infinite()) {
        x = Complex::new(zero_if_nan(x.re), zero_if_nan(x.im));
        y = Complex::new(zero_if_nan(y.re), zero_if_nan(y.im));
        recalculate = true;
    }
    if recalculate {
        let inf = f64::INFINITY;
        return Complex::new(inf * (x.re * y.re - x.im * y.im), inf * (x.re * y.im + x.im * y.re));
    }
    r
}

/// `a / b` by Smith's method, which scales by the larger part of the divisor. Nothing if `b` is zero.
pub fn div(a: Complex, b: Complex) -> Option<Complex> {
    let (abs_re, abs_im) = (b.re.abs(), b.im.abs());
    let mut r = if abs_re >= abs_im {
        if abs_re == 0.0 {
            return None;
        }
        let ratio = b.im / b.re;
        let denom = b.re + b.im * ratio;
        Complex::new((a.re + a.im * ratio) / denom, (a.im - a.re * ratio) / denom)
    } else if abs_im >= abs_re {
        let ratio = b.re / b.im;
        let denom = b.re * ratio + b.im;
        Complex::new((a.re * ratio + a.im) / denom, (a.im * ratio - a.re) / denom)
    } else {
        Complex::new(f64::NAN, f64::NAN)
    };
    if r.re.is_nan() && r.im.is_nan() {
        if (a.re.is_infinite() || a.im.is_infinite()) && b.re.is_finite() && b.im.is_finite() {
            let (x, y) = (unit_if_infinite(a.re), unit_if_infinite(a.im));
            r.re = f64::INFINITY * (x * b.re + y * b.im);
            r.im = f64::INFINITY * (y * b.re - x * b.im);
        } else if (abs_re.is_infinite() || abs_im.is_infinite()) && a.re.is_finite() && a.im.is_finite() {
            let (x, y) = (unit_if_infinite(b.re), unit_if_infinite(b.im));
            r.re = 0.0 * (a.re * x + a.im * y);
            r.im = 0.0 * (a.im * x - a.re * y);
        }
    }
    Some(r)
}

/// `a / b` for a real dividend. Nothing if `b` is zero.
pub(super) fn div_real(a: f64, b: Complex) -> Option<Complex> {
    let (abs_re, abs_im) = (b.re.abs(), b.im.abs());
    let mut r = if abs_re >= abs_im {
        if abs_re == 0.0 {
            return None;
        }
        let ratio = b.im / b.re;
        let denom = b.re + b.im * ratio;
        Complex::new(a / denom, (-a * ratio) / denom)
    } else if abs_im >= abs_re {
        let ratio = b.re / b.im;
        let denom = b.re * ratio + b.im;
        Complex::new((a * ratio) / denom, -a / denom)
    } else {
        Complex::new(f64::NAN, f64::NAN)
    };
    if r.re.is_nan() && r.im.is_nan() && a.is_finite() && (abs_re.is_infinite() || abs_im.is_infinite()) {
        let (x, y) = (unit_if_infinite(b.re), unit_if_infinite(b.im));
        r = Complex::new(0.0 * (a * x), 0.0 * (-a * y));
    }
    Some(r)
}

/// The absolute value, or OverflowError.
pub fn abs(cx: &Ctx, c: Complex) -> PyResult<f64> {
    let r = hypot(c);
    if r.is_infinite() && c.re.is_finite() && c.im.is_finite() {
        return Err(cx.overflow_error("absolute value too large"));
    }
    Ok(r)
}

fn hypot(c: Complex) -> f64 {
    if c.re.is_infinite() || c.im.is_infinite() { f64::INFINITY } else { c.re.hypot(c.im) }
}

enum PowError {
    ZeroBase,
    Overflow,
}

impl PowError {
    fn raise(self, cx: &Ctx) -> Raised {
        match self {
            PowError::ZeroBase => cx.zero_division("zero to a negative or complex power"),
            PowError::Overflow => cx.overflow_error("complex exponentiation"),
        }
    }
}

/// `a ** b`: by repeated multiplication for small integral exponents, else by polar form.
pub fn pow(cx: &Ctx, a: Complex, b: Complex) -> PyResult<Complex> {
    let r = if b.im == 0.0 && b.re == b.re.floor() && b.re.abs() <= 100.0 {
        pow_int(a, b.re as i32)
    } else {
        pow_polar(a, b)
    };
    match r {
        Ok(r) if r.re.is_infinite() || r.im.is_infinite() => Err(PowError::Overflow.raise(cx)),
        Ok(r) => Ok(r),
        Err(e) => Err(e.raise(cx)),
    }
}

fn pow_int(a: Complex, n: i32) -> Result<Complex, PowError> {
    let mut r = Complex::new(1.0, 0.0);
    let mut p = a;
    let mut k = n.unsigned_abs();
    while k > 0 {
        if k & 1 == 1 {
            r = mul(r, p);
        }
        k >>= 1;
        if k > 0 {
            p = mul(p, p);
        }
    }
    if n >= 0 { Ok(r) } else { div(Complex::new(1.0, 0.0), r).ok_or(PowError::ZeroBase) }
}

fn pow_polar(a: Complex, b: Complex) -> Result<Complex, PowError> {
    if b.re == 0.0 && b.im == 0.0 {
        return Ok(Complex::new(1.0, 0.0));
    }
    if a.re == 0.0 && a.im == 0.0 {
        if b.im != 0.0 || b.re < 0.0 {
            return Err(PowError::ZeroBase);
        }
        return Ok(Complex::new(0.0, 0.0));
    }
    let length = a.re.hypot(a.im);
    let angle = a.im.atan2(a.re);
    let mut r = length.powf(b.re);
    let mut phase = angle * b.re;
    if b.im != 0.0 {
        r *= (-angle * b.im).exp();
        phase += b.im * length.ln();
    }
    Ok(Complex::new(r * phase.cos(), r * phase.sin()))
}
