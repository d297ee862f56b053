//! Template strings (PEP 750): `Template` and `Interpolation`.

use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::number;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::tuple;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

/// Interpolation object
#[pyclass(name = "Interpolation", module = "string.templatelib")]
#[derive(Traverse)]
pub struct Interpolation {
    value: Obj,
    expression: Obj,
    conversion: Obj,
    format_spec: Obj,
}

/// An interpolation of a t-string.
pub(crate) fn interpolation(value: Obj, expression: Obj, conversion: Obj, format_spec: Obj) -> Obj {
    heap::new_instance(
        Interpolation::class().type_object(),
        Interpolation { value, expression, conversion, format_spec },
    )
}

#[pymethods]
impl Interpolation {
    /// See PEP 585.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }

    #[pynew(sig = "(value, expression='', conversion=None, format_spec='')")]
    fn __new__(
        cx: &Ctx,
        _ty: &Type,
        value: &Obj,
        expression: Option<&Obj>,
        conversion: Option<&Obj>,
        format_spec: Option<&Obj>,
    ) -> PyResult {
        let text = |o: Option<&Obj>, what: &str| -> PyResult {
            match o {
                None => Ok(Obj::from("")),
                Some(o) if o.type_of().is_str_subtype() => Ok(o.clone()),
                Some(o) => Err(cx.type_error(format!(
                    "Interpolation() argument '{what}' must be str, not {}",
                    o.type_of().full_name()
                ))),
            }
        };
        let conversion = match conversion {
            None => Obj::none(),
            Some(c) if c.type_of().is_str_subtype() => {
                if !matches!(&*as_utf8_lossy(c), "s" | "r" | "a") {
                    return Err(cx.value_error("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'"));
                }
                c.clone()
            }
            Some(c) => {
                return Err(cx.type_error(format!(
                    "Interpolation() argument 'conversion' must be str, not {}",
                    c.type_of().full_name()
                )));
            }
        };
        let (e, f) = (text(expression, "expression")?, text(format_spec, "format_spec")?);
        Ok(interpolation(value.clone(), e, conversion, f))
    }

    #[pyinit]
    fn add_match_args(ty: &Type) {
        let names = ["value", "expression", "conversion", "format_spec"];
        let t = tuple::new(names.iter().map(|n| Obj::from(*n)).collect());
        cinder_pyobj::types::set_class_constant(ty, cinder_pyobj::intern!("__match_args__"), t);
    }

    fn __repr__(cx: &Ctx, this: This<'_, Interpolation>) -> PyResult {
        let mut parts = Vec::new();
        for o in [&this.value, &this.expression, &this.conversion, &this.format_spec] {
            parts.push(as_utf8_lossy(&o.repr(cx)?).into_owned());
        }
        Ok(Obj::from(format!("Interpolation({})", parts.join(", ")).as_str()))
    }

    /// Value
    #[pygetter(member)]
    fn value(this: This<'_, Interpolation>) -> Obj {
        this.value.clone()
    }

    /// Expression
    #[pygetter(member)]
    fn expression(this: This<'_, Interpolation>) -> Obj {
        this.expression.clone()
    }

    /// Conversion
    #[pygetter(member)]
    fn conversion(this: This<'_, Interpolation>) -> Obj {
        this.conversion.clone()
    }

    /// Format specifier
    #[pygetter(member)]
    fn format_spec(this: This<'_, Interpolation>) -> Obj {
        this.format_spec.clone()
    }

    #[pymethod]
    fn __reduce__(this: This<'_, Interpolation>) -> Obj {
        tuple::new(vec![
            this.obj().type_of().as_obj(),
            tuple::new(vec![
                this.value.clone(),
                this.expression.clone(),
                this.conversion.clone(),
                this.format_spec.clone(),
            ]),
        ])
    }

    #[pyclassmethod(sig = "($type, object, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }
}

/// Template object
#[pyclass(name = "Template", module = "string.templatelib")]
#[derive(Traverse)]
pub struct Template {
    strings: Obj,
    interpolations: Obj,
}

/// A template of a tuple of strings and one of interpolations.
pub(crate) fn template(strings: &Obj, interpolations: &Obj) -> Obj {
    heap::new_instance(
        Template::class().type_object(),
        Template { strings: strings.clone(), interpolations: interpolations.clone() },
    )
}

