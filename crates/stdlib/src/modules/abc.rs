//! `_abc`: the machinery of abstract base classes.
//!
//! Each class has a record under `_abc_impl`: the classes registered with it, and caches of answers, all by
//! weak reference. Registering any class anywhere makes the negative answers stale, which a counter tells.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::weakref::{self, WeakRef};
use cinder_pyobj::types::{set, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// Classes by weak reference.
#[derive(Default)]
struct WeakClasses(RefCell<HashMap<u64, Obj>>);

impl WeakClasses {
    fn has(&self, class: &Obj) -> bool {
        let m = self.0.borrow();
        let Some(r) = m.get(&class.id()) else { return false };
        referent(r).is_some_and(|c| c.is(class))
    }

    fn add(&self, cx: &Ctx, class: &Obj) -> PyResult<()> {
        let r = weakref::new_ref(cx, class, None)?;
        let old = self.0.borrow_mut().insert(class.id(), r);
        drop(old);
        Ok(())
    }

    fn drop_all(&self) {
        let old = std::mem::take(&mut *self.0.borrow_mut());
        drop(old);
    }

    fn live(&self) -> Vec<Obj> {
        let refs: Vec<Obj> = self.0.borrow().values().cloned().collect();
        refs.iter().filter_map(referent).collect()
    }

    fn refs(&self) -> Vec<Obj> {
        self.0.borrow().values().cloned().collect()
    }
}

fn referent(r: &Obj) -> Option<Obj> {
    r.downcast::<WeakRef>().and_then(WeakRef::get)
}

/// Counts registrations. Copied to the record of a class whenever its negative answers are made anew.
static GENERATION: AtomicU64 = AtomicU64::new(0);

fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// The record of an abstract base class.
#[pyclass(name = "_abc_data", module = "_abc", flags(no_new))]
pub(crate) struct AbcData {
    registry: WeakClasses,
    positive: WeakClasses,
    negative: WeakClasses,
    negative_at: Cell<u64>,
}

impl Traverse for AbcData {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        for set in [&self.registry, &self.positive, &self.negative] {
            if let Ok(m) = set.0.try_borrow() {
                for r in m.values() {
                    visit(r.value());
                }
            }
        }
    }

    fn clear(&self) {
        for set in [&self.registry, &self.positive, &self.negative] {
            set.drop_all();
        }
    }
}

/// Runs `f` with the record of a class.
fn with_data<R>(cx: &Ctx, cls: &Obj, f: impl FnOnce(&AbcData) -> PyResult<R>) -> PyResult<R> {
    let d = cls.get_attr(cx, intern!("_abc_impl"))?;
    match d.downcast::<AbcData>() {
        Some(d) => f(d),
        None => Err(cx.type_error("_abc_impl is set to a wrong type")),
    }
}

fn is_abstract(cx: &Ctx, value: &Obj) -> PyResult<bool> {
    match value.get_attr_opt(cx, intern!("__isabstractmethod__"))? {
        Some(a) => a.truthy(cx),
        None => Ok(false),
    }
}

/// Finds the abstract methods of a class that was just made.
fn compute_abstract_methods(cx: &Ctx, cls: &Obj) -> PyResult<()> {
    let abstracts = set::new();
    let items = cls.get_attr(cx, intern!("__dict__"))?.call_method(cx, intern!("items"), &[])?.collect(cx)?;
    for item in &items {
        if let Some([name, value]) = tuple::items_if_tuple(item)
            && is_abstract(cx, value)?
        {
            set::add(cx, &abstracts, name)?;
        }
    }
    let bases = cls.get_attr(cx, intern!("__bases__"))?;
    for base in tuple::items_if_tuple(&bases).unwrap_or(&[]) {
        let Some(names) = base.get_attr_opt(cx, intern!("__abstractmethods__"))? else { continue };
        for name in names.collect(cx)? {
            if let Some(value) = cls.get_attr_obj_opt(cx, &name)?
                && is_abstract(cx, &value)?
            {
                set::add(cx, &abstracts, &name)?;
            }
        }
    }
    let frozen = set::frozen_from_iterable(cx, &abstracts)?;
    cls.set_attr(cx, intern!("__abstractmethods__"), &frozen)
}

