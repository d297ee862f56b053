//! `_SSLSocket`: a TLS connection over a socket or two buffers. What can be asked about it is in [`super::info`].

use std::cell::Cell;
use std::ffi::{CString, c_int};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use cinder_pyobj::codecs;
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::protocol::buffer::{Buffer, BufferFlags};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::weakref::{WeakRef, new_ref};
use cinder_pyobj::types::{exc, str};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::context::{SslContext, control, protocol};
use super::errors::{self, LibError, Outcome, code};
use super::ffi::{self, Owned, Ssl};
use super::transport::{self, Port, SharedMemory};
use super::turn::Turn;
use super::{callbacks, session};
use crate::modules::socket::object::Socket;
use crate::os::{running, sys};

/// What a connection reads from and writes to.
pub(super) enum Place<'a> {
    Socket(This<'a, Socket>),
    /// What comes in, and what goes out.
    Memory(SharedMemory, SharedMemory),
}

/// A TLS connection.
#[pyclass(name = "_SSLSocket", module = "_ssl", flags(no_new))]
pub(crate) struct SslSocket {
    ssl: Owned<Ssl>,
    turn: Turn,
    /// The socket, and a weak reference to its object, unless the connection is over buffers.
    socket: Option<(Arc<Port>, ObjCell)>,
    context: ObjCell,
    /// A weak reference to the Python object around the connection.
    pub(super) owner: ObjCell,
    pub(super) server_side: bool,
    pub(super) server_hostname: Option<Obj>,
    /// Whether the end of our side was sent and the other's was not there yet.
    saw_zero: Cell<bool>,
    /// An exception of a callback, to be raised when the operation ends.
    kept: ObjCell,
}

impl Traverse for SslSocket {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.cells().for_each(|c| c.traverse(visit));
        self.server_hostname.traverse(visit);
    }

    fn clear(&self) {
        // The context stays: callbacks of an operation that another thread runs need it.
        self.owner.clear();
        self.kept.clear();
    }
}

/// What a weak reference in a cell leads to.
pub(super) fn referent(c: &ObjCell) -> Option<Obj> {
    c.get().and_then(|w| w.downcast::<WeakRef>().and_then(WeakRef::get))
}

const VERIFY_PEER: c_int = 1;
const VERIFY_POST_HANDSHAKE: c_int = 8;
const RECEIVED_SHUTDOWN: c_int = 2;
/// A write may be tried again from another place in memory, and reading goes on behind messages without data.
const MODE: i64 = 2 | 4;
/// A record of TLS holds no more, and one read gives no more than a record.
const RECORD: usize = 16 * 1024;

/// The text of a host name for OpenSSL.
fn host_name(cx: &Ctx, o: &Obj) -> PyResult<CString> {
    if o.downcast::<Str>().is_none() {
        return Err(cx.type_error(format!("argument must be str, not {}", o.type_of().name())));
    }
    let encoded = codecs::encode(cx, o, "ascii", "strict")?;
    let text = bytes::as_bytes(&encoded).unwrap_or_default();
    let Ok(name) = CString::new(text) else {
        return Err(cx.type_error("argument must be encoded string without null bytes, not str"));
    };
    if text.is_empty() || text.starts_with(b".") {
        return Err(cx.value_error("server_hostname cannot be an empty string or start with a leading dot."));
    }
    Ok(name)
}

/// Tells a new connection whom it is to talk to.
fn set_host(cx: &Ctx, ssl: *mut Ssl, context: &SslContext, name: &CString) -> PyResult<()> {
    let ip = Owned::new(sys!(ffi::a2i_IPADDRESS(name.as_ptr())));
    LibError::clear_all();
    if ip.is_none() && sys!(ffi::SSL_ctrl(ssl, control::HOST_NAME, 0, name.as_ptr() as *mut _)) == 0 {
        return Err(errors::last(cx));
    }
    if context.check_hostname.get() {
        let param = sys!(ffi::SSL_get0_param(ssl));
        let ok = match &ip {
            None => sys!(ffi::X509_VERIFY_PARAM_set1_host(param, name.as_ptr(), name.as_bytes().len())),
            Some(ip) => {
                let b = ffi::string_bytes(ip.ptr());
                sys!(ffi::X509_VERIFY_PARAM_set1_ip(param, b.as_ptr(), b.len()))
            }
        };
        if ok == 0 {
            return Err(errors::last(cx));
        }
    }
    Ok(())
}

