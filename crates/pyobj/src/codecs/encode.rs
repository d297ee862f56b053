//! What encoders share.

use super::errors::{self, Errors, Replacement};
use crate::ctx::{Ctx, PyResult};
use crate::types::str::Str;
use crate::value::Obj;

/// Encodes a string code point by code point, sending runs that do not fit to the error handler.
///
/// `put` writes one code point, or returns false if it cannot; `joined` tells whether a run of such code
/// points is one error. Replacement bytes must be a multiple of `unit` long.
pub(crate) fn by_code_point(
    cx: &Ctx,
    object: &Obj,
    s: &Str,
    errors: &Errors,
    encoding: &str,
    reason: &str,
    (joined, unit): (bool, usize),
    mut put: impl FnMut(&mut Vec<u8>, u32) -> bool,
) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len() * unit);
    let mut scratch = Vec::new();
    let mut i = 0;
    while let Some(c) = s.get(i) {
        if put(&mut out, c) {
            i += 1;
            continue;
        }
        let mut end = i + 1;
        while joined && s.get(end).is_some_and(|c| !put(&mut scratch, c)) {
            end += 1;
        }
        scratch.clear();
        let (rep, next) = errors::on_encode(cx, errors, encoding, object, (i, end), reason)?;
        let strict = || errors::raise(cx, errors::encode_exception(cx, encoding, object, i, end, reason));
        match rep {
            Replacement::Bytes(b) => {
                if b.len() % unit != 0 {
                    return Err(strict());
                }
                out.extend_from_slice(&b);
            }
            Replacement::Text(t) => {
                let codes = t.downcast::<Str>().map(Str::code_points);
                for c in codes.into_iter().flatten() {
                    if !put(&mut out, c) {
                        return Err(strict());
                    }
                }
            }
        }
        i = next;
    }
    Ok(out)
}
