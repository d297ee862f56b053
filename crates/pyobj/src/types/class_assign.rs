//! `x.__class__ = cls`.

use crate::ctx::{Ctx, PyResult};
use crate::shape::memory::{self, Forget};
use crate::shape::{Shape, instance};
use crate::types::{Type, dict, module};
use crate::value::{Obj, Value};

/// Whether instances of both classes are laid out alike.
fn compatible(a: &Type, b: &Type) -> bool {
    let (x, y) = (a.layout(), b.layout());
    let slots = |t: &Type| -> Vec<_> {
        let mut names = Vec::new();
        for c in t.mro.borrow().iter() {
            for (n, cell) in c.attrs.borrow().iter() {
                if cell.get().is_some_and(|d| {
                    d.downcast::<super::descriptor::MemberDescriptor>().is_some_and(|m| m.slot_offset(t).is_some())
                }) {
                    names.push(*n);
                }
            }
        }
        names
    };
    // Classes that add nothing to their base are as good as it.
    fn adding(t: &Type) -> &Type {
        let mut t = t;
        while let Some(b) = t.base().filter(|_| t.is_heap_type()) {
            let (l, bl) = (t.layout(), b.layout());
            let same =
                l.named_slots == bl.named_slots && l.has_dict == bl.has_dict && l.has_weakrefs == bl.has_weakrefs;
            if !same {
                break;
            }
            t = b;
        }
        t
    }
    let (p, q) = (adding(a), adding(b));
    let related = p.is(q) || matches!((p.base(), q.base()), (Some(p), Some(q)) if p.is(q));
    related
        && std::ptr::eq(x.payload, y.payload)
        && x.named_slots == y.named_slots
        && x.has_dict == y.has_dict
        && x.has_weakrefs == y.has_weakrefs
        && (x.named_slots == 0 || slots(a) == slots(b))
}

/// Assigns the class of an object; its attributes move to the new class's shapes.
pub(crate) fn assign_class(cx: &Ctx, this: &Obj, value: Option<&Obj>) -> PyResult<()> {
    let Some(v) = value else { return Err(cx.type_error("can't delete __class__ attribute")) };
    let Some(new) = v.as_static_type() else {
        return Err(cx.type_error(format!("__class__ must be set to a class, not '{}' object", v.type_of().name())));
    };
    cx.audit("object.__setattr__", || [this.clone(), Obj::from("__class__"), v.clone()])?;
    let old = this.type_of();
    if old.is(new) {
        return Ok(());
    }
    let modules = {
        let m = <module::Module as crate::native::PyClass>::class().type_object();
        old.is_subtype(m) && new.is_subtype(m)
    };
    if !modules && (new.flags().immutable || old.flags().immutable) {
        return Err(cx.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses"));
    }
    if !compatible(old, new) && !modules {
        return Err(cx.type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.name(),
            old.name()
        )));
    }
    let Some(p) = this.as_ptr() else { return Ok(()) };
    // Caches tell values in classes apart by whether their class makes them descriptors.
    let binds = |t: &Type| t.slots.descr_get.get().is_some() || t.slots.descr_set.get().is_some();
    if binds(old) || binds(new) || modules || this.as_type().is_some() {
        memory::forget(Forget::All);
    }
    // SAFETY: `this` keeps the object alive; the layouts agree, and both classes are kept alive by what
    // follows: the object's reference moves from the old class to the new one.
    unsafe {
        let same_inline = old.layout().inline_attrs() == new.layout().inline_attrs()
            && old.layout().basic_size == new.layout().basic_size;
        let shape = (*p).shape();
        if modules && !same_inline {
            return Err(cx.type_error(format!(
                "__class__ assignment: '{}' object layout differs from '{}'",
                new.name(),
                old.name()
            )));
        }
        // The classes learned different numbers of inline slots: the attributes move to a dict of their own.
        if !same_inline && !shape.is_dict_mode() {
            dict::enter_dict_mode(cx, this)?;
        }
        let shape = (*p).shape();
        let next: Option<&'static Shape> = if shape.is_dict_mode() {
            new.dict_shape.get()
        } else {
            let mut s = Some(new.root_shape());
            for k in shape.keys() {
                s = s.and_then(|s| s.with_attr(k));
            }
            s
        };
        let next = match next {
            Some(n) => n,
            None => {
                dict::enter_dict_mode(cx, this)?;
                match new.dict_shape.get() {
                    Some(n) => n,
                    None => return Err(cx.no_memory()),
                }
            }
        };
        if new.is_heap_type() {
            new.as_value().incref();
        }
        (*p).set_shape(next.id());
        for i in 0..next.attr_count() {
            let v = instance::get_slot(p, next, i);
            if v != Value::UNBOUND {
                next.fact_of(i).replaced(v);
            }
        }
        if old.is_heap_type() {
            old.as_value().decref();
        }
    }
    Ok(())
}
