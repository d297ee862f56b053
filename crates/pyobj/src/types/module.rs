//! `module`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::intern;
use crate::native::{ModuleDef, PyClass, This, pyclass, pymethods};
use crate::protocol;
use crate::types::function::NativeFunction;
use crate::types::str::{Name, as_utf8_lossy};
use crate::types::{Type, dict, exc};
use crate::value::{Obj, ObjCell};

/// A namespace of a program, filled by running the module's code.
///
/// name and doc become __name__ and __doc__.
#[pyclass(name = "module", fixed = Module, flags(basetype, weakref))]
pub struct Module {
    dict: ObjCell,
}

impl Module {
    /// Caches that know the module by its address forget it: the namespace may outlive it, and another module may come
    /// to lie there.
    fn leave_caches(&self) {
        if let Some(d) = self.dict.get().as_ref().and_then(dict::as_dict) {
            d.forget_caches();
        }
    }
}

impl Traverse for Module {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.dict.traverse(visit);
    }

    fn clear(&self) {
        self.leave_caches();
        self.dict.set(None);
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        self.leave_caches();
    }
}

/// A module with the standard attributes set.
pub fn new(cx: &Ctx, name: &str) -> PyResult {
    let d = dict::new_namespace();
    for (k, v) in [
        ("__name__", Obj::from(name)),
        ("__doc__", Obj::none()),
        ("__package__", Obj::none()),
        ("__loader__", Obj::none()),
        ("__spec__", Obj::none()),
    ] {
        dict::set(cx, &d, Name::new(k).as_obj(), &v)?;
    }
    Ok(heap::new_instance(Module::class().type_object(), Module { dict: ObjCell::new(Some(d)) }))
}

/// Makes a native module from its definition and runs its initialisation.
pub fn from_def(cx: &Ctx, def: &'static ModuleDef) -> PyResult {
    let m = new(cx, def.name)?;
    fill_from_def(cx, &m, def)?;
    Ok(m)
}

/// Adds the contents of a definition to a module.
pub fn fill_from_def(cx: &Ctx, m: &Obj, def: &'static ModuleDef) -> PyResult<()> {
    let d = namespace(m).ok_or_else(|| cx.system_error("module without namespace"))?;
    let name = Obj::from(def.name);
    if !def.doc.is_empty() {
        dict::set(cx, &d, intern!("__doc__").as_obj(), &Obj::from(def.doc))?;
    }
    for f in def.functions {
        dict::set(cx, &d, Name::new(f.name).as_obj(), &NativeFunction::of_module(f, m, name.clone()))?;
    }
    for c in def.classes {
        let t = c().type_object();
        let short = t.short_name().to_string();
        dict::set(cx, &d, Name::new(&short).as_obj(), &t.as_obj())?;
    }
    if let Some(init) = def.init {
        init(cx, m)?;
    }
    Ok(())
}

/// The namespace of a module (or of an instance of a subclass).
pub fn namespace(m: &Obj) -> Option<Obj> {
    m.downcast::<Module>().and_then(|m| m.dict.get())
}

/// Whether a module is still being imported, by its spec.
pub fn is_initializing(cx: &Ctx, spec: Option<&Obj>) -> PyResult<bool> {
    match spec {
        Some(s) => match s.get_attr_opt(cx, intern!("_initializing"))? {
            Some(v) => v.truthy(cx),
            None => Ok(false),
        },
        None => Ok(false),
    }
}

/// Where a module came from, as messages about a name that it lacks tell it.
pub struct Origin {
    /// The file, if the module has one.
    pub file: Option<Obj>,
    /// The file lies beside the program, so it may hide another module of its name.
    pub may_shadow: bool,
    /// It does hide a module of the standard library.
    pub shadows_library: bool,
}

