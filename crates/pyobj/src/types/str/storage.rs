//! The storage of text: one, two or four bytes per code point, whichever is the least that fits.

use std::cell::Cell;

use crate::ctx::{Ctx, PyResult};
use crate::heap::{self, Header, PageKind, Traverse, Visitor};
use crate::native::{FixedShape, pyclass};
use crate::shape::ShapeId;
use crate::types::Type;
use crate::value::{Obj, Value};

/// The payload of `str`: this head, then the code units.
///
/// A string is always stored in the narrowest form that holds its largest code point, so equal strings
/// have equal bytes. Lone surrogates are legal code points.
#[pyclass(
    name = "str",
    fixed = Str,
    payload = "var",
    payload_def = super::class::LAYOUT,
    flags(basetype, match_self),
    doc = "Text: an immutable sequence of code points.\n\nstr(object) gives the text form of any object; str(bytes, encoding, errors) decodes."
)]
#[repr(C)]
pub struct Str {
    /// Length in code points in the upper bits; the [`Width`] and flags in the lowest byte.
    meta: Cell<u64>,
    /// The hash, `-1` before it is first asked for.
    pub(super) hash: Cell<i64>,
    /// The UTF-8 form of a string that is not ASCII, once it was asked for.
    utf8: Cell<*mut Utf8>,
}

/// The UTF-8 form; not `exact` if lone surrogates were replaced.
struct Utf8 {
    text: Box<str>,
    exact: bool,
}

const WIDTH_MASK: u64 = 3;
const ASCII: u64 = 4;
const INTERNED: u64 = 8;
const META_BITS: u32 = 8;

/// The longest string that can be asked for; longer ones are a MemoryError.
pub const MAX_LEN: usize = (isize::MAX as usize) / 8;

