//! Methods that cut, pad and replace.

use super::search::{Needle, window};
use super::split::part;
use super::{Str, StrBuilder, StrData, case, exact_of, expect, storage};
use crate::ctx::{Ctx, PyResult};
use crate::types::tuple::Tuple;
use crate::value::Obj;

pub(crate) fn replace(cx: &Ctx, o: &Obj, s: &Str, old: &Str, new: &Str, count: isize) -> PyResult {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut places = smallvec::SmallVec::<[usize; 16]>::new();
    if let (StrData::Latin1(text), StrData::Latin1([c])) = (s.data(), old.data()) {
        for at in memchr::memchr_iter(*c, text).take(limit) {
            if places.len() == places.capacity() && places.try_reserve(1).is_err() {
                return Err(cx.no_memory());
            }
            places.push(at);
        }
    } else {
        let Some(needle) = Needle::in_text(s, old) else { return Ok(exact_of(o, s)) };
        for at in needle.places(window(s, 0, s.len())).take(limit) {
            if places.len() == places.capacity() && places.try_reserve(1).is_err() {
                return Err(cx.no_memory());
            }
            places.push(at);
        }
    }
    if places.is_empty() {
        return Ok(exact_of(o, s));
    }
    let len = (s.len() - places.len() * old.len()).checked_add(places.len().saturating_mul(new.len()));
    let len = len.filter(|n| *n <= super::MAX_LEN).ok_or_else(|| cx.overflow_error("replace string is too long"))?;
    if len > 1
        && let (StrData::Latin1(text), StrData::Latin1(with)) = (s.data(), new.data())
    {
        // Without the replaced parts the rest can be ASCII where the whole was not.
        let ascii = new.is_ascii() && (s.is_ascii() || outside(text, &places, old.len()).all(<[u8]>::is_ascii));
        storage::check_room(cx, len)?;
        return Ok(storage::replaced_latin1(outside(text, &places, old.len()), with, len, ascii));
    }
    let mut out = StrBuilder::with_capacity(cx, len, s.max_char().max(new.max_char()))?;
    let mut at = 0;
    for p in places {
        out.push_range(s, at, p);
        out.push_payload(new);
        at = p + old.len();
    }
    out.push_range(s, at, s.len());
    Ok(out.finish())
}

/// The parts of a text before, between and behind places of `width` units.
fn outside<'a>(text: &'a [u8], places: &'a [usize], width: usize) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(places.iter().map(move |p| p + width));
    let ends = places.iter().copied().chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(i, j)| &text[i..j])
}

/// Which ends a strip cuts.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub left: bool,
    pub right: bool,
}

pub(crate) const LEFT: Ends = Ends { left: true, right: false };
pub(crate) const RIGHT: Ends = Ends { left: false, right: true };
pub(crate) const BOTH: Ends = Ends { left: true, right: true };

pub(crate) fn strip(cx: &Ctx, o: &Obj, s: &Str, chars: &Obj, ends: Ends, method: &str) -> PyResult {
    if chars.is_none() {
        return Ok(strip_by(o, s, ends, case::is_space_code));
    }
    let Some(set) = chars.downcast::<Str>() else {
        return Err(cx.type_error(format!("{method} arg must be None or str")));
    };
    Ok(strip_by(o, s, ends, |c| set.find_char(c, 0).is_some()))
}

fn strip_by(o: &Obj, s: &Str, ends: Ends, cut: impl Fn(u32) -> bool) -> Obj {
    let data = s.data();
    let (mut from, mut to) = (0, s.len());
    if ends.left {
        while from < to && cut(data.at(from)) {
            from += 1;
        }
    }
    if ends.right {
        while to > from && cut(data.at(to - 1)) {
            to -= 1;
        }
    }
    part(o, s, from, to)
}

/// The fill character of a padding method.
pub(crate) fn fill_char(cx: &Ctx, fill: Option<&Obj>) -> PyResult<u32> {
    let Some(fill) = fill else { return Ok(' ' as u32) };
    let s = expect(cx, fill, |t| format!("The fill character must be a unicode character, not {t}"))?;
    match (s.len(), s.get(0)) {
        (1, Some(c)) => Ok(c),
        _ => Err(cx.type_error("The fill character must be exactly one character long")),
    }
}

/// `left` and `right` fill characters around the text.
pub(crate) fn pad(cx: &Ctx, o: &Obj, s: &Str, left: usize, right: usize, fill: u32) -> PyResult {
    if left == 0 && right == 0 {
        return Ok(exact_of(o, s));
    }
    let len = left.saturating_add(right).saturating_add(s.len());
    if len > super::MAX_LEN {
        return Err(cx.overflow_error("padded string is too long"));
    }
    let mut out = StrBuilder::with_capacity(cx, len, s.max_char().max(fill))?;
    out.push_repeat(fill, left);
    out.push_payload(s);
    out.push_repeat(fill, right);
    Ok(out.finish())
}

