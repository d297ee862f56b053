//! The class `complex`: slots, methods and attributes.

use super::{Complex, arith, as_complex, new, text};
use crate::ctx::{Ctx, PyResult};
use crate::heap::new_instance;
use crate::intern;
use crate::native::{Args, FixedShape, PyClass, Signature, This, pymethods};
use crate::types::int::text::to_ascii_digits;
use crate::types::{CmpOp, Type, exc, float, int, tuple};
use crate::value::Obj;

/// An operand of complex arithmetic. Real operands stay real: they have no imaginary zero whose sign could
/// show in the result.
#[derive(Clone, Copy)]
enum Operand {
    Real(f64),
    Complex(Complex),
}

use Operand::{Complex as C, Real as R};

impl Operand {
    fn of(cx: &Ctx, o: &Obj) -> PyResult<Option<Operand>> {
        if let Some(c) = as_complex(o) {
            return Ok(Some(C(c)));
        }
        if let Some(f) = float::as_f64(o) {
            return Ok(Some(R(f)));
        }
        if int::is_int(o) { Ok(Some(R(int::as_f64(cx, o)?))) } else { Ok(None) }
    }

    fn complex(self) -> Complex {
        match self {
            C(c) => c,
            R(re) => Complex::new(re, 0.0),
        }
    }
}

#[inline]
fn binary(cx: &Ctx, a: &Obj, b: &Obj, f: impl FnOnce(Operand, Operand) -> PyResult<Complex>) -> PyResult {
    match (Operand::of(cx, a)?, Operand::of(cx, b)?) {
        (Some(x), Some(y)) => f(x, y).map(new),
        _ => Ok(Obj::not_implemented()),
    }
}

