//! Substring search for text of any width and for bytes.
//!
//! The work is done on storage bytes by `memchr`'s searcher (linear in the worst case); in wide text a hit
//! counts only where a code unit starts.

use std::borrow::Cow;

use memchr::memmem;

use super::{Str, StrData};

/// A needle prepared for haystacks of one unit size.
pub struct Needle<'n> {
    bytes: Cow<'n, [u8]>,
    size: usize,
}

impl<'n> Needle<'n> {
    /// The needle `n` for searching in `hay`; nothing if it holds a code point that `hay`'s storage cannot.
    pub fn in_text(hay: &Str, n: &'n Str) -> Option<Needle<'n>> {
        if hay.same_width(n) {
            return Some(Needle { bytes: Cow::Borrowed(n.raw_bytes()), size: width(hay) });
        }
        let size = width(hay);
        if width(n) > size {
            return None;
        }
        let mut bytes = Vec::with_capacity(n.len() * size);
        for c in n.code_points() {
            match size {
                2 => bytes.extend_from_slice(&(c as u16).to_ne_bytes()),
                _ => bytes.extend_from_slice(&c.to_ne_bytes()),
            }
        }
        Some(Needle { bytes: Cow::Owned(bytes), size })
    }

    /// A needle for bytes.
    pub fn bytes(n: &'n [u8]) -> Needle<'n> {
        Needle { bytes: Cow::Borrowed(n), size: 1 }
    }

    /// Length in units.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.size
    }

    /// Whether the needle is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first place in `hay` (storage bytes), in units.
    #[inline]
    pub fn find(&self, hay: &[u8]) -> Option<usize> {
        if self.size == 1
            && let [first, rest @ ..] = &*self.bytes
            && (rest.is_empty() || hay.len() <= SHORT)
        {
            return find_short(hay, *first, rest);
        }
        self.places(hay).next()
    }

    /// The last place in `hay`, in units.
    pub fn rfind(&self, hay: &[u8]) -> Option<usize> {
        let finder = memmem::FinderRev::new(&*self.bytes);
        let mut end = hay.len();
        loop {
            let at = finder.rfind(&hay[..end])?;
            if at % self.size == 0 {
                return Some(at / self.size);
            }
            // The next candidate starts at least one byte earlier.
            end = at + self.bytes.len() - 1;
        }
    }

    /// Places that do not overlap, from the left, in units. An empty needle is found between all units.
    pub fn places<'a>(&'a self, hay: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let short = match &*self.bytes {
            [first, rest @ ..] if self.size == 1 && (rest.is_empty() || hay.len() <= SHORT) => Some((*first, rest)),
            _ => None,
        };
        // A searcher is large, and the iterator is moved about.
        let finder = if short.is_none() { Some(Box::new(memmem::Finder::new(&*self.bytes))) } else { None };
        let find = move |hay: &[u8]| match (short, &finder) {
            (Some((first, rest)), _) => find_short(hay, first, rest),
            (None, Some(f)) => f.find(hay),
            (None, None) => None,
        };
        let step = if self.bytes.is_empty() { self.size } else { self.bytes.len() };
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let at = from + find(hay.get(from..)?)?;
                if at % self.size == 0 {
                    from = at + step;
                    return Some(at / self.size);
                }
                from = at + 1;
            }
        })
    }
}

/// Up to this length of the text, preparing a searcher costs more than it saves; and a text this short keeps the
/// simple search from being slow.
const SHORT: usize = 200;

/// The first place of the byte `first` with `rest` behind it.
fn find_short(hay: &[u8], first: u8, rest: &[u8]) -> Option<usize> {
    let last = hay.len().checked_sub(rest.len())?;
    let mut from = 0;
    while from < last {
        let at = from + memchr::memchr(first, &hay[from..last])?;
        if hay[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn width(s: &Str) -> usize {
    match s.data() {
        StrData::Latin1(_) => 1,
        StrData::Ucs2(_) => 2,
        StrData::Ucs4(_) => 4,
    }
}

/// The storage bytes of code points `start..end`.
pub fn window(s: &Str, start: usize, end: usize) -> &[u8] {
    let w = width(s);
    &s.raw_bytes()[start * w..end * w]
}

impl Str {
    /// The first place of `n` within `start..end` (clamped before).
    pub fn find(&self, n: &Str, start: usize, end: usize) -> Option<usize> {
        Some(start + Needle::in_text(self, n)?.find(window(self, start, end))?)
    }

    /// The last place of `n` within `start..end`.
    pub fn rfind(&self, n: &Str, start: usize, end: usize) -> Option<usize> {
        Some(start + Needle::in_text(self, n)?.rfind(window(self, start, end))?)
    }

    /// How often `n` occurs within `start..end` without overlap.
    pub fn count(&self, n: &Str, start: usize, end: usize) -> usize {
        match Needle::in_text(self, n) {
            Some(n) => n.places(window(self, start, end)).count(),
            None => 0,
        }
    }

    /// Whether `n` occurs.
    pub fn contains(&self, n: &Str) -> bool {
        self.find(n, 0, self.len()).is_some()
    }

    /// The first place of a code point from `start` on.
    pub fn find_char(&self, c: u32, start: usize) -> Option<usize> {
        match self.data() {
            StrData::Latin1(u) => {
                let c = u8::try_from(c).ok()?;
                Some(start + memchr::memchr(c, u.get(start..)?)?)
            }
            StrData::Ucs2(u) => Some(start + u.get(start..)?.iter().position(|&x| x as u32 == c)?),
            StrData::Ucs4(u) => Some(start + u.get(start..)?.iter().position(|&x| x == c)?),
        }
    }

    /// Whether the text at `at` is `n`.
    pub fn matches_at(&self, n: &Str, at: usize) -> bool {
        if at > self.len() || self.len() - at < n.len() {
            return false;
        }
        let part = window(self, at, at + n.len());
        if self.same_width(n) {
            return part == n.raw_bytes();
        }
        (0..n.len()).all(|i| self.get(at + i) == n.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::str::new;

    fn find(h: &str, n: &str) -> (Option<usize>, Option<usize>, usize) {
        let (h, n) = (new(h), new(n));
        let (h, n) = (h.downcast::<Str>().unwrap(), n.downcast::<Str>().unwrap());
        (h.find(n, 0, h.len()), h.rfind(n, 0, h.len()), h.count(n, 0, h.len()))
    }

    #[test]
    fn finds_in_every_width() {
        // Dropping a string needs its type.
        use crate::native::PyClass;
        Str::class().type_object();
        assert_eq!(find("abcabc", "bc"), (Some(1), Some(4), 2));
        assert_eq!(find("añcañc", "ñ"), (Some(1), Some(4), 2));
        assert_eq!(find("日本日本", "本"), (Some(1), Some(3), 2));
        assert_eq!(find("a日b", "b"), (Some(2), Some(2), 1));
        assert_eq!(find("😀x😀", "😀"), (Some(0), Some(2), 2));
        assert_eq!(find("abc", "日"), (None, None, 0));
        assert_eq!(find("abc", ""), (Some(0), Some(3), 4));
        // The bytes of U+0101 U+0100 hold those of U+0001 between two units.
        assert_eq!(find("\u{101}\u{100}\u{101}", "\u{100}"), (Some(1), Some(1), 1));
        assert_eq!(find("\u{1}\u{100}", "\u{1}").0, Some(0));
    }
}
