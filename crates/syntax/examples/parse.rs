//! Parses a file and prints its tree, or the error as Python shows it.

use cinder_syntax::ast::{Arena, dump};
use cinder_syntax::{ParseOptions, parse};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: parse FILE")?;
    let source = std::fs::read_to_string(&path)?;
    let arena = Arena::new();
    match parse(&source, &ParseOptions::default(), &arena) {
        Ok(parsed) => println!("{}", dump(parsed.module, Some(&parsed.lines))),
        Err(error) => {
            println!("  File \"{path}\", line {}", error.lineno);
            if let Some(text) = &error.text {
                println!("    {}", text.trim_end());
                println!("    {}^", " ".repeat(error.offset.max(1) as usize - 1));
            }
            println!("SyntaxError: {}", error.msg);
        }
    }
    Ok(())
}
