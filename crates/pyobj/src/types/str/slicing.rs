//! Subscripts and optional `start`, `end` arguments.

use super::split::part;
use super::{Str, from_char, from_units};
use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::types::slice::Slice;
use crate::value::{Obj, Value};
use crate::with_units;

/// A subscript resolved against a length.
pub(crate) enum Index {
    /// One item.
    At(usize),
    /// `count` items from `start`, `step` apart.
    Slice { start: isize, step: isize, count: usize },
}

/// Resolves a subscript. `what` names the container in messages.
pub(crate) fn resolve(cx: &Ctx, key: &Obj, len: usize, what: &str) -> PyResult<Index> {
    if let Some(i) = key.as_int() {
        return at(cx, i as isize, len, what);
    }
    if let Some(s) = key.downcast::<Slice>() {
        let (start, _, step, count) = s.indices(cx, len)?;
        return Ok(Index::Slice { start, step, count });
    }
    if key.type_of().slots.index.get().is_none() {
        let name = key.type_of().name();
        return Err(cx.type_error(match what {
            "string" => format!("string indices must be integers, not '{name}'"),
            _ => format!("{what} indices must be integers or slices, not {name}"),
        }));
    }
    let i = key.to_index(cx)?;
    at(cx, i, len, what)
}

fn at(cx: &Ctx, i: isize, len: usize, what: &str) -> PyResult<Index> {
    let real = if i < 0 { i + len as isize } else { i };
    match usize::try_from(real) {
        Ok(i) if i < len => Ok(Index::At(i)),
        _ => Err(cx.index_error(match what {
            "byte" => "index out of range".to_owned(),
            _ => format!("{what} index out of range"),
        })),
    }
}

pub(crate) fn subscript(cx: &Ctx, o: &Obj, s: &Str, key: &Obj) -> PyResult {
    match resolve(cx, key, s.len(), "string")? {
        Index::At(i) => Ok(from_char(s.data().at(i))),
        Index::Slice { start, step: 1, count } => {
            let start = start.max(0) as usize;
            Ok(part(o, s, start.min(s.len()), (start + count).min(s.len())))
        }
        Index::Slice { start, step, count } => Ok(with_units!(s.data(), u => {
            let picked: Vec<_> = stepped(start, step, count).map(|i| u[i]).collect();
            from_units(&picked)
        })),
    }
}

/// `text[i]` of an exact str for an int in a word that is in its range; nothing otherwise.
#[inline]
pub fn quick_item(x: &Obj, i: Value) -> Option<Obj> {
    let s = x.fixed::<Str>(FixedShape::Str)?;
    let (i, len) = (i.as_int()?, s.len() as i64);
    let i = if i < 0 { i + len } else { i };
    if i < 0 || i >= len {
        return None;
    }
    Some(from_char(s.data().at(i as usize)))
}

/// `text[start:stop]` of an exact str for bounds that are None or small ints, given as words; nothing otherwise.
pub fn quick_slice(x: &Obj, start: Value, stop: Value, step: Value) -> Option<Obj> {
    let s = x.fixed::<Str>(FixedShape::Str)?;
    let b = crate::types::seqops::plain_bounds(s.len(), start, stop, step).filter(|b| b.step == 1)?;
    let from = (b.start as usize).min(s.len());
    Some(part(x, s, from, from + b.count))
}

/// The indices of a slice.
pub(crate) fn stepped(start: isize, step: isize, count: usize) -> impl Iterator<Item = usize> {
    (0..count as isize).map(move |k| (start + k * step) as usize)
}

/// The arguments `start` and `end` of the searching methods, resolved: negative ones count from the end
/// and `end` is at most `len`; `start` may lie beyond `end`.
pub(crate) fn bounds(cx: &Ctx, start: Option<&Obj>, end: Option<&Obj>, len: usize) -> PyResult<(isize, isize)> {
    let len = len as isize;
    let fetch = |o: Option<&Obj>, default: isize| match o {
        None => Ok(default),
        Some(o) if o.is_none() => Ok(default),
        Some(o) => {
            if !o.is_int() && o.type_of().slots.index.get().is_none() {
                return Err(cx.type_error("slice indices must be integers or None or have an __index__ method"));
            }
            o.to_isize_clamped(cx)
        }
    };
    let (mut start, mut end) = (fetch(start, 0)?, fetch(end, isize::MAX)?);
    if end > len {
        end = len;
    } else if end < 0 {
        end = (end + len).max(0);
    }
    if start < 0 {
        start = (start + len).max(0);
    }
    Ok((start, end))
}
