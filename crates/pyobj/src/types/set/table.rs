//! The hash table of sets: open addressing with short linear runs. Sizes and probe order are CPython's, so
//! that sets of small ints iterate in the order that programs have come to expect.

use crate::types::dict::strkey;
use crate::types::dict::table::NoMemory;
use crate::value::Value;

/// Slots looked at in a row before the probe jumps.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const MIN_SLOTS: usize = 8;
/// The hash in a slot whose element was removed. No object hashes to it.
const DUMMY: i64 = -1;

/// A slot: an element with its hash, or no element (with hash `DUMMY` if one was removed).
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub key: Option<Value>,
    pub hash: i64,
}

const EMPTY: Slot = Slot { key: None, hash: 0 };

/// The table. Without elements it takes no memory.
pub(crate) struct Table {
    slots: Vec<Slot>,
    fill: usize,
    used: usize,
    finger: usize,
    generation: u32,
}

/// A position in a probe sequence.
pub(crate) struct Probe {
    base: usize,
    at: usize,
    end: usize,
    perturb: u64,
}

impl Table {
    pub const fn new() -> Table {
        Table { slots: Vec::new(), fill: 0, used: 0, finger: 0, generation: 0 }
    }

    #[inline(always)]
    pub fn used(&self) -> usize {
        self.used
    }

    #[inline(always)]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    #[inline(always)]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub fn byte_size(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    #[inline(always)]
    fn run(&self, base: usize) -> (usize, usize) {
        if base + LINEAR_PROBES <= self.mask() { (base, base + LINEAR_PROBES + 1) } else { (base, base + 1) }
    }

    #[inline(always)]
    pub fn probe(&self, hash: i64) -> Probe {
        if self.slots.is_empty() {
            return Probe { base: 0, at: 0, end: 0, perturb: 0 };
        }
        let base = hash as usize & self.mask();
        let (at, end) = self.run(base);
        Probe { base, at, end, perturb: hash as u64 }
    }

    #[inline(always)]
    fn jump(&self, p: &mut Probe) {
        p.perturb >>= PERTURB_SHIFT;
        p.base = p.base.wrapping_mul(5).wrapping_add(1).wrapping_add(p.perturb as usize) & self.mask();
        (p.at, p.end) = self.run(p.base);
    }

    /// The next slot of the sequence whose hash equals `hash`; nothing when the sequence ends.
    #[inline(always)]
    pub fn next_match(&self, p: &mut Probe, hash: i64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        loop {
            while p.at < p.end {
                let s = self.slots.get(p.at)?;
                p.at += 1;
                if s.key.is_some() {
                    if s.hash == hash {
                        return Some(p.at - 1);
                    }
                } else if s.hash != DUMMY {
                    return None;
                }
            }
            self.jump(p);
        }
    }

