//! The text form: `Display` prints a function, `FromStr` reads it back; both follow the instruction table.

mod lex;
mod parse;
mod print;

pub use parse::{ParseError, parse_functions};
pub use print::inst_to_string;
