//! AArch64 code runs: under qemu, in a program made by a cross compiler, and does what the LIR interpreter says.
//! Where `qemu-aarch64` or `aarch64-linux-gnu-gcc` is not installed, the tests say so and pass.
//!
//! `CODEGEN_SEED` and `CODEGEN_COUNT` choose other random functions.

#![cfg(target_os = "linux")]

#[path = "../../examples/tally/compile.rs"]
mod compile;
mod image;
#[allow(
    dead_code,
    reason = "the language's own interpreter is not needed, which `expect` does not see through a module"
)]
#[path = "../../examples/tally/lang.rs"]
mod lang;
mod machine;

use cinder_codegen::compiler::Compiler;
use cinder_codegen::lower::LowerOptions;
use cinder_lir::alloc::{AllocOptions, Target, Tier};
use cinder_lir::fuzzing::{BUFFER_ADDR, Config, arguments, buffer, canonical, function, interpret};
use cinder_lir::interp::{Interp, Outcome};
use cinder_lir::{Function, Symbol};
use machine::{COUNTER_ADDR, Ended, Job, Machine};
use std::rc::Rc;

/// A function for AArch64 under one way of compiling it.
fn compiled(machine: &mut Machine, source: &Function, tier: Tier, registers: Option<usize>, clobber: Option<u32>) {
    let target = registers.map_or_else(Target::aarch64, |n| Target::aarch64().restricted(n));
    let mut compiler = Compiler::new(target);
    compiler.alloc_options = AllocOptions { check: true, clobber_every: clobber, ..AllocOptions::default() };
    compiler.lower_options = LowerOptions { debug_points: true, force_exit: Some(COUNTER_ADDR) };
    let mut func = source.clone();
    let (alloc, lowered) = compiler.lower(&mut func, tier).unwrap_or_else(|e| panic!("{}: {e}\n{func}", func.name));
    machine.image.place(vec![(func, alloc, lowered)]);
}

/// How the interpreter says that a run ends.
fn expected(outcome: Outcome) -> Ended {
    match outcome {
        Outcome::Return(values) => Ended::Return(values[0]),
        Outcome::Exit(exit) => {
            let values = exit.values.into_iter().map(|v| v.map(|(ty, bits)| canonical(ty, bits)));
            Ended::Exit(exit.user, values.collect())
        }
    }
}

#[test]
fn random_functions_agree_with_the_interpreter() {
    let Some(mut machine) = Machine::start("random") else { return };
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default);
    let (first, count) = (number("CODEGEN_SEED", 0), number("CODEGEN_COUNT", 40));
    let mut jobs = Vec::new();
    let mut wanted = Vec::new();
    for seed in first..first + count {
        let source = function(seed, &Config::default());
        for tier in [Tier::Quick, Tier::Optimising] {
            for (registers, clobber) in [(None, None), (Some(5), None), (None, Some(3))] {
                let number = machine.image.functions.len();
                compiled(&mut machine, &source, tier, registers, clobber);
                let placed = &machine.image.functions[number];
                for (entry, run) in (0..placed.func.entries().len()).flat_map(|e| (0..3).map(move |r| (e, r))) {
                    let args = arguments(seed * 3 + run);
                    // Without a forced exit, then with one at each of the first guards.
                    for force in std::iter::once(None).chain((0..4).map(Some)) {
                        let (outcome, memory) = interpret(&placed.func, entry, &args, run, force)
                            .unwrap_or_else(|e| panic!("seed {seed}: {e}\n{}", placed.func));
                        let all = [BUFFER_ADDR, args[0], args[1], args[2], args[3], args[4]];
                        let counter = force.map_or(u64::MAX / 2, |f| f + 1);
                        jobs.push(Job { function: number, entry, args: all, counter, buffer: buffer(run) });
                        let what = format!("seed {seed} entry {entry} run {run} {tier:?} {registers:?} {clobber:?}");
                        wanted.push((expected(outcome), memory, format!("{what} force {force:?}")));
                    }
                }
            }
        }
    }
    let results = machine.run(&jobs);
    assert_eq!(results.len(), jobs.len());
    let mut exits = 0;
    for ((job, (ended, memory)), (want, want_memory, what)) in jobs.iter().zip(results).zip(wanted) {
        let func = &machine.image.functions[job.function].func;
        assert_eq!(ended, want, "{what}\n{func}");
        assert!(memory == want_memory, "memory: {what}\n{func}");
        exits += u32::from(matches!(ended, Ended::Exit(..)));
    }
    assert!(exits > 0 || count < 20, "no exit was ever taken");
}

/// Arguments of the kernels; `ARRAY` is memory of the driver.
const KERNELS: [(&str, &[u64]); 6] = [
    ("fib", &[15]),
    ("collatz", &[27]),
    ("gcds", &[60]),
    ("mandel", &[12]),
    ("sieve", &[ARRAY, 2000]),
    ("integrate.", &[500]),
];
const ARRAY: u64 = BUFFER_ADDR + (1 << 20);

#[test]
fn kernels_agree_with_the_interpreter() {
    let Some(mut machine) = Machine::start("kernels") else { return };
    let program = lang::Program::parse(include_str!("../../examples/tally/demo.tally"));
    let indices = (0..program.0.len()).filter(|n| program.0[*n].kind != "inline");
    let sources: Vec<Rc<Function>> = indices.map(|n| Rc::new(compile::compile(&program, n))).collect();
    let mut jobs = Vec::new();
    let mut wanted = Vec::new();
    for tier in [Tier::Quick, Tier::Optimising] {
        let mut compiler = Compiler::new(Target::aarch64());
        let first = machine.image.functions.len();
        let lower = |source: &Rc<Function>| {
            let mut func = Function::clone(source);
            let (alloc, lowered) = compiler.lower(&mut func, tier).expect("compiles");
            (func, alloc, lowered)
        };
        machine.image.place(sources.iter().map(lower).collect());
        for (name, args) in KERNELS {
            let position = sources.iter().position(|f| f.name == name).expect("a kernel");
            let mut interp = Interp::default();
            interp.memory.add(ARRAY, vec![0; 8 * 2001]);
            for f in &sources {
                interp.function(Symbol::Name(f.name.clone()), f.clone(), 0);
            }
            wanted.push((name, tier, expected(interp.run(&sources[position], 0, args).expect("runs"))));
            let mut all = [0; 6];
            all[..args.len()].copy_from_slice(args);
            jobs.push(Job { function: first + position, entry: 0, args: all, counter: 0, buffer: buffer(0) });
        }
    }
    let results = machine.run(&jobs);
    assert_eq!(results.len(), wanted.len());
    for ((name, tier, want), (ended, _)) in wanted.into_iter().zip(results) {
        assert!(matches!(want, Ended::Return(_)), "{name}");
        assert_eq!(ended, want, "{name} {tier:?}");
    }
}
