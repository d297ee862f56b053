//! Positions: byte offsets, and lines and columns made from them.

/// A half-open range of byte offsets into the (decoded, newline-normalised) source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The offset of the first byte.
    pub start: u32,
    /// The offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The range from `start` up to `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Span { start, end }
    }
}

/// A place in the source as Python counts: lines from 1, columns in UTF-8 bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// `lineno`, from 1.
    pub line: u32,
    /// `col_offset`, in bytes from 0.
    pub column: u32,
}

/// The four position attributes of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// `lineno` and `col_offset`.
    pub start: Location,
    /// `end_lineno` and `end_col_offset`.
    pub end: Location,
}

/// Maps offsets to lines and columns.
///
/// A tree that was parsed has the line starts of its source. A tree that a program builds node by node has no
/// source: it uses [`LineIndex::synthetic`], where each "offset" is the number of a location recorded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    table: Table,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Table {
    /// Sorted offsets of the starts of lines; the first is 0.
    Starts(Vec<u32>),
    /// Offset `n` means the n-th location.
    Synthetic(Vec<Location>),
}

impl LineIndex {
    /// The index of a text whose lines end in `\n`.
    pub fn new(source: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at as u32 + 1));
        LineIndex { table: Table::Starts(starts) }
    }

    /// An index without a source, to be filled by [`LineIndex::record`].
    pub fn synthetic() -> Self {
        LineIndex { table: Table::Synthetic(Vec::new()) }
    }

    /// The offset that stands for `location` in a synthetic index. In the index of a text it is the offset of
    /// the location itself, or that of the end of the last line.
    pub fn record(&mut self, location: Location) -> u32 {
        match &mut self.table {
            Table::Synthetic(locations) => {
                if locations.last() != Some(&location) {
                    locations.push(location);
                }
                locations.len() as u32 - 1
            }
            Table::Starts(starts) => {
                let line = (location.line.max(1) as usize - 1).min(starts.len() - 1);
                starts.get(line).map_or(0, |start| start.saturating_add(location.column))
            }
        }
    }

    /// The line and column of an offset.
    pub fn location(&self, offset: u32) -> Location {
        match &self.table {
            Table::Starts(starts) => {
                let line = starts.partition_point(|start| *start <= offset);
                let start = line.checked_sub(1).and_then(|at| starts.get(at)).copied().unwrap_or(0);
                Location { line: line as u32, column: offset - start }
            }
            Table::Synthetic(locations) => locations.get(offset as usize).copied().unwrap_or_default(),
        }
    }

    /// The positions of both ends of a span.
    pub fn position(&self, span: Span) -> Position {
        Position { start: self.location(span.start), end: self.location(span.end) }
    }

    /// The offset of the first byte of a line (counted from 1), if the text has that line.
    pub fn line_start(&self, line: u32) -> Option<u32> {
        match &self.table {
            Table::Starts(starts) => starts.get((line as usize).checked_sub(1)?).copied(),
            Table::Synthetic(_) => None,
        }
    }

    /// The number of lines of the text; an empty rest after the last `\n` counts as one.
    pub fn line_count(&self) -> u32 {
        match &self.table {
            Table::Starts(starts) => starts.len() as u32,
            Table::Synthetic(_) => 0,
        }
    }

    /// A reader that is fast for offsets close to each other.
    pub fn cursor(&self) -> LineCursor<'_> {
        LineCursor { index: self, line: 0 }
    }
}

/// Reads locations from a [`LineIndex`], remembering the last line: walks in source order do no search.
#[derive(Clone, Debug)]
pub struct LineCursor<'i> {
    index: &'i LineIndex,
    line: usize,
}

impl LineCursor<'_> {
    /// The line and column of an offset.
    pub fn location(&mut self, offset: u32) -> Location {
        let Table::Starts(starts) = &self.index.table else { return self.index.location(offset) };
        for line in [self.line, self.line + 1] {
            if let Some(&start) = starts.get(line)
                && start <= offset
                && starts.get(line + 1).is_none_or(|next| offset < *next)
            {
                self.line = line;
                return Location { line: line as u32 + 1, column: offset - start };
            }
        }
        let location = self.index.location(offset);
        self.line = (location.line as usize).saturating_sub(1);
        location
    }

    /// The positions of both ends of a span.
    pub fn position(&mut self, span: Span) -> Position {
        Position { start: self.location(span.start), end: self.location(span.end) }
    }
}
