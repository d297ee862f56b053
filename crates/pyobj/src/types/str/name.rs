//! Names: interned strings, compared by pointer.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Str, storage};
use crate::heap::{Gil, Header};
use crate::value::{Obj, Value};

/// An interned, immortal exact `str`. Two names are equal exactly when they are the same object.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(NonZeroUsize);

/// An open-addressing table of the interned strings, by their hash. Entries are never removed.
struct Table {
    slots: RefCell<Vec<usize>>,
    used: Cell<usize>,
}

static TABLE: Gil<Table> = Gil::new(Table { slots: RefCell::new(Vec::new()), used: Cell::new(0) });

/// The payload of an exact str.
#[inline(always)]
fn payload<'a>(p: usize) -> &'a Str {
    // SAFETY: the table and names hold immortal exact strs, whose payload follows the header.
    unsafe { &*((p + size_of::<Header>()) as *const Str) }
}

/// The slot of `s`: the entry that equals it, or where it belongs.
fn probe(slots: &[usize], s: &Str) -> usize {
    let mask = slots.len() - 1;
    let mut i = s.hash() as usize & mask;
    loop {
        let p = slots[i];
        if p == 0 || *payload(p) == *s {
            return i;
        }
        i = (i + 1) & mask;
    }
}

/// The interned string of ASCII text.
fn find_ascii(b: &[u8]) -> Option<Name> {
    let slots = TABLE.get().slots.borrow();
    let mask = slots.len().checked_sub(1)?;
    let mut i = super::hash_bytes(b) as usize & mask;
    loop {
        let p = NonZeroUsize::new(slots[i])?;
        let s = payload(p.get());
        if s.is_ascii() && s.raw_bytes() == b {
            return Some(Name(p));
        }
        i = (i + 1) & mask;
    }
}

fn grow(slots: &mut Vec<usize>) {
    let new_len = (slots.len() * 2).max(4096);
    let old = std::mem::replace(slots, vec![0; new_len]);
    for p in old.into_iter().filter(|p| *p != 0) {
        let i = probe(slots, payload(p));
        slots[i] = p;
    }
}

/// Interns an exact str; returns it, or the equal one that was interned before.
pub(super) fn intern_new(o: Obj) -> Obj {
    let Some(p) = o.as_ptr() else { return o };
    let s = payload(p as usize);
    if s.is_interned() {
        return o;
    }
    let t = TABLE.get();
    let mut slots = t.slots.borrow_mut();
    if (t.used.get() + 1) * 2 > slots.len() {
        grow(&mut slots);
    }
    let i = probe(&slots, s);
    if slots[i] != 0 {
        let v = Value::from_ptr(slots[i] as *const Header);
        // SAFETY: interned strings are immortal.
        return unsafe { Obj::from_borrowed(v) };
    }
    slots[i] = p as usize;
    t.used.set(t.used.get() + 1);
    s.mark_interned();
    // SAFETY: `o` keeps the object alive.
    unsafe { o.header().immortalize() };
    o
}

impl Name {
    /// The name with this text.
    pub fn new(s: &str) -> Name {
        // Known names are found without making a string: while the first types are being made, strings
        // cannot be dropped yet.
        if s.is_ascii()
            && let Some(n) = find_ascii(s.as_bytes())
        {
            return n;
        }
        // SAFETY: `storage::new` makes exact strs.
        unsafe { Name::from_exact(storage::new(s)) }
    }

    /// The name with the text of a str object (exact or not); nothing for other objects.
    #[inline]
    pub fn from_obj(o: &Obj) -> Option<Name> {
        let s = o.downcast::<Str>()?;
        let exact = super::is_exact(o);
        if exact && s.is_interned() {
            return NonZeroUsize::new(o.bits() as usize).map(Name);
        }
        let o = if exact { o.clone() } else { super::to_exact(s) };
        // SAFETY: exact by the lines above.
        Some(unsafe { Name::from_exact(o) })
    }

    /// As [`Name::from_obj`] for objects known to be str.
    ///
    /// # Panics
    /// If `o` is not a str.
    pub fn intern_obj(o: &Obj) -> Name {
        match Name::from_obj(o) {
            Some(n) => n,
            None => unreachable!("a name is a str"),
        }
    }

    /// # Safety
    /// `o` must be an exact str.
    unsafe fn from_exact(o: Obj) -> Name {
        let v = intern_new(o).into_value();
        match NonZeroUsize::new(v.bits() as usize) {
            Some(p) => Name(p),
            None => unreachable!("values are never zero"),
        }
    }

    /// The str object.
    #[inline(always)]
    pub fn obj(self) -> Obj {
        // SAFETY: names are immortal.
        unsafe { Obj::from_owned(self.value()) }
    }

    /// The str object as a borrowed handle.
    #[inline(always)]
    pub fn as_obj(&self) -> &Obj {
        // SAFETY: `Name` is one word with the same representation as the pointer's `Value`.
        unsafe { Obj::borrow_from(self as *const Name as *const Value) }
    }

    /// The word.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_ptr(self.0.get() as *const Header)
    }

    /// A name from the word of an interned exact str, as kept in code or caches.
    ///
    /// # Safety
    /// `v` must have come from [`Name::value`].
    #[inline(always)]
    pub unsafe fn from_value(v: Value) -> Name {
        // SAFETY: by the caller's promise; words are never zero.
        Name(unsafe { NonZeroUsize::new_unchecked(v.bits() as usize) })
    }

    /// The payload.
    #[inline(always)]
    pub fn as_payload(self) -> &'static Str {
        payload(self.0.get())
    }

    /// The text; lone surrogates show as U+FFFD.
    pub fn as_str(self) -> &'static str {
        self.as_payload().as_str_lossy()
    }

    /// The name of a str object if it is interned already; a str that was never interned names no
    /// attribute anywhere.
    pub fn lookup_obj(o: &Obj) -> Option<Name> {
        let s = o.downcast::<Str>()?;
        if s.is_interned() && super::is_exact(o) {
            return NonZeroUsize::new(o.bits() as usize).map(Name);
        }
        let slots = TABLE.get().slots.borrow();
        if slots.is_empty() {
            return None;
        }
        NonZeroUsize::new(slots[probe(&slots, s)]).map(Name)
    }

    /// Whether the name starts and ends with two underscores.
    pub fn is_dunder(self) -> bool {
        let t = self.as_str();
        t.len() > 4 && t.starts_with("__") && t.ends_with("__")
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place that keeps a name after its first use. [`intern!`](crate::intern) makes one.
pub struct NameCell {
    text: &'static str,
    name: AtomicUsize,
}

impl NameCell {
    /// A cell for `text`.
    pub const fn new(text: &'static str) -> NameCell {
        NameCell { text, name: AtomicUsize::new(0) }
    }

    /// The name.
    #[inline(always)]
    pub fn get(&self) -> Name {
        match NonZeroUsize::new(self.name.load(Ordering::Relaxed)) {
            Some(n) => Name(n),
            None => self.fill(),
        }
    }

    #[cold]
    fn fill(&self) -> Name {
        let n = Name::new(self.text);
        self.name.store(n.0.get(), Ordering::Relaxed);
        n
    }
}

/// The [`Name`](crate::types::str::Name) of a literal, looked up once per place.
#[macro_export]
macro_rules! intern {
    ($text:literal) => {{
        static NAME: $crate::types::str::NameCell = $crate::types::str::NameCell::new($text);
        NAME.get()
    }};
}

/// Python's `sys.intern`: the interned form of an exact str.
pub fn intern(o: &Obj) -> Option<Obj> {
    Name::from_obj(o).map(Name::obj)
}
