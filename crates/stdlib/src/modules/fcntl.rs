//! `fcntl`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, is_bytes_like};
use cinder_pyobj::types::int;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::file_descriptor;
use crate::os::{add_ints, c_ints, call, sys};

/// The most bytes that go through a copy.
const MAX_ARGUMENT: usize = 1024;

/// The bytes of a str or bytes-like argument.
fn bytes_argument(cx: &Ctx, o: &Obj, function: &str) -> PyResult<Vec<u8>> {
    if o.type_of().is_str_subtype() {
        return cinder_pyobj::codecs::encode_fs(cx, o);
    }
    if is_bytes_like(o) {
        return Ok(Buffer::simple(cx, o)?.to_vec());
    }
    Err(cx.type_error(format!(
        "{function}() argument 3 must be an integer, a bytes-like object, or a string, not {}",
        o.type_of().name()
    )))
}

/// An int argument as the bits of a C long.
fn long_bits(cx: &Ctx, o: &Obj) -> PyResult<libc::c_long> {
    let i = o.index(cx)?;
    int::as_i64(&i)
        .or_else(|| int::as_u64(&i).map(|u| u as i64))
        .ok_or_else(|| cx.overflow_error("Python int too large to convert to C long"))
}

fn is_int_like(o: &Obj) -> bool {
    o.is_int() || o.type_of().slots.index.get().is_some()
}

