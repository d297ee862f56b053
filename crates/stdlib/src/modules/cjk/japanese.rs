//! Shift JIS and EUC over the Japanese sets, with what vendors and JIS X 0213 added.

use cinder_pyobj::types::str::StrBuilder;

use super::codec::{Codec, Fault, Next, State, code_of, double, push_code};
use super::tables::{Set, table};

/// The half-width katakana stand at A1 to DF in one byte.
const KATAKANA: u32 = 0xff61 - 0xa1;

/// The single byte of a half-width katakana.
pub(super) fn katakana_byte(c: u32) -> Option<u8> {
    (0xff61..=0xff9f).contains(&c).then(|| (c - KATAKANA) as u8)
}

/// The katakana of a byte.
pub(super) fn katakana(b: u8) -> Option<u32> {
    (0xa1..=0xdf).contains(&b).then(|| u32::from(b) + KATAKANA)
}

/// The version of JIS X 0213.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Version {
    Of2000,
    Of2004,
}

/// The codes of plane 1 that the version of 2004 added.
const ADDED: [u16; 10] = [0x2e21, 0x2f7e, 0x4f54, 0x4f7e, 0x7427, 0x7e7a, 0x7e7b, 0x7e7c, 0x7e7d, 0x7e7e];

/// The code of plane 2 whose character the version of 2004 replaced, with the characters before and after.
const REPLACED: (u16, u32, u32) = (0x7d3b, 0x9b1d, 0x9b1c);

/// Where a character of JIS X 0213 stands.
pub(super) enum Place {
    Plane1(u16),
    Plane2(u16),
}

impl Version {
    /// The code in plane 1 of a character or of it and the next, with the number of characters taken.
    pub fn plane1(self, c: u32, next: Next) -> Result<Option<(u16, usize)>, Fault> {
        let found = code_of(table(Set::JisX0213Plane1), c, next)?;
        Ok(found.filter(|(code, _)| self == Version::Of2004 || !ADDED.contains(code)))
    }

    /// The code of a character in plane 2.
    pub fn plane2(self, c: u32) -> Option<u16> {
        if self == Version::Of2000 {
            let (code, old, new) = REPLACED;
            if c == old || c == new {
                return (c == old).then_some(code);
            }
        }
        table(Set::JisX0213Plane2).encode(c)
    }

    /// The place of a character or of it and the next, with the number of characters taken.
    fn place(self, c: u32, next: Next) -> Result<Option<(Place, usize)>, Fault> {
        if let Some((code, n)) = self.plane1(c, next)? {
            return Ok(Some((Place::Plane1(code), n)));
        }
        // No other character set stands in for what the version of 2004 added.
        if self == Version::Of2000 && (c == REPLACED.2 || Version::Of2004.plane1(c, next)?.is_some()) {
            return Err(Fault::Illegal(1));
        }
        Ok(self.plane2(c).map(|code| (Place::Plane2(code), 1)))
    }

    /// Adds what a code of plane 1 stands for; whether it is defined.
    pub fn push_plane1(self, code: u16, out: &mut StrBuilder) -> bool {
        (self == Version::Of2004 || !ADDED.contains(&code)) && push_code(table(Set::JisX0213Plane1), code, out)
    }

    /// The fault that an undefined code of two bytes is: codes that the other version defines are invalid as a whole.
    fn undefined(self, code: u16) -> Fault {
        Fault::Illegal(if self == Version::Of2000 && ADDED.contains(&code) { 2 } else { 1 })
    }

    /// The character of a code of plane 2.
    pub fn get_plane2(self, code: u16) -> Option<u32> {
        match REPLACED {
            (replaced, old, _) if self == Version::Of2000 && code == replaced => Some(old),
            _ => table(Set::JisX0213Plane2).get(code),
        }
    }
}

// ---- Shift JIS ----------------------------------------------------------------------------------------------------

/// The JIS code of two bytes of Shift JIS, in rows up to 120: each lead byte has two rows.
fn unshifted(code: u16) -> Option<u16> {
    let lead = match code >> 8 {
        lead @ 0x81..=0x9f => lead - 0x81,
        lead @ 0xe0..=0xfc => lead - 0xc1,
        _ => return None,
    };
    let cell = match code & 0xff {
        trail @ 0x40..=0x7e => trail - 0x40,
        trail @ 0x80..=0xfc => trail - 0x41,
        _ => return None,
    };
    Some((0x21 + 2 * lead + cell / 94) << 8 | (0x21 + cell % 94))
}

/// Two bytes of Shift JIS of a JIS code.
fn shifted(code: u16) -> [u8; 2] {
    let (row, cell) = ((code >> 8) - 0x21, (code & 0xff) - 0x21 + 94 * ((code >> 8) - 0x21 & 1));
    let lead = row / 2 + if row / 2 < 0x1f { 0x81 } else { 0xc1 };
    let trail = cell + if cell < 0x3f { 0x40 } else { 0x41 };
    [lead as u8, trail as u8]
}

