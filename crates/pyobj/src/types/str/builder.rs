//! [`StrBuilder`]: text that grows, in the narrowest width so far.

use super::{Str, StrData, Unit, storage};
use crate::ctx::{Ctx, PyResult};
use crate::value::Obj;

enum Buf {
    Latin1(Vec<u8>),
    Ucs2(Vec<u16>),
    Ucs4(Vec<u32>),
}

/// Builds a string piece by piece; each piece may widen the storage, never narrow it.
pub struct StrBuilder(Buf);

impl Default for StrBuilder {
    fn default() -> Self {
        StrBuilder::new()
    }
}

impl StrBuilder {
    /// An empty builder.
    pub const fn new() -> StrBuilder {
        StrBuilder(Buf::Latin1(Vec::new()))
    }

    /// A builder with room for `n` code points up to `max_char`.
    ///
    /// # Errors
    /// MemoryError if there is no room.
    pub fn with_capacity(cx: &Ctx, n: usize, max_char: u32) -> PyResult<StrBuilder> {
        fn room<U>(cx: &Ctx, n: usize) -> PyResult<Vec<U>> {
            let mut v = Vec::new();
            if n > storage::MAX_LEN || v.try_reserve_exact(n).is_err() {
                return Err(cx.no_memory());
            }
            Ok(v)
        }
        Ok(StrBuilder(match max_char {
            0..0x100 => Buf::Latin1(room(cx, n)?),
            0x100..0x1_0000 => Buf::Ucs2(room(cx, n)?),
            _ => Buf::Ucs4(room(cx, n)?),
        }))
    }

    /// Number of code points so far.
    pub fn len(&self) -> usize {
        match &self.0 {
            Buf::Latin1(v) => v.len(),
            Buf::Ucs2(v) => v.len(),
            Buf::Ucs4(v) => v.len(),
        }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cold]
    fn widen(&mut self, max: u32) {
        let grown = |n: usize| n + n / 4 + 8;
        self.0 = match std::mem::replace(&mut self.0, Buf::Latin1(Vec::new())) {
            Buf::Latin1(v) if max < 0x1_0000 => {
                let mut w = Vec::with_capacity(grown(v.len()));
                w.extend(v.iter().map(|&c| c as u16));
                Buf::Ucs2(w)
            }
            Buf::Latin1(v) => {
                let mut w = Vec::with_capacity(grown(v.len()));
                w.extend(v.iter().map(|&c| c as u32));
                Buf::Ucs4(w)
            }
            Buf::Ucs2(v) => {
                let mut w = Vec::with_capacity(grown(v.len()));
                w.extend(v.iter().map(|&c| c as u32));
                Buf::Ucs4(w)
            }
            b => b,
        };
    }

    /// Adds one code point (at most U+10FFFF).
    #[inline]
    pub fn push(&mut self, c: u32) {
        match &mut self.0 {
            Buf::Latin1(v) if c < 0x100 => v.push(c as u8),
            Buf::Ucs2(v) if c < 0x1_0000 => v.push(c as u16),
            Buf::Ucs4(v) => v.push(c),
            _ => {
                self.widen(c);
                self.push(c);
            }
        }
    }

    /// Adds a character.
    #[inline]
    pub fn push_char(&mut self, c: char) {
        self.push(c as u32);
    }

    /// Adds `n` times the same code point.
    pub fn push_repeat(&mut self, c: u32, n: usize) {
        match &mut self.0 {
            Buf::Latin1(v) if c < 0x100 => v.resize(v.len() + n, c as u8),
            Buf::Ucs2(v) if c < 0x1_0000 => v.resize(v.len() + n, c as u16),
            Buf::Ucs4(v) => v.resize(v.len() + n, c),
            _ if n == 0 => {}
            _ => {
                self.widen(c);
                self.push_repeat(c, n);
            }
        }
    }

    /// Adds text.
    pub fn push_str(&mut self, s: &str) {
        match &mut self.0 {
            Buf::Latin1(v) if s.is_ascii() => v.extend_from_slice(s.as_bytes()),
            _ => {
                for c in s.chars() {
                    self.push(c as u32);
                }
            }
        }
    }

    /// Adds units of any width.
    pub fn push_units<U: Unit>(&mut self, u: &[U]) {
        if U::TAG == 0
            && let Buf::Latin1(v) = &mut self.0
        {
            // SAFETY: only `u8` has this tag.
            return v.extend_from_slice(unsafe { std::slice::from_raw_parts(u.as_ptr() as *const u8, u.len()) });
        }
        let max = if U::fits(0x1_0000) || U::fits(0x100) { u.iter().map(|c| c.code()).max().unwrap_or(0) } else { 0 };
        loop {
            match &mut self.0 {
                Buf::Latin1(v) if max < 0x100 => return v.extend(u.iter().map(|c| c.code() as u8)),
                Buf::Ucs2(v) if max < 0x1_0000 => return v.extend(u.iter().map(|c| c.code() as u16)),
                Buf::Ucs4(v) => return v.extend(u.iter().map(|c| c.code())),
                _ => self.widen(max),
            }
        }
    }

    /// Adds the text of a string.
    #[inline]
    pub fn push_payload(&mut self, s: &Str) {
        crate::with_units!(s.data(), u => self.push_units(u));
    }

    /// Adds code points `from..to` of a string.
    pub fn push_range(&mut self, s: &Str, from: usize, to: usize) {
        crate::with_units!(s.data(), u => self.push_units(&u[from..to]));
    }

    /// Adds the text of a str object; other objects add nothing.
    pub fn push_obj(&mut self, o: &Obj) {
        if let Some(s) = o.downcast::<Str>() {
            self.push_payload(s);
        }
    }

    /// The code point at `i`, below the length.
    pub fn at(&self, i: usize) -> u32 {
        match &self.0 {
            Buf::Latin1(v) => v[i] as u32,
            Buf::Ucs2(v) => v[i] as u32,
            Buf::Ucs4(v) => v[i],
        }
    }

    /// Shortens to `n` code points.
    pub fn truncate(&mut self, n: usize) {
        match &mut self.0 {
            Buf::Latin1(v) => v.truncate(n),
            Buf::Ucs2(v) => v.truncate(n),
            Buf::Ucs4(v) => v.truncate(n),
        }
    }

    /// The code units so far.
    pub fn data(&self) -> StrData<'_> {
        match &self.0 {
            Buf::Latin1(v) => StrData::Latin1(v),
            Buf::Ucs2(v) => StrData::Ucs2(v),
            Buf::Ucs4(v) => StrData::Ucs4(v),
        }
    }

    /// The string.
    pub fn finish(self) -> Obj {
        match &self.0 {
            Buf::Latin1(v) => storage::from_latin1(v),
            Buf::Ucs2(v) => storage::from_units(v),
            Buf::Ucs4(v) => storage::from_units(v),
        }
    }
}

impl std::fmt::Write for StrBuilder {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.push_str(s);
        Ok(())
    }
}
