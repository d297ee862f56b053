//! First fit over an ordered map of free ranges, neighbours merged.

use std::collections::BTreeMap;

/// Free ranges of a region.
pub(super) struct FreeList {
    free: BTreeMap<usize, usize>,
}

impl FreeList {
    pub(super) fn new(len: usize) -> FreeList {
        FreeList { free: BTreeMap::from([(0, len)]) }
    }

    /// Takes a range; sizes are multiples of one alignment, so every range stays aligned.
    pub(super) fn take(&mut self, len: usize) -> Option<usize> {
        let (&start, &room) = self.free.iter().find(|(_, room)| **room >= len)?;
        self.free.remove(&start);
        if room > len {
            self.free.insert(start + len, room - len);
        }
        Some(start)
    }

    pub(super) fn give(&mut self, start: usize, len: usize) {
        let mut start = start;
        let mut len = len;
        if let Some((&before, &room)) = self.free.range(..start).next_back()
            && before + room == start
        {
            self.free.remove(&before);
            start = before;
            len += room;
        }
        if let Some(room) = self.free.remove(&(start + len)) {
            len += room;
        }
        self.free.insert(start, len);
    }

    #[cfg(test)]
    pub(super) fn ranges(&self) -> Vec<(usize, usize)> {
        self.free.iter().map(|(a, b)| (*a, *b)).collect()
    }
}
