//! The process's allocator: vectors, tables and strings of the runtime are many and short-lived, and the program runs
//! on a thread of its own, where the C library's allocator grows by single pages.

/// Serves every allocation of the process.
#[global_allocator]
static ALLOCATOR: cinder_pyobj::heap::LargeFromSystem<mimalloc::MiMalloc> =
    cinder_pyobj::heap::LargeFromSystem(mimalloc::MiMalloc);
