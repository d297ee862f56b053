//! ISO 2022: escape sequences say which set the bytes below 80 stand for.
//!
//! The first three bytes of the state are the sets in G0, G1 and G2, as their final bytes with the high bit for
//! double-byte sets; the fifth holds the flags.

use cinder_pyobj::types::str::StrBuilder;

use super::codec::{Codec, Fault, Next, State, double};
use super::japanese::{Version, katakana, katakana_byte};
use super::tables::{Set, table};

const ESC: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

const FLAGS: usize = 4;
/// G1 is in use instead of G0.
const SHIFTED: u8 = 1;
/// An escape sequence that means nothing here passes through, up to its final byte.
const PASSING: u8 = 2;

/// How long escape sequences may be.
const MAX_ESCAPE: usize = 16;

const ASCII: u8 = b'B';
const LATIN1: u8 = b'A';
const GREEK: u8 = b'F';
const DOUBLE: u8 = 0x80;

/// What a set that can be designated is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Double(Set),
    /// KS X 1001 and GB 2312, whose tables have the high bits set.
    High(Set),
    Plane1(Version),
    Plane2(Version),
    /// ASCII but for a yen sign and an overline.
    Roman,
    Katakana,
    /// The upper half of ISO 8859-1 or ISO 8859-7, for G2 only; never used for encoding.
    Upper,
}

/// A set that a codec can designate: to G0 unless it is `shifted`, which is G1.
struct Designation {
    mark: u8,
    kind: Kind,
    shifted: bool,
}

const fn to_g0(mark: u8, kind: Kind) -> Designation {
    Designation { mark, kind, shifted: false }
}

const JISX0208: Designation = to_g0(b'B' | DOUBLE, Kind::Double(Set::JisX0208));
/// The set of 1978, which only decoders tell from that of 1983, for they treat both alike.
const JISX0208_OLD: Designation = to_g0(b'@' | DOUBLE, Kind::Double(Set::JisX0208));
const JISX0212: Designation = to_g0(b'D' | DOUBLE, Kind::Double(Set::JisX0212));
const ROMAN: Designation = to_g0(b'J', Kind::Roman);

/// A codec: the order of the sets is that in which encoders try them.
pub(super) struct Iso2022 {
    sets: &'static [Designation],
    /// SO and SI shift.
    shifts: bool,
    /// ESC N takes a character from G2.
    g2: bool,
}

const fn without_shifts(sets: &'static [Designation], g2: bool) -> Iso2022 {
    Iso2022 { sets, shifts: false, g2 }
}

pub(super) static KR: Iso2022 = Iso2022 {
    sets: &[Designation { mark: b'C' | DOUBLE, kind: Kind::High(Set::KsX1001), shifted: true }],
    shifts: true,
    g2: false,
};
pub(super) static JP: Iso2022 = without_shifts(&[JISX0208, ROMAN, JISX0208_OLD], false);
pub(super) static JP_1: Iso2022 = without_shifts(&[JISX0208, JISX0212, ROMAN, JISX0208_OLD], false);
pub(super) static JP_2: Iso2022 = without_shifts(
    &[
        JISX0208,
        JISX0212,
        to_g0(b'C' | DOUBLE, Kind::High(Set::KsX1001)),
        to_g0(b'A' | DOUBLE, Kind::High(Set::Gb2312)),
        ROMAN,
        JISX0208_OLD,
        to_g0(LATIN1, Kind::Upper),
        to_g0(GREEK, Kind::Upper),
    ],
    true,
);
pub(super) static JP_2004: Iso2022 = without_shifts(
    &[
        JISX0208,
        to_g0(b'Q' | DOUBLE, Kind::Plane1(Version::Of2004)),
        to_g0(b'P' | DOUBLE, Kind::Plane2(Version::Of2004)),
    ],
    false,
);
pub(super) static JP_3: Iso2022 = without_shifts(
    &[
        JISX0208,
        to_g0(b'O' | DOUBLE, Kind::Plane1(Version::Of2000)),
        to_g0(b'P' | DOUBLE, Kind::Plane2(Version::Of2000)),
    ],
    false,
);
pub(super) static JP_EXT: Iso2022 =
    without_shifts(&[JISX0208, JISX0212, ROMAN, to_g0(b'I', Kind::Katakana), JISX0208_OLD], false);

