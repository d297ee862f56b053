//! Objects of ASN.1 by number and by name.

use std::ffi::CString;

use cinder_pyobj::types::tuple;
use cinder_pyobj::{Ctx, Obj, PyResult};

use super::decode::identifier;
use super::errors::LibError;
use super::ffi::{self, Asn1Object, Owned};
use crate::os::sys;

/// Number, short name, long name and identifier.
fn describe(cx: &Ctx, o: *const Asn1Object) -> PyResult {
    let nid = sys!(ffi::OBJ_obj2nid(o));
    if nid == 0 {
        return Err(cx.value_error("Unknown object"));
    }
    let text = |t: Option<String>| t.map_or_else(Obj::none, |t| Obj::from(t.as_str()));
    let (short, long) = sys!((ffi::OBJ_nid2sn(nid), ffi::OBJ_nid2ln(nid)));
    Ok(tuple::new(vec![Obj::from(nid), text(ffi::text(short)), text(ffi::text(long)), text(identifier(o, true))]))
}

/// The object of a text: an identifier, or a name if that is allowed.
pub(super) fn by_text(cx: &Ctx, text: &str, names: bool) -> PyResult {
    let Ok(c) = CString::new(text) else { return Err(cx.value_error("embedded null character")) };
    let found = Owned::new(sys!(ffi::OBJ_txt2obj(c.as_ptr(), i32::from(!names))));
    match found {
        Some(o) => describe(cx, o.ptr()),
        None => {
            LibError::clear_all();
            Err(cx.value_error(format!("unknown object '{}'", text.chars().take(100).collect::<String>())))
        }
    }
}

/// The object of a number.
pub(super) fn by_number(cx: &Ctx, nid: i32) -> PyResult {
    // Zero is the number of an object that stands for "unknown".
    if nid < 0 {
        return Err(cx.value_error("NID must be positive."));
    }
    let found = sys!(ffi::OBJ_nid2obj(nid));
    if found.is_null() {
        LibError::clear_all();
        return Err(cx.value_error(format!("unknown NID {nid}")));
    }
    describe(cx, found)
}
