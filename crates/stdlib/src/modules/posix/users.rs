//! Users and groups of the process.

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::c_string;
use crate::os::{check, errno, last_error, sys};

unsafe extern "C" {
    fn getlogin_r(buf: *mut libc::c_char, n: libc::size_t) -> libc::c_int;
}

/// A user or group id; -1 stands for "unchanged".
pub(crate) fn id(cx: &Ctx, o: &Obj, what: &str) -> PyResult<u32> {
    if !o.is_int() && o.type_of().slots.index.get().is_none() {
        return Err(cx.type_error(format!("{what} should be integer, not {}", o.type_of().name())));
    }
    let i = o.index(cx)?;
    match int::as_i64(&i) {
        Some(-1) => Ok(u32::MAX),
        Some(n) if (0..=i64::from(u32::MAX)).contains(&n) => Ok(n as u32),
        Some(..0) => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        _ if int::is_negative(&i) => Err(cx.overflow_error(format!("{what} is less than minimum"))),
        _ => Err(cx.overflow_error(format!("{what} is greater than maximum"))),
    }
}

fn done(cx: &Ctx, r: i32) -> PyResult<()> {
    check(cx, r).map(|_| ())
}

fn triple(a: u32, b: u32, c: u32) -> Obj {
    tuple::new(vec![Obj::from(a), Obj::from(b), Obj::from(c)])
}

#[pymodule(part, name = "posix")]
pub(crate) mod users {
    use super::*;

    /// The real user id.
    #[pyfunction]
    fn getuid() -> u32 {
        sys!(libc::getuid())
    }

    /// The effective user id.
    #[pyfunction]
    fn geteuid() -> u32 {
        sys!(libc::geteuid())
    }

    /// The real group id.
    #[pyfunction]
    fn getgid() -> u32 {
        sys!(libc::getgid())
    }

    /// The effective group id.
    #[pyfunction]
    fn getegid() -> u32 {
        sys!(libc::getegid())
    }

    /// Real, effective and saved user id.
    #[pyfunction]
    fn getresuid(cx: &Ctx) -> PyResult {
        let (mut a, mut b, mut c) = (0, 0, 0);
        done(cx, sys!(libc::getresuid(&mut a, &mut b, &mut c)))?;
        Ok(triple(a, b, c))
    }

    /// Real, effective and saved group id.
    #[pyfunction]
    fn getresgid(cx: &Ctx) -> PyResult {
        let (mut a, mut b, mut c) = (0, 0, 0);
        done(cx, sys!(libc::getresgid(&mut a, &mut b, &mut c)))?;
        Ok(triple(a, b, c))
    }

    /// Sets the user id.
    #[pyfunction(sig = "(uid, /)")]
    fn setuid(cx: &Ctx, uid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::setuid(id(cx, uid, "uid")?)))
    }

    /// Sets the effective user id.
    #[pyfunction(sig = "(euid, /)")]
    fn seteuid(cx: &Ctx, euid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::seteuid(id(cx, euid, "uid")?)))
    }

    /// Sets the group id.
    #[pyfunction(sig = "(gid, /)")]
    fn setgid(cx: &Ctx, gid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::setgid(id(cx, gid, "gid")?)))
    }

    /// Sets the effective group id.
    #[pyfunction(sig = "(egid, /)")]
    fn setegid(cx: &Ctx, egid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::setegid(id(cx, egid, "gid")?)))
    }

    /// Sets real and effective user id.
    #[pyfunction(sig = "(ruid, euid, /)")]
    fn setreuid(cx: &Ctx, ruid: &Obj, euid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::setreuid(id(cx, ruid, "uid")?, id(cx, euid, "uid")?)))
    }

    /// Sets real and effective group id.
    #[pyfunction(sig = "(rgid, egid, /)")]
    fn setregid(cx: &Ctx, rgid: &Obj, egid: &Obj) -> PyResult<()> {
        done(cx, sys!(libc::setregid(id(cx, rgid, "gid")?, id(cx, egid, "gid")?)))
    }

    /// Sets real, effective and saved user id.
    #[pyfunction(sig = "(ruid, euid, suid, /)")]
    fn setresuid(cx: &Ctx, ruid: &Obj, euid: &Obj, suid: &Obj) -> PyResult<()> {
        let (a, b, c) = (id(cx, ruid, "uid")?, id(cx, euid, "uid")?, id(cx, suid, "uid")?);
        done(cx, sys!(libc::setresuid(a, b, c)))
    }

    /// Sets real, effective and saved group id.
    #[pyfunction(sig = "(rgid, egid, sgid, /)")]
    fn setresgid(cx: &Ctx, rgid: &Obj, egid: &Obj, sgid: &Obj) -> PyResult<()> {
        let (a, b, c) = (id(cx, rgid, "gid")?, id(cx, egid, "gid")?, id(cx, sgid, "gid")?);
        done(cx, sys!(libc::setresgid(a, b, c)))
    }

    /// The ids of the groups that the process belongs to.
    #[pyfunction]
    fn getgroups(cx: &Ctx) -> PyResult {
        let n = check(cx, sys!(libc::getgroups(0, std::ptr::null_mut())))?;
        let mut v = vec![0u32; n as usize];
        let n = check(cx, sys!(libc::getgroups(n, v.as_mut_ptr())))?;
        Ok(list::new(v[..n as usize].iter().map(|g| Obj::from(*g)).collect()))
    }

    /// Sets the groups that the process belongs to.
    #[pyfunction(sig = "(groups, /)")]
    fn setgroups(cx: &Ctx, groups: &Obj) -> PyResult<()> {
        let v = groups.collect(cx)?.iter().map(|g| id(cx, g, "gid")).collect::<PyResult<Vec<u32>>>()?;
        done(cx, sys!(libc::setgroups(v.len(), v.as_ptr())))
    }

    /// The groups that a user belongs to, with `group` among them.
    #[pyfunction(sig = "(user, group, /)")]
    fn getgrouplist(cx: &Ctx, user: &Obj, group: &Obj) -> PyResult {
        let (user, group) = (c_string(cx, user)?, id(cx, group, "gid")?);
        let mut n = 32;
        loop {
            let mut v = vec![0u32; n as usize];
            let before = n;
            if sys!(libc::getgrouplist(user.as_ptr(), group, v.as_mut_ptr(), &mut n)) >= 0 {
                return Ok(list::new(v[..n as usize].iter().map(|g| Obj::from(*g)).collect()));
            }
            n = n.max(before * 2);
            if n > 1 << 20 {
                return Err(last_error(cx));
            }
        }
    }

    /// Sets the groups of the process to those of a user.
    #[pyfunction(sig = "(username, gid, /)")]
    fn initgroups(cx: &Ctx, username: &Obj, gid: &Obj) -> PyResult<()> {
        let user = c_string(cx, username)?;
        done(cx, sys!(libc::initgroups(user.as_ptr(), id(cx, gid, "gid")?)))
    }

    /// The name under which the user logged in.
    #[pyfunction]
    fn getlogin(cx: &Ctx) -> PyResult {
        let mut buf = [0u8; 256];
        match sys!(getlogin_r(buf.as_mut_ptr().cast(), buf.len())) {
            0 => {
                let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
                cinder_pyobj::codecs::decode_fs(cx, &buf[..n])
            }
            -1 => Err(cx.os_error(errno())),
            e => Err(cx.os_error(e)),
        }
    }
}
