//! Pattern objects.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{self as text, Str, StrBuilder, StrData, Unit};
use cinder_pyobj::types::{CmpOp, Type, generic_alias, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::engine::{Matcher, Outcome};
use super::matching::Match;
use super::program::Program;
use super::scan::{MatchIterator, Scanner};
use super::template::{self, Template};

/// What a pattern can be applied to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SubjectKind {
    Text,
    Bytes,
    Any,
}

/// How a match must lie in the subject.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Anywhere.
    Search,
    /// At the start.
    Match,
    /// At the start, up to the end.
    FullMatch,
}

/// A compiled regular expression.
#[derive(Traverse)]
#[pyclass(name = "Pattern", module = "re", flags(no_new, weakref))]
pub(super) struct Pattern {
    pattern: Obj,
    #[traverse(skip)]
    flags: i64,
    #[traverse(skip)]
    program: Program,
    #[traverse(skip)]
    groups: usize,
    groupindex: Obj,
    indexgroup: Obj,
    #[traverse(skip)]
    kind: SubjectKind,
}

/// Where a match and its groups lie.
pub(super) struct Found {
    /// Start and end of the match, then of each group.
    pub(super) spans: Vec<Option<(usize, usize)>>,
    /// The group closed last.
    pub(super) last_group: usize,
}

impl Found {
    pub(super) fn whole(&self) -> (usize, usize) {
        self.spans.first().copied().flatten().unwrap_or((0, 0))
    }
}

