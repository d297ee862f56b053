//! Runs the data files: each holds cases of a source and what it must give. `CINDER_BLESS=1` rewrites them.
//!
//! A case is `=== name`, the source, `--- expected`, and the dump, the error or the tokens.

use cinder_syntax::ast::{Arena, StrValue, dump, str_repr};
use cinder_syntax::{ParseOptions, SyntaxErrorKind, parse, tokenize};
use std::fmt::Write;
use std::path::Path;

fn repr(text: &str) -> String {
    str_repr(StrValue::Utf8(text))
}

fn ast(source: &str) -> String {
    let arena = Arena::new();
    match parse(source, &ParseOptions::default(), &arena) {
        Ok(parsed) => {
            let text = dump(parsed.module, Some(&parsed.lines));
            // A statement a line is easier to review than one long line.
            text.replace("), ", "),\n")
        }
        Err(error) => format!("{error:?}"),
    }
}

fn error(source: &str) -> String {
    let arena = Arena::new();
    match parse(source, &ParseOptions::default(), &arena) {
        Ok(_) => "no error".into(),
        Err(error) => {
            let kind = match error.kind {
                SyntaxErrorKind::Syntax => "SyntaxError",
                SyntaxErrorKind::Indentation => "IndentationError",
                SyntaxErrorKind::Tab => "TabError",
                SyntaxErrorKind::IncompleteInput => "_IncompleteInputError",
                SyntaxErrorKind::TooDeep => "MemoryError",
            };
            let text = error.text.as_deref().map_or("None".into(), repr);
            let place = (error.lineno, error.offset, error.end_lineno, error.end_offset);
            format!("{kind}: {}\n{place:?} {text}", error.msg)
        }
    }
}

fn tokens(source: &str) -> String {
    let found = tokenize(source, true);
    let mut out = String::new();
    for token in &found.tokens {
        let (start, end) = (token.start, token.end);
        let _ = writeln!(
            out,
            "{} {} {}:{}-{}:{}",
            token.kind,
            repr(token.text),
            start.line,
            start.column,
            end.line,
            end.column
        );
    }
    if let Some(error) = found.error {
        let _ = writeln!(out, "{} {}:{}", error.msg, error.lineno, error.offset);
    }
    out.trim_end().to_string()
}

fn run(folder: &str, action: fn(&str) -> String) {
    let bless = std::env::var_os("CINDER_BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests").join(folder);
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let mut rewritten = String::new();
        for case in text.split("=== ").skip(1) {
            let (name, rest) = case.split_once('\n').expect("a name");
            let (source, expected) = rest.split_once("\n--- expected\n").expect("an expectation");
            let found = action(source);
            count += 1;
            let _ = write!(rewritten, "=== {name}\n{source}\n--- expected\n{found}\n\n");
            if found != expected.trim_end() {
                failures.push(format!("{} [{name}]\n{source}\nexpected\n{expected}\nfound\n{found}", path.display()));
            }
        }
        if bless {
            std::fs::write(&path, rewritten).expect("a writable file");
        }
    }
    assert!(count > 0, "no cases in {}", folder.display());
    assert!(bless || failures.is_empty(), "{} of {count} failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn trees() {
    run("ast", ast);
}

#[test]
fn errors() {
    run("errors", error);
}

#[test]
fn token_streams() {
    run("tokens", tokens);
}
