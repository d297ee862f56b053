//! Cache records.

use std::cell::Cell;

use cinder_bytecode::op::Insn;

use crate::resolve::Kind;
use crate::stats;

/// One thing that a site saw: a guard and what the look-up gave.
#[repr(C)]
pub struct Entry {
    /// The shape of the receiver or left operand; for pinned look-ups the low half of its word.
    pub guard: Cell<u32>,
    /// A byte offset, an overflow index, the shape after a store, or the shape of the right operand; for pinned look-ups
    /// the high half of the receiver's word.
    pub arg: Cell<u32>,
    /// The address of an attribute cell, a byte offset, a type, or a native function.
    pub target: Cell<usize>,
    /// What the look-up depends on: the address of a type or namespace, or zero.
    pub dep: Cell<usize>,
    /// What else it depends on, where it has two operands.
    pub dep2: Cell<usize>,
}

impl Entry {
    /// An entry that no operand matches: shape zero is that of no object.
    pub const fn empty() -> Entry {
        Entry { guard: Cell::new(0), arg: Cell::new(0), target: Cell::new(0), dep: Cell::new(0), dep2: Cell::new(0) }
    }

    /// The receiver's word of a pinned look-up.
    #[inline(always)]
    pub fn word(&self) -> u64 {
        self.guard.get() as u64 | (self.arg.get() as u64) << 32
    }

    /// Sets the receiver's word.
    pub fn set_word(&self, w: u64) {
        self.guard.set(w as u32);
        self.arg.set((w >> 32) as u32);
    }

    pub(crate) fn copy_from(&self, other: &Entry) {
        self.guard.set(other.guard.get());
        self.arg.set(other.arg.get());
        self.target.set(other.target.get());
        self.dep.set(other.dep.get());
        self.dep2.set(other.dep2.get());
    }

    pub(crate) fn clear(&self) {
        self.copy_from(&Entry::empty());
    }
}

/// The cache record of one instruction: the type feedback of a compiler is this very record.
///
/// The instruction in the shadow tells how to read it:
///
/// | operations | `entry` | `more` |
/// |---|---|---|
/// | attributes of one shape | guard, place or cell by [`Kind`] | |
/// | `…Pinned…` | the receiver's word, the cell | |
/// | `…Poly` of attributes | the first one | up to four entries with kinds and counts |
/// | `…Mega`, `CallHasattr`, `CallGetattr` | | nothing: the cache that all sites share is asked |
/// | `CallPython`, `CallMethodPython` | the code's serial number as the word | |
/// | `…PythonPoly` | the first one | up to four serial numbers with counts |
/// | `CallInit`, `CallNewInit`, `CallNew` | the class's word, the cell of `__init__` or `__new__` | |
/// | `CallObject` | the shape, the cell of `__call__` | |
/// | `CallKwPython`, `CallKwInit` | as `CallInit` | entry 0: the plan, entry 1: the code's serial number |
/// | natives and builtins | the callee's word, its definition | `CallIsinstance`: pairs of shape and class with the answer |
/// | `LoadGlobal…` | the globals' word, the cell | entry 0: the builtins' word and cell |
/// | `LoadSuper…` | the shape or class, the cell | entry 0: the words of `super` and of the class |
#[repr(C)]
pub struct Site {
    /// What it saw last, and the only thing while it is monomorphic.
    pub entry: Entry,
    pub(crate) original: Cell<Insn>,
    pub(crate) more: Cell<Option<&'static More>>,
    /// The index of the instruction.
    pub(crate) at: Cell<u32>,
    /// How many executions to let pass before the next attempt to specialise.
    pub(crate) wait: Cell<u16>,
    pub(crate) failures: Cell<u16>,
    /// The site's own number.
    pub(crate) number: u32,
    /// What the look-up gave, for operators.
    pub(crate) kind: Cell<Kind>,
}

/// How many shapes a polymorphic site remembers.
pub const WAYS: usize = 4;

