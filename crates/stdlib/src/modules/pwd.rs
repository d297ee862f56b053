//! `pwd` and `grp`: the user and group databases.

use std::ffi::CStr;

use cinder_pyobj::codecs::decode_fs;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::structseq::StructSeq;
use cinder_pyobj::types::{TypeCell, int, list};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use crate::os::args::c_string;
use crate::os::{sys, zeroed};

static PASSWD: StructSeq = StructSeq {
    name: "struct_passwd",
    module: "pwd",
    doc: "An entry of the user database.",
    fields: &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
    visible: 7,
    cell: TypeCell::new(),
};

static GROUP: StructSeq = StructSeq {
    name: "struct_group",
    module: "grp",
    doc: "An entry of the group database.",
    fields: &[
        ("gr_name", "group name"),
        ("gr_passwd", "password"),
        ("gr_gid", "group id"),
        ("gr_mem", "group members"),
    ],
    visible: 4,
    cell: TypeCell::new(),
};

fn text(cx: &Ctx, p: *const libc::c_char) -> PyResult {
    if p.is_null() { Ok(Obj::none()) } else { decode_fs(cx, sys!(CStr::from_ptr(p)).to_bytes()) }
}

fn user(cx: &Ctx, p: &libc::passwd) -> PyResult {
    Ok(PASSWD.make(vec![
        text(cx, p.pw_name)?,
        text(cx, p.pw_passwd)?,
        Obj::from(p.pw_uid),
        Obj::from(p.pw_gid),
        text(cx, p.pw_gecos)?,
        text(cx, p.pw_dir)?,
        text(cx, p.pw_shell)?,
    ]))
}

fn group(cx: &Ctx, g: &libc::group) -> PyResult {
    let mut members = Vec::new();
    let mut p = g.gr_mem;
    while !p.is_null() && !sys!(*p).is_null() {
        members.push(text(cx, sys!(*p))?);
        p = p.wrapping_add(1);
    }
    Ok(GROUP.make(vec![text(cx, g.gr_name)?, text(cx, g.gr_passwd)?, Obj::from(g.gr_gid), list::new(members)]))
}

/// Calls a reentrant look-up with a buffer that grows as needed; nothing if there is no such entry.
fn look_up<T>(
    cx: &Ctx,
    mut entry: T,
    f: impl Fn(&mut T, &mut [u8], &mut *mut T) -> i32,
) -> PyResult<Option<(T, Vec<u8>)>> {
    let mut buf = vec![0u8; 1024];
    loop {
        let mut found = std::ptr::null_mut();
        match f(&mut entry, &mut buf, &mut found) {
            libc::ERANGE if buf.len() < 1 << 24 => {
                let n = buf.len() * 2;
                buf.resize(n, 0);
            }
            0 if !found.is_null() => return Ok(Some((entry, buf))),
            0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            e => return Err(cx.os_error(e)),
        }
    }
}

/// An id argument; nothing if it is out of range, so that no entry can have it.
fn id(cx: &Ctx, o: &Obj, what: &str) -> PyResult<Option<u32>> {
    if !o.is_int() && o.type_of().slots.index.get().is_none() {
        return Err(cx.type_error(format!("{what} should be integer, not {}", o.type_of().name())));
    }
    Ok(match int::as_i64(&o.index(cx)?) {
        Some(-1) => Some(u32::MAX),
        Some(n) => u32::try_from(n).ok(),
        None => None,
    })
}

fn missing(cx: &Ctx, message: String) -> Raised {
    cx.key_error(&Obj::from(message))
}

fn name_argument(cx: &Ctx, f: &str, name: &Obj) -> PyResult<std::ffi::CString> {
    if !name.type_of().is_str_subtype() {
        return Err(cx.type_error(format!("{f}() argument must be str, not {}", name.type_of().name())));
    }
    let raw = cinder_pyobj::codecs::encode_fs(cx, name)?;
    if raw.contains(&0) {
        return Err(cx.value_error("embedded null byte"));
    }
    c_string(cx, name)
}

fn shown(cx: &Ctx, o: &Obj) -> PyResult<String> {
    Ok(cinder_pyobj::types::str::as_utf8_lossy(&o.repr(cx)?).into_owned())
}