/// Makes a connection.
pub(super) fn new(
    cx: &Ctx,
    context: This<'_, SslContext>,
    place: Place<'_>,
    server_side: bool,
    server_hostname: Option<&Obj>,
    owner: Option<&Obj>,
    resumed: Option<&Obj>,
) -> PyResult {
    let name = server_hostname.map(|n| host_name(cx, n)).transpose()?;
    match context.protocol {
        protocol::CLIENT if server_side => {
            let message = "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context";
            return Err(errors::with_message(cx, message, 0));
        }
        protocol::SERVER if !server_side => {
            let message = "Cannot create a client socket with a PROTOCOL_TLS_SERVER context";
            return Err(errors::with_message(cx, message, 0));
        }
        _ => {}
    }
    LibError::clear_all();
    let Some(ssl) = Owned::new(sys!(ffi::SSL_new(context.ptr()))) else { return Err(errors::last(cx)) };
    let ptr = ssl.ptr();
    let (bios, socket) = match place {
        Place::Socket(s) => {
            let port = Arc::new(Port::default());
            let reference = new_ref(cx, s.obj(), None)?;
            ((transport::of_socket(&port), transport::of_socket(&port)), Some((port, ObjCell::new(Some(reference)))))
        }
        Place::Memory(incoming, outgoing) => ((transport::of_memory(&incoming), transport::of_memory(&outgoing)), None),
    };
    let (Some(from), Some(to)) = bios else { return Err(cx.no_memory()) };
    sys!({
        ffi::SSL_set_bio(ptr, from.release(), to.release());
        ffi::SSL_ctrl(ptr, control::MODE, MODE, std::ptr::null_mut());
    });
    if context.post_handshake_auth.get() {
        if !server_side {
            sys!(ffi::SSL_set_post_handshake_auth(ptr, 1));
        } else {
            let mode = sys!(ffi::SSL_get_verify_mode(ptr));
            if mode & VERIFY_PEER != 0 {
                sys!(ffi::SSL_set_verify(ptr, mode | VERIFY_POST_HANDSHAKE, None));
            }
        }
    }
    if let Some(name) = &name {
        set_host(cx, ptr, &context, name)?;
    }
    if server_side {
        sys!(ffi::SSL_set_accept_state(ptr));
    } else {
        sys!(ffi::SSL_set_connect_state(ptr));
    }
    let owner = owner.map(|o| new_ref(cx, o, None)).transpose()?;
    let connection = SslSocket {
        ssl,
        turn: Turn::default(),
        socket,
        context: ObjCell::new(Some(context.obj().clone())),
        owner: ObjCell::new(owner),
        server_side,
        server_hostname: server_hostname.cloned(),
        saw_zero: Cell::new(false),
        kept: ObjCell::default(),
    };
    let o = new_instance(SslSocket::type_object(), connection);
    if let (Some(r), Some(this)) = (resumed, This::<SslSocket>::from_obj(&o)) {
        this.resume(cx, this, session::argument(cx, r)?)?;
    }
    Ok(o)
}

/// An operation, as messages name it.
#[derive(Clone, Copy)]
enum Operation {
    Handshake,
    Read,
    Write,
    Shutdown,
}

impl SslSocket {
    fn cells(&self) -> impl Iterator<Item = &ObjCell> {
        let socket = self.socket.iter().map(|(_, s)| s);
        [&self.context, &self.owner, &self.kept].into_iter().chain(socket)
    }

    /// The context; the connection always has one.
    pub(super) fn settings(&self) -> Obj {
        self.context.get().unwrap_or_else(Obj::none)
    }

    pub(super) fn use_settings(&self, context: This<'_, SslContext>) {
        self.context.set(Some(context.obj().clone()));
    }

    /// The object that callbacks get for the connection: the one around it, or the connection itself. Nothing if the one
    /// around it is gone.
    pub(super) fn shown(&self, this: &Obj) -> Option<Obj> {
        match &self.socket {
            _ if !self.owner.is_empty() => referent(&self.owner),
            Some((_, s)) => referent(s),
            None => Some(this.clone()),
        }
    }

    /// Keeps the exception of a callback until the operation ends.
    pub(super) fn keep(&self, cx: &Ctx, r: Raised) {
        let e = cx.take(r);
        if self.kept.is_empty() {
            self.kept.set(Some(e));
        }
    }

    /// Runs a function of OpenSSL's on the connection, without the interpreter lock and when no other thread does.
    pub(super) fn with<R>(&self, cx: &Ctx, this: &Obj, f: impl FnOnce(*mut Ssl) -> R) -> R {
        running::unlocked(cx, || self.turn.take(|| callbacks::about(this, || f(self.ssl.ptr()))))
    }

    /// Asks OpenSSL about the connection, which calls nothing back: at once if no other thread uses it.
    pub(super) fn ask<R>(&self, cx: &Ctx, this: &Obj, f: impl Fn(*mut Ssl) -> R) -> R {
        self.turn.take_now(|| f(self.ssl.ptr())).unwrap_or_else(|| self.with(cx, this, &f))
    }

    /// The host's name for messages.
    fn host(&self) -> Option<String> {
        self.server_hostname.as_ref().map(|h| str::as_utf8_lossy(h).into_owned())
    }

