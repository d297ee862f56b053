//! Splitting and joining.

use super::search::{Needle, window};
use super::{Str, StrBuilder, StrData, case, exact_of, expect};
use crate::ctx::{Ctx, PyResult};
use crate::native::FixedShape;
use crate::types::{list, tuple};
use crate::value::Obj;
use crate::with_units;

/// Code points `from..to` as a new string; the string itself if that is all of it.
pub(crate) fn part(o: &Obj, s: &Str, from: usize, to: usize) -> Obj {
    if from == 0 && to == s.len() {
        return exact_of(o, s);
    }
    with_units!(s.data(), u => super::from_units(&u[from..to]))
}

fn limit(maxsplit: isize) -> usize {
    usize::try_from(maxsplit).unwrap_or(usize::MAX)
}

fn separator<'a>(cx: &Ctx, sep: &'a Obj) -> PyResult<&'a Str> {
    let sep = expect(cx, sep, |t| format!("must be str or None, not {t}"))?;
    if sep.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    Ok(sep)
}

pub(crate) fn split(cx: &Ctx, o: &Obj, s: &Str, sep: &Obj, maxsplit: isize) -> PyResult {
    let mut left = limit(maxsplit);
    let mut out = Vec::with_capacity(8);
    let mut at = 0;
    if sep.is_none() {
        let n = s.len();
        if let StrData::Latin1(u) = s.data() {
            let is_space = |b: u8| matches!(b, 9..=13 | 28..=32 | 0x85 | 0xa0);
            loop {
                while at < n && is_space(u[at]) {
                    at += 1;
                }
                if at == n {
                    break;
                }
                if left == 0 {
                    out.push(part(o, s, at, n));
                    break;
                }
                let start = at;
                while at < n && !is_space(u[at]) {
                    at += 1;
                }
                let whole = start == 0 && at == n;
                out.push(if whole { exact_of(o, s) } else { super::from_latin1(&u[start..at]) });
                left -= 1;
            }
            return Ok(list::new(out));
        }
        with_units!(s.data(), u => loop {
            while at < n && case::is_space_code(super::Unit::code(u[at])) {
                at += 1;
            }
            if at == n {
                break;
            }
            if left == 0 {
                out.push(part(o, s, at, n));
                break;
            }
            let start = at;
            while at < n && !case::is_space_code(super::Unit::code(u[at])) {
                at += 1;
            }
            out.push(part(o, s, start, at));
            left -= 1;
        });
        return Ok(list::new(out));
    }
    let sep = separator(cx, sep)?;
    if let (StrData::Latin1(text), StrData::Latin1([c])) = (s.data(), sep.data()) {
        for place in memchr::memchr_iter(*c, text).take(left) {
            out.push(super::from_latin1(&text[at..place]));
            at = place + 1;
        }
    } else if let Some(needle) = Needle::in_text(s, sep) {
        for place in needle.places(window(s, 0, s.len())).take(left) {
            out.push(part(o, s, at, place));
            at = place + sep.len();
        }
    }
    out.push(part(o, s, at, s.len()));
    Ok(list::new(out))
}

