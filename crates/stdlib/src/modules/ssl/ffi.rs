//! The part of OpenSSL's C interface that this module uses, and owners of its objects.
//!
//! The crate `openssl-sys` builds and links the library; the declarations are the module's own, because a third of what
//! it needs is not in that crate.

use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void};
use std::ptr::NonNull;

use openssl_sys as _;

use crate::os::sys;

macro_rules! opaque {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {$(
        $(#[doc = $doc])*
        pub(super) enum $name {}
    )*};
}

opaque! {
    /// `SSL`: one end of a TLS connection.
    Ssl
    /// `SSL_CTX`: settings that connections share.
    SslCtx
    /// `SSL_METHOD`
    Method
    /// `SSL_CIPHER`
    Cipher
    /// `SSL_SESSION`
    Session
    /// `X509`: a certificate.
    X509
    /// `X509_NAME`
    X509Name
    /// `X509_NAME_ENTRY`
    X509NameEntry
    /// `X509_STORE`: trusted certificates and revocation lists.
    X509Store
    /// `X509_OBJECT`: an entry of a store.
    X509Object
    /// `X509_VERIFY_PARAM`: how certificates are verified.
    VerifyParam
    /// `X509_STORE_CTX`: a verification in progress.
    StoreCtx
    /// `X509_PUBKEY`: a key as a certificate holds it.
    PublicKey
    /// `ASN1_OBJECT`: an object identifier.
    Asn1Object
    /// `ASN1_STRING` and the types that are the same structure: integers, times, octet strings.
    Asn1String
    /// `OPENSSL_STACK`: any list.
    Stack
    /// `BIO`: what bytes are read from or written to.
    Bio
    /// `BIO_METHOD`
    BioMethod
    /// `DH`: parameters of Diffie-Hellman.
    Dh
}

/// `GENERAL_NAME`: one of several kinds of name.
#[repr(C)]
pub(super) struct GeneralName {
    pub(super) kind: c_int,
    pub(super) value: *mut c_void,
}

/// `ACCESS_DESCRIPTION`
#[repr(C)]
pub(super) struct AccessDescription {
    pub(super) method: *const Asn1Object,
    pub(super) location: *const GeneralName,
}

/// `DIST_POINT_NAME`
#[repr(C)]
pub(super) struct DistPointName {
    pub(super) kind: c_int,
    pub(super) names: *const Stack,
}

/// `DIST_POINT`
#[repr(C)]
pub(super) struct DistPoint {
    pub(super) name: *const DistPointName,
}

pub(super) type VerifyCallback = unsafe extern "C" fn(c_int, *mut StoreCtx) -> c_int;
pub(super) type PasswordCallback = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;
pub(super) type KeylogCallback = unsafe extern "C" fn(*const Ssl, *const c_char);
pub(super) type MessageCallback =
    unsafe extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut Ssl, *mut c_void);
pub(super) type AlpnCallback =
    unsafe extern "C" fn(*mut Ssl, *mut *const c_uchar, *mut c_uchar, *const c_uchar, c_uint, *mut c_void) -> c_int;
pub(super) type PskClientCallback =
    unsafe extern "C" fn(*mut Ssl, *const c_char, *mut c_char, c_uint, *mut c_uchar, c_uint) -> c_uint;
pub(super) type PskServerCallback = unsafe extern "C" fn(*mut Ssl, *const c_char, *mut c_uchar, c_uint) -> c_uint;
pub(super) type ServerNameCallback = unsafe extern "C" fn(*mut Ssl, *mut c_int, *mut c_void) -> c_int;

