//! Run time of the Tally kernels against cranelift's `speed` output for the same programs.
//!
//! `cargo bench -p cinder-codegen --profile fast --bench kernels` prints one line for each kernel: the time of our
//! optimising tier over cranelift's, and the same for the quick tier. Below 1 we are faster. Both are measured turn
//! by turn in one run.

#[path = "../examples/tally/compile.rs"]
mod compile;
#[allow(dead_code)]
#[path = "../examples/tally/lang.rs"]
mod lang;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, ExitId, SavedRegisters};
use cinder_lir::Function;
use cinder_lir::alloc::Tier;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, TrapCode, Value, types};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module};
use lang::{Expr, Func, Program, Stmt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Kernels and their arguments; `usize::MAX` stands for an array of 200,001 integers.
const KERNELS: [(&str, &[i64]); 6] = [
    ("fib", &[30]),
    ("collatz", &[837_799]),
    ("gcds", &[3000]),
    ("mandel", &[150]),
    ("sieve", &[i64::MAX, 200_000]),
    ("integrate.", &[300_000]),
];

unsafe extern "C" fn no_exit(_: *mut u8, _: *mut u8, _: *mut SavedRegisters, _: ExitId) {
    panic!("a kernel left compiled code");
}

/// The program through cranelift: variables as frontend variables, overflow as traps, which is less than our guards
/// do.
struct Clif<'p> {
    p: &'p Program,
    module: JITModule,
    ids: BTreeMap<String, FuncId>,
}

fn clif_type(name: &str) -> types::Type {
    if compile::ty(name) == cinder_lir::Type::F64 { types::F64 } else { types::I64 }
}

impl<'p> Clif<'p> {
    fn new(p: &'p Program) -> Clif<'p> {
        let mut flags = settings::builder();
        flags.set("opt_level", "speed").expect("a flag");
        flags.set("is_pic", "false").expect("a flag");
        flags.set("enable_verifier", "false").expect("a flag");
        let mut isa = cranelift_codegen::isa::lookup_by_name("x86_64-unknown-linux-gnu").expect("x86-64");
        for feature in [
            "has_sse3",
            "has_ssse3",
            "has_sse41",
            "has_sse42",
            "has_popcnt",
            "has_avx",
            "has_bmi1",
            "has_bmi2",
            "has_lzcnt",
        ] {
            isa.enable(feature).expect("a feature");
        }
        let isa = isa.finish(settings::Flags::new(flags)).expect("an ISA");
        let module = JITModule::new(JITBuilder::with_isa(isa, cranelift_module::default_libcall_names()));
        let mut clif = Clif { p, module, ids: BTreeMap::new() };
        let funcs: Vec<&Func> = p.0.iter().filter(|f| f.kind == "fn").collect();
        for f in &funcs {
            let mut sig = clif.module.make_signature();
            sig.params.extend(f.vars[..f.params].iter().map(|v| AbiParam::new(clif_type(v))));
            sig.returns.push(AbiParam::new(clif_type(&f.name)));
            let id = clif.module.declare_function(&f.name, Linkage::Export, &sig).expect("declared");
            clif.ids.insert(f.name.clone(), id);
        }
        for f in funcs {
            clif.function(f);
        }
        clif.module.finalize_definitions().expect("defined");
        clif
    }

    fn function(&mut self, f: &Func) {
        let mut ctx = self.module.make_context();
        ctx.func.signature = self.module.declarations().get_function_decl(self.ids[&f.name]).signature.clone();
        let mut fbc = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut ctx.func, &mut fbc);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let params = b.block_params(entry).to_vec();
        let vars: Vec<Variable> = f.vars.iter().map(|v| b.declare_var(clif_type(v))).collect();
        for (i, var) in vars.iter().enumerate() {
            let value = match params.get(i) {
                Some(v) => *v,
                None if clif_type(&f.vars[i]) == types::F64 => b.ins().f64const(0.0),
                None => b.ins().iconst(types::I64, 0),
            };
            b.def_var(*var, value);
        }
        let mut blocks = BTreeMap::new();
        for (_, stmt) in &f.code {
            if let Stmt::Goto(to) | Stmt::Unless(_, to) = stmt {
                blocks.entry(*to).or_insert_with(|| b.create_block());
            }
        }
        let mut open = true;
        for (pc, (_, stmt)) in f.code.iter().enumerate() {
            if let Some(block) = blocks.get(&pc) {
                if open {
                    b.ins().jump(*block, &[] as &[BlockArg]);
                }
                b.switch_to_block(*block);
                open = true;
            }
            if !open {
                continue;
            }
            match stmt {
                Stmt::Set(v, e) => {
                    let value = self.expr(&mut b, &vars, e, &[]);
                    b.def_var(vars[*v], value);
                }
                Stmt::Store(a, i, e) => {
                    let (a, i) = (self.expr(&mut b, &vars, a, &[]), self.expr(&mut b, &vars, i, &[]));
                    let value = self.expr(&mut b, &vars, e, &[]);
                    let offset = b.ins().ishl_imm_u(i, 3);
                    let at = b.ins().iadd(a, offset);
                    b.ins().store(MemFlagsData::trusted(), value, at, 0);
                }
                Stmt::Unless(e, to) => {
                    let cond = self.expr(&mut b, &vars, e, &[]);
                    let next = b.create_block();
                    b.ins().brif(cond, next, &[] as &[BlockArg], blocks[to], &[] as &[BlockArg]);
                    b.switch_to_block(next);
                }
                Stmt::Goto(to) => {
                    b.ins().jump(blocks[to], &[] as &[BlockArg]);
                    open = false;
                }
                Stmt::Return(e) | Stmt::Yield(e) => {
                    let value = self.expr(&mut b, &vars, e, &[]);
                    b.ins().return_(&[value]);
                    open = false;
                }
            }
        }
        b.seal_all_blocks();
        b.finalize(self.module.target_config());
        self.module.define_function(self.ids[&f.name], &mut ctx).expect("compiles");
        self.module.clear_context(&mut ctx);
    }

