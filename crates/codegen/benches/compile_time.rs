//! Time per LIR instruction from LIR to installed code, for both tiers and several sizes.
//!
//! `cargo bench -p cinder-codegen --profile fast --bench compile_time` prints microseconds per instruction, the
//! minimum of many batches; `-- 600 Quick` measures one size and tier alone, for profiling. Making the LIR is not
//! counted: a compiler's earlier stages do that.

use std::time::{Duration, Instant};

use cinder_codegen::compiler::Compiler;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig};
use cinder_lir::alloc::Tier;
use cinder_lir::fuzzing::{chain, hosts};
use cinder_lir::{Function, Symbol};

/// Nanoseconds per call: `prepare` is not counted.
fn least(mut prepare: impl FnMut(), mut work: impl FnMut(), state: Duration) -> f64 {
    let until = Instant::now() + state;
    let mut best = u128::MAX;
    while Instant::now() < until {
        prepare();
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos());
    }
    best as f64
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let size: Option<usize> = args.first().and_then(|a| a.parse().ok());
    let resolve = |s: &Symbol| match s {
        Symbol::User(id) => hosts().iter().find(|h| h.id == *id).map(|h| h.address as u64),
        _ => None,
    };
    let space = CodeSpace::host(CodeSpaceConfig::default()).expect("code memory");
    let mut compiler = Compiler::host(&space);
    println!("{:>6} {:>11} {:>9} {:>11}", "insts", "tier", "us/inst", "code bytes");
    for groups in size.map_or(vec![12, 50, 150, 600], |n| vec![n]) {
        for tier in [Tier::Quick, Tier::Optimising] {
            if args.get(1).is_some_and(|a| *a != format!("{tier:?}")) {
                continue;
            }
            let func = std::cell::RefCell::new(Function::default());
            chain(&mut func.borrow_mut(), groups);
            let insts = func.borrow().insts().len();
            let mut bytes = 0;
            let best = least(
                || chain(&mut func.borrow_mut(), groups),
                || {
                    let code = compiler.install(&space, &mut func.borrow_mut(), tier, &resolve).expect("compiles");
                    bytes = code.code_len();
                },
                Duration::from_millis(700),
            );
            let tier = format!("{tier:?}");
            println!("{insts:>6} {tier:>11} {:>9.3} {bytes:>11}", best / 1000.0 / insts as f64);
        }
    }
}
