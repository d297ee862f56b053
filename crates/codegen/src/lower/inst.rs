//! One instruction at a time.

use super::{Lower, fpr, gpr, reg_of, trap_code};
use crate::masm::{
    AluOp, Base, DivKind, Extend, FloatOp, FloatUnaryOp, Fpr, FprMem, Gpr, GprMem, Label, Masm, Mem, Rhs, ShiftOp,
    UnaryOp,
};
use crate::reloc::Ref;
use cinder_lir::alloc::Loc;
use cinder_lir::ir::{AddrKind, BlockId, Inst, InstId};
use cinder_lir::{IntCC, Op, Type};

impl<M: Masm> Lower<'_, M> {
    #[inline]
    fn def(&self, id: InstId) -> Gpr {
        gpr(reg_of(self.alloc.defs(id)[0]))
    }

    #[inline]
    fn fdef(&self, id: InstId) -> Fpr {
        fpr(reg_of(self.alloc.defs(id)[0]))
    }

    #[inline]
    fn use_gpr(&self, id: InstId, n: usize) -> Gpr {
        gpr(reg_of(self.alloc.uses(id)[n]))
    }

    #[inline]
    fn use_fpr(&self, id: InstId, n: usize) -> Fpr {
        fpr(reg_of(self.alloc.uses(id)[n]))
    }

    fn use_any(&self, id: InstId, n: usize) -> GprMem {
        match self.alloc.use_(id, n) {
            Some(Loc::Slot(s)) => GprMem::Mem(self.frame_slot(s)),
            _ => GprMem::Reg(self.use_gpr(id, n)),
        }
    }

    fn use_fany(&self, id: InstId, n: usize) -> FprMem {
        match self.alloc.use_(id, n) {
            Some(Loc::Slot(s)) => FprMem::Mem(self.frame_slot(s)),
            _ => FprMem::Reg(self.use_fpr(id, n)),
        }
    }

    /// The second operand: the immediate or the n-th use.
    fn rhs(&self, id: InstId, inst: &Inst, n: usize) -> Rhs {
        match inst.imm_rhs() {
            Some(imm) => Rhs::Imm(imm),
            None => self.use_any(id, n).into(),
        }
    }

    /// The address, whose registers are the last uses.
    fn mem(&self, id: InstId, inst: &Inst) -> Mem {
        let disp = inst.disp();
        match inst.mode.kind() {
            AddrKind::Base => {
                let regs = inst.mode.addr_regs();
                let first = self.alloc.uses(id).len() - regs;
                let index = inst.mode.has_index().then(|| (self.use_gpr(id, first + 1), inst.mode.scale()));
                Mem { base: Base::Reg(self.use_gpr(id, first)), index, disp }
            }
            AddrKind::Thread => Mem::at(gpr(self.target.thread), disp),
            AddrKind::Frame => Mem::at(M::frame_pointer(), disp),
            AddrKind::Stack => Mem::at(M::frame_pointer(), self.area + disp),
            AddrKind::Cell => Mem::symbol(Ref::Cell(inst.addr_cell().index() as u32)),
        }
    }

    fn edge(&self, block: BlockId, n: usize) -> Label {
        self.labels[self.func.block_edges(block)[n].to.index()]
    }

    /// Leaves the function unless the condition holds.
    fn guard(&mut self, id: InstId, cond: M::Cond) {
        let exit = self.exit(id);
        self.m.jump_if(M::negate(cond), exit);
    }

    fn branch(&mut self, block: BlockId, cond: M::Cond) {
        let (yes, no) = (self.edge(block, 0), self.edge(block, 1));
        self.m.branch(cond, yes, no);
    }

    fn alu(&mut self, op: AluOp, id: InstId, inst: &Inst) {
        let rhs = self.rhs(id, inst, 1);
        self.m.alu(op, inst.ty, self.def(id), self.use_gpr(id, 0), rhs);
    }

    fn alu_checked(&mut self, op: AluOp, id: InstId, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(id, inst, 1);
        self.m.alu_overflow(op, inst.ty, self.def(id), self.use_gpr(id, 0), rhs)
    }

    fn mul_checked(&mut self, id: InstId, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(id, inst, 1);
        self.m.mul_overflow(inst.ty, self.def(id), self.use_any(id, 0), rhs)
    }

    fn exit_if(&mut self, id: InstId, cond: M::Cond) {
        let exit = self.exit(id);
        self.m.jump_if(cond, exit);
    }

    fn shift(&mut self, op: ShiftOp, id: InstId, inst: &Inst) {
        let count = self.rhs(id, inst, 1);
        self.m.shift(op, inst.ty, self.def(id), self.use_gpr(id, 0), count);
    }

    fn div(&mut self, kind: DivKind, id: InstId, inst: &Inst, exit: bool) {
        let (zero, overflow) = if exit {
            let label = self.exit(id);
            (label, label)
        } else {
            let zero = self.trap_label(trap_code::DIVISION_BY_ZERO);
            let overflow = if kind == DivKind::Sdiv { self.trap_label(trap_code::DIVISION_OVERFLOW) } else { zero };
            (zero, overflow)
        };
        self.m.div(kind, inst.ty, self.def(id), self.use_gpr(id, 0), self.use_any(id, 1), zero, overflow);
    }

    fn unary(&mut self, op: UnaryOp, id: InstId, inst: &Inst) {
        self.m.unary(op, inst.ty, self.def(id), self.use_gpr(id, 0));
    }

    fn fbin(&mut self, op: FloatOp, id: InstId, inst: &Inst) {
        self.m.fbin(op, inst.ty, self.fdef(id), self.use_fpr(id, 0), self.use_fany(id, 1));
    }

    fn funary(&mut self, op: FloatUnaryOp, id: InstId, inst: &Inst) {
        self.m.funary(op, inst.ty, self.fdef(id), self.use_fpr(id, 0));
    }

    fn use_type(&self, inst: &Inst, n: usize) -> Type {
        self.func.vreg_type(self.func.uses(inst)[n])
    }

    fn load(&mut self, extend: Extend, id: InstId, inst: &Inst) {
        let mem = self.mem(id, inst);
        if inst.ty.is_float() {
            self.m.fload(inst.ty, self.fdef(id), mem);
        } else {
            self.m.load(inst.ty, extend, self.def(id), mem);
        }
    }

    fn store(&mut self, id: InstId, inst: &Inst) {
        let mem = self.mem(id, inst);
        match inst.imm_rhs() {
            Some(imm) => self.m.store_imm(inst.ty, imm, mem),
            None if inst.ty.is_float() => self.m.fstore(inst.ty, self.use_fpr(id, 0), mem),
            None => self.m.store(inst.ty, self.use_gpr(id, 0), mem),
        }
    }

    fn cmp(&mut self, id: InstId, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(id, inst, 1);
        self.m.cmp(inst.int_cc(), inst.ty, self.use_gpr(id, 0), rhs)
    }

    fn cmp_mem(&mut self, id: InstId, inst: &Inst) -> M::Cond {
        let mem = self.mem(id, inst);
        let rhs = self.rhs(id, inst, 0);
        self.m.cmp_mem(inst.int_cc(), inst.ty, mem, rhs)
    }

    fn fcmp(&mut self, id: InstId, inst: &Inst) -> M::Cond {
        self.m.fcmp(inst.float_cc(), inst.ty, self.use_fpr(id, 0), self.use_fany(id, 1))
    }

    fn nonzero(&mut self, ty: Type, reg: Gpr) -> M::Cond {
        self.m.cmp(IntCC::Ne, ty, reg, Rhs::Imm(0))
    }

    /// Picks the last but one or the last use.
    fn select(&mut self, id: InstId, inst: &Inst, cond: M::Cond) {
        let last = self.alloc.uses(id).len() - 1;
        let ty = self.func.vreg_type(self.func.defs(inst)[0]);
        if ty.is_float() {
            self.m.fselect(cond, ty, self.fdef(id), self.use_fany(id, last - 1), self.use_fpr(id, last));
        } else {
            self.m.select(cond, self.def(id), self.use_any(id, last - 1), self.use_gpr(id, last));
        }
    }

    fn bitcast(&mut self, id: InstId, inst: &Inst) {
        let from = self.use_type(inst, 0);
        match (from.is_float(), inst.ty.is_float()) {
            (true, false) => self.m.bits_of(from, self.def(id), self.use_fpr(id, 0)),
            (false, true) => self.m.float_of(inst.ty, self.fdef(id), self.use_gpr(id, 0)),
            (true, true) => self.m.fmov(self.fdef(id), self.use_fpr(id, 0)),
            (false, false) => self.m.mov(self.def(id), self.use_gpr(id, 0)),
        }
    }

    fn copy(&mut self, id: InstId, inst: &Inst) {
        let Some(to) = self.alloc.def(id, 0) else { return };
        if let Some(from) = self.alloc.use_(id, 0)
            && from != to
        {
            self.move_(from, to);
        }
        let _ = inst;
    }

    fn guard_stack(&mut self, id: InstId, inst: &Inst) {
        let limit = Mem::at(gpr(self.target.thread), inst.disp());
        let need = i32::try_from(inst.imm).unwrap_or(i32::MAX);
        let sp = if need == 0 {
            M::stack_pointer()
        } else {
            self.m.lea(M::scratch(), Mem::at(M::stack_pointer(), -need));
            M::scratch()
        };
        let cond = self.m.cmp(IntCC::Ult, Type::I64, sp, Rhs::Mem(limit));
        self.exit_if(id, cond);
    }

    pub(super) fn inst(&mut self, block: BlockId, id: InstId, inst: &Inst) {
        match inst.op {
            Op::Iconst => self.m.mov_imm(self.def(id), if inst.ty == Type::I64 { inst.imm as u64 } else { inst.imm as u32 as u64 }),
            Op::Fconst => self.m.fconst(inst.ty, self.fdef(id), inst.imm as u64),
            Op::SymAddr => self.m.sym_addr(self.def(id), Ref::Symbol(inst.symbol().index() as u32)),
            Op::Copy => self.copy(id, inst),
            Op::Trunc => self.copy(id, inst),
            Op::Add => self.alu(AluOp::Add, id, inst),
            Op::Sub => self.alu(AluOp::Sub, id, inst),
            Op::And => self.alu(AluOp::And, id, inst),
            Op::Or => self.alu(AluOp::Or, id, inst),
            Op::Xor => self.alu(AluOp::Xor, id, inst),
            Op::Mul => {
                let rhs = self.rhs(id, inst, 1);
                self.m.mul(inst.ty, self.def(id), self.use_any(id, 0), rhs);
            }
            Op::Shl => self.shift(ShiftOp::Shl, id, inst),
            Op::Shr => self.shift(ShiftOp::Shr, id, inst),
            Op::Sar => self.shift(ShiftOp::Sar, id, inst),
            Op::Rotl => self.shift(ShiftOp::Rotl, id, inst),
            Op::Rotr => self.shift(ShiftOp::Rotr, id, inst),
            Op::Sdiv => self.div(DivKind::Sdiv, id, inst, false),
            Op::Udiv => self.div(DivKind::Udiv, id, inst, false),
            Op::Srem => self.div(DivKind::Srem, id, inst, false),
            Op::Urem => self.div(DivKind::Urem, id, inst, false),
            Op::SdivExit => self.div(DivKind::Sdiv, id, inst, true),
            Op::SremExit => self.div(DivKind::Srem, id, inst, true),
            Op::Smulhi => self.m.mul_high(true, inst.ty, self.def(id), self.use_gpr(id, 0), self.use_any(id, 1)),
            Op::Umulhi => self.m.mul_high(false, inst.ty, self.def(id), self.use_gpr(id, 0), self.use_any(id, 1)),
            Op::Neg => self.unary(UnaryOp::Neg, id, inst),
            Op::Not => self.unary(UnaryOp::Not, id, inst),
            Op::Clz => self.unary(UnaryOp::Clz, id, inst),
            Op::Ctz => self.unary(UnaryOp::Ctz, id, inst),
            Op::Popcnt => self.unary(UnaryOp::Popcnt, id, inst),
            Op::Bswap => self.unary(UnaryOp::Bswap, id, inst),
            Op::AddOvf => {
                let cond = self.alu_checked(AluOp::Add, id, inst);
                self.exit_if(id, cond);
            }
            Op::SubOvf => {
                let cond = self.alu_checked(AluOp::Sub, id, inst);
                self.exit_if(id, cond);
            }
            Op::MulOvf => {
                let cond = self.mul_checked(id, inst);
                self.exit_if(id, cond);
            }
            Op::AddFlags => self.overflow = Some(self.alu_checked(AluOp::Add, id, inst)),
            Op::SubFlags => self.overflow = Some(self.alu_checked(AluOp::Sub, id, inst)),
            Op::MulFlags => self.overflow = Some(self.mul_checked(id, inst)),
            Op::Sext => self.m.extend(true, inst.ty, self.use_type(inst, 0), self.def(id), self.use_any(id, 0)),
            Op::Zext => self.m.extend(false, inst.ty, self.use_type(inst, 0), self.def(id), self.use_any(id, 0)),
            Op::Bitcast => self.bitcast(id, inst),
            Op::IntToFloat => self.m.int_to_float(inst.ty, self.use_type(inst, 0), self.fdef(id), self.use_gpr(id, 0)),
            Op::FloatToInt => self.m.float_to_int(inst.ty, self.use_type(inst, 0), self.def(id), self.use_fpr(id, 0)),
            Op::FloatCvt => self.m.fcvt(inst.ty, self.use_type(inst, 0), self.fdef(id), self.use_fpr(id, 0)),
            Op::Fadd => self.fbin(FloatOp::Add, id, inst),
            Op::Fsub => self.fbin(FloatOp::Sub, id, inst),
            Op::Fmul => self.fbin(FloatOp::Mul, id, inst),
            Op::Fdiv => self.fbin(FloatOp::Div, id, inst),
            Op::Fneg => self.funary(FloatUnaryOp::Neg, id, inst),
            Op::Fabs => self.funary(FloatUnaryOp::Abs, id, inst),
            Op::Fsqrt => self.funary(FloatUnaryOp::Sqrt, id, inst),
            Op::Ffloor => self.funary(FloatUnaryOp::Floor, id, inst),
            Op::Fceil => self.funary(FloatUnaryOp::Ceil, id, inst),
            Op::Ftrunc => self.funary(FloatUnaryOp::Trunc, id, inst),
            Op::Fnearest => self.funary(FloatUnaryOp::Nearest, id, inst),
            Op::Icmp => {
                let cond = self.cmp(id, inst);
                self.m.set(cond, self.def(id));
            }
            Op::Fcmp => {
                let cond = self.fcmp(id, inst);
                self.m.set(cond, self.def(id));
            }
            Op::Select => {
                let cond = self.nonzero(self.use_type(inst, 0), self.use_gpr(id, 0));
                self.select(id, inst, cond);
            }
            Op::SelectIcmp => {
                let cond = self.cmp(id, inst);
                self.select(id, inst, cond);
            }
            Op::Load => self.load(Extend::None, id, inst),
            Op::LoadZext => self.load(Extend::Zero, id, inst),
            Op::LoadSext => self.load(Extend::Sign, id, inst),
            Op::Store => self.store(id, inst),
            Op::Lea => self.m.lea(self.def(id), self.mem(id, inst)),
            Op::MemAdd => self.m.mem_add(inst.ty, self.mem(id, inst), self.rhs(id, inst, 0)),
            Op::AtomicAdd => {
                let tmps = self.alloc.temps(id);
                let tmp = tmps.first().map(|t| gpr(reg_of(*t)));
                let other = tmps.get(1).map(|t| gpr(reg_of(*t)));
                self.m.atomic_add(inst.ty, self.mem(id, inst), self.rhs(id, inst, 0), tmp, other);
            }
            Op::AtomicFetchAdd => {
                let tmp = self.alloc.temps(id).first().map(|t| gpr(reg_of(*t)));
                self.m.atomic_fetch_add(inst.ty, self.def(id), self.use_gpr(id, 0), self.mem(id, inst), tmp);
            }
            Op::AtomicCas => {
                let tmp = self.alloc.temps(id).first().map(|t| gpr(reg_of(*t)));
                let (expected, new) = (self.use_gpr(id, 0), self.use_gpr(id, 1));
                self.m.atomic_cas(inst.ty, self.def(id), expected, new, self.mem(id, inst), tmp);
            }
            Op::GetThread => self.m.mov(self.def(id), gpr(self.target.thread)),
            Op::SetThread => self.m.mov(gpr(self.target.thread), self.use_gpr(id, 0)),
            Op::FramePtr => self.m.mov(self.def(id), M::frame_pointer()),
            Op::StackPtr => self.m.lea(self.def(id), Mem::at(M::stack_pointer(), 0)),
            Op::Call | Op::CallInd | Op::CallCell => self.call(id, inst),
            Op::TailCall | Op::TailCallInd | Op::TailCallCell => self.tail_call(id, inst),
            Op::Guard => {
                let cond = self.nonzero(inst.ty, self.use_gpr(id, 0));
                self.guard(id, cond);
            }
            Op::GuardIcmp => {
                let cond = self.cmp(id, inst);
                self.guard(id, cond);
            }
            Op::GuardFcmp => {
                let cond = self.fcmp(id, inst);
                self.guard(id, cond);
            }
            Op::GuardIcmpMem => {
                let cond = self.cmp_mem(id, inst);
                self.guard(id, cond);
            }
            Op::GuardStack => self.guard_stack(id, inst),
            Op::Poll => {
                let mem = self.mem(id, inst);
                let cond = self.m.cmp_mem(IntCC::Ne, inst.ty, mem, Rhs::Imm(0));
                self.exit_if(id, cond);
            }
            Op::Safepoint => {
                if inst.frame().is_some() {
                    let point = self.point(id);
                    self.out.safepoints.push((self.m.offset(), point));
                }
            }
            Op::Exit => {
                let exit = self.exit(id);
                self.m.jump(exit);
            }
            Op::Jump => {
                let to = self.edge(block, 0);
                self.m.jump(to);
            }
            Op::Br => {
                let cond = self.nonzero(inst.ty, self.use_gpr(id, 0));
                self.branch(block, cond);
            }
            Op::BrIcmp => {
                let cond = self.cmp(id, inst);
                self.branch(block, cond);
            }
            Op::BrFcmp => {
                let cond = self.fcmp(id, inst);
                self.branch(block, cond);
            }
            Op::BrIcmpMem => {
                let cond = self.cmp_mem(id, inst);
                self.branch(block, cond);
            }
            Op::BrOf => match self.overflow.take() {
                Some(cond) => self.branch(block, cond),
                // The verifier admits `br_of` only behind an instruction that leaves its overflow.
                None => self.m.trap(0),
            },
            Op::Switch => {
                let edges = self.func.block_edges(block);
                let mut targets: Vec<Label> = edges.iter().map(|e| self.labels[e.to.index()]).collect();
                let default = targets.pop().unwrap_or(self.labels[block.index()]);
                let tmp = gpr(reg_of(self.alloc.temps(id)[0]));
                self.m.switch(inst.ty, self.use_gpr(id, 0), tmp, &targets, default);
            }
            Op::Ret => self.ret(),
            Op::Trap => self.m.trap(inst.imm as u32),
            Op::Args => self.args(block, id, inst),
            Op::Entries | Op::DebugValue | Op::Nop => {}
        }
    }
}
