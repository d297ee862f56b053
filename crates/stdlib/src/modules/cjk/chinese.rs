//! GB 18030, the encoding of all of Unicode that contains GBK, and HZ, which shifts GB 2312 into ASCII.

use std::sync::OnceLock;

use cinder_pyobj::types::str::StrBuilder;

use super::codec::{Codec, Fault, Next, State, double, push_code};
use super::tables::{Set, table};

pub(super) struct Gb18030;

/// The number of the four-byte code that stands for U+10000.
const SUPPLEMENTARY: u32 = 189_000;

/// The characters below U+10000 without a double-byte code: those of the four-byte codes, in order.
fn four_byte_characters() -> &'static [u16] {
    static CHARACTERS: OnceLock<Vec<u16>> = OnceLock::new();
    CHARACTERS.get_or_init(|| {
        let t = table(Set::Gb18030);
        let all = (0x80..=0xffff_u16).filter(|c| !(0xd800..0xe000).contains(c));
        all.filter(|c| t.encode(u32::from(*c)).is_none()).collect()
    })
}

impl Codec for Gb18030 {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        if input[0] < 0x80 {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        let code = double(input)?;
        if !(0x30..=0x39).contains(&input[1]) {
            return if push_code(table(Set::Gb18030), code, out) { Ok(2) } else { Err(Fault::Illegal(1)) };
        }
        let &[a, b, c, d, ..] = input else { return Err(Fault::Short) };
        if !(0x81..=0xfe).contains(&a) || !(0x81..=0xfe).contains(&c) || !(0x30..=0x39).contains(&d) {
            return Err(Fault::Illegal(1));
        }
        let digit = |b: u8, first: u8| u32::from(b - first);
        let n = ((digit(a, 0x81) * 10 + digit(b, 0x30)) * 126 + digit(c, 0x81)) * 10 + digit(d, 0x30);
        let c = match n.checked_sub(SUPPLEMENTARY) {
            Some(n) => 0x1_0000 + n,
            None => four_byte_characters().get(n as usize).map_or(u32::MAX, |c| u32::from(*c)),
        };
        if c > 0x10_ffff {
            return Err(Fault::Illegal(1));
        }
        out.push(c);
        Ok(4)
    }

    fn encode_one(&self, _: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            out.push(c as u8);
            return Ok(1);
        }
        if let Some(code) = table(Set::Gb18030).encode(c) {
            out.extend(code.to_be_bytes());
            return Ok(1);
        }
        let n = match u16::try_from(c) {
            Ok(c) => four_byte_characters().binary_search(&c).map_err(|_| Fault::Illegal(1))? as u32,
            Err(_) => c - 0x1_0000 + SUPPLEMENTARY,
        };
        let digits = [0x81 + n / 12_600, 0x30 + n / 1_260 % 10, 0x81 + n / 10 % 126, 0x30 + n % 10];
        out.extend(digits.map(|d| d as u8));
        Ok(1)
    }
}

/// The first byte of the state is 1 between `~{` and `~}`.
pub(super) struct Hz;

impl Codec for Hz {
    fn reset_encoder(&self, state: &mut State, out: &mut Vec<u8>) {
        if state[0] != 0 {
            out.extend(b"~}");
            state[0] = 0;
        }
    }

    fn reset_decoder(&self, state: &mut State) {
        state[0] = 0;
    }

    fn decode_one(&self, state: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        let shifted = state[0] != 0;
        if input[0] == b'~' {
            match (input.get(1).ok_or(Fault::Short)?, shifted) {
                (b'~', false) => out.push(u32::from(b'~')),
                (b'{', false) => state[0] = 1,
                (b'\n', false) => {}
                (b'}', true) => state[0] = 0,
                _ => return Err(Fault::Illegal(1)),
            }
            return Ok(2);
        }
        if input[0] >= 0x80 {
            return Err(Fault::Illegal(1));
        }
        if !shifted {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        let code = double(input)?;
        match table(Set::Gb2312).get(code | 0x8080) {
            Some(c) if code & 0x80 == 0 => out.push(c),
            _ => return Err(Fault::Illegal(1)),
        }
        Ok(2)
    }

    fn encode_one(&self, state: &mut State, c: u32, _: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            self.reset_encoder(state, out);
            out.push(c as u8);
            if c == u32::from(b'~') {
                out.push(b'~');
            }
            return Ok(1);
        }
        let code = table(Set::Gb2312).encode(c).ok_or(Fault::Illegal(1))?;
        if state[0] == 0 {
            out.extend(b"~{");
            state[0] = 1;
        }
        out.extend((code & 0x7f7f).to_be_bytes());
        Ok(1)
    }
}