    /// The socket below, SSLError if its object is gone. Nothing if the connection is over buffers.
    #[track_caller]
    fn live_socket(&self, cx: &Ctx) -> PyResult<Option<Obj>> {
        let Some((_, reference)) = &self.socket else { return Ok(None) };
        match referent(reference) {
            Some(s) => Ok(Some(s)),
            None => Err(errors::with_message(cx, "Underlying socket connection gone", 0)),
        }
    }

    /// Runs an operation once.
    fn once(&self, cx: &Ctx, this: &Obj, socket: Option<&Socket>, op: impl FnOnce(*mut Ssl) -> c_int) -> Outcome {
        let port = self.socket.as_ref().map(|(p, _)| p);
        if let (Some(p), Some(s)) = (port, socket) {
            p.fd.store(s.fd(), Ordering::Relaxed);
        }
        self.with(cx, this, |ssl| {
            LibError::clear_all();
            if let Some(p) = port {
                p.errno.store(0, Ordering::Relaxed);
            }
            let ret = op(ssl);
            let o = Outcome {
                ret,
                code: sys!(ffi::SSL_get_error(ssl, ret)),
                error: LibError::last(),
                errno: port.map_or(0, |p| p.errno.load(Ordering::Relaxed)),
                verify_result: sys!(ffi::SSL_get_verify_result(ssl)),
            };
            if o.error.is_some() {
                LibError::clear_all();
            }
            o
        })
    }

    /// Runs an operation until it succeeds or fails, waiting for the socket as long as its timeout says.
    #[track_caller]
    fn operate(
        &self,
        cx: &Ctx,
        this: &Obj,
        kind: Operation,
        mut op: impl FnMut(*mut Ssl) -> c_int,
    ) -> PyResult<Outcome> {
        let object = self.live_socket(cx)?;
        let socket = object.as_ref().and_then(|o| o.downcast::<Socket>());
        let patience = socket.map(|s| s.patience());
        let deadline = patience.flatten().and_then(|d| Instant::now().checked_add(d));
        let line = Location::caller().line();
        loop {
            let o = self.once(cx, this, socket, &mut op);
            if o.ret > 0 {
                return Ok(o);
            }
            (cx.host().poll)(cx)?;
            let writing = match o.code {
                code::WANT_READ => false,
                code::WANT_WRITE => true,
                _ => return Ok(o),
            };
            // Buffers and sockets that do not block are for the caller to wait for.
            let Some(s) = socket.filter(|_| patience.flatten().is_none_or(|d| !d.is_zero())) else { return Ok(o) };
            if !s.is_ready_before(cx, writing, deadline)? {
                let message = match kind {
                    Operation::Handshake => format!("_ssl.c:{line}: The handshake operation timed out"),
                    Operation::Read => "The read operation timed out".to_owned(),
                    Operation::Write => "The write operation timed out".to_owned(),
                    Operation::Shutdown if writing => "The write operation timed out".to_owned(),
                    Operation::Shutdown => "The read operation timed out".to_owned(),
                };
                return Err(cx.raise(exc::TimeoutError(), message));
            }
        }
    }

    /// Raises what callbacks raised during an operation that went well, or the error of one that did not.
    #[track_caller]
    fn finish(&self, cx: &Ctx, o: &Outcome) -> PyResult<()> {
        let kept = self.kept.take();
        if o.ret > 0 {
            return match kept {
                Some(e) => Err(cx.set_pending(e)),
                None => Ok(()),
            };
        }
        let r = errors::of_outcome(cx, o, self.host().as_deref());
        if let Some(first) = kept {
            let e = cx.take(r);
            exc::set_context(&e, Some(first));
            return Err(cx.set_pending(e));
        }
        Err(r)
    }

    /// Whether the other end said that it is done.
    fn ended(&self, cx: &Ctx, this: &Obj, o: &Outcome) -> bool {
        o.code == code::ZERO_RETURN && self.ask(cx, this, |s| sys!(ffi::SSL_get_shutdown(s))) == RECEIVED_SHUTDOWN
    }

    /// Reads up to `len` bytes, none at the end of the connection.
    fn read_bytes(&self, cx: &Ctx, this: &Obj, len: usize) -> PyResult<Vec<u8>> {
        let mut buf = vec![0u8; len.min(RECORD)];
        let (p, room) = (buf.as_mut_ptr(), buf.len());
        let mut n = 0;
        let o = self.operate(cx, this, Operation::Read, |s| sys!(ffi::SSL_read_ex(s, p.cast(), room, &mut n)))?;
        if o.ret <= 0 && self.ended(cx, this, &o) && self.kept.is_empty() {
            return Ok(Vec::new());
        }
        self.finish(cx, &o)?;
        buf.truncate(n);
        Ok(buf)
    }

