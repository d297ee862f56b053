//! File status, modes, owners and times.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::{PathKind, Target, dir_fd as dir_of, dir_or_none};
use crate::os::{errno, retry, sys, zeroed};

pub(crate) static STAT_RESULT: StructSeq = StructSeq {
    name: "stat_result",
    module: "os",
    doc: "The status of a file. As a tuple it has ten items; the other fields are attributes only.",
    fields: &[
        ("st_mode", "protection bits and type"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "how many names the file has"),
        ("st_uid", "user who owns it"),
        ("st_gid", "group that owns it"),
        ("st_size", "size in bytes"),
        ("", ""),
        ("", ""),
        ("", ""),
        ("st_atime", "when it was last read, in seconds"),
        ("st_mtime", "when its content last changed, in seconds"),
        ("st_ctime", "when its metadata last changed, in seconds"),
        ("st_atime_ns", "when it was last read, in nanoseconds"),
        ("st_mtime_ns", "when its content last changed, in nanoseconds"),
        ("st_ctime_ns", "when its metadata last changed, in nanoseconds"),
        ("st_blksize", "size in which reading and writing is efficient"),
        ("st_blocks", "space it takes, in units of 512 bytes"),
        ("st_rdev", "which device the file stands for, if it does"),
    ],
    visible: 10,
    cell: TypeCell::new(),
};

pub(crate) static STATVFS_RESULT: StructSeq = StructSeq {
    name: "statvfs_result",
    module: "os",
    doc: "The status of a file system.",
    fields: &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
    visible: 10,
    cell: TypeCell::new(),
};

/// A `stat_result`.
pub(crate) fn result(s: &libc::stat) -> Obj {
    let times = [(s.st_atime, s.st_atime_nsec), (s.st_mtime, s.st_mtime_nsec), (s.st_ctime, s.st_ctime_nsec)];
    let mut v = vec![
        Obj::from(s.st_mode),
        Obj::from(s.st_ino),
        Obj::from(s.st_dev),
        Obj::from(s.st_nlink as u64),
        Obj::from(s.st_uid),
        Obj::from(s.st_gid),
        Obj::from(s.st_size),
    ];
    v.extend(times.iter().map(|(t, _)| Obj::from(*t)));
    v.extend(times.iter().map(|(t, ns)| Obj::from(*t as f64 + 1e-9 * *ns as f64)));
    v.extend(times.iter().map(|(t, ns)| int::from_i128(i128::from(*t) * 1_000_000_000 + i128::from(*ns))));
    v.extend([Obj::from(s.st_blksize as i64), Obj::from(s.st_blocks), Obj::from(s.st_rdev)]);
    STAT_RESULT.make(v)
}

/// The status of a target; the inner error is an error number.
pub(crate) fn status(cx: &Ctx, t: &Target, dir: i32, follow: bool) -> PyResult<Result<libc::stat, i32>> {
    let mut s = zeroed!(libc::stat);
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let r = retry(cx, || match t {
        Target::Fd(fd) => sys!(libc::fstat(*fd, &mut s)),
        Target::Path(p) => sys!(libc::fstatat(dir, p.ptr(), &mut s, flags)),
    })?;
    Ok(r.map(|_| s))
}

/// A file descriptor goes with neither `dir_fd` nor `follow_symlinks`.
fn check_combination(cx: &Ctx, f: &str, t: &Target, dir: i32, follow: bool) -> PyResult<()> {
    if let Target::Fd(_) = t {
        if dir != libc::AT_FDCWD {
            return Err(cx.value_error(format!("{f}: can't specify dir_fd without matching path")));
        }
        if !follow {
            return Err(cx.value_error(format!("{f}: cannot use fd and follow_symlinks together")));
        }
    }
    Ok(())
}

/// An owner: -1 leaves it as it is.
fn owner_id(cx: &Ctx, o: &Obj, what: &str) -> PyResult<u32> {
    let i = o.index(cx).map_err(|r| {
        drop(cx.take(r));
        cx.type_error(format!("{what} should be integer, not {}", o.type_of().name()))
    })?;
    match int::as_i64(&i) {
        Some(-1) => Ok(u32::MAX),
        Some(n) if (0..=i64::from(u32::MAX)).contains(&n) => Ok(n as u32),
        Some(..0) => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        _ if int::is_negative(&i) => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        _ => Err(cx.overflow_error(format!("{what} is greater than maximum"))),
    }
}

/// Seconds (an int or float) as seconds and nanoseconds, rounded down.
fn seconds(cx: &Ctx, o: &Obj) -> PyResult<libc::timespec> {
    let ns = crate::modules::time::seconds_to_ns(cx, o, crate::modules::time::Round::Floor)?;
    Ok(timespec(ns))
}

