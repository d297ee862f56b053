//! The process's allocator: vectors, tables and strings of the runtime are many and short-lived, and the program runs
//! on a thread of its own, where the C library's allocator grows by single pages.

use std::io::Write;

/// Serves every allocation of the process.
#[global_allocator]
static ALLOCATOR: cinder_pyobj::heap::LargeFromSystem<mimalloc::MiMalloc> =
    cinder_pyobj::heap::LargeFromSystem(mimalloc::MiMalloc);

/// Says what happens when no memory is left, not even the reserve: the process ends.
pub(crate) fn end_process_when_exhausted() {
    cinder_pyobj::heap::set_exhausted_hook(|size| {
        // Nothing here allocates: standard error is not buffered.
        let _ = writeln!(std::io::stderr(), "Fatal Python error: out of memory ({size} bytes)");
        std::process::exit(1)
    });
}
