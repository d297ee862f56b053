//! `cargo xtask link-order [BINARY]`: which functions a start runs, as the linker script that places them together.
//!
//! The system maps machine code in runs of 64 KiB around each page that is touched. A start runs an eighth of the
//! functions; where they lie among the others, nearly all code becomes resident. `crates/cli/link.ld` names them
//! without the hashes that differ from build to build, so a list that is old only does less. Run it on a release build
//! when start-up has changed much; it needs valgrind and nm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::process::Command;

use xtask::workspace;

/// What is run, the most frequent start first.
const PROGRAMS: &[&str] = &["pass", "import asyncio, json, re, dataclasses, typing"];

/// How many bytes a name may place beside those that a start runs, in proportion to these, before it goes behind the
/// exact names: many instances of generic functions share theirs.
const MOST_OTHERS: u64 = 2;

const HEAD: &str = "\
/* Functions that a start of the command runs, placed together so that few pages become resident.
   Made by `cargo xtask link-order` from a release build. */
SECTIONS { .text.start : {
";

pub fn run(args: &[String]) -> Result<(), String> {
    let binary = match args {
        [] => "target/release/cinder",
        [binary] => binary.as_str(),
        _ => return Err("usage: link-order [BINARY]".into()),
    };
    let symbols = symbols(binary)?;
    let mut of_pattern: BTreeMap<String, u64> = BTreeMap::new();
    for (name, size) in &symbols {
        *of_pattern.entry(pattern(name)).or_default() += size;
    }
    let mut placed = BTreeSet::new();
    let mut vague = Vec::new();
    let mut script = String::from(HEAD);
    for program in PROGRAMS {
        let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
        for name in executed(binary, program)? {
            if let Some(size) = symbols.get(&name) {
                *bytes.entry(pattern(&name)).or_default() += size;
            }
        }
        let mut total = 0;
        for (pattern, executed) in bytes {
            total += executed;
            if !placed.insert(pattern.clone()) {
                continue;
            }
            let all = of_pattern.get(&pattern).copied().unwrap_or(executed);
            if all > executed * MOST_OTHERS { vague.push(pattern) } else { place(&mut script, &pattern) }
        }
        println!("{program}: {} KiB of functions", total / 1024);
    }
    for pattern in &vague {
        place(&mut script, pattern);
    }
    script.push_str("} } INSERT BEFORE .text;\n");
    let path = workspace::root().join("crates/cli/link.ld");
    std::fs::write(&path, script).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{} names, {} of them shared with many others", placed.len(), vague.len());
    Ok(())
}

/// Cold functions have a section name of their own.
fn place(script: &mut String, pattern: &str) {
    let _ = writeln!(script, "*(.text.{pattern} .text.unlikely.{pattern})");
}

/// The functions of a binary with their sizes.
fn symbols(binary: &str) -> Result<BTreeMap<String, u64>, String> {
    let text = output(Command::new("nm").args(["--print-size", "--defined-only", binary]))?;
    let mut symbols = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().skip(1);
        if let (Some(size), Some("t" | "T" | "w" | "W"), Some(name)) = (words.next(), words.next(), words.next()) {
            symbols.insert(name.to_owned(), u64::from_str_radix(size, 16).unwrap_or(0));
        }
    }
    Ok(symbols)
}

/// The functions that a binary runs for a program.
fn executed(binary: &str, program: &str) -> Result<BTreeSet<String>, String> {
    let profile = workspace::root().join("target/link-order.callgrind");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--demangle=no", "--compress-strings=no", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", profile.display()));
    output(command.args([binary, "-c", program]))?;
    let text = std::fs::read_to_string(&profile).map_err(|e| format!("{}: {e}", profile.display()))?;
    // Functions of other objects are among them; those of the binary are known by its symbols. Recursive calls have a
    // number behind the name.
    let names = text.lines().filter_map(|line| line.strip_prefix("fn="));
    Ok(names.map(|name| name.split('\'').next().unwrap_or(name).to_owned()).collect())
}

/// A symbol's name with a wildcard for each part that differs from build to build.
fn pattern(name: &str) -> String {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    // Instances of one name that were merged into one unit are numbered.
    let name = match name.rsplit_once('.') {
        Some((stem, number)) if number.bytes().all(|b| b.is_ascii_digit()) => stem,
        _ => name,
    };
    if let Some((stem, hash)) = name.rsplit_once("17h")
        && hash.len() == 17
        && hex(&hash[..16])
    {
        return format!("{stem}17h*");
    }
    // The other mangling writes a crate as `Cs`, its hash, `_` and its name.
    let mut out = String::new();
    let mut rest = name;
    while let Some((head, tail)) = rest.split_once("Cs").filter(|_| name.starts_with("_R")) {
        let Some((_, crate_name)) = tail.split_once('_') else { break };
        out.push_str(head);
        out.push_str("Cs*_");
        rest = crate_name;
    }
    out + rest + if name.starts_with("_R") { "*" } else { "" }
}

fn output(command: &mut Command) -> Result<String, String> {
    let shown = format!("{:?}", command.get_program());
    let out = command.output().map_err(|e| format!("{shown}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{shown} failed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn hashes_become_wildcards() {
        assert_eq!(pattern("_ZN4core3fmt5write17h0123456789abcdefE"), "_ZN4core3fmt5write17h*");
        assert_eq!(pattern("_ZN1a1b17h0123456789abcdefE.llvm.77"), "_ZN1a1b17h*");
        assert_eq!(pattern("_RNvNtCsjrHSEGnQ3l9_3std2rt4init"), "_RNvNtCs*_3std2rt4init*");
        assert_eq!(pattern("_ZN1a1b17h0123456789abcdefE.12"), "_ZN1a1b17h*");
        assert_eq!(pattern("mi_process_attach"), "mi_process_attach");
    }
}
