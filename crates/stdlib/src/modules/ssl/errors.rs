//! The exceptions of the module, and how OpenSSL's errors become exceptions.

use std::ffi::{c_int, c_long, c_ulong};
use std::panic::Location;

use cinder_pyobj::native::{PyClass, pyclass, pymethods};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{Type, exc};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};

use super::ffi;
use crate::os::sys;

/// What `SSL_get_error` says, and two codes of Python's own behind.
pub(super) mod code {
    pub(in super::super) const SSL: i32 = 1;
    pub(in super::super) const WANT_READ: i32 = 2;
    pub(in super::super) const WANT_WRITE: i32 = 3;
    pub(in super::super) const WANT_X509_LOOKUP: i32 = 4;
    pub(in super::super) const SYSCALL: i32 = 5;
    pub(in super::super) const ZERO_RETURN: i32 = 6;
    pub(in super::super) const WANT_CONNECT: i32 = 7;
    pub(in super::super) const EOF: i32 = 8;
    pub(in super::super) const INVALID: i32 = 10;
}

/// An error of the SSL library.
#[pyclass(name = "SSLError", module = "ssl", base = exc::OSErrorData, flags(basetype), payload = "inherit")]
pub(crate) struct SslError;

#[pymethods]
impl SslError {
    fn __str__(cx: &Ctx, this: &Obj) -> PyResult {
        let text = this.get_attr(cx, intern!("strerror"))?;
        if text.downcast::<Str>().is_some() {
            return Ok(text);
        }
        this.get_attr(cx, intern!("args"))?.str(cx)
    }
}

