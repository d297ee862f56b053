//! Attribute access.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::FixedShape;
use crate::shape::instance::{self, SetAttr};
use crate::types::str::Name;
use crate::types::{Type, dict, exc};
use crate::value::{Obj, Value};

impl Obj {
    /// `x.name`.
    #[inline]
    pub fn get_attr(&self, cx: &Ctx, name: Name) -> PyResult {
        let ty = self.type_of();
        match ty.slots.getattr.get() {
            Some(f) => f(cx, self, name.as_obj()).map_err(|r| exc::name_attribute(cx, r, self, name.as_obj())),
            None => generic_get_attr(cx, self, name.as_obj()),
        }
    }

    /// `getattr(x, name)` for any str object.
    pub fn get_attr_obj(&self, cx: &Ctx, name: &Obj) -> PyResult {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        match self.type_of().slots.getattr.get() {
            Some(f) => f(cx, self, name).map_err(|r| exc::name_attribute(cx, r, self, name)),
            None => generic_get_attr(cx, self, name),
        }
    }

    /// `getattr(x, name, nothing)`: only AttributeError means "nothing".
    pub fn get_attr_opt(&self, cx: &Ctx, name: Name) -> PyResult<Option<Obj>> {
        self.get_attr_obj_opt(cx, name.as_obj())
    }

    /// As [`Obj::get_attr_opt`] for any str object. The common miss makes no exception.
    pub fn get_attr_obj_opt(&self, cx: &Ctx, name: &Obj) -> PyResult<Option<Obj>> {
        let ty = self.type_of();
        let generic = generic_get_attr as crate::types::slots::BinaryFn;
        match ty.slots.getattr.get() {
            Some(f) if !std::ptr::fn_addr_eq(f, generic) => match f(cx, self, name) {
                Ok(v) => Ok(Some(v)),
                Err(r) => cx.swallow(r, exc::AttributeError()).map(|()| None),
            },
            _ => match generic_lookup(cx, self, name) {
                Ok(v) => Ok(v),
                Err(r) => cx.swallow(r, exc::AttributeError()).map(|()| None),
            },
        }
    }

    /// `x.name = value`.
    pub fn set_attr(&self, cx: &Ctx, name: Name, value: &Obj) -> PyResult<()> {
        self.store_attr(cx, name.as_obj(), Some(value))
    }

    /// `del x.name`.
    pub fn del_attr(&self, cx: &Ctx, name: Name) -> PyResult<()> {
        self.store_attr(cx, name.as_obj(), None)
    }

    /// `setattr` or (with nothing) `delattr`, for any str object.
    pub fn store_attr(&self, cx: &Ctx, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let ty = self.type_of();
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        match ty.slots.setattr.get() {
            Some(f) => f(cx, self, name, value),
            None => generic_set_attr(cx, self, name, value),
        }
    }

    /// A special method: found on the class, never on the instance, and bound to the instance.
    pub fn lookup_special(&self, cx: &Ctx, name: Name) -> PyResult<Option<Obj>> {
        let Some(f) = self.type_of().lookup(name) else { return Ok(None) };
        bind(cx, f, self).map(Some)
    }
}

pub(crate) fn bind(cx: &Ctx, f: Obj, this: &Obj) -> PyResult {
    match f.type_of().slots.descr_get.get() {
        Some(get) => get(cx, &f, Some(this), Some(&this.type_of().as_obj())),
        None => Ok(f),
    }
}

/// `object.__getattribute__`.
pub fn generic_get_attr(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
    match generic_lookup(cx, this, name)? {
        Some(v) => Ok(v),
        None => Err(no_attribute(cx, this, name)),
    }
}

/// Refuses attribute names that are no str. Names that were interned are.
#[cold]
fn expect_str(cx: &Ctx, name: &Obj) -> PyResult<()> {
    if name.type_of().is_str_subtype() {
        return Ok(());
    }
    Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())))
}

