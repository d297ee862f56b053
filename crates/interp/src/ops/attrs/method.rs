//! Look-ups of methods that are called next.

use cinder_pyobj::protocol::{self, Method};
use cinder_pyobj::types::class_method::ClassMethod;
use cinder_pyobj::types::static_method::StaticMethod;
use cinder_pyobj::{PyResult, Value};
use cinder_shadow::{Kind, WAYS};

use super::{cell_object, cell_word, guarded, loaded, matching, name_of, quick_name, site, slot};
use crate::machine::{Fast, Flow, M};
use crate::ops::items::{load_special, put_method, special_name};
use crate::ops::{fast, fast_op};

fn load_method(m: M) -> PyResult<Flow> {
    let s = site(m);
    let name = name_of(m, s);
    let x = m.arg(m.b()).into_obj();
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_method(m.pc, s, &x, name) };
    let found = protocol::get_method(m.cx(), &x, name)?;
    put_method(m, m.a(), found, x);
    Ok(Flow::NEXT)
}

/// The look-up of a context manager's method that the site does not know.
fn special_look(m: M) -> PyResult<Flow> {
    let s = site(m);
    let method = s.original().c();
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_special(m.pc, s, m.peek_obj(m.b()), special_name(method)) };
    load_special(m, method)
}

/// Puts a method and its receiver into the window.
#[inline(always)]
fn finish_method(m: M, f: Value) -> Fast {
    if f == Value::UNBOUND {
        return Fast::Slow;
    }
    // SAFETY: the class's cell keeps the function alive.
    unsafe { f.incref() };
    let this = m.owned(m.b());
    m.put_word(m.a(), f);
    m.put_word(m.a() + 1, this);
    Fast::Next
}

/// Puts a callable that takes no receiver into the window.
#[inline(always)]
fn finish_plain(m: M, v: Value, f: Value) -> Fast {
    if f == Value::UNBOUND {
        return Fast::Slow;
    }
    // SAFETY: slot or cell keep the callable alive.
    unsafe { f.incref() };
    m.put_word(m.a() + 1, Value::UNBOUND);
    m.store_drop(m.a(), f, m.b(), v)
}

/// The callable of the class method in a cell.
///
/// # Safety
/// The cell must hold an exact classmethod, if anything.
#[inline(always)]
pub(super) unsafe fn class_method_word(target: usize) -> Option<Value> {
    // SAFETY: by the caller's promise; the payload follows the header.
    unsafe {
        let d = cell_word(target);
        if d == Value::UNBOUND { None } else { (*((d.bits() + 8) as *const ClassMethod)).callable_word() }
    }
}

/// As [`class_method_word`], for a static method.
///
/// # Safety
/// The cell must hold an exact staticmethod, if anything.
#[inline(always)]
pub(super) unsafe fn static_method_word(target: usize) -> Option<Value> {
    // SAFETY: by the caller's promise; the payload follows the header.
    unsafe {
        let d = cell_word(target);
        if d == Value::UNBOUND { None } else { (*((d.bits() + 8) as *const StaticMethod)).callable_word() }
    }
}

/// Puts a callable and the class that it is bound to into the window; `v` is the operand's word.
#[inline(always)]
fn finish_bound(m: M, v: Value, f: Value, cls: Value) -> Fast {
    // SAFETY: the class keeps its method alive, and the operand its class.
    unsafe {
        f.incref();
        cls.incref();
    }
    m.put_word(m.a() + 1, cls);
    m.store_drop(m.a(), f, m.b(), v)
}

/// Puts the method that a look-up of this kind found into the window.
///
/// # Safety
/// The look-up must hold for the receiver `v`.
#[inline(always)]
unsafe fn method_known(m: M, v: Value, kind: Kind, arg: u32, target: usize) -> Fast {
    // SAFETY: by the caller's promise.
    unsafe {
        match kind {
            Kind::Method => finish_method(m, cell_word(target)),
            Kind::ClassMethod => {
                let f = fast!(class_method_word(target));
                finish_bound(m, v, f, m.peek_obj(m.b()).type_of().as_value())
            }
            Kind::StaticMethod => finish_plain(m, v, fast!(static_method_word(target))),
            kind => finish_plain(m, v, fast!(loaded(v, kind, arg, target))),
        }
    }
}