impl Origin {
    /// Finds out about the module with a spec and a name.
    ///
    /// # Errors
    /// If the name cannot be looked up among those of the library.
    pub fn find(cx: &Ctx, spec: Option<&Obj>, name: &Obj) -> PyResult<Origin> {
        let mut file = None;
        if let Some(s) = spec
            && let Some(has) = s.get_attr_opt(cx, intern!("has_location"))?
            && has.truthy(cx)?
        {
            file = s.get_attr_opt(cx, intern!("origin"))?.filter(|o| o.type_of().is_str_subtype());
        }
        let may_shadow = file.as_ref().is_some_and(|f| (cx.host().is_beside_program)(cx, &as_utf8_lossy(f)));
        let mut shadows_library = false;
        if may_shadow
            && let Some(names) = (cx.host().import)(cx, "sys")?.get_attr_opt(cx, intern!("stdlib_module_names"))?
            && crate::types::set::as_set(&names).is_some()
        {
            shadows_library = names.contains(cx, name)?;
        }
        Ok(Origin { file, may_shadow, shadows_library })
    }

    /// The advice for a file that hides a module of the library.
    pub fn library_advice(&self, name: &str) -> String {
        let file = self.file_text();
        format!(
            "consider renaming '{file}' since it has the same name as the standard library module named '{name}' and \
             prevents importing that standard library module"
        )
    }

    /// The advice for a file that may hide a module from elsewhere.
    pub fn advice(&self) -> String {
        format!("consider renaming '{}' if it has the same name as a library you intended to import", self.file_text())
    }

    fn file_text(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |f| as_utf8_lossy(f).into_owned())
    }
}

fn missing(cx: &Ctx, this: &Obj, d: &Obj, name: &Obj) -> PyResult {
    if let Some(f) = dict::get(cx, d, intern!("__getattr__").as_obj())? {
        return f.call1(cx, name);
    }
    let text = as_utf8_lossy(name).into_owned();
    let own = dict::get(cx, d, intern!("__name__").as_obj())?.filter(|n| n.type_of().is_str_subtype());
    let message = match own {
        Some(own) => {
            let n = as_utf8_lossy(&own).into_owned();
            let spec = dict::get(cx, d, intern!("__spec__").as_obj())?.and_then(Obj::non_none);
            let origin = Origin::find(cx, spec.as_ref(), &own)?;
            if origin.shadows_library {
                format!("module '{n}' has no attribute '{text}' ({})", origin.library_advice(&n))
            } else if is_initializing(cx, spec.as_ref())? {
                match &origin.file {
                    Some(_) if origin.may_shadow => {
                        format!("module '{n}' has no attribute '{text}' ({})", origin.advice())
                    }
                    Some(f) => format!(
                        "partially initialized module '{n}' from '{}' has no attribute '{text}' (most likely due to a \
                         circular import)",
                        as_utf8_lossy(f)
                    ),
                    None => format!(
                        "partially initialized module '{n}' has no attribute '{text}' (most likely due to a circular \
                         import)"
                    ),
                }
            } else if is_waiting_submodule(cx, spec.as_ref(), name)? {
                format!("cannot access submodule '{text}' of module '{n}' (most likely due to a circular import)")
            } else {
                format!("module '{n}' has no attribute '{text}'")
            }
        }
        None => format!("module has no attribute '{text}'"),
    };
    Err(cx.attribute_error(message, this, name))
}

/// Whether a submodule of that name is being imported right now.
fn is_waiting_submodule(cx: &Ctx, spec: Option<&Obj>, name: &Obj) -> PyResult<bool> {
    let Some(s) = spec else { return Ok(false) };
    match s.get_attr_opt(cx, intern!("_uninitialized_submodules"))? {
        Some(l) => l.contains(cx, name),
        None => Ok(false),
    }
}

#[pymethods]
impl Module {
    fn __new__(_cx: &Ctx, ty: &Type, _args: crate::native::Args<'_>) -> PyResult {
        Ok(heap::new_instance(ty, Module { dict: ObjCell::new(Some(dict::new_namespace())) }))
    }

