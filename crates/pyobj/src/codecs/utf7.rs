//! UTF-7 (RFC 2152).

use super::Decoded;
use super::errors::{Decoder, Errors};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::Str;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn value(c: u8) -> Option<u32> {
    Some(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Whether an encoder writes the character as itself.
fn is_direct(c: u32) -> bool {
    matches!(c, 9 | 10 | 13 | 0x20..0x7e) && c != '+' as u32 && c != '\\' as u32
}

/// Bits on their way into base64 digits.
#[derive(Default)]
struct Bits {
    buffer: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, out: &mut Vec<u8>, unit: u16) {
        self.buffer = self.buffer << 16 | unit as u32;
        self.count += 16;
        while self.count >= 6 {
            self.count -= 6;
            out.push(ALPHABET[(self.buffer >> self.count & 63) as usize]);
        }
        self.buffer &= (1 << self.count) - 1;
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            out.push(ALPHABET[(self.buffer << (6 - self.count) & 63) as usize]);
        }
        *self = Bits::default();
    }
}

/// Encodes. Every code point can be encoded.
pub fn encode(s: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    let mut bits = Bits::default();
    let mut shifted = false;
    for c in s.code_points() {
        if is_direct(c) || (!shifted && c == '+' as u32) {
            if shifted {
                bits.flush(&mut out);
                shifted = false;
                if value(c as u8).is_some() || c == '-' as u32 {
                    out.push(b'-');
                }
            }
            out.push(c as u8);
            if c == '+' as u32 {
                out.push(b'-');
            }
            continue;
        }
        if !shifted {
            out.push(b'+');
            shifted = true;
        }
        if c >= 0x1_0000 {
            let c = c - 0x1_0000;
            bits.push(&mut out, 0xd800 | (c >> 10) as u16);
            bits.push(&mut out, 0xdc00 | (c & 0x3ff) as u16);
        } else {
            bits.push(&mut out, c as u16);
        }
    }
    if shifted {
        bits.flush(&mut out);
        out.push(b'-');
    }
    out
}

/// A shifted sequence being decoded.
#[derive(Default)]
struct Shift {
    bits: u32,
    buffer: u32,
    surrogate: Option<u32>,
    /// Length of the output before the sequence.
    out_start: usize,
}

/// Decodes. Unless `last`, a shift sequence that is open at the end is left unconsumed.
///
/// # Errors
/// UnicodeDecodeError, unless handled.
pub fn decode(cx: &Ctx, b: &[u8], errors: &Errors, last: bool) -> PyResult<Decoded> {
    let mut d = Decoder::new(cx, errors, "utf7", b);
    let mut at = 0;
    let mut start = 0;
    let mut shift: Option<Shift> = None;
    loop {
        while let Some(&c) = d.input.get(at) {
            let digit = value(c);
            if let Some(s) = &mut shift {
                if let Some(v) = digit {
                    at += 1;
                    s.buffer = s.buffer << 6 | v;
                    s.bits += 6;
                    if s.bits >= 16 {
                        s.bits -= 16;
                        let unit = s.buffer >> s.bits;
                        s.buffer &= (1 << s.bits) - 1;
                        emit(&mut d, s, unit);
                    }
                    continue;
                }
                let problem = match (s.bits, s.buffer) {
                    (6.., _) => Some("partial character in shift sequence"),
                    (1.., 1..) => Some("non-zero padding bits in shift sequence"),
                    _ => None,
                };
                let surrogate = s.surrogate;
                shift = None;
                if let Some(reason) = problem {
                    at = d.error(start, at + 1, reason)?;
                    continue;
                }
                if let Some(u) = surrogate
                    && c < 128
                    && c != b'+'
                {
                    d.out.push(u);
                }
                at += usize::from(c == b'-');
                continue;
            }
            if c == b'+' {
                start = at;
                at += 1;
                match d.input.get(at) {
                    Some(b'-') => {
                        d.out.push('+' as u32);
                        at += 1;
                    }
                    Some(&n) if value(n).is_none() => at = d.error(start, at + 1, "ill-formed sequence")?,
                    _ => shift = Some(Shift { out_start: d.out.len(), ..Shift::default() }),
                }
            } else if c < 128 {
                d.out.push(c as u32);
                at += 1;
            } else {
                start = at;
                at = d.error(start, at + 1, "unexpected special character")?;
            }
        }
        let Some(s) = shift.take() else { return Ok(d.finish(at)) };
        if !last {
            d.out.truncate(s.out_start);
            return Ok(d.finish(start));
        }
        if s.surrogate.is_some() || s.bits >= 6 || (s.bits > 0 && s.buffer > 0) {
            let n = d.input.len();
            at = d.error(start, n, "unterminated shift sequence")?;
        }
        if at >= d.input.len() {
            return Ok(d.finish(at));
        }
    }
}

fn emit(d: &mut Decoder<'_>, s: &mut Shift, unit: u32) {
    if let Some(high) = s.surrogate.take() {
        if (0xdc00..0xe000).contains(&unit) {
            d.out.push(0x1_0000 + ((high & 0x3ff) << 10 | (unit & 0x3ff)));
            return;
        }
        d.out.push(high);
    }
    if (0xd800..0xdc00).contains(&unit) {
        s.surrogate = Some(unit);
    } else {
        d.out.push(unit);
    }
}
