//! Look-ups of methods through `super()`.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::intern;
use cinder_pyobj::native::class_type;
use cinder_pyobj::types::class_method::ClassMethod;
use cinder_pyobj::types::static_method::StaticMethod;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::types::super_;
use cinder_pyobj::{Obj, PyResult, Type, Value};
use cinder_shadow::Kind;

use super::method::{class_method_word, static_method_word};
use super::{cell_word, guarded, name_of, site};
use crate::machine::{Fast, Flow, M};
use crate::ops::items::{is_super, super_method};
use crate::ops::{fast, fast_op};

fast_op! {
    LoadSuperLook |m| fast { Fast::Slow } slow { load_super(m) }

    LoadSuperClass |m| fast { super_known(m) } slow { load_super(m) }

    LoadSuperPinned |m| fast { super_pinned(m) } slow { load_super(m) }

    LoadSuper2Pinned |m| fast { super_pinned(m) } slow { load_super(m) }

    LoadSuper2Look |m| fast { Fast::Slow } slow { load_super(m) }

    LoadSuper2Class |m| fast { super_known(m) } slow { load_super(m) }
}

/// Puts the function that the site knows, and its receiver, into the window.
#[inline(always)]
fn super_known(m: M) -> Fast {
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
}

/// As [`super_known`], for a receiver that is a class.
#[inline(always)]
fn super_pinned(m: M) -> Fast {
    let s = site(m);
    let more = fast!(s.more());
    let e = &more.entries[0];
    let (global, cls, this) = (m.peek(m.b()), m.peek(m.b() + 1), m.peek(m.b() + 2));
    if global.bits() != e.word() || cls.bits() != e.target.get() as u64 || this.bits() != s.entry.word() {
        return Fast::Slow;
    }
    let kind = more.kinds[0].get();
    // SAFETY: the guards hold. `super` is immortal, and the class is held by its method too.
    unsafe {
        let target = s.entry.target.get();
        let f = match kind {
            Kind::PinnedStaticMethod => fast!(static_method_word(target)),
            Kind::PinnedClassMethod => fast!(class_method_word(target)),
            _ => cell_word(target),
        };
        if f == Value::UNBOUND || cls.header().is_unique() || this.header().is_unique() {
            return Fast::Slow;
        }
        f.incref();
        cls.header().release();
        m.put_word(m.a(), f);
        if matches!(kind, Kind::PinnedClassMethod | Kind::Method) {
            m.put_word(m.a() + 1, this);
        } else {
            this.header().release();
            m.put_word(m.a() + 1, Value::UNBOUND);
        }
    }
    Fast::Next
}

/// Where the look-up of a method through `super()` ends for a receiver that is a class, and of which kind it is.
fn on_class<'a>(this: &'a Obj, after: &Type, name: Name) -> Option<(&'a AttrCell, Kind)> {
    let ty = this.as_type().filter(|_| name != intern!("__class__"))?;
    if !ty.is_subtype(after) {
        // The class is an instance of the metaclass whose method this is.
        let cell = super_::cell_after(this.type_of(), after, name)?;
        return cell.get()?.type_of().flags().method_like.then_some((cell, Kind::Method));
    }
    let cell = super_::cell_after(ty, after, name)?;
    let v = cell.get()?;
    let class = v.type_of();
    let kind = match () {
        () if class.flags().method_like || class.slots.descr_get.get().is_none() => Kind::Pinned,
        () if class.is(class_type::<StaticMethod>()) => Kind::PinnedStaticMethod,
        () if class.is(class_type::<ClassMethod>()) => Kind::PinnedClassMethod,
        () => return None,
    };
    Some((cell, kind))
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
    if let (Some(ty), Some(after)) = (this.as_type(), cls.as_type())
        && is_super(global)
    {
        if let Some((cell, kind)) = on_class(this, after, name_of(m, s)) {
            // SAFETY: the instruction lies in shadow code.
            unsafe { cinder_shadow::look_super_pinned(m.pc, s, (this, ty), cell, words, kind) };
        }
        return super_method(generic, s.original().op() == Some(Opcode::LoadSuperMethod2));
    }
    // SAFETY: the instruction lies in shadow code.
    unsafe { cinder_shadow::look_super(m.pc, s, this, found, words) };
    super_method(generic, s.original().op() == Some(Opcode::LoadSuperMethod2))
}
