//! What is loaded into a context: certificates, keys, trust and parameters.

use std::ffi::{CString, c_char, c_int, c_void};

use cinder_pyobj::native::{This, pymethods};
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::Str;
use cinder_pyobj::types::{dict, exc, list};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised};

use super::context::{SslContext, control};
use super::errors::{self, LibError};
use super::ffi::{self, Bio, Owned, OwnedStack, X509, X509Object};
use super::{certificate, decode, paths};
use crate::os::args::c_string;
use crate::os::{running, sys};

const PEM_FILE: c_int = 1;
const CTRL_EOF: c_int = 2;

/// Keys cannot be locked with longer passwords.
const LONGEST_PASSWORD: usize = 1024;

/// Where the password of a key comes from.
struct Password {
    /// What gives it, until it was called.
    callable: Option<Obj>,
    text: Vec<u8>,
    failed: Option<Raised>,
}

/// A password as bytes.
fn password_bytes(cx: &Ctx, o: &Obj, refusal: &str) -> PyResult<Vec<u8>> {
    let v = if o.downcast::<Str>().is_some() {
        <&str as cinder_pyobj::native::FromObj>::from_obj(cx, o)?.as_bytes().to_vec()
    } else if bytes::is_bytes_like(o) {
        BytesLike::new(cx, o)?.to_vec()
    } else {
        return Err(cx.type_error(refusal));
    };
    if v.len() > LONGEST_PASSWORD {
        return Err(cx.value_error(format!("password cannot be longer than {LONGEST_PASSWORD} bytes")));
    }
    Ok(v)
}

impl Password {
    fn new(cx: &Ctx, o: &Obj) -> PyResult<Password> {
        if o.is_callable() {
            return Ok(Password { callable: Some(o.clone()), text: Vec::new(), failed: None });
        }
        let text = password_bytes(cx, o, "password should be a string or callable")?;
        Ok(Password { callable: None, text, failed: None })
    }

    /// Calls what gives the password, the first time.
    fn fetch(&mut self) {
        let Some(f) = self.callable.take() else { return };
        let got = running::locked(|cx| {
            let r = f.call0(cx).and_then(|o| password_bytes(cx, &o, "password callback must return a string"));
            drop(f);
            r
        });
        match got {
            Some(Ok(text)) => self.text = text,
            Some(Err(r)) => self.failed = Some(r),
            None => {}
        }
    }
}

unsafe extern "C" fn give_password(buf: *mut c_char, size: c_int, _: c_int, data: *mut c_void) -> c_int {
    // SAFETY: `load_cert_chain` keeps the password while OpenSSL may ask for it.
    let Some(p) = (unsafe { (data as *mut Password).as_mut() }) else { return -1 };
    p.fetch();
    if p.failed.is_some() || p.text.len() > size.max(0) as usize {
        return -1;
    }
    sys!(std::ptr::copy_nonoverlapping(p.text.as_ptr(), buf as *mut u8, p.text.len()));
    p.text.len() as c_int
}

/// A path argument; TypeError names it.
fn path(cx: &Ctx, o: &Obj, name: &str) -> PyResult<CString> {
    c_string(cx, o).map_err(|r| {
        if !cx.pending_is(exc::TypeError()) {
            return r;
        }
        drop(cx.take(r));
        cx.type_error(format!("{name} should be a valid filesystem path"))
    })
}

/// A pointer to a path, null for none.
fn pointer(p: &Option<CString>) -> *const c_char {
    p.as_ref().map_or(std::ptr::null(), |p| p.as_ptr())
}

/// What `load_verify_locations` reads certificates from.
enum Data {
    Pem(Vec<u8>),
    Der(Vec<u8>),
}

impl Data {
    fn new(cx: &Ctx, o: &Obj) -> PyResult<Data> {
        let refuse = || cx.type_error("cadata should be an ASCII string or a bytes-like object");
        let data = if o.downcast::<Str>().is_some() {
            let text = cinder_pyobj::types::str::as_utf8_lossy(o);
            if !text.is_ascii() {
                return Err(refuse());
            }
            Data::Pem(text.as_bytes().to_vec())
        } else if bytes::is_bytes_like(o) {
            Data::Der(BytesLike::new(cx, o)?.to_vec())
        } else {
            return Err(refuse());
        };
        if data.bytes().is_empty() {
            return Err(cx.value_error("Empty certificate data"));
        }
        if data.bytes().len() > i32::MAX as usize {
            return Err(cx.overflow_error(format!("Certificate data is longer than {} bytes.", i32::MAX)));
        }
        Ok(data)
    }

    fn bytes(&self) -> &[u8] {
        let (Data::Pem(v) | Data::Der(v)) = self;
        v
    }

