//! The hash table of `dict`: entries in insertion order, found through a separate open-addressing index.
//!
//! The table knows nothing of Python code: whoever probes with keys whose comparison may run code keeps a
//! [`Probe`] between steps and checks [`Table::generation`] before it goes on.

use super::strkey as str;
use crate::heap::Visitor;
use crate::value::Value;

/// Up to this many entries the table is scanned instead of indexed.
const SCAN_LIMIT: usize = 8;
/// The largest number of entries: indices are 32 bits wide and two of them are marks.
const MAX_ENTRIES: usize = u32::MAX as usize - 8;

/// One key with its hash and value. A deleted entry has no key.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub hash: i64,
    pub key: Option<Value>,
    /// The value; in a namespace the address of an `AttrCell`.
    pub value: Value,
}

enum Indices {
    /// Few entries: scan them.
    None,
    Narrow(Box<[u8]>),
    Medium(Box<[u16]>),
    Wide(Box<[u32]>),
}

const EMPTY: u32 = u32::MAX;
const DUMMY: u32 = u32::MAX - 1;

/// Memory for the table could not be had.
#[derive(Debug)]
pub(crate) struct NoMemory;

impl Indices {
    fn with_size(size: usize) -> Result<Indices, NoMemory> {
        fn filled<T: Copy>(size: usize, v: T) -> Result<Box<[T]>, NoMemory> {
            let mut b = Vec::new();
            b.try_reserve_exact(size).map_err(|_| NoMemory)?;
            b.resize(size, v);
            Ok(b.into_boxed_slice())
        }
        Ok(if size <= 256 {
            Indices::Narrow(filled(size, u8::MAX)?)
        } else if size <= 1 << 16 {
            Indices::Medium(filled(size, u16::MAX)?)
        } else {
            Indices::Wide(filled(size, EMPTY)?)
        })
    }

    fn duplicate(&self) -> Result<Indices, NoMemory> {
        fn copied<T: Copy>(from: &[T]) -> Result<Box<[T]>, NoMemory> {
            let mut b = Vec::new();
            b.try_reserve_exact(from.len()).map_err(|_| NoMemory)?;
            b.extend_from_slice(from);
            Ok(b.into_boxed_slice())
        }
        Ok(match self {
            Indices::None => Indices::None,
            Indices::Narrow(b) => Indices::Narrow(copied(b)?),
            Indices::Medium(b) => Indices::Medium(copied(b)?),
            Indices::Wide(b) => Indices::Wide(copied(b)?),
        })
    }

    #[inline(always)]
    fn size(&self) -> usize {
        match self {
            Indices::None => 0,
            Indices::Narrow(b) => b.len(),
            Indices::Medium(b) => b.len(),
            Indices::Wide(b) => b.len(),
        }
    }

    #[inline(always)]
    fn get(&self, i: usize) -> u32 {
        // Marks are the two largest numbers of each width; widening keeps them apart from indices.
        // A panic, which a place beyond the end would be, would cost the interpreter's fast paths registers.
        match self {
            Indices::None => EMPTY,
            Indices::Narrow(b) => match b.get(i) {
                None => EMPTY,
                Some(&n) if n >= u8::MAX - 1 => n as u32 | 0xFFFF_FF00,
                Some(&n) => n as u32,
            },
            Indices::Medium(b) => match b.get(i) {
                None => EMPTY,
                Some(&n) if n >= u16::MAX - 1 => n as u32 | 0xFFFF_0000,
                Some(&n) => n as u32,
            },
            Indices::Wide(b) => b.get(i).copied().unwrap_or(EMPTY),
        }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, v: u32) {
        match self {
            Indices::None => {}
            Indices::Narrow(b) => b[i] = v as u8,
            Indices::Medium(b) => b[i] = v as u16,
            Indices::Wide(b) => b[i] = v,
        }
    }
}

/// A position in a probe sequence.
pub(crate) struct Probe {
    at: usize,
    perturb: u64,
}

