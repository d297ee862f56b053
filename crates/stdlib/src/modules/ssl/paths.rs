//! Where the system keeps the certificates that it trusts.
//!
//! An OpenSSL that comes with the system knows; this one is linked in, so the places that systems use are tried. They
//! are the same ones that other programs with an OpenSSL of their own try.

use std::ffi::{CStr, CString};
use std::path::Path;

use cinder_pyobj::codecs::encode_fs;
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

/// The variables that name other places.
pub(super) const FILE_VARIABLE: &str = "SSL_CERT_FILE";
pub(super) const FOLDER_VARIABLE: &str = "SSL_CERT_DIR";

/// A file with all certificates, and a folder with one in each file, named by a hash of its subject.
type Place = (&'static CStr, &'static CStr);

/// Those of Debian, Arch, Alpine and SUSE come first, then Fedora and its kin, then bundles without a folder.
const PLACES: [Place; 5] = [
    (c"/etc/ssl/cert.pem", c"/etc/ssl/certs"),
    (c"/etc/pki/tls/cert.pem", c"/etc/pki/tls/certs"),
    (c"/etc/ssl/certs/ca-certificates.crt", c"/etc/ssl/certs"),
    (c"/etc/ssl/ca-bundle.pem", c"/etc/ssl/certs"),
    (c"/etc/pki/tls/certs/ca-bundle.crt", c"/etc/pki/tls/certs"),
];

fn path(p: &'static CStr) -> &'static Path {
    Path::new(p.to_str().unwrap_or_default())
}

/// Whether a folder holds certificates under the names by which OpenSSL looks for them.
fn is_hashed(folder: &Path) -> bool {
    let is_hash = |name: &[u8]| {
        name.len() > 9 && name[..8].iter().all(u8::is_ascii_hexdigit) && name[8] == b'.' && name[9].is_ascii_digit()
    };
    std::fs::read_dir(folder).is_ok_and(|all| all.flatten().any(|e| is_hash(e.file_name().as_encoded_bytes())))
}

/// The file and the folder of this system.
pub(super) fn of_system() -> Place {
    PLACES.into_iter().find(|(file, folder)| path(file).is_file() || is_hashed(path(folder))).unwrap_or(PLACES[0])
}

/// The file and the folder to trust: what the environment names, otherwise those of the system.
pub(super) fn chosen(cx: &Ctx) -> PyResult<(CString, CString)> {
    let environment = (cx.host().import)(cx, "os")?.get_attr(cx, intern!("environ"))?;
    let named = |variable: &str, default: &'static CStr| {
        let value = environment.call_method(cx, intern!("get"), &[Obj::from(variable)])?;
        if value.is_none() {
            return Ok(default.to_owned());
        }
        Ok(CString::new(encode_fs(cx, &value)?).unwrap_or_default())
    };
    let (file, folder) = of_system();
    Ok((named(FILE_VARIABLE, file)?, named(FOLDER_VARIABLE, folder)?))
}
