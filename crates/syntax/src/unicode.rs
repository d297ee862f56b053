//! Properties of characters, as of Unicode 16.0, the version of Python 3.14.

use rustpython_unicode::{classify, identifier};
use std::borrow::Cow;

/// The ranges of characters that the data of our Unicode crates has and Unicode 16.0 has not: to Python 3.14 they are
/// unassigned.
const NEWER: [(u32, u32); 83] = [
    (0x558, 0x558),
    (0x58b, 0x58c),
    (0x5c8, 0x5c9),
    (0x88f, 0x88f),
    (0xb53, 0xb54),
    (0xc5c, 0xc5c),
    (0xcdc, 0xcdc),
    (0x1acf, 0x1af0),
    (0x208f, 0x208f),
    (0x209d, 0x209f),
    (0x20c1, 0x20c4),
    (0x2b96, 0x2b96),
    (0x2e60, 0x2e63),
    (0xa7ce, 0xa7cf),
    (0xa7d2, 0xa7d2),
    (0xa7d4, 0xa7d4),
    (0xa7dd, 0xa7dd),
    (0xa7e2, 0xa7e2),
    (0xa7f1, 0xa7f1),
    (0xab6c, 0xab6d),
    (0xfbc3, 0xfbd2),
    (0xfd90, 0xfd91),
    (0xfdc8, 0xfdce),
    (0x107bb, 0x107bf),
    (0x10940, 0x10959),
    (0x10ec5, 0x10ec7),
    (0x10ec9, 0x10eee),
    (0x10ef0, 0x10efb),
    (0x11b0a, 0x11b0a),
    (0x11b60, 0x11b67),
    (0x11db0, 0x11ddb),
    (0x11de0, 0x11de9),
    (0x11df0, 0x11df1),
    (0x1246f, 0x1246f),
    (0x12475, 0x1247f),
    (0x12550, 0x12686),
    (0x16ea0, 0x16eb8),
    (0x16ebb, 0x16ed3),
    (0x16ff2, 0x16ff6),
    (0x187f8, 0x187ff),
    (0x18cd6, 0x18cda),
    (0x18d09, 0x18d20),
    (0x18d80, 0x18df2),
    (0x18e00, 0x19191),
    (0x191a0, 0x191d2),
    (0x1b123, 0x1b128),
    (0x1b168, 0x1b168),
    (0x1ccfa, 0x1ccfc),
    (0x1ceba, 0x1ced0),
    (0x1ced2, 0x1ced4),
    (0x1cedd, 0x1cefd),
    (0x1d127, 0x1d128),
    (0x1d1eb, 0x1d1ff),
    (0x1d250, 0x1d281),
    (0x1d6a6, 0x1d6a6),
    (0x1db00, 0x1db1c),
    (0x1df1f, 0x1df24),
    (0x1df2b, 0x1df81),
    (0x1df90, 0x1df96),
    (0x1dfcd, 0x1dfff),
    (0x1e6c0, 0x1e6de),
    (0x1e6e0, 0x1e6f5),
    (0x1e6fe, 0x1e6ff),
    (0x1f1ae, 0x1f1ae),
    (0x1f6d8, 0x1f6d9),
    (0x1f777, 0x1f77a),
    (0x1f7da, 0x1f7db),
    (0x1f7f1, 0x1f7ff),
    (0x1f8d0, 0x1f8d8),
    (0x1fa54, 0x1fa57),
    (0x1fa8a, 0x1fa8e),
    (0x1fac8, 0x1fac8),
    (0x1facc, 0x1facd),
    (0x1fadd, 0x1fadd),
    (0x1faea, 0x1faeb),
    (0x1faef, 0x1faef),
    (0x1faf9, 0x1fafa),
    (0x1fbfa, 0x1fbfa),
    (0x2b73a, 0x2b73f),
    (0x2b81e, 0x2b81e),
    (0x2cea2, 0x2cead),
    (0x323b0, 0x33479),
    (0x3d000, 0x3fc3f),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_characters_are_unassigned() {
        assert!(NEWER.is_sorted_by(|one, next| one.0 <= one.1 && one.1 < next.0));
        for (first, last) in NEWER {
            for c in [first, last].into_iter().filter_map(char::from_u32) {
                assert!(!is_printable(c) && !is_identifier_start(c) && !is_identifier_continue(c), "{c:?}");
            }
        }
        assert!(is_printable('é') && is_identifier_start('µ') && is_identifier_continue('\u{301}'));
    }
}
