//! gdb and perf see the functions of the Tally example: names, lines, variables, inlined frames, the stack to `main`.
//! Where a tool is not installed or not allowed to work, its test says so and passes.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const DEMO: &str = include_str!("../examples/tally/demo.tally");

/// The example's program in the profile of this test, built if need be.
fn tally() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("a path");
        let deps = test.ancestors().find(|d| d.ends_with("deps")).expect("tests are in deps");
        let profile = deps.parent().expect("the profile's folder");
        let name = profile.file_name().and_then(|n| n.to_str()).expect("a plain name");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "cinder-codegen", "--example", "tally"])
            .args(["--profile", if name == "debug" { "dev" } else { name }])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the example builds");
        profile.join("examples/tally")
    })
}

fn installed(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok_and(|o| o.status.success());
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

/// The first line (from 1) of the demo that contains a text.
fn line_of(text: &str) -> usize {
    DEMO.lines().position(|l| l.contains(text)).expect("the demo has it") + 1
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs gdb over the example with these commands; `None` if it may not trace.
fn gdb(flags: &str, commands: &[String]) -> Option<String> {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch"]);
    let setup = ["set confirm off", "set pagination off", "set breakpoint pending on", "set debuginfod enabled off"];
    for command in setup.iter().map(ToString::to_string).chain(commands.iter().cloned()) {
        gdb.args(["-ex", &command]);
    }
    let out = text(
        &gdb.arg("--args")
            .arg(tally())
            .args(["--debug", "gdb"])
            .args(flags.split_whitespace())
            .output()
            .expect("gdb runs"),
    );
    if out.contains("ptrace: Operation not permitted") || out.contains("Couldn't get CS register") {
        eprintln!("skipped: gdb may not trace processes here");
        return None;
    }
    Some(out)
}

fn contains(out: &str, parts: &[&str]) {
    for part in parts {
        assert!(out.contains(part), "`{part}` is missing in:\n{out}");
    }
}

#[test]
fn gdb_stops_at_a_line_and_shows_locals_and_callers() {
    if !installed("gdb") {
        return;
    }
    let line = line_of("sum. step. 1.0 x. square.");
    for flags in ["", "--quick"] {
        let commands = [
            format!("break demo.tally:{line}"),
            "run".into(),
            "backtrace".into(),
            "info locals".into(),
            "info args".into(),
            "info frame".into(),
            "next".into(),
            "delete".into(),
            "finish".into(),
            "continue".into(),
        ];
        let Some(out) = gdb(flags, &commands) else { return };
        let source = DEMO.lines().nth(line - 1).expect("a line").trim();
        contains(&out, &["Breakpoint 1, ", "integrate. (n=100000)", &format!("demo.tally:{line}"), source]);
        // Frames: the compiled function, the Rust code that called it, main.
        contains(&out, &["#0 ", " in enter (", "main ()", "main.rs"]);
        contains(&out, &["x = 5.0000000000000004e-06", "i = 0", "step = 1.0000000000000001e-05"]);
        contains(&out, &["Saved registers:", "rbp at 0x", "rip at 0x"]);
        contains(&out, &["integrate(100000) = 3.141593", "exited normally"]);
    }
}

#[test]
fn gdb_shows_inlined_functions() {
    if !installed("gdb") {
        return;
    }
    let line = line_of("  x. x. *.");
    let call = line_of("-> t.");
    let commands = [
        format!("break demo.tally:{line}"),
        "run".into(),
        "backtrace 3".into(),
        "info frame".into(),
        "up".into(),
        "info locals".into(),
        "kill".into(),
    ];
    let Some(out) = gdb("", &commands) else { return };
    contains(&out, &["#0  square. (x=0)", &format!("demo.tally:{line}"), "inlined into frame 1"]);
    contains(&out, &["#1  mandel (size=200)", &format!("demo.tally:{call}"), "cr = -2", "ci = -1", "inside = 0"]);
}

#[test]
fn gdb_unwinds_recursion_to_main() {
    if !installed("gdb") {
        return;
    }
    let line = line_of("n return");
    let commands = [
        format!("break demo.tally:{line} if n == 1"),
        "run".into(),
        "backtrace -26".into(),
        "backtrace 30".into(),
        "stepi 4".into(),
        "backtrace 4".into(),
        "kill".into(),
    ];
    let Some(out) = gdb("", &commands) else { return };
    contains(&out, &["fib (n=1)", "fib (n=2)", "fib (n=3)", "fib (n=26)", "fib (n=27)", "main ()"]);
}

#[test]
fn gdb_unwinds_through_exits() {
    if !installed("gdb") {
        return;
    }
    let main = include_str!("../examples/tally/main.rs");
    let line = main.lines().position(|l| l.contains("EXITS.fetch_add")).expect("the handler counts") + 1;
    let commands = [format!("break main.rs:{line}"), "run".into(), "backtrace 6".into(), "kill".into()];
    let Some(out) = gdb("", &commands) else { return };
    contains(&out, &["on_exit", "in exit_stub ()", "in power (", " in enter (", "in main ()"]);
}

fn perf(args: &[&str], dir: &Path) -> Option<String> {
    let out = Command::new("perf").args(args).current_dir(dir).output().expect("perf runs");
    if !out.status.success() {
        eprintln!("skipped: perf {} says: {}", args[0], text(&out));
        return None;
    }
    Some(text(&out))
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("cinder-codegen-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        Scratch(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn perf_reads_the_map() {
    if !installed("perf") {
        return;
    }
    let dir = Scratch::new("map");
    let tally = tally().to_str().expect("a plain path");
    let record = ["record", "-q", "-e", "cpu-clock", "-F", "5000", "-g", "-o", "a.data", tally, "--debug", "perf-map"];
    if perf(&record, &dir.0).is_none() {
        return;
    }
    let Some(out) =
        perf(&["report", "-i", "a.data", "--stdio", "--no-children", "-g", "none", "--sort", "symbol"], &dir.0)
    else {
        return;
    };
    contains(&out, &["mandel"]);
}

#[test]
fn perf_annotates_source_lines_from_the_jitdump() {
    if !installed("perf") {
        return;
    }
    let dir = Scratch::new("dump");
    let tally = tally().to_str().expect("a plain path");
    let jitdump = format!("jitdump={}", dir.0.to_str().expect("a plain path"));
    let record = [
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        "5000",
        "-k",
        "CLOCK_MONOTONIC",
        "-o",
        "b.data",
        tally,
        "--debug",
        &jitdump,
    ];
    if perf(&record, &dir.0).is_none() || perf(&["inject", "--jit", "-i", "b.data", "-o", "c.data"], &dir.0).is_none() {
        return;
    }
    let Some(out) = perf(&["report", "-i", "c.data", "--stdio", "--sort", "sym,srcline"], &dir.0) else { return };
    contains(&out, &["mandel", "demo.tally:"]);
    let Some(out) = perf(&["annotate", "-i", "c.data", "--stdio", "-s", "mandel"], &dir.0) else { return };
    contains(&out, &["Disassembly of section .text", "x. x. *."]);
}
