//! Calls of classes.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::{Args, FixedShape};
use cinder_pyobj::types::{call_type, object, type_type};
use cinder_pyobj::{Obj, PyResult, Type, Value, heap, intern};

use super::{
    Window, arg_count, call_look, call_method_look, can_enter, copy_defaults, enter_frame, finish_native, look_again,
    missing_defaults, push_python,
};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::code::CodeObject;
use crate::objects::function::Function;
use crate::ops::attrs::{guarded, site};
use crate::ops::{fast, fast_op};

fast_op! {
    CallInit |m| fast { enter_init(m) } slow { call_init(m) }

    CallMethodInit |m| fast {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return Fast::Slow;
        }
        enter_init(m)
    } slow {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return call_method_look(m);
        }
        call_init(m)
    }

    CallNewInit |m| fast { Fast::Slow } slow { call_init(m) }

    CallMethodNewInit |m| fast { Fast::Slow } slow {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return call_method_look(m);
        }
        call_init(m)
    }

    CallObject |m| fast { enter_object(m) } slow { look_again(m) }

    CallMethodObject |m| fast {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return Fast::Slow;
        }
        enter_object(m)
    } slow { look_again(m) }

    CallPlain |m| fast { make_plain(m) } slow { call_look(m) }

    CallStr |m| fast { Fast::Slow } slow {
        let s = site(m);
        if m.peek(m.b()).bits() != s.entry.word() {
            return call_look(m);
        }
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: 1 };
        let r = w.args()[0].str(m.cx());
        finish_native(m, w, r, 1)
    }

    CallClass |m| fast { Fast::Slow } slow {
        let s = site(m);
        let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
        if w.callee().value().bits() != s.entry.word() {
            return call_look(m);
        }
        let Some(ty) = plain_class(w.callee()) else { return call_look(m) };
        let r = call_type(m.cx(), ty, Args::positional(w.args()));
        finish_native(m, w, r, 1)
    }

    CallMethodPlain |m| fast {
        if m.peek(m.b() + 1) != Value::UNBOUND {
            return Fast::Slow;
        }
        make_plain(m)
    } slow { call_method_look(m) }

    CallMethodClass |m| fast { Fast::Slow } slow {
        let Some(w) = known_without_receiver(m) else { return call_method_look(m) };
        match plain_class(w.callee()) {
            Some(ty) => {
                let r = call_type(m.cx(), ty, Args::positional(w.args()));
                finish_native(m, w, r, 1)
            }
            None => call_method_look(m),
        }
    }
}

/// Makes an instance of the plain class that the site knows, which has no `__init__`.
#[inline(always)]
fn make_plain(m: M) -> Fast {
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
}

/// Makes an instance of the plain class that the site knows and enters its `__init__`.
#[inline(always)]
fn enter_init(m: M) -> Fast {
    let callee = m.peek(m.b());
    let s = site(m);
    if callee.bits() != s.entry.word() {
        return Fast::Slow;
    }
    let n = arg_count(s) + 1;
    // SAFETY: the guard holds: the callee is a plain class, whose `__init__` the cell holds.
    unsafe {
        let init = (*(s.entry.target.get() as *const AttrCell)).value();
        if !Function::is(init) {
            return Fast::Slow;
        }
        let f = &*(Function::payload_of(init));
        let c = &*fast!(f.code_ptr());
        let first = m.reg(m.b() + 1);
        if c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        let mut defaults = std::ptr::null();
        if c.quick_args != n {
            defaults = fast!(missing_defaults(m, f, c, n));
        }
        // The window's reference to the class becomes the instance's.
        let instance = fast!(heap::quick_instance(&*((callee.bits() + 8) as *const Type)));
        init.incref();
        *first = instance;
        if c.quick_args != n {
            copy_defaults(c, first, n, defaults);
        }
        enter_frame(m, init, f, c, first, c.quick_args, FrameKind::Init, instance)
    }
}

/// Makes an instance of the class that the site knows and pushes its `__init__`.
fn call_init(m: M) -> PyResult<Flow> {
    let s = site(m);
    let w = Window { callee: m.reg(m.b()), first: m.reg(m.b() + 2), count: arg_count(s) as usize };
    if w.callee().value().bits() == s.entry.word()
        && let Some(ty) = plain_class(w.callee())
        // SAFETY: the guard holds, so the cell is alive.
        && let Some(init) = unsafe { (*(s.entry.target.get() as *const AttrCell)).get() }
        && let Some(flow) = construct_with(m, w, &[], 1, ty, init)?
    {
        return Ok(flow);
    }
    look_again(m)
}

