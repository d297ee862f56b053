//! `tuple`: immutable sequences with the items in the object itself.

mod iter;
mod methods;

use std::cell::Cell;

use crate::native::pyclass;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Gil, PageKind, Traverse, Visitor};
use crate::native::{FixedShape, PayloadDef};
use crate::types::Type;
use crate::value::{Obj, Value};

pub use iter::TupleIterator;

/// An immutable sequence of any objects.
///
/// Made empty, or of the items of an iterable; a tuple is taken as it is.
#[pyclass(name = "tuple", fixed = Tuple, payload = "var", payload_def = TUPLE_DEF, flags(basetype, sequence, match_self),
    sig = "(iterable=(), /)")]
#[repr(C)]
pub struct Tuple {
    len: usize,
    /// The hash once it was asked for, else -1, which is no hash.
    hash: Cell<i64>,
    items: [Value; 0],
}

/// The layout of tuples: length and hash, then the items.
pub static TUPLE_DEF: PayloadDef = PayloadDef {
    name: "tuple",
    size: size_of::<Tuple>(),
    var_sized: true,
    page_kind: PageKind::Container,
    drop: drop_items,
    traverse: traverse_items,
    clear: clear_nothing,
    parent: None,
};

unsafe fn drop_items(p: *mut u8) {
    // SAFETY: called once on the payload of a dead tuple, which owns its items.
    unsafe {
        let t = &*(p as *const Tuple);
        // CPython's order: the last item goes first.
        for v in t.values().iter().rev() {
            v.decref();
        }
    }
}

unsafe fn traverse_items(p: *const u8, visit: &mut Visitor<'_>) {
    // SAFETY: called on the payload of a live tuple.
    unsafe { (*(p as *const Tuple)).traverse(visit) }
}

/// Tuples can't change, not even to break a cycle: its other members do that.
unsafe fn clear_nothing(_: *const u8) {}

impl Traverse for Tuple {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for v in self.values() {
            visit(*v);
        }
    }
}

static EMPTY: Gil<Cell<Option<Value>>> = Gil::new(Cell::new(None));

/// The empty tuple.
pub fn empty() -> Obj {
    if let Some(v) = EMPTY.get().get() {
        // SAFETY: it is immortal.
        return unsafe { Obj::from_borrowed(v) };
    }
    let o = alloc(Tuple::type_object_of(), 0, |_| Value::UNBOUND);
    o.immortalize();
    EMPTY.get().set(Some(o.value()));
    o
}

/// The word of the empty tuple, once there is one. It is immortal.
#[inline(always)]
pub fn empty_word() -> Option<Value> {
    EMPTY.get().get()
}

/// A tuple of these items.
pub fn new(items: Vec<Obj>) -> Obj {
    if items.is_empty() {
        return empty();
    }
    let items = crate::types::seqops::into_values(items);
    alloc(Tuple::type_object_of(), items.len(), |i| items[i])
}

/// A tuple of copies of these items.
pub fn from_slice(items: &[Obj]) -> Obj {
    if items.is_empty() {
        return empty();
    }
    alloc(Tuple::type_object_of(), items.len(), |i| items[i].clone().into_value())
}

/// A tuple of copies of these borrowed words.
///
/// # Safety
/// The words must be live values.
pub unsafe fn from_values(items: &[Value]) -> Obj {
    if items.is_empty() {
        return empty();
    }
    alloc(Tuple::type_object_of(), items.len(), |i| {
        // SAFETY: by the caller's promise.
        unsafe { items[i].incref() };
        items[i]
    })
}

/// `x[start:stop]` of an exact tuple for bounds that are None or small ints, given as words; nothing otherwise.
pub fn quick_slice(x: &Obj, start: Value, stop: Value, step: Value) -> Option<Obj> {
    let items = x.fixed::<Tuple>(FixedShape::Tuple)?.values();
    let b = crate::types::seqops::plain_bounds(items.len(), start, stop, step)?;
    if b.step != 1 {
        return None;
    }
    if b.count == items.len() {
        return Some(x.clone());
    }
    // SAFETY: the tuple keeps its items alive.
    Some(unsafe { from_values(&items[b.start as usize..][..b.count]) })
}

