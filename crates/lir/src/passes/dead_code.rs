//! Dead code.

use super::Context;
use crate::ir::{Function, InstId};
use crate::op::{Effect, Op};

/// Turns instructions that only compute unused results into `nop`; `layout` drops those.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    let work = &mut cx.scratch.work;
    work.clear();
    let uses = &mut cx.scratch.uses;
    let removable = |func: &Function, uses: &[u32], at: usize| {
        let inst = &func.insts[at];
        inst.defs > 0
            && matches!(inst.op.effect(), Effect::Pure | Effect::Read)
            && func.defs(inst).iter().all(|d| uses[d.index()] == 0)
    };
    let mut any = false;
    for at in 0..func.insts.len() {
        if removable(func, uses, at) {
            work.push(at as u32);
        }
    }
    while let Some(at) = work.pop() {
        let at = at as usize;
        if func.insts[at].op == Op::Nop {
            continue;
        }
        for k in 0..func.insts[at].uses as usize {
            let v = func.inst_uses(InstId::new(at))[k];
            uses[v.index()] -= 1;
            let def = cx.scratch.def[v.index()] as usize;
            if uses[v.index()] == 0 && def < func.insts.len() && removable(func, uses, def) {
                work.push(def as u32);
            }
        }
        func.insts[at].kill();
        any = true;
    }
    if any && !func.vars.is_empty() {
        clear_debug_values(func, &cx.scratch.def);
    }
}

/// Variables whose value was removed have none.
fn clear_debug_values(func: &mut Function, def: &[u32]) {
    for i in 0..func.insts.len() {
        if func.insts[i].op != Op::DebugValue {
            continue;
        }
        let gone = func
            .inst_uses(InstId::new(i))
            .iter()
            .any(|v| func.insts.get(def[v.index()] as usize).is_some_and(|d| d.op == Op::Nop));
        if gone {
            func.insts[i].uses = 0;
        }
    }
}
