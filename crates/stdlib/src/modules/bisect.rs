//! `_bisect`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// The position for `x` in sorted `a`: behind equal items if `right`, else before them.
fn position(
    cx: &Ctx,
    a: &Obj,
    x: &Obj,
    lo: Option<&Obj>,
    hi: Option<&Obj>,
    key: Option<&Obj>,
    right: bool,
) -> PyResult<usize> {
    let lo = lo.map_or(Ok(0), |n| n.to_isize(cx))?;
    if lo < 0 {
        return Err(cx.value_error("lo must be non-negative"));
    }
    let hi = match hi.filter(|h| !h.is_none()) {
        Some(h) => h.to_isize(cx)?,
        None => -1,
    };
    let hi = if hi < 0 { a.len(cx)? as isize } else { hi };
    let (mut lo, mut hi) = (lo as usize, hi as usize);
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        let mut y = a.get_item(cx, &Obj::from(mid))?;
        if let Some(f) = key {
            y = f.call1(cx, &y)?;
        }
        let go_left = if right { x.rich_cmp_bool(cx, &y, CmpOp::Lt)? } else { !y.rich_cmp_bool(cx, x, CmpOp::Lt)? };
        if go_left {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    Ok(lo)
}

fn insort(
    cx: &Ctx,
    a: &Obj,
    x: &Obj,
    lo: Option<&Obj>,
    hi: Option<&Obj>,
    key: Option<&Obj>,
    right: bool,
) -> PyResult<()> {
    let keyed = key.map(|f| f.call1(cx, x)).transpose()?;
    let i = position(cx, a, keyed.as_ref().unwrap_or(x), lo, hi, key, right)?;
    a.call_method(cx, intern!("insert"), &[Obj::from(i), x.clone()])?;
    Ok(())
}

/// Bisection algorithms.
///
/// They keep a list in sorted order without having to sort it after each insertion.
#[pymodule(name = "_bisect")]
pub(crate) mod bisect {
    use super::*;

    /// Returns the index where to insert x in sorted a: after equal items.
    #[pyfunction(sig = "(a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_right(
        cx: &Ctx,
        a: &Obj,
        x: &Obj,
        lo: Option<&Obj>,
        hi: Option<&Obj>,
        key: Option<&Obj>,
    ) -> PyResult<usize> {
        position(cx, a, x, lo, hi, key, true)
    }

    /// Returns the index where to insert x in sorted a: before equal items.
    #[pyfunction(sig = "(a, x, lo=0, hi=None, *, key=None)")]
    fn bisect_left(
        cx: &Ctx,
        a: &Obj,
        x: &Obj,
        lo: Option<&Obj>,
        hi: Option<&Obj>,
        key: Option<&Obj>,
    ) -> PyResult<usize> {
        position(cx, a, x, lo, hi, key, false)
    }

    /// Inserts x in sorted a, after equal items.
    #[pyfunction(sig = "(a, x, lo=0, hi=None, *, key=None)")]
    fn insort_right(cx: &Ctx, a: &Obj, x: &Obj, lo: Option<&Obj>, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, true)
    }

    /// Inserts x in sorted a, before equal items.
    #[pyfunction(sig = "(a, x, lo=0, hi=None, *, key=None)")]
    fn insort_left(cx: &Ctx, a: &Obj, x: &Obj, lo: Option<&Obj>, hi: Option<&Obj>, key: Option<&Obj>) -> PyResult<()> {
        insort(cx, a, x, lo, hi, key, false)
    }
}
