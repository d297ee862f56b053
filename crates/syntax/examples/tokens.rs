//! Reads a source from a file and prints its tokens as Python's `tokenize` gives them, one a line.

use cinder_syntax::ast::{StrValue, str_repr};
use cinder_syntax::tokenize;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: tokens FILE")?;
    let source = std::fs::read_to_string(path)?;
    let repr = |text: &str| str_repr(StrValue::Utf8(text));
    let found = tokenize(&source, true);
    for t in &found.tokens {
        println!(
            "{} {} ({}, {}) ({}, {}) {}",
            t.kind,
            repr(t.text),
            t.start.line,
            t.start.column,
            t.end.line,
            t.end.column,
            repr(t.line)
        );
    }
    if let Some(error) = found.error {
        println!("{} ({}, {})", error.msg, error.lineno, error.offset);
    }
    Ok(())
}
