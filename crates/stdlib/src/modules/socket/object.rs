//! The class `socket`: making, connecting, options, timeouts.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, Signature, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::{Type, exc, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::address::Address;
use crate::modules::time::{Round, seconds_to_ns};
use crate::os::{check, errno, last_error, sys};

/// Nanoseconds; -1 is "no timeout".
static DEFAULT_TIMEOUT: AtomicI64 = AtomicI64::new(-1);

pub(super) fn default_timeout() -> i64 {
    DEFAULT_TIMEOUT.load(Ordering::Relaxed)
}

pub(super) fn set_default_timeout(ns: i64) {
    DEFAULT_TIMEOUT.store(ns, Ordering::Relaxed);
}

/// A timeout in seconds as Python shows it.
pub(super) fn seconds(ns: i64) -> Option<f64> {
    (ns >= 0).then_some(ns as f64 / 1e9)
}

/// A timeout argument: seconds, or None for none.
pub(super) fn timeout_argument(cx: &Ctx, o: &Obj) -> PyResult<i64> {
    if o.is_none() {
        return Ok(-1);
    }
    let ns = seconds_to_ns(cx, o, Round::Ceiling)?;
    if ns < 0 {
        return Err(cx.value_error("Timeout value out of range"));
    }
    i64::try_from(ns).map_err(|_| cx.overflow_error("timeout doesn't fit into C timeval"))
}

/// One end of a network connection.
///
/// socket(family=AF_INET, type=SOCK_STREAM, proto=0, fileno=None) opens a socket, or takes over the one
/// behind a file descriptor.
#[pyclass(name = "socket", module = "_socket", flags(basetype))]
pub struct Socket {
    /// -1 once closed.
    pub(super) fd: Cell<i32>,
    pub(super) family: Cell<i32>,
    kind: Cell<i32>,
    proto: Cell<i32>,
    /// Nanoseconds; zero is "non-blocking", -1 "no timeout".
    timeout: Cell<i64>,
}

impl Traverse for Socket {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            sys!(libc::close(self.fd.get()));
        }
    }
}

impl Socket {
    /// Runs a call on the socket until it succeeds, fails or the timeout ends. The inner result is the error
    /// number.
    pub(super) fn attempt(
        &self,
        cx: &Ctx,
        writing: bool,
        mut f: impl FnMut(i32) -> isize,
    ) -> PyResult<Result<isize, i32>> {
        let t = self.timeout.get();
        let deadline = (t > 0).then(|| std::time::Instant::now() + std::time::Duration::from_nanos(t as u64));
        loop {
            if let Some(d) = deadline {
                self.wait(cx, writing, d)?;
            }
            let fd = self.fd.get();
            let r = cx.without_lock(|| {
                let r = f(fd);
                if r < 0 { Err(errno()) } else { Ok(r) }
            });
            match r {
                Err(libc::EINTR) => (cx.host().poll)(cx)?,
                Err(libc::EAGAIN) if deadline.is_some() => {}
                r => return Ok(r),
            }
        }
    }

    /// The file descriptor, -1 once closed.
    #[cfg(feature = "ssl")]
    pub(crate) fn fd(&self) -> i32 {
        self.fd.get()
    }

    /// How long an operation may wait: nothing says "for ever".
    #[cfg(feature = "ssl")]
    pub(crate) fn patience(&self) -> Option<std::time::Duration> {
        u64::try_from(self.timeout.get()).ok().map(std::time::Duration::from_nanos)
    }

    /// Waits until the socket is ready, or raises TimeoutError.
    fn wait(&self, cx: &Ctx, writing: bool, deadline: std::time::Instant) -> PyResult<()> {
        if self.fd.get() < 0 || self.is_ready_before(cx, writing, Some(deadline))? {
            return Ok(());
        }
        Err(cx.raise(exc::TimeoutError(), "timed out"))
    }

    /// Waits until the socket can be read from or written to; false once the deadline passed.
    pub(crate) fn is_ready_before(
        &self,
        cx: &Ctx,
        writing: bool,
        deadline: Option<std::time::Instant>,
    ) -> PyResult<bool> {
        loop {
            let ms = deadline.map_or(-1, |d| {
                let left = d.saturating_duration_since(std::time::Instant::now());
                left.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32
            });
            let events = if writing { libc::POLLOUT } else { libc::POLLIN };
            let mut p = libc::pollfd { fd: self.fd.get(), events, revents: 0 };
            let r = cx.without_lock(|| {
                let r = sys!(libc::poll(&mut p, 1, ms));
                if r < 0 { Err(errno()) } else { Ok(r) }
            });
            match r {
                Ok(n) => return Ok(n != 0),
                Err(libc::EINTR) => (cx.host().poll)(cx)?,
                Err(e) => return Err(cx.os_error(e)),
            }
        }
    }

