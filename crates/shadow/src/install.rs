//! Specialisation: what a site does with what it met.

use cinder_bytecode::op::Insn;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::types::str::Name;
use cinder_pyobj::{Obj, Type};

use crate::code::rewrite;
use crate::ops::ShadowOp;
use crate::resolve::{self, Answer, Kind};
use crate::site::{Site, WAYS};

fn fill(e: &crate::site::Entry, a: &Answer) {
    if a.kind.is_pinned() {
        e.set_word(a.guard);
    } else {
        e.guard.set(a.guard as u32);
        e.arg.set(a.arg);
    }
    e.target.set(a.target);
    e.dep.set(a.dep);
}

/// The kind of look-up that the site's only entry holds, as its operation tells.
fn kind_of(op: ShadowOp) -> Kind {
    match op {
        ShadowOp::LoadAttrSlot | ShadowOp::StoreAttrSlot | ShadowOp::LoadMethodSlot => Kind::Slot,
        ShadowOp::LoadAttrOver | ShadowOp::StoreAttrOver => Kind::Over,
        ShadowOp::LoadAttrClass => Kind::Class,
        ShadowOp::LoadAttrProperty => Kind::Property,
        ShadowOp::LoadAttrDescr => Kind::Descr,
        ShadowOp::LoadAttrHook => Kind::Hook,
        ShadowOp::LoadAttrAbsent => Kind::Absent,
        ShadowOp::LoadAttrPinned | ShadowOp::LoadMethodPinned => Kind::Pinned,
        ShadowOp::LoadAttrPinnedDescr => Kind::PinnedDescr,
        ShadowOp::LoadMethodClass | ShadowOp::LoadSpecialClass => Kind::Method,
        ShadowOp::LoadMethodOfClass => Kind::ClassMethod,
        ShadowOp::LoadMethodStatic => Kind::StaticMethod,
        ShadowOp::LoadMethodPinnedOfClass => Kind::PinnedClassMethod,
        ShadowOp::LoadMethodPinnedStatic => Kind::PinnedStaticMethod,
        ShadowOp::StoreAttrGrow => Kind::Grow,
        ShadowOp::StoreAttrProperty => Kind::SetProperty,
        ShadowOp::StoreAttrDescr => Kind::SetDescr,
        ShadowOp::StoreAttrGrowOver => Kind::GrowOver,
        ShadowOp::DelAttrShrink => Kind::Shrink,
        ShadowOp::DelAttrShrinkOver => Kind::ShrinkOver,
        ShadowOp::DelAttrDescr => Kind::SetDescr,
        _ => Kind::None,
    }
}

/// What the site's only entry, of an instruction with this operation, gives.
pub fn kind_of_entry(op: ShadowOp) -> Kind {
    kind_of(op)
}

fn is_for(e: &crate::site::Entry, kind: Kind, a: &Answer) -> bool {
    kind.is_pinned() == a.kind.is_pinned()
        && if kind.is_pinned() { e.word() == a.guard } else { u64::from(e.guard.get()) == a.guard }
}

/// Remembers an answer: alone, beside others, or not at all when there are too many.
///
/// # Safety
/// `pc` must be the address of the site's instruction in live shadow code.
unsafe fn remember(
    pc: *const Insn,
    site: &Site,
    answer: Option<Answer>,
    single: impl Fn(Kind) -> Option<ShadowOp>,
    many: Option<ShadowOp>,
    overflow: Option<ShadowOp>,
) {
    // SAFETY: by the caller's promise for all rewrites below.
    unsafe {
        let Some(a) = answer else { return site.failed() };
        let Some(op) = single(a.kind) else { return site.failed() };
        let now = ShadowOp::from_number((*pc).op_number());
        let is_many = now.is_some() && now == many;
        let known = !is_many && (site.entry.dep.get() != 0 || site.entry.guard.get() != 0);
        if known || is_many {
            // It met something else than it remembered.
            let m = site.more_or_new();
            m.misses.set(m.misses.get().saturating_add(1));
        }
        let Some(many) = many.filter(|many| known || is_many || *many == op) else {
            if site.misses() > 8 {
                site.failed();
            }
            fill(&site.entry, &a);
            return rewrite(pc, op);
        };
        let m = site.more_or_new();
        if known && m.len.get() == 0 {
            m.entries[0].copy_from(&site.entry);
            m.kinds[0].set(now.map_or(Kind::None, kind_of));
            m.len.set(1);
        }
        let n = m.len.get() as usize;
        if m.entries[..n].iter().zip(&m.kinds).any(|(e, kind)| is_for(e, kind.get(), &a)) {
            // Known already: the fast path failed for another reason.
            return site.failed();
        }
        if n == WAYS {
            match overflow {
                Some(op) => rewrite(pc, op),
                None => site.failed(),
            }
            return;
        }
        fill(&m.entries[n], &a);
        m.kinds[n].set(a.kind);
        m.counts[n].set(0);
        m.len.set(n as u32 + 1);
        rewrite(pc, many);
    }
}

