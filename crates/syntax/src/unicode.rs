//! Properties of characters, as of Unicode 16.0, the version of Python 3.14.

use rustpython_unicode::{classify, identifier};
use std::borrow::Cow;

/// The ranges of characters that are newer than Unicode 16.0: to Python 3.14 they are unassigned.
const NEWER: [(u32, u32); 47] = [
    (0x88f, 0x88f),
    (0xc5c, 0xc5c),
    (0xcdc, 0xcdc),
    (0x1acf, 0x1add),
    (0x1ae0, 0x1aeb),
    (0x20c1, 0x20c1),
    (0x2b96, 0x2b96),
    (0xa7ce, 0xa7cf),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7f1, 0xa7f1),
    (0xfbc3, 0xfbd2),
    (0xfd90, 0xfd91),
    (0xfdc8, 0xfdce),
    (0x10940, 0x10959),
    (0x10ec5, 0x10ec7),
    (0x10ed0, 0x10ed8),
    (0x10efa, 0x10efb),
    (0x11b60, 0x11b67),
    (0x11db0, 0x11ddb),
    (0x11de0, 0x11de9),
    (0x16ea0, 0x16eb8),
    (0x16ebb, 0x16ed3),
    (0x16ff2, 0x16ff6),
    (0x187f8, 0x187ff),
    (0x18d09, 0x18d1e),
    (0x18d80, 0x18df2),
    (0x1ccfa, 0x1ccfc),
    (0x1ceba, 0x1ced0),
    (0x1cee0, 0x1cef0),
    (0x1e6c0, 0x1e6de),
    (0x1e6e0, 0x1e6f5),
    (0x1e6fe, 0x1e6ff),
    (0x1f6d8, 0x1f6d8),
    (0x1f777, 0x1f77a),
    (0x1f8d0, 0x1f8d8),
    (0x1fa54, 0x1fa57),
    (0x1fa8a, 0x1fa8a),
    (0x1fa8e, 0x1fa8e),
    (0x1fac8, 0x1fac8),
    (0x1facd, 0x1facd),
    (0x1faea, 0x1faea),
    (0x1faef, 0x1faef),
    (0x1fbfa, 0x1fbfa),
    (0x2b73a, 0x2b73f),
    (0x2cea2, 0x2cead),
    (0x323b0, 0x33479),
];

fn is_newer(c: char) -> bool {
    let code = u32::from(c);
    let at = NEWER.partition_point(|(_, last)| *last < code);
    NEWER.get(at).is_some_and(|(first, _)| *first <= code)
}

/// `str.isprintable` of one character.
pub fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ => classify::is_repr_printable(c) && !is_newer(c),
    }
}

/// Whether an identifier may begin with a character.
pub fn is_identifier_start(c: char) -> bool {
    identifier::is_start(c) && !is_newer(c)
}

/// Whether a character may stand inside an identifier.
pub fn is_identifier_continue(c: char) -> bool {
    identifier::is_continue(c) && !is_newer(c)
}

/// The character with a Unicode name (`\N{…}`).
pub fn character_named(name: &str) -> Option<char> {
    rustpython_unicode::data::lookup_character(name).filter(|c| !is_newer(*c))
}

/// An identifier in the form in which identifiers are compared (NFKC).
pub fn normalize_identifier(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return name.into();
    }
    icu_normalizer::ComposingNormalizerBorrowed::new_nfkc().normalize(name)
}
