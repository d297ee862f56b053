//! What sequences share: searching, comparing and slicing.

use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::protocol::unpack_index;
use crate::types::CmpOp;
use crate::types::dict::strkey;
use crate::types::slice::{self, Slice};
use crate::types::str::StrBuilder;
use crate::types::tuple::Tuple;
use crate::value::{Obj, Value};

/// A sequence whose items are read one by one, because comparing them may change it.
pub(crate) trait Items {
    /// How many items there are now.
    fn count(&self) -> usize;
    /// Item `i` as a word that is alive until code runs, nothing past the end.
    fn word(&self, i: usize) -> Option<Value>;

    /// Item `i`, nothing past the end.
    #[inline]
    fn item(&self, i: usize) -> Option<Obj> {
        // SAFETY: the sequence keeps its items alive while none is removed.
        self.word(i).map(|v| unsafe { Obj::from_borrowed(v) })
    }
}

impl Items for [Obj] {
    #[inline(always)]
    fn count(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn word(&self, i: usize) -> Option<Value> {
        self.get(i).map(Obj::value)
    }
}

/// A slice resolved against a length.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub start: isize,
    pub step: isize,
    pub count: usize,
}

/// Which of `len` items a slice selects whose bounds are None or small ints, given as words; nothing otherwise.
#[inline]
pub(crate) fn plain_bounds(len: usize, start: Value, stop: Value, step: Value) -> Option<Bounds> {
    // SAFETY: the words are live values.
    let is_none = |v: &Value| unsafe { Obj::borrow_from(v) }.is_none();
    let bound = |v: &Value, default: isize| if is_none(v) { Some(default) } else { v.as_int().map(|i| i as isize) };
    if is_none(&step) {
        let n = len as isize;
        let clip = |i: isize| if i < 0 { (i + n).max(0) } else { i.min(n) };
        let (start, stop) = (clip(bound(&start, 0)?), clip(bound(&stop, n)?));
        return Some(Bounds { start, step: 1, count: (stop - start).max(0) as usize });
    }
    let step = bound(&step, 1).filter(|s| *s != 0)?.max(-isize::MAX);
    let (first, last) = if step < 0 { (isize::MAX, isize::MIN) } else { (0, isize::MAX) };
    let (start, _, count) = slice::adjust(len, bound(&start, first)?, bound(&stop, last)?, step);
    Some(Bounds { start, step, count })
}

impl Bounds {
    /// The positions that the slice selects, in its order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| (self.start + i as isize * self.step) as usize)
    }

    /// The same positions in ascending order.
    pub fn ascending(self) -> Bounds {
        if self.step > 0 || self.count == 0 {
            return self;
        }
        Bounds { start: self.start + (self.count as isize - 1) * self.step, step: -self.step, count: self.count }
    }
}

/// A subscript of a sequence.
pub(crate) enum Subscript {
    At(usize),
    Slice(Bounds),
}

/// Resolves a slice object; its bounds may run Python code, so the length is asked for afterwards.
pub(crate) fn bounds(cx: &Ctx, slice: &Slice, len: impl FnOnce() -> usize) -> PyResult<Bounds> {
    let (start, stop, step) = slice.unpack(cx)?;
    let (start, _, count) = crate::types::slice::adjust(len(), start, stop, step);
    Ok(Bounds { start, step, count })
}

/// Resolves an index or slice. `what` names the type in messages.
pub(crate) fn subscript(
    cx: &Ctx,
    key: &Obj,
    what: &str,
    action: &str,
    len: impl FnOnce() -> usize,
) -> PyResult<Subscript> {
    if let Some(s) = key.downcast::<Slice>() {
        return bounds(cx, s, len).map(Subscript::Slice);
    }
    if !key.is_int() && key.type_of().slots.index.get().is_none() {
        return Err(cx.type_error(format!("{what} indices must be integers or slices, not {}", key.type_of().name())));
    }
    let i = key.to_index(cx)?;
    match unpack_index(i, len()) {
        Some(i) => Ok(Subscript::At(i)),
        None => Err(cx.index_error(format!("{what} {action}index out of range"))),
    }
}

/// Whether `a == b` without running code, if that can be told from the words alone.
#[inline(always)]
pub(crate) fn quick_eq(a: Value, b: Value) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    if !a.is_ptr() && !b.is_ptr() {
        // Tagged ints are equal by word; so are tagged floats, among which there is no NaN and one zero.
        return if a.is_int() == b.is_int() { Some(false) } else { None };
    }
    if a.is_ptr() && b.is_ptr() {
        if strkey::is_exact(a) && strkey::is_exact(b) {
            return Some(strkey::exact_eq(a, b));
        }
        return quick_tuple_eq(a, b);
    }
    None
}

