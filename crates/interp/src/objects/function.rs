//! `function` objects.

use cinder_bytecode::code::flags;
use cinder_pyobj::heap::{self, Traverse};
use cinder_pyobj::intern;
use cinder_pyobj::native::{Args, FixedShape, PyClass, This, pyclass, pymethods};
use cinder_pyobj::shape::ShapeId;
use cinder_pyobj::types::str::{Name, as_utf8_lossy};
use cinder_pyobj::types::{cell, dict, list, method, str, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Type, Value};

use super::code::CodeObject;

/// A function that runs a code object with these globals.
///
/// name replaces the code's name; argdefs are the defaults of positional parameters, kwdefaults those of keyword-only
/// ones; closure has a cell for each free variable.
#[pyclass(name = "function", fixed = Function, flags(weakref, dict, method_like))]
#[derive(Traverse)]
pub struct Function {
    pub(crate) code: ObjCell,
    pub(crate) globals: Obj,
    pub(crate) builtins: Obj,
    pub(crate) name: ObjCell,
    pub(crate) qualname: ObjCell,
    pub(crate) module: ObjCell,
    pub(crate) doc: ObjCell,
    pub(crate) defaults: ObjCell,
    pub(crate) kwdefaults: ObjCell,
    pub(crate) closure: ObjCell,
    pub(crate) annotations: ObjCell,
    pub(crate) annotate: ObjCell,
    pub(crate) type_params: ObjCell,
    /// Code objects that were replaced by another one. Frames of the function may still run them, and rely on the
    /// function to keep their code alive.
    retired: ObjCell,
}

/// A function of a code object with the given globals.
pub(crate) fn new(cx: &Ctx, code: &Obj, globals: &Obj) -> PyResult {
    let builtins = builtins_of(cx, globals)?;
    let module = named(cx, globals, intern!("__name__"))?;
    with_builtins(cx, code, globals, builtins, module)
}

/// As [`new`], for globals whose builtins and `__name__` are known.
pub(crate) fn with_builtins(cx: &Ctx, code: &Obj, globals: &Obj, builtins: Obj, module: Option<Obj>) -> PyResult {
    let Some(c) = code.downcast::<CodeObject>() else {
        return Err(cx.system_error("a function needs a code object"));
    };
    let doc = if c.has(flags::HAS_DOCSTRING) { c.consts.first().cloned() } else { None };
    let f = Function {
        name: ObjCell::new(Some(c.name.obj())),
        qualname: ObjCell::new(Some(c.qualname.clone())),
        module: ObjCell::new(module),
        doc: ObjCell::new(doc),
        code: ObjCell::new(Some(code.clone())),
        globals: globals.clone(),
        builtins,
        defaults: ObjCell::new(None),
        kwdefaults: ObjCell::new(None),
        closure: ObjCell::new(None),
        annotations: ObjCell::new(None),
        annotate: ObjCell::new(None),
        type_params: ObjCell::new(None),
        retired: ObjCell::new(None),
    };
    Ok(heap::new_instance(Function::class().type_object(), f))
}

/// The mapping that a value of `__builtins__` stands for: a module, or any mapping.
#[inline]
pub(crate) fn builtins_in(b: Obj) -> Obj {
    cinder_pyobj::types::module::namespace(&b).unwrap_or(b)
}

/// What a namespace has under a name.
#[inline]
fn named(cx: &Ctx, globals: &Obj, name: Name) -> PyResult<Option<Obj>> {
    match globals.fixed::<dict::Dict>(FixedShape::Dict) {
        Some(d) => Ok(d.get_name(name)),
        None => dict::get(cx, globals, name.as_obj()),
    }
}

/// The builtins that code with these globals uses: `globals["__builtins__"]` (a module, or any mapping), else the
/// interpreter's.
pub(crate) fn builtins_of(cx: &Ctx, globals: &Obj) -> PyResult {
    if let Some(b) = named(cx, globals, intern!("__builtins__"))? {
        return Ok(builtins_in(b));
    }
    (cx.host().builtins)(cx).ok_or_else(|| cx.runtime_error("no builtins"))
}

