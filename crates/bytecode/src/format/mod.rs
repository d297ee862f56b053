//! The on-disk form of code objects: the body of `.pyc` files and of the packed standard library.
//!
//! ```text
//! fingerprint u32 | strings: count, (length, bytes)… | code
//! code   = name qualname filename (string numbers) first_line flags argcount posonly kwonly temps raw
//!          locals: count, (string, kind u8)…   names: count, string…
//!          insns: count, u64…                  exceptions: count, (start, end, handler, temp)…
//!          lines: length, bytes                line events: count, (pc delta, line)…
//!          consts: count, constant…
//! ```
//!
//! Numbers are LEB128 except the fixed-width ones, which are little-endian. All strings of a module stand once in its
//! string table. The fingerprint changes with the opcode table, so code for another instruction set is refused.

mod read;
mod write;

pub use read::{FormatError, deserialize};
pub use write::serialize;

use crate::op::Opcode;

/// Changes whenever the layout of this format does.
const LAYOUT: u32 = 1;

/// Changes when the compiler gives sources another meaning than before, so that no stale `.pyc` is run.
const COMPILER: u32 = 5;

/// The number that `.pyc` files start with: the fingerprint in 16 bits, then the line end that CPython writes there.
pub fn pyc_magic() -> u32 {
    let hash = fingerprint();
    0x0a0d_0000 | ((hash ^ hash >> 16) & 0xffff)
}

/// Identifies the format and the instruction set it carries: FNV-1a over the opcode table.
pub fn fingerprint() -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    };
    add(&LAYOUT.to_le_bytes());
    add(&COMPILER.to_le_bytes());
    for info in Opcode::table() {
        add(info.name.as_bytes());
        for &(field, kind) in info.operands {
            add(&[field as u8, kind as u8]);
        }
    }
    hash
}

/// Tags of constants.
mod tag {
    pub const NONE: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const ELLIPSIS: u8 = 3;
    pub const INT: u8 = 4;
    pub const BIG_INT: u8 = 5;
    pub const FLOAT: u8 = 6;
    pub const COMPLEX: u8 = 7;
    pub const STR: u8 = 8;
    pub const BYTES: u8 = 9;
    pub const TUPLE: u8 = 10;
    pub const FROZEN_SET: u8 = 11;
    pub const SLICE: u8 = 12;
    pub const CODE: u8 = 13;
}