/// Which bytes begin two-byte codes.
fn is_lead(b: u8) -> bool {
    (0x81..=0x9f).contains(&b) || (0xe0..=0xfc).contains(&b)
}

pub(super) struct ShiftJis;

impl Codec for ShiftJis {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let b = input[0];
        if b < 0x80 {
            out.push(u32::from(b));
        } else if let Some(c) = katakana(b) {
            out.push(c);
        } else if is_lead(b) {
            let c = unshifted(double(input)?).and_then(|code| table(Set::JisX0208).get(code));
            out.push(c.ok_or(Fault::Illegal(1))?);
            return Ok(2);
        } else {
            return Err(Fault::Illegal(1));
        }
        Ok(1)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        match single(c) {
            Some(b) => out.push(b),
            None => out.extend(shifted(table(Set::JisX0208).encode(c).ok_or(Fault::Illegal(1))?)),
        }
        Ok(1)
    }
}

/// The byte of a character that has one: ASCII, the two characters that JIS X 0201 has in place of two of ASCII, and
/// half-width katakana.
fn single(c: u32) -> Option<u8> {
    match c {
        ..0x80 => Some(c as u8),
        0xa5 => Some(0x5c),
        0x203e => Some(0x7e),
        _ => katakana_byte(c),
    }
}

/// Shift JIS with the additions of NEC and IBM, and a range for users.
pub(super) struct Cp932;

/// The rows from 95 on, of 94 cells each, are those of users: U+E000 to U+E757.
const USER: std::ops::Range<u32> = 0xe000..0xe758;

impl Codec for Cp932 {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let b = input[0];
        match b {
            ..=0x80 => out.push(u32::from(b)),
            0xa0 => out.push(0xf8f0),
            0xa1..=0xdf => out.push(u32::from(b) + KATAKANA),
            0xfd.. => out.push(0xf8f1 + u32::from(b - 0xfd)),
            _ => {
                let code = unshifted(double(input)?).ok_or(Fault::Illegal(1))?;
                let user = u32::from((code >> 8).wrapping_sub(0x7f)) * 94 + u32::from(code & 0xff) - 0x21;
                let c = table(Set::Cp932).get(code).or_else(|| Some(USER.start + user).filter(|c| USER.contains(c)));
                out.push(c.ok_or(Fault::Illegal(1))?);
                return Ok(2);
            }
        }
        Ok(1)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        match c {
            ..=0x80 => out.push(c as u8),
            0xf8f0 => out.push(0xa0),
            0xf8f1..=0xf8f3 => out.push((c - 0xf8f1) as u8 + 0xfd),
            0xff61..=0xff9f => out.push((c - KATAKANA) as u8),
            _ if USER.contains(&c) => {
                let n = (c - USER.start) as u16;
                out.extend(shifted((0x7f + n / 94) << 8 | (0x21 + n % 94)));
            }
            _ => out.extend(shifted(table(Set::Cp932).encode(c).ok_or(Fault::Illegal(1))?)),
        }
        Ok(1)
    }
}

/// Shift_JIS-2004 and Shift_JISX0213. Single bytes are those of JIS X 0201; plane 2 has the rows from 95 on.
pub(super) struct ShiftJis0213(pub Version);

/// The rows of plane 2 in the order in which Shift JIS has them.
const ROWS: [u16; 26] =
    [1, 8, 3, 4, 5, 12, 13, 14, 15, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94];

/// ASCII's backslash and tilde have double-byte codes here, which elsewhere are those of their full-width forms.
const FULL_WIDTH: [(u16, u32); 2] = [(0x2140, 0x5c), (0x2232, 0x7e)];

impl Codec for ShiftJis0213 {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let b = input[0];
        match b {
            0x5c => out.push(0xa5),
            0x7e => out.push(0x203e),
            ..0x80 => out.push(u32::from(b)),
            0xa1..=0xdf => out.push(u32::from(b) + KATAKANA),
            _ if is_lead(b) => {
                let code = unshifted(double(input)?).ok_or(Fault::Illegal(1))?;
                let defined = if let Some((_, c)) = FULL_WIDTH.iter().find(|(f, _)| *f == code) {
                    out.push(*c);
                    true
                } else if code < 0x7f00 {
                    self.0.push_plane1(code, out)
                } else {
                    let row = ROWS.get(usize::from(code >> 8) - 0x7f).copied().unwrap_or(0);
                    let c = self.0.get_plane2((0x20 + row) << 8 | code & 0xff);
                    c.into_iter().for_each(|c| out.push(c));
                    c.is_some()
                };
                return if defined { Ok(2) } else { Err(self.0.undefined(code)) };
            }
            _ => return Err(Fault::Illegal(1)),
        }
        Ok(1)
    }

    fn encode_one(&self, _: &mut State, c: u32, next: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if let Some((code, _)) = FULL_WIDTH.iter().find(|(_, f)| *f == c) {
            out.extend(shifted(*code));
            return Ok(1);
        }
        if let Some(b) = single(c) {
            out.push(b);
            return Ok(1);
        }
        match self.0.place(c, next)?.ok_or(Fault::Illegal(1))? {
            (Place::Plane1(code), n) if FULL_WIDTH.iter().all(|(f, _)| *f != code) => {
                out.extend(shifted(code));
                Ok(n)
            }
            (Place::Plane1(_), _) => Err(Fault::Illegal(1)),
            (Place::Plane2(code), n) => {
                let row = ROWS.iter().position(|r| *r == (code >> 8) - 0x20).ok_or(Fault::Illegal(1))?;
                out.extend(shifted((0x7f + row as u16) << 8 | code & 0xff));
                Ok(n)
            }
        }
    }
}

