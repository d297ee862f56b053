//! `typing.Union` (also `types.UnionType`): `int | str`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{PyClass, This, pyclass, pymethods};
use crate::protocol;
use crate::types::str::as_utf8_lossy;
use crate::types::{CmpOp, generic_alias, tuple};
use crate::value::{Obj, ObjCell};

/// Several types of which a value may have any, written int | str.
#[pyclass(name = "Union", module = "typing", flags(weakref), sig = "()")]
#[derive(Traverse)]
pub struct Union {
    args: Obj,
    /// How many members could not be hashed when the union was made.
    #[traverse(skip)]
    unhashable: usize,
    params: ObjCell,
}

fn none_type() -> Obj {
    Obj::none().type_of().as_obj()
}

/// Whether `|` with the object makes a union.
fn is_unionable(o: &Obj) -> bool {
    if o.is_none() || o.as_type().is_some() || o.downcast::<Union>().is_some() {
        return true;
    }
    if o.downcast::<generic_alias::GenericAlias>().is_some() {
        return true;
    }
    // The class of type aliases belongs to the interpreter, above this crate.
    &*o.type_of().name() == "typing.TypeAliasType" && o.type_of().def().is_some()
}

/// `a | b` of types; NotImplemented if one of them is no type.
pub fn or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
    if !is_unionable(a) || !is_unionable(b) {
        return Ok(Obj::not_implemented());
    }
    make(cx, &[a.clone(), b.clone()])
}

/// The union of the given members: flattened, without duplicates.
pub fn make(cx: &Ctx, members: &[Obj]) -> PyResult {
    let mut out: Vec<Obj> = Vec::new();
    let mut hashes: Vec<Option<i64>> = Vec::new();
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
            // Hashable members are compared as a set would, the others one by one.
            let hash = match p.hash(cx) {
                Ok(h) => Some(h),
                Err(r) => {
                    cx.swallow(r, super::exc::TypeError())?;
                    None
                }
            };
            for (o, h) in out.iter().zip(&hashes) {
                if o.is(&p) || *h == hash && o.eq(cx, &p)? {
                    continue 'next;
                }
            }
            hashes.push(hash);
            out.push(p);
        }
    }
    if out.len() == 1 {
        return Ok(out.remove(0));
    }
    Ok(heap::new_instance(
        Union::class().type_object(),
        Union {
            args: tuple::new(out),
            unhashable: hashes.iter().filter(|h| h.is_none()).count(),
            params: ObjCell::new(None),
        },
    ))
}

/// The members of a union; nothing if the object is none.
pub(crate) fn members(o: &Obj) -> Option<&[Obj]> {
    o.downcast::<Union>().map(Union::items)
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
    #[pyinit]
    fn looked_up_by_key(ty: &crate::types::Type) {
        ty.set_mapping_like();
    }

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
        if this.unhashable > 0 {
            let n = this.unhashable;
            return Err(cx.type_error(format!("union contains {n} unhashable elements")));
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
        make(cx, &[a.clone(), b.clone()])
    }

    #[pygetter(member)]
    fn __args__(this: This<'_, Union>) -> Obj {
        this.args.clone()
    }

    /// The type variables still open in the union.
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

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        if name.type_of().is_str_subtype() && as_utf8_lossy(name) == "__module__" {
            return this.type_of().as_obj().get_attr_obj(cx, name);
        }
        protocol::generic_get_attr(cx, this, name)
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