/// A tuple that takes over these words.
///
/// # Safety
/// The caller must own the references and give them up.
#[inline]
pub unsafe fn from_owned_words(items: &[Value]) -> Obj {
    if items.is_empty() {
        return empty();
    }
    alloc(Tuple::type_object_of(), items.len(), |i| items[i])
}

/// A tuple of `n` items that `item` gives by their position. It runs no Python code.
#[inline]
pub fn from_fn(n: usize, item: impl Fn(usize) -> Obj) -> Obj {
    if n == 0 {
        return empty();
    }
    alloc(Tuple::type_object_of(), n, |i| item(i).into_value())
}

/// `(a, b)`.
#[inline]
pub fn pair(a: Obj, b: Obj) -> Obj {
    let items = [a.into_value(), b.into_value()];
    alloc(Tuple::type_object_of(), 2, |i| items[i])
}

/// A tuple, or an instance of a subclass, of these items.
pub fn new_of(ty: &Type, items: Vec<Obj>) -> Obj {
    if ty.is(Tuple::type_object_of()) {
        return new(items);
    }
    let items = crate::types::seqops::into_values(items);
    alloc(ty, items.len(), |i| items[i])
}

/// Makes sure that a tuple of `n` items can exist before it is filled.
pub(crate) fn check_size(cx: &Ctx, n: usize) -> PyResult<()> {
    if n > 1 << 16 {
        drop(crate::types::seqops::vec_for::<u64>(cx, n)?);
    }
    Ok(())
}

/// `item` gives owned words and runs no Python code.
#[inline(always)]
fn alloc(ty: &Type, n: usize, item: impl Fn(usize) -> Value) -> Obj {
    if ty.is(Tuple::type_object_of()) {
        // SAFETY: exact tuples are a header, the head and the items; all of it is written before publishing.
        return unsafe {
            let p = heap::alloc_cell(PageKind::Container, 8 + size_of::<Tuple>() + n * 8);
            let t = (p as *mut u8).add(8) as *mut Tuple;
            write_head(t as *mut u8, n);
            let items = t.add(1) as *mut Value;
            for i in 0..n {
                items.add(i).write(item(i));
            }
            heap::publish_fixed(p, FixedShape::Tuple)
        };
    }
    // SAFETY: the cell has room for `n` items after the fixed part; everything is written before publishing.
    unsafe {
        let p = heap::alloc_object(ty, n * 8);
        let t = (p as *mut u8).add(ty.layout().payload_off as usize) as *mut Tuple;
        write_head(t as *mut u8, n);
        let items = t.add(1) as *mut Value;
        for i in 0..n {
            items.add(i).write(item(i));
        }
        heap::publish(p, ty.root_shape())
    }
}

/// Writes what stands before the items of a new tuple.
///
/// # Safety
/// `at` must be where the payload of a fresh cell begins.
#[inline(always)]
pub(crate) unsafe fn write_head(at: *mut u8, len: usize) {
    // SAFETY: by the caller's promise.
    unsafe { (at as *mut Tuple).write(Tuple { len, hash: Cell::new(-1), items: [] }) }
}

/// The items, if the object is a tuple or an instance of a subclass.
#[inline]
pub fn items_if_tuple(o: &Obj) -> Option<&[Obj]> {
    o.downcast::<Tuple>().map(Tuple::as_slice)
}

/// The items, if the object is exactly a tuple.
#[inline]
pub fn items_if_exact_tuple(o: &Obj) -> Option<&[Obj]> {
    if o.is_exact(FixedShape::Tuple) { items_if_tuple(o) } else { None }
}

impl Tuple {
    fn type_object_of() -> &'static Type {
        use crate::native::PyClass;
        Tuple::type_object()
    }

    /// The number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The hash if it is known, else -1.
    #[inline(always)]
    pub(crate) fn known_hash(&self) -> i64 {
        self.hash.get()
    }

    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Obj] {
        // SAFETY: the items follow the fixed part and live as long as the tuple.
        unsafe { Obj::slice_from(self.items.as_ptr(), self.len) }
    }

    /// The items as borrowed words.
    #[inline(always)]
    pub fn values(&self) -> &[Value] {
        // SAFETY: as in `as_slice`.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr(), self.len) }
    }
}
