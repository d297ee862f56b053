//! Generating functions.

use super::rng::Rng;
use super::{BUFFER_BYTES, PARAMS, hosts};
use crate::builder::Builder;
use crate::ir::{
    Addr, BlockId, DebugValue, FrameId, FrameValue, Function, Inst, Scope, Signature, SourceLoc, Symbol, SymbolId,
    VReg, Var, VarId,
};
use crate::op::{Op, OpFlags, OpInfo, Shape, TypeRule};
use crate::types::{FloatCC, IntCC, Type};

/// What generated functions contain.
#[derive(Clone, Debug)]
pub struct Config {
    /// About how many instructions.
    pub size: usize,
    /// How deeply branches and loops nest.
    pub depth: u32,
    /// Calls of host functions.
    pub calls: bool,
    /// Guards, polls and checked arithmetic with frame states.
    pub exits: bool,
    /// Floating point.
    pub floats: bool,
    /// A second entry.
    pub entries: bool,
    /// Source locations and variables.
    pub debug: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { size: 120, depth: 3, calls: true, exits: true, floats: true, entries: true, debug: true }
    }
}

/// Generates a function; equal seeds and configurations give equal functions.
pub fn function(seed: u64, config: &Config) -> Function {
    let mut func = Function::new(format!("random{seed}"));
    let mut b = Builder::new(&mut func);
    let main = b.signature(Signature::host(&PARAMS, &[Type::I64]));
    let hosts: Vec<SymbolId> = hosts().iter().map(|h| b.symbol(Symbol::User(h.id))).collect();
    let cell = b.cell(0);
    let slot = b.stack_slot(SLOT_BYTES as u32);
    let mut g = Generator {
        b,
        rng: Rng::new(seed),
        config,
        values: Vec::new(),
        hosts,
        cell,
        slot,
        buffer: VReg::new(0),
        budget: config.size as isize,
        loc: None,
        vars: Vec::new(),
        user: 0,
    };
    g.debug_tables();
    let entries = if config.entries && g.rng.one_in(2) { 2 } else { 1 };
    for n in 0..entries {
        g.values.clear();
        g.budget = (config.size / entries) as isize;
        let args = g.b.entry(if n == 0 { "main" } else { "resume" }, main);
        g.start(&args);
        g.region(config.depth);
        g.finish();
    }
    match g.b.finish() {
        Ok(()) => func,
        Err(e) => unreachable!("the generator misuses the builder: {e}"),
    }
}

const SLOT_BYTES: usize = 48;
/// Offset in the buffer of the stack limit that `guard_stack` reads.
const LIMIT_OFFSET: i32 = (BUFFER_BYTES - 8) as i32;

struct Generator<'a, 'f> {
    b: Builder<'f>,
    rng: Rng,
    config: &'a Config,
    /// Values defined on every path to here.
    values: Vec<VReg>,
    hosts: Vec<SymbolId>,
    cell: crate::ir::CellId,
    slot: i32,
    buffer: VReg,
    budget: isize,
    loc: Option<(crate::ir::FileId, [crate::ir::ScopeId; 2])>,
    vars: Vec<VarId>,
    user: u64,
}

impl Generator<'_, '_> {
    fn debug_tables(&mut self) {
        if !self.config.debug || !self.rng.one_in(3) {
            return;
        }
        let file = self.b.file("random.src");
        let outer = self.b.scope(Scope { name: "outer".to_owned(), file, line: 1, call_site: None });
        let site = self.b.loc(SourceLoc { file, line: 5, column: 3, scope: outer });
        let inner = self.b.scope(Scope { name: "inner".to_owned(), file, line: 20, call_site: Some(site) });
        self.loc = Some((file, [outer, inner]));
        for n in 0..3 {
            let ty = *self.rng.pick(&[Type::I64, Type::F64]);
            let scope = if n == 2 { inner } else { outer };
            self.vars.push(self.b.var(Var { name: format!("x{n}"), ty, scope, is_param: n == 0 }));
        }
    }

    fn start(&mut self, args: &[VReg]) {
        self.buffer = args[0];
        self.values.extend_from_slice(&args[1..]);
        self.b.set_thread(args[0]);
        for at in (0..SLOT_BYTES as i32).step_by(8) {
            self.b.store(Type::I64, i64::from(at), Addr::stack(self.slot + at));
        }
        self.b.store(Type::I64, 0, Addr::base(args[0], LIMIT_OFFSET));
    }

