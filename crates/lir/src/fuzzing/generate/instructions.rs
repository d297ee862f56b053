//! Straight-line instructions, drawn from the table.

use super::{Generator, LIMIT_OFFSET, hosts};
use crate::builder::Rhs;
use crate::ir::{Addr, FrameId, Inst, Signature, VReg};
use crate::op::{Effect, Op, OpFlags, OpInfo, Shape, TypeRule};
use crate::types::{FloatCC, IntCC, Type};

impl Generator<'_, '_> {
    pub(super) fn instruction(&mut self) {
        self.budget -= 1;
        let info = &Op::table()[self.rng.below(Op::table().len())];
        let exits = info.flags.has(OpFlags::EXIT);
        if info.flags.has(OpFlags::TERM) || (exits && (!self.config.exits || !self.rng.one_in(2))) {
            return;
        }
        let ty = match info.ty {
            TypeRule::None => Type::I64,
            TypeRule::Int => *self.rng.pick(&Type::ALL[..4]),
            TypeRule::Wide => *self.rng.pick(&[Type::I32, Type::I64]),
            TypeRule::Float if self.config.floats => *self.rng.pick(&[Type::F32, Type::F64]),
            TypeRule::Float => return,
            TypeRule::Any => self.any_type(),
        };
        if let Some(v) = self.by_shape(info, ty) {
            self.values.push(v);
        }
    }

    pub(super) fn by_shape(&mut self, info: &OpInfo, ty: Type) -> Option<VReg> {
        let op = info.op;
        match info.shape {
            Shape::Const | Shape::Fconst => Some(self.constant(ty)),
            Shape::Unary => {
                let a = self.value(ty);
                Some(self.b.push(Inst::new(op, ty), &[a]).one())
            }
            Shape::Convert => self.conversion(op, ty),
            Shape::Binary if info.effect == Effect::Flags => None,
            Shape::Binary => Some(self.binary(info, ty, None)),
            Shape::Checked => {
                let frame = self.frame(None);
                Some(self.binary(info, ty, Some(frame)))
            }
            Shape::Icmp => {
                let (cc, a, rhs) = (*self.rng.pick(&IntCC::ALL), self.value(ty), self.rhs(ty));
                Some(self.b.icmp(cc, a, rhs))
            }
            Shape::Fcmp => {
                let (cc, a, b) = (*self.rng.pick(&FloatCC::ALL), self.value(ty), self.value(ty));
                Some(self.b.fcmp(cc, a, b))
            }
            Shape::Select => {
                let cond_ty = *self.rng.pick(&Type::ALL[..4]);
                let (c, a, b) = (self.value(cond_ty), self.value(ty), self.value(ty));
                Some(self.b.select(c, a, b))
            }
            Shape::SelectIcmp => {
                let (cc, chosen) = (*self.rng.pick(&IntCC::ALL), self.any_type());
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                let (x, y) = (self.value(chosen), self.value(chosen));
                Some(self.b.select_icmp(cc, a, rhs, x, y))
            }
            Shape::Load => {
                let addr = self.address(ty.bytes());
                let v = match op {
                    Op::LoadZext => self.b.load_zext(ty, addr),
                    Op::LoadSext => self.b.load_sext(ty, addr),
                    _ => self.b.load(ty, addr),
                };
                Some(v)
            }
            Shape::Store => {
                let mut rhs = if ty.is_int() { self.rhs(ty) } else { self.value(ty).into() };
                if let (true, Rhs::Reg(v)) = (ty.is_float(), rhs) {
                    rhs = self.without_nan(v).into();
                }
                let atomic = op == Op::AtomicAdd;
                let addr = if atomic { self.atomic_address(ty.bytes()) } else { self.address(ty.bytes()) };
                match op {
                    Op::MemAdd => self.b.mem_add(ty, rhs, addr),
                    Op::CountAdd => self.b.count_add(ty, rhs, addr),
                    Op::AtomicAdd => self.b.atomic_add(ty, rhs, addr),
                    _ => self.b.store(ty, rhs, addr),
                }
                None
            }
            Shape::Lea => {
                // The address differs from run to run; its distance from the buffer does not.
                let index = self.value(Type::I64);
                let index = self.b.and(index, 31);
                let (scale, disp) = (self.rng.below(4) as u8, self.rng.int() as i32 >> 8);
                let at = self.b.lea(Addr::indexed(self.buffer, index, scale, disp));
                Some(self.b.sub(at, self.buffer))
            }
            Shape::Rmw => {
                let (v, addr) = (self.value(ty), self.atomic_address(ty.bytes()));
                Some(self.b.atomic_fetch_add(v, addr))
            }
            Shape::Cas => {
                let addr = self.atomic_address(ty.bytes());
                let expected = if self.rng.one_in(2) { self.b.load(ty, addr) } else { self.value(ty) };
                let new = self.value(ty);
                Some(self.b.atomic_cas(expected, new, addr))
            }
            Shape::ReadReg => Some(match op {
                Op::GetThread => {
                    let t = self.b.get_thread();
                    self.b.load(Type::I64, Addr::base(t, 16))
                }
                _ => {
                    let (fp, sp) = (self.b.frame_ptr(), self.b.stack_ptr());
                    self.b.icmp(IntCC::Uge, fp, sp)
                }
            }),
            Shape::WriteReg => {
                self.b.set_thread(self.buffer);
                None
            }
            Shape::Call | Shape::CallInd | Shape::CallCell if self.config.calls => self.call(info.shape),
            Shape::Guard | Shape::GuardIcmp | Shape::GuardFcmp | Shape::GuardIcmpMem => {
                self.guard(info.shape, ty);
                None
            }
            Shape::GuardStack => {
                let frame = self.frame(None);
                // The limit is zero otherwise.
                if self.rng.one_in(8) {
                    self.b.store(Type::I64, -1, Addr::thread(LIMIT_OFFSET));
                }
                let bytes = if self.rng.one_in(2) { 64 } else { 0 };
                self.b.guard_stack(LIMIT_OFFSET, bytes, frame);
                None
            }
            Shape::Poll => {
                let (frame, addr) = (self.frame(None), self.address(ty.bytes()));
                if self.rng.one_in(4) {
                    self.b.poll(ty, addr, frame);
                }
                None
            }
            Shape::Safepoint => {
                let frame = self.frame(None);
                self.b.safepoint(frame);
                None
            }
            Shape::Nop => {
                self.b.nop();
                None
            }
            _ => None,
        }
    }

