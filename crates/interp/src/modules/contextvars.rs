//! `_contextvars`: variables whose values depend on the context.
//!
//! A context's map is shared by its copies until one of them changes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods, pymodule};
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{CmpOp, Type, exc, generic_alias, list, tuple};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};
use rustc_hash::FxHashMap;

use crate::context_hook;

/// Values by the identity of their variable.
type Map = Rc<FxHashMap<u64, (Obj, Obj)>>;

/// A mapping of context variables to their values.
#[pyclass(name = "Context", module = "_contextvars", flags(weakref))]
pub(crate) struct Context {
    map: RefCell<Map>,
    before: ObjCell,
    entered: Cell<bool>,
}

impl Traverse for Context {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.before.traverse(visit);
        if let Ok(m) = self.map.try_borrow()
            // A shared map belongs to several contexts; it counts as a root then.
            && Rc::strong_count(&m) == 1
        {
            for (k, v) in m.values() {
                visit(k.value());
                visit(v.value());
            }
        }
    }

    fn clear(&self) {
        let old = self.map.replace(Map::default());
        drop(old);
        self.before.clear();
    }
}

impl Context {
    fn value(&self, var: &Obj) -> Option<Obj> {
        self.map.borrow().get(&var.id()).map(|(_, v)| v.clone())
    }

    /// Sets or removes a value; returns the old one.
    fn store(&self, var: &Obj, value: Option<Obj>) -> Option<Obj> {
        let mut m = self.map.borrow_mut();
        let map = Rc::make_mut(&mut *m);
        let old = match value {
            Some(v) => map.insert(var.id(), (var.clone(), v)),
            None => map.remove(&var.id()),
        };
        drop(m);
        old.map(|(_, v)| v)
    }
}

fn new_context(map: Map) -> Obj {
    new_instance(
        Context::class().type_object(),
        Context { map: RefCell::new(map), before: ObjCell::new(None), entered: Cell::new(false) },
    )
}

/// The current context, made if there is none yet.
fn current(cx: &Ctx) -> Obj {
    match context_hook::current(cx) {
        Some(c) => c,
        None => {
            let c = new_context(Map::default());
            drop(context_hook::replace(cx, Some(c.clone())));
            c
        }
    }
}

/// A copy of the current context.
fn copy_current(cx: &Ctx) -> Obj {
    match current(cx).downcast::<Context>() {
        Some(c) => new_context(c.map.borrow().clone()),
        None => new_context(Map::default()),
    }
}

fn variable<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a ContextVar> {
    match o.downcast::<ContextVar>() {
        Some(v) => Ok(v),
        None => {
            let shown = o.repr(cx)?;
            Err(cx.type_error(format!("a ContextVar key was expected, got {}", as_utf8_lossy(&shown))))
        }
    }
}

#[pymethods]
impl Context {
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        if !args.all().is_empty() {
            return Err(cx.type_error("Context() does not accept any arguments"));
        }
        Ok(new_context(Map::default()))
    }

    /// Runs a function in this context.
    #[pymethod(sig = "($self, callable, /, *args, **kwargs)")]
    fn run(cx: &Ctx, this: This<'_, Context>, args: Args<'_>) -> PyResult {
        let Some(f) = args.pos().first() else {
            return Err(cx.type_error("run() missing 1 required positional argument"));
        };
        if this.entered.get() {
            let shown = this.obj().repr(cx)?;
            return Err(cx.runtime_error(format!("cannot enter context: {} is already entered", as_utf8_lossy(&shown))));
        }
        this.entered.set(true);
        this.before.set(context_hook::replace(cx, Some(this.obj().clone())));
        let r = f.call(cx, args.without_first());
        let before = this.before.take();
        drop(context_hook::replace(cx, before));
        this.entered.set(false);
        r
    }

    /// A second context with the same values, which may then go its own way.
    #[pymethod]
    fn copy(_cx: &Ctx, this: This<'_, Context>) -> Obj {
        new_context(this.map.borrow().clone())
    }

    /// Returns the value for `key` if `key` has a value in the context object, else the default.
    #[pymethod(sig = "($self, key, default=None, /)")]
    fn get(cx: &Ctx, this: This<'_, Context>, key: &Obj, default: Option<&Obj>) -> PyResult {
        variable(cx, key)?;
        Ok(this.value(key).or_else(|| default.cloned()).unwrap_or_else(Obj::none))
    }

    /// The variables that have a value in the context.
    #[pymethod]
    fn keys(cx: &Ctx, this: This<'_, Context>) -> PyResult {
        list::new(this.map.borrow().values().map(|(k, _)| k.clone()).collect()).iter(cx)
    }

    /// The values of the variables, in the order of keys().
    #[pymethod]
    fn values(cx: &Ctx, this: This<'_, Context>) -> PyResult {
        list::new(this.map.borrow().values().map(|(_, v)| v.clone()).collect()).iter(cx)
    }

    /// Returns all variables and their values in the context object.
    #[pymethod]
    fn items(cx: &Ctx, this: This<'_, Context>) -> PyResult {
        list::new(this.map.borrow().values().map(|(k, v)| tuple::pair(k.clone(), v.clone())).collect()).iter(cx)
    }

    fn __iter__(cx: &Ctx, this: This<'_, Context>) -> PyResult {
        Self::keys(cx, this)
    }

    fn __len__(_cx: &Ctx, this: This<'_, Context>) -> PyResult<usize> {
        Ok(this.map.borrow().len())
    }

    fn __getitem__(cx: &Ctx, this: This<'_, Context>, key: &Obj) -> PyResult {
        variable(cx, key)?;
        this.value(key).ok_or_else(|| cx.key_error(key))
    }

    fn __contains__(cx: &Ctx, this: This<'_, Context>, key: &Obj) -> PyResult<bool> {
        variable(cx, key)?;
        Ok(this.map.borrow().contains_key(&key.id()))
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, Context>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(o) = other.downcast::<Context>() else { return Ok(Obj::not_implemented()) };
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        let (a, b) = (this.map.borrow().clone(), o.map.borrow().clone());
        let mut same = a.len() == b.len();
        if same && !Rc::ptr_eq(&a, &b) {
            for (id, (_, v)) in a.iter() {
                same = match b.get(id) {
                    Some((_, w)) => v.eq(cx, w)?,
                    None => false,
                };
                if !same {
                    break;
                }
            }
        }
        Ok(Obj::from_bool(same == (op == CmpOp::Eq)))
    }
}