    /// Adds an element that is known to be absent. The table takes over the reference.
    pub fn insert_new(&mut self, hash: i64, key: Value) -> Result<(), NoMemory> {
        if self.slots.is_empty() {
            self.resize(0)?;
        }
        let mut p = self.probe(hash);
        let at = 'found: loop {
            while p.at < p.end {
                let s = self.slots[p.at];
                if s.key.is_none() && s.hash != DUMMY {
                    break 'found p.at;
                }
                p.at += 1;
            }
            self.jump(&mut p);
        };
        self.place(at, hash, key)
    }

    /// Puts a new element into an empty slot.
    #[inline]
    fn place(&mut self, at: usize, hash: i64, key: Value) -> Result<(), NoMemory> {
        self.slots[at] = Slot { key: Some(key), hash };
        self.fill += 1;
        self.used += 1;
        if self.fill * 5 >= self.mask() * 3 {
            let more = if self.used > 50000 { self.used * 2 } else { self.used * 4 };
            if self.resize(more).is_err() {
                // The element is taken out again, so that the table keeps an empty slot to end probes at.
                self.slots[at] = EMPTY;
                self.fill -= 1;
                self.used -= 1;
                return Err(NoMemory);
            }
        }
        Ok(())
    }

    /// Adds an element, an int in a word or an exact str, if that is sure to run no Python code: whether it is new.
    /// Nothing, with nothing changed, if it takes more. The table takes over the reference if it is new.
    #[inline]
    pub fn add_plain(&mut self, key: Value, hash: i64) -> Option<Result<bool, NoMemory>> {
        let is_str = strkey::is_exact(key);
        if !is_str && !key.is_int() {
            return None;
        }
        if self.slots.is_empty() && self.resize(0).is_err() {
            return Some(Err(NoMemory));
        }
        let mut p = self.probe(hash);
        loop {
            while p.at < p.end {
                let s = self.slots[p.at];
                match s.key {
                    // The first empty slot of the sequence is where a new element goes.
                    None if s.hash != DUMMY => return Some(self.place(p.at, hash, key).map(|()| true)),
                    Some(k) if s.hash == hash => {
                        if k == key {
                            return Some(Ok(false));
                        }
                        if is_str && strkey::is_exact(k) {
                            if strkey::exact_eq(k, key) {
                                return Some(Ok(false));
                            }
                        } else if !(k.is_int() && key.is_int()) {
                            return None;
                        }
                    }
                    _ => {}
                }
                p.at += 1;
            }
            self.jump(&mut p);
        }
    }

    fn insert_clean(&mut self, s: Slot) {
        let mut p = self.probe(s.hash);
        loop {
            while p.at < p.end {
                if self.slots[p.at].key.is_none() {
                    self.slots[p.at] = s;
                    return;
                }
                p.at += 1;
            }
            self.jump(&mut p);
        }
    }

    /// Makes the table as large as a set of more than `min_used` elements wants it.
    fn resize(&mut self, min_used: usize) -> Result<(), NoMemory> {
        let size = (min_used + 1).max(MIN_SLOTS).checked_next_power_of_two().ok_or(NoMemory)?;
        let mut slots = Vec::new();
        slots.try_reserve_exact(size).map_err(|_| NoMemory)?;
        slots.resize(size, EMPTY);
        let old = std::mem::replace(&mut self.slots, slots);
        self.fill = self.used;
        self.generation = self.generation.wrapping_add(1);
        for s in old {
            if s.key.is_some() {
                self.insert_clean(s);
            }
        }
        Ok(())
    }

    /// Makes room for merging a set of `n` elements.
    pub fn reserve_merge(&mut self, n: usize) -> Result<(), NoMemory> {
        if n == 0 {
            return Ok(());
        }
        let mask = self.slots.len().max(MIN_SLOTS) - 1;
        if (self.fill + n) * 5 >= mask * 3 {
            self.resize((self.used + n) * 2)?;
        }
        Ok(())
    }

    /// Takes the element of slot `i` out.
    pub fn remove(&mut self, i: usize) -> Option<Value> {
        let s = self.slots.get_mut(i)?;
        let key = s.key.take()?;
        s.hash = DUMMY;
        self.used -= 1;
        Some(key)
    }

    /// Takes an arbitrary element out; successive calls move through the table.
    pub fn pop(&mut self) -> Option<Value> {
        if self.used == 0 {
            return None;
        }
        let mask = self.mask();
        let mut i = self.finger & mask;
        while self.slots[i].key.is_none() {
            i = (i + 1) & mask;
        }
        self.finger = i + 1;
        self.remove(i)
    }

    /// Empties the table; the elements are handed back so that they end after the update.
    pub fn take_all(&mut self) -> Vec<Slot> {
        let generation = self.generation.wrapping_add(1);
        let old = std::mem::replace(self, Table::new());
        self.generation = generation;
        old.slots
    }

    /// A copy that owns references of its own, laid out as merging into an empty set lays it out.
    pub fn duplicate(&self) -> Result<Table, NoMemory> {
        let mut t = Table::new();
        if self.used == 0 {
            return Ok(t);
        }
        t.resize(0)?;
        t.reserve_merge(self.used)?;
        if t.slots.len() == self.slots.len() && self.fill == self.used {
            t.slots.copy_from_slice(&self.slots);
        } else {
            for s in self.slots.iter().filter(|s| s.key.is_some()) {
                t.insert_clean(*s);
            }
        }
        t.fill = self.used;
        t.used = self.used;
        for s in &t.slots {
            if let Some(k) = s.key {
                // SAFETY: `self` keeps the element alive.
                unsafe { k.incref() };
            }
        }
        Ok(t)
    }

    /// Finds an element without running Python code: nothing if that is impossible to tell.
    #[inline]
    pub fn find_plain(&self, key: Value, hash: i64) -> Option<Option<usize>> {
        let is_str = strkey::is_exact(key);
        if !is_str && !key.is_int() {
            return None;
        }
        let mut p = self.probe(hash);
        while let Some(i) = self.next_match(&mut p, hash) {
            let k = self.slots[i].key?;
            if k == key {
                return Some(Some(i));
            }
            if is_str && strkey::is_exact(k) {
                if strkey::exact_eq(k, key) {
                    return Some(Some(i));
                }
            } else if !(k.is_int() && key.is_int()) {
                return None;
            }
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(items: &[i64]) -> Table {
        let mut t = Table::new();
        for &n in items {
            if t.find_plain(Value::from_small_int(n), n) == Some(None) {
                t.insert_new(n, Value::from_small_int(n)).unwrap();
            }
        }
        t
    }

    fn order(t: &Table) -> Vec<i64> {
        t.slots().iter().filter_map(|s| s.key?.as_int()).collect()
    }

    #[test]
    fn small_ints_come_in_the_order_of_cpython() {
        assert_eq!(order(&of(&[3, 1, 2])), [1, 2, 3]);
        assert_eq!(order(&of(&[100, 8, 16, 3])), [8, 16, 3, 100]);
        let all: Vec<i64> = (0..1000).rev().collect();
        assert_eq!(order(&of(&all)), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn removed_elements_stay_out() {
        let mut t = of(&(0..500).collect::<Vec<_>>());
        for n in (0..500).step_by(2) {
            let i = t.find_plain(Value::from_small_int(n), n).unwrap().unwrap();
            t.remove(i);
        }
        for n in 0..500 {
            assert_eq!(t.find_plain(Value::from_small_int(n), n).unwrap().is_some(), n % 2 == 1);
        }
        assert_eq!(t.used(), 250);
        while t.pop().is_some() {}
        assert_eq!(t.used(), 0);
    }
}