impl Kind {
    /// Adds what a code stands for, and tells whether it is defined.
    fn push(self, code: u16, out: &mut StrBuilder) -> bool {
        let c = match self {
            Kind::Double(set) => table(set).get(code),
            Kind::High(set) if code & 0x8080 == 0 => table(set).get(code | 0x8080),
            Kind::High(_) | Kind::Upper => None,
            Kind::Plane1(version) => return version.push_plane1(code, out),
            Kind::Plane2(version) => version.get_plane2(code),
            Kind::Roman => match code {
                0x5c => Some(0xa5),
                0x7e => Some(0x203e),
                _ => Some(u32::from(code)).filter(|c| *c < 0x80),
            },
            Kind::Katakana => katakana(code as u8 ^ 0x80),
        };
        c.into_iter().for_each(|c| out.push(c));
        c.is_some()
    }

    /// The code of a character that does not combine with the next.
    fn encode(self, c: u32) -> Option<u16> {
        match self {
            Kind::Double(set) => table(set).encode(c),
            Kind::High(set) => table(set).encode(c).map(|code| code & 0x7f7f),
            // The full-width tilde is that of JIS X 0208 only.
            Kind::Plane1(_) if c == 0xff5e => None,
            Kind::Plane1(version) => version.plane1(c, Next::End).ok().flatten().map(|(code, _)| code),
            Kind::Plane2(version) => version.plane2(c),
            Kind::Roman => match c {
                0xa5 => Some(0x5c),
                0x203e => Some(0x7e),
                _ => None,
            },
            Kind::Katakana => katakana_byte(c).map(|b| u16::from(b & 0x7f)),
            Kind::Upper => None,
        }
    }
}

impl Designation {
    fn is_double(&self) -> bool {
        self.mark & DOUBLE != 0
    }

    /// Makes this the set in use.
    fn designate(&self, state: &mut State, out: &mut Vec<u8>) {
        let g = usize::from(self.shifted);
        if state[g] != self.mark {
            let last = self.mark & !DOUBLE;
            out.push(ESC);
            match (self.is_double(), self.shifted) {
                // The oldest sets have shorter sequences.
                (true, false) if matches!(last, b'@' | b'B') => out.push(b'$'),
                (true, false) => out.extend(b"$("),
                (true, true) => out.extend(b"$)"),
                (false, false) => out.push(b'('),
                (false, true) => out.push(b')'),
            }
            out.push(last);
            state[g] = self.mark;
        }
        if self.shifted != (state[FLAGS] & SHIFTED != 0) {
            out.push(if self.shifted { SHIFT_OUT } else { SHIFT_IN });
            state[FLAGS] ^= SHIFTED;
        }
    }
}

/// ISO 8859-7, the upper half: Greek.
fn greek(b: u8) -> Option<u32> {
    Some(match b {
        0xa1 => 0x2018,
        0xa2 => 0x2019,
        0xaf => 0x2015,
        0xa0 | 0xa3 | 0xa6..=0xa9 | 0xab..=0xad | 0xb0..=0xb3 | 0xb7 | 0xbb | 0xbd => u32::from(b),
        0xb4..=0xb6 | 0xb8..=0xba | 0xbc | 0xbe..=0xd1 | 0xd3..=0xfe => u32::from(b) - 0xb4 + 0x384,
        _ => return None,
    })
}

impl Iso2022 {
    fn find(&self, mark: u8) -> Option<&Designation> {
        self.sets.iter().find(|d| d.mark == mark)
    }

    /// Follows an escape sequence, whose second byte says that it may designate a set.
    fn escape(&self, state: &mut State, input: &[u8]) -> Result<usize, Fault> {
        let mut len = 1;
        loop {
            if len >= MAX_ESCAPE {
                return Err(Fault::Illegal(1));
            }
            let b = *input.get(len).ok_or(Fault::Short)?;
            len += 1;
            if b.is_ascii_uppercase() || b == b'@' {
                break;
            }
            // ESC & @ announces that a revised set follows.
            if !self.shifts && b == b'&' && input.get(len) == Some(&b'@') {
                len += 1;
            }
        }
        let illegal = Err(Fault::Illegal(len));
        let (g, mark) = match input[1..len] {
            [b'$', last] => (0, last | DOUBLE),
            [b'(', last] => (0, last),
            [b')', last] => (1, last),
            [b'.', last] if self.g2 => (2, last),
            [b'$', b'(', last] => (0, last | DOUBLE),
            [b'$', b')', last] => (1, last | DOUBLE),
            [b'&', b'@', ESC, b'$', b'B'] if !self.shifts => (0, b'B' | DOUBLE),
            _ => return illegal,
        };
        if mark != ASCII && self.find(mark).is_none() {
            return illegal;
        }
        state[g] = mark;
        Ok(len)
    }
}

