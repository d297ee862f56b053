//! The mapping itself: making, resizing, ending, lending.

use std::cell::Cell;

use cinder_pyobj::heap::{Traverse, Visitor};
use cinder_pyobj::native::{Args, Signature, This, pyclass};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags, Geometry};
use cinder_pyobj::types::Type;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::{check, last_error, sys, zeroed};

/// What may be done with the memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Default,
    Read,
    Write,
    Copy,
}

/// A file, or a piece of anonymous memory, that is read and written like a bytearray and like a file.
///
/// mmap(fileno, length, flags=MAP_SHARED, prot=PROT_WRITE|PROT_READ, access=ACCESS_DEFAULT, offset=0, *,
/// trackfd=True) maps a file; fileno -1 gives anonymous memory, length 0 the whole file.
#[pyclass(name = "mmap", module = "mmap", flags(basetype, weakref))]
pub struct Mmap {
    /// Null once closed.
    pub(super) ptr: Cell<*mut u8>,
    pub(super) len: Cell<usize>,
    pub(super) pos: Cell<usize>,
    pub(super) offset: i64,
    /// A descriptor of our own, -1 for anonymous memory or without `trackfd`.
    pub(super) fd: Cell<i32>,
    pub(super) access: Access,
    tracks: bool,
    /// Whether this is anonymous memory that forked children share: it has no room behind its end.
    fixed: bool,
    /// Loans that are out: the memory must stay.
    pub(super) exports: Cell<usize>,
}

impl Traverse for Mmap {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Drop for Mmap {
    fn drop(&mut self) {
        self.end();
    }
}

const SIG: Signature = Signature {
    function: "mmap",
    params: &["fileno", "length", "flags", "prot", "access", "offset", "trackfd"],
    pos_only: 0,
    positional: 6,
    required: 2,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

/// Which protection and flags the arguments ask for.
fn protection(cx: &Ctx, access: i64, flags: i32, prot: i32, given: bool) -> PyResult<(Access, i32, i32)> {
    if access != 0 && given {
        return Err(cx.value_error("mmap can't specify both access and flags, prot."));
    }
    Ok(match access {
        1 => (Access::Read, libc::MAP_SHARED, libc::PROT_READ),
        2 => (Access::Write, libc::MAP_SHARED, libc::PROT_READ | libc::PROT_WRITE),
        3 => (Access::Copy, libc::MAP_PRIVATE, libc::PROT_READ | libc::PROT_WRITE),
        0 => {
            let both = libc::PROT_READ | libc::PROT_WRITE;
            let access = match prot & both {
                p if p == both => Access::Default,
                libc::PROT_WRITE => Access::Write,
                _ => Access::Read,
            };
            (access, flags, prot)
        }
        _ => return Err(cx.value_error("mmap invalid access parameter.")),
    })
}

impl Mmap {
    pub(super) fn create(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let [fileno, length, flags, prot, access, offset, trackfd] = args.bind::<7>(cx, &SIG)?;
        let number = |o: Option<&Obj>, default: i64| o.map_or(Ok(default), |o| o.to_i64(cx));
        let fd = number(fileno, -1)? as i32;
        let size = match length {
            Some(l) => l.to_isize(cx)? as i64,
            None => 0,
        };
        let given = flags.is_some() || prot.is_some();
        let flags = number(flags, libc::MAP_SHARED.into())? as i32;
        let prot = number(prot, i64::from(libc::PROT_READ | libc::PROT_WRITE))? as i32;
        let access_number = number(access, 0)?;
        let (access, mut flags, prot) = protection(cx, access_number, flags, prot, given)?;
        let offset = number(offset, 0)?;
        if size < 0 {
            return Err(cx.overflow_error("memory mapped length must be positive"));
        }
        if offset < 0 {
            return Err(cx.overflow_error("memory mapped offset must be positive"));
        }
        cx.audit("mmap.__new__", || [i64::from(fd), size, access_number, offset].map(Obj::from))?;
        let mut len = size as usize;
        if fd != -1 {
            let mut st = zeroed!(libc::stat);
            if sys!(libc::fstat(fd, &mut st)) == 0 && st.st_mode & libc::S_IFMT == libc::S_IFREG {
                if len == 0 {
                    if st.st_size == 0 {
                        return Err(cx.value_error("cannot mmap an empty file"));
                    }
                    if offset >= st.st_size {
                        return Err(cx.value_error("mmap offset is greater than file size"));
                    }
                    len = (st.st_size - offset) as usize;
                } else if offset > st.st_size || (st.st_size - offset) < len as i64 {
                    return Err(cx.value_error("mmap length is greater than file size"));
                }
            }
        } else {
            flags |= libc::MAP_ANONYMOUS;
        }
        let tracks = trackfd.map_or(Ok(true), |t| t.truthy(cx))?;
        let own = if fd == -1 || !tracks { -1 } else { check(cx, sys!(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)))? };
        let p = cx.without_lock(|| sys!(libc::mmap(std::ptr::null_mut(), len, prot, flags, fd, offset)));
        if p == libc::MAP_FAILED {
            let e = last_error(cx);
            if own >= 0 {
                sys!(libc::close(own));
            }
            return Err(e);
        }
        let m = Mmap {
            ptr: Cell::new(p.cast()),
            len: Cell::new(len),
            pos: Cell::new(0),
            offset,
            fd: Cell::new(own),
            access,
            tracks: tracks || fd == -1,
            fixed: fd == -1 && flags & libc::MAP_SHARED != 0,
            exports: Cell::new(0),
        };
        Ok(cinder_pyobj::heap::new_instance(ty, m))
    }

    /// Unmaps the memory and closes the descriptor.
    pub(super) fn end(&self) {
        let p = self.ptr.replace(std::ptr::null_mut());
        if !p.is_null() {
            sys!(libc::munmap(p.cast(), self.len.get()));
        }
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            sys!(libc::close(fd));
        }
    }

