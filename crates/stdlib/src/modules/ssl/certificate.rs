//! `Certificate`: an X.509 certificate of a connection's chain.

use cinder_pyobj::codecs::decode_utf8;
use cinder_pyobj::heap::{Traverse, Visitor, new_instance};
use cinder_pyobj::native::{PyClass, This, pyclass, pymethods};
use cinder_pyobj::types::{CmpOp, bytes, list};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::ffi::{self, Owned, Stack, X509};
use super::{decode, errors};
use crate::os::sys;

/// The encodings of `public_bytes`.
pub(super) const ENCODING_PEM: i32 = 1;
pub(super) const ENCODING_DER: i32 = 2;

/// A name as RFC 2253 writes it, in UTF-8.
const RFC_2253: std::ffi::c_ulong = 0x0111_0317;

/// An X.509 certificate.
#[pyclass(name = "Certificate", module = "_ssl", flags(no_new))]
pub(crate) struct Certificate {
    x: Owned<X509>,
}

impl Traverse for Certificate {
    const HOLDS_REFERENCES: bool = false;
    fn traverse(&self, _: &mut Visitor<'_>) {}
}

/// A new reference to a certificate.
fn another(x: *mut X509) -> Option<Owned<X509>> {
    if x.is_null() || sys!(ffi::X509_up_ref(x)) != 1 {
        return None;
    }
    Owned::new(x)
}

/// References to the certificates of a list.
pub(super) fn owned(certificates: *const Stack) -> Vec<Owned<X509>> {
    ffi::items::<X509>(certificates).into_iter().filter_map(another).collect()
}

/// Certificates as a list of objects; None for none.
pub(super) fn list_or_none(certificates: Option<Vec<Owned<X509>>>) -> Obj {
    let new = |x| new_instance(Certificate::type_object(), Certificate { x });
    certificates.map_or_else(Obj::none, |all| list::new(all.into_iter().map(new).collect()))
}

/// A certificate in DER.
pub(super) fn der(cx: &Ctx, x: *const X509) -> PyResult {
    match ffi::der(|p| sys!(ffi::i2d_X509(x, p))) {
        Some(v) => Ok(bytes::new(&v)),
        None => Err(errors::last(cx)),
    }
}

#[pymethods]
impl Certificate {
    fn __repr__(_cx: &Ctx, this: This<'_, Certificate>) -> PyResult<String> {
        let subject = ffi::printed(|b| {
            sys!(ffi::X509_NAME_print_ex(b, ffi::X509_get_subject_name(this.x.ptr()), 0, RFC_2253));
        });
        Ok(format!("<_ssl.Certificate '{}'>", String::from_utf8_lossy(&subject)))
    }

    fn __hash__(_cx: &Ctx, this: This<'_, Certificate>) -> PyResult<i64> {
        Ok(sys!(ffi::X509_subject_name_hash(this.x.ptr())) as i64)
    }

    fn __richcmp__(_cx: &Ctx, this: This<'_, Certificate>, other: &Obj, op: CmpOp) -> Obj {
        let Some(other) = other.downcast::<Certificate>() else { return Obj::not_implemented() };
        let same = sys!(ffi::X509_cmp(this.x.ptr(), other.x.ptr())) == 0;
        match op {
            CmpOp::Eq => Obj::from_bool(same),
            CmpOp::Ne => Obj::from_bool(!same),
            _ => Obj::not_implemented(),
        }
    }

    /// The certificate as a text in PEM or as bytes in DER.
    #[pymethod(sig = "($self, format=Encoding.PEM, /)")]
    fn public_bytes(cx: &Ctx, this: This<'_, Certificate>, format: Option<&Obj>) -> PyResult {
        let x = this.x.ptr();
        match format.map_or(Ok(i64::from(ENCODING_PEM)), |f| f.to_i64(cx))? as i32 {
            ENCODING_PEM => {
                let text = ffi::printed(|b| {
                    sys!(ffi::PEM_write_bio_X509(b, x));
                });
                decode_utf8(cx, &text)
            }
            ENCODING_DER => der(cx, x),
            _ => Err(cx.value_error("Unsupported format")),
        }
    }

    /// What the certificate says, as a dict.
    #[pymethod]
    fn get_info(cx: &Ctx, this: This<'_, Certificate>) -> PyResult {
        decode::certificate(cx, this.x.ptr())
    }
}
