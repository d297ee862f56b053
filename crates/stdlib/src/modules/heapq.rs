//! `_heapq`.

use cinder_pyobj::native::{This, pymodule};
use cinder_pyobj::types::CmpOp;
use cinder_pyobj::types::list::List;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

/// Which end of the order the root is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Min,
    Max,
}

/// Whether `a` belongs above `b`.
fn above(cx: &Ctx, kind: Kind, a: &Obj, b: &Obj) -> PyResult<bool> {
    let (x, y) = if kind == Kind::Min { (a, b) } else { (b, a) };
    if let (Some(x), Some(y)) = (x.as_int(), y.as_int()) {
        return Ok(x < y);
    }
    x.rich_cmp_bool(cx, y, CmpOp::Lt)
}

#[cold]
fn out_of_range(cx: &Ctx) -> Raised {
    cx.index_error("index out of range")
}

#[cold]
fn changed(cx: &Ctx) -> Raised {
    cx.runtime_error("list changed size during iteration")
}

fn at(cx: &Ctx, l: &List, i: usize) -> PyResult {
    l.get(i).ok_or_else(|| changed(cx))
}

fn swap(cx: &Ctx, l: &List, i: usize, j: usize) -> PyResult<()> {
    let (a, b) = (at(cx, l, i)?, at(cx, l, j)?);
    // The lists keep as many references as before, so dropping the old ones runs nothing.
    drop(l.set(i, b));
    drop(l.set(j, a));
    Ok(())
}

/// Moves item `pos` up until it is in order, not above `start`.
fn sift_up(cx: &Ctx, kind: Kind, l: &List, start: usize, mut pos: usize) -> PyResult<()> {
    let len = l.len();
    while pos > start {
        let parent = (pos - 1) / 2;
        let (x, p) = (at(cx, l, pos)?, at(cx, l, parent)?);
        let up = above(cx, kind, &x, &p)?;
        if l.len() != len {
            return Err(changed(cx));
        }
        if !up {
            break;
        }
        swap(cx, l, pos, parent)?;
        pos = parent;
    }
    Ok(())
}

/// Moves item `pos` down to a leaf along the better children, then up to its place: fewer comparisons than
/// stopping early, because items that come from the end mostly belong near the leaves.
fn sift_down(cx: &Ctx, kind: Kind, l: &List, start: usize) -> PyResult<()> {
    let len = l.len();
    let mut pos = start;
    while 2 * pos + 1 < len {
        let left = 2 * pos + 1;
        let mut best = left;
        if left + 1 < len {
            let (a, b) = (at(cx, l, left)?, at(cx, l, left + 1)?);
            let left_wins = above(cx, kind, &a, &b)?;
            if l.len() != len {
                return Err(changed(cx));
            }
            if !left_wins {
                best = left + 1;
            }
        }
        swap(cx, l, pos, best)?;
        pos = best;
    }
    sift_up(cx, kind, l, start, pos)
}

fn push(cx: &Ctx, kind: Kind, l: &List, item: &Obj) -> PyResult<()> {
    l.append(cx, item.clone())?;
    sift_up(cx, kind, l, 0, l.len() - 1)
}

fn pop(cx: &Ctx, kind: Kind, l: &List) -> PyResult {
    let last = l.pop_last().ok_or_else(|| out_of_range(cx))?;
    if l.len() == 0 {
        return Ok(last);
    }
    let root = l.set(0, last).map_err(|_| out_of_range(cx))?;
    sift_down(cx, kind, l, 0)?;
    Ok(root)
}

fn replace(cx: &Ctx, kind: Kind, l: &List, item: &Obj) -> PyResult {
    let root = l.set(0, item.clone()).map_err(|_| out_of_range(cx))?;
    sift_down(cx, kind, l, 0)?;
    Ok(root)
}

fn push_pop(cx: &Ctx, kind: Kind, l: &List, item: &Obj) -> PyResult {
    let Some(root) = l.get(0) else { return Ok(item.clone()) };
    if !above(cx, kind, &root, item)? {
        return Ok(item.clone());
    }
    if l.len() == 0 {
        return Err(out_of_range(cx));
    }
    replace(cx, kind, l, item)
}

fn heapify_all(cx: &Ctx, kind: Kind, l: &List) -> PyResult<()> {
    for i in (0..l.len() / 2).rev() {
        sift_down(cx, kind, l, i)?;
    }
    Ok(())
}

/// Lists kept as heaps: the smallest item is a[0], and no item is smaller than the one at half its place.
#[pymodule(name = "_heapq")]
pub(crate) mod heapq {
    use super::*;

    /// Puts an item into a heap.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heappush(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult<()> {
        push(cx, Kind::Min, heap.payload(), item)
    }

    /// Takes the smallest item out of a heap.
    #[pyfunction(sig = "(heap, /)")]
    fn heappop(cx: &Ctx, heap: This<'_, List>) -> PyResult {
        pop(cx, Kind::Min, heap.payload())
    }

    /// Pops and returns the smallest item, and pushes a new item.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heapreplace(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult {
        replace(cx, Kind::Min, heap.payload(), item)
    }

    /// Pushes an item onto a heap, then pops and returns the smallest item.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heappushpop(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult {
        push_pop(cx, Kind::Min, heap.payload(), item)
    }

    /// Transforms a list into a heap, in place, in linear time.
    #[pyfunction(sig = "(heap, /)")]
    fn heapify(cx: &Ctx, heap: This<'_, List>) -> PyResult<()> {
        heapify_all(cx, Kind::Min, heap.payload())
    }

    /// Pushes an item onto a max-heap.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heappush_max(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult<()> {
        push(cx, Kind::Max, heap.payload(), item)
    }

    /// Pops the largest item off a max-heap.
    #[pyfunction(sig = "(heap, /)")]
    fn heappop_max(cx: &Ctx, heap: This<'_, List>) -> PyResult {
        pop(cx, Kind::Max, heap.payload())
    }

    /// Pops and returns the largest item of a max-heap, and pushes a new item.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heapreplace_max(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult {
        replace(cx, Kind::Max, heap.payload(), item)
    }

    /// Pushes an item onto a max-heap, then pops and returns the largest item.
    #[pyfunction(sig = "(heap, item, /)")]
    fn heappushpop_max(cx: &Ctx, heap: This<'_, List>, item: &Obj) -> PyResult {
        push_pop(cx, Kind::Max, heap.payload(), item)
    }

    /// Transforms a list into a max-heap, in place, in linear time.
    #[pyfunction(sig = "(heap, /)")]
    fn heapify_max(cx: &Ctx, heap: This<'_, List>) -> PyResult<()> {
        heapify_all(cx, Kind::Max, heap.payload())
    }
}