/// How many columns are missing to `width`.
pub(crate) fn missing(s: &Str, width: isize) -> usize {
    usize::try_from(width).unwrap_or(0).saturating_sub(s.len())
}

/// The left share of centring: the odd column goes left exactly where the width is odd.
pub(crate) fn center_left(missing: usize, width: isize) -> usize {
    missing / 2 + (missing & width as usize & 1)
}

pub(crate) fn zfill(cx: &Ctx, o: &Obj, s: &Str, width: isize) -> PyResult {
    let n = missing(s, width);
    if n == 0 {
        return Ok(exact_of(o, s));
    }
    if n.saturating_add(s.len()) > super::MAX_LEN {
        return Err(cx.overflow_error("padded string is too long"));
    }
    let mut out = StrBuilder::with_capacity(cx, n + s.len(), s.max_char())?;
    let sign = s.get(0).filter(|c| *c == '+' as u32 || *c == '-' as u32);
    out.push_repeat_opt(sign);
    out.push_repeat('0' as u32, n);
    out.push_range(s, usize::from(sign.is_some()), s.len());
    Ok(out.finish())
}

impl StrBuilder {
    fn push_repeat_opt(&mut self, c: Option<u32>) {
        if let Some(c) = c {
            self.push(c);
        }
    }
}

pub(crate) fn expandtabs(cx: &Ctx, s: &Str, tabsize: isize) -> PyResult {
    let tab = usize::try_from(tabsize).unwrap_or(0);
    let mut out = StrBuilder::new();
    let mut column = 0usize;
    for c in s.code_points() {
        if c == '\t' as u32 {
            if tab > 0 {
                let n = tab - column % tab;
                column += n;
                if n > super::MAX_LEN - out.len() {
                    return Err(cx.overflow_error("new string is too long"));
                }
                if n > 1 << 20 {
                    // A huge tab is checked for memory before it is written.
                    drop(StrBuilder::with_capacity(cx, out.len() + n, out.max_code())?);
                }
                out.push_repeat(' ' as u32, n);
            }
        } else {
            column = if c == 10 || c == 13 { 0 } else { column + 1 };
            out.push(c);
        }
    }
    Ok(out.finish())
}

impl StrBuilder {
    fn max_code(&self) -> u32 {
        match self.data() {
            super::StrData::Latin1(_) => 0xff,
            super::StrData::Ucs2(_) => 0xffff,
            super::StrData::Ucs4(_) => 0x10_ffff,
        }
    }
}

/// `startswith`/`endswith`: `affix` is a str or a tuple of them; the text is code points `start..end`.
pub(crate) fn tailmatch(
    cx: &Ctx,
    s: &Str,
    affix: &Obj,
    (start, end): (isize, isize),
    at_end: bool,
    method: &str,
) -> PyResult<bool> {
    let test = |a: &Str| {
        let (start, end) = (start.max(0) as usize, end.max(0) as usize);
        if end < start || end - start < a.len() {
            return false;
        }
        s.matches_at(a, if at_end { end - a.len() } else { start })
    };
    if let Some(a) = affix.downcast::<Str>() {
        return Ok(test(a));
    }
    let Some(t) = affix.downcast::<Tuple>() else {
        return Err(
            cx.type_error(format!("{method} first arg must be str or a tuple of str, not {}", affix.type_of().name()))
        );
    };
    for a in t.as_slice() {
        let a = expect(cx, a, |t| format!("tuple for {method} must only contain str, not {t}"))?;
        if test(a) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn remove_prefix(o: &Obj, s: &Str, prefix: &Str) -> Obj {
    if s.matches_at(prefix, 0) { part(o, s, prefix.len(), s.len()) } else { exact_of(o, s) }
}

pub(crate) fn remove_suffix(o: &Obj, s: &Str, suffix: &Str) -> Obj {
    let Some(at) = s.len().checked_sub(suffix.len()) else { return exact_of(o, s) };
    if !suffix.is_empty() && s.matches_at(suffix, at) { part(o, s, 0, at) } else { exact_of(o, s) }
}

/// `s * n`.
pub(crate) fn repeat(cx: &Ctx, o: &Obj, s: &Str, n: isize) -> PyResult {
    let n = usize::try_from(n).unwrap_or(0);
    if n == 0 || s.is_empty() {
        return Ok(super::empty());
    }
    if n == 1 {
        return Ok(exact_of(o, s));
    }
    let len = s.len().checked_mul(n).filter(|l| *l <= super::MAX_LEN);
    let len = len.ok_or_else(|| cx.overflow_error("repeated string is too long"))?;
    let mut out = StrBuilder::with_capacity(cx, len, s.max_char())?;
    if let (1, Some(c)) = (s.len(), s.get(0)) {
        out.push_repeat(c, n);
    } else {
        for _ in 0..n {
            out.push_payload(s);
        }
    }
    Ok(out.finish())
}
