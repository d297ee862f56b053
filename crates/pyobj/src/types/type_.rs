//! `type`: the class of classes.

use crate::ctx::{Ctx, PyResult};
use crate::heap::Header;
use crate::intern;
use crate::native::pymethods;
use crate::native::{Args, ClassDef, FixedShape};
use crate::types::exc;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{Type, heap_type, method_cache, mro, object, tuple};
use crate::value::Obj;

/// Bytes of a type object's payload and its unused extension word.
pub(crate) fn payload_size() -> usize {
    size_of::<Type>().next_multiple_of(8) + 8
}

/// `type` itself.
pub fn type_type() -> &'static Type {
    class_def().type_object()
}

pub(crate) fn class_def() -> &'static ClassDef {
    <Type as crate::native::PyClass>::class()
}

/// `type.__call__`: `__new__`, then `__init__` if the result is an instance.
pub fn call_type(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
    let Some(new) = ty.slots.new.get().filter(|_| !ty.flags().no_new) else {
        return Err(cx.type_error(format!("cannot create '{}' instances", ty.name())));
    };
    let obj = new(cx, ty, args)?;
    let got = obj.type_of();
    // `object.__init__` does nothing for classes with a `__new__` of their own.
    if object::ignores_arguments(got) {
        return Ok(obj);
    }
    if got.is_subtype(ty)
        && let Some(init) = got.slots.init.get()
    {
        init(cx, &obj, args)?;
    }
    Ok(obj)
}

/// Sets or deletes an attribute of a class and brings slots and caches up to date.
pub(crate) fn set_class_attr(cx: &Ctx, ty: &'static Type, name: Name, value: Option<&Obj>) -> PyResult<()> {
    let old = match value {
        Some(v) => match ty.own_cell(name) {
            Some(c) => {
                let old = c.replace(Some(v.clone()));
                match &old {
                    None => method_cache::invalidate(ty),
                    Some(old) => crate::shape::memory::overwritten(ty, old, v),
                }
                old
            }
            None => {
                ty.attrs.borrow_mut().insert(name, Box::new(crate::cell::AttrCell::new(v.clone())));
                method_cache::invalidate(ty);
                None
            }
        },
        None => {
            let old = ty.own_cell(name).and_then(|c| c.replace(None));
            if old.is_none() {
                return Err(cx.attribute_error(
                    format!("type object '{}' has no attribute '{}'", ty.name(), name.as_str()),
                    &ty.as_obj(),
                    name.as_obj(),
                ));
            }
            // The cell stays: inline caches may point at it. A later binding uses it again.
            method_cache::invalidate(ty);
            old
        }
    };
    let text = name.as_str();
    if text.starts_with("__") && text.ends_with("__") {
        heap_type::update_slots_below(ty, text);
    }
    drop(old);
    Ok(())
}

/// Removes the class's own `__dict__` and `__weakref__` descriptors, if it has any: a class that replaces this one
/// can then be made of a copy of its namespace.
pub fn clear_storage_descriptors(cx: &Ctx, class: &Obj) -> PyResult<()> {
    let ty = static_type(cx, class)?;
    for name in [intern!("__dict__"), intern!("__weakref__")] {
        if ty.own_cell(name).is_some_and(|c| c.get().is_some()) {
            set_class_attr(cx, ty, name, None)?;
        }
    }
    Ok(())
}

fn class_lookup(cx: &Ctx, this: &Obj, ty: &Type, name: &Obj) -> PyResult<Option<Obj>> {
    let interned = Name::lookup_obj(name);
    let meta = this.type_of();
    let meta_attr = interned.and_then(|n| meta.lookup(n));
    if let Some(d) = &meta_attr {
        let s = &d.type_of().slots;
        if s.descr_set.get().is_some()
            && let Some(get) = s.descr_get.get()
        {
            return get(cx, d, Some(this), Some(&meta.as_obj())).map(Some);
        }
    }
    if let Some(a) = interned.and_then(|n| ty.lookup(n)) {
        return match a.type_of().slots.descr_get.get() {
            Some(get) => get(cx, &a, None, Some(this)).map(Some),
            None => Ok(Some(a)),
        };
    }
    let Some(d) = meta_attr else { return Ok(None) };
    match d.type_of().slots.descr_get.get() {
        Some(get) => get(cx, &d, Some(this), Some(&meta.as_obj())).map(Some),
        None => Ok(Some(d)),
    }
}

