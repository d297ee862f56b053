//! `_stat`.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::int;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::add_ints;

#[rustfmt::skip]
const CONSTANTS: &[(&str, i64)] = &[
    ("SF_APPEND", 0x40000), ("SF_ARCHIVED", 0x10000), ("SF_DATALESS", 0x40000000), ("SF_FIRMLINK", 0x800000),
    ("SF_IMMUTABLE", 0x20000), ("SF_NOUNLINK", 0x100000), ("SF_SETTABLE", 0xffff0000), ("SF_SNAPSHOT", 0x200000),
    ("ST_ATIME", 7), ("ST_CTIME", 9), ("ST_DEV", 2), ("ST_GID", 5), ("ST_INO", 1), ("ST_MODE", 0), ("ST_MTIME", 8),
    ("ST_NLINK", 3), ("ST_SIZE", 6), ("ST_UID", 4), ("S_ENFMT", 0o2000), ("S_IEXEC", 0o100), ("S_IFBLK", 0o60000),
    ("S_IFCHR", 0o20000), ("S_IFDIR", 0o40000), ("S_IFDOOR", 0o0), ("S_IFIFO", 0o10000), ("S_IFLNK", 0o120000),
    ("S_IFPORT", 0o0), ("S_IFREG", 0o100000), ("S_IFSOCK", 0o140000), ("S_IFWHT", 0o0), ("S_IREAD", 0o400),
    ("S_IRGRP", 0o40), ("S_IROTH", 0o4), ("S_IRUSR", 0o400), ("S_IRWXG", 0o70), ("S_IRWXO", 0o7),
    ("S_IRWXU", 0o700), ("S_ISGID", 0o2000), ("S_ISUID", 0o4000), ("S_ISVTX", 0o1000), ("S_IWGRP", 0o20),
    ("S_IWOTH", 0o2), ("S_IWRITE", 0o200), ("S_IWUSR", 0o200), ("S_IXGRP", 0o10), ("S_IXOTH", 0o1),
    ("S_IXUSR", 0o100), ("UF_APPEND", 4), ("UF_COMPRESSED", 32), ("UF_DATAVAULT", 0x80), ("UF_HIDDEN", 0x8000),
    ("UF_IMMUTABLE", 2), ("UF_NODUMP", 1), ("UF_NOUNLINK", 16), ("UF_OPAQUE", 8), ("UF_SETTABLE", 0xffff),
    ("UF_TRACKED", 64),
];

/// A file mode argument.
fn mode(cx: &Ctx, o: &Obj) -> PyResult<u32> {
    if !int::is_int(o) {
        return Err(cx.type_error(format!("an integer is required (got type {})", o.type_of().name())));
    }
    match int::as_u64(o) {
        Some(n) if n <= u64::from(u32::MAX) => Ok(n as u32),
        Some(_) => Err(cx.overflow_error("mode out of range")),
        None if int::is_negative(o) => Err(cx.overflow_error("can't convert negative value to unsigned int")),
        None => Err(cx.overflow_error("Python int too large to convert to C unsigned long")),
    }
}

/// Bits of file modes.
#[pymodule(name = "_stat")]
pub(crate) mod stat {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        add_ints(cx, module, CONSTANTS)
    }

    /// Whether a mode is that of a block device.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISBLK(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o60000)
    }

    /// Whether a mode is that of a character device.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISCHR(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o20000)
    }

    /// Whether a mode is that of a folder.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISDIR(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o40000)
    }

    /// Whether a mode is that of a named pipe.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISFIFO(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o10000)
    }

    /// Whether a mode is that of a symbolic link.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISLNK(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o120000)
    }

    /// Whether a mode is that of a regular file.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISREG(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o100000)
    }

    /// Whether a mode is that of a socket.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISSOCK(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        Ok(mode(cx, object)? & 0o170000 == 0o140000)
    }

    /// Whether a mode is that of a door: there are none on Linux.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISDOOR(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        mode(cx, object).map(|_| false)
    }

    /// Whether a mode is that of an event port: there are none on Linux.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISPORT(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        mode(cx, object).map(|_| false)
    }

    /// Whether a mode is that of a whiteout: there are none on Linux.
    #[pyfunction(sig = "(object, /)")]
    fn S_ISWHT(cx: &Ctx, object: &Obj) -> PyResult<bool> {
        mode(cx, object).map(|_| false)
    }

    /// The permission bits of a mode.
    #[pyfunction(sig = "(object, /)")]
    fn S_IMODE(cx: &Ctx, object: &Obj) -> PyResult<u32> {
        Ok(mode(cx, object)? & 0o7777)
    }

    /// The file type of a mode.
    #[pyfunction(sig = "(object, /)")]
    fn S_IFMT(cx: &Ctx, object: &Obj) -> PyResult<u32> {
        Ok(mode(cx, object)? & 0o170000)
    }

    /// A mode as text like '-rwxrwxrwx'.
    #[pyfunction(sig = "(object, /)")]
    fn filemode(cx: &Ctx, object: &Obj) -> PyResult<String> {
        let m = mode(cx, object)?;
        let mut s = String::with_capacity(10);
        s.push(match m & 0o170000 {
            0o100000 => '-',
            0o40000 => 'd',
            0o120000 => 'l',
            0o60000 => 'b',
            0o20000 => 'c',
            0o10000 => 'p',
            0o140000 => 's',
            _ => '?',
        });
        for (shift, special, with_x, without_x) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')]
        {
            let bits = m >> shift;
            s.push(if bits & 4 != 0 { 'r' } else { '-' });
            s.push(if bits & 2 != 0 { 'w' } else { '-' });
            s.push(match (m & special != 0, bits & 1 != 0) {
                (true, true) => with_x,
                (true, false) => without_x,
                (false, true) => 'x',
                (false, false) => '-',
            });
        }
        Ok(s)
    }
}
