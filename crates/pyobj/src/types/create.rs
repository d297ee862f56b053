//! Making native types from their definitions.

use std::cell::{Cell, RefCell};

use super::type_object::{Layout, Type, TypeFlags};
use super::{descriptor, function, method_cache, slot_wrappers, tuple};
use crate::cell::AttrCell;
use crate::heap::{self, Gil, Header, PageKind};
use crate::intern;
use crate::native::{ClassDef, FixedShape, FnKind, NO_PAYLOAD, PayloadDef, PyClass};
use crate::shape::{Shape, ShapeId};
use crate::types::str::Name;
use crate::value::{Obj, Value};

/// Makes the type object of a native definition; its bases are made first.
#[cold]
#[inline(never)]
pub(crate) fn create_native(def: &'static ClassDef) -> &'static Type {
    create_core();
    // Making the core types may have made this one.
    if let Some(t) = def.cell.get() {
        return t;
    }
    let base = match def.base {
        Some(b) => Some(b().type_object()),
        None if std::ptr::eq(def, super::object::class_def()) => None,
        None => Some(super::object::class_def().type_object()),
    };
    // Making the base may have made this type already (`object` and `type` need each other).
    if let Some(t) = def.cell.get() {
        return t;
    }
    let ty = alloc_native(def, base);
    def.cell.set(ty);
    fill(def, ty, base);
    ty
}

/// The types that the making of any type makes instances of, bases first. All of them get their type object
/// before the first one gets attributes, since even a name dropped on the way needs the shape of `str`; the
/// singletons come in between.
fn core() -> [&'static ClassDef; 13] {
    fn def<T: PyClass>() -> &'static ClassDef {
        T::class()
    }
    [
        super::object::class_def(),
        def::<Type>(),
        def::<super::str::Str>(),
        def::<super::int::Int>(),
        def::<super::float::Float>(),
        def::<super::bool_::Bool>(),
        def::<super::none::NoneType>(),
        def::<super::none::NotImplementedType>(),
        def::<super::none::EllipsisType>(),
        def::<super::bytes::Bytes>(),
        def::<super::tuple::Tuple>(),
        def::<super::list::List>(),
        def::<super::dict::Dict>(),
    ]
}

/// Makes the core types, once per process.
pub(crate) fn create_core() {
    static DONE: Gil<Cell<bool>> = Gil::new(Cell::new(false));
    if DONE.get().replace(true) {
        return;
    }
    let base_of = |def: &'static ClassDef| match def.base {
        Some(b) => b().cell.get(),
        None => super::object::class_def().cell.get(),
    };
    let made = core().map(|def| {
        let base = base_of(def);
        let ty = alloc_native(def, base);
        def.cell.set(ty);
        (def, ty, base)
    });
    super::none::init();
    for (def, ty, base) in made {
        fill(def, ty, base);
    }
    for def in shaped() {
        def.type_object();
    }
}

/// The other types with a reserved shape that live in this crate: asking a shape for its type needs the type.
fn shaped() -> [&'static ClassDef; 24] {
    use super::{bytes, complex, iterators, memoryview, range, set, slice, static_method};
    fn def<T: PyClass>() -> &'static ClassDef {
        T::class()
    }
    [
        def::<complex::Complex>(),
        def::<bytes::ByteArray>(),
        def::<memoryview::MemoryView>(),
        def::<set::Set>(),
        def::<set::FrozenSet>(),
        def::<slice::Slice>(),
        def::<range::Range>(),
        def::<range::RangeIterator>(),
        def::<super::function::NativeFunction>(),
        def::<descriptor::MethodDescriptor>(),
        def::<super::method::BoundMethod>(),
        def::<super::module::Module>(),
        def::<super::cell::CellObject>(),
        def::<super::property::Property>(),
        def::<static_method::StaticMethod>(),
        def::<super::class_method::ClassMethod>(),
        def::<super::super_::Super>(),
        def::<super::mapping_proxy::MappingProxy>(),
        def::<iterators::Enumerate>(),
        def::<iterators::Zip>(),
        def::<iterators::Map>(),
        def::<iterators::Filter>(),
        def::<iterators::Reversed>(),
        def::<iterators::SeqIterator>(),
    ]
}

