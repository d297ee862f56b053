//! Run time of the Tally kernels against cranelift's `speed` output for the same programs.
//!
//! `cargo bench -p cinder-codegen --profile fast --bench kernels` prints one line for each kernel: the time of our
//! optimising tier over cranelift's, and the same for the quick tier. Below 1 we are faster. All are measured turn by
//! turn in one run, in processor time.

mod common;
#[path = "../examples/tally/compile.rs"]
mod compile;
#[allow(
    dead_code,
    reason = "the language's own interpreter is not needed, which `expect` does not see through a module"
)]
#[path = "../examples/tally/lang.rs"]
mod lang;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, ExitId, SavedRegisters};
use cinder_lir::Function;
use cinder_lir::alloc::Tier;
use common::now;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, TrapCode, Value, types};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module};
use lang::{Func, Program, Word};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Kernels and their arguments; `i64::MAX` stands for an array of 200,001 integers.
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
    if lang::ty(name) == cinder_lir::Type::F64 { types::F64 } else { types::I64 }
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
            sig.returns.push(AbiParam::new(types::I64));
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
        for (pc, (_, word)) in f.code.iter().enumerate() {
            match word {
                Word::Loop(to) => _ = blocks.entry(*to).or_insert_with(|| b.create_block()),
                Word::Unless(to) => {
                    for to in [*to, pc + 1] {
                        blocks.entry(to).or_insert_with(|| b.create_block());
                    }
                }
                _ => {}
            }
        }
        let (mut open, mut stack) = (true, Vec::new());
        for (pc, (_, word)) in f.code.iter().enumerate() {
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
            match word {
                Word::Get(var) => stack.push(b.use_var(vars[*var])),
                Word::Set(var) => b.def_var(vars[*var], stack.pop().expect("a value")),
                Word::Unless(to) => {
                    let cond = stack.pop().expect("a value");
                    let (yes, no) = (blocks[&(pc + 1)], blocks[to]);
                    b.ins().brif(cond, yes, &[] as &[BlockArg], no, &[] as &[BlockArg]);
                    open = false;
                }
                Word::Loop(to) => {
                    b.ins().jump(blocks[to], &[] as &[BlockArg]);
                    open = false;
                }
                Word::Return | Word::Yield => {
                    let value = stack.pop().expect("a value");
                    let word = match b.func.dfg.value_type(value) {
                        types::F64 => b.ins().bitcast(types::I64, MemFlagsData::new(), value),
                        _ => value,
                    };
                    b.ins().return_(&[word]);
                    open = false;
                }
                word => self.word(&mut b, &mut stack, word),
            }
        }
        b.seal_all_blocks();
        b.finalize(self.module.target_config());
        self.module.define_function(self.ids[&f.name], &mut ctx).expect("compiles");
        self.module.clear_context(&mut ctx);
    }

    /// A word without control flow.
    fn word(&mut self, b: &mut FunctionBuilder<'_>, stack: &mut Vec<Value>, word: &Word) {
        let result = match word {
            Word::Int(n) => b.ins().iconst(types::I64, *n),
            Word::Float(x) => b.ins().f64const(*x),
            Word::Call(name) if lang::operator(name).is_some() => self.operator(b, stack, name),
            Word::Store => {
                let (index, array, value) =
                    (stack.pop().expect("an index"), stack.pop().expect("an array"), stack.pop().expect("a value"));
                let offset = b.ins().ishl_imm_u(index, 3);
                let at = b.ins().iadd(array, offset);
                b.ins().store(MemFlagsData::trusted(), value, at, 0);
                return;
            }
            Word::Call(name) => {
                let callee = self.p.func(name);
                let args = stack.split_off(stack.len() - callee.params);
                if callee.kind == "inline" {
                    let mut own = Vec::new();
                    for (_, word) in &callee.code[..callee.code.len() - 1] {
                        match word {
                            Word::Get(var) => own.push(args[*var]),
                            word => self.word(b, &mut own, word),
                        }
                    }
                    own.pop().expect("a value")
                } else {
                    let target = self.module.declare_func_in_func(self.ids[name], b.func);
                    let call = b.ins().call(target, &args);
                    b.inst_results(call)[0]
                }
            }
            _ => unreachable!("control flow is not inlined"),
        };
        stack.push(result);
    }

    fn operator(&mut self, b: &mut FunctionBuilder<'_>, stack: &mut Vec<Value>, name: &str) -> Value {
        let y = stack.pop().expect("a value");
        match name {
            "sqrt." => return b.ins().sqrt(y),
            "float." => return b.ins().fcvt_from_sint(types::F64, y),
            _ => {}
        }
        let x = stack.pop().expect("a value");
        let checked = |b: &mut FunctionBuilder<'_>, (value, flag): (Value, Value)| {
            b.ins().trapnz(flag, TrapCode::INTEGER_OVERFLOW);
            value
        };
        let truth = match name {
            "+" => {
                let r = b.ins().sadd_overflow(x, y);
                return checked(b, r);
            }
            "-" => {
                let r = b.ins().ssub_overflow(x, y);
                return checked(b, r);
            }
            "*" => {
                let r = b.ins().smul_overflow(x, y);
                return checked(b, r);
            }
            "/" => return b.ins().sdiv(x, y),
            "%" => return b.ins().srem(x, y),
            "+." => return b.ins().fadd(x, y),
            "-." => return b.ins().fsub(x, y),
            "*." => return b.ins().fmul(x, y),
            "/." => return b.ins().fdiv(x, y),
            "load" => {
                let offset = b.ins().ishl_imm_u(y, 3);
                let at = b.ins().iadd(x, offset);
                return b.ins().load(types::I64, MemFlagsData::trusted(), at, 0);
            }
            "<" => b.ins().icmp(IntCC::SignedLessThan, x, y),
            "=" => b.ins().icmp(IntCC::Equal, x, y),
            "<." => b.ins().fcmp(FloatCC::LessThan, x, y),
            other => panic!("no operator {other}"),
        };
        b.ins().uextend(types::I64, truth)
    }

    fn entry(&self, name: &str) -> usize {
        self.module.get_finalized_function(self.ids[name]) as usize
    }
}

fn run(entry: usize, args: &[i64], array: &mut [u64]) -> u64 {
    array.fill(0);
    let arg = |n: usize| match args.get(n).copied().unwrap_or(0) {
        i64::MAX => array.as_ptr() as i64,
        n => n,
    };
    // SAFETY: kernels take at most two integers and return a word.
    unsafe { std::mem::transmute::<usize, extern "C" fn(i64, i64) -> u64>(entry)(arg(0), arg(1)) }
}

fn main() {
    let program = Program::parse(include_str!("../examples/tally/demo.tally"));
    let clif = Clif::new(&program);
    let config = || CodeSpaceConfig { exit_handler: Some(no_exit), ..Default::default() };
    let build = |tier: Tier| -> (CodeSpace, Vec<Arc<CompiledCode>>) {
        let space = CodeSpace::host(config()).expect("code memory");
        let compiled = (0..program.0.len()).filter(|i| program.0[*i].kind != "inline");
        let mut functions: Vec<Function> = compiled.map(|i| compile::compile(&program, i)).collect();
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
                let begin = now();
                for _ in 0..repeat {
                    results[i] = run(*entry, args, if name == "sieve" { &mut array } else { &mut [] });
                }
                best[i] = best[i].min((now() - begin) as f64);
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
