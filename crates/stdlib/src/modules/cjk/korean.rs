//! EUC-KR, UHC (cp949) and Johab: KS X 1001 with three ways to write the syllables that it lacks.

use std::sync::OnceLock;

use cinder_pyobj::types::str::StrBuilder;

use super::codec::{Codec, Fault, Next, State, double};
use super::tables::{Codes, Set, table};

const SYLLABLES: u32 = 11_172;
const FIRST_SYLLABLE: u32 = 0xac00;
const FIRST_VOWEL: u32 = 0x314f;

/// The letters that begin syllables, in their order, as compatibility letters.
const INITIALS: [u32; 19] = [
    0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141, 0x3142, 0x3143, 0x3145, 0x3146, 0x3147, 0x3148, 0x3149,
    0x314a, 0x314b, 0x314c, 0x314d, 0x314e,
];

/// The letters that end syllables.
const FINALS: [u32; 27] = [
    0x3131, 0x3132, 0x3133, 0x3134, 0x3135, 0x3136, 0x3137, 0x3139, 0x313a, 0x313b, 0x313c, 0x313d, 0x313e, 0x313f,
    0x3140, 0x3141, 0x3142, 0x3144, 0x3145, 0x3146, 0x3147, 0x3148, 0x314a, 0x314b, 0x314c, 0x314d, 0x314e,
];

const VOWELS: u32 = 21;
/// Finals and none.
const ENDS: u32 = 28;

/// What EUC-KR begins a syllable with that it spells out, and what it writes for a missing final.
const FILLER: u16 = 0xa4d4;

/// A syllable of its initial, vowel and final (0 for none), all counted.
fn syllable(initial: u32, vowel: u32, last: u32) -> u32 {
    FIRST_SYLLABLE + (initial * VOWELS + vowel) * ENDS + last
}

fn index(letters: &[u32], c: u32) -> Option<u32> {
    letters.iter().position(|l| *l == c).map(|i| i as u32)
}

fn is_syllable(c: u32) -> bool {
    (FIRST_SYLLABLE..FIRST_SYLLABLE + SYLLABLES).contains(&c)
}

pub(super) struct EucKr;

/// The syllable that eight bytes spell out.
fn spelled(input: &[u8]) -> Option<u32> {
    let &[_, _, 0xa4, initial, 0xa4, vowel, 0xa4, last, ..] = input else { return None };
    // Letters have the codes A4A1 and so on, in the order of Unicode.
    let letter = |b: u8| (0xa1..=0xbe).contains(&b).then(|| 0x3131 + u32::from(b - 0xa1));
    let last = if last == FILLER as u8 { 0 } else { index(&FINALS, letter(last)?)? + 1 };
    let vowel = u32::from(vowel.checked_sub(0xbf)?);
    (vowel < VOWELS).then_some(())?;
    Some(syllable(index(&INITIALS, letter(initial)?)?, vowel, last))
}

impl Codec for EucKr {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        if input[0] < 0x80 {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        let code = double(input)?;
        let (c, n) = if code == FILLER {
            if input.len() < 8 {
                return Err(Fault::Short);
            }
            (spelled(input), 8)
        } else {
            (table(Set::KsX1001).get(code), 2)
        };
        out.push(c.ok_or(Fault::Illegal(1))?);
        Ok(n)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            out.push(c as u8);
        } else if let Some(code) = table(Set::KsX1001).encode(c) {
            out.extend(code.to_be_bytes());
        } else if is_syllable(c) {
            let n = c - FIRST_SYLLABLE;
            let (initial, vowel, last) = (n / ENDS / VOWELS, n / ENDS % VOWELS, n % ENDS);
            let letter = |l: u32| (l - 0x3131) as u8 + 0xa1;
            let last = if last == 0 { FILLER as u8 } else { letter(FINALS[last as usize - 1]) };
            let initial = letter(INITIALS[initial as usize]);
            out.extend(FILLER.to_be_bytes());
            out.extend([0xa4, initial, 0xa4, letter(FIRST_VOWEL + vowel), 0xa4, last]);
        } else {
            return Err(Fault::Illegal(1));
        }
        Ok(1)
    }
}

/// cp949: the syllables that KS X 1001 lacks fill the codes that it leaves free, in order.
pub(super) struct Uhc;

/// Characters by code and codes by character.
struct Extension {
    characters: Codes,
    codes: Codes,
}

impl Extension {
    fn new() -> Extension {
        Extension { characters: Codes::default(), codes: Codes::default() }
    }

