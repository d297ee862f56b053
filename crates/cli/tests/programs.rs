//! Runs Python programs with the built command: the behaviour tests under `tests/python` in every mode, and
//! the examples, whose output must be what stands in their `expected.txt`.
//!
//! Programs that are known to fail stand in `tests/python/expected-failures.txt`, each with its reason (after the name
//! of a mode and a colon if it fails in that mode alone); one that passes, or does not exist, fails the run, so that the list shows the truth.
//!
//! `CINDER_BINARY` names another command to run instead (CPython too: that shows whether a test is right).

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// How the command runs a test: a name and its options. `frame-state` exports and rebuilds the running frame before
/// every instruction.
const MODES: &[(&str, &[&str])] =
    &[("plain", &[]), ("frame-state", &["-X", "frame-state=1"]), ("shadow-off", &["-X", "shadow=off"])];

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let mut trials = Vec::new();
    let base = root().join("tests/python");
    let mut known = match expected_failures(&base.join("expected-failures.txt")) {
        Ok(known) => known,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    for path in programs(&base) {
        let name = path.strip_prefix(&base).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let reason = known.remove(&format!("tests/python/{name}"));
        if binary_is_foreign() && name.starts_with("cinder/") {
            continue;
        }
        for (mode, options) in modes() {
            let in_mode = known.remove(&format!("{mode}:tests/python/{name}"));
            let (path, reason) = (path.clone(), reason.clone().or(in_mode));
            trials.push(Trial::test(format!("python::{mode}::{name}"), move || {
                judged(behaviour(&path, options), reason.as_deref())
            }));
        }
    }
    for dir in folders(&root().join("examples")) {
        if dir.join("expected.txt").exists() {
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let reason = known.remove(&format!("examples/{name}"));
            for (mode, options) in modes() {
                let (dir, reason) = (dir.clone(), reason.clone());
                trials.push(Trial::test(format!("example::{mode}::{name}"), move || {
                    judged(example(&dir, options), reason.as_deref())
                }));
            }
        }
    }
    for path in known.into_keys() {
        trials.push(Trial::test(format!("expected-failures::{path}"), || Err("there is no such program".into())));
    }
    libtest_mimic::run(&args, trials).exit_code()
}

/// Another Python has no modes.
fn modes() -> &'static [(&'static str, &'static [&'static str])] {
    if binary_is_foreign() { &MODES[..1] } else { MODES }
}

/// The known failures: the path of each program (for an example its folder) with the reason.
fn expected_failures(file: &Path) -> Result<BTreeMap<String, String>, String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(BTreeMap::new()) };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|l| match l.split_once(char::is_whitespace) {
            Some((path, reason)) => Ok((path.to_owned(), reason.trim().to_owned())),
            None => Err(format!("{}: {l} has no reason", file.display())),
        })
        .collect()
}

/// What a run counts as: another Python has no known failures, for Cinder a known failure must happen.
fn judged(outcome: Result<(), Failed>, reason: Option<&str>) -> Result<(), Failed> {
    match (outcome, reason.filter(|_| !binary_is_foreign())) {
        (Ok(()), Some(reason)) => {
            Err(format!("it passes now: take it out of expected-failures.txt (reason there: {reason})").into())
        }
        (Err(_), Some(_)) => Ok(()),
        (outcome, None) => outcome,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(PathBuf::new, Path::to_path_buf)
}

fn binary_is_foreign() -> bool {
    binary().file_name().is_some_and(|n| !n.to_string_lossy().starts_with("cinder"))
}

fn binary() -> PathBuf {
    std::env::var_os("CINDER_BINARY").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cinder")), PathBuf::from)
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(dir).map(|d| d.flatten().map(|e| e.path()).collect()).unwrap_or_default();
    all.sort();
    all
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    entries(dir).into_iter().filter(|p| p.is_dir()).collect()
}

/// The test programs below a folder, without helpers and packages.
fn programs(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for p in entries(dir) {
        let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['_', '.']) {
            continue;
        }
        if p.is_dir() {
            if !p.join("__init__.py").exists() {
                out.extend(programs(&p));
            }
        } else if name.ends_with(".py") {
            out.push(p);
        }
    }
    out
}

/// What the comments at the start of a program ask for.
#[derive(Default)]
struct Directives {
    args: Vec<String>,
    argv: Vec<String>,
    exit: i32,
    stdin: String,
    stderr: Option<String>,
    timeout: Option<u64>,
}

