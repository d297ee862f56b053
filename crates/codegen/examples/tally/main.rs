//! A language that is not Python on `cinder-lir` and `cinder-codegen` alone: functions, loops, floats, recursion,
//! guards that leave for an interpreter, loops entered from it, generators, inlining, gdb and perf. With the language
//! in `lang.rs`, its compiler in `compile.rs` and the runtime here it has less than 400 lines.
//!
//!     cargo run -p cinder-codegen --example tally [-- --quick] [--debug gdb,perf-map,jitdump=DIR]

mod compile;
mod lang;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::debug::DebugOptions;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, Exit, ExitId, SavedRegisters};
use cinder_lir::{Function, alloc::Tier};
use lang::{Func, Program};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

struct Runtime {
    program: Program,
    space: CodeSpace,
    codes: Vec<Arc<CompiledCode>>,
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static EXITS: AtomicU64 = AtomicU64::new(0);
static ENTERED: AtomicU64 = AtomicU64::new(0);

/// Enters compiled code at a position, with the variables in memory.
fn enter(f: &Func, pc: usize, vars: &mut [u64]) -> Option<u64> {
    let code = RUNTIME.get()?.codes.iter().find(|c| c.name() == f.name)?;
    let entry = code.entry_named(&format!("{}@{pc}", f.name))?;
    ENTERED.fetch_add(u64::from(pc > 0), Relaxed);
    // SAFETY: such entries take a pointer to the variables and return a word.
    let entry: extern "C" fn(*mut u64) -> u64 = unsafe { std::mem::transmute(entry) };
    Some(entry(vars.as_mut_ptr()))
}

/// A guard failed: the interpreter does the statement again and goes on, back into compiled code at the next loop.
unsafe extern "C" fn on_exit(_thread: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, id: ExitId) {
    let Some(rt) = RUNTIME.get() else { return };
    // SAFETY: this is what the stub passed.
    let Some(mut exit) = (unsafe { Exit::new(&rt.space, frame, registers, id) }) else { return };
    EXITS.fetch_add(1, Relaxed);
    let mut vars: Vec<u64> = exit.values().map(|v| v.unwrap_or(0)).collect();
    let (function, pc) = ((exit.user() >> 32) as usize, exit.user() as u32 as usize);
    exit.set_result(rt.program.interpret(&rt.program.0[function], pc, &mut vars, enter));
}

fn call(name: &str, args: &[u64]) -> u64 {
    let f = RUNTIME.get().expect("started").program.func(name);
    let mut vars = args.to_vec();
    vars.resize(f.vars.len(), 0);
    enter(f, 0, &mut vars).expect("compiled")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let debug = args.iter().position(|a| a == "--debug").map_or("", |n| &args[n + 1]);
    let debug: DebugOptions = debug.parse().expect("debug options");
    let config = CodeSpaceConfig { exit_handler: Some(on_exit), ..CodeSpaceConfig::debuggable(debug) };
    let space = CodeSpace::host(config).expect("code memory");
    let program = Program::parse(include_str!("demo.tally"));
    let compiled = (0..program.0.len()).filter(|n| program.0[*n].kind != "inline");
    let mut functions: Vec<Function> = compiled.map(|n| compile::compile(&program, n)).collect();
    let tier = if args.iter().any(|a| a == "--quick") { Tier::Quick } else { Tier::Optimising };
    let codes = Compiler::host(&space).install_group(&space, &mut functions, tier, &|_| None).expect("compiles");
    let rt = RUNTIME.get_or_init(|| Runtime { program, space, codes });

    for (name, n) in [("fib", 27), ("collatz", 837_799), ("gcds", 2000), ("mandel", 200)] {
        println!("{name}({n}) = {}", call(name, &[n]));
    }
    let mut array = vec![0u64; 200_001];
    println!("sieve(200000) = {}", call("sieve", &[array.as_mut_ptr() as u64, 200_000]));
    println!("integrate(100000) = {:.6}", f64::from_bits(call("integrate.", &[100_000])));
    println!("power(3, 60) = {} after {} exits", call("power", &[3, 60]), EXITS.load(Relaxed));
    let (total, before) = (rt.program.func("total"), ENTERED.load(Relaxed));
    let sum = rt.program.interpret(total, 0, &mut [1_000_000, 0], enter);
    println!("total(1000000) = {sum}, entered {} times on the way", ENTERED.load(Relaxed) - before);

    let squares = rt.program.func("squares");
    let mut frame = vec![0, 0, 6, 0];
    while frame[0] != u64::MAX {
        let value = enter(squares, frame[0] as usize, &mut frame).expect("compiled");
        println!("squares: {}", value as i64);
    }
}
