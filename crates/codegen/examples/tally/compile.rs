//! Tally to LIR. Every statement is a place to leave compiled code for the interpreter: expressions have no effects,
//! so the interpreter starts the statement again.

use super::lang::{Expr, Func, Program, Stmt};
use cinder_lir::ir::{DebugValue, FileId, FrameId, LocId, Scope, ScopeId, SourceLoc, Var, VarId};
use cinder_lir::{Addr, BlockId, Builder, FloatCC, FrameValue, Function, IntCC, Signature, Symbol, Type, VReg};
use std::collections::BTreeMap;

pub fn ty(name: &str) -> Type {
    if name.ends_with('.') && name != "<." { Type::F64 } else { Type::I64 }
}

struct Compile<'a, 'b> {
    p: &'a Program,
    f: &'a Func,
    b: &'a mut Builder<'b>,
    /// Blocks of the positions that jumps go to, with their variables.
    blocks: BTreeMap<usize, (BlockId, Vec<VReg>)>,
    vars: Vec<VReg>,
    dbg: Vec<VarId>,
    file: FileId,
    /// The frame state of the statement, made when something needs it.
    frame: Option<FrameId>,
    user: u64,
}

/// Compiles a function. Entries: `name` with its parameters; `name@pc` with a pointer to the variables for every
/// position that the interpreter or a generator's caller may enter at.
pub fn compile(p: &Program, index: usize, file: &str) -> Function {
    let f = &p.0[index];
    let mut out = Function::new(&f.name);
    let mut builder = Builder::new(&mut out);
    let file = builder.file(file);
    builder.scope(Scope { name: f.name.clone(), file, line: f.line, call_site: None });
    let mut types: Vec<Type> = f.vars.iter().map(|v| ty(v)).collect();
    let dbg = f.vars.iter().enumerate().map(|(i, v)| {
        builder.var(Var { name: v.replace('.', ""), ty: ty(v), scope: ScopeId::new(0), is_param: i < f.params })
    });
    let dbg = dbg.collect();
    if f.kind == "gen" {
        types.push(Type::I64);
    }
    let mut blocks = BTreeMap::new();
    let mut entries = vec![0];
    for (pc, (_, stmt)) in f.code.iter().enumerate() {
        let (target, enter) = match stmt {
            Stmt::Goto(to) => (*to, *to < pc),
            Stmt::Unless(_, to) => (*to, false),
            Stmt::Yield(_) => (pc + 1, true),
            _ => continue,
        };
        blocks.entry(target).or_insert_with(|| builder.block(&types));
        entries.extend(enter.then_some(target));
    }
    blocks.entry(0).or_insert_with(|| builder.block(&types));
    entries.sort_unstable();
    entries.dedup();
    let mut c =
        Compile { p, f, b: &mut builder, blocks, vars: vec![], dbg, file, frame: None, user: (index as u64) << 32 };
    c.set_line(f.line, 0, None);
    let sig = c.b.signature(Signature::host(&types[..f.params], &[ty(&f.name)]));
    c.vars = c.b.entry(&f.name, sig);
    for t in &types[f.params..] {
        let zero = if *t == Type::F64 { c.b.f64(0.0) } else { c.b.iconst(Type::I64, 0) };
        c.vars.push(zero);
    }
    let first = c.blocks[&0].0;
    c.b.jump((first, &c.vars));
    c.body();
    let sig = c.b.signature(Signature::host(&[Type::I64], &[ty(&f.name)]));
    for pc in entries {
        let base = c.b.entry(&format!("{}@{pc}", f.name), sig)[0];
        let load = |(i, t): (usize, &Type)| c.b.load(*t, Addr::base(base, 8 * i as i32));
        let vars: Vec<VReg> = types.iter().enumerate().map(load).collect();
        let to = c.blocks[&pc].0;
        c.b.jump((to, &vars));
    }
    builder.finish().expect("well-formed code");
    out
}

impl Compile<'_, '_> {
    fn set_line(&mut self, line: u32, scope: usize, frame: Option<FrameId>) -> LocId {
        let loc = self.b.loc(SourceLoc { file: self.file, line, column: 0, scope: ScopeId::new(scope) });
        self.b.set_loc(loc);
        self.frame = frame;
        loc
    }

