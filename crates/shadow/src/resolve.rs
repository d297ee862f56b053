//! Finds out where an attribute look-up ends, without running anything.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::heap::Gil;
use cinder_pyobj::intern;
use cinder_pyobj::native::{FixedShape, class_type};
use cinder_pyobj::protocol::{generic_get_attr, generic_set_attr};
use cinder_pyobj::shape::ShapeId;
use cinder_pyobj::shape::fact::Fact;
use cinder_pyobj::types::class_method::ClassMethod;
use cinder_pyobj::types::descriptor::MemberDescriptor;
use cinder_pyobj::types::slots::BinaryFn;
use cinder_pyobj::types::static_method::StaticMethod;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::{dict, module, object, property, type_type};
use cinder_pyobj::{Obj, Type};

/// What a look-up gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Nothing that can be remembered.
    None,
    /// The value in the slot word at byte offset `arg`; for stores, `target` is the address of what is known of it.
    Slot,
    /// The value in overflow slot `arg`; `target` as for [`Kind::Slot`].
    Over,
    /// The value in the class's cell `target`.
    Class,
    /// The function in the class's cell `target`, to be called with the receiver.
    Method,
    /// The property in the class's cell `target`.
    Property,
    /// What the descriptor in the class's cell `target` gives.
    Descr,
    /// The class method in the class's cell `target`.
    ClassMethod,
    /// The static method in the class's cell `target`.
    StaticMethod,
    /// Nothing but the class's `__getattr__`, a function in the cell `target`, knows the name.
    Hook,
    /// The value in the cell `target` of this very receiver.
    Pinned,
    /// The class method in the cell `target`, of this very class.
    PinnedClassMethod,
    /// The static method in the cell `target`, of this very class.
    PinnedStaticMethod,
    /// What the descriptor in the cell `target` gives to this very class.
    PinnedDescr,
    /// No attribute.
    Absent,
    /// No attribute of this very class.
    PinnedAbsent,
    /// A store through the property in the class's cell `target`.
    SetProperty,
    /// A store through the descriptor in the class's cell `target`.
    SetDescr,
    /// A store that moves the object to shape `arg`, into the slot word at byte offset `target`.
    Grow,
    /// As [`Kind::Grow`], into overflow slot `target`.
    GrowOver,
    /// As [`Kind::Shrink`], from overflow slot `target`.
    ShrinkOver,
    /// A deletion that moves the object back to shape `arg`, from the slot word at byte offset `target`.
    Shrink,
    /// An operation of two numbers in words.
    Number,
    /// An operation by the native function `target`.
    Native,
    /// A concatenation by the native function `target`.
    Concat,
    /// An operation by the left operand's method, a function in the cell `target`.
    Left,
    /// As `Left`, with the negated answer: `!=` by `__eq__`.
    LeftNot,
    /// An operation by the right operand's reflected method, a function in the cell `target`.
    Right,
    /// As `Right`, with the negated answer.
    RightNot,
    /// An operation by the left operand's method that works in place, a function in the cell `target`.
    Inplace,
    /// The truth that `__bool__`, a function in the cell `target`, tells.
    Truth,
    /// The truth of the length that `__len__`, a function in the cell `target`, tells.
    Length,
    /// True, whatever the operand holds.
    Always,
}

impl Kind {
    /// Whether the guard is a receiver's word rather than a shape.
    #[inline(always)]
    pub fn is_pinned(self) -> bool {
        matches!(
            self,
            Kind::Pinned | Kind::PinnedClassMethod | Kind::PinnedStaticMethod | Kind::PinnedDescr | Kind::PinnedAbsent
        )
    }

    /// Whether the operation runs a function written in Python.
    #[inline(always)]
    pub fn is_python(self) -> bool {
        matches!(self, Kind::Left | Kind::LeftNot | Kind::Right | Kind::RightNot | Kind::Inplace)
    }
}

/// A look-up that can be remembered.
pub(crate) struct Answer {
    pub kind: Kind,
    pub guard: u64,
    pub arg: u32,
    pub target: usize,
    pub dep: usize,
}

impl Answer {
    fn of_shape(kind: Kind, shape: ShapeId, arg: u32, target: usize, ty: &Type) -> Answer {
        Answer { kind, guard: shape.as_u32().into(), arg, target, dep: dependency(ty) }
    }
}

/// Marks a type that can change, and names it.
pub(crate) fn dependency(ty: &Type) -> usize {
    if ty.flags().immutable {
        return 0;
    }
    ty.mark_cached();
    ty as *const Type as usize
}

pub(crate) fn address(c: &AttrCell) -> usize {
    c as *const AttrCell as usize
}

/// How a type reads attributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// As `object` does.
    Generically,
    /// As `object` does, and asks `__getattr__` where that finds nothing.
    WithHook,
    /// In a way of its own.
    Otherwise,
}

fn reads(ty: &Type) -> Reads {
    if ty.slots.getattr.get().is_none_or(|f| std::ptr::fn_addr_eq(f, generic_get_attr as BinaryFn)) {
        return Reads::Generically;
    }
    let name = intern!("__getattribute__");
    match (ty.lookup(name), class_type::<object::Object>().lookup(name)) {
        (Some(f), Some(g)) if f.is(&g) => Reads::WithHook,
        _ => Reads::Otherwise,
    }
}

