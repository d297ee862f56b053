//! A language that is not Python on `cinder-lir` and `cinder-codegen` alone: functions, loops, floats, recursion,
//! guards that leave for an interpreter, loops entered from it, generators, inlining, gdb and perf.
//!
//! `lang.rs` is the language: its reader and its interpreter. `compile.rs` and this file are all that it takes to
//! compile it: 325 lines.
//!
//!     cargo run -p cinder-codegen --example tally [-- --quick --gdb --perf-map --jitdump DIR]

mod compile;
mod lang;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::debug::DebugOptions;
use cinder_codegen::memory::Protection;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, CompiledCode, ExitId, SavedRegisters};
use cinder_lir::alloc::Tier;
use cinder_lir::{Function, Type};
use lang::{Func, Program, interpret};
use std::cell::Cell;
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
    // SAFETY: such entries take a pointer to the variables; the name tells what they return.
    unsafe {
        match compile::ty(&f.name) {
            Type::F64 => {
                Some(std::mem::transmute::<usize, extern "C" fn(*mut u64) -> f64>(entry)(vars.as_mut_ptr()).to_bits())
            }
            _ => Some(std::mem::transmute::<usize, extern "C" fn(*mut u64) -> u64>(entry)(vars.as_mut_ptr())),
        }
    }
}

/// A guard failed: the interpreter does the statement again and goes on, back into compiled code at the next loop.
unsafe extern "C" fn on_exit(_thread: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    let Some(rt) = RUNTIME.get() else { return };
    // SAFETY: the common stub passes its own block of registers.
    let registers = unsafe { &mut *registers };
    let code = &rt.codes.iter().find(|c| c.id() == exit.function()).expect("installed");
    let user = code.point(exit.point()).expect("known").user;
    let values = code.point_values(exit.point()).iter();
    // SAFETY: the activation stopped at this point with these registers.
    let mut vars: Vec<u64> = values.map(|v| unsafe { code.read_value(v, frame, registers) }.unwrap_or(0)).collect();
    EXITS.fetch_add(1, Relaxed);
    let f = &rt.program.0[(user >> 32) as usize];
    let result = interpret(&rt.program, f, user as u32 as usize, &mut vars, &enter);
    registers.set_int_result(0, result);
    registers.set_float_result(0, result);
}

fn call(name: &str, args: &[u64]) -> u64 {
    let f = RUNTIME.get().expect("started").program.func(name);
    let mut vars = args.to_vec();
    vars.resize(f.vars.len() + 1, 0);
    enter(f, 0, &mut vars).expect("compiled")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tally");
    let debug = DebugOptions {
        gdb: has("--gdb"),
        perf_map: has("--perf-map"),
        jitdump: args.iter().position(|a| a == "--jitdump").map(|i| args[i + 1].clone().into()),
        source_dir: dir.into(),
        ..Default::default()
    };
    let protection = if has("--gdb") { Protection::Flip } else { Protection::DualMapping };
    let config = CodeSpaceConfig { protection, exit_handler: Some(on_exit), debug, ..Default::default() };
    let space = CodeSpace::host(config).expect("code memory");
    let program = Program::parse(include_str!("demo.tally"));
    let compiled = (0..program.0.len()).filter(|i| program.0[*i].kind != "inline");
    let mut functions: Vec<Function> = compiled.map(|i| compile::compile(&program, i, "demo.tally")).collect();
    let tier = if has("--quick") { Tier::Quick } else { Tier::Optimising };
    let codes = Compiler::host(&space).install_group(&space, &mut functions, tier, &|_| None).expect("compiles");
    RUNTIME.get_or_init(|| Runtime { program, space, codes });

    println!("fib(27) = {}", call("fib", &[27]));
    println!("collatz(837799) = {}", call("collatz", &[837_799]));
    println!("gcds(2000) = {}", call("gcds", &[2000]));
    println!("mandel(200) = {}", call("mandel", &[200]));
    let mut array = vec![0u64; 200_001];
    println!("sieve(200000) = {}", call("sieve", &[array.as_mut_ptr() as u64, 200_000]));
    println!("integrate(100000) = {:.6}", f64::from_bits(call("integrate.", &[100_000])));

    println!("power(3, 60) = {} after {} exits", call("power", &[3, 60]), EXITS.load(Relaxed));
    let p = &RUNTIME.get().expect("started").program;
    let before = ENTERED.load(Relaxed);
    let mut vars = vec![1_000_000, 0, 0];
    let sum = interpret(p, p.func("total"), 0, &mut vars, &enter);
    println!("total(1000000) = {sum}, entered {} times on the way", ENTERED.load(Relaxed) - before);
    let squares = p.func("squares");
    // A generator's frame, written by compiled code: where to go on, then the variables, the last of them its address.
    let frame = vec![Cell::new(0u64); squares.vars.len() + 2];
    frame[1].set(6);
    frame[squares.vars.len() + 1].set(frame.as_ptr() as u64);
    while frame[0].get() != u64::MAX {
        let mut vars: Vec<u64> = frame[1..].iter().map(Cell::get).collect();
        let value = enter(squares, frame[0].get() as usize, &mut vars).expect("compiled");
        println!("squares: {}", value as i64);
    }
    println!("{} bytes of code", RUNTIME.get().expect("started").space.used().code);
}
