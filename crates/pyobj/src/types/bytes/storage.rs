//! The payloads of `bytes` and `bytearray`.

use std::cell::Cell;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header, PageKind, Traverse, Visitor};
use crate::native::{FixedShape, PayloadDef, pyclass};
use crate::protocol::buffer::{ByteStore, HasByteStore, Hold};
use crate::shape::ShapeId;
use crate::types::Type;
use crate::value::{Obj, Value};

/// The payload of `bytes`: this head, then the bytes.
#[pyclass(
    name = "bytes",
    fixed = Bytes,
    payload = "var",
    payload_def = LAYOUT,
    flags(basetype, match_self),
    doc = "bytes(source=b'', encoding='utf-8', errors='strict')\n\nAn immutable sequence of bytes.\n\nMade from an iterable of ints, a string and its encoding, a bytes-like object, or a size."
)]
#[repr(C)]
pub struct Bytes {
    len: usize,
    /// The hash, `-1` before it is first asked for.
    hash: Cell<i64>,
}

static LAYOUT: PayloadDef = PayloadDef {
    name: "bytes",
    size: size_of::<Bytes>(),
    var_sized: true,
    page_kind: PageKind::Leaf,
    drop: nothing_to_drop,
    traverse: visit_nothing,
    clear: clear_nothing,
    parent: None,
};

unsafe fn nothing_to_drop(_: *mut u8) {}
unsafe fn visit_nothing(_: *const u8, _: &mut Visitor<'_>) {}
unsafe fn clear_nothing(_: *const u8) {}

impl Traverse for Bytes {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Bytes {
    /// The bytes.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: a `Bytes` exists only inside an object whose bytes follow it and never change.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1) as *const u8, self.len) }
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The hash, computed once.
    pub fn hash(&self) -> i64 {
        let h = self.hash.get();
        if h != -1 {
            return h;
        }
        let h = crate::types::str::hash_bytes(self.as_slice());
        self.hash.set(h);
        h
    }
}

struct Shared([Cell<Option<Value>>; 257]);

static SHARED: heap::Gil<Shared> = heap::Gil::new(Shared([const { Cell::new(None) }; 257]));

fn shared(i: usize) -> Obj {
    let cell = &SHARED.get().0[i];
    let v = match cell.get() {
        Some(v) => v,
        None => {
            let o = if i == 256 { alloc(&[&[]]) } else { alloc(&[&[i as u8]]) };
            o.immortalize();
            let v = o.into_value();
            cell.set(Some(v));
            v
        }
    };
    // SAFETY: shared bytes are immortal.
    unsafe { Obj::from_borrowed(v) }
}

/// An exact bytes object of the concatenated parts.
fn alloc(parts: &[&[u8]]) -> Obj {
    let len = parts.iter().map(|p| p.len()).sum();
    let at = size_of::<Header>();
    if !heap::has_room(at + size_of::<Bytes>() + len) {
        return shared(256);
    }
    // SAFETY: exact bytes are header, head and bytes; the parts fill exactly the `len` bytes.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, at + size_of::<Bytes>() + len);
        write(p, at, len, parts);
        (*p).init(1, ShapeId::fixed(FixedShape::Bytes));
        Obj::from_owned(Value::from_ptr(p))
    }
}

unsafe fn write(p: *mut Header, off: usize, len: usize, parts: &[&[u8]]) {
    // SAFETY: the caller provides a cell with room for the head at `off` and `len` bytes after it.
    unsafe {
        let head = (p as *mut u8).add(off) as *mut Bytes;
        head.write(Bytes { len, hash: Cell::new(-1) });
        let mut at = head.add(1) as *mut u8;
        for part in parts {
            std::ptr::copy_nonoverlapping(part.as_ptr(), at, part.len());
            at = at.add(part.len());
        }
    }
}

/// A bytes object.
pub fn new(b: &[u8]) -> Obj {
    match b {
        [] => shared(256),
        [c] => shared(*c as usize),
        _ => alloc(&[b]),
    }
}

/// A bytes object of two parts.
pub fn concat(a: &[u8], b: &[u8]) -> Obj {
    if a.len() + b.len() < 2 {
        return new(if a.is_empty() { b } else { a });
    }
    alloc(&[a, b])
}

/// An instance of `ty`, a subclass of `bytes`.
pub(super) fn new_subclass(ty: &Type, b: &[u8]) -> Obj {
    // SAFETY: `ty` derives from bytes, so its layout ends in a `Bytes` head followed by `extra` bytes.
    unsafe {
        let p = heap::alloc_object(ty, b.len());
        write(p, ty.layout().payload_off as usize, b.len(), &[b]);
        heap::publish(p, ty.root_shape())
    }
}

/// The payload of `bytearray`.
#[pyclass(
    name = "bytearray",
    fixed = ByteArray,
    flags(basetype, match_self),
    doc = "bytearray(source=b'', encoding='utf-8', errors='strict')\n\nA mutable sequence of bytes.\n\nMade from an iterable of ints, a string and its encoding, a bytes-like object, or a size."
)]
pub struct ByteArray {
    store: ByteStore,
}

impl Traverse for ByteArray {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl HasByteStore for ByteArray {
    fn byte_store(&self) -> &ByteStore {
        &self.store
    }
}

impl std::ops::Deref for ByteArray {
    type Target = ByteStore;
    fn deref(&self) -> &ByteStore {
        &self.store
    }
}

impl ByteArray {
    /// The bytes, where a method of the Python class hides one of the store.
    pub(crate) fn store(&self) -> &ByteStore {
        &self.store
    }
}

/// A bytearray object.
pub fn new_bytearray(v: Vec<u8>) -> Obj {
    new_bytearray_of(<ByteArray as crate::native::PyClass>::type_object(), v)
}

pub(super) fn new_bytearray_of(ty: &Type, v: Vec<u8>) -> Obj {
    heap::new_instance(ty, ByteArray { store: ByteStore::new(v) })
}

/// The two byte string classes as their shared methods see them.
pub(crate) trait ByteString {
    /// Reads the bytes; the closure must not run Python code.
    fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R;
    /// Keeps the length as it is, while Python code runs in between looks at the bytes.
    fn hold(&self) -> Option<Hold<'_>>;
    /// A new exact instance.
    fn make(b: Vec<u8>) -> Obj;
    /// The object itself where it is immutable and exact, else a copy.
    fn same(&self, o: &Obj) -> Obj;
}

impl ByteString for Bytes {
    fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self.as_slice())
    }
    fn hold(&self) -> Option<Hold<'_>> {
        None
    }
    fn make(b: Vec<u8>) -> Obj {
        new(&b)
    }
    fn same(&self, o: &Obj) -> Obj {
        if o.is_exact(FixedShape::Bytes) { o.clone() } else { new(self.as_slice()) }
    }
}

impl ByteString for ByteArray {
    fn with<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        self.store.with(f)
    }
    fn hold(&self) -> Option<Hold<'_>> {
        Some(self.store.hold())
    }
    fn make(b: Vec<u8>) -> Obj {
        new_bytearray(b)
    }
    fn same(&self, _: &Obj) -> Obj {
        new_bytearray(self.store.to_vec())
    }
}

/// A vector of `n` bytes.
///
/// # Errors
/// MemoryError.
pub(crate) fn room(cx: &Ctx, n: usize) -> PyResult<Vec<u8>> {
    let mut v = Vec::new();
    match v.try_reserve_exact(n) {
        Ok(()) => Ok(v),
        Err(_) => Err(cx.no_memory()),
    }
}
