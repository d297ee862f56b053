//! `list.sort` and `sorted`.

use std::cmp::Ordering;

use super::{List, timsort};
use crate::ctx::{Ctx, PyResult, Raised};
use crate::native::FixedShape;
use crate::types::dict::strkey;
use crate::types::seqops;
use crate::types::str::Str;
use crate::types::{CmpOp, tuple};
use crate::value::{Obj, Value};

/// What all keys of a sort have in common, so that comparing them runs no Python code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Ints,
    Floats,
    Strs,
    /// Non-empty exact tuples.
    Tuples,
    Any,
}

impl Keys {
    fn of(v: Value) -> Keys {
        if v.is_int() {
            Keys::Ints
        } else if v.is_float() {
            Keys::Floats
        } else if strkey::is_exact(v) {
            Keys::Strs
        } else if first_of_tuple(&v).is_some() {
            Keys::Tuples
        } else {
            Keys::Any
        }
    }

    fn classify<'a>(mut keys: impl Iterator<Item = &'a Value>) -> Keys {
        let Some(first) = keys.next() else { return Keys::Any };
        let kind = Keys::of(*first);
        if keys.all(|k| Keys::of(*k) == kind) { kind } else { Keys::Any }
    }
}

fn first_of_tuple(v: &Value) -> Option<Value> {
    // SAFETY: the word is borrowed from the list being sorted or its keys.
    tuple::items_if_exact_tuple(unsafe { Obj::borrow_from(v) })?.first().map(Obj::value)
}

fn str_of(v: &Value) -> Option<&Str> {
    // SAFETY: as in `first_of_tuple`.
    unsafe { Obj::borrow_from(v) }.downcast::<Str>()
}

/// Compares words of a kind that needs no Python code.
fn compare_plain(kind: Keys, a: &Value, b: &Value) -> Ordering {
    match kind {
        Keys::Ints => a.as_int_unchecked().cmp(&b.as_int_unchecked()),
        // NaN never is a tagged float.
        Keys::Floats => a.as_float_unchecked().partial_cmp(&b.as_float_unchecked()).unwrap_or(Ordering::Equal),
        _ => match (str_of(a), str_of(b)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => Ordering::Equal,
        },
    }
}

fn less(cx: &Ctx, a: &Value, b: &Value) -> PyResult<bool> {
    // SAFETY: the sort owns its elements; the comparison cannot reach them except through these references.
    let (a, b) = unsafe { (Obj::borrow_from(a), Obj::borrow_from(b)) };
    cx.step()?;
    match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) => Ok(x < y),
        _ => a.rich_cmp_bool(cx, b, CmpOp::Lt),
    }
}

/// Whether one tuple's items come before another's, if that shows in items whose comparison runs no Python code.
fn items_less(a: &[Obj], b: &[Obj]) -> Option<bool> {
    for (x, y) in a.iter().zip(b) {
        if x.is(y) {
            continue;
        }
        let (v, w) = (x.value(), y.value());
        let order = if v.is_int() && w.is_int() {
            v.as_int_unchecked().cmp(&w.as_int_unchecked())
        } else if v.is_float() && w.is_float() {
            v.as_float_unchecked().partial_cmp(&w.as_float_unchecked())?
        } else if x.is_exact(FixedShape::Bool) && y.is_exact(FixedShape::Bool) {
            x.is(&Obj::from_bool(true)).cmp(&y.is(&Obj::from_bool(true)))
        } else if strkey::is_exact(v) && strkey::is_exact(w) {
            compare_plain(Keys::Strs, &v, &w)
        } else {
            return None;
        };
        if order != Ordering::Equal {
            return Some(order == Ordering::Less);
        }
    }
    Some(a.len() < b.len())
}

fn tuple_less(cx: &Ctx, a: &Value, b: &Value) -> PyResult<bool> {
    // SAFETY: as in `first_of_tuple`.
    let (x, y) = unsafe { (Obj::borrow_from(a), Obj::borrow_from(b)) };
    if let (Some(x), Some(y)) = (tuple::items_if_exact_tuple(x), tuple::items_if_exact_tuple(y))
        && let Some(r) = items_less(x, y)
    {
        return Ok(r);
    }
    less(cx, a, b)
}

/// So many plain items are sorted in one go, which takes a tenth of a second; more are sorted in parts and merged, so
/// that signals are served.
const WHOLE: usize = 1 << 20;

fn sort_by_key<T: Copy>(cx: &Ctx, v: &mut [T], key: impl Fn(&T) -> &Value) -> Result<(), Raised> {
    // Sorting needs room for half of the items.
    drop(seqops::vec_for::<T>(cx, v.len().div_ceil(2))?);
    match Keys::classify(v.iter().map(&key)) {
        kind @ (Keys::Ints | Keys::Floats | Keys::Strs) => {
            if v.len() <= WHOLE {
                v.sort_by(|a, b| compare_plain(kind, key(a), key(b)));
                return Ok(());
            }
            for part in v.chunks_mut(WHOLE) {
                part.sort_by(|a, b| compare_plain(kind, key(a), key(b)));
                cx.long_step(usize::MAX)?;
            }
            timsort::sort(v, |a, b| {
                cx.step()?;
                Ok(compare_plain(kind, key(a), key(b)).is_lt())
            })
        }
        Keys::Tuples => timsort::sort(v, |a, b| tuple_less(cx, key(a), key(b))),
        Keys::Any => timsort::sort(v, |a, b| less(cx, key(a), key(b))),
    }
}

impl List {
    /// Sorts in place, stably. While it runs the list is empty; if it was changed meanwhile, ValueError.
    pub fn sort(&self, cx: &Ctx, key: Option<&Obj>, reverse: bool) -> PyResult<()> {
        let mut items = self.replace_all(Vec::new());
        let result = sort_items(cx, &mut items, key, reverse);
        let modified = self.vec().capacity() != 0;
        let stray = self.replace_all(seqops::into_values(items));
        drop(stray);
        if modified && result.is_ok() {
            return Err(cx.value_error("list modified during sort"));
        }
        result
    }
}

fn sort_items(cx: &Ctx, items: &mut [Obj], key: Option<&Obj>, reverse: bool) -> PyResult<()> {
    // SAFETY: `Obj` is a transparent wrapper of `Value`, and sorting only permutes the words.
    let values = unsafe { std::slice::from_raw_parts_mut(items.as_mut_ptr() as *mut Value, items.len()) };
    // Reversing before and after keeps equal elements in order.
    let Some(f) = key else {
        if reverse {
            values.reverse();
        }
        let r = sort_by_key(cx, values, |v| v);
        if reverse {
            values.reverse();
        }
        return r;
    };
    let mut keys = seqops::vec_for(cx, values.len())?;
    for v in values.iter() {
        // SAFETY: the items are owned by the caller for the whole sort.
        keys.push(f.call1(cx, unsafe { Obj::borrow_from(v) })?);
    }
    let mut pairs: Vec<(Value, Value)> = seqops::vec_for(cx, values.len())?;
    pairs.extend(keys.iter().zip(values.iter()).map(|(k, v)| (k.value(), *v)));
    if reverse {
        pairs.reverse();
    }
    let r = sort_by_key(cx, &mut pairs, |p| &p.0);
    if reverse {
        pairs.reverse();
    }
    for (slot, p) in values.iter_mut().zip(&pairs) {
        *slot = p.1;
    }
    r
}
