//! The keyed hash of text and bytes.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

use siphasher::sip::SipHasher13;

use super::Str;
use crate::heap::Gil;

struct Key {
    key: Cell<(u64, u64)>,
    set: Cell<bool>,
}

static KEY: Gil<Key> = Gil::new(Key { key: Cell::new((0, 0)), set: Cell::new(false) });

/// Fixes the process's hash key from `PYTHONHASHSEED`: zero turns randomisation off, another number seeds
/// it as CPython does, nothing takes a random key. Returns false (and changes nothing) if text was hashed
/// already.
pub fn set_hash_seed(seed: Option<u32>) -> bool {
    let k = KEY.get();
    if k.set.get() {
        return false;
    }
    k.set.set(true);
    k.key.set(match seed {
        Some(0) => (0, 0),
        Some(seed) => seeded_key(seed),
        None => random_key(),
    });
    true
}

fn random_key() -> (u64, u64) {
    let s = std::collections::hash_map::RandomState::new();
    (s.hash_one(0u8), s.hash_one(1u8))
}

/// The linear congruential generator that spreads a seed over the key's bytes.
fn seeded_key(seed: u32) -> (u64, u64) {
    let mut x = seed;
    let mut next = || {
        x = x.wrapping_mul(214_013).wrapping_add(2_531_011);
        (x >> 16) as u8
    };
    let mut word = || u64::from_le_bytes(std::array::from_fn(|_| next()));
    let k0 = word();
    (k0, word())
}

/// The hash of bytes; text hashes as the bytes of its storage, so ASCII text and equal bytes agree.
/// Never -1.
pub fn hash_bytes(b: &[u8]) -> i64 {
    if b.is_empty() {
        return 0;
    }
    if !KEY.get().set.get() {
        set_hash_seed(None);
    }
    let (k0, k1) = KEY.get().key.get();
    let mut h = SipHasher13::new_with_keys(k0, k1);
    h.write(b);
    match h.finish() as i64 {
        -1 => -2,
        h => h,
    }
}

/// The hash of bytes with a key of the caller's: it is the same in every process.
pub fn keyed_hash(key: u64, b: &[u8]) -> u64 {
    let mut h = SipHasher13::new_with_keys(key, 0);
    h.write(b);
    h.finish()
}

impl Str {
    /// The hash, computed once.
    #[inline(always)]
    pub fn hash(&self) -> i64 {
        let h = self.hash.get();
        if h != -1 { h } else { self.hash_slow() }
    }

    /// The hash, if it was computed already.
    #[inline(always)]
    pub(crate) fn known_hash(&self) -> Option<i64> {
        Some(self.hash.get()).filter(|h| *h != -1)
    }

    #[inline(never)]
    fn hash_slow(&self) -> i64 {
        let h = hash_bytes(self.raw_bytes());
        self.hash.set(h);
        h
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_expand_as_cpythons_do() {
        // PYTHONHASHSEED=42: the first outputs of the generator.
        let (k0, _) = seeded_key(42);
        let x1 = 42u32.wrapping_mul(214_013).wrapping_add(2_531_011);
        assert_eq!(k0 as u8, (x1 >> 16) as u8);
        assert_eq!(hash_bytes(b""), 0);
        assert_eq!(hash_bytes(b"abc"), hash_bytes(b"abc"));
        // As `_imp.source_hash(42, b"Hi")` of CPython 3.14.
        assert_eq!(keyed_hash(42, b"Hi").to_le_bytes(), *b"\xcc\xb7\xfd\x84\xe0v\xdae");
    }
}
