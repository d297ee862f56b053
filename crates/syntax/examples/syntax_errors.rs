//! Reads sources separated by NUL from stdin; prints a line per source: `ok`, or the error's fields.
//!
//! Arguments: `exec`, `eval` or `single`; `incomplete` for the flags of `codeop`; `types` for type comments.

use cinder_syntax::ast::{Arena, StrValue, dump, str_repr};
use cinder_syntax::{Mode, ParseOptions, parse};
use std::io::Read;

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let options = ParseOptions {
        mode: match () {
            _ if has("eval") => Mode::Eval,
            _ if has("single") => Mode::Single,
            _ if has("func_type") => Mode::FuncType,
            _ => Mode::Exec,
        },
        type_comments: has("types"),
        allow_incomplete_input: has("incomplete"),
        dont_imply_dedent: has("incomplete"),
        ..ParseOptions::default()
    };
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    for source in input.split('\0') {
        let arena = Arena::new();
        match parse(source, &options, &arena) {
            Ok(parsed) if has("dump") => println!("{}", dump(parsed.module, Some(&parsed.lines))),
            Ok(_) => println!("ok"),
            Err(e) => {
                let text = e.text.as_deref().map_or("None".into(), |text| str_repr(StrValue::Utf8(text)));
                println!("{:?}|{}|{}|{}|{}|{}|{text}", e.kind, e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset);
            }
        }
    }
    Ok(())
}
