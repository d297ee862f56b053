//! CPython's own tests, run with Cinder, held against a floor.
//!
//! The floor (`tests/cpython/floor.txt`) has a line for each test module: its name and how many of its tests
//! must pass. Text after `#` gives reasons. A module that passes more than its floor is reported, so that the
//! floor can rise. Tests of CPython's C API are skipped: its C test modules are replaced by stand-ins.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::workspace;

const FLOOR: &str = "tests/cpython/floor.txt";
const TIME_LIMIT: Duration = Duration::from_secs(300);

struct Options {
    binary: PathBuf,
    python: String,
    update: bool,
    modules: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        let mut o = Options {
            binary: workspace::root().join("target/fast/cinder"),
            python: "python3.14".into(),
            update: false,
            modules: Vec::new(),
        };
        let mut it = args.iter();
        while let Some(a) = it.next() {
            let mut value = || it.next().cloned().ok_or_else(|| format!("{a} needs a value"));
            match a.as_str() {
                "--binary" => o.binary = std::path::absolute(value()?).map_err(|e| e.to_string())?,
                "--python" => o.python = value()?,
                "--update" => o.update = true,
                m if !m.starts_with('-') => o.modules.push(m.to_owned()),
                other => return Err(format!("unknown option `{other}`")),
            }
        }
        Ok(o)
    }
}

/// What a test module gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Outcome {
    passed: usize,
    failed: usize,
    /// The process was ended by a signal or by the time limit.
    died: bool,
}

/// Runs the command.
///
/// # Errors
/// If the set-up is missing something, or a module falls below its floor.
pub fn run(args: &[String]) -> Result<(), String> {
    let o = Options::parse(args)?;
    if !o.binary.exists() {
        return Err(format!("{} is not built", o.binary.display()));
    }
    let path = workspace::root().join(FLOOR);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut floor = parse_floor(&text)?;
    let modules: Vec<String> = if o.modules.is_empty() { floor.keys().cloned().collect() } else { o.modules.clone() };
    if modules.is_empty() {
        println!("{FLOOR} lists no modules yet");
        return Ok(());
    }
    let tests = test_folder(&o.python)?;
    let mut below = Vec::new();
    let mut total = Outcome::default();
    for (m, outcome) in modules.iter().zip(run_all(&o.binary, &tests, &modules)) {
        let outcome = outcome?;
        total.passed += outcome.passed;
        total.failed += outcome.failed;
        let least = floor.get(m).copied().unwrap_or(0);
        let mark = match outcome.passed {
            n if n < least => "BELOW",
            n if n > least => "above",
            _ => "",
        };
        let died = if outcome.died { " (died)" } else { "" };
        println!("{m:32} {:5} passed {:5} not{died} floor {least} {mark}", outcome.passed, outcome.failed);
        if outcome.passed < least {
            below.push(m.clone());
        }
        floor.insert(m.clone(), outcome.passed);
    }
    println!("{} passed, {} failed in {} modules", total.passed, total.failed, modules.len());
    if o.update {
        return std::fs::write(&path, updated(&text, &floor)).map_err(|e| format!("cannot write {FLOOR}: {e}"));
    }
    if below.is_empty() { Ok(()) } else { Err(format!("below the floor: {}", below.join(", "))) }
}

fn parse_floor(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let mut floor = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let entry = line.split_once(' ').and_then(|(m, k)| k.trim().parse().ok().map(|k| (m.to_owned(), k)));
        let (module, count) = entry.ok_or_else(|| format!("{FLOOR}:{}: expected a module and a number", n + 1))?;
        floor.insert(module, count);
    }
    Ok(floor)
}

/// The floor file with new numbers; comments stay.
fn updated(text: &str, floor: &BTreeMap<String, usize>) -> String {
    let mut left = floor.clone();
    let mut out = String::new();
    for line in text.lines() {
        let module = line.split(' ').next().unwrap_or("");
        match left.remove(module) {
            Some(n) => {
                let comment = line.find('#').map_or(String::new(), |i| format!("  {}", &line[i..]));
                out += &format!("{module} {n}{comment}\n");
            }
            None => out += &format!("{line}\n"),
        }
    }
    for (m, n) in left {
        out += &format!("{m} {n}\n");
    }
    out
}

/// A folder that holds the `test` package of a CPython and the stand-ins; its folder `bare` holds the package alone.
fn test_folder(python: &str) -> Result<PathBuf, String> {
    let out = Command::new(python)
        .args(["-c", "import test.support, os, test; print(os.path.dirname(test.__file__))"])
        .output()
        .map_err(|e| format!("cannot run {python}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{python} has no test package"));
    }
    let package = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    let dir = workspace::root().join("target/cpython-tests");
    let bare = dir.join("bare");
    std::fs::create_dir_all(&bare).map_err(|e| format!("cannot make {}: {e}", bare.display()))?;
    for module in C_TEST_MODULES {
        let file = dir.join(module).with_extension("py");
        std::fs::write(&file, STAND_IN).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    for link in [dir.join("test"), bare.join("test")] {
        // A link of an earlier run may lead elsewhere; one that is missing is no failure.
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&package, &link).map_err(|e| format!("cannot link {}: {e}", link.display()))?;
    }
    Ok(dir)
}

