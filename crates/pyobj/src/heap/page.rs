//! Pages: 64 KiB aligned runs of equal cells.

use std::cell::Cell;

use super::Header;

/// The size and alignment of a page in bytes.
pub const PAGE_SIZE: usize = 64 * 1024;

/// What the cells of a page hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PageKind {
    /// Objects that hold no references (strings, big ints, floats): the collector never looks inside.
    Leaf = 0,
    /// Objects that may take part in reference cycles.
    Container = 1,
}

/// The header of a page. Large objects have a page of their own with one cell.
#[repr(C)]
pub struct Page {
    pub(super) next: Cell<*mut Page>,
    pub(super) prev: Cell<*mut Page>,
    /// One count per cell while the collector looks at the page, otherwise null.
    pub(super) counts: Cell<*mut i32>,
    /// Scratch for the search for empty pages.
    pub(super) free_cells: Cell<u32>,
    /// Live containers when the collector last looked at all of them.
    pub(super) live: Cell<u32>,
    /// No container of the page is of a younger generation, so that collections of young containers pass it over.
    pub(super) youngest: Cell<u8>,
    pub(super) kind: PageKind,
    pub(super) large: bool,
    /// Cells are freed out of line: the page is large, or allocations are traced.
    pub(super) special: Cell<bool>,
    pub(super) cell_size: u32,
    pub(super) cell_count: u32,
    /// `ceil(2^32 / cell_size)`: turns an offset into a cell index without a division.
    pub(super) reciprocal: u32,
    pub(super) first_cell: u32,
    /// Bytes of the whole allocation (large pages only).
    pub(super) alloc_size: usize,
}

/// Set once `__del__` ran (PEP 442: at most once).
pub(crate) const FLAG_FINALIZED: u8 = 0x80;
/// The generation of a container, written by the collector; 3 is exempt from collection.
pub(crate) const FLAG_GEN_MASK: u8 = 0x03;
/// The object's finaliser has nothing to do any more.
pub(crate) const FLAG_SPENT: u8 = 0x20;
/// The container is a candidate of the collection that is going on.
pub(crate) const FLAG_CANDIDATE: u8 = 0x10;

impl Page {
    /// The page of an object.
    ///
    /// # Safety
    /// `p` must point at a cell of the heap.
    #[inline(always)]
    pub unsafe fn of<'a>(p: *const Header) -> &'a Page {
        // SAFETY: every cell lies in an aligned page, and large cells begin in its first 64 KiB.
        unsafe { &*((p as usize & !(PAGE_SIZE - 1)) as *const Page) }
    }

    /// Whether the collector looks inside.
    pub fn kind(&self) -> PageKind {
        self.kind
    }

    /// How many cells the page holds, free ones included.
    pub fn cell_count(&self) -> usize {
        self.cell_count as usize
    }

    /// The bytes of one cell.
    pub fn cell_size(&self) -> usize {
        self.cell_size as usize
    }

    /// The bytes of the cell at `p`, which lies in this page.
    pub(crate) fn room_of(&self, p: *const Header) -> usize {
        if self.large { self.alloc_size - (p as usize - self as *const Page as usize) } else { self.cell_size() }
    }

    /// The `i`-th cell; it is free if its shape id is zero.
    #[inline(always)]
    pub fn cell(&self, i: usize) -> *const Header {
        debug_assert!(i < self.cell_count as usize);
        (self as *const Page as usize + self.first_cell as usize + i * self.cell_size as usize) as *const Header
    }

    /// The index of a cell of this page.
    #[inline(always)]
    pub fn index_of(&self, p: *const Header) -> usize {
        if self.large {
            return 0;
        }
        let off = p as usize - (self as *const Page as usize) - self.first_cell as usize;
        ((off as u64 * self.reciprocal as u64) >> 32) as usize
    }

    #[inline(always)]
    fn flags_ptr(&self, i: usize) -> *mut u8 {
        (self as *const Page as usize + size_of::<Page>() + i) as *mut u8
    }

    /// The collector's flag byte of a cell (containers only).
    #[inline(always)]
    pub(crate) fn flags(&self, i: usize) -> u8 {
        debug_assert!(self.kind == PageKind::Container);
        // SAFETY: container pages have one flag byte per cell after the header.
        unsafe { *self.flags_ptr(i) }
    }

    /// Forgets a cell's flags. Most cells die young and have none, so the byte is seldom written.
    #[inline(always)]
    pub(crate) fn clear_flags(&self, i: usize) {
        // SAFETY: as in `set_flags`.
        unsafe {
            let f = self.flags_ptr(i);
            if *f != 0 {
                *f = 0;
            }
        }
    }

    #[inline(always)]
    pub(crate) fn set_flags(&self, i: usize, f: u8) {
        debug_assert!(self.kind == PageKind::Container);
        // SAFETY: as in `flags`; the interpreter lock guards the byte.
        unsafe { *self.flags_ptr(i) = f }
    }
}

#[inline(always)]
pub(crate) unsafe fn cell_flags(p: *const Header) -> u8 {
    // SAFETY: `p` is a cell by the caller's promise.
    let page = unsafe { Page::of(p) };
    if page.kind == PageKind::Container { page.flags(page.index_of(p)) } else { 0 }
}

#[inline(always)]
pub(crate) unsafe fn set_cell_flags(p: *const Header, f: u8) {
    // SAFETY: `p` is a cell by the caller's promise.
    let page = unsafe { Page::of(p) };
    if page.kind == PageKind::Container {
        page.set_flags(page.index_of(p), f);
    }
}

/// Calls `f` for every page that holds containers, large ones included.
pub fn for_each_container_page(f: impl FnMut(&Page)) {
    for_each_page(PageKind::Container, f);
}

/// Calls `f` for every page of a kind.
pub(crate) fn for_each_page(kind: PageKind, mut f: impl FnMut(&Page)) {
    let mut p = super::alloc::first_page(kind);
    while !p.is_null() {
        // SAFETY: linked pages stay mapped until they are unlinked.
        let page = unsafe { &*p };
        p = page.next.get();
        f(page);
    }
}