    /// The next certificate.
    fn next(&self, bio: *mut Bio) -> Option<Owned<X509>> {
        let null = std::ptr::null_mut();
        Owned::new(match self {
            // A certificate needs no password.
            Data::Pem(_) => sys!(ffi::PEM_read_bio_X509(bio, null, Some(no_password), null.cast())),
            Data::Der(_) => sys!(ffi::d2i_X509_bio(bio, null)),
        })
    }

    /// Whether reading stopped because there was no more.
    fn was_all(&self, bio: *mut Bio) -> bool {
        let ended = sys!(ffi::BIO_ctrl(bio, CTRL_EOF, 0, std::ptr::null_mut())) != 0;
        match (self, LibError::last()) {
            (_, None) => true,
            (Data::Pem(_), Some(e)) => e.is_no_start_line(),
            (Data::Der(_), Some(e)) => ended && e.is_end_of_der(),
        }
    }
}

unsafe extern "C" fn no_password(_: *mut c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    0
}

/// Trusts the certificates of a text or of bytes.
fn trust_data(cx: &Ctx, c: &SslContext, data: &Data) -> PyResult<()> {
    let Some(bio) = ffi::memory(data.bytes()) else { return Err(errors::last(cx)) };
    let store = sys!(ffi::SSL_CTX_get_cert_store(c.ptr()));
    let mut loaded = 0;
    let at_end = || sys!(ffi::BIO_ctrl(bio.ptr(), CTRL_EOF, 0, std::ptr::null_mut())) != 0;
    while loaded == 0 || matches!(data, Data::Pem(_)) || !at_end() {
        let Some(x) = data.next(bio.ptr()) else { break };
        // A certificate that is there already is no error.
        if sys!(ffi::X509_STORE_add_cert(store, x.ptr())) == 0 {
            return Err(errors::last(cx));
        }
        loaded += 1;
    }
    if loaded == 0 {
        let what = if matches!(data, Data::Pem(_)) { "no start line" } else { "not enough data" };
        LibError::clear_all();
        return Err(errors::with_message(cx, &format!("{what}: cadata does not contain a certificate"), 0));
    }
    if !data.was_all(bio.ptr()) {
        return Err(errors::last(cx));
    }
    LibError::clear_all();
    Ok(())
}

/// The certificates and revocation lists that a context trusts.
fn store_objects(cx: &Ctx, c: &SslContext) -> PyResult<OwnedStack> {
    let list = sys!(ffi::X509_STORE_get1_objects(ffi::SSL_CTX_get_cert_store(c.ptr())));
    OwnedStack::new(list, ffi::X509_OBJECT_free).ok_or_else(|| cx.memory_error("failed to query cert store"))
}

const CERTIFICATE: c_int = 1;
const REVOCATION_LIST: c_int = 2;

#[pymethods(part = "loading")]
impl SslContext {
    /// Loads the certificate chain that connections show, and the key that belongs to it.
    #[pymethod(sig = "($self, certfile, keyfile=None, password=None)")]
    fn load_cert_chain(
        cx: &Ctx,
        this: This<'_, SslContext>,
        certfile: &Obj,
        keyfile: Option<&Obj>,
        password: Option<&Obj>,
    ) -> PyResult<()> {
        LibError::clear_all();
        let certificates = path(cx, certfile, "certfile")?;
        let key = keyfile.map(|k| path(cx, k, "keyfile")).transpose()?;
        let key = key.as_ref().unwrap_or(&certificates);
        let mut password = password.map(|p| Password::new(cx, p)).transpose()?;
        let ctx = this.ptr();
        if let Some(p) = &mut password {
            sys!({
                ffi::SSL_CTX_set_default_passwd_cb(ctx, Some(give_password));
                ffi::SSL_CTX_set_default_passwd_cb_userdata(ctx, std::ptr::from_mut(p).cast());
            });
        }
        let loaded = running::unlocked(cx, || {
            sys!({
                ffi::SSL_CTX_use_certificate_chain_file(ctx, certificates.as_ptr()) == 1
                    && ffi::SSL_CTX_use_PrivateKey_file(ctx, key.as_ptr(), PEM_FILE) == 1
            })
        });
        sys!({
            ffi::SSL_CTX_set_default_passwd_cb(ctx, None);
            ffi::SSL_CTX_set_default_passwd_cb_userdata(ctx, std::ptr::null_mut());
        });
        if let Some(r) = password.and_then(|p| p.failed) {
            LibError::clear_all();
            return Err(r);
        }
        if !loaded {
            return Err(errors::last_of_file(cx));
        }
        if sys!(ffi::SSL_CTX_check_private_key(ctx)) != 1 {
            return Err(errors::last(cx));
        }
        LibError::clear_all();
        Ok(())
    }

