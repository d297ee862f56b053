//! What can be asked about a connection.

use cinder_pyobj::codecs::decode_utf8;
use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::types::weakref::new_ref;
use cinder_pyobj::types::{bytes, list, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::context::SslContext;
use super::ffi::{self, Cipher, Owned, Ssl, X509};
use super::settings::given;
use super::socket::{SslSocket, referent};
use super::{certificate, decode, errors, session};
use crate::os::sys;

const VERIFY_PEER: i32 = 1;

/// The longest `Finished` message.
const FINISHED: usize = 128;

/// Name, version and bits of a cipher.
fn cipher(c: *const Cipher) -> Obj {
    let text = |p| ffi::text(p).map_or_else(Obj::none, |t| Obj::from(t.as_str()));
    let bits = sys!(ffi::SSL_CIPHER_get_bits(c, std::ptr::null_mut()));
    let (name, version) = sys!((ffi::SSL_CIPHER_get_name(c), ffi::SSL_CIPHER_get_version(c)));
    tuple::new(vec![text(name), text(version), Obj::from(bits)])
}

fn finished(s: *const Ssl) -> bool {
    sys!(ffi::SSL_is_init_finished(s)) != 0
}

/// The new value of an attribute, which cannot be deleted.
fn of_connection<'a>(cx: &Ctx, name: &str, value: Option<&'a Obj>) -> PyResult<&'a Obj> {
    given(cx, "_SSLSocket", name, value)
}

#[pymethods(part = "info")]
impl SslSocket {
    /// How many decrypted bytes can be read without reading from the other end.
    #[pymethod]
    fn pending(cx: &Ctx, this: This<'_, SslSocket>) -> i32 {
        this.ask(cx, this.obj(), |s| sys!(ffi::SSL_pending(s)))
    }

    /// The other end's certificate: a dict (empty if it was not verified), or bytes in DER. None if there is none.
    #[pymethod(sig = "($self, der=False, /)")]
    fn getpeercert(cx: &Ctx, this: This<'_, SslSocket>, der: bool) -> PyResult {
        let found = this
            .ask(cx, this.obj(), |s| finished(s).then(|| Owned::<X509>::new(sys!(ffi::SSL_get1_peer_certificate(s)))));
        match found {
            None => Err(cx.value_error("handshake not done yet")),
            Some(None) => Ok(Obj::none()),
            Some(Some(x)) if der => certificate::der(cx, x.ptr()),
            Some(Some(x)) => {
                let context = this.settings();
                let mode = context.downcast::<SslContext>().map(|c| sys!(ffi::SSL_CTX_get_verify_mode(c.ptr())));
                if mode.is_some_and(|m| m & VERIFY_PEER != 0) {
                    decode::certificate(cx, x.ptr())
                } else {
                    Ok(cinder_pyobj::types::dict::new())
                }
            }
        }
    }

    /// The other end's certificate and those that it was verified by, None if nothing was verified.
    #[pymethod]
    fn get_verified_chain(cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        let chain = this.ask(cx, this.obj(), |s| {
            let list = sys!(ffi::SSL_get0_verified_chain(s));
            (!list.is_null()).then(|| certificate::owned(list))
        });
        certificate::list_or_none(chain)
    }

    /// The certificates that the other end sent, None if it sent none.
    #[pymethod]
    fn get_unverified_chain(cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        let server_side = this.server_side;
        let chain = this.ask(cx, this.obj(), |s| {
            let list = sys!(ffi::SSL_get_peer_cert_chain(s));
            let mut all = (!list.is_null()).then(|| certificate::owned(list));
            // A server's list lacks the client's own certificate; a session that was resumed has that alone.
            if server_side && let Some(x) = Owned::new(sys!(ffi::SSL_get1_peer_certificate(s))) {
                all.get_or_insert_default().insert(0, x);
            }
            all
        });
        certificate::list_or_none(chain)
    }

    /// The cipher in use: (name, version, bits), or None.
    #[pymethod]
    fn cipher(cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        // Ciphers are constants of the library.
        let c = this.ask(cx, this.obj(), |s| sys!(ffi::SSL_get_current_cipher(s)));
        if c.is_null() { Obj::none() } else { cipher(c) }
    }

    /// The ciphers that both ends can use, on a server; None otherwise.
    #[pymethod]
    fn shared_ciphers(cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        let found = this.ask(cx, this.obj(), |s| {
            let (ours, theirs) = sys!((ffi::SSL_get_ciphers(s), ffi::SSL_get_client_ciphers(s)));
            if ours.is_null() || theirs.is_null() {
                return None;
            }
            let theirs = ffi::items::<Cipher>(theirs);
            Some(ffi::items::<Cipher>(ours).into_iter().filter(|c| theirs.contains(c)).collect::<Vec<_>>())
        });
        found.map_or_else(Obj::none, |all| list::new(all.into_iter().map(|c| cipher(c)).collect()))
    }

    /// The version of TLS in use, None before the handshake.
    #[pymethod]
    fn version(cx: &Ctx, this: This<'_, SslSocket>) -> Option<String> {
        this.ask(cx, this.obj(), |s| finished(s).then(|| ffi::text(sys!(ffi::SSL_get_version(s)))))
            .flatten()
            .filter(|v| v != "unknown")
    }

