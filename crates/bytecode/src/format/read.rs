//! Reading code objects: every length and index is checked, nothing is trusted.

use super::{fingerprint, tag};
use crate::code::{Code, Const, ExceptionEntry, ExceptionTable, LineTable, Local};
use crate::op::Insn;
use std::sync::{Arc, OnceLock};

/// How deep code objects and containers may be nested in each other.
const MOST_NESTED: u32 = 250;

/// Why bytes are not a code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They are of another version of the format or the instruction set.
    #[error("code of another version")]
    Version,
    /// They end too soon.
    #[error("code ends too soon")]
    Truncated,
    /// Something follows the code object.
    #[error("trailing data after code")]
    Trailing,
    /// A string is not UTF-8, or a constant not WTF-8.
    #[error("badly encoded text in code")]
    Text,
    /// A number is out of range, or a tag is unknown.
    #[error("bad number in code")]
    Number,
    /// Code objects or constants are nested too deeply.
    #[error("code nested too deeply")]
    TooDeep,
}

/// The code object that [`serialize`](super::serialize) wrote.
///
/// It has the form of a code object, but need not be sound: run [`verify`](crate::verify) on code that comes from
/// outside.
///
/// # Errors
/// If `bytes` is not exactly one code object of this version of the format.
pub fn deserialize(bytes: &[u8]) -> Result<Code, FormatError> {
    let mut reader = Reader { rest: bytes, strings: Vec::new(), depth: 0 };
    if reader.u32()? != fingerprint() {
        return Err(FormatError::Version);
    }
    let count = reader.count(1)?;
    reader.strings.reserve(count);
    for _ in 0..count {
        let text = reader.bytes()?;
        reader.strings.push(Text { bytes: text, name: None, data: None });
    }
    let code = reader.code()?;
    if reader.rest.is_empty() { Ok(code) } else { Err(FormatError::Trailing) }
}

/// An entry of the string table, with what has been made of it.
struct Text<'b> {
    bytes: &'b [u8],
    name: Option<Arc<str>>,
    data: Option<Arc<[u8]>>,
}

struct Reader<'b> {
    rest: &'b [u8],
    strings: Vec<Text<'b>>,
    depth: u32,
}