/// The code units of a string.
#[derive(Clone, Copy, Debug)]
pub enum StrData<'a> {
    /// Every code point is below 256.
    Latin1(&'a [u8]),
    /// Every code point is below 65,536, and one is above 255.
    Ucs2(&'a [u16]),
    /// One code point at least is above 65,535.
    Ucs4(&'a [u32]),
}

/// Runs `$body` with `$units` bound to the slice of code units, once for each width.
#[macro_export]
macro_rules! with_units {
    ($data:expr, $units:ident => $body:expr) => {
        match $data {
            $crate::types::str::StrData::Latin1($units) => $body,
            $crate::types::str::StrData::Ucs2($units) => $body,
            $crate::types::str::StrData::Ucs4($units) => $body,
        }
    };
}

/// A code unit.
pub trait Unit: Copy + Eq + Ord + 'static {
    /// The tag in the string's head.
    #[doc(hidden)]
    const TAG: u64;
    /// The code point.
    fn code(self) -> u32;
    /// The unit of a code point known to fit.
    fn narrow(c: u32) -> Self;
    /// Whether a code point fits.
    fn fits(c: u32) -> bool;
    /// The first place of a unit.
    #[inline]
    fn find(units: &[Self], unit: Self) -> Option<usize> {
        units.iter().position(|u| *u == unit)
    }
}

macro_rules! unit {
    ($t:ty, $tag:expr $(, $more:item)?) => {
        impl Unit for $t {
            const TAG: u64 = $tag;
            #[inline(always)]
            fn code(self) -> u32 {
                self as u32
            }
            #[inline(always)]
            fn narrow(c: u32) -> $t {
                c as $t
            }
            #[inline(always)]
            fn fits(c: u32) -> bool {
                c <= <$t>::MAX as u32
            }
            $($more)?
        }
    };
}
unit!(
    u8,
    0,
    #[inline]
    fn find(units: &[u8], unit: u8) -> Option<usize> {
        memchr::memchr(unit, units)
    }
);
unit!(u16, 1);
unit!(u32, 2);

impl Str {
    /// Length in code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        (self.meta.get() >> META_BITS) as usize
    }

    /// Whether there are no code points.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every code point is below 128.
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.meta.get() & ASCII != 0
    }

    /// Whether this object stands in the intern table.
    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.meta.get() & INTERNED != 0
    }

    pub(super) fn mark_interned(&self) {
        self.meta.set(self.meta.get() | INTERNED);
    }

    /// The code units.
    #[inline(always)]
    pub fn data(&self) -> StrData<'_> {
        let n = self.len();
        // SAFETY: a `Str` exists only inside an object whose units follow it; the head tells their width
        // and number, and they never change.
        unsafe {
            let p = (self as *const Str).add(1) as *const u8;
            match self.meta.get() & WIDTH_MASK {
                0 => StrData::Latin1(std::slice::from_raw_parts(p, n)),
                1 => StrData::Ucs2(std::slice::from_raw_parts(p as *const u16, n)),
                _ => StrData::Ucs4(std::slice::from_raw_parts(p as *const u32, n)),
            }
        }
    }

    /// The units as bytes in memory order.
    #[inline(always)]
    pub(super) fn raw_bytes(&self) -> &[u8] {
        let n = self.len() << (self.meta.get() & WIDTH_MASK);
        // SAFETY: as in `data`.
        unsafe { std::slice::from_raw_parts((self as *const Str).add(1) as *const u8, n) }
    }

    /// Whether the text can be lengthened by another one without becoming wider, nobody having seen it in another form.
    pub(super) fn can_grow_by(&self, other: &Str) -> bool {
        self.same_width(other)
            && !self.is_interned()
            && self.utf8.get().is_null()
            && !other.is_empty()
            && self.len() > 1
            && other.len() <= MAX_LEN - self.len()
    }

    /// Takes in the text that was written behind this one.
    pub(super) fn grow_by(&self, other: &Str) {
        let (meta, more) = (self.meta.get(), other.meta.get());
        let flags = meta & ((1 << META_BITS) - 1);
        let flags = if more & ASCII == 0 { flags & !ASCII } else { flags };
        self.meta.set(((self.len() + other.len()) as u64) << META_BITS | flags);
        self.hash.set(-1);
    }

    /// The head of a copy.
    pub(super) fn head(&self) -> Str {
        Str { meta: Cell::new(self.meta.get()), hash: Cell::new(-1), utf8: Cell::new(std::ptr::null_mut()) }
    }

    /// Whether two strings are stored in the same width.
    #[inline(always)]
    pub(super) fn same_width(&self, other: &Str) -> bool {
        (self.meta.get() ^ other.meta.get()) & WIDTH_MASK == 0
    }

    /// The code point at `i`, if there is one.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<u32> {
        with_units!(self.data(), u => u.get(i).map(|c| c.code()))
    }

    /// The code points.
    pub fn code_points(&self) -> CodePoints<'_> {
        CodePoints { data: self.data(), at: 0, end: self.len() }
    }

    /// The largest code point's upper bound for its storage: 127, 255, 65,535 or 1,114,111.
    pub fn max_char(&self) -> u32 {
        match self.data() {
            StrData::Latin1(_) if self.is_ascii() => 0x7f,
            StrData::Latin1(_) => 0xff,
            StrData::Ucs2(_) => 0xffff,
            StrData::Ucs4(_) => 0x10_ffff,
        }
    }

    /// The text as UTF-8, made once and kept; nothing if there is a lone surrogate.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        if self.is_ascii() {
            // SAFETY: ASCII is valid UTF-8.
            return Some(unsafe { std::str::from_utf8_unchecked(self.raw_bytes()) });
        }
        let u = self.utf8();
        if u.exact { Some(&u.text) } else { None }
    }

    /// The text as UTF-8 with every lone surrogate replaced by U+FFFD, made once and kept.
    #[inline]
    pub fn as_str_lossy(&self) -> &str {
        if self.is_ascii() {
            // SAFETY: ASCII is valid UTF-8.
            return unsafe { std::str::from_utf8_unchecked(self.raw_bytes()) };
        }
        &self.utf8().text
    }

    fn utf8(&self) -> &Utf8 {
        let mut p = self.utf8.get();
        if p.is_null() {
            let mut s = String::with_capacity(self.len() + self.len() / 2);
            let mut exact = true;
            for c in self.code_points() {
                s.push(char::from_u32(c).unwrap_or_else(|| {
                    exact = false;
                    char::REPLACEMENT_CHARACTER
                }));
            }
            p = Box::into_raw(Box::new(Utf8 { text: s.into_boxed_str(), exact }));
            self.utf8.set(p);
        }
        // SAFETY: the record lives as long as the string and is never changed.
        unsafe { &*p }
    }

    /// Compares by code points.
    pub fn compare(&self, other: &Str) -> std::cmp::Ordering {
        match (self.data(), other.data()) {
            (StrData::Latin1(a), StrData::Latin1(b)) => a.cmp(b),
            _ => self.code_points().cmp(other.code_points()),
        }
    }

    /// Whether the text is `other`.
    pub fn eq_str(&self, other: &str) -> bool {
        if self.is_ascii() {
            return self.raw_bytes() == other.as_bytes();
        }
        !other.is_ascii() && self.code_points().eq(other.chars().map(|c| c as u32))
    }
}

