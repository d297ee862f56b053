//! Sending and receiving.

use cinder_pyobj::native::{Args, This, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::address::Address;
use super::object::Socket;
use crate::os::{sys, zeroed};

fn room(cx: &Ctx, n: i64, method: &str) -> PyResult<Vec<u8>> {
    if n < 0 {
        return Err(cx.value_error(format!("negative buffersize in {method}")));
    }
    let mut v = Vec::new();
    if v.try_reserve_exact(n as usize).is_err() {
        return Err(cx.no_memory());
    }
    v.resize(n as usize, 0);
    Ok(v)
}

fn flags_of(cx: &Ctx, o: Option<&Obj>) -> PyResult<i32> {
    o.map_or(Ok(0), |o| o.to_i64(cx).map(|n| n as i32))
}

/// The writable buffer of a receive call and how many bytes to take.
fn target(cx: &Ctx, buffer: &Obj, nbytes: i64, method: &str) -> PyResult<(Buffer, Vec<u8>)> {
    let b = Buffer::get(cx, buffer, BufferFlags::WRITABLE).map_err(|r| {
        drop(cx.take(r));
        let kind = buffer.type_of().name().to_string();
        cx.type_error(format!("{method}() argument 1 must be read-write bytes-like object, not {kind}"))
    })?;
    if nbytes < 0 {
        return Err(cx.value_error(format!("negative buffersize in {method}")));
    }
    let n = if nbytes == 0 { b.len() } else { nbytes as usize };
    if n > b.len() {
        return Err(cx.value_error(format!("buffer too small for requested bytes")));
    }
    Ok((b, room(cx, n as i64, method)?))
}

impl Socket {
    fn receive_from(&self, cx: &Ctx, v: &mut [u8], flags: i32) -> PyResult<(usize, Obj)> {
        let mut a = Address::empty();
        let n = self.call(cx, false, |fd| {
            a = Address::empty();
            sys!(libc::recvfrom(fd, v.as_mut_ptr().cast(), v.len(), flags, a.ptr_mut(), &mut a.len))
        })?;
        Ok((n as usize, a.to_obj(cx)?))
    }

    /// `recvmsg` into `v`: length, ancillary data, flags, address.
    fn receive_message(&self, cx: &Ctx, v: &mut [u8], ancillary: i64, flags: i32) -> PyResult<(usize, Obj, i32, Obj)> {
        if ancillary < 0 {
            return Err(cx.value_error("invalid ancillary data buffer length"));
        }
        let mut control = room(cx, ancillary, "recvmsg")?;
        let mut a = Address::empty();
        let mut iov = libc::iovec { iov_base: v.as_mut_ptr().cast(), iov_len: v.len() };
        let mut m = zeroed!(libc::msghdr);
        let n = self.call(cx, false, |fd| {
            a = Address::empty();
            m.msg_name = a.ptr_mut().cast();
            m.msg_namelen = a.len;
            (m.msg_iov, m.msg_iovlen) = (&mut iov, 1);
            m.msg_control = if control.is_empty() { std::ptr::null_mut() } else { control.as_mut_ptr().cast() };
            m.msg_controllen = control.len() as _;
            sys!(libc::recvmsg(fd, &mut m, flags))
        })?;
        a.len = m.msg_namelen;
        let mut items = Vec::new();
        let mut c = sys!(libc::CMSG_FIRSTHDR(&m));
        while !c.is_null() {
            let (level, kind, len) = sys!(((*c).cmsg_level, (*c).cmsg_type, (*c).cmsg_len as usize));
            let head = sys!(libc::CMSG_LEN(0)) as usize;
            let data = sys!(std::slice::from_raw_parts(libc::CMSG_DATA(c), len.saturating_sub(head)));
            items.push(tuple::new(vec![Obj::from(level), Obj::from(kind), bytes::new(data)]));
            c = sys!(libc::CMSG_NXTHDR(&m, c));
        }
        Ok((n as usize, list::new(items), m.msg_flags, a.to_obj(cx)?))
    }
}

#[pymethods(part = "transfer")]
impl Socket {
    /// Receives at most so many bytes; no bytes mean that the other end was closed.
    #[pymethod(sig = "($self, buffersize, flags=0, /)")]
    fn recv(cx: &Ctx, this: This<'_, Socket>, buffersize: i64, flags: i32) -> PyResult {
        let mut v = room(cx, buffersize, "recv")?;
        if v.is_empty() {
            return Ok(bytes::new(b""));
        }
        let n = this.call(cx, false, |fd| sys!(libc::recv(fd, v.as_mut_ptr().cast(), v.len(), flags)))?;
        Ok(bytes::new(&v[..n as usize]))
    }

    /// Receives into a writable buffer and returns the number of bytes.
    #[pymethod(sig = "($self, buffer, nbytes=0, flags=0)")]
    fn recv_into(cx: &Ctx, this: This<'_, Socket>, buffer: &Obj, nbytes: i64, flags: i32) -> PyResult<i64> {
        let (b, mut v) = target(cx, buffer, nbytes, "recv_into")?;
        if v.is_empty() {
            return Ok(0);
        }
        let n = this.call(cx, false, |fd| sys!(libc::recv(fd, v.as_mut_ptr().cast(), v.len(), flags)))? as usize;
        b.with_bytes_mut(|m| m[..n].copy_from_slice(&v[..n]));
        Ok(n as i64)
    }

    /// Receives at most so many bytes: (bytes, address of the sender).
    #[pymethod(sig = "($self, buffersize, flags=0, /)")]
    fn recvfrom(cx: &Ctx, this: This<'_, Socket>, buffersize: i64, flags: i32) -> PyResult {
        let mut v = room(cx, buffersize, "recvfrom")?;
        let (n, from) = this.receive_from(cx, &mut v, flags)?;
        Ok(tuple::new(vec![bytes::new(&v[..n]), from]))
    }

    /// Receives into a writable buffer: (number of bytes, address of the sender).
    #[pymethod(sig = "($self, buffer, nbytes=0, flags=0)")]
    fn recvfrom_into(cx: &Ctx, this: This<'_, Socket>, buffer: &Obj, nbytes: i64, flags: i32) -> PyResult {
        let (b, mut v) = target(cx, buffer, nbytes, "recvfrom_into")?;
        let (n, from) = this.receive_from(cx, &mut v, flags)?;
        b.with_bytes_mut(|m| m[..n].copy_from_slice(&v[..n]));
        Ok(tuple::new(vec![Obj::from(n), from]))
    }

    /// Receives bytes and ancillary data: (bytes, ancillary data, flags, address).
    #[pymethod(sig = "($self, bufsize, ancbufsize=0, flags=0, /)")]
    fn recvmsg(cx: &Ctx, this: This<'_, Socket>, bufsize: i64, ancbufsize: i64, flags: i32) -> PyResult {
        let mut v = room(cx, bufsize, "recvmsg()")?;
        let (n, ancillary, flags, from) = this.receive_message(cx, &mut v, ancbufsize, flags)?;
        Ok(tuple::new(vec![bytes::new(&v[..n]), ancillary, Obj::from(flags), from]))
    }

    /// Receives into several buffers: (number of bytes, ancillary data, flags, address).
    #[pymethod(sig = "($self, buffers, ancbufsize=0, flags=0, /)")]
    fn recvmsg_into(cx: &Ctx, this: This<'_, Socket>, buffers: &Obj, ancbufsize: i64, flags: i32) -> PyResult {
        let items = buffers.collect(cx)?;
        let b = items.iter().map(|o| Buffer::get(cx, o, BufferFlags::WRITABLE)).collect::<PyResult<Vec<Buffer>>>();
        let b = b.map_err(|r| {
            drop(cx.take(r));
            cx.type_error("recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers")
        })?;
        let mut v = room(cx, b.iter().map(Buffer::len).sum::<usize>() as i64, "recvmsg_into()")?;
        let (n, ancillary, flags, from) = this.receive_message(cx, &mut v, ancbufsize, flags)?;
        let mut data = &v[..n];
        for b in &b {
            let k = data.len().min(b.len());
            b.with_bytes_mut(|m| m[..k].copy_from_slice(&data[..k]));
            data = &data[k..];
        }
        Ok(tuple::new(vec![Obj::from(n), ancillary, Obj::from(flags), from]))
    }

    /// Sends bytes and returns how many were sent.
    #[pymethod(sig = "($self, data, flags=0, /)")]
    fn send(cx: &Ctx, this: This<'_, Socket>, data: &Obj, flags: i32) -> PyResult<i64> {
        let v = BytesLike::new(cx, data)?.to_vec();
        this.call(cx, true, |fd| sys!(libc::send(fd, v.as_ptr().cast(), v.len(), flags))).map(|n| n as i64)
    }

    /// Sends all of the bytes.
    #[pymethod(sig = "($self, data, flags=0, /)")]
    fn sendall(cx: &Ctx, this: This<'_, Socket>, data: &Obj, flags: i32) -> PyResult<()> {
        let v = BytesLike::new(cx, data)?.to_vec();
        let mut rest = &v[..];
        while !rest.is_empty() {
            let n = this.call(cx, true, |fd| sys!(libc::send(fd, rest.as_ptr().cast(), rest.len(), flags)))?;
            rest = &rest[n as usize..];
            (cx.host().poll)(cx)?;
        }
        Ok(())
    }

    /// Sends bytes to an address: sendto(data[, flags], address).
    #[pymethod(sig = "")]
    fn sendto(cx: &Ctx, this: This<'_, Socket>, args: Args<'_>) -> PyResult<i64> {
        args.no_keywords(cx, "sendto")?;
        let (data, flags, to) = match args.pos() {
            [data, to] => (data, 0, to),
            [data, flags, to] => (data, flags_of(cx, Some(flags))?, to),
            a => return Err(cx.type_error(format!("sendto() takes 2 or 3 arguments ({} given)", a.len()))),
        };
        let v = BytesLike::new(cx, data)?.to_vec();
        let a = Address::from_obj(cx, this.family.get(), to, "sendto")?;
        cx.audit("socket.sendto", || [this.obj().clone(), to.clone()])?;
        this.call(cx, true, |fd| sys!(libc::sendto(fd, v.as_ptr().cast(), v.len(), flags, a.ptr(), a.len)))
            .map(|n| n as i64)
    }

    /// Sends buffers and ancillary data: sendmsg(buffers[, ancdata[, flags[, address]]]).
    #[pymethod(sig = "($self, buffers, ancdata=(), flags=0, address=None, /)")]
    fn sendmsg(
        cx: &Ctx,
        this: This<'_, Socket>,
        buffers: &Obj,
        ancdata: Option<&Obj>,
        flags: i32,
        address: Option<&Obj>,
    ) -> PyResult<i64> {
        let mut v = Vec::new();
        for b in buffers.collect(cx)? {
            v.extend(BytesLike::new(cx, &b)?.to_vec());
        }
        let mut items = Vec::new();
        if let Some(a) = ancdata {
            for item in a.collect(cx)? {
                let Some([level, kind, data]) = tuple::items_if_tuple(&item) else {
                    return Err(cx.type_error("[sendmsg() ancillary data items must be tuples of 3]"));
                };
                items.push((level.to_i64(cx)? as i32, kind.to_i64(cx)? as i32, BytesLike::new(cx, data)?.to_vec()));
            }
        }
        cx.audit("socket.sendmsg", || [this.obj().clone(), address.cloned().unwrap_or_else(Obj::none)])?;
        let to = address.map(|a| Address::from_obj(cx, this.family.get(), a, "sendmsg")).transpose()?;
        let total: usize = items.iter().map(|(_, _, d)| sys!(libc::CMSG_SPACE(d.len() as u32)) as usize).sum();
        // Words, so that the headers in the buffer are aligned.
        let mut control = vec![0u64; total.div_ceil(8)];
        let mut iov = libc::iovec { iov_base: v.as_mut_ptr().cast(), iov_len: v.len() };
        let mut m = zeroed!(libc::msghdr);
        (m.msg_iov, m.msg_iovlen) = (&mut iov, 1);
        if let Some(a) = &to {
            (m.msg_name, m.msg_namelen) = (a.ptr() as *mut _, a.len);
        }
        if total > 0 {
            (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), total as _);
            let mut c = sys!(libc::CMSG_FIRSTHDR(&m));
            for (level, kind, data) in &items {
                sys!({
                    (*c).cmsg_level = *level;
                    (*c).cmsg_type = *kind;
                    (*c).cmsg_len = libc::CMSG_LEN(data.len() as u32) as _;
                    std::ptr::copy_nonoverlapping(data.as_ptr(), libc::CMSG_DATA(c), data.len());
                    c = libc::CMSG_NXTHDR(&m, c);
                });
            }
        }
        this.call(cx, true, |fd| sys!(libc::sendmsg(fd, &m, flags))).map(|n| n as i64)
    }
}
