//! Memory for when there is none left: what cannot fail is served from here, and a MemoryError follows.
//!
//! Most of what a runtime allocates (a cell, a table that grows by a few entries) has no way to fail at the place
//! where it is needed. When the system refuses such a block it comes from the reserve, and the thread's next poll
//! raises MemoryError. What the program frees then goes back to where it came from, the reserve included. A second
//! error comes only after more of the reserve is used up, so that handlers have room to work.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ctx::{Ctx, Poll};

/// Address space of the reserve. It takes memory only when it is used.
const SIZE: usize = 32 << 20;

/// Blocks begin and end at multiples of this.
const UNIT: usize = 64;

/// So much more of the reserve may be used before a MemoryError is raised again.
const STEP: usize = 1 << 20;

#[repr(C, align(4096))]
struct Arena(UnsafeCell<[u8; SIZE]>);

// SAFETY: the free list, which a mutex guards, says who owns which part.
unsafe impl Sync for Arena {}

static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]));

/// A free block, in the block itself. Blocks are linked in the order of their addresses.
struct Free {
    size: usize,
    next: *mut Free,
}

struct State {
    free: *mut Free,
    ready: bool,
    used: usize,
    /// From this use on a MemoryError is due.
    next_error: usize,
}

// SAFETY: the blocks in the list belong to whoever has the list.
unsafe impl Send for State {}

static STATE: Mutex<State> = Mutex::new(State { free: null_mut(), ready: false, used: 0, next_error: 0 });

fn state() -> MutexGuard<'static, State> {
    let mut s = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if !s.ready {
        s.ready = true;
        s.free = ARENA.0.get().cast::<Free>();
        // SAFETY: nothing of the arena is in use yet.
        unsafe { s.free.write(Free { size: SIZE, next: null_mut() }) };
    }
    s
}

/// Whether a block came from the reserve.
#[inline(always)]
pub(super) fn owns(p: *const u8) -> bool {
    (p as usize).wrapping_sub(ARENA.0.get() as usize) < SIZE
}

fn rounded(size: usize) -> usize {
    size.max(1).next_multiple_of(UNIT)
}

/// A block of the reserve, with bytes of any value, or null if it is used up. A MemoryError is raised at the next poll
/// of the calling thread.
#[cold]
pub(super) fn take(layout: Layout) -> *mut u8 {
    let size = rounded(layout.size());
    let align = layout.align().max(UNIT);
    let mut s = state();
    let mut link = &raw mut s.free;
    // SAFETY: the list holds free blocks of the arena, each of which has room for its own description.
    unsafe {
        while !(*link).is_null() {
            let block = *link;
            let Free { size: room, next } = block.read();
            let start = (block as usize).next_multiple_of(align);
            let before = start - block as usize;
            if before + size <= room {
                let after = room - before - size;
                let mut rest = next;
                if after > 0 {
                    rest = (start + size) as *mut Free;
                    rest.write(Free { size: after, next });
                }
                if before > 0 {
                    block.write(Free { size: before, next: rest });
                } else {
                    *link = rest;
                }
                s.used += size;
                USED.store(s.used, Ordering::Relaxed);
                let due = s.used > s.next_error;
                if due {
                    s.next_error = s.used + STEP;
                }
                drop(s);
                if due {
                    Ctx::request_of_this_thread(Poll::MEMORY);
                }
                return start as *mut u8;
            }
            link = &raw mut (*block).next;
        }
    }
    null_mut()
}

/// Gives a block back.
///
/// # Safety
/// The block must have been [taken](take) with a layout of this size, and nobody may use it any more.
#[cold]
pub(super) unsafe fn give(p: *mut u8, size: usize) {
    let size = rounded(size);
    let new = p.cast::<Free>();
    let mut s = state();
    s.used -= size;
    USED.store(s.used, Ordering::Relaxed);
    s.next_error = if s.used == 0 { 0 } else { s.next_error.min(s.used + STEP) };
    // SAFETY: as in `take`; the caller gives its block up.
    unsafe {
        let mut before: *mut Free = null_mut();
        let mut after = s.free;
        while !after.is_null() && (after as usize) < p as usize {
            before = after;
            after = (*after).next;
        }
        new.write(Free { size, next: after });
        if before.is_null() {
            s.free = new;
        } else {
            (*before).next = new;
            join(before);
            if p as usize == before as usize + (*before).size - size {
                return join(before);
            }
        }
        join(new);
    }
}

/// Makes one block of a block and the next one if they touch.
unsafe fn join(block: *mut Free) {
    // SAFETY: the caller has the list.
    unsafe {
        let next = (*block).next;
        if !next.is_null() && block as usize + (*block).size == next as usize {
            (*block).size += (*next).size;
            (*block).next = (*next).next;
        }
    }
}

