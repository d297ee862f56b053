//! The exception table: where exceptions go, at no cost while none is raised.

/// One protected range of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    /// First protected instruction.
    pub start: u32,
    /// One past the last protected instruction.
    pub end: u32,
    /// The handler's first instruction.
    pub handler: u32,
    /// The temporary that receives the exception; live temporaries from it on are dropped, those below it stay.
    pub temp: u32,
}

/// All protected ranges of a code object; ranges are disjoint and ascending, so inner ones hide outer ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExceptionTable {
    entries: Box<[ExceptionEntry]>,
}

impl ExceptionTable {
    /// A table of entries, which must be disjoint and ascending (the verifier checks it).
    pub fn new(entries: Vec<ExceptionEntry>) -> ExceptionTable {
        ExceptionTable { entries: entries.into() }
    }

    /// The entry that protects instruction `pc`, if any.
    #[inline]
    pub fn find(&self, pc: u32) -> Option<&ExceptionEntry> {
        let index = self.entries.partition_point(|entry| entry.end <= pc);
        self.entries.get(index).filter(|entry| entry.start <= pc)
    }

    /// All entries in ascending order.
    pub fn entries(&self) -> &[ExceptionEntry] {
        &self.entries
    }

    /// Reads what [`ExceptionTable::encode`] wrote; nothing for other bytes.
    pub fn decode(bytes: &[u8]) -> Option<ExceptionTable> {
        let mut entries = Vec::new();
        let mut at = 0;
        let mut number = || {
            let mut value = 0u32;
            loop {
                let byte = *bytes.get(at)?;
                at += 1;
                value = value.checked_mul(64)? | u32::from(byte & 0x3f);
                if byte & 0x40 == 0 {
                    return Some(value);
                }
            }
        };
        while let Some(start) = number() {
            let (length, handler, depth) = (number()?, number()?, number()?);
            entries.push(ExceptionEntry { start, end: start.checked_add(length)?, handler, temp: depth >> 1 });
        }
        Some(ExceptionTable::new(entries))
    }

    /// `co_exceptiontable` in CPython's encoding: for each entry start, length, handler (all in instructions) and
    /// depth * 2 as big-endian groups of six bits, the first byte of an entry marked by bit 7.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            let first = bytes.len();
            for number in [entry.start, entry.end - entry.start, entry.handler, entry.temp << 1] {
                put_varint(&mut bytes, number);
            }
            bytes[first] |= 0x80;
        }
        bytes
    }
}

fn put_varint(bytes: &mut Vec<u8>, number: u32) {
    for shift in [30, 24, 18, 12, 6] {
        if number >> shift != 0 {
            bytes.push(0x40 | (number >> shift & 0x3f) as u8);
        }
    }
    bytes.push((number & 0x3f) as u8);
}
