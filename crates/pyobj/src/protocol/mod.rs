//! The operations of Python objects, as methods of [`Obj`].

mod attr;
pub mod buffer;
mod call;
mod compare;
mod iter;
pub mod number;
mod object;
pub mod operator;
pub mod pack;
mod sequence;

pub(crate) use attr::call_function_with;
pub use attr::{Method, call_special, generic_get_attr, generic_set_attr, get_method, no_attribute, qualified_name};
pub(crate) use attr::{bind, generic_lookup, is_method_like};
pub use call::with_receiver;
pub use compare::shows_its_class;
pub use sequence::unpack_index;

use crate::native::{FixedShape, Payload};
use crate::shape::ShapeId;
use crate::types::Type;
use crate::value::{Obj, Value};

const INT: ShapeId = ShapeId::fixed(FixedShape::Int);
const FLOAT: ShapeId = ShapeId::fixed(FixedShape::Float);
const TYPE: ShapeId = ShapeId::fixed(FixedShape::Type);

impl Obj {
    /// The id of the object's shape. Tagged ints and floats report the root shapes of `int` and `float`.
    #[inline(always)]
    pub fn shape_id(&self) -> ShapeId {
        let v = self.value();
        if v.is_ptr() {
            // SAFETY: the handle keeps the object alive.
            unsafe { v.header() }.shape_id()
        } else if v.is_int() {
            INT
        } else {
            debug_assert!(v.is_float(), "a sentinel escaped: {v:?}");
            FLOAT
        }
    }

    /// The object's class.
    #[inline(always)]
    pub fn type_of(&self) -> &'static Type {
        self.shape_id().get().ty()
    }

    /// Whether the object's class is exactly the core type with this reserved shape. For types whose
    /// instances have no `__dict__` (all core containers and scalars).
    #[inline(always)]
    pub fn is_exact(&self, shape: FixedShape) -> bool {
        self.shape_id() == ShapeId::fixed(shape)
    }

    /// The payload, if the object is an instance of the type that introduces `T`, or of a subclass.
    /// Tagged ints and floats have no payload.
    #[inline(always)]
    pub fn downcast<T: Payload>(&self) -> Option<&T> {
        if !self.is_ptr() {
            return None;
        }
        // SAFETY: the handle keeps the object alive.
        let id = unsafe { self.value().header() }.shape_id();
        if !matches!(T::FIXED, FixedShape::None) && id == ShapeId::fixed(T::FIXED) {
            // SAFETY: exact core types have their payload right after the header.
            return Some(unsafe { self.payload_at(8) });
        }
        self.downcast_of_layout(id)
    }

    /// The rest of [`Obj::downcast`]: the layout of the class decides.
    fn downcast_of_layout<T: Payload>(&self, id: ShapeId) -> Option<&T> {
        let ty = id.get().ty();
        if ty.payload_is::<T>() {
            // SAFETY: the layout says where the `T` is.
            return Some(unsafe { self.payload_at(ty.layout().payload_off as usize) });
        }
        None
    }

    /// The payload, if the object has exactly the reserved root shape `shape`, which must be that of `T`. One
    /// compare, no call.
    #[inline(always)]
    pub fn fixed<T: Payload>(&self, shape: FixedShape) -> Option<&T> {
        debug_assert!(T::class().fixed_shape == shape);
        let v = self.value();
        // SAFETY: the handle keeps the object alive; exact core types have their payload right after the header.
        unsafe {
            if v.is_ptr() && v.header().shape_id() == ShapeId::fixed(shape) { Some(self.payload_at(8)) } else { None }
        }
    }

    /// As [`Obj::downcast`], but refuses subclasses.
    #[inline]
    pub fn downcast_exact<T: Payload>(&self) -> Option<&T> {
        if self.type_of().is(T::type_object()) { self.downcast::<T>() } else { None }
    }

    #[inline(always)]
    unsafe fn payload_at<T>(&self, off: usize) -> &T {
        // SAFETY: by the caller's promise a `T` lies at this offset of the object.
        unsafe { &*((self.value().bits() as usize + off) as *const T) }
    }

    /// The type, if the object is one.
    #[inline]
    pub fn as_type(&self) -> Option<&Type> {
        if !self.is_ptr() {
            return None;
        }
        let id = self.shape_id();
        if id == TYPE || id.get().ty().payload_is::<Type>() {
            // SAFETY: metaclasses extend `type`'s layout, whose payload follows the header.
            return Some(unsafe { self.payload_at(8) });
        }
        None
    }

    /// As [`Obj::as_type`], without the borrow: the caller knows what keeps the type alive.
    pub(crate) fn as_static_type(&self) -> Option<&'static Type> {
        // SAFETY: callers keep the type alive through bases, MRO or an instance.
        self.as_type().map(|t| unsafe { &*(t as *const Type) })
    }

    /// `None`.
    #[inline(always)]
    pub fn none() -> Obj {
        crate::types::none::none()
    }

    /// `NotImplemented`.
    #[inline(always)]
    pub fn not_implemented() -> Obj {
        crate::types::none::not_implemented()
    }

    /// `Ellipsis`.
    pub fn ellipsis() -> Obj {
        crate::types::none::ellipsis()
    }

    /// `True` or `False`.
    #[inline(always)]
    pub fn from_bool(b: bool) -> Obj {
        crate::types::bool_::from_bool(b)
    }

    /// `is None`.
    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.is_exact(FixedShape::NoneType)
    }

    /// `is NotImplemented`.
    #[inline(always)]
    pub fn is_not_implemented(&self) -> bool {
        self.is_exact(FixedShape::NotImplementedType)
    }

    /// The value unless it is `None`.
    pub fn non_none(self) -> Option<Obj> {
        if self.is_none() { None } else { Some(self) }
    }

    /// `hash(id)`-like identity number: the address, or the word of a tagged value.
    pub fn id(&self) -> u64 {
        self.value().bits()
    }

    /// Whether the object opts out of reference counting. Tagged values do by nature.
    pub fn is_immortal(&self) -> bool {
        // SAFETY: the handle keeps the object alive.
        !self.is_ptr() || unsafe { self.value().header() }.is_immortal()
    }

    /// Makes the object immortal.
    pub fn immortalize(&self) {
        if self.is_ptr() {
            // SAFETY: the handle keeps the object alive.
            unsafe { self.value().header() }.immortalize();
        }
    }

    /// The number of references to the object (`u32::MAX` for immortal ones and tagged values).
    pub fn ref_count(&self) -> u32 {
        // SAFETY: the handle keeps the object alive.
        if self.is_ptr() { unsafe { self.value().header() }.ref_count() } else { u32::MAX }
    }
}

/// Drops a raw owned word; sentinels are ignored.
///
/// # Safety
/// The caller must own the reference.
pub unsafe fn drop_value(v: Value) {
    // SAFETY: by the caller's promise; `decref` ignores words that are no pointers.
    unsafe { v.decref() }
}
