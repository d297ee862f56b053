//! Attribute loads.

use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol;
use cinder_pyobj::types::property::Property;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{Kind, WAYS};

use super::{cell_object, cell_word, guarded, loaded, matching, name_of, overflow, quick_name, site, slot};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::function::Function;
use crate::ops::calls::{can_enter, enter_frame, push_values};
use crate::ops::{fast, fast_op};

/// Ends a load with a borrowed result.
#[inline(always)]
fn finish_load(m: M, v: Value, w: Value) -> Fast {
    if w == Value::UNBOUND {
        return Fast::Slow;
    }
    // SAFETY: slot or cell keep the value alive.
    unsafe { w.incref() };
    m.store_drop(m.a(), w, m.b(), v)
}

/// A load that the site does not know.
fn load_attr(m: M) -> PyResult<Flow> {
    let s = site(m);
    let name = name_of(m, s);
    let x = m.arg(m.b());
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_load(m.pc, s, &x, name) };
    let v = x.get_attr(m.cx(), name)?;
    drop(x);
    m.set(m.a(), v);
    Ok(Flow::NEXT)
}

/// What a look-up that ended at `target` gives for a receiver that it holds for, where that takes a call; nothing if it
/// has to be done the general way.
fn load_found(m: M, x: &Obj, kind: Kind, target: usize, name: Name) -> PyResult<Option<Loaded>> {
    let cx = m.cx();
    Ok(match kind {
        Kind::Absent => return Err(protocol::no_attribute(cx, x, name.as_obj())),
        Kind::Property => {
            let Some(d) = cell_object(target) else { return Ok(None) };
            let Some(getter) = d.fixed::<Property>(FixedShape::Property).and_then(Property::getter_fn) else {
                return Ok(None);
            };
            match push_values(m, &getter, [x], FrameKind::Call)? {
                Some(flow) => Some(Loaded::Flow(flow)),
                None => Some(Loaded::Value(getter.call_pos(cx, std::slice::from_ref(x))?)),
            }
        }
        Kind::Hook => match cell_object(target) {
            Some(hook) => push_values(m, &hook, [x, name.as_obj()], FrameKind::Call)?.map(Loaded::Flow),
            None => None,
        },
        Kind::Descr | Kind::Method | Kind::ClassMethod | Kind::StaticMethod => {
            let Some(d) = cell_object(target) else { return Ok(None) };
            let Some(get) = d.type_of().slots.descr_get.get() else { return Ok(None) };
            Some(Loaded::Value(get(cx, &d, Some(x), Some(&x.type_of().as_obj()))?))
        }
        Kind::Pinned => cell_object(target).map(Loaded::Value),
        Kind::PinnedDescr | Kind::PinnedClassMethod | Kind::PinnedStaticMethod => {
            let Some(d) = cell_object(target) else { return Ok(None) };
            let Some(get) = d.type_of().slots.descr_get.get() else { return Ok(None) };
            Some(Loaded::Value(get(cx, &d, None, Some(x))?))
        }
        _ => None,
    })
}

/// What a load gave.
enum Loaded {
    /// The value.
    Value(Obj),
    /// A frame that will give it.
    Flow(Flow),
}

/// Ends a load from `x` whose look-up is known to end this way.
fn finish_found(m: M, kind: Kind, arg: u32, target: usize) -> PyResult<Flow> {
    let name = name_of(m, site(m));
    let x = m.arg(m.b());
    // SAFETY: the guard holds.
    let v = match unsafe { loaded(x.value(), kind, arg, target) } {
        // SAFETY: slot or cell keep the value alive.
        Some(w) => unsafe { Obj::from_borrowed(w) },
        None => match load_found(m, &x, kind, target, name)? {
            Some(Loaded::Value(v)) => v,
            Some(Loaded::Flow(flow)) => return Ok(flow),
            None => x.get_attr(m.cx(), name)?,
        },
    };
    drop(x);
    m.set(m.a(), v);
    Ok(Flow::NEXT)
}

/// Ends a load by the site's only entry, which is for receivers of a shape and of this kind.
fn finish_shaped(m: M, kind: Kind) -> PyResult<Flow> {
    let e = &site(m).entry;
    if !guarded(m.peek(m.b()), e) {
        return load_attr(m);
    }
    finish_found(m, kind, e.arg.get(), e.target.get())
}