/// The user database.
#[pymodule(name = "pwd")]
pub(crate) mod pwd {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("struct_passwd"), &PASSWD.type_object().as_obj())
    }

    /// The user with a numeric id.
    #[pyfunction(sig = "(uidobj, /)")]
    fn getpwuid(cx: &Ctx, uidobj: &Obj) -> PyResult {
        if let Some(uid) = id(cx, uidobj, "uid")? {
            let found = look_up(cx, zeroed!(libc::passwd), |e, b, r| {
                sys!(libc::getpwuid_r(uid, e, b.as_mut_ptr().cast(), b.len(), r))
            })?;
            if let Some((e, _buf)) = found {
                return user(cx, &e);
            }
        }
        let number = match id(cx, uidobj, "uid")? {
            Some(_) => format!(": {}", shown(cx, uidobj)?),
            None => String::new(),
        };
        Err(missing(cx, format!("getpwuid(): uid not found{number}")))
    }

    /// The user with a name.
    #[pyfunction(sig = "(name, /)")]
    fn getpwnam(cx: &Ctx, name: &Obj) -> PyResult {
        let n = name_argument(cx, "getpwnam", name)?;
        let found = look_up(cx, zeroed!(libc::passwd), |e, b, r| {
            sys!(libc::getpwnam_r(n.as_ptr(), e, b.as_mut_ptr().cast(), b.len(), r))
        })?;
        match found {
            Some((e, _buf)) => user(cx, &e),
            None => Err(missing(cx, format!("getpwnam(): name not found: {}", shown(cx, name)?))),
        }
    }

    /// All users.
    #[pyfunction]
    fn getpwall(cx: &Ctx) -> PyResult {
        let mut all = Vec::new();
        sys!(libc::setpwent());
        loop {
            let p = sys!(libc::getpwent());
            if p.is_null() {
                break;
            }
            all.push(user(cx, sys!(&*p))?);
        }
        sys!(libc::endpwent());
        Ok(list::new(all))
    }
}

/// The group database.
#[pymodule(name = "grp")]
pub(crate) mod grp {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        module.set_attr(cx, cinder_pyobj::intern!("struct_group"), &GROUP.type_object().as_obj())
    }

    /// The group with a numeric id.
    #[pyfunction(sig = "(id)")]
    fn getgrgid(cx: &Ctx, id: &Obj) -> PyResult {
        let Some(gid) = super::id(cx, id, "gid")? else {
            let which = if int::is_negative(&id.index(cx)?) { "less than minimum" } else { "greater than maximum" };
            return Err(cx.overflow_error(format!("gid is {which}")));
        };
        let found = look_up(cx, zeroed!(libc::group), |e, b, r| {
            sys!(libc::getgrgid_r(gid, e, b.as_mut_ptr().cast(), b.len(), r))
        })?;
        if let Some((e, _buf)) = found {
            return group(cx, &e);
        }
        Err(missing(cx, format!("getgrgid(): gid not found: {}", shown(cx, id)?)))
    }

    /// The group with a name.
    #[pyfunction(sig = "(name)")]
    fn getgrnam(cx: &Ctx, name: &Obj) -> PyResult {
        let n = name_argument(cx, "getgrnam", name)?;
        let found = look_up(cx, zeroed!(libc::group), |e, b, r| {
            sys!(libc::getgrnam_r(n.as_ptr(), e, b.as_mut_ptr().cast(), b.len(), r))
        })?;
        match found {
            Some((e, _buf)) => group(cx, &e),
            None => Err(missing(cx, format!("getgrnam(): name not found: {}", shown(cx, name)?))),
        }
    }

    /// All groups.
    #[pyfunction]
    fn getgrall(cx: &Ctx) -> PyResult {
        let mut all = Vec::new();
        sys!(libc::setgrent());
        loop {
            let p = sys!(libc::getgrent());
            if p.is_null() {
                break;
            }
            all.push(group(cx, sys!(&*p))?);
        }
        sys!(libc::endgrent());
        Ok(list::new(all))
    }
}
