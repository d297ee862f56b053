//! Names of hosts, services and protocols.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::decode_fs;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::{exc, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::address::{Address, gai_error, host_text, numeric_host, resolve_host};
use crate::os::args::c_string;
use crate::os::{sys, zeroed};

unsafe extern "C" {
    fn getservbyname(name: *const libc::c_char, proto: *const libc::c_char) -> *const libc::servent;
    fn getservbyport(port: libc::c_int, proto: *const libc::c_char) -> *const libc::servent;
}

/// The addresses of a list that `getaddrinfo` made, and the canonical name.
struct Found {
    family: i32,
    kind: i32,
    proto: i32,
    canonical: Vec<u8>,
    address: Address,
}

fn look_up(cx: &Ctx, host: Option<&CStr>, service: Option<&CStr>, hints: &libc::addrinfo) -> PyResult<Vec<Found>> {
    let p = |s: Option<&CStr>| s.map_or(std::ptr::null(), CStr::as_ptr);
    let mut all = std::ptr::null_mut();
    let r = cx.without_lock(|| sys!(libc::getaddrinfo(p(host), p(service), hints, &mut all)));
    if r != 0 {
        return Err(gai_error(cx, r));
    }
    let mut out = Vec::new();
    let mut at = all;
    while !at.is_null() {
        let i = sys!(&*at);
        let mut address = Address::empty();
        address.len = i.ai_addrlen;
        sys!(std::ptr::copy_nonoverlapping(
            i.ai_addr as *const u8,
            &raw mut address.storage as *mut u8,
            i.ai_addrlen as usize
        ));
        let canonical = if i.ai_canonname.is_null() {
            Vec::new()
        } else {
            sys!(CStr::from_ptr(i.ai_canonname)).to_bytes().to_vec()
        };
        out.push(Found { family: i.ai_family, kind: i.ai_socktype, proto: i.ai_protocol, canonical, address });
        at = i.ai_next;
    }
    sys!(libc::freeaddrinfo(all));
    Ok(out)
}

/// Names of an address by reverse look-up: (name, aliases, addresses).
fn host_entry(cx: &Ctx, name: Obj, addresses: Vec<Obj>) -> Obj {
    let _ = cx;
    tuple::new(vec![name, list::new(Vec::new()), list::new(addresses)])
}

fn name_info(cx: &Ctx, a: &Address, flags: i32) -> PyResult<(Obj, Obj)> {
    let (mut host, mut service) = ([0u8; 1025], [0u8; 32]);
    let r = cx.without_lock(|| {
        sys!(libc::getnameinfo(
            a.ptr(),
            a.len,
            host.as_mut_ptr().cast(),
            host.len() as u32,
            service.as_mut_ptr().cast(),
            service.len() as u32,
            flags
        ))
    });
    if r != 0 {
        return Err(gai_error(cx, r));
    }
    let text = |b: &[u8]| decode_fs(cx, &b[..b.iter().position(|c| *c == 0).unwrap_or(0)]);
    Ok((text(&host)?, text(&service)?))
}

#[pymodule(part, name = "_socket")]
pub(crate) mod resolve {
    use super::*;

