//! Random LIR: the interpreter, both allocators, forced spilling and forced exits agree.
//!
//! `CODEGEN_SEED`, `CODEGEN_COUNT` and `CODEGEN_SIZE` choose other functions for long runs.

mod common;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::lower::LowerOptions;
use cinder_codegen::memory::Protection;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig, Exit, ExitId, SavedRegisters};
use cinder_lir::alloc::{AllocOptions, Target, Tier};
use cinder_lir::fuzzing::{BUFFER_BYTES, Config, arguments, buffer, canonical, function, hosts, interpret};
use cinder_lir::interp::Outcome;
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::{Function, Symbol, Type};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// What an exit showed: the frame state's word and its values.
type Seen = (u64, Vec<Option<(Type, u64)>>);

thread_local! {
    static SPACE: RefCell<Option<CodeSpace>> = const { RefCell::new(None) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

unsafe extern "C" fn on_exit(_: *mut u8, frame: *mut u8, registers: *mut SavedRegisters, exit: ExitId) {
    let space = SPACE.with(|s| s.borrow().clone().unwrap());
    // SAFETY: this is what the stub passed.
    let exit = unsafe { Exit::new(&space, frame, registers, exit) }.unwrap();
    let types = exit.code.point_values(exit.point).iter().map(|v| v.ty);
    let values = exit.values().zip(types).map(|(v, ty)| v.map(|bits| (ty, bits))).collect();
    SEEN.with(|s| *s.borrow_mut() = Some((exit.user(), values)));
}

/// Values as they compare.
fn comparable(values: Vec<Option<(Type, u64)>>) -> Vec<Option<(Type, u64)>> {
    values.into_iter().map(|v| v.map(|(ty, bits)| (ty, canonical(ty, bits)))).collect()
}

fn expected(outcome: Outcome) -> (Option<u64>, Option<Seen>) {
    match outcome {
        Outcome::Return(values) => (values.first().copied(), None),
        Outcome::Exit(exit) => (None, Some((exit.user, comparable(exit.values)))),
    }
}

fn run(entry: usize, args: &[u64; 5], run: u64, memory: *mut u8) -> (Option<u64>, Option<Seen>, Vec<u8>) {
    let start = buffer(run);
    // SAFETY: the mapping is larger than the buffer; the function has the signature of generated functions.
    unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), memory, BUFFER_BYTES) };
    SEEN.with(|s| *s.borrow_mut() = None);
    // SAFETY: generated functions have this signature.
    let f: extern "C" fn(*mut u8, u64, u64, u32, f64, f64) -> u64 = unsafe { std::mem::transmute(entry) };
    let value = f(memory, args[0], args[1], args[2] as u32, f64::from_bits(args[3]), f64::from_bits(args[4]));
    let seen = SEEN.with(|s| s.borrow_mut().take()).map(|(user, values)| (user, comparable(values)));
    // SAFETY: as above.
    let after = unsafe { std::slice::from_raw_parts(memory, BUFFER_BYTES) }.to_vec();
    (seen.is_none().then_some(value), seen, after)
}

#[derive(Debug)]
struct Variant {
    tier: Tier,
    registers: Option<usize>,
    clobber_every: Option<u32>,
}

fn check(seed: u64, source: &Function, variant: &Variant, memory: *mut u8, space: &CodeSpace) -> u32 {
    let target = match variant.registers {
        Some(n) => Target::host().restricted(n),
        None => Target::host(),
    };
    let level = if variant.tier == Tier::Quick { Level::Quick } else { Level::Optimise };
    let mut func = source.clone();
    Pipeline::default().run(&mut func, &target, level).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let mut compiler = Compiler::new(target);
    compiler.alloc_options =
        AllocOptions { check: true, clobber_every: variant.clobber_every, ..AllocOptions::default() };
    compiler.lower_options = LowerOptions { debug_points: true, force_exit: Some(COUNTER.as_ptr() as u64) };
    let resolve = |symbol: &Symbol| match symbol {
        Symbol::User(id) => hosts().iter().find(|h| h.id == *id).map(|h| h.address as u64),
        _ => None,
    };
    let code = compiler
        .install(space, &mut func, variant.tier, &resolve)
        .unwrap_or_else(|e| panic!("seed {seed}: {e}\n{func}"));
    let mut exits = 0;
    for entry in 0..func.entries().len() {
        for n in 0..3 {
            let args = arguments(seed * 3 + n);
            // Without a forced exit, then with one at each of the first guards.
            for force in std::iter::once(None).chain((0..4).map(Some)) {
                COUNTER.store(force.map_or(u64::MAX / 2, |f| f + 1), Ordering::SeqCst);
                code.cell(0).into_iter().for_each(|c| c.store(0, Ordering::SeqCst));
                let (outcome, want_memory) =
                    interpret(&func, entry, &args, n, force).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{func}"));
                let (want, want_exit) = expected(outcome);
                let (have, have_exit, have_memory) = run(code.entry_at(entry).unwrap(), &args, n, memory);
                let what = format!("seed {seed} entry {entry} run {n} {variant:?} force {force:?}");
                assert_eq!(have_exit, want_exit, "{what}\n{func}");
                assert_eq!(have, want, "{what}\n{func}");
                assert!(have_memory == want_memory, "memory: {what}\n{func}");
                exits += u32::from(have_exit.is_some());
            }
        }
    }
    exits
}

#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn compiled_code_agrees_with_the_interpreter() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default);
    let (first, count) = (number("CODEGEN_SEED", 0), number("CODEGEN_COUNT", 60));
    let memory = common::map_buffer();
    let size = number("CODEGEN_SIZE", 120) as usize;
    let mut exits = 0;
    // The second way of protecting memory makes no other code: a few functions suffice.
    for (protection, count) in [(Protection::DualMapping, count), (Protection::Flip, count.min(5))] {
        let config = CodeSpaceConfig { protection, exit_handler: Some(on_exit), ..Default::default() };
        let space = CodeSpace::host(config).unwrap();
        SPACE.with(|s| *s.borrow_mut() = Some(space.clone()));
        for seed in first..first + count {
            let source = function(seed, &Config { size, ..Config::default() });
            for tier in [Tier::Quick, Tier::Optimising] {
                for (registers, clobber_every) in [(None, None), (Some(5), None), (None, Some(3))] {
                    exits += check(seed, &source, &Variant { tier, registers, clobber_every }, memory, &space);
                }
            }
        }
        assert!(space.used().code <= 4096, "functions give their memory back");
    }
    assert!(exits > 0 || count < 20, "no exit was ever taken");
}