    /// As [`Socket::attempt`], raising OSError.
    pub(super) fn call(&self, cx: &Ctx, writing: bool, f: impl FnMut(i32) -> isize) -> PyResult<isize> {
        self.attempt(cx, writing, f)?.map_err(|e| cx.os_error(e))
    }

    fn set_timeout(&self, cx: &Ctx, ns: i64) -> PyResult<()> {
        self.timeout.set(ns);
        let fd = self.fd.get();
        let mut on = i32::from(ns >= 0);
        check(cx, sys!(libc::ioctl(fd, libc::FIONBIO, &mut on))).map(|_| ())
    }

    /// Connects; an error number on failure.
    fn connect_to(&self, cx: &Ctx, a: &Address) -> PyResult<Result<(), i32>> {
        let fd = self.fd.get();
        let r = cx.without_lock(|| if sys!(libc::connect(fd, a.ptr(), a.len)) < 0 { errno() } else { 0 });
        let t = self.timeout.get();
        match r {
            0 => return Ok(Ok(())),
            libc::EINTR => (cx.host().poll)(cx)?,
            libc::EINPROGRESS if t > 0 => {}
            e => return Ok(Err(e)),
        }
        // The connection is being made in the background.
        let far = std::time::Duration::from_secs(1 << 30);
        let limit = if t > 0 { std::time::Duration::from_nanos(t as u64) } else { far };
        self.wait(cx, true, std::time::Instant::now() + limit)?;
        let (mut e, mut n) = (0i32, size_of::<i32>() as u32);
        check(cx, sys!(libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut e).cast(), &mut n)))?;
        Ok(if e == 0 { Ok(()) } else { Err(e) })
    }

    fn int_option(fd: i32, option: i32) -> i32 {
        let (mut v, mut n) = (0i32, size_of::<i32>() as u32);
        sys!(libc::getsockopt(fd, libc::SOL_SOCKET, option, (&raw mut v).cast(), &mut n));
        v
    }
}

const INIT: Signature = Signature {
    function: "socket",
    params: &["family", "type", "proto", "fileno"],
    pos_only: 0,
    positional: 4,
    required: 0,
    required_kw: &[],
    var_positional: false,
    var_keyword: false,
};

#[pymethods(parts("transfer"))]
impl Socket {
    #[pynew(sig = "(family=-1, type=-1, proto=-1, fileno=None)")]
    fn __new__(_cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        let _ = args;
        let s = Socket {
            fd: Cell::new(-1),
            family: Cell::new(0),
            kind: Cell::new(0),
            proto: Cell::new(0),
            timeout: Cell::new(-1),
        };
        Ok(new_instance(ty, s))
    }

