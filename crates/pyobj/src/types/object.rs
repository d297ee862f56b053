//! `object`: the root of all types.

use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::intern;
use crate::native::{Args, ClassDef};
use crate::native::{PyClass, pyclass, pymethods};
use crate::protocol;
use crate::types::slots::{InitFn, NewFn};
use crate::types::{CmpOp, Type, exc};
use crate::value::Obj;

/// The root of all classes.
///
/// An instance of it has no attributes of its own, but an identity, as for a marker that equals nothing else.
#[pyclass(name = "object", module = "builtins", fixed = Object, flags(basetype), payload = "none", sig = "()")]
pub struct Object;

pub(crate) fn class_def() -> &'static ClassDef {
    Object::class()
}

/// The hash of types whose instances cannot be hashed (`__hash__ = None`).
pub(crate) fn hash_not_implemented(cx: &Ctx, this: &Obj) -> PyResult<i64> {
    Err(cx.type_error(format!("unhashable type: '{}'", this.type_of().name())))
}

/// The hash of an object by identity.
pub fn identity_hash(this: &Obj) -> i64 {
    let h = (this.id() as i64).rotate_right(4);
    if h == -1 { -2 } else { h }
}

/// A fresh instance of a type whose native part is empty.
pub fn new_plain(ty: &Type) -> Obj {
    // SAFETY: the payload is empty, and `alloc_object` unset all slots.
    unsafe {
        let p = heap::alloc_object(ty, 0);
        heap::publish(p, ty.root_shape())
    }
}

/// Whether a class has a `__new__` of its own and the `__init__` of `object`, which then does nothing.
pub fn ignores_arguments(ty: &Type) -> bool {
    let init = ty.slots.init.get().is_some_and(|f| std::ptr::fn_addr_eq(f, object_init() as super::slots::InitFn));
    init && ty.slots.new.get().is_some_and(|f| !std::ptr::fn_addr_eq(f, object_new() as NewFn))
}

/// Whether instances of a class are made by `object.__new__`.
pub fn is_plain_new(ty: &Type) -> bool {
    ty.slots.new.get().is_some_and(|f| std::ptr::fn_addr_eq(f, object_new() as NewFn))
}

fn abstract_error(cx: &Ctx, ty: &Type) -> PyResult<crate::Raised> {
    let names = ty.as_obj().get_attr(cx, intern!("__abstractmethods__"))?;
    let mut list = names.collect(cx)?;
    let mut texts = Vec::new();
    for n in list.drain(..) {
        texts.push(super::str::as_utf8_lossy(&n).into_owned());
    }
    texts.sort();
    let joined: Vec<String> = texts.iter().map(|t| format!("'{t}'")).collect();
    Ok(cx.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{} {}",
        ty.name(),
        if texts.len() == 1 { "" } else { "s" },
        joined.join(", ")
    )))
}

#[pymethods]
impl Object {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        if !args.all().is_empty() {
            let own_new = ty.slots.new.get().is_some_and(|f| !std::ptr::fn_addr_eq(f, object_new() as NewFn));
            let own_init = ty.slots.init.get().is_some_and(|f| !std::ptr::fn_addr_eq(f, object_init() as InitFn));
            if own_new {
                return Err(cx.type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
            }
            if !own_init {
                return Err(cx.type_error(format!("{}() takes no arguments", ty.name())));
            }
        }
        if ty.flags().is_abstract {
            return Err(abstract_error(cx, ty)?);
        }
        // A type without a `__new__` of its own whose instances have a native part cannot be made from Python.
        if ty.layout().payload.size != 0 {
            return Err(cx.type_error(format!("cannot create '{}' instances", ty.name())));
        }
        Ok(new_plain(ty))
    }