/// What a site remembers beyond one shape, and its history.
pub struct More {
    /// The shapes, in the order in which they were met.
    pub entries: [Entry; WAYS],
    /// What each look-up gave.
    pub kinds: [Cell<Kind>; WAYS],
    /// How often each was used.
    pub counts: [Cell<u32>; WAYS],
    /// How many entries are filled.
    pub len: Cell<u32>,
    pub(crate) executions: Cell<u64>,
    /// How many of the counted executions had to look something up.
    pub(crate) looks: Cell<u64>,
    pub(crate) misses: Cell<u32>,
    pub(crate) forgotten: Cell<u32>,
}

impl More {
    pub(crate) fn new() -> More {
        More {
            entries: [const { Entry::empty() }; WAYS],
            kinds: [const { Cell::new(Kind::None) }; WAYS],
            counts: [const { Cell::new(0) }; WAYS],
            len: Cell::new(0),
            executions: Cell::new(0),
            looks: Cell::new(0),
            misses: Cell::new(0),
            forgotten: Cell::new(0),
        }
    }
}

impl Site {
    pub(crate) fn new(original: Insn, at: u32, number: u32) -> Site {
        Site {
            entry: Entry::empty(),
            original: Cell::new(original),
            more: Cell::new(None),
            at: Cell::new(at),
            wait: Cell::new(0),
            failures: Cell::new(0),
            number,
            kind: Cell::new(Kind::None),
        }
    }

    /// What the look-up that an operator's site remembers gave.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        self.kind.get()
    }

    /// The generic instruction.
    #[inline(always)]
    pub fn original(&self) -> Insn {
        self.original.get()
    }

    /// The polymorphic part, if there is one.
    #[inline(always)]
    pub fn more(&self) -> Option<&More> {
        self.more.get()
    }

    /// The polymorphic part, made if need be.
    pub(crate) fn more_or_new(&self) -> &More {
        match self.more.get() {
            Some(m) => m,
            None => {
                // Freed with the site.
                let m: &'static More = Box::leak(Box::new(More::new()));
                self.more.set(Some(m));
                m
            }
        }
    }

    /// Whether to try to specialise now. Sites that failed before wait, each time twice as long.
    pub(crate) fn is_due(&self) -> bool {
        if stats::counting() {
            let m = self.more_or_new();
            m.looks.set(m.looks.get() + 1);
        }
        let w = self.wait.get();
        if w > 0 {
            self.wait.set(w - 1);
        }
        w == 0
    }

    /// Whether the site would specialise at its next chance.
    #[inline]
    pub fn would_look(&self) -> bool {
        self.wait.get() == 0
    }

    /// Forgets what the site saw, but not how it fared.
    pub(crate) fn forget_entries(&self) {
        self.entry.clear();
        if let Some(m) = self.more() {
            for (e, n) in m.entries.iter().zip(&m.counts) {
                e.clear();
                n.set(0);
            }
            m.len.set(0);
        }
    }

    pub(crate) fn failed(&self) {
        let n = self.failures.get().saturating_add(1);
        self.failures.set(n);
        self.wait.set(1 << n.min(12));
    }

    /// How often the instruction ran, if that is counted.
    pub fn executions(&self) -> u64 {
        self.more().map_or(0, |m| m.executions.get())
    }

    /// How many of the counted executions looked nothing up: what the site remembers was enough.
    pub fn hits(&self) -> u64 {
        self.more().map_or(0, |m| m.executions.get().saturating_sub(m.looks.get()))
    }

    /// The index of the instruction.
    pub fn at(&self) -> u32 {
        self.at.get()
    }

    /// How often the site met something it did not know.
    pub fn misses(&self) -> u32 {
        self.more().map_or(0, |m| m.misses.get())
    }

    /// How often it had to forget.
    pub fn forgotten(&self) -> u32 {
        self.more().map_or(0, |m| m.forgotten.get())
    }

    /// How often nothing could be remembered.
    pub fn failures(&self) -> u32 {
        self.failures.get().into()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(m) = self.more.take() {
            // SAFETY: made by `more_or_new` from a box; nobody else frees it.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(m).cast_mut()) });
        }
    }
}

const _: () = assert!(size_of::<Site>() == 64);
