//! What the methods of bytes and bytearray compute, over slices.

use super::ascii::is_space;
use super::room;
use crate::ctx::{Ctx, PyResult};
use crate::types::str::search::Needle;

/// The parts between separators, at most `max` splits.
pub(crate) fn split<'a>(b: &'a [u8], sep: Option<&[u8]>, max: isize) -> Vec<&'a [u8]> {
    let mut left = usize::try_from(max).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    let mut at = 0;
    if let Some(sep) = sep {
        for p in Needle::bytes(sep).places(b).take(left) {
            out.push(&b[at..p]);
            at = p + sep.len();
        }
        out.push(&b[at..]);
        return out;
    }
    loop {
        while at < b.len() && is_space(b[at]) {
            at += 1;
        }
        if at == b.len() {
            return out;
        }
        if left == 0 {
            out.push(&b[at..]);
            return out;
        }
        let start = at;
        while at < b.len() && !is_space(b[at]) {
            at += 1;
        }
        out.push(&b[start..at]);
        left -= 1;
    }
}

/// As [`split`], from the right.
pub(crate) fn rsplit<'a>(b: &'a [u8], sep: Option<&[u8]>, max: isize) -> Vec<&'a [u8]> {
    let mut left = usize::try_from(max).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    let mut end = b.len();
    if let Some(sep) = sep {
        let needle = Needle::bytes(sep);
        while left > 0 {
            let Some(p) = needle.rfind(&b[..end]) else { break };
            out.push(&b[p + sep.len()..end]);
            end = p;
            left -= 1;
        }
        out.push(&b[..end]);
    } else {
        loop {
            while end > 0 && is_space(b[end - 1]) {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            if left == 0 {
                out.push(&b[..end]);
                break;
            }
            let stop = end;
            while end > 0 && !is_space(b[end - 1]) {
                end -= 1;
            }
            out.push(&b[end..stop]);
            left -= 1;
        }
    }
    out.reverse();
    out
}

pub(crate) fn splitlines(b: &[u8], keepends: bool) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < b.len() {
        let end = memchr::memchr2(b'\n', b'\r', &b[at..]).map_or(b.len(), |n| at + n);
        let next = match b.get(end) {
            None => end,
            Some(b'\r') if b.get(end + 1) == Some(&b'\n') => end + 2,
            Some(_) => end + 1,
        };
        out.push(&b[at..if keepends { next } else { end }]);
        at = next;
    }
    out
}

/// The range that stripping leaves.
pub(crate) fn strip(b: &[u8], chars: Option<&[u8]>, left: bool, right: bool) -> std::ops::Range<usize> {
    let cut = |c: u8| chars.map_or_else(|| is_space(c), |s| s.contains(&c));
    let (mut from, mut to) = (0, b.len());
    while left && from < to && cut(b[from]) {
        from += 1;
    }
    while right && to > from && cut(b[to - 1]) {
        to -= 1;
    }
    from..to
}

/// Replaces up to `count` places; nothing where there is none.
pub(crate) fn replace(cx: &Ctx, b: &[u8], old: &[u8], new: &[u8], count: isize) -> PyResult<Option<Vec<u8>>> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut places: Vec<usize> = Vec::new();
    for p in Needle::bytes(old).places(b).take(limit) {
        cx.push(&mut places, p)?;
    }
    if places.is_empty() {
        return Ok(None);
    }
    let len = (b.len() - places.len() * old.len()).checked_add(places.len().saturating_mul(new.len()));
    let len = len.filter(|n| *n <= isize::MAX as usize);
    let len = len.ok_or_else(|| cx.overflow_error("replace bytes is too long"))?;
    let mut out = room(cx, len)?;
    let mut at = 0;
    for p in places {
        out.extend_from_slice(&b[at..p]);
        out.extend_from_slice(new);
        at = p + old.len();
    }
    out.extend_from_slice(&b[at..]);
    Ok(Some(out))
}

pub(crate) fn pad(cx: &Ctx, b: &[u8], left: usize, right: usize, fill: u8) -> PyResult<Vec<u8>> {
    let mut out = room(cx, left.saturating_add(right).saturating_add(b.len()))?;
    out.resize(left, fill);
    out.extend_from_slice(b);
    out.resize(left + b.len() + right, fill);
    Ok(out)
}

pub(crate) fn missing(len: usize, width: isize) -> usize {
    usize::try_from(width).unwrap_or(0).saturating_sub(len)
}

pub(crate) fn zfill(cx: &Ctx, b: &[u8], width: isize) -> PyResult<Vec<u8>> {
    let n = missing(b.len(), width);
    let mut out = pad(cx, b, n, 0, b'0')?;
    if n > 0 && matches!(b.first(), Some(b'+' | b'-')) {
        out.swap(0, n);
    }
    Ok(out)
}

pub(crate) fn expandtabs(cx: &Ctx, b: &[u8], tabsize: isize) -> PyResult<Vec<u8>> {
    let tab = usize::try_from(tabsize).unwrap_or(0);
    let mut out = Vec::new();
    let mut column = 0usize;
    for &c in b {
        if c == b'\t' {
            if tab > 0 {
                let n = tab - column % tab;
                column += n;
                if out.try_reserve(n).is_err() {
                    return Err(cx.overflow_error("result too long"));
                }
                out.resize(out.len() + n, b' ');
            }
        } else {
            column = if c == b'\n' || c == b'\r' { 0 } else { column + 1 };
            out.push(c);
        }
    }
    Ok(out)
}

pub(crate) fn translate(b: &[u8], table: Option<&[u8]>, delete: &[u8]) -> Vec<u8> {
    let mut gone = [false; 256];
    for &c in delete {
        gone[c as usize] = true;
    }
    b.iter()
        .filter(|c| !gone[**c as usize])
        .map(|c| table.and_then(|t| t.get(*c as usize)).copied().unwrap_or(*c))
        .collect()
}

/// `b * n`.
pub(crate) fn repeat(cx: &Ctx, b: &[u8], n: isize) -> PyResult<Vec<u8>> {
    let n = usize::try_from(n).unwrap_or(0);
    let len = b.len().checked_mul(n).filter(|l| *l <= isize::MAX as usize);
    let mut out = room(cx, len.ok_or_else(|| cx.overflow_error("repeated bytes are too long"))?)?;
    match b {
        [c] => out.resize(n, *c),
        _ => (0..if b.is_empty() { 0 } else { n }).for_each(|_| out.extend_from_slice(b)),
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_follows_python() {
        assert_eq!(split(b" a  b c ", None, -1), [&b"a"[..], b"b", b"c"]);
        assert_eq!(split(b" a  b c ", None, 1), [&b"a"[..], b"b c "]);
        assert_eq!(rsplit(b" a  b c ", None, 1), [&b" a  b"[..], b"c"]);
        assert_eq!(split(b"a,,b", Some(b","), -1), [&b"a"[..], b"", b"b"]);
        assert_eq!(rsplit(b"a,,b", Some(b","), 1), [&b"a,"[..], b"b"]);
        assert_eq!(splitlines(b"a\r\nb\rc\n", false), [&b"a"[..], b"b", b"c"]);
        assert_eq!(splitlines(b"a\r\nb", true), [&b"a\r\n"[..], b"b"]);
    }
}
