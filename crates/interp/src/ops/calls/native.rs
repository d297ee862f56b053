//! Calls of native functions and methods, and of the builtins that calls know by heart.

use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::protocol::shows_its_class;
use cinder_pyobj::shape::ShapeId;
use cinder_pyobj::types::descriptor::MethodDescriptor;
use cinder_pyobj::types::function::NativeFunction;
use cinder_pyobj::types::list::List;
use cinder_pyobj::types::slots::CallFn;
use cinder_pyobj::{Obj, PyResult, Type, Value};
use cinder_shadow::{Site, WAYS};

use super::{Window, arg_count, call_look, call_method_look, finish_native};
use crate::machine::{Fast, Flow, M};
use crate::ops::attrs::site;
use crate::ops::{builtins, fast, fast_op};

fast_op! {
    CallTypeOf |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let t = m.peek_obj(m.b() + 2).type_of().as_value();
        // SAFETY: the argument keeps its class alive.
        unsafe { t.incref() };
        finish_word(m, t)
    } slow { call_look(m) }

    CallLen |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let v = m.peek(m.b() + 2);
        finish_word(m, Value::from_small_int(fast!(builtins::quick_len(v)) as i64))
    } slow { call_known(m) }

    CallIsinstance |m| fast {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return Fast::Slow;
        }
        let (x, cls) = (m.peek_obj(m.b() + 2), m.peek(m.b() + 3));
        // Of exactly this class, or what an instance of that shape was found to be before.
        let answer = x.type_of().as_value() == cls || fast!(known_instance(s, x.shape_id().as_u32(), cls));
        // SAFETY: the instruction owns the window; somebody else holds the class, too.
        unsafe {
            if m.peek(m.b()).header().is_unique() || cls.header().is_unique() {
                return Fast::Slow;
            }
            cls.header().release();
        }
        finish_word(m, crate::ops::compare::bool_word(answer))
    } slow {
        let s = site(m);
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: 2 };
        let known = w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction);
        if known.is_none_or(|f| std::ptr::from_ref(f.def()) as usize != s.entry.target.get()) {
            return call_look(m);
        }
        let args = w.args();
        let r = args[0].is_instance(m.cx(), &args[1]);
        let ty = args[0].type_of();
        if let Ok(answer) = r
            && let Some(class) = args[1].fixed::<Type>(FixedShape::Type)
            && (ty.is_subtype(class) || shows_its_class(ty))
        {
            let cls = args[1].value().bits();
            cinder_shadow::look_instance(s, args[0].shape_id().as_u32(), ty, cls, answer);
        }
        finish_native(m, w, r.map(Obj::from_bool), 1)
    }

    CallOrd |m| fast {
        if m.peek(m.b()).bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        let c = fast!(builtins::quick_ord(m.peek(m.b() + 2)));
        finish_word(m, Value::from_small_int(i64::from(c)))
    } slow { call_known(m) }

    CallAbs |m| fast {
        if m.peek(m.b()).bits() != site(m).entry.word() {
            return Fast::Slow;
        }
        finish_word(m, fast!(builtins::quick_abs(m.peek(m.b() + 2))))
    } slow { call_known(m) }

    CallMin |m| fast { min_max(m, true) } slow { call_known(m) }

    CallMax |m| fast { min_max(m, false) } slow { call_known(m) }

    CallNativeObject |m| fast { Fast::Slow } slow {
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(site(m)) as usize };
        match calls_natively(w.callee()) {
            Some(call) => {
                let r = call(m.cx(), w.callee(), Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            None => call_look(m),
        }
    }

    CallMethodNativeObject |m| fast { Fast::Slow } slow {
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(site(m)) as usize };
        match calls_natively(w.callee()) {
            Some(call) if m.peek(m.b() + 1) == Value::UNBOUND => {
                let r = call(m.cx(), w.callee(), Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            _ => call_method_look(m),
        }
    }

    CallNative |m| fast { Fast::Slow } slow { call_known(m) }

    CallMethodAppend |m| fast {
        let s = site(m);
        let callee = m.peek(m.b());
        if callee.bits() != s.entry.word() {
            return Fast::Slow;
        }
        let this = m.peek(m.b() + 1);
        if this == Value::UNBOUND {
            return Fast::Slow;
        }
        let l = fast!(m.peek_obj(m.b() + 1).fixed::<List>(FixedShape::List));
        if !l.has_room() {
            return Fast::Slow;
        }
        // The argument moves into the list. The callee is a method of a native type, which is immortal.
        l.quick_push(m.peek(m.b() + 2));
        m.store_drop(m.a(), crate::ops::flow::none_word(), m.b() + 1, this)
    } slow { call_method_native(m) }

    CallMethodNative |m| fast { Fast::Slow } slow { call_method_native(m) }

    CallMethodFunction |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return call_method_look(m);
        }
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        match w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction) {
            Some(f) if f.is_plain() && std::ptr::from_ref(f.def()) as usize == s.entry.target.get() => {
                let r = (f.def().call)(m.cx(), f.receiver(), Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            _ => call_method_look(m),
        }
    }
}