    /// Resolves host and port: a list of (family, type, proto, canonical name, address).
    #[pyfunction(sig = "(host, port, family=0, type=0, proto=0, flags=0)")]
    fn getaddrinfo(cx: &Ctx, host: &Obj, port: &Obj, family: i32, r#type: i32, proto: i32, flags: i32) -> PyResult {
        cx.audit("socket.getaddrinfo", || {
            [host.clone(), port.clone(), Obj::from(family), Obj::from(r#type), Obj::from(proto)]
        })?;
        let node = if host.is_none() {
            None
        } else {
            Some(host_text(cx, host).map_err(|r| match cx.swallow(r, exc::TypeError()) {
                Ok(()) => cx.type_error("getaddrinfo() argument 1 must be string or None"),
                Err(r) => r,
            })?)
        };
        let service = if port.is_none() {
            None
        } else if int::is_int(port) {
            let text = int::text::to_decimal_string(cx, port)?;
            Some(CString::new(text).map_err(|_| cx.value_error("embedded null character"))?)
        } else if port.type_of().is_str_subtype() || cinder_pyobj::types::bytes::as_bytes(port).is_some() {
            Some(c_string(cx, port)?)
        } else {
            return Err(cx.raise(exc::OSError(), "Int or String expected"));
        };
        let mut hints = zeroed!(libc::addrinfo);
        (hints.ai_family, hints.ai_socktype, hints.ai_protocol, hints.ai_flags) = (family, r#type, proto, flags);
        let found = look_up(cx, node.as_deref(), service.as_deref(), &hints)?;
        let items = found.iter().map(|f| {
            Ok(tuple::new(vec![
                Obj::from(f.family),
                Obj::from(f.kind),
                Obj::from(f.proto),
                decode_fs(cx, &f.canonical)?,
                f.address.to_obj(cx)?,
            ]))
        });
        Ok(list::new(items.collect::<PyResult<Vec<Obj>>>()?))
    }

    /// The names of an address: (host, service).
    #[pyfunction(sig = "(sockaddr, flags, /)")]
    fn getnameinfo(cx: &Ctx, sockaddr: &Obj, flags: i32) -> PyResult {
        cx.audit("socket.getnameinfo", || [sockaddr.clone()])?;
        let Some(items) = tuple::items_if_tuple(sockaddr) else {
            return Err(cx.type_error("getnameinfo() argument 1 must be a tuple"));
        };
        if items.len() < 2 {
            return Err(cx.type_error("getnameinfo(): illegal sockaddr argument"));
        }
        let host = host_text(cx, &items[0])?;
        let mut hints = zeroed!(libc::addrinfo);
        hints.ai_flags = libc::AI_NUMERICHOST;
        hints.ai_socktype = libc::SOCK_DGRAM;
        let found = look_up(cx, Some(&host), None, &hints)?;
        if found.len() != 1 {
            return Err(cx.raise(exc::OSError(), "sockaddr resolved to multiple addresses"));
        }
        let family = found[0].family;
        if family == libc::AF_INET && items.len() != 2 {
            return Err(cx.raise(exc::OSError(), "IPv4 sockaddr must be 2 tuple"));
        }
        let a = Address::from_obj(cx, family, sockaddr, "getnameinfo")?;
        let (h, s) = name_info(cx, &a, flags)?;
        Ok(tuple::new(vec![h, s]))
    }

    /// The IPv4 address of a host, as text.
    #[pyfunction(sig = "(host, /)")]
    fn gethostbyname(cx: &Ctx, host: &Obj) -> PyResult<String> {
        cx.audit("socket.gethostbyname", || [host.clone()])?;
        let a = resolve_host(cx, &host_text(cx, host)?, libc::AF_INET)?;
        numeric_host(cx, &a)
    }

    /// The IPv4 addresses of a host: (name, aliases, addresses).
    #[pyfunction(sig = "(host, /)")]
    fn gethostbyname_ex(cx: &Ctx, host: &Obj) -> PyResult {
        cx.audit("socket.gethostbyname", || [host.clone()])?;
        let name = host_text(cx, host)?;
        let mut hints = zeroed!(libc::addrinfo);
        hints.ai_family = libc::AF_INET;
        hints.ai_socktype = libc::SOCK_STREAM;
        hints.ai_flags = libc::AI_CANONNAME;
        let found = look_up(cx, Some(&name), None, &hints)?;
        let canonical = found.first().map_or(&b""[..], |f| &f.canonical);
        let addresses =
            found.iter().map(|f| numeric_host(cx, &f.address).map(Obj::from)).collect::<PyResult<Vec<Obj>>>()?;
        Ok(host_entry(cx, decode_fs(cx, canonical)?, addresses))
    }

    /// The name of the host with an address: (name, aliases, addresses).
    #[pyfunction(sig = "(host, /)")]
    fn gethostbyaddr(cx: &Ctx, host: &Obj) -> PyResult {
        cx.audit("socket.gethostbyaddr", || [host.clone()])?;
        let a = resolve_host(cx, &host_text(cx, host)?, libc::AF_UNSPEC)?;
        match name_info(cx, &a, libc::NI_NAMEREQD) {
            Ok((name, _)) => Ok(host_entry(cx, name, vec![Obj::from(numeric_host(cx, &a)?)])),
            Err(r) => {
                cx.swallow(r, <crate::modules::socket::GaiError as cinder_pyobj::native::PyClass>::type_object())?;
                let class = <crate::modules::socket::HError as cinder_pyobj::native::PyClass>::type_object();
                Err(cx.raise_args(class, &[Obj::from(1), Obj::from("Unknown host")]))
            }
        }
    }

    fn protocol_text(cx: &Ctx, o: Option<&Obj>) -> PyResult<Option<CString>> {
        o.map(|o| c_string(cx, o)).transpose()
    }

    /// The port of a service.
    #[pyfunction(sig = "(servicename, protocolname=<unrepresentable>, /)")]
    fn getservbyname(cx: &Ctx, servicename: &str, protocolname: Option<&Obj>) -> PyResult<i64> {
        let proto = protocol_text(cx, protocolname)?;
        let p = proto.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
        let given = || protocolname.cloned().unwrap_or_else(|| Obj::from(""));
        cx.audit("socket.getservbyname", || [Obj::from(servicename), given()])?;
        let name = CString::new(servicename).map_err(|_| cx.value_error("embedded null character"))?;
        let e = sys!(super::getservbyname(name.as_ptr(), p));
        if e.is_null() {
            return Err(cx.raise(exc::OSError(), "service/proto not found"));
        }
        Ok(u16::from_be(sys!((*e).s_port) as u16).into())
    }

    /// The service at a port.
    #[pyfunction(sig = "(port, protocolname=<unrepresentable>, /)")]
    fn getservbyport(cx: &Ctx, port: i64, protocolname: Option<&Obj>) -> PyResult {
        let Ok(port) = u16::try_from(port) else {
            return Err(cx.overflow_error("getservbyport: port must be 0-65535."));
        };
        let given = || protocolname.cloned().unwrap_or_else(|| Obj::from(""));
        cx.audit("socket.getservbyport", || [Obj::from(i64::from(port)), given()])?;
        let proto = protocol_text(cx, protocolname)?;
        let p = proto.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
        let e = sys!(super::getservbyport(i32::from(port.to_be()), p));
        if e.is_null() {
            return Err(cx.raise(exc::OSError(), "port/proto not found"));
        }
        decode_fs(cx, sys!(CStr::from_ptr((*e).s_name)).to_bytes())
    }

    /// The number of a protocol.
    #[pyfunction(sig = "(protocolname, /)")]
    fn getprotobyname(cx: &Ctx, protocolname: &str) -> PyResult<i32> {
        let name = CString::new(protocolname).map_err(|_| cx.value_error("embedded null character"))?;
        let e = sys!(libc::getprotobyname(name.as_ptr()));
        if e.is_null() {
            return Err(cx.raise(exc::OSError(), "protocol not found"));
        }
        Ok(sys!((*e).p_proto))
    }
}