impl Function {
    /// The code object.
    #[inline(always)]
    pub(crate) fn code_ref(&self) -> Option<Obj> {
        self.code.get()
    }

    /// Whether a word is exactly a function.
    #[inline(always)]
    pub(crate) fn is(v: Value) -> bool {
        // SAFETY: the caller's register holds a value.
        v.is_ptr() && unsafe { v.header() }.shape_id() == ShapeId::fixed(FixedShape::Function)
    }

    /// The payload of a word that [`Function::is`].
    #[inline(always)]
    pub(crate) fn payload_of(v: Value) -> *const Function {
        (v.bits() + 8) as *const Function
    }

    /// The code object's payload.
    #[inline(always)]
    pub(crate) fn code_ptr(&self) -> Option<*const CodeObject> {
        self.code.peek().map(|v| (v.bits() + 8) as *const CodeObject)
    }
}

fn check_tuple(cx: &Ctx, v: Option<&Obj>, what: &str) -> PyResult<Option<Obj>> {
    match v {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if tuple::items_if_tuple(v).is_some() => Ok(Some(v.clone())),
        Some(_) => Err(cx.type_error(format!("{what} must be set to a tuple object"))),
    }
}

fn check_dict(cx: &Ctx, v: Option<&Obj>, what: &str) -> PyResult<Option<Obj>> {
    match v {
        None => Ok(None),
        Some(v) if v.is_none() => Ok(None),
        Some(v) if dict::as_dict(v).is_some() => Ok(Some(v.clone())),
        Some(_) => Err(cx.type_error(format!("{what} must be set to a dict object"))),
    }
}

/// Tells audit hooks that what a function runs, or runs with, is about to change.
fn audit_change(cx: &Ctx, this: &Obj, name: &str, value: Option<&Obj>) -> PyResult<()> {
    match value {
        Some(v) => cx.audit("object.__setattr__", || [this.clone(), Obj::from(name), v.clone()]),
        None => cx.audit("object.__delattr__", || [this.clone(), Obj::from(name)]),
    }
}

#[pymethods]
impl Function {
    #[pynew(sig = "(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)")]
    fn __new__(
        cx: &Ctx,
        _ty: &Type,
        code: &Obj,
        globals: &Obj,
        name: Option<&Obj>,
        argdefs: Option<&Obj>,
        closure: Option<&Obj>,
        kwdefaults: Option<&Obj>,
    ) -> PyResult {
        let Some(c) = code.downcast::<CodeObject>() else {
            return Err(
                cx.type_error(format!("function() argument 'code' must be code, not {}", code.type_of().name()))
            );
        };
        if dict::as_dict(globals).is_none() {
            return Err(
                cx.type_error(format!("function() argument 'globals' must be dict, not {}", globals.type_of().name()))
            );
        }
        let free = c.code.free_count();
        let given = match closure {
            None => 0,
            Some(t) => match tuple::items_if_tuple(t) {
                Some(items) => {
                    for i in items {
                        if i.downcast::<cell::CellObject>().is_none() {
                            return Err(
                                cx.type_error(format!("arg 5 (closure) expected cell, found {}", i.type_of().name()))
                            );
                        }
                    }
                    items.len()
                }
                None => return Err(cx.type_error("arg 5 (closure) must be tuple")),
            },
        };
        if free != given {
            if free > 0 && closure.is_none() {
                return Err(cx.type_error("arg 5 (closure) must be tuple"));
            }
            return Err(cx.value_error(format!("{} requires closure of length {free}, not {given}", c.code.name)));
        }
        let f = new(cx, code, globals)?;
        if let Some(p) = f.downcast::<Function>() {
            if let Some(n) = name {
                if !n.type_of().is_str_subtype() {
                    return Err(cx.type_error("arg 3 (name) must be None or string"));
                }
                p.name.set(Some(n.clone()));
            }
            match argdefs {
                Some(d) if tuple::items_if_tuple(d).is_none() => {
                    return Err(cx.type_error("arg 4 (defaults) must be None or tuple"));
                }
                d => p.defaults.set(d.cloned()),
            }
            if kwdefaults.is_some_and(|d| !d.is_none() && dict::as_dict(d).is_none()) {
                return Err(cx.type_error("arg 6 (kwdefaults) must be None or dict"));
            }
            p.kwdefaults.set(check_dict(cx, kwdefaults, "kwdefaults")?);
            p.closure.set(closure.cloned());
        }
        Ok(f)
    }