/// Reads the subject's code units. The closure must not run Python code.
fn with_subject<R>(cx: &Ctx, subject: &Obj, f: impl FnOnce(StrData<'_>) -> R) -> PyResult<R> {
    match subject.downcast::<Str>() {
        Some(s) => Ok(f(s.data())),
        None => Ok(BytesLike::new(cx, subject)?.with(|b| f(StrData::Latin1(b)))),
    }
}

/// The length of a subject.
pub(super) fn subject_len(cx: &Ctx, subject: &Obj) -> PyResult<usize> {
    with_subject(cx, subject, |d| d.len())
}

/// A part of the subject.
pub(super) fn slice(cx: &Ctx, subject: &Obj, from: usize, to: usize) -> PyResult {
    if let Some(s) = subject.downcast::<Str>() {
        if from == 0 && to >= s.len() {
            return Ok(if text::is_exact(subject) { subject.clone() } else { text::to_exact(s) });
        }
        let (a, b) = (from.min(s.len()), to.min(s.len()));
        return Ok(cinder_pyobj::with_units!(s.data(), u => text::from_units(&u[a..b.max(a)])));
    }
    if let Some(b) = bytes::as_bytes(subject)
        && from == 0
        && to >= b.len()
        && subject.is_exact(cinder_pyobj::native::FixedShape::Bytes)
    {
        return Ok(subject.clone());
    }
    Ok(BytesLike::new(cx, subject)?.with(|b| bytes::new(b.get(from..to.min(b.len())).unwrap_or(&[]))))
}

impl Pattern {
    pub(super) fn new(
        pattern: Obj,
        flags: i64,
        code: Vec<u32>,
        groups: usize,
        groupindex: Obj,
        indexgroup: Obj,
        kind: SubjectKind,
    ) -> Pattern {
        Pattern { pattern, flags, program: Program::new(code), groups, groupindex, indexgroup, kind }
    }

    pub(super) fn group_count(&self) -> usize {
        self.groups
    }

    pub(super) fn group_index(&self) -> &Obj {
        &self.groupindex
    }

    pub(super) fn index_group(&self) -> &Obj {
        &self.indexgroup
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == SubjectKind::Text
    }

    /// Refuses subjects of the wrong kind.
    pub(super) fn check_subject(&self, cx: &Ctx, subject: &Obj) -> PyResult<()> {
        let is_text = subject.downcast::<Str>().is_some();
        if !is_text && !bytes::args::is_bytes_like(subject) {
            return Err(
                cx.type_error(format!("expected string or bytes-like object, got '{}'", subject.type_of().name()))
            );
        }
        match (self.kind, is_text) {
            (SubjectKind::Text, false) => Err(cx.type_error("cannot use a string pattern on a bytes-like object")),
            (SubjectKind::Bytes, true) => Err(cx.type_error("cannot use a bytes pattern on a string-like object")),
            _ => Ok(()),
        }
    }

    /// Matches once between two positions.
    pub(super) fn find(
        &self,
        cx: &Ctx,
        subject: &Obj,
        (start, end): (usize, usize),
        mode: Mode,
        must_advance: bool,
    ) -> PyResult<Option<Found>> {
        let r = with_subject(cx, subject, |d| {
            cinder_pyobj::with_units!(d, u => {
                let mut m = Matcher::new(&self.program, &u[..end.min(u.len())], self.groups);
                m.must_advance = must_advance;
                m.match_all = mode == Mode::FullMatch;
                let r = if mode == Mode::Search { m.search(start) } else { m.match_at(start) };
                (r, found(&m))
            })
        })?;
        match r {
            (Outcome::Match, f) => Ok(Some(f)),
            (Outcome::NoMatch, _) => Ok(None),
            (Outcome::Stopped, _) => Err(stopped(cx)),
        }
    }

    /// Up to `limit` matches that do not overlap (0: all).
    fn find_all(&self, cx: &Ctx, subject: &Obj, (start, end): (usize, usize), limit: usize) -> PyResult<Vec<Found>> {
        let r = with_subject(cx, subject, |d| {
            cinder_pyobj::with_units!(d, u => {
                let mut m = Matcher::new(&self.program, &u[..end.min(u.len())], self.groups);
                all(&mut m, start, limit)
            })
        })?;
        r.ok_or_else(|| stopped(cx))
    }

    fn span(&self, cx: &Ctx, subject: &Obj, pos: isize, endpos: isize) -> PyResult<(usize, usize)> {
        self.check_subject(cx, subject)?;
        let n = subject_len(cx, subject)?;
        Ok((pos.max(0).unsigned_abs().min(n), endpos.max(0).unsigned_abs().min(n)))
    }

    fn once(this: This<'_, Pattern>, cx: &Ctx, subject: &Obj, pos: isize, endpos: isize, mode: Mode) -> PyResult {
        let span = this.span(cx, subject, pos, endpos)?;
        if span.0 > span.1 {
            return Ok(Obj::none());
        }
        match this.find(cx, subject, span, mode, false)? {
            Some(f) => Ok(Match::make(this.obj(), subject, span, f)),
            None => Ok(Obj::none()),
        }
    }
}

/// Why a search stopped: what a signal handler raised, else want of memory.
fn stopped(cx: &Ctx) -> Raised {
    match cx.take_pending() {
        Some(e) => cx.set_pending(e),
        None => cx.no_memory(),
    }
}

fn found<U: Unit>(m: &Matcher<'_, U>) -> Found {
    let groups = (0..m.marks.len() / 2).map(|g| m.group(g));
    Found { spans: std::iter::once(Some((m.start, m.end))).chain(groups).collect(), last_group: m.last_group as usize }
}

fn all<U: Unit>(m: &mut Matcher<'_, U>, start: usize, limit: usize) -> Option<Vec<Found>> {
    let mut out = Vec::new();
    let mut at = start;
    while limit == 0 || out.len() < limit {
        match m.search(at) {
            Outcome::Match => {}
            Outcome::NoMatch => break,
            Outcome::Stopped => return None,
        }
        // As for the matcher's own stack, what has no room ends the search.
        out.try_reserve(1).ok()?;
        out.push(found(m));
        // After an empty match the next one must not be empty at the same place.
        m.must_advance = m.end == m.start;
        at = m.end;
    }
    Some(out)
}

#[pymethods]
impl Pattern {
    /// Matches at the beginning of the string.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn r#match(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        Pattern::once(this, cx, string, pos, endpos, Mode::Match)
    }

    /// Matches the whole string.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn fullmatch(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        Pattern::once(this, cx, string, pos, endpos, Mode::FullMatch)
    }

    /// Finds the first match.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn search(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        Pattern::once(this, cx, string, pos, endpos, Mode::Search)
    }

    /// Finds all matches: a list of the matches, of their group, or of tuples of their groups.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn findall(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        let span = this.span(cx, string, pos, endpos)?;
        let mut out = Vec::new();
        for f in this.find_all(cx, string, span, 0)? {
            let part = |i: usize| {
                let (a, b) = f.spans.get(i).copied().flatten().unwrap_or((0, 0));
                slice(cx, string, a, b)
            };
            let item = match this.groups {
                0 => part(0)?,
                1 => part(1)?,
                n => tuple::new((1..=n).map(part).collect::<PyResult<_>>()?),
            };
            cx.step()?;
            cx.push(&mut out, item)?;
        }
        Ok(list::new(out))
    }

    /// An iterator over all matches.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn finditer(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        let span = this.span(cx, string, pos, endpos)?;
        Ok(new_instance(MatchIterator::type_object(), MatchIterator::new(cx, this.obj(), string, span)?))
    }

    /// A scanner, which finds one match after the other.
    #[pymethod(sig = "($self, /, string, pos=0, endpos=sys.maxsize)")]
    fn scanner(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, pos: isize, endpos: isize) -> PyResult {
        let span = this.span(cx, string, pos, endpos)?;
        Ok(new_instance(Scanner::type_object(), Scanner::new(cx, this.obj(), string, span)?))
    }

    /// Splits a string at the matches. What groups matched comes between the parts.
    #[pymethod(sig = "($self, /, string, maxsplit=0)")]
    fn split(cx: &Ctx, this: This<'_, Pattern>, string: &Obj, maxsplit: isize) -> PyResult {
        let span = this.span(cx, string, 0, isize::MAX)?;
        if maxsplit < 0 {
            return Ok(list::new(vec![slice(cx, string, 0, span.1)?]));
        }
        let mut out = Vec::new();
        let mut at = 0;
        for f in this.find_all(cx, string, span, maxsplit as usize)? {
            let (a, b) = f.whole();
            cx.step()?;
            cx.push(&mut out, slice(cx, string, at, a)?)?;
            for g in f.spans.iter().skip(1) {
                let part = match g {
                    Some((a, b)) => slice(cx, string, *a, *b)?,
                    None => Obj::none(),
                };
                cx.push(&mut out, part)?;
            }
            at = b;
        }
        out.push(slice(cx, string, at, span.1)?);
        Ok(list::new(out))
    }

    /// Replaces the matches, all or the first `count`.
    #[pymethod(sig = "($self, /, repl, string, count=0)")]
    fn sub(cx: &Ctx, this: This<'_, Pattern>, repl: &Obj, string: &Obj, count: isize) -> PyResult {
        Ok(substitute(cx, this, repl, string, count)?.0)
    }

    /// As sub, but returns a pair of the new string and the number of replacements.
    #[pymethod(sig = "($self, /, repl, string, count=0)")]
    fn subn(cx: &Ctx, this: This<'_, Pattern>, repl: &Obj, string: &Obj, count: isize) -> PyResult {
        let (s, n) = substitute(cx, this, repl, string, count)?;
        Ok(tuple::new(vec![s, Obj::from(n)]))
    }

    /// Returns the pattern itself.
    #[pymethod]
    fn __copy__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    /// Returns the pattern itself.
    #[pymethod(sig = "($self, memo, /)")]
    fn __deepcopy__(_cx: &Ctx, this: &Obj, memo: &Obj) -> Obj {
        let _ = memo;
        this.clone()
    }

    /// `re.Pattern[str]`, for annotations.
    #[pyclassmethod(sig = "($type, item, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Type, item: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), item)
    }

    fn __repr__(cx: &Ctx, this: This<'_, Pattern>) -> PyResult {
        const FLAGS: [(i64, &str); 8] = [
            (2, "IGNORECASE"),
            (4, "LOCALE"),
            (8, "MULTILINE"),
            (16, "DOTALL"),
            (32, "UNICODE"),
            (64, "VERBOSE"),
            (128, "DEBUG"),
            (256, "ASCII"),
        ];
        let mut left = this.flags;
        if this.is_text() && left & (4 | 32 | 256) == 32 {
            left &= !32;
        }
        let mut names: Vec<String> = Vec::new();
        for (bit, name) in FLAGS {
            if left & bit != 0 {
                names.push(format!("re.{name}"));
                left &= !bit;
            }
        }
        if left != 0 {
            names.push(format!("{left:#x}"));
        }
        let shown = this.pattern.repr(cx)?;
        let mut out = StrBuilder::new();
        out.push_str("re.compile(");
        if let Some(s) = shown.downcast::<Str>() {
            out.push_range(s, 0, s.len().min(200));
        }
        if !names.is_empty() {
            out.push_str(", ");
            out.push_str(&names.join("|"));
        }
        out.push_str(")");
        Ok(out.finish())
    }

    fn __hash__(cx: &Ctx, this: This<'_, Pattern>) -> PyResult<i64> {
        let h = this.pattern.hash(cx)? ^ this.flags ^ (this.kind as i64) << 8 ^ (this.groups as i64) << 16;
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Pattern>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Pattern>() else { return Ok(Obj::not_implemented()) };
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        let eq = this.flags == o.flags
            && this.kind == o.kind
            && this.program.code() == o.program.code()
            && this.pattern.eq(cx, &o.pattern)?;
        Ok(Obj::from_bool(eq == (op == CmpOp::Eq)))
    }

    /// The pattern string.
    #[pygetter(member)]
    fn pattern(&self) -> Obj {
        self.pattern.clone()
    }

    /// The flags.
    #[pygetter(member)]
    fn flags(&self) -> i64 {
        self.flags
    }

    /// The number of groups.
    #[pygetter(member)]
    fn groups(&self) -> usize {
        self.groups
    }

    /// A mapping from group names to numbers.
    #[pygetter]
    fn groupindex(cx: &Ctx, this: This<'_, Pattern>) -> PyResult {
        cinder_pyobj::types::mapping_proxy::MappingProxy::type_object().as_obj().call1(cx, &this.groupindex)
    }
}

