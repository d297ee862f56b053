//! Descriptors of native types: methods, class methods, computed attributes, `__slots__` members.

use crate::ctx::{Ctx, PyResult};
use crate::heap;
use crate::heap::Traverse;
use crate::intern;
use crate::native::{Args, GetSetDef, NativeFn};
use crate::native::{This, pyclass, pymethods};
use crate::types::Type;
use crate::types::function::NativeFunction;
use crate::types::str::Name;
use crate::value::{Obj, Value};

/// `(getattr, (owner, name))`: how descriptors and bound methods pickle.
pub(crate) fn reduce_by_getattr(cx: &Ctx, owner: &Obj, name: &str) -> PyResult {
    let Some(builtins) = (cx.host().builtins)(cx) else {
        return Err(cx.runtime_error("no builtins"));
    };
    let getattr = builtins.get_item(cx, intern!("getattr").as_obj())?;
    Ok(super::tuple::new(vec![getattr, super::tuple::new(vec![owner.clone(), Obj::from(name)])]))
}

fn check_receiver(cx: &Ctx, name: &str, owner: &Type, this: &Obj) -> PyResult<()> {
    if this.type_of().is_subtype(owner) {
        return Ok(());
    }
    Err(cx.type_error(format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        owner.name(),
        this.type_of().name()
    )))
}

/// `method_descriptor`: a native method as found on its class.
#[pyclass(name = "method_descriptor", module = "builtins", fixed = NativeMethod, flags(no_new, method_like))]
#[derive(Traverse)]
pub struct MethodDescriptor {
    #[traverse(skip)]
    def: &'static NativeFn,
    #[traverse(skip)]
    owner: &'static Type,
}

impl MethodDescriptor {
    /// The definition.
    #[inline(always)]
    pub fn def(&self) -> &'static NativeFn {
        self.def
    }

    /// The class that defines the method.
    #[inline(always)]
    pub fn owner(&self) -> &'static Type {
        self.owner
    }
}

pub(crate) fn method(owner: &'static Type, def: &'static NativeFn) -> Obj {
    heap::new_instance(crate::native::class_type::<MethodDescriptor>(), MethodDescriptor { def, owner })
}

#[pymethods]
impl MethodDescriptor {
    fn __call__(cx: &Ctx, this: This<'_, MethodDescriptor>, args: Args<'_>) -> PyResult {
        let Some(first) = args.pos().first() else {
            return Err(cx.type_error(format!(
                "unbound method {}.{}() needs an argument",
                this.owner.name(),
                this.def.name
            )));
        };
        if !first.type_of().is_subtype(this.owner) {
            return Err(cx.type_error(format!(
                "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
                this.def.name,
                this.owner.name(),
                first.type_of().name()
            )));
        }
        (this.def.call)(cx, first, args.without_first())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, MethodDescriptor>) -> PyResult {
        Ok(Obj::from(format!("<method '{}' of '{}' objects>", this.def.name, this.owner.name()).as_str()))
    }

    fn __get__(cx: &Ctx, this: This<'_, MethodDescriptor>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(i) = instance else { return Ok(this.obj().clone()) };
        check_receiver(cx, this.def.name, this.owner, i)?;
        Ok(NativeFunction::bound(this.def, i.clone()))
    }

