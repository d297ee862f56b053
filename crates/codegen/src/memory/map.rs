//! The mappings themselves.
//!
//! Layout of the reservation: guard page, code, guard page, data cells, guard page. With dual mapping the writable
//! alias of the code lies elsewhere, between guard pages of its own.

use super::{MemoryError, Protection};
use std::io::Error;
use std::ptr;
use std::sync::Arc;

/// A reservation with its code and data regions; unmapped when the last handle goes.
pub(super) struct Mapping(Arc<Inner>);

struct Inner {
    base: usize,
    len: usize,
    code: usize,
    code_len: usize,
    data: usize,
    /// Address and length of the writable alias with its guards.
    alias: Option<(usize, usize)>,
}

/// Bytes of a page.
pub(super) fn page_size() -> usize {
    // SAFETY: asks for a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

fn failed(what: &'static str) -> MemoryError {
    MemoryError::Map { what, source: Error::last_os_error() }
}

fn reserve(hint: usize, len: usize) -> Result<usize, MemoryError> {
    // SAFETY: a fresh mapping without access; the hint is only a wish.
    let p = unsafe {
        libc::mmap(
            hint as *mut _,
            len,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if p == libc::MAP_FAILED { Err(failed("reserve address space")) } else { Ok(p as usize) }
}

fn protect(at: usize, len: usize, prot: i32) -> Result<(), MemoryError> {
    // SAFETY: callers pass ranges inside their own mappings that hold no Rust objects.
    let r = unsafe { libc::mprotect(at as *mut _, len, prot) };
    if r != 0 { Err(failed("change the protection of code memory")) } else { Ok(()) }
}

impl Mapping {
    pub(super) fn new(protection: Protection, code_len: usize, data_len: usize) -> Result<Mapping, MemoryError> {
        let page = page_size();
        let len = code_len + data_len + 3 * page;
        // Near the program's own text most calls reach runtime functions without a stub.
        let near = (reserve as *const () as usize & !(page - 1)).wrapping_sub(len + (256 << 20)) & !((2 << 20) - 1);
        let base = reserve(near, len)?;
        let mut inner =
            Inner { base, len, code: base + page, code_len, data: base + page + code_len + page, alias: None };
        protect(inner.data, data_len, libc::PROT_READ | libc::PROT_WRITE)?;
        if protection == Protection::DualMapping {
            inner.alias(page)?;
        }
        Ok(Mapping(Arc::new(inner)))
    }

    pub(super) fn handle(&self) -> Mapping {
        Mapping(self.0.clone())
    }

    pub(super) fn code(&self) -> usize {
        self.0.code
    }

    pub(super) fn data(&self) -> usize {
        self.0.data
    }

    /// Puts code into a block of `room` bytes that nobody runs yet.
    pub(super) fn write(&self, offset: usize, room: usize, code: &[u8]) -> Result<(), MemoryError> {
        let inner = &*self.0;
        match inner.alias {
            Some((alias, _)) => {
                let to = (alias + page_size() + offset) as *mut u8;
                // SAFETY: the block lies inside the writable alias, belongs to the caller alone and runs nowhere.
                unsafe { ptr::copy_nonoverlapping(code.as_ptr(), to, code.len()) };
            }
            None => {
                let at = inner.code + offset;
                protect(at, room, libc::PROT_READ | libc::PROT_WRITE)?;
                // SAFETY: the pages were just made writable; they hold this block only.
                unsafe { ptr::copy_nonoverlapping(code.as_ptr(), at as *mut u8, code.len()) };
                protect(at, room, libc::PROT_READ | libc::PROT_EXEC)?;
            }
        }
        Ok(())
    }

    /// Zeroes cells before they are handed out.
    pub(super) fn clear_cells(&self, offset: usize, len: usize) {
        // SAFETY: the range lies in the data region and belongs to no function.
        unsafe { ptr::write_bytes((self.0.data + offset) as *mut u8, 0, len) };
    }

    /// Forgets a freed block: its whole pages go back to the system; the rest traps when run by mistake.
    pub(super) fn discard(&self, offset: usize, len: usize) {
        let inner = &*self.0;
        match inner.alias {
            Some((alias, _)) => {
                let page = page_size();
                let start = offset.next_multiple_of(page);
                let end = (offset + len) & !(page - 1);
                let write = alias + page;
                // SAFETY: the block is free, and 0xcc (x86) or an undefined word (others) is safe filling.
                unsafe { ptr::write_bytes((write + offset) as *mut u8, TRAP_BYTE, len) };
                if end > start {
                    // SAFETY: whole pages inside the freed block.
                    unsafe { libc::madvise((write + start) as *mut _, end - start, libc::MADV_REMOVE) };
                }
            }
            None => {
                let at = inner.code + offset;
                // SAFETY: whole pages of a freed block; the next writer starts with zero pages.
                unsafe { libc::madvise(at as *mut _, len, libc::MADV_DONTNEED) };
                let _ = protect(at, len, libc::PROT_NONE);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
const TRAP_BYTE: u8 = 0xcc;
#[cfg(not(target_arch = "x86_64"))]
const TRAP_BYTE: u8 = 0x00;

impl Inner {
    /// Maps the code region's pages a second time, writable, and the first mapping executable.
    fn alias(&mut self, page: usize) -> Result<(), MemoryError> {
        let len = self.code_len + 2 * page;
        let guard = reserve(0, len)?;
        self.alias = Some((guard, len));
        map_twice(guard + page, self.code, self.code_len)
    }
}

/// Maps the same pages writable at one reserved range and executable at another.
#[cfg(target_os = "linux")]
fn map_twice(writable: usize, executable: usize, len: usize) -> Result<(), MemoryError> {
    // Profilers recognise anonymous memory as code, so a file is the second choice: some emulators and sandboxes
    // cannot duplicate mappings.
    duplicate(writable, executable, len).or_else(|_| map_file_twice(writable, executable, len))
}

#[cfg(not(target_os = "linux"))]
fn map_twice(_: usize, _: usize, _: usize) -> Result<(), MemoryError> {
    let source = Error::from(std::io::ErrorKind::Unsupported);
    Err(MemoryError::Map { what: "map code memory twice on this system", source })
}

/// Replaces reserved pages by shared ones: anonymous ones, or those of a file.
#[cfg(target_os = "linux")]
fn map_shared(at: usize, len: usize, protection: i32, file: Option<i32>) -> Result<(), MemoryError> {
    let kind = if file.is_some() { 0 } else { libc::MAP_ANONYMOUS };
    let flags = libc::MAP_SHARED | libc::MAP_NORESERVE | libc::MAP_FIXED | kind;
    // SAFETY: callers pass reserved ranges of their own, which nothing uses yet.
    let p = unsafe { libc::mmap(at as *mut _, len, protection, flags, file.unwrap_or(-1), 0) };
    if p == libc::MAP_FAILED { Err(failed("map code memory")) } else { Ok(()) }
}

#[cfg(target_os = "linux")]
fn duplicate(writable: usize, executable: usize, len: usize) -> Result<(), MemoryError> {
    map_shared(writable, len, libc::PROT_READ | libc::PROT_WRITE, None)?;
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: an old size of zero duplicates a shared mapping, here over reserved pages of the caller's.
    let p = unsafe { libc::mremap(writable as *mut _, 0, len, flags, executable as *mut libc::c_void) };
    if p == libc::MAP_FAILED {
        return Err(failed("map code memory a second time"));
    }
    protect(executable, len, libc::PROT_READ | libc::PROT_EXEC)
}

#[cfg(target_os = "linux")]
fn map_file_twice(writable: usize, executable: usize, len: usize) -> Result<(), MemoryError> {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    // SAFETY: the name is a C string.
    let file = unsafe { libc::memfd_create(c"code".as_ptr(), libc::MFD_CLOEXEC) };
    if file < 0 {
        return Err(failed("make a file for code memory"));
    }
    // SAFETY: a new descriptor that nobody else closes; the mappings outlive it.
    let file = unsafe { OwnedFd::from_raw_fd(file) };
    // SAFETY: the descriptor is open.
    if unsafe { libc::ftruncate(file.as_raw_fd(), len as libc::off_t) } != 0 {
        return Err(failed("make room for code memory"));
    }
    map_shared(writable, len, libc::PROT_READ | libc::PROT_WRITE, Some(file.as_raw_fd()))?;
    map_shared(executable, len, libc::PROT_READ | libc::PROT_EXEC, Some(file.as_raw_fd()))
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: both ranges are mappings of our own, and the last handle is gone.
        unsafe {
            libc::munmap(self.base as *mut _, self.len);
            if let Some((at, len)) = self.alias {
                libc::munmap(at as *mut _, len);
            }
        }
    }
}

/// Makes written code visible to instruction fetch of every thread.
pub(super) fn publish(address: usize, len: usize) {
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: cache maintenance by address over memory that is mapped.
        unsafe {
            // The cache type register gives the smallest line of each cache in words, as powers of two.
            let caches: usize;
            std::arch::asm!("mrs {0}, ctr_el0", out(reg) caches);
            let (data, instructions) = (4 << (caches >> 16 & 15), 4 << (caches & 15));
            for line in (address & !(data - 1)..address + len).step_by(data) {
                std::arch::asm!("dc cvau, {0}", in(reg) line);
            }
            std::arch::asm!("dsb ish");
            for line in (address & !(instructions - 1)..address + len).step_by(instructions) {
                std::arch::asm!("ic ivau, {0}", in(reg) line);
            }
            std::arch::asm!("dsb ish", "isb");
            // MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE (after its registration): other cores drop what they
            // fetched ahead.
            libc::syscall(libc::SYS_membarrier, 64, 0, 0);
            libc::syscall(libc::SYS_membarrier, 32, 0, 0);
        }
    }
    #[cfg(not(target_arch = "aarch64"))]
    {
        let _ = (address, len);
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_mapping_twice_show_the_same_pages() {
        let page = page_size();
        // Emulators of other machines may lack the first way.
        for (map, everywhere) in [(duplicate as fn(_, _, _) -> _, false), (map_file_twice, true)] {
            let (writable, executable) = (reserve(0, 2 * page).unwrap(), reserve(0, 2 * page).unwrap());
            let mapped: Result<(), MemoryError> = map(writable, executable, 2 * page);
            assert!(mapped.is_ok() || !everywhere, "{mapped:?}");
            if mapped.is_ok() {
                // SAFETY: the pages were just mapped, and nobody else knows them.
                unsafe {
                    (writable as *mut u64).add(page / 8 + 1).write(77);
                    assert_eq!((executable as *const u64).add(page / 8 + 1).read(), 77);
                }
            }
            // SAFETY: ends mappings of our own.
            unsafe {
                libc::munmap(writable as *mut _, 2 * page);
                libc::munmap(executable as *mut _, 2 * page);
            }
        }
    }
}