pub(crate) fn rsplit(cx: &Ctx, o: &Obj, s: &Str, sep: &Obj, maxsplit: isize) -> PyResult {
    let mut left = limit(maxsplit);
    let mut out = Vec::new();
    let mut end = s.len();
    if sep.is_none() {
        with_units!(s.data(), u => loop {
            while end > 0 && case::is_space_code(super::Unit::code(u[end - 1])) {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            if left == 0 {
                out.push(part(o, s, 0, end));
                break;
            }
            let stop = end;
            while end > 0 && !case::is_space_code(super::Unit::code(u[end - 1])) {
                end -= 1;
            }
            out.push(part(o, s, end, stop));
            left -= 1;
        });
    } else {
        let sep = separator(cx, sep)?;
        if let Some(needle) = Needle::in_text(s, sep) {
            while left > 0 {
                let Some(place) = needle.rfind(window(s, 0, end)) else { break };
                out.push(part(o, s, place + sep.len(), end));
                end = place;
                left -= 1;
            }
        }
        out.push(part(o, s, 0, end));
    }
    out.reverse();
    Ok(list::new(out))
}

fn is_line_break(c: u32) -> bool {
    matches!(c, 10..=13 | 28..=30 | 0x85 | 0x2028 | 0x2029)
}

pub(crate) fn splitlines(o: &Obj, s: &Str, keepends: bool) -> Obj {
    let mut out = Vec::new();
    let (mut at, n) = (0, s.len());
    let data = s.data();
    while at < n {
        let mut end = at;
        while end < n && !is_line_break(data.at(end)) {
            end += 1;
        }
        let mut next = end;
        if end < n {
            next += if data.at(end) == 13 && end + 1 < n && data.at(end + 1) == 10 { 2 } else { 1 };
        }
        out.push(part(o, s, at, if keepends { next } else { end }));
        at = next;
    }
    list::new(out)
}

pub(crate) fn partition(cx: &Ctx, o: &Obj, s: &Str, sep: &Obj, from_right: bool) -> PyResult {
    let sep_str = expect(cx, sep, |t| format!("must be str, not {t}"))?;
    if sep_str.is_empty() {
        return Err(cx.value_error("empty separator"));
    }
    let place = if from_right { s.rfind(sep_str, 0, s.len()) } else { s.find(sep_str, 0, s.len()) };
    Ok(tuple::new(match place {
        Some(i) => {
            vec![part(o, s, 0, i), exact_of(sep, sep_str), part(o, s, i + sep_str.len(), s.len())]
        }
        None if from_right => vec![super::empty(), super::empty(), exact_of(o, s)],
        None => vec![exact_of(o, s), super::empty(), super::empty()],
    }))
}

/// `sep.join(iterable)` of an exact str.
pub fn join_exact(cx: &Ctx, sep: &Obj, iterable: &Obj) -> PyResult {
    match sep.fixed::<Str>(FixedShape::Str) {
        Some(s) => join(cx, s, iterable),
        None => Err(cx.type_error("expected a str")),
    }
}

pub(crate) fn join(cx: &Ctx, sep: &Str, iterable: &Obj) -> PyResult {
    if let Some(t) = iterable.fixed::<tuple::Tuple>(FixedShape::Tuple) {
        return join_items(cx, sep, t.as_slice());
    }
    if let Some(l) = iterable.fixed::<list::List>(FixedShape::List) {
        // SAFETY: joining runs no code that could change the list.
        return join_items(cx, sep, unsafe { Obj::slice_from(l.words().as_ptr(), l.len()) });
    }
    let items = match iterable.collect(cx) {
        Ok(v) => v,
        Err(r) => {
            // Only the refusal to iterate is reworded, not an error inside an iterator.
            let t = iterable.type_of();
            let iterable_at_all = t.slots.iter.get().is_some() || t.slots.getitem.get().is_some();
            if !iterable_at_all && cx.pending_is(crate::types::exc::TypeError()) {
                drop(cx.take(r));
                return Err(cx.type_error("can only join an iterable"));
            }
            return Err(r);
        }
    };
    join_items(cx, sep, &items)
}

/// The items, all of them str, with `sep` between them.
///
/// # Errors
/// TypeError for an item that is not a str, OverflowError if the result would be too long, MemoryError.
pub fn join_items(cx: &Ctx, sep: &Str, items: &[Obj]) -> PyResult {
    if let [one] = items
        && super::is_exact(one)
    {
        return Ok(one.clone());
    }
    let mut len = sep.len().saturating_mul(items.len().saturating_sub(1));
    let mut max = if items.len() > 1 { sep.max_char() } else { 0 };
    for (i, item) in items.iter().enumerate() {
        let s = expect(cx, item, |t| format!("sequence item {i}: expected str instance, {t} found"))?;
        len = len.saturating_add(s.len());
        max = max.max(s.max_char());
    }
    if len > super::MAX_LEN {
        return Err(cx.overflow_error("join() result is too long for a Python string"));
    }
    if max < 0x100 && len > 1 {
        super::storage::check_room(cx, len)?;
        let texts = items.iter().filter_map(|o| o.downcast::<Str>());
        return Ok(super::storage::join_latin1(sep, texts, len, max < 0x80));
    }
    let mut out = StrBuilder::with_capacity(cx, len, max)?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_payload(sep);
        }
        out.push_obj(item);
    }
    Ok(out.finish())
}