impl PartialEq for Str {
    #[inline]
    fn eq(&self, other: &Str) -> bool {
        let differ = self.meta.get() ^ other.meta.get();
        differ & !INTERNED == 0 && self.raw_bytes() == other.raw_bytes()
    }
}

impl Eq for Str {}

impl std::fmt::Debug for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str_lossy().fmt(f)
    }
}

impl Drop for Str {
    fn drop(&mut self) {
        let p = self.utf8.get();
        if !p.is_null() {
            // SAFETY: the record was made by `Box::into_raw`, and nobody can borrow from a dead string.
            drop(unsafe { Box::from_raw(p) });
        }
    }
}

impl Traverse for Str {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// Iterates over code points from both ends.
#[derive(Clone)]
pub struct CodePoints<'a> {
    data: StrData<'a>,
    at: usize,
    end: usize,
}

impl StrData<'_> {
    /// Number of code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        with_units!(self, u => u.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code point at an index below the length.
    #[inline(always)]
    pub fn at(&self, i: usize) -> u32 {
        with_units!(self, u => u[i].code())
    }
}

impl Iterator for CodePoints<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.at >= self.end {
            return None;
        }
        let c = self.data.at(self.at);
        self.at += 1;
        Some(c)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.at, Some(self.end - self.at))
    }
}

impl DoubleEndedIterator for CodePoints<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<u32> {
        if self.at >= self.end {
            return None;
        }
        self.end -= 1;
        Some(self.data.at(self.end))
    }
}

impl ExactSizeIterator for CodePoints<'_> {}

/// Writes the units of a fresh string.
///
/// # Safety
/// `p` must be an unpublished cell with `payload_off` and room for the units.
#[inline(always)]
unsafe fn write_payload<U: Unit>(p: *mut Header, payload_off: usize, units: &[U], ascii: bool) {
    let flags = if ascii { ASCII } else { 0 };
    // SAFETY: by the caller's promise.
    unsafe {
        let at = (p as *mut u8).add(payload_off) as *mut Str;
        at.write(Str {
            meta: Cell::new((units.len() as u64) << META_BITS | U::TAG | flags),
            hash: Cell::new(-1),
            utf8: Cell::new(std::ptr::null_mut()),
        });
        std::ptr::copy_nonoverlapping(units.as_ptr(), at.add(1) as *mut U, units.len());
    }
}

/// A new exact `str` around units that are in the narrowest form. Needs no type object, so that names can
/// be made before the types they name.
#[inline]
fn alloc_exact<U: Unit>(units: &[U], ascii: bool) -> Obj {
    let at = size_of::<Header>();
    let size = at + size_of::<Str>() + size_of_val(units);
    if !heap::has_room(size) {
        return single(256);
    }
    // SAFETY: an exact str is header, head and units; the shape of `str` is fixed and describes just that.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, size);
        write_payload(p, at, units, ascii);
        (*p).init(1, ShapeId::fixed(FixedShape::Str));
        Obj::from_owned(Value::from_ptr(p))
    }
}

struct Singles([Cell<Option<Value>>; 257]);

static SINGLES: heap::Gil<Singles> = heap::Gil::new(Singles([const { Cell::new(None) }; 257]));

/// The shared string of a Latin-1 character, if it was made already.
#[inline(always)]
pub(super) fn shared_char(c: u8) -> Option<Value> {
    SINGLES.get().0[c as usize].get()
}

/// The shared string number `i`: the one-character string of Latin-1 code `i`, or with 256 the empty one.
#[inline]
fn single(i: usize) -> Obj {
    let cell = &SINGLES.get().0[i];
    let v = match cell.get() {
        Some(v) => v,
        None => {
            let o = if i == 256 { alloc_exact::<u8>(&[], true) } else { alloc_exact(&[i as u8], i < 128) };
            let o = super::name::intern_new(o);
            let v = o.into_value();
            cell.set(Some(v));
            v
        }
    };
    // SAFETY: shared strings are immortal.
    unsafe { Obj::from_borrowed(v) }
}