    fn __call__(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
        crate::call::call_function(cx, this, args)
    }

    fn __get__(_cx: &Ctx, this: This<'_, Function>, instance: Option<&Obj>, _owner: Option<&Obj>) -> PyResult {
        match instance {
            Some(i) if !i.is_none() => Ok(method::new(this.obj().clone(), i.clone())),
            _ => Ok(this.obj().clone()),
        }
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Function>) -> PyResult {
        let q = this.qualname.get().unwrap_or_else(Obj::none);
        Ok(Obj::from(format!("<function {} at {:#x}>", as_utf8_lossy(&q), this.obj().id()).as_str()))
    }

    #[pygetter]
    fn __code__(cx: &Ctx, this: This<'_, Function>) -> PyResult<Option<Obj>> {
        cx.audit("object.__getattr__", || [this.obj().clone(), Obj::from("__code__")])?;
        Ok(this.code.get())
    }

    #[pysetter]
    fn set___code__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        audit_change(cx, this.obj(), "__code__", value)?;
        let Some(c) = value.and_then(|v| v.downcast::<CodeObject>()) else {
            return Err(cx.type_error("__code__ must be set to a code object"));
        };
        let have = match this.closure.get() {
            Some(t) => tuple::items_if_tuple(&t).map_or(0, <[Obj]>::len),
            None => 0,
        };
        let need = c.code.free_count();
        if have != need {
            let name = this.name.get().unwrap_or_else(Obj::none);
            return Err(cx.value_error(format!(
                "{}() requires a code object with {have} free vars, not {need}",
                as_utf8_lossy(&name)
            )));
        }
        // Generators, coroutines and asynchronous generators are of other types than plain functions.
        const KINDS: u32 = flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR;
        let old = this.code.get();
        if let Some(old) = old.as_ref().and_then(|o| o.downcast::<CodeObject>())
            && old.code.flags & KINDS != c.code.flags & KINDS
        {
            let message = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a \
                           plain function)";
            (cx.host().warn)(cx, cinder_pyobj::types::exc::DeprecationWarning(), message, 1)?;
        }
        let old = this.code.replace(value.cloned());
        if let Some(old) = old {
            let retired = this.retired.get().unwrap_or_else(list::empty);
            if let Some(l) = list::as_list(&retired) {
                l.append(cx, old)?;
            }
            this.retired.set(Some(retired));
        }
        Ok(())
    }

    #[pygetter(member)]
    fn __globals__(this: This<'_, Function>) -> Obj {
        this.globals.clone()
    }

    #[pygetter(member)]
    fn __builtins__(this: This<'_, Function>) -> Obj {
        this.builtins.clone()
    }

    #[pygetter(member)]
    fn __closure__(this: This<'_, Function>) -> Option<Obj> {
        this.closure.get()
    }

    #[pygetter]
    fn __defaults__(cx: &Ctx, this: This<'_, Function>) -> PyResult<Option<Obj>> {
        cx.audit("object.__getattr__", || [this.obj().clone(), Obj::from("__defaults__")])?;
        Ok(this.defaults.get())
    }

    #[pysetter]
    fn set___defaults__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        audit_change(cx, this.obj(), "__defaults__", value)?;
        this.defaults.set(check_tuple(cx, value, "__defaults__")?);
        Ok(())
    }

    #[pygetter]
    fn __kwdefaults__(cx: &Ctx, this: This<'_, Function>) -> PyResult<Option<Obj>> {
        cx.audit("object.__getattr__", || [this.obj().clone(), Obj::from("__kwdefaults__")])?;
        Ok(this.kwdefaults.get())
    }

    #[pysetter]
    fn set___kwdefaults__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        audit_change(cx, this.obj(), "__kwdefaults__", value)?;
        this.kwdefaults.set(check_dict(cx, value, "__kwdefaults__")?);
        Ok(())
    }

    #[pygetter]
    fn __name__(this: This<'_, Function>) -> Option<Obj> {
        this.name.get()
    }

    #[pysetter]
    fn set___name__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if v.type_of().is_str_subtype() => this.name.set(Some(v.clone())),
            _ => return Err(cx.type_error("__name__ must be set to a string object")),
        }
        Ok(())
    }

    #[pygetter]
    fn __qualname__(this: This<'_, Function>) -> Option<Obj> {
        this.qualname.get()
    }

    #[pysetter]
    fn set___qualname__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if v.type_of().is_str_subtype() => this.qualname.set(Some(v.clone())),
            _ => return Err(cx.type_error("__qualname__ must be set to a string object")),
        }
        Ok(())
    }

    #[pygetter]
    fn __module__(this: This<'_, Function>) -> Option<Obj> {
        this.module.get()
    }

    #[pysetter]
    fn set___module__(this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        this.module.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __doc__(this: This<'_, Function>) -> Option<Obj> {
        this.doc.get()
    }

    #[pysetter]
    fn set___doc__(this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        this.doc.set(value.cloned());
        Ok(())
    }

    #[pygetter]
    fn __type_params__(this: This<'_, Function>) -> Obj {
        this.type_params.get().unwrap_or_else(|| tuple::new(Vec::new()))
    }

    #[pysetter]
    fn set___type_params__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            Some(v) if tuple::items_if_tuple(v).is_some() => this.type_params.set(Some(v.clone())),
            _ => return Err(cx.type_error("__type_params__ must be set to a tuple")),
        }
        Ok(())
    }

    #[pygetter]
    fn __annotations__(cx: &Ctx, this: This<'_, Function>) -> PyResult {
        if let Some(a) = this.annotations.get() {
            // `from __future__ import annotations` stores alternating names and values.
            if let Some(items) = tuple::items_if_tuple(&a) {
                let d = dict::new();
                for pair in items.chunks_exact(2) {
                    d.set_item(cx, &pair[0], &pair[1])?;
                }
                this.annotations.set(Some(d.clone()));
                return Ok(d);
            }
            return Ok(a);
        }
        let d = match this.annotate.get() {
            Some(f) if f.is_callable() => {
                let r = f.call1(cx, &Obj::from(1i64))?;
                if dict::as_dict(&r).is_none() {
                    return Err(
                        cx.type_error(format!("__annotate__ returned non-dict of type '{}'", r.type_of().name()))
                    );
                }
                r
            }
            _ => dict::new(),
        };
        this.annotations.set(Some(d.clone()));
        Ok(d)
    }

    #[pysetter]
    fn set___annotations__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        let v = check_dict(cx, value, "__annotations__")?;
        this.annotations.set(v);
        this.annotate.set(None);
        Ok(())
    }

    #[pygetter]
    fn __annotate__(this: This<'_, Function>) -> Option<Obj> {
        this.annotate.get()
    }

    #[pysetter]
    fn set___annotate__(cx: &Ctx, this: This<'_, Function>, value: Option<&Obj>) -> PyResult<()> {
        match value {
            None => return Err(cx.type_error("__annotate__ cannot be deleted")),
            Some(v) if v.is_none() => this.annotate.set(None),
            Some(v) if v.is_callable() => {
                this.annotate.set(Some(v.clone()));
                this.annotations.set(None);
            }
            Some(_) => return Err(cx.type_error("__annotate__ must be callable or None")),
        }
        Ok(())
    }
}

const _: fn(&str) -> Obj = str::new;
