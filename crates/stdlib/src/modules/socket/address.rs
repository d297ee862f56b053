//! Socket addresses: between C structures and Python tuples.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::{decode_fs, encode_fs};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{exc, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::GaiError;
use crate::os::{errno, sys, zeroed};
use cinder_pyobj::native::PyClass;

/// An address of any family.
pub(super) struct Address {
    pub storage: libc::sockaddr_storage,
    pub len: libc::socklen_t,
}

impl Address {
    /// Room for an address that a call fills in.
    pub fn empty() -> Address {
        Address { storage: zeroed!(libc::sockaddr_storage), len: size_of::<libc::sockaddr_storage>() as u32 }
    }

    fn of<T: Copy>(a: T) -> Address {
        let mut s = Address::empty();
        debug_assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>());
        sys!((&raw mut s.storage as *mut T).write_unaligned(a));
        s.len = size_of::<T>() as u32;
        s
    }

    fn read<T: Copy>(&self) -> T {
        sys!((&raw const self.storage as *const T).read_unaligned())
    }

    /// The pointer that calls take.
    pub fn ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    /// The pointer that calls fill in.
    pub fn ptr_mut(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    /// The address as Python shows it: a tuple, a path, or None.
    pub fn to_obj(&self, cx: &Ctx) -> PyResult {
        if self.len == 0 {
            return Ok(Obj::none());
        }
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                let a: libc::sockaddr_in = self.read();
                let ip = std::net::Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr));
                Ok(tuple::new(vec![Obj::from(ip.to_string()), Obj::from(i64::from(u16::from_be(a.sin_port)))]))
            }
            libc::AF_INET6 => {
                let a: libc::sockaddr_in6 = self.read();
                // The scope is an item of its own, not a part of the host.
                let host = Address::of(libc::sockaddr_in6 { sin6_scope_id: 0, ..a });
                Ok(tuple::new(vec![
                    Obj::from(numeric_host(cx, &host)?),
                    Obj::from(i64::from(u16::from_be(a.sin6_port))),
                    Obj::from(u32::from_be(a.sin6_flowinfo)),
                    Obj::from(a.sin6_scope_id),
                ]))
            }
            libc::AF_UNIX => {
                let a: libc::sockaddr_un = self.read();
                let n = (self.len as usize).saturating_sub(2).min(a.sun_path.len());
                let path: Vec<u8> = a.sun_path[..n].iter().map(|c| *c as u8).collect();
                if path.first() == Some(&0) {
                    return Ok(bytes::new(&path));
                }
                let end = path.iter().position(|b| *b == 0).unwrap_or(n);
                decode_fs(cx, &path[..end])
            }
            libc::AF_NETLINK => {
                let a: libc::sockaddr_nl = self.read();
                Ok(tuple::new(vec![Obj::from(a.nl_pid), Obj::from(a.nl_groups)]))
            }
            family => {
                let raw = sys!(std::slice::from_raw_parts(
                    (&raw const self.storage as *const u8).add(2),
                    (self.len as usize).saturating_sub(2)
                ));
                Ok(tuple::new(vec![Obj::from(family), bytes::new(raw)]))
            }
        }
    }

    /// The address that an argument of `function` denotes for a socket of `family`.
    pub fn from_obj(cx: &Ctx, family: i32, o: &Obj, function: &str) -> PyResult<Address> {
        match family {
            libc::AF_INET | libc::AF_INET6 => internet(cx, family, o, function),
            libc::AF_UNIX => local(cx, o),
            libc::AF_NETLINK => {
                let Some([pid, groups]) = tuple::items_if_tuple(o) else {
                    return Err(cx.type_error(format!(
                        "{function}(): AF_NETLINK address must be tuple, not {}",
                        o.type_of().name()
                    )));
                };
                let mut a = zeroed!(libc::sockaddr_nl);
                a.nl_family = libc::AF_NETLINK as u16;
                (a.nl_pid, a.nl_groups) = (pid.to_i64(cx)? as u32, groups.to_i64(cx)? as u32);
                Ok(Address::of(a))
            }
            _ => Err(cx.raise(exc::OSError(), format!("{function}(): unsupported address family"))),
        }
    }
}

fn local(cx: &Ctx, o: &Obj) -> PyResult<Address> {
    let path = if o.type_of().is_str_subtype() { encode_fs(cx, o)? } else { BytesLike::new(cx, o)?.to_vec() };
    let mut a = zeroed!(libc::sockaddr_un);
    a.sun_family = libc::AF_UNIX as u16;
    // Names in the abstract namespace begin with NUL and may fill the whole field; an empty name asks for one of these.
    let is_abstract = path.first().is_none_or(|b| *b == 0);
    if path.len() + usize::from(!is_abstract) > a.sun_path.len() {
        return Err(cx.raise(exc::OSError(), "AF_UNIX path too long"));
    }
    for (to, from) in a.sun_path.iter_mut().zip(&path) {
        *to = *from as libc::c_char;
    }
    let mut s = Address::of(a);
    s.len = (2 + path.len() + usize::from(!is_abstract)) as u32;
    Ok(s)
}

