//! Byte orders, texts of addresses, interfaces.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::decode_fs;
use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{exc, int, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::c_string;
use crate::os::{check, last_error, sys};

/// The largest length that the system takes.
const MOST: i64 = i32::MAX as i64;

/// An unsigned argument of at most `bits` bits, the size of the C type `name`.
fn unsigned(cx: &Ctx, o: &Obj, bits: u32, name: &str) -> PyResult<u32> {
    let i = o.index(cx)?;
    if int::is_negative(&i) {
        return Err(cx.value_error("Cannot convert negative int"));
    }
    match int::as_u64(&i) {
        Some(n) if n < 1 << bits => Ok(n as u32),
        _ => Err(cx.overflow_error(format!("Python int too large for C {name}"))),
    }
}

#[pymodule(part, name = "_socket")]
pub(crate) mod numbers {
    use super::*;

    /// A 16-bit number from network to host byte order.
    #[pyfunction(sig = "(integer, /)")]
    fn ntohs(cx: &Ctx, integer: &Obj) -> PyResult<i64> {
        Ok(u16::from_be(unsigned(cx, integer, 16, "uint16_t")? as u16).into())
    }

    /// A 32-bit number from network to host byte order.
    #[pyfunction(sig = "(integer, /)")]
    fn ntohl(cx: &Ctx, integer: &Obj) -> PyResult<i64> {
        Ok(u32::from_be(unsigned(cx, integer, 32, "uint32_t")?).into())
    }

    /// A 16-bit number from host to network byte order.
    #[pyfunction(sig = "(integer, /)")]
    fn htons(cx: &Ctx, integer: &Obj) -> PyResult<i64> {
        Ok((unsigned(cx, integer, 16, "uint16_t")? as u16).to_be().into())
    }

    /// A 32-bit number from host to network byte order.
    #[pyfunction(sig = "(integer, /)")]
    fn htonl(cx: &Ctx, integer: &Obj) -> PyResult<i64> {
        Ok(unsigned(cx, integer, 32, "uint32_t")?.to_be().into())
    }

    /// The four bytes of an IPv4 address in text.
    #[pyfunction(sig = "(ip_addr, /)")]
    fn inet_aton(cx: &Ctx, ip_addr: &str) -> PyResult {
        let mut a = libc::in_addr { s_addr: 0 };
        let ok = CString::new(ip_addr).is_ok_and(|t| sys!(inet_aton_c(t.as_ptr(), &mut a)) != 0);
        if !ok {
            return Err(cx.raise(exc::OSError(), "illegal IP address string passed to inet_aton"));
        }
        Ok(bytes::new(&a.s_addr.to_ne_bytes()))
    }

    unsafe extern "C" {
        #[link_name = "inet_aton"]
        fn inet_aton_c(text: *const libc::c_char, a: *mut libc::in_addr) -> libc::c_int;
    }

    /// The text of an IPv4 address of four bytes.
    #[pyfunction(sig = "(packed_ip, /)")]
    fn inet_ntoa(cx: &Ctx, packed_ip: &Obj) -> PyResult<String> {
        match BytesLike::new(cx, packed_ip)?.to_vec()[..] {
            [a, b, c, d] => Ok(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => Err(cx.raise(exc::OSError(), "packed IP wrong length")),
        }
    }

    /// The bytes of an address in text.
    #[pyfunction(sig = "(address_family, ip_string, /)")]
    fn inet_pton(cx: &Ctx, address_family: i32, ip_string: &str) -> PyResult {
        let bad = || cx.raise(exc::OSError(), "illegal IP address string passed to inet_pton");
        match address_family {
            libc::AF_INET => {
                let a: std::net::Ipv4Addr = ip_string.parse().map_err(|_| bad())?;
                Ok(bytes::new(&a.octets()))
            }
            libc::AF_INET6 => {
                let a: std::net::Ipv6Addr = ip_string.parse().map_err(|_| bad())?;
                Ok(bytes::new(&a.octets()))
            }
            _ => Err(cx.os_error(libc::EAFNOSUPPORT)),
        }
    }

    /// The text of an address in bytes.
    #[pyfunction(sig = "(address_family, packed_ip, /)")]
    fn inet_ntop(cx: &Ctx, address_family: i32, packed_ip: &Obj) -> PyResult {
        let v = BytesLike::new(cx, packed_ip)?.to_vec();
        let want = match address_family {
            libc::AF_INET => 4,
            libc::AF_INET6 => 16,
            f => return Err(cx.value_error(format!("unknown address family {f}"))),
        };
        if v.len() != want {
            return Err(cx.value_error("invalid length of packed IP address string"));
        }
        let mut buf = [0u8; 64];
        let p = sys!(inet_ntop_c(address_family, v.as_ptr().cast(), buf.as_mut_ptr().cast(), 64));
        if p.is_null() {
            return Err(last_error(cx));
        }
        decode_fs(cx, sys!(CStr::from_ptr(p)).to_bytes())
    }

    unsafe extern "C" {
        #[link_name = "inet_ntop"]
        fn inet_ntop_c(
            family: libc::c_int,
            a: *const libc::c_void,
            to: *mut libc::c_char,
            n: libc::socklen_t,
        ) -> *const libc::c_char;
    }

    /// The name of this host.
    #[pyfunction]
    fn gethostname(cx: &Ctx) -> PyResult {
        (cx.host().audit)(cx, "socket.gethostname", &[])?;
        let mut buf = [0u8; 1024];
        check(cx, sys!(libc::gethostname(buf.as_mut_ptr().cast(), buf.len() - 1)))?;
        let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
        decode_fs(cx, &buf[..n])
    }

    /// Sets the name of this host.
    #[pyfunction(sig = "(name, /)")]
    fn sethostname(cx: &Ctx, name: &Obj) -> PyResult<()> {
        cx.audit("socket.sethostname", || [name.clone()])?;
        let n = c_string(cx, name)?;
        check(cx, sys!(libc::sethostname(n.as_ptr(), n.as_bytes().len()))).map(|_| ())
    }

    /// The network interfaces: pairs (index, name).
    #[pyfunction]
    fn if_nameindex(cx: &Ctx) -> PyResult {
        let all = sys!(libc::if_nameindex());
        if all.is_null() {
            return Err(last_error(cx));
        }
        let mut out = Vec::new();
        let mut p = all;
        while sys!((*p).if_index) != 0 {
            let name = decode_fs(cx, sys!(CStr::from_ptr((*p).if_name)).to_bytes());
            out.push((sys!((*p).if_index), name));
            p = p.wrapping_add(1);
        }
        sys!(libc::if_freenameindex(all));
        let pairs = out.into_iter().map(|(i, n)| Ok(tuple::new(vec![Obj::from(i), n?])));
        Ok(list::new(pairs.collect::<PyResult<Vec<Obj>>>()?))
    }

    /// The index of a network interface.
    #[pyfunction(sig = "(oname, /)")]
    fn if_nametoindex(cx: &Ctx, oname: &Obj) -> PyResult<u32> {
        let n = c_string(cx, oname)?;
        match sys!(libc::if_nametoindex(n.as_ptr())) {
            0 => Err(last_error(cx)),
            i => Ok(i),
        }
    }

    /// The name of a network interface.
    #[pyfunction(sig = "(if_index, /)")]
    fn if_indextoname(cx: &Ctx, if_index: &Obj) -> PyResult {
        let if_index = unsigned(cx, if_index, 32, "unsigned int")?;
        let mut buf = [0u8; libc::IF_NAMESIZE + 1];
        if sys!(libc::if_indextoname(if_index, buf.as_mut_ptr().cast())).is_null() {
            return Err(last_error(cx));
        }
        let n = buf.iter().position(|b| *b == 0).unwrap_or(0);
        decode_fs(cx, &buf[..n])
    }

    /// Closes a socket by its file descriptor.
    #[pyfunction(sig = "(fd, /)")]
    fn close(cx: &Ctx, fd: i32) -> PyResult<()> {
        check(cx, cx.without_lock(|| sys!(libc::close(fd)))).map(|_| ())
    }

    /// A duplicate of a socket's file descriptor.
    #[pyfunction(sig = "(fd, /)")]
    fn dup(cx: &Ctx, fd: i32) -> PyResult<i32> {
        check(cx, sys!(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)))
    }

    /// Two sockets that are connected to each other.
    #[pyfunction(sig = "(family=1, type=1, proto=0, /)")]
    fn socketpair(cx: &Ctx, family: i32, r#type: i32, proto: i32) -> PyResult {
        let mut fds = [0i32; 2];
        check(cx, sys!(libc::socketpair(family, r#type | libc::SOCK_CLOEXEC, proto, fds.as_mut_ptr())))?;
        let class = <crate::modules::socket::object::Socket as cinder_pyobj::native::PyClass>::type_object().as_obj();
        let make =
            |fd: i32| class.call_pos(cx, &[Obj::from(family), Obj::from(r#type), Obj::from(proto), Obj::from(fd)]);
        let a = make(fds[0]);
        let b = make(fds[1]);
        Ok(tuple::new(vec![a?, b?]))
    }

    /// The length of a control message with so many bytes, without padding.
    #[pyfunction(sig = "(length, /)")]
    fn CMSG_LEN(cx: &Ctx, length: i64) -> PyResult<u32> {
        if !(0..=MOST - sys!(libc::CMSG_LEN(0)) as i64).contains(&length) {
            return Err(cx.overflow_error("CMSG_LEN() argument out of range"));
        }
        Ok(sys!(libc::CMSG_LEN(length as u32)))
    }

    /// The room that a control message with so many bytes takes.
    #[pyfunction(sig = "(length, /)")]
    fn CMSG_SPACE(cx: &Ctx, length: i64) -> PyResult<u32> {
        if !(0..=MOST - sys!(libc::CMSG_SPACE(1)) as i64).contains(&length) {
            return Err(cx.overflow_error("CMSG_SPACE() argument out of range"));
        }
        Ok(sys!(libc::CMSG_SPACE(length as u32)))
    }
}
