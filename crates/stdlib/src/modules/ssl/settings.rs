//! The attributes of a context.

use std::ffi::c_ulong;

use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::types::{exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::context::{SslContext, control, protocol};
use super::keylog::Keylog;
use super::{callbacks, distrusted, errors, ffi};
use crate::os::sys;

pub(super) const CERT_NONE: i32 = 0;
pub(super) const CERT_OPTIONAL: i32 = 1;
pub(super) const CERT_REQUIRED: i32 = 2;

const VERIFY_PEER: i32 = 1;
const FAIL_IF_NO_PEER_CERT: i32 = 2;

pub(super) const MINIMUM_SUPPORTED: i64 = -2;
pub(super) const MAXIMUM_SUPPORTED: i64 = -1;
const LOWEST: i64 = 0x301;
const HIGHEST: i64 = 0x304;

/// The versions by number, and the warning that choosing one deserves.
const VERSIONS: [(i64, Option<&str>); 5] = [
    (0x300, Some("ssl.TLSVersion.SSLv3 is deprecated")),
    (0x301, Some("ssl.TLSVersion.TLSv1 is deprecated")),
    (0x302, Some("ssl.TLSVersion.TLSv1_1 is deprecated")),
    (0x303, None),
    (0x304, None),
];

/// The options that forbid versions.
const NO_VERSIONS: u64 = 0x200_0000 | 0x400_0000 | 0x1000_0000 | 0x800_0000 | 0x2000_0000;

/// The new value of an attribute, which cannot be deleted.
pub(super) fn given<'a>(cx: &Ctx, class: &str, name: &str, value: Option<&'a Obj>) -> PyResult<&'a Obj> {
    value.ok_or_else(|| {
        cx.raise(exc::AttributeError(), format!("attribute '{name}' of '_ssl.{class}' objects cannot be deleted"))
    })
}

fn of_context<'a>(cx: &Ctx, name: &str, value: Option<&'a Obj>) -> PyResult<&'a Obj> {
    given(cx, "_SSLContext", name, value)
}

/// Chooses whether certificates of the other end are asked for and must be there.
pub(super) fn set_verify_mode(cx: &Ctx, c: &SslContext, n: i32) -> PyResult<()> {
    let mode = match n {
        CERT_NONE if c.check_hostname.get() => {
            return Err(cx.value_error("Cannot set verify_mode to CERT_NONE when check_hostname is enabled."));
        }
        CERT_NONE => 0,
        CERT_OPTIONAL => VERIFY_PEER,
        CERT_REQUIRED => VERIFY_PEER | FAIL_IF_NO_PEER_CERT,
        _ => return Err(cx.value_error("invalid value for verify_mode")),
    };
    sys!(ffi::SSL_CTX_set_verify(c.ptr(), mode, Some(distrusted::look)));
    Ok(())
}

fn verify_mode(c: &SslContext) -> i32 {
    match sys!(ffi::SSL_CTX_get_verify_mode(c.ptr())) & (VERIFY_PEER | FAIL_IF_NO_PEER_CERT) {
        0 => CERT_NONE,
        VERIFY_PEER => CERT_OPTIONAL,
        _ => CERT_REQUIRED,
    }
}

/// The bits of an int of any size and sign, as C's `unsigned long` takes them.
fn bits(cx: &Ctx, o: &Obj) -> PyResult<c_ulong> {
    let i = o.index(cx)?;
    let wrapped = i.call_method(cx, cinder_pyobj::intern!("__and__"), &[Obj::from(u64::MAX)])?;
    Ok(int::as_u64(&wrapped).unwrap_or(0))
}

/// Sets the lowest or the highest version of TLS.
fn set_version(cx: &Ctx, c: &SslContext, value: &Obj, command: i32) -> PyResult<()> {
    let n = value.to_i64(cx)?;
    if !c.negotiates_version() {
        return Err(
            cx.value_error("The context's protocol doesn't support modification of highest and lowest version.")
        );
    }
    let lowest = command == control::SET_MINIMUM;
    let bound = match n {
        MINIMUM_SUPPORTED if lowest => 0,
        MINIMUM_SUPPORTED => LOWEST,
        MAXIMUM_SUPPORTED if lowest => HIGHEST,
        MAXIMUM_SUPPORTED => 0,
        _ => match VERSIONS.iter().find(|(v, _)| *v == n) {
            None => return Err(cx.value_error(format!("Unsupported TLS/SSL version 0x{:x}", n as i32))),
            Some((_, Some(warning))) => {
                (cx.host().warn)(cx, exc::DeprecationWarning(), warning, 2)?;
                n
            }
            Some(_) => n,
        },
    };
    if c.control(command, bound) == 0 {
        return Err(cx.value_error(format!("Unsupported protocol version 0x{:x}", n as i32)));
    }
    Ok(())
}

