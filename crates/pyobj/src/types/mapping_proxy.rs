//! `mappingproxy`: a read-only view of a mapping, among them the namespaces of classes.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, PyClass, This, pyclass, pymethods};
use crate::protocol::number;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{CmpOp, Type, dict, list, tuple};
use crate::value::Obj;

/// A view of a mapping through which it cannot be changed.
#[pyclass(name = "mappingproxy", fixed = MappingProxy, flags(mapping), sig = "(mapping)")]
#[derive(Traverse)]
pub struct MappingProxy {
    /// A mapping, or a class whose namespace is shown.
    target: Obj,
    #[traverse(skip)]
    is_class: bool,
}

/// The proxy of a class's namespace.
pub fn of_type(ty: &Obj) -> Obj {
    heap::new_instance(MappingProxy::class().type_object(), MappingProxy { target: ty.clone(), is_class: true })
}

/// A read-only view of a mapping.
pub fn new(mapping: &Obj) -> Obj {
    heap::new_instance(MappingProxy::class().type_object(), MappingProxy { target: mapping.clone(), is_class: false })
}

/// The bound attributes of a class in order.
pub fn class_items(ty: &Type) -> Vec<(Obj, Obj)> {
    ty.attrs.borrow().iter().filter_map(|(n, c)| Some((n.obj(), c.get()?))).collect()
}

/// A dict with the bound attributes of a class.
pub fn class_dict(cx: &Ctx, ty: &Type) -> PyResult {
    let d = dict::new();
    for (k, v) in class_items(ty) {
        d.set_item(cx, &k, &v)?;
    }
    Ok(d)
}

impl MappingProxy {
    /// The mapping, or a copy of the class's namespace.
    fn mapping(&self, cx: &Ctx) -> PyResult {
        match self.target.as_type() {
            Some(t) if self.is_class => class_dict(cx, t),
            _ => Ok(self.target.clone()),
        }
    }

    fn class_attr(&self, name: &Obj) -> Option<Option<Obj>> {
        if !self.is_class {
            return None;
        }
        let t = self.target.as_type()?;
        Some(if name.type_of().is_str_subtype() {
            Name::lookup_obj(name).and_then(|n| t.own_cell(n)).and_then(|c| c.get())
        } else {
            None
        })
    }
}

#[pymethods]
impl MappingProxy {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "mappingproxy", 1, 1)?;
        let m = &a[0];
        let slots = &m.type_of().slots;
        let sequence = m.downcast::<list::List>().is_some() || tuple::items_if_tuple(m).is_some();
        if slots.getitem.get().is_none() || sequence {
            return Err(cx.type_error(format!("mappingproxy() argument must be a mapping, not {}", m.type_of().name())));
        }
        Ok(heap::new_instance(ty, MappingProxy { target: m.clone(), is_class: false }))
    }

    fn __getitem__(cx: &Ctx, this: This<'_, MappingProxy>, key: &Obj) -> PyResult {
        match this.class_attr(key) {
            Some(Some(v)) => Ok(v),
            Some(None) => {
                key.hash(cx)?;
                Err(cx.key_error(key))
            }
            None => this.target.get_item(cx, key),
        }
    }

    fn __contains__(cx: &Ctx, this: This<'_, MappingProxy>, key: &Obj) -> PyResult<bool> {
        match this.class_attr(key) {
            Some(v) => Ok(v.is_some()),
            None => this.target.contains(cx, key),
        }
    }

    fn __len__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult<usize> {
        this.mapping(cx)?.len(cx)
    }

    fn __iter__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.iter(cx)
    }

    fn __repr__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        let r = this.mapping(cx)?.repr(cx)?;
        Ok(Obj::from(format!("mappingproxy({})", as_utf8_lossy(&r)).as_str()))
    }

    fn __str__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.str(cx)
    }

    fn __hash__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult<i64> {
        this.mapping(cx)?.hash(cx)
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, MappingProxy>, other: &Obj, op: CmpOp) -> PyResult {
        let o = match other.downcast::<MappingProxy>() {
            Some(p) => p.mapping(cx)?,
            None => other.clone(),
        };
        this.mapping(cx)?.rich_cmp(cx, &o, op)
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        let unwrap = |o: &Obj| match o.downcast::<MappingProxy>() {
            Some(p) => p.mapping(cx),
            None => Ok(o.clone()),
        };
        number::or(cx, &unwrap(a)?, &unwrap(b)?)
    }

    fn nb_ior(cx: &Ctx, this: This<'_, MappingProxy>, other: &Obj) -> PyResult {
        let _ = other;
        Err(cx.type_error(format!("'|=' is not supported by {}; use '|' instead", this.obj().type_of().name())))
    }

    /// The value of a key, or default where the mapping lacks it.
    #[pymethod(sig = "($self, key, default=None, /)")]
    fn get(cx: &Ctx, this: This<'_, MappingProxy>, key: &Obj, default: Option<&Obj>) -> PyResult {
        let default = default.cloned().unwrap_or_else(Obj::none);
        match this.class_attr(key) {
            Some(v) => Ok(v.unwrap_or(default)),
            None => this.target.call_method(cx, intern!("get"), &[key.clone(), default]),
        }
    }

    /// a set-like object providing a view on the mapping's keys
    #[pymethod]
    fn keys(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.call_method(cx, intern!("keys"), &[])
    }

    /// an object providing a view on the mapping's values
    #[pymethod]
    fn values(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.call_method(cx, intern!("values"), &[])
    }

    /// a set-like object providing a view on the mapping's items
    #[pymethod]
    fn items(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.call_method(cx, intern!("items"), &[])
    }

    /// a shallow copy of the mapping
    #[pymethod]
    fn copy(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.call_method(cx, intern!("copy"), &[])
    }

    #[pymethod]
    fn __reversed__(cx: &Ctx, this: This<'_, MappingProxy>) -> PyResult {
        this.mapping(cx)?.call_method(cx, intern!("__reversed__"), &[])
    }

    /// Generic alias.
    #[pyclassmethod(sig = "(object, /)")]
    fn __class_getitem__(cx: &Ctx, cls: &Obj, object: &Obj) -> PyResult {
        super::generic_alias::new(cx, cls, object)
    }
}
