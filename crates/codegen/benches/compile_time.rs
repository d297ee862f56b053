//! Time per LIR instruction from LIR to installed code, for both tiers and several sizes.
//!
//! `cargo bench -p cinder-codegen --profile release --bench compile_time` prints microseconds of processor time per
//! instruction, the least of many measurements. Making the LIR is not counted: a compiler's earlier stages do that.
//!
//! `-- 150 Quick` measures one size (in groups of instructions) and tier alone; `-- 150 Quick 100` compiles exactly a
//! hundred times, in memory that profilers which emulate the processor can handle.

mod common;

use std::time::{Duration, Instant};

use cinder_codegen::compiler::Compiler;
use cinder_codegen::memory::Protection;
use cinder_codegen::space::{CodeSpace, CodeSpaceConfig};
use cinder_lir::alloc::Tier;
use cinder_lir::fuzzing::{chain, hosts};
use cinder_lir::{Function, Symbol};
use common::now;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let number = |n: usize| args.get(n).and_then(|a| a.parse::<usize>().ok());
    let (size, times) = (number(0), number(2));
    let resolve = |s: &Symbol| match s {
        Symbol::User(id) => hosts().iter().find(|h| h.id == *id).map(|h| h.address as u64),
        _ => None,
    };
    let protection = if times.is_some() { Protection::Flip } else { Protection::DualMapping };
    let space = CodeSpace::host(CodeSpaceConfig { protection, ..Default::default() }).expect("code memory");
    let mut compiler = Compiler::host(&space);
    println!("{:>6} {:>11} {:>9} {:>11}", "insts", "tier", "us/inst", "code bytes");
    for groups in size.map_or(vec![9, 46, 140, 460], |n| vec![n]) {
        for tier in [Tier::Quick, Tier::Optimising] {
            let name = format!("{tier:?}");
            if args.get(1).is_some_and(|a| *a != name) {
                continue;
            }
            // Small functions are compiled several to a measurement, since reading the clock is not free.
            let mut funcs = vec![Function::default(); if times.is_some() { 1 } else { 200 / groups + 1 }];
            let (mut insts, mut bytes, mut best, mut done) = (0, 0, u128::MAX, 0);
            let until = Instant::now() + Duration::from_millis(700);
            while times.map_or_else(|| Instant::now() < until, |n| done < n) {
                funcs.iter_mut().for_each(|f| chain(f, groups));
                insts = funcs[0].insts().len();
                let start = now();
                for func in &mut funcs {
                    let code = compiler.install(&space, func, tier, &resolve).expect("compiles");
                    bytes = code.code_len();
                }
                best = best.min((now() - start) / funcs.len() as u128);
                done += 1;
            }
            println!("{insts:>6} {name:>11} {:>9.3} {bytes:>11}", best as f64 / 1000.0 / insts as f64);
        }
    }
}
