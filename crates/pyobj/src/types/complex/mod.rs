//! `complex`.

mod arith;
mod format;
mod methods;
mod text;

pub use arith::{abs, div, mul, pow};
pub use methods::to_complex;

use crate::heap::{Traverse, Visitor, new_instance};
use crate::native::{PyClass, pyclass};
use crate::value::Obj;

/// A complex number: a real part and a multiple of the imaginary unit.
///
/// complex(real=0, imag=0) combines two numbers; complex(x) converts a number or the text of one.
#[pyclass(name = "complex", fixed = Complex, flags(basetype))]
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    /// A complex number of its parts.
    pub const fn new(re: f64, im: f64) -> Complex {
        Complex { re, im }
    }
}

impl Traverse for Complex {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// A complex object.
pub fn new(c: Complex) -> Obj {
    new_instance(Complex::type_object(), c)
}

/// The value of a complex object (of a subclass too).
#[inline]
pub fn as_complex(o: &Obj) -> Option<Complex> {
    o.downcast::<Complex>().copied()
}