    #[pygetter]
    fn __name__(this: This<'_, MethodDescriptor>) -> &'static str {
        this.def.name
    }

    #[pygetter]
    fn __qualname__(this: This<'_, MethodDescriptor>) -> String {
        format!("{}.{}", this.owner.name(), this.def.name)
    }

    #[pygetter]
    fn __objclass__(this: This<'_, MethodDescriptor>) -> Obj {
        this.owner.as_obj()
    }

    #[pygetter]
    fn __doc__(this: This<'_, MethodDescriptor>) -> Option<&'static str> {
        Some(this.def.doc).filter(|d| !d.is_empty())
    }

    #[pygetter]
    fn __text_signature__(this: This<'_, MethodDescriptor>) -> Option<&'static str> {
        Some(this.def.sig).filter(|d| !d.is_empty())
    }

    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: This<'_, MethodDescriptor>) -> PyResult {
        reduce_by_getattr(cx, &this.owner.as_obj(), this.def.name)
    }
}

/// `classmethod_descriptor`: a native class method as found on its class.
#[pyclass(name = "classmethod_descriptor", module = "builtins", flags(no_new))]
#[derive(Traverse)]
pub struct ClassMethodDescriptor {
    #[traverse(skip)]
    def: &'static NativeFn,
    #[traverse(skip)]
    owner: &'static Type,
}

pub(crate) fn class_method(owner: &'static Type, def: &'static NativeFn) -> Obj {
    heap::new_instance(crate::native::class_type::<ClassMethodDescriptor>(), ClassMethodDescriptor { def, owner })
}

#[pymethods]
impl ClassMethodDescriptor {
    fn __call__(cx: &Ctx, this: This<'_, ClassMethodDescriptor>, args: Args<'_>) -> PyResult {
        let Some(first) = args.pos().first() else {
            return Err(cx.type_error(format!(
                "descriptor '{}' of '{}' object needs an argument",
                this.def.name,
                this.owner.name()
            )));
        };
        this.check(cx, first)?;
        (this.def.call)(cx, first, args.without_first())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, ClassMethodDescriptor>) -> PyResult {
        Ok(Obj::from(format!("<method '{}' of '{}' objects>", this.def.name, this.owner.name()).as_str()))
    }

    fn __get__(
        cx: &Ctx,
        this: This<'_, ClassMethodDescriptor>,
        instance: Option<&Obj>,
        owner: Option<&Obj>,
    ) -> PyResult {
        let cls = match (owner, instance) {
            (Some(o), _) => o.clone(),
            (None, Some(i)) => i.type_of().as_obj(),
            (None, None) => {
                return Err(cx.type_error(format!(
                    "descriptor '{}' for type '{}' needs either an object or a type",
                    this.def.name,
                    this.owner.name()
                )));
            }
        };
        this.check(cx, &cls)?;
        Ok(NativeFunction::bound(this.def, cls))
    }

    #[pygetter]
    fn __name__(this: This<'_, ClassMethodDescriptor>) -> &'static str {
        this.def.name
    }

    #[pygetter]
    fn __qualname__(this: This<'_, ClassMethodDescriptor>) -> String {
        format!("{}.{}", this.owner.name(), this.def.name)
    }

    #[pygetter]
    fn __objclass__(this: This<'_, ClassMethodDescriptor>) -> Obj {
        this.owner.as_obj()
    }

    #[pygetter]
    fn __doc__(this: This<'_, ClassMethodDescriptor>) -> Option<&'static str> {
        Some(this.def.doc).filter(|d| !d.is_empty())
    }

    #[pygetter]
    fn __text_signature__(this: This<'_, ClassMethodDescriptor>) -> Option<&'static str> {
        Some(this.def.sig).filter(|d| !d.is_empty())
    }
}

impl ClassMethodDescriptor {
    fn check(&self, cx: &Ctx, cls: &Obj) -> PyResult<()> {
        let Some(t) = cls.as_type() else {
            return Err(cx.type_error(format!(
                "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
                self.def.name,
                self.owner.name(),
                cls.type_of().name()
            )));
        };
        if !t.is_subtype(self.owner) {
            return Err(cx.type_error(format!(
                "descriptor '{}' requires a subtype of '{}' but received '{}'",
                self.def.name,
                self.owner.name(),
                t.name()
            )));
        }
        Ok(())
    }
}

/// A native static method: the class dictionary holds a `staticmethod` around the function.
pub(crate) fn static_method(owner: &'static Type, def: &'static NativeFn) -> Obj {
    super::static_method::new(NativeFunction::bound(def, owner.as_obj()))
}

/// `getset_descriptor`: a computed attribute of a native type.
#[pyclass(name = "getset_descriptor", module = "builtins", fixed = GetSetDescriptor, flags(no_new))]
#[derive(Traverse)]
pub struct GetSetDescriptor {
    #[traverse(skip)]
    def: &'static GetSetDef,
    #[traverse(skip)]
    owner: &'static Type,
}

pub(crate) fn getset(owner: &'static Type, def: &'static GetSetDef) -> Obj {
    if def.is_member {
        return heap::new_instance(
            crate::native::class_type::<MemberDescriptor>(),
            MemberDescriptor { kind: MemberKind::Native(def), name: Name::new(def.name), owner },
        );
    }
    heap::new_instance(crate::native::class_type::<GetSetDescriptor>(), GetSetDescriptor { def, owner })
}

fn native_set(cx: &Ctx, def: &'static GetSetDef, owner: &Type, i: &Obj, v: Option<&Obj>) -> PyResult<()> {
    check_receiver(cx, def.name, owner, i)?;
    match def.set {
        Some(f) => f(cx, i, v),
        None => Err(cx.attribute_error(
            if def.is_member {
                "readonly attribute".to_string()
            } else {
                format!("attribute '{}' of '{}' objects is not writable", def.name, owner.name())
            },
            i,
            Name::new(def.name).as_obj(),
        )),
    }
}

#[pymethods]
impl GetSetDescriptor {
    fn __repr__(_cx: &Ctx, this: This<'_, GetSetDescriptor>) -> PyResult {
        Ok(Obj::from(format!("<attribute '{}' of '{}' objects>", this.def.name, this.owner.name()).as_str()))
    }

    fn __get__(cx: &Ctx, this: This<'_, GetSetDescriptor>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(i) = instance else { return Ok(this.obj().clone()) };
        check_receiver(cx, this.def.name, this.owner, i)?;
        (this.def.get)(cx, i)
    }

    fn __set__(cx: &Ctx, this: This<'_, GetSetDescriptor>, instance: &Obj, value: Option<&Obj>) -> PyResult<()> {
        native_set(cx, this.def, this.owner, instance, value)
    }

    #[pygetter]
    fn __name__(this: This<'_, GetSetDescriptor>) -> &'static str {
        this.def.name
    }

    #[pygetter]
    fn __qualname__(this: This<'_, GetSetDescriptor>) -> String {
        format!("{}.{}", this.owner.name(), this.def.name)
    }

    #[pygetter]
    fn __objclass__(this: This<'_, GetSetDescriptor>) -> Obj {
        this.owner.as_obj()
    }

    #[pygetter]
    fn __doc__(this: This<'_, GetSetDescriptor>) -> Option<&'static str> {
        Some(this.def.doc).filter(|d| !d.is_empty())
    }
}

enum MemberKind {
    Native(&'static GetSetDef),
    /// A name in `__slots__`: the index of its slot word.
    Slot(u16),
}

/// `member_descriptor`: a name in `__slots__`, or a plain field of a native type.
#[pyclass(name = "member_descriptor", module = "builtins", fixed = MemberDescriptor, flags(no_new))]
#[derive(Traverse)]
pub struct MemberDescriptor {
    #[traverse(skip)]
    kind: MemberKind,
    #[traverse(skip)]
    name: Name,
    #[traverse(skip)]
    owner: &'static Type,
}

/// The descriptor of slot word `index` of a Python class. It lives in the class, so the borrow of its owner holds.
pub(crate) fn slot_member(owner: &'static Type, name: Name, index: u16) -> Obj {
    heap::new_instance(
        crate::native::class_type::<MemberDescriptor>(),
        MemberDescriptor { kind: MemberKind::Slot(index), name, owner },
    )
}

impl MemberDescriptor {
    /// The byte offset of the slot word in instances of a class, for a name in `__slots__` of it or of a base.
    pub fn slot_offset(&self, instance: &Type) -> Option<usize> {
        match self.kind {
            MemberKind::Slot(_) if !instance.is_subtype(self.owner) => None,
            MemberKind::Slot(i) => Some(instance.layout().slots_off as usize + 8 * i as usize),
            MemberKind::Native(_) => None,
        }
    }

    fn unset(&self, cx: &Ctx, i: &Obj) -> crate::Raised {
        cx.attribute_error(
            format!("'{}' object has no attribute '{}'", i.type_of().full_name(), self.name.as_str()),
            i,
            self.name.as_obj(),
        )
    }
}

#[pymethods]
impl MemberDescriptor {
    fn __repr__(_cx: &Ctx, this: This<'_, MemberDescriptor>) -> PyResult {
        Ok(Obj::from(format!("<member '{}' of '{}' objects>", this.name.as_str(), this.owner.name()).as_str()))
    }

    fn __get__(cx: &Ctx, this: This<'_, MemberDescriptor>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let Some(i) = instance else { return Ok(this.obj().clone()) };
        check_receiver(cx, this.name.as_str(), this.owner, i)?;
        match this.kind {
            MemberKind::Native(def) => (def.get)(cx, i),
            MemberKind::Slot(_) => {
                let off = this.slot_offset(i.type_of()).unwrap_or(0);
                // SAFETY: the receiver's layout extends the owner's, which has this slot word.
                let v = unsafe { *((i.value().bits() as usize + off) as *const Value) };
                if v == Value::UNBOUND {
                    return Err(this.unset(cx, i));
                }
                // SAFETY: the slot owns its value.
                Ok(unsafe { Obj::from_borrowed(v) })
            }
        }
    }

    fn __set__(cx: &Ctx, this: This<'_, MemberDescriptor>, instance: &Obj, value: Option<&Obj>) -> PyResult<()> {
        match this.kind {
            MemberKind::Native(def) => native_set(cx, def, this.owner, instance, value),
            MemberKind::Slot(_) => {
                check_receiver(cx, this.name.as_str(), this.owner, instance)?;
                let off = this.slot_offset(instance.type_of()).unwrap_or(0);
                let new = value.map_or(Value::UNBOUND, |v| v.clone().into_value());
                // SAFETY: as in `__get__`; the slot takes the new reference and gives up the old one.
                let old =
                    unsafe { std::mem::replace(&mut *((instance.value().bits() as usize + off) as *mut Value), new) };
                if old == Value::UNBOUND {
                    return if value.is_none() { Err(this.unset(cx, instance)) } else { Ok(()) };
                }
                // SAFETY: the slot owned its value.
                drop(unsafe { Obj::from_owned(old) });
                Ok(())
            }
        }
    }

    #[pygetter]
    fn __name__(this: This<'_, MemberDescriptor>) -> Obj {
        this.name.obj()
    }

    #[pygetter]
    fn __qualname__(this: This<'_, MemberDescriptor>) -> String {
        format!("{}.{}", this.owner.name(), this.name.as_str())
    }

    #[pygetter]
    fn __objclass__(this: This<'_, MemberDescriptor>) -> Obj {
        this.owner.as_obj()
    }

    #[pygetter]
    fn __doc__(this: This<'_, MemberDescriptor>) -> Option<&'static str> {
        match this.kind {
            MemberKind::Native(d) => Some(d.doc).filter(|d| !d.is_empty()),
            MemberKind::Slot(_) => None,
        }
    }

    #[pymethod(sig = "($self, /)")]
    fn __reduce__(cx: &Ctx, this: This<'_, MemberDescriptor>) -> PyResult {
        reduce_by_getattr(cx, &this.owner.as_obj(), this.name.as_str())
    }
}
