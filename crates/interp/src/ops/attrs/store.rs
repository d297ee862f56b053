//! Attribute stores and deletions.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::shape::ShapeId;
use cinder_pyobj::shape::fact::Fact;
use cinder_pyobj::types::property::Property;
use cinder_pyobj::{PyResult, Value};
use cinder_shadow::{Kind, WAYS};

use super::{cell_object, guarded, matching, name_of, overflow, quick_name, replace_word, site, slot};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::ops::calls::push_values;
use crate::ops::{fast, fast_op};

fn store_attr(m: M) -> PyResult<Flow> {
    let s = site(m);
    let name = name_of(m, s);
    let (x, v) = (m.arg(m.a()), m.arg(m.b()));
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_store(m.pc, s, &x, name) };
    x.set_attr(m.cx(), name, &v)?;
    drop(v);
    drop(x);
    Ok(Flow::NEXT)
}

/// Stores operand `value` over the word in a slot; the old word and the receiver (operand `a`) are dropped
/// afterwards.
///
/// # Safety
/// The slot must belong to the receiver `x`.
#[inline(always)]
pub(in crate::ops) unsafe fn store_slot(m: M, p: *mut Value, x: Value, value: i16) -> Fast {
    // SAFETY: passed on from the caller.
    unsafe { replace_word(m, p, m.owned(value), x) }
}

/// Stores into a receiver that an entry of this kind is for.
///
/// # Safety
/// The guard must hold.
#[inline(always)]
unsafe fn store_known(m: M, x: Value, kind: Kind, arg: u32, target: usize) -> Fast {
    // SAFETY: the guard holds; the slot of an attribute that the shape does not have is unset.
    unsafe {
        match kind {
            Kind::Slot => {
                if !(*(target as *const Fact)).tells_replacing(m.peek(m.b())) {
                    return Fast::Slow;
                }
                store_slot(m, slot(x, arg), x, m.b())
            }
            Kind::Over => {
                let p = fast!(overflow(x, arg));
                if !(*(target as *const Fact)).tells_replacing(m.peek(m.b())) {
                    return Fast::Slow;
                }
                store_slot(m, p, x, m.b())
            }
            Kind::Grow => {
                let v = m.owned(m.b());
                *slot(x, target as u32) = v;
                ShapeId::from_u32(arg).get().last_fact().stored(v);
                x.header().grow_to(arg);
                m.consumed(m.a(), x, m.ahead(1))
            }
            Kind::GrowOver => {
                let p = fast!(overflow(x, target as u32));
                let v = m.owned(m.b());
                *p = v;
                ShapeId::from_u32(arg).get().last_fact().stored(v);
                x.header().grow_to(arg);
                m.consumed(m.a(), x, m.ahead(1))
            }
            _ => Fast::Slow,
        }
    }
}

/// Stores into a receiver whose class has a property or another descriptor of the name in the cell `target`.
fn store_found(m: M, kind: Kind, target: usize) -> PyResult<Flow> {
    let name = name_of(m, site(m));
    let (x, v) = (m.arg(m.a()), m.arg(m.b()));
    let d = if matches!(kind, Kind::SetProperty | Kind::SetDescr) { cell_object(target) } else { None };
    if let Some(d) = &d {
        if let Some(set) = d.fixed::<Property>(FixedShape::Property).and_then(Property::setter_fn)
            && let Some(flow) = push_values(m, &set, [&x, &v], FrameKind::Discard)?
        {
            return Ok(flow);
        }
        if let Some(set) = d.type_of().slots.descr_set.get() {
            set(m.cx(), d, &x, Some(&v))?;
            drop(v);
            drop(x);
            return Ok(Flow::NEXT);
        }
    }
    x.set_attr(m.cx(), name, &v)?;
    drop(v);
    drop(x);
    Ok(Flow::NEXT)
}

/// As [`store_found`], by the site's only entry.
fn store_shaped(m: M, kind: Kind) -> PyResult<Flow> {
    let e = &site(m).entry;
    if guarded(m.peek(m.a()), e) { store_found(m, kind, e.target.get()) } else { store_attr(m) }
}

/// A deletion that the site does not know.
fn delete_attr(m: M) -> PyResult<Flow> {
    let s = site(m);
    let name = name_of(m, s);
    let x = m.arg(m.a());
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_delete(m.pc, s, &x, name) };
    x.del_attr(m.cx(), name)?;
    drop(x);
    Ok(Flow::NEXT)
}

