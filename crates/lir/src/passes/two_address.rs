//! Forms that need no copies on machines whose results overwrite their first operand.

use super::Context;
use crate::ir::{Addr, Function, Mode};
use crate::op::{Constraint, Op, OpFlags};
use crate::types::Type;

/// An operand that is used again would have to be copied before it is overwritten. Exchanges the operands where the
/// second is not used again, and makes 64-bit sums of operands that both are into addresses. A use count above one
/// stands for "used again": other uses may come before, but then nothing is lost.
pub(super) fn run(func: &mut Function, cx: &mut Context<'_>) {
    if !cx.target.two_address {
        return;
    }
    let uses = &cx.scratch.uses;
    for at in 0..func.insts.len() {
        let inst = func.insts[at];
        if !matches!(inst.op.info().constraint, Constraint::Two | Constraint::Mul) || inst.frame().is_some() {
            continue;
        }
        let first = inst.operands as usize + inst.defs as usize;
        let again = |n: usize| uses[func.pool[first + n].index()] > 1;
        if inst.uses == 2 && again(0) && !again(1) && inst.op.has(OpFlags::COMMUTES) {
            func.pool.swap(first, first + 1);
            continue;
        }
        if inst.op != Op::Add || inst.ty != Type::I64 || !again(0) {
            continue;
        }
        let base = func.pool[first];
        let addr = match inst.imm_rhs() {
            Some(k) => i32::try_from(k).ok().map(|disp| Addr::base(base, disp)),
            None => Some(Addr::indexed(base, func.pool[first + 1], 0, 0)),
        };
        let Some(addr) = addr else { continue };
        let new = &mut func.insts[at];
        new.op = Op::Lea;
        new.mode = Mode::of_addr(&addr);
        new.aux = addr.disp as u32;
        new.imm = 0;
    }
}