    /// Mixes values into one and returns it.
    fn finish(&mut self) {
        let mut acc = self.b.iconst(Type::I64, 17);
        let from = self.values.len().saturating_sub(24);
        for v in self.values[from..].to_vec() {
            let v = self.to_i64(v);
            let turned = self.b.rotl(acc, 9);
            acc = self.b.xor(turned, v);
        }
        if self.config.calls && self.rng.one_in(3) {
            let sig = self.b.signature(Signature::host(&[Type::I64, Type::I64], &[Type::I64]));
            let other = self.value(Type::I64);
            match self.rng.below(3) {
                0 => {
                    self.b.tail_call(sig, self.hosts[0], &[acc, other], None);
                }
                1 => {
                    let callee = self.b.sym_addr(self.hosts[0]);
                    self.b.tail_call_ind(sig, callee, &[acc, other], None);
                }
                _ => {
                    let callee = self.b.sym_addr(self.hosts[0]);
                    self.b.store(Type::I64, callee, Addr::cell(self.cell));
                    self.b.tail_call_cell(sig, self.cell, &[acc, other], None);
                }
            }
        } else {
            self.b.ret(&[acc]);
        }
    }

    /// The bits of any value at 64 bits; all NaNs give the same.
    fn to_i64(&mut self, v: VReg) -> VReg {
        match self.b.ty(v) {
            Type::I64 => v,
            Type::F64 | Type::F32 => {
                let v = self.without_nan(v);
                if self.b.ty(v) == Type::F64 {
                    self.b.bitcast(Type::I64, v)
                } else {
                    let bits = self.b.bitcast(Type::I32, v);
                    self.b.zext(Type::I64, bits)
                }
            }
            _ => self.b.zext(Type::I64, v),
        }
    }

    /// NaNs differ in sign and payload between machines and optimisers: none may be observed.
    fn without_nan(&mut self, v: VReg) -> VReg {
        let ty = self.b.ty(v);
        let zero = self.b.fconst(ty, 0);
        let ok = self.b.fcmp(FloatCC::Ord, v, v);
        self.b.select(ok, v, zero)
    }