unsafe extern "C" {
    pub(super) fn OPENSSL_init_ssl(opts: u64, settings: *const c_void) -> c_int;
    pub(super) fn OpenSSL_version(key: c_int) -> *const c_char;
    pub(super) fn OpenSSL_version_num() -> c_ulong;
    pub(super) fn CRYPTO_free(p: *mut c_void, file: *const c_char, line: c_int);

    // Errors.
    pub(super) fn ERR_peek_error() -> c_ulong;
    pub(super) fn ERR_peek_last_error() -> c_ulong;
    pub(super) fn ERR_clear_error();
    pub(super) fn ERR_reason_error_string(e: c_ulong) -> *const c_char;

    // Random numbers.
    pub(super) fn RAND_bytes(buf: *mut c_uchar, n: c_int) -> c_int;
    pub(super) fn RAND_add(buf: *const c_void, n: c_int, entropy: f64);
    pub(super) fn RAND_status() -> c_int;

    // Lists.
    pub(super) fn OPENSSL_sk_num(s: *const Stack) -> c_int;
    pub(super) fn OPENSSL_sk_value(s: *const Stack, i: c_int) -> *mut c_void;
    pub(super) fn OPENSSL_sk_pop_free(s: *mut Stack, free: unsafe extern "C" fn(*mut c_void));

    // Objects by identifier.
    pub(super) fn OBJ_txt2obj(text: *const c_char, no_name: c_int) -> *mut Asn1Object;
    pub(super) fn OBJ_nid2obj(nid: c_int) -> *mut Asn1Object;
    pub(super) fn OBJ_obj2nid(o: *const Asn1Object) -> c_int;
    pub(super) fn OBJ_nid2sn(nid: c_int) -> *const c_char;
    pub(super) fn OBJ_nid2ln(nid: c_int) -> *const c_char;
    pub(super) fn OBJ_sn2nid(name: *const c_char) -> c_int;
    pub(super) fn OBJ_obj2txt(buf: *mut c_char, len: c_int, o: *const Asn1Object, no_name: c_int) -> c_int;
    pub(super) fn ASN1_OBJECT_free(o: *mut Asn1Object);

    // Texts, numbers and times of certificates.
    pub(super) fn ASN1_STRING_get0_data(s: *const Asn1String) -> *const c_uchar;
    pub(super) fn ASN1_STRING_length(s: *const Asn1String) -> c_int;
    pub(super) fn ASN1_STRING_to_UTF8(out: *mut *mut c_uchar, s: *const Asn1String) -> c_int;
    pub(super) fn ASN1_TIME_print(bio: *mut Bio, t: *const Asn1String) -> c_int;
    pub(super) fn i2a_ASN1_INTEGER(bio: *mut Bio, n: *const Asn1String) -> c_int;

    // Sources and sinks of bytes.
    pub(super) fn BIO_s_mem() -> *const BioMethod;
    pub(super) fn BIO_new(method: *const BioMethod) -> *mut Bio;
    pub(super) fn BIO_new_mem_buf(buf: *const c_void, len: c_int) -> *mut Bio;
    pub(super) fn BIO_new_file(path: *const c_char, mode: *const c_char) -> *mut Bio;
    pub(super) fn BIO_free(bio: *mut Bio) -> c_int;
    pub(super) fn BIO_read(bio: *mut Bio, buf: *mut c_void, len: c_int) -> c_int;
    pub(super) fn BIO_ctrl(bio: *mut Bio, cmd: c_int, n: c_long, p: *mut c_void) -> c_long;
    pub(super) fn BIO_get_new_index() -> c_int;
    pub(super) fn BIO_meth_new(kind: c_int, name: *const c_char) -> *mut BioMethod;
    pub(super) fn BIO_meth_set_write(
        m: *mut BioMethod,
        f: unsafe extern "C" fn(*mut Bio, *const c_char, c_int) -> c_int,
    ) -> c_int;
    pub(super) fn BIO_meth_set_read(
        m: *mut BioMethod,
        f: unsafe extern "C" fn(*mut Bio, *mut c_char, c_int) -> c_int,
    ) -> c_int;
    pub(super) fn BIO_meth_set_ctrl(
        m: *mut BioMethod,
        f: unsafe extern "C" fn(*mut Bio, c_int, c_long, *mut c_void) -> c_long,
    ) -> c_int;
    pub(super) fn BIO_meth_set_destroy(m: *mut BioMethod, f: unsafe extern "C" fn(*mut Bio) -> c_int) -> c_int;
    pub(super) fn BIO_set_data(bio: *mut Bio, p: *mut c_void);
    pub(super) fn BIO_get_data(bio: *mut Bio) -> *mut c_void;
    pub(super) fn BIO_set_init(bio: *mut Bio, on: c_int);
    pub(super) fn BIO_set_flags(bio: *mut Bio, flags: c_int);
    pub(super) fn BIO_clear_flags(bio: *mut Bio, flags: c_int);

    // Certificates and keys.
    pub(super) fn X509_free(x: *mut X509);
    pub(super) fn X509_up_ref(x: *mut X509) -> c_int;
    pub(super) fn X509_cmp(a: *const X509, b: *const X509) -> c_int;
    pub(super) fn X509_check_ca(x: *mut X509) -> c_int;
    pub(super) fn X509_get_version(x: *const X509) -> c_long;
    pub(super) fn X509_get_serialNumber(x: *mut X509) -> *const Asn1String;
    pub(super) fn X509_get0_notBefore(x: *const X509) -> *const Asn1String;
    pub(super) fn X509_get0_notAfter(x: *const X509) -> *const Asn1String;
    pub(super) fn X509_get_subject_name(x: *const X509) -> *const X509Name;
    pub(super) fn X509_get_issuer_name(x: *const X509) -> *const X509Name;
    pub(super) fn X509_get_X509_PUBKEY(x: *const X509) -> *mut PublicKey;
    pub(super) fn i2d_X509_PUBKEY(k: *const PublicKey, out: *mut *mut c_uchar) -> c_int;
    pub(super) fn X509_subject_name_hash(x: *mut X509) -> c_ulong;
    pub(super) fn X509_get_ext_d2i(x: *const X509, nid: c_int, crit: *mut c_int, idx: *mut c_int) -> *mut c_void;
    pub(super) fn X509_NAME_entry_count(n: *const X509Name) -> c_int;
    pub(super) fn X509_NAME_get_entry(n: *const X509Name, i: c_int) -> *const X509NameEntry;
    pub(super) fn X509_NAME_ENTRY_get_object(e: *const X509NameEntry) -> *const Asn1Object;
    pub(super) fn X509_NAME_ENTRY_get_data(e: *const X509NameEntry) -> *const Asn1String;
    pub(super) fn X509_NAME_ENTRY_set(e: *const X509NameEntry) -> c_int;
    pub(super) fn X509_NAME_print_ex(bio: *mut Bio, n: *const X509Name, indent: c_int, flags: c_ulong) -> c_int;
    pub(super) fn X509_verify_cert_error_string(n: c_long) -> *const c_char;
    pub(super) fn GENERAL_NAME_free(n: *mut c_void);
    pub(super) fn GENERAL_NAME_print(bio: *mut Bio, n: *const GeneralName) -> c_int;
    pub(super) fn ACCESS_DESCRIPTION_free(d: *mut c_void);
    pub(super) fn DIST_POINT_free(d: *mut c_void);
    pub(super) fn i2d_X509(x: *const X509, out: *mut *mut c_uchar) -> c_int;
    pub(super) fn d2i_X509_bio(bio: *mut Bio, out: *mut *mut X509) -> *mut X509;
    pub(super) fn PEM_read_bio_X509(
        bio: *mut Bio,
        out: *mut *mut X509,
        cb: Option<PasswordCallback>,
        arg: *mut c_void,
    ) -> *mut X509;
    pub(super) fn PEM_write_bio_X509(bio: *mut Bio, x: *const X509) -> c_int;
    pub(super) fn PEM_read_bio_DHparams(
        bio: *mut Bio,
        out: *mut *mut Dh,
        cb: Option<PasswordCallback>,
        arg: *mut c_void,
    ) -> *mut Dh;
    pub(super) fn DH_free(d: *mut Dh);

    // Trust.
    pub(super) fn X509_STORE_CTX_get_current_cert(c: *const StoreCtx) -> *mut X509;
    pub(super) fn X509_STORE_CTX_set_error(c: *mut StoreCtx, code: c_int);
    pub(super) fn X509_STORE_add_cert(s: *mut X509Store, x: *mut X509) -> c_int;
    pub(super) fn X509_STORE_get1_objects(s: *mut X509Store) -> *mut Stack;
    pub(super) fn X509_OBJECT_get_type(o: *const X509Object) -> c_int;
    pub(super) fn X509_OBJECT_get0_X509(o: *const X509Object) -> *mut X509;
    pub(super) fn X509_OBJECT_free(o: *mut c_void);
    pub(super) fn X509_VERIFY_PARAM_get_flags(p: *const VerifyParam) -> c_ulong;
    pub(super) fn X509_VERIFY_PARAM_set_flags(p: *mut VerifyParam, flags: c_ulong) -> c_int;
    pub(super) fn X509_VERIFY_PARAM_clear_flags(p: *mut VerifyParam, flags: c_ulong) -> c_int;
    pub(super) fn X509_VERIFY_PARAM_set_hostflags(p: *mut VerifyParam, flags: c_uint);
    pub(super) fn X509_VERIFY_PARAM_set1_host(p: *mut VerifyParam, name: *const c_char, len: usize) -> c_int;
    pub(super) fn X509_VERIFY_PARAM_set1_ip(p: *mut VerifyParam, ip: *const c_uchar, len: usize) -> c_int;
    pub(super) fn a2i_IPADDRESS(text: *const c_char) -> *mut Asn1String;
    pub(super) fn ASN1_OCTET_STRING_free(s: *mut Asn1String);

    // Contexts.
    pub(super) fn TLS_method() -> *const Method;
    pub(super) fn TLS_client_method() -> *const Method;
    pub(super) fn TLS_server_method() -> *const Method;
    pub(super) fn TLSv1_method() -> *const Method;
    pub(super) fn TLSv1_1_method() -> *const Method;
    pub(super) fn TLSv1_2_method() -> *const Method;
    pub(super) fn SSL_CTX_new(m: *const Method) -> *mut SslCtx;
    pub(super) fn SSL_CTX_free(c: *mut SslCtx);
    pub(super) fn SSL_CTX_ctrl(c: *mut SslCtx, cmd: c_int, n: c_long, p: *mut c_void) -> c_long;
    pub(super) fn SSL_CTX_callback_ctrl(c: *mut SslCtx, cmd: c_int, f: Option<ServerNameCallback>) -> c_long;
    pub(super) fn SSL_CTX_get_options(c: *const SslCtx) -> u64;
    pub(super) fn SSL_CTX_set_options(c: *mut SslCtx, o: u64) -> u64;
    pub(super) fn SSL_CTX_clear_options(c: *mut SslCtx, o: u64) -> u64;
    pub(super) fn SSL_CTX_set_cipher_list(c: *mut SslCtx, list: *const c_char) -> c_int;
    pub(super) fn SSL_CTX_set_session_id_context(c: *mut SslCtx, id: *const c_uchar, len: c_uint) -> c_int;
    pub(super) fn SSL_CTX_set_verify(c: *mut SslCtx, mode: c_int, f: Option<VerifyCallback>);
    pub(super) fn SSL_CTX_get_verify_mode(c: *const SslCtx) -> c_int;
    pub(super) fn SSL_CTX_get0_param(c: *mut SslCtx) -> *mut VerifyParam;
    pub(super) fn SSL_CTX_get_cert_store(c: *const SslCtx) -> *mut X509Store;
    pub(super) fn SSL_CTX_get_security_level(c: *const SslCtx) -> c_int;
    pub(super) fn SSL_CTX_get_num_tickets(c: *const SslCtx) -> usize;
    pub(super) fn SSL_CTX_set_num_tickets(c: *mut SslCtx, n: usize) -> c_int;
    pub(super) fn SSL_CTX_set_post_handshake_auth(c: *mut SslCtx, on: c_int);
    pub(super) fn SSL_CTX_set_alpn_protos(c: *mut SslCtx, p: *const c_uchar, len: c_uint) -> c_int;
    pub(super) fn SSL_CTX_set_alpn_select_cb(c: *mut SslCtx, f: Option<AlpnCallback>, arg: *mut c_void);
    pub(super) fn SSL_select_next_proto(
        out: *mut *mut c_uchar,
        out_len: *mut c_uchar,
        server: *const c_uchar,
        server_len: c_uint,
        client: *const c_uchar,
        client_len: c_uint,
    ) -> c_int;
    pub(super) fn SSL_CTX_set_default_passwd_cb(c: *mut SslCtx, f: Option<PasswordCallback>);
    pub(super) fn SSL_CTX_set_default_passwd_cb_userdata(c: *mut SslCtx, arg: *mut c_void);
    pub(super) fn SSL_CTX_use_certificate_chain_file(c: *mut SslCtx, path: *const c_char) -> c_int;
    pub(super) fn SSL_CTX_use_PrivateKey_file(c: *mut SslCtx, path: *const c_char, kind: c_int) -> c_int;
    pub(super) fn SSL_CTX_check_private_key(c: *const SslCtx) -> c_int;
    pub(super) fn SSL_CTX_load_verify_locations(c: *mut SslCtx, file: *const c_char, dir: *const c_char) -> c_int;
    pub(super) fn SSL_CTX_set_keylog_callback(c: *mut SslCtx, f: Option<KeylogCallback>);
    pub(super) fn SSL_CTX_set_msg_callback(c: *mut SslCtx, f: Option<MessageCallback>);
    pub(super) fn SSL_CTX_set_psk_client_callback(c: *mut SslCtx, f: Option<PskClientCallback>);
    pub(super) fn SSL_CTX_set_psk_server_callback(c: *mut SslCtx, f: Option<PskServerCallback>);
    pub(super) fn SSL_CTX_use_psk_identity_hint(c: *mut SslCtx, hint: *const c_char) -> c_int;

    // Connections.
    pub(super) fn SSL_new(c: *mut SslCtx) -> *mut Ssl;
    pub(super) fn SSL_free(s: *mut Ssl);
    pub(super) fn SSL_set_bio(s: *mut Ssl, read: *mut Bio, write: *mut Bio);
    pub(super) fn SSL_ctrl(s: *mut Ssl, cmd: c_int, n: c_long, p: *mut c_void) -> c_long;
    pub(super) fn SSL_get0_param(s: *mut Ssl) -> *mut VerifyParam;
    pub(super) fn SSL_set_connect_state(s: *mut Ssl);
    pub(super) fn SSL_set_accept_state(s: *mut Ssl);
    pub(super) fn SSL_set_post_handshake_auth(s: *mut Ssl, on: c_int);
    pub(super) fn SSL_get_verify_mode(s: *const Ssl) -> c_int;
    pub(super) fn SSL_set_verify(s: *mut Ssl, mode: c_int, f: Option<VerifyCallback>);
    pub(super) fn SSL_verify_client_post_handshake(s: *mut Ssl) -> c_int;
    pub(super) fn SSL_get_verify_result(s: *const Ssl) -> c_long;
    pub(super) fn SSL_do_handshake(s: *mut Ssl) -> c_int;
    pub(super) fn SSL_read_ex(s: *mut Ssl, buf: *mut c_void, len: usize, n: *mut usize) -> c_int;
    pub(super) fn SSL_write_ex(s: *mut Ssl, buf: *const c_void, len: usize, n: *mut usize) -> c_int;
    pub(super) fn SSL_pending(s: *const Ssl) -> c_int;
    pub(super) fn SSL_shutdown(s: *mut Ssl) -> c_int;
    pub(super) fn SSL_set_read_ahead(s: *mut Ssl, on: c_int);
    pub(super) fn SSL_get_shutdown(s: *const Ssl) -> c_int;
    pub(super) fn SSL_get_error(s: *const Ssl, ret: c_int) -> c_int;
    pub(super) fn SSL_is_init_finished(s: *const Ssl) -> c_int;
    pub(super) fn SSL_get_version(s: *const Ssl) -> *const c_char;
    pub(super) fn SSL_get_servername(s: *const Ssl, kind: c_int) -> *const c_char;
    pub(super) fn SSL_set_SSL_CTX(s: *mut Ssl, c: *mut SslCtx) -> *mut SslCtx;
    pub(super) fn SSL_get1_peer_certificate(s: *const Ssl) -> *mut X509;
    pub(super) fn SSL_get_peer_cert_chain(s: *const Ssl) -> *const Stack;
    pub(super) fn SSL_get0_verified_chain(s: *const Ssl) -> *const Stack;
    pub(super) fn SSL_get0_alpn_selected(s: *const Ssl, data: *mut *const c_uchar, len: *mut c_uint);
    pub(super) fn SSL_get_finished(s: *const Ssl, buf: *mut c_void, len: usize) -> usize;
    pub(super) fn SSL_get_peer_finished(s: *const Ssl, buf: *mut c_void, len: usize) -> usize;
    pub(super) fn SSL_session_reused(s: *const Ssl) -> c_int;
    pub(super) fn SSL_get_session(s: *const Ssl) -> *mut Session;
    pub(super) fn SSL_set_session(s: *mut Ssl, session: *mut Session) -> c_int;

    // Ciphers.
    pub(super) fn SSL_get_ciphers(s: *const Ssl) -> *const Stack;
    pub(super) fn SSL_get_client_ciphers(s: *const Ssl) -> *const Stack;
    pub(super) fn SSL_get_current_cipher(s: *const Ssl) -> *const Cipher;
    pub(super) fn SSL_CIPHER_get_name(c: *const Cipher) -> *const c_char;
    pub(super) fn SSL_CIPHER_get_version(c: *const Cipher) -> *const c_char;
    pub(super) fn SSL_CIPHER_get_bits(c: *const Cipher, alg: *mut c_int) -> c_int;
    pub(super) fn SSL_CIPHER_get_id(c: *const Cipher) -> u32;
    pub(super) fn SSL_CIPHER_description(c: *const Cipher, buf: *mut c_char, len: c_int) -> *mut c_char;
    pub(super) fn SSL_CIPHER_is_aead(c: *const Cipher) -> c_int;
    pub(super) fn SSL_CIPHER_get_cipher_nid(c: *const Cipher) -> c_int;
    pub(super) fn SSL_CIPHER_get_digest_nid(c: *const Cipher) -> c_int;
    pub(super) fn SSL_CIPHER_get_kx_nid(c: *const Cipher) -> c_int;
    pub(super) fn SSL_CIPHER_get_auth_nid(c: *const Cipher) -> c_int;

    // Sessions.
    pub(super) fn SSL_SESSION_free(s: *mut Session);
    pub(super) fn SSL_SESSION_get_id(s: *const Session, len: *mut c_uint) -> *const c_uchar;
    pub(super) fn SSL_SESSION_get_time_ex(s: *const Session) -> i64;
    pub(super) fn SSL_SESSION_get_timeout(s: *const Session) -> c_long;
    pub(super) fn SSL_SESSION_has_ticket(s: *const Session) -> c_int;
    pub(super) fn SSL_SESSION_get_ticket_lifetime_hint(s: *const Session) -> c_ulong;
    pub(super) fn SSL_SESSION_dup(s: *const Session) -> *mut Session;
}

