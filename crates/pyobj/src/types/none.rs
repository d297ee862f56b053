//! The singletons `None`, `NotImplemented` and `Ellipsis`.
//!
//! They and the bools are made before any type has attributes. Reading one is a load from a static.

use std::cell::Cell;

use super::Type;
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Gil, Header, PageKind, Traverse, Visitor};
use crate::intern;
use crate::native::{Args, FixedShape, pyclass, pymethods};
use crate::shape::ShapeId;
use crate::value::{Obj, Value};

/// A static that holds an immortal object.
pub(crate) struct Singleton(Gil<Cell<Value>>);

impl Singleton {
    pub(crate) const fn new() -> Singleton {
        Singleton(Gil::new(Cell::new(Value::UNBOUND)))
    }

    /// The object. The singletons exist before any other object does.
    #[inline(always)]
    pub(crate) fn get(&self) -> Obj {
        let v = self.0.get().get();
        debug_assert!(v != Value::UNBOUND, "the singletons were not made yet");
        // SAFETY: the object is immortal, so a reference need not be counted.
        unsafe { Obj::from_owned(v) }
    }

    fn is_set(&self) -> bool {
        self.0.get().get() != Value::UNBOUND
    }

    pub(crate) fn set(&self, o: Obj) {
        o.immortalize();
        self.0.get().set(o.into_value());
    }
}

static NONE: Singleton = Singleton::new();
static NOT_IMPLEMENTED: Singleton = Singleton::new();
static ELLIPSIS: Singleton = Singleton::new();

/// `None`.
#[inline(always)]
pub fn none() -> Obj {
    NONE.get()
}

/// `NotImplemented`.
#[inline(always)]
pub fn not_implemented() -> Obj {
    NOT_IMPLEMENTED.get()
}

/// `Ellipsis`.
#[inline(always)]
pub fn ellipsis() -> Obj {
    ELLIPSIS.get()
}

/// Makes the singletons (`None`, `NotImplemented`, `Ellipsis`, the bools) as soon as their shapes stand; later
/// calls do nothing.
pub(crate) fn init() {
    if NONE.is_set() {
        return;
    }
    for (cell, shape) in [
        (&NONE, FixedShape::NoneType),
        (&NOT_IMPLEMENTED, FixedShape::NotImplementedType),
        (&ELLIPSIS, FixedShape::Ellipsis),
    ] {
        cell.set(new_empty(shape));
    }
    super::bool_::init();
}

fn new_empty(shape: FixedShape) -> Obj {
    // SAFETY: the object has no payload; its cell has room for the header and a free-list link.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, 2 * size_of::<Header>());
        heap::publish(p, ShapeId::fixed(shape).get())
    }
}

/// The classes of singletons hand out the one instance and take no arguments.
fn no_arguments(cx: &Ctx, class: &str, args: Args<'_>) -> PyResult<()> {
    if args.all().is_empty() { Ok(()) } else { Err(cx.type_error(format!("{class} takes no arguments"))) }
}

macro_rules! no_references {
    ($($t:ty)*) => {$(
        impl Traverse for $t {
            const HOLDS_REFERENCES: bool = false;
            fn traverse(&self, _: &mut Visitor<'_>) {}
        }
    )*};
}
no_references!(NoneType NotImplementedType EllipsisType);

/// The class of None.
#[pyclass(name = "NoneType", fixed = NoneType)]
pub struct NoneType;

#[pymethods]
impl NoneType {
    #[pynew(sig = "()")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        no_arguments(cx, "NoneType", args)?;
        Ok(none())
    }

    fn __repr__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(intern!("None").obj())
    }

    fn __bool__(_cx: &Ctx, _this: &Obj) -> PyResult<bool> {
        Ok(false)
    }

    fn __hash__(_cx: &Ctx, _this: &Obj) -> PyResult<i64> {
        // A constant, so that it is the same in every process.
        Ok(0xfca8_6420)
    }
}

/// The class of NotImplemented.
#[pyclass(name = "NotImplementedType", fixed = NotImplementedType)]
pub struct NotImplementedType;

#[pymethods]
impl NotImplementedType {
    #[pynew(sig = "()")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        no_arguments(cx, "NotImplementedType", args)?;
        Ok(not_implemented())
    }

    fn __repr__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(intern!("NotImplemented").obj())
    }

    fn __bool__(cx: &Ctx, _this: &Obj) -> PyResult<bool> {
        Err(cx.type_error("NotImplemented should not be used in a boolean context"))
    }

    #[pymethod]
    fn __reduce__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(intern!("NotImplemented").obj())
    }
}

/// The class of Ellipsis.
#[pyclass(name = "ellipsis", fixed = Ellipsis)]
pub struct EllipsisType;

#[pymethods]
impl EllipsisType {
    #[pynew(sig = "()")]
    fn __new__(cx: &Ctx, _ty: &Type, args: Args<'_>) -> PyResult {
        no_arguments(cx, "EllipsisType", args)?;
        Ok(ellipsis())
    }

    fn __repr__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(intern!("Ellipsis").obj())
    }

    #[pymethod]
    fn __reduce__(_cx: &Ctx, _this: &Obj) -> PyResult {
        Ok(intern!("Ellipsis").obj())
    }
}
