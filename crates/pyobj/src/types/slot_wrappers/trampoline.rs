//! Trampolines: slot functions that call the special methods of Python classes.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::{Args, FixedShape};
use crate::protocol::{bind, call_function_with, call_special, is_method_like, with_receiver};
use crate::types::slots::*;
use crate::types::static_method::StaticMethod;
use crate::types::str::Name;
use crate::types::{Type, exc};
use crate::value::Obj;

#[cold]
fn missing(cx: &Ctx, this: &Obj, name: Name) -> crate::Raised {
    cx.attribute_error(
        format!("'{}' object has no attribute '{}'", this.type_of().name(), name.as_str()),
        this,
        name.as_obj(),
    )
}

fn must(cx: &Ctx, this: &Obj, name: Name, args: &[&Obj]) -> PyResult {
    match call_special(cx, this, name, args)? {
        Some(r) => Ok(r),
        None => Err(missing(cx, this, name)),
    }
}

macro_rules! tramp {
    (unary, $f:ident, [$n:literal]) => {
        pub(super) fn $f(cx: &Ctx, this: &Obj) -> PyResult {
            must(cx, this, intern!($n), &[])
        }
    };
    (inplace, $f:ident, [$n:literal]) => {
        pub(super) fn $f(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
            Ok(call_special(cx, a, intern!($n), &[b])?.unwrap_or_else(Obj::not_implemented))
        }
    };
    (getitem, $f:ident, [$n:literal]) => {
        pub(super) fn $f(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
            must(cx, a, intern!($n), &[b])
        }
    };
    (binary, $f:ident, [$n:literal, $r:literal]) => {
        pub(super) fn $f(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
            let mine = |t: &Type| t.slots.$f.get().is_some_and(|f| std::ptr::fn_addr_eq(f, $f as BinaryFn));
            binary(cx, a, b, mine(a.type_of()), mine(b.type_of()), intern!($n), intern!($r))
        }
    };
    (set, $f:ident, [$s:literal, $d:literal]) => {
        pub(super) fn $f(cx: &Ctx, this: &Obj, key: &Obj, value: Option<&Obj>) -> PyResult<()> {
            match value {
                Some(v) => must(cx, this, intern!($s), &[key, v])?,
                None => must(cx, this, intern!($d), &[key])?,
            };
            Ok(())
        }
    };
    ($kind:ident, $f:ident, [$($n:literal),*]) => {};
}

macro_rules! all {
    ($($field:ident: $ty:ty, $kind:ident, [$($name:literal),*];)*) => {
        $(tramp!($kind, $field, [$($name),*]);)*
    };
}
crate::for_each_slot!(all);

/// A binary operation where at least one operand's class fills the slot in Python: the reflected method
/// goes first where the right operand's class derives from the left one's and overrides it.
fn binary(cx: &Ctx, a: &Obj, b: &Obj, mine_a: bool, mine_b: bool, name: Name, rname: Name) -> PyResult {
    let (ta, tb) = (a.type_of(), b.type_of());
    let mut other = !ta.is(tb) && mine_b;
    if mine_a {
        if other && tb.is_subtype(ta) {
            let overridden = match (ta.lookup(rname), tb.lookup(rname)) {
                (Some(x), Some(y)) => !x.is(&y),
                (None, Some(_)) => true,
                _ => false,
            };
            if overridden {
                if let Some(r) = call_special(cx, b, rname, &[a])?
                    && !r.is_not_implemented()
                {
                    return Ok(r);
                }
                other = false;
            }
        }
        if let Some(r) = call_special(cx, a, name, &[b])?
            && (!r.is_not_implemented() || ta.is(tb))
        {
            return Ok(r);
        }
    }
    if other {
        return Ok(call_special(cx, b, rname, &[a])?.unwrap_or_else(Obj::not_implemented));
    }
    Ok(Obj::not_implemented())
}

pub(super) fn pow(cx: &Ctx, a: &Obj, b: &Obj, m: Option<&Obj>) -> PyResult {
    let mine = |t: &Type| t.slots.pow.get().is_some_and(|f| std::ptr::fn_addr_eq(f, pow as TernaryFn));
    let Some(m) = m else {
        return binary(cx, a, b, mine(a.type_of()), mine(b.type_of()), intern!("__pow__"), intern!("__rpow__"));
    };
    if mine(a.type_of())
        && let Some(r) = call_special(cx, a, intern!("__pow__"), &[b, m])?
        && !r.is_not_implemented()
    {
        return Ok(r);
    }
    if mine(b.type_of())
        && !a.type_of().is(b.type_of())
        && let Some(r) = call_special(cx, b, intern!("__rpow__"), &[a, m])?
    {
        return Ok(r);
    }
    Ok(Obj::not_implemented())
}