    fn expr(&mut self, b: &mut FunctionBuilder<'_>, vars: &[Variable], e: &Expr, args: &[Value]) -> Value {
        let (name, operands) = match e {
            Expr::Int(n) => return b.ins().iconst(types::I64, *n),
            Expr::Float(x) => return b.ins().f64const(*x),
            Expr::Var(v) if !args.is_empty() => return args[*v],
            Expr::Var(v) => return b.use_var(vars[*v]),
            Expr::Call(name, operands) => (name.as_str(), operands),
        };
        let v: Vec<Value> = operands.iter().map(|o| self.expr(b, vars, o, args)).collect();
        let overflow = TrapCode::INTEGER_OVERFLOW;
        let checked = |b: &mut FunctionBuilder<'_>, (value, flag): (Value, Value)| {
            b.ins().trapnz(flag, overflow);
            value
        };
        let truth = match name {
            "+" => {
                let r = b.ins().sadd_overflow(v[0], v[1]);
                return checked(b, r);
            }
            "-" => {
                let r = b.ins().ssub_overflow(v[0], v[1]);
                return checked(b, r);
            }
            "*" => {
                let r = b.ins().smul_overflow(v[0], v[1]);
                return checked(b, r);
            }
            "/" => return b.ins().sdiv(v[0], v[1]),
            "%" => return b.ins().srem(v[0], v[1]),
            "+." => return b.ins().fadd(v[0], v[1]),
            "-." => return b.ins().fsub(v[0], v[1]),
            "*." => return b.ins().fmul(v[0], v[1]),
            "/." => return b.ins().fdiv(v[0], v[1]),
            "sqrt." => return b.ins().sqrt(v[0]),
            "float." => return b.ins().fcvt_from_sint(types::F64, v[0]),
            "int" => return b.ins().fcvt_to_sint_sat(types::I64, v[0]),
            "load" => {
                let offset = b.ins().ishl_imm_u(v[1], 3);
                let at = b.ins().iadd(v[0], offset);
                return b.ins().load(types::I64, MemFlagsData::trusted(), at, 0);
            }
            "<" => b.ins().icmp(IntCC::SignedLessThan, v[0], v[1]),
            "=" => b.ins().icmp(IntCC::Equal, v[0], v[1]),
            "<." => b.ins().fcmp(FloatCC::LessThan, v[0], v[1]),
            _ => {
                let callee = self.p.func(name);
                if callee.kind == "inline" {
                    let Stmt::Return(body) = &callee.code[0].1 else {
                        unreachable!("inline functions are one expression")
                    };
                    return self.expr(b, vars, body, &v);
                }
                let id = self.ids[name];
                let target = self.module.declare_func_in_func(id, b.func);
                let call = b.ins().call(target, &v);
                return b.inst_results(call)[0];
            }
        };
        b.ins().uextend(types::I64, truth)
    }

    fn entry(&self, name: &str) -> usize {
        self.module.get_finalized_function(self.ids[name]) as usize
    }
}