fn internet(cx: &Ctx, family: i32, o: &Obj, function: &str) -> PyResult<Address> {
    let name = if family == libc::AF_INET { "AF_INET" } else { "AF_INET6" };
    let Some(items) = tuple::items_if_tuple(o) else {
        return Err(cx.type_error(format!("{function}(): {name} address must be tuple, not {}", o.type_of().name())));
    };
    let most = if family == libc::AF_INET { 2 } else { 4 };
    if items.len() < 2 || items.len() > most {
        let what =
            if family == libc::AF_INET { "a pair (host, port)" } else { "a tuple (host, port[, flowinfo[, scopeid]])" };
        return Err(cx.type_error(format!("{name} address must be {what}")));
    }
    let host = host_text(cx, &items[0])?;
    let port = items[1].to_i64(cx)?;
    let Ok(port) = u16::try_from(port) else {
        return Err(cx.overflow_error(format!("{function}(): port must be 0-65535.")));
    };
    let mut found = resolve_host(cx, &host, family)?;
    if family == libc::AF_INET {
        let mut a: libc::sockaddr_in = found.read();
        a.sin_port = port.to_be();
        return Ok(Address::of(a));
    }
    let extra = |i: usize| items.get(i).map_or(Ok(0), |o| o.to_i64(cx));
    let (flow, scope) = (extra(2)?, extra(3)?);
    if !(0..=0xf_ffff).contains(&flow) {
        return Err(cx.overflow_error(format!("{function}(): flowinfo must be 0-1048575.")));
    }
    let mut a: libc::sockaddr_in6 = found.read();
    a.sin6_port = port.to_be();
    a.sin6_flowinfo = (flow as u32).to_be();
    if items.len() == 4 {
        a.sin6_scope_id = scope as u32;
    }
    found = Address::of(a);
    Ok(found)
}

/// A host name: a str (encoded by IDNA if it is not ASCII), bytes or bytearray.
pub(super) fn host_text(cx: &Ctx, o: &Obj) -> PyResult<CString> {
    let raw = if let Some(s) = o.downcast::<cinder_pyobj::types::str::Str>() {
        if s.is_ascii() {
            encode_fs(cx, o)?
        } else {
            let b = cinder_pyobj::codecs::encode(cx, o, "idna", "strict")?;
            bytes::as_bytes(&b).unwrap_or(&[]).to_vec()
        }
    } else if cinder_pyobj::types::bytes::is_bytes_like(o) {
        BytesLike::new(cx, o)?.to_vec()
    } else {
        return Err(cx.type_error(format!("str, bytes or bytearray expected, not {}", o.type_of().name())));
    };
    CString::new(raw).map_err(|_| cx.type_error("host name must not contain null character"))
}

/// Raises gaierror.
pub(super) fn gai_error(cx: &Ctx, code: i32) -> Raised {
    if code == libc::EAI_SYSTEM {
        return cx.os_error(errno());
    }
    let text = sys!(CStr::from_ptr(libc::gai_strerror(code))).to_string_lossy().into_owned();
    cx.raise_args(GaiError::type_object(), &[Obj::from(code), Obj::from(text)])
}

/// The first address of a host in a family; an empty name is "any address".
pub(super) fn resolve_host(cx: &Ctx, host: &CStr, family: i32) -> PyResult<Address> {
    let name = host.to_bytes();
    if name == b"<broadcast>" || name == b"255.255.255.255" {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            return Err(cx.raise(exc::OSError(), "address family mismatched"));
        }
        let mut a = zeroed!(libc::sockaddr_in);
        a.sin_family = libc::AF_INET as u16;
        a.sin_addr.s_addr = u32::MAX;
        return Ok(Address::of(a));
    }
    let mut hints = zeroed!(libc::addrinfo);
    hints.ai_family = family;
    if name.is_empty() {
        hints.ai_socktype = libc::SOCK_DGRAM;
        hints.ai_flags = libc::AI_PASSIVE;
    }
    let node = if name.is_empty() { std::ptr::null() } else { host.as_ptr() };
    let service = if name.is_empty() { c"0".as_ptr() } else { std::ptr::null() };
    let mut list = std::ptr::null_mut();
    let r = cx.without_lock(|| sys!(libc::getaddrinfo(node, service, &hints, &mut list)));
    if r != 0 {
        return Err(gai_error(cx, r));
    }
    let mut a = Address::empty();
    sys!({
        a.len = (*list).ai_addrlen;
        std::ptr::copy_nonoverlapping((*list).ai_addr as *const u8, &raw mut a.storage as *mut u8, a.len as usize);
        libc::freeaddrinfo(list);
    });
    Ok(a)
}

/// The numeric text of an internet address.
pub(super) fn numeric_host(cx: &Ctx, a: &Address) -> PyResult<String> {
    let mut buf = [0u8; 1025];
    let r = sys!(libc::getnameinfo(
        a.ptr(),
        a.len,
        buf.as_mut_ptr().cast(),
        buf.len() as u32,
        std::ptr::null_mut(),
        0,
        libc::NI_NUMERICHOST
    ));
    if r != 0 {
        return Err(gai_error(cx, r));
    }
    let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
    Ok(String::from_utf8_lossy(&buf[..n]).into_owned())
}