fn timespec(ns: i128) -> libc::timespec {
    libc::timespec { tv_sec: ns.div_euclid(1_000_000_000) as i64, tv_nsec: ns.rem_euclid(1_000_000_000) as i64 }
}

/// The number that stands for no device, -1 in Python.
const NO_DEVICE: u64 = u64::MAX;

/// A device number, or -1.
fn device_number(cx: &Ctx, o: &Obj) -> PyResult<u64> {
    let n = o.index(cx)?;
    if cinder_pyobj::types::int::as_i64(&n) == Some(-1) {
        return Ok(NO_DEVICE);
    }
    <u64 as cinder_pyobj::native::FromObj>::from_obj(cx, &n)
}

/// A part of a device number; that of no device is -1.
fn device_part(n: u32) -> Obj {
    if n == u32::MAX { Obj::from(-1) } else { Obj::from(n) }
}

#[pymodule(part, name = "posix")]
pub(crate) mod stat_part {
    use super::*;

    /// The status of a file.
    ///
    /// path may be a file descriptor. dir_fd is an open folder that a relative path starts from. Without
    /// follow_symlinks a symbolic link is examined itself.
    #[pyfunction(sig = "(path, *, dir_fd=None, follow_symlinks=True)")]
    fn stat(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult {
        let t = Target::new(cx, path, PathKind::path_or_fd("stat"))?;
        let dir = dir_of(cx, dir_fd)?;
        check_combination(cx, "stat", &t, dir, follow_symlinks)?;
        match status(cx, &t, dir, follow_symlinks)? {
            Ok(s) => Ok(result(&s)),
            Err(e) => Err(t.error(cx, e)),
        }
    }

    /// The status of a file; a symbolic link is examined itself.
    #[pyfunction(sig = "(path, *, dir_fd=None)")]
    fn lstat(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult {
        let t = Target::new(cx, path, PathKind::path("lstat"))?;
        match status(cx, &t, dir_of(cx, dir_fd)?, false)? {
            Ok(s) => Ok(result(&s)),
            Err(e) => Err(t.error(cx, e)),
        }
    }

    /// The status of an open file.
    #[pyfunction(sig = "(fd)")]
    fn fstat(cx: &Ctx, fd: i32) -> PyResult {
        match status(cx, &Target::Fd(fd), libc::AT_FDCWD, true)? {
            Ok(s) => Ok(result(&s)),
            Err(e) => Err(cx.os_error(e)),
        }
    }

    fn vfs(cx: &Ctx, t: &Target) -> PyResult {
        let mut s = zeroed!(libc::statvfs);
        let r = retry(cx, || match t {
            Target::Fd(fd) => sys!(libc::fstatvfs(*fd, &mut s)),
            Target::Path(p) => sys!(libc::statvfs(p.ptr(), &mut s)),
        })?;
        if let Err(e) = r {
            return Err(t.error(cx, e));
        }
        let fields = [
            s.f_bsize,
            s.f_frsize,
            s.f_blocks,
            s.f_bfree,
            s.f_bavail,
            s.f_files,
            s.f_ffree,
            s.f_favail,
            s.f_flag,
            s.f_namemax,
            s.f_fsid,
        ];
        Ok(STATVFS_RESULT.make(fields.map(Obj::from).to_vec()))
    }

    /// The status of the file system that holds a path or an open file.
    #[pyfunction(sig = "(path)")]
    fn statvfs(cx: &Ctx, path: &Obj) -> PyResult {
        vfs(cx, &Target::new(cx, path, PathKind::path_or_fd("statvfs"))?)
    }

    /// The status of the file system that holds an open file.
    #[pyfunction(sig = "(fd, /)")]
    fn fstatvfs(cx: &Ctx, fd: i32) -> PyResult {
        vfs(cx, &Target::Fd(fd))
    }

    /// Whether the process may access a file in a mode (F_OK, or R_OK, W_OK, X_OK combined).
    #[pyfunction(sig = "(path, mode, *, dir_fd=None, effective_ids=False, follow_symlinks=True)")]
    fn access(
        cx: &Ctx,
        path: &Obj,
        mode: i32,
        dir_fd: Option<&Obj>,
        effective_ids: bool,
        follow_symlinks: bool,
    ) -> PyResult<bool> {
        let p = crate::os::args::PathArg::new(cx, path, PathKind::path("access"))?;
        let dir = dir_of(cx, dir_fd)?;
        let mut flags = 0;
        if effective_ids {
            flags |= libc::AT_EACCESS;
        }
        if !follow_symlinks {
            flags |= libc::AT_SYMLINK_NOFOLLOW;
        }
        Ok(cx.without_lock(|| sys!(libc::faccessat(dir, p.ptr(), mode, flags))) == 0)
    }

    /// Changes the permission bits of a file.
    #[pyfunction(sig = "(path, mode, *, dir_fd=None, follow_symlinks=True)")]
    fn chmod(cx: &Ctx, path: &Obj, mode: i32, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.chmod", || [path.clone(), Obj::from(mode), dir_or_none(dir_fd)])?;
        let t = Target::new(cx, path, PathKind::path_or_fd("chmod"))?;
        let dir = dir_of(cx, dir_fd)?;
        if !follow_symlinks {
            if let Target::Fd(_) = t {
                return Err(cx.value_error("chmod: cannot use fd and follow_symlinks together"));
            }
        }
        let flags = if follow_symlinks { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::fchmod(*fd, mode as libc::mode_t)),
            Target::Path(p) => sys!(libc::fchmodat(dir, p.ptr(), mode as libc::mode_t, flags)),
        })?;
        match r {
            Ok(_) => Ok(()),
            Err(libc::EOPNOTSUPP) if !follow_symlinks => {
                Err(cx.not_implemented("chmod: follow_symlinks unavailable on this platform"))
            }
            Err(e) => Err(t.error(cx, e)),
        }
    }

