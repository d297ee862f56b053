//! `_SSLContext`: settings that connections share. What is loaded into it is in [`super::loading`], its attributes are
//! in [`super::settings`].

use std::cell::{Cell, RefCell};
use std::ffi::c_int;

use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{Args, PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::bytes::BytesLike;
use cinder_pyobj::types::{Type, dict, exc, list};
use cinder_pyobj::value::ObjCell;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::bio::MemoryBio;
use super::ffi::{self, Cipher, Owned, Ssl, SslCtx};
use super::keylog::Keylog;
use super::settings::{CERT_NONE, CERT_REQUIRED, set_verify_mode};
use super::socket::{self, Place};
use super::{callbacks, errors};
use crate::modules::socket::object::Socket;
use crate::os::args::c_string;
use crate::os::sys;

/// The protocols that a context can be made for.
pub(super) mod protocol {
    pub(in super::super) const TLS: i32 = 2;
    pub(in super::super) const TLS_1: i32 = 3;
    pub(in super::super) const TLS_1_1: i32 = 4;
    pub(in super::super) const TLS_1_2: i32 = 5;
    pub(in super::super) const CLIENT: i32 = 16;
    pub(in super::super) const SERVER: i32 = 17;
}

/// What `SSL_CTX_ctrl` and `SSL_ctrl` do.
pub(super) mod control {
    use std::ffi::c_int;
    pub(in super::super) const DH_PARAMETERS: c_int = 3;
    pub(in super::super) const SESSIONS: c_int = 20;
    pub(in super::super) const MODE: c_int = 33;
    pub(in super::super) const SERVER_NAME_CALLBACK: c_int = 53;
    pub(in super::super) const HOST_NAME: c_int = 55;
    pub(in super::super) const GROUPS: c_int = 91;
    pub(in super::super) const SET_MINIMUM: c_int = 123;
    pub(in super::super) const SET_MAXIMUM: c_int = 124;
    pub(in super::super) const GET_MINIMUM: c_int = 130;
    pub(in super::super) const GET_MAXIMUM: c_int = 131;
}

/// The ciphers that CPython's own build selects by default: strong ones, with forward secrecy first.
pub(super) const DEFAULT_CIPHERS: &std::ffi::CStr =
    c"@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM";

/// Host names are matched without wildcards that stand for a part of a label.
const NO_PARTIAL_WILDCARDS: u32 = 4;
const TRUSTED_FIRST: std::ffi::c_ulong = 0x8000;
const TLS_1_2: i64 = 0x303;
const RELEASE_BUFFERS: i64 = 0x10;

/// The options that every context begins with: known bugs of others are tolerated (`SSL_OP_ALL`), SSL 3 and compression
/// are off, and the server's preference counts.
const OPTIONS: u64 = OP_ALL | 0x200_0000 | 0x2_0000 | 0x40_0000;

/// `SSL_OP_ALL`, but for the one that leaves out a defence of old versions (`SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS`).
pub(super) const OP_ALL: u64 = 0x8000_0050;

/// An SSLContext holds options, certificates and keys for TLS connections.
#[pyclass(name = "_SSLContext", module = "_ssl", flags(basetype))]
pub(crate) struct SslContext {
    ctx: Owned<SslCtx>,
    pub(super) protocol: i32,
    pub(super) check_hostname: Cell<bool>,
    pub(super) host_flags: Cell<u32>,
    pub(super) post_handshake_auth: Cell<bool>,
    /// The protocols that ALPN offers or accepts, each behind its length.
    pub(super) alpn: RefCell<Vec<u8>>,
    pub(super) keylog: RefCell<Option<Keylog>>,
    pub(super) sni_callback: ObjCell,
    pub(super) message_callback: ObjCell,
    pub(super) psk_client: ObjCell,
    pub(super) psk_server: ObjCell,
}

impl Traverse for SslContext {
    fn traverse(&self, visit: &mut Visitor<'_>) {
        self.callbacks().into_iter().for_each(|c| c.traverse(visit));
    }

    fn clear(&self) {
        self.callbacks().into_iter().for_each(Traverse::clear);
    }
}

impl SslContext {
    fn callbacks(&self) -> [&ObjCell; 4] {
        [&self.sni_callback, &self.message_callback, &self.psk_client, &self.psk_server]
    }

    pub(super) fn ptr(&self) -> *mut SslCtx {
        self.ctx.ptr()
    }

    /// Whether both stand for the same settings of OpenSSL's.
    pub(super) fn is_same_as(&self, other: &SslContext) -> bool {
        self.ptr() == other.ptr()
    }

    /// `SSL_CTX_ctrl` without a pointer.
    pub(super) fn control(&self, command: c_int, n: i64) -> i64 {
        sys!(ffi::SSL_CTX_ctrl(self.ptr(), command, n, std::ptr::null_mut()))
    }

    /// The `SSL_METHOD` of a protocol, and the warning that choosing it deserves.
    fn method(protocol: i32) -> Option<(*const ffi::Method, Option<&'static str>)> {
        Some(match protocol {
            protocol::TLS => (sys!(ffi::TLS_method()), Some("ssl.PROTOCOL_TLS is deprecated")),
            protocol::TLS_1 => (sys!(ffi::TLSv1_method()), Some("ssl.PROTOCOL_TLSv1 is deprecated")),
            protocol::TLS_1_1 => (sys!(ffi::TLSv1_1_method()), Some("ssl.PROTOCOL_TLSv1_1 is deprecated")),
            protocol::TLS_1_2 => (sys!(ffi::TLSv1_2_method()), Some("ssl.PROTOCOL_TLSv1_2 is deprecated")),
            protocol::CLIENT => (sys!(ffi::TLS_client_method()), None),
            protocol::SERVER => (sys!(ffi::TLS_server_method()), None),
            _ => return None,
        })
    }

    /// Whether the protocol is one of the general ones, not a fixed version.
    pub(super) fn negotiates_version(&self) -> bool {
        matches!(self.protocol, protocol::TLS | protocol::CLIENT | protocol::SERVER)
    }

    /// Sets what every context begins with.
    fn prepare(&self, cx: &Ctx) -> PyResult<()> {
        let ctx = self.ptr();
        let client = self.protocol == protocol::CLIENT;
        sys!({
            ffi::SSL_CTX_set_options(ctx, OPTIONS);
            ffi::SSL_CTX_set_post_handshake_auth(ctx, 0);
            let param = ffi::SSL_CTX_get0_param(ctx);
            ffi::X509_VERIFY_PARAM_set_flags(param, TRUSTED_FIRST);
            ffi::X509_VERIFY_PARAM_set_hostflags(param, NO_PARTIAL_WILDCARDS);
        });
        self.control(control::MODE, RELEASE_BUFFERS);
        if client {
            self.check_hostname.set(true);
            set_verify_mode(cx, self, CERT_REQUIRED)?;
        } else {
            set_verify_mode(cx, self, CERT_NONE)?;
            // Clients have no such thing; one with it refuses sessions that began with a key shared before.
            sys!(ffi::SSL_CTX_set_session_id_context(ctx, b"Python".as_ptr(), 6));
        }
        if self.negotiates_version() {
            self.control(control::SET_MINIMUM, TLS_1_2);
        }
        if sys!(ffi::SSL_CTX_set_cipher_list(ctx, DEFAULT_CIPHERS.as_ptr())) == 0 {
            errors::LibError::clear_all();
            return Err(cx.raise(errors::SslError::type_object(), "No cipher can be selected."));
        }
        Ok(())
    }
}

/// A cipher as `get_ciphers` shows it.
fn cipher_dict(cx: &Ctx, c: *const Cipher) -> PyResult {
    let d = dict::new();
    let set = |key: &str, value: Obj| dict::set(cx, &d, &Obj::from(key), &value);
    let text = |p| ffi::text(p).map_or_else(Obj::none, |t| Obj::from(t.as_str()));
    // Numbers of objects; zero stands for none.
    let object = |nid| if nid == 0 { Obj::none() } else { text(sys!(ffi::OBJ_nid2ln(nid))) };
    let mut alg_bits = 0;
    let bits = sys!(ffi::SSL_CIPHER_get_bits(c, &mut alg_bits));
    let mut buf = [0u8; 512];
    let described = sys!(ffi::SSL_CIPHER_description(c, buf.as_mut_ptr().cast(), buf.len() as c_int));
    let described = ffi::text(described).unwrap_or_default();
    set("id", Obj::from(i64::from(sys!(ffi::SSL_CIPHER_get_id(c)))))?;
    set("name", text(sys!(ffi::SSL_CIPHER_get_name(c))))?;
    set("protocol", text(sys!(ffi::SSL_CIPHER_get_version(c))))?;
    set("description", Obj::from(described.trim_end_matches('\n')))?;
    set("strength_bits", Obj::from(bits))?;
    set("alg_bits", Obj::from(alg_bits))?;
    set("aead", Obj::from_bool(sys!(ffi::SSL_CIPHER_is_aead(c)) != 0))?;
    set("symmetric", object(sys!(ffi::SSL_CIPHER_get_cipher_nid(c))))?;
    set("digest", object(sys!(ffi::SSL_CIPHER_get_digest_nid(c))))?;
    set("kea", object(sys!(ffi::SSL_CIPHER_get_kx_nid(c))))?;
    set("auth", object(sys!(ffi::SSL_CIPHER_get_auth_nid(c))))?;
    Ok(d)
}

#[pymethods(parts("loading", "settings", "psk"))]
impl SslContext {
    #[pynew(sig = "(protocol, /)")]
    fn __new__(cx: &Ctx, ty: &Type, args: Args<'_>) -> PyResult {
        args.no_keywords(cx, "_SSLContext")?;
        let [number] = args.pos() else {
            return Err(cx.type_error(format!("_SSLContext expected 1 argument, got {}", args.pos().len())));
        };
        let number = number.to_i64(cx)?;
        let Some((method, warning)) = i32::try_from(number).ok().and_then(SslContext::method) else {
            return Err(cx.value_error(format!("invalid or unsupported protocol version {number}")));
        };
        if let Some(w) = warning {
            (cx.host().warn)(cx, exc::DeprecationWarning(), w, 2)?;
        }
        errors::LibError::clear_all();
        let Some(ctx) = Owned::new(sys!(ffi::SSL_CTX_new(method))) else { return Err(errors::last(cx)) };
        let context = SslContext {
            ctx,
            protocol: number as i32,
            check_hostname: Cell::new(false),
            host_flags: Cell::new(NO_PARTIAL_WILDCARDS),
            post_handshake_auth: Cell::new(false),
            alpn: RefCell::default(),
            keylog: RefCell::default(),
            sni_callback: ObjCell::default(),
            message_callback: ObjCell::default(),
            psk_client: ObjCell::default(),
            psk_server: ObjCell::default(),
        };
        context.prepare(cx)?;
        Ok(new_instance(ty, context))
    }

    /// A connection over a socket.
    #[pymethod(sig = "($self, sock, server_side, server_hostname=None, *, owner=None, session=None)")]
    fn _wrap_socket(
        cx: &Ctx,
        this: This<'_, SslContext>,
        sock: This<'_, Socket>,
        server_side: bool,
        server_hostname: Option<&Obj>,
        owner: Option<&Obj>,
        session: Option<&Obj>,
    ) -> PyResult {
        socket::new(cx, this, Place::Socket(sock), server_side, server_hostname, owner, session)
    }

    /// A connection over two buffers.
    #[pymethod(sig = "($self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None)")]
    fn _wrap_bio(
        cx: &Ctx,
        this: This<'_, SslContext>,
        incoming: This<'_, MemoryBio>,
        outgoing: This<'_, MemoryBio>,
        server_side: bool,
        server_hostname: Option<&Obj>,
        owner: Option<&Obj>,
        session: Option<&Obj>,
    ) -> PyResult {
        let place = Place::Memory(incoming.memory.clone(), outgoing.memory.clone());
        socket::new(cx, this, place, server_side, server_hostname, owner, session)
    }

    /// Chooses the ciphers of TLS 1.2 and before, by OpenSSL's list format.
    #[pymethod(sig = "($self, cipherlist, /)")]
    fn set_ciphers(cx: &Ctx, this: This<'_, SslContext>, cipherlist: &str) -> PyResult<()> {
        let Ok(text) = std::ffi::CString::new(cipherlist) else {
            return Err(cx.value_error("embedded null character"));
        };
        if sys!(ffi::SSL_CTX_set_cipher_list(this.ptr(), text.as_ptr())) == 0 {
            // The error queue says the same again.
            errors::LibError::clear_all();
            return Err(cx.raise(errors::SslError::type_object(), "No cipher can be selected."));
        }
        Ok(())
    }

    /// The ciphers that connections may use, the preferred ones first.
    #[pymethod]
    fn get_ciphers(cx: &Ctx, this: This<'_, SslContext>) -> PyResult {
        let Some(ssl) = Owned::<Ssl>::new(sys!(ffi::SSL_new(this.ptr()))) else { return Err(errors::last(cx)) };
        let all = ffi::items::<Cipher>(sys!(ffi::SSL_get_ciphers(ssl.ptr())));
        Ok(list::new(all.into_iter().map(|c| cipher_dict(cx, c)).collect::<PyResult<Vec<Obj>>>()?))
    }

    /// Sets the protocols that ALPN offers, each behind one byte with its length.
    #[pymethod(sig = "($self, protos, /)")]
    fn _set_alpn_protocols(cx: &Ctx, this: This<'_, SslContext>, protos: &Obj) -> PyResult<()> {
        let protocols = BytesLike::new(cx, protos)?.to_vec();
        let Ok(len) = u32::try_from(protocols.len()) else {
            return Err(cx.overflow_error(format!("protocols longer than {} bytes", u32::MAX)));
        };
        if sys!(ffi::SSL_CTX_set_alpn_protos(this.ptr(), protocols.as_ptr(), len)) != 0 {
            return Err(cx.no_memory());
        }
        *this.alpn.borrow_mut() = protocols;
        callbacks::select_alpn(this.payload());
        Ok(())
    }

    /// Chooses the curve of ECDH key exchanges.
    #[pymethod(sig = "($self, name, /)")]
    fn set_ecdh_curve(cx: &Ctx, this: This<'_, SslContext>, name: &Obj) -> PyResult<()> {
        let text = c_string(cx, name)?;
        let mut nid = sys!(ffi::OBJ_sn2nid(text.as_ptr()));
        if nid == 0 {
            let shown = name.repr(cx)?;
            let shown = cinder_pyobj::types::str::as_utf8_lossy(&shown);
            return Err(cx.value_error(format!("unknown elliptic curve name {shown}")));
        }
        if sys!(ffi::SSL_CTX_ctrl(this.ptr(), control::GROUPS, 1, (&raw mut nid).cast())) == 0 {
            return Err(errors::last(cx));
        }
        Ok(())
    }

    /// How many connections and sessions there were, as a dict.
    #[pymethod]
    fn session_stats(cx: &Ctx, this: This<'_, SslContext>) -> PyResult {
        const KEYS: [(&str, c_int); 11] = [
            ("number", 0),
            ("connect", 1),
            ("connect_good", 2),
            ("connect_renegotiate", 3),
            ("accept", 4),
            ("accept_good", 5),
            ("accept_renegotiate", 6),
            ("hits", 7),
            ("misses", 9),
            ("timeouts", 10),
            ("cache_full", 11),
        ];
        let d = dict::new();
        for (key, n) in KEYS {
            dict::set(cx, &d, &Obj::from(key), &Obj::from(this.control(control::SESSIONS + n, 0)))?;
        }
        Ok(d)
    }
}