fn run(entry: usize, name: &str, args: &[i64], array: &mut [u64]) -> u64 {
    array.fill(0);
    let arg = |n: usize| match args.get(n).copied().unwrap_or(0) {
        i64::MAX => array.as_ptr() as i64,
        n => n,
    };
    // SAFETY: kernels take at most two integers and return an integer or, by their name, a float.
    unsafe {
        if name.ends_with('.') {
            std::mem::transmute::<usize, extern "C" fn(i64, i64) -> f64>(entry)(arg(0), arg(1)).to_bits()
        } else {
            std::mem::transmute::<usize, extern "C" fn(i64, i64) -> u64>(entry)(arg(0), arg(1))
        }
    }
}

fn main() {
    let program = Program::parse(include_str!("../examples/tally/demo.tally"));
    let clif = Clif::new(&program);
    let config = || CodeSpaceConfig { exit_handler: Some(no_exit), ..Default::default() };
    let build = |tier: Tier| -> (CodeSpace, Vec<Arc<CompiledCode>>) {
        let space = CodeSpace::host(config()).expect("code memory");
        let compiled = (0..program.0.len()).filter(|i| program.0[*i].kind != "inline");
        let mut functions: Vec<Function> = compiled.map(|i| compile::compile(&program, i, "demo.tally")).collect();
        let codes = Compiler::host(&space).install_group(&space, &mut functions, tier, &|_| None).expect("compiles");
        (space, codes)
    };
    let (optimised, quick) = (build(Tier::Optimising), build(Tier::Quick));
    let find =
        |codes: &[Arc<CompiledCode>], name: &str| codes.iter().find(|c| c.name() == name).expect("compiled").entry();
    let mut array = vec![0u64; 200_001];
    println!("{:>12} {:>10} {:>10} {:>12}", "kernel", "optimising", "quick", "cranelift us");
    let (mut product, mut worst) = (1.0f64, 0.0f64);
    for (name, args) in KERNELS {
        let entries = [clif.entry(name), find(&optimised.1, name), find(&quick.1, name)];
        let mut best = [f64::MAX; 3];
        let mut results = [0u64; 3];
        let start = Instant::now();
        while start.elapsed().as_millis() < 900 {
            for (i, entry) in entries.iter().enumerate() {
                let repeat = if name == "collatz" { 200 } else { 1 };
                let begin = Instant::now();
                for _ in 0..repeat {
                    results[i] = run(*entry, name, args, if name == "sieve" { &mut array } else { &mut [] });
                }
                best[i] = best[i].min(begin.elapsed().as_nanos() as f64);
            }
        }
        assert!(results.iter().all(|r| *r == results[0]), "{name}: {results:?}");
        let (ours, fast) = (best[1] / best[0], best[2] / best[0]);
        product *= ours;
        worst = worst.max(ours);
        println!("{name:>12} {ours:>10.2} {fast:>10.2} {:>12.1}", best[0] / 1000.0);
    }
    println!("{:>12} {:>10.2}   worst {worst:.2}", "geomean", product.powf(1.0 / KERNELS.len() as f64));
}
