//! File descriptors: open, read, write, duplicate, pipes.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{TypeCell, int, structseq::StructSeq, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::{PathArg, PathKind, c_string, dir_fd as dir_of, fd_index};
use crate::os::{call, check, errno, last_error, retry, sys, zeroed};

pub(crate) static TERMINAL_SIZE: StructSeq = StructSeq {
    name: "terminal_size",
    module: "os",
    doc: "The size of a terminal: (columns, lines).",
    fields: &[("columns", "width in characters"), ("lines", "height in characters")],
    visible: 2,
    cell: TypeCell::new(),
};

/// Sets or clears the close-on-exec flag.
pub(crate) fn set_cloexec(fd: i32, on: bool) -> Result<(), i32> {
    let flags = sys!(libc::fcntl(fd, libc::F_GETFD));
    if flags < 0 {
        return Err(errno());
    }
    let new = if on { flags | libc::FD_CLOEXEC } else { flags & !libc::FD_CLOEXEC };
    if new != flags && sys!(libc::fcntl(fd, libc::F_SETFD, new)) < 0 {
        return Err(errno());
    }
    Ok(())
}

/// A buffer for a read of `n` bytes; system calls take at most this much at a time.
fn buffer(cx: &Ctx, n: i64) -> PyResult<Vec<u8>> {
    if n < 0 {
        return Err(cx.os_error(libc::EINVAL));
    }
    let n = (n as usize).min(0x7fff_f000);
    let mut v = Vec::new();
    if v.try_reserve_exact(n).is_err() {
        return Err(cx.no_memory());
    }
    v.resize(n, 0);
    Ok(v)
}

/// The parts of a scatter or gather call, copied from or to Python buffers.
fn sequence_of_buffers(cx: &Ctx, o: &Obj, what: &str, writable: bool) -> PyResult<Vec<Buffer>> {
    if o.type_of().slots.getitem.get().is_none() {
        return Err(cx.type_error(format!("{what} arg 2 must be a sequence")));
    }
    let flags = if writable { BufferFlags::WRITABLE } else { BufferFlags::SIMPLE };
    o.collect(cx)?.iter().map(|b| Buffer::get(cx, b, flags)).collect()
}

fn gather(buffers: &[Buffer]) -> Vec<u8> {
    buffers.iter().flat_map(Buffer::to_vec).collect()
}

fn scatter(buffers: &[Buffer], mut data: &[u8]) {
    for b in buffers {
        let n = data.len().min(b.len());
        b.with_bytes_mut(|m| m[..n].copy_from_slice(&data[..n]));
        data = &data[n..];
    }
}

#[pymodule(part, name = "posix")]
pub(crate) mod files {
    use super::*;

    /// Opens a file and returns its descriptor, which child processes do not inherit.
    #[pyfunction(sig = "(path, flags, mode=511, *, dir_fd=None)")]
    fn open(cx: &Ctx, path: &Obj, flags: i32, mode: i32, dir_fd: Option<&Obj>) -> PyResult<i32> {
        let p = PathArg::new(cx, path, PathKind::path("open"))?;
        let dir = dir_of(cx, dir_fd)?;
        let flags = flags | libc::O_CLOEXEC;
        cx.audit("open", || [p.obj.clone(), Obj::none(), Obj::from(flags)])?;
        let r = retry(cx, || sys!(libc::openat(dir, p.ptr(), flags, mode as libc::c_uint)))?;
        r.map_err(|e| p.error(cx, e))
    }

    /// Closes a file descriptor.
    #[pyfunction(sig = "(fd)")]
    fn close(cx: &Ctx, fd: i32) -> PyResult<()> {
        // After EINTR the descriptor is gone on Linux: no second try.
        let r = cx.without_lock(|| sys!(libc::close(fd)));
        if r < 0 && errno() != libc::EINTR { Err(last_error(cx)) } else { Ok(()) }
    }