/// After a load that the site did not know: remembers it. To be called before the load is done the general way.
///
/// # Safety
/// `pc` must be the address of the site's instruction in live shadow code.
#[cold]
pub unsafe fn look_load(pc: *const Insn, site: &Site, x: &Obj, name: Name) {
    if !site.is_due() {
        return;
    }
    let single = |k: Kind| {
        Some(match k {
            Kind::Slot => ShadowOp::LoadAttrSlot,
            Kind::Over => ShadowOp::LoadAttrOver,
            Kind::Class => ShadowOp::LoadAttrClass,
            Kind::Property => ShadowOp::LoadAttrProperty,
            Kind::Descr | Kind::Method | Kind::ClassMethod | Kind::StaticMethod => ShadowOp::LoadAttrDescr,
            Kind::Hook => ShadowOp::LoadAttrHook,
            Kind::Absent => ShadowOp::LoadAttrAbsent,
            Kind::Pinned => ShadowOp::LoadAttrPinned,
            Kind::PinnedDescr | Kind::PinnedClassMethod | Kind::PinnedStaticMethod => ShadowOp::LoadAttrPinnedDescr,
            Kind::PinnedAbsent => ShadowOp::LoadAttrPoly,
            _ => return None,
        })
    };
    let a = resolve::load(x, name);
    // SAFETY: passed on from the caller.
    unsafe { remember(pc, site, a, single, Some(ShadowOp::LoadAttrPoly), Some(ShadowOp::LoadAttrMega)) }
}

/// As [`look_load`], for stores.
///
/// # Safety
/// As [`look_load`].
#[cold]
pub unsafe fn look_store(pc: *const Insn, site: &Site, x: &Obj, name: Name) {
    if !site.is_due() {
        return;
    }
    let single = |k: Kind| {
        Some(match k {
            Kind::Slot => ShadowOp::StoreAttrSlot,
            Kind::Over => ShadowOp::StoreAttrOver,
            Kind::Grow => ShadowOp::StoreAttrGrow,
            Kind::GrowOver => ShadowOp::StoreAttrGrowOver,
            Kind::SetProperty => ShadowOp::StoreAttrProperty,
            Kind::SetDescr => ShadowOp::StoreAttrDescr,
            _ => return None,
        })
    };
    let a = resolve::store(x, name);
    // SAFETY: passed on from the caller.
    unsafe { remember(pc, site, a, single, Some(ShadowOp::StoreAttrPoly), Some(ShadowOp::StoreAttrMega)) }
}

/// As [`look_load`], for deletions.
///
/// # Safety
/// As [`look_load`].
#[cold]
pub unsafe fn look_delete(pc: *const Insn, site: &Site, x: &Obj, name: Name) {
    if !site.is_due() {
        return;
    }
    let single = |k: Kind| {
        Some(match k {
            Kind::Shrink => ShadowOp::DelAttrShrink,
            Kind::ShrinkOver => ShadowOp::DelAttrShrinkOver,
            Kind::SetDescr => ShadowOp::DelAttrDescr,
            _ => return None,
        })
    };
    let a = resolve::delete(x, name);
    // SAFETY: passed on from the caller.
    unsafe { remember(pc, site, a, single, None, None) }
}

/// As [`look_load`], for the look-up of a method that is called next.
///
/// # Safety
/// As [`look_load`].
#[cold]
pub unsafe fn look_method(pc: *const Insn, site: &Site, x: &Obj, name: Name) {
    if !site.is_due() {
        return;
    }
    let single = |k: Kind| {
        Some(match k {
            Kind::Method => ShadowOp::LoadMethodClass,
            Kind::Pinned => ShadowOp::LoadMethodPinned,
            Kind::Slot => ShadowOp::LoadMethodSlot,
            Kind::ClassMethod => ShadowOp::LoadMethodOfClass,
            Kind::StaticMethod => ShadowOp::LoadMethodStatic,
            Kind::PinnedClassMethod => ShadowOp::LoadMethodPinnedOfClass,
            Kind::PinnedStaticMethod => ShadowOp::LoadMethodPinnedStatic,
            Kind::Over | Kind::Class | Kind::Descr | Kind::Property | Kind::Absent => ShadowOp::LoadMethodPoly,
            Kind::PinnedDescr | Kind::PinnedAbsent => ShadowOp::LoadMethodPoly,
            _ => return None,
        })
    };
    let a = resolve::load(x, name);
    // SAFETY: passed on from the caller.
    unsafe { remember(pc, site, a, single, Some(ShadowOp::LoadMethodPoly), Some(ShadowOp::LoadMethodMega)) }
}

