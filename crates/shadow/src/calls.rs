//! What call sites remember, and sites of operands of one shape.

use cinder_bytecode::op::Insn;
use cinder_pyobj::cell::AttrCell;
use cinder_pyobj::{Obj, Type};

use crate::code::rewrite;
use crate::ops::ShadowOp;
use crate::resolve;
use crate::site::{Site, WAYS};

/// Remembers whether instances of the shape `shape`, whose class is `ty`, are instances of the class with the word `cls`.
/// Up to four pairs are kept, in the entries beside the site's own.
pub fn look_instance(site: &Site, shape: u32, ty: &Type, cls: u64, answer: bool) {
    if !site.is_due() {
        return;
    }
    let m = site.more_or_new();
    let n = m.len.get() as usize;
    if n == WAYS {
        m.misses.set(m.misses.get().saturating_add(1));
        return site.failed();
    }
    let e = &m.entries[n];
    e.guard.set(shape);
    e.arg.set(answer.into());
    e.target.set(cls as usize);
    e.dep.set(resolve::dependency(ty));
    m.len.set(n as u32 + 1);
}

/// Remembers the code, by a number that no other code ever has, of a function that a call site calls. The site becomes
/// `ops[0]` with one target, `ops[1]` with up to four, `ops[2]` with more.
///
/// # Safety
/// As [`look_load`](crate::look_load); `ops` must specialise the site's instruction.
pub unsafe fn look_target(pc: *const Insn, site: &Site, code: u64, ops: [ShadowOp; 3]) {
    if !site.is_due() {
        return;
    }
    // SAFETY: passed on from the caller.
    unsafe {
        let now = ShadowOp::from_number((*pc).op_number());
        if !ops.iter().any(|op| now == Some(*op)) {
            if site.entry.word() != 0 {
                let m = site.more_or_new();
                m.misses.set(m.misses.get().saturating_add(1));
                if m.misses.get() > 8 {
                    site.failed();
                }
            }
            site.forget_entries();
            site.entry.set_word(code);
            return rewrite(pc, ops[0]);
        }
        if now == Some(ops[2]) || site.entry.word() == code && now == Some(ops[0]) {
            return site.failed();
        }
        let m = site.more_or_new();
        m.misses.set(m.misses.get().saturating_add(1));
        if m.len.get() == 0 {
            m.entries[0].set_word(site.entry.word());
            m.len.set(1);
        }
        let n = m.len.get() as usize;
        if m.entries[..n].iter().any(|e| e.word() == code) {
            return;
        }
        if n == WAYS {
            return rewrite(pc, ops[2]);
        }
        m.entries[n].set_word(code);
        m.counts[n].set(0);
        m.len.set(n as u32 + 1);
        rewrite(pc, ops[1]);
    }
}

/// Remembers how the arguments of a call with keywords get to the parameters of the code with this number. To be called
/// before [`look_call`].
pub fn look_plan(site: &Site, sources: u64, packed: u32, count: u32, code: u64) {
    let m = site.more_or_new();
    m.entries[0].target.set(sources as usize);
    m.entries[0].arg.set(packed);
    m.entries[0].guard.set(count);
    m.entries[1].set_word(code);
}

/// Makes a call site expect instances of the class of `callee`, whose `__call__` is in `cell`.
///
/// # Safety
/// As [`look_load`](crate::look_load); `op` must specialise the site's instruction.
pub unsafe fn look_object(pc: *const Insn, site: &Site, callee: &Obj, op: ShadowOp, cell: &AttrCell, dep: usize) {
    // SAFETY: passed on from the caller.
    unsafe {
        let shape = callee.shape_id().as_u32();
        look_call(pc, site, Some(op), shape.into(), cell as *const AttrCell as usize, dep);
    }
}

/// Makes a call site expect this callee (its word), with a cell or other address and a dependency.
///
/// # Safety
/// As [`look_load`](crate::look_load); `op` must specialise the site's instruction.
pub unsafe fn look_call(pc: *const Insn, site: &Site, op: Option<ShadowOp>, callee: u64, target: usize, dep: usize) {
    if !site.is_due() {
        return;
    }
    let Some(op) = op else { return site.failed() };
    if site.entry.word() != 0 && site.entry.word() != callee {
        let m = site.more_or_new();
        m.misses.set(m.misses.get().saturating_add(1));
        if m.misses.get() > 8 {
            site.failed();
        }
        m.len.set(0);
    }
    site.entry.set_word(callee);
    site.entry.target.set(target);
    site.entry.dep.set(dep);
    // SAFETY: passed on from the caller.
    unsafe { rewrite(pc, op) }
}

/// Makes a site expect operands of one shape, with whatever else its operation wants to know. Shapes name the class
/// for good, so nothing has to be forgotten: `op` must depend on nothing that can change.
///
/// # Safety
/// As [`look_load`](crate::look_load); `op` must specialise the site's instruction.
#[cold]
pub unsafe fn look_shape(pc: *const Insn, site: &Site, x: &Obj, op: Option<ShadowOp>, arg: u32, target: usize) {
    if !site.is_due() {
        return;
    }
    let Some(op) = op else { return site.failed() };
    if site.entry.guard.get() != 0 {
        let m = site.more_or_new();
        m.misses.set(m.misses.get().saturating_add(1));
        if m.misses.get() > 8 {
            site.failed();
        }
    }
    site.entry.guard.set(x.shape_id().as_u32());
    site.entry.arg.set(arg);
    site.entry.target.set(target);
    // SAFETY: passed on from the caller.
    unsafe { rewrite(pc, op) }
}
