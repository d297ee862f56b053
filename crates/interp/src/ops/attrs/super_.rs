//! Look-ups of methods through `super()`.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::types::super_;
use cinder_pyobj::{PyResult, Value};

use super::{cell_word, guarded, name_of, site};
use crate::machine::{Fast, Flow, M};
use crate::ops::items::{is_super, super_method};
use crate::ops::{fast, fast_op};

fast_op! {
    LoadSuperLook |m| fast { Fast::Slow } slow { load_super(m) }

    LoadSuperClass |m| fast { super_known(m) } slow { load_super(m) }

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
    super_method(generic, s.original().op() == Some(Opcode::LoadSuperMethod2))
}
