//! Loads by cache in one call: for interpreters whose handlers may make calls.

use cinder_bytecode::op::Opcode;
use cinder_pyobj::Obj;
use cinder_pyobj::Value;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::shape::instance;
use cinder_pyobj::types::str::Name;

use crate::code::Shadow;
use crate::install::{kind_of_entry, look_load};
use crate::ops::ShadowOp;
use crate::resolve::Kind;
use crate::site::Entry;

impl Shadow {
    /// The value that the attribute load at index `at` gives for `x`, if its site remembers where `x` keeps it and no
    /// code has to run to get it. Nothing means: tell [`Shadow::observe_load`], then load in the general way.
    pub fn load(&self, at: usize, x: &Obj) -> Option<Obj> {
        let insn = self.insn(at);
        let op = ShadowOp::from_number(insn.op_number())?;
        if op.info().generic != Opcode::LoadAttr {
            return None;
        }
        let site = self.site(Shadow::site_number(insn)?);
        let more = site.more().filter(|m| m.len.get() > 0);
        let Some(m) = more else { return read(&site.entry, kind_of_entry(op), x) };
        (0..m.len.get() as usize).find_map(|i| {
            let v = read(&m.entries[i], m.kinds[i].get(), x)?;
            m.counts[i].set(m.counts[i].get().wrapping_add(1));
            Some(v)
        })
    }

    /// Lets the site of the attribute load at index `at` learn from a load of `name` from `x` that it did not know.
    pub fn observe_load(&self, at: usize, x: &Obj, name: Name) {
        let insn = self.insn(at);
        let is_load = ShadowOp::from_number(insn.op_number()).is_some_and(|op| op.info().generic == Opcode::LoadAttr);
        if let Some(n) = Shadow::site_number(insn).filter(|_| is_load) {
            // SAFETY: the instruction is one of this shadow's, and the site is its own.
            unsafe { look_load(self.start().add(at), self.site(n), x, name) }
        }
    }
}

/// What an entry of this kind gives for `x`.
fn read(e: &Entry, kind: Kind, x: &Obj) -> Option<Obj> {
    let p = x.as_ptr()?;
    let holds = if kind.is_pinned() { e.word() == x.value().bits() } else { e.guard.get() == x.shape_id().as_u32() };
    if !holds {
        return None;
    }
    // SAFETY: the guard holds, so the object has the slot; cells are forgotten before they die. The word is counted before
    // anything else can happen.
    unsafe {
        let word = match kind {
            Kind::Slot => *((p as usize + e.arg.get() as usize) as *const Value),
            Kind::Over => *instance::overflow_slot(p, x.type_of(), e.arg.get() as usize)?,
            Kind::Class | Kind::Pinned => (*(e.target.get() as *const AttrCell)).value(),
            _ => return None,
        };
        (word != Value::UNBOUND).then(|| Obj::from_borrowed(word))
    }
}
