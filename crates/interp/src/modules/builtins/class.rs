//! Class statements, attributes and class tests.

use cinder_pyobj::native::pymodule;

#[pymodule(part, name = "builtins")]
pub(crate) mod class {
    use cinder_pyobj::intern;
    use cinder_pyobj::native::{Args, FixedShape};
    use cinder_pyobj::types::cell::CellObject;
    use cinder_pyobj::types::str::as_utf8_lossy;
    use cinder_pyobj::types::{dict, heap_type, tuple, type_type};
    use cinder_pyobj::{Ctx, Obj, PyResult};

    use crate::objects::code::CodeObject;
    use crate::objects::function::Function;

    /// What a class statement calls: func fills the namespace of the new class.
    #[pyfunction(sig = "(func, name, /, *bases, metaclass=None, **kwds)")]
    fn __build_class__(cx: &Ctx, args: Args<'_>) -> PyResult {
        let pos = args.pos();
        if pos.len() < 2 {
            return Err(cx.type_error("__build_class__: not enough arguments"));
        }
        let (func, name) = (&pos[0], &pos[1]);
        let Some(f) = func.downcast::<Function>() else {
            return Err(cx.type_error("__build_class__: func must be a function"));
        };
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error("__build_class__: name is not a string"));
        }
        let orig = tuple::new(pos[2..].to_vec());
        let bases = resolve_bases(cx, &pos[2..])?;
        let mut meta = None;
        let mut names = Vec::new();
        let mut values = Vec::new();
        for (k, v) in args.keywords() {
            if as_utf8_lossy(k) == "metaclass" {
                meta = Some(v.clone());
            } else {
                names.push(k.clone());
                values.push(v.clone());
            }
        }
        let meta = match meta {
            Some(m) => m,
            None => match bases.first() {
                Some(b) => b.type_of().as_obj(),
                None => type_type().as_obj(),
            },
        };
        let meta = match meta.as_type() {
            Some(t) => heap_type::metaclass(cx, t, &bases)?.as_obj(),
            None => meta,
        };
        let bases_obj = tuple::new(bases.clone());
        let ns = match meta.get_attr_opt(cx, intern!("__prepare__"))? {
            Some(p) => {
                let mut all = vec![name.clone(), bases_obj.clone()];
                all.extend(values.iter().cloned());
                p.call(cx, Args::new(&all, &names))?
            }
            None => dict::new(),
        };
        if ns.type_of().slots.getitem.get().is_none() || ns.type_of().slots.setitem.get().is_none() {
            let shown = match meta.as_type() {
                Some(t) => t.name().to_string(),
                None => "<metaclass>".to_string(),
            };
            return Err(
                cx.type_error(format!("{shown}.__prepare__() must return a mapping, not {}", ns.type_of().name()))
            );
        }
        let code = f.code_ref().ok_or_else(|| cx.system_error("function without code"))?;
        let cell = crate::call::run_code(cx, &code, &f.globals, Some(&ns), Some(func))?;
        if !orig.is(&bases_obj) && pos[2..].len() != bases.len() || pos[2..].iter().zip(&bases).any(|(a, b)| !a.is(b)) {
            ns.set_item(cx, intern!("__orig_bases__").as_obj(), &orig)?;
        }
        let mut all = vec![name.clone(), bases_obj, ns];
        all.extend(values);
        let cls = meta.call(cx, Args::new(&all, &names))?;
        // A class whose body used `__class__` must have filled the cell.
        if cls.as_type().is_some()
            && cell.is_exact(FixedShape::Cell)
            && let Some(c) = cell.downcast::<CellObject>()
        {
            match c.get() {
                None => {
                    return Err(cx.runtime_error(format!(
                        "__class__ not set defining {} as {}. Was __classcell__ propagated to type.__new__?",
                        as_utf8_lossy(&name.repr(cx)?),
                        as_utf8_lossy(&cls.repr(cx)?)
                    )));
                }
                Some(got) if !got.is(&cls) => {
                    return Err(cx.type_error(format!(
                        "__class__ set to {} defining {} as {}",
                        as_utf8_lossy(&got.repr(cx)?),
                        as_utf8_lossy(&name.repr(cx)?),
                        as_utf8_lossy(&cls.repr(cx)?)
                    )));
                }
                _ => {}
            }
        }
        Ok(cls)
    }

    /// Replaces bases that are no classes by what their `__mro_entries__` gives.
    fn resolve_bases(cx: &Ctx, given: &[Obj]) -> PyResult<Vec<Obj>> {
        let mut out = Vec::with_capacity(given.len());
        for b in given {
            if b.as_type().is_some() {
                out.push(b.clone());
                continue;
            }
            match b.get_attr_opt(cx, intern!("__mro_entries__"))? {
                None => out.push(b.clone()),
                Some(f) => {
                    let r = f.call1(cx, &tuple::new(given.to_vec()))?;
                    match tuple::items_if_tuple(&r) {
                        Some(items) => out.extend(items.iter().cloned()),
                        None => return Err(cx.type_error("__mro_entries__ must return a tuple")),
                    }
                }
            }
        }
        Ok(out)
    }

    /// Whether obj(...) may be tried: functions and classes can be called, and instances of classes that have __call__.
    #[pyfunction(sig = "(obj, /)")]
    fn callable(obj: &Obj) -> bool {
        obj.is_callable()
    }

    /// Whether the class of an object, or a base of it, is class_or_tuple.
    ///
    /// Of a tuple or union, any member will do: isinstance(x, (A, B)) asks for A or B.
    #[pyfunction(sig = "(obj, class_or_tuple, /)")]
    fn isinstance(cx: &Ctx, obj: &Obj, class_or_tuple: &Obj) -> PyResult<bool> {
        obj.is_instance(cx, class_or_tuple)
    }

    /// Whether a class is class_or_tuple or has it among its bases, directly or not.
    ///
    /// Of a tuple or union, any member will do: issubclass(x, (A, B)) asks for A or B.
    #[pyfunction(sig = "(cls, class_or_tuple, /)")]
    fn issubclass(cx: &Ctx, cls: &Obj, class_or_tuple: &Obj) -> PyResult<bool> {
        cls.is_subclass(cx, class_or_tuple)
    }

    /// getattr(object, name[, default]) -> value
    ///
    /// The attribute of that name: getattr(x, 'y') means x.y. Where there is none, the default is the result, and
    /// without a default AttributeError is raised.
    #[pyfunction(sig = "")]
    fn getattr(cx: &Ctx, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "getattr", 2, 3)?;
        if !a[1].type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", a[1].type_of().name())));
        }
        match a.get(2) {
            None => a[0].get_attr_obj(cx, &a[1]),
            Some(d) => Ok(a[0].get_attr_obj_opt(cx, &a[1])?.unwrap_or_else(|| d.clone())),
        }
    }

    /// Whether getattr(obj, name) gives something rather than raising AttributeError.
    #[pyfunction(sig = "(obj, name, /)")]
    fn hasattr(cx: &Ctx, obj: &Obj, name: &Obj) -> PyResult<bool> {
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("attribute name must be string, not '{}'", name.type_of().name())));
        }
        Ok(obj.get_attr_obj_opt(cx, name)?.is_some())
    }

    /// Gives an attribute its value: setattr(x, 'y', v) is the statement x.y = v for a name that is computed.
    #[pyfunction(sig = "(obj, name, value, /)")]
    fn setattr(cx: &Ctx, obj: &Obj, name: &Obj, value: &Obj) -> PyResult<()> {
        obj.store_attr(cx, name, Some(value))
    }

    /// Deletes an attribute: delattr(x, 'y') is the statement del x.y for a name that is computed.
    #[pyfunction(sig = "(obj, name, /)")]
    fn delattr(cx: &Ctx, obj: &Obj, name: &Obj) -> PyResult<()> {
        obj.store_attr(cx, name, None)
    }

    /// The int by which dicts and sets find an object.
    ///
    /// Equal objects have equal hashes; different objects may share one.
    #[pyfunction(sig = "(obj, /)")]
    fn hash(cx: &Ctx, obj: &Obj) -> PyResult<i64> {
        obj.hash(cx)
    }

    /// A number that no other living object has; after the object's death another may get it.
    #[pyfunction(sig = "(obj, /)")]
    fn id(cx: &Ctx, obj: &Obj) -> PyResult<u64> {
        let id = obj.id();
        cx.audit("builtins.id", || [Obj::from(id)])?;
        Ok(id)
    }

    const _: Option<fn(&CodeObject)> = None;
}
