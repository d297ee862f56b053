//! `__annotations__` and `__annotate__` of classes and modules (PEP 649, PEP 749).

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::types::str::Name;
use crate::types::{Type, dict, module};
use crate::value::Obj;

/// Where a class or module keeps what it computed.
trait Store {
    fn get(&self, cx: &Ctx, name: Name) -> PyResult<Option<Obj>>;
    fn set(&self, cx: &Ctx, name: Name, value: Option<&Obj>) -> PyResult<()>;
}

struct ClassStore<'a>(&'a Type);

impl Store for ClassStore<'_> {
    fn get(&self, _: &Ctx, name: Name) -> PyResult<Option<Obj>> {
        Ok(self.0.own_cell(name).and_then(|c| c.get()))
    }

    fn set(&self, cx: &Ctx, name: Name, value: Option<&Obj>) -> PyResult<()> {
        let Some(ty) = self.0.as_obj().as_static_type() else { return Ok(()) };
        if value.is_none() && self.0.own_cell(name).and_then(|c| c.get()).is_none() {
            return Ok(());
        }
        super::type_::set_class_attr(cx, ty, name, value)
    }
}

struct ModuleStore(Obj);

impl Store for ModuleStore {
    fn get(&self, cx: &Ctx, name: Name) -> PyResult<Option<Obj>> {
        dict::get(cx, &self.0, name.as_obj())
    }

    fn set(&self, cx: &Ctx, name: Name, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) => dict::set(cx, &self.0, name.as_obj(), v),
            None => dict::remove(cx, &self.0, name.as_obj()).map(drop),
        }
    }
}

/// Calls an annotate function with format VALUE.
fn evaluate(cx: &Ctx, annotate: Option<Obj>) -> PyResult<Option<Obj>> {
    let Some(f) = annotate.filter(|f| f.is_callable()) else { return Ok(None) };
    let r = f.call1(cx, &Obj::from(1i64))?;
    if dict::as_dict(&r).is_none() {
        return Err(cx.type_error(format!("__annotate__ returned non-dict of type '{}'", r.type_of().name())));
    }
    Ok(Some(r))
}

fn class_of<'a>(cx: &Ctx, this: &'a Obj) -> PyResult<&'a Type> {
    this.as_type().ok_or_else(|| cx.type_error("not a class"))
}

fn module_store(cx: &Ctx, this: &Obj) -> PyResult<ModuleStore> {
    module::namespace(this).map(ModuleStore).ok_or_else(|| cx.type_error("not a module"))
}

fn refuse_native(cx: &Ctx, ty: &Type, this: &Obj, name: Name) -> PyResult<()> {
    if ty.is_heap_type() {
        return Ok(());
    }
    Err(cx.attribute_error(
        format!("type object '{}' has no attribute '{}'", ty.name(), name.as_str()),
        this,
        name.as_obj(),
    ))
}

fn refuse_change(cx: &Ctx, ty: &Type, name: &str) -> PyResult<()> {
    if ty.flags().immutable {
        return Err(cx.type_error(format!("cannot set '{name}' attribute of immutable type '{}'", ty.name())));
    }
    Ok(())
}

/// `cls.__annotations__`.
pub(crate) fn class_annotations(cx: &Ctx, this: &Obj) -> PyResult {
    let ty = class_of(cx, this)?;
    refuse_native(cx, ty, this, intern!("__annotations__"))?;
    let s = ClassStore(ty);
    for n in [intern!("__annotations__"), intern!("__annotations_cache__")] {
        if let Some(a) = s.get(cx, n)? {
            return match a.type_of().slots.descr_get.get() {
                Some(get) => get(cx, &a, None, Some(this)),
                None => Ok(a),
            };
        }
    }
    let annotate = class_annotate(cx, this)?.non_none();
    let a = evaluate(cx, annotate)?.unwrap_or_else(dict::new);
    s.set(cx, intern!("__annotations_cache__"), Some(&a))?;
    Ok(a)
}