/// The class attribute of a name that is also a property of classes. Native types may compute an attribute of
/// this name for their instances: that is not what the class has.
fn own_unless_computed(ty: &Type, name: &str) -> Option<Obj> {
    if ty.def().is_some_and(|d| d.getset.iter().any(|g| g.name == name)) {
        return None;
    }
    ty.own_cell(Name::new(name)).and_then(|c| c.get())
}

fn this_type<'a>(cx: &Ctx, this: &'a Obj) -> PyResult<&'a Type> {
    this.as_type().ok_or_else(|| cx.type_error("descriptor requires a 'type' object"))
}

fn static_type(cx: &Ctx, this: &Obj) -> PyResult<&'static Type> {
    this.as_static_type().ok_or_else(|| cx.type_error("descriptor requires a 'type' object"))
}

fn check_mutable(cx: &Ctx, ty: &Type, name: &str) -> PyResult<()> {
    if ty.flags().immutable {
        return Err(cx.type_error(format!("cannot set '{name}' attribute of immutable type '{}'", ty.name())));
    }
    Ok(())
}

fn settable(cx: &Ctx, ty: &Type, value: Option<&Obj>, name: &str) -> PyResult<Obj> {
    check_mutable(cx, ty, name)?;
    match value {
        Some(v) => Ok(v.clone()),
        None => Err(cx.type_error(format!("cannot delete '{name}' attribute of immutable type '{}'", ty.name()))),
    }
}

#[pymethods]
impl Type {
    fn __new__(cx: &Ctx, meta: &Type, args: Args<'_>) -> PyResult {
        heap_type::new(cx, meta, args)
    }

    fn __init__(cx: &Ctx, _this: &Obj, args: Args<'_>) -> PyResult<()> {
        let n = args.pos().len();
        if n == 1 && args.has_keywords() {
            return Err(cx.type_error("type.__init__() takes no keyword arguments"));
        }
        if n != 1 && n != 3 {
            return Err(cx.type_error("type.__init__() takes 1 or 3 arguments"));
        }
        Ok(())
    }