impl Template {
    /// Strings and interpolations in order, empty strings included.
    fn parts(&self) -> Vec<Obj> {
        let s = tuple::items_if_tuple(&self.strings).unwrap_or(&[]);
        let i = tuple::items_if_tuple(&self.interpolations).unwrap_or(&[]);
        let mut out = Vec::new();
        for (k, text) in s.iter().enumerate() {
            out.push(text.clone());
            out.extend(i.get(k).cloned());
        }
        out
    }
}

/// A template of parts in any order: neighbouring strings are joined, missing ones are empty.
fn of_parts(cx: &Ctx, parts: &[Obj]) -> PyResult {
    let (mut strings, mut inters): (Vec<Obj>, Vec<Obj>) = (Vec::new(), Vec::new());
    let mut last_is_string = false;
    for p in parts {
        if p.type_of().is_str_subtype() {
            match strings.last_mut() {
                Some(s) if last_is_string => *s = number::add(cx, s, p)?,
                _ => strings.push(p.clone()),
            }
            last_is_string = true;
        } else if p.downcast::<Interpolation>().is_some() {
            if !last_is_string {
                strings.push(Obj::from(""));
            }
            inters.push(p.clone());
            last_is_string = false;
        } else {
            return Err(cx.type_error(format!(
                "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                p.type_of().full_name()
            )));
        }
    }
    if !last_is_string {
        strings.push(Obj::from(""));
    }
    Ok(template(&tuple::new(strings), &tuple::new(inters)))
}

#[pymethods]
impl Template {
    /// See PEP 585.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Obj, object: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, object)
    }

    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if args.has_keywords() {
            return Err(cx.type_error("Template.__new__ only accepts *args arguments"));
        }
        of_parts(cx, args.pos())
    }

    fn __iter__(_cx: &Ctx, this: This<'_, Template>) -> PyResult {
        let empty = |o: &Obj| o.type_of().is_str_subtype() && as_utf8_lossy(o).is_empty();
        let parts = this.parts().into_iter().filter(|p| !empty(p)).collect();
        Ok(heap::new_instance(
            TemplateIter::class().type_object(),
            TemplateIter { parts: ObjCell::new(Some(tuple::new(parts))), next: std::cell::Cell::new(0) },
        ))
    }

    fn sq_concat(cx: &Ctx, this: &Obj, other: &Obj) -> PyResult {
        match (this.downcast::<Template>(), other.downcast::<Template>()) {
            (Some(a), Some(b)) => {
                let mut all = a.parts();
                all.extend(b.parts());
                of_parts(cx, &all)
            }
            _ => Err(cx.type_error(format!(
                "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
                crate::util::full_name(cx, other.type_of())?
            ))),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, Template>) -> PyResult {
        let (s, i) = (this.strings.repr(cx)?, this.interpolations.repr(cx)?);
        Ok(Obj::from(format!("Template(strings={}, interpolations={})", as_utf8_lossy(&s), as_utf8_lossy(&i)).as_str()))
    }

    /// Strings
    #[pygetter(member)]
    fn strings(this: This<'_, Template>) -> Obj {
        this.strings.clone()
    }

    /// Interpolations
    #[pygetter(member)]
    fn interpolations(this: This<'_, Template>) -> Obj {
        this.interpolations.clone()
    }

    /// What the interpolations evaluated to, as a tuple.
    #[pygetter]
    fn values(this: This<'_, Template>) -> Obj {
        let i = tuple::items_if_tuple(&this.interpolations).unwrap_or(&[]);
        tuple::new(i.iter().filter_map(|x| x.downcast::<Interpolation>().map(|x| x.value.clone())).collect())
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, Template>) -> PyResult {
        let lib = (cx.host().import)(cx, "string.templatelib")?;
        let f = lib.get_attr(cx, cinder_pyobj::intern!("_template_unpickle"))?;
        Ok(tuple::new(vec![f, tuple::new(vec![this.strings.clone(), this.interpolations.clone()])]))
    }
}

/// Iterator over the parts of a template.
#[pyclass(name = "TemplateIter", module = "string.templatelib", flags(no_new))]
#[derive(Traverse)]
pub struct TemplateIter {
    parts: ObjCell,
    #[traverse(skip)]
    next: std::cell::Cell<usize>,
}

#[pymethods]
impl TemplateIter {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(_cx: &Ctx, this: This<'_, TemplateIter>) -> PyResult<Option<Obj>> {
        let n = this.next.get();
        this.next.set(n + 1);
        Ok(this.parts.get().and_then(|p| tuple::items_if_tuple(&p).and_then(|t| t.get(n)).cloned()))
    }
}