    pub(super) fn conversion(&mut self, op: Op, to: Type) -> Option<VReg> {
        let fits = |from: Type| match op {
            Op::Sext | Op::Zext => from.is_int() && to.is_int() && from.bits() < to.bits(),
            Op::Trunc => from.is_int() && to.is_int() && from.bits() > to.bits(),
            Op::Bitcast => from != to && from.bits() == to.bits() && from.bits() >= 32,
            Op::IntToFloat => from.is_int(),
            _ => from.is_float(),
        };
        let from: Vec<Type> = self.types().iter().copied().filter(|&t| fits(t)).collect();
        if from.is_empty() || (to.is_float() && !self.config.floats) {
            return None;
        }
        let ty = *self.rng.pick(&from);
        let mut a = self.value(ty);
        if op == Op::Bitcast && ty.is_float() {
            a = self.without_nan(a);
        }
        Some(self.b.push(Inst::new(op, to), &[a]).one())
    }

    pub(super) fn binary(&mut self, info: &OpInfo, ty: Type, frame: Option<FrameId>) -> VReg {
        let a = self.value(ty);
        let mut inst = Inst::new(info.op, ty);
        inst.set_frame(frame);
        if matches!(info.op, Op::Sdiv | Op::Udiv | Op::Srem | Op::Urem) {
            if self.rng.one_in(2) {
                let k = ty.sign_extend(self.rng.int() as u64);
                let d = self.b.iconst(ty, if (-1..=0).contains(&k) { 7 } else { k });
                return self.b.push(inst, &[a, d]).one();
            }
            // A positive divisor: neither division by zero nor overflow.
            let d = self.value(ty);
            let d = self.b.and(d, 0xff);
            let d = self.b.or(d, 1);
            return self.b.push(inst, &[a, d]).one();
        }
        if info.flags.has(OpFlags::IMM) && self.rng.one_in(3) {
            inst.imm = ty.sign_extend(self.rng.int() as u64);
            inst.mode = inst.mode.with_imm(true);
            return self.b.push(inst, &[a]).one();
        }
        let b = self.value(ty);
        self.b.push(inst, &[a, b]).one()
    }

    pub(super) fn call(&mut self, shape: Shape) -> Option<VReg> {
        let n = self.rng.below(self.hosts.len());
        let host = hosts()[n];
        if !self.config.floats && host.params.contains(&Type::F64) {
            return None;
        }
        let sig = self.b.signature(Signature::host(host.params, host.returns));
        let args: Vec<VReg> = host.params.iter().map(|&ty| self.value(ty)).collect();
        let results = (!host.returns.is_empty() && self.rng.one_in(2)).then_some(0);
        let frame = if self.rng.one_in(2) { Some(self.frame(results)) } else { None };
        let out = match shape {
            Shape::Call => self.b.call(sig, self.hosts[n], &args, frame),
            shape => {
                let callee = self.b.sym_addr(self.hosts[n]);
                if shape == Shape::CallInd {
                    self.b.call_ind(sig, callee, &args, frame)
                } else {
                    self.b.store(Type::I64, callee, Addr::cell(self.cell));
                    self.b.call_cell(sig, self.cell, &args, frame)
                }
            }
        };
        out.get(0)
    }

    /// Guards that mostly hold.
    pub(super) fn guard(&mut self, shape: Shape, ty: Type) {
        let frame = self.frame(None);
        match shape {
            Shape::Guard => {
                let v = self.value(ty);
                let v = if self.rng.one_in(4) { v } else { self.b.or(v, 4) };
                self.b.guard(v, frame);
            }
            Shape::GuardIcmp => {
                let v = self.value(ty);
                if self.rng.one_in(6) {
                    let (cc, rhs) = (*self.rng.pick(&IntCC::ALL), self.rhs(ty));
                    self.b.guard_icmp(cc, v, rhs, frame);
                } else {
                    let cond = self.b.icmp(IntCC::Ne, v, 77);
                    self.b.guard(cond, frame);
                }
            }
            Shape::GuardFcmp => {
                let (a, b) = (self.value(ty), self.value(ty));
                let cc = if self.rng.one_in(6) { *self.rng.pick(&FloatCC::ALL) } else { FloatCC::Ne };
                self.b.guard_fcmp(cc, a, b, frame);
            }
            _ => {
                let addr = self.address(ty.bytes());
                let rhs = self.rhs(ty);
                if self.rng.one_in(3) {
                    let loaded = self.b.load(ty, addr);
                    self.b.guard_icmp(IntCC::Ne, loaded, rhs, frame);
                } else {
                    self.b.guard_icmp_mem(IntCC::Ne, ty, addr, rhs, frame);
                }
            }
        }
    }
}
