//! Functions of ints.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::int;
use cinder_pyobj::{Ctx, Obj, PyResult};

/// An argument as an exact int.
fn index(cx: &Ctx, o: &Obj) -> PyResult {
    let i = o.index(cx)?;
    Ok(int::to_exact(&i).unwrap_or(i))
}

/// The product of `first * (first + 1) * … * last`, by halves so that factors stay of equal size.
fn product(cx: &Ctx, first: u64, last: u64) -> PyResult {
    if first > last {
        return Ok(Obj::from(1));
    }
    if last - first < 8 {
        cx.long_step(8)?;
        return Ok((first..=last).fold(Obj::from(1), |p, n| int::mul(&p, &Obj::from(n))));
    }
    let mid = first + (last - first) / 2;
    int::mul_in_steps(cx, &product(cx, first, mid)?, &product(cx, mid + 1, last)?)
}

/// `n * (n - 1) * … ` with `k` factors, for any `n >= k`.
fn falling(cx: &Ctx, n: &Obj, k: u64) -> PyResult {
    match int::as_u64(n) {
        Some(m) => product(cx, m - k + 1, m),
        None => falling_big(cx, n, 0, k),
    }
}

fn falling_big(cx: &Ctx, n: &Obj, from: u64, to: u64) -> PyResult {
    cx.step()?;
    if to - from == 1 {
        return Ok(int::sub(n, &Obj::from(from)));
    }
    if to == from {
        return Ok(Obj::from(1));
    }
    let mid = from + (to - from) / 2;
    int::mul_in_steps(cx, &falling_big(cx, n, from, mid)?, &falling_big(cx, n, mid, to)?)
}

/// Checks `n` and `k` of binomials and permutations.
fn arguments(cx: &Ctx, n: &Obj, k: &Obj) -> PyResult<(Obj, Obj)> {
    let (n, k) = (index(cx, n)?, index(cx, k)?);
    if int::is_negative(&n) {
        return Err(cx.value_error("n must be a non-negative integer"));
    }
    if int::is_negative(&k) {
        return Err(cx.value_error("k must be a non-negative integer"));
    }
    Ok((n, k))
}

#[pymodule(part, name = "math")]
pub(crate) mod integers {
    use super::*;

    /// The greatest common divisor of the arguments; zero for none.
    #[pyfunction(sig = "(*integers)")]
    fn gcd(cx: &Ctx, integers: &[Obj]) -> PyResult {
        let mut r = Obj::from(0);
        for x in integers {
            r = int::gcd(cx, &r, &index(cx, x)?)?;
        }
        Ok(r)
    }

    /// The least common multiple of the arguments; one for none.
    #[pyfunction(sig = "(*integers)")]
    fn lcm(cx: &Ctx, integers: &[Obj]) -> PyResult {
        let mut r = Obj::from(1);
        for x in integers {
            let x = index(cx, x)?;
            let g = int::gcd(cx, &r, &x)?;
            r = if int::is_zero(&g) { g } else { int::mul_in_steps(cx, &int::floordiv(cx, &r, &g)?, &int::abs(&x))? };
        }
        Ok(r)
    }

    /// The greatest int whose square is not greater than n.
    #[pyfunction(sig = "(n, /)")]
    fn isqrt(cx: &Ctx, n: &Obj) -> PyResult {
        let n = index(cx, n)?;
        if int::is_negative(&n) {
            return Err(cx.value_error("isqrt() argument must be nonnegative"));
        }
        Ok(int::isqrt(&n))
    }

    /// The product of all ints from 1 to n.
    #[pyfunction(sig = "(n, /)")]
    fn factorial(cx: &Ctx, n: &Obj) -> PyResult {
        let n = index(cx, n)?;
        if int::is_negative(&n) {
            return Err(cx.value_error("factorial() not defined for negative values"));
        }
        match int::as_i64(&n) {
            Some(n) => product(cx, 2, n as u64),
            None => Err(cx.overflow_error(format!("factorial() argument should not exceed {}", i64::MAX))),
        }
    }

    /// In how many ways k of n things can be chosen without order.
    #[pyfunction(sig = "(n, k, /)")]
    fn comb(cx: &Ctx, n: &Obj, k: &Obj) -> PyResult {
        let (n, k) = arguments(cx, n, k)?;
        let rest = int::sub(&n, &k);
        if int::is_negative(&rest) {
            return Ok(Obj::from(0));
        }
        let least = if int::cmp(&rest, &k).is_lt() { rest } else { k };
        let Some(k) = int::as_i64(&least) else {
            return Err(cx.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
        };
        binomial(cx, &n, k as u64)
    }

    /// C(n, k) by halves of k: C(n, k) = C(n, j) * C(n - j, k - j) / C(k, j).
    fn binomial(cx: &Ctx, n: &Obj, k: u64) -> PyResult {
        if k == 0 {
            return Ok(Obj::from(1));
        }
        if k == 1 {
            return Ok(n.clone());
        }
        if k <= 32 {
            return int::floordiv(cx, &falling(cx, n, k)?, &product(cx, 2, k)?);
        }
        let j = k / 2;
        let a = binomial(cx, n, j)?;
        let b = binomial(cx, &int::sub(n, &Obj::from(j)), k - j)?;
        let c = binomial(cx, &Obj::from(k), j.min(k - j))?;
        int::floordiv(cx, &int::mul_in_steps(cx, &a, &b)?, &c)
    }

    /// In how many ways k of n things can be chosen in order; k defaults to n.
    #[pyfunction(sig = "(n, k=None, /)")]
    fn perm(cx: &Ctx, n: &Obj, k: Option<&Obj>) -> PyResult {
        let Some(k) = k else { return factorial(cx, n) };
        let (n, k) = arguments(cx, n, k)?;
        if int::cmp(&n, &k).is_lt() {
            return Ok(Obj::from(0));
        }
        match int::as_i64(&k) {
            Some(k) => falling(cx, &n, k as u64),
            None => Err(cx.overflow_error(format!("k must not exceed {}", i64::MAX))),
        }
    }
}