/// The AttributeError of an object, no class or module, that has no such attribute.
#[cold]
pub fn no_attribute(cx: &Ctx, this: &Obj, name: &Obj) -> crate::Raised {
    let message =
        format!("'{}' object has no attribute '{}'", this.type_of().name(), crate::types::str::as_utf8_lossy(name));
    cx.attribute_error(message, this, name)
}

/// Generic look-up that reports a plain miss without making an exception.
pub(crate) fn generic_lookup(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult<Option<Obj>> {
    // A str that was never interned names no attribute of a class or shape.
    let interned = Name::lookup_obj(name);
    if interned.is_none() {
        expect_str(cx, name)?;
    }
    let ty = this.type_of();
    let found = interned.and_then(|n| ty.lookup(n));
    if let Some(d) = &found {
        let slots = &d.type_of().slots;
        if slots.descr_set.get().is_some()
            && let Some(get) = slots.descr_get.get()
        {
            return get(cx, d, Some(this), Some(&ty.as_obj())).map(Some);
        }
    }
    if let Some(v) = instance_attr(cx, this, ty, interned, name)? {
        return Ok(Some(v));
    }
    let Some(d) = found else { return Ok(None) };
    match d.type_of().slots.descr_get.get() {
        Some(get) => get(cx, &d, Some(this), Some(&ty.as_obj())).map(Some),
        None => Ok(Some(d)),
    }
}

/// The attribute in the instance itself.
#[inline]
fn instance_attr(cx: &Ctx, this: &Obj, ty: &Type, interned: Option<Name>, name: &Obj) -> PyResult<Option<Obj>> {
    if !ty.layout().has_dict {
        // A module keeps its attributes itself.
        return match crate::types::module::namespace(this) {
            Some(d) => dict::get(cx, &d, name),
            None => Ok(None),
        };
    }
    let Some(p) = this.as_ptr() else { return Ok(None) };
    // SAFETY: `this` keeps the object alive; the value is cloned before anything else runs.
    unsafe {
        if !(*p).shape().is_dict_mode() {
            let v = interned.and_then(|n| instance::get_attr(p, n));
            return Ok(v.map(|v: Value| Obj::from_borrowed(v)));
        }
    }
    match dict::instance_dict(cx, this)? {
        Some(d) => dict::get(cx, &d, name),
        None => Ok(None),
    }
}

/// `object.__setattr__` and `object.__delattr__`.
pub fn generic_set_attr(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let ty = this.type_of();
    let interned = Name::lookup_obj(name);
    if interned.is_none() {
        expect_str(cx, name)?;
    }
    let found = interned.and_then(|n| ty.lookup(n));
    if let Some(d) = &found
        && let Some(set) = d.type_of().slots.descr_set.get()
    {
        return set(cx, d, this, value);
    }
    if let Some(d) = crate::types::module::namespace(this) {
        // A module keeps its attributes itself.
        return match value {
            Some(v) => dict::set(cx, &d, name, v),
            None if dict::remove(cx, &d, name)? => Ok(()),
            None => Err(no_attribute(cx, this, name)),
        };
    }
    let layout = ty.layout();
    if layout.has_dict
        && let Some(p) = this.as_ptr()
    {
        // SAFETY: `this` keeps the object alive, and its layout has attribute storage.
        let shaped = unsafe { !(*p).shape().is_dict_mode() };
        if shaped && let (Some(n), Some(v)) = (Name::from_obj(name), value) {
            // SAFETY: as above.
            match unsafe { instance::set_attr(p, n, v.clone()) } {
                SetAttr::Done(old) => {
                    drop(old);
                    return Ok(());
                }
                SetAttr::NeedsDict(_) => {}
            }
        }
        if shaped
            && value.is_none()
            // SAFETY: `p` is the header of the object, which the caller holds.
            && let Some(old) = interned.and_then(|n| unsafe { instance::remove_last(p, n) })
        {
            drop(old);
            return Ok(());
        }
        if let Some(d) = dict::instance_dict(cx, this)? {
            return match value {
                Some(v) => {
                    if shaped {
                        dict::enter_dict_mode(cx, this)?;
                    }
                    dict::set(cx, &d, name, v)
                }
                None if dict::remove(cx, &d, name)? => Ok(()),
                None => Err(no_attribute(cx, this, name)),
            };
        }
    }
    let text = crate::types::str::as_utf8_lossy(name).into_owned();
    let message = match (&found, layout.has_dict) {
        (Some(_), _) => format!("'{}' object attribute '{text}' is read-only", ty.name()),
        (None, false) => {
            format!("'{}' object has no attribute '{text}' and no __dict__ for setting new attributes", ty.name())
        }
        (None, true) => format!("'{}' object has no attribute '{text}'", ty.name()),
    };
    Err(cx.attribute_error(message, this, name))
}

/// What [`get_method`] found.
pub enum Method {
    /// A function of the class: call it with the object as first argument.
    Unbound(Obj),
    /// Anything else: call it as it is.
    Bound(Obj),
}

/// `x.name` for a call that follows at once: avoids the bound method where the class has a plain function.
pub fn get_method(cx: &Ctx, this: &Obj, name: Name) -> PyResult<Method> {
    let ty = this.type_of();
    let generic = generic_get_attr as crate::types::slots::BinaryFn;
    match ty.slots.getattr.get() {
        Some(f) if !std::ptr::fn_addr_eq(f, generic) => return f(cx, this, name.as_obj()).map(Method::Bound),
        _ => {}
    }
    let found = ty.lookup(name);
    let mut getter = None;
    let mut is_method = false;
    if let Some(d) = &found {
        is_method = is_method_like(d);
        if !is_method {
            let slots = &d.type_of().slots;
            getter = slots.descr_get.get();
            if let (Some(get), true) = (getter, slots.descr_set.get().is_some()) {
                return get(cx, d, Some(this), Some(&ty.as_obj())).map(Method::Bound);
            }
        }
    }
    if let Some(v) = instance_attr(cx, this, ty, Some(name), name.as_obj())? {
        return Ok(Method::Bound(v));
    }
    match (found, getter) {
        (Some(f), _) if is_method => Ok(Method::Unbound(f)),
        (Some(d), Some(get)) => get(cx, &d, Some(this), Some(&ty.as_obj())).map(Method::Bound),
        (Some(d), None) => Ok(Method::Bound(d)),
        (None, _) => Err(no_attribute(cx, this, name.as_obj())),
    }
}

/// Whether binding the object only prepends the instance: Python functions and native methods.
#[inline]
pub(crate) fn is_method_like(f: &Obj) -> bool {
    f.is_exact(FixedShape::NativeMethod) || f.type_of().flags().method_like
}

/// Calls a function of the class of `this` with it and at most three arguments.
pub(crate) fn call_function_with(cx: &Ctx, f: &Obj, this: &Obj, args: &[&Obj]) -> PyResult {
    debug_assert!(args.len() <= 3);
    let mut words = [this.value(); 4];
    let n = args.len().min(3);
    let mut i = 0;
    while i < n {
        words[i + 1] = args[i].value();
        i += 1;
    }
    // SAFETY: the words are borrowed from handles that outlive the call.
    f.call_pos(cx, unsafe { Obj::slice_from(words.as_ptr(), n + 1) })
}

/// Calls special method `name` of `this` with arguments, without making a bound method. Nothing if the
/// class has no such method.
pub fn call_special(cx: &Ctx, this: &Obj, name: Name, args: &[&Obj]) -> PyResult<Option<Obj>> {
    let Some(f) = this.type_of().lookup(name) else { return Ok(None) };
    if is_method_like(&f) {
        return call_function_with(cx, &f, this, args).map(Some);
    }
    let all: smallvec::SmallVec<[Obj; 4]> = args.iter().map(|a| (*a).clone()).collect();
    bind(cx, f, this)?.call_pos(cx, &all).map(Some)
}

/// Reads `__name__`-like text of classes for messages.
pub fn qualified_name(cx: &Ctx, ty: &Type) -> PyResult<String> {
    let q = ty.as_obj().get_attr(cx, intern!("__qualname__"))?;
    Ok(crate::types::str::as_utf8_lossy(&q).into_owned())
}