/// Enters the `__call__` of an instance of the class that the site knows.
#[inline(always)]
fn enter_object(m: M) -> Fast {
    let callee = m.peek(m.b());
    let s = site(m);
    if !guarded(callee, &s.entry) {
        return Fast::Slow;
    }
    let n = arg_count(s) + 1;
    // SAFETY: the guard holds: the cell is that of the class's `__call__`, and keeps what it holds alive.
    unsafe {
        let call = (*(s.entry.target.get() as *const AttrCell)).value();
        if !Function::is(call) {
            return Fast::Slow;
        }
        let f = &*(Function::payload_of(call));
        let c = &*fast!(f.code_ptr());
        let first = m.reg(m.b() + 1);
        if c.sites().is_null() || !can_enter(m, c, first) {
            return Fast::Slow;
        }
        if c.quick_args != n {
            copy_defaults(c, first, n, fast!(missing_defaults(m, f, c, n)));
        }
        // The callee becomes the first argument, and the function takes its place.
        *first = callee;
        call.incref();
        enter_frame(m, call, f, c, first, c.quick_args, FrameKind::Call, Value::UNBOUND)
    }
}

/// The class that a callable is, if calling it is left to `type`.
pub(super) fn plain_class(callee: &Obj) -> Option<&Type> {
    if let Some(ty) = callee.fixed::<Type>(FixedShape::Type) {
        return Some(ty);
    }
    let ty = callee.as_type()?;
    let (own, plain) = (callee.type_of().slots.call.get()?, type_type().slots.call.get()?);
    std::ptr::fn_addr_eq(own, plain).then_some(ty)
}

/// The cell of the Python function that is a class's `__init__`.
pub(super) fn init_cell(ty: &Type) -> Option<&AttrCell> {
    let (_, cell) = ty.lookup_cell(intern!("__init__"))?;
    cell.get()?.is_exact(FixedShape::Function).then_some(cell)
}

/// Marks a class, and the metaclass that calls it, and names it.
pub(super) fn class_dependency(ty: &Type) -> usize {
    if ty.flags().immutable {
        return 0;
    }
    ty.mark_cached();
    ty.as_obj().type_of().mark_cached();
    std::ptr::from_ref(ty) as usize
}

/// Whether the `__new__` of a class is a native one.
pub(super) fn is_made_natively(ty: &Type) -> bool {
    let new = ty.lookup(intern!("__new__"));
    !ty.flags().no_new && new.is_some_and(|f| f.is_exact(FixedShape::NativeFunction))
}

/// Makes an instance of a class whose `__new__` is native and pushes its `__init__`; nothing, with nothing changed, if
/// the class has another `__new__`, or no `__init__` written in Python, or the window has no room for the instance.
pub(super) fn construct(m: M, w: Window, names: &[Obj], advance: u8) -> PyResult<Option<Flow>> {
    // SAFETY: the word after the callee is the window's.
    if w.first != unsafe { w.callee.add(2) } {
        return Ok(None);
    }
    let Some(ty) = plain_class(w.callee()) else { return Ok(None) };
    match init_cell(ty).and_then(AttrCell::get) {
        Some(init) => construct_with(m, w, names, advance, ty, init),
        None => Ok(None),
    }
}

/// As [`construct`], with the class's `__init__`.
pub(super) fn construct_with(
    m: M,
    w: Window,
    names: &[Obj],
    advance: u8,
    ty: &Type,
    init: Obj,
) -> PyResult<Option<Flow>> {
    let Some(f) = init.fixed::<Function>(FixedShape::Function) else { return Ok(None) };
    let runs = f.code_ref().is_some_and(|c| c.downcast::<CodeObject>().is_some_and(|c| c.runs));
    if !runs {
        return Ok(None);
    }
    let instance = if is_plain_class(ty) {
        object::new_plain(ty)
    } else {
        let Some(new) = ty.slots.new.get().filter(|_| is_made_natively(ty)) else { return Ok(None) };
        match new(m.cx(), ty, Args::new(w.args(), names)) {
            Ok(o) if o.type_of().is(ty) => o,
            // What is no instance is not initialised, and what is one of a subclass has an `__init__` of its own.
            Ok(o) => {
                let r = match o.type_of().slots.init.get().filter(|_| o.type_of().is_subtype(ty)) {
                    Some(init) => init(m.cx(), &o, Args::new(w.args(), names)).map(|()| o),
                    None => Ok(o),
                };
                return finish_native(m, w, r, advance as isize).map(Some);
            }
            Err(r) => {
                w.drop_all();
                return Err(r);
            }
        }
    };
    push_init(m, w, names, advance, &init, f, instance)?;
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

/// Pushes the frame of `init`, which is `f`, for `instance`, over the window of the call of its class.
pub(super) fn push_init(
    m: M,
    w: Window,
    names: &[Obj],
    advance: u8,
    init: &Obj,
    f: &Function,
    instance: Obj,
) -> PyResult<()> {
    // SAFETY: the instruction owns the window: `__init__` takes the class's place, whose reference goes when the window is
    // whole again, since its end may run code.
    unsafe {
        let class = std::mem::replace(&mut *w.callee, init.clone().into_value());
        *w.callee.add(1) = instance.clone().into_value();
        class.decref();
        let w = Window { callee: w.callee, first: w.callee.add(1), count: w.count + 1 };
        push_python(m, w, f, names, advance)?;
        let fr = &mut *m.th().current.get();
        fr.kind = FrameKind::Init;
        fr.extra = instance.into_value();
    }
    Ok(())
}
