//! Python functions that OpenSSL calls during an operation on a connection.
//!
//! The operation runs without the interpreter lock, on the thread that [`super::socket::SslSocket::with`] was called on;
//! that is where a callback finds the connection that it is about.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_void};

use cinder_pyobj::codecs;
use cinder_pyobj::types::bytes;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::context::{SslContext, control};
use super::ffi::{self, Ssl};
use super::socket::SslSocket;
use crate::os::{running, sys};

thread_local! {
    /// The connection that this thread runs an operation on.
    static CURRENT: Cell<*const Obj> = const { Cell::new(std::ptr::null()) };
}

/// Runs an operation on a connection.
pub(super) fn about<R>(connection: &Obj, f: impl FnOnce() -> R) -> R {
    let before = CURRENT.replace(connection);
    let r = f();
    CURRENT.set(before);
    r
}

/// Runs the Python side of a callback with the connection that it is about and its context.
pub(super) fn on_connection<R>(f: impl FnOnce(&Ctx, &Obj, &SslSocket, &Obj, &SslContext) -> R) -> Option<R> {
    running::locked(|cx| {
        // SAFETY: `about` keeps the object borrowed while it is set.
        let connection = unsafe { CURRENT.get().as_ref() }?.clone();
        let socket = connection.downcast::<SslSocket>()?;
        let context = socket.settings();
        let settings = context.downcast::<SslContext>()?;
        Some(f(cx, &connection, socket, &context, settings))
    })
    .flatten()
}

/// Reports an exception that OpenSSL cannot pass on. In `what`, braces stand for the object that it is about.
pub(super) fn report(cx: &Ctx, r: Raised, what: &str, about: &Obj) {
    let e = cx.take(r);
    let shown = match about.repr(cx) {
        Ok(text) => as_utf8_lossy(&text).into_owned(),
        Err(r) => {
            drop(cx.take(r));
            "?".to_owned()
        }
    };
    let _ = cx.set_pending(e);
    (cx.host().unraisable)(cx, Some(&format!("Exception ignored in {}", what.replace("{}", &shown))), None);
}

/// TypeError for what cannot be called.
pub(super) fn expect_callable(cx: &Ctx, f: &Obj) -> PyResult<()> {
    if f.is_callable() { Ok(()) } else { Err(cx.type_error("not a callable object")) }
}

const NOTHING_CHOSEN: c_int = 3;
const OVERLAP: c_int = 1;

unsafe extern "C" fn alpn(
    _: *mut Ssl,
    out: *mut *const c_uchar,
    out_len: *mut c_uchar,
    theirs: *const c_uchar,
    theirs_len: c_uint,
    _: *mut c_void,
) -> c_int {
    on_connection(|_, _, _, _, settings| {
        let ours = settings.alpn.borrow();
        let mut chosen = std::ptr::null_mut();
        let found = sys!(ffi::SSL_select_next_proto(
            &mut chosen,
            out_len,
            ours.as_ptr(),
            ours.len() as c_uint,
            theirs,
            theirs_len
        ));
        if found != OVERLAP || chosen.is_null() {
            return NOTHING_CHOSEN;
        }
        // The choice lies in our list, which another thread may replace: the same name lies in theirs.
        let name = sys!(std::slice::from_raw_parts(chosen, usize::from(*out_len)));
        let offered = sys!(std::slice::from_raw_parts(theirs, theirs_len as usize));
        let mut at = 0;
        while let Some(&n) = offered.get(at) {
            if offered.get(at + 1..at + 1 + usize::from(n)) == Some(name) {
                sys!(*out = theirs.add(at + 1));
                return 0;
            }
            at += 1 + usize::from(n);
        }
        NOTHING_CHOSEN
    })
    .unwrap_or(NOTHING_CHOSEN)
}

/// Lets connections of a context choose among the protocols that clients offer.
pub(super) fn select_alpn(c: &SslContext) {
    sys!(ffi::SSL_CTX_set_alpn_select_cb(c.ptr(), Some(alpn), std::ptr::null_mut()));
}

unsafe extern "C" fn log_line(_: *const Ssl, line: *const c_char) {
    let line = sys!(CStr::from_ptr(line)).to_bytes();
    on_connection(|cx, _, socket, _, settings| {
        let written = settings.keylog.borrow_mut().as_mut().map(|k| k.write(line));
        if let Some(Err(e)) = written {
            socket.keep(cx, cx.os_error(e));
        }
    });
}

