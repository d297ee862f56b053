//! The methods of `str`, thin over the modules that do the work.

use super::{Str, case, edit, expect, slicing, split, translate};
use crate::ctx::{Ctx, PyResult};
use crate::native::{This, pymethods};
use crate::value::Obj;

macro_rules! text {
    ($cx:expr, $f:literal, $o:expr) => {
        expect($cx, $o, |t| format!(concat!($f, "() argument must be str, not {}"), t))?
    };
}

fn nth<'a>(cx: &Ctx, f: &str, n: usize, o: &'a Obj) -> PyResult<&'a Str> {
    expect(cx, o, |t| format!("{f}() argument {n} must be str, not {t}"))
}

#[pymethods(part = "methods")]
impl Str {
    /// Returns a copy with the first character in title case and the rest in lower case.
    #[pymethod]
    fn capitalize(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::capitalize(this.payload())
    }

    /// Returns a copy for comparisons without regard to case.
    #[pymethod]
    fn casefold(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::casefold(this.payload())
    }

    /// Returns a copy in lower case.
    #[pymethod]
    fn lower(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::lower(this.payload())
    }

    /// Returns a copy in upper case.
    #[pymethod]
    fn upper(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::upper(this.payload())
    }

    /// Returns a copy with upper case turned to lower case and the other way round.
    #[pymethod]
    fn swapcase(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::swapcase(this.payload())
    }

    /// Returns a copy in which every word starts in title case and goes on in lower case.
    #[pymethod]
    fn title(_cx: &Ctx, this: This<'_, Str>) -> Obj {
        case::title(this.payload())
    }

    /// Whether there are characters and all are letters or numbers.
    #[pymethod]
    fn isalnum(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_alnum(this.payload())
    }

    /// Whether there are characters and all are letters.
    #[pymethod]
    fn isalpha(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_alpha(this.payload())
    }

    /// Whether all characters are ASCII (true of the empty string).
    #[pymethod]
    fn isascii(_cx: &Ctx, this: This<'_, Str>) -> bool {
        this.payload().is_ascii()
    }

    /// Whether there are characters and all are decimal digits.
    #[pymethod]
    fn isdecimal(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_decimal(this.payload())
    }

    /// Whether there are characters and all are digits.
    #[pymethod]
    fn isdigit(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_digit(this.payload())
    }

    /// Whether the text is an identifier. Keywords are identifiers too.
    #[pymethod]
    fn isidentifier(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_identifier(this.payload())
    }

    /// Whether there is a cased character and all of them are in lower case.
    #[pymethod]
    fn islower(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_lower(this.payload())
    }

    /// Whether there are characters and all are numeric.
    #[pymethod]
    fn isnumeric(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_numeric(this.payload())
    }

    /// Whether repr() shows all characters as they are (true of the empty string).
    #[pymethod]
    fn isprintable(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_printable(this.payload())
    }

    /// Whether there are characters and all are whitespace.
    #[pymethod]
    fn isspace(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_space(this.payload())
    }

    /// Whether every word starts in upper or title case and goes on in lower case, and there is one.
    #[pymethod]
    fn istitle(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_title(this.payload())
    }

    /// Whether there is a cased character and all of them are in upper case.
    #[pymethod]
    fn isupper(_cx: &Ctx, this: This<'_, Str>) -> bool {
        case::is_upper(this.payload())
    }

    /// Returns the text in the middle of a field.
    #[pymethod(sig = "($self, width, fillchar=' ', /)")]
    fn center(cx: &Ctx, this: This<'_, Str>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
        let (width, fill) = (width.to_isize(cx)?, edit::fill_char(cx, fillchar)?);
        let n = edit::missing(this.payload(), width);
        let left = edit::center_left(n, width);
        edit::pad(cx, this.obj(), this.payload(), left, n - left, fill)
    }

    /// Returns the text at the left of a field.
    #[pymethod(sig = "($self, width, fillchar=' ', /)")]
    fn ljust(cx: &Ctx, this: This<'_, Str>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
        let (width, fill) = (width.to_isize(cx)?, edit::fill_char(cx, fillchar)?);
        edit::pad(cx, this.obj(), this.payload(), 0, edit::missing(this.payload(), width), fill)
    }

    /// Returns the text at the right of a field.
    #[pymethod(sig = "($self, width, fillchar=' ', /)")]
    fn rjust(cx: &Ctx, this: This<'_, Str>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
        let (width, fill) = (width.to_isize(cx)?, edit::fill_char(cx, fillchar)?);
        edit::pad(cx, this.obj(), this.payload(), edit::missing(this.payload(), width), 0, fill)
    }

