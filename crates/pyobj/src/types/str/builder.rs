//! [`StrBuilder`]: text that grows, in the narrowest width so far.

use super::{Str, StrData, Unit, storage};
use crate::ctx::{Ctx, Poll, PyResult};
use crate::value::Obj;

enum Buf {
    Latin1(Vec<u8>),
    Ucs2(Vec<u16>),
    Ucs4(Vec<u32>),
}

/// Builds a string piece by piece; each piece may widen the storage, never narrow it.
///
/// Where memory for a large text ends, what was built is given up and MemoryError is raised at the next poll, so that
/// pieces can be added without asking each time.
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
        fn wider<T: Copy, U>(v: &[T], unit: impl Fn(T) -> U) -> Option<Vec<U>> {
            let mut w = Vec::new();
            w.try_reserve_exact(v.len() + v.len() / 4 + 8).ok()?;
            w.extend(v.iter().map(|c| unit(*c)));
            Some(w)
        }
        let wide = match &self.0 {
            Buf::Latin1(v) if max < 0x1_0000 => wider(v, u16::from).map(Buf::Ucs2),
            Buf::Latin1(v) => wider(v, u32::from).map(Buf::Ucs4),
            Buf::Ucs2(v) => wider(v, u32::from).map(Buf::Ucs4),
            Buf::Ucs4(_) => return,
        };
        match wide {
            Some(w) => self.0 = w,
            None => {
                self.0 = if max < 0x1_0000 { Buf::Ucs2(Vec::new()) } else { Buf::Ucs4(Vec::new()) };
                self.give_up();
            }
        }
    }

    /// Forgets what was built, since there is no memory for more; MemoryError follows.
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) {
        match &mut self.0 {
            Buf::Latin1(v) => *v = Vec::new(),
            Buf::Ucs2(v) => *v = Vec::new(),
            Buf::Ucs4(v) => *v = Vec::new(),
        }
        Ctx::request_of_this_thread(Poll::MEMORY);
    }

    /// Adds one code point (at most U+10FFFF).
    #[inline]
    pub fn push(&mut self, c: u32) {
        match &mut self.0 {
            Buf::Latin1(v) if c < 0x100 => {
                if v.len() < v.capacity() || v.try_reserve(1).is_ok() {
                    return v.push(c as u8);
                }
                self.give_up();
            }
            Buf::Ucs2(v) if c < 0x1_0000 => {
                if v.len() < v.capacity() || v.try_reserve(1).is_ok() {
                    return v.push(c as u16);
                }
                self.give_up();
            }
            Buf::Ucs4(v) => {
                if v.len() < v.capacity() || v.try_reserve(1).is_ok() {
                    return v.push(c);
                }
                self.give_up();
            }
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
            _ if n == 0 => {}
            Buf::Latin1(v) if c < 0x100 => match v.try_reserve(n) {
                Ok(()) => v.resize(v.len() + n, c as u8),
                Err(_) => self.give_up(),
            },
            Buf::Ucs2(v) if c < 0x1_0000 => match v.try_reserve(n) {
                Ok(()) => v.resize(v.len() + n, c as u16),
                Err(_) => self.give_up(),
            },
            Buf::Ucs4(v) => match v.try_reserve(n) {
                Ok(()) => v.resize(v.len() + n, c),
                Err(_) => self.give_up(),
            },
            _ => {
                self.widen(c);
                self.push_repeat(c, n);
            }
        }
    }

    /// Adds text.
    pub fn push_str(&mut self, s: &str) {
        match &mut self.0 {
            Buf::Latin1(v) if s.is_ascii() => match v.try_reserve(s.len()) {
                Ok(()) => v.extend_from_slice(s.as_bytes()),
                Err(_) => self.give_up(),
            },
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
            if v.try_reserve(u.len()).is_err() {
                return self.give_up();
            }
            // SAFETY: only `u8` has this tag.
            return v.extend_from_slice(unsafe { std::slice::from_raw_parts(u.as_ptr() as *const u8, u.len()) });
        }
        let max = if U::fits(0x1_0000) || U::fits(0x100) { u.iter().map(|c| c.code()).max().unwrap_or(0) } else { 0 };
        loop {
            match &mut self.0 {
                Buf::Latin1(v) if max < 0x100 => match v.try_reserve(u.len()) {
                    Ok(()) => return v.extend(u.iter().map(|c| c.code() as u8)),
                    Err(_) => return self.give_up(),
                },
                Buf::Ucs2(v) if max < 0x1_0000 => match v.try_reserve(u.len()) {
                    Ok(()) => return v.extend(u.iter().map(|c| c.code() as u16)),
                    Err(_) => return self.give_up(),
                },
                Buf::Ucs4(v) => match v.try_reserve(u.len()) {
                    Ok(()) => return v.extend(u.iter().map(|c| c.code())),
                    Err(_) => return self.give_up(),
                },
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