    /// All characters here are below U+10000. Of several codes of a character, the last encodes it.
    fn add(&mut self, code: u16, c: u32) {
        self.characters.set(u32::from(code), c as u16);
        self.codes.set(c, code);
    }

    fn get(&self, code: u16) -> Option<u32> {
        self.characters.get(u32::from(code)).map(u32::from)
    }
}

fn uhc() -> &'static Extension {
    static UHC: OnceLock<Extension> = OnceLock::new();
    UHC.get_or_init(|| {
        let known = table(Set::KsX1001);
        let mut missing = (FIRST_SYLLABLE..FIRST_SYLLABLE + SYLLABLES).filter(|c| known.encode(*c).is_none());
        let trails = || (0x41..=0x5a).chain(0x61..=0x7a).chain(0x81..=0xfe);
        let mut extension = Extension::new();
        for lead in 0x81..=0xc6_u16 {
            // From A1 on, KS X 1001 has the trail bytes from A1 on.
            for trail in trails().filter(|t| lead < 0xa1 || *t < 0xa1) {
                if let Some(c) = missing.next() {
                    extension.add(lead << 8 | trail, c);
                }
            }
        }
        extension
    })
}

impl Codec for Uhc {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        if input[0] < 0x80 {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        let code = double(input)?;
        let c = table(Set::KsX1001).get(code).or_else(|| uhc().get(code));
        out.push(c.ok_or(Fault::Illegal(1))?);
        Ok(2)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            out.push(c as u8);
            return Ok(1);
        }
        let code = table(Set::KsX1001).encode(c).or_else(|| uhc().codes.get(c)).ok_or(Fault::Illegal(1))?;
        out.extend(code.to_be_bytes());
        Ok(1)
    }
}

/// Johab: three groups of five bits spell each syllable; what else KS X 1001 has follows in an arrangement of its own.
pub(super) struct Johab;

/// The five bits of each vowel.
const JOHAB_VOWELS: [u16; 21] = [3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 26, 27, 28, 29];

/// The syllable, letter or space that a code spells.
fn johab_hangul(code: u16) -> Option<u32> {
    let initial = match code >> 10 & 31 {
        1 => None,
        n @ 2..=20 => Some(u32::from(n) - 2),
        _ => return None,
    };
    let vowel = match code >> 5 & 31 {
        2 => None,
        n => Some(JOHAB_VOWELS.iter().position(|v| *v == n)? as u32),
    };
    let last = match u32::from(code & 31) {
        n @ 1..=17 => n - 1,
        n @ 19..=29 => n - 2,
        _ => return None,
    };
    match (initial, vowel, last) {
        (Some(i), Some(v), _) => Some(syllable(i, v, last)),
        (Some(i), None, 0) => INITIALS.get(i as usize).copied(),
        (None, Some(v), 0) => Some(FIRST_VOWEL + v),
        (None, None, 0) => Some(0x3000),
        (None, None, _) => FINALS.get(last as usize - 1).copied(),
        _ => None,
    }
}

/// The code in KS X 1001 of a code for a symbol or a Chinese character: two of its rows share a lead byte.
fn johab_to_ksx1001(code: u16) -> Option<u16> {
    let (lead, trail) = (code >> 8, code & 0xff);
    let cell = match trail {
        0x31..=0x7e => trail - 0x31,
        0x91..=0xfe => trail - 0x43,
        _ => return None,
    };
    let row = match lead {
        // The Korean letters are left to the codes that spell them.
        0xda if (0xa1..=0xd3).contains(&trail) => return None,
        0xd9..=0xde => 2 * (lead - 0xd9),
        0xe0..=0xf9 => 2 * (lead - 0xe0) + 41,
        _ => return None,
    };
    Some((0xa1 + row + cell / 94) << 8 | (0xa1 + cell % 94))
}

fn johab() -> &'static Extension {
    static JOHAB: OnceLock<Extension> = OnceLock::new();
    JOHAB.get_or_init(|| {
        let mut all = Extension::new();
        for code in 0x8400..0xfa00 {
            let c = match code {
                ..0xd800 => johab_hangul(code),
                _ => johab_to_ksx1001(code).and_then(|k| table(Set::KsX1001).get(k)),
            };
            if let Some(c) = c {
                all.add(code, c);
            }
        }
        all
    })
}

impl Codec for Johab {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        if input[0] < 0x80 {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        out.push(johab().get(double(input)?).ok_or(Fault::Illegal(1))?);
        Ok(2)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            out.push(c as u8);
        } else {
            out.extend(johab().codes.get(c).ok_or(Fault::Illegal(1))?.to_be_bytes());
        }
        Ok(1)
    }
}