/// Turns the log of secrets on or off.
pub(super) fn log_keys(c: &SslContext, on: bool) {
    sys!(ffi::SSL_CTX_set_keylog_callback(c.ptr(), on.then_some(log_line)));
}

/// The kinds of content that messages are shown by.
mod content {
    pub(super) const CHANGE_CIPHER_SPEC: i32 = 20;
    pub(super) const ALERT: i32 = 21;
    pub(super) const HANDSHAKE: i32 = 22;
    pub(super) const HEADER: i32 = 0x100;
    pub(super) const INNER_CONTENT_TYPE: i32 = 0x101;
}

unsafe extern "C" fn message(
    written: c_int,
    version: c_int,
    kind: c_int,
    buf: *const c_void,
    len: usize,
    _: *mut Ssl,
    _: *mut c_void,
) {
    let data: &[u8] = if buf.is_null() { &[] } else { sys!(std::slice::from_raw_parts(buf as *const u8, len)) };
    on_connection(|cx, connection, socket, _, settings| {
        let Some(f) = settings.message_callback.get() else { return };
        let at = |i: usize| data.get(i).map_or(-1, |b| i32::from(*b));
        let mut version = version;
        let detail = match kind {
            content::CHANGE_CIPHER_SPEC => 0x101,
            content::ALERT => at(1),
            content::HANDSHAKE | content::INNER_CONTENT_TYPE => at(0),
            content::HEADER => {
                // The version of a header is in the header, OpenSSL gives none.
                version = (at(1) << 8) | at(2);
                at(0)
            }
            _ => -1,
        };
        let Some(who) = socket.shown(connection) else { return };
        let args = [
            who,
            Obj::from(if written != 0 { "write" } else { "read" }),
            Obj::from(version),
            Obj::from(kind),
            Obj::from(detail),
            bytes::new(data),
        ];
        if let Err(r) = f.call_pos(cx, &args) {
            socket.keep(cx, r);
        }
    });
}

/// Turns the showing of messages on or off.
pub(super) fn show_messages(c: &SslContext, on: bool) {
    sys!(ffi::SSL_CTX_set_msg_callback(c.ptr(), on.then_some(message)));
}

const NAME_OK: c_int = 0;
const NAME_ALERT: c_int = 2;
const HANDSHAKE_FAILURE: c_int = 40;
const INTERNAL_ERROR: c_int = 80;

unsafe extern "C" fn server_name(ssl: *mut Ssl, alert: *mut c_int, _: *mut c_void) -> c_int {
    let answer = on_connection(|cx, connection, socket, context, settings| {
        let Some(f) = settings.sni_callback.get() else { return Ok(()) };
        let Some(who) = socket.shown(connection) else { return Err(HANDSHAKE_FAILURE) };
        let p = sys!(ffi::SSL_get_servername(ssl, 0));
        let name = if p.is_null() {
            Ok(Obj::none())
        } else {
            codecs::decode(cx, &bytes::new(sys!(CStr::from_ptr(p)).to_bytes()), "ascii", "strict")
        };
        let r = name.and_then(|n| f.call_pos(cx, &[who, n, context.clone()]));
        match r {
            Err(r) => {
                report(cx, r, "ssl servername callback while calling set SNI callback {}", &f);
                Err(HANDSHAKE_FAILURE)
            }
            Ok(v) if v.is_none() => Ok(()),
            Ok(v) => Err(v.to_i64(cx).map_or_else(
                |r| {
                    report(cx, r, "ssl servername callback while calling set SNI callback (result={})", &v);
                    INTERNAL_ERROR
                },
                |n| n as c_int,
            )),
        }
    });
    match answer {
        None | Some(Ok(())) => NAME_OK,
        Some(Err(n)) => {
            sys!(*alert = n);
            NAME_ALERT
        }
    }
}

/// Lets a context's servers choose by the name that clients ask for, or not.
pub(super) fn choose_by_name(c: &SslContext, on: bool) {
    sys!(ffi::SSL_CTX_callback_ctrl(c.ptr(), control::SERVER_NAME_CALLBACK, on.then_some(server_name)));
}