// ---- EUC ----------------------------------------------------------------------------------------------------------

const SINGLE_SHIFT_2: u8 = 0x8e;
const SINGLE_SHIFT_3: u8 = 0x8f;

/// What EUC of any version writes in one or two bytes, for characters that JIS X 0201 has.
fn push_euc_single(c: u32, out: &mut Vec<u8>) -> bool {
    if c < 0x80 {
        out.push(c as u8);
    } else if let Some(b) = katakana_byte(c) {
        out.extend([SINGLE_SHIFT_2, b]);
    } else {
        return false;
    }
    true
}

/// What EUC of any version reads: ASCII, katakana, and the JIS codes of two bytes and of three.
fn decode_euc(
    input: &[u8],
    out: &mut StrBuilder,
    two: impl Fn(u16, &mut StrBuilder) -> bool,
    undefined: impl Fn(u16) -> Fault,
    three: impl Fn(u16) -> Option<u32>,
) -> Result<usize, Fault> {
    // The tables end at 7E7E, and so a byte without the high bit must not pass for one with it.
    let jis = |a: u8, b: u8| (a & b & 0x80 != 0).then(|| u16::from_be_bytes([a & 0x7f, b & 0x7f]));
    match *input {
        [b, ..] if b < 0x80 => {
            out.push(u32::from(b));
            Ok(1)
        }
        [SINGLE_SHIFT_2, b, ..] => {
            out.push(katakana(b).ok_or(Fault::Illegal(1))?);
            Ok(2)
        }
        [SINGLE_SHIFT_3, a, b, ..] => {
            out.push(jis(a, b).and_then(three).ok_or(Fault::Illegal(1))?);
            Ok(3)
        }
        [SINGLE_SHIFT_3, ..] => Err(Fault::Short),
        [a, b, ..] => match jis(a, b) {
            Some(code) if two(code, out) => Ok(2),
            Some(code) => Err(undefined(code)),
            None => Err(Fault::Illegal(1)),
        },
        _ => Err(Fault::Short),
    }
}

pub(super) struct EucJp;

impl Codec for EucJp {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        decode_euc(
            input,
            out,
            |code, out| push_code(table(Set::JisX0208), code, out),
            |_| Fault::Illegal(1),
            |code| table(Set::JisX0212).get(code),
        )
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if let Some(b) = single(c).filter(|b| *b < 0x80) {
            out.push(b);
        } else if push_euc_single(c, out) {
        } else if let Some(code) = table(Set::JisX0208).encode(c) {
            out.extend((code | 0x8080).to_be_bytes());
        } else {
            let code = table(Set::JisX0212).encode(c).ok_or(Fault::Illegal(1))?;
            out.push(SINGLE_SHIFT_3);
            out.extend((code | 0x8080).to_be_bytes());
        }
        Ok(1)
    }
}

/// EUC-JIS-2004 and EUC-JISX0213. Where plane 2 has nothing, JIS X 0212 may have.
pub(super) struct EucJis0213(pub Version);

impl Codec for EucJis0213 {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let version = self.0;
        decode_euc(
            input,
            out,
            |code, out| version.push_plane1(code, out),
            |code| version.undefined(code),
            |code| version.get_plane2(code).or_else(|| table(Set::JisX0212).get(code)),
        )
    }

    fn encode_one(&self, _: &mut State, c: u32, next: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if push_euc_single(c, out) {
            return Ok(1);
        }
        let (code, n) = match self.0.place(c, next)? {
            Some((Place::Plane1(code), n)) => (code, n),
            other => {
                out.push(SINGLE_SHIFT_3);
                match other {
                    Some((Place::Plane2(code), n)) => (code, n),
                    _ => match table(Set::JisX0212).encode(c) {
                        Some(code) => (code, 1),
                        None => {
                            out.pop();
                            return Err(Fault::Illegal(1));
                        }
                    },
                }
            }
        };
        out.extend((code | 0x8080).to_be_bytes());
        Ok(n)
    }
}