    fn __init__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
        if !args.all().is_empty() {
            let ty = this.type_of();
            let own_new = ty.slots.new.get().is_some_and(|f| !std::ptr::fn_addr_eq(f, object_new() as NewFn));
            let own_init = ty.slots.init.get().is_some_and(|f| !std::ptr::fn_addr_eq(f, object_init() as InitFn));
            if own_init {
                return Err(cx.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
            }
            if !own_new {
                return Err(cx.type_error(format!(
                    "{}.__init__() takes exactly one argument (the instance to initialize)",
                    ty.name()
                )));
            }
        }
        Ok(())
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        let ty = this.type_of();
        let qualname = protocol::qualified_name(cx, ty)?;
        let module = ty.as_obj().get_attr_opt(cx, intern!("__module__"))?;
        let text = match module {
            Some(m) if m.type_of().is_str_subtype() && super::str::as_utf8_lossy(&m) != "builtins" => {
                format!("<{}.{qualname} object at {:#x}>", super::str::as_utf8_lossy(&m), this.id())
            }
            _ => format!("<{qualname} object at {:#x}>", this.id()),
        };
        Ok(Obj::from(text.as_str()))
    }

    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        // str() checks the result, and complains of `__str__`.
        this.raw_repr(cx)
    }

    fn __hash__(_cx: &Ctx, this: &Obj) -> PyResult<i64> {
        Ok(identity_hash(this))
    }

    fn __richcmp__(cx: &Ctx, this: &Obj, other: &Obj, op: CmpOp) -> PyResult {
        match op {
            CmpOp::Eq if this.is(other) => Ok(Obj::from_bool(true)),
            CmpOp::Ne => {
                // `!=` is the negation of `==` where that says anything.
                let Some(f) = this.type_of().slots.richcmp.get() else { return Ok(Obj::not_implemented()) };
                let r = f(cx, this, other, CmpOp::Eq)?;
                if r.is_not_implemented() {
                    return Ok(r);
                }
                Ok(Obj::from_bool(!r.truthy(cx)?))
            }
            _ => Ok(Obj::not_implemented()),
        }
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        protocol::generic_get_attr(cx, this, name)
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        protocol::generic_set_attr(cx, this, name, value)
    }

    #[pygetter]
    fn __class__(this: &Obj) -> Obj {
        this.type_of().as_obj()
    }

    #[pysetter(name = "__class__")]
    fn set_class(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::class_assign::assign_class(cx, this, value)
    }

    /// The same as str(self); any other format than '' raises TypeError.
    #[pymethod(sig = "($self, format_spec, /)")]
    fn __format__(cx: &Ctx, this: &Obj, format_spec: &Obj) -> PyResult {
        if !format_spec.type_of().is_str_subtype() {
            return Err(
                cx.type_error(format!("__format__() argument must be str, not {}", format_spec.type_of().name()))
            );
        }
        if format_spec.len(cx)? > 0 {
            return Err(
                cx.type_error(format!("unsupported format string passed to {}.__format__", this.type_of().name()))
            );
        }
        this.str(cx)
    }

    /// How many bytes the object itself takes.
    #[pymethod(sig = "($self, /)")]
    fn __sizeof__(cx: &Ctx, this: &Obj) -> PyResult<usize> {
        let _ = cx;
        Ok(this.type_of().layout().basic_size as usize)
    }

    /// Helper for pickle.
    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: &Obj) -> PyResult {
        super::pickle::reduce_ex(cx, this, 0)
    }

    /// Helper for pickle.
    #[pymethod(sig = "($self, protocol, /)")]
    fn __reduce_ex__(cx: &Ctx, this: &Obj, protocol: i64) -> PyResult {
        // A class that overrides __reduce__ is asked first.
        let name = intern!("__reduce__");
        if let (Some(own), Some(base)) = (this.type_of().lookup(name), Object::class().type_object().lookup(name))
            && !own.is(&base)
        {
            return this.get_attr(cx, name)?.call0(cx);
        }
        super::pickle::reduce_ex(cx, this, protocol)
    }

    /// Helper for pickle.
    #[pymethod(sig = "($self, /)")]
    fn __getstate__(cx: &Ctx, this: &Obj) -> PyResult {
        super::pickle::get_state(cx, this, false)
    }

    /// The names of the object's attributes, and of those it gets from its class.
    #[pymethod(sig = "($self, /)")]
    fn __dir__(cx: &Ctx, this: &Obj) -> PyResult {
        super::dir::object_dir(cx, this)
    }

    /// Called on a class when another derives from it; this one does nothing.
    ///
    /// An override takes the keyword arguments of the class statement.
    #[pyclassmethod(sig = "()")]
    fn __init_subclass__(cx: &Ctx, cls: &Obj, args: Args<'_>) -> PyResult<()> {
        let name = cls.as_type().map(|t| t.name().to_string()).unwrap_or_default();
        args.check_arity(cx, &format!("{name}.__init_subclass__"), 0, 0)?;
        Ok(())
    }

    /// Lets a class of the ABC kind decide on issubclass() itself.
    ///
    /// An override gives True or False, which is then remembered, or NotImplemented, as this one does, to have bases
    /// and registrations decide.
    #[pyclassmethod(sig = "(object, /)")]
    fn __subclasshook__(_cx: &Ctx, _cls: &Obj, _args: Args<'_>) -> PyResult {
        Ok(Obj::not_implemented())
    }
}

pub(crate) fn object_new() -> NewFn {
    Object::class().type_object().slots.new.get().unwrap_or(|cx, _, _| Err(cx.system_error("object has no __new__")))
}

pub(crate) fn object_init() -> InitFn {
    Object::class().type_object().slots.init.get().unwrap_or(|cx, _, _| Err(cx.system_error("object has no __init__")))
}

const _: fn() -> &'static Type = exc::TypeError;