    /// Closes all file descriptors from fd_low to before fd_high, ignoring errors.
    #[pyfunction(sig = "(fd_low, fd_high, /)")]
    fn closerange(cx: &Ctx, fd_low: i32, fd_high: i32) {
        if fd_low >= fd_high {
            return;
        }
        let (low, high) = (fd_low.max(0) as u32, (fd_high - 1) as u32);
        cx.without_lock(|| {
            if sys!(libc::syscall(libc::SYS_close_range, low, high, 0u32)) != 0 {
                for fd in fd_low.max(0)..fd_high {
                    sys!(libc::close(fd));
                }
            }
        });
    }

    /// Reads at most length bytes.
    #[pyfunction(sig = "(fd, length, /)")]
    fn read(cx: &Ctx, fd: i32, length: i64) -> PyResult {
        let mut v = buffer(cx, length)?;
        let n = call(cx, || sys!(libc::read(fd, v.as_mut_ptr().cast(), v.len())))?;
        Ok(bytes::new(&v[..n as usize]))
    }

    /// Reads into a writable buffer and returns the number of bytes.
    #[pyfunction(sig = "(fd, buffer, /)")]
    fn readinto(cx: &Ctx, fd: i32, buffer: &Obj) -> PyResult<i64> {
        let b = Buffer::get(cx, buffer, BufferFlags::WRITABLE)?;
        let mut v = super::buffer(cx, b.len() as i64)?;
        let n = call(cx, || sys!(libc::read(fd, v.as_mut_ptr().cast(), v.len())))? as usize;
        b.with_bytes_mut(|m| m[..n].copy_from_slice(&v[..n]));
        Ok(n as i64)
    }

    /// Writes bytes and returns how many were written.
    #[pyfunction(sig = "(fd, data, /)")]
    fn write(cx: &Ctx, fd: i32, data: &Obj) -> PyResult<i64> {
        let data = BytesLike::new(cx, data)?.to_vec();
        let n = data.len().min(0x7fff_f000);
        call(cx, || sys!(libc::write(fd, data.as_ptr().cast(), n))).map(|n| n as i64)
    }

    /// Reads at most length bytes at an offset, without moving the position.
    #[pyfunction(sig = "(fd, length, offset, /)")]
    fn pread(cx: &Ctx, fd: i32, length: i64, offset: i64) -> PyResult {
        let mut v = buffer(cx, length)?;
        let n = call(cx, || sys!(libc::pread(fd, v.as_mut_ptr().cast(), v.len(), offset)))?;
        Ok(bytes::new(&v[..n as usize]))
    }

    /// Writes bytes at an offset, without moving the position.
    #[pyfunction(sig = "(fd, buffer, offset, /)")]
    fn pwrite(cx: &Ctx, fd: i32, buffer: &Obj, offset: i64) -> PyResult<i64> {
        let data = BytesLike::new(cx, buffer)?.to_vec();
        call(cx, || sys!(libc::pwrite(fd, data.as_ptr().cast(), data.len(), offset))).map(|n| n as i64)
    }

    /// Reads into several writable buffers.
    #[pyfunction(sig = "(fd, buffers, /)")]
    fn readv(cx: &Ctx, fd: i32, buffers: &Obj) -> PyResult<i64> {
        let b = sequence_of_buffers(cx, buffers, "readv()", true)?;
        let mut v = buffer(cx, b.iter().map(Buffer::len).sum::<usize>() as i64)?;
        let n = call(cx, || sys!(libc::read(fd, v.as_mut_ptr().cast(), v.len())))?;
        scatter(&b, &v[..n as usize]);
        Ok(n as i64)
    }

    /// Reads into several writable buffers at an offset.
    #[pyfunction(sig = "(fd, buffers, offset, flags=0, /)")]
    fn preadv(cx: &Ctx, fd: i32, buffers: &Obj, offset: i64, flags: i32) -> PyResult<i64> {
        let b = sequence_of_buffers(cx, buffers, "preadv2()", true)?;
        let mut v = buffer(cx, b.iter().map(Buffer::len).sum::<usize>() as i64)?;
        let iov = libc::iovec { iov_base: v.as_mut_ptr().cast(), iov_len: v.len() };
        let n = call(cx, || sys!(libc::preadv2(fd, &iov, 1, offset, flags)))?;
        scatter(&b, &v[..n as usize]);
        Ok(n as i64)
    }