/// What matches are replaced by.
enum Replacement {
    Literal(Obj),
    Template(Obj),
    Call(Obj),
}

fn has_backslash(cx: &Ctx, o: &Obj) -> PyResult<Option<bool>> {
    if let Some(s) = o.downcast::<Str>() {
        return Ok(Some(s.find_char('\\' as u32, 0).is_some()));
    }
    if bytes::args::is_bytes_like(o) {
        return Ok(Some(BytesLike::new(cx, o)?.with(|b| b.contains(&b'\\'))));
    }
    Ok(None)
}

fn replacement(cx: &Ctx, pattern: &Obj, repl: &Obj) -> PyResult<Replacement> {
    if repl.is_callable() {
        return Ok(Replacement::Call(repl.clone()));
    }
    if has_backslash(cx, repl)? == Some(false) {
        return Ok(Replacement::Literal(repl.clone()));
    }
    let t = template::compile(cx, pattern, repl)?;
    match t.downcast::<Template>() {
        Some(_) => Ok(Replacement::Template(t)),
        None => Ok(Replacement::Literal(t)),
    }
}

fn substitute(cx: &Ctx, this: This<'_, Pattern>, repl: &Obj, string: &Obj, count: isize) -> PyResult<(Obj, usize)> {
    let with = replacement(cx, this.obj(), repl)?;
    let span = this.span(cx, string, 0, isize::MAX)?;
    if count < 0 {
        return Ok((slice(cx, string, 0, span.1)?, 0));
    }
    let matches = this.find_all(cx, string, span, count as usize)?;
    if matches.is_empty() {
        return Ok((slice(cx, string, 0, span.1)?, 0));
    }
    let n = matches.len();
    let mut parts = Vec::new();
    cx.make_room(&mut parts, 2 * n + 1)?;
    let mut at = 0;
    for f in matches {
        let (a, b) = f.whole();
        cx.step()?;
        if a > at {
            parts.push(slice(cx, string, at, a)?);
        }
        at = b;
        match &with {
            Replacement::Literal(t) => parts.push(t.clone()),
            Replacement::Template(t) => template::expand_into(cx, t, string, &f, &mut parts)?,
            Replacement::Call(c) => {
                let m = Match::make(this.obj(), string, span, f);
                let r = c.call1(cx, &m)?;
                if !r.is_none() {
                    parts.push(r);
                }
            }
        }
    }
    if at < span.1 {
        parts.push(slice(cx, string, at, span.1)?);
    }
    Ok((join(cx, string, parts)?, n))
}

/// The parts as one string of the subject's kind.
pub(super) fn join(cx: &Ctx, subject: &Obj, parts: Vec<Obj>) -> PyResult {
    let empty = if subject.downcast::<Str>().is_some() { text::empty() } else { bytes::new(&[]) };
    match empty.downcast::<Str>() {
        Some(sep) => text::join_items(cx, sep, &parts),
        None => empty.call_method(cx, cinder_pyobj::intern!("join"), &[list::new(parts)]),
    }
}
