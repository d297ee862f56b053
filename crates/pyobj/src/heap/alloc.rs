//! Cell allocation: one free list per size class and page kind.

use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};

use super::page::{PAGE_SIZE, Page, PageKind};
use super::Header;

/// Process-wide state that the interpreter lock guards.
pub(crate) struct Gil<T>(UnsafeCell<T>);

// SAFETY: every access happens under the interpreter lock.
unsafe impl<T> Sync for Gil<T> {}

impl<T> Gil<T> {
    pub(crate) const fn new(v: T) -> Gil<T> {
        Gil(UnsafeCell::new(v))
    }

    /// The state. It is built of `Cell`s, so shared access is enough.
    #[inline(always)]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: the interpreter lock serialises access, and only shared references are made.
        unsafe { &*self.0.get() }
    }
}

const SMALL_STEP: usize = 8;
const SMALL_MAX: usize = 512;
const SMALL_CLASSES: usize = SMALL_MAX / SMALL_STEP + 1;
const MEDIUM: [usize; 10] = [640, 768, 1024, 1280, 1536, 2048, 3072, 4096, 6144, 8192];
const CLASSES: usize = SMALL_CLASSES + MEDIUM.len();
const CHUNK: usize = 4 * 1024 * 1024;

#[repr(C)]
struct FreeCell {
    header: u64,
    next: *mut FreeCell,
}

struct SizeClass {
    free: Cell<*mut FreeCell>,
    bump: Cell<*mut u8>,
    bump_end: Cell<*mut u8>,
}

struct Heap {
    classes: [[SizeClass; CLASSES]; 2],
    container_pages: Cell<*mut Page>,
    leaf_pages: Cell<*mut Page>,
    chunk: Cell<*mut u8>,
    chunk_left: Cell<usize>,
    /// Containers made minus containers freed since the collector last reset it.
    young: Cell<i64>,
    threshold: Cell<i64>,
    request_collection: Cell<fn()>,
    bytes: Cell<usize>,
}

static HEAP: Gil<Heap> = Gil::new(Heap {
    classes: [const { [const { SizeClass::new() }; CLASSES] }; 2],
    container_pages: Cell::new(std::ptr::null_mut()),
    leaf_pages: Cell::new(std::ptr::null_mut()),
    chunk: Cell::new(std::ptr::null_mut()),
    chunk_left: Cell::new(0),
    young: Cell::new(0),
    threshold: Cell::new(i64::MAX),
    request_collection: Cell::new(no_hook),
    bytes: Cell::new(0),
});

fn no_hook() {}

impl SizeClass {
    const fn new() -> SizeClass {
        SizeClass {
            free: Cell::new(std::ptr::null_mut()),
            bump: Cell::new(std::ptr::null_mut()),
            bump_end: Cell::new(std::ptr::null_mut()),
        }
    }
}

/// Counters of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Bytes taken from the system for pages.
    pub page_bytes: usize,
    /// Containers allocated minus freed since [`Stats::reset_young`].
    pub young: i64,
}

impl Stats {
    /// The counters now.
    pub fn now() -> Stats {
        let h = HEAP.get();
        Stats { page_bytes: h.bytes.get(), young: h.young.get() }
    }

    /// Starts counting young containers anew.
    pub fn reset_young() {
        HEAP.get().young.set(0);
    }
}

/// Sets how many young containers ask for a collection, and whom they ask. Allocation never collects
/// itself: the hook only sets a flag that the interpreter polls. `i64::MAX` turns the request off.
pub fn set_collect_request_hook(threshold: i64, hook: fn()) {
    let h = HEAP.get();
    h.threshold.set(threshold);
    h.request_collection.set(hook);
}

pub(super) fn first_container_page() -> *mut Page {
    HEAP.get().container_pages.get()
}

#[inline(always)]
fn class_of(size: usize) -> usize {
    if size <= SMALL_MAX {
        return size.div_ceil(SMALL_STEP);
    }
    SMALL_CLASSES + MEDIUM.iter().position(|&m| size <= m).unwrap_or(MEDIUM.len())
}

fn class_size(class: usize) -> usize {
    if class < SMALL_CLASSES { class * SMALL_STEP } else { MEDIUM[class - SMALL_CLASSES] }
}

/// A cell of at least `size` bytes whose header is zero.
#[inline(always)]
pub(crate) fn alloc_cell(kind: PageKind, size: usize) -> *mut Header {
    let h = HEAP.get();
    if kind == PageKind::Container {
        let n = h.young.get() + 1;
        h.young.set(n);
        if n >= h.threshold.get() {
            (h.request_collection.get())();
        }
    }
    let class = class_of(size.max(16));
    if class < CLASSES {
        let c = &h.classes[kind as usize][class];
        let f = c.free.get();
        if !f.is_null() {
            // SAFETY: free cells are linked through their second word.
            c.free.set(unsafe { (*f).next });
            return f as *mut Header;
        }
    }
    alloc_slow(h, kind, class, size)
}

