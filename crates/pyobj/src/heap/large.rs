//! Large blocks of memory.

use std::alloc::{GlobalAlloc, Layout, System};

/// From this size on, blocks come from the operating system's allocator.
const LARGE: usize = 64 << 20;

/// An allocator for the process: `A` for small blocks, the system's for large ones.
///
/// Allocators that reserve address space without asking whether memory could ever back it answer a request for a
/// tebibyte with success, and the process is killed when it writes there. The system's allocator refuses, which
/// becomes a MemoryError.
pub struct LargeFromSystem<A>(pub A);

fn is_large(size: usize) -> bool {
    size >= LARGE
}

// SAFETY: each block is given back to the allocator that it came from, which its size tells.
unsafe impl<A: GlobalAlloc> GlobalAlloc for LargeFromSystem<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { if is_large(layout.size()) { System.alloc(layout) } else { self.0.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { if is_large(layout.size()) { System.alloc_zeroed(layout) } else { self.0.alloc_zeroed(layout) } }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { if is_large(layout.size()) { System.dealloc(ptr, layout) } else { self.0.dealloc(ptr, layout) } }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`; a block that changes sides is copied.
        unsafe {
            match (is_large(layout.size()), is_large(new_size)) {
                (true, true) => System.realloc(ptr, layout, new_size),
                (false, false) => self.0.realloc(ptr, layout, new_size),
                _ => {
                    let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
                    if !new.is_null() {
                        std::ptr::copy_nonoverlapping(ptr, new, layout.size().min(new_size));
                        self.dealloc(ptr, layout);
                    }
                    new
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
            let large = Layout::from_size_align_unchecked(LARGE, 8);
            let p = a.realloc(p, large, 100);
            assert!(!p.is_null() && p.read() == 7);
            a.dealloc(p, Layout::from_size_align_unchecked(100, 8));
            // Hidden from the optimiser, which may take an allocation that nothing reads for a success.
            let absurd = std::hint::black_box(Layout::from_size_align_unchecked(1 << 60, 8));
            assert!(std::hint::black_box(a.alloc(absurd)).is_null());
        }
    }
}
