//! `cargo xtask compile-bench PYTHON [BINARY]`: how long compiling a library from source takes.
//!
//! Both Pythons compile the sources of the library that the given CPython runs on (without its tests), in memory and in
//! turns; the best of three runs counts, in processor time, reading the files not included.

use std::process::Command;

const ROUNDS: usize = 3;

/// Prints the seconds that compiling the `.py` files below a folder takes.
const PROGRAM: &str = r#"
import os, sys, time, warnings
warnings.simplefilter("ignore")
sources = []
for folder, folders, files in os.walk(sys.argv[1]):
    folders[:] = [f for f in folders if f not in ("test", "__pycache__", "site-packages")]
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith(".py") and os.path.exists(path):
            with open(path, "rb") as f:
                sources.append((path, f.read()))
start = time.process_time()
for path, source in sources:
    compile(source, path, "exec", dont_inherit=True)
print(time.process_time() - start)
"#;

pub fn run(args: &[String]) -> Result<(), String> {
    let (python, binary) = match args {
        [python] => (python.as_str(), "target/release/cinder"),
        [python, binary] => (python.as_str(), binary.as_str()),
        _ => return Err("usage: compile-bench PYTHON [BINARY]".into()),
    };
    let folder = output(python, &["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"])?;
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (command, best) in [python, binary].into_iter().zip(&mut best) {
            let text = output(command, &["-c", PROGRAM, &folder])?;
            let seconds: f64 = text.parse().map_err(|_| format!("{command} printed {text}"))?;
            *best = best.min(seconds);
        }
    }
    let [theirs, ours] = best;
    println!("{python} {theirs:.2} s, {binary} {ours:.2} s: {:.2} of the speed", theirs / ours);
    if ours <= theirs { Ok(()) } else { Err("compiling takes longer than CPython takes".into()) }
}

fn output(command: &str, args: &[&str]) -> Result<String, String> {
    let out = Command::new(command).args(args).output().map_err(|e| format!("{command}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{command} failed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
