//! Replacement templates.

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymethods};
use cinder_pyobj::types::int;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::pattern::{Found, Pattern, slice};

/// A parsed replacement template: literals between groups.
#[derive(Traverse)]
#[pyclass(name = "SRE_Template", module = "_sre", flags(no_new))]
pub(super) struct Template {
    /// One literal more than there are groups; empty ones are None.
    literals: Vec<Obj>,
    #[traverse(skip)]
    groups: Vec<usize>,
}

#[pymethods]
impl Template {}

impl Template {
    /// The template of a list in which literals and group numbers alternate.
    pub(super) fn build(cx: &Ctx, pattern: &Obj, parts: &Obj) -> PyResult {
        let invalid = || cx.type_error("invalid template");
        let known = pattern.downcast::<Pattern>().map_or(0, Pattern::group_count);
        let mut t = Template { literals: Vec::new(), groups: Vec::new() };
        for (i, p) in parts.collect(cx)?.into_iter().enumerate() {
            if i % 2 == 0 {
                let empty = p.len(cx)? == 0;
                t.literals.push(if empty { Obj::none() } else { p });
                continue;
            }
            match int::as_i64(&p).and_then(|n| usize::try_from(n).ok()) {
                Some(n) if n <= known => t.groups.push(n),
                Some(_) => return Err(cx.index_error("invalid group reference")),
                None => return Err(invalid()),
            }
        }
        if t.literals.len() != t.groups.len() + 1 {
            return Err(invalid());
        }
        Ok(new_instance(Template::type_object(), t))
    }
}

/// The template that the library makes of a replacement string.
pub(super) fn compile(cx: &Ctx, pattern: &Obj, repl: &Obj) -> PyResult {
    let re = (cx.host().import)(cx, "re")?;
    re.call_method(cx, intern!("_compile_template"), &[pattern.clone(), repl.clone()])
}

/// Adds the pieces of an expanded template.
pub(super) fn expand_into(cx: &Ctx, t: &Obj, string: &Obj, f: &Found, parts: &mut Vec<Obj>) -> PyResult<()> {
    let Some(t) = t.downcast::<Template>() else {
        parts.push(t.clone());
        return Ok(());
    };
    for (i, literal) in t.literals.iter().enumerate() {
        if !literal.is_none() {
            parts.push(literal.clone());
        }
        if let Some((a, b)) = t.groups.get(i).and_then(|g| f.spans.get(*g).copied().flatten()) {
            parts.push(slice(cx, string, a, b)?);
        }
    }
    Ok(())
}
