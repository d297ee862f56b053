//! `os.scandir`: the entries of a folder with what the system told about them.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;

use cinder_pyobj::codecs::decode_fs;
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes;
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::stat::{result, status};
use crate::os::args::{PathArg, PathKind, Target};
use crate::os::{errno, sys};

/// An open folder.
pub(crate) struct Entries {
    dir: *mut libc::DIR,
    /// The folder was given as a descriptor, whose position must be left at the start.
    rewind: bool,
}

/// What `readdir` tells.
pub(crate) struct RawEntry {
    pub name: Vec<u8>,
    pub kind: u8,
    pub inode: u64,
}

impl Entries {
    /// Opens a folder; a descriptor is duplicated first.
    pub fn open(cx: &Ctx, t: &Target) -> PyResult<Entries> {
        let (dir, rewind) = cx.without_lock(|| match t {
            Target::Path(p) => (sys!(libc::opendir(p.ptr())), false),
            Target::Fd(fd) => {
                let copy = sys!(libc::fcntl(*fd, libc::F_DUPFD_CLOEXEC, 0));
                if copy < 0 {
                    return (std::ptr::null_mut(), false);
                }
                let d = sys!(libc::fdopendir(copy));
                if d.is_null() {
                    let e = errno();
                    sys!(libc::close(copy));
                    sys!(*libc::__errno_location() = e);
                }
                (d, true)
            }
        });
        if dir.is_null() { Err(t.error(cx, errno())) } else { Ok(Entries { dir, rewind }) }
    }

    /// The next entry that is neither . nor .. ; an error number on failure.
    pub fn next(&self) -> Result<Option<RawEntry>, i32> {
        loop {
            sys!(*libc::__errno_location() = 0);
            let e = sys!(libc::readdir(self.dir));
            if e.is_null() {
                return match errno() {
                    0 => Ok(None),
                    e => Err(e),
                };
            }
            let name = sys!(CStr::from_ptr((*e).d_name.as_ptr())).to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            return Ok(Some(RawEntry { name: name.to_vec(), kind: sys!((*e).d_type), inode: sys!((*e).d_ino) }));
        }
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        if self.rewind {
            sys!(libc::rewinddir(self.dir));
        }
        sys!(libc::closedir(self.dir));
    }
}

/// Where the entries' paths start.
struct Origin {
    /// The folder's path with a slash; empty for a descriptor.
    prefix: Vec<u8>,
    is_bytes: bool,
    fd: Option<i32>,
}

/// Iterates over the entries of a folder. It is also a context manager that closes the folder.
#[pyclass(name = "ScandirIterator", module = "posix", flags(no_new))]
pub struct ScandirIterator {
    entries: RefCell<Option<Entries>>,
    origin: Origin,
    path: Obj,
}

impl Traverse for ScandirIterator {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.path.value());
    }
}

/// `os.scandir(path)`.
pub(super) fn scandir(cx: &Ctx, path: Option<&Obj>) -> PyResult {
    let kind = PathKind { function: "scandir", param: "path", nullable: true, fd: true };
    let t = Target::new(cx, path.unwrap_or(&Obj::none()), kind)?;
    (cx.host().audit)(cx, "os.scandir", &[path.cloned().unwrap_or_else(Obj::none)])?;
    let entries = Entries::open(cx, &t)?;
    let origin = match &t {
        Target::Path(p) => {
            let mut prefix = p.c().to_bytes().to_vec();
            if prefix.last().is_some_and(|b| *b != b'/') {
                prefix.push(b'/');
            }
            Origin { prefix, is_bytes: p.is_bytes, fd: None }
        }
        Target::Fd(fd) => Origin { prefix: Vec::new(), is_bytes: false, fd: Some(*fd) },
    };
    let path = match t {
        Target::Path(p) => p.obj,
        Target::Fd(fd) => Obj::from(fd),
    };
    let it = ScandirIterator { entries: RefCell::new(Some(entries)), origin, path };
    Ok(new_instance(ScandirIterator::type_object(), it))
}

#[pymethods]
impl ScandirIterator {
    fn __iter__(_cx: &Ctx, this: &Obj) -> PyResult {
        Ok(this.clone())
    }

    fn __next__(cx: &Ctx, this: This<'_, ScandirIterator>) -> PyResult<Option<Obj>> {
        let next = match &*this.entries.borrow() {
            Some(e) => e.next(),
            None => Ok(None),
        };
        match next {
            Ok(Some(e)) => DirEntry::create(cx, &this.origin, e).map(Some),
            Ok(None) => {
                drop(this.entries.take());
                Ok(None)
            }
            Err(e) => {
                drop(this.entries.take());
                Err(cx.os_error_with(e, Some(&this.path), None))
            }
        }
    }

    fn __del__(cx: &Ctx, this: This<'_, ScandirIterator>) -> PyResult<()> {
        if this.entries.borrow().is_some() {
            let r = this.obj().repr(cx)?;
            let message = format!("unclosed scandir iterator {}", cinder_pyobj::types::str::as_utf8_lossy(&r));
            crate::os::warn_unclosed(cx, &message, this.obj(), ("scandir iterator", this.obj()));
        }
        Ok(())
    }

    /// Closes the folder.
    #[pymethod]
    fn close(_cx: &Ctx, this: This<'_, ScandirIterator>) {
        drop(this.entries.take());
    }

    #[pymethod]
    fn __enter__(_cx: &Ctx, this: &Obj) -> Obj {
        this.clone()
    }

    #[pymethod(sig = "($self, *args)")]
    fn __exit__(_cx: &Ctx, this: This<'_, ScandirIterator>, args: &[Obj]) {
        let _ = args;
        drop(this.entries.take());
    }
}