/// The table.
pub(crate) struct Table {
    indices: Indices,
    entries: Vec<Entry>,
    /// Entries that have a key.
    live: usize,
    /// Entries before this one have no key, so that taking from the front does not look at them again.
    first: usize,
    /// Index slots that are not empty.
    fill: usize,
    /// Counts the events after which entry numbers or probe positions mean something else.
    generation: u32,
    /// Whether every key is an exact `str`, so that probing with one runs no Python code.
    all_str: bool,
}

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

impl Table {
    pub const fn new() -> Table {
        Table { indices: Indices::None, entries: Vec::new(), live: 0, first: 0, fill: 0, generation: 0, all_str: true }
    }

    /// Whether nothing was ever put into the table.
    #[inline(always)]
    pub fn is_untouched(&self) -> bool {
        self.entries.capacity() == 0
    }

    /// A table with room for `n` entries.
    pub fn with_capacity(n: usize) -> Result<Table, NoMemory> {
        let mut t = Table::new();
        t.reserve(n)?;
        Ok(t)
    }

    #[inline(always)]
    pub fn live(&self) -> usize {
        self.live
    }

    #[inline(always)]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    #[inline(always)]
    pub fn all_str(&self) -> bool {
        self.all_str
    }

    /// Entries below this number are deleted.
    #[inline(always)]
    pub fn first(&self) -> usize {
        self.first
    }

    /// Entry numbers are below this.
    #[inline(always)]
    pub fn end(&self) -> usize {
        self.entries.len()
    }

    /// An entry, deleted ones included.
    #[inline(always)]
    pub fn entry(&self, i: usize) -> Option<&Entry> {
        self.entries.get(i)
    }

    #[inline(always)]
    pub fn entry_mut(&mut self, i: usize) -> Option<&mut Entry> {
        self.entries.get_mut(i)
    }

    /// All entries, deleted ones included.
    #[inline(always)]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of the table outside the object.
    pub fn byte_size(&self) -> usize {
        let index = match &self.indices {
            Indices::None => 0,
            Indices::Narrow(b) => b.len(),
            Indices::Medium(b) => 2 * b.len(),
            Indices::Wide(b) => 4 * b.len(),
        };
        index + self.entries.capacity() * size_of::<Entry>()
    }

    /// The start of the probe sequence of a hash.
    #[inline(always)]
    pub fn probe(&self, hash: i64) -> Probe {
        let size = self.indices.size();
        Probe { at: if size == 0 { 0 } else { hash as usize & (size - 1) }, perturb: hash as u64 }
    }

    /// The next entry of the sequence whose hash equals `hash`; nothing when the sequence ends.
    #[inline(always)]
    pub fn next_match(&self, p: &mut Probe, hash: i64) -> Option<usize> {
        let size = self.indices.size();
        if size == 0 {
            while let Some(e) = self.entries.get(p.at) {
                p.at += 1;
                if e.hash == hash && e.key.is_some() {
                    return Some(p.at - 1);
                }
            }
            return None;
        }
        loop {
            let i = self.indices.get(p.at);
            if i == EMPTY {
                return None;
            }
            p.perturb >>= 5;
            p.at = (p.at.wrapping_mul(5).wrapping_add(p.perturb as usize).wrapping_add(1)) & (size - 1);
            if i != DUMMY && self.entries.get(i as usize).is_some_and(|e| e.hash == hash) {
                return Some(i as usize);
            }
        }
    }

    /// Finds a str key where all keys are exact str.
    #[inline]
    pub fn find_str(&self, key: Value, hash: i64) -> Option<usize> {
        debug_assert!(self.all_str);
        if self.indices.size() == 0 {
            // Interned keys nearly always hit by identity; texts are compared only where the hashes are equal.
            return self
                .entries
                .iter()
                .position(|e| e.key == Some(key) || (e.hash == hash && e.key.is_some_and(|k| str::exact_eq(k, key))));
        }
        let mut p = self.probe(hash);
        while let Some(i) = self.next_match(&mut p, hash) {
            let k = self.entries[i].key?;
            if k == key || str::exact_eq(k, key) {
                return Some(i);
            }
        }
        None
    }

