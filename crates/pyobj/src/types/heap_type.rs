//! Classes made by Python code: `type(name, bases, namespace)`.

use std::cell::{Cell, RefCell};

use super::create::build_layout;
use super::str::{Name, as_utf8_lossy};
use super::type_object::{Type, TypeFlags};
use super::{descriptor, dict, method_cache, mro, slot_wrappers, tuple};
use crate::cell::AttrCell;
use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header, PageKind};
use crate::intern;
use crate::native::{Args, FixedShape, NO_PAYLOAD, PyClass};
use crate::shape::Shape;
use crate::shape::memory::{self, Forget};
use crate::value::{Obj, ObjCell};

/// How many attribute slots a class begins with beyond those that its methods are seen to assign.
const SPARE_INLINE_ATTRS: usize = 8;
/// The most attribute slots that instances keep inline.
const MAX_INLINE_ATTRS: usize = 40;
/// After how many instances the number of inline slots is settled.
const SLACK: u8 = 8;

/// `type.__new__(meta, name, bases, namespace, **kwargs)`.
pub(crate) fn new(cx: &Ctx, meta: &Type, args: Args<'_>) -> PyResult {
    let a = args.pos();
    if a.len() != 3 {
        return Err(cx.type_error(format!("type.__new__() takes exactly 3 arguments ({} given)", a.len())));
    }
    let (name, bases, ns) = (&a[0], &a[1], &a[2]);
    let expect = |i: usize, what: &str, got: &Obj| {
        cx.type_error(format!("type.__new__() argument {i} must be {what}, not {}", got.type_of().name()))
    };
    if !name.type_of().is_str_subtype() {
        return Err(expect(1, "str", name));
    }
    let Some(base_items) = tuple::items_if_tuple(bases) else { return Err(expect(2, "tuple", bases)) };
    let items = namespace_items(cx, ns)?.ok_or_else(|| expect(3, "dict", ns))?;
    for b in base_items {
        if b.as_type().is_none() && b.get_attr_opt(cx, intern!("__mro_entries__"))?.is_some() {
            return Err(cx.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = metaclass(cx, meta, base_items)?;
    if !winner.is(meta)
        && let Some(f) = winner.slots.new.get()
        && !meta.slots.new.get().is_some_and(|g| std::ptr::fn_addr_eq(f, g))
    {
        return f(cx, winner, args);
    }
    let object = [super::object::Object::class().type_object().as_obj()];
    let base_items = if base_items.is_empty() { &object[..] } else { base_items };
    let best = best_base(cx, base_items)?;
    let text = class_name(cx, name)?;
    let plan = plan_layout(cx, best, base_items, &items, &text)?;
    let ty = allocate(cx, winner, &text, best, base_items, &plan)?;
    let obj = ty.1;
    let ty = ty.0;
    if tuple::items_if_tuple(bases).is_some_and(|b| !b.is_empty()) {
        // The very tuple that was given, which may be of a subclass.
        *ty.bases.borrow_mut() = Some(bases.clone());
    }
    if items.iter().any(|(k, _)| !k.type_of().is_str_subtype()) {
        let message = format!("non-string key in the __dict__ of class {text}");
        (cx.host().warn)(cx, super::exc::RuntimeWarning(), &message, 1)?;
    }
    fill_attributes(cx, ty, &obj, name, items, &plan)?;
    set_mro(cx, ty, &obj)?;
    for b in base_items {
        if let Some(b) = b.as_static_type() {
            b.subclasses.borrow_mut().push(ty);
        }
    }
    inherit_flags(ty);
    slot_wrappers::update_slots(ty, None);
    inherit_internal_slots(ty);
    call_set_name(cx, &obj, ns)?;
    call_init_subclass(cx, &obj, ty, args)?;
    Ok(obj)
}

/// The entries of a class namespace; a subclass of dict may have an order of its own.
fn namespace_items(cx: &Ctx, ns: &Obj) -> PyResult<Option<Vec<(Obj, Obj)>>> {
    if dict::items_if_dict(ns).is_none() || dict::Dict::is_exact(ns) {
        return Ok(dict::items_if_dict(ns));
    }
    let plain = dict::new();
    if let Some(d) = dict::as_dict(&plain) {
        dict::merge(cx, d, ns, true)?;
    }
    Ok(dict::items_if_dict(&plain))
}

/// The text of a class's name: no null character, and nothing that UTF-8 cannot hold.
pub(crate) fn class_name(cx: &Ctx, name: &Obj) -> PyResult<String> {
    check_utf8(cx, name)?;
    let text = as_utf8_lossy(name).into_owned();
    if text.contains('\0') {
        return Err(cx.value_error("type name must not contain null characters"));
    }
    Ok(text)
}

/// Refuses text with lone surrogates (UnicodeEncodeError).
fn check_utf8(cx: &Ctx, text: &Obj) -> PyResult<()> {
    if text.downcast::<super::str::Str>().is_some_and(|s| s.as_str().is_some()) {
        return Ok(());
    }
    crate::codecs::encode(cx, text, "utf-8", "strict").map(drop)
}

/// The most derived metaclass of the candidates.
pub fn metaclass(cx: &Ctx, meta: &Type, bases: &[Obj]) -> PyResult<&'static Type> {
    let mut winner = meta.as_obj().as_static_type().unwrap_or(super::type_::type_type());
    for b in bases {
        let t = b.type_of();
        if winner.is_subtype(t) {
            continue;
        }
        if t.is_subtype(winner) {
            winner = t;
            continue;
        }
        return Err(cx.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the \
             metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

/// The ancestor that introduced what instances of `t` hold beyond `__dict__` and weak references.
fn solid_base(t: &'static Type) -> &'static Type {
    let mut t = t;
    while let Some(b) = t.base() {
        let (l, bl) = (t.layout(), b.layout());
        if !std::ptr::eq(l.payload, bl.payload) && l.payload.size > 0 || l.named_slots != bl.named_slots {
            return t;
        }
        t = b;
    }
    t
}

fn best_base(cx: &Ctx, bases: &[Obj]) -> PyResult<&'static Type> {
    let mut best: Option<(&'static Type, &'static Type)> = None;
    for b in bases {
        let Some(t) = b.as_static_type() else {
            return Err(cx.type_error("bases must be types"));
        };
        if !t.flags().basetype {
            return Err(cx.type_error(format!("type '{}' is not an acceptable base type", t.name())));
        }
        let solid = solid_base(t);
        best = match best {
            None => Some((t, solid)),
            Some((bt, bs)) => {
                if bs.is_subtype(solid) {
                    Some((bt, bs))
                } else if solid.is_subtype(bs) {
                    Some((t, solid))
                } else {
                    return Err(cx.type_error("multiple bases have instance lay-out conflict"));
                }
            }
        };
    }
    match best {
        Some((t, _)) => Ok(t),
        None => Err(cx.type_error("a class needs a base")),
    }
}

struct Plan {
    slots: Vec<Name>,
    has_slots: bool,
    dict: bool,
    weakrefs: bool,
    /// How many attributes the methods of the class and its bases assign.
    assigned: usize,
}

/// Counts the names in `__static_attributes__` of a class's namespace and of its bases.
fn assigned_attrs(bases: &[Obj], ns: &[(Obj, Obj)]) -> usize {
    let name = intern!("__static_attributes__");
    let mut names: Vec<Obj> = Vec::new();
    let mut add = |t: &Obj| {
        for n in tuple::items_if_tuple(t).unwrap_or(&[]) {
            if !names.iter().any(|m| m.is(n)) {
                names.push(n.clone());
            }
        }
    };
    for (k, v) in ns {
        if k.is(name.as_obj()) {
            add(v);
        }
    }
    for b in bases.iter().filter_map(|b| b.as_type()) {
        for t in b.mro.borrow().iter() {
            if let Some(v) = t.own_cell(name).and_then(|c| c.get()) {
                add(&v);
            }
        }
    }
    names.len()
}

/// What `__slots__` asks for.
fn plan_layout(cx: &Ctx, base: &Type, bases: &[Obj], ns: &[(Obj, Obj)], class: &str) -> PyResult<Plan> {
    let bl = base.layout();
    // Classes and modules have namespaces of their own.
    let is_type = base.is_subtype(super::type_::type_type()) || base.is_subtype(super::module::Module::type_object());
    let may_dict = !bl.has_dict && !is_type;
    let may_weak = !bl.has_weakrefs;
    let declared = ns.iter().find(|(k, _)| k.type_of().is_str_subtype() && as_utf8_lossy(k) == "__slots__");
    let Some((_, declared)) = declared else {
        return Ok(Plan {
            slots: Vec::new(),
            has_slots: false,
            dict: bl.has_dict || !is_type,
            weakrefs: true,
            assigned: assigned_attrs(bases, ns),
        });
    };
    let names = if declared.type_of().is_str_subtype() { vec![declared.clone()] } else { declared.collect(cx)? };
    let (mut dict, mut weakrefs) = (bl.has_dict, bl.has_weakrefs);
    if !names.is_empty() && bl.payload.var_sized && !base.is_str_subtype() {
        return Err(cx.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", base.name())));
    }
    let mut slots = Vec::new();
    for n in &names {
        if !n.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("__slots__ items must be strings, not '{}'", n.type_of().name())));
        }
        let text = as_utf8_lossy(n);
        if n.downcast::<super::str::Str>().is_none_or(|s| !super::str::is_identifier(s)) {
            return Err(cx.type_error("__slots__ must be identifiers"));
        }
        match &*text {
            "__dict__" => {
                if !may_dict || dict {
                    return Err(cx.type_error("__dict__ slot disallowed: we already got one"));
                }
                dict = true;
            }
            "__weakref__" => {
                if !may_weak || weakrefs {
                    return Err(cx.type_error("__weakref__ slot disallowed: we already got one"));
                }
                weakrefs = true;
            }
            _ => {
                let name = Name::new(&mangle(class, &text));
                let special = ["__qualname__", "__classcell__", "__classdictcell__"].contains(&&*text);
                let clash = ns.iter().any(|(k, _)| k.type_of().is_str_subtype() && as_utf8_lossy(k) == name.as_str());
                if clash && !special {
                    return Err(
                        cx.value_error(format!("'{}' in __slots__ conflicts with class variable", name.as_str()))
                    );
                }
                if !slots.contains(&name) {
                    slots.push(name);
                }
            }
        }
    }
    slots.sort_by_key(|n| n.as_str());
    // Other bases may bring a dict or weak references of their own.
    for b in bases.iter().filter_map(|b| b.as_type()) {
        dict |= b.layout().has_dict;
        weakrefs |= b.layout().has_weakrefs;
    }
    Ok(Plan { slots, has_slots: true, dict, weakrefs, assigned: assigned_attrs(bases, ns) })
}

fn mangle(class: &str, name: &str) -> String {
    let stripped = class.trim_start_matches('_');
    if name.starts_with("__") && !name.ends_with("__") && !name.contains('.') && !stripped.is_empty() {
        return format!("_{stripped}{name}");
    }
    name.to_string()
}

fn allocate(
    cx: &Ctx,
    meta: &'static Type,
    name: &str,
    base: &'static Type,
    bases: &[Obj],
    plan: &Plan,
) -> PyResult<(&'static Type, Obj)> {
    let bl = *base.layout();
    let named = bl.named_slots as usize + plan.slots.len();
    if named > 4000 {
        return Err(cx.overflow_error("too many __slots__"));
    }
    let inline = if plan.dict { (plan.assigned + SPARE_INLINE_ATTRS).min(MAX_INLINE_ATTRS) as u16 } else { 0 };
    let layout = build_layout(bl.payload, named as u16, inline, plan.dict, plan.weakrefs, true);
    let bf = base.flags();
    let ty = Type {
        layout: Cell::new(layout),
        root_shape: Cell::new(None),
        dict_shape: Cell::new(None),
        version: Cell::new(0),
        shape_count: Cell::new(0),
        cached: Cell::new(false),
        slack: Cell::new(SLACK),
        most_attrs: Cell::new(0),
        finalizer: Cell::new(false),
        flags: Cell::new(TypeFlags {
            heap: true,
            basetype: true,
            no_new: false,
            immutable: false,
            is_abstract: false,
            method_like: false,
            ..bf
        }),
        slots: Default::default(),
        name: RefCell::new(name.into()),
        name_obj: ObjCell::new(None),
        qualname: ObjCell::new(None),
        base: Cell::new(Some(base)),
        bases: RefCell::new(Some(tuple::new(bases.to_vec()))),
        mro: RefCell::new(Vec::new()),
        mro_obj: RefCell::new(None),
        attrs: Default::default(),
        subclasses: RefCell::new(Vec::new()),
        def: None,
    };
    let obj = heap::new_instance(meta, ty);
    let Some(ty) = obj.as_static_type() else { return Err(cx.system_error("metaclass makes no types")) };
    let (Some(root), Some(dict_shape)) =
        (Shape::new_root(ty, FixedShape::None, false), Shape::new_root(ty, FixedShape::None, true))
    else {
        return Err(cx.no_memory());
    };
    ty.root_shape.set(Some(root));
    ty.dict_shape.set(Some(dict_shape));
    Ok((ty, obj))
}

fn fill_attributes(
    cx: &Ctx,
    ty: &'static Type,
    obj: &Obj,
    name: &Obj,
    items: Vec<(Obj, Obj)>,
    plan: &Plan,
) -> PyResult<()> {
    let put = |n: Name, v: Obj| {
        ty.attrs.borrow_mut().insert(n, Box::new(AttrCell::new(v)));
    };
    let mut qualname = None;
    let mut cells = Vec::new();
    for (k, v) in items {
        if !k.type_of().is_str_subtype() {
            // Keys that name nothing are dropped: a class dictionary maps names only.
            continue;
        }
        match &*as_utf8_lossy(&k) {
            "__qualname__" => {
                if !v.type_of().is_str_subtype() {
                    return Err(cx.type_error(format!("type __qualname__ must be a str, not {}", v.type_of().name())));
                }
                qualname = Some(v);
                continue;
            }
            "__doc__" if v.type_of().is_str_subtype() => {
                check_utf8(cx, &v)?;
                put(intern!("__doc__"), v);
            }
            n @ ("__classcell__" | "__classdictcell__") => {
                cells.push((n == "__classcell__", v));
                continue;
            }
            // These two are what they are even if written as plain functions.
            "__new__" if v.is_exact(FixedShape::Function) => {
                put(Name::intern_obj(&k), super::static_method::new(v));
                continue;
            }
            "__init_subclass__" | "__class_getitem__" if v.is_exact(FixedShape::Function) => {
                put(Name::intern_obj(&k), super::class_method::new(v));
                continue;
            }
            _ => put(Name::intern_obj(&k), v),
        }
    }
    ty.qualname.set(Some(qualname.unwrap_or_else(|| name.clone())));
    if ty.own_cell(intern!("__module__")).is_none()
        && let Some(g) = (cx.host().globals)(cx)
        && let Some(m) = dict::get(cx, &g, intern!("__name__").as_obj())?
    {
        put(intern!("__module__"), m);
    }
    if ty.own_cell(intern!("__doc__")).is_none() {
        put(intern!("__doc__"), Obj::none());
    }
    let first = ty.base().map_or(0, |b| b.layout().named_slots);
    for (i, n) in plan.slots.iter().enumerate() {
        put(*n, descriptor::slot_member(ty, *n, first + i as u16));
    }
    let base_has = |f: fn(&super::type_object::Layout) -> bool| ty.base().is_some_and(|b| f(b.layout()));
    let free = |n: Name| ty.own_cell(n).is_none();
    if plan.dict && !base_has(|l| l.has_dict) && (!plan.has_slots || ty.layout().has_dict) && free(intern!("__dict__"))
    {
        put(intern!("__dict__"), super::instance_dict_attr::dict_descriptor(ty));
    }
    if plan.weakrefs && !base_has(|l| l.has_weakrefs) && free(intern!("__weakref__")) {
        put(intern!("__weakref__"), super::instance_dict_attr::weakref_descriptor(ty));
    }
    for (is_class, cell) in cells {
        let Some(c) = cell.downcast::<super::cell::CellObject>() else {
            return Err(cx.type_error(format!(
                "{} must be a nonlocal cell, not {}",
                if is_class { "__classcell__" } else { "__classdictcell__" },
                cell.repr(cx).map(|r| as_utf8_lossy(&r).into_owned())?
            )));
        };
        c.set(Some(if is_class { obj.clone() } else { super::mapping_proxy::of_type(obj) }));
    }
    if ty.own_cell(intern!("__eq__")).is_some() && ty.own_cell(intern!("__hash__")).is_none() {
        put(intern!("__hash__"), Obj::none());
    }
    Ok(())
}

/// Computes and stores the MRO; a metaclass may override `mro()`.
fn set_mro(cx: &Ctx, ty: &'static Type, obj: &Obj) -> PyResult<()> {
    let meta = obj.type_of();
    let custom = meta
        .lookup(intern!("mro"))
        .zip(super::type_::type_type().lookup(intern!("mro")))
        .is_some_and(|(a, b)| !a.is(&b));
    let order = if custom {
        match obj.lookup_special(cx, intern!("mro"))? {
            Some(m) => m.call0(cx)?.collect(cx)?,
            None => Vec::new(),
        }
    } else {
        mro::compute(cx, obj, &ty.bases_tuple())?
    };
    let mut types = Vec::with_capacity(order.len());
    for o in &order {
        match o.as_static_type() {
            Some(t) => types.push(t),
            None => {
                return Err(cx.type_error(format!("mro() returned a non-class ('{}')", o.type_of().name())));
            }
        }
    }
    if custom {
        for t in &types {
            if !solid_base(ty).is_subtype(solid_base(t)) {
                return Err(cx.type_error(format!("mro() returned base with unsuitable layout ('{}')", t.name())));
            }
        }
    }
    *ty.mro.borrow_mut() = types;
    let old = ty.mro_obj.borrow_mut().replace(tuple::new(order));
    drop(old);
    method_cache::invalidate(ty);
    Ok(())
}

fn inherit_flags(ty: &'static Type) {
    let mut f = ty.flags();
    // Which kind of patterns instances match is for the first base that says so, whatever base gave the layout.
    let collection = ty.mro.borrow().iter().skip(1).map(|t| t.flags()).find(|b| b.sequence || b.mapping);
    if let Some(b) = collection {
        (f.sequence, f.mapping) = (b.sequence, b.mapping);
    }
    for t in ty.mro.borrow().iter().skip(1) {
        let b = t.flags();
        f.match_self |= b.match_self;
        f.mapping_like |= b.mapping_like;
    }
    if ty.own_cell(intern!("__abstractmethods__")).is_none() {
        f.is_abstract = false;
    }
    ty.flags.set(f);
}

/// Slots without a special method (send, buffer) come from the first class of the MRO that has them.
fn inherit_internal_slots(ty: &'static Type) {
    for t in ty.mro.borrow().iter().skip(1) {
        if t.is_heap_type() {
            continue;
        }
        if ty.slots.send.get().is_none() {
            ty.slots.send.set(t.slots.send.get());
        }
        if ty.slots.buffer.get().is_none() {
            ty.slots.buffer.set(t.slots.buffer.get());
        }
    }
}

fn call_set_name(cx: &Ctx, obj: &Obj, ns: &Obj) -> PyResult<()> {
    let Some(items) = dict::items_if_dict(ns) else { return Ok(()) };
    for (k, v) in items {
        let Some(f) = v.lookup_special(cx, intern!("__set_name__"))? else { continue };
        if let Err(r) = f.call_pos(cx, &[obj.clone(), k.clone()]) {
            let e = cx.take(r);
            let note = format!(
                "Error calling __set_name__ on '{}' instance {} in '{}'",
                v.type_of().name(),
                as_utf8_lossy(&k.repr(cx)?),
                obj.as_type().map(|t| t.name().to_string()).unwrap_or_default()
            );
            e.call_method(cx, intern!("add_note"), &[Obj::from(note.as_str())])?;
            return Err(cx.set_pending(e));
        }
    }
    Ok(())
}

fn call_init_subclass(cx: &Ctx, obj: &Obj, ty: &'static Type, args: Args<'_>) -> PyResult<()> {
    let name = intern!("__init_subclass__");
    if !ty.mro.borrow().iter().any(|t| t.is(ty)) {
        return Err(cx.type_error(format!(
            "super(type, obj): obj (type {0}) is not an instance or subtype of type ({0}).",
            ty.name()
        )));
    }
    let found = ty.mro.borrow().iter().skip(1).find_map(|t| t.own_cell(name).and_then(|c| c.get()));
    let Some(f) = found else { return Ok(()) };
    let f = match f.type_of().slots.descr_get.get() {
        Some(get) => get(cx, &f, None, Some(obj))?,
        None => f,
    };
    f.call(cx, Args::new(args.kw_values(), args.names()))?;
    Ok(())
}

/// Recomputes the slots that special method `name` feeds, here and in all subclasses.
pub(crate) fn update_slots_below(ty: &'static Type, name: &str) {
    // Look-ups depend on the slots, and those of other classes on whether the values of this one are descriptors.
    if matches!(name, "__get__" | "__set__" | "__delete__") {
        memory::forget(Forget::All);
    } else {
        method_cache::forget_type(ty);
    }
    update_slots(ty, name);
}

fn update_slots(ty: &'static Type, name: &str) {
    if ty.is_heap_type() {
        slot_wrappers::update_slots(ty, Some(name));
        inherit_internal_slots(ty);
    }
    let subs = ty.subclasses.borrow().clone();
    for s in subs {
        update_slots(s, name);
    }
}

/// `cls.__bases__ = bases`.
pub(crate) fn set_bases(cx: &Ctx, ty: &'static Type, bases: &Obj) -> PyResult<()> {
    cx.audit("object.__setattr__", || [ty.as_obj(), Obj::from("__bases__"), bases.clone()])?;
    let Some(items) = tuple::items_if_tuple(bases) else {
        return Err(cx.type_error(format!(
            "can only assign tuple to {}.__bases__, not {}",
            ty.name(),
            bases.type_of().name()
        )));
    };
    if items.is_empty() {
        return Err(cx.type_error(format!("can only assign non-empty tuple to {}.__bases__, not ()", ty.name())));
    }
    for b in items {
        let Some(t) = b.as_type() else {
            return Err(cx.type_error(format!(
                "{}.__bases__ must be tuple of classes, not '{}'",
                ty.name(),
                b.type_of().name()
            )));
        };
        // While an MRO is being made anew, only the chain of bases tells.
        let mut chain = t.base();
        while let Some(b) = chain.filter(|b| !b.is(ty)) {
            chain = b.base();
        }
        if t.is_subtype(ty) || chain.is_some() {
            return Err(cx.type_error("a __bases__ item causes an inheritance cycle"));
        }
    }
    let best = best_base(cx, items)?;
    let (new, old) = (best.layout(), ty.layout());
    let same = std::ptr::eq(new.payload, old.payload)
        && solid_base(best).is_subtype(solid_base(ty.base().unwrap_or(best)))
        && solid_base(ty.base().unwrap_or(best)).is_subtype(solid_base(best))
        && (old.has_dict || !new.has_dict);
    if !same {
        return Err(cx.type_error(format!(
            "__bases__ assignment: '{}' object layout differs from '{}'",
            best.name(),
            ty.base().map(|b| b.name().to_string()).unwrap_or_default()
        )));
    }
    let old_bases = ty.bases.borrow_mut().replace(bases.clone());
    let old_base = ty.base.replace(Some(best));
    let mut before = Vec::new();
    let result = refresh_mro(cx, ty, &mut before);
    // A custom `mro()` may have assigned other bases meanwhile; those stay, whether it returned or raised.
    let overtaken = !ty.bases.borrow().as_ref().is_some_and(|b| b.is(bases));
    if result.is_err() && !overtaken {
        for (t, mro, mro_obj) in before {
            *t.mro.borrow_mut() = mro;
            let made = std::mem::replace(&mut *t.mro_obj.borrow_mut(), mro_obj);
            drop(made);
            method_cache::invalidate(t);
        }
        *ty.bases.borrow_mut() = old_bases;
        ty.base.set(old_base);
        return result;
    }
    drop(before);
    for b in old_bases.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]) {
        if let Some(b) = b.as_type() {
            // One entry only: bases assigned meanwhile may name this one again.
            let mut subclasses = b.subclasses.borrow_mut();
            if let Some(at) = subclasses.iter().position(|s| s.is(ty)) {
                subclasses.remove(at);
            }
        }
    }
    if overtaken {
        return result;
    }
    for b in items {
        if let Some(b) = b.as_static_type() {
            b.subclasses.borrow_mut().push(ty);
        }
    }
    method_cache::invalidate(ty);
    refresh_slots(ty);
    // Whether instances are descriptors may have changed with the bases.
    memory::forget(Forget::All);
    Ok(())
}

/// What a class's MRO was before it was made anew.
type OldMro = (&'static Type, Vec<&'static Type>, Option<Obj>);

fn refresh_mro(cx: &Ctx, ty: &'static Type, before: &mut Vec<OldMro>) -> PyResult<()> {
    cx.check_stack(" in mro()")?;
    let old = (ty, ty.mro.borrow().clone(), ty.mro_obj.borrow().clone());
    set_mro(cx, ty, &ty.as_obj())?;
    before.push(old);
    let subs = ty.subclasses.borrow().clone();
    for s in subs {
        refresh_mro(cx, s, before)?;
    }
    Ok(())
}

fn refresh_slots(ty: &'static Type) {
    inherit_flags(ty);
    slot_wrappers::update_slots(ty, None);
    inherit_internal_slots(ty);
    let subs = ty.subclasses.borrow().clone();
    for s in subs {
        refresh_slots(s);
    }
}

/// Takes a dying class out of its bases' lists.
impl Drop for Type {
    fn drop(&mut self) {
        if self.cached.get() {
            memory::forget(Forget::Types(&[self as *const Type]));
        }
        let bases = self.bases.borrow_mut().take();
        for b in bases.as_ref().and_then(tuple::items_if_tuple).unwrap_or(&[]) {
            if let Some(b) = b.as_type() {
                let me: *const Type = self;
                b.subclasses.borrow_mut().retain(|s| !std::ptr::eq(*s, me));
            }
        }
    }
}

const _: () = assert!(NO_PAYLOAD.size == 0 && size_of::<Header>() == 8);
const _: PageKind = PageKind::Container;
