//! Pickling of arrays in a machine-independent form.

use cinder_pyobj::native::This;
use cinder_pyobj::types::bytes;
use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, int, tuple};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use super::code::{Code, Kind};
use super::{Array, make};

/// The number of an item format, as pickles carry it: kind and size of the items and their byte order.
fn format_code(code: Code) -> i64 {
    match (code.kind(), code.size()) {
        (Kind::Unsigned, 1) => 0,
        (Kind::Signed, 1) => 1,
        (Kind::Unsigned, 2) => 2,
        (Kind::Signed, 2) => 4,
        (Kind::Unsigned, 4) => 6,
        (Kind::Signed, 4) => 8,
        (Kind::Unsigned, _) => 10,
        (Kind::Signed, _) => 12,
        (Kind::Float, 4) => 14,
        (Kind::Float, _) => 16,
        (Kind::Char, _) => 20,
    }
}

/// Kind, size and whether the bytes are big-endian, of a format number.
fn format_of(n: i64) -> Option<(Kind, usize, bool)> {
    Some(match n {
        0 => (Kind::Unsigned, 1, false),
        1 => (Kind::Signed, 1, false),
        2 | 3 => (Kind::Unsigned, 2, n == 3),
        4 | 5 => (Kind::Signed, 2, n == 5),
        6 | 7 => (Kind::Unsigned, 4, n == 7),
        8 | 9 => (Kind::Signed, 4, n == 9),
        10 | 11 => (Kind::Unsigned, 8, n == 11),
        12 | 13 => (Kind::Signed, 8, n == 13),
        14 | 15 => (Kind::Float, 4, n == 15),
        16 | 17 => (Kind::Float, 8, n == 17),
        18 | 19 => (Kind::Char, 2, n == 19),
        20 | 21 => (Kind::Char, 4, n == 21),
        _ => return None,
    })
}

pub(super) fn reduce_ex(cx: &Ctx, this: This<'_, Array>, protocol: &Obj) -> PyResult {
    let protocol = protocol.to_i64(cx)?;
    let ty = this.obj().type_of().as_obj();
    let state = dict::instance_dict(cx, this.obj())?.unwrap_or_else(Obj::none);
    let letter = Obj::from(this.code.letter().to_string().as_str());
    if protocol < 3 {
        let items = super::methods::to_list(cx, this)?;
        return Ok(tuple::new(vec![ty, tuple::pair(letter, items), state]));
    }
    let rebuild = (cx.host().import)(cx, "array")?.get_attr(cx, intern!("_array_reconstructor"))?;
    let args = vec![ty, letter, Obj::from(format_code(this.code)), bytes::new(&this.store.to_vec())];
    Ok(tuple::new(vec![rebuild, tuple::new(args), state]))
}

pub(super) fn reconstruct(cx: &Ctx, class: &Obj, letter: &Obj, format: &Obj, items: &Obj) -> PyResult {
    let Some(ty) = class.as_type() else {
        return Err(cx.type_error(format!("first argument must be a type object, not {}", class.type_of().name())));
    };
    if !ty.payload_is::<Array>() {
        return Err(cx.type_error(format!("{} is not a subtype of array.array", ty.name())));
    }
    let text = as_utf8_lossy(letter);
    let mut chars = text.chars();
    let code = match (chars.next().and_then(Code::new), chars.next()) {
        (Some(c), None) => c,
        _ => return Err(cx.value_error("second argument must be a valid type code")),
    };
    let Some((kind, size, big)) = format_of(format.to_i64(cx)?) else {
        return Err(cx.value_error("third argument must be a valid machine format code."));
    };
    let Some(raw) = bytes::as_bytes(items) else {
        return Err(cx.type_error(format!("fourth argument should be bytes, not {}", items.type_of().name())));
    };
    if !raw.len().is_multiple_of(size) {
        return Err(cx.value_error("string length not a multiple of item size"));
    }
    if kind == code.kind() && size == code.size() && !big {
        return Ok(make(ty, code, raw.to_vec()));
    }
    let a = make(ty, code, Vec::new());
    let Some(array) = a.downcast::<Array>() else { return Ok(a) };
    if matches!(kind, Kind::Char) && size == 2 {
        // UTF-16: pairs of surrogates are one character each.
        let encoding = if big { "utf-16-be" } else { "utf-16-le" };
        let text = cinder_pyobj::codecs::decode(cx, items, encoding, "strict")?;
        text.for_each(cx, |c| array.push(cx, &c))?;
        return Ok(a);
    }
    for chunk in raw.chunks(size) {
        let mut word = [0u8; 8];
        for (i, b) in chunk.iter().enumerate() {
            word[if big { size - 1 - i } else { i }] = *b;
        }
        let n = u64::from_le_bytes(word);
        let bits = 64 - 8 * size as u32;
        let x = match kind {
            Kind::Unsigned => Obj::from(n),
            Kind::Signed => Obj::from((n << bits) as i64 >> bits),
            Kind::Float if size == 4 => Obj::from(f32::from_bits(n as u32) as f64),
            Kind::Float => Obj::from(f64::from_bits(n)),
            Kind::Char => cinder_pyobj::types::str::from_char(n.min(0x10ffff) as u32),
        };
        if int::is_int(&x) && code.is_char() {
            return Err(cx.type_error("array item must be a unicode character, not int"));
        }
        array.push(cx, &x)?;
    }
    Ok(a)
}
