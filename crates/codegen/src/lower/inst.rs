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
    fn def(&self) -> Gpr {
        gpr(reg_of(self.defs[0]))
    }

    #[inline]
    fn fdef(&self) -> Fpr {
        fpr(reg_of(self.defs[0]))
    }

    #[inline]
    fn use_gpr(&self, n: usize) -> Gpr {
        gpr(reg_of(self.uses[n]))
    }

    #[inline]
    fn use_fpr(&self, n: usize) -> Fpr {
        fpr(reg_of(self.uses[n]))
    }

    fn use_any(&self, n: usize) -> GprMem {
        match Loc::from_allocation(self.uses[n]) {
            Some(Loc::Slot(s)) => GprMem::Mem(self.frame_slot(s)),
            _ => GprMem::Reg(self.use_gpr(n)),
        }
    }

    fn use_fany(&self, n: usize) -> FprMem {
        match Loc::from_allocation(self.uses[n]) {
            Some(Loc::Slot(s)) => FprMem::Mem(self.frame_slot(s)),
            _ => FprMem::Reg(self.use_fpr(n)),
        }
    }

    /// The second operand: the immediate or the n-th use.
    fn rhs(&self, inst: &Inst, n: usize) -> Rhs {
        match inst.imm_rhs() {
            Some(imm) => Rhs::Imm(imm),
            None => self.use_any(n).into(),
        }
    }

    /// The address, whose registers are the last uses.
    fn mem(&self, inst: &Inst) -> Mem {
        let disp = inst.disp();
        match inst.mode.kind() {
            AddrKind::Base => {
                let regs = inst.mode.addr_regs();
                let first = self.uses.len() - regs;
                let index = inst.mode.has_index().then(|| (self.use_gpr(first + 1), inst.mode.scale()));
                Mem { base: Base::Reg(self.use_gpr(first)), index, disp }
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

    fn alu(&mut self, op: AluOp, inst: &Inst) {
        let rhs = self.rhs(inst, 1);
        self.m.alu(op, inst.ty, self.def(), self.use_gpr(0), rhs);
    }

    fn alu_checked(&mut self, op: AluOp, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(inst, 1);
        self.m.alu_overflow(op, inst.ty, self.def(), self.use_gpr(0), rhs)
    }

    fn mul_checked(&mut self, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(inst, 1);
        self.m.mul_overflow(inst.ty, self.def(), self.use_any(0), rhs)
    }

    fn exit_if(&mut self, id: InstId, cond: M::Cond) {
        let exit = self.exit(id);
        self.m.jump_if(cond, exit);
    }

    fn shift(&mut self, op: ShiftOp, inst: &Inst) {
        let count = self.rhs(inst, 1);
        self.m.shift(op, inst.ty, self.def(), self.use_gpr(0), count);
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
        self.m.div(kind, inst.ty, self.def(), self.use_gpr(0), self.use_any(1), zero, overflow);
    }

    fn unary(&mut self, op: UnaryOp, inst: &Inst) {
        self.m.unary(op, inst.ty, self.def(), self.use_gpr(0));
    }

    fn fbin(&mut self, op: FloatOp, inst: &Inst) {
        self.m.fbin(op, inst.ty, self.fdef(), self.use_fpr(0), self.use_fany(1));
    }

    fn funary(&mut self, op: FloatUnaryOp, inst: &Inst) {
        self.m.funary(op, inst.ty, self.fdef(), self.use_fpr(0));
    }

    fn use_type(&self, inst: &Inst, n: usize) -> Type {
        self.func.vreg_type(self.func.uses(inst)[n])
    }

    fn load(&mut self, extend: Extend, inst: &Inst) {
        let mem = self.mem(inst);
        if inst.ty.is_float() {
            self.m.fload(inst.ty, self.fdef(), mem);
        } else {
            self.m.load(inst.ty, extend, self.def(), mem);
        }
    }

    fn store(&mut self, inst: &Inst) {
        let mem = self.mem(inst);
        match inst.imm_rhs() {
            Some(imm) => self.m.store_imm(inst.ty, imm, mem),
            None if inst.ty.is_float() => self.m.fstore(inst.ty, self.use_fpr(0), mem),
            None => self.m.store(inst.ty, self.use_gpr(0), mem),
        }
    }

    fn cmp(&mut self, inst: &Inst) -> M::Cond {
        let rhs = self.rhs(inst, 1);
        self.m.cmp(inst.int_cc(), inst.ty, self.use_gpr(0), rhs)
    }

    fn cmp_mem(&mut self, inst: &Inst) -> M::Cond {
        let mem = self.mem(inst);
        let rhs = self.rhs(inst, 0);
        self.m.cmp_mem(inst.int_cc(), inst.ty, mem, rhs)
    }

    fn fcmp(&mut self, inst: &Inst) -> M::Cond {
        self.m.fcmp(inst.float_cc(), inst.ty, self.use_fpr(0), self.use_fany(1))
    }

    fn nonzero(&mut self, ty: Type, reg: Gpr) -> M::Cond {
        self.m.cmp(IntCC::Ne, ty, reg, Rhs::Imm(0))
    }

    /// Picks the last but one or the last use.
    fn select(&mut self, inst: &Inst, cond: M::Cond) {
        let last = self.uses.len() - 1;
        let ty = self.func.vreg_type(self.func.defs(inst)[0]);
        if ty.is_float() {
            self.m.fselect(cond, ty, self.fdef(), self.use_fany(last - 1), self.use_fpr(last));
        } else {
            self.m.select(cond, self.def(), self.use_any(last - 1), self.use_gpr(last));
        }
    }

    fn bitcast(&mut self, inst: &Inst) {
        let from = self.use_type(inst, 0);
        match (from.is_float(), inst.ty.is_float()) {
            (true, false) => self.m.bits_of(from, self.def(), self.use_fpr(0)),
            (false, true) => self.m.float_of(inst.ty, self.fdef(), self.use_gpr(0)),
            (true, true) => self.m.fmov(self.fdef(), self.use_fpr(0)),
            (false, false) => self.m.mov(self.def(), self.use_gpr(0)),
        }
    }

    fn copy(&mut self) {
        let (to, from) = (Loc::from_allocation(self.defs[0]), Loc::from_allocation(self.uses[0]));
        if let (Some(to), Some(from)) = (to, from)
            && from != to
        {
            self.move_(from, to);
        }
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
            Op::Iconst => {
                self.m.mov_imm(self.def(), if inst.ty == Type::I64 { inst.imm as u64 } else { inst.imm as u32 as u64 })
            }
            Op::Fconst => self.m.fconst(inst.ty, self.fdef(), inst.imm as u64),
            Op::SymAddr => self.m.sym_addr(self.def(), Ref::Symbol(inst.symbol().index() as u32)),
            Op::Copy => self.copy(),
            Op::Trunc => self.copy(),
            Op::Add => self.alu(AluOp::Add, inst),
            Op::Sub => self.alu(AluOp::Sub, inst),
            Op::And => self.alu(AluOp::And, inst),
            Op::Or => self.alu(AluOp::Or, inst),
            Op::Xor => self.alu(AluOp::Xor, inst),
            Op::Mul => {
                let rhs = self.rhs(inst, 1);
                self.m.mul(inst.ty, self.def(), self.use_any(0), rhs);
            }
            Op::Shl => self.shift(ShiftOp::Shl, inst),
            Op::Shr => self.shift(ShiftOp::Shr, inst),
            Op::Sar => self.shift(ShiftOp::Sar, inst),
            Op::Rotl => self.shift(ShiftOp::Rotl, inst),
            Op::Rotr => self.shift(ShiftOp::Rotr, inst),
            Op::Sdiv => self.div(DivKind::Sdiv, id, inst, false),
            Op::Udiv => self.div(DivKind::Udiv, id, inst, false),
            Op::Srem => self.div(DivKind::Srem, id, inst, false),
            Op::Urem => self.div(DivKind::Urem, id, inst, false),
            Op::SdivExit => self.div(DivKind::Sdiv, id, inst, true),
            Op::SremExit => self.div(DivKind::Srem, id, inst, true),
            Op::Smulhi => self.m.mul_high(true, inst.ty, self.def(), self.use_gpr(0), self.use_any(1)),
            Op::Umulhi => self.m.mul_high(false, inst.ty, self.def(), self.use_gpr(0), self.use_any(1)),
            Op::Neg => self.unary(UnaryOp::Neg, inst),
            Op::Not => self.unary(UnaryOp::Not, inst),
            Op::Clz => self.unary(UnaryOp::Clz, inst),
            Op::Ctz => self.unary(UnaryOp::Ctz, inst),
            Op::Popcnt => self.unary(UnaryOp::Popcnt, inst),
            Op::Bswap => self.unary(UnaryOp::Bswap, inst),
            Op::AddOvf => {
                let cond = self.alu_checked(AluOp::Add, inst);
                self.exit_if(id, cond);
            }
            Op::SubOvf => {
                let cond = self.alu_checked(AluOp::Sub, inst);
                self.exit_if(id, cond);
            }
            Op::MulOvf => {
                let cond = self.mul_checked(inst);
                self.exit_if(id, cond);
            }
            Op::AddFlags => self.overflow = Some(self.alu_checked(AluOp::Add, inst)),
            Op::SubFlags => self.overflow = Some(self.alu_checked(AluOp::Sub, inst)),
            Op::MulFlags => self.overflow = Some(self.mul_checked(inst)),
            Op::Sext => self.m.extend(true, inst.ty, self.use_type(inst, 0), self.def(), self.use_any(0)),
            Op::Zext => self.m.extend(false, inst.ty, self.use_type(inst, 0), self.def(), self.use_any(0)),
            Op::Bitcast => self.bitcast(inst),
            Op::IntToFloat => self.m.int_to_float(inst.ty, self.use_type(inst, 0), self.fdef(), self.use_gpr(0)),
            Op::FloatToInt => self.m.float_to_int(inst.ty, self.use_type(inst, 0), self.def(), self.use_fpr(0)),
            Op::FloatCvt => self.m.fcvt(inst.ty, self.use_type(inst, 0), self.fdef(), self.use_fpr(0)),
            Op::Fadd => self.fbin(FloatOp::Add, inst),
            Op::Fsub => self.fbin(FloatOp::Sub, inst),
            Op::Fmul => self.fbin(FloatOp::Mul, inst),
            Op::Fdiv => self.fbin(FloatOp::Div, inst),
            Op::Fneg => self.funary(FloatUnaryOp::Neg, inst),
            Op::Fabs => self.funary(FloatUnaryOp::Abs, inst),
            Op::Fsqrt => self.funary(FloatUnaryOp::Sqrt, inst),
            Op::Ffloor => self.funary(FloatUnaryOp::Floor, inst),
            Op::Fceil => self.funary(FloatUnaryOp::Ceil, inst),
            Op::Ftrunc => self.funary(FloatUnaryOp::Trunc, inst),
            Op::Fnearest => self.funary(FloatUnaryOp::Nearest, inst),
            Op::Icmp => {
                let cond = self.cmp(inst);
                self.m.set(cond, self.def());
            }
            Op::Fcmp => {
                let cond = self.fcmp(inst);
                self.m.set(cond, self.def());
            }
            Op::Select => {
                let cond = self.nonzero(self.use_type(inst, 0), self.use_gpr(0));
                self.select(inst, cond);
            }
            Op::SelectIcmp => {
                let cond = self.cmp(inst);
                self.select(inst, cond);
            }
            Op::Load => self.load(Extend::None, inst),
            Op::LoadZext => self.load(Extend::Zero, inst),
            Op::LoadSext => self.load(Extend::Sign, inst),
            Op::Store => self.store(inst),
            Op::Lea => self.m.lea(self.def(), self.mem(inst)),
            Op::MemAdd => self.m.mem_add(inst.ty, self.mem(inst), self.rhs(inst, 0)),
            Op::CountAdd => {
                let skip = self.m.label();
                let negative = self.m.cmp_mem(IntCC::Slt, inst.ty, self.mem(inst), Rhs::Imm(0));
                self.m.jump_if(negative, skip);
                self.m.mem_add(inst.ty, self.mem(inst), self.rhs(inst, 0));
                self.m.bind(skip);
            }
            Op::AtomicAdd => {
                let tmp = self.temps.first().map(|t| gpr(reg_of(*t)));
                self.m.atomic_add(inst.ty, self.mem(inst), self.rhs(inst, 0), tmp);
            }
            Op::AtomicFetchAdd => {
                let tmp = self.temps.first().map(|t| gpr(reg_of(*t)));
                self.m.atomic_fetch_add(inst.ty, self.def(), self.use_gpr(0), self.mem(inst), tmp);
            }
            Op::AtomicCas => {
                let (expected, new) = (self.use_gpr(0), self.use_gpr(1));
                self.m.atomic_cas(inst.ty, self.def(), expected, new, self.mem(inst));
            }
            Op::GetThread => self.m.mov(self.def(), gpr(self.target.thread)),
            Op::SetThread => self.m.mov(gpr(self.target.thread), self.use_gpr(0)),
            Op::FramePtr => self.m.mov(self.def(), M::frame_pointer()),
            Op::StackPtr => self.m.lea(self.def(), Mem::at(M::stack_pointer(), 0)),
            Op::Call | Op::CallInd | Op::CallCell => self.call(id, inst),
            Op::TailCall | Op::TailCallInd | Op::TailCallCell => self.tail_call(inst),
            Op::Guard => {
                let cond = self.nonzero(inst.ty, self.use_gpr(0));
                self.guard(id, cond);
            }
            Op::GuardIcmp => {
                let cond = self.cmp(inst);
                self.guard(id, cond);
            }
            Op::GuardFcmp => {
                let cond = self.fcmp(inst);
                self.guard(id, cond);
            }
            Op::GuardIcmpMem => {
                let cond = self.cmp_mem(inst);
                self.guard(id, cond);
            }
            Op::GuardStack => self.guard_stack(id, inst),
            Op::Poll => {
                let mem = self.mem(inst);
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
                let cond = self.nonzero(inst.ty, self.use_gpr(0));
                self.branch(block, cond);
            }
            Op::BrIcmp => {
                let cond = self.cmp(inst);
                self.branch(block, cond);
            }
            Op::BrFcmp => {
                let cond = self.fcmp(inst);
                self.branch(block, cond);
            }
            Op::BrIcmpMem => {
                let cond = self.cmp_mem(inst);
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
                let tmp = gpr(reg_of(self.temps[0]));
                self.m.switch(inst.ty, self.use_gpr(0), tmp, &targets, default);
            }
            Op::Ret => self.ret(),
            Op::Trap => self.m.trap(inst.imm as u32),
            Op::Args => self.args(block, inst),
            Op::Entries | Op::DebugValue | Op::Nop => {}
        }
    }
}
