//! `cargo xtask fuzz`: the tests that take seeds, run over and over with new ones.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A test that reads its first seed and the number of seeds from the environment.
struct Target {
    name: &'static str,
    package: &'static str,
    tests: &'static [&'static str],
    /// Of the tests in there, those whose names contain this.
    filter: &'static str,
    seed: &'static str,
    count: &'static str,
    /// Seeds for each run: a few seconds' work.
    batch: u64,
    doc: &'static str,
}

const TARGETS: &[Target] = &[
    Target {
        name: "lir",
        package: "cinder-lir",
        tests: &["random", "hostile"],
        filter: "",
        seed: "LIR_SEED",
        count: "LIR_COUNT",
        batch: 300,
        doc: "text form, verifier, passes and both allocators",
    },
    Target {
        name: "codegen",
        package: "cinder-codegen",
        tests: &["random"],
        filter: "",
        seed: "CODEGEN_SEED",
        count: "CODEGEN_COUNT",
        batch: 500,
        doc: "compiled code against the LIR interpreter, with forced spills and exits",
    },
    Target {
        name: "lexer",
        package: "cinder-syntax",
        tests: &["fuzz"],
        filter: "lexer",
        seed: "SYNTAX_SEED",
        count: "SYNTAX_COUNT",
        batch: 20_000,
        doc: "tokens of damaged and random sources",
    },
    Target {
        name: "parser",
        package: "cinder-syntax",
        tests: &["fuzz"],
        filter: "parser",
        seed: "SYNTAX_SEED",
        count: "SYNTAX_COUNT",
        batch: 20_000,
        doc: "trees and errors of damaged and random sources",
    },
    Target {
        name: "data",
        package: "cinder",
        tests: &["programs"],
        filter: "python::plain::cinder/fuzz_data.py",
        seed: "FUZZ_SEED",
        count: "FUZZ_COUNT",
        batch: 2_000,
        doc: "damaged marshal data, pickles and code objects, run in the interpreter",
    },
];

/// Runs a target for a time.
pub fn run(args: &[String]) -> Result<(), String> {
    let (mut name, mut seconds, mut seed) = (None, 60, None);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut number = || {
            let text = rest.next().ok_or_else(|| format!("{arg} needs a number"))?;
            text.parse::<u64>().map_err(|_| format!("`{text}` is not a number"))
        };
        match arg.as_str() {
            "--seconds" => seconds = number()?,
            "--seed" => seed = Some(number()?),
            other => name = Some(other),
        }
    }
    let Some(name) = name else {
        TARGETS.iter().for_each(|t| println!("{:10} {}", t.name, t.doc));
        return Ok(());
    };
    let target = TARGETS.iter().find(|t| t.name == name).ok_or_else(|| format!("no fuzz target `{name}`"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let mut seed = seed.unwrap_or(now % 1_000_000 * 1000);
    let start = seed;
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "-q", "--profile", "fast", "-p", target.package]);
        command.args(target.tests.iter().flat_map(|t| ["--test", t]));
        command.args(["--", target.filter]);
        command.env(target.seed, seed.to_string()).env(target.count, target.batch.to_string());
        let output = command.output().map_err(|e| format!("cargo does not start: {e}"))?;
        if !output.status.success() {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            return Err(format!("failed with {}={seed} {}={}", target.seed, target.count, target.batch));
        }
        seed += target.batch;
    }
    println!("{}: seeds {start} to {seed} agree", target.name);
    Ok(())
}