    /// Fills up with zeros at the left, after a sign.
    #[pymethod(sig = "($self, width, /)")]
    fn zfill(cx: &Ctx, this: This<'_, Str>, width: &Obj) -> PyResult {
        edit::zfill(cx, this.obj(), this.payload(), width.to_isize(cx)?)
    }

    /// Returns a copy in which tabs are replaced by spaces up to the next column.
    #[pymethod(sig = "($self, /, tabsize=8)")]
    fn expandtabs(cx: &Ctx, this: This<'_, Str>, tabsize: Option<&Obj>) -> PyResult {
        let tab = crate::types::bytes::args::c_int(cx, tabsize, 8)?;
        edit::expandtabs(cx, this.payload(), tab)
    }

    /// Returns a copy without the given characters (whitespace by default) at both ends.
    #[pymethod(sig = "($self, chars=None, /)")]
    fn strip(cx: &Ctx, this: This<'_, Str>, chars: Obj) -> PyResult {
        edit::strip(cx, this.obj(), this.payload(), &chars, edit::BOTH, "strip")
    }

    /// Returns a copy without the given characters (whitespace by default) at the start.
    #[pymethod(sig = "($self, chars=None, /)")]
    fn lstrip(cx: &Ctx, this: This<'_, Str>, chars: Obj) -> PyResult {
        edit::strip(cx, this.obj(), this.payload(), &chars, edit::LEFT, "lstrip")
    }

    /// Returns a copy without the given characters (whitespace by default) at the end.
    #[pymethod(sig = "($self, chars=None, /)")]
    fn rstrip(cx: &Ctx, this: This<'_, Str>, chars: Obj) -> PyResult {
        edit::strip(cx, this.obj(), this.payload(), &chars, edit::RIGHT, "rstrip")
    }

    /// Returns a copy without the prefix if it is there.
    #[pymethod(sig = "($self, prefix, /)")]
    fn removeprefix(cx: &Ctx, this: This<'_, Str>, prefix: &Obj) -> PyResult {
        Ok(edit::remove_prefix(this.obj(), this.payload(), text!(cx, "removeprefix", prefix)))
    }

    /// Returns a copy without the suffix if it is there.
    #[pymethod(sig = "($self, suffix, /)")]
    fn removesuffix(cx: &Ctx, this: This<'_, Str>, suffix: &Obj) -> PyResult {
        Ok(edit::remove_suffix(this.obj(), this.payload(), text!(cx, "removesuffix", suffix)))
    }

    /// Returns a copy with occurrences of a substring replaced, all or the first `count`.
    #[pymethod(sig = "($self, old, new, /, count=-1)")]
    fn replace(cx: &Ctx, this: This<'_, Str>, old: &Obj, new: &Obj, count: Option<&Obj>) -> PyResult {
        let (old, new) = (nth(cx, "replace", 1, old)?, nth(cx, "replace", 2, new)?);
        let count = count.map_or(Ok(-1), |c| c.to_isize(cx))?;
        edit::replace(cx, this.obj(), this.payload(), old, new, count)
    }

    /// Returns a list of the parts between separators (runs of whitespace by default).
    #[pymethod(sig = "($self, /, sep=None, maxsplit=-1)")]
    fn split(cx: &Ctx, this: This<'_, Str>, sep: Obj, maxsplit: Option<&Obj>) -> PyResult {
        let max = maxsplit.map_or(Ok(-1), |m| m.to_isize(cx))?;
        split::split(cx, this.obj(), this.payload(), &sep, max)
    }

    /// As split, but splits from the right.
    #[pymethod(sig = "($self, /, sep=None, maxsplit=-1)")]
    fn rsplit(cx: &Ctx, this: This<'_, Str>, sep: Obj, maxsplit: Option<&Obj>) -> PyResult {
        let max = maxsplit.map_or(Ok(-1), |m| m.to_isize(cx))?;
        split::rsplit(cx, this.obj(), this.payload(), &sep, max)
    }

    /// Returns a list of the lines.
    #[pymethod(sig = "($self, /, keepends=False)")]
    fn splitlines(cx: &Ctx, this: This<'_, Str>, keepends: Option<&Obj>) -> PyResult {
        let keep = keepends.map_or(Ok(false), |k| k.truthy(cx))?;
        Ok(split::splitlines(this.obj(), this.payload(), keep))
    }

    /// Splits at the first separator: the part before, the separator, the part after.
    #[pymethod(sig = "($self, sep, /)")]
    fn partition(cx: &Ctx, this: This<'_, Str>, sep: &Obj) -> PyResult {
        split::partition(cx, this.obj(), this.payload(), sep, false)
    }