#[pymethods(part = "settings")]
impl SslContext {
    /// The protocol that the context was made for.
    #[pygetter]
    fn protocol(_cx: &Ctx, this: This<'_, SslContext>) -> i32 {
        this.protocol
    }

    /// The security level, which rules out weak keys and algorithms.
    #[pygetter]
    fn security_level(_cx: &Ctx, this: This<'_, SslContext>) -> i32 {
        sys!(ffi::SSL_CTX_get_security_level(this.ptr()))
    }

    /// Whether certificates must be valid for the host's name.
    #[pygetter]
    fn check_hostname(_cx: &Ctx, this: This<'_, SslContext>) -> bool {
        this.check_hostname.get()
    }

    #[pysetter]
    fn set_check_hostname(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let on = of_context(cx, "check_hostname", value)?.truthy(cx)?;
        // A name is of no use on a certificate that nobody verified.
        if on && verify_mode(&this) == CERT_NONE {
            set_verify_mode(cx, &this, CERT_REQUIRED)?;
        }
        this.check_hostname.set(on);
        Ok(())
    }

    /// How host names are matched.
    #[pygetter]
    fn _host_flags(_cx: &Ctx, this: This<'_, SslContext>) -> u32 {
        this.host_flags.get()
    }

    #[pysetter]
    fn set__host_flags(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let flags = of_context(cx, "_host_flags", value)?.to_i64(cx)? as u32;
        this.host_flags.set(flags);
        sys!(ffi::X509_VERIFY_PARAM_set_hostflags(ffi::SSL_CTX_get0_param(this.ptr()), flags));
        Ok(())
    }

    /// Whether certificates are asked for and verified.
    #[pygetter]
    fn verify_mode(_cx: &Ctx, this: This<'_, SslContext>) -> i32 {
        verify_mode(&this)
    }

    #[pysetter]
    fn set_verify_mode(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let n = of_context(cx, "verify_mode", value)?.to_i64(cx)?;
        set_verify_mode(cx, &this, i32::try_from(n).unwrap_or(-1))
    }

    /// How certificates are verified.
    #[pygetter]
    fn verify_flags(_cx: &Ctx, this: This<'_, SslContext>) -> u64 {
        sys!(ffi::X509_VERIFY_PARAM_get_flags(ffi::SSL_CTX_get0_param(this.ptr())))
    }

    #[pysetter]
    fn set_verify_flags(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let new = bits(cx, of_context(cx, "verify_flags", value)?)?;
        let param = sys!(ffi::SSL_CTX_get0_param(this.ptr()));
        let old = sys!(ffi::X509_VERIFY_PARAM_get_flags(param));
        let (gone, come) = (old & !new, new & !old);
        if (gone != 0 && sys!(ffi::X509_VERIFY_PARAM_clear_flags(param, gone)) == 0)
            || (come != 0 && sys!(ffi::X509_VERIFY_PARAM_set_flags(param, come)) == 0)
        {
            return Err(errors::last(cx));
        }
        Ok(())
    }

    /// OpenSSL's options.
    #[pygetter]
    fn options(_cx: &Ctx, this: This<'_, SslContext>) -> u64 {
        sys!(ffi::SSL_CTX_get_options(this.ptr()))
    }

    #[pysetter]
    fn set_options(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let value = of_context(cx, "options", value)?.index(cx)?;
        if int::is_negative(&value) {
            return Err(cx.value_error("Cannot convert negative int"));
        }
        let Some(new) = int::as_u64(&value) else {
            return Err(cx.overflow_error("Python int too large for C unsigned long long"));
        };
        let old = sys!(ffi::SSL_CTX_get_options(this.ptr()));
        let (gone, come) = (old & !new, new & !old);
        if come & NO_VERSIONS != 0 {
            let warning = "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated";
            (cx.host().warn)(cx, exc::DeprecationWarning(), warning, 2)?;
        }
        sys!({
            ffi::SSL_CTX_clear_options(this.ptr(), gone);
            ffi::SSL_CTX_set_options(this.ptr(), come);
        });
        Ok(())
    }

    /// The lowest version of TLS.
    #[pygetter]
    fn minimum_version(_cx: &Ctx, this: This<'_, SslContext>) -> i64 {
        match this.control(control::GET_MINIMUM, 0) {
            0 => MINIMUM_SUPPORTED,
            n => n,
        }
    }

