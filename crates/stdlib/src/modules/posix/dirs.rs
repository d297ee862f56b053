//! Folders, links and names.

use cinder_pyobj::codecs::decode_fs;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{bytes, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::scandir::Entries;
use crate::os::args::{PathArg, PathKind, Target, dir_fd as dir_of, dir_or_none, or_none};
use crate::os::{call, errno, last_error, retry, sys};

/// Two paths: the second one becomes `filename2` of errors.
fn two_paths(
    cx: &Ctx,
    function: &'static str,
    src: &Obj,
    dst: &Obj,
    f: impl Fn(&PathArg, &PathArg) -> i32,
) -> PyResult<()> {
    let a = PathArg::new(cx, src, PathKind::path(function).named("src"))?;
    let b = PathArg::new(cx, dst, PathKind::path(function).named("dst"))?;
    let r = retry(cx, || f(&a, &b))?;
    r.map(|_| ()).map_err(|e| cx.os_error_with(e, Some(&a.obj), Some(&b.obj)))
}

fn one_path(cx: &Ctx, function: &'static str, path: &Obj, f: impl Fn(&PathArg) -> i32) -> PyResult<()> {
    let p = PathArg::new(cx, path, PathKind::path(function))?;
    let r = retry(cx, || f(&p))?;
    r.map(|_| ()).map_err(|e| p.error(cx, e))
}

fn current_folder(cx: &Ctx) -> PyResult<Vec<u8>> {
    let mut v = vec![0u8; 512];
    loop {
        let p = sys!(libc::getcwd(v.as_mut_ptr().cast(), v.len()));
        if !p.is_null() {
            let n = v.iter().position(|b| *b == 0).unwrap_or(0);
            v.truncate(n);
            return Ok(v);
        }
        if errno() != libc::ERANGE || v.len() > 1 << 20 {
            return Err(last_error(cx));
        }
        v.resize(v.len() * 2, 0);
    }
}

/// A normalised path: no empty or `.` parts, `..` resolved against the part before.
fn normalise(p: &[u8]) -> Vec<u8> {
    if p.is_empty() {
        return b".".to_vec();
    }
    // Exactly two slashes at the start mean something of their own to POSIX.
    let slashes = match p {
        [b'/', b'/', b'/', ..] => 1,
        [b'/', b'/', ..] => 2,
        [b'/', ..] => 1,
        _ => 0,
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in p.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|l| *l != b"..") => {
                parts.pop();
            }
            b".." if slashes > 0 && parts.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let mut out = vec![b'/'; slashes];
    out.extend(parts.join(&b'/'));
    if out.is_empty() { b".".to_vec() } else { out }
}

#[pymodule(part, name = "posix")]
pub(crate) mod dirs {
    use super::*;

    /// The names in a folder (without . and ..), in no particular order; bytes if path is bytes.
    #[pyfunction(sig = "(path=None)")]
    fn listdir(cx: &Ctx, path: Option<&Obj>) -> PyResult {
        let kind = PathKind { function: "listdir", param: "path", nullable: true, fd: true };
        let t = Target::new(cx, path.unwrap_or(&Obj::none()), kind)?;
        (cx.host().audit)(cx, "os.listdir", &[path.cloned().unwrap_or_else(Obj::none)])?;
        let entries = Entries::open(cx, &t)?;
        let mut names = Vec::new();
        while let Some(e) = entries.next().map_err(|e| t.error(cx, e))? {
            names.push(match &t {
                Target::Path(p) => p.like(cx, &e.name)?,
                Target::Fd(_) => decode_fs(cx, &e.name)?,
            });
        }
        Ok(list::new(names))
    }

    /// Makes a folder.
    #[pyfunction(sig = "(path, mode=511, *, dir_fd=None)")]
    fn mkdir(cx: &Ctx, path: &Obj, mode: i32, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.mkdir", || [path.clone(), Obj::from(mode), dir_or_none(dir_fd)])?;
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "mkdir", path, |p| sys!(libc::mkdirat(dir, p.ptr(), mode as libc::mode_t)))
    }

    /// Removes an empty folder.
    #[pyfunction(sig = "(path, *, dir_fd=None)")]
    fn rmdir(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.rmdir", || [path.clone(), dir_or_none(dir_fd)])?;
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "rmdir", path, |p| sys!(libc::unlinkat(dir, p.ptr(), libc::AT_REMOVEDIR)))
    }

    /// Removes a file.
    #[pyfunction(sig = "(path, *, dir_fd=None)")]
    fn unlink(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.remove", || [path.clone(), dir_or_none(dir_fd)])?;
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "unlink", path, |p| sys!(libc::unlinkat(dir, p.ptr(), 0)))
    }

    /// Removes a file.
    #[pyfunction(sig = "(path, *, dir_fd=None)")]
    fn remove(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.remove", || [path.clone(), dir_or_none(dir_fd)])?;
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "remove", path, |p| sys!(libc::unlinkat(dir, p.ptr(), 0)))
    }

    fn rename_any(cx: &Ctx, f: &'static str, src: &Obj, dst: &Obj, a: Option<&Obj>, b: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.rename", || [src.clone(), dst.clone(), dir_or_none(a), dir_or_none(b)])?;
        let (a, b) = (dir_of(cx, a)?, dir_of(cx, b)?);
        two_paths(cx, f, src, dst, |x, y| sys!(libc::renameat(a, x.ptr(), b, y.ptr())))
    }

    /// Renames a file or folder.
    #[pyfunction(sig = "(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn rename(cx: &Ctx, src: &Obj, dst: &Obj, src_dir_fd: Option<&Obj>, dst_dir_fd: Option<&Obj>) -> PyResult<()> {
        rename_any(cx, "rename", src, dst, src_dir_fd, dst_dir_fd)
    }

    /// Renames a file or folder, replacing the destination.
    #[pyfunction(sig = "(src, dst, *, src_dir_fd=None, dst_dir_fd=None)")]
    fn replace(cx: &Ctx, src: &Obj, dst: &Obj, src_dir_fd: Option<&Obj>, dst_dir_fd: Option<&Obj>) -> PyResult<()> {
        rename_any(cx, "replace", src, dst, src_dir_fd, dst_dir_fd)
    }

    /// Makes a hard link.
    #[pyfunction(sig = "(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True)")]
    fn link(
        cx: &Ctx,
        src: &Obj,
        dst: &Obj,
        src_dir_fd: Option<&Obj>,
        dst_dir_fd: Option<&Obj>,
        follow_symlinks: bool,
    ) -> PyResult<()> {
        cx.audit("os.link", || [src.clone(), dst.clone(), dir_or_none(src_dir_fd), dir_or_none(dst_dir_fd)])?;
        let (a, b) = (dir_of(cx, src_dir_fd)?, dir_of(cx, dst_dir_fd)?);
        let flags = if follow_symlinks { libc::AT_SYMLINK_FOLLOW } else { 0 };
        two_paths(cx, "link", src, dst, |x, y| sys!(libc::linkat(a, x.ptr(), b, y.ptr(), flags)))
    }

    /// Makes a symbolic link dst that points to src.
    #[pyfunction(sig = "(src, dst, target_is_directory=False, *, dir_fd=None)")]
    fn symlink(cx: &Ctx, src: &Obj, dst: &Obj, target_is_directory: bool, dir_fd: Option<&Obj>) -> PyResult<()> {
        cx.audit("os.symlink", || [src.clone(), dst.clone(), dir_or_none(dir_fd)])?;
        let _ = target_is_directory;
        let dir = dir_of(cx, dir_fd)?;
        two_paths(cx, "symlink", src, dst, |x, y| sys!(libc::symlinkat(x.ptr(), dir, y.ptr())))
    }

    /// Where a symbolic link points to.
    #[pyfunction(sig = "(path, *, dir_fd=None)")]
    fn readlink(cx: &Ctx, path: &Obj, dir_fd: Option<&Obj>) -> PyResult {
        let dir = dir_of(cx, dir_fd)?;
        let p = PathArg::new(cx, path, PathKind::path("readlink"))?;
        let mut v = vec![0u8; libc::PATH_MAX as usize + 1];
        let r = retry(cx, || sys!(libc::readlinkat(dir, p.ptr(), v.as_mut_ptr().cast(), v.len())))?;
        match r {
            Ok(n) => p.like(cx, &v[..n as usize]),
            Err(e) => Err(p.error(cx, e)),
        }
    }

    /// Makes a named pipe.
    #[pyfunction(sig = "(path, mode=438, *, dir_fd=None)")]
    fn mkfifo(cx: &Ctx, path: &Obj, mode: i32, dir_fd: Option<&Obj>) -> PyResult<()> {
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "mkfifo", path, |p| sys!(libc::mkfifoat(dir, p.ptr(), mode as libc::mode_t)))
    }

    /// Makes a node of a file system.
    #[pyfunction(sig = "(path, mode=384, device=0, *, dir_fd=None)")]
    fn mknod(cx: &Ctx, path: &Obj, mode: i32, device: u64, dir_fd: Option<&Obj>) -> PyResult<()> {
        let dir = dir_of(cx, dir_fd)?;
        one_path(cx, "mknod", path, |p| sys!(libc::mknodat(dir, p.ptr(), mode as libc::mode_t, device)))
    }

    /// Makes a folder the current one.
    #[pyfunction(sig = "(path)")]
    fn chdir(cx: &Ctx, path: &Obj) -> PyResult<()> {
        cx.audit("os.chdir", || [path.clone()])?;
        let t = Target::new(cx, path, PathKind::path_or_fd("chdir"))?;
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::fchdir(*fd)),
            Target::Path(p) => sys!(libc::chdir(p.ptr())),
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// Makes an open folder the current one.
    #[pyfunction(sig = "(fd)")]
    fn fchdir(cx: &Ctx, fd: &Obj) -> PyResult<()> {
        cx.audit("os.chdir", || [fd.clone()])?;
        let fd = crate::os::args::file_descriptor(cx, fd)?;
        call(cx, || sys!(libc::fchdir(fd))).map(|_| ())
    }

    /// Makes a folder the root of the process.
    #[pyfunction(sig = "(path)")]
    fn chroot(cx: &Ctx, path: &Obj) -> PyResult<()> {
        one_path(cx, "chroot", path, |p| sys!(libc::chroot(p.ptr())))
    }

    /// The current folder.
    #[pyfunction]
    fn getcwd(cx: &Ctx) -> PyResult {
        decode_fs(cx, &current_folder(cx)?)
    }

    /// The current folder as bytes.
    #[pyfunction]
    fn getcwdb(cx: &Ctx) -> PyResult {
        Ok(bytes::new(&current_folder(cx)?))
    }

    /// The path of a path-like object: a str or bytes object.
    #[pyfunction(sig = "(path)")]
    fn fspath(cx: &Ctx, path: &Obj) -> PyResult {
        crate::os::args::fspath(cx, path)
    }

    /// The path without superfluous parts.
    #[pyfunction(sig = "(path)")]
    fn _path_normpath(cx: &Ctx, path: &Obj) -> PyResult {
        let path = &crate::os::args::fspath(cx, path)?;
        if let Some(b) = bytes::as_bytes(path) {
            return Ok(bytes::new(&normalise(b)));
        }
        if !path.type_of().is_str_subtype() {
            return Err(cx.type_error(format!("expected str or bytes, not {}", path.type_of().name())));
        }
        // Surrogates of any kind stay what they are.
        let text = cinder_pyobj::codecs::encode(cx, path, "utf-8", "surrogatepass")?;
        let normal = bytes::new(&normalise(bytes::as_bytes(&text).unwrap_or_default()));
        cinder_pyobj::codecs::decode(cx, &normal, "utf-8", "surrogatepass")
    }

    /// The path in three parts: drive (always empty), root, and the rest.
    #[pyfunction(sig = "(p)")]
    fn _path_splitroot_ex(cx: &Ctx, p: &Obj) -> PyResult {
        let p = &crate::os::args::fspath(cx, p)?;
        if let Some(b) = bytes::as_bytes(p) {
            let n = root_length(b);
            return Ok(tuple::new(vec![bytes::new(b""), bytes::new(&b[..n]), bytes::new(&b[n..])]));
        }
        let Some(s) = p.downcast::<cinder_pyobj::types::str::Str>() else {
            return Err(cx.type_error(format!("expected str or bytes, not {}", p.type_of().name())));
        };
        let start: Vec<u8> = s.code_points().take(3).map(|c| if c == 47 { b'/' } else { b'x' }).collect();
        let n = root_length(&start) as i64;
        let cut = |a: Obj, b: Obj| p.get_item(cx, &cinder_pyobj::types::slice::new(a, b, Obj::none()));
        Ok(tuple::new(vec![Obj::from(""), cut(Obj::from(0), Obj::from(n))?, cut(Obj::from(n), Obj::none())?]))
    }

    fn root_length(p: &[u8]) -> usize {
        match p {
            [b'/', b'/', b'/', ..] => 1,
            [b'/', b'/', ..] => 2,
            [b'/', ..] => 1,
            _ => 0,
        }
    }

    fn attribute_target(
        cx: &Ctx,
        path: Option<&Obj>,
        f: &'static str,
        follow: bool,
        nullable: bool,
    ) -> PyResult<Target> {
        let kind = PathKind { function: f, param: "path", nullable, fd: true };
        let t = Target::new(cx, path.unwrap_or(&Obj::none()), kind)?;
        if matches!(t, Target::Fd(_)) && !follow {
            return Err(cx.value_error(format!("{f}: cannot use fd and follow_symlinks together")));
        }
        Ok(t)
    }

    /// The value of an extended attribute.
    #[pyfunction(sig = "(path, attribute, *, follow_symlinks=True)")]
    fn getxattr(cx: &Ctx, path: &Obj, attribute: &Obj, follow_symlinks: bool) -> PyResult {
        cx.audit("os.getxattr", || [path.clone(), attribute.clone()])?;
        let t = attribute_target(cx, Some(path), "getxattr", follow_symlinks, false)?;
        let a = PathArg::new(cx, attribute, PathKind::path("getxattr").named("attribute"))?;
        let mut v = vec![0u8; 65536];
        let r = retry(cx, || {
            let (buf, n) = (v.as_mut_ptr().cast(), v.len());
            match &t {
                Target::Fd(fd) => sys!(libc::fgetxattr(*fd, a.ptr(), buf, n)),
                Target::Path(p) if follow_symlinks => sys!(libc::getxattr(p.ptr(), a.ptr(), buf, n)),
                Target::Path(p) => sys!(libc::lgetxattr(p.ptr(), a.ptr(), buf, n)),
            }
        })?;
        r.map(|n| bytes::new(&v[..n as usize])).map_err(|e| t.error(cx, e))
    }

    /// Sets an extended attribute.
    #[pyfunction(sig = "(path, attribute, value, flags=0, *, follow_symlinks=True)")]
    fn setxattr(cx: &Ctx, path: &Obj, attribute: &Obj, value: &Obj, flags: i32, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.setxattr", || [path.clone(), attribute.clone(), value.clone(), Obj::from(flags)])?;
        let t = attribute_target(cx, Some(path), "setxattr", follow_symlinks, false)?;
        let a = PathArg::new(cx, attribute, PathKind::path("setxattr").named("attribute"))?;
        let v = bytes::BytesLike::new(cx, value)?.to_vec();
        let r = retry(cx, || {
            let (buf, n) = (v.as_ptr().cast(), v.len());
            match &t {
                Target::Fd(fd) => sys!(libc::fsetxattr(*fd, a.ptr(), buf, n, flags)),
                Target::Path(p) if follow_symlinks => sys!(libc::setxattr(p.ptr(), a.ptr(), buf, n, flags)),
                Target::Path(p) => sys!(libc::lsetxattr(p.ptr(), a.ptr(), buf, n, flags)),
            }
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// Removes an extended attribute.
    #[pyfunction(sig = "(path, attribute, *, follow_symlinks=True)")]
    fn removexattr(cx: &Ctx, path: &Obj, attribute: &Obj, follow_symlinks: bool) -> PyResult<()> {
        cx.audit("os.removexattr", || [path.clone(), attribute.clone()])?;
        let t = attribute_target(cx, Some(path), "removexattr", follow_symlinks, false)?;
        let a = PathArg::new(cx, attribute, PathKind::path("removexattr").named("attribute"))?;
        let r = retry(cx, || match &t {
            Target::Fd(fd) => sys!(libc::fremovexattr(*fd, a.ptr())),
            Target::Path(p) if follow_symlinks => sys!(libc::removexattr(p.ptr(), a.ptr())),
            Target::Path(p) => sys!(libc::lremovexattr(p.ptr(), a.ptr())),
        })?;
        r.map(|_| ()).map_err(|e| t.error(cx, e))
    }

    /// The names of a file's extended attributes.
    #[pyfunction(sig = "(path=None, *, follow_symlinks=True)")]
    fn listxattr(cx: &Ctx, path: Option<&Obj>, follow_symlinks: bool) -> PyResult {
        cx.audit("os.listxattr", || [or_none(path)])?;
        let t = attribute_target(cx, path, "listxattr", follow_symlinks, true)?;
        let mut v = vec![0u8; 65536];
        let r = retry(cx, || {
            let (buf, n) = (v.as_mut_ptr().cast(), v.len());
            match &t {
                Target::Fd(fd) => sys!(libc::flistxattr(*fd, buf, n)),
                Target::Path(p) if follow_symlinks => sys!(libc::listxattr(p.ptr(), buf, n)),
                Target::Path(p) => sys!(libc::llistxattr(p.ptr(), buf, n)),
            }
        })?;
        let n = r.map_err(|e| t.error(cx, e))? as usize;
        let names = v[..n].split(|b| *b == 0).filter(|s| !s.is_empty()).map(|s| decode_fs(cx, s));
        Ok(list::new(names.collect::<PyResult<Vec<Obj>>>()?))
    }
}
