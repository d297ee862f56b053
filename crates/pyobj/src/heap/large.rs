//! Large blocks of memory.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::{copy_nonoverlapping, null_mut};

use super::reserve;

/// From this size on, blocks are mappings of their own.
///
/// The border lies where copying a block that grows past it (once) is cheap beside what the block will hold: a list
/// that grows item by item to 80 MB never needs more than that and an eighth of it.
const LARGE: usize = 4 << 20;

/// Mappings are aligned to pages of at least this size.
const PAGE: usize = 4096;

/// An allocator for the process: `A` for small blocks, the operating system itself for large ones.
///
/// Allocators that reserve address space without asking whether memory could ever back it answer a request for a
/// tebibyte with success, and the process is killed when it writes there. The system refuses, which becomes a
/// MemoryError. It also moves a mapping that grows without copying it, and takes back what a block no longer needs.
///
/// Large blocks may be refused: whoever asks for one that a program can choose the size of has to be prepared. Small
/// ones come from the reserve when `A` has none; when that is used up as well, the process ends.
pub struct LargeFromSystem<A>(pub A);

fn is_large(size: usize, align: usize) -> bool {
    size >= LARGE && align <= PAGE
}

/// A new mapping of `size` zero bytes, or null.
fn map(size: usize) -> *mut u8 {
    if reserve::must_fail() {
        return reserve::refuse();
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping overlaps nothing.
    let p = unsafe { libc::mmap(null_mut(), size, access, kind, -1, 0) };
    if p == libc::MAP_FAILED { reserve::refuse() } else { p.cast() }
}

// SAFETY: each block is given back to where it came from, which its layout tells; mappings are aligned to pages.
unsafe impl<A: GlobalAlloc> GlobalAlloc for LargeFromSystem<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is handed on.
        let p = if reserve::must_fail() { null_mut() } else { unsafe { self.0.alloc(layout) } };
        if p.is_null() { from_reserve(layout) } else { p }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout.size(), layout.align()) {
            return map(layout.size());
        }
        // SAFETY: as in `alloc`.
        let p = if reserve::must_fail() { null_mut() } else { unsafe { self.0.alloc_zeroed(layout) } };
        if !p.is_null() {
            return p;
        }
        let p = from_reserve(layout);
        // SAFETY: the block is that long.
        unsafe { p.write_bytes(0, layout.size()) };
        p
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`; a large block is a whole mapping.
        unsafe {
            if is_large(layout.size(), layout.align()) {
                libc::munmap(ptr.cast(), layout.size());
            } else if reserve::owns(ptr) {
                reserve::give(ptr, layout.size());
            } else {
                self.0.dealloc(ptr, layout);
            }
        }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`; a block that changes sides is copied.
        unsafe {
            match (is_large(layout.size(), layout.align()), is_large(new_size, layout.align())) {
                (true, true) => remap(ptr, layout.size(), new_size),
                (false, false) if !reserve::owns(ptr) => {
                    let p = if reserve::must_fail() { null_mut() } else { self.0.realloc(ptr, layout, new_size) };
                    if p.is_null() { self.grow_into_reserve(ptr, layout, new_size) } else { p }
                }
                _ => {
                    let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                    if !new.is_null() {
                        copy_nonoverlapping(ptr, new, layout.size().min(new_size));
                        self.dealloc(ptr, layout);
                    }
                    new
                }
            }
        }
    }
}

/// A small block when there is no memory left.
#[cold]
fn from_reserve(layout: Layout) -> *mut u8 {
    let p = reserve::take(layout);
    if p.is_null() {
        reserve::exhausted(layout);
    }
    p
}

impl<A: GlobalAlloc> LargeFromSystem<A> {
    #[cold]
    unsafe fn grow_into_reserve(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller owns the block, which is left as it was when it could not grow.
        unsafe {
            let new = from_reserve(Layout::from_size_align_unchecked(new_size, layout.align()));
            copy_nonoverlapping(ptr, new, layout.size().min(new_size));
            self.0.dealloc(ptr, layout);
            new
        }
    }
}

/// Grows or shrinks a mapping, which may move; null leaves it as it was.
#[cfg(target_os = "linux")]
unsafe fn remap(ptr: *mut u8, size: usize, new_size: usize) -> *mut u8 {
    if reserve::must_fail() {
        return reserve::refuse();
    }
    // SAFETY: the caller owns the mapping.
    let p = unsafe { libc::mremap(ptr.cast(), size, new_size, libc::MREMAP_MAYMOVE) };
    if p == libc::MAP_FAILED { reserve::refuse() } else { p.cast() }
}

/// Grows or shrinks a mapping, which moves; null leaves it as it was.
#[cfg(not(target_os = "linux"))]
unsafe fn remap(ptr: *mut u8, size: usize, new_size: usize) -> *mut u8 {
    let p = map(new_size);
    if !p.is_null() {
        // SAFETY: the caller owns the old mapping, the new one is apart from it.
        unsafe {
            copy_nonoverlapping(ptr, p, size.min(new_size));
            libc::munmap(ptr.cast(), size);
        }
    }
    p
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    #[test]
    fn blocks_keep_their_bytes_across_the_border_and_absurd_sizes_are_refused() {
        let a = LargeFromSystem(System);
        // SAFETY: blocks are used within their sizes and given back with their layouts.
        unsafe {
            let small = Layout::from_size_align_unchecked(1 << 20, 8);
            let p = a.alloc(small);
            assert!(!p.is_null());
            p.write(7);
            let p = a.realloc(p, small, LARGE);
            assert!(!p.is_null() && p.read() == 7);
            let p = a.realloc(p, Layout::from_size_align_unchecked(LARGE, 8), 3 * LARGE);
            assert!(!p.is_null() && p.read() == 7 && p.add(3 * LARGE - 1).read() == 0);
            let p = a.realloc(p, Layout::from_size_align_unchecked(3 * LARGE, 8), 100);
            assert!(!p.is_null() && p.read() == 7);
            a.dealloc(p, Layout::from_size_align_unchecked(100, 8));
            // Hidden from the optimiser, which may take an allocation that nothing reads for a success.
            let absurd = std::hint::black_box(Layout::from_size_align_unchecked(1 << 60, 8));
            assert!(std::hint::black_box(a.alloc(absurd)).is_null());
        }
    }
}