    /// Changes the permission bits of an open file.
    #[pyfunction(sig = "(fd, mode)")]
    fn fchmod(cx: &Ctx, fd: i32, mode: i32) -> PyResult<()> {
        cx.audit("os.chmod", || [Obj::from(fd), Obj::from(mode), Obj::from(-1)])?;
        crate::os::call(cx, || sys!(libc::fchmod(fd, mode as libc::mode_t))).map(|_| ())
    }

    /// Changes owner and group of a file; -1 leaves one as it is.
    #[pyfunction(sig = "(path, uid, gid, *, dir_fd=None, follow_symlinks=True)")]
    fn chown(cx: &Ctx, path: &Obj, uid: &Obj, gid: &Obj, dir_fd: Option<&Obj>, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.chown", || [path.clone(), uid.clone(), gid.clone(), dir_or_none(dir_fd)])?;
        let t = Target::new(cx, path, PathKind::path_or_fd("chown"))?;
        let (uid, gid) = (owner_id(cx, uid, "uid")?, owner_id(cx, gid, "gid")?);
        let dir = dir_of(cx, dir_fd)?;
        check_combination(cx, "chown", &t, dir, follow_symlinks)?;
        let flags = if follow_symlinks { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::fchown(*fd, uid, gid)),
            Target::Path(p) => sys!(libc::fchownat(dir, p.ptr(), uid, gid, flags)),
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// Changes owner and group of an open file.
    #[pyfunction(sig = "(fd, uid, gid)")]
    fn fchown(cx: &Ctx, fd: i32, uid: &Obj, gid: &Obj) -> PyResult<()> {
        cx.audit("os.chown", || [Obj::from(fd), uid.clone(), gid.clone(), Obj::from(-1)])?;
        let (uid, gid) = (owner_id(cx, uid, "uid")?, owner_id(cx, gid, "gid")?);
        crate::os::call(cx, || sys!(libc::fchown(fd, uid, gid))).map(|_| ())
    }

    /// Changes owner and group of a file; a symbolic link is changed itself.
    #[pyfunction(sig = "(path, uid, gid)")]
    fn lchown(cx: &Ctx, path: &Obj, uid: &Obj, gid: &Obj) -> PyResult<()> {
        cx.audit("os.chown", || [path.clone(), uid.clone(), gid.clone(), Obj::from(-1)])?;
        let p = crate::os::args::PathArg::new(cx, path, PathKind::path("lchown"))?;
        let (uid, gid) = (owner_id(cx, uid, "uid")?, owner_id(cx, gid, "gid")?);
        let r = retry(cx, || sys!(libc::lchown(p.ptr(), uid, gid)))?;
        r.map(|_| ()).map_err(|e| p.error(cx, e))
    }

    /// Sets the times of last access and modification of a file.
    ///
    /// times is a pair of seconds, ns a pair of nanoseconds; without both it is the current time.
    #[pyfunction(sig = "(path, times=None, *, ns=<unrepresentable>, dir_fd=None, follow_symlinks=True)")]
    fn utime(
        cx: &Ctx,
        path: &Obj,
        times: Option<&Obj>,
        ns: Option<&Obj>,
        dir_fd: Option<&Obj>,
        follow_symlinks: bool,
    ) -> PyResult<()> {
        let t = Target::new(cx, path, PathKind::path_or_fd("utime"))?;
        let times = times.filter(|t| !t.is_none());
        let dir = dir_of(cx, dir_fd)?;
        if times.is_some() && ns.is_some() {
            return Err(cx.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        let spec = if let Some(times) = times {
            let Some([a, m]) = tuple::items_if_tuple(times) else {
                return Err(cx.type_error("utime: 'times' must be either a tuple of two ints or None"));
            };
            Some([seconds(cx, a)?, seconds(cx, m)?])
        } else if let Some(ns) = ns {
            let Some([a, m]) = tuple::items_if_tuple(ns) else {
                return Err(cx.type_error("utime: 'ns' must be a tuple of two ints"));
            };
            let nanos = |o: &Obj| {
                let i = o.index(cx)?;
                int::as_i128(&i)
                    .map(timespec)
                    .ok_or_else(|| cx.overflow_error("Python int too large to convert to C long"))
            };
            Some([nanos(a)?, nanos(m)?])
        } else {
            None
        };
        check_combination(cx, "utime", &t, dir, follow_symlinks)?;
        let given = |o: Option<&Obj>| o.cloned().unwrap_or_else(Obj::none);
        cx.audit("os.utime", || [path.clone(), given(times), given(ns), dir_or_none(dir_fd)])?;
        let flags = if follow_symlinks { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let p = spec.as_ref().map_or(std::ptr::null(), |s| s.as_ptr());
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::futimens(*fd, p)),
            Target::Path(path) => sys!(libc::utimensat(dir, path.ptr(), p, flags)),
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// Sets the file mode creation mask and returns the old one.
    #[pyfunction(sig = "(mask, /)")]
    fn umask(mask: i32) -> i32 {
        sys!(libc::umask(mask as libc::mode_t)) as i32
    }

    /// The major number of a device.
    #[pyfunction(sig = "(device, /)")]
    fn major(cx: &Ctx, device: &Obj) -> PyResult {
        Ok(device_part(libc::major(device_number(cx, device)?)))
    }

    /// The minor number of a device.
    #[pyfunction(sig = "(device, /)")]
    fn minor(cx: &Ctx, device: &Obj) -> PyResult {
        Ok(device_part(libc::minor(device_number(cx, device)?)))
    }

    /// A device number from its parts.
    #[pyfunction(sig = "(major, minor, /)")]
    fn makedev(cx: &Ctx, major: &Obj, minor: &Obj) -> PyResult {
        let part = |o: &Obj| -> PyResult<u32> {
            let n = device_number(cx, o)?;
            match u32::try_from(n) {
                Ok(n) => Ok(n),
                Err(_) if n == NO_DEVICE => Ok(u32::MAX),
                Err(_) => Err(cx.overflow_error("Python int too large to convert to C unsigned int")),
            }
        };
        let n = libc::makedev(part(major)?, part(minor)?);
        Ok(if n == NO_DEVICE { Obj::from(-1) } else { Obj::from(n) })
    }

    /// Cuts or extends a file to a length in bytes.
    #[pyfunction(sig = "(path, length)")]
    fn truncate(cx: &Ctx, path: &Obj, length: i64) -> PyResult<()> {
        cx.audit("os.truncate", || [path.clone(), Obj::from(length)])?;
        let t = Target::new(cx, path, PathKind::path_or_fd("truncate"))?;
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::ftruncate(*fd, length)),
            Target::Path(p) => sys!(libc::truncate(p.ptr(), length)),
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// The value of a configuration variable of a path, nothing if it has no limit.
    #[pyfunction(sig = "(path, name)")]
    fn pathconf(cx: &Ctx, path: &Obj, name: &Obj) -> PyResult<i64> {
        let t = Target::new(cx, path, PathKind::path_or_fd("pathconf"))?;
        let n = crate::modules::posix::config::number(cx, name, crate::modules::posix::config::PATHCONF)?;
        // -1 without an error number says that there is no limit.
        sys!(*libc::__errno_location() = 0);
        let r = match &t {
            Target::Fd(fd) => sys!(libc::fpathconf(*fd, n)),
            Target::Path(p) => sys!(libc::pathconf(p.ptr(), n)),
        };
        if r == -1 && errno() != 0 { Err(t.error(cx, errno())) } else { Ok(r) }
    }

    /// The value of a configuration variable of an open file.
    #[pyfunction(sig = "(fd, name, /)")]
    fn fpathconf(cx: &Ctx, fd: i32, name: &Obj) -> PyResult<i64> {
        pathconf(cx, &Obj::from(fd), name)
    }
}
