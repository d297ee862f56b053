//! Reads a function in the text form, runs it in the interpreter and shows it after every pass and after allocation.
//!
//! `cargo run -p cinder-lir --example inspect -- FILE.lir [aarch64] [ARGUMENT ...]`; without a file a sample is used.

use cinder_lir::alloc::{AllocOptions, Allocator, Step, Target, Tier};
use cinder_lir::interp::Interp;
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::text::inst_to_string;
use cinder_lir::{Function, verify};

const SAMPLE: &str = r#"
function "hypot2" {
  sig0 = host (i64, i64) -> (i64)
  entry0 = "hypot2" block0 sig0

block0:
  v0, v1 = args sig0
  v2 = mul_ovf.i64 v0, v0 frame 1 [v0, v1]
  v3 = mul_ovf.i64 v1, v1 frame 1 [v0, v1]
  v4 = add_ovf.i64 v2, v3 frame 1 [v0, v1]
  ret v4
}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let text = match args.first().filter(|a| a.ends_with(".lir")).cloned() {
        Some(path) => {
            args.remove(0);
            std::fs::read_to_string(path)?
        }
        None => SAMPLE.to_owned(),
    };
    let arm = args.first().is_some_and(|a| a == "aarch64");
    let target = if arm { Target::aarch64() } else { Target::x64() };
    let mut func: Function = text.parse()?;
    verify(&func)?;

    let numbers: Vec<u64> = args.iter().filter_map(|a| a.parse::<i64>().ok()).map(|k| k as u64).collect();
    let numbers = if numbers.is_empty() { vec![3, 4] } else { numbers };
    println!("interpreted: {:?}\n", Interp::default().run(&func, 0, &numbers));

    let mut before = func.to_string();
    Pipeline::default().run_with(&mut func, &target, Level::Optimise, &mut |pass, f| {
        let now = f.to_string();
        if now != before {
            println!("--- after {pass}\n{now}");
            before = now;
        }
    })?;

    for tier in [Tier::Quick, Tier::Optimising] {
        let places = Allocator::default().run(&func, &target, &AllocOptions::tier(tier))?;
        println!("--- {tier:?}: {} spill slots", places.num_slots());
        for &block in func.layout() {
            println!("{block}:");
            for step in places.steps(&func, block) {
                match step {
                    Step::Move { from, to } => println!("    {to} = {from}"),
                    Step::Inst(id) => println!("  {}", inst_to_string(&func, func.inst(id), Some(block))),
                }
            }
        }
    }
    Ok(())
}
