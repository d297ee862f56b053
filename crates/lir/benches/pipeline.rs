//! Time per LIR instruction of building, passes and allocation, for both tiers and several sizes.
//!
//! `cargo bench -p cinder-lir --profile fast` prints microseconds per instruction: the minimum of many batches.

use std::time::Instant;

use cinder_lir::alloc::{AllocOptions, Allocated, Allocator, Target, Tier};
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::{Addr, Builder, FrameValue, Function, IntCC, Signature, Type, VReg};

/// A loop over `groups` groups of eight instructions of the kind a dynamic language compiles to: a load, a type
/// guard with a frame state, checked arithmetic, a tag test, a store; a rare slow path in every fourth group.
fn chain(f: &mut Function, groups: usize) {
    f.clear();
    f.name.push_str("chain");
    let mut b = Builder::new(f);
    let sig = b.signature(Signature::host(&[Type::I64, Type::I64, Type::I64, Type::I64], &[Type::I64]));
    let helper = b.symbol(cinder_lir::Symbol::User(1));
    let helper_sig = b.signature(Signature::host(&[Type::I64, Type::I64], &[Type::I64]));
    let args = b.entry("chain", sig);
    let (head, p) = b.block(&[Type::I64, Type::I64, Type::I64]);
    let (body, _) = b.block(&[]);
    let (done, _) = b.block(&[]);
    b.jump((head, &[args[1], args[2], args[3]]));
    b.open(head);
    b.br_icmp(IntCC::Sgt, p[0], 0, (body, &[]), (done, &[]));
    b.open(body);
    let (mut x, mut y) = (p[1], p[2]);
    for n in 0..groups {
        let live: Vec<FrameValue> =
            [args[0], p[0], p[1], p[2], x, y].map(FrameValue::Reg).into_iter().chain([FrameValue::Dead]).collect();
        let frame = b.frame_state(n as u64, &live);
        let disp = (n % 16 * 8) as i32;
        let shape = b.load(Type::I32, Addr::base(args[0], disp));
        b.guard_icmp(IntCC::Ne, shape, 77, frame);
        b.guard_icmp(IntCC::Tnz, x, 1, frame);
        let k = b.iconst(Type::I64, 2 * n as i64 + 2);
        let sum = b.add_ovf(x, k, frame);
        let mixed: VReg = b.xor(sum, y);
        b.store(Type::I64, mixed, Addr::base(args[0], disp + 128));
        (y, x) = (sum, mixed);
        if n % 4 == 3 {
            let (slow, _) = b.cold_block(&[]);
            let (join, j) = b.block(&[Type::I64]);
            b.br_icmp(IntCC::Slt, x, -1000, (slow, &[]), (join, &[x]));
            b.open(slow);
            let called = b.call(helper_sig, helper, &[x, y], Some(frame)).one();
            b.jump((join, &[called]));
            b.open(join);
            x = j[0];
        }
    }
    let next = b.sub(p[0], 1);
    b.jump((head, &[next, x, y]));
    b.open(done);
    b.ret(&[p[1]]);
    b.finish().expect("well built");
}

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
    println!("{:>6} {:>11} {:>8} {:>8} {:>8} {:>8}   microseconds per instruction", "insts", "tier", "build", "passes", "alloc", "sum");
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
