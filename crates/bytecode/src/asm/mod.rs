//! The assembly form of code objects: complete, so that what is printed reads back to the same code.
//!
//! [`Code`](crate::Code)'s `Display` is for people and leaves things out; this form is for tests and tools that write code by hand.
//!
//! ```
//! use cinder_bytecode::{asm, verify};
//!
//! let text = r#"
//!     code "double" as "double" in "example.py" line 1 flags 0x3 args 0 1 0 temps 0 raw 0 {
//!         local "x" 0x20
//!         const 2
//!         Mul l0 l0 k0  @1:4-1:9
//!         Return l0     @1
//!     }
//! "#;
//! let code = asm::parse(text)?;
//! verify(&code)?;
//! assert_eq!(asm::parse(&asm::print(&code))?, code);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Words are separated by white space; `;` starts a comment. In the braces stand, each as often as need be:
//!
//! * `local NAME KIND`, `name NAME`, `const CONSTANT`: the next local, name, constant.
//! * an instruction: the opcode, its operands, and its position. Locals are `l0`, temporaries `t0`, constants `k0`, names
//!   `n0`, jump targets `>` and an instruction index; numbers are plain. A position is `@line:column-line:column`, `@line`
//!   or `@-` for none; without one it is that of the instruction before. `word HEX` is a word that no table row makes.
//! * `except START END HANDLER TEMP`: a protected range. `event PC LINE`: the line of an absorbed load or store.
//!
//! Constants are `None`, `True`, `False`, `...`, ints, floats (`1.5`, `inf`, `nan:HEXBITS`), `complex(RE IM)`, strings
//! (`"text"`, `w"…"` for WTF-8 with surrogates), `b"bytes"`, `(tuple items)`, `frozenset(items)`, `slice(a b c)`, and
//! `code …` for nested code. Positions are re-encoded, so a line table in another than the shortest encoding changes.

mod parse;
mod print;

pub use parse::{AsmError, parse};
pub use print::print;
