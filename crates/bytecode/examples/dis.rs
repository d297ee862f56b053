//! Compiles Python files and shows or checks their code: `dis [--check] [--live] [--errors] [--attrs] FILE…`.
//!
//! With `--errors` it shows only errors and warnings, with positions.
//! With `--check` it only reports what does not compile or verify, and the time taken.

use cinder_bytecode::{Code, CompileOptions, compile, verify};
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, SyntaxError, parse};
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

/// The attributes that Python shows of code objects, one line each.
fn attributes(code: &Code) {
    let join = |names: &mut dyn Iterator<Item = &std::sync::Arc<str>>| {
        names.map(|name| name.to_string()).collect::<Vec<_>>().join(",")
    };
    println!("code {} {} line {}", code.name, code.qualname, code.first_line);
    println!(" flags {:x}", code.flags);
    println!(" args {} {} {}", code.arg_count, code.posonly_arg_count, code.kwonly_arg_count);
    println!(" varnames {}", join(&mut code.varnames()));
    println!(" cellvars {}", join(&mut code.cellvars()));
    println!(" freevars {}", join(&mut code.freevars()));
    let mut names: Vec<String> = code.names.iter().map(|name| name.to_string()).collect();
    names.sort();
    println!(" names {}", names.join(","));
    let ranges = code.lines.line_ranges(code.first_line);
    let mut lines: Vec<u32> = ranges.iter().map(|range| range.2).chain(code.line_events.iter().map(|e| e.1)).collect();
    lines.push(code.first_line);
    lines.sort_unstable();
    lines.dedup();
    lines.retain(|&line| line != 0);
    println!(" lines {lines:?}");
    let mut spots: Vec<_> = code
        .lines
        .iter(code.first_line)
        .map(|(_, _, p)| (p.line, p.end_line, p.column as i32, p.end_column as i32))
        .collect();
    spots.sort_unstable();
    spots.dedup();
    println!(" positions {spots:?}");
    code.children().for_each(|child| attributes(child));
}

fn report(stage: &str, file: &str, error: &SyntaxError, only: bool) {
    if only {
        let SyntaxError { msg, lineno, offset, end_lineno, end_offset, .. } = error;
        println!("E {msg} @{lineno}:{offset}-{end_lineno}:{end_offset}");
    } else {
        println!("{file}: {stage}: {error}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = files.len();
        files.retain(|arg| arg != name);
        files.len() != before
    };
    let (check, live, errors) = (flag("--check"), flag("--live"), flag("--errors"));
    let attrs = flag("--attrs");
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
                report("parse", file, &error, errors);
                continue;
            }
        };
        parsing += start.elapsed();
        let start = Instant::now();
        let compiled = match compile(&parsed.module, &parsed.lines, &CompileOptions::new(file)) {
            Ok(compiled) => compiled,
            Err(error) => {
                report("compile", file, &error, errors);
                continue;
            }
        };
        if errors {
            compiled.warnings.iter().for_each(|warning| println!("W {} @{}", warning.msg, warning.lineno));
            continue;
        }
        compiling += start.elapsed();
        let start = Instant::now();
        if let Err(error) = verify(&compiled.code) {
            failures += 1;
            println!("{file}: {error}");
        }
        verifying += start.elapsed();
        if attrs {
            attributes(&compiled.code);
        } else if !check {
            show(&compiled.code, live);
        }
    }
    if check {
        println!(
            "{} files, {failures} rejected; parse {parsing:?}, compile {compiling:?}, verify {verifying:?}",
            files.len()
        );
    }
    Ok(())
}
