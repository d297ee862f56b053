//! A pattern's code with what was found out about its character sets.

use std::cell::OnceCell;

use super::chars::in_set;

/// The members of a set below 256.
type Latin = [u64; 4];

/// The code of a pattern.
pub(super) struct Program {
    code: Vec<u32>,
    /// For each word that a set was seen to start at, its Latin-1 members: most characters of most texts need one
    /// look-up instead of a walk through the set.
    sets: Box<[OnceCell<Box<Latin>>]>,
}

impl Program {
    pub(super) fn new(code: Vec<u32>) -> Program {
        let sets = code.iter().map(|_| OnceCell::new()).collect();
        Program { code, sets }
    }

    #[inline(always)]
    pub(super) fn code(&self) -> &[u32] {
        &self.code
    }

    /// Whether the set that starts at word `at` has the character.
    #[inline(always)]
    pub(super) fn set_has(&self, at: usize, c: u32) -> bool {
        if c < 256
            && let Some(map) = self.latin(at)
        {
            return map[(c >> 6) as usize] >> (c & 63) & 1 == 1;
        }
        in_set(self.code.get(at..).unwrap_or(&[]), c)
    }

    #[inline(always)]
    fn latin(&self, at: usize) -> Option<&Latin> {
        let place = self.sets.get(at)?;
        Some(match place.get() {
            Some(map) => map,
            None => self.fill(place, at),
        })
    }

    #[cold]
    fn fill<'a>(&'a self, place: &'a OnceCell<Box<Latin>>, at: usize) -> &'a Latin {
        let set = self.code.get(at..).unwrap_or(&[]);
        let mut map = [0; 4];
        for c in (0..256).filter(|c| in_set(set, *c)) {
            map[(c >> 6) as usize] |= 1 << (c & 63);
        }
        place.get_or_init(|| Box::new(map))
    }
}
