//! `cargo xtask ast-diff PYTHON [PATH…]`: compares our trees with those of an installed CPython 3.14.
//!
//! Each `.py` file below the paths (by default the library that the given Python runs on, tests included) is parsed
//! by both; the dumps with all positions must be identical, and so must the errors of files that do not parse.

use cinder_syntax::ast::{Arena, dump};
use cinder_syntax::{Encoding, ParseOptions, SyntaxError, SyntaxErrorKind, detect_encoding, parse};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Answers each path on stdin with a line (the length of the dump, the seconds it took, and the length of the source
/// decoded, where only Python can decode it), the dump and the source.
const ORACLE: &str = r#"
import ast, io, sys, time, tokenize, warnings
warnings.simplefilter("ignore")
sys.setrecursionlimit(100000)
out = sys.stdout.buffer
for line in sys.stdin:
    path = line.rstrip("\n")
    source = open(path, "rb").read()
    start = time.perf_counter()
    try:
        compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True, optimize=0)
        took = time.perf_counter() - start
        text = ast.dump(ast.parse(source), include_attributes=True)
    except SyntaxError as e:
        took = time.perf_counter() - start
        text = "|".join(str(v) for v in (type(e).__name__, e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset, repr(e.text)))
    except Exception as e:
        took = time.perf_counter() - start
        text = "%s: %s" % (type(e).__name__, e)
    data = text.encode("utf-8", "surrogatepass")
    decoded = b""
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(source).readline)[0]
        if encoding not in ("utf-8", "utf-8-sig", "iso-8859-1"):
            decoded = source.decode(encoding).encode()
    except (SyntaxError, LookupError, UnicodeError):
        pass
    out.write(b"%d %f %d\n" % (len(data), took, len(decoded)))
    out.write(data)
    out.write(decoded)
    out.flush()
"#;

/// What one of our parses gave.
enum Outcome {
    Text(String),
    /// An encoding that only the runtime can decode.
    Skipped(String),
}

pub fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let [python, paths @ ..] = args else { return Err("usage: ast-diff PYTHON [PATH…]".into()) };
    let mut files = Vec::new();
    if paths.is_empty() {
        collect(&library_of(python)?, &mut files)?;
    }
    for path in paths {
        collect(Path::new(path), &mut files)?;
    }
    files.sort();
    let mut oracle =
        Command::new(python).args(["-I", "-c", ORACLE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut to = oracle.stdin.take().ok_or("no stdin")?;
    let mut from = BufReader::new(oracle.stdout.take().ok_or("no stdout")?);
    let (mut same, mut different, mut skipped) = (0usize, 0usize, 0usize);
    let (mut our_time, mut their_time, mut lines) = (Duration::ZERO, 0.0f64, 0usize);
    for file in &files {
        writeln!(to, "{}", file.display())?;
        to.flush()?;
        let source = std::fs::read(file)?;
        let mut header = String::new();
        from.read_line(&mut header)?;
        let [length, seconds, decoded_length] = header.trim().splitn(3, ' ').collect::<Vec<_>>()[..] else {
            return Err("the oracle stopped".into());
        };
        let mut theirs = vec![0; length.parse()?];
        from.read_exact(&mut theirs)?;
        let mut decoded = vec![0; decoded_length.parse()?];
        from.read_exact(&mut decoded)?;
        let (ours, took) = parse_ours(&source, &decoded);
        match ours {
            Outcome::Skipped(encoding) => {
                skipped += 1;
                println!("skipped {}: {encoding}", file.display());
            }
            Outcome::Text(ours) if ours.as_bytes() == theirs => {
                same += 1;
                our_time += took;
                their_time += seconds.parse::<f64>()?;
                lines += source.iter().filter(|byte| **byte == b'\n').count();
            }
            Outcome::Text(ours) => {
                different += 1;
                println!("DIFFERENT {}", file.display());
                show(&ours, &String::from_utf8_lossy(&theirs));
            }
        }
    }
    drop(to);
    oracle.wait()?;
    println!(
        "{same} same, {different} different, {skipped} skipped; {lines} lines: ours {our_time:.2?}, theirs {their_time:.2}s"
    );
    if different == 0 { Ok(()) } else { Err("trees differ".into()) }
}

fn library_of(python: &str) -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(python).args(["-I", "-c", "import os; print(os.path.dirname(os.__file__))"]).output()?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() && path.extension().is_some_and(|extension| extension == "py") {
        files.push(path.to_path_buf());
    }
    Ok(())
}

fn parse_ours(source: &[u8], decoded: &[u8]) -> (Outcome, Duration) {
    let text = match detect_encoding(source) {
        Ok(Encoding::Utf8 { bom }) => {
            match std::str::from_utf8(source.get(if bom { 3 } else { 0 }..).unwrap_or_default()) {
                Ok(text) => text.to_string(),
                Err(_) => return (Outcome::Skipped("not UTF-8".into()), Duration::ZERO),
            }
        }
        Ok(Encoding::Latin1) => source.iter().map(|byte| char::from(*byte)).collect(),
        Ok(Encoding::Other(name)) if decoded.is_empty() => return (Outcome::Skipped(name), Duration::ZERO),
        Ok(Encoding::Other(_)) => String::from_utf8_lossy(decoded).into_owned(),
        Err(error) => return (Outcome::Skipped(error.to_string()), Duration::ZERO),
    };
    let start = Instant::now();
    let arena = Arena::new();
    let result = parse(&text, &ParseOptions::default(), &arena);
    let took = start.elapsed();
    let text = match result {
        Ok(parsed) => dump(parsed.module, Some(&parsed.lines)),
        Err(error) => error_text(&error),
    };
    (Outcome::Text(text), took)
}

/// An error in the form in which the oracle writes it.
pub fn error_text(error: &SyntaxError) -> String {
    let kind = match error.kind {
        SyntaxErrorKind::Syntax => "SyntaxError",
        SyntaxErrorKind::Indentation => "IndentationError",
        SyntaxErrorKind::Tab => "TabError",
        SyntaxErrorKind::IncompleteInput => "_IncompleteInputError",
        SyntaxErrorKind::TooDeep => "MemoryError",
    };
    let text = error
        .text
        .as_ref()
        .map_or("None".to_string(), |text| cinder_syntax::ast::str_repr(cinder_syntax::ast::StrValue::Utf8(text)));
    let (line, column, end_line, end_column) = (error.lineno, error.offset, error.end_lineno, error.end_offset);
    if line == 0 {
        return format!("{kind}|{}|None|None|None|None|None", error.msg);
    }
    format!("{kind}|{}|{line}|{column}|{end_line}|{end_column}|{text}", error.msg)
}

/// Shows where two dumps part.
fn show(ours: &str, theirs: &str) {
    let at = ours.bytes().zip(theirs.bytes()).take_while(|(one, other)| one == other).count();
    for (name, text) in [("ours", ours), ("theirs", theirs)] {
        let mut from = at.saturating_sub(120).min(text.len());
        let mut until = (at + 160).min(text.len());
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        while !text.is_char_boundary(until) {
            until += 1;
        }
        println!("  {name:>6}: …{}", &text[from..until]);
    }
}