fn stores_generically(ty: &Type) -> bool {
    type Store = fn(&cinder_pyobj::Ctx, &Obj, &Obj, Option<&Obj>) -> cinder_pyobj::PyResult<()>;
    ty.slots.setattr.get().is_none_or(|f| std::ptr::fn_addr_eq(f, generic_set_attr as Store))
}

/// A load of `name` from `x`.
pub(crate) fn load(x: &Obj, name: Name) -> Option<Answer> {
    let p = x.as_ptr()?;
    let ty = x.type_of();
    if x.is_exact(FixedShape::Module) {
        return pinned_module(x, name);
    }
    if let Some(t) = x.as_type() {
        return pinned_type(x, t, ty, name);
    }
    let reads = reads(ty);
    if reads == Reads::Otherwise {
        return None;
    }
    // SAFETY: `x` keeps the object alive.
    let shape = unsafe { (*p).shape() };
    let found = ty.lookup_cell(name);
    if let Some((_, cell)) = found {
        let d = cell.get()?;
        let s = &d.type_of().slots;
        if s.descr_set.get().is_some() {
            if let Some(m) = d.fixed::<MemberDescriptor>(FixedShape::MemberDescriptor) {
                let off = m.slot_offset(ty)?;
                return Some(Answer::of_shape(Kind::Slot, shape.id(), off as u32, 0, ty));
            }
            // An AttributeError of the getter would have to go to `__getattr__`.
            if d.fixed::<property::Property>(FixedShape::Property).is_some() && reads == Reads::Generically {
                return Some(Answer::of_shape(Kind::Property, shape.id(), 0, address(cell), ty));
            }
            let plain = reads == Reads::Generically && s.descr_get.get().is_some();
            return plain.then(|| Answer::of_shape(Kind::Descr, shape.id(), 0, address(cell), ty));
        }
    }
    let l = ty.layout();
    if l.has_dict {
        if shape.is_dict_mode() {
            return None;
        }
        if let Some(i) = shape.lookup(name) {
            let inline = l.inline_attrs();
            return Some(if i < inline {
                Answer::of_shape(Kind::Slot, shape.id(), l.attrs_off() + 8 * i, 0, ty)
            } else {
                Answer::of_shape(Kind::Over, shape.id(), i - inline, 0, ty)
            });
        }
    }
    let Some((_, cell)) = found else {
        if reads != Reads::WithHook {
            // A module of another class keeps attributes in a dict of its own.
            let told = module::namespace(x).is_none();
            return told.then(|| Answer::of_shape(Kind::Absent, shape.id(), 0, 0, ty));
        }
        if !l.has_dict {
            return None;
        }
        let (_, hook) = ty.lookup_cell(intern!("__getattr__"))?;
        let plain = hook.get()?.is_exact(FixedShape::Function);
        return plain.then(|| Answer::of_shape(Kind::Hook, shape.id(), 0, address(hook), ty));
    };
    let d = cell.get()?;
    let kind = if d.type_of().flags().method_like {
        Kind::Method
    } else if d.type_of().slots.descr_get.get().is_none() {
        Kind::Class
    } else if let Some(kind) = wrapped(&d) {
        kind
    } else if reads == Reads::Generically {
        Kind::Descr
    } else {
        return None;
    };
    Some(Answer::of_shape(kind, shape.id(), 0, address(cell), ty))
}

/// The kind of a look-up that ends at a class method or static method.
fn wrapped(d: &Obj) -> Option<Kind> {
    let ty = d.type_of();
    if ty.is(class_type::<ClassMethod>()) {
        return Some(Kind::ClassMethod);
    }
    ty.is(class_type::<StaticMethod>()).then_some(Kind::StaticMethod)
}

/// A method of `x`'s class that is looked up there alone: attributes of the instance do not matter.
pub(crate) fn special(x: &Obj, name: Name) -> Option<Answer> {
    x.as_ptr()?;
    let ty = x.type_of();
    let (_, cell) = ty.lookup_cell(name)?;
    if !cell.get()?.type_of().flags().method_like {
        return None;
    }
    Some(Answer::of_shape(Kind::Method, x.shape_id(), 0, address(cell), ty))
}

fn pinned_module(x: &Obj, name: Name) -> Option<Answer> {
    // `module` itself has few attributes, and they win over those of the module only where they set.
    if x.type_of().lookup_cell(name).is_some() {
        return None;
    }
    let ns = module::namespace(x)?;
    let d = dict::as_dict(&ns)?;
    let cell = d.cell(name)?;
    cell.get()?;
    Some(Answer { kind: Kind::Pinned, guard: x.value().bits(), arg: 0, target: address(cell), dep: d.mark_cached() })
}