    #[pymethod(sig = "($self, name, doc=None)")]
    fn __init__(cx: &Ctx, this: This<'_, Module>, name: &Obj, doc: Option<&Obj>) -> PyResult<()> {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("module() argument 'name' must be str, not {}", name.type_of().name())));
        }
        let Some(d) = this.dict.get() else { return Ok(()) };
        let none = Obj::none();
        for (k, v) in [
            ("__name__", name),
            ("__doc__", doc.unwrap_or(&none)),
            ("__package__", &none),
            ("__loader__", &none),
            ("__spec__", &none),
        ] {
            dict::set(cx, &d, Name::new(k).as_obj(), v)?;
        }
        Ok(())
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        let Some(m) = this.downcast::<Module>() else { return protocol::generic_get_attr(cx, this, name) };
        let d = m.dict.get().ok_or_else(|| cx.system_error("module without namespace"))?;
        // Class attributes of `module` itself are few; data descriptors go first.
        let ty = this.type_of();
        let found = Name::lookup_obj(name).and_then(|n| ty.lookup(n));
        if let Some(a) = &found {
            let s = &a.type_of().slots;
            if s.descr_set.get().is_some()
                && let Some(get) = s.descr_get.get()
            {
                return get(cx, a, Some(this), Some(&ty.as_obj()));
            }
        }
        if let Some(v) = dict::get(cx, &d, name)? {
            return Ok(v);
        }
        if let Some(a) = found {
            return match a.type_of().slots.descr_get.get() {
                Some(get) => get(cx, &a, Some(this), Some(&ty.as_obj())),
                None => Ok(a),
            };
        }
        missing(cx, this, &d, name)
    }

    fn __setattr__(cx: &Ctx, this: &Obj, name: &Obj, value: Option<&Obj>) -> PyResult<()> {
        let Some(m) = this.downcast::<Module>() else { return protocol::generic_set_attr(cx, this, name, value) };
        if let Some(a) = Name::lookup_obj(name).and_then(|n| this.type_of().lookup(n))
            && let Some(set) = a.type_of().slots.descr_set.get()
        {
            return set(cx, &a, this, value);
        }
        let d = m.dict.get().ok_or_else(|| cx.system_error("module without namespace"))?;
        match value {
            Some(v) => dict::set(cx, &d, name, v),
            None if dict::remove(cx, &d, name)? => Ok(()),
            None => missing(cx, this, &d, name).map(drop),
        }
    }

    fn __repr__(cx: &Ctx, this: &Obj) -> PyResult {
        // importlib knows how to describe a module by its spec.
        let lib = (cx.host().import)(cx, "_frozen_importlib");
        match lib {
            Ok(lib) => lib.call_method(cx, intern!("_module_repr"), std::slice::from_ref(this)),
            Err(r) => {
                cx.swallow(r, exc::ImportError())?;
                let d = namespace(this).ok_or_else(|| cx.system_error("module without namespace"))?;
                let name = dict::get(cx, &d, intern!("__name__").as_obj())?.unwrap_or_else(Obj::none).repr(cx)?;
                Ok(Obj::from(format!("<module {}>", as_utf8_lossy(&name)).as_str()))
            }
        }
    }

    #[pygetter(member)]
    fn __dict__(this: This<'_, Module>) -> Option<Obj> {
        this.dict.get()
    }

    #[pygetter]
    fn __annotations__(cx: &Ctx, this: &Obj) -> PyResult {
        super::annotations::module_annotations(cx, this)
    }

    #[pysetter]
    fn set___annotations__(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::annotations::set_module_annotations(cx, this, value)
    }

    #[pygetter]
    fn __annotate__(cx: &Ctx, this: &Obj) -> PyResult {
        super::annotations::module_annotate(cx, this)
    }

    #[pysetter]
    fn set___annotate__(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
        super::annotations::set_module_annotate(cx, this, value)
    }

    /// The module's names, or what its `__dir__` gives.
    #[pymethod]
    fn __dir__(cx: &Ctx, this: &Obj) -> PyResult {
        let d = this.get_attr(cx, intern!("__dict__"))?;
        if dict::items_if_dict(&d).is_none() {
            return Err(cx.type_error("<module>.__dict__ is not a dictionary"));
        }
        if let Some(f) = dict::get(cx, &d, intern!("__dir__").as_obj())? {
            return f.call0(cx);
        }
        Ok(super::list::new(d.collect(cx)?))
    }
}