/// Something of OpenSSL's that is counted or owned, with the function that gives it up.
pub(super) trait Handle {
    /// # Safety
    /// The pointer must own a reference, which is given up.
    unsafe fn free(p: *mut Self);
}

macro_rules! handles {
    ($($t:ty => $free:ident;)*) => {$(
        impl Handle for $t {
            unsafe fn free(p: *mut Self) {
                // SAFETY: the caller's promise.
                unsafe { $free(p) };
            }
        }
    )*};
}

handles! {
    Ssl => SSL_free;
    SslCtx => SSL_CTX_free;
    Session => SSL_SESSION_free;
    X509 => X509_free;
    Bio => BIO_free;
    Dh => DH_free;
    Asn1Object => ASN1_OBJECT_free;
    Asn1String => ASN1_OCTET_STRING_free;
}

/// An owned reference to something of OpenSSL's.
pub(super) struct Owned<T: Handle>(NonNull<T>);

impl<T: Handle> Owned<T> {
    /// Takes over a reference that a function returned; nothing for null.
    pub(super) fn new(p: *mut T) -> Option<Owned<T>> {
        NonNull::new(p).map(Owned)
    }

    pub(super) fn ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Gives the reference to a function that takes it over.
    pub(super) fn release(self) -> *mut T {
        let p = self.0.as_ptr();
        std::mem::forget(self);
        p
    }
}