    /// Finds a str key among the exact str keys of any table, passing over other keys.
    pub fn find_str_among(&self, key: Value, hash: i64) -> Option<usize> {
        let mut p = self.probe(hash);
        while let Some(i) = self.next_match(&mut p, hash) {
            let k = self.entries[i].key?;
            if k == key || (str::is_exact(k) && str::exact_eq(k, key)) {
                return Some(i);
            }
        }
        None
    }

    fn usable(&self) -> usize {
        match self.indices.size() {
            0 => SCAN_LIMIT,
            size => size / 3 * 2 + size % 3 * 2 / 3,
        }
    }

    /// Makes room for `extra` more entries.
    pub fn reserve(&mut self, extra: usize) -> Result<(), NoMemory> {
        let need = self.live.checked_add(extra).ok_or(NoMemory)?;
        if need > MAX_ENTRIES {
            return Err(NoMemory);
        }
        if need <= SCAN_LIMIT && self.indices.size() == 0 {
            return if self.entries.is_empty() {
                self.entries.try_reserve_exact(need).map_err(|_| NoMemory)
            } else {
                Ok(())
            };
        }
        if need <= self.usable() && self.entries.len() + extra <= self.usable() {
            return Ok(());
        }
        let size = (need + need / 2 + 1).next_power_of_two().max(16);
        self.rebuild(size)
    }

    /// Appends an entry whose key is known to be absent. The table takes over both references.
    pub fn insert_new(&mut self, hash: i64, key: Value, value: Value) -> Result<usize, NoMemory> {
        let usable = self.usable();
        if self.entries.len() >= usable || self.fill >= usable {
            self.grow()?;
        }
        if self.entries.len() == self.entries.capacity() {
            let cap = self.entries.capacity();
            let more = if cap < 4 { 4 } else { (self.usable() - self.entries.len()).min(cap).max(1) };
            self.entries.try_reserve_exact(more).map_err(|_| NoMemory)?;
        }
        let n = self.entries.len();
        self.link(hash, n);
        self.entries.push(Entry { hash, key: Some(key), value });
        self.live += 1;
        if self.all_str && !str::is_exact(key) {
            self.all_str = false;
        }
        Ok(n)
    }

