//! Filetests: `filetests/<kind>/*.lir`. A file holds one function, then `;; expect` and the expected text.
//!
//! The kind is the name of a pass (the function after that pass alone, or after all passes where the first line is
//! `; all`), or `verify` (the verifier's or parser's message), `run` (the result of each `; run` line, equal in the
//! interpreter before and after the passes), `alloc` (places and moves) and `debug` (where variables live).
//! A first line that contains `aarch64` chooses that machine. `CINDER_BLESS=1` rewrites the expectations.

use std::fmt::Write as _;
use std::path::Path;

use cinder_lir::alloc::{
    AllocOptions, Allocator, DebugPlace, DeoptLoc, DeoptValue, Loc, Step, Target, Tier, debug_ranges,
};
use cinder_lir::interp::Interp;
use cinder_lir::passes::{Level, Pipeline, table};
use cinder_lir::text::inst_to_string;
use cinder_lir::{Function, verify};

const MARK: &str = ";; expect\n";

fn target(text: &str) -> Target {
    if text.lines().next().is_some_and(|l| l.contains("aarch64")) { Target::aarch64() } else { Target::x64() }
}

fn output(kind: &str, text: &str) -> String {
    let func = text.parse::<Function>();
    if kind == "verify" {
        return match func {
            Err(e) => format!("{e}\n"),
            Ok(f) => verify(&f).map_or_else(|e| format!("{e}\n"), |()| "ok\n".to_owned()),
        };
    }
    let mut func = func.unwrap_or_else(|e| panic!("{e}\n{text}"));
    let printed = func.to_string();
    assert_eq!(printed.parse::<Function>().expect("reads back").to_string(), printed);
    verify(&func).unwrap_or_else(|e| panic!("{e}"));
    let target = target(text);
    let mut pipeline = Pipeline::default();
    match kind {
        "run" => run(&func, text, &target),
        "alloc" => {
            pipeline.run(&mut func, &target, Level::Optimise).expect("legal");
            allocation(&func, &target, if text.contains("; quick") { Tier::Quick } else { Tier::Optimising })
        }
        "debug" => {
            pipeline.run(&mut func, &target, Level::Optimise).expect("legal");
            let mut out = String::new();
            for r in debug_ranges(&func) {
                let name = &func.vars()[r.var.index()].name;
                writeln!(out, "{name}: {:?} from {} to {}", r.value, r.start, r.end).expect("writes");
            }
            format!("{func}{out}")
        }
        _ if text.starts_with("; all") => {
            pipeline.run(&mut func, &target, Level::Optimise).expect("legal");
            func.to_string()
        }
        pass => {
            pipeline.run_one(&mut func, &target, pass).expect("a pass").expect("verifies");
            func.to_string()
        }
    }
}

/// Each line `; run ARGS` gives one line of output.
fn run(func: &Function, text: &str, target: &Target) -> String {
    let mut out = String::new();
    for line in text.lines().filter_map(|l| l.strip_prefix("; run")) {
        let args: Vec<u64> = line
            .split_whitespace()
            .map(|a| match a.parse::<i64>() {
                Ok(k) => k as u64,
                Err(_) => a.parse::<f64>().expect("a number").to_bits(),
            })
            .collect();
        let once = |f: &Function| {
            let mut interp = Interp::default();
            match interp.run(f, 0, &args) {
                Ok(cinder_lir::interp::Outcome::Return(v)) => {
                    format!("return {:?}", v.iter().map(|&x| x as i64).collect::<Vec<_>>())
                }
                Ok(cinder_lir::interp::Outcome::Exit(e)) => {
                    let values = e.values.iter().map(|v| v.map(|(ty, x)| (ty.sign_extend(x), ty)));
                    format!("exit {} {:?}", e.user, values.collect::<Vec<_>>())
                }
                Err(e) => e.to_string(),
            }
        };
        let before = once(func);
        for level in [Level::Quick, Level::Optimise] {
            let mut f = func.clone();
            Pipeline::default().run(&mut f, target, level).expect("legal");
            assert_eq!(once(&f), before, "{level:?} {line}\n{f}");
        }
        writeln!(out, "{}: {before}", line.trim()).expect("writes");
    }
    out
}

fn place(loc: Option<Loc>) -> String {
    loc.map_or("-".to_owned(), |l| l.to_string())
}

fn deopt(value: &DeoptValue) -> String {
    match value.loc {
        DeoptLoc::Reg(r) => Loc::Reg(r).to_string(),
        DeoptLoc::Slot(n) => Loc::Slot(n).to_string(),
        DeoptLoc::Const(k) => format!("{k}:{}", value.ty),
        DeoptLoc::Dead => "dead".to_owned(),
    }
}

fn allocation(func: &Function, target: &Target, tier: Tier) -> String {
    let opts = AllocOptions { check: true, ..AllocOptions::tier(tier) };
    let a = Allocator::default().run(func, target, &opts).expect("allocates");
    let mut out = String::new();
    for &b in func.layout() {
        writeln!(out, "{b}:").expect("writes");
        for step in a.steps(func, b) {
            match step {
                Step::Move { from, to } => writeln!(out, "  move {} to {}", place(Some(from)), place(Some(to))),
                Step::Inst(id) => {
                    let text = inst_to_string(func, func.inst(id), Some(b));
                    let list = |all: &[cinder_lir::alloc::Allocation]| {
                        let places: Vec<String> = all.iter().map(|&x| place(Loc::from_allocation(x))).collect();
                        places.join(" ")
                    };
                    let mut line = format!("  {text} ; {} <- {}", list(a.defs(id)), list(a.uses(id)));
                    if let Some(point) = a.deopt_point(id) {
                        let values: Vec<String> = a.deopt_values(point).iter().map(deopt).collect();
                        write!(line, " ; [{}]", values.join(" ")).expect("writes");
                    }
                    writeln!(out, "{}", line.trim_end())
                }
            }
            .expect("writes");
        }
    }
    for d in a.debug_locations() {
        let name = &func.vars()[d.var.index()].name;
        let place = match d.place {
            DebugPlace::Loc(loc) => loc.to_string(),
            DebugPlace::Const(k) => format!("constant {k}"),
        };
        writeln!(out, "{name} {}..{} {place}", d.start, d.end).expect("writes");
    }
    writeln!(out, "{} slots, callee-saved {}", a.num_slots(), a.callee_saved()).expect("writes");
    out
}

#[test]
fn files_give_what_they_expect() {
    let bless = std::env::var_os("CINDER_BLESS").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let (mut count, mut failures) = (0, Vec::new());
    for dir in std::fs::read_dir(&root).expect("filetests") {
        let dir = dir.expect("readable").path();
        let kind = dir.file_name().expect("named").to_string_lossy().into_owned();
        for file in std::fs::read_dir(&dir).expect("a folder") {
            let path = file.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            let (input, want) = text.split_once(MARK).unwrap_or((&text, ""));
            let have = output(&kind, input);
            count += 1;
            if have == want {
                continue;
            }
            if bless {
                let gap = if input.ends_with('\n') { "" } else { "\n" };
                std::fs::write(&path, format!("{input}{gap}{MARK}{have}")).expect("writable");
            } else {
                failures.push(format!("{}:\n--- expected\n{want}--- found\n{have}", path.display()));
            }
        }
    }
    assert!(count > 0);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_pass_has_a_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    for pass in table() {
        let dir = root.join(pass.name);
        let files = std::fs::read_dir(&dir).map_or(0, Iterator::count);
        assert!(files > 0, "no filetests in {}", dir.display());
    }
}