    /// Writes the contents of several buffers.
    #[pyfunction(sig = "(fd, buffers, /)")]
    fn writev(cx: &Ctx, fd: i32, buffers: &Obj) -> PyResult<i64> {
        let data = gather(&sequence_of_buffers(cx, buffers, "writev()", false)?);
        call(cx, || sys!(libc::write(fd, data.as_ptr().cast(), data.len()))).map(|n| n as i64)
    }

    /// Writes the contents of several buffers at an offset.
    #[pyfunction(sig = "(fd, buffers, offset, flags=0, /)")]
    fn pwritev(cx: &Ctx, fd: i32, buffers: &Obj, offset: i64, flags: i32) -> PyResult<i64> {
        let data = gather(&sequence_of_buffers(cx, buffers, "pwritev2()", false)?);
        let iov = libc::iovec { iov_base: data.as_ptr() as *mut _, iov_len: data.len() };
        call(cx, || sys!(libc::pwritev2(fd, &iov, 1, offset, flags))).map(|n| n as i64)
    }

    /// Moves the position of a file and returns the new one.
    #[pyfunction(sig = "(fd, position, whence, /)")]
    fn lseek(cx: &Ctx, fd: i32, position: i64, whence: i32) -> PyResult<i64> {
        check(cx, cx.without_lock(|| sys!(libc::lseek(fd, position, whence))))
    }

    /// Cuts or extends an open file to a length in bytes.
    #[pyfunction(sig = "(fd, length, /)")]
    fn ftruncate(cx: &Ctx, fd: i32, length: i64) -> PyResult<()> {
        call(cx, || sys!(libc::ftruncate(fd, length))).map(|_| ())
    }

    /// Forces a file to disk.
    #[pyfunction(sig = "(fd)")]
    fn fsync(cx: &Ctx, fd: &Obj) -> PyResult<()> {
        let fd = crate::os::args::file_descriptor(cx, fd)?;
        call(cx, || sys!(libc::fsync(fd))).map(|_| ())
    }

    /// Forces the data of a file to disk, not its times.
    #[pyfunction(sig = "(fd)")]
    fn fdatasync(cx: &Ctx, fd: &Obj) -> PyResult<()> {
        let fd = crate::os::args::file_descriptor(cx, fd)?;
        call(cx, || sys!(libc::fdatasync(fd))).map(|_| ())
    }

    /// Forces everything to disk.
    #[pyfunction]
    fn sync(cx: &Ctx) {
        cx.without_lock(|| sys!(libc::sync()));
    }