/// A context variable.
#[pyclass(name = "ContextVar", module = "_contextvars", flags(weakref), sig = "(name, *, default=<unrepresentable>)")]
#[derive(Traverse)]
pub(crate) struct ContextVar {
    name: Obj,
    default: Option<Obj>,
}

/// What `ContextVar.set` returns: the value before, to be restored by `reset`.
#[pyclass(name = "Token", module = "_contextvars", flags(no_new, mutable))]
#[derive(Traverse)]
pub(crate) struct Token {
    context: Obj,
    var: Obj,
    old: Option<Obj>,
    #[traverse(skip)]
    used: Cell<bool>,
}

/// The class of `Token.MISSING`.
#[pyclass(name = "Token.MISSING", module = "_contextvars", flags(no_new))]
#[derive(Traverse)]
pub(crate) struct Missing {}

#[pymethods]
impl Missing {
    fn __repr__(_cx: &Ctx, _this: &Obj) -> &'static str {
        "<Token.MISSING>"
    }
}

/// The value of a variable in the current context, if it has one there.
pub(crate) fn value(cx: &Ctx, var: &Obj) -> Option<Obj> {
    context_hook::current(cx)?.downcast::<Context>()?.value(var)
}

/// Sets the value of a variable in the current context and returns that context and the old value.
fn store(cx: &Ctx, var: &Obj, value: &Obj) -> PyResult<(Obj, Option<Obj>)> {
    let context = current(cx);
    let Some(c) = context.downcast::<Context>() else { return Err(cx.system_error("the current context is none")) };
    let old = c.store(var, Some(value.clone()));
    Ok((context, old))
}

/// Sets the value of a variable in the current context.
pub(crate) fn set_value(cx: &Ctx, var: &Obj, value: &Obj) -> PyResult<()> {
    store(cx, var, value).map(drop)
}

fn set(cx: &Ctx, var: &Obj, value: &Obj) -> PyResult {
    let (context, old) = store(cx, var, value)?;
    Ok(new_instance(Token::class().type_object(), Token { context, var: var.clone(), old, used: Cell::new(false) }))
}

fn reset(cx: &Ctx, var: &Obj, token: This<'_, Token>) -> PyResult<()> {
    let shown = || -> PyResult<String> { Ok(as_utf8_lossy(&token.obj().repr(cx)?).into_owned()) };
    if token.used.get() {
        return Err(cx.runtime_error(format!("{} has already been used once", shown()?)));
    }
    if !token.var.is(var) {
        return Err(cx.value_error(format!("{} was created by a different ContextVar", shown()?)));
    }
    let context = current(cx);
    if !token.context.is(&context) {
        return Err(cx.value_error(format!("{} was created in a different Context", shown()?)));
    }
    token.used.set(true);
    if let Some(c) = context.downcast::<Context>() {
        drop(c.store(var, token.old.clone()));
    }
    Ok(())
}