/// `cls.__annotations__ = value`.
pub(crate) fn set_class_annotations(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let ty = class_of(cx, this)?;
    refuse_change(cx, ty, "__annotations__")?;
    let s = ClassStore(ty);
    let own = intern!("__annotations__");
    let cache = intern!("__annotations_cache__");
    let name = if s.get(cx, own)?.is_some() { own } else { cache };
    if value.is_none() && s.get(cx, name)?.is_none() {
        return Err(cx.attribute_error("__annotations__", this, own.as_obj()));
    }
    s.set(cx, name, value)?;
    if name == own {
        s.set(cx, cache, None)?;
    }
    s.set(cx, intern!("__annotate_func__"), None)?;
    s.set(cx, intern!("__annotate__"), None)
}

/// `cls.__annotate__`.
pub(crate) fn class_annotate(cx: &Ctx, this: &Obj) -> PyResult {
    let ty = class_of(cx, this)?;
    refuse_native(cx, ty, this, intern!("__annotate__"))?;
    let s = ClassStore(ty);
    // A method that the class defines itself goes before the function that the compiler made.
    for n in [intern!("__annotate__"), intern!("__annotate_func__")] {
        if let Some(f) = s.get(cx, n)? {
            return match f.type_of().slots.descr_get.get() {
                Some(get) => get(cx, &f, None, Some(this)),
                None => Ok(f),
            };
        }
    }
    Ok(Obj::none())
}

/// `cls.__annotate__ = value`.
pub(crate) fn set_class_annotate(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let ty = class_of(cx, this)?;
    let Some(v) = value else { return Err(cx.type_error("cannot delete __annotate__ attribute")) };
    refuse_change(cx, ty, "__annotate__")?;
    if !v.is_none() && !v.is_callable() {
        return Err(cx.type_error("__annotate__ must be callable or None"));
    }
    let s = ClassStore(ty);
    s.set(cx, intern!("__annotate_func__"), Some(v))?;
    if !v.is_none() {
        s.set(cx, intern!("__annotations_cache__"), None)?;
        s.set(cx, intern!("__annotations__"), None)?;
    }
    Ok(())
}

/// `module.__annotations__`.
pub(crate) fn module_annotations(cx: &Ctx, this: &Obj) -> PyResult {
    let s = module_store(cx, this)?;
    let name = intern!("__annotations__");
    if let Some(a) = s.get(cx, name)? {
        return Ok(a);
    }
    let annotate = s.get(cx, intern!("__annotate__"))?;
    let a = evaluate(cx, annotate)?.unwrap_or_else(dict::new);
    // A module that is still running may annotate more.
    let spec = s.get(cx, intern!("__spec__"))?;
    if !module::is_initializing(cx, spec.as_ref())? {
        s.set(cx, name, Some(&a))?;
    }
    Ok(a)
}

/// `module.__annotations__ = value`.
pub(crate) fn set_module_annotations(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let s = module_store(cx, this)?;
    let name = intern!("__annotations__");
    if value.is_none() && s.get(cx, name)?.is_none() {
        return Err(cx.attribute_error("__annotations__", this, name.as_obj()));
    }
    s.set(cx, name, value)?;
    s.set(cx, intern!("__annotate__"), None)
}

/// `module.__annotate__`.
pub(crate) fn module_annotate(cx: &Ctx, this: &Obj) -> PyResult {
    let s = module_store(cx, this)?;
    let name = intern!("__annotate__");
    if let Some(f) = s.get(cx, name)? {
        return Ok(f);
    }
    s.set(cx, name, Some(&Obj::none()))?;
    Ok(Obj::none())
}

/// `module.__annotate__ = value`.
pub(crate) fn set_module_annotate(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let s = module_store(cx, this)?;
    let Some(v) = value else { return Err(cx.type_error("cannot delete __annotate__ attribute")) };
    if !v.is_none() && !v.is_callable() {
        return Err(cx.type_error("__annotate__ must be callable or None"));
    }
    s.set(cx, intern!("__annotate__"), Some(v))?;
    if !v.is_none() {
        s.set(cx, intern!("__annotations__"), None)?;
    }
    Ok(())
}