    fn __init__(cx: &Ctx, this: This<'_, Socket>, args: Args<'_>) -> PyResult<()> {
        let [family, kind, proto, fileno] = args.bind::<4>(cx, &INIT)?;
        let number = |o: Option<&Obj>| o.map_or(Ok(-1), |o| o.to_i64(cx).map(|n| n as i32));
        let (mut family, mut kind, mut proto) = (number(family)?, number(kind)?, number(proto)?);
        cx.audit("socket.__new__", || {
            // Where the descriptor says what the socket is, nothing is filled in yet.
            let or = |n: i32, default: i32| if n == -1 && fileno.is_none_or(Obj::is_none) { default } else { n };
            let numbers = [or(family, libc::AF_INET), or(kind, libc::SOCK_STREAM), or(proto, 0)];
            let [family, kind, proto] = numbers.map(Obj::from);
            [this.obj().clone(), family, kind, proto]
        })?;
        let fd = match fileno.filter(|f| !f.is_none()) {
            Some(f) => {
                let fd = f.to_i64(cx)? as i32;
                if fd < 0 {
                    return Err(cx.value_error("negative file descriptor"));
                }
                let mut a = Address::empty();
                if sys!(libc::getsockname(fd, a.ptr_mut(), &mut a.len)) < 0 {
                    if family == -1 || matches!(errno(), libc::EBADF | libc::ENOTSOCK) {
                        return Err(last_error(cx));
                    }
                } else if family == -1 {
                    family = i32::from(a.storage.ss_family);
                }
                if kind == -1 {
                    kind = Socket::int_option(fd, libc::SO_TYPE);
                }
                if proto == -1 {
                    proto = Socket::int_option(fd, libc::SO_PROTOCOL);
                }
                fd
            }
            None => {
                family = if family == -1 { libc::AF_INET } else { family };
                kind = if kind == -1 { libc::SOCK_STREAM } else { kind };
                proto = if proto == -1 { 0 } else { proto };
                check(cx, sys!(libc::socket(family, kind | libc::SOCK_CLOEXEC, proto)))?
            }
        };
        let old = this.fd.replace(fd);
        if old >= 0 {
            sys!(libc::close(old));
        }
        this.family.set(family);
        this.kind.set(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
        this.proto.set(proto);
        if kind & libc::SOCK_NONBLOCK != 0 {
            this.timeout.set(0);
        } else if default_timeout() >= 0 {
            this.set_timeout(cx, default_timeout())?;
        } else {
            this.timeout.set(-1);
        }
        Ok(())
    }

    fn __repr__(_cx: &Ctx, this: This<'_, Socket>) -> PyResult<String> {
        let (fd, family, kind, proto) = (this.fd.get(), this.family.get(), this.kind.get(), this.proto.get());
        Ok(format!("<socket object, fd={fd}, family={family}, type={kind}, proto={proto}>"))
    }

    fn __del__(cx: &Ctx, this: This<'_, Socket>) -> PyResult<()> {
        if this.fd.get() >= 0 {
            let r = this.obj().repr(cx)?;
            let message = format!("unclosed {}", cinder_pyobj::types::str::as_utf8_lossy(&r));
            crate::os::warn_unclosed(cx, &message, this.obj(), ("socket", this.obj()));
            sys!(libc::close(this.fd.replace(-1)));
        }
        Ok(())
    }

    /// The address family.
    #[pygetter(member)]
    fn family(_cx: &Ctx, this: This<'_, Socket>) -> i32 {
        this.family.get()
    }

    /// The socket type.
    #[pygetter(member, name = "type")]
    fn get_kind(_cx: &Ctx, this: This<'_, Socket>) -> i32 {
        this.kind.get()
    }

    /// The protocol.
    #[pygetter(member)]
    fn proto(_cx: &Ctx, this: This<'_, Socket>) -> i32 {
        this.proto.get()
    }

    /// The timeout in seconds, None for none.
    #[pygetter]
    fn timeout(_cx: &Ctx, this: This<'_, Socket>) -> Option<f64> {
        seconds(this.timeout.get())
    }

    /// Waits for a connection: (file descriptor, address).
    #[pymethod]
    fn _accept(cx: &Ctx, this: This<'_, Socket>) -> PyResult {
        let mut a = Address::empty();
        let fd = this.call(cx, false, |fd| {
            a = Address::empty();
            sys!(libc::accept4(fd, a.ptr_mut(), &mut a.len, libc::SOCK_CLOEXEC)) as isize
        })?;
        Ok(tuple::new(vec![Obj::from(fd as i64), a.to_obj(cx)?]))
    }

    /// Gives the socket an address of its own.
    #[pymethod(sig = "($self, address, /)")]
    fn bind(cx: &Ctx, this: This<'_, Socket>, address: &Obj) -> PyResult<()> {
        cx.audit("socket.bind", || [this.obj().clone(), address.clone()])?;
        let a = Address::from_obj(cx, this.family.get(), address, "bind")?;
        check(cx, sys!(libc::bind(this.fd.get(), a.ptr(), a.len))).map(|_| ())
    }

    /// Closes the socket.
    #[pymethod]
    fn close(cx: &Ctx, this: This<'_, Socket>) -> PyResult<()> {
        let fd = this.fd.replace(-1);
        // A connection reset by the peer is no news at this point.
        if fd >= 0 && cx.without_lock(|| sys!(libc::close(fd))) < 0 && errno() != libc::ECONNRESET {
            return Err(last_error(cx));
        }
        Ok(())
    }

    /// Connects to an address.
    #[pymethod(sig = "($self, address, /)")]
    fn connect(cx: &Ctx, this: This<'_, Socket>, address: &Obj) -> PyResult<()> {
        cx.audit("socket.connect", || [this.obj().clone(), address.clone()])?;
        let a = Address::from_obj(cx, this.family.get(), address, "connect")?;
        this.connect_to(cx, &a)?.map_err(|e| cx.os_error(e))
    }

    /// Connects to an address; returns an error number instead of raising.
    #[pymethod(sig = "($self, address, /)")]
    fn connect_ex(cx: &Ctx, this: This<'_, Socket>, address: &Obj) -> PyResult<i32> {
        cx.audit("socket.connect", || [this.obj().clone(), address.clone()])?;
        let a = Address::from_obj(cx, this.family.get(), address, "connect_ex")?;
        match this.connect_to(cx, &a) {
            Ok(r) => Ok(r.err().unwrap_or(0)),
            Err(r) => {
                cx.swallow(r, exc::TimeoutError())?;
                Ok(libc::EWOULDBLOCK)
            }
        }
    }

    /// Gives up the file descriptor without closing it.
    #[pymethod]
    fn detach(_cx: &Ctx, this: This<'_, Socket>) -> i32 {
        this.fd.replace(-1)
    }

    /// The file descriptor, -1 once closed.
    #[pymethod]
    fn fileno(_cx: &Ctx, this: This<'_, Socket>) -> i32 {
        this.fd.get()
    }

    /// The address of the other end.
    #[pymethod]
    fn getpeername(cx: &Ctx, this: This<'_, Socket>) -> PyResult {
        let mut a = Address::empty();
        check(cx, sys!(libc::getpeername(this.fd.get(), a.ptr_mut(), &mut a.len)))?;
        a.to_obj(cx)
    }

    /// The socket's own address.
    #[pymethod]
    fn getsockname(cx: &Ctx, this: This<'_, Socket>) -> PyResult {
        let mut a = Address::empty();
        check(cx, sys!(libc::getsockname(this.fd.get(), a.ptr_mut(), &mut a.len)))?;
        a.to_obj(cx)
    }

    /// The value of an option: an int, or bytes if a buffer size is given.
    #[pymethod(sig = "")]
    fn getsockopt(cx: &Ctx, this: This<'_, Socket>, args: Args<'_>) -> PyResult {
        let a = args.check_arity(cx, "getsockopt", 2, 3)?;
        let (level, option) = (a[0].to_i64(cx)? as i32, a[1].to_i64(cx)? as i32);
        let fd = this.fd.get();
        let size = a.get(2).map_or(Ok(0), |n| n.to_i64(cx))?;
        if size == 0 {
            let (mut v, mut n) = (0i32, size_of::<i32>() as u32);
            check(cx, sys!(libc::getsockopt(fd, level, option, (&raw mut v).cast(), &mut n)))?;
            return Ok(Obj::from(v));
        }
        if !(1..=1024).contains(&size) {
            return Err(cx.raise(exc::OSError(), "getsockopt buflen out of range"));
        }
        let mut v = vec![0u8; size as usize];
        let mut n = v.len() as u32;
        check(cx, sys!(libc::getsockopt(fd, level, option, v.as_mut_ptr().cast(), &mut n)))?;
        Ok(bytes::new(&v[..n as usize]))
    }

    /// Sets an option: to an int, to bytes, or to None with a length.
    #[pymethod(sig = "")]
    fn setsockopt(cx: &Ctx, this: This<'_, Socket>, args: Args<'_>) -> PyResult<()> {
        let a = args.check_arity(cx, "setsockopt", 3, 4)?;
        let (level, option) = (a[0].to_i64(cx)? as i32, a[1].to_i64(cx)? as i32);
        let fd = this.fd.get();
        let r = if a[2].is_none() {
            let n = a.get(3).map_or(Ok(0), |n| n.to_i64(cx))? as u32;
            sys!(libc::setsockopt(fd, level, option, std::ptr::null(), n))
        } else if int::is_int(&a[2]) {
            let v = a[2].to_i64(cx)? as i32;
            sys!(libc::setsockopt(fd, level, option, (&raw const v).cast(), size_of::<i32>() as u32))
        } else {
            let v = BytesLike::new(cx, &a[2])?.to_vec();
            sys!(libc::setsockopt(fd, level, option, v.as_ptr().cast(), v.len() as u32))
        };
        check(cx, r).map(|_| ())
    }

    /// Lets the socket accept connections.
    #[pymethod(sig = "($self, backlog=128, /)")]
    fn listen(cx: &Ctx, this: This<'_, Socket>, backlog: i32) -> PyResult<()> {
        check(cx, sys!(libc::listen(this.fd.get(), backlog.max(0)))).map(|_| ())
    }

    /// Chooses whether the socket blocks.
    #[pymethod(sig = "($self, flag, /)")]
    fn setblocking(cx: &Ctx, this: This<'_, Socket>, flag: bool) -> PyResult<()> {
        this.set_timeout(cx, if flag { -1 } else { 0 })
    }

    /// Whether the socket blocks.
    #[pymethod]
    fn getblocking(_cx: &Ctx, this: This<'_, Socket>) -> bool {
        this.timeout.get() != 0
    }

    /// Sets the timeout in seconds, None for none.
    #[pymethod(sig = "($self, timeout, /)")]
    fn settimeout(cx: &Ctx, this: This<'_, Socket>, timeout: &Obj) -> PyResult<()> {
        let t = timeout_argument(cx, timeout)?;
        this.set_timeout(cx, t)
    }

    /// The timeout in seconds, None for none.
    #[pymethod]
    fn gettimeout(_cx: &Ctx, this: This<'_, Socket>) -> Option<f64> {
        seconds(this.timeout.get())
    }

    /// Shuts down one or both directions.
    #[pymethod(sig = "($self, how, /)")]
    fn shutdown(cx: &Ctx, this: This<'_, Socket>, how: i32) -> PyResult<()> {
        check(cx, cx.without_lock(|| sys!(libc::shutdown(this.fd.get(), how)))).map(|_| ())
    }
}
