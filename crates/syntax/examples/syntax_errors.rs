//! Reads sources separated by NUL from stdin; prints a line per source: `ok`, or the error's fields.

use cinder_syntax::ast::{Arena, StrValue, str_repr};
use cinder_syntax::{ParseOptions, parse};
use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    for source in input.split('\0') {
        let arena = Arena::new();
        match parse(source, &ParseOptions::default(), &arena) {
            Ok(_) => println!("ok"),
            Err(e) => {
                let text = e.text.as_deref().map_or("None".into(), |text| str_repr(StrValue::Utf8(text)));
                println!(
                    "{:?}|{}|{}|{}|{}|{}|{text}",
                    e.kind, e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset
                );
            }
        }
    }
    Ok(())
}
