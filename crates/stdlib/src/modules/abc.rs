//! `_abc`: what `abc.ABCMeta` is made of.
//!
//! Each abstract base class carries an [`AbcData`] in its `_abc_impl`: the classes registered with it and two caches
//! of answers. All three hold classes weakly.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use cinder_pyobj::heap::{Traverse, new_instance};
use cinder_pyobj::native::{FixedShape, PyClass, pyclass, pymodule};
use cinder_pyobj::types::weakref::{WeakRef, new_ref};
use cinder_pyobj::types::{Type, exc, list, set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Counts registrations with any abstract base class: negative answers given before one are void.
static TOKEN: AtomicU64 = AtomicU64::new(0);

fn token() -> u64 {
    TOKEN.load(Ordering::Relaxed)
}

/// A set of classes that does not keep them alive, by address.
#[derive(Default)]
struct WeakClasses {
    entries: RefCell<HashMap<u64, Obj>>,
    /// Size at which references to classes that are gone are thrown out.
    prune_at: Cell<usize>,
}

impl WeakClasses {
    fn contains(&self, class: &Obj) -> bool {
        let entries = self.entries.borrow();
        // An entry of a dead class may stand under the address of a new one.
        let alive = entries.get(&class.value().bits()).and_then(|r| r.downcast::<WeakRef>()).and_then(WeakRef::get);
        alive.is_some_and(|c| c.is(class))
    }

    fn insert(&self, cx: &Ctx, class: &Obj) -> PyResult<()> {
        let reference = new_ref(cx, class, None)?;
        let old = self.entries.borrow_mut().insert(class.value().bits(), reference);
        drop(old);
        if self.entries.borrow().len() > self.prune_at.get().max(8) {
            let is_dead = |r: &Obj| r.downcast::<WeakRef>().is_none_or(|w| w.get().is_none());
            let dead: Vec<u64> = self.entries.borrow().iter().filter(|(_, r)| is_dead(r)).map(|(k, _)| *k).collect();
            for key in dead {
                let old = self.entries.borrow_mut().remove(&key);
                drop(old);
            }
            self.prune_at.set(2 * self.entries.borrow().len());
        }
        Ok(())
    }

    fn clear(&self) {
        let old = self.entries.take();
        drop(old);
    }

    /// The classes that are still there.
    fn alive(&self) -> Vec<Obj> {
        self.entries.borrow().values().filter_map(|r| r.downcast::<WeakRef>().and_then(WeakRef::get)).collect()
    }

    /// A set of the weak references.
    fn references(&self, cx: &Ctx) -> PyResult {
        let refs: Vec<Obj> = self.entries.borrow().values().cloned().collect();
        set::from_iterable(cx, &list::new(refs))
    }
}

/// Internal state held by ABC machinery.
#[derive(Traverse)]
#[pyclass(name = "_abc_data", module = "_abc", flags(no_new))]
pub struct AbcData {
    #[traverse(skip)]
    registry: WeakClasses,
    #[traverse(skip)]
    cache: WeakClasses,
    #[traverse(skip)]
    negative: WeakClasses,
    /// The token under which `negative` was filled.
    #[traverse(skip)]
    negative_token: Cell<u64>,
}

fn data(cx: &Ctx, class: &Obj) -> PyResult {
    let d = class.get_attr(cx, intern!("_abc_impl"))?;
    if d.downcast::<AbcData>().is_none() {
        return Err(cx.type_error("_abc_impl is set to a wrong type"));
    }
    Ok(d)
}

fn state(d: &Obj) -> &AbcData {
    match d.downcast::<AbcData>() {
        Some(s) => s,
        None => unreachable!("checked by `data`"),
    }
}

/// The names of a class body's and the bases' abstract methods that the class leaves abstract.
fn abstract_names(cx: &Ctx, class: &Obj) -> PyResult {
    let is_abstract = |value: &Obj| -> PyResult<bool> {
        match value.get_attr_opt(cx, intern!("__isabstractmethod__"))? {
            Some(flag) => flag.truthy(cx),
            None => Ok(false),
        }
    };
    let names = set::new();
    let namespace = class.get_attr(cx, intern!("__dict__"))?;
    for pair in namespace.call_method(cx, intern!("items"), &[])?.collect(cx)? {
        if let Some([name, value]) = tuple::items_if_tuple(&pair)
            && is_abstract(value)?
        {
            set::add(cx, &names, name)?;
        }
    }
    for base in class.get_attr(cx, intern!("__bases__"))?.collect(cx)? {
        let Some(inherited) = base.get_attr_opt(cx, intern!("__abstractmethods__"))? else { continue };
        for name in inherited.collect(cx)? {
            if let Some(value) = class.get_attr_obj_opt(cx, &name)?
                && is_abstract(&value)?
            {
                set::add(cx, &names, &name)?;
            }
        }
    }
    set::frozen_from_iterable(cx, &names)
}

/// `Py_TPFLAGS_SEQUENCE` and `Py_TPFLAGS_MAPPING`, the bits of `__abc_tpflags__` that classes ask for.
const SEQUENCE: i64 = 1 << 5;
const MAPPING: i64 = 1 << 6;

/// Lets classes that derive from a registered one match the patterns that the abstract base class matches.
fn spread_collection(class: &Type, sequence: bool, mapping: bool) {
    let mut work = vec![class.as_obj()];
    while let Some(o) = work.pop() {
        let Some(t) = o.as_type() else { continue };
        let f = t.flags();
        if f.immutable || !f.heap || (f.sequence, f.mapping) == (sequence, mapping) {
            continue;
        }
        t.set_collection(sequence, mapping);
        work.extend(t.direct_subclasses());
    }
}

fn subclass_check(cx: &Ctx, class: &Obj, subclass: &Obj) -> PyResult<bool> {
    if subclass.as_type().is_none() {
        return Err(cx.type_error("issubclass() arg 1 must be a class"));
    }
    let d = data(cx, class)?;
    let s = state(&d);
    if s.cache.contains(subclass) {
        return Ok(true);
    }
    if s.negative_token.get() < token() {
        s.negative.clear();
        s.negative_token.set(token());
    } else if s.negative.contains(subclass) {
        return Ok(false);
    }
    let hook = class.call_method(cx, intern!("__subclasshook__"), std::slice::from_ref(subclass))?;
    let known = if hook.is(&Obj::from_bool(true)) {
        Some(true)
    } else if hook.is(&Obj::from_bool(false)) {
        Some(false)
    } else if hook.is(&Obj::not_implemented()) {
        None
    } else {
        return Err(
            cx.raise(exc::AssertionError(), "__subclasshook__ must return either False, True, or NotImplemented")
        );
    };
    let answer = match known {
        Some(answer) => answer,
        None => derives(cx, class, subclass, s)?,
    };
    let cache = if answer { &s.cache } else { &s.negative };
    cache.insert(cx, subclass)?;
    Ok(answer)
}

/// By MRO, by a registered class, or by a subclass of the abstract base class.
fn derives(cx: &Ctx, class: &Obj, subclass: &Obj, s: &AbcData) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (subclass.as_type(), class.as_type())
        && a.is_subtype(b)
    {
        return Ok(true);
    }
    cx.check_stack(" in __subclasscheck__")?;
    if s.registry.contains(subclass) {
        return Ok(true);
    }
    for registered in s.registry.alive() {
        if subclass.is_subclass(cx, &registered)? {
            return Ok(true);
        }
    }
    let below = class.call_method(cx, intern!("__subclasses__"), &[])?;
    if !below.is_exact(FixedShape::List) {
        return Err(cx.type_error("__subclasses__() must return a list"));
    }
    for c in below.collect(cx)? {
        if subclass.is_subclass(cx, &c)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The parts of abc.ABCMeta that take time.
#[pymodule(name = "_abc")]
pub(crate) mod abc {
    use super::*;

    /// A number that changes whenever a class is registered with any ABC; caches of answers hold as long as it is the
    /// same.
    #[pyfunction(sig = "()")]
    fn get_cache_token(_cx: &Ctx) -> Obj {
        Obj::from(token())
    }

    /// Gives a new ABC its registry and caches, and finds its abstract methods.
    #[pyfunction(sig = "(cls, /)")]
    fn _abc_init(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        let names = abstract_names(cx, cls)?;
        cls.set_attr(cx, intern!("__abstractmethods__"), &names)?;
        let fresh = new_instance(
            AbcData::type_object(),
            AbcData {
                registry: WeakClasses::default(),
                cache: WeakClasses::default(),
                negative: WeakClasses::default(),
                negative_token: Cell::new(token()),
            },
        );
        cls.set_attr(cx, intern!("_abc_impl"), &fresh)?;
        let Some(ty) = cls.as_type() else { return Ok(()) };
        let name = intern!("__abc_tpflags__");
        let own = ty.own_cell(name).and_then(|c| c.get());
        if let Some(bits) = own.and_then(|f| f.value().as_int()) {
            if bits & (SEQUENCE | MAPPING) == SEQUENCE | MAPPING {
                return Err(cx.type_error("__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING"));
            }
            if bits & (SEQUENCE | MAPPING) != 0 {
                ty.set_collection(bits & SEQUENCE != 0, bits & MAPPING != 0);
            }
            cls.del_attr(cx, name)?;
        }
        Ok(())
    }

    /// What ABCMeta.register does.
    #[pyfunction(sig = "(cls, subclass, /)")]
    fn _abc_register(cx: &Ctx, cls: &Obj, subclass: &Obj) -> PyResult {
        let Some(sub) = subclass.as_type() else { return Err(cx.type_error("Can only register classes")) };
        if subclass.is_subclass(cx, cls)? {
            return Ok(subclass.clone());
        }
        if cls.is_subclass(cx, subclass)? {
            return Err(cx.raise(exc::RuntimeError(), "Refusing to create an inheritance cycle"));
        }
        let d = data(cx, cls)?;
        state(&d).registry.insert(cx, subclass)?;
        TOKEN.fetch_add(1, Ordering::Relaxed);
        if let Some(f) = cls.as_type().map(Type::flags)
            && (f.sequence || f.mapping)
        {
            spread_collection(sub, f.sequence, f.mapping);
        }
        Ok(subclass.clone())
    }

    /// What isinstance() of an ABC does.
    #[pyfunction(sig = "(cls, instance, /)")]
    fn _abc_instancecheck(cx: &Ctx, cls: &Obj, instance: &Obj) -> PyResult<bool> {
        let d = data(cx, cls)?;
        let s = state(&d);
        let class = instance.get_attr_opt(cx, intern!("__class__"))?;
        let class = class.unwrap_or_else(|| instance.type_of().as_obj());
        if s.cache.contains(&class) {
            return Ok(true);
        }
        let check = |c: &Obj| cls.call_method(cx, intern!("__subclasscheck__"), std::slice::from_ref(c))?.truthy(cx);
        let ty = instance.type_of().as_obj();
        if ty.is(&class) {
            let current = s.negative_token.get() == token();
            if current && s.negative.contains(&class) {
                return Ok(false);
            }
            return check(&class);
        }
        Ok(check(&class)? || check(&ty)?)
    }

    /// What issubclass() of an ABC does.
    #[pyfunction(sig = "(cls, subclass, /)")]
    fn _abc_subclasscheck(cx: &Ctx, cls: &Obj, subclass: &Obj) -> PyResult<bool> {
        subclass_check(cx, cls, subclass)
    }

    /// Forgets the classes registered with an ABC; for tests that look for leaks.
    #[pyfunction(sig = "(cls, /)")]
    fn _reset_registry(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        state(&data(cx, cls)?).registry.clear();
        Ok(())
    }

    /// Forgets the remembered answers of an ABC; for tests that look for leaks.
    #[pyfunction(sig = "(cls, /)")]
    fn _reset_caches(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        let d = data(cx, cls)?;
        state(&d).cache.clear();
        state(&d).negative.clear();
        Ok(())
    }

    /// For debugging: the registry of an ABC, its remembered positive and negative answers, and the version of the
    /// latter.
    ///
    /// ABC._dump_registry() shows them in a readable form.
    #[pyfunction(sig = "(cls, /)")]
    fn _get_dump(cx: &Ctx, cls: &Obj) -> PyResult {
        let d = data(cx, cls)?;
        let s = state(&d);
        Ok(tuple::new(vec![
            s.registry.references(cx)?,
            s.cache.references(cx)?,
            s.negative.references(cx)?,
            Obj::from(s.negative_token.get()),
        ]))
    }
}
