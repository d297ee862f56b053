//! Keys that both ends know beforehand, instead of certificates (PSK).

use std::ffi::{CStr, CString, c_char, c_uchar, c_uint};

use cinder_pyobj::codecs;
use cinder_pyobj::native::{FromObj, This, pymethods};
use cinder_pyobj::types::bytes::BytesLike;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::callbacks::{on_connection, report};
use super::context::{SslContext, protocol};
use super::errors;
use super::ffi::{self, Ssl};
use crate::os::sys;

/// Copies a key or a text to where OpenSSL wants it; nothing if it does not fit.
fn put(v: &[u8], to: *mut c_uchar, room: c_uint) -> Option<c_uint> {
    if v.len() > room as usize {
        return None;
    }
    sys!(std::ptr::copy_nonoverlapping(v.as_ptr(), to, v.len()));
    Some(v.len() as c_uint)
}

/// A text of the other end, None for null.
fn their_text(cx: &Ctx, p: *const c_char) -> PyResult {
    if p.is_null() { Ok(Obj::none()) } else { codecs::decode_utf8(cx, sys!(CStr::from_ptr(p)).to_bytes()) }
}

unsafe extern "C" fn psk_client(
    _: *mut Ssl,
    hint: *const c_char,
    identity: *mut c_char,
    identity_room: c_uint,
    key: *mut c_uchar,
    key_room: c_uint,
) -> c_uint {
    on_connection(|cx, _, _, _, settings| {
        let f = settings.psk_client.get()?;
        let answer = || {
            let v = f.call1(cx, &their_text(cx, hint)?)?;
            let Some([name, secret]) = tuple::items_if_tuple(&v) else {
                return Err(cx.type_error("the callback must return a tuple of an identity and a key"));
            };
            let name = if name.is_none() { "" } else { <&str>::from_obj(cx, name)? };
            Ok((name.as_bytes().to_vec(), BytesLike::new(cx, secret)?.to_vec()))
        };
        match answer() {
            Ok((mut name, secret)) => {
                name.push(0);
                // One byte is kept for the end of the text.
                put(&name, identity.cast(), identity_room)?;
                put(&secret, key, key_room)
            }
            Err(r) => {
                report(cx, r, "ssl PSK client callback while calling callback {}", &f);
                None
            }
        }
    })
    .flatten()
    .unwrap_or(0)
}

unsafe extern "C" fn psk_server(_: *mut Ssl, identity: *const c_char, key: *mut c_uchar, room: c_uint) -> c_uint {
    on_connection(|cx, _, _, _, settings| {
        let f = settings.psk_server.get()?;
        let answer = || {
            let v = f.call1(cx, &their_text(cx, identity)?)?;
            Ok(BytesLike::new(cx, &v)?.to_vec())
        };
        match answer() {
            Ok(secret) => put(&secret, key, room),
            Err(r) => {
                report(cx, r, "ssl PSK server callback while calling callback {}", &f);
                None
            }
        }
    })
    .flatten()
    .unwrap_or(0)
}

fn expect_callable(cx: &Ctx, f: &Obj) -> PyResult<()> {
    if f.is_callable() { Ok(()) } else { Err(cx.type_error("callback must be callable")) }
}

/// The text of a hint.
fn hint_text<'a>(cx: &Ctx, o: &'a Obj) -> PyResult<&'a str> {
    if o.downcast::<Str>().is_none() {
        let got = o.type_of().name();
        return Err(
            cx.type_error(format!("set_psk_server_callback() argument 'identity_hint' must be str or None, not {got}"))
        );
    }
    <&str>::from_obj(cx, o)
}

#[pymethods(part = "psk")]
impl SslContext {
    /// Sets what gives a client its identity and key: it is called with the server's hint, or None.
    #[pymethod(sig = "($self, callback)")]
    fn set_psk_client_callback(cx: &Ctx, this: This<'_, SslContext>, callback: Option<&Obj>) -> PyResult<()> {
        if this.protocol == protocol::SERVER {
            let message = "Cannot add PSK client callback to a PROTOCOL_TLS_SERVER context";
            return Err(errors::with_message(cx, message, 0));
        }
        if let Some(f) = callback {
            expect_callable(cx, f)?;
        }
        this.psk_client.set(callback.cloned());
        sys!(ffi::SSL_CTX_set_psk_client_callback(this.ptr(), callback.map(|_| psk_client as ffi::PskClientCallback)));
        Ok(())
    }

    /// Sets what gives a server the key of an identity, and the hint that clients get.
    #[pymethod(sig = "($self, callback, identity_hint=None)")]
    fn set_psk_server_callback(
        cx: &Ctx,
        this: This<'_, SslContext>,
        callback: Option<&Obj>,
        identity_hint: Option<&Obj>,
    ) -> PyResult<()> {
        if this.protocol == protocol::CLIENT {
            let message = "Cannot add PSK server callback to a PROTOCOL_TLS_CLIENT context";
            return Err(errors::with_message(cx, message, 0));
        }
        if let Some(f) = callback {
            expect_callable(cx, f)?;
        }
        let hint =
            identity_hint.filter(|_| callback.is_some()).map(|h| hint_text(cx, h)).transpose()?.map(CString::new);
        let Ok(hint) = hint.transpose() else { return Err(cx.value_error("embedded null character")) };
        let p = hint.as_ref().map_or(std::ptr::null(), |h| h.as_ptr());
        if sys!(ffi::SSL_CTX_use_psk_identity_hint(this.ptr(), p)) != 1 {
            errors::LibError::clear_all();
            return Err(cx.value_error("failed to set identity hint"));
        }
        this.psk_server.set(callback.cloned());
        sys!(ffi::SSL_CTX_set_psk_server_callback(this.ptr(), callback.map(|_| psk_server as ffi::PskServerCallback)));
        Ok(())
    }
}