/// Control of file descriptors.
#[pymodule(name = "fcntl")]
pub(crate) mod fcntl {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let named = c_ints![
            LOCK_SH LOCK_EX LOCK_NB LOCK_UN F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK
            F_SETLKW F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW F_GETOWN F_SETOWN F_RDLCK F_WRLCK F_UNLCK FD_CLOEXEC
            F_NOTIFY F_SETLEASE F_GETLEASE F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS F_SEAL_SEAL F_SEAL_SHRINK
            F_SEAL_GROW F_SEAL_WRITE F_SEAL_FUTURE_WRITE
        ];
        add_ints(cx, module, named)?;
        add_ints(
            cx,
            module,
            &[
                ("LOCK_MAND", 32),
                ("LOCK_READ", 64),
                ("LOCK_WRITE", 128),
                ("LOCK_RW", 192),
                ("F_GETSIG", 11),
                ("F_SETSIG", 10),
                ("F_EXLCK", 4),
                ("F_SHLCK", 8),
                ("F_GETLK64", 5),
                ("F_SETLK64", 6),
                ("F_SETLKW64", 7),
                ("FASYNC", 8192),
                ("DN_ACCESS", 1),
                ("DN_MODIFY", 2),
                ("DN_CREATE", 4),
                ("DN_DELETE", 8),
                ("DN_RENAME", 16),
                ("DN_ATTRIB", 32),
                ("DN_MULTISHOT", 1 << 31),
                ("F_SETOWN_EX", 15),
                ("F_GETOWN_EX", 16),
                ("F_OWNER_TID", 0),
                ("F_OWNER_PID", 1),
                ("F_OWNER_PGRP", 2),
                ("F_GET_RW_HINT", 1035),
                ("F_SET_RW_HINT", 1036),
                ("F_GET_FILE_RW_HINT", 1037),
                ("F_SET_FILE_RW_HINT", 1038),
                ("F_DUPFD_QUERY", 1027),
                ("RWH_WRITE_LIFE_NOT_SET", 0),
                ("RWH_WRITE_LIFE_NONE", 1),
                ("RWH_WRITE_LIFE_SHORT", 2),
                ("RWH_WRITE_LIFE_MEDIUM", 3),
                ("RWH_WRITE_LIFE_LONG", 4),
                ("RWH_WRITE_LIFE_EXTREME", 5),
                ("FICLONE", 0x4004_9409),
                ("FICLONERANGE", 0x4020_940d),
            ],
        )
    }

    /// Performs an operation on a file descriptor.
    ///
    /// arg is an int, or bytes that hold a C structure; in the latter case the result is the structure after
    /// the call.
    #[pyfunction(sig = "(fd, cmd, arg=0, /)", name = "fcntl")]
    fn py_fcntl(cx: &Ctx, fd: &Obj, cmd: i32, arg: Option<&Obj>) -> PyResult {
        cx.audit("fcntl.fcntl", || [fd.clone(), Obj::from(cmd), arg.cloned().unwrap_or_else(|| Obj::from(0))])?;
        let fd = file_descriptor(cx, fd)?;
        let zero = Obj::from(0);
        let arg = arg.unwrap_or(&zero);
        if is_int_like(arg) {
            let a = long_bits(cx, arg)?;
            return call(cx, || sys!(libc::fcntl(fd, cmd, a))).map(Obj::from);
        }
        let data = bytes_argument(cx, arg, "fcntl")?;
        if data.len() > MAX_ARGUMENT {
            return Err(cx.value_error("fcntl argument 3 is too long"));
        }
        let mut buf = [0u8; MAX_ARGUMENT];
        buf[..data.len()].copy_from_slice(&data);
        call(cx, || sys!(libc::fcntl(fd, cmd, buf.as_mut_ptr())))?;
        Ok(bytes::new(&buf[..data.len()]))
    }

    /// Performs a device operation on a file descriptor.
    ///
    /// arg is an int or a buffer. A writable buffer receives the result unless mutate_flag is false.
    #[pyfunction(sig = "(fd, request, arg=0, mutate_flag=True, /)")]
    fn ioctl(cx: &Ctx, fd: &Obj, request: &Obj, arg: Option<&Obj>, mutate_flag: bool) -> PyResult {
        cx.audit("fcntl.ioctl", || [fd.clone(), request.clone(), arg.cloned().unwrap_or_else(|| Obj::from(0))])?;
        let fd = file_descriptor(cx, fd)?;
        let request = long_bits(cx, request)? as libc::c_ulong;
        let zero = Obj::from(0);
        let arg = arg.unwrap_or(&zero);
        if is_int_like(arg) {
            let a = long_bits(cx, arg)?;
            return call(cx, || sys!(libc::ioctl(fd, request, a))).map(Obj::from);
        }
        let writable = if is_bytes_like(arg) && bytes::as_bytes(arg).is_none() && mutate_flag {
            let b = Buffer::simple(cx, arg)?;
            if b.readonly() { None } else { Some(Buffer::get(cx, arg, BufferFlags::WRITABLE)?) }
        } else {
            None
        };
        let data = bytes_argument(cx, arg, "ioctl")?;
        if writable.is_none() && data.len() > MAX_ARGUMENT {
            return Err(cx.value_error("ioctl argument 3 is too long"));
        }
        let n = data.len();
        let mut buf = data;
        buf.resize(n.max(MAX_ARGUMENT) + 1, 0);
        let r = call(cx, || sys!(libc::ioctl(fd, request, buf.as_mut_ptr())))?;
        if let Some(b) = writable {
            b.with_bytes_mut(|m| m.copy_from_slice(&buf[..n]));
            return Ok(Obj::from(r));
        }
        Ok(bytes::new(&buf[..n]))
    }

    /// Locks or unlocks a whole file.
    #[pyfunction(sig = "(fd, operation, /)")]
    fn flock(cx: &Ctx, fd: &Obj, operation: i32) -> PyResult<()> {
        cx.audit("fcntl.flock", || [fd.clone(), Obj::from(operation)])?;
        let fd = file_descriptor(cx, fd)?;
        call(cx, || sys!(libc::flock(fd, operation))).map(|_| ())
    }

    /// Locks or unlocks a part of a file.
    #[pyfunction(sig = "(fd, cmd, len=0, start=0, whence=0, /)")]
    fn lockf(cx: &Ctx, fd: &Obj, cmd: i32, len: i64, start: i64, whence: i32) -> PyResult<()> {
        cx.audit("fcntl.lockf", || [fd.clone(), Obj::from(cmd), Obj::from(len), Obj::from(start), Obj::from(whence)])?;
        let fd = file_descriptor(cx, fd)?;
        let kind = match cmd {
            libc::LOCK_UN => libc::F_UNLCK,
            c if c & libc::LOCK_SH != 0 => libc::F_RDLCK,
            c if c & libc::LOCK_EX != 0 => libc::F_WRLCK,
            _ => return Err(cx.value_error("unrecognized lockf argument")),
        };
        let mut l = crate::os::zeroed!(libc::flock);
        (l.l_type, l.l_whence, l.l_start, l.l_len) = (kind as i16, whence as i16, start, len);
        let op = if cmd & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
        call(cx, || sys!(libc::fcntl(fd, op, &l))).map(|_| ())
    }
}