impl<T: Handle> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the reference is owned, and given up once.
        unsafe { T::free(self.0.as_ptr()) }
    }
}

/// A list whose members are freed with it.
pub(super) struct OwnedStack {
    list: NonNull<Stack>,
    free: unsafe extern "C" fn(*mut c_void),
}

impl OwnedStack {
    /// Takes over a list; nothing for null.
    pub(super) fn new(p: *mut Stack, free: unsafe extern "C" fn(*mut c_void)) -> Option<OwnedStack> {
        NonNull::new(p).map(|list| OwnedStack { list, free })
    }

    pub(super) fn items<T>(&self) -> Vec<*mut T> {
        items(self.list.as_ptr())
    }
}

impl Drop for OwnedStack {
    fn drop(&mut self) {
        sys!(OPENSSL_sk_pop_free(self.list.as_ptr(), self.free));
    }
}

/// The members of a list of `T`; none for null.
pub(super) fn items<T>(list: *const Stack) -> Vec<*mut T> {
    let n = if list.is_null() { 0 } else { sys!(OPENSSL_sk_num(list)) };
    (0..n).map(|i| sys!(OPENSSL_sk_value(list, i)) as *mut T).collect()
}

/// A copy of a text of OpenSSL's; nothing for null.
pub(super) fn text(p: *const c_char) -> Option<String> {
    (!p.is_null()).then(|| sys!(CStr::from_ptr(p)).to_string_lossy().into_owned())
}

