//! Compiles Python files and shows or checks their code: `dis [--check] [--live] FILE…`.
//!
//! With `--check` it only reports what does not compile or verify, and the time taken.

use cinder_bytecode::{compile, verify, Code, CompileOptions};
use cinder_syntax::ast::Arena;
use cinder_syntax::{parse, ParseOptions};
use std::error::Error;
use std::time::{Duration, Instant};

fn show(code: &Code, live: bool) {
    if live {
        println!("{}", code.with_liveness());
    } else {
        println!("{code}");
    }
    code.children().for_each(|child| show(child, live));
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = files.len();
        files.retain(|arg| arg != name);
        files.len() != before
    };
    let (check, live) = (flag("--check"), flag("--live"));
    let (mut parsing, mut compiling, mut verifying) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut failures = 0;
    for file in &files {
        let Ok(text) = std::fs::read(file) else { continue };
        let Ok(text) = String::from_utf8(text) else { continue };
        let arena = Arena::new();
        let start = Instant::now();
        let parsed = match parse(&text, &ParseOptions::default(), &arena) {
            Ok(parsed) => parsed,
            Err(error) => {
                println!("{file}: parse: {error}");
                continue;
            }
        };
        parsing += start.elapsed();
        let start = Instant::now();
        let compiled = match compile(&parsed.module, &parsed.lines, &CompileOptions::new(file)) {
            Ok(compiled) => compiled,
            Err(error) => {
                println!("{file}: compile: {error}");
                continue;
            }
        };
        compiling += start.elapsed();
        let start = Instant::now();
        if let Err(error) = verify(&compiled.code) {
            failures += 1;
            println!("{file}: {error}");
        }
        verifying += start.elapsed();
        if !check {
            show(&compiled.code, live);
        }
    }
    if check {
        println!("{} files, {failures} rejected; parse {parsing:?}, compile {compiling:?}, verify {verifying:?}", files.len());
    }
    Ok(())
}
