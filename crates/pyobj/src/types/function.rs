//! `builtin_function_or_method`.

use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::heap::Traverse;
use crate::native::{Args, FnKind, NativeFn};
use crate::native::{This, pyclass, pymethods};
use crate::types::{CmpOp, Type};
use crate::value::{Obj, ObjCell};

/// A native function, or a native method bound to its receiver.
#[pyclass(name = "builtin_function_or_method", module = "builtins", fixed = NativeFunction, flags(no_new, weakref))]
#[derive(Traverse)]
pub struct NativeFunction {
    #[traverse(skip)]
    def: &'static NativeFn,
    this: Obj,
    module: ObjCell,
    /// The type whose `__new__` this is.
    #[traverse(skip)]
    constructs: Option<&'static Type>,
}

static NEW: NativeFn = NativeFn {
    name: "__new__",
    doc: "Makes a new instance of its first argument; the class tells what else it takes.",
    sig: "($type, *args, **kwargs)",
    kind: FnKind::StaticMethod,
    arity: (1, u16::MAX),
    call: |cx, _, _| Err(cx.type_error("__new__ needs its type")),
};

/// The `__new__` of a native type: a function that checks its first argument.
pub(crate) fn new_wrapper(ty: &'static Type) -> Obj {
    heap::new_instance(
        crate::native::class_type::<NativeFunction>(),
        NativeFunction { def: &NEW, this: ty.as_obj(), module: ObjCell::new(None), constructs: Some(ty) },
    )
}

/// The native type whose `__new__` the object is.
pub(crate) fn new_wrapper_owner(f: &Obj) -> Option<&'static Type> {
    f.downcast::<NativeFunction>()?.constructs
}

impl NativeFunction {
    /// A method bound to a receiver.
    pub fn bound(def: &'static NativeFn, this: Obj) -> Obj {
        heap::new_instance(
            crate::native::class_type::<NativeFunction>(),
            NativeFunction { def, this, module: ObjCell::new(None), constructs: None },
        )
    }

    /// A function of a module.
    pub fn of_module(def: &'static NativeFn, module: &Obj, name: Obj) -> Obj {
        heap::new_instance(
            crate::native::class_type::<NativeFunction>(),
            NativeFunction { def, this: module.clone(), module: ObjCell::new(Some(name)), constructs: None },
        )
    }

    /// The definition.
    #[inline(always)]
    pub fn def(&self) -> &'static NativeFn {
        self.def
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.def.name
    }

    /// The receiver that calls pass.
    #[inline(always)]
    pub fn receiver(&self) -> &Obj {
        &self.this
    }

    /// Whether calls may go to `def().call` with `receiver()` directly.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.constructs.is_none()
    }

    fn construct(&self, cx: &Ctx, base: &'static Type, args: Args<'_>) -> PyResult {
        let Some(first) = args.pos().first() else {
            return Err(cx.type_error(format!("{}.__new__(): not enough arguments", base.name())));
        };
        let Some(ty) = first.as_type() else {
            return Err(cx.type_error(format!(
                "{0}.__new__(X): X is not a type object ({1})",
                base.name(),
                first.type_of().name()
            )));
        };
        if !ty.is_subtype(base) {
            return Err(cx.type_error(format!(
                "{0}.__new__({1}): {1} is not a subtype of {0}",
                base.name(),
                ty.name()
            )));
        }
        // `object.__new__(int)` must not make an int without its payload.
        let mut t: &Type = ty;
        while t.is_heap_type() {
            match t.base() {
                Some(b) => t = b,
                None => break,
            }
        }
        if let (Some(f), Some(g)) = (t.slots.new.get(), base.slots.new.get())
            && !std::ptr::fn_addr_eq(f, g)
        {
            return Err(cx.type_error(format!(
                "{0}.__new__({1}) is not safe, use {2}.__new__()",
                base.name(),
                ty.name(),
                t.name()
            )));
        }
        match base.slots.new.get() {
            Some(f) => f(cx, ty, args.without_first()),
            None => Err(cx.type_error(format!("cannot create '{}' instances", base.name()))),
        }
    }
}

#[pymethods]
impl NativeFunction {
    fn __call__(cx: &Ctx, this: This<'_, NativeFunction>, args: Args<'_>) -> PyResult {
        match this.constructs {
            None => (this.def.call)(cx, &this.this, args),
            Some(base) => this.construct(cx, base, args),
        }
    }

    fn __repr__(_cx: &Ctx, this: This<'_, NativeFunction>) -> PyResult {
        let text = if this.is_module_function() {
            format!("<built-in function {}>", this.def.name)
        } else {
            format!(
                "<built-in method {} of {} object at {:#x}>",
                this.def.name,
                this.this.type_of().name(),
                this.this.id()
            )
        };
        Ok(Obj::from(text.as_str()))
    }

    fn __hash__(_cx: &Ctx, this: This<'_, NativeFunction>) -> PyResult<i64> {
        let h = (this.this.id() as i64 >> 4) ^ std::ptr::from_ref(this.def) as i64;
        Ok(if h == -1 { -2 } else { h })
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, NativeFunction>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<NativeFunction>() else { return Ok(Obj::not_implemented()) };
        let same = std::ptr::eq(this.def, o.def) && this.this.is(&o.this);
        Ok(match op {
            CmpOp::Eq => Obj::from_bool(same),
            CmpOp::Ne => Obj::from_bool(!same),
            _ => Obj::not_implemented(),
        })
    }

    #[pygetter]
    fn __name__(this: This<'_, NativeFunction>) -> &'static str {
        this.def.name
    }

    #[pygetter]
    fn __qualname__(cx: &Ctx, this: This<'_, NativeFunction>) -> PyResult {
        if this.is_module_function() {
            return Ok(Obj::from(this.def.name));
        }
        let owner = if this.this.as_type().is_some() { this.this.clone() } else { this.this.type_of().as_obj() };
        let q = owner.get_attr(cx, crate::intern!("__qualname__"))?;
        Ok(Obj::from(format!("{}.{}", super::str::as_utf8_lossy(&q), this.def.name).as_str()))
    }

    #[pygetter]
    fn __self__(this: This<'_, NativeFunction>) -> Obj {
        if this.def.kind == FnKind::StaticMethod && this.constructs.is_none() {
            return Obj::none();
        }
        this.this.clone()
    }

    #[pygetter]
    fn __module__(this: This<'_, NativeFunction>) -> Obj {
        this.module.get().unwrap_or_else(Obj::none)
    }

    #[pysetter(name = "__module__")]
    fn set_module(this: This<'_, NativeFunction>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __doc__(this: This<'_, NativeFunction>) -> Option<&'static str> {
        Some(this.def.doc).filter(|d| !d.is_empty())
    }

    #[pygetter]
    fn __text_signature__(this: This<'_, NativeFunction>) -> Option<&'static str> {
        Some(this.def.sig).filter(|d| !d.is_empty())
    }

    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: This<'_, NativeFunction>) -> PyResult {
        if this.is_module_function() {
            return Ok(Obj::from(this.def.name));
        }
        super::descriptor::reduce_by_getattr(cx, &this.this, this.def.name)
    }
}

impl NativeFunction {
    /// Whether it is a function of the module `builtins`.
    pub fn module_is_builtins(&self) -> bool {
        self.is_module_function() && self.module.get().is_some_and(|m| super::str::as_utf8_lossy(&m) == "builtins")
    }

    fn is_module_function(&self) -> bool {
        self.def.kind == FnKind::Function
    }
}
