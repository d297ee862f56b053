//! Attribute access in shadow code.

use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::native::FixedShape;
use cinder_pyobj::protocol::{self, Method};
use cinder_pyobj::shape::instance;
use cinder_pyobj::types::class_method::ClassMethod;
use cinder_pyobj::types::property::Property;
use cinder_pyobj::types::static_method::StaticMethod;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::super_;
use cinder_pyobj::{Obj, PyResult, Value};
use cinder_shadow::{Entry, Kind, Site, WAYS};

use super::calls::{can_enter, enter_frame, push_values};
use super::items::{is_super, load_special, put_method, special_name, super_method};
use super::{fast, fast_op};
use crate::frame::FrameKind;
use crate::machine::{Fast, Flow, M};
use crate::objects::function::Function;

/// The site of a specialised instruction that keeps its number in field `c`.
#[inline(always)]
pub(super) fn site<'a>(m: M) -> &'a Site {
    // SAFETY: specialised instructions run in shadow code only, where the frame knows the sites and `c` names one.
    unsafe { &*m.frame().sites.add(m.c() as u16 as usize) }
}

#[inline(always)]
fn name_of(m: M, s: &Site) -> Name {
    m.name(u32::from(s.original().c()))
}

/// The attribute's name, without a check that can fail out of line.
#[inline(always)]
fn quick_name(m: M) -> Option<Name> {
    let n = site(m).original().c() as usize;
    m.frame().code().names.get(n).copied()
}

/// Whether a receiver has the shape that an entry guards.
#[inline(always)]
pub(super) fn guarded(v: Value, e: &Entry) -> bool {
    // SAFETY: operands are live values.
    v.is_ptr() && unsafe { v.header() }.shape_id().as_u32() == e.guard.get()
}

/// The slot word of a receiver that passed the guard.
#[inline(always)]
unsafe fn slot(v: Value, off: u32) -> *mut Value {
    (v.bits() + u64::from(off)) as *mut Value
}

/// The overflow slot of a receiver that passed the guard.
#[inline(always)]
unsafe fn overflow(v: Value, i: u32) -> Option<*mut Value> {
    // SAFETY: by the guard the object has this many attributes.
    unsafe {
        let p = v.bits() as *const cinder_pyobj::heap::Header;
        instance::overflow_slot(p, (*p).shape().ty(), i as usize)
    }
}

/// The word in the cell that an entry names.
#[inline(always)]
unsafe fn cell_word(target: usize) -> Value {
    // SAFETY: the entry is forgotten before the cell dies.
    unsafe { (*(target as *const AttrCell)).value() }
}

/// The value that an entry which matches gives, borrowed.
#[inline(always)]
unsafe fn loaded(v: Value, kind: Kind, arg: u32, target: usize) -> Option<Value> {
    // SAFETY: passed on from the caller.
    let w = unsafe {
        match kind {
            Kind::Slot => *slot(v, arg),
            Kind::Over => *overflow(v, arg)?,
            Kind::Class => cell_word(target),
            _ => return None,
        }
    };
    if w == Value::UNBOUND { None } else { Some(w) }
}

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

/// The value in the cell that an entry which matches names.
fn cell_object(target: usize) -> Option<Obj> {
    // SAFETY: the entry is forgotten before the cell dies.
    unsafe { (*(target as *const AttrCell)).get() }
}

