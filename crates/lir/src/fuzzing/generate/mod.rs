//! Generating functions.

mod control;
mod instructions;
mod operands;

use super::rng::Rng;
use super::{BUFFER_BYTES, PARAMS, hosts};
use crate::builder::Builder;
use crate::ir::{Addr, DebugValue, Function, Scope, Signature, SourceLoc, Symbol, SymbolId, VReg, Var, VarId};
use crate::types::{FloatCC, Type};

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
        for n in from..self.values.len() {
            let v = self.values[n];
            let v = self.as_i64(v);
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
    pub(super) fn as_i64(&mut self, v: VReg) -> VReg {
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
    pub(super) fn without_nan(&mut self, v: VReg) -> VReg {
        let ty = self.b.ty(v);
        let zero = self.b.fconst(ty, 0);
        let ok = self.b.fcmp(FloatCC::Ord, v, v);
        self.b.select(ok, v, zero)
    }

    pub(super) fn types(&self) -> &'static [Type] {
        if self.config.floats { &Type::ALL } else { &Type::ALL[..4] }
    }

    pub(super) fn any_type(&mut self) -> Type {
        let all = self.types();
        // 64-bit values are the common ones.
        if self.rng.one_in(3) { Type::I64 } else { *self.rng.pick(all) }
    }

    /// A value of a type: an earlier one or a constant.
    pub(super) fn value(&mut self, ty: Type) -> VReg {
        for _ in 0..6 {
            let n = self.values.len();
            let back = if self.rng.one_in(3) { self.rng.below(n) } else { self.rng.below(n.min(8)) };
            if n > 0 && self.b.ty(self.values[n - 1 - back]) == ty {
                return self.values[n - 1 - back];
            }
        }
        self.constant(ty)
    }

    pub(super) fn constant(&mut self, ty: Type) -> VReg {
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

    pub(super) fn region(&mut self, depth: u32) {
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

    pub(super) fn location(&mut self) {
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
}
