//! `types.SimpleNamespace`.

use cinder_pyobj::heap::{self};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, PyClass, pyclass, pymethods};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, dict, object, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Type};

/// An object whose attributes are the keyword arguments, which can be changed and compare by value.
#[pyclass(name = "SimpleNamespace", module = "types", base = object::Object, flags(basetype, dict, mutable), payload = "inherit",
    sig = "(mapping_or_iterable=(), /, **kwargs)")]
pub struct SimpleNamespace;

/// An empty namespace.
pub(crate) fn new() -> Obj {
    object::new_plain(SimpleNamespace::class().type_object())
}

fn attributes(cx: &Ctx, this: &Obj) -> PyResult {
    this.get_attr(cx, intern!("__dict__"))
}

#[pymethods]
impl SimpleNamespace {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        Ok(object::new_plain(ty))
    }

    fn __init__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
        if args.pos().len() > 1 {
            return Err(cx.type_error(format!(
                "{} expected at most 1 argument, got {}",
                this.type_of().name(),
                args.pos().len()
            )));
        }
        if let Some(m) = args.pos().first() {
            let d = dict::new();
            d.call_method(cx, intern!("update"), std::slice::from_ref(m))?;
            for (k, v) in dict::items_if_dict(&d).unwrap_or_default() {
                if !k.type_of().is_str_subtype() {
                    return Err(cx.type_error("keywords must be strings"));
                }
                this.store_attr(cx, &k, Some(&v))?;
            }
        }
        for (k, v) in args.keywords() {
            this.store_attr(cx, k, Some(v))?;
        }
        Ok(())
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        let name = if this.type_of().is(SimpleNamespace::class().type_object()) {
            "namespace".to_string()
        } else {
            this.type_of().name().to_string()
        };
        let shown = this.guard_repr(cx, || {
            let d = attributes(cx, this)?;
            let mut parts = Vec::new();
            for (k, v) in dict::items_if_dict(&d).unwrap_or_default() {
                if k.type_of().is_str_subtype() && !as_utf8_lossy(&k).is_empty() {
                    parts.push(format!("{}={}", as_utf8_lossy(&k), as_utf8_lossy(&v.repr(cx)?)));
                }
            }
            Ok(Obj::from(format!("{name}({})", parts.join(", ")).as_str()))
        })?;
        Ok(shown.unwrap_or_else(|| Obj::from(format!("{name}(...)").as_str())))
    }

    fn __richcmp__(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
        let ty = SimpleNamespace::class().type_object();
        if !this.type_of().is_subtype(ty) || !other.type_of().is_subtype(ty) {
            return Ok(Obj::not_implemented());
        }
        attributes(cx, this)?.rich_cmp(cx, &attributes(cx, other)?, op)
    }

    /// What copy and pickle need to make the iterator again.
    #[pymethod]
    fn __reduce__(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(tuple::new(vec![this.type_of().as_obj(), tuple::new(Vec::new()), attributes(cx, this)?]))
    }

    /// A copy of the namespace, in which the given attributes have the given values.
    #[pymethod(sig = "($self, /, **changes)")]
    fn __replace__(cx: &Ctx, this: &Obj, changes: cinder_pyobj::native::Kwargs<'_>) -> PyResult {
        let new = this.type_of().as_obj().call0(cx)?;
        if !new.type_of().is_subtype(SimpleNamespace::class().type_object()) {
            return Err(cx.type_error(format!(
                "expect {} type, but {}() returned '{}' object",
                SimpleNamespace::class().type_object().full_name(),
                this.type_of().full_name(),
                new.type_of().full_name()
            )));
        }
        for (k, v) in dict::items_if_dict(&attributes(cx, this)?).unwrap_or_default() {
            new.store_attr(cx, &k, Some(&v))?;
        }
        for (k, v) in changes.iter() {
            new.store_attr(cx, k, Some(v))?;
        }
        Ok(new)
    }
}

const _: fn(usize) -> usize = |n| heap::PAGE_SIZE * n;
