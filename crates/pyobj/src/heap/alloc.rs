//! Cell allocation: one free list per size class and page kind.

use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};

use super::Header;
use super::page::{PAGE_SIZE, Page, PageKind};

/// Process-wide state that the interpreter lock guards.
pub struct Gil<T>(UnsafeCell<T>);

// SAFETY: every access happens under the interpreter lock.
unsafe impl<T> Sync for Gil<T> {}

impl<T> Gil<T> {
    /// Wraps a state.
    pub const fn new(v: T) -> Gil<T> {
        Gil(UnsafeCell::new(v))
    }

    /// The state. It is built of `Cell`s, so shared access is enough.
    #[inline(always)]
    pub fn get(&self) -> &T {
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
    /// The free list while allocations are traced: `free` is empty then, so that each allocation comes the slow way.
    parked: Cell<*mut FreeCell>,
}

struct Heap {
    classes: [[SizeClass; CLASSES]; 2],
    /// The heads of the lists of pages, by kind.
    pages: [Cell<*mut Page>; 2],
    /// Pages given back by the collector, zeroed.
    spare: Cell<Vec<*mut Page>>,
    chunk: Cell<*mut u8>,
    chunk_left: Cell<usize>,
    /// Containers made minus containers freed since the collector last reset it.
    young: Cell<i64>,
    threshold: Cell<i64>,
    request_collection: Cell<fn()>,
    bytes: Cell<usize>,
    tracer: Cell<Option<Tracer>>,
    /// Somebody counts allocations.
    counted: Cell<bool>,
}

/// Who is told of every cell that is allocated or freed.
#[derive(Clone, Copy)]
pub struct Tracer {
    /// A cell of so many bytes was allocated. It holds no object yet.
    pub allocated: fn(*const Header, usize),
    /// A cell is given back.
    pub freed: fn(*const Header),
}

static HEAP: Gil<Heap> = Gil::new(Heap {
    classes: [const { [const { SizeClass::new() }; CLASSES] }; 2],
    pages: [const { Cell::new(std::ptr::null_mut()) }; 2],
    spare: Cell::new(Vec::new()),
    chunk: Cell::new(std::ptr::null_mut()),
    chunk_left: Cell::new(0),
    young: Cell::new(0),
    threshold: Cell::new(i64::MAX),
    request_collection: Cell::new(no_hook),
    bytes: Cell::new(0),
    tracer: Cell::new(None),
    counted: Cell::new(false),
});

fn no_hook() {}

impl Heap {
    /// Whether allocations are traced or counted.
    fn is_observed(&self) -> bool {
        self.tracer.get().is_some() || self.counted.get()
    }
}

impl SizeClass {
    const fn new() -> SizeClass {
        SizeClass {
            free: Cell::new(std::ptr::null_mut()),
            bump: Cell::new(std::ptr::null_mut()),
            bump_end: Cell::new(std::ptr::null_mut()),
            parked: Cell::new(std::ptr::null_mut()),
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

/// Changes the threshold alone; see [`set_collect_request_hook`].
pub(super) fn set_threshold(threshold: i64) {
    HEAP.get().threshold.set(threshold);
}

/// Whether there are as many young containers as ask for a collection.
pub(super) fn is_over_threshold() -> bool {
    let h = HEAP.get();
    h.young.get() >= h.threshold.get()
}

/// Sets how many young containers ask for a collection, and whom they ask. Allocation never collects
/// itself: the hook only sets a flag that the interpreter polls. `i64::MAX` turns the request off.
pub fn set_collect_request_hook(threshold: i64, hook: fn()) {
    let h = HEAP.get();
    h.threshold.set(threshold);
    h.request_collection.set(hook);
}

pub(super) fn first_page(kind: PageKind) -> *mut Page {
    HEAP.get().pages[kind as usize].get()
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
            // SAFETY: free cells are linked through their second word and lie in live pages.
            unsafe {
                c.free.set((*f).next);
                if kind == PageKind::Container {
                    Page::of(f as *const Header).youngest.set(0);
                }
            }
            return f as *mut Header;
        }
    }
    alloc_slow(h, kind, class, size)
}

/// A container cell of at least `size` (at most 512) bytes, if one is on the free list and no collection is due.
#[inline(always)]
pub(crate) fn quick_cell(size: usize) -> Option<*mut Header> {
    let h = HEAP.get();
    let n = h.young.get() + 1;
    if size > SMALL_MAX || n >= h.threshold.get() {
        return None;
    }
    let c = &h.classes[PageKind::Container as usize][size.max(16).div_ceil(SMALL_STEP)];
    let f = c.free.get();
    if f.is_null() {
        return None;
    }
    h.young.set(n);
    // SAFETY: free cells are linked through their second word and lie in live pages.
    unsafe {
        c.free.set((*f).next);
        Page::of(f as *const Header).youngest.set(0);
    }
    Some(f as *mut Header)
}

#[cold]
#[inline(never)]
fn alloc_slow(h: &Heap, kind: PageKind, class: usize, size: usize) -> *mut Header {
    if h.tracer.get().is_none() && !h.counted.get() {
        return alloc_fresh(h, kind, class, size);
    }
    // A cell that is to fail is one of the reserve: it is there, and a MemoryError follows.
    super::reserve::must_fail();
    let parked = h.classes[kind as usize].get(class).map(|c| &c.parked);
    let p = match parked {
        Some(list) if !list.get().is_null() => {
            let f = list.get();
            // SAFETY: free cells are linked through their second word.
            list.set(unsafe { (*f).next });
            f as *mut Header
        }
        _ => alloc_fresh(h, kind, class, size),
    };
    if let Some(t) = h.tracer.get() {
        (t.allocated)(p, size);
    }
    p
}

#[inline(always)]
fn alloc_fresh(h: &Heap, kind: PageKind, class: usize, size: usize) -> *mut Header {
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
                next: Cell::new(std::ptr::null_mut()),
                prev: Cell::new(std::ptr::null_mut()),
                counts: Cell::new(std::ptr::null_mut()),
                free_cells: Cell::new(0),
                live: Cell::new(0),
                youngest: Cell::new(0),
                kind,
                large: false,
                special: Cell::new(h.is_observed()),
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
    unsafe {
        c.bump.set(p.add(cell));
        Page::of(p as *const Header).youngest.set(0);
    }
    p as *mut Header
}

fn link(h: &Heap, page: *mut Page) {
    // SAFETY: the page was just made, and linked pages stay mapped.
    unsafe {
        let head = &h.pages[(*page).kind as usize];
        let old = head.get();
        (*page).next.set(old);
        if !old.is_null() {
            (*old).prev.set(page);
        }
        head.set(page);
    }
}

fn unlink(h: &Heap, page: &Page) {
    let (prev, next) = (page.prev.get(), page.next.get());
    // SAFETY: neighbours in the list stay mapped.
    unsafe {
        if prev.is_null() {
            h.pages[page.kind as usize].set(next);
        } else {
            (*prev).next.set(next);
        }
        if !next.is_null() {
            (*next).prev.set(prev);
        }
    }
}

fn new_page(h: &Heap) -> *mut Page {
    let mut spare = h.spare.take();
    let page = spare.pop();
    h.spare.set(spare);
    if let Some(p) = page {
        h.bytes.set(h.bytes.get() + PAGE_SIZE);
        return p;
    }
    if h.chunk_left.get() == 0 {
        let chunk = map_chunk();
        if chunk.is_null() {
            return reserved_page(h);
        }
        h.chunk.set(chunk);
        h.chunk_left.set(CHUNK);
    }
    let p = h.chunk.get();
    // SAFETY: a page is left in the chunk.
    h.chunk.set(unsafe { p.add(PAGE_SIZE) });
    h.chunk_left.set(h.chunk_left.get() - PAGE_SIZE);
    h.bytes.set(h.bytes.get() + PAGE_SIZE);
    p as *mut Page
}

/// A page for when the system has no memory left.
#[cold]
fn reserved_page(h: &Heap) -> *mut Page {
    let layout = Layout::new::<Reserved>();
    let p = super::reserve::take(layout);
    if p.is_null() {
        super::reserve::exhausted(layout);
    }
    // SAFETY: the block is that long.
    unsafe { p.write_bytes(0, PAGE_SIZE) };
    h.bytes.set(h.bytes.get() + PAGE_SIZE);
    p.cast()
}

/// The layout of a page.
#[repr(align(65536))]
struct Reserved(#[expect(dead_code, reason = "only its size matters")] [u8; PAGE_SIZE]);

/// Fresh zeroed memory, aligned to pages, or null. It takes room only where it is touched.
fn map_chunk() -> *mut u8 {
    // SAFETY: an anonymous private mapping; the ends that alignment leaves over are given back.
    unsafe {
        let size = CHUNK + PAGE_SIZE;
        let p = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if p == libc::MAP_FAILED {
            return std::ptr::null_mut();
        }
        let start = (p as usize).next_multiple_of(PAGE_SIZE);
        let head = start - p as usize;
        if head > 0 {
            libc::munmap(p, head);
        }
        libc::munmap((start + CHUNK) as *mut libc::c_void, size - head - CHUNK);
        start as *mut u8
    }
}

/// Gives the memory of pages without any object back to the system. Half-made objects are not on a free list,
/// so their pages stay.
pub(super) fn release_empty_pages() {
    let h = HEAP.get();
    for kind in [PageKind::Leaf, PageKind::Container] {
        super::page::for_each_page(kind, |p| p.free_cells.set(0));
        for c in &h.classes[kind as usize] {
            release_of_class(h, c);
        }
    }
}

fn release_of_class(h: &Heap, c: &SizeClass) {
    let in_use = if c.bump.get().is_null() { 0 } else { (c.bump_end.get() as usize - 1) & !(PAGE_SIZE - 1) };
    let mut empty = 0;
    let mut f = c.free.get();
    // SAFETY: free cells are linked through their second word and lie in live pages.
    unsafe {
        while !f.is_null() {
            let page = Page::of(f as *const Header);
            page.free_cells.set(page.free_cells.get() + 1);
            if page.free_cells.get() == page.cell_count && page as *const Page as usize != in_use {
                empty += 1;
            }
            f = (*f).next;
        }
        if empty == 0 {
            return;
        }
        let is_empty = |p: &Page| p.free_cells.get() == p.cell_count && p as *const Page as usize != in_use;
        let mut kept: *mut FreeCell = std::ptr::null_mut();
        let mut tail = &raw mut kept;
        let mut gone = Vec::with_capacity(empty);
        f = c.free.get();
        while !f.is_null() {
            let next = (*f).next;
            let page = Page::of(f as *const Header);
            if is_empty(page) {
                let at = page as *const Page as *mut Page;
                if gone.last() != Some(&at) {
                    gone.push(at);
                }
            } else {
                *tail = f;
                tail = &raw mut (*f).next;
            }
            f = next;
        }
        *tail = std::ptr::null_mut();
        c.free.set(kept);
        gone.sort_unstable();
        gone.dedup();
        let mut spare = h.spare.take();
        for page in gone {
            unlink(h, &*page);
            h.bytes.set(h.bytes.get() - PAGE_SIZE);
            if super::reserve::owns(page.cast()) {
                super::reserve::give(page.cast(), PAGE_SIZE);
                continue;
            }
            libc::madvise(page as *mut libc::c_void, PAGE_SIZE, libc::MADV_DONTNEED);
            spare.push(page);
        }
        h.spare.set(spare);
    }
}

const LARGE_FIRST: usize = (size_of::<Page>() + 1).next_multiple_of(16);

fn alloc_large(h: &Heap, kind: PageKind, size: usize) -> *mut Header {
    let total = size.saturating_add(LARGE_FIRST).max(LARGE_FIRST + 16);
    let layout = match Layout::from_size_align(total, PAGE_SIZE) {
        Ok(l) => l,
        Err(_) => super::reserve::exhausted(Layout::new::<u64>()),
    };
    // SAFETY: the layout is not empty.
    unsafe {
        let page = std::alloc::alloc(layout) as *mut Page;
        if page.is_null() {
            super::reserve::exhausted(layout);
        }
        page.write(Page {
            next: Cell::new(std::ptr::null_mut()),
            prev: Cell::new(std::ptr::null_mut()),
            counts: Cell::new(std::ptr::null_mut()),
            free_cells: Cell::new(0),
            live: Cell::new(0),
            youngest: Cell::new(0),
            kind,
            large: true,
            special: Cell::new(true),
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
        link(h, page);
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
            // The end of older objects must not put off the next collection for long.
            h.young.set((h.young.get() - 1).max(0));
            page.clear_flags(page.index_of(p));
        }
        if page.special.get() {
            return free_special(h, page, p);
        }
        let c = &h.classes[kind as usize][class_of(page.cell_size as usize)];
        let f = p as *mut FreeCell;
        (*f).next = c.free.get();
        c.free.set(f);
    }
}

/// Frees a cell of a large page, or of any page while allocations are traced.
#[cold]
#[inline(never)]
unsafe fn free_special(h: &Heap, page: &Page, p: *mut Header) {
    if let Some(t) = h.tracer.get() {
        (t.freed)(p);
    }
    if page.large {
        return free_large(h, page);
    }
    let c = &h.classes[page.kind as usize][class_of(page.cell_size as usize)];
    let f = p as *mut FreeCell;
    // SAFETY: the cell is free.
    unsafe { (*f).next = c.parked.get() };
    c.parked.set(f);
}

/// Has every allocation told to `tracer`, or to nobody. Untraced allocation costs nothing for it: tracing empties the
/// free lists and marks all pages, so that both ways lead out of line.
pub fn trace_allocations(tracer: Option<Tracer>) {
    let h = HEAP.get();
    let was_on = h.is_observed();
    h.tracer.set(tracer);
    divert(h, was_on);
}

/// Has every allocation of a cell come the slow way, where it is counted.
pub(super) fn observe_allocations(on: bool) {
    let h = HEAP.get();
    let was_on = h.is_observed();
    h.counted.set(on);
    divert(h, was_on);
}

/// Empties or fills the free lists when somebody begins or ceases to look at allocations.
fn divert(h: &Heap, was_on: bool) {
    let on = h.is_observed();
    if was_on == on {
        return;
    }
    for kind in [PageKind::Leaf, PageKind::Container] {
        super::page::for_each_page(kind, |p| p.special.set(on || p.large));
        for c in &h.classes[kind as usize] {
            let (from, to) = if on { (&c.free, &c.parked) } else { (&c.parked, &c.free) };
            to.set(from.replace(std::ptr::null_mut()));
        }
    }
}

#[cold]
fn free_large(h: &Heap, page: &Page) {
    let p = page as *const Page as *mut Page;
    unlink(h, page);
    h.bytes.set(h.bytes.get() - page.alloc_size);
    // SAFETY: the page was allocated with this layout, and its cell is free.
    unsafe {
        let layout = Layout::from_size_align_unchecked(page.alloc_size, PAGE_SIZE);
        std::alloc::dealloc(p as *mut u8, layout);
    }
}