const SIG: Signature = Signature {
    function: "complex",
    params: &["real", "imag"],
    pos_only: 0,
    positional: 2,
    required: 0,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

/// The value by `__complex__`, if the object has that method.
fn by_method(cx: &Ctx, o: &Obj) -> PyResult<Option<Complex>> {
    let Some(m) = o.lookup_special(cx, intern!("__complex__"))? else { return Ok(None) };
    let r = m.call0(cx)?;
    let Some(c) = as_complex(&r) else {
        return Err(cx.type_error(format!(
            "{}.__complex__() must return a complex, not {}",
            o.type_of().name(),
            r.type_of().name()
        )));
    };
    if !r.is_exact(FixedShape::Complex) {
        let message = format!(
            "{}.__complex__() must return a complex, not {}.  The ability to return an instance of a strict subclass \
             of complex is deprecated, and may not be supported in a future version of Python.",
            o.type_of().name(),
            r.type_of().name()
        );
        (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1)?;
    }
    Ok(Some(c))
}

/// The value of any number as `cmath` takes it: complex, by `__complex__`, or real; else TypeError.
pub fn to_complex(cx: &Ctx, o: &Obj) -> PyResult<Complex> {
    if let Some(c) = as_complex(o) {
        return Ok(c);
    }
    if let Some(c) = by_method(cx, o)? {
        return Ok(c);
    }
    Ok(Complex::new(crate::protocol::number::to_f64(cx, o)?, 0.0))
}

fn is_real(o: &Obj) -> bool {
    let s = &o.type_of().slots;
    o.is_int() || o.is_float() || s.float.get().is_some() || s.index.get().is_some()
}

/// `complex(x)` with one argument.
fn from_object(cx: &Ctx, x: &Obj) -> PyResult<Complex> {
    if x.type_of().is_str_subtype() {
        let t = crate::types::str::as_utf8_lossy(x);
        return text::parse(&to_ascii_digits(&t)).ok_or_else(|| cx.value_error("complex() arg is a malformed string"));
    }
    if let Some(c) = by_method(cx, x)? {
        return Ok(c);
    }
    if let Some(c) = as_complex(x) {
        return Ok(c);
    }
    if is_real(x) {
        return Ok(Complex::new(crate::protocol::number::to_f64(cx, x)?, 0.0));
    }
    Err(cx.type_error(format!("complex() argument must be a string or a number, not {}", x.type_of().full_name())))
}

/// One of two arguments: a real number, or (deprecated) a complex one.
fn part(cx: &Ctx, x: &Obj, name: &str) -> PyResult<Operand> {
    let refuse =
        || cx.type_error(format!("complex() argument '{name}' must be a real number, not {}", x.type_of().full_name()));
    let deprecated = |c: Complex| {
        let message = format!("complex() argument '{name}' must be a real number, not {}", x.type_of().full_name());
        (cx.host().warn)(cx, exc::DeprecationWarning(), &message, 1).map(|()| C(c))
    };
    if name == "real"
        && let Some(c) = by_method(cx, x)?
    {
        return deprecated(c);
    }
    if let Some(c) = as_complex(x) {
        return deprecated(c);
    }
    if is_real(x) { crate::protocol::number::to_f64(cx, x).map(R) } else { Err(refuse()) }
}

fn of_class(ty: &Type, c: Complex) -> Obj {
    new_instance(ty, c)
}

#[pymethods]
impl Complex {
    #[pynew(sig = "(real=0, imag=0)")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let [re, im] = args.bind::<2>(cx, &SIG)?;
        let exact = ty.is(Complex::type_object());
        let c = match (re, im) {
            (None, None) => Complex::new(0.0, 0.0),
            (Some(x), None) if args.pos().len() == 1 => {
                if exact && x.is_exact(FixedShape::Complex) {
                    return Ok(x.clone());
                }
                from_object(cx, x)?
            }
            (re, im) => {
                let re = re.map_or(Ok(R(0.0)), |x| part(cx, x, "real"))?;
                let im = im.map(|x| part(cx, x, "imag")).transpose()?;
                match (re, im) {
                    (re, None) => re.complex(),
                    (R(re), Some(R(im))) => Complex::new(re, im),
                    (C(a), Some(R(im))) => Complex::new(a.re, a.im + im),
                    (re, Some(C(b))) => {
                        let a = re.complex();
                        Complex::new(a.re - b.im, a.im + b.re)
                    }
                }
            }
        };
        Ok(of_class(ty, c))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult<String> {
        Ok(text::repr(*this))
    }

    fn __hash__(cx: &Ctx, this: This<'_, Complex>) -> PyResult<i64> {
        let _ = cx;
        // A part that is NaN hashes by the identity of the number.
        let part = |f: f64| if f.is_nan() { this.obj().id().rotate_right(4) as i64 } else { float::hash(f) };
        let h = part(this.re).wrapping_add(part(this.im).wrapping_mul(1_000_003));
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Complex>, other: &Obj, op: CmpOp) -> PyResult {
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        let equal = if let Some(c) = as_complex(other) {
            this.re == c.re && this.im == c.im
        } else if let Some(f) = float::as_f64(other) {
            this.re == f && this.im == 0.0
        } else if int::is_int(other) {
            this.im == 0.0 && int::cmp_f64(other, this.re) == Some(std::cmp::Ordering::Equal)
        } else {
            return Ok(Obj::not_implemented());
        };
        Ok(Obj::from_bool(equal == (op == CmpOp::Eq)))
    }

    fn __bool__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult<bool> {
        Ok(this.re != 0.0 || this.im != 0.0)
    }

    fn __neg__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult {
        Ok(new(Complex::new(-this.re, -this.im)))
    }

    fn __pos__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult {
        Ok(if this.obj().is_exact(FixedShape::Complex) { this.obj().clone() } else { new(*this) })
    }

    fn __abs__(cx: &Ctx, this: This<'_, Complex>) -> PyResult<f64> {
        arith::abs(cx, *this)
    }

    fn nb_add(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| {
            Ok(match (x, y) {
                (C(x), C(y)) => Complex::new(x.re + y.re, x.im + y.im),
                (C(x), R(y)) | (R(y), C(x)) => Complex::new(x.re + y, x.im),
                (R(x), R(y)) => Complex::new(x + y, 0.0),
            })
        })
    }

    fn nb_sub(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| {
            Ok(match (x, y) {
                (C(x), C(y)) => Complex::new(x.re - y.re, x.im - y.im),
                (C(x), R(y)) => Complex::new(x.re - y, x.im),
                (R(x), C(y)) => Complex::new(x - y.re, -y.im),
                (R(x), R(y)) => Complex::new(x - y, 0.0),
            })
        })
    }

    fn nb_mul(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| {
            Ok(match (x, y) {
                (C(x), C(y)) => arith::mul(x, y),
                (C(x), R(y)) | (R(y), C(x)) => Complex::new(x.re * y, x.im * y),
                (R(x), R(y)) => Complex::new(x * y, 0.0),
            })
        })
    }

    fn nb_truediv(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        binary(cx, a, b, |x, y| {
            let q = match (x, y) {
                (_, R(0.0)) => None,
                (C(x), R(y)) => Some(Complex::new(x.re / y, x.im / y)),
                (R(x), C(y)) => arith::div_real(x, y),
                (x, y) => arith::div(x.complex(), y.complex()),
            };
            q.ok_or_else(|| cx.zero_division("division by zero"))
        })
    }

    fn nb_pow(cx: &Ctx, a: &Obj, b: &Obj, modulus: Option<&Obj>) -> PyResult {
        let (Some(x), Some(y)) = (Operand::of(cx, a)?, Operand::of(cx, b)?) else {
            return Ok(Obj::not_implemented());
        };
        if modulus.is_some_and(|m| !m.is_none()) {
            return Err(cx.value_error("complex modulo"));
        }
        arith::pow(cx, x.complex(), y.complex()).map(new)
    }

    /// The number with the sign of its imaginary part changed.
    #[pymethod]
    fn conjugate(_cx: &Ctx, this: This<'_, Complex>) -> PyResult {
        Ok(new(Complex::new(this.re, -this.im)))
    }

    /// The number, as an exact complex.
    #[pymethod]
    fn __complex__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult {
        Ok(if this.obj().is_exact(FixedShape::Complex) { this.obj().clone() } else { new(*this) })
    }

    #[pymethod]
    fn __getnewargs__(_cx: &Ctx, this: This<'_, Complex>) -> PyResult {
        Ok(tuple::new(vec![Obj::from(this.re), Obj::from(this.im)]))
    }

    /// The number as text in the form that the format specification asks for.
    #[pymethod(sig = "($self, format_spec, /)")]
    fn __format__(cx: &Ctx, this: This<'_, Complex>, format_spec: &Obj) -> PyResult {
        super::format::format(cx, *this, this.obj(), format_spec)
    }

    /// The complex number with the value of a number; texts are refused.
    #[pyclassmethod(sig = "($type, number, /)")]
    fn from_number(cx: &Ctx, ty: &Type, number: &Obj) -> PyResult {
        if ty.is(Complex::type_object()) && number.is_exact(FixedShape::Complex) {
            return Ok(number.clone());
        }
        let c = new(to_complex(cx, number)?);
        if ty.is(Complex::type_object()) { Ok(c) } else { ty.as_obj().call1(cx, &c) }
    }

    /// the real part of a complex number
    #[pygetter(member)]
    fn real(_cx: &Ctx, this: This<'_, Complex>) -> f64 {
        this.re
    }

    /// the part that is multiplied by 1j
    #[pygetter(member)]
    fn imag(_cx: &Ctx, this: This<'_, Complex>) -> f64 {
        this.im
    }
}