/// As [`quick_eq`] for exact tuples of what can be told from words and texts.
#[inline]
fn quick_tuple_eq(a: Value, b: Value) -> Option<bool> {
    // SAFETY: the words are alive.
    let (x, y) = unsafe { (Obj::borrow_from(&a), Obj::borrow_from(&b)) };
    let (s, t) = (x.fixed::<Tuple>(FixedShape::Tuple)?, y.fixed::<Tuple>(FixedShape::Tuple)?);
    let (s, t) = (s.values(), t.values());
    if s.len() != t.len() {
        return Some(false);
    }
    for (x, y) in s.iter().zip(t) {
        if x == y {
            continue;
        }
        if x.is_int() && y.is_int() || x.is_float() && y.is_float() {
            return Some(false);
        }
        if !(x.is_ptr() && y.is_ptr() && strkey::is_exact(*x) && strkey::is_exact(*y)) {
            return None;
        }
        if !strkey::exact_eq(*x, *y) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether two items of sequences are equal. Only items whose comparison runs code are kept alive for it.
#[inline]
fn same(cx: &Ctx, a: Value, b: Value) -> PyResult<bool> {
    if let Some(same) = quick_eq(a, b) {
        return Ok(same);
    }
    // SAFETY: both words are alive until code runs, and nothing ran since they were read.
    let (x, y) = unsafe { (Obj::from_borrowed(a), Obj::from_borrowed(b)) };
    x.rich_cmp_bool(cx, &y, CmpOp::Eq)
}

/// The position of the first item equal to `x` in `from..to`.
pub(crate) fn find<S: Items + ?Sized>(cx: &Ctx, s: &S, x: &Obj, from: usize, to: usize) -> PyResult<Option<usize>> {
    let mut i = from;
    while i < to {
        let Some(y) = s.word(i) else { break };
        if same(cx, y, x.value())? {
            return Ok(Some(i));
        }
        i += 1;
    }
    Ok(None)
}

/// How many items equal `x`.
pub(crate) fn count<S: Items + ?Sized>(cx: &Ctx, s: &S, x: &Obj) -> PyResult<usize> {
    let mut n = 0;
    let mut from = 0;
    while let Some(i) = find(cx, s, x, from, usize::MAX)? {
        n += 1;
        from = i + 1;
    }
    Ok(n)
}

/// Start or stop argument of `index()`: negative values count from the end, everything is clamped.
pub(crate) fn clamp(i: isize, len: usize) -> usize {
    if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { i as usize }
}

/// Lexicographic comparison.
pub(crate) fn compare<A: Items + ?Sized, B: Items + ?Sized>(cx: &Ctx, a: &A, b: &B, op: CmpOp) -> PyResult {
    if matches!(op, CmpOp::Eq | CmpOp::Ne) && a.count() != b.count() {
        return Ok(Obj::from_bool(op == CmpOp::Ne));
    }
    let mut i = 0;
    while let (Some(x), Some(y)) = (a.word(i), b.word(i)) {
        let known = quick_eq(x, y);
        if known == Some(true) {
            i += 1;
            continue;
        }
        if known == Some(false) && matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::from_bool(op == CmpOp::Ne));
        }
        // SAFETY: both words are alive until code runs, and nothing ran since they were read.
        let (x, y) = unsafe { (Obj::from_borrowed(x), Obj::from_borrowed(y)) };
        if known == Some(false) || !x.rich_cmp_bool(cx, &y, CmpOp::Eq)? {
            // Comparing may have shortened an operand: what is gone does not differ.
            if i >= a.count() || i >= b.count() {
                break;
            }
            return match op {
                CmpOp::Eq => Ok(Obj::from_bool(false)),
                CmpOp::Ne => Ok(Obj::from_bool(true)),
                _ => x.rich_cmp(cx, &y, op),
            };
        }
        i += 1;
    }
    Ok(Obj::from_bool(op.holds(a.count().cmp(&b.count()))))
}

/// `open` + the items' reprs with commas + `close`. `single` follows a lone item (the comma of `(x,)`).
pub(crate) fn repr<S: Items + ?Sized>(cx: &Ctx, s: &S, open: &str, close: &str, single: &str) -> PyResult {
    let mut b = StrBuilder::new();
    b.push_str(open);
    let mut i = 0;
    while let Some(x) = s.item(i) {
        if i > 0 {
            b.push_str(", ");
        }
        let r = x.repr(cx)?;
        b.push_obj(&r);
        i += 1;
    }
    if i == 1 {
        b.push_str(single);
    }
    b.push_str(close);
    Ok(b.finish())
}

/// The length of `len` items repeated `n` times, if that many words can exist.
pub(crate) fn repeated_len(cx: &Ctx, len: usize, n: isize) -> PyResult<usize> {
    let n = n.max(0) as usize;
    match len.checked_mul(n) {
        Some(total) if total <= isize::MAX as usize / 8 => Ok(total),
        _ => Err(cx.no_memory()),
    }
}

/// An empty vector with room for exactly `n` items, or MemoryError.
pub(crate) fn vec_for<T>(cx: &Ctx, n: usize) -> PyResult<Vec<T>> {
    let mut v = Vec::new();
    v.try_reserve_exact(n).map_err(|_| cx.no_memory())?;
    Ok(v)
}

/// Gives up the handles of a vector, keeping their references as raw words.
pub(crate) fn into_values(v: Vec<Obj>) -> Vec<Value> {
    let mut v = std::mem::ManuallyDrop::new(v);
    // SAFETY: `Obj` is a transparent wrapper of `Value`; the vector is given up above.
    unsafe { Vec::from_raw_parts(v.as_mut_ptr() as *mut Value, v.len(), v.capacity()) }
}

/// Takes over the references of raw words.
///
/// # Safety
/// Every word must be an owned reference.
pub(crate) unsafe fn from_values(v: Vec<Value>) -> Vec<Obj> {
    let mut v = std::mem::ManuallyDrop::new(v);
    // SAFETY: as in `into_values`, with the caller's promise.
    unsafe { Vec::from_raw_parts(v.as_mut_ptr() as *mut Obj, v.len(), v.capacity()) }
}
