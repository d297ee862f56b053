//! Sums and products of iterables.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::{float, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

/// The sum of floats, rounded once (Shewchuk's partial sums).
pub(super) fn exact_sum(cx: &Ctx, items: &[f64]) -> PyResult<f64> {
    let mut partials: Vec<f64> = Vec::new();
    let (mut special, mut infinities) = (0.0, 0.0);
    for &item in items {
        let mut x = item;
        let mut kept = 0;
        for i in 0..partials.len() {
            let mut y = partials[i];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        if x != 0.0 {
            if !x.is_finite() {
                if item.is_finite() {
                    return Err(cx.overflow_error("intermediate overflow in fsum"));
                }
                infinities += if item.is_infinite() { item } else { 0.0 };
                special += item;
                partials.clear();
            } else {
                partials.push(x);
            }
        }
    }
    if special != 0.0 {
        return if infinities.is_nan() { Err(cx.value_error("-inf + inf in fsum")) } else { Ok(special) };
    }
    let Some(mut high) = partials.pop() else { return Ok(0.0) };
    let mut low = 0.0;
    while let Some(y) = partials.pop() {
        let x = high;
        high = x + y;
        low = y - (high - x);
        if low != 0.0 {
            break;
        }
    }
    // Half-even rounding over several partials: a tie is decided by the next one.
    if let Some(&next) = partials.last()
        && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
    {
        let y = low * 2.0;
        let x = high + y;
        if y == x - high {
            high = x;
        }
    }
    Ok(high)
}

/// A float sum carried in three parts, each exact product split by fused multiply-add.
#[derive(Default)]
struct TripleSum {
    high: f64,
    low: f64,
    tiny: f64,
}

impl TripleSum {
    fn two_sum(a: f64, b: f64) -> (f64, f64) {
        let s = a + b;
        let t = s - a;
        (s, (a - (s - t)) + (b - t))
    }

    fn add_product(&mut self, x: f64, y: f64) {
        let p = x * y;
        let error = x.mul_add(y, -p);
        let (high, r1) = TripleSum::two_sum(self.high, p);
        let (low, r2) = TripleSum::two_sum(self.low, error);
        let (low, r3) = TripleSum::two_sum(low, r1);
        *self = TripleSum { high, low, tiny: self.tiny + (r2 + r3) };
    }

    fn value(&self) -> f64 {
        let (high, low) = TripleSum::two_sum(self.high, self.low);
        high + (low + self.tiny)
    }
}

/// What a running sum of products is kept in: ints exactly, then floats in extended precision, then any
/// objects.
enum Acc {
    Int(Obj),
    Float(TripleSum),
    Any(Obj),
}

/// The factors as floats if both are floats, or one is and the other an int that is one exactly enough.
fn float_pair(cx: &Ctx, p: &Obj, q: &Obj) -> PyResult<Option<(f64, f64)>> {
    let side = |o: &Obj| -> PyResult<Option<f64>> {
        if let Some(f) = o.as_f64_exact() {
            return Ok(Some(f));
        }
        if int::is_exact_int(o) || o.is_exact(cinder_pyobj::native::FixedShape::Bool) {
            let f = int::to_f64_lossy(o);
            return Ok(f.is_finite().then_some(f));
        }
        Ok(None)
    };
    let _ = cx;
    if p.as_f64_exact().is_none() && q.as_f64_exact().is_none() {
        return Ok(None);
    }
    Ok(side(p)?.zip(side(q)?))
}

#[pymodule(part, name = "math")]
pub(crate) mod sums {
    use super::*;

    /// The sum of the products of corresponding items of two iterables of the same length.
    ///
    /// Floats are summed in extended precision.
    #[pyfunction(sig = "(p, q, /)")]
    fn sumprod(cx: &Ctx, p: &Obj, q: &Obj) -> PyResult {
        let (p, q) = (p.iter(cx)?, q.iter(cx)?);
        let mut acc = Acc::Int(Obj::from(0));
        loop {
            let (a, b) = match (p.next(cx)?, q.next(cx)?) {
                (Some(a), Some(b)) => (a, b),
                (None, None) => break,
                _ => return Err(cx.value_error("Inputs are not the same length")),
            };
            acc = step(cx, acc, &a, &b)?;
        }
        Ok(match acc {
            Acc::Int(n) | Acc::Any(n) => n,
            Acc::Float(s) => Obj::from(s.value()),
        })
    }

    fn step(cx: &Ctx, acc: Acc, a: &Obj, b: &Obj) -> PyResult<Acc> {
        let ints = int::is_exact_int(a) && int::is_exact_int(b);
        match acc {
            Acc::Int(n) if ints => Ok(Acc::Int(int::add(&n, &int::mul(a, b)))),
            Acc::Int(n) => match float_pair(cx, a, b)? {
                Some((x, y)) if int::to_f64_lossy(&n).is_finite() => {
                    let mut s = TripleSum { high: int::to_f64_lossy(&n), ..TripleSum::default() };
                    s.add_product(x, y);
                    check(cx, s, x, y, n)
                }
                _ => any(cx, n, a, b),
            },
            Acc::Float(mut s) => match float_pair(cx, a, b)? {
                Some((x, y)) => {
                    let before = Obj::from(s.value());
                    s.add_product(x, y);
                    check(cx, s, x, y, before)
                }
                None => any(cx, Obj::from(s.value()), a, b),
            },
            Acc::Any(n) => any(cx, n, a, b),
        }
    }

    /// Extended precision breaks down at overflow and infinities; plain arithmetic goes on from there.
    fn check(cx: &Ctx, s: TripleSum, x: f64, y: f64, before: Obj) -> PyResult<Acc> {
        if s.high.is_finite() {
            return Ok(Acc::Float(s));
        }
        any(cx, before, &Obj::from(x), &Obj::from(y))
    }

    fn any(cx: &Ctx, n: Obj, a: &Obj, b: &Obj) -> PyResult<Acc> {
        let p = number::mul(cx, a, b)?;
        Ok(Acc::Any(number::add(cx, &n, &p)?))
    }

    /// The product of start and all items.
    #[pyfunction(sig = "(iterable, /, *, start=1)")]
    fn prod(cx: &Ctx, iterable: &Obj, start: Option<&Obj>) -> PyResult {
        let mut acc = start.cloned().unwrap_or_else(|| Obj::from(1));
        iterable.for_each(cx, |x| {
            acc = match (acc.as_f64_exact(), float::as_f64(&x)) {
                (Some(a), Some(b)) if x.as_f64_exact().is_some() => Obj::from(a * b),
                _ => number::mul(cx, &acc, &x)?,
            };
            Ok(())
        })?;
        Ok(acc)
    }
}