pub(super) fn hash(cx: &Ctx, this: &Obj) -> PyResult<i64> {
    let Some(r) = call_special(cx, this, intern!("__hash__"), &[])? else {
        return super::super::object::hash_not_implemented(cx, this);
    };
    if !r.type_of().is_int_subtype() {
        return Err(cx.type_error("__hash__ method should return an integer"));
    }
    let h = match crate::types::int::as_i64(&r) {
        Some(h) => h,
        None => crate::types::int::hash(&r),
    };
    Ok(if h == -1 { -2 } else { h })
}

pub(super) fn len(cx: &Ctx, this: &Obj) -> PyResult<usize> {
    length_of(cx, &must(cx, this, intern!("__len__"), &[])?)
}

/// The length that an answer of `__len__` stands for.
pub fn length_of(cx: &Ctx, r: &Obj) -> PyResult<usize> {
    if r.as_int().is_none() && crate::types::int::is_negative(&r.index(cx)?) {
        return Err(cx.value_error("__len__() should return >= 0"));
    }
    let n = r.to_isize(cx).map_err(|e| match cx.swallow(e, crate::types::exc::OverflowError()) {
        Ok(()) => cx.overflow_error("cannot fit 'int' into an index-sized integer"),
        Err(e) => e,
    })?;
    usize::try_from(n).map_err(|_| cx.value_error("__len__() should return >= 0"))
}

pub(super) fn bool(cx: &Ctx, this: &Obj) -> PyResult<bool> {
    truth_of(cx, &must(cx, this, intern!("__bool__"), &[])?)
}

/// The truth that an answer of `__bool__` stands for.
pub fn truth_of(cx: &Ctx, r: &Obj) -> PyResult<bool> {
    if !r.is_exact(FixedShape::Bool) {
        return Err(cx.type_error(format!("__bool__ should return bool, returned {}", r.type_of().name())));
    }
    r.truthy(cx)
}

pub(super) fn contains(cx: &Ctx, this: &Obj, item: &Obj) -> PyResult<bool> {
    match this.type_of().lookup(intern!("__contains__")) {
        Some(f) if f.is_none() => Err(cx.type_error(format!("'{}' object is not a container", this.type_of().name()))),
        _ => must(cx, this, intern!("__contains__"), &[item])?.truthy(cx),
    }
}

pub(super) fn iter(cx: &Ctx, this: &Obj) -> PyResult {
    match this.type_of().lookup(intern!("__iter__")) {
        Some(f) if f.is_none() => Err(cx.type_error(format!("'{}' object is not iterable", this.type_of().name()))),
        _ => must(cx, this, intern!("__iter__"), &[]),
    }
}

pub(super) fn richcmp(cx: &Ctx, a: &Obj, b: &Obj, op: CmpOp) -> PyResult {
    let name = match op {
        CmpOp::Lt => intern!("__lt__"),
        CmpOp::Le => intern!("__le__"),
        CmpOp::Eq => intern!("__eq__"),
        CmpOp::Ne => intern!("__ne__"),
        CmpOp::Gt => intern!("__gt__"),
        CmpOp::Ge => intern!("__ge__"),
    };
    match a.type_of().lookup(name) {
        Some(f) if f.is_none() => Err(cx.type_error("'NoneType' object is not callable")),
        Some(f) if !is_method_like(&f) => match bind(cx, f, a) {
            Ok(method) => method.call1(cx, b),
            // A comparison that is not to be had is as good as none.
            Err(r) => cx.swallow(r, exc::AttributeError()).map(|()| Obj::not_implemented()),
        },
        Some(f) => call_function_with(cx, &f, a, &[b]),
        None => Ok(Obj::not_implemented()),
    }
}