#[pymethods]
impl ContextVar {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let (mut name, mut default) = (args.pos().first(), None);
        if args.pos().len() > 1 {
            return Err(
                cx.type_error(format!("ContextVar() takes at most 1 positional argument ({} given)", args.pos().len()))
            );
        }
        for (k, v) in args.keywords() {
            match &*as_utf8_lossy(k) {
                "name" if name.is_none() => name = Some(v),
                "default" => default = Some(v.clone()),
                k => return Err(cx.type_error(format!("ContextVar() got an unexpected keyword argument '{k}'"))),
            }
        }
        let Some(name) = name else {
            return Err(cx.type_error("ContextVar() takes exactly 1 positional argument (0 given)"));
        };
        if !name.type_of().is_str_subtype() {
            return Err(cx.type_error("context variable name must be a str"));
        }
        name.hash(cx)?;
        Ok(new_instance(ty, ContextVar { name: name.clone(), default }))
    }

    /// Returns a value for the context variable for the current context.
    ///
    /// Without a value in the current context: the default given here, or the variable's own; else LookupError.
    #[pymethod(sig = "($self, default=<unrepresentable>, /)")]
    fn get(cx: &Ctx, this: This<'_, ContextVar>, args: Args<'_>) -> PyResult {
        let given = args.check_arity(cx, "get", 0, 1)?.first();
        let found = value(cx, this.obj());
        match found.or_else(|| given.cloned()).or_else(|| this.default.clone()) {
            Some(v) => Ok(v),
            None => Err(cx.raise_args(exc::LookupError(), std::slice::from_ref(this.obj()))),
        }
    }

    /// Sets a new value in the current context; returns a token that can restore the old one.
    #[pymethod(sig = "($self, value, /)")]
    fn set(cx: &Ctx, this: This<'_, ContextVar>, value: &Obj) -> PyResult {
        set(cx, this.obj(), value)
    }

    /// Resets the context variable to what it was before the set() that made the token.
    #[pymethod(sig = "($self, token, /)")]
    fn reset(cx: &Ctx, this: This<'_, ContextVar>, token: &Obj) -> PyResult<()> {
        let Some(t) = This::<Token>::from_obj(token) else {
            let shown = token.repr(cx)?;
            return Err(cx.type_error(format!("expected an instance of Token, got {}", as_utf8_lossy(&shown))));
        };
        reset(cx, this.obj(), t)
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }

    #[pygetter(member)]
    fn name(_cx: &Ctx, this: This<'_, ContextVar>) -> Obj {
        this.name.clone()
    }

    fn __repr__(cx: &Ctx, this: This<'_, ContextVar>) -> PyResult<String> {
        let mut out = format!("<ContextVar name={}", as_utf8_lossy(&this.name.repr(cx)?));
        if let Some(d) = &this.default {
            out.push_str(&format!(" default={}", as_utf8_lossy(&d.repr(cx)?)));
        }
        Ok(format!("{out} at 0x{:x}>", this.obj().id()))
    }
}

#[pymethods]
impl Token {
    #[pygetter]
    fn var(_cx: &Ctx, this: This<'_, Token>) -> Obj {
        this.var.clone()
    }

    #[pygetter]
    fn old_value(cx: &Ctx, this: This<'_, Token>) -> PyResult {
        match &this.old {
            Some(v) => Ok(v.clone()),
            None => Token::class().type_object().as_obj().get_attr(cx, intern!("MISSING")),
        }
    }

    #[pymethod(name = "__enter__")]
    fn enter(this: &Obj) -> Obj {
        this.clone()
    }

    #[pymethod(name = "__exit__", sig = "($self, type, value, traceback, /)")]
    fn exit(cx: &Ctx, this: This<'_, Token>, r#type: &Obj, value: &Obj, traceback: &Obj) -> PyResult<()> {
        let _ = (r#type, value, traceback);
        reset(cx, &this.payload().var, this)
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }

    fn __repr__(cx: &Ctx, this: This<'_, Token>) -> PyResult<String> {
        let used = if this.used.get() { " used" } else { "" };
        Ok(format!("<Token{used} var={} at 0x{:x}>", as_utf8_lossy(&this.var.repr(cx)?), this.obj().id()))
    }
}

/// Context Variables
#[pymodule(name = "_contextvars", classes(super::Context, super::ContextVar, super::Token))]
pub(crate) mod contextvars {
    use super::*;

    /// A copy of the current context.
    #[pyfunction(sig = "()")]
    fn copy_context(cx: &Ctx) -> Obj {
        copy_current(cx)
    }

    #[pyinit]
    fn init(cx: &Ctx, _module: &Obj) -> PyResult<()> {
        let missing = new_instance(Missing::class().type_object(), Missing {});
        Token::class().type_object().as_obj().set_attr(cx, intern!("MISSING"), &missing)
    }
}
