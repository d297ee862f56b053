//! ASCII case and character classes of byte strings.

/// Swaps the case of letters.
pub(crate) fn swapcase(b: &mut [u8]) {
    for c in b {
        if c.is_ascii_alphabetic() {
            *c ^= 0x20;
        }
    }
}

/// Upper case first, then lower case.
pub(crate) fn capitalize(b: &mut [u8]) {
    b.make_ascii_lowercase();
    if let Some(c) = b.first_mut() {
        c.make_ascii_uppercase();
    }
}

/// Every run of letters starts in upper case and goes on in lower case.
pub(crate) fn title(b: &mut [u8]) {
    let mut inside = false;
    for c in b {
        if inside {
            c.make_ascii_lowercase();
        } else {
            c.make_ascii_uppercase();
        }
        inside = c.is_ascii_alphabetic();
    }
}

/// ASCII whitespace, vertical tab included.
pub(crate) fn is_space(c: u8) -> bool {
    matches!(c, 9..=13 | 32)
}

/// Whether there are bytes and all satisfy `p`.
pub(crate) fn all(b: &[u8], p: impl Fn(u8) -> bool) -> bool {
    !b.is_empty() && b.iter().all(|c| p(*c))
}

pub(crate) fn is_lower(b: &[u8]) -> bool {
    b.iter().any(u8::is_ascii_lowercase) && !b.iter().any(u8::is_ascii_uppercase)
}

pub(crate) fn is_upper(b: &[u8]) -> bool {
    b.iter().any(u8::is_ascii_uppercase) && !b.iter().any(u8::is_ascii_lowercase)
}

pub(crate) fn is_title(b: &[u8]) -> bool {
    let (mut seen, mut inside) = (false, false);
    for c in b {
        if c.is_ascii_uppercase() {
            if inside {
                return false;
            }
            (seen, inside) = (true, true);
        } else if c.is_ascii_lowercase() {
            if !inside {
                return false;
            }
            (seen, inside) = (true, true);
        } else {
            inside = false;
        }
    }
    seen
}
