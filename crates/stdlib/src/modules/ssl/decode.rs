//! What a certificate says, as the dict that `getpeercert` gives.

use std::ffi::{c_char, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

use cinder_pyobj::codecs::decode_utf8;
use cinder_pyobj::types::{bytes, dict, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::ffi::{
    self, AccessDescription, Asn1Object, Asn1String, DistPoint, GeneralName, OwnedStack, Stack, X509, X509Name,
};
use crate::os::sys;

const NID_UNIQUE_IDENTIFIER: c_int = 503;
const NID_SUBJECT_ALT_NAME: c_int = 85;
const NID_CRL_DISTRIBUTION_POINTS: c_int = 103;
const NID_INFO_ACCESS: c_int = 177;
const NID_OCSP: c_int = 178;
const NID_CA_ISSUERS: c_int = 179;

/// The kinds of `GENERAL_NAME`.
mod kind {
    pub(super) const EMAIL: i32 = 1;
    pub(super) const DNS: i32 = 2;
    pub(super) const DIRECTORY: i32 = 4;
    pub(super) const URI: i32 = 6;
    pub(super) const IP: i32 = 7;
    pub(super) const REGISTERED_ID: i32 = 8;
}

/// An object identifier by name, or by number if that is asked for or it has no name.
pub(super) fn identifier(o: *const Asn1Object, numeric: bool) -> Option<String> {
    let mut buf = [0u8; 256];
    let measure = |buf: &mut [u8]| {
        sys!(ffi::OBJ_obj2txt(buf.as_mut_ptr() as *mut c_char, buf.len() as c_int, o, c_int::from(numeric)))
    };
    let n = usize::try_from(measure(&mut buf)).ok().filter(|n| *n > 0)?;
    if n < buf.len() {
        return Some(String::from_utf8_lossy(&buf[..n]).into_owned());
    }
    let mut long = vec![0u8; n + 1];
    measure(&mut long);
    Some(String::from_utf8_lossy(&long[..n]).into_owned())
}

/// One part of a name: what it is called and what it says.
fn attribute(cx: &Ctx, name: *const Asn1Object, value: *const Asn1String) -> PyResult {
    let shown = identifier(name, false).map_or_else(Obj::none, |t| Obj::from(t.as_str()));
    // The unique identifier is a string of bits.
    let value = if sys!(ffi::OBJ_obj2nid(name)) == NID_UNIQUE_IDENTIFIER {
        bytes::new(&ffi::string_bytes(value))
    } else {
        let mut p = std::ptr::null_mut();
        let n = sys!(ffi::ASN1_STRING_to_UTF8(&mut p, value));
        if n < 0 {
            return Err(super::errors::last(cx));
        }
        let text = decode_utf8(cx, sys!(std::slice::from_raw_parts(p, n as usize)));
        ffi::free(p);
        text?
    };
    Ok(tuple::new(vec![shown, value]))
}

/// A name as a tuple of its levels, which are tuples of parts.
fn name(cx: &Ctx, n: *const X509Name) -> PyResult {
    let mut levels = Vec::new();
    let mut level: Vec<Obj> = Vec::new();
    let mut set = -1;
    for i in 0..sys!(ffi::X509_NAME_entry_count(n)) {
        let e = sys!(ffi::X509_NAME_get_entry(n, i));
        let its = sys!(ffi::X509_NAME_ENTRY_set(e));
        if set >= 0 && its != set {
            levels.push(tuple::new(std::mem::take(&mut level)));
        }
        set = its;
        level.push(attribute(cx, sys!(ffi::X509_NAME_ENTRY_get_object(e)), sys!(ffi::X509_NAME_ENTRY_get_data(e)))?);
    }
    if !level.is_empty() {
        levels.push(tuple::new(level));
    }
    Ok(tuple::new(levels))
}

/// An IP address as Python has always shown them: IPv6 in eight groups, none left out.
fn address(b: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(b) {
        return Ipv4Addr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(b) {
        Ok(v6) => Ipv6Addr::from(v6).segments().map(|s| format!("{s:X}")).join(":"),
        Err(_) => "<invalid>".to_owned(),
    }
}

/// One alternative name: its kind and what it says.
fn alternative(cx: &Ctx, n: *const GeneralName) -> PyResult {
    let (kind, value) = sys!(((*n).kind, (*n).value));
    let bytes = || ffi::string_bytes(value as *const Asn1String);
    let (label, value) = match kind {
        kind::EMAIL => ("email", decode_utf8(cx, &bytes())?),
        kind::DNS => ("DNS", decode_utf8(cx, &bytes())?),
        kind::URI => ("URI", decode_utf8(cx, &bytes())?),
        kind::DIRECTORY => ("DirName", name(cx, value as *const X509Name)?),
        kind::IP => ("IP Address", Obj::from(address(&bytes()).as_str())),
        kind::REGISTERED_ID => {
            let id = identifier(value as *const Asn1Object, false);
            ("Registered ID", Obj::from(id.as_deref().unwrap_or("<INVALID>")))
        }
        _ => {
            let shown = ffi::printed(|b| {
                sys!(ffi::GENERAL_NAME_print(b, n));
            });
            let shown = String::from_utf8_lossy(&shown).into_owned();
            let (label, value) = shown.split_once(':').unwrap_or((&shown, ""));
            return Ok(tuple::new(vec![Obj::from(label), Obj::from(value)]));
        }
    };
    Ok(tuple::new(vec![Obj::from(label), value]))
}

/// The addresses among names that are addresses.
fn addresses(cx: &Ctx, names: Vec<*const GeneralName>) -> PyResult<Vec<Obj>> {
    names
        .into_iter()
        .filter(|n| sys!((**n).kind) == kind::URI)
        .map(|n| decode_utf8(cx, &ffi::string_bytes(sys!((*n).value) as *const Asn1String)))
        .collect()
}

/// An extension that is a list.
fn extension(x: *const X509, nid: c_int, free: unsafe extern "C" fn(*mut std::ffi::c_void)) -> Option<OwnedStack> {
    let list = sys!(ffi::X509_get_ext_d2i(x, nid, std::ptr::null_mut(), std::ptr::null_mut()));
    OwnedStack::new(list as *mut Stack, free)
}

/// What to ask for the certificate's state, or where to get its issuer's certificate.
fn access(cx: &Ctx, list: &OwnedStack, method: c_int) -> PyResult<Option<Obj>> {
    let locations = list
        .items::<AccessDescription>()
        .into_iter()
        .filter(|d| sys!(ffi::OBJ_obj2nid((**d).method)) == method)
        .map(|d| sys!((*d).location));
    let found = addresses(cx, locations.collect())?;
    Ok((!found.is_empty()).then(|| tuple::new(found)))
}

/// Where the revocation lists are.
fn distribution_points(cx: &Ctx, x: *const X509) -> PyResult<Option<Obj>> {
    let Some(list) = extension(x, NID_CRL_DISTRIBUTION_POINTS, ffi::DIST_POINT_free) else { return Ok(None) };
    let mut names = Vec::new();
    for point in list.items::<DistPoint>() {
        let name = sys!((*point).name);
        // Another kind of name is relative to the issuer's.
        if !name.is_null() && sys!((*name).kind) == 0 {
            names.extend(ffi::items::<GeneralName>(sys!((*name).names)).into_iter().map(|p| p.cast_const()));
        }
    }
    let found = addresses(cx, names)?;
    Ok((!found.is_empty()).then(|| tuple::new(found)))
}

/// The dict of a certificate.
pub(super) fn certificate(cx: &Ctx, x: *mut X509) -> PyResult {
    let d = dict::new();
    let set = |key: &str, value: Obj| dict::set(cx, &d, &Obj::from(key), &value);
    set("subject", name(cx, sys!(ffi::X509_get_subject_name(x)))?)?;
    set("issuer", name(cx, sys!(ffi::X509_get_issuer_name(x)))?)?;
    set("version", Obj::from(sys!(ffi::X509_get_version(x)) + 1))?;
    let number = ffi::printed(|b| {
        sys!(ffi::i2a_ASN1_INTEGER(b, ffi::X509_get_serialNumber(x)));
    });
    set("serialNumber", decode_utf8(cx, &number)?)?;
    let time = |t: *const Asn1String| {
        decode_utf8(
            cx,
            &ffi::printed(|b| {
                sys!(ffi::ASN1_TIME_print(b, t));
            }),
        )
    };
    set("notBefore", time(sys!(ffi::X509_get0_notBefore(x)))?)?;
    set("notAfter", time(sys!(ffi::X509_get0_notAfter(x)))?)?;
    if let Some(names) = extension(x, NID_SUBJECT_ALT_NAME, ffi::GENERAL_NAME_free) {
        let all =
            names.items::<GeneralName>().into_iter().map(|n| alternative(cx, n)).collect::<PyResult<Vec<Obj>>>()?;
        set("subjectAltName", tuple::new(all))?;
    }
    if let Some(list) = extension(x, NID_INFO_ACCESS, ffi::ACCESS_DESCRIPTION_free) {
        for (key, method) in [("OCSP", NID_OCSP), ("caIssuers", NID_CA_ISSUERS)] {
            if let Some(found) = access(cx, &list, method)? {
                set(key, found)?;
            }
        }
    }
    if let Some(found) = distribution_points(cx, x)? {
        set("crlDistributionPoints", found)?;
    }
    Ok(d)
}
