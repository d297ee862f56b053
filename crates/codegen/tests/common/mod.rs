//! What several tests need.

use cinder_lir::fuzzing::BUFFER_ADDR;

/// The buffer of generated functions at the very address that the interpreter gives it, so that pointers compare equal.
pub fn map_buffer() -> *mut u8 {
    // SAFETY: a fresh mapping at an address where nothing is.
    let at = unsafe {
        libc::mmap(
            BUFFER_ADDR as *mut _,
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        )
    };
    assert_eq!(at as u64, BUFFER_ADDR, "the interpreter's buffer address is taken");
    at.cast()
}