/// What a function prints into a BIO.
pub(super) fn printed(f: impl FnOnce(*mut Bio)) -> Vec<u8> {
    let Some(bio) = Owned::new(sys!(BIO_new(BIO_s_mem()))) else { return Vec::new() };
    f(bio.ptr());
    let mut out = Vec::new();
    let mut buf = [0u8; 512];
    loop {
        let n = sys!(BIO_read(bio.ptr(), buf.as_mut_ptr().cast(), buf.len() as c_int));
        if n <= 0 {
            return out;
        }
        out.extend_from_slice(&buf[..n as usize]);
    }
}

/// A BIO that reads from memory.
pub(super) fn memory(data: &[u8]) -> Option<Owned<Bio>> {
    let len = c_int::try_from(data.len()).ok()?;
    Owned::new(sys!(BIO_new_mem_buf(data.as_ptr().cast(), len)))
}

/// DER as one of the `i2d_` functions makes it: called without memory, such a function gives memory of OpenSSL's.
pub(super) fn der(f: impl FnOnce(*mut *mut c_uchar) -> c_int) -> Option<Vec<u8>> {
    let mut p = std::ptr::null_mut();
    let n = f(&mut p);
    if n < 0 || p.is_null() {
        return None;
    }
    let v = sys!(std::slice::from_raw_parts(p, n as usize)).to_vec();
    free(p);
    Some(v)
}

/// Frees memory of OpenSSL's.
pub(super) fn free(p: *mut c_uchar) {
    sys!(CRYPTO_free(p.cast(), c"".as_ptr(), 0));
}

/// The bytes of an ASN.1 text.
pub(super) fn string_bytes(s: *const Asn1String) -> Vec<u8> {
    let n = sys!(ASN1_STRING_length(s)).max(0) as usize;
    let p = sys!(ASN1_STRING_get0_data(s));
    if p.is_null() { Vec::new() } else { sys!(std::slice::from_raw_parts(p, n)).to_vec() }
}