/// An entry of a folder.
#[pyclass(name = "DirEntry", module = "posix", flags(no_new))]
pub struct DirEntry {
    name: Obj,
    path: Obj,
    kind: u8,
    inode: u64,
    fd: Option<i32>,
    stat: ObjCell,
    lstat: ObjCell,
    mode: Cell<Option<u32>>,
}

impl Traverse for DirEntry {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        visit(self.name.value());
        visit(self.path.value());
        self.stat.traverse(visit);
        self.lstat.traverse(visit);
    }
}

impl DirEntry {
    fn create(cx: &Ctx, origin: &Origin, e: RawEntry) -> PyResult {
        let text = |b: &[u8]| if origin.is_bytes { Ok(bytes::new(b)) } else { decode_fs(cx, b) };
        let name = text(&e.name)?;
        let path = if origin.fd.is_some() { name.clone() } else { text(&[&origin.prefix[..], &e.name].concat())? };
        let entry = DirEntry {
            name,
            path,
            kind: e.kind,
            inode: e.inode,
            fd: origin.fd,
            stat: ObjCell::new(None),
            lstat: ObjCell::new(None),
            mode: Cell::new(None),
        };
        Ok(new_instance(DirEntry::type_object(), entry))
    }

    fn target(&self, cx: &Ctx) -> PyResult<(Target, i32)> {
        let p = PathArg::new(cx, &self.path, PathKind::path("stat"))?;
        Ok((Target::Path(p), self.fd.unwrap_or(libc::AT_FDCWD)))
    }

    fn fetch(&self, cx: &Ctx, follow: bool) -> PyResult<Result<libc::stat, i32>> {
        let (t, dir) = self.target(cx)?;
        status(cx, &t, dir, follow)
    }

    /// Whether the entry (or what it links to) has a type; a file that is gone has none.
    fn is_kind(&self, cx: &Ctx, follow: bool, d_type: u8, mode: u32) -> PyResult<bool> {
        let is_link = self.kind == libc::DT_LNK;
        if self.kind != libc::DT_UNKNOWN && !(follow && is_link) {
            return Ok(self.kind == d_type);
        }
        let m = match self.mode.get().filter(|_| follow) {
            Some(m) => m,
            None => match self.fetch(cx, follow)? {
                Ok(s) => {
                    if follow {
                        self.mode.set(Some(s.st_mode));
                    }
                    s.st_mode
                }
                Err(libc::ENOENT) => return Ok(false),
                Err(e) => return Err(cx.os_error_with(e, Some(&self.path), None)),
            },
        };
        Ok(m & libc::S_IFMT == mode)
    }
}

#[pymethods]
impl DirEntry {
    fn __repr__(cx: &Ctx, this: This<'_, DirEntry>) -> PyResult<String> {
        let r = this.name.repr(cx)?;
        Ok(format!("<DirEntry {}>", cinder_pyobj::types::str::as_utf8_lossy(&r)))
    }

    /// The name of the entry in its folder.
    #[pygetter(member)]
    fn name(_cx: &Ctx, this: This<'_, DirEntry>) -> Obj {
        this.name.clone()
    }

    /// The path: that of the folder joined with the name.
    #[pygetter(member)]
    fn path(_cx: &Ctx, this: This<'_, DirEntry>) -> Obj {
        this.path.clone()
    }

    /// Whether the entry is a folder.
    #[pymethod(sig = "($self, *, follow_symlinks=True)")]
    fn is_dir(cx: &Ctx, this: This<'_, DirEntry>, follow_symlinks: bool) -> PyResult<bool> {
        this.is_kind(cx, follow_symlinks, libc::DT_DIR, libc::S_IFDIR)
    }

    /// Whether the entry is a regular file.
    #[pymethod(sig = "($self, *, follow_symlinks=True)")]
    fn is_file(cx: &Ctx, this: This<'_, DirEntry>, follow_symlinks: bool) -> PyResult<bool> {
        this.is_kind(cx, follow_symlinks, libc::DT_REG, libc::S_IFREG)
    }

    /// Whether the entry is a symbolic link.
    #[pymethod]
    fn is_symlink(cx: &Ctx, this: This<'_, DirEntry>) -> PyResult<bool> {
        this.is_kind(cx, false, libc::DT_LNK, libc::S_IFLNK)
    }

    /// False: junctions exist on Windows only.
    #[pymethod]
    fn is_junction(_cx: &Ctx, _this: This<'_, DirEntry>) -> bool {
        false
    }

    /// The inode number.
    #[pymethod]
    fn inode(_cx: &Ctx, this: This<'_, DirEntry>) -> u64 {
        this.inode
    }

    /// The status of the entry, asked for once.
    #[pymethod(sig = "($self, *, follow_symlinks=True)")]
    fn stat(cx: &Ctx, this: This<'_, DirEntry>, follow_symlinks: bool) -> PyResult {
        let cache = if follow_symlinks { &this.stat } else { &this.lstat };
        if let Some(s) = cache.get() {
            return Ok(s);
        }
        match this.fetch(cx, follow_symlinks)? {
            Ok(s) => {
                let s = result(&s);
                cache.set(Some(s.clone()));
                Ok(s)
            }
            Err(e) => Err(cx.os_error_with(e, Some(&this.path), None)),
        }
    }

    #[pymethod]
    fn __fspath__(_cx: &Ctx, this: This<'_, DirEntry>) -> Obj {
        this.path.clone()
    }

    #[pyclassmethod(sig = "($type, item, /)")]
    fn __class_getitem__(cx: &Ctx, ty: &Obj, item: &Obj) -> PyResult {
        cinder_pyobj::types::generic_alias::new(cx, ty, item)
    }
}