/// The empty string.
#[inline]
pub fn empty() -> Obj {
    single(256)
}

/// A string of Latin-1 text.
#[inline]
pub fn from_latin1(b: &[u8]) -> Obj {
    match b {
        [] => empty(),
        [c] => single(*c as usize),
        _ => alloc_exact(b, b.is_ascii()),
    }
}

/// A string of UTF-8 text.
pub fn new(s: &str) -> Obj {
    if s.is_ascii() {
        return from_latin1(s.as_bytes());
    }
    let max = s.chars().map(|c| c as u32).max().unwrap_or(0);
    from_iter(s.chars().map(|c| c as u32), s.len(), max)
}

fn from_iter(it: impl Iterator<Item = u32>, hint: usize, max: u32) -> Obj {
    if max < 0x100 {
        let mut v = Vec::with_capacity(hint);
        v.extend(it.map(|c| c as u8));
        from_latin1(&v)
    } else if max < 0x1_0000 {
        let mut v: Vec<u16> = Vec::with_capacity(hint);
        v.extend(it.map(|c| c as u16));
        alloc_exact(&v, false)
    } else {
        let mut v: Vec<u32> = Vec::with_capacity(hint);
        v.extend(it);
        alloc_exact(&v, false)
    }
}

/// A string of code points (each at most U+10FFFF; lone surrogates are legal).
pub fn from_code_points(c: &[u32]) -> Obj {
    let max = c.iter().copied().max().unwrap_or(0);
    debug_assert!(max <= 0x10_ffff);
    if max >= 0x1_0000 { alloc_exact(c, false) } else { from_iter(c.iter().copied(), c.len(), max) }
}

/// A string of code units below 65,536, each one code point (surrogates are not paired).
pub fn from_ucs2(c: &[u16]) -> Obj {
    if c.iter().any(|&c| c > 0xff) {
        alloc_exact(c, false)
    } else {
        let v: Vec<u8> = c.iter().map(|&c| c as u8).collect();
        from_latin1(&v)
    }
}

/// A one-character string.
#[inline]
pub fn from_char(c: u32) -> Obj {
    match c {
        0..0x100 => single(c as usize),
        0x100..0x1_0000 => alloc_exact(&[c as u16], false),
        _ => alloc_exact(&[c], false),
    }
}

/// A string of code units of any width, narrowed as far as they allow.
#[inline]
pub fn from_units<U: Unit>(u: &[U]) -> Obj {
    if U::TAG == 0 {
        // SAFETY: only `u8` has this tag.
        return from_latin1(unsafe { std::slice::from_raw_parts(u.as_ptr() as *const u8, u.len()) });
    }
    from_wide(u)
}

fn from_wide<U: Unit>(u: &[U]) -> Obj {
    let max = u.iter().map(|c| c.code()).max().unwrap_or(0);
    if let [c] = u {
        return from_char(c.code());
    }
    if (U::TAG == 1 && max > 0xff) || (U::TAG == 2 && max > 0xffff) {
        return alloc_exact(u, false);
    }
    from_iter(u.iter().map(|c| c.code()), u.len(), max)
}

/// An instance of `ty`, a subclass of `str`, with the text of `text`.
pub(super) fn new_subclass(ty: &Type, text: &Str) -> Obj {
    // SAFETY: `ty` derives from str, so its layout ends in a `Str` head followed by `extra` bytes of units.
    unsafe {
        let extra = text.raw_bytes().len();
        let p = heap::alloc_object(ty, extra);
        let off = ty.layout().payload_off as usize;
        with_units!(text.data(), u => write_payload(p, off, u, text.is_ascii()));
        heap::publish(p, ty.root_shape())
    }
}

/// The concatenation of two str objects, whose payloads are given.
pub fn concat_exact(cx: &Ctx, left: &Obj, right: &Obj, s: &Str, o: &Str) -> PyResult {
    if o.is_empty() {
        return Ok(super::exact_of(left, s));
    }
    if s.is_empty() {
        return Ok(super::exact_of(right, o));
    }
    if s.len() > MAX_LEN - o.len() {
        return Err(cx.overflow_error("strings are too large to concat"));
    }
    if let (StrData::Latin1(a), StrData::Latin1(b)) = (s.data(), o.data()) {
        return concat_latin1(cx, a, b, s.is_ascii() && o.is_ascii());
    }
    super::concat(cx, s, o)
}