const SEQUENCE: i64 = 1 << 5;
const MAPPING: i64 = 1 << 6;

/// Gives the pattern kinds of `cls` to a registered class and those derived from it.
fn give_flags(cx: &Ctx, cls: &Obj, subclass: &Obj) -> PyResult<()> {
    let (Some(c), Some(s)) = (cls.as_type(), subclass.as_type()) else { return Ok(()) };
    let (from, to) = (c.flags(), s.flags());
    if !(from.sequence || from.mapping) || to.immutable || (to.sequence, to.mapping) == (from.sequence, from.mapping) {
        return Ok(());
    }
    s.set_collection(from.sequence, from.mapping);
    let meta = cinder_pyobj::types::type_type().as_obj();
    for d in meta.call_method(cx, intern!("__subclasses__"), std::slice::from_ref(subclass))?.collect(cx)? {
        give_flags(cx, cls, &d)?;
    }
    Ok(())
}

/// Native support of the abc module.
#[pymodule(name = "_abc")]
pub(crate) mod module {
    use super::*;

    /// Internal ABC helper for class set-up.
    #[pyfunction(name = "_abc_init", sig = "(self, /)")]
    fn abc_init(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        compute_abstract_methods(cx, cls)?;
        let data = new_instance(
            AbcData::class().type_object(),
            AbcData {
                registry: WeakClasses::default(),
                positive: WeakClasses::default(),
                negative: WeakClasses::default(),
                negative_at: Cell::new(generation()),
            },
        );
        cls.set_attr(cx, intern!("_abc_impl"), &data)?;
        let Some(ty) = cls.as_type() else { return Ok(()) };
        let Some(flags) = ty.own_cell(intern!("__abc_tpflags__")).and_then(|c| c.get()) else { return Ok(()) };
        if let Some(n) = cinder_pyobj::types::int::as_i64(&flags) {
            if n & (SEQUENCE | MAPPING) == SEQUENCE | MAPPING {
                return Err(cx.type_error(
                    "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING",
                ));
            }
            ty.set_collection(n & SEQUENCE != 0, n & MAPPING != 0);
        }
        cls.del_attr(cx, intern!("__abc_tpflags__"))
    }

    /// Internal ABC helper for subclass registration.
    #[pyfunction(name = "_abc_register", sig = "(self, subclass, /)")]
    fn abc_register(cx: &Ctx, cls: &Obj, subclass: &Obj) -> PyResult {
        if subclass.as_type().is_none() {
            return Err(cx.type_error("Can only register classes"));
        }
        if subclass.is_subclass(cx, cls)? {
            return Ok(subclass.clone());
        }
        if cls.is_subclass(cx, subclass)? {
            return Err(cx.runtime_error("Refusing to create an inheritance cycle"));
        }
        with_data(cx, cls, |d| d.registry.add(cx, subclass))?;
        GENERATION.fetch_add(1, Ordering::Relaxed);
        give_flags(cx, cls, subclass)?;
        Ok(subclass.clone())
    }

    /// Internal ABC helper for instance checks.
    #[pyfunction(name = "_abc_instancecheck", sig = "(self, instance, /)")]
    fn abc_instancecheck(cx: &Ctx, cls: &Obj, instance: &Obj) -> PyResult<bool> {
        let ty = instance.type_of().as_obj();
        let class = instance.get_attr(cx, intern!("__class__"))?;
        let known = with_data(cx, cls, |d| {
            if d.positive.has(&class) {
                return Ok(Some(true));
            }
            let same = ty.is(&class);
            Ok((same && d.negative_at.get() == generation() && d.negative.has(&class)).then_some(false))
        })?;
        if let Some(k) = known {
            return Ok(k);
        }
        let check = |c: &Obj| cls.call_method(cx, intern!("__subclasscheck__"), std::slice::from_ref(c))?.truthy(cx);
        Ok(check(&class)? || (!ty.is(&class) && check(&ty)?))
    }

