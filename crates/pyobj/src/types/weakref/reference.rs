//! `weakref.ref`.

use std::cell::Cell;

use crate::native::{pyclass, pymethods};

use super::{Link, as_link, is_reusable, link_of};
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Traverse, Visitor};
use crate::intern;
use crate::native::{Args, PyClass, This};
use crate::shape::instance;
use crate::types::{CmpOp, Type, generic_alias};
use crate::value::{Obj, Value};

/// A reference that does not keep its object alive. Calling it gives the object, or None once that is gone.
#[pyclass(name = "ReferenceType", module = "weakref", fixed = WeakRef, flags(basetype), sig = "(object, callback=None, /)")]
#[repr(C)]
pub struct WeakRef {
    pub(super) link: Link,
    /// The object's hash once asked for; -1 before.
    hash: Cell<i64>,
}

impl Traverse for WeakRef {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.link.traverse(visit);
    }

    fn clear(&self) {
        self.link.clear();
    }
}

/// `weakref.ref(object, callback)`.
pub fn new_ref(cx: &Ctx, object: &Obj, callback: Option<&Obj>) -> PyResult {
    make(cx, WeakRef::type_object(), object, callback)
}

impl WeakRef {
    /// The object, unless it is gone.
    pub fn get(&self) -> Option<Obj> {
        self.link.get()
    }
}

/// The side record of an object that can be weakly referenced, or TypeError.
pub(super) fn side_for<'a>(cx: &Ctx, object: &'a Obj) -> PyResult<(&'a instance::Side, *const heap::Header)> {
    if super::is_weakly_referenceable(object)
        && let Some(p) = object.as_ptr()
        // SAFETY: `object` keeps the record alive.
        && let Some(side) = unsafe { instance::side_or_new(p, (*p).shape()) }
    {
        return Ok((side, p));
    }
    Err(cx.type_error(format!("cannot create weak reference to '{}' object", object.type_of().name())))
}

/// The reusable reference or proxy of type `ty` in a list.
pub(super) fn reusable(side: &instance::Side, ty: &Type) -> Option<Obj> {
    let mut at: Option<Value> = side.weakrefs.get();
    while let Some(n) = at {
        if !is_reusable(n) {
            return None;
        }
        // SAFETY: lists hold reference objects that are live or about to end.
        if unsafe { n.header() }.shape().ty().is(ty)
            && let Some(o) = super::handle(n)
        {
            return Some(o);
        }
        at = link_of(n).next.get();
    }
    None
}

fn make(cx: &Ctx, ty: &Type, object: &Obj, callback: Option<&Obj>) -> PyResult {
    let callback = callback.filter(|c| !c.is_none());
    let (side, p) = side_for(cx, object)?;
    let plain = ty.is(WeakRef::type_object()) && callback.is_none();
    if plain && let Some(o) = reusable(side, ty) {
        return Ok(o);
    }
    let o = heap::new_instance(ty, WeakRef { link: Link::new(p, callback.cloned()), hash: Cell::new(-1) });
    if let Some(l) = as_link(&o) {
        l.insert(side, plain);
    }
    Ok(o)
}

fn arguments<'a>(cx: &Ctx, ty: &Type, args: Args<'a>, function: &str) -> PyResult<(&'a Obj, Option<&'a Obj>)> {
    if args.has_keywords() && ty.is(WeakRef::type_object()) {
        return Err(cx.type_error("ref() takes no keyword arguments"));
    }
    match args.pos() {
        [o] => Ok((o, None)),
        [o, c] => Ok((o, Some(c))),
        [] => Err(cx.type_error(format!("{function} expected at least 1 argument, got 0"))),
        more => Err(cx.type_error(format!("{function} expected at most 2 arguments, got {}", more.len()))),
    }
}

/// ` at 0x…; to 'type' at 0x… (name)` or `; dead`.
pub(super) fn describe(cx: &Ctx, link: &Link, what: &str, this: &Obj) -> PyResult<String> {
    let Some(o) = link.get() else { return Ok(format!("<{what} at {:#x}; dead>", this.id())) };
    let name = match o.lookup_special(cx, intern!("__name__"))? {
        Some(n) if n.type_of().is_str_subtype() => format!(" ({})", crate::types::str::as_utf8_lossy(&n)),
        _ => String::new(),
    };
    Ok(format!("<{what} at {:#x}; to '{}' at {:#x}{name}>", this.id(), o.type_of().full_name(), o.id()))
}

#[pymethods]
impl WeakRef {
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let (object, callback) = arguments(cx, ty, args, "__new__")?;
        make(cx, ty, object, callback)
    }

    fn __init__(cx: &Ctx, this: This<'_, WeakRef>, args: Args<'_>) -> PyResult<()> {
        arguments(cx, this.obj().type_of(), args, "__init__").map(|_| ())
    }

    fn __call__(cx: &Ctx, this: This<'_, WeakRef>, args: Args<'_>) -> PyResult {
        args.check_arity(cx, "weakref", 0, 0)?;
        Ok(this.link.get().unwrap_or_else(Obj::none))
    }

    fn __hash__(cx: &Ctx, this: This<'_, WeakRef>) -> PyResult<i64> {
        if this.hash.get() != -1 {
            return Ok(this.hash.get());
        }
        let Some(o) = this.link.get() else { return Err(cx.type_error("weak object has gone away")) };
        let h = o.hash(cx)?;
        this.hash.set(h);
        Ok(h)
    }

    fn __richcmp__(cx: &Ctx, this: This<'_, WeakRef>, other: &Obj, op: CmpOp) -> PyResult {
        let Some(b) = other.downcast::<WeakRef>() else { return Ok(Obj::not_implemented()) };
        if !matches!(op, CmpOp::Eq | CmpOp::Ne) {
            return Ok(Obj::not_implemented());
        }
        match (this.link.get(), b.link.get()) {
            (Some(x), Some(y)) => x.rich_cmp(cx, &y, op),
            _ => Ok(Obj::from_bool(this.obj().is(other) == (op == CmpOp::Eq))),
        }
    }

    fn __repr__(cx: &Ctx, this: This<'_, WeakRef>) -> PyResult<String> {
        describe(cx, &this.link, "weakref", this.obj())
    }

    /// The function to call when the object is about to go, or None.
    #[pygetter(name = "__callback__")]
    fn callback(_cx: &Ctx, this: This<'_, WeakRef>) -> Obj {
        this.link.callback.get().unwrap_or_else(Obj::none)
    }

    /// Makes a generic alias.
    #[pyclassmethod(name = "__class_getitem__", sig = "($type, object, /)")]
    fn class_getitem(cx: &Ctx, ty: &Type, object: &Obj) -> PyResult {
        generic_alias::new(cx, &ty.as_obj(), object)
    }
}