    /// The protocol that ALPN chose, None if it chose none.
    #[pymethod]
    fn selected_alpn_protocol(cx: &Ctx, this: This<'_, SslSocket>) -> PyResult {
        let name = this.ask(cx, this.obj(), |s| {
            let (mut p, mut n) = (std::ptr::null(), 0);
            sys!(ffi::SSL_get0_alpn_selected(s, &mut p, &mut n));
            (!p.is_null()).then(|| sys!(std::slice::from_raw_parts(p, n as usize)).to_vec())
        });
        name.map_or_else(|| Ok(Obj::none()), |n| decode_utf8(cx, &n))
    }

    /// The compression in use: None, since the library is built without any.
    #[pymethod]
    fn compression(_cx: &Ctx, _this: This<'_, SslSocket>) -> Option<String> {
        None
    }

    /// Bytes that name this connection alone, for protocols that bind to it (RFC 5929). None before the handshake.
    #[pymethod(sig = "($self, cb_type='tls-unique')")]
    fn get_channel_binding(cx: &Ctx, this: This<'_, SslSocket>, cb_type: &str) -> PyResult {
        if cb_type != "tls-unique" {
            return Err(cx.value_error(format!("'{cb_type}' channel binding type not implemented")));
        }
        let server_side = this.server_side;
        let message = this.ask(cx, this.obj(), |s| {
            let mut buf = vec![0u8; FINISHED];
            // It is the first message of its kind: the server's if a session was resumed, the client's otherwise.
            let ours = (sys!(ffi::SSL_session_reused(s)) != 0) == server_side;
            let p = buf.as_mut_ptr().cast();
            let n = if ours {
                sys!(ffi::SSL_get_finished(s, p, FINISHED))
            } else {
                sys!(ffi::SSL_get_peer_finished(s, p, FINISHED))
            };
            buf.truncate(n);
            buf
        });
        Ok(if message.is_empty() { Obj::none() } else { bytes::new(&message) })
    }

    /// Asks the client for its certificate, after the handshake of TLS 1.3.
    #[pymethod]
    fn verify_client_post_handshake(cx: &Ctx, this: This<'_, SslSocket>) -> PyResult<()> {
        let (ok, error) = this.with(cx, this.obj(), |s| {
            errors::LibError::clear_all();
            let ok = sys!(ffi::SSL_verify_client_post_handshake(s)) != 0;
            let e = errors::LibError::last();
            errors::LibError::clear_all();
            (ok, e)
        });
        if ok { Ok(()) } else { Err(errors::of(cx, error)) }
    }

    /// The settings of the connection; a server may change them when it knows the name that the client asks for.
    #[pygetter]
    fn context(_cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        this.settings()
    }

    #[pysetter]
    fn set_context(cx: &Ctx, this: This<'_, SslSocket>, value: Option<&Obj>) -> PyResult<()> {
        let value = of_connection(cx, "context", value)?;
        let Some(context) = This::<SslContext>::from_obj(value) else {
            return Err(cx.type_error("The value must be a SSLContext"));
        };
        let ctx = context.ptr();
        this.with(cx, this.obj(), |s| sys!(ffi::SSL_set_SSL_CTX(s, ctx)));
        this.use_settings(context);
        Ok(())
    }

    /// Whether this end is the server.
    #[pygetter]
    fn server_side(_cx: &Ctx, this: This<'_, SslSocket>) -> bool {
        this.server_side
    }

    /// The name of the host that the client wants to talk to.
    #[pygetter]
    fn server_hostname(_cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        this.server_hostname.clone().unwrap_or_else(Obj::none)
    }

    /// The object around the connection, which callbacks get; None if it is gone.
    #[pygetter]
    fn owner(_cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        referent(&this.owner).unwrap_or_else(Obj::none)
    }

    #[pysetter]
    fn set_owner(cx: &Ctx, this: This<'_, SslSocket>, value: Option<&Obj>) -> PyResult<()> {
        let reference = new_ref(cx, of_connection(cx, "owner", value)?, None)?;
        this.owner.set(Some(reference));
        Ok(())
    }

    /// The session, None before there is one.
    #[pygetter]
    fn session(cx: &Ctx, this: This<'_, SslSocket>) -> Obj {
        // A copy: a connection that ends without a word spoils the session that it has.
        let found = this.ask(cx, this.obj(), |s| {
            let p = sys!(ffi::SSL_get_session(s));
            if p.is_null() { None } else { session::copy(p) }
        });
        found.map_or_else(Obj::none, |s| session::new(s, this.settings()))
    }

    #[pysetter]
    fn set_session(cx: &Ctx, this: This<'_, SslSocket>, value: Option<&Obj>) -> PyResult<()> {
        let session = session::argument(cx, of_connection(cx, "session", value)?)?;
        this.resume(cx, this, session)
    }

    /// Whether the session was one that was resumed.
    #[pygetter]
    fn session_reused(cx: &Ctx, this: This<'_, SslSocket>) -> bool {
        this.ask(cx, this.obj(), |s| sys!(ffi::SSL_session_reused(s))) != 0
    }
}
