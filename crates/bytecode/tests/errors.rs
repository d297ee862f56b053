//! Syntax errors and warnings of scoping and code generation: `errors.txt` lists sources (`>>>`, with `\n` for line
//! ends) and what CPython 3.14 reports for each: `E message @line:column-end line:end column`, `W message @line`.

use cinder_bytecode::{CompileOptions, compile};
use cinder_syntax::ast::Arena;
use cinder_syntax::{ParseOptions, SyntaxError, parse};

fn show(error: &SyntaxError) -> String {
    let SyntaxError { msg, lineno, offset, end_lineno, end_offset, .. } = error;
    format!("E {msg} @{lineno}:{offset}-{end_lineno}:{end_offset}")
}

fn report(source: &str) -> Vec<String> {
    let arena = Arena::new();
    let parsed = match parse(source, &ParseOptions::default(), &arena) {
        Ok(parsed) => parsed,
        Err(error) => return vec![show(&error)],
    };
    match compile(&parsed.module, &parsed.lines, &CompileOptions::new("f.py")) {
        Ok(compiled) => compiled.warnings.iter().map(|w| format!("W {} @{}", w.msg, w.lineno)).collect(),
        Err(error) => vec![show(&error)],
    }
}

#[test]
fn errors() {
    let text = include_str!("errors.txt");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in text.split(">>> ").filter(|case| !case.is_empty()) {
        let mut lines = case.lines();
        let source = lines.next().unwrap_or_default().replace("\\n", "\n");
        let expected: Vec<String> = lines.map(str::to_owned).collect();
        let found = report(&source);
        cases += 1;
        if found != expected {
            wrong.push(format!("{source:?}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(cases > 90);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
