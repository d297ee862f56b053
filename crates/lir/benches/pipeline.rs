//! Time per LIR instruction of building, passes and allocation, for both tiers and several sizes.
//!
//! `cargo bench -p cinder-lir --profile fast` prints microseconds per instruction: the minimum of many batches.

use std::time::Instant;

use cinder_lir::Function;
use cinder_lir::alloc::{AllocOptions, Allocated, Allocator, Target, Tier};
use cinder_lir::fuzzing::chain;
use cinder_lir::passes::{Level, Pipeline};

/// The least time in nanoseconds of many calls.
fn least(mut f: impl FnMut() -> u64) -> f64 {
    let until = Instant::now() + std::time::Duration::from_millis(500);
    let mut best = u64::MAX;
    while Instant::now() < until {
        best = best.min(f());
    }
    best as f64
}

fn timed<R>(f: impl FnOnce() -> R) -> u64 {
    let start = Instant::now();
    std::hint::black_box(f());
    start.elapsed().as_nanos() as u64
}

fn main() {
    let target = Target::x64();
    let mut func = Function::default();
    let mut pipeline = Pipeline::default();
    let mut allocator = Allocator::default();
    let mut out = Allocated::default();
    println!(
        "{:>6} {:>11} {:>8} {:>8} {:>8} {:>8}   microseconds per instruction",
        "insts", "tier", "build", "passes", "alloc", "sum"
    );
    // `-- 600 Quick` measures one size and tier alone, for profiling.
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let size: Option<usize> = args.first().and_then(|a| a.parse().ok());
    for groups in size.map_or(vec![12, 50, 150, 600], |n| vec![n]) {
        chain(&mut func, groups);
        let insts = func.insts().len() as f64;
        let build = least(|| timed(|| chain(&mut func, groups)));
        for (tier, level) in [(Tier::Quick, Level::Quick), (Tier::Optimising, Level::Optimise)] {
            if args.get(1).is_some_and(|a| *a != format!("{tier:?}")) {
                continue;
            }
            let passes = least(|| {
                chain(&mut func, groups);
                timed(|| pipeline.run(&mut func, &target, level))
            });
            let opts = AllocOptions::tier(tier);
            let alloc = least(|| timed(|| allocator.run_into(&func, &target, &opts, &mut out)));
            let us = |ns: f64| ns / insts / 1000.0;
            println!(
                "{insts:>6} {:>11} {:>8.3} {:>8.3} {:>8.3} {:>8.3}   {} slots, {} moves",
                format!("{tier:?}"),
                us(build),
                us(passes),
                us(alloc),
                us(build + passes + alloc),
                out.num_slots(),
                out.num_moves(),
            );
        }
    }
}