/// As [`method_known`], in general.
fn method_found(m: M, kind: Kind, target: usize) -> PyResult<Flow> {
    let name = name_of(m, site(m));
    let cx = m.cx();
    let x = m.arg(m.b()).into_obj();
    let found = match kind {
        Kind::Absent => return Err(protocol::no_attribute(cx, &x, name.as_obj())),
        Kind::Pinned => cell_object(target).map(Method::Bound),
        Kind::Descr | Kind::PinnedDescr | Kind::PinnedClassMethod | Kind::PinnedStaticMethod => {
            let d = cell_object(target);
            match d.as_ref().and_then(|d| Some((d, d.type_of().slots.descr_get.get()?))) {
                Some((d, get)) if kind == Kind::Descr => {
                    Some(Method::Bound(get(cx, d, Some(&x), Some(&x.type_of().as_obj()))?))
                }
                Some((d, get)) => Some(Method::Bound(get(cx, d, None, Some(&x))?)),
                None => None,
            }
        }
        _ => None,
    };
    let found = match found {
        Some(f) => f,
        None => protocol::get_method(cx, &x, name)?,
    };
    put_method(m, m.a(), found, x);
    Ok(Flow::NEXT)
}

fast_op! {
    LoadMethodLook |m| fast { Fast::Slow } slow { load_method(m) }

    LoadMethodClass |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_method(m, unsafe { cell_word(e.target.get()) })
    } slow { load_method(m) }

    LoadSpecialLook |m| fast { Fast::Slow } slow { special_look(m) }

    LoadSpecialClass |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_method(m, unsafe { cell_word(e.target.get()) })
    } slow { special_look(m) }

    LoadMethodPinned |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if v.bits() != e.word() {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_plain(m, v, unsafe { cell_word(e.target.get()) })
    } slow { load_method(m) }

    LoadMethodOfClass |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds, and the cell's value is forgotten when its type changes.
        let f = unsafe { fast!(class_method_word(e.target.get())) };
        finish_bound(m, v, f, m.peek_obj(m.b()).type_of().as_value())
    } slow { load_method(m) }

    LoadMethodStatic |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: as above.
        finish_plain(m, v, unsafe { fast!(static_method_word(e.target.get())) })
    } slow { load_method(m) }

    LoadMethodPinnedOfClass |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if v.bits() != e.word() {
            return Fast::Slow;
        }
        // SAFETY: as above.
        let f = unsafe { fast!(class_method_word(e.target.get())) };
        finish_bound(m, v, f, v)
    } slow { load_method(m) }

    LoadMethodPinnedStatic |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if v.bits() != e.word() {
            return Fast::Slow;
        }
        // SAFETY: as above.
        finish_plain(m, v, unsafe { fast!(static_method_word(e.target.get())) })
    } slow { load_method(m) }

    LoadMethodSlot |m| fast {
        let (v, e) = (m.peek(m.b()), &site(m).entry);
        if !guarded(v, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        finish_plain(m, v, unsafe { *slot(v, e.arg.get()) })
    } slow { load_method(m) }

    LoadMethodPoly |m| fast {
        let v = m.peek(m.b());
        let more = fast!(site(m).more());
        let n = more.len.get() as usize;
        let mut i = 0;
        while i < n && i < WAYS {
            let e = &more.entries[i];
            if guarded(v, e) {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                // SAFETY: the guard holds.
                return unsafe { method_known(m, v, more.kinds[i].get(), e.arg.get(), e.target.get()) };
            }
            i += 1;
        }
        Fast::Slow
    } slow {
        match site(m).more().and_then(|more| matching(m.peek_obj(m.b()), more)) {
            Some((kind, _, target)) => method_found(m, kind, target),
            None => load_method(m),
        }
    }

    LoadMethodMega |m| fast {
        let v = m.peek(m.b());
        if !v.is_ptr() {
            return Fast::Slow;
        }
        // SAFETY: the operand is alive, and the shape matches.
        unsafe {
            let f = fast!(cinder_shadow::global_known(v.header().shape_id().as_u32(), fast!(quick_name(m))));
            method_known(m, v, f.kind(), f.arg, f.target)
        }
    } slow {
        let name = name_of(m, site(m));
        match cinder_shadow::global_load(m.peek_obj(m.b()), name) {
            Some(f) if f.kind() == Kind::Method => {
                let x = m.arg(m.b()).into_obj();
                let found = match cell_object(f.target) {
                    Some(f) => Method::Unbound(f),
                    None => protocol::get_method(m.cx(), &x, name)?,
                };
                put_method(m, m.a(), found, x);
                Ok(Flow::NEXT)
            }
            Some(f) => method_found(m, f.kind(), f.target),
            None => method_found(m, Kind::None, 0),
        }
    }
}
