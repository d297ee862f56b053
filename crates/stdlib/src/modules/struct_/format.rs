//! Parsing of struct formats.

use cinder_pyobj::protocol::pack::native_size;
use cinder_pyobj::{Ctx, PyResult};

use super::raise;

/// One kind of item in a format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) code: u8,
    pub(super) offset: usize,
    /// Bytes of one item (of all of it for `s` and `p`).
    pub(super) size: usize,
    pub(super) repeat: usize,
}

/// A parsed format.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) fields: Vec<Field>,
    pub(super) size: usize,
    /// How many values it packs.
    pub(super) values: usize,
    pub(super) little: bool,
}

/// Size and alignment of a code.
fn item(code: u8, native: bool) -> Option<(usize, usize)> {
    Some(match code {
        b'x' | b's' | b'p' => (1, 0),
        b'F' => (8, if native { 4 } else { 0 }),
        b'D' => (16, if native { 8 } else { 0 }),
        _ if native => native_size(code).map(|n| (n, n))?,
        b'n' | b'N' | b'P' => return None,
        b'i' | b'I' | b'l' | b'L' => (4, 0),
        _ => (native_size(code)?, 0),
    })
}

/// Parses a format.
pub(super) fn parse(cx: &Ctx, format: &[u8]) -> PyResult<Layout> {
    let too_long = || raise(cx, "total struct size too long");
    let (native, little, rest) = match format {
        [b'<', r @ ..] => (false, true, r),
        [b'>' | b'!', r @ ..] => (false, false, r),
        [b'=', r @ ..] => (false, cfg!(target_endian = "little"), r),
        [b'@', r @ ..] => (true, cfg!(target_endian = "little"), r),
        r => (true, cfg!(target_endian = "little"), r),
    };
    let mut out = Layout { fields: Vec::new(), size: 0, values: 0, little };
    let mut i = 0;
    while let Some(&c) = rest.get(i) {
        i += 1;
        if c.is_ascii_whitespace() || c == 11 {
            continue;
        }
        let mut code = c;
        let mut repeat: usize = 1;
        if c.is_ascii_digit() {
            repeat = (c - b'0') as usize;
            loop {
                match rest.get(i) {
                    Some(d) if d.is_ascii_digit() => {
                        let next = repeat.checked_mul(10).and_then(|n| n.checked_add((d - b'0') as usize));
                        repeat = next.filter(|n| *n <= isize::MAX as usize).ok_or_else(too_long)?;
                        i += 1;
                    }
                    Some(c) => {
                        code = *c;
                        i += 1;
                        break;
                    }
                    None => return Err(raise(cx, "repeat count given without format specifier")),
                }
            }
        }
        let Some((size, align)) = item(code, native) else { return Err(raise(cx, "bad char in struct format")) };
        let start = if align > 1 { out.size.checked_next_multiple_of(align).ok_or_else(too_long)? } else { out.size };
        let total = size.checked_mul(repeat).and_then(|n| n.checked_add(start));
        out.size = total.filter(|n| *n <= isize::MAX as usize).ok_or_else(too_long)?;
        match code {
            b'x' => {}
            b's' | b'p' => {
                out.values += 1;
                out.fields.push(Field { code, offset: start, size: repeat, repeat: 1 });
            }
            _ if repeat > 0 => {
                out.values += repeat;
                out.fields.push(Field { code, offset: start, size, repeat });
            }
            _ => {}
        }
    }
    Ok(out)
}
