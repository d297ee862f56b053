//! What connections read from and write to: a socket, or two `MemoryBIO`s.
//!
//! OpenSSL sees both through one kind of BIO, whose functions never block: waiting is done outside of OpenSSL, where
//! neither the interpreter lock nor the connection is held. That is how one thread may read while another writes.

use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_long, c_void};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::ffi::{self, Bio, BioMethod, Owned};
use crate::os::{errno, sys};

/// The bytes of a `MemoryBIO`.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) data: VecDeque<u8>,
    /// Whether nothing more will be written.
    pub(super) ended: bool,
}

/// A `MemoryBIO`'s bytes, which connections share. They outlive the Python object.
pub(super) type SharedMemory = Arc<Mutex<Memory>>;

/// The bytes for one use.
pub(super) fn lock(m: &SharedMemory) -> MutexGuard<'_, Memory> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A socket as a connection sees it.
#[derive(Default)]
pub(super) struct Port {
    /// The file descriptor, set before each operation: the socket may be closed and its number taken by another file.
    pub(super) fd: AtomicI32,
    /// The error number of the last call that failed, zero after one that succeeded.
    pub(super) errno: AtomicI32,
    ended: AtomicBool,
}

/// The end of a connection that a BIO stands for.
enum End {
    Socket(Arc<Port>),
    Memory(SharedMemory),
}

const READ: c_int = 1;
const WRITE: c_int = 2;
const RETRY: c_int = 8;
const SOURCE_SINK: c_int = 0x400;
const CTRL_EOF: c_int = 2;
const CTRL_PENDING: c_int = 10;
const CTRL_FLUSH: c_int = 11;

/// The end behind a BIO.
///
/// # Safety
/// The BIO must be one that [`make`] made and that is not destroyed.
unsafe fn end<'a>(bio: *mut Bio) -> Option<&'a End> {
    // SAFETY: the caller's promise; the data was set by `make` and stays until `destroy`.
    unsafe { (ffi::BIO_get_data(bio) as *const End).as_ref() }
}

/// The end behind a BIO for an operation on `len` bytes, nothing if there is nothing to do.
///
/// # Safety
/// As of [`end`].
unsafe fn begin<'a>(bio: *mut Bio, len: c_int) -> Option<&'a End> {
    sys!(ffi::BIO_clear_flags(bio, READ | WRITE | RETRY));
    if len <= 0 {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { end(bio) }
}

/// Says that the operation may be tried again once `what` is possible.
fn try_again(bio: *mut Bio, what: c_int) -> c_int {
    sys!(ffi::BIO_set_flags(bio, what | RETRY));
    -1
}

impl Port {
    /// What a call on the socket returned.
    fn finish(&self, bio: *mut Bio, n: isize, what: c_int) -> c_int {
        if n >= 0 {
            self.errno.store(0, Ordering::Relaxed);
            return n as c_int;
        }
        let e = errno();
        if e == libc::EAGAIN || e == libc::EINTR {
            return try_again(bio, what);
        }
        self.errno.store(e, Ordering::Relaxed);
        -1
    }
}

unsafe extern "C" fn read(bio: *mut Bio, buf: *mut c_char, len: c_int) -> c_int {
    // SAFETY: OpenSSL calls with a BIO of this kind.
    match unsafe { begin(bio, len) } {
        None => 0,
        Some(End::Socket(p)) => {
            let fd = p.fd.load(Ordering::Relaxed);
            let n = sys!(libc::recv(fd, buf.cast(), len as usize, libc::MSG_DONTWAIT));
            if n == 0 {
                p.ended.store(true, Ordering::Relaxed);
            }
            p.finish(bio, n, READ)
        }
        Some(End::Memory(m)) => {
            let mut m = lock(m);
            let n = m.data.len().min(len as usize);
            if n == 0 {
                return if m.ended { 0 } else { try_again(bio, READ) };
            }
            for (i, b) in m.data.drain(..n).enumerate() {
                sys!(*buf.add(i) = b as c_char);
            }
            n as c_int
        }
    }
}

unsafe extern "C" fn write(bio: *mut Bio, buf: *const c_char, len: c_int) -> c_int {
    // SAFETY: OpenSSL calls with a BIO of this kind.
    match unsafe { begin(bio, len) } {
        None => 0,
        Some(End::Socket(p)) => {
            let fd = p.fd.load(Ordering::Relaxed);
            let n = sys!(libc::send(fd, buf.cast(), len as usize, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL));
            p.finish(bio, n, WRITE)
        }
        Some(End::Memory(m)) => {
            lock(m).data.extend(sys!(std::slice::from_raw_parts(buf as *const u8, len as usize)));
            len
        }
    }
}

unsafe extern "C" fn ctrl(bio: *mut Bio, cmd: c_int, _: c_long, _: *mut c_void) -> c_long {
    // SAFETY: OpenSSL calls with a BIO of this kind.
    let Some(end) = (unsafe { end(bio) }) else { return 0 };
    match (cmd, end) {
        (CTRL_EOF, End::Socket(p)) => c_long::from(p.ended.load(Ordering::Relaxed)),
        (CTRL_EOF, End::Memory(m)) => c_long::from(lock(m).data.is_empty()),
        (CTRL_PENDING, End::Memory(m)) => lock(m).data.len() as c_long,
        (CTRL_FLUSH, _) => 1,
        _ => 0,
    }
}

unsafe extern "C" fn destroy(bio: *mut Bio) -> c_int {
    let p = sys!(ffi::BIO_get_data(bio)) as *mut End;
    sys!(ffi::BIO_set_data(bio, std::ptr::null_mut()));
    if !p.is_null() {
        // SAFETY: `make` gave the box to the BIO, which is destroyed once.
        drop(unsafe { Box::from_raw(p) });
    }
    1
}

/// The kind of BIO; made once, never freed.
struct Kind(*mut BioMethod);

// SAFETY: the structure is not changed after it was made.
unsafe impl Send for Kind {}
// SAFETY: as above.
unsafe impl Sync for Kind {}

fn kind() -> *const BioMethod {
    static KIND: OnceLock<Kind> = OnceLock::new();
    KIND.get_or_init(|| {
        let m = sys!(ffi::BIO_meth_new(ffi::BIO_get_new_index() | SOURCE_SINK, c"python".as_ptr()));
        if !m.is_null() {
            sys!({
                ffi::BIO_meth_set_read(m, read);
                ffi::BIO_meth_set_write(m, write);
                ffi::BIO_meth_set_ctrl(m, ctrl);
                ffi::BIO_meth_set_destroy(m, destroy);
            });
        }
        Kind(m)
    })
    .0
}

fn make(end: End) -> Option<Owned<Bio>> {
    let kind = kind();
    if kind.is_null() {
        return None;
    }
    let bio = Owned::new(sys!(ffi::BIO_new(kind)))?;
    sys!({
        ffi::BIO_set_data(bio.ptr(), Box::into_raw(Box::new(end)).cast());
        ffi::BIO_set_init(bio.ptr(), 1);
    });
    Some(bio)
}

/// A BIO for a socket; nothing if memory ended.
pub(super) fn of_socket(p: &Arc<Port>) -> Option<Owned<Bio>> {
    make(End::Socket(p.clone()))
}

/// A BIO for memory; nothing if memory ended.
pub(super) fn of_memory(m: &SharedMemory) -> Option<Owned<Bio>> {
    make(End::Memory(m.clone()))
}
