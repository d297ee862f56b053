//! Source positions of instructions, in the encoding that CPython documents for `co_linetable`.
//!
//! One instruction word counts as one code unit, so `2 * pc` is the offset that `co_positions()` and `co_lines()` users
//! expect.

/// Where an instruction comes from: lines count from 1, columns are byte offsets from 0; 0 as a line and `u32::MAX` as
/// a column mean "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// First line.
    pub line: u32,
    /// Last line.
    pub end_line: u32,
    /// Column in the first line, in UTF-8 bytes.
    pub column: u32,
    /// Column in the last line where the source ends.
    pub end_column: u32,
}

impl Position {
    /// No position: for instructions that no source stands behind.
    pub const NONE: Position = Position { line: 0, end_line: 0, column: u32::MAX, end_column: u32::MAX };

    /// Only a line.
    pub const fn line(line: u32) -> Position {
        Position { line, end_line: line, column: u32::MAX, end_column: u32::MAX }
    }
}

/// The encoded table, `co_linetable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTable {
    bytes: Box<[u8]>,
}

impl LineTable {
    /// A table from its encoding. Any bytes are a table; what they do not cover has no position.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> LineTable {
        LineTable { bytes: bytes.into() }
    }

    /// The encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ranges of instructions with their positions: (start, end, position), ascending.
    pub fn iter(&self, first_line: u32) -> impl Iterator<Item = (u32, u32, Position)> + '_ {
        Reader { bytes: &self.bytes, at: 0, pc: 0, line: first_line as i64 }
    }

    /// The position of instruction `pc`: linear in the size of the table.
    pub fn position(&self, pc: u32, first_line: u32) -> Position {
        let found = self.iter(first_line).find(|&(start, end, _)| start <= pc && pc < end);
        found.map_or(Position::NONE, |(_, _, position)| position)
    }

    /// `co_lines()` in instructions: (start, end, line), neighbours of one line joined; line 0 is none.
    pub fn line_ranges(&self, first_line: u32) -> Vec<(u32, u32, u32)> {
        let mut ranges: Vec<(u32, u32, u32)> = Vec::new();
        for (start, end, position) in self.iter(first_line) {
            match ranges.last_mut() {
                Some(last) if last.2 == position.line && last.1 == start => last.1 = end,
                _ => ranges.push((start, end, position.line)),
            }
        }
        ranges
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    pc: u32,
    line: i64,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u32> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte as u32)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            value |= (byte & 63).checked_shl(shift).unwrap_or(0);
            shift += 6;
            if byte & 64 == 0 {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        let magnitude = (value >> 1) as i64;
        Some(if value & 1 != 0 { -magnitude } else { magnitude })
    }

    fn line_number(&self) -> u32 {
        u32::try_from(self.line).unwrap_or(0)
    }
}

impl Iterator for Reader<'_> {
    type Item = (u32, u32, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.byte()?;
        let start = self.pc;
        let end = start + (head & 7) + 1;
        let kind = head >> 3 & 15;
        let position = match kind {
            15 => Position::NONE,
            14 => {
                self.line += self.signed()?;
                let line = self.line_number();
                let end_line = line.saturating_add(self.varint()?);
                let column = self.varint()?.wrapping_sub(1);
                let end_column = self.varint()?.wrapping_sub(1);
                Position { line, end_line, column, end_column }
            }
            13 => {
                self.line += self.signed()?;
                Position::line(self.line_number())
            }
            10..=12 => {
                self.line += (kind - 10) as i64;
                let line = self.line_number();
                let column = self.byte()?;
                let end_column = self.byte()?;
                Position { line, end_line: line, column, end_column }
            }
            _ => {
                let line = self.line_number();
                let second = self.byte()?;
                let column = kind << 3 | second >> 4 & 7;
                Position { line, end_line: line, column, end_column: column + (second & 15) }
            }
        };
        self.pc = end;
        Some((start, end, position))
    }
}

/// Builds a [`LineTable`] instruction by instruction.
#[derive(Debug)]
pub struct LineTableBuilder {
    bytes: Vec<u8>,
    line: u32,
    pending: Position,
    count: u32,
}

impl LineTableBuilder {
    /// A builder for code that starts at `first_line`.
    pub fn new(first_line: u32) -> LineTableBuilder {
        LineTableBuilder { bytes: Vec::new(), line: first_line, pending: Position::NONE, count: 0 }
    }

    /// Adds the position of the next instruction.
    pub fn push(&mut self, position: Position) {
        if self.count > 0 && self.pending != position {
            self.flush();
        }
        self.pending = position;
        self.count += 1;
    }

    /// The finished table.
    pub fn finish(mut self) -> LineTable {
        self.flush();
        LineTable::from_bytes(self.bytes)
    }

    fn flush(&mut self) {
        while self.count > 0 {
            let length = self.count.min(8);
            self.entry(length);
            self.count -= length;
        }
    }

    fn entry(&mut self, length: u32) {
        let Position { line, end_line, column, end_column } = self.pending;
        let head = |kind: u32| (0x80 | kind << 3 | (length - 1)) as u8;
        if line == 0 {
            self.bytes.push(head(15));
            return;
        }
        let delta = line as i64 - self.line as i64;
        self.line = line;
        if column == u32::MAX || end_column == u32::MAX {
            self.bytes.push(head(13));
            self.signed(delta);
        } else if line == end_line && delta == 0 && column < 80 && end_column >= column && end_column - column < 16 {
            self.bytes.push(head(column >> 3));
            self.bytes.push(((column & 7) << 4 | (end_column - column)) as u8);
        } else if line == end_line && (0..3).contains(&delta) && column < 128 && end_column < 128 {
            self.bytes.push(head(10 + delta as u32));
            self.bytes.push(column as u8);
            self.bytes.push(end_column as u8);
        } else {
            self.bytes.push(head(14));
            self.signed(delta);
            self.varint(end_line.saturating_sub(line));
            self.varint(column + 1);
            self.varint(end_column + 1);
        }
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 64 {
            self.bytes.push(0x40 | (value & 63) as u8);
            value >>= 6;
        }
        self.bytes.push(value as u8);
    }

    fn signed(&mut self, value: i64) {
        let magnitude = (value.unsigned_abs() as u32) << 1;
        self.varint(if value < 0 { magnitude | 1 } else { magnitude });
    }
}