    /// Tries to resume a session.
    pub(super) fn resume(
        &self,
        cx: &Ctx,
        this: This<'_, SslSocket>,
        session: This<'_, session::SslSession>,
    ) -> PyResult<()> {
        let context = self.settings();
        if !This::from_obj(&context).is_some_and(|c| session.is_of(c)) {
            return Err(cx.value_error("Session refers to a different SSLContext."));
        }
        if self.server_side {
            return Err(cx.value_error("Cannot set session for server-side SSLSocket."));
        }
        if self.ask(cx, this.obj(), |s| sys!(ffi::SSL_is_init_finished(s))) != 0 {
            return Err(cx.value_error("Cannot set session after handshake."));
        }
        let Some(copy) = session.copied() else { return Err(errors::last(cx)) };
        if self.with(cx, this.obj(), |s| sys!(ffi::SSL_set_session(s, copy.ptr()))) == 0 {
            return Err(errors::last(cx));
        }
        Ok(())
    }
}

#[pymethods(parts("info"))]
impl SslSocket {
    /// Agrees with the other end on version, ciphers and keys.
    #[pymethod]
    fn do_handshake(cx: &Ctx, this: This<'_, SslSocket>) -> PyResult<()> {
        let o = this.operate(cx, this.obj(), Operation::Handshake, |s| sys!(ffi::SSL_do_handshake(s)))?;
        this.finish(cx, &o)
    }

    /// Sends bytes and returns their number.
    #[pymethod(sig = "($self, b, /)")]
    fn write(cx: &Ctx, this: This<'_, SslSocket>, b: &Obj) -> PyResult<usize> {
        let data = BytesLike::new(cx, b)?.to_vec();
        let mut n = 0;
        if data.is_empty() {
            return Ok(0);
        }
        let o = this.operate(cx, this.obj(), Operation::Write, |s| {
            sys!(ffi::SSL_write_ex(s, data.as_ptr().cast(), data.len(), &mut n))
        })?;
        this.finish(cx, &o)?;
        Ok(n)
    }

    /// read(size[, buffer]): receives up to so many bytes; into a buffer, returning their number, if there is one.
    #[pymethod(sig = "")]
    fn read(cx: &Ctx, this: This<'_, SslSocket>, args: Args<'_>) -> PyResult {
        args.no_keywords(cx, "_ssl._SSLSocket.read")?;
        let (size, buffer) = match args.pos() {
            [size] => (size.to_i64(cx)?, None),
            [size, buffer] => (size.to_i64(cx)?, Some(buffer)),
            _ => return Err(cx.type_error("_ssl._SSLSocket.read requires 1 to 2 arguments")),
        };
        let Some(buffer) = buffer else {
            let Ok(n) = usize::try_from(size) else { return Err(cx.value_error("size should not be negative")) };
            let got = if n == 0 { Vec::new() } else { this.read_bytes(cx, this.obj(), n)? };
            return Ok(bytes::new(&got));
        };
        let Ok(room) = Buffer::get(cx, buffer, BufferFlags::WRITABLE) else {
            drop(cx.take_pending());
            return Err(cx.type_error(format!(
                "read() argument 2 must be read-write bytes-like object, not {}",
                buffer.type_of().name()
            )));
        };
        let wanted = usize::try_from(size).ok().filter(|n| *n > 0 && *n <= room.len()).unwrap_or(room.len());
        if wanted == 0 {
            return Ok(Obj::from(0));
        }
        let got = this.read_bytes(cx, this.obj(), wanted)?;
        room.with_bytes_mut(|m| m[..got.len()].copy_from_slice(&got));
        Ok(Obj::from(got.len()))
    }

    /// Says that nothing more will be sent, and waits for the other end to say the same. Returns the socket.
    #[pymethod]
    fn shutdown(cx: &Ctx, this: This<'_, SslSocket>) -> PyResult {
        // What the other end sends may be waiting in front of its last message, which takes a second call.
        let mut zeros = 0;
        let o = loop {
            if this.saw_zero.get() {
                // Bytes behind the last message belong to whoever uses the socket next.
                this.with(cx, this.obj(), |s| sys!(ffi::SSL_set_read_ahead(s, 0)));
            }
            let o = this.operate(cx, this.obj(), Operation::Shutdown, |s| sys!(ffi::SSL_shutdown(s)))?;
            if o.ret != 0 {
                break o;
            }
            zeros += 1;
            if zeros > 1 {
                break o;
            }
            this.saw_zero.set(true);
        };
        if o.ret < 0 {
            this.finish(cx, &o)?;
        }
        if let Some(e) = this.kept.take() {
            return Err(cx.set_pending(e));
        }
        Ok(this.live_socket(cx)?.unwrap_or_else(Obj::none))
    }
}
