//! `super`.

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse};
use crate::intern;
use crate::native::{Args, This, pyclass, pymethods};
use crate::protocol;
use crate::types::Type;
use crate::types::str::Name;
use crate::value::{Obj, ObjCell};

/// super() -> in a method: that of the class it stands in and its first argument
/// super(type, obj) -> the attributes that obj, an instance of type, has from the classes behind type
/// super(type, type2) -> the same for type2, a subclass of type
/// super(type) -> without an object, to be bound as a descriptor
#[pyclass(name = "super", fixed = Super, flags(basetype))]
#[derive(Traverse)]
pub struct Super {
    class: ObjCell,
    this: ObjCell,
    /// The class whose MRO is searched.
    start: ObjCell,
}

/// The class whose MRO `super(cls, obj)` searches.
fn check(cx: &Ctx, cls: &Obj, obj: &Obj) -> PyResult {
    let Some(t) = cls.as_type() else {
        return Err(cx.type_error("super() argument 1 must be a type"));
    };
    if let Some(o) = obj.as_type()
        && o.is_subtype(t)
    {
        return Ok(obj.clone());
    }
    if obj.type_of().is_subtype(t) {
        return Ok(obj.type_of().as_obj());
    }
    // Proxies show another class than they have.
    if let Some(c) = obj.get_attr_opt(cx, intern!("__class__"))?
        && let Some(ct) = c.as_type()
        && !ct.is(obj.type_of())
        && ct.is_subtype(t)
    {
        return Ok(c);
    }
    Err(cx.type_error(if obj.as_type().is_some() {
        format!(
            "super(type, obj): obj (type {}) is not an instance or subtype of type ({}).",
            obj.as_type().map(|t| t.name().to_string()).unwrap_or_default(),
            t.name()
        )
    } else {
        format!(
            "super(type, obj): obj (instance of {}) is not an instance or subtype of type ({}).",
            obj.type_of().name(),
            t.name()
        )
    }))
}

/// Looks `name` up after `cls` in the MRO of `start`; nothing if no later class has it.
fn lookup_after(start: &Type, cls: &Type, name: Name) -> Option<Obj> {
    let mro = start.mro.borrow();
    let at = mro.iter().position(|t| t.is(cls))?;
    mro[at + 1..].iter().find_map(|t| t.own_cell(name).and_then(|c| c.get()))
}

/// The cell that `super(cls, x).name` finds for an instance of `start`.
pub fn cell_after(start: &Type, cls: &Type, name: Name) -> Option<&'static crate::cell::AttrCell> {
    let mro = start.mro.borrow();
    let at = mro.iter().position(|t| t.is(cls))?;
    mro[at + 1..].iter().find_map(|t| t.own_cell(name).filter(|c| c.value() != crate::value::Value::UNBOUND))
}

/// `super(cls, this).name` without the super object. With `for_call`, a plain function is handed back
/// unbound together with true: call it with `this` as first argument.
pub fn get_attr(cx: &Ctx, cls: &Obj, this: &Obj, name: Name, for_call: bool) -> PyResult<(Obj, bool)> {
    let start = check(cx, cls, this)?;
    if name != intern!("__class__")
        && let (Some(s), Some(c)) = (start.as_type(), cls.as_type())
        && let Some(d) = lookup_after(s, c, name)
    {
        if for_call && protocol::is_method_like(&d) && !this.is(&start) {
            return Ok((d, true));
        }
        return match d.type_of().slots.descr_get.get() {
            Some(get) => {
                let instance = if this.is(&start) { None } else { Some(this) };
                get(cx, &d, instance, Some(&start)).map(|v| (v, false))
            }
            None => Ok((d, false)),
        };
    }
    let s = heap::new_instance(
        <Super as crate::native::PyClass>::class().type_object(),
        Super {
            class: ObjCell::new(Some(cls.clone())),
            this: ObjCell::new(Some(this.clone())),
            start: ObjCell::new(Some(start)),
        },
    );
    protocol::generic_get_attr(cx, &s, name.as_obj()).map(|v| (v, false))
}

