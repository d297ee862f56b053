//! Executing one activation.

use super::{ExitInfo, Interp, InterpError, Outcome};
use crate::eval::{self, TrapCode};
use crate::ir::{Addr, AddrKind, BlockId, FrameId, FrameValue, Function, Inst, InstId, Symbol, VReg};
use crate::op::{Op, Shape};
use crate::types::{IntCC, Type};

pub(super) struct Frame<'a> {
    interp: &'a mut Interp,
    func: &'a Function,
    args: &'a [u64],
    regs: Vec<u64>,
    cells: u64,
    frame_pointer: u64,
    overflow: bool,
}

/// What an instruction decided.
enum Next {
    Go,
    Edge(usize),
    Done(Outcome),
}

type Step = Result<Next, InterpError>;

impl<'a> Frame<'a> {
    pub(super) fn new(
        interp: &'a mut Interp,
        func: &'a Function,
        args: &'a [u64],
        cells: u64,
        frame_pointer: u64,
    ) -> Frame<'a> {
        let regs = vec![0; func.num_vregs()];
        Frame { interp, func, args, regs, cells, frame_pointer, overflow: false }
    }

    pub(super) fn run(mut self, entry: BlockId) -> Result<Outcome, InterpError> {
        let mut block = entry;
        let mut passed: Vec<u64> = Vec::new();
        loop {
            for (n, &p) in self.func.block_params(block).iter().enumerate() {
                self.set(p, passed.get(n).copied().unwrap_or(0));
            }
            let mut next = Next::Go;
            for id in self.func.block_insts(block) {
                self.interp.fuel = self.interp.fuel.checked_sub(1).ok_or(InterpError::OutOfFuel)?;
                next = self.step(id)?;
                if !matches!(next, Next::Go) {
                    break;
                }
            }
            match next {
                Next::Done(out) => return Ok(out),
                Next::Edge(n) => {
                    let edge = self.func.block_edges(block).get(n).ok_or_else(|| malformed("no such edge"))?;
                    passed.clear();
                    passed.extend(self.func.edge_args(edge).iter().map(|v| self.regs[v.index()]));
                    block = edge.to;
                }
                Next::Go => return Err(malformed("a block without terminator")),
            }
        }
    }

    fn get(&self, v: VReg) -> u64 {
        self.regs[v.index()]
    }

    fn set(&mut self, v: VReg, value: u64) {
        // After widening, narrow registers carry 32 bits.
        let ty = self.func.vreg_type(v);
        let mask = if ty.is_int() && self.func.narrow_is_wide() { ty.mask() | 0xffff_ffff } else { ty.mask() };
        self.regs[v.index()] = value & mask;
    }

    fn define(&mut self, inst: &Inst, value: u64) -> Step {
        if let Some(&d) = self.func.defs(inst).first() {
            self.set(d, value);
        }
        Ok(Next::Go)
    }

    /// The values of the operands in written order, the immediate in its place.
    fn values(&self, inst: &Inst) -> [u64; 4] {
        let mut out = [0; 4];
        let mut uses = self.func.uses(inst).iter();
        let imm_at = inst.imm_rhs().and(crate::passes::rhs_index(inst.op.shape()));
        for (n, o) in out.iter_mut().enumerate() {
            *o = if imm_at == Some(n) { inst.imm as u64 } else { uses.next().map_or(0, |&v| self.get(v)) };
        }
        out
    }

    /// The address of an atomic operation.
    fn atomic_address(&self, inst: &Inst) -> Result<u64, InterpError> {
        let (addr, bytes) = (self.address(inst)?, inst.ty.bytes());
        if addr.is_multiple_of(bytes.into()) { Ok(addr) } else { Err(InterpError::Misaligned { addr, bytes }) }
    }

    fn address(&self, inst: &Inst) -> Result<u64, InterpError> {
        let addr: Addr = self.func.addr(inst).ok_or_else(|| malformed("no address"))?;
        let disp = i64::from(addr.disp) as u64;
        let base = match addr.kind {
            AddrKind::Base => addr.base.map_or(0, |b| self.get(b)),
            AddrKind::Thread => self.interp.thread,
            AddrKind::Frame => self.frame_pointer,
            AddrKind::Stack => self.interp.stack_pointer,
            AddrKind::Cell => return Ok(self.cells.wrapping_add(8 * u64::from(addr.disp as u32))),
        };
        let index = addr.index.map_or(0, |i| self.get(i) << addr.scale);
        Ok(base.wrapping_add(index).wrapping_add(disp))
    }

    fn load(&mut self, inst: &Inst) -> Result<u64, InterpError> {
        let at = self.address(inst)?;
        Ok(self.interp.memory.read(at, inst.ty.bytes())?)
    }

    fn condition(&self, inst: &Inst, a: u64, b: u64) -> bool {
        inst.int_cc().eval(inst.ty, a, b)
    }

    fn float_condition(&self, inst: &Inst, a: u64, b: u64) -> bool {
        inst.float_cc().eval(eval::float(inst.ty, a), eval::float(inst.ty, b))
    }

    fn step(&mut self, id: InstId) -> Step {
        let func = self.func;
        let inst = func.inst(id);
        let (ty, op) = (inst.ty, inst.op);
        let v = self.values(inst);
        let branch = |taken: bool| Ok(Next::Edge(usize::from(!taken)));
        match op.shape() {
            Shape::Const | Shape::Fconst => self.define(inst, inst.imm as u64),
            Shape::Symbol => {
                let addr = self.interp.address(func.symbol(inst.symbol()));
                self.define(inst, addr)
            }
            Shape::Unary => {
                let out = eval::unary(op, ty, v[0]).ok_or_else(|| malformed("unary operation"))?;
                self.define(inst, out)
            }
            Shape::Convert => {
                let from = func.vreg_type(func.uses(inst)[0]);
                let out = eval::convert(op, from, ty, v[0]).ok_or_else(|| malformed("conversion"))?;
                self.define(inst, out)
            }
            Shape::Binary => {
                self.overflow = eval::checked(op, ty, v[0], v[1]).is_none();
                let out = eval::binary(op, ty, v[0], v[1])?;
                self.define(inst, out)
            }
            Shape::Checked => {
                let out = eval::checked(op, ty, v[0], v[1]);
                if self.guard(inst, out.is_some()) { self.define(inst, out.unwrap_or(0)) } else { self.exit(id, inst) }
            }
            Shape::Icmp => self.define(inst, self.condition(inst, v[0], v[1]).into()),
            Shape::Fcmp => self.define(inst, self.float_condition(inst, v[0], v[1]).into()),
            Shape::Select => {
                let cond = v[0] & func.vreg_type(func.uses(inst)[0]).mask();
                self.define(inst, if cond != 0 { v[1] } else { v[2] })
            }
            Shape::SelectIcmp => {
                let out = if self.condition(inst, v[0], v[1]) { v[2] } else { v[3] };
                self.define(inst, out)
            }
            Shape::Load => {
                let bits = self.load(inst)?;
                self.define(inst, if op == Op::LoadSext { ty.sign_extend(bits) as u64 } else { bits })
            }
            Shape::Lea => {
                let at = self.address(inst)?;
                self.define(inst, at)
            }
            Shape::Store => {
                let at = if op == Op::AtomicAdd { self.atomic_address(inst)? } else { self.address(inst)? };
                let value = match op {
                    Op::Store => v[0],
                    Op::CountAdd if ty.sign_extend(self.load(inst)?) < 0 => return Ok(Next::Go),
                    _ => self.load(inst)?.wrapping_add(v[0]),
                };
                self.interp.memory.write(at, ty.bytes(), value)?;
                Ok(Next::Go)
            }
            Shape::Rmw => {
                let (at, old) = (self.atomic_address(inst)?, self.load(inst)?);
                self.interp.memory.write(at, ty.bytes(), old.wrapping_add(v[0]))?;
                self.define(inst, old)
            }
            Shape::Cas => {
                let (at, old) = (self.atomic_address(inst)?, self.load(inst)?);
                if old == v[0] & ty.mask() {
                    self.interp.memory.write(at, ty.bytes(), v[1])?;
                }
                self.define(inst, old)
            }
            Shape::ReadReg => {
                let value = match op {
                    Op::GetThread => self.interp.thread,
                    Op::FramePtr => self.frame_pointer,
                    _ => self.interp.stack_pointer,
                };
                self.define(inst, value)
            }
            Shape::WriteReg => {
                self.interp.thread = v[0];
                Ok(Next::Go)
            }
            Shape::Call | Shape::CallInd | Shape::CallCell => self.call(inst),
            Shape::Guard => self.guard_or_exit(id, inst, v[0] & ty.mask() != 0),
            Shape::GuardIcmp => self.guard_or_exit(id, inst, self.condition(inst, v[0], v[1])),
            Shape::GuardFcmp => self.guard_or_exit(id, inst, self.float_condition(inst, v[0], v[1])),
            Shape::GuardIcmpMem => {
                let loaded = self.load(inst)?;
                self.guard_or_exit(id, inst, self.condition(inst, loaded, v[0]))
            }
            Shape::GuardStack => {
                let at = self.interp.thread.wrapping_add(i64::from(inst.disp()) as u64);
                let limit = self.interp.memory.read(at, 8)?;
                let ok = self.interp.stack_pointer.wrapping_sub(inst.imm as u64) >= limit;
                self.guard_or_exit(id, inst, ok)
            }
            Shape::Poll => {
                let flag = self.load(inst)?;
                self.guard_or_exit(id, inst, flag == 0)
            }
            Shape::Safepoint | Shape::DebugValue | Shape::Nop => Ok(Next::Go),
            Shape::Exit => self.exit(id, inst),
            Shape::Jump => Ok(Next::Edge(0)),
            Shape::Br => branch(IntCC::Ne.eval(ty, v[0], 0)),
            Shape::BrIcmp => branch(self.condition(inst, v[0], v[1])),
            Shape::BrFcmp => branch(self.float_condition(inst, v[0], v[1])),
            Shape::BrIcmpMem => {
                let loaded = self.load(inst)?;
                branch(self.condition(inst, loaded, v[0]))
            }
            Shape::BrOf => branch(self.overflow),
            Shape::Switch => Ok(Next::Edge(self.switch_edge(id, v[0] & ty.mask()))),
            Shape::Ret => {
                let values = func.uses(inst).iter().map(|&u| self.get(u) & func.vreg_type(u).mask()).collect();
                Ok(Next::Done(Outcome::Return(values)))
            }
            Shape::Trap => Err(TrapCode::Explicit(inst.imm as u32).into()),
            Shape::Entries => Err(malformed("`entries` executed")),
            Shape::Args => {
                for (n, &d) in func.defs(inst).iter().enumerate() {
                    self.set(d, self.args.get(n).copied().unwrap_or(0));
                }
                Ok(Next::Go)
            }
        }
    }

    fn switch_edge(&self, id: InstId, value: u64) -> usize {
        let block = self.func.layout().iter().find(|&&b| self.func.terminator(b) == Some(id));
        let last = block.map_or(0, |&b| self.func.block_edges(b).len() - 1);
        usize::try_from(value).map_or(last, |n| n.min(last))
    }

    /// Counts a guard and says whether execution goes on.
    fn guard(&mut self, inst: &Inst, holds: bool) -> bool {
        debug_assert!(inst.frame().is_some());
        let n = self.interp.guards_run;
        self.interp.guards_run += 1;
        holds && self.interp.force_exit_at != Some(n)
    }

    fn guard_or_exit(&mut self, id: InstId, inst: &Inst, holds: bool) -> Step {
        if self.guard(inst, holds) { Ok(Next::Go) } else { self.exit(id, inst) }
    }

    fn exit(&mut self, id: InstId, inst: &Inst) -> Step {
        let frame: FrameId = inst.frame().ok_or_else(|| malformed("an exit without frame state"))?;
        let mut values = Vec::new();
        for value in self.func.frame_values(frame) {
            values.push(match *value {
                FrameValue::Reg(v) => {
                    let ty: Type = self.func.vreg_type(v);
                    Some((ty, self.get(v) & ty.mask()))
                }
                FrameValue::Const(ty, bits) => Some((ty, bits & ty.mask())),
                FrameValue::Result(_) | FrameValue::Dead => None,
            });
        }
        let user = self.func.frame(frame).user;
        Ok(Next::Done(Outcome::Exit(ExitInfo { func: self.func.name.clone(), inst: id, user, values })))
    }

    fn call(&mut self, inst: &Inst) -> Step {
        let func = self.func;
        let mut uses = func.uses(inst);
        let symbol: Symbol = match inst.op.shape() {
            Shape::Call => func.symbol(inst.symbol()).clone(),
            shape => {
                let addr = if shape == Shape::CallCell {
                    self.interp.memory.read(self.cells + 8 * inst.call_cell().index() as u64, 8)?
                } else {
                    let (first, rest) = uses.split_first().ok_or_else(|| malformed("no address to call"))?;
                    uses = rest;
                    self.get(*first)
                };
                let known = self.interp.addresses.get(&addr).cloned();
                known.unwrap_or(Symbol::Addr(addr))
            }
        };
        let params = &func.sig(inst.sig()).params;
        let args: Vec<u64> = uses.iter().zip(params).map(|(&u, ty)| self.get(u) & ty.mask()).collect();
        let out = self.interp.call(&symbol, &args)?;
        if inst.op.is_terminator() {
            return Ok(Next::Done(out));
        }
        match out {
            Outcome::Return(values) => {
                for (n, &d) in func.defs(inst).iter().enumerate() {
                    self.set(d, values.get(n).copied().unwrap_or(0));
                }
                Ok(Next::Go)
            }
            exit => Ok(Next::Done(exit)),
        }
    }
}

fn malformed(what: &str) -> InterpError {
    InterpError::Malformed(what.to_owned())
}