    /// Splits at the last separator: the part before, the separator, the part after.
    #[pymethod(sig = "($self, sep, /)")]
    fn rpartition(cx: &Ctx, this: This<'_, Str>, sep: &Obj) -> PyResult {
        split::partition(cx, this.obj(), this.payload(), sep, true)
    }

    /// Concatenates strings with this one between them.
    #[pymethod(sig = "($self, iterable, /)")]
    fn join(cx: &Ctx, this: This<'_, Str>, iterable: &Obj) -> PyResult {
        split::join(cx, this.payload(), iterable)
    }

    /// Replaces each character by what the table gives for its code point.
    #[pymethod(sig = "($self, table, /)")]
    fn translate(cx: &Ctx, this: This<'_, Str>, table: &Obj) -> PyResult {
        translate::translate(cx, this.payload(), table)
    }
}

/// What a searching method does with the resolved bounds.
fn locate<'a>(
    cx: &Ctx,
    s: &Str,
    f: &str,
    sub: &'a Obj,
    start: Option<&Obj>,
    end: Option<&Obj>,
) -> PyResult<(&'a Str, Option<(usize, usize)>)> {
    let n = nth(cx, f, 1, sub)?;
    let (start, end) = slicing::bounds(cx, start, end, s.len())?;
    Ok((n, if start <= end { Some((start as usize, end as usize)) } else { None }))
}

fn index_of(place: Option<usize>) -> i64 {
    place.map_or(-1, |p| p as i64)
}

#[pymethods(part = "search")]
impl Str {
    /// Returns the lowest index of a substring in s[start:end], or -1.
    #[pymethod(sig = "($self, sub, start=None, end=None, /)", name = "find")]
    fn py_find(cx: &Ctx, this: This<'_, Str>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
        let (n, range) = locate(cx, this.payload(), "find", sub, start, end)?;
        Ok(index_of(range.and_then(|(a, b)| this.payload().find(n, a, b))))
    }

    /// Returns the highest index of a substring in s[start:end], or -1.
    #[pymethod(sig = "($self, sub, start=None, end=None, /)", name = "rfind")]
    fn py_rfind(cx: &Ctx, this: This<'_, Str>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
        let (n, range) = locate(cx, this.payload(), "rfind", sub, start, end)?;
        Ok(index_of(range.and_then(|(a, b)| this.payload().rfind(n, a, b))))
    }

    /// As find, but raises ValueError where the substring is not found.
    #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
    fn index(cx: &Ctx, this: This<'_, Str>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
        let (n, range) = locate(cx, this.payload(), "index", sub, start, end)?;
        match range.and_then(|(a, b)| this.payload().find(n, a, b)) {
            Some(i) => Ok(i as i64),
            None => Err(cx.value_error("substring not found")),
        }
    }

    /// As rfind, but raises ValueError where the substring is not found.
    #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
    fn rindex(cx: &Ctx, this: This<'_, Str>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
        let (n, range) = locate(cx, this.payload(), "rindex", sub, start, end)?;
        match range.and_then(|(a, b)| this.payload().rfind(n, a, b)) {
            Some(i) => Ok(i as i64),
            None => Err(cx.value_error("substring not found")),
        }
    }

    /// Counts the occurrences of a substring in s[start:end] that do not overlap.
    #[pymethod(sig = "($self, sub, start=None, end=None, /)", name = "count")]
    fn py_count(cx: &Ctx, this: This<'_, Str>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<usize> {
        let (n, range) = locate(cx, this.payload(), "count", sub, start, end)?;
        Ok(range.map_or(0, |(a, b)| this.payload().count(n, a, b)))
    }

    /// Whether s[start:end] starts with the prefix, or with one of a tuple of prefixes.
    #[pymethod(sig = "($self, prefix, start=None, end=None, /)")]
    fn startswith(
        cx: &Ctx,
        this: This<'_, Str>,
        prefix: &Obj,
        start: Option<&Obj>,
        end: Option<&Obj>,
    ) -> PyResult<bool> {
        let range = slicing::bounds(cx, start, end, this.payload().len())?;
        edit::tailmatch(cx, this.payload(), prefix, range, false, "startswith")
    }

    /// Whether s[start:end] ends with the suffix, or with one of a tuple of suffixes.
    #[pymethod(sig = "($self, suffix, start=None, end=None, /)")]
    fn endswith(cx: &Ctx, this: This<'_, Str>, suffix: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<bool> {
        let range = slicing::bounds(cx, start, end, this.payload().len())?;
        edit::tailmatch(cx, this.payload(), suffix, range, true, "endswith")
    }
}