    fn link(&mut self, hash: i64, entry: usize) {
        let size = self.indices.size();
        if size == 0 {
            return;
        }
        let mut at = hash as usize & (size - 1);
        let mut perturb = hash as u64;
        loop {
            let i = self.indices.get(at);
            if i == EMPTY || i == DUMMY {
                if i == EMPTY {
                    self.fill += 1;
                }
                self.indices.set(at, entry as u32);
                return;
            }
            perturb >>= 5;
            at = (at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & (size - 1);
        }
    }

    #[cold]
    fn grow(&mut self) -> Result<(), NoMemory> {
        if self.live >= MAX_ENTRIES {
            return Err(NoMemory);
        }
        if self.indices.size() == 0 && self.live < SCAN_LIMIT {
            // Only deleted entries are in the way.
            self.compact();
            return Ok(());
        }
        self.rebuild((self.live * 3).next_power_of_two().max(16))
    }

    fn compact(&mut self) {
        self.entries.retain(|e| e.key.is_some());
        self.first = 0;
        self.generation = self.generation.wrapping_add(1);
    }

    fn rebuild(&mut self, size: usize) -> Result<(), NoMemory> {
        let indices = Indices::with_size(size)?;
        self.compact();
        let room = (size / 3 * 2).saturating_sub(self.entries.len()).min(self.entries.len().max(8));
        self.entries.try_reserve_exact(room).map_err(|_| NoMemory)?;
        self.indices = indices;
        self.fill = 0;
        for i in 0..self.entries.len() {
            self.link(self.entries[i].hash, i);
        }
        Ok(())
    }

    /// Takes entry `i` out and hands back its key and value.
    pub fn remove(&mut self, i: usize) -> Option<(Value, Value)> {
        let e = *self.entries.get(i)?;
        let key = e.key?;
        let size = self.indices.size();
        if size != 0 {
            let mut at = e.hash as usize & (size - 1);
            let mut perturb = e.hash as u64;
            while self.indices.get(at) != i as u32 {
                perturb >>= 5;
                at = (at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & (size - 1);
            }
            self.indices.set(at, DUMMY);
        }
        self.live -= 1;
        self.entries[i].key = None;
        if i == self.first {
            while self.entries.get(self.first).is_some_and(|e| e.key.is_none()) {
                self.first += 1;
            }
        }
        if self.live == 0 {
            self.all_str = true;
        }
        Some((key, e.value))
    }

    /// Forgets deleted entries at the end. Iterators of the table would not notice what comes there next, so
    /// this is for removal from the end only.
    pub fn trim(&mut self) {
        while self.entries.last().is_some_and(|e| e.key.is_none()) {
            self.entries.pop();
        }
        self.first = self.first.min(self.entries.len());
    }

    /// Empties the table; the entries are handed back so that they end after the update.
    pub fn take_all(&mut self) -> Vec<Entry> {
        let old = std::mem::take(self);
        self.generation = old.generation.wrapping_add(1);
        old.entries
    }

    /// A copy that owns references of its own.
    pub fn duplicate(&self) -> Result<Table, NoMemory> {
        let mut t = Table::new();
        if self.live == self.entries.len() {
            // Without deleted entries the index holds for the copy as well.
            t.entries.try_reserve_exact(self.entries.len()).map_err(|_| NoMemory)?;
            t.indices = self.indices.duplicate()?;
            t.entries.extend_from_slice(&self.entries);
            (t.live, t.fill, t.all_str) = (self.live, self.fill, self.all_str);
        } else {
            t.reserve(self.live)?;
            for e in &self.entries {
                if let Some(k) = e.key {
                    t.insert_new(e.hash, k, e.value)?;
                }
            }
        }
        for e in &t.entries {
            // SAFETY: the entries of `self` keep key and value alive.
            unsafe {
                e.key.unwrap_or(Value::UNBOUND).incref();
                e.value.incref();
            }
        }
        Ok(t)
    }

    pub fn traverse_keys(&self, visit: &mut Visitor<'_>) {
        for e in &self.entries {
            if let Some(k) = e.key {
                visit(k);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(n: i64) -> Value {
        Value::from_small_int(n)
    }

    fn find(t: &Table, key: i64, hash: i64) -> Option<usize> {
        let mut p = t.probe(hash);
        while let Some(i) = t.next_match(&mut p, hash) {
            if t.entry(i).and_then(|e| e.key) == Some(int(key)) {
                return Some(i);
            }
        }
        None
    }

    #[test]
    fn entries_are_found_through_growth_deletion_and_collisions() {
        let mut t = Table::new();
        for n in 0..5000 {
            t.insert_new(n % 700, int(n), int(-n)).unwrap();
        }
        for n in (0..5000).step_by(3) {
            let i = find(&t, n, n % 700).unwrap();
            assert_eq!(t.remove(i), Some((int(n), int(-n))));
        }
        for n in 0..5000 {
            assert_eq!(find(&t, n, n % 700).is_some(), n % 3 != 0, "{n}");
        }
        let order: Vec<i64> = t.entries().iter().filter_map(|e| e.key?.as_int()).collect();
        assert!(order.is_sorted() && order.len() == t.live());
    }

    #[test]
    fn insertion_after_many_deletions_keeps_the_table_small() {
        let mut t = Table::new();
        for n in 0..100_000 {
            let i = t.insert_new(n, int(n), int(n)).unwrap();
            assert_eq!(find(&t, n, n), Some(i));
            t.remove(i);
        }
        assert!(t.live() == 0 && t.byte_size() < 2000, "{}", t.byte_size());
    }
}