impl Codec for Iso2022 {
    fn new_encoder(&self) -> State {
        [ASCII, ASCII, 0, 0, 0, 0, 0, 0]
    }

    fn new_decoder(&self) -> State {
        [ASCII, ASCII, ASCII, 0, 0, 0, 0, 0]
    }

    fn reset_encoder(&self, state: &mut State, out: &mut Vec<u8>) {
        if state[FLAGS] & SHIFTED != 0 {
            out.push(SHIFT_IN);
            state[FLAGS] &= !SHIFTED;
        }
        if state[0] != ASCII {
            out.extend([ESC, b'(', ASCII]);
            state[0] = ASCII;
        }
    }

    fn reset_decoder(&self, state: &mut State) {
        state[0] = ASCII;
        state[FLAGS] &= !SHIFTED;
    }

    fn decode_one(&self, state: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let b = input[0];
        let mut pass = || {
            out.push(u32::from(b));
            Ok(1)
        };
        if state[FLAGS] & PASSING != 0 {
            if b.is_ascii_uppercase() || b == b'@' {
                state[FLAGS] &= !PASSING;
            }
            return pass();
        }
        match b {
            ESC => match *input.get(1).ok_or(Fault::Short)? {
                b'(' | b')' | b'$' | b'.' | b'&' => self.escape(state, input),
                b'N' if self.g2 => {
                    let b = *input.get(2).ok_or(Fault::Short)?;
                    let c = match state[2] {
                        LATIN1 => (b < 0x80).then(|| u32::from(b) | 0x80),
                        GREEK => (b < 0x80).then(|| greek(b | 0x80)).flatten(),
                        // Nothing was designated yet.
                        0 | ASCII => (b < 0x80).then_some(u32::from(b)),
                        _ => return Err(Fault::Internal),
                    };
                    out.push(c.ok_or(Fault::Illegal(3))?);
                    Ok(3)
                }
                _ => {
                    state[FLAGS] |= PASSING;
                    pass()
                }
            },
            SHIFT_IN | SHIFT_OUT if self.shifts => {
                state[FLAGS] = state[FLAGS] & !SHIFTED | if b == SHIFT_OUT { SHIFTED } else { 0 };
                Ok(1)
            }
            b'\n' => {
                state[FLAGS] &= !SHIFTED;
                pass()
            }
            ..0x20 => pass(),
            0x80.. => Err(Fault::Illegal(1)),
            _ => {
                let mark = state[usize::from(state[FLAGS] & SHIFTED)];
                if mark == ASCII {
                    return pass();
                }
                let set = self.find(mark).ok_or(Fault::Illegal(1))?;
                let (code, n) = if set.is_double() { (double(input)?, 2) } else { (u16::from(b), 1) };
                if set.kind.push(code, out) { Ok(n) } else { Err(Fault::Illegal(n)) }
            }
        }
    }

    fn encode_one(&self, state: &mut State, c: u32, next: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            self.reset_encoder(state, out);
            out.push(c as u8);
            return Ok(1);
        }
        // A pair is worth more than the set that comes first.
        let pair = self.sets.iter().find_map(|d| match d.kind {
            Kind::Plane1(version) => Some((d, version)),
            _ => None,
        });
        if let Some((d, version)) = pair
            && let Some((code, 2)) = version.plane1(c, next)?
        {
            d.designate(state, out);
            out.extend(code.to_be_bytes());
            return Ok(2);
        }
        let (d, code) = self.sets.iter().find_map(|d| Some((d, d.kind.encode(c)?))).ok_or(Fault::Illegal(1))?;
        d.designate(state, out);
        if d.is_double() {
            out.extend(code.to_be_bytes());
        } else {
            out.push(code as u8);
        }
        Ok(1)
    }
}