/// The callable of the class method in a cell.
///
/// # Safety
/// The cell must hold an exact classmethod, if anything.
#[inline(always)]
unsafe fn class_method_word(target: usize) -> Option<Value> {
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
unsafe fn static_method_word(target: usize) -> Option<Value> {
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

/// Stores operand `value` over the word in a slot; the old word and the receiver (operand `a`) are dropped
/// afterwards.
///
/// # Safety
/// The slot must belong to the receiver `x`.
#[inline(always)]
pub(super) unsafe fn store_slot(m: M, p: *mut Value, x: Value, value: i16) -> Fast {
    // SAFETY: the slot belongs to the receiver, which the operand keeps alive.
    unsafe {
        let new = m.owned(value);
        let old = std::mem::replace(&mut *p, new);
        let dies = crate::machine::is_temp(m.a()) && x.is_ptr() && x.header().release();
        if old.is_ptr() && old.header().release() {
            m.save_pc();
            if dies {
                m.th().parked.set(Some(x));
                return Fast::Drop2(old, m.ahead(1), m.base, m.fr);
            }
            return Fast::Drop(old, m.ahead(1), m.base, m.fr);
        }
        if dies {
            m.save_pc();
            return Fast::Drop(x, m.ahead(1), m.base, m.fr);
        }
        Fast::Next
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
        // SAFETY: the guard holds; the class keeps the property alive, and that its getter.
        unsafe {
            let d = cell_word(e.target.get());
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
    } slow { load_attr(m) }

    LoadAttrDescr |m| fast { Fast::Slow } slow {
        let e = &site(m).entry;
        if !guarded(m.peek(m.b()), e) {
            return load_attr(m);
        }
        let Some(d) = cell_object(e.target.get()) else { return load_attr(m) };
        let Some(get) = d.type_of().slots.descr_get.get() else { return load_attr(m) };
        let x = m.arg(m.b());
        let v = get(m.cx(), &d, Some(&x), Some(&x.type_of().as_obj()))?;
        drop(x);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadAttrHook |m| fast { Fast::Slow } slow {
        let s = site(m);
        if !guarded(m.peek(m.b()), &s.entry) {
            return load_attr(m);
        }
        let Some(f) = cell_object(s.entry.target.get()) else { return load_attr(m) };
        let name = name_of(m, s);
        let x = m.arg(m.b());
        if let Some(flow) = push_values(m, &f, [&x, name.as_obj()], FrameKind::Call)? {
            return Ok(flow);
        }
        let v = x.get_attr(m.cx(), name)?;
        drop(x);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    LoadAttrPoly |m| fast {
        let v = m.peek(m.b());
        let more = fast!(site(m).more());
        let n = more.len.get() as usize;
        let mut i = 0;
        while i < n && i < WAYS {
            let e = &more.entries[i];
            if guarded(v, e) {
                more.counts[i].set(more.counts[i].get().wrapping_add(1));
                // SAFETY: the guard holds.
                let w = unsafe { loaded(v, more.kinds[i].get(), e.arg.get(), e.target.get()) };
                return finish_load(m, v, fast!(w));
            }
            i += 1;
        }
        Fast::Slow
    } slow { load_attr(m) }

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
        let x = m.arg(m.b());
        if let Some(f) = cinder_shadow::global_load(&x, name) {
            // SAFETY: the shape matched.
            if let Some(w) = unsafe { loaded(x.value(), f.kind(), f.arg, f.target) } {
                // SAFETY: slot or cell keep the value alive.
                let v = unsafe { Obj::from_borrowed(w) };
                drop(x);
                m.set(m.a(), v);
                return Ok(Flow::NEXT);
            }
            if f.kind() == Kind::Property
                && let Some(d) = cell_object(f.target)
                && let Some(getter) = d.fixed::<Property>(FixedShape::Property).and_then(Property::getter_fn)
                && let Some(flow) = push_values(m, &getter, [&x], FrameKind::Call)?
            {
                return Ok(flow);
            }
            if f.kind() == Kind::Hook
                && let Some(hook) = cell_object(f.target)
                && let Some(flow) = push_values(m, &hook, [&x, name.as_obj()], FrameKind::Call)?
            {
                return Ok(flow);
            }
        }
        let v = x.get_attr(m.cx(), name)?;
        drop(x);
        m.set(m.a(), v);
        Ok(Flow::NEXT)
    }

    StoreAttrLook |m| fast { Fast::Slow } slow { store_attr(m) }

    StoreAttrSlot |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_slot(m, slot(x, e.arg.get()), x, m.b()) }
    } slow { store_attr(m) }

    StoreAttrGrow |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds; the slot of an attribute that the shape does not have is unset.
        unsafe {
            *slot(x, e.target.get() as u32) = m.owned(m.b());
            x.header().grow_to(e.arg.get());
        }
        m.consumed(m.a(), x, m.ahead(1))
    } slow { store_attr(m) }

    StoreAttrOver |m| fast {
        let (x, e) = (m.peek(m.a()), &site(m).entry);
        if !guarded(x, e) {
            return Fast::Slow;
        }
        // SAFETY: the guard holds.
        unsafe { store_slot(m, fast!(overflow(x, e.arg.get())), x, m.b()) }
    } slow { store_attr(m) }

    StoreAttrProperty |m| fast { Fast::Slow } slow {
        let e = &site(m).entry;
        if !guarded(m.peek(m.a()), e) {
            return store_attr(m);
        }
        let Some(d) = cell_object(e.target.get()) else { return store_attr(m) };
        let Some(set) = d.fixed::<Property>(FixedShape::Property).and_then(Property::setter_fn) else {
            return store_attr(m);
        };
        let (x, v) = (m.arg(m.a()), m.arg(m.b()));
        if let Some(flow) = push_values(m, &set, [&x, &v], FrameKind::Discard)? {
            return Ok(flow);
        }
        x.set_attr(m.cx(), name_of(m, site(m)), &v)?;
        drop(v);
        drop(x);
        Ok(Flow::NEXT)
    }

    StoreAttrDescr |m| fast { Fast::Slow } slow {
        let e = &site(m).entry;
        if !guarded(m.peek(m.a()), e) {
            return store_attr(m);
        }
        let Some(d) = cell_object(e.target.get()) else { return store_attr(m) };
        let Some(set) = d.type_of().slots.descr_set.get() else { return store_attr(m) };
        let (x, v) = (m.arg(m.a()), m.arg(m.b()));
        set(m.cx(), &d, &x, Some(&v))?;
        drop(v);
        drop(x);
        Ok(Flow::NEXT)
    }

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
                unsafe {
                    return match more.kinds[i].get() {
                        Kind::Slot => store_slot(m, slot(x, e.arg.get()), x, m.b()),
                        Kind::Over => store_slot(m, fast!(overflow(x, e.arg.get())), x, m.b()),
                        Kind::Grow => {
                            *slot(x, e.target.get() as u32) = m.owned(m.b());
                            x.header().grow_to(e.arg.get());
                            m.consumed(m.a(), x, m.ahead(1))
                        }
                        _ => Fast::Slow,
                    };
                }
            }
            i += 1;
        }
        Fast::Slow
    } slow { store_attr(m) }

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
                unsafe {
                    return match more.kinds[i].get() {
                        Kind::Method => finish_method(m, cell_word(e.target.get())),
                        Kind::Slot => finish_plain(m, v, *slot(v, e.arg.get())),
                        _ => Fast::Slow,
                    };
                }
            }
            i += 1;
        }
        Fast::Slow
    } slow { load_method(m) }

    LoadMethodMega |m| fast {
        let v = m.peek(m.b());
        if !v.is_ptr() {
            return Fast::Slow;
        }
        // SAFETY: the operand is alive, and the shape matches.
        unsafe {
            let f = fast!(cinder_shadow::global_known(v.header().shape_id().as_u32(), fast!(quick_name(m))));
            match f.kind() {
                Kind::Method => finish_method(m, cell_word(f.target)),
                Kind::Slot => finish_plain(m, v, *slot(v, f.arg)),
                _ => Fast::Slow,
            }
        }
    } slow {
        let name = name_of(m, site(m));
        let x = m.arg(m.b()).into_obj();
        if let Some(f) = cinder_shadow::global_load(&x, name)
            && f.kind() == Kind::Method
        {
            // SAFETY: the class's cell keeps the function alive.
            unsafe {
                let w = cell_word(f.target);
                if w != Value::UNBOUND {
                    put_method(m, m.a(), Method::Unbound(Obj::from_borrowed(w)), x);
                    return Ok(Flow::NEXT);
                }
            }
        }
        let found = protocol::get_method(m.cx(), &x, name)?;
        put_method(m, m.a(), found, x);
        Ok(Flow::NEXT)
    }

    LoadSuperLook |m| fast { Fast::Slow } slow { load_super(m) }

    LoadSuperClass |m| fast {
        let s = site(m);
        let e = &fast!(s.more()).entries[0];
        let (global, cls, this) = (m.peek(m.b()), m.peek(m.b() + 1), m.peek(m.b() + 2));
        if global.bits() != e.word() || cls.bits() != e.target.get() as u64 || !guarded(this, &s.entry) {
            return Fast::Slow;
        }
        // SAFETY: the guards hold. `super` is immortal, and the class is held by its method too.
        unsafe {
            let f = cell_word(s.entry.target.get());
            if f == Value::UNBOUND || cls.header().is_unique() {
                return Fast::Slow;
            }
            f.incref();
            cls.header().release();
            m.put_word(m.a(), f);
            m.put_word(m.a() + 1, this);
        }
        Fast::Next
    } slow { load_super(m) }
}

/// A method look-up through `super()` that the site does not know.
fn load_super(m: M) -> PyResult<Flow> {
    let s = site(m);
    let generic = M { w: s.original().0, ..m };
    let (global, cls, this) = (m.peek_obj(m.b()), m.peek_obj(m.b() + 1), m.peek_obj(m.b() + 2));
    let start = this.type_of();
    let found = match cls.as_type() {
        Some(c) if is_super(global) && this.is_ptr() && this.as_type().is_none() && start.is_heap_type() => {
            super_::cell_after(start, c, name_of(m, s))
        }
        _ => None,
    };
    let found = found.filter(|c| c.get().is_some_and(|f| f.type_of().flags().method_like));
    let words = (global.value().bits(), cls.value().bits());
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_super(m.pc, s, this, found, words) };
    super_method(generic, false)
}