    /// Trusts the certificates of a file, a folder or the text itself.
    #[pymethod(sig = "($self, cafile=None, capath=None, cadata=None)")]
    fn load_verify_locations(
        cx: &Ctx,
        this: This<'_, SslContext>,
        cafile: Option<&Obj>,
        capath: Option<&Obj>,
        cadata: Option<&Obj>,
    ) -> PyResult<()> {
        if cafile.is_none() && capath.is_none() && cadata.is_none() {
            return Err(cx.type_error("cafile, capath and cadata cannot be all omitted"));
        }
        LibError::clear_all();
        let file = cafile.map(|p| path(cx, p, "cafile")).transpose()?;
        let folder = capath.map(|p| path(cx, p, "capath")).transpose()?;
        if let Some(data) = cadata {
            trust_data(cx, &this, &Data::new(cx, data)?)?;
        }
        if file.is_some() || folder.is_some() {
            let ctx = this.ptr();
            let (file, folder) = (pointer(&file), pointer(&folder));
            let ok = running::unlocked(cx, || sys!(ffi::SSL_CTX_load_verify_locations(ctx, file, folder)));
            if ok != 1 {
                return Err(errors::last_of_file(cx));
            }
        }
        Ok(())
    }

    /// Trusts the certificates of the system, or those that SSL_CERT_FILE and SSL_CERT_DIR name.
    #[pymethod]
    fn set_default_verify_paths(cx: &Ctx, this: This<'_, SslContext>) -> PyResult<()> {
        let (file, folder) = paths::chosen(cx)?;
        let ctx = this.ptr();
        // What is not there is passed over, as OpenSSL does with paths of its own.
        let null = std::ptr::null();
        running::unlocked(cx, || {
            sys!({
                ffi::SSL_CTX_load_verify_locations(ctx, file.as_ptr(), null);
                ffi::SSL_CTX_load_verify_locations(ctx, null, folder.as_ptr());
                ffi::ERR_clear_error();
            });
        });
        Ok(())
    }

    /// How many certificates, authorities among them and revocation lists are trusted, as a dict.
    ///
    /// Those of folders count once they were used.
    #[pymethod]
    fn cert_store_stats(cx: &Ctx, this: This<'_, SslContext>) -> PyResult {
        let (mut certificates, mut lists, mut authorities) = (0, 0, 0);
        for o in store_objects(cx, &this)?.items::<X509Object>() {
            match sys!(ffi::X509_OBJECT_get_type(o)) {
                CERTIFICATE => {
                    certificates += 1;
                    authorities += i32::from(sys!(ffi::X509_check_ca(ffi::X509_OBJECT_get0_X509(o))) != 0);
                }
                REVOCATION_LIST => lists += 1,
                _ => {}
            }
        }
        let d = dict::new();
        for (key, n) in [("x509", certificates), ("crl", lists), ("x509_ca", authorities)] {
            dict::set(cx, &d, &Obj::from(key), &Obj::from(n))?;
        }
        Ok(d)
    }

    /// The certificates of authorities that are trusted: dicts as of getpeercert(), or bytes in DER.
    ///
    /// Those of folders are there once they were used.
    #[pymethod(sig = "($self, binary_form=False)")]
    fn get_ca_certs(cx: &Ctx, this: This<'_, SslContext>, binary_form: bool) -> PyResult {
        let mut all = Vec::new();
        for o in store_objects(cx, &this)?.items::<X509Object>() {
            if sys!(ffi::X509_OBJECT_get_type(o)) != CERTIFICATE {
                continue;
            }
            let x = sys!(ffi::X509_OBJECT_get0_X509(o));
            if sys!(ffi::X509_check_ca(x)) != 0 {
                all.push(if binary_form { certificate::der(cx, x)? } else { decode::certificate(cx, x)? });
            }
        }
        Ok(list::new(all))
    }

    /// Loads the parameters of Diffie-Hellman key exchanges from a file in PEM.
    #[pymethod(sig = "($self, path, /)")]
    fn load_dh_params(cx: &Ctx, this: This<'_, SslContext>, path: &Obj) -> PyResult<()> {
        let path = c_string(cx, path)?;
        LibError::clear_all();
        let Some(bio) = Owned::new(sys!(ffi::BIO_new_file(path.as_ptr(), c"r".as_ptr()))) else {
            return Err(errors::last_of_file(cx));
        };
        let null = std::ptr::null_mut();
        let read = running::unlocked(cx, || sys!(ffi::PEM_read_bio_DHparams(bio.ptr(), null, None, null.cast())));
        let Some(dh) = Owned::new(read) else { return Err(errors::last_of_file(cx)) };
        if sys!(ffi::SSL_CTX_ctrl(this.ptr(), control::DH_PARAMETERS, 0, dh.ptr().cast())) == 0 {
            return Err(errors::last(cx));
        }
        LibError::clear_all();
        Ok(())
    }
}
