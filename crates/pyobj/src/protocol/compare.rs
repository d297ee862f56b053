//! Rich comparison and class membership.

use crate::ctx::{Ctx, PyResult};
use crate::intern;
use crate::native::FixedShape;
use crate::protocol::generic_get_attr;
use crate::types::slots::BinaryFn;
use crate::types::{CmpOp, Type};
use crate::value::Obj;

/// Whether `x.__class__` is certain to be the type of `x`: instances find it where `object` defines it.
pub fn shows_its_class(ty: &Type) -> bool {
    let object = crate::types::object::class_def().type_object();
    let as_in_object = |name| match (ty.lookup_cell(name), object.own_cell(name)) {
        (Some((_, found)), Some(known)) => std::ptr::eq(found, known),
        _ => false,
    };
    let plain = ty.slots.getattr.get().is_none_or(|f| std::ptr::fn_addr_eq(f, generic_get_attr as BinaryFn));
    (plain || as_in_object(intern!("__getattribute__"))) && as_in_object(intern!("__class__"))
}

/// A comparison of which neither operand knows anything.
pub(super) fn by_identity(cx: &Ctx, a: &Obj, b: &Obj, op: CmpOp) -> PyResult {
    match op {
        CmpOp::Eq => Ok(Obj::from_bool(a.is(b))),
        CmpOp::Ne => Ok(Obj::from_bool(!a.is(b))),
        _ => Err(cx.type_error(format!(
            "'{}' not supported between instances of '{}' and '{}'",
            op.symbol(),
            a.type_of().name(),
            b.type_of().name()
        ))),
    }
}

