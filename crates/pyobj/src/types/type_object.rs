//! The type object: layout, MRO, class attributes and slots.

use std::cell::{Cell, OnceCell, RefCell};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::slots::Slots;
use super::str::{Name, as_utf8_lossy};
use crate::cell::AttrCell;
use crate::ctx::Ctx;
use crate::heap::{Dropped, Gil, Header, PageKind, Traverse, Visitor};
use crate::native::{ClassDef, Payload, PayloadDef, pyclass};
use crate::shape::Shape;
use crate::value::{Obj, ObjCell, Value};

/// Where the parts of an instance are, in bytes from the start of the object.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Layout {
    /// The native part.
    pub payload: &'static PayloadDef,
    /// Bytes of an instance without its variable part.
    pub basic_size: u32,
    /// Where the native part starts.
    pub payload_off: u16,
    /// Where the slot words start: named `__slots__` first, then inline attribute slots.
    pub slots_off: u16,
    /// How many slot words there are in all.
    pub slot_words: u16,
    /// How many of them are named `__slots__`.
    pub named_slots: u16,
    /// Where the extension word is; zero if there is none (no `__dict__`, no weak references).
    pub ext_off: u16,
    /// The kind of page that instances live in.
    pub page_kind: PageKind,
    /// Whether instances have a `__dict__`.
    pub has_dict: bool,
    /// Whether instances can be weakly referenced.
    pub has_weakrefs: bool,
}

impl Layout {
    /// How many attribute slots are inline.
    #[inline(always)]
    pub fn inline_attrs(&self) -> u32 {
        (self.slot_words - self.named_slots) as u32
    }

    /// Where the inline attribute slots start.
    #[inline(always)]
    pub fn attrs_off(&self) -> u32 {
        self.slots_off as u32 + 8 * self.named_slots as u32
    }
}

/// Properties of a type.
#[derive(Clone, Copy, Default, Debug)]
pub struct TypeFlags {
    /// Made by a class statement or `type()`: reference counted, attributes can be set.
    pub heap: bool,
    /// Python classes may derive from it.
    pub basetype: bool,
    /// `type(x)()` is refused.
    pub no_new: bool,
    /// Attributes can't be set from Python.
    pub immutable: bool,
    /// Matches sequence patterns.
    pub sequence: bool,
    /// Matches mapping patterns.
    pub mapping: bool,
    /// A single positional class pattern matches the subject itself.
    pub match_self: bool,
    /// Has abstract methods (`__abstractmethods__` is not empty).
    pub is_abstract: bool,
    /// Binding an instance of the type only prepends the receiver (functions, native methods).
    pub method_like: bool,
    /// `int` or a subclass.
    pub int_subtype: bool,
    /// `str` or a subclass.
    pub str_subtype: bool,
    /// Items are looked up by key: `iter()` does not fall back to `__getitem__`.
    pub mapping_like: bool,
}

/// The payload of type objects.
#[pyclass(
    name = "type",
    fixed = Type,
    flags(basetype, weakref),
    doc = "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type"
)]
#[repr(C)]
pub struct Type {
    pub(crate) layout: Cell<Layout>,
    pub(crate) root_shape: Cell<Option<&'static Shape>>,
    pub(crate) dict_shape: Cell<Option<&'static Shape>>,
    /// Changes whenever an attribute look-up through this type could give something else; zero: unassigned.
    pub(crate) version: Cell<u32>,
    pub(crate) shape_count: Cell<u32>,
    /// Caches remember look-ups through this type.
    pub(crate) cached: Cell<bool>,
    /// How many more instances are made before the number of inline attribute slots is settled.
    pub(crate) slack: Cell<u8>,
    /// The most attributes that an instance had.
    pub(crate) most_attrs: Cell<u32>,
    pub(crate) finalizer: Cell<bool>,
    pub(crate) flags: Cell<TypeFlags>,
    /// The slots.
    pub slots: Slots,
    pub(crate) name: RefCell<Box<str>>,
    /// `__name__` once it was asked for: always the same object.
    pub(crate) name_obj: ObjCell,
    pub(crate) qualname: ObjCell,
    pub(crate) base: Cell<Option<&'static Type>>,
    pub(crate) bases: RefCell<Option<Obj>>,
    /// The method resolution order, this type first. Types in it are kept alive by `bases` and `mro_obj`.
    pub(crate) mro: RefCell<Vec<&'static Type>>,
    pub(crate) mro_obj: RefCell<Option<Obj>>,
    pub(crate) attrs: RefCell<IndexMap<Name, Box<AttrCell>, FxBuildHasher>>,
    /// Weak references to direct subclasses, in order of creation (the types themselves remove their entry).
    pub(crate) subclasses: RefCell<Vec<&'static Type>>,
    pub(crate) def: Option<&'static ClassDef>,
}

