//! `_ssl`: TLS by OpenSSL, which is built from source and linked in.
//!
//! - [`context`], [`settings`], [`loading`], [`psk`]: `_SSLContext`, what connections share
//! - [`socket`], [`info`]: `_SSLSocket`, a connection; [`transport`]: what it reads from and writes to; [`turn`]: one
//!   thread at a time
//! - [`bio`], [`session`], [`certificate`], [`decode`]: the other classes
//! - [`callbacks`], [`keylog`]: what OpenSSL calls back
//! - [`errors`], [`constants`], [`objects`], [`paths`], [`distrusted`]: the rest of the module; [`ffi`]: OpenSSL's C interface

mod bio;
mod callbacks;
mod certificate;
mod constants;
mod context;
mod decode;
mod distrusted;
mod errors;
mod ffi;
mod info;
mod keylog;
mod loading;
mod objects;
mod paths;
mod psk;
mod session;
mod settings;
mod socket;
mod transport;
mod turn;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::bytes::{self, BytesLike};
use cinder_pyobj::types::str::{Name, Str};
use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

use crate::os::args::c_string;
use crate::os::{add_ints, sys};

/// Load the texts of errors; leave nothing to be cleaned up at exit, where other threads may still be at work.
const INIT: u64 = 0x20_0000 | 2 | 0x8_0000;

/// Major, minor, fix, patch and status of a version number.
fn version_parts(n: u64) -> Obj {
    let parts = [(n >> 28) & 0xff, (n >> 20) & 0xff, (n >> 12) & 0xff, (n >> 4) & 0xff, n & 0xf];
    tuple::new(parts.map(Obj::from).to_vec())
}

/// TLS. Use the module ssl instead.
#[pymodule(
    name = "_ssl",
    classes(
        super::context::SslContext,
        super::socket::SslSocket,
        super::bio::MemoryBio,
        super::session::SslSession,
        super::certificate::Certificate,
    )
)]
pub(crate) mod module {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        sys!(ffi::OPENSSL_init_ssl(INIT, std::ptr::null()));
        let set = |name: &str, value: &Obj| module.set_attr(cx, Name::new(name), value);
        add_ints(cx, module, constants::NUMBERS)?;
        for (name, can) in constants::ABILITIES {
            set(name, &Obj::from_bool(*can))?;
        }
        for (name, class) in errors::all() {
            set(name, &class.as_obj())?;
        }
        let number = sys!(ffi::OpenSSL_version_num());
        set("OPENSSL_VERSION_NUMBER", &Obj::from(number))?;
        set("OPENSSL_VERSION_INFO", &version_parts(number))?;
        set("_OPENSSL_API_VERSION", &version_parts(number))?;
        set("OPENSSL_VERSION", &Obj::from(ffi::text(sys!(ffi::OpenSSL_version(0))).unwrap_or_default().as_str()))?;
        set("_DEFAULT_CIPHERS", &Obj::from(context::DEFAULT_CIPHERS.to_str().unwrap_or_default()))
    }

    /// Mixes bytes into the generator of random numbers, with how much is unknown about them.
    #[pyfunction(sig = "(string, entropy, /)")]
    fn RAND_add(cx: &Ctx, string: &Obj, entropy: f64) -> PyResult<()> {
        let data = if string.downcast::<Str>().is_some() {
            cinder_pyobj::types::str::as_utf8_lossy(string).as_bytes().to_vec()
        } else {
            BytesLike::new(cx, string)?.to_vec()
        };
        for part in data.chunks(i32::MAX as usize) {
            sys!(ffi::RAND_add(part.as_ptr().cast(), part.len() as i32, entropy));
        }
        Ok(())
    }

    /// So many random bytes, fit for keys.
    #[pyfunction(sig = "(n, /)")]
    fn RAND_bytes(cx: &Ctx, n: i32) -> PyResult {
        let Ok(len) = usize::try_from(n) else { return Err(cx.value_error("num must be positive")) };
        let mut v = Vec::new();
        if v.try_reserve_exact(len).is_err() {
            return Err(cx.no_memory());
        }
        v.resize(len, 0);
        errors::LibError::clear_all();
        if sys!(ffi::RAND_bytes(v.as_mut_ptr(), n)) != 1 {
            return Err(errors::last(cx));
        }
        Ok(bytes::new(&v))
    }

    /// Whether the generator of random numbers has been seeded well enough.
    #[pyfunction]
    fn RAND_status() -> bool {
        sys!(ffi::RAND_status()) == 1
    }

    /// The names of environment variables and the paths that say where trusted certificates are.
    #[pyfunction]
    fn get_default_verify_paths() -> Obj {
        let (file, folder) = paths::of_system();
        let text = |c: &std::ffi::CStr| Obj::from(c.to_str().unwrap_or_default());
        tuple::new(vec![Obj::from(paths::FILE_VARIABLE), text(file), Obj::from(paths::FOLDER_VARIABLE), text(folder)])
    }

    /// The object of a text: number, short name, long name and identifier.
    #[pyfunction(sig = "(txt, name=False)")]
    fn txt2obj(cx: &Ctx, txt: &str, name: bool) -> PyResult {
        objects::by_text(cx, txt, name)
    }

    /// The object of a number: number, short name, long name and identifier.
    #[pyfunction(sig = "(nid, /)")]
    fn nid2obj(cx: &Ctx, nid: i32) -> PyResult {
        objects::by_number(cx, nid)
    }

    /// What a certificate in a file says, as getpeercert() shows it.
    #[pyfunction(sig = "(path, /)")]
    fn _test_decode_cert(cx: &Ctx, path: &Obj) -> PyResult {
        let path = c_string(cx, path)?;
        let fail = |message: &str| {
            errors::LibError::clear_all();
            cx.raise(<errors::SslError as cinder_pyobj::native::PyClass>::type_object(), message)
        };
        let file = ffi::Owned::new(sys!(ffi::BIO_new_file(path.as_ptr(), c"r".as_ptr())));
        let Some(file) = file else { return Err(fail("Can't open file")) };
        let null = std::ptr::null_mut();
        let x = ffi::Owned::new(sys!(ffi::PEM_read_bio_X509(file.ptr(), null, None, null.cast())));
        let Some(x) = x else { return Err(fail("Error decoding PEM-encoded file")) };
        decode::certificate(cx, x.ptr())
    }
}