    /// Refuses a closed mapping.
    pub(super) fn check_open(&self, cx: &Ctx) -> PyResult<()> {
        if self.ptr.get().is_null() { Err(cx.value_error("mmap closed or invalid")) } else { Ok(()) }
    }

    /// Refuses memory that may not be written.
    pub(super) fn check_writable(&self, cx: &Ctx) -> PyResult<()> {
        if self.access == Access::Read {
            return Err(cx.type_error("mmap can't modify a readonly memory map."));
        }
        Ok(())
    }

    /// A copy of a part, clipped to the mapping.
    pub(super) fn copy(&self, from: usize, to: usize) -> Vec<u8> {
        let to = to.min(self.len.get());
        if from >= to || self.ptr.get().is_null() {
            return Vec::new();
        }
        sys!(std::slice::from_raw_parts(self.ptr.get().add(from), to - from)).to_vec()
    }

    /// One byte of an open mapping.
    pub(super) fn byte(&self, i: usize) -> u8 {
        debug_assert!(i < self.len.get());
        sys!(self.ptr.get().add(i).read_volatile())
    }

    /// Stores bytes in an open mapping; they must fit.
    pub(super) fn store(&self, at: usize, data: &[u8]) {
        debug_assert!(at + data.len() <= self.len.get());
        sys!(std::ptr::copy_nonoverlapping(data.as_ptr(), self.ptr.get().add(at), data.len()));
    }

    /// Moves bytes inside an open mapping.
    pub(super) fn shift(&self, to: usize, from: usize, n: usize) {
        debug_assert!(to.max(from) + n <= self.len.get());
        sys!(std::ptr::copy(self.ptr.get().add(from), self.ptr.get().add(to), n));
    }

    pub(super) fn resize_to(&self, cx: &Ctx, new: usize) -> PyResult<()> {
        if self.exports.get() > 0 {
            return Err(cx.buffer_error("mmap can't resize with extant pointers exported."));
        }
        if !self.tracks {
            return Err(cx.value_error("mmap can't resize with trackfd=False."));
        }
        if matches!(self.access, Access::Read | Access::Copy) {
            return Err(cx.type_error("mmap can't resize a readonly or copy-on-write memory map."));
        }
        if self.fixed && new > self.len.get() {
            return Err(cx.value_error("mmap: can't expand a shared anonymous mapping"));
        }
        let fd = self.fd.get();
        if fd >= 0 {
            check(cx, sys!(libc::ftruncate(fd, self.offset + new as i64)))?;
        }
        let old = self.ptr.get().cast();
        let p = sys!(libc::mremap(old, self.len.get(), new, libc::MREMAP_MAYMOVE));
        if p == libc::MAP_FAILED {
            return Err(last_error(cx));
        }
        self.ptr.set(p.cast());
        self.len.set(new);
        Ok(())
    }

    pub(super) fn lend(cx: &Ctx, this: This<'_, Mmap>, flags: BufferFlags) -> PyResult<Buffer> {
        this.check_open(cx)?;
        let readonly = this.access == Access::Read;
        if flags.writable && readonly {
            return Err(cx.buffer_error("Object is not writable."));
        }
        fn release(_: &Ctx, exporter: &Obj) {
            if let Some(m) = exporter.downcast::<Mmap>() {
                m.exports.set(m.exports.get().saturating_sub(1));
            }
        }
        this.exports.set(this.exports.get() + 1);
        let g = Geometry::bytes(this.len.get());
        Ok(sys!(Buffer::new(this.obj().clone(), this.ptr.get(), readonly, g, Some(release))))
    }
}