fn pinned_type(x: &Obj, t: &Type, meta: &Type, name: Name) -> Option<Answer> {
    let plain = type_type();
    let same = |f: Option<BinaryFn>, g: Option<BinaryFn>| match (f, g) {
        (Some(f), Some(g)) => std::ptr::fn_addr_eq(f, g),
        _ => false,
    };
    if !same(meta.slots.getattr.get(), plain.slots.getattr.get()) {
        return None;
    }
    // What the metaclass has comes first only if it sets.
    let of_meta = meta.lookup_cell(name);
    if let Some((_, cell)) = of_meta {
        let d = cell.get()?;
        let slots = &d.type_of().slots;
        if slots.descr_set.get().is_some() {
            let reads = slots.descr_get.get().is_some();
            return reads.then(|| Answer::of_shape(Kind::Descr, x.shape_id(), 0, address(cell), meta));
        }
    }
    let found = t.lookup_cell(name);
    let (kind, target) = match found {
        Some((_, cell)) => {
            let v = cell.get()?;
            // A function or native method got through its class is itself.
            let plain = v.type_of().slots.descr_get.get().is_none() || v.type_of().flags().method_like;
            let kind = match wrapped(&v) {
                _ if plain => Kind::Pinned,
                Some(Kind::ClassMethod) => Kind::PinnedClassMethod,
                Some(_) => Kind::PinnedStaticMethod,
                None => Kind::PinnedDescr,
            };
            (kind, address(cell))
        }
        None if of_meta.is_none() => (Kind::PinnedAbsent, 0),
        None => return None,
    };
    // A metaclass that changes makes all caches forget.
    meta.mark_cached();
    t.mark_cached();
    let dep = t as *const Type as usize;
    Some(Answer { kind, guard: x.value().bits(), arg: 0, target, dep })
}

/// The fact of slots of which nothing is told.
static UNTOLD: Gil<Fact> = Gil::new(Fact::untold());

/// A store to `name` of `x`.
pub(crate) fn store(x: &Obj, name: Name) -> Option<Answer> {
    let p = x.as_ptr()?;
    let ty = x.type_of();
    if !stores_generically(ty) {
        return None;
    }
    // SAFETY: `x` keeps the object alive.
    let shape = unsafe { (*p).shape() };
    if let Some((_, cell)) = ty.lookup_cell(name) {
        let d = cell.get()?;
        if d.type_of().slots.descr_set.get().is_some() {
            if let Some(m) = d.fixed::<MemberDescriptor>(FixedShape::MemberDescriptor) {
                let off = m.slot_offset(ty)?;
                // Slots of `__slots__` share one fact that tells nothing, so that stores need not tell it either.
                let fact = std::ptr::from_ref(UNTOLD.get()) as usize;
                return Some(Answer::of_shape(Kind::Slot, shape.id(), off as u32, fact, ty));
            }
            let property = d.fixed::<property::Property>(FixedShape::Property).is_some();
            let kind = if property { Kind::SetProperty } else { Kind::SetDescr };
            return Some(Answer::of_shape(kind, shape.id(), 0, address(cell), ty));
        }
    }
    let l = ty.layout();
    if !l.has_dict || shape.is_dict_mode() {
        return None;
    }
    let inline = l.inline_attrs();
    if let Some(i) = shape.lookup(name) {
        let fact = std::ptr::from_ref(shape.fact_of(i)) as usize;
        return Some(if i < inline {
            Answer::of_shape(Kind::Slot, shape.id(), l.attrs_off() + 8 * i, fact, ty)
        } else {
            Answer::of_shape(Kind::Over, shape.id(), i - inline, fact, ty)
        });
    }
    let next = shape.with_attr(name)?;
    let i = next.attr_count() - 1;
    if i >= inline {
        return Some(Answer::of_shape(Kind::GrowOver, shape.id(), next.id().as_u32(), (i - inline) as usize, ty));
    }
    let off = (l.attrs_off() + 8 * i) as usize;
    Some(Answer::of_shape(Kind::Grow, shape.id(), next.id().as_u32(), off, ty))
}

/// The deletion of `name` from `x`.
pub(crate) fn delete(x: &Obj, name: Name) -> Option<Answer> {
    let p = x.as_ptr()?;
    let ty = x.type_of();
    if !stores_generically(ty) {
        return None;
    }
    if let Some((_, cell)) = ty.lookup_cell(name) {
        let d = cell.get()?;
        if d.type_of().slots.descr_set.get().is_some() {
            return Some(Answer::of_shape(Kind::SetDescr, x.shape_id(), 0, address(cell), ty));
        }
    }
    // SAFETY: `x` keeps the object alive.
    let shape = unsafe { (*p).shape() };
    let l = ty.layout();
    if !l.has_dict || shape.is_dict_mode() {
        return None;
    }
    let i = shape.lookup(name)?;
    if i + 1 != shape.attr_count() {
        return None;
    }
    let (kind, place) = match i.checked_sub(l.inline_attrs()) {
        Some(over) => (Kind::ShrinkOver, over),
        None => (Kind::Shrink, l.attrs_off() + 8 * i),
    };
    Some(Answer::of_shape(kind, shape.id(), shape.parent()?.id().as_u32(), place as usize, ty))
}
