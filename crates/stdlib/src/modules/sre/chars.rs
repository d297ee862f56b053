//! Character classes, case and character sets of compiled patterns.

use rustpython_unicode::{case, classify};

use super::op;

pub(super) fn is_ascii_word(c: u32) -> bool {
    c < 128 && (c as u8 == b'_' || (c as u8).is_ascii_alphanumeric())
}

pub(super) fn is_unicode_word(c: u32) -> bool {
    if c < 128 {
        return is_ascii_word(c);
    }
    char::from_u32(c).is_some_and(|c| classify::is_alpha(c) || classify::is_numeric(c))
}

fn is_unicode_digit(c: u32) -> bool {
    if c < 128 { (c as u8).is_ascii_digit() } else { char::from_u32(c).is_some_and(classify::is_decimal) }
}

fn is_unicode_space(c: u32) -> bool {
    match c {
        9..=13 | 28..=32 | 0x85 | 0xa0 => true,
        0..0x100 => false,
        _ => char::from_u32(c).is_some_and(classify::is_space),
    }
}

fn is_unicode_linebreak(c: u32) -> bool {
    matches!(c, 10..=13 | 28..=30 | 0x85 | 0x2028 | 0x2029)
}

/// Whether a character belongs to a category.
pub(super) fn category(code: u32, c: u32) -> bool {
    let holds = match code >> 1 {
        0 => c < 128 && (c as u8).is_ascii_digit(),
        1 => matches!(c, 9..=13 | 32),
        2 | 4 => is_ascii_word(c),
        3 => c == 10,
        5 => is_unicode_digit(c),
        6 => is_unicode_space(c),
        7 => is_unicode_word(c),
        8 => is_unicode_linebreak(c),
        _ => return false,
    };
    // Categories come in pairs: the plain one, then its complement.
    holds == (code & 1 == 0)
}

pub(super) fn lower_ascii(c: u32) -> u32 {
    if c < 128 { (c as u8).to_ascii_lowercase() as u32 } else { c }
}

pub(super) fn upper_ascii(c: u32) -> u32 {
    if c < 128 { (c as u8).to_ascii_uppercase() as u32 } else { c }
}

pub(super) fn lower_unicode(c: u32) -> u32 {
    if c < 128 {
        return lower_ascii(c);
    }
    char::from_u32(c).map_or(c, |c| case::simple_lowercase(c) as u32)
}

pub(super) fn upper_unicode(c: u32) -> u32 {
    if c < 128 {
        return upper_ascii(c);
    }
    char::from_u32(c).map_or(c, |c| case::simple_uppercase(c) as u32)
}

/// Whether a character is in the set that starts at `set[0]`.
pub(super) fn in_set(set: &[u32], c: u32) -> bool {
    any_in_set(set, [c])
}

/// Whether one of some characters, which are the same to the pattern, is in the set that starts at `set[0]`. A set
/// that is negated has none of them if any is named.
pub(super) fn any_in_set<const N: usize>(set: &[u32], same: [u32; N]) -> bool {
    let any = |holds: &dyn Fn(u32) -> bool| same.iter().any(|c| holds(*c));
    let mut wanted = true;
    let mut i = 0;
    loop {
        let Some(&code) = set.get(i) else { return !wanted };
        let arg = |k: usize| set.get(i + k).copied().unwrap_or(0);
        match code {
            op::LITERAL => {
                if any(&|c| c == arg(1)) {
                    return wanted;
                }
                i += 2;
            }
            op::RANGE => {
                if any(&|c| arg(1) <= c && c <= arg(2)) {
                    return wanted;
                }
                i += 3;
            }
            op::RANGE_UNI_IGNORE => {
                let within = |c: u32| arg(1) <= c && c <= arg(2);
                if any(&|c| within(c) || within(upper_unicode(c))) {
                    return wanted;
                }
                i += 3;
            }
            op::CATEGORY => {
                if any(&|c| category(arg(1), c)) {
                    return wanted;
                }
                i += 2;
            }
            op::CHARSET => {
                if any(&|c| c < 256 && arg(1 + (c >> 5) as usize) >> (c & 31) & 1 == 1) {
                    return wanted;
                }
                i += 9;
            }
            op::BIGCHARSET => {
                let blocks = arg(1) as usize;
                let has = |c: u32| {
                    let word = arg(2 + (c >> 10) as usize);
                    let block = (word >> (8 * (c >> 8 & 3)) & 0xff) as usize;
                    arg(66 + block * 8 + (c >> 5 & 7) as usize) >> (c & 31) & 1 == 1
                };
                if any(&|c| c < 0x1_0000 && has(c)) {
                    return wanted;
                }
                i += 66 + blocks * 8;
            }
            op::NEGATE => {
                wanted = !wanted;
                i += 1;
            }
            // FAILURE ends the set.
            _ => return !wanted,
        }
    }
}