#[cold]
#[inline(never)]
fn alloc_slow(h: &Heap, kind: PageKind, class: usize, size: usize) -> *mut Header {
    if class >= CLASSES {
        return alloc_large(h, kind, size);
    }
    let c = &h.classes[kind as usize][class];
    let cell = class_size(class);
    if (c.bump_end.get() as usize) - (c.bump.get() as usize) < cell {
        let page = new_page(h);
        // SAFETY: the page is fresh memory of PAGE_SIZE bytes.
        unsafe {
            let meta = if kind == PageKind::Container { PAGE_SIZE / cell } else { 0 };
            let first = (size_of::<Page>() + meta).next_multiple_of(16);
            let count = (PAGE_SIZE - first) / cell;
            page.write(Page {
                next: std::ptr::null_mut(),
                kind,
                large: false,
                cell_size: cell as u32,
                cell_count: count as u32,
                reciprocal: (1u64 << 32).div_ceil(cell as u64) as u32,
                first_cell: first as u32,
                alloc_size: PAGE_SIZE,
            });
            link(h, page);
            c.bump.set((page as *mut u8).add(first));
            c.bump_end.set((page as *mut u8).add(first + count * cell));
        }
    }
    let p = c.bump.get();
    // SAFETY: a whole cell is left before `bump_end`.
    c.bump.set(unsafe { p.add(cell) });
    p as *mut Header
}

fn link(h: &Heap, page: *mut Page) {
    // SAFETY: the page was just made.
    unsafe {
        let head = if (*page).kind == PageKind::Container { &h.container_pages } else { &h.leaf_pages };
        (*page).next = head.get();
        head.set(page);
    }
}

fn new_page(h: &Heap) -> *mut Page {
    if h.chunk_left.get() == 0 {
        let layout = Layout::from_size_align(CHUNK, PAGE_SIZE).unwrap_or(Layout::new::<u64>());
        // SAFETY: the layout is not empty. Zeroed memory makes every cell of it free.
        let p = unsafe { std::alloc::alloc_zeroed(layout) };
        if p.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        h.bytes.set(h.bytes.get() + CHUNK);
        h.chunk.set(p);
        h.chunk_left.set(CHUNK);
    }
    let p = h.chunk.get();
    // SAFETY: a page is left in the chunk.
    h.chunk.set(unsafe { p.add(PAGE_SIZE) });
    h.chunk_left.set(h.chunk_left.get() - PAGE_SIZE);
    p as *mut Page
}

const LARGE_FIRST: usize = (size_of::<Page>() + 1).next_multiple_of(16);

fn alloc_large(h: &Heap, kind: PageKind, size: usize) -> *mut Header {
    let total = size.saturating_add(LARGE_FIRST).max(LARGE_FIRST + 16);
    let layout = match Layout::from_size_align(total, PAGE_SIZE) {
        Ok(l) => l,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<u64>()),
    };
    // SAFETY: the layout is not empty.
    unsafe {
        let page = std::alloc::alloc(layout) as *mut Page;
        if page.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        page.write(Page {
            next: std::ptr::null_mut(),
            kind,
            large: true,
            cell_size: (size.min(u32::MAX as usize)) as u32,
            cell_count: 1,
            reciprocal: 0,
            first_cell: LARGE_FIRST as u32,
            alloc_size: total,
        });
        let p = (page as *mut u8).add(LARGE_FIRST);
        (page as *mut u8).add(size_of::<Page>()).write(0);
        (p as *mut u64).write(0);
        h.bytes.set(h.bytes.get() + total);
        if kind == PageKind::Container {
            link(h, page);
        }
        p as *mut Header
    }
}

/// Gives a cell back. The object in it has been dropped.
///
/// # Safety
/// `p` must be an allocated cell of that kind that nothing refers to.
#[inline(always)]
pub(crate) unsafe fn free_cell(p: *mut Header, kind: PageKind) {
    let h = HEAP.get();
    // SAFETY: by the caller's promise the cell is ours.
    unsafe {
        let page = Page::of(p);
        (p as *mut u64).write(0);
        if kind == PageKind::Container {
            h.young.set(h.young.get() - 1);
            page.set_flags(page.index_of(p), 0);
        }
        if page.large {
            return free_large(h, page);
        }
        let c = &h.classes[kind as usize][class_of(page.cell_size as usize)];
        let f = p as *mut FreeCell;
        (*f).next = c.free.get();
        c.free.set(f);
    }
}

#[cold]
fn free_large(h: &Heap, page: &Page) {
    let p = page as *const Page as *mut Page;
    if page.kind == PageKind::Container {
        let mut link = h.container_pages.as_ptr();
        // SAFETY: the list links live pages; `page` is in it.
        unsafe {
            while !(*link).is_null() && *link != p {
                link = &raw mut (**link).next;
            }
            if !(*link).is_null() {
                *link = (*p).next;
            }
        }
    }
    h.bytes.set(h.bytes.get() - page.alloc_size);
    // SAFETY: the page was allocated with this layout, and its cell is free.
    unsafe {
        let layout = Layout::from_size_align_unchecked(page.alloc_size, PAGE_SIZE);
        std::alloc::dealloc(p as *mut u8, layout);
    }
}
