//! Random functions: text round trip, passes against the interpreter, both allocators with the checker.

use cinder_lir::alloc::{AllocOptions, Allocated, Allocator, Target, Tier};
use cinder_lir::fuzzing::{Config, arguments, canonical, function, interpret};
use cinder_lir::interp::Outcome;
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::{Function, verify};

fn seeds() -> std::ops::Range<u64> {
    let from = std::env::var("LIR_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let count = std::env::var("LIR_COUNT").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    from..from + count
}

/// Exits as they compare: instruction ids change with passes, NaNs may.
fn comparable(outcome: &Outcome) -> (u64, Vec<Option<u64>>) {
    match outcome {
        Outcome::Return(values) => (0, values.iter().copied().map(Some).collect()),
        Outcome::Exit(exit) => {
            let values = exit.values.iter().map(|v| v.map(|(ty, bits)| canonical(ty, bits)));
            (exit.user + 1, values.collect())
        }
    }
}

#[test]
fn text_reads_back() {
    for seed in seeds() {
        let f = function(seed, &Config::default());
        let text = f.to_string();
        verify(&f).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
        let back: Function = text.parse().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
        assert_eq!(back.to_string(), text, "seed {seed}");
        verify(&back).unwrap_or_else(|e| panic!("seed {seed} read back: {e}\n{text}"));
    }
}

#[test]
fn passes_keep_meaning() {
    let mut pipeline = Pipeline::default();
    let mut returned = 0;
    for seed in seeds() {
        let f = function(seed, &Config::default());
        for target in [Target::x64(), Target::aarch64()] {
            for level in [Level::Quick, Level::Optimise] {
                let mut g = f.clone();
                pipeline.run(&mut g, &target, level).unwrap_or_else(|e| panic!("seed {seed} {level:?}: {e}\n{f}\n{g}"));
                let text = g.to_string();
                let back: Function = text.parse().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{text}"));
                assert_eq!(back.to_string(), text, "seed {seed}");
                for entry in 0..f.entries().len() {
                    for run in 0..3 {
                        let args = arguments(seed * 3 + run);
                        let (want, want_buffer) = interpret(&f, entry, &args, run, None).expect("runs");
                        let (have, have_buffer) = interpret(&g, entry, &args, run, None)
                            .unwrap_or_else(|e| panic!("seed {seed} {level:?}: {e}\n{f}\n{g}"));
                        returned += u64::from(matches!(want, Outcome::Return(_)));
                        assert_eq!(comparable(&have), comparable(&want), "seed {seed} {level:?}\n{f}\n{g}");
                        assert!(have_buffer == want_buffer, "memory: seed {seed} {level:?}\n{f}\n{g}");
                    }
                }
            }
        }
    }
    assert!(returned > 0);
}

#[test]
fn allocations_check() {
    let mut pipeline = Pipeline::default();
    let mut allocator = Allocator::default();
    let mut out = Allocated::default();
    let mut spilled = [0u64; 2];
    for seed in seeds() {
        let f = function(seed, &Config::default());
        for (kind, target) in [Target::x64(), Target::aarch64(), Target::x64().restricted(5)].iter().enumerate() {
            let mut g = f.clone();
            pipeline.run(&mut g, target, Level::Optimise).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            for tier in [Tier::Quick, Tier::Optimising] {
                for clobber_every in [None, Some(3)] {
                    let opts = AllocOptions { tier, check: true, clobber_every };
                    allocator
                        .run_into(&g, target, &opts, &mut out)
                        .unwrap_or_else(|e| panic!("seed {seed} target {kind} {tier:?} {clobber_every:?}: {e}\n{g}"));
                    spilled[usize::from(clobber_every.is_some())] += u64::from(out.num_slots());
                }
            }
        }
    }
    assert!(spilled[1] > spilled[0]);
}

/// What is never generated is never compared. `trap` would end the process that runs compiled code.
#[test]
fn every_operation_is_generated() {
    let mut seen = std::collections::HashSet::new();
    for seed in 0..200 {
        seen.extend(function(seed, &Config::default()).insts().iter().map(|i| i.op));
    }
    let missing: Vec<&str> = cinder_lir::Op::table().iter().filter(|i| !seen.contains(&i.op)).map(|i| i.name).collect();
    assert_eq!(missing, ["trap"]);
}