fn directives(source: &str) -> Result<Directives, Failed> {
    let mut d = Directives::default();
    let words = |v: &str| v.split_whitespace().map(str::to_owned).collect();
    for line in source.lines().take_while(|l| l.starts_with('#')) {
        let Some((key, value)) = line.trim_start_matches('#').trim().split_once(':') else { continue };
        let value = value.trim();
        match key {
            "args" => d.args = words(value),
            "argv" => d.argv = words(value),
            "exit" => d.exit = value.parse().map_err(|_| format!("bad exit code {value}"))?,
            "stdin" => d.stdin = value.replace("\\n", "\n"),
            "stderr" => d.stderr = Some(value.to_owned()),
            "timeout" => d.timeout = Some(value.parse().map_err(|_| format!("bad timeout {value}"))?),
            _ => {}
        }
    }
    Ok(d)
}

fn behaviour(path: &Path, options: &[&str]) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let d = directives(&source)?;
    let mut c = Command::new(binary());
    c.args(options).args(&d.args).arg(path).args(&d.argv);
    c.current_dir(path.parent().unwrap_or(Path::new(".")));
    let out = run(c, &d.stdin, Duration::from_secs(d.timeout.unwrap_or(60)))?;
    if out.code != Some(d.exit) {
        return Err(format!("{}, expected exit code {}\n{}", out.ending(), d.exit, out.text()).into());
    }
    match d.stderr {
        Some(t) if !out.stderr.contains(&t) => Err(format!("standard error lacks {t:?}\n{}", out.text()).into()),
        _ => Ok(()),
    }
}

/// An example runs `main.py` (or what `args.txt` says, an argument on each line) in its folder. Its output must
/// be that of `expected.txt`; the lines of `stderr.txt`, if there is one, must appear in this order on standard
/// error.
fn example(dir: &Path, options: &[&str]) -> Result<(), Failed> {
    let args = std::fs::read_to_string(dir.join("args.txt")).unwrap_or_else(|_| "main.py".into());
    let expected = std::fs::read_to_string(dir.join("expected.txt"))?;
    let mut c = Command::new(binary());
    c.args(options).args(args.lines()).current_dir(dir);
    let out = run(c, "", Duration::from_secs(120))?;
    if out.code != Some(0) {
        return Err(format!("{}\n{}", out.ending(), out.text()).into());
    }
    let said = std::fs::read_to_string(dir.join("stderr.txt")).unwrap_or_default();
    let mut lines = out.stderr.lines();
    if let Some(missing) = said.lines().find(|wanted| !lines.any(|l| l.trim_end() == wanted.trim_end())) {
        return Err(format!("standard error lacks {missing:?}, or has it out of order\n{}", out.text()).into());
    }
    if out.stdout == expected {
        return Ok(());
    }
    let differs = expected.lines().zip(out.stdout.lines()).position(|(a, b)| a != b);
    let n = differs.unwrap_or_else(|| expected.lines().count().min(out.stdout.lines().count()));
    Err(format!(
        "the output differs from expected.txt at line {}\nexpected: {:?}\n     got: {:?}\n{}",
        n + 1,
        expected.lines().nth(n),
        out.stdout.lines().nth(n),
        out.text()
    )
    .into())
}

struct Output {
    code: Option<i32>,
    late: bool,
    stdout: String,
    stderr: String,
}

impl Output {
    fn ending(&self) -> String {
        match self.code {
            _ if self.late => "ran out of time".into(),
            Some(c) => format!("ended with exit code {c}"),
            None => "was ended by a signal".into(),
        }
    }

    fn text(&self) -> String {
        format!("--- stdout\n{}\n--- stderr\n{}", tail(&self.stdout), tail(&self.stderr))
    }
}

/// The last lines, which hold the reason of a failure.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

fn run(mut command: Command, stdin: &str, limit: Duration) -> Result<Output, Failed> {
    let mut child = command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot run {}: {e}", binary().display()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program may end without reading its input.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let start = Instant::now();
    let mut late = false;
    let status = loop {
        if let Some(s) = child.try_wait()? {
            break s;
        }
        if start.elapsed() > limit && !late {
            late = true;
            child.kill()?;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Ok(Output {
        code: status.code(),
        late,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut p) = pipe {
            let _ = p.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