/// Takes away the attribute that was added last, whose value is at `p`: the object moves back to shape `to`.
///
/// # Safety
/// The place must be that of the last attribute of `x`, and `to` the shape before.
#[inline(always)]
unsafe fn shrink(m: M, x: Value, p: *mut Value, to: u32) -> Fast {
    // SAFETY: by the caller's promise.
    unsafe {
        if *p == Value::UNBOUND {
            return Fast::Slow;
        }
        x.header().shape_id().get().last_fact().removed();
        x.header().grow_to(to);
        replace_word(m, p, Value::UNBOUND, x)
    }
}

fast_op! {
    StoreAttrLook |m| fast { Fast::Slow } slow { store_attr(m) }

    StoreAttrSlot |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_known(m, x, Kind::Slot, e.arg.get(), e.target.get()) }
    } slow { store_shaped(m, Kind::Slot) }

    StoreAttrOver |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_known(m, x, Kind::Over, e.arg.get(), e.target.get()) }
    } slow { store_shaped(m, Kind::Over) }

    StoreAttrGrow |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_known(m, x, Kind::Grow, e.arg.get(), e.target.get()) }
    } slow { store_attr(m) }

    StoreAttrGrowOver |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_known(m, x, Kind::GrowOver, e.arg.get(), e.target.get()) }
    } slow { store_shaped(m, Kind::GrowOver) }

    StoreAttrProperty |m| fast { Fast::Slow } slow { store_shaped(m, Kind::SetProperty) }

    StoreAttrDescr |m| fast { Fast::Slow } slow { store_shaped(m, Kind::SetDescr) }

    StoreAttrPoly |m| fast {
        let x = m.peek(m.a());
        let more = fast!(site(m).more());
        let n = more.len.get() as usize;
        let mut i = 0;
        while i < n && i < WAYS {
            let e = &more.entries[i];
            if guarded(x, e) {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                // SAFETY: the guard holds.
                return unsafe { store_known(m, x, more.kinds[i].get(), e.arg.get(), e.target.get()) };
            }
            i += 1;
        }
        Fast::Slow
    } slow {
        match site(m).more().and_then(|more| matching(m.peek_obj(m.a()), more)) {
            Some((kind, _, target)) => store_found(m, kind, target),
            None => store_attr(m),
        }
    }

    StoreAttrMega |m| fast {
        let x = m.peek(m.a());
        if !x.is_ptr() {
            return Fast::Slow;
        }
        // SAFETY: the operand is alive, and the shape matches.
        unsafe {
            let f = fast!(cinder_shadow::global_known_store(x.header().shape_id().as_u32(), fast!(quick_name(m))));
            store_known(m, x, f.kind(), f.arg, f.target)
        }
    } slow {
        match cinder_shadow::global_store(m.peek_obj(m.a()), name_of(m, site(m))) {
            Some(f) => store_found(m, f.kind(), f.target),
            None => store_found(m, Kind::None, 0),
        }
    }

    DelAttrLook |m| fast { Fast::Slow } slow { delete_attr(m) }

    DelAttrShrink |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { shrink(m, x, slot(x, e.target.get() as u32), e.arg.get()) }
    } slow { delete_attr(m) }

    DelAttrShrinkOver |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { shrink(m, x, fast!(overflow(x, e.target.get() as u32)), e.arg.get()) }
    } slow { delete_attr(m) }

    DelAttrDescr |m| fast { Fast::Slow } slow {
        let e = &site(m).entry;
        if !guarded(m.peek(m.a()), e) {
            return delete_attr(m);
        }
        let Some(d) = cell_object(e.target.get()) else { return delete_attr(m) };
        let Some(set) = d.type_of().slots.descr_set.get() else { return delete_attr(m) };
        let x = m.arg(m.a());
        if let Some(delete) = d.fixed::<Property>(FixedShape::Property).and_then(Property::deleter_fn)
            && let Some(flow) = push_values(m, &delete, [&x], FrameKind::Discard)?
        {
            return Ok(flow);
        }
        set(m.cx(), &d, &x, None)?;
        drop(x);
        Ok(Flow::NEXT)
    }
}