/// Phase one: a type object with layout, slots and MRO, but without attributes.
fn alloc_native(def: &'static ClassDef, base: Option<&'static Type>) -> &'static Type {
    let layout = native_layout(def, base);
    let bf = base.map(|b| b.flags()).unwrap_or_default();
    let ty = Type {
        layout: Cell::new(layout),
        root_shape: Cell::new(None),
        dict_shape: Cell::new(None),
        version: Cell::new(0),
        shape_count: Cell::new(0),
        cached: Cell::new(false),
        slack: Cell::new(0),
        most_attrs: Cell::new(0),
        finalizer: Cell::new(false),
        flags: Cell::new(TypeFlags {
            heap: false,
            basetype: def.flags.basetype,
            no_new: def.flags.no_new,
            immutable: !def.flags.mutable,
            sequence: def.flags.sequence || bf.sequence,
            mapping: def.flags.mapping || bf.mapping,
            match_self: def.flags.match_self || bf.match_self,
            is_abstract: false,
            method_like: matches!(def.fixed_shape, FixedShape::Function | FixedShape::NativeMethod)
                || def.flags.method_like,
            int_subtype: def.fixed_shape == FixedShape::Int || bf.int_subtype,
            str_subtype: def.fixed_shape == FixedShape::Str || bf.str_subtype,
            mapping_like: def.fixed_shape == FixedShape::Dict || bf.mapping_like,
        }),
        slots: Default::default(),
        name: RefCell::new(crate::native::display_name(def).into()),
        name_obj: crate::value::ObjCell::new(None),
        qualname: crate::value::ObjCell::new(None),
        base: Cell::new(base),
        bases: RefCell::new(None),
        mro: RefCell::new(Vec::new()),
        mro_obj: RefCell::new(None),
        attrs: Default::default(),
        subclasses: RefCell::new(Vec::new()),
        def: Some(def),
    };
    // SAFETY: the cell is as large as a header and a `Type`; it becomes an immortal object whose shape is
    // the reserved one of `type`, which is filled in when `type` itself is made.
    let ty: &'static Type = unsafe {
        let p = heap::alloc_cell(PageKind::Container, size_of::<Header>() + super::type_::payload_size());
        let at = (p as *mut u8).add(size_of::<Header>()) as *mut Type;
        at.write(ty);
        ((at as *mut u8).add(size_of::<Type>()) as *mut u64).write(0);
        (*p).init(1, ShapeId::fixed(FixedShape::Type));
        (*p).immortalize();
        &*at
    };
    ty.root_shape.set(Shape::new_root(ty, def.fixed_shape, false));
    if layout.has_dict {
        ty.dict_shape.set(Shape::new_root(ty, FixedShape::None, true));
    }
    (def.slots)(&ty.slots);
    if base.is_none() {
        // Whoever asks whether a type's look-ups are the usual ones compares with these.
        ty.slots.getattr.set(Some(crate::protocol::generic_get_attr));
        ty.slots.setattr.set(Some(crate::protocol::generic_set_attr));
    }
    let mut mro = vec![ty];
    if let Some(b) = base {
        // Hash and comparison are inherited together: who compares anew without hashing is unhashable.
        let keeps_hash = ty.slots.richcmp.get().is_none() || ty.slots.hash.get().is_some();
        let unhashable = !keeps_hash;
        ty.slots.inherit_unset(&b.slots);
        if unhashable {
            ty.slots.hash.set(Some(super::object::hash_not_implemented));
        }
        mro.extend(b.mro.borrow().iter().copied());
    }
    ty.finalizer.set(ty.slots.finalize.get().is_some());
    *ty.mro.borrow_mut() = mro;
    ty
}

/// The layout of instances: `header | payload | extension word | named slots | inline attributes`.
fn native_layout(def: &'static ClassDef, base: Option<&'static Type>) -> Layout {
    let bl = base.map(|b| *b.layout());
    let has_dict = def.flags.dict || bl.is_some_and(|l| l.has_dict);
    let has_weakrefs = def.flags.weakref || bl.is_some_and(|l| l.has_weakrefs);
    build_layout(def.payload, 0, 0, has_dict, has_weakrefs, false)
}

