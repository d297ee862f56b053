//! Calls of classes.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::{call_type, object};
use cinder_pyobj::{Obj, PyResult, Type, Value, heap, intern};

use super::{Window, arg_count, call_look, call_method_look, can_enter, enter_frame, finish_native, push_python};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::ops::attrs::site;
use crate::ops::{fast, fast_op};

fast_op! {
    CallInit |m| fast {
        let callee = m.peek(m.b());
        let s = site(m);
        if callee.bits() != s.entry.word() {
            return Fast::Slow;
        }
        let n = arg_count(s);
        // SAFETY: the guard holds: the callee is a plain class, whose `__init__` the cell holds.
        unsafe {
            let init = (*(s.entry.target.get() as *const AttrCell)).value();
            if !Function::is(init) {
                return Fast::Slow;
            }
            let f = &*(Function::payload_of(init));
            let c = &*fast!(f.code_ptr());
            let first = m.reg(m.b() + 1);
            if c.simple_args != n + 1 || !c.runs || c.sites().is_null() || !can_enter(m, c, first) {
                return Fast::Slow;
            }
            let ty = &*((callee.bits() + 8) as *const Type);
            // The window's reference to the class becomes the instance's.
            let instance = fast!(heap::quick_instance(ty));
            init.incref();
            *first = instance;
            enter_frame(m, init, f, c, first, n + 1, FrameKind::Init, instance)
        }
    } slow {
        call_look(m)
    }

    CallPlain |m| fast {
        let callee = m.peek(m.b());
        if callee.bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        // SAFETY: the guard holds: the callee is a plain class. Its reference in the window becomes the instance's.
        let instance = unsafe {
            let v = fast!(heap::quick_instance(&*((callee.bits() + 8) as *const Type)));
            // It starts with two references.
            v.header().release();
            v
        };
        m.store(m.a(), instance)
    } slow {
        call_look(m)
    }

    CallClass |m| fast { Fast::Slow } slow {
        let s = site(m);
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        if w.callee().value().bits() != s.entry.word() {
            return call_look(m);
        }
        let Some(ty) = w.callee().fixed::<Type>(FixedShape::Type) else { return call_look(m) };
        let r = call_type(m.cx(), ty, Args::positional(w.args()));
        finish_native(m, w, r, 1)
    }

    CallMethodClass |m| fast { Fast::Slow } slow {
        let Some(w) = known_without_receiver(m) else { return call_method_look(m) };
        match w.callee().fixed::<Type>(FixedShape::Type) {
            Some(ty) => {
                let r = call_type(m.cx(), ty, Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            None => call_method_look(m),
        }
    }
}

/// Makes an instance of a plain Python class and pushes its `__init__`; nothing, with nothing changed, if the class is
/// not plain or the window has no room for the instance.
pub(super) fn construct(m: M, w: Window, names: &[Obj], advance: u8) -> PyResult<Option<Flow>> {
    // SAFETY: the word after the callee is the window's.
    if w.first != unsafe { w.callee.add(2) } {
        return Ok(None);
    }
    let Some(ty) = w.callee().fixed::<Type>(FixedShape::Type) else { return Ok(None) };
    if !is_plain_class(ty) {
        return Ok(None);
    }
    let Some(init) = ty.lookup(intern!("__init__")).filter(|f| f.is_exact(FixedShape::Function)) else {
        return Ok(None);
    };
    let Some(f) = init.downcast::<Function>() else { return Ok(None) };
    let runs = f.code_ref().is_some_and(|c| c.downcast::<CodeObject>().is_some_and(|c| c.runs));
    if !runs {
        return Ok(None);
    }
    let instance = object::new_plain(ty);
    // SAFETY: the instruction owns the window: the class's reference goes, `__init__` takes its place.
    unsafe {
        let class = std::mem::replace(&mut *w.callee, init.clone().into_value());
        class.decref();
        *w.callee.add(1) = instance.clone().into_value();
        let w = Window { callee: w.callee, first: w.callee.add(1), count: w.count + 1 };
        push_python(m, w, f, names, advance)?;
        let fr = &mut *m.th().current.get();
        fr.kind = FrameKind::Init;
        fr.extra = instance.into_value();
    }
    Ok(Some(Flow::SWITCH))
}

/// Whether instances of a class are made by `object.__new__` and hold nothing but attributes.
pub(in crate::ops) fn is_plain_class(ty: &Type) -> bool {
    let flags = ty.flags();
    flags.heap && !flags.is_abstract && object::is_plain_new(ty) && ty.layout().payload.size == 0
}

/// The window of a method call whose callee the site knows and that has no receiver.
pub(super) fn known_without_receiver(m: M) -> Option<Window> {
    let s = site(m);
    if m.peek(m.b()).bits() != s.entry.word() || m.peek(m.b() + 1) != Value::UNBOUND {
        return None;
    }
    Some(Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize })
}