/// Enters the getter of the property in a cell.
///
/// # Safety
/// The guard must hold: the cell belongs to the receiver's class, which keeps the property alive, and that its getter.
#[inline(always)]
unsafe fn enter_getter(m: M, target: usize) -> Fast {
    // SAFETY: by the caller's promise.
    unsafe {
        let d = cell_word(target);
        if d == Value::UNBOUND {
            return Fast::Slow;
        }
        let p = fast!(Obj::borrow_from(&d).fixed::<Property>(FixedShape::Property));
        let f = fast!(p.getter_word());
        if !Function::is(f) {
            return Fast::Slow;
        }
        let function = &*Function::payload_of(f);
        let c = &*fast!(function.code_ptr());
        let first = m.frame().top;
        if c.simple_args != 1 || !c.runs || c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        f.incref();
        *first = m.owned(m.b());
        enter_frame(m, f, function, c, first, 1, FrameKind::Call, Value::UNBOUND)
    }
}

fast_op! {
    LoadAttrLook |m| fast { Fast::Slow } slow { load_attr(m) }

    LoadAttrSlot |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_load(m, v, unsafe { *slot(v, e.arg.get()) })
    } slow { load_attr(m) }

    LoadAttrOver |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_load(m, v, unsafe { *fast!(overflow(v, e.arg.get())) })
    } slow { load_attr(m) }

    LoadAttrClass |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_load(m, v, unsafe { cell_word(e.target.get()) })
    } slow { load_attr(m) }

    LoadAttrPinned |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if v.bits() != e.word() {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_load(m, v, unsafe { cell_word(e.target.get()) })
    } slow { load_attr(m) }

    LoadAttrProperty |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { enter_getter(m, e.target.get()) }
    } slow { finish_shaped(m, Kind::Property) }

    LoadAttrDescr |m| fast { Fast::Slow } slow { finish_shaped(m, Kind::Descr) }

    LoadAttrHook |m| fast { Fast::Slow } slow { finish_shaped(m, Kind::Hook) }

    LoadAttrAbsent |m| fast { Fast::Slow } slow { finish_shaped(m, Kind::Absent) }

    LoadAttrPinnedDescr |m| fast { Fast::Slow } slow {
        let e = &site(m).entry;
        if m.peek(m.b()).bits() != e.word() {
            return load_attr(m);
        }
        finish_found(m, Kind::PinnedDescr, 0, e.target.get())
    }

    LoadAttrPoly |m| fast {
        let v = m.peek(m.b());
        let more = fast!(site(m).more());
        if !v.is_ptr() {
            return Fast::Slow;
        }
        // SAFETY: the operand is alive.
        let shape = unsafe { v.header() }.shape_id().as_u32();
        let n = more.len.get() as usize;
        let mut i = 0;
        while i < n && i < WAYS {
            let e = &more.entries[i];
            let kind = more.kinds[i].get();
            if e.guard.get() == shape && !kind.is_pinned() {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                // SAFETY: the guard holds.
                unsafe {
                    if kind == Kind::Property {
                        return enter_getter(m, e.target.get());
                    }
                    return finish_load(m, v, fast!(loaded(v, kind, e.arg.get(), e.target.get())));
                }
            }
            if e.word() == v.bits() && kind == Kind::Pinned {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                // SAFETY: the guard holds.
                return finish_load(m, v, unsafe { cell_word(e.target.get()) });
            }
            i += 1;
        }
        Fast::Slow
    } slow {
        match site(m).more().and_then(|more| matching(m.peek_obj(m.b()), more)) {
            Some((kind, arg, target)) => finish_found(m, kind, arg, target),
            None => load_attr(m),
        }
    }

    LoadAttrMega |m| fast {
        let v = m.peek(m.b());
        if !v.is_ptr() {
            return Fast::Slow;
        }
        // SAFETY: the operand is alive, and the shape matches.
        unsafe {
            let f = fast!(cinder_shadow::global_known(v.header().shape_id().as_u32(), fast!(quick_name(m))));
            finish_load(m, v, fast!(loaded(v, f.kind(), f.arg, f.target)))
        }
    } slow {
        let name = name_of(m, site(m));
        match cinder_shadow::global_load(m.peek_obj(m.b()), name) {
            Some(f) => finish_found(m, f.kind(), f.arg, f.target),
            None => {
                let x = m.arg(m.b());
                let v = x.get_attr(m.cx(), name)?;
                drop(x);
                m.set(m.a(), v);
                Ok(Flow::NEXT)
            }
        }
    }
}