    /// A duplicate of a file descriptor, which child processes do not inherit.
    #[pyfunction(sig = "(fd, /)")]
    fn dup(cx: &Ctx, fd: i32) -> PyResult<i32> {
        check(cx, sys!(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)))
    }

    /// Makes fd2 a duplicate of fd.
    #[pyfunction(sig = "(fd, fd2, inheritable=True)")]
    fn dup2(cx: &Ctx, fd: i32, fd2: i32, inheritable: bool) -> PyResult<i32> {
        if fd < 0 || fd2 < 0 {
            return Err(cx.os_error(libc::EBADF));
        }
        if inheritable || fd == fd2 {
            let r = call(cx, || sys!(libc::dup2(fd, fd2)))?;
            if !inheritable {
                set_cloexec(fd2, true).map_err(|e| cx.os_error(e))?;
            }
            return Ok(r);
        }
        call(cx, || sys!(libc::dup3(fd, fd2, libc::O_CLOEXEC)))
    }

    fn pair(a: i32, b: i32) -> Obj {
        tuple::new(vec![Obj::from(a), Obj::from(b)])
    }

    /// A pipe: (read end, write end), which child processes do not inherit.
    #[pyfunction]
    fn pipe(cx: &Ctx) -> PyResult {
        pipe2(cx, libc::O_CLOEXEC)
    }

    /// A pipe with flags: (read end, write end).
    #[pyfunction(sig = "(flags, /)")]
    fn pipe2(cx: &Ctx, flags: i32) -> PyResult {
        let mut fds = [0i32; 2];
        check(cx, sys!(libc::pipe2(fds.as_mut_ptr(), flags)))?;
        Ok(pair(fds[0], fds[1]))
    }

    /// Whether a file descriptor is a terminal.
    #[pyfunction(sig = "(fd, /)")]
    fn isatty(fd: i32) -> bool {
        sys!(libc::isatty(fd)) == 1
    }

    /// The name of the terminal behind a file descriptor.
    #[pyfunction(sig = "(fd, /)")]
    fn ttyname(cx: &Ctx, fd: i32) -> PyResult {
        let mut buf = [0u8; 512];
        match sys!(libc::ttyname_r(fd, buf.as_mut_ptr().cast(), buf.len())) {
            0 => {
                let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
                cinder_pyobj::codecs::decode_fs(cx, &buf[..n])
            }
            e => Err(cx.os_error(e)),
        }
    }

    /// The encoding of the device behind a file descriptor if it is a terminal.
    #[pyfunction(sig = "(fd)")]
    fn device_encoding(fd: i32) -> Option<&'static str> {
        (sys!(libc::isatty(fd)) == 1).then_some("UTF-8")
    }

    /// The size of a terminal window: (columns, lines).
    #[pyfunction(sig = "(fd=<unrepresentable>, /)")]
    fn get_terminal_size(cx: &Ctx, fd: Option<&Obj>) -> PyResult {
        let fd = fd.map_or(Ok(1), |o| fd_index(cx, o))?;
        let mut w = zeroed!(libc::winsize);
        check(cx, sys!(libc::ioctl(fd, libc::TIOCGWINSZ, &mut w)))?;
        Ok(TERMINAL_SIZE.make(vec![Obj::from(i64::from(w.ws_col)), Obj::from(i64::from(w.ws_row))]))
    }

    /// Whether child processes inherit a file descriptor.
    #[pyfunction(sig = "(fd, /)")]
    fn get_inheritable(cx: &Ctx, fd: i32) -> PyResult<bool> {
        Ok(check(cx, sys!(libc::fcntl(fd, libc::F_GETFD)))? & libc::FD_CLOEXEC == 0)
    }

    /// Chooses whether child processes inherit a file descriptor.
    #[pyfunction(sig = "(fd, inheritable, /)")]
    fn set_inheritable(cx: &Ctx, fd: i32, inheritable: i32) -> PyResult<()> {
        set_cloexec(fd, inheritable == 0).map_err(|e| cx.os_error(e))
    }

    /// Whether a file descriptor blocks.
    #[pyfunction(sig = "(fd, /)")]
    fn get_blocking(cx: &Ctx, fd: i32) -> PyResult<bool> {
        Ok(check(cx, sys!(libc::fcntl(fd, libc::F_GETFL)))? & libc::O_NONBLOCK == 0)
    }

    /// Chooses whether a file descriptor blocks.
    #[pyfunction(sig = "(fd, blocking, /)")]
    fn set_blocking(cx: &Ctx, fd: i32, blocking: bool) -> PyResult<()> {
        let flags = check(cx, sys!(libc::fcntl(fd, libc::F_GETFL)))?;
        let new = if blocking { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
        check(cx, sys!(libc::fcntl(fd, libc::F_SETFL, new))).map(|_| ())
    }

    /// Copies bytes from one file to another inside the kernel.
    #[pyfunction(sig = "(out_fd, in_fd, offset, count)")]
    fn sendfile(cx: &Ctx, out_fd: i32, in_fd: i32, offset: &Obj, count: i64) -> PyResult<i64> {
        if count < 0 {
            return Err(cx.os_error(libc::EINVAL));
        }
        let mut at = if offset.is_none() { None } else { Some(offset.to_i64(cx)?) };
        let p = at.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64);
        call(cx, || sys!(libc::sendfile(out_fd, in_fd, p, count as usize))).map(|n| n as i64)
    }

    fn optional_offset(cx: &Ctx, o: Option<&Obj>) -> PyResult<Option<i64>> {
        o.map(|o| o.to_i64(cx)).transpose()
    }

    fn pointer(o: &mut Option<i64>) -> *mut i64 {
        o.as_mut().map_or(std::ptr::null_mut(), |o| o as *mut i64)
    }

    /// Copies bytes from one file to another inside the kernel, where possible without copying at all.
    #[pyfunction(sig = "(src, dst, count, offset_src=None, offset_dst=None)")]
    fn copy_file_range(
        cx: &Ctx,
        src: i32,
        dst: i32,
        count: i64,
        offset_src: Option<&Obj>,
        offset_dst: Option<&Obj>,
    ) -> PyResult<i64> {
        if count < 0 {
            return Err(cx.value_error("negative value for 'count' not allowed"));
        }
        let (mut a, mut b) = (optional_offset(cx, offset_src)?, optional_offset(cx, offset_dst)?);
        let (a, b) = (pointer(&mut a), pointer(&mut b));
        call(cx, || sys!(libc::copy_file_range(src, a, dst, b, count as usize, 0))).map(|n| n as i64)
    }

    /// Moves bytes between a pipe and another file inside the kernel.
    #[pyfunction(sig = "(src, dst, count, offset_src=None, offset_dst=None, flags=0)")]
    fn splice(
        cx: &Ctx,
        src: i32,
        dst: i32,
        count: i64,
        offset_src: Option<&Obj>,
        offset_dst: Option<&Obj>,
        flags: u32,
    ) -> PyResult<i64> {
        if count < 0 {
            return Err(cx.value_error("negative value for 'count' not allowed"));
        }
        let (mut a, mut b) = (optional_offset(cx, offset_src)?, optional_offset(cx, offset_dst)?);
        let (a, b) = (pointer(&mut a), pointer(&mut b));
        call(cx, || sys!(libc::splice(src, a, dst, b, count as usize, flags))).map(|n| n as i64)
    }

    /// Applies, tests or removes a lock on a part of a file.
    #[pyfunction(sig = "(fd, command, length, /)")]
    fn lockf(cx: &Ctx, fd: i32, command: i32, length: i64) -> PyResult<()> {
        cx.audit("os.lockf", || [Obj::from(fd), Obj::from(command), Obj::from(length)])?;
        call(cx, || sys!(libc::lockf(fd, command, length))).map(|_| ())
    }

    /// Tells how a part of a file will be used.
    #[pyfunction(sig = "(fd, offset, length, advice, /)")]
    fn posix_fadvise(cx: &Ctx, fd: i32, offset: i64, length: i64, advice: i32) -> PyResult<()> {
        match cx.without_lock(|| sys!(libc::posix_fadvise(fd, offset, length, advice))) {
            0 => Ok(()),
            e => Err(cx.os_error(e)),
        }
    }

    /// Makes sure that there is disk space for a part of a file.
    #[pyfunction(sig = "(fd, offset, length, /)")]
    fn posix_fallocate(cx: &Ctx, fd: i32, offset: i64, length: i64) -> PyResult<()> {
        match cx.without_lock(|| sys!(libc::posix_fallocate(fd, offset, length))) {
            0 => Ok(()),
            e => Err(cx.os_error(e)),
        }
    }

    /// An anonymous file in memory.
    #[pyfunction(sig = "(name, flags=MFD_CLOEXEC)")]
    fn memfd_create(cx: &Ctx, name: &Obj, flags: Option<u32>) -> PyResult<i32> {
        let name = c_string(cx, name)?;
        check(cx, sys!(libc::memfd_create(name.as_ptr(), flags.unwrap_or(libc::MFD_CLOEXEC))))
    }

    /// An event counter as a file descriptor.
    #[pyfunction(sig = "(initval, flags=EFD_CLOEXEC)")]
    fn eventfd(cx: &Ctx, initval: u32, flags: Option<i32>) -> PyResult<i32> {
        check(cx, sys!(libc::eventfd(initval, flags.unwrap_or(libc::EFD_CLOEXEC))))
    }

    /// Reads an event counter.
    #[pyfunction(sig = "(fd)")]
    fn eventfd_read(cx: &Ctx, fd: i32) -> PyResult<u64> {
        let mut v = 0u64;
        call(cx, || sys!(libc::eventfd_read(fd, &mut v)))?;
        Ok(v)
    }

    /// Adds to an event counter.
    #[pyfunction(sig = "(fd, value)")]
    fn eventfd_write(cx: &Ctx, fd: i32, value: u64) -> PyResult<()> {
        call(cx, || sys!(libc::eventfd_write(fd, value))).map(|_| ())
    }

    /// A pseudo-terminal: (controlling end, terminal end).
    #[pyfunction]
    fn openpty(cx: &Ctx) -> PyResult {
        let (mut a, mut b) = (0, 0);
        let null = std::ptr::null_mut();
        check(cx, sys!(libc::openpty(&mut a, &mut b, null, std::ptr::null_mut(), std::ptr::null_mut())))?;
        for fd in [a, b] {
            set_cloexec(fd, true).map_err(|e| cx.os_error(e))?;
        }
        Ok(pair(a, b))
    }

    /// Opens a pseudo-terminal's controlling end.
    #[pyfunction(sig = "(oflag, /)")]
    fn posix_openpt(cx: &Ctx, oflag: i32) -> PyResult<i32> {
        check(cx, sys!(libc::posix_openpt(oflag)))
    }

    /// Grants access to a pseudo-terminal.
    #[pyfunction(sig = "(fd, /)")]
    fn grantpt(cx: &Ctx, fd: i32) -> PyResult<()> {
        check(cx, sys!(libc::grantpt(fd))).map(|_| ())
    }

    /// Unlocks a pseudo-terminal.
    #[pyfunction(sig = "(fd, /)")]
    fn unlockpt(cx: &Ctx, fd: i32) -> PyResult<()> {
        check(cx, sys!(libc::unlockpt(fd))).map(|_| ())
    }

    /// The name of a pseudo-terminal's terminal end.
    #[pyfunction(sig = "(fd, /)")]
    fn ptsname(cx: &Ctx, fd: i32) -> PyResult {
        let mut buf = [0u8; 128];
        match sys!(libc::ptsname_r(fd, buf.as_mut_ptr().cast(), buf.len())) {
            0 => {
                let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
                cinder_pyobj::codecs::decode_fs(cx, &buf[..n])
            }
            e => Err(cx.os_error(e)),
        }
    }

    /// Makes a terminal the controlling terminal and the standard streams of the process.
    #[pyfunction(sig = "(fd, /)")]
    fn login_tty(cx: &Ctx, fd: i32) -> PyResult<()> {
        check(cx, sys!(libc::login_tty(fd))).map(|_| ())
    }

    /// The process group in the foreground of a terminal.
    #[pyfunction(sig = "(fd, /)")]
    fn tcgetpgrp(cx: &Ctx, fd: i32) -> PyResult<i32> {
        check(cx, sys!(libc::tcgetpgrp(fd)))
    }

    /// Puts a process group in the foreground of a terminal.
    #[pyfunction(sig = "(fd, pgid, /)")]
    fn tcsetpgrp(cx: &Ctx, fd: i32, pgid: i32) -> PyResult<()> {
        check(cx, sys!(libc::tcsetpgrp(fd, pgid))).map(|_| ())
    }

    /// The name of the controlling terminal.
    #[pyfunction]
    fn ctermid() -> &'static str {
        "/dev/tty"
    }

    /// So many random bytes of the system's generator.
    #[pyfunction(sig = "(size, /)")]
    fn urandom(cx: &Ctx, size: i64) -> PyResult {
        if size < 0 {
            return Err(cx.value_error("negative argument not allowed"));
        }
        let mut v = Vec::new();
        if v.try_reserve_exact(size as usize).is_err() {
            return Err(cx.no_memory());
        }
        v.resize(size as usize, 0u8);
        let mut at = 0;
        while at < v.len() {
            let part = &mut v[at..];
            at += call(cx, || sys!(libc::getrandom(part.as_mut_ptr().cast(), part.len(), 0)))? as usize;
        }
        Ok(bytes::new(&v))
    }

    /// Random bytes as the system call gives them: perhaps fewer than asked for.
    #[pyfunction(sig = "(size, flags=0)")]
    fn getrandom(cx: &Ctx, size: i64, flags: u32) -> PyResult {
        let mut v = buffer(cx, size)?;
        let n = call(cx, || sys!(libc::getrandom(v.as_mut_ptr().cast(), v.len(), flags)))?;
        Ok(bytes::new(&v[..n as usize]))
    }

    fn timer_spec(ns: i128) -> libc::timespec {
        libc::timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i64 }
    }

    fn timer_ns(t: &libc::timespec) -> i128 {
        i128::from(t.tv_sec) * 1_000_000_000 + i128::from(t.tv_nsec)
    }

    /// A timer as a file descriptor.
    #[pyfunction(sig = "(clockid, /, *, flags=0)")]
    fn timerfd_create(cx: &Ctx, clockid: i32, flags: i32) -> PyResult<i32> {
        // As all descriptors that Python makes, it is not inherited.
        check(cx, sys!(libc::timerfd_create(clockid, flags | libc::TFD_CLOEXEC)))
    }

    fn set_timer(cx: &Ctx, fd: i32, flags: i32, initial: i128, interval: i128) -> PyResult<(i128, i128)> {
        let new = libc::itimerspec { it_interval: timer_spec(interval), it_value: timer_spec(initial) };
        let mut old = zeroed!(libc::itimerspec);
        check(cx, sys!(libc::timerfd_settime(fd, flags, &new, &mut old)))?;
        Ok((timer_ns(&old.it_value), timer_ns(&old.it_interval)))
    }

    fn seconds_pair((a, b): (i128, i128)) -> Obj {
        tuple::new(vec![Obj::from(a as f64 / 1e9), Obj::from(b as f64 / 1e9)])
    }

    /// Arms a timer, in seconds; returns the old (value, interval).
    #[pyfunction(sig = "(fd, /, *, flags=0, initial=0.0, interval=0.0)")]
    fn timerfd_settime(cx: &Ctx, fd: i32, flags: i32, initial: f64, interval: f64) -> PyResult {
        let ns = |s: f64| (s * 1e9).round() as i128;
        set_timer(cx, fd, flags, ns(initial), ns(interval)).map(seconds_pair)
    }

    /// Arms a timer, in nanoseconds; returns the old (value, interval).
    #[pyfunction(sig = "(fd, /, *, flags=0, initial=0, interval=0)")]
    fn timerfd_settime_ns(cx: &Ctx, fd: i32, flags: i32, initial: i64, interval: i64) -> PyResult {
        let (a, b) = set_timer(cx, fd, flags, initial.into(), interval.into())?;
        Ok(tuple::new(vec![int::from_i128(a), int::from_i128(b)]))
    }

    fn get_timer(cx: &Ctx, fd: i32) -> PyResult<(i128, i128)> {
        let mut t = zeroed!(libc::itimerspec);
        check(cx, sys!(libc::timerfd_gettime(fd, &mut t)))?;
        Ok((timer_ns(&t.it_value), timer_ns(&t.it_interval)))
    }

    /// The (value, interval) of a timer in seconds.
    #[pyfunction(sig = "(fd, /)")]
    fn timerfd_gettime(cx: &Ctx, fd: i32) -> PyResult {
        get_timer(cx, fd).map(seconds_pair)
    }

    /// The (value, interval) of a timer in nanoseconds.
    #[pyfunction(sig = "(fd, /)")]
    fn timerfd_gettime_ns(cx: &Ctx, fd: i32) -> PyResult {
        let (a, b) = get_timer(cx, fd)?;
        Ok(tuple::new(vec![int::from_i128(a), int::from_i128(b)]))
    }
}