/// Where a native type keeps its type object.
pub struct TypeCell(Gil<OnceCell<&'static Type>>);

impl TypeCell {
    /// An empty cell.
    pub const fn new() -> TypeCell {
        TypeCell(Gil::new(OnceCell::new()))
    }

    /// The type, if it was made.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static Type> {
        self.0.get().get().copied()
    }

    pub(crate) fn set(&self, t: &'static Type) {
        let _ = self.0.get().set(t);
    }
}

impl Type {
    /// The name that messages use: `__name__`, preceded by the module for native types outside of `builtins`.
    pub fn name(&self) -> std::cell::Ref<'_, str> {
        std::cell::Ref::map(self.name.borrow(), |n| &**n)
    }

    /// `__name__`.
    pub fn short_name(&self) -> std::cell::Ref<'_, str> {
        let is_native = self.def.is_some();
        std::cell::Ref::map(self.name.borrow(), |n| match n.rfind('.') {
            Some(dot) if is_native => &n[dot + 1..],
            _ => n,
        })
    }

    /// `module.qualname`, without the module if it is `builtins` or `__main__`.
    pub fn full_name(&self) -> String {
        if self.def.is_some() {
            return self.name().to_string();
        }
        let text = |o: Option<Obj>| o.filter(|o| o.type_of().is_str_subtype()).map(|o| as_utf8_lossy(&o).into_owned());
        let qualname = text(self.qualname.get()).unwrap_or_else(|| self.name().to_string());
        match text(self.own_cell(crate::intern!("__module__")).and_then(|c| c.get())) {
            Some(m) if m != "builtins" && m != "__main__" => format!("{m}.{qualname}"),
            _ => qualname,
        }
    }

    /// The layout of instances.
    #[inline(always)]
    pub fn layout(&self) -> &Layout {
        // SAFETY: the layout changes only while no instance is being looked at (slack tracking, under the
        // lock), and `Layout` is `Copy` without interior pointers.
        unsafe { &*self.layout.as_ptr() }
    }

    /// The shape of an instance without attributes.
    #[inline(always)]
    pub fn root_shape(&self) -> &'static Shape {
        match self.root_shape.get() {
            Some(s) => s,
            None => unreachable!("types have a root shape from birth"),
        }
    }

    /// The id of the root shape.
    #[inline(always)]
    pub(crate) fn root_shape_id(&self) -> crate::shape::ShapeId {
        // SAFETY: types have a root shape from birth.
        unsafe { self.root_shape.get().unwrap_unchecked() }.id()
    }

    /// Flags.
    #[inline(always)]
    pub fn flags(&self) -> TypeFlags {
        self.flags.get()
    }

    /// Whether the type is `str` or derives from it.
    #[inline(always)]
    pub fn is_str_subtype(&self) -> bool {
        self.flags.get().str_subtype
    }

    /// Whether the type is `int` or derives from it.
    #[inline(always)]
    pub fn is_int_subtype(&self) -> bool {
        self.flags.get().int_subtype
    }

    /// Whether the type was made by Python code.
    #[inline(always)]
    pub fn is_heap_type(&self) -> bool {
        self.flags.get().heap
    }

    /// Whether instances have a `__del__`.
    #[inline(always)]
    pub fn has_finalizer(&self) -> bool {
        self.finalizer.get()
    }

    /// The native definition of a native type.
    pub fn def(&self) -> Option<&'static ClassDef> {
        self.def
    }

    /// Says which kind of patterns instances match: sequence, mapping or neither (PEP 634).
    pub fn set_collection(&self, sequence: bool, mapping: bool) {
        self.flags.set(TypeFlags { sequence, mapping, ..self.flags.get() });
    }

    /// Says that items are looked up by key, so that `iter()` does not fall back to `__getitem__`.
    pub fn set_mapping_like(&self) {
        self.flags.set(TypeFlags { mapping_like: true, ..self.flags.get() });
    }

    /// Says that a cache remembers a look-up through this type.
    #[inline(always)]
    pub fn mark_cached(&self) {
        self.cached.set(true);
    }

    /// Notes how many attributes an instance has.
    pub(crate) fn saw_attrs(&self, n: u32) {
        self.most_attrs.set(self.most_attrs.get().max(n));
    }

    /// Counts a new instance. When there were enough of them, the inline slots that none needed are given up:
    /// cells of instances made so far stay larger than they need to be.
    #[cold]
    pub(crate) fn track_slack(&self) {
        let left = self.slack.get() - 1;
        self.slack.set(left);
        let mut l = self.layout.get();
        let most = self.most_attrs.get();
        if left == 0 && l.inline_attrs() > most && !l.payload.var_sized {
            let unused = l.inline_attrs() - most;
            l.slot_words -= unused as u16;
            l.basic_size -= 8 * unused;
            self.layout.set(l);
        }
    }

    pub(crate) fn count_new_shape(&self) -> u32 {
        let n = self.shape_count.get() + 1;
        self.shape_count.set(n);
        n
    }

    /// The type object as a word.
    #[inline(always)]
    pub fn as_value(&self) -> Value {
        Value::from_ptr((self as *const Type as usize - size_of::<Header>()) as *const Header)
    }

    /// The type object.
    #[inline(always)]
    pub fn as_obj(&self) -> Obj {
        // SAFETY: `self` is borrowed from a live type object.
        unsafe { Obj::from_borrowed(self.as_value()) }
    }

    /// The classes that name this one among their bases, in order of creation.
    pub fn direct_subclasses(&self) -> Vec<Obj> {
        self.subclasses.borrow().iter().map(|t| t.as_obj()).collect()
    }

    /// The same type.
    #[inline(always)]
    pub fn is(&self, other: &Type) -> bool {
        std::ptr::eq(self, other)
    }

    /// The "best base": the one whose layout this type extends.
    pub fn base(&self) -> Option<&'static Type> {
        self.base.get()
    }

    /// Whether `self` is `other` or derives from it (by MRO; no `__subclasscheck__`).
    #[inline]
    pub fn is_subtype(&self, other: &Type) -> bool {
        self.is(other) || self.mro.borrow().iter().any(|t| t.is(other))
    }

    /// Whether instances are laid out with a `T`.
    pub fn payload_is<T: Payload>(&self) -> bool {
        let mut d = Some(self.layout().payload);
        while let Some(def) = d {
            if std::ptr::eq(def, T::DEF) {
                return true;
            }
            d = def.parent;
        }
        false
    }

    /// The attribute cell of the class itself (not its bases).
    pub fn own_cell(&self, name: Name) -> Option<&AttrCell> {
        let attrs = self.attrs.borrow();
        let cell: *const AttrCell = &**attrs.get(&name)?;
        // SAFETY: cells are boxed and live as long as the type.
        Some(unsafe { &*cell })
    }

    /// Finds an attribute along the MRO: the class that has it and its cell, which is bound.
    /// Uses the per-type method cache.
    #[inline]
    pub fn lookup(&self, name: Name) -> Option<Obj> {
        self.lookup_cell(name).and_then(|(_, c)| c.get())
    }

    /// As [`Type::lookup`], with the class and the cell.
    pub fn lookup_cell(&self, name: Name) -> Option<(&'static Type, &'static AttrCell)> {
        super::method_cache::lookup(self, name)
    }

    /// `__bases__`.
    pub fn bases_tuple(&self) -> Obj {
        self.bases.borrow().clone().unwrap_or_else(|| super::tuple::new(Vec::new()))
    }

    pub(crate) fn run_finalizer(&self, obj: &Obj) {
        let Some(f) = self.slots.finalize.get() else { return };
        let cx = Ctx::current();
        // A pending exception must survive the finaliser.
        let saved = cx.take_pending();
        if f(cx, obj).is_err() {
            self.report_finalizer(cx, obj);
        }
        if let Some(e) = saved {
            let _ = cx.set_pending(e);
        }
    }
}

impl Type {
    /// Reports the exception that a finaliser raised.
    #[cold]
    fn report_finalizer(&self, cx: &Ctx, obj: &Obj) {
        let del = self.lookup(crate::intern!("__del__")).filter(|_| self.is_heap_type());
        let Some(del) = del else { return (cx.host().unraisable)(cx, None, Some(obj)) };
        cx.report_unraisable("Exception ignored while calling deallocator", &del);
    }
}

impl Traverse for Type {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        if let Some(o) = &*self.bases.borrow() {
            visit(o.value());
        }
        if let Some(o) = &*self.mro_obj.borrow() {
            visit(o.value());
        }
        for name in [&self.qualname, &self.name_obj] {
            if let Some(n) = name.get() {
                visit(n.value());
            }
        }
        for c in self.attrs.borrow().values() {
            visit(c.value());
        }
    }

    fn clear(&self) {
        let cells = std::mem::take(&mut *self.attrs.borrow_mut());
        let mro = self.mro_obj.borrow_mut().take();
        drop((cells, mro));
    }

    fn take_references(&mut self, out: &mut Dropped) {
        let _ = out;
    }
}