/// The concatenation of Latin-1 texts, written once.
fn concat_latin1(cx: &Ctx, a: &[u8], b: &[u8], ascii: bool) -> PyResult {
    let len = a.len() + b.len();
    check_room(cx, len)?;
    // SAFETY: both parts lie within the `len` units of the cell.
    Ok(unsafe {
        written_latin1(len, ascii, |units| {
            std::ptr::copy_nonoverlapping(a.as_ptr(), units, a.len());
            std::ptr::copy_nonoverlapping(b.as_ptr(), units.add(a.len()), b.len());
        })
    })
}

/// Whether there is memory for a string of `n` bytes: the heap itself does not fail softly.
///
/// # Errors
/// MemoryError.
pub(super) fn check_room(cx: &Ctx, n: usize) -> PyResult<()> {
    /// Less than this is taken from the reserve if it has to be.
    const SMALL: usize = 1 << 20;
    if n > MAX_LEN || n > SMALL && Vec::<u8>::new().try_reserve_exact(n).is_err() {
        return Err(cx.no_memory());
    }
    Ok(())
}

/// Latin-1 texts with one between each two, which are `len` (at least two) characters together and ASCII if `ascii`.
pub(super) fn join_latin1<'a>(sep: &Str, texts: impl Iterator<Item = &'a Str>, len: usize, ascii: bool) -> Obj {
    // SAFETY: nothing is written past `len`, and what is missing in the end would be zeroed.
    unsafe {
        written_latin1(len, ascii, |units| {
            let mut at = 0;
            let mut put = |s: &Str| {
                let text = s.raw_bytes();
                let n = text.len().min(len - at);
                std::ptr::copy_nonoverlapping(text.as_ptr(), units.add(at), n);
                at += n;
            };
            for (i, s) in texts.enumerate() {
                if i > 0 {
                    put(sep);
                }
                put(s);
            }
            std::ptr::write_bytes(units.add(at), 0, len - at);
        })
    }
}

/// Latin-1 parts with `with` between each two, which are `len` (at least two) characters together and ASCII if `ascii`.
pub(super) fn replaced_latin1<'a>(parts: impl Iterator<Item = &'a [u8]>, with: &[u8], len: usize, ascii: bool) -> Obj {
    // SAFETY: nothing is written past `len`, and what is missing in the end would be zeroed.
    unsafe {
        written_latin1(len, ascii, |units| {
            let mut at = 0;
            let mut put = |text: &[u8]| {
                let n = text.len().min(len - at);
                std::ptr::copy_nonoverlapping(text.as_ptr(), units.add(at), n);
                at += n;
            };
            for (i, part) in parts.enumerate() {
                if i > 0 {
                    put(with);
                }
                put(part);
            }
            std::ptr::write_bytes(units.add(at), 0, len - at);
        })
    }
}

/// The ASCII string that `change` makes of a copy of another one's text, which has at least two characters.
pub(super) fn changed_ascii(text: &[u8], change: impl FnOnce(&mut [u8])) -> Obj {
    // SAFETY: the units are written before they are looked at, and `change` keeps to ASCII.
    unsafe {
        written_latin1(text.len(), true, |units| {
            std::ptr::copy_nonoverlapping(text.as_ptr(), units, text.len());
            change(std::slice::from_raw_parts_mut(units, text.len()));
        })
    }
}

/// A fresh string of `len` (at least two) units that `write` fills.
///
/// # Safety
/// `write` must write them all, with ASCII exactly where `ascii` says so.
#[inline(always)]
unsafe fn written_latin1(len: usize, ascii: bool, write: impl FnOnce(*mut u8)) -> Obj {
    let at = size_of::<Header>();
    if !heap::has_room(at + size_of::<Str>() + len) {
        return single(256);
    }
    // SAFETY: as in `alloc_exact`; the cell has room for the units.
    unsafe {
        let p = heap::alloc_cell(PageKind::Leaf, at + size_of::<Str>() + len);
        write_payload::<u8>(p, at, &[], ascii);
        let s = (p as *mut u8).add(at) as *mut Str;
        let flags = (*s).meta.get() & ((1 << META_BITS) - 1);
        (*s).meta.set((len as u64) << META_BITS | flags);
        write(s.add(1) as *mut u8);
        (*p).init(1, ShapeId::fixed(FixedShape::Str));
        Obj::from_owned(Value::from_ptr(p))
    }
}