/// Modules of CPython that are written in C for its tests alone.
const C_TEST_MODULES: &[&str] = &[
    "_ctypes_test",
    "_testbuffer",
    "_testcapi",
    "_testclinic",
    "_testexternalinspection",
    "_testimportmultiple",
    "_testinternalcapi",
    "_testlimitedcapi",
    "_testmultiphase",
    "_testsinglephase",
    "_xxtestfuzz",
    "xxlimited",
];

/// What stands in for them: limits of C's types are numbers, recursion is counted, and whatever else is asked of a
/// stand-in skips the test that asks.
const STAND_IN: &str = "\
import sys, unittest

WITH_PYMALLOC, Py_DEBUG, SIZEOF_WCHAR_T, SIZEOF_VOID_P, SIZEOF_TIME_T, SIZEOF_PID_T = 0, False, 4, 8, 8, 4
for name, bits in ('CHAR', 8), ('SHRT', 16), ('INT', 32), ('LONG', 64), ('LLONG', 64), ('PY_SSIZE_T', 64):
    globals()[f'{name}_MIN'], globals()[f'{name}_MAX'] = -1 << bits - 1, (1 << bits - 1) - 1
    globals()[f'U{name}_MAX'] = (1 << bits) - 1
FLT_MIN, FLT_MAX, DBL_MIN, DBL_MAX = 2.0**-126, (2 - 2.0**-23) * 2.0**127, sys.float_info.min, sys.float_info.max

def get_recursion_depth():
    frame, depth = sys._getframe(1), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth

def get_c_recursion_remaining():
    return sys.getrecursionlimit()

def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    def skip(*args, **kwargs):
        raise unittest.SkipTest(f'needs {__name__}.{name}')
    return skip
";

/// Modules whose tests guard their imports of the C test modules: more of them run where there is no stand-in.
const GUARDED: &[&str] = &["test_buffer", "test_call", "test_finalization", "test_gc"];

/// Runs modules side by side, as many as there are processors; results in their order.
fn run_all(binary: &Path, tests: &Path, modules: &[String]) -> Vec<Result<Outcome, String>> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<Outcome, String>>>> = modules.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            s.spawn(|| {
                while let Some(i) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < modules.len()) {
                    let outcome = run_module(binary, tests, &modules[i]);
                    *results[i].lock().unwrap_or_else(|e| e.into_inner()) = Some(outcome);
                }
            });
        }
    });
    let missing = || Err("a module did not run".to_owned());
    results.into_iter().map(|r| r.into_inner().ok().flatten().unwrap_or_else(missing)).collect()
}

fn run_module(binary: &Path, tests: &Path, module: &str) -> Result<Outcome, String> {
    let work = tests.join("work").join(module);
    std::fs::create_dir_all(&work).map_err(|e| format!("cannot make {}: {e}", work.display()))?;
    let path = if GUARDED.contains(&module) { tests.join("bare") } else { tests.to_owned() };
    let mut child = Command::new(binary)
        .args(["-m", "unittest", "-v", &format!("test.{module}")])
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&work)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot run {}: {e}", binary.display()))?;
    let mut pipe = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(p) = &mut pipe {
            let _ = p.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let start = Instant::now();
    let mut died = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                died |= status.code().is_none();
                break;
            }
            Ok(None) if start.elapsed() > TIME_LIMIT => {
                let _ = child.kill();
                died = true;
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(e) => return Err(format!("cannot wait for {module}: {e}")),
        }
    }
    let log = reader.join().unwrap_or_default();
    Ok(Outcome { died, ..count(&log) })
}

/// Counts the lines of unittest's verbose report.
fn count(log: &str) -> Outcome {
    let mut o = Outcome::default();
    for line in log.lines() {
        let Some((_, result)) = line.rsplit_once(" ... ") else { continue };
        match result.trim() {
            "ok" | "expected failure" => o.passed += 1,
            r if r.starts_with("skipped") => {}
            "FAIL" | "ERROR" | "unexpected success" => o.failed += 1,
            _ => {}
        }
    }
    o
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_counted() {
        let log = "test_a (test.test_x.T.test_a) ... ok\n\
                   test_b (test.test_x.T.test_b)\nDoc text ... FAIL\n\
                   test_c (test.test_x.T.test_c) ... skipped 'no'\n\
                   test_d (test.test_x.T.test_d) ... expected failure\nRan 4 tests\n";
        assert_eq!(count(log), Outcome { passed: 2, failed: 1, died: false });
    }

    #[test]
    fn floors_keep_their_comments() {
        let text = "# reasons\ntest_a 3  # offsets of CPython\ntest_b 1\n";
        let mut floor = parse_floor(text).unwrap();
        assert_eq!(floor["test_a"], 3);
        floor.insert("test_a".into(), 5);
        floor.insert("test_c".into(), 2);
        assert_eq!(updated(text, &floor), "# reasons\ntest_a 5  # offsets of CPython\ntest_b 1\ntest_c 2\n");
        assert!(parse_floor("test_a x").is_err());
    }
}