    /// Internal ABC helper for subclass checks.
    #[pyfunction(name = "_abc_subclasscheck", sig = "(self, subclass, /)")]
    fn abc_subclasscheck(cx: &Ctx, cls: &Obj, subclass: &Obj) -> PyResult<bool> {
        if subclass.as_type().is_none() {
            return Err(cx.type_error("issubclass() arg 1 must be a class"));
        }
        let known = with_data(cx, cls, |d| {
            if d.positive.has(subclass) {
                return Ok(Some(true));
            }
            if d.negative_at.get() < generation() {
                d.negative.drop_all();
                d.negative_at.set(generation());
            } else if d.negative.has(subclass) {
                return Ok(Some(false));
            }
            Ok(None)
        })?;
        if let Some(k) = known {
            return Ok(k);
        }
        let remember = |yes: bool| {
            with_data(cx, cls, |d| if yes { d.positive.add(cx, subclass) } else { d.negative.add(cx, subclass) })
        };
        let hook = cls.call_method(cx, intern!("__subclasshook__"), std::slice::from_ref(subclass))?;
        if hook.is(&Obj::from_bool(true)) || hook.is(&Obj::from_bool(false)) {
            let yes = hook.is(&Obj::from_bool(true));
            remember(yes)?;
            return Ok(yes);
        }
        if !hook.is_not_implemented() {
            return Err(cx.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
        }
        if let (Some(s), Some(c)) = (subclass.as_type(), cls.as_type())
            && s.is_subtype(c)
        {
            remember(true)?;
            return Ok(true);
        }
        let registered = with_data(cx, cls, |d| {
            if d.registry.has(subclass) { Ok(vec![subclass.clone()]) } else { Ok(d.registry.live()) }
        })?;
        for r in &registered {
            if r.is(subclass) || subclass.is_subclass(cx, r)? {
                remember(true)?;
                return Ok(true);
            }
        }
        let derived = cls.call_method(cx, intern!("__subclasses__"), &[])?;
        for d in derived.collect(cx)? {
            if subclass.is_subclass(cx, &d)? {
                remember(true)?;
                return Ok(true);
            }
        }
        remember(false)?;
        Ok(false)
    }

    /// Returns the current ABC cache token: a number that changes with every register() on any ABC.
    #[pyfunction(sig = "()")]
    fn get_cache_token() -> u64 {
        generation()
    }

    /// Internal ABC helper to reset registry of a given class.
    #[pyfunction(name = "_reset_registry", sig = "(self, /)")]
    fn reset_registry(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        with_data(cx, cls, |d| {
            d.registry.drop_all();
            Ok(())
        })
    }

    /// Internal ABC helper to reset both caches of a given class.
    #[pyfunction(name = "_reset_caches", sig = "(self, /)")]
    fn reset_caches(cx: &Ctx, cls: &Obj) -> PyResult<()> {
        with_data(cx, cls, |d| {
            d.positive.drop_all();
            d.negative.drop_all();
            Ok(())
        })
    }

    /// Internal ABC helper for cache and registry debugging.
    #[pyfunction(name = "_get_dump", sig = "(self, /)")]
    fn get_dump(cx: &Ctx, cls: &Obj) -> PyResult {
        with_data(cx, cls, |d| {
            let as_set = |w: &WeakClasses| -> PyResult {
                let s = set::new();
                for r in w.refs() {
                    set::add(cx, &s, &r)?;
                }
                Ok(s)
            };
            Ok(tuple::new(vec![
                as_set(&d.registry)?,
                as_set(&d.positive)?,
                as_set(&d.negative)?,
                Obj::from(d.negative_at.get()),
            ]))
        })
    }

}