/// Computes a layout. Types of variable size keep extension word and slots before the payload.
pub(crate) fn build_layout(
    payload: &'static PayloadDef,
    named_slots: u16,
    inline_attrs: u16,
    has_dict: bool,
    has_weakrefs: bool,
    container: bool,
) -> Layout {
    let head = size_of::<Header>() as u16;
    let ext = if has_dict || has_weakrefs { 8 } else { 0 };
    let slot_words = named_slots + inline_attrs;
    let size = payload.size as u16;
    let page_kind = if container || slot_words > 0 || ext > 0 { PageKind::Container } else { payload.page_kind };
    let (payload_off, slots_off, ext_off);
    if payload.var_sized {
        ext_off = if ext > 0 { head } else { 0 };
        slots_off = head + ext;
        payload_off = slots_off + 8 * slot_words;
    } else {
        // The inline attributes come last, so that their number can shrink while instances exist.
        payload_off = head;
        ext_off = if ext > 0 { head + size } else { 0 };
        slots_off = head + size + ext;
    }
    Layout {
        payload,
        basic_size: (head + size + ext + 8 * slot_words) as u32,
        payload_off,
        slots_off,
        slot_words,
        named_slots,
        ext_off,
        page_kind,
        has_dict,
        has_weakrefs,
    }
}

/// Phase two: attributes.
fn fill(def: &'static ClassDef, ty: &'static Type, base: Option<&'static Type>) {
    let bases: Vec<Obj> = base.iter().map(|b| b.as_obj()).collect();
    *ty.bases.borrow_mut() = Some(immortal(tuple::new(bases)));
    let mro: Vec<Obj> = ty.mro.borrow().iter().map(|t| t.as_obj()).collect();
    *ty.mro_obj.borrow_mut() = Some(immortal(tuple::new(mro)));
    if let Some(b) = base {
        b.subclasses.borrow_mut().push(ty);
    }
    let own = crate::types::Slots::default();
    (def.slots)(&own);
    slot_wrappers::add_wrappers(ty, &own);
    if own.new.get().is_some() {
        set_attr(ty, intern!("__new__"), function::new_wrapper(ty));
    }
    for f in def.methods {
        let d = match f.kind {
            FnKind::Method | FnKind::Function => descriptor::method(ty, f),
            FnKind::ClassMethod => descriptor::class_method(ty, f),
            FnKind::StaticMethod => descriptor::static_method(ty, f),
        };
        set_attr(ty, Name::new(f.name), d);
    }
    if def.flags.dict {
        super::instance_dict_attr::add_dict_attr(ty);
    }
    for g in def.getset {
        set_attr(ty, Name::new(g.name), descriptor::getset(ty, g));
    }
    // A type whose instances have a `__doc__` of their own computes it.
    if !def.getset.iter().any(|g| g.name == "__doc__") {
        let doc = if def.doc.is_empty() { Obj::none() } else { Obj::from(def.doc) };
        set_attr(ty, intern!("__doc__"), doc);
    }
    if own.richcmp.get().is_some() && own.hash.get().is_none() && !ty.attrs.borrow().contains_key(&intern!("__hash__"))
    {
        set_attr(ty, intern!("__hash__"), Obj::none());
    }
    if let Some(init) = def.init {
        init(ty);
    }
}

fn immortal(o: Obj) -> Obj {
    o.immortalize();
    o
}

/// Sets an attribute of a native type while it is made.
pub fn set_attr(ty: &Type, name: Name, value: Obj) {
    value.immortalize();
    let known = ty.own_cell(name).map(|c| c.replace(Some(value.clone())));
    if known.is_none() {
        ty.attrs.borrow_mut().insert(name, Box::new(AttrCell::new(value)));
    }
    method_cache::invalidate(ty);
}

const _: () = assert!(NO_PAYLOAD.size == 0 && size_of::<Value>() == 8);

/// Gives a native type a second base, which lays out its instances as the first or a base of it does (`ExceptionGroup`
/// is the one case of the core): the MRO is merged anew. To be called while the type is made.
pub fn add_native_base(ty: &Type, second: &'static Type) {
    let Some(me) = ty.as_obj().as_static_type() else { return };
    let Some(first) = ty.base() else { return };
    *ty.bases.borrow_mut() = Some(immortal(tuple::new(vec![first.as_obj(), second.as_obj()])));
    let lists = vec![first.mro.borrow().clone(), second.mro.borrow().clone(), vec![first, second]];
    let mut order = vec![me];
    order.extend(super::mro::merge(lists).unwrap_or_default());
    let objs: Vec<Obj> = order.iter().map(|t| t.as_obj()).collect();
    *ty.mro.borrow_mut() = order;
    *ty.mro_obj.borrow_mut() = Some(immortal(tuple::new(objs)));
    second.subclasses.borrow_mut().push(me);
    method_cache::invalidate(ty);
}
