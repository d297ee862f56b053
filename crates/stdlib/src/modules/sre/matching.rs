//! Match objects.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::str::{Str, StrBuilder};
use cinder_pyobj::types::tuple::Tuple;
use cinder_pyobj::types::{Type, dict, exc, generic_alias, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::pattern::{Found, Pattern, slice};
use super::template;

/// The result of a successful match.
#[derive(Traverse)]
#[pyclass(name = "Match", module = "re", flags(no_new))]
pub(super) struct Match {
    string: Obj,
    pattern: Obj,
    #[traverse(skip)]
    pos: usize,
    #[traverse(skip)]
    endpos: usize,
    #[traverse(skip)]
    found: Found,
}

impl Match {
    pub(super) fn make(pattern: &Obj, string: &Obj, (pos, endpos): (usize, usize), found: Found) -> Obj {
        let m = Match { string: string.clone(), pattern: pattern.clone(), pos, endpos, found };
        new_instance(Match::type_object(), m)
    }

    fn pattern(&self, cx: &Ctx) -> PyResult<&Pattern> {
        self.pattern.downcast::<Pattern>().ok_or_else(|| cx.system_error("a match without its pattern"))
    }

    /// The number of a group given by number or name.
    fn number(&self, cx: &Ctx, key: &Obj) -> PyResult<usize> {
        let n = if key.is_int() || key.type_of().slots.index.get().is_some() {
            int::as_i64(&key.index(cx)?)
        } else {
            match self.pattern(cx)?.group_index().get_item(cx, key) {
                Ok(v) => int::as_i64(&v),
                Err(r) => {
                    cx.swallow(r, exc::LookupError())?;
                    None
                }
            }
        };
        match n.and_then(|n| usize::try_from(n).ok()) {
            Some(n) if n < self.found.spans.len() => Ok(n),
            _ => Err(cx.index_error("no such group")),
        }
    }

    fn value(&self, cx: &Ctx, n: usize, default: &Obj) -> PyResult {
        match self.found.spans.get(n).copied().flatten() {
            Some((a, b)) => slice(cx, &self.string, a, b),
            None => Ok(default.clone()),
        }
    }

    fn span_of(&self, cx: &Ctx, group: Option<&Obj>) -> PyResult<(i64, i64)> {
        let n = group.map_or(Ok(0), |g| self.number(cx, g))?;
        let span = self.found.spans.get(n).copied().flatten();
        Ok(span.map_or((-1, -1), |(a, b)| (a as i64, b as i64)))
    }
}

fn pair((a, b): (i64, i64)) -> Obj {
    tuple::new(vec![Obj::from(a), Obj::from(b)])
}

#[pymethods]
impl Match {
    #[pyinit]
    fn looked_up_by_key(ty: &cinder_pyobj::types::Type) {
        ty.set_mapping_like();
    }

    /// The text of groups given by number or name: one string, or a tuple for several. Without arguments
    /// the whole match.
    #[pymethod(sig = "($self, /, *groups)")]
    fn group(cx: &Ctx, this: This<'_, Match>, args: Args<'_>) -> PyResult {
        args.no_keywords(cx, "group")?;
        let none = Obj::none();
        match args.pos() {
            [] => this.value(cx, 0, &none),
            [g] => this.value(cx, this.number(cx, g)?, &none),
            many => {
                let items = many.iter().map(|g| this.value(cx, this.number(cx, g)?, &none));
                Ok(tuple::new(items.collect::<PyResult<_>>()?))
            }
        }
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Match>, key: &Obj) -> PyResult {
        this.value(cx, this.number(cx, key)?, &Obj::none())
    }

    /// A tuple of the texts of all groups.
    #[pymethod(sig = "($self, /, default=None)")]
    fn groups(cx: &Ctx, this: This<'_, Match>, default: Obj) -> PyResult {
        let items = (1..this.found.spans.len()).map(|i| this.value(cx, i, &default));
        Ok(tuple::new(items.collect::<PyResult<_>>()?))
    }

    /// A dict of the texts of all named groups.
    #[pymethod(sig = "($self, /, default=None)")]
    fn groupdict(cx: &Ctx, this: This<'_, Match>, default: Obj) -> PyResult {
        let out = dict::new();
        this.pattern(cx)?.group_index().for_each(cx, |name| {
            let n = this.number(cx, &name)?;
            out.set_item(cx, &name, &this.value(cx, n, &default)?)
        })?;
        Ok(out)
    }

    /// Where a group starts, -1 if it did not match.
    #[pymethod(sig = "($self, group=0, /)")]
    fn start(cx: &Ctx, this: This<'_, Match>, group: Option<&Obj>) -> PyResult<i64> {
        Ok(this.span_of(cx, group)?.0)
    }

    /// Where a group ends, -1 if it did not match.
    #[pymethod(sig = "($self, group=0, /)")]
    fn end(cx: &Ctx, this: This<'_, Match>, group: Option<&Obj>) -> PyResult<i64> {
        Ok(this.span_of(cx, group)?.1)
    }

    /// Start and end of a group.
    #[pymethod(sig = "($self, group=0, /)")]
    fn span(cx: &Ctx, this: This<'_, Match>, group: Option<&Obj>) -> PyResult {
        Ok(pair(this.span_of(cx, group)?))
    }

    /// A template with the groups put in.
    #[pymethod(sig = "($self, /, template)")]
    fn expand(cx: &Ctx, this: This<'_, Match>, template: &Obj) -> PyResult {
        let t = template::compile(cx, &this.pattern, template)?;
        let mut parts = Vec::new();
        template::expand_into(cx, &t, &this.string, &this.found, &mut parts)?;
        super::pattern::join(cx, &this.string, parts)
    }

    /// Returns the match itself.
    #[pymethod]
    fn __copy__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    /// Returns the match itself.
    #[pymethod(sig = "($self, memo, /)")]
    fn __deepcopy__(_cx: &Ctx, this: &Obj, memo: &Obj) -> Obj {
        let _ = memo;
        this.clone()
    }

    /// `re.Match[str]`, for annotations.
    #[pyclassmethod(sig = "($type, item, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Type, item: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), item)
    }

    fn __repr__(cx: &Ctx, this: This<'_, Match>) -> PyResult {
        let (a, b) = this.found.whole();
        let shown = this.value(cx, 0, &Obj::none())?.repr(cx)?;
        let mut out = StrBuilder::new();
        out.push_str(&format!("<re.Match object; span=({a}, {b}), match="));
        if let Some(s) = shown.downcast::<Str>() {
            out.push_range(s, 0, s.len().min(50));
        }
        out.push_str(">");
        Ok(out.finish())
    }

    /// The string that was searched.
    #[pygetter(member)]
    fn string(&self) -> Obj {
        self.string.clone()
    }

    /// The pattern.
    #[pygetter(member)]
    fn re(&self) -> Obj {
        self.pattern.clone()
    }

    /// Where the search started.
    #[pygetter(member)]
    fn pos(&self) -> usize {
        self.pos
    }

    /// Where the search had to end.
    #[pygetter(member)]
    fn endpos(&self) -> usize {
        self.endpos
    }

    /// The number of the group closed last.
    #[pygetter]
    fn lastindex(&self) -> Option<usize> {
        if self.found.last_group > 0 { Some(self.found.last_group) } else { None }
    }

    /// The name of the group closed last.
    #[pygetter]
    fn lastgroup(cx: &Ctx, this: This<'_, Match>) -> PyResult {
        let names = this.pattern(cx)?.index_group();
        let name = names.downcast::<Tuple>().and_then(|t| t.as_slice().get(this.found.last_group));
        Ok(match name {
            Some(n) if this.found.last_group > 0 => n.clone(),
            _ => Obj::none(),
        })
    }

    /// Start and end of the match and of all groups.
    #[pygetter]
    fn regs(&self) -> Obj {
        let spans = self.found.spans.iter();
        tuple::new(spans.map(|s| pair(s.map_or((-1, -1), |(a, b)| (a as i64, b as i64)))).collect())
    }
}