/// How a native object is called that is no Python function, bound method or class.
fn calls_natively(callee: &Obj) -> Option<CallFn> {
    let ty = callee.type_of();
    let other = !ty.is_heap_type()
        && !callee.is_exact(FixedShape::Function)
        && !callee.is_exact(FixedShape::BoundMethod)
        && !callee.is_exact(FixedShape::Type)
        && ty.slots.forward.get().is_none();
    if other { ty.slots.call.get() } else { None }
}

/// Calls a native function that the site knows.
pub(super) fn call_known(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
    let Some(f) = w.callee().fixed::<NativeFunction>(FixedShape::NativeFunction) else { return call_look(m) };
    // The same function bound to another receiver will do.
    if !f.is_plain() || std::ptr::from_ref(f.def()) as usize != s.entry.target.get() {
        return call_look(m);
    }
    let r = (f.def().call)(m.cx(), f.receiver(), Args::positional(w.args()));
    finish_native(m, w, r, 1)
}

/// Calls the native method that the site knows.
pub(super) fn call_method_native(m: M) -> PyResult<Flow> {
    let s = site(m);
    let callee = m.peek(m.b());
    if callee.bits() != s.entry.word() || m.peek(m.b() + 1) == Value::UNBOUND {
        return call_method_look(m);
    }
    let n = arg_count(s) as usize;
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 1), count: n + 1 };
    let args = w.args();
    let Some(d) = w.callee().fixed::<MethodDescriptor>(FixedShape::NativeMethod) else { return call_method_look(m) };
    if !args[0].type_of().is_subtype(d.owner()) {
        return call_method_look(m);
    }
    let r = (d.def().call)(m.cx(), &args[0], Args::positional(&args[1..]));
    finish_native(m, w, r, 1)
}

/// `min` or `max` of two numbers of one kind in words. Equal ones give the first.
#[inline(always)]
pub(super) fn min_max(m: M, least: bool) -> Fast {
    if m.peek(m.b()).bits() != site(m).entry.word() {
        return Fast::Slow;
    }
    let (x, y) = (m.peek(m.b() + 2), m.peek(m.b() + 3));
    let second = if least { builtins::second_is_less(x, y) } else { builtins::second_is_less(y, x) };
    finish_word(m, if fast!(second) { y } else { x })
}

/// Whether an instance of the shape is one of the class with the word `cls`, if the site knows.
#[inline(always)]
pub(super) fn known_instance(s: &Site, shape: u32, cls: Value) -> Option<bool> {
    // A class may have died and another one stand in its place: what is known holds for all whose class is `type`.
    // SAFETY: the operand is alive.
    if !cls.is_ptr() || unsafe { cls.header() }.shape_id() != ShapeId::fixed(FixedShape::Type) {
        return None;
    }
    let more = s.more()?;
    let n = more.len.get() as usize;
    let mut i = 0;
    while i < n && i < WAYS {
        let e = &more.entries[i];
        if e.guard.get() == shape && e.target.get() as u64 == cls.bits() {
            return Some(e.arg.get() != 0);
        }
        i += 1;
    }
    None
}

/// Ends a native call with one argument whose result needs no count.
#[inline(always)]
pub(super) fn finish_word(m: M, r: Value) -> Fast {
    let (callee, x) = (m.peek(m.b()), m.peek(m.b() + 2));
    // SAFETY: the instruction owns the window. The callee is a builtin, which the builtins module holds too, or
    // the slow path takes over.
    unsafe {
        if callee.header().is_unique() {
            return Fast::Slow;
        }
        callee.header().release();
    }
    m.store_drop(m.a(), r, m.b() + 2, x)
}
