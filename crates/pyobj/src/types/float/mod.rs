//! `float`: tagged words around 1.0, boxed doubles elsewhere (NaN, infinities, -0.0, extreme exponents).

mod arith;
mod format;
pub mod hex;
mod methods;
pub mod text;

pub use arith::{as_integer_ratio, divmod, floordiv, hash, mod_, pow, round, to_int, true_div};
pub use methods::from_object;

use crate::heap::{self, Header, PageKind, Traverse, Visitor};
use crate::native::{FixedShape, pyclass};
use crate::shape::ShapeId;
use crate::value::{Obj, Value};

/// A floating-point number of double precision.
///
/// float(x) converts a number, or the text of a number, of an infinity or of NaN.
#[pyclass(name = "float", fixed = Float, flags(basetype, match_self))]
#[repr(transparent)]
pub struct Float(f64);

impl Float {
    /// The value.
    #[inline(always)]
    pub fn value(&self) -> f64 {
        self.0
    }
}

impl Traverse for Float {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl From<f64> for Obj {
    #[inline]
    fn from(f: f64) -> Obj {
        match Value::from_f64(f) {
            // SAFETY: tagged floats own nothing.
            Some(v) => unsafe { Obj::from_owned(v) },
            None => new_boxed(f),
        }
    }
}

#[inline(never)]
fn new_boxed(f: f64) -> Obj {
    // SAFETY: `float` keeps its payload right behind the header; the cell has room for it.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, size_of::<Header>() + size_of::<Float>());
        (p.add(1) as *mut Float).write(Float(f));
        heap::publish(p, ShapeId::fixed(FixedShape::Float).get())
    }
}

/// The value of a float or of an instance of a subclass of `float`.
#[inline]
pub fn as_f64(o: &Obj) -> Option<f64> {
    match o.as_float() {
        Some(f) => Some(f),
        None => o.downcast::<Float>().map(Float::value),
    }
}

/// The value of an object whose class is exactly `float`.
#[inline]
pub fn as_f64_exact(o: &Obj) -> Option<f64> {
    if let Some(f) = o.as_float() {
        return Some(f);
    }
    if o.is_exact(FixedShape::Float) { o.downcast::<Float>().map(Float::value) } else { None }
}

impl Obj {
    /// The value of an object whose class is exactly `float`, tagged or boxed.
    #[inline(always)]
    pub fn as_f64_exact(&self) -> Option<f64> {
        as_f64_exact(self)
    }
}
