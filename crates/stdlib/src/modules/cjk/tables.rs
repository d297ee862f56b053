//! The character sets: grids of double-byte codes, unpacked when they are first used.
//!
//! `tables.bin` is written by `cargo xtask cjk-tables`. It begins with the number of tables and, for each of them, the
//! first and last lead byte, the first and last trail byte, the parent (255 for none) and the length of its body. The
//! bodies follow, compressed with deflate. A body is a sequence of numbers of seven bits a byte, the lowest first: for
//! the cells of the grid, row by row, 0 and how many cells are those of the parent, 1 for an undefined cell, or two
//! more than the signed distance to the successor of the last character; then the codes that stand for two
//! characters, with these; then the exceptions, characters that are not encoded to the first code that decodes to
//! them, with the code, or 0 where they are not encoded at all.

use std::sync::OnceLock;

static DATA: &[u8] = include_bytes!("tables.bin");

const HEADER: usize = 9;

/// A character set.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Set {
    Gb2312,
    Gbk,
    /// The double-byte codes alone.
    Gb18030,
    Big5,
    Cp950,
    Big5Hkscs,
    KsX1001,
    JisX0208,
    JisX0212,
    /// Plane 1, which contains JIS X 0208.
    JisX0213Plane1,
    JisX0213Plane2,
    /// As JIS codes with rows up to 120, without the user-defined ones.
    Cp932,
}

const SETS: usize = 12;

/// An unpacked character set.
pub(super) struct Table {
    first_lead: u8,
    first_trail: u8,
    width: usize,
    /// 0 is undefined.
    cells: Vec<u32>,
    pairs: Vec<(u16, [u32; 2])>,
    codes: Codes,
}

/// Codes by character.
#[derive(Default)]
pub(super) struct Codes {
    pages: Vec<Option<Box<[u16; 256]>>>,
}

impl Codes {
    /// The code of a character.
    pub fn get(&self, c: u32) -> Option<u16> {
        let page = self.pages.get((c >> 8) as usize)?.as_ref()?;
        Some(page[(c & 0xff) as usize]).filter(|code| *code != 0)
    }

    pub fn set(&mut self, c: u32, code: u16) {
        let page = (c >> 8) as usize;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        self.pages[page].get_or_insert_with(|| Box::new([0; 256]))[(c & 0xff) as usize] = code;
    }
}

/// The numbers of a body; zeros behind its end.
struct Numbers {
    bytes: Vec<u8>,
    at: usize,
}

impl Numbers {
    fn next(&mut self) -> u32 {
        let (mut n, mut shift) = (0, 0);
        while let Some(b) = self.bytes.get(self.at) {
            self.at += 1;
            n |= u32::from(b & 0x7f).wrapping_shl(shift);
            shift += 7;
            if b & 0x80 == 0 {
                break;
            }
        }
        n
    }
}

/// The table of a set.
pub(super) fn table(set: Set) -> &'static Table {
    by_index(set as usize)
}

fn by_index(i: usize) -> &'static Table {
    static TABLES: [OnceLock<Table>; SETS] = [const { OnceLock::new() }; SETS];
    TABLES[i].get_or_init(|| unpack(i))
}

fn unpack(index: usize) -> Table {
    let header = |i: usize| &DATA[1 + HEADER * i..][..HEADER];
    let len = |i: usize| header(i)[5..].iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
    let start = 1 + HEADER * SETS + (0..index).map(len).sum::<usize>();
    let bytes = miniz_oxide::inflate::decompress_to_vec(&DATA[start..][..len(index)]).unwrap_or_default();
    let mut numbers = Numbers { bytes, at: 0 };
    let &[first_lead, last_lead, first_trail, last_trail, parent, ..] = header(index) else {
        unreachable!("a header has nine bytes")
    };
    let parent = (parent != 0xff).then(|| by_index(usize::from(parent)));
    let width = usize::from(last_trail - first_trail) + 1;
    let count = width * (usize::from(last_lead - first_lead) + 1);
    let mut t = Table {
        first_lead,
        first_trail,
        width,
        cells: Vec::with_capacity(count),
        pairs: Vec::new(),
        codes: Codes::default(),
    };
    let mut expected = 0u32;
    while t.cells.len() < count {
        match numbers.next() {
            0 => {
                let same = (numbers.next() as usize).clamp(1, count - t.cells.len());
                for _ in 0..same {
                    let code = t.code(t.cells.len());
                    t.cells.push(parent.and_then(|p| p.get(code)).unwrap_or(0));
                }
            }
            1 => t.cells.push(0),
            n => {
                let n = n - 2;
                let c = expected.wrapping_add(n >> 1 ^ (n & 1).wrapping_neg());
                t.cells.push(c);
                expected = c.wrapping_add(1);
            }
        }
    }
    for i in 0..t.cells.len() {
        if t.cells[i] != 0 && t.codes.get(t.cells[i]).is_none() {
            t.codes.set(t.cells[i], t.code(i));
        }
    }
    for _ in 0..numbers.next() {
        t.pairs.push((numbers.next() as u16, [numbers.next(), numbers.next()]));
    }
    for _ in 0..numbers.next() {
        let c = numbers.next();
        t.codes.set(c, numbers.next() as u16);
    }
    t
}

impl Table {
    fn code(&self, cell: usize) -> u16 {
        let (row, column) = (cell / self.width, cell % self.width);
        (usize::from(self.first_lead) + row << 8 | usize::from(self.first_trail) + column) as u16
    }

    /// The character of a code, unless it stands for two.
    pub fn get(&self, code: u16) -> Option<u32> {
        let [lead, trail] = code.to_be_bytes();
        let row = usize::from(lead.checked_sub(self.first_lead)?);
        let column = usize::from(trail.checked_sub(self.first_trail)?);
        if column >= self.width {
            return None;
        }
        self.cells.get(row * self.width + column).copied().filter(|c| *c != 0)
    }

    /// The two characters that a code stands for.
    pub fn pair(&self, code: u16) -> Option<[u32; 2]> {
        self.pairs.iter().find(|(c, _)| *c == code).map(|(_, pair)| *pair)
    }

    /// The code of a character.
    pub fn encode(&self, c: u32) -> Option<u16> {
        self.codes.get(c)
    }

    /// The code of two characters together.
    pub fn encode_pair(&self, pair: [u32; 2]) -> Option<u16> {
        self.pairs.iter().find(|(_, p)| *p == pair).map(|(code, _)| *code)
    }

    /// Whether a character is the first of a pair that has a code.
    pub fn begins_pair(&self, c: u32) -> bool {
        self.pairs.iter().any(|(_, [first, _])| *first == c)
    }
}