#[pymethods]
impl Super {
    fn __new__(_cx: &Ctx, ty: &Type, _args: Args<'_>) -> PyResult {
        let none = || ObjCell::new(None);
        Ok(heap::new_instance(ty, Super { class: none(), this: none(), start: none() }))
    }

    fn __init__(cx: &Ctx, this: This<'_, Super>, args: Args<'_>) -> PyResult<()> {
        args.no_keywords(cx, "super")?;
        let a = args.check_arity(cx, "super()", 0, 2)?;
        let (cls, obj) = match a {
            [] => {
                let (c, o) = (cx.host().super_args)(cx)?;
                (c, Some(o))
            }
            [c] => (c.clone(), None),
            [c, o, ..] => (c.clone(), o.clone().non_none()),
        };
        if cls.as_type().is_none() {
            return Err(cx.type_error(format!("super() argument 1 must be a type, not {}", cls.type_of().name())));
        }
        let start = match &obj {
            Some(o) => Some(check(cx, &cls, o)?),
            None => None,
        };
        this.class.set(Some(cls));
        this.this.set(obj);
        this.start.set(start);
        Ok(())
    }

    fn __getattribute__(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
        if let Some(s) = this.downcast::<Super>()
            && let (Some(start), Some(cls), Some(obj)) = (s.start.get(), s.class.get(), s.this.get())
            && let Some(n) = Name::lookup_obj(name)
            && n != intern!("__class__")
            && let (Some(st), Some(ct)) = (start.as_type(), cls.as_type())
            && let Some(d) = lookup_after(st, ct, n)
        {
            return match d.type_of().slots.descr_get.get() {
                Some(get) => {
                    let instance = if obj.is(&start) { None } else { Some(&obj) };
                    get(cx, &d, instance, Some(&start))
                }
                None => Ok(d),
            };
        }
        protocol::generic_get_attr(cx, this, name)
    }

    fn __get__(cx: &Ctx, this: This<'_, Super>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        let (Some(i), true) = (instance.filter(|i| !i.is_none()), this.this.is_empty()) else {
            return Ok(this.obj().clone());
        };
        let cls = this.class.get().unwrap_or_else(Obj::none);
        if !this.obj().is_exact(crate::native::FixedShape::Super) {
            return this.obj().type_of().as_obj().call_pos(cx, &[cls, i.clone()]);
        }
        let start = check(cx, &cls, i)?;
        Ok(heap::new_instance(
            this.obj().type_of(),
            Super {
                class: ObjCell::new(Some(cls)),
                this: ObjCell::new(Some(i.clone())),
                start: ObjCell::new(Some(start)),
            },
        ))
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Super>) -> PyResult {
        let name = |c: &ObjCell| match c.get() {
            Some(o) => o.as_type().map(|t| t.name().to_string()).unwrap_or_default(),
            None => "NULL".to_string(),
        };
        let cls = name(&this.class);
        Ok(Obj::from(
            match this.start.get() {
                Some(_) => format!("<super: <class '{cls}'>, <{} object>>", name(&this.start)),
                None => format!("<super: <class '{cls}'>, NULL>"),
            }
            .as_str(),
        ))
    }

    /// the class whose bases are searched
    #[pygetter(member)]
    fn __thisclass__(this: This<'_, Super>) -> Option<Obj> {
        this.class.get()
    }

    /// the object that methods are bound to, or None
    #[pygetter(member)]
    fn __self__(this: This<'_, Super>) -> Option<Obj> {
        this.this.get()
    }

    /// the class in whose order bases are searched, or None
    #[pygetter(member)]
    fn __self_class__(this: This<'_, Super>) -> Option<Obj> {
        this.start.get()
    }
}