pub(super) fn getattr(cx: &Ctx, this: &Obj, name: &Obj) -> PyResult {
    let ty = this.type_of();
    let Some(fallback) = ty.lookup(intern!("__getattr__")) else {
        return must(cx, this, intern!("__getattribute__"), &[name]);
    };
    let first = match ty.lookup(intern!("__getattribute__")) {
        Some(f) if is_generic_getattribute(&f) => match crate::protocol::generic_lookup(cx, this, name) {
            Ok(Some(v)) => return Ok(v),
            Ok(None) => None,
            Err(r) => Some(r),
        },
        _ => match must(cx, this, intern!("__getattribute__"), &[name]) {
            Ok(v) => return Ok(v),
            Err(r) => Some(r),
        },
    };
    if let Some(r) = first {
        cx.swallow(r, exc::AttributeError())?;
    }
    if crate::protocol::is_method_like(&fallback) {
        return call_function_with(cx, &fallback, this, &[name]);
    }
    must(cx, this, intern!("__getattr__"), &[name])
}

fn is_generic_getattribute(f: &Obj) -> bool {
    f.downcast::<super::WrapperDescriptor>().is_some_and(|w| {
        w.owner()
            .slots
            .getattr
            .get()
            .is_some_and(|g| std::ptr::fn_addr_eq(g, crate::protocol::generic_get_attr as BinaryFn))
    })
}

pub(super) fn descr_get(cx: &Ctx, this: &Obj, instance: Option<&Obj>, owner: Option<&Obj>) -> PyResult {
    let none = Obj::none();
    match call_special(cx, this, intern!("__get__"), &[instance.unwrap_or(&none), owner.unwrap_or(&none)])? {
        Some(r) => Ok(r),
        None => Ok(this.clone()),
    }
}

fn call_with(cx: &Ctx, this: &Obj, name: Name, args: Args<'_>) -> PyResult<Option<Obj>> {
    let Some(f) = this.type_of().lookup(name) else { return Ok(None) };
    if crate::protocol::is_method_like(&f) {
        return with_receiver(this, args.all(), |all| f.call(cx, Args::new(all, args.names()))).map(Some);
    }
    let f = match f.type_of().slots.descr_get.get() {
        Some(get) => get(cx, &f, Some(this), Some(&this.type_of().as_obj()))?,
        None => f,
    };
    f.call(cx, args).map(Some)
}

pub(super) fn call(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult {
    cx.check_stack(" while calling a Python object")?;
    match call_with(cx, this, intern!("__call__"), args)? {
        Some(r) => Ok(r),
        None => Err(cx.type_error(format!("'{}' object is not callable", this.type_of().name()))),
    }
}

pub(super) fn init(cx: &Ctx, this: &Obj, args: Args<'_>) -> PyResult<()> {
    match call_with(cx, this, intern!("__init__"), args)? {
        Some(r) if !r.is_none() => {
            Err(cx.type_error(format!("__init__() should return None, not '{}'", r.type_of().name())))
        }
        _ => Ok(()),
    }
}

pub(super) fn new(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
    let cls = ty.as_obj();
    let plain = if cls.is_exact(FixedShape::Type) { ty.lookup(intern!("__new__")) } else { None };
    let f = match plain.as_ref().and_then(|s| s.downcast_exact::<StaticMethod>()).and_then(StaticMethod::callable) {
        Some(f) => f,
        None => cls.get_attr(cx, intern!("__new__"))?,
    };
    with_receiver(&cls, args.all(), |all| f.call(cx, Args::new(all, args.names())))
}

pub(super) fn finalize(cx: &Ctx, this: &Obj) -> PyResult<()> {
    call_special(cx, this, intern!("__del__"), &[]).map(drop)
}

pub(super) fn next(cx: &Ctx, this: &Obj) -> PyResult<Option<Obj>> {
    match must(cx, this, intern!("__next__"), &[]) {
        Ok(v) => Ok(Some(v)),
        Err(r) => cx.swallow(r, exc::StopIteration()).map(|()| None),
    }
}

/// Whether `next()` on instances runs a Python `__next__`, whose StopIteration may carry a value that the
/// slot drops.
pub fn is_python_next(ty: &Type) -> bool {
    ty.slots.next.get().is_some_and(|f| std::ptr::fn_addr_eq(f, next as NextFn))
}

pub(super) fn buffer(
    cx: &Ctx,
    this: &Obj,
    flags: crate::protocol::buffer::BufferFlags,
) -> PyResult<crate::protocol::buffer::Buffer> {
    let view = must(cx, this, intern!("__buffer__"), &[&Obj::from(flags.raw as i64)])?;
    crate::types::memoryview::python::wrap(cx, this, &view, flags)
}