type R<T> = Result<T, FormatError>;

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> R<&'b [u8]> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> R<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> R<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> R<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> R<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn number(&mut self) -> R<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(FormatError::Number);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FormatError::Number)
    }

    fn small(&mut self) -> R<u32> {
        u32::try_from(self.number()?).map_err(|_| FormatError::Number)
    }

    /// A number of items of at least `size` bytes each: more than the rest can hold is an error, so that a hostile
    /// number reserves no memory.
    fn count(&mut self, size: usize) -> R<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| FormatError::Number)?;
        if count > self.rest.len() / size { Err(FormatError::Truncated) } else { Ok(count) }
    }

    fn bytes(&mut self) -> R<&'b [u8]> {
        let length = self.count(1)?;
        self.take(length)
    }

    fn text(&mut self) -> R<&mut Text<'b>> {
        let index = self.small()?;
        self.strings.get_mut(index as usize).ok_or(FormatError::Number)
    }

    fn name(&mut self) -> R<Arc<str>> {
        let text = self.text()?;
        if let Some(name) = &text.name {
            return Ok(name.clone());
        }
        let name: Arc<str> = std::str::from_utf8(text.bytes).map_err(|_| FormatError::Text)?.into();
        text.name = Some(name.clone());
        Ok(name)
    }

    fn data(&mut self) -> R<Arc<[u8]>> {
        let text = self.text()?;
        Ok(text.data.get_or_insert_with(|| text.bytes.into()).clone())
    }

    fn enter(&mut self) -> R<()> {
        self.depth += 1;
        if self.depth > MOST_NESTED { Err(FormatError::TooDeep) } else { Ok(()) }
    }

    fn code(&mut self) -> R<Code> {
        self.enter()?;
        let (name, qualname, filename) = (self.name()?, self.name()?, self.name()?);
        let mut numbers = [0; 7];
        for number in &mut numbers {
            *number = self.small()?;
        }
        let [first_line, flags, arg_count, posonly_arg_count, kwonly_arg_count, temps, raw_words] = numbers;
        let count = self.count(2)?;
        let mut locals = Vec::with_capacity(count);
        for _ in 0..count {
            locals.push(Local { name: self.name()?, kind: self.byte()? });
        }
        let count = self.count(1)?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            names.push(self.name()?);
        }
        let count = self.count(8)?;
        let (words, _) = self.take(count * 8)?.as_chunks::<8>();
        let insns = words.iter().map(|word| Insn(u64::from_le_bytes(*word))).collect();
        let count = self.count(4)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            let (start, end) = (self.small()?, self.small()?);
            entries.push(ExceptionEntry { start, end, handler: self.small()?, temp: self.small()? });
        }
        let lines = LineTable::from_bytes(self.bytes()?);
        let count = self.count(2)?;
        let mut line_events = Vec::with_capacity(count);
        let mut pc = 0u32;
        for _ in 0..count {
            pc = pc.checked_add(self.small()?).ok_or(FormatError::Number)?;
            line_events.push((pc, self.small()?));
        }
        let consts = self.constants()?;
        self.depth -= 1;
        Ok(Code {
            name,
            qualname,
            filename,
            first_line,
            flags,
            arg_count,
            posonly_arg_count,
            kwonly_arg_count,
            locals: locals.into(),
            temps,
            raw_words,
            names: names.into(),
            consts: consts.into(),
            insns,
            exceptions: ExceptionTable::new(entries),
            lines,
            line_events: line_events.into(),
            liveness: OnceLock::new(),
        })
    }

    fn constants(&mut self) -> R<Vec<Const>> {
        self.enter()?;
        let count = self.count(1)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.constant()?);
        }
        self.depth -= 1;
        Ok(items)
    }

    fn constant(&mut self) -> R<Const> {
        Ok(match self.byte()? {
            tag::NONE => Const::None,
            tag::TRUE => Const::True,
            tag::FALSE => Const::False,
            tag::ELLIPSIS => Const::Ellipsis,
            tag::INT => {
                let value = self.number()?;
                Const::Int((value >> 1) as i64 ^ -((value & 1) as i64))
            }
            tag::BIG_INT => {
                let negative = match self.byte()? {
                    0 => false,
                    1 => true,
                    _ => return Err(FormatError::Number),
                };
                let count = self.count(8)?;
                let (words, _) = self.take(count * 8)?.as_chunks::<8>();
                let limbs: Arc<[u64]> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
                if limbs.last().is_none_or(|&last| last == 0) {
                    return Err(FormatError::Number);
                }
                Const::BigInt(negative, limbs)
            }
            tag::FLOAT => Const::Float(f64::from_bits(self.u64()?)),
            tag::COMPLEX => Const::Complex(f64::from_bits(self.u64()?), f64::from_bits(self.u64()?)),
            tag::STR => {
                let data = self.data()?;
                if !is_wtf8(&data) {
                    return Err(FormatError::Text);
                }
                Const::Str(data)
            }
            tag::BYTES => Const::Bytes(self.data()?),
            tag::TUPLE => Const::Tuple(self.constants()?.into()),
            tag::FROZEN_SET => Const::FrozenSet(self.constants()?.into()),
            tag::SLICE => {
                self.enter()?;
                let items = [self.constant()?, self.constant()?, self.constant()?];
                self.depth -= 1;
                Const::Slice(Arc::new(items))
            }
            tag::CODE => Const::Code(Arc::new(self.code()?)),
            _ => return Err(FormatError::Number),
        })
    }
}

/// Whether `bytes` is UTF-8 that may also encode surrogates, each for itself: two that follow each other are two
/// code points of a str, never one character.
fn is_wtf8(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        let [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] = &bytes[error.valid_up_to()..] else { return false };
        bytes = rest;
    }
}
