//! Damaged texts: parser and verifier answer with errors, never with a panic; what the verifier accepts goes through
//! interpreter, passes and allocation.

use cinder_lir::alloc::{AllocError, AllocOptions, Allocator, Target, Tier};
use cinder_lir::fuzzing::{Config, Rng, arguments, function, interpret};
use cinder_lir::interp::InterpError;
use cinder_lir::passes::{Level, Pipeline};
use cinder_lir::{Function, verify};

/// One random change: a token replaced by another of the text, or removed, or a number changed, or lines swapped.
fn damage(text: &str, rng: &mut Rng) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = rng.below(lines.len());
    match rng.below(5) {
        0 => {
            lines.remove(at);
        }
        1 => {
            let other = rng.below(lines.len());
            lines.swap(at, other);
        }
        2 => {
            let copy = lines[at].clone();
            let to = rng.below(lines.len());
            lines.insert(to, copy);
        }
        _ => {
            let from = rng.below(lines.len());
            let donor: Vec<String> = lines[from].split_whitespace().map(str::to_owned).collect();
            let mut words: Vec<String> = lines[at].split(' ').map(str::to_owned).collect();
            let word = rng.below(words.len());
            if rng.one_in(3) {
                words.remove(word);
            } else if rng.one_in(2) && !donor.is_empty() {
                words[word].clone_from(rng.pick(&donor));
            } else {
                let k = rng.int();
                words[word] = words[word].replace(|c: char| c.is_ascii_digit(), &(k & 15).to_string());
            }
            lines[at] = words.join(" ");
        }
    }
    lines.join("\n")
}

#[test]
fn damaged_texts_are_refused_or_work() {
    let number = |name: &str| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    let first = number("LIR_SEED").unwrap_or(0);
    let mut rng = Rng::new(first ^ 2024);
    let mut pipeline = Pipeline::default();
    let mut allocator = Allocator::default();
    let (mut parsed, mut verified) = (0, 0);
    let config = Config { size: 30, depth: 2, ..Config::default() };
    for seed in first..first + number("LIR_COUNT").unwrap_or(25) {
        let text = function(seed, &config).to_string();
        for _ in 0..40 {
            let bad = damage(&text, &mut rng);
            let Ok(mut func) = bad.parse::<Function>() else { continue };
            parsed += 1;
            if verify(&func).is_err() {
                continue;
            }
            verified += 1;
            let run = interpret(&func, 0, &arguments(seed), seed, None);
            assert!(!matches!(run, Err(InterpError::Malformed(_))), "{run:?}\n{bad}");
            if func.is_legal() {
                continue;
            }
            let target = if rng.one_in(2) { Target::x64() } else { Target::aarch64() };
            let level = if rng.one_in(2) { Level::Quick } else { Level::Optimise };
            pipeline.run(&mut func, &target, level).unwrap_or_else(|e| panic!("{e}\n{bad}"));
            let tier = if rng.one_in(2) { Tier::Quick } else { Tier::Optimising };
            let opts = AllocOptions { check: true, ..AllocOptions::tier(tier) };
            match allocator.run(&func, &target, &opts) {
                Ok(_) | Err(AllocError::TailCallStack(_)) => {}
                Err(e) => panic!("{e}\n{bad}"),
            }
        }
    }
    assert!(parsed > 100 && verified > 50, "{parsed} parsed, {verified} verified");
}
