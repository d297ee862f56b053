//! Address folding.

use super::Context;
use crate::ir::{Addr, AddrKind, Function, Inst, Mode, VReg};
use crate::op::{Op, OpFlags};
use crate::types::Type;

/// Folds the arithmetic that makes an address into the address, as long as the machine has the result.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let stable_thread = thread_is_stable(func);
    for at in 0..func.insts.len() {
        let inst = func.insts[at];
        if !inst.op.has(OpFlags::MEM) {
            continue;
        }
        let Some(mut addr) = func.addr(&inst) else { continue };
        let before = addr;
        while let Some(better) = improve(func, cx, &addr, stable_thread) {
            if !cx.target.addr_fits(inst.op, inst.ty, &better) {
                break;
            }
            addr = better;
        }
        if addr != before {
            replace(func, cx, at, &addr);
        }
    }
}

/// Whether every `get_thread` reads what the thread register holds for the rest of the activation: it is set only in
/// entry blocks, before it is read there.
fn thread_is_stable(func: &Function) -> bool {
    func.layout.iter().all(|&b| {
        let entry = func.entries.iter().any(|e| e.block == b);
        let mut read = false;
        func.block_insts(b).all(|id| match func.inst(id).op {
            Op::GetThread => {
                read = true;
                true
            }
            Op::SetThread => entry && !read,
            _ => true,
        })
    })
}

/// One step of folding.
fn improve(func: &Function, cx: &Context<'_>, addr: &Addr, stable_thread: bool) -> Option<Addr> {
    if addr.kind != AddrKind::Base {
        return None;
    }
    let base = addr.base?;
    if let Some(index) = addr.index
        && let Some(def) = cx.scratch.def(func, index).filter(|d| d.ty == Type::I64)
    {
        match (def.op, def.imm_rhs()) {
            (Op::Shl, Some(k)) if (0..4).contains(&k) && addr.scale + k as u8 <= 3 => {
                return Some(Addr { index: Some(func.uses(def)[0]), scale: addr.scale + k as u8, ..*addr });
            }
            (Op::Add, Some(k)) => {
                if let Some(disp) = displaced(addr.disp, k.checked_shl(addr.scale.into())?) {
                    return Some(Addr { index: Some(func.uses(def)[0]), disp, ..*addr });
                }
            }
            (Op::Iconst, _) => {
                if let Some(disp) = displaced(addr.disp, def.imm.checked_shl(addr.scale.into())?) {
                    return Some(Addr { index: None, scale: 0, disp, ..*addr });
                }
            }
            _ => {}
        }
    }
    let def = cx.scratch.def(func, base)?;
    let single = cx.scratch.uses[base.index()] == 1;
    match (def.op, def.imm_rhs()) {
        (Op::Add, Some(k)) => Some(Addr { base: Some(func.uses(def)[0]), disp: displaced(addr.disp, k)?, ..*addr }),
        (Op::Sub, Some(k)) => {
            Some(Addr { base: Some(func.uses(def)[0]), disp: displaced(addr.disp, k.checked_neg()?)?, ..*addr })
        }
        (Op::Add, None) if addr.index.is_none() && single => {
            let (a, b) = (func.uses(def)[0], func.uses(def)[1]);
            // The shifted operand is the better index.
            let shifted = |v: VReg| cx.scratch.def(func, v).is_some_and(|d| d.op == Op::Shl && d.mode.is_imm());
            let (a, b) = if shifted(a) && !shifted(b) { (b, a) } else { (a, b) };
            Some(Addr { base: Some(a), index: Some(b), scale: 0, ..*addr })
        }
        (Op::Lea, _) => merge(&func.addr(def)?, addr),
        (Op::GetThread, _) if addr.index.is_none() && stable_thread => {
            Some(Addr { kind: AddrKind::Thread, base: None, ..*addr })
        }
        (Op::FramePtr, _) if addr.index.is_none() => Some(Addr { kind: AddrKind::Frame, base: None, ..*addr }),
        _ => None,
    }
}

fn displaced(disp: i32, by: i64) -> Option<i32> {
    i32::try_from(i64::from(disp).checked_add(by)?).ok()
}

/// The address `outer` whose base is the value of a `lea` of `inner`.
fn merge(inner: &Addr, outer: &Addr) -> Option<Addr> {
    if inner.kind == AddrKind::Cell || (outer.index.is_some() && inner.index.is_some()) {
        return None;
    }
    if outer.index.is_some() && inner.kind != AddrKind::Base {
        return None;
    }
    let (index, scale) = if outer.index.is_some() { (outer.index, outer.scale) } else { (inner.index, inner.scale) };
    let disp = displaced(inner.disp, outer.disp.into())?;
    Some(Addr { kind: inner.kind, base: inner.base, index, scale, disp })
}

fn replace(func: &mut Function, cx: &mut Context<'_>, at: usize, addr: &Addr) {
    let inst: Inst = func.insts[at];
    let old = func.uses(&inst).to_vec();
    let keep = old.len() - inst.mode.addr_regs();
    let mut uses = old[..keep].to_vec();
    uses.extend(addr.base);
    uses.extend(addr.index);
    for v in &old[keep..] {
        cx.scratch.uses[v.index()] -= 1;
    }
    for v in &uses[keep..] {
        cx.scratch.uses[v.index()] += 1;
    }
    func.set_uses(at, &uses);
    let new = &mut func.insts[at];
    new.mode = Mode::of_addr(addr).with_imm(inst.mode.is_imm());
    new.aux = addr.disp as u32;
}