static EXHAUSTED: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Sets what ends the process when even the reserve is used up. It is called with the size of the block that was
/// asked for, and must not allocate.
pub fn set_exhausted_hook(hook: fn(usize) -> !) {
    EXHAUSTED.store(hook as *mut (), Ordering::Release);
}

/// Ends the process: a block that the program cannot go on without is not to be had.
#[cold]
pub(super) fn exhausted(layout: Layout) -> ! {
    let hook = EXHAUSTED.load(Ordering::Acquire);
    if hook.is_null() {
        std::alloc::handle_alloc_error(layout)
    }
    // SAFETY: only functions of this type are stored.
    let hook: fn(usize) -> ! = unsafe { std::mem::transmute(hook) };
    hook(layout.size())
}

/// Bytes of the reserve that are in use.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Whether so little memory is left that what can be done without should not be made.
#[inline]
pub fn is_memory_short() -> bool {
    USED.load(Ordering::Relaxed) > SIZE / 8
}

/// Whether a large block was refused, and nobody has said yet that this became a MemoryError.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// A large block is not to be had.
#[cold]
pub(super) fn refuse() -> *mut u8 {
    REFUSED.store(true, Ordering::Relaxed);
    null_mut()
}

/// The refusal became a MemoryError.
pub(crate) fn refusal_is_reported() {
    REFUSED.store(false, Ordering::Relaxed);
}

/// Whether what goes wrong now goes wrong because a large block was refused.
pub fn is_memory_refused() -> bool {
    REFUSED.load(Ordering::Relaxed)
}

/// Which requests for memory are to fail, for tests.
static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FIRST: AtomicUsize = AtomicUsize::new(usize::MAX);
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Has requests for memory fail as if there were none left: of those made from now on (0 is the next one), the ones
/// from `start` up to, but without, `stop`. Nothing fails where `start` is not less than `stop`; requests are counted
/// all the same. Both cells of objects and other blocks are requests.
pub fn fail_allocations(start: usize, stop: usize) {
    FIRST.store(start, Ordering::Relaxed);
    LAST.store(stop, Ordering::Relaxed);
    COUNT.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    super::alloc::observe_allocations(true);
}

/// Ends [`fail_allocations`]; returns how many requests were made since.
pub fn stop_failing_allocations() -> usize {
    COUNTING.store(false, Ordering::Relaxed);
    super::alloc::observe_allocations(false);
    COUNT.load(Ordering::Relaxed)
}

/// Whether this request is one of those that are to fail.
#[inline(always)]
pub(super) fn must_fail() -> bool {
    COUNTING.load(Ordering::Relaxed) && next_fails()
}

#[cold]
#[inline(never)]
fn next_fails() -> bool {
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let fails = n >= FIRST.load(Ordering::Relaxed) && n < LAST.load(Ordering::Relaxed);
    if fails {
        // Each failure raises, however little of the reserve it takes.
        Ctx::request_of_this_thread(Poll::MEMORY);
    }
    fails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_aligned_and_join_again() {
        let mut blocks: Vec<(*mut u8, Layout)> = Vec::new();
        let mut seed = 1usize;
        for round in 0..2000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            if round % 3 == 2 {
                let (p, layout) = blocks.swap_remove((seed >> 33) % blocks.len());
                // SAFETY: the block is used within its size and given back once.
                unsafe {
                    assert_eq!(p.read(), p as usize as u8 ^ 0x5a);
                    assert_eq!(p.add(layout.size() - 1).read(), p as usize as u8 ^ 0x5a);
                    give(p, layout.size());
                }
                continue;
            }
            let align = 1 << (seed >> 40) % 17;
            let layout = Layout::from_size_align(1 + (seed >> 33) % 9000, align).unwrap();
            let p = take(layout);
            assert!(!p.is_null() && owns(p) && (p as usize).is_multiple_of(align));
            // SAFETY: the block is ours.
            unsafe { p.write_bytes(p as usize as u8 ^ 0x5a, layout.size()) };
            blocks.push((p, layout));
        }
        for (p, layout) in blocks {
            // SAFETY: as above.
            unsafe { give(p, layout.size()) };
        }
        let all = Layout::from_size_align(SIZE, 64).unwrap();
        let p = take(all);
        assert!(!p.is_null(), "what was given back is one block again");
        assert!(take(Layout::new::<u64>()).is_null(), "nothing is left");
        // SAFETY: as above.
        unsafe { give(p, SIZE) };
    }
}
