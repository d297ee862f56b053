//! What a codec of several bytes a character is.

use cinder_pyobj::types::str::{Str, StrBuilder};

use super::tables::{Set, Table, table};

/// What a codec remembers between characters: the designations and shifts of stateful encodings, as `getstate()` of
/// incremental coders shows them.
pub(super) type State = [u8; 8];

/// Why a character cannot be coded.
pub(super) enum Fault {
    /// So many bytes or characters are invalid.
    Illegal(usize),
    /// The input ends within a character.
    Short,
    /// The state is one that the codec cannot have.
    Internal,
}

/// What follows a character that is to be encoded.
#[derive(Clone, Copy)]
pub(super) enum Next {
    Char(u32),
    /// Nothing.
    End,
    /// What a later call will bring.
    Unknown,
}

/// A codec.
pub(super) trait Codec: Sync {
    /// The state of a new encoder.
    fn new_encoder(&self) -> State {
        [0; 8]
    }

    /// The state of a new decoder.
    fn new_decoder(&self) -> State {
        [0; 8]
    }

    /// Writes what leads back to the initial state of an encoder.
    fn reset_encoder(&self, _state: &mut State, _out: &mut Vec<u8>) {}

    /// Leads a decoder back to the initial state.
    fn reset_decoder(&self, _state: &mut State) {}

    /// Decodes the first character of an input that is not empty, and gives the number of its bytes.
    fn decode_one(&self, state: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault>;

    /// Encodes a character, and gives the number of characters taken, which is 2 where it combines with the next.
    fn encode_one(&self, state: &mut State, c: u32, next: Next, out: &mut Vec<u8>) -> Result<usize, Fault>;

    /// Decodes from `at` on, up to the end or the first fault.
    fn decode(&self, state: &mut State, input: &[u8], at: &mut usize, out: &mut StrBuilder) -> Result<(), Fault> {
        while *at < input.len() {
            *at += self.decode_one(state, &input[*at..], out)?;
        }
        Ok(())
    }

    /// Encodes from `at` on, up to the end or the first fault; `complete` says that nothing follows the text.
    fn encode(
        &self,
        state: &mut State,
        text: &Str,
        complete: bool,
        at: &mut usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        while let Some(c) = text.get(*at) {
            let next = match text.get(*at + 1) {
                Some(c) => Next::Char(c),
                None if complete => Next::End,
                None => Next::Unknown,
            };
            *at += self.encode_one(state, c, next, out)?;
        }
        Ok(())
    }
}

/// The code of a character or of it and the next, with the number of characters taken.
pub(super) fn code_of(t: &Table, c: u32, next: Next) -> Result<Option<(u16, usize)>, Fault> {
    if t.begins_pair(c) {
        match next {
            Next::Unknown => return Err(Fault::Short),
            Next::Char(n) => {
                if let Some(code) = t.encode_pair([c, n]) {
                    return Ok(Some((code, 2)));
                }
            }
            Next::End => {}
        }
    }
    Ok(t.encode(c).map(|code| (code, 1)))
}

/// Adds the character or the two characters of a code; whether it is defined.
pub(super) fn push_code(t: &Table, code: u16, out: &mut StrBuilder) -> bool {
    if let Some(c) = t.get(code) {
        out.push(c);
        return true;
    }
    match t.pair(code) {
        Some(pair) => {
            pair.into_iter().for_each(|c| out.push(c));
            true
        }
        None => false,
    }
}

/// The first two bytes as a code.
pub(super) fn double(input: &[u8]) -> Result<u16, Fault> {
    match input {
        [a, b, ..] => Ok(u16::from_be_bytes([*a, *b])),
        _ => Err(Fault::Short),
    }
}

/// ASCII, and double-byte codes whose lead byte is above it.
pub(super) struct Plain(pub Set);

impl Codec for Plain {
    fn decode_one(&self, _: &mut State, input: &[u8], out: &mut StrBuilder) -> Result<usize, Fault> {
        if input[0] < 0x80 {
            out.push(u32::from(input[0]));
            return Ok(1);
        }
        let code = double(input)?;
        if push_code(table(self.0), code, out) { Ok(2) } else { Err(Fault::Illegal(1)) }
    }

    fn encode_one(&self, _: &mut State, c: u32, next: Next, out: &mut Vec<u8>) -> Result<usize, Fault> {
        if c < 0x80 {
            out.push(c as u8);
            return Ok(1);
        }
        let (code, n) = code_of(table(self.0), c, next)?.ok_or(Fault::Illegal(1))?;
        out.extend(code.to_be_bytes());
        Ok(n)
    }
}