/// As [`look_load`], for the look-up of a special method in the class alone.
///
/// # Safety
/// As [`look_load`].
#[cold]
pub unsafe fn look_special(pc: *const Insn, site: &Site, x: &Obj, name: Name) {
    if !site.is_due() {
        return;
    }
    let single = |k: Kind| (k == Kind::Method).then_some(ShadowOp::LoadSpecialClass);
    let a = resolve::special(x, name);
    // SAFETY: passed on from the caller.
    unsafe { remember(pc, site, a, single, None, None) }
}

/// Remembers the cells of a global and of the builtin of that name, for the globals dict `globals` (its word).
/// `builtins` is the word of the builtins dict, `dep` the dependency on the globals.
///
/// # Safety
/// As [`look_load`]; the cells must live in these dicts, and the builtins dict must never die.
pub unsafe fn look_global(
    pc: *const Insn,
    site: &Site,
    globals: u64,
    global: &AttrCell,
    builtin: Option<(&AttrCell, u64)>,
    dep: usize,
) {
    if !site.is_due() {
        return;
    }
    site.entry.set_word(globals);
    site.entry.target.set(global as *const AttrCell as usize);
    site.entry.dep.set(dep);
    // SAFETY: passed on from the caller.
    unsafe {
        match builtin {
            None => rewrite(pc, ShadowOp::LoadGlobalCell),
            Some((b, builtins)) => {
                let m = site.more_or_new();
                m.entries[0].set_word(builtins);
                m.entries[0].target.set(b as *const AttrCell as usize);
                rewrite(pc, ShadowOp::LoadGlobalBuiltin);
            }
        }
    }
}

/// Remembers the cells of `__builtins__` and `__name__` in the globals dict `globals` (its word) of functions that the
/// site makes. `dep` is the dependency on the globals.
///
/// # Safety
/// As [`look_load`]; the cells must live in that dict.
pub unsafe fn look_function(
    pc: *const Insn,
    site: &Site,
    globals: u64,
    builtins: &AttrCell,
    name: &AttrCell,
    dep: usize,
) {
    if !site.is_due() {
        return;
    }
    site.entry.set_word(globals);
    site.entry.target.set(builtins as *const AttrCell as usize);
    site.entry.dep.set(dep);
    site.more_or_new().entries[0].target.set(name as *const AttrCell as usize);
    // SAFETY: passed on from the caller.
    unsafe { rewrite(pc, ShadowOp::MakeFunctionCells) }
}

/// Remembers a method found through `super()`: for receivers of `this`'s shape, with the words of `super` and of the
/// class that the look-up starts after.
///
/// # Safety
/// As [`look_load`]; `cell` must be that of a class in the method resolution order of `this`'s class, which is not
/// native.
pub unsafe fn look_super(pc: *const Insn, site: &Site, this: &Obj, cell: Option<&AttrCell>, words: (u64, u64)) {
    if !site.is_due() {
        return;
    }
    let Some(cell) = cell else { return site.failed() };
    let ty = this.type_of();
    ty.mark_cached();
    site.entry.guard.set(this.shape_id().as_u32());
    site.entry.target.set(cell as *const AttrCell as usize);
    site.entry.dep.set(ty as *const cinder_pyobj::Type as usize);
    let m = site.more_or_new();
    m.entries[0].set_word(words.0);
    m.entries[0].target.set(words.1 as usize);
    let explicit = site.original().op() == Some(cinder_bytecode::op::Opcode::LoadSuperMethod2);
    // SAFETY: passed on from the caller.
    unsafe { rewrite(pc, if explicit { ShadowOp::LoadSuper2Class } else { ShadowOp::LoadSuperClass }) }
}

/// As [`look_super`], for a receiver that is a class; `kind` tells what is in the cell: something to call as it is, a static
/// or class method, or a function that is called with the class.
///
/// # Safety
/// As [`look_super`].
pub unsafe fn look_super_pinned(
    pc: *const Insn,
    site: &Site,
    (this, ty): (&Obj, &Type),
    cell: &AttrCell,
    words: (u64, u64),
    kind: Kind,
) {
    if !site.is_due() {
        return;
    }
    if ty.flags().immutable {
        return site.failed();
    }
    ty.mark_cached();
    this.type_of().mark_cached();
    site.entry.set_word(this.value().bits());
    site.entry.target.set(cell as *const AttrCell as usize);
    site.entry.dep.set(ty as *const Type as usize);
    let m = site.more_or_new();
    m.entries[0].set_word(words.0);
    m.entries[0].target.set(words.1 as usize);
    m.kinds[0].set(kind);
    let explicit = site.original().op() == Some(cinder_bytecode::op::Opcode::LoadSuperMethod2);
    // SAFETY: passed on from the caller.
    unsafe { rewrite(pc, if explicit { ShadowOp::LoadSuper2Pinned } else { ShadowOp::LoadSuperPinned }) }
}