    fn body(&mut self) {
        for (pc, (line, stmt)) in self.f.code.iter().enumerate() {
            if let Some((block, params)) = self.blocks.get(&pc).cloned() {
                if self.b.current().is_some() {
                    self.b.jump((block, &self.vars));
                }
                self.b.open(block);
                self.vars = params;
                for (var, v) in self.dbg.iter().zip(&self.vars) {
                    self.b.debug_value(*var, DebugValue::Reg(*v));
                }
            }
            if self.b.current().is_none() {
                continue;
            }
            self.user = self.user >> 32 << 32 | pc as u64;
            self.set_line(*line, 0, None);
            match stmt {
                Stmt::Set(var, e) => {
                    self.vars[*var] = self.expr(e);
                    self.b.debug_value(self.dbg[*var], DebugValue::Reg(self.vars[*var]));
                }
                Stmt::Store(a, i, e) => {
                    let (a, i, e) = (self.expr(a), self.expr(i), self.expr(e));
                    self.b.store(Type::I64, e, Addr::indexed(a, i, 3, 0));
                }
                Stmt::Unless(e, to) => {
                    let cond = self.expr(e);
                    let (next, _) = self.b.block(&[]);
                    let to = self.blocks[to].0;
                    self.b.br(cond, (next, &[]), (to, &self.vars));
                    self.b.open(next);
                }
                Stmt::Goto(to) => {
                    let to = self.blocks[to].0;
                    self.b.jump((to, &self.vars));
                }
                Stmt::Return(e) | Stmt::Yield(e) => {
                    let value = self.expr(e);
                    if self.f.kind == "gen" {
                        let frame = self.vars[self.vars.len() - 1];
                        let next = if matches!(stmt, Stmt::Yield(_)) { pc as i64 + 1 } else { -1 };
                        self.b.store(Type::I64, next, Addr::base(frame, 0));
                        for (i, v) in self.vars.iter().enumerate() {
                            self.b.store(self.b.ty(*v), *v, Addr::base(frame, 8 + 8 * i as i32));
                        }
                    }
                    self.b.ret(&[value]);
                }
            }
        }
    }

    fn state(&mut self) -> FrameId {
        let values: Vec<FrameValue> = self.vars.iter().map(|v| FrameValue::Reg(*v)).collect();
        let (user, b) = (self.user, &mut self.b);
        *self.frame.get_or_insert_with(|| b.frame_state(user, &values))
    }

    fn expr(&mut self, e: &Expr) -> VReg {
        let (name, args) = match e {
            Expr::Int(n) => return self.b.iconst(Type::I64, *n),
            Expr::Float(x) => return self.b.f64(*x),
            Expr::Var(v) => return self.vars[*v],
            Expr::Call(name, args) => (name.as_str(), args),
        };
        let v: Vec<VReg> = args.iter().map(|a| self.expr(a)).collect();
        let truth = match name {
            "+." => return self.b.fadd(v[0], v[1]),
            "-." => return self.b.fsub(v[0], v[1]),
            "*." => return self.b.fmul(v[0], v[1]),
            "/." => return self.b.fdiv(v[0], v[1]),
            "sqrt." => return self.b.fsqrt(v[0]),
            "float." => return self.b.int_to_float(Type::F64, v[0]),
            "int" => return self.b.float_to_int(Type::I64, v[0]),
            "load" => return self.b.load(Type::I64, Addr::indexed(v[0], v[1], 3, 0)),
            "<." => self.b.fcmp(FloatCC::Lt, v[0], v[1]),
            "<" => self.b.icmp(IntCC::Slt, v[0], v[1]),
            "=" => self.b.icmp(IntCC::Eq, v[0], v[1]),
            "+" | "-" | "*" | "/" | "%" => {
                let frame = self.state();
                return match name {
                    "+" => self.b.add_ovf(v[0], v[1], frame),
                    "-" => self.b.sub_ovf(v[0], v[1], frame),
                    "*" => self.b.mul_ovf(v[0], v[1], frame),
                    "/" => self.b.sdiv_exit(v[0], v[1], frame),
                    _ => self.b.srem_exit(v[0], v[1], frame),
                };
            }
            _ => return self.call(name, &v),
        };
        self.b.zext(Type::I64, truth)
    }

    fn call(&mut self, name: &str, args: &[VReg]) -> VReg {
        let callee = self.p.func(name);
        let types: Vec<Type> = callee.vars[..callee.params].iter().map(|v| ty(v)).collect();
        if callee.kind != "inline" {
            let sig = self.b.signature(Signature::host(&types, &[ty(name)]));
            let symbol = self.b.symbol(Symbol::Name(name.into()));
            return self.b.call(sig, symbol, args, None).one();
        }
        let line = self.f.code[self.user as u32 as usize].0;
        // The frame state is the caller's: the interpreter starts the caller's statement again.
        let frame = Some(self.state());
        let call_site = Some(self.set_line(line, 0, frame));
        let scope = self.b.scope(Scope { name: name.into(), file: self.file, line: callee.line, call_site });
        self.set_line(callee.line, scope.index(), frame);
        for (name, v) in callee.vars.iter().zip(args) {
            let var = self.b.var(Var { name: name.replace('.', ""), ty: ty(name), scope, is_param: true });
            self.b.debug_value(var, DebugValue::Reg(*v));
        }
        let vars = std::mem::replace(&mut self.vars, args.to_vec());
        let Stmt::Return(body) = &callee.code[0].1 else { unreachable!("inline functions are one expression") };
        let value = self.expr(body);
        self.vars = vars;
        self.set_line(line, 0, frame);
        value
    }
}
