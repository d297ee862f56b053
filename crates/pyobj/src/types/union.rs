//! `typing.Union` (also `types.UnionType`): `int | str`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::types::str::as_utf8_lossy;
use crate::types::{CmpOp, Type, generic_alias, tuple};
use crate::value::{Obj, ObjCell};

/// Represent a union type
///
/// E.g. for int | str
#[pyclass(name = "Union", module = "typing", flags(weakref), sig = "()")]
#[derive(Traverse)]
pub struct Union {
    args: Obj,
    params: ObjCell,
}

fn none_type() -> Obj {
    Obj::none().type_of().as_obj()
}

/// Whether `|` with the object makes a union.
fn is_unionable(cx: &Ctx, o: &Obj) -> PyResult<bool> {
    if o.is_none() || o.as_type().is_some() || o.downcast::<Union>().is_some() {
        return Ok(true);
    }
    if o.downcast::<generic_alias::GenericAlias>().is_some() {
        return Ok(true);
    }
    let name = o.type_of().name().to_string();
    let _ = cx;
    Ok(name == "TypeAliasType" && o.type_of().lookup(intern!("__value__")).is_some())
}

/// `a | b` of types; NotImplemented if one of them is no type.
pub(crate) fn or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if !is_unionable(cx, a)? || !is_unionable(cx, b)? {
        return Ok(Obj::not_implemented());
    }
    make(cx, &[a.clone(), b.clone()])
}

/// The union of the given members: flattened, without duplicates.
pub fn make(cx: &Ctx, members: &[Obj]) -> PyResult {
    let mut out: Vec<Obj> = Vec::new();
    for m in members {
        let parts = match m.downcast::<Union>() {
            Some(u) => tuple::items_if_tuple(&u.args).unwrap_or(&[]).to_vec(),
            None if m.is_none() => vec![none_type()],
            None if m.type_of().is_str_subtype() => {
                let lib = (cx.host().import)(cx, "annotationlib")?;
                vec![lib.get_attr(cx, intern!("ForwardRef"))?.call1(cx, m)?]
            }
            None => vec![m.clone()],
        };
        'next: for p in parts {
            for o in &out {
                if o.is(&p) || o.type_of().is(p.type_of()) && o.eq(cx, &p)? {
                    continue 'next;
                }
            }
            out.push(p);
        }
    }
    if out.len() == 1 {
        return Ok(out.remove(0));
    }
    Ok(heap::new_instance(Union::class().type_object(), Union { args: tuple::new(out), params: ObjCell::new(None) }))
}

impl Union {
    fn items(&self) -> &[Obj] {
        tuple::items_if_tuple(&self.args).unwrap_or(&[])
    }

    fn parameters(&self, cx: &Ctx) -> PyResult {
        if let Some(p) = self.params.get() {
            return Ok(p);
        }
        let p = tuple::new(generic_alias::collect_parameters(cx, self.items())?);
        self.params.set(Some(p.clone()));
        Ok(p)
    }
}

#[pymethods]
impl Union {
    fn __repr__(cx: &Ctx, this: This<'_, Union>) -> PyResult {
        let none = none_type();
        let parts: PyResult<Vec<String>> = this
            .items()
            .iter()
            .map(|a| if a.is(&none) { Ok("None".to_string()) } else { generic_alias::type_repr(cx, a) })
            .collect();
        Ok(Obj::from(parts?.join(" | ").as_str()))
    }

    fn __hash__(cx: &Ctx, this: This<'_, Union>) -> PyResult<i64> {
        let mut h: i64 = 0x51ed_270b;
        for a in this.items() {
            h ^= a.hash(cx)?.wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64).rotate_left(17);
        }
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Union>, other: &Obj, op: CmpOp) -> PyResult {
        let (Some(o), CmpOp::Eq | CmpOp::Ne) = (other.downcast::<Union>(), op) else {
            return Ok(Obj::not_implemented());
        };
        let mut same = this.items().len() == o.items().len();
        for a in this.items() {
            let mut found = false;
            for b in o.items() {
                found = found || a.eq(cx, b)?;
            }
            same &= found;
        }
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Union>, item: &Obj) -> PyResult {
        let params = this.parameters(cx)?;
        let new = generic_alias::substitute(
            cx,
            this.obj(),
            this.items(),
            tuple::items_if_tuple(&params).unwrap_or(&[]),
            item,
        )?;
        make(cx, &new)
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        or(cx, a, b)
    }

    #[pygetter(member)]
    fn __args__(this: This<'_, Union>) -> Obj {
        this.args.clone()
    }

    /// Type variables in the types.UnionType.
    #[pygetter]
    fn __parameters__(cx: &Ctx, this: This<'_, Union>) -> PyResult {
        this.parameters(cx)
    }

    #[pygetter]
    fn __origin__(_this: This<'_, Union>) -> Obj {
        Union::class().type_object().as_obj()
    }

    #[pygetter]
    fn __name__(_this: This<'_, Union>) -> &'static str {
        "Union"
    }

    #[pygetter]
    fn __qualname__(_this: This<'_, Union>) -> &'static str {
        "Union"
    }

    #[pygetter]
    fn __module__(_this: This<'_, Union>) -> &'static str {
        "typing"
    }

    #[pymethod(sig = "($self, instance, /)")]
    fn __instancecheck__(cx: &Ctx, this: This<'_, Union>, instance: &Obj) -> PyResult<bool> {
        this.check_classes(cx, "isinstance")?;
        for a in this.items() {
            if instance.is_instance(cx, a)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[pymethod(sig = "($self, cls, /)")]
    fn __subclasscheck__(cx: &Ctx, this: This<'_, Union>, cls: &Obj) -> PyResult<bool> {
        if cls.as_type().is_none() {
            return Err(cx.type_error("issubclass() arg 1 must be a class"));
        }
        this.check_classes(cx, "issubclass")?;
        for a in this.items() {
            if cls.is_subclass(cx, a)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[pyclassmethod(sig = "(params, /)")]
    fn __class_getitem__(cx: &Ctx, _cls: &Obj, params: &Obj) -> PyResult {
        match tuple::items_if_tuple(params) {
            Some([]) => Err(cx.type_error("Cannot take a Union of no types.")),
            Some(t) => make(cx, t),
            None => make(cx, std::slice::from_ref(params)),
        }
    }

    #[pymethod(sig = "($self, bases, /)")]
    fn __mro_entries__(cx: &Ctx, this: This<'_, Union>, _bases: &Obj) -> PyResult {
        let r = this.obj().repr(cx)?;
        Err(cx.type_error(format!("Cannot subclass {}", as_utf8_lossy(&r))))
    }

    #[pymethod]
    fn __reduce__(cx: &Ctx, this: This<'_, Union>) -> PyResult {
        let functools = (cx.host().import)(cx, "functools")?;
        let operator = (cx.host().import)(cx, "operator")?;
        Ok(tuple::new(vec![
            functools.get_attr(cx, intern!("reduce"))?,
            tuple::new(vec![operator.get_attr(cx, intern!("or_"))?, this.args.clone()]),
        ]))
    }
}

impl Union {
    fn check_classes(&self, cx: &Ctx, what: &str) -> PyResult<()> {
        if self.items().iter().any(|a| a.downcast::<generic_alias::GenericAlias>().is_some()) {
            return Err(cx.type_error(format!("{what}() argument 2 cannot be a parameterized generic")));
        }
        Ok(())
    }
}

const _: Option<fn(&Ctx, Args<'_>, &Type)> = None;