macro_rules! exceptions {
    ($($(#[doc = $doc:literal])* $name:ident $text:literal;)*) => {
        $($(#[doc = $doc])*
        #[pyclass(name = $text, module = "ssl", base = SslError, flags(basetype), payload = "inherit")]
        pub(crate) struct $name;)*
    };
}

exceptions! {
    /// The other end closed the TLS connection properly.
    ZeroReturn "SSLZeroReturnError";
    /// A non-blocking operation needs bytes to read first.
    WantRead "SSLWantReadError";
    /// A non-blocking operation needs to write bytes first.
    WantWrite "SSLWantWriteError";
    /// A system call failed.
    Syscall "SSLSyscallError";
    /// The connection ended without being closed properly.
    Eof "SSLEOFError";
    /// A certificate could not be verified.
    CertVerification "SSLCertVerificationError";
}

#[pymethods]
impl CertVerification {
    #[pyinit]
    fn is_a_value_error_too(ty: &Type) {
        cinder_pyobj::types::create::add_native_base(ty, exc::ValueError());
    }
}

/// The exceptions by name.
pub(super) fn all() -> [(&'static str, &'static Type); 7] {
    [
        ("SSLError", SslError::type_object()),
        ("SSLZeroReturnError", ZeroReturn::type_object()),
        ("SSLWantReadError", WantRead::type_object()),
        ("SSLWantWriteError", WantWrite::type_object()),
        ("SSLSyscallError", Syscall::type_object()),
        ("SSLEOFError", Eof::type_object()),
        ("SSLCertVerificationError", CertVerification::type_object()),
    ]
}

/// An entry of OpenSSL's error queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LibError(pub(super) c_ulong);

const SYSTEM: c_ulong = 1 << 31;
/// Says that a reason is one that all libraries share.
const COMMON: c_ulong = 2 << 18;

const LIB_ASN1: c_ulong = 13;
const LIB_PEM: c_ulong = 9;
const LIB_SSL: c_ulong = 20;

impl LibError {
    /// The newest error of this thread; nothing if there is none.
    pub(super) fn last() -> Option<LibError> {
        let e = sys!(ffi::ERR_peek_last_error());
        (e != 0).then_some(LibError(e))
    }

    /// Empties the queue.
    pub(super) fn clear_all() {
        sys!(ffi::ERR_clear_error());
    }

    /// The error number of a system call that failed first of all.
    pub(super) fn errno() -> Option<i32> {
        LibError(sys!(ffi::ERR_peek_error())).system()
    }

    /// The error number, if a system call failed.
    fn system(self) -> Option<i32> {
        (self.0 & SYSTEM != 0).then_some((self.0 & !SYSTEM) as i32)
    }

    fn library(self) -> c_ulong {
        if self.0 & SYSTEM != 0 { 2 } else { (self.0 >> 23) & 0xff }
    }

    fn reason(self) -> c_ulong {
        if self.0 & SYSTEM != 0 { self.0 & !SYSTEM } else { self.0 & 0x7f_ffff }
    }

    /// Whether a PEM file had no more parts.
    pub(super) fn is_no_start_line(self) -> bool {
        self.library() == LIB_PEM && self.reason() == 108
    }

    /// Whether DER data was at its end.
    pub(super) fn is_end_of_der(self) -> bool {
        self.library() == LIB_ASN1 && self.reason() == 123
    }

    fn is_unverified_certificate(self) -> bool {
        self.library() == LIB_SSL && self.reason() == 134
    }

    fn is_unexpected_eof(self) -> bool {
        self.library() == LIB_SSL && self.reason() == 294
    }

    /// The library's name as Python gives it.
    fn library_name(self) -> Option<&'static str> {
        LIBRARIES.iter().find(|(n, _)| *n == self.library()).map(|(_, name)| *name)
    }

    fn text(self) -> Option<String> {
        ffi::text(sys!(ffi::ERR_reason_error_string(self.0)))
    }

    /// The reason's name in OpenSSL's headers: the text that it has, in capitals, but for those of [`NAMES`].
    fn reason_name(self) -> Option<String> {
        if self.0 & (SYSTEM | COMMON) != 0 {
            return None;
        }
        let (library, reason) = (self.library(), self.reason());
        if let Some((_, _, name)) = NAMES.iter().find(|(l, r, _)| (*l, *r) == (library, reason)) {
            return Some((*name).to_owned());
        }
        let text = self.text()?;
        if let Some(alert) = text.strip_prefix("ssl/tls alert ") {
            return Some(format!("SSLV3_ALERT_{}", capitals(alert)));
        }
        Some(capitals(&text))
    }
}

fn capitals(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// OpenSSL's libraries by number.
const LIBRARIES: &[(c_ulong, &str)] = &[
    (2, "SYS"),
    (3, "BN"),
    (4, "RSA"),
    (5, "DH"),
    (6, "EVP"),
    (7, "BUF"),
    (8, "OBJ"),
    (9, "PEM"),
    (10, "DSA"),
    (11, "X509"),
    (13, "ASN1"),
    (14, "CONF"),
    (15, "CRYPTO"),
    (16, "EC"),
    (20, "SSL"),
    (32, "BIO"),
    (33, "PKCS7"),
    (34, "X509V3"),
    (35, "PKCS12"),
    (36, "RAND"),
    (37, "DSO"),
    (38, "ENGINE"),
    (39, "OCSP"),
    (40, "UI"),
    (41, "COMP"),
    (42, "ECDSA"),
    (43, "ECDH"),
    (44, "OSSL_STORE"),
    (45, "FIPS"),
    (46, "CMS"),
    (47, "TS"),
    (48, "HMAC"),
    (50, "CT"),
    (51, "ASYNC"),
    (52, "KDF"),
    (53, "SM2"),
    (54, "ESS"),
    (55, "PROP"),
    (56, "CRMF"),
    (57, "PROV"),
    (58, "CMP"),
    (59, "OSSL_ENCODER"),
    (60, "OSSL_DECODER"),
    (61, "HTTP"),
];

/// Reasons whose names differ from their texts.
const NAMES: &[(c_ulong, c_ulong, &str)] = &[
    (4, 135, "SLEN_RECOVERY_FAILED"),
    (4, 136, "SLEN_CHECK_FAILED"),
    (5, 102, "INVALID_PUBKEY"),
    (6, 142, "EXPECTING_A_EC_KEY"),
    (6, 162, "PARTIALLY_OVERLAPPING"),
    (6, 219, "EXPECTING_A_ECX_KEY"),
    (10, 110, "SEED_LEN_SMALL"),
    (11, 114, "CANT_CHECK_DH_KEY"),
    (20, 158, "AT_LEAST_TLS_1_2_NEEDED_IN_SUITEB_MODE"),
    (20, 330, "NO_GOST_CERTIFICATE_SENT_BY_PEER"),
    (20, 358, "MISSING_SRP_PARAM"),
    (20, 361, "SRP_A_CALC"),
    (32, 111, "LOCAL_ADDR_NOT_AVAILABLE"),
    (32, 112, "NON_FATAL"),
    (32, 151, "PEER_ADDR_NOT_AVAILABLE"),
    (35, 100, "CANT_PACK_STRUCTURE"),
    (36, 101, "FUNC_NOT_IMPLEMENTED"),
    (36, 123, "FWRITE_ERROR"),
];

/// What a failed certificate is told with: OpenSSL's code and its meaning.
pub(super) struct Verdict {
    pub(super) code: c_long,
    pub(super) message: String,
}

impl Verdict {
    /// The meaning of a code for a connection to a host.
    pub(super) fn new(code: c_long, host: Option<&str>) -> Verdict {
        const HOSTNAME_MISMATCH: c_long = 62;
        const IP_ADDRESS_MISMATCH: c_long = 64;
        let host = host.unwrap_or("None");
        let message = match code {
            HOSTNAME_MISMATCH => format!("Hostname mismatch, certificate is not valid for '{host}'."),
            IP_ADDRESS_MISMATCH => format!("IP address mismatch, certificate is not valid for '{host}'."),
            _ => ffi::text(sys!(ffi::X509_verify_cert_error_string(code))).unwrap_or_default(),
        };
        Verdict { code, message }
    }
}

/// Makes an exception of the parts that it has. The line is that of the caller in this module's source, where CPython
/// gives the one in its own.
#[cold]
#[track_caller]
fn build(
    cx: &Ctx,
    class: &Type,
    number: c_ulong,
    message: Option<&str>,
    e: Option<LibError>,
    verdict: Option<&Verdict>,
) -> Raised {
    let line = Location::caller().line();
    let library = e.and_then(LibError::library_name);
    let reason = e.and_then(LibError::reason_name);
    let text = match message {
        Some(m) => m.to_owned(),
        None => e.and_then(LibError::text).unwrap_or_else(|| "unknown error".to_owned()),
    };
    let head = match (library, &reason) {
        (Some(l), Some(r)) => format!("[{l}: {r}] "),
        (Some(l), None) => format!("[{l}] "),
        _ => String::new(),
    };
    let tail = verdict.map(|v| format!(": {}", v.message)).unwrap_or_default();
    let shown = format!("{head}{text}{tail} (_ssl.c:{line})");
    let make = || {
        let e = class.as_obj().call_pos(cx, &[Obj::from(number), Obj::from(shown.as_str())])?;
        e.set_attr(cx, intern!("reason"), &reason.as_deref().map_or_else(Obj::none, Obj::from))?;
        e.set_attr(cx, intern!("library"), &library.map_or_else(Obj::none, Obj::from))?;
        if let Some(v) = verdict {
            e.set_attr(cx, intern!("verify_code"), &Obj::from(v.code))?;
            e.set_attr(cx, intern!("verify_message"), &Obj::from(v.message.as_str()))?;
        }
        Ok(e)
    };
    match make() {
        Ok(e) => cx.raise_obj(e),
        Err(r) => r,
    }
}

/// Raises SSLError with a message and a number.
#[cold]
#[track_caller]
pub(super) fn with_message(cx: &Ctx, message: &str, number: i32) -> Raised {
    build(cx, SslError::type_object(), number as c_ulong, Some(message), None, None)
}

/// Raises SSLError for the newest error of OpenSSL's, and empties its queue.
#[cold]
#[track_caller]
pub(super) fn last(cx: &Ctx) -> Raised {
    let r = of(cx, LibError::last());
    LibError::clear_all();
    r
}

/// Raises SSLError for an error of OpenSSL's.
#[cold]
#[track_caller]
pub(super) fn of(cx: &Ctx, e: Option<LibError>) -> Raised {
    build(cx, SslError::type_object(), e.map_or(0, LibError::reason), None, e, None)
}

/// Raises OSError if a system call failed, otherwise as [`last`].
#[cold]
#[track_caller]
pub(super) fn last_of_file(cx: &Ctx) -> Raised {
    match LibError::errno() {
        Some(e) => {
            LibError::clear_all();
            cx.os_error(e)
        }
        None => last(cx),
    }
}

/// What an operation on a connection came to, read before anything else can use the thread's error queue.
pub(super) struct Outcome {
    /// What the function returned: a positive number is success.
    pub(super) ret: c_int,
    /// What `SSL_get_error` made of it.
    pub(super) code: c_int,
    /// The newest error of the queue.
    pub(super) error: Option<LibError>,
    /// The error number of the last system call on the socket.
    pub(super) errno: i32,
    /// How the verification of the certificate went.
    pub(super) verify_result: c_long,
}

/// Raises the exception of a failed operation on a connection to `host`.
#[cold]
#[track_caller]
pub(super) fn of_outcome(cx: &Ctx, o: &Outcome, host: Option<&str>) -> Raised {
    const NOT_PROPER: &str = "EOF occurred in violation of protocol";
    let simple = |class: &'static Type, number: i32, message: &'static str| (class, number, Some(message), None);
    let (class, number, message, verdict) = match o.code {
        code::ZERO_RETURN => simple(ZeroReturn::type_object(), o.code, "TLS/SSL connection has been closed (EOF)"),
        code::WANT_READ => simple(WantRead::type_object(), o.code, "The operation did not complete (read)"),
        code::WANT_WRITE => simple(WantWrite::type_object(), o.code, "The operation did not complete (write)"),
        code::WANT_X509_LOOKUP => {
            simple(SslError::type_object(), o.code, "The operation did not complete (X509 lookup)")
        }
        code::WANT_CONNECT => simple(SslError::type_object(), o.code, "The operation did not complete (connect)"),
        code::SYSCALL if o.error.is_none() => {
            if o.errno != 0 {
                return cx.os_error(o.errno);
            }
            simple(Eof::type_object(), code::EOF, NOT_PROPER)
        }
        code::SYSCALL => match o.error.and_then(LibError::system) {
            Some(e) => return cx.os_error(e),
            None => (Syscall::type_object(), o.code, None, None),
        },
        code::SSL => match o.error {
            None => simple(SslError::type_object(), o.code, "A failure in the SSL library occurred"),
            Some(e) if e.is_unexpected_eof() => simple(Eof::type_object(), code::EOF, NOT_PROPER),
            Some(e) if e.is_unverified_certificate() => {
                let verdict = Verdict::new(o.verify_result, host);
                (CertVerification::type_object(), o.code, None, Some(verdict))
            }
            Some(_) => (SslError::type_object(), o.code, None, None),
        },
        _ => simple(SslError::type_object(), code::INVALID, "Invalid error code"),
    };
    build(cx, class, number as c_ulong, message, o.error, verdict.as_ref())
}