    fn types(&self) -> &'static [Type] {
        if self.config.floats { &Type::ALL } else { &Type::ALL[..4] }
    }

    fn any_type(&mut self) -> Type {
        let all = self.types();
        // 64-bit values are the common ones.
        if self.rng.one_in(3) { Type::I64 } else { *self.rng.pick(all) }
    }

    /// A value of a type: an earlier one or a constant.
    fn value(&mut self, ty: Type) -> VReg {
        for _ in 0..6 {
            let n = self.values.len();
            let back = if self.rng.one_in(3) { self.rng.below(n) } else { self.rng.below(n.min(8)) };
            if n > 0 && self.b.ty(self.values[n - 1 - back]) == ty {
                return self.values[n - 1 - back];
            }
        }
        self.constant(ty)
    }

    fn constant(&mut self, ty: Type) -> VReg {
        let v = match ty {
            Type::F64 => {
                let x = self.rng.float();
                self.b.fconst(ty, x.to_bits())
            }
            Type::F32 => {
                let x = self.rng.float() as f32;
                self.b.fconst(ty, x.to_bits().into())
            }
            _ => {
                let k = self.rng.int();
                self.b.iconst(ty, ty.sign_extend(k as u64))
            }
        };
        self.values.push(v);
        v
    }

    fn region(&mut self, depth: u32) {
        let steps = 2 + self.rng.below(5);
        for _ in 0..steps {
            let straight = 1 + self.rng.below(10);
            for _ in 0..straight {
                self.location();
                self.instruction();
            }
            if depth > 0 && self.budget > 0 {
                match self.rng.below(4) {
                    0 => self.diamond(depth - 1),
                    1 => self.repeat(depth - 1),
                    2 => self.multiway(depth - 1),
                    _ => {}
                }
            }
        }
        if depth == self.config.depth && self.budget > 0 {
            self.region(depth);
        }
    }

    fn location(&mut self) {
        let Some((file, scopes)) = self.loc else { return };
        if self.rng.one_in(3) {
            let (line, scope) = (1 + self.rng.below(40) as u32, *self.rng.pick(&scopes));
            let loc = self.b.loc(SourceLoc { file, line, column: 1, scope });
            self.b.set_loc(loc);
        }
        if self.rng.one_in(6) {
            let var = self.rng.below(self.vars.len());
            let ty = self.b.func().vars()[var].ty;
            let value = match self.rng.below(4) {
                0 => DebugValue::None,
                1 => DebugValue::Const(self.rng.next_u64()),
                _ => DebugValue::Reg(self.value(ty)),
            };
            self.b.debug_value(self.vars[var], value);
        }
    }

    // ---- Control flow ----

    fn passed_types(&mut self) -> Vec<Type> {
        let n = self.rng.below(4);
        (0..n).map(|_| self.any_type()).collect()
    }

    fn passed(&mut self, types: &[Type]) -> Vec<VReg> {
        types.iter().map(|&ty| self.value(ty)).collect()
    }

    /// Ends the block with a two-way branch.
    fn branch(&mut self, yes: BlockId, no: BlockId) {
        let (yes, no) = ((yes, &[][..]), (no, &[][..]));
        match self.rng.below(6) {
            0 => {
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let v = self.value(ty);
                self.b.br(v, yes, no);
            }
            1 if self.config.floats => {
                let cc = *self.rng.pick(&FloatCC::ALL);
                let ty = *self.rng.pick(&[Type::F32, Type::F64]);
                let (a, b) = (self.value(ty), self.value(ty));
                self.b.br_fcmp(cc, a, b, yes, no);
            }
            2 => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (rhs, addr) = (self.rhs(ty), self.address(ty.bytes()));
                self.b.br_icmp_mem(cc, ty, addr, rhs, yes, no);
            }
            3 => {
                let ty = *self.rng.pick(&[Type::I32, Type::I64]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                let result = match self.rng.below(3) {
                    0 => self.b.add_flags(a, rhs),
                    1 => self.b.sub_flags(a, rhs),
                    _ => self.b.mul_flags(a, rhs),
                };
                self.b.br_of(yes, no);
                self.values.push(result);
            }
            4 => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                let cond = self.b.icmp(cc, a, rhs);
                self.b.br(cond, yes, no);
            }
            _ => {
                let cc = *self.rng.pick(&IntCC::ALL);
                let ty = *self.rng.pick(&Type::ALL[..4]);
                let (a, rhs) = (self.value(ty), self.rhs(ty));
                self.b.br_icmp(cc, a, rhs, yes, no);
            }
        }
    }

    fn new_block(&mut self, types: &[Type]) -> (BlockId, Vec<VReg>) {
        if self.rng.one_in(5) { self.b.cold_block(types) } else { self.b.block(types) }
    }

    fn diamond(&mut self, depth: u32) {
        let types = self.passed_types();
        let (yes, _) = self.new_block(&[]);
        let (no, _) = self.new_block(&[]);
        let (join, params) = self.b.block(&types);
        self.branch(yes, no);
        let mark = self.values.len();
        for side in [yes, no] {
            self.b.open(side);
            if self.rng.one_in(12) && side == no {
                self.leave();
            } else {
                self.region(depth);
                let args = self.passed(&types);
                self.b.jump((join, &args));
            }
            self.values.truncate(mark);
        }
        self.b.open(join);
        self.values.extend(params);
    }

    /// Ends the block by leaving the function.
    fn leave(&mut self) {
        if self.config.exits && self.rng.one_in(2) {
            let frame = self.frame(None);
            self.b.exit(frame);
        } else {
            let v = self.value(Type::I64);
            self.b.ret(&[v]);
        }
    }

    /// A loop of a few turns that carries values.
    fn repeat(&mut self, depth: u32) {
        let mut types = vec![Type::I64];
        types.extend(self.passed_types());
        let turns = self.rng.below(5) as i64;
        let mut first = vec![self.b.iconst(Type::I64, turns)];
        first.extend(self.passed(&types[1..]));
        let (head, params) = self.b.block(&types);
        let (body, _) = self.b.block(&[]);
        let (done, _) = self.b.block(&[]);
        self.b.jump((head, &first));
        self.b.open(head);
        self.values.extend_from_slice(&params[1..]);
        self.b.br_icmp(IntCC::Sgt, params[0], 0, (body, &[]), (done, &[]));
        let mark = self.values.len();
        self.b.open(body);
        if self.config.exits && self.rng.one_in(2) {
            let (frame, addr) = (self.frame(None), Addr::thread(LIMIT_OFFSET));
            self.b.poll(Type::I32, addr, frame);
        }
        self.region(depth);
        let mut next = vec![self.b.sub(params[0], 1)];
        next.extend(self.passed(&types[1..]));
        self.b.jump((head, &next));
        self.values.truncate(mark);
        self.b.open(done);
    }

    fn multiway(&mut self, depth: u32) {
        let types = self.passed_types();
        let n = 1 + self.rng.below(4);
        let (join, params) = self.b.block(&types);
        let cases: Vec<BlockId> = (0..n).map(|_| self.new_block(&[]).0).collect();
        let ty = *self.rng.pick(&Type::ALL[..4]);
        let v = self.value(ty);
        let v = if self.rng.one_in(4) { v } else { self.b.and(v, 7) };
        let direct = self.passed(&types);
        // The default goes straight to the join: a critical edge.
        let targets: Vec<(BlockId, &[VReg])> = cases.iter().map(|&c| (c, &[][..])).collect();
        self.b.switch(v, &targets, (join, &direct));
        let mark = self.values.len();
        for case in cases {
            self.b.open(case);
            self.region(depth.min(1));
            let args = self.passed(&types);
            self.b.jump((join, &args));
            self.values.truncate(mark);
        }
        self.b.open(join);
        self.values.extend(params);
    }

    // ---- Operands ----

    fn rhs(&mut self, ty: Type) -> crate::builder::Rhs {
        if self.rng.one_in(3) {
            let k = self.rng.int();
            crate::builder::Rhs::Imm(ty.sign_extend(k as u64))
        } else {
            crate::builder::Rhs::Reg(self.value(ty))
        }
    }

    /// An address within the buffer (its last word excepted) or the stack area.
    fn address(&mut self, bytes: u32) -> Addr {
        let limit = BUFFER_BYTES as i32 / 2;
        let disp = self.rng.below((limit as usize - 8) / bytes as usize) as i32 * bytes as i32;
        match self.rng.below(6) {
            0 => Addr::stack(self.slot + self.rng.below(SLOT_BYTES / 8) as i32 * 8),
            1 => Addr::thread(disp),
            2 | 3 => {
                let index = self.value(Type::I64);
                let index = self.b.and(index, 15);
                let scale = self.rng.below(4) as u8;
                Addr::indexed(self.buffer, index, scale, disp)
            }
            4 => {
                let base = self.b.add(self.buffer, i64::from(disp));
                Addr::base(base, 8)
            }
            _ => Addr::base(self.buffer, disp),
        }
    }

    /// A frame state of random values.
    fn frame(&mut self, results: Option<u8>) -> FrameId {
        let mut values = Vec::new();
        for _ in 0..self.rng.below(7) {
            let ty = self.any_type();
            values.push(match self.rng.below(6) {
                0 => FrameValue::Dead,
                1 => FrameValue::Const(ty, self.rng.next_u64() & ty.mask()),
                _ => FrameValue::Reg(self.value(ty)),
            });
        }
        values.extend(results.map(FrameValue::Result));
        self.user += 1;
        self.b.frame_state(self.user, &values)
    }

    // ---- Instructions ----

    fn instruction(&mut self) {
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

    fn by_shape(&mut self, info: &OpInfo, ty: Type) -> Option<VReg> {
        let op = info.op;
        match info.shape {
            Shape::Const | Shape::Fconst => Some(self.constant(ty)),
            Shape::Unary => {
                let a = self.value(ty);
                Some(self.b.push(Inst::new(op, ty), &[a]).one())
            }
            Shape::Convert => self.conversion(op, ty),
            Shape::Binary if info.effect == crate::op::Effect::Flags => None,
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
                if let (true, crate::builder::Rhs::Reg(v)) = (ty.is_float(), rhs) {
                    rhs = self.without_nan(v).into();
                }
                let addr = self.address(ty.bytes());
                match op {
                    Op::MemAdd => self.b.mem_add(ty, rhs, addr),
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
                let (v, addr) = (self.value(ty), self.address(ty.bytes()));
                Some(self.b.atomic_fetch_add(v, addr))
            }
            Shape::Cas => {
                let addr = self.address(ty.bytes());
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
                self.b.guard_stack(LIMIT_OFFSET, 64, frame);
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

    fn conversion(&mut self, op: Op, to: Type) -> Option<VReg> {
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

    fn binary(&mut self, info: &OpInfo, ty: Type, frame: Option<FrameId>) -> VReg {
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

    fn call(&mut self, shape: Shape) -> Option<VReg> {
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
    fn guard(&mut self, shape: Shape, ty: Type) {
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