    fn __call__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
        let ty = this_type(cx, this)?;
        // `type(x)` is a question, not a construction.
        if this.is(&type_type().as_obj()) {
            if args.pos().len() == 1 && !args.has_keywords() {
                return Ok(args.pos()[0].type_of().as_obj());
            }
            if args.pos().len() != 3 {
                return Err(cx.type_error("type() takes 1 or 3 arguments"));
            }
        }
        call_type(cx, ty, args)
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        let q = this.get_attr(cx, intern!("__qualname__"))?;
        let m = this.get_attr_opt(cx, intern!("__module__"))?;
        let q = as_utf8_lossy(&q).into_owned();
        let _ = ty;
        Ok(Obj::from(
            match m {
                Some(m) if m.type_of().is_str_subtype() && as_utf8_lossy(&m) != "builtins" => {
                    format!("<class '{}.{q}'>", as_utf8_lossy(&m))
                }
                _ => format!("<class '{q}'>"),
            }
            .as_str(),
        ))
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        match class_lookup(cx, this, ty, name)? {
            Some(v) => Ok(v),
            None => Err(cx.attribute_error(
                format!("type object '{}' has no attribute '{}'", ty.name(), as_utf8_lossy(name)),
                this,
                name,
            )),
        }
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        if ty.flags().immutable {
            return Err(cx.type_error(format!(
                "cannot set {} attribute of immutable type '{}'",
                name.repr(cx).map(|r| as_utf8_lossy(&r).into_owned())?,
                ty.name()
            )));
        }
        if let Some(d) = Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n))
            && let Some(set) = d.type_of().slots.descr_set.get()
        {
            return set(cx, &d, this, value);
        }
        set_class_attr(cx, ty, Name::intern_obj(name), value)
    }

    #[pygetter]
    fn __name__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        if let Some(n) = ty.name_obj.get() {
            return Ok(n);
        }
        let n = Obj::from(&*ty.short_name());
        if ty.def().is_some() {
            n.immortalize();
        }
        ty.name_obj.set(Some(n.clone()));
        Ok(n)
    }

    #[pysetter(name = "__name__")]
    fn set_name(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = this_type(cx, this)?;
        let v = settable(cx, ty, value, "__name__")?;
        cx.audit("object.__setattr__", || [this.clone(), Obj::from("__name__"), v.clone()])?;
        if !v.type_of().is_str_subtype() {
            return Err(cx.type_error(format!(
                "can only assign string to {}.__name__, not '{}'",
                ty.name(),
                v.type_of().name()
            )));
        }
        let text = heap_type::class_name(cx, &v)?;
        *ty.name.borrow_mut() = text.into();
        ty.name_obj.set(Some(v));
        Ok(())
    }

    #[pygetter]
    fn __qualname__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        match ty.qualname.get() {
            Some(q) => Ok(q),
            None => Ok(Obj::from(&*ty.short_name())),
        }
    }

    #[pysetter(name = "__qualname__")]
    fn set_qualname(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = this_type(cx, this)?;
        let v = settable(cx, ty, value, "__qualname__")?;
        if !v.type_of().is_str_subtype() {
            return Err(cx.type_error(format!(
                "can only assign string to {}.__qualname__, not '{}'",
                ty.name(),
                v.type_of().name()
            )));
        }
        ty.qualname.set(Some(v));
        Ok(())
    }

    #[pygetter]
    fn __module__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        if let Some(c) = own_unless_computed(ty, "__module__") {
            return Ok(c);
        }
        match ty.def() {
            Some(d) => Ok(Obj::from(d.module)),
            None => Err(cx.attribute_error("__module__", this, intern!("__module__").as_obj())),
        }
    }

    #[pysetter(name = "__module__")]
    fn set_module(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        let v = settable(cx, ty, value, "__module__")?;
        // A class that is said to be from elsewhere has no line here.
        if ty.own_cell(intern!("__firstlineno__")).is_some_and(|c| c.get().is_some()) {
            set_class_attr(cx, ty, intern!("__firstlineno__"), None)?;
        }
        set_class_attr(cx, ty, intern!("__module__"), Some(&v))
    }

    #[pygetter]
    fn __bases__(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this_type(cx, this)?.bases_tuple())
    }

    #[pysetter(name = "__bases__")]
    fn set_bases(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        let v = settable(cx, ty, value, "__bases__")?;
        heap_type::set_bases(cx, ty, &v)
    }

    #[pygetter]
    fn __base__(cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this_type(cx, this)?.base().map_or_else(Obj::none, |b| b.as_obj()))
    }

    #[pygetter]
    fn __mro__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        Ok(ty.mro_obj.borrow().clone().unwrap_or_else(Obj::none))
    }

    #[pygetter]
    fn __dict__(cx: &Ctx, this: &Obj) -> PyResult {
        this_type(cx, this)?;
        Ok(super::mapping_proxy::of_type(this))
    }

    #[pygetter]
    fn __doc__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        let Some(d) = own_unless_computed(ty, "__doc__") else {
            return Ok(match ty.def() {
                Some(d) if !d.doc.is_empty() => Obj::from(d.doc),
                _ => Obj::none(),
            });
        };
        match d.type_of().slots.descr_get.get() {
            Some(get) => get(cx, &d, None, Some(this)),
            None => Ok(d),
        }
    }

    #[pysetter(name = "__doc__")]
    fn set_doc(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        let v = settable(cx, ty, value, "__doc__")?;
        set_class_attr(cx, ty, intern!("__doc__"), Some(&v))
    }

    #[pygetter]
    fn __text_signature__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        Ok(match ty.def() {
            Some(d) if !d.sig.is_empty() => Obj::from(d.sig),
            _ => Obj::none(),
        })
    }

    #[pygetter]
    fn __abstractmethods__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        let name = intern!("__abstractmethods__");
        let own = if this.is(&type_type().as_obj()) { None } else { ty.own_cell(name).and_then(|c| c.get()) };
        own.ok_or_else(|| {
            cx.attribute_error(
                format!("type object '{}' has no attribute '__abstractmethods__'", ty.name()),
                this,
                name.as_obj(),
            )
        })
    }

    #[pysetter(name = "__abstractmethods__")]
    fn set_abstractmethods(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        let is_abstract = match value {
            Some(v) => v.truthy(cx)?,
            None => false,
        };
        set_class_attr(cx, ty, intern!("__abstractmethods__"), value)?;
        let mut f = ty.flags.get();
        f.is_abstract = is_abstract;
        ty.flags.set(f);
        Ok(())
    }

    #[pygetter]
    fn __annotations__(cx: &Ctx, this: &Obj) -> PyResult {
        super::annotations::class_annotations(cx, this)
    }

    #[pysetter(name = "__annotations__")]
    fn set_annotations(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::annotations::set_class_annotations(cx, this, value)
    }

    #[pygetter]
    fn __annotate__(cx: &Ctx, this: &Obj) -> PyResult {
        super::annotations::class_annotate(cx, this)
    }

    #[pysetter(name = "__annotate__")]
    fn set_annotate(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::annotations::set_class_annotate(cx, this, value)
    }

    #[pygetter]
    fn __type_params__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        Ok(own_unless_computed(ty, "__type_params__").unwrap_or_else(|| tuple::new(Vec::new())))
    }

    #[pysetter(name = "__type_params__")]
    fn set_type_params(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = static_type(cx, this)?;
        let v = settable(cx, ty, value, "__type_params__")?;
        set_class_attr(cx, ty, intern!("__type_params__"), Some(&v))
    }

    #[pygetter]
    fn __basicsize__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        Ok(this_type(cx, this)?.layout().basic_size as usize)
    }

    #[pygetter]
    fn __itemsize__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        Ok(if this_type(cx, this)?.layout().payload.var_sized { 8 } else { 0 })
    }

    #[pygetter]
    fn __dictoffset__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        let l = *this_type(cx, this)?.layout();
        Ok(if l.has_dict { l.ext_off as usize } else { 0 })
    }

    #[pygetter]
    fn __weakrefoffset__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        let l = *this_type(cx, this)?.layout();
        Ok(if l.has_weakrefs { l.ext_off as usize } else { 0 })
    }

    #[pygetter]
    fn __flags__(cx: &Ctx, this: &Obj) -> PyResult<i64> {
        let ty = this_type(cx, this)?;
        let f = ty.flags();
        let exact = |t: FixedShape| crate::shape::ShapeId::fixed(t).get().ty();
        let mut n: i64 = 1 << 12;
        // Native types whose attributes can be set are made at run time in CPython.
        n |= i64::from(f.heap || !f.immutable) << 9;
        n |= i64::from(f.basetype) << 10;
        n |= i64::from(f.immutable) << 8;
        n |= i64::from(f.no_new) << 7;
        n |= i64::from(f.sequence) << 5;
        n |= i64::from(f.mapping) << 6;
        n |= i64::from(f.is_abstract) << 20;
        n |= i64::from(f.match_self) << 22;
        n |= i64::from(ty.layout().page_kind == crate::heap::PageKind::Container) << 14;
        n |= i64::from(f.method_like) << 17;
        n |= i64::from(f.int_subtype) << 24;
        n |= i64::from(ty.is_subtype(exact(FixedShape::List))) << 25;
        n |= i64::from(ty.is_subtype(exact(FixedShape::Tuple))) << 26;
        n |= i64::from(ty.is_subtype(exact(FixedShape::Bytes))) << 27;
        n |= i64::from(f.str_subtype) << 28;
        n |= i64::from(ty.is_subtype(exact(FixedShape::Dict))) << 29;
        n |= i64::from(ty.is_subtype(exc::BaseException())) << 30;
        n |= i64::from(ty.is_subtype(type_type())) << 31;
        Ok(n)
    }

    /// Computes the order in which bases are searched; a metaclass may override it.
    #[pymethod(sig = "($self, /)")]
    fn mro(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        let order = mro::compute(cx, this, &ty.bases_tuple())?;
        Ok(super::list::new(order))
    }

    /// The classes that derive from this one directly, as far as they are alive.
    #[pymethod(sig = "($self, /)")]
    fn __subclasses__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this_type(cx, this)?;
        let list: Vec<Obj> = ty.subclasses.borrow().iter().map(|t| t.as_obj()).collect();
        Ok(super::list::new(list))
    }

    /// Whether an object is an instance of this class, by its bases alone.
    #[pymethod(sig = "($self, instance, /)")]
    fn __instancecheck__(cx: &Ctx, this: &Obj, instance: &Obj) -> PyResult<bool> {
        instance.recursive_is_instance(cx, this)
    }

    /// Whether a class derives from this one, by its bases alone.
    #[pymethod(sig = "($self, subclass, /)")]
    fn __subclasscheck__(cx: &Ctx, this: &Obj, subclass: &Obj) -> PyResult<bool> {
        subclass.recursive_is_subclass(cx, this)
    }

    /// An empty dict, the namespace of a class statement to be.
    #[pyclassmethod(sig = "($cls, name, bases, /, **kwds)")]
    fn __prepare__(_cx: &Ctx, _cls: &Obj, _args: Args<'_>) -> PyResult {
        Ok(super::dict::new())
    }

    /// The names of attributes of the class and of its bases, without those of the metaclass.
    #[pymethod(sig = "($self, /)")]
    fn __dir__(cx: &Ctx, this: &Obj) -> PyResult {
        super::dir::type_dir(cx, this)
    }

    /// How many bytes the class takes, its attributes not counted.
    #[pymethod(sig = "($self, /)")]
    fn __sizeof__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        this_type(cx, this)?;
        Ok(size_of::<Header>() + payload_size())
    }

    fn nb_or(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
        super::union::or(cx, a, b)
    }
}