    #[pysetter]
    fn set_minimum_version(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        set_version(cx, &this, of_context(cx, "minimum_version", value)?, control::SET_MINIMUM)
    }

    /// The highest version of TLS.
    #[pygetter]
    fn maximum_version(_cx: &Ctx, this: This<'_, SslContext>) -> i64 {
        match this.control(control::GET_MAXIMUM, 0) {
            0 => MAXIMUM_SUPPORTED,
            n => n,
        }
    }

    #[pysetter]
    fn set_maximum_version(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        set_version(cx, &this, of_context(cx, "maximum_version", value)?, control::SET_MAXIMUM)
    }

    /// How many tickets a server sends after a handshake of TLS 1.3.
    #[pygetter]
    fn num_tickets(_cx: &Ctx, this: This<'_, SslContext>) -> usize {
        sys!(ffi::SSL_CTX_get_num_tickets(this.ptr()))
    }

    #[pysetter]
    fn set_num_tickets(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let n = of_context(cx, "num_tickets", value)?.to_i64(cx)?;
        let Ok(n) = usize::try_from(n) else { return Err(cx.value_error("value must be non-negative")) };
        if this.protocol != protocol::SERVER {
            return Err(cx.value_error("SSLContext is not a server context."));
        }
        if sys!(ffi::SSL_CTX_set_num_tickets(this.ptr(), n)) != 1 {
            return Err(cx.value_error("failed to set num tickets."));
        }
        Ok(())
    }

    /// Whether a server may ask for a certificate after the handshake.
    #[pygetter]
    fn post_handshake_auth(_cx: &Ctx, this: This<'_, SslContext>) -> bool {
        this.post_handshake_auth.get()
    }

    #[pysetter]
    fn set_post_handshake_auth(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let Some(value) = value else {
            return Err(cx.raise(exc::AttributeError(), "cannot delete attribute"));
        };
        // Connections set it for themselves: a client must not offer it for a server's sake.
        this.post_handshake_auth.set(value.truthy(cx)?);
        Ok(())
    }

    /// The file that secrets are written to, None for none.
    #[pygetter]
    fn keylog_filename(_cx: &Ctx, this: This<'_, SslContext>) -> Obj {
        this.keylog.borrow().as_ref().map_or_else(Obj::none, |k| k.name.clone())
    }

    #[pysetter]
    fn set_keylog_filename(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let name = of_context(cx, "keylog_filename", value)?;
        let old = this.keylog.take();
        callbacks::log_keys(this.payload(), false);
        drop(old);
        if !name.is_none() {
            let new = Keylog::open(cx, name)?;
            *this.keylog.borrow_mut() = Some(new);
            callbacks::log_keys(this.payload(), true);
        }
        Ok(())
    }

    /// What is called with each message of the protocol, None for nothing.
    #[pygetter]
    fn _msg_callback(_cx: &Ctx, this: This<'_, SslContext>) -> Obj {
        this.message_callback.get().unwrap_or_else(Obj::none)
    }

    #[pysetter]
    fn set__msg_callback(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let f = of_context(cx, "_msg_callback", value)?;
        if !f.is_none() {
            callbacks::expect_callable(cx, f)?;
        }
        this.message_callback.set(Some(f.clone()).filter(|f| !f.is_none()));
        callbacks::show_messages(this.payload(), !f.is_none());
        Ok(())
    }

    /// What is called on a server with the name that the client asks for, None for nothing.
    ///
    /// It gets the connection, the name as a str (None if the client gave none) and the context, and may give
    /// the connection another context. It returns None, or the number of an alert.
    #[pygetter]
    fn sni_callback(_cx: &Ctx, this: This<'_, SslContext>) -> Obj {
        this.sni_callback.get().unwrap_or_else(Obj::none)
    }

    #[pysetter]
    fn set_sni_callback(cx: &Ctx, this: This<'_, SslContext>, value: Option<&Obj>) -> PyResult<()> {
        let f = of_context(cx, "sni_callback", value)?;
        if this.protocol == protocol::CLIENT {
            return Err(cx.value_error("sni_callback cannot be set on TLS_CLIENT context"));
        }
        callbacks::choose_by_name(this.payload(), false);
        this.sni_callback.set(None);
        if !f.is_none() {
            callbacks::expect_callable(cx, f)?;
            this.sni_callback.set(Some(f.clone()));
            callbacks::choose_by_name(this.payload(), true);
        }
        Ok(())
    }
}