impl Obj {
    /// `x < y` and the others: reflected first for a subclass, then the left, then the right operand.
    pub fn rich_cmp(&self, cx: &Ctx, other: &Obj, op: CmpOp) -> PyResult {
        if let (Some(a), Some(b)) = (self.as_int(), other.as_int()) {
            return Ok(Obj::from_bool(op.holds(a.cmp(&b))));
        }
        if let (Some(a), Some(b)) = (self.as_float(), other.as_float())
            && let Some(order) = a.partial_cmp(&b)
        {
            return Ok(Obj::from_bool(op.holds(order)));
        }
        cx.check_stack(" in comparison")?;
        let (ta, tb) = (self.type_of(), other.type_of());
        let mut reflected_done = false;
        if !ta.is(tb)
            && tb.is_subtype(ta)
            && let Some(f) = tb.slots.richcmp.get()
        {
            reflected_done = true;
            let r = f(cx, other, self, op.swapped())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        if let Some(f) = ta.slots.richcmp.get() {
            let r = f(cx, self, other, op)?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        if !reflected_done && let Some(f) = tb.slots.richcmp.get() {
            let r = f(cx, other, self, op.swapped())?;
            if !r.is_not_implemented() {
                return Ok(r);
            }
        }
        by_identity(cx, self, other, op)
    }

    /// The truth of a rich comparison. Identical objects are equal without being asked.
    #[inline]
    pub fn rich_cmp_bool(&self, cx: &Ctx, other: &Obj, op: CmpOp) -> PyResult<bool> {
        if self.is(other) {
            match op {
                CmpOp::Eq => return Ok(true),
                CmpOp::Ne => return Ok(false),
                _ => {}
            }
        }
        if let (Some(a), Some(b)) = (self.as_int(), other.as_int()) {
            return Ok(op.holds(a.cmp(&b)));
        }
        if op == CmpOp::Eq
            && let Some(same) = crate::types::seqops::quick_eq(self.value(), other.value())
        {
            return Ok(same);
        }
        self.rich_cmp(cx, other, op)?.truthy(cx)
    }

    /// `x is y or x == y`.
    #[inline]
    pub fn eq(&self, cx: &Ctx, other: &Obj) -> PyResult<bool> {
        if self.is(other) {
            return Ok(true);
        }
        self.rich_cmp_bool(cx, other, CmpOp::Eq)
    }

    /// `isinstance(x, cls)`; `cls` may be a class, a tuple, a union or anything with `__instancecheck__`.
    pub fn is_instance(&self, cx: &Ctx, cls: &Obj) -> PyResult<bool> {
        if let Some(t) = cls.as_type() {
            if self.type_of().is(t) {
                return Ok(true);
            }
            if cls.is_exact(FixedShape::Type) {
                return self.recursive_is_instance(cx, cls);
            }
        }
        if let Some(items) = alternatives(cls) {
            cx.check_stack(" in __instancecheck__")?;
            for c in items {
                if self.is_instance(cx, c)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if let Some(check) = cls.lookup_special(cx, intern!("__instancecheck__"))? {
            cx.check_stack(" in __instancecheck__")?;
            return check.call1(cx, self)?.truthy(cx);
        }
        self.recursive_is_instance(cx, cls)
    }

    /// `type.__instancecheck__`: class, then `__class__`, then abstract bases.
    pub fn recursive_is_instance(&self, cx: &Ctx, cls: &Obj) -> PyResult<bool> {
        if let Some(t) = cls.as_type() {
            if self.type_of().is_subtype(t) {
                return Ok(true);
            }
            if shows_its_class(self.type_of()) {
                return Ok(false);
            }
            return Ok(match self.get_attr_opt(cx, intern!("__class__"))? {
                Some(c) => match c.as_type() {
                    Some(ct) => !ct.is(self.type_of()) && ct.is_subtype(t),
                    None => false,
                },
                None => false,
            });
        }
        check_class(cx, cls, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
        match self.get_attr_opt(cx, intern!("__class__"))? {
            Some(c) => abstract_is_subclass(cx, &c, cls),
            None => Ok(false),
        }
    }

    /// `issubclass(x, cls)`.
    pub fn is_subclass(&self, cx: &Ctx, cls: &Obj) -> PyResult<bool> {
        if cls.is_exact(FixedShape::Type) {
            if self.is(cls) {
                return Ok(true);
            }
            return self.recursive_is_subclass(cx, cls);
        }
        if let Some(items) = alternatives(cls) {
            cx.check_stack(" in __subclasscheck__")?;
            for c in items {
                if self.is_subclass(cx, c)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if let Some(check) = cls.lookup_special(cx, intern!("__subclasscheck__"))? {
            cx.check_stack(" in __subclasscheck__")?;
            return check.call1(cx, self)?.truthy(cx);
        }
        self.recursive_is_subclass(cx, cls)
    }

    /// `type.__subclasscheck__`.
    pub fn recursive_is_subclass(&self, cx: &Ctx, cls: &Obj) -> PyResult<bool> {
        if let (Some(a), Some(b)) = (self.as_type(), cls.as_type()) {
            return Ok(Type::is_subtype(a, b));
        }
        check_class(cx, self, "issubclass() arg 1 must be a class")?;
        check_class(cx, cls, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
        abstract_is_subclass(cx, self, cls)
    }
}

/// The classes of which any will do: those of a tuple or a union.
fn alternatives(cls: &Obj) -> Option<&[Obj]> {
    crate::types::tuple::items_if_tuple(cls).or_else(|| crate::types::union::members(cls))
}

fn abstract_bases(cx: &Ctx, cls: &Obj) -> PyResult<Option<Obj>> {
    let b = cls.get_attr_opt(cx, intern!("__bases__"))?;
    Ok(b.filter(|b| crate::types::tuple::items_if_tuple(b).is_some()))
}

fn check_class(cx: &Ctx, cls: &Obj, message: &str) -> PyResult<()> {
    match abstract_bases(cx, cls)? {
        Some(_) => Ok(()),
        None => Err(cx.type_error(message)),
    }
}

fn abstract_is_subclass(cx: &Ctx, derived: &Obj, cls: &Obj) -> PyResult<bool> {
    cx.check_stack(" in __subclasscheck__")?;
    if derived.is(cls) {
        return Ok(true);
    }
    let Some(bases) = abstract_bases(cx, derived)? else { return Ok(false) };
    for b in crate::types::tuple::items_if_tuple(&bases).unwrap_or(&[]) {
        if abstract_is_subclass(cx, b, cls)? {
            return Ok(true);
        }
    }
    Ok(false)
}
